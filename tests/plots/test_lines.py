"""The lines of pictures are R's predictions, whatever the terms, the groups and the predictors."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.pictures import assert_legible, figure_of, schools, segments
from helpers.probing import plain_r
from helpers.refusal import refused
from pymer_bridge.errors import PymerWarning, RError
from pymer_bridge.plots.lines import along, lines_at
from pymer_bridge.session.r_session import session

pytestmark = [pytest.mark.r, pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning")]

REFERENCE = REFERENCES / "lines.R"


@pytest.fixture(scope="module")
def plain() -> Any:
    """Return a function that calls plain R."""
    session().require("lme4")
    return plain_r(REFERENCE)


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    """Twelve subjects by fifteen items, with predictors of rows, of subjects and of items."""
    draws = np.random.default_rng(7)
    subject, item = np.repeat(np.arange(12), 15), np.tile(np.arange(15), 12)
    n = len(subject)
    x = draws.normal(3.0, 1.0, n).round(2)
    made = pd.DataFrame(
        {
            "x": x,
            "z": draws.uniform(1.0, 4.0, n).round(2),
            "my x": (x**2).round(2),
            "cond": pd.Categorical(draws.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2])),
            "mode": draws.choice(["p", "q"], n),
            "flag": draws.integers(0, 2, n).astype(bool),
            "year": draws.integers(2001, 2004, n),
            "grade": pd.Categorical(draws.choice(["lo", "mid", "hi"], n), ordered=True),
            "sex": np.where(subject % 2, "F", "M"),
            "age": draws.uniform(20, 60, 12).round(1)[subject],
            "length": draws.integers(3, 9, 15)[item],
            "w": draws.uniform(0.5, 2.0, n),
            "subject": [f"s{i + 1}" for i in subject],
            "item": [f"i{i + 1}" for i in item],
            "my group": [f"s{i + 1}" for i in subject],
        }
    )
    effect = draws.normal(0, 1, 12)[subject] + draws.normal(0, 0.5, 12)[subject] * x
    made["y"] = 10 + x + effect + draws.normal(0, 0.5, 15)[item] + draws.normal(0, 0.5, n)
    made["y"] += (made["cond"] == "b") * 2.0 + (made["sex"] == "F") + 0.02 * made["age"]
    return made


MODELS: dict[str, tuple[str, str | None, str | None, dict[str, Any]]] = {
    "slope": ("y ~ x + (x | subject)", None, None, {}),
    "intercepts": ("y ~ x + (1 | subject)", None, None, {}),
    "no_correlation": ("y ~ x + (x || subject)", None, None, {}),
    "crossed": ("y ~ x + (x | subject) + (1 | item)", "subject", None, {}),
    "crossed_items": ("y ~ x + (x | subject) + (x | item)", "item", "x", {}),
    "crossed_between": (
        "y ~ length * x + (length | subject) + (1 | item)",
        "subject",
        "length",
        {},
    ),
    "nested": ("y ~ x + (1 | sex/subject)", "subject:sex", None, {}),
    "nested_slopes": ("y ~ x * cond + (x | sex) + (x | sex:subject)", None, None, {}),
    "factor": ("y ~ x + cond + (x | subject)", None, None, {}),
    "interaction": ("y ~ x * cond + (x | subject)", None, None, {}),
    "factor_slope": ("y ~ x + cond + (x + cond | subject)", None, None, {}),
    "factor_slopes_apart": ("y ~ x + cond + (x | subject) + (0 + cond | item)", "item", "x", {}),
    "interaction_slope": ("y ~ x * mode + (x * mode | subject)", None, None, {}),
    "three_factors": ("y ~ x * cond * mode + sex + (1 | subject)", None, None, {}),
    "between": ("y ~ x * sex + age + (x | subject)", None, None, {}),
    "logical": ("y ~ x * flag + (flag | subject)", None, "x", {}),
    "ordered": ("y ~ x + grade + (1 | subject)", None, None, {}),
    "no_intercept": ("y ~ 0 + cond + x:cond + (1 | subject)", None, None, {}),
    "random_no_intercept": ("y ~ x + cond + (0 + cond | subject)", None, None, {}),
    "random_x_only": ("y ~ x + (0 + x | subject)", None, None, {}),
    "no_main": ("y ~ x:cond + mode + (1 | subject)", None, None, {}),
    "poly": ("y ~ poly(x, 2) * cond + (poly(x, 2) | subject)", None, None, {}),
    "spline": ("y ~ ns(x, 3) + sex + (1 | subject)", None, None, {}),
    "log": ("y ~ log(z) + cond + (log(z) | subject)", None, "log(z)", {}),
    "scale": ("y ~ scale(x) + scale(z) + (scale(x) | subject)", None, "x", {}),
    "scale_crossed": ("y ~ scale(x) + (scale(x) || subject) + (1 | item)", "subject", "x", {}),
    "square": ("y ~ x + I(x^2) + (x | subject)", None, None, {}),
    "several": ("y ~ x + z + x:z + (z | subject)", None, "x", {}),
    "as_factor": ("y ~ x + factor(year) + (1 | subject)", None, None, {}),
    "mixed": ("y ~ x + I(x * (cond == 'b')) + (1 | subject)", None, None, {}),
    "backticks": ("y ~ `my x` * cond + (`my x` | `my group`)", None, "my x", {}),
    "backticks_square": ("y ~ I(`my x`^2) + (1 | `my group`)", None, "my x", {}),
    "log_response": ("log(y) ~ x + cond + (x | subject)", None, None, {}),
    "weights": ("y ~ x + cond + (x | subject)", None, None, {"weights": "w"}),
    "subset": ("y ~ x + cond + (x | subject)", None, None, {"subset": "z > 1.5"}),
    "sum_contrasts": (
        "y ~ x * cond + (1 | subject)",
        None,
        None,
        {"contrasts": {"cond": "contr.sum"}},
    ),
    "only_random": ("y ~ 1 + (x | subject)", None, None, {}),
}
"""Formulas, with the group and the predictor that are asked for, and further arguments."""

COLUMNS = ("x", "z", "my x", "cond", "mode", "flag", "year", "grade", "sex", "age", "length")


@pytest.fixture(scope="module", params=MODELS)
def case(request: Any, data: pd.DataFrame) -> Any:
    """Return a model, what is drawn of it, the rows used, and which predictors it has."""
    formula, group, predictor, options = MODELS[request.param]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PymerWarning)
        model = pb.lmer(formula, data, **options)
    where = along(model, group, predictor, None)
    used = data.loc[model.model_frame.index]
    others = [name for name in COLUMNS if name in formula and name != where.predictor]
    others = [n for n in others if not (n == "x" and "x" not in formula.replace("my x", ""))]
    others = [n for n in others if n not in where.group.split(":")]
    return model, where, used, others


def _others_aside(model: Any, new: pd.DataFrame, group: str) -> Any:
    """Predict with the random effects of one group and those around it, as of "a:b" has "b".

    Those of a new level of others are zero.
    """
    parts = group.split(":")
    for name in ("subject", "item", "my group", "sex"):
        if name not in new:
            new[name] = "none"
    new[parts[0]] = new["level"].str.split(":").str[0]
    if len(parts) == 2:
        new[parts[1]] = new["level"].str.split(":").str[1]
    return np.asarray(model.predict(new, allow_new_levels=True))


def _cells(used: pd.DataFrame, names: list[str]) -> Iterator[tuple[dict[str, Any], float]]:
    """Give each combination of levels with the product of their shares."""
    shares = [used[name].value_counts(normalize=True) for name in names]
    for cell in itertools.product(*(share.index for share in shares)):
        weight = np.prod([share[level] for share, level in zip(shares, cell, strict=True)])
        yield dict(zip(names, cell, strict=True)), float(weight)


def _is_number(used: pd.DataFrame, name: str, model: Any) -> bool:
    return used[name].dtype.kind in "fi" and f"factor({name})" not in model.formula


def _typical(used: pd.DataFrame, names: list[str], model: Any) -> dict[str, float]:
    return {name: used[name].mean() for name in names if _is_number(used, name, model)}


def test_the_population_is_averaged_over_factors_at_means_of_numbers(case: Any) -> None:
    model, where, used, others = case
    found = lines_at(model, where, [0])
    new = pd.DataFrame({where.predictor: found.population.x})
    total = np.zeros(len(new))
    factors = [name for name in others if not _is_number(used, name, model)]
    for cell, weight in _cells(used, factors):
        at = new.assign(**_typical(used, others, model), **cell)
        total += weight * np.asarray(model.predict(at, re_form="population"))
    # Predictions are summed here, and columns of the design there: rounding.
    np.testing.assert_allclose(found.population.y, total, rtol=1e-12)
    assert found.population.x[[0, -1]].tolist() == [
        used[where.predictor].min(),
        used[where.predictor].max(),
    ]


def test_lines_of_groups_are_predictions_at_given_levels(case: Any) -> None:
    model, where, used, others = case
    at = {name: used[name].iloc[3] for name in others}
    where = along(model, where.group, where.predictor, at)
    found = lines_at(model, where, range(len(where.levels)))
    x = np.concatenate([line.x for line in found.of_level])
    new = pd.DataFrame({where.predictor: x, **at})
    each = len(found.of_level[0].x)
    new["level"] = np.repeat(np.array(where.levels, dtype=object)[list(found.drawn)], each)
    y = np.concatenate([line.y for line in found.of_level])
    assert np.array_equal(y, _others_aside(model, new, where.group))
    for place, line in zip(found.drawn, found.of_level, strict=True):
        mine = found.x[found.codes == place]
        assert line.x[[0, -1]].tolist() == [mine.min(), mine.max()]
    new = pd.DataFrame({where.predictor: found.population.x, **at})
    assert np.array_equal(found.population.y, model.predict(new, re_form="population"))


def test_lines_of_groups_average_as_the_population_does(case: Any) -> None:
    model, where, used, others = case
    found = lines_at(model, where, [0, 1])
    for place, line in zip(found.drawn, found.of_level, strict=True):
        mine = used[found.codes == place]
        within: dict[str, Any] = {**_typical(used, others, model)}
        within |= {n: mine[n].iloc[0] for n in others if _between(used, found, n)}
        factors = [n for n in others if n not in within]
        new = pd.DataFrame({where.predictor: line.x, "level": where.levels[place]})
        total = np.zeros(len(new))
        for cell, weight in _cells(used, factors):
            at = new.assign(**within, **cell)
            total += weight * _others_aside(model, at, where.group)
        np.testing.assert_allclose(line.y, total, rtol=1e-12)  # as above


def _between(used: pd.DataFrame, found: Any, name: str) -> bool:
    return bool((used[name].groupby(found.codes).nunique() == 1).all())


PICTURES = ("lines", "groups", "pooling", "shrinkage")
BENT = ("poly", "ns(", "log(z", "^2", "I(x *")


def test_every_picture_of_every_model_can_be_drawn(case: Any) -> None:
    model, where, _, _ = case
    for name in PICTURES[:2] if model.formula.startswith("y ~ 1 ") else PICTURES:
        draw = getattr(model.plot, name)
        if name == "groups":
            draw = partial(draw, max_groups=4)  # of many panels each is like the others
        if name == "shrinkage" and any(sign in model.formula for sign in BENT):
            assert "not straight" in refused(draw, where.group, where.predictor)
        else:
            assert figure_of(draw(where.group, where.predictor)).axes
            plt.close("all")


# -- plain R -------------------------------------------------------------------------------------


def _drawn(ax: Any) -> Any:
    """Return the heights of all lines but the last, and of the last, the population's."""
    if len(ax.collections) > 1:
        return segments(ax, 1)[..., 1].ravel(), ax.lines[-1].get_ydata()
    return np.concatenate([line.get_ydata() for line in ax.lines[:-1]]), ax.lines[-1].get_ydata()


