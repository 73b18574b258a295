"""Models side by side: performance's table to the last bit, and models that it should not hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.live import assert_same_bits
from helpers.probing import plain_r
from helpers.refusal import refused
from helpers.trusted import TRIALS, cakes, gaps
from pymer_bridge.errors import RError
from pymer_bridge.session.r_session import session

pytestmark = [pytest.mark.r, pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning")]

HERDS = "incidence ~ period + (1 | herd)"


def fitted(name: str) -> dict[str, Any]:
    sleepstudy, cbpp = pb.load_dataset("sleepstudy"), pb.load_dataset("cbpp")
    slopes, intercepts = "Reaction ~ Days + (Days | Subject)", "Reaction ~ Days + (1 | Subject)"
    penicillin, yields = pb.load_dataset("Penicillin"), pb.load_dataset("Dyestuff2")
    sets: dict[str, Any] = {
        "likelihood": lambda: {
            "slopes": pb.lmer(slopes, sleepstudy, reml=False),
            "intercepts": pb.lmer(intercepts, sleepstudy, reml=False),
            "line": pb.lm("Reaction ~ Days", sleepstudy),
        },
        "reml": lambda: {
            "slopes": pb.lmer(slopes, sleepstudy),
            "intercepts": pb.lmer(intercepts, sleepstudy),
        },
        "crossed": lambda: {
            "both": pb.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", penicillin),
            "plates": pb.lmer("diameter ~ 1 + (1 | plate)", penicillin),
        },
        "gaps": lambda: {
            "late": pb.lmer("Reaction ~ Days + late + (1 | Subject)", gaps(), reml=False),
            "days": pb.lmer(intercepts, gaps(), reml=False),
            "line": pb.lm("Reaction ~ Days + late", gaps()),
        },
        "singular": lambda: {
            "batches": pb.lmer("Yield ~ 1 + (1 | Batch)", yields, reml=False),
            "mean": pb.lm("Yield ~ 1", yields),
        },
        "trials": lambda: {
            "herds": pb.glmer(TRIALS, cbpp, family="binomial"),
            "periods": pb.glmer(TRIALS.replace("period", "1"), cbpp, family="binomial"),
        },
        "moist": lambda: {
            "mixed": pb.glmer("moist ~ recipe + (1 | replicate)", cakes(), family="binomial"),
            "odds": pb.glm("moist ~ recipe", cakes(), family="binomial"),
        },
        "counts": lambda: {
            "herds": pb.glmer(HERDS, cbpp, family="poisson"),
            "periods": pb.glm("incidence ~ period", cbpp, family="poisson"),
        },
    }
    found: dict[str, Any] = sets[name]()
    return found


@pytest.fixture(scope="module")
def plain() -> Any:
    session().require("lme4")
    return plain_r(REFERENCES / "trust.R")


SETS = ["likelihood", "reml", "crossed", "gaps", "singular", "trials", "moist", "counts"]


@pytest.mark.carried("performance")
@pytest.mark.parametrize("name", SETS)
def test_figures_are_performances(name: str, plain: Any) -> None:
    fits = fitted(name)
    found, theirs = (
        pb.compare_models(*fits.values(), names=list(fits)),
        plain("compared", name=name),
    )
    assert [row.name for row in found] == list(theirs.pop("names")) == list(fits)
    for column, values in theirs.items():
        if values is not None:
            assert_same_bits([getattr(row, column) for row in found], values)
    for row, fit in zip(found, fits.values(), strict=True):
        assert row.singular == (fit.is_singular() if isinstance(fit, pb.MixedModel) else None)
        assert row.converged == getattr(fit, "convergence", row).converged
    for of in ("aic", "aicc", "bic"):
        lowest = min(getattr(row, of) for row in found)
        for row in found:
            assert getattr(row, f"{of}_difference") == getattr(row, of) - lowest
    assert found.reml == (name in ("reml", "crossed"))
    assert type(found).from_dict(found.to_dict()) == found


def test_criteria_are_rs_own() -> None:
    fits = fitted("likelihood")
    for row, fit in zip(pb.compare_models(*fits.values()), fits.values(), strict=True):
        own = fit.fit_statistics
        assert (row.log_likelihood, row.aic, row.bic) == (own.log_likelihood, own.aic, own.bic)
        assert row.sigma == fit.sigma


def _mixed(formula: str = "Reaction ~ Days + (1 | Subject)", **how: Any) -> Any:
    return pb.lmer(formula, pb.load_dataset("sleepstudy"), **how)


def test_models_that_cannot_be_compared_are_refused_with_the_remedy() -> None:
    data, by_ml = pb.load_dataset("sleepstudy"), _mixed(reml=False)
    counted = data.assign(Reaction=data["Reaction"].round().astype(int))
    cbpp = pb.load_dataset("cbpp")
    trials = pb.glmer(TRIALS, cbpp, family="binomial")
    whole = pb.glm("Reaction ~ Days", counted, family="poisson")
    cases = [
        (_mixed(), by_ml, "model1 is fitted by REML, and model2 by maximum .*refit_ml"),
        (_mixed(), pb.lm("Reaction ~ Days", data), "model1 is fitted by REML, and model2"),
        (_mixed(), _mixed("Reaction ~ 1 + (1 | Subject)"), "other fixed effects .*refit_ml"),
        (_mixed(), _mixed("Reaction ~ I(Days / 2) + (1 | Subject)"), "other fixed effects"),
        (
            by_ml,
            pb.lm("Reaction ~ Days", data[:90]),
            "model1 uses 180 rows, model2 uses 90 .*dropna",
        ),
        (by_ml, pb.lm("log(Reaction) ~ Days", data), r"is Reaction, and that of model2 log\(Reac"),
        (by_ml, pb.lm("Reaction ~ Days", data[::-1]), "model2 has other values, or other rows"),
        (by_ml, pb.glm("Reaction ~ Days", data, family="quasi"), "quasi family, .*no likelihood"),
        (pb.lm("Reaction ~ Days", counted), whole, "of densities, and that of model2 of prob"),
        (
            trials,
            pb.glmer(TRIALS, cbpp, family="binomial", n_agq=9),
            "model1 has n_agq=1, model2 has n_agq=9",
        ),
        (
            pb.glm("moist ~ recipe", cakes(), family="binomial"),
            pb.glm("moist ~ recipe", cakes(), family="binomial", weights=np.full(270, 2.0)),
            "numbers of trials",
        ),
    ]
    for one, other, said in cases:
        with pytest.raises(RError, match=said):
            pb.compare_models(one, other)
    with pytest.raises(RError, match="second is fitted by REML, and first"):
        pb.compare_models(by_ml, _mixed(), names=["first", "second"])


def test_arguments_are_checked() -> None:
    fit = _mixed()
    assert "two or more" in refused(pb.compare_models, fit)
    assert "must be a fitted mixed model" in refused(pb.compare_models, fit, "model")
    for names in (["a"], ["a", "a"]):
        assert "2 different names" in refused(pb.compare_models, fit, fit, names=names)


def test_odd_names_are_no_obstacle() -> None:
    data = pb.load_dataset("sleepstudy").rename(columns={"Days": "my days"})
    odd = pb.lmer("Reaction ~ `my days` + (1 | Subject)", data)
    row, usual = pb.compare_models(odd, odd)["model1"], pb.compare_models(_mixed(), _mixed())
    for column in ("aic", "r2_marginal", "icc", "rmse"):
        assert_same_bits([getattr(row, column)], [getattr(usual.rows[0], column)])
