"""New data are of the kinds that were fitted: what is plainly meant is taken, as R has it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.fits import same
from helpers.probing import plain_r
from pymer_bridge.data.new_data import ColumnKind
from pymer_bridge.session.r_session import session

pytestmark = [
    pytest.mark.r("lmerTest", "emmeans"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.errors.RMessage"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.errors.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:refit.. of lme4:pymer_bridge.errors.RWarning"),
    pytest.mark.filterwarnings("ignore:Some predictor variables:pymer_bridge.errors.RWarning"),
]

LINEAR = "y ~ x + n + flag + dose + word"
MIXED = "y ~ x + n + flag + dose + grade + word + truth + as.numeric(day) + (1 | id)"
NEW: dict[str, Any] = {
    "x": [0.5, -1.0],
    "n": [1, 0],
    "flag": [True, False],
    "dose": pd.Categorical([1, 10]),
    "grade": ["top", "low"],
    "word": ["lo", "hi"],
    "truth": pd.Categorical([True, False]),
    "id": ["100000", "101"],
    "day": pd.to_datetime(["2026-01-03", "2026-01-09"]),
}


@pytest.fixture(scope="module")
def plain() -> Any:
    session().require("lme4")
    return plain_r(REFERENCES / "labels.R")


@pytest.fixture(scope="module")
def data(plain: Any) -> pd.DataFrame:
    columns = plain("columns_of_kinds")
    frame = pd.DataFrame({name: list(values) for name, values in columns.items()})
    frame["flag"] = frame["flag"].astype(bool)
    frame["dose"] = pd.Categorical(frame["dose"].astype(int), [10, 1, 2])
    frame["grade"] = pd.Categorical(frame["grade"], ["low", "mid", "top"], ordered=True)
    frame["truth"] = pd.Categorical(frame["truth"] == "TRUE")
    frame["id"] = pd.Categorical(frame["id"].astype(int))
    frame["day"] = pd.to_datetime(frame["day"], unit="s")
    return frame


@pytest.fixture(scope="module")
def fit(data: pd.DataFrame) -> pb.LinearMixedModel:
    # R's levels of id are in the order of texts.
    texts = data.assign(id=pd.Categorical(data["id"].astype(str)))
    return pb.lmer(MIXED, texts)


@pytest.fixture(scope="module")
def linear(data: pd.DataFrame) -> pb.LinearModel:
    return pb.lm(LINEAR, data)


@pytest.fixture(scope="module")
def predicted(plain: Any) -> dict[str, Any]:
    """Return what plain R predicts for the new data."""
    found: dict[str, Any] = plain("predicted_kinds")
    return found


@pytest.fixture(scope="module")
def means(plain: Any) -> dict[str, Any]:
    """Return plain R's means at a value of each column."""
    found: dict[str, Any] = plain("means_of_kinds")
    return found