@pytest.fixture(scope="module")
def cake() -> Any:
    return pb.lmer("angle ~ recipe * temp + (1 | recipe:replicate)", pb.load_dataset("cake"))


@pytest.fixture(scope="module")
def herds() -> Any:
    formula = "cbind(incidence, size - incidence) ~ size + period + (1 | herd)"
    return pb.glmer(formula, pb.load_dataset("cbpp"), family="binomial")


def test_groups_have_their_own_levels_and_the_population_the_average(cake: Any, plain: Any) -> None:
    theirs = plain("cake_lines")
    ax = cake.plot.lines()
    groups, population = _drawn(ax)
    assert population.tolist() == theirs["population"].tolist()
    levels = cake.random_effects.group("recipe:replicate").levels
    own = dict(zip(levels, groups.reshape(-1, 2).tolist(), strict=True))
    names = [f"{recipe}:{i}" for recipe in "ABC" for i in range(1, 16)]
    assert [own[name] for name in names] == theirs["groups"].reshape(-1, 2).tolist()
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    own, population = labels
    assert own == "each recipe:replicate (45), at its own\nrecipe"
    assert population == "population, averaged over recipe"


def test_a_factor_within_groups_is_averaged_over_for_all_lines(plain: Any) -> None:
    model = pb.lmer("incidence ~ size + period + (size | herd)", pb.load_dataset("cbpp"))
    theirs = plain("cbpp_lines")
    ax = model.plot.lines()
    groups, population = _drawn(ax)
    assert population.tolist() == theirs["population"].tolist()
    assert groups.tolist() == theirs["groups"].tolist()
    assert ax.get_legend().get_title().get_text() == "averaged over period"


