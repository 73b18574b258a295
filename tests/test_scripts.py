"""Every program of the project starts, with its smallest work.

Started elsewhere: ``list-figures`` (test_figure_page.py), ``list-scripted``
(r_script/test_operations.py), ``list-features`` (session/test_installation.py),
``list-r-functions`` with ``namespaces.R`` (test_r_functions.py), ``docs`` with the two modules
that mkdocs loads (test_docs.py), ``soak.py`` and ``soak.R`` (session/test_abused_process.py).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from helpers import ROOT
from helpers.pages import BLOCKS, PAGES
from helpers.scripted import load_script

pytest_plugins = ("pytester",)

ELSEWHERE = {
    "list-figures", "list-scripted", "list-features", "list-r-functions", "namespaces.R", "docs",
    "soak.py", "site_docstrings.py", "site_pages.py", "soak.R",
}  # fmt: skip


def start(script: str, *words: str, **variables: str) -> str:
    """Run a script with this Python's environment as it is, and return what it says."""
    bare = {name: text for name, text in os.environ.items() if not name.startswith("COV")}
    bare |= {"PYMER_BRIDGE_VENV": sys.prefix, "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}"}
    done = subprocess.run(
        [ROOT / "scripts" / script, *words],
        env=bare | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_every_script_is_started() -> None:
    """By a test of this file, or one of those that it names."""
    started = set(re.findall(r'\b(?:start|load_script)\(\s*"([^"]+)"', Path(__file__).read_text()))
    scripts = {path.name for path in (ROOT / "scripts").iterdir() if path.is_file()}
    assert scripts == started | ELSEWHERE | {"setup.sh"}


@pytest.mark.r
def test_demo_and_soak_start() -> None:
    assert "linear mixed model" in start("demo").lower()
    assert "--minutes" in start("soak", "--help")


DIES = """
import os, signal, pytest
@pytest.mark.parametrize("k", range(4))
def test(k):
    if k == 1:
        os.kill(os.getpid(), signal.SIGKILL)
"""
GOES_ON = """
import time, pytest
@pytest.mark.parametrize("k", range(3))
def test(k):
    time.sleep(0.2)
"""


def test_the_run_ends_where_a_process_of_it_dies(pytester: pytest.Pytester) -> None:
    """Without ``--max-worker-restart=0`` this one waits for ever."""
    options = re.search(r"set -- (--numprocesses.*)", (ROOT / "scripts" / "test").read_text())
    assert options
    pytester.makepyfile(test_a=DIES, **dict.fromkeys(["test_b", "test_c", "test_d"], GOES_ON))
    done = pytester.runpytest_subprocess(*options[1].split(), "--numprocesses=2", timeout=120)
    assert done.ret == 1
    done.stdout.fnmatch_lines(["*crashed while running 'test_a.py::test[[]1[]]'*"])


def test_test_is_pytest_where_it_has_arguments() -> None:
    assert start("test", "--version").splitlines()[-1].startswith("pytest ")


def test_coverage_counts_lines_and_branches(tmp_path: Path) -> None:
    one = "tests/test_release.py::test_the_version_stands_once"
    data = tmp_path / "coverage" / "data"
    told = start("coverage", "-q", "-p", "no:cacheprovider", one, COVERAGE_FILE=str(data))
    assert re.search(r"^lines: \d+ of \d+, [\d.]+ %\nbranches: \d+ of \d+, ", told, re.M)
    assert data.with_name("coverage.json").is_file()


@pytest.mark.r
def test_fuzz_counts_what_became_of_examples() -> None:
    one_of_each = "levels_of_numbers or scalars_is_one_row"
    said = start("fuzz", "1", "-p", "no:cacheprovider", "-k", one_of_each)
    assert len(re.findall(r"\b1 passed", said)) == 2


def test_mutate_makes_mutants_of_what_is_there() -> None:
    """Making them takes an environment of its own, from the network."""
    assert "scripts/mutate [mutmut's arguments" in start("mutate", "--help")
    with (ROOT / "pyproject.toml").open("rb") as file:
        options = tomllib.load(file)["tool"]["mutmut"]
    paths = options["only_mutate"] + options["pytest_add_cli_args_test_selection"]
    assert [path for path in paths if not (ROOT / path).is_file()] == []


def test_what_needs_root_or_a_fresh_machine_says_what_it_would_do() -> None:
    assert start("test-matrix", "--dry-run", "trixie", "--run", "ls") == "trixie: ls\n"
    released = start("test-matrix", "--dry-run", "--release", "forky")
    assert released.startswith("forky: scripts/test && ")
    assert "benchmarks.release" in released
    assert '==> ENTRYPOINT ["pymer-bridge"]' in start("replay-dockerfile", "--dry-run")
    walked = start("walk-readme", "--dry-run")
    for page in PAGES:
        assert f"==> {page.relative_to(ROOT)}\n" in walked
        for block in BLOCKS[page]:
            if block.language in ("bash", "python") and "scripts/test\n" not in block.source:
                assert (block.source in walked) == (block.not_run is None), block.name
    assert "pytest tests --pbr-update" in walked


@pytest.mark.r("pbkrtest")
def test_licences_are_read_from_what_is_installed() -> None:
    script = load_script("list-licences")
    assert script.licence("numpy").startswith("BSD")
    assert {"pandas", "numpy"} <= script.closure(["pandas>=2"], {})
    assert "lme4" in dict(script.r_licences(("lme4",)))
