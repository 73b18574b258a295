"""Pictures of what affects a fit: leverage, Cook's distances, influence of groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pymer_bridge.errors import OptionError
from pymer_bridge.plots import canvas, inks
from pymer_bridge.results.influence import TITLES, Influence, Measure
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pymer_bridge.models.lm import LinearModel
    from pymer_bridge.models.mixed import MixedModel


def scaled_residuals(fit: Any, kind: Any = "pearson") -> tuple[Any, str]:
    """Return residuals in standard deviations, and their name; those of plot.lm() of an lm."""
    if fit.spec.fitter in ("lm", "glm"):  # whose residuals() in R knows of no scale
        return fit.rstandard(), "Standardized residual"
    return fit.residuals(kind, scaled=True), "Scaled residual"


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
        One point per observation, more than 5,000 in hexagons; those that are named stand out. A
        line stands at twice the mean leverage [1]_. A name that would cover another is left out.

    Raises
    ------
    OptionError
        ``n_labels`` is not accepted.
    RError
        R has no leverage for this model, as for a nonlinear one.

    Notes
    -----
    R functions: ``hatvalues``, ``cooks.distance`` and ``residuals(scaled=TRUE)`` of lme4, of a
    plain model ``rstandard``. Of a generalized mixed model R warns that the hat matrix may not make
    sense.

    References
    ----------
    .. [1] Hoaglin, D. C., & Welsch, R. E. (1978). The hat matrix in regression and ANOVA. The
       American Statistician, 32(1), 17-22.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> pb.plots.leverage(fit).get_xlabel()
    'Leverage'
    """
    most = options.whole(n_labels, "n_labels", 0)
    figures, (twice_mean, _) = fit._leverage()
    residuals, what = scaled_residuals(fit)
    used = (figures["hat"].notna() & residuals.notna()).to_numpy()
    names = [str(name) for name in figures.index[used]]
    x, y = figures["hat"].to_numpy()[used], residuals.to_numpy()[used]
    ax = canvas.new_axes(ax)
    canvas.zero_line(ax)
    canvas.cloud(ax, x, y)
    beyond = twice_mean > 1.4 * float(np.max(x, initial=0.0))  # the line would squeeze the points
    name = f"Twice the mean leverage{f': {twice_mean:.2g}, beyond the axis' if beyond else ''}"
    _cut_off(ax.axvline, ax, np.nan if beyond else twice_mean, name)
    _name_points(ax, x, y, names, _largest(figures["cooks_distance"].to_numpy()[used], most))
    legend_in_columns(ax)
    return canvas.dress(ax, "Leverage", what)


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
        One line from zero per observation, in the order of the data; and a line at 4/n [1]_. In
        mixed models the distances are often all beyond that; there the line is three interquartile
        ranges above the third quartile [2]_.

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

    References
    ----------
    .. [1] Bollen, K. A., & Jackman, R. W. (1990). Regression diagnostics. In Modern Methods of Data
       Analysis (pp. 257-291). Sage.
    .. [2] Loy, A., & Hofmann, H. (2014). HLMdiag: A suite of diagnostics for hierarchical linear
       models in R. Journal of Statistical Software, 56(5), 1-28.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> pb.plots.cooks_distance(fit).get_ylabel()
    "Cook's distance"
    """
    most = options.whole(n_labels, "n_labels", 0)
    figures, (_, far) = fit._leverage()
    found = figures["cooks_distance"]
    places = np.flatnonzero(found.notna().to_numpy())
    values = found.to_numpy()[places]
    names = [str(found.index[i]) for i in places.tolist()]
    ax = canvas.new_axes(ax)
    wide = float(np.interp(len(values), (50, 500, 5000), (1.6, 0.9, 0.5)))
    blue, many = inks.on(ax).blue, len(values) > 5000
    ax.vlines(places, 0.0, values, color=blue, linewidth=wide, rasterized=many)
    rule = "Third quartile + 3 IQR" if hasattr(fit, "n_groups") else "4/n"
    _cut_off(ax.axhline, ax, far, f"{rule} = {far:.2g}")
    ax.margins(x=0.02)
    ax.set_ylim(0.0, 1.06 * max(float(np.max(values, initial=0.0)), far))
    _name_points(ax, places.astype(float), values, names, _largest(values, most))
    legend_in_columns(ax)
    return canvas.dress(ax, "Observation", "Cook's distance")


def legend_in_columns(ax: Axes) -> None:
    """Put the legend over the axes, in one column where these are narrow."""
    canvas.legend_above(ax, ncols=2 if canvas.width_of(ax) > 4.5 else 1, fontsize="small")


def _cut_off(draw: Any, ax: Axes, at: float, name: str) -> None:
    """Draw the line beyond which an observation or group deserves a look, named by its rule."""
    draw(at, color=inks.on(ax).grey, linewidth=1.0, linestyle="--", zorder=2.5, label=name)


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
    style = {"fontsize": "small", "color": inks.on(ax).ink, "zorder": 4}
    points = np.column_stack([x, y])[largest]
    canvas.label_points(ax, [names[i] for i in largest], points, 16, **style)


@checked
def influence(
    result: Influence,
    measure: Measure = "cooks_distance",
    *,
    order: bool = True,
    n_labels: int = 5,
    ax: Axes | None = None,
) -> Axes:
    """Draw how much each group, or observation, that was left out bears on the fixed effects.

    Parameters
    ----------
    result
        What ``fit.influence()`` gave.
    measure
        "cooks_distance", "mdffits", "cov_trace" or "cov_ratio".
    order
        By size, the largest above? Otherwise in R's order.
    n_labels
        Where there is no room to name all: how many of the largest to name.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        One line from zero (of the ratio from one) and one point each, and a line at each cut-off:
        4/n of n groups or observations for Cook's distance, three times the range of the quartiles
        beyond these for the others; what could not be refitted is left out, and named in the title.

    Raises
    ------
    OptionError
        An argument is not accepted, or nothing could be refitted.

    Notes
    -----
    R functions: ``influence`` and ``cooks.distance`` of lme4; the others as HLMdiag has them.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"))
    >>> pb.plots.influence(fit.influence("Batch")).get_xlabel()
    "Cook's distance"
    """
    chosen = options.one_of(measure, Measure, "measure")
    most = options.whole(n_labels, "n_labels", 0)
    found = result.measured(chosen)
    known = found.dropna()
    n = len(known)
    if n == 0:
        raise OptionError(f"there is no {TITLES[chosen]} to draw: no refit succeeded")
    # The first one above.
    known = known.sort_values(kind="stable") if order else known.iloc[::-1]
    values, places = known.to_numpy(), np.arange(n)
    ax = canvas.new_axes(ax, (6.4, float(np.clip(1.2 + 0.19 * n, 2.8, 9.0))))
    many, own = canvas.crowded(ax, n), inks.on(ax)
    start = 1.0 if chosen == "cov_ratio" else 0.0
    ax.hlines(places, start, values, color=own.sky, linewidth=0.8 if many else 1.8)
    ax.plot(values, places, "o", color=own.blue, markersize=1.8 if many else 5.0)
    names = [str(name) for name in known.index]
    ax.set_ylim(-0.8, n - 0.2)
    room = 1.35 if many and most else 1.06  # for the names
    ends = _influence_cut_offs(ax, result, chosen)
    ax.set_xlim(0.0, max(float(np.max(values)), *ends) * room)
    legend_in_columns(ax)
    canvas.label_levels(ax, names, str(result.by))
    if many:
        _name_rows(ax, values, names, _largest(values, most))
    failed = [str(name) for name in found.index[found.isna()]]
    title = f"{len(failed)} refits failed: {canvas.shorten(', '.join(failed), 40)}"
    return canvas.dress(ax, TITLES[chosen], title=title if failed else None)


def _influence_cut_offs(ax: Axes, result: Influence, measure: Measure) -> list[float]:
    """Draw the cut-offs of a measure, and return where they are."""
    if measure == "cooks_distance":
        far = 4.0 / len(result)
        _cut_off(ax.axvline, ax, far, f"4/n = {far:.2g}")
        return [far]
    found = result.cut_off(measure)
    ends = [] if found is None else [end for end in (found.low, found.high) if end is not None]
    if ends:
        rule = "quartiles ± 3 IQR" if len(ends) > 1 else "quartile + 3 IQR"
        _cut_off(ax.axvline, ax, ends[-1], f"{rule} = {', '.join(f'{end:.2g}' for end in ends)}")
    for end in ends[:-1]:
        _cut_off(ax.axvline, ax, end, "_nolegend_")
    return ends or [0.0]


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
