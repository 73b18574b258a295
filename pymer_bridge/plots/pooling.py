"""Pictures of data and fitted lines: all groups together, one by one, and by kind of pooling."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import compress
from typing import TYPE_CHECKING, Any

import numpy as np

from pymer_bridge.data.new_data import ColumnKind, taken
from pymer_bridge.plots import canvas, inks, ticks
from pymer_bridge.plots import levels as shown_levels
from pymer_bridge.plots.line_legends import name_of_groups, put_legend, put_over_panels, text_of
from pymer_bridge.plots.lines import Along, Lines, along, lines_at, shrunken_at, unpooled_at
from pymer_bridge.results.fixed_effects import INTERCEPT
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pymer_bridge.models.mixed import MixedModel

MOST_COLOURS = inks.MANY - 1
"""The most groups that are distinguished by colour; ink is for the population."""
MOST_LINES = 500
"""The most lines that are drawn where nothing else is asked for."""


@checked
def lines(
    fit: MixedModel,
    group: str | None = None,
    predictor: str | None = None,
    *,
    at: Mapping[str, Any] | None = None,
    order: str | None = None,
    max_groups: int | None = MOST_LINES,
    labels: Mapping[Any, str] | None = None,
    data: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw the data, a fitted line for each group, and the population's line over them.

    Parameters
    ----------
    fit
        A linear or generalized linear mixed model.
    group
        A grouping factor; by default R's first within which the predictor varies.
    predictor
        A numeric column of the data along which lines are drawn, or a term of it such as
        "log(x)"; by default one that varies within the groups, one with a random slope if there
        is such a one.
    at
        Values of other predictors. By default numbers are held at their mean over the rows used,
        and the lines are averaged over factors, as those of ``fit.effect()`` are. A group's line
        has its own values of predictors that do not vary within groups.
    order
        The term by whose conditional modes the groups are ordered; by default they have their
        natural order: 1, 2, 10.
    max_groups
        How many groups have a line at most, evenly from their order; None for all.
    labels
        What levels are called, where the legend names them.
    data
        Draw the observations as well? Proportions where R fits successes and failures.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        The population's line is the last. More than 60 lines of groups are one collection.

    Raises
    ------
    OptionError
        There is no such group or predictor, an argument is not accepted, or the model is of
        ``nlmer()``.
    RError
        The data do not estimate the average over a factor.

    Notes
    -----
    R: the fixed effects and the conditional modes of the group (``fixef``, ``ranef``), by the
    model's own matrices; other grouping factors are set aside. The lines of a generalized model
    are on the scale of the response, averaged on that of the link; the population's is that of a
    group whose random effects are zero. An offset is at its mean. A group's line ends where its
    data end; where a predictor has one value in each group, there is the population's line alone.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> len(pb.plots.lines(fit).lines)
    19
    """
    where = along(fit, group, predictor, at, within=False)
    places = shown_levels.chosen_levels(
        fit, where.group, where.levels, order=order, max_groups=max_groups
    )
    names = shown_levels.labels_of(where.levels, labels)
    found = lines_at(fit, where, places if where.varies else ())
    ax = canvas.new_axes(ax)
    few = where.varies and len(where.levels) <= MOST_COLOURS
    many = data and len(found.drawn) > canvas.MOST_LABELS
    style = canvas.point_style(len(found.x))
    own = inks.on(ax, style["alpha"])
    colours = {place: own.nth(i) for i, place in enumerate(places)} if few else {}
    if data:
        grey = own.faint
        of_rows = [colours.get(code, grey) for code in found.codes.tolist()] if few else grey
        # Over many lines data are seen only if they lie above.
        above = {"zorder": 2.5, "color": own.blue} if many else {}
        ax.scatter(found.x, found.y, **{"color": of_rows} | style | above)
    if few:
        curves = dict(zip(found.drawn, found.of_level, strict=True))
        for place in places:
            how: dict[str, Any] = {"color": colours[place], "label": text_of(names[place], 24)}
            if place in curves:
                ax.plot(*curves[place], **how, **canvas.line_style(len(places)))
            else:
                ax.plot([], [], "o", **how)  # named all the same: its points have this colour
    else:
        _draw_lines(
            ax, found.of_level, "sky" if many else "blue", name_of_groups(where, found, places)
        )
    narrow = canvas.figure_of([ax]).get_figwidth() < 5.5
    _population(ax, found, 40 if not few else 16 if narrow else 24)
    canvas.dress(ax, where.predictor, found.response)
    own_values = f"each at its own {found.held.own}" if found.held.own else ""
    title = "\n".join(filter(None, (where.group, own_values, found.held.all)))
    put_legend(ax, title if few else found.held.all, beside=few)
    return ax


