"""How the factors of a model are coded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import pandas as pd

from pymer_bridge.display.tables import Cell, Column, Table
from pymer_bridge.errors import UnknownNameError, listed, shown
from pymer_bridge.results.base import Part, Result
from pymer_bridge.results.matrix import NamedMatrix
from pymer_bridge.spec.names import find_name

GIVEN: Final = "given"
"""The source of a coding that is not one of R's functions."""


@dataclass(frozen=True, slots=True, eq=False)
class FactorCoding(Part):
    """How one factor becomes columns of the design.

    Attributes
    ----------
    factor
        Its name.
    source
        The name of R's function, such as "contr.treatment", or "given" for a matrix.
    coding
        Levels by columns; a coefficient of the model has the name of the factor and of its column.
    weights
        What the coefficients are: the intercept and the columns by levels, each row the weights of
        the means of the levels. None where the columns are fewer than the levels less one.
    indicators
        The terms that have an indicator of each level instead, as where there is no intercept.
    """

    factor: str
    source: str
    coding: NamedMatrix
    weights: NamedMatrix | None
    indicators: tuple[str, ...]

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels, in R's order."""
        return self.coding.row_names or ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return self.coding.names


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Contrasts(Result):
    """The coding of each factor of the fixed effects: ``fit.contrasts["recipe"].coding``.

    Attributes
    ----------
    factors
        One :class:`FactorCoding` each, in R's order.
    """

    factors: tuple[FactorCoding, ...]

    title: ClassVar[str] = "Contrasts"

    def _keys(self) -> Iterator[tuple[str]]:
        return ((each.factor,) for each in self.factors)

    def __len__(self) -> int:
        """Return the number of factors."""
        return len(self.factors)

    def __iter__(self) -> Iterator[FactorCoding]:
        """Go through the factors in R's order."""
        return iter(self.factors)

    def __getitem__(self, factor: str) -> FactorCoding:
        """Return the coding of one factor.

        Raises
        ------
        UnknownNameError
            The fixed effects have no such factor.
        """
        names = [each.factor for each in self.factors]
        found = find_name(factor, names)
        if found is None:
            raise UnknownNameError(f"no factor {shown(factor)}; there are: {listed(names)}")
        return self.factors[names.index(found)]

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame with a row for each factor, column and level."""
        rows = [
            (each.factor, level, column, float(value))
            for each in self.factors
            for column, values in zip(each.columns, each.coding.values.T, strict=True)
            for level, value in zip(each.levels, values, strict=True)
        ]
        return pd.DataFrame(rows, columns=["factor", "level", "column", "value"])

    def _table(self) -> Table:
        """Return the levels of each factor by its columns, headed as the coefficients are."""
        heads = [f"{each.factor}{column}" for each in self.factors for column in each.columns]
        rows: list[tuple[Cell, ...]] = []
        # The inverse of hypotheses has zeros that are only almost so.
        read = {each.factor: (each.coding.values.round(12) + 0.0).tolist() for each in self.factors}
        before = 0
        for each in self.factors:
            after = len(heads) - before - len(each.columns)
            for level, values in zip(each.levels, read[each.factor], strict=True):
                rows.append((each.factor, level, *[None] * before, *values, *[None] * after))
            before += len(each.columns)
        columns = (
            Column("factor", "Factor", "text"),
            Column("level", "Level", "text"),
            *(Column(head, head) for head in heads),
        )
        return Table(columns, tuple(rows), title=self._caption(), notes=self._notes())

    def _notes(self) -> tuple[str, ...]:
        return tuple(note for each in self.factors for note in _said(each))


def _said(coding: FactorCoding) -> Iterator[Any]:
    source = "a matrix that was given" if coding.source == GIVEN else coding.source
    yield f"{coding.factor}: {source}"
    if coding.indicators:
        yield f"{coding.factor}: an indicator of each level in {', '.join(coding.indicators)}"
