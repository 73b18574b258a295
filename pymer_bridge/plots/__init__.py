"""Pictures: functions that take a fitted model or a result and return matplotlib axes.

Every function takes ``ax=`` and draws there; without it, it makes a figure (see ``canvas``).
Those that need several panels take one axes a panel, and return the figure.
"""

from __future__ import annotations

from pymer_bridge.plots.effects import coefficients as coefficients
from pymer_bridge.plots.pooling import groups as groups
from pymer_bridge.plots.pooling import lines as lines
from pymer_bridge.plots.pooling import pooling as pooling
from pymer_bridge.plots.pooling import shrinkage as shrinkage
from pymer_bridge.plots.random import random_effects as random_effects
from pymer_bridge.plots.random import random_quantiles as random_quantiles
from pymer_bridge.plots.random import random_scatter as random_scatter

__all__ = [
    "coefficients", "groups", "lines", "pooling", "random_effects", "random_quantiles",
    "random_scatter", "shrinkage",
]  # fmt: skip
