"""Pictures of what affects a fit: leverage, Cook's distances, influence of groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pymer_bridge.errors import OptionError
from pymer_bridge.plots import canvas, inks
from pymer_bridge.results.influence import Influence
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pymer_bridge.models.lm import LinearModel
    from pymer_bridge.models.mixed import MixedModel


@checked
def leverage(fit: MixedModel | LinearModel, *, n_labels: int = 3, ax: Axes | None = None) -> Axes:
    """Draw scaled residuals against leverage, the largest Cook's distances named.

    Parameters
    ----------
    fit
        A linear or generalized linear model, mixed or not.
    n_labels
        How many observations to name: those of the largest Cook's distances.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        One point per observation; those that are named stand out.

    Raises
    ------
    OptionError
        ``n_labels`` is not accepted.
    RError
        R has no leverage for this model, as for a nonlinear one.

    Notes
    -----
    R functions: ``hatvalues``, ``cooks.distance`` and ``residuals(scaled=TRUE)`` of lme4. Of a
    generalized model R warns that the hat matrix may not make sense.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> pb.plots.leverage(fit).get_xlabel()
    'Leverage'
    """
    most = options.whole(n_labels, "n_labels", 0)
    hat, cooks = fit.hat_values(), fit.cooks_distance()
    residuals = fit.residuals("pearson", scaled=True)
    used = (hat.notna() & residuals.notna()).to_numpy()
    names = [str(name) for name in hat.index[used]]
    x, y = hat.to_numpy()[used], residuals.to_numpy()[used]
    ax = canvas.new_axes(ax)
    canvas.zero_line(ax)
    canvas.draw_points(ax, x, y)
    _name_points(ax, x, y, names, _largest(cooks.to_numpy()[used], most))
    if most:
        canvas.legend_above(ax)
    return canvas.dress(ax, "Leverage", "Scaled residual")


@checked
def cooks_distance(
    fit: MixedModel | LinearModel, *, n_labels: int = 3, ax: Axes | None = None
) -> Axes:
    """Draw Cook's distance of each observation, the largest named.

    Parameters
    ----------
    fit
        A linear or generalized linear model, mixed or not.
    n_labels
        How many observations to name.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        One line from zero per observation, in the order of the data.

    Raises
    ------
    OptionError
        ``n_labels`` is not accepted.
    RError
        R has no Cook's distances for this model, as for a nonlinear one.

    Notes
    -----
    R function: ``cooks.distance`` of lme4. Of a generalized model R warns that the hat matrix
    may not make sense.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> pb.plots.cooks_distance(fit).get_ylabel()
    "Cook's distance"
    """
    most = options.whole(n_labels, "n_labels", 0)
    found = fit.cooks_distance()
    places = np.flatnonzero(found.notna().to_numpy())
    values = found.to_numpy()[places]
    names = [str(found.index[i]) for i in places.tolist()]
    ax = canvas.new_axes(ax)
    wide = float(np.interp(len(values), (50, 500, 5000), (1.6, 0.9, 0.5)))
    blue, many = inks.on(ax).blue, len(values) > 5000
    ax.vlines(places, 0.0, values, color=blue, linewidth=wide, rasterized=many)
    _name_points(ax, places.astype(float), values, names, _largest(values, most))
    ax.set_ylim(bottom=0.0)
    ax.margins(x=0.02)
    return canvas.dress(ax, "Observation", "Cook's distance")


def _largest(values: Any, most: int) -> Any:
    """Return where the largest values stand, the largest first."""
    return np.argsort(-np.where(np.isnan(values), -np.inf, values), kind="stable")[:most]


def _name_points(ax: Axes, x: Any, y: Any, names: list[str], largest: Any) -> None:
    """Name some of the points, and draw them in a colour that stands out."""
    if not len(largest):
        return
    size, label = 42 if len(x) <= 100 else 26, "Largest Cook's distances"
    style: dict[str, Any] = {"color": inks.on(ax).vermilion, "linewidths": 0, "zorder": 3}
    ax.scatter(x[largest], y[largest], s=size, label=label, **style)
    middle = (np.min(x) + np.max(x)) / 2
    for i in largest:
        left = x[i] > middle  # away from the edge
        side = {"ha": "right" if left else "left", "va": "center", "fontsize": "small"}
        side["color"] = inks.on(ax).ink
        canvas.label_point(ax, names[i], (x[i], y[i]), (-5 if left else 5, 0), 16, zorder=4, **side)


@checked
def influence(
    result: Influence, *, order: bool = True, n_labels: int = 5, ax: Axes | None = None
) -> Axes:
    """Draw Cook's distance of each group, or observation, that was left out.

    Parameters
    ----------
    result
        What ``fit.influence()`` gave.
    order
        By size, the largest above? Otherwise in R's order.
    n_labels
        Where there is no room to name all: how many of the largest to name.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        One line from zero and one point each; what could not be refitted is left out, and counted
        in the title.

    Raises
    ------
    OptionError
        ``n_labels`` is not accepted, or nothing could be refitted.

    Notes
    -----
    R functions: ``influence`` and ``cooks.distance`` of lme4.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"))
    >>> pb.plots.influence(fit.influence("Batch")).get_xlabel()
    "Cook's distance"
    """
    most = options.whole(n_labels, "n_labels", 0)
    found = result.cooks_distance
    known = found.dropna()
    n = len(known)
    if n == 0:
        raise OptionError("there is no Cook's distance to draw: no refit succeeded")
    # The first one above.
    known = known.sort_values(kind="stable") if order else known.iloc[::-1]
    values, places = known.to_numpy(), np.arange(n)
    ax = canvas.new_axes(ax, (6.4, float(np.clip(1.2 + 0.19 * n, 2.8, 9.0))))
    many, own = canvas.crowded(ax, n), inks.on(ax)
    ax.hlines(places, 0.0, values, color=own.sky, linewidth=0.8 if many else 1.8)
    ax.plot(values, places, "o", color=own.blue, markersize=1.8 if many else 5.0)
    names = [str(name) for name in known.index]
    ax.set_ylim(-0.8, n - 0.2)
    room = 1.35 if many and most else 1.06  # for the names
    ax.set_xlim(0.0, float(np.max(values)) * room or 1.0)
    canvas.label_levels(ax, names, str(result.by))
    if many:
        _name_rows(ax, values, names, _largest(values, most))
    lost = len(found) - n
    return canvas.dress(ax, "Cook's distance", title=f"{lost} refits failed" if lost else None)


def _name_rows(ax: Axes, values: Any, names: list[str], largest: Any) -> None:
    """Name the largest of many, below each other where they lie too close."""
    height = float(ax.get_window_extent().height)
    # Ten points of text, in rows of the y axis.
    step = len(values) * 10.0 * float(ax.figure.figure.dpi) / 72.0 / max(height, 1.0)
    lowest, own = np.inf, inks.on(ax)
    for i in sorted(largest, reverse=True):
        lowest = min(float(i), lowest - step)
        ax.annotate(
            canvas.plain(canvas.shorten(names[i], 20)),
            (values[i], i),
            xytext=(values[i] + 0.06 * float(ax.get_xlim()[1]), lowest),
            fontsize="small",
            va="center",
            color=own.ink,
            arrowprops={"arrowstyle": "-", "color": own.grey, "linewidth": 0.6},
        )
