"""Work shared among processes."""

from __future__ import annotations

from pymer_bridge.replicates import parallel


def test_what_is_missing_of_a_range():
    assert parallel.gaps(5, []) == [(0, 5)]
    assert parallel.gaps(5, [(3, 5), (0, 1)]) == [(1, 3)]
    assert parallel.gaps(5, [(0, 5)]) == []
