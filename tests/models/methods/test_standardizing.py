"""Coefficients of standardized data are those of datawizard's refit, to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.live import assert_same_bits
from helpers.probing import plain_r
from helpers.refusal import refused
from helpers.trusted import fitted
from pymer_bridge.session.r_session import session

pytestmark = [
    pytest.mark.r("lmerTest"),
    pytest.mark.carried("datawizard"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning"),
]

MIXED = ["slopes", "terms", "gaps", "excluded", "nested", "crossed", "singular", "trials", "counts"]
LINEAR = ["line", "line_excluded", "weighted", "odds"]


@pytest.fixture(scope="module")
def plain() -> Any:
    session().require("lme4")
    return plain_r(REFERENCES / "trust.R")


@pytest.mark.parametrize(("two_sd", "response"), [(False, True), (True, True), (False, False)])
@pytest.mark.parametrize("name", MIXED + LINEAR)
def test_figures_are_datawizards(name: str, two_sd: bool, response: bool, plain: Any) -> None:
    if (two_sd or not response) and name in ("nested", "crossed", "singular"):
        with pytest.raises(pb.RError, match="nothing to standardize"):
            fitted(name).standardize(two_sd=two_sd, response=response)
        return
    found = fitted(name).standardize(two_sd=two_sd, response=response)
    theirs = plain("standardized", name=name, two_sd=two_sd, response=response)
    assert [row.term for row in found] == list(theirs["terms"])
    assert_same_bits([row.estimate for row in found], theirs["estimate"])
    assert_same_bits([row.std_error for row in found], theirs["std_error"])
    if theirs["of_package"] is not None:
        assert_same_bits([row.estimate for row in found], theirs["of_package"])
    ours = {each.column: each for each in found.scaled}
    for column, center, scale in zip(
        theirs["columns"] or (), theirs["center"], theirs["scale"], strict=True
    ):
        if column in ours:  # not what a formula makes of a column
            assert_same_bits([ours[column].center, ours[column].scale], [center, scale])
    assert type(found).from_dict(found.to_dict()) == found


def test_what_was_scaled_is_said() -> None:
    found = fitted("slopes").standardize("kenward-roger", 0.9)
    data = pb.load_dataset("sleepstudy")
    assert [each.column for each in found.scaled] == ["Reaction", "Days"]
    for each in found.scaled:
        assert each.center == pytest.approx(data[each.column].mean())
        assert each.scale == pytest.approx(data[each.column].std())
    assert (found.ddf, found.conf_level) == ("kenward-roger", 0.9)
    assert "Divided: Reaction by 56.3288, Days by 2.88029" in str(found)
    # A change of units changes neither tests nor degrees of freedom.
    usual = fitted("slopes").fixed_effects("kenward-roger")["Days"]
    assert found["Days"].statistic == pytest.approx(usual.statistic, rel=1e-3)
    assert np.isclose(found["Days"].df, usual.df)


def test_odd_names_are_the_users_own() -> None:
    data = pb.load_dataset("sleepstudy").rename(columns={"Days": "my days"})
    odd = pb.lmer("Reaction ~ `my days` + (1 | Subject)", data).standardize()
    assert [each.column for each in odd.scaled] == ["Reaction", "my days"]
    usual = pb.lmer("Reaction ~ Days + (1 | Subject)", pb.load_dataset("sleepstudy")).standardize()
    assert_same_bits([row.estimate for row in odd], [row.estimate for row in usual])
    assert [row.term for row in odd] == ["(Intercept)", "`my days`"]


def test_weights_and_rows_go_together() -> None:
    data = pb.load_dataset("sleepstudy")
    data.loc[data.index[[2, 49]], "Reaction"] = np.nan
    weights = np.linspace(1, 2, len(data))
    gaps = pb.lmer("Reaction ~ Days + (1 | Subject)", data, weights=weights)
    known = data["Reaction"].notna().to_numpy()
    whole = pb.lmer("Reaction ~ Days + (1 | Subject)", data[known], weights=weights[known])
    ours, theirs = (fit.standardize() for fit in (gaps, whole))
    assert_same_bits([row.estimate for row in ours], [row.estimate for row in theirs])


def test_what_cannot_be_standardized_is_refused() -> None:
    fit = fitted("slopes")
    assert "two_sd" in refused(fit.standardize, two_sd="yes")
    assert "conf_level" in refused(fit.standardize, conf_level=2.0)
    part = pb.lmer(
        "Reaction ~ Days + (1 | Subject)", pb.load_dataset("sleepstudy"), subset="Days > 2"
    )
    with pytest.raises(pb.RError, match="subset"):
        part.standardize()
