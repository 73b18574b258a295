"""Pictures of data and fitted lines: all groups together, one by one, and by kind of pooling."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import compress
from typing import TYPE_CHECKING, Any

import numpy as np

from pymer_bridge.data.new_data import ColumnKind, taken
from pymer_bridge.plots import canvas, inks
from pymer_bridge.plots.lines import Lines, ends_of, lines_of
from pymer_bridge.results.fixed_effects import INTERCEPT
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pymer_bridge.models.mixed import MixedModel

MOST_COLOURS = inks.MANY - 1
"""The most groups that are distinguished by colour; ink is for the population."""


@checked
def lines(
    fit: MixedModel,
    group: str | None = None,
    predictor: str | None = None,
    *,
    at: Mapping[str, Any] | None = None,
    data: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw the data, a fitted line for each group, and the population's line over them.

    Parameters
    ----------
    fit
        A linear mixed model.
    group
        A grouping factor; R's first by default.
    predictor
        The numeric predictor along which lines are drawn; by default the only one.
    at
        Values at which other predictors are held; by default the group's own where they do not
        vary within groups, and else numbers at the mean of the rows used and factors at their
        first level, as for the population.
    data
        Draw the observations as well?
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        The population's line is the last.

    Raises
    ------
    OptionError
        There is no such group or predictor, no prediction along it, or the model has an offset.

    Notes
    -----
    R functions: ``coef`` and ``fixef``, or ``predict`` where there are other predictors. A
    group's line ends where its data end.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> len(pb.plots.lines(fit).lines)
    19
    """
    found = lines_of(fit, group, predictor, at)
    ax = canvas.new_axes(ax)
    n = len(found.levels)
    few = n <= MOST_COLOURS
    style = canvas.point_style(len(found.x))
    own = inks.on(ax, min(style["alpha"], canvas.line_style(n)["alpha"]))
    colours = [own.nth(i if few else 0) for i in range(n)]
    if data:
        of_rows = [colours[code] for code in found.codes] if few else own.sky
        ax.scatter(found.x, found.y, color=of_rows, **style)
    for i, (x, y) in enumerate(found.of_level):
        label = found.levels[i] if few else f"each {found.group} ({n})" if i == 0 else None
        shown = None if label is None else canvas.plain(canvas.shorten(label))
        ax.plot(x, y, color=colours[i], label=shown, **canvas.line_style(n))
    _population(ax, found)
    canvas.dress(ax, found.predictor, found.response)
    if few:
        canvas.legend_beside(ax, title=canvas.plain(found.group))
    else:
        _legend_above(ax)
    return ax


def _population(ax: Axes, found: Lines) -> None:
    ax.plot(*found.population, color=inks.on(ax).ink, linewidth=2.6, label="population", zorder=3)


def _legend_above(ax: Axes) -> None:
    """Put the legend over the axes, with lines as thick as can be seen."""
    for handle in canvas.legend_above(ax, ncols=3).get_lines():
        handle.set_alpha(1.0)
        handle.set_linewidth(max(1.5, float(handle.get_linewidth())))


@checked
def groups(
    fit: MixedModel,
    group: str | None = None,
    predictor: str | None = None,
    *,
    levels: Sequence[str | float] | None = None,
    max_groups: int = 24,
    at: Mapping[str, Any] | None = None,
    columns: int | None = None,
    ax: Sequence[Axes] | None = None,
) -> Figure:
    """Draw each group by itself: its data, its own line and that of the population.

    Parameters
    ----------
    fit
        A linear mixed model.
    group, predictor, at
        As for :func:`lines`.
    levels
        Which groups; by default all of them, or ``max_groups`` from all over their order.
    max_groups
        How many panels there are at most, where ``levels`` does not say.
    columns
        How many panels go into one row; by default as many as there is room for.
    ax
        Axes to draw on, one per panel.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, with one panel per group.

    Raises
    ------
    OptionError
        As for :func:`lines`; or a level is not there.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> len(pb.plots.groups(fit).axes)
    18
    """
    found = lines_of(fit, group, predictor, at)
    factor = ColumnKind("factor", found.levels)
    every = canvas.spread(len(found.levels), max_groups)
    asked = [taken(factor, level, "levels") for level in levels or ()]
    chosen = [found.levels.index(level) for level in asked] or every
    few = len(chosen) <= 8
    if columns is not None:
        options.whole(columns, "columns", 1)
    across = columns or (min(4, math.ceil(len(chosen) / 2)) if few else 6)
    size = (2.4, 2.2) if few else (1.75, 1.7)
    axes = canvas.new_panels(ax, len(chosen), size, across, sharex=True, sharey=True)
    for panel, i in zip(axes, chosen, strict=True):
        mine, own = found.codes == i, inks.on(panel)
        panel.plot(
            *found.population, color=own.grey, linewidth=1.2, linestyle="--", label="population"
        )
        canvas.draw_points(panel, found.x[mine], found.y[mine], "sky", s=14)
        panel.plot(
            *found.of_level[i],
            color=own.blue,
            linewidth=1.8,
            label=f"each {canvas.plain(found.group)}",
        )
        canvas.dress(panel, title=canvas.shorten(found.levels[i], 20))
        panel.title.set_fontsize("small")
        panel.tick_params(labelsize="small")
        panel.locator_params(nbins=4)
    figure = canvas.figure_of(axes)
    if ax is not None:
        for panel in axes:
            canvas.dress(panel, found.predictor, found.response)
        return figure
    figure.supxlabel(canvas.plain(found.predictor), fontsize="medium")
    figure.supylabel(canvas.plain(found.response), fontsize="medium")
    n = len(found.levels)
    part = f"{len(chosen)} of {n} levels of {found.group}"
    canvas.legend_of_panels(axes, title=canvas.plain(part) if len(chosen) < n else None)
    return figure


