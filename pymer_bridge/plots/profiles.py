"""Pictures of likelihood profiles: zeta, and parameters by pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pymer_bridge.errors import OptionError
from pymer_bridge.plots import canvas, inks, profile_curves, ticks
from pymer_bridge.plots.profile_curves import ProfilePair
from pymer_bridge.results.intervals import LEVELS, Profile
from pymer_bridge.spec.arguments import checked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@checked
def zeta(
    profile: Profile,
    *,
    conf_levels: Sequence[float] = LEVELS,
    absolute: bool = False,
    ax: Axes | Sequence[Axes] | None = None,
) -> Figure:
    """Draw zeta of each profiled parameter: a straight line where Wald's intervals will do.

    Parameters
    ----------
    profile
        Made by ``fit.profile()``.
    conf_levels
        Levels whose intervals are marked.
    absolute
        Draw the size of zeta, as a V, with the intervals across?
    ax
        Axes to draw on, one per parameter.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, with one panel per parameter.

    Raises
    ------
    OptionError
        A level is not accepted.

    Notes
    -----
    lme4's ``xyplot`` of a profile.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"), reml=False)
    >>> len(pb.plots.zeta(fit.profile()).axes)
    3
    """
    curves = profile_curves.zeta_curves(profile, conf_levels)
    labels = dict(zip(profile.parameters, profile.labels, strict=True))
    axes = canvas.new_panels(ax, len(curves), (2.7, 2.6), canvas.across(len(curves)))
    for i, (panel, curve) in enumerate(zip(axes, curves, strict=True)):
        y = np.abs(curve.zeta) if absolute else curve.zeta
        cuts = np.abs(curve.cuts) if absolute else curve.cuts
        canvas.zero_line(panel)
        own = inks.on(panel)
        panel.plot(curve.x, y, color=own.blue, linewidth=1.8)
        there = np.isfinite(curve.at)
        panel.vlines(curve.at[there], 0.0, cuts[there], color=own.vermilion, linewidth=0.9)
        if absolute:
            half = len(cuts) // 2
            left, right = curve.at[:half][::-1], curve.at[half:]
            left = np.where(np.isnan(left), curve.x[0], left)  # from the boundary on
            panel.hlines(cuts[half:], left, right, color=own.vermilion, linewidth=0.9)
        ticks.few_numbers(panel, "x")
        name = canvas.shorten(labels[curve.parameter], 32)
        canvas.dress(
            panel, name, ("|ζ|" if absolute else "ζ") if canvas.leads_row(panel, i) else ""
        )
    return canvas.figure_of(axes)


@checked
def profile_pairs(
    profile: Profile, *, conf_levels: Sequence[float] = LEVELS, ax: Sequence[Axes] | None = None
) -> Figure:
    """Draw each pair of profiled parameters: profile traces and joint confidence regions.

    Parameters
    ----------
    profile
        Made by ``fit.profile()``, of two parameters or more.
    conf_levels
        Levels of the regions.
    ax
        Axes to draw on, row by row, as many rows and columns as there are parameters.

    Returns
    -------
    matplotlib.figure.Figure
        The figure. Above the diagonal are the parameters in their own units; below it, with the
        axes turned, in zeta, where regions are circles if the likelihood is quadratic.

    Raises
    ------
    OptionError
        The profile has one parameter only, or a level is not accepted.

    Notes
    -----
    lme4's ``splom`` of a profile.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"), reml=False)
    >>> len(pb.plots.profile_pairs(fit.profile()).axes)
    9
    """
    names = [name for name in profile.parameters if name in set(profile.profiled)]
    n = len(names)
    if n < 2:
        raise OptionError("pairs need a profile of at least two parameters")
    labels = dict(zip(profile.parameters, profile.labels, strict=True))
    axes = canvas.new_panels(ax, n * n, (2.1, 2.0), n, matrix=True)
    for i, name in enumerate(names):
        _name_panel(axes[i * n + i], labels[name])
    most = 0.0
    for pair in profile_curves.profile_pairs(profile, conf_levels):
        row, column = names.index(pair.first), names.index(pair.second)
        _draw_pair(axes[row * n + column], pair, natural=True)
        below = axes[column * n + row]
        _draw_pair(below, pair, natural=False)
        most = max(most, float(np.nanmax(np.abs(pair.zeta.outlines))))
        if row == 0:
            below.set_ylabel("ζ")
        if column == n - 1:
            below.set_xlabel("ζ")
    for row in range(n):
        for column in range(row):
            below = axes[row * n + column]
            below.set_xlim(-1.07 * most, 1.07 * most)
            below.set_ylim(-1.07 * most, 1.07 * most)
    return canvas.figure_of(axes)


def _name_panel(ax: Axes, label: str) -> None:
    """Write a parameter's name into a panel of the diagonal, over two lines where it is long."""
    text = canvas.plain(canvas.shorten(label, 40)).replace("|", "\n|", 1)
    own = inks.on(ax)
    middle: dict[str, Any] = {"ha": "center", "va": "center", "transform": ax.transAxes}
    ax.text(0.5, 0.5, text, fontsize="small", color=own.ink, **middle)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_color(own.faint)


def _draw_pair(ax: Axes, pair: ProfilePair, *, natural: bool) -> None:
    """Draw one pair: the first parameter up in its own units, and across in zeta."""
    traces = pair.natural if natural else pair.zeta
    x, y = (1, 0) if natural else (0, 1)
    own = inks.on(ax)
    for outline in traces.outlines:
        ax.plot(outline[:, x], outline[:, y], color=own.blue, linewidth=0.9)
    for trace in (traces.first, traces.second):
        ax.plot(trace[:, x], trace[:, y], color=own.vermilion, linewidth=1.2)
    ax.tick_params(labelsize="x-small")
    ticks.few_numbers(ax, most=4)
    corners = traces.outlines.reshape(-1, 2)
    if natural and np.isfinite(corners).any():
        # A trace goes on where no region is.
        for limits, values in ((ax.set_xlim, corners[:, x]), (ax.set_ylim, corners[:, y])):
            low, high = float(np.nanmin(values)), float(np.nanmax(values))
            limits(low - 0.06 * (high - low), high + 0.06 * (high - low))
    canvas.dress(ax)
