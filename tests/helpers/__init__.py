"""What several tests share; imported as ``helpers``, for ``tests`` is on the path of pytest."""

from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
REFERENCES = TESTS / "reference"
"""Plain R, written by hand, which knows nothing of this package."""
