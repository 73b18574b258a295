"""Pictures of random effects: all grouping factors, in an order and with names that can be read."""

from __future__ import annotations

import math
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

import pymer_bridge as pb
from helpers.live import ask_r
from helpers.pictures import assert_legible, schools, segments
from helpers.refusal import refused

pytestmark = [pytest.mark.r, pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning")]


@pytest.fixture(scope="module")
def crossed() -> Any:
    return pb.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", pb.load_dataset("Penicillin"))


@pytest.fixture(scope="module")
def herds() -> Any:
    return pb.glmer(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)",
        pb.load_dataset("cbpp"),
        family="binomial",
    )


@pytest.fixture(scope="module")
def many() -> Any:
    return pb.lmer("score ~ hrs_week + (hrs_week | school)", schools(120))


def names(panel: Any) -> list[str]:
    return [text.get_text() for text in panel.get_yticklabels()]


def modes(panel: Any) -> list[float]:
    drawn: list[float] = panel.lines[1].get_xdata().tolist()
    return drawn


def test_all_grouping_factors_are_drawn(crossed: Any) -> None:
    first, second = crossed.plot.random_effects().axes
    for panel, group in ((first, "plate"), (second, "sample")):
        table = crossed.random_effects.group(group)
        order = np.argsort(table.estimate[:, 0], kind="stable")
        assert panel.get_title() == f"{group}: (Intercept)"
        assert panel.get_ylabel() == group
        assert names(panel) == [table.levels[i] for i in order]
        assert modes(panel) == table.estimate[order, 0].tolist()
    assert len(crossed.plot.random_effects("sample").axes) == 1
    assert len(crossed.plot.random_quantiles().axes) == 2
    assert crossed.plot.random_effects()._supxlabel.get_text() == "95% conditional intervals"
    said = refused(crossed.plot.random_effects, labels={"a": "b"})
    assert said == "labels are of one grouping factor: say group=, one of 'plate', 'sample'"
    assert refused(crossed.plot.random_effects, terms="x").startswith("no term 'x', for terms=")


def test_a_scatter_takes_the_group_of_two_terms() -> None:
    data = schools(12)
    data["class"] = np.resize(list("abcdefgh"), len(data))
    fit = pb.lmer("score ~ hrs_week + (1 | class) + (hrs_week | school)", data)
    assert fit.plot.random_scatter().get_xlabel() == "school: (Intercept)"
    both = pb.lmer("score ~ hrs_week + (hrs_week | class) + (hrs_week | school)", data)
    said = refused(both.plot.random_scatter)
    assert said == "say group=, one of 'school', 'class': each has two terms"


def test_levels_are_in_the_order_in_which_people_count(herds: Any) -> None:
    panel = herds.plot.random_effects(order=None, labels={"2": "North", "10": "South"}).axes[0]
    wanted = [str(i + 1) for i in range(15)]
    wanted[1], wanted[9] = "North", "South"
    assert names(panel)[::-1] == wanted
    said = refused(herds.plot.random_effects, labels={"x": "North"})
    assert "'x'" in said


def test_exponentials_are_odds_ratios_on_an_axis_of_ratios(herds: Any) -> None:
    panel = herds.plot.random_effects(exponentiate=True, conf_level=(0.5, 0.95)).axes[0]
    table = herds.random_effects.group("herd")
    order = np.argsort(table.estimate[:, 0], kind="stable")
    assert modes(panel) == [math.exp(value) for value in table.estimate[order, 0]]
    assert (panel.get_xscale(), panel.get_xlabel()) == ("log", "Odds ratio")
    assert panel.lines[0].get_xdata()[0] == 1.0
    for which, level in ((0, 0.95), (1, 0.5)):
        half = ask_r("qnorm", p=(1 + level) / 2)[0] * table.std_error[order, 0]
        low = [math.exp(value) for value in table.estimate[order, 0] - half]
        assert segments(panel, which)[:, 0, 0].tolist() == low
    widths = [panel.collections[which].get_linewidths()[0] for which in (0, 1)]
    assert widths[0] < widths[1]
    captions = [text.get_text() for text in panel.texts if text.get_gid() == "caption"]
    assert captions[0].replace("\n", " ") == "95% (thin) and 50% (thick) conditional intervals"
    assert herds.plot.random_effects().axes[0].get_xlabel() == "Conditional mode (log odds)"
    said = refused(herds.plot.random_effects, exponentiate=True, standardize=True)
    assert said == "exponentiate=True and standardize=True do not go together"


def test_standardized_modes_are_in_deviations_of_their_term(many: Any) -> None:
    _, slopes = many.plot.random_effects(standardize=True, order="hrs_week").axes
    table = many.random_effects.group("school")
    at = table.terms.index("hrs_week")
    deviation = many.variance_components["school", "hrs_week"].std_dev
    assert modes(slopes) == (np.sort(table.estimate[:, at]) / deviation).tolist()
    flat = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff2"))
    assert "has no variance" in refused(flat.plot.random_effects, standardize=True)


def test_of_many_groups_the_extreme_or_evenly_spread_ones_are_shown(many: Any) -> None:
    panel = many.plot.random_effects(max_groups=20).axes[0]
    table = many.random_effects.group("school")
    sizes = np.sort(np.abs(table.estimate[:, 0]))
    assert sorted(np.abs(modes(panel)).tolist()) == sizes[-20:].tolist()
    assert modes(panel) == sorted(modes(panel))
    assert panel.get_ylabel() == "school (20 of 120 levels, farthest from zero)"
    panel = many.plot.random_effects(max_groups=3, order=None).axes[0]
    assert names(panel) == ["school 120", "school 061", "school 001"]
    assert panel.get_ylabel() == "school (3 of 120 levels, evenly spread)"
    said = refused(many.plot.random_effects, max_groups=0)
    assert said == "max_groups=0 must be at least 1"


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_text_can_be_read(style: str, crossed: Any, many: Any) -> None:
    with plt.style.context(style):
        assert_legible(crossed.plot.random_effects(conf_level=(0.5, 0.95)))
        assert_legible(many.plot.random_effects(max_groups=40, standardize=True))
