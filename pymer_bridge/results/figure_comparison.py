"""Figures of other software, compared with R's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final

import pandas as pd

from pymer_bridge.data.exact import Value
from pymer_bridge.display.tables import Column, Table
from pymer_bridge.results.base import Part, Rows, fields_of
from pymer_bridge.results.drift import plain

SHOWN: Final = 20
"""How many figures a printed report lists."""

_HEADINGS: Final = {
    "key": "Figure",
    "given": "Given",
    "r": "R's",
    "relative": "Relative",
    "digits": "Digits",
    "cause": "Cause",
}

EQUAL: Final = "equal"
WITHIN: Final = "within"
ABSENT: Final = "absent"
DIFFERENT: Final = "different"


@dataclass(frozen=True, slots=True, eq=False)
class ComparedFigure(Part):
    """One figure that was given, beside R's.

    Attributes
    ----------
    key
        Its key, as :func:`pymer_bridge.figures_of` has it.
    given
        The figure that was given.
    r
        R's; None if R gives none.
    difference
        The given figure minus R's; None if they are not two numbers.
    relative
        The size of that divided by the size of R's figure.
    digits
        The leading digits that agree, which is minus the decimal logarithm of ``relative``;
        infinity for equal figures.
    verdict
        "equal" (to the last bit), "within" (the tolerance), "absent" (R gives none) or "different".
    cause
        What explains the difference: R gives this figure if it is asked for that. "" if nothing
        that is known does.
    """

    key: str
    given: Value
    r: Value
    difference: float | None
    relative: float | None
    digits: float | None
    verdict: str
    cause: str = ""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FigureComparison(Rows[ComparedFigure]):
    """Figures of other software beside R's; made by :func:`pymer_bridge.compare_figures`.

    Attributes
    ----------
    rows
        One :class:`ComparedFigure` for each figure that was given, in the given order.
    software
        What the figures come from; "" if it is not known.
    ddf
        The degrees of freedom of R's tests.
    notes
        What could not be asked of R in the search for causes.
    """

    rows: tuple[ComparedFigure, ...]
    software: str
    ddf: str
    notes: tuple[str, ...] = ()

    title: ClassVar[str] = "Figures compared with R's"
    key: ClassVar[tuple[str, ...]] = ("key",)
    shown: ClassVar[tuple[str, ...]] = fields_of(ComparedFigure)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many figures have each verdict."""
        found = Counter(row.verdict for row in self.rows)
        return MappingProxyType({name: found[name] for name in (EQUAL, WITHIN, DIFFERENT, ABSENT)})

    @property
    def causes(self) -> Mapping[str, int]:
        """How many figures each cause explains; "" counts those that none explains."""
        return MappingProxyType(Counter(row.cause for row in self._wrong()))

    @property
    def ok(self) -> bool:
        """Whether every figure is R's, to the last bit or within the tolerance."""
        return not self._wrong()

    @property
    def exit_status(self) -> int:
        """0 if every figure is R's, 1 if one is not."""
        return 0 if self.ok else 1

    @property
    def line(self) -> str:
        """The result in one line."""
        counts = self.counts
        said = [f"{counts[EQUAL]} are R's to the last bit"]
        said += [f"{counts[WITHIN]} within the tolerance"] if counts[WITHIN] else []
        said += [f"{counts[DIFFERENT]} differ"] if counts[DIFFERENT] else []
        said += [f"of {counts[ABSENT]} R gives none"] if counts[ABSENT] else []
        whose = f" of {plain(self.software)}" if self.software else ""
        n = len(self.rows)
        return f"{n} figure{'' if n == 1 else 's'}{whose}: {', '.join(said)}"

    @property
    def first(self) -> str:
        """The first figure that is not R's, with the likely cause, in one line; "" if all are."""
        for row in self._wrong():
            theirs = "R gives none" if row.verdict == ABSENT else f"R gives {_text(row.r)}"
            cause = f": {row.cause}" if row.cause else ""
            return f"{plain(row.key)} is {_text(row.given)}, {theirs}{cause}"
        return ""

    def _wrong(self) -> list[ComparedFigure]:
        return [row for row in self.rows if row.verdict in (ABSENT, DIFFERENT)]

    def _notes(self) -> tuple[str, ...]:
        found = [
            f"{n} of these: {cause}" if cause else f"{n} of these: the cause is not known"
            for cause, n in self.causes.items()
        ]
        left = len(self._wrong()) - SHOWN
        more = [f"{left} more differ; .to_frame() has all"] if left > 0 else []
        return (*more, *found, *self.notes)

    def _table(self) -> Table:
        columns = tuple(Column(name, heading, "text") for name, heading in _HEADINGS.items())
        cells = tuple(
            (
                plain(row.key),
                _text(row.given),
                "none" if row.verdict == ABSENT else _text(row.r),
                "" if row.relative is None else f"{row.relative:.2g}",
                "" if row.digits is None else f"{row.digits:.1f}",
                row.cause,
            )
            for row in self._wrong()[:SHOWN]
        )
        return Table(columns if cells else (), cells, title=self.line, notes=self._notes())

    def __str__(self) -> str:
        """Return one line, and a table of the figures that differ if there are any."""
        return self._table().to_text() if self._wrong() else self.line

    def to_frame(self) -> pd.DataFrame:
        """Return one row per figure; what was given, and R's, keep their types."""
        columns: dict[str, Any] = {
            name: [getattr(row, name) for row in self.rows] for name in self.shown
        }
        columns |= {name: pd.Series(columns[name], dtype=object) for name in ("given", "r")}
        numbers = dict.fromkeys(("difference", "relative", "digits"), "float64")
        return pd.DataFrame(columns).astype(numbers)


def _text(value: Value) -> str:
    return repr(value) if isinstance(value, float) else plain(str(value))
