"""Figures of grouping factors: conditional modes and coefficients, levels by terms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.errors import UnknownNameError, listed, shown
from pymer_bridge.results.base import Key, Part, Row_co, Rows, fields_of, of_group
from pymer_bridge.results.codec import LATER
from pymer_bridge.spec.names import find_name

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RandomEffect(Part):
    """The conditional mode of one term at one level of a group, with its standard deviation.

    Attributes
    ----------
    group, level, term
        The grouping factor, its level, and the random term.
    estimate
        The conditional mode, in units of the linear predictor for one unit of the term.
    std_error
        The conditional standard deviation, in the same units.
    """

    group: str
    level: str
    term: str
    estimate: float
    std_error: float


@dataclass(frozen=True, slots=True, eq=False)
class GroupTable(Part):
    """Figures of one grouping factor: levels by terms.

    Attributes
    ----------
    group
        The grouping factor.
    levels, terms
        The names of rows and columns, in R's order.
    estimate
        Array of levels by terms.
    std_error
        The same shape; None for group coefficients.
    covariance
        Array of levels by terms by terms: the conditional covariance of the terms at each
        level, NaN between terms that are separate in the formula; None for group coefficients.
    """

    group: str
    levels: tuple[str, ...]
    terms: tuple[str, ...]
    estimate: Floats
    std_error: Floats | None = None
    covariance: Floats | None = None


class _Grouped(Rows[Row_co]):
    """Shared by results that keep a table of levels by terms for each grouping factor."""

    __slots__ = ()

    groups: tuple[GroupTable, ...]
    key: ClassVar[tuple[str, ...]] = ("group", "level", "term")

    def group(self, name: str) -> GroupTable:
        """Return the table of one grouping factor.

        Parameters
        ----------
        name
            The grouping factor, as R names it.

        Returns
        -------
        GroupTable
            Arrays of levels by terms.

        Raises
        ------
        UnknownNameError
            The model has no such grouping factor.
        """
        return of_group(self.groups, name, "grouping factor of the name")

    def _make_row(self, table: GroupTable, level: int, term: int) -> Row_co:
        raise NotImplementedError

    def __getitem__(self, key: Key | tuple[Key, ...]) -> Row_co:
        """Return the row of a group, a level and a term.

        Raises
        ------
        UnknownNameError
            There is no such row.
        """
        if not isinstance(key, tuple) or len(key) != 3:
            raise UnknownNameError(
                f"{shown(key)} is no key; give the group, the level and the term"
            )
        table = of_group(self.groups, key[0], "grouping factor")
        term = find_name(key[2], table.terms)
        known = ((key[1], table.levels, "level"), (key[2], table.terms, "term"))
        for (name, there, what), meant in zip(known, (key[1], term), strict=True):
            if meant not in there:
                raise UnknownNameError(
                    f"no {what} {shown(name)} in {key[0]!r}; there are: {listed(there)}"
                )
        return self._make_row(table, table.levels.index(key[1]), table.terms.index(str(term)))

    def _keys(self) -> Iterator[tuple[str, str, str]]:
        for table in self.groups:
            yield from product([table.group], table.levels, table.terms)

    @property
    def rows(self) -> tuple[Row_co, ...]:  # type: ignore[override]
        """One typed row per group, level and term; made when asked for."""
        return tuple(self._rows())

    def _rows(self) -> Iterator[Row_co]:
        for table in self.groups:
            for term in range(len(table.terms)):
                for level in range(len(table.levels)):
                    yield self._make_row(table, level, term)

    def __len__(self) -> int:
        """Return the number of rows."""
        return sum(len(table.levels) * len(table.terms) for table in self.groups)

    def to_frame(self) -> pd.DataFrame:
        """Return the rows as a pandas frame."""
        frames = []
        for table in self.groups:
            n_levels, n_terms = len(table.levels), len(table.terms)
            columns: dict[str, Any] = {
                "group": [table.group] * (n_levels * n_terms),
                "level": list(table.levels) * n_terms,
                "term": np.repeat(np.array(table.terms, dtype=object), n_levels),
                "estimate": table.estimate.ravel(order="F"),
            }
            if table.std_error is not None:
                columns["std_error"] = table.std_error.ravel(order="F")
            frames.append(pd.DataFrame(columns))
        return pd.concat(frames, ignore_index=True)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RandomEffects(_Grouped[RandomEffect]):
    """Conditional modes: ``random_effects["Subject", "308", "Days"].estimate``.

    Attributes
    ----------
    groups
        One :class:`GroupTable` per grouping factor, with standard deviations and covariances.
    observations
        How many rows of the data the model uses; None in what was stored without it.
    """

    groups: tuple[GroupTable, ...]
    observations: int | None = field(default=None, metadata=LATER)

    title: ClassVar[str] = "Random effects (conditional modes)"
    shown: ClassVar[tuple[str, ...]] = fields_of(RandomEffect)

    def _make_row(self, table: GroupTable, level: int, term: int) -> RandomEffect:
        assert table.std_error is not None
        return RandomEffect(
            table.group,
            table.levels[level],
            table.terms[term],
            float(table.estimate[level, term]),
            float(table.std_error[level, term]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class GroupCoefficient(Part):
    """A coefficient of one group: the fixed effect plus the group's random effect.

    Attributes
    ----------
    group, level, term
        The grouping factor, its level, and the term.
    estimate
        In units of the linear predictor for one unit of the term.
    """

    group: str
    level: str
    term: str
    estimate: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GroupCoefficients(_Grouped[GroupCoefficient]):
    """Coefficients by group: ``group_coefficients["Subject", "308", "Days"].estimate``.

    Attributes
    ----------
    groups
        One :class:`GroupTable` per grouping factor.
    observations
        How many rows of the data the model uses; None in what was stored without it.
    """

    groups: tuple[GroupTable, ...]
    observations: int | None = field(default=None, metadata=LATER)

    title: ClassVar[str] = "Coefficients by group"
    shown: ClassVar[tuple[str, ...]] = fields_of(GroupCoefficient)

    def _make_row(self, table: GroupTable, level: int, term: int) -> GroupCoefficient:
        return GroupCoefficient(
            table.group, table.levels[level], table.terms[term], float(table.estimate[level, term])
        )
