"""What a notebook shows."""

from __future__ import annotations

import html
import re
import warnings
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

import pymer_bridge as pb
from pymer_bridge.display import notebook
from pymer_bridge.results.fixed_effects import FixedEffect, FixedEffects

FORMULA = "reading_age ~ 1 + hrs_week + (1 + hrs_week | school)"


def plain_text(page: str) -> str:
    return re.sub(r"<[^>]*>", "", page)


@pytest.fixture(scope="module")
def fit() -> Any:
    return pb.lmer(FORMULA, pb.simulate_childread(1))


@pytest.fixture(scope="module")
def singular() -> Any:
    # R says more or less of it, from version to version.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pb.PymerWarning)
        return pb.lmer(FORMULA, pb.simulate_childread(2))


def test_alerts_are_escaped_and_told_once() -> None:
    page = notebook.alerts(["<script>alert(1)</script>", "one\x00two", "one\x00two"])
    assert page.count("<div") == 2
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "\x00" not in page
    assert notebook.alerts([]) == ""


def test_a_warning_of_a_result_stands_above_its_figures() -> None:
    row = FixedEffect("<b>", 1.0, 1.0, None, 1.0, None, None, None)
    quiet = FixedEffects((row,), "none", 0.95)._repr_html_()
    loud = FixedEffects((row,), "none", 0.95, warnings=("a < b",))._repr_html_()
    assert "pymer-bridge-warning" not in quiet
    assert loud.endswith(quiet)
    assert "a &lt; b" in loud
    assert "<b>" not in loud


@pytest.mark.r
def test_a_model_is_one_block_with_both_parts_and_the_statistics(fit: Any) -> None:
    page = fit._repr_html_()
    assert page.count('class="pymer-bridge-model"') == 1
    assert page.startswith("<div")
    assert page.endswith("</div>")
    assert page.count("<div") == page.count("</div>")
    assert page.count("<table") == 3
    text = plain_text(page)
    for expected in (fit.formula, "Random effects", "Fixed effects", "AIC", "school 20"):
        assert expected in text
    assert f"{fit.fit_statistics.aic:.1f}" in text
    assert "pymer-bridge-warning" not in page


@pytest.mark.r
def test_a_singular_fit_says_so_before_its_figures(singular: Any) -> None:
    page = singular._repr_html_()
    assert 0 < page.index("The fit is singular") < page.index("<table")
    # The whole of what R said is there as well.
    text = plain_text(page)
    for said in singular.messages:
        assert html.escape(said) in text
    assert "NaN" in str(singular.variance_components)  # as R prints a correlation with nothing


@pytest.mark.r
def test_a_fit_that_did_not_converge_says_so_before_its_figures() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pb.PymerWarning)
        stopped = pb.lmer(
            FORMULA,
            pb.simulate_childread(1),
            control=pb.lmer_control(optimizer="bobyqa", optCtrl={"maxfun": 10}),
        )
    page = stopped._repr_html_()
    assert 0 < page.index("did not converge") < page.index("<table")


@pytest.mark.r
def test_models_without_random_effects_are_shown_as_well() -> None:
    data = pb.simulate_childread(1)
    line = pb.lm("reading_age ~ hrs_week", data)
    assert "Linear model" in line._repr_html_()
    assert line._repr_html_().count("<table") == 2
    lines = pb.lm_list("reading_age ~ hrs_week | school", data)
    assert "groups: 20" in lines._repr_html_()
    summary = pb.lmer(FORMULA, data).summary()
    assert summary._repr_html_().count("<table") == 3


@pytest.mark.r
def test_colours_are_those_of_the_page(fit: Any, singular: Any) -> None:
    for page in (fit._repr_html_(), singular._repr_html_(), fit.random_effects._repr_html_()):
        # Only tints that let the page through, and the page's own colour.
        assert not re.search(r"(?<![-\w])color\s*:|#[0-9a-fA-F]{3,6}\b(?!\d*;)|rgb\(", page)
        alphas = re.findall(r"rgba\(\d+, \d+, \d+, ([\d.]+)\)", page)
        assert all(float(alpha) < 1 for alpha in alphas)


class Balance(HTMLParser):
    """Holds that every tag is closed, and keeps the styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.styles: list[str] = []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.styles += [value or "" for name, value in attrs if name == "style"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


SHOWN: dict[str, Callable[[Any], Any]] = {
    "fixed_effects": lambda fit: fit.fixed_effects(),
    "variance_components": lambda fit: fit.variance_components,
    "random_effects": lambda fit: fit.random_effects,
    "group_coefficients": lambda fit: fit.group_coefficients,
    "fit_statistics": lambda fit: fit.fit_statistics,
    "convergence": lambda fit: fit.convergence,
    "vcov": lambda fit: fit.vcov,
    "model_matrix": lambda fit: fit.model_matrix,
    "summary": lambda fit: fit.summary(),
    "anova": lambda fit: fit.anova(),
    "drop1": lambda fit: fit.drop1(),
    "confint": lambda fit: fit.confint("wald"),
    "emmeans": lambda fit: fit.emmeans("<b>hours</b>"),
    "re_pca": lambda fit: fit.re_pca(),
    "covariances": lambda fit: fit.covariances["school"],
    "theta": lambda fit: fit.get_me("theta"),
    "predict": lambda fit: fit.predict(),
    "simulate": lambda fit: fit.simulate(2, 1),
    "routes": lambda fit: pb.compare_inference(fit, "`<b>hours</b>`", ["normal", "kenward-roger"]),
    "bootstrap": lambda fit: fit.bootstrap("case", 5, 1, resample={"school": True}),
    "model": lambda fit: fit,
}


@pytest.fixture(scope="module")
def odd() -> Any:
    """Return a model whose predictor's name is code of a page."""
    data = pb.simulate_childread(1).rename(columns={"hrs_week": "<b>hours</b>"})
    return pb.lmer("reading_age ~ `<b>hours</b>` + (`<b>hours</b>` | school)", data)


@pytest.mark.r("lmerTest")
@pytest.mark.r("pbkrtest")
@pytest.mark.r("emmeans")
@pytest.mark.parametrize("name", SHOWN)
def test_every_result_is_shown_whole_escaped_and_in_the_pages_colours(odd: Any, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pb.PymerWarning)
        result = SHOWN[name](odd)
    page = result._repr_html_()
    balance = Balance(page)
    assert "<b>" not in page
    assert "<table" in page
    assert not re.search(r">(?:None|nan)<", page)
    for style in balance.styles:
        for part in style.split(";"):
            key, _, value = (piece.strip() for piece in part.partition(":"))
            assert key != "color"
            assert key != "background" or value.startswith("rgba(")


@pytest.mark.r
def test_what_bootstrap_intervals_warned_of_stands_above_them() -> None:
    data = pb.load_dataset("sleepstudy")
    fit = pb.lmer("Reaction ~ Days + (1 | Subject)", data, reml=False)
    boot = fit.bootstrap("parametric", n_sim=20, seed=1)
    with pytest.warns(pb.RWarning, match="extreme order statistics"):
        intervals = boot.confint("percentile")
    assert "extreme order statistics" in intervals.warnings[0]
    page = intervals._repr_html_()
    assert page.count("pymer-bridge-warning") == 1
    assert page.index("extreme order statistics") < page.index("<table")
