"""How much a figure may differ from the recorded one, and in which unit the difference is measured.

With the R, packages, BLAS and LAPACK, platform and process state of the record, a figure must be
the same to the last bit. Elsewhere the limits are :data:`LINEAR_LIMITS` and :data:`LIMITS`, chosen
from the differences between lme4 1.1-31, 1.1-37 and 2.1, and between the two states of Debian 12's
lme4, on 71 models (docs/drift.md has the tables; benchmarks/drift.py makes them).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
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

_TESTS: Final = "std_error df statistic p_value conf_low conf_high"
_LIKE: Final = "mean sd min max"
OF_RESULTS: Final[Mapping[str, str]] = {
    "f_test": "sum_sq mean_sq df2 statistic p_value",
    "term_test": "sum_sq mean_sq deviance residual_deviance aic statistic p_value",
    "ratio_test": "aic bic log_likelihood deviance chi_square p_value",
    "random_step": "aic log_likelihood chi_square p_value",
    "fixed_step": "sum_sq mean_sq df2 statistic p_value",
    "t_test": f"estimate {_TESTS}",
    "comparison": "statistic df2 f_scaling p_value unscaled_statistic unscaled_p_value",
    "interval": "conf_low conf_high",
    "robust_effect": f"estimate {_TESTS}",
    "mean": f"estimate {_TESTS}",
    "mean_test": "estimate std_error df statistic p_value",
    "joint_test": "df2 statistic p_value",
    "bootstrap": "estimate",
    "bootstrap_test": "statistic df2 p_value",
    "prediction": " ".join(
        ["estimate std_error conf_low conf_high"]
        + [f"{name}_{each}" for name in ("estimate", "std_error") for each in _LIKE.split()]
    ),
    "profile": " ".join(
        ["zeta focal"] + [f"{name}_{each}" for name in ("zeta", "focal") for each in _LIKE.split()]
    ),
    **{
        family: " ".join(f"value_{each}" for each in _LIKE.split())
        for family in ("replicate", "likelihood_ratio", "simulation")
    },
}
"""The figures of results that are real numbers, by their families."""
_BY_NAME: Final[Mapping[str, Limits]] = {
    "std_error": (RELATIVE, 1e-6, 1e-4),
    "df": (RELATIVE, 1e-6, None),
    "df2": (RELATIVE, 1e-6, None),
    "p_value": (MIXED, 1e-7, 1e-5),
    "aic": (MIXED, 1e-9, 1e-9),
    "bic": (MIXED, 1e-9, 1e-9),
    "log_likelihood": (MIXED, 1e-9, 1e-9),
    "deviance": (MIXED, 1e-9, 1e-7),
}
"""Their limits by the names of the quantities, which are nearly those of a model's own figures."""


def _of_results() -> dict[str, Limits]:
    return {
        f"{family}/{name}": _BY_NAME.get(name, (MIXED, 1e-6, 1e-4))
        for family, names in OF_RESULTS.items()
        for name in names.split()
    }


FIGURES: Final[Mapping[str, Limits]] = {
    **_of_results(),
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
    )
)
"""Texts, counts and verdicts that depend on the version: changes are reported, but no drift."""


def check_tolerance(tolerance: float | Mapping[str, float] | None) -> dict[str, float]:
    """Check a user's tolerance, and return it by the names of figures.

    Parameters
    ----------
    tolerance
        One limit for all figures, or limits by "family/quantity", such as
        ``{"fixed_effect/estimate": 1e-4}``; each in the figure's own unit.

    Raises
    ------
    OptionError
        It is not a valid limit, or a name is not known.
    """
    if tolerance is None:
        return {}
    given = tolerance if isinstance(tolerance, Mapping) else dict.fromkeys(SCALES, tolerance)
    checked = {}
    for name, limit in given.items():
        if name not in SCALES:
            raise OptionError(f"tolerance has no figure {shown(name)}; it has: {', '.join(SCALES)}")
        number = isinstance(limit, int | float) and not isinstance(limit, bool)
        if not number or not 0 <= limit < math.inf:
            raise OptionError(f"tolerance={shown(limit)} must be a number, at least 0")
        checked[name] = float(limit)
    return checked


def limits_for(spec: ModelSpec, *, same_stack: bool) -> Mapping[str, float]:
    """Return the largest distances that pass by default; other figures must be the same."""
    if same_stack:
        return {}
    return LINEAR_LIMITS if spec.fitter in LINEAR and spec.family is None else LIMITS


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
    scale = SCALES.get(name, SAME)
    if scale == ERRORS:
        unit = std_error or 0.0
    elif scale == SIGMA:
        squared = name.endswith(("/variance", "/covariance"))
        unit = (sigma or 1.0) ** (2 if squared else 1)
    else:
        unit = max(1.0, larger) if scale == MIXED else larger
    return far / unit if unit > 0 else math.inf