@checked
def pooling(
    fit: MixedModel,
    group: str | None = None,
    predictor: str | None = None,
    *,
    ax: Sequence[Axes] | None = None,
) -> Figure:
    """Draw complete, no and partial pooling beside each other.

    Parameters
    ----------
    fit
        A linear mixed model whose fixed effects are the intercept and one numeric predictor.
    group, predictor
        As for :func:`lines`.
    ax
        Three axes to draw on.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, with three panels.

    Raises
    ------
    OptionError
        The groups have no line each in one predictor.

    Notes
    -----
    R functions: ``stats::lm`` of all data, ``stats::lm`` of each group's, and ``coef`` of the
    mixed model.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> [panel.get_title() for panel in pb.plots.pooling(fit).axes]
    ['Complete pooling', 'No pooling', 'Partial pooling']
    """
    found = lines_of(fit, group, predictor)
    straight = fit.pooling(group, predictor)
    axes = canvas.new_panels(ax, 3, (3.4, 3.6), sharex=True, sharey=True)
    n = len(found.levels)
    ranges = [found.x[found.codes == i] for i in range(n)]
    titles = ("Complete pooling", "No pooling", "Partial pooling")
    for panel, title in zip(axes, titles, strict=True):
        canvas.draw_points(panel, found.x, found.y, "sky")
        canvas.dress(panel, found.predictor, title=title)
    ink = inks.on(axes[0]).ink
    axes[0].plot(*ends_of(found.x, straight.complete), color=ink, linewidth=2.6)
    style = canvas.line_style(n)
    for panel, table in ((axes[1], straight.none), (axes[2], straight.partial)):
        blue = inks.on(panel, style["alpha"]).blue
        for x, line in zip(ranges, table, strict=True):
            panel.plot(*ends_of(x, line), color=blue, **style)
    _population(axes[2], found)
    axes[0].set_ylabel(canvas.plain(found.response))
    return canvas.figure_of(axes)


@checked
def shrinkage(
    fit: MixedModel,
    group: str | None = None,
    predictor: str | None = None,
    *,
    label: bool | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how each group's line moves from its own data's to the mixed model's.

    Parameters
    ----------
    fit
        A linear mixed model whose fixed effects are the intercept and one numeric predictor.
    group, predictor
        As for :func:`lines`.
    label
        Write the levels beside the points? By default where there are no more than 25.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        Intercepts against slopes, with one line per group from no to partial pooling.

    Raises
    ------
    OptionError
        The groups have no line each in one predictor.

    Notes
    -----
    R functions: ``stats::lm`` of each group's data, ``coef`` and ``fixef`` of the mixed model.
    A group whose data give no slope has no line here.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> pb.plots.shrinkage(fit).get_ylabel()
    'Days'
    """
    found = fit.pooling(group, predictor)
    ax = canvas.new_axes(ax, (6.0, 5.0))
    usable: Any = ~np.isnan(found.none).any(axis=1)
    none, partial = found.none[usable], found.partial[usable]
    n = len(none)
    ways = np.stack([none, partial])
    style, points = canvas.line_style(n), canvas.point_style(n)
    grey, own = inks.on(ax, style["alpha"]).grey, inks.on(ax, points["alpha"])
    ax.plot(ways[..., 0], ways[..., 1], color=grey, zorder=1, **style)
    hollow = points | {"linewidths": 1.0, "facecolors": "none", "edgecolors": own.vermilion}
    ax.scatter(*none.T, label="no pooling", **hollow)
    ax.scatter(*partial.T, color=own.blue, label="partial pooling", **points)
    x, y = found.population
    cross: dict[str, Any] = {"marker": "X", "s": 90, "color": own.ink, "edgecolors": own.paper}
    ax.scatter(x, y, zorder=4, label="population", **cross)
    if label if label is not None else n <= 25:
        canvas.label_points(ax, list(compress(found.levels, usable)), none, (5, 3))
    canvas.dress(ax, INTERCEPT, found.predictor)
    canvas.legend_above(ax, ncols=3)
    return ax
