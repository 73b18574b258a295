"""How a picture is compared with a stored one, and what of it can be read."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt  # noqa
import numpy as np
import pandas as pd
import pytest

TOLERANCE = 3
"""Nothing differs between matplotlib 3.8 and 3.11, nor between Debian 12 and testing, on x86-64;
other machines may round the edges of lines differently. A line that is missing or of another
colour gives 4.6 and more in the smallest case that was tried."""
picture = pytest.mark.mpl_image_compare(
    baseline_dir="pictures",
    tolerance=TOLERANCE,
    style="default",
    backend="agg",
    savefig_kwargs={"dpi": 60, "metadata": {"Software": None}},
    deterministic=True,
)


def schools(n: int) -> pd.DataFrame:
    """Make scores of pupils of ``n`` schools, with a slope for each."""
    draws = np.random.RandomState(1)  # its stream is fixed for all versions of numpy
    school = np.repeat(np.arange(n), 8)
    intercept, slope = draws.normal(0, 5, n), draws.normal(0, 2, n)
    hours = draws.uniform(0, 10, 8 * n).round(1)
    noise = draws.normal(0, 4, 8 * n)
    return pd.DataFrame(
        {
            "score": 50 + intercept[school] + (1.2 + slope[school]) * hours + noise,
            "hrs_week": hours,
            "school": [f"school {i + 1:03d}" for i in school],
        }
    )


def segments(ax: Any, which: int = 0) -> Any:
    return np.array([path.vertices for path in ax.collections[which].get_paths()])


def figure_of(drawn: Any) -> Any:
    return drawn if isinstance(drawn, mpl.figure.Figure) else drawn.figure


def _texts(figure: Any) -> Iterator[tuple[str, Any]]:
    """Give every text that is shown, with its place in pixels."""
    for text in figure.findobj(mpl.text.Text):
        if text.get_visible() and text.get_text().strip():
            yield text.get_text(), text.get_window_extent()


def assert_legible(figure: Any) -> None:
    """Assert that no text is cut off at the edge, and that no labels of an axis overlap."""
    figure.draw_without_rendering()  # which lays out all there is
    edge = figure.bbox.padded(1.0)
    shown = [(words, place) for words, place in _texts(figure) if place.width > 0]
    cut = [
        words
        for words, place in shown
        if not edge.contains(*place.min) or not edge.contains(*place.max)
    ]
    # Ticks beyond the limits have labels that are never drawn.
    beyond = {
        label.get_text()
        for ax in figure.axes
        for axis in (ax.xaxis, ax.yaxis)
        for label in axis.get_ticklabels()
    }
    assert [words for words in cut if words not in beyond] == []
    for ax in figure.axes:
        for axis, low in ((ax.xaxis, 0), (ax.yaxis, 1)):
            labels = [tick.label1 for tick in axis._update_ticks() if tick.label1.get_visible()]
            places = sorted(
                (label.get_window_extent().min[low], label.get_window_extent().max[low])
                for label in labels
                if label.get_text()
            )
            for (_, end), (start, _) in pairwise(places):
                # Letters do not fill the height of their line.
                assert start > end - 2.0, f"labels of {ax.get_xlabel()!r} overlap"


def bare(drawn: Any) -> Any:
    """Take out text, and what makes way for it."""
    figure = figure_of(drawn)
    figure.set_layout_engine("none")
    for ax in figure.axes:
        ax.tick_params(labelbottom=False, labelleft=False)
        if ax.get_subplotspec() is not None:  # labels may have been laid out
            ax.set_position(ax.get_subplotspec().get_position(figure))
        if ax.get_legend() is not None:
            ax.get_legend().remove()
        for text in list(ax.texts):
            text.remove()
        ax.set(xlabel="", ylabel="", title="")
    for legend in list(figure.legends):
        legend.remove()
    figure.suptitle("")
    figure.supxlabel("")
    figure.supylabel("")
    return figure
