"""Pictures of the effects of predictors: lines with bands, points with bars, partial residuals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from pymer_bridge.errors import OptionError
from pymer_bridge.plots import canvas, inks
from pymer_bridge.results.effects import EffectCurve
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pymer_bridge.models.lm import LinearModel
    from pymer_bridge.models.mixed import MixedModel
    from pymer_bridge.plots.inks import Inks


ENDS: Final = ("estimate", "conf_low", "conf_high")
GOLDEN: Final = 0.6180339887498949
"""Steps of this length around a circle stay apart for as long as possible."""
LINES: Final = ("-", "--", ":", "-.")
MOST: Final = inks.MANY * len(LINES)
"""The most lines that a reader can tell apart."""


@checked
def effect(
    fit: MixedModel | LinearModel,
    terms: str | Sequence[str],
    *,
    at: Mapping[str, Any] | None = None,
    n_points: int | None = 100,
    conf_level: float = 0.95,
    partial_residuals: bool = False,
    scale: options.PredictionType = "response",
    ax: Axes | None = None,
) -> Axes:
    """Draw the effect of a predictor, or of several together, with its interval.

    Parameters
    ----------
    fit
        A fitted model.
    terms, at, n_points, conf_level, partial_residuals
        As of ``fit.effect()``.
    scale
        "response", or "link" for the scale of the linear predictor.
    ax
        Axes to draw on.

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
    curve = fit.effect(
        terms, at=at, n_points=n_points, conf_level=conf_level, partial_residuals=partial_residuals
    )
    return effect_curve(curve, scale=scale, ax=ax)


@checked
def effect_curve(
    curve: EffectCurve, *, scale: options.PredictionType = "response", ax: Axes | None = None
) -> Axes:
    """Draw an effect that ``fit.effect()`` gave.

    Parameters
    ----------
    curve
        The effect.
    scale
        "response", or "link" for the scale of the linear predictor.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        Along the first numeric predictor a line and a band for each combination of the others;
        along a factor, the one of most levels, points and bars. Partial residuals, where the
        effect has them, are points in the colour of theirs; if there is one line, a broken line
        smooths them.

    Raises
    ------
    OptionError
        ``scale`` is not accepted, or there are too many combinations to tell apart.

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
    across = _across(curve)
    others = [name for name in curve.terms if name != across]
    numeric = curve.is_numeric(across)
    series = _series_of(curve, across, others, "response_" if scale == "response" else "")
    ax = canvas.new_axes(ax, (6.4 if others else 5.6, 4.2))
    points = _point_style(curve)
    own = inks.on(ax, points["alpha"] if curve.partial else 1.0)
    if curve.partial:
        _draw_partial(ax, curve, series, own)
    for one in series:
        (_draw_line if numeric else _draw_points)(ax, one, own, halo=bool(curve.partial))
    if not numeric:
        _label_levels(ax, list(dict.fromkeys(str(row.values[across]) for row in curve.rows)))
    if curve.smooth is not None:
        smooth = curve.smooth
        y = smooth.response_estimate if scale == "response" else smooth.estimate
        what = "Smooth of the partial residuals"
        ax.plot(smooth.x, y, "--", color=own.vermilion, linewidth=1.6, label=what)
        canvas.legend_above(ax, ncols=2)
    response = canvas.shorten(curve.response, 40)
    linear = scale == "link" and curve.link != "identity"
    canvas.dress(ax, across, f"{curve.link}({response})" if linear else response)
    if others:
        canvas.legend_beside(ax, title=canvas.plain(", ".join(others)))
    return ax


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
        return LINES[self.i // inks.MANY]


def _across(curve: EffectCurve) -> str:
    """Return the predictor of the x axis: the first number, else the factor of most levels."""
    numeric = [name for name in curve.terms if curve.is_numeric(name)]
    if numeric:
        return numeric[0]
    count = {name: len({row.values[name] for row in curve.rows}) for name in curve.terms}
    return max(curve.terms, key=count.__getitem__)


def _series_of(curve: EffectCurve, across: str, others: Sequence[str], scale: str) -> list[_Series]:
    """Return one series for each combination of the other predictors."""
    frame = curve.to_frame()
    parts = (
        list(frame.groupby(list(others), sort=False, observed=True)) if others else [((), frame)]
    )
    if len(parts) > MOST:
        raise OptionError(
            f"{', '.join(others)} have {len(parts)} combinations, and {MOST} lines can be told "
            "apart: choose some by at="
        )
    partial = curve.partial_frame()
    levels = None if curve.is_numeric(across) else list(dict.fromkeys(frame[across]))
    made = []
    for i, (key, rows) in enumerate(parts):
        mine = np.ones(len(partial), dtype=bool)
        for name in others:
            mine &= (partial[name] == rows[name].iloc[0]).to_numpy()
        own = partial[mine]
        x, partial_x = rows[across].to_numpy(), own[across].to_numpy()
        if levels is not None:
            x, partial_x = _places(levels, x, partial_x, i, len(parts))
        words = (f"{value:.4g}" if isinstance(value, float) else str(value) for value in key)
        made.append(
            _Series(
                i,
                canvas.plain(canvas.shorten(", ".join(words))),
                x,
                tuple(rows[scale + name].to_numpy() for name in ENDS),
                np.flatnonzero(mine),
                partial_x,
                own[f"{scale}estimate"].to_numpy(),
            )
        )
    return made


def _places(levels: Sequence[str], own: Any, partial: Any, i: int, n: int) -> tuple[Any, Any]:
    """Return where the ``i``-th of ``n`` series has its levels, and its partial residuals.

    Partial residuals that would hide each other are spread evenly, and not at random.
    """
    width = min(0.15, 0.7 / n)
    shift = (i - (n - 1) / 2) * width
    order = pd.Series(partial, dtype=object).groupby(partial).cumcount().to_numpy()
    inside = ((order * GOLDEN) % 1.0 - 0.5) * (0.5 if n == 1 else 0.9 * width)
    where = {level: place for place, level in enumerate(levels)}
    return (
        np.array([where[level] for level in own], dtype=float) + shift,
        np.array([where[level] for level in partial], dtype=float) + shift + inside,
    )


def _point_style(curve: EffectCurve) -> dict[str, Any]:
    """Return how partial residuals are drawn: fainter than data, for what is drawn over them."""
    style = canvas.point_style(len(curve.partial))
    return style | {"alpha": max(0.8 * style["alpha"], 0.2)}


def _draw_partial(ax: Axes, curve: EffectCurve, series: Sequence[_Series], own: Inks) -> None:
    """Draw all partial residuals in the data's order, so that no colour lies over the others."""
    from matplotlib.colors import to_rgba  # noqa: PLC0415  # only who draws loads it

    n = len(curve.partial)
    points, colours = np.full((n, 2), np.nan), np.zeros((n, 4))
    for one in series:
        points[one.rows] = np.column_stack([one.partial_x, one.partial_y])
        colours[one.rows] = to_rgba(own.nth(one.i) if len(series) > 1 else own.sky)
    style = _point_style(curve)
    colours[:, 3] = style.pop("alpha")
    ax.scatter(points[:, 0], points[:, 1], c=colours, zorder=0.5, **style)


