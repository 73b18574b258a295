"""R records to results: fields are picked out and named; nothing is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.data.frames import index_at
from pymer_bridge.data.frozen_arrays import frozen_array, plain_nan
from pymer_bridge.results import groups
from pymer_bridge.results.fit_statistics import Convergence, FitStatistics
from pymer_bridge.results.fixed_effects import FixedEffect, FixedEffects
from pymer_bridge.results.matrix import NamedMatrix
from pymer_bridge.results.rows_used import RowsUsed
from pymer_bridge.results.variances import RandomCorrelation, VarianceComponent, VarianceComponents
from pymer_bridge.spec.names import Named

RRecord = Mapping[str, Any]


def number(record: RRecord, name: str) -> float:
    """Return one number of a record."""
    return float(record[name][0])


def number_or_none(record: RRecord, name: str) -> float | None:
    """Return one number, or None where R gave NULL or a missing value."""
    values = record.get(name)
    if values is None or len(values) == 0 or np.isnan(values[0]):
        return None
    return float(values[0])


def integer(record: RRecord, name: str) -> int:
    """Return one whole number of a record."""
    return int(record[name][0])


def integer_or_none(record: RRecord, name: str) -> int | None:
    """Return one whole number, or None where R gave NULL or a missing value."""
    value = number_or_none(record, name)
    return None if value is None else int(value)


def flag(record: RRecord, name: str) -> bool:
    """Return one logical of a record."""
    return bool(record[name][0] == 1)


def text(record: RRecord, name: str) -> str:
    """Return one string of a record."""
    return str(record[name][0])


def texts(record: RRecord, name: str) -> tuple[str, ...]:
    """Return the strings of a record; none where R gave NULL."""
    return tuple(record[name] or ())


def named_texts(record: RRecord) -> dict[str, str]:
    """Return a record that holds one string under each name."""
    return {name: str(values[0]) for name, values in record.items()}


def numbers(record: RRecord, name: str, n: int) -> Sequence[float | None]:
    """Return ``n`` numbers, each None where R gave NULL or a missing value."""
    values = record.get(name)
    if values is None:
        return [None] * n
    return [None if np.isnan(value) else float(value) for value in values]


def matrix(values: NDArray[np.float64], *shape: int) -> NDArray[np.float64]:
    """Give R's column-major values their shape, read-only."""
    return frozen_array(values.reshape(shape, order="F"))  # type: ignore[no-any-return]


def fixed_effects(record: RRecord, ddf: str, conf_level: float) -> FixedEffects[Any]:
    """Read the answer of ``fixed_effects()``: what R gives as NaN stays so."""
    terms = texts(record, "terms")  # none if the formula has only random terms
    none = [None] * len(terms)
    columns = [
        none if record.get(name) is None else record[name].tolist()
        for name in ("p_value", "conf_low", "conf_high")
    ]
    rows = tuple(
        FixedEffect(term, float(est), float(se), df, float(stat), p, low, high)
        for term, est, se, stat, df, p, low, high in zip(
            terms,
            record["estimate"],
            record["std_error"],
            record["statistic"],
            numbers(record, "df", len(terms)),
            *columns,
            strict=True,
        )
    )
    return FixedEffects(rows, ddf, conf_level, reference=texts(record, "reference"))


def linear_effects(record: RRecord, conf_level: float) -> FixedEffects[float]:
    """Read the answer of ``linear_effects()``."""
    ddf = "normal" if record["df"] is None else "residual"
    method = text(record, "interval_method")
    return replace(fixed_effects(record, ddf, conf_level), interval_method=method)


def variance_components(record: RRecord) -> VarianceComponents:
    """Read the answer of ``variance_components()``."""
    singles = zip(
        record["group"], record["term"], record["variance"], record["std_dev"], strict=True
    )
    pairs = zip(
        record["pair_group"],
        record["pair_term1"],
        record["pair_term2"],
        record["covariance"],
        record["correlation"],
        strict=True,
    )
    return VarianceComponents(
        tuple(VarianceComponent(g, t, float(v), float(s)) for g, t, v, s in singles),
        tuple(RandomCorrelation(g, one, two, float(v), float(c)) for g, one, two, v, c in pairs),
        tuple(
            (group, factor)
            for group, factor in zip(record["groups"], record["factors"], strict=True)
            if group != factor
        ),
    )


