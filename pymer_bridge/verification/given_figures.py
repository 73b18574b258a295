"""Figures that other software gives, read under the keys of ours."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from pymer_bridge.data import frames
from pymer_bridge.data.exact import Value
from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.results.base import Result
from pymer_bridge.results.figures import Figure, Figures
from pymer_bridge.results.variances import RESIDUAL
from pymer_bridge.verification.figures import STATISTICS, TESTS
from pymer_bridge.verification.foreign_names import Names, meant
from pymer_bridge.verification.foreign_results import of_pymer4, of_statsmodels

FACTS: Final = ("n_obs", "sigma", "reml")
QUANTITIES: Final[Mapping[str, tuple[str, ...]]] = {
    "fixed_effect": TESTS,
    "variance_component": ("variance", "std_dev"),
    "correlation": ("covariance", "correlation"),
    "random_effect": ("estimate", "std_error"),
    "fit_statistic": STATISTICS,
}
_TERMS: Final = {
    "sd": ("variance_component", "std_dev"),
    "var": ("variance_component", "variance"),
    "cor": ("correlation", "correlation"),
    "cov": ("correlation", "covariance"),
}
"""What the terms of broom.mixed's tables begin with."""

Given = Iterator[tuple[str, Any]]


# -- what is given -------------------------------------------------------------------------------


def read_given(given: Any, figures: Figures) -> dict[str, Value]:
    """Return figures by their keys, from whatever holds them.

    Parameters
    ----------
    given
        See :func:`pymer_bridge.compare_figures`.
    figures
        R's figures, whose names are meant.

    Raises
    ------
    OptionError
        A part is not understood, there is no figure, or one is given twice.
    """
    found: dict[str, Value] = {}
    for key, value in _figures(given, Names(figures)):
        number = _plain(value, key)
        if number is None:
            continue
        if key in found:
            raise OptionError(f"figures has {key} twice")
        found[key] = number
    if not found:
        raise OptionError("figures has no figure")
    return found


def _figures(given: Any, names: Names) -> Given:
    if isinstance(given, Figures):
        return iter(given.values.items())
    if isinstance(given, Mapping):
        return _of_mapping(given, names)
    if isinstance(given, Result):
        return _of_frame(given.to_frame(), names)
    package = type(given).__module__.partition(".")[0]
    if package == "statsmodels":
        return _of_mapping(of_statsmodels(given, names), names)
    if package == "pymer4":
        return _of_frame(of_pymer4(given), names)
    return _of_frame(frames.as_pandas(given, "figures"), names)


def _plain(value: Any, key: str) -> Value:
    """Return a figure as a plain number, text or truth; None if it is missing."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    if not isinstance(value, bool | int | float | str):
        raise OptionError(f"figures has {key} = {shown(value)}; it must be one number")
    return value


def _key(family: str, quantity: Any, group: str = "", level: str = "", *terms: str) -> str:
    known = QUANTITIES[family]
    name = str(quantity).replace(".", "_")
    if name not in known:
        raise OptionError(
            f"figures has {shown(quantity)} of a {family.replace('_', ' ')}; known are: "
            f"{listed(known)}"
        )
    first, second = (*terms, "", "")[:2]
    return Figure(family, group, level, first, name, None, second).key


def _of_mapping(given: Mapping[Any, Any], names: Names) -> Given:
    for name, value in given.items():
        if name in _SECTIONS:
            if name in names.terms:
                raise OptionError(
                    f"figures has {name!r}, which is a section and a coefficient: give "
                    'coefficients under "fixed_effects"'
                )
            yield from _SECTIONS[name](value, names)
        elif name in FACTS:
            yield Figure("model", "", "", "", name, None).key, value
        elif isinstance(value, Mapping):
            yield from _fixed_effects({name: value}, names)
        elif isinstance(name, str) and _is_key(name, names):
            yield name, value
        else:
            raise OptionError(
                f"figures has {shown(name)}, which is neither a coefficient with its figures, nor "
                f"a key of pb.figures_of(fit), nor one of: {listed([*FACTS, *_SECTIONS])}"
            )


def _is_key(text: str, names: Names) -> bool:
    parts = text.split("/")
    return text in names.keys or (len(parts) == 5 and parts[4] in QUANTITIES.get(parts[0], ()))


def _leaves(given: Any, depth: int, what: str) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Give the values of nested mappings, with the names that lead to each."""
    if depth == 0:
        yield (), given
        return
    if not isinstance(given, Mapping):
        raise OptionError(f"figures: {what} must be a mapping by names, not {shown(given)}")
    for name, inner in given.items():
        for path, value in _leaves(inner, depth - 1, f"{what}[{shown(name)}]"):
            yield (name, *path), value


