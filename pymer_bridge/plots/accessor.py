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

    def effect(self, terms: str | Sequence[str], *, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the effect of a predictor; see :func:`pymer_bridge.plots.effect`."""
        return plots.effect(self.fit, terms, ax=ax, **options)

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
        self,
        group: str | None = None,
        predictor: str | None = None,
        *,
        ax: Axes | None = None,
        **options: Any,
    ) -> Axes:
        """Draw data and fitted lines; see :func:`pymer_bridge.plots.lines`."""
        return plots.lines(self.fit, group, predictor, ax=ax, **options)

    def groups(
        self,
        group: str | None = None,
        predictor: str | None = None,
        *,
        ax: Sequence[Axes] | None = None,
        **options: Any,
    ) -> Figure:
        """Draw each group by itself; see :func:`pymer_bridge.plots.groups`."""
        return plots.groups(self.fit, group, predictor, ax=ax, **options)

    def pooling(
        self,
        group: str | None = None,
        predictor: str | None = None,
        *,
        ax: Sequence[Axes] | None = None,
    ) -> Figure:
        """Draw three kinds of pooling; see :func:`pymer_bridge.plots.pooling`."""
        return plots.pooling(self.fit, group, predictor, ax=ax)

    def shrinkage(
        self,
        group: str | None = None,
        predictor: str | None = None,
        *,
        ax: Axes | None = None,
        **options: Any,
    ) -> Axes:
        """Draw how lines move by pooling; see :func:`pymer_bridge.plots.shrinkage`."""
        return plots.shrinkage(self.fit, group, predictor, ax=ax, **options)

    # -- residuals, and what bears on the fit --------------------------------------------------

    def diagnostics(
        self, group: str | None = None, *, ax: Sequence[Axes] | None = None, **options: Any
    ) -> Figure:
        """Draw residuals and leverage in one figure; see :func:`pymer_bridge.plots.diagnostics`."""
        return plots.diagnostics(self.fit, group, ax=ax, **options)

    def residuals_fitted(self, *, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw residuals and fitted values; see :func:`pymer_bridge.plots.residuals_fitted`."""
        return plots.residuals_fitted(self.fit, ax=ax, **options)

    def scale_location(self, *, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the residuals' spread; see :func:`pymer_bridge.plots.scale_location`."""
        return plots.scale_location(self.fit, ax=ax, **options)

    def residual_quantiles(self, *, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw normal quantiles; see :func:`pymer_bridge.plots.residual_quantiles`."""
        return plots.residual_quantiles(self.fit, ax=ax, **options)

    def residuals_by_group(
        self, group: str | None = None, *, ax: Axes | None = None, **options: Any
    ) -> Axes:
        """Draw residuals by group; see :func:`pymer_bridge.plots.residuals_by_group`."""
        return plots.residuals_by_group(self.fit, group, ax=ax, **options)

    def leverage(self, *, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw residuals and leverage; see :func:`pymer_bridge.plots.leverage`."""
        return plots.leverage(self.fit, ax=ax, **options)

    def cooks_distance(self, *, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw Cook's distances; see :func:`pymer_bridge.plots.cooks_distance`."""
        return plots.cooks_distance(self.fit, ax=ax, **options)
