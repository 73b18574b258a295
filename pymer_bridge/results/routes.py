"""Several routes to inference on one coefficient, side by side."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from pymer_bridge.display.tables import Column, Table
from pymer_bridge.results.base import COLUMNS, Part, Rows, above, fields_of
from pymer_bridge.results.codec import LATER

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True, eq=False)
class InferenceRoute(Part):
    """One route to inference on one coefficient; a figure that it does not give is None.

    Attributes
    ----------
    method
        Its name, such as "kenward-roger".
    estimate, std_error, df, statistic, p_value, conf_low, conf_high
        Its figures. The statistic is z, t, F or a likelihood ratio, with its ``df``; of F that of
        the denominator, as its numerator has one.
    refitted
        What had to be fitted again.
    seconds
        Elapsed seconds; None for a route that was not taken.
    reference
        The paper.
    advice
        When to trust it, in one line.
    note
        Why the route was not taken, or how many of its replicates were usable; "" otherwise.
    """

    method: str
    estimate: float | None
    std_error: float | None
    df: float | None
    statistic: float | None
    p_value: float | None
    conf_low: float | None
    conf_high: float | None
    refitted: str
    seconds: float | None
    reference: str
    advice: str
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class InferenceRoutes(Rows[InferenceRoute]):
    """Routes to inference on one coefficient: ``routes["satterthwaite"].p_value``.

    Attributes
    ----------
    rows
        One :class:`InferenceRoute` per method, in the order asked for.
    term
        The coefficient.
    conf_level
        The level of the intervals.
    n_sim, seed
        For the bootstraps.
    observations
        How many rows of the data the model uses; None in what was stored without it.
    """

    rows: tuple[InferenceRoute, ...]
    term: str
    conf_level: float
    n_sim: int
    seed: int | None
    observations: int | None = field(default=None, metadata=LATER)

    key: ClassVar[tuple[str, ...]] = ("method",)
    shown: ClassVar[tuple[str, ...]] = fields_of(InferenceRoute)

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the routes below each other; see :func:`pymer_bridge.plots.routes`."""
        return above("pymer_bridge.plots", "routes")(self, ax=ax)  # type: ignore[no-any-return]

    def _table(self) -> Table:
        columns = (
            Column("method", "Method", "text"), COLUMNS["estimate"],
            COLUMNS["std_error"], Column("df", "df"),
            Column("statistic", "Statistic"), Column("p_value", "p", "p_value"),
            COLUMNS["conf_low"], COLUMNS["conf_high"],
            Column("refitted", "Refitted", "text"), Column("seconds", "Seconds", digits=2),
        )  # fmt: skip
        notes = tuple(
            f"{row.method}: {row.advice} ({row.reference})" + (f"; {row.note}" if row.note else "")
            for row in self.rows
        )
        return Table(columns, self._cells(columns), title=self._caption(), notes=notes)

    def _how(self) -> tuple[str, ...]:
        intervals = f"{self.conf_level * 100:.6g}% intervals"
        return (f"Routes to inference on {self.term}", intervals)
