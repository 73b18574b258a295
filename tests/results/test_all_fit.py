"""allFit() against plain R, in the same process and to the last bit."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.live import assert_same_bits
from helpers.probing import plain_r
from pymer_bridge.errors import OptionError, PymerWarning
from pymer_bridge.replicates import parallel
from pymer_bridge.results.all_fit import AllFit
from pymer_bridge.results.decode.all_fit import all_fit
from pymer_bridge.session.r_session import session

pytestmark = [pytest.mark.r, pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning")]

REFERENCE = REFERENCES / "all_fit.R"
OPTIONAL = {"nmkbw": "dfoptim", "optimx.L-BFGS-B": "optimx"}


@pytest.fixture(scope="module")
def plain() -> Any:
    """Return a function that calls plain R."""
    return plain_r(REFERENCE)


def _gaps() -> pd.DataFrame:
    data = pb.load_dataset("sleepstudy")
    data.loc[[2, 49], "Reaction"] = np.nan
    data.loc[6, "Days"] = np.nan
    return data


@cache
def _fit(name: str) -> pb.LinearMixedModel:
    sleepstudy = pb.load_dataset("sleepstudy")
    slopes = "Reaction ~ Days + (Days | Subject)"
    intercepts = "Reaction ~ Days + (1 | Subject)"
    weighted: dict[str, Any] = {"weights": "1 / (1 + Days)", "offset": "Days"}
    control = pb.lmer_control("bobyqa", optCtrl={"rhobeg": 0.2}, calc_derivs=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PymerWarning)
        match name:
            case "slopes":
                # The name of an argument of allFit(), which is not to be taken for it.
                return pb.lmer(slopes, sleepstudy, data_name="data")
            case "slopes_ml":
                return pb.lmer(slopes, sleepstudy, reml=False)
            case "crossed":
                formula = "diameter ~ 1 + (1 | plate) + (1 | sample)"
                return pb.lmer(formula, pb.load_dataset("Penicillin"))
            case "nested":
                return pb.lmer("strength ~ 1 + (1 | batch / cask)", pb.load_dataset("Pastes"))
            case "singular":
                return pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff2"))
            case "weighted":
                return pb.lmer(intercepts, sleepstudy, reml=False, **weighted)
            case "controlled":
                return pb.lmer(slopes, sleepstudy, control=control)
            case "excluded":
                weights = 1 / (1 + _gaps()["Days"].to_numpy())
                return pb.lmer(
                    intercepts, _gaps(), na_action="exclude", weights=weights, offset="Days"
                )
    raise KeyError(name)


MODELS = (
    "slopes", "slopes_ml", "crossed", "nested", "singular", "weighted", "controlled", "excluded",
)  # fmt: skip


def _assert_same(ours: AllFit, theirs: dict[str, Any]) -> None:
    there = [row for row in ours.rows if row.available]
    assert tuple(row.optimizer for row in there) == theirs["optimizers"]
    assert [row.ok for row in there] == [bool(ok) for ok in theirs["ok"]]
    made = [row for row in there if row.ok]
    assert [row.log_likelihood for row in made] == theirs["llik"].tolist()
    for field, name in (("fixed_effects", "fixef"), ("sdcor", "sdcor"), ("theta", "theta")):
        values = [value for row in made for value in getattr(row, field).values()]
        assert values == theirs[name].tolist(), name
    evaluations = [np.nan if row.evaluations is None else row.evaluations for row in made]
    assert np.array_equal(evaluations, theirs["feval"], equal_nan=True)
    assert tuple(row.messages for row in made) == tuple(m or () for m in theirs["msgs"])
    assert tuple(made[0].theta or ()) == theirs["theta_names"]


@pytest.mark.parametrize("name", MODELS)
def test_figures_are_those_of_rs_summary(plain: Any, name: str) -> None:
    fit = _fit(name)
    ours = fit.all_fit()
    theirs = plain("summary_of", name=name)
    _assert_same(ours, theirs)
    assert len({row.optimizer for row in ours.rows}) == 7
    # The name of the data is the one thing that differs between the two.
    lines = [line for line in ours.text.splitlines() if not line.startswith("data:")]
    expected = [line for line in theirs["printed"] if not line.startswith("data:")]
    assert lines[1:] == expected[1:]
    for row in ours.rows:
        if row.ok:
            assert list(row.fixed_effects or ()) == [r.term for r in fit.fixed_effects("none").rows]
            assert row.singular == (name == "singular")


def test_names_belong_to_their_figures() -> None:
    fit = _fit("slopes_ml")
    row = fit.all_fit("nloptwrap.NLOPT_LN_BOBYQA").rows[0]
    components = fit.variance_components
    assert row.sdcor is not None
    expected = {
        "sd_(Intercept)|Subject": components["Subject", "(Intercept)"].std_dev,
        "sd_Days|Subject": components["Subject", "Days"].std_dev,
        "cor_Days.(Intercept)|Subject": components.correlation("Subject", "(Intercept)", "Days"),
        "sigma": components["Residual"].std_dev,
    }
    assert row.sdcor.keys() == expected.keys()
    # Another start and another limit: the same optimum to what the optimizer's tolerance allows.
    assert np.allclose(list(row.sdcor.values()), list(expected.values()), rtol=1e-3)


def test_other_mixed_models_are_fitted_alike(plain: Any) -> None:
    model = session().call("new_model", **plain("parts_of", name="binomial")).value
    asked = {"optimizers": None, "max_evaluations": 1e5}
    record = session().call("all_fit", model=model, **asked).value
    _assert_same(all_fit(record), plain("summary_of", name="binomial"))


def test_a_missing_package_is_told() -> None:
    installed = {
        package: bool(session().call("system.file", package=package).value[0])
        for package in OPTIONAL.values()
    }
    found = _fit("crossed").all_fit(tuple(OPTIONAL))  # type: ignore[arg-type]
    for row in found.rows:
        assert row.package == OPTIONAL[row.optimizer]
        assert row.available == installed[row.package]
        if not row.available:
            assert not row.ok
            assert row.error is not None
            assert row.package in row.error
    if not any(installed.values()):
        assert found.agreement.rows == ()
        assert "needs optimx" in str(found)


def test_agreement_is_the_range_of_the_fits() -> None:
    found = _fit("slopes").all_fit(["bobyqa", "Nelder_Mead"])
    for row in found.agreement:
        assert row.spread == row.maximum - row.minimum
    days = [row.fixed_effects["Days"] for row in found.rows if row.fixed_effects]
    agreed = found.agreement["fixed", "Days"]
    assert (agreed.minimum, agreed.maximum) == (min(days), max(days))
    names = {(row.kind, row.name) for row in found.agreement}
    assert ("log_likelihood", "log_likelihood") in names
    assert ("sdcor", "sigma") in names
    assert found.agreement["log_likelihood", "log_likelihood"].spread < 1e-4  # optimizers stop near
    assert found.timing["bobyqa"].seconds >= 0
    assert found.timing["bobyqa"].evaluations == found["bobyqa"].evaluations


def test_an_optimizer_that_fails_is_kept() -> None:
    figures = {"names": ("x",), "values": np.array([1.5])}
    record = {
        "optimizer": ("bobyqa", "nmkbw", "nlminbwrap"), "package": (None, "dfoptim", None),
        "available": np.array([1, 0, 1]), "ok": np.array([0, 1]), "errors": ("it broke", None),
        "messages": ((),), "converged": np.array([1]), "singular": np.array([0]),
        "log_likelihood": np.array([-3.0]), "evaluations": np.array([np.nan]),
        "seconds": np.array([0.1]), "fixed": figures, "sdcor": figures, "theta": figures,
        "text": ("printed",),
    }  # fmt: skip
    found = all_fit(record)
    assert found["bobyqa"].error == "it broke"
    assert found["nlminbwrap"].fixed_effects == {"x": 1.5}
    assert "failed" in str(found)


def test_nothing_is_left_in_the_models_environment() -> None:
    fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"), data_name="ctrl")
    before = fit.fixed_effects("none").rows
    fit.all_fit("bobyqa")
    env = session().call("get", x="frame_env", envir=fit._model).value
    assert session().call("ls", name=env).value == ("ctrl",)
    assert fit.confint("wald")["(Intercept)"].conf_low is not None
    assert fit.fixed_effects("none").rows == before
    assert fit.all_fit(["bobyqa"]).rows[0].ok


def test_it_comes_back_from_json_and_shows_itself() -> None:
    found = _fit("slopes").all_fit()
    back = AllFit.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))
    assert back == found
    frame = back.to_frame()
    assert len(frame) == 7
    assert {"Days", "sigma", "theta_Subject.Days"} < set(frame.columns)
    assert frame["log_likelihood"].dtype == "float64"
    shown = str(found)
    assert shown.startswith("original model:")
    assert "Agreement of the optimizers\n" in shown
    for text in (found._repr_html_(), found.to_markdown(), found.to_latex(), str(found.timing)):
        assert "bobyqa" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"optimizers": "bobyqa2"}, "'bobyqa'"),
        ({"optimizers": []}, "one or more different"),
        ({"optimizers": ["bobyqa", "bobyqa"]}, "one or more different"),
        ({"max_evaluations": 0}, "at least 1"),
    ],
)
def test_wrong_use_is_answered_plainly(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        _fit("crossed").all_fit(**arguments)


def test_agreement_of_optimizers_is_rs_range(single_figures: dict[str, Any]) -> None:
    rows = _fit("slopes").all_fit().agreement.rows
    names = ("minimum", "maximum", "spread")
    assert_same_bits(
        [getattr(row, name) for name in names for row in rows], single_figures["agreement"]
    )


def test_fits_of_several_processes_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what R warns of, and the optimizers whose package is not there."""
    data = pb.load_dataset("sleepstudy")
    data["big"] = data["Days"] * 1e5
    formula = "Reaction ~ big + (big | Subject)"
    alone = pb.lmer(formula, data).all_fit(max_evaluations=60)
    assert alone.warnings
    monkeypatch.setattr(parallel, "START_SECONDS", 0.0)
    for n_jobs in (2, 3):
        shared = pb.lmer(formula, data)
        found = shared.all_fit(max_evaluations=60, n_jobs=n_jobs)
        assert found.warnings == alone.warnings
        assert found.messages == alone.messages
        assert [replace(row, seconds=None) for row in found.rows] == [
            replace(row, seconds=None) for row in alone.rows
        ]
        assert found.agreement == alone.agreement
        assert shared.all_fit(max_evaluations=60) is found
