"""One design fitted to many responses, on Dask's workers of this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.shared import OURS, Row, Scale

ALONE = "no workers"


def rows(scale: Scale) -> Iterator[Row]:
    """Fit all responses here, then with one and with two workers that have begun already."""
    import joblib  # noqa: PLC0415
    from distributed import Client, LocalCluster  # noqa: PLC0415

    import pymer_bridge as pb  # noqa: PLC0415

    n = 20 if scale.quick else 1000
    sleepstudy = pb.load_dataset("sleepstudy")
    rng = np.random.default_rng(2)
    names = [f"y{i}" for i in range(n)]
    columns = sleepstudy["Reaction"].to_numpy()[:, None] + rng.normal(0, 30, (180, n))
    data = pd.concat([sleepstudy, pd.DataFrame(columns, columns=names)], axis=1)

    def seconds() -> float:
        start = time.perf_counter()
        pb.fit_many("~ Days + (Days | Subject)", data, names)
        return time.perf_counter() - start

    seconds()
    rounds = 1 if scale.quick else min(3, scale.rounds)
    alone = [seconds() for _ in range(rounds)]
    yield Row("many", f"{n:,} models, {ALONE}", "wall", {OURS: alone})
    for workers in (1,) if scale.quick else (1, 2):
        with (
            LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as made,
            Client(made),
            joblib.parallel_config(backend="dask"),
        ):
            seconds()  # R starts in the workers
            taken = [seconds() for _ in range(rounds)]
        aims = {ALONE: 0.55} if workers == 2 else {}
        name = f"{n:,} models, {workers} Dask worker{'s' if workers > 1 else ''}"
        yield Row("many", name, "wall", {OURS: taken, ALONE: alone}, aims)
