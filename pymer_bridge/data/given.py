"""What users give to functions, as JSON and plain arrays, and back with every check.

Only what is plain has such a form: numbers, texts, lists and mappings of them, and columns that
pandas or numpy hold. Reading trusts nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from pymer_bridge.data import frames
from pymer_bridge.data.columns import unfit_for_r
from pymer_bridge.data.frozen_arrays import Arrays
from pymer_bridge.data.indexes import pack_index, unpack_index

MOST_VALUES: Final = 10_000
"""Of all arguments of one call together."""
DEEPEST: Final = 8
"""How deep they may be nested."""


class NotPlainError(ValueError):
    """It has no plain form; the message says what it is."""


class _Count:
    """Counts values, and refuses more than a file holds."""

    def __init__(self) -> None:
        self.n = 0

    def add(self, n: int) -> None:
        self.n += n
        if self.n > MOST_VALUES:
            raise NotPlainError(f"more than {MOST_VALUES:,} values")


def pack_given(
    given: Mapping[str, Any], arrays: Arrays, further: Callable[[Any], Any]
) -> dict[str, Any]:
    """Turn arguments into JSON and arrays, which are copies.

    Parameters
    ----------
    given
        The arguments by name.
    arrays
        Where their arrays go.
    further
        Packs what is no data, such as models; or raises :class:`NotPlainError`.

    Raises
    ------
    NotPlainError
        One has no plain form, or they are too large; the message names it.
    """
    count, packed = _Count(), {}
    for name, value in given.items():
        try:
            packed[name] = _pack(value, arrays, further, count, 0)
        except Exception as error:  # whatever pandas or an object says to it
            said = (
                str(error) if isinstance(error, NotPlainError) else "of a kind without such a form"
            )
            raise NotPlainError(f"{name} is {said}") from error
    return packed


def _pack(  # noqa: PLR0911  # a table of kinds
    value: Any, arrays: Arrays, further: Callable[[Any], Any], count: _Count, depth: int
) -> Any:
    def inner(item: Any) -> Any:
        return _pack(item, arrays, further, count, depth + 1)

    if depth > DEEPEST:
        raise NotPlainError("nested too deep")
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind not in "biuf":
        value = value.tolist()
    count.add(1)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, tuple):
        return {"tuple": [inner(item) for item in value]}
    if isinstance(value, list | range):
        return [inner(item) for item in value]
    if isinstance(value, Mapping):
        return {"mapping": [[inner(key), inner(item)] for key, item in value.items()]}
    if isinstance(value, np.ndarray):
        count.add(value.size)
        name = str(len(arrays))
        arrays[name] = np.array(value)
        return {"array": name}
    if isinstance(value, pd.Series):
        count.add(2 * len(value))
        labels = [pack_index(pd.Index(value), arrays), pack_index(value.index, arrays)]
        return {"series": labels}
    if hasattr(value, "columns") and hasattr(value, "__len__"):
        count.add(len(value) * len(value.columns))
        return _pack_frame(frames.as_pandas(value), arrays)
    return further(value)


def _pack_frame(table: pd.DataFrame, arrays: Arrays) -> dict[str, Any]:
    names = list(table.columns)
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise NotPlainError("a frame with columns that have no names")
    columns = [[name, pack_index(pd.Index(table[name]), arrays)] for name in names]
    return {"frame": columns, "index": pack_index(table.index, arrays)}


def unpack_given(
    stored: Mapping[str, Any], arrays: Arrays, further: Callable[[dict[str, Any]], Any]
) -> dict[str, Any]:
    """Turn what :func:`pack_given` gave back into arguments.

    Raises
    ------
    ValueError, TypeError, KeyError ...
        It is nothing that :func:`pack_given` gives.
    """
    count = _Count()
    return {name: _unpack(value, arrays, further, count, 0) for name, value in stored.items()}


def _unpack(  # noqa: PLR0911  # a table of kinds
    stored: Any, arrays: Arrays, further: Callable[[dict[str, Any]], Any], count: _Count, depth: int
) -> Any:
    def inner(item: Any) -> Any:
        return _unpack(item, arrays, further, count, depth + 1)

    if depth > DEEPEST:
        raise ValueError("arguments nested too deep")
    count.add(1)
    if isinstance(stored, str) and unfit_for_r(stored):
        raise ValueError("a text that R cannot hold")
    if isinstance(stored, list):
        return [inner(item) for item in stored]
    if not isinstance(stored, dict):
        return stored
    match stored:
        case {"float": "nan" | "inf" | "-inf" as text} if len(stored) == 1:
            return float(text)
        case {"tuple": list() as items} if len(stored) == 1:
            return tuple(map(inner, items))
        case {"mapping": list() as pairs} if len(stored) == 1:
            found = {_key(inner(key)): inner(item) for key, item in map(_two, pairs)}
            if len(found) != len(pairs):
                raise ValueError("a mapping that has a name twice")
            return found
        case {"array": str() as name} if len(stored) == 1:
            count.add(arrays[name].size)
            return arrays[name]
        case {"series": list() as parts} if len(stored) == 1:
            values, index = (_index(part, arrays, count) for part in _two(parts))
            return pd.Series(values, index=index, name=values.name)
        case {"frame": list() as columns, "index": dict() as labels} if len(stored) == 2:
            index = _index(labels, arrays, count)
            named = {_text(name): _index(part, arrays, count) for name, part in map(_two, columns)}
            return pd.DataFrame({n: pd.Series(v, index=index) for n, v in named.items()}, index)
    return further(stored)


def _index(part: Any, arrays: Arrays, count: _Count) -> pd.Index:
    if isinstance(part, dict) and part.get("kind") == "range":
        count.add(len(range(*map(int, part["range"]))))  # it has any length for nothing
    found = unpack_index(part, arrays)
    count.add(len(found))
    return found


def _two(pair: Any) -> tuple[Any, Any]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise ValueError("a pair is wanted")
    return pair[0], pair[1]


def _text(name: Any) -> str:
    if not isinstance(name, str) or unfit_for_r(name):
        raise ValueError("the name of a column is wanted")
    return name


def _key(key: Any) -> Any:
    if not isinstance(key, str | bool | int | float):
        raise ValueError("a name in a mapping is wanted")
    return key


def names_of(values: Sequence[Any]) -> tuple[str, ...]:
    """Return names, each of which is a name of Python.

    Raises
    ------
    ValueError
        One is none.
    """
    if not all(isinstance(each, str) and each.isidentifier() for each in values):
        raise ValueError("names of arguments are wanted")
    return tuple(values)
