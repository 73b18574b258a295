"""Comparisons of our figures with plain R's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NoReturn

from pymer_bridge.data.exact import Value
from pymer_bridge.display.tables import Column, Table
from pymer_bridge.errors import VerificationError
from pymer_bridge.results.base import Part, Rows, fields_of

SHOWN = 10


@dataclass(frozen=True, slots=True, eq=False)
class VerifiedFigure(Part):
    """A figure that plain R did not give to the last bit in every process.

    Attributes
    ----------
    of
        What it belongs to: "fit", or a result by its name in the script.
    key
        Its key, ``family/group/level/term/quantity``.
    ours, theirs
        Our value, and R's in the process where it differs most.
    ulps
        How many doubles lie between them; None if they are not two numbers.
    relative
        Their difference divided by ours; None if it has no meaning.
    verdict
        "other state": processes in our state agree with us, and those in the other state
        agree with each other; or "different".
    """

    of: str
    key: str
    ours: Value
    theirs: Value
    ulps: int | None
    relative: float | None
    verdict: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class VerificationReport(Rows[VerifiedFigure]):
    """The figures of fresh processes of plain R, compared with ours key by key.

    Made by :func:`pymer_bridge.verify`.

    Attributes
    ----------
    rows
        The figures that differ in some process, the worst first.
    n_figures
        How many were compared.
    runs
        How many processes ran the script.
    state
        Which of the two states of some builds of lme4 this process is in; None if there is
        only one.
    states
        The state of each process; empty if there is only one.
    versions
        Versions of R and the packages.
    not_compared
        What could not be compared, and why.
    """

    rows: tuple[VerifiedFigure, ...]
    n_figures: int
    runs: int
    state: int | None
    states: tuple[int, ...]
    versions: dict[str, str]
    not_compared: tuple[str, ...]

    key: ClassVar[tuple[str, ...]] = ("of", "key")
    shown: ClassVar[tuple[str, ...]] = fields_of(VerifiedFigure)

    @property
    def ok(self) -> bool:
        """Whether every figure is R's, to the last bit, in every process of this one's state."""
        return self.n_figures > 0 and not any(row.verdict == "different" for row in self.rows)

    @property
    def line(self) -> str:
        """The result in one line."""
        with_what = ", ".join(
            f"{name} {self.versions[name]}" for name in ("R", "lme4") if name in self.versions
        )
        where = f"in {self.runs} fresh process{'' if self.runs == 1 else 'es'} ({with_what})"
        if self.n_figures == 0:
            return "No figure could be compared with plain R."
        n = sum(row.verdict == "different" for row in self.rows)
        if n:
            return f"DIFFERENT: {n} of {self.n_figures} figures are not those of plain R {where}."
        same = f"All {self.n_figures} figures are those of plain R, to the last bit, {where}"
        other = sum(state != self.state for state in self.states)
        if not self.rows:
            return f"{same}."
        return (
            f"{same}: {self.runs - other} in the state of this one, and {other} in the other, in "
            f"which R itself gives {len(self.rows)} figures otherwise."
        )

    def raise_if_different(self) -> None:
        """Raise an error if a figure is not R's.

        Raises
        ------
        VerificationError
            A figure is different, or none could be compared.
        """
        if not self.ok:
            self._raise()

    def _raise(self) -> NoReturn:
        raise VerificationError(str(self))

    def _notes(self) -> tuple[str, ...]:
        notes = []
        if any(row.verdict == "other state" for row in self.rows):
            notes.append(
                "This lme4 was built so that each process is in one of two states, which differ "
                "in the last bits (lme4 issue 745). Building it anew fixes that: "
                "Rscript -e 'install.packages(\"lme4\")'."
            )
        if len(self.rows) > SHOWN:
            notes.append(f"{len(self.rows) - SHOWN} more differ; .to_frame() has all.")
        return (*notes, *(f"Not compared: {text}" for text in self.not_compared))

    def _table(self) -> Table:
        columns = (
            Column("of", "Of", "text"), Column("key", "Figure", "text"),
            Column("ours", "Ours", "text"), Column("theirs", "Plain R's", "text"),
            Column("ulps", "Units in the last place", "text"),
            Column("relative", "Relative", "text"), Column("verdict", "", "text"),
        )  # fmt: skip
        cells = tuple(
            (
                row.of,
                row.key,
                _shown(row.ours),
                _shown(row.theirs),
                "" if row.ulps is None else str(row.ulps),
                "" if row.relative is None else f"{row.relative:.2g}",
                "" if row.verdict == "different" else "R's other state",
            )
            for row in self.rows[:SHOWN]
        )
        return Table(columns if cells else (), cells, title=self.line, notes=self._notes())

    def __str__(self) -> str:
        """Return one line, and a table of the worst differences if there are any."""
        if self.rows:
            return self._table().to_text()
        return "\n".join([self.line, *self._notes()])


def _shown(value: Value) -> str:
    if value is None:
        return "none"
    return repr(value) if isinstance(value, float) else str(value)
