"""Every figure of a fitted model, each under a key of its own that does not change.

A key has five parts, ``family/group/level/term/quantity``, and a part that does not apply is empty:
``fixed_effect///Days/estimate``, ``random_effect/Subject/308/Days/std_error``. A figure of two
terms names both, ``correlation/Subject//(Intercept)&Days/correlation``. In each part ``%``, ``/``,
``&``, ``#``, control characters and spaces other than the plain one are written as ``%`` and
two hexadecimal digits per byte, so that a key can hold any name of a column or level. If R has two
terms with the same name, the second is ``name#2``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final

import pandas as pd

from pymer_bridge.data.exact import Value
from pymer_bridge.display.tables import Column, Table
from pymer_bridge.results.base import Part, Rows

SPECIAL: Final = frozenset("%/&#")


@dataclass(frozen=True, slots=True, eq=False)
class Figure(Part):
    """One figure of a fitted model, with its key.

    Attributes
    ----------
    family
        What it belongs to: "model", "fixed_effect", "variance_component", "correlation",
        "random_effect", "separate_effect", "fit_statistic", "theta" or "convergence".
    group, level, term
        The grouping factor, its level and the term, as R names them; "" where they do not apply.
    quantity
        The quantity, such as "estimate".
    value
        The figure at full precision.
    term2
        The other term of a correlation.
    number
        2 for the second of several terms with the same name, and so on.
    """

    family: str
    group: str
    level: str
    term: str
    quantity: str
    value: Value
    term2: str = ""
    number: int = 1

    @property
    def key(self) -> str:
        """The key, as ``family/group/level/term/quantity``."""
        term = escape(self.term)
        if self.term2:
            term += f"&{escape(self.term2)}"
        if self.number > 1:
            term += f"#{self.number}"
        return "/".join((self.family, escape(self.group), escape(self.level), term, self.quantity))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Figures(Rows[Figure]):
    """Every figure of a fitted model: ``figures["fixed_effect///Days/estimate"].value``.

    Attributes
    ----------
    rows
        One :class:`Figure` per figure; no two have the same key.
    ddf
        The degrees of freedom of the tests of fixed effects.
    """

    rows: tuple[Figure, ...]
    ddf: str

    title: ClassVar[str] = "Figures"
    key: ClassVar[tuple[str, ...]] = ("key",)
    shown: ClassVar[tuple[str, ...]] = (
        "family", "group", "level", "term", "term2", "quantity", "value",
    )  # fmt: skip

    @property
    def values(self) -> Mapping[str, Value]:
        """The figures by their keys."""
        return MappingProxyType({row.key: row.value for row in self.rows})

    def _table(self) -> Table:
        columns = (Column("name", "Key", "text"), Column("value", "Value", "text"))
        return Table(columns, tuple((row.key, repr(row.value)) for row in self.rows))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per figure; values keep their types, and need not be numbers."""
        columns: dict[str, Any] = {
            name: [getattr(row, name) for row in self.rows] for name in self.shown
        }
        columns["value"] = pd.Series(columns["value"], dtype=object)
        return pd.DataFrame({"key": [row.key for row in self.rows], **columns})


def escape(name: str) -> str:
    """Return a name as it is written in a key, without the characters that separate its parts."""
    return "".join(
        letter
        if letter not in SPECIAL and letter.isprintable()
        else "".join(f"%{byte:02X}" for byte in letter.encode("utf-8", "surrogatepass"))
        for letter in name
    )
