"""Exponentials, labels, and reports of a whole model."""

from __future__ import annotations

import html
import math
import re
import warnings
from typing import Any

import pytest

import pymer_bridge as pb
from pymer_bridge.display import apa
from pymer_bridge.errors import OptionError
from pymer_bridge.results.base import Result
from pymer_bridge.results.fixed_effects import exponential, exponentials

pytestmark = pytest.mark.r

FIGURES = ("estimate", "std_error", "conf_low", "conf_high")


def _quiet(call: Any, *arguments: Any, **named: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pb.PymerWarning)
        return call(*arguments, **named)


@pytest.fixture(scope="module")
def cbpp() -> Any:
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    return pb.glmer(formula, pb.load_dataset("cbpp"), family="binomial")


@pytest.fixture(scope="module")
def sleep() -> Any:
    return pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))


@pytest.fixture(scope="module")
def ticks() -> Any:
    return pb.glm("TICKS ~ YEAR", pb.load_dataset("grouseticks"), family="poisson")


def test_exponentials_are_those_of_broom(cbpp: Any, sleep: Any) -> None:
    for fit, ddf in ((cbpp, "normal"), (sleep, "satterthwaite")):
        ours = fit.fixed_effects(ddf).to_frame(exponentiate=True)
        theirs = fit.tidy("fixed", exponentiate=True, conf_int=True, ddf=ddf)
        for name in FIGURES:
            if name in ("estimate", "std_error") or fit is cbpp:
                assert list(ours[name]) == list(theirs[name]), name
        plain = fit.fixed_effects(ddf).to_frame()
        for name in ("term", "statistic", "p_value"):
            assert list(ours[name]) == list(plain[name])
        for name in FIGURES[2:]:
            assert list(ours[name]) == [math.exp(value) for value in plain[name]]
        assert fit.fixed_effects(ddf).to_frame(exponentiate=False).equals(plain)
    with pytest.raises(OptionError, match="exponentiate=1"):
        cbpp.fixed_effects().to_frame(exponentiate=1)


def test_exponentials_have_no_bound() -> None:
    assert exponential(1e4) == math.inf
    assert exponential(-1e4) == 0.0
    assert exponential(None) is None


def test_a_line_says_what_it_gives(cbpp: Any, ticks: Any) -> None:
    row = cbpp.fixed_effects()["period2"]
    odds = math.exp(row.estimate)
    error = row.std_error * odds
    assert cbpp.report("period2", exponentiate=True).startswith(
        f"OR = {odds:.2f}, SE = {error:.2f}, z = "
    )
    assert ticks.report("YEAR96", exponentiate=True).startswith("exp(b) = ")
    assert cbpp.report("period2").startswith("b = ")
    assert cbpp.report("period2", labels={"period2": "Second"}) == (
        f"Second: {cbpp.report('period2')}"
    )


@pytest.mark.parametrize("ddf", ["satterthwaite", "kenward-roger", "normal", "none"])
def test_a_paragraph_has_every_figure(sleep: Any, ddf: Any) -> None:
    said = sleep.report(ddf=ddf)
    assert "\n" not in said
    assert said.startswith(f"Linear mixed model fit by REML: {sleep.formula} (180 of 180 rows")
    for row in sleep.fixed_effects(ddf):
        assert f"{row.term}, {sleep.report(row.term, ddf, interval=True)}" in said
    for part in sleep.variance_components:
        assert apa.number(part.std_dev) in said
    assert apa.share(sleep.variance_components.correlations[0].correlation) in said
    if "left out" not in said:
        shares = sleep.r2()
        assert f"marginal R² = {apa.share(shares.marginal)}" in said
        assert f"conditional R² = {apa.share(shares.conditional)}" in said
        assert f"adjusted ICC = {apa.share(sleep.icc().adjusted)}" in said


