"""Pictures of fixed effects: estimates with intervals, of one model or of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.plots import canvas, inks, ticks
from pymer_bridge.results.base import METHODS
from pymer_bridge.results.fixed_effects import (
    INTERCEPT,
    FixedEffects,
    exponential,
    exponential_label,
)
from pymer_bridge.results.intervals import Intervals
from pymer_bridge.session.asking import ask
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked
from pymer_bridge.spec.names import Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pymer_bridge.models.lm import LinearModel
    from pymer_bridge.models.mixed import MixedModel

LINKED: Final = {"logit": " (log odds)", "log": " (logarithm)", "probit": " (probit)"}
Given = Intervals | options.IntervalMethod | None
"""Where intervals come from."""


@checked
def coefficients(
    models: MixedModel
    | LinearModel
    | FixedEffects
    | Mapping[str, MixedModel | LinearModel | FixedEffects],
    *,
    intervals: Given | Mapping[str, Given] = None,
    ddf: options.Ddf | None = None,
    conf_level: float | Sequence[float] = 0.95,
    terms: Sequence[str] | None = None,
    intercept: bool = False,
    exponentiate: bool = False,
    standardize: bool = False,
    order: options.TermOrder = "model",
    labels: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw fixed effects with their intervals, of several models beside each other.

    Parameters
    ----------
    models
        A fitted model, or what ``fixed_effects()`` gave; or a mapping of labels to several.
    intervals
        None for those of ``fixed_effects()``; "wald", "profile" or "boot" for those of
        ``confint()``; or intervals that were computed before, such as ``boot.confint()`` (for
        several models a mapping of the same labels).
    ddf
        Degrees of freedom, as of ``fixed_effects()``; each model's default where None.
    conf_level
        The level of the intervals that are computed, or several, as in ``(0.5, 0.95)``: the widest
        are thin lines, and the others thicker ones over them.
    terms
        Which terms, from above; all by default.
    intercept
        Show the intercept as well? It is seldom on the scale of the others.
    exponentiate
        Draw exponentials, on an axis of ratios? They are odds ratios where each link is the logit.
    standardize
        Draw the change for one standard deviation of each numeric variable, in standard deviations
        of the response for linear models? These are the estimates of a fit to data that are divided
        by them (and not centred), so that tests and interactions stay as they are; differences
        between levels of a factor stay differences. Intervals of any method are scaled alike.
    order
        "model" for the order of the terms in the model, from above; "estimate" for the largest
        estimate of the first model on top.
    labels
        Labels to show instead of terms.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        One point and one line per term, model and level; what the lines are stands below.

    Raises
    ------
    OptionError
        An argument is not accepted.

    Notes
    -----
    R functions: ``sd`` for ``standardize``, as ``effectsize::standardize_parameters`` has it by its
    method "posthoc" [1]_.

    References
    ----------
    .. [1] Gelman, A. (2008). Scaling regression inputs by dividing by two standard deviations.
       Statistics in Medicine, 27(15), 2865-2873.

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
    levels = levels_of(conf_level)
    parts = {
        label: _of_model(fit, _given(intervals, label), ddf, levels) for label, fit in named.items()
    }
    if isinstance(intervals, Mapping) and (unknown := [n for n in intervals if n not in named]):
        raise OptionError(f"intervals names {listed(unknown)}; the models are: {listed(named)}")
    if options.flag(standardize, "standardize"):
        parts = {label: _standardized(named[label], part) for label, part in parts.items()}
    if options.flag(exponentiate, "exponentiate"):
        parts = {label: part.exponentials() for label, part in parts.items()}
    wanted = _ordered(parts, terms, intercept, options.one_of(order, options.TermOrder, "order"))
    said = Labels(labels, [term for part in parts.values() for term in part.terms])
    height = 1.4 + len(wanted) * max(0.35, 0.24 * len(named))
    ax = canvas.new_axes(ax, (6.4, min(height, 24.0)))
    offsets = (np.arange(len(named)) - (len(named) - 1) / 2) * min(0.2, 0.7 / len(named))
    handles = [_draw_part(ax, part, wanted, offsets[i], i) for i, part in enumerate(parts.values())]
    ax.set_ylim(len(wanted) - 0.5, -0.5)
    ticks.name_rows(ax, [said(term) for term in wanted])
    what = "Standardized estimate" if standardize else "Estimate"
    ratios = exponentiate or any(part.exponentiated for part in parts.values())
    if ratios:
        what = exponential_label(part.link for part in parts.values())
        what += " per standard deviation" if standardize else ""
        canvas.one_line(ax)
        ticks.ratio_ticks(ax)
    else:
        links = {part.link for part in parts.values()}
        what += LINKED.get(str(links.pop()), "") if len(links) == 1 else ""
        canvas.zero_line(ax, vertical=True)
        ticks.few_numbers(ax, "x", 8)
    canvas.dress(ax, what)
    if len(named) > 1:
        canvas.legend_outside([ax], handles, list(named), "", own=False)
    captions: dict[str, list[str]] = {}
    for label, part in parts.items():
        captions.setdefault(part.said, []).append(label)
    names = [f"{', '.join(own)}: " if len(captions) > 1 else "" for own in captions.values()]
    said_each = [name + text for name, text in zip(names, captions, strict=True) if text]
    canvas.caption([ax], "; ".join(said_each), own=False)
    return ax


@dataclass(frozen=True, slots=True)
class _Part:
    """What is drawn of one model.

    Attributes
    ----------
    terms
        The names of the coefficients.
    figures
        Terms by figures: the estimate, then both ends of each interval, the widest first.
    said
        What the intervals are.
    link
        The link of a generalized model.
    exponentiated
        Whether the figures are exponentials.
    """

    terms: tuple[str, ...]
    figures: NDArray[np.float64]
    said: str
    link: str | None
    exponentiated: bool = False

    def exponentials(self) -> _Part:
        """Return the same with exponentials."""
        if self.exponentiated:
            return self
        found = [[exponential(value) for value in row] for row in self.figures.tolist()]
        figures = np.array(found, dtype=np.float64).reshape(self.figures.shape)
        return _Part(self.terms, figures, self.said, self.link, exponentiated=True)


def levels_of(conf_level: float | Sequence[float]) -> list[float]:
    """Return the levels of intervals, the largest first."""
    given = [conf_level] if isinstance(conf_level, int | float) else list(conf_level)
    if not given:
        raise OptionError("conf_level has no level")
    return sorted({options.check_level(level) for level in given}, reverse=True)


def _given(intervals: Any, label: str) -> Any:
    if isinstance(intervals, Mapping):
        if label not in intervals:
            raise OptionError(f"intervals has nothing for {shown(label)}")
        return intervals[label]
    return intervals


def intervals_said(levels: Sequence[float], kind: str) -> str:
    """Say of which levels the intervals are, and which lines show them, the widest first."""
    percent = [f"{level * 100:.6g}%" for level in levels]
    if len(percent) == 1:
        return f"{percent[0]} {kind} intervals"
    return f"{percent[0]} (thin) and {', '.join(percent[1:])} (thick) {kind} intervals"


def _of_model(fit: Any, intervals: Any, ddf: str | None, levels: Sequence[float]) -> _Part:
    """Return what is drawn of one model, or of its fixed effects."""
    if isinstance(fit, FixedEffects):
        if intervals is not None and not isinstance(intervals, Intervals):
            raise OptionError(f"intervals={shown(intervals)} needs a model, not its fixed effects")
        tables = [fit]
    else:
        own = levels if intervals is None else levels[:1]
        tables = [fit._tested(ddf, level) for level in own]
    effects = tables[0]
    found: list[Any] = tables
    if intervals is not None and not isinstance(intervals, Intervals):
        method = options.one_of(intervals, options.IntervalMethod, "intervals")
        if not hasattr(fit, "confint"):
            raise OptionError(f"intervals={shown(intervals)} are those of models of lmer()")
        found = [fit.confint(method, conf_level=level, parameters="beta_") for level in levels]
    elif intervals is not None:
        found = [intervals]
    ends = [{row.term: (row.conf_low, row.conf_high) for row in table} for table in found]
    figures = [
        [row.estimate, *(end for by in ends for end in by.get(row.term, (None, None)))]
        for row in effects
    ]
    shape = len(effects.rows), 1 + 2 * len(found)
    return _Part(
        tuple(row.term for row in effects),
        np.array(figures, dtype=np.float64).reshape(shape),
        _said(effects, found),
        getattr(fit, "link", None),
        effects.exponentiated,
    )


def _said(effects: FixedEffects, found: Sequence[Any]) -> str:
    """Say what intervals are: levels, method, and degrees of freedom or the kind of bootstrap."""
    said = intervals_said([float(table.conf_level) for table in found], "confidence")
    if isinstance(found[0], Intervals):
        method, further = found[0].method, found[0].kind
    elif effects.ddf == "none":
        return ""
    else:
        method, further = effects.interval_method, METHODS.get(effects.ddf, "")
        further = "" if effects.ddf == "normal" else further
    names = {"wald": "Wald", "boot": "bootstrap"}
    return f"{said}, {', '.join(filter(None, (names.get(method, method), further)))}"


def _standardized(fit: Any, part: _Part) -> _Part:
    """Return the figures for one standard deviation of each numeric variable."""
    if isinstance(fit, FixedEffects) or fit.spec.fitter == "nlmer":
        raise OptionError(
            "standardize=True needs models with a linear predictor, of lmer() or such"
        )
    figures = ask(
        "standardized_figures",
        np.asarray,
        model=fit._model,
        terms=part.terms,
        figures=part.figures.ravel(order="F"),
    )
    return _Part(part.terms, figures.reshape(part.figures.shape, order="F"), part.said, part.link)


def _ordered(
    parts: Mapping[str, _Part], terms: Sequence[str] | None, intercept: bool, order: str
) -> list[str]:
    """Return the terms that are drawn, from above."""
    known = list(dict.fromkeys(term for part in parts.values() for term in part.terms))
    wanted = [t for t in known if options.flag(intercept, "intercept") or t != INTERCEPT] or known
    if terms is not None:
        wanted = canvas.known_names(terms, known, "term")
    if order == "estimate":
        place: dict[str, float] = {}
        for part in parts.values():  # the first model that has the term
            for term, row in zip(part.terms, part.figures, strict=True):
                place.setdefault(term, -float(row[0]))
        wanted.sort(key=place.__getitem__)
    return wanted


def _draw_part(ax: Axes, part: _Part, wanted: Sequence[str], shift: float, i: int) -> Any:
    """Draw lines from end to end, the widest first, and the estimates over them."""
    colour = inks.on(ax).nth(i)
    there = [term for term in wanted if term in part.terms]
    rows = part.figures[[part.terms.index(term) for term in there]]
    places = np.array([wanted.index(term) for term in there], dtype=float) + shift
    n_levels = (rows.shape[1] - 1) // 2
    for k in range(n_levels):
        width = 1.8 if n_levels == 1 else 1.4 + 3.6 * k / (n_levels - 1)
        if len(rows):
            ax.hlines(places, rows[:, 1 + 2 * k], rows[:, 2 + 2 * k], color=colour, linewidth=width)
    marker = canvas.MARKERS[i % len(canvas.MARKERS)]
    edge = {"markeredgecolor": inks.on(ax).paper} if n_levels > 1 else {}
    style: dict[str, Any] = {"color": colour, "markersize": 6 + (n_levels > 1), **edge}
    return ax.plot(rows[:, 0], places, marker, **style)[0]
