"""Records: what they hold, what a check of them finds, and what is no record."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pymer_bridge as pb
from helpers.forgery import edited, places
from pymer_bridge.cli.commands import main
from pymer_bridge.data.exact import ulps
from pymer_bridge.errors import (
    DataConversionError,
    FormulaError,
    OptionError,
    RecordError,
    SingularFitWarning,
)
from pymer_bridge.results.figures import escape
from pymer_bridge.session.r_session import session
from pymer_bridge.session.versions import stack_here
from pymer_bridge.verification import drift, tolerances
from pymer_bridge.verification.data_fingerprint import data_changes, data_print
from pymer_bridge.verification.figures import figures_of
from pymer_bridge.verification.plain_r import run_snippet
from pymer_bridge.verification.records import read_record

pytestmark = [
    pytest.mark.r("lmerTest"),
    # R says so of every nlmer fit without a Hessian that is usable.
    pytest.mark.filterwarnings("ignore:variance-covariance matrix computed:UserWarning"),
]

SLOPES = "Reaction ~ Days + (Days | Subject)"
BINOMIAL = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
GROWTH = "circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree"


@pytest.fixture(scope="module")
def sleepstudy() -> pd.DataFrame:
    return pb.load_dataset("sleepstudy")


@pytest.fixture(scope="module")
def fit(sleepstudy: pd.DataFrame) -> pb.LinearMixedModel:
    return pb.lmer(SLOPES, sleepstudy)


@pytest.fixture(scope="module")
def made(fit: pb.LinearMixedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("record") / "results.pbr.json"
    return pb.record(fit, path, source="lme4::sleepstudy", results=False)


def trial() -> pd.DataFrame:
    """Return data with a column of every kind, and missing values."""
    rng = np.random.default_rng(5)
    n = 120
    data = pd.DataFrame(
        {
            "y": rng.normal(size=n).round(3),
            "x": rng.integers(0, 9, n),
            "f": pd.Categorical(rng.choice(["lo", "mid", "hi"], n), ["lo", "mid", "hi"]),
            "site": rng.choice(["Aue", "berg", "ähre"], n),
            "on": rng.random(n) < 0.5,
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 400, n), "D"),
            "g": pd.Categorical([f"g{i % 12:02d}" for i in range(n)]),
        }
    )
    data["y"] += data["g"].cat.codes * 0.7 + data["x"] * 0.1
    data.loc[[3, 40], "y"] = np.nan
    return data


FORMULA = "y ~ x + f + site + on + (1 | g)"


# -- figures -------------------------------------------------------------------------------------


def every_model() -> Iterator[tuple[str, Any]]:
    sleepstudy, ticks = pb.load_dataset("sleepstudy"), pb.load_dataset("grouseticks")
    orange = pb.load_dataset("Orange", package="datasets")
    yield "lmer", pb.lmer(SLOPES, sleepstudy, reml=False)
    yield "glmer", pb.glmer(BINOMIAL, pb.load_dataset("cbpp"), family="binomial")
    yield "glmer_nb", pb.glmer_nb("TICKS ~ YEAR + (1 | BROOD)", ticks)
    yield "nlmer", pb.nlmer(GROWTH, orange, start={"Asym": 200, "xmid": 725, "scal": 350})
    yield "lm", pb.lm("Reaction ~ Days", sleepstudy)
    yield "glm", pb.glm("TICKS ~ YEAR", ticks, family="poisson")
    yield "lm_list", pb.lm_list("Reaction ~ Days | Subject", sleepstudy)


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    return dict(every_model())


def test_every_figure_has_a_key_of_its_own(models: dict[str, Any]) -> None:
    for name, model in models.items():
        figures = figures_of(model)
        assert len(figures.values) == len(figures.rows) > 20, name
        assert all(key.count("/") == 4 for key in figures.values)
        assert figures.from_dict(figures.to_dict()) == figures
        assert list(figures.to_frame()["key"]) == list(figures.values)
        assert figures.values["model////sigma"] == model.sigma
        assert figures.values["model////n_obs"] == model.n_obs


def test_figures_are_the_accessors(fit: pb.LinearMixedModel) -> None:
    for ddf in ("satterthwaite", "kenward-roger", "normal", "none"):
        values = figures_of(fit, ddf).values
        row = fit.fixed_effects(ddf)["Days"]
        for name in ("estimate", "std_error", "df", "p_value", "conf_low"):
            assert values[f"fixed_effect///Days/{name}"] == getattr(row, name)
    components = fit.variance_components
    key = "correlation/Subject//(Intercept)&Days/correlation"
    assert values[key] == components.correlation("Subject", "(Intercept)", "Days")
    mode = fit.random_effects["Subject", "308", "Days"]
    assert values["random_effect/Subject/308/Days/std_error"] == mode.std_error
    assert values["variance_component/Residual///variance"] == components["Residual"].variance
    assert values["theta///Subject.Days/estimate"] == fit.convergence.theta[2]


@pytest.mark.parametrize("name", ["a/b", "50%", "a&b", "x#2", "é ü", "line\nend", "\u2028", "a b"])
def test_any_name_can_be_in_a_key(name: str) -> None:
    assert unquote(escape(name), errors="surrogatepass") == name
    assert not set("/&#\n\u2028") & set(escape(name))


def test_names_that_a_key_is_made_of() -> None:
    data = trial().rename(columns={"x": "a/b&c#%", "g": "g/h"})
    data["g/h"] = data["g/h"].cat.rename_categories(lambda level: f"{level}/&")
    fit = pb.lmer("y ~ `a/b&c#%` + (1 | `g/h`)", data)
    values = figures_of(fit).values
    assert values["fixed_effect///`a%2Fb%26c%23%25`/estimate"] == (
        fit.fixed_effects()["`a/b&c#%`"].estimate
    )
    mode = fit.random_effects["g/h", "g00/&", "(Intercept)"].estimate
    assert values["random_effect/g%2Fh/g00%2F%26/(Intercept)/estimate"] == mode


def test_two_terms_of_one_name_are_told_apart(sleepstudy: pd.DataFrame) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such a model has no optimum of its own
        fit = pb.lmer("Reaction ~ Days + (1 | Subject) + (1 | Subject)", sleepstudy)
        keys = figures_of(fit, "none").values
    assert "theta///Subject.(Intercept)/estimate" in keys
    assert "theta///Subject.(Intercept)#2/estimate" in keys


def test_figures_are_of_fitted_models(fit: pb.LinearMixedModel, models: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="of a fitted model, not of a str"):
        figures_of("fit")
    with pytest.raises(OptionError, match="takes no ddf"):
        figures_of(models["lm"], "satterthwaite")
    with pytest.raises(OptionError, match="ddf"):
        figures_of(fit, "between-within")


# -- records -------------------------------------------------------------------------------------


def test_all_kinds_of_models_are_recorded_and_fitted_again(
    models: dict[str, Any], tmp_path: Path
) -> None:
    sources = {
        "lmer": "lme4::sleepstudy", "glmer": "lme4::cbpp", "glmer_nb": "lme4::grouseticks",
        "nlmer": "datasets::Orange", "lm": "lme4::sleepstudy", "glm": "lme4::grouseticks",
        "lm_list": "lme4::sleepstudy",
    }  # fmt: skip
    path = pb.record(models, tmp_path / "all.pbr.json", source=sources)
    report = pb.verify_record(path)
    assert report.ok
    assert report.exit_status == 0
    assert (report.figures, report.data, report.settings, report.versions) == ((), (), (), ())
    assert report.same_stack
    assert str(report) == f"{path}: same: {report.n_figures} figures, to the last bit"
    assert report.n_figures == sum(len(figures_of(model)) for model in models.values())
    assert pb.verify_record(path, models).ok


def test_a_record_holds_all_and_follows_its_schema(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    data = trial()
    fit = pb.lmer(
        FORMULA,
        data,
        reml=False,
        weights=rng.uniform(1, 2, len(data)),
        offset="x / 10",
        subset=rng.random(len(data)) < 0.9,
        na_action="exclude",
        start=(0.75,),
        contrasts={"f": pd.DataFrame(np.eye(3)[:, :2], columns=["a", "b"]), "site": "contr.sum"},
        control=pb.lmer_control("bobyqa", optCtrl={"maxfun": 9999}, check_conv_grad="ignore"),
        allow_functions=["nchar"],
    )
    path = pb.record(fit, tmp_path / "r.json", ddf="kenward-roger" if fit.reml else "normal")
    document = json.loads(path.read_text())
    schema = json.loads((files("pymer_bridge.data") / "record.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)
    stack, (model,), results = read_record(path)
    assert stack == stack_here()
    assert results == ()
    for name in (
        "R",
        "lme4",
        "lmerTest",
        "pbkrtest",
        "Matrix",
        "blas",
        "lapack",
        "platform",
        "collation",
        "rng",
        "pymer_bridge",
        "lapack_version",
    ):
        assert stack[name], name
    assert model.spec.control == fit.spec.control
    assert (model.spec.weights == fit.spec.weights).all()
    assert (model.spec.subset == fit.spec.subset).all()
    assert model.contrasts["site"] == "contr.sum"
    assert 'dimnames = list(c("lo", "mid", "hi"), c("a", "b"))' in model.contrasts["f"]
    assert [column.name for column in model.data.columns] == ["y", "x", "f", "site", "on", "g"]
    assert model.data.columns[0].n_missing == 2
    assert model.data.n_rows == 120
    assert model.figures == dict(figures_of(fit, "normal").values)
    assert pb.verify_record(path, data=data, allow_functions=["nchar"]).ok


def test_the_same_model_gives_the_same_bytes(fit: Any, made: Path, tmp_path: Path) -> None:
    again = pb.record(fit, tmp_path / "x.pbr.json", source="lme4::sleepstudy", results=False)
    assert again.read_bytes() == made.read_bytes()


def test_missing_figures_are_kept(tmp_path: Path) -> None:
    data = trial()
    data["one"] = 1.0
    with pytest.warns(Warning, match="rank deficient"):
        fit = pb.lmer("y ~ x + one + (1 | g)", data)
    path = pb.record(fit, tmp_path / "r.json")
    with pytest.warns(Warning, match="rank deficient"):
        assert pb.verify_record(path, data=data).ok


def test_what_cannot_be_recorded(
    fit: Any, models: dict[str, Any], sleepstudy: pd.DataFrame, tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some versions of lme4 refit by a wrong criterion
        refits = (fit.refit_ml(), fit.refit(sleepstudy["Reaction"] * 2))
    for refitted in refits:
        with pytest.raises(OptionError, match="cannot be recorded"):
            pb.record(refitted, tmp_path / "r.json")
    with pytest.raises(OptionError, match="no model to record"):
        pb.record({}, tmp_path / "r.json")
    with pytest.raises(OptionError, match="of a fitted model"):
        pb.record(sleepstudy, tmp_path / "r.json")
    with pytest.raises(OptionError, match="source names 'other'"):
        pb.record(models, tmp_path / "r.json", source={"other": "lme4::cbpp"})
    with pytest.raises(FileNotFoundError):
        pb.record(fit, tmp_path / "nowhere" / "r.json")
    assert list(tmp_path.iterdir()) == []


# -- data that changed ---------------------------------------------------------------------------


def one_cell(data: pd.DataFrame) -> None:
    data.loc[7, "y"] = np.nextafter(data.loc[7, "y"], 9.0)


def level_order(data: pd.DataFrame) -> None:
    data["f"] = data["f"].cat.reorder_categories(["mid", "lo", "hi"])


def another_level(data: pd.DataFrame) -> None:
    data["f"] = data["f"].cat.rename_categories({"hi": "high"})


def one_more_missing(data: pd.DataFrame) -> None:
    data.loc[9, "y"] = np.nan


def missing_elsewhere(data: pd.DataFrame) -> None:
    data.loc[[3, 9], "y"] = [0.5, np.nan]


def a_kind(data: pd.DataFrame) -> None:
    data["x"] = data["x"].astype(float)


def an_order(data: pd.DataFrame) -> None:
    data["f"] = data["f"].cat.as_ordered()


def a_text(data: pd.DataFrame) -> None:
    data.loc[4, "site"] = "Zoo"


def two_rows(data: pd.DataFrame) -> None:
    data.loc[[10, 11], "x"] = data.loc[[11, 10], "x"].to_numpy()


CHANGES = [
    (one_cell, "y", "values: some differ"),
    (level_order, "f", "levels: the same ones in another order"),
    (another_level, "f", "levels: different (3 then, 3 now)"),
    (one_more_missing, "y", "missing values: 2 then, 3 now"),
    (missing_elsewhere, "y", "missing values: 2 as before, in other rows"),
    (a_kind, "x", "kind: integer then, numeric now"),
    (an_order, "f", "kind: factor then, ordered now"),
    (a_text, "site", "levels: different (3 then, 4 now)"),
    (two_rows, "x", "values: the same ones in another order of rows"),
]


@pytest.fixture(scope="module")
def of_trial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    fit = pb.lmer(FORMULA, trial())
    return pb.record(fit, tmp_path_factory.mktemp("trial") / "trial.pbr.json")


@pytest.mark.parametrize(("change", "column", "how"), CHANGES)
def test_what_changed_in_the_data_is_named(
    of_trial: Path, change: Callable[[pd.DataFrame], None], column: str, how: str
) -> None:
    data = trial()
    change(data)
    report = pb.verify_record(of_trial, data=data)
    assert not report.ok
    assert report.exit_status == 1
    assert {change.column for change in report.data} == {column}
    assert how in [change.how for change in report.data]
    contrasts = ["contrasts of 'f'"] if change is an_order else []
    assert [setting.name for setting in report.settings] == contrasts
    assert report.versions == ()
    assert f"column {column!r}: {how}" in str(report)
    assert "the data" in report.heading


def test_the_order_of_rows_and_their_number(of_trial: Path) -> None:
    report = pb.verify_record(of_trial, data=trial().iloc[::-1])
    assert {change.how for change in report.data} == {
        "values: the same ones in another order of rows",
        "missing values: 2 as before, in other rows",
    }
    fewer = pb.verify_record(of_trial, data=trial().iloc[:-1])
    assert fewer.data[0].column is None
    assert fewer.data[0].how == "120 rows then, 119 now"


def test_the_order_of_levels_of_texts_is_rs() -> None:
    """Strings have the levels that R makes of them, in the order of its locale."""
    fit = pb.lmer(FORMULA, trial())
    told = dict(session().call("recorded_model", model=fit._model).value)
    place = told["frame"]["names"].index("site")
    assert told["sorted"][place] == tuple(run_snippet("levels(factor(d$site))", {"d": trial()}))
    here = data_print(told)
    other = list(told["sorted"])
    other[place] = tuple(reversed(other[place]))
    elsewhere = data_print({**told, "sorted": other})
    (change,) = data_changes("m", here, elsewhere)
    assert (change.column, change.how) == ("site", "levels: the same ones in another order")


def test_a_column_that_is_gone_is_an_error(of_trial: Path) -> None:
    with pytest.raises(DataConversionError, match="'site'"):
        pb.verify_record(of_trial, data=trial().drop(columns="site"))


# -- settings and versions that changed ----------------------------------------------------------


def test_another_optimizer_is_named(made: Path, sleepstudy: pd.DataFrame) -> None:
    fit = pb.lmer(SLOPES, sleepstudy, control=pb.lmer_control("bobyqa"))
    report = pb.verify_record(made, fit)
    (setting,) = report.settings
    assert (setting.name, setting.recorded, setting.found) == (
        "control, optimizer",
        "none",
        "bobyqa",
    )
    assert not report.ok
    named = {row.key: row for row in report.drifted}
    assert named["convergence////optimizer"].found == "bobyqa"
    days = named["fixed_effect///Days/std_error"]
    assert days.ulps is not None
    assert days.ulps > 0
    assert days.tolerance == 0.0
    assert 0 < days.distance < 1e-4
    assert "No version changed." in str(report)


def test_other_contrasts_are_named(of_trial: Path) -> None:
    fit = pb.lmer(FORMULA, trial(), contrasts={"f": "contr.sum"})
    report = pb.verify_record(of_trial, fit)
    (setting,) = report.settings
    assert (setting.name, setting.recorded, setting.found) == (
        "contrasts of 'f'",
        "contr.treatment",
        "contr.sum",
    )
    assert "fixed_effect///f1/estimate" in {row.key for row in report.drifted}


def test_contrasts_and_optimizer_changed_in_the_file(of_trial: Path, tmp_path: Path) -> None:
    def contrast(document: dict[str, Any]) -> None:
        document["models"][0]["spec"]["fields"]["contrasts"] = [["f", "contr.helmert"]]

    def optimizer(document: dict[str, Any]) -> None:
        document["models"][0]["spec"]["fields"]["control"] = {
            "type": "Control",
            "fields": {"constructor": "lmerControl", "arguments": [["optimizer", "bobyqa"]]},
        }

    report = pb.verify_record(edited(of_trial, tmp_path / "c.json", contrast), data=trial())
    assert ("contrasts of 'f'", "contr.treatment", "contr.helmert") in [
        (s.name, s.recorded, s.found) for s in report.settings
    ]
    report = pb.verify_record(edited(of_trial, tmp_path / "o.json", optimizer), data=trial())
    assert "convergence////optimizer" in {row.key for row in report.drifted}


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"reml": False}, "reml"),
        ({"weights": "Days + 1"}, "weights"),
        ({"weights": np.linspace(1, 2, 180)}, "weights"),
        ({"na_action": "exclude"}, "na_action"),
        ({"start": (1.0, 0.0, 0.5)}, "start"),
        ({"subset": "Days > 0"}, "subset"),
    ],
)
def test_other_arguments_are_named(
    made: Path, sleepstudy: pd.DataFrame, arguments: dict[str, Any], name: str
) -> None:
    report = pb.verify_record(made, pb.lmer(SLOPES, sleepstudy, **arguments))
    assert [setting.name for setting in report.settings] == [name]
    assert not report.ok


def test_another_formula_is_named(made: Path, sleepstudy: pd.DataFrame) -> None:
    report = pb.verify_record(made, pb.lmer("Reaction ~ 1 + (1 | Subject)", sleepstudy))
    assert [setting.name for setting in report.settings] == ["formula"]
    gone = {row.key: row for row in report.drifted}["fixed_effect///Days/estimate"]
    assert gone.found is None
    assert [change.how for change in report.data] == ["is not there any more"]


def test_another_version_is_named_and_gives_tolerance(made: Path, tmp_path: Path) -> None:
    def age(document: dict[str, Any]) -> None:
        document["stack"]["lme4"] = "1.1-30"
        figures = document["models"][0]["figures"]
        figures["fixed_effect///Days/estimate"] += 1e-10
        figures["convergence////evaluations"] += 1

    report = pb.verify_record(edited(made, tmp_path / "aged.json", age))
    assert report.ok
    assert not report.same_stack
    assert [(v.name, v.recorded) for v in report.versions] == [("lme4", "1.1-30")]
    assert "lme4" in str(report)
    assert "1.1-30 ->" in str(report)
    status = {row.key: row.status for row in report.figures}
    assert status == {
        "fixed_effect///Days/estimate": "within",
        "convergence////evaluations": "reported",
    }
    strict = pb.verify_record(tmp_path / "aged.json", tolerance=0.0)
    assert not strict.ok
    assert [row.key for row in strict.drifted] == ["fixed_effect///Days/estimate"]


def test_a_version_that_decides_nothing_does_not_loosen(made: Path, tmp_path: Path) -> None:
    def age(document: dict[str, Any]) -> None:
        document["stack"]["pandas"] = "1.0"
        document["models"][0]["figures"]["fixed_effect///Days/estimate"] += 1e-12

    report = pb.verify_record(edited(made, tmp_path / "aged.json", age))
    assert not report.ok
    assert report.same_stack
    assert [version.name for version in report.versions] == ["pandas"]


def test_drift_is_told_in_ulps_and_standard_errors(made: Path, tmp_path: Path) -> None:
    def move(document: dict[str, Any]) -> None:
        figures = document["models"][0]["figures"]
        key = "fixed_effect///Days/estimate"
        figures[key] = math.nextafter(figures[key], math.inf)
        figures["fixed_effect///(Intercept)/estimate"] += 1.0
        figures["model////n_obs"] += 1
        figures["fit_statistic////aic"] = {"float": "nan"}

    path = edited(made, tmp_path / "moved.json", move)
    report = pb.verify_record(path)
    rows = {row.key: row for row in report.drifted}
    assert len(rows) == 4
    days, start = rows["fixed_effect///Days/estimate"], rows["fixed_effect///(Intercept)/estimate"]
    assert days.ulps == 1
    assert start.change == -1.0
    error = json.loads(path.read_text())["models"][0]["figures"][
        "fixed_effect///(Intercept)/std_error"
    ]
    assert start.std_errors == start.distance == 1.0 / error
    assert rows["model////n_obs"].distance is None
    assert rows["fit_statistic////aic"].distance == math.inf
    frame = report.to_frame()
    assert list(frame["status"]) == ["drifted"] * 4
    stored = json.dumps(report.to_dict())
    assert json.dumps(report.from_dict(json.loads(stored)).to_dict()) == stored
    assert "DRIFTED" in report._repr_html_()
    assert "4 of 116 figures" in report.heading


def test_tolerances_are_checked_and_taken(made: Path, tmp_path: Path) -> None:
    def move(document: dict[str, Any]) -> None:
        document["models"][0]["figures"]["fixed_effect///Days/estimate"] += 1e-6

    path = edited(made, tmp_path / "moved.json", move)
    assert not pb.verify_record(path).ok
    assert pb.verify_record(path, tolerance=1e-5).ok
    assert pb.verify_record(path, tolerance={"fixed_effect/estimate": 1e-5}).ok
    assert not pb.verify_record(path, tolerance={"fixed_effect/std_error": 1.0}).ok
    for bad in (-1, math.nan, math.inf, "1e-5", True, {"fixed_effects/estimate": 1.0}):
        with pytest.raises(OptionError, match="tolerance"):
            pb.verify_record(path, tolerance=bad)  # type: ignore[arg-type]


def test_every_figure_that_is_a_number_has_a_unit_and_limits(models: dict[str, Any]) -> None:
    exact = {
        "model/n_obs",
        "model/n_levels",
        "model/reml",
        "fit_statistic/df",
        "fit_statistic/df_residual",
        "convergence/singular",
    }
    for model in models.values():
        for key, value in figures_of(model).values.items():
            name = drift.name_of(key)
            if isinstance(value, float) and name not in exact:
                assert name in tolerances.SCALES, name
    for limits in (tolerances.LINEAR_LIMITS, tolerances.LIMITS):
        assert set(limits) <= set(tolerances.SCALES)


def test_a_group_that_lme4_spells_otherwise_is_the_same_group() -> None:
    then = {"theta///c:(b:a).(Intercept)/estimate": 1.0, "model/c:(b:a)///n_levels": 3}
    now = {"theta///c:b:a.(Intercept)/estimate": 1.0, "model/c:b:a///n_levels": 3}
    assert drift.figure_changes("m", then, now, {}, same_stack=False) == ()
    assert len(drift.figure_changes("m", then, now, {}, same_stack=True)) == 4


def test_ulps_count_floats() -> None:
    assert ulps(1.0, math.nextafter(1.0, 2.0)) == 1
    assert ulps(1.0, math.nextafter(1.0, 0.0)) == 1
    # The zeros of two signs are two figures, and lie between.
    assert ulps(-5e-324, 5e-324) == 3
    assert ulps(0.0, -0.0) == 1
    assert ulps(1, 2) is None
    assert ulps(1.0, math.nan) is None
    assert ulps(1.0, "one") is None


def test_models_are_known_by_name(models: dict[str, Any], tmp_path: Path) -> None:
    two = {name: models[name] for name in ("lm", "lmer")}
    path = pb.record(two, tmp_path / "two.json")
    with pytest.raises(OptionError, match="does not say where the data are"):
        pb.verify_record(path)
    with pytest.raises(OptionError, match="'lm', 'lmer', and the models given are: 'lm'"):
        pb.verify_record(path, models["lm"])
    with pytest.raises(OptionError, match="not both"):
        pb.verify_record(path, two, data=trial())
    frames = dict.fromkeys(two, pb.load_dataset("sleepstudy"))
    assert pb.verify_record(path, data=frames).ok


# -- what is no record ---------------------------------------------------------------------------


def nested(text: str) -> str:
    return '{"format": ' + "[" * 200_000 + "]" * 200_000 + "}"


SPOILED: dict[str, tuple[Callable[[str], str], str]] = {
    "empty": (lambda text: "", "cannot be read as a record"),
    "truncated": (lambda text: text[: len(text) // 2], "cannot be read as a record"),
    "edited": (lambda text: text.replace("180", "181", 1), "was changed, or is damaged"),
    "no json": (lambda text: "model: 1", "cannot be read as a record"),
    "other json": (lambda text: "[1, 2]", "not a record of models"),
    "no format": (lambda text: '{"schema": 1}', "not a record of models"),
    "nested": (nested, "nested too deep"),
    "huge float": (lambda text: text.replace(": 180,", ": 1e999,", 1), "too large"),
    "huge integer": (lambda text: text.replace(": 180,", f": {'9' * 30},", 1), "too large"),
    "endless integer": (lambda text: text.replace(": 180,", f": {'9' * 9999},", 1), "too large"),
    "endless float": (lambda text: text.replace(": 180,", f": 0.{'1' * 9999},", 1), "too large"),
    "NaN": (lambda text: text.replace(": 180,", ": NaN,", 1), "NaN is not a number"),
    "double key": (lambda text: text.replace('"models"', '"stack"', 1), "'stack' stands twice"),
    "newer": (lambda text: text.replace('"schema": 2', '"schema": 3'), "take a newer one"),
    "older": (lambda text: text.replace('"schema": 2', '"schema": 0'), "no version 0"),
    "no version": (lambda text: text.replace('"schema": 2', '"schema": true'), "no version of"),
    "not utf-8": (lambda text: text.replace("lme4", "\udcff", 1), "cannot be read as a record"),
}


@pytest.mark.parametrize("how", SPOILED)
def test_a_spoiled_file_is_one_clear_error(made: Path, tmp_path: Path, how: str) -> None:
    spoil, said = SPOILED[how]
    path = tmp_path / "spoiled.pbr.json"
    path.write_bytes(spoil(made.read_text()).encode("utf-8", "surrogateescape"))
    with pytest.raises(RecordError, match=said) as caught:
        pb.verify_record(path)
    assert str(caught.value).startswith(str(path))
    assert len(str(caught.value)) < 400 + len(str(path))


def put(*place: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        part: Any = document
        for name in place[:-1]:
            part = part[name]
        part[place[-1]] = value

    return change


FIELDS = ("models", 0, "spec", "fields")
HOSTILE = {
    "no models": put("models", value=[]),
    "models of no kind": put("models", value={"a": 1}),
    "a model of no kind": put("models", 0, value=3),
    "an unknown part": put("extra", value=1),
    "versions that are no texts": put("stack", "R", value=4.2),
    "a stack that is none": put("stack", value=[1]),
    "a field too many": put("models", 0, "code", value="system('id')"),
    "a name that is none": put("models", 0, "name", value=7),
    "a spec of another class": put("models", 0, "spec", "type", value="Control"),
    "a spec of a class of Python's": put("models", 0, "spec", "type", value="Path"),
    "an unknown field": put(*FIELDS, "shell", value="id"),
    "a formula that is none": put(*FIELDS, "formula", value=["y ~ x"]),
    "a fitter that is none": put(*FIELDS, "fitter", value="system"),
    "a data name that is code": put(*FIELDS, "data_name", value="system('id')"),
    "an na_action that is none": put(*FIELDS, "na_action", value="system"),
    "a control that is none": put(
        *FIELDS, "control",
        value={"type": "Control", "fields": {"constructor": "system", "arguments": []}},
    ),
    "an unknown argument of control": put(
        *FIELDS, "control",
        value={
            "type": "Control",
            "fields": {"constructor": "lmerControl", "arguments": [["file", "x"]]},
        },
    ),
    "a family that is none": put(
        *FIELDS, "family", value={"type": "Family", "fields": {"name": "system"}}
    ),
    "a family for a linear model": put(
        *FIELDS, "family", value={"type": "Family", "fields": {"name": "poisson"}}
    ),
    "contrasts that call": put(*FIELDS, "contrasts", value=[["Days", "system"]]),
    "contrasts of nothing": put(*FIELDS, "contrasts", value=[["nothing", "contr.sum"]]),
    "contrasts of no kind": put(*FIELDS, "contrasts", value=[3]),
    "an array that is not there": put(*FIELDS, "weights", value={"array": "9"}),
    "an array of objects": put(
        "models", 0, "arrays", value={"0": {"dtype": "object", "shape": [1], "base64": "AAAA"}}
    ),
    "an array that is cut off": put(
        "models", 0, "arrays", value={"0": {"dtype": "float64", "shape": [9], "base64": "AAAA"}}
    ),
    "a huge array": put(
        "models", 0, "arrays", value={"0": {"dtype": "float64", "shape": [2**62], "base64": ""}}
    ),
    "figures of no kind": put("models", 0, "figures", value=[1]),
    "a figure of no kind": put("models", 0, "figures", "model////sigma", value=[1]),
    "a figure with no key": put("models", 0, "figures", "sigma", value=1.0),
    "a hash that is none": put("models", 0, "data", "columns", 0, "values", value="x"),
    "a column too many": put("models", 0, "data", "columns", value=[]),
    "a count that is none": put("models", 0, "data", "n_rows", value="180"),
    "ddf that is none": put("models", 0, "ddf", value="between"),
    "ddf of no kind": put("models", 0, "ddf", value=[1]),
    "a source of no kind": put("models", 0, "data", "source", value=5),
}  # fmt: skip


@pytest.mark.parametrize("how", HOSTILE)
def test_a_hostile_file_is_one_clear_error(made: Path, tmp_path: Path, how: str) -> None:
    """Also where its hash is right."""
    path = edited(made, tmp_path / "hostile.pbr.json", HOSTILE[how])
    with pytest.raises((RecordError, OptionError)) as caught:
        pb.verify_record(path)
    assert len(str(caught.value)) < 600 + len(str(path))


@settings(max_examples=100, deadline=None)
@given(place=st.floats(0, 1), cut=st.integers(0, 30), put_in=st.binary(max_size=12))
def test_any_damage_is_one_clear_error(
    made: Path, tmp_path_factory: pytest.TempPathFactory, place: float, cut: int, put_in: bytes
) -> None:
    content = made.read_bytes()
    start = int(place * len(content))
    damaged = content[:start] + put_in + content[start + cut :]
    path = tmp_path_factory.getbasetemp() / "damaged.pbr.json"
    path.write_bytes(damaged)
    try:
        read_record(path)
    except RecordError:
        return
    # What is left says the same: only layout was hit.
    assert json.loads(damaged) == json.loads(content)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_edit_with_a_right_hash_is_read_or_one_clear_error(
    made: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    found = [place for place in places(json.loads(made.read_text())) if place[0] != "sha256"]
    # Figures are many and all alike.
    found = [place for place in found if "figures" not in place or "sigma" in place[-1]]
    place, value = data.draw(st.sampled_from(found)), data.draw(JSON)
    path = tmp_path_factory.getbasetemp() / "edited.pbr.json"
    with suppress(RecordError):
        read_record(edited(made, path, put(*place, value=value)))


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("formula", "Reaction ~ system('touch hacked') + (1 | Subject)"),
        ("formula", "Reaction ~ Days + (1 | Subject); system('touch hacked')"),
        ("weights", "system('touch hacked')"),
        ("offset", "file.create('hacked')"),
        ("subset", "{file.create('hacked'); TRUE}"),
    ],
)
def test_nothing_in_a_record_is_run(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = edited(made, tmp_path / "hostile.pbr.json", put(*FIELDS, place, value=text))
    with pytest.raises(FormulaError):
        pb.verify_record(path)

    def allow(document: dict[str, Any]) -> None:
        put(*FIELDS, place, value=text)(document)
        put(*FIELDS, "allow_functions", value=["system", "file.create", "{", ";"])(document)

    path = edited(made, tmp_path / "hostile.pbr.json", allow)
    with pytest.raises(FormulaError, match="allow"):
        pb.verify_record(path)
    # The call that stands there for a reader is not looked at at all.
    path = edited(
        made, tmp_path / "call.pbr.json", put("models", 0, "call", value="system('touch hacked')")
    )
    assert pb.verify_record(path).ok
    assert not (tmp_path / "hacked").exists()


def test_functions_are_allowed_by_the_user_alone(tmp_path: Path) -> None:
    data = trial()
    fit = pb.lmer("y ~ rev(x) + (1 | g)", data, allow_functions=["rev"])
    path = pb.record(fit, tmp_path / "r.json")
    with pytest.raises(FormulaError, match="'rev'"):
        pb.verify_record(path, data=data)
    with pytest.raises(FormulaError, match="'rev'"):
        pb.verify_record(path, data=data, allow_functions=["sort"])
    assert pb.verify_record(path, data=data, allow_functions=["rev"]).ok


@pytest.mark.parametrize("source", ["/etc/passwd", "../data.csv", "a/../../data.csv"])
def test_a_record_does_not_choose_what_is_read(made: Path, tmp_path: Path, source: str) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    (tmp_path / "data.csv").write_text("Reaction\n1\n")
    path = edited(made, folder / "r.json", put("models", 0, "data", "source", value=source))
    with pytest.raises(OptionError, match="not in its own folder"):
        pb.verify_record(path)


@pytest.mark.parametrize("source", ["a\0b", "\ud800.csv", "\0"])
def test_a_source_that_is_no_file_is_the_records_fault(
    made: Path, tmp_path: Path, source: str
) -> None:
    path = edited(made, tmp_path / "r.json", put("models", 0, "data", "source", value=source))
    with pytest.raises(RecordError, match=r"its data are in '.*', which is no file"):
        pb.verify_record(path)


def test_a_link_does_not_lead_out_of_the_folder(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    (tmp_path / "data.csv").write_text("Reaction\n1\n")
    (folder / "data.csv").symlink_to(tmp_path / "data.csv")
    path = edited(made, folder / "r.json", put("models", 0, "data", "source", value="data.csv"))
    with pytest.raises(OptionError, match="not in its own folder"):
        pb.verify_record(path)


def test_texts_of_a_record_cannot_steer_a_terminal(made: Path, tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        document["stack"]["R\x1b[2J"] = "4\x1b]0;x\x07"
        document["models"][0]["contrasts"] = {"f\x1b[31m": "\x1b[2K"}
        document["models"][0]["name"] = "m\x1b[1A"
        document["models"][0]["figures"]["model////\x1b[2J"] = "\x1b[2J\ud800"

    report = pb.verify_record(edited(made, tmp_path / "r.json", change))
    assert "\x1b" not in str(report)
    assert "\x07" not in str(report)
    assert str(report).encode("utf-8")


# -- the command line ----------------------------------------------------------------------------

SLEEPSTUDY = ("lme4::sleepstudy", SLOPES)


def test_record_and_verify_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "results.pbr.json"
    assert main(["record", *SLEEPSTUDY, "--out", str(path), "--ddf", "kenward-roger"]) == 0
    assert main(["verify", str(path)]) == 0
    assert "same: 116 figures, to the last bit" in capsys.readouterr().out
    edited(path, path, put("models", 0, "figures", "model////sigma", value=25.0))
    assert main(["verify", str(path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["figures"][0]["key"] == "model////sigma"
    assert main(["verify", str(path), "--tolerance", "0.1"]) == 0
    assert main(["verify", str(path), "--tolerance", "model/sigma=0.1"]) == 0
    assert main(["verify", str(path), "--tolerance", "model/size=0.1"]) == 1


def test_plain_r_is_asked_as_well(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(made), "--against-r"]) == 0
    assert "Plain R: the same figures, to the last bit" in capsys.readouterr().out


def test_a_script_from_the_command_line(tmp_path: Path) -> None:
    out = tmp_path / "slopes.R"
    assert main(["script", *SLEEPSTUDY, "--out", str(out)]) == 0
    assert "lmer(" in out.read_text()
    done = subprocess.run(
        ["Rscript", "--vanilla", out.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "10.467" in done.stdout
    assert main(["script", *SLEEPSTUDY, "--data-as", "none", "--out", "/nowhere/x.R"]) == 1


def test_a_file_of_data_is_found_beside_the_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = trial()
    (tmp_path / "inner").mkdir()
    data.to_csv(tmp_path / "inner" / "trial.csv", index=False)
    path = tmp_path / "trial.pbr.json"
    words = [str(tmp_path / "inner" / "trial.csv"), "y ~ x + f + (1 | g)", "--out", str(path)]
    assert main(["record", *words, "--ml", "--contrasts", "f=contr.sum", "--ddf", "none"]) == 0
    _, (model,), _ = read_record(path)
    assert model.source == "inner/trial.csv"
    assert model.spec.contrasts == (("f", "contr.sum"),)
    assert main(["verify", str(path)]) == 0
    data.loc[0, "x"] += 1
    data.to_csv(tmp_path / "other.csv", index=False)
    assert main(["verify", str(path), "--data", str(tmp_path / "other.csv")]) == 1
    assert "column 'x': values: some differ" in capsys.readouterr().out


def test_generalized_models_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cbpp.pbr.json"
    words = ["lme4::cbpp", BINOMIAL, "--family", "binomial", "--optimizer", "bobyqa"]
    assert main(["record", *words, "--link", "probit", "--out", str(path)]) == 0
    assert main(["verify", str(path)]) == 0
    assert main(["fit", *words]) == 0
    assert "Family: binomial" in capsys.readouterr().out
    assert main(["fit", *words, "--format", "csv"]) == 0
    assert "z value" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("verify", "nowhere.json"), "cannot be read"),
        (("verify", "RECORD", "--data", "lme4::cbpp"), "'Reaction'"),
        (("verify", "RECORD", "--tolerance", "much"), "not a number"),
        (("verify", "RECORD", "--tolerance", "1", "--tolerance", "2"), "FIGURE=NUMBER"),
        (("verify", "RECORD", "--tolerance", "x=1"), "no figure 'x'"),
        (("verify", "SPOILED"), "not a record of models"),
    ],
)
def test_what_cannot_be_checked_is_exit_status_2(
    made: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    said: str,
) -> None:
    (tmp_path / "spoiled.json").write_text("{}")
    places = {"RECORD": str(made), "SPOILED": str(tmp_path / "spoiled.json")}
    assert main([places.get(word, word) for word in words]) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.out == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--family", "binomial", "--ml"), "--ml is for linear models"),
        (("--link", "log"), "--link needs --family"),
        (("--family", "negative-binomial", "--link", "log"), "cannot be chosen"),
        (("--contrasts", "contr.sum"), "FACTOR=NAME"),
        (("--optimizer", "best"), "optimizer"),
        (("--out", "/nowhere/r.json"), "cannot be written"),
    ],
)
def test_a_users_error_at_recording(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["record", *SLEEPSTUDY, *words]) == 1
    assert said in capsys.readouterr().err


def test_a_record_is_checked_in_a_process_of_its_own(made: Path) -> None:
    """To the last bit, on Debian 12 as well: both processes are put into one state."""
    done = subprocess.run(
        [sys.executable, "-m", "pymer_bridge", "verify", str(made)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "to the last bit" in done.stdout
    assert done.stderr == ""


def test_singular_fits_keep_their_warnings(tmp_path: Path) -> None:
    data = pb.load_dataset("Dyestuff2")
    with pytest.warns(SingularFitWarning):
        fit = pb.lmer("Yield ~ 1 + (1 | Batch)", data)
    path = pb.record(fit, tmp_path / "r.json", ddf="none")
    with pytest.warns(SingularFitWarning):
        report = pb.verify_record(path, data=data)
    assert report.ok