def test_a_paragraph_of_every_kind_of_model(cbpp: Any, ticks: Any) -> None:
    data = pb.load_dataset("sleepstudy")
    line = pb.lm("Reaction ~ Days", data)
    assert "t(178)" in line.report()
    assert "Random effects" not in line.report()
    assert "Family: poisson (log)" in ticks.report(exponentiate=True)
    labels = {"period2": "Second period", "herd": "Herd", "(Intercept)": "Intercept"}
    said = cbpp.report(labels=labels, exponentiate=True)
    assert "Second period, OR = " in said
    assert "Herd, SD Intercept = " in said
    assert "period2" not in said
    with pytest.raises(OptionError, match=r"labels names 'perid2'; there are: .*'period2'"):
        cbpp.report(labels={"perid2": "Second"})
    few = pb.lmer(
        "Reaction ~ Days + (1 | Subject)", data.assign(Days=data.Days.mask(data.Days > 8))
    )
    assert "162 of 180 rows" in few.report()


def test_a_singular_fit_has_a_report() -> None:
    fit = _quiet(
        pb.lmer, "reading_age ~ 1 + hrs_week + (1 + hrs_week | school)", pb.simulate_childread(2)
    )
    assert "Random effects: " in _quiet(fit.report)


def test_a_table_of_models_as_ratios(cbpp: Any, ticks: Any) -> None:
    for form in ("text", "html", "latex", "markdown"):
        shown = pb.model_table(cbpp, format=form, exponentiate=True, icc=False)
        assert "Fixed effects as odds ratios; standard errors by the delta method." in shown
        row = cbpp.fixed_effects()["period2"]
        assert apa.number(math.exp(row.estimate)) in shown
    both = str(pb.model_table(cbpp, ticks, exponentiate=True, icc=False, beneath="interval"))
    assert "Fixed effects as odds ratios or exponentials" in both
    low = math.exp(ticks.fixed_effects()["YEAR96"].conf_low)
    assert f"[{apa.number(low, 3)}, " in both
    assert "exponentials" not in str(pb.model_table(cbpp, icc=False))
    with pytest.raises(OptionError, match="exponentiate='yes'"):
        pb.model_table(cbpp, exponentiate="yes")  # type: ignore[arg-type]


def test_a_picture_of_ratios(cbpp: Any, ticks: Any) -> None:
    ax = pb.plots.coefficients(cbpp, exponentiate=True, labels={"period2": "Second"})
    assert ax.get_xlabel() == "Odds ratio"
    assert ax.texts[-1].get_text().startswith("95% confidence intervals")
    assert ax.get_xscale() == "log"
    assert [text.get_text() for text in ax.get_yticklabels()] == ["Second", "period3", "period4"]
    drawn = ax.lines[0].get_xdata()
    assert list(drawn) == [math.exp(row.estimate) for row in cbpp.fixed_effects().rows[1:]]
    other = ticks.plot.coefficients(exponentiate=True) if hasattr(ticks, "plot") else None
    assert other is None or other.get_xlabel().startswith("exp(Estimate)")
    with pytest.raises(OptionError, match="labels names 'second'"):
        pb.plots.coefficients(cbpp, labels={"second": "Second"})


def test_a_model_shows_tests_that_it_has_already() -> None:
    fit = pb.lmer("Reaction ~ Days + (1 | Subject)", pb.load_dataset("sleepstudy"))
    assert "Pr(>|t|)" not in str(fit)  # no time is spent on them
    assert not [key for key in fit._kept if ("ddf", "satterthwaite") in key]
    fit.fixed_effects("kenward-roger", 0.9)
    for shown in (str(fit), fit._repr_html_()):
        assert "90% intervals (Wald)" in shown
        assert "Kenward-Roger" in shown
        assert "Conf. low" in shown


def test_a_summary_in_a_notebook_has_all_that_r_prints(cbpp: Any, sleep: Any) -> None:
    for fit in (cbpp, sleep):
        page = fit.summary()._repr_html_()
        plain = html.unescape(re.sub(r"<[^>]*>", "", page))
        assert fit.summary().text in plain
        assert "Scaled residuals" in plain
        assert "Correlation of Fixed Effects" in plain


def test_stored_exponentials_come_back(cbpp: Any) -> None:
    ratios = exponentials(cbpp.fixed_effects())
    again = Result.from_dict(ratios.to_dict())
    assert again == ratios
    assert str(again) == str(ratios)
    assert "Odds ratio" in str(ratios)
    assert str(ratios).startswith("Fixed effects, odds ratios, z tests")
