"""What models without random effects can do, against R in a process of its own."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers.live import AnsweringScript, assert_same_bits, write_frame
from pymer_bridge.errors import OptionError, REnvironmentError, RError, RWarning
from pymer_bridge.results.tests import TermTests
from pymer_bridge.session.r_session import session

pytestmark = pytest.mark.r


def frames() -> dict[str, pd.DataFrame]:
    """Return the data: unbalanced, with gaps, and with names that R must quote."""
    draw = np.random.default_rng(20)
    n = 90
    a = pd.Categorical.from_codes(draw.choice(3, n, p=[0.5, 0.3, 0.2]), ["low", "mid", "top"])
    b = pd.Categorical.from_codes(draw.integers(0, 2, n), ["no", "yes"])
    x = np.round(draw.gamma(3.0, 1.0, n), 3)
    mean = 2.0 + 0.7 * a.codes + 0.3 * x + 0.8 * b.codes * (a.codes == 2)
    trials = draw.integers(4, 12, n)
    hits = draw.binomial(trials, 1 / (1 + np.exp(1.0 - 0.3 * mean)))
    table = pd.DataFrame(
        {
            "y": np.round(mean + draw.normal(0, 1, n), 4),
            "a": a,
            "b": b,
            "x": x,
            "twice": 2 * x,
            "w": np.round(draw.uniform(0.5, 3.0, n), 3),
            "hits": hits,
            "misses": trials - hits,
            "n": trials,
            "share": hits / trials,
            "count": draw.poisson(np.exp(0.4 * mean)),
            "size": np.round(draw.gamma(2.0, np.exp(0.2 * mean)), 4) + 0.01,
            "hit": pd.Categorical.from_codes((hits > 4).astype(int), ["no", "yes"]),
        }
    )
    gaps = table.copy()
    gaps.loc[[3, 17, 40], "x"] = np.nan
    gaps.loc[[8, 40], "size"] = np.nan
    odd = table.rename(columns={"a": "a b", "x": "x/y"})[["y", "a b", "x/y"]]
    return {"unbalanced": table, "gaps": gaps, "odd": odd}


DATA = frames()


def fitted() -> dict[str, Any]:
    """Return the models of ``reference/linear.R``."""
    table, gaps = DATA["unbalanced"], DATA["gaps"]
    sums: Any = {"a": "contr.sum", "b": "contr.sum"}
    return {
        "crossed": pb.lm("y ~ a * b + x", table),
        "sums": pb.lm("y ~ a * b", table, contrasts=sums),
        "weighted": pb.lm("y ~ a + x", gaps, weights="w", subset="x > 1", na_action="exclude"),
        "shifted": pb.lm("y ~ a * x", table, offset="log(w)"),
        "aliased": pb.lm("y ~ a + x + twice", table),
        "odd": pb.lm("y ~ `a b` * `x/y`", DATA["odd"]),
        "curved": pb.lm("y ~ poly(x, 2) + a", table),
        "through": pb.lm("y ~ 0 + a + x", table),
        "trials": pb.glm("cbind(hits, misses) ~ a * b", table, family="binomial"),
        "shares": pb.glm("share ~ a + x", table, family="binomial", weights="n"),
        "counts": pb.glm("count ~ a * b + x", table, family="poisson", offset="log(w)"),
        "overdispersed": pb.glm("count ~ a * b", table, family="quasipoisson"),
        "shared": pb.glm("cbind(hits, misses) ~ a + x", table, family="quasibinomial"),
        "gamma": pb.glm("size ~ a * b", gaps, family="Gamma", link="log", na_action="exclude"),
        "normal": pb.glm("y ~ a + b", table, family="gaussian"),
        "aliased_counts": pb.glm("count ~ a + x + twice", table, family="poisson"),
        "negative": pb.glm("count ~ a * b", table, family=pb.negative_binomial(2)),
        "levels": pb.glm("hit ~ a + x", table, family="binomial"),
    }


LINEAR = "crossed sums weighted shifted aliased odd curved through".split()
NAMES = [*LINEAR, *"trials shares counts overdispersed shared gamma normal".split()]
NAMES += "aliased_counts negative levels".split()


@pytest.fixture(scope="module")
def fits() -> dict[str, Any]:
    return fitted()


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("linear")
    (data := Path(folder / "data")).mkdir()
    for name, frame in DATA.items():
        write_frame(frame, data / name)
    answers: dict[str, Any] = AnsweringScript("linear.R", folder, str(data)).read()
    return answers


COLUMNS = {
    "df1": ["Df"],
    "sum_sq": ["Sum Sq", "Sum of Sq"],
    "mean_sq": ["Mean Sq"],
    "deviance": ["Deviance"],
    "df_residual": ["Resid. Df", "Res.Df"],
    "residual_deviance": ["Resid. Dev", "RSS"],
    "aic": ["AIC"],
    "statistic": ["F value", "F values", "F", "LR Chisq", "Chisq", "LRT", "scaled dev.", "Rao"],
    "p_value": ["Pr(>F)", "Pr(>Chi)", "Pr(>Chisq)"],
}
OURS = {theirs: ours for ours, names in COLUMNS.items() for theirs in names}
OURS |= {"Rao score": "statistic", "scaled Rao sc.": "statistic"}
TESTS = {"LRT": "likelihood-ratio", "LR": "likelihood-ratio", "Rao": "rao", "Wald": "wald"}


def asked(fit: Any, what: str) -> Any:
    """Ask for a table, such as "II LR", and give it or that R stopped."""
    kind, test = what.split(" ")
    chosen = TESTS.get(test, test)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return fit.drop1(test=chosen) if kind == "drop1" else fit.anova(kind, test=chosen)
        except RError:
            return None


@pytest.mark.parametrize("name", NAMES)
def test_tables_of_terms_are_rs(fits: Any, theirs: Any, name: str) -> None:
    for what, table in theirs[name].items():
        ours = asked(fits[name], what)
        if "stopped" in table:
            assert ours is None, what
            continue
        assert [row.term for row in ours] == list(table["rows"]), what
        assert str(ours) == table["text"][0], what
        columns = [OURS[column] for column in table["columns"]]
        if what.startswith("drop1"):
            columns = ["residual_deviance" if c == "deviance" else c for c in columns]
        values = np.reshape(table["values"], (len(columns), -1))
        for column, figures in zip(columns, values, strict=True):
            assert_same_bits([getattr(row, column) for row in ours], figures)
        # A figure that R's table does not have is missing.
        rest = {*ours.shown} - {"term", "df2", *columns}
        assert ours.to_frame()[list(rest)].isna().all(axis=None), what


def test_the_usual_test_goes_by_the_dispersion(fits: Any) -> None:
    usual = {name: fits[name].anova().test for name in NAMES}
    ratio = {"trials", "shares", "counts", "aliased_counts", "levels"}
    assert {name for name, test in usual.items() if test == "likelihood-ratio"} - {
        "negative"  # its dispersion is fixed from MASS 7.3-60 on
    } == ratio
    assert fits["crossed"].anova()["a"].df2 == fits["crossed"].fit_statistics.df_residual
    assert fits["crossed"].anova()["Residuals"].df2 is None
    by_f = asked(fits["trials"], "I F")
    assert by_f["a"].df2 == np.inf
    assert "inappropriate" in by_f.warnings[0]
    assert fits["trials"].drop1(["a:b"])["a:b"].p_value == fits["trials"].anova()["a:b"].p_value


def test_tables_of_terms_say_what_they_are(fits: Any) -> None:
    table = fits["trials"].anova()
    said = "Analysis of Deviance Table, likelihood ratio tests, 90 observations"
    assert table.to_markdown().splitlines()[0] == f"**{said}**"
    assert "Response: cbind(hits, misses)" in table.heading
    assert isinstance(TermTests.from_dict(table.to_dict()), TermTests)
    assert TermTests.from_dict(table.to_dict()) == table


@pytest.mark.r("car")
def test_type_three_says_which_coding_it_depends_on(fits: Any) -> None:
    (said,) = asked(fits["crossed"], "III F").warnings
    assert "at the reference level of 'a', 'b'; " in said
    assert 'contrasts={"a": "contr.sum", "b": "contr.sum"}' in said
    assert "at the reference level of 'a b'; " in asked(fits["odd"], "III F").warnings[0]
    assert fits["sums"].anova("III").warnings == fits["normal"].anova("III").warnings == ()
    with pytest.warns(RWarning, match="type III tests depend on how factors are coded"):
        pb.glm("count ~ a * b", DATA["unbalanced"], family="poisson").anova("III")
    with pytest.raises(RError, match="aliased coefficients"):
        fits["aliased"].anova("III")


def test_wrong_tests_of_terms_are_told(fits: Any) -> None:
    line, trials = fits["crossed"], fits["trials"]
    for fit, arguments, said in (
        (line, {"type": "IV"}, "type='IV' is not accepted; choose one of: 'I', 'II', 'III'"),
        (line, {"test": "wald"}, "test='wald' is for generalized models; lm has F tests"),
        (line, {"type": trials}, "pb.anova(fit, other) compares models"),
        (trials, {"test": "t"}, "test='t' is not accepted; choose one of: 'F', "),
        (trials, {"test": "wald"}, "test='wald' does not go with type='I'"),
        (trials, {"type": "II", "test": "rao"}, "test='rao' does not go with type='II'"),
    ):
        with pytest.raises(OptionError) as error:
            fit.anova(**arguments)
        assert said in str(error.value)
    with pytest.raises(OptionError, match=r"test='wald' does not go with drop1\(\)"):
        trials.drop1(test="wald")
    with pytest.raises(
        OptionError, match="scope='z' is not a term of the model; its terms are: 'a'"
    ):
        trials.drop1("z")


def test_without_car_the_error_names_the_remedy(fits: Any, monkeypatch: Any) -> None:
    there = session().require

    def require(package: str) -> None:
        there("nosuchpackage" if package == "car" else package)

    monkeypatch.setattr(type(session()), "require", lambda _, package: require(package))
    with pytest.raises(REnvironmentError, match="Fix it with: "):
        fits["gamma"].anova("II", test="F")
    fits["gamma"].anova("I")
