"""Intervals for new observations are those of bootMer() and merTools, to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.live import assert_same_bits
from helpers.probing import plain_r
from helpers.refusal import refused
from helpers.trusted import cakes, fitted
from pymer_bridge.session.r_session import session
from pymer_bridge.session.versions import r_versions

pytestmark = [pytest.mark.r, pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning")]

LINEAR = ("slopes", "crossed", "gaps", "excluded", "nested", "singular")
HOW: dict[str, Any] = {"interval": "prediction", "n_sim": 6, "seed": 4, "conf_level": 0.8}


def slips(name: str, use_u: bool) -> bool:
    """Say whether lme4's simulate(use.u = TRUE) mixes rows up: bootMer() stops in plain R too."""
    version = str(r_versions("lme4")["lme4"]).replace("-", ".")
    old = tuple(map(int, version.split("."))) < (1, 1, 35, 4)
    return use_u and old and name in ("gaps", "excluded")


@pytest.fixture(scope="module")
def plain() -> Any:
    session().require("lme4")
    return plain_r(REFERENCES / "trust.R")


def new_rows(name: str) -> dict[str, Any]:
    gaps = {"Days": [0.0, 9.0], "late": ["no", "yes"], "Subject": ["309", "351"]}
    herds = {"period": [1, 3], "herd": ["2", "15"]}
    rows: dict[str, dict[str, Any]] = {
        "slopes": {"Days": [0, 4.5, 9], "Subject": ["308", "335", "372"]},
        "gaps": gaps,
        "excluded": gaps,
        "nested": {"batch": ["A", "H"], "cask": ["a", "c"]},
        "singular": {"Batch": ["A", "C"]},
        "crossed": {"plate": ["a", "x"], "sample": ["B", "F"]},
        "trials": herds,
        "counts": {**herds, "size": [10, 22]},
    }
    return rows[name]


def _type(name: str) -> Any:
    return "link" if name in LINEAR else "response"


@pytest.mark.parametrize("re_form", [None, "population"])
@pytest.mark.parametrize("name", [*LINEAR, "trials", "counts"])
def test_the_bootstrap_is_bootmers(name: str, re_form: str | None, plain: Any) -> None:
    trials = 20.0 if name == "trials" else 1.0
    weights = np.full(2, trials) if name == "trials" else None
    if slips(name, re_form is None):
        with pytest.raises(pb.RError, match="fit the model to the rows that it uses alone"):
            fitted(name).predict(new_rows(name), **HOW)
        return
    found = fitted(name).predict(new_rows(name), re_form, _type(name), weights=weights, **HOW)
    theirs = plain(
        "observed_anew",
        name=name,
        new_groups=re_form is not None,
        at_data=False,
        use_u=re_form is None,
        n_sim=6,
        seed=4,
        conf_level=0.8,
        trials=trials,
    )
    assert_same_bits(found.conf_low, theirs["conf_low"])
    assert_same_bits(found.conf_high, theirs["conf_high"])
    point = fitted(name).predict(new_rows(name), re_form, _type(name))
    assert_same_bits(found.values, point.values)
    groups = "random effects of new groups" if re_form else "random effects"
    assert found.uncertainty == ("fixed effects", "variance parameters", groups, "residual")
    assert "prediction 80% intervals (bootstrap)" in str(found)
    assert type(found).from_dict(found.to_dict()) == found


@pytest.mark.parametrize("use_u", [True, False])
@pytest.mark.parametrize("name", ["slopes", "gaps", "excluded", "trials"])
def test_at_the_data_the_rows_are_the_datas(name: str, use_u: bool, plain: Any) -> None:
    if slips(name, use_u):
        return
    found = fitted(name).predict(None, None, _type(name), use_u=use_u, **HOW)
    theirs = plain(
        "observed_anew",
        name=name,
        new_groups=False,
        at_data=True,
        use_u=use_u,
        n_sim=6,
        seed=4,
        conf_level=0.8,
        trials=1.0,
    )
    known = ~np.isnan(found.values)
    for end in ("conf_low", "conf_high"):
        ends = getattr(found, end)
        assert_same_bits(ends[known], theirs[end])
        assert np.isnan(ends[~known]).all()
    assert known.all() == (name != "excluded")


def test_new_groups_at_the_data(plain: Any) -> None:
    found = fitted("slopes").predict(None, "population", **HOW)
    theirs = plain(
        "observed_anew",
        name="slopes",
        new_groups=True,
        at_data=True,
        use_u=False,
        n_sim=6,
        seed=4,
        conf_level=0.8,
        trials=1.0,
    )
    assert_same_bits(found.conf_low, theirs["conf_low"])


