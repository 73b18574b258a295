"""Values that a file holds, and the types that they are stated to have."""

from __future__ import annotations

from typing import Any

import numpy as np

from pymer_bridge.data import packing


def test_what_a_stated_type_takes():
    assert packing.pack(np.float64(2.5), {}) == 2.5
    assert packing.conforms(object(), Any)
    assert packing.conforms((1, "a"), tuple[int, str])
    assert not packing.conforms((1,), tuple[int, str])
    assert not packing.conforms([1, "a"], tuple[int, str])
    assert packing.conforms((1, 2), tuple[int, ...])
