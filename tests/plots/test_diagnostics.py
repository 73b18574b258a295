"""Diagnostic pictures find nothing in true models, and what is wrong in wrong ones."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.pictures import assert_legible, schools
from helpers.probing import plain_r
from helpers.refusal import refused
from pymer_bridge.errors import OptionError, PymerWarning
from pymer_bridge.session.r_session import session
from pymer_bridge.spec.families import Family

pytestmark = [pytest.mark.r, pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning")]


@pytest.fixture(scope="module")
def plain() -> Any:
    session().require("lme4")
    return plain_r(REFERENCES / "simulated_residuals.R")


# -- the residuals -------------------------------------------------------------------------------


def _cbpp(gaps: bool = False) -> pd.DataFrame:
    data = pb.load_dataset("cbpp").astype({"incidence": float})
    if gaps:
        data.loc[data.index[[3, 8]], "incidence"] = np.nan
        return data
    sick = data["incidence"] > 0
    state = pd.Categorical(np.where(sick, "sick", "well"), ["well", "sick"])
    return data.assign(share=data["incidence"] / data["size"], sick=sick.astype(float), state=state)


TRIALS = "cbind(incidence, size - incidence) ~ period"
HERD = " + (1 | herd)"
_FITS: dict[str, Callable[[], Any]] = {
    "trials": lambda: pb.glmer(TRIALS + HERD, _cbpp(), family="binomial"),
    "shares": lambda: pb.glmer("share ~ period" + HERD, _cbpp(), family="binomial", weights="size"),
    "zeros_and_ones": lambda: pb.glmer("sick ~ period" + HERD, _cbpp(), family="binomial"),
    "levels": lambda: pb.glmer("state ~ period" + HERD, _cbpp(), family="binomial"),
    "gaps": lambda: pb.glmer(TRIALS + HERD, _cbpp(True), family="binomial", na_action="exclude"),
    "counts": lambda: pb.glmer(
        "incidence ~ period" + HERD, _cbpp(), family="poisson", offset="log(size)"
    ),
    "negative_binomial": lambda: pb.glmer(
        "incidence ~ period" + HERD, _cbpp(), family=pb.negative_binomial(2)
    ),
    "times": lambda: pb.glmer(
        "Reaction ~ Days + (1 | Subject)",
        pb.load_dataset("sleepstudy"),
        family=Family("Gamma", "log"),
    ),
    "linear": lambda: pb.lmer("Reaction ~ Days + (1 | Subject)", pb.load_dataset("sleepstudy")),
    "plain_trials": lambda: pb.glm(TRIALS, _cbpp(), family="binomial"),
    "plain_shares": lambda: pb.glm("share ~ period", _cbpp(), family="binomial", weights="size"),
    "plain_gaps": lambda: pb.glm(TRIALS, _cbpp(True), family="binomial", na_action="exclude"),
    "plain_counts": lambda: pb.glm(
        "incidence ~ period", _cbpp(), family="poisson", offset="log(size)"
    ),
    "plain_times": lambda: pb.glm(
        "Reaction ~ Days", pb.load_dataset("sleepstudy"), family=Family("Gamma", "log")
    ),
    "straight": lambda: pb.lm("Reaction ~ Days", pb.load_dataset("sleepstudy")),
}
MODELS: dict[str, Callable[[], Any]] = {name: cache(fit) for name, fit in _FITS.items()}
"""Each model, fitted once."""


@pytest.mark.parametrize("name", MODELS)
def test_simulated_residuals_are_dharmas(name: str, plain: Any) -> None:
    fit = MODELS[name]()
    theirs = plain("dharma", name=name, seed=7)
    ax = fit.plot.residuals_fitted(kind="simulated", seed=7)
    points = ax.collections[0].get_offsets()
    assert np.array_equal(points[:, 1], theirs["residuals"])
    assert np.array_equal(points[:, 0], theirs["fitted"])
    assert ax.get_ylabel() == "Simulated residual"
    again = fit.plot.scale_location(kind="simulated", seed=7).collections[0].get_offsets()
    assert np.array_equal(again[:, 1], np.abs(2 * theirs["residuals"] - 1))
    quantiles = fit.plot.residual_quantiles(kind="simulated", seed=7).collections[1].get_offsets()
    n = len(points)
    assert np.array_equal(quantiles[:, 1], np.sort(theirs["residuals"]))
    assert np.array_equal(quantiles[:, 0], (np.arange(1, n + 1) - 0.5) / n)


@pytest.mark.parametrize(
    ("name", "predictor", "by"),
    [
        ("trials", "period", None),
        ("times", "Days", None),
        ("linear", "Days", None),
        ("plain_shares", "period", None),
        ("straight", "Days", None),
    ],
)
def test_views_along_predictors_are_rs_splines_and_means(
    name: str, predictor: str, by: str | None, plain: Any
) -> None:
    fit = MODELS[name]()
    ax = fit.plot.residuals_predictor(predictor, by=by, seed=7)
    theirs = plain("along", name=name, predictor=predictor, by=by or "", seed=7)
    if predictor == "period":
        line = next(one for one in ax.lines if one.get_label() == "Mean")
        assert np.array_equal(line.get_xdata(), theirs["x"] - 1)
        bars = [one for one in ax.patches if str(one.get_gid()).startswith("band")]
        assert len(bars) == 4
    else:
        line = next(one for one in ax.lines if one.get_label() == "Smooth")
        assert np.array_equal(line.get_xdata(), theirs["x"])
        points = ax.collections[0].get_offsets()
        assert np.array_equal(points[:, 1], plain("dharma", name=name, seed=7)["residuals"])
    assert np.array_equal(line.get_ydata(), theirs["y"])
    assert (ax.get_xlabel(), ax.get_ylabel()) == (predictor, "Simulated residual")


@pytest.mark.parametrize("name", ["trials", "shares", "zeros_and_ones"])
def test_bins_are_arms(name: str, plain: Any) -> None:
    theirs = plain("bins", name=name)
    ax = MODELS[name]().plot.residuals_binned()
    points = ax.collections[0].get_offsets()
    assert np.array_equal(points[:, 0], theirs["x"])
    # A share of successes comes back from lme4 with the last bit rounded.
    np.testing.assert_allclose(points[:, 1], theirs["y"], rtol=0, atol=1e-15)
    low, high = (line.get_ydata() for line in ax.lines[1:3])
    assert np.array_equal(high, theirs["limit"])
    assert np.array_equal(low, -theirs["limit"])
    assert ax.get_xlabel().startswith("Fitted P(")


def test_views_name_what_they_cannot_take() -> None:
    fit = MODELS["linear"]()
    draw = fit.plot.residuals_predictor
    assert refused(draw, "day") == "no predictor 'day', for term=; there are: 'Days'"
    assert refused(draw, "Days", by="Days") == "by='Days' is the predictor along the x axis"
    assert "binned residuals are of binomial models" in refused(fit.plot.residuals_binned)
    assert "has levels, and bins are along numbers" in refused(
        MODELS["trials"]().plot.residuals_binned, "period"
    )


def test_a_generalized_model_has_no_normal_quantiles() -> None:
    fit = MODELS["plain_trials"]()
    assert fit.plot.residual_quantiles().get_xlabel() == "Uniform quantile"
    said = refused(fit.plot.residual_quantiles, kind="deviance")
    assert said == (
        "the deviance residuals of a generalized model have no quantiles to be set against; "
        "kind='simulated' has"
    )
    with pytest.raises(OptionError, match="has no groups"):
        fit.plot.diagnostics("herd")


def test_a_quasi_family_has_pearson_residuals_and_rs_smooth(plain: Any) -> None:
    fit = pb.glm(TRIALS + " + herd", _cbpp(), family="quasibinomial")
    theirs = plain("smooth_of_quasi")
    first, second = fit.plot.diagnostics().axes
    smooth = first.lines[-1]
    assert np.array_equal(smooth.get_xdata(), theirs["x"])
    assert np.array_equal(smooth.get_ydata(), theirs["y"])
    names = first.get_ylabel(), second.get_ylabel()
    assert names == ("Pearson residual", "√|Standardized residual|")
    with pytest.raises(OptionError, match="no quantiles"):
        fit.plot.residual_quantiles()
    with pytest.raises(pb.RError, match="it has no distribution to draw from"):
        fit.plot.residuals_fitted(kind="simulated")


def test_each_grouping_factor_has_its_panel() -> None:
    fit = pb.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", pb.load_dataset("Penicillin"))
    panels = fit.plot.diagnostics(leverage=False).axes
    assert [panel.get_title() for panel in panels[3:]] == ["By plate", "By sample"]
    assert [panel.get_ylabel() for panel in panels[3:]] == ["plate (24 levels)", "sample"]
    one = fit.plot.diagnostics("sample", leverage=False).axes
    assert [panel.get_title() for panel in one[3:]] == ["By group"]


def test_axes_say_what_they_are() -> None:
    panels = MODELS["trials"]().plot.diagnostics().axes
    assert [panel.get_xlabel() for panel in panels] == [
        "Fitted P(incidence)",
        "Fitted P(incidence)",
        "Uniform quantile",
        "period",
        "Simulated residual",
    ]


def test_draws_leave_the_generator_alone() -> None:
    fit = MODELS["straight"]()
    first = fit.simulate(1, 3).values, fit.simulate(1).values
    again = fit.simulate(1, 3).values
    fit.plot.residual_quantiles()
    fit.plot.residuals_fitted(kind="simulated", seed=8)
    assert np.array_equal(again, first[0])
    assert not np.array_equal(fit.simulate(1).values, first[1])


def test_a_plain_linear_model_is_drawn_as_plot_lm_does() -> None:
    fit = MODELS["straight"]()
    panels = fit.plot.diagnostics().axes
    assert [panel.get_title() for panel in panels[3:]] == [
        "Along Days",
        "Leverage",
        "Cook's distance",
    ]
    standardized = fit.rstandard().to_numpy()
    roots = panels[1].collections[0].get_offsets()[:, 1]
    assert np.array_equal(roots, np.sqrt(np.abs(standardized)))
    leverage = panels[4].collections[0].get_offsets()
    assert np.array_equal(leverage, np.column_stack([fit.hat_values(), standardized]))
    assert panels[2].get_ylabel() == panels[4].get_ylabel() == "Standardized residual"


# -- true models, and wrong ones -----------------------------------------------------------------

FAMILIES = (
    "ones",
    "trials",
    "poisson",
    "gamma",
    "negative binomial",
    "inverse gaussian",
    "gaussian",
)


def made(seed: int, n_groups: int = 12, n: int = 10, spread: float = 0.8) -> pd.DataFrame:
    """Return two predictors, groups, and the linear predictor of all families."""
    draws = np.random.RandomState(seed)  # its stream is fixed for all versions of numpy
    group = np.repeat(np.arange(n_groups), n)
    x = draws.normal(size=len(group))
    kind = np.resize(["a", "b"], len(group))
    eta = -0.2 + 0.6 * x + 0.8 * (kind == "b") + draws.normal(0, spread, n_groups)[group]
    return pd.DataFrame({"x": x, "kind": kind, "group": group.astype(str), "eta": eta})


def drawn(data: pd.DataFrame, family: str, seed: int) -> pd.DataFrame:
    """Add the response that a model of the family draws."""
    draws, eta, n = np.random.RandomState(1000 + seed), data["eta"], len(data)
    share, mean = 1 / (1 + np.exp(-eta)), np.exp(eta + 0.7)
    y = {
        "ones": lambda: draws.binomial(1, share),
        "trials": lambda: draws.binomial(8, share),
        "poisson": lambda: draws.poisson(mean),
        "gamma": lambda: draws.gamma(4.0, mean / 4.0),
        "negative binomial": lambda: draws.negative_binomial(2, 2 / (2 + mean)),
        "inverse gaussian": lambda: draws.wald(np.exp(eta / 2), 3.0),
        "gaussian": lambda: draws.normal(eta, 1.0),
    }[family]()
    return data.assign(y=np.asarray(y, dtype=float), of=8.0, n=n)


def fitted(data: pd.DataFrame, family: str, right: str = "x + kind", mixed: bool = True) -> Any:
    left = "cbind(y, of - y)" if family == "trials" else "y"
    formula = f"{left} ~ {right}" + (" + (1 | group)" if mixed else "")
    families: dict[str, Any] = {
        "ones": "binomial",
        "trials": "binomial",
        "gamma": Family("Gamma", "log"),
        "negative binomial": pb.negative_binomial(2),
        "inverse gaussian": Family("inverse.gaussian", "log"),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PymerWarning)
        if family == "gaussian":
            return pb.lmer(formula, data) if mixed else pb.lm(formula, data)
        fit: Any = pb.glmer if mixed else pb.glm
        return fit(formula, data, family=families.get(family, family))


def found(fit: Any) -> int:
    """Count what is outside of the bands of a model's pictures.

    Of all residuals that are simulated, whose pictures show these very curves, it is not drawn.
    """
    if _is_linear(fit):
        return found_in_pictures(fit)
    curves = fit._residual_curves(along=None)
    of_views = [curve for view in curves.views for curve in view.curves]
    return sum(map(_off, [curves.location, curves.spread, curves.quantiles, *of_views]))


def _is_linear(fit: Any) -> bool:
    return fit.spec.fitter in ("lmer", "lm")


def _off(curve: Any) -> int:
    first = np.concatenate([[True], np.diff(curve.x) > 0])  # equal numbers have one height
    off = (curve.y < curve.low - 1e-9) | (curve.y > curve.high + 1e-9)
    return int(off[first].sum())


def found_in_pictures(fit: Any) -> int:
    """Count what is drawn outside of the bands of a model's pictures."""
    panels = fit.plot.diagnostics(leverage=False).axes
    if _is_linear(fit):  # whose residuals and spread are drawn without bands
        drawn = mpl.figure.Figure().subplots(1, 2)
        fit.plot.residuals_fitted(kind="simulated", ax=drawn[0])
        fit.plot.residual_quantiles(kind="simulated", ax=drawn[1])
        panels = [*panels, *drawn]
    n = sum(_outside(ax) for ax in panels)
    plt.close("all")
    return n


