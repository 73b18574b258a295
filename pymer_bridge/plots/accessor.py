"""``fit.plot``: the pictures of one model, each a function of :mod:`pymer_bridge.plots`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast

from pymer_bridge import plots
from pymer_bridge.spec.arguments import Public

Picture = TypeVar("Picture", bound=Callable[..., Any])


def _of_fit(picture: Picture) -> Picture:
    """Make a method of a function whose first argument is the model.

    Editors see the function's own arguments, the first one bound.
    """

    @wraps(picture)
    def method(self: FitPlots, /, *args: Any, **options: Any) -> Any:
        return picture(self.fit, *args, **options)

    return cast("Picture", method)


@dataclass(frozen=True, slots=True)
class FitPlots(Public):
    """The pictures of one mixed model; each method is the function of :mod:`pymer_bridge.plots`.

    Attributes
    ----------
    fit
        The model.
    """

    fit: Any

    def __repr__(self) -> str:
        """Return the names of the pictures."""
        names = [name for name in dir(self) if not name.startswith("_") and name != "fit"]
        return f"<pictures of {self.fit!r}: {', '.join(names)}>"

    coefficients = _of_fit(plots.coefficients)
    effect = _of_fit(plots.effect)
    random_effects = _of_fit(plots.random_effects)
    random_scatter = _of_fit(plots.random_scatter)
    random_quantiles = _of_fit(plots.random_quantiles)
    lines = _of_fit(plots.lines)
    groups = _of_fit(plots.groups)
    pooling = _of_fit(plots.pooling)
    shrinkage = _of_fit(plots.shrinkage)
    diagnostics = _of_fit(plots.diagnostics)
    residuals_fitted = _of_fit(plots.residuals_fitted)
    scale_location = _of_fit(plots.scale_location)
    residual_quantiles = _of_fit(plots.residual_quantiles)
    residuals_by_group = _of_fit(plots.residuals_by_group)
    leverage = _of_fit(plots.leverage)
    cooks_distance = _of_fit(plots.cooks_distance)
