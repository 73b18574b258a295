"""Predictions and simulations against plain R, in the same process and to the last bit."""

from __future__ import annotations

import dataclasses
import itertools
import json
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers.fits import FITS, SLOPES, fit_of, gaps, plain, same, wrapped
from helpers.live import ask_r
from helpers.probing import probe
from pymer_bridge.data import frames
from pymer_bridge.errors import (
    DataConversionError,
    FormulaError,
    OptionError,
    REnvironmentError,
    RError,
    RWarning,
)
from pymer_bridge.results.prediction import Predictions, Simulations

pytestmark = pytest.mark.r

__all__ = ["plain"]  # a fixture


NEW: dict[str, dict[str, list[Any]]] = {
    "slopes": {"Days": [0.0, 4.5, 12.0], "Subject": ["308", "372", "309"]},
    "slopes_ml": {"Days": [1.0], "Subject": ["335"]},
    "uncorrelated": {"Subject": ["308", "372"], "Days": [2.0, 3.0]},
    "crossed": {"plate": ["a", "c", "x"], "sample": ["F", "A", "B"]},
    "nested": {"batch": ["A", "J"], "cask": ["a", "c"]},
    "weighted": {"Days": [3.0, 11.0], "Subject": ["308", "309"]},
    "poly": {"Days": [0.5, 8.0], "Subject": ["308", "310"]},
    "spline": {"Days": [0.5, 8.0, 11.0], "Subject": ["308", "310", "371"]},
    "factor": {
        "recipe": ["C", "A"], "temperature": ["225", "175"], "replicate": ["1", "15"],
    },
    "contrasts": {
        "recipe": ["C", "A"], "temp": [200.0, 175.0], "replicate": ["1", "15"],
    },
    "rank_deficient": {"Days": [3.0, 11.0], "Subject": ["308", "309"]},
    "strings": {"Days": [3.0, 8.0], "Week": ["2nd", "1st"], "Subject": ["351", "308"]},
    "singular": {"Batch": ["A", "F"]},
    "dot": {"Days": [1.5, 2.5], "Subject": ["308", "309"]},
    "missing": {"Days": [1.5, 2.5], "Subject": ["308", "309"]},
    "missing_exclude": {"Days": [1.5, 2.5], "Subject": ["308", "309"]},
    "subset": {"Days": [0.0, 2.5], "Subject": ["308", "309"]},
}  # fmt: skip


@pytest.fixture(scope="module", params=list(FITS))
def model(request: pytest.FixtureRequest) -> tuple[str, pb.LinearMixedModel]:
    return request.param, fit_of(request.param)


def as_r(columns: dict[str, list[Any]]) -> dict[str, Any]:
    return {
        name: np.array(values) if isinstance(values[0], float) else values
        for name, values in columns.items()
    }


def labels(names: tuple[str, ...]) -> list[int]:
    return [int(name) - 1 for name in names]


# -- predictions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("re_form", [None, "population"])
def test_predictions_at_the_data(model: Any, plain: Any, re_form: str | None) -> None:
    name, fit = model
    ours = fit.predict(re_form=re_form)
    theirs = plain("predictions_of", name=name, re_form="NA" if re_form else None)
    same(ours.values, theirs["values"])
    assert list(ours.index) == labels(theirs["names"])
    assert not ours.values.flags.writeable
    if re_form is None and name != "missing_exclude":
        same(ours.values, fit.fitted)


@pytest.mark.parametrize("name", list(NEW))
@pytest.mark.parametrize("re_form", [None, "population"])
def test_predictions_at_new_data(plain: Any, name: str, re_form: str | None) -> None:
    fit = fit_of(name)
    new = pd.DataFrame(NEW[name])
    new.index = pd.Index([f"row {i}" for i in range(len(new))])
    ours = fit.predict(new, re_form)
    theirs = plain(
        "predictions_of", name=name, new_data=as_r(NEW[name]), re_form="NA" if re_form else None
    )
    same(ours.values, theirs["values"])
    assert ours.index.equals(new.index)
    assert ours.to_series().index.equals(new.index)
    assert ours.to_frame().index.equals(new.index)


@pytest.mark.parametrize(
    ("name", "re_form"),
    [
        ("slopes", "~ (1 | Subject)"),
        ("slopes", "~ (0 + Days | Subject)"),
        ("crossed", "~ (1 | plate)"),
        ("nested", "~ (1 | batch)"),
    ],
)
def test_some_random_effects(plain: Any, name: str, re_form: str) -> None:
    fit = fit_of(name)
    same(
        fit.predict(re_form=re_form).values,
        plain("predictions_of", name=name, re_form=re_form)["values"],
    )
    # The grouping factors that do not count need not be there.
    new = {key: NEW[name][key] for key in NEW[name] if key in re_form or key == "Days"}
    ours = fit.predict(pd.DataFrame(new), re_form)
    same(ours, plain("predictions_of", name=name, new_data=as_r(new), re_form=re_form)["values"])


