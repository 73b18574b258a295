"""What all benchmarks share: figures, clocks, memory, and plain R in this process."""

from __future__ import annotations

import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PROJECT = HERE.parent
OURS = "pymer_bridge"
SMALL = 1e6
"""Bytes of memory that say nothing of how it grows."""


@dataclass(frozen=True)
class Row:
    """One thing measured, ours beside others'.

    Attributes
    ----------
    section, name
        Where it stands in the table.
    clock
        "CPU" or "wall" (seconds), or "memory" (bytes).
    sides
        What was measured in each round, by who did it; the rounds of all sides go together.
    aims
        The largest ratio of ours to another side that is aimed at.
    note
        What must be known to read it.
    """

    section: str
    name: str
    clock: str
    sides: Mapping[str, Sequence[float]]
    aims: Mapping[str, float] = field(default_factory=dict)
    note: str = ""

    def median(self, side: str) -> float:
        return statistics.median(self.sides[side])

    def ratio(self, other: str) -> float:
        """Return ours to another's: by rounds where both have as many, else by medians."""
        ours, theirs = self.sides[OURS], self.sides[other]
        if len(ours) == len(theirs):
            return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        return self.median(OURS) / self.median(other)


@dataclass(frozen=True)
class Scale:
    """How much is done.

    Attributes
    ----------
    rows
        Of the frames that cross.
    rounds
        At most so many.
    quick
        Only what shows that all works.
    competitors
        The Python of each environment that was made.
    fits
        Small fits in one process.
    """

    rows: int = 1_000_000
    rounds: int = 7
    quick: bool = False
    competitors: Mapping[str, str] = field(default_factory=dict)
    fits: int = 10_000


def cpu(run: Callable[[], Any]) -> float:
    """Return the seconds that this process computes."""
    start = time.process_time()
    run()
    return time.process_time() - start


def by_turns(rounds: int, sides: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Measure all sides once a round, the first last in every second round."""
    seen: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(rounds):
        order = list(sides) if turn % 2 == 0 else list(sides)[::-1]
        for name in order:
            seen[name].append(sides[name]())
    return seen


def command(words: Sequence[str], **options: Any) -> float:
    """Run a command; return the CPU seconds of it and of all that it started."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, check=True, capture_output=True, **options)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def waited(words: Sequence[str], **options: Any) -> float:
    """Run a command; return the seconds that somebody waits for it."""
    start = time.perf_counter()
    subprocess.run(words, check=True, capture_output=True, **options)
    return time.perf_counter() - start


def resident(field_name: str = "VmRSS") -> int:
    """Return bytes of this process in memory, or with "VmHWM" the most there were."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(field_name):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {field_name}")


def peak(run: Callable[[], Any]) -> int:
    """Return how many bytes more than before this process held at most."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # forgets the old peak
    before = resident()
    kept = run()
    most = resident("VmHWM")
    del kept
    return max(most - before, 4096)  # a page


class PlainR:
    """Functions of an R file, in an environment of this process that knows nothing of ours."""

    def __init__(self, file: Path, inside: Any = None) -> None:
        from pymer_bridge.session.r_session import session  # noqa: PLC0415  # competitors have no such package

        self._session = session()
        parent = inside or self._session.call("globalenv").value
        self.environment = self._session.call("new.env", parent=parent).value
        self._session.call(
            "sys.source", file=str(file), envir=self.environment, **{"keep.source": False}
        )

    @classmethod
    def among_ours(cls, file: Path) -> PlainR:
        """Put an R file where the functions of our own R files are found."""
        from pymer_bridge.session.r_session import session  # noqa: PLC0415

        frame = session().call("environment", fun=None).value
        return cls(file, session().call("parent.env", env=frame).value)

    def call(self, function: str, **arguments: Any) -> Any:
        return self._session.call(
            "do.call", what=function, args=arguments, envir=self.environment
        ).value
