"""What all pictures share: axes to draw on, and keeping many groups legible.

matplotlib is loaded when the first picture is drawn. A function that is given axes draws on
them and touches nothing else. Without axes it asks pyplot for a figure, and for nothing more,
as pandas does: that is how a notebook comes to show it, and ``plt.show()`` in a script.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.plots import inks
from pymer_bridge.spec.names import find_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
LINES: Final = ("-", "--", ":", "-.")
MOST_SERIES: Final = inks.MANY * len(LINES)
"""The most lines that a reader can tell apart."""
MOST_LABELS: Final = 60
"""More levels than these are not labelled one by one."""


def new_axes(ax: Axes | None, size: tuple[float, float] = (6.4, 4.2)) -> Axes:
    """Return the axes that were given, else those of a new figure."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt  # noqa: PLC0415  # only who draws loads it

    _, made = plt.subplots(figsize=size, layout="constrained")
    return made


def new_panels(
    ax: Axes | Sequence[Axes] | None,
    n: int,
    size: tuple[float, float],
    columns: int | None = None,
    **shared: Any,
) -> list[Axes]:
    """Return one axes per panel: those that were given, else those of a new figure.

    Parameters
    ----------
    ax
        Axes, one per panel; None makes a figure.
    n
        How many are needed.
    size
        Width and height of one panel, in inches.
    columns
        How many go into one row; all by default.
    **shared
        ``sharex``, ``sharey`` of ``pyplot.subplots``.

    Raises
    ------
    OptionError
        Not as many axes as there are panels.
    """
    if ax is not None:
        given: list[Axes] = list(np.ravel(np.asarray(ax, dtype=object)))
        from matplotlib.axes import Axes  # noqa: PLC0415  # only who draws loads it

        if not all(isinstance(one, Axes) for one in given):
            raise OptionError("ax must be Axes of matplotlib, one for each panel")
        if len(given) != n:
            raise OptionError(f"ax holds {len(given)} axes, and there are {n} panels to draw")
        return given
    import matplotlib.pyplot as plt  # noqa: PLC0415  # only who draws loads it

    from pymer_bridge.plots.panels import Panels  # noqa: PLC0415  # a class of matplotlib's

    wide = n if columns is None else min(columns, n)
    down = math.ceil(n / wide)
    _, grid = plt.subplots(
        down,
        wide,
        figsize=(round(size[0] * wide, 2), round(size[1] * down, 2)),
        squeeze=False,
        layout="constrained",
        FigureClass=Panels,
        **shared,
    )
    made = list(grid.ravel())
    for unused in made[n:]:
        unused.remove()
    if shared.get("sharex"):
        for one in made[max(0, n - wide) : n]:  # the lowest of each column shows its numbers
            one.tick_params(labelbottom=True)
    return made[:n]


def across(n: int) -> int:
    """Return how many of ``n`` panels stand beside each other, so that no row is almost empty."""
    return n if n <= 4 else 3 if n in (5, 6, 9) else 4


def figure_of(axes: Sequence[Axes]) -> Figure:
    """Return the figure that holds these axes."""
    # In matplotlib before 3.10 only this leads from a subfigure to the whole figure.
    whole: Figure = axes[0].figure.figure
    return whole


def dress(ax: Axes, x: str | None = None, y: str | None = None, title: str | None = None) -> Axes:
    """Label the axes, and remove the upper and right borders."""
    ax.spines[["top", "right"]].set_visible(False)
    if x is not None:
        ax.set_xlabel(plain(x))
    if y is not None:
        ax.set_ylabel(plain(y))
    if title is not None:
        ax.set_title(plain(title), fontsize="medium")
    return ax


def plain(text: str) -> str:
    """Escape dollar signs, which would start a formula in matplotlib."""
    return text.replace("$", r"\$")


def legend(on: Any, ax: Axes, *shown: Any, **options: Any) -> Legend:
    """Put a legend of what is drawn on some axes, with these axes' background if it is another."""
    own = inks.on(ax)
    if own.paper == own.page:
        made: Legend = on.legend(*shown, frameon=False, **options)
        return made
    frame = {"facecolor": own.paper, "edgecolor": "none", "framealpha": 1.0}
    made = on.legend(*shown, labelcolor=own.ink, **frame, **options)
    made.get_title().set_color(own.ink)
    return made


