"""Rows that a model leaves out are counted in sight, with the columns that caused it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from pymer_bridge.results.base import Result
from pymer_bridge.results.rows_used import RowsUsed
from pymer_bridge.results.summary import ModelSummary

pytestmark = [pytest.mark.r, pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning")]

SAID = "670 of 750 rows; 80 left out: missing values in cond (50), y (30)"
FORMULA = "y ~ cond + x + (1 | g)"


def _data() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = 750
    group = np.arange(n) % 25
    return pd.DataFrame(
        {
            "y": rng.normal(size=n) + group / 5,
            "cond": rng.choice(["a", "b"], n),
            "x": rng.normal(size=n),
            "g": [f"s{i}" for i in group],
            "w": rng.uniform(1, 2, n),
            "o": rng.normal(size=n),
            "count": rng.poisson(3, n),
        },
        index=pd.RangeIndex(1000, 1000 + n),
    )


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    data = _data()
    data.loc[1000:1049, "cond"] = None
    data.loc[1060:1089, "y"] = np.nan
    return data


@pytest.fixture(scope="module")
def gappy(data: pd.DataFrame) -> pd.DataFrame:
    """Return rows that lack two values, and each kind of column with gaps."""
    data = data.copy()
    data.loc[1045:1070, "x"] = np.nan
    data.loc[1100, "w"] = np.nan
    data.loc[1101, "o"] = np.nan
    data.loc[1102:1104, "g"] = None
    return data


@pytest.fixture(scope="module")
def fit(data: pd.DataFrame) -> pb.LinearMixedModel:
    return pb.lmer(FORMULA, data)


def test_a_model_says_how_many_rows_it_leaves_out_and_why(fit: Any, data: pd.DataFrame) -> None:
    assert str(fit.rows_used) == SAID
    assert fit.rows_used.n_left_out == 80 == len(fit.dropped_rows)
    assert fit.rows_used.missing == {"cond": 50, "y": 30}
    assert SAID in str(fit)
    assert SAID in fit.heading
    assert SAID in fit._repr_html_()
    assert repr(fit) == f"<LinearMixedModel '{FORMULA}', 670 of 750 rows>"
    other = pb.lm("y ~ x", data)
    for form in ("text", "html", "latex", "markdown"):
        table = pb.model_table(fit, other, names=["full", "small"], format=form, icc=False)
        assert f"full: {SAID}." in table
        assert "small: 720 of 750 rows; 30 left out: missing values in y (30)." in table
    frame = fit.rows_used.to_frame()
    assert frame["n"].tolist() == [80, 50, 30]
    assert SAID in fit.rows_used.to_markdown()


def test_the_printed_summary_is_rs_and_its_other_forms_say_it(fit: Any) -> None:
    for summary in (fit.summary(), fit.summary("none")):
        assert "left out" not in str(summary)
        assert str(summary) == summary.text
        assert SAID in summary._repr_html_()
        assert SAID in summary.to_markdown()
        assert SAID in summary.to_latex()
        assert summary.rows_used == fit.rows_used
        again = Result.from_dict(json.loads(json.dumps(summary.to_dict())))
        assert again == summary
    # As it was stored before: without rows.
    stored = fit.summary().to_dict()
    del stored["rows_used"]
    assert "left out" not in ModelSummary.from_dict(stored).to_markdown()


def test_nothing_is_said_where_all_rows_are_used(fit: Any, data: pd.DataFrame) -> None:
    whole = pb.lmer(FORMULA, data.dropna())
    assert str(whole.rows_used) == "all 670 rows"
    assert whole.rows_used == RowsUsed(670, 670)
    for text in (str(whole), whole._repr_html_(), repr(whole), whole.summary()._repr_html_()):
        assert "left out" not in text
        assert " of 670" not in text
    assert "left out" not in str(pb.model_table(whole, icc=False, r2=False))


def _expected(data: pd.DataFrame, chosen: pd.Series, columns: list[str]) -> tuple[int, Any, int]:
    """Count as a user would: rows of the subset that lack a value, by column, several at once."""
    lacks = data.loc[chosen, columns].isna()
    counts = {name: int(n) for name, n in lacks.sum().items() if n}
    return int(lacks.any(axis=1).sum()), counts, int((lacks.sum(axis=1) > 1).sum())


KINDS: dict[str, tuple[Any, list[str]]] = {
    "lmer": (lambda d: pb.lmer(FORMULA, d), ["y", "cond", "x", "g"]),
    "exclude": (lambda d: pb.lmer(FORMULA, d, na_action="exclude"), ["y", "cond", "x", "g"]),
    "weights": (
        lambda d: pb.lmer(FORMULA, d, weights="w", offset="o"),
        ["y", "cond", "x", "g", "w", "o"],
    ),
    "offset in the formula": (
        lambda d: pb.lmer("y ~ cond + offset(o) + (0 + x || g)", d),
        ["y", "cond", "x", "g", "o"],
    ),
    "basis": (lambda d: pb.lmer("y ~ exp(x):cond + (1 | g)", d), ["y", "cond", "x", "g"]),
    "dot": (lambda d: pb.lmer("y ~ . - g + (1 | g)", d), [*_data().columns]),
    "nested": (lambda d: pb.lmer("y ~ x + (1 | g / cond)", d), ["y", "cond", "x", "g"]),
    "glmer": (lambda d: pb.glmer("count ~ cond + (1 | g)", d, family="poisson"), ["cond", "g"]),
    "lm": (lambda d: pb.lm("y ~ cond * x", d, weights="w"), ["y", "cond", "x", "w"]),
    "glm": (lambda d: pb.glm("count ~ cond * x", d, family="poisson"), ["cond", "x"]),
    "lm_list": (lambda d: pb.lm_list("y ~ x | g", d), ["y", "x", "g"]),
    "update": (lambda d: pb.lmer(FORMULA, d).update(". ~ . - cond"), ["y", "x", "g"]),
    "refit": (
        lambda d: pb.lmer(FORMULA, d).refit(np.random.default_rng(1).normal(size=len(d))),
        ["y", "cond", "x", "g"],
    ),
    "refit of an expression": (
        lambda d: pb.lmer("exp(y) ~ cond + (1 | g)", d).refit(d["count"] + d["w"].fillna(1) / 9),
        ["y", "cond", "g"],
    ),
    "refit_ml": (lambda d: pb.lmer(FORMULA, d).refit_ml(), ["y", "cond", "x", "g"]),
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_rows_are_counted_for_every_kind_of_model(gappy: pd.DataFrame, kind: str) -> None:
    make, columns = KINDS[kind]
    model = make(gappy)
    used = model.rows_used
    n, counts, several = _expected(gappy, gappy.index > 0, columns)
    assert (used.n_rows, used.n_used) == (750, model.n_obs)
    assert (used.n_missing, used.missing, used.n_several) == (n, counts, several)
    assert list(used.missing.values()) == sorted(used.missing.values(), reverse=True)
    assert used.n_left_out == n
    assert (used.n_subset, used.n_weightless, used.n_failed) == (0, 0, 0)
    assert f"{model.n_obs} of 750 rows; {n} left out: missing values in" in str(model)
    assert str(used) in model._repr_html_().replace("&lt;", "<")
    assert f"{model.n_obs} of 750 rows" in repr(model)


@pytest.mark.parametrize("vector", [False, True])
def test_a_subset_takes_rows_away_before_missing_values_do(
    gappy: pd.DataFrame, vector: bool
) -> None:
    chosen = gappy["count"] > 2
    for fitter, formula in ((pb.lmer, FORMULA), (pb.lm, "y ~ cond + x"), (pb.lm_list, "y ~ x | g")):
        if vector and fitter is pb.lm_list:
            continue  # R's lmList() takes no vector
        subset = chosen if vector else "count > 2"
        used = fitter(formula, gappy, subset=subset).rows_used
        columns = [name for name in ("y", "cond", "x", "g") if name in formula]
        assert used.n_subset == (~chosen).sum()
        found = (used.n_missing, used.missing, used.n_several)
        assert found == _expected(gappy, chosen, columns)
        assert used.n_left_out == used.n_subset + used.n_missing
        assert f"left out: not in subset= ({used.n_subset}); missing values in" in str(used)
    whole = pb.lmer("y ~ cond + (1 | g)", _data(), subset="x > 0").rows_used
    assert str(whole).endswith(f"left out: not in subset= ({whole.n_left_out})")


def test_vectors_expressions_and_weights_of_zero_are_named(gappy: pd.DataFrame) -> None:
    vectors = pb.lmer(FORMULA, gappy, weights=gappy["w"], offset=gappy["o"]).rows_used
    assert vectors.missing == {"cond": 50, "y": 30, "x": 26, "g": 3, "weights=": 1, "offset=": 1}
    expression = pb.lmer("y ~ log(w - 1.5) + (1 | g)", gappy).rows_used
    assert expression.missing["log(w - 1.5)"] == (gappy["w"] < 1.5).sum()
    assert expression.missing["w"] == 1
    zeros = pd.Series(np.where(np.arange(750) < 200, 0.0, 1.0), index=gappy.index)
    for fit in (
        pb.lm("y ~ x", gappy, weights=zeros),
        pb.glm("count ~ x", gappy, weights=zeros, family="poisson"),
    ):
        used = fit.rows_used
        assert used.n_used == fit.n_obs
        assert used.n_weightless == used.n_left_out - used.n_missing > 0
        assert f"weights of 0 ({used.n_weightless})" in str(used)


def test_groups_that_could_not_be_fitted_are_rows_left_out() -> None:
    data = _data()
    data.loc[data["g"] == "s3", "y"] = np.inf
    fits = pb.lm_list("y ~ x | g", data)
    assert fits.failed == ("s3",)
    said = "720 of 750 rows; 30 left out: groups that could not be fitted (30)"
    assert str(fits.rows_used) == said
    assert said in str(fits)


def test_many_columns_are_summed_up(data: pd.DataFrame) -> None:
    wide = _data()
    names = [f"v{i}" for i in range(9)]
    for i, name in enumerate(names):
        wide[name] = np.arange(750) % (i + 11) / 7
        wide.loc[1000 + 20 * i : 1000 + 20 * i + i, name] = np.nan
    used = pb.lmer(f"y ~ {' + '.join(names)} + (1 | g)", wide).rows_used
    assert str(used).endswith("v8 (9), v7 (8), v6 (7), v5 (6), v4 (5), v3 (4), 3 more columns")
    assert len(used.missing or {}) == 9


def test_models_from_files_count_their_rows(fit: Any, tmp_path: Path) -> None:
    for again in (
        pb.load(fit.save(tmp_path / "fit.pbr.zip")),
        pb.load_rds(fit.save_rds(tmp_path / "fit.rds"), trust=True),
    ):
        assert again.rows_used == fit.rows_used
        assert SAID in str(again)
