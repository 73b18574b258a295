"""A pandas index as JSON and plain arrays, and back, with its dtype and names."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from pymer_bridge.data.packing import Arrays, get, pack, put, unpack
from pymer_bridge.errors import OptionError

_MASKED = frozenset(
    "Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64 Float32 Float64 boolean".split()  # a table
)


def pack_index(index: pd.Index, arrays: Arrays) -> dict[str, Any]:
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


def _pack_flat(index: pd.Index, arrays: Arrays) -> dict[str, Any]:  # noqa: PLR0911  # a table
    dtype: Any = index.dtype
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
        name = str(dtype) if str(dtype) in ("object", "str") else f"string[{dtype.storage}]"
        labels = [_pack_label(label, arrays) for label in index]
        return {"kind": "labels", "labels": labels, "dtype": name}
    raise ValueError(f"its dtype is {dtype}")


def _pack_times(index: pd.DatetimeIndex | pd.TimedeltaIndex, arrays: Arrays) -> dict[str, Any]:
    record = {"unit": index.unit, "ticks": put(index.asi8, arrays), "freq": index.freqstr}
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


def _pack_label(label: Any, arrays: Arrays) -> Any:
    if label is pd.NA or label is pd.NaT:
        return {"missing": str(label)}
    if isinstance(label, tuple):
        return {"tuple": [_pack_label(part, arrays) for part in label]}
    if type(label) is dt.date:
        return {"date": label.isoformat()}
    if not isinstance(label, str | bool | int | float | np.generic | None):
        raise ValueError(f"it holds a {type(label).__name__}, {label!r}")
    return pack(label, arrays)


def _unpack_label(stored: Any) -> Any:
    match stored:
        case {"missing": "<NA>"}:
            return pd.NA
        case {"missing": "NaT"}:
            return pd.NaT
        case {"tuple": list() as parts}:
            return tuple(map(_unpack_label, parts))
        case {"date": str() as text}:
            return dt.date.fromisoformat(text)
    return unpack(stored, {})


def unpack_index(record: Any, arrays: Arrays) -> pd.Index:
    """Turn what :func:`pack_index` gave back into the index.

    Raises
    ------
    ValueError, KeyError, TypeError
        It is nothing that :func:`pack_index` gives.
    """
    names = [_unpack_label(name) for name in record["names"]]
    if record["kind"] == "multi":
        levels: Any = [unpack_index(level, arrays) for level in record["levels"]]
        codes: Any = [get(code, arrays, "int64") for code in record["codes"]]
        return pd.MultiIndex(levels=levels, codes=codes, names=names)
    index: pd.Index = _unpack_flat(record, arrays)
    (index.name,) = names
    return index


def _unpack_flat(record: Any, arrays: Arrays) -> Any:  # noqa: PLR0911  # a table of kinds
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
        case "labels" if record["dtype"] in ("object", "str", "string[python]", "string[pyarrow]"):
            labels = np.empty(len(record["labels"]), dtype=object)
            for i, label in enumerate(record["labels"]):
                labels[i] = _unpack_label(label)  # one by one: a label may be a tuple
            return pd.Index(labels, dtype=record["dtype"], tupleize_cols=False)
    raise ValueError(f"no index is of kind {record['kind']!r}")


def _masked_class(dtype: np.dtype[Any]) -> Any:
    kinds = {"b": pd.arrays.BooleanArray, "f": pd.arrays.FloatingArray}
    return kinds.get(dtype.kind, pd.arrays.IntegerArray)


def _unpack_times(record: Any, arrays: Arrays) -> Any:
    if record["unit"] not in ("s", "ms", "us", "ns"):
        raise ValueError(f"{record['unit']!r} is no unit of time")
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
            index = index.tz_localize("UTC").tz_convert(str(zone))
    if record["freq"] is not None:
        index.freq = str(record["freq"])
    return index
