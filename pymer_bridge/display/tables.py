r"""Rows of a result as text, HTML, Markdown or LaTeX.

One small engine, which knows nothing of statistics: a :class:`Table` holds typed columns and
plain cells, and shows them the way R prints a data frame.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from pymer_bridge.display.r_numbers import (
    check_digits,
    common_format,
    format_numbers,
    format_p_values,
)

Cell = str | float | int | bool | None
_Rows = tuple[tuple[Cell, ...], ...]

_NUMBER = re.compile(r"(<?)\s*(-?)(?:(\d+(?:\.\d+)?)(?:e([+-]\d+))?|Inf)", re.ASCII)
_TABLE_STYLE = "border-collapse: collapse; font-variant-numeric: tabular-nums"
_NOTE_STYLE = "font-size: smaller; opacity: 0.8; margin: 0.2em 0; white-space: pre-wrap"
_LATEX = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
    | {"\N{MINUS SIGN}": "$-$", "\N{INFINITY}": r"$\infty$"}
    | {"\N{SUPERSCRIPT TWO}": r"\textsuperscript{2}"}
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name
        The machine name, for example "std_error".
    label
        What a reader sees, for example "Std. Error".
    kind
        How cells are shown: "text" to the left, the others to the right.
    digits
        Significant digits; None takes the table's (for p-values one less, at most 5, as R's
        ``printCoefmat`` does).
    scale
        Columns of numbers with the same word here are in the same units, and are rounded alike.

    Examples
    --------
    >>> Column("std_error", "Std. Error").kind
    'number'
    """

    name: str
    label: str
    kind: Literal["text", "integer", "number", "p_value"] = "number"
    digits: int | None = None
    scale: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    r"""Columns and rows, ready to be shown.

    A cell that is None is left blank, a bool is shown as in R, and a string is shown as it is
    in a column of any kind. Control characters never reach the output: text shows them
    escaped (a newline as ``\n``), the other formats as a space.

    Parameters
    ----------
    columns
        The columns.
    rows
        The rows, each with one cell per column.
    title
        Line above the table.
    notes
        Lines below the table.
    digits
        Default significant digits.
    max_rows
        Text and HTML show at most this many rows, from both ends, and format the numbers by
        what is shown; None shows all. Markdown and LaTeX always show all.

    Raises
    ------
    ValueError
        If a row has not one cell per column, or `digits` or `max_rows` is out of range.

    Examples
    --------
    >>> columns = (Column("term", "", "text"), Column("estimate", "Estimate"))
    >>> table = Table(columns, (("(Intercept)", 251.405), ("Days", 10.467)), title="Fixed effects")
    >>> print(table.to_text())
    Fixed effects
                Estimate
    (Intercept)   251.41
    Days           10.47
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    notes: tuple[str, ...] = ()
    digits: int = 4
    max_rows: int | None = 60

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ValueError(
                    f"row {number} has {len(row)} cells for {len(self.columns)} columns"
                )
        for digits in (self.digits, *(c.digits for c in self.columns if c.digits is not None)):
            check_digits(digits)
        if self.max_rows is not None and self.max_rows < 1:
            raise ValueError(f"max_rows must be at least 1 or None, not {self.max_rows!r}")

    def to_text(self) -> str:
        """Return the table as plain text, in the manner of R's printed data frames.

        Examples
        --------
        >>> print(Table((Column("n", "n", "integer"),), ((8,), (12,)), notes=("Two.",)).to_text())
         n
         8
        12
        Two.
        """
        head, tail, hidden = self._ends()
        grid = [[tame(cell, _escape) for cell in row] for row in self._strings(head + tail)]
        lines = _aligned(grid, self._right_aligned(), " ")
        if hidden and lines:
            lines.insert(1 + len(head), _more_rows(hidden))
        above = self.title.split("\n") if self.title else []
        below = [line for note in self.notes for line in note.split("\n")]
        tamed = [[tame(line, _escape) for line in outside] for outside in (above, below)]
        return "\n".join([*tamed[0], *lines, *tamed[1]])

    def to_html(self) -> str:
        """Return the table as HTML, styled inline to be readable on light and dark pages.

        Examples
        --------
        >>> print(Table((Column("n", "n", "integer"),), ((8,),)).to_html().splitlines()[0])
        <div class="pymer-bridge" style="overflow-x: auto">
        """
        head, tail, hidden = self._ends()
        header, *body = self._strings(head + tail)
        right = self._right_aligned()
        rows = [_html_row(row, right) for row in body]
        if hidden:
            gap = f'<td colspan="{len(right)}" style="text-align: center; opacity: 0.7">'
            rows.insert(len(head), f"<tr>{gap}{_more_rows(hidden)}</td></tr>")
        lines = ['<div class="pymer-bridge" style="overflow-x: auto">']
        caption = f'<caption style="text-align: left">{_html_text(self.title)}</caption>'
        if self.columns or self.title:
            lines += [f'<table style="{_TABLE_STYLE}">', *([caption] if self.title else [])]
            lines += [f"<thead>{_html_row(header, right, header=True)}</thead>"]
            lines += ["<tbody>", *rows, "</tbody>", "</table>"]
        lines += [f'<p style="{_NOTE_STYLE}">{_html_text(note)}</p>' for note in self.notes]
        return "\n".join([*lines, "</div>"])

    def to_markdown(self) -> str:
        """Return the table as a GitHub pipe table, with all of its rows.

        Examples
        --------
        >>> print(Table((Column("n", "n", "integer"),), ((8,), (12,))).to_markdown())
        |   n |
        | --: |
        |   8 |
        |  12 |
        """
        grid = [[_markdown_text(cell) for cell in row] for row in self._strings(self.rows)]
        right = self._right_aligned()
        grid.insert(1, ["--:" if is_right else ":--" for is_right in right])
        blocks = [f"**{_markdown_text(self.title)}**"] if self.title.strip() else []
        if self.columns:
            blocks.append("\n".join(f"| {line} |" for line in _aligned(grid, right, " | ")))
        # Emphasis also keeps a note from being read as a list, a heading or a quotation.
        blocks += [f"*{_markdown_text(note)}*" for note in self.notes if note.strip()]
        return "\n\n".join(blocks)

    def to_latex(self) -> str:
        r"""Return the table as a LaTeX ``tabular`` for the booktabs package, with all rows.

        A title or notes put it into a ``table`` environment, the title as its caption.

        Examples
        --------
        >>> print(Table((Column("t", "t value"),), ((-2.601,),)).to_latex())
        \begin{tabular}{r}
        \toprule
        t value \\
        \midrule
        $-2.601$ \\
        \bottomrule
        \end{tabular}
        """
        header, *body = self._strings(self.rows)
        right = self._right_aligned()
        shows = [_latex_number if is_right else _latex_text for is_right in right]
        rows = [[show(cell) for show, cell in zip(shows, row, strict=True)] for row in body]
        lines = [
            rf"\begin{{tabular}}{{{''.join('r' if is_right else 'l' for is_right in right)}}}",
            r"\toprule",
            _latex_row([_latex_text(label) for label in header]),
            r"\midrule",
            *map(_latex_row, rows),
            r"\bottomrule",
            r"\end{tabular}",
        ]
        if not self.columns:
            lines = []
        if self.title or self.notes:
            caption = [rf"\caption{{{_latex_text(self.title)}}}"] if self.title else []
            lines = [r"\begin{table}[htbp]", r"\centering", *caption, *lines]
            lines += [rf"\par{{\footnotesize {_latex_text(note)}\par}}" for note in self.notes]
            lines.append(r"\end{table}")
        return "\n".join(lines)

    def formatters(self) -> dict[str, Callable[[float], str]]:
        """Return what writes a number of each column as the table does, by the column's name.

        Examples
        --------
        >>> Table((Column("t", "t value"),), ((-2.601,), (1.5,))).formatters()["t"](1.5)
        '1.500'
        """
        made: dict[str, Callable[[float], str]] = {}
        places = self._places(self.rows)
        for i, column in enumerate(self.columns):
            if column.kind == "text":
                continue
            known = [row[i] for row in self.rows]
            spec = places.get(i) or common_format(
                [float(v) for v in known if isinstance(v, int | float) and isfinite(v)],
                column.digits or self.digits,
            )

            def write(value: Cell, column: Column = column, spec: str = spec) -> str:
                return _column_strings(column, [value], self.digits, spec)[0]

            made[column.name] = write
        return made

    def _right_aligned(self) -> list[bool]:
        return [column.kind != "text" for column in self.columns]

    def _ends(self) -> tuple[_Rows, _Rows, int]:
        """Return the first and last rows to show, and how many are left out between them."""
        if self.max_rows is None or len(self.rows) <= self.max_rows:
            return self.rows, (), 0
        head, hidden = (self.max_rows + 1) // 2, len(self.rows) - self.max_rows
        return self.rows[:head], self.rows[head + hidden :], hidden

    def _strings(self, rows: _Rows) -> list[list[str]]:
        """Return the header and the rows as strings, each column formatted as a whole."""
        places = self._places(rows)
        columns = [
            [c.label, *_column_strings(c, [row[i] for row in rows], self.digits, places.get(i))]
            for i, c in enumerate(self.columns)
        ]
        return [[column[i] for column in columns] for i in range(len(rows) + 1)]

    def _places(self, rows: _Rows) -> dict[int, str]:
        """Return the format of each column that is rounded like others, by its place."""
        scales: dict[str, list[int]] = {}
        for i, column in enumerate(self.columns):
            if column.kind == "number" and column.scale:
                scales.setdefault(column.scale, []).append(i)
        return {
            i: spec
            for together in scales.values()
            if len(together) > 1 and (spec := self._joint_format(rows, together))
            for i in together
        }

    def _joint_format(self, rows: _Rows, together: Sequence[int]) -> str:
        """Return the format that shows standard errors, else the larger figure of each row."""
        errors = [i for i in together if self.columns[i].name.endswith("std_error")]
        found: list[list[float]] = []
        for row in rows:
            given = [row[i] for i in (errors or together)]
            found.append([abs(float(v)) for v in given if isinstance(v, float) and isfinite(v)])
        leading = [max(row) for row in found if any(row)]
        digits = max(self.columns[i].digits or self.digits for i in together)
        return common_format(leading, digits)


def _column_strings(
    column: Column, cells: Sequence[Cell], digits: int, spec: str | None
) -> list[str]:
    numbers = [None if isinstance(cell, str | bool) else cell for cell in cells]
    if column.kind == "p_value":
        shown = format_p_values(numbers, column.digits or max(1, min(5, digits - 1)))
        # R has a space there in wide columns only.
        shown = [re.sub("^< ?", "< ", text) for text in shown]
    elif column.kind == "number":
        shown = format_numbers(numbers, column.digits or digits, spec)
    else:
        shown = [_single_number(number, column.digits or digits) for number in numbers]
    plain = {True: "TRUE", False: "FALSE"}
    return [
        cell if isinstance(cell, str) else plain[cell] if isinstance(cell, bool) else number
        for cell, number in zip(cells, shown, strict=True)
    ]


def _single_number(value: float | None, digits: int) -> str:
    """Format a number that stands for itself: whole ones, such as counts, in full."""
    if isinstance(value, int):
        return str(value)
    if value is not None and abs(value) < 1e15 and value.is_integer():
        return str(int(value))
    return format_numbers([value], digits)[0]


def _more_rows(hidden: int) -> str:
    return f"... ({hidden} more row{'s' if hidden > 1 else ''})"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def tame(text: str, replace: Callable[[str], str] = lambda _: " ") -> str:
    r"""Replace what would break a line or cannot be written: controls, lone surrogates.

    Examples
    --------
    >>> tame("one\ttwo")
    'one two'
    """
    if text.isascii() and text.isprintable():
        return text
    unwanted = ("Cc", "Cs", "Zl", "Zp")
    return "".join(replace(c) if unicodedata.category(c) in unwanted else c for c in text)


def _width(text: str) -> int:
    """Return the places that text takes in a terminal; East Asian characters may take two."""
    if text.isascii():
        return len(text)
    shown = [c for c in text if unicodedata.category(c) not in ("Mn", "Me", "Cf")]
    return len(shown) + sum(unicodedata.east_asian_width(c) in "WF" for c in shown)


def _aligned(grid: list[list[str]], right: list[bool], separator: str) -> list[str]:
    """Pad every column to one width and join the cells of each row."""
    widths = [max(_width(row[i]) for row in grid) for i in range(len(right))]
    lines = []
    for row in grid:
        pads = [" " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
        cells = zip(row, pads, right, strict=True)
        lines.append(separator.join(pad + cell if r else cell + pad for cell, pad, r in cells))
    return lines if right else []


def _html_text(text: str) -> str:
    return html.escape(tame(text))


def _html_row(row: list[str], right: list[bool], *, header: bool = False) -> str:
    cells = []
    for i, (text, is_right) in enumerate(zip(row, right, strict=True)):
        style = f"padding: 0.2em 0.6em; text-align: {'right' if is_right else 'left'}"
        if header:
            tag, scope = "th", ' scope="col"'
            style += "; border-bottom: 1px solid currentColor"
        elif i == 0 and not is_right:  # a text column that comes first names the rows
            tag, scope = "th", ' scope="row"'
            style += "; font-weight: normal"
        else:
            tag, scope = "td", ""
            style += "; white-space: nowrap" if is_right else ""
        cells.append(f'<{tag}{scope} style="{style}">{_html_text(text)}</{tag}>')
    return f"<tr>{''.join(cells)}</tr>"


def _markdown_text(text: str) -> str:
    text = re.sub(r"([\\`*_\[\]|~$])", r"\\\1", tame(text).strip())
    # What could begin a tag or an entity, and that alone. An entity rather than a backslash for
    # "<": Python's own renderer takes no backslash before it.
    text = re.sub(r"&(?=#|[A-Za-z])", "&amp;", text)
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)


def _latex_text(text: str) -> str:
    return tame(text).translate(_LATEX)


def _latex_number(text: str) -> str:
    """Typeset a formatted number, in math where it has a sign, an exponent or a "<"."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return _latex_text(text)
    less, minus, mantissa, exponent = match.groups()
    if mantissa == text:
        return text
    infinity = r"\infty"
    power = rf" \times 10^{{{int(exponent)}}}" if exponent else ""
    less = "< " if less else ""
    return f"${less}{minus}{mantissa or infinity}{power}$"


def _latex_row(cells: list[str]) -> str:
    line = " & ".join(cells)
    # What precedes a row (a rule, or the end of a row) would take these for its own argument.
    guard = "{}" if line.lstrip().startswith(("[", "*")) else ""
    return rf"{guard}{line} \\"
