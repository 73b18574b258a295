"""R records of predictions, simulations and parts of a fit to results; computes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.data.columns import NA_INTEGER
from pymer_bridge.data.frames import index_at
from pymer_bridge.data.frozen_arrays import frozen_array, frozen_floats, plain_nan
from pymer_bridge.results import internals, prediction
from pymer_bridge.results.contrasts import Contrasts, FactorCoding
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.decode.record import RRecord
from pymer_bridge.results.fixed_effects import INTERCEPT
from pymer_bridge.results.matrix import NamedMatrix, NamedVector
from pymer_bridge.results.simulated import BandedCurve, ResidualCurves, ResidualView


def _at(index: pd.Index, rows: NDArray[np.int32] | None, n_rows: int) -> pd.Index:
    """Return the labels of rows that R numbers; of the first ones in order if it does not."""
    return index[:n_rows] if rows is None else index_at(index, rows)


def predictions(
    record: RRecord, index: pd.Index, scale: str, re_form: str | None, conf_level: float | None
) -> prediction.Predictions:
    """Read the answer of ``predict_model()``."""

    def column(name: str) -> NDArray[np.float64] | None:
        return None if record.get(name) is None else frozen_floats(record[name])

    return prediction.Predictions(
        values=frozen_floats(record["estimate"]),
        index=_at(index, record["rows"], len(record["estimate"])),
        scale=scale,
        re_form=re_form,
        std_error=column("std_error"),
        conf_low=column("conf_low"),
        conf_high=column("conf_high"),
        conf_level=conf_level,
        axis=decode.named_texts(record["axis"])[scale],
    )


def simulations(record: RRecord, index: pd.Index, seed: int | None) -> prediction.Simulations:
    """Read the answer of ``simulate_model()``."""
    names = decode.texts(record, "names")
    shape = (len(record["values"]) // len(names), len(names))
    failures = record["failures"]
    return prediction.Simulations(
        values=decode.matrix(plain_nan(record["values"]), *shape),
        index=_at(index, record["rows"], shape[0]),
        names=names,
        seed=seed,
        failures=None if failures is None else decode.matrix(plain_nan(failures), *shape),
        levels=None if record["levels"] is None else decode.texts(record, "levels"),
    )


def residual_curves(
    record: RRecord, conf_level: float, n_sim: int, seed: int | None
) -> ResidualCurves:
    """Read the answer of ``residual_curves()``."""

    def curve(found: RRecord) -> BandedCurve:
        return BandedCurve(*(frozen_array(found[part]) for part in BandedCurve._fields))

    return ResidualCurves(
        residuals=frozen_array(record["residuals"]),
        from_middle=frozen_array(record["from_middle"]),
        fitted=frozen_array(record["fitted"]),
        quantiles=curve(record["quantiles"]),
        location=curve(record["location"]),
        spread=curve(record["spread"]),
        views=tuple(
            ResidualView(
                x=str(view["x"][0]),
                by=str(view["by"][0]),
                values=frozen_array(view["values"]),
                levels=_names(view, "levels"),
                parts=_names(view, "parts") or (),
                curves=tuple(map(curve, view["curves"])),
            )
            for view in record["views"]
        ),
        n_views=int(record["n_views"][0]),
        conf_level=conf_level,
        n_sim=n_sim,
        seed=seed,
    )


def _names(record: RRecord, name: str) -> tuple[str, ...] | None:
    return None if record.get(name) is None else decode.texts(record, name)


def _dense(record: RRecord) -> Any:
    rows, columns = map(int, record["shape"])
    values = decode.matrix(record["values"], rows, columns)
    names = _names(record, "names")
    if names is None and columns > 0:
        return values
    return NamedMatrix(values, names or (), _names(record, "row_names"))


def _sparse(record: RRecord) -> internals.SparseMatrix:
    rows, columns = map(int, record["shape"])
    counts = np.diff(record["starts"])
    return internals.SparseMatrix(
        row=frozen_array(record["rows"]),
        column=frozen_array(np.repeat(np.arange(columns, dtype=np.int32), counts)),
        values=frozen_array(record["values"]),
        shape=(rows, columns),
        row_names=_names(record, "row_names"),
        names=_names(record, "names"),
    )


def _cholesky(record: RRecord) -> internals.CholeskyFactor:
    lower = _sparse(record["factor"])
    order = record["permutation"]
    if len(order) == 0:  # empty if the order is that of the effects
        order = np.arange(lower.shape[0], dtype=np.int32)
    return internals.CholeskyFactor(lower, frozen_array(order))


def _vector(record: RRecord) -> Any:
    values, logical = record["values"], record["kind"][0] == "logicals"
    names = _names(record, "names")
    missing = np.isnan(values) if values.dtype.kind == "f" else values == NA_INTEGER
    if decode.flag(record, "scalar"):
        one = None if missing[0] else values[0].item()
        return bool(one) if logical and one is not None else one
    if missing.any():
        values = np.where(missing, np.nan, values)
    elif logical:
        values = values.astype(np.bool_)
    fixed = frozen_array(values)
    return fixed if names is None else NamedVector(fixed, names)


def _list(record: RRecord) -> Any:
    items = tuple(part(item) for item in record["items"])
    names = _names(record, "names")
    if names is None:
        return items
    if len(set(names)) != len(names):
        return tuple(zip(names, items, strict=True))
    return MappingProxyType(dict(zip(names, items, strict=True)))


def on_rows(found: Any, index: pd.Index) -> Any:
    """Put matrices over rows, which R numbers, on the index of the data."""
    if isinstance(found, Mapping):
        return MappingProxyType({name: on_rows(each, index) for name, each in found.items()})
    if not isinstance(found, NamedMatrix) or found.row_names is None:
        return found
    return replace(found, index=index[[int(name) - 1 for name in found.row_names]])


def part(record: RRecord) -> Any:  # noqa: PLR0911  # a table of kinds
    """Read the answer of ``model_part()``."""
    kind = record["kind"][0]
    if kind == "none":
        return None
    if kind == "texts":
        return tuple(record["values"])
    if kind == "factor":
        codes = np.where(record["values"] > 0, record["values"] - 1, -1)
        levels = pd.Index(decode.texts(record, "levels"), dtype=object)
        return pd.Categorical.from_codes(codes, levels, ordered=decode.flag(record, "ordered"))
    if kind == "list":
        return _list(record)
    if kind == "dense":
        return _dense(record)
    if kind == "cholesky":
        return _cholesky(record)
    if kind == "sparse":
        return _sparse(record)
    return _vector(record)


def principal_components(records: tuple[RRecord, ...]) -> internals.PrincipalComponents:
    """Read the answer of ``random_components()``."""
    rows: list[internals.PrincipalComponent] = []
    rotations = []
    for record in records:
        group = decode.text(record, "group")
        terms = decode.texts(record, "terms")
        n = len(record["std_dev"])
        shares = (decode.numbers(record, name, n) for name in ("proportion", "cumulative"))
        rows += [
            internals.PrincipalComponent(group, number, float(std_dev), share, total)
            for number, (std_dev, share, total) in enumerate(
                zip(record["std_dev"], *shares, strict=True), start=1
            )
        ]
        names = tuple(f"PC{number}" for number in range(1, n + 1))
        rotation = NamedMatrix(decode.matrix(record["rotation"], len(terms), n), names, terms)
        rotations.append(internals.Rotation(group, rotation))
    return internals.PrincipalComponents(tuple(rows), tuple(rotations))


def covariances(records: tuple[RRecord, ...]) -> internals.Covariances:
    """Read the answer of ``group_covariances()``."""
    groups = []
    for record in records:
        terms = decode.texts(record, "terms")
        n = len(terms)
        groups.append(
            internals.GroupCovariance(
                decode.text(record, "group"),
                NamedMatrix(decode.matrix(record["covariance"], n, n), terms, terms),
                NamedMatrix(decode.matrix(record["correlation"], n, n), terms, terms),
            )
        )
    return internals.Covariances(tuple(groups))


def variables(record: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Read the answer of ``predictor_names()``."""
    return {name: decode.texts(record, name) for name in ("fixed", "random", "slopes", "read")}


def contrasts(record: RRecord) -> Contrasts:
    """Read the answer of ``factor_codings()``."""
    return Contrasts(tuple(_coding(name, found) for name, found in dict(record).items()))


def _coding(factor: str, record: RRecord) -> FactorCoding:
    levels, columns = decode.texts(record, "levels"), decode.texts(record, "columns")
    coding = decode.matrix(record["values"], len(levels), len(columns))
    weights = None
    if record["weights"] is not None:
        values = decode.matrix(record["weights"], len(levels), len(levels))
        weights = NamedMatrix(values, levels, (INTERCEPT, *(f"{factor}{c}" for c in columns)))
    return FactorCoding(
        factor=factor,
        source=decode.text(record, "source"),
        coding=NamedMatrix(coding, columns, levels),
        weights=weights,
        indicators=decode.texts(record, "indicators"),
    )
