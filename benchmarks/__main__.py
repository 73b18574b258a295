"""Measure speed and memory side by side with R, numpy, pandas and other packages.

    python -m benchmarks                       # all of it
    python -m benchmarks --only fits cold      # some sections
    python -m benchmarks --quick               # small sizes: does it work?
    python -m benchmarks --compare benchmarks/baseline.json

Writes speed.json (of pyperf), speed.md and speed.svg into the folder of --out.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import json
import os
import platform
import subprocess
import sys
import time
import warnings
from dataclasses import asdict
from pathlib import Path

from benchmarks.shared import PROJECT, Row, Scale

SECTIONS = ("crossing", "fits", "cold", "steady", "growth", "methods", "many", "functions")


def versions() -> str:
    """Name what the figures depend on."""
    from importlib.metadata import version  # noqa: PLC0415

    from pymer_bridge.session.r_session import session  # noqa: PLC0415

    r = session().call("describe_session", packages=["lme4", "lmerTest", "Matrix"]).value
    named = {"Python": platform.python_version()}
    named |= {name: version(name) for name in ("numpy", "pandas", "rpy2", "rpy2-rinterface")}
    named |= {"R": r["r_version"][0], **dict(zip(r["packages"], r["versions"], strict=True))}
    return ", ".join(f"{name} {number}" for name, number in named.items())


def in_process(section: str, scale: Scale, folder: Path) -> tuple[list[Row], int]:
    """Measure a section in a process of its own; return its rows and its status."""
    path = (folder / f"{section}.part.json").absolute()
    path.write_text("[]", encoding="utf-8")
    asked = json.dumps({**asdict(scale), "section": section, "path": str(path)})
    words = [sys.executable, "-m", "benchmarks", "--part", asked]
    status = subprocess.run(words, cwd=PROJECT, check=False).returncode
    rows = [Row(**row) for row in json.loads(path.read_text(encoding="utf-8"))]
    path.unlink()
    return rows, status


def part(asked: str) -> int:
    """Measure one section here, and write its rows."""
    from benchmarks import report  # noqa: PLC0415

    given = json.loads(asked)
    section, path = given.pop("section"), Path(given.pop("path"))
    rows = []
    for row in importlib.import_module(f"benchmarks.{section}").rows(Scale(**given)):
        rows.append(asdict(row))
        path.write_text(json.dumps(rows), encoding="utf-8")
        for line in report.lines_of(row):
            print(line, flush=True)
    return 0


def _options() -> argparse.Namespace:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("benchmarks", description=__doc__, formatter_class=raw)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    parser.add_argument("--quick", action="store_true", help="small sizes and few rounds")
    parser.add_argument("--rounds", type=int, help="of each figure, but for long ones")
    parser.add_argument("--fits", type=int, default=10_000, help="of steady (default: %(default)s)")
    parser.add_argument("--no-competitors", action="store_true", help="make no environments")
    parser.add_argument("--out", type=Path, default=PROJECT / "build" / "benchmarks")
    parser.add_argument(
        "--store", action="store_true", help="keep the run as baseline.json and in docs/speed.md"
    )
    parser.add_argument(
        "--join",
        nargs="+",
        type=Path,
        metavar="JSON",
        help="measure nothing: put together what earlier runs of some sections have written",
    )
    parser.add_argument("--compare", type=Path, help="the JSON of an earlier run")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    """Run the sections; aims that are missed, or figures that are slower, are no failure."""
    warnings.simplefilter("ignore")
    options = _options()
    if options.part:
        return part(options.part)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.join:
        from benchmarks import report  # noqa: PLC0415

        runs = [report.load(path) for path in options.join]
        facts = {name: text for _, told in runs for name, text in told.items()}
        return finish(options, [row for rows, _ in runs for row in rows], facts)
    start = time.monotonic()
    competitors, skipped = {}, []
    if options.no_competitors:
        skipped.append("competitors were not asked for")
    else:
        from benchmarks.environments import install  # noqa: PLC0415

        for name, python, why in install():
            if python is None:
                skipped.append(f"{name} ({why})")
                print(f"skipped: {name}: {why}", flush=True)
            else:
                competitors[name] = python
    rounds = options.rounds or (2 if options.quick else 7)
    n = 10_000 if options.quick else 1_000_000
    scale = Scale(n, rounds, options.quick, competitors, options.fits)
    rows: list[Row] = []
    for section in options.only:
        print(f"== {section}", flush=True)
        found, status = in_process(section, scale, options.out)
        rows += found
        if status:
            skipped.append(f"{section} (ended by status {status} after {len(found)} rows)")
    now = datetime.datetime.now(tz=datetime.UTC)
    facts = {
        "date": f"{now:%Y-%m-%d}",
        "versions": versions(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "skipped": "; ".join(skipped),
    }
    facts = {name: text for name, text in facts.items() if text}
    print(f"\n{time.monotonic() - start:.0f} s")
    return finish(options, rows, facts)


def finish(options: argparse.Namespace, rows: list[Row], facts: dict[str, str]) -> int:
    """Write what was measured, and say what misses its aim and what became slower."""
    from benchmarks import report  # noqa: PLC0415

    earlier = report.load(options.compare)[0] if options.compare else []
    report.save(options.out / "speed.json", rows, facts)
    (options.out / "speed.md").write_text(report.markdown(rows, facts), encoding="utf-8")
    report.plot(rows, options.out / "speed.svg")
    if options.store:
        report.store(rows, facts)
    print("aims missed:")
    print("\n".join(report.missed(rows)) or "none")
    if options.compare:
        print(f"\nslower than in {options.compare.name}:")
        print("\n".join(report.slower(earlier, rows)) or "nothing")
    return 0


if __name__ == "__main__":
    sys.exit(main())
