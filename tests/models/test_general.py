"""Tests of generalized models and of models without random effects, each against plain R.

The plain R is ``reference/general.R``, in a process of its own.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers.live import AnsweringScript, assert_same_bits
from helpers.refusal import refused

pytestmark = [
    pytest.mark.r("pbkrtest"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning"),
]


STARTS: tuple[Literal["warm", "cold", "multiple"], ...] = ("warm", "cold", "multiple")
PAIRS = "cbind(incidence, size - incidence) ~ "
HERD = " + (1 | herd)"


@pytest.fixture(scope="module")
def plain(shared_folder: Path) -> dict[str, Any]:
    answers: dict[str, Any] = AnsweringScript("general.R", shared_folder).read()
    return answers


@cache
def herds() -> pd.DataFrame:
    data = pb.load_dataset("cbpp")
    sick = pd.Categorical(np.where(data["incidence"] > 2, "yes", "no"))
    z = np.arange(1.0, len(data) + 1)
    z[[4, 19]] = np.nan
    return data.assign(
        share=data["incidence"] / data["size"],
        ill=(data["incidence"] > 2).astype(int),
        sick=sick,
        z=z,
        **{
            "my x": np.arange(1.0, len(data) + 1) % 7,
            "if": pd.Categorical(np.take(list("abc"), np.arange(1, len(data) + 1) % 3)),
        },
    )


@pytest.fixture(scope="module", autouse=True)
def _no_models_stay() -> Iterator[None]:
    yield
    fitted.cache_clear()


def _glmer(formula: str, **how: Any) -> Any:
    return pb.glmer(formula + HERD, herds(), **how)


def _glm(formula: str, **how: Any) -> Any:
    return pb.glm(formula, herds(), **how)


_pairs = partial(_glmer, family="binomial")
_counts = partial(_glmer, family="poisson")


@cache
def fitted(name: str) -> Any:
    """Fit a model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pb.PymerWarning)
        return MODELS[name]()


MODELS: dict[str, Callable[[], Any]] = {
    "shares": lambda: _pairs("share ~ period", weights="size"),
    "pairs": lambda: _pairs(f"{PAIRS}period"),
    "counts": lambda: _counts("incidence ~ period + offset(log(size))"),
    "offset": lambda: _counts("incidence ~ period", offset=np.log(herds()["size"])),
    "zeros": lambda: _pairs("ill ~ size"),
    "factor": lambda: _pairs("sick ~ size"),
    "gamma": lambda: _glmer("size ~ period", family="Gamma", link="log"),
    "gaps": lambda: _counts("incidence ~ z", na_action="exclude"),
    "sizes": lambda: pb.glmer_nb("TICKS ~ YEAR + (1 | BROOD)", pb.load_dataset("grouseticks")),
    "quadrature": lambda: _counts("incidence ~ period", n_agq=5),
    "line": lambda: pb.lm("size ~ period + incidence", herds()),
    "weighted": lambda: pb.lm("size ~ period", herds(), weights=herds()["incidence"] + 1.0),
    "line with gaps": lambda: pb.lm("size ~ z + period", herds(), na_action="exclude"),
    "plain counts": lambda: _glm("incidence ~ period", family="poisson", offset="log(size)"),
    "plain pairs": lambda: _glm(f"{PAIRS}period", family="binomial"),
    "plain zeros": lambda: _glm("ill ~ size", family="binomial"),
    "plain factor": lambda: _glm("sick ~ size", family="binomial"),
    "plain gamma": lambda: _glm("size ~ period", family="Gamma", link="log"),
}
OF_TERMS: dict[str, Callable[[], Any]] = {
    **{name: partial(fitted, name) for name in ("pairs", "shares", "counts", "gaps", "sizes")},
    "odd": lambda: _counts("incidence ~ `my x` * `if`", weights="size"),
    "sums": lambda: _pairs("ill ~ size + period", contrasts={"period": "contr.sum"}),
}


# -- bootstraps of the likelihood ratio ----------------------------------------------------------


def _first_term(name: str) -> str:
    return str(fitted(name).formula).split("~")[1].split("+")[0].strip()


def _told(test: Any) -> list[float]:
    usable = [ratio for ratio in test.likelihood_ratios if not np.isnan(ratio)]
    names = ("statistic", "df", "df2", "p_value")
    return [*usable, *(getattr(row, name) for name in names for row in test.rows)]


@pytest.mark.parametrize("name", MODELS)
def test_a_bootstrap_of_the_ratio_is_pbkrtests(name: str, plain: dict[str, Any]) -> None:
    test = pb.pb_modcomp(fitted(name), _first_term(name), n_sim=6, seed=3)
    assert_same_bits(_told(test), plain[name])


def test_a_restriction_matrix_is_pbkrtests(plain: dict[str, Any]) -> None:
    fit = fitted("pairs")
    test = pb.pb_modcomp(fit, [[0, 1, -1, 0]], n_sim=6, seed=3)
    assert_same_bits(_told(test), plain["restricted"])


