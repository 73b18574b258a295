"""Shares of the variance that groups, or a model, explain."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from pymer_bridge.display.tables import Column
from pymer_bridge.results.base import OneRow
from pymer_bridge.results.codec import LATER


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
    observations
        How many rows of the data the model uses; None in what was stored without it.
    """

    adjusted: float | None
    unadjusted: float | None
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    observations: int | None = field(default=None, metadata=LATER)

    title: ClassVar[str] = "Intraclass correlation"
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
    observations
        How many rows of the data the model uses; None in what was stored without it.
    """

    marginal: float | None
    conditional: float | None
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    observations: int | None = field(default=None, metadata=LATER)

    title: ClassVar[str] = "R squared"
    _columns: ClassVar[tuple[Column, ...]] = (
        Column("marginal", "Marginal"),
        Column("conditional", "Conditional"),
    )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LinearRSquared(OneRow):
    """The coefficient of determination of a linear model.

    Attributes
    ----------
    r_squared
        The share of variance that the model explains.
    adjusted
        The same, adjusted for the number of coefficients.
    warnings, messages
        R's warnings and messages.
    observations
        How many rows of the data the model uses.
    """

    r_squared: float
    adjusted: float
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    observations: int | None = None

    title: ClassVar[str] = "R squared"
    _columns: ClassVar[tuple[Column, ...]] = (
        Column("r_squared", "R squared"),
        Column("adjusted", "Adjusted"),
    )
