"""R's summary of a model, as R prints it and as figures."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from pymer_bridge.display import notebook
from pymer_bridge.display.tables import Table
from pymer_bridge.results.base import Result
from pymer_bridge.results.codec import LATER
from pymer_bridge.results.fit_statistics import FitStatistics
from pymer_bridge.results.fixed_effects import FixedEffects
from pymer_bridge.results.rows_used import RowsUsed
from pymer_bridge.results.variances import VarianceComponents


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ModelSummary(Result):
    """R's summary: ``str()`` is R's printed text, to the character.

    Attributes
    ----------
    text
        The text that R prints.
    fixed_effects, variance_components, fit_statistics
        The figures in it, typed and at full precision.
    rows_used
        How many rows of the data the model uses; None in what was stored without it.
    """

    text: str
    fixed_effects: FixedEffects
    variance_components: VarianceComponents
    fit_statistics: FitStatistics
    rows_used: RowsUsed | None = field(default=None, metadata=LATER)

    def __str__(self) -> str:
        """Return R's printed summary."""
        return self.text

    def _parts(self) -> tuple[Result, ...]:
        return (self.variance_components, self.fixed_effects, self.fit_statistics)

    def to_frame(self) -> pd.DataFrame:
        """Return the fixed effects as a pandas frame."""
        return self.fixed_effects.to_frame()

    def _repr_html_(self) -> str:
        tables = [self.variance_components._within(), self.fixed_effects._within()]
        tables.append(self.fit_statistics._one_row())
        heading = f"Summary\nObservations: {self.fit_statistics.n_obs}"
        lines = "\n".join([heading, *self._left_out()])
        return notebook.block(
            lines, self.fixed_effects._alerts(), tables, notebook.printed(self.text)
        )

    def _left_out(self) -> tuple[str, ...]:
        """Return which rows are left out, if any are."""
        used = self.rows_used
        return (str(used),) if used is not None and used.n_left_out else ()

    def _written(self) -> list[Result | Table]:
        """Return the parts, and which rows are left out, if any are."""
        notes = self._left_out()
        return [*self._parts(), *([Table((), (), notes=notes)] if notes else [])]

    def to_markdown(self) -> str:
        """Return the tables in Markdown."""
        return "\n\n".join(part.to_markdown() for part in self._written())

    def to_latex(self) -> str:
        """Return the tables in LaTeX."""
        return "\n\n".join(part.to_latex() for part in self._written())
