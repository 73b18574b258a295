"""Numbers, as R prints them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pymer_bridge.display import r_numbers
from pymer_bridge.session.r_session import session


@pytest.mark.r(alone=True)
@pytest.mark.parametrize("digits", [1, 7, 15, 16, 20])
@pytest.mark.parametrize(
    "value",
    [
        0.0,
        -0.0,
        1.0,
        123456.789,
        1e22,
        1e23,
        3e25,
        1e-5,
        2.5,
        0.1,
        9.9999999999,
        1e5,
        99999.5,
        math.inf,
        -math.inf,
        math.nan,
    ],
)
def test_numbers_are_printed_as_r_prints_them(value, digits):
    theirs = session().call("format", x=np.array([value]), digits=digits).value
    assert tuple(r_numbers.format_numbers([value], digits)) == theirs


def test_digits_that_r_does_not_take():
    for digits in (0, 23):
        with pytest.raises(ValueError, match=f"digits must be from 1 to 22, not {digits}"):
            r_numbers.format_numbers([1.0], digits)
