"""Shares of the variance that groups, or a model, explain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pymer_bridge.display.tables import Column
from pymer_bridge.results.base import OneRow


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class IntraclassCorrelation(OneRow):
    """Intraclass correlation: the share of variance that lies between groups.

    Attributes
    ----------
    adjusted
        The share of the variance that the fixed effects do not explain; None for a singular fit.
    unadjusted
        The share of all variance, including that of the fixed effects; None for a singular fit.
    warnings, messages
        R's warnings and messages.
    """

    adjusted: float | None
    unadjusted: float | None
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    title: ClassVar[str] = "Intraclass correlation:"
    _columns: ClassVar[tuple[Column, ...]] = (
        Column("adjusted", "Adjusted"),
        Column("unadjusted", "Unadjusted"),
    )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RSquared(OneRow):
    """Nakagawa's coefficients of determination.

    Attributes
    ----------
    marginal
        The share of variance that the fixed effects explain.
    conditional
        The share that fixed and random effects explain together; None for a singular fit.
    warnings, messages
        R's warnings and messages.
    """

    marginal: float | None
    conditional: float | None
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    title: ClassVar[str] = "R squared:"
    _columns: ClassVar[tuple[Column, ...]] = (
        Column("marginal", "Marginal"),
        Column("conditional", "Conditional"),
    )
