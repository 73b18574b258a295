"""The legends of pictures of lines: what is drawn, by how many groups, and what is held."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pymer_bridge.plots import canvas
from pymer_bridge.plots.lines import Along, Lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.legend import Legend


def text_of(text: str, width: int = 40) -> str:
    """Return text for a legend, in lines; a single long word is cut."""
    lines = [line for part in text.split("\n") for line in textwrap.wrap(part, width)]
    return canvas.plain("\n".join(canvas.shorten(line, width) for line in lines))


def put_legend(ax: Axes, title: str, *, beside: bool = False) -> None:
    """Put the legend beside the axes, or over them, with marks as thick as can be seen."""
    _, labels = ax.get_legend_handles_labels()
    longest = max(len(line) for label in labels for line in label.split("\n"))
    # An inch holds twelve letters.
    inches = canvas.figure_of([ax]).get_figwidth()
    if beside and 12 * inches - longest >= 48:
        how: dict[str, Any] = {"title": text_of(title, 28) or None, "alignment": "left"}
        made = canvas.legend_beside(ax, **how)
    else:
        title = text_of(title.replace("\n", "; "), int(12 * inches) - 8)
        how = {"title": title or None, "fontsize": "small", "title_fontsize": "small"}
        how |= {"ncols": len(labels), "handlelength": 1.2, "columnspacing": 1.0}
        made = canvas.legend_above(ax, **how)
    _thicken(made)


def _thicken(legend: Legend) -> None:
    marks: list[Any] = list(legend.legend_handles)
    for mark in (mark for mark in marks if not hasattr(mark, "get_sizes")):
        mark.set_alpha(1.0)
        mark.set_linewidth(max(1.5, float(np.max(mark.get_linewidth()))))


def name_of_groups(where: Along, found: Lines, wanted: Sequence[int]) -> str:
    """Say of a legend's line how many groups are drawn, and what they have of their own."""
    n, drawn = len(where.levels), len(found.drawn)
    count = str(n) if drawn == n else f"{drawn} of {n}"
    if drawn < len(wanted):
        count += f", where {where.predictor} varies"
    own = f", at its own {found.held.own}" if found.held.own else ""
    return text_of(f"each {where.group} ({count}){own}")


def put_over_panels(axes: Sequence[Axes], given: Axes | None, title: str) -> None:
    """Put one legend over all panels; over the one that was given, where the figure is not ours."""
    how: dict[str, Any] = {"title": text_of(title, 80) or None}
    if given is None:
        made = canvas.legend_of_panels(axes, **how)
    else:
        handles, labels = canvas.legend_entries(axes)
        how |= {"ncols": canvas.abreast(canvas.figure_of(axes), labels)}
        how |= {"loc": "lower center", "bbox_to_anchor": (0.5, 1.1)}
        made = canvas.legend(given, given, handles, labels, **how)
    _thicken(made)
