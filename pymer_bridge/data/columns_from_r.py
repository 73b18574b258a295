"""One column that came from R, from its parts; see :mod:`pymer_bridge.data.columns`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.data.columns import NA_INTEGER, NAIVE_ZONE, UTC_ZONE
from pymer_bridge.data.frozen_arrays import plain_nan
from pymer_bridge.errors import DataConversionError

LATEST = 9e12
"""Seconds from 1970 that 64 bits of microseconds hold, nearly."""


def column_from_part(part: Mapping[str, Any], index: pd.Index | None = None) -> pd.Series[Any]:
    """Put together a column that came from R.

    Parameters
    ----------
    part
        What ``column_to_part()`` in R gives.
    index
        The index of the column; rows are numbered where there is none.

    Returns
    -------
    pandas.Series
        float64, int64 (Int64 with missing values), bool (boolean with missing values), str,
        a Categorical, a datetime or a timedelta.
    """
    kind, values = part["kind"][0], part["values"]
    result: Any
    if kind == "numeric":
        result = plain_nan(values)
    elif kind in ("integer", "logical"):
        result = _nullable(values, kind)
    elif kind == "factor":
        result = pd.Categorical.from_codes(
            _zero_based(values),
            categories=pd.Index(list(part["levels"]), dtype=object),
            ordered=bool(part["ordered"][0]),
        )
    elif kind == "character":
        result = _texts(part["levels"], _zero_based(values))
    elif kind == "datetime":
        moments = pd.to_datetime(_microseconds(values, "datetime64[us]"))
        zone = part["timezone"][0]
        if zone not in ("", NAIVE_ZONE):
            moments = moments.tz_localize("UTC")
            if zone != UTC_ZONE:
                moments = moments.tz_convert(zone)
        result = moments
    else:
        result = _microseconds(values, "timedelta64[us]")
    return pd.Series(result, index=index, copy=False)  # it is nobody else's


def _texts(levels: Sequence[str], codes: NDArray[np.int32]) -> Any:
    """Return one text per row, None where the code is -1, in pandas' dtype for texts."""
    given = pd.Series(list(levels)).array
    if isinstance(given.dtype, pd.StringDtype):
        return given.take(codes, allow_fill=True)
    objects = np.array([*levels, None], dtype=object)
    return objects[codes]


def _zero_based(codes: NDArray[np.int32]) -> NDArray[np.int32]:
    # R's missing integer is the least one: it would wrap around to the largest.
    return np.maximum(codes, np.int32(0)) - np.int32(1)


def _nullable(values: NDArray[np.int32], kind: str) -> Any:
    missing = values == NA_INTEGER
    whole: Any = values.astype(np.int64 if kind == "integer" else np.bool_)
    if not missing.any():
        return whole
    whole[missing] = 0
    array = pd.arrays.IntegerArray if kind == "integer" else pd.arrays.BooleanArray
    return array(whole, missing)


def _microseconds(seconds: NDArray[np.float64], dtype: str) -> NDArray[Any]:
    missing = np.isnan(seconds)
    if (np.abs(seconds[~missing]) >= LATEST).any():
        raise DataConversionError("a time from R lies beyond the years that pandas can hold")
    ticks = np.round(np.where(missing, 0.0, seconds) * 1e6).astype(np.int64)
    result = ticks.view(dtype).copy()
    result[missing] = np.array("NaT", dtype=dtype)
    return result
