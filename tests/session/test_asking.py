"""The one way to ask R: nothing that R warns of or says is lost."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import pymer_bridge as pb
from pymer_bridge.session.asking import Said, ask
from pymer_bridge.session.calls import Condition, Outcome

R_WARNS = "function(fit) c(fixef(fit), z = sqrt(fixef(fit)[[2]] - 11))"


@dataclass(frozen=True)
class Roomy:
    """A result that has room for what R says."""

    value: float
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()


def spoken(*texts: str) -> Outcome:
    return Outcome(1.0, tuple(Condition(text, ("warning",), "") for text in texts))


def test_what_r_said_stands_after_what_a_result_has() -> None:
    said = Said()
    said.add(spoken("one"))
    said.add(spoken("two"))
    assert said.on(Roomy(1.0, ("own",))) == Roomy(1.0, ("own", "one", "two"))


@pytest.mark.parametrize("result", [1.0, "text", None, Roomy])
def test_a_result_without_room_stays_as_it_is(result: Any) -> None:
    said = Said(("one",), ("two",))
    assert said.on(result) is result
    assert Said().on(result) is result


@pytest.mark.r(alone=True)
def test_an_answer_is_given_on_before_warnings_are_raised() -> None:
    """Where warnings are errors, what was computed is not lost."""
    given: list[Roomy] = []
    with pytest.raises(pb.RWarning, match="NaNs produced"):  # here warnings are errors
        ask("sqrt", lambda value: Roomy(float(value[0])), then=given.append, x=-1.0)
    assert [result.warnings for result in given] == [("NaNs produced",)]


@pytest.mark.r(alone=True)
def test_a_step_leaves_its_warnings_to_the_whole() -> None:
    said = Said()
    with pytest.warns(pb.RWarning, match="NaNs produced"):
        step = ask("sqrt", lambda value: Roomy(float(value[0])), said=said, x=-1.0)
    assert step.warnings == ()
    assert said.warnings == ("NaNs produced",)
    assert said.on(step).warnings == ("NaNs produced",)


@pytest.mark.r
def test_a_warning_of_the_statistic_of_the_fit_is_raised_and_kept() -> None:
    fit = pb.lmer("Reaction ~ Days + (1 | Subject)", pb.load_dataset("sleepstudy"), reml=False)
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        boot = fit.bootstrap(statistic=R_WARNS, n_sim=5, seed=1)
    assert [str(each.message) for each in raised].count("NaNs produced") == 1
    assert boot.warnings == ("NaNs produced",)
    drawn = np.isnan(boot.replicates[:, -1]).tolist()
    assert [said == ("NaNs produced",) for said in boot.replicate_warnings] == drawn
