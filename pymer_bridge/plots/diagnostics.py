"""Pictures of residuals: against fitted values, their scale, their normality, and by group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from pymer_bridge.errors import OptionError, shown
from pymer_bridge.plots import canvas, curves, inks
from pymer_bridge.plots.leverage import cooks_distance, legend_in_columns, scaled_residuals
from pymer_bridge.plots.leverage import leverage as draw_leverage
from pymer_bridge.plots.random import draw_quantiles
from pymer_bridge.plots.residual_views import SIMULATED, draw_band, draw_view, with_band
from pymer_bridge.results.simulated import ResidualCurves
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pymer_bridge.models.lm import LinearModel
    from pymer_bridge.models.mixed import MixedModel


MOST_ROWS: Final = 5000
"""A linear model of more rows is not drawn along its predictors: many data sets would be drawn."""


Panels = dict[str, Callable[..., object]]


def _is_generalized(fit: Any) -> bool:
    return fit.spec.fitter in ("glm", "glmer", "glmer.nb")


def _kind_of(fit: Any, kind: str | None, usual: str) -> str:
    """Return which residuals are meant: of a generalized model simulated ones by default."""
    if kind is not None:
        return kind
    if not _is_generalized(fit):
        return usual
    family = fit.spec.family
    quasi = family is not None and family.name.startswith("quasi")  # has no distribution
    return "pearson" if quasi else "simulated"


def _residuals(fit: Any, kind: str, *, scaled: bool) -> tuple[Any, Any]:
    """Return fitted values and residuals of the rows used."""
    residuals = scaled_residuals(fit, kind)[0] if scaled else fit.residuals(kind)
    used = residuals.notna().to_numpy()
    return fit.fitted.to_numpy()[used], residuals.to_numpy()[used]


def _name(kind: str, *, scaled: bool) -> str:
    words = "Residual" if kind == "response" else f"{kind.capitalize()} residual"
    return f"Scaled {words.lower()}" if scaled else words


def _name_fitted(ax: Axes, fit: Any, fitted: Any, name: str) -> Axes:
    """Name the axes; counts and the like that differ by orders of size are on a log axis."""
    if not _is_generalized(fit):
        return canvas.dress(ax, "Fitted value", name)
    if len(fitted) and 0.0 < 20.0 * np.min(fitted) < np.max(fitted) and np.max(fitted) > 1.0:
        ax.set_xscale("log")
    return canvas.dress(ax, f"Fitted {fit._response_axis()}", name)


def _with_smooth(ax: Axes, x: Any, y: Any, *, robust: bool) -> None:
    smooth = curves.lowess(x, y, robust=robust)
    canvas.cloud(ax, x, y)
    ax.plot(*smooth, color=inks.on(ax).vermilion, linewidth=1.8, label="Smooth")


@checked
def residuals_fitted(
    fit: MixedModel | LinearModel,
    *,
    kind: options.DrawnResidual | None = None,
    scaled: bool = False,
    conf_level: float = 0.99,
    seed: int | None = 1,
    ax: Axes | None = None,
) -> Axes:
    """Draw residuals against fitted values, with a smooth line.

    Parameters
    ----------
    fit
        A fitted model.
    kind
        Which residuals: "simulated", or one of ``fit.residuals()``. By default simulated ones of
        a generalized model, and "response" of others.
    scaled
        As of ``fit.residuals()``; simulated residuals need no scale.
    conf_level
        Of simulated residuals: how often the band holds the lines of all pictures of a true model.
    seed
        Of simulated residuals: R's ``set.seed`` integer.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        Points, more than 5,000 of them in hexagons, and a line; of simulated residuals also the
        band in which the line of a true model is.

    Raises
    ------
    OptionError
        An argument is not accepted.
    RError
        Simulated residuals were asked for, and the model has no distribution to draw from.

    Notes
    -----
    R functions: ``fitted``, ``residuals`` and ``lowess`` [1]_, of a generalized model without
    robust iterations, as in ``plot`` of a ``glm``. The smooth of simulated residuals is over the
    ranks of the fitted values.

    Simulated residuals say where each response stands among 250 that R's ``simulate`` draws from
    the model at the estimated random effects: those of the package DHARMa with ``use.u = TRUE``
    [2]_. Of a true model they are uniform, whatever its family. The band is drawn from the model
    too: the envelope [3]_ of 199 data sets (of more than 2,000 rows 99), whose effects are
    estimated anew.

    References
    ----------
    .. [1] Cleveland, W. S. (1979). Robust Locally Weighted Regression and Smoothing
       Scatterplots. Journal of the American Statistical Association, 74(368), 829-836.
    .. [2] Hartig, F. (2016). DHARMa: residual diagnostics for hierarchical regression models.
    .. [3] Myllymäki, M., Mrkvička, T., Grabarnik, P., Seijo, H., & Hahn, U. (2017). Global
       envelope tests for spatial processes. Journal of the Royal Statistical Society B, 79(2),
       381-404.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> pb.plots.residuals_fitted(fit).get_ylabel()
    'Residual'
    """
    chosen = _kind_of(fit, kind, "response")
    ax = canvas.new_axes(ax)
    if chosen == "simulated":
        found = fit._residual_curves(seed, conf_level)
        return _location(fit, found, ax)
    x, y = _residuals(fit, chosen, scaled=scaled)
    canvas.zero_line(ax)
    _with_smooth(ax, x, y, robust=not _is_generalized(fit))
    legend_in_columns(ax)
    return _name_fitted(ax, fit, x, _name(chosen, scaled=scaled))


def _location(fit: Any, found: ResidualCurves, ax: Axes) -> Axes:
    with_band(ax, found.fitted, found.residuals, found.location, found.conf_level)
    legend_in_columns(ax)
    return _name_fitted(ax, fit, found.fitted, SIMULATED)


@checked
def scale_location(
    fit: MixedModel | LinearModel,
    *,
    kind: options.DrawnResidual | None = None,
    conf_level: float = 0.99,
    seed: int | None = 1,
    ax: Axes | None = None,
) -> Axes:
    """Draw the size of residuals against fitted values.

    Parameters
    ----------
    fit
        A fitted model.
    kind, conf_level, seed
        See :func:`residuals_fitted`; the residuals of a model that is not a generalized one are
        "pearson" by default.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        Points and a line: roots of the size of scaled residuals, or twice the distance of simulated
        residuals from a half, with their band.

    Raises
    ------
    OptionError, RError
        As of :func:`residuals_fitted`.

    Notes
    -----
    R functions: ``fitted``, ``residuals(scaled=TRUE)`` and ``lowess``; the third picture of
    ``plot`` of an ``lm``. With too large a spread, or zeros in excess, simulated residuals are far
    from the middle.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> pb.plots.scale_location(fit).get_xlabel()
    'Fitted value'
    """
    chosen = _kind_of(fit, kind, "pearson")
    ax = canvas.new_axes(ax)
    if chosen == "simulated":
        found = fit._residual_curves(seed, conf_level)
        return _spread(fit, found, ax)
    x, y = _residuals(fit, chosen, scaled=True)
    _with_smooth(ax, x, np.sqrt(np.abs(y)), robust=not _is_generalized(fit))
    ax.set_ylim(bottom=0.0)
    legend_in_columns(ax)
    return _name_fitted(ax, fit, x, f"√|{scaled_residuals(fit, chosen)[1]}|")


def _spread(fit: Any, found: ResidualCurves, ax: Axes) -> Axes:
    with_band(ax, found.fitted, found.from_middle, found.spread, found.conf_level)
    legend_in_columns(ax)
    return _name_fitted(ax, fit, found.fitted, f"2 |{SIMULATED} - 0.5|")


@checked
def residual_quantiles(
    fit: MixedModel | LinearModel,
    *,
    kind: options.DrawnResidual | None = None,
    conf_level: float = 0.99,
    seed: int | None = 1,
    ax: Axes | None = None,
) -> Axes:
    """Draw residuals against the quantiles that a true model gives them, with a band.

    Parameters
    ----------
    fit
        A fitted model.
    kind
        Which residuals: "simulated", against uniform quantiles, or one of ``fit.residuals()``,
        scaled, against normal ones. By default simulated ones of a generalized model, of which
        nothing is normal, and "pearson" of others.
    conf_level
        How often the band holds all points of a true model; of simulated residuals it is one band
        for all pictures.
    seed
        Of simulated residuals: R's ``set.seed`` integer.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        Points (of simulated residuals up to 200, evenly spread), a line and a band.

    Raises
    ------
    OptionError
        An argument is not accepted, or the residuals of a generalized model have no quantiles.
    RError
        Simulated residuals were asked for, and the model has no distribution to draw from.

    Notes
    -----
    R functions: ``residuals(scaled=TRUE)``, ``qqnorm`` and ``qqline``; the band holds all points
    at once: it is that of normal samples of this size. Of simulated residuals see
    :func:`residuals_fitted`.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> pb.plots.residual_quantiles(fit).get_xlabel()
    'Normal quantile'
    """
    chosen = _kind_of(fit, kind, "pearson")
    if chosen != "simulated" and _is_generalized(fit):
        raise OptionError(
            f"the {chosen} residuals of a generalized model have no quantiles to be set against; "
            "kind='simulated' has"
        )
    ax = canvas.new_axes(ax, (4.6, 4.4))
    if chosen == "simulated":
        return _uniformity(fit._residual_curves(seed, conf_level), ax)
    draw_quantiles(ax, _residuals(fit, chosen, scaled=True)[1], conf_level)
    legend_in_columns(ax)
    return canvas.dress(ax, "Normal quantile", scaled_residuals(fit, chosen)[1])


def _uniformity(found: ResidualCurves, ax: Axes) -> Axes:
    curve = found.quantiles
    draw_band(ax, curve, found.conf_level)
    ax.axline((0.0, 0.0), slope=1.0, color=inks.on(ax).vermilion, linewidth=1.2, zorder=1)
    canvas.draw_points(ax, curve.x, curve.y, zorder=3)
    legend_in_columns(ax)
    return canvas.dress(ax, "Uniform quantile", SIMULATED)


@checked
def residuals_by_group(
    fit: MixedModel,
    group: str | None = None,
    *,
    kind: options.DrawnResidual | None = None,
    scaled: bool = False,
    seed: int | None = 1,
    ax: Axes | None = None,
) -> Axes:
    """Draw the residuals of each group, the groups ordered by their median.

    Parameters
    ----------
    fit
        A mixed model.
    group
        A grouping factor; R's first by default.
    kind, scaled, seed
        Which residuals, see :func:`residuals_fitted`.
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
    RError
        Simulated residuals were asked for, and the model has no distribution to draw from.

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
    drawn = _kind_of(fit, kind, "response")
    if drawn == "simulated":
        values = fit._residual_curves(seed).residuals
    else:
        values = _residuals(fit, drawn, scaled=scaled)[1]
    return _groups(fit, chosen, values, _name(drawn, scaled=scaled), ax)


