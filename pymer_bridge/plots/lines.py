"""The lines of groups and of the population: a model's predictions along one predictor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pymer_bridge.data.frozen_arrays import frozen_array, frozen_floats
from pymer_bridge.data.new_data import taken
from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.plots.curves import Curve
from pymer_bridge.results.decode.record import texts
from pymer_bridge.spec.names import find_name

CORNERS, FEWER_CORNERS = 60, 25
"""A line that may be bent is drawn through so many points, and where there are many lines."""


@dataclass(frozen=True, slots=True)
class Choices:
    """Along what lines can be drawn, and by which groups.

    Attributes
    ----------
    numeric, fixed, predictors
        Columns of the data: those along which lines go, those of them that have fixed effects, and
        all that predict.
    written
        Names of terms and variables, such as "log(x)", with the numeric column that they hold.
    groups
        The grouping factors with their levels.
    varies, sloped
        For each grouping factor the numeric columns that vary within groups, and those that have
        a random slope.
    """

    numeric: tuple[str, ...]
    fixed: tuple[str, ...]
    predictors: tuple[str, ...]
    written: Mapping[str, str]
    groups: Mapping[str, tuple[str, ...]]
    varies: Mapping[str, tuple[str, ...]]
    sloped: Mapping[str, tuple[str, ...]]

    def column(self, predictor: str) -> str | None:
        """Return the numeric column that a name means."""
        found = find_name(predictor, self.numeric)
        if found is not None:
            return found
        terms = {"".join(name.split()): column for name, column in self.written.items()}
        term = find_name("".join(predictor.split()), terms)
        return None if term is None else terms[term]


class Along(NamedTuple):
    """What is drawn: by which group with which levels, along which predictor, and what is held."""

    group: str
    levels: tuple[str, ...]
    predictor: str
    varies: bool
    at: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Held:
    """What other predictors are held at, in words.

    Attributes
    ----------
    all, population
        Of all lines, and of the population's alone.
    own
        The predictors that each group has at its own value.
    """

    all: str
    population: str
    own: str


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """What a picture of data and lines shows.

    Attributes
    ----------
    x, y, codes
        The data: predictor, response, and which of the levels each row belongs to.
    drawn
        The positions of the levels that have a line: those whose ``x`` varies.
    of_level
        For each of these the corners of its line, from the least to the greatest ``x`` it has.
    population
        The corners of the population's line.
    response
        What its axis is called.
    held
        At what other predictors are held.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    codes: NDArray[np.intp]
    drawn: tuple[int, ...]
    of_level: tuple[Curve, ...]
    population: Curve
    response: str
    held: Held


def _read_choices(record: Mapping[str, Any]) -> Choices:
    numeric, groups = texts(record, "numeric"), texts(record, "groups")

    def by_group(name: str) -> dict[str, tuple[str, ...]]:
        table = np.reshape(record[name], (len(groups), len(numeric))).astype(bool)
        picked = (tuple(np.array(numeric, dtype=object)[row]) for row in table)
        return dict(zip(groups, picked, strict=True))

    return Choices(
        numeric=numeric,
        fixed=texts(record, "fixed"),
        predictors=texts(record, "predictors"),
        written=dict(zip(texts(record, "written"), texts(record, "means"), strict=True)),
        groups=dict(zip(groups, map(tuple, record["levels"]), strict=True)),
        varies=by_group("varies"),
        sloped=by_group("sloped"),
    )


