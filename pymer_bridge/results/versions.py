"""Versions and settings that figures can depend on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from pymer_bridge.display.tables import Column, Table
from pymer_bridge.results.base import Result


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