def _groups(fit: Any, chosen: str, values: Any, name: str, ax: Axes | None) -> Axes:
    """Draw residuals by the levels of a grouping factor."""
    levels = pd.Categorical(fit.model_frame[chosen])  # the rows used, as in the residuals
    boxes = curves.boxes(values, levels.codes, tuple(map(str, levels.categories)))
    boxes.sort(key=lambda box: box["med"])
    n = len(boxes)
    ax = canvas.new_axes(ax, (6.4, float(np.clip(1.2 + 0.19 * n, 2.8, 9.0))))
    many = canvas.crowded(ax, n)
    canvas.zero_line(ax, vertical=True, above=many, at=0.5 if name == SIMULATED else 0.0)
    own = inks.on(ax)
    if many:
        places = np.arange(n)
        low, medians, high = ([box[name] for box in boxes] for name in ("q1", "med", "q3"))
        ax.hlines(places, low, high, color=own.sky, linewidth=0.8, label="Quartiles")
        ax.plot(medians, places, "o", markersize=1.8, color=own.blue, label="Median")
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
    if many:
        legend_in_columns(ax)
    return canvas.dress(ax, name)


def _lying(ax: Axes) -> dict[str, Any]:
    """Return how boxes are laid down; matplotlib 3.10 has another word for it."""
    new = "orientation" in signature(ax.bxp).parameters
    return {"orientation": "horizontal"} if new else {"vert": False}


