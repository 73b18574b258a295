"""Pictures of random effects: conditional modes, their scatter and their normality."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pymer_bridge.errors import OptionError, shown
from pymer_bridge.plots import canvas, curves, inks
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pymer_bridge.models.mixed import MixedModel
    from pymer_bridge.results.groups import GroupTable


def table_of(fit: Any, group: str | None) -> GroupTable:
    """Return the conditional modes of one grouping factor, by default of R's first."""
    effects = fit.random_effects
    names = [table.group for table in effects.groups]
    chosen = names if group is None else canvas.known_names([group], names, "grouping factor")
    table: GroupTable = effects.group(chosen[0])
    return table


def _terms_of(
    table: GroupTable, terms: str | Sequence[str] | None, argument: str = "terms"
) -> list[str]:
    chosen = table.terms if terms is None else options.names_of(terms, argument)
    inside = f" in {table.group!r}, for {argument}="
    return canvas.known_names(chosen, table.terms, "term", inside)


@checked
def random_effects(
    fit: MixedModel,
    group: str | None = None,
    *,
    terms: str | Sequence[str] | None = None,
    order: str | None = "",
    conf_level: float = 0.95,
    ax: Axes | Sequence[Axes] | None = None,
) -> Figure:
    """Draw conditional modes with their intervals, level by level: lme4's ``dotplot``.

    Parameters
    ----------
    fit
        A mixed model.
    group
        A grouping factor; R's first by default.
    terms
        Which terms, one panel each; all by default.
    order
        The term by whose modes the levels are ordered, for all panels alike; the first by
        default. None keeps the order of the levels.
    conf_level
        The level of the intervals: mode and conditional standard deviation, normal.
    ax
        Axes to draw on, one per panel.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, with one panel per term.

    Raises
    ------
    OptionError
        An argument is not accepted.

    Notes
    -----
    R functions: ``lme4::ranef(condVar=TRUE)`` and ``qnorm``. The intervals are those of the
    modes given the parameters; the parameters' own uncertainty is not in them.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> len(pb.plots.random_effects(fit).axes)
    2
    """
    table = table_of(fit, group)
    shown = _terms_of(table, terms)
    assert table.std_error is not None
    n = len(table.levels)
    places = np.arange(n)
    ranks = places
    if order is not None:
        by = _terms_of(table, order or None, "order")[0]
        ranks = np.argsort(table.estimate[:, table.terms.index(by)], kind="stable")
    half = curves.normal_multiple(conf_level) * table.std_error
    height = float(np.clip(1.2 + 0.19 * n, 2.6, 9.0))
    axes = canvas.new_panels(ax, len(shown), (max(3.4, 6.0 / len(shown)), height))
    for i, (panel, term) in enumerate(zip(axes, shown, strict=True)):
        at = table.terms.index(term)
        modes, ends = table.estimate[ranks, at], half[ranks, at]
        many = canvas.crowded(panel, n)
        canvas.zero_line(panel, vertical=True, above=many)
        own = inks.on(panel)
        colour, width = (own.sky, 0.8) if many else (own.blue, 1.4)
        panel.hlines(places, modes - ends, modes + ends, color=colour, linewidth=width)
        panel.plot(modes, places, "o", color=own.blue, markersize=1.8 if many else 4.5)
        panel.set_ylim(-0.8, n - 0.2)
        panel.locator_params(axis="x", nbins=6)
        canvas.dress(panel, "Conditional mode", title=term)
        if i == 0:
            canvas.label_levels(panel, [table.levels[k] for k in ranks], table.group)
        else:
            panel.set_yticks([])
    return canvas.figure_of(axes)


