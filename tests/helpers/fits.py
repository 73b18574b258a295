"""Linear mixed models of many kinds, as ``reference/prediction.R`` fits them too."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.probing import plain_r, probe
from pymer_bridge.errors import PymerWarning
from pymer_bridge.session.r_session import session


@pytest.fixture(scope="module")
def plain() -> Any:
    """Return a function that calls plain R."""
    session().require("lme4")
    return plain_r(REFERENCES / "prediction.R")


def gaps() -> pd.DataFrame:
    table = pb.load_dataset("sleepstudy")
    table.loc[[2, 49], "Reaction"] = np.nan
    table.loc[6, "Days"] = np.nan
    return table


def _texts() -> pd.DataFrame:
    table = pb.load_dataset("sleepstudy")
    table["Subject"] = table["Subject"].astype(str)
    table["Week"] = np.where(table["Days"] > 6, "2nd", "1st")
    return table


def _few() -> pd.DataFrame:
    left_out = [0, 1, 8, 16, 39, 40, 41, 79, 98, 119, 120]
    return pb.load_dataset("Penicillin").drop(index=left_out).reset_index(drop=True)


SLOPES = "Reaction ~ Days + (Days | Subject)"
FITS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "slopes": (SLOPES, "sleepstudy", {}),
    "slopes_ml": (SLOPES, "sleepstudy", {"reml": False}),
    "uncorrelated": ("Reaction ~ Days + (Days || Subject)", "sleepstudy", {}),
    "crossed": ("diameter ~ 1 + (1 | plate) + (1 | sample)", "Penicillin", {}),
    "unbalanced": ("diameter ~ 1 + (1 | plate) + (1 | sample)", _few, {}),
    "nested": ("strength ~ 1 + (1 | batch / cask)", "Pastes", {}),
    "weighted": (
        "Reaction ~ Days + offset(2 * Days) + (1 | Subject)", "sleepstudy",
        {"weights": "1 / (1 + Days)"},
    ),
    "offset_argument": (
        "Reaction ~ Days + (1 | Subject)", "sleepstudy", {"offset": "3 * Days"},
    ),
    "poly": ("Reaction ~ poly(Days, 2) + (1 | Subject)", "sleepstudy", {}),
    "spline": ("Reaction ~ ns(Days, df = 3) + (Days | Subject)", "sleepstudy", {}),
    "factor": ("angle ~ recipe * temperature + (1 | recipe:replicate)", "cake", {}),
    "contrasts": (
        "angle ~ recipe + temp + (1 | recipe:replicate)", "cake",
        {"contrasts": {"recipe": "contr.sum"}},
    ),
    "rank_deficient": ("Reaction ~ I(2 * Days) + Days + (1 | Subject)", "sleepstudy", {}),
    "strings": ("Reaction ~ Days + Week + (1 | Subject)", _texts, {}),
    "singular": ("Yield ~ 1 + (1 | Batch)", "Dyestuff2", {}),
    "dot": ("Reaction ~ . - Subject + (1 | Subject)", "sleepstudy", {}),
    "missing": (SLOPES, gaps, {}),
    "missing_exclude": (SLOPES, gaps, {"na_action": "exclude"}),
    "subset": (SLOPES, "sleepstudy", {"subset": "Days > 1"}),
}  # fmt: skip


def fit_of(name: str) -> pb.LinearMixedModel:
    formula, source, options = FITS[name]
    data = pb.load_dataset(source) if isinstance(source, str) else source()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PymerWarning)
        return pb.lmer(formula, data, **options)


def wrapped(plain: Any, name: str, columns: tuple[str, ...], n_rows: int) -> Any:
    """Return a fit of plain R's as one of ours, of whatever class it is in R."""
    model = probe("wrap_fit", fit=plain("fit_of", name=name)).value
    index = pd.RangeIndex(n_rows)
    return dataclasses.replace(
        fit_of("slopes"), _model=model, _index=index, columns=columns, _kept={}
    )


def same(ours: Any, theirs: Any) -> None:
    ours, theirs = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    assert ours.shape == theirs.shape
    unequal = np.argwhere((ours != theirs) & ~(np.isnan(ours) & np.isnan(theirs)))
    assert not len(unequal), [(at, ours[*at], theirs[*at]) for at in unequal[:3]]
