"""Vectors whose elements, and matrices whose rows and columns, have names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import DTypeLike, NDArray

from pymer_bridge.display.tables import Cell, Column, Table
from pymer_bridge.errors import UnknownNameError, listed, shown
from pymer_bridge.results.base import COLUMNS, Result
from pymer_bridge.results.codec import LATER
from pymer_bridge.spec.names import find_name


class AsArray:
    """Base of results that numpy takes as the array of their values."""

    __slots__ = ()

    values: NDArray[Any]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Give numpy the values: themselves if it forbids a copy."""
        if copy is False:
            return self.values if dtype is None else self.values.astype(dtype, copy=False)
        return np.array(self.values, dtype=dtype)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NamedVector(AsArray, Result):
    """A vector whose elements have names; numpy takes it as it is.

    Attributes
    ----------
    values
        Read-only array.
    names
        The names, in R's order.
    """

    values: NDArray[Any]
    names: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of elements."""
        return len(self.names)

    def _keys(self) -> Iterator[tuple[str]]:
        return ((name,) for name in self.names)

    def __getitem__(self, name: str) -> float:
        """Return the first value of this name.

        Raises
        ------
        UnknownNameError
            There is no such name.
        """
        found = find_name(name, self.names)
        if found is None:
            raise UnknownNameError(f"no element {shown(name)}; there are: {listed(self.names)}")
        value: float = self.values[self.names.index(found)].item()
        return value

    def to_series(self) -> pd.Series[Any]:
        """Return the vector as a pandas Series on its names."""
        return pd.Series(np.array(self.values), index=pd.Index(self.names, dtype=object))

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame: name, value."""
        return pd.DataFrame({"name": list(self.names), "value": np.array(self.values)})

    def _table(self) -> Table:
        cells = tuple(zip(self.names, self.values.tolist(), strict=True))
        return Table((COLUMNS["name"], COLUMNS["value"]), cells)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NamedMatrix(AsArray, Result):
    """A matrix whose columns, and perhaps rows, have names; numpy takes it as it is.

    Attributes
    ----------
    values
        Read-only array.
    names
        The columns' names.
    row_names
        The rows' names, as text; None if they have none.
    index
        The labels of the rows in the data, where rows are those of the data.
    """

    values: NDArray[np.float64]
    names: tuple[str, ...]
    row_names: tuple[str, ...] | None = None
    index: pd.Index | None = field(default=None, metadata=LATER)

    def _keys(self) -> Iterator[tuple[Any, str]]:
        return product(self.row_names or () if self.index is None else self.index, self.names)

    def __getitem__(self, key: tuple[Any, str]) -> float:
        """Return one value by the names of its row and column; a row of the data by its label too.

        Raises
        ------
        UnknownNameError
            There is no such row or column.
        """
        rows = self.row_names or ()
        row, name = key if isinstance(key, tuple) and len(key) == 2 else (key, None)
        if self.index is not None and self.index.is_unique and row not in rows:
            with suppress(Exception):  # each index of pandas raises what it likes
                row = rows[self.index.get_loc(row)]
        found = find_name(row, rows), find_name(name, self.names)
        if found[0] is None or found[1] is None:
            raise UnknownNameError(
                f"no entry {shown(key)}; rows are: {listed(rows)}; "
                f"columns are: {listed(self.names)}"
            )
        return float(self.values[rows.index(found[0]), self.names.index(found[1])])

    def to_frame(self) -> pd.DataFrame:
        """Return the matrix as a pandas frame; rows of the data are on its own index."""
        names = None if self.row_names is None else list(self.row_names)
        index = names if self.index is None else self.index
        return pd.DataFrame(np.array(self.values), index=index, columns=list(self.names))

    def _table(self) -> Table:
        rows = self.row_names or tuple(map(str, range(1, len(self.values) + 1)))
        columns = (Column("name", "", "text"), *(Column(n, n) for n in self.names))
        cells: tuple[tuple[Cell, ...], ...] = tuple(
            (name, *values) for name, values in zip(rows, self.values.tolist(), strict=True)
        )
        return Table(columns, cells)
