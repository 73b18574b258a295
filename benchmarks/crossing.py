"""A data frame to R and back: against numpy's copy, pandas' factorize and rpy2's pandas2ri."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import data
from benchmarks.shared import HERE, OURS, PROJECT, PlainR, Row, Scale, by_turns, cpu, peak

COPY = "numpy copy"
R_COPY = "R's copy"
FACTORIZE = "factorize"
PANDAS2RI = "pandas2ri"
MEMORY = "R object + 1 column"


def kinds(scale: Scale) -> tuple[str, ...]:
    return ("float64", data.TEXTS[0], data.MIX) if scale.quick else data.KINDS


class Crossing:
    """Our way to R and back, in its two halves."""

    def __init__(self) -> None:
        from pymer_bridge.data import frames  # noqa: PLC0415

        self._frames = frames
        self._r = PlainR.among_ours(HERE / "crossing.R")

    def there(self, frame: pd.DataFrame) -> Any:
        return self._r.call("hold", frame=self._frames.collect(frame).to_r())

    def back(self, held: Any) -> pd.DataFrame:
        return self._frames.frame_from_r(self._r.call("give", held=held))

    def copied(self, held: Any) -> Any:
        return self._r.call("copy", held=held)

    def bytes_of(self, held: Any) -> float:
        return float(self._r.call("bytes_of", held=held)[0])


def touch_memory(size: int = 2**30) -> None:
    """Use memory once: the first touch of a page costs a virtual machine more than any other."""
    np.ones(size // 8)


def kept_by_turns(rounds: int, sides: Mapping[str, Callable[[int], Any]]) -> dict[str, list[float]]:
    """Time all sides by turns; all results stay, so that each takes memory of its own."""
    results: list[Any] = []
    turn = {name: iter(range(rounds)) for name in sides}
    return by_turns(
        rounds,
        {
            name: lambda name=name, run=run: cpu(lambda: results.append(run(next(turn[name]))))
            for name, run in sides.items()
        },
    )


def _competitor(scale: Scale) -> dict[str, dict[str, float]]:
    python = scale.competitors.get(PANDAS2RI)
    if python is None:
        return {}
    words = [python, "-m", "benchmarks.pandas2ri_side", str(scale.rows), *kinds(scale)]
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=True)
    found: dict[str, dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def _memory(kind: str, scale: Scale) -> Row:
    words = [sys.executable, "-m", "benchmarks.crossing", kind, str(scale.rows)]
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=True)
    most, allowed = json.loads(done.stdout.splitlines()[-1])
    return Row(
        "crossing",
        f"{kind}: peak memory to R",
        "memory",
        {OURS: [most], MEMORY: [allowed]},
        {MEMORY: 1.0},
    )


def rows(scale: Scale) -> Iterator[Row]:
    """Measure each kind of column."""
    crossing = Crossing()
    crossing.back(crossing.there(data.frame(data.MIX, 100)))
    slow = _competitor(scale)
    if not scale.quick:
        touch_memory()
    for kind in kinds(scale):
        yield from _rows_of(kind, crossing, slow, scale)
        if not scale.quick or kind == data.MIX:
            yield _memory(kind, scale)


def _rows_of(
    kind: str, crossing: Crossing, slow: Mapping[str, Mapping[str, float]], scale: Scale
) -> Iterator[Row]:
    frame = data.frame(kind, scale.rows)
    held = crossing.there(frame)
    # numpy copies as many bytes as arrive: R has 32 bits for a bool, pandas 64 for an integer.
    n_bytes = int(crossing.bytes_of(held))
    arrives = np.ones(n_bytes // 8)
    returns = np.ones(int(crossing.back(held).memory_usage(index=False).sum()) // 8)
    there: dict[str, Callable[[int], Any]] = {OURS: lambda i: crossing.there(frame)}
    back: dict[str, Callable[[int], Any]] = {OURS: lambda i: crossing.back(held)}
    if kind in data.TEXTS:
        there[FACTORIZE] = lambda i: pd.factorize(frame["x0"])
    elif kind in data.NUMERIC:
        there[COPY] = lambda i: arrives.copy()
        there[R_COPY] = lambda i: crossing.copied(held)
        back[COPY] = lambda i: returns.copy()
    to_r = kept_by_turns(scale.rounds, there)
    returned = kept_by_turns(scale.rounds, back)
    whole = {
        side: [a + b for a, b in zip(to_r[side], returned[side], strict=True)] for side in returned
    }
    if kind in slow:
        to_r[PANDAS2RI] = [slow[kind]["there"]]
        whole[PANDAS2RI] = [slow[kind]["there"] + slow[kind]["back"]]
    aims_there = {FACTORIZE: 1.3} if kind in data.TEXTS else {COPY: 2.0}
    aims = {PANDAS2RI: 0.01} if kind == data.MIX else {COPY: 2.0}
    yield Row("crossing", f"{kind}: to R", "CPU", to_r, _of(aims_there, to_r))
    yield Row("crossing", f"{kind}: to R and back", "CPU", whole, _of(aims, whole))


def _of(aims: Mapping[str, float], sides: Mapping[str, Any]) -> dict[str, float]:
    return {side: aim for side, aim in aims.items() if side in sides}


def main() -> None:
    """Print the peak of one kind in a process of its own, and what it may be."""
    kind, n = sys.argv[1], int(sys.argv[2])
    crossing = Crossing()
    crossing.back(crossing.there(data.frame(kind, 100)))
    frame = data.frame(kind, n)
    held: list[Any] = []
    most = peak(lambda: held.append(crossing.there(frame)))
    object_ = crossing.bytes_of(held[0])
    column = max(frame[name].memory_usage(index=False, deep=True) for name in frame.columns)
    if len(frame.columns) == 1:
        column = max(column, object_)  # R's is wider than numpy's of float32 or bool
    print(json.dumps([most, object_ + float(column)]))


if __name__ == "__main__":
    main()
