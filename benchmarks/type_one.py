"""How often each test rejects where there is no effect: the table of docs/power.md.

python -m benchmarks.type_one [N_SIM]
"""

from __future__ import annotations

import sys
import warnings
from typing import Final

import pymer_bridge as pb

DDF: Final = ("satterthwaite", "kenward-roger", "normal", "lrt")
GROUPS: Final = (5, 10, 20)


def rate(groups: int, ddf: str, n_sim: int) -> float:
    """Return the share of rejections at 5 % among studies without an effect."""
    frame = pb.crossed_frame(subject=groups, within={"time": [0.0, 1.0, 2.0, 3.0]})
    design = pb.design(
        "y ~ time + (time | subject)",
        frame,
        fixed={"(Intercept)": 0, "time": 0},
        std_devs={"subject": {"(Intercept)": 1, "time": 0.5}},
        correlations={"subject": 0},
        residual=1,
    )
    return design.power("time", ddf=ddf, n_sim=n_sim, seed=1)["time"].power  # type: ignore[arg-type]


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore")
    n_sim = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print(f"| groups | {' | '.join(DDF)} |")
    print("|---|" + "---|" * len(DDF))
    for groups in GROUPS:
        cells = [f"{100 * rate(groups, ddf, n_sim):.1f} %" for ddf in DDF]
        print(f"| {groups} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