def _draw_lines(ax: Axes, curves: Sequence[Any], colour: str, label: str) -> None:
    """Draw the lines of groups in one colour, as one collection where they are many."""
    if not curves:
        return
    style = canvas.line_style(len(curves))
    style["color"] = getattr(inks.on(ax, style["alpha"]), colour)
    if len(curves) <= canvas.MOST_LABELS:
        for i, curve in enumerate(curves):
            ax.plot(*curve, label=label if i == 0 else None, **style)
        return
    from matplotlib.collections import LineCollection  # noqa: PLC0415  # only who draws loads it

    parts = [np.column_stack(curve) for curve in curves]
    ax.add_collection(LineCollection(parts, label=label, rasterized=len(parts) > 2000, **style))
    ax.autoscale_view()


def _population(ax: Axes, found: Lines, width: int = 40) -> None:
    name = text_of(", ".join(filter(None, ("population", found.held.population))), width)
    ax.plot(*found.population, color=inks.on(ax).ink, linewidth=2.6, label=name, zorder=3)


@checked
def groups(
    fit: MixedModel,
    group: str | None = None,
    predictor: str | None = None,
    *,
    levels: Sequence[str | float] | None = None,
    max_groups: int = 24,
    order: str | None = None,
    labels: Mapping[Any, str] | None = None,
    at: Mapping[str, Any] | None = None,
    columns: int | None = None,
    ax: Sequence[Axes] | None = None,
) -> Figure:
    """Draw each group by itself: its data, its own line and that of the population.

    Parameters
    ----------
    fit
        A linear or generalized linear mixed model.
    group, predictor, at, order
        As for :func:`lines`.
    levels
        Which groups; by default all of them, or ``max_groups`` from all over their order.
    max_groups
        How many panels there are at most, where ``levels`` does not say.
    labels
        What levels are called.
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
        As for :func:`lines`; a level is not there; or the predictor has one value in each group.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> len(pb.plots.groups(fit).axes)
    18
    """
    where = along(fit, group, predictor, at)
    factor = ColumnKind("factor", where.levels)
    asked = [taken(factor, level, "levels") for level in levels or ()]
    chosen = [where.levels.index(level) for level in asked] or shown_levels.chosen_levels(
        fit, where.group, where.levels, order=order, max_groups=max_groups
    )
    names = shown_levels.labels_of(where.levels, labels)
    found = lines_at(fit, where, chosen)
    few = len(chosen) <= 8
    if columns is not None:
        options.whole(columns, "columns", 1)
    across = columns or (min(4, math.ceil(len(chosen) / 2)) if few else 6)
    size = (2.4, 2.2) if few else (1.75, 1.7)
    axes = canvas.new_panels(ax, len(chosen), size, across, sharex=True, sharey=True)
    curves = dict(zip(found.drawn, found.of_level, strict=True))
    for panel, i in zip(axes, chosen, strict=True):
        _draw_group(panel, where, found, i, curves.get(i))
        canvas.dress(panel, title=canvas.shorten(names[i], 20))
        panel.title.set_fontsize("small")
        panel.tick_params(labelsize="small")
        ticks.few_numbers(panel, most=4)
    figure = canvas.figure_of(axes)
    if ax is not None:
        for panel in axes:
            canvas.dress(panel, where.predictor, found.response)
    else:
        canvas.dress_figure(figure, where.predictor, found.response)
    n = len(where.levels)
    part = f"{len(chosen)} of {n} levels of {where.group}" if len(chosen) < n else ""
    title = "\n".join(filter(None, (part, found.held.all)))
    whole = [panel for panel, i in zip(axes, chosen, strict=True) if i in curves] or axes
    put_over_panels(whole, axes[0] if ax is not None else None, title)
    return figure


def _draw_group(panel: Axes, where: Along, found: Lines, i: int, curve: Any) -> None:
    """Draw one group: its data, the population's line and its own."""
    mine, own = found.codes == i, inks.on(panel)
    whole = ", ".join(filter(None, ("population", found.held.population)))
    dashed: dict[str, Any] = {"color": own.grey, "linewidth": 1.2, "linestyle": "--"}
    panel.plot(*found.population, label=text_of(whole), **dashed)
    canvas.draw_points(panel, found.x[mine], found.y[mine], "faint", s=14)
    if curve is not None:
        own_values = f", at its own {found.held.own}" if found.held.own else ""
        label = text_of(f"each {where.group}{own_values}")
        panel.plot(*curve, color=own.blue, linewidth=1.8, label=label)


