"""Differences between versions of R and lme4: models recorded on one stack, compared with another.

    python benchmarks/drift.py record FILE [MODEL ...]  on each stack: all models, or these
    python benchmarks/drift.py other FILE               in the other state, until it is 0
    python benchmarks/drift.py table FILE ...           the tables of docs/drift.md

The models are those of tests/helpers/models.py. benchmarks/recorded has a record of each stack.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import pymer_bridge as pb
from pymer_bridge.results.drift import FigureChange
from pymer_bridge.session import library_address
from pymer_bridge.session.versions import stack_here
from pymer_bridge.verification import drift, tolerances
from pymer_bridge.verification.data_fingerprint import data_changes
from pymer_bridge.verification.record_parts import RecordedModel
from pymer_bridge.verification.records import read_record

OTHER_STATE = "6"
NOT_A_NUMBER = 1e300
"""What stands for the distance to no number at all."""

UNSETTLED = "convergence////converged"


def record(path: Path, *names: str) -> None:
    """Record all models, or those that are named."""
    from helpers.models import CASES  # noqa: PLC0415  # the tables need no R

    if unknown := set(names) - {case.name for case in CASES}:
        sys.exit(f"there is no model {', '.join(sorted(unknown))}")
    path.parent.mkdir(parents=True, exist_ok=True)
    fits = {case.name: case.fit() for case in CASES if not names or case.name in names}
    pb.record(fits, path, results=False)


# -- comparing -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Changed:
    """What differs of one model between two stacks."""

    then: RecordedModel
    figures: tuple[FigureChange, ...]
    same_data: bool

    @property
    def drifted(self) -> list[FigureChange]:
        """The figures beyond their limits."""
        return [change for change in self.figures if change.status == "drifted"]

    @property
    def ok(self) -> bool:
        """Whether nothing drifted."""
        return self.same_data and not self.drifted

    @property
    def linear(self) -> bool:
        """Whether it is a linear model."""
        return self.then.spec.fitter in tolerances.LINEAR

    @property
    def settled(self) -> bool:
        """Whether it converged on both stacks."""
        moved = {change.key for change in self.figures}
        return bool(self.then.figures[UNSETTLED]) and UNSETTLED not in moved


@dataclass(frozen=True)
class Cell:
    """The models of one stack beside those of another."""

    recorded: dict[str, str | None]
    verified: dict[str, str | None]
    models: dict[str, Changed]
    missing: tuple[str, ...]

    @property
    def crossing(self) -> bool:
        """Whether one is lme4 1 and the other lme4 2."""
        return len({str(stack["lme4"])[0] for stack in (self.recorded, self.verified)}) == 2

    @property
    def same_stack(self) -> bool:
        """Whether the figures must be the same to the last bit."""
        return drift.is_same_stack(self.recorded, self.verified)


def compare(then: Path, now: Path) -> Cell:
    """Compare all models of a record with those of another."""
    (recorded, before, _), (verified, after, _) = read_record(then), read_record(now)
    same = drift.is_same_stack(recorded, verified)
    found = {model.name: model for model in after}
    models = {}
    for model in before:
        if model.name in found:
            limits = tolerances.limits_for(model.spec, same_stack=same)
            again = found[model.name]
            changes = drift.figure_changes(
                model.name, model.figures, again.figures, limits, same_stack=same
            )
            same_data = not data_changes(model.name, model.data, again.data)
            models[model.name] = Changed(model, changes, same_data)
    missing = tuple(model.name for model in before if model.name not in found)
    return Cell(recorded, verified, models, missing)


def distance(change: FigureChange) -> float | None:
    """Return the distance of two numbers in the figure's unit; None where they are no numbers."""
    return None if change.distance is None else min(change.distance, NOT_A_NUMBER)


# -- tables --------------------------------------------------------------------------------------


def label(stack: dict[str, Any]) -> str:
    """Name a stack."""
    state = f", state {stack['state']}" if stack["state"] else ""
    return f"lme4 {stack['lme4']} (R {stack['R']}{state})"


def line(cells: Iterable[Any]) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _grid(cells: list[Cell], show: Callable[[Cell], str]) -> Iterable[str]:
    stacks = list(dict.fromkeys(label(cell.recorded) for cell in cells))
    found = {(label(cell.recorded), label(cell.verified)): show(cell) for cell in cells}
    yield line(["recorded on", *(f"verified on {stack}" for stack in stacks)])
    yield "|---" * (len(stacks) + 1) + "|"
    for row in stacks:
        yield line([row, *(found[row, column] for column in stacks)])


def summary(cell: Cell) -> str:
    """Count models and figures of a cell."""
    models = cell.models.values()
    total = sum(len(model.then.figures) for model in models)
    same = total - sum(len(model.figures) for model in models)
    drifted = sum(len(model.drifted) for model in models)
    ok = sum(model.ok for model in models)
    told = f"{ok} of {len(models)} models pass; {same:,} of {total:,} figures the same bits"
    return f"{told}, {drifted:,} drifted" if drifted else told


def _distances(cells: list[Cell], linear: bool, crossing: bool) -> dict[str, list[float]]:
    """Collect the differences between two stacks, for models that converged on both."""
    found: dict[str, list[float]] = {name: [] for name in tolerances.SCALES}
    for cell in cells:
        if cell.same_stack or cell.crossing is not crossing:
            continue
        for model in cell.models.values():
            if model.linear is linear and model.settled:
                for change in model.figures:
                    name, far = drift.name_of(change.key), distance(change)
                    if far is not None and name in found:
                        found[name].append(far)
    return found


def largest(values: Iterable[float]) -> str:
    """Return the largest distance as text."""
    far = max(values, default=0.0)
    return "NaN" if far >= NOT_A_NUMBER else f"{far:.1e}"


def _limits_table(cells: list[Cell], linear: bool) -> Iterable[str]:
    yield "| figure | unit | largest within 1.1 | median from 1.1 to 2.1 | largest | limit |"
    yield "|---" * 6 + "|"
    within, crossing = (_distances(cells, linear, crossed) for crossed in (False, True))
    limits = tolerances.LINEAR_LIMITS if linear else tolerances.LIMITS
    for name, unit in tolerances.SCALES.items():
        if within[name] or crossing[name]:
            middle = median(crossing[name]) if crossing[name] else 0.0
            far = (largest(values[name]) for values in (within, crossing))
            low, high = far
            yield line([name, unit, low, f"{middle:.1e}", high, f"{limits[name]:.0e}"])


def table(paths: list[Path]) -> None:
    """Print the tables."""
    cells = [compare(*pair) for pair in product(paths, repeat=2)]
    print("\n".join(_grid(cells, summary)))
    for linear in (True, False):
        print(f"\n{'Linear' if linear else 'Generalized and nonlinear'} models:\n")
        print("\n".join(_limits_table(cells, linear)))


def main(arguments: list[str] | None = None) -> None:
    """Do what the command line says."""
    what, *rest = sys.argv[1:] if arguments is None else arguments
    if what == "record":
        record(Path(rest[0]), *rest[1:])
    elif what == "other":
        library_address.signed_addresses = contextlib.nullcontext  # chance chooses
        if stack_here()["state"] != OTHER_STATE:
            sys.exit(3)
        record(Path(rest[0]), *rest[1:])
    else:
        table([Path(word) for word in rest])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
