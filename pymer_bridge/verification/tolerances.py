"""How much a figure may differ from the recorded one, and in which unit the difference is measured.

With the R, packages, BLAS and LAPACK, platform and process state of the record, a figure must be
the same to the last bit. Elsewhere the limits are :data:`LINEAR_LIMITS` and :data:`LIMITS`, chosen
from the differences between lme4 1.1-31, 1.1-37 and 2.1, and between the two states of Debian 12's
lme4, on 71 models (docs/drift.md has the tables; benchmarks/drift.py makes them).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Final

from pymer_bridge.errors import OptionError, shown
from pymer_bridge.spec.model_spec import ModelSpec

LINEAR: Final = ("lmer", "lm", "lmList")
"""R's functions that fit linear models if they are given no family."""

ERRORS: Final = "standard errors"
"""The unit of a distance: the standard error of the estimate."""
RELATIVE: Final = "relative"
"""The larger of the two figures."""
MIXED: Final = "relative or absolute"
"""The larger of the two figures, or one if both are smaller than one."""
SIGMA: Final = "sigma"
"""The residual standard deviation, squared for variances."""
SAME: Final = "same"
"""No unit: the figures must be the same."""

Limits = tuple[str, float | None, float | None]

FIGURES: Final[Mapping[str, Limits]] = {
    "fixed_effect/estimate": (ERRORS, 1e-8, 1e-6),
    "fixed_effect/std_error": (RELATIVE, 1e-6, 1e-4),
    "fixed_effect/df": (RELATIVE, 1e-6, None),
    "fixed_effect/statistic": (MIXED, 1e-6, 1e-4),
    "fixed_effect/p_value": (MIXED, 1e-9, 1e-5),
    "fixed_effect/conf_low": (ERRORS, 1e-6, 1e-4),
    "fixed_effect/conf_high": (ERRORS, 1e-6, 1e-4),
    "separate_effect/estimate": (ERRORS, 1e-8, 1e-6),
    "separate_effect/std_error": (RELATIVE, 1e-6, 1e-4),
    "separate_effect/statistic": (MIXED, 1e-6, 1e-4),
    "separate_effect/p_value": (MIXED, 1e-9, 1e-5),
    "separate_effect/conf_low": (ERRORS, 1e-6, 1e-4),
    "separate_effect/conf_high": (ERRORS, 1e-6, 1e-4),
    "random_effect/estimate": (ERRORS, 1e-6, 1e-6),
    "random_effect/std_error": (SIGMA, 1e-7, 1e-6),
    "variance_component/std_dev": (SIGMA, 1e-6, 1e-6),
    "variance_component/variance": (SIGMA, 1e-6, 1e-6),
    "correlation/covariance": (SIGMA, 1e-7, 1e-6),
    "correlation/correlation": (MIXED, 1e-7, 1e-6),
    "theta/estimate": (MIXED, 1e-6, 1e-6),
    "model/sigma": (RELATIVE, 1e-8, 1e-8),
    "model/size": (RELATIVE, None, 1e-6),
    "fit_statistic/reml_criterion": (MIXED, 1e-11, None),
    "fit_statistic/log_likelihood": (MIXED, 1e-11, 1e-11),
    "fit_statistic/deviance": (MIXED, 1e-9, 1e-7),
    "fit_statistic/aic": (MIXED, 1e-11, 1e-11),
    "fit_statistic/bic": (MIXED, 1e-11, 1e-11),
}
"""By family and quantity: the unit of a figure, and the largest distance that passes between two
stacks, of linear models and of generalized and nonlinear ones. What is not here must be the same.

The distances are powers of ten: for linear models at least ten times the largest that was measured;
for the others by how lme4 1.1-31 and 1.1-37 differ. lme4 2.1 gives other answers for many of those:
that is drift, and is reported as such."""