@pytest.mark.carried("merTools")
@pytest.mark.parametrize("re_form", [None, "population"])
@pytest.mark.parametrize("name", ["slopes", "crossed", "gaps", "singular", "trials", "counts"])
def test_simulation_is_mertools(name: str, re_form: str | None, plain: Any) -> None:
    how = HOW | {"n_sim": 100}
    found = fitted(name).predict(new_rows(name), re_form, _type(name), method="simulation", **how)
    theirs = plain(
        "simulated_anew",
        name=name,
        new_groups=re_form is not None,
        n_sim=100,
        seed=4,
        conf_level=0.8,
    )
    for ours, column in (("values", "estimate"), ("conf_low",) * 2, ("conf_high",) * 2):
        assert_same_bits(getattr(found, ours), theirs[column])
    assert ("residual" in found.uncertainty) == (name in LINEAR)
    assert ("random effects" in found.uncertainty) == (re_form is None)


def test_workers_and_checkpoints_change_nothing(tmp_path: Path) -> None:
    fit, rows = fitted("slopes"), new_rows("slopes")
    here = fit.predict(rows, "population", **HOW)
    assert here == fit.predict(rows, "population", n_jobs=2, **HOW)
    for _ in range(2):
        assert here == fit.predict(rows, "population", checkpoint=tmp_path / "x", **HOW)


def test_new_groups_need_no_names_but_the_predictors_of_slopes() -> None:
    fit = pb.lmer("Reaction ~ 1 + (Days | Subject)", pb.load_dataset("sleepstudy"))
    assert len(fit.predict({"Days": [0, 9]}, "population", **HOW)) == 2
    with pytest.raises(pb.DataConversionError, match="no column 'Days'"):
        fit.predict({"x": [1]}, "population", **HOW)
    missing = fit.predict({"Days": [0, np.nan]}, "population", **HOW).to_frame()
    assert missing["conf_low"].notna().tolist() == [True, False]  # though the mean is known


def test_factors_with_slopes_have_their_levels() -> None:
    fit = pb.lmer("angle ~ recipe + (recipe | replicate)", cakes())
    rows = pd.DataFrame({"recipe": ["C", "A"]})
    assert fit.predict(rows, "population", **HOW).conf_low is not None


def test_more_uncertainty_makes_wider_intervals() -> None:
    fit, rows = fitted("slopes"), new_rows("slopes")
    how = HOW | {"n_sim": 80}
    known, new = (fit.predict(rows, re_form, **how) for re_form in (None, "population"))
    mean = fit.predict(rows, "population", interval="confidence", conf_level=0.8)
    widths = [part.conf_high[2] - part.conf_low[2] for part in (mean, known, new)]
    assert widths == sorted(widths)


def test_what_does_not_go_together_is_refused() -> None:
    fit, counts, rows = fitted("slopes"), fitted("counts"), new_rows("slopes")
    cases: list[tuple[str, dict[str, Any]]] = [
        ("goes without std_error", {"std_error": True}),
        ("goes without allow_new_levels; the effects", {"allow_new_levels": True}),
        ("re_form=None, for groups", {"re_form": "~ (1 | Subject)"}),
        ("method='exact'", {"method": "exact"}),
        ("go with method='boot'", {"method": "simulation", "use_u": True}),
        ("n_sim", {"n_sim": 1}),
    ]
    for said, wrong in cases:
        assert said in refused(fit.predict, rows, **(HOW | wrong))
    assert "type='response'" in refused(counts.predict, new_rows("counts"), **HOW)
    assert "use_u goes with interval" in refused(fit.predict, rows, use_u=True)
    sleepstudy, formula = pb.load_dataset("sleepstudy"), "Reaction ~ 1 + (1 | Subject)"
    gamma = pb.glmer(formula, sleepstudy, family="Gamma", link="log")
    with pytest.raises(pb.RError, match="of the family Gamma"):
        gamma.predict({"Subject": ["308"]}, type="response", **HOW)


def test_a_linear_model_says_what_is_in_its_intervals() -> None:
    found = fitted("line").predict({"Days": [1], "late": ["no"]}, interval="prediction")
    assert found.uncertainty == ("fixed effects", "residual")
    assert fitted("line").predict(interval="confidence").uncertainty == ()
