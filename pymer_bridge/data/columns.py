"""One column of a pandas frame to the parts from which R makes its own.

A *part* is a kind, plain numpy arrays and, for strings and factors, the levels that its codes
point into; ``r/frames.R`` makes R's columns of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.errors import DataConversionError
from pymer_bridge.spec.labels import level_text

Part = dict[str, Any]

NA_INTEGER = -(2**31)
"""R's missing integer and missing logical."""
NA_REAL = np.array([0x7FF00000000007A2], dtype=np.uint64).view(np.float64)[0]
"""R's missing float: a NaN whose low word is 1954."""

NAIVE_ZONE = "UTC"
UTC_ZONE = "Etc/UTC"

LARGEST_EXACT = 2**53
BLOCK = 2**16
"""Rows that are worked on at once where parts of the work need memory of their own."""
ACCEPTED = (
    "float, int, bool, their nullable forms, str, Categorical, datetime and timedelta columns "
    "are accepted"
)


class Logicals(np.ndarray[Any, np.dtype[np.int32]]):
    """Numbers that R holds as logicals: 0, 1, and its missing integer."""


def _numeric_part(values: NDArray[np.float64], missing: NDArray[np.bool_] | None) -> Part:
    # A column without NaN is not copied here: R copies it. The least number is NaN if any is.
    if values.size and np.isnan(np.min(values)):
        missing = np.isnan(values) if missing is None else missing | np.isnan(values)
    if missing is not None:
        values = np.where(missing, NA_REAL, values)
    return {"kind": "numeric", "values": np.ascontiguousarray(values)}


def _mark_missing(values: NDArray[np.int32], missing: NDArray[np.bool_]) -> None:
    """Make NA of whatever stands where a value is missing."""
    # By arithmetic: where missing values lie at random, an assignment takes five times as long.
    values *= ~missing
    values |= np.multiply(missing, NA_INTEGER, dtype=np.int32)


def _integer_part(values: NDArray[Any], missing: NDArray[np.bool_] | None, name: str) -> Part:
    fits = _fits_integer(values)
    if missing is not None and not fits:
        # What stands where a value is missing may be anything.
        values = np.where(missing, values.dtype.type(0), values)
        fits = _fits_integer(values)
    if fits:
        result = np.array(values, dtype=np.int32, copy=True)
        if missing is not None:
            _mark_missing(result, missing)
        return {"kind": "integer", "values": result}
    low, high = int(values.min()), int(values.max())
    if max(-low, high) > LARGEST_EXACT and not _are_exact(values):
        raise DataConversionError(
            f"column {name!r} holds integers that no float of 53 bits represents exactly (up to "
            f"{high if high >= -low else low}); make it a string or a Categorical if it is a "
            "label, or a float if rounding is meant"
        )
    whole = values.astype(np.float64)
    if missing is not None:
        whole[missing] = NA_REAL
    return {"kind": "numeric", "values": whole}


def _are_exact(values: NDArray[Any]) -> bool:
    """Say whether floats of 53 bits hold these integers: without their trailing zero bits."""
    sizes = np.where(values < 0, ~values, values).astype(np.uint64)
    sizes += (values < 0).astype(np.uint64)  # not abs(): there is no 2**63 among int64
    lowest_bits = sizes & (~sizes + np.uint64(1))
    odd_parts = sizes // np.where(lowest_bits == 0, np.uint64(1), lowest_bits)
    return bool((odd_parts < LARGEST_EXACT).all())


def _logical_part(values: NDArray[Any], missing: NDArray[np.bool_] | None) -> Part:
    if missing is None or not missing.any():
        return {"kind": "logical", "values": values.astype(np.bool_, copy=False)}
    codes = values.astype(np.int32)
    _mark_missing(codes, missing)
    return {"kind": "logical", "values": codes.view(Logicals)}


def _codes(codes: NDArray[Any]) -> NDArray[np.int32]:
    result = codes.astype(np.int32)
    result += np.int32(1)
    if codes.size and codes.min() < 0:
        result[codes < 0] = NA_INTEGER
    return result


def unfit_for_r(text: str) -> str:
    """Say why R cannot hold a text; nothing where it can."""
    if "\0" in text:
        return "has an embedded NUL, which R cannot hold"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return "is not valid Unicode"
    return ""