def test_new_levels(plain: Any) -> None:
    fit = fit_of("slopes")
    new = {"Days": [1.0, 2.0], "Subject": ["308", "of another study"]}
    with pytest.raises(RError, match="new levels detected in newdata") as caught:
        fit.predict(new)
    assert "allow_new_levels=True" in str(caught.value)
    ours = fit.predict(new, allow_new_levels=True)
    theirs = plain("predictions_of", name="slopes", new_data=as_r(new), new_levels=True)
    same(ours, theirs["values"])
    same(ours.values[1:], fit.predict({"Days": [2.0]}, "population"))
    with pytest.raises(RError, match="factor recipe has new level"):
        fit_of("factor").predict(NEW["factor"] | {"recipe": ["C", "Z"]})


def test_new_data_of_any_kind() -> None:
    fit = fit_of("strings")
    new = NEW["strings"]
    ours = fit.predict(new)
    for column in ("Week", "Subject"):
        frame = pd.DataFrame(new)
        frame[column] = frame[column].astype("category")
        same(fit.predict(frame), ours)
    frame = pd.DataFrame(new)
    frame["Subject"] = frame["Subject"].astype(int)
    frame["unused"] = [object(), object()]
    same(fit.predict(frame), ours)


def test_missing_values_in_new_data() -> None:
    fit = fit_of("slopes")
    ours = fit.predict({"Days": [1.0, np.nan], "Subject": ["308", "309"]})
    assert np.isfinite(ours.values[0])
    assert np.isnan(ours.values[1])


GROUPS = ("Subject", "plate", "sample", "batch", "cask", "replicate", "Batch")


@pytest.mark.parametrize("name", list(NEW))
@pytest.mark.parametrize("re_form", [None, "population"])
def test_rows_with_missing_values_touch_no_other(
    plain: Any, name: str, re_form: str | None
) -> None:
    """Levels and numbers, of predictors and of grouping factors, one of them or several."""
    fit = fit_of(name)
    columns = list(NEW[name])
    theirs = plain(
        "predictions_of", name=name, new_data=as_r(NEW[name]), re_form="NA" if re_form else None
    )["values"]
    n = len(theirs)
    sets = [c for k in range(1, len(columns) + 1) for c in itertools.combinations(columns, k)]
    for kind in ("category", "object"):
        new = pd.DataFrame(NEW[name])
        for column in new.columns[[isinstance(NEW[name][c][0], str) for c in new]]:
            new[column] = new[column].astype(kind)
        for lacking in sets:
            # A row with missing values before and between the others.
            gappy = pd.concat([new.iloc[:1], new.iloc[:1], new.iloc[:1], new.iloc[1:]])
            gappy.index = pd.Index([f"row {i}" for i in range(n + 2)])
            for column in lacking:
                gappy.loc[["row 0", "row 2"], column] = np.nan
            arguments: list[dict[str, Any]] = [{}]
            if re_form is not None:
                arguments.append({"std_error": True, "interval": "confidence"})
            for further in arguments:
                ours = fit.predict(gappy, re_form, **further)
                same(np.delete(ours.values, [0, 2]), theirs)
                counted = set(lacking) if re_form is None else set(lacking) - set(GROUPS)
                if counted:
                    assert np.isnan(ours.values[[0, 2]]).all()
                else:
                    same(ours.values[[0, 2]], theirs[[0, 0]])
                if further:
                    whole = fit.predict(new, re_form, **further)
                    for figure in ("std_error", "conf_low", "conf_high"):
                        given = np.delete(getattr(ours, figure), [0, 2])
                        same(given, getattr(whole, figure))
            nothing = fit.predict(gappy.iloc[[0, 2]], re_form).values
            assert np.isnan(nothing).all() == bool(counted)


def test_a_missing_group_is_a_new_level_where_these_are_allowed(plain: Any) -> None:
    new = {"Days": [1.0, 2.0], "Subject": ["308", None]}
    ours = fit_of("slopes").predict(new, allow_new_levels=True)
    known = {"Days": [1.0, 2.0], "Subject": ["308", "of another study"]}
    theirs = plain("predictions_of", name="slopes", new_data=as_r(known), new_levels=True)
    same(ours, theirs["values"])


