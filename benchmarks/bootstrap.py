"""Time the bootstraps beside plain R: run from the project, with two cores and nothing else to do.

    python benchmarks/bootstrap.py [--n 1000] [--rounds 3] [--only WORD]

Each round runs plain R, then ours; the table gives medians of the seconds on the clock, and of the
ratios within a round. "cold" includes the start of the worker, "warm" finds it there.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import pymer_bridge as pb
from pymer_bridge.replicates.parallel import joblib_workers
from pymer_bridge.session.versions import versions_here

AIMS = {
    "parametric, 1 process / bootMer": 0.5,
    "parametric, 2 processes / bootMer": 0.25,
    "parametric, 2 processes / multicore": 0.45,
    "pb_modcomp / PBmodcomp": 0.15,
    "case / loop of lmer": 0.4,
    "fit_many / loop of lmer": 0.25,
}


def simulated() -> pd.DataFrame:
    """Make 132 children in 20 schools, much like the data of the course."""
    rng = np.random.default_rng(5)
    school = np.sort(rng.integers(0, 20, 132))
    hours = rng.normal(5, 2, 132).round(1)
    slope, level = rng.normal(1.1, 0.7, 20), rng.normal(2, 2.5, 20)
    score = level[school] + slope[school] * hours + rng.normal(0, 2, 132)
    return pd.DataFrame({"school": school.astype(str), "hours": hours, "score": score})


def clock(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def plain_r(n: int, data: pd.DataFrame) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        data.to_csv(path, index=False)
        script = Path(__file__).with_suffix(".R")
        answer = subprocess.run(
            ["Rscript", str(script), str(n), str(path)], capture_output=True, text=True, check=True
        )
    pairs = (line.split() for line in answer.stdout.splitlines())
    return {name: float(seconds) for name, seconds in pairs}


def ours(n: int, data: pd.DataFrame, wanted: set[str]) -> dict[str, float]:
    sleepstudy = pb.load_dataset("sleepstudy")
    fit = pb.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    large = pb.lmer("score ~ hours + (hours | school)", data)
    fit.bootstrap("parametric", 5, 1)
    rng = np.random.default_rng(2)
    names = [f"y{i}" for i in range(n)]
    columns = sleepstudy["Reaction"].to_numpy()[:, None] + rng.normal(0, 30, (180, n))
    many = pd.concat([sleepstudy, pd.DataFrame(columns, columns=names)], axis=1)
    stop_workers()
    found = {}
    if "one" in wanted:
        found["one"] = clock(lambda: fit.bootstrap("parametric", n, 1, "fixed_effects"))
    work = {
        "two": lambda: fit.bootstrap("parametric", n, 1, "fixed_effects", n_jobs=2),
        "cases": lambda: fit.bootstrap(
            "case", n, 1, "fixed_effects", resample={"Subject": True}, n_jobs=2
        ),
        "ratios": lambda: pb.pb_modcomp(large, "hours", n, 1, n_jobs=2),
        "responses": lambda: pb.fit_many("~ Days + (Days | Subject)", many, names, n_jobs=2),
    }
    for name, run in work.items():
        if not wanted & {f"{name} cold", f"{name} warm"}:
            continue
        stop_workers()
        found[f"{name} cold"] = clock(run)
        start_worker()
        found[f"{name} warm"] = clock(run)
    stop_workers()
    found["start"] = clock(start_worker)
    return found


def start_worker() -> None:
    """Start a worker, and R and lme4 in it."""
    joblib_workers(1).submit(versions_here).result()


def stop_workers() -> None:
    joblib_workers(1).shutdown(wait=True, kill_workers=True)


LINES = (
    ("parametric, 1 process / bootMer", "one", "bootmer"),
    ("parametric, 2 processes / bootMer", "two cold", "bootmer"),
    ("  the same, worker there", "two warm", "bootmer"),
    ("parametric, 2 processes / multicore", "two cold", "multicore"),
    ("  the same, worker there", "two warm", "multicore"),
    ("pb_modcomp / PBmodcomp", "ratios cold", "ratios"),
    ("  the same, worker there", "ratios warm", "ratios"),
    ("case / loop of lmer", "cases cold", "cases"),
    ("  the same, worker there", "cases warm", "cases"),
    ("fit_many / loop of lmer", "responses cold", "responses"),
    ("  the same, worker there", "responses warm", "responses"),
)


def table(n: int, rounds: int, only: str) -> None:
    data = simulated()
    lines = [line for line in LINES if only in line[0]]
    wanted = {mine for _, mine, _ in lines}
    pairs = [(plain_r(n, data), ours(n, data, wanted)) for _ in range(rounds)]
    print(f"{n} replicates, medians of {rounds} rounds, seconds on the clock")
    print(f"{'':38}{'ours':>8}{'R':>8}{'ratio':>8}{'aim':>8}")
    for label, mine, theirs in lines:
        seconds = statistics.median(our[mine] for _, our in pairs)
        plain = statistics.median(r[theirs] for r, _ in pairs)
        ratio = statistics.median(our[mine] / r[theirs] for r, our in pairs)
        aim = AIMS.get(label)
        print(f"{label:38}{seconds:8.2f}{plain:8.2f}{ratio:8.2f}{'' if aim is None else aim:>8}")
    seconds = statistics.median(our["start"] for _, our in pairs)
    print(f"{'start of a worker, counted above':38}{seconds:8.2f}")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="only rows whose name has this in it")
    chosen = parser.parse_args(arguments)
    table(chosen.n, chosen.rounds, chosen.only)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