def _assert_drawn(fit: Any, outside: int, seed: int) -> None:
    """Assert that pictures show what was found: of the first data, and wherever it is something."""
    if not _is_linear(fit) and (seed == 0 or outside > 0):
        assert found_in_pictures(fit) == outside


def _outside(ax: Any) -> int:
    """Count the places where a line, or else points, lie outside of their bands."""
    bars = [bar for bar in ax.patches if str(bar.get_gid()).startswith("band: ")]
    n = 0
    for bar in bars:  # means at levels
        x = bar.get_x() + bar.get_width() / 2
        line = next(one for one in ax.lines if f"band: {one.get_label()}" == bar.get_gid())
        at = np.abs(np.asarray(line.get_xdata()) - x).argmin()
        n += not bar.get_y() - 1e-9 <= line.get_ydata()[at] <= bar.get_y() + bar.get_height() + 1e-9
    for band in ax.collections:
        label, gid = str(band.get_label()), str(band.get_gid())
        if not band.get_paths() or not ("band of" in label or gid.startswith("band: ")):
            continue
        wanted = gid.removeprefix("band: ") if gid.startswith("band: ") else "Smooth"
        line = next((one for one in ax.lines if one.get_label() == wanted), None)
        corners = band.get_paths()[0].vertices
        if len(corners) < 6:
            continue  # what stands in the legend
        x, y = line.get_data() if line else np.asarray(ax.collections[-1].get_offsets()).T
        n += _beyond(np.asarray(x), np.asarray(y), corners)
    return n