def test_other_models_predict_where_they_can() -> None:
    cbpp = pb.load_dataset("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    herds = pb.glmer(formula, cbpp, family="binomial")
    cake = pb.load_dataset("cake")
    plain = pb.lm("angle ~ recipe * temp", cake)
    odd = pb.glm("I(angle > 30) ~ recipe + temp", cake, family="binomial")
    slopes = pb.lmer("angle ~ temp + (0 + recipe | replicate)", cake)
    fits: list[tuple[Any, pd.DataFrame, list[str]]] = [
        (herds, cbpp, ["period", "herd"]),
        (plain, cake, ["recipe", "temp"]),
        (odd, cake, ["recipe", "temp"]),
        (slopes, cake, ["recipe", "temp", "replicate"]),
    ]
    for fit, data, columns in fits:
        whole = fit.predict(data.iloc[:8], type="response").values
        for column in columns:
            gappy = data.iloc[:8].copy()
            gappy.loc[gappy.index[[1, 5]], column] = np.nan
            ours = fit.predict(gappy, type="response").values
            assert np.flatnonzero(np.isnan(ours)).tolist() == [1, 5]
            same(np.delete(ours, [1, 5]), np.delete(whole, [1, 5]))


@pytest.mark.filterwarnings("ignore::pymer_bridge.RWarning")
def test_a_bootstrap_of_predictions_has_the_rows_that_can_be() -> None:
    fit, cake = fit_of("factor"), pb.load_dataset("cake").iloc[:6].copy()
    whole = fit.bootstrap(n_sim=20, seed=3, statistic="predictions", new_data=cake)
    for column in ("recipe", "temperature", "replicate"):
        gappy = cake.copy()
        gappy.loc[gappy.index[2], column] = np.nan
        ours = fit.bootstrap(n_sim=20, seed=3, statistic="predictions", new_data=gappy)
        assert ours.names == whole.names
        assert ours.counts.n_failed == 0
        assert np.isnan(ours.replicates[:, 2]).all()
        same(np.delete(ours.replicates, 2, axis=1), np.delete(whole.replicates, 2, axis=1))
        intervals = ours.confint().to_frame()
        assert np.flatnonzero(intervals["conf_low"].isna()).tolist() == [2]
        same(intervals["conf_low"].drop(2), whole.confint().to_frame()["conf_low"].drop(2))
        assert np.isnan(ours.p_values().to_frame()["p_value"][2])


def test_simulations_say_which_columns_have_missing_values() -> None:
    for column in ("recipe", "replicate"):
        gappy = pb.load_dataset("cake").iloc[:6].copy()
        gappy.loc[gappy.index[2], column] = np.nan
        with pytest.raises(DataConversionError, match=f"missing values in column '{column}'"):
            fit_of("factor").simulate(new_data=gappy, seed=1)


@pytest.mark.parametrize(
    ("name", "left_out", "re_form"),
    [
        ("slopes", "Days", None),
        ("slopes", "Days", "population"),
        ("slopes", "Subject", None),
        ("crossed", "sample", None),
        ("crossed", "plate", "~ (1 | plate)"),
        ("weighted", "Days", "population"),
        ("poly", "Days", None),
        ("dot", "Days", "population"),
        ("factor", "replicate", None),
    ],
)
def test_a_missing_column_is_named(name: str, left_out: str, re_form: str | None) -> None:
    new = {key: values for key, values in NEW[name].items() if key != left_out} | {"more": [1.0]}
    new = {key: values[:1] for key, values in new.items()}
    with pytest.raises(DataConversionError, match=f"no column '{left_out}'.*it has: .*'more'"):
        fit_of(name).predict(new, re_form)


def test_a_column_that_r_would_find_elsewhere_is_missing() -> None:
    data = pb.load_dataset("sleepstudy").rename(columns={"Days": "time"})
    fit = pb.lmer("Reaction ~ time + (1 | Subject)", data)
    with pytest.raises(DataConversionError, match="no column 'time'"):
        fit.predict({"Subject": ["308"]})


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"type": "terms"}, OptionError, "type='terms' is not accepted"),
        ({"interval": "credible"}, OptionError, "interval='credible' is not accepted"),
        ({"conf_level": 1.5}, OptionError, "conf_level"),
        ({"std_error": "yes"}, OptionError, "std_error"),
        ({"allow_new_levels": 1}, OptionError, "allow_new_levels"),
        ({"re_form": "Subject"}, FormulaError, "one-sided formula"),
        ({"re_form": "NA"}, FormulaError, "one-sided formula"),
        ({"re_form": "y ~ (1 | Subject)"}, FormulaError, "one-sided formula"),
        ({"re_form": "~ (1 | "}, FormulaError, "cannot read the re_form"),
        ({"re_form": "~ (system('true') | Subject)"}, FormulaError, "calls 'system'"),
        ({"re_form": "~ (1 | school)"}, DataConversionError, "'school'"),
        ({"new_data": 3}, DataConversionError, "frame"),
        ({"new_data": {"Days": [], "Subject": []}}, DataConversionError, "no rows"),
    ],
)
def test_bad_arguments_are_named(arguments: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        fit_of("slopes").predict(**arguments)


def test_terms_that_the_model_has_not_are_rs_error() -> None:
    with pytest.raises(RError, match="not present in original model"):
        fit_of("crossed").predict(NEW["crossed"], re_form="~ (1 | plate:sample)")


def test_a_lost_offset_is_told(plain: Any) -> None:
    fit = fit_of("offset_argument")
    new = {"Days": [3.0], "Subject": ["308"]}
    with pytest.warns(RWarning, match="leave out the offset"):
        ours = fit.predict(new)
    same(ours, plain("predictions_of", name="offset_argument", new_data=as_r(new))["values"])
    assert "leave out the offset" in ours.warnings[0]


@pytest.mark.parametrize("name", ["missing", "missing_exclude", "subset"])
def test_rows_never_slip(plain: Any, name: str) -> None:
    fit = fit_of(name)
    newest = (
        plain("gives_std_errors")[0] and plain("packageVersion_at_least", version="1.1-35.4")[0]
    )
    if name == "subset" or not newest:
        with pytest.raises(RError, match="give the rows as new data"):
            fit.predict(re_form="~ (1 | Subject)")
        with pytest.raises(RError, match="give the rows as new data"):
            fit.simulate(use_u=True)
        return
    ours = fit.predict(re_form="~ (1 | Subject)")
    new = gaps()
    at_rows = fit.predict(new, "~ (1 | Subject)")
    used = ours.to_series().dropna()
    same(used, at_rows.to_series()[used.index])


# -- standard errors and intervals ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "design"),
    [
        ("slopes", "~ Days"),
        ("slopes_ml", "~ Days"),
        ("weighted", "~ Days"),
        ("missing", "~ Days"),
        ("rank_deficient", "~ I(2 * Days)"),
        ("singular", "~ 1"),
    ],
)
def test_population_standard_errors(plain: Any, name: str, design: str) -> None:
    fit = fit_of(name)
    new = as_r(NEW[name])
    ours = fit.predict(NEW[name], "population", std_error=True)
    by_hand = plain("population_std_errors", name=name, formula=design, new_data=new)
    if plain("gives_std_errors")[0]:
        same(ours.std_error, plain("std_errors_of", name=name, new_data=new, re_form="NA"))
        # R takes another way to the same figures: alike to rounding.
        np.testing.assert_allclose(ours.std_error, by_hand, rtol=1e-10)
    else:
        same(ours.std_error, by_hand)
    assert ours.conf_low is None


