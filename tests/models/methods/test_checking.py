"""Inflation factors and checks are car's and performance's, to the last bit."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.live import assert_same_bits
from helpers.probing import plain_r
from helpers.refusal import refused
from helpers.trusted import MODELS, fitted
from pymer_bridge.errors import RError
from pymer_bridge.models.methods.diagnostics import CheckName
from pymer_bridge.session.r_session import session

pytestmark = [pytest.mark.r, pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning")]


@pytest.fixture(scope="module")
def plain() -> Any:
    session().require("lme4")
    return plain_r(REFERENCES / "trust.R")


TERMS = ["terms", "gaps", "excluded", "counts", "line", "line_excluded", "weighted", "odds"]


@pytest.mark.carried("car")
@pytest.mark.parametrize("name", TERMS)
def test_inflation_factors_are_cars(name: str, plain: Any) -> None:
    found, theirs = fitted(name).vif(), plain("inflation", name=name)
    assert [row.term for row in found] == list(theirs["terms"])
    for column in ("factor", "df", "adjusted"):
        assert_same_bits([getattr(row, column) for row in found], theirs[column])
    assert type(found).from_dict(found.to_dict()) == found


@pytest.mark.carried("car")
@pytest.mark.parametrize("name", ["slopes", "singular", "aliased"])
def test_where_there_are_no_inflation_factors_r_says_so(name: str, plain: Any) -> None:
    with pytest.raises(RError) as ours:
        fitted(name).vif()
    with pytest.raises(RError) as theirs:
        plain("inflation", name=name)
    said = [str(stopped.value).split(": ")[-1] for stopped in (ours, theirs)]
    assert said[0] == said[1]


@pytest.mark.carried("performance")
@pytest.mark.parametrize("name", [n for n in MODELS if n not in ("weighted", "aliased")])
def test_checks_are_performances(name: str, plain: Any) -> None:
    found, theirs = fitted(name).check(), plain("checked", name=name)
    by_check: dict[str, list[Any]] = {}
    for row in found:
        by_check.setdefault(row.check, []).append(row)
    assert by_check.keys() | found.left_out.keys() == set(get_args(CheckName))
    assert not by_check.keys() & found.left_out.keys()
    for check in ("heteroscedasticity", "normality", "random_normality", "autocorrelation"):
        values = [row.p_value for row in by_check.get(check, [])]
        assert_same_bits(values, [] if theirs[check] is None else theirs[check])
    for check in ("zeroinflation", "collinearity"):
        values = [row.statistic for row in by_check.get(check, [])]
        assert_same_bits(values, [] if theirs[check] is None else theirs[check])
    if "collinearity" in by_check:
        assert [row.what for row in by_check["collinearity"]] == list(theirs["terms"])
    if "overdispersion" in by_check:
        row = by_check["overdispersion"][0]
        assert_same_bits([row.statistic, row.p_value, row.df], theirs["overdispersion"])
        assert row.said in ("Overdispersion detected.", "No overdispersion detected.")
    if "random_normality" in by_check:
        assert [row.what for row in by_check["random_normality"]] == list(theirs["random_groups"])
        printed = [line for line in theirs["printed"] if line.strip()]
        assert [row.said for row in by_check["random_normality"]] == printed
    if "outliers" in by_check:
        assert by_check["outliers"][0].statistic == theirs["outliers"][0]
    assert all(row.said for row in found)
    assert type(found).from_dict(found.to_dict()) == found


@pytest.mark.carried("performance")
def test_a_mixed_model_is_checked_for_singularity_and_convergence() -> None:
    assert fitted("singular").check("singularity").rows[0].said == "singular: TRUE"
    rows = fitted("slopes").check(["singularity", "convergence"])
    assert [row.said for row in rows] == ["singular: FALSE", "converged: TRUE"]
    said = fitted("line").check("singularity").left_out["singularity"]
    assert said == "the model has no random effects"


@pytest.mark.carried("performance")
def test_odd_names_come_back_as_they_were() -> None:
    data = pb.load_dataset("sleepstudy")
    data = data.assign(**{"my day": data["Days"], "half$": np.sqrt(data["Days"])})
    fit = pb.lmer("Reaction ~ `my day` + `half$` + (`my day` | Subject)", data)
    other = pb.lmer(
        "Reaction ~ day + half + (day | Subject)",
        data.rename(columns={"my day": "day", "half$": "half"}),
    )
    for ours, theirs in zip(fit.check(), other.check(), strict=True):
        assert ours.what.replace("`my day`", "day").replace("`half$`", "half") == theirs.what
        assert_same_bits([ours.statistic, ours.p_value], [theirs.statistic, theirs.p_value])
    assert "renamed" not in str(fit.check())


@pytest.mark.carried("performance")
def test_a_seed_gives_the_same_check_again() -> None:
    fit = fitted("slopes")
    first = fit.check("autocorrelation", seed=5)
    assert first == fit.check("autocorrelation", seed=5)


def test_an_unknown_check_is_refused() -> None:
    said = refused(fitted("slopes").check, "heteroskedasticity")
    assert "heteroscedasticity" in said


@pytest.mark.carried("performance")
def test_what_r_warns_of_is_kept_once() -> None:
    with pytest.warns(pb.PymerWarning, match="hat matrix") as caught:
        pb.glmer(
            "incidence ~ period + (1 | herd)", pb.load_dataset("cbpp"), family="poisson"
        ).check("outliers")
    assert len(caught) == 1