@checked
def random_scatter(
    fit: MixedModel,
    group: str | None = None,
    *,
    terms: Sequence[str] | None = None,
    conf_level: float = 0.95,
    label: bool | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the conditional modes of two terms against each other, in their fitted ellipse.

    Parameters
    ----------
    fit
        A mixed model.
    group
        A grouping factor; R's first by default.
    terms
        Two terms, of x and of y; the first two by default.
    conf_level
        The share of groups that the fitted normal distribution has inside the ellipse.
    label
        Write the levels beside the points? By default where there are no more than 25.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        Points and an ellipse.

    Raises
    ------
    OptionError
        The group has not two terms, or an argument is not accepted.

    Notes
    -----
    The ellipse is that of the estimated covariance (R: ``VarCorr``). Conditional modes are
    shrunken, so that more of them lie inside than its level says.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> pb.plots.random_scatter(fit).get_xlabel()
    'Subject: (Intercept)'
    """
    table = table_of(fit, group)
    chosen = _terms_of(table, terms)[:2]
    if len(chosen) != 2 or chosen[0] == chosen[1]:
        raise OptionError(f"{shown(table.group)} has no two terms to set against each other")
    x, y = (table.estimate[:, table.terms.index(term)] for term in chosen)
    covariance = _covariance_of(fit, table.group, chosen)
    ellipse = curves.normal_ellipse(covariance, (0.0, 0.0), conf_level)
    ax = canvas.new_axes(ax, (5.6, 4.8))
    canvas.zero_line(ax)
    canvas.zero_line(ax, vertical=True)
    percent = f"{conf_level * 100:g}% of the fitted distribution"
    ax.plot(*ellipse, color=inks.on(ax).vermilion, linewidth=1.5, label=percent)
    canvas.draw_points(ax, x, y)
    if label if label is not None else len(x) <= 25:
        canvas.label_points(ax, table.levels, zip(x, y, strict=True), (4, 3))
    canvas.dress(ax, f"{table.group}: {chosen[0]}", f"{table.group}: {chosen[1]}")
    canvas.legend_above(ax)
    return ax


def _covariance_of(fit: Any, group: str, terms: Sequence[str]) -> list[list[float]]:
    """Return the fitted covariance of two terms; separate terms of the formula have none."""
    components = fit.variance_components
    variance = [components[group, term].variance for term in terms]
    factors = dict(components.factors)
    between = [
        pair.covariance
        for pair in components.correlations
        if factors.get(pair.group, pair.group) == group and {pair.term1, pair.term2} == set(terms)
    ]
    shared = between[0] if between else 0.0
    return [[variance[0], shared], [shared, variance[1]]]


@checked
def random_quantiles(
    fit: MixedModel,
    group: str | None = None,
    *,
    terms: str | Sequence[str] | None = None,
    conf_level: float = 0.95,
    ax: Axes | Sequence[Axes] | None = None,
) -> Figure:
    """Draw the conditional modes of each term against normal quantiles.

    Parameters
    ----------
    fit
        A mixed model.
    group
        A grouping factor; R's first by default.
    terms
        Which terms, one panel each; all by default.
    conf_level
        How often the band holds all modes of a normal sample.
    ax
        Axes to draw on, one per panel.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, with one panel per term.

    Raises
    ------
    OptionError
        An argument is not accepted.

    Notes
    -----
    R functions: ``qqnorm`` and ``qqline``.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> len(pb.plots.random_quantiles(fit).axes)
    2
    """
    table = table_of(fit, group)
    shown = _terms_of(table, terms)
    axes = canvas.new_panels(ax, len(shown), (3.6, 3.6))
    for panel, term in zip(axes, shown, strict=True):
        draw_quantiles(panel, table.estimate[:, table.terms.index(term)], conf_level)
        canvas.dress(panel, "Normal quantile", f"{table.group}: conditional mode", title=term)
    return canvas.figure_of(axes)


def draw_quantiles(ax: Axes, values: Any, conf_level: float) -> None:
    """Draw values against normal quantiles, with the line of the quartiles and its band."""
    found = curves.normal_quantiles(values, conf_level)
    own, name = inks.on(ax), f"{conf_level * 100:g}% band of normal samples"
    ax.fill_between(found.at, found.low, found.high, label=name, **own.wash(own.grey))
    start, order = (0.0, found.intercept), 2.5 if len(values) > 200 else 1
    ax.axline(start, slope=found.slope, color=own.vermilion, linewidth=1.2, zorder=order)
    canvas.draw_points(ax, found.theoretical, values)
