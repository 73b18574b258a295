"""Time and memory as rows and groups grow, against R's, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.shared import HERE, OURS, PROJECT, Row, Scale, cpu, peak

R = "R"
ROWS = (1_000, 10_000, 100_000, 1_000_000)
GROUPS = (10, 100, 1_000, 10_000, 100_000)
FEW_ROWS, FEW_GROUPS = 200_000, 100


def write(path: Path, rows: int, groups: int) -> None:
    """Write a response, a predictor and groups of like sizes, column after column."""
    rng = np.random.default_rng(rows + groups)
    g = np.arange(rows) % groups
    x = rng.normal(size=rows)
    y = 1 + 0.5 * x + rng.normal(0, 0.7, groups)[g] + rng.normal(size=rows)
    with path.open("wb") as file:
        for column in (y, x, g.astype(np.int32)):
            file.write(column.tobytes())


def read(path: Path, rows: int) -> pd.DataFrame:
    numbers = np.fromfile(path, np.float64, 2 * rows)
    g = np.fromfile(path, np.int32, rows, offset=16 * rows)
    return pd.DataFrame({"y": numbers[:rows], "x": numbers[rows:], "g": pd.Categorical(g)})


def _last_line(words: list[str]) -> str:
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


def rows(scale: Scale) -> Iterator[Row]:
    """Measure each size, ours and R's by turns."""
    sizes = [("rows", n, n, FEW_GROUPS) for n in ROWS]
    sizes += [("groups", n, FEW_ROWS, n) for n in GROUPS]
    if scale.quick:
        sizes = [("groups", 10, 500, 10)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "columns"
        for what, size, n, groups in sizes:
            write(path, n, groups)
            seconds: dict[str, list[float]] = {OURS: [], R: []}
            most: dict[str, list[float]] = {OURS: [], R: []}
            rounds = 1 if scale.quick or n > ROWS[-2] else min(3, scale.rounds)
            for _ in range(rounds):
                mine = json.loads(
                    _last_line([sys.executable, "-m", "benchmarks.growth", str(path), str(n)])
                )
                words = ["Rscript", str(HERE / "speed.R"), "grow", str(path), str(n)]
                theirs = [float(word) for word in _last_line(words).split()]
                for side, (taken, held) in ((OURS, mine), (R, theirs)):
                    seconds[side].append(taken)
                    most[side].append(held)
            name = f"{size:,} {what}"
            yield Row("growth", f"{name}: time", "CPU", seconds)
            yield Row("growth", f"{name}: peak memory", "memory", most)


def main() -> None:
    """Fit once; print seconds and bytes."""
    import pymer_bridge as pb  # noqa: PLC0415
    from pymer_bridge.session.r_session import session  # noqa: PLC0415

    data = read(Path(sys.argv[1]), int(sys.argv[2]))
    seconds: list[float] = []

    def fit(formula: str, frame: pd.DataFrame) -> object:
        model = pb.lmer(formula, frame)
        return model, model.fixed_effects("normal"), model.variance_components, model.fitted

    for i in range(3):  # R compiles a function when it is called for the third time
        text = " " * i + "Reaction ~ Days + (1 | Subject)"  # the same text is read once
        fit(text, pb.load_dataset("sleepstudy"))
    session().call("gc")
    most = peak(lambda: seconds.append(cpu(lambda: fit("y ~ x + (1 | g)", data))))
    print(json.dumps([seconds[0], most]))


if __name__ == "__main__":
    main()