@pytest.mark.parametrize(
    "name", ["poly", "spline", "factor", "strings", "dot", "contrasts", "rank_deficient"]
)
def test_the_design_at_new_data_is_predicts(name: str) -> None:
    """The design behind the standard errors gives R's predictions, to the last bit."""
    fit = fit_of(name)
    table = pd.DataFrame(NEW[name])
    frame = frames.collect(table, set(fit.columns)).to_r()
    ours = probe("designed_prediction", model=fit._model, frame=frame).value
    same(ours, fit.predict(table, "population"))


def test_standard_errors_with_random_effects(plain: Any) -> None:
    fit = fit_of("slopes")
    if not plain("gives_std_errors")[0]:
        with pytest.raises(REnvironmentError, match=r"need lme4 1\.1-35 or newer"):
            fit.predict(std_error=True)
        with pytest.raises(REnvironmentError, match=r"need lme4 1\.1-35 or newer"):
            fit.predict(interval="confidence")
        return
    ours = fit.predict(std_error=True)
    same(ours.std_error, plain("std_errors_of", name="slopes"))
    # Another way to the same figures: alike to rounding.
    np.testing.assert_allclose(
        ours.std_error, plain("henderson_std_errors", name="slopes"), rtol=1e-8
    )
    exclude = fit_of("missing_exclude").predict(std_error=True)
    assert np.isnan(exclude.std_error[[2, 6, 49]]).all()
    same(np.delete(exclude.std_error, [2, 6, 49]), plain("std_errors_of", name="missing_exclude"))


@pytest.mark.parametrize("name", ["unbalanced", "nested"])
def test_wrong_standard_errors_are_told(plain: Any, name: str) -> None:
    if not plain("gives_std_errors")[0]:
        with pytest.raises(REnvironmentError, match=r"1\.1-35"):
            fit_of(name).predict(std_error=True)
        return
    with pytest.warns(RWarning, match="wrongly for models like this one"):
        ours = fit_of(name).predict(std_error=True)
    same(ours.std_error, plain("std_errors_of", name=name))
    # Should this fail, lme4 has fixed it, and the warning can go.
    right = plain("henderson_std_errors", name=name)
    assert np.max(np.abs(ours.std_error / right - 1)) > 0.1
    assert not fit_of(name).predict(re_form="population", std_error=True).warnings


