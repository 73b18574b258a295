"""Pictures of coefficients, intervals, tests and predictions: what is drawn are their figures."""

from __future__ import annotations

import warnings
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.pictures import assert_legible, bare, picture, segments
from helpers.probing import plain_r
from pymer_bridge.errors import OptionError, PymerWarning, RError
from pymer_bridge.session.r_session import session

pytestmark = [pytest.mark.r, pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning")]


@pytest.fixture(scope="module")
def plain() -> Any:
    """Return a function that calls plain R."""
    session().require("lmerTest")
    return plain_r(REFERENCES / "tables.R")


@pytest.fixture(scope="module")
def sleep() -> Any:
    return pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))


@pytest.fixture(scope="module")
def crossed() -> Any:
    return pb.lmer("angle ~ recipe * temp + (1 | recipe:replicate)", pb.load_dataset("cake"))


@pytest.fixture(scope="module")
def herds() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PymerWarning)
        formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
        return pb.glmer(formula, pb.load_dataset("cbpp"), family="binomial")


def _caption(ax: Any) -> str:
    return " ".join(
        " ".join(text.get_text().split()) for text in ax.texts if text.get_gid() == "caption"
    )


def _names(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.get_yticklabels()]


# -- coefficients --------------------------------------------------------------------------------


def test_several_levels_are_thin_and_thick_lines(crossed: Any) -> None:
    ax = crossed.plot.coefficients(conf_level=(0.5, 0.95))
    for k, level in enumerate((0.95, 0.5)):
        rows = crossed.fixed_effects(conf_level=level).rows[1:]
        assert segments(ax, k)[:, :, 0].tolist() == [[r.conf_low, r.conf_high] for r in rows]
    thin, thick = (ax.collections[k].get_linewidth()[0] for k in (0, 1))
    assert thin < thick
    assert _caption(ax) == (
        "95% (thin) and 50% (thick) confidence intervals, Wald, Satterthwaite's method"
    )
    with pytest.raises(OptionError, match="conf_level has no level"):
        crossed.plot.coefficients(conf_level=())
    with pytest.raises(OptionError, match="must lie between 0 and 1"):
        crossed.plot.coefficients(conf_level=(0.5, 95))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({}, "95% confidence intervals, Wald, Satterthwaite's method"),
        ({"ddf": "normal", "conf_level": 0.8}, "80% confidence intervals, Wald"),
        ({"ddf": "none"}, ""),
        ({"intervals": "profile"}, "95% confidence intervals, profile"),
    ],
)
def test_it_is_said_what_intervals_are(sleep: Any, how: dict[str, Any], said: str) -> None:
    assert _caption(sleep.plot.coefficients(**how)) == said


def test_the_kind_of_bootstrap_intervals_is_said(sleep: Any) -> None:
    boot = sleep.bootstrap("parametric", 20, 1, "fixed_effects").confint("basic")
    said = "95% confidence intervals, bootstrap, basic"
    assert _caption(sleep.plot.coefficients(intervals=boot)) == said


def test_terms_go_by_estimate_and_have_labels(crossed: Any) -> None:
    ax = crossed.plot.coefficients(order="estimate", labels={"temp": "Temperature"})
    drawn = ax.lines[0].get_xdata()
    assert list(drawn) == sorted(drawn, reverse=True)
    rows = sorted(crossed.fixed_effects().rows[1:], key=lambda row: -row.estimate)
    assert list(drawn) == [row.estimate for row in rows]
    assert _names(ax) == ["Temperature" if r.term == "temp" else r.term for r in rows]
    with pytest.raises(OptionError, match="order='size' is not accepted"):
        crossed.plot.coefficients(order="size")


