"""The figures of a result as records hold them: each by its key, and of long vectors a hash."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from pymer_bridge.data.exact import Value
from pymer_bridge.results.figures import Figure
from pymer_bridge.session.asking import ask
from pymer_bridge.verification.figures import numbered
from pymer_bridge.verification.result_figures import figures_of_result

DRAWN: Final = frozenset({"replicate", "power_replicate", "likelihood_ratio", "simulation"})
"""Families of which a record never holds each figure."""
MOST_FIGURES: Final = 1_000
"""Of other families; of longer ones it holds a hash, too."""
HASHED: Final = "_sha256"
"""How the name of a hash ends."""


def stored_figures(result: Any) -> dict[str, Value]:
    """Return the figures of a result by their keys.

    Replicates, and vectors of more than :data:`MOST_FIGURES`, are given as their number, a hash of
    their bits, and for each name the mean, the standard deviation and the range that R gives.
    """
    rows = figures_of_result(result)
    sizes: dict[str, int] = {}
    for row in rows:
        sizes[row.family] = sizes.get(row.family, 0) + 1
    long = {name for name, n in sizes.items() if name in DRAWN or n > MOST_FIGURES}
    kept = [row for row in rows if row.family not in long]
    groups: dict[tuple[str, str], list[Figure]] = {}
    for row in rows:
        if row.family in long:
            groups.setdefault((row.family, row.quantity), []).append(row)
    for (family, quantity), of in groups.items():
        kept.append(Figure(family, "", "", "", f"{quantity}_n", len(of)))
        digest = hash_of(row.value for row in of)
        kept.append(Figure(family, "", "", "", f"{quantity}{HASHED}", digest))
        kept += _summaries(family, quantity, of)
    return {row.key: row.value for row in numbered(iter(kept))}


def hash_of(values: Iterable[Value]) -> str:
    """Return the hash of values to the last bit; what is missing is one value."""
    made = hashlib.sha256()
    for value in values:
        if isinstance(value, str):
            bits = value.encode("utf-8", "surrogatepass")
            made.update(b"t" + struct.pack("<q", len(bits)) + bits)
        else:
            number = math.nan if value is None else float(value)
            made.update(b"m" if math.isnan(number) else b"n" + struct.pack("<d", number))
    return made.hexdigest()


def _summaries(family: str, quantity: str, rows: Sequence[Figure]) -> list[Figure]:
    by_term: dict[str, list[float]] = {}
    for row in rows:
        if isinstance(row.value, str):
            return []
        value = math.nan if row.value is None else float(row.value)
        by_term.setdefault(row.term, []).append(value)
    found: Mapping[str, Sequence[float]] = ask(
        "vector_summaries",
        values=np.concatenate([np.array(values) for values in by_term.values()]),
        sizes=np.array([len(values) for values in by_term.values()], dtype=np.int32),
    )
    return [
        Figure(family, "", "", term, f"{quantity}_{name}", float(found[name][i]))
        for i, term in enumerate(by_term)
        for name in ("mean", "sd", "min", "max")
    ]