def _halo(paper: str, *, wanted: bool) -> dict[str, Any]:
    """Return an edge in the background's colour, by which lines are seen over many points."""
    from matplotlib import patheffects  # noqa: PLC0415  # only who draws loads it

    edge = [patheffects.withStroke(linewidth=4.0, foreground=paper)]
    return {"path_effects": edge if wanted else None}


def _draw_line(ax: Axes, one: _Series, own: Inks, *, halo: bool) -> None:
    estimate, low, high = one.figures
    ax.fill_between(one.x, low, high, **own.wash(own.nth(one.i)))
    style = {"linewidth": 2.0, "label": one.label or "Effect", **_halo(own.paper, wanted=halo)}
    ax.plot(one.x, estimate, one.line, color=own.nth(one.i), **style)


def _draw_points(ax: Axes, one: _Series, own: Inks, *, halo: bool) -> None:
    estimate, low, high = one.figures
    edge, colour = _halo(own.paper, wanted=halo), own.nth(one.i)
    ax.vlines(one.x, low, high, color=colour, linestyle=one.line, linewidth=1.8, **edge)
    marker = canvas.MARKERS[one.i % len(canvas.MARKERS)]
    edge = {"markeredgecolor": own.paper if halo else colour, "markeredgewidth": float(halo)}
    ax.plot(one.x, estimate, marker, color=colour, markersize=7.0, label=one.label, **edge)


def _label_levels(ax: Axes, levels: Sequence[str]) -> None:
    """Name the levels of a factor along the x axis where there is room."""
    n = len(levels)
    ax.set_xlim(-0.6, n - 0.4)
    shown = canvas.spread(n, canvas.MOST_LABELS // 2)
    longest = max(len(level) for level in levels)
    turned = longest * len(shown) > 60
    ax.set_xticks(
        shown,
        [canvas.plain(canvas.shorten(levels[i], 20)) for i in shown],
        rotation=90 if turned else 0,
        fontsize="small" if turned else "medium",
    )
