"""Tables as text, HTML, Markdown and LaTeX, and R's number formats."""

from __future__ import annotations

import dataclasses
import math
import platform
import random
import re
import subprocess
import unicodedata
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.latex import compile_latex, needs_latex
from pymer_bridge.display.r_numbers import format_numbers, format_p_values
from pymer_bridge.display.tables import Cell, Column, Table

INF, NAN = math.inf, math.nan

COEFFICIENTS = Table(
    (
        Column("term", "", "text"),
        Column("estimate", "Estimate"),
        Column("df", "df", digits=3),
        Column("n", "n", "integer"),
        Column("p_value", "Pr(>|t|)", "p_value"),
    ),
    (("(Intercept)", -17.579095, 48.0, 50, 0.0123), ("speed", 3.932409, None, 123456, 1e-30)),
    title="Fixed effects",
    notes=("Two of 100% of rows.",),
)


# -- numbers, against R -----------------------------------------------------------------------


def from_r(expression: str, cases: Sequence[tuple[Sequence[float], int]]) -> list[list[str]]:
    """Evaluate an R expression in `x` and `d` for each case, the doubles going over in hex."""
    lines = "\n".join(f"{digits} {' '.join(v.hex() for v in values)}" for values, digits in cases)
    # R reads "inf" and "nan" as such, and hexadecimal without rounding.
    program = (
        'for (line in readLines(file("stdin"))) { parts <- strsplit(line, " ")[[1]];'
        " d <- as.integer(parts[1]); x <- as.numeric(parts[-1]);"
        f' cat(trimws({expression}), sep = "\\t"); cat("\\n") }}'
    )
    done = subprocess.run(
        ["Rscript", "--vanilla", "-e", program],
        input=lines + "\n",
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(answers) == len(cases)
    return answers


def ordinary_vectors(n: int) -> list[tuple[list[float], int]]:
    rng = random.Random(20221110)
    sources: tuple[Callable[[], float], ...] = (
        lambda: rng.gauss(0, 1) * 10 ** rng.uniform(-6, 6),
        lambda: float(rng.randint(-(10**6), 10**6)),
        lambda: rng.randint(-999, 999) / 1000,
        lambda: math.ldexp(rng.uniform(-1, 1), rng.randint(-1000, 1000)),
        lambda: float("9" * rng.randint(1, 15)) / 10 ** rng.randint(0, 15),
        lambda: rng.choice((0.0, -0.0, 1.0, 1e5, 123456.0, 5e-324, 1.7e308, INF, -INF, NAN)),
    )
    return [
        (
            [rng.choice(sources)() for _ in range(rng.randint(1, 6))],
            rng.randint(1, 15) if rng.random() < 0.8 else rng.randint(16, 22),
        )
        for _ in range(n)
    ]


def near_ties(n: int) -> list[tuple[list[float], int]]:
    """Doubles nearest to decimals that end in 5 just after the last digit asked for."""
    rng = random.Random(745)
    cases = []
    for _ in range(n):
        digits = rng.randint(1, 15)
        decimal = f"{rng.randint(10 ** (digits - 1), 10**digits - 1)}5"
        exponent = rng.randint(-12, 27) - digits
        cases.append(([float(f"{decimal}e{exponent}"), 1.0][: rng.randint(1, 2)], digits))
    return cases


@pytest.mark.r
def test_numbers_are_formatted_as_r_formats_them() -> None:
    cases = ordinary_vectors(2000)
    answers = from_r("format(x, digits = d)", cases)
    assert [format_numbers(values, digits) for values, digits in cases] == answers


@pytest.mark.r
@pytest.mark.skipif(platform.machine() != "x86_64", reason="ties follow x86's long double")
def test_numbers_near_a_tie_are_rounded_as_r_rounds_them() -> None:
    cases = near_ties(5000)
    answers = from_r("format(x, digits = d)", cases)
    assert [format_numbers(values, digits) for values, digits in cases] == answers
    # The cases are hard: exact decimal rounding gets some of them wrong.
    assert any(
        len(values) == 1 and float(answer[0]) != float(f"{values[0]:.{digits - 1}e}")
        for (values, digits), answer in zip(cases, answers, strict=True)
    )


@pytest.mark.r
def test_p_values_are_formatted_as_r_formats_them() -> None:
    rng = random.Random(3)
    edges = (0.0, 1.0, 1e-3, 1e-4, 9.9996e-5, 0.05, 0.9999, 2.2e-16, 2.19e-16, 1e-300, NAN)
    cases = [
        (
            [
                rng.choice((rng.random(), 10 ** rng.uniform(-20, 0), rng.choice(edges)))
                for _ in range(rng.randint(1, 6))
            ],
            rng.choice((1, 2, 3, 3, 3, 4, 5, 8)),
        )
        for _ in range(2000)
    ]
    answers = from_r("format.pval(x, digits = d, eps = 2.2e-16)", cases)
    assert [format_p_values(values, digits) for values, digits in cases] == answers


# -- numbers, by themselves -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "digits", "expected"),
    [
        ([251.405, 10.467], 4, ["251.41", "10.47"]),
        ([1.0, None, 2.5], 4, ["1.0", "", "2.5"]),
        ([NAN, INF, -INF, None], 4, ["NaN", "Inf", "-Inf", ""]),
        ([-0.0], 4, ["0"]),
        ([1e5], 4, ["1e+05"]),
        ([123456.0], 4, ["123456"]),
        ([9996.0, 99999.4], 3, ["9996", "99999"]),
        ([99999.7], 3, ["1e+05"]),
        ([1e-10, 1], 3, ["1e-10", "1e+00"]),
        ([0.15], 1, ["0.1"]),
        ([5e-324, 1e308], 3, ["4.94e-324", "1.00e+308"]),
        ([7], 3, ["7"]),
        ([], 3, []),
        ([None], 3, [""]),
    ],
)
def test_numbers(values: list[float | None], digits: int, expected: list[str]) -> None:
    assert format_numbers(values, digits) == expected