ALIKE: dict[str, list[Any]] = {
    "x": [
        ["0.5", "-1"],
        ["0.5", " -1.0e0 "],
        pd.Categorical([0.5, -1.0]),
        pd.array([0.5, -1.0], dtype="Float64"),
        pd.Categorical(["0.5", "-1"]),
        np.array([0.5, -1], dtype=object),
        np.array(["0.5", -1], dtype=object),
        np.array([0.5, -1], dtype=np.float32),
        pd.array(["0.5", "-1"], dtype="string"),
    ],
    "n": [
        ["1", "0"],
        [1.0, 0.0],
        [True, False],
        pd.array([True, False], dtype="boolean"),
        pd.Categorical([1, 0]),
        pd.array([1, 0], dtype="UInt8"),
        pd.Categorical(["1", "0"]),
        np.array([True, 0], dtype=object),
    ],
    "flag": [
        [1, 0],
        [1.0, 0.0],
        ["True", "False"],
        ["TRUE", "false"],
        pd.Categorical([True, False]),
        pd.Categorical(["True", "False"]),
        pd.array([True, False], dtype="boolean"),
        pd.array([1, 0], dtype="Int8"),
        np.array([True, False], dtype=object),
    ],
    "dose": [
        [1, 10],
        [1.0, 10.0],
        ["1", "10"],
        pd.Categorical(["1", "10"]),
        pd.Categorical([1.0, 10.0]),
        pd.array([1, 10], dtype="Int64"),
        np.array([1, "10"], dtype=object),
        np.array([True, 10], dtype=object),
    ],
    "grade": [pd.Categorical(["top", "low"]), np.array(["top", "low"], dtype=object)],
    "truth": [
        [True, False],
        [1, 0],
        ["True", "False"],
        ["TRUE", "FALSE"],
        [1.0, 0.0],
        pd.array([True, False], dtype="boolean"),
        pd.Categorical(["true", "false"]),
    ],
    "id": [
        [100000, 101],
        [100000.0, 101.0],
        pd.Categorical([100000, 101]),
        pd.Categorical([100000.0, 101.0]),
        pd.array([100000, 101], dtype="Int64"),
        np.array([100000, "101"], dtype=object),
    ],
    "day": [
        pd.to_datetime(["2026-01-03", "2026-01-09"]).tz_localize("UTC"),
        np.array(["2026-01-03", "2026-01-09"], dtype="datetime64[s]"),
        pd.to_datetime(["2026-01-03", "2026-01-09"]).date,
    ],
}


@pytest.mark.parametrize("column", ALIKE)
def test_what_is_plainly_meant_is_taken(
    column: str, fit: Any, linear: Any, predicted: dict[str, Any]
) -> None:
    for values in ALIKE[column]:
        new = pd.DataFrame({**NEW, column: values})
        same(fit.predict(new), predicted["all"])
        same(fit.predict(new, "population"), predicted["population"])
        same(linear.predict(new), predicted["lm"])
        same(fit.augment(new)[".fitted"], predicted["all"])
        same(fit.simulate(1, seed=3, new_data=new).values[:, 0], predicted["simulated"])


def test_a_bootstrap_takes_new_data_as_predictions_do(fit: Any) -> None:
    found = [
        fit.bootstrap(n_sim=2, seed=1, statistic="predictions", new_data=pd.DataFrame(new))
        for new in (NEW, {**NEW, "dose": [1.0, 10.0], "flag": ["True", "False"], "n": ["1", "0"]})
    ]
    assert found[0].to_frame().equals(found[1].to_frame())
    with pytest.raises(pb.DataConversionError, match=r"new_data\['n'\] holds 'a'"):
        fit.bootstrap(n_sim=2, seed=1, statistic="predictions", new_data={**NEW, "n": ["a", "b"]})


REFUSED: dict[str, list[Any]] = {
    "x": [
        ["a", "b"],
        ["", "1"],
        ["1,5", "2"],
        ["nan", "1"],
        [pd.Timestamp("2026")] * 2,
        ["inf", "1"],
        ["0x10", "1"],
        ["1_000", "1"],
        pd.Categorical(["a", "b"]),
        [pd.Timedelta("1s")] * 2,
        np.array([1, "a"], dtype=object),
    ],
    "n": [["1", "many"], [pd.Timestamp("2026")] * 2],
    "flag": [[2, 0], ["yes", "no"], [0.5, 1], ["1", "0"], [pd.Timestamp("2026")] * 2],
    "day": [["2026-01-03", "2026-01-09"], [1, 2], [True, False], [pd.Timedelta("1s")] * 2],
    "dose": [["1.0", "10.0"], ["1e0", "10"]],
    "id": [["1e+05", "101"], ["100000.0", "101.0"], pd.Categorical(["101.0", "7.0"])],
}


@pytest.mark.parametrize("column", REFUSED)
def test_the_rest_is_refused_by_its_name(column: str, fit: Any) -> None:
    for values in REFUSED[column]:
        new = {**NEW, column: values}
        for ask in (fit.predict, fit.augment, lambda new: fit.simulate(1, new_data=new)):
            with pytest.raises(pb.DataConversionError, match=rf"new_data\['{column}'\] h"):
                ask(new)


