"""Specifications, columns and indexes as JSON and plain arrays, and back with every check.

Reading trusts nothing: what is not exactly of the kind that is expected there is refused with a
``ValueError``.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from pymer_bridge.data.columns import NA_INTEGER, Part, unfit_for_r
from pymer_bridge.data.exact import same
from pymer_bridge.data.frozen_arrays import Arrays, from_numbers
from pymer_bridge.spec.controls import Control
from pymer_bridge.spec.families import Family
from pymer_bridge.spec.model_spec import ModelSpec

T = TypeVar("T")

LARGEST_WHOLE: Final = 2**1023
"""A whole number that is a float is smaller."""

_CODED: Final = ("factor", "character")
_KINDS: Final = {
    "numeric": "float64", "datetime": "float64", "duration": "float64",
    "integer": "int32", "logical": "int32", "character": "int32", "factor": "int32",
}  # fmt: skip
"""What each kind of column is held in."""

SPEC_CLASSES: Final = (ModelSpec, Control, Family)
"""The classes that a specification in a file may be made of, and no others."""


def pack(  # noqa: PLR0911  # a table of kinds
    value: Any, arrays: Arrays | None, further: Callable[[Any], Any] | None = None
) -> Any:
    """Turn a value into what JSON can hold.

    Parameters
    ----------
    value
        The value.
    arrays
        Where its arrays go; None: they stay in the JSON.
    further
        Packs what this function does not know: by default specifications.

    Raises
    ------
    ValueError
        It is of a kind that has no such form.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, np.ndarray):
        return put(value, arrays)
    if isinstance(value, tuple | list):
        return [pack(item, arrays, further) for item in value]
    if isinstance(value, Mapping):
        packed = {str(key): pack(item, arrays, further) for key, item in value.items()}
        return {"mapping": packed}
    if further is not None:
        return further(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        # A field at its default is not written, so that versions without it read the file.
        fields = {
            f.name: pack(getattr(value, f.name), arrays)
            for f in dataclasses.fields(value)
            if not same(getattr(value, f.name), f.default)
        }
        return {"type": type(value).__name__, "fields": fields}
    raise ValueError(f"a {type(value).__name__} cannot be stored: {value!r}")


def put(values: NDArray[Any], arrays: Arrays | None) -> dict[str, Any]:
    """Put an array aside, and return what stands for it; or return the array as JSON."""
    if arrays is None:
        flat = [pack(item, None) for item in values.ravel().tolist()]
        return {"array": flat, "dtype": str(values.dtype), "shape": list(values.shape)}
    name = str(len(arrays))
    arrays[name] = values
    return {"array": name}


def get(stored: Any, arrays: Arrays | None, dtype: str, length: int | None = None) -> NDArray[Any]:
    """Return the array that something stands for, of one dimension.

    Raises
    ------
    ValueError
        There is none, or it is of another dtype or length.
    """
    values = unpack(stored, arrays)
    if not isinstance(values, np.ndarray) or values.ndim != 1 or values.dtype.name != dtype:
        raise ValueError(f"an array of {dtype} is wanted")
    if length is not None and len(values) != length:
        raise ValueError(f"an array of length {length} is wanted, and this has {len(values)}")
    return values


def unpack(  # noqa: PLR0911  # a table of kinds
    stored: Any, arrays: Arrays | None, further: Callable[[dict[str, Any]], Any] | None = None
) -> Any:
    """Turn what :func:`pack` gave back into the value; sequences come back as tuples.

    Parameters
    ----------
    stored
        What :func:`pack` gave.
    arrays
        Where its arrays are.
    further
        Unpacks the mappings that this function does not know.

    Raises
    ------
    ValueError
        It is nothing that :func:`pack` gives.
    """
    if isinstance(stored, list):
        return tuple(unpack(item, arrays, further) for item in stored)
    if not isinstance(stored, dict):
        return stored
    match stored:
        case {"float": "nan" | "inf" | "-inf" as text} if len(stored) == 1:
            return float(text)
        case {"array": str() as name} if arrays is not None and len(stored) == 1 and name in arrays:
            return arrays[name]
        case {"array": list() as flat, "dtype": str() as dtype, "shape": list() as shape} if (
            arrays is None
        ):
            return from_numbers(unpack(flat, arrays), dtype, shape)
        case {"mapping": dict() as items} if len(stored) == 1:
            return {key: unpack(item, arrays, further) for key, item in items.items()}
    if further is not None:
        return further(stored)
    raise ValueError(f"nothing that could be stored: {str(stored)[:80]}")


def unpack_spec(stored: Any, arrays: Arrays) -> Any:
    """Turn a specification that :func:`pack` gave back into it.

    Raises
    ------
    ValueError
        It is none.
    """

    def build(record: dict[str, Any]) -> Any:
        for cls in SPEC_CLASSES:
            if record.keys() == {"type", "fields"} and record["type"] == cls.__name__:
                fields = {
                    key: unpack(item, arrays, build) for key, item in record["fields"].items()
                }
                return instance(cls, fields)
        raise ValueError(f"nothing that could be stored: {str(record)[:80]}")

    return unpack(stored, arrays, build)


def instance(cls: type[T], fields: Mapping[str, Any]) -> T:
    """Make a dataclass of fields that are of the types it states.

    Raises
    ------
    ValueError
        One is of another type, or there is no such field.
    """
    hints = _hints(cls)  # type: ignore[arg-type]
    known = {f.name for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    if unknown := sorted(set(fields) - known):
        raise ValueError(f"{cls.__name__} has no {', '.join(unknown)}")
    for name, value in fields.items():
        if not conforms(value, hints[name]):
            raise ValueError(f"{cls.__name__}.{name} cannot be {str(value)[:80]!r}")
    return cls(**fields)


@cache
def _hints(cls: type[Any]) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def conforms(value: Any, hint: Any) -> bool:  # noqa: PLR0911  # a table of kinds
    """Say whether a value is of a stated type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    while hasattr(origin, "__value__"):  # an alias with parameters, as numpy's NDArray may be
        origin = typing.get_origin(origin.__value__)
    if hint is Any or isinstance(hint, TypeVar):
        return True
    if origin is Literal:
        return any(same(value, one) for one in arguments)
    if origin is typing.Union or origin is types.UnionType:
        return any(conforms(value, one) for one in arguments)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return all(conforms(item, arguments[0]) for item in value)
        return len(value) == len(arguments) and all(map(conforms, value, arguments))
    if origin is not None and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(conforms(v, arguments[1]) for v in value.values())
    if origin is not None and issubclass(origin, np.ndarray):
        kind = (typing.get_args(arguments[-1]) or arguments)[-1]
        return isinstance(value, np.ndarray) and (kind is Any or np.issubdtype(value.dtype, kind))
    if hint is float:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return isinstance(value, float) or (whole and abs(value) < LARGEST_WHOLE)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, origin or hint)


# -- columns -------------------------------------------------------------------------------------


def pack_part(part: Mapping[str, Any], arrays: Arrays) -> dict[str, Any]:
    """Turn a column, as ``column_to_part()`` in R gives it, into JSON and an array."""
    record: dict[str, Any] = {"kind": part["kind"][0], "values": put(part["values"], arrays)}
    if record["kind"] in _CODED:
        record["levels"] = list(part["levels"])
    if record["kind"] == "factor":
        record["ordered"] = bool(part["ordered"][0])
    if record["kind"] == "datetime":
        record["timezone"] = part["timezone"][0]
    return record


def unpack_part(record: Any, arrays: Arrays, n_rows: int) -> Part:
    """Turn what :func:`pack_part` gave into a column that is ready for R.

    Raises
    ------
    ValueError
        It is not a column of ``n_rows`` rows.
    """
    kind = record["kind"]
    further = {"factor": {"levels", "ordered"}, "character": {"levels"}, "datetime": {"timezone"}}
    if set(record) != {"kind", "values"} | further.get(kind, set()):
        raise ValueError(f"a column with {', '.join(map(str, record))}")
    values = get(record["values"], arrays, _KINDS[kind], n_rows)
    part: Part = {"kind": kind, "values": values}
    if kind in _CODED:
        part["levels"] = check_texts(record["levels"])
        if len(set(part["levels"])) != len(part["levels"]):
            raise ValueError("two levels of one name")
        _check_codes(values, 1, len(part["levels"]))
    if kind == "logical":
        _check_codes(values, 0, 1)
    if kind == "factor":
        part["ordered"] = _of(record["ordered"], bool)
    if kind == "datetime":
        part["timezone"] = known_zone(record["timezone"])
    return part


def known_zone(name: Any) -> str:
    """Check the name of a time zone; R has no name for that of a date.

    Raises
    ------
    ValueError
        This computer has no such zone: names are looked up among its own, never as files.
    """
    if _of(name, str) and name not in _zones():
        raise ValueError(f"there is no time zone {name[:40]!r} here")
    return str(name)


@cache
def _zones() -> set[str]:
    return zoneinfo.available_timezones()


def check_texts(texts: Any) -> list[str]:
    """Check that something is a list of strings that R can hold.

    Raises
    ------
    ValueError
        It is not.
    """
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError("a list of strings is wanted")
    if any(unfit_for_r(text) for text in texts):
        raise ValueError("a string that R cannot hold")
    return texts


def _check_codes(values: NDArray[Any], low: int, high: int) -> None:
    present = values[values != NA_INTEGER]
    if present.size and (present.min() < low or present.max() > high):
        raise ValueError("a code that stands for nothing")


def _of(value: Any, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise ValueError(f"{value!r} is not a {kind.__name__}")
    return value


# -- figures -------------------------------------------------------------------------------------


def pack_figures(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Turn what ``saved_figures()`` in R gives into JSON, at full precision."""
    return [
        {
            "figure": name,
            "labels": list(each["labels"] or ()),
            "values": [pack(float(value), {}) for value in each["values"]],
        }
        for name, each in found.items()
    ]


def unpack_figures(stored: Any) -> dict[tuple[str, str], float]:
    """Return the figures by name and label.

    Raises
    ------
    ValueError
        They are none.
    """
    figures: dict[tuple[str, str], float] = {}
    for each in _of(stored, list):
        name, values = _of(each["figure"], str), unpack(_of(each["values"], list), {})
        labels: Sequence[str] = check_texts(each["labels"]) or [""] * len(values)
        for label, value in zip(labels, values, strict=True):
            if not conforms(value, float):
                raise ValueError(f"{value!r} is not a figure")
            figures[name, label] = float(value)
    return figures
