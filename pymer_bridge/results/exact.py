"""Figures to the last bit: when two are the same, and how many floats lie between them."""

from __future__ import annotations

import math
import struct

Value = float | int | str | bool | None
"""A figure: a number, a fact, a text, or None where R gives none."""


def same(one: Value, other: Value) -> bool:
    """Say whether two figures are of one kind and the same to the last bit.

    Parameters
    ----------
    one, other
        The figures. NaN is itself; zeros of two signs are two figures.

    Examples
    --------
    >>> same(0.1 + 0.2, 0.3), same(0.0, -0.0), same(1, 1.0)
    (False, False, False)
    """
    if isinstance(one, float) and isinstance(other, float):
        if math.isnan(one) or math.isnan(other):
            return math.isnan(one) and math.isnan(other)
        return one == other and math.copysign(1.0, one) == math.copysign(1.0, other)
    return type(one) is type(other) and one == other


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
