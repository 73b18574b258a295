"""The fixed effects of one model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from pymer_bridge.display import apa
from pymer_bridge.display.tables import Column
from pymer_bridge.results.base import (
    COLUMNS,
    METHODS,
    Part,
    Rows,
    fields_of,
    intervals_said,
    row_of,
)
from pymer_bridge.results.codec import LATER

Floats = NDArray[np.float64]

INTERCEPT: Final = "(Intercept)"
"""R's name of the intercept."""


@dataclass(frozen=True, slots=True, eq=False)
class FixedEffect(Part):
    """One fixed effect: estimate and test; a figure that the method does not give is None.

    Attributes
    ----------
    term
        The name of the coefficient, as R has it.
    estimate, std_error
        In units of the linear predictor for one unit of the term.
    df
        Degrees of freedom; None for normal tests.
    statistic, p_value
        Estimate over standard error, and the two-sided p-value.
    conf_low, conf_high
        The ends of the interval, in units of the estimate.
    """

    term: str
    estimate: float
    std_error: float
    df: float | None
    statistic: float
    p_value: float | None
    conf_low: float | None
    conf_high: float | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FixedEffects(Rows[FixedEffect]):
    """The fixed effects, one row per term: ``fixed_effects["Days"].p_value``.

    Attributes
    ----------
    rows
        One :class:`FixedEffect` per term, in R's order.
    ddf
        Which degrees of freedom: "satterthwaite", "normal" or "none".
    conf_level
        The level of the intervals.
    warnings, messages
        R's warnings and messages.
    interval_method
        "wald" or "profile".
    reference
        How R codes each factor, such as "period = 1" where it compares with that level.
    observations
        How many rows of the data the model uses; None in what was stored without it.
    """

    rows: tuple[FixedEffect, ...]
    ddf: str
    conf_level: float
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    interval_method: str = field(default="wald", metadata=LATER)
    reference: tuple[str, ...] = field(default=(), metadata=LATER)
    observations: int | None = field(default=None, metadata=LATER)

    title: ClassVar[str] = "Fixed effects"
    shown: ClassVar[tuple[str, ...]] = fields_of(FixedEffect)

    def _how(self) -> tuple[str, ...]:
        if self.ddf == "none":
            return ()
        return (METHODS[self.ddf], intervals_said(self.conf_level, self.interval_method))

    def _notes(self) -> tuple[str, ...]:
        return (f"Reference: {', '.join(self.reference)}",) if self.reference else ()

    def _label(self, name: str) -> Column:
        if self.ddf == "normal" and name in ("statistic", "p_value"):
            # R heads a normal test with z.
            return Column(
                name, {"statistic": "z value", "p_value": "Pr(>|z|)"}[name], COLUMNS[name].kind
            )
        return COLUMNS[name]


def sentence(effects: FixedEffects, term: str, *, interval: bool = False) -> str:
    """Return one row of fixed effects in a line.

    Parameters
    ----------
    effects
        Fixed effects, with any degrees of freedom.
    term
        The name of one of them.
    interval
        Add the confidence interval?

    Returns
    -------
    str
        Such as "b = 10.47, SE = 1.55, t(17.00) = 6.77, p < .001".

    Raises
    ------
    UnknownNameError
        There is no such term.
    """
    row = row_of(effects, term, "term")
    decimals = apa.decimals_for([row.std_error])
    parts = [
        f"b = {apa.number(row.estimate, decimals)}",
        f"SE = {apa.number(row.std_error, decimals)}",
    ]
    if interval and row.conf_low is not None:
        ends = (row.conf_low, row.conf_high)
        parts.append(apa.interval(*ends, effects.conf_level, decimals))
    parts.append(apa.statistic("z" if effects.ddf == "normal" else "t", row.statistic, row.df))
    if effects.ddf != "none":
        parts.append(apa.p_value(row.p_value))
    return ", ".join(parts)