def legend_beside(ax: Axes, *shown: Any, **options: Any) -> Legend:
    """Put the legend where it covers nothing: to the right of the axes."""
    return legend(ax, ax, *shown, loc="upper left", bbox_to_anchor=(1.0, 1.0), **options)


def legend_above(ax: Axes, *shown: Any, **options: Any) -> Legend:
    """Put the legend where it covers nothing: over the axes."""
    return legend(ax, ax, *shown, loc="lower center", bbox_to_anchor=(0.5, 1.0), **options)


def legend_of_panels(axes: Sequence[Axes], **options: Any) -> None:
    """Put one legend over all panels, of what the first one holds."""
    shown = axes[0].get_legend_handles_labels()
    legend(figure_of(axes), axes[0], *shown, loc="outside upper center", ncols=2, **options)


def legend_outside(
    axes: Sequence[Axes], handles: Sequence[Any], labels: Sequence[str], title: str, *, own: bool
) -> None:
    """Put a legend beside the panels, or over them where that would leave them little room."""
    shown = handles, [plain(label) for label in labels]
    how: dict[str, Any] = {"title": plain(title)}
    longest = max(map(len, (*labels, title)))
    # An inch holds twelve letters.
    beside = figure_of(axes).get_figwidth() - longest / 12 >= 3.4
    if not beside:
        how |= {"ncols": max(1, int(figure_of(axes).get_figwidth() * 12 / (longest + 8)))}
    if own and len(axes) > 1:
        how["loc"] = "outside right upper" if beside else "outside upper center"
        legend(figure_of(axes), axes[0], *shown, **how)
    else:
        # Over the panels there is room to the left: that of the names up the y axis.
        loc, place = ("upper left", (1.0, 1.0)) if beside else ("lower right", (1.0, 1.0))
        ax = axes[-1]
        legend(ax, ax, *shown, loc=loc, bbox_to_anchor=place, **how)


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
    room = 72.0 * max(0.6 * _height(ax), _height(ax) - 0.6) / n  # a caption takes some
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


def wrapped(text: str, width: int = 64) -> str:
    """Break a text into lines."""
    return "\n".join(textwrap.wrap(text, width, break_on_hyphens=False))


def caption(axes: Sequence[Axes], text: str, *, own: bool) -> None:
    """Say in small letters below the panels what is drawn.

    Parameters
    ----------
    axes
        The panels; below the last of them, if the figure is not ours.
    text
        What is said.
    own
        Whether the figure is ours.
    """
    if not text:
        return
    if own and len(axes) > 1:
        width = int(14 * figure_of(axes).get_figwidth())
        figure_of(axes).supxlabel(plain(wrapped(text, width)), fontsize="small")
        return
    ax = axes[-1]
    made = ax.annotate(
        plain(wrapped(text, max(20, int(15 * width_of(ax))))),
        (1.0, 0.0),  # to the left of there is room: that of the names up the y axis
        xycoords=("axes fraction", ax.xaxis.label),
        xytext=(0.0, -3.0),
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize="small",
        color=inks.on(ax).grey,
        annotation_clip=False,
    )
    made.set_gid("caption")


def zero_line(ax: Axes, *, vertical: bool = False, above: bool = False, at: float = 0.0) -> None:
    """Draw a thin line at zero, behind everything else unless that would hide it."""
    draw = ax.axvline if vertical else ax.axhline
    own = inks.on(ax)
    draw(at, color=own.grey if above else own.faint, linewidth=1.0, zorder=2.5 if above else 0)


def one_line(ax: Axes) -> None:
    """Put estimates on an axis of ratios, with a thin line at one behind everything else."""
    ax.set_xscale("log")
    ax.axvline(1.0, color=inks.on(ax).faint, linewidth=1.0, zorder=0)


def draw_points(ax: Axes, x: Any, y: Any, colour: str = "blue", **style: Any) -> None:
    """Draw points in one colour of ``inks``, so that each, or where they are many all, are seen."""
    style = point_style(len(x)) | style
    ax.scatter(x, y, color=getattr(inks.on(ax, style["alpha"]), colour), **style)


def point_style(n: int) -> dict[str, Any]:
    """Return how points are drawn so that ``n`` of them can still be seen."""
    return {
        "s": float(np.interp(n, (50, 500, 5000), (40, 16, 6))),
        "alpha": float(np.interp(n, (50, 500, 5000), (0.85, 0.6, 0.25))),
        "linewidths": 0,
        "rasterized": n > 5000,
    }