def _fixed_effects(given: Any, names: Names) -> Given:
    for (term, quantity), value in _leaves(given, 2, "fixed_effects"):
        yield _key("fixed_effect", quantity, "", "", names.term(term)), value


def _components(given: Any, names: Names) -> Given:
    for (group, *_), rows in _leaves(given, 1, "variance_components"):
        what = f"variance_components[{shown(group)}]"
        if group == RESIDUAL:
            for (quantity,), value in _leaves(rows, 1, what):
                yield _key("variance_component", quantity, RESIDUAL), value
            continue
        for (term, quantity), value in _leaves(rows, 2, what):
            known, effect = names.component(group, term)
            yield _key("variance_component", quantity, known, "", effect), value


def _correlations(given: Any, names: Names) -> Given:
    for (group, one, other, quantity), value in _leaves(given, 4, "correlations"):
        yield _pair(names, names.group(group), one, other, quantity), value


def _pair(names: Names, group: str, one: Any, other: Any, quantity: str) -> str:
    terms = [names.effect(group, term) for term in (one, other)]
    order = names.effects.get(group, ())
    if set(terms) <= set(order):
        terms.sort(key=order.index)
    return _key("correlation", quantity, group, "", *terms)


def _random_effects(given: Any, names: Names) -> Given:
    for (group, level, term, quantity), value in _leaves(given, 4, "random_effects"):
        known = names.group(group)
        effect = names.effect(known, term)
        yield _key("random_effect", quantity, known, names.level(known, level), effect), value


def _statistics(given: Any, names: Names) -> Given:
    for (quantity,), value in _leaves(given, 1, "fit_statistics"):
        yield _key("fit_statistic", quantity), value


def _groups(given: Any, names: Names) -> Given:
    for (group,), value in _leaves(given, 1, "n_groups"):
        yield Figure("model", names.group(group), "", "", "n_levels", None).key, value


def _thetas(given: Any, names: Names) -> Given:
    for (name,), value in _leaves(given, 1, "theta"):
        yield Figure("theta", "", "", meant(name, names.thetas), "estimate", None).key, value


_SECTIONS: Final[Mapping[str, Callable[[Any, Names], Given]]] = {
    "fixed_effects": _fixed_effects,
    "variance_components": _components,
    "correlations": _correlations,
    "random_effects": _random_effects,
    "fit_statistics": _statistics,
    "n_groups": _groups,
    "theta": _thetas,
}


# -- tables --------------------------------------------------------------------------------------


def _of_frame(frame: pd.DataFrame, names: Names) -> Given:
    """Read a table with a row for each parameter, as ``fit.tidy()`` gives it."""
    columns = {str(name).replace(".", "_"): name for name in frame.columns}
    if "term" not in columns:
        raise OptionError(
            f"figures has no column 'term', as fit.tidy() has; its columns are: "
            f"{listed(map(str, frame.columns))}"
        )
    for row in frame.to_dict("records"):
        part = {name: row[columns[name]] for name in columns}
        effect = part.get("effect") or "fixed"
        term, group = part["term"], part.get("group")
        if effect == "fixed":
            for name in (name for name in TESTS if name in part):
                yield _key("fixed_effect", name, "", "", names.term(term)), part[name]
        elif effect == "ran_pars":
            yield _parameter(str(term), group, names), part.get("estimate")
        elif effect == "ran_vals":
            known = names.group(group)
            level = names.level(known, part.get("level"))
            place = (known, level, names.effect(known, term))
            for name in (name for name in QUANTITIES["random_effect"] if name in part):
                yield _key("random_effect", name, *place), part[name]
        else:
            raise OptionError(
                f"figures has the effect {shown(effect)}; known are: "
                f"{listed(('fixed', 'ran_pars', 'ran_vals'))}"
            )


def _parameter(term: str, group: Any, names: Names) -> str:
    kind, _, rest = term.partition("__")
    if kind not in _TERMS:
        begin = listed(f"{name}__" for name in _TERMS)
        raise OptionError(f"figures has {shown(term)}, which must begin with one of: {begin}")
    family, quantity = _TERMS[kind]
    if group == RESIDUAL:
        return _key(family, quantity, RESIDUAL)
    if family == "variance_component":
        known, effect = names.component(group, rest)
        return _key(family, quantity, known, "", effect)
    known = names.group(group)
    effects = names.effects.get(known, ())
    pairs = {f"{one}.{other}": (one, other) for one in effects for other in effects}
    one, other = pairs.get(rest, (*rest.split(".", 1), "")[:2])
    return _pair(names, known, one, other, quantity)
