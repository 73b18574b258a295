"""Models of several imputations, put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pymer_bridge.display import apa
from pymer_bridge.display.tables import Column
from pymer_bridge.results.base import Part, Rows, fields_of, intervals_said


@dataclass(frozen=True, slots=True, eq=False)
class PooledEffect(Part):
    """One fixed effect, by Rubin's rules.

    Attributes
    ----------
    term
        The name of the coefficient, as R has it.
    estimate
        The mean of the estimates, in units of the linear predictor for one unit of the term.
    std_error
        The root of the total variance.
    df
        Barnard and Rubin's degrees of freedom.
    statistic, p_value
        Estimate over standard error, and the two-sided p-value.
    conf_low, conf_high
        The ends of the interval.
    within, between
        The mean of the squared standard errors, and the variance of the estimates.
    relative_increase
        The relative increase in variance that missing values cause.
    missing_information
        The fraction of information that is missing.
    """

    term: str
    estimate: float
    std_error: float
    df: float
    statistic: float
    p_value: float
    conf_low: float
    conf_high: float
    within: float
    between: float
    relative_increase: float
    missing_information: float


@dataclass(frozen=True, slots=True, eq=False)
class PooledParameter(Part):
    """One variance, covariance or share of variance: the mean over imputations.

    Attributes
    ----------
    label
        As mitml has it, such as "Intercept~~Intercept|Subject".
    estimate
        The mean; variances are in squared units of the response.
    """

    label: str
    estimate: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PooledEffects(Rows[PooledEffect]):
    """The fixed effects of models of several imputations: ``pooled["Days"].p_value``.

    Attributes
    ----------
    rows
        One :class:`PooledEffect` per term, in R's order.
    parameters
        The variances of random effects, put together by mitml; none without random effects.
    n_imputations
        How many models were put together.
    df_complete
        The degrees of freedom that complete data would have had.
    conf_level
        The level of the intervals.
    warnings, messages
        R's warnings and messages.
    observations
        How many rows of the data each model uses.
    """

    rows: tuple[PooledEffect, ...]
    parameters: tuple[PooledParameter, ...]
    n_imputations: int
    df_complete: float
    conf_level: float
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    observations: int | None = None

    title: ClassVar[str] = "Fixed effects of several imputations"
    shown: ClassVar[tuple[str, ...]] = fields_of(PooledEffect)
    _own: ClassVar[tuple[Column, ...]] = (
        Column("within", "Within"),
        Column("between", "Between"),
        Column("relative_increase", "RIV"),
        Column("missing_information", "FMI"),
    )

    def _how(self) -> tuple[str, ...]:
        return (
            f"{self.n_imputations} imputations by Rubin's rules",
            "Barnard and Rubin's degrees of freedom",
            intervals_said(self.conf_level, "wald"),
        )

    def _columns(self) -> tuple[str, ...]:
        """Leave the two parts of the variance to ``to_frame()``."""
        return tuple(name for name in self.shown if name not in ("within", "between"))

    def _notes(self) -> tuple[str, ...]:
        return tuple(f"{row.label}: {apa.number(row.estimate, 3)}" for row in self.parameters)
