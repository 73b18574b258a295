"""Shares of variance, as R's package performance gives them."""

from __future__ import annotations

from typing import Any

import pytest

import pymer_bridge as pb
from helpers.live import assert_same_bits
from pymer_bridge.errors import REnvironmentError
from pymer_bridge.session.r_session import session

pytestmark = [
    pytest.mark.r("pbkrtest"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning"),
]


def _fit(name: str) -> Any:
    if name == "slopes":
        return pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    herds = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    return pb.glmer(herds, pb.load_dataset("cbpp"), family="binomial")


@pytest.mark.parametrize("name", ["slopes", "herds"])
def test_shares_of_variance_are_performances(single_figures: dict[str, Any], name: str) -> None:
    fit, theirs = _fit(name), single_figures.get(f"shares {name}")
    if theirs is None:
        with pytest.raises(REnvironmentError, match="--require=performance"):
            fit.icc()
        return
    icc, r2 = fit.icc(), fit.r2()
    assert_same_bits([icc.adjusted, icc.unadjusted, r2.marginal, r2.conditional], theirs)


def test_performance_is_there_or_asked_for(single_figures: dict[str, Any]) -> None:
    there = bool(session().call("requireNamespace", package="performance", quietly=True).value[0])
    assert ("shares slopes" in single_figures) == there
