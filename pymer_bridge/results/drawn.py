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


class DrawnPanels(Public):
    """Of scaled residuals."""

    __slots__ = ()

    def plot(
        self, along: str | None = None, *, seed: int | None = 123, ax: Sequence[Axes] | None = None
    ) -> Figure:
        """Draw the two panels of DHARMa; see :func:`pymer_bridge.plots.simulated_residuals`."""
        draw = above("pymer_bridge.plots", "simulated_residuals")
        figure: Figure = draw(self, along, seed=seed, ax=ax)
        return figure


class DrawnCheck(Public):
    """Of observed and simulated responses."""

    __slots__ = ()

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw both distributions; see :func:`pymer_bridge.plots.predictive_check`."""
        axes: Axes = above("pymer_bridge.plots", "predictive_check")(self, ax=ax)
        return axes


class DrawnPage(Public):
    """Of checks."""

    __slots__ = ()

    def plot(self, *, seed: int | None = 1, ax: Sequence[Axes] | None = None) -> Figure:
        """Draw a panel for each check that has a picture, with R's verdict over it.

        Parameters
        ----------
        seed
            Of what is simulated: R's ``set.seed`` integer.
        ax
            Axes to draw on, one per panel.

        Returns
        -------
        matplotlib.figure.Figure
            Variance inflation factors; the spread of residuals; their quantiles; those of random
            effects; Cook's distances (not of generalized mixed models); numbers of rows with each
            value, observed and simulated; residuals in the order of rows. What has no picture
            stands below.

        Raises
        ------
        OptionError
            No check has a picture, or the axes are not as many as panels.

        Notes
        -----
        R functions: the verdicts are those of R's package performance, the pictures those of
        :func:`pymer_bridge.plots.diagnostics`, :func:`~pymer_bridge.plots.random_quantiles`,
        :func:`~pymer_bridge.plots.cooks_distance` and
        :func:`~pymer_bridge.plots.predictive_check`.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> figure = fit.check().plot()  # doctest: +SKIP
        """
        figure: Figure = above("pymer_bridge.plots", "draw_checks")(self, seed=seed, ax=ax)
        return figure