def test_generalized_models_are_drawn_on_the_scale_of_the_response(herds: Any, plain: Any) -> None:
    theirs = plain("binomial_lines")
    ax = herds.plot.lines()
    assert ax.lines[-1].get_ydata().tolist() == theirs["population"].tolist()
    assert ax.collections[0].get_offsets()[:, 1].tolist() == theirs["points"].tolist()
    assert ax.get_ylabel() == "P(incidence)"
    figure = herds.plot.groups()
    assert figure.get_supylabel() == "P(incidence)"
    at = along(herds, None, None, {"period": "2"})
    found = lines_at(herds, at, [0])
    new = pd.DataFrame({"size": found.of_level[0].x, "period": "2", "herd": "1"})
    assert np.array_equal(found.of_level[0].y, herds.predict(new, type="response"))


def test_an_offset_is_at_its_mean_and_this_is_said(plain: Any) -> None:
    formula = "incidence ~ period + (1 | herd) + offset(log(size))"
    cbpp = pb.load_dataset("cbpp").assign(period=lambda frame: frame["period"].astype(int))
    model = pb.glmer(formula, cbpp, family="poisson")
    ax = model.plot.lines()
    assert ax.lines[-1].get_ydata().tolist() == plain("poisson_lines")["population"].tolist()
    assert (
        ax.get_legend().get_title().get_text()
        == f"at offset = {np.log(cbpp['size']).mean():.4g} (mean)"
    )