def test_standardized_estimates_are_those_of_scaled_data(crossed: Any, plain: Any) -> None:
    ax = crossed.plot.coefficients(standardize=True, intercept=True)
    found = plain("scaled")
    drawn = ax.lines[0].get_xdata()
    assert list(drawn) == list(found["estimate"])
    # The fit to scaled data ends at another step of the optimizer.
    np.testing.assert_allclose(drawn, plain("scaled_fit"), rtol=1e-5)
    assert ax.get_xlabel() == "Standardized estimate"
    tests = crossed.fixed_effects()
    width = np.diff(segments(ax)[:, :, 0])[:, 0] / drawn
    own = [(row.conf_high - row.conf_low) / row.estimate for row in tests]
    np.testing.assert_allclose(width, own, rtol=1e-12)  # rounding
    with pytest.raises(OptionError, match="standardize=True needs models"):
        pb.plots.coefficients(tests, standardize=True)
    data = pb.load_dataset("cake").assign(w=np.sin(np.arange(270)))
    curved = pb.lm("angle ~ poly(temp, 2) + w * recipe", data)
    assert len(curved.plot.coefficients(standardize=True).lines[0].get_xdata()) == 7
    with pytest.raises(RError, match="interactions with polynomials or splines"):
        pb.lm("angle ~ poly(temp, 2) * w", data).plot.coefficients(standardize=True)


def test_odds_ratios_have_plain_numbers_around_one(herds: Any) -> None:
    ax = herds.plot.coefficients(exponentiate=True, conf_level=(0.5, 0.95))
    rows = herds.fixed_effects().to_frame(exponentiate=True).iloc[1:]
    assert list(ax.lines[0].get_xdata()) == list(rows["estimate"])
    assert ax.get_xlabel() == "Odds ratio"
    assert list(ax.lines[1].get_xdata()) == [1.0, 1.0]
    ax.figure.canvas.draw()
    texts = [label.get_text() for label in ax.get_xticklabels()]
    assert all(float(text) > 0 for text in texts)
    assert {"0.1", "0.2", "0.5", "1"} & set(texts)
    assert herds.plot.coefficients().get_xlabel() == "Estimate (log odds)"


def test_fixed_effects_draw_themselves(crossed: Any, herds: Any) -> None:
    table = crossed.fixed_effects("kenward-roger", conf_level=0.9)
    ax = table.plot()
    assert segments(ax)[:, :, 0].tolist() == [[r.conf_low, r.conf_high] for r in table.rows[1:]]
    assert _caption(ax) == "90% confidence intervals, Wald, Kenward-Roger's method"
    assert herds.fixed_effects().plot(exponentiate=True).get_xlabel() == "Odds ratio"
    both = pb.plots.coefficients({"KR": table, "model": crossed})
    assert [text.get_text() for text in both.get_legend().get_texts()] == ["KR", "model"]
    with pytest.raises(OptionError, match="intervals='profile' needs a model"):
        pb.plots.coefficients(table, intervals="profile")


def _many(n: int) -> Any:
    draws = np.random.RandomState(6)
    columns = {f"a_rather_long_name_of_predictor_{i}": draws.normal(size=120) for i in range(n)}
    data = pd.DataFrame(columns).assign(y=draws.normal(size=120))
    return pb.lm("y ~ " + " + ".join(columns), data)


@pytest.mark.parametrize("n", [3, 30])
@pytest.mark.parametrize("width", [3.3, 7.0])
def test_long_names_of_many_terms_can_be_read(n: int, width: float) -> None:
    model = _many(n)
    figure, ax = plt.subplots(figsize=(width, 1.4 + 0.3 * n), layout="constrained")
    model.plot.coefficients(ax=ax, conf_level=(0.5, 0.95))
    assert_legible(figure)
    assert ax.get_window_extent().width / figure.dpi > 0.4 * width
    assert_legible(model.plot.coefficients().figure)


# -- intervals -----------------------------------------------------------------------------------


def test_intervals_are_drawn_by_kind(sleep: Any) -> None:
    table = sleep.confint("profile")
    panels = table.plot().axes
    assert [ax.get_title() for ax in panels] == [
        "Correlations",
        "Standard deviations",
        "Fixed effects",
    ]
    for ax in panels:
        rows = [row for row in table.rows if row.label in _names(ax)]
        assert segments(ax)[:, :, 0].tolist() == [[r.conf_low, r.conf_high] for r in rows]
    assert [name for ax in panels for name in _names(ax)] == [
        "cor_Days.(Intercept)|Subject",
        "sd_(Intercept)|Subject",
        "sd_Days|Subject",
        "sigma",
        "Days",
    ]
    assert panels[-1].get_xlabel() == "95% confidence intervals (profile)"
    assert_legible(panels[0].figure)


