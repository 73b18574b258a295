"""Pictures: functions that take a fitted model or a result and return matplotlib axes.

Every function takes ``ax=`` and draws there; without it, it makes a figure (see ``canvas``).
Those that need several panels take one axes per panel, and return the figure. Curves and bands are
R's, and come from ``curves`` and ``profile_curves``.

May import: `session`, `results`, `data`, `spec`, `display`, `errors`.

New here: a picture of a result is a function; copy `optimizers.py`, and export it here.
"""

from __future__ import annotations

from pymer_bridge.plots.checks import draw_checks as draw_checks
from pymer_bridge.plots.diagnostics import (
    diagnostics,
    residual_quantiles,
    residuals_by_group,
    residuals_fitted,
    scale_location,
)
from pymer_bridge.plots.effects import coefficients
from pymer_bridge.plots.forest import bootstrap, routes
from pymer_bridge.plots.leverage import cooks_distance, influence, leverage
from pymer_bridge.plots.means import emmip, means
from pymer_bridge.plots.optimizers import all_fit
from pymer_bridge.plots.pooling import groups, lines, pooling, shrinkage
from pymer_bridge.plots.power import power, power_curve
from pymer_bridge.plots.predictors import effect, effect_curve
from pymer_bridge.plots.profiles import profile_pairs, zeta
from pymer_bridge.plots.random import random_effects, random_quantiles, random_scatter
from pymer_bridge.plots.residual_views import residuals_binned, residuals_predictor
from pymer_bridge.plots.sheet import style
from pymer_bridge.plots.simulated import predictive_check, simulated_residuals
from pymer_bridge.plots.tables import anova, intervals, predictions

__all__ = [
    "all_fit", "anova", "bootstrap", "coefficients", "cooks_distance", "diagnostics", "effect",
    "effect_curve", "emmip", "groups", "influence", "intervals", "leverage", "lines", "means",
    "pooling", "power", "power_curve", "predictions", "predictive_check", "profile_pairs",
    "random_effects", "random_quantiles", "random_scatter", "residual_quantiles",
    "residuals_binned", "residuals_by_group", "residuals_fitted", "residuals_predictor", "routes",
    "scale_location", "shrinkage", "simulated_residuals", "style", "zeta",
]  # fmt: skip
