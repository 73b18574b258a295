"""Every picture there is, of models with few and with many groups, each fitted once.

A new picture goes into ``PICTURES``; ``test_collisions.py`` says which are missing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, Final

import numpy as np
import pandas as pd

import pymer_bridge as pb
from helpers.pictures import schools
from pymer_bridge.errors import PymerWarning
from pymer_bridge.models.methods.diagnostics import ModelChecks
from pymer_bridge.results.checks import Check

STYLES: Final = ("default", "dark_background", "seaborn-v0_8-darkgrid")


@cache
def pupils(n: int) -> pd.DataFrame:
    """Return the scores of pupils of ``n`` schools, with factors and counts."""
    data = schools(n)
    draws = np.random.RandomState(4)
    data["sex"] = np.resize(["female", "male"], len(data))
    kinds = np.resize(["church", "private", "public"], n)
    data["kind"] = np.repeat(kinds, 8)
    data["passed"] = (draws.uniform(size=len(data)) < 1 / (1 + np.exp(50 - data["score"]))) * 1
    return data


@cache
def slopes(n: int) -> Any:
    """Return a linear mixed model in which each school has a line."""
    return _quiet(pb.lmer, "score ~ hrs_week + (hrs_week | school)", pupils(n))


@cache
def factors(n: int) -> Any:
    """Return a linear mixed model with factors."""
    formula = "score ~ hrs_week * sex + kind + (1 | school)"
    return _quiet(pb.lmer, formula, pupils(n))


@cache
def logistic(n: int) -> Any:
    """Return a logistic mixed model; the largest is fitted to fewer schools."""
    formula = "passed ~ hrs_week + sex + (1 | school)"
    return _quiet(pb.glmer, formula, pupils(min(n, 30)), family="binomial")


def _quiet(ask: Callable[..., Any], *args: Any, **how: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PymerWarning)
        return ask(*args, **how)


@cache
def _means(n: int) -> Any:
    return _quiet(factors(min(n, 30)).emmeans, ["kind", "sex"])


@cache
def _profile(n: int) -> Any:
    model = _quiet(pb.lmer, "score ~ hrs_week + (1 | school)", pupils(min(n, 30)), reml=False)
    return _quiet(model.profile)


@cache
def _replicates(n: int) -> Any:
    return _quiet(slopes(min(n, 30)).bootstrap, "parametric", 40, 1)


@cache
def _influence(n: int) -> Any:
    """Return the influence of five schools, repeated: R would take long for many."""
    result = _quiet(slopes(5).influence, "school")
    sizes = np.random.RandomState(3).exponential(0.1, n) ** 2
    rows = (
        replace(result.rows[0], level=f"school {i + 1:03d}", cooks_distance=float(size))
        for i, size in enumerate(sizes)
    )
    return replace(result, rows=tuple(rows))


@cache
def _optimizers(n: int) -> Any:
    return _quiet(slopes(min(n, 30)).all_fit, ["bobyqa", "Nelder_Mead", "nlminbwrap"])


@cache
def _routes(n: int) -> Any:
    methods = ["normal", "satterthwaite", "kenward-roger", "likelihood-ratio"]
    return _quiet(pb.compare_inference, slopes(min(n, 30)), "hrs_week", methods)


@cache
def _effect(n: int) -> Any:
    fit = factors(min(n, 30))
    return _quiet(fit.effect, ["hrs_week", "sex"], partial_residuals=True)


def _predictions(n: int) -> Any:
    new = pd.DataFrame({"hrs_week": [0.0, 5.0, 10.0] * 2, "sex": ["female"] * 3 + ["male"] * 3})
    new["kind"] = "public"
    found = factors(n).predict(new, "population", interval="confidence")
    return found.plot(new, "hrs_week", by="sex")


@cache
def _counts(n: int) -> Any:
    data = pupils(min(n, 30))
    return pb.glm("answers ~ hrs_week", data.assign(answers=data["score"] // 8), family="poisson")


def _checks(n: int) -> Any:
    """Return checks as performance gives them, which not all releases carry."""
    told = {
        ("collinearity", "hrs_week"): "Low Correlation",
        ("collinearity", "sex"): "Low Correlation",
        ("heteroscedasticity", "residuals"): "OK: Error variance appears to be homoscedastic.",
        ("normality", "residuals"): "Warning: Non-normality of residuals detected (p < .001).",
        ("random_normality", "school: (Intercept)"): "OK: Random effects appear as normal.",
        ("outliers", "observations"): "2 outliers detected: cases 8, 57. - Based on cook (0.7).",
        ("autocorrelation", "residuals"): "OK: Residuals appear to be independent (p = 0.066).",
        ("singularity", "random effects"): "singular: FALSE",
    }
    rows = (Check(*key, 1.0, None, None, said) for key, said in told.items())
    return ModelChecks(tuple(rows), _model=factors(n))


@cache
def _design() -> Any:
    return slopes(5).design(fixed={"hrs_week": 0.4})


@cache
def _power() -> Any:
    tests = {"slope": "hrs_week", "a rather long name of a contrast of both": {"hrs_week": 2}}
    return _quiet(_design().power, tests, n_sim=12, seed=1)


@cache
def _power_curve() -> Any:
    return _quiet(_design().power_curve, "school", [4, 8], "hrs_week", n_sim=12, seed=1)


def _several(n: int) -> dict[str, Any]:
    return {"slopes": slopes(n), "factors": factors(n), "logistic": logistic(n)}


PICTURES: Final[dict[str, Callable[[int], Any]]] = {
    "all_fit": lambda n: _optimizers(n).plot(),
    "anova": lambda n: factors(min(n, 30)).anova().plot(),
    "bootstrap": lambda n: _replicates(n).plot(),
    "checks": lambda n: _checks(min(n, 30)).plot(),
    "coefficients": lambda n: factors(n).plot.coefficients(),
    "coefficients with two levels": lambda n: factors(n).plot.coefficients(
        conf_level=(0.5, 0.95), standardize=True, order="estimate"
    ),
    "coefficients of several": lambda n: pb.plots.coefficients(_several(n)),
    "cooks_distance": lambda n: slopes(n).plot.cooks_distance(),
    "diagnostics": lambda n: slopes(n).plot.diagnostics(),
    "diagnostics of a logistic model": lambda n: logistic(n).plot.diagnostics(),
    "effect": lambda n: factors(min(n, 30)).plot.effect("kind"),
    "effect of a number": lambda n: factors(min(n, 30)).plot.effect("hrs_week"),
    "effect in panels": lambda n: factors(min(n, 30)).plot.effect(["hrs_week", "sex", "kind"]),
    "effect_curve": lambda n: _effect(n).plot(),
    "emmip": lambda n: factors(min(n, 30)).plot.emmip("sex ~ kind"),
    "emmip along a number": lambda n: factors(min(n, 30)).plot.emmip(
        "sex ~ hrs_week", at={"hrs_week": [0, 5, 10]}
    ),
    "groups": lambda n: slopes(n).plot.groups(),
    "influence": lambda n: _influence(n).plot(),
    "intervals": lambda n: _quiet(factors(min(n, 30)).confint, "wald").plot(),
    "leverage": lambda n: slopes(n).plot.leverage(),
    "lines": lambda n: slopes(n).plot.lines(),
    "means": lambda n: _means(n).plot(),
    "means with arrows": lambda n: factors(min(n, 30)).emmeans("sex").plot(comparisons=True),
    "contrasts": lambda n: _quiet(_means(n).contrast, "pairwise").plot(),
    "pooling": lambda n: slopes(n).plot.pooling(),
    "power": lambda n: _power().plot(),
    "power_curve": lambda n: _power_curve().plot(),
    "predictions": lambda n: _predictions(min(n, 30)),
    "profile_pairs": lambda n: _profile(n).plot_pairs(),
    "random_effects": lambda n: slopes(n).plot.random_effects(),
    "random_quantiles": lambda n: slopes(n).plot.random_quantiles(),
    "random_scatter": lambda n: slopes(n).plot.random_scatter(),
    "residual_quantiles": lambda n: slopes(n).plot.residual_quantiles(),
    "residuals_binned": lambda n: logistic(n).plot.residuals_binned("hrs_week"),
    "residuals_by_group": lambda n: slopes(n).plot.residuals_by_group(),
    "residuals_fitted": lambda n: slopes(n).plot.residuals_fitted(),
    "residuals_predictor": lambda n: slopes(n).plot.residuals_predictor("hrs_week"),
    "residuals_predictor along a factor": lambda n: factors(n).plot.residuals_predictor("kind"),
    "residuals_predictor by another": lambda n: logistic(n).plot.residuals_predictor(
        "hrs_week", by="sex"
    ),
    "predictive_check": lambda n: slopes(n).check_predictions().plot(),
    "predictive_check of counts": lambda n: _counts(n).check_predictions().plot(),
    "simulated_residuals": lambda n: slopes(n).simulated_residuals().plot(),
    "simulated_residuals along a factor": lambda n: factors(n).simulated_residuals().plot("kind"),
    "routes": lambda n: _routes(n).plot(),
    "scale_location": lambda n: slopes(n).plot.scale_location(),
    "shrinkage": lambda n: slopes(n).plot.shrinkage(),
    "zeta": lambda n: _profile(n).plot(absolute=True),
}
"""Each picture, of a number of groups."""