def _group_table(record: RRecord) -> groups.GroupTable:
    levels, terms = texts(record, "levels"), texts(record, "terms")
    n, p = len(levels), len(terms)
    covariance = None
    if "covariance" in record:
        # R keeps terms by terms by levels; here the level comes first.
        stored = record["covariance"].reshape((p, p, n), order="F")
        covariance = frozen_array(np.moveaxis(stored, 2, 0))
    return groups.GroupTable(
        text(record, "group"),
        levels,
        terms,
        matrix(record["estimate"], n, p),
        matrix(record["std_error"], n, p) if "std_error" in record else None,
        covariance,
    )


def random_effects(record: RRecord) -> groups.RandomEffects:
    """Read the answer of ``random_effects()``."""
    return groups.RandomEffects(tuple(map(_group_table, record.values())))


def group_coefficients(record: RRecord) -> groups.GroupCoefficients:
    """Read the answer of ``group_coefficients()``."""
    return groups.GroupCoefficients(tuple(map(_group_table, record.values())))


def fit_statistics(record: RRecord) -> FitStatistics:
    """Read the answer of ``fit_statistics()``."""
    return FitStatistics(
        reml_criterion=number_or_none(record, "reml_criterion"),
        log_likelihood=number(record, "log_likelihood"),
        deviance=number(record, "deviance"),
        aic=number(record, "aic"),
        bic=number(record, "bic"),
        df=integer(record, "df"),
        df_residual=integer(record, "df_residual"),
        n_obs=integer(record, "n_obs"),
    )


def rows_used(record: RRecord) -> RowsUsed:
    """Read the answer of ``rows_used()``."""
    columns = texts(record, "columns")
    counts = map(int, record["counts"]) if columns else ()
    return RowsUsed(
        n_rows=integer(record, "n_rows"),
        n_used=integer(record, "n_used"),
        n_missing=integer(record, "missing"),
        missing=dict(zip(columns, counts, strict=True)),
        n_several=integer(record, "several"),
        n_subset=integer(record, "by_subset"),
        n_weightless=integer(record, "by_weights"),
        n_failed=integer(record, "by_group"),
    )


def convergence(record: RRecord) -> Convergence:
    """Read the answer of ``convergence()``."""
    return Convergence(
        converged=flag(record, "converged"),
        singular=flag(record, "singular"),
        code=integer_or_none(record, "code"),
        messages=texts(record, "messages"),
        warnings=texts(record, "warnings"),
        optimizer=record["optimizer"][0],
        optimizer_message=text(record, "optimizer_message"),
        evaluations=integer_or_none(record, "evaluations"),
        theta=frozen_array(record["theta"]),
        theta_names=texts(record, "theta_names"),
        gradient=frozen_array(record["gradient"]),
    )


def covariance_matrix(record: RRecord) -> NamedMatrix:
    """Read the answer of ``fixed_covariance()``."""
    names = texts(record, "names")
    return NamedMatrix(matrix(record["values"], len(names), len(names)), names, names)


def design_matrix(record: RRecord, index: pd.Index) -> NamedMatrix:
    """Read the answer of ``model_matrix()``; rows are labelled as in the user's data."""
    names = texts(record, "names")
    rows = index_at(index, record["rows"])
    values = matrix(record["values"], len(rows), len(names))
    return NamedMatrix(values, names, tuple(map(str, rows)), rows)


def over_rows(record: RRecord, index: pd.Index, name: str) -> pd.Series[float]:
    """Put a vector over rows on the index of the user's data."""
    labels = index_at(index, record["rows"])
    return pd.Series(plain_nan(record["values"]), index=labels, name=name, copy=False)


def _group_counts(facts: RRecord, name: str) -> Mapping[str, int]:
    counts = map(int, facts["group_counts"])
    return MappingProxyType(Named(zip(facts["group_names"], counts, strict=True)))


FACTS: Final[Mapping[str, Callable[[Mapping[str, Any], str], Any]]] = {
    "n_groups": _group_counts,
    **dict.fromkeys(("formula", "group", "family", "link"), text),
    **dict.fromkeys(("levels", "failed", "dropped_columns"), texts),
    "reml": flag,
    "n_obs": integer,
    "sigma": number,
    "size": number_or_none,
}
"""How each fact of a fit is read."""
