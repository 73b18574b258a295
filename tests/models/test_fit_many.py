"""One design, many responses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers.live import assert_same_bits
from pymer_bridge.errors import DataConversionError, FormulaError, OptionError, UnknownNameError
from pymer_bridge.replicates import parallel
from pymer_bridge.results.many_fits import ManyFits, ResponseFit

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
        ("~ x + (1 | g)", ["number"], DataConversionError, "the response 'number' must be"),
        ("~ x + (1 | g)", ["g", "level"], DataConversionError, "'level' .* of dtype category"),
        ("~ x + (1 | g)", ["when"], DataConversionError, "'when' .* of dtype datetime64"),
    ],
)
def test_responses_that_cannot_be_fitted(formula, responses, error, said):
    data = pd.DataFrame({"y": [1.0, 2.0], "x": [0.0, 1.0], "g": ["a", "b"]})
    data = data.assign(number=["1", "2"], level=pd.Categorical([1, 2]), when=pd.Timestamp(0))
    with pytest.raises(error, match=said):
        pb.fit_many(formula, data, responses)


BAD: dict[str, Any] = {
    "infinite": lambda y: y.where(y.index != 3, np.inf),
    "negative": lambda y: y.where(y.index > 20, -np.inf),
    "huge": lambda y: y * 1e200,
    "constant": lambda y: y * 0 + 1,
    "zero": lambda y: y * 0,
    "empty": lambda y: y * np.nan,
    "one": lambda y: y.where(y.index == 7),
    "text": lambda y: y.astype(str),
    "mixed": lambda y: y.astype(object).where(y.index != 4, "five"),
    "moment": lambda y: pd.Timestamp(0),
}
"""Responses that cannot be fitted, or only just."""


@pytest.mark.parametrize("ddf", ["none", "satterthwaite"])
@pytest.mark.parametrize("design", ["~ Days + (Days | Subject)", "~ Days + (1 | Subject)"])
def test_a_response_that_fails_touches_no_other(
    sleepstudy: pd.DataFrame, design: str, ddf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "START_SECONDS", 0.0)
    monkeypatch.setattr(parallel, "CHUNK_SECONDS", 0.02)
    rng = np.random.default_rng(5)
    names: list[str] = []
    for i, (bad, make) in enumerate(BAD.items()):
        good = sleepstudy["Reaction"] + rng.normal(0, 30, 180)
        if i % 3 == 1:
            good[[3 * i, 40]] = np.nan
        sleepstudy = sleepstudy.assign(**{bad: make(sleepstudy["Reaction"]), f"good{i}": good})
        names += [bad, f"good{i}"]
    found = pb.fit_many(design, sleepstudy, names, ddf=ddf)
    assert [fit.response for fit in found] == names
    for name in names:
        if name.startswith("good"):
            assert found[name].error is None
            assert pb.fit_many(design, sleepstudy, [name], ddf=ddf)[name] == found[name]
            model = pb.lmer(f"{name} {design}", sleepstudy)
            ours = [found[name][row.term] for row in model.fixed_effects(ddf)]
            for figure in ("estimate", "std_error", "statistic", "df", "p_value"):
                theirs = [getattr(row, figure) for row in model.fixed_effects(ddf)]
                assert [getattr(row, figure) for row in ours] == theirs
            assert found[name].log_likelihood == model.fit_statistics.log_likelihood
    for bad in ("infinite", "negative", "empty", "one", "text", "mixed", "moment"):
        assert found[bad].error is not None
        assert found[bad]["Days"].estimate is None
        assert found[bad].criterion is None
        assert not found[bad].converged
    assert "'text' must be numeric" in str(found["text"].error)
    backwards = pb.fit_many(design, sleepstudy, names[::-1], ddf=ddf, n_jobs=2)
    for name in names:
        assert found[name] == backwards[name]


def test_a_response_is_looked_up(sleepstudy: pd.DataFrame) -> None:
    sleepstudy["half"] = sleepstudy["Reaction"] / 2
    fits = pb.fit_many("~ Days + (Days | Subject)", sleepstudy, ["Reaction", "half"], ddf="normal")
    half = fits["half"]
    assert half.response == "half"
    assert half[".sigma"].estimate == fits.values[1, fits.names.index(".sigma")]
    assert half["Days"].std_error == fits.std_errors[1, 1]
    assert half["Days"].p_value is not None
    assert half["Days"].df is None
    assert "half" in str(half).splitlines()[0]
    frame = fits.to_frame()
    assert list(frame.columns[4:9]) == ["estimate", "std_error", "df", "statistic", "p_value"]
    assert frame["p_value"].notna().sum() == 4
    assert frame["df"].isna().all()
    for name in ("halves", ""):
        with pytest.raises(UnknownNameError, match="there are: 'Reaction', 'half'"):
            fits[name]
    assert ManyFits.from_dict(fits.to_dict()) == fits
    assert ResponseFit.from_dict(half.to_dict()) == half


@pytest.mark.parametrize("ddf", ["satterthwaite", "kenward-roger"])
def test_tests_of_many_fits_are_lmertests(single_figures: dict[str, Any], ddf: Any) -> None:
    data = pb.load_dataset("sleepstudy")
    data["half"] = data["Reaction"] / 2
    data["gappy"] = data["Reaction"].where(~data.index.isin([2, 3, 4, 55]))
    names = ["Reaction", "half", "gappy"]
    fits = pb.fit_many("~ Days + (Days | Subject)", data, names, ddf=ddf)
    assert fits.df is not None
    assert fits.statistics is not None
    assert fits.p_values is not None
    for i, name in enumerate(names):
        fixed = fits.values[i, -2:], fits.std_errors[i], fits.df[i], fits.statistics[i]
        ours = np.concatenate([*fixed, fits.p_values[i]])
        assert_same_bits(ours, single_figures[f"tests {ddf} {name}"])
        row = fits.to_frame().query(f"response == '{name}' and term == 'Days'").iloc[0]
        assert (row["df"], row["p_value"]) == (fits.df[i, 1], fits.p_values[i, 1])


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
