"""What patsy, statsmodels, bambi and Python write in formulas is answered with what R writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

import pymer_bridge as pb
from pymer_bridge.errors import DataConversionError, FormulaError, PymerError
from pymer_bridge.spec import formula_hints
from pymer_bridge.spec.formula_safety import ALLOWED_CALLS

SPLINE = "lme4 has no smooth terms: write ns(x, df = 3), a natural spline"
BEFORE = "compute the column in Python before the fit, group by group"
ALONE = "write the column's name alone: columns are those of data="

# What stands in the formula, the function that is refused, and what is said.
TERMS: dict[str, tuple[str, str]] = {
    "C(g)": ("C", "write factor(g) instead"),
    "C( g )": ("C", "write factor(g) instead"),
    "C(a.b)": ("C", "write factor(a.b) instead"),
    "C(g, Treatment)": ("C", 'write g, a Categorical, and contrasts={"g": "contr.treatment"}'),
    "C(g, Treatment('a'))": ("C", 'write relevel(factor(g), ref = "a") instead'),
    'C(g, Treatment("a b"))': ("C", 'write relevel(factor(g), ref = "a b") instead'),
    "C(g, Treatment(reference='a'))": ("C", 'write relevel(factor(g), ref = "a") instead'),
    "C(g, Treatment(2))": ("C", 'write relevel(factor(g), ref = "2") instead'),
    "C(g, Sum)": ("C", 'contrasts={"g": "contr.sum"} beside the formula'),
    "C(g, Helmert)": ("C", 'contrasts={"g": "contr.helmert"} beside the formula'),
    "C(g, Poly)": ("C", 'contrasts={"g": "contr.poly"} beside the formula'),
    "C(g, Diff)": ("C", 'contrasts={"g": a matrix} beside the formula'),
    "C(g, contr.sum)": ("C", 'contrasts={"g": "contr.sum"} beside the formula'),
    "Sum(g)": ("Sum", 'contrasts={"g": "contr.sum"} beside the formula'),
    "Q('my col')": ("Q", "write `my col` instead"),
    'Q("my col")': ("Q", "write `my col` instead"),
    "categorical(g)": ("categorical", "write factor(g) instead"),
    "pd.Categorical(g)": ("pd.Categorical", "write factor(g) instead"),
    "pandas.Categorical(g)": ("pandas.Categorical", "write factor(g) instead"),
    "g.astype('category')": ("g.astype", "write factor(g) instead"),
    "center(x)": ("center", "write scale(x, scale = FALSE) instead"),
    "standardize(x)": ("standardize", "write scale(x) instead"),
    "zscore(x)": ("zscore", "write scale(x) instead"),
    "np.log(x)": ("np.log", "write log(x) instead"),
    "np.log(x + (1))": ("np.log", "write log(x + (1)) instead"),
    "numpy.log1p(x)": ("numpy.log1p", "write log1p(x) instead"),
    "math.sqrt(x)": ("math.sqrt", "write sqrt(x) instead"),
    "np.exp(-x)": ("np.exp", "write exp(-x) instead"),
    "np.abs(x)": ("np.abs", "write abs(x) instead"),
    "np.power(x, 2)": ("np.power", "write I(x^2) instead"),
    "pow(x, 3)": ("pow", "write I(x^3) instead"),
    "np.square(x)": ("np.square", "write I(x^2) instead"),
    "np.where(x > 0, 1, 0)": ("np.where", "write ifelse(x > 0, 1, 0) instead"),
    "np.where(f(x, 'a,b') > 0, 1, 0)": ("np.where", "write ifelse(f(x, 'a,b') > 0, 1, 0) instead"),
    "np.maximum(x, 0)": ("np.maximum", "write pmax(x, 0) instead"),
    "np.minimum(x, z)": ("np.minimum", "write pmin(x, z) instead"),
    "np.ceil(x)": ("np.ceil", "write ceiling(x) instead"),
    "np.std(x)": ("np.std", "write sd(x) instead"),
    "pd.cut(x, 3)": ("pd.cut", "write cut(x, 3) instead"),
    "np.isnan(x)": ("np.isnan", "write is.na(x) instead"),
    "np.arcsin(x)": ("np.arcsin", "write asin(x) instead"),
    "logit(x)": ("logit", "write qlogis(x) instead"),
    "expit(x)": ("expit", "write plogis(x) instead"),
    "ln(x)": ("ln", "write log(x) instead"),
    "int(x)": ("int", "write as.integer(x) instead"),
    "str(x)": ("str", "write as.character(x) instead"),
    "mo(x)": ("mo", "write ordered(x) instead"),
    "prop(k, n)": ("prop", "write cbind(k, n - k) instead"),
    "s(x)": ("s", SPLINE),
    "te(x, z)": ("te", SPLINE),
    "cr(x, df=3)": ("cr", SPLINE),
    "cc(x, df=3)": ("cc", SPLINE),
    "lag(x)": ("lag", BEFORE),
    "x.shift(1)": ("x.shift", BEFORE),
    "data['x']": ("[", ALONE),
    "data[['x']]": ("[[", ALONE),
    "data$x": ("$", ALONE),
    "{name}": ("{", "R reads {} as code: fill it in before"),
    "np.fft(x)": ("np.fft", ""),
    "hashed(x)": ("hashed", ""),
}


@pytest.mark.parametrize("term", TERMS)
def test_a_call_of_pythons_is_answered_with_rs(term: str) -> None:
    call, said = TERMS[term]
    for text in (f"y ~ {term} + (1 | g)", f"{term} ~ x", f"y ~ z:{term}"):
        hint = formula_hints.instead_of_call(text, call, ALLOWED_CALLS)
        assert said in hint if said else not hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("y ~ my col", "write `my col`, in backticks"),
        ("y ~ x + my col:x", "write `my col`, in backticks"),
        ("my col ~ x", "write `my col`, in backticks"),
        ("y ~ `my col` + a-b", "write `a-b`, in backticks"),
        ("y ~ time (s)", "write `time (s)`, in backticks"),
        ("y ~ my col 2", "write `my col 2`, in backticks"),
        ("y ~ 2nd", "write `2nd`, in backticks"),
        ("y ~ größe (cm)", "write `größe (cm)`, in backticks"),
        ("y ~ a-b + my col", "write `my col`, `a-b`, in backticks"),
        ("y ~ `my col` + `a-b`", ""),
        ("y ~ my colour", ""),
        ("y ~ x // 2", "R writes %/% for Python's //"),
        ("y ~ x % 2", "R writes %% for Python's %"),
        ("y ~ not x", "R writes ! for Python's not"),
        ("y ~ x and z", "R writes & for Python's and"),
        ("y ~ x or z", "R writes | for Python's or"),
        ("y ~ 1 if x else 0", "R writes ifelse(condition, yes, no)"),
        ("y ~ x in z", "R writes %in% for Python's in"),
        ("y \u223c x", "a sign or space of print stands in it"),
        ("y ~ x \u2212 1", "a sign or space of print stands in it"),
        ("y ~ x\u00a0+ z", "a sign or space of print stands in it"),
        ("y ~ \u201cx\u201d", "a sign or space of print stands in it"),
        ("y ~ two words", "terms are joined by signs such as +"),
        ("y ~ (x", ""),
    ],
)
def test_what_r_cannot_read_is_explained(text: str, said: str) -> None:
    columns = ["y", "x", "my col", "my col 2", "a-b", "time (s)", "2nd", "größe (cm)", " "]
    problem = "unexpected symbol" if "words" in text else "unexpected"
    assert formula_hints.unreadable(text, columns, problem) == said or (
        said and formula_hints.unreadable(text, columns, problem).startswith(said)
    )


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (["Reaktion"], "did you mean 'Reaction'?"),
        (["reaction"], "did you mean 'Reaction'?"),
        (["Dayss", "subject"], "did you mean 'Days'?; did you mean 'Subject'?"),
        (["data.Days"], "write 'Days' alone: columns are those of data="),
        (["df.Days", "df.Subject"], "write 'Days' alone: columns are those of data=; write 'Sub"),
        (["site"], "'site' is in the index: give data.reset_index()"),
        (["site", "year"], "'site' and 'year' is in the index"),
        (["elsewhere"], ""),
    ],
)
def test_what_is_meant_by_a_name_that_is_no_column(missing: list[str], said: str) -> None:
    known = ["Reaction", "Days", "Subject"]
    hint = formula_hints.missing_columns(missing, known, ["site", None, "year"])
    assert hint.startswith(said) if said else not hint


# -- what a fit says -------------------------------------------------------------------------------


def data() -> pd.DataFrame:
    table = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "my col": 1.0, "x": [0, 1, 2, 3]})
    return table.assign(g=["a", "b", "a", "b"])


MODEL: list[tuple[str, Callable[[], Any], type[PymerError], str, str]] = [
    # what it is, the mistake, the error, what stands in it, and what does not
    (
        "patsy",
        lambda: pb.lmer("y ~ C(x) + (1 | g)", data()),
        FormulaError,
        "Write factor(x) instead",
        "allow_functions",
    ),
    (
        "numpy",
        lambda: pb.lm("y ~ np.log(x)", data()),
        FormulaError,
        "Write log(x) instead",
        "allow_functions",
    ),
    (
        "Q",
        lambda: pb.lm("y ~ Q('my col')", data()),
        FormulaError,
        "Write `my col`, in backticks",
        "allow_functions",
    ),
    (
        "unknown",
        lambda: pb.lm("y ~ nothing(x)", data()),
        FormulaError,
        "R has no such function: compute the column in Python",
        "allow_functions",
    ),
    (
        "method",
        lambda: pb.lm("y ~ x.clip(0)", data()),
        FormulaError,
        "R has no such function",
        "allow_functions",
    ),
    (
        "known to R",
        lambda: pb.lm("y ~ as.Date(x)", data()),
        FormulaError,
        "allow it by name: allow_functions=('as.Date',)",
        "no such function",
    ),
    (
        "of a package",
        lambda: pb.lm("y ~ pkg::f(x)", data()),
        FormulaError,
        "allow_functions=('pkg::f',)",
        "no such function",
    ),
    (
        "spaces",
        lambda: pb.lmer("y ~ my col + (1 | g)", data()),
        FormulaError,
        "Write `my col`, in backticks",
        "Traceback",
    ),
    ("empty", lambda: pb.lm("  ", data()), FormulaError, "it is empty", "parsing result"),
    (
        "weights",
        lambda: pb.lm("y ~ x", data(), weights="np.sqrt(x)"),
        FormulaError,
        "Write sqrt(x) instead",
        "allow_functions",
    ),
    ("misspelt", lambda: pb.lm("y ~ X", data()), DataConversionError, "Did you mean 'x'?", "index"),
    (
        "index",
        lambda: pb.lmer("y ~ x + (1 | g)", data().set_index("g")),
        DataConversionError,
        "'g' is in the index: give data.reset_index()",
        "mean",
    ),
    (
        "index of new data",
        lambda: pb.lm("y ~ x", data()).predict(data().set_index("x")),
        DataConversionError,
        "'x' is in the index: give data.reset_index()",
        "mean",
    ),
    (
        "update",
        lambda: pb.lm("y ~ x", data()).update(". ~ . + C(g)"),
        FormulaError,
        "Write factor(g) instead",
        "allow_functions",
    ),
    ("Python's not", lambda: pb.lm("y ~ not x", data()), FormulaError, "R writes !", "allow"),
]


@pytest.mark.r
@pytest.mark.parametrize("name", [case[0] for case in MODEL])
def test_a_fit_says_what_r_writes(name: str) -> None:
    _, mistake, kind, said, unsaid = next(case for case in MODEL if case[0] == name)
    with pytest.raises(kind) as raised:
        mistake()
    error = raised.value
    assert said in str(error)
    assert unsaid not in str(error)
    assert len(str(error)) < 400
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__
    assert not getattr(error, "__notes__", ())


@pytest.mark.r
def test_the_place_is_that_of_the_call() -> None:
    table = data().rename(columns={"y": "C1"})
    with pytest.raises(FormulaError, match=r"\n  C1 ~ C\(x\)\n       \^\n"):
        pb.lm("C1 ~ C(x)", table)
