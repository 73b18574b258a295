"""The models of ``reference/trust.R``, fitted here."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

import numpy as np
import pandas as pd

import pymer_bridge as pb

TRIALS: Final = "cbind(incidence, size - incidence) ~ period + (1 | herd)"


def gaps() -> pd.DataFrame:
    """Return sleepstudy with two responses missing."""
    data = pb.load_dataset("sleepstudy")
    data.loc[data.index[[2, 49]], "Reaction"] = np.nan
    late = pd.Categorical(np.where(data["Days"] > 4, "yes", "no"), ["no", "yes"])
    return data.assign(late=late)


def cakes() -> pd.DataFrame:
    """Return cake with a response of two values."""
    data = pb.load_dataset("cake", package="lme4")
    return data.assign(moist=data["angle"] > 30)


LATE: Final = "Reaction ~ Days + late"
MODELS: Final[dict[str, Callable[[], Any]]] = {
    "slopes": lambda: pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy")),
    "nested": lambda: pb.lmer("strength ~ 1 + (1 | batch/cask)", pb.load_dataset("Pastes")),
    "terms": lambda: pb.lmer("angle ~ recipe * temp + (1 | recipe:replicate)", cakes(), reml=False),
    "gaps": lambda: pb.lmer(LATE + " + (1 | Subject)", gaps()),
    "excluded": lambda: pb.lmer(LATE + " + (1 | Subject)", gaps(), na_action="exclude"),
    "singular": lambda: pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff2")),
    "crossed": lambda: pb.lmer(
        "diameter ~ 1 + (1 | plate) + (1 | sample)", pb.load_dataset("Penicillin")
    ),
    "trials": lambda: pb.glmer(TRIALS, pb.load_dataset("cbpp"), family="binomial"),
    "counts": lambda: pb.glmer(
        "incidence ~ period + scale(size) + (1 | herd)", pb.load_dataset("cbpp"), family="poisson"
    ),
    "line": lambda: pb.lm(LATE, gaps()),
    "line_excluded": lambda: pb.lm(LATE, gaps(), na_action="exclude"),
    "weighted": lambda: pb.lm("angle ~ recipe + temp", cakes(), weights="temp"),
    "aliased": lambda: pb.lm("angle ~ temp + I(2 * temp) + recipe", cakes()),
    "odds": lambda: pb.glm("moist ~ recipe + temp", cakes(), family="binomial"),
}


@cache
def fitted(name: str) -> Any:
    """Return one of the models."""
    return MODELS[name]()
