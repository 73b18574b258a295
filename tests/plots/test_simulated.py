"""Pictures of residuals and responses among simulated ones, and the page of checks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgba

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.every_picture import PICTURES
from helpers.live import assert_same_bits
from helpers.pictures import assert_legible, figure_of
from helpers.probing import plain_r
from helpers.refusal import refused
from helpers.trusted import fitted
from pymer_bridge.plots.inks import on
from pymer_bridge.session.r_session import session

pytestmark = [pytest.mark.r, pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning")]


@pytest.fixture(scope="module")
def plain() -> Any:
    session().require("lme4")
    return plain_r(REFERENCES / "scaled_residuals.R")


def _lines(ax: Any) -> list[Any]:
    return [line for line in ax.lines if len(line.get_xdata()) > 2]


def _panels(name: str, *, ours: bool = False) -> Any:
    made = fitted(name)._scaled_residuals(50, 7, refit=False, use_u=False, ours=ours)
    return made.plot(seed=5).axes


@pytest.mark.carried("DHARMa")
def test_the_panels_are_dharmas(plain: Any) -> None:
    theirs = plain("panels", name="gaps", seed=7, regressions=True)
    left, right = _panels("gaps")
    points = left.collections[0].get_offsets()
    assert_same_bits(points[:, 1], np.sort(theirs["residuals"]))
    lines = _lines(right)
    assert len(lines) == 3
    assert_same_bits(lines[0].get_xdata(), theirs["x"])
    assert_same_bits(np.concatenate([line.get_ydata() for line in lines]), theirs["y"])
    assert_legible(left.figure)


@pytest.mark.parametrize("name", ["slopes", "gaps"])
def test_without_dharma_there_is_a_spline(name: str, plain: Any) -> None:
    theirs = plain("panels", name=name, seed=7, regressions=False)
    left, right = _panels(name, ours=True)
    (line,) = _lines(right)
    assert_same_bits(line.get_xdata(), theirs["x"])
    assert_same_bits(line.get_ydata(), theirs["y"])
    assert_same_bits(left.collections[0].get_offsets()[:, 1], np.sort(theirs["residuals"]))
    made = fitted(name)._scaled_residuals(50, 7, refit=False, use_u=False, ours=True)
    tests = made.test_uniformity(), made.test_outliers(seed=5), made.test_dispersion()
    texts = [text.get_text() for text in left.texts]
    for test, text in zip(tests, texts, strict=True):
        assert text.startswith(test.test.capitalize())
        assert text.endswith("significant" if test.p_value < 0.05 else "n.s.")


def test_tests_that_are_significant_stand_out() -> None:
    left, right = fitted("odds").simulated_residuals().plot().axes
    assert {text.get_color() for text in left.texts} == {on(left).ink}
    ticks = pb.load_dataset("grouseticks")
    bad = pb.glm("TICKS ~ YEAR", ticks, family="poisson")
    left, right = bad.simulated_residuals().plot().axes
    assert all(to_rgba(t.get_color()) == to_rgba(on(left).vermilion) for t in left.texts)
    assert "Within-group deviation from uniformity significant" in right.get_title().replace(
        "\n", " "
    )


def test_stars_are_beyond_all_simulations() -> None:
    data = pb.load_dataset("sleepstudy")
    data.loc[data.index[0], "Reaction"] = 900.0
    data = data.assign(hours=np.arange(180.0))
    fit = pb.lm("Reaction ~ hours", data)
    right = fit.simulated_residuals().plot().axes[1]
    stars = [one for one in right.collections if one.get_label() == "Beyond all simulations"]
    assert stars[0].get_offsets()[0][1] == 1.0


def test_residuals_are_drawn_along_a_predictor_and_by_group() -> None:
    made = fitted("slopes").simulated_residuals(50)
    assert made.plot("Days").axes[1].get_xlabel() == "Days (rank)"
    assert made.by_group("Subject").plot().axes[1].get_xlabel().startswith("Sum of fitted values")
    cake = fitted("terms").simulated_residuals(50).plot("recipe").axes[1]
    assert [label.get_text() for label in cake.get_xticklabels()] == ["A", "B", "C"]


def test_observed_and_simulated_responses_are_drawn() -> None:
    found = fitted("slopes").check_predictions(20)
    ax = found.plot()
    assert len(ax.lines) == 21
    assert_same_bits(ax.lines[-1].get_ydata(), [row.observed for row in found])
    assert_same_bits(ax.lines[3].get_ydata(), found.simulated[:, 3])
    counts = fitted("trials").check_predictions(20)
    ax = counts.plot()
    assert_same_bits([bar.get_height() for bar in ax.patches], [row.observed for row in counts])
    ends = [segment[:, 1] for segment in ax.collections[0].get_segments()]
    assert_same_bits(np.ravel(ends), np.ravel([(row.conf_low, row.conf_high) for row in counts]))
    levels = fitted("odds").check_predictions(20).plot()
    assert [label.get_text() for label in levels.get_xticklabels()] == ["0", "1"]
    for one in (ax, levels):
        assert_legible(one.figure)


def test_the_page_of_checks_has_rs_verdicts() -> None:
    figure = figure_of(PICTURES["checks"](5))
    titles = [" ".join(ax.get_title().split()) for ax in figure.axes]
    assert titles == [
        "Collinearity Low Correlation",
        "Spread and fitted values OK: Error variance appears to be homoscedastic.",
        "Normality Warning: Non-normality of residuals detected (p < .001).",
        "school: (Intercept) OK: Random effects appear as normal.",
        "Cook's distance 2 outliers detected: cases 8, 57.",
        "Residuals in the order of rows OK: Residuals appear to be independent (p = 0.066).",
    ]
    below = figure.get_supxlabel().replace("\n", " ")
    assert below.startswith("Without a picture: singularity (singular: FALSE)")
    assert "Cases are counted from 1" in below


@pytest.mark.carried("performance")
@pytest.mark.parametrize("name", ["slopes", "counts", "line", "gaps"])
def test_checks_of_each_kind_of_model_are_drawn(name: str) -> None:
    found = fitted(name).check()
    figure = found.plot()
    shown = " ".join(" ".join(ax.get_title().split()) for ax in figure.axes)
    shown += " ".join(figure.get_supxlabel().split())
    for row in found:
        assert " ".join(row.said.partition(" - Based")[0].split()) in shown
    assert_legible(figure)


@pytest.mark.carried("performance")
def test_checks_without_a_picture_say_so() -> None:
    assert "singularity" in refused(fitted("slopes").check("singularity").plot)
