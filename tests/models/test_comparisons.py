"""Comparisons of models: what they refuse, and what is told of a bootstrap of the ratio."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import pymer_bridge as pb
from helpers.live import assert_same_bits
from helpers.refusal import refused

pytestmark = [
    pytest.mark.r("pbkrtest"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning"),
]

CLASSIC = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def sleepstudy() -> pd.DataFrame:
    return pb.load_dataset("sleepstudy")


@pytest.fixture(scope="module")
def fit(sleepstudy: pd.DataFrame) -> Any:
    return pb.lmer(CLASSIC, sleepstudy)


def test_what_is_no_model_is_refused(fit):
    said = "models='fit' must be a fitted mixed model or a fitted model of lm() or glm()"
    assert refused(pb.anova, fit, "fit") == said
    assert refused(pb.model_table, fit, "fit") == (
        "models='fit' must be a fitted mixed model, a fitted model of lm() or glm() or what its "
        "robust() gave"
    )


def test_a_sequential_test_goes_in_whole_blocks(sleepstudy):
    large = pb.lmer(CLASSIC, sleepstudy, reml=False)
    small = pb.lmer("Reaction ~ 1 + (Days | Subject)", sleepstudy, reml=False)
    said = refused(pb.pb_modcomp, large, small, n_sim=7, h=3)
    assert said.startswith("n_sim=7 must be a multiple of ")


def test_every_column_of_the_bootstrap_test_is_pbkrtests(
    fit: Any, single_figures: dict[str, Any]
) -> None:
    test = pb.pb_modcomp(fit, "Days", n_sim=25, seed=4)
    names = ("statistic", "df", "df2", "p_value")
    assert_same_bits(
        [getattr(row, name) for name in names for row in test.rows], single_figures["ratio test"]
    )
    assert_same_bits([test.lrt, test.p_value], single_figures["ratio test in short"])
