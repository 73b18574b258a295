"""What all pictures share: axes to draw on, and keeping many groups legible.

matplotlib is loaded when the first picture is drawn. A function that is given axes draws on
them and touches nothing else. Without axes it asks pyplot for a figure, and for nothing more,
as pandas does: that is how a notebook comes to show it, and ``plt.show()`` in a script.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.plots import inks
from pymer_bridge.plots.sheet import fitting, size_of
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


MOST_POINTS: Final = 5000
"""More points than these are drawn in hexagons."""


def new_axes(ax: Axes | None, size: tuple[float, float] = (6.4, 4.2)) -> Axes:
    """Return the axes that were given, else those of a new figure."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt  # noqa: PLC0415  # only who draws loads it

    from pymer_bridge.plots.panels import Picture  # noqa: PLC0415  # a class of matplotlib's

    _, made = plt.subplots(figsize=size_of(*size), layout="constrained", FigureClass=Picture)
    return made


def new_panels(
    ax: Axes | Sequence[Axes] | None,
    n: int,
    size: tuple[float, float],
    columns: int | None = None,
    matrix: bool = False,
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
        How many go into one row; all by default, or those that a column of print has room for.
    matrix
        Rows and columns mean something, so that all of ``columns`` go into one row.
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
    if not matrix:
        wide = fitting(wide, size[0])
    down = math.ceil(n / wide)
    _, grid = plt.subplots(
        down,
        wide,
        figsize=size_of(size[0] * wide, size[1] * down),
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


def leads_row(ax: Axes, i: int) -> bool:
    """Say whether axes, the ``i``-th of some, are the first of their row."""
    place = ax.get_subplotspec()
    return i == 0 if place is None else place.is_first_col()


def figure_of(axes: Sequence[Axes]) -> Figure:
    """Return the figure that holds these axes."""
    # In matplotlib before 3.10 only this leads from a subfigure to the whole figure.
    whole: Figure = axes[0].figure.figure
    return whole


def dress(ax: Axes, x: str | None = None, y: str | None = None, title: str | None = None) -> Axes:
    """Label the axes, over several lines where it must be, and remove upper and right borders."""
    ax.spines[["top", "right"]].set_visible(False)
    wide, high = width_of(ax), height_of(ax)
    if x is not None:
        page = 0.97 * figure_of([ax]).get_figwidth()
        ax.set_xlabel(plain(wrapped(x, min(1.3 * wide, page))))
    if y is not None:
        ax.set_ylabel(plain(wrapped(y, high)))
    if title is not None:
        ax.set_title(plain(wrapped(title, wide)), fontsize="medium")
    return ax


def dress_figure(figure: Figure, x: str, y: str | None = None) -> None:
    """Label the axes that all panels of a figure share."""
    wide, high = figure.get_size_inches()
    figure.supxlabel(plain(wrapped(x, float(wide))), fontsize="medium")
    if y is not None:
        figure.supylabel(plain(wrapped(y, float(high))), fontsize="medium")


def wrapped(text: str, inches: float) -> str:
    """Break a text into lines of some length, at spaces, or else where names are joined."""
    most = max(12, int(inches * 72.0 / (0.6 * points_of("font.size"))))
    lines = []
    for line in text.split("\n"):
        lines.append("")
        for word in re.findall(r"\S+\s*", line):
            long = len(word) > most
            for piece in re.findall(r"\(?[^|:.(]*(?:[|:.]+|$|(?=\())", word) if long else [word]:
                if lines[-1] and len(lines[-1]) + len(piece.rstrip()) > most:
                    lines.append("")
                lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)


def points_of(setting: Literal["xtick.labelsize", "font.size"]) -> float:
    """Return the size of a kind of text, in points."""
    from matplotlib import rcParams  # noqa: PLC0415  # only who draws loads it
    from matplotlib.font_manager import FontProperties  # noqa: PLC0415

    return float(FontProperties(size=rcParams[setting]).get_size_in_points())


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
    """Put the legend where it covers nothing: over the axes, ``ncols`` abreast at most."""
    labels = shown[1] if shown else ax.get_legend_handles_labels()[1]
    ncols = min(options.pop("ncols", 1), abreast(figure_of([ax]), labels))
    place: Any = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0), "ncols": ncols}
    return legend(ax, ax, *shown, **place, **options)


def legend_entries(axes: Sequence[Axes]) -> tuple[list[Any], list[str]]:
    """Return what panels hold for a legend, each label once, as the first panel shows it."""
    named: dict[str, Any] = {}
    for panel in axes:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            named.setdefault(label, handle)
    return list(named.values()), list(named)


def legend_of_panels(axes: Sequence[Axes], **options: Any) -> Legend:
    """Put one legend of what these panels hold over the figure, as wide as there is room."""
    handles, labels = legend_entries(axes)
    figure = figure_of(axes)
    how = {"loc": "outside upper center", "ncols": abreast(figure, labels)} | options
    return legend(figure, axes[0], handles, labels, **how)