def test_an_offset_along_the_predictor_is_followed() -> None:
    data = pb.load_dataset("sleepstudy")
    for options in ({"offset": "2 * Days"}, {"offset": "Days"}, {}):
        extra = "" if options else " + offset(Days^2)"
        model = pb.lmer(f"Reaction ~ Days{extra} + (Days | Subject)", data, **options)
        for name in ("lines", "groups", "pooling", "shrinkage"):
            assert getattr(model.plot, name)()
        x, y = model.plot.lines().lines[0].get_data()
        mine = model.fitted[data["Subject"] == "308"].to_numpy()
        # R adds what it adds in another order for the rows used.
        np.testing.assert_allclose(y[[0, -1]], mine[[0, -1]], rtol=1e-12)
        assert len(x) == 60


def test_random_effects_of_crossed_factors_are_set_aside(plain: Any) -> None:
    theirs = plain("crossed_lines")
    data = pb.load_dataset("InstEval")
    codes = {name: data[name].cat.codes + 1 for name in "sd"}
    data = data[(codes["s"] <= 40) & (codes["d"] <= 400)].assign(
        age=lambda frame: frame["lectage"].cat.codes + 1.0
    )
    for name in "sd":
        data[name] = data[name].cat.remove_unused_categories()
    model = pb.lmer("y ~ age + (1 | s) + (0 + age | d)", data)
    for group in "sd":
        where = along(model, group, "age", None)
        found = lines_at(model, where, range(len(where.levels)))
        rows = dict(zip(found.drawn, found.of_level, strict=True))
        there = [i for i, code in enumerate(found.codes) if code in rows]
        ours = [np.interp(found.x[i], *rows[found.codes[i]]) for i in there]
        # Between the ends of a straight line numpy interpolates; R subtracts above: rounding.
        np.testing.assert_allclose(ours, (theirs["fixed"] + theirs[group])[there], rtol=1e-10)


