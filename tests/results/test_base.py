"""Results: frozen, shown, looked up, stored and read back to the last bit."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import json
import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pymer_bridge as pb
from helpers import ROOT
from pymer_bridge.data.exact import same
from pymer_bridge.data.frozen_arrays import frozen_array
from pymer_bridge.results import codec
from pymer_bridge.results.base import Result, Rows
from pymer_bridge.results.fixed_effects import FixedEffect, FixedEffects
from pymer_bridge.results.icc_r2 import IntraclassCorrelation, RSquared
from pymer_bridge.results.matrix import NamedMatrix

FORMULA = "Reaction ~ Days + (Days | Subject)"
PARTS = (
    "fixed_effects",
    "variance_components",
    "random_effects",
    "group_coefficients",
    "fit_statistics",
    "convergence",
    "vcov",
    "model_matrix",
    "summary",
)


@pytest.fixture(scope="module")
def fit() -> Any:
    return pb.lmer(FORMULA, pb.load_dataset("sleepstudy"))


def part(fit: Any, name: str) -> Any:
    value = getattr(fit, name)
    return value() if callable(value) else value


@pytest.mark.r
@pytest.mark.parametrize("name", PARTS)
def test_a_result_survives_json_to_the_last_bit(fit: Any, name: str) -> None:
    result = part(fit, name)
    text = json.dumps(result.to_dict(), allow_nan=False)
    again = type(result).from_dict(json.loads(text))
    assert again == result
    assert again.to_frame().equals(result.to_frame())
    assert str(again) == str(result)


@pytest.mark.r
@pytest.mark.parametrize("name", PARTS)
def test_a_result_shows_itself_everywhere(fit: Any, name: str) -> None:
    result = part(fit, name)
    assert len(result.to_frame()) > 0
    assert "<table" in result._repr_html_()
    assert "|" in result.to_markdown()
    assert "tabular" in result.to_latex()
    assert repr(result) == str(result)


@pytest.mark.r
@pytest.mark.parametrize("name", PARTS)
def test_a_result_is_frozen(fit: Any, name: str) -> None:
    result = part(fit, name)
    field = dataclasses.fields(result)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(result, field, None)
    assert not hasattr(result, "__dict__")


@pytest.mark.r
def test_arrays_are_read_only(fit: Any) -> None:
    table = fit.random_effects.group("Subject")
    for array in (fit.vcov.values, fit.model_matrix.values, table.estimate, table.covariance):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0.0
    assert np.asarray(fit.vcov).shape == (2, 2)
    fitted = fit.fitted
    fitted.iloc[0] = 0.0
    assert fit.fitted.iloc[0] != 0.0


@pytest.mark.r
def test_rows_are_looked_up_by_key_and_a_miss_lists_what_is_there(fit: Any) -> None:
    fixed = fit.fixed_effects()
    assert fixed["Days"] is fixed.rows[1]
    with pytest.raises(KeyError, match=r"'Hours'.*'Days'"):
        fixed["Hours"]
    components = fit.variance_components
    assert components["Residual"].std_dev == fit.sigma
    assert components["Subject", "Days"].term == "Days"
    with pytest.raises(KeyError, match="'Subject'"):
        components["Subject"]
    assert components.correlation("Subject", "Days", "(Intercept)") == components.correlation(
        "Subject", "(Intercept)", "Days"
    )
    with pytest.raises(KeyError, match="no correlation"):
        components.correlation("Subject", "Days", "Hours")
    effects = fit.random_effects
    assert effects["Subject", "308", "Days"] in effects.rows
    for key in (("Subject", "1", "Days"), ("Subject", "308", "Hours"), ("x", "308", "Days"), "x"):
        with pytest.raises(KeyError):
            effects[key]


@pytest.mark.r
def test_frames_have_broom_columns_and_numbers(fit: Any) -> None:
    frame = fit.fixed_effects(ddf="none").to_frame()
    assert list(frame.columns) == [
        "term",
        "estimate",
        "std_error",
        "df",
        "statistic",
        "p_value",
        "conf_low",
        "conf_high",
    ]
    assert frame["p_value"].isna().all()
    assert (frame.dtypes.iloc[1:] == np.float64).all()
    assert list(fit.random_effects.to_frame().columns) == [
        "group",
        "level",
        "term",
        "estimate",
        "std_error",
    ]
    assert len(fit.random_effects.to_frame()) == len(fit.random_effects) == 36


@pytest.mark.r
def test_a_model_shows_its_parts_and_cannot_be_changed(fit: Any) -> None:
    assert FORMULA in str(fit)
    assert "Subject 18" in str(fit)
    assert repr(fit) == f"<LinearMixedModel {FORMULA!r}, 180 observations>"
    assert fit._repr_html_().count("<table") >= 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        fit.sigma = 1.0
    assert fit.fixed_effects() is fit.fixed_effects()


@pytest.mark.r
def test_an_unknown_option_lists_what_is_accepted(fit: Any) -> None:
    with pytest.raises(pb.OptionError, match=r"ddf='exact'.*'satterthwaite'"):
        fit.fixed_effects(ddf="exact")
    with pytest.raises(pb.OptionError, match="between 0 and 1"):
        fit.fixed_effects(conf_level=95)
    with pytest.raises(pb.OptionError, match="'normal'"):
        fit.summary(ddf="normal")
    with pytest.raises(pb.OptionError, match="kind='raw'"):
        fit.residuals("raw")


FLOATS = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(FLOATS, max_size=8), st.text(), FLOATS)
def test_the_codec_keeps_every_bit(values: list[float], text: str, number: float) -> None:
    row = FixedEffect(text, number, number, None, number, None, number, number)
    matrix = NamedMatrix(frozen_array(np.array([values])), tuple(map(str, values)))
    for result in (FixedEffects((row,), "none", 0.9), matrix):
        mapping = json.loads(json.dumps(result.to_dict(), allow_nan=False))
        again = type(result).from_dict(mapping)
        assert json.dumps(again.to_dict()) == json.dumps(result.to_dict())
    kept = NamedMatrix.from_dict(matrix.to_dict()).values
    assert kept.tobytes() == matrix.values.tobytes() or np.isnan(values).any()


@pytest.mark.parametrize(
    "change",
    [{"schema": 99}, {"type": "Nothing"}, {"ddf": None, "extra": 1}, {"type": "FitStatistics"}],
)
def test_a_damaged_record_is_refused(change: dict[str, Any]) -> None:
    row = FixedEffect("x", 1.0, 1.0, None, 1.0, None, None, None)
    mapping = FixedEffects((row,), "none", 0.95).to_dict()
    with pytest.raises(ValueError, match=r"schema|type|fields"):
        FixedEffects.from_dict({**mapping, **change})


def test_a_result_of_another_class_is_refused() -> None:
    matrix = NamedMatrix(np.eye(1), ("x",))
    with pytest.raises(ValueError, match="NamedMatrix, not a FixedEffects"):
        FixedEffects.from_dict(matrix.to_dict())


def test_text_in_a_result_is_escaped_in_html() -> None:
    row = FixedEffect("<script>", 1.0, 1.0, None, 1.0, None, None, None)
    shown = FixedEffects((row,), "none", 0.95)._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


def test_every_result_class_is_a_slotted_frozen_dataclass() -> None:
    for cls in codec.classes().values():
        assert dataclasses.is_dataclass(cls)
        assert cls.__dataclass_params__.frozen  # type: ignore[attr-defined]
        assert "__slots__" in vars(cls)
    assert issubclass(FixedEffects, Result)
    assert isinstance(FixedEffects((), "none", 0.95).to_frame(), pd.DataFrame)


@pytest.mark.r
def test_a_copy_of_a_model_shares_it_and_results_are_pickled(fit: Any) -> None:
    again = copy.deepcopy(fit)
    assert again is fit
    fixed = fit.fixed_effects()
    assert pickle.loads(pickle.dumps(fixed)) == fixed
    means = fit.emmeans("Days")
    assert pickle.loads(pickle.dumps(means)) == means


@pytest.mark.r
def test_what_is_kept_cannot_be_changed(fit: Any) -> None:
    with pytest.raises(TypeError):
        fit.n_groups["Subject"] = 5
    with pytest.raises(ValueError, match="WRITEABLE"):
        fit.vcov.values.setflags(write=True)


@pytest.mark.r
def test_dropped_rows_are_those_of_the_data_with_a_subset_too() -> None:
    data = pb.load_dataset("sleepstudy")
    data.loc[[105, 157], "Reaction"] = float("nan")
    model = pb.lmer("Reaction ~ Days + (1 | Subject)", data, subset="Days > 1")
    assert model.dropped_rows == (105, 157)
    assert model.model_matrix.row_names is not None
    assert list(model.model_matrix.row_names) == list(map(str, model.fitted.index))


@pytest.mark.r
def test_a_series_of_another_index_is_refused() -> None:
    data = pb.load_dataset("sleepstudy")
    weights = pd.Series(np.arange(1.0, 181.0), index=data.index)
    for argument in ("weights", "offset"):
        with pytest.raises(pb.OptionError, match="index"):
            pb.lmer("Reaction ~ Days + (1 | Subject)", data, **{argument: weights.iloc[10:]})
    with pytest.raises(pb.OptionError, match="reml='ML' must be True or False"):
        pb.lmer("Reaction ~ Days + (1 | Subject)", data, reml="ML")  # type: ignore[arg-type]
    with pytest.raises(pb.OptionError, match="start"):
        pb.lmer("Reaction ~ Days + (1 | Subject)", data, start="abc")


@pytest.mark.r
@pytest.mark.parametrize("optimizer", ["nloptwrap", "bobyqa", "Nelder_Mead", "nlminbwrap", "none"])
def test_convergence_is_told_of_every_optimizer(optimizer: Any) -> None:
    data = pb.load_dataset("sleepstudy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pb.RWarning)  # "none" stays where it starts
        model = pb.lmer("Reaction ~ Days + (1 | Subject)", data, control=pb.lmer_control(optimizer))
    found = model.convergence
    assert found.optimizer == (None if optimizer == "none" else optimizer)
    assert str(found)
    assert set(model.warnings) <= set(found.warnings)
    assert set(model.messages) <= set(found.messages)


@pytest.mark.r
def test_what_r_said_is_kept_on_the_result_and_told_once() -> None:
    data = pb.load_dataset("sleepstudy")
    model = pb.lmer("Reaction ~ Days + (Days | Subject)", data, reml=False)
    with pytest.warns(pb.RMessage, match="REML"):
        means = model.emmeans("Days")
    assert any("REML" in message for message in means.messages)


def test_what_a_result_cannot_hold():
    with pytest.raises(TypeError, match="a result cannot hold a complex"):
        codec.encode(1j)
    with pytest.raises(TypeError, match="a result cannot hold a type"):
        codec.encode(NamedMatrix)


def test_an_array_is_not_the_same_as_something_else():
    assert not same(np.array([1.0]), (1.0,))
    assert not same(1.0, np.array([1.0]))
    assert not same(np.array([1.0]), np.array([1]))
    assert not same(pd.Index([1]), (1,))
    assert same(np.array([np.nan]), np.array([np.nan]))


def test_an_index_of_numpy_scalars_is_kept():
    index = pd.Index(np.array([np.int64(1), "a", (np.float64(2.5), "b")], dtype=object))
    again = codec.decode(codec.encode(index))
    assert list(again) == [1, "a", (2.5, "b")]


def test_a_named_matrix_for_numpy_and_by_names():
    matrix = NamedMatrix(np.array([[1.0, 2.0]]), ("a", "b"), ("r",))
    assert np.asarray(matrix, copy=False) is matrix.values
    assert np.array(matrix, dtype=np.int64).tolist() == [[1, 2]]
    assert matrix["r", "b"] == 2.0
    for key in (("x", "a"), ("r", "x")):
        with pytest.raises(KeyError, match="columns are: 'a', 'b'"):
            _ = matrix[key]
    with pytest.raises(KeyError):
        _ = NamedMatrix(np.array([[1.0]]), ("a",))["r", "a"]


def test_shares_of_variance_show_themselves():
    shares = IntraclassCorrelation(0.25, None)
    assert str(shares).splitlines()[0] == "Intraclass correlation"
    assert str(shares).splitlines()[-1].split() == ["0.25"]
    shares = RSquared(0.25, 0.5)
    assert str(shares).splitlines()[0] == "R squared"
    assert str(shares).splitlines()[-1].split() == ["0.25", "0.5"]


def test_every_result_made_of_rows_is_looked_up_by_key():
    for path in (ROOT / "pymer_bridge" / "results").glob("*.py"):
        module = importlib.import_module(f"pymer_bridge.results.{path.stem}")
        for thing in vars(module).values():
            if isinstance(thing, type) and issubclass(thing, Result):
                assert issubclass(thing, Rows) or not hasattr(thing, "rows"), thing