@pytest.mark.parametrize("name", ["slopes", "poly"])
def test_intervals(plain: Any, name: str) -> None:
    fit = fit_of(name)
    new = as_r(NEW[name])
    ours = fit.predict(NEW[name], "population", interval="confidence", conf_level=0.9)
    theirs = plain("link_interval", name=name, new_data=new, level=0.9, type="link")
    same(np.concatenate([ours.conf_low, ours.conf_high]), theirs)
    assert ours.std_error is None
    assert ours.conf_level == 0.9
    assert ours.rows[0].conf_low == ours.conf_low[0]


def test_a_generalized_model(plain: Any) -> None:
    fit = wrapped(plain, "counts", ("incidence", "size", "period", "herd"), 56)
    new = {"period": ["1", "4"], "herd": ["1", "15"]}
    for scale in ("link", "response"):
        for re_form in (None, "population"):
            theirs = {"name": "counts", "re_form": "NA" if re_form else None, "type": scale}
            same(fit.predict(None, re_form, scale), plain("predictions_of", **theirs)["values"])
            same(
                fit.predict(new, re_form, scale),
                plain("predictions_of", new_data=new, **theirs)["values"],
            )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RWarning)  # of an approximation, where R has se.fit
        ours = fit.predict(
            new, "population", "response", std_error=True, interval="confidence", conf_level=0.8
        )
    theirs = plain("link_interval", name="counts", new_data=new, level=0.8, type="response")
    same(np.concatenate([ours.conf_low, ours.conf_high]), theirs)
    assert (ours.conf_low > 0).all()
    assert (ours.conf_high < 1).all()
    if plain("packageVersion_at_least", version="1.1-38")[0]:
        asked = {"name": "counts", "new_data": new, "re_form": "NA", "type": "response"}
        same(ours.std_error, plain("std_errors_of", **asked))
        assert "approximation" in ours.warnings[0]


def test_a_nonlinear_model(plain: Any) -> None:
    fit = wrapped(plain, "nonlinear", ("circumference", "age", "Tree"), 35)
    same(fit.predict(), plain("predictions_of", name="nonlinear")["values"])
    with pytest.raises(RError, match="no standard errors"):
        fit.predict(std_error=True)
    with pytest.raises(RError):
        fit.simulate()


@pytest.mark.parametrize(
    "given", [{"re_form": "population"}, {"new_data": {"age": [118, 484], "Tree": ["1", "2"]}}]
)
def test_what_r_calls_predictions_of_a_nonlinear_model_elsewhere(given: dict[str, Any]) -> None:
    """They are its parameters, or R stops."""
    data = pb.load_dataset("Orange", package="datasets")
    formula = "circumference ~ SSlogis(age, Asym, xmid, scal) ~ (Asym | Tree)"
    fit = pb.nlmer(formula, data, start={"Asym": 200, "xmid": 725, "scal": 350})
    assert len(fit.predict()) == len(data)
    with pytest.raises(RError, match="only at its own data with all random effects"):
        fit.predict(**given)


# -- what predictions are ------------------------------------------------------------------------


def test_predictions_as_a_result() -> None:
    fit = fit_of("slopes")
    table = pd.DataFrame(NEW["slopes"], index=pd.Index(["a", "b", "b"], name="who"))
    ours = fit.predict(table, "population", interval="confidence", std_error=True)
    assert len(ours) == 3
    assert ours["a"].estimate == ours.values[0]
    with pytest.raises(KeyError, match="several rows"):
        ours["b"]
    with pytest.raises(KeyError):
        ours["c"]
    assert list(ours.to_frame().columns) == ["estimate", "std_error", "conf_low", "conf_high"]
    assert fit.predict(table).to_frame()["std_error"].isna().all()
    assert ours.to_series().name == "estimate"
    assert str(ours).splitlines()[1].split() == [
        "Estimate",
        "Std.",
        "Error",
        "Conf.",
        "low",
        "Conf.",
        "high",
    ]
    assert "<table" in ours._repr_html_()
    assert ours.to_markdown()
    assert ours.to_latex()
    array = np.asarray(ours)
    array[0] = 0.0
    assert ours.values[0] != 0.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        ours.scale = "response"  # type: ignore[misc]
    again = Predictions.from_dict(json.loads(json.dumps(ours.to_dict())))
    assert again == ours
    assert again != fit.predict(table)


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(2, 6, 2, name="n"),
        pd.Index([1.5, np.nan]),
        pd.Index(["a", "b"], name="x"),
        pd.Index([True, False]),
        pd.DatetimeIndex(["2020-01-01", "2020-02-01 10:00"]),
        pd.DatetimeIndex(["2020-01-01", "2020-02-01"], tz="Europe/Zurich"),
        pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["g", None]),
    ],
)
def test_any_index_is_stored(index: pd.Index) -> None:
    ours = fit_of("slopes").predict(pd.DataFrame({"Days": [1.0, 2.0]}, index=index), "population")
    assert ours.index.equals(index)
    again = Predictions.from_dict(json.loads(json.dumps(ours.to_dict())))
    assert again == ours
    assert again.index.dtype == index.dtype
    assert list(again.index.names) == list(index.names)