def test_levels_that_the_model_has_not_are_named(fit: Any) -> None:
    cases = {"dose": [[1, 3], [1.5, 1]], "word": [[1, 2], [True, False]], "id": [[102, 7]]}
    for column, every in cases.items():
        for values in every:
            with pytest.raises(pb.RError, match="new level") as raised:
                fit.predict({**NEW, column: values})
            assert f"new_data['{column}'] has levels that the model has not: " in str(raised.value)
    with pytest.raises(pb.RError, match="allow_new_levels=True"):
        fit.predict({**NEW, "id": [102, 7]})


def test_ids_that_became_floats_are_told_of(fit: Any) -> None:
    with pytest.raises(pb.DataConversionError) as raised:
        fit.predict({**NEW, "id": ["1e+05", "101"]})
    assert str(raised.value) == (
        "new_data['id'] has the text '1e+05', and the model has the level '100000': pandas makes "
        "whole numbers floats where one is missing; give them as Int64, or as the text that was "
        "fitted"
    )
    lost = pd.Series([100000, None])  # floats now
    found = fit.predict({**NEW, "id": lost}, allow_new_levels=True).values
    assert found[0] == fit.predict(NEW).values[0]


def test_missing_values_stay_missing(linear: Any) -> None:
    cases: dict[str, Any] = {
        "x": ["0.5", None],
        "flag": [1.0, np.nan],
        "dose": [1.0, np.nan],
        "n": pd.array([1, None], "Int64"),
        "word": ["lo", None],
    }
    for column, values in cases.items():
        found = linear.predict({**NEW, column: values}).values
        assert found[0] == linear.predict(NEW).values[0]
        assert np.isnan(found[1])


def test_a_response_that_is_not_needed_may_be_anything(fit: Any) -> None:
    new = pd.DataFrame({**NEW, "y": ["a", "b"], "other": [object(), 1]})
    same(fit.predict(new), fit.predict(NEW))


@pytest.mark.parametrize(
    ("formula", "read"),
    [
        ("Reaction ~ Days + (Days | Subject)", ("Days",)),
        ("Reaction ~ 1 + (Days | Subject)", ()),
        # What R evaluates though it is taken away again.
        ("Reaction ~ Days + Subject - Subject + (1 | Subject)", ("Days", "Subject")),
        ("Reaction ~ . - Subject + (1 | Subject)", ("Reaction", "Days", "Subject")),
    ],
)
def test_groups_cross_only_where_a_prediction_reads_them(
    formula: str, read: tuple[str, ...]
) -> None:
    data = pb.load_dataset("sleepstudy")
    fit = pb.lmer(formula, data)
    frame = fit._new_frame(data, "population", random=False)
    assert frame is not None
    assert frame.names == read
    assert len(fit.predict(data, "population").values) == len(data)
    whole = fit._new_frame(data, None, random=True)
    assert whole is not None
    assert {"Subject"} <= {*whole.names}


AT: dict[str, list[Any]] = {
    "dose": [10, 10.0, "10"],
    "flag": [True, 1, "True", "true", np.True_],
    "x": [0.5, "0.5", np.float32(0.5)],
    "n": [1, 1.0, True, "1"],
    "truth": [True, "TRUE", "True", 1],
    "grade": ["top"],
}


@pytest.mark.parametrize("name", AT)
def test_values_at_which_means_are_taken(name: str, fit: Any, means: dict[str, Any]) -> None:
    theirs = means[name]
    for value in AT[name]:
        for given in (value, [value]):
            table = fit.emmeans("word", at={name: given}, ddf="asymptotic")
            same([row.estimate for row in table.rows], theirs)


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ({"dose": 3}, r"at\['dose'\] has no level '3'; there are: '10', '1', '2'"),
        ({"word": ["lo", "no"]}, r"at\['word'\] has no level 'no'; there are: 'hi', 'lo'"),
        ({"word": True}, r"at\['word'\] has no level 'TRUE'"),
        ({"flag": "maybe"}, r"at\['flag'\] holds 'maybe'; the model has True and False there"),
        ({"x": "much"}, r"at\['x'\] holds 'much'; the model has numbers there"),
        ({"tmep": [225]}, r"at: no predictor 'tmep'; there are: 'x', 'n', 'flag'"),
        ({"id": ["7"]}, r"at: no predictor 'id'; there are: "),
    ],
)
def test_other_values_of_means_are_refused(at: Any, message: str, fit: Any) -> None:
    with pytest.raises(pb.OptionError, match=message):
        fit.emmeans("word", at=at)
    with pytest.raises(pb.OptionError, match=message):
        fit.emtrends("word", "n", at=at)


