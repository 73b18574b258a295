"""Pictures of random effects: conditional modes, their scatter and their normality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.plots import canvas, curves, inks, ticks
from pymer_bridge.plots.effects import LINKED, intervals_said, levels_of
from pymer_bridge.plots.levels import chosen_levels, labels_of
from pymer_bridge.results.fixed_effects import exponential, exponential_label
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked
from pymer_bridge.spec.names import find_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pymer_bridge.models.mixed import MixedModel
    from pymer_bridge.results.groups import GroupTable


def _tables_of(fit: Any, group: str | None) -> list[GroupTable]:
    """Return the conditional modes of one grouping factor, by default of all."""
    effects = fit.random_effects
    names = [table.group for table in effects.groups]
    chosen = names if group is None else canvas.known_names([group], names, "grouping factor")
    return [effects.group(name) for name in chosen]


def _terms_of(
    table: GroupTable, terms: str | Sequence[str] | None, argument: str = "terms"
) -> list[str]:
    chosen = table.terms if terms is None else options.names_of(terms, argument)
    inside = f" in {table.group!r}, for {argument}="
    return canvas.known_names(chosen, table.terms, "term", inside)


def _panels_of(
    tables: Sequence[GroupTable], terms: str | Sequence[str] | None, argument: str = "terms"
) -> list[tuple[GroupTable, list[str]]]:
    """Return the terms of each grouping factor; where there are several, those that it has."""
    if terms is None or len(tables) == 1:
        return [(table, _terms_of(table, terms, argument)) for table in tables]
    known = list(dict.fromkeys(term for table in tables for term in table.terms))
    chosen = canvas.known_names(
        options.names_of(terms, argument), known, "term", f", for {argument}="
    )
    found = [(table, [term for term in chosen if term in table.terms]) for table in tables]
    return [(table, own) for table, own in found if own]


def _axes_of(
    ax: Axes | Sequence[Axes] | None, n: int, size: tuple[float, float]
) -> tuple[list[Axes], bool]:
    """Return one axes per panel, and whether their figure is ours."""
    return canvas.new_panels(ax, n, size, canvas.across(n)), ax is None


@checked
def random_effects(
    fit: MixedModel,
    group: str | None = None,
    *,
    terms: str | Sequence[str] | None = None,
    order: str | None = "",
    labels: Mapping[Any, str] | None = None,
    max_groups: int | None = None,
    conf_level: float | Sequence[float] = 0.95,
    exponentiate: bool = False,
    standardize: bool = False,
    ax: Axes | Sequence[Axes] | None = None,
) -> Figure:
    """Draw conditional modes with their intervals, level by level: lme4's ``dotplot``.

    Parameters
    ----------
    fit
        A mixed model.
    group
        A grouping factor; all of them by default.
    terms
        Which terms, one panel each; all by default.
    order
        The term by whose modes the levels are ordered, for all panels of a grouping factor alike;
        its first by default. None is the natural order of the levels: 1, 2, 10, 12.
    labels
        Labels to show instead of levels, by level, of one grouping factor.
    max_groups
        How many levels of a grouping factor are shown at most: those whose modes are farthest from
        zero, or in natural order evenly spread ones. All by default.
    conf_level
        The level of the intervals: mode and conditional standard deviation, normal. Or several, as
        in ``(0.5, 0.95)``: the widest are thin lines, and the others thicker ones over them.
    exponentiate
        Draw exponentials, on an axis of ratios? They are odds ratios where the link is the logit.
    standardize
        Draw modes in estimated standard deviations of their term?
    ax
        Axes to draw on, one per panel.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, with one panel per grouping factor and term; what the lines are stands below.

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
    >>> fit = pb.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", pb.load_dataset("Penicillin"))
    >>> [panel.get_title() for panel in fit.plot.random_effects().axes]
    ['plate: (Intercept)', 'sample: (Intercept)']
    """
    levels = levels_of(conf_level)
    if options.flag(exponentiate, "exponentiate") and options.flag(standardize, "standardize"):
        raise OptionError("exponentiate=True and standardize=True do not go together")
    found = _panels_of(_tables_of(fit, group), terms)
    if labels is not None and len(found) > 1:
        names = listed([table.group for table, _ in found])
        raise OptionError(f"labels are of one grouping factor: say group=, one of {names}")
    if order:
        _panels_of([table for table, _ in found], order, "order")  # is there such a term?
    drawn = [_chosen(fit, table, own, order, max_groups) for table, own in found]
    n, most = sum(len(own) for _, own in found), max(map(len, drawn))
    height = float(np.clip(1.2 + 0.19 * most, 2.6, 9.0))
    axes, ours = _axes_of(ax, n, (max(3.4, 6.0 / n), height))
    multiples = [curves.normal_multiple(level) for level in levels]
    places = iter(axes)
    for (table, own), ranks in zip(found, drawn, strict=True):
        assert table.std_error is not None
        named = labels_of([table.levels[k] for k in ranks], _known(labels, table, ranks))
        for i, term in enumerate(own):
            panel = next(places)
            scale = _scale_of(fit, table.group, term) if standardize else 1.0
            at = table.terms.index(term)
            modes, errors = table.estimate[ranks, at], table.std_error[ranks, at]
            ends = [(modes - k * errors, modes + k * errors) for k in multiples]
            _draw_modes(panel, modes, ends, scale, ratios=exponentiate)
            title = term if len(found) == 1 else f"{table.group}: {term}"
            canvas.dress(panel, _mode_name(fit, exponentiate, standardize), title=title)
            panel.set_ylim(-0.8, len(ranks) - 0.2)
            if i == 0:
                canvas.label_levels(panel, named, table.group)
                _say_number(panel, table, len(ranks), order)
            else:
                panel.set_yticks([])
    canvas.caption(axes, intervals_said(levels, "conditional"), own=ours)
    return canvas.figure_of(axes)


def _chosen(
    fit: Any, table: GroupTable, terms: list[str], order: str | None, max_groups: int | None
) -> list[int]:
    """Return the positions of the levels that are shown, from below."""
    if order is None:
        # The first level on top, as one reads.
        return chosen_levels(fit, table.group, table.levels, max_groups=max_groups)[::-1]
    by = (find_name(order, table.terms) if order else None) or terms[0]
    ranks = chosen_levels(fit, table.group, table.levels, order=by)
    if max_groups is None:
        return ranks
    most = options.whole(max_groups, "max_groups", 1)
    size = np.abs(table.estimate[:, table.terms.index(by)])
    farthest = set(np.argsort(-size, kind="stable")[:most].tolist())
    return [i for i in ranks if i in farthest]


def _known(labels: Mapping[Any, str] | None, table: GroupTable, ranks: list[int]) -> Any:
    """Return the labels of the levels that are shown; all of them must be levels."""
    if labels is None:
        return None
    every = dict(zip(table.levels, labels_of(table.levels, labels), strict=True))
    return {table.levels[k]: every[table.levels[k]] for k in ranks}


def _say_number(panel: Axes, table: GroupTable, shown: int, order: str | None) -> None:
    n = len(table.levels)
    if shown < n:
        which = "evenly spread" if order is None else "farthest from zero"
        panel.set_ylabel(canvas.plain(f"{table.group} ({shown} of {n} levels, {which})"))


def _scale_of(fit: Any, group: str, term: str) -> float:
    scale: float = fit.variance_components[group, term].std_dev
    if not scale > 0.0:
        raise OptionError(f"{shown(term)} in {shown(group)} has no variance to standardize by")
    return scale


def _mode_name(fit: Any, exponentiate: bool, standardize: bool) -> str:
    link = getattr(fit, "link", None)
    if exponentiate:
        return exponential_label([link])
    if standardize:
        return "Conditional mode / SD"
    return f"Conditional mode{LINKED.get(link, '') if link else ''}"


def _draw_modes(panel: Axes, modes: Any, ends: Any, scale: float, *, ratios: bool) -> None:
    """Draw intervals, the widest first, and the modes over them."""
    many, own = canvas.crowded(panel, len(modes)), inks.on(panel)
    places = np.arange(len(modes))

    def placed(values: Any) -> Any:
        if ratios:
            return np.array([exponential(value) for value in values.tolist()])
        return values / scale

    if ratios:
        canvas.one_line(panel)
    else:
        canvas.zero_line(panel, vertical=True, above=many)
    colour, thin = (own.sky, 0.8) if many else (own.blue, 1.4)
    for k, (low, high) in enumerate(ends):
        panel.hlines(
            places, placed(low), placed(high), color=colour, linewidth=thin * (1.0 + 1.5 * k)
        )
    panel.plot(placed(modes), places, "o", color=own.blue, markersize=1.8 if many else 4.5)
    if ratios:
        ticks.ratio_ticks(panel)
    else:
        ticks.few_numbers(panel, "x", 6)


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
        A grouping factor; by default the one that has two terms.
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
    tables = _tables_of(fit, group)
    wide = [table for table in tables if len(table.terms) > 1]
    if len(wide) > 1:
        names = listed([table.group for table in wide])
        raise OptionError(f"say group=, one of {names}: each has two terms")
    table = (wide or tables)[0]
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
        canvas.label_points(ax, table.levels, zip(x, y, strict=True))
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
        A grouping factor; all of them by default.
    terms
        Which terms, one panel each; all by default.
    conf_level
        How often the band holds all modes of a normal sample.
    ax
        Axes to draw on, one per panel.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, with one panel per grouping factor and term.

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
    found = _panels_of(_tables_of(fit, group), terms)
    drawn = [(table, term) for table, own in found for term in own]
    axes, ours = _axes_of(ax, len(drawn), (3.6, 3.6))
    for panel, (table, term) in zip(axes, drawn, strict=True):
        draw_quantiles(panel, table.estimate[:, table.terms.index(term)], conf_level)
        canvas.dress(panel, "Normal quantile", f"{table.group}: conditional mode", title=term)
    canvas.caption(axes, f"{conf_level * 100:.6g}% band of normal samples", own=ours)
    return canvas.figure_of(axes)


def draw_quantiles(ax: Axes, values: Any, conf_level: float) -> None:
    """Draw values against normal quantiles, with the line of the quartiles and its band."""
    found = curves.normal_quantiles(values, conf_level)
    own, name = inks.on(ax), f"{conf_level * 100:g}% band of normal samples"
    ax.fill_between(found.at, found.low, found.high, label=name, **own.wash(own.grey))
    start, order = (0.0, found.intercept), 2.5 if len(values) > 200 else 1
    ax.axline(start, slope=found.slope, color=own.vermilion, linewidth=1.2, zorder=order)
    canvas.draw_points(ax, found.theoretical, values)
