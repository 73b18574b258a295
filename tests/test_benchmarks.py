"""The benchmarks run and tell what they should; how fast anything is, is not tested here."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import pyperf
import pytest

from helpers import ROOT
from pymer_bridge.session import library_address
from pymer_bridge.verification import causes

sys.path.insert(0, str(ROOT))

# The folder is no part of the package.
from benchmarks import (
    bootstrap,
    cluster,
    cold,
    coverage,
    drift,
    environments,
    fits,
    inference,
    many,
    methods,
    referee,
    referee_models,
    referee_page,
    release,
    report,
    steady,
)
from benchmarks.referee_sides import side
from benchmarks.shared import OURS, Row, Scale, by_turns, peak


def output(*words: str | Path) -> str:
    """Return what a program prints."""
    command = [sys.executable, *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def row(ours: Any, theirs: Any = None, **further: Any) -> Row:
    sides = {OURS: ours} | ({} if theirs is None else {"R": theirs})
    return Row("fits", "a fit", "CPU", sides, **further)


@pytest.mark.r("lmerTest")
def test_the_command_writes_a_table_a_plot_and_figures_to_compare_with(tmp_path: Path) -> None:
    def run(*words: str) -> str:
        always = ("--quick", "--rounds", "1", "--no-competitors", "--out", tmp_path)
        return output("-m", "benchmarks", *always, *words)

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


def test_methods_have_a_line_each_and_a_column_for_each_size() -> None:
    rows = [
        Row("methods", f"augment(new), {n} rows: {what}", clock, {OURS: [ours], "R": [theirs]})
        for n, ours, theirs in (("10,000", 0.1, 0.2), ("100,000", 3.0, 1.5))
        for what, clock in (("time", "CPU"), ("peak memory", "memory"))
    ]
    rows.append(Row("methods", "lines(), 10,000 rows: peak memory", "memory", {OURS: [2e6]}))
    table = report.markdown(rows, {})
    assert "| method | time, 10,000 | time, 100,000 | peak memory, 10,000 |" in table
    assert "| `augment(new)` | 100 ms (0.5) | 3 s (2) |  |  |" in table
    assert "| `lines()` |  |  | 2 MB |  |" in table


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


# -- each of them, by its smallest work ------------------------------------------------------------

QUICK = Scale(rows=100, rounds=1, quick=True)
as_the_programs_do = pytest.mark.filterwarnings("ignore")


@as_the_programs_do
@pytest.mark.r("lmerTest")
@pytest.mark.parametrize("section", [fits, cold, steady, methods, many])
def test_each_section_measures_something(section: ModuleType) -> None:
    """The command measures the other two."""
    rows = list(section.rows(QUICK))
    assert rows
    assert all(min(values) >= 0 for each in rows for values in each.sides.values())


@pytest.mark.r("pbkrtest")
def test_inference_is_measured(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    words = ["--quick", "--most", "1", "--only", "KR summary, 2", "--out", str(out)]
    assert inference.main(words) in (0, 1)  # 1 where an aim is missed
    (measured,) = json.loads(out.read_text())["rows"]
    assert measured["name"] == "KR summary, 2 coefficients"


@as_the_programs_do
@pytest.mark.r("pbkrtest")
def test_bootstraps_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    bootstrap.main(["--n", "2", "--rounds", "1", "--only", "fit_many"])
    printed = capsys.readouterr().out
    assert re.search(r"^fit_many / loop of lmer +[\d.]+ +[\d.]+ +[\d.]+ +0\.25$", printed, re.M)
    assert "start of a worker, counted above" in printed


@as_the_programs_do
@pytest.mark.slow
@pytest.mark.r
def test_a_cluster_is_measured_and_more_workers_are_reckoned(
    capsys: pytest.CaptureFixture[str],
) -> None:
    parts = cluster.Parts(start=2.0, each=0.01, main=1.0, way=0.1, chunk=100)
    assert parts.seconds(10_000, 10) == 2 + 1 + 10 + 0.5
    assert parts.seconds(10_000, 64, cold=False) == 1 + 10  # the main process sends 100 chunks
    cluster.main(["--models", "12", "--replicates", "12", "--rounds", "1"])
    printed = capsys.readouterr().out
    for what in ("models", "replicates"):
        assert re.search(rf"^\| 12 {what}: 2 workers \| [\d.]+ s \| [\d.]+ s \|", printed, re.M)
        assert re.search(rf"^\| 1,200 {what}: 64 workers \| \| \d+ s \|", printed, re.M)
        assert re.search(rf"^{what}: [\d.]+ ms each", printed, re.M)


@as_the_programs_do
@pytest.mark.r("pbkrtest")
def test_coverage_of_bootstraps_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    coverage.main(["--data", "1", "--n-sim", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert [line[:22].strip() for line in lines[1:]] == list(coverage.KINDS)


@pytest.mark.r("lmerTest")
def test_drift_is_recorded_compared_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "slopes.pbr.json"
    drift.main(["record", str(path), "slopes"])
    assert "1 of 1 models pass; " in output("benchmarks/drift.py", "table", path)
    # It leaves addresses to chance.
    monkeypatch.setattr(library_address, "signed_addresses", library_address.signed_addresses)
    is_other = drift.stack_here()["state"] == drift.OTHER_STATE
    with nullcontext() if is_other else pytest.raises(SystemExit, match=r"^3$"):
        drift.main(["other", str(path), "slopes"])
    with pytest.raises(SystemExit, match="there is no model slope"):
        drift.main(["record", str(path), "slope"])


@pytest.mark.r("lmerTest")
def test_a_release_is_compared_with_the_stored_records(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    older = release.RECORDED / "lme4-1.1-37.pbr.json"
    shutil.copy(older, tmp_path / "lme4-0.9.pbr.json")
    monkeypatch.setattr(release, "RECORDED", tmp_path)
    assert release.is_latest()
    name = f"lme4-{release.stack_here()['lme4']}.pbr.json"
    release.main(["--store", "--page", str(tmp_path / "page.md"), "--only", "slopes", "binomial"])
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert page.count("## From lme4") == 1
    assert " to lme4 " + name[5:-9] in page.split("## From lme4")[1]
    assert "Not fitted here: random_intercept, maximum_likelihood" in page
    assert capsys.readouterr().out.strip() == page.strip()
    # Once more, beside what was just stored; and there is a later release.
    (tmp_path / "lme4-9.0.pbr.json").touch()
    assert not release.is_latest()
    release.main(["--only", "slopes", "--page", str(tmp_path / "none.md")])
    assert not (tmp_path / "none.md").exists()
    again = re.search(r"again: 1 of 1 models pass; (\d+) of (\d+)", capsys.readouterr().out)
    assert again is not None
    assert again[1] == again[2]


def test_the_news_of_a_release_are_found_by_model_and_figure() -> None:
    old, new = (release.RECORDED / f"lme4-{name}.pbr.json" for name in ("1.1-37", "2.1-0"))
    cell = drift.compare(old, new)
    texts = [
        "glmer() takes other weights before the Laplace approximation or adaptive quadrature; "
        "estimates and standard errors change",
        "the likelihood of fits with nAGQ>1 has other constants than that of Laplace's",
        "with an estimated dispersion parameter (Gamma) glmer had biased variances",
        "simulate() of glmer fits had biased variances",
        "glmer.nb() had another deviance",
        "deviance() is missing after na.exclude",
        "lmer() has better words for errors",
    ]
    news = [release.NewsItem("2.1-0", text) for text in texts]

    def found(name: str) -> list[int]:
        return [news.index(item) + 1 for item in release.explaining(cell.models[name], news)]

    assert found("binomial") == found("poisson") == [1]
    assert found("quadrature") == [1, 2]
    assert found("gamma") == [1, 3]
    assert found("negative_binomial_size") == [1, 5]
    assert found("missing_exclude") == [6]
    assert found("slopes") == []
    assert release.order("1.1-9") < release.order("1.1-10") < release.order("2.0-1")
    assert "| gamma | `glmer` | 61 of 81 |" in "\n".join(release._models(cell, news))


@pytest.mark.r("lmerTest", "pbkrtest")
def test_the_referee_compares_what_is_installed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    referee.main(["--quick", "--out", str(tmp_path)])
    found = json.loads((tmp_path / "referee.json").read_text())
    assert list(found["plain_r"].values()) == ["98 figures: 98 are R's to the last bit"]
    ours, theirs = (side["models"]["slopes"] for side in found["sides"].values())
    assert all(set(counts) == {"bits"} for counts in ours["kinds"].values())
    assert theirs["kinds"]["degrees of freedom"] == {"absent": 2}
    assert {cause for _, cause, _ in theirs["causes"]} == {causes.OF_TESTS["normal"]}
    assert "statsmodels, slopes: " in capsys.readouterr().out
    page = referee_page.markdown(found)
    assert "| normal tests: z for t | 4 | 1 |" in page


def test_the_stored_run_of_the_referee_is_that_of_the_page() -> None:
    found = json.loads(referee.STORED.read_text(encoding="utf-8"))
    page = referee.PAGE.read_text(encoding="utf-8")
    tables = page.partition(referee.BEGIN)[2].partition(referee.END)[0]
    assert tables.strip() == referee_page.markdown(found)
    assert len(found["models"]) >= 20
    assert all(line.endswith("are R's to the last bit") for line in found["plain_r"].values())


def test_models_of_the_referee_are_read_back_as_they_were(tmp_path: Path) -> None:
    for model in referee_models.MODELS:
        if not callable(model.data) or model.name == "missing":
            continue
        model.write(tmp_path)
        back, frame = side.read(tmp_path, model.name), model.frame()
        assert back.formula == model.formula
        for name in frame.columns:
            assert back.frame[name].tolist() == frame[name].tolist(), (model.name, name)


@pytest.mark.r(alone=True)
def test_competitors_have_their_side() -> None:
    """Their environments are made with the network; what runs in them does so here, or is read."""
    assert environments.rpy2_alone()[0].startswith("rpy2")
    # This environment's rpy2 may need what our session gives it beside an older R.
    code = (
        "import runpy; from rpy2.rinterface_lib import openrlib;"
        "from pymer_bridge.session import older_r; older_r.supply(openrlib);"
        "runpy.run_module('benchmarks.pandas2ri_side', run_name='__main__', alter_sys=True)"
    )
    printed = output("-c", code, "10", "float64")
    assert json.loads(printed)["float64"].keys() == {"there", "back"}
    compile((ROOT / "benchmarks" / "pymer4_side.py").read_text(), "pymer4_side.py", "exec")
