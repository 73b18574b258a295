"""Coefficients of separate fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pymer_bridge.results.base import Part, Rows, fields_of, intervals_said


@dataclass(frozen=True, slots=True, eq=False)
class SeparateEffect(Part):
    """One coefficient of the fit to one group; its figures are None if it could not be estimated.

    Attributes
    ----------
    level
        The group.
    term
        The name of the coefficient.
    estimate, std_error
        In units of the linear predictor for one unit of the term.
    statistic, p_value
        Estimate over standard error, and the two-sided p-value.
    conf_low, conf_high
        The ends of the interval.
    """

    level: str
    term: str
    estimate: float | None
    std_error: float | None
    statistic: float | None
    p_value: float | None
    conf_low: float | None
    conf_high: float | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SeparateEffects(Rows[SeparateEffect]):
    """Coefficients of separate fits: ``effects["308", "Days"].estimate``.

    Attributes
    ----------
    rows
        One :class:`SeparateEffect` per group and term.
    conf_level
        The level of the intervals.
    warnings, messages
        R's warnings and messages.
    """

    rows: tuple[SeparateEffect, ...]
    conf_level: float
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    title: ClassVar[str] = "Coefficients, group by group"
    key: ClassVar[tuple[str, ...]] = ("level", "term")
    shown: ClassVar[tuple[str, ...]] = fields_of(SeparateEffect)

    def _how(self) -> tuple[str, ...]:
        return (intervals_said(self.conf_level, "wald"),)
