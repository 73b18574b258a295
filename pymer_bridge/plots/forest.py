"""Pictures of bootstraps, and of several routes to inference beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pymer_bridge.plots import canvas, inks, ticks
from pymer_bridge.results.base import row_of
from pymer_bridge.results.bootstrap import BootstrapResult
from pymer_bridge.results.routes import InferenceRoutes
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@checked
def bootstrap(
    result: BootstrapResult,
    parameters: Sequence[str] | str | None = None,
    *,
    kind: options.BootInterval = "percentile",
    conf_level: float = 0.95,
    bins: int | options.Bins = "auto",
    ax: Axes | Sequence[Axes] | None = None,
) -> Figure:
    """Draw the replicates of each statistic, with the estimate and an interval.

    Parameters
    ----------
    result
        Made by ``fit.bootstrap()``.
    parameters
        Which statistics, one panel each; by default all, or the first twelve.
    kind, conf_level
        Which interval, as of ``result.confint()``.
    bins
        How many bars, as of ``Axes.hist``.
    ax
        Axes to draw on, one per statistic.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, with one panel per statistic.

    Raises
    ------
    OptionError
        An argument is not accepted.
    UnknownNameError
        There is no such statistic.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"))
    >>> boot = fit.bootstrap("parametric", n_sim=50, seed=1)
    >>> len(pb.plots.bootstrap(boot, ["(Intercept)"]).axes)
    1
    """
    rows = list(result.rows[:12])
    if parameters is not None:
        rows = [
            row_of(result, name, "parameters")
            for name in options.names_of(parameters, "parameters")
        ]
    bars: Any = options.one_of(bins, options.Bins, "bins") if isinstance(bins, str) else bins
    if not isinstance(bins, str):
        bars = options.whole(bins, "bins", 1)
    ends = result.confint(kind, conf_level, [row.name for row in rows])
    axes = canvas.new_panels(
        ax, len(rows), (5.2, 3.6) if len(rows) == 1 else (3.0, 2.5), canvas.across(len(rows))
    )
    names = list(result.names)
    for panel, row in zip(axes, rows, strict=True):
        values = result.replicates[:, names.index(row.name)]
        interval = ends[row.name]
        finite = values[np.isfinite(values)]
        own = inks.on(panel)
        panel.hist(finite, bins=bars, color=own.sky, edgecolor=own.paper, linewidth=0.4)
        if interval.conf_low is not None and interval.conf_high is not None:
            # Under the bars, so that no bar hides it.
            panel.plot(
                [interval.conf_low, interval.conf_high],
                [-0.05, -0.05],
                color=own.blue,
                linewidth=3.0,
                solid_capstyle="butt",
                clip_on=False,
                transform=panel.get_xaxis_transform(),
                label=f"{conf_level * 100:.6g}% confidence interval ({kind})",
            )
        panel.axvline(row.estimate, color=own.vermilion, linewidth=1.5, label="Estimate")
        panel.set_ylim(bottom=0)
        panel.margins(y=0.1)
        panel.tick_params(axis="x", pad=8)
        ticks.few_numbers(panel)
        canvas.dress(panel, row.label)
    for i, panel in enumerate(axes):
        if canvas.leads_row(panel, i):
            panel.set_ylabel("Replicates")
    if ax is None:
        canvas.legend_of_panels(axes[:1], ncols=2)
    return canvas.figure_of(axes)


@checked
def routes(result: InferenceRoutes, *, ax: Axes | None = None) -> Axes:
    """Draw the estimates and intervals of several routes to inference, with their p-values.

    Parameters
    ----------
    result
        Made by :func:`pymer_bridge.compare_inference`.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        One line per route, from the top in the order of the result; a route without an interval has
        its p-value alone, and one that could not be taken says so.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> routes = pb.compare_inference(fit, "Days", ["normal", "satterthwaite"])
    >>> [text.get_text() for text in pb.plots.routes(routes).get_yticklabels()]
    ['normal', 'satterthwaite']
    """
    n = len(result.rows)
    ax = canvas.new_axes(ax, (7.2, 1.3 + 0.36 * n))
    canvas.zero_line(ax, vertical=True)
    blue = inks.on(ax).blue
    for i, row in enumerate(result.rows):
        if row.conf_low is not None and row.conf_high is not None:
            ax.plot([row.conf_low, row.conf_high], [i, i], color=blue, linewidth=1.8)
        if row.estimate is not None:
            ax.plot([row.estimate], [i], "o", color=blue, markersize=6)
        ax.annotate(
            _said(row),
            (1.02, i),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize="small",
            annotation_clip=False,
        )
    ax.set_yticks(range(n), [row.method for row in result.rows])
    ax.set_ylim(n - 0.5, -0.5)
    percent = f"{result.conf_level * 100:.6g}%"
    return canvas.dress(ax, f"{result.term}: estimate, with {percent} confidence interval")


def _said(row: Any) -> str:
    if row.p_value is None:
        taken = row.estimate is not None or row.statistic is not None
        return "" if taken else "not taken"
    return "p < .001" if row.p_value < 0.001 else f"p = {row.p_value:.3f}".replace("0.", ".", 1)
