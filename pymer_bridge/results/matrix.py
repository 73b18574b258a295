"""Matrices whose columns and rows have names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import DTypeLike, NDArray

from pymer_bridge.results.base import Result
from pymer_bridge.results.codec import register
from pymer_bridge.tables import Cell, Column, Table


@register
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NamedMatrix(Result):
    """A matrix whose columns, and perhaps rows, have names; numpy takes it as it is.

    Attributes
    ----------
    values
        Read-only array.
    names
        The columns' names.
    row_names
        The rows' names; None where rows are those of the data.
    """

    values: NDArray[np.float64]
    names: tuple[str, ...]
    row_names: tuple[str, ...] | None = None

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Give numpy the values."""
        if copy is False:
            return self.values if dtype is None else self.values.astype(dtype, copy=False)
        return np.array(self.values, dtype=dtype)

    def __getitem__(self, key: tuple[str, str]) -> float:
        """Return one value by the names of its row and column.

        Raises
        ------
        KeyError
            There is no such row or column.
        """
        if self.row_names is None or key[0] not in self.row_names or key[1] not in self.names:
            raise KeyError(f"no entry {key!r}; columns are: {', '.join(map(repr, self.names))}")
        return float(self.values[self.row_names.index(key[0]), self.names.index(key[1])])

    def to_frame(self) -> pd.DataFrame:
        """Return the matrix as a pandas frame."""
        index = None if self.row_names is None else list(self.row_names)
        return pd.DataFrame(np.array(self.values), index=index, columns=list(self.names))

    def _table(self) -> Table:
        rows = self.row_names or tuple(map(str, range(1, len(self.values) + 1)))
        columns = (Column("name", "", "text"), *(Column(n, n) for n in self.names))
        cells: tuple[tuple[Cell, ...], ...] = tuple(
            (name, *values) for name, values in zip(rows, self.values.tolist(), strict=True)
        )
        return Table(columns, cells)