def test_a_column_of_another_name_is_the_one_to_rename() -> None:
    fit = pb.lmer("Reaction ~ Days + (1 | Subject)", pb.load_dataset("sleepstudy"))
    with pytest.raises(pb.DataConversionError) as raised:
        fit.predict({"Dayz": [1], "Subject": ["308"]})
    assert str(raised.value).splitlines()[1:] == ["Rename 'Dayz' to 'Days'"]


# -- the one class -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("levels", "value", "meant"),
    [
        (("007", "8"), 7, "007"),
        (("7", "8"), 7.0, "7"),
        (("1e+05",), 100000, "1e+05"),
        (("0", "1"), True, "1"),
        (("1.0", "2.0"), 1, "1.0"),
        (("True", "False"), True, "True"),
        (("True", "False"), 0, "False"),
        (("TRUE", "FALSE"), "true", "TRUE"),
        (("true", "TRUE"), "TRUE", "TRUE"),
        (("a", "b"), 12.0, "12"),
        (("a", "b"), 1e15, "1000000000000000"),
        (("a", "b"), 1.5, "1.5"),
        (("a", "b"), False, "FALSE"),
        (("2026-01-01 00:00:00",), pd.Timestamp("2026-01-01"), "2026-01-01 00:00:00"),
    ],
)
def test_a_number_is_the_level_that_reads_as_it(levels: Any, value: Any, meant: str) -> None:
    assert ColumnKind("factor", levels).level(value, "v") == meant


@pytest.mark.parametrize(
    ("levels", "value"), [(("07", "7.0"), 7), (("true", "True"), True), (("1", "2"), "1.0")]
)
def test_what_may_be_several_levels_is_refused(levels: Any, value: Any) -> None:
    with pytest.raises(pb.DataConversionError, match="v has"):
        ColumnKind("factor", levels).level(value, "v")


@pytest.mark.parametrize("fitted", ["int64", "float64", "Int32", "str", "category"])
def test_ids_are_the_same_however_pandas_stores_them(fitted: str) -> None:
    rng = np.random.default_rng(1)
    ids = np.repeat([100000, 200000, 300000, 7], 30)
    data = pd.DataFrame({"id": pd.Series(ids).astype(fitted), "x": rng.normal(size=120)})
    data["y"] = data["x"] + ids / 1e5 + rng.normal(size=120)
    fit = pb.lmer("y ~ x + (1 | id)", data)
    wanted = fit.predict({"x": [0.0, 1.0], "id": data["id"].iloc[[0, 119]].array}).values
    for given in (
        [100000, 7],
        [100000.0, 7.0],
        ["100000", "7"],
        pd.array([100000, 7], dtype="Int64"),
        pd.array([100000.0, 7.0], dtype="Float32"),
        np.array([100000, 7], dtype=object),
        pd.Categorical([100000, 7]),
        pd.Categorical([100000.0, 7.0]),
        np.array([100000.0, 7], dtype=object),
        np.array([100000, 7], dtype=np.uint32),
    ):
        same(fit.predict({"x": [0.0, 1.0], "id": given}), wanted)


@pytest.mark.parametrize("number", [np.inf, -np.inf])
def test_an_infinite_number_is_no_level(number: float) -> None:
    stools = pb.load_dataset("ergoStool", package="nlme")
    stools["Subject"] = stools["Subject"].astype(int)
    fit = pb.lmer("effort ~ Type + (1 | Subject)", stools)
    with pytest.raises(pb.PymerError, match="Inf"):
        fit.predict(pd.DataFrame({"Type": ["T1", "T2"], "Subject": [1.0, number]}))
