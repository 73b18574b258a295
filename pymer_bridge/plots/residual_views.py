"""Pictures of residuals along predictors, as a whole or within levels of another, and in bins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pymer_bridge.errors import OptionError, shown
from pymer_bridge.plots import canvas, curves, inks, ticks
from pymer_bridge.plots.leverage import legend_in_columns
from pymer_bridge.results.simulated import BandedCurve, ResidualCurves, ResidualView
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pymer_bridge.models.lm import LinearModel
    from pymer_bridge.models.mixed import MixedModel

MOST_PARTS: Final = 12
SIMULATED: Final = "Simulated residual"


def with_band(ax: Axes, x: Any, y: Any, curve: BandedCurve, conf_level: float) -> None:
    """Draw simulated residuals, their smooth, and the band in which that of a true model is."""
    canvas.cloud(ax, x, y)
    draw_band(ax, curve, conf_level)
    ax.plot(curve.x, curve.y, color=inks.on(ax).vermilion, linewidth=1.8, label="Smooth")
    ax.set_ylim(-0.03, 1.03)


def draw_band(ax: Axes, curve: BandedCurve, conf_level: float) -> None:
    """Draw the band in which the curve of a true model is."""
    own = inks.on(ax)
    style = own.wash(own.grey) | {"label": _band_name(conf_level), "zorder": 2}
    ax.fill_between(curve.x, curve.low, curve.high, **style)


def _band_name(conf_level: float) -> str:
    return f"{conf_level * 100:g}% band of true models"


@checked
def residuals_predictor(
    fit: MixedModel | LinearModel,
    term: str,
    *,
    by: str | None = None,
    conf_level: float = 0.99,
    seed: int | None = 1,
    ax: Axes | None = None,
) -> Axes:
    """Draw simulated residuals along a predictor, as a whole or within the levels of another.

    A line that leaves its band says what the model lacks: a curve along this predictor, or, where
    it does so within levels, an interaction.

    Parameters
    ----------
    fit
        A fitted model.
    term
        A predictor: a column of the data in the fixed effects.
    by
        Another predictor, a line for each of whose levels is drawn; of one with many numbers a line
        each for its lower and its upper half.
    conf_level
        How often the band holds all lines of the picture, from end to end, where the model is true.
    seed
        R's ``set.seed`` integer.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        Points, more than 5,000 of them in hexagons, and a smooth line with its band. Along a
        factor, or up to five numbers, boxes, and the mean at each level with its band. Parts of
        fewer than five rows have no line.

    Raises
    ------
    OptionError
        There is no such predictor, ``by`` has too many levels, or an argument is not accepted.
    RError
        The model has no distribution to draw from.

    Notes
    -----
    R functions: the line is that of ``lm`` on ``splines::ns`` of four degrees of freedom, of three
    within levels. Points are the residuals of :func:`residuals_fitted`, at random among draws equal
    to the response; lines and means are of their expectations over that, so that they are clear
    for zeros and ones too. The package DHARMa has ``plotResiduals(form = )`` [1]_.

    References
    ----------
    .. [1] Hartig, F. (2016). DHARMa: residual diagnostics for hierarchical regression models.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> pb.plots.residuals_predictor(fit, "Days").get_xlabel()
    'Days'
    """
    known = fit._predictor_levels()
    chosen = canvas.known_names([term], tuple(known), "predictor", ", for term=")[0]
    other = (
        "" if by is None else canvas.known_names([by], tuple(known), "predictor", ", for by=")[0]
    )
    if other == chosen:
        raise OptionError(f"by={shown(by)} is the predictor along the x axis")
    n_parts = len(known.get(other) or ())
    if n_parts > MOST_PARTS:
        raise OptionError(
            f"by={shown(by)} has {n_parts} levels, and {MOST_PARTS} lines can be told apart"
        )
    found = fit._residual_curves(seed, conf_level, ((chosen, other),))
    ax = canvas.new_axes(ax)
    draw_view(found, found.views[0], ax)
    legend_in_columns(ax)
    return ax


def draw_view(found: ResidualCurves, view: ResidualView, ax: Axes) -> Axes:
    """Draw residuals along a predictor."""
    if view.levels is not None:
        _draw_levels(ax, found, view)
    elif view.by:
        if len(view.values) <= canvas.MOST_POINTS:  # no colour of hexagons leaves bands visible
            canvas.draw_points(ax, view.values, found.residuals, alpha=0.3)
        for i, (part, curve) in enumerate(zip(view.parts, view.curves, strict=True)):
            own = inks.on(ax)
            style = own.wash(own.nth(i)) | {"zorder": 2}
            ax.fill_between(curve.x, curve.low, curve.high, **style).set_gid(f"band: {part}")
            line: dict[str, Any] = {
                "color": own.nth(i),
                "linewidth": 1.8,
                "zorder": 3,
                "label": canvas.plain(part),
            }
            ax.plot(curve.x, curve.y, canvas.LINES[i // inks.MANY], **line)
        _name_bands(ax, found.conf_level)
        ax.set_ylim(-0.03, 1.03)
    else:
        for curve in view.curves:
            with_band(ax, view.values, found.residuals, curve, found.conf_level)
    return canvas.dress(ax, view.x, SIMULATED)


def _name_bands(ax: Axes, conf_level: float) -> None:
    """Say in the legend what bands of several colours are."""
    own = inks.on(ax)
    ax.fill_between([], [], **own.wash(own.grey) | {"label": _band_name(conf_level)})


def _draw_levels(ax: Axes, found: ResidualCurves, view: ResidualView) -> None:
    """Draw means at levels with their bands, over boxes where there is one mean at each."""
    assert view.levels is not None
    own, n = inks.on(ax), len(view.curves)
    canvas.zero_line(ax, at=0.5)
    if not view.by and n:
        codes = np.asarray(view.values, dtype=np.int32) - 1
        boxes = curves.boxes(found.residuals, codes, view.levels)
        style: dict[str, Any] = {"color": own.grey, "linewidth": 0.8}
        ax.bxp(
            boxes,
            positions=[view.levels.index(box["label"]) for box in boxes],
            widths=0.6,
            showfliers=False,
            boxprops=style,
            medianprops=style,
            whiskerprops=style,
            capprops=style,
        )
    width = min(0.2, 0.8 / max(n, 1))
    for i, curve in enumerate(view.curves):
        colour = own.nth(i) if view.by else own.vermilion
        x = curve.x - 1.0 + (i - (n - 1) / 2) * width
        high = curve.high - curve.low
        what = own.wash(colour if view.by else own.grey) | {"zorder": 2}
        bars = ax.bar(x, high, 0.9 * width if view.by else 0.5, curve.low, **what)
        label = canvas.plain(view.parts[i]) if view.by else "Mean"
        ax.plot(x, curve.y, canvas.MARKERS[i % 7], color=colour, markersize=6, label=label)
        for bar in bars:
            bar.set_gid(f"band: {label}")
    _name_bands(ax, found.conf_level)
    ticks.name_levels(ax, view.levels)
    ax.set_ylim(-0.03, 1.03)


@checked
def residuals_binned(
    fit: MixedModel | LinearModel,
    term: str | None = None,
    *,
    n_bins: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw mean residuals of a binomial model in bins, between two standard errors to each side.

    Parameters
    ----------
    fit
        A binomial model.
    term
        A numeric predictor along which the bins are; along the fitted probability by default.
    n_bins
        How many bins; by default the root of the number of rows.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        A point for each bin, and the limits between which about 95 of 100 are where the model is
        true.

    Raises
    ------
    OptionError
        The model is not a binomial one, there is no such predictor, or it is not numeric.

    Notes
    -----
    R: the bins and means of ``arm::binnedplot`` [1]_, written by hand. The limits are two
    standard errors of a mean of binomial shares at the fitted probabilities, where arm takes the
    residuals' own spread. With few rows in a group its estimated effect follows them, and
    residuals are smaller.

    References
    ----------
    .. [1] Gelman, A., & Hill, J. (2007). Data Analysis Using Regression and
       Multilevel/Hierarchical Models. Cambridge University Press.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    >>> fit = pb.glmer(formula, pb.load_dataset("cbpp"), family="binomial")
    >>> pb.plots.residuals_binned(fit).get_ylabel()
    'Mean residual'
    """
    family = getattr(fit.spec, "family", None)
    if family is None or family.name != "binomial":
        raise OptionError(
            "binned residuals are of binomial models; residuals_fitted() is of all models"
        )
    chosen = None
    if term is not None:
        known = fit._predictor_levels()
        chosen = canvas.known_names([term], tuple(known), "predictor", ", for term=")[0]
        if known[chosen] is not None:
            raise OptionError(
                f"{shown(chosen)} has levels, and bins are along numbers: "
                f"residuals_predictor({shown(chosen)}) draws it"
            )
    bins = None if n_bins is None else options.whole(n_bins, "n_bins", 1)
    found: Any = fit._ask_anew("binned_residuals", dict, x=chosen, n_bins=bins)
    ax = canvas.new_axes(ax)
    own, limit = inks.on(ax), found["limit"]
    canvas.zero_line(ax)
    for sign in (-1.0, 1.0):
        label = "Two standard errors" if sign > 0 else None
        ax.plot(found["x"], sign * limit, color=own.grey, linewidth=1.2, label=label)
    canvas.draw_points(ax, found["x"], found["y"], label=f"Mean of {_sizes(found['n'])} rows")
    legend_in_columns(ax)
    x = f"Fitted {fit._response_axis()}" if chosen is None else chosen
    return canvas.dress(ax, x, "Mean residual")


def _sizes(n: Any) -> str:
    low, high = int(np.min(n)), int(np.max(n))
    return str(low) if low == high else f"{low} to {high}"