def test_a_smaller_model_has_its_own_size(plain: dict[str, Any]) -> None:
    small = pb.glmer_nb("TICKS ~ 1 + (1 | BROOD)", pb.load_dataset("grouseticks"))
    test = pb.pb_modcomp(fitted("sizes"), small, n_sim=6, seed=3)
    assert_same_bits(_told(test), plain["own sizes"])


@pytest.mark.parametrize("name", ["pairs", "plain counts", "line with gaps"])
def test_other_starts_reach_the_same_optimum(name: str) -> None:
    warm, cold, several = (
        pb.pb_modcomp(fitted(name), _first_term(name), 4, 3, start=start).likelihood_ratios
        for start in STARTS
    )
    # The optimizers stop near the same place.
    np.testing.assert_allclose(cold, warm, atol=0.01)
    np.testing.assert_allclose(several, warm, atol=0.01)


@pytest.mark.parametrize("name", ["pairs", "plain counts"])
def test_workers_and_checkpoints_change_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pymer_bridge.replicates.parallel.START_SECONDS", 0.0)
    run = partial(pb.pb_modcomp, fitted(name), "period", 6, 3)
    alone = run().likelihood_ratios
    assert_same_bits(run(n_jobs=2, checkpoint=tmp_path / "ratios").likelihood_ratios, alone)
    assert_same_bits(run(checkpoint=tmp_path / "ratios").likelihood_ratios, alone)


def test_an_interrupt_keeps_what_is_finished() -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    run = partial(pb.pb_modcomp, fitted("plain counts"), "period", 300, 3)
    with pytest.raises(pb.BootstrapInterrupted) as caught:
        run(progress=interrupt)
    kept = np.asarray(caught.value.partial)
    assert 0 < len(kept) < 300
    assert_same_bits(kept, run(timeout=600).likelihood_ratios[: len(kept)])


def test_a_refit_that_fails_loses_no_other() -> None:
    fit = _pairs("incidence > 1 ~ period")
    test = pb.pb_modcomp(fit, "period", n_sim=5, seed=1)
    assert test.n_failed == np.isnan(test.likelihood_ratios).sum()
    assert test.n_usable + test.n_not_positive + test.n_failed == 5


def test_what_pbkrtest_has_no_test_for_is_refused() -> None:
    fit = fitted("pairs")
    linear = pb.lmer(f"size ~ period{HERD}", herds())
    assert "of different kinds" in refused(pb.pb_modcomp, fit, linear)
    assert "of different kinds" in refused(
        pb.pb_modcomp, fitted("line"), _glm("size ~ 1", family="gaussian")
    )
    assert refused(pb.kr_modcomp, fit, "period").endswith("must be a fitted model of lmer()")
    quasi = _glm("incidence ~ period", family="quasipoisson")
    with pytest.raises(pb.RError, match=r"no bootstrap test for glm\(\) with the family quasipoi"):
        pb.pb_modcomp(quasi, "period", 2)
    other = _glmer("size ~ 1", family="poisson")
    with pytest.raises(pb.RError, match=r"different families: the larger one is Gamma \(log\)"):
        pb.pb_modcomp(fitted("gamma"), other, 2)


@pytest.mark.parametrize("name", ["pairs", "plain counts", "line"])
def test_what_restricts_nothing_is_refused_before_any_fit(name: str) -> None:
    fit = fitted(name)
    n = len(fit.fixed_effects().rows)
    with pytest.raises(pb.RError, match="nothing is restricted"):
        pb.pb_modcomp(fit, fit, 10**6)
    with pytest.raises(pb.RError, match="give the larger one first"):
        pb.pb_modcomp(fit.update(". ~ . - period"), fit, 10**6)
    for rows in (np.zeros((1, n)), np.eye(n), np.ones((2, n))):
        with pytest.raises(pb.RError, match="must be independent, and leave a fixed effect"):
            pb.pb_modcomp(fit, rows, 10**6)
    assert "must have rows of" in refused(pb.pb_modcomp, fit, pd.DataFrame())


def test_a_script_makes_the_same_test_or_says_why_not() -> None:
    names = ("pairs", "plain counts", "line", "gaps", "line with gaps", "weighted")
    # Fitted anew: of the others earlier tests have asked, whose results are gone.
    fits = {name: fitted.__wrapped__(name) for name in names}
    told = [pb.pb_modcomp(fit, _first_term(name), 3, 1) for name, fit in fits.items()]
    told += [pb.pb_modcomp(fits["weighted"], [[0, 1, 0, 0]], 3, 1)]
    report = pb.verify([*fits.values(), *told], runs=1)
    assert report.ok, str(report)
    # Rows with missing values, the matrix, and from some release on glmer()'s.
    *newer, missing, matrix = report.not_compared
    assert all(text.endswith("PBmodcomp() stops for models of glmer().") for text in newer)
    assert missing.endswith("PBmodcomp() needs data without missing values for it.")
    assert matrix.endswith("PBmodcomp() does not find the data of a restriction matrix again.")
    assert report.n_figures > 250


# -- tests of terms ------------------------------------------------------------------------------


