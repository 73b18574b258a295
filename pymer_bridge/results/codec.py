"""Results to JSON-safe mappings and back, floats to the last bit.

Each dataclass becomes ``{"type": its name, field: value ...}``. Python's JSON writes a finite
float so that it reads back to the same bits; what JSON has no word for is tagged.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

SCHEMA = 1
"""Version of the layout, stored with every result."""

_classes: dict[str, type[Any]] = {}


def register(cls: type[Any]) -> type[Any]:
    """Make a dataclass known by its name, so that :func:`decode` can build it."""
    _classes[cls.__name__] = cls
    return cls


def encode(value: Any) -> Any:  # noqa: PLR0911  # a table of kinds
    """Turn a result, or a part of one, into what JSON can hold."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, np.ndarray):
        flat = [encode(item) for item in value.ravel(order="C").tolist()]
        return {"array": flat, "dtype": str(value.dtype), "shape": list(value.shape)}
    if isinstance(value, pd.Index):
        return _encode_index(value)
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, Mapping):
        return {"mapping": {str(key): encode(item) for key, item in value.items()}}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"type": type(value).__name__, **fields}
    raise TypeError(f"a result cannot hold a {type(value).__name__}")


def decode(value: Any) -> Any:  # noqa: PLR0911  # a table of kinds
    """Turn what :func:`encode` gave back into the result.

    Raises
    ------
    ValueError
        A tag or a type that is not known.
    """
    if isinstance(value, list):
        return tuple(decode(item) for item in value)
    if not isinstance(value, Mapping):
        return value
    if "float" in value:
        return float(value["float"])
    if "array" in value:
        flat = [decode(item) for item in value["array"]]
        dtype: np.dtype[Any] = np.dtype(value["dtype"])
        if dtype.kind == "U":
            dtype = np.dtype("U")  # as wide as the texts are, not as wide as the mapping says
        elif dtype.kind not in "biufO" or dtype.fields is not None or dtype.shape:
            raise ValueError(f"a result has no array of {dtype}")
        return frozen_array(np.array(flat, dtype=dtype).reshape(value["shape"]))
    if "pandas_index" in value:
        return _decode_index(value["pandas_index"])
    if "mapping" in value:
        return {key: decode(item) for key, item in value["mapping"].items()}
    cls = _classes.get(str(value.get("type")))
    if cls is None:
        raise ValueError(f"not a result of this package: type {value.get('type')!r}")
    names = {f.name for f in dataclasses.fields(cls)}
    given = {key: decode(item) for key, item in value.items() if key not in ("type", "schema")}
    if set(given) != names:
        wrong = ", ".join(sorted(set(given) ^ names))
        raise ValueError(f"a {cls.__name__} is not whole: fields missing or unknown: {wrong}")
    return cls(**given)


def _label(label: Any) -> Any:
    """Return a label as JSON holds it; what JSON has no word for as its text."""
    if isinstance(label, np.generic):
        label = label.item()
    if isinstance(label, tuple):
        return [_label(part) for part in label]
    return encode(label) if isinstance(label, bool | int | float | str) else str(label)


def _encode_index(index: pd.Index) -> dict[str, Any]:
    names = [None if name is None else str(name) for name in index.names]
    if isinstance(index, pd.RangeIndex):
        return {"pandas_index": {"range": [index.start, index.stop, index.step], "names": names}}
    kind = None if isinstance(index, pd.MultiIndex) else str(index.dtype)
    return {
        "pandas_index": {"labels": [_label(item) for item in index], "dtype": kind, "names": names}
    }


def _decode_index(stored: Mapping[str, Any]) -> pd.Index:
    names = stored["names"]
    if "range" in stored:
        start, stop, step = stored["range"]
        return pd.RangeIndex(start, stop, step, name=names[0])
    labels = [decode(item) for item in stored["labels"]]
    if stored["dtype"] is None:
        return pd.MultiIndex.from_tuples(labels, names=names)
    index: pd.Index = pd.Index(labels, dtype=stored["dtype"], name=names[0])
    return index


def frozen_array(values: Any) -> Any:
    """Return the array on memory that cannot be made writeable again."""
    fixed = np.ascontiguousarray(values)
    return np.frombuffer(fixed.tobytes(), dtype=fixed.dtype).reshape(fixed.shape)


def same(one: Any, other: Any) -> bool:  # noqa: PLR0911  # a table of kinds
    """Say whether two parts of results are the same to the last bit, NaN being itself."""
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        if not (isinstance(one, np.ndarray) and isinstance(other, np.ndarray)):
            return False
        return (
            one.shape == other.shape
            and one.dtype == other.dtype
            and bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
        )
    if isinstance(one, pd.Index) or isinstance(other, pd.Index):
        return (
            isinstance(one, pd.Index)
            and isinstance(other, pd.Index)
            and one.equals(other)
            and list(one.names) == list(other.names)
        )
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)