def test_groups_alone_are_lm_with_the_fixed_effects_of_the_model(cake: Any, plain: Any) -> None:
    theirs = plain("cake_alone")
    complete, none, partial = cake.plot.pooling().axes
    assert complete.lines[0].get_ydata().tolist() == theirs["complete"].tolist()
    levels = cake.random_effects.group("recipe:replicate").levels
    own = dict(zip(levels, [line.get_ydata() for line in none.lines], strict=True))
    names = [f"{recipe}:{i}" for recipe in "ABC" for i in range(1, 16)]
    # The model's columns of other recipes are left out there: other sums.
    np.testing.assert_allclose([own[n] for n in names], theirs["none"].reshape(-1, 2), rtol=1e-10)
    assert len(partial.lines) == 46
    texts = [text.get_text() for text in figure_of(complete).legends[0].get_texts()]
    assert texts[0] == "one line for all data"
    assert texts[1] == "each recipe:replicate alone (45)"


def test_the_population_is_the_effect_of_the_predictor(cake: Any, data: pd.DataFrame) -> None:
    session().require("effects")
    x = [175.0, 225.0]
    curve = cake.effect("temp", at={"temp": x})
    ends = cake.plot.lines().lines[-1]
    assert [row.estimate for row in curve.rows] == ends.get_ydata().tolist()
    assert ends.get_xdata().tolist() == x
    for formula in ("y ~ poly(x, 2) * cond + sex + (x | subject)", "y ~ log(z) + x * mode + age"):
        model = pb.lmer(formula + " + (1 | item)", data)
        line = lines_at(model, along(model, "item", "x", None), [0]).population
        curve = model.effect("x", at={"x": line.x})
        # effects takes numbers by way of text of 15 digits.
        np.testing.assert_allclose([row.estimate for row in curve.rows], line.y, rtol=1e-12)


# -- what is drawn where -------------------------------------------------------------------------


def test_a_predictor_that_does_not_vary_within_groups_has_the_populations_line(
    data: pd.DataFrame,
) -> None:
    model = pb.lmer("y ~ age + x + sex + (1 | subject)", data)
    assert model.plot.lines().get_xlabel() == "x"
    ax = model.plot.lines(predictor="age")
    assert len(ax.lines) == 1
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["population, averaged over sex"]
    assert "age" not in legend.get_title().get_text()
    text = refused(model.plot.groups, predictor="age")
    assert text == (
        "'age' has one value in each level of 'subject', so that its groups have no lines; "
        "fit.plot.lines('subject', 'age') draws the population's, and there are lines along: "
        "'x by subject'"
    )
    alone = pb.lmer("y ~ age + (1 | subject)", data)
    assert len(alone.plot.lines().lines) == 1
    assert "has one value in each level" in refused(alone.plot.groups)


def test_groups_where_it_does_not_vary_are_counted(data: pd.DataFrame) -> None:
    part = data[(data["subject"] != "s3") | (data["item"] == "i1")]
    model = pb.lmer("y ~ x + (1 | subject)", part)
    ax = model.plot.lines()
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts[0] == "each subject (11 of 12, where x varies)"
    few = part[part["subject"].isin(["s1", "s3", "s5"])]
    ax = pb.lmer("y ~ x + (1 | subject)", few).plot.lines()
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["s1", "s3", "s5", "population"]


