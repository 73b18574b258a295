"""Designs: what they have, what they refuse, and that they draw what R's simulate() draws."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.designs import DESIGNS, crossed, made
from helpers.live import assert_same_bits
from helpers.probing import plain_r
from pymer_bridge.data.crossed import resized
from pymer_bridge.errors import (
    DataConversionError,
    FormulaError,
    OptionError,
    RError,
    UnknownNameError,
)
from pymer_bridge.results.design import DesignTerms

pytestmark = pytest.mark.r("lmerTest")
SLOPES = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def plain() -> Any:
    return plain_r(REFERENCES / "power.R")


@pytest.fixture(scope="module")
def pilot() -> Any:
    return pb.lmer(SLOPES, pb.load_dataset("sleepstudy"))


# -- frames ----------------------------------------------------------------------------------------


def test_a_crossed_frame_is_balanced_and_named() -> None:
    frame = crossed()
    assert list(frame.columns) == ["subject", "item", "cond", "group"]
    assert len(frame) == 8 * 6 * 2
    assert list(frame["subject"].cat.categories[:2]) == ["subject1", "subject2"]
    assert set(frame.value_counts(["cond", "group"])) == {24}
    assert set(frame.groupby("subject", observed=True)["group"].nunique()) == {1}
    numbers = pb.crossed_frame(subject=3, within={"time": range(4)})
    assert numbers["time"].tolist() == [0, 1, 2, 3] * 3
    both = pb.crossed_frame(
        subject=4, item=6, between={"item": {"freq": ["low", "high"]}, "age": ["o", "y"]}
    )
    assert set(both.groupby("item", observed=True)["freq"].nunique()) == {1}
    assert set(both.value_counts(["freq", "age"])) == {6}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "give the kinds of units"),
        ({"subject": 0}, "subject=0 must be"),
        ({"subject": 5, "between": {"g": ["x", "y"]}}, "subject=5 cannot be balanced: 'g' have 2"),
        ({"subject": 4, "within": {"c": "ab"}}, "within\\['c'\\]='ab' must be a list"),
        ({"subject": 4, "within": {"c": ["a", "a"]}}, "different levels"),
        ({"subject": 4, "within": {"c": ["a", 1]}}, "all texts or all numbers"),
        ({"subject": 4, "within": {"subject": ["a", "b"]}}, "two columns 'subject'"),
        ({"subject": 4, "between": {"item": {"f": ["a", "b"]}}}, "the units 'item'; there are"),
        ({"subject": 10**5, "item": 10**5}, "more than 10000000 rows"),
    ],
)
def test_frames_that_cannot_be(given: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        pb.crossed_frame(**given)


def test_a_frame_grows_by_copies_and_shrinks_to_its_first_units() -> None:
    frame = crossed()
    fewer = resized(frame, "subject", 3)
    pd.testing.assert_frame_equal(
        fewer.astype(str), frame[frame["subject"].cat.codes < 3].astype(str)
    )
    more = resized(frame, "subject", 18)
    assert len(more) == 18 * 12
    pd.testing.assert_frame_equal(more.iloc[:96].astype(str), frame.astype(str))
    names = list(more["subject"].cat.categories)
    assert names[:9] == [*(f"subject{i}" for i in range(1, 9)), "subject1.2"]
    assert names[-1] == "subject2.3"
    assert set(more.value_counts(["cond", "group"])) == {54}


def test_units_within_units_get_names_of_their_own() -> None:
    frame = pd.DataFrame(
        {"school": ["a", "a", "b", "b"], "pupil": ["p1", "p2", "p3", "p4"], "x": [1.0, 2, 3, 4]}
    )
    more = resized(frame, "school", 4, ["school", "pupil"])
    assert list(more["pupil"]) == ["p1", "p2", "p3", "p4", "p1.2", "p2.2", "p3.2", "p4.2"]
    assert list(more["school"])[4:] == ["a.2", "a.2", "b.2", "b.2"]
    assert resized(frame, "school", 1, ["school", "pupil"])["pupil"].tolist() == ["p1", "p2"]


# -- parameters ------------------------------------------------------------------------------------


def test_a_design_tells_what_it_needs() -> None:
    empty = pb.design("rt ~ cond + (cond | subject) + (1 | item)", crossed())
    assert [(r.argument, r.group, r.term, r.term2) for r in empty.terms] == [
        ("fixed", None, "(Intercept)", None),
        ("fixed", None, "condb", None),
        ("std_devs", "subject", "(Intercept)", None),
        ("std_devs", "subject", "condb", None),
        ("std_devs", "item", "(Intercept)", None),
        ("correlations", "subject", "(Intercept)", "condb"),
        ("residual", None, None, None),
    ]
    assert "Nothing was given yet" in str(empty)
    for ask in (empty.simulate, empty.power, lambda: empty.new_params):
        with pytest.raises(OptionError, match=r"missing: fixed.*condb.*correlations.*residual"):
            ask()


def test_all_that_is_wrong_is_listed_at_once() -> None:
    with pytest.raises(OptionError) as raised:
        pb.design(
            "rt ~ cond + (cond | subject)",
            crossed(),
            fixed={"condB": 1, "(Intercept)": 3},
            std_devs={"subject": {"(Intercept)": -1, "conda": 2}, "items": 3},
            correlations={"subject": 1.5},
        )
    said = str(raised.value)
    for part in (
        "missing: fixed['condb'], std_devs['subject']['condb'], residual=...",
        "unknown: fixed['condB'], std_devs['subject']['conda'], std_devs['items']",
        "std_devs['subject']['(Intercept)']=-1 must be a number of at least 0",
        "correlations['subject'][('(Intercept)', 'condb')]=1.5 must be a number from -1 to 1",
    ):
        assert part in said


def test_parameters_are_named_as_r_names_them_and_more_shortly() -> None:
    design = made("apart")
    by_group = pb.design(
        "y ~ time + (time || subject)",
        DESIGNS["apart"]["frame"](),
        fixed={"(Intercept)": 0, "time": 0.3},
        std_devs={"subject": {"(Intercept)": 1}, "subject.1": {"time": 0.25}},
        residual=1,
    )
    assert by_group.terms == design.terms
    assert by_group.new_params == design.new_params
    assert DesignTerms.from_dict(design.terms.to_dict()) == design.terms
    turned = pb.design(
        "y ~ time + (time | subject)",
        DESIGNS["apart"]["frame"](),
        fixed={"(Intercept)": 0, "time": 0.3},
        std_devs={"subject": {"(Intercept)": 1, "time": 0.25}},
        correlations={"subject": {("time", "(Intercept)"): 0.5}},
        residual=1,
    )
    assert turned.terms["correlations", "subject", "(Intercept)", "time"].value == 0.5


@pytest.mark.parametrize("correlation", [1.0, -1.0, 0.0])
def test_singular_covariances_are_those_that_were_given(correlation: float) -> None:
    for deviations in ([1.0, 3.0], [3.0, 1.0], [0.0, 2.0], [2.0, 0.0], [0.0, 0.0]):
        design = pb.design(
            "y ~ time + (time | subject)",
            DESIGNS["apart"]["frame"](),
            fixed={"(Intercept)": 0, "time": 0},
            std_devs={"subject": dict(zip(("(Intercept)", "time"), deviations, strict=True))},
            correlations={"subject": correlation},
            residual=2,
        )
        a, b, c = design.new_params["theta"]
        covariance = 4 * np.array([[a * a, a * b], [a * b, b * b + c * c]])
        wanted = np.outer(deviations, deviations) * [[1, correlation], [correlation, 1]]
        np.testing.assert_allclose(covariance, wanted, atol=1e-7)  # a root of a square


def test_correlations_that_cannot_be_together_are_an_error() -> None:
    frame = pb.crossed_frame(subject=12, within={"c": ["a", "b", "d"], "rep": range(3)})
    with pytest.raises(RError, match="no covariance has these correlations of subject"):
        pb.design(
            "~ c + (c | subject)",
            frame,
            fixed={"(Intercept)": 0, "cb": 0, "cd": 0},
            std_devs={"subject": {"(Intercept)": 1, "cb": 1, "cd": 1}},
            correlations={
                "subject": {
                    ("(Intercept)", "cb"): 0.9,
                    ("(Intercept)", "cd"): 0.9,
                    ("cb", "cd"): -0.9,
                }
            },
            residual=1,
        )


@pytest.mark.parametrize(
    ("formula", "more", "error", "said"),
    [
        ("cond", {}, FormulaError, "must be a formula"),
        ("log(y) ~ cond + (1 | subject)", {}, FormulaError, "draws its response, which must be"),
        ("~ nosuch + (1 | subject)", {}, DataConversionError, "nosuch"),
        ("~ system('x') + (1 | subject)", {}, FormulaError, "system"),
        ("~ cond", {}, RError, "No random effects"),
        ("~ cond + (1 | subject)", {"link": "log"}, OptionError, "link goes with family"),
        ("~ cond + (1 | subject)", {"family": "quasi"}, OptionError, "quasi"),
    ],
)
def test_designs_that_cannot_be(
    formula: str, more: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        pb.design(formula, crossed(), **more)


def test_a_frame_with_missing_values_is_refused() -> None:
    frame = DESIGNS["apart"]["frame"]()
    frame.loc[3, "time"] = np.nan
    with pytest.raises(RError, match="missing values: a design needs all of them"):
        pb.design("~ time + (1 | subject)", frame)


def test_a_family_without_scale_has_no_residual() -> None:
    given = {"fixed": {"(Intercept)": 0, "condb": 1}, "std_devs": {"subject": 1}}
    with pytest.raises(OptionError, match="residual=1: this family has no residual deviation"):
        pb.design("~ cond + (1 | subject)", crossed(), family="binomial", residual=1, **given)


# -- what is drawn ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DESIGNS)
def test_responses_are_those_of_simulate(plain: Any, name: str) -> None:
    found = made(name).simulate(4, seed=11)
    theirs = plain("drawn", name=name, n=4, seed=11)
    assert found.names == ("sim_1", "sim_2", "sim_3", "sim_4")
    for i, values in enumerate(theirs.values()):
        assert_same_bits(found.values[:, i], values)
    assert made(name).simulate(1, seed=12).values[0, 0] != found.values[0, 0]


def test_a_pilot_gives_its_parameters(pilot: Any) -> None:
    design = pilot.design()
    assert design.terms["fixed", "Days"].value == pilot.fixed_effects("none")["Days"].estimate
    assert design.terms["residual"].value == pilot.sigma
    assert design.n_groups == {"Subject": 18}
    changed = pilot.design(fixed={"Days": 4}, std_devs={"Subject": {"Days": 3}})
    assert changed.terms["fixed", "Days"].value == 4
    assert changed.terms["std_devs", "Subject", "Days"].value == 3
    before = design.terms["std_devs", "Subject", "(Intercept)"]
    assert changed.terms["std_devs", "Subject", "(Intercept)"] == before
    larger = pb.crossed_frame(Subject=40, within={"Days": range(5)})
    assert pilot.design(frame=larger).n_obs == 200


def test_new_params_of_a_model_take_the_same_names(pilot: Any) -> None:
    design = pilot.design(fixed={"Days": 4}, residual=20)
    given = {"fixed": {"Days": 4}, "residual": 20}
    ours = pilot.simulate(2, seed=1, new_params=given)
    assert_same_bits(ours.values.ravel(), design.simulate(2, seed=1).values.ravel())
    assert_same_bits(
        ours.values.ravel(), pilot.simulate(2, seed=1, new_params=design.new_params).values.ravel()
    )


def test_a_pilot_of_another_kind(pilot: Any) -> None:
    cbpp = pb.load_dataset("cbpp")
    trials = pb.glmer(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, family="binomial"
    )
    with pytest.raises(FormulaError, match="draws its response, which must be a name"):
        trials.design()
    weighted = pb.lmer(SLOPES, pb.load_dataset("sleepstudy"), weights=np.ones(180))
    with pytest.raises(OptionError, match="the model has weights=, which a design does not know"):
        weighted.design()
    counts = pb.glmer("incidence ~ period + (1 | herd)", cbpp, family="poisson")
    design = counts.design(fixed={"period2": -1})
    assert design.family == "poisson"
    assert design.terms["std_devs", "herd", "(Intercept)"].value == (
        counts.variance_components["herd"].std_dev
    )
    cake = pb.lmer(
        "angle ~ recipe * temp + (1 | recipe:replicate)",
        pb.load_dataset("cake"),
        contrasts={"recipe": "contr.sum"},
    )
    assert "recipe1" in {row.term for row in cake.design().terms}


def test_a_design_is_frozen_and_shown() -> None:
    design = made("slopes")
    assert repr(design) == "<Design 'rt ~ cond + (cond | subject) + (1 | item)', 96 rows>"
    assert "Rows: 96, groups: subject, 8, item, 6" in str(design)
    with pytest.raises(AttributeError):
        design.n_obs = 3
    with pytest.raises((TypeError, pickle.PicklingError, pb.PymerError)):
        pickle.dumps(design)
    with pytest.raises(UnknownNameError):
        design.terms["fixed", "nosuch"]
