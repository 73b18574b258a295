"""The style sheet for print: widths, type, and text that is text in the files."""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import pytest

import pymer_bridge as pb
from helpers.every_picture import slopes
from helpers.refusal import refused

pytestmark = [pytest.mark.r, pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning")]


@pytest.mark.parametrize(
    ("width", "inches"), [("single", 84 / 25.4), ("double", 174 / 25.4), (5, 5)]
)
def test_pictures_are_as_wide_as_a_column(width: Any, inches: float) -> None:
    with pb.plots.style(width, font_size=7):
        one, several = slopes(5).plot.lines().figure, slopes(5).plot.groups()
        assert one.get_figwidth() == several.get_figwidth() == inches
        assert one.axes[0].xaxis.label.get_size() == 7
    assert slopes(5).plot.lines().figure.get_figwidth() == 6.4


def test_nothing_is_left_behind() -> None:
    before = dict(mpl.rcParams)
    with pytest.raises(ZeroDivisionError), pb.plots.style(), pb.plots.style("double"):
        1 / 0  # noqa: B018  # it is to fail
    assert dict(mpl.rcParams) == before


def test_colours_stay_those_of_the_style() -> None:
    with plt.style.context("dark_background"), pb.plots.style():
        assert plt.figure().get_facecolor() == (0.0, 0.0, 0.0, 1.0)


def test_text_of_an_svg_is_text(tmp_path: Path) -> None:
    with pb.plots.style():
        ax = slopes(5).plot.lines()
        ax.figure.savefig(tmp_path / "lines.svg")
    drawn = (tmp_path / "lines.svg").read_text("utf-8")
    found = re.findall(r"<text[^>]*>([^<]*)</text>", drawn)
    assert {"hrs_week", "score", "school 001", "population"} <= set(found)
    assert "<image" not in drawn
    assert f'width="{84 / 25.4 * 72:.6f}'.rstrip("0") in drawn


def test_text_of_a_pdf_is_text(tmp_path: Path) -> None:
    with pb.plots.style():
        slopes(5).plot.lines().figure.savefig(tmp_path / "lines.pdf")
    raw = (tmp_path / "lines.pdf").read_bytes()
    assert b"/CIDFontType2" in raw  # TrueType: 42
    assert b"/Type3" not in raw
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", raw, re.DOTALL)
    page = b"".join(zlib.decompress(one) for one in streams if one[:1] == b"\x78")
    assert len(re.findall(rb"\bTf\b", page)) > 10


def test_what_is_no_width_is_refused() -> None:
    assert "width" in refused(pb.plots.style, "triple")
    assert refused(pb.plots.style, 0) == "width must be a number between 0 and 100, not 0"
    assert refused(pb.plots.style, float("nan"))
    assert "font_size" in refused(pb.plots.style, font_size=-1)


def test_files_say_in_words_what_they_show(tmp_path: Path) -> None:
    figure: Any = slopes(5).plot.lines().figure
    figure.savefig(tmp_path / "lines.svg")
    figure.savefig(tmp_path / "lines.png")
    figure.savefig(tmp_path / "lines.pdf", metadata={"Title": "mine"})
    said = figure.words()
    assert said.startswith("score against hrs_week: 40 points, 6 lines (")
    assert "population" in said
    assert f"<title>{said}</title>" in (tmp_path / "lines.svg").read_text("utf-8")
    assert said.encode() in (tmp_path / "lines.png").read_bytes()
    assert b"/Title (mine)" in (tmp_path / "lines.pdf").read_bytes()
    several: Any = slopes(5).plot.random_effects()
    assert several.words().count("Conditional mode") == 2
