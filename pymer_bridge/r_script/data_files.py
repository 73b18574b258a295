"""A data frame as a file that plain R reads back to the last bit, and the R text that reads it.

Pure text: columns are parts, as in :mod:`pymer_bridge.data.columns`. Numbers stand in decimal
digits where R is sure to read them to the last bit, otherwise in hexadecimal ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pymer_bridge.data.columns import NA_INTEGER, Part
from pymer_bridge.r_script import syntax

_MISSING: Final = ("NA", "<NA>", "#N/A", "(missing)")
_CLASSES: Final = {"factor": "character", "datetime": "numeric", "duration": "numeric"}
"""By kind of column: the class as which R reads it at first, if that has another name."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data frame of a script.

    Attributes
    ----------
    variable
        What it is called in R.
    names, parts
        Its columns.
    orders
        For columns of strings, by name: the order that R gave them as levels.
    """

    variable: str
    names: tuple[str, ...]
    parts: tuple[Part, ...]
    orders: Mapping[str, Sequence[str]]

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return len(self.parts[0]["values"]) if self.parts else 0

    def to_r(self) -> dict[str, Any]:
        """Return the nested mapping that ``frame_from_parts()`` in R takes."""
        return {"names": self.names, "n_rows": self.n_rows, "parts": self.parts}


def same_part(one: Part, other: Part) -> bool:
    """Say whether two columns are the same, to the last bit."""
    if one.keys() != other.keys() or one["kind"] != other["kind"]:
        return False
    a, b = np.asarray(one["values"]), np.asarray(other["values"])
    if a.shape != b.shape or a.astype(np.float64).tobytes() != b.astype(np.float64).tobytes():
        return False
    return all(
        _listed(one[key]) == _listed(other[key]) for key in one if key not in ("kind", "values")
    )


def _listed(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    return list(value) if isinstance(value, tuple | list) else value


def part_from_r(record: Mapping[str, Any]) -> Part:
    """Take a column as ``frame_to_parts()`` in R gives it: scalars come as vectors of one."""
    part = dict(record)
    for name in ("kind", "timezone", "ordered"):
        if name in part:
            part[name] = part[name][0]
    if "ordered" in part:
        part["ordered"] = bool(part["ordered"] == 1)
    if "levels" in part:
        part["levels"] = list(part["levels"])
    return part


def _texts_of(part: Part) -> list[str]:
    return list(part["levels"]) if part["kind"] in ("character", "factor") else []


def _awkward(texts: Sequence[str]) -> bool:
    """Say whether some text has control characters, such as ends of lines."""
    return any(ord(letter) < 32 or ord(letter) == 127 for text in texts for letter in text)


def missing_text(data: DataSet) -> str:
    """Choose how a missing value is written: as a text that the data do not have."""
    taken = {text.strip() for part in data.parts for text in _texts_of(part)}
    for candidate in _MISSING:
        if candidate not in taken:
            return candidate
    return next(f"NA{i}" for i in range(len(taken) + 1) if f"NA{i}" not in taken)


def csv_text(data: DataSet) -> str:
    """Write the data as comma-separated values: a line of names, then a line a row."""
    missing = missing_text(data)
    columns = [_cells(part, missing) for part in data.parts]
    header = ",".join(_quoted(" ".join(name.split()) or name) for name in data.names)
    return "\n".join([header, *map(",".join, zip(*columns, strict=True)), ""])


def _quoted(text: str) -> str:
    # The names in the first line are for readers only: R gets them from the script.
    visible = "".join(letter if letter.isprintable() else "?" for letter in text)
    return '"' + (text if text == visible else visible).replace('"', '""') + '"'


def _cells(part: Part, missing: str) -> list[str]:
    values = np.asarray(part["values"])
    kind = part["kind"]
    if kind in ("character", "factor"):
        texts = _texts_of(part)
        if _awkward(texts):
            return [missing if code == NA_INTEGER else str(code) for code in values.tolist()]
        quoted = ['"' + text.replace('"', '""') + '"' for text in texts]
        return [missing if code == NA_INTEGER else quoted[code - 1] for code in values.tolist()]
    if kind == "logical":
        return [
            missing if value == NA_INTEGER else "TRUE" if value else "FALSE"
            for value in values.astype(np.int32).tolist()
        ]
    if kind == "integer":
        return [missing if value == NA_INTEGER else str(value) for value in values.tolist()]
    return _numbers(values.astype(np.float64), missing)


def _numbers(values: NDArray[np.float64], missing: str) -> list[str]:
    """Write all numbers in decimal digits, or all in hexadecimal ones if one needs that."""
    written = {
        value: _number(value) for value in np.unique(values).tolist() if not math.isnan(value)
    }
    written |= {0.0: None} if (np.signbit(values) & (values == 0)).any() else {}
    if all(text is not None for text in written.values()):
        return [missing if math.isnan(value) else str(written[value]) for value in values.tolist()]
    return [missing if math.isnan(value) else _hexadecimal(value) for value in values.tolist()]


def _number(value: float) -> str | None:
    return ("Inf" if value > 0 else "-Inf") if math.isinf(value) else syntax.decimal(value)


def _hexadecimal(value: float) -> str:
    return ("Inf" if value > 0 else "-Inf") if math.isinf(value) else value.hex()


def reading_csv(data: DataSet, file: str) -> list[str]:
    """Write the R lines that read the file of :func:`csv_text` and set kinds and levels."""
    classes = [
        "integer" if _awkward(_texts_of(part)) else _CLASSES.get(part["kind"], part["kind"])
        for part in data.parts
    ]
    missing = missing_text(data)
    lines = [
        syntax.assign(
            data.variable,
            syntax.call(
                "read.csv",
                syntax.string(file),
                col_names=syntax.vector(data.names),
                check_names="FALSE",
                colClasses=syntax.vector(classes),
                na_strings=None if missing == "NA" else syntax.string(missing),
                encoding=syntax.string("UTF-8"),
            ),
        )
    ]
    for name, part in zip(data.names, data.parts, strict=True):
        lines += _setting(syntax.element(data.variable, name), part)
    return lines + checking_order(data)


def _setting(column: str, part: Part) -> list[str]:
    kind = part["kind"]
    if kind == "datetime":
        zone = syntax.string(part["timezone"])
        return [syntax.assign(column, syntax.call(".POSIXct", column, tz=zone))]
    if kind == "duration":
        return [
            syntax.assign(column, syntax.call("as.difftime", column, units=syntax.string("secs")))
        ]
    texts = _texts_of(part)
    if kind == "factor":
        ordered = "TRUE" if part["ordered"] else None
        if _awkward(texts):
            made = syntax.call(
                "factor",
                column,
                levels=syntax.vector(range(1, len(texts) + 1)),
                labels=syntax.vector(texts),
                ordered=ordered,
            )
        else:
            made = syntax.call("factor", column, levels=_levels(texts), ordered=ordered)
        return [syntax.assign(column, made)]
    if _awkward(texts):
        values = syntax.render(syntax.call("c", *map(syntax.string, texts)))
        return [f"{column} <- {values}[{column}]"]
    return []


def _levels(texts: Sequence[str]) -> syntax.Node:
    """Write levels; whole numbers without quotes, where R makes the same text of them."""
    if not texts:
        return "character()"
    if all(
        text.isascii() and text.isdigit() and str(int(text)) == text and len(text) < 6
        for text in texts
    ):
        return syntax.vector([int(text) for text in texts])
    return syntax.vector(texts)


INLINE: Final = frozenset({"numeric", "integer", "logical", "character", "factor"})


def can_stand_inline(parts: Sequence[Part]) -> bool:
    """Say whether columns can be written into a script, see :func:`inline`."""
    return all(part["kind"] in INLINE for part in parts)


def inline(names: Sequence[str], parts: Sequence[Part]) -> syntax.Node:
    """Write a small data frame as a call of data.frame()."""
    columns = zip(names, map(_inline_column, parts), strict=True)
    return syntax.named("data.frame", (*columns, ("check.names", "FALSE")))


def _inline_column(part: Part) -> syntax.Node:
    kind, values = part["kind"], np.asarray(part["values"]).tolist()
    if kind in ("numeric", "integer", "logical"):
        if kind == "numeric":
            atoms = ["NA" if math.isnan(value) else syntax.number(value) for value in values]
        elif kind == "integer":
            atoms = ["NA" if value == NA_INTEGER else f"{value}L" for value in values]
        else:
            atoms = ["NA" if v == NA_INTEGER else "TRUE" if v else "FALSE" for v in values]
        return syntax.call("c", *atoms)
    texts = _texts_of(part)
    atoms = ["NA" if code == NA_INTEGER else syntax.string(texts[code - 1]) for code in values]
    written = syntax.call("c", *atoms)
    if kind == "character":
        return written
    ordered = "TRUE" if part["ordered"] else None
    return syntax.call("factor", written, levels=syntax.vector(texts), ordered=ordered)


def checking_order(data: DataSet) -> list[str]:
    """Write the R lines that give strings the order of levels that they had.

    R takes that order from the locale.
    """
    lines: list[str] = []
    for name in data.names:
        order = data.orders.get(name)
        if order is None or _ordered_everywhere(order):
            continue
        column = syntax.element(data.variable, name)
        used = syntax.render(syntax.vector(order), before=15)
        lines += syntax.fill("order", COLUMN=column, LEVELS=used)
    return lines


def _ordered_everywhere(texts: Sequence[str]) -> bool:
    """Say whether all locales sort these texts alike: one beginning, then as many digits."""
    if len(texts) < 2:
        return True
    beginning = texts[0].rstrip("0123456789")
    return beginning.isascii() and all(
        len(text) == len(texts[0])
        and text.startswith(beginning)
        and text[len(beginning) :].isdigit()
        and text.isascii()
        for text in texts
    )
