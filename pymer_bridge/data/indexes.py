"""A pandas index as JSON and plain arrays, and back, with its dtype and names."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.data.exact import same
from pymer_bridge.data.frozen_arrays import Arrays
from pymer_bridge.data.packing import get, known_zone, pack, put, unpack
from pymer_bridge.errors import OptionError

_MASKED = frozenset(
    "Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64 Float32 Float64 boolean".split()  # a table
)


def pack_index(index: pd.Index, arrays: Arrays | None) -> dict[str, Any]:
    """Turn an index into JSON; its arrays go into ``arrays``.

    Raises
    ------
    OptionError
        It holds labels that have no plain form.
    """
    try:
        if isinstance(index, pd.MultiIndex):
            levels = [pack_index(level, arrays) for level in index.levels]
            codes = [put(np.asarray(code, dtype=np.int64), arrays) for code in index.codes]
            record: dict[str, Any] = {"kind": "multi", "levels": levels, "codes": codes}
            names = list(index.names)
        else:
            record, names = _pack_flat(index, arrays), [index.name]
        return {**record, "names": [_pack_label(name, arrays) for name in names]}
    except ValueError as error:
        if isinstance(error, OptionError):
            raise
        raise OptionError(
            f"the index of the data cannot be stored: {error}; give the data a plainer one, as "
            "with .reset_index(), before the fit"
        ) from error


def _pack_flat(index: pd.Index, arrays: Arrays | None) -> dict[str, Any]:  # noqa: PLR0911  # a table
    dtype: Any = index.dtype
    if isinstance(dtype, pd.ArrowDtype):
        labels = [_pack_label(label, arrays) for label in index]
        return {"kind": "arrow", "labels": labels, "type": _arrow_name(dtype)}
    if isinstance(index, pd.RangeIndex):
        return {"kind": "range", "range": [index.start, index.stop, index.step]}
    if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex):
        return _pack_times(index, arrays)
    if isinstance(index, pd.PeriodIndex):
        return {"kind": "period", "ordinals": put(index.asi8, arrays), "freq": index.freqstr}
    if isinstance(index, pd.IntervalIndex):
        sides = [pack_index(side, arrays) for side in (index.left, index.right)]
        return {"kind": "interval", "sides": sides, "closed": index.closed}
    if isinstance(index, pd.CategoricalIndex):
        return {
            "kind": "category",
            "categories": pack_index(index.categories, arrays),
            "codes": put(index.codes.astype(np.int64), arrays),
            "ordered": bool(index.ordered),
        }
    if str(dtype) in _MASKED:
        missing = np.asarray(index.isna(), dtype=np.bool_)
        filler = False if dtype.kind == "b" else 0
        values = index.to_numpy(dtype=dtype.numpy_dtype, na_value=filler)
        return {"kind": "masked", "values": put(values, arrays), "missing": put(missing, arrays)}
    if isinstance(dtype, np.dtype) and dtype.kind in "iufb":
        return {"kind": "plain", "values": put(index.to_numpy(), arrays)}
    if isinstance(dtype, pd.StringDtype) or dtype == np.dtype(object):
        labels = [_pack_label(label, arrays) for label in index]
        return {"kind": "labels", "labels": labels, "dtype": _text_name(dtype)}
    raise ValueError(f"its dtype is {dtype}")


def _pack_times(
    index: pd.DatetimeIndex | pd.TimedeltaIndex, arrays: Arrays | None
) -> dict[str, Any]:
    record = {"unit": index.unit, "ticks": put(index.asi8, arrays), "freq": _freq(index)}
    if isinstance(index, pd.TimedeltaIndex):
        return {"kind": "duration", **record}
    zone: Any = None
    if index.tz is not None:
        zone = getattr(index.tz, "key", None) or getattr(index.tz, "zone", None)
        if zone is None:
            offset = index.tz.utcoffset(None)
            if offset is None:
                raise ValueError(f"its time zone {index.tz!r} has no name")
            zone = offset.total_seconds()
    return {"kind": "datetime", **record, "zone": zone}


def _freq(index: pd.DatetimeIndex | pd.TimedeltaIndex) -> str | None:
    """Return the frequency as a text, None where no text says it, as with holidays."""
    try:
        said = index.freqstr
        return said if pd.tseries.frequencies.to_offset(said) == index.freq else None
    except ValueError:
        return None


_TEXTS = ("object", "string[python]", "string[pyarrow]", "str[python]", "str[pyarrow]")
"""The dtypes of labels one by one; missing texts are NA in "string", NaN in "str"."""


def _text_name(dtype: Any) -> str:
    if dtype == np.dtype(object):
        return "object"
    name = f"{'string' if dtype.na_value is pd.NA else 'str'}[{dtype.storage}]"
    if name not in _TEXTS:
        raise ValueError(f"its dtype is {dtype!r}")
    return name


def _text_dtype(name: str) -> Any:
    if name not in ("str[python]", "str[pyarrow]"):
        return name
    try:
        return pd.StringDtype(name[4:-1], na_value=np.nan)
    except ImportError:
        return "str"  # the same texts, kept without pyarrow


def _arrow_name(dtype: pd.ArrowDtype) -> str:
    name = str(dtype.pyarrow_dtype)
    if _arrow_dtype(name) != dtype:
        raise ValueError(f"its dtype is {dtype}")
    return name


def _arrow_dtype(name: str) -> Any:
    import pyarrow  # noqa: PLC0415  # an extra

    try:
        if name in ("string", "large_string"):
            return pd.ArrowDtype(pyarrow.type_for_alias(name))
        return pd.ArrowDtype.construct_from_string(f"{name}[pyarrow]")
    except (NotImplementedError, TypeError) as error:
        raise ValueError(f"its dtype is {name}[pyarrow]") from error


def _pack_label(label: Any, arrays: Arrays | None) -> Any:
    if label is pd.NA or label is pd.NaT:
        return {"missing": str(label)}
    if isinstance(label, tuple):
        return {"tuple": [_pack_label(part, arrays) for part in label]}
    if type(label) is dt.date:
        return {"date": label.isoformat()}
    if isinstance(label, np.generic | pd.Timestamp | pd.Timedelta | pd.Period | pd.Interval):
        index = pd.Index([label])
        if same(index[0], label):
            return {"one": pack_index(index, arrays)}
    if type(label) not in (str, bool, int, float, type(None)):
        raise ValueError(f"it holds a {type(label).__name__}, {label!r}")
    return pack(label, arrays)


def _unpack_label(stored: Any, arrays: Arrays | None) -> Any:
    match stored:
        case {"one": dict() as index}:
            return unpack_index(index, arrays)[0]
        case {"missing": "<NA>"}:
            return pd.NA
        case {"missing": "NaT"}:
            return pd.NaT
        case {"tuple": list() as parts}:
            return tuple(_unpack_label(part, arrays) for part in parts)
        case {"date": str() as text}:
            return dt.date.fromisoformat(text)
    return unpack(stored, arrays)


def unpack_index(record: Any, arrays: Arrays | None) -> pd.Index:
    """Turn what :func:`pack_index` gave back into the index.

    Raises
    ------
    ValueError, KeyError, TypeError
        It is nothing that :func:`pack_index` gives.
    """
    names = [_unpack_label(name, arrays) for name in record["names"]]
    if record["kind"] == "multi":
        levels: Any = [unpack_index(level, arrays) for level in record["levels"]]
        codes: Any = [get(code, arrays, "int64") for code in record["codes"]]
        return pd.MultiIndex(levels=levels, codes=codes, names=names)
    index: pd.Index = _unpack_flat(record, arrays)
    (index.name,) = names
    return index


def _unpack_flat(record: Any, arrays: Arrays | None) -> Any:  # noqa: PLR0911  # a table of kinds
    match record["kind"]:
        case "range":
            start, stop, step = map(int, record["range"])
            return pd.RangeIndex(start, stop, step)
        case "datetime" | "duration":
            return _unpack_times(record, arrays)
        case "period":
            ordinals = get(record["ordinals"], arrays, "int64")
            periods: Any = pd.PeriodIndex
            return periods.from_ordinals(ordinals, freq=str(record["freq"]))
        case "interval":
            left, right = (unpack_index(side, arrays) for side in record["sides"])
            return pd.IntervalIndex.from_arrays(left, right, closed=record["closed"])
        case "category":
            codes = get(record["codes"], arrays, "int64")
            categories = unpack_index(record["categories"], arrays)
            ordered = record["ordered"] is True
            return pd.CategoricalIndex(
                pd.Categorical.from_codes(codes, categories=categories, ordered=ordered)
            )
        case "masked":
            missing = get(record["missing"], arrays, "bool").copy()
            values = unpack(record["values"], arrays).copy()
            return pd.Index(_masked_class(values.dtype)(values, missing))
        case "plain":
            return pd.Index(unpack(record["values"], arrays).copy())
        case "labels" if record["dtype"] in (*_TEXTS, "str"):
            labels = _unpack_labels(record["labels"], arrays)
            return pd.Index(labels, dtype=_text_dtype(record["dtype"]), tupleize_cols=False)
        case "arrow":
            labels = _unpack_labels(record["labels"], arrays)
            return pd.Index(labels, dtype=_arrow_dtype(str(record["type"])))
    raise ValueError(f"no index is of kind {record['kind']!r}")


def _unpack_labels(stored: list[Any], arrays: Arrays | None) -> NDArray[np.object_]:
    labels = np.empty(len(stored), dtype=object)
    for i, label in enumerate(stored):
        labels[i] = _unpack_label(label, arrays)  # one by one: a label may be a tuple
    return labels


def _masked_class(dtype: np.dtype[Any]) -> Any:
    kinds = {"b": pd.arrays.BooleanArray, "f": pd.arrays.FloatingArray}
    return kinds.get(dtype.kind, pd.arrays.IntegerArray)


def _unpack_times(record: Any, arrays: Arrays | None) -> Any:
    if record["unit"] not in ("s", "ms", "us", "ns"):
        raise ValueError(f"{record['unit']!r} is not a unit of time")
    ticks = get(record["ticks"], arrays, "int64")
    index: Any
    if record["kind"] == "duration":
        index = pd.TimedeltaIndex(ticks.view(f"timedelta64[{record['unit']}]"))
    else:
        index = pd.DatetimeIndex(ticks.view(f"datetime64[{record['unit']}]"))
        zone = record["zone"]
        if isinstance(zone, float | int):
            index = index.tz_localize(dt.UTC).tz_convert(dt.timezone(dt.timedelta(seconds=zone)))
        elif zone is not None:
            index = index.tz_localize("UTC").tz_convert(known_zone(zone))
    if record["freq"] is not None:
        index.freq = str(record["freq"])
    return index
