"""The influence of each row or group on the estimates of a model."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.display.tables import Cell, Column, Table
from pymer_bridge.errors import listed
from pymer_bridge.results.base import Part, Rows, above, fields_of, how_it_ended
from pymer_bridge.results.codec import LATER
from pymer_bridge.results.matrix import NamedMatrix
from pymer_bridge.spec.options import one_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True, eq=False)
class InfluenceRow(Part):
    """The fit without one row or group.

    Attributes
    ----------
    level
        What was left out: a level of the group, or the label of a row.
    cooks_distance
        Cook's distance of the fixed effects; None if the refit failed.
    converged
        Did the optimizer end well, without a warning?
    singular
        Is the refit on the boundary?
    evaluations
        How often the criterion was computed.
    messages
        R's messages.
    error
        Why the refit failed; None if it did not.
    mdffits
        As Cook's distance, with the covariance matrix of the refit.
    cov_trace, cov_ratio
        How far the trace of the refit's covariance matrix of the fixed effects is from that of the
        fit, and the ratio of their determinants: above 1 where the level adds to precision.
    """

    level: str
    cooks_distance: float | None
    converged: bool
    singular: bool
    evaluations: int | None
    messages: tuple[str, ...]
    error: str | None
    mdffits: float | None = field(default=None, metadata=LATER)
    cov_trace: float | None = field(default=None, metadata=LATER)
    cov_ratio: float | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True, eq=False)
class CutOff(Part):
    """Beyond which values a measure of influence deserves a look.

    Attributes
    ----------
    measure
        Its name, such as "mdffits".
    low, high
        The values; None where there is none.
    """

    measure: str
    low: float | None
    high: float | None


Measure = Literal["cooks_distance", "mdffits", "cov_trace", "cov_ratio"]
TITLES: Final[Mapping[str, str]] = {
    "cooks_distance": "Cook's distance",
    "mdffits": "MDFFITS",
    "cov_trace": "COVTRACE",
    "cov_ratio": "COVRATIO",
}
"""What an axis calls each measure."""
_COLUMNS: tuple[Column, ...] = (
    Column("level", "Left out", "text"), Column("cooks_distance", "Cook's distance"),
    Column("converged", "Converged"), Column("singular", "Singular"),
    Column("evaluations", "Evaluations", "integer"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Influence(Rows[InfluenceRow]):
    """A model without each row or group in turn: ``influence["308"].cooks_distance``.

    Attributes
    ----------
    rows
        One :class:`InfluenceRow` per refit, in R's order.
    by
        "observation", or the group that was left out level by level.
    fixed_effects
        The estimates without each level: levels by fixed effects.
    variances
        The same for the residual variance and the variances and covariances of the random effects,
        under the names of R's ``influence``.
    dfbeta, dfbetas
        The changes of the fixed effects when a level is left out, and the same in standard errors
        of the refit.
    dfbeta_variances
        The changes of the variance parameters.
    observed_fixed_effects, observed_variances
        The estimates of the fit itself, in the order of the columns.
    versions, seconds
        Versions of R and its packages; elapsed seconds.
    warnings, messages
        Warnings and messages.
    observations
        How many rows of the data the model uses; None in what was stored without it.
    cut_offs
        One :class:`CutOff` per measure: 4/n for Cook's distance, and for the others three times the
        range of the quartiles beyond these.
    """

    rows: tuple[InfluenceRow, ...]
    by: str
    fixed_effects: NamedMatrix
    variances: NamedMatrix
    dfbeta: NamedMatrix
    dfbetas: NamedMatrix
    dfbeta_variances: NamedMatrix
    observed_fixed_effects: NDArray[np.float64]
    observed_variances: NDArray[np.float64]
    versions: dict[str, str | None]
    seconds: float
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    observations: int | None = field(default=None, metadata=LATER)
    cut_offs: tuple[CutOff, ...] = field(default=(), metadata=LATER)

    key: ClassVar[tuple[str, ...]] = ("level",)
    shown: ClassVar[tuple[str, ...]] = tuple(column.name for column in _COLUMNS)

    def __getitem__(self, key: Any) -> InfluenceRow:
        """Return the row of a level; of a row of the data by its own label, or that as text.

        Raises
        ------
        UnknownNameError
            There is no such row.
        """
        rows = self.fixed_effects.index
        if rows is not None and not isinstance(key, str):
            with suppress(Exception):  # each index of pandas raises what it likes
                key = (str(rows[rows.get_loc(key)]),)
        return super(Influence, self).__getitem__(key)

    def _levels(self) -> pd.Index:
        """Return what was left out: labels of rows as the data have them, or levels."""
        rows = self.fixed_effects.index
        if rows is not None:
            return rows
        return pd.Index([row.level for row in self.rows], name=self.by)

    def measured(self, measure: Measure) -> pd.Series[float]:
        """Return a measure of each level, NaN where a refit failed.

        Parameters
        ----------
        measure
            "cooks_distance", "mdffits", "cov_trace" or "cov_ratio".

        Raises
        ------
        OptionError
            There is no such measure.
        """
        chosen = one_of(measure, Measure, "measure")
        values = [getattr(row, chosen) for row in self.rows]
        return pd.Series(
            [np.nan if value is None else value for value in values],
            index=self._levels(),
            name=chosen,
            dtype=np.float64,
        )

    def dropped(self, measure: Measure = "cooks_distance") -> tuple[InfluenceRow, ...]:
        """Return the rows ordered by influence, the most influential first; failed refits are last.

        Parameters
        ----------
        measure
            As for :meth:`measured`; "cov_ratio" is ordered by how far it is from 1.

        Raises
        ------
        OptionError
            There is no such measure.
        """
        chosen = one_of(measure, Measure, "measure")

        def size(row: InfluenceRow) -> float:
            value = getattr(row, chosen)
            if value is None:
                return -np.inf
            return float(max(value, 1 / value) if chosen == "cov_ratio" and value else value)

        return tuple(sorted(self.rows, key=size, reverse=True))

    def cut_off(self, measure: Measure) -> CutOff | None:
        """Return beyond which values a measure deserves a look; None in what was stored without it.

        Parameters
        ----------
        measure
            As for :meth:`measured`.

        Raises
        ------
        OptionError
            There is no such measure.
        """
        chosen = one_of(measure, Measure, "measure")
        return next((each for each in self.cut_offs if each.measure == chosen), None)

    @property
    def cooks_distance(self) -> pd.Series[float]:
        """Cook's distance of each level, NaN where a refit failed (R: ``cooks.distance``)."""
        return self.measured("cooks_distance")

    def to_frame(self) -> pd.DataFrame:
        """Return one row per level: how the refit ended, estimates, and their changes.

        Returns
        -------
        pandas.DataFrame
            On the data's own index if each row was left out. Columns level, cooks_distance,
            converged, singular, evaluations, mdffits, cov_trace, cov_ratio; then the fixed effects
            and variance parameters without the level, by their names, and "dfbeta_", "dfbetas_"
            with the name of each fixed effect.
        """
        names = (*self.shown, "mdffits", "cov_trace", "cov_ratio")
        frame = pd.DataFrame({name: [getattr(r, name) for r in self.rows] for name in names})
        for name in ("cooks_distance", "evaluations", "mdffits", "cov_trace", "cov_ratio"):
            frame[name] = pd.to_numeric(frame[name])
        for part, prefix in (
            (self.fixed_effects, ""),
            (self.variances, ""),
            (self.dfbeta, "dfbeta_"),
            (self.dfbetas, "dfbetas_"),
        ):
            for i, name in enumerate(part.names):
                frame[prefix + name] = part.values[:, i]
        return frame if self.fixed_effects.index is None else frame.set_axis(self._levels())

    def plot(
        self,
        measure: Measure = "cooks_distance",
        *,
        order: bool = True,
        n_labels: int = 5,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw a measure of influence; see :func:`pymer_bridge.plots.influence`.

        Parameters
        ----------
        measure
            "cooks_distance", "mdffits", "cov_trace" or "cov_ratio".
        order
            By size, the largest above? Otherwise in R's order.
        n_labels
            Where there is no room to name all: how many of the largest to name.
        ax
            Axes to draw on.
        """
        axes: Axes = above("pymer_bridge.plots", "influence")(
            self, measure, order=order, n_labels=n_labels, ax=ax
        )
        return axes

    def _table(self) -> Table:
        names = self.dfbetas.names
        columns = (
            *_COLUMNS[:2],
            *(Column(name, f"dfbetas {name}") for name in names),
            Column("note", "", "text"),
        )
        body: list[tuple[Cell, ...]] = [
            (row.level, row.cooks_distance, *_cells(self.dfbetas.values[i]), _note(row))
            for i, row in enumerate(self.rows)
        ]
        return Table(columns, tuple(body), title=self._caption(), notes=self._notes(), max_rows=40)

    def _notes(self) -> tuple[str, ...]:
        failed = [row.level for row in self.rows if row.error is not None]
        return (f"Not refitted: {listed(failed)}",) if failed else ()

    def _how(self) -> tuple[str, ...]:
        return (
            f"Influence of each {self.by if self.by == 'observation' else 'level of ' + self.by}",
        )


def _cells(values: NDArray[np.float64]) -> tuple[float | None, ...]:
    return tuple(None if np.isnan(value) else float(value) for value in values)


def _note(row: InfluenceRow) -> str:
    failed = row.error is not None
    return how_it_ended(failed=failed, singular=row.singular, converged=row.converged)


@dataclass(frozen=True, slots=True, eq=False)
class InfluenceMeasure(Part):
    """How much one observation bears on a model without random effects.

    Attributes
    ----------
    level
        The label of the row.
    dffits
        The change of its fitted value when it is left out, in standard errors.
    cov_ratio
        The ratio of the determinants of the covariance matrices without it and with it.
    cooks_distance
        Cook's distance.
    hat
        Its leverage.
    influential
        Does any measure pass R's limit?
    """

    level: str
    dffits: float | None
    cov_ratio: float | None
    cooks_distance: float | None
    hat: float | None
    influential: bool


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class InfluenceMeasures(Rows[InfluenceMeasure]):
    """R's measures of influence, one row per observation; made by ``influence_measures()``.

    Attributes
    ----------
    rows
        One :class:`InfluenceMeasure` per observation that the model uses.
    dfbetas
        Rows by coefficients: the change of the coefficient, in standard errors, when the
        observation is left out.
    warnings, messages
        R's warnings and messages.
    observations
        How many rows of the data the model uses.
    """

    rows: tuple[InfluenceMeasure, ...]
    dfbetas: NamedMatrix
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    observations: int | None = None

    title: ClassVar[str] = "Measures of influence"
    key: ClassVar[tuple[str, ...]] = ("level",)
    shown: ClassVar[tuple[str, ...]] = fields_of(InfluenceMeasure)
    _own: ClassVar[tuple[Column, ...]] = (
        Column("level", "Row", "text"),
        Column("dffits", "dffit"),
        Column("cov_ratio", "cov.r"),
        Column("cooks_distance", "cook.d"),
        Column("hat", "hat"),
        Column("influential", "Influential"),
    )
