"""Every picture there is, of models with few and with many groups, each fitted once.

A new picture goes into ``PICTURES``; ``test_collisions.py`` says which are missing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
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


@dataclass(frozen=True)
class Picture:
    """A picture of a number of groups.

    Attributes
    ----------
    draw
        Draws it.
    most
        With more groups than these it is the same picture, or shows nothing else.
    """

    draw: Callable[[int], Any]
    most: int | None = None

    def of(self, n: int) -> int:
        """Return how many of the groups are drawn."""
        return n if self.most is None else min(n, self.most)

    def __call__(self, n: int) -> Any:
        return self.draw(self.of(n))


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
    return _quiet(factors(n).emmeans, ["kind", "sex"])


@cache
def _profile(n: int) -> Any:
    model = _quiet(pb.lmer, "score ~ hrs_week + (1 | school)", pupils(n), reml=False)
    return _quiet(model.profile)


@cache
def _replicates(n: int) -> Any:
    return _quiet(slopes(n).bootstrap, "parametric", 40, 1)


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
    return _quiet(slopes(n).all_fit, ["bobyqa", "Nelder_Mead", "nlminbwrap"])


@cache
def _routes(n: int) -> Any:
    methods = ["normal", "satterthwaite", "kenward-roger", "likelihood-ratio"]
    return _quiet(pb.compare_inference, slopes(n), "hrs_week", methods)


@cache
def _effect(n: int) -> Any:
    fit = factors(n)
    return _quiet(fit.effect, ["hrs_week", "sex"], partial_residuals=True)


def _predictions(n: int) -> Any:
    new = pd.DataFrame({"hrs_week": [0.0, 5.0, 10.0] * 2, "sex": ["female"] * 3 + ["male"] * 3})
    new["kind"] = "public"
    found = factors(n).predict(new, "population", interval="confidence")
    return found.plot(new, "hrs_week", by="sex")


@cache
def _counts(n: int) -> Any:
    data = pupils(n)
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


PICTURES: Final[dict[str, Picture]] = {
    "all_fit": Picture(lambda n: _optimizers(n).plot(), 30),
    "anova": Picture(lambda n: factors(n).anova().plot(), 30),
    "bootstrap": Picture(lambda n: _replicates(n).plot(), 30),
    "checks": Picture(lambda n: _checks(n).plot(), 30),
    "coefficients": Picture(lambda n: factors(n).plot.coefficients()),
    "coefficients with two levels": Picture(
        lambda n: factors(n).plot.coefficients(
            conf_level=(0.5, 0.95), standardize=True, order="estimate"
        )
    ),
    "coefficients of several": Picture(lambda n: pb.plots.coefficients(_several(n))),
    "cooks_distance": Picture(lambda n: slopes(n).plot.cooks_distance()),
    "diagnostics": Picture(lambda n: slopes(n).plot.diagnostics()),
    "diagnostics of a logistic model": Picture(lambda n: logistic(n).plot.diagnostics(), 30),
    "effect": Picture(lambda n: factors(n).plot.effect("kind"), 30),
    "effect of a number": Picture(lambda n: factors(n).plot.effect("hrs_week"), 30),
    "effect in panels": Picture(lambda n: factors(n).plot.effect(["hrs_week", "sex", "kind"]), 30),
    "effect_curve": Picture(lambda n: _effect(n).plot(), 30),
    "emmip": Picture(lambda n: factors(n).plot.emmip("sex ~ kind"), 30),
    "emmip along a number": Picture(
        lambda n: factors(n).plot.emmip("sex ~ hrs_week", at={"hrs_week": [0, 5, 10]}), 30
    ),
    "groups": Picture(lambda n: slopes(n).plot.groups()),
    "influence": Picture(lambda n: _influence(n).plot()),
    "intervals": Picture(lambda n: _quiet(factors(n).confint, "wald").plot(), 30),
    "leverage": Picture(lambda n: slopes(n).plot.leverage()),
    "lines": Picture(lambda n: slopes(n).plot.lines()),
    "means": Picture(lambda n: _means(n).plot(), 30),
    "means with arrows": Picture(lambda n: factors(n).emmeans("sex").plot(comparisons=True), 30),
    "contrasts": Picture(lambda n: _quiet(_means(n).contrast, "pairwise").plot(), 30),
    "pooling": Picture(lambda n: slopes(n).plot.pooling()),
    "power": Picture(lambda n: _power().plot(), 5),
    "power_curve": Picture(lambda n: _power_curve().plot(), 5),
    "predictions": Picture(_predictions, 30),
    "profile_pairs": Picture(lambda n: _profile(n).plot_pairs(), 30),
    "random_effects": Picture(lambda n: slopes(n).plot.random_effects()),
    "random_quantiles": Picture(lambda n: slopes(n).plot.random_quantiles()),
    "random_scatter": Picture(lambda n: slopes(n).plot.random_scatter()),
    "residual_quantiles": Picture(lambda n: slopes(n).plot.residual_quantiles()),
    "residuals_binned": Picture(lambda n: logistic(n).plot.residuals_binned("hrs_week"), 30),
    "residuals_by_group": Picture(lambda n: slopes(n).plot.residuals_by_group()),
    "residuals_fitted": Picture(lambda n: slopes(n).plot.residuals_fitted()),
    "residuals_predictor": Picture(lambda n: slopes(n).plot.residuals_predictor("hrs_week"), 100),
    "residuals_predictor along a factor": Picture(
        lambda n: factors(n).plot.residuals_predictor("kind"), 100
    ),
    "residuals_predictor by another": Picture(
        lambda n: logistic(n).plot.residuals_predictor("hrs_week", by="sex"), 30
    ),
    "predictive_check": Picture(lambda n: slopes(n).check_predictions().plot()),
    "predictive_check of counts": Picture(lambda n: _counts(n).check_predictions().plot(), 30),
    "simulated_residuals": Picture(lambda n: slopes(n).simulated_residuals().plot()),
    "simulated_residuals along a factor": Picture(
        lambda n: factors(n).simulated_residuals().plot("kind")
    ),
    "routes": Picture(lambda n: _routes(n).plot(), 30),
    "scale_location": Picture(lambda n: slopes(n).plot.scale_location()),
    "shrinkage": Picture(lambda n: slopes(n).plot.shrinkage()),
    "zeta": Picture(lambda n: _profile(n).plot(absolute=True), 30),
}
"""Each picture, of a number of groups."""