def test_the_predictor_with_a_random_slope_is_drawn_by_default(data: pd.DataFrame) -> None:
    model = pb.lmer("y ~ z + x + (x | subject) + (1 | item)", data)
    assert model.plot.lines("subject").get_xlabel() == "x"
    assert model.plot.lines("item").get_xlabel() == "z"
    # Within items their length does not vary, within subjects it does.
    model = pb.lmer("y ~ length + (1 | subject) + (1 | item)", data)
    texts = model.plot.lines().get_legend().get_texts()
    assert texts[0].get_text() == "each subject (12)"


def test_order_labels_and_most_groups(data: pd.DataFrame) -> None:
    model = pb.lmer("y ~ x + (x | subject) + (1 | item)", data)
    figure = model.plot.groups("subject")
    natural = [f"s{i + 1}" for i in range(12)]
    assert [panel.get_title() for panel in figure.axes] == natural
    table = model.random_effects.group("subject")
    rows = np.argsort(table.estimate[:, table.terms.index("x")], kind="stable")
    wanted = [table.levels[i] for i in rows]
    figure = model.plot.groups("subject", order="x", max_groups=2, labels={wanted[-1]: "steep"})
    assert [panel.get_title() for panel in figure.axes] == [wanted[0], "steep"]
    assert figure.legends[0].get_title().get_text() == "2 of 12 levels of subject"
    ax = model.plot.lines("subject", order="x", max_groups=2)
    assert ax.get_legend().get_texts()[0].get_text() == "each subject (2 of 12)"
    ends = {len(line.get_xdata()) for line in ax.lines}
    assert ends == {2}
    few = pb.lmer("y ~ x + (1 | subject)", data[data["subject"].isin(["s1", "s10", "s2"])])
    ax = few.plot.lines(labels={"s10": "ten"})
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["s1", "s2", "ten", "population"]
    for name in ("lines", "groups", "shrinkage"):
        assert "labels has no level 's99'" in refused(getattr(few.plot, name), labels={"s99": "x"})


def test_many_lines_are_one_collection_under_the_data() -> None:
    model = pb.lmer("score ~ hrs_week + (hrs_week | school)", schools(80))
    ax = model.plot.lines()
    found = lines_at(model, along(model, None, None, None), range(80))
    drawn = segments(ax, 1)
    assert np.array_equal(drawn[..., 1], [line.y for line in found.of_level])
    assert np.array_equal(drawn[..., 0], [line.x for line in found.of_level])
    assert len(ax.lines) == 1
    points, lines = ax.collections
    assert points.get_zorder() > lines.get_zorder()
    low, high = ax.get_ylim()
    assert low < drawn[..., 1].min()
    assert drawn[..., 1].max() < high


def test_values_at_which_others_are_held_are_said(data: pd.DataFrame) -> None:
    model = pb.lmer("y ~ x * cond + z + age + flag + (x | subject)", data)
    held = "averaged over cond, flag; at z = " + f"{data['z'].mean():.4g}"
    ax = model.plot.lines()
    title = ax.get_legend().get_title().get_text().replace("\n", " ")
    assert title.startswith(held)
    assert title.endswith(" (mean)")
    ax = model.plot.lines(at={"cond": "b", "age": 30, "flag": True})
    title = ax.get_legend().get_title().get_text().replace("\n", " ")
    assert title.startswith("at cond = b, age = 30, flag = True, z = ")
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["each subject (12)", "population"]


