"""Shares of variance, as R's package performance gives them."""

from __future__ import annotations

from typing import Any

import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.live import assert_same_bits
from helpers.probing import plain_r
from helpers.refusal import refused
from helpers.trusted import fitted
from pymer_bridge.errors import REnvironmentError
from pymer_bridge.session.r_session import session

pytestmark = [
    pytest.mark.r("pbkrtest"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning"),
]


def there(package: str) -> bool:
    return bool(session().call("requireNamespace", package=package, quietly=True).value[0])


def _fit(name: str) -> Any:
    if name == "slopes":
        return pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    herds = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    return pb.glmer(herds, pb.load_dataset("cbpp"), family="binomial")


@pytest.mark.parametrize("name", ["slopes", "herds"])
def test_shares_of_variance_are_performances(single_figures: dict[str, Any], name: str) -> None:
    fit, theirs = _fit(name), single_figures.get(f"shares {name}")
    if not (there("insight") and there("performance")):
        with pytest.raises(REnvironmentError, match=r"insight|performance"):
            fit.icc()
        return
    if theirs is None:
        pytest.skip("this R lacks performance")
    icc, r2 = fit.icc(), fit.r2()
    assert_same_bits([icc.adjusted, icc.unadjusted, r2.marginal, r2.conditional], theirs)


def test_performance_is_asked_where_it_is_there(single_figures: dict[str, Any]) -> None:
    assert ("shares slopes" in single_figures) == there("performance")


@pytest.fixture(scope="module")
def plain() -> Any:
    session().require("lme4")
    return plain_r(REFERENCES / "trust.R")


@pytest.mark.carried("performance")
@pytest.mark.parametrize("name", ["slopes", "crossed", "gaps", "excluded", "trials", "counts"])
def test_intervals_are_performances(name: str, plain: Any) -> None:
    theirs = plain("shares", name=name, conf_level=0.8, n_sim=6, seed=3)
    icc = fitted(name).icc(conf_level=0.8, n_sim=6, seed=3)
    r2 = fitted(name).r2(conf_level=0.8, n_sim=6, seed=3)
    for found, names in ((icc, ("adjusted", "unadjusted")), (r2, ("marginal", "conditional"))):
        for share in names:
            parts = [getattr(found, share + end) for end in ("", "_conf_low", "_conf_high")]
            assert_same_bits(parts, theirs[share])
        assert type(found).from_dict(found.to_dict()) == found
        assert "80% intervals (bootstrap, percentile)" in str(found)
        assert found.to_frame().shape == (1, 6)


@pytest.mark.carried("insight", "performance")
def test_workers_change_nothing() -> None:
    here, there = (fitted("slopes").icc(conf_level=0.9, n_sim=8, seed=1, n_jobs=n) for n in (1, 2))
    assert here == there


@pytest.mark.carried("insight", "performance")
def test_a_singular_fit_has_no_intervals() -> None:
    icc = fitted("singular").icc(conf_level=0.8, n_sim=6, seed=3)
    r2 = fitted("singular").r2(conf_level=0.8, n_sim=6, seed=3)
    assert (icc.adjusted, r2.conditional, icc.bootstrap, r2.bootstrap) == (None,) * 4
    assert any("singular" in said for said in r2.warnings)


@pytest.mark.carried("performance")
@pytest.mark.parametrize("name", ["crossed", "gaps", "trials", "counts"])
def test_shares_by_group_are_performances(name: str, plain: Any) -> None:
    icc, r2 = fitted(name).icc(by_group=True), fitted(name).r2(by_group=True)
    theirs = plain("shares_by_group", name=name)
    assert [row.group for row in icc] == list(theirs["groups"])
    assert_same_bits([row.share for row in icc], theirs["icc"])
    assert [row.group for row in r2] == list(theirs["levels"])
    assert_same_bits([row.share for row in r2], theirs["r2"])
    assert type(icc).from_dict(icc.to_dict()) == icc


@pytest.mark.carried("insight", "performance")
def test_nested_groups_have_shares_too() -> None:
    # performance stops here.
    assert next(iter(fitted("nested").r2(by_group=True))).group == "Level 1"
    shares = {row.group: row.share for row in fitted("nested").icc(by_group=True)}
    assert shares.keys() == {"cask:batch", "batch"}
    assert sum(shares.values()) == pytest.approx(fitted("nested").icc().adjusted)


@pytest.mark.carried("insight", "performance")
def test_odd_names_are_the_users_own() -> None:
    data = pb.load_dataset("sleepstudy").rename(columns={"Days": "my days", "Subject": "who?"})
    odd = pb.lmer("Reaction ~ `my days` + (1 | `who?`)", data)
    assert [row.group for row in odd.icc(by_group=True)] == ["`who?`"]
    usual = pb.lmer("Reaction ~ Days + (1 | Subject)", pb.load_dataset("sleepstudy"))
    how: dict[str, Any] = {"conf_level": 0.9, "n_sim": 5, "seed": 1}
    assert odd.r2(**how) == usual.r2(**how)


@pytest.mark.carried("insight", "performance")
def test_what_does_not_go_together_is_refused() -> None:
    assert "leave out conf_level" in refused(fitted("slopes").icc, by_group=True, conf_level=0.9)
    assert "conf_level" in refused(fitted("slopes").r2, conf_level=1.5)
    with pytest.warns(pb.PymerWarning, match="random slopes"):
        fitted("slopes").icc(by_group=True)
