"""Ten thousand small fits in one process: time and memory from first to last."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.shared import OURS, Row, Scale, cpu, resident

FIRST = "first tenth"
LIMIT = 1024.0
"""Bytes a fit that the resident memory may grow by and still be called flat."""


def small(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    group = rng.integers(0, 8, n)
    x = rng.normal(size=n)
    y = 1 + x + rng.normal(0, 1, 8)[group] + rng.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "g": pd.Categorical([f"g{i}" for i in group])})


def heap() -> float:
    """Return the bytes that R's heap uses after it is cleaned."""
    from pymer_bridge.session.r_session import session  # noqa: PLC0415

    gc.collect()
    cells = session().call("gc", full=True).value
    # Used cells and vector cells, in the first column of gc()'s matrix: of 56 and 8 bytes.
    return float(cells[0] * 56 + cells[1] * 8)


def rows(scale: Scale) -> Iterator[Row]:
    """Fit, read a few results, drop the model; look at memory after each block."""
    import pymer_bridge as pb  # noqa: PLC0415

    fits = 20 if scale.quick else scale.fits
    block = max(fits // 50, 1)
    data = small()

    def one() -> None:
        fit = pb.lmer("y ~ x + (1 | g)", data)
        fit.fixed_effects("normal")
        _ = (fit.variance_components, fit.random_effects, fit.fitted)

    for _ in range(20):
        one()
    heap_before = heap()
    seconds: list[float] = []
    held: list[float] = []
    for _ in range(fits // block):
        seconds.append(cpu(lambda: [one() for _ in range(block)]) / block)
        held.append(float(resident()))
    heap_after = heap()
    tenth = max(len(seconds) // 10, 1)
    yield Row(
        "steady",
        f"a small fit, the last tenth of {fits:,}",
        "CPU",
        {OURS: seconds[-tenth:], FIRST: seconds[:tenth]},
        {FIRST: 1.05},
    )
    # The first fifth still fills R's heap to its working size.
    late = held[len(held) // 5 :]
    slope = float(np.polyfit(np.arange(len(late)) * block, late, 1)[0])
    yield Row(
        "steady",
        "resident memory, the last tenth",
        "memory",
        {OURS: held[-tenth:], FIRST: held[:tenth]},
        {FIRST: 1.05},
        note=f"slope {slope:+.0f} bytes a fit over the last four fifths; from "
        f"{statistics.median(held[:tenth]) / 1e6:.1f} to "
        f"{statistics.median(held[-tenth:]) / 1e6:.1f} MB",
    )
    yield Row(
        "steady",
        "R's heap after all models were dropped",
        "memory",
        {OURS: [heap_after], "before them": [heap_before]},
        {"before them": 1.01},
    )
