"""The commands and the code of docs/ci.md do what it says; docs/drift.md is about our limits."""

from __future__ import annotations

import contextlib
import math
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from helpers import ROOT
from pymer_bridge.cli.commands import main
from pymer_bridge.verification import tolerances

DOCS = ROOT / "docs"


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of one language in docs/ci.md."""
    text = (DOCS / "ci.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def consoles() -> list[str]:
    """Return the commands after each "$ ", with the lines that an open quote takes along."""
    typed = [
        re.findall(r"^\$ ((?:'[^']*'|[^'\n])+)", block, re.MULTILINE) for block in blocks("console")
    ]
    return [command for commands in typed for command in commands]


def of_yaml(key: str) -> list[str]:
    found = [re.findall(rf"^ +{key}: (.+)$", block, flags=re.MULTILINE) for block in blocks("yaml")]
    return [command for commands in found for command in commands]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the project that docs/ci.md speaks of."""
    folder = tmp_path_factory.mktemp("project")
    program, flag, code = shlex.split(consoles()[0])
    assert (program, flag) == ("python", "-c")
    with contextlib.chdir(folder):
        exec(compile(code, "ci.md", "exec"), {})
    (folder / "pytest.ini").write_text("[pytest]\n")  # settings in a folder above are not meant
    (folder / "tests").mkdir()
    code = next(block for block in blocks("python") if "def test_" in block)
    (folder / "tests" / "test_results.py").write_text(code)
    return folder


def test_the_documents_commands_are_those_tested() -> None:
    _, recorded, verified, updated = consoles()
    assert recorded.startswith("pymer-bridge record data.csv ")
    assert verified == "pymer-bridge verify results.pbr.json"
    assert updated == "pytest tests --pbr-update"
    steps = [command for command in of_yaml("run") if command != "|"]
    assert [command.split()[0] for command in steps] == [
        "pip",
        "pymer-bridge",
        "pymer-bridge",
        "pymer-bridge",
        "pytest",
    ]
    assert of_yaml("entry") == [verified]


@pytest.mark.r("lmerTest")
def test_the_commands_run_in_their_order(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    assert main(shlex.split(consoles()[1])[1:]) == 0
    shown = re.findall(r"^results\.pbr\.json: .*$", "\n".join(blocks("console")), re.MULTILINE)
    commands = [command for command in of_yaml("run") if command.startswith("pymer-bridge")]
    for command in (*commands, *of_yaml("entry"), consoles()[2]):
        assert main(shlex.split(command)[1:]) == 0, command
    assert capsys.readouterr().out.splitlines()[-1] == shown[0]
    hook = re.findall(r"^ +files: (.+)$", "\n".join(blocks("yaml")), re.MULTILINE)
    assert all(re.search(hook[0], name) for name in ("data.csv", "results.pbr.json"))
    table = pd.read_csv("data.csv")
    table.loc[0, "hours"] += 1
    table.to_csv("changed.csv", index=False)
    assert main(["verify", "results.pbr.json", "--data", "changed.csv"]) == 1
    assert "column 'hours': values: some differ" in capsys.readouterr().out


@pytest.mark.r("lmerTest")
def test_the_tests_run(project: Path) -> None:
    for words in (consoles()[3], of_yaml("run")[-1]):
        command = [sys.executable, "-m", *shlex.split(words), "-p", "no:cacheprovider"]
        named = ["-p", "pymer_bridge.verification.pytest_plugin"]
        done = subprocess.run(
            [*command, *named],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env={**_environment(), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "5 passed" in done.stdout
    assert (project / "tests" / "results.pbr.json").is_file()


def _environment() -> dict[str, str]:
    import os  # noqa: PLC0415

    root = str(ROOT)
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


@pytest.mark.r("lmerTest")
def test_the_code_records_several_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code = next(block for block in blocks("python") if "pb.record" in block)
    exec(compile(code, "ci.md", "exec"), {})
    assert main(["verify", "sleepstudy.pbr.json"]) == 0
    assert "to the last bit" in capsys.readouterr().out


def test_the_limits_are_those_that_were_measured() -> None:
    """Each limit is in docs/drift.md, and ten times what was measured or more."""
    text = (DOCS / "drift.md").read_text(encoding="utf-8")
    tables = text.split("| figure | unit |")[1:]
    for table, limits, linear in zip(
        tables, (tolerances.LINEAR_LIMITS, tolerances.LIMITS), (True, False), strict=True
    ):
        rows = re.findall(r"^\| (\w+/\w+) \| ([^|]+) \|(.+)\|$", table, flags=re.MULTILINE)
        assert len(rows) > 15
        for name, unit, cells in rows:
            within, _, largest, limit = (float(cell) for cell in cells.split("|"))
            assert unit == tolerances.SCALES[name]
            assert limit == limits[name], name
            measured = largest if linear and not math.isnan(largest) else within
            assert limit >= 10 * measured, name
        unmeasured = set(limits) - {name for name, _, _ in rows}
        assert {name.split("/")[0] for name in unmeasured} <= {"separate_effect"}
