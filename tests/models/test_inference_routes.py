"""The routes to inference on one coefficient, each against plain R."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pandas as pd
import pytest

import pymer_bridge as pb
from pymer_bridge.results.routes import InferenceRoutes

pytestmark = pytest.mark.r

FORMULA = "Reaction ~ Days + (Days | Subject)"
N_SIM = 20


@pytest.fixture(scope="module")
def fit() -> Any:
    return pb.lmer(FORMULA, pb.load_dataset("sleepstudy"))


@pytest.fixture(scope="module")
def routes(fit: Any) -> InferenceRoutes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pb.PymerWarning)
        return pb.compare_inference(fit, "Days", n_sim=N_SIM, seed=7)


def test_every_route_gives_what_plain_r_gives(
    routes: InferenceRoutes, single_figures: dict[str, Any]
) -> None:
    plain = {row.method: list(single_figures[f"route {row.method}"]) for row in routes}
    normal, satterthwaite, kenward_roger, ratio, boot_ratio, parametric, case = routes.rows
    figures = [normal.estimate, normal.std_error, normal.statistic, normal.p_value]
    assert [*figures, normal.conf_low] == plain["normal"]
    for row in (satterthwaite, kenward_roger):
        figures = [row.estimate, row.std_error, row.df, row.statistic, row.p_value]
        assert figures == plain[row.method]
    assert [ratio.statistic, ratio.df, ratio.p_value] == plain["likelihood-ratio"]
    assert [boot_ratio.statistic, boot_ratio.p_value] == plain["bootstrap-likelihood-ratio"]
    for row in (parametric, case):
        assert [row.std_error, row.conf_low, row.conf_high] == plain[row.method]


def test_the_table_says_what_each_route_is(routes: InferenceRoutes) -> None:
    assert len(routes) == 7
    for row in routes:
        assert row.refitted
        assert row.reference
        assert row.advice
        assert (row.seconds is None) == row.note.startswith("not taken")
    text = str(routes)
    assert "Routes to inference on Days, 95% intervals, " in text
    assert "kenward-roger: the best with few groups" in text
    assert "<table" in routes._repr_html_()
    again = InferenceRoutes.from_dict(json.loads(json.dumps(routes.to_dict())))
    assert again == routes
    assert list(again.to_frame()["method"]) == [row.method for row in routes]


def test_one_route_alone_gives_the_same_figures(fit: Any, routes: InferenceRoutes) -> None:
    alone = pb.compare_inference(fit, "Days", ["case-bootstrap"], n_sim=N_SIM, seed=7).rows[0]
    together = routes["case-bootstrap"]
    assert (alone.conf_low, alone.conf_high) == (together.conf_low, together.conf_high)


def test_a_coefficient_that_is_no_whole_term_is_tested_by_a_restriction() -> None:
    cake = pb.load_dataset("cake")
    fit = pb.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", cake)
    with pytest.warns(pb.RWarning, match="different scales"):
        row = pb.compare_inference(fit, "recipeB", ["likelihood-ratio"]).rows[0]
    assert row.df == 1
    with_b = cake.assign(C=(cake["recipe"] == "C").astype(float))
    small = pb.lmer("angle ~ C + temp + (1 | recipe:replicate)", with_b, reml=False)
    full = pb.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", with_b, reml=False)
    # Another basis of the same design: the optimum is the same to rounding only.
    expected = pb.anova(small, full).rows[1].chi_square
    assert row.statistic == pytest.approx(expected, rel=1e-6)


def test_weights_and_control_go_into_every_refit() -> None:
    sleepstudy = pb.load_dataset("sleepstudy")
    weights = [1.0, 2.0, 3.0] * 60
    control = pb.lmer_control("bobyqa")
    fit = pb.lmer("Reaction ~ Days + (1 | Subject)", sleepstudy, weights=weights, control=control)
    plain = pb.lmer("Reaction ~ Days + (1 | Subject)", sleepstudy)
    column = pb.lmer(
        "Reaction ~ Days + (1 | Subject)",
        sleepstudy.assign(w=weights),
        weights="w",
        control=control,
    )
    methods = ["case-bootstrap", "parametric-bootstrap"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pb.RWarning)  # lme4 < 1.1-33: refit() of REML fits
        one, other, same = (
            pb.compare_inference(model, "Days", methods, n_sim=5, seed=1)
            for model in (fit, plain, column)
        )
    for given, named in zip(one.rows, same.rows, strict=True):
        assert (given.std_error, given.conf_low) == (named.std_error, named.conf_low)
    assert one.rows[0].std_error != other.rows[0].std_error
    assert one.rows[1].std_error != other.rows[1].std_error


def test_wrong_use_is_answered_plainly(fit: Any) -> None:
    with pytest.raises(pb.OptionError, match=r"methods='wald'.*'kenward-roger'"):
        pb.compare_inference(fit, "Days", ["wald"])  # type: ignore[list-item]
    with pytest.raises(KeyError, match="'Days'"):
        pb.compare_inference(fit, "Hours", ["normal"])
    with pytest.raises(pb.OptionError, match="n_sim"):
        pb.compare_inference(fit, "Days", n_sim=0)
    with pytest.raises(pb.OptionError, match="a fitted model of lmer"):
        pb.compare_inference("fit", "Days")  # type: ignore[arg-type]


def test_a_route_that_cannot_be_taken_keeps_its_row_and_the_others() -> None:
    ml = pb.lmer(FORMULA, pb.load_dataset("sleepstudy"), reml=False)
    refused, taken = pb.compare_inference(ml, "Days", ["kenward-roger", "normal"]).rows
    assert "REML" in refused.note
    assert refused.p_value is None
    assert taken.p_value is not None
    nested = pb.lmer("strength ~ 1 + (1 | batch:cask)", pb.load_dataset("Pastes"))
    both = pb.compare_inference(
        nested, "(Intercept)", ["case-bootstrap", "likelihood-ratio"], n_sim=20
    )
    assert both.rows[0].note == "20 of 20 replicates usable"
    assert "one fixed effect only" in both.rows[1].note


def test_a_main_effect_within_an_interaction_is_tested_alone() -> None:
    sleepstudy = pb.load_dataset("sleepstudy")
    three = pd.Categorical([["a", "b", "c"][i % 3] for i in range(len(sleepstudy))])
    data = sleepstudy.assign(three=three)
    fit = pb.lmer("Reaction ~ Days * three + (1 | Subject)", data, reml=False)
    with pytest.warns(pb.RWarning, match="different scales"):
        row = pb.compare_inference(fit, "Days", "likelihood-ratio").rows[0]
    assert row.df == 1
    z = fit.fixed_effects("none")["Days"].statistic
    # Of one coefficient with known variances the ratio is z squared; here nearly so.
    assert row.statistic == pytest.approx(z**2, rel=0.2)
