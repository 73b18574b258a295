"""``fit.plot``: the pictures of one model, each a function of :mod:`pymer_bridge.plots`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from pymer_bridge import plots
from pymer_bridge.spec.arguments import Public

P = ParamSpec("P")
T = TypeVar("T")


def _of_fit(picture: Callable[Concatenate[Any, P], T]) -> Callable[Concatenate[Any, P], T]:
    """Make a method of a function whose first argument is the model.

    Editors see the function's own arguments, the first one bound.
    """

    @wraps(picture)
    def method(self: FitPlots, /, *args: P.args, **options: P.kwargs) -> T:
        return picture(self.fit, *args, **options)

    return method


class _Pictures(Public):
    """The functions as methods. Not a dataclass: these are no fields."""

    __slots__ = ()

    coefficients: Final = _of_fit(plots.coefficients)
    effect: Final = _of_fit(plots.effect)
    emmip: Final = _of_fit(plots.emmip)
    diagnostics: Final = _of_fit(plots.diagnostics)
    leverage: Final = _of_fit(plots.leverage)
    cooks_distance: Final = _of_fit(plots.cooks_distance)
    residuals_fitted: Final = _of_fit(plots.residuals_fitted)
    scale_location: Final = _of_fit(plots.scale_location)
    residual_quantiles: Final = _of_fit(plots.residual_quantiles)
    residuals_predictor: Final = _of_fit(plots.residuals_predictor)
    residuals_binned: Final = _of_fit(plots.residuals_binned)


class _MixedPictures(_Pictures):
    """Those that need groups, or what only mixed models have."""

    __slots__ = ()

    random_effects: Final = _of_fit(plots.random_effects)
    random_scatter: Final = _of_fit(plots.random_scatter)
    random_quantiles: Final = _of_fit(plots.random_quantiles)
    lines: Final = _of_fit(plots.lines)
    groups: Final = _of_fit(plots.groups)
    pooling: Final = _of_fit(plots.pooling)
    shrinkage: Final = _of_fit(plots.shrinkage)
    residuals_by_group: Final = _of_fit(plots.residuals_by_group)


@dataclass(frozen=True, slots=True)
class LinearPlots(_Pictures):
    """The pictures of one model; each method is the function of :mod:`pymer_bridge.plots`.

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


@dataclass(frozen=True, slots=True, repr=False)
class FitPlots(_MixedPictures, LinearPlots):
    """The pictures of one mixed model; each method is the function of :mod:`pymer_bridge.plots`.

    Attributes
    ----------
    fit
        The model.
    """
