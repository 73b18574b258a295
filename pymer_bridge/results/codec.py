"""Results to JSON-safe mappings and back, floats to the last bit.

Each dataclass becomes ``{"type": its name, field: value ...}``. Python's JSON writes a finite
float so that it reads back to the same bits; values that JSON does not have are tagged.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pandas as pd

from pymer_bridge.data.indexes import pack_index, unpack_index
from pymer_bridge.data.packing import instance, pack, unpack

LATER: Final = {"later": True}
"""The metadata of a field that came after results were stored: those have its default."""

SCHEMA = 2
"""Version of the layout, stored with every result. In version 1 an index was a list of texts."""


@cache
def classes() -> dict[str, type[Any]]:
    """Return the dataclasses that results are made of, by name."""
    names = [f"pymer_bridge.results.{path.stem}" for path in Path(__file__).parent.glob("*.py")]
    return {
        item.__name__: item
        for name in names
        for item in vars(import_module(name)).values()
        if dataclasses.is_dataclass(item) and isinstance(item, type) and item.__module__ == name
    }


def encode(value: Any) -> Any:
    """Turn a result, or a part of one, into what JSON can hold."""
    return pack(value, None, _encode)


def _encode(value: Any) -> dict[str, Any]:
    if isinstance(value, pd.Index):
        return {"pandas_index": pack_index(value, None)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            f.name: encode(getattr(value, f.name))
            for f in dataclasses.fields(value)
            if not f.metadata.get("later") or getattr(value, f.name) is not f.default
        }
        return {"type": type(value).__name__, **fields}
    raise TypeError(f"a result cannot hold a {type(value).__name__}")


def decode(value: Any) -> Any:
    """Turn what :func:`encode` gave back into the result.

    Raises
    ------
    ValueError
        A tag or a type that is not known.
    """
    return unpack(value, None, _decode)


def _decode(stored: dict[str, Any]) -> Any:
    if "pandas_index" in stored:
        index = stored["pandas_index"]
        return unpack_index(index, None) if "kind" in index else _index_of_schema_1(index)
    cls = classes().get(str(stored.get("type")))
    if cls is None:
        raise ValueError(f"not a result of this package: type {stored.get('type')!r}")
    names = {f.name for f in dataclasses.fields(cls)}
    may_lack = {f.name for f in dataclasses.fields(cls) if f.metadata.get("later")}
    given = {key: decode(item) for key, item in stored.items() if key not in ("type", "schema")}
    if set(given) | may_lack != names:
        wrong = ", ".join(sorted((set(given) | may_lack) ^ names))
        raise ValueError(f"a {cls.__name__} is not whole: fields missing or unknown: {wrong}")
    return instance(cls, given)


def _index_of_schema_1(stored: Mapping[str, Any]) -> pd.Index:
    names = stored["names"]
    if "range" in stored:
        start, stop, step = stored["range"]
        return pd.RangeIndex(start, stop, step, name=names[0])
    labels = [decode(item) for item in stored["labels"]]
    if stored["dtype"] is None:
        return pd.MultiIndex.from_tuples(labels, names=names)
    index: pd.Index = pd.Index(labels, dtype=stored["dtype"], name=names[0])
    return index
