"""Pictures of the effects of predictors: lines with bands, points with bars, partial residuals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.plots import canvas, inks, ticks
from pymer_bridge.results.effects import EffectCurve
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked
from pymer_bridge.spec.names import find_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pymer_bridge.models.lm import LinearModel
    from pymer_bridge.models.mixed import MixedModel
    from pymer_bridge.plots.inks import Inks


ENDS: Final = ("estimate", "conf_low", "conf_high")
PARTIAL: Final = ("partial_x", "partial_y")
GOLDEN: Final = 0.6180339887498949
"""Steps of this length around a circle stay apart for as long as possible."""
MOST_PANELS: Final = 24


@checked
def effect(
    fit: MixedModel | LinearModel,
    terms: str | Sequence[str],
    *,
    x: str | None = None,
    at: Mapping[str, Any] | None = None,
    n_points: int | None = 100,
    conf_level: float = 0.95,
    partial_residuals: bool = False,
    scale: options.PredictionType = "response",
    ax: Axes | Sequence[Axes] | None = None,
) -> Axes:
    """Draw the effect of a predictor, or of several together, with its interval.

    Parameters
    ----------
    fit
        A fitted model.
    terms
        A predictor, or several: the first along the x axis, a colour for each value of the second,
        a panel for each of the others.
    x
        The predictor along the x axis, if it is another than the first.
    at, n_points, conf_level, partial_residuals
        As of ``fit.effect()``: numeric predictors other than the one along the x axis are at their
        mean and one standard deviation to each side, unless ``at`` has others.
    scale
        "response", or "link" for the scale of the linear predictor.
    ax
        Axes to draw on, one per panel.

    Returns
    -------
    matplotlib.axes.Axes
        See :func:`effect_curve`.

    Raises
    ------
    OptionError
        An argument is not accepted.
    REnvironmentError
        R's package effects is not installed.

    Notes
    -----
    R function: ``effects::Effect``.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> pb.plots.effect(fit, "Days").get_xlabel()  # doctest: +SKIP
    'Days'
    """
    names = terms if x is None else _in_order(fit._effect_terms(terms), x)
    curve = fit.effect(
        names, at=at, n_points=n_points, conf_level=conf_level, partial_residuals=partial_residuals
    )
    return effect_curve(curve, scale=scale, ax=ax)


@checked
def effect_curve(
    curve: EffectCurve,
    *,
    x: str | None = None,
    scale: options.PredictionType = "response",
    ax: Axes | Sequence[Axes] | None = None,
) -> Axes:
    """Draw an effect that ``fit.effect()`` gave.

    Parameters
    ----------
    curve
        The effect.
    x
        The predictor along the x axis; the first of ``curve.terms`` by default.
    scale
        "response", or "link" for the scale of the linear predictor.
    ax
        Axes to draw on, one per panel.

    Returns
    -------
    matplotlib.axes.Axes
        Along a number a line and a band, along a factor points and bars, in a colour for each value
        of the second predictor, and in a panel for each of the others: these axes are those of the
        first panel, and ``ax.figure.axes`` are all. Below stand the level of the intervals, and
        what is done with the model's other predictors. Partial residuals, where the effect has
        them, are points in the colour of theirs; if there is one line, a broken line smooths them.

    Raises
    ------
    OptionError
        An argument is not accepted, or there are too many combinations to tell apart.

    Notes
    -----
    R functions: ``effects::Effect``, and ``lowess`` for the smooth line, which is found on the
    scale of the linear predictor.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> fit.effect("Days").plot().get_ylabel()  # doctest: +SKIP
    'Reaction'
    """
    scale = options.one_of(scale, options.PredictionType, "scale")
    names = _in_order(curve.terms, x or curve.terms[0])
    drawn = _Drawn(curve, names, "response_" if scale == "response" else "")
    n = len(drawn.panels)
    if n == 1:
        size = (6.4 if names[1:] else 5.6, 4.2)
        axes = canvas.new_panels(ax, 1, size)
    else:
        across = min(canvas.across(n), 3)
        axes = canvas.new_panels(ax, n, (3.2, 3.0), across, sharex=True, sharey=True)
    for panel, values in zip(axes, drawn.panels, strict=True):
        drawn.draw(panel, values)
        title = ", ".join(drawn.said(*pair) for pair in zip(names[2:], values, strict=True))
        canvas.dress(panel, canvas.shorten(names[0], 40), title=title or None)
    if curve.smooth is not None:
        _draw_smooth(axes[0], curve, scale)
    what = canvas.wrapped(curve._axis(scale), 3.4)
    if n > 1 and ax is None:
        canvas.figure_of(axes).supylabel(canvas.plain(what), fontsize="medium")
    else:
        canvas.dress(axes[0], y=what)
    drawn.tell_apart(axes, own=ax is None)
    canvas.caption(axes, drawn.caption(), own=ax is None)
    return axes[0]


def _in_order(terms: Sequence[str], x: str) -> tuple[str, ...]:
    """Return the predictors with the one along the x axis first."""
    found = find_name(x, terms)
    if found is None:
        raise OptionError(
            f"x={shown(x)} is no predictor of this effect; these are: {listed(terms)}"
        )
    return (found, *(name for name in terms if name != found))


Values = tuple["str | float", ...]


class _Drawn:
    """What is drawn of an effect: which value has which colour, and which rows are in which panel.

    Attributes
    ----------
    panels
        For each panel the values of the predictors after the second.
    colours
        The values of the second predictor, an empty one where there is none.
    """

    def __init__(self, curve: EffectCurve, names: Sequence[str], scale: str) -> None:
        self.curve, self.names, self.scale = curve, names, scale
        self.numeric = curve.is_numeric(names[0])
        self.levels = self._values(names[:1])
        self.colours, self.panels = self._values(names[1:2]), self._values(names[2:])
        for found, most, what in (
            (self.colours, canvas.MOST_SERIES, f"{canvas.MOST_SERIES} lines can be told apart"),
            (self.panels, MOST_PANELS, f"{MOST_PANELS} panels can be read"),
        ):
            if len(found) > most:
                which = ", ".join(names[1:2] if found is self.colours else names[2:])
                raise OptionError(
                    f"{which} have {len(found)} combinations, and {what}: choose some by at="
                )
        self.rows, self.partial = (
            _grouped(curve.rows, names[1:]),
            _grouped(curve.partial, names[1:]),
        )
        self.lines: dict[str, Any] = {}

    def _values(self, names: Sequence[str]) -> list[Values]:
        rows = self.curve.rows
        return list(dict.fromkeys(tuple(row.values[name] for name in names) for row in rows))

    def said(self, name: str, value: str | float) -> str:
        """Return the value of a predictor as the title of a panel has it."""
        return f"{canvas.shorten(name, 20)} = {canvas.shorten(self.curve._level_said(name, value))}"

    def draw(self, ax: Axes, panel: Values) -> None:
        """Draw the rows of one panel."""
        curve = self.curve
        series = [self._series(i, (*colour, *panel)) for i, colour in enumerate(self.colours)]
        points = _point_style(curve)
        own = inks.on(ax, points["alpha"] if curve.partial else 1.0)
        if curve.partial:
            _draw_partial(ax, curve, series, own)
        draw = _draw_line if self.numeric else _draw_points
        for one in series:
            if len(one.x):
                self.lines[one.label] = draw(ax, one, own, halo=bool(curve.partial))
        if not self.numeric:
            ticks.name_levels(ax, [str(level) for (level,) in self.levels])

    def _series(self, i: int, others: Values) -> _Series:
        """Return one line, or one row of points."""
        across, *names = self.names
        partial = self.partial.get(others, [])
        mine = [self.curve.rows[k] for k in self.rows.get(others, [])]
        own = [self.curve.partial[k] for k in partial]
        x, partial_x = ([row.values[across] for row in rows] for rows in (mine, own))
        if not self.numeric:
            levels = [level for (level,) in self.levels]
            x, partial_x = _places(levels, x, partial_x, i, len(self.colours))
        label = self.curve._level_said(names[0], others[0]) if names else ""
        return _Series(
            i,
            canvas.plain(canvas.shorten(label)),
            np.array(x, dtype=np.float64),
            tuple(
                np.array([getattr(row, self.scale + name) for row in mine], dtype=np.float64)
                for name in ENDS
            ),
            np.array(partial, dtype=np.intp),
            np.array(partial_x, dtype=np.float64),
            np.array([getattr(row, f"{self.scale}estimate") for row in own], dtype=np.float64),
        )

    def tell_apart(self, axes: Sequence[Axes], *, own: bool) -> None:
        """Say which colour is which value, beside the panels, or above them if they are narrow."""
        if not self.names[1:]:
            return
        title = canvas.plain(canvas.shorten(self.names[1], 24))
        canvas.legend_outside(axes, list(self.lines.values()), list(self.lines), title, own=own)

    def caption(self) -> str:
        """Say what band or bars are, and what is done with other predictors."""
        curve = self.curve
        what = "Band" if self.numeric else "Bars"
        said = [f"{what}: {curve.conf_level * 100:.6g}% confidence interval"]
        if curve.partial:
            said.append("points: partial residuals")
        return "; ".join([*said, *curve.others])


def _grouped(rows: Sequence[Any], names: Sequence[str]) -> dict[Values, list[int]]:
    """Return the places of the rows that have each combination of values."""
    found: dict[Values, list[int]] = {}
    for place, row in enumerate(rows):
        found.setdefault(tuple(row.values[name] for name in names), []).append(place)
    return found


def _draw_smooth(ax: Axes, curve: EffectCurve, scale: str) -> None:
    """Draw the line that smooths partial residuals."""
    smooth: Any = curve.smooth
    y = smooth.response_estimate if scale == "response" else smooth.estimate
    what = "Smooth of the partial residuals"
    ax.plot(smooth.x, y, "--", color=inks.on(ax).vermilion, linewidth=1.6, label=what)
    canvas.legend_above(ax, ncols=2 if canvas.width_of(ax) > 3.4 else 1)


@dataclass(frozen=True, slots=True)
class _Series:
    """One line, or one row of points: what it is called, and where it goes.

    ``figures`` are the estimates and the ends of their intervals, ``rows`` says which partial
    residuals belong to it; ``x`` and ``partial_x`` are numbers, of a factor the places of its
    levels.
    """

    i: int
    label: str
    x: Any
    figures: tuple[Any, ...]
    rows: Any
    partial_x: Any
    partial_y: Any

    @property
    def line(self) -> str:
        return canvas.LINES[self.i // inks.MANY]


def _places(levels: Sequence[Any], own: Any, partial: Any, i: int, n: int) -> tuple[Any, Any]:
    """Return where the ``i``-th of ``n`` series has its levels, and its partial residuals.

    Partial residuals that would hide each other are spread evenly, and not at random.
    """
    width = min(0.15, 0.7 / n)
    shift = (i - (n - 1) / 2) * width
    where = {level: place for place, level in enumerate(levels)}
    x, at = (np.array([where[level] for level in some], dtype=int) for some in (own, partial))
    order = np.zeros(len(at))
    for place in range(len(levels)):
        order[at == place] = np.arange(np.count_nonzero(at == place))
    inside = ((order * GOLDEN) % 1.0 - 0.5) * (0.5 if n == 1 else 0.9 * width)
    return x + shift, at + shift + inside


def _point_style(curve: EffectCurve) -> dict[str, Any]:
    """Return how partial residuals are drawn: fainter than data, for what is drawn over them."""
    style = canvas.point_style(len(curve.partial))
    return style | {"alpha": max(0.8 * style["alpha"], 0.2)}


def _draw_partial(ax: Axes, curve: EffectCurve, series: Sequence[_Series], own: Inks) -> None:
    """Draw all partial residuals in the data's order, so that no colour lies over the others."""
    from matplotlib.colors import to_rgba  # noqa: PLC0415  # only who draws loads it

    rows = np.concatenate([one.rows for one in series])
    order = np.argsort(rows, kind="stable")
    x, y = (np.concatenate([getattr(one, name) for one in series]) for name in PARTIAL)
    colours = np.concatenate(
        [
            np.tile(to_rgba(own.nth(one.i) if len(series) > 1 else own.sky), (len(one.rows), 1))
            for one in series
        ]
    )
    style = _point_style(curve)
    colours[:, 3] = style.pop("alpha")
    ax.scatter(x[order], y[order], c=colours[order], zorder=0.5, **style)


