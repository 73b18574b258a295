"""Tidy tables against broom.mixed where it is installed, and against plain R by hand."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.probing import plain_r
from helpers.refusal import refused
from pymer_bridge.errors import OptionError, PymerWarning, REnvironmentError, RWarning
from pymer_bridge.session.r_session import session

pytestmark = [pytest.mark.r, pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning")]

REFERENCE = REFERENCES / "tidy.R"


@pytest.fixture(scope="module")
def plain() -> Any:
    """Return a function that calls plain R."""
    session().require("lmerTest")
    return plain_r(REFERENCE)


@pytest.fixture(scope="module")
def broom() -> bool:
    """Tell whether broom.mixed can be asked; scripts/setup.sh installs it where Debian has it."""
    try:
        session().require("broom.mixed")
    except REnvironmentError:
        return False
    return True


def _gaps() -> pd.DataFrame:
    data = pb.load_dataset("sleepstudy")
    data.loc[[2, 49], "Reaction"] = np.nan
    data.loc[6, "Days"] = np.nan
    data.index = pd.Index([f"row {i}" for i in range(1, len(data) + 1)])
    return data


@cache
def _fit(name: str) -> pb.LinearMixedModel:
    slopes = "Reaction ~ Days + (Days | Subject)"
    weighted: dict[str, Any] = {"weights": "1 / (1 + Days)", "offset": "Days"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PymerWarning)
        match name:
            case "slopes" | "slopes_ml":
                return pb.lmer(slopes, pb.load_dataset("sleepstudy"), reml=name == "slopes")
            case "uncorrelated":
                formula = "Reaction ~ Days + (Days || Subject)"
                return pb.lmer(formula, pb.load_dataset("sleepstudy"))
            case "crossed":
                formula = "diameter ~ 1 + (1 | plate) + (1 | sample)"
                return pb.lmer(formula, pb.load_dataset("Penicillin"))
            case "nested":
                return pb.lmer("strength ~ 1 + (1 | batch / cask)", pb.load_dataset("Pastes"))
            case "singular":
                return pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff2"))
            case "two_slopes":
                formula = "angle ~ temp + (temp | recipe:replicate) + (1 + temp | replicate)"
                control = pb.lmer_control(check_conv_grad="ignore")
                return pb.lmer(formula, pb.load_dataset("cake"), control=control)
            case "weighted":
                formula = "Reaction ~ Days + (1 | Subject)"
                return pb.lmer(formula, pb.load_dataset("sleepstudy"), reml=False, **weighted)
            case "omitted":
                return pb.lmer(slopes, _gaps())
            case "excluded":
                formula = "Reaction ~ Days + (1 | Subject)"
                return pb.lmer(formula, _gaps(), na_action="exclude", **weighted)
            case "matrix":
                formula = "Reaction ~ poly(Days, 2) + I(Days > 4) + (1 | Subject)"
                return pb.lmer(formula, pb.load_dataset("sleepstudy"))
    raise KeyError(name)


MODELS = (
    "slopes", "slopes_ml", "uncorrelated", "crossed", "nested", "singular", "two_slopes",
    "weighted", "omitted", "excluded", "matrix",
)  # fmt: skip
OTHERS = ("binomial", "poisson", "curve")


def _same_column(ours: Any, theirs: Any, name: str) -> None:
    if isinstance(theirs, tuple):
        assert tuple(None if value is None else str(value) for value in ours) == theirs, name
        return
    # R gives logicals where all is missing.
    theirs = np.where(theirs == -(2**31), np.nan, theirs.astype(float))
    ours = np.asarray(ours, dtype=float)
    assert np.array_equal(ours, theirs, equal_nan=True), (name, np.nanmax(np.abs(ours - theirs)))


def _same(ours: pd.DataFrame | dict[str, Any], theirs: dict[str, Any]) -> None:
    assert list(ours) == list(theirs)
    for name, column in theirs.items():
        _same_column(ours[name], column, name)


# -- tidy ----------------------------------------------------------------------------------------

ALL = ("fixed", "ran_pars", "ran_vals", "ran_coefs")


@pytest.mark.parametrize("tests", ["none", "satterthwaite"])
@pytest.mark.parametrize("name", MODELS)
def test_tidy_is_that_of_broom_mixed(plain: Any, broom: bool, name: str, tests: Any) -> None:
    fit = _fit(name)
    hand = {"name": name, "tests": tests}
    _same(fit.tidy("fixed", ddf=tests), plain("hand_fixed", **hand))
    _same(fit.tidy("fixed", ddf=tests, conf_int=True), plain("hand_fixed", **hand, level=0.95))
    _same(fit.tidy("ran_pars"), plain("hand_random", name=name))
    if broom:
        for effects in (*ALL, ("fixed", "ran_pars"), ALL):
            theirs = plain("broom_tidy", **hand, effects=effects)
            _same(fit.tidy(effects, ddf=tests), theirs)
        further = {"effects": ALL, "conf.int": True, "conf.level": 0.9}
        theirs = plain("broom_tidy", **hand, **further)
        _same(fit.tidy(ALL, ddf=tests, conf_int=True, conf_level=0.9), theirs)


@pytest.mark.parametrize("name", ["slopes_ml", "weighted"])
def test_profile_intervals_are_those_of_broom_mixed(plain: Any, broom: bool, name: str) -> None:
    ours = _fit(name).tidy(conf_int=True, conf_method="profile", conf_level=0.9, ddf="none")
    fixed = plain("hand_fixed", name=name, tests="none", level=0.9, method="profile")
    random = plain("hand_random", name=name, level=0.9)
    n = len(fixed["term"])
    for column in ("conf_low", "conf_high"):
        _same_column(ours[column], np.concatenate([fixed[column], random[column]]), column)
    assert tuple(ours["term"]) == fixed["term"] + random["term"]
    if broom and name == "weighted":  # profiles of slopes take long, and are held to R above
        further = {"conf.int": True, "conf.method": "profile", "conf.level": 0.9}
        _same(ours, plain("broom_tidy", name=name, tests="none", **further))
    # Here with tests as well; broom.mixed would give Wald intervals of the fixed effects.
    tested = _fit(name).tidy(conf_int=True, conf_method="profile", conf_level=0.9)
    _same_column(tested["conf_low"][:n], fixed["conf_low"], "conf_low")
    assert "p_value" in tested


@pytest.mark.parametrize("name", ["slopes_ml", "crossed"])
def test_bootstrap_intervals_are_those_of_broom_mixed(plain: Any, broom: bool, name: str) -> None:
    fit = _fit(name)
    ours = fit.tidy(conf_int=True, conf_method="boot", ddf="none", n_sim=10, seed=4)
    ends = plain("hand_bootstrap", name=name, n_sim=10, seed=4)
    for column in ("conf_low", "conf_high"):
        _same_column(ours[column], ends[column], column)
    if broom:
        # Of "ran_pars" broom.mixed 0.2.9.7 hands bootMer() an argument that it does not know.
        further = {"effects": "fixed", "conf.int": True, "conf.method": "boot"}
        theirs = plain("broom_tidy", name=name, tests="none", nsim=10, seed=4, **further)
        fixed = ours[ours["effect"] == "fixed"].drop(columns="group")
        _same(fixed, theirs)


def test_kenward_rogers_tests(plain: Any, broom: bool) -> None:
    ours = _fit("slopes").tidy("fixed", ddf="kenward-roger", conf_int=True)
    hand = {"name": "slopes", "tests": "kenward-roger"}
    _same(ours, plain("hand_fixed", **hand, level=0.95))
    if broom:
        _same(ours, plain("broom_tidy", **hand, effects="fixed", **{"conf.int": True}))


def test_normal_tests_have_p_values_and_no_df() -> None:
    fit = _fit("slopes")
    table = fit.tidy("fixed", ddf="normal", conf_int=True)
    normal = fit.fixed_effects(ddf="normal")
    assert "df" not in table
    assert list(table["p_value"]) == [row.p_value for row in normal]


def test_exponentials(plain: Any, broom: bool) -> None:
    fit = _fit("crossed")
    plainly, ours = (fit.tidy("fixed", conf_int=True, exponentiate=e) for e in (False, True))
    assert np.allclose(np.log(ours["conf_low"]), plainly["conf_low"])  # there and back is rounded
    if broom:
        further = {"effects": ALL, "conf.int": True, "exponentiate": True}
        ours = fit.tidy(ALL, ddf="none", conf_int=True, exponentiate=True)
        _same(ours, plain("broom_tidy", name="crossed", tests="none", **further))
    coefficients = [fit.tidy("ran_coefs", exponentiate_ran_coefs=e) for e in (False, True)]
    assert np.allclose(np.log(coefficients[1]["estimate"]), coefficients[0]["estimate"])


def test_variances_and_covariances(plain: Any, broom: bool) -> None:
    fit = _fit("slopes_ml")
    ours = fit.tidy("ran_pars", scale="vcov")
    assert {"var__(Intercept)", "cov__(Intercept).Days"} < set(ours["term"])
    table = _fit("weighted").tidy("ran_pars", scale="vcov", conf_int=True, conf_method="profile")
    _same(table, plain("hand_random", name="weighted", scale="vcov", level=0.95))
    _same(ours, plain("hand_random", name="slopes_ml", scale="vcov"))
    if broom:
        asked = {"name": "slopes_ml", "tests": "none", "effects": "ran_pars", "scales": "vcov"}
        _same(ours, plain("broom_tidy", **asked))


def test_a_method_without_intervals_says_so() -> None:
    fit = _fit("crossed")
    with pytest.warns(RWarning, match="CIs not available"):
        table = fit.tidy("ran_coefs", conf_int=True)
    assert table["conf_low"].isna().all()
    for wrong, arguments in {
        "Wald intervals only": {"effects": "ran_vals", "conf_int": True, "conf_method": "profile"},
        'scale="sdcor"': {"conf_int": True, "conf_method": "boot", "scale": "vcov"},
        "'ran_coefs'": {"effects": "random"},
        "at least one": {"effects": ()},
        "'satterthwaite'": {"ddf": "lme5"},
        "'profile'": {"conf_method": "Waldo"},
        "True or False": {"conf_int": "yes"},
    }.items():
        with pytest.raises(OptionError, match=wrong):
            fit.tidy(**arguments)


def test_frames_are_the_callers_own() -> None:
    fit = _fit("crossed")
    for ask in (fit.tidy, fit.glance, fit.augment):
        first = ask()
        first.iloc[:, 0] = first.iloc[0, 0]
        first["further"] = 1
        assert "further" not in ask()


# -- glance and augment --------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_glance_is_that_of_broom_mixed(plain: Any, broom: bool, name: str) -> None:
    ours = _fit(name).glance()
    _same(ours, plain("hand_glance", name=name))
    assert ours["nobs"].dtype.kind == "i"
    if broom:
        _same(ours, plain("broom_glance", name=name))


@pytest.mark.parametrize("name", MODELS)
def test_augment_is_that_of_broom_mixed(plain: Any, broom: bool, name: str) -> None:
    fit = _fit(name)
    ours = fit.augment()
    dropped = list(fit.dropped_rows)
    kept = ~np.isin(np.arange(fit.n_obs + len(dropped)), [2, 6, 49] if dropped else [])
    for column, values in plain("hand_augment", name=name).items():
        _same_column(ours[column], values if len(values) == fit.n_obs else values[kept], column)
    if broom:
        theirs = plain("broom_augment", name=name)
        rows = theirs.pop(".rownames", None)
        if name == "excluded":
            # There broom.mixed has as many predictions as data, and fewer rows.
            assert ".fixed" not in theirs
            del ours[".fixed"]
        _same(ours, theirs)
        if rows is not None:
            assert [f"row {row}" for row in rows] == list(ours.index)
    if dropped:
        assert not set(dropped) & set(ours.index)


def test_a_matrix_becomes_columns() -> None:
    columns = list(_fit("matrix").augment().columns)
    expected = ["Reaction", "poly(Days, 2).1", "poly(Days, 2).2", "I(Days > 4)", "Subject"]
    assert columns[:5] == expected


def test_new_data_keep_their_columns_and_index(plain: Any) -> None:
    fit = _fit("slopes")
    new = pd.DataFrame(
        {"Subject": ["308", "372"], "Days": [0.5, 12.0], "note": ["a", "b"]}, index=["x", "y"]
    )
    ours = fit.augment(new)
    assert list(ours.columns) == ["Subject", "Days", "note", ".fitted"]
    assert list(ours.index) == ["x", "y"]
    asked = {"Subject": ("308", "372"), "Days": np.array([0.5, 12.0])}
    theirs = plain("hand_predict", name="slopes", new_data=asked)
    _same_column(ours[".fitted"], theirs, ".fitted")
    assert list(new.columns) == ["Subject", "Days", "note"]


# -- any mixed model -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def other(plain: Any) -> Any:
    """Return a function that makes a model of another fit of lme4."""
    return lambda name: session().call("new_model", **plain("parts_of", name=name)).value


@pytest.mark.parametrize("name", OTHERS)
def test_other_mixed_models_are_tidied_alike(
    plain: Any, broom: bool, other: Any, name: str
) -> None:
    model = other(name)
    asked = {
        "conf_int": False, "conf_level": 0.95, "conf_method": "wald", "ends": None, "ddf": "none",
        "exponentiate": False, "exponentiate_ran_coefs": False, "scale": "sdcor",
    }  # fmt: skip
    ours = session().call("tidy_model", model=model, effects=("fixed",), **asked).value
    _same(ours, plain("hand_fixed", name=name, tests="none"))
    asked["conf_int"] = True
    ours = session().call("tidy_model", model=model, effects=("fixed",), **asked).value
    _same(ours, plain("hand_fixed", name=name, tests="none", level=0.95))
    _same(session().call("glance_model", model=model).value, plain("hand_glance", name=name))
    record = session().call("augment_model", model=model).value
    ours = {n: p["values"] for n, p in zip(record["names"], record["parts"], strict=True)}
    for column, values in plain("hand_augment", name=name).items():
        _same_column(ours[column], values, column)
    assert {len(values) for values in ours.values()} == {len(ours[".fitted"])}
    if broom:
        theirs = plain("broom_augment", name=name)
        assert list(theirs) == list(ours)
        unknown = np.isnan(theirs.get(".std.resid", np.zeros(1))).any()
        for column in list(theirs)[list(theirs).index(".fitted") :]:
            # Where a standardized residual is NaN broom.mixed shifts what comes after .fixed.
            if not (unknown and list(theirs).index(column) > list(theirs).index(".fixed")):
                _same_column(ours[column], theirs[column], column)
        effects = ("fixed", "ran_pars", "ran_vals")
        ours = session().call("tidy_model", model=model, effects=effects, **asked).value
        further = {"effects": effects, "conf.int": True}
        _same(ours, plain("broom_tidy", name=name, tests="none", **further))
        _same(session().call("glance_model", model=model).value, plain("broom_glance", name=name))


@pytest.fixture(scope="module")
def fit() -> Any:
    return pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))


@pytest.mark.r
def test_bootstrap_intervals_of_a_tidy_frame_are_of_standard_deviations(fit):
    said = refused(fit.tidy, conf_int=True, conf_method="boot", scale="vcov")
    assert said == 'conf_method="boot" goes with scale="sdcor"'


@pytest.mark.r
def test_effects_of_a_tidy_frame_are_named(fit):
    assert refused(fit.tidy, effects=()) == "effects must name at least one kind of effect"


@pytest.mark.r
def test_normal_tests_go_with_every_kind_of_model():
    data = pb.load_dataset("cbpp")
    data["sick"] = data["incidence"] / data["size"]
    model = pb.glmer("sick ~ period + (1 | herd)", data, family="binomial", weights="size")
    said = refused(model.tidy, ddf="satterthwaite")
    assert said == "ddf='satterthwaite' goes with linear mixed models only; here it is 'none'"
    assert model.tidy(effects="fixed", ddf="none")["term"].tolist()[0] == "(Intercept)"
    assert "takes a model of lmer()" in refused(model.pooling)