@checked
def diagnostics(
    fit: MixedModel | LinearModel,
    group: str | None = None,
    *,
    predictors: bool | None = None,
    leverage: bool = True,
    seed: int | None = 1,
    ax: Sequence[Axes] | None = None,
) -> Figure:
    """Draw residuals, leverage and Cook's distances in one figure.

    Parameters
    ----------
    fit
        A fitted model.
    group
        The grouping factor of the residuals by group; all of them by default, a panel each.
    predictors
        Draw residuals along predictors too? By default where there is a distribution to draw from;
        of linear models up to 5,000 rows.
    leverage
        Draw leverage and Cook's distances too, where the model is one of ``lmer()`` or ``lm()``?
    seed
        Of simulated residuals: R's ``set.seed`` integer.
    ax
        Axes to draw on, one per panel.

    Returns
    -------
    matplotlib.figure.Figure
        The figure: residuals against fitted values, their spread, their quantiles; simulated ones
        along up to four predictors, and along one within another up to twice, those that stray
        most; and of a mixed model residuals by group. Of a linear model also leverage and Cook's
        distances, which R does not have for nonlinear models, and warns of for generalized ones.
        Of a generalized model all residuals are simulated: see :func:`residuals_fitted`. A true
        model stays within the bands of all its panels, 99 times of 100.

    Raises
    ------
    OptionError
        There is no such group, or an argument is not accepted.

    Notes
    -----
    See :func:`residuals_fitted`, :func:`scale_location`, :func:`residual_quantiles`,
    :func:`residuals_predictor`, :func:`residuals_by_group`, :func:`leverage` and
    :func:`cooks_distance`. Quasi families have no distribution to draw from: of such a model
    Pearson's residuals are drawn, and no quantiles.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> len(pb.plots.diagnostics(fit).axes)
    7
    """
    linear = options.flag(leverage, "leverage") and fit.spec.fitter in ("lmer", "lm")
    found = simulated_curves(fit, seed, predictors)
    panels = {**panels_of_residuals(fit, found), **_by_groups(fit, group, found)}
    if linear:
        panels["Leverage"] = partial(draw_leverage, fit)
        panels["Cook's distance"] = partial(cooks_distance, fit)
    axes = canvas.new_panels(ax, len(panels), (4.6, 3.9), 2)
    for panel, (title, draw) in zip(axes, panels.items(), strict=True):
        draw(ax=panel)
        own = panel.get_legend()
        if own is not None:
            own.remove()  # one is enough
        canvas.dress(panel, title=title)
    if ax is None:
        canvas.legend_of_panels(axes)
    if found and found.n_views > len(found.views):
        text = f"Along predictors: the {len(found.views)} of {found.n_views} views that stray most"
        canvas.caption(axes, text, own=ax is None)
    return canvas.figure_of(axes)