def _halo(paper: str, *, wanted: bool) -> dict[str, Any]:
    """Return an edge in the background's colour, by which lines are seen over many points."""
    from matplotlib import patheffects  # noqa: PLC0415  # only who draws loads it

    edge = [patheffects.withStroke(linewidth=4.0, foreground=paper)]
    return {"path_effects": edge if wanted else None}


def _draw_line(ax: Axes, one: _Series, own: Inks, *, halo: bool) -> Any:
    estimate, low, high = one.figures
    ax.fill_between(one.x, low, high, **own.wash(own.nth(one.i)))
    style = {"linewidth": 2.0, "label": one.label or "Effect", **_halo(own.paper, wanted=halo)}
    if len(one.x) == 1:  # a line of one point has no length
        style["marker"] = "o"
        ax.vlines(one.x, low, high, color=own.nth(one.i), linewidth=1.8)
    return ax.plot(one.x, estimate, one.line, color=own.nth(one.i), **style)[0]


def _draw_points(ax: Axes, one: _Series, own: Inks, *, halo: bool) -> Any:
    estimate, low, high = one.figures
    edge, colour = _halo(own.paper, wanted=halo), own.nth(one.i)
    ax.vlines(one.x, low, high, color=colour, linestyle=one.line, linewidth=1.8, **edge)
    marker = canvas.MARKERS[one.i % len(canvas.MARKERS)]
    edge = {"markeredgecolor": own.paper if halo else colour, "markeredgewidth": float(halo)}
    return ax.plot(one.x, estimate, marker, color=colour, markersize=7.0, label=one.label, **edge)[
        0
    ]
