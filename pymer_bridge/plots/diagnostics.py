"""Pictures of residuals: against fitted values, their scale, their normality, and by group."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pymer_bridge.plots import canvas, curves, inks
from pymer_bridge.plots.leverage import cooks_distance
from pymer_bridge.plots.leverage import leverage as draw_leverage
from pymer_bridge.plots.random import draw_quantiles
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pymer_bridge.models.lm import LinearModel
    from pymer_bridge.models.mixed import MixedModel


def _residuals(fit: Any, kind: str, *, scaled: bool) -> tuple[Any, Any]:
    """Return fitted values and residuals of the rows used."""
    residuals = fit.residuals(kind, scaled=scaled)
    used = residuals.notna().to_numpy()
    return fit.fitted.to_numpy()[used], residuals.to_numpy()[used]


def _name(kind: str, *, scaled: bool) -> str:
    words = "Residual" if kind == "response" else f"{kind.capitalize()} residual"
    return f"Scaled {words.lower()}" if scaled else words


def _with_smooth(ax: Axes, x: Any, y: Any) -> None:
    smooth = curves.lowess(x, y)
    canvas.draw_points(ax, x, y)
    ax.plot(*smooth, color=inks.on(ax).vermilion, linewidth=1.8)


@checked
def residuals_fitted(
    fit: MixedModel | LinearModel,
    *,
    kind: options.ResidualKind = "response",
    scaled: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw residuals against fitted values, with a smooth line.

    Parameters
    ----------
    fit
        A fitted model.
    kind, scaled
        Which residuals, as of ``fit.residuals()``.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        Points and a line.

    Raises
    ------
    OptionError
        ``kind`` is not accepted.

    Notes
    -----
    R functions: ``fitted``, ``residuals`` and ``lowess`` [1]_.

    References
    ----------
    .. [1] Cleveland, W. S. (1979). Robust Locally Weighted Regression and Smoothing
       Scatterplots. Journal of the American Statistical Association, 74(368), 829-836.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> pb.plots.residuals_fitted(fit).get_ylabel()
    'Residual'
    """
    x, y = _residuals(fit, kind, scaled=scaled)
    ax = canvas.new_axes(ax)
    canvas.zero_line(ax)
    _with_smooth(ax, x, y)
    return canvas.dress(ax, "Fitted value", _name(kind, scaled=scaled))


@checked
def scale_location(
    fit: MixedModel | LinearModel, *, kind: options.ResidualKind = "pearson", ax: Axes | None = None
) -> Axes:
    """Draw the root of the size of scaled residuals against fitted values.

    Parameters
    ----------
    fit
        A fitted model.
    kind
        Which residuals, as of ``fit.residuals()``.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        Points and a line.

    Raises
    ------
    OptionError
        ``kind`` is not accepted.

    Notes
    -----
    R functions: ``fitted``, ``residuals(scaled=TRUE)`` and ``lowess``; the third picture of
    ``plot`` of an ``lm``.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> pb.plots.scale_location(fit).get_xlabel()
    'Fitted value'
    """
    x, y = _residuals(fit, kind, scaled=True)
    ax = canvas.new_axes(ax)
    _with_smooth(ax, x, np.sqrt(np.abs(y)))
    ax.set_ylim(bottom=0.0)
    return canvas.dress(ax, "Fitted value", "√|Scaled residual|")


