"""Estimated marginal means, trends, their contrasts, and tests of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isinf
from typing import TYPE_CHECKING, Any, ClassVar, Final, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.display.tables import Column, Table
from pymer_bridge.errors import OptionError, UnknownNameError, listed, shown
from pymer_bridge.results.base import (
    COLUMNS,
    Key,
    Part,
    Row_co,
    Rows,
    above,
    fields_of,
    predictor_columns,
)
from pymer_bridge.results.codec import LATER
from pymer_bridge.spec.options import Adjust, ContrastFamily

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_OF_CONTRASTS: Final = ("contrast", *(f"_{name}" for name in (*get_args(ContrastFamily), "custom")))
"""How the columns end in which contrasts are named."""


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


@dataclass(frozen=True, slots=True, eq=False)
class MarginalTest(Part):
    """The test of one marginal mean, slope or contrast.

    Attributes
    ----------
    levels
        As of :class:`MarginalMean`.
    estimate, std_error, df, statistic, p_value
        As emmeans gives them; ``df`` is infinite for a normal approximation.
    null
        The value that the estimate is tested against, on its own scale.
    """

    levels: Mapping[str, str | float]
    estimate: float | None
    std_error: float | None
    df: float | None
    null: float | None
    statistic: float | None
    p_value: float | None


@dataclass(frozen=True, slots=True, eq=False)
class JointTest(Part):
    """The joint test of one term, as marginal means show it.

    Attributes
    ----------
    term
        The term.
    levels
        The levels that it is tested within.
    df1, df2, statistic, p_value
        As emmeans gives them (it rounds F to three digits); ``df2`` is infinite for a
        chi-squared approximation.
    """

    term: str
    levels: Mapping[str, str | float]
    df1: float | None
    df2: float | None
    statistic: float | None
    p_value: float | None


def _numbers(rows: Sequence[Any], names: Sequence[str]) -> dict[str, pd.Series[float]]:
    return {n: pd.to_numeric(pd.Series([getattr(row, n) for row in rows])) for n in names}


class LevelRows(Rows[Row_co]):
    """Base of results whose rows are looked up by the levels of predictors."""

    __slots__ = ()

    by: tuple[str, ...]
    what: str
    notes: tuple[str, ...]
    text: str
    messages: tuple[str, ...]
    figures: ClassVar[tuple[str, ...]]

    def __str__(self) -> str:
        """Return the text that R prints."""
        return self.text

    def __getitem__(self, key: Key | tuple[Key, ...]) -> Row_co:
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

    def _levels(self) -> list[Mapping[str, str | float]]:
        rows: Any = self.rows
        return [row.levels for row in rows]

    def _keys(self) -> Iterator[tuple[Key, ...]]:
        return (tuple(levels.values()) for levels in self._levels())

    def to_frame(self) -> pd.DataFrame:
        """Return the rows as a pandas frame: the predictors, then the figures."""
        keys = predictor_columns(self._levels(), self.by, self.figures)
        return pd.DataFrame({**keys, **_numbers(self.rows, self.figures)})

    def _table(self) -> Table:
        figures = [n for n in self.figures if any(getattr(r, n) is not None for r in self.rows)]
        levels = self._levels()
        columns = tuple(
            Column(name, name, "text" if isinstance(levels[0][name], str) else "number")
            for name in self.by
        )
        cells = tuple(
            (*key, *(getattr(row, name) for name in figures))
            for key, row in zip(self._keys(), self.rows, strict=True)
        )
        heads = tuple(map(self._label, figures))
        return Table((*columns, *heads), cells, title=self._caption(), notes=self._notes())

    def _notes(self) -> tuple[str, ...]:
        return (*(note.strip() for note in self.notes), *self.messages)

    def _label(self, name: str) -> Column:
        rows: Any = self.rows
        normal = all(row.df is not None and isinf(row.df) for row in rows)
        heads = {"estimate": self.what, "null": "null"}
        if normal:
            heads |= {"statistic": "z value", "p_value": "Pr(>|z|)"}
        column = COLUMNS.get(name, Column(name, name))
        return replace(column, label=heads.get(name, column.label))

    def _said(self) -> str:
        if any(note.startswith("sigma used for effect sizes") for note in self.notes):
            return "Effect sizes"
        if any(name.rstrip("0123456789").endswith(_OF_CONTRASTS) for name in self.by):
            return "Contrasts"
        if self.what.endswith(".trend"):
            return f"Estimated marginal slopes of {self.what.removesuffix('.trend')}"
        return "Estimated marginal means"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MarginalTable(LevelRows[MarginalMean]):
    """Marginal means, slopes, contrasts or effect sizes, one row each.

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
    axis
        What an axis of marginal means is called, such as "P(incidence)"; "" of other figures.
    """

    rows: tuple[MarginalMean, ...]
    by: tuple[str, ...]
    what: str
    notes: tuple[str, ...]
    text: str
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    observations: int | None = field(default=None, metadata=LATER)
    axis: str = field(default="", metadata=LATER)

    figures: ClassVar[tuple[str, ...]] = fields_of(MarginalMean)[1:]

    def _how(self) -> tuple[str, ...]:
        return (self._said(),)

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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MarginalTests(LevelRows[MarginalTest]):
    """Tests of marginal means, slopes or contrasts, one row each.

    Attributes
    ----------
    rows
        One :class:`MarginalTest` each, in R's order.
    by, what, notes, text, warnings, messages, observations
        As of :class:`MarginalTable`.
    """

    rows: tuple[MarginalTest, ...]
    by: tuple[str, ...]
    what: str
    notes: tuple[str, ...]
    text: str
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    observations: int | None = None

    figures: ClassVar[tuple[str, ...]] = fields_of(MarginalTest)[1:]

    def _how(self) -> tuple[str, ...]:
        said = self._said()
        return (f"Tests of {said[0].lower()}{said[1:]}",)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class JointTests(Rows[JointTest]):
    """Joint tests of the terms that marginal means show.

    Attributes
    ----------
    rows
        One :class:`JointTest` each, in R's order; looked up by the term, and the levels of ``by``.
    by
        The predictors within whose levels the terms are tested.
    notes
        emmeans' notes.
    text
        The text that R prints.
    warnings, messages
        R's warnings and messages.
    observations
        How many rows of the data the model uses.
    """

    rows: tuple[JointTest, ...]
    by: tuple[str, ...]
    notes: tuple[str, ...]
    text: str
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    observations: int | None = None

    title: ClassVar[str] = "Joint tests"
    figures: ClassVar[tuple[str, ...]] = fields_of(JointTest)[2:]
    _own: ClassVar[tuple[Column, ...]] = (
        Column("df1", "df1"),
        Column("df2", "df2"),
        Column("statistic", "F value"),
        Column("p_value", "Pr(>F)", "p_value"),
    )

    def __str__(self) -> str:
        """Return the text that R prints."""
        return self.text

    def _key_of(self, row: JointTest) -> tuple[Any, ...]:
        return (row.term, *row.levels.values())

    def to_frame(self) -> pd.DataFrame:
        """Return the rows as a pandas frame: the levels and the term, then the figures."""
        taken = ("term", *self.figures)
        keys = predictor_columns([row.levels for row in self.rows], self.by, taken)
        terms = {"term": [row.term for row in self.rows]}
        return pd.DataFrame({**keys, **terms, **_numbers(self.rows, self.figures)})

    def _table(self) -> Table:
        columns = (
            *(Column(name, name, "text") for name in self.by),
            *map(self._label, ("term", *self.figures)),
        )
        cells = tuple(
            (
                *(v if isinstance(v, str) else f"{v:g}" for v in row.levels.values()),
                row.term,
                *(getattr(row, name) for name in self.figures),
            )
            for row in self.rows
        )
        return Table(columns, cells, title=self._caption(), notes=self._notes())

    def _notes(self) -> tuple[str, ...]:
        return (*(note.strip() for note in self.notes), *self.messages)