def _beyond(x: Any, y: Any, corners: Any) -> int:
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    n = (len(corners) - 3) // 2
    low, high = corners[1 : n + 1], corners[n + 2 : 2 * n + 2][::-1]
    first = np.concatenate([[True], np.diff(x) > 0])  # equal numbers have one height
    at_low, at_high = np.interp(x[first], *low.T), np.interp(x[first], *high.T)
    return int(((y[first] < at_low - 1e-9) | (y[first] > at_high + 1e-9)).sum())


@pytest.mark.parametrize("mixed", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_is_found_in_true_models(family: str, mixed: bool) -> None:
    outside = []
    for seed in range(10 if mixed else 4):
        data = drawn(made(seed, spread=0.8 if mixed else 0.0), family, seed)
        fit = fitted(data, family, mixed=mixed)
        outside.append(found(fit))
        _assert_drawn(fit, outside[-1], seed)
    # The bands hold all but one of a hundred; two of ten are one chance of 200.
    assert sum(n > 0 for n in outside) <= 1


@pytest.mark.parametrize(("n_groups", "n", "family"), [(90, 1, "poisson"), (60, 2, "ones")])
def test_nothing_is_found_where_groups_are_small(n_groups: int, n: int, family: str) -> None:
    outside = []
    for seed in range(5):
        data = drawn(made(seed, n_groups, n, spread=1.2), family, seed)
        fit = fitted(data, family)
        outside.append(found(fit))
        _assert_drawn(fit, outside[-1], seed)
    assert sum(n > 0 for n in outside) <= 1


def _wrong(name: str, family: str, seed: int) -> Any:
    few = name.startswith("a missing")  # rows show it, where they are not zeros and ones
    data = made(seed, 20, 40 if family == "ones" else 12 if few else 20)
    draws = np.random.RandomState(500 + seed)
    if name == "overdispersed":
        return fitted(drawn(data, "negative binomial", seed), "poisson")
    if name == "zero inflated":
        data = drawn(data, "poisson", seed)
        data.loc[draws.uniform(size=len(data)) < 0.25, "y"] = 0.0
        return fitted(data, "poisson")
    if name == "a missing quadratic":
        wrong = data.assign(eta=data["eta"] + 0.5 * data["x"] ** 2)
        return fitted(drawn(wrong, family, seed), family)
    if name == "a missing interaction":
        slope = np.where(data["kind"] == "b", 0.9, -0.9) * data["x"]
        return fitted(drawn(data.assign(eta=data["eta"] + slope), family, seed), family)
    heavy = data.assign(y=data["eta"] + draws.standard_t(2.5, size=len(data)))
    return fitted(heavy, "gaussian")


WRONG = (
    ("overdispersed", "poisson"),
    ("zero inflated", "poisson"),
    *(
        (f"a missing {what}", family)
        for what in ("quadratic", "interaction")
        for family in ("poisson", "gaussian", "trials", "ones")
    ),
    ("heavy tails", "gaussian"),
)


@pytest.mark.parametrize(("name", "family"), WRONG)
def test_what_is_wrong_is_found(name: str, family: str) -> None:
    fits = [_wrong(name, family, seed) for seed in range(3)]
    outside = [found(fit) for fit in fits]
    assert all(n > 0 for n in outside)
    _assert_drawn(fits[0], outside[0], 0)


def test_panels_along_predictors_say_which_were_chosen() -> None:
    data = drawn(made(5, 12, 20), "poisson", 5)
    for i in range(5):
        data[f"z{i}"] = np.random.RandomState(i).normal(size=len(data))
    data["y"] = np.random.RandomState(1).poisson(np.exp(0.5 * data["z3"] ** 2))
    fit = fitted(data, "poisson", "x + z0 + z1 + z2 + z3 + z4")
    figure = fit.plot.diagnostics()
    along = [ax.get_title() for ax in figure.axes if ax.get_title().startswith("Along")]
    assert len(along) == 6
    assert "Along z3" in along
    assert figure._supxlabel.get_text() == ("Along predictors: the 6 of 21 views that stray most")
    assert not any(
        ax.get_title().startswith("Along") for ax in fit.plot.diagnostics(predictors=False).axes
    )


def test_residuals_by_group_are_on_both_sides() -> None:
    data = drawn(made(1, 20, 20, spread=1.5), "ones", 1)
    fit = fitted(data, "ones")
    ax = fit.plot.residuals_by_group()
    medians = np.array([line.get_xdata()[0] for line in ax.lines if line.get_linewidth() == 1.6])
    assert len(medians) == 20
    assert 3 <= (medians < 0.5).sum() <= 17
    drawn_at = next(line for line in ax.lines if len(set(line.get_xdata())) == 1)
    assert drawn_at.get_xdata()[0] == 0.5


# -- cut-offs, and names of points -------------------------------------------------------------


@pytest.mark.parametrize("name", ["linear", "straight", "gaps of a line"])
def test_leverage_and_distances_have_cut_offs_by_rules_that_are_named(name: str) -> None:
    data = pb.load_dataset("sleepstudy")
    data.loc[7, "Reaction"] = np.nan
    fit = (
        pb.lmer("Reaction ~ Days + (1 | Subject)", data, na_action="exclude")
        if name == "gaps of a line"
        else MODELS[name]()
    )
    hat, cooks = fit.hat_values().dropna(), fit.cooks_distance().dropna()
    ax = fit.plot.leverage(n_labels=6)
    assert np.array_equal(ax.collections[0].get_offsets()[:, 0], hat)
    line = next(one for one in ax.lines if one.get_label().startswith("Twice the mean leverage"))
    if "beyond the axis" in line.get_label():  # where it would squeeze the points
        assert 2 * hat.mean() > 1.4 * hat.max()
        assert f": {2 * hat.mean():.2g}, " in line.get_label()
    else:
        # R's mean adds in extended precision.
        np.testing.assert_allclose(line.get_xdata()[0], 2 * hat.mean(), rtol=1e-12)
    ax = fit.plot.cooks_distance()
    heights = [path.vertices[1, 1] for path in ax.collections[0].get_paths()]
    assert np.array_equal(heights, cooks)
    mixed = name != "straight"
    line = next(one for one in ax.lines if one.get_linestyle() == "--")
    low, high = np.quantile(cooks, [0.25, 0.75])
    wanted = high + 3 * (high - low) if mixed else 4 / 180
    np.testing.assert_allclose(line.get_ydata()[0], wanted, rtol=1e-12)
    rule = "Third quartile + 3 IQR" if mixed else "4/n"
    assert line.get_label() == f"{rule} = {wanted:.2g}"


@pytest.mark.parametrize("width", [3.3, 7.0])
def test_names_of_points_do_not_cover_each_other(width: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PymerWarning)
        fit = pb.lmer("score ~ hrs_week + (1 | school)", schools(60))
    for draw in (fit.plot.leverage, fit.plot.cooks_distance):
        figure, ax = plt.subplots(figsize=(width, 3.0), layout="constrained")
        draw(n_labels=12, ax=ax)
        figure.canvas.draw()
        boxes = [text.get_window_extent() for text in ax.texts if text.get_visible()]
        assert len(boxes) >= 5
        assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_hat_values_are_computed_once() -> None:
    fit = _FITS["linear"]()
    fit.plot.leverage()
    kept = [key for key in fit._kept if key[0] in ("leverage_figures", "case_figure")]
    fit.plot.cooks_distance()
    assert kept == [("leverage_figures",)]
    assert [key for key in fit._kept if key[0] in ("leverage_figures", "case_figure")] == kept


# -- cost ----------------------------------------------------------------------------------------


@cache
def _large() -> Any:
    return fitted(drawn(made(3, 20, 300), "poisson", 3), "poisson", mixed=False)


def test_more_than_5000_points_are_drawn_as_hexagons() -> None:
    ax = _large().plot.residuals_fitted()
    hexagons = ax.collections[0]
    assert hexagons.get_array().sum() == 6000
    assert len(hexagons.get_offsets()) < 6000
    assert len(_large().plot.residual_quantiles().collections[1].get_offsets()) == 200


@pytest.mark.parametrize("style", ["default", "dark_background"])
@pytest.mark.parametrize("width", [3.3, 7.0])
def test_text_can_be_read(style: str, width: float) -> None:
    fit = MODELS["trials"]()
    with mpl.style.context(style):
        figure = plt.figure(figsize=(2 * width, 2 * width), layout="constrained")
        fit.plot.diagnostics(predictors=False, ax=figure.subplots(2, 2).ravel())
        assert_legible(figure)
        assert_legible(fit.plot.diagnostics())