def test_the_datas_own_index() -> None:
    data = gaps().set_index(pd.Index(np.arange(1000, 1180)))
    fit = pb.lmer(SLOPES, data)
    for found in (fit.predict(), fit.simulate(2, 1)):
        assert len(found.index) == 177
        assert set(data.index) - set(found.index) == {1002, 1006, 1049}


# -- simulations ---------------------------------------------------------------------------------


def _simulated(ours: Simulations) -> Any:
    return ours.values.ravel(order="F")


def test_simulations_are_simulates(model: Any, plain: Any) -> None:
    name, fit = model
    ours = fit.simulate(3, 1)
    theirs = plain("simulations_of", name=name, n_sim=3, seed=1)
    same(_simulated(ours), theirs["values"])
    assert ours.names == theirs["names"] == ("sim_1", "sim_2", "sim_3")
    assert list(ours.index) == labels(theirs["rows"])
    assert not ours.values.flags.writeable


@pytest.mark.parametrize("name", ["slopes", "crossed", "weighted", "singular"])
def test_kept_random_effects(plain: Any, name: str) -> None:
    ours = fit_of(name).simulate(2, 5, use_u=True)
    same(
        _simulated(ours), plain("simulations_of", name=name, n_sim=2, seed=5, use_u=True)["values"]
    )


def test_some_kept_random_effects(plain: Any) -> None:
    ours = fit_of("crossed").simulate(2, 5, re_form="~ (1 | plate)")
    theirs = plain("simulations_of", name="crossed", n_sim=2, seed=5, re_form="~ (1 | plate)")
    same(_simulated(ours), theirs["values"])
    same(fit_of("crossed").simulate(2, 5, re_form="population"), fit_of("crossed").simulate(2, 5))


@pytest.mark.parametrize("name", ["slopes", "crossed", "factor", "strings", "missing"])
def test_simulations_at_new_data(plain: Any, name: str) -> None:
    table = pd.DataFrame(NEW[name])
    table.index = pd.Index([f"row {i}" for i in range(len(table))])
    ours = fit_of(name).simulate(2, 3, table)
    theirs = plain("simulations_of", name=name, n_sim=2, seed=3, new_data=as_r(NEW[name]))
    same(_simulated(ours), theirs["values"])
    assert ours.index.equals(table.index)
    kept = fit_of(name).simulate(2, 3, table, use_u=True)
    asked = {"name": name, "n_sim": 2, "seed": 3, "new_data": as_r(NEW[name]), "use_u": True}
    same(_simulated(kept), plain("simulations_of", **asked)["values"])
    if name == "missing":
        same(fit_of("missing_exclude").simulate(2, 3, table), ours)


def test_the_generator_goes_on_as_in_r(plain: Any) -> None:
    theirs = plain("numbers_after", name="slopes", seed=8)
    fit = fit_of("slopes")
    fit.simulate(2, 8)
    same(ask_r("runif", n=3), theirs)
    first, second = fit.simulate(1, 8), fit.simulate(1)
    assert first.seed == 8
    assert second.seed is None
    assert not np.array_equal(first.values, second.values)


def test_successes_and_failures(plain: Any) -> None:
    fit = wrapped(plain, "counts", ("incidence", "size", "period", "herd"), 56)
    ours = fit.simulate(2, 4)
    theirs = plain("simulations_of", name="counts", n_sim=2, seed=4)["values"].reshape(2, 2, 56)
    same(ours.values.T, theirs[:, 0])
    same(ours.failures.T, theirs[:, 1])
    size = pb.load_dataset("cbpp")["size"].to_numpy()
    same((ours.values + ours.failures)[:, 0], size)
    frame = ours.to_frame()
    assert list(frame.columns)[:2] == [("sim_1", "successes"), ("sim_1", "failures")]
    assert Simulations.from_dict(json.loads(json.dumps(ours.to_dict()))) == ours
    assert "sim_2 failures" in str(ours)


