"""The fast path to an optimum gives what lme4's own gives, to the last bit, behind its fence."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.models import CASES, Case
from helpers.probing import among_operations
from pymer_bridge.session.r_session import session

pytestmark = [pytest.mark.r, pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning")]

MIXED = [case for case in CASES if case.fitter == "lmer" and case.name != "large"]
SLOPES = "Reaction ~ Days + (Days | Subject)"


@cache
def both_ways() -> Callable[..., Any]:
    session().require("lme4")
    return among_operations(REFERENCES.parent / "helpers" / "optimizing.R")


@cache
def fitted(name: str) -> pb.LinearMixedModel:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return next(case for case in MIXED if case.name == name).fit()


def agrees(fit: pb.LinearMixedModel) -> None:
    *same, n = both_ways()("optima_both_ways", model=fit._model)
    found = dict(zip(("made", "state", "read", "lean"), map(bool, same), strict=True))
    assert found == dict.fromkeys(found, True)
    assert n >= 8


@pytest.mark.slow
@pytest.mark.parametrize("case", MIXED, ids=lambda case: case.name)
def test_optimum_conditions_and_state_are_lme4s(case: Case) -> None:
    agrees(fitted(case.name))


@pytest.mark.parametrize(
    "control",
    [
        pb.lmer_control("bobyqa"),
        pb.lmer_control("Nelder_Mead"),
        pb.lmer_control(optCtrl={"maxeval": 20}),
        pb.lmer_control(optCtrl={"ftol_abs": 1e-3, "xtol_abs": 1e-3}),
    ],
)
def test_optimum_of_other_controls_is_lme4s(control: Any) -> None:
    agrees(pb.lmer(SLOPES, pb.load_dataset("sleepstudy"), control=control))


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("lme4", "merPredDupdateDecomp"),
        ("lme4", "lmer_Deviance"),
        ("lme4", "nloptwrap"),
        ("nloptr", "nloptr"),
    ],
)
def test_what_is_not_as_known_leads_to_rs_ordinary_way(package: str, name: str) -> None:
    fit = pb.lmer(SLOPES, pb.load_dataset("sleepstudy"))
    fast = fit.bootstrap("parametric", 5, 1)
    assert both_ways()("is_on_fast_path", model=fit._model)[0]
    altered = both_ways()("alter_inside", package=package, name=name)
    try:
        assert not both_ways()("is_on_fast_path", model=fit._model)[0]
        assert np.array_equal(fit.bootstrap("parametric", 5, 1).replicates, fast.replicates)
        notes = " ".join(pb.show_versions().notes)
    finally:
        both_ways()("put_back", altered=altered)
    said = "nloptr" if name == "nloptwrap" else name
    assert f"{said}() of {said if said == 'nloptr' else package} " in notes
    assert "other code" not in " ".join(pb.show_versions().notes)
    assert both_ways()("is_on_fast_path", model=fit._model)[0]


@pytest.mark.slow
@pytest.mark.parametrize("case", MIXED, ids=lambda case: case.name)
def test_optima_of_resampled_rows_are_lmers(case: Case) -> None:
    assert both_ways()("resampled_both_ways", model=fitted(case.name)._model).tolist() == [True] * 3


def test_other_code_of_reference_objects_leads_to_rs_ordinary_way() -> None:
    fit = pb.lmer(SLOPES, pb.load_dataset("sleepstudy"))
    resample = {"Subject": True}
    fast = fit.bootstrap("case", 5, 1, resample=resample)
    altered = both_ways()("alter_inside", package="lme4", name="mkRespMod")
    try:
        assert both_ways()("resampled_both_ways", model=fit._model).tolist() == [False, True, True]
        assert np.array_equal(
            fit.bootstrap("case", 5, 1, resample=resample).replicates, fast.replicates
        )
        notes = " ".join(pb.show_versions().notes)
    finally:
        both_ways()("put_back", altered=altered)
    assert "mkRespMod() of lme4 " in notes


def test_parts_of_formulas_are_remembered_as_they_are() -> None:
    same, n = both_ways()("formulas_both_ways")
    assert same
    assert n > 100


def test_what_is_said_before_an_error_is_said_once() -> None:
    assert list(both_ways()("said_before_an_error")) == ["NaNs produced", "error: 0 (non-NA) cases"]
