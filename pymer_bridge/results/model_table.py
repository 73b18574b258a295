"""Models side by side, as papers show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from pymer_bridge.display.tables import Column, Table
from pymer_bridge.results.base import Result
from pymer_bridge.spec.options import one_of

Format = Literal["text", "html", "latex", "markdown"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ModelTable(Result):
    """Models side by side; the cells are text, rounded for a reader.

    Attributes
    ----------
    names
        The models.
    labels
        The label of each row; "" if it continues the row above.
    cells
        One tuple per row, with one text per model.
    notes
        The notes below the table.
    caption
        The text above the table.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    caption: str = ""

    def to_frame(self) -> pd.DataFrame:
        """Return the cells as a pandas frame, one column per model, with the labels as index."""
        return pd.DataFrame(list(self.cells), index=list(self.labels), columns=list(self.names))

    def _table(self, width: int = 0) -> Table:
        columns = (
            Column("label", "", "text"),
            # Aligned to the right, like numbers; the cells are ready to be shown.
            *(Column(f"model{i}", name) for i, name in enumerate(self.names)),
        )
        rows = tuple(
            (label, *(_padded(cell, width) for cell in row))
            for label, row in zip(self.labels, self.cells, strict=True)
        )
        return Table(columns, rows, title=self.caption, notes=self.notes, max_rows=None)

    def to_text(self) -> str:
        """Return the table as plain text, with the digits aligned."""
        return self._table(max(_tail(cell) for row in self.cells for cell in row)).to_text()

    def __str__(self) -> str:
        """Return the table as plain text."""
        return self.to_text()

    def to_html(self) -> str:
        """Return the table as HTML."""
        return self._table().to_html()

    def shown(self, form: Format) -> str:
        """Return the table in a format.

        Parameters
        ----------
        form
            "text", "html", "latex" or "markdown".

        Returns
        -------
        str
            The table.
        """
        return {
            "text": self.to_text,
            "html": self.to_html,
            "latex": self.to_latex,
            "markdown": self.to_markdown,
        }[one_of(form, Format, "form")]()


def _tail(cell: str) -> int:
    """Return how many characters follow a cell's last digit."""
    return 1 if cell.endswith((")", "]")) else len(cell) - len(cell.rstrip("*"))


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - _tail(cell)) if cell else cell