@pytest.mark.parametrize("digits", [0, -1, 23])
def test_digits_out_of_range(digits: int) -> None:
    with pytest.raises(ValueError, match="digits must be from 1 to 22"):
        format_numbers([1.0], digits)
    with pytest.raises(ValueError, match="digits must be from 1 to 22"):
        format_p_values([1.0], digits)


def test_p_values_leave_blank_what_does_not_apply() -> None:
    assert format_p_values([None, 0.5, None]) == ["", "0.5", ""]
    assert format_p_values([0.0]) == ["<2e-16"]
    assert format_p_values([NAN, 0.04]) == ["NA", "0.04"]


@given(st.lists(st.floats() | st.none(), max_size=5), st.integers(1, 22))
def test_formatted_numbers_share_their_notation(values: list[float | None], digits: int) -> None:
    shown = format_numbers(values, digits)
    pairs = [(v, s) for v, s in zip(values, shown, strict=True) if v is not None]
    finite = [(v, s) for v, s in pairs if math.isfinite(v)]
    for value, string in finite:
        # The largest doubles, rounded up, are no longer doubles.
        assert math.isinf(float(string)) or float(string) == pytest.approx(
            value, rel=0.51 * 10 ** (1 - digits), abs=1e-323
        )
    assert len({"e" in s for _, s in finite}) <= 1
    assert len({len(s.partition("e")[0].partition(".")[2]) for _, s in finite}) <= 1


# -- the table itself -------------------------------------------------------------------------


def test_table_is_frozen_and_checked() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        COEFFICIENTS.digits = 3  # type: ignore[misc]
    with pytest.raises(ValueError, match="row 1 has 2 cells for 1 columns"):
        Table((Column("a", "a"),), ((1.0,), (1.0, 2.0)))
    with pytest.raises(ValueError, match="digits must be"):
        Table((), (), digits=0)
    with pytest.raises(ValueError, match="digits must be"):
        Table((Column("a", "a", digits=30),), ())
    with pytest.raises(ValueError, match="max_rows must be"):
        Table((), (), max_rows=0)


def test_cells_of_every_kind() -> None:
    kinds = (Column("t", "t", "text"), Column("i", "i", "integer"), Column("x", "x"))
    rows: tuple[tuple[Cell, ...], ...] = (
        ("a", 100000, 0.5),
        (True, 2.0, "-"),
        (100000, 2.5, False),
        (0.123456, NAN, None),
        (None, 10**18, INF),
    )
    assert Table(kinds, rows).to_text().splitlines() == [
        "t                        i     x",
        "a                   100000   0.5",
        "TRUE                     2     -",
        "100000                 2.5 FALSE",
        "0.1235                 NaN      ",
        "       1000000000000000000   Inf",
    ]


