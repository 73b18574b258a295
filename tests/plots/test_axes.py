"""What an axis of the response is called, for models of every family and response."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from pymer_bridge.errors import PymerWarning

pytestmark = [pytest.mark.r, pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning")]


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    draws = np.random.default_rng(5)
    n = 120
    yes = draws.integers(0, 2, n)
    return pd.DataFrame(
        {
            "x": draws.normal(size=n),
            "yes": yes,
            "use": pd.Categorical(np.where(yes, "Y", "N")),
            "grade": pd.Categorical(np.resize(["low", "mid", "high"], n), ["low", "mid", "high"]),
            "flag": yes.astype(bool),
            "wins": draws.integers(0, 6, n),
            "of": 6,
            "count": draws.poisson(3.0, n),
            "time": draws.gamma(3.0, 1.0, n) + 0.1,
            "my time": draws.gamma(3.0, 1.0, n) + 0.1,
            "g": np.resize(list("abcdef"), n),
        }
    )


AXES: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "linear": ("time", {}, "time", "time"),
    "logged": ("log(time)", {}, "log(time)", "log(time)"),
    "quoted": ("`my time`", {}, "my time", "my time"),
    "squared": ("I(time^2)", {}, "time^2", "time^2"),
    "zeros": ("yes", {"family": "binomial"}, "P(yes)", "logit(P(yes))"),
    "levels": ("use", {"family": "binomial"}, "P(use = Y)", "logit(P(use = Y))"),
    "three": ("grade", {"family": "binomial"}, "P(grade other than low)", ""),
    "logical": ("flag", {"family": "binomial", "link": "probit"}, "P(flag)", "probit(P(flag))"),
    "cut": ("I(time > 2)", {"family": "binomial"}, "P(time > 2)", "logit(P(time > 2))"),
    "counts": ("cbind(wins, of - wins)", {"family": "binomial"}, "P(wins)", "logit(P(wins))"),
    "share": ("wins / of", {"family": "binomial", "weights": "of"}, "P(wins)", "logit(P(wins))"),
    "poisson": ("count", {"family": "poisson"}, "count", "log(count)"),
    "root": ("count", {"family": "poisson", "link": "sqrt"}, "count", "sqrt(count)"),
    "gamma": ("time", {"family": "Gamma"}, "time", "1/time"),
    "gamma_quoted": ("`my time`", {"family": "Gamma"}, "my time", "1/(my time)"),
    "gamma_log": ("time", {"family": "Gamma", "link": "log"}, "time", "log(time)"),
    "gaussian": ("time", {"family": "gaussian", "link": "log"}, "time", "log(time)"),
    "negative": ("count", {"family": pb.negative_binomial(2.0)}, "count", "log(count)"),
}
"""Of each model the response, the family, and the names of the axis on both scales."""


@pytest.mark.parametrize("name", AXES)
def test_an_axis_says_what_the_response_is(name: str, data: pd.DataFrame) -> None:
    response, how, own, link = AXES[name]
    fitted = pb.glm if how else pb.lm
    fit = fitted(f"{response} ~ x", data, **how)
    assert fit._response_axis() == own
    assert fit._response_axis("link") == (link or f"logit({own})")


def test_an_axis_of_a_mixed_model_is_that_of_the_same_response(data: pd.DataFrame) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PymerWarning)
        cbpp = pb.load_dataset("cbpp")
        formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
        herds = pb.glmer(formula, cbpp, family="binomial")
        linear = pb.lmer("log(time) ~ x + (1 | g)", data)
        count = pb.glmer_nb("TICKS ~ YEAR + (1 | BROOD)", pb.load_dataset("grouseticks"))
    assert herds._response_axis() == "P(incidence)"
    assert herds._response_axis("link") == "logit(P(incidence))"
    assert linear._response_axis() == linear._response_axis("link") == "log(time)"
    assert (count._response_axis(), count._response_axis("link")) == ("TICKS", "log(TICKS)")


def test_an_axis_of_a_nonlinear_model_is_its_response() -> None:
    orange = pb.load_dataset("Orange", "datasets")
    formula = "circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree"
    fit = pb.nlmer(formula, orange, start={"Asym": 200.0, "xmid": 725.0, "scal": 350.0})
    assert fit._response_axis() == fit._response_axis("link") == "circumference"
