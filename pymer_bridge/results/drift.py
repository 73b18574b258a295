"""Differences between recorded models and the models fitted now."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pandas as pd

from pymer_bridge.data.exact import Value
from pymer_bridge.display.tables import Column, Table
from pymer_bridge.results.base import Part, Result
from pymer_bridge.results.codec import LATER

SHOWN = 12
"""How many figures a printed report lists; the frame holds all."""


@dataclass(frozen=True, slots=True, eq=False)
class FigureChange(Part):
    """A figure that differs from the recorded one.

    Attributes
    ----------
    model
        The name of the model in the record.
    key
        The figure, see :mod:`pymer_bridge.verification.figures`.
    recorded, found
        Then and now; None if R gave none.
    change
        Now minus then; None if they are not numbers.
    ulps
        How many floats lie between the two, plus one: units in the last place.
    std_errors
        The change in standard errors of the estimate; None if it has none.
    distance
        The change in the unit of ``scale``, which is compared with the tolerance; None if they
        are not numbers.
    scale
        "standard errors", "relative", "sigma", "absolute", or "same" if the figures must be equal.
    tolerance
        The largest distance that passes.
    status
        "drifted", "within" (the tolerance) or "reported" (may differ between versions).
    result
        The result that it is of, as it was asked for; "" if it is the model's own.
    """

    model: str
    key: str
    recorded: Value
    found: Value
    change: float | None
    ulps: int | None
    std_errors: float | None
    distance: float | None
    scale: str
    tolerance: float
    status: str
    result: str = field(default="", metadata=LATER)


@dataclass(frozen=True, slots=True, eq=False)
class DataChange(Part):
    """A change in the data; ``column`` is None if it concerns the data as a whole.

    Attributes
    ----------
    model
        The name of the model in the record.
    column
        The column.
    how
        The difference, in words.
    """

    model: str
    column: str | None
    how: str


@dataclass(frozen=True, slots=True, eq=False)
class SettingChange(Part):
    """A changed setting: something that was asked for, or that R did.

    Attributes
    ----------
    model
        The name of the model in the record.
    name
        The setting.
    recorded, found
        Then and now.
    """

    model: str
    name: str
    recorded: str
    found: str


@dataclass(frozen=True, slots=True, eq=False)
class VersionChange(Part):
    """A changed version, library or setting of R; None if it does not exist.

    Attributes
    ----------
    name
        The package, library or setting.
    recorded, found
        Then and now.
    """

    name: str
    recorded: str | None
    found: str | None


_COLUMNS = (
    Column("model", "Model", "text"), Column("result", "Result", "text"),
    Column("key", "Figure", "text"),
    Column("recorded", "Recorded", "text"), Column("found", "Now", "text"),
    Column("ulps", "ulps", "text"), Column("std_errors", "in SE", "text"),
    Column("distance", "Distance", "text"), Column("scale", "Unit", "text"),
    Column("tolerance", "Tolerance", "text"), Column("status", "", "text"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DriftReport(Result):
    """The differences between a record and the models fitted now; ``.ok`` is False if any drifted.

    Attributes
    ----------
    record
        The file.
    figures
        One :class:`FigureChange` per figure that is not the recorded one to the last bit.
    data
        One :class:`DataChange` per change in the data.
    settings
        One :class:`SettingChange` per changed setting.
    versions
        One :class:`VersionChange` per change in versions, libraries and R's settings.
    n_figures
        How many figures were compared.
    same_stack
        Are R, its packages, BLAS and LAPACK, and the platform the recorded ones?
    notes
        Known differences between the two installations.
    against_r
        The differences from plain R, if it was asked; "" if there are none.
    """

    record: str
    figures: tuple[FigureChange, ...]
    data: tuple[DataChange, ...]
    settings: tuple[SettingChange, ...]
    versions: tuple[VersionChange, ...]
    n_figures: int
    same_stack: bool
    notes: tuple[str, ...] = ()
    against_r: str | None = None

    title: ClassVar[str] = "Figures that are not the recorded ones"

    @property
    def drifted(self) -> tuple[FigureChange, ...]:
        """The figures that changed by more than they may."""
        return tuple(row for row in self.figures if row.status == "drifted")

    @property
    def ok(self) -> bool:
        """Whether data and settings are the recorded ones, and no figure drifted."""
        return not (self.drifted or self.data or self.settings or self.against_r)

    @property
    def exit_status(self) -> int:
        """0 if nothing drifted, 1 if something did."""
        return 0 if self.ok else 1

    def _sorted(self) -> list[FigureChange]:
        def place(row: FigureChange) -> tuple[bool, bool, float]:
            return row.status != "drifted", row.status != "within", -_size(row)

        return sorted(self.figures, key=place)

    def _table(self) -> Table:
        rows = self._sorted()
        of_results = any(row.result for row in rows)
        columns = tuple(each for each in _COLUMNS if of_results or each.name != "result")
        texts = ("model", "result", "key")
        cells = tuple(
            tuple(
                plain(getattr(row, column.name))
                if column.name in texts
                else _shown(getattr(row, column.name))
                for column in columns
            )
            for row in rows[:SHOWN]
        )
        left = len(rows) - SHOWN
        notes = (f"... and {left} more",) if left > 0 else ()
        return Table(columns, cells, title=self._caption(), notes=notes)

    @property
    def heading(self) -> str:
        """The result of the check in one line."""
        changed = [
            *([f"{len(self.drifted)} of {self.n_figures} figures"] if self.drifted else []),
            *(["the data"] if self.data else []),
            *(["the specification"] if self.settings else []),
            *(["what plain R gives"] if self.against_r else []),
        ]
        if changed:
            return f"{self.record}: DRIFTED: {', '.join(changed)}"
        if not self.figures:
            return f"{self.record}: same: {self.n_figures} figures, to the last bit"
        within = sum(row.status == "within" for row in self.figures)
        others = len(self.figures) - within
        reported = f", and {others} that versions may change" if others else ""
        equal = self.n_figures - len(self.figures)
        return (
            f"{self.record}: same: {equal} of {self.n_figures} figures to the last bit, "
            f"{within} within their tolerance{reported}"
        )

    def _lines(self) -> list[str]:
        lines: list[str] = []
        for change in self.data:
            what = "data" if change.column is None else f"column {change.column!r}"
            lines.append(f"Model {change.model!r}, {what}: {plain(change.how)}")
        lines += [
            f"Model {c.model!r}, {plain(c.name)}: {plain(c.recorded)} then, {plain(c.found)} now"
            for c in self.settings
        ]
        counts = Counter((row.model, row.result) for row in self.drifted if row.result)
        lines += [
            f"Model {plain(model)!r}, {plain(result)}: figures that drifted: {n}"
            for (model, result), n in counts.items()
        ]
        if self.against_r is not None:
            lines.append(f"Plain R: {self.against_r or 'the same figures, to the last bit'}")
        if self.versions:
            lines += ["", "Versions that changed:"]
            width = max(len(plain(change.name)) for change in self.versions)
            lines += [
                f"  {plain(c.name):<{width}}  {plain(c.recorded)} -> {plain(c.found)}"
                for c in self.versions
            ]
        elif not self.ok:
            lines.append("No version changed.")
        return [*lines, *(f"Note: {note}" for note in self.notes if not self.ok)]

    def __str__(self) -> str:
        """Return the report as text."""
        parts = [self.heading, *self._lines()]
        if self.figures:
            parts += ["", self._table().to_text()]
        return "\n".join(parts)

    def _repr_html_(self) -> str:
        heading = Table((), (), notes=(self.heading, *filter(None, self._lines()))).to_html()
        return f"{heading}\n{self._table().to_html()}" if self.figures else heading

    def to_frame(self) -> pd.DataFrame:
        """Return one row per figure that changed."""
        names = [column.name for column in _COLUMNS]
        names[5:5] = ["change"]
        rows: list[list[Any]] = [[getattr(row, name) for name in names] for row in self._sorted()]
        return pd.DataFrame(rows, columns=names).astype({"recorded": object, "found": object})


def plain(text: str | None) -> str:
    """Return a text of a file with control characters escaped, safe to print."""
    if text is None:
        return "none"
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return shown if len(shown) <= 300 else f"{shown[:300]} ..."


def _size(row: FigureChange) -> float:
    if row.distance is None:
        return float("inf")
    return row.distance / row.tolerance if row.tolerance > 0 else row.distance


def _shown(value: Value) -> str | None:
    if value is None:
        return None
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1e-4 or value == 0 else repr(value)[:22]
    return plain(str(value))[:60]
