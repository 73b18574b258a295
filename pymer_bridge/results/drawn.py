"""How tables of results come to be drawn: ``plot()``, which a class of results takes from here.

The pictures themselves are in `plots`, and are loaded when the first one is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pymer_bridge.results.base import above
from pymer_bridge.spec.arguments import Public
from pymer_bridge.spec.options import TermOrder, TestFigure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class DrawnCoefficients(Public):
    """Of fixed effects."""

    __slots__ = ()

    def plot(
        self,
        *,
        terms: Sequence[str] | None = None,
        intercept: bool = False,
        exponentiate: bool = False,
        order: TermOrder = "model",
        labels: Mapping[str, str] | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw estimates with intervals; see :func:`pymer_bridge.plots.coefficients`."""
        how: dict[str, Any] = {"terms": terms, "intercept": intercept, "exponentiate": exponentiate}
        draw = above("pymer_bridge.plots", "coefficients")
        axes: Axes = draw(self, **how, order=order, labels=labels, ax=ax)
        return axes


class DrawnIntervals(Public):
    """Of confidence intervals."""

    __slots__ = ()

    def plot(
        self,
        *,
        terms: Sequence[str] | None = None,
        intercept: bool = False,
        labels: Mapping[str, str] | None = None,
        ax: Axes | Sequence[Axes] | None = None,
    ) -> Figure:
        """Draw them below each other; see :func:`pymer_bridge.plots.intervals`."""
        draw = above("pymer_bridge.plots", "intervals")
        figure: Figure = draw(self, terms=terms, intercept=intercept, labels=labels, ax=ax)
        return figure


class DrawnTests(Public):
    """Of tests of terms."""

    __slots__ = ()

    def plot(
        self,
        *,
        show: TestFigure | None = None,
        conf_level: float = 0.95,
        labels: Mapping[str, str] | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw partial eta squared, or the statistics; see :func:`pymer_bridge.plots.anova`."""
        draw = above("pymer_bridge.plots", "anova")
        axes: Axes = draw(self, show=show, conf_level=conf_level, labels=labels, ax=ax)
        return axes


class DrawnPredictions(Public):
    """Of predictions."""

    __slots__ = ()

    def plot(
        self,
        data: Any = None,
        x: str | None = None,
        *,
        by: str | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw them along a column of the data; see :func:`pymer_bridge.plots.predictions`."""
        axes: Axes = above("pymer_bridge.plots", "predictions")(self, data, x, by=by, ax=ax)
        return axes
