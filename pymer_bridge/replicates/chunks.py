"""What became of some replicates, as bytes that hold nothing that runs, and checked when read."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any, Final

import numpy as np

PARTS: Final = {"values", "converged", "singular", "warnings", "messages", "errors"}
"""What a chunk has of each replicate."""

Record = dict[str, Any]
Chunk = tuple[int, int, Record]


def encode(record: Record) -> bytes:
    """Return a record as bytes."""
    arrays = {name: value for name, value in record.items() if isinstance(value, np.ndarray)}
    texts = {name: value for name, value in record.items() if name not in arrays}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, json=np.array(json.dumps(texts)), **arrays)
    return buffer.getvalue()


def decode(stored: bytes) -> Record:
    """Return a record from its bytes; what else they hold may raise anything."""
    with zipfile.ZipFile(io.BytesIO(stored)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > len(stored):
            raise ValueError("a record is larger than it says")
    with np.load(io.BytesIO(stored), allow_pickle=False) as arrays:
        record: Record = {name: arrays[name] for name in arrays.files if name != "json"}
        record |= json.loads(str(arrays["json"]))
    return record


def check(first: Any, last: Any, record: Record, *, n: int, n_values: int) -> None:
    """Raise a ValueError if these are no replicates of a run.

    Parameters
    ----------
    first, last
        They are those from the first to before the last one.
    record
        What became of them.
    n, n_values
        How many replicates the run has, and how many values each of them.
    """
    if not (type(first) is int and type(last) is int and 0 <= first < last <= n):
        raise ValueError(f"there are no replicates {first!a} to {last!a}")
    if record.keys() != PARTS:
        raise ValueError("a record has other parts")
    size = last - first
    values, flags = record["values"], (record["converged"], record["singular"])
    said = (*record["warnings"], *record["messages"])
    fits = (
        (values.dtype, values.size) == (np.float64, size * n_values)
        and all(flag.dtype.kind in "bi" and flag.shape == (size,) for flag in flags)
        and {len(record[name]) for name in ("warnings", "messages", "errors")} == {size}
        and all(isinstance(texts, list) for texts in said)
        and all(isinstance(text, str) for texts in said for text in texts)
        and all(error is None or isinstance(error, str) for error in record["errors"])
    )
    if not fits:
        raise ValueError(f"replicates {first} to {last} are not of this run")