def along(
    fit: Any,
    group: str | None,
    predictor: str | None,
    at: Mapping[str, Any] | None,
    *,
    within: bool = True,
    compared: str = "",
) -> Along:
    """Find by which group, and along which predictor, lines go.

    Parameters
    ----------
    fit
        A mixed model.
    group
        A grouping factor; by default R's first, or the first within which the predictor varies.
    predictor
        A numeric column, or a term of it; by default one that varies within the groups, and has a
        random slope there if there is such a one.
    at
        Values at which other predictors are held.
    within
        Must the predictor vary within the groups?
    compared
        The picture that compares with lines of the groups alone, if it is such a one.

    Raises
    ------
    OptionError
        There is no such group or predictor, or a value is not accepted.
    """
    if fit.spec.fitter == "nlmer":
        raise OptionError(
            "lines are drawn of models with a linear predictor, not of those of nlmer(): draw what "
            "fit.predict() gives over new data"
        )
    if compared and fit.spec.fitter != "lmer":
        raise OptionError(
            f"{compared}() compares with lm() of each group: it takes a model of lmer(); "
            "fit.plot.lines() and fit.plot.groups() draw others"
        )
    known: Choices = fit._ask("line_choices", _read_choices)
    if not known.numeric:
        raise OptionError(
            "the model has no numeric predictor to draw lines along; fit.plot.effect() draws "
            "factors, and fit.plot.random_effects() groups"
        )
    column = None if predictor is None else known.column(predictor)
    chosen = None if group is None else find_name(group, known.groups)
    if group is not None and chosen is None:
        raise OptionError(f"no grouping factor {shown(group)}; there are: {listed(known.groups)}")
    if predictor is not None and column is None:
        raise OptionError(_no_number(fit, known, predictor, chosen or next(iter(known.groups))))
    groups = [chosen] if chosen else list(known.groups)
    pairs = [(g, c) for g in groups for c in _in_turn(known, g) if column in (None, c)]
    pair = next(iter(pairs), (groups[0], column or known.numeric[0]))
    if within and not pairs:
        raise OptionError(_constant(known, *pair))
    on, what = pair
    if compared and what not in known.fixed:
        raise OptionError(
            f"{shown(what)} has no fixed effect, so that groups alone have no line along it; the "
            f"predictors that have one are: {', '.join(known.fixed) or 'none'}"
        )
    return Along(on, known.groups[on], what, bool(pairs), _held_at(fit, known, what, at))


def _no_number(fit: Any, known: Choices, predictor: str, group: str) -> str:
    """Say that there are no lines along a predictor, and along which there are."""
    text = (
        f"no lines along {shown(predictor)} by {shown(group)}; numeric predictors are: "
        f"{', '.join(known.numeric)}"
    )
    found = find_name(predictor, known.predictors)
    levels = found is not None and fit._kinds[found].kind in ("factor", "logical")
    return f"{text}; fit.plot.effect({found!r}) draws a factor" if levels else text


def _in_turn(known: Choices, group: str) -> list[str]:
    """Return the columns that vary within groups, those with a random slope first."""
    return sorted(known.varies[group], key=lambda name: name not in known.sloped[group])


def _constant(known: Choices, group: str, column: str) -> str:
    """Say that a predictor has one value in each group, and what varies in which groups."""
    others = [f"{c} by {g}" for g, columns in known.varies.items() for c in columns]
    return (
        f"{shown(column)} has one value in each level of {shown(group)}, so that its groups have "
        f"no lines; fit.plot.lines({group!r}, {column!r}) draws the population's"
        + (f", and there are lines along: {listed(others)}" if others else "")
    )


def _held_at(fit: Any, known: Choices, column: str, at: Mapping[str, Any] | None) -> dict[str, Any]:
    others = [name for name in known.predictors if name != column]
    held = {}
    for name, value in (at or {}).items():
        found = find_name(name, others)
        if found is None:
            raise OptionError(
                f"at holds {name!r}, which is not another predictor of the model; "
                + (f"there are: {listed(others)}" if others else "there is none")
            )
        kind, what = fit._kinds[found], f"at[{found!r}]"
        held[found] = taken(kind, value, what)
        if kind.kind not in ("numeric", "integer", "logical", "factor"):
            raise OptionError(f"{what}: {shown(found)} is neither a number nor a factor")
        if kind.kind in ("numeric", "integer"):
            held[found] = float(held[found])
            if not np.isfinite(held[found]):
                raise OptionError(f"{what} is {shown(value)}, and takes a finite number")
    return held


