"""Models that are compared use the same rows: those of the larger one, where it was asked so."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.live import assert_same_bits
from helpers.probing import plain_r
from pymer_bridge.session.r_session import session

pytestmark = [
    pytest.mark.r("pbkrtest"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning"),
]

SAID = "is fitted to the 163 rows of the larger model; alone it would use 26 more"


@pytest.fixture(scope="module")
def plain() -> Any:
    session().require("pbkrtest")
    return plain_r(REFERENCES / "rows.R")


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = 200
    group = np.arange(n) % 20
    made = pd.DataFrame({"x": rng.normal(size=n), "z": rng.normal(size=n)})
    made["y"] = rng.normal(size=n) + group / 5 + made["x"] / 5
    made["w"] = rng.uniform(1, 2, n)
    made["count"] = rng.poisson(2, n).astype(float)
    made["g"] = [f"s{i:02d}" for i in group]
    made.loc[5:30, "z"] = np.nan
    made.loc[50:60, "x"] = np.nan
    return made.set_axis(pd.RangeIndex(500, 500 + n))


def _columns(data: pd.DataFrame, *names: str) -> dict[str, Any]:
    return {name: data[name].tolist() if name == "g" else data[name].to_numpy() for name in names}


@pytest.fixture(scope="module")
def compared(data: pd.DataFrame, plain: Any) -> Any:
    """Return a function that gives what plain R finds in the complete cases, found once."""
    columns = _columns(data, "y", "x", "z", "w", "g")
    return cache(
        lambda weighted, reml: plain("compared", columns=columns, weighted=weighted, reml=reml)
    )


def _fit(data: pd.DataFrame, weighted: bool = False, **how: Any) -> pb.LinearMixedModel:
    if weighted:
        return pb.lmer("y ~ x + z + (x | g)", data, weights=data["w"], **how)
    return pb.lmer("y ~ x + z + (1 | g)", data, **how)


def _ratio(test: Any) -> list[float]:
    rows = test.rows
    figures = [*(row.aic for row in rows), *(row.log_likelihood for row in rows)]
    return [*figures, rows[1].chi_square, rows[1].p_value]


@pytest.mark.parametrize("na_action", ["omit", "exclude"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reml", [True, False])
def test_comparisons_are_those_of_the_complete_cases(
    data: pd.DataFrame, compared: Any, weighted: bool, reml: bool, na_action: Any
) -> None:
    theirs = compared(weighted, reml)
    fit = _fit(data, weighted, reml=reml, na_action=na_action)
    assert fit.n_obs == 163
    ways: list[Any] = [fit.update(". ~ . - z"), ". ~ . - z", "z"]
    assert ways[0].n_obs == 189
    for way in ways:
        kr = pb.kr_modcomp(fit, way)
        assert_same_bits([kr.statistic, kr.df1, kr.df2, kr.p_value], theirs["kr"])
        sat = pb.sat_modcomp(fit, way)
        assert_same_bits([sat.statistic, sat.df1, sat.df2, sat.p_value], theirs["sat"])
        boot = pb.pb_modcomp(fit, way, n_sim=5, seed=3)
        assert_same_bits([boot.lrt, boot.p_value], theirs["boot"])
        for test in (kr, sat, boot):
            assert [text for text in test.messages if SAID in text] == [f"the smaller model {SAID}"]
    for models in ((ways[0], fit), (fit, ways[0])):
        test = pb.anova(*models, names=["one", "other"])
        assert_same_bits(_ratio(test), theirs["anova"])
        assert "rows of" in test.messages[0]
    assert ways[0].n_obs == 189  # the model itself stays as it is
    routes = ("likelihood-ratio", "bootstrap-likelihood-ratio")
    found = pb.compare_inference(fit, "z", routes, n_sim=5, seed=3)
    assert found["likelihood-ratio"].statistic == theirs["anova"][4]
    assert_same_bits(
        [
            found["bootstrap-likelihood-ratio"].statistic,
            found["bootstrap-likelihood-ratio"].p_value,
        ],
        theirs["boot"],
    )


def test_generalized_models_too(data: pd.DataFrame, plain: Any) -> None:
    fit = pb.glmer("count ~ x + z + (1 | g)", data, family="poisson")
    test = pb.anova(fit.update(". ~ . - z"), fit)
    theirs = plain("compared_counts", columns=_columns(data, "count", "x", "z", "g"))
    assert_same_bits(_ratio(test), theirs)


def test_several_models_go_to_the_rows_of_the_largest(data: pd.DataFrame) -> None:
    fit, whole = _fit(data), _fit(data.dropna())
    test = pb.anova(fit, fit.update(". ~ . - z"), fit.update(". ~ . - x - z"))
    alone = pb.anova(whole, whole.update(". ~ . - z"), whole.update(". ~ . - x - z"))
    assert test.rows == alone.rows
    assert len([text for text in test.messages if "rows of model1" in text]) == 2
    added = fit.update(". ~ . - z")
    assert (
        pb.anova(added, added.update(". ~ . + z")).rows
        == pb.anova(whole.update(". ~ . - z"), whole).rows
    )


def test_it_is_said_as_a_warning_and_only_where_rows_differ(data: pd.DataFrame) -> None:
    with pytest.warns(pb.RMessage, match=SAID):
        pb.kr_modcomp(_fit(data), "z")
    test = pb.kr_modcomp(_fit(data.dropna()), "z")
    assert not test.messages
    # Rows that also lack something else would not come back.
    data = data.assign(x=data["x"].where(data["z"].notna()))
    assert not pb.kr_modcomp(_fit(data), "z").messages
    matrix = np.array([[0.0, 0.0, 1.0]])
    assert not pb.kr_modcomp(_fit(data), matrix).messages


def test_models_of_other_rows_are_refused_with_the_numbers(data: pd.DataFrame) -> None:
    fit = _fit(data)
    own = pb.lmer("y ~ x + (1 | g)", data)
    others = {
        "fitted by the user": own,
        "updated with the data": fit.update(". ~ . - z", data=data),
        "updated with a subset": fit.update(". ~ . - z", subset=data["x"] < 5),
        "refitted": own.refit(data["count"]),
    }
    for what, other in others.items():
        n = other.n_obs
        said = f"larger model uses 163 rows, the smaller model uses {n} rows"
        for compare in (pb.kr_modcomp, pb.sat_modcomp):
            with pytest.raises(pb.RError, match=said):
                compare(fit, other)
        with pytest.raises(pb.RError, match=said):
            pb.pb_modcomp(fit, other, n_sim=2, seed=1)
        with pytest.raises(pb.RError, match=f"model1 uses {n} rows, model2 uses 163 rows") as info:
            pb.anova(other, fit)
        assert "data.dropna(subset=[...])" in str(info.value), what
    with pytest.raises(pb.RError, match="model1 uses 200 rows"):
        pb.anova(pb.lm("y ~ g", data), fit)
    # A subset that the user chose for the larger model alone.
    with pytest.raises(pb.RError, match="uses 189 rows"):
        pb.anova(fit.update(". ~ . - z"), fit.update(subset=data["x"] < 0))
    half = data.iloc[100:].reset_index(drop=True)
    first = data.iloc[:100].reset_index(drop=True)
    with pytest.raises(pb.RError, match="other responses"):
        pb.kr_modcomp(
            pb.lmer("y ~ count + w + (1 | g)", half), pb.lmer("y ~ count + (1 | g)", first)
        )


def test_restrictions_of_the_design_are_of_the_rows_used(data: pd.DataFrame) -> None:
    matrix = np.array([[0.0, 0.0, 1.0]])
    fit, whole = _fit(data), _fit(data.dropna())
    for compare in (pb.kr_modcomp, pb.sat_modcomp):
        ours, theirs = compare(fit, matrix), compare(whole, matrix)
        assert_same_bits(
            [ours.statistic, ours.df1, ours.df2, ours.p_value],
            [theirs.statistic, theirs.df1, theirs.df2, theirs.p_value],
        )
    boots = [pb.pb_modcomp(model, matrix, n_sim=5, seed=3) for model in (fit, whole)]
    assert boots[0].rows == boots[1].rows
    # Without its main effect the interaction would have other columns: the design is restricted.
    names = "y ~ x * g3 + z + (1 | g)"
    data = data.assign(g3=np.where(np.arange(len(data)) % 3, "b", "a"))
    routes = ("likelihood-ratio", "bootstrap-likelihood-ratio")
    found = [
        pb.compare_inference(pb.lmer(names, frame), "x", routes, n_sim=5, seed=3)
        for frame in (data, data.dropna())
    ]
    for route in routes:
        assert found[0][route].statistic == found[1][route].statistic is not None
        assert found[0][route].p_value == found[1][route].p_value


def test_models_from_files_keep_the_rows_too(data: pd.DataFrame, tmp_path: Path) -> None:
    fit = _fit(data)
    whole = _fit(data.dropna())
    wanted = pb.anova(whole.update(". ~ . - z"), whole).rows
    for again in (
        pb.load(fit.save(tmp_path / "fit.pbr.zip")),
        pb.load_rds(fit.save_rds(tmp_path / "fit.rds"), trust=True),
    ):
        assert pb.anova(again.update(". ~ . - z"), again).rows == wanted
        assert pb.kr_modcomp(again, "z").p_value == pb.kr_modcomp(whole, "z").p_value
        with pytest.raises(pb.RError, match="uses 189 rows"):
            pb.anova(again.update(". ~ . - z"), fit)
    with pytest.raises(pb.RError, match="uses 189 rows"):
        pb.kr_modcomp(fit.update(". ~ . - z"), fit)  # the wrong way round
