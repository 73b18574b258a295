"""Indexes that a file can or cannot hold."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from pymer_bridge.data import indexes


def test_an_index_of_what_cannot_be_kept_is_refused():
    for labels, said in (
        (pd.Index([1j, 2j]), "its dtype is complex128"),
        (pd.Index([{1}, {2}], dtype=object), "it holds a set, {1}"),
    ):
        with pytest.raises(ValueError, match=said):
            indexes.pack_index(labels, {})


def test_a_kept_index_of_unknown_kind_is_refused():
    arrays: dict[str, Any] = {}
    kept = indexes.pack_index(pd.date_range("2024-01-01", periods=2), arrays)
    assert indexes.unpack_index(kept, arrays).equals(pd.date_range("2024-01-01", periods=2))
    with pytest.raises(ValueError, match="'fortnight' is not a unit of time"):
        indexes.unpack_index({**kept, "unit": "fortnight"}, arrays)
    with pytest.raises(ValueError, match="no index is of kind 'tree'"):
        indexes.unpack_index({**kept, "kind": "tree"}, arrays)
