"""Models of several imputations are put together as mice and mitml do it, to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.live import assert_same_bits
from helpers.probing import plain_r
from helpers.refusal import refused
from helpers.trusted import cakes
from pymer_bridge.results.base import fields_of
from pymer_bridge.results.imputed import PooledEffect
from pymer_bridge.session.r_session import session

pytestmark = [
    pytest.mark.r,
    pytest.mark.carried("mice", "broom.mixed", "mitml"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning"),
]


@pytest.fixture(scope="module")
def plain() -> Any:
    session().require("lme4")
    return plain_r(REFERENCES / "trust.R")


def frames(name: str) -> list[pd.DataFrame]:
    made = []
    for i, shift in enumerate((-20, 0, 30)):
        if name in ("trials", "odds"):
            data = cakes()
            data.loc[data.index[[3, 9 + i, 29]], "moist"] = i > 0
        else:
            data = pb.load_dataset("sleepstudy")
            data.loc[data.index[[3, 49]], "Reaction"] += shift
        made.append(data)
    return made


MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "slopes": ("Reaction ~ Days + (Days | Subject)", {}),
    "intercepts": ("Reaction ~ Days + (1 | Subject)", {"reml": False}),
    "trials": ("moist ~ recipe + (1 | replicate)", {"fitter": pb.glmer, "family": "binomial"}),
    "line": ("Reaction ~ Days", {"fitter": pb.lm}),
    "odds": ("moist ~ recipe + temp", {"fitter": pb.glm, "family": "binomial"}),
}


@pytest.mark.parametrize("df_complete", [None, 12.5, float("inf")])
@pytest.mark.parametrize("name", MODELS)
def test_pooled_figures_are_mices(name: str, df_complete: float | None, plain: Any) -> None:
    formula, arguments = MODELS[name]
    found = pb.fit_imputed(
        formula, frames(name), df_complete=df_complete, conf_level=0.9, **arguments
    )
    theirs = plain("pooled", name=name, df_complete=df_complete, conf_level=0.9)
    assert [row.term for row in found] == list(theirs["terms"])
    for column in fields_of(PooledEffect)[1:]:
        assert_same_bits([getattr(row, column) for row in found], theirs[column])
    assert_same_bits([found.df_complete], theirs["df_complete"])
    labels = theirs["labels"]
    assert [row.label for row in found.parameters] == ([] if labels is None else list(labels))
    values = [row.estimate for row in found.parameters]
    assert_same_bits(values, [] if labels is None else theirs["values"])
    assert found.n_imputations == 3
    assert type(found).from_dict(found.to_dict()) == found
    assert "3 imputations by Rubin's rules" in str(found)


def test_models_with_odd_names_are_put_together() -> None:
    data = [frame.rename(columns={"Days": "my days"}) for frame in frames("slopes")]
    odd = pb.fit_imputed("Reaction ~ `my days` + (`my days` | Subject)", data)
    usual = pb.fit_imputed("Reaction ~ Days + (Days | Subject)", frames("slopes"))
    assert [row.term for row in odd] == ["(Intercept)", "`my days`"]
    for column in fields_of(PooledEffect)[1:]:
        assert_same_bits(
            [getattr(row, column) for row in odd], [getattr(row, column) for row in usual]
        )
    assert "renamed" not in str(odd)


def test_models_that_are_not_the_same_are_refused() -> None:
    data = pb.load_dataset("sleepstudy")
    line = pb.lm("Reaction ~ Days", data)
    assert "must be two or more" in refused(pb.pool, [line])
    assert "must be two or more" in refused(pb.fit_imputed, "Reaction ~ Days", data)
    assert "fitter must return" in refused(pb.fit_imputed, "y ~ x", [1, 2], fitter=lambda *_: 1)
    assert "has a DataFrame" in refused(pb.pool, [line, data])
    assert "has the formula" in refused(pb.pool, [line, pb.lm("Reaction ~ 1", data)])
    assert "number of rows" in refused(pb.pool, [line, pb.lm("Reaction ~ Days", data[:90])])
    mixed = pb.lmer("Reaction ~ Days + (1 | Subject)", data)
    assert "is a 'LinearMixedModel'" in refused(pb.pool, [line, mixed])
    for wrong in (0.0, -3.0, np.nan):
        assert "df_complete" in refused(pb.pool, [line, line], df_complete=wrong)