def test_levels(plain: Any) -> None:
    fit = wrapped(plain, "levels", ("state", "x", "herd"), 180)
    ours = fit.simulate(2, 4)
    theirs = plain("simulations_of", name="levels", n_sim=2, seed=4)
    assert ours.levels == ("ill", "well")
    frame = ours.to_frame()
    found = [*frame["sim_1"].astype(str), *frame["sim_2"].astype(str)]
    assert tuple(found) == theirs["levels"]
    assert list(ours["sim_1"]) == list(frame["sim_1"])
    assert "well" in str(ours)


@pytest.mark.filterwarnings("ignore::pymer_bridge.SingularFitWarning")
@pytest.mark.parametrize("left", ["cbind(incidence, size - incidence)", "share", "state"])
def test_simulations_with_gaps_are_those_of_the_rows_used(left: str) -> None:
    data = pb.load_dataset("cbpp").astype({"incidence": float})
    data["share"] = data["incidence"] / data["size"]
    data["state"] = pd.Categorical(np.where(data["incidence"] > 0, "sick", "well"))
    data.loc[data.index[[3, 8]], ["incidence", "share", "state"]] = np.nan
    how: dict[str, Any] = {"family": "binomial", "weights": "size" if left == "share" else None}
    excluded, left_out = (
        pb.glmer(f"{left} ~ period + (1 | herd)", data, na_action=action, **how)
        for action in ("exclude", "omit")
    )
    ours, theirs = excluded.simulate(2, 4), left_out.simulate(2, 4)
    used = np.delete(np.arange(56), [3, 8])
    same(ours.values[used], theirs.values)
    assert np.isnan(ours.values[[3, 8]]).all()
    assert list(ours.index) == list(data.index)
    first = [fit.bootstrap(n_sim=2, seed=3).replicates for fit in (excluded, left_out)]
    same(*first)


def test_simulations_as_a_result() -> None:
    ours = fit_of("slopes").simulate(2, 1)
    assert len(ours) == 2
    assert np.asarray(ours).shape == (180, 2)
    assert list(ours.to_frame().columns) == ["sim_1", "sim_2"]
    same(ours["sim_2"], ours.values[:, 1])
    with pytest.raises(KeyError, match="sim_1 to sim_2"):
        ours["sim_3"]
    assert Simulations.from_dict(json.loads(json.dumps(ours.to_dict()))) == ours
    assert "<table" in ours._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"n_sim": 0}, OptionError, "n_sim"),
        ({"seed": 1.5}, OptionError, "seed"),
        ({"use_u": True, "re_form": "population"}, OptionError, "only one of"),
        ({"re_form": "~ (system('true') | Subject)"}, FormulaError, "calls 'system'"),
        ({"new_data": {"Days": [1.0]}}, DataConversionError, "no column 'Subject'"),
        (
            {"new_data": {"Days": [1.0, np.nan], "Subject": ["308", "309"]}},
            DataConversionError,
            "missing values in column 'Days'",
        ),
    ],
)
def test_bad_arguments_of_simulate(arguments: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        fit_of("slopes").simulate(**arguments)


# -- parts, and other parameters -----------------------------------------------------------------

AT_LEVELS = {"Days": [1.0, 2.0, 9.0], "Subject": ["308", "309", "999"]}


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("slopes", {}),
        ("slopes", {"re_form": "~ (1 | Subject)"}),
        ("slopes", {"new_data": AT_LEVELS, "new_levels": True}),
        ("crossed", {"re_form": "~ (1 | plate)"}),
        ("weighted", {}),
    ],
)
def test_the_random_part_alone(plain: Any, name: str, given: dict[str, Any]) -> None:
    theirs = plain("random_parts_of", name=name, **given)
    ours = dict(given)
    if "new_levels" in ours:
        ours["allow_new_levels"] = ours.pop("new_levels")
    same(fit_of(name).predict(random_only=True, **ours).values, theirs)


def test_the_random_part_of_rows_that_slip(plain: Any) -> None:
    """An old lme4 recycles the random effects of the rows used over all rows."""
    fit = fit_of("missing_exclude")
    if plain("packageVersion_at_least", version="1.1-35.4")[0]:
        theirs = plain("random_parts_of", name="missing_exclude")
        same(fit.predict(random_only=True).values, theirs)
        return
    with pytest.raises(RError, match="where some were left out"):
        fit.predict(random_only=True)


