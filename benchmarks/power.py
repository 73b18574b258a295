"""Power of 24 subjects by 12 items: plain R's loop, and ours on one and two processes.

    python -m benchmarks.power [N_SIM]

Each side is a process of its own, its start counted; CPU time is that of all that it started. Sides
take turns. A machine with two idle cores is needed for the elapsed time on two.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

AIMS: Final = {"one process": 0.35, "two processes": 0.2}
ROUNDS: Final = 3


def ours(n_sim: int, n_jobs: int) -> None:
    """Count the power, as ``power.R`` does."""
    import numpy as np  # noqa: PLC0415

    import pymer_bridge as pb  # noqa: PLC0415

    frame = pb.crossed_frame(subject=24, item=12)
    frame = frame.assign(x=np.tile([0, 1], len(frame) // 2))
    design = pb.design(
        "y ~ x + (x | subject) + (1 | item)",
        frame,
        fixed={"(Intercept)": 300, "x": 20},
        std_devs={"subject": {"(Intercept)": 30, "x": 12}, "item": 10},
        correlations={"subject": 0.2},
        residual=30,
    )
    print(design.power("x", n_sim=n_sim, seed=1, n_jobs=n_jobs)["x"].power)


def measured(command: list[str]) -> tuple[float, float, str]:
    """Run a command; return its elapsed and CPU seconds, and what it printed."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, cpu, done.stdout.strip()


def main() -> None:
    """Print the times and the ratios."""
    n_sim = sys.argv[1] if len(sys.argv) > 1 else "1000"
    here = [sys.executable, "-m", "benchmarks.power", n_sim]
    sides = {
        "R": ["Rscript", str(Path(__file__).with_suffix(".R")), n_sim],
        "one process": [*here, "1"],
        "two processes": [*here, "2"],
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, command in sides.items():
            wall, cpu, power = measured(command)
            taken[name].append((wall, cpu))
            print(f"{name}: {wall:.1f} s, CPU {cpu:.1f} s, power {power}", flush=True)
    middle = {
        name: [sorted(each)[ROUNDS // 2] for each in zip(*of, strict=True)]
        for name, of in taken.items()
    }
    for name, aim in AIMS.items():
        wall, cpu = (own / theirs for own, theirs in zip(middle[name], middle["R"], strict=True))
        print(f"{name}: {wall:.2f} of R's elapsed and {cpu:.2f} of its CPU time; aim {aim} elapsed")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        ours(int(sys.argv[1]), int(sys.argv[2]))
    else:
        main()