def test_intervals_without_ends_are_left_out(sleep: Any) -> None:
    table = sleep.confint("wald")
    (ax,) = table.plot(intercept=True, labels={"Days": "Day"}).axes
    assert _names(ax) == ["(Intercept)", "Day"]
    (ax,) = table.plot(terms=["Days", "(Intercept)"]).axes
    assert _names(ax) == ["Days", "(Intercept)"]
    with pytest.raises(OptionError, match="no interval 'Day'; there are"):
        table.plot(terms=["Day"])
    with pytest.raises(OptionError, match="no interval to draw"):
        sleep.confint("wald", parameters="theta_").plot()


# -- tests ---------------------------------------------------------------------------------------


def test_sizes_are_partial_eta_squared(crossed: Any, plain: Any) -> None:
    table = crossed.anova()
    ax = table.plot(conf_level=0.9)
    found = plain("sizes", level=0.9)
    assert list(ax.lines[-1].get_xdata()) == list(found["estimate"])
    assert _names(ax) == ["recipe", "temp", "recipe:temp"]
    ends = segments(ax)[:, :, 0]
    known = {name: np.asarray(found[name]) for name in ("statistic", "df1", "df2")}
    low, high = (plain("below", eta=ends[:, side], **known) for side in (0, 1))
    # The ends are where a search stops; at zero they lie below what is searched for.
    np.testing.assert_allclose(low[ends[:, 0] > 0], 0.95, rtol=1e-5)
    np.testing.assert_allclose(high[ends[:, 1] > 0], 0.05, rtol=1e-5)
    assert (ends[:, 0][low < 0.95 - 1e-6] == 0.0).all()
    said = [text.get_text() for text in ax.texts if text.get_gid() != "caption"]
    assert said == [_p(row.p_value) for row in table.rows]
    assert _caption(ax) == (
        "90% confidence intervals (noncentral F); p-values: Type III Analysis of Variance Table "
        "with Satterthwaite's method"
    )
    assert_legible(ax.figure)


def _p(value: float) -> str:
    return "p < .001" if value < 0.001 else f"p = {value:.3f}".replace("0.", ".")


def test_tests_without_denominators_are_drawn_as_they_are(crossed: Any, herds: Any) -> None:
    ax = herds.anova("II").plot()
    assert ax.get_xlabel() == "Chisq"
    assert list(ax.lines[-1].get_xdata()) == [row.statistic for row in herds.anova("II").rows]
    table = crossed.anova()
    ax = table.plot(show="statistic", labels={"temp": "Temperature"})
    assert list(ax.lines[-1].get_xdata()) == [row.statistic for row in table.rows]
    assert ax.get_xlabel() == "F value"
    assert "Temperature" in _names(ax)
    with pytest.raises(OptionError, match="show='partial-eta-squared' needs F tests with denom"):
        herds.anova("II").plot(show="partial-eta-squared")
    linear = pb.lm("angle ~ recipe + temp", pb.load_dataset("cake")).anova()
    rows = [row for row in linear.rows if row.statistic is not None]
    assert _names(linear.plot()) == [row.term for row in rows] == ["recipe", "temp"]


# -- predictions ---------------------------------------------------------------------------------


def test_predictions_are_drawn_along_a_number(sleep: Any) -> None:
    new = pd.DataFrame({"Days": [9.0, 0.0, 3.0]})
    found = sleep.predict(new, "population", interval="confidence", conf_level=0.8)
    ax = found.plot(new, "Days")
    assert list(ax.lines[0].get_xdata()) == [0.0, 3.0, 9.0]
    assert list(ax.lines[0].get_ydata()) == [found.values[i] for i in (1, 2, 0)]
    corners = set(ax.collections[0].get_paths()[0].vertices[:, 1])
    assert corners == {*found.conf_low, *found.conf_high}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Days", "Reaction")
    assert _caption(ax) == "Band: 80% confidence interval; without random effects"
    assert type(found).from_dict(found.to_dict()) == found


