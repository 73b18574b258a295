"""Whatever is drawn is seen, on the background of every style and on any a user chooses.

The measure is the contrast of WCAG 2, which is written once more here, by another way.
"""

from __future__ import annotations

from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import Collection, PolyCollection
from matplotlib.colors import to_hex, to_rgba
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

import pymer_bridge as pb
from helpers.every_picture import PICTURES, STYLES, slopes
from helpers.pictures import figure_of
from pymer_bridge.plots import inks

pytestmark = [
    pytest.mark.r("lmerTest", "pbkrtest", "emmeans", "effects"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning"),
]
CROWD = 0.6
"""Marks of less alpha are many: each is faint, and together they have their colour."""


def _over(top: Any, below: Any) -> np.ndarray[Any, Any]:
    *rgb, alpha = to_rgba(top)
    return np.array(below) * (1 - alpha) + np.array(rgb) * alpha


def _ratio(one: Any, other: Any) -> float:
    shares = []
    for colour in (one, other):
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
        shares.append(0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2] + 0.05)
    return max(shares) / min(shares)


def _colours(artist: Any, paper: Any) -> list[Any]:
    """Return the colours in which an artist is drawn, each mark's most visible by itself."""
    if isinstance(artist, Line2D):
        alpha = artist.get_alpha()
        own = [] if artist.get_linestyle() == "None" else [artist.get_color()]
        if artist.get_marker() not in ("None", "", None):
            sides = [artist.get_markeredgecolor(), artist.get_markerfacecolor()]
            seen = [_ratio(_over(to_rgba(side, alpha), paper), paper) for side in sides]
            own.append(sides[int(np.argmax(seen))])
        return [to_rgba(one, alpha) for one in own]
    if isinstance(artist, Collection):
        filled = artist.get_facecolors() if len(artist.get_facecolors()) else np.empty((0, 4))
        filled = filled[filled[:, 3] > 0]
        return list(np.unique(filled if len(filled) else artist.get_edgecolors(), axis=0))
    return [artist.get_facecolor()]


def _unseen(figure: Any) -> list[str]:
    """Return what contrasts too little with its background."""
    page = _over(figure.get_facecolor(), (1.0, 1.0, 1.0))
    found = []
    for ax in figure.axes:
        paper = _over(ax.get_facecolor(), page)
        for artist in (*ax.lines, *ax.collections, *ax.patches):
            least = 1.2 if isinstance(artist, PolyCollection) else 3.0
            for colour in _colours(artist, paper):
                many = colour[3] < CROWD and least == 3.0
                seen = _ratio(_over(colour, paper), paper)
                alone = _ratio(colour[:3], paper)
                if (alone < 3.0 or seen < 1.3) if many else seen < least:
                    found.append(f"{artist} of {to_hex(colour, keep_alpha=True)}: {seen:.2f}")
        for text in ax.texts:
            inside = ax.bbox.contains(*text.get_window_extent().get_points().mean(axis=0))
            if _ratio(to_rgba(text.get_color())[:3], paper if inside else page) < 4.5:
                found.append(str(text))
    legends = [*figure.legends, *(ax.get_legend() for ax in figure.axes if ax.get_legend())]
    for legend in legends:
        outside = page
        if legend.get_frame_on():
            outside = _over(legend.get_frame().get_facecolor(), page)
        for artist in (*legend.get_lines(), *legend.get_patches(), *legend.get_texts()):
            colour = artist.get_color() if isinstance(artist, Line2D | Text) else None
            if isinstance(artist, Patch):
                colour = artist.get_facecolor()
            if _ratio(_over(to_rgba(colour), outside), outside) < 1.3:
                found.append(f"in the legend: {artist}")
    return found


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", PICTURES)
def test_every_artist_is_seen_in_every_style(name: str, style: str) -> None:
    with plt.style.context(style):
        figure = figure_of(PICTURES[name](5))
        assert _unseen(figure) == []


@pytest.mark.parametrize("name", ["lines", "random_effects", "shrinkage", "diagnostics"])
@pytest.mark.parametrize("n", [30, 500])
def test_many_groups_are_seen_on_a_dark_background(name: str, n: int) -> None:
    with plt.style.context("dark_background"):
        figure = figure_of(PICTURES[name](n))
        assert _unseen(figure) == []


@pytest.mark.parametrize("colour", ["black", "#223344", "#777777", "#B0C4DE", "white", "none"])
def test_axes_of_any_colour_may_be_given(colour: str) -> None:
    for draw in (pb.plots.lines, pb.plots.shrinkage, pb.plots.residuals_by_group):
        figure, ax = plt.subplots()
        ax.set_facecolor(colour)
        draw(slopes(5), ax=ax)
        assert _unseen(figure) == []


def test_a_transparent_figure_lies_on_what_its_text_can_be_read_on() -> None:
    for style, paper in (("default", "#ffffff"), ("dark_background", "#000000")):
        with plt.style.context([style, {"figure.facecolor": "none", "axes.facecolor": "none"}]):
            assert inks.on(plt.subplots()[1]).paper == paper


@pytest.mark.parametrize(
    "paper", ["#000000", "#ffffff", "#777777", "#eaeaf2", "#fdf6e3", "#0072B2"]
)
@pytest.mark.parametrize("alpha", [1.0, 0.6, 0.2])
def test_colours_of_any_background_contrast_and_differ(paper: str, alpha: float) -> None:
    own = inks.Inks(paper, paper, alpha)
    below = to_rgba(paper)[:3]
    most = _ratio(_over(to_rgba(own.ink, alpha), below), below)
    least = min(3.0 if alpha >= CROWD else 1.35, most)
    for colour in (own.blue, own.sky, own.vermilion, own.faint, *map(own.nth, range(inks.MANY))):
        assert _ratio(_over(to_rgba(colour, alpha), below), below) >= least
        assert _ratio(to_rgba(colour)[:3], below) >= 3.0
    if alpha == 1.0:
        assert len({own.nth(i) for i in range(inks.MANY)}) == inks.MANY
        assert _ratio(to_rgba(own.ink)[:3], below) >= 4.5
    assert own.nth(0) == own.nth(inks.MANY) == own.blue
