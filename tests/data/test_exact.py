"""What is the same to the last bit, and what is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from pymer_bridge.data.exact import same
from pymer_bridge.results.fixed_effects import FixedEffect, FixedEffects
from pymer_bridge.results.intervals import Interval
from pymer_bridge.results.matrix import NamedMatrix
from pymer_bridge.spec.families import Family

NAN = float("nan")


def pair(low: Any, high: Any = 1.0) -> Interval:
    return Interval("x", "x", low, high)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (True, 1),
        (0.0, -0.0),
        (None, NAN),
        ("1", 1),
        (1.0, np.float64(1.0)),
        ((1,), [1]),
        ((0.0,), (-0.0,)),
        ({"x": 1}, {"x": True}),
        ({"x": 1}, {"y": 1}),
        (np.array([0.0]), np.array([-0.0])),
        (np.array([1.0]), np.array([1])),
        (np.array([1.0]), np.array([1.0], dtype=np.float32)),
        (np.array([1.0]), np.array([[1.0]])),
        (np.array([1, "a"], dtype=object), np.array([1.0, "a"], dtype=object)),
        (np.array([1.0]), (1.0,)),
        (pd.Index([0.0]), pd.Index([-0.0])),
        (pd.Index([1]), pd.Index([1.0])),
        (pd.Index([1]), pd.RangeIndex(1, 2)),
        (pd.Index([1, "a"]), pd.Index([1.0, "a"])),
        (pd.Index([1], name="a"), pd.Index([1], name="b")),
        (pd.Index([1], name=0), pd.Index([1], name=False)),
        (pd.Index([1, 2]), pd.Index([2, 1])),
        (pd.CategoricalIndex(["a"]), pd.CategoricalIndex(["a"], ordered=True)),
        (pd.CategoricalIndex(["a"], ["a", "b"]), pd.CategoricalIndex(["a"], ["b", "a"])),
        (pd.IntervalIndex.from_breaks([0.0, 1]), pd.IntervalIndex.from_breaks([-0.0, 1])),
        (pd.MultiIndex.from_tuples([(1, 0.0)]), pd.MultiIndex.from_tuples([(1, -0.0)])),
        (pd.date_range("2024", periods=2), pd.DatetimeIndex(["2024-01-01", "2024-01-02"])),
        (pair(0.0), pair(-0.0)),
        (pair(1.0), pair(1)),
        (pair(None), pair(NAN)),
        (FixedEffects((), "none", 1.0), FixedEffects((), "none", 1)),
        (NamedMatrix(np.array([[0.0]]), ("x",)), NamedMatrix(np.array([[-0.0]]), ("x",))),
        (Family("gaussian", "identity"), Family("gaussian", "log")),
    ],
    ids=lambda value: f"{type(value).__name__} {value}"[:40],
)
def test_what_differs(one: Any, other: Any) -> None:
    assert not same(one, other)
    assert not same(other, one)
    assert same(one, one)
    if isinstance(one, Interval | FixedEffects | NamedMatrix):
        assert one != other


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (NAN, -NAN),
        ((NAN, 1), (NAN, 1)),
        (np.array([NAN, -0.0]), np.array([-NAN, -0.0])),
        (pd.Index([NAN, None], dtype=object), pd.Index([NAN, None], dtype=object)),
        (pd.Index([pd.NA, 1], dtype="Int8"), pd.Index([pd.NA, 1], dtype="Int8")),
        ({"a": 1, "b": NAN}, {"b": NAN, "a": 1}),
        (pair(NAN), pair(float("nan"))),
    ],
    ids=str,
)
def test_what_is_the_same(one: Any, other: Any) -> None:
    assert same(one, other)


def test_rows_that_are_the_same_have_one_hash() -> None:
    assert len({pair(NAN), pair(float("nan")), pair(0.0), pair(-0.0), pair(0.0)}) == 3
    row = FixedEffect("x", 1.0, 1.0, None, 1.0, None, None, None)
    assert row in {row}
    with pytest.raises(TypeError, match="unhashable"):
        hash(FixedEffects((row,), "none", 0.95))
