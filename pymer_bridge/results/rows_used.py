"""The rows of the data that a fit uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import pandas as pd

from pymer_bridge.display.tables import Column, Table
from pymer_bridge.results.base import Result

MOST_COLUMNS: Final = 6
"""Columns that a sentence names."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RowsUsed(Result):
    """How many rows of its data a model uses, and why it leaves out the others.

    ``str()`` is such as "670 of 750 rows; 80 left out: missing values in cond (50), y (30)".

    Attributes
    ----------
    n_rows, n_used
        The rows of the data, and those that the fit uses.
    n_missing
        How many are left out because they lack a value.
    missing
        For each column, or other variable of the model, how many of these rows lack its value;
        those with most of them first. A row may lack several.
    n_several
        How many rows lack several.
    n_subset
        How many are left out by ``subset=``.
    n_weightless
        How many have a weight of zero, which R does not count for models without random effects.
    n_failed
        How many belong to groups to which R could not fit (:func:`pymer_bridge.lm_list`).
    """

    n_rows: int
    n_used: int
    n_missing: int = 0
    missing: dict[str, int] | None = None
    n_several: int = 0
    n_subset: int = 0
    n_weightless: int = 0
    n_failed: int = 0

    title: ClassVar[str] = "Rows"

    @property
    def n_left_out(self) -> int:
        """How many rows are left out."""
        return self.n_rows - self.n_used

    def _reasons(self) -> list[tuple[str, int]]:
        reasons = [
            ("not in subset=", self.n_subset),
            ("missing values", self.n_missing),
            ("weights of 0", self.n_weightless),
            ("groups that could not be fitted", self.n_failed),
        ]
        return [(reason, n) for reason, n in reasons if n]

    def __str__(self) -> str:
        """Return it in a line."""
        if not self.n_left_out:
            return f"all {self.n_rows} rows"
        said = []
        for reason, n in self._reasons():
            columns = [f"{name} ({k})" for name, k in (self.missing or {}).items()]
            if reason != "missing values" or not columns:
                said.append(f"{reason} ({n})")
                continue
            if len(columns) > MOST_COLUMNS:
                columns[MOST_COLUMNS:] = [f"{len(columns) - MOST_COLUMNS} more columns"]
            if self.n_several:
                columns.append(f"several of them ({self.n_several})")
            said.append(f"{reason} in {', '.join(columns)}")
        rows = f"{self.n_used} of {self.n_rows} rows; {self.n_left_out} left out"
        return ": ".join([rows, *filter(None, ["; ".join(said)])])

    def to_frame(self) -> pd.DataFrame:
        """Return one row per reason and column: reason, column and the number of rows."""
        rows: list[tuple[str, str | None, int]] = [
            (reason, None, n) for reason, n in self._reasons()
        ]
        rows += [("missing values", name, n) for name, n in (self.missing or {}).items()]
        return pd.DataFrame(rows, columns=["reason", "column", "n"])

    def _table(self) -> Table:
        columns = Column("reason", "Left out", "text"), Column("n", "Rows", "integer")
        return Table(columns, tuple(self._reasons()), title=self._caption(), notes=(str(self),))
