"""The lines of groups and of the population: a model's predictions along one predictor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.data.columns import holds_numbers
from pymer_bridge.data.new_data import ColumnKind, taken
from pymer_bridge.errors import OptionError, shown
from pymer_bridge.results.fixed_effects import INTERCEPT
from pymer_bridge.spec.names import bare, find_name, parts_of, quoted

CORNERS = 60
"""A line that may be bent is drawn through so many points."""


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """What a picture of data and lines shows.

    Attributes
    ----------
    group, predictor, response
        Their names.
    levels
        The groups.
    x, y, codes
        The data: predictor, response, and which of the levels each row belongs to.
    of_level
        For each level the corners of its line, from the least to the greatest ``x`` it has.
    population
        The corners of the population's line.
    """

    group: str
    predictor: str
    response: str
    levels: tuple[str, ...]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    codes: NDArray[np.intp]
    of_level: tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]
    population: tuple[NDArray[np.float64], NDArray[np.float64]]


def ends_of(x: NDArray[np.float64], line: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the two ends of a straight line over the range of ``x``."""
    ends = np.array([np.nanmin(x), np.nanmax(x)])
    return ends, line[0] + line[1] * ends


def lines_of(
    fit: Any, group: str | None, predictor: str | None, at: Mapping[str, Any] | None = None
) -> Lines:
    """Collect data and lines of a model.

    Parameters
    ----------
    fit
        A linear mixed model.
    group, predictor
        As for ``fit.pooling()``.
    at
        Values at which other predictors are held; by default the group's own where they do not
        vary within groups, and else numbers at the mean of the rows used and factors at their
        first level, as for the population.

    Raises
    ------
    OptionError
        There is no such group or predictor, no prediction along it, or the model has an offset.
    """
    if fit.spec.offset is not None or "offset(" in fit.formula:
        raise OptionError("a model with an offset has no lines through its data")
    others = _others(fit, predictor)
    if others or at:
        return _predicted(fit, group, predictor, at or {})
    found = fit.pooling(group, predictor)
    frame = fit.model_frame
    x, y, codes = _data(frame, found.predictor, found.group, found.levels)
    names = found.group, found.predictor, found.response, found.levels
    of_level = tuple(ends_of(x[codes == i], line) for i, line in enumerate(found.partial))
    return Lines(*names, x, y, codes, of_level, ends_of(x, found.population))


def _others(fit: Any, predictor: str | None) -> list[str]:
    """Return fixed effects that are neither the intercept nor the one predictor."""
    terms = [term for term in fit.vcov.names if term != INTERCEPT]
    along = None if predictor is None else find_name(predictor, terms)
    return [term for term in terms if term != along] if predictor else terms[1:]


