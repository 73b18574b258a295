"""The routes to inference on one coefficient, each against plain R."""

from __future__ import annotations

import json
import subprocess
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import pymer_bridge as pb
from pymer_bridge.results.routes import InferenceRoutes

pytestmark = pytest.mark.r

FORMULA = "Reaction ~ Days + (Days | Subject)"
N_SIM = 20

PLAIN = """
suppressMessages({library(lmerTest); library(pbkrtest)})
fit <- lme4::lmer(Reaction ~ Days + (Days | Subject), sleepstudy)
show <- function(...) cat(sprintf("%a", c(...)), "\\n")
seen <- coef(summary(fit))["Days", ]
show(seen[1:3], 2 * pnorm(abs(seen[[3]]), lower.tail = FALSE), seen[[1]] - qnorm(.975) * seen[[2]])
tests <- as_lmerModLmerTest(fit)
for (ddf in c("Satterthwaite", "Kenward-Roger")) show(coef(summary(tests, ddf = ddf))["Days", ])
small <- update(fit, . ~ . - Days)
table <- suppressMessages(anova(small, fit))
show(table$Chisq[2], table$Df[2], table[2, "Pr(>Chisq)"])
set.seed(7)
boot <- suppressWarnings(PBmodcomp(fit, small, nsim = 20))
show(boot$LRTstat[["tobs"]], boot$test["PBtest", "p.value"])
boot <- suppressWarnings(lme4::bootMer(fit, lme4::fixef, nsim = 20, seed = 7))
show(sd(boot$t[, "Days"]), quantile(boot$t[, "Days"], (1 + c(-1, 1) * .95) / 2))
set.seed(7)
days <- vapply(1:20, function(i) {
  groups <- split(seq_len(nrow(sleepstudy)), sleepstudy$Subject)
  drawn <- groups[sample.int(18, replace = TRUE)]
  rows <- lapply(drawn, function(own) own[sample.int(length(own), replace = TRUE)])
  again <- sleepstudy[unlist(rows), ]
  again$Subject <- factor(rep(seq_along(rows), lengths(rows)))
  suppressWarnings(suppressMessages(
    lme4::fixef(lme4::lmer(Reaction ~ Days + (Days | Subject), again))[["Days"]]
  ))
}, 0)
show(sd(days), quantile(days, (1 + c(-1, 1) * .95) / 2))
state <- lme4::lmer(diameter ~ 1 + (1 | plate) + (1 | sample), lme4::Penicillin)
cat(lme4::getME(state, "L")@type[1], "\\n")
"""


@pytest.fixture(scope="module")
def fit() -> Any:
    return pb.lmer(FORMULA, pb.load_dataset("sleepstudy"))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> list[list[float]]:
    """Plain R's figures, from a process in the state of ours (lme4 issue 745)."""
    from pymer_bridge.session.r_session import session  # noqa: PLC0415
    from pymer_bridge.verification.plain_r import in_same_state  # noqa: PLC0415

    state = int(session().call("process_state").value[0])
    script: Path = tmp_path_factory.mktemp("plain") / "routes.R"
    script.write_text(PLAIN)

    def figures() -> list[list[float]] | None:
        answer = subprocess.run(
            ["Rscript", "--vanilla", str(script)], capture_output=True, text=True, check=True
        )
        *lines, last = answer.stdout.splitlines()
        found = [[float.fromhex(word) for word in line.split()] for line in lines]
        return found if int(last) == state else None

    return in_same_state(figures)


@pytest.fixture(scope="module")
def routes(fit: Any) -> InferenceRoutes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pb.PymerWarning)
        return pb.compare_inference(fit, "Days", n_sim=N_SIM, seed=7)


def test_every_route_gives_what_plain_r_gives(
    routes: InferenceRoutes, plain: list[list[float]]
) -> None:
    normal, satterthwaite, kenward_roger, ratio, boot_ratio, parametric, case = routes.rows
    assert [normal.estimate, normal.std_error, normal.statistic, normal.p_value] == plain[0][:4]
    assert normal.conf_low == plain[0][4]
    for row, figures in ((satterthwaite, plain[1]), (kenward_roger, plain[2])):
        assert [row.estimate, row.std_error, row.df, row.statistic, row.p_value] == figures
    assert [ratio.statistic, ratio.df, ratio.p_value] == plain[3]
    assert [boot_ratio.statistic, boot_ratio.p_value] == plain[4]
    assert [parametric.std_error, parametric.conf_low, parametric.conf_high] == plain[5]
    assert [case.std_error, case.conf_low, case.conf_high] == plain[6]


def test_the_table_says_what_each_route_is(routes: InferenceRoutes) -> None:
    assert len(routes) == 7
    for row in routes:
        assert row.refitted
        assert row.reference
        assert row.advice
        assert row.seconds >= 0
    text = str(routes)
    assert "Routes to inference on Days" in text
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
    with pytest.raises(pb.OptionError, match="takes a fitted model"):
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