def test_p_values_take_one_digit_less_than_the_table_as_in_r() -> None:
    column = Column("p", "p", "p_value")
    assert Table((column,), ((0.0123456,),), digits=5).to_text() == "      p\n0.01235"
    assert Table((column,), ((0.0123456,),), digits=9).to_text() == "       p\n0.012346"
    exact = dataclasses.replace(column, digits=2)
    assert Table((exact,), ((0.0123456,),)).to_text() == "    p\n0.012"


# -- text -------------------------------------------------------------------------------------


def test_text_looks_like_a_coefficient_table_of_r() -> None:
    assert COEFFICIENTS.to_text() == (
        "Fixed effects\n"
        "            Estimate df      n Pr(>|t|)\n"
        "(Intercept)  -17.579 48     50   0.0123\n"
        "speed          3.932    123456  < 2e-16\n"
        "Two of 100% of rows."
    )


@pytest.mark.r
def test_text_is_what_r_prints() -> None:
    table = Table(
        (Column("term", "", "text"), Column("a", "a"), Column("n", "n", "integer")),
        (("x1", 1.23456789, 3), ("long name", -12345.6789, 12), ("z", 0.00123, 100000)),
        digits=5,
    )
    program = (
        "print(data.frame(a = c(1.23456789, -12345.6789, 0.00123), n = c(3L, 12L, 100000L),"
        ' row.names = c("x1", "long name", "z")), digits = 5)'
    )
    done = subprocess.run(
        ["Rscript", "--vanilla", "-e", program], capture_output=True, text=True, check=True
    )
    assert table.to_text() == done.stdout.removesuffix("\n")


def numbered(n: int, max_rows: int | None) -> Table:
    columns = (Column("i", "i", "integer"),)
    return Table(columns, tuple((i,) for i in range(n)), max_rows=max_rows)


def test_long_tables_show_both_ends() -> None:
    assert numbered(6, 3).to_text().splitlines() == ["i", "0", "1", "... (3 more rows)", "5"]
    assert numbered(4, 3).to_text().splitlines()[3] == "... (1 more row)"
    assert numbered(5, 1).to_text().splitlines() == ["i", "0", "... (4 more rows)"]
    assert numbered(100, None).to_text().count("\n") == 100
    assert numbered(100, 100).to_text().count("\n") == 100
    page = numbered(6, 3).to_html()
    assert page.count("<tr>") == 1 + 3 + 1
    assert page.index(">1<") < page.index("... (3 more rows)") < page.index(">5<")
    assert "more row" not in numbered(100, 3).to_markdown() + numbered(100, 3).to_latex()
    assert numbered(100, 3).to_markdown().count("\n") == 101


def test_empty_tables() -> None:
    assert Table((), ()).to_text() == ""
    assert Table((Column("a", "a"),), ()).to_text() == "a"
    notes_only = Table((), (), notes=("one", "two"))
    assert notes_only.to_text() == "one\ntwo"
    assert notes_only.to_markdown() == "*one*\n\n*two*"
    assert "<table" not in notes_only.to_html()
    assert "tabular" not in notes_only.to_latex()


def width(line: str) -> int:
    invisible = ("Mn", "Me", "Cf")
    return sum(
        0 if unicodedata.category(c) in invisible else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in line
    )


def test_wide_and_combining_characters_are_aligned() -> None:
    table = Table(
        (Column("t", "t", "text"), Column("n", "n", "integer")),
        (("学校", 1), ("e\u0301a", 2), ("\uff41", 3), ("abcd", 4)),
    )
    assert table.to_text().split("\n") == [
        "t    n",
        "学校 1",
        "e\u0301a   2",
        "\uff41   3",
        "abcd 4",
    ]


any_text = st.text(max_size=8)
any_cell = any_text | st.floats() | st.integers(-(10**20), 10**20) | st.booleans() | st.none()
kinds = st.sampled_from(("text", "integer", "number", "p_value"))