def _data(
    frame: pd.DataFrame, predictor: str, group: str, levels: tuple[str, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    codes = pd.Index(levels).get_indexer(pd.Index(frame[group].astype(str)))
    x = frame[predictor].to_numpy(dtype=np.float64)
    return x, frame.iloc[:, 0].to_numpy(dtype=np.float64), codes


def _predicted(fit: Any, group: str | None, predictor: str | None, at: Mapping[str, Any]) -> Lines:
    """Ask the model for its predictions along one predictor, the others held."""
    frame = fit.model_frame
    groups = tuple(fit.n_groups)
    chosen = groups[0] if group is None else find_name(group, groups)
    response = str(frame.columns[0])
    fixed = [c for c in map(str, frame.columns[1:]) if c not in groups and c[0] != "("]
    numeric = [name for name in fixed if holds_numbers(frame[name])]
    along = next(iter(numeric), None) if predictor is None else find_name(predictor, numeric)
    if chosen is None or along is None:
        raise OptionError(
            f"no lines along {shown(along or predictor)} by {shown(chosen or group)}; numeric "
            f"predictors are: {', '.join(numeric) or 'none'}, and grouping factors: "
            f"{', '.join(groups)}"
        )
    meant = {name: find_name(name, fixed) for name in at}
    unknown = [name for name, found in meant.items() if found in (None, along)]
    if unknown:
        raise OptionError(f"at holds {unknown[0]!r}, which is not another predictor of the model")
    at = {str(meant[name]): value for name, value in at.items()}
    columns = list(map(str, fit.columns))
    unused = {response, *_alone(fit.spec.weights)}
    missing = set(columns) - set(frame.columns) - unused - _inside(groups, columns)
    if missing or not hasattr(fit, "predict"):
        raise OptionError(
            "lines along one of several predictors need predictions from plain columns; "
            f"this model has no {', '.join(sorted(missing)) or 'predict()'}"
        )
    levels = tuple(map(str, frame[chosen].cat.categories))
    x, y, codes = _data(frame, along, chosen, levels)
    held = {name: at.get(name, _typical(frame[name])) for name in fixed if name != along}
    parts_of_x = [x[codes == i] for i in range(len(levels))]
    grids = [np.linspace(np.min(part), np.max(part), CORNERS) for part in parts_of_x]
    whole = np.linspace(np.min(x), np.max(x), CORNERS)
    new = _new_data(frame, np.concatenate(grids), along, held)
    new[chosen] = np.repeat(np.array(levels, dtype=object), CORNERS)
    # A group keeps what is its own: the parts of "a:b", and predictors that do not vary in it.
    parts = _inside((chosen,), columns) - {chosen}
    first = [int(np.flatnonzero(codes == i)[0]) for i in range(len(levels))]
    for name in [n for n in map(str, frame.columns[1:]) if n not in (along, chosen, *at)]:
        if name in parts or (name in held and _constant(frame[name], codes)):
            new[name] = frame[name].iloc[np.repeat(first, CORNERS)].array
    only = None if len(groups) == 1 else _random_part(fit, chosen, fixed, columns)
    values = np.asarray(fit.predict(new, re_form=only), dtype=np.float64).reshape(-1, CORNERS)
    average = fit.predict(_new_data(frame, whole, along, held), re_form="population")
    of_level = tuple(zip(grids, values, strict=True))
    population = whole, np.asarray(average, dtype=np.float64)
    return Lines(chosen, along, response, levels, x, y, codes, of_level, population)


def _alone(weights: Any) -> tuple[str, ...]:
    """Return the column of weights, of which predictions know nothing."""
    return (bare(weights),) if isinstance(weights, str) else ()


def _inside(groups: tuple[str, ...], columns: Sequence[str]) -> set[str]:
    """Return the columns that grouping factors such as "a:b" are made of."""
    return {column for name in groups for column in parts_of(name, columns)}


def _constant(column: pd.Series[Any], codes: NDArray[np.intp]) -> bool:
    """Say whether a column has one value within each group."""
    return bool((column.groupby(codes, observed=True).nunique(dropna=False) == 1).all())


def _typical(column: pd.Series[Any]) -> Any:
    """Return the value at which a predictor is held; it is drawn, and enters no result."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.categories[0]
    return float(column.mean()) if holds_numbers(column) else min(column.dropna())


def _new_data(
    frame: pd.DataFrame, x: NDArray[np.float64], along: str, held: Mapping[str, Any]
) -> pd.DataFrame:
    new = pd.DataFrame({along: x})
    for name, value in held.items():
        kind = frame[name].dtype
        if isinstance(kind, pd.CategoricalDtype):
            levels = ColumnKind("factor", tuple(kind.categories))
            value = taken(levels, value, f"at[{name!r}]")  # noqa: PLW2901
            new[name] = pd.Series([value] * len(x), dtype=kind)
        else:
            new[name] = value
    return new


def _random_part(fit: Any, group: str, fixed: list[str], columns: Sequence[str]) -> str:
    """Write the random terms of one grouping factor as a formula."""
    terms = fit.random_effects.group(group).terms
    names = {term: find_name(term, (INTERCEPT, *fixed)) for term in terms}
    if None in names.values():
        raise OptionError(
            f"the random effects of {shown(group)} cannot be predicted with by themselves"
        )
    intercept = "1" if INTERCEPT in terms else "0"
    slopes = [quoted(str(name)) for term, name in names.items() if term != INTERCEPT]
    factor = ":".join(map(quoted, parts_of(group, columns)))
    return f"~ ({' + '.join([intercept, *slopes])} | {factor})"
