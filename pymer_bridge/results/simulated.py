"""Simulated residuals, and the curves that a true model draws of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class BandedCurve(NamedTuple):
    """A curve, and the band in which it lies where the model is true.

    Attributes
    ----------
    x, y, low, high
        Read-only arrays of one length.
    """

    x: Floats
    y: Floats
    low: Floats
    high: Floats


class ResidualView(NamedTuple):
    """Simulated residuals along a predictor, as a whole or within the levels of another.

    Attributes
    ----------
    x, by
        The predictor, and the other one; "" for none.
    values
        The predictor over the rows used: numbers, or numbers of levels from 1 on.
    levels
        Its levels, or None of numbers.
    parts
        What the curves are of, such as "sex = female" or "age > 50"; empty without another one.
    curves
        For each part a smooth line along numbers, or means at the levels.
    """

    x: str
    by: str
    values: Floats
    levels: tuple[str, ...] | None
    parts: tuple[str, ...]
    curves: tuple[BandedCurve, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedResiduals:
    """Where each response stands among responses that the fitted model draws.

    Of a true model they are uniform between 0 and 1, whatever its family.

    Attributes
    ----------
    residuals
        The share of draws below each response; at random among the draws that are equal to it.
    from_middle
        Twice their distance from a half.
    fitted
        Fitted values, with the random effects. All three over the rows used.
    quantiles
        The sorted residuals (up to 200 of them) against uniform quantiles.
    location, spread
        Smooth lines along the fitted values: of the residuals, and of their distances.
    views
        Residuals along predictors.
    n_views
        Among how many they were chosen, as those that stray farthest.
    conf_level
        How often the band holds all of these curves, from end to end, where the model is true.
    n_sim, seed
        How many responses each is compared with, and R's ``set.seed`` integer.
    warnings, messages
        R's warnings and messages.
    """

    residuals: Floats
    from_middle: Floats
    fitted: Floats
    quantiles: BandedCurve
    location: BandedCurve
    spread: BandedCurve
    views: tuple[ResidualView, ...]
    n_views: int
    conf_level: float
    n_sim: int
    seed: int | None
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