@st.composite
def tables(draw: st.DrawFn) -> Table:
    columns = draw(st.lists(st.builds(Column, any_text, any_text, kinds), min_size=1, max_size=4))
    row = st.tuples(*(any_cell for _ in columns))
    rows = draw(st.lists(row, max_size=5))
    notes = draw(st.lists(any_text, max_size=2))
    return Table(tuple(columns), tuple(rows), draw(any_text), tuple(notes))


@given(tables())
def test_all_lines_of_the_body_are_equally_wide(table: Table) -> None:
    bare = dataclasses.replace(table, title="", notes=())
    text = bare.to_text()
    lines = text.split("\n")
    assert len(lines) == 1 + len(table.rows)
    assert len({width(line) for line in lines}) == 1
    assert len(lines) == len(f"{text}.".splitlines())  # no other line break is left


# -- HTML -------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """Collect the tags, the attributes and the text of every cell."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data


def test_html_has_its_parts_and_no_colours() -> None:
    page = COEFFICIENTS.to_html()
    read = Reader(page)
    assert read.open == []
    assert [tag for tag, _ in read.tags].count("table") == 1
    assert {"div", "caption", "thead", "tbody", "p"} <= {tag for tag, _ in read.tags}
    assert read.tags[0][1]["class"] == "pymer-bridge"
    assert [a["scope"] for _, a in read.tags if "scope" in a] == ["col"] * 5 + ["row"] * 2
    assert read.cells[:5] == ["", "Estimate", "df", "n", "Pr(>|t|)"]
    assert read.cells[5:] == [
        *("(Intercept)", "-17.579", "48", "50", "0.0123"),
        *("speed", "3.932", "", "123456", "< 2e-16"),
    ]
    assert "tabular-nums" in page
    assert page.count("text-align: right") == 3 * 4
    assert not re.search(r"#[0-9a-f]{3}|rgb|background|[^-]color:", page, re.IGNORECASE)


@given(tables())
def test_html_lets_nothing_through(table: Table) -> None:
    page = table.to_html()
    assert set(re.findall(r"<(.*?)[\s>]", page)) <= {
        *("div", "table", "caption", "thead", "tbody", "tr", "th", "td", "p"),
        *("/div", "/table", "/caption", "/thead", "/tbody", "/tr", "/th", "/td", "/p"),
    }
    read = Reader(page)
    assert read.open == []
    assert len(read.cells) == len(table.columns) * (1 + len(table.rows))
    page.encode()  # no lone surrogate is left that could not be written


def test_html_escapes() -> None:
    table = Table(
        (Column("a", "<b>", "text"),),
        (('<script>alert("&")</script>',),),
        title="<i>",
        notes=("</p>",),
    )
    page = table.to_html()
    assert "&lt;script&gt;alert(&quot;&amp;&quot;)&lt;/script&gt;" in page
    assert "&lt;b&gt;" in page
    assert "&lt;i&gt;</caption>" in page
    assert "&lt;/p&gt;</p>" in page


# -- Markdown ---------------------------------------------------------------------------------


def test_markdown() -> None:
    assert COEFFICIENTS.to_markdown().split("\n") == [
        "**Fixed effects**",
        "",
        "|             | Estimate |  df |      n | Pr(>\\|t\\|) |",
        "| :--         |      --: | --: |    --: |        --: |",
        "| (Intercept) |  -17.579 |  48 |     50 |     0.0123 |",
        "| speed       |    3.932 |     | 123456 |    < 2e-16 |",
        "",
        "*Two of 100% of rows.*",
    ]


def test_markdown_escapes() -> None:
    table = Table((Column("a", "a", "text"),), (("x|y\n`z` *b* _c_ <d> [e] \\",),))
    row = table.to_markdown().split("\n")[2]
    assert row == r"| x\|y \`z\` \*b\* \_c\_ &lt;d> \[e\] \\ |"


@given(tables())
def test_markdown_keeps_its_shape(table: Table) -> None:
    shown = dataclasses.replace(table, title="", notes=()).to_markdown()
    assert not re.search(r"<[A-Za-z/!?]|&(?!amp;|lt;)[A-Za-z#]", shown)
    lines = shown.split("\n")
    assert len(lines) == len(shown.splitlines()) == 2 + len(table.rows)
    for line in lines:
        unescaped = re.sub(r"\\.", "", line)
        assert unescaped.count("|") == len(table.columns) + 1
        assert "`" not in unescaped


# -- LaTeX ------------------------------------------------------------------------------------


