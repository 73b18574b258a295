"""No picture has texts that overlap, leave the figure, or are covered; none has two legends.

Every picture of ``helpers/every_picture.py`` is held to it, of 5, 30 and 500 groups, as wide as it
is by itself, as a journal's column and as a page, in default, dark and seaborn styles.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from functools import cache
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.transforms import Bbox

import pymer_bridge as pb
from helpers.every_picture import PICTURES, STYLES
from helpers.pictures import figure_of

pytestmark = [
    pytest.mark.r("lmerTest", "pbkrtest", "emmeans", "effects"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning"),
]
LETTERS = 0.15
"""Letters do not fill the height of their line: so much of it may lie over the next."""


def _ticks(axis: Any) -> Iterator[Any]:
    """Give the labels of ticks that are drawn; others lie beyond the limits."""
    for tick in axis._update_ticks():
        yield from (tick.label1, tick.label2)
    yield axis.offsetText


def _texts(figure: Any) -> Iterator[tuple[str, Bbox]]:
    """Give every text that is drawn, with its place in pixels."""
    found = [figure._suptitle, figure._supxlabel, figure._supylabel, *figure.texts]
    legends = list(figure.legends)
    for ax in figure.axes:
        if not ax.get_visible():
            continue
        found += [ax.title, ax._left_title, ax._right_title, *ax.texts]
        legends += [ax.get_legend()] if ax.get_legend() else []
        for axis in (ax.xaxis, ax.yaxis) if ax.axison else ():
            found += [axis.label, *_ticks(axis)]
    for legend in legends:
        found += [legend.get_title(), *legend.get_texts()]
    for text in dict.fromkeys(found):
        if text is not None and text.get_visible() and text.get_text().strip():
            # Of an annotation, without its arrow.
            yield text.get_text(), mpl.text.Text.get_window_extent(text)


def _kernel(place: Bbox) -> Bbox:
    """Return where the letters of a text are, without the air of their line."""
    thin = LETTERS * min(place.width, place.height)
    return place.padded(-thin)


def collisions(figure: Any) -> list[str]:
    """Say which texts overlap, leave the figure, or hide data; and what legends are too many."""
    figure.draw_without_rendering()  # which lays out all there is
    found = []
    texts = list(_texts(figure))
    page = figure.bbox.padded(1.0)
    for words, place in texts:
        if not (page.contains(*place.min) and page.contains(*place.max)):
            found.append(f"{words!r} leaves the figure")
    kernels = np.array([_kernel(place).extents for _, place in texts]).reshape(-1, 2, 2)
    low, high = kernels[:, 0], kernels[:, 1]
    over = (low[:, None] <= high).all(axis=2) & (low <= high[:, None]).all(axis=2)
    for one, other in np.argwhere(np.triu(over, 1)):
        found.append(f"{texts[one][0]!r} lies over {texts[other][0]!r}")
    for ax in figure.axes:
        box = ax.bbox
        if box.width < 20 or box.height < 20:
            found.append(f"{ax} has no room")
        legends = [child for child in ax.get_children() if isinstance(child, mpl.legend.Legend)]
        if len(legends) > 1:
            found.append(f"{len(legends)} legends")
        for legend in legends:
            place = legend.get_window_extent()
            hidden = sum(place.count_contains(points) for points in _data(ax))
            if place.overlaps(box.padded(-1.0)) and hidden:
                found.append(f"the legend covers {hidden} points")
            if not (page.contains(*place.min) and page.contains(*place.max)):
                found.append("the legend leaves the figure")
    if len(figure.legends) > 1:
        found.append("several legends")
    return found


def _data(ax: Any) -> Iterator[Any]:
    for line in ax.lines:
        yield line.get_transform().transform(np.column_stack(line.get_data()).astype(float))
    for cloud in ax.collections:
        yield cloud.get_offset_transform().transform(np.ma.filled(cloud.get_offsets(), np.nan))


def _drawn(name: str, n: int, style: str, width: Any) -> list[str]:
    return _looked_at(name, PICTURES[name].of(n), style, width)


@cache
def _looked_at(name: str, n: int, style: str, width: Any) -> list[str]:
    sheet = nullcontext() if width is None else pb.plots.style(width)
    with plt.style.context(style), sheet:
        return collisions(figure_of(PICTURES[name](n)))


def test_collisions_are_seen() -> None:
    figure, ax = plt.subplots()
    ax.plot([0, 1], [0, 1], label="a line")
    ax.text(0.5, 0.5, "one")
    ax.text(0.51, 0.5, "other")
    ax.text(0.9, 0.2, "a text that goes beyond the edge of the figure")
    ax.legend(loc="lower left")
    found = collisions(figure)
    assert "'one' lies over 'other'" in found
    assert "'a text that goes beyond the edge of the figure' leaves the figure" in found
    assert "the legend covers 1 points" in found


def test_every_picture_is_looked_at() -> None:
    drawn = {name.split()[0] for name in PICTURES}
    assert set(pb.plots.__all__) - {"style"} <= drawn


WIDTHS = ((5, None), (30, None), (500, None), (5, "single"), (500, "single"), (30, "double"))


@pytest.mark.parametrize(("n", "width"), WIDTHS)
@pytest.mark.parametrize("name", PICTURES)
def test_nothing_collides(name: str, n: int, width: Any) -> None:
    assert _drawn(name, n, "default", width) == []


@pytest.mark.parametrize("style", STYLES[1:])
@pytest.mark.parametrize("name", PICTURES)
def test_nothing_collides_in_other_styles(name: str, style: str) -> None:
    assert _drawn(name, 30, style, "single") == []
