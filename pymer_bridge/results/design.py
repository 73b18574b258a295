"""What a design is: its parameters by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pymer_bridge.display.tables import Column
from pymer_bridge.results.base import Part, Rows, fields_of


@dataclass(frozen=True, slots=True, eq=False)
class DesignTerm(Part):
    """One parameter of a design.

    Attributes
    ----------
    argument
        Where it is given: "fixed", "std_devs", "correlations" or "residual".
    group
        The grouping factor of a random term, as R names it; else None.
    term
        R's name of the coefficient, or of the random term; None for the residual.
    term2
        The other term of a correlation; else None.
    value
        What was given; None where nothing was yet.
    """

    argument: str
    group: str | None
    term: str | None
    term2: str | None
    value: float | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DesignTerms(Rows[DesignTerm]):
    """The parameters that a design has: ``design.terms["fixed", "Days"].value``.

    Attributes
    ----------
    rows
        One :class:`DesignTerm` per parameter, in R's order.
    """

    rows: tuple[DesignTerm, ...]

    title: ClassVar[str] = "Parameters"
    key: ClassVar[tuple[str, ...]] = ("argument", "group", "term", "term2")
    shown: ClassVar[tuple[str, ...]] = fields_of(DesignTerm)
    _own: ClassVar[tuple[Column, ...]] = (Column("argument", "Given in", "text"),)

    def _key_of(self, row: Any) -> tuple[Any, ...]:
        return tuple(
            part for part in (row.argument, row.group, row.term, row.term2) if part is not None
        )

    def given(self) -> dict[str, Any]:
        """Return the parameters as :func:`pymer_bridge.design` takes them."""
        found: dict[str, Any] = {"fixed": {}, "std_devs": {}, "correlations": {}}
        for row in self.rows:
            if row.argument == "residual":
                found["residual"] = row.value
            elif row.argument == "fixed":
                found["fixed"][row.term] = row.value
            else:
                name = row.term if row.term2 is None else (row.term, row.term2)
                found[row.argument].setdefault(row.group, {})[name] = row.value
        return found
