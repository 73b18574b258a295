"""The names of the package."""

from __future__ import annotations

import pytest

import pymer_bridge as pb


def test_the_package_has_the_names_it_lists_and_no_other():
    assert dir(pb) == sorted(pb.__all__)
    assert pb.plots.__name__ == "pymer_bridge.plots"
    with pytest.raises(AttributeError, match="module 'pymer_bridge' has no attribute 'lmerr'"):
        _ = pb.lmerr
