"""Pictures of power: what is drawn are the figures of the result."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

import pymer_bridge as pb
from helpers.designs import made
from helpers.pictures import assert_legible
from pymer_bridge.errors import OptionError

pytestmark = [
    pytest.mark.r("lmerTest"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning"),
]


@pytest.fixture(scope="module")
def curve() -> Any:
    tests = {"slope": "time", "first": "(Intercept)"}
    return made("apart").power_curve("subject", [12, 4, 8], tests, n_sim=12, seed=1)


def test_pictures_show_the_figures(curve: Any) -> None:
    ax = curve.plot(wanted=0.7)
    lines = {line.get_label(): line for line in ax.get_lines()}
    for test in ("slope", "first"):
        x, y = lines[test].get_data()
        assert list(x) == [4, 8, 12]
        assert list(y) == [curve[n][test].power for n in (4, 8, 12)]
    band = ax.collections[0].get_paths()[0].vertices
    for n in (4, 8, 12):
        row = curve[n]["slope"]
        drawn = sorted({y for x, y in band if x == n})
        assert drawn == sorted({row.conf_low, row.conf_high})
    assert ax.get_xlabel() == "subject"
    assert any(np.allclose(line.get_ydata(), 0.7) for line in ax.get_lines())
    assert_legible(ax.figure)
    plt.close("all")
    power = curve[8]
    ax = pb.plots.power(power, wanted=None)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["slope", "first"]
    intervals = [list(line.get_xdata()) for line in ax.get_lines() if len(line.get_xdata()) == 2]
    assert intervals == [[row.conf_low, row.conf_high] for row in power]
    assert_legible(ax.figure)
    plt.close("all")


def test_a_power_that_is_wanted_is_a_share(curve: Any) -> None:
    for wrong in (0.0, 1.0, 3.0):
        with pytest.raises(OptionError, match="wanted"):
            curve.plot(wanted=wrong)
