"""Parts of a fit: sparse matrices, Cholesky factors, covariances, components."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import DTypeLike, NDArray

from pymer_bridge.data.frozen_arrays import frozen_array
from pymer_bridge.display.tables import Cell, Column, Table
from pymer_bridge.errors import OptionError
from pymer_bridge.results.base import COLUMNS, Part, Result, Rows, fields_of, of_group
from pymer_bridge.results.matrix import AsArray, NamedMatrix

if TYPE_CHECKING:
    from scipy.sparse import csc_array

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]

# lme4's names of parts, by what they are.
SparseName = Literal["Z", "Zt", "Lambda", "Lambdat", "A"]
VectorName = Literal["theta", "fixef", "lower", "Tp", "p_i", "l_i", "q_i", "m_i"]
ArrayName = Literal["y", "mu", "u", "b", "beta", "offset"]
CountName = Literal["REML", "n_rtrms", "n_rfacs", "N", "n", "p", "q", "k", "m"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SparseMatrix(Result):
    """A sparse matrix by coordinates, column by column; zeros that R stores are kept.

    Attributes
    ----------
    row, column
        The row and column of each stored value, from 0.
    values
        The stored values.
    shape
        Rows and columns.
    row_names, names
        R's names of rows and columns; None if it has none.
    """

    row: Integers
    column: Integers
    values: Floats
    shape: tuple[int, int]
    row_names: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = None

    def to_scipy(self) -> csc_array:
        """Return a ``scipy.sparse.csc_array`` of read-only arrays.

        Raises
        ------
        OptionError
            scipy is not installed.
        """
        try:
            from scipy import sparse  # noqa: PLC0415  # an extra
        except ImportError:
            raise OptionError(
                "to_scipy() needs scipy: pip install 'pymer-bridge[sparse]', or take to_numpy()"
            ) from None

        starts = np.zeros(self.shape[1] + 1, dtype=np.int32)
        np.cumsum(np.bincount(self.column, minlength=self.shape[1]), out=starts[1:])
        parts = (self.values, self.row, frozen_array(starts))
        return sparse.csc_array(parts, shape=self.shape, copy=False)

    def to_numpy(self) -> Floats:
        """Return the matrix as a dense numpy array."""
        dense = np.zeros(self.shape)
        dense[self.row, self.column] = self.values
        return dense

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Give numpy the dense matrix.

        Raises
        ------
        ValueError
            A copy is not allowed, but a dense matrix needs one.
        """
        if copy is False:
            raise ValueError("a sparse matrix becomes a dense one by copying only")
        return self.to_numpy() if dtype is None else self.to_numpy().astype(dtype)

    def to_frame(self) -> pd.DataFrame:
        """Return the stored values as a pandas frame: row, column, value."""
        return pd.DataFrame(
            {
                "row": np.array(self.row),
                "column": np.array(self.column),
                "value": np.array(self.values),
            }
        )

    def _table(self) -> Table:
        columns = (
            Column("row", "Row", "integer"),
            Column("column", "Column", "integer"),
            COLUMNS["value"],
        )
        lists = (self.row.tolist(), self.column.tolist(), self.values.tolist())
        title = f"Sparse matrix, {self.shape[0]} x {self.shape[1]}, {len(self.values)} stored"
        return Table(columns, tuple(zip(*lists, strict=True)), title=title)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CholeskyFactor(Result):
    """The sparse Cholesky factor of a fit, and the order in which it has the effects.

    With ``A`` of ``get_me("A")`` and ``p`` the permutation, ``lower`` times its transpose is
    ``A @ A.T`` plus the identity, with rows and columns taken in the order ``p``.

    Attributes
    ----------
    lower
        The lower triangular factor.
    permutation
        The numbers of the random effects, from 0, in the factor's order.
    """

    lower: SparseMatrix
    permutation: Integers

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Give numpy the dense factor."""
        return self.lower.__array__(dtype, copy)

    def to_frame(self) -> pd.DataFrame:
        """Return the stored values of the factor as a pandas frame: row, column, value."""
        return self.lower.to_frame()

    def _table(self) -> Table:
        return self.lower._table()


@dataclass(frozen=True, slots=True, eq=False)
class GroupCovariance(Part):
    """The covariance of the random effects of one group, and the correlation.

    Attributes
    ----------
    group
        The group, as in the variance components.
    covariance, correlation
        Matrices of terms by terms.
    """

    group: str
    covariance: NamedMatrix
    correlation: NamedMatrix


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Covariances(Result):
    """Covariance matrices by group: ``covariances["Subject"]["Days", "Days"]``.

    Attributes
    ----------
    groups
        One :class:`GroupCovariance` per group.
    """

    groups: tuple[GroupCovariance, ...]

    title: ClassVar[str] = "Covariances of the random effects"

    def _keys(self) -> Iterator[tuple[str]]:
        return ((group,) for group in self)

    def __getitem__(self, group: str) -> NamedMatrix:
        """Return the covariance matrix of one group.

        Raises
        ------
        UnknownNameError
            There is no such group.
        """
        return of_group(self.groups, group).covariance

    def correlation(self, group: str) -> NamedMatrix:
        """Return the correlation matrix of one group.

        Parameters
        ----------
        group
            The grouping factor.

        Returns
        -------
        NamedMatrix
            Terms by terms.

        Raises
        ------
        UnknownNameError
            There is no such group.
        """
        return of_group(self.groups, group).correlation

    def __len__(self) -> int:
        """Return the number of groups."""
        return len(self.groups)

    def __iter__(self) -> Iterator[str]:
        """Go through the groups' names."""
        return (each.group for each in self.groups)

    def _rows(self) -> Iterator[tuple[str, str, str, float, float]]:
        for each in self.groups:
            terms = each.covariance.names
            for one in terms:
                for other in terms:
                    pair = (one, other)
                    yield (each.group, *pair, each.covariance[pair], each.correlation[pair])

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame of all entries: group, term1, term2, covariance, correlation."""
        names = ["group", "term1", "term2", "covariance", "correlation"]
        return pd.DataFrame(list(self._rows()), columns=names)

    def _table(self) -> Table:
        names = ("group", "term1", "term2", "covariance", "correlation")
        return Table(tuple(COLUMNS[n] for n in names), tuple(self._rows()), title=self._caption())


@dataclass(frozen=True, slots=True, eq=False)
class PrincipalComponent(Part):
    """One principal component of a group's random effects.

    Attributes
    ----------
    group
        The grouping factor.
    component
        Its number, from 1.
    std_dev
        Its standard deviation, in units of the residual standard deviation.
    proportion, cumulative
        Its share of the group's variance, and the share of the components up to it, rounded to
        five decimals as in R; None if the group has no variance.
    """

    group: str
    component: int
    std_dev: float
    proportion: float | None
    cumulative: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Rotation(Part):
    """The rotation of one group: terms by components.

    Attributes
    ----------
    group
        The grouping factor.
    matrix
        Its rows are terms and its columns components, named "PC1" ...
    """

    group: str
    matrix: NamedMatrix


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PrincipalComponents(Rows[PrincipalComponent]):
    """Principal components of the random effects: ``re_pca()["Subject", 1].proportion``.

    Attributes
    ----------
    rows
        One :class:`PrincipalComponent` per group and component.
    rotations
        One :class:`Rotation` per group.
    """

    rows: tuple[PrincipalComponent, ...]
    rotations: tuple[Rotation, ...]

    title: ClassVar[str] = "Principal components of the random effects"
    key: ClassVar[tuple[str, ...]] = ("group", "component")
    _own: ClassVar[tuple[Column, ...]] = (
        Column("component", "Component", "integer"),
        Column("proportion", "Proportion"),
        Column("cumulative", "Cumulative"),
    )
    shown: ClassVar[tuple[str, ...]] = fields_of(PrincipalComponent)

    def rotation(self, group: str) -> NamedMatrix:
        """Return the rotation of one group: terms by components.

        Parameters
        ----------
        group
            The grouping factor.

        Returns
        -------
        NamedMatrix
            One column per component.

        Raises
        ------
        UnknownNameError
            There is no such group.
        """
        return of_group(self.rotations, group).matrix


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DeviancePoints(AsArray, Result):
    """The deviance at several points.

    Attributes
    ----------
    names
        The parameters' names.
    points
        Read-only array of points by parameters.
    values
        The deviance at each.
    """

    names: tuple[str, ...]
    points: Floats
    values: Floats

    title: ClassVar[str] = "Deviance"

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame: one column per parameter, then deviance."""
        frame = pd.DataFrame(np.array(self.points), columns=list(self.names))
        frame["deviance"] = np.array(self.values)
        return frame

    def _table(self) -> Table:
        columns = (*(Column(name, name) for name in self.names), COLUMNS["deviance"])
        cells: tuple[tuple[Cell, ...], ...] = tuple(
            (*point, value)
            for point, value in zip(self.points.tolist(), self.values.tolist(), strict=True)
        )
        return Table(columns, cells, title=self._caption())