def abreast(figure: Figure, labels: Sequence[str]) -> int:
    """Return how many columns a legend over a figure has room for."""
    longest = max((len(line) for label in labels for line in label.split("\n")), default=0)
    return max(1, min(4, int(figure.get_figwidth() * 12 / (longest + 4))))


def legend_outside(
    axes: Sequence[Axes], handles: Sequence[Any], labels: Sequence[str], title: str, *, own: bool
) -> None:
    """Put a legend beside the panels, or over them where that would leave them little room."""
    shown = handles, [plain(label) for label in labels]
    how: dict[str, Any] = {"title": plain(title)}
    longest = max(map(len, (*labels, title)))
    # An inch holds twelve letters, or five entries upon each other.
    columns = math.ceil(len(labels) / (4.5 * figure_of(axes).get_figheight()))
    beside = figure_of(axes).get_figwidth() - columns * longest / 12 >= 3.4
    how["ncols"] = columns
    if not beside:
        how |= {"ncols": abreast(figure_of(axes), (*labels, title))}
    if own and len(axes) > 1:
        how["loc"] = "outside right upper" if beside else "outside upper center"
        legend(figure_of(axes), axes[0], *shown, **how)
    else:
        # Over the panels there is room to the left: that of the names up the y axis.
        loc, place = ("upper left", (1.0, 1.0)) if beside else ("lower right", (1.0, 1.0))
        ax = axes[-1]
        legend(ax, ax, *shown, loc=loc, bbox_to_anchor=place, **how)


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
        wide = 1.15 * figure_of(axes).get_figwidth()  # letters are smaller than those of labels
        figure_of(axes).supxlabel(plain(wrapped(text, wide)), fontsize="small")
        return
    ax = axes[-1]
    made = ax.annotate(
        plain(wrapped(text, 1.2 * width_of(ax))),
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
    """Draw a thin line at zero, or elsewhere, behind everything else unless that would hide it."""
    draw = ax.axvline if vertical else ax.axhline
    own = inks.on(ax)
    draw(at, color=own.grey if above else own.faint, linewidth=1.0, zorder=2.5 if above else 0)


def one_line(ax: Axes) -> None:
    """Put estimates on an axis of ratios, with a thin line at one behind everything else."""
    ax.set_xscale("log")
    zero_line(ax, vertical=True, at=1.0)


def draw_points(ax: Axes, x: Any, y: Any, colour: str = "blue", **style: Any) -> None:
    """Draw points in one colour of ``inks``, so that each, or where they are many all, are seen."""
    style = point_style(len(x)) | style
    ax.scatter(x, y, color=getattr(inks.on(ax, style["alpha"]), colour), **style)


def point_style(n: int) -> dict[str, Any]:
    """Return how points are drawn so that ``n`` of them can still be seen."""
    from matplotlib import rcParams  # noqa: PLC0415  # only who draws loads it

    scale = (float(rcParams["lines.markersize"]) / 6.0) ** 2
    return {
        "s": scale * float(np.interp(n, (50, 500, 5000), (40, 16, 6))),
        "alpha": float(np.interp(n, (50, 500, 5000), (0.85, 0.6, 0.25))),
        "linewidths": 0,
        "rasterized": n > 5000,
    }


def cloud(ax: Axes, x: Any, y: Any) -> None:
    """Draw points; more than 5,000 in hexagons that are the darker the more points they hold."""
    if len(x) <= MOST_POINTS:
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


def label_points(ax: Axes, names: Sequence[str], points: Any, most: int = 12, **style: Any) -> None:
    """Write names beside points, cut to ``most`` characters; the last go where there is no room."""
    from pymer_bridge.plots.names import write_names  # noqa: PLC0415  # classes of matplotlib's

    style = {"fontsize": "x-small", "color": inks.on(ax).grey} | style
    write_names(ax, [plain(shorten(name, most)) for name in names], points, **style)


def spread(n: int, most: int) -> list[int]:
    """Return at most ``most`` of ``n`` positions, evenly spread, both ends among them."""
    if n <= most:
        return list(range(n))
    return [round(i * (n - 1) / (most - 1)) for i in range(most)] if most > 1 else [0]


def crowded(ax: Axes, n: int) -> bool:
    """Say whether ``n`` levels up the y axis are too many to be named, or drawn as boxes."""
    return n > min(MOST_LABELS, 9.0 * height_of(ax))


def height_of(ax: Axes) -> float:
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
    size = float(np.clip(9.0 * 6.0 * height_of(ax) / max(n, 1), 6.0, 9.0))
    labels = [plain(shorten(level)) for level in levels]
    ax.set_yticks(range(n), labels, fontsize=size)
    ax.set_ylabel(plain(group))