def cloud(ax: Axes, x: Any, y: Any) -> None:
    """Draw points; more than 5,000 in hexagons that are the darker the more points they hold."""
    if len(x) <= 5000:
        draw_points(ax, x, y)
        return
    from matplotlib.colors import LinearSegmentedColormap, to_rgba  # noqa: PLC0415  # as above

    blue = inks.on(ax).blue
    shades: Any = LinearSegmentedColormap.from_list("", [to_rgba(blue, 0.15), to_rgba(blue)])
    style: dict[str, Any] = {"bins": "log", "mincnt": 1, "linewidths": 0.2, "cmap": shades}
    ax.hexbin(x, y, gridsize=60, label=f"Of {len(x)} rows: darker where there are more", **style)


def line_style(n: int) -> dict[str, Any]:
    """Return how lines are drawn so that ``n`` of them can still be seen."""
    return {
        "linewidth": float(np.interp(n, (10, 100, 500), (1.4, 0.9, 0.6))),
        "alpha": float(np.interp(n, (10, 100, 500), (1.0, 0.6, 0.25))),
    }


def shorten(text: str, most: int = 28) -> str:
    """Cut a long label in its middle, where the least is lost."""
    if len(text) <= most:
        return text
    head = (most - 1) // 2
    return f"{text[:head]}…{text[head + 1 - most :]}"


def known_names(
    given: Iterable[str], known: Sequence[str], what: str, inside: str = ""
) -> list[str]:
    """Return which of those that can be drawn are named.

    Raises
    ------
    OptionError
        One is not; the message lists those that are.
    """
    meant = [(name, find_name(name, known)) for name in given]
    for name, found in meant:
        if found is None:
            raise OptionError(f"no {what} {shown(name)}{inside}; there are: {listed(known)}")
    return [str(found) for _, found in meant]


def label_point(
    ax: Axes, name: str, point: Any, shift: tuple[float, float], most: int, **style: Any
) -> None:
    """Write a name beside a point, cut to ``most`` characters."""
    text = plain(shorten(name, most))
    ax.annotate(text, point, xytext=shift, textcoords="offset points", **style)


def label_points(ax: Axes, names: Sequence[str], points: Any, shift: tuple[float, float]) -> None:
    """Write small names beside points, on the side where there is more room."""
    places = np.array(list(points))
    grey, middle = inks.on(ax).grey, (places[:, 0].min() + places[:, 0].max()) / 2
    for name, point in zip(names, places, strict=True):
        right = point[0] > middle
        to = (-shift[0] if right else shift[0], shift[1])
        side = {"ha": "right" if right else "left", "fontsize": "x-small", "color": grey}
        label_point(ax, name, point, to, 12, **side)


def spread(n: int, most: int) -> list[int]:
    """Return at most ``most`` of ``n`` positions, evenly spread, both ends among them."""
    if n <= most:
        return list(range(n))
    return [round(i * (n - 1) / (most - 1)) for i in range(most)] if most > 1 else [0]


def crowded(ax: Axes, n: int) -> bool:
    """Say whether ``n`` levels up the y axis are too many to be named, or drawn as boxes."""
    return n > min(MOST_LABELS, 9.0 * _height(ax))


def _height(ax: Axes) -> float:
    """Return the height of axes in inches."""
    return float(ax.get_window_extent().height / figure_of([ax]).dpi)


def width_of(ax: Axes) -> float:
    """Return the width of axes in inches."""
    return float(ax.get_window_extent().width / figure_of([ax]).dpi)


def label_levels(ax: Axes, levels: Sequence[str], group: str) -> None:
    """Name the levels up the y axis where there is room, and else say how many there are."""
    n = len(levels)
    if crowded(ax, n):
        ax.set_yticks([])
        ax.set_ylabel(plain(f"{group} ({n} levels)"))
        return
    # An inch holds six names of nine points.
    size = float(np.clip(9.0 * 6.0 * _height(ax) / max(n, 1), 6.0, 9.0))
    labels = [plain(shorten(level)) for level in levels]
    ax.set_yticks(range(n), labels, fontsize=size)
    ax.set_ylabel(plain(group))