def _check_texts(given: Iterable[Any], name: str) -> list[str]:
    texts = list(given)
    if set(map(type, texts)) == {str} and not unfit_for_r("".join(texts)):
        return texts
    result = []
    for text in texts:
        if not isinstance(text, str):
            raise DataConversionError(
                f"column {name!r} mixes strings with other objects ({type(text).__name__}: "
                f"{text!r}); convert it with .astype(str), or clean it. {ACCEPTED}"
            )
        if problem := unfit_for_r(text):
            raise DataConversionError(
                f"column {name!r} holds a string that {problem}: {text[:40]!r}"
            )
        result.append(str(text))  # numpy has a kind of its own
    return result


def _text_part(column: pd.Series[Any], name: str) -> Part:
    try:
        codes, uniques = pd.factorize(column)
    except TypeError as error:
        raise DataConversionError(
            f"column {name!r} holds objects that cannot be taken to R ({error}). {ACCEPTED}"
        ) from error
    levels = _check_texts(uniques.tolist(), name)
    return {"kind": "character", "values": _codes(codes), "levels": levels}


def _level_text(level: Any, name: str) -> str:
    text = level_text(level)
    if text is None:
        raise DataConversionError(
            f"column {name!r} is a Categorical with a level of type {type(level).__name__} "
            f"({level!r}); levels must be strings, numbers, booleans, times or intervals"
        )
    return text


def _factor_part(column: pd.Series[Any], name: str) -> Part:
    categories = column.cat.categories.tolist()  # an index would make its items one by one
    levels = _check_texts((_level_text(level, name) for level in categories), name)
    if len(set(levels)) != len(levels):
        raise DataConversionError(
            f"column {name!r} is a Categorical with levels that read the same as text"
        )
    return {
        "kind": "factor",
        "values": _codes(column.cat.codes.to_numpy()),
        "levels": levels,
        "ordered": bool(column.cat.ordered),
    }


def _seconds(column: pd.Series[Any], units: str) -> NDArray[np.float64]:
    """Seconds as floats, exact to what a float can hold, R's NA where missing."""
    ticks = column.to_numpy()
    missing = np.isnat(ticks)
    unit = np.datetime_data(ticks.dtype)[0]
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    whole = ticks.astype(f"{units}[{unit}]", copy=False).view(np.int64)
    seconds = np.empty(len(whole))
    for first in range(0, len(whole), BLOCK):
        rows = slice(first, first + BLOCK)
        seconds[rows], rest = np.divmod(whole[rows], per_second)
        seconds[rows] += rest / per_second
    if missing.any():
        seconds[missing] = NA_REAL
    return seconds


def _datetime_part(column: pd.Series[Any]) -> Part:
    timezone = getattr(column.dtype, "tz", None)
    if timezone is not None:
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    # R has no time without a zone: a naive one becomes UTC, so that its clock never shifts, and
    # the zone UTC itself, or one that is only an offset, gets the other name that R has for it.
    zone = NAIVE_ZONE
    if timezone is not None:
        # zoneinfo has "key", pytz "zone".
        named = getattr(timezone, "key", None) or getattr(timezone, "zone", None)
        zone = named if named not in (None, NAIVE_ZONE) else UTC_ZONE
    return {"kind": "datetime", "values": _seconds(column, "datetime64"), "timezone": zone}


def holds_numbers(column: pd.Series[Any]) -> bool:
    """Say whether a column is of numbers; bools are none."""
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def column_to_part(column: pd.Series[Any], name: str) -> Part:  # noqa: PLR0911  # a table of kinds
    """Take one column apart for R.

    Parameters
    ----------
    column
        A pandas column of any dtype in the table of the README.
    name
        Its name, for errors.

    Returns
    -------
    dict
        ``kind``, ``values`` and what the kind needs besides.

    Raises
    ------
    DataConversionError
        The dtype or a value has no counterpart in R; the message names the column.
    """
    dtype = column.dtype
    if isinstance(dtype, pd.ArrowDtype):
        column = from_arrow(column, name)
        dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _factor_part(column, name)
    if isinstance(dtype, pd.DatetimeTZDtype) or dtype.kind == "M":
        return _datetime_part(column)
    if dtype.kind == "m":
        return {"kind": "duration", "values": _seconds(column, "timedelta64")}
    if pd.api.types.is_extension_array_dtype(dtype) and dtype.kind in "iufb":
        return _masked_part(*_taken_apart(column), name)
    if isinstance(dtype, pd.StringDtype):
        return _text_part(column, name)
    if dtype.kind in "iufb" and isinstance(dtype, np.dtype):
        return _masked_part(column.to_numpy(), None, name)
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        return _object_part(column, name)
    what = "complex numbers" if dtype.kind == "c" else f"dtype {dtype}"
    raise DataConversionError(
        f"column {name!r} holds {what}, which R models cannot use. {ACCEPTED}"
    )


