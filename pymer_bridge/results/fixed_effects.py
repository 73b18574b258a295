"""The fixed effects of one model."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from math import exp, inf
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar

import numpy as np
import pandas as pd
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
    z_label,
)
from pymer_bridge.results.codec import LATER
from pymer_bridge.results.drawn import DrawnCoefficients
from pymer_bridge.spec.options import flag

if TYPE_CHECKING:
    from typing_extensions import TypeVar as DefaultedTypeVar

    Tested_co = DefaultedTypeVar(
        "Tested_co", bound=float | None, default=float | None, covariant=True
    )
else:
    Tested_co = TypeVar("Tested_co", covariant=True)

Floats = NDArray[np.float64]

INTERCEPT: Final = "(Intercept)"
"""R's name of the intercept."""


@dataclass(frozen=True, slots=True, eq=False)
class FixedEffect(Part, Generic[Tested_co]):
    """One fixed effect: estimate and test; a figure that the method does not give is None.

    Of ``FixedEffect[float]``, as with any degrees of freedom but "none", the method gives all.

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
    p_value: Tested_co
    conf_low: Tested_co
    conf_high: Tested_co


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FixedEffects(DrawnCoefficients, Rows[FixedEffect[Tested_co]], Generic[Tested_co]):
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
    link
        The link of a generalized model; None for others.
    exponentiated
        Are estimates and ends of intervals exponentials?
    observations
        How many rows of the data the model uses; None in what was stored without it.
    std_errors
        Which robust standard errors, such as "CR2, 18 clusters (Subject)"; None for the model's.
    """

    rows: tuple[FixedEffect[Tested_co], ...]
    ddf: str
    conf_level: float
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    interval_method: str = field(default="wald", metadata=LATER)
    reference: tuple[str, ...] = field(default=(), metadata=LATER)
    link: str | None = field(default=None, metadata=LATER)
    exponentiated: bool = field(default=False, metadata=LATER)
    observations: int | None = field(default=None, metadata=LATER)
    std_errors: str | None = field(default=None, metadata=LATER)

    title: ClassVar[str] = "Fixed effects"
    shown: ClassVar[tuple[str, ...]] = fields_of(FixedEffect)

    def _how(self) -> tuple[str, ...]:
        scale = (f"{self._scale()}s",) if self.exponentiated else ()
        if self.ddf == "none":
            return scale
        robust = (f"robust standard errors ({self.std_errors})",) if self.std_errors else ()
        if all(row.conf_low is None for row in self.rows):
            return (*scale, *robust, METHODS[self.ddf])
        ends = intervals_said(self.conf_level, self.interval_method)
        return (*scale, *robust, METHODS[self.ddf], ends)

    def _scale(self) -> str:
        return "odds ratio" if self.link == "logit" else "exponential"

    def to_frame(self, *, exponentiate: bool = False) -> pd.DataFrame:
        """Return the rows as a pandas frame, every column at full precision.

        Parameters
        ----------
        exponentiate
            Give exponentials of estimates and of ends of intervals, and standard errors by the
            delta method, as broom's ``tidy(exponentiate = TRUE)``? Tests stay as they are.

        Returns
        -------
        pandas.DataFrame
            One row per term.
        """
        given = exponentials(self) if flag(exponentiate, "exponentiate") else self
        return super(FixedEffects, given).to_frame()

    def _notes(self) -> tuple[str, ...]:
        return (f"Reference: {', '.join(self.reference)}",) if self.reference else ()

    def _label(self, name: str) -> Column:
        if self.ddf == "normal" and name in ("statistic", "p_value"):
            return z_label(name)
        if self.exponentiated and name == "estimate":
            return replace(COLUMNS[name], label=exponential_label([self.link]))
        return COLUMNS[name]


def exponential_label(links: Iterable[str | None]) -> str:
    """Return the heading of exponentials: odds ratios where each link is the logit."""
    return "Odds ratio" if all(link == "logit" for link in links) else "exp(Estimate)"


def exponential(value: float | None) -> float | None:
    """Return what R's exp() gives: infinity where Python's raises an error."""
    if value is None:
        return None
    try:
        return exp(value)
    except OverflowError:
        return inf


@dataclass(frozen=True, slots=True, eq=False)
class ScaledColumn(Part):
    """A column of the data that was standardized: ``(column - center) / scale``.

    Attributes
    ----------
    column
        Its name.
    center
        What was taken off: its mean.
    scale
        What it was divided by: its standard deviation, or twice that.
    """

    column: str
    center: float
    scale: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StandardizedEffects(FixedEffects[Any]):
    """Fixed effects of a model refitted to standardized data; made by ``fit.standardize()``.

    Attributes
    ----------
    scaled
        One :class:`ScaledColumn` for each column that was standardized.
    """

    scaled: tuple[ScaledColumn, ...] = field(default=(), metadata=LATER)

    title: ClassVar[str] = "Fixed effects of standardized data"

    def _notes(self) -> tuple[str, ...]:
        columns = (f"{each.column} by {each.scale:.6g}" for each in self.scaled)
        said = ", ".join(columns)
        return (f"Divided: {said}",) if said else ()


def exponentials(effects: FixedEffects) -> FixedEffects:
    """Return fixed effects with exponentials of estimates and of ends of intervals.

    Parameters
    ----------
    effects
        On the scale of the linear predictor. Standard errors become those of the delta method;
        tests stay.
    """
    rows = []
    for row in effects.rows:
        estimate = exponential(row.estimate) or 0.0
        rows.append(
            replace(
                row,
                estimate=estimate,
                std_error=row.std_error * estimate,
                conf_low=exponential(row.conf_low),
                conf_high=exponential(row.conf_high),
            )
        )
    return replace(effects, rows=tuple(rows), exponentiated=True)


def listed_effects(effects: FixedEffects, labels: Callable[[str], str]) -> str:
    """Return all fixed effects with their intervals, as a sentence of a report.

    Parameters
    ----------
    effects
        Fixed effects, with any degrees of freedom.
    labels
        Gives the label of each term.
    """
    how = effects._how()
    said = [f"{labels(row.term)}, {sentence(effects, row.term, interval=True)}" for row in effects]
    by = METHODS.get(effects.ddf) if len(how) > 1 else next(iter(how), None)
    by = f"{effects.std_errors}; {by}" if effects.std_errors else by
    return f"Fixed effects{f' ({by})' if by else ''}: " + ("; ".join(said) or "none")


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
    name = "b"
    if effects.exponentiated:
        name = "OR" if effects.link == "logit" else "exp(b)"
    decimals = apa.decimals_for([row.std_error])
    parts = [
        f"{name} = {apa.number(row.estimate, decimals)}",
        f"SE = {apa.number(row.std_error, decimals)}",
    ]
    if interval and row.conf_low is not None:
        ends = (row.conf_low, row.conf_high)
        parts.append(apa.interval(*ends, effects.conf_level, decimals))
    parts.append(apa.statistic("z" if effects.ddf == "normal" else "t", row.statistic, row.df))
    if effects.ddf != "none":
        parts.append(apa.p_value(row.p_value))
    return ", ".join(parts)
