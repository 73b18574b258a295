"""Everyday mistakes: R's error names the culprit in the data, and what helps.

R stops at most of them in words of its own inside; what it says stays in the message. Each case is
a mistake, R's own words for it (where all versions have the same), and what must stand besides.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from pymer_bridge.errors import DataConversionError, FormulaError, OptionError, PymerError, RError
from pymer_bridge.models import diagnosing

pytestmark = [
    pytest.mark.r("lmerTest", "pbkrtest"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning"),
]

N = 60
MODEL = "y ~ x + (1 | g)"


@cache
def _table() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    i = np.arange(N)
    return pd.DataFrame(
        {
            "y": rng.normal(10, 2, N),
            "x": rng.normal(size=N),
            "z": rng.normal(size=N),
            "g": [f"g{k}" for k in i % 6],
            "pair": [f"p{k}" for k in i // 2],
            "row": [f"r{k}" for k in i],
            "one": "a",
            "word": np.where(i % 2, "hi", "lo"),
            "digits": [f"{k / 7:.3f}" for k in i],
            "count": rng.poisson(3, N),
            "bin": i % 7 % 2,
            "w": 1.0,
            "zero": i % 5 * 1.0,
            "three": i % 3 + 1,
            "flag": i % 2 == 0,
            "when": pd.date_range("2020-01-01", periods=N),
        }
    )


def data(**columns: Any) -> pd.DataFrame:
    return _table().assign(**columns)


def at(column: str, value: Any, rows: tuple[int, ...]) -> pd.DataFrame:
    """Return the data with a value in some rows of a column."""
    table = data()
    table.loc[list(rows), column] = value
    return table


INF, NAN = np.inf, np.nan
X_INF = "'x' is infinite in row 7: replace such values, or leave the rows out"
Y_INF = "The response 'y' is infinite in rows 3, 9: replace"
LOG = "'log(zero)' is infinite in rows 0, 5, 10, 15, 20 and 7 more, where zero is 0: replace"
ONE = "'one' has only the level 'a' in the 60 rows that are used: leave it out, or look at subset="
NO_RANDOM = "pb.lm() and pb.glm() fit models without random effects; one is written (1 | group)"
NOT_ENOUGH = "<= number of random effects"
MISSING_ROWS = "data.dropna(subset=list(fit.columns))"
OTHER_ROWS = "The models use different rows: fit each to data.dropna(subset=[...])"

Mistake = tuple[Callable[[], Any], str, str]


def lmer(formula: str = MODEL, table: pd.DataFrame | None = None, **options: Any) -> Any:
    return pb.lmer(formula, data() if table is None else table, **options)


def glmer(formula: str, family: Any = "binomial", table: Any = None, **options: Any) -> Any:
    table = data() if table is None else table
    return pb.glmer(formula, table, family=family, **options)


STOPPED: dict[str, Mistake] = {
    # infinite values
    "infinite predictor": (lambda: lmer(table=at("x", INF, (7,))), "NA/NaN/Inf", X_INF),
    "negative infinite predictor": (lambda: lmer(table=at("x", -INF, (7,))), "NA/NaN/Inf", X_INF),
    "infinite response": (lambda: lmer(table=at("y", INF, (3, 9))), "NA/NaN/Inf in 'y'", Y_INF),
    "infinite predictor of lm": (
        lambda: pb.lm("y ~ x", at("x", INF, (7,))),
        "NA/NaN/Inf in 'x'",
        X_INF,
    ),
    "infinite response of lm": (lambda: pb.lm("y ~ x", at("y", INF, (3, 9))), "'y'", Y_INF),
    "infinite predictor of glm": (
        lambda: pb.glm("count ~ x", at("x", INF, (7,)), family="poisson"),
        "NA/NaN/Inf",
        X_INF,
    ),
    "infinite predictor of glmer": (
        lambda: glmer("bin ~ x + (1 | g)", table=at("x", INF, (7,))),
        "NA/NaN/Inf",
        X_INF,
    ),
    "infinite slope": (lambda: lmer("y ~ z + (0 + x | g)", at("x", INF, (7,))), "", X_INF),
    "infinite in an interaction": (
        lambda: lmer("y ~ z:x + (1 | g)", at("x", INF, (7,))),
        "",
        X_INF,
    ),
    "infinite with its label": (
        lambda: lmer(table=at("x", INF, (7,)).set_index("row")),
        "",
        "'x' is infinite in row 'r7':",
    ),
    "infinite under a MultiIndex": (
        lambda: pb.lm("y ~ x", at("x", INF, (7,)).set_index(["row", "three"])),
        "",
        "in row ('r7', 2):",
    ),
    "infinite after rows are dropped": (
        lambda: lmer(table=at("x", INF, (7,)).drop(index=range(5))),
        "",
        X_INF,
    ),
    "infinite in new data of update": (
        lambda: full().update(data=at("x", INF, (7,))),
        "NA/NaN/Inf",
        X_INF,
    ),
    "infinite with a dot": (
        lambda: pb.lm("y ~ .", at("x", INF, (7,))[["y", "x", "z"]]),
        "'x'",
        X_INF,
    ),
    "infinite in two": (
        lambda: pb.lm("y ~ x + z", at("x", INF, (7,)).assign(z=at("z", INF, (2,))["z"])),
        "'x'",
        "'z' is infinite in row 2",
    ),
    "log of zero": (lambda: lmer("y ~ log(zero) + (1 | g)"), "NA/NaN/Inf", LOG),
    "log of zero of lm": (lambda: pb.lm("y ~ log(zero)", data()), "NA/NaN/Inf in 'x'", LOG),
    "log of zero of glmer": (lambda: glmer("bin ~ log(zero) + (1 | g)"), "NA/NaN/Inf", LOG),
    "log of zero as slope": (lambda: lmer("y ~ x + (log(zero) | g)"), "", LOG),
    "log of zero in an interaction": (lambda: lmer("y ~ x * log(zero) + (1 | g)"), "", LOG),
    "log of zero as response": (
        lambda: lmer("log(zero) ~ x + (1 | g)"),
        "NA/NaN/Inf in 'y'",
        "The response " + LOG,
    ),
    "log10 of zero": (lambda: lmer("y ~ log10(zero) + (1 | g)"), "", "'log10(zero)' is infinite"),
    "division by zero": (
        lambda: lmer("y ~ I(1/zero) + (1 | g)"),
        "",
        "'I(1/zero)' is infinite in rows 0, 5",
    ),
    "infinite offset term": (
        lambda: lmer("y ~ x + offset(log(zero)) + (1 | g)"),
        "",
        "'offset(log(zero))' is infinite",
    ),
    "infinite offset": (
        lambda: lmer(offset="log(zero)"),
        "",
        "offset='log(zero)' is infinite in rows 0, 5",
    ),
    "infinite offset of glmer": (
        lambda: glmer("count ~ x + (1 | g)", "poisson", offset="log(zero)"),
        "",
        "offset='log(zero)' is infinite in rows 0, 5",
    ),
    "infinite offset array": (
        lambda: lmer(offset=np.full(N, INF)),
        "",
        "offset= is infinite in rows 0, 1",
    ),
    "infinite weights": (
        lambda: lmer(weights="1 / zero"),
        "",
        "weights='1/zero' is infinite in rows 0, 5",
    ),
    # weights and offset
    "negative weights": (
        lambda: lmer(weights=-np.ones(N)),
        "weights",
        "weights= is negative in rows 0, 1, 2, 3, 4 and",
    ),
    "negative weights column": (
        lambda: lmer(table=at("w", -1.0, (4,)), weights="w"),
        "weights",
        "weights='w' is negative in row 4: weights are at least 0",
    ),
    "negative weights of lm": (
        lambda: pb.lm("y ~ x", at("w", -1.0, (4,)), weights="w"),
        "negative weights",
        "weights='w' is negative in row 4",
    ),
    "negative weights of glmer": (
        lambda: glmer("bin ~ x + (1 | g)", table=at("w", -1.0, (4,)), weights="w"),
        "weights",
        "weights='w' is negative in row 4",
    ),
    "zero weights": (
        lambda: lmer(table=data(w=0.0), weights="w"),
        "",
        "weights='w' is 0 in each of the 60 rows",
    ),
    "missing weights": (
        lambda: lmer(table=data(w=NAN), weights="w"),
        "0 (non-NA) cases",
        "weights='w' is missing in each row",
    ),
    "text as weights": (
        lambda: lmer(weights="word"),
        "",
        "weights='word' is not numeric (R: character): give numb",
    ),
    "text as offset": (
        lambda: lmer(offset="word"),
        "must be numeric",
        "offset='word' is not numeric",
    ),
    # one level
    "one level": (lambda: lmer("y ~ one + (1 | g)"), "2 or more levels", ONE),
    "one level of lm": (lambda: pb.lm("y ~ one", data()), "2 or more levels", ONE),
    "one level of glmer": (lambda: glmer("bin ~ one + (1 | g)"), "2 or more levels", ONE),
    "one level in an interaction": (lambda: lmer("y ~ x:one + (1 | g)"), "2 or more levels", ONE),
    "one level as slope": (lambda: lmer("y ~ x + (one | g)"), "2 or more levels", ONE),
    "one level of factor()": (
        lambda: lmer("y ~ factor(w) + (1 | g)"),
        "2 or more",
        "'factor(w)' has only the level '1'",
    ),
    "one level under subset": (
        lambda: lmer("y ~ word + (1 | g)", subset="word == 'lo'"),
        "2 or more levels",
        "'word' has only the level 'lo' in the 30 rows that are used",
    ),
    "one level after missing values": (
        lambda: lmer("y ~ word + (1 | g)", at("y", NAN, tuple(range(1, N, 2)))),
        "2 or more levels",
        "'word' has only the level 'lo' in the 30 rows that are used",
    ),
    "one level of a Categorical": (
        lambda: lmer("y ~ c + (1 | g)", data(c=pd.Categorical(["a"] * N, ["a", "b"]))),
        "2 or more levels",
        "'c' has only the level 'a'",
    ),
    "one group": (
        lambda: lmer("y ~ x + (1 | one)"),
        "must have > 1 sampled level",
        "The grouping factor 'one' has only the level 'a'",
    ),
    # nothing is left
    "missing predictor": (
        lambda: lmer(table=data(x=NAN)),
        "0 (non-NA) cases",
        "'x' is missing in each row",
    ),
    "missing response": (
        lambda: lmer(table=data(y=NAN)),
        "0 (non-NA) cases",
        "The response 'y' is missing in each row, so that none is left",
    ),
    "missing group": (
        lambda: lmer(table=data(g=None)),
        "0 (non-NA) cases",
        "The grouping factor 'g' is missing in each row",
    ),
    "missing predictor of lm": (
        lambda: pb.lm("y ~ x", data(x=NAN)),
        "0 (non-NA) cases",
        "'x' is missing in each row",
    ),
    "missing response of glmer": (
        lambda: glmer("bin ~ x + (1 | g)", table=data(bin=NAN)),
        "",
        "The response 'bin' is missing in each row",
    ),
    "log of negatives": (
        lambda: lmer("y ~ log(neg) + (1 | g)", data(neg=-1.0)),
        "",
        "'log(neg)' is missing in each row",
    ),
    "no complete row": (
        lambda: lmer(
            table=data(x=data()["x"].where(data()["flag"]), y=data()["y"].where(~data()["flag"]))
        ),
        "0 (non-NA) cases",
        "No row is left: each of 60 lacks some value (y in 30, x in 30)",
    ),
    "subset of nothing": (
        lambda: lmer(subset="x > 100"),
        "0 (non-NA) cases",
        "No row is left: subset= holds for none",
    ),
    "subset of nothing, as bools": (
        lambda: lmer(subset=np.zeros(N, bool)),
        "",
        "No row is left: subset= holds for none",
    ),
    "subset of nothing of lm": (
        lambda: pb.lm("y ~ x", data(), subset="x > 100"),
        "",
        "subset= holds for none",
    ),
    "subset of nothing of glmer": (
        lambda: glmer("bin ~ x + (1 | g)", subset="x > 100"),
        "",
        "subset= holds for none",
    ),
    "subset by a number": (lambda: lmer(subset="x"), "", "subset='x' must be a condition, such as"),
    "missing values that fail": (
        lambda: lmer(table=at("x", NAN, (0, 1)), na_action="fail"),
        "missing values in object",
        "'x' has missing values, in rows 0, 1: na_action='omit' leaves such rows out",
    ),
    "missing values that pass": (
        lambda: lmer(table=at("x", NAN, (0, 1)), na_action="pass"),
        "",
        "'x' has missing values, in rows 0, 1: na_action='omit'",
    ),
    "missing values in poly": (
        lambda: lmer("y ~ poly(x, 2) + (1 | g)", at("x", NAN, (0, 1))),
        "missing values are not",
        "'x' has missing values in rows 0, 1, which 'poly(x, 2)' cannot have: drop them before",
    ),
    # random effects
    "as many random effects as rows": (
        lambda: lmer("y ~ x + (x | pair)"),
        NOT_ENOUGH,
        "Take fewer slopes, as in (1 | pair), or data with more rows for each level of pair",
    ),
    "more random effects than rows": (
        lambda: lmer("y ~ x + (0 + row | g)"),
        NOT_ENOUGH,
        "Take fewer slopes, as in (1 | g)",
    ),
    "more random effects of two factors": (
        lambda: lmer("y ~ x + (x + z | word:pair)", data(word="a")),
        NOT_ENOUGH,
        "as in (1 | word:pair)",
    ),
    "a level for each row": (
        lambda: lmer("y ~ x + (1 | row)"),
        "must be < number of observations",
        "Each row has its own level of row: take a coarser grouping factor",
    ),
    "a level for each row, nested": (
        lambda: lmer("y ~ x + (1 | g/row)"),
        "must be < number",
        "Each row has its own level of row:g",
    ),
    "a number as group": (
        lambda: lmer("y ~ 1 + (1 | x)"),
        "must be < number",
        "Each row has its own level of x",
    ),
    "no random effect": (lambda: lmer("y ~ x"), "No random effects terms", NO_RANDOM),
    "no random effect of glmer": (lambda: glmer("bin ~ x"), "No random effects terms", NO_RANDOM),
    "no random effect of glmer_nb": (
        lambda: pb.glmer_nb("count ~ x", data()),
        "No random effects terms",
        NO_RANDOM,
    ),
    "no random effect of fit_many": (
        lambda: pb.fit_many("~ x", data(), ["y"]),
        "No random effects terms",
        NO_RANDOM,
    ),
    "no random effect after update": (
        lambda: full().update(". ~ . - (1 | g)"),
        "No random effects terms",
        NO_RANDOM,
    ),
    "no group of lm_list": (
        lambda: pb.lm_list("y ~ x", data()),
        "conditioning expression",
        "lm_list() takes a formula as in 'y ~ x | group'",
    ),
    "lmer's formula of lm_list": (
        lambda: pb.lm_list("y ~ x + (1 | g)", data()),
        "conditioning",
        "takes a formula as in 'y ~ x",
    ),
    "two parts of nlmer": (
        lambda: pb.nlmer(MODEL, data(), start={"a": 1}),
        "",
        "nlmer() takes three parts, as in 'y ~",
    ),
    # responses
    "text as response": (
        lambda: lmer("word ~ x + (1 | g)"),
        "response must be numeric",
        "The response 'word' is not numeric (R: character): convert it, as with pd.to_numeric()",
    ),
    "digits as response": (
        lambda: lmer("digits ~ x + (1 | g)"),
        "must be numeric",
        "The response 'digits' is not num",
    ),
    "a Categorical as response": (
        lambda: lmer("c ~ x + (1 | g)", data(c=data()["word"].astype("category"))),
        "be numeric",
        "The response 'c' is not numeric (R: factor)",
    ),
    "times as response": (
        lambda: lmer("when ~ x + (1 | g)"),
        "must be numeric",
        "The response 'when' is not numeric",
    ),
    "text as response of lm": (
        lambda: pb.lm("word ~ x", data()),
        "",
        "The response 'word' is not numeric (R: character)",
    ),
    "text as response of lm_list": (
        lambda: pb.lm_list("word ~ x | g", data()),
        "",
        "The response 'word' is not numeric",
    ),
    "text as counts": (
        lambda: glmer("word ~ x + (1 | g)", "poisson"),
        "must be numeric",
        "response 'word' is not n",
    ),
    "text as binomial response": (
        lambda: glmer("word ~ x + (1 | g)"),
        "",
        "it may be 0 and 1, or a Categorical of two levels",
    ),
    "text as binomial response of glm": (
        lambda: pb.glm("word ~ x", data(), family="binomial"),
        "",
        "a Categorical of two levels",
    ),
    "binomial outside 0 to 1": (
        lambda: glmer("y ~ x + (1 | g)"),
        "0 <= y <= 1",
        "The response 'y' must be 0 to 1, and is not in rows 0, 1, 2, 3, 4 and 55 more",
    ),
    "binomial of 1 and 2": (
        lambda: glmer("b ~ x + (1 | g)", table=data(b=data()["bin"] + 1)),
        "0 <= y <= 1",
        "The response 'b' must be 0 to 1, and is not in rows 1, 3, 5",
    ),
    "binomial outside of glm": (
        lambda: pb.glm("three ~ x", data(), family="binomial"),
        "0 <= y <= 1",
        "must be 0 to 1",
    ),
    "more successes than trials": (
        lambda: glmer("cbind(bin, bin - 2) ~ x + (1 | g)"),
        "",
        "The response 'cbind(bin, bin - 2)' must be counts of at least 0, and is not in rows",
    ),
    "negative counts": (
        lambda: glmer("x ~ z + (1 | g)", "poisson"),
        "negative values not allowed",
        "The response 'x' must be at least 0, and is not in rows",
    ),
    "negative counts of glm": (
        lambda: pb.glm("x ~ z", data(), family="poisson"),
        "negative values",
        "must be at least 0",
    ),
    "negative counts of glmer_nb": (
        lambda: pb.glmer_nb("x ~ z + (1 | g)", data()),
        "negative values",
        "must be at least 0",
    ),
    "zeros of Gamma": (
        lambda: glmer("zero ~ x + (1 | g)", "Gamma"),
        "non-positive values",
        "The response 'zero' must be above 0, and is not in rows 0, 5, 10, 15, 20 and 7 more",
    ),
    "negatives of inverse.gaussian": (
        lambda: glmer("x ~ z + (1 | g)", "inverse.gaussian"),
        "positive values",
        "must be above 0",
    ),
    "log link of negatives": (
        lambda: glmer("x ~ z + (1 | g)", "gaussian", link="log"),
        "starting values",
        "The response 'x' must be above 0 for this link",
    ),
    "infinite binomial": (
        lambda: glmer("b ~ x + (1 | g)", table=data(b=data()["bin"].where(data().index != 4, INF))),
        "",
        "The response 'b' is infinite in row 4",
    ),
    "constant response": (
        lambda: glmer("w ~ x + (1 | g)"),
        "Response is constant",
        "The response has one value only in the rows that are used",
    ),
    # terms
    "log of text": (
        lambda: lmer("y ~ log(digits) + (1 | g)"),
        "non-numeric argument",
        "'digits' in 'log(digits)' is text or a factor, not a number: convert it with pd.to_num",
    ),
    "text times a number": (
        lambda: lmer("y ~ I(digits * 2) + (1 | g)"),
        "non-numeric",
        "'digits' in 'I(digits * 2)' is",
    ),
    "scale of text": (
        lambda: lmer("y ~ scale(word) + (1 | g)"),
        "must be numeric",
        "'word' in 'scale(word)' is",
    ),
    "log of a text response": (
        lambda: lmer("log(digits) ~ x + (1 | g)"),
        "",
        "The response 'digits' in 'log(digits)' is",
    ),
    "a condition as a term": (
        lambda: lmer("y ~ x == 1 + (1 | g)"),
        "",
        "write each condition within I(), as in I(x == 1)",
    ),
    "terms joined by &": (lambda: lmer("y ~ x & (1 | g)"), "", "'x & (1 | g)' is read as one term"),
    "a quoted predictor": (
        lambda: lmer("y ~ 'x' + (1 | g)"),
        "",
        "Columns are named without quotes, or in backticks",
    ),
    "a quoted response": (lambda: lmer("'y' ~ x + (1 | g)"), "", "named without quotes"),
    # many responses
    "infinite response of fit_many": (
        lambda: pb.fit_many("~ x + (1 | g)", at("y", INF, (3, 9)), ["y"]),
        "every replicate failed",
        Y_INF,
    ),
    "missing response of fit_many": (
        lambda: pb.fit_many("~ x + (1 | g)", data(y=NAN), ["y"]),
        "0 (non-NA) cases",
        "The response 'y' is missing in each row",
    ),
    "infinite predictor of fit_many": (
        lambda: pb.fit_many("~ x + (1 | g)", at("x", INF, (7,)), ["y", "z"]),
        "NA/NaN/Inf",
        X_INF,
    ),
    "one level of fit_many": (
        lambda: pb.fit_many("~ one + (1 | g)", data(), ["y"]),
        "2 or more levels",
        ONE,
    ),
    # what comes after a fit
    "step with missing values": (
        lambda: gappy().step(),
        "number of rows in use has changed",
        MISSING_ROWS,
    ),
    "drop1 of glmer with missing values": (
        lambda: glmer("bin ~ x + z + (1 | g)", table=at("x", NAN, (1,))).drop1(),
        "number of rows in use has changed",
        MISSING_ROWS,
    ),
    "anova of other rows": (lambda: pb.anova(gappy(), full()), "same size of dataset", OTHER_ROWS),
    "anova of a smaller model with other rows": (
        lambda: pb.anova(gappy(), gappy().update(". ~ . - x", data=at("x", NAN, (0, 1)))),
        "same size of dataset",
        OTHER_ROWS,
    ),
    "kr_modcomp of other rows": (
        lambda: pb.kr_modcomp(gappy(), lmer("y ~ z + (1 | g)")),
        "the larger model uses 58 rows, the smaller model uses 60 rows",
        OTHER_ROWS,
    ),
    "pb_modcomp of other rows": (
        lambda: pb.pb_modcomp(gappy(), lmer("y ~ z + (1 | g)"), 2),
        "the larger model uses 58 rows, the smaller model uses 60 rows",
        OTHER_ROWS,
    ),
    "a new level": (
        lambda: full().predict(data(g="new")),
        "new levels detected",
        "allow_new_levels=True predicts for new levels with effects of zero",
    ),
    "a new level to simulate": (
        lambda: full().simulate(new_data=data(g="new"), use_u=True),
        "new levels detected",
        "allow_new_levels=True",
    ),
    "new data of other levels": (
        lambda: pb.lm("y ~ word", data()).predict(data(word=1.0)),
        "word has new level",
        "new_data['word'] has levels that the model has not: '1'",
    ),
    "new data of a new group": (
        lambda: full().predict(data(g=7)),
        "new levels detected",
        "new_data['g'] has levels that the model has not: '7'",
    ),
    "refit to text": (
        lambda: full().refit(data()["word"]),
        "must be numeric",
        "The response 'new_response' is not numeric, but of dtype",
    ),
    "refit to infinite values": (
        lambda: full().refit(at("y", INF, (3, 9))["y"]),
        "",
        "The response 'new_response' is infinite in rows 3, 9",
    ),
}


@cache
def full() -> pb.LinearMixedModel:
    return pb.lmer("y ~ x + z + (1 | g)", data())


@cache
def gappy() -> pb.LinearMixedModel:
    return pb.lmer("y ~ x + z + (1 | g)", at("x", NAN, (0, 1)))


@pytest.fixture(scope="module", autouse=True)
def still_sound() -> Iterator[None]:
    before = full().fit_statistics
    yield
    assert pb.lmer("y ~ x + z + (1 | g)", data()).fit_statistics == before


@pytest.mark.parametrize("name", STOPPED)
def test_rs_error_names_the_culprit(name: str) -> None:
    mistake, rs_words, said = STOPPED[name]
    with pytest.raises(RError) as raised:
        mistake()
    error = raised.value
    message = str(error)
    first, *rest = message.splitlines()
    assert rs_words in first
    assert said in message
    assert len(rest) <= 3, message
    assert len(message) < 600, message
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__
    assert not getattr(error, "__notes__", ())


REFUSED: dict[str, tuple[Callable[[], Any], type[PymerError], str]] = {
    "random effects of lm": (
        lambda: pb.lm(MODEL, data()),
        FormulaError,
        "lm() has no random effects, and the formula has (1 | g): pb.lmer() fits them",
    ),
    "random effects of lm over a number": (
        lambda: pb.lm("y ~ x + (1 | three)", data()),
        FormulaError,
        "pb.lmer() fits them",
    ),
    "slopes of lm": (lambda: pb.lm("y ~ (x || g)", data()), FormulaError, "(x || g): pb.lmer()"),
    "random effects of glm": (
        lambda: pb.glm("bin ~ x + (1 | g)", data(), family="binomial"),
        FormulaError,
        "glm() has no random effects, and the formula has (1 | g): pb.glmer() fits them",
    ),
    "random effects by update of lm": (
        lambda: pb.lm("y ~ x", data()).update(". ~ . + (1 | g)", data=data()),
        FormulaError,
        "pb.lmer() fits them",
    ),
    "new data of text": (
        lambda: full().predict(data(x="a")),
        DataConversionError,
        "new_data['x'] holds 'a'; the model has numbers there",
    ),
    "new data of text for lm": (
        lambda: pb.lm("y ~ x", data()).predict(data(x="a")),
        DataConversionError,
        "new_data['x'] holds 'a'; the model has numbers there",
    ),
    "new data of text to simulate": (
        lambda: full().simulate(new_data=data(x="a")),
        DataConversionError,
        "new_data['x'] holds 'a'",
    ),
    "text in fit_many": (
        lambda: pb.fit_many("~ x + (1 | g)", data(), ["word"]),
        DataConversionError,
        "the response 'word' must be numeric",
    ),
    "text of numbers in fit_many": (
        lambda: pb.fit_many("~ x + (1 | g)", data(), ["digits"]),
        DataConversionError,
        "the response 'digits' must be numeric",
    ),
    "another model in anova": (
        lambda: full().anova(gappy()),
        OptionError,
        "pb.anova(fit, other) compares models",
    ),
    "a group in the index": (
        lambda: lmer(table=data().set_index("g")),
        DataConversionError,
        "'g' is in the index: give data.reset_index()",
    ),
    "a level of a MultiIndex": (
        lambda: lmer(table=data().set_index(["row", "g"])),
        DataConversionError,
        "'g' is in the index: give data.reset_index()",
    ),
    "an empty frame": (lambda: lmer(table=data().iloc[:0]), DataConversionError, "has no rows"),
    "a list": (
        lambda: pb.lmer(MODEL, [1]),
        DataConversionError,
        "give pd.DataFrame(data, columns=",
    ),
    "records": (
        lambda: pb.lmer(MODEL, [{"y": 1.0}]),
        DataConversionError,
        "give pd.DataFrame(data, columns",
    ),
    "an array": (
        lambda: pb.lmer(MODEL, data()[["y", "x"]].to_numpy()),
        DataConversionError,
        "not ndarray: give pd.DataFrame(data, columns=[...])",
    ),
    "a file": (
        lambda: pb.lmer(MODEL, "data.csv"),
        DataConversionError,
        "not str: read the file first",
    ),
    "the data before the formula": (
        lambda: pb.lmer(data(), MODEL),  # type: ignore[arg-type]
        PymerError,
        "formula",
    ),
    "a column": (
        lambda: pb.lmer(MODEL, data()["y"]),
        DataConversionError,
        "Series: give data.to_frame()",
    ),
    "a class": (
        lambda: pb.lmer(MODEL, pd.DataFrame),
        DataConversionError,
        "it is the class itself",
    ),
    "groups of a frame": (
        lambda: pb.lmer(MODEL, data().groupby("g")),
        DataConversionError,
        "not DataFrameGroupBy",
    ),
    "nothing": (lambda: pb.lmer(MODEL, None), DataConversionError, "not NoneType"),
    "a mapping of unequal columns": (
        lambda: pb.lmer(MODEL, {"y": [1.0], "x": [1.0, 2.0]}),
        DataConversionError,
        "must give each column a list of values, as many as the others",
    ),
    "a negative binomial's family": (
        lambda: glmer("count ~ x + (1 | g)", "negbin"),
        OptionError,
        "pb.glmer_nb() estimates it",
    ),
    "a family with its link": (
        lambda: glmer("bin ~ x + (1 | g)", "binomial(link='logit')"),
        OptionError,
        "its link is given as link=",
    ),
    "a control's name": (
        lambda: lmer(control="bobyqa"),
        OptionError,
        "must be made by lmer_control(), as in control=",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_mistake_is_refused_in_words_that_help(name: str) -> None:
    mistake, kind, said = REFUSED[name]
    with pytest.raises(kind) as raised:
        mistake()
    assert said in str(raised.value)
    assert raised.value.__context__ is None or raised.value.__suppress_context__


class Lazy:
    """Frames of other packages, as far as it can be told from what they are."""


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("collect", "give data.collect()"),
        ("compute", "give data.compute()"),
        ("toPandas", "give data.toPandas()"),
        ("to_table", "give data.to_table()"),
        ("to_pandas", "give data.to_pandas()"),
    ],
)
def test_lazy_and_distributed_frames_are_told_what_to_do(method: str, said: str) -> None:
    lazy = type("LazyFrame", (Lazy,), {method: lambda self: None})()
    with pytest.raises(DataConversionError, match=r"not LazyFrame: ") as raised:
        pb.lmer(MODEL, lazy)
    assert said in str(raised.value)


def test_polars_lazy_frames() -> None:
    polars = pytest.importorskip("polars")
    with pytest.raises(DataConversionError, match=r"not LazyFrame: give data\.collect\(\)$"):
        pb.lmer(MODEL, polars.DataFrame({"y": [1.0]}).lazy())
    with pytest.raises(DataConversionError, match=r"not Series: give data\.to_pandas\(\)$"):
        pb.lmer(MODEL, polars.Series("y", [1.0]))


FITTED = {
    "a bool as response": lambda: lmer("flag ~ zero + (1 | g)"),
    "a condition within I()": lambda: pb.lm("y ~ I(flag | bin)", data()),
    "counts that are not whole": lambda: glmer("y ~ zero + (1 | g)", "poisson"),
    "columns that depend on others": lambda: lmer("y ~ x + I(2 * x) + (1 | g)"),
    "some zero weights": lambda: lmer(table=at("w", 0.0, (1,)), weights="w"),
    "one value of a number": lambda: lmer("y ~ w + (1 | g)"),
    "a random effect for each row of a glmer": lambda: glmer("count ~ x + (1 | row)", "poisson"),
}


@pytest.mark.parametrize("name", FITTED)
def test_what_r_takes_is_left_to_r(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert FITTED[name]().n_obs == N


def test_a_sound_fit_asks_for_no_diagnosis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosing, "_sentences", lambda *_: pytest.fail("looked for a culprit"))
    assert lmer().n_obs == N
