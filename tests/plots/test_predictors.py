"""Pictures of effects, leverage, influence and optimizers: what is drawn are their figures.

Effects are made by hand here, as R's package effects may be missing: that the figures are R's is
held in results/test_effects.py.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

import pymer_bridge as pb
from helpers.pictures import assert_legible, bare, figure_of, picture, schools, segments
from pymer_bridge.errors import OptionError, PymerWarning, REnvironmentError
from pymer_bridge.results.all_fit import AllFit
from pymer_bridge.results.effects import EffectCurve, EffectPoint, EffectSmooth, PartialResidual
from pymer_bridge.session.r_session import session

pytestmark = [pytest.mark.r, pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning")]


def _odds(eta: float) -> float:
    return float(1 / (1 + np.exp(-eta)))


@cache
def _curve(kind: str, n_groups: int = 0) -> EffectCurve:
    """Make an effect along a number, a factor, or both; with residuals of ``8 * n_groups`` rows."""
    hours = [float(x) for x in np.linspace(0, 10, 21)]
    values: list[dict[str, str | float]] = {
        "number": [{"hrs_week": x} for x in hours],
        "factor": [{"type": t} for t in ("church", "private", "public")],
        "both": [{"hrs_week": x, "sex": s} for s in "FM" for x in hours],
        "factors": [{"sex": s, "type": t} for t in ("church", "private", "public") for s in "FM"],
    }[kind]
    draws = np.random.RandomState(2)

    def eta(at: dict[str, str | float]) -> float:
        number = float(at.get("hrs_week", 3.0))
        shift = sum(0.3 * "Mp".count(str(at.get(name, ""))[:1] or "-") for name in ("sex", "type"))
        return 0.2 * number - 1 + shift

    points = []
    for at in values:
        link = (eta(at), 0.3, eta(at) - 0.6, eta(at) + 0.6)
        response = (_odds(link[0]), 0.05, _odds(link[2]), _odds(link[3]))
        points.append(EffectPoint(at, *link, *response))
    partial = []
    for i in range(8 * n_groups):
        at = values[i % len(values)]
        residual = float(draws.normal(0, 1))
        whole = eta(at) + residual
        partial.append(PartialResidual(str(i), at, residual, whole, _odds(whole)))
    smooth = None
    if partial and kind == "number":
        line = [0.19 * x - 0.9 for x in hours]
        smooth = EffectSmooth(tuple(hours), tuple(line), tuple(map(_odds, line)))
    return EffectCurve(
        tuple(points), tuple(values[0]), "passed", "binomial", "logit", 0.95, tuple(partial), smooth
    )


def _column(rows: Sequence[Any], name: str) -> list[float]:
    return [getattr(row, name) for row in rows]


# -- effects -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scale", "column"), [("response", "response_"), ("link", "")])
def test_a_line_and_its_band_are_the_effect(scale: str, column: str) -> None:
    curve = _curve("number", 5)
    ax = curve.plot(scale=scale)
    line, smooth = ax.lines
    assert list(line.get_xdata()) == [row.values["hrs_week"] for row in curve.rows]
    assert list(line.get_ydata()) == _column(curve.rows, f"{column}estimate")
    assert curve.smooth is not None
    assert tuple(smooth.get_ydata()) == getattr(curve.smooth, f"{column}estimate")
    points, band = ax.collections
    assert list(points.get_offsets()[:, 1]) == _column(curve.partial, f"{column}estimate")
    assert list(points.get_offsets()[:, 0]) == [row.values["hrs_week"] for row in curve.partial]
    corners = band.get_paths()[0].vertices[:, 1]
    ends = [*_column(curve.rows, f"{column}conf_low"), *_column(curve.rows, f"{column}conf_high")]
    assert set(corners) == set(ends)
    assert ax.get_xlabel() == "hrs_week"
    assert ax.get_ylabel() == ("passed" if scale == "response" else "logit(passed)")


def test_an_interaction_has_a_colour_for_each_level() -> None:
    curve = _curve("both", 5)
    ax = curve.plot()
    assert len({line.get_color() for line in ax.lines}) == 2
    for line, sex in zip(ax.lines, "FM", strict=True):
        mine = [row for row in curve.rows if row.values["sex"] == sex]
        assert list(line.get_ydata()) == _column(mine, "response_estimate")
        assert line.get_label() == sex
    points = ax.collections[0]
    assert list(points.get_offsets()[:, 1]) == _column(curve.partial, "response_estimate")
    own = [mpl.colors.to_rgb(line.get_color()) for line in ax.lines]
    drawn = [tuple(colour[:3]) for colour in points.get_facecolors()]
    assert drawn == [own["FM".index(str(row.values["sex"]))] for row in curve.partial]
    assert ax.get_legend().get_title().get_text() == "sex"


def test_a_factor_has_points_with_bars() -> None:
    curve = _curve("factor", 5)
    ax = curve.plot(scale="link")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["church", "private", "public"]
    assert list(ax.lines[0].get_ydata()) == _column(curve.rows, "estimate")
    points, bars = ax.collections
    ends = np.array([path.vertices[:, 1] for path in bars.get_paths()])
    assert ends[:, 0].tolist() == _column(curve.rows, "conf_low")
    assert ends[:, 1].tolist() == _column(curve.rows, "conf_high")
    offsets = points.get_offsets()
    assert list(offsets[:, 1]) == _column(curve.partial, "estimate")
    levels = ["church", "private", "public"]
    places = [levels.index(str(row.values["type"])) for row in curve.partial]
    assert list(np.round(offsets[:, 0]).astype(int)) == places


def _caption(ax: Any) -> str:
    (found,) = (text for text in ax.texts if text.get_gid() == "caption")
    return " ".join(found.get_text().split())


@pytest.mark.parametrize(("x", "along", "colour"), [(None, "sex", "type"), ("type", "type", "sex")])
def test_the_first_term_is_along_x_unless_another_is_asked_for(
    x: str | None, along: str, colour: str
) -> None:
    curve = _curve("factors")
    ax = curve.plot(x=x)
    assert ax.get_xlabel() == along
    assert ax.get_legend().get_title().get_text() == colour
    levels = list(dict.fromkeys(row.values[colour] for row in curve.rows))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == levels
    for line, level in zip(ax.lines, levels, strict=True):
        mine = [row for row in curve.rows if row.values[colour] == level]
        assert list(line.get_ydata()) == _column(mine, "response_estimate")
    with pytest.raises(OptionError, match="x='age' is no predictor of this effect; these are: 's"):
        curve.plot(x="age")


def _moderated() -> EffectCurve:
    """Make an effect of a number, a moderator and a factor."""
    point = _curve("number").rows[0]
    rows = tuple(
        replace(point, values={"x": x, "age": age, "sex": sex}, response_estimate=x * age / 400)
        for sex in "FM"
        for age in (31.1, 37.23, 43.36)
        for x in (0.0, 5.0, 10.0)
    )
    return replace(
        _curve("number"),
        rows=rows,
        terms=("x", "age", "sex"),
        moderators=("age",),
        others=("averaged over kind", "size at its mean"),
        axis={"response": "P(passed)", "link": "logit(P(passed))"},
    )


def test_a_third_term_has_panels() -> None:
    curve = _moderated()
    ax = curve.plot()
    panels = ax.figure.axes
    assert ax is panels[0]
    assert [panel.get_title() for panel in panels] == ["sex = F", "sex = M"]
    for panel, sex in zip(panels, "FM", strict=True):
        assert panel.get_xlabel() == "x"
        for line, age in zip(panel.lines, (31.1, 37.23, 43.36), strict=True):
            mine = [r for r in curve.rows if r.values["sex"] == sex and r.values["age"] == age]
            assert list(line.get_ydata()) == _column(mine, "response_estimate")
    (legend,) = ax.figure.legends
    assert legend.get_title().get_text() == "age"
    assert [text.get_text() for text in legend.get_texts()] == [
        "31.1 (mean - 1 SD)",
        "37.2 (mean)",
        "43.4 (mean + 1 SD)",
    ]
    said = " ".join(ax.figure.get_supxlabel().split())
    assert said == "Band: 95% confidence interval; averaged over kind; size at its mean"
    assert ax.figure.get_supylabel() == "P(passed)"
    assert_legible(ax.figure)
    given = plt.subplots(1, 2)[1]
    assert curve.plot(ax=given, scale="link") is given[0]
    assert given[0].get_ylabel() == "logit(P(passed))"
    assert _caption(given[1]) == said
    with pytest.raises(OptionError, match="ax holds 1 axes, and there are 2 panels to draw"):
        curve.plot(ax=given[0])


def test_bands_bars_and_points_are_named() -> None:
    assert _caption(_curve("number", 5).plot()) == (
        "Band: 95% confidence interval; points: partial residuals"
    )
    assert _caption(replace(_curve("factor"), conf_level=0.9).plot()) == (
        "Bars: 90% confidence interval"
    )
    one = replace(_curve("number"), rows=_curve("number").rows[3:4]).plot()
    assert one.lines[0].get_marker() == "o"  # a line of one point has no length


@pytest.mark.parametrize("kind", ["number", "both", "factor", "factors"])
def test_effects_can_be_read_in_a_narrow_column(kind: str) -> None:
    figure, ax = plt.subplots(figsize=(3.3, 3.0), layout="constrained")
    _curve(kind, 5).plot(ax=ax)
    assert_legible(figure)
    assert ax.get_window_extent().width > 150


def test_what_cannot_be_estimated_leaves_a_gap() -> None:
    curve = _curve("factor")
    nothing = replace(curve.rows[1], **dict.fromkeys(curve.shown))
    ax = replace(curve, rows=(curve.rows[0], nothing, curve.rows[2])).plot()
    assert np.isnan(ax.lines[0].get_ydata()[1])
    assert_legible(ax.figure)


def test_effects_refuse_what_cannot_be_drawn() -> None:
    with pytest.raises(OptionError, match="scale='log' is not accepted; choose one of: 'link"):
        _curve("number").plot(scale="log")
    point = _curve("number").rows[0]
    rows = tuple(
        replace(point, values={"x": float(i), "g": str(j)}) for j in range(30) for i in range(2)
    )
    with pytest.raises(OptionError, match="g have 30 combinations, and 28 lines"):
        replace(_curve("number"), rows=rows, terms=("x", "g")).plot()


def test_the_picture_of_a_model_is_that_of_its_effect() -> None:
    fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    try:
        session().require("effects")
    except REnvironmentError:
        with pytest.raises(REnvironmentError, match="'effects'"):
            fit.plot.effect("Days")
        return
    ax = fit.plot.effect("Days", partial_residuals=True, conf_level=0.8)
    curve = fit.effect("Days", n_points=100, partial_residuals=True, conf_level=0.8)
    assert list(ax.lines[0].get_ydata()) == _column(curve.rows, "response_estimate")
    assert list(ax.collections[0].get_offsets()[:, 1]) == _column(curve.partial, "estimate")
    crossed = pb.lmer("angle ~ recipe * temp + (1 | recipe:replicate)", pb.load_dataset("cake"))
    ax = crossed.plot.effect(["recipe", "temp"], x="temp", at={"recipe": ["A", "C"]})
    curve = crossed.effect(["temp", "recipe"], n_points=100, at={"recipe": ["A", "C"]})
    assert ax.get_xlabel() == "temp"
    for line, recipe in zip(ax.lines, "AC", strict=True):
        mine = [row for row in curve.rows if row.values["recipe"] == recipe]
        assert list(line.get_ydata()) == _column(mine, "response_estimate")
    ax = crossed.plot.effect("recipe:temp")
    curve = crossed.effect(["recipe", "temp"])
    drawn = [value for line in ax.lines for value in line.get_ydata()]
    assert drawn == _column(curve.rows, "response_estimate")


@pytest.mark.parametrize("n", [0, 5, 500])
@pytest.mark.parametrize("kind", ["number", "both", "factor", "factors"])
def test_text_of_effects_can_be_read(kind: str, n: int) -> None:
    assert_legible(_curve(kind, n).plot().figure)
    assert_legible(_curve(kind, n).plot(scale="link").figure)


def test_many_levels_and_long_names_can_be_read() -> None:
    point = _curve("factor").rows[0]
    for n in (12, 100):
        levels = [f"The comprehensive school of town {i}" for i in range(n)]
        rows = tuple(replace(point, values={"school": level}) for level in levels)
        assert_legible(replace(_curve("factor"), rows=rows, terms=("school",)).plot().figure)


@picture
def test_picture_of_an_effect_in_panels() -> Any:
    return bare(_moderated().plot().figure)


@picture
@pytest.mark.parametrize(
    ("kind", "n"),
    [
        ("number", 0),
        ("both", 0),
        ("factor", 0),
        ("factors", 0),
        ("number", 5),
        ("number", 500),
        ("both", 500),
        ("factor", 5),
        ("factors", 500),
    ],
)
def test_picture_of_an_effect(kind: str, n: int) -> Any:
    return bare(_curve(kind, n).plot())


# -- leverage ------------------------------------------------------------------------------------


@cache
def _fit(n: int) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PymerWarning)
        return pb.lmer("score ~ hrs_week + (1 | school)", schools(n))


def test_leverage_and_cooks_distances_are_rs() -> None:
    data = pb.load_dataset("sleepstudy")
    data.loc[7, "Reaction"] = np.nan
    fit = pb.lmer("Reaction ~ Days + (1 | Subject)", data, na_action="exclude")
    hat, cooks = fit.hat_values().drop(7), fit.cooks_distance().drop(7)
    ax = fit.plot.leverage(n_labels=4)
    points, named = ax.collections
    assert np.array_equal(points.get_offsets()[:, 0], hat)
    scaled = fit.residuals("pearson", scaled=True).drop(7)
    assert np.array_equal(points.get_offsets()[:, 1], scaled)
    largest = cooks.sort_values(ascending=False, kind="stable").index[:4]
    assert [text.get_text() for text in ax.texts] == [str(i) for i in largest]
    assert np.array_equal(named.get_offsets()[:, 0], hat[largest])
    ax = fit.plot.cooks_distance(n_labels=2)
    assert np.array_equal(segments(ax)[:, 1], np.column_stack([cooks.index, cooks]))
    assert [text.get_text() for text in ax.texts] == [str(i) for i in largest[:2]]
    assert not fit.plot.leverage(n_labels=0).texts
    with pytest.raises(OptionError, match="label"):
        fit.plot.leverage(n_labels=-1)


def test_diagnostics_have_leverage_where_r_has_it() -> None:
    panels = _fit(5).plot.diagnostics().axes
    assert [panel.get_xlabel() for panel in panels[-2:]] == ["Leverage", "Observation"]
    assert len(_fit(5).plot.diagnostics(leverage=False).axes) == 5  # one along hrs_week
    binomial = pb.glmer(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)",
        pb.load_dataset("cbpp"),
        family="binomial",
    )
    labels = [panel.get_xlabel() for panel in binomial.plot.diagnostics().axes]
    assert len(labels) == 5  # one along period
    assert "Leverage" not in labels


# -- influence -----------------------------------------------------------------------------------


@cache
def _influence(n: int) -> Any:
    """Return the influence of five schools, or that of many made by hand: R would take long."""
    result = _fit(5).influence("school")
    if n == 5:
        return result
    sizes = np.random.RandomState(3).exponential(0.1, n) ** 2
    rows = (
        replace(result.rows[0], level=f"school {i + 1:03d}", cooks_distance=float(size))
        for i, size in enumerate(sizes)
    )
    return replace(result, rows=tuple(rows))


def test_influence_is_ordered_and_named() -> None:
    result = _influence(5)
    cooks = result.cooks_distance.sort_values(kind="stable")
    ax = result.plot()
    assert list(ax.lines[0].get_xdata()) == list(cooks)
    assert [label.get_text() for label in ax.get_yticklabels()] == list(cooks.index)
    assert segments(ax)[:, 1, 0].tolist() == list(cooks)
    backwards = result.cooks_distance.iloc[::-1]
    assert list(result.plot(order=False).lines[0].get_xdata()) == list(backwards)


def test_influence_of_many_groups_names_the_largest() -> None:
    ax = _influence(500).plot()
    cooks = _influence(500).cooks_distance.sort_values(ascending=False, kind="stable")
    assert [text.get_text() for text in ax.texts] == list(cooks.index[:5])
    assert [tuple(text.xy) for text in ax.texts] == list(
        zip(cooks[:5], range(499, 494, -1), strict=True)
    )
    assert ax.get_ylabel() == "school (500 levels)"


def test_refits_that_failed_are_counted() -> None:
    result = _influence(5)
    rows = tuple(
        replace(row, cooks_distance=None) if i < 2 else row for i, row in enumerate(result.rows)
    )
    ax = replace(result, rows=rows).plot()
    assert ax.get_title().startswith("2 refits failed: ")
    assert len(ax.lines[0].get_xdata()) == 3
    with pytest.raises(OptionError, match="no refit succeeded"):
        replace(result, rows=rows[:2]).plot()


# -- optimizers ----------------------------------------------------------------------------------


@cache
def _optimizers() -> AllFit:
    """Return the fits of one model, with one that failed, one that is missing and one apart."""
    found: AllFit = _fit(5).all_fit(["bobyqa", "Nelder_Mead", "nlminbwrap"])
    first = found.rows[0]
    bare = dict.fromkeys(
        (
            "log_likelihood",
            "fixed_effects",
            "sdcor",
            "theta",
            "converged",
            "singular",
            "evaluations",
            "seconds",
        )
    )
    assert first.fixed_effects is not None
    assert first.log_likelihood is not None
    apart = replace(
        first,
        optimizer="apart",
        converged=False,
        log_likelihood=first.log_likelihood - 2.0,
        fixed_effects={name: value + 1.0 for name, value in first.fixed_effects.items()},
    )
    failed = replace(first, optimizer="failed", ok=False, error="stopped", **bare)  # type: ignore[arg-type]
    missing = replace(failed, optimizer="nmkbw", package="dfoptim", available=False)
    return replace(found, rows=(*found.rows, apart, failed, missing))


def test_optimizers_are_drawn_as_they_ended() -> None:
    result = _optimizers()
    fitted = [row for row in result.rows if row.log_likelihood is not None]
    panels = result.plot().axes
    names = [panel.get_xlabel() for panel in panels]
    assert names == ["Log-likelihood", "(Intercept)", "hrs_week", "sd_(Intercept)|school", "sigma"]
    mark, well, badly = panels[0].lines
    likelihoods = [row.log_likelihood for row in fitted]
    assert list(mark.get_xdata()) == [max(likelihoods)] * 2
    assert list(well.get_xdata()) == likelihoods[:3]
    assert list(badly.get_xdata()) == likelihoods[3:]
    assert badly.get_markerfacecolor() == "#ffffff"
    days = panels[2].lines[1].get_xdata()
    assert list(days) == [row.fixed_effects["hrs_week"] for row in fitted[:3]]
    labels = [label.get_text() for label in panels[0].get_yticklabels()]
    assert labels[-3:] == ["apart", "failed (failed)", "nmkbw (no dfoptim)"]


def test_optimizers_that_agree_are_seen_to() -> None:
    result = replace(_optimizers(), rows=_optimizers().rows[:3])
    for panel, least in zip(result.plot("log_likelihood", "sigma").axes, (1.0, 0.01), strict=True):
        low, high = panel.get_xlim()
        # Half of the width is added and taken away: rounding.
        width = least if least == 1.0 else least * abs(panel.lines[0].get_xdata()[0])
        np.testing.assert_allclose(high - low, width, rtol=1e-9)


def test_optimizers_refuse_what_is_not_there() -> None:
    with pytest.raises(OptionError, match=r"no parameter 'x'; there are: 'log_likelihood'"):
        _optimizers().plot("x")
    with pytest.raises(OptionError, match="no optimizer has a fit"):
        replace(_optimizers(), rows=_optimizers().rows[-2:]).plot()


# -- how it looks --------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [5, 500])
def test_text_of_leverage_and_influence_can_be_read(n: int) -> None:
    for drawn in (_fit(n).plot.leverage(), _fit(n).plot.cooks_distance(), _influence(n).plot()):
        assert_legible(figure_of(drawn))


def test_text_of_optimizers_can_be_read() -> None:
    assert_legible(_optimizers().plot())
    result = replace(_optimizers(), rows=_optimizers().rows[:3])
    far = tuple(replace(row, log_likelihood=(row.log_likelihood or 0) - 1e6) for row in result.rows)
    assert_legible(replace(result, rows=far).plot())


@picture
@pytest.mark.parametrize("n", [5, 500])
def test_picture_of_leverage(n: int) -> Any:
    return bare(_fit(n).plot.leverage())


@picture
@pytest.mark.parametrize("n", [5, 500])
def test_picture_of_influence(n: int) -> Any:
    return bare(_influence(n).plot())


@picture
def test_picture_of_optimizers() -> Any:
    return bare(_optimizers().plot())
