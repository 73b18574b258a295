"""``fit.plot``: the pictures of one model, as thin methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pymer_bridge import plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class FitPlots:
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

    def coefficients(self, *, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw fixed effects with intervals; see :func:`pymer_bridge.plots.coefficients`."""
        return plots.coefficients(self.fit, ax=ax, **options)

    def random_effects(
        self, group: str | None = None, *, ax: Axes | Sequence[Axes] | None = None, **options: Any
    ) -> Figure:
        """Draw conditional modes; see :func:`pymer_bridge.plots.random_effects`."""
        return plots.random_effects(self.fit, group, ax=ax, **options)

    def random_scatter(
        self, group: str | None = None, *, ax: Axes | None = None, **options: Any
    ) -> Axes:
        """Draw two random terms; see :func:`pymer_bridge.plots.random_scatter`."""
        return plots.random_scatter(self.fit, group, ax=ax, **options)

    def random_quantiles(
        self, group: str | None = None, *, ax: Axes | Sequence[Axes] | None = None, **options: Any
    ) -> Figure:
        """Draw normal quantiles; see :func:`pymer_bridge.plots.random_quantiles`."""
        return plots.random_quantiles(self.fit, group, ax=ax, **options)

    def lines(
        self, group: str | None = None, predictor: str | None = None, *, ax: Axes | None = None,
        **options: Any,
    ) -> Axes:  # fmt: skip
        """Draw data and fitted lines; see :func:`pymer_bridge.plots.lines`."""
        return plots.lines(self.fit, group, predictor, ax=ax, **options)

    def groups(
        self, group: str | None = None, predictor: str | None = None, *,
        ax: Sequence[Axes] | None = None, **options: Any,
    ) -> Figure:  # fmt: skip
        """Draw each group by itself; see :func:`pymer_bridge.plots.groups`."""
        return plots.groups(self.fit, group, predictor, ax=ax, **options)

    def pooling(
        self, group: str | None = None, predictor: str | None = None, *,
        ax: Sequence[Axes] | None = None,
    ) -> Figure:  # fmt: skip
        """Draw three kinds of pooling; see :func:`pymer_bridge.plots.pooling`."""
        return plots.pooling(self.fit, group, predictor, ax=ax)

    def shrinkage(
        self, group: str | None = None, predictor: str | None = None, *, ax: Axes | None = None,
        **options: Any,
    ) -> Axes:  # fmt: skip
        """Draw how lines move by pooling; see :func:`pymer_bridge.plots.shrinkage`."""
        return plots.shrinkage(self.fit, group, predictor, ax=ax, **options)
