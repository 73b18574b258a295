"""Numbers as the Publication Manual of the American Psychological Association writes them.

A leading zero stands only where a figure can exceed 1; p-values have three decimals, and end at
.001 and .999; a minus is a minus and no hyphen. These functions round for a reader; figures at
full precision stay in the results.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

MINUS: Final = "\N{MINUS SIGN}"
MISSING: Final = "NA"
MOST_DECIMALS: Final = 8


def decimals_for(std_errors: Iterable[float | None], least: int = 2) -> int:
    """Return how many decimals show each standard error to two significant digits.

    Parameters
    ----------
    std_errors
        Standard errors; what is missing or 0 does not count.
    least
        The fewest decimals.

    Returns
    -------
    int
        From ``least`` to 8 (or ``least``, where that is more).

    Examples
    --------
    >>> decimals_for([0.30, 0.0042])
    4
    """
    known = [abs(s) for s in std_errors if s is not None and math.isfinite(s) and s != 0.0]
    # The exponent of the number as it is shown, so that 0.0996 counts as 0.10.
    needed = [1 - int(f"{s:.1e}".split("e")[1]) for s in known]
    return max(least, min(MOST_DECIMALS, max(needed, default=least)))


def number(value: float | None, decimals: int = 2) -> str:
    """Return a number that can exceed 1.

    Parameters
    ----------
    value
        The number; None or NaN where it is missing.
    decimals
        How many decimals.

    Returns
    -------
    str
        Such as "\N{MINUS SIGN}0.52"; what rounds to zero has no sign.

    Examples
    --------
    >>> number(-0.518), number(-0.001), number(None)
    ('\N{MINUS SIGN}0.52', '0.00', 'NA')
    """
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    # No reader counts more figures than that.
    shown = f"{abs(value):.2e}" if abs(value) >= 1e15 else f"{abs(value):.{decimals}f}"
    zero = not shown.strip("0.")
    return shown if value >= 0 or zero else MINUS + shown


def share(value: float | None, decimals: int = 2) -> str:
    """Return a number that cannot exceed 1, such as a correlation, without a leading zero.

    Parameters
    ----------
    value
        The number; None or NaN where it is missing.
    decimals
        How many decimals.

    Returns
    -------
    str
        Such as ".45".

    Examples
    --------
    >>> share(-0.4512), share(1.0), share(0.0)
    ('\N{MINUS SIGN}.45', '1.00', '.00')
    """
    shown = number(value, decimals)
    return shown.replace("0.", ".", 1) if shown.lstrip(MINUS).startswith("0.") else shown


def p_value(value: float | None) -> str:
    """Return a p-value with the sign that goes before it.

    Parameters
    ----------
    value
        The p-value; None or NaN where it is missing.

    Returns
    -------
    str
        Such as "p = .012", "p < .001" or "p > .999".

    Examples
    --------
    >>> p_value(0.001), p_value(0.0005), p_value(0.9996)
    ('p = .001', 'p < .001', 'p > .999')
    """
    if value is None or math.isnan(value):
        return f"p = {MISSING}"
    if value < 0.001:
        return "p < .001"
    shown = share(value, 3)
    return "p > .999" if shown == "1.000" else f"p = {shown}"


def degrees(value: float) -> str:
    """Return degrees of freedom: whole ones without decimals, others with two.

    Parameters
    ----------
    value
        The degrees of freedom.

    Returns
    -------
    str
        Such as "17.51" or "178".

    Examples
    --------
    >>> degrees(17.512), degrees(178.0)
    ('17.51', '178')
    """
    return str(int(value)) if float(value).is_integer() else number(value, 2)


def statistic(name: str, value: float | None, df: float | None = None) -> str:
    """Return a test statistic with its degrees of freedom.

    Parameters
    ----------
    name
        "t" or "z".
    value
        Its value.
    df
        Degrees of freedom; None where there are none.

    Returns
    -------
    str
        Such as "t(17.51) = 3.88".

    Examples
    --------
    >>> statistic("t", 3.8812, 17.512), statistic("z", -0.5)
    ('t(17.51) = 3.88', 'z = \N{MINUS SIGN}0.50')
    """
    known = df is not None and math.isfinite(df)
    within = f"({degrees(df)})" if known and df is not None else ""
    return f"{name}{within} = {number(value)}"


def interval(low: float | None, high: float | None, conf_level: float, decimals: int = 2) -> str:
    """Return a confidence interval with its level.

    Parameters
    ----------
    low, high
        Its ends.
    conf_level
        Its level, below 1.
    decimals
        How many decimals.

    Returns
    -------
    str
        Such as "95% CI [0.52, 1.78]".

    Examples
    --------
    >>> interval(-0.52, 1.78, 0.95)
    '95% CI [\N{MINUS SIGN}0.52, 1.78]'
    """
    level = f"{conf_level * 100:.6g}%"
    return f"{level} CI [{number(low, decimals)}, {number(high, decimals)}]"
