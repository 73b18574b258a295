"""Versions and settings that figures can depend on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from pymer_bridge.display.tables import Column, Table
from pymer_bridge.results.base import Part, Result, Rows, fields_of


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Versions(Result):
    """Versions and settings that figures can depend on.

    Attributes
    ----------
    python
        Version of each Python package; None if it is not installed.
    r
        R's version, platform, libraries, locale and generator; empty if R does not start.
    packages
        Version of each R package; None if it is not installed.
    problems
        What is wrong, each with the command that fixes it.
    notes
        Remarks that are not problems.
    """

    python: dict[str, str | None]
    r: dict[str, str]
    packages: dict[str, str | None]
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    title: ClassVar[str] = "pymer_bridge and what it stands on"

    @property
    def ok(self) -> bool:
        """Whether everything that is needed is installed and works."""
        return not self.problems

    def _rows(self) -> list[tuple[str, str, str]]:
        rows = [("Python", name, value or "not installed") for name, value in self.python.items()]
        rows += [("R", name, value) for name, value in self.r.items()]
        rows += [
            ("R package", name, value or "not installed") for name, value in self.packages.items()
        ]
        return rows

    def _table(self) -> Table:
        columns = (
            Column("part", "", "text"),
            Column("name", "", "text"),
            Column("version", "Found", "text"),
        )
        return Table(
            columns, tuple(self._rows()), title=self.title, notes=(*self.problems, *self.notes)
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row per part."""
        return pd.DataFrame(self._rows(), columns=["part", "name", "version"])


@dataclass(frozen=True, slots=True, eq=False)
class Feature(Part):
    """What needs R packages that are optional.

    Attributes
    ----------
    feature
        Its name, for ``r_requirements.R --for``.
    packages
        The R packages that it needs.
    use
        What it is.
    missing
        Those of the packages that are not installed.
    """

    feature: str
    packages: tuple[str, ...]
    use: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Features(Rows[Feature]):
    """Which features there are here: ``features["robust"].missing``.

    Attributes
    ----------
    rows
        One :class:`Feature` for each.
    remedy
        The command that installs what is missing; empty if nothing is.
    """

    rows: tuple[Feature, ...]
    remedy: str

    title: ClassVar[str] = "What needs further R packages"
    key: ClassVar[tuple[str, ...]] = ("feature",)
    shown: ClassVar[tuple[str, ...]] = fields_of(Feature)

    def _table(self) -> Table:
        columns = (
            Column("feature", "Feature", "text"),
            Column("packages", "R packages", "text"),
            Column("missing", "Here", "text"),
            Column("use", "For", "text"),
        )
        cells = tuple(
            (
                row.feature,
                ", ".join(row.packages),
                f"without {', '.join(row.missing)}" if row.missing else "yes",
                row.use.replace("`", ""),
            )
            for row in self.rows
        )
        notes = (f"Install what is missing with: {self.remedy}",) if self.remedy else ()
        return Table(columns, cells, title=self.title, notes=notes)
