"""Predictions and simulated responses: arrays over rows, with the index of those rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.display.tables import Cell, Column, Table
from pymer_bridge.errors import UnknownNameError, shown
from pymer_bridge.results.base import Part, Result, Rows, fields_of, intervals_said
from pymer_bridge.results.codec import LATER
from pymer_bridge.results.drawn import DrawnPredictions
from pymer_bridge.results.matrix import AsArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Prediction(Part):
    """The prediction of one row; a figure that was not asked for, or that R does not have, is None.

    Attributes
    ----------
    label
        The label of the row in the index.
    estimate, std_error
        On the scale that was asked for.
    conf_low, conf_high
        The ends of the interval, on that scale.
    """

    label: Any
    estimate: float
    std_error: float | None
    conf_low: float | None
    conf_high: float | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Predictions(DrawnPredictions, AsArray, Rows[Prediction]):
    """Predictions on the index of the new data, or of the data: ``predictions[3].estimate``.

    numpy takes it as the array of its values.

    Attributes
    ----------
    values
        Read-only array, one prediction per row; NaN if the row has a missing value.
    index
        The labels of the rows.
    scale
        "link" or "response".
    re_form
        Which random effects are included: None for all, "population" for none, or a formula.
    std_error
        Standard errors on the same scale, if they were asked for.
    conf_low, conf_high
        Ends of intervals, if they were asked for.
    conf_level
        The level of the intervals.
    warnings, messages
        R's warnings and messages.
    axis
        What an axis of these predictions is called, such as "P(incidence)".
    interval
        What the intervals are: "confidence" for the mean, or "prediction" for a new observation.
    method
        How they were made: "wald", "boot" or "simulation".
    uncertainty
        Which uncertainties are in prediction intervals, such as "fixed effects" and "residual".
    n_sim, seed
        How many refits or draws made them, and what seeded R's generator.
    """

    values: Floats
    index: pd.Index
    scale: str
    re_form: str | None
    std_error: Floats | None = None
    conf_low: Floats | None = None
    conf_high: Floats | None = None
    conf_level: float | None = None
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    axis: str = field(default="", metadata=LATER)
    interval: str = field(default="confidence", metadata=LATER)
    method: str = field(default="wald", metadata=LATER)
    uncertainty: tuple[str, ...] = field(default=(), metadata=LATER)
    n_sim: int | None = field(default=None, metadata=LATER)
    seed: int | None = field(default=None, metadata=LATER)

    title: ClassVar[str] = "Predictions"

    def _how(self) -> tuple[str, ...]:
        effects = "no random effects"
        if self.re_form != "population":
            effects = f"random effects {self.re_form}" if self.re_form else ""
        said = (f"on the scale of the {self.scale}", effects)
        if self.conf_level is None or self.conf_low is None:
            return said
        ends = intervals_said(self.conf_level, self.method)
        return (*said, f"prediction {ends}" if self.interval == "prediction" else ends)

    def _notes(self) -> tuple[str, ...]:
        held = ", ".join(self.uncertainty)
        return (f"Uncertainty in the intervals: {held}",) if held else ()

    key: ClassVar[tuple[str, ...]] = ("label",)
    _own: ClassVar[tuple[Column, ...]] = (Column("label", "", "text"),)
    shown: ClassVar[tuple[str, ...]] = fields_of(Prediction)

    @property
    def rows(self) -> tuple[Prediction, ...]:  # type: ignore[override]
        """One typed row per prediction; made when asked for."""
        return tuple(self._row(i) for i in range(len(self)))

    def _row(self, i: int) -> Prediction:
        figures: list[float | None] = []
        for column in (self.std_error, self.conf_low, self.conf_high):
            value = None if column is None else float(column[i])
            figures.append(None if value is None or np.isnan(value) else value)
        return Prediction(self.index[i], float(self.values[i]), *figures)

    def _keys(self) -> Iterator[tuple[Any]]:
        return ((label,) for label in self.index)

    def __getitem__(self, key: Any) -> Prediction:
        """Return the prediction of the row with this label.

        Raises
        ------
        UnknownNameError
            There is no such row, or there are several.
        """
        try:
            place = self.index.get_loc(key)
        except Exception:  # each index of pandas raises what it likes
            raise UnknownNameError(f"no row {shown(key)} in the index") from None
        if not isinstance(place, int | np.integer):
            raise UnknownNameError(
                f"several rows have the label {shown(key)}; take them from to_frame()"
            )
        return self._row(int(place))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.values)

    def _table(self) -> Table:
        columns = ("values", "std_error", "conf_low", "conf_high")
        arrays = [a for a in (getattr(self, name) for name in columns) if a is not None]
        names = [name for name in columns[1:] if getattr(self, name) is not None]
        labels = [self._label(name) for name in ("label", "estimate", *names)]
        lists = [array.tolist() for array in arrays]
        cells: tuple[tuple[Cell, ...], ...] = tuple(
            (str(label), *figures) for label, *figures in zip(self.index, *lists, strict=True)
        )
        return Table(tuple(labels), cells, title=self._caption(), notes=self._notes())

    def to_series(self) -> pd.Series[float]:
        """Return the predictions as a pandas Series on their index."""
        return pd.Series(np.array(self.values), index=self.index, name="estimate")

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame on the rows' index: estimate, std_error, conf_low, conf_high.

        Figures that were not asked for are NaN.
        """
        columns = {
            "estimate": self.values,
            "std_error": self.std_error,
            "conf_low": self.conf_low,
            "conf_high": self.conf_high,
        }
        missing = np.full(len(self), np.nan)
        return pd.DataFrame(
            {name: np.array(missing if a is None else a) for name, a in columns.items()},
            index=self.index,
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Simulations(AsArray, Result):
    """Responses simulated from a model: ``simulations["sim_1"]`` is the first of them.

    numpy takes it as the array of its values.

    Attributes
    ----------
    values
        Read-only array of rows by simulations. For a response of successes and failures these
        are the successes; for a response of levels they are the numbers of the levels, from 1.
    index
        The labels of the rows.
    names
        R's names of the simulations: "sim_1" ...
    seed
        The integer given to R's ``set.seed``, or None.
    failures
        The same shape as ``values`` for a response of successes and failures, else None.
    levels
        The levels that the values number, for a response of levels; otherwise None.
    warnings, messages
        R's warnings and messages.
    """

    values: Floats
    index: pd.Index
    names: tuple[str, ...]
    seed: int | None
    failures: Floats | None = None
    levels: tuple[str, ...] | None = None
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of simulations."""
        return len(self.names)

    def _keys(self) -> Iterator[tuple[str]]:
        return ((name,) for name in self.names)

    def __getitem__(self, name: str) -> pd.Series[Any]:
        """Return one simulation on the rows' index; the successes if the response has two columns.

        Raises
        ------
        UnknownNameError
            There is no such simulation.
        """
        if name not in self.names:
            raise UnknownNameError(
                f"no simulation {shown(name)}; there are {self.names[0]} to {self.names[-1]}"
            )
        column = self.values[:, self.names.index(name)]
        return pd.Series(self._column(column), index=self.index, name=name)

    def _column(self, values: Floats) -> Any:
        if self.levels is None:
            return np.array(values)
        codes = np.where(np.isnan(values), 0.0, values).astype(np.int64) - 1
        return pd.Categorical.from_codes(codes, categories=pd.Index(self.levels, dtype=object))

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame of rows by simulations, on the rows' index.

        If the response has successes and failures, the columns are pairs: ("sim_1",
        "successes"), ("sim_1", "failures") ...
        """
        columns: dict[Any, Any] = {}
        for i, name in enumerate(self.names):
            if self.failures is None:
                columns[name] = self._column(self.values[:, i])
            else:
                columns[name, "successes"] = np.array(self.values[:, i])
                columns[name, "failures"] = np.array(self.failures[:, i])
        return pd.DataFrame(columns, index=self.index)

    def _table(self) -> Table:
        frame = self.to_frame()
        heads = [" ".join(name) if isinstance(name, tuple) else name for name in frame.columns]
        kind: Literal["text", "number"] = "number" if self.levels is None else "text"
        columns = (Column("label", "", "text"), *(Column(h, h, kind) for h in heads))
        lists = [frame.iloc[:, i].tolist() for i in range(frame.shape[1])]
        cells: tuple[tuple[Cell, ...], ...] = tuple(
            (str(label), *values) for label, *values in zip(self.index, *lists, strict=True)
        )
        return Table(columns, cells, title="Simulated responses")
