"""Any column of any dtype, made by hypothesis."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pyarrow as pa
from hypothesis import strategies as st

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
N_ROWS = 7


def series(elements: st.SearchStrategy[Any], dtype: Any, *, missing: bool = True) -> Any:
    """Generate columns of a dtype, with missing values."""
    value = st.one_of(elements, st.none()) if missing else elements
    rows = st.lists(value, min_size=N_ROWS, max_size=N_ROWS)
    return rows.map(lambda values: pd.Series(values, dtype=dtype))


def integers(bits_: int) -> st.SearchStrategy[int]:
    """Generate integers of up to 53 significant bits."""
    return st.one_of(
        st.integers(-(2**53), 2**53),
        st.integers(-(2**31) - 2, -(2**31) + 2),
        st.integers(2**31 - 2, 2**31 + 2),
        st.integers(-9, 9),
    ).filter(lambda i: -(2 ** (bits_ - 1)) <= i < 2 ** (bits_ - 1))


EARLIEST, LATEST = dt.datetime(1835, 1, 1), dt.datetime(2105, 12, 31)
MOMENTS = st.datetimes(EARLIEST, LATEST)
ZONES = st.sampled_from(["UTC", "Europe/Zurich", "Australia/Lord_Howe", "America/New_York"])
LENGTHS = st.timedeltas(dt.timedelta(days=-40000), dt.timedelta(days=40000))


@st.composite
def categoricals(draw: Any) -> pd.Series:
    levels = draw(
        st.one_of(
            st.lists(TEXTS, min_size=1, max_size=6, unique=True),
            st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=6, unique=True),
            st.just([True, False]),
        )
    )
    codes = draw(st.lists(st.integers(-1, len(levels) - 1), min_size=N_ROWS, max_size=N_ROWS))
    ordered = draw(st.booleans())
    return pd.Series(pd.Categorical.from_codes(codes, categories=levels, ordered=ordered))


@st.composite
def aware_moments(draw: Any) -> pd.Series:
    naive = draw(series(MOMENTS, "datetime64[us]"))
    return naive.dt.tz_localize("UTC").dt.tz_convert(draw(ZONES))


COLUMNS = st.one_of(
    series(st.floats(), "float64"),
    series(st.floats(width=32), "float32"),
    series(st.floats(allow_nan=False), "Float64"),
    series(integers(64), "int64", missing=False),
    series(integers(64), "Int64"),
    series(st.integers(-128, 127), "int8", missing=False),
    series(st.integers(0, 2**32 - 1), "UInt32"),
    series(st.booleans(), "bool", missing=False),
    series(st.booleans(), "boolean"),
    series(TEXTS, "str"),
    series(TEXTS, "string"),
    series(TEXTS, object),
    series(st.floats(), pd.ArrowDtype(pa.float64())),
    series(integers(64), pd.ArrowDtype(pa.int64())),
    series(st.booleans(), pd.ArrowDtype(pa.bool_())),
    series(TEXTS, pd.ArrowDtype(pa.string())),
    series(MOMENTS, "datetime64[us]"),
    series(MOMENTS.map(lambda m: m.replace(microsecond=0)), "datetime64[s]"),
    series(MOMENTS, "datetime64[ns]"),
    aware_moments(),
    series(LENGTHS, "timedelta64[us]"),
    categoricals(),
)
