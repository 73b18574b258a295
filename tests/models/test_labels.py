"""Labels are read, never positions: numbers for terms, levels, rows and parameters, against R."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.fits import same
from helpers.probing import plain_r
from helpers.refusal import refused
from pymer_bridge.errors import UnknownNameError
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import labels

pytestmark = [
    pytest.mark.r("lmerTest", "pbkrtest", "emmeans", "effects"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.errors.RMessage"),
    pytest.mark.filterwarnings("ignore:refit.. of lme4:pymer_bridge.errors.RWarning"),
]

TERMS = ["(Intercept)", "recipeB", "recipeC", "temp", "recipeB:temp", "recipeC:temp"]
JOINT = pd.DataFrame([[0.0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1]], columns=TERMS)
CODES = pd.DataFrame(
    {"C.others": [-1.0, -1.0, 2.0], "B.A": [-1.0, 1.0, 0.0]}, index=["A", "B", "C"]
)
SLEEP = "Reaction ~ Days + (1 | Subject)"


@pytest.fixture(scope="module")
def plain() -> Any:
    session().require("lme4")
    return plain_r(REFERENCES / "labels.R")


@pytest.fixture(scope="module")
def fit() -> pb.LinearMixedModel:
    return pb.lmer("angle ~ recipe * temp + (1 | recipe:replicate)", pb.load_dataset("cake"))


@pytest.fixture(scope="module")
def sleep() -> pb.LinearMixedModel:
    return pb.lmer(SLEEP, pb.load_dataset("sleepstudy"))


# -- terms ---------------------------------------------------------------------------------------

FRAMES = {
    "in order": JOINT,
    "reversed": JOINT[TERMS[::-1]],
    "shuffled": JOINT.sample(frac=1, axis=1, random_state=1),
    "only those that count": JOINT[["recipeC:temp", "recipeB:temp"]],
    "named rows": JOINT.set_axis(["one", "other"])[TERMS[::-1]],
    "by position": pd.DataFrame(JOINT.to_numpy()),
    "of integers": JOINT.astype(int)[TERMS[::-1]],
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_of_contrasts_has_a_column_for_each_term(name: str, fit: Any, plain: Any) -> None:
    (row,) = fit.contest(FRAMES[name]).rows
    same([row.df1, row.statistic], plain("tested")[:2])
    compared = pb.kr_modcomp(fit, FRAMES[name])
    same([compared.df1, compared.statistic], plain("compared"))


DIFFERENCE = {
    "a mapping": {"recipeC": 1, "recipeB": -1},
    "a Series": pd.Series({"recipeC": 1.0, "recipeB": -1.0}),
    "a whole Series, reversed": pd.Series([0, -1, 1, 0, 0, 0], index=TERMS)[::-1],
    "a Series without labels": pd.Series([0, -1, 1, 0, 0, 0]),
    "an array": np.array([0, -1, 1, 0, 0, 0]),
    "a list": [0, -1, 1, 0, 0, 0],
}


@pytest.mark.parametrize("name", DIFFERENCE)
@pytest.mark.parametrize("rhs", [2.0, {"d": 2.0}, pd.Series([2.0], index=["d"]), [2.0]])
def test_weights_of_a_contrast_go_to_their_terms(name: str, rhs: Any, fit: Any, plain: Any) -> None:
    (row,) = fit.contest({"d": DIFFERENCE[name]}, rhs, joint=False).rows
    same([row.estimate, row.statistic], plain("tested")[2:])


def test_rows_may_be_named_as_terms(fit: Any) -> None:
    each = pd.DataFrame(np.eye(6), index=TERMS, columns=TERMS)
    table = fit.contest(each[TERMS[::-1]], joint=False)
    wanted = {row.term: row.estimate for row in fit.fixed_effects("none")}
    assert {row.term: row.estimate for row in table} == wanted


def test_numbers_of_several_contrasts_go_by_their_names(fit: Any) -> None:
    rows = {"a": {"temp": 1}, "b": {"recipeB": 1}}
    given = fit.contest(rows, [0.0, 5.0], joint=False)
    for rhs in (pd.Series([5.0, 0.0], index=["b", "a"]), {"b": 5.0, "a": 0.0}):
        assert fit.contest(rows, rhs, joint=False) == given
    alone = fit.contest(pd.Series({"temp": 1.0}), joint=False)
    assert alone.rows[0].estimate == given["a"].estimate


WRONG_TERMS: dict[str, tuple[Any, str]] = {
    "an unknown column": (JOINT.rename(columns={"temp": "tmp"}), "'tmp'.*'recipeC:temp'"),
    "an unknown label": ({"d": pd.Series({"recipeD": 1.0})}, "'recipeD'.*'recipeC'"),
    "numbers that are no terms": ({"d": pd.Series([1.0, 2.0], index=[3, 1])}, "3, 1; the fixed"),
    "a label twice": ({"d": pd.Series([1.0, 2.0], index=["temp", "temp"])}, "'temp' twice"),
    "terms as rows": (JOINT.T, r"give \.T"),
    "several factors": ({"d": pd.Series({("temp", 1): 1.0})}, r"\('temp', 1\)"),
    "too short without labels": ({"d": pd.Series([1.0, 2.0])}, "2 weights"),
}


@pytest.mark.parametrize("name", WRONG_TERMS)
def test_labels_of_no_term_are_refused(name: str, fit: Any) -> None:
    given, message = WRONG_TERMS[name]
    with pytest.raises(pb.OptionError, match=message):
        fit.contest(given)


def test_other_labels_are_refused_with_both_sets(fit: Any) -> None:
    assert refused(lambda: fit.contest({"a": {"temp": 1}}, {"b": 1.0})) == (
        "rhs names 'b'; the contrasts are: 'a'"
    )
    assert refused(lambda: pb.kr_modcomp(fit, JOINT.rename(columns={"temp": "t"}))).startswith(
        "restricted names 't'; the fixed effects are: '(Intercept)'"
    )


# -- rows of marginal means ----------------------------------------------------------------------


def test_weights_of_means_go_to_their_levels(fit: Any, plain: Any) -> None:
    at = {"temp": [175, 225]}
    means, within = fit.emmeans("recipe"), fit.emmeans("recipe", by="temp", at=at)
    both = fit.emmeans(["recipe", "temp"], at=at)
    index = pd.MultiIndex.from_tuples([(225, "B"), (175, "A")], names=["temp", "recipe"])
    cases: list[tuple[Any, list[Any], slice]] = [
        (
            means,
            [
                {"B": -1, "A": 1},
                pd.Series([0, -1, 1], index=["C", "B", "A"]),
                [1, -1, 0],
                pd.Series([1, -1, 0]),
                pd.Series({"B": -1.0, "A": 1.0}),
            ],
            slice(0, 1),
        ),
        (
            both,
            [
                {("B", 225): -1, ("A", 175): 1},
                pd.Series([-1, 1], index=index),
                pd.Series([-1, 1], index=index.reorder_levels([1, 0])),
                [1, 0, 0, 0, -1, 0],
            ],
            slice(1, 2),
        ),
        (
            within,
            [{"A": -1, "B": 1}, pd.Series([1, 0, -1], index=["B", "C", "A"]), (-1, 1, 0)],
            slice(2, 4),
        ),
    ]
    theirs = plain("contrasted")
    for table, every, places in cases:
        for given in every:
            same([row.estimate for row in table.contrast({"d": given}).rows], theirs[places])
    said = refused(lambda: means.contrast({"d": pd.Series({"A": 1, "D": -1})}))
    assert said == "method['d'] names 'D'; the rows are: 'A', 'B', 'C'"
    assert "2 weights, and there are 3 rows" in refused(lambda: means.contrast({"d": [1, -1]}))


# -- levels of contrasts -------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["ABC", "CAB", "BCA"])
def test_contrasts_go_to_their_levels(order: str, plain: Any) -> None:
    cake = pb.load_dataset("cake")
    given = {"recipe": CODES.loc[list(order)]}
    fit = pb.lmer("angle ~ recipe + (1 | recipe:replicate)", cake, contrasts=given)
    theirs = plain("coded")
    same([row.estimate for row in fit.fixed_effects().rows], theirs)
    # On other data, whose text and order of levels differ, and by pb.lm.
    text = cake.assign(recipe=cake["recipe"].astype(str))
    same([row.estimate for row in fit.update(data=text).fixed_effects().rows], theirs)
    by_position = pb.lm("angle ~ recipe", cake, contrasts={"recipe": CODES.to_numpy()})
    assert pb.lm("angle ~ recipe", cake, contrasts=given).sigma == by_position.sigma


def test_levels_that_are_numbers_are_labels_too() -> None:
    data = pb.load_dataset("sleepstudy")
    data["week"] = pd.Categorical(np.where(data["Days"] > 4, 20, 3), categories=[20, 3])
    codes = pd.DataFrame({"late": [1.0, 0.0]}, index=[20, 3])
    fits = [
        pb.lm("Reaction ~ week", data, contrasts={"week": given})
        for given in (codes, codes[::-1], codes.set_axis(["20", "3"]), codes.to_numpy())
    ]
    estimates = [[row.estimate for row in fit.fixed_effects().rows] for fit in fits]
    assert all(each == estimates[0] for each in estimates)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (CODES.rename(index={"C": "D"}), "names 'D'; the levels of 'recipe' are: 'A', 'B', 'C'"),
        (CODES.iloc[:2], "'A', 'B', and not 'C'"),
        (CODES.set_axis([0, 1, 3]), "names 0, 1, 3"),
        (CODES.set_axis(["A", "B", "B"]), "'B' twice"),
    ],
)
def test_contrasts_of_other_levels_are_refused(codes: pd.DataFrame, message: str) -> None:
    with pytest.raises(pb.OptionError, match=message):
        pb.lm("angle ~ recipe", pb.load_dataset("cake"), contrasts={"recipe": codes})


# -- rows ----------------------------------------------------------------------------------------


def _vectors(index: pd.Index) -> dict[str, Any]:
    rng = np.random.default_rng(20)
    return {
        "weights": pd.Series(rng.uniform(0.5, 2, 180), index=index),
        "offset": pd.Series(rng.normal(size=180), index=index),
        "subset": pd.Series(rng.uniform(size=180) > 0.2, index=index),
    }


INDEXES = {
    "a count": pd.RangeIndex(180),
    "numbers": pd.Index(range(1000, 1180)),
    "texts": pd.Index([f"row {i}" for i in range(180)]),
    "times": pd.date_range("2026-01-01", periods=180, freq="h", tz="Asia/Tokyo"),
    "two levels": pd.MultiIndex.from_product([range(18), range(10)]),
}


def _figures(fit: Any) -> list[float]:
    return [fit.sigma, *(row.estimate for row in fit.fixed_effects("none").rows)]


@pytest.mark.parametrize("name", INDEXES)
def test_vectors_go_to_their_rows(name: str, plain: Any) -> None:
    index = INDEXES[name]
    data, vectors = pb.load_dataset("sleepstudy").set_axis(index), _vectors(index)
    order = np.random.default_rng(1).permutation(180)
    numbers = {
        "weights": vectors["weights"].to_numpy(),
        "offset": vectors["offset"].to_numpy(),
        "keep": vectors["subset"].to_numpy(),
    }
    theirs = plain("weighted", **numbers, rows=np.arange(1, 181, dtype=np.int32))
    shuffled = plain("weighted", **numbers, rows=(order + 1).astype(np.int32))
    moved = {name: vector.iloc[order[::-1]] for name, vector in vectors.items()}
    fit = pb.lmer(SLEEP, data, **vectors)
    same(_figures(fit), theirs)
    same(_figures(pb.lmer(SLEEP, data, **moved)), theirs)
    same(_figures(pb.lmer(SLEEP, data.iloc[order], **vectors)), shuffled)
    same(_figures(fit.update(data=data.iloc[order])), shuffled)
    arrays = {name: vector.to_numpy() for name, vector in vectors.items()}
    same(_figures(pb.lmer(SLEEP, data, **arrays).update(data=data.iloc[order])), shuffled)


def test_vectors_of_other_rows_are_refused() -> None:
    data = pb.load_dataset("sleepstudy")
    vectors = _vectors(data.index)
    twice = data.set_axis(np.repeat(range(90), 2))
    for name, vector in vectors.items():
        fit = pb.lmer(SLEEP, data, **{name: vector})
        for other in (data.iloc[10:], data.set_axis(range(1, 181)), twice):
            with pytest.raises(pb.OptionError, match=rf"{name} .*another index.*\.to_numpy"):
                pb.lmer(SLEEP, other, **{name: vector})
            with pytest.raises(pb.OptionError, match=rf"{name} .*another index"):
                fit.update(data=other)
            fit.update(data=other, **{name: None})
        alike = vector.set_axis(twice.index)
        assert pb.lmer(SLEEP, twice, **{name: alike}).sigma == fit.sigma  # the same rows in order
        with pytest.raises(pb.OptionError, match="some label stands twice"):
            pb.lmer(SLEEP, twice, **{name: alike[::-1]})
    with pytest.raises(pb.OptionError, match="weights alone has 'x'"):
        pb.lmer(SLEEP, data, weights=vectors["weights"].rename({3: "x"}))
    mapped = dict(vectors["weights"][::-1])
    assert pb.lmer(SLEEP, data, weights=mapped).sigma == (
        pb.lmer(SLEEP, data, weights=vectors["weights"]).sigma
    )


def test_a_response_goes_to_its_rows(sleep: Any, plain: Any) -> None:
    response = pd.Series(np.random.default_rng(3).normal(size=180))
    theirs = plain("refitted", response=response.to_numpy())
    for given in (response, response.sample(frac=1, random_state=2), response.to_numpy()):
        assert sleep.refit(given).sigma == theirs[0]
    drawn = sleep.simulate(1, seed=4)
    assert sleep.refit(drawn).sigma == sleep.refit(drawn.values[:, 0]).sigma
    assert sleep.refit(drawn["sim_1"][::-1]).sigma == sleep.refit(drawn).sigma
    with pytest.raises(pb.OptionError, match="new_response is on another index"):
        sleep.refit(response.set_axis(range(5, 185)))


def test_a_response_may_be_on_the_rows_used() -> None:
    data = pb.load_dataset("sleepstudy")
    data.loc[[2, 49], "Reaction"] = np.nan
    fit = pb.lmer(SLEEP, data)
    drawn = fit.simulate(1, seed=1)["sim_1"]
    assert fit.refit(drawn[::-1]).sigma == fit.refit(drawn.to_numpy()).sigma


def test_columns_of_a_mapping_are_on_one_index(sleep: Any) -> None:
    days, who = pd.Series([1.0, 2.0], index=[5, 6]), pd.Series(["308", "309"], index=[6, 5])
    found = sleep.predict({"Days": days, "Subject": who})
    assert list(found.index) == [5, 6]
    same(found.values, sleep.predict({"Days": [1.0, 2.0], "Subject": ["309", "308"]}).values)
    assert sleep.predict({"Days": [1.0, 2.0], "Subject": who}).index.tolist() == [6, 5]
    with pytest.raises(pb.DataConversionError, match=r"new_data\['Subject'\] is on another index"):
        sleep.predict({"Days": days, "Subject": who.set_axis([6, 7])})
    data = pb.load_dataset("sleepstudy")
    columns = {name: data[name].sample(frac=1, random_state=i) for i, name in enumerate(data)}
    assert (
        pb.lmer(SLEEP, columns).sigma == pb.lmer(SLEEP, data.loc[columns["Reaction"].index]).sigma
    )


# -- parameters ----------------------------------------------------------------------------------


def test_points_of_the_deviance_go_to_their_parameters() -> None:
    fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    deviance = fit.deviance_function()
    point = pd.Series([1.0, 0.1, 0.3], index=deviance.names)
    wanted = deviance(point.to_numpy())
    assert deviance(point[::-1]) == deviance(dict(point[::-1])) == wanted
    assert deviance.at(pd.DataFrame([point])[[*deviance.names[::-1]]]).values.tolist() == [wanted]
    with pytest.raises(pb.OptionError, match=r"'x'.*'Subject\.Days'"):
        deviance(point.set_axis([*deviance.names[:2], "x"]))


def test_starting_values_with_labels_are_refused() -> None:
    start = pd.Series([0.9], index=["Subject.(Intercept)"])
    with pytest.raises(pb.OptionError, match=r"start has labels.*\.to_numpy"):
        pb.lmer(SLEEP, pb.load_dataset("sleepstudy"), start=start)
    pb.lmer(SLEEP, pb.load_dataset("sleepstudy"), start=pd.Series([0.9]))


# -- the data's own index ------------------------------------------------------------------------


@pytest.mark.parametrize("name", INDEXES)
def test_every_result_over_rows_is_on_the_index_of_the_data(name: str) -> None:
    data = pb.load_dataset("sleepstudy").set_axis(INDEXES[name])
    data.loc[data.index[[2, 49]], "Reaction"] = np.nan
    used = data.index.delete([2, 49])
    fit = pb.lmer(SLEEP, data)
    results = {
        "model_matrix": fit.model_matrix.to_frame(),
        "X": fit.get_me("X").to_frame(),
        "fitted": fit.fitted,
        "residuals": fit.residuals(),
        "hat_values": fit.hat_values(),
        "cooks_distance": fit.cooks_distance(),
        "rstudent": fit.rstudent(),
        "augment": fit.augment(),
        "model_frame": fit.model_frame,
        "predict": fit.predict().to_series(),
        "simulate": fit.simulate(1, seed=1).to_frame(),
    }
    for what, found in results.items():
        assert found.index.equals(used), what
        assert found.index.dtype == used.dtype, what
    assert fit.model_matrix[used[4], "Days"] == data.loc[used[4], "Days"]
    again = type(fit.model_matrix).from_dict(fit.model_matrix.to_dict())
    assert again == fit.model_matrix
    assert again.to_frame().index.equals(used)


def test_the_influence_of_rows_is_on_the_index_of_the_data() -> None:
    data = pb.load_dataset("Dyestuff").set_axis(range(100, 130))
    influence = pb.lmer("Yield ~ 1 + (1 | Batch)", data).influence()
    for found in (
        influence.to_frame(),
        influence.cooks_distance,
        influence.dfbetas.to_frame(),
        influence.variances.to_frame(),
    ):
        assert found.index.equals(data.index)
    assert influence["100"].level == "100"


def test_row_names_of_r_that_only_count_are_a_count() -> None:
    for name, package in [("cbpp", "lme4"), ("cake", "lme4"), ("warpbreaks", "datasets")]:
        data = pb.load_dataset(name, package)
        assert type(data.index) is pd.RangeIndex
        assert data.index.equals(pd.RangeIndex(len(data)))
    assert pb.load_dataset("mtcars", "datasets").index[0] == "Mazda RX4"


# -- the one function ----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_any_permutation_gives_what_its_labels_say(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    kind = rng.choice(["texts", "numbers", "floats", "bools", "pairs"])
    known: list[Any] = {
        "texts": [f"level {i}" for i in range(n)],
        "numbers": list(range(n)),
        "floats": [i / 4 for i in range(n)],
        "bools": [False, True][:n],
        "pairs": [(f"a{i}", i) for i in range(n)],
    }[kind]
    numbers = rng.normal(size=len(known))
    order = rng.permutation(len(known))
    index = pd.Index([known[i] for i in order], tupleize_cols=kind == "pairs")
    series = pd.Series(numbers[order], index=index)
    for given in (series, dict(series), series.to_frame("x")):
        found = np.ravel(labels.aligned(given, known, "given", "the levels"))
        assert found.tolist() == numbers.tolist()
    texts = [str(name) for name in known] if kind == "numbers" else known
    assert labels.aligned(series, texts, "given", "the levels").tolist() == numbers.tolist()
    padded = labels.aligned(series.iloc[1:], known, "given", "the levels", rest=0.0)
    assert padded.tolist() == [0.0 if i == order[0] else x for i, x in enumerate(numbers)]
    if kind != "numbers" and len(known) > 1:
        with pytest.raises(pb.OptionError, match="and not"):
            labels.aligned(series.iloc[1:], known, "given", "the levels")


def test_parameters_of_a_nonlinear_model_go_by_their_names() -> None:
    orange = pb.load_dataset("Orange", "datasets")
    formula = "circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree"
    start = {"Asym": 200, "xmid": 725, "scal": 350}
    fit = pb.nlmer(formula, orange, start=start)
    for names in (("scal", "Asym", "xmid"), ("xmid", "scal", "Asym")):
        other = pb.nlmer(formula, orange, start={name: start[name] for name in names})
        assert other.spec.start == fit.spec.start
        assert other.sigma == fit.sigma
    with pytest.raises(pb.OptionError, match="start names 'k'; the formula has: 'Asym', 'xmid'"):
        pb.nlmer(formula, orange, start={**start, "k": 1})


def test_rows_are_looked_up_by_their_own_labels() -> None:
    data = pb.load_dataset("Dyestuff").set_axis(pd.date_range("2026-01-01", periods=30))
    influence = pb.lmer("Yield ~ 1 + (1 | Batch)", data).influence()
    assert influence[data.index[3]] is influence[str(data.index[3])] is influence.rows[3]
    with pytest.raises(UnknownNameError, match="no row"):
        influence[3]
    batch = pb.lmer("Yield ~ 1 + (1 | Batch)", data).influence("Batch")
    assert batch["A"].level == "A"


def test_matrices_and_residuals_over_rows_are_on_the_index_of_the_data() -> None:
    data = pb.load_dataset("sleepstudy").set_axis(range(500, 680))
    fit = pb.lmer("Reaction ~ Days + (Days | Subject)", data)
    for matrix in fit.get_me("mmList").values():
        assert matrix.to_frame().index.equals(data.index)
    effect = fit.effect("Days", partial_residuals=True)
    assert effect.partial_frame().index.equals(data.index)
    assert type(effect).from_dict(effect.to_dict()).partial_frame().index.equals(data.index)


def test_mappings_of_names_that_are_not_there_are_refused(sleep: Any) -> None:
    intervals = sleep.confint("wald")
    with pytest.raises(pb.OptionError, match="labels names 'Dayz'; the table has: "):
        pb.model_table(sleep, labels={"Dayz": "Day", "Subject": "Person"})
    with pytest.raises(pb.OptionError, match="intervals names 'b'; the models are: 'a'"):
        pb.plots.coefficients({"a": sleep}, intervals={"a": intervals, "b": intervals})
    with pytest.raises(pb.OptionError, match="Subjet"):
        sleep.bootstrap("case", n_sim=2, seed=1, resample={"Subjet": True})
    with pytest.raises(pb.OptionError, match="at holds 'Dayz'"):
        sleep.plot.lines(at={"Dayz": 1})
    with pytest.raises(pb.OptionError, match="at='Dayz'"):
        sleep.effect("Days", at={"Dayz": 1})
