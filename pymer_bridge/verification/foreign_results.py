"""Fitted models of other packages, read as figures by names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from pymer_bridge.data import frames
from pymer_bridge.errors import OptionError
from pymer_bridge.results.fixed_effects import INTERCEPT
from pymer_bridge.results.variances import RESIDUAL
from pymer_bridge.verification.figures import TESTS
from pymer_bridge.verification.foreign_names import Names

# -- statsmodels ---------------------------------------------------------------------------------


def of_statsmodels(result: Any, names: Names) -> Mapping[str, Any]:
    """Read a ``MixedLMResults``, whose variance is ``scale`` and whose tests are normal.

    Parameters
    ----------
    result
        What ``fit()`` of statsmodels gave.
    names
        R's names, for which those of statsmodels stand: it calls the intercept of a group by the
        group's name, and a variance component as the user did.

    Raises
    ------
    OptionError
        It is of another kind of model.
    """
    inner = getattr(result, "_results", result)
    if type(inner).__name__ != "MixedLMResults":
        raise OptionError(f"figures of a {type(inner).__name__}: give a result of MixedLM")
    components: dict[str, Any] = {RESIDUAL: {"variance": float(result.scale)}}
    read: dict[str, Any] = {
        "n_obs": int(result.nobs),
        "reml": result.method == "REML",
        "fixed_effects": _fixed_effects(result),
        "fit_statistics": {"log_likelihood": float(result.llf)},
        "variance_components": components,
    }
    placed = _components(result, names)
    for (place, term), variance in zip(placed, result.vcomp, strict=True):
        components.setdefault(place, {})[term] = {"variance": float(variance)}
    group = _own_group(result, names, placed)
    terms = [] if group is None else _own_terms(result, names, group)
    if group is not None and terms:
        variances = np.asarray(result.cov_re, dtype=float)
        own = {term: {"variance": float(variances[i, i])} for i, term in enumerate(terms)}
        components.setdefault(group, {}).update(own)
        covariances = {
            term: {terms[i]: {"covariance": float(variances[i, j])} for i in range(j)}
            for j, term in enumerate(terms)
            if j
        }
        if covariances:
            read["correlations"] = {group: covariances}
    effects: dict[str, dict[str, dict[str, Any]]] = {}
    for place, level, term, value in _random_effects(result, group, terms, placed):
        effects.setdefault(place, {}).setdefault(level, {})[term] = {"estimate": value}
    return read | ({"random_effects": effects} if effects else {})


def _fixed_effects(result: Any) -> dict[str, dict[str, float]]:
    count = len(result.fe_params)
    intervals = np.asarray(result.conf_int())
    tests = (each[:count] for each in (result.tvalues, result.pvalues, *intervals.T))
    columns = (result.fe_params, result.bse_fe, *tests)
    names = [name for name in TESTS if name != "df"]
    return {
        term: dict(zip(names, row, strict=True))
        for term, *row in zip(result.fe_params.index, *columns, strict=True)
    }


def _components(result: Any, names: Names) -> list[tuple[str, str]]:
    """Return R's group and effect of each variance component, by the name that a user gave it."""
    if not len(result.vcomp):
        return []
    placed = []
    for name in result.model.exog_vc.names:
        groups = [group for group in names.groups if name in (group, group.split(":")[0])]
        effect = {names.effect(group, name): group for group in names.groups}
        known = [(group, term) for term, group in effect.items() if term in names.effects[group]]
        placed.append((groups[0], INTERCEPT) if groups else (*known, (name, INTERCEPT))[0])
    return placed


def _own_group(result: Any, names: Names, placed: list[tuple[str, str]]) -> str | None:
    """Return R's name of the groups that ``MixedLM`` was given; None where they have no effect."""
    if not len(result.cov_re):
        return None
    first = str(result.cov_re.index[0])
    free = [name for name in names.groups if (name, INTERCEPT) not in placed]
    return first if first in names.groups else (*free, first)[0]


def _own_terms(result: Any, names: Names, group: str) -> list[str]:
    known = names.effects.get(group, ())
    terms = [names.effect(group, term) for term in result.cov_re.index]
    return [term if term in known else INTERCEPT for term in terms]


_COMPONENT: Final = re.compile(r"(?P<name>.*?)\[(?:C\()?[^\[\]:]*?\)?(?:\[(?P<level>[^\]:]*)\])?\]")
"""What statsmodels calls the effect of a variance component: of a level, or of a slope."""


def _random_effects(
    result: Any, group: str | None, terms: list[str], placed: list[tuple[str, str]]
) -> Iterator[tuple[str, str, str, float]]:
    """Give group, level, effect and value."""
    given = list(result.model.exog_vc.names) if placed else []
    of = dict(zip(given, placed, strict=True))
    for label, series in result.random_effects.items():
        for i, (name, value) in enumerate(series.items()):
            if i < len(terms) and group is not None:
                yield group, str(label), terms[i], float(value)
                continue
            parts = _COMPONENT.fullmatch(str(name))
            if parts is None or parts["name"] not in of:
                continue
            place, term = of[parts["name"]]
            level = str(label) if parts["level"] is None else parts["level"]
            if parts["level"] is not None and ":" in place:
                level = f"{level}:{label}"
            yield place, level, term, float(value)


# -- pymer4 --------------------------------------------------------------------------------------


def of_pymer4(model: Any) -> pd.DataFrame:
    """Read a fitted model of pymer4, by its own tables.

    Parameters
    ----------
    model
        A model of pymer4 0.9 or later, after its ``fit()``.

    Raises
    ------
    OptionError
        It is not fitted, or is of an older pymer4.
    """
    table = getattr(model, "result_fit", None)
    if table is None:
        raise OptionError("figures of a pymer4 model: fit it, with pymer4 0.9 or later")
    frame = frames.as_pandas(table, "figures")
    frame = frame.rename(columns={"t_stat": "statistic", "z_stat": "statistic"})
    return frame[[name for name in frame.columns if name in ("term", *TESTS)]]
