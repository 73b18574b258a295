"""The columns that cross: made the same way for us and for competitors, from numpy and pandas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

NUMERIC = ("float64", "float64 with NaN", "float32", "int32", "int64", "Int64", "bool", "boolean")
TEXTS = ("str, 1,000 different", "str, all different")
MIX = "mix of 10"


def _makers(n: int) -> dict[str, Callable[[np.random.Generator], Any]]:
    words = np.array([f"level {i:04d}" for i in range(1000)], dtype=object)
    start = pd.Timestamp("2020-01-01")
    return {
        "float64": lambda r: r.normal(size=n),
        "float64 with NaN": lambda r: np.where(r.random(n) < 0.1, np.nan, r.normal(size=n)),
        "float32": lambda r: r.normal(size=n).astype(np.float32),
        "int32": lambda r: r.integers(-1000, 1000, n, dtype=np.int32),
        "int64": lambda r: r.integers(-1000, 1000, n),
        "Int64": lambda r: pd.arrays.IntegerArray(r.integers(0, 1000, n), r.random(n) < 0.1),
        "bool": lambda r: r.random(n) < 0.5,
        "boolean": lambda r: pd.arrays.BooleanArray(r.random(n) < 0.5, r.random(n) < 0.1),
        "category": lambda r: pd.Categorical.from_codes(r.integers(0, 1000, n), words),
        TEXTS[0]: lambda r: words[r.integers(0, 1000, n)],
        TEXTS[1]: lambda r: np.array([f"row {i:07d}" for i in r.permutation(n)], dtype=object),
        "datetime": lambda r: start + pd.to_timedelta(r.integers(0, 10**9, n), unit="s"),
        "timedelta": lambda r: pd.to_timedelta(r.integers(0, 10**9, n), unit="s"),
    }


KINDS = (*_makers(1), MIX)
IN_MIX = (
    "float64", "float64 with NaN", "float64", "float64", "int64", "Int64", "bool", "category",
    TEXTS[0], "datetime",
)  # fmt: skip


def frame(kind: str, n: int) -> pd.DataFrame:
    """Return a frame of ``n`` rows: one column of a kind, or the mix of ten."""
    rng, makers = np.random.default_rng(1), _makers(n)
    kinds = IN_MIX if kind == MIX else (kind,)
    return pd.DataFrame({f"x{i}": makers[name](rng) for i, name in enumerate(kinds)})
