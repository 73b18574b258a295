"""Coverage of the residual, wild and case bootstraps, in data simulated from a known model.

    python benchmarks/coverage.py [--data 200] [--n-sim 200] [--n-jobs 2]

Each data set has 20 groups of 8; 90% percentile intervals should hold the slope 9 times in 10. The
last column is the standard error of the share that is to be expected from this many data sets.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import pandas as pd

import pymer_bridge as pb

SLOPE = 0.5
LEVEL = 0.9
KINDS = {
    "parametric": {"kind": "parametric"},
    "residual": {"kind": "residual"},
    "wild hc2 mammen": {"kind": "wild", "hccme": "hc2", "aux_dist": "mammen"},
    "wild hc3 rademacher": {"kind": "wild", "hccme": "hc3", "aux_dist": "rademacher"},
    "case": {"kind": "case", "resample": {"group": True}},
}


def simulated(seed: int) -> pd.DataFrame:
    """Make 20 groups of 8, with random intercepts and a slope."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(20), 8)
    x = rng.normal(size=160)
    y = 1.0 + SLOPE * x + rng.normal(size=20)[group] + rng.normal(size=160)
    return pd.DataFrame({"y": y, "x": x, "group": group.astype(str)})


def measure(n_data: int, n_sim: int, n_jobs: int) -> None:
    held = dict.fromkeys(KINDS, 0)
    for seed in range(n_data):
        fit = pb.lmer("y ~ x + (1 | group)", simulated(seed), reml=False)
        for name, arguments in KINDS.items():
            boot = fit.bootstrap(
                n_sim=n_sim, seed=seed, statistic="fixed_effects", n_jobs=n_jobs, **arguments
            )
            interval = boot.confint("percentile", LEVEL)["x"]
            held[name] += interval.conf_low <= SLOPE <= interval.conf_high
    error = (LEVEL * (1 - LEVEL) / n_data) ** 0.5
    print(f"{n_data} data sets, {n_sim} replicates each; nominal {LEVEL}, +- {error:.3f}")
    for name, count in held.items():
        print(f"{name:22}{count / n_data:8.3f}")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=int, default=200)
    parser.add_argument("--n-sim", type=int, default=200)
    parser.add_argument("--n-jobs", type=int, default=1)
    chosen = parser.parse_args(arguments)
    measure(chosen.data, chosen.n_sim, chosen.n_jobs)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
