"""Tests and intervals: our time against that of R's own functions, called the ordinary way.

Both sides run in this one process, by turns, on the same data: ours through the public Python
API from data frame to typed result, R's through ``inference.R`` beside this file, which holds
plain calls and knows nothing of our R files. Each repetition starts from a fresh fit, which is
not timed where only the test is; medians and their ratios are shown.

    python benchmarks/inference.py [--quick] [--most N] [--only WORD] [--out figures.json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import pymer_bridge as pb
from pymer_bridge.session.calls import Handle
from pymer_bridge.session.r_session import session

HERE = Path(__file__).parent
FORMULAS = {2: "y ~ a + (1 | g)", 6: "y ~ a * c + (1 | g)", 12: "y ~ a * b * c + (1 | g)"}
SIX_TERMS = "y ~ a + b + c + d + e + f + (1 | g)"
KR: Any = "kenward-roger"


def layout(n: int = 2000) -> pd.DataFrame:
    """Return an unbalanced layout: three crossed factors, three numbers, 60 groups."""
    rng = np.random.default_rng(20240607)
    g = rng.integers(0, 60, n)
    data = pd.DataFrame(
        {
            "a": pd.Categorical(rng.choice(["a1", "a2"], n, p=[0.3, 0.7])),
            "b": pd.Categorical(rng.choice(["b1", "b2"], n, p=[0.4, 0.6])),
            "c": pd.Categorical(rng.choice(["c1", "c2", "c3"], n, p=[0.2, 0.3, 0.5])),
            "d": rng.normal(size=n),
            "e": rng.normal(size=n),
            "f": rng.normal(size=n),
            "g": pd.Categorical([f"g{i:02d}" for i in g]),
        }
    )
    data["y"] = rng.normal(size=n) + rng.normal(0.0, 0.7, 60)[g] + 0.3 * data["d"]
    data.attrs["name"] = "layout"
    return data


class PlainR:
    """The plain R functions of ``inference.R``, in an environment below the search path."""

    def __init__(self, frames: dict[str, pd.DataFrame]) -> None:
        parent = session().call("globalenv").value
        self.environment: Handle = session().call("new.env", parent=parent).value
        session().call(
            "sys.source",
            file=str(HERE / "inference.R"),
            envir=self.environment,
            **{"keep.source": False},
        )
        for name, frame in frames.items():
            columns = {
                column: [str(v) for v in frame[column]]
                if isinstance(frame[column].dtype, pd.CategoricalDtype)
                else frame[column].to_numpy(np.float64)
                for column in frame.columns
            }
            self.call("set_data", name=name, columns=columns)

    def call(self, function: str, **arguments: Any) -> Any:
        return (
            session().call("do.call", what=function, args=arguments, envir=self.environment).value
        )


@dataclass(frozen=True)
class Race:
    """One thing done in two ways; what is prepared is not timed."""

    name: str
    ours: Callable[[Any], Any]
    theirs: Callable[[Any], Any]
    prepare_ours: Callable[[], Any] = lambda: None
    prepare_theirs: Callable[[], Any] = lambda: None
    repetitions: int = 7
    aim: float | None = None
    warm_up: bool = True


@dataclass(frozen=True)
class Row:
    """Medians in seconds of this process, and their ratios (ours / R's)."""

    name: str
    ours_cpu: float
    theirs_cpu: float
    cpu_ratio: float
    ours_wall: float
    theirs_wall: float
    wall_ratio: float
    repetitions: int
    aim: float | None


def timed(prepare: Callable[[], Any], run: Callable[[Any], Any]) -> tuple[float, float]:
    """Return CPU and wall seconds of one run, from a clean heap."""
    given = prepare()
    session().call("gc")
    cpu, wall = time.process_time(), time.perf_counter()
    run(given)
    return time.process_time() - cpu, time.perf_counter() - wall


def run(race: Race, repetitions: int) -> Row:
    """Run both sides by turns, after one of each that does not count (but for long ones)."""
    sides = ((race.prepare_ours, race.ours), (race.prepare_theirs, race.theirs))
    if race.warm_up:
        for prepare, act in sides:
            timed(prepare, act)
    seen: tuple[list[tuple[float, float]], ...] = ([], [])
    for turn in range(repetitions):
        for side in (0, 1) if turn % 2 == 0 else (1, 0):
            seen[side].append(timed(*sides[side]))
    (ours_cpu, ours_wall), (theirs_cpu, theirs_wall) = (
        [statistics.median(column) for column in zip(*side, strict=True)] for side in seen
    )
    return Row(
        race.name,
        ours_cpu,
        theirs_cpu,
        ours_cpu / theirs_cpu,
        ours_wall,
        theirs_wall,
        ours_wall / theirs_wall,
        repetitions,
        race.aim,
    )


def races(quick: bool) -> Iterator[Race]:
    """Go through what is compared."""
    frames = {"layout": layout()}
    r = PlainR(frames)

    def fits(formula: str) -> dict[str, Callable[[], Any]]:
        return {
            "prepare_ours": lambda: pb.lmer(formula, frames["layout"]),
            "prepare_theirs": lambda: r.call("fit_layout", formula=formula),
        }

    for p, formula in FORMULAS.items():
        yield Race(
            f"KR summary, {p} coefficients",
            lambda fit: fit.fixed_effects(KR),
            lambda fit: r.call("kr_summary", fit=fit),
            **fits(formula),
            aim=0.2 if p == 12 else None,
        )
    for p, formula in FORMULAS.items():
        yield Race(
            f"KR ANOVA, {p} coefficients",
            lambda fit: fit.anova(ddf=KR),
            lambda fit: r.call("kr_anova", fit=fit),
            **fits(formula),
        )
    yield Race(
        "KR ANOVA, 6 terms",
        lambda fit: fit.anova(ddf=KR),
        lambda fit: r.call("kr_anova", fit=fit),
        **fits(SIX_TERMS),
        aim=0.25,
    )
    yield Race(
        "profile intervals, fixed effects only",
        lambda fit: fit.confint("profile", "beta_"),
        lambda fit: r.call("profile_intervals", fit=fit),
        lambda: pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy")),
        lambda: r.call("fit_sleepstudy"),
        repetitions=5,
    )
    evaluations = pb.load_dataset("InstEval")
    if quick:
        evaluations = evaluations.iloc[:8000].copy()
        evaluations.attrs["name"] = "InstEval"
    formula = "y ~ service + (1 | s) + (1 | d)"
    rows = len(evaluations)
    yield Race(
        f"InstEval ({rows} rows), a fit without tests",
        lambda _: pb.lmer(formula, evaluations),
        lambda _: r.call("fit_instructors", rows=rows),
        repetitions=3,
        aim=0.45,
        warm_up=False,
    )
    yield Race(
        f"InstEval ({rows} rows), a fit and Satterthwaite's summary",
        lambda _: pb.lmer(formula, evaluations).fixed_effects(),
        lambda _: r.call("summarise_instructors", rows=rows),
        repetitions=3,
        warm_up=False,
    )


def show(row: Row) -> str:
    aim = "" if row.aim is None else f"  (aim {row.aim})"
    return (
        f"{row.name:<56}{row.ours_cpu:9.3f}{row.theirs_cpu:9.3f}{row.cpu_ratio:8.3f}"
        f"{row.ours_wall:9.3f}{row.theirs_wall:9.3f}{row.wall_ratio:8.3f}{aim}"
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="two repetitions, InstEval cut short")
    parser.add_argument("--most", type=int, default=99, help="at most so many repetitions")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    parser.add_argument("--only", default="", help="only races whose name has this in it")
    given = parser.parse_args(arguments)
    for package in ("lme4", "lmerTest", "pbkrtest"):
        session().require(package)
    print(f"{'seconds':<56}{'CPU ours':>9}{'R':>9}{'ratio':>8}{'wall ours':>9}{'R':>9}{'ratio':>8}")
    rows = []
    for race in races(given.quick):
        if given.only in race.name:
            most = min(given.most, 2) if given.quick else given.most
            rows.append(run(race, min(race.repetitions, most)))
            print(show(rows[-1]), flush=True)
    missed = [row.name for row in rows if row.aim is not None and row.cpu_ratio > row.aim]
    print("aims missed:", ", ".join(missed) or "none")
    if given.out:
        facts = session().call(
            "describe_session", packages=["lme4", "lmerTest", "pbkrtest", "Matrix"]
        )
        versions = dict(zip(facts.value["packages"], facts.value["versions"], strict=True))
        record = {
            "r": facts.value["r_version"][0],
            "packages": versions,
            "quick": given.quick,
            "rows": [asdict(row) for row in rows],
        }
        given.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return int(bool(missed))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(main())
