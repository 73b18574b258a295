"""Estimated marginal means, trends and their contrasts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isinf
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.display.tables import Column, Table
from pymer_bridge.errors import OptionError, UnknownNameError, listed, shown
from pymer_bridge.results.base import COLUMNS, Key, Part, Rows, above, fields_of, predictor_columns
from pymer_bridge.results.codec import LATER
from pymer_bridge.spec.options import Adjust

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, eq=False)
class MarginalMean(Part):
    """One estimated marginal mean, slope or contrast.

    Attributes
    ----------
    levels
        The value of each predictor; for a contrast its name, and the levels that it is within.
    estimate, std_error, df, statistic, p_value, conf_low, conf_high
        As emmeans gives them; ``df`` is infinite for a normal approximation.
    """

    levels: Mapping[str, str | float]
    estimate: float | None
    std_error: float | None
    df: float | None
    statistic: float | None
    p_value: float | None
    conf_low: float | None
    conf_high: float | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MarginalTable(Rows[MarginalMean]):
    """Marginal means, slopes or contrasts, one row each.

    Attributes
    ----------
    rows
        One :class:`MarginalMean` each, in R's order.
    by
        The names of the predictors (and "contrast").
    what
        emmeans' name of the estimate: "emmean", "response", "Days.trend", "estimate" ...
    notes
        emmeans' notes: method, level, adjustment.
    text
        The text that R prints.
    warnings, messages
        R's warnings and messages.
    observations
        How many rows of the data the model uses; None in what was stored without it.
    """

    rows: tuple[MarginalMean, ...]
    by: tuple[str, ...]
    what: str
    notes: tuple[str, ...]
    text: str
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    observations: int | None = field(default=None, metadata=LATER)

    figures: ClassVar[tuple[str, ...]] = fields_of(MarginalMean)[1:]

    def __str__(self) -> str:
        """Return the text that R prints."""
        return self.text

    def __getitem__(self, key: Key | tuple[Key, ...]) -> MarginalMean:
        """Return the row of these levels, in the order of ``by``.

        Raises
        ------
        UnknownNameError
            There is no such row.
        """
        wanted = key if isinstance(key, tuple) else (key,)
        keys = list(self._keys())
        if wanted not in keys:
            raise UnknownNameError(f"no row {shown(key)} by {self.by}; there are: {listed(keys)}")
        return self.rows[keys.index(wanted)]

    def _keys(self) -> Iterator[tuple[Key, ...]]:
        return (tuple(row.levels.values()) for row in self.rows)

    def to_frame(self) -> pd.DataFrame:
        """Return the rows as a pandas frame: the predictors, then the figures."""
        keys = predictor_columns([row.levels for row in self.rows], self.by, self.figures)
        figures = {
            name: pd.to_numeric(pd.Series([getattr(row, name) for row in self.rows]))
            for name in self.figures
        }
        return pd.DataFrame({**keys, **figures})

    def _table(self) -> Table:
        figures = [n for n in self.figures if any(getattr(r, n) is not None for r in self.rows)]
        columns = tuple(
            Column(name, name, "text" if isinstance(self.rows[0].levels[name], str) else "number")
            for name in self.by
        )
        cells = tuple(
            (*row.levels.values(), *(getattr(row, name) for name in figures)) for row in self.rows
        )
        heads = tuple(map(self._label, figures))
        return Table((*columns, *heads), cells, title=self._caption(), notes=self._notes())

    def _how(self) -> tuple[str, ...]:
        if "contrast" in self.by:
            return ("Contrasts",)
        if self.what.endswith(".trend"):
            return (f"Estimated marginal slopes of {self.what.removesuffix('.trend')}",)
        return ("Estimated marginal means",)

    def _notes(self) -> tuple[str, ...]:
        return (*(note.strip() for note in self.notes), *self.messages)

    def _label(self, name: str) -> Column:
        normal = all(row.df is not None and isinf(row.df) for row in self.rows)
        heads = {"estimate": self.what}
        if normal:
            heads |= {"statistic": "z value", "p_value": "Pr(>|z|)"}
        return replace(COLUMNS[name], label=heads.get(name, COLUMNS[name].label))

    def plot(
        self,
        *,
        comparisons: bool = False,
        alpha: float = 0.05,
        adjust: Adjust = "tukey",
        by: str | Sequence[str] | None = None,
        ax: Axes | Sequence[Axes] | None = None,
    ) -> Figure:
        """Draw the rows with their intervals; see :func:`pymer_bridge.plots.means`."""
        figure: Figure = above("pymer_bridge.plots", "means")(
            self, comparisons=comparisons, alpha=alpha, adjust=adjust, by=by, ax=ax
        )
        return figure

    def emmip(
        self, formula: str, *, intervals: bool = True, ax: Axes | Sequence[Axes] | None = None
    ) -> Figure:
        """Draw an interaction, as in "trace ~ x | by"; see :func:`pymer_bridge.plots.emmip`."""
        figure: Figure = above("pymer_bridge.plots", "emmip")(
            self, formula, intervals=intervals, ax=ax
        )
        return figure

    def _panels(self) -> tuple[str, ...]:
        """Return the predictors that the rows are within."""
        return ()

    def _arrows(self, alpha: float, adjust: Adjust) -> tuple[NDArray[np.float64], ...]:
        """Return the ends of arrows by which the rows are compared."""
        raise OptionError(
            "comparisons=True needs what emmeans keeps in R, and this table was read back: make "
            "the means anew, as by fit.emmeans()"
        )