def test_latex() -> None:
    assert COEFFICIENTS.to_latex().split("\n") == [
        r"\begin{table}[htbp]",
        r"\centering",
        r"\caption{Fixed effects}",
        r"\begin{tabular}{lrrrr}",
        r"\toprule",
        r" & Estimate & df & n & Pr(\textgreater{}\textbar{}t\textbar{}) \\",
        r"\midrule",
        r"(Intercept) & $-17.579$ & 48 & 50 & 0.0123 \\",
        r"speed & 3.932 &  & 123456 & $< 2 \times 10^{-16}$ \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\par{\footnotesize Two of 100\% of rows.\par}",
        r"\end{table}",
    ]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (-2.5, "$-2.5$"),
        (1.49e-12, r"$1.49 \times 10^{-12}$"),
        (-1e30, r"$-1 \times 10^{30}$"),
        (INF, r"$\infty$"),
        (-INF, r"$-\infty$"),
        (NAN, "NaN"),
        ("-", "-"),
        ("< 2e-16", r"$< 2 \times 10^{-16}$"),
        ("<2e-16", r"$< 2 \times 10^{-16}$"),
        ("a_b", r"a\_b"),
        ("R²", r"R\textsuperscript{2}"),
        (None, ""),
    ],
)
def test_latex_numbers(cell: Cell, expected: str) -> None:
    rows = Table((Column("t", "t", "text"), Column("x", "x")), (("r", cell),)).to_latex()
    assert rows.split("\n")[4] == rf"r & {expected} \\"


def test_latex_escapes() -> None:
    column = Column("a", "a", "text")
    row = Table((column,), ((r"&%$#_{}~^\ a-b -1",),)).to_latex().split("\n")[4]
    specials = r"\&\%\$\#\_\{\}\textasciitilde{}\textasciicircum{}\textbackslash{}"
    assert row == specials + r" a-b -1 \\"
    # A row may not begin with what the preceding command would take for its own argument.
    for start in ("[", "*", " [x"):
        assert Table((column,), ((start,),)).to_latex().split("\n")[4] == f"{{}}{start} \\\\"


@given(tables())
def test_latex_keeps_its_shape(table: Table) -> None:
    lines = dataclasses.replace(table, title="", notes=()).to_latex().splitlines()
    assert len(lines) == 6 + len(table.rows)
    for line in [lines[2], *lines[4:-2]]:
        plain = re.sub(r"\\(text\w+\{\}|[&%$#_{}])", "", line)
        assert plain.endswith(r" \\")
        assert plain.count("&") == len(table.columns) - 1
        outside_math = re.sub(r"\$(< )?-?[\d.]*(\\infty)?( \\times 10\^\{-?\d+\})?\$", "", plain)
        assert not re.search(r"[%$#_~^]", outside_math)


@pytest.mark.slow
@needs_latex
def test_latex_compiles(tmp_path: Path) -> None:
    nasty = Table((Column("a", "[a]", "text"),), ((r"[x] &%$#_{}~^\ <|>",), ("*b",)), title="a_b")
    body = "\n".join((COEFFICIENTS.to_latex(), nasty.to_latex()))
    compile_latex(body, tmp_path)


# -- speed ------------------------------------------------------------------------------------


def test_long_tables_format_only_what_they_show(monkeypatch: pytest.MonkeyPatch) -> None:
    formatted: list[int] = []

    def counting(values: Sequence[float | None], digits: int, spec: str | None) -> list[str]:
        formatted.append(len(values))
        return format_numbers(values, digits, spec)

    monkeypatch.setattr("pymer_bridge.display.tables.format_numbers", counting)
    table = Table((Column("x", "x"),), ((0.1,),) * 100_000)
    table.to_text()
    table.to_html()
    assert formatted == [60, 60]


def test_a_table_is_whole():
    columns = (Column("a", "A"), Column("b", "B"))
    with pytest.raises(ValueError, match="row 1 has 1 cells for 2 columns"):
        Table(columns, ((1, 2), (3,)))
    with pytest.raises(ValueError, match="max_rows must be at least 1 or None, not 0"):
        Table(columns, ((1, 2),), max_rows=0)
    with pytest.raises(ValueError, match="digits must be from 1 to 22, not 0"):
        Table(columns, ((1, 2),), digits=0)
