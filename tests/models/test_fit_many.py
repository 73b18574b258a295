"""One design, many responses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers.live import assert_same_bits
from pymer_bridge.errors import DataConversionError, FormulaError, OptionError

pytestmark = [
    pytest.mark.r("pbkrtest"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning"),
]


@pytest.fixture(scope="module")
def sleepstudy() -> pd.DataFrame:
    return pb.load_dataset("sleepstudy")


@pytest.mark.parametrize(
    ("formula", "responses", "error", "said"),
    [
        ("y ~ x + (1 | g)", ["y"], FormulaError, "must be the right side alone"),
        ("~ x + (1 | g)", [], OptionError, "one or more different names of columns"),
        ("~ x + (1 | g)", ["y", "y"], OptionError, "one or more different names of columns"),
        ("~ x + (1 | g)", ["y", "z"], DataConversionError, "the data has no column 'z'"),
        ("~ x + (1 | g)", ["y", "Y"], DataConversionError, "Did you mean 'y'?"),
        ("~ x + (1 | g)", "g", DataConversionError, "the response 'g' must be numeric, and is of"),
        ("~ x + (1 | g)", ["y", "number"], DataConversionError, "the response 'number' must be"),
        ("~ x + (1 | g)", ["y", "level"], DataConversionError, "'level' .* of dtype category"),
        ("~ x + (1 | g)", ["y", "when"], DataConversionError, "'when' .* of dtype datetime64"),
    ],
)
def test_responses_that_cannot_be_fitted(formula, responses, error, said):
    data = pd.DataFrame({"y": [1.0, 2.0], "x": [0.0, 1.0], "g": ["a", "b"]})
    data = data.assign(number=["1", "2"], level=pd.Categorical([1, 2]), when=pd.Timestamp(0))
    with pytest.raises(error, match=said):
        pb.fit_many(formula, data, responses)


def test_many_fits_say_what_is_singular(sleepstudy):
    rng = np.random.default_rng(1)
    sleepstudy = sleepstudy.assign(noise=rng.normal(size=180), Half=sleepstudy["Reaction"] / 2)
    found = pb.fit_many("~ Days + (Days | Subject)", sleepstudy, ["Half", "noise"])
    assert len(found) == 2
    half, noise = str(found).splitlines()[-2:]
    assert half.split()[0] == "Half"
    assert "singular" not in half
    assert noise.split()[0] == "noise"
    assert noise.split()[-1] == "singular"


def test_every_figure_of_many_fits_is_lmers(single_figures: dict[str, Any]) -> None:
    data = pb.load_dataset("sleepstudy")
    data["half"] = data["Reaction"] / 2
    data["flat"] = pb.lm("Reaction ~ Subject", data).residuals()
    fits = pb.fit_many("~ Days + (Days | Subject)", data, ["half", "flat"])
    for i, name in enumerate(fits.responses):
        ours = [
            *fits.values[i],
            *fits.std_errors[i],
            fits.criterion[i],
            fits.log_likelihood[i],
            fits.singular[i],
        ]
        assert_same_bits(ours, single_figures[f"many {name}"])
    assert fits.singular.tolist() == [False, True]
    assert fits.converged.all()
