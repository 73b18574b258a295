"""Parameters of a design by name: held against those that there are, and put in R's order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from pymer_bridge.errors import OptionError, shown
from pymer_bridge.spec.annotations import PLAIN
from pymer_bridge.spec.names import find_name


@dataclass(frozen=True, slots=True)
class Slots:
    """The parameters that a design has, in R's order.

    Attributes
    ----------
    coefficients
        R's names of the fixed effects.
    deviations
        For each standard deviation its group, the grouping factor, and the term.
    correlations
        For each correlation its group, the grouping factor, and the two terms.
    scaled
        Is there a residual standard deviation?
    """

    coefficients: Sequence[str]
    deviations: Sequence[tuple[str, str, str]]
    correlations: Sequence[tuple[str, str, str, str]]
    scaled: bool


class Given(NamedTuple):
    """Parameters as :func:`pymer_bridge.design` takes them."""

    fixed: Mapping[str, float] | None = None
    std_devs: Mapping[str, Any] | None = None
    correlations: Mapping[str, Any] | None = None
    residual: float | None = None


@dataclass(frozen=True, slots=True)
class Values:
    """Parameters in R's order."""

    fixed: list[float]
    std_devs: list[float]
    correlations: list[float]
    residual: float | None

    def to_r(self) -> dict[str, Any]:
        """Return what ``set_design()`` in R takes."""
        vectors = {
            name: np.array(getattr(self, name)) for name in ("fixed", "std_devs", "correlations")
        }
        return {**vectors, "residual": self.residual}

    def in_order(self) -> list[float | None]:
        """Return all of them, the residual last where there is one."""
        last = () if self.residual is None else (self.residual,)
        return [*self.fixed, *self.std_devs, *self.correlations, *last]


@dataclass(slots=True)
class _Problems:
    missing: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def check(self, value: Any, said: str, low: float, high: float) -> float:
        inside = PLAIN[float].test(value) and isfinite(value) and low <= value <= high
        if not inside:
            ends = {0.0: "a number of at least 0", -1.0: "a number from -1 to 1"}
            self.wrong.append(f"{said}={shown(value)} must be {ends.get(low, 'a finite number')}")
        return float(value) if inside else 0.0


def in_order(slots: Slots, given: Given, base: Mapping[Any, float] | None = None) -> Values:
    """Hold what was given against the parameters that there are.

    Parameters
    ----------
    slots
        What there is.
    given
        What was given.
    base
        What holds where nothing is given: ("fixed", coefficient), ("std_devs", group, term),
        ("correlations", group, pair) and "residual", each with its number.

    Raises
    ------
    OptionError
        Something is missing, unknown, or no such number; the message lists all of it.
    """
    found = _Problems()
    base = base or {}
    residual = base.get("residual") if given.residual is None else given.residual
    beta = _fixed(slots, given.fixed or {}, found, base)
    singles = [((group, factor), term) for group, factor, term in slots.deviations]
    deviations = _of_groups("std_devs", singles, given.std_devs or {}, found, base)
    pairs = [((group, factor), (one, two)) for group, factor, one, two in slots.correlations]
    within = _of_groups("correlations", pairs, given.correlations or {}, found, base)
    sigma = None
    if slots.scaled and residual is None:
        found.missing.append("residual=...")
    elif slots.scaled:
        sigma = found.check(residual, "residual", 0.0, float("inf"))
        if sigma == 0 and not found.wrong:
            found.wrong.append("residual=0 must be above 0")
    elif residual is not None:
        found.wrong.append(f"residual={shown(residual)}: this family has no residual deviation")
    if found.missing or found.unknown or found.wrong:
        lists = [
            f"{what}: {', '.join(names)}"
            for what, names in (("missing", found.missing), ("unknown", found.unknown))
            if names
        ]
        raise OptionError("the design is not whole; " + "; ".join([*lists, *found.wrong]))
    return Values(beta, deviations, within, sigma)


def _fixed(
    slots: Slots, given: Mapping[str, float], found: _Problems, base: Mapping[Any, float]
) -> list[float]:
    """Return the values of the coefficients."""
    names = slots.coefficients
    values = {name: base["fixed", name] for name in names if ("fixed", name) in base}
    for key, value in given.items():
        name = find_name(key, slots.coefficients)
        if name is None:
            found.unknown.append(f"fixed[{key!r}]")
        else:
            values[name] = found.check(value, f"fixed[{key!r}]", -float("inf"), float("inf"))
    lacking = [name for name in slots.coefficients if name not in values]
    found.missing += [f"fixed[{name!r}]" for name in lacking]
    return [values.get(name, 0.0) for name in slots.coefficients]


def _of_groups(
    what: str,
    places: Sequence[tuple[tuple[str, str], Any]],
    given: Mapping[str, Any],
    found: _Problems,
    base: Mapping[Any, float],
) -> list[float]:
    """Return the values of places, each a group with its factor and a term or a pair of terms."""
    low, high = (0.0, float("inf")) if what == "std_devs" else (-1.0, 1.0)
    keys = [(what, group, term) for (group, _), term in places]
    values = {i: base[key] for i, key in enumerate(keys) if key in base}
    for key, parts in given.items():
        own = _places_of(key, places)
        if not own:
            found.unknown.append(f"{what}[{key!r}]")
            continue
        of_terms = parts
        if not isinstance(parts, Mapping):
            of_terms = dict.fromkeys((places[i][1] for i in own), parts)
            if what == "std_devs" and len(own) > 1:
                found.wrong.append(f"{what}[{key!r}] has several terms: give {{term: number}}")
        for term, value in of_terms.items():
            meant = [i for i in own if _is_term(term, places[i][1])]
            if not meant:
                found.unknown.append(f"{what}[{key!r}][{term!r}]")
            for i in meant:
                values[i] = found.check(value, f"{what}[{key!r}][{term!r}]", low, high)
    for i, ((group, _), term) in enumerate(places):
        if i not in values:
            found.missing.append(f"{what}[{group!r}][{term!r}]")
    return [values.get(i, 0.0) for i in range(len(places))]


def _places_of(key: object, places: Sequence[tuple[tuple[str, str], Any]]) -> list[int]:
    """Return the places of a group by R's name of it, or of its factor."""
    for part in (0, 1):
        names: Iterable[str] = [names[part] for names, _ in places]
        name = find_name(key, dict.fromkeys(names))
        if part == 0 and name is not None and any(f == name != g for (g, f), _ in places):
            continue  # the factor stands in several terms
        if name is not None:
            return [i for i, each in enumerate(names) if each == name]
    return []


def _is_term(given: Any, term: Any) -> bool:
    if find_name(given, [term]) is not None:
        return True
    turned = isinstance(term, tuple) and isinstance(given, tuple)
    return turned and find_name(given[::-1], [term]) is not None