def test_what_is_not_understood_is_refused(data: pd.DataFrame) -> None:
    model = pb.lmer("y ~ x * cond + z + (x | subject)", data)
    lines = model.plot.lines
    assert refused(lines, at={"x": 1}) == (
        "at holds 'x', which is not another predictor of the model; there are: 'cond', 'z'"
    )
    assert "at['cond'] has no level 'd'" in refused(lines, at={"cond": "d"})
    assert "finite" in refused(lines, at={"z": np.inf})
    assert "max_groups" in refused(lines, max_groups=0)
    assert "no term 'z' in 'subject', for order=" in refused(lines, order="z")
    assert "fit.plot.effect('cond') draws a factor" in refused(lines, predictor="cond")
    assert refused(lines, "item") == "no grouping factor 'item'; there are: 'subject'"
    assert refused(lines, predictor="w") == (
        "no lines along 'w' by 'subject'; numeric predictors are: x, z"
    )
    spaced = pb.lmer("y ~ poly(x, 2) + (1 | subject)", data)
    assert lines_at(spaced, along(spaced, None, "poly( x,2)", None), []).drawn == ()
    factors = pb.lmer("y ~ cond + (1 | subject)", data)
    for name in ("lines", "groups", "pooling", "shrinkage"):
        assert "no numeric predictor" in refused(getattr(factors.plot, name))
    for name in ("pooling", "shrinkage"):
        only = pb.lmer("y ~ 1 + (x | subject)", data)
        assert "'x' has no fixed effect" in refused(getattr(only.plot, name))
    bent = pb.lmer("y ~ log(x + 9) + (1 | subject)", data)
    assert "are not straight" in refused(bent.plot.shrinkage)


def test_pooling_of_generalized_models_is_refused(herds: Any) -> None:
    for name in ("pooling", "shrinkage"):
        text = refused(getattr(herds.plot, name))
        assert text.startswith(f"{name}() compares with lm() of each group")


def test_an_average_that_the_data_do_not_give_is_refused(data: pd.DataFrame) -> None:
    part = data[(data["cond"] != "b") | (data["mode"] != "q")]
    model = pb.lmer("y ~ x + cond * mode + (1 | subject)", part)
    with pytest.raises(RError, match="at="):
        model.plot.lines()
    assert len(model.plot.lines(at={"cond": "a"}).lines) == 13


def test_labels_of_shrinkage_lie_apart() -> None:
    model = pb.lmer("score ~ hrs_week + (hrs_week | school)", schools(25))
    figure, ax = plt.subplots(figsize=(3.3, 3.0), layout="constrained")
    model.plot.shrinkage(ax=ax)
    figure.canvas.draw()
    places = [text.get_window_extent() for text in ax.texts]
    assert 3 < len(places) < 25
    for one, other in itertools.combinations(places, 2):
        assert not one.overlaps(other)
    assert all(ax.bbox.contains(*place.min) and ax.bbox.contains(*place.max) for place in places)


def test_shrinkage_with_further_predictors_says_where_they_are(cake: Any) -> None:
    ax = cake.plot.shrinkage()
    assert ax.get_xlabel() == "angle at temp = 0"
    assert ax.get_ylabel() == "slope of temp"
    offsets = ax.collections[1].get_offsets()
    found = lines_at(cake, along(cake, None, None, None), range(45))
    slopes = [(line.y[1] - line.y[0]) / (line.x[1] - line.x[0]) for line in found.of_level]
    np.testing.assert_allclose(offsets[:, 1], slopes, rtol=1e-10)  # a difference of the lines'
    assert_legible(figure_of(ax))


@pytest.mark.parametrize("n", [5, 30])
@pytest.mark.parametrize("width", [3.3, 7.0])
def test_text_can_be_read_on_narrow_and_wide_axes(n: int, width: float) -> None:
    made = schools(n)
    made["sex"] = np.resize(["F", "M"], len(made))
    made["ses"] = made["school"].str[-3:].astype(int) / 7
    model = pb.lmer("score ~ hrs_week * sex + ses + (1 | school)", made)
    for name in ("lines", "shrinkage"):
        figure, ax = plt.subplots(figsize=(width, 0.8 * width), layout="constrained")
        getattr(model.plot, name)(ax=ax)
        assert_legible(figure)
        assert ax.get_window_extent().height > 0.25 * figure.bbox.height
        plt.close(figure)
