"""When two things are the same to the last bit, and how many floats lie between two."""

from __future__ import annotations

import dataclasses
import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

Value = float | int | str | bool | None
"""A figure: a number, a fact, a text, or None where R gives none."""


def same(one: Any, other: Any) -> bool:  # noqa: PLR0911  # a table of kinds
    """Say whether two things are of one type, and the same to the last bit.

    Parameters
    ----------
    one, other
        Figures, arrays, indexes, and tuples, mappings and dataclasses of them. NaN is itself;
        zeros of two signs are two figures. Of arrays dtype and shape count, of indexes dtype, names
        and frequency; the order of a mapping does not count.

    Examples
    --------
    >>> same(0.1 + 0.2, 0.3), same(0.0, -0.0), same(1, 1.0)
    (False, False, False)
    """
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return (one == other and _sign(one) == _sign(other)) or (
            math.isnan(one) and math.isnan(other)
        )
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and _same_values(one, other)
    if isinstance(one, pd.Index):
        return _same_index(one, other)
    if dataclasses.is_dataclass(one) and not isinstance(one, type):
        names = [f.name for f in dataclasses.fields(one)]
        return all(same(getattr(one, name), getattr(other, name)) for name in names)
    return one is other or bool(one == other)


def _sign(number: float) -> float:
    return math.copysign(1.0, number)


def _same_values(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    if one.dtype.kind == "f":
        missing = np.isnan(one)
        return bool(
            np.array_equal(one, other, equal_nan=True)
            and np.array_equal(np.signbit(one[~missing]), np.signbit(other[~missing]))
        )
    if one.dtype.kind == "O":
        return all(map(same, one.ravel(), other.ravel()))
    return np.array_equal(one, other)


def _same_index(one: pd.Index, other: Any) -> bool:
    if (
        len(one) != len(other)
        or one.dtype != other.dtype
        or not same(tuple(one.names), tuple(other.names))
        or getattr(one, "freq", None) != getattr(other, "freq", None)
    ):
        return False
    if isinstance(one, pd.MultiIndex):
        levels = range(one.nlevels)
        return all(same(one.get_level_values(i), other.get_level_values(i)) for i in levels)
    if isinstance(one, pd.CategoricalIndex):
        return same(one.categories, other.categories) and same(one.codes, other.codes)
    if isinstance(one, pd.IntervalIndex):
        return same(one.left, other.left) and same(one.right, other.right)
    return all(map(same, one, other))


def ulps(one: Value, other: Value) -> int | None:
    """Return how many steps from float to float lead from one number to the other.

    Parameters
    ----------
    one, other
        The figures; the zeros of two signs are neighbours.

    Returns
    -------
    int or None
        None where these are not two finite floats.

    Examples
    --------
    >>> ulps(0.1 + 0.2, 0.3), ulps(0.0, -0.0), ulps(1.0, "one")
    (1, 1, None)
    """
    if not isinstance(one, float) or not isinstance(other, float):
        return None
    if not (math.isfinite(one) and math.isfinite(other)):
        return None
    return abs(_place(one) - _place(other))


def _place(number: float) -> int:
    """Return the place of a float in the order of all, so that neighbours are one apart."""
    (bits,) = struct.unpack("<q", struct.pack("<d", number))
    return int(bits) if bits >= 0 else -(2**63) - int(bits) - 1
