"""Numbers as R prints them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

_DECIMAL_DIGITS = 15  # beyond these R counts significant digits by printing and reading back
_MAX_DIGITS = 22  # R's own limit
_TABLED_POWER = 27  # R scales by a table of powers of ten up to here, by powl() beyond


def _as_long_double(value: Fraction) -> Fraction:
    """Round a positive number to the 64-bit significand of x86's long double."""
    exponent = value.numerator.bit_length() - value.denominator.bit_length() - 64
    unit = Fraction(2) ** exponent
    if value >= unit * 2**64:
        unit *= 2
    return round(value / unit) * unit


def _scale(magnitude: float, power: int) -> Fraction:
    """Return ``magnitude / 10**power`` with the rounding errors that R makes."""
    value = Fraction(magnitude)
    if abs(power) > _TABLED_POWER:
        return _as_long_double(value / _as_long_double(Fraction(10) ** power))
    # R's table holds doubles, so its 1e23 to 1e27 are not exactly powers of ten.
    ten = Fraction(float(f"1e{abs(power)}"))
    return _as_long_double(value / ten if power > 0 else value * ten)


def _significant(magnitude: float, digits: int) -> tuple[int, int, bool]:
    """Return the power of ten, the digits needed, and whether only rounding gave that power."""
    if magnitude == 0:
        return 0, 1, False
    if digits > _DECIMAL_DIGITS:
        mantissa, exponent = f"{magnitude:.{digits - 1}e}".split("e")
        return int(exponent), max(1, len(mantissa.replace(".", "").rstrip("0"))), False
    power = math.floor(math.log10(magnitude)) - digits + 1
    scaled = _scale(magnitude, power)
    if scaled < 10 ** (digits - 1):  # log10 was rounded up to the next whole number
        scaled, power = _as_long_double(scaled * 10), power - 1
    shown = str(round(scaled))  # rounds half to even, as R's nearbyintl() does
    power += len(shown) - 1
    half = Fraction(1, 2 * 10 ** max(0, digits - power))
    widened = power > 0 and Fraction(magnitude) < Fraction(10) ** power - half
    return power, len(shown.rstrip("0")), widened


def _number_spec(values: Sequence[float], digits: int, *, rounded: bool = False) -> str:
    """Return the one format spec that R would use for all of these finite numbers.

    With `rounded` a zero that comes of rounding counts as a digit.
    """
    decimals = needed = whole = negative = 0
    powers = []
    for value in values:
        power, significant, widened = _significant(abs(value), digits)
        if rounded and float(f"{value:.{significant - 1}e}") != value:
            significant = digits
        sign = int(value < 0)
        negative |= sign
        powers.append(power)
        decimals = max(decimals, significant - power - 1)
        whole = max(whole, sign + max(1, power + 1 - widened))
        needed = max(needed, significant)
    exponent_digits = 3 if max(powers) >= 100 or min(powers) <= -100 else 2
    fixed_width = whole + decimals + (decimals > 0)
    scientific_width = negative + needed + (needed > 1) + 2 + exponent_digits
    return f".{decimals}f" if fixed_width <= scientific_width else f".{needed - 1}e"


def check_digits(digits: int) -> None:
    """Check a number of significant digits.

    Raises
    ------
    ValueError
        R does not take it.
    """
    if not 1 <= digits <= _MAX_DIGITS:
        raise ValueError(f"digits must be from 1 to {_MAX_DIGITS}, not {digits!r}")


def common_format(values: Sequence[float], digits: int) -> str:
    """Return the format that shows each of these finite numbers to some significant digits.

    Parameters
    ----------
    values
        The numbers.
    digits
        Significant digits, 1 to 22.

    Returns
    -------
    str
        As ``format()`` takes it; "" where there is no number.

    Examples
    --------
    >>> common_format([6.8246, 1.5458], 4)
    '.3f'
    """
    return _number_spec(values, digits, rounded=True) if values else ""


def format_numbers(
    values: Sequence[float | int | None], digits: int, spec: str | None = None
) -> list[str]:
    """Format numbers that stand in one column, as R's ``format(x, digits=)`` does.

    All finite numbers get the same number of decimals: as few as show each of them to at least
    `digits` significant digits. They go to scientific notation together, where that is narrower.

    Parameters
    ----------
    values
        The numbers. None is a cell that does not apply.
    digits
        Significant digits, 1 to 22.
    spec
        The format of :func:`common_format` instead, if these numbers have room in it.

    Returns
    -------
    list of str
        One string each, not padded to a common width; "" for None.

    Raises
    ------
    ValueError
        If `digits` is out of range.

    Notes
    -----
    R finds the digits needed in the machine's long double, whose rounding decides near a tie.
    That of x86-64 is reproduced here. R built without it, or with a wider one (arm64), may
    differ in the last digit of a number that lies within some 1e-16 of a tie; and so may
    R on x86-64 below 1e-12 or above 1e28, where the C library's `powl` is not always exact.

    Examples
    --------
    >>> format_numbers([251.405, 10.467, None], 4)
    ['251.41', '10.47', '']
    >>> format_numbers([1e-10, 1.0, float("-inf")], 3)
    ['1e-10', '1e+00', '-Inf']
    """
    check_digits(digits)
    doubles = [None if value is None else float(value) for value in values]
    finite = [value for value in doubles if value is not None and math.isfinite(value)]
    if not spec or (spec[-1] == "f" and any(abs(value) >= 1e15 for value in finite)):
        spec = _number_spec(finite, digits) if finite else ""
    return ["" if value is None else _format_double(value, spec) for value in doubles]


def _format_double(value: float, spec: str) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    return format(value + 0.0, spec)  # adding zero drops the sign of a negative zero


def format_p_values(values: Sequence[float | None], digits: int = 3) -> list[str]:
    """Format p-values as R's ``format.pval(p, digits=, eps=2.2e-16)`` does.

    Parameters
    ----------
    values
        The p-values. None is a cell that does not apply.
    digits
        Significant digits, 1 to 22.

    Returns
    -------
    list of str
        One string each, not padded; "" for None and, as in R, "NA" for NaN. What is below
        2.2e-16 is shown as "<2e-16", or as "< 2e-16" where the column is wide enough.

    Raises
    ------
    ValueError
        If `digits` is out of range.

    Examples
    --------
    >>> format_p_values([0.0123, 1.49e-12, 1e-20])
    ['0.0123', '1.49e-12', '< 2e-16']
    >>> format_p_values([1e-20, None])
    ['<2e-16', '']
    """
    check_digits(digits)
    eps = 2.2e-16
    known = [float(value) for value in values if value is not None and not math.isnan(value)]
    # R formats those that suit fixed notation apart from the smaller ones.
    smallest_fixed = -4 if digits > 1 else -3
    fixed = [p for p in known if p >= eps and math.log10(p) >= smallest_fixed]
    small = [p for p in known if p >= eps and math.log10(p) < smallest_fixed]
    shown = dict(zip(fixed, format_numbers(fixed, digits), strict=True))
    shown |= dict(zip(small, format_numbers(small, digits), strict=True))
    width = max(map(len, shown.values()), default=0)
    eps_digits = max(1, digits - 2)
    if shown and eps_digits > 1 and eps_digits + 6 > width:
        eps_digits = max(1, width - 7)
    space = "" if eps_digits == 1 and width <= 6 else " "
    below = f"<{space}{format_numbers([eps], eps_digits)[0]}"
    return [
        "" if value is None else "NA" if math.isnan(value) else shown.get(float(value), below)
        for value in values
    ]
