"""The figures of a result as records hold them: each by its key, and of long vectors a hash."""

from __future__ import annotations

import hashlib
import math
import struct
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from pymer_bridge.data.exact import Value
from pymer_bridge.results.figures import Figure
from pymer_bridge.results.intervals import Intervals
from pymer_bridge.session.asking import ask
from pymer_bridge.verification.figures import numbered
from pymer_bridge.verification.result_figures import each_figure

DRAWN: Final = frozenset({"replicate", "power_replicate", "likelihood_ratio", "simulation"})
"""Families of which a record never holds each figure."""
MOST_FIGURES: Final = 1_000
"""Of other families; of longer ones it holds a hash, too."""
MOST_TERMS: Final = 100
"""Of more names than these it is said together what their values are like."""
HASHED: Final = "_sha256"
"""How the name of a hash ends."""


@dataclass(slots=True)
class _Vector:
    """The values of one quantity, as they come.

    Attributes
    ----------
    n
        How many there were.
    hash
        That of their bits.
    values
        The values by term; None once one was a text.
    """

    n: int = 0
    hash: Any = field(default_factory=hashlib.sha256)
    values: dict[str, array[float]] | None = field(default_factory=dict)

    def add(self, term: str, value: Value) -> None:
        """Add a value; what is missing is one value."""
        self.n += 1
        if isinstance(value, str):
            bits = value.encode("utf-8", "surrogatepass")
            self.hash.update(b"t" + struct.pack("<q", len(bits)) + bits)
            self.values = None
            return
        number = math.nan if value is None else float(value)
        self.hash.update(b"m" if math.isnan(number) else b"n" + struct.pack("<d", number))
        if self.values is not None:
            self.values.setdefault(term, array("d")).append(number)

    def figures(self, family: str, quantity: str) -> Iterator[Figure]:
        """Give what is stored of them: R says what they are like."""
        yield Figure(family, "", "", "", f"{quantity}_n", self.n)
        yield Figure(family, "", "", "", f"{quantity}{HASHED}", self.hash.hexdigest())
        if not self.values:
            return
        together = len(self.values) > MOST_TERMS
        terms = [""] if together else list(self.values)
        sizes = [self.n] if together else [len(values) for values in self.values.values()]
        found: Mapping[str, Sequence[float]] = ask(
            "vector_summaries",
            values=np.concatenate([np.array(values) for values in self.values.values()]),
            sizes=np.array(sizes, dtype=np.int32),
        )
        for i, term in enumerate(terms):
            for name in ("mean", "sd", "min", "max"):
                yield Figure(family, "", "", term, f"{quantity}_{name}", float(found[name][i]))


def _stable_names(result: Any) -> Mapping[str, str]:
    """Return readable names of parameters that R numbers, as lme4 2 numbers them anew."""
    if not isinstance(result, Intervals):
        return {}
    return {row.term: row.label for row in result.rows if row.term.startswith(".sig")}


def stored_figures(result: Any) -> dict[str, Value]:
    """Return the figures of a result by their keys.

    Replicates, and vectors of more than :data:`MOST_FIGURES`, are given as their number, a hash of
    their bits, and for each name the mean, the standard deviation and the range that R gives.
    """
    labels = _stable_names(result)
    short: dict[str, list[Figure]] = {}
    vectors: dict[str, dict[str, _Vector]] = {}
    for each in each_figure(result):
        row = replace(each, term=labels.get(each.term, each.term))
        quantities = vectors.setdefault(row.family, {})
        quantities.setdefault(row.quantity, _Vector()).add(row.term, row.value)
        rows = short.setdefault(row.family, [])
        if row.family not in DRAWN and len(rows) <= MOST_FIGURES:
            rows.append(row)
    kept: list[Figure] = []
    for family, quantities in vectors.items():
        if family not in DRAWN and len(short[family]) <= MOST_FIGURES:
            kept += short[family]
        else:
            for quantity, vector in quantities.items():
                kept += vector.figures(family, quantity)
    return {row.key: row.value for row in numbered(iter(kept))}
