"""Pictures of fixed effects: estimates with intervals, of one model or of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.plots import canvas, inks
from pymer_bridge.results.fixed_effects import INTERCEPT, exponential, exponential_label
from pymer_bridge.results.intervals import Intervals
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked
from pymer_bridge.spec.names import Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pymer_bridge.models.lm import LinearModel
    from pymer_bridge.models.mixed import MixedModel

Given = Intervals | options.IntervalMethod | None
"""Where intervals come from."""


@checked
def coefficients(
    models: MixedModel | LinearModel | Mapping[str, MixedModel | LinearModel],
    *,
    intervals: Given | Mapping[str, Given] = None,
    ddf: options.Ddf | None = None,
    conf_level: float = 0.95,
    terms: Sequence[str] | None = None,
    intercept: bool = False,
    exponentiate: bool = False,
    labels: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw fixed effects with their intervals, of several models beside each other.

    Parameters
    ----------
    models
        A fitted model, or a mapping of labels to fitted models.
    intervals
        None for those of ``fixed_effects()``; "wald", "profile" or "boot" for those of
        ``confint()``; or intervals that were computed before, such as ``boot.confint()`` (for
        several models a mapping of the same labels).
    ddf
        Degrees of freedom, as of ``fixed_effects()``; each model's default where None.
    conf_level
        The level of the intervals that are computed.
    terms
        Which terms, from above; all by default.
    intercept
        Show the intercept as well? It is seldom on the scale of the others.
    exponentiate
        Draw exponentials, on an axis of ratios? They are odds ratios where each link is the logit.
    labels
        Labels to show instead of terms.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        One point and one line per term and model.

    Raises
    ------
    OptionError
        An argument is not accepted.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> pb.plots.coefficients({"slopes": fit}).get_yticklabels()[0].get_text()
    'Days'
    """
    named = dict(models) if isinstance(models, Mapping) else {"": models}
    if not named:
        raise OptionError("there is no model to draw")
    rows = {
        label: _intervals_of(fit, _given(intervals, label), ddf, conf_level, exponentiate)
        for label, fit in named.items()
    }
    if isinstance(intervals, Mapping) and (unknown := [n for n in intervals if n not in named]):
        raise OptionError(f"intervals names {listed(unknown)}; the models are: {listed(named)}")
    order = list(dict.fromkeys(term for found in rows.values() for term in found))
    said = Labels(labels, order)
    shown = [t for t in order if intercept or t != INTERCEPT] or order
    if terms is not None:
        shown = canvas.known_names(terms, order, "term")
    height = 1.4 + len(shown) * max(0.35, 0.24 * len(named))
    ax = canvas.new_axes(ax, (6.4, min(height, 24.0)))
    offsets = (np.arange(len(named)) - (len(named) - 1) / 2) * min(0.2, 0.7 / len(named))
    for i, (label, found) in enumerate(rows.items()):
        there = [term for term in shown if term in found]
        places = np.array([shown.index(term) for term in there]) + offsets[i]
        _draw_intervals(ax, [found[term] for term in there], places, i, label)
    ax.set_yticks(range(len(shown)), [canvas.plain(canvas.shorten(said(term))) for term in shown])
    ax.set_ylim(len(shown) - 0.5, -0.5)
    levels = {float(getattr(_given(intervals, label), "conf_level", conf_level)) for label in named}
    percent = " and ".join(f"{level * 100:g}%" for level in sorted(levels))
    what = "Estimate"
    if options.flag(exponentiate, "exponentiate"):
        what = exponential_label(getattr(fit, "link", None) for fit in named.values())
        canvas.one_line(ax)
    else:
        canvas.zero_line(ax, vertical=True)
    canvas.dress(ax, f"{what}, with {percent} interval")
    if len(named) > 1:
        canvas.legend_beside(ax)
    return ax


_Row = tuple[float, float | None, float | None]


def _given(intervals: Any, label: str) -> Any:
    if isinstance(intervals, Mapping):
        if label not in intervals:
            raise OptionError(f"intervals has nothing for {shown(label)}")
        return intervals[label]
    return intervals


def _intervals_of(
    fit: Any, intervals: Any, ddf: str | None, level: float, exponentiate: bool
) -> dict[str, _Row]:
    """Return estimate and ends of each fixed effect of one model."""
    found = _on_link(fit, intervals, ddf, level)
    if not exponentiate:
        return found
    return {
        term: (exponential(estimate) or 0.0, exponential(low), exponential(high))
        for term, (estimate, low, high) in found.items()
    }


def _on_link(fit: Any, intervals: Any, ddf: str | None, level: float) -> dict[str, _Row]:
    effects = fit._tested(ddf, options.check_level(level))
    if intervals is None:
        return {row.term: (row.estimate, row.conf_low, row.conf_high) for row in effects}
    if not isinstance(intervals, Intervals):
        method = options.one_of(intervals, options.IntervalMethod, "intervals")
        if not hasattr(fit, "confint"):
            raise OptionError(f"intervals={shown(intervals)} are those of models of lmer()")
        intervals = fit.confint(method, conf_level=level, parameters="beta_")
    ends = {row.term: (row.conf_low, row.conf_high) for row in intervals}
    return {row.term: (row.estimate, *ends.get(row.term, (None, None))) for row in effects}


def _draw_intervals(ax: Axes, rows: Sequence[_Row], places: Any, i: int, label: str) -> None:
    """Draw lines from end to end, and the estimates over them."""
    colour = inks.on(ax).nth(i)
    ends = np.array([[np.nan if e is None else e for e in row[1:]] for row in rows], dtype=float)
    if len(rows):
        ax.hlines(places, ends[:, 0], ends[:, 1], color=colour, linewidth=1.8)
    marker = canvas.MARKERS[i % len(canvas.MARKERS)]
    estimates = [row[0] for row in rows]
    ax.plot(estimates, places, marker, color=colour, markersize=6, label=canvas.plain(label))
