"""Pictures: what is drawn are the results' own figures, and it looks as it should.

What is drawn where is asserted exactly, on the artists' data; that all text can be read, on the
artists' places. The stored pictures, which pytest-mpl compares (see conftest.py), are there for
what no such assertion sees: colours, order, what covers what. Text is taken out of them, and the
panels stand where matplotlib puts them without looking at text: fonts and FreeType differ between
versions and platforms, and would move everything by some pixels (root mean squares of some 30 of
255 between matplotlib 3.8 and 3.11). What remains differs by TOLERANCE.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.every_picture import slopes
from helpers.live import ask_r
from helpers.pictures import assert_legible, bare, figure_of, picture, schools, segments
from helpers.probing import plain_r
from helpers.refusal import refused
from pymer_bridge.errors import OptionError
from pymer_bridge.plots import curves
from pymer_bridge.session.r_session import session

pytestmark = [pytest.mark.r, pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning")]

REFERENCE = REFERENCES / "pictures.R"


@pytest.fixture(scope="module")
def plain() -> Any:
    """Return a function that calls plain R."""
    session().require("lme4")
    return plain_r(REFERENCE)


@pytest.fixture(scope="module")
def fit() -> Any:
    return pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))


@pytest.fixture(scope="module")
def intercepts() -> Any:
    return pb.lmer("Reaction ~ Days + (1 | Subject)", pb.load_dataset("sleepstudy"))


@pytest.fixture(scope="module")
def few() -> Any:
    return slopes(5)


@pytest.fixture(scope="module")
def many() -> Any:
    return slopes(500)


# -- manners -------------------------------------------------------------------------------------


def test_matplotlib_is_loaded_by_the_first_picture_only() -> None:
    code = (
        "import sys, pymer_bridge as pb; pb.plots; from pymer_bridge.plots import accessor;"
        "assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_given_axes_are_drawn_on_and_nothing_else_is_touched(fit: Any) -> None:
    figure = mpl.figure.Figure()
    panels = figure.subplots(2, 3).ravel()
    before = dict(mpl.rcParams)
    assert pb.plots.lines(fit, ax=panels[0]) is panels[0]
    assert fit.plot.coefficients(ax=panels[1]) is panels[1]
    assert fit.plot.shrinkage(ax=panels[2]) is panels[2]
    assert fit.plot.random_scatter(ax=panels[3]) is panels[3]
    assert fit.plot.random_effects(ax=panels[4:6]) is figure
    assert all(panel.has_data() for panel in panels)
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == before
    with pytest.raises(OptionError, match="ax holds 1 axes, and there are 2 panels"):
        fit.plot.random_effects(ax=panels[0])


def test_a_figure_is_pyplots_so_that_it_is_shown(fit: Any) -> None:
    ax = fit.plot.lines()
    assert ax.figure is plt.gcf()
    figure = fit.plot.random_effects()
    assert figure is plt.gcf()


def test_accessor_names_its_pictures(fit: Any) -> None:
    assert "lines" in repr(fit.plot)
    assert "Reaction ~ Days" in repr(fit.plot)
    for name in dir(fit.plot):
        if not name.startswith("_") and name != "fit":
            assert hasattr(pb.plots, name)


# -- fixed effects -------------------------------------------------------------------------------


def test_methods_of_mixed_models_are_refused_of_others() -> None:
    straight = pb.lm("score ~ hrs_week", schools(5))
    said = refused(pb.plots.coefficients, straight, ddf="satterthwaite")
    assert said == "ddf='satterthwaite' goes with mixed models; this one has R's own tests"


def test_coefficients_are_those_of_the_results(fit: Any) -> None:
    ml = pb.lmer("Reaction ~ Days + (1 | Subject)", pb.load_dataset("sleepstudy"), reml=False)
    alone = pb.lm("Reaction ~ Days", pb.load_dataset("sleepstudy"))
    models = {"slopes": fit, "intercepts": ml, "no groups": alone}
    ax = pb.plots.coefficients(models, intercept=True, conf_level=0.9)
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert labels == ["(Intercept)", "Days"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(models)
    for i, model in enumerate(models.values()):
        rows = model.fixed_effects(conf_level=0.9).rows
        assert ax.lines[i].get_xdata().tolist() == [row.estimate for row in rows]
        ends = segments(ax, i)[:, :, 0]
        assert ends.tolist() == [[row.conf_low, row.conf_high] for row in rows]
    assert ax.get_xlabel() == "Estimate"
    (caption,) = [" ".join(text.get_text().split()) for text in ax.texts]
    assert caption == (
        "slopes, intercepts: 90% confidence intervals, Wald, Satterthwaite's method; no groups: "
        "90% confidence intervals, Wald, residual degrees of freedom"
    )


@pytest.mark.parametrize("method", ["wald", "profile"])
def test_coefficients_with_intervals_of_any_method(intercepts: Any, method: str) -> None:
    row = intercepts.confint(method, parameters="beta_")["Days"]
    for given in (method, intercepts.confint(method)):
        ends = segments(intercepts.plot.coefficients(intervals=given))[0, :, 0]
        assert ends.tolist() == [row.conf_low, row.conf_high]


def test_coefficients_take_bootstrap_intervals_by_label(fit: Any) -> None:
    boot = fit.bootstrap("parametric", 20, 1, "fixed_effects").confint(conf_level=0.8)
    ax = pb.plots.coefficients({"a": fit}, intervals={"a": boot}, terms=["Days"])
    assert segments(ax)[0, :, 0].tolist() == [boot["Days"].conf_low, boot["Days"].conf_high]
    assert "80%" in ax.texts[0].get_text()


def test_coefficients_refuse_what_they_do_not_know(fit: Any) -> None:
    with pytest.raises(OptionError, match="no term 'Day'; there are"):
        fit.plot.coefficients(terms=["Day"])
    with pytest.raises(OptionError, match="'exact' is not accepted; choose one of: 'wald'"):
        fit.plot.coefficients(intervals="exact")
    with pytest.raises(OptionError, match="nothing for 'a'"):
        pb.plots.coefficients({"a": fit}, intervals={"b": "wald"})
    with pytest.raises(OptionError, match="no model"):
        pb.plots.coefficients({})


def test_a_term_with_a_dollar_sign_is_shown_as_it_is() -> None:
    data = pb.load_dataset("sleepstudy").rename(columns={"Days": "$x$"})
    model = pb.lmer("Reaction ~ `$x$` + (1 | Subject)", data)
    ax = model.plot.coefficients()
    ax.figure.canvas.draw()
    assert ax.get_yticklabels()[0].get_text() == r"`\$x\$`"


# -- random effects ------------------------------------------------------------------------------


def test_conditional_intervals_are_rs_and_ordered(fit: Any, plain: Any) -> None:
    ends = plain("conditional_ends", level=0.9)
    table = fit.random_effects.group("Subject")
    low = np.asarray(ends["low"]).reshape(2, -1)
    high = np.asarray(ends["high"]).reshape(2, -1)
    order = np.argsort(table.estimate[:, 0])
    first, second = fit.plot.random_effects(conf_level=0.9).axes
    for i, panel in enumerate((first, second)):
        drawn = segments(panel)[:, :, 0]
        assert np.array_equal(drawn, np.column_stack([low[i, order], high[i, order]]))
        assert panel.get_title() == table.terms[i]
    labels = [text.get_text() for text in first.get_yticklabels()]
    assert labels == [table.levels[k] for k in order]
    panel = fit.plot.random_effects(terms="Days", order=None).axes[0]
    assert panel.lines[1].get_xdata().tolist() == table.estimate[::-1, 1].tolist()
    by_days = fit.plot.random_effects(order="Days").axes[1].lines[1].get_xdata()
    assert (np.diff(by_days) >= 0).all()


def test_random_effects_refuse_what_is_not_there(fit: Any) -> None:
    with pytest.raises(OptionError, match="no grouping factor 'x'; there are: 'Subject'"):
        fit.plot.random_effects("x")
    with pytest.raises(OptionError, match="no term 'x' in 'Subject'"):
        fit.plot.random_quantiles(terms="x")
    one = pb.lmer("Reaction ~ Days + (1 | Subject)", pb.load_dataset("sleepstudy"))
    with pytest.raises(OptionError, match="no two terms"):
        one.plot.random_scatter()


def test_scatter_has_the_ellipse_of_the_fitted_covariance(fit: Any) -> None:
    ax = fit.plot.random_scatter(conf_level=0.8)
    line = next(one for one in ax.lines if len(one.get_xdata()) > 2)
    components = fit.variance_components
    covariance = components.correlations[0].covariance
    matrix = np.array(
        [
            [components["Subject", "(Intercept)"].variance, covariance],
            [covariance, components["Subject", "Days"].variance],
        ]
    )
    points = np.array([line.get_xdata(), line.get_ydata()])
    distances = (points * np.linalg.solve(matrix, points)).sum(axis=0)
    expected = ask_r("qchisq", p=0.8, df=2.0)[0]
    # The outline solves a quadratic form, which is evaluated here by another way: rounding only.
    np.testing.assert_allclose(distances, expected, rtol=1e-12)
    modes = fit.random_effects.group("Subject").estimate
    assert np.array_equal(ax.collections[0].get_offsets(), modes)


def test_terms_that_lme4_keeps_apart_have_an_upright_ellipse() -> None:
    model = pb.lmer("Reaction ~ Days + (Days || Subject)", pb.load_dataset("sleepstudy"))
    ax = model.plot.random_scatter()
    line = next(one for one in ax.lines if len(one.get_xdata()) > 2)
    spread = max(line.get_xdata()), max(line.get_ydata())
    deviations = [row.std_dev for row in model.variance_components.rows[:2]]
    ratio = np.sqrt(ask_r("qchisq", p=0.95, df=2.0)[0])
    np.testing.assert_allclose(spread, np.array(deviations) * ratio, rtol=1e-12)  # rounding


def test_quantiles_are_rs(fit: Any, plain: Any) -> None:
    values = fit.residuals(scaled=True)
    ours, theirs = curves.normal_quantiles(values), plain("residual_quantiles")
    assert np.array_equal(ours.theoretical, theirs["theoretical"])
    assert [ours.intercept, ours.slope] == theirs["line"].tolist()
    for part in ("at", "low", "high"):
        assert np.array_equal(getattr(ours, part), theirs[part])
    first, _ = fit.plot.random_quantiles().axes
    modes = fit.random_effects.group("Subject").estimate[:, 0]
    points = first.collections[1].get_offsets()
    assert np.array_equal(points[:, 1], modes)
    assert np.array_equal(points[:, 0], curves.normal_quantiles(modes).theoretical)


def test_the_band_of_many_values_is_that_of_their_distribution(plain: Any) -> None:
    values = np.random.default_rng(1).normal(3, 2, 3001)
    ours, theirs = curves.normal_quantiles(values), plain("many_quantiles", values=values)
    assert np.array_equal(ours.low, theirs["low"])
    assert np.array_equal(ours.high, theirs["high"])
    # Whole samples of rnorm() lie within it as often as it says, but for chance: 4 of its errors.
    held = plain("held_by_band", values=values, low=ours.low, high=ours.high)[0]
    assert abs(held - 0.95) < 4 * np.sqrt(0.05 * 0.95 * (1 / 400 + 1 / 499))


# -- data and pooling ----------------------------------------------------------------------------


def test_lines_are_the_predictions(fit: Any) -> None:
    data = pb.load_dataset("sleepstudy")
    ax = fit.plot.lines()
    for i, level in enumerate(fit.random_effects.group("Subject").levels):
        x, y = ax.lines[i].get_data()
        assert x.tolist() == [0.0, 9.0]
        new = pd.DataFrame({"Days": x, "Subject": level})
        assert np.array_equal(y, fit.predict(new))
        # coef() adds fixed and random parts by coefficient: rounding.
        row = fit.group_coefficients.group("Subject").estimate[i]
        np.testing.assert_allclose(y, [row[0], row[0] + row[1] * 9.0], rtol=1e-12)
    effects = fit.fixed_effects("none")
    intercept, slope = effects["(Intercept)"].estimate, effects["Days"].estimate
    assert ax.lines[18].get_ydata().tolist() == [intercept, intercept + slope * 9.0]
    assert np.array_equal(ax.collections[0].get_offsets(), data[["Days", "Reaction"]])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Days", "Reaction")


def test_lines_along_one_of_several_predictors_are_predictions() -> None:
    data = schools(6)
    data["sex"] = ["F", "M"] * 24
    data["private"] = data["school"].isin(["school 001", "school 004"]).map({True: "y", False: "n"})
    model = pb.lmer("score ~ hrs_week * sex + private + (hrs_week | school)", data)
    ax = model.plot.lines(at={"sex": "M"})
    for i, level in enumerate(model.random_effects.group("school").levels):
        x, y = ax.lines[i].get_data()
        own = data[data["school"] == level]["private"].iloc[0]
        new = pd.DataFrame({"hrs_week": x, "sex": "M", "private": own, "school": level})
        assert np.array_equal(y, np.asarray(model.predict(new)))
    ax = model.plot.lines(at={"sex": "M", "private": "n"})
    x, y = ax.lines[6].get_data()
    new = pd.DataFrame({"hrs_week": x, "sex": "M", "private": "n"})
    assert np.array_equal(y, np.asarray(model.predict(new, re_form="population")))


def test_lines_of_nested_groups_keep_their_parts() -> None:
    model = pb.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", pb.load_dataset("cake"))
    ax = model.plot.lines()
    frame = model.model_frame.assign(fitted=model.fitted)
    for i, level in enumerate(model.random_effects.group("recipe:replicate").levels):
        own = frame[frame["recipe:replicate"] == level].sort_values("temp")
        y = ax.lines[i].get_ydata()
        # R sums fixed and random parts in another order for new data: rounding.
        np.testing.assert_allclose(y[[0, -1]], own["fitted"].iloc[[0, -1]], rtol=1e-12)


def test_each_group_has_its_panel(fit: Any) -> None:
    data = pb.load_dataset("sleepstudy")
    figure = fit.plot.groups(levels=["335", "308"])
    assert [panel.get_title() for panel in figure.axes] == ["335", "308"]
    mine = data[data["Subject"] == "335"]
    panel = figure.axes[0]
    assert np.array_equal(panel.collections[0].get_offsets(), mine[["Days", "Reaction"]])
    row = fit.group_coefficients["Subject", "335", "Days"].estimate
    x, y = panel.lines[1].get_data()
    np.testing.assert_allclose((y[1] - y[0]) / (x[1] - x[0]), row, rtol=1e-12)  # rounding
    with pytest.raises(OptionError, match="levels has no level '1'; there are: '308'"):
        fit.plot.groups(levels=["1"])


def test_many_groups_are_shown_in_part(many: Any) -> None:
    figure = many.plot.groups(max_groups=10)
    assert len(figure.axes) == 10
    assert figure.axes[0].get_title() == "school 001"
    assert figure.axes[-1].get_title() == "school 500"
    assert figure.legends[0].get_title().get_text() == "10 of 500 levels of school"


def test_no_and_complete_pooling_are_lms(fit: Any, plain: Any) -> None:
    theirs = plain("own_lines")
    found = fit.pooling()
    assert np.array_equal(found.none, np.reshape(theirs["own"], (18, 2)))
    assert list(found.complete) == theirs["all"].tolist()
    assert np.array_equal(found.partial, fit.group_coefficients.group("Subject").estimate)
    assert type(found).from_dict(found.to_dict()) == found
    assert len(found.to_frame()) == 54
    assert "Complete pooling: 251.41, 10.467" in str(found)


def test_pooling_uses_weights_and_offset(plain: Any) -> None:
    model = pb.lmer(
        "Reaction ~ Days + (Days | Subject)",
        pb.load_dataset("sleepstudy"),
        weights="1 / (1 + Days)",
        offset="2 * Days",
    )
    theirs = plain("weighted_lines")
    found = model.pooling()
    assert np.array_equal(found.none, np.reshape(theirs["own"], (18, 2)))
    assert list(found.complete) == theirs["all"].tolist()


def test_three_kinds_of_pooling_beside_each_other(fit: Any) -> None:
    found = fit.pooling()
    complete, none, partial = fit.plot.pooling().axes
    assert complete.lines[0].get_ydata()[0] == found.complete[0]
    assert [line.get_ydata()[0] for line in none.lines] == found.none[:, 0].tolist()
    assert [line.get_ydata()[0] for line in partial.lines[:18]] == found.partial[:, 0].tolist()
    assert complete.get_ylim() == none.get_ylim() == partial.get_ylim()


def test_shrinkage_goes_from_no_to_partial_pooling(fit: Any) -> None:
    found = fit.pooling()
    ax = fit.plot.shrinkage()
    for i, line in enumerate(ax.lines[:18]):
        ends = np.column_stack([found.none[i], found.partial[i]])
        assert np.array_equal(np.array(line.get_data()), ends)
    assert np.array_equal(ax.collections[0].get_offsets(), found.none)
    assert np.array_equal(ax.collections[1].get_offsets(), found.partial)


def test_a_group_of_one_row_has_no_line_of_its_own() -> None:
    data = pb.load_dataset("sleepstudy").iloc[:-9]
    model = pb.lmer("Reaction ~ Days + (1 | Subject)", data)
    found = model.pooling()
    assert np.isnan(found.none[-1, 1])
    ax = model.plot.shrinkage()
    assert len(ax.collections[0].get_offsets()) == 17
    assert len(model.plot.pooling().axes) == 3


def test_pooling_says_what_it_cannot_do() -> None:
    cake = pb.load_dataset("cake")
    model = pb.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", cake)
    with pytest.raises(OptionError, match="each group has a line only"):
        model.pooling()
    with pytest.raises(OptionError, match="no predictor 'recipe'; numeric ones are: temp"):
        model.pooling(predictor="recipe")
    with pytest.raises(OptionError, match="no grouping factor 'x'"):
        model.pooling("x")


def test_model_frame_is_on_the_index_of_the_data() -> None:
    data = pb.load_dataset("sleepstudy").set_index(np.arange(180) + 1000)
    data.loc[1001, "Reaction"] = np.nan
    model = pb.lmer("log(Reaction) ~ poly(Days, 2) + (1 | Subject)", data)
    frame = model.model_frame
    assert list(frame.columns) == ["log(Reaction)", "Subject"]
    assert list(frame.index) == [1000, *range(1002, 1180)]
    assert list(frame["Subject"]) == list(data["Subject"].drop(1001))


# -- residuals -----------------------------------------------------------------------------------


def test_residuals_are_drawn_with_rs_smooth(fit: Any, plain: Any) -> None:
    theirs = plain("residual_smooth")
    ax = fit.plot.residuals_fitted()
    smooth = ax.lines[-1]
    assert np.array_equal(smooth.get_xdata(), theirs["x"])
    assert np.array_equal(smooth.get_ydata(), theirs["y"])
    points = np.column_stack([fit.fitted, fit.residuals()])
    assert np.array_equal(ax.collections[0].get_offsets(), points)
    ax = fit.plot.residuals_fitted(kind="pearson", scaled=True)
    assert ax.get_ylabel() == "Scaled pearson residual"
    scaled = fit.residuals("pearson", scaled=True)
    assert np.array_equal(ax.collections[0].get_offsets()[:, 1], scaled)


def test_scale_and_quantiles_are_of_scaled_residuals(fit: Any) -> None:
    scaled = fit.residuals("pearson", scaled=True).to_numpy()
    ax = fit.plot.scale_location()
    assert np.array_equal(ax.collections[0].get_offsets()[:, 1], np.sqrt(np.abs(scaled)))
    ax = fit.plot.residual_quantiles()
    assert np.array_equal(ax.collections[1].get_offsets()[:, 1], scaled)


def test_residuals_by_group_are_rs_boxes(fit: Any, plain: Any) -> None:
    theirs = plain("residual_boxes")
    figures = np.asarray(theirs["figures"]).reshape(18, 5)
    order = np.argsort(figures[:, 2], kind="stable")
    ax = fit.plot.residuals_by_group()
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert labels == [theirs["levels"][i] for i in order]
    medians = [line.get_xdata()[0] for line in ax.lines if line.get_linewidth() == 1.6]
    assert medians == figures[order, 2].tolist()
    hinges = [sorted(set(patch.get_path().vertices[:, 0])) for patch in ax.patches]
    assert hinges == figures[order][:, [1, 3]].tolist()
    dots = [line.get_xdata().tolist() for line in ax.lines if line.get_marker() == "o"]
    assert sorted(sum(dots, [])) == sorted(theirs["outside"])  # noqa: RUF017  # short
    with pytest.raises(OptionError, match="no grouping factor 'x'"):
        fit.plot.residuals_by_group("x")


def test_diagnostics_leave_out_rows_without_residuals() -> None:
    data = pb.load_dataset("sleepstudy")
    data.loc[7, "Reaction"] = np.nan
    model = pb.lmer("Reaction ~ Days + (1 | Subject)", data, na_action="exclude")
    first, _, _, _, groups, leverage, cooks = model.plot.diagnostics().axes
    assert len(first.collections[0].get_offsets()) == 179
    assert len(groups.patches) == 18
    assert len(leverage.collections[0].get_offsets()) == 179
    assert 7 not in segments(cooks)[:, 0, 0]


# -- profiles, bootstraps, routes ----------------------------------------------------------------


@pytest.fixture(scope="module")
def profile() -> Any:
    return pb.lmer(
        "Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"), reml=False
    ).profile()


def test_zeta_is_the_spline_of_lme4(profile: Any, plain: Any) -> None:
    theirs = plain("zeta_splines")
    figure = profile.plot()
    for panel, name, label in zip(figure.axes, profile.parameters, profile.labels, strict=True):
        curve = panel.lines[-1]
        assert np.array_equal(curve.get_xdata(), theirs[name]["x"])
        assert np.array_equal(curve.get_ydata(), theirs[name]["y"])
        marks = segments(panel)[:, 0, 0]
        known = ~np.isnan(theirs[name]["at"])
        assert np.array_equal(marks, np.asarray(theirs[name]["at"])[known])
        assert panel.get_xlabel() == label
    absolute = profile.plot(absolute=True, conf_levels=[0.95]).axes[-1]
    across = segments(absolute, 1)[0, :, 0]
    assert np.array_equal(across, np.asarray(theirs["Days"]["at"])[[1, 8]])


def test_95_percent_marks_are_the_profile_interval(profile: Any, fit: Any) -> None:
    ml = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"), reml=False)
    row = ml.confint("profile", parameters="Days")["Days"]
    panel = profile.plot(conf_levels=[0.95]).axes[-1]
    marks = segments(panel)[:, 0, 0]
    # xyplot() takes the root of a chi-square quantile, confint() a normal one: rounding.
    np.testing.assert_allclose(marks, [row.conf_low, row.conf_high], rtol=1e-12)


def test_pairs_are_those_of_lme4(profile: Any, plain: Any) -> None:
    theirs = plain("sigma_and_days")
    figure = profile.plot_pairs()
    row, column = profile.parameters.index(".sigma"), profile.parameters.index("Days")
    below = figure.axes[column * 6 + row]
    outlines = np.asarray(theirs["outlines"]).reshape((5, -1, 2), order="F")
    for drawn, outline in zip(below.lines[:5], outlines, strict=True):
        assert np.array_equal(np.column_stack(drawn.get_data()), outline)
    above = figure.axes[row * 6 + column]
    natural = np.asarray(theirs["natural"]).reshape((5, -1, 2), order="F")
    for drawn, outline in zip(above.lines[:5], natural, strict=True):
        assert np.array_equal(np.column_stack(drawn.get_data())[:, ::-1], outline)
    assert figure.axes[0].texts[0].get_text() == "sd_(Intercept)\n|Subject"


def test_pairs_need_two_parameters(fit: Any) -> None:
    with pytest.raises(OptionError, match="at least two parameters"):
        fit.profile("Days").plot_pairs()


def test_profiles_of_singular_fits_begin_at_the_boundary() -> None:
    model = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff2"), reml=False)
    profile = model.profile()
    panel = profile.plot(absolute=True).axes[0]
    assert segments(panel, 1)[:, 0, 0].tolist() == [0.0] * 5
    assert np.isfinite(segments(panel, 0)).all()
    with pytest.warns(pb.SingularFitWarning, match="unreliable for singular fits"):
        profile.plot_pairs()


def test_replicates_are_drawn_with_their_interval(fit: Any) -> None:
    boot = fit.bootstrap("parametric", 40, 1)
    figure = boot.plot(kind="basic", conf_level=0.8)
    assert len(figure.axes) == len(boot.rows)
    ends = boot.confint("basic", 0.8)
    for panel, row in zip(figure.axes, boot.rows, strict=True):
        assert sum(patch.get_height() for patch in panel.patches) == 40
        bar, estimate = panel.lines
        interval = ends[row.name]
        assert list(bar.get_xdata()) == [interval.conf_low, interval.conf_high]
        assert list(estimate.get_xdata()) == [row.estimate, row.estimate]
        assert panel.get_xlabel() == row.label
    assert len(boot.plot("Days").axes) == 1
    with pytest.raises(KeyError, match="no row 'x'"):
        boot.plot("x")


def test_routes_are_a_forest(fit: Any) -> None:
    methods = ["normal", "satterthwaite", "likelihood-ratio"]
    result = pb.compare_inference(fit, "Days", methods)
    ax = result.plot()
    assert [text.get_text() for text in ax.get_yticklabels()] == methods
    drawn = [line for line in ax.lines if len(line.get_xdata()) == 2][1:]
    ends = [[row.conf_low, row.conf_high] for row in result.rows[:2]]
    assert [list(line.get_xdata()) for line in drawn] == ends
    assert [text.get_text() for text in ax.texts] == ["p < .001"] * 3
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


# -- how it looks --------------------------------------------------------------------------------

BOTH = ("lines", "groups", "shrinkage", "random_effects", "diagnostics")
ONE = ("pooling", "random_scatter", "random_quantiles", "residuals_by_group", "coefficients")
DRAWN = [*((name, n) for name in (*BOTH, *ONE) for n in (5, 500))]


def test_what_cannot_be_read_is_seen() -> None:
    figure, ax = plt.subplots()
    ax.set_yticks([0.0, 0.01], ["one", "other"])
    with pytest.raises(AssertionError, match="overlap"):
        assert_legible(figure)
    figure, ax = plt.subplots()
    ax.text(0.9, 0.5, "a text that goes beyond the edge of the figure")
    with pytest.raises(AssertionError):
        assert_legible(figure)


@pytest.mark.parametrize(("name", "n"), DRAWN)
def test_all_text_can_be_read(name: str, n: int, few: Any, many: Any) -> None:
    assert_legible(figure_of(getattr((few if n == 5 else many).plot, name)()))


def test_long_names_can_be_read(few: Any) -> None:
    data = schools(40)
    data["school"] = "The comprehensive school of the town number " + data["school"].str[-3:]
    data["a_rather_long_name_of_a_predictor"] = data["hrs_week"]
    model = pb.lmer("score ~ a_rather_long_name_of_a_predictor + (1 | school)", data)
    names = ("random_effects", "coefficients", "residuals_by_group", "groups", "lines")
    for name in (*names, "diagnostics"):
        assert_legible(figure_of(getattr(model.plot, name)()))


@picture
@pytest.mark.parametrize(
    ("name", "n"), [*((name, n) for name in BOTH for n in (5, 500)), *((name, 5) for name in ONE)]
)
def test_picture(name: str, n: int, few: Any, many: Any) -> Any:
    return bare(getattr((few if n == 5 else many).plot, name)())


def _several(few: Any) -> Any:
    data = schools(5)
    others = {
        "slopes": few,
        "intercepts": pb.lmer("score ~ hrs_week + (1 | school)", data),
        "no groups": pb.lm("score ~ hrs_week", data),
    }
    return pb.plots.coefficients(others)


def _pairs() -> Any:
    dyestuff = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"), reml=False)
    return dyestuff.profile().plot_pairs()


def _zeta() -> Any:
    dyestuff = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"), reml=False)
    return dyestuff.profile().plot(absolute=True)


def _bootstrap(few: Any) -> Any:
    return few.bootstrap("parametric", 100, 1, "fixed_effects").plot()


def _routes(few: Any) -> Any:
    methods = ["normal", "satterthwaite", "kenward-roger", "likelihood-ratio"]
    return pb.compare_inference(few, "hrs_week", methods).plot()


def test_text_of_other_pictures_can_be_read(few: Any, profile: Any) -> None:
    for drawn in (
        _several(few),
        profile.plot(),
        profile.plot_pairs(),
        _bootstrap(few),
        _routes(few),
    ):
        assert_legible(figure_of(drawn))


@picture
def test_picture_of_several_models(few: Any) -> Any:
    return bare(_several(few))


@picture
def test_picture_of_zeta() -> Any:
    return bare(_zeta())


@picture
def test_picture_of_pairs() -> Any:
    return bare(_pairs())


@picture
def test_picture_of_a_bootstrap(few: Any) -> Any:
    return bare(_bootstrap(few))


@picture
def test_picture_of_routes(few: Any) -> Any:
    return bare(_routes(few))


@pytest.fixture(scope="module")
def sleepstudy() -> pd.DataFrame:
    return pb.load_dataset("sleepstudy")


@pytest.mark.r
def test_lines_that_cannot_be_drawn(sleepstudy):
    rng = np.random.default_rng(2)
    data = sleepstudy.assign(
        age=rng.normal(size=180),
        kind=pd.Categorical(np.resize(["a", "b", "c"], 180)),
        word=np.resize(["p", "q"], 180),
    )
    model = pb.lmer("Reaction ~ Days + age + kind + word + (1 | Subject)", data)
    lines = pb.plots.lines
    assert "no lines along 'kind' by 'Subject'; numeric predictors are: Days, age" in refused(
        lines, model, predictor="kind"
    )
    assert refused(lines, model, predictor="Days", at={"Days": 1}) == (
        "at holds 'Days', which is not another predictor of the model; there are: 'age', 'kind', "
        "'word'"
    )
    assert refused(lines, model, predictor="Days", at={"kind": "z"}) == (
        "at['kind'] has no level 'z'; there are: 'a', 'b', 'c'"
    )
    lines(model, predictor="Days", at={"kind": "b"})


@pytest.mark.r
def test_a_predictor_of_pooling_is_said(sleepstudy):
    rng = np.random.default_rng(3)
    data = sleepstudy.assign(age=rng.normal(size=180))
    model = pb.lmer("Reaction ~ Days + age + (1 | Subject)", data)
    assert refused(model.pooling) == "say which predictor; numeric ones are: Days, age"
    assert refused(model.pooling, predictor="x") == "no predictor 'x'; numeric ones are: Days, age"
    assert refused(model.pooling, predictor="Days").startswith("the fixed effects are ")
    assert refused(model.pooling, "Item") == "no grouping factor 'Item'; there are: Subject"
