"""Frames of designs: units that are crossed, and the same frame with more units or fewer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Final

import numpy as np
import pandas as pd

from pymer_bridge.errors import OptionError, UnknownNameError, listed, shown
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked

MOST_ROWS: Final = 10_000_000
"""So many rows a frame may have."""


@checked
def crossed_frame(
    *,
    within: Mapping[str, Any] | None = None,
    between: Mapping[str, Any] | None = None,
    **units: int,
) -> pd.DataFrame:
    """Make the frame of a crossed design, without a response.

    Parameters
    ----------
    within
        Factors that every combination of units has at each level: ``{"cond": ["a", "b"]}``. Levels
        that are numbers make a numeric column.
    between
        Factors that have one level for each unit of the first kind, in turn, so that counts are
        balanced: ``{"group": ["x", "y"]}``. Those of another kind are given by its name:
        ``{"item": {"frequency": ["low", "high"]}}``.
    **units
        The kinds of units, such as subjects and items, and how many there are of each; they are
        named "subject01", "subject02" ...

    Returns
    -------
    pandas.DataFrame
        A row for each combination of units and levels within, the last ones fastest; units and
        levels are categories, in their order.

    Raises
    ------
    OptionError
        There are no units, a number is not positive, a name stands twice, or counts cannot be
        balanced.

    Notes
    -----
    R functions: ``expand.grid``, with the levels named.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> frame = pb.crossed_frame(
    ...     subject=24, item=12, within={"cond": ["a", "b"]}, between={"group": ["x", "y"]}
    ... )
    >>> frame.shape
    (576, 4)
    >>> frame.groupby("group", observed=True)["subject"].nunique().tolist()
    [12, 12]
    """
    if not units:
        raise OptionError("give the kinds of units and how many there are: subject=24, item=12")
    counts = {name: options.whole(n, name, 1) for name, n in units.items()}
    of_units = _between(between or {}, counts)
    factors = {name: _levels(given, f"within[{name!r}]") for name, given in (within or {}).items()}
    names = [*counts, *factors, *(name for own in of_units.values() for name in own)]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise OptionError(f"the frame would have two columns {listed(sorted(doubled))}")
    sizes = [*counts.values(), *map(len, factors.values())]
    if np.prod(sizes, dtype=np.float64) > MOST_ROWS:
        raise OptionError(f"the frame would have more than {MOST_ROWS} rows")
    places = np.indices(sizes).reshape(len(sizes), -1)
    columns: dict[str, Any] = {}
    for (name, n), at in zip(counts.items(), places, strict=False):
        width = len(str(n))
        columns[name] = _categories(at, [f"{name}{i:0{width}d}" for i in range(1, n + 1)])
    for (name, levels), at in zip(factors.items(), places[len(counts) :], strict=True):
        columns[name] = _column(levels, at)
    for at, own in zip(places, (of_units.get(name, {}) for name in counts), strict=False):
        cells = list(product(*map(range, map(len, own.values()))))
        for i, (name, levels) in enumerate(own.items()):
            columns[name] = _column(levels, np.array([cell[i] for cell in cells])[at % len(cells)])
    return pd.DataFrame(columns)


def _levels(given: Any, argument: str) -> list[Any]:
    """Return the levels of a factor."""
    usable = isinstance(given, Sequence | range | np.ndarray | pd.Index) and not isinstance(
        given, str | bytes
    )
    levels = list(given) if usable else []
    kinds = (str, int, float, np.integer, np.floating)
    plain = all(isinstance(level, kinds) and not isinstance(level, bool) for level in levels)
    texts = {isinstance(level, str) for level in levels}
    if not levels or not plain or len(texts) > 1 or len(set(levels)) < len(levels):
        raise OptionError(
            f"{argument}={shown(given)} must be a list of different levels, all texts or all "
            "numbers"
        )
    return levels


def _categories(codes: Any, levels: list[str]) -> Any:
    return pd.Categorical.from_codes(codes, pd.Index(levels, dtype=object))


def _column(levels: list[Any], at: Any) -> Any:
    if isinstance(levels[0], str):
        return _categories(at, levels)
    return np.array(levels)[at]


def _between(
    given: Mapping[str, Any], counts: Mapping[str, int]
) -> dict[str, dict[str, list[Any]]]:
    """Return the factors of each kind of unit."""
    found: dict[str, dict[str, list[Any]]] = {}
    first = next(iter(counts))
    for name, value in given.items():
        nested = isinstance(value, Mapping)
        unit, own = (name, value) if nested else (first, {name: value})
        if unit not in counts:
            raise OptionError(f"between names the units {shown(unit)}; there are: {listed(counts)}")
        for factor, levels in own.items():
            of_unit = found.setdefault(unit, {})
            of_unit[factor] = _levels(levels, f"between[{factor!r}]")
    for unit, own in found.items():
        cells = int(np.prod([len(levels) for levels in own.values()]))
        if counts[unit] % cells:
            raise OptionError(
                f"{unit}={counts[unit]} cannot be balanced: {listed(own)} have {cells} combinations"
            )
    return found


def resized(table: pd.DataFrame, along: str, n: int, groups: Sequence[str] = ()) -> pd.DataFrame:
    """Return a frame with so many units of one kind: the first ones, or more like them in turn.

    Parameters
    ----------
    table
        The frame.
    along
        The column of the units.
    n
        How many there are to be.
    groups
        Columns of units, of which those within one of ``along`` get names of their own in copies.
    """
    column = unit_column(table, along)
    levels = list(column.cat.categories)
    codes = column.cat.codes.to_numpy()
    rows = [np.flatnonzero(codes == i) for i in range(len(levels))]
    if n <= len(levels):
        kept = np.flatnonzero(codes < n)
        return table.iloc[kept].assign(**{along: column.iloc[kept].cat.set_categories(levels[:n])})
    copies = [code // len(levels) + 1 for code in range(n)]
    picked = [rows[code % len(levels)] for code in range(n)]
    # The rows that are there keep their order, with the new units behind.
    order = np.concatenate([np.arange(len(table)), *picked[len(levels) :]])
    of_row = np.concatenate([codes, *(np.full(len(picked[i]), i) for i in range(len(levels), n))])
    copy = np.array(copies)[of_row]
    made = table.iloc[order].reset_index(drop=True)
    inner = [name for name in groups if name != along and name in table.columns]
    inner = [name for name in inner if _lies_within(table, name, along)]
    return made.assign(
        **{name: _copied(unit_column(table, name), order, copy) for name in (along, *inner)}
    )


def _lies_within(table: pd.DataFrame, inner: str, outer: str) -> bool:
    """Say whether each unit of one kind has rows in one unit of another kind only."""
    return int(table.groupby(inner, observed=True)[outer].nunique().max()) == 1


def _copied(column: pd.Series[Any], order: Any, copy: Any) -> Any:
    """Return units over rows; those of a copy are named "s1.2", and stand behind the others."""
    levels = list(column.cat.categories)
    own = column.cat.codes.to_numpy()[order].astype(np.int64)
    keys = (copy - 1) * len(levels) + own
    there = np.unique(keys)
    names = [str(level) for level in levels]
    taken = set(names)
    labels = []
    for key in there:
        name = names[key % len(levels)]
        if key >= len(levels):
            name = f"{name}.{key // len(levels) + 1}"
            while name in taken:
                name += "_"
        taken.add(name)
        labels.append(name)
    return _categories(np.searchsorted(there, keys), labels)


def unit_column(table: pd.DataFrame, along: str) -> pd.Series[Any]:
    """Return the column of units as categories, in the order of their first rows if it has none.

    Raises
    ------
    UnknownNameError
        There is no such column.
    """
    if along not in table.columns:
        raise UnknownNameError(
            f"along={shown(along)}: the frame has the columns {listed(table.columns)}"
        )
    column = table[along]
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.remove_unused_categories()
    return column.astype(pd.CategoricalDtype(list(pd.unique(column))))
