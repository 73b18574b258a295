"""The benchmarks run and tell what they should; how fast anything is, is not tested here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyperf
import pytest

from helpers import ROOT

sys.path.insert(0, str(ROOT))

from benchmarks import report  # the folder is no part of the package
from benchmarks.shared import OURS, Row, by_turns, peak


def row(ours: Any, theirs: Any = None, **further: Any) -> Row:
    sides = {OURS: ours} | ({} if theirs is None else {"R": theirs})
    return Row("fits", "a fit", "CPU", sides, **further)


@pytest.mark.r("lmerTest")
def test_the_command_writes_a_table_a_plot_and_figures_to_compare_with(tmp_path: Path) -> None:
    def run(*words: str) -> str:
        command = [sys.executable, "-m", "benchmarks", "--quick", "--rounds", "1"]
        command += ["--no-competitors", "--out", str(tmp_path), *words]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("--only", "crossing", "growth")
    rows, facts = report.load(tmp_path / "speed.json")
    names = {each.name for each in rows}
    assert {"float64: to R", "mix of 10: peak memory to R", "10 groups: time"} <= names
    assert all(value > 0 for each in rows for values in each.sides.values() for value in values)
    assert "lme4" in facts["versions"]
    assert "numpy copy" in next(each for each in rows if each.name == "float64: to R").sides
    table = (tmp_path / "speed.md").read_text(encoding="utf-8")
    assert all(f"| {name} " in table for name in names)
    assert (tmp_path / "speed.svg").read_text(encoding="utf-8").lstrip().startswith("<?xml")
    suite = pyperf.BenchmarkSuite.load(str(tmp_path / "speed.json"))
    assert "growth/10 groups: time/R" in suite.get_benchmark_names()

    # A run that is slower than an impossibly fast one says so, and does not fail.
    fast = [
        Row(
            each.section,
            each.name,
            each.clock,
            {
                side: [v / (1000 if side == OURS else 1) for v in values]
                for side, values in each.sides.items()
            },
        )
        for each in rows
    ]
    report.save(tmp_path / "fast.json", fast, {})
    told = run("--join", str(tmp_path / "speed.json"), "--compare", str(tmp_path / "fast.json"))
    assert re.search(r"growth: 10 groups: time: [\d.]+ times what it was, beside R", told)


def test_what_became_slower_is_told() -> None:
    old = [row([1.0, 1.1, 1.05])]
    assert report.slower(old, [row([1.0, 1.2, 1.1])]) == []
    (told,) = report.slower(old, [row([2.0, 2.2, 2.1])])
    assert told.startswith("fits: a fit: 2.00 times what it was (1.05 s then, 2.1 s now)")
    # Not where the machine is slower for all.
    both = [row([1.0, 1.1, 1.05], [1.0, 1.0, 1.0])]
    assert report.slower(both, [row([2.0, 2.2, 2.1], [2.0, 2.0, 2.0])]) == []
    assert len(report.slower(both, [row([2.0, 2.2, 2.1], [1.0, 1.0, 1.0])])) == 1


def test_ratios_and_aims(tmp_path: Path) -> None:
    over = row([1.0, 4.0, 3.0], [1.0, 2.0, 1.0], aims={"R": 1.5}, note="noted")
    assert over.ratio("R") == 2.0
    assert report.missed([over]) == ["fits: a fit: 2 of R, aim 1.5"]
    assert "| a fit (noted) | CPU | 3 s | R | 1 s | 2 | 1.5 **missed** |" in report.markdown(
        [over], {"date": "2026-01-01"}
    )
    assert report.missed([row([1.0], [1.0], aims={"R": 1.5})]) == []
    report.save(tmp_path / "kept.json", [over], {"date": "2026-01-01"})
    (back,), facts = report.load(tmp_path / "kept.json")
    assert (back, facts) == (over, {"date": "2026-01-01"})


def test_sides_go_by_turns() -> None:
    order: list[str] = []

    def side(name: str) -> Any:
        return lambda: order.append(name) or float(len(order))

    assert by_turns(2, {"a": side("a"), "b": side("b")}) == {"a": [1.0, 4.0], "b": [2.0, 3.0]}
    assert order == ["a", "b", "b", "a"]


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux tells of its peak")
def test_peak_is_what_a_run_holds_at_most() -> None:
    assert 60e6 <= peak(lambda: len(bytearray(b"x") * 64_000_000)) < 80e6


def test_the_stored_figures_are_those_of_the_page() -> None:
    rows, facts = report.load(ROOT / "benchmarks" / "baseline.json")
    page = (ROOT / "docs" / "speed.md").read_text(encoding="utf-8")
    tables = page.partition("<!-- tables -->\n")[2].partition("<!-- end -->")[0]
    assert tables.strip() == report.markdown(rows, facts).strip()
