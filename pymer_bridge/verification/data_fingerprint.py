"""Fingerprints of the data as R saw them: hashes that say which column changed, and how.

A column has one hash of its values in their order, one of the values in any order, one of which are
missing, and for factors and texts one of the levels in their order and one in any order. A number
has the same hash whether it came as an integer, a logical or a float; the kind is stored beside it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pymer_bridge.data.columns import NA_INTEGER
from pymer_bridge.results.drift import DataChange

CODED: Final = ("factor", "character")


@dataclass(frozen=True, slots=True)
class ColumnPrint:
    """The fingerprint of one column.

    Attributes
    ----------
    name
        Its name.
    kind
        Its kind in R: "numeric", "integer", "logical", "factor", "ordered", "character",
        "datetime" (with its time zone) or "duration".
    values, unordered
        Hashes of the values, in the order of the rows and in any order.
    missing, n_missing
        A hash of which rows are missing, and how many.
    levels, level_set, n_levels
        Hashes of the levels in R's order and in any order, and their number; "" and 0 if the
        column has none.
    """

    name: str
    kind: str
    values: str
    unordered: str
    missing: str
    n_missing: int
    levels: str
    level_set: str
    n_levels: int


@dataclass(frozen=True, slots=True)
class DataPrint:
    """The fingerprint of a model's data: the number of rows, and each column in R's order."""

    n_rows: int
    columns: tuple[ColumnPrint, ...]

    @property
    def digest(self) -> str:
        """One hash of it all."""
        parts = [str(self.n_rows), *(json.dumps(asdict(column)) for column in self.columns)]
        return _digest(text.encode("ascii") for text in parts)


def data_print(record: Mapping[str, Any]) -> DataPrint:
    """Return the fingerprint of the answer of ``recorded_model()`` in R.

    Parameters
    ----------
    record
        With ``frame``, the parts of the columns, and ``sorted``, the levels of columns of text.
    """
    frame = record["frame"]
    columns = zip(frame["names"], frame["parts"], record["sorted"], strict=True)
    return DataPrint(int(frame["n_rows"][0]), tuple(_column_print(*each) for each in columns))


def _column_print(name: str, part: Mapping[str, Any], sorted_levels: Any) -> ColumnPrint:
    kind, values = part["kind"][0], np.asarray(part["values"])
    levels: Sequence[str] = ()
    if kind in CODED:
        missing = values == NA_INTEGER
        labels = tuple(part["levels"] or ())
        levels = labels if kind == "factor" else tuple(sorted_levels or ())
        items = _labelled(values, missing, labels)
        if kind == "factor" and part["ordered"][0]:
            kind = "ordered"
    else:
        missing = np.isnan(values) if values.dtype.kind == "f" else values == NA_INTEGER
        numbers = np.where(missing, 0, values).astype(np.float64)
        items = numbers.view(np.uint64)
        if kind == "datetime":
            kind = f"datetime {part['timezone'][0]}".strip()
    return ColumnPrint(
        name=name,
        kind=kind,
        values=_digest([items.tobytes()]),
        unordered=_digest([np.sort(items[~missing]).tobytes()]),
        missing=_digest([missing.astype(np.uint8).tobytes()]),
        n_missing=int(missing.sum()),
        levels=_texts_digest(levels) if kind in ("factor", "ordered", "character") else "",
        level_set=_texts_digest(sorted(levels)) if levels else "",
        n_levels=len(levels),
    )


def _labelled(
    codes: NDArray[Any], missing: NDArray[np.bool_], labels: Sequence[str]
) -> NDArray[np.void]:
    """Put a hash of its label for each code, so that the order of the levels does not matter."""
    marks = [hashlib.sha256(label.encode()).digest()[:16] for label in labels]
    table = np.array([b"", *marks], dtype="S16").view("S16")
    chosen = table[np.where(missing, 0, codes)]
    result: NDArray[np.void] = chosen
    return result


def _texts_digest(texts: Iterable[str]) -> str:
    return _digest(text.encode() for text in texts)


def _digest(parts: Iterable[bytes]) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "little") + part)
    return total.hexdigest()


# -- comparing -----------------------------------------------------------------------------------


def data_changes(model: str, then: DataPrint, now: DataPrint) -> tuple[DataChange, ...]:
    """Say which columns changed, and how.

    Parameters
    ----------
    model
        The name of the model in the record.
    then, now
        The stored fingerprint, and that of the data now.
    """
    changes: list[tuple[str | None, str]] = []
    if then.n_rows != now.n_rows:
        changes.append((None, f"{then.n_rows} rows then, {now.n_rows} now"))
    before = {column.name: column for column in then.columns}
    after = {column.name: column for column in now.columns}
    changes += [(name, "is not there any more") for name in before if name not in after]
    changes += [(name, "was not there") for name in after if name not in before]
    both = [name for name in before if name in after]
    pairs = {name: tuple(_column_changes(before[name], after[name])) for name in both}
    changes += [(name, how) for name, found in pairs.items() for how in found]
    if [name for name in after if name in before] != both:
        changes.append((None, "the columns are in another order"))
    return tuple(DataChange(model, column, how) for column, how in changes)


def _column_changes(then: ColumnPrint, now: ColumnPrint) -> Iterable[str]:
    if then.kind != now.kind:
        yield f"kind: {then.kind} then, {now.kind} now"
    if then.missing != now.missing:
        counts = f"{then.n_missing} then, {now.n_missing} now"
        yield (
            f"missing values: {counts}"
            if then.n_missing != now.n_missing
            else (f"missing values: {now.n_missing} as before, in other rows")
        )
    # If other rows are missing, hashes cannot compare the rest.
    elif then.values != now.values:
        same = then.unordered == now.unordered
        yield f"values: {'the same ones in another order of rows' if same else 'some differ'}"
    if then.level_set != now.level_set:
        yield f"levels: different ({then.n_levels} then, {now.n_levels} now)"
    elif then.levels != now.levels:
        yield "levels: the same ones in another order"