@pytest.mark.parametrize(
    "parameters",
    [
        {"beta": [250.0, 10.0]},
        {"theta": [0.5, 0.1, 0.2]},
        {"beta": (1, 2), "theta": np.array([1.0, 0.0, 1.0]), "sigma": 2},
        {"beta": {"Days": 2.0, "(Intercept)": 1.0}},
    ],
)
def test_parameters_in_place_of_the_estimates(plain: Any, parameters: dict[str, Any]) -> None:
    fit = fit_of("slopes")
    inside = {
        name: np.array([1.0, 2.0]) if isinstance(value, dict) else np.atleast_1d(value) * 1.0
        for name, value in parameters.items()
    }
    new = {"Days": [0.0, 2.5], "Subject": ["308", "372"]}
    for given, re_form in ((None, None), (new, None), (new, "population")):
        ours = fit.predict(given, re_form, new_params=parameters).values
        form = "NA" if re_form else None
        same(ours, plain("predictions_at", name="slopes", new_data=given, re_form=form, **inside))
        drawn = fit.simulate(2, 7, given, new_params=parameters).values
        theirs = plain("simulations_at", name="slopes", seed=7, new_data=given, **inside)
        same(drawn.ravel(order="F"), theirs)
    same(fit.predict().values, fit.fitted)  # the fit itself is as it was


@pytest.mark.parametrize("at_new_data", [False, True])
def test_trials_in_place_of_the_fits(plain: Any, at_new_data: bool) -> None:
    cbpp = pb.load_dataset("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    fit = pb.glmer(formula, cbpp, family="binomial")
    new = {"period": ["1", "4"], "herd": ["1", "15"]} if at_new_data else None
    weights = np.array([10.0, 300.0]) if new else np.arange(56.0) + 1
    ours = fit.simulate(2, 5, new, weights=weights)
    theirs = plain("simulations_at", name="counts", seed=5, new_data=new, weights=weights)
    same(ours.values.ravel(order="F"), theirs)
    assert ours.failures is not None
    assert (ours.values + ours.failures == weights[:, np.newaxis]).all()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"new_params": {"bta": [1]}}, "'beta', 'theta', 'sigma'"),
        ({"new_params": {}}, "'beta', 'theta', 'sigma'"),
        ({"new_params": {"beta": [[1, 2]]}}, "new_params"),
        ({"new_params": {"beta": [1, 2]}, "std_error": True}, "go without std_error"),
        ({"random_only": True, "interval": "confidence"}, "go without std_error"),
        ({"random_only": True, "re_form": "population"}, "leaves nothing without"),
    ],
)
def test_parts_and_parameters_that_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        fit_of("slopes").predict(**given)


def test_parts_and_parameters_that_r_refuses() -> None:
    fit = fit_of("slopes")
    with pytest.raises(RError, match="length mismatch in beta"):
        fit.predict(new_params={"beta": [1.0]})
    with pytest.raises(RError, match=r"mismatch between .*beta"):
        fit.predict(new_params={"beta": {"(Intercept)": 1.0, "days": 1.0}})


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("slopes_ml", {"new_data": AT_LEVELS, "new_levels": True}),
        ("slopes_ml", {"re_form": "~ (0 + Days | Subject)"}),
        ("slopes_ml", {"new_data": NEW["slopes"], "re_form": "~ (1 | Subject)"}),
    ],
)
def test_bootstrapped_predictions_are_rs(plain: Any, name: str, given: dict[str, Any]) -> None:
    fit = fit_of(name)
    theirs = plain("bootstrapped_predictions", name=name, **given)
    ours = dict(given)
    if "new_levels" in ours:
        with pytest.raises(RError, match="new levels"):
            fit.bootstrap("parametric", 1, 3, "predictions", new_data=AT_LEVELS)
        ours["allow_new_levels"] = ours.pop("new_levels")
    boot = fit.bootstrap("parametric", 4, 3, "predictions", **ours)
    same(boot.replicates.ravel(order="F"), theirs)


# -- refits to what was simulated ----------------------------------------------------------------


def test_a_response_of_levels_is_refitted(plain: Any) -> None:
    """By labels, numbers of levels, or zeros and ones: all the same as in R."""
    herds = pd.DataFrame(plain("sick_columns"))
    herds["herd"] = pd.Categorical(herds["herd"], [str(i) for i in range(1, 16)])
    herds["state"] = pd.Categorical(herds["state"])
    fit = pb.glmer("state ~ x + (1 | herd)", herds, family="binomial")
    drawn = fit.simulate(1, seed=6)
    theirs = plain("refitted_levels", name="levels", seed=6)
    codes = drawn.values[:, 0]
    labels_ = drawn["sim_1"]
    texts = labels_.astype(str)
    turned = labels_.cat.reorder_categories(["well", "ill"])
    for response in (codes, labels_, texts, list(texts), codes - 1, codes == 2, turned):
        again = fit.refit(response)
        found = [row.estimate for row in again.fixed_effects("none")]
        same([*found, *again.convergence.theta, *again.vcov.values.ravel(order="F")], theirs)
    with pytest.raises(RError, match=r'has the level "dead"; .* "ill", "well"'):
        fit.refit(["dead"] * 180)
    with pytest.raises(RError, match="give the levels themselves"):
        fit.refit(np.ones(180))
