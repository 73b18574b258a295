"""Shares of the variance that groups, or a model, explain."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from pymer_bridge.display.tables import Column, Table
from pymer_bridge.results.base import Result


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class IntraclassCorrelation(Result):
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

    def to_frame(self) -> pd.DataFrame:
        """Return a frame of one row."""
        return pd.DataFrame([{"adjusted": self.adjusted, "unadjusted": self.unadjusted}])

    def _table(self) -> Table:
        columns = (Column("adjusted", "Adjusted"), Column("unadjusted", "Unadjusted"))
        rows = ((self.adjusted, self.unadjusted),)
        return Table(columns, rows, title="Intraclass correlation:")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RSquared(Result):
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

    def to_frame(self) -> pd.DataFrame:
        """Return a frame of one row."""
        return pd.DataFrame([{"marginal": self.marginal, "conditional": self.conditional}])

    def _table(self) -> Table:
        columns = (Column("marginal", "Marginal"), Column("conditional", "Conditional"))
        return Table(columns, ((self.marginal, self.conditional),), title="R squared:")
