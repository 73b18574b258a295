"""Numbers and names along the axes, as many as there is room for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pymer_bridge.plots.canvas import (
    figure_of,
    height_of,
    plain,
    points_of,
    shorten,
    spread,
    width_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def few_numbers(
    ax: Axes, axis: Literal["x", "y", "both"] = "both", most: int = 5, letters: int = 5
) -> None:
    """Put as many numbers along an axis as there is room for; they stand up where it is narrow."""
    size = points_of("xtick.labelsize") / 72.0
    if axis != "y":
        room = int(width_of(ax) / (0.9 * letters * size))
        if room < 2:
            ax.tick_params(axis="x", labelrotation=90)
            room = 2
        ax.locator_params(axis="x", nbins=min(most, room))
    if axis != "x":
        ax.locator_params(axis="y", nbins=max(1, min(most, int(height_of(ax) / (2.5 * size)))))


def ratio_ticks(ax: Axes) -> None:
    """Mark round ratios on a logarithmic x axis, written as plain numbers."""
    from matplotlib import ticker  # noqa: PLC0415  # only who draws loads it

    low, high = ax.get_xlim()
    locator: Any = ticker.LogLocator(subs=(1.0, 2.0, 5.0), numticks=12)
    if high < 3.0 * low:
        locator = ticker.MaxNLocator(6, steps=[1, 2, 5, 10])  # 1 is a multiple of each step
    elif high < 12.0 * low:
        locator = ticker.LogLocator(subs=(1.0, 1.5, 2.0, 3.0, 5.0, 7.0), numticks=12)
    elif high > 1000.0 * low:
        locator = ticker.LogLocator(numticks=7)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:.6g}"))
    ax.xaxis.set_minor_locator(ticker.NullLocator())


def name_rows(ax: Axes, names: Sequence[str]) -> None:
    """Name rows up the y axis, in two lines where a name is long and there is room."""
    n = max(len(names), 1)
    room = 72.0 * max(0.6 * height_of(ax), height_of(ax) - 0.6) / n  # a caption takes some
    size = float(np.clip(room / 1.3, 5.0, 9.5))
    # Names take two fifths of the width; a letter six tenths of its size.
    width = max(12, int(0.4 * figure_of([ax]).get_figwidth() * 72.0 / (0.6 * size)))
    lines = 2 if room > 2.6 * size else 1
    labels = [plain(_in_lines(name, width, lines)) for name in names]
    ax.set_yticks(range(len(names)), labels, fontsize=size)


def name_levels(ax: Axes, levels: Sequence[str]) -> None:
    """Name the levels of a factor along the x axis where there is room."""
    n, wide = len(levels), width_of(ax)
    ax.set_xlim(-0.6, n - 0.4)
    # An inch holds thirteen letters, or seven names that stand upright.
    shown = spread(n, max(2, int(7 * wide)))
    longest = max(len(shorten(level, 20)) for level in levels)
    turned = longest * len(shown) > 13 * wide
    ax.set_xticks(
        shown,
        [plain(shorten(levels[i], 20)) for i in shown],
        rotation=90 if turned else 0,
        fontsize="small" if turned else "medium",
    )


def _in_lines(text: str, width: int, lines: int) -> str:
    """Break a name after a sign between words, and cut what goes beyond the lines."""
    if len(text) <= width or lines == 1:
        return shorten(text, width)
    cut = 1 + max(text.rfind(sign, 0, width) for sign in " :_.-")
    cut = cut if cut > width // 3 else width
    return f"{text[:cut].rstrip()}\n{shorten(text[cut:], width)}"
