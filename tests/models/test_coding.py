"""How factors are coded, and hypotheses that are coefficients, against plain R."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from functools import cache
from pathlib import Path
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
from pymer_bridge.results.contrasts import Contrasts
from pymer_bridge.session.r_session import session

pytestmark = [
    pytest.mark.r("lmerTest"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning"),
]

HALF = {"A": -0.5, "B": -0.5, "C": 1}
WHOLE = {"recipe": {"A - B": {"A": 1, "B": -1}, "C or not": HALF}}
PART = {"recipe": {"A - B": {"A": 1, "B": -1}}}
HAND = pd.DataFrame({"u": [-1.0, -1, 2], "v": [0.3, -0.3, 0]}, index=["A", "B", "C"])
MIXED = "angle ~ recipe * temp + (1 | recipe:replicate)"


@pytest.fixture(scope="module")
def plain() -> Any:
    session().require("lme4")
    return plain_r(REFERENCES / "coding.R")


@cache
def _cake() -> pd.DataFrame:
    cake = pb.load_dataset("cake")
    cake["high"] = (cake["angle"] > 30).astype(int)
    cake["whole"] = cake["angle"].astype(int)
    return cake


def _few_cakes() -> pd.DataFrame:
    """Return some of the cakes, with counts that are spread more than Poisson's."""
    spread = ((_cake()["angle"] - 17) ** 2 / 10).astype(int)
    return _cake().assign(spread=spread)[_cake()["replicate"].astype(int) <= 6]


FITS: dict[str, Callable[..., Any]] = {
    "lmer": lambda **how: pb.lmer(MIXED, _cake(), **how),
    "glmer": lambda **how: pb.glmer(
        "high ~ recipe + (1 | recipe:replicate)", _cake(), family="binomial", **how
    ),
    "glmer_nb": lambda **how: pb.glmer_nb(
        "spread ~ recipe + (1 | recipe:replicate)", _few_cakes(), **how
    ),
    "lm": lambda **how: pb.lm("angle ~ recipe * temp", _cake(), **how),
    "glm": lambda **how: pb.glm("whole ~ recipe", _cake(), family="poisson", **how),
}


@cache
def _lmer() -> Any:
    return FITS["lmer"](hypotheses=WHOLE)


# -- hypotheses ----------------------------------------------------------------------------------


@pytest.mark.parametrize("of", ["whole", "part"])
@pytest.mark.parametrize("kind", FITS)
def test_a_coefficient_is_the_comparison_as_in_r(kind: str, of: str, plain: Any) -> None:
    fit = FITS[kind](hypotheses=WHOLE if of == "whole" else PART)
    rows = fit._estimates().rows
    theirs = plain("effects", kind=kind, of=of)
    assert [row.term for row in rows] == list(theirs["terms"])
    same([row.estimate for row in rows] + [row.std_error for row in rows], theirs["values"])


def test_a_coefficient_is_the_difference_of_two_means() -> None:
    fit = pb.lm("angle ~ recipe", _cake(), hypotheses=WHOLE)
    means = _cake().groupby("recipe", observed=True)["angle"].mean()
    wanted = means["A"] - means["B"], means["C"] - (means["A"] + means["B"]) / 2
    found = [row.estimate for row in fit.fixed_effects().rows]
    # Means by pandas are not sums in R's order.
    assert np.allclose(found, [means.mean(), *wanted], rtol=1e-12, atol=0)
    # With one comparison alone it is the same: the other column is orthogonal to it.
    alone = pb.lm("angle ~ recipe", _cake(), hypotheses=PART)
    named = pb.lm("angle ~ recipe", _cake(), hypotheses={"recipe": {"rest1": [1, -1, 0]}})
    assert named.contrasts["recipe"].columns == ("rest1", "rest1.1")
    assert np.isclose(alone.fixed_effects()["recipeA - B"].estimate, wanted[0], rtol=1e-12)
    assert np.isclose(alone.sigma, fit.sigma, rtol=1e-12)


def test_numbers_given_as_a_coding_are_no_comparison() -> None:
    """What ``docs/questions.md`` says of weights: the coefficient is half of the difference."""
    own = pd.DataFrame({"C.others": [-0.5, -0.5, 1.0], "A.B": [1.0, -1.0, 0.0]}, index=list("ABC"))
    coded = pb.lm("angle ~ recipe", _cake(), contrasts={"recipe": own})
    asked = pb.lm("angle ~ recipe", _cake(), hypotheses=PART)
    assert coded.contrasts["recipe"].weights["recipeA.B", "A"] == 0.5
    half = coded.fixed_effects()["recipeA.B"].estimate
    assert np.isclose(2 * half, asked.fixed_effects()["recipeA - B"].estimate, rtol=1e-12)


