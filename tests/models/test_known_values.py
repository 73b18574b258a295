"""What R and others call a value is understood wherever the value is taken."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

import pymer_bridge as pb
from pymer_bridge.cli import commands

pytestmark = pytest.mark.r("lmerTest", "pbkrtest")

CLASSIC = "Reaction ~ Days + (1 | Subject)"


@cache
def fit() -> pb.LinearMixedModel:
    return pb.lmer(CLASSIC, pb.load_dataset("sleepstudy"))


DDF = {"kenward-roger": ("KR", "Kenward-Roger"), "satterthwaite": ("Satterthwaite", "satt")}
ASKED = {
    "fixed_effects": lambda ddf: fit().fixed_effects(ddf),
    "summary": lambda ddf: fit().summary(ddf),
    "anova": lambda ddf: fit().anova(ddf=ddf),
    "drop1": lambda ddf: fit().drop1(ddf=ddf),
    "step": lambda ddf: fit().step(ddf),
    "contest": lambda ddf: fit().contest({"a": {"Days": 1}}, ddf=ddf),
    "report": lambda ddf: fit().report("Days", ddf),
    "tidy": lambda ddf: fit().tidy("fixed", ddf=ddf).to_dict(),
    "model_table": lambda ddf: pb.model_table(fit(), ddf=ddf, stars=True, icc=False),
    "figures_of": lambda ddf: pb.figures_of(fit(), ddf),
    "compare_inference": lambda ddf: [
        (row.method, row.p_value) for row in pb.compare_inference(fit(), "Days", ddf).rows
    ],
}


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("ddf", DDF)
def test_degrees_of_freedom_have_rs_names_too(name: str, ddf: str) -> None:
    wanted = ASKED[name](ddf)
    for other in DDF[ddf]:
        assert ASKED[name](other) == wanted


@pytest.mark.r("emmeans")
@pytest.mark.parametrize("ddf", DDF)
def test_degrees_of_freedom_of_means_have_rs_names_too(ddf: str) -> None:
    wanted = fit().emmeans("Days", at={"Days": [1, 2]}, ddf=ddf)  # type: ignore[arg-type]
    for other in DDF[ddf]:
        assert fit().emmeans("Days", at={"Days": [1, 2]}, ddf=other) == wanted  # type: ignore[arg-type]


@pytest.mark.parametrize("other", [3, "3", "iii", "III"])
def test_the_type_of_an_anova_may_be_a_number(other: Any) -> None:
    assert fit().anova(other) is fit().anova("III")


def test_other_values_have_rs_names_too() -> None:
    sleepstudy = pb.load_dataset("sleepstudy")
    assert fit().confint(method="Wald").method == "wald"  # type: ignore[arg-type]
    assert pb.lmer(CLASSIC, sleepstudy, na_action="na.exclude").spec.na_action == "exclude"  # type: ignore[arg-type]
    assert pb.lmer_control("Nelder-Mead") == pb.lmer_control("Nelder_Mead")  # type: ignore[arg-type]
    assert pb.lmer_control(check_conv_grad={"action": "IGNORE", "tol": 1.0}) == pb.lmer_control(
        check_conv_grad={"action": "ignore", "tol": 1.0}
    )
    contrasts = {"Subject": "CONTR.SUM"}
    spec = pb.lm("Reaction ~ Subject", sleepstudy, contrasts=contrasts).spec
    assert spec.contrasts == (("Subject", "contr.sum"),)


def test_the_command_line_knows_them_too(capsys: pytest.CaptureFixture[str]) -> None:
    said = set()
    for ddf in ("kenward-roger", "KR", "Kenward-Roger"):
        assert commands.main(["fit", "lme4::sleepstudy", CLASSIC, "--ddf", ddf]) == 0
        said.add(capsys.readouterr().out)
    assert len(said) == 1
    with pytest.raises(SystemExit):
        commands.main(["fit", "lme4::sleepstudy", CLASSIC, "--ddf", "t"])
    assert "invalid choice: 't'" in capsys.readouterr().err


def test_a_value_that_nothing_means_is_refused() -> None:
    for wrong in ("t", "kenward", "", "KRR", None, 3, ["KR"]):
        with pytest.raises(pb.OptionError, match=r"^ddf=.* is not accepted; choose one of: 'sat"):
            fit().anova(ddf=wrong)  # type: ignore[arg-type]
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    herds = pb.glmer(formula, pb.load_dataset("cbpp"), family="binomial")
    with pytest.raises(pb.OptionError, match="is for linear mixed models"):
        herds.emmeans("period", ddf="KR")  # type: ignore[arg-type]
