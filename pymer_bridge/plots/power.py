"""Pictures of power: of several tests, and along the number of units or the size of an effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pymer_bridge.errors import OptionError
from pymer_bridge.plots import canvas, inks
from pymer_bridge.results.power import Power, PowerCurve
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@checked
def power(result: Power, *, wanted: float | None = 0.8, ax: Axes | None = None) -> Axes:
    """Draw the power of each test, with its Clopper-Pearson interval.

    Parameters
    ----------
    result
        Made by ``design.power()``.
    wanted
        The power that is wanted, as a line; None for none.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        One line per test, from the top in the order of the result.

    Raises
    ------
    OptionError
        ``wanted`` does not lie between 0 and 1.

    Notes
    -----
    R function: ``binom.test``.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> pilot = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> power = pilot.design(fixed={"Days": 4}).power("Days", n_sim=20, seed=1)
    >>> [text.get_text() for text in pb.plots.power(power).get_yticklabels()]
    ['Days']
    """
    level = None if wanted is None else options.check_level(wanted, "wanted")
    n = len(result.rows)
    ax = canvas.new_axes(ax, (6.4, 1.6 + 0.42 * n))
    own = inks.on(ax)
    if level is not None:
        wish = f"Wanted: {level:g}"
        ax.axvline(level, color=own.vermilion, linestyle="--", linewidth=1.2, label=wish)
    for i, row in enumerate(result.rows):
        name = None if i else f"{result.conf_level * 100:.6g}% interval"
        ends = [row.conf_low, row.conf_high]
        ax.plot(ends, [i, i], color=own.blue, linewidth=1.8, label=name)
        ax.plot([row.power], [i], "o", color=own.blue, markersize=6, clip_on=False, zorder=3)
    names = [canvas.plain(canvas.shorten(row.test, 30)) for row in result.rows]
    ax.set_yticks(range(n), names)
    ax.set_ylim(n - 0.5, -0.5)
    ax.set_xlim(0, 1)
    canvas.legend_above(ax)
    return canvas.dress(ax, f"Power at alpha = {result.alpha:g}")


@checked
def power_curve(result: PowerCurve, *, wanted: float | None = 0.8, ax: Axes | None = None) -> Axes:
    """Draw the power along the number of units, or along the size of an effect.

    Parameters
    ----------
    result
        Made by ``design.power_curve()``.
    wanted
        The power that is wanted, as a line; None for none.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        A line and a band of Clopper-Pearson intervals for each test.

    Raises
    ------
    OptionError
        ``wanted`` does not lie between 0 and 1, or there are more tests than colours.

    Notes
    -----
    R function: ``binom.test``.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> pilot = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> design = pilot.design(fixed={"Days": 4})
    >>> curve = design.power_curve("Subject", [9, 18], "Days", n_sim=20, seed=1)
    >>> pb.plots.power_curve(curve).get_xlabel()
    'Subject'
    """
    level = None if wanted is None else options.check_level(wanted, "wanted")
    tests = [row.test for row in result.powers[0].rows]
    if len(tests) > inks.MANY:
        raise OptionError(f"{len(tests)} tests are more than there are colours: ask for fewer")
    ax = canvas.new_axes(ax)
    own = inks.on(ax)
    order = np.argsort(result.values)
    x = np.array(result.values)[order]
    for i, test in enumerate(tests):
        colour = own.nth(i)
        rows = [result.powers[at].rows[i] for at in order]
        low, high = [row.conf_low for row in rows], [row.conf_high for row in rows]
        ax.fill_between(x, low, high, **own.wash(colour))
        shown = canvas.plain(canvas.shorten(test, 40))
        points = [row.power for row in rows]
        ax.plot(x, points, "o-", color=colour, linewidth=1.6, label=shown, clip_on=False, zorder=3)
    if level is not None:
        wish = f"Wanted: {level:g}"
        ax.axhline(level, color=own.ink, linestyle="--", linewidth=1.0, label=wish)
    ax.set_ylim(0, 1)
    if len(tests) > 1 or level is not None:
        canvas.legend_above(ax)
    first = result.powers[0]
    said = f"Power at alpha = {first.alpha:g}, {first.conf_level * 100:.6g}% bands"
    return canvas.dress(ax, result.along, said)
