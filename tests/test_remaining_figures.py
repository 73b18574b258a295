"""Figures that no other file holds to plain R: each to the last bit, with an R of its own.

What plain R is asked is in ``reference/remaining.R``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pymer_bridge as pb
from helpers.live import AnsweringScript
from pymer_bridge.errors import REnvironmentError
from pymer_bridge.session.r_session import session

pytestmark = [
    pytest.mark.r("pbkrtest"),
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pymer_bridge.errors.PymerWarning"),
]

TESTS = ("statistic", "p_value", "conf_low", "conf_high")
KINDS: tuple[Any, ...] = ("percentile", "basic", "normal")
R_KINDS = {"percentile": "perc", "basic": "basic", "normal": "norm"}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> AnsweringScript:
    return AnsweringScript("remaining.R", tmp_path_factory.mktemp("remaining"))


@pytest.fixture(scope="module")
def models(asked: AnsweringScript) -> dict[str, Any]:
    """Fit while plain R works."""
    assert asked
    sleepstudy, cbpp = pb.load_dataset("sleepstudy"), pb.load_dataset("cbpp")
    slopes = "Reaction ~ Days + (Days | Subject)"
    return {
        "slopes": pb.lmer(slopes, sleepstudy),
        "slopes_ml": pb.lmer(slopes, sleepstudy, reml=False),
        "herds": pb.glmer(
            "cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, family="binomial"
        ),
        "ticks": pb.glmer_nb("TICKS ~ 1 + (1 | BROOD)", pb.load_dataset("grouseticks")),
        "line": pb.lm("Reaction ~ poly(Days, 2)", sleepstudy, weights="1 / (1 + Days)"),
        "counts": pb.glm("TICKS ~ YEAR + HEIGHT", pb.load_dataset("grouseticks"), family="poisson"),
    }


@pytest.fixture(scope="module")
def plain(asked: AnsweringScript, models: dict[str, Any]) -> dict[str, Any]:
    assert models
    answers: dict[str, Any] = asked.read()
    return answers


@pytest.fixture(scope="module")
def boot(models: dict[str, Any]) -> pb.BootstrapResult:
    found: pb.BootstrapResult = models["slopes_ml"].bootstrap("parametric", 40, 1, "fixed_effects")
    return found


def _same(ours: Any, theirs: Any) -> None:
    """Assert that two vectors are the same to the last bit; missing numbers are alike."""
    bits = [
        ["NA" if v is None or np.isnan(v) else float(v).hex() for v in values]
        for values in (ours, theirs)
    ]
    assert bits[0] == bits[1]


@pytest.mark.parametrize("name", ["slopes", "herds"])
def test_shares_of_variance_are_performances(
    models: dict[str, Any], plain: dict[str, Any], name: str
) -> None:
    fit, theirs = models[name], plain.get(f"shares {name}")
    if theirs is None:
        with pytest.raises(REnvironmentError, match="--require=performance"):
            fit.icc()
        return
    icc, r2 = fit.icc(), fit.r2()
    _same([icc.adjusted, icc.unadjusted, r2.marginal, r2.conditional], theirs)


def test_bias_and_standard_errors_of_replicates_are_boots(
    boot: pb.BootstrapResult, plain: dict[str, Any]
) -> None:
    names = ("estimate", "bias", "std_error")
    _same([getattr(row, name) for name in names for row in boot.rows], plain["bootstrap"])
    _same([*boot.observed, *boot.bias, *boot.std_errors], plain["bootstrap"])


@pytest.mark.parametrize("kind", KINDS)
def test_intervals_of_replicates_are_by_rs_quantiles_or_boots(
    boot: pb.BootstrapResult, plain: dict[str, Any], kind: Any
) -> None:
    for formulas, name in (("lmeresampler", kind), ("boot", R_KINDS[kind])):
        row = boot.confint(kind, 0.9, "Days", formulas=formulas)["Days"]  # type: ignore[arg-type]
        _same([row.conf_low, row.conf_high], plain[f"{formulas} {name}"])


def test_p_values_of_replicates_are_those_of_the_book(
    boot: pb.BootstrapResult, plain: dict[str, Any]
) -> None:
    row = boot.p_values(8.0, "Days")["Days"]
    _same([row.p_value], plain["p-value"])
    assert (row.estimate, row.null) == (boot["Days"].estimate, 8.0)


def test_every_column_of_the_bootstrap_test_is_pbkrtests(
    models: dict[str, Any], plain: dict[str, Any]
) -> None:
    test = pb.pb_modcomp(models["slopes"], "Days", n_sim=25, seed=4)
    names = ("statistic", "df", "df2", "p_value")
    _same([getattr(row, name) for name in names for row in test.rows], plain["ratio test"])
    _same([test.lrt, test.p_value], plain["ratio test in short"])


def test_every_figure_of_many_fits_is_lmers(plain: dict[str, Any]) -> None:
    data = pb.load_dataset("sleepstudy")
    data["half"] = data["Reaction"] / 2
    data["flat"] = pb.lm("Reaction ~ Subject", data).residuals()
    fits = pb.fit_many("~ Days + (Days | Subject)", data, ["half", "flat"])
    for i, name in enumerate(fits.responses):
        ours = [
            *fits.values[i],
            *fits.std_errors[i],
            fits.criterion[i],
            fits.log_likelihood[i],
            fits.singular[i],
        ]
        _same(ours, plain[f"many {name}"])
    assert fits.singular.tolist() == [False, True]
    assert fits.converged.all()


def test_what_influence_is_measured_from_is_the_fits(
    models: dict[str, Any], plain: dict[str, Any]
) -> None:
    found = models["slopes"].influence("Subject")
    _same([*found.observed_fixed_effects, *found.observed_variances], plain["influence"])
    _same([row.singular for row in found.rows], plain["influence singular"])


def test_agreement_of_optimizers_is_rs_range(models: dict[str, Any], plain: dict[str, Any]) -> None:
    rows = models["slopes"].all_fit().agreement.rows
    names = ("minimum", "maximum", "spread")
    _same([getattr(row, name) for name in names for row in rows], plain["agreement"])


@pytest.mark.parametrize("name", ["line", "counts"])
def test_models_without_groups_are_lms_and_glms(
    models: dict[str, Any], plain: dict[str, Any], name: str
) -> None:
    fit = models[name]
    rows = fit.fixed_effects(conf_level=0.9).rows
    assert (rows[0].df is None) == (name == "counts")
    names = ("estimate", "std_error", *(("df",) if name == "line" else ()), *TESTS)
    _same([getattr(row, each) for each in names for row in rows], plain[f"{name} effects"])
    found = fit.fit_statistics
    statistics = ("log_likelihood", "deviance", "aic", "bic", "df", "df_residual", "n_obs")
    _same([*(getattr(found, each) for each in statistics), fit.sigma], plain[f"{name} statistics"])
    assert found.reml_criterion is None
    kinds = ("response", "pearson", "deviance", "working")
    columns = [fit.fitted, *(fit.residuals(kind) for kind in kinds)]
    _same(np.concatenate(columns), plain[f"{name} rows"])
    matrices = [fit.vcov.values, fit.model_matrix.values]
    _same(np.concatenate([m.ravel(order="F") for m in matrices]), plain[f"{name} matrices"])
    # The call shows the names that the data and the weights have here.
    ours, theirs = str(fit.summary()).split("\n"), plain[f"{name} summary"]
    start = theirs.index("Coefficients:")
    assert ours[-len(theirs[start:]) :] == list(theirs[start:])


def test_separate_fits_have_rs_pooled_deviation(plain: dict[str, Any]) -> None:
    fits = pb.lm_list("Reaction ~ Days | Subject", pb.load_dataset("sleepstudy"))
    _same([fits.sigma, fits.n_obs], plain["apart"])


def test_families_links_and_sizes_are_rs(models: dict[str, Any], plain: dict[str, Any]) -> None:
    _same([models["ticks"].size], plain["size"])
    assert models["herds"].size is None
    for name in ("ticks", "herds", "counts"):
        assert (models[name].family, models[name].link) == plain[f"family {name}"]


def test_performance_is_there_or_asked_for(plain: dict[str, Any]) -> None:
    there = bool(session().call("requireNamespace", package="performance", quietly=True).value[0])
    assert ("shares slopes" in plain) == there