@checked
def residual_quantiles(
    fit: MixedModel | LinearModel,
    *,
    kind: options.ResidualKind = "pearson",
    conf_level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Draw scaled residuals against normal quantiles, with a band.

    Parameters
    ----------
    fit
        A fitted model.
    kind
        Which residuals, as of ``fit.residuals()``.
    conf_level
        The level of the band, point by point.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        Points, a line and a band.

    Raises
    ------
    OptionError
        An argument is not accepted.

    Notes
    -----
    R functions: ``residuals(scaled=TRUE)``, ``qqnorm`` and ``qqline``.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> pb.plots.residual_quantiles(fit).get_xlabel()
    'Normal quantile'
    """
    _, y = _residuals(fit, kind, scaled=True)
    ax = canvas.new_axes(ax, (4.6, 4.4))
    draw_quantiles(ax, y, conf_level)
    return canvas.dress(ax, "Normal quantile", "Scaled residual")


@checked
def residuals_by_group(
    fit: MixedModel,
    group: str | None = None,
    *,
    kind: options.ResidualKind = "response",
    scaled: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw the residuals of each group, the groups ordered by their median.

    Parameters
    ----------
    fit
        A mixed model.
    group
        A grouping factor; R's first by default.
    kind, scaled
        Which residuals, as of ``fit.residuals()``.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        One box per group: quartiles, whiskers, and points beyond; where there is no room for
        boxes the quartiles and medians alone.

    Raises
    ------
    OptionError
        There is no such group, or ``kind`` is not accepted.

    Notes
    -----
    R functions: ``residuals`` and ``grDevices::boxplot.stats``.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> pb.plots.residuals_by_group(fit).get_ylabel()
    'Subject'
    """
    names = tuple(fit.n_groups)
    asked = names[:1] if group is None else [group]
    chosen = canvas.known_names(asked, names, "grouping factor")[0]
    _, values = _residuals(fit, kind, scaled=scaled)
    levels = pd.Categorical(fit.model_frame[chosen])  # the rows used, as in the residuals
    boxes = curves.boxes(values, levels.codes, tuple(map(str, levels.categories)))
    boxes.sort(key=lambda box: box["med"])
    n = len(boxes)
    ax = canvas.new_axes(ax, (6.4, float(np.clip(1.2 + 0.19 * n, 2.8, 9.0))))
    many = canvas.crowded(ax, n)
    canvas.zero_line(ax, vertical=True, above=many)
    own = inks.on(ax)
    if many:
        places = np.arange(n)
        low, medians, high = ([box[name] for box in boxes] for name in ("q1", "med", "q3"))
        ax.hlines(places, low, high, color=own.sky, linewidth=0.8)
        ax.plot(medians, places, "o", markersize=1.8, color=own.blue)
    else:
        blue = {"markerfacecolor": own.blue, "markeredgecolor": "none"}
        ax.bxp(
            boxes,
            positions=list(range(n)),
            **_lying(ax),
            patch_artist=True,
            widths=0.6,
            boxprops={"facecolor": own.sky, "edgecolor": own.ink, "linewidth": 0.8},
            medianprops={"color": own.ink, "linewidth": 1.6},
            whiskerprops={"color": own.ink},
            capprops={"color": own.ink},
            flierprops={"marker": "o", "markersize": 3, **blue},
        )
    ax.set_ylim(-0.8, n - 0.2)
    canvas.label_levels(ax, [box["label"] for box in boxes], chosen)
    return canvas.dress(ax, _name(kind, scaled=scaled))


def _lying(ax: Axes) -> dict[str, Any]:
    """Return how boxes are laid down; matplotlib 3.10 has another word for it."""
    new = "orientation" in signature(ax.bxp).parameters
    return {"orientation": "horizontal"} if new else {"vert": False}


@checked
def diagnostics(
    fit: MixedModel,
    group: str | None = None,
    *,
    leverage: bool = True,
    ax: Sequence[Axes] | None = None,
) -> Figure:
    """Draw residuals, leverage and Cook's distances in one figure.

    Parameters
    ----------
    fit
        A mixed model.
    group
        The grouping factor of the residuals by group; R's first by default.
    leverage
        Draw leverage and Cook's distances too, where the model is one of ``lmer()``? For the
        73,421 rows in crossed groups of lme4's InstEval R takes a minute and a gigabyte.
    ax
        Six axes to draw on; four without leverage.

    Returns
    -------
    matplotlib.figure.Figure
        The figure: residuals against fitted values, scale and location, normal quantiles, and
        residuals by group. Of a linear mixed model also leverage and Cook's distances, which
        R does not have for nonlinear models, and warns of for generalized ones.

    Raises
    ------
    OptionError
        There is no such group, or an argument is not accepted.

    Notes
    -----
    See :func:`residuals_fitted`, :func:`scale_location`, :func:`residual_quantiles`,
    :func:`residuals_by_group`, :func:`leverage` and :func:`cooks_distance`.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> len(pb.plots.diagnostics(fit).axes)
    6
    """
    linear = options.flag(leverage, "leverage") and fit.spec.fitter == "lmer"
    titles = ["Residuals and fitted values", "Spread and fitted values", "Normality", "By group"]
    titles += ["Leverage, largest Cook's distances named", "Cook's distance"] if linear else []
    axes = canvas.new_panels(ax, len(titles), (4.6, 3.9), 2)
    residuals_fitted(fit, ax=axes[0])
    scale_location(fit, ax=axes[1])
    residual_quantiles(fit, ax=axes[2])
    residuals_by_group(fit, group, ax=axes[3])
    if linear:
        legend = draw_leverage(fit, ax=axes[4]).get_legend()
        if legend is not None:
            legend.remove()  # the title says it
        cooks_distance(fit, ax=axes[5])
    for panel, title in zip(axes, titles, strict=True):
        panel.set_title(title, fontsize="medium")
    return canvas.figure_of(axes)
