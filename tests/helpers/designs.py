"""The designs of ``reference/power.R``, made here."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import pandas as pd

import pymer_bridge as pb


def crossed() -> pd.DataFrame:
    """Return 8 subjects by 6 items by 2 conditions, in two groups."""
    return pb.crossed_frame(
        subject=8, item=6, within={"cond": ["a", "b"]}, between={"group": ["x", "y"]}
    )


def timed() -> pd.DataFrame:
    """Return 12 subjects at five times."""
    return pb.crossed_frame(subject=12, within={"time": [0.0, 1.0, 2.0, 3.0, 4.0]})


DESIGNS: Final[dict[str, dict[str, Any]]] = {
    "slopes": {
        "formula": "rt ~ cond + (cond | subject) + (1 | item)",
        "frame": crossed,
        "fixed": {"(Intercept)": 600, "condb": 60},
        "std_devs": {"subject": {"(Intercept)": 80, "condb": 30}, "item": 25},
        "correlations": {"subject": {("(Intercept)", "condb"): 0.2}},
        "residual": 120,
    },
    "groups": {
        "formula": "~ cond * group + (1 | subject)",
        "frame": crossed,
        "fixed": {"(Intercept)": 10, "cond1": 1, "group1": 0.5, "cond1:group1": -0.5},
        "std_devs": {"subject": 1},
        "residual": 2,
        "contrasts": {"cond": "contr.sum", "group": "contr.helmert"},
    },
    "apart": {
        "formula": "y ~ time + (time || subject)",
        "frame": timed,
        "fixed": {"(Intercept)": 0, "time": 0.3},
        "std_devs": {"subject": {"(Intercept)": 1, "time": 0.25}},
        "residual": 1,
    },
    "odds": {
        "formula": "~ cond + (1 | subject)",
        "frame": crossed,
        "fixed": {"(Intercept)": -0.5, "condb": 1},
        "std_devs": {"subject": 0.8},
        "family": "binomial",
    },
    "counts": {
        "formula": "~ time + (time | subject)",
        "frame": timed,
        "fixed": {"(Intercept)": 1, "time": 0.1},
        "std_devs": {"subject": {"(Intercept)": 0.4, "time": 0.1}},
        "correlations": {"subject": -0.3},
        "family": "poisson",
    },
}


@cache
def made(name: str) -> pb.Design:
    """Return one of the designs."""
    given = dict(DESIGNS[name])
    return pb.design(given.pop("formula"), given.pop("frame")(), **given)
