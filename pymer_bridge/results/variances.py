"""Variances and correlations of the random effects of one model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import isnan
from typing import Any, ClassVar, Final

import numpy as np
import pandas as pd

from pymer_bridge.display import apa
from pymer_bridge.display.tables import Cell, Column, Table
from pymer_bridge.errors import UnknownNameError, listed, shown
from pymer_bridge.results.base import COLUMNS, Key, Part, Rows, fields_of
from pymer_bridge.results.codec import LATER
from pymer_bridge.spec.names import find_name

RESIDUAL: Final = "Residual"
"""What R calls the group of the residual variance."""


@dataclass(frozen=True, slots=True, eq=False)
class VarianceComponent(Part):
    """One variance: of a random term in a group, or of the residuals (term None).

    Attributes
    ----------
    group
        The grouping factor, or "Residual".
    term
        The random term; None for the residuals.
    variance
        In squared units of the response, for one unit of the term.
    std_dev
        Its square root.
    """

    group: str
    term: str | None
    variance: float
    std_dev: float


@dataclass(frozen=True, slots=True, eq=False)
class RandomCorrelation(Part):
    """The correlation of two random terms of one group.

    Attributes
    ----------
    group
        The grouping factor.
    term1, term2
        The two terms, in R's order.
    covariance
        In the units of both terms.
    correlation
        Between -1 and 1.
    """

    group: str
    term1: str
    term2: str
    covariance: float
    correlation: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class VarianceComponents(Rows[VarianceComponent]):
    """Variances and correlations: ``variance_components["Subject", "Days"].std_dev``.

    Attributes
    ----------
    rows
        One :class:`VarianceComponent` per random term, and one for the residuals.
    correlations
        One :class:`RandomCorrelation` per pair of terms.
    factors
        The grouping factors of groups that R calls otherwise: where a factor stands in several
        terms, their groups are "Subject", "Subject.1" ...
    observations
        How many rows of the data the model uses; None in what was stored without it.
    """

    rows: tuple[VarianceComponent, ...]
    correlations: tuple[RandomCorrelation, ...]
    factors: tuple[tuple[str, str], ...] = field(default=(), metadata=LATER)
    observations: int | None = field(default=None, metadata=LATER)

    title: ClassVar[str] = "Random effects"
    key: ClassVar[tuple[str, ...]] = ("group", "term")
    shown: ClassVar[tuple[str, ...]] = fields_of(VarianceComponent)

    def __getitem__(self, key: Key | tuple[Key, ...]) -> VarianceComponent:
        """Return the row of a group and a term; the group alone is enough if it has one term.

        The group is named as R does, or by its grouping factor.

        Raises
        ------
        UnknownNameError
            There is no such row, or the group has several terms.
        """
        if isinstance(key, str):
            group = find_name(key, (row.group for row in self.rows))
            of_group = [row for row in self.rows if row.group == group]
            if len(of_group) == 1:
                return of_group[0]
        if isinstance(key, tuple) and len(key) == 2:
            key = self._of_factor(key)
        return super(VarianceComponents, self).__getitem__(key)

    def _of_factor(self, key: tuple[Key, ...]) -> tuple[Key, ...]:
        """Return R's group and the term, where the group is named by its grouping factor."""
        own = [self._key_of(row) for row in self.rows]
        if self.factors and find_name(key, own) is None:
            factors = dict(self.factors)
            by_factor = [(factors.get(group, group), term) for group, term in own]
            if (found := find_name(key, by_factor)) is not None and by_factor.count(found) == 1:
                return own[by_factor.index(found)]
        return key

    def correlation(self, group: str, term1: str, term2: str) -> float:
        """Return the correlation of two random terms of a group, in either order.

        Parameters
        ----------
        group
            The grouping factor.
        term1, term2
            The two terms.

        Returns
        -------
        float
            Between -1 and 1.

        Raises
        ------
        UnknownNameError
            The model has no such correlation.
        """
        factors = dict(self.factors)
        for names in (lambda group: group, lambda group: factors.get(group, group)):
            pairs = [(names(row.group), row.term1, row.term2) for row in self.correlations]
            for asked in ((group, term1, term2), (group, term2, term1)):
                if (found := find_name(asked, pairs)) is not None:
                    return self.correlations[pairs.index(found)].correlation
        have = listed((row.group, row.term1, row.term2) for row in self.correlations)
        raise UnknownNameError(
            f"no correlation of group={shown(group)}, term1={shown(term1)} and "
            f"term2={shown(term2)}; there are: {have}"
        )

    def _table(self) -> Table:
        """Lay out as R does: correlations to the right, against the terms above."""
        blocks: dict[str, list[str]] = {}
        found = {(c.group, c.term1, c.term2): c.correlation for c in self.correlations}
        found |= {(c.group, c.term2, c.term1): c.correlation for c in self.correlations}
        width = 0
        body: list[tuple[list[Cell], list[float]]] = []
        for row in self.rows:
            above = blocks.setdefault(row.group, [])
            against = [found.get((row.group, row.term or "", other)) for other in above]
            shown = [c for c in against if c is not None]
            width = max(width, len(shown))
            body.append(
                ([row.group if not above else "", row.term, row.variance, row.std_dev], shown)
            )
            above.append(row.term or "")
        columns = (
            Column("group", "Groups", "text"), Column("term", "Name", "text"),
            COLUMNS["variance"], COLUMNS["std_dev"],
            *(Column(f"correlation{i}", "Corr" if i == 0 else "", "text") for i in range(width)),
        )  # fmt: skip
        cells = tuple(
            (
                *start,
                *("NaN" if isnan(c) else f"{c:.2f}" for c in shown),
                *(None,) * (width - len(shown)),
            )
            for start, shown in body
        )
        return Table(columns, cells, title=self._caption())

    def to_frame(self) -> pd.DataFrame:
        """Return variances and correlations in one frame: figures that do not apply are NaN.

        Returns
        -------
        pandas.DataFrame
            Columns group, term, term2, variance, std_dev, covariance, correlation: the first
            two figures of one term, the last two of two terms.
        """
        rows: list[tuple[Any, ...]] = [
            (r.group, r.term, None, r.variance, r.std_dev, None, None) for r in self.rows
        ]
        rows += [
            (c.group, c.term1, c.term2, None, None, c.covariance, c.correlation)
            for c in self.correlations
        ]
        figures = ["variance", "std_dev", "covariance", "correlation"]
        frame = pd.DataFrame(rows, columns=["group", "term", "term2", *figures])
        return frame.astype(dict.fromkeys(figures, np.float64))


def random_part(components: VarianceComponents, labels: Callable[[str], str]) -> str:
    """Return standard deviations and correlations as a sentence of a report.

    Parameters
    ----------
    components
        The variance components.
    labels
        Gives the label of each group and term.

    Returns
    -------
    str
        Such as "Random effects: Subject, SD (Intercept) = 24.74, SD Days = 5.92, r = .07".
    """
    said: dict[str, list[str]] = {}
    for row in components.rows:
        name = "SD" if row.term is None else f"SD {labels(row.term)}"
        decimals = apa.decimals_for([row.std_dev])
        said.setdefault(row.group, []).append(f"{name} = {apa.number(row.std_dev, decimals)}")
    several = len(components.correlations) > 1
    for pair in components.correlations:
        of = f" ({labels(pair.term1)}, {labels(pair.term2)})" if several else ""
        said[pair.group].append(f"r{of} = {apa.share(pair.correlation)}")
    groups = [f"{labels(group)}, {', '.join(parts)}" for group, parts in said.items()]
    return f"Random effects: {'; '.join(groups)}"