def _for_r(at: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as R takes them: numbers, and text for levels."""
    return {
        name: str(value).upper() if isinstance(value, bool) else value for name, value in at.items()
    }


def lines_at(fit: Any, where: Along, places: Sequence[int]) -> Lines:
    """Ask for the data, and for the lines of some groups and of the population.

    Parameters
    ----------
    fit
        A mixed model.
    where
        What :func:`along` found.
    places
        The positions of the levels whose lines are wanted, in the order of drawing.
    """
    corners = CORNERS if len(places) <= 500 else FEWER_CORNERS

    def read(record: Mapping[str, Any]) -> Lines:
        drawn = tuple((record["drawn"] - 1).tolist())
        corner_pairs = zip(
            np.split(record["line_x"], len(drawn)) if drawn else (),
            np.split(record["line_y"], len(drawn)) if drawn else (),
            strict=True,
        )
        return Lines(
            x=record["x"],
            y=record["y"],
            codes=record["codes"].astype(np.intp) - 1,
            drawn=drawn,
            of_level=tuple(Curve(frozen_array(x), frozen_array(y)) for x, y in corner_pairs),
            population=Curve(*(frozen_array(record[f"population_{name}"]) for name in "xy")),
            response=str(record["response"][0]),
            held=held_words(record, where),
        )

    return fit._ask_anew(  # type: ignore[no-any-return]
        "lines_of_groups",
        read,
        predictor=where.predictor,
        group=where.group,
        at=_for_r(where.at),
        levels=np.asarray(places, dtype=np.int32) + np.int32(1),
        n_points=corners,
    )


def unpooled_at(fit: Any, where: Along, found: Lines) -> tuple[Curve, tuple[Curve, ...]]:
    """Ask for the line of all data together, and for those of the groups alone.

    Returns
    -------
    tuple
        The one line, and one for each of ``found``; NaN where a group's data give no line.
    """

    def read(record: Mapping[str, Any]) -> tuple[Curve, tuple[Curve, ...]]:
        drawn = found.of_level
        parts = np.split(record["none_y"], len(drawn)) if drawn else []
        whole = Curve(found.population.x, frozen_array(record["complete_y"]))
        return whole, tuple(
            Curve(line.x, frozen_array(y)) for line, y in zip(drawn, parts, strict=True)
        )

    return fit._ask_anew(  # type: ignore[no-any-return]
        "unpooled_lines_at",
        read,
        predictor=where.predictor,
        group=where.group,
        at=_for_r(where.at),
        drawn=np.asarray(found.drawn, dtype=np.int32) + np.int32(1),
        line_x=np.concatenate([line.x for line in found.of_level] or [np.empty(0)]),
        population_x=found.population.x,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Shrunken:
    """Intercepts and slopes of groups, and of the population.

    Attributes
    ----------
    none, partial
        Arrays of groups by (intercept, slope): of each group's own data, and of the model.
    population
        Intercept and slope.
    response
        What its axis is called.
    held
        At what other predictors are held.
    """

    none: NDArray[np.float64]
    partial: NDArray[np.float64]
    population: tuple[float, float]
    response: str
    held: Held


def shrunken_at(fit: Any, where: Along, places: Sequence[int]) -> Shrunken:
    """Ask for intercepts and slopes of groups.

    Raises
    ------
    OptionError
        Lines along the predictor are not straight.
    """

    def read(record: Mapping[str, Any]) -> Shrunken:
        if not record["straight"][0]:
            raise OptionError(
                f"lines along {shown(where.predictor)} are not straight, and have no slope to be "
                "shrunken; fit.plot.pooling() draws them, and a column of the transformed "
                "predictor has straight ones"
            )
        pairs = (record[name].reshape((-1, 2), order="F") for name in ("none", "partial"))
        none, partial = map(frozen_floats, pairs)
        intercept, slope = record["population"].tolist()
        response = str(record["response"][0])
        return Shrunken(none, partial, (intercept, slope), response, held_words(record, where))

    return fit._ask_anew(  # type: ignore[no-any-return]
        "shrunken_lines",
        read,
        predictor=where.predictor,
        group=where.group,
        at=_for_r(where.at),
        levels=np.asarray(places, dtype=np.int32) + np.int32(1),
    )


def held_words(record: Mapping[str, Any], where: Along) -> Held:
    """Put into words at what other predictors are held."""
    held = record["held"]
    averaged, own = texts(held, "averaged"), texts(held, "own")
    typical = dict(zip(texts(held, "typical"), texts(held, "means"), strict=True))
    values = {
        name: f"{value:.4g}" if isinstance(value, float) else str(value)
        for name, value in where.at.items()
    }
    offset = record.get("offset")
    means = {name: f"{value} (mean)" for name, value in typical.items()}
    values |= {name: value for name, value in means.items() if name not in own}
    if offset is not None:
        values["offset"] = f"{float(offset[0]):.4g} (mean)"
    return Held(
        all=_words([name for name in averaged if name not in own], values),
        population=_words(
            [name for name in averaged if name in own],
            {name: value for name, value in means.items() if name in own},
        ),
        own=", ".join(own),
    )


def _words(averaged: Sequence[str], values: Mapping[str, str]) -> str:
    parts = [f"averaged over {', '.join(averaged)}"] if averaged else []
    if values:
        parts.append("at " + ", ".join(f"{name} = {value}" for name, value in values.items()))
    return "; ".join(parts)