def _ordered(level: str) -> Any:
    return pd.Series(WHOLE["recipe"][level])


@pytest.mark.parametrize(
    "given",
    [
        {"recipe": {"A - B": [1, -1, 0], "C or not": np.array([-0.5, -0.5, 1])}},
        {"recipe": {name: _ordered(name)[::-1] for name in WHOLE["recipe"]}},
        {"`recipe`": WHOLE["recipe"]},
        {"recipe": pd.DataFrame(WHOLE["recipe"]).T.fillna(0.0)},
        {"recipe": {"A - B": {"A": 1, "B": -1, "C": 0}, "C or not": HALF}},
    ],
)
def test_weights_go_by_their_levels(given: Any) -> None:
    ours = pb.lm("angle ~ recipe", _cake(), hypotheses=given)
    assert (
        ours.fixed_effects() == pb.lm("angle ~ recipe", _cake(), hypotheses=WHOLE).fixed_effects()
    )


def test_levels_of_numbers_and_truths_are_labels() -> None:
    data = pb.load_dataset("sleepstudy")
    data["week"] = pd.Categorical((data["Days"] // 4).astype(int))
    data["late"] = data["Days"] > 4
    weeks = {"week": {"on": {1: 1, 0: -1}, "off": {2: 1, "1": -1}}}
    fit = pb.lm(
        "Reaction ~ week + late", data, hypotheses={**weeks, "late": {"d": {True: 1, False: -1}}}
    )
    terms = [row.term for row in fit.fixed_effects().rows]
    assert terms == ["(Intercept)", "weekon", "weekoff", "lated"]
    assert fit.contrasts["late"].levels == ("FALSE", "TRUE")
    text = data.assign(week=data["week"].astype(str))
    assert fit.update(data=text).fixed_effects() == fit.fixed_effects()


RECIPE = "hypotheses['recipe']"
REFUSED: dict[str, tuple[Any, str]] = {
    "no mapping": ([1], "hypotheses=[1] must be a mapping"),
    "no column": ({"of": {}}, "hypotheses name 'of', and the data has no such column; it has: "),
    "a number": (
        {"temp": {"x": {"175": 1, "185": -1}}},
        "hypotheses name 'temp', which is no factor of the fixed effects; these are: 'recipe'",
    ),
    "a grouping factor": ({"replicate": {"x": {"1": 1, "2": -1}}}, "is no factor of the fixed"),
    "nothing": ({"recipe": {}}, f"{RECIPE} must name comparisons, such as {{"),
    "no names": ({"recipe": [[1, -1, 0]]}, f"{RECIPE} must name comparisons, such as {{"),
    "a level": (
        {"recipe": {"x": {"A": 1, "D": -1}}},
        f"{RECIPE}['x'] names 'D'; the levels are: 'A', 'B', 'C'",
    ),
    "a length": ({"recipe": {"x": [1, -1]}}, f"{RECIPE}['x'] has shape (2,), and there are 3"),
    "text": ({"recipe": {"x": {"A": "one"}}}, f"{RECIPE}['x'] must be a number for each level"),
    "no number": (
        {"recipe": {"x": {"A": float("nan"), "B": 1}}},
        f"{RECIPE}['x'] must be finite numbers, some of them other than 0",
    ),
    "all zero": ({"recipe": {"x": {"A": 0}}}, "some of them other than 0"),
    "a mean": ({"recipe": {"x": {"A": 1}}}, f"{RECIPE}['x'] has weights whose sum is 1: a compari"),
    "rounded": ({"recipe": {"x": [1, -0.33, -0.66]}}, "has weights whose sum is 0.01"),
    "dependent": (
        {"recipe": {"x": [1, -1, 0], "y": [-2, 2, 0]}},
        f"{RECIPE}: 'x', 'y' depend on each other",
    ),
    "too many": (
        {"recipe": {"x": [1, -1, 0], "y": [0, 1, -1], "z": [1, 0, -1]}},
        f"{RECIPE} are 3 comparisons, and 3 levels have 2 that do not follow from each other",
    ),
    "twice": (
        {"recipe": PART["recipe"], "`recipe`": PART["recipe"]},
        "hypotheses name 'recipe' twice",
    ),
    "no name": ({"recipe": {"": [1, -1, 0]}}, f"{RECIPE} must name each comparison by a text"),
    "a name of another kind": ({"recipe": {None: [1, -1, 0]}}, "each comparison by a text"),
    "a level that is missing": (
        {"recipe": {"x": {float("nan"): 1, "A": -1}}},
        f"{RECIPE}['x'] names nan; the levels are: 'A', 'B', 'C'",
    ),
    "no text": ({"recipe": {"x": {"\ud800": 1, "A": -1}}}, f"{RECIPE}['x'] names '\\ud800'; the"),
    "a name twice": ({"recipe": {1: [1, -1, 0], "1": [0, 1, -1]}}, "name a comparison twice"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_coefficients_is_refused(case: str) -> None:
    given, message = REFUSED[case]
    assert message in refused(pb.lm, "angle ~ recipe + temp", _cake(), hypotheses=given)


WITHOUT = ("angle ~ 0 + recipe", "angle ~ temp + recipe - 1", "angle ~ recipe:temperature")


@pytest.mark.parametrize("formula", WITHOUT)
def test_without_an_intercept_no_coefficient_is_a_comparison(formula: str) -> None:
    said = refused(pb.lm, formula, _cake(), hypotheses=WHOLE)
    assert "'recipe' has a coefficient of its own, and none is a comparison: the formula" in said
    mixed = f"{formula} + (1 | replicate)"
    assert refused(pb.lmer, mixed, _cake(), hypotheses=WHOLE) == said
    # The first factor alone has all its levels.
    later = pb.lm("angle ~ 0 + temperature + recipe", _cake(), hypotheses=WHOLE)
    assert later.contrasts["temperature"].indicators == ("temperature",)
    assert later.contrasts["recipe"].indicators == ()


def test_contrasts_and_hypotheses_of_one_factor_are_refused() -> None:
    both = {"contrasts": {"recipe": "contr.sum"}, "hypotheses": WHOLE}
    said = refused(pb.lm, "angle ~ recipe", _cake(), **both)
    assert said == "'recipe' has both contrasts= and hypotheses=: its coding can be one of them"
    one_each = {"contrasts": {"temperature": "contr.sum"}, "hypotheses": WHOLE}
    fit = pb.lm("angle ~ recipe + temperature", _cake(), **one_each)
    assert [each.source for each in fit.contrasts] == ["given", "contr.sum"]


def test_an_update_keeps_hypotheses_or_takes_others() -> None:
    fit = pb.lm("angle ~ recipe", _cake(), hypotheses=WHOLE)
    longer = fit.update(". ~ . + temp", data=_cake())
    assert longer.contrasts == fit.contrasts
    assert fit.update(hypotheses=PART).contrasts["recipe"].columns == ("A - B", "rest1")
    assert fit.update(contrasts={"recipe": "contr.sum"}).contrasts["recipe"].source == "contr.sum"
    assert fit.update(contrasts=None).contrasts["recipe"].source == "contr.treatment"


def test_many_responses_have_hypotheses() -> None:
    table = _cake().assign(half=_cake()["angle"] / 2)
    both = pb.fit_many("~ recipe + (1 | replicate)", table, ["angle", "half"], hypotheses=WHOLE)
    one = pb.lmer("angle ~ recipe + (1 | replicate)", table, hypotheses=WHOLE)
    same(
        [both["angle"][term].estimate for term in ("recipeA - B", "recipeC or not")],
        [row.estimate for row in one.fixed_effects("none").rows[1:]],
    )


def test_hypotheses_come_back_from_files(tmp_path: Path) -> None:
    for fit in (_lmer(), FITS["lm"](hypotheses=PART)):
        for again in (
            pb.load(fit.save(tmp_path / "fit.pbr.zip")),
            pickle.loads(pickle.dumps(fit)),
            pb.load_rds(fit.save_rds(tmp_path / "fit.rds"), trust=True),
        ):
            assert again.contrasts == fit.contrasts
            assert again._estimates() == fit._estimates()


def test_a_record_of_hypotheses_holds(tmp_path: Path) -> None:
    path = tmp_path / "fit.pbr.json"
    pb.record(_lmer(), path)
    assert pb.verify_record(path, data=_cake()).ok


@pytest.mark.slow
def test_a_script_of_plain_r_gives_the_same() -> None:
    fits = [_lmer(), FITS["lm"](hypotheses=PART)]
    for fit in fits:
        fit.fixed_effects()
    report = pb.verify(fits, runs=1)
    assert report.ok, str(report)
    assert report.not_compared == ()


# -- the coding of a model -----------------------------------------------------------------------


SUM = {"contrasts": {"recipe": "contr.sum"}}
HELMERT = {"contrasts": {"recipe": "contr.helmert"}, "family": "binomial"}
CALLS: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "treatment": (pb.lmer, "angle ~ recipe + (1 | replicate)", {}),
    "ordered": (pb.lm, "angle ~ temperature", {}),
    "sum": (pb.lm, "angle ~ recipe", SUM),
    "helmert": (pb.glmer, "high ~ recipe + (1 | replicate)", HELMERT),
    "hand": (pb.lmer, "angle ~ temp + recipe + (1 | replicate)", {"contrasts": {"recipe": HAND}}),
    "fewer": (pb.lm, "angle ~ recipe", {"contrasts": {"recipe": HAND[["u"]]}}),
    "hypotheses": (pb.lm, "angle ~ recipe", {"hypotheses": PART}),
}


@cache
def _coded(name: str) -> Any:
    fitter, formula, named = CALLS[name]
    return fitter(formula, _cake(), **named)


CODED: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "treatment": ("recipe", "contr.treatment", ("B", "C")),
    "ordered": ("temperature", "contr.poly", (".L", ".Q", ".C", "^4", "^5")),
    "sum": ("recipe", "contr.sum", ("1", "2")),
    "helmert": ("recipe", "contr.helmert", ("1", "2")),
    "hand": ("recipe", "given", ("u", "v")),
    "fewer": ("recipe", "given", ("u",)),
    "hypotheses": ("recipe", "given", ("A - B", "rest1")),
}


@pytest.mark.parametrize("name", CODED)
def test_the_coding_is_that_of_the_design(name: str, plain: Any) -> None:
    factor, source, columns = CODED[name]
    fit = _coded(name)
    (found,) = fit.contrasts
    assert (found.factor, found.source, found.columns) == (factor, source, columns)
    assert found.indicators == ()
    same(found.coding.values.ravel(order="F"), plain("coding", name=name))
    terms = [row.term for row in fit._estimates().rows]
    assert [f"{factor}{column}" for column in columns] == terms[-len(columns) :]
    if name == "fewer":
        assert found.weights is None
    elif len(found.levels) == 3:
        assert found.weights.row_names == ("(Intercept)", *terms[-2:])
        same(found.weights.values.ravel(order="F"), plain("weights", name=name))


def test_codings_are_looked_up_shown_and_stored() -> None:
    found = _lmer().contrasts
    assert found["`recipe`"] is found.factors[0]
    assert found["recipe"].coding["C", "C or not"] == found["recipe"].coding.values[2, 1]
    with pytest.raises(UnknownNameError, match="no factor 'temp'; there are: 'recipe'"):
        found["temp"]
    table = found.to_frame()
    assert list(table.columns) == ["factor", "level", "column", "value"]
    assert table["value"].tolist() == found["recipe"].coding.values.ravel(order="F").tolist()
    assert Contrasts.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    assert str(found).splitlines() == [
        "Contrasts",
        "Factor Level recipeA - B recipeC or not",
        "recipe A             0.5        -0.3333",
        "recipe B            -0.5        -0.3333",
        "recipe C             0.0         0.6667",
        "recipe: a matrix that was given",
    ]
    assert "recipeC or not" in found.to_html()
    assert len(pb.lm("angle ~ temp", _cake()).contrasts) == 0


def test_columns_that_r_dropped_and_texts_have_their_coding() -> None:
    wool = pb.load_dataset("cake").query("not (recipe == 'C' and temperature == '225')")
    empty = pb.lmer("angle ~ recipe * temperature + (1 | replicate)", wool)
    assert empty.dropped_columns
    assert [each.factor for each in empty.contrasts] == ["recipe", "temperature"]
    sleep = pb.load_dataset("sleepstudy")
    sleep["a b"] = np.where(sleep["Days"] > 4, "late", "early")
    sleep["on"] = sleep["Days"] > 7
    fit = pb.lm("Reaction ~ `a b` * on", sleep)
    assert [each.levels for each in fit.contrasts] == [("early", "late"), ("FALSE", "TRUE")]
    assert pb.lm("Reaction ~ factor(Days)", sleep).contrasts["factor(Days)"].columns[0] == "1"
    whole = pb.lm("Reaction ~ 0 + `a b`:on", sleep).contrasts
    assert [each.indicators for each in whole] == [("`a b`:on",), ("`a b`:on",)]