def test_predictions_have_a_colour_for_each_value(crossed: Any) -> None:
    data = pb.load_dataset("cake")
    new = data[["recipe", "temp"]].drop_duplicates()
    found = crossed.predict(new, "population")
    ax = found.plot(new, "temp", by="recipe")
    for line, recipe in zip(ax.lines, "ABC", strict=True):
        mine = (new["recipe"] == recipe).to_numpy()
        assert list(line.get_ydata()) == list(found.values[mine])
        assert list(line.get_xdata()) == list(new["temp"][mine])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["A", "B", "C"]
    along = found.plot(new, "recipe", by="temp")
    assert [text.get_text() for text in along.get_xticklabels()] == ["A", "B", "C"]
    drawn = along.lines[0].get_ydata()
    assert list(drawn) == list(found.values[(new["temp"] == 175).to_numpy()])
    assert_legible(along.figure)


def test_predictions_of_a_probability_say_so(herds: Any) -> None:
    new = pd.DataFrame({"period": ["1", "2", "3", "4"]}, index=list("wxyz"))
    found = herds.predict(new, "population", "response", interval="confidence")
    ax = found.plot(new, "period")
    assert ax.get_ylabel() == "P(incidence)"
    assert (
        segments(ax)[:, :, 1].tolist()
        == np.column_stack([found.conf_low, found.conf_high]).tolist()
    )
    assert herds.predict(new, "population").plot(new, "period").get_ylabel() == (
        "logit(P(incidence))"
    )
    rows = found.plot()
    assert [text.get_text() for text in rows.get_xticklabels()] == list("wxyz")
    straight = pb.lm("angle ~ temp", pb.load_dataset("cake"))
    ahead = straight.predict({"temp": [180, 200]}, interval="prediction")
    assert _caption(ahead.plot({"temp": [180, 200]}, "temp")) == "Band: 95% prediction interval"


def test_a_long_legend_has_columns(sleep: Any) -> None:
    data = pb.load_dataset("sleepstudy")
    ax = sleep.predict().plot(data, "Days", by="Subject")
    assert len(ax.get_legend().get_texts()) == 18
    for line, (_, rows) in zip(ax.lines, data.groupby("Subject", sort=False), strict=True):
        assert list(line.get_ydata()) == list(sleep.fitted[rows.index])
    assert_legible(ax.figure)


def test_predictions_refuse_other_data(sleep: Any) -> None:
    new = pd.DataFrame({"Days": [0.0, 3.0]}, index=["a", "b"])
    found = sleep.predict(new, "population")
    with pytest.raises(OptionError, match="x='Day' is no column of data; there are: 'Days'"):
        found.plot(new, "Day")
    with pytest.raises(OptionError, match="x='Days' needs the data that were predicted"):
        found.plot(x="Days")
    with pytest.raises(OptionError, match="data has 3 rows with another index than the 2 pred"):
        found.plot(pd.DataFrame({"Days": [0, 3, 6]}), "Days")
    shuffled = found.plot(new.iloc[::-1], "Days")  # labels are read, never positions
    assert list(shuffled.lines[0].get_ydata()) == list(found.values)


# -- how it looks --------------------------------------------------------------------------------


@picture
def test_picture_of_two_levels(crossed: Any) -> Any:
    return bare(crossed.plot.coefficients(conf_level=(0.5, 0.95)))


@picture
def test_picture_of_effect_sizes(crossed: Any) -> Any:
    return bare(crossed.anova().plot())


@picture
def test_picture_of_intervals(sleep: Any) -> Any:
    return bare(sleep.confint("profile").plot())


@picture
def test_picture_of_predictions(crossed: Any) -> Any:
    new = pb.load_dataset("cake")[["recipe", "temp"]].drop_duplicates()
    found = crossed.predict(new, "population", interval="confidence")
    return bare(found.plot(new, "temp", by="recipe"))