@checked
def pooling(
    fit: MixedModel,
    group: str | None = None,
    predictor: str | None = None,
    *,
    at: Mapping[str, Any] | None = None,
    max_groups: int | None = MOST_LINES,
    ax: Sequence[Axes] | None = None,
) -> Figure:
    """Draw complete, no and partial pooling beside each other.

    Parameters
    ----------
    fit
        A linear mixed model.
    group, predictor, at, max_groups
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
        As for :func:`groups`; or the model is generalized.

    Notes
    -----
    R functions: ``stats::lm`` of all data, ``stats::lm`` of each group's, both with the fixed
    effects, the weights and the offset of the model; and ``fixef`` and ``ranef`` of the mixed
    model. A group whose own data do not give a line has none in the middle.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> [panel.get_title() for panel in pb.plots.pooling(fit).axes]
    ['Complete pooling', 'No pooling', 'Partial pooling']
    """
    where = along(fit, group, predictor, at, compared="pooling")
    places = shown_levels.chosen_levels(fit, where.group, where.levels, max_groups=max_groups)
    found = lines_at(fit, where, places)
    complete, none = unpooled_at(fit, where, found)
    axes = canvas.new_panels(ax, 3, (3.4, 3.6), sharex=True, sharey=True)
    titles = ("Complete pooling", "No pooling", "Partial pooling")
    for panel, title in zip(axes, titles, strict=True):
        canvas.draw_points(panel, found.x, found.y, "faint")
        canvas.dress(panel, where.predictor, title=title)
    dashed: dict[str, Any] = {"linestyle": "--", "label": "one line for all data"}
    axes[0].plot(*complete, color=inks.on(axes[0]).ink, linewidth=2.6, **dashed)
    of_groups = name_of_groups(where, found, places)
    alone = [curve for curve in none if not np.isnan(curve.y).any()]
    _draw_lines(axes[1], alone, "vermilion", text_of(f"each {where.group} alone ({len(alone)})"))
    _draw_lines(axes[2], found.of_level, "blue", of_groups)
    _population(axes[2], found)
    axes[0].set_ylabel(canvas.plain(found.response))
    put_over_panels(axes, axes[1] if ax is not None else None, found.held.all)
    return canvas.figure_of(axes)


@checked
def shrinkage(
    fit: MixedModel,
    group: str | None = None,
    predictor: str | None = None,
    *,
    at: Mapping[str, Any] | None = None,
    max_groups: int | None = MOST_LINES,
    labels: Mapping[Any, str] | None = None,
    label: bool | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how each group's line moves from its own data's to the mixed model's.

    Parameters
    ----------
    fit
        A linear mixed model whose lines along the predictor are straight.
    group, predictor, at, max_groups
        As for :func:`lines`.
    labels
        What levels are called.
    label
        Write the levels beside the points? By default where there are no more than 25; one that
        would lie over another is left out.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        Intercepts against slopes, with one line per group from no to partial pooling.

    Raises
    ------
    OptionError
        As for :func:`groups`; the model is generalized, or the lines are no straight ones.

    Notes
    -----
    R functions: ``stats::lm`` of each group's data with the fixed effects of the model, ``ranef``
    and ``fixef`` of the mixed model. With further predictors the intercept is that of the line
    with the others held, as for :func:`lines`. A group whose data give no slope has no line here.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> pb.plots.shrinkage(fit).get_ylabel()
    'Days'
    """
    where = along(fit, group, predictor, at, compared="shrinkage")
    places = shown_levels.chosen_levels(fit, where.group, where.levels, max_groups=max_groups)
    names = shown_levels.labels_of(where.levels, labels)
    found = shrunken_at(fit, where, places)
    ax = canvas.new_axes(ax, (6.0, 5.0))
    usable: Any = ~np.isnan(found.none).any(axis=1)
    none, partial = found.none[usable], found.partial[usable]
    n = len(none)
    ways = np.stack([none, partial])
    style, points = canvas.line_style(n), canvas.point_style(n)
    grey, own = inks.on(ax, style["alpha"]).grey, inks.on(ax, points["alpha"])
    ax.plot(ways[..., 0], ways[..., 1], color=grey, zorder=1, **style)
    hollow = points | {"linewidths": 1.0, "facecolors": "none", "edgecolors": own.vermilion}
    ax.scatter(*none.T, label=text_of(f"each {where.group} alone (no pooling)"), **hollow)
    model = f"in the model (partial pooling){found.held.own and ', at its own ' + found.held.own}"
    ax.scatter(*partial.T, color=own.blue, label=text_of(model), **points)
    x, y = found.population
    cross: dict[str, Any] = {"marker": "X", "s": 90, "color": own.ink, "edgecolors": own.paper}
    name = ", ".join(filter(None, ("population", found.held.population)))
    ax.scatter(x, y, zorder=4, label=text_of(name), **cross)
    plain = not found.held.all and not found.held.own
    canvas.dress(
        ax,
        INTERCEPT if plain else f"{found.response} at {where.predictor} = 0",
        where.predictor if plain else f"slope of {where.predictor}",
    )
    put_legend(ax, found.held.all)
    if label if label is not None else n <= 25:
        shown = [names[place] for place in compress(places, usable)]
        shown_levels.label_apart(ax, shown, none, np.vstack([partial, found.population]))
    return ax
