"""References for results that use these packages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from pymer_bridge.display.tables import Column, Table
from pymer_bridge.results.base import Part, Rows


@dataclass(frozen=True, slots=True, eq=False)
class Citation(Part):
    """One entry of a list of references.

    Attributes
    ----------
    package
        What is cited: "pymer_bridge", "base" for R itself, or an R package.
    version
        The version that is installed.
    text
        The reference as R's ``citation()`` prints it.
    bibtex
        The reference as BibTeX; its key is the package's name.
    """

    package: str
    version: str
    text: str
    bibtex: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Citations(Rows[Citation]):
    """References for this package, R, and the R packages that make the figures.

    Attributes
    ----------
    rows
        One :class:`Citation` each: this package, R, then the R packages.
    """

    rows: tuple[Citation, ...]

    key: ClassVar[tuple[str, ...]] = ("package",)
    title: ClassVar[str] = "References"

    def _table(self) -> Table:
        columns = (
            Column("package", "Package", "text"),
            Column("version", "Version", "text"),
            Column("text", "Reference", "text"),
        )
        rows = tuple((row.package, row.version, " ".join(row.text.split())) for row in self.rows)
        return Table(columns, rows, title=self.title)

    def __str__(self) -> str:
        """Return the references as R prints them, a paragraph each."""
        return "\n\n".join(row.text for row in self.rows)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per reference: ``package, version, text, bibtex``."""
        return pd.DataFrame(
            [(row.package, row.version, row.text, row.bibtex) for row in self.rows],
            columns=["package", "version", "text", "bibtex"],
        )

    def to_bibtex(self) -> str:
        """Return all entries as the text of a ``.bib`` file."""
        return "\n\n".join(row.bibtex for row in self.rows) + "\n"
