"""The versions of everything that a figure depends on."""

from __future__ import annotations

import pymer_bridge as pb


def test_the_versions_are_a_frame():
    versions = pb.show_versions()
    frame = versions.to_frame()
    assert list(frame.columns) == ["part", "name", "version"]
    assert "pandas" in set(frame["name"])
