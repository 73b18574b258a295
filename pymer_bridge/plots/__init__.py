"""Pictures: functions that take a fitted model or a result and return matplotlib axes.

Every function takes ``ax=`` and draws there; without it, it makes a figure (see ``canvas``).
Those that need several panels take one axes a panel, and return the figure. Curves and bands are
R's, and come from ``curves`` and ``profile_curves``.

May import: `session`, `results`, `data`, `spec`, `display`, `errors`.

New here: a picture of a result is a function; copy `optimizers.py`, and export it here.
"""

from __future__ import annotations

from pymer_bridge.plots.diagnostics import diagnostics as diagnostics
from pymer_bridge.plots.diagnostics import residual_quantiles as residual_quantiles
from pymer_bridge.plots.diagnostics import residuals_by_group as residuals_by_group
from pymer_bridge.plots.diagnostics import residuals_fitted as residuals_fitted
from pymer_bridge.plots.diagnostics import scale_location as scale_location
from pymer_bridge.plots.effects import coefficients as coefficients
from pymer_bridge.plots.forest import bootstrap as bootstrap
from pymer_bridge.plots.forest import routes as routes
from pymer_bridge.plots.leverage import cooks_distance as cooks_distance
from pymer_bridge.plots.leverage import influence as influence
from pymer_bridge.plots.leverage import leverage as leverage
from pymer_bridge.plots.optimizers import all_fit as all_fit
from pymer_bridge.plots.pooling import groups as groups
from pymer_bridge.plots.pooling import lines as lines
from pymer_bridge.plots.pooling import pooling as pooling
from pymer_bridge.plots.pooling import shrinkage as shrinkage
from pymer_bridge.plots.predictors import effect as effect
from pymer_bridge.plots.predictors import effect_curve as effect_curve
from pymer_bridge.plots.profiles import profile_pairs as profile_pairs
from pymer_bridge.plots.profiles import zeta as zeta
from pymer_bridge.plots.random import random_effects as random_effects
from pymer_bridge.plots.random import random_quantiles as random_quantiles
from pymer_bridge.plots.random import random_scatter as random_scatter

__all__ = [
    "all_fit", "bootstrap", "coefficients", "cooks_distance", "diagnostics", "effect",
    "effect_curve", "groups", "influence", "leverage", "lines", "pooling", "profile_pairs",
    "random_effects", "random_quantiles", "random_scatter", "residual_quantiles",
    "residuals_by_group", "residuals_fitted", "routes", "scale_location", "shrinkage", "zeta",
]  # fmt: skip
