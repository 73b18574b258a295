"""Lines of one predictor by group: pooled completely, not at all, and partially."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.display.tables import Column, Table
from pymer_bridge.results.base import COLUMNS, Result


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PoolingLines(Result):
    """Intercepts and slopes of the groups under complete, no and partial pooling.

    Attributes
    ----------
    group, predictor, response
        The grouping factor, the numeric predictor and the response.
    levels
        The groups.
    complete
        Intercept and slope of one line for all data, without groups.
    none
        Array of groups by (intercept, slope): each from its own data alone; NaN if these do not
        suffice.
    partial
        The same from the mixed model: its group coefficients.
    population
        Intercept and slope of the fixed effects.
    warnings, messages
        R's warnings and messages.
    """

    group: str
    predictor: str
    response: str
    levels: tuple[str, ...]
    complete: tuple[float, float]
    none: NDArray[np.float64]
    partial: NDArray[np.float64]
    population: tuple[float, float]
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    terms: ClassVar[tuple[str, str]] = ("intercept", "slope")

    def to_frame(self) -> pd.DataFrame:
        """Return one row per group and way of pooling: pooling, level, intercept, slope."""
        n = len(self.levels)
        lines = np.vstack([np.tile(self.complete, (n, 1)), self.none, self.partial])
        return pd.DataFrame(
            {
                "pooling": np.repeat(np.array(["complete", "none", "partial"], dtype=object), n),
                "level": list(self.levels) * 3,
                "intercept": lines[:, 0],
                "slope": lines[:, 1],
            }
        )

    def _table(self) -> Table:
        columns = (
            COLUMNS["level"], Column("none0", "Intercept (none)"), Column("none1", "Slope (none)"),
            Column("partial0", "Intercept (partial)"), Column("partial1", "Slope (partial)"),
        )  # fmt: skip
        figures = np.hstack([self.none, self.partial]).tolist()
        cells = tuple(
            (level, *(None if np.isnan(value) else value for value in row))
            for level, row in zip(self.levels, figures, strict=True)
        )
        note = f"Complete pooling: {self.complete[0]:.5g}, {self.complete[1]:.5g}"
        title = f"Lines of {self.response} on {self.predictor} by {self.group}"
        return Table(columns, cells, title=title, notes=(note,))