def panels_of_residuals(fit: Any, found: ResidualCurves | None) -> Panels:
    """Return the panels of residuals, by their titles."""
    titles = "Residuals and fitted values", "Spread and fitted values"
    panels: Panels = {}
    if found and _kind_of(fit, None, "") == "simulated":
        draws = partial(_location, fit, found), partial(_spread, fit, found)
        panels = dict(zip(titles, draws, strict=True))
        panels["Uniformity"] = partial(_uniformity, found)
    else:
        plain = partial(residuals_fitted, fit), partial(scale_location, fit)
        panels = dict(zip(titles, plain, strict=True))
        if not _is_generalized(fit):
            panels["Normality"] = partial(residual_quantiles, fit)
    if found:
        for view in found.views:
            title = f"Along {view.x}" + (f" by {view.by}" if view.by else "")
            panels[title] = partial(draw_view, found, view)
    return panels


def _by_groups(fit: Any, group: str | None, found: ResidualCurves | None) -> Panels:
    """Return the panels of residuals by group, by their titles."""
    if not hasattr(fit, "n_groups"):
        if group is not None:
            raise OptionError(f"group={shown(group)}: a model without random effects has no groups")
        return {}
    names = tuple(fit.n_groups)
    factors = names if group is None else canvas.known_names([group], names, "grouping factor")
    titles = ["By group"] if len(factors) == 1 else [f"By {one}" for one in factors]
    if found and _kind_of(fit, None, "") == "simulated":
        draws = [partial(_groups, fit, one, found.residuals, SIMULATED) for one in factors]
    else:
        draws = [partial(residuals_by_group, fit, one) for one in factors]
    return dict(zip(titles, draws, strict=True))


def simulated_curves(fit: Any, seed: int | None, predictors: bool | None) -> ResidualCurves | None:
    """Return the simulated residuals that are drawn, if any, with the views along predictors."""
    wanted = predictors is not None and options.flag(predictors, "predictors")
    simulated = _kind_of(fit, None, "") == "simulated"
    if predictors is None:
        few = fit.n_obs <= MOST_ROWS and fit.spec.fitter in ("lmer", "lm")
        wanted = simulated or few
    if not (wanted or simulated):
        return None
    found: ResidualCurves = fit._residual_curves(seed, 0.99, None if wanted else ())
    return found
