"""Scaled residuals and their tests are DHARMa's, to the last bit, by DHARMa or without it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import REFERENCES, trusted
from helpers.live import ask_r, assert_same_bits
from helpers.probing import plain_r
from helpers.refusal import refused
from pymer_bridge.errors import OptionError, REnvironmentError, RError
from pymer_bridge.models.scaled_residuals import SimulatedResiduals
from pymer_bridge.results.simulated import ResidualTest, ScaledResiduals
from pymer_bridge.session.r_session import session
from pymer_bridge.spec.families import Family

pytestmark = [pytest.mark.r, pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning")]


def _herds() -> pd.DataFrame:
    data = pb.load_dataset("cbpp")
    state = pd.Categorical(np.where(data["incidence"] > 0, "sick", "well"), ["well", "sick"])
    return data.assign(share=data["incidence"] / data["size"], state=state)


HERD = " ~ period + (1 | herd)"
OWN: dict[str, Callable[[], Any]] = {
    "levels": lambda: pb.glmer("state" + HERD, _herds(), family="binomial"),
    "shares": lambda: pb.glmer("share" + HERD, _herds(), family="binomial", weights="size"),
    "plain_counts": lambda: pb.glm("incidence ~ period", _herds(), family="poisson"),
    "ticks": lambda: pb.glm("TICKS ~ YEAR", pb.load_dataset("grouseticks"), family="poisson"),
    "times": lambda: pb.glm(
        "Reaction ~ Days", pb.load_dataset("sleepstudy"), family=Family("Gamma", "log")
    ),
}
NAMES = [
    *("slopes", "nested", "gaps", "excluded", "singular", "crossed", "trials", "counts", "levels"),
    *("shares", "line", "line_excluded", "weighted", "odds", "plain_counts", "times"),
    "ticks",
]
REFITTED = ["slopes", "singular", "counts", "line", "odds", "plain_counts"]
GROUPED = ["slopes", "crossed", "excluded", "trials", "counts", "levels", "line", "plain_counts"]


@cache
def fitted(name: str) -> Any:
    return OWN[name]() if name in OWN else trusted.fitted(name)


@pytest.fixture(scope="module")
def plain() -> Any:
    session().require("lme4")
    return plain_r(REFERENCES / "scaled_residuals.R")


def _by(name: str, *, ours: bool, refit: bool = False, use_u: bool = False) -> SimulatedResiduals:
    n_sim = 12 if refit else 50
    how = {"refit": refit, "use_u": use_u, "ours": ours}
    return fitted(name)._scaled_residuals(n_sim, 7, **how)


def _figures(found: ResidualTest) -> list[float]:
    shares = [found.estimate, found.conf_low, found.conf_high]
    return [found.statistic, found.p_value, *(one for one in shares if one is not None)]


def _tests(made: SimulatedResiduals) -> list[float]:
    """Return what ``dharma_tests()`` of the reference gives."""
    found: list[float] = []
    for side in ("two.sided", "greater", "less"):
        found += _figures(made.test_uniformity(side))
        found += _figures(made.test_dispersion(side))
        if not made.refit:
            found += _figures(made.test_zero_inflation(side))
        found += _figures(made.test_outliers(side, seed=5))
    found += _figures(made.test_outliers(type="binomial", margin="upper", seed=5))
    return found + _figures(made.test_outliers(type="bootstrap", margin="lower", n_boot=20, seed=5))


def _rows(made: ScaledResiduals) -> pd.DataFrame:
    return made.to_frame().dropna()


@pytest.mark.parametrize("name", NAMES)
def test_residuals_are_as_they_are_defined(name: str, plain: Any) -> None:
    fit = fitted(name)
    found, theirs = fit.simulated_residuals(50, 7), plain("defined", name=name, seed=7, n_sim=50)
    frame = _rows(found)
    for column, part in (("residual", "residuals"), ("fitted", "fitted"), ("observed", "observed")):
        assert_same_bits(frame[column], theirs[part])
    assert list(frame.index) == [int(row) - 1 for row in theirs["rows"]]
    assert len(found) == len(fit.residuals())
    assert found.test_uniformity().p_value == theirs["uniformity"][0]
    zeros = found.test_zero_inflation()
    assert_same_bits([zeros.statistic, zeros.p_value], [*theirs["zeros"], *theirs["zeros_p"]])


@pytest.mark.carried("DHARMa")
@pytest.mark.parametrize("ours", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_residuals_and_tests_are_dharmas(name: str, ours: bool, plain: Any) -> None:
    made, theirs = _by(name, ours=ours), plain("dharma", name=name, seed=7, n_sim=50)
    assert made.made_by.startswith("pymer_bridge" if ours else "DHARMa 0.")
    frame = _rows(made)
    for column, part in (("residual", "residuals"), ("fitted", "fitted"), ("observed", "observed")):
        assert_same_bits(frame[column], theirs[part])
    assert_same_bits(_tests(made), theirs["tests"])


@pytest.mark.carried("DHARMa")
@pytest.mark.parametrize("ours", [False, True])
@pytest.mark.parametrize("name", GROUPED)
def test_residuals_of_groups_are_dharmas(name: str, ours: bool, plain: Any) -> None:
    theirs = plain("dharma", name=name, seed=7, n_sim=50, grouped=True)
    made = _by(name, ours=ours).by_group(_group(name), seed=7)
    assert_same_bits(made.values, theirs["residuals"])
    assert_same_bits(made.fitted, theirs["fitted"])
    assert_same_bits(made.observed, theirs["observed"])
    assert_same_bits(_tests(made), theirs["tests"])


def _group(name: str) -> Any:
    if name in ("line", "times"):
        return pb.load_dataset("sleepstudy")["Subject"]
    if name == "plain_counts":
        return "period"
    return {"crossed": "sample", "slopes": "Subject", "excluded": "Subject"}.get(name, "herd")


@pytest.mark.carried("DHARMa")
@pytest.mark.parametrize("ours", [False, True])
@pytest.mark.parametrize("name", REFITTED)
def test_residuals_of_models_fitted_anew_are_dharmas(name: str, ours: bool, plain: Any) -> None:
    theirs = plain("dharma", name=name, seed=7, n_sim=12, refit=True)
    made = _by(name, ours=ours, refit=True)
    assert_same_bits(_rows(made)["residual"], theirs["residuals"])
    assert_same_bits(_tests(made), theirs["tests"])


@pytest.mark.carried("DHARMa")
@pytest.mark.parametrize("ours", [False, True])
@pytest.mark.parametrize("name", ["slopes", "crossed", "trials", "counts", "levels", "shares"])
def test_residuals_at_the_estimated_effects_are_dharmas_and_the_pictures(
    name: str, ours: bool, plain: Any
) -> None:
    theirs = plain("dharma", name=name, seed=7, n_sim=250, use_u=True)
    made = fitted(name)._scaled_residuals(250, 7, refit=False, use_u=True, ours=ours)
    assert_same_bits(made.values, theirs["residuals"])
    drawn = fitted(name).plot.residuals_fitted(kind="simulated", seed=7)
    assert_same_bits(drawn.collections[0].get_offsets()[:, 1], theirs["residuals"])


@pytest.mark.carried("DHARMa")
def test_quantiles_are_dharmas(plain: Any) -> None:
    made = fitted("slopes").simulated_residuals(50, 7)
    found = [made.test_quantiles(seed=7), made.test_quantiles("Days", seed=7)]
    figures = [[*(row.p_value for row in one), one.p_value] for one in found]
    assert_same_bits([*figures[0], *figures[1]], plain("dharma_quantiles", name="slopes", seed=7))
    assert found[0][0.5].p_value == figures[0][1]
    assert type(found[1]).from_dict(found[1].to_dict()) == found[1]


def test_without_dharma_quantiles_say_how_to_get_it() -> None:
    made = fitted("slopes").simulated_residuals(50)
    if made.made_by != "pymer_bridge":
        pytest.skip("this R has DHARMa")
    with pytest.raises(REnvironmentError, match="DHARMa"):
        made.test_quantiles()


def test_a_seed_gives_the_same_and_none_draws_on() -> None:
    fit = fitted("counts")
    one = fit.simulated_residuals(20, 3)
    assert one == fit.simulated_residuals(20, 3)
    others = [fit.simulated_residuals(20, None).values for _ in range(2)]
    assert not np.array_equal(*others)
    assert fit.check_predictions(20, 3) == fit.check_predictions(20, 3)


@pytest.mark.parametrize("ours", [False, True])
def test_the_generator_is_left_as_it_was(ours: bool) -> None:
    ask_r("set.seed", seed=3)
    before = ask_r("runif", n=2)
    ask_r("set.seed", seed=3)
    made = _by("counts", ours=ours)
    made.by_group("herd", seed=1)
    made.test_outliers(seed=2)
    made.plot(seed=3)
    fitted("counts").check_predictions(20)
    assert_same_bits(ask_r("runif", n=2), before)


def test_rows_that_were_left_out_are_missing_under_exclude() -> None:
    found = fitted("excluded").simulated_residuals(20)
    assert list(np.flatnonzero(np.isnan(found.values))) == [2, 49]
    assert len(fitted("gaps").simulated_residuals(20)) == len(found) - 2
    assert found.to_series().isna().sum() == 2


def test_residuals_are_stored_and_pickled_without_r() -> None:
    found = fitted("counts").simulated_residuals(20)
    assert type(pickle.loads(pickle.dumps(found))) is ScaledResiduals
    assert type(found).from_dict(found.to_dict()) == found
    test = found.test_outliers()
    assert ResidualTest.from_dict(test.to_dict()) == test
    assert test.to_frame().shape == (1, 7)
    grouped = found.by_group("herd")
    assert grouped.group == "herd"
    assert ", by group: herd, 20 simulations, by " in str(grouped)
    assert np.array_equal(np.asarray(grouped), grouped.values)


def test_wrong_arguments_name_themselves() -> None:
    fit, line = fitted("counts"), fitted("line")
    made = fit.simulated_residuals(20)
    assert "use_u=True" in refused(line.simulated_residuals, use_u=True)
    assert "refit=True" in refused(fit.simulated_residuals, refit=True, use_u=True)
    assert "herd" in refused(made.by_group, "nowhere")
    assert "already" in refused(made.by_group("herd").by_group, "herd")
    assert "period" in refused(made.plot, "nowhere")
    assert "along=" in refused(made.by_group("herd").plot, "period")
    assert "between 0 and 1" in refused(made.test_quantiles, quantiles=[2.0])
    with pytest.raises(OptionError, match="n_sim"):
        fit.simulated_residuals(1)
    quasi = pb.glm("incidence ~ period", pb.load_dataset("cbpp"), family="quasipoisson")
    with pytest.raises(RError, match="no distribution to draw from"):
        quasi.simulated_residuals()
    with pytest.raises(RError, match="no distribution to draw from"):
        quasi.check_predictions()


@pytest.mark.parametrize("name", NAMES)
def test_predictions_are_checked_by_what_simulate_draws(name: str, plain: Any) -> None:
    found = fitted(name).check_predictions(20, 7, conf_level=0.9)
    theirs = plain("predictive", name=name, seed=7, n_sim=20)
    kinds = {
        "ticks": "counts",
        "levels": "levels",
        "odds": "levels",
        "trials": "counts",
        "shares": "counts",
    }
    assert found.kind == kinds.get(name, "counts" if "counts" in name else "density")
    if found.kind == "levels":
        assert [row.value for row in found] == (
            ["well", "sick"] if name == "levels" else ["0", "1"]
        )
    else:
        places = [row.value for row in found]
        if name == "ticks":
            assert places.pop() == "60 or more"
            assert len(places) == 60
        assert_same_bits(places, theirs["places"][: len(places)])
    columns = {"observed": "observed", "conf_low": "low", "conf_high": "high"}
    for column, part in columns.items():
        assert_same_bits([getattr(row, column) for row in found], theirs[part])
    assert_same_bits(found.simulated.ravel(order="F"), theirs["simulated"])
    assert type(found).from_dict(found.to_dict()) == found
    assert found.observations == fitted(name).n_obs
