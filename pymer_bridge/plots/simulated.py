"""Pictures of residuals and responses among simulated ones, as users of DHARMa know them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pymer_bridge.display import apa
from pymer_bridge.plots import canvas, curves, inks, ticks
from pymer_bridge.plots.leverage import legend_in_columns
from pymer_bridge.results.simulated import PredictiveCheck, ResidualLine, ResidualPanels
from pymer_bridge.spec.arguments import checked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pymer_bridge.models.scaled_residuals import SimulatedResiduals

SCALED: Final = "Scaled residual"
_TESTS: Final = ("Uniformity", "Outliers", "Dispersion")


@checked
def simulated_residuals(
    result: SimulatedResiduals,
    along: str | None = None,
    *,
    seed: int | None = 123,
    ax: Sequence[Axes] | None = None,
) -> Figure:
    """Draw scaled residuals in the two panels of DHARMa.

    Parameters
    ----------
    result
        What ``fit.simulated_residuals()`` gave, or its ``by_group()``.
    along
        A predictor along which the second panel is; the fitted values by default.
    seed
        Of the tests and quantile regressions that draw: R's ``set.seed`` integer.
    ax
        Axes to draw on, one per panel.

    Returns
    -------
    matplotlib.figure.Figure
        Sorted residuals against uniform quantiles, with three tests; and residuals along ranks of
        the fitted values, or of the predictor: with regressions of three quantiles where DHARMa is
        installed and there are up to 2,000 rows, and else a smoothing spline; boxes where there
        are few values. Residuals of 0 and 1, beyond all simulations, are stars.

    Raises
    ------
    OptionError
        There is no such predictor.

    Notes
    -----
    R functions: ``DHARMa::plotQQunif`` and ``plotResiduals`` [1]_, whose words the titles are:
    "significant" is p < .05.

    References
    ----------
    .. [1] Hartig, F. (2016). DHARMa: residual diagnostics for hierarchical regression models.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> figure = pb.plots.simulated_residuals(fit.simulated_residuals())
    >>> [panel.get_xlabel() for panel in figure.axes]
    ['Uniform quantile', 'Fitted value (rank)']
    """
    found = result._panels(along, seed)
    left, right = canvas.new_panels(ax, 2, (4.8, 4.4), 2)
    draw_uniformity(found, left)
    draw_along(found, along or ("Sum of fitted values" if result.group else "Fitted value"), right)
    if ax is None:
        canvas.caption([left, right], result._caption(), own=True)
        if right.get_legend_handles_labels()[1]:
            canvas.legend_of_panels([right])
    return canvas.figure_of([left])


def draw_uniformity(found: ResidualPanels, ax: Axes) -> None:
    """Draw sorted residuals against uniform quantiles, with what the tests say."""
    own = inks.on(ax)
    ax.axline((0.0, 0.0), slope=1.0, color=own.vermilion, linewidth=1.2, zorder=1)
    canvas.draw_points(ax, found.expected, found.quantiles, zorder=3)
    lines = zip(_TESTS, found.p_values, found.said, strict=True)
    for i, (name, p_value, said) in enumerate(lines):
        ax.annotate(
            f"{name}: {apa.p_value(p_value)}, {said}",
            (0.03, 0.98 - 0.075 * i),
            xycoords="axes fraction",
            va="top",
            fontsize="small",
            color=own.ink if said == "n.s." else own.vermilion,
            zorder=4,
        )
    ax.set_xlim(-0.03, 1.03)
    ax.set_ylim(-0.03, 1.03)
    canvas.dress(ax, "Uniform quantile", SCALED, "Uniformity")


def draw_along(found: ResidualPanels, name: str, ax: Axes) -> None:
    """Draw residuals along ranks of fitted values or of a predictor, or at its levels."""
    own = inks.on(ax)
    ax.set_ylim(-0.03, 1.03)
    for quantile in (0.25, 0.5, 0.75):
        ax.axhline(quantile, color=own.faint, linewidth=0.8, linestyle="--", zorder=0)
    if found.levels is not None:
        codes = np.asarray(found.x, dtype=np.int32) - 1
        boxes = curves.boxes(found.residuals, codes, found.levels)
        style: dict[str, Any] = {"color": own.ink, "linewidth": 0.8}
        ax.bxp(
            boxes,
            positions=[found.levels.index(box["label"]) for box in boxes],
            widths=0.6,
            patch_artist=True,
            boxprops={"facecolor": own.sky, "edgecolor": own.ink, "linewidth": 0.8},
            medianprops=style | {"linewidth": 1.6},
            whiskerprops=style,
            capprops=style,
            flierprops={"marker": "o", "markersize": 3, "markerfacecolor": own.blue},
        )
        ticks.name_levels(ax, found.levels)
    else:
        beyond = (found.residuals == 0.0) | (found.residuals == 1.0)
        canvas.cloud(ax, found.x[~beyond], found.residuals[~beyond])
        if beyond.any():
            stars: dict[str, Any] = {
                "marker": "*",
                "s": 45,
                "linewidths": 0,
                "zorder": 3,
                "clip_on": False,
            }
            label = "Beyond all simulations"
            colour = own.vermilion
            ax.scatter(found.x[beyond], found.residuals[beyond], color=colour, label=label, **stars)
        for line in found.lines:
            _draw_line(line, ax)
    title = "\n".join(found.found)
    rank = "" if found.levels is not None else " (rank)"
    canvas.dress(ax, f"{name}{rank}", SCALED, title or f"Along {name[0].lower()}{name[1:]}")


def _draw_line(line: ResidualLine, ax: Axes) -> None:
    own = inks.on(ax)
    if line.low is None or line.high is None:
        ax.plot(line.x, line.y, color=own.vermilion, linewidth=1.8, label="Smooth")
        return
    colour = own.vermilion if line.significant else own.ink
    ax.fill_between(line.x, line.low, line.high, **own.wash(own.grey) | {"zorder": 2})
    name = "Quantile that deviates" if line.significant else "Quantile"
    known = ax.get_legend_handles_labels()[1]
    label = "_" if name in known else name
    ax.plot(line.x, line.y, color=colour, linewidth=1.8, zorder=3, label=label)


@checked
def predictive_check(result: PredictiveCheck, *, ax: Axes | None = None) -> Axes:
    """Draw the observed distribution of a response among simulated ones.

    Parameters
    ----------
    result
        What ``fit.check_predictions()`` gave.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        Densities: a thin line for each simulation, a bold one for the data. Whole numbers: bars of
        the numbers of rows that have each value, and the limits of simulations.

    Raises
    ------
    OptionError
        ``ax`` is not Axes.

    Notes
    -----
    R functions: ``density`` and ``quantile``; the picture of ``performance::check_predictions``.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> pb.plots.predictive_check(fit.check_predictions()).get_xlabel()
    'Reaction'
    """
    ax = canvas.new_axes(ax)
    own = inks.on(ax)
    observed = [row.observed for row in result.rows]
    values = [row.value for row in result.rows]
    name = f"Of {result.n_sim} simulations"
    if result.kind == "density":
        style = canvas.line_style(result.n_sim)
        style |= {"color": inks.on(ax, style["alpha"]).blue, "zorder": 1}
        lines = ax.plot(values, result.simulated, **style)
        lines[0].set_label(name)
        ax.plot(values, observed, color=own.vermilion, linewidth=2.0, label="Observed", zorder=3)
        ax.set_ylim(bottom=0.0)
        canvas.dress(ax, result.response, "Density")
    else:
        _draw_counts(result, ax, f"{result.conf_level * 100:g}% {name.lower()}")
    legend_in_columns(ax)
    return ax


def _draw_counts(result: PredictiveCheck, ax: Axes, name: str) -> None:
    own = inks.on(ax)
    levels = [str(row.value) for row in result.rows]
    counted = result.kind == "counts"
    places = np.arange(len(levels)) + (float(levels[0]) if counted else 0.0)
    observed, low, high = (
        np.array([getattr(row, part) for row in result.rows])
        for part in ("observed", "conf_low", "conf_high")
    )
    ax.bar(places, observed, width=0.8, color=own.sky, label="Observed")
    ax.vlines(places, low, high, color=own.ink, linewidth=2.0, label=name)
    if counted:
        ax.locator_params(axis="x", integer=True)
    else:
        ticks.name_levels(ax, levels)
    more = f" ({levels[-1]} at the end)" if levels[-1].endswith("more") else ""
    canvas.dress(ax, f"{result.response}{more}", "Rows")