OWN: Final = frozenset(
    (
        *("model", "fixed_effect", "separate_effect", "random_effect", "variance_component"),
        *("correlation", "theta", "fit_statistic", "convergence"),
    )
)
"""The families of a model's own figures; all others are of results."""
OF_RESULTS: Final[Mapping[str, Limits]] = {
    "std_error": (RELATIVE, 1e-6, 1e-4),
    "conf_low": (MIXED, 1e-4, 1e-4),
    "conf_high": (MIXED, 1e-4, 1e-4),
    "df": (RELATIVE, 1e-6, 1e-4),
    "df1": (RELATIVE, 1e-6, 1e-4),
    "df2": (RELATIVE, 1e-6, 1e-4),
    "p_value": (MIXED, 1e-7, 1e-5),
    "aic": (MIXED, 1e-9, 1e-9),
    "bic": (MIXED, 1e-9, 1e-9),
    "log_likelihood": (MIXED, 1e-9, 1e-9),
    "deviance": (MIXED, 1e-9, 1e-7),
    "": (MIXED, 1e-6, 1e-4),
}
"""The same of results, by the quantity alone, "" for all others: nearly as of a model's own."""

SCALES: Final = {name: unit for name, (unit, _, _) in FIGURES.items()}
LINEAR_LIMITS: Final = {name: far for name, (_, far, _) in FIGURES.items() if far is not None}
LIMITS: Final = {name: far for name, (_, _, far) in FIGURES.items() if far is not None}

REPORTED: Final = frozenset(
    (
        "convergence/evaluations",
        "convergence/messages",
        "convergence/warnings",
        "convergence/code",
        "convergence/converged",
        "model/dropped_columns",
        "influence/evaluations",
        "influence/converged",
        "optimizer/evaluations",
    )
)
"""Texts, counts and verdicts that depend on the version: changes are reported, but no drift."""


def of_figure(name: str) -> Limits:
    """Return the unit of a figure, by family and quantity, and its two limits."""
    family, quantity = name.split("/")
    if name in FIGURES or family in OWN:
        return FIGURES.get(name, (SAME, None, None))
    return OF_RESULTS.get(quantity, OF_RESULTS[""])


def check_tolerance(
    tolerance: float | Mapping[str, float] | None, of_results: Collection[str] = ()
) -> dict[str, float]:
    """Check a user's tolerance, and return it by the names of figures.

    Parameters
    ----------
    tolerance
        One limit for all figures, or limits by "family/quantity", such as
        ``{"fixed_effect/estimate": 1e-4}``; each in the figure's own unit.
    of_results
        The names of the figures of results that there are.

    Raises
    ------
    OptionError
        It is not a valid limit, or a name is not known.
    """
    if tolerance is None:
        return {}
    known = dict.fromkeys((*SCALES, *of_results))
    given = tolerance if isinstance(tolerance, Mapping) else dict.fromkeys(known, tolerance)
    checked = {}
    for name, limit in given.items():
        if name not in known:
            raise OptionError(f"tolerance has no figure {shown(name)}; it has: {', '.join(known)}")
        number = isinstance(limit, int | float) and not isinstance(limit, bool)
        if not number or not 0 <= limit < math.inf:
            raise OptionError(f"tolerance={shown(limit)} must be a number, at least 0")
        checked[name] = float(limit)
    return checked


def limits_for(
    spec: ModelSpec, of_results: Collection[str] = (), *, same_stack: bool
) -> Mapping[str, float]:
    """Return the largest distances that pass by default; other figures must be the same.

    Parameters
    ----------
    spec
        The specification of the model.
    of_results
        The names of the figures of results that there are.
    same_stack
        Is everything the same that figures can depend on?
    """
    if same_stack:
        return {}
    place = 1 if spec.fitter in LINEAR and spec.family is None else 2
    found = {name: of_figure(name)[place] for name in (*FIGURES, *of_results)}
    return {name: far for name, far in found.items() if isinstance(far, float)}


def distance(
    name: str, one: float, other: float, std_error: float | None, sigma: float | None
) -> float:
    """Return the distance of two figures, in the unit of the figure.

    Parameters
    ----------
    name
        Family and quantity.
    one, other
        The figures; not both of the same value.
    std_error
        Of the recorded estimate.
    sigma
        The recorded residual standard deviation.
    """
    if math.isnan(one) or math.isnan(other) or math.isinf(one) or math.isinf(other):
        return math.inf
    far = abs(one - other)
    larger = max(abs(one), abs(other))
    scale = of_figure(name)[0]
    if scale == ERRORS:
        unit = std_error or 0.0
    elif scale == SIGMA:
        squared = name.endswith(("/variance", "/covariance"))
        unit = (sigma or 1.0) ** (2 if squared else 1)
    else:
        unit = max(1.0, larger) if scale == MIXED else larger
    return far / unit if unit > 0 else math.inf