def _taken_apart(column: pd.Series[Any]) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Return the values of a nullable column, and which are missing, if any."""
    array: Any = column.array
    if isinstance(array, (pd.arrays.IntegerArray, pd.arrays.BooleanArray, pd.arrays.FloatingArray)):
        # As pandas holds them, if it still does; to_numpy() copies and fills them.
        values, missing = getattr(array, "_data", None), getattr(array, "_mask", None)
        if isinstance(values, np.ndarray) and isinstance(missing, np.ndarray):
            return values, missing if missing.any() else None
    missing = np.asarray(column.isna(), dtype=np.bool_)
    filler = False if column.dtype.kind == "b" else 0
    filled = column.to_numpy(dtype=getattr(column.dtype, "numpy_dtype", None), na_value=filler)
    return filled, missing if missing.any() else None


def _fits_integer(values: NDArray[Any]) -> bool:
    """Say whether R's integers hold these."""
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    return low > NA_INTEGER and high < -NA_INTEGER


def _masked_part(values: NDArray[Any], missing: NDArray[np.bool_] | None, name: str) -> Part:
    if values.dtype.kind == "b":
        return _logical_part(values, missing)
    if values.dtype.kind in "iu":
        return _integer_part(values, missing, name)
    if values.dtype.itemsize > 8:
        raise DataConversionError(
            f"column {name!r} holds floats of more than 64 bits; convert it to float64"
        )
    return _numeric_part(values.astype(np.float64, copy=False), missing)


def from_arrow(column: pd.Series[Any], name: str) -> pd.Series[Any]:
    """Take an Arrow column that is not of numbers as pandas' own dtype; others as they are.

    Raises
    ------
    DataConversionError
        It has no counterpart.
    """
    dtype = column.dtype
    if not isinstance(dtype, pd.ArrowDtype) or dtype.kind in "iufb":
        return column
    try:
        # By position: pandas would look its labels up in the index that it is given.
        return pd.Series(column.array.__arrow_array__().to_pandas()).set_axis(column.index)
    except (TypeError, ValueError, NotImplementedError) as error:
        raise DataConversionError(
            f"column {name!r} of {column.dtype} cannot be read: {error}"
        ) from error


def _object_part(column: pd.Series[Any], name: str) -> Part:
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind in ("string", "empty"):
        return _text_part(column, name)
    if kind == "boolean":
        return column_to_part(column.astype("boolean"), name)
    if kind in ("datetime", "datetime64", "date", "timedelta", "timedelta64"):
        return column_to_part(_times(column, kind, name), name)
    present = column.dropna()
    if kind == "floating" and not any(isinstance(value, np.longdouble) for value in present):
        return column_to_part(column.where(column.notna(), np.nan).astype(np.float64), name)
    if kind == "integer":
        low, high = min(present), max(present)
        if low >= -(2**63) and high < 2**64:
            return column_to_part(column.astype("Int64" if high < 2**63 else "UInt64"), name)
    kinds = sorted({type(value).__name__ for value in present})
    raise DataConversionError(
        f"column {name!r} is of dtype object and holds {', '.join(kinds)}; give it one plain "
        f"dtype. {ACCEPTED}"
    )


def _times(column: pd.Series[Any], kind: str, name: str) -> pd.Series[Any]:
    """Take times that are Python's objects as pandas' own dtype."""
    try:
        taken = pd.to_datetime(column) if kind == "date" else column.infer_objects()
    except (ValueError, TypeError, OverflowError) as error:
        raise DataConversionError(
            f"column {name!r} holds times that pandas cannot hold in one column: {error}"
        ) from error
    if taken.dtype.kind not in "mM":
        raise DataConversionError(
            f"column {name!r} holds times of several time zones, or times that pandas cannot hold "
            "in one column; convert it with pd.to_datetime(..., utc=True), or pd.to_timedelta()"
        )
    return taken