@pytest.mark.r("car")
@pytest.mark.parametrize("name", OF_TERMS)
def test_tests_of_terms_are_cars(name: str, plain: dict[str, Any]) -> None:
    fit = OF_TERMS[name]()
    for kind, spelled in ((2, 2), (3, "iii")):
        table = fit.anova(spelled)
        columns = ("statistic", "df1", "p_value")
        told = [getattr(row, column) for column in columns for row in table]
        assert_same_bits(told, plain[f"terms {name} {kind}"])
        printed = plain[f"printed {name} {kind}"]
        assert str(table).splitlines() == list(printed)
        assert table.test == "wald"


def test_the_sequential_table_is_as_before() -> None:
    fit = fitted("pairs")
    assert fit.anova().rows == fit.anova("I").rows == fit.anova(1).rows
    assert fit.anova().rows[0].p_value is None


@pytest.mark.r("car")
def test_terms_that_cannot_be_tested_are_told() -> None:
    fit = fitted("pairs")
    assert "choose one of: 'I', 'II', 'III'" in refused(fit.anova, "IV")
    assert refused(fit.anova, fit) == (
        "fit.anova() is of one model; pb.anova(fit, other) compares models"
    )
    with pytest.raises(pb.RError, match="no fixed effect but the intercept"):
        _counts("incidence ~ 1").anova("II")
    interacting = _pairs("ill ~ size * period")
    with pytest.warns(pb.RWarning, match=r'fit with contrasts=\{"period": "contr.sum"\}'):
        interacting.anova("III")


@pytest.mark.r("car")
def test_a_script_tests_terms_by_car() -> None:
    fit = fitted.__wrapped__("counts")
    report = pb.verify([fit, fit.anova("II"), fit.anova("III"), fit.anova()], runs=1)
    assert report.ok, str(report)
    assert report.not_compared == ()


# -- routes to inference on one coefficient ------------------------------------------------------

ROUTED: dict[str, tuple[Callable[[], Any], str, str]] = {
    # The model, the coefficient, and the routes that R does not have for it.
    "zeros": (partial(fitted, "zeros"), "size", "satterthwaite kenward-roger"),
    "line": (partial(fitted, "line"), "incidence", "normal satterthwaite kenward-roger profile"),
    "ticks": (
        lambda: pb.glm("TICKS ~ YEAR + HEIGHT", pb.load_dataset("grouseticks"), family="poisson"),
        "HEIGHT",
        "t F satterthwaite kenward-roger",
    ),
    "gamma": (
        lambda: _glm("size ~ period + incidence", family="Gamma", link="log"),
        "incidence",
        "normal satterthwaite kenward-roger",
    ),
}
WALD = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
OF_ROUTE: dict[str, tuple[str, ...]] = {
    "t": WALD,
    "normal": WALD,
    "profile": ("conf_low", "conf_high"),
    "F": ("statistic", "df", "p_value"),
    "likelihood-ratio": ("statistic", "df", "p_value"),
}


@pytest.mark.parametrize("name", ROUTED)
def test_routes_are_rs_and_those_that_are_none_say_why(name: str, plain: dict[str, Any]) -> None:
    make, term, missing = ROUTED[name]
    fit = make()
    routes = pb.compare_inference(fit, term, n_sim=4, seed=2)
    assert {row.method for row in routes if row.note.startswith("not taken: ")} == set(
        missing.split()
    )
    known = [row for row in routes if f"{name} {row.method}" in plain]
    assert len(known) >= 3
    for row in known:
        told = [getattr(row, column) for column in OF_ROUTE[row.method]]
        assert_same_bits(told, plain[f"{name} {row.method}"])
    test = pb.pb_modcomp(fit, term, n_sim=4, seed=2)
    assert routes["bootstrap-likelihood-ratio"].p_value == test.p_value
    for kind in ("parametric", "case"):
        resample = {"herd": True, ".obs": True}
        how = {"resample": resample} if kind == "case" and name == "zeros" else {}
        boot = fit.bootstrap(kind, 4, 2, "fixed_effects", **how)
        row, ends = routes[f"{kind}-bootstrap"], boot.confint(formulas="lmeresampler")[term]
        assert (row.std_error, row.conf_low) == (boot[term].std_error, ends.conf_low)
    assert routes.plot() is not None


def test_a_coefficient_that_is_no_whole_term_is_restricted(plain: dict[str, Any]) -> None:
    row = pb.compare_inference(fitted("pairs"), "period2", "likelihood-ratio").rows[0]
    told = [row.statistic, row.df, row.p_value]
    assert_same_bits(told, plain["pairs likelihood-ratio"])


def test_every_model_keeps_the_rows_that_are_asked_for() -> None:
    mixed = pb.lmer(f"size ~ period{HERD}", herds())
    t, f, profile = pb.compare_inference(mixed, "period2", ["T", "f", "profile"]).rows
    assert "take 'satterthwaite'" in t.note
    assert "take 'satterthwaite'" in f.note
    assert profile.conf_low == mixed.confint("profile", "period2")["period2"].conf_low
    assert "fitted model of glmer()" in refused(pb.compare_inference, "fit", "period2")
