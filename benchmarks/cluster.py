"""Time many fits on a Dask cluster of this machine, and what more workers would take.

    python -m benchmarks.cluster [--models 1000] [--replicates 10000] [--rounds 3]

One and two workers are measured by the clock. For more, the parts are measured one by one, in
seconds of CPU: what a replicate takes, which the workers share; what the main process does besides;
what it does to send a chunk and to read what comes back; and what a worker does to start R. A run
then takes::

    start + main process + the larger of: replicates / workers, with the last chunk; transfers

The same is said of one and two workers, beside what was measured, so that one sees how far to
believe it. Processors that are shared, and networks, come on top.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

WORKERS = (1, 2, 4, 8, 16, 64)
FORMULA = "Days + (Days | Subject)"


@dataclass(frozen=True)
class Parts:
    """Seconds of CPU of the parts of a run.

    Attributes
    ----------
    start
        A worker starts R and is sent the models.
    each
        A replicate in a worker.
    main
        All that the main process does before and after.
    way
        A chunk is sent and its result comes back.
    chunk
        What a chunk holds.
    """

    start: float
    each: float
    main: float
    way: float
    chunk: int

    def seconds(self, n: int, workers: int, *, cold: bool = True) -> float:
        """Return what a run of n replicates takes."""
        at_work = n * self.each / workers + self.chunk * self.each / 2
        return self.start * cold + self.main + max(at_work, n / self.chunk * self.way)


def taken(
    run: Callable[[], object], rounds: int = 1, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Return the time of the round that was disturbed least."""

    def once() -> float:
        start = clock()
        run()
        return clock() - start

    return min(once() for _ in range(rounds))


def cpu(run: Callable[[], object], rounds: int = 1) -> float:
    return taken(run, rounds, time.process_time)


@contextmanager
def dask(workers: int) -> Iterator[Any]:
    """Have joblib work on a cluster of this machine."""
    import joblib  # noqa: PLC0415
    from distributed import Client, LocalCluster  # noqa: PLC0415

    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as made,
        Client(made) as client,
        joblib.parallel_config(backend="dask"),
    ):
        yield client


def fresh_r() -> float:
    """Start R with lme4 in a worker."""
    from pymer_bridge.session.r_session import session  # noqa: PLC0415

    return cpu(lambda: session().require("lme4"))


class Measured:
    """A run of n, its parts, and how long it took with each number of workers, 0 for none."""

    def __init__(self, run: Callable[[int], object], n: int, rounds: int) -> None:
        little = max(1, n // 10)
        run(little)
        few = cpu(lambda: run(little), rounds)
        whole = cpu(lambda: run(n), rounds)
        self.found = {0: taken(lambda: run(n), rounds)}
        each = max((whole - few) / (n - little), 1e-6)
        chunk = max(1, min(n // 4, round(0.5 / each)))
        self.parts = Parts(0.0, each, max(0.0, whole - n * each), 0.0, chunk)
        self._run, self._n, self._little, self._rounds = run, n, little, rounds

    def share(self, workers: int, start: float, client: Any) -> None:
        """Measure it with workers that have begun."""
        self._run(self._little)
        self.found[workers] = taken(lambda: self._run(self._n), self._rounds)
        sent = np.zeros((self.parts.chunk, 180))
        way = cpu(lambda: client.submit(np.negative, sent, pure=False).result(), 5)
        self.parts = replace(self.parts, start=start, way=way)


def measured(
    work: dict[str, tuple[Callable[[int], object], int]], rounds: int
) -> dict[str, Measured]:
    """Measure the parts of runs, and the runs with one and with two workers."""
    found = {what: Measured(run, n, rounds) for what, (run, n) in work.items()}
    for workers in (1, 2):
        with dask(workers) as client:
            start = client.submit(fresh_r).result()
            for each in found.values():
                each.share(workers, start, client)
    return found


def table(name: str, n: int, parts: Parts, found: dict[int, float]) -> list[str]:
    """Return the rows of Markdown of one run."""
    alone, least = found[0], n * parts.each + parts.main
    rows = [f"| {name}: one process | {alone:.1f} s | | 1 |"]
    for workers in WORKERS:
        told = parts.seconds(n, workers, cold=False)
        seen = f"{found[workers]:.1f} s" if workers in found else ""
        ratio = found[workers] / alone if workers in found else told / least
        who = "1 worker" if workers == 1 else f"{workers} workers"
        rows.append(f"| {name}: {who} | {seen} | {told:.1f} s | {ratio:.2f} |")
    return rows


def runs(models: int) -> dict[str, Callable[[int], object]]:
    """Return what is run, as functions of how many."""
    import pymer_bridge as pb  # noqa: PLC0415

    sleepstudy = pb.load_dataset("sleepstudy")
    fit = pb.lmer(f"Reaction ~ {FORMULA}", sleepstudy)
    rng = np.random.default_rng(2)
    names = [f"y{i}" for i in range(models)]
    columns = sleepstudy["Reaction"].to_numpy()[:, None] + rng.normal(0, 30, (180, models))
    data = pd.concat([sleepstudy, pd.DataFrame(columns, columns=names)], axis=1)
    return {
        "models": lambda n: pb.fit_many(f"~ {FORMULA}", data, names[:n]),
        "replicates": lambda n: fit.bootstrap("parametric", n, 1, "fixed_effects"),
    }


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--replicates", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    print("| run | measured | by its parts | of one process |\n|---|---|---|---|")
    notes = []
    work = {what: (run, getattr(chosen, what)) for what, run in runs(chosen.models).items()}
    for what, of in measured(work, chosen.rounds).items():
        n, parts = work[what][1], of.parts
        print("\n".join(table(f"{n:,} {what}", n, parts, of.found)))
        large, least = 100 * n, 100 * n * parts.each
        seconds = parts.seconds(large, 64)
        print(f"| {large:,} {what}: 64 workers | | {seconds:.0f} s | {seconds / least:.3f} |")
        notes.append(
            f"{what}: {1000 * parts.each:.2f} ms each, in chunks of {parts.chunk:,}, which take "
            f"the main process {1000 * parts.way:.0f} ms; {parts.main:.2f} s for what it does "
            f"besides; a worker starts R in {parts.start:.1f} s."
        )
    print("\n" + "\n".join(notes))


if __name__ == "__main__":
    main()
