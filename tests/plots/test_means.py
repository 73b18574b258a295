"""Pictures of marginal means: what is drawn is what emmeans draws, to the last bit."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.live import assert_same_bits
from helpers.pictures import assert_legible, bare, picture, segments
from helpers.probing import plain_r
from helpers.refusal import refused
from pymer_bridge.results.means import MarginalTable
from pymer_bridge.session.r_session import session

pytestmark = [
    pytest.mark.r("lmerTest", "pbkrtest", "emmeans"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning"),
]


@pytest.fixture(scope="module")
def plain() -> Any:
    session().require("lme4")
    session().require("emmeans")
    return plain_r(REFERENCES / "mean_pictures.R")


@cache
def _fit(name: str) -> Any:
    cake = "angle ~ recipe * {} + (1 | recipe:replicate)"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        match name:
            case "cake":
                return pb.lmer(cake.format("temperature"), pb.load_dataset("cake"))
            case "line":
                return pb.lmer(cake.format("temp"), pb.load_dataset("cake"))
            case "three":
                data = pb.load_dataset("warpbreaks", "datasets")
                return pb.lm("log(breaks) ~ wool * tension", data)
            case "cbpp":
                formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
                return pb.glmer(formula, pb.load_dataset("cbpp"), family="binomial")
            case "pigs":
                return pb.lm(
                    "log(conc) ~ source + factor(percent)", pb.load_dataset(name, "emmeans")
                )
            case "noise":
                data = pb.load_dataset("auto.noise", "emmeans")
                return pb.lm("noise / 10 ~ size * type * side", data)
        data = pb.load_dataset("InsectSprays", "datasets")
        return pb.glm("count ~ spray", data, family="poisson")


@cache
def _means(name: str, level: float = 0.95) -> Any:
    how: dict[str, Any] = {"conf_level": level}
    response = {**how, "type": "response"}
    match name:
        case "temperature":
            return _fit("cake").emmeans("temperature", **how)
        case "by":
            return _fit("cake").emmeans("recipe", by="temperature", **how)
        case "satterthwaite":
            return _fit("line").emmeans("recipe", ddf="satterthwaite", **how)
        case "pairs":
            return _fit("cake").emmeans("recipe", **how).contrast("pairwise")
        case "bonferroni":
            return _means("temperature", level).contrast("consec", "bonferroni")
        case "slopes":
            return _fit("line").emtrends("recipe", "temp", **how)
        case "link":
            return _fit("cbpp").emmeans("period", **how)
        case "response":
            return _fit("cbpp").emmeans("period", **response)
        case "ratios":
            return _means("response", level).contrast("trt.vs.ctrl")
        case "logs":
            return _fit("three").emmeans("wool", by="tension", **response)
        case "pigs":
            return _fit("pigs").emmeans("percent", **response)
        case "noise":
            return _fit("noise").emmeans("~ size | type", **how)
        case "both":
            return _fit("three").emmeans(["wool", "tension"], **how)
    return _fit("counts").emmeans("spray", **response)


CONTRASTS = ("pairs", "bonferroni", "ratios")
NAMES = (
    *(
        "temperature",
        "by",
        "satterthwaite",
        "slopes",
        "link",
        "response",
        "logs",
        "both",
        "pigs",
        "noise",
        "counts",
    ),
    *CONTRASTS,
)


def _points(figure: Any) -> list[float]:
    """Return the estimates that are drawn, panel by panel from above."""
    return [float(x) for ax in figure.axes for x in ax.lines[-1].get_xdata()]


def _ends(figure: Any, which: int) -> list[list[float]]:
    """Return where the lines of a kind begin and end, panel by panel."""
    found = np.concatenate([segments(ax, which)[:, :, 0] for ax in figure.axes])
    return [list(map(float, column)) for column in found.T]


# -- means and contrasts -------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_means_and_intervals_are_what_plot_draws(name: str, plain: Any) -> None:
    level = 0.9 if name in ("temperature", "logs") else 0.95
    table = _means(name, level)
    figure = table.plot()
    theirs = plain("drawn", name=name, level=level)
    assert_same_bits(_points(figure), theirs["estimate"])
    low, high = _ends(figure, 0)
    assert_same_bits(low, theirs["low"])
    assert_same_bits(high, theirs["high"])
    labels = [text.get_text() for ax in figure.axes for text in ax.get_yticklabels()]
    # plot() names ratios as the differences of which they are the exponentials.
    ours = [label.replace(", ", " ").replace(" / ", " - ") for label in labels]
    assert ours == list(theirs["label"])
    assert_legible(figure)
    assert f"{level * 100:.0f}%" in figure.get_supxlabel().replace("\n", " ")


@pytest.mark.parametrize("name", [n for n in NAMES if n not in CONTRASTS])
def test_arrows_are_what_plot_draws(name: str, plain: Any) -> None:
    how: dict[str, Any] = {"alpha": 0.05, "adjust": "tukey"}
    if name == "response":
        how = {"alpha": 0.1, "adjust": "none"}
    figure = _means(name).plot(comparisons=True, **how)
    theirs = plain("arrows_of", name=name, **how)
    for kind, end in enumerate(("low", "high"), 1):
        start, tip = _ends(figure, kind)
        drawn = ~np.isnan(theirs[end])
        assert_same_bits(np.array(tip)[drawn], theirs[end][drawn])
        assert_same_bits(np.array(start)[drawn], np.array(_points(figure))[drawn])
        tips = [float(x) for ax in figure.axes for x in ax.lines[kind - 4].get_xdata()]
        assert_same_bits(tips, theirs[end])
    said = figure.get_supxlabel().replace("\n", " ")
    assert f"arrows compare at {how['alpha']:g} ({how['adjust']})" in said


def test_arrows_by_simulation_are_those_of_a_seed(plain: Any) -> None:
    figure = _means("temperature").plot(comparisons=True, adjust="mvt")
    theirs = plain("arrows_of", name="temperature", alpha=0.05, adjust="mvt", seed=1)
    tips = [list(line.get_xdata()) for line in figure.axes[0].lines[:2]]
    assert_same_bits(tips[0], theirs["low"])
    assert_same_bits(tips[1], theirs["high"])


def test_a_line_stands_where_nothing_differs() -> None:
    def lines(name: str) -> list[float]:
        return [
            float(line.get_xdata()[0])
            for line in _means(name).plot().axes[0].lines
            if list(line.get_ydata()) == [0, 1]
        ]

    assert lines("temperature") == []
    assert lines("pairs") == lines("slopes") == [0.0]
    assert lines("ratios") == [1.0]
    assert _means("ratios").plot().axes[0].get_xscale() == "log"


def test_panels_are_the_levels_that_means_are_within() -> None:
    table = _means("by")
    titles = [ax.get_title() for ax in table.plot().axes]
    assert titles == [f"temperature = {level}" for level in range(175, 226, 10)]
    (one,) = table.plot(by=()).axes
    assert [text.get_text() for text in one.get_yticklabels()][:2] == ["A, 175", "B, 175"]
    titles = [ax.get_title() for ax in table.plot(by="recipe").axes]
    assert titles == [f"recipe = {level}" for level in "ABC"]
    assert one.get_ylabel() == "recipe, temperature"


def test_a_stored_table_is_drawn_but_for_arrows() -> None:
    table = _means("by")
    again = MarginalTable.from_dict(json.loads(json.dumps(table.to_dict())))
    figure = again.plot(by="temperature")
    assert _points(figure) == _points(table.plot())
    assert "with 95% intervals" in figure.get_supxlabel()
    assert len(again.plot().axes) == 1
    assert refused(again.plot, comparisons=True) == (
        "comparisons=True needs what emmeans keeps in R, and this table was read back: make the "
        "means anew, as by fit.emmeans()"
    )
    assert len(again.emmip("recipe ~ temperature").axes) == 1


def test_axes_that_are_given_are_drawn_on() -> None:
    _, (ax, *others) = plt.subplots(1, 3)
    assert _means("temperature").plot(ax=ax) is ax.figure
    said = ax.get_xlabel().replace("\n", " ")
    assert "Estimated marginal means (emmean), with 95% intervals" in said
    said = "ax holds 2 axes, and there are 6 panels to draw"
    assert refused(_means("by").plot, ax=others) == said
    _means("both").emmip("wool ~ tension", ax=others[0])
    assert others[0].get_legend().get_title().get_text() == "wool"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"alpha": 0}, "alpha=0 must lie between 0 and 1"),
        ({"adjust": "tuckey"}, "adjust='tuckey'"),
        ({"by": "temp"}, "by: the means are not by 'temp'; they are by: 'temperature'"),
        ({"comparisons": 1}, "comparisons"),
    ],
)
def test_what_cannot_be_drawn_is_refused(given: Any, message: str) -> None:
    assert message in refused(_means("temperature").plot, **given)


def test_arrows_of_estimates_that_are_adjusted_are_refused() -> None:
    table = _fit("three").emmeans("wool", type="response", bias_adjust=True)
    assert "at other estimates than these, which are adjusted for bias" in refused(
        table.plot, comparisons=True
    )


# -- interactions --------------------------------------------------------------------------------

INTERACTIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "factors": ("cake", "recipe ~ temperature", {}),
    "panels": ("cake", "~ temperature | recipe", {}),
    "numeric": ("line", "recipe ~ temp", {"at": {"temp": [175, 190, 225]}}),
    "response": ("three", "wool ~ tension", {"type": "response"}),
    "noise": ("noise", "type ~ size | side", {}),
    "joined": ("three", "~ wool * tension", {}),
    "single": ("cbpp", "~period", {"type": "response"}),
}


def _traces(figure: Any, numeric: bool) -> Iterator[tuple[tuple[str, str, str], list[float]]]:
    """Give what is drawn of each mean, under its panel, its trace and its place."""
    for ax in figure.axes:
        panel = ax.get_title().partition(" = ")[2]
        names = [text.get_text() for text in ax.get_xticklabels()]
        for line, drawn in zip(ax.lines, ax.collections, strict=True):
            x, y = line.get_xdata(), line.get_ydata()
            if numeric:  # a band goes along its lower end, and back along the upper one
                corners = drawn.get_paths()[0].vertices
                low = [max(corners[corners[:, 0] == at, 1].min(), -np.inf) for at in x]
                high = [corners[corners[:, 0] == at, 1].max() for at in x]
            else:
                ends = np.array([path.vertices for path in drawn.get_paths()])
                low, high = ends[:, 0, 1], ends[:, 1, 1]
            trace = "" if line.get_label().startswith("_") else line.get_label()
            for at, *figures in zip(x, y, low, high, strict=True):
                place = f"{at:g}" if numeric else names[round(at)].replace(", ", " ")
                yield (panel, trace, place), list(map(float, figures))


@pytest.mark.parametrize("name", INTERACTIONS)
def test_interactions_are_what_emmip_draws(name: str, plain: Any) -> None:
    fit, formula, how = INTERACTIONS[name]
    figure = pb.plots.emmip(_fit(fit), formula, **how)
    theirs = plain("interaction_of", name=name)
    keys = list(zip(theirs["panel"], theirs["trace"], theirs["x"], strict=True))
    ours = dict(_traces(figure, name == "numeric"))
    assert sorted(ours) == sorted(keys)
    for place, column in enumerate(("estimate", "low", "high")):
        assert_same_bits([ours[key][place] for key in keys], theirs[column])
    assert_legible(figure)


def test_an_interaction_says_what_it_shows() -> None:
    figure = _fit("cake").plot.emmip("recipe ~ temperature")
    (ax,) = figure.axes
    assert ax.get_ylabel() == "angle\nEstimated marginal means (emmean),\nwith 95% intervals"
    assert ax.get_xlabel() == "temperature\nDegrees-of-freedom method: kenward-roger"
    assert figure.legends[0].get_title().get_text() == "recipe"
    assert _fit("three").plot.emmip("wool ~ tension").axes[0].get_xlabel().startswith("tension\n")
    plain = _fit("cake").plot.emmip("recipe ~ temperature", intervals=False)
    assert len(plain.axes[0].collections) == 0
    assert plain.axes[0].get_ylabel() == "angle\nEstimated marginal means (emmean)"
    wide = _fit("three").emmeans(["wool", "tension"], conf_level=0.8)
    assert "80%" in wide.emmip("`wool` ~ tension").axes[0].get_ylabel()


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("recipe", 'formula must be such as "trace ~ x" or "trace ~ x | by"'),
        ("recipe ~", "formula must be such as"),
        ("recipe ~ temperature |", "formula must be such as"),
        ("recipe | temperature", "formula must be such as"),
        ("a ~ b ~ c", "formula must be such as"),
        ("system('x') ~ temperature", "formula must be such as"),
        ("recipe ~ recipe", "names a predictor twice"),
        ("recipe ~ `temperature` | recipe", "names a predictor twice"),
        ("recipe ~ temp", "specs: no predictor 'temp'; there are: 'recipe', 'temperature'"),
    ],
)
def test_formulas_that_cannot_be_drawn_are_refused(formula: str, message: str) -> None:
    assert message in refused(_fit("cake").plot.emmip, formula)


def test_a_model_without_marginal_means_is_refused() -> None:
    trees = pb.load_dataset("Orange", "datasets")
    start = {"Asym": 200.0, "xmid": 725.0, "scal": 350.0}
    formula = "circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree"
    said = refused(pb.nlmer(formula, trees, start=start).plot.emmip, "~ age")
    assert said == "models of nlmer() have no marginal means to draw"


def test_any_level_has_its_trace() -> None:
    data = pb.load_dataset("warpbreaks", "datasets")
    data["wool"] = data["wool"].map({"A": "_a", "B": "$b$"}).astype(str)
    table = pb.lm("breaks ~ wool * tension", data).emmeans(["wool", "tension"])
    figure = table.emmip("wool ~ tension")
    labels = {text.get_text() for text in figure.legends[0].get_texts()}
    assert labels == {r"\$b\$", "_a"}
    assert_legible(figure)
    assert_legible(table.emmip("tension ~ wool"))
    assert_legible(table.plot())


def test_means_that_a_formula_does_not_name_are_refused() -> None:
    table = _means("both")
    said = "formula='~ wool' leaves out 'tension', by which these means are too"
    assert refused(table.emmip, "~ wool") == said
    said = "formula: the means are not by 'wol'; they are by: 'wool', 'tension'"
    assert refused(table.emmip, "wol ~ tension") == said


# -- how it looks --------------------------------------------------------------------------------


@picture
def test_picture_of_means() -> Any:
    return bare(_means("temperature").plot(comparisons=True))


@picture
def test_picture_of_contrasts() -> Any:
    return bare(_means("bonferroni").plot())


@picture
def test_picture_of_an_interaction() -> Any:
    return bare(_fit("cake").plot.emmip("recipe ~ temperature"))


@picture
def test_picture_of_an_interaction_to_scale() -> Any:
    return bare(_fit("line").plot.emmip("recipe ~ temp", at={"temp": [175, 190, 225]}))
