"""The parts of a record as JSON, and back with every check."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

import numpy as np

from pymer_bridge.data import packing
from pymer_bridge.data.exact import Value
from pymer_bridge.data.frozen_arrays import Arrays, from_inline, inline
from pymer_bridge.spec.model_spec import ModelSpec
from pymer_bridge.verification.data_fingerprint import ColumnPrint, DataPrint

HASH: Final = re.compile(r"[0-9a-f]{64}")
MOST_MODELS: Final = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class RecordedModel:
    """The record of one model.

    Attributes
    ----------
    name
        Its name in the record.
    spec
        The specification: what was asked for.
    ddf
        The degrees of freedom of the tests of fixed effects; None if there is no choice.
    call
        The call as R shows it, for a reader; it is never run.
    contrasts
        The contrasts in use, as text, by factor.
    data
        The fingerprint of the data.
    source
        Where the data were read from; None if unknown.
    figures
        Every figure by its key.
    """

    name: str
    spec: ModelSpec
    ddf: str | None
    call: str
    contrasts: dict[str, str]
    data: DataPrint
    source: str | None
    figures: dict[str, Value]


def pack_model(model: RecordedModel) -> dict[str, Any]:
    """Turn a recorded model into JSON."""
    arrays: Arrays = {}
    spec = packing.pack(model.spec, arrays)
    return {
        "name": model.name,
        "call": model.call,
        "spec": spec,
        "arrays": {name: inline(values) for name, values in arrays.items()},
        "ddf": model.ddf,
        "contrasts": model.contrasts,
        "data": {
            "source": model.source,
            "n_rows": model.data.n_rows,
            "sha256": model.data.digest,
            "columns": [asdict(column) for column in model.data.columns],
        },
        "figures": {key: packing.pack(value, {}) for key, value in model.figures.items()},
    }


def unpack_models(stored: Any) -> tuple[RecordedModel, ...]:
    """Turn the answers of :func:`pack_model` back into recorded models.

    Raises
    ------
    ValueError, TypeError, KeyError ...
        It is not an answer of :func:`pack_model`.
    """
    models = tuple(_model(each) for each in of_kind(stored, list, "the models"))
    if not 1 <= len(models) <= MOST_MODELS:
        raise ValueError(f"{len(models)} models")
    if len({model.name for model in models}) != len(models):
        raise ValueError("two models with one name")
    return models


def unpack_stack(stored: Any) -> dict[str, str | None]:
    """Check versions and settings.

    Raises
    ------
    ValueError
        They are not texts.
    """
    stack: dict[str, str | None] = of_kind(stored, dict, "the stack")
    if not all(isinstance(value, str | None) for value in stack.values()):
        raise ValueError("versions that are not texts")
    return stack


def of_kind(value: Any, kind: type[Any], what: str) -> Any:
    """Return a value of a kind.

    Raises
    ------
    ValueError
        It is of another kind.
    """
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValueError(f"{what}: {str(value)[:40]!r} is not a {kind.__name__}")
    return value


def exactly(stored: Any, names: set[str], what: str) -> dict[str, Any]:
    """Return a mapping that has these names.

    Raises
    ------
    ValueError
        It is none, or has others.
    """
    record: dict[str, Any] = of_kind(stored, dict, what)
    if wrong := sorted(set(record) ^ names):
        raise ValueError(f"{what}: fields missing or unknown: {', '.join(wrong)[:200]}")
    return record


def arrays_of(stored: Any) -> Arrays:
    """Return arrays by their names.

    Raises
    ------
    ValueError, TypeError
        They are none.
    """
    return {
        str(name): from_inline(exactly(each, {"dtype", "shape", "base64"}, "an array"))
        for name, each in of_kind(stored, dict, "the arrays").items()
    }


def _model(stored: Any) -> RecordedModel:
    names = {"name", "call", "spec", "arrays", "ddf", "contrasts", "data", "figures"}
    record = exactly(stored, names, "a model")
    arrays = arrays_of(record["arrays"])
    spec = packing.unpack_spec(record["spec"], arrays)
    if not isinstance(spec, ModelSpec):
        raise ValueError("its specification is not that of a model")
    _check_vectors(spec)
    contrasts = of_kind(record["contrasts"], dict, "contrasts")
    for text in contrasts.values():
        of_kind(text, str, "a contrast")
    data = exactly(record["data"], {"source", "n_rows", "sha256", "columns"}, "the data")
    return RecordedModel(
        name=of_kind(record["name"], str, "a name"),
        spec=spec,
        call=of_kind(record["call"], str, "a call"),
        ddf=None if record["ddf"] is None else of_kind(record["ddf"], str, "ddf"),
        contrasts=contrasts,
        data=_data(data),
        source=None if data["source"] is None else of_kind(data["source"], str, "a source"),
        figures=figures_in(record["figures"]),
    )


def _check_vectors(spec: ModelSpec) -> None:
    """Refuse vectors other than one-dimensional ones with a value per observation."""
    for name in ("weights", "offset", "subset"):
        value = getattr(spec, name)
        wanted = np.bool_ if name == "subset" else np.float64
        if isinstance(value, np.ndarray) and (value.ndim != 1 or value.dtype != wanted):
            raise ValueError(f"{name} that are not a vector")


def _data(record: Mapping[str, Any]) -> DataPrint:
    columns = []
    for each in of_kind(record["columns"], list, "columns"):
        column = exactly(each, {f.name for f in fields(ColumnPrint)}, "a column")
        for f in fields(ColumnPrint):
            of_kind(column[f.name], int if f.name.startswith("n_") else str, f.name)
        hashes = [column[name] for name in ("values", "unordered", "missing")]
        hashes += [column[name] for name in ("levels", "level_set") if column[name]]
        if not all(map(HASH.fullmatch, hashes)):
            raise ValueError("an invalid hash")
        columns.append(ColumnPrint(**column))
    found = DataPrint(of_kind(record["n_rows"], int, "n_rows"), tuple(columns))
    if len({column.name for column in columns}) != len(columns):
        raise ValueError("two columns with one name")
    if found.digest != record["sha256"]:
        raise ValueError("the hash of the data does not match its columns")
    return found


def figures_in(stored: Any) -> dict[str, Value]:
    """Return figures by their keys.

    Raises
    ------
    ValueError
        They are none.
    """
    figures: dict[str, Value] = {}
    for key, each in of_kind(stored, dict, "the figures").items():
        value = packing.unpack(each, {}) if isinstance(each, dict) else each
        if not isinstance(value, float | int | str | bool | None) or key.count("/") != 4:
            raise ValueError(f"{key[:80]!r} is not a figure")
        figures[key] = value
    return figures
