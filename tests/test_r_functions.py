"""The table of R's functions: held to the R that is installed, and to this package."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from helpers import ROOT
from helpers.scripted import load_script
from pymer_bridge.session.r_session import session

SCRIPT = ROOT / "scripts" / "list-r-functions"


@pytest.fixture(scope="module")
def script() -> Any:
    """Return the script as a module."""
    return load_script("list-r-functions")


@pytest.fixture(scope="module")
def entries(script: Any) -> Any:
    return script.read_entries()


@pytest.mark.r("lmerTest")
@pytest.mark.r("pbkrtest")
@pytest.mark.r("emmeans")
def test_every_function_of_the_installed_r_has_its_row(script: Any, capsys: Any) -> None:
    status = script.main(["--check"])
    assert capsys.readouterr().err == ""
    assert status == 0


@pytest.mark.r("lmerTest")
@pytest.mark.r("pbkrtest")
@pytest.mark.r("emmeans")
def test_what_r_offers_is_read_whole(script: Any) -> None:
    offered, versions = script.read_namespaces(script.ask_r())
    for package in script.NEWEST:
        exported = session().call("getNamespaceExports", ns=package).value
        functions = {
            name for package_, kind, name in offered if (package_, kind) == (package, "function")
        }
        # What is left are classes, tables of methods, and data.
        rest = {name for name in exported if not name.startswith((".__C__", ".__T__"))} - functions
        assert functions <= set(exported)
        assert rest <= {"GQN", "emm_defaults"}
        assert versions[package] == session().call("package_version_text", package=package).value[0]
    assert ("lme4", "S3 method", "predict.merMod") in offered
    assert ("lme4", "S4 method", "show,merMod-method") in offered


def offered_by(entries: Any) -> set[tuple[str, str, str]]:
    return {entry.key for entry in entries if not entry.until}


def test_the_newest_emmeans_is_listed_whole(script: Any, entries: Any) -> None:
    mine = [entry for entry in entries if entry.package == "emmeans" and not entry.until]
    functions = [entry for entry in mine if entry.kind == "function"]
    # As Rscript counts them: getNamespaceExports("emmeans") of version 2.0.4.
    assert (len(functions), len(mine) - len(functions)) == (83, 153)
    written = "\n".join(script.reasons(entries))
    assert all(f"`{entry.name}`" in written for entry in functions if not entry.python)


def test_what_is_missing_on_either_side_is_told(script: Any, entries: Any) -> None:
    newest, oldest = script.NEWEST, script.OLDEST
    offered = offered_by(entries)
    assert list(script.differences_from_r(entries, offered, newest)) == []
    more = offered | {("lme4", "function", "brandNew")}
    assert list(script.differences_from_r(entries, more, newest)) == [
        "lme4: brandNew (function) has no entry"
    ]
    less = offered - {("lme4", "function", "lmer")}
    assert list(script.differences_from_r(entries, less, newest)) == [
        "lme4: lmer (function): lme4 2.1-0 does not have it"
    ]
    old = {entry.key for entry in entries if not entry.since}
    assert list(script.differences_from_r(entries, old, oldest)) == []
    wrong = list(script.differences_from_r(entries, old | {("lme4", "function", "setPar")}, oldest))
    assert wrong == ["lme4: setPar (function): lme4 1.1-31 has it already, or still"]
    without = {name: version for name, version in newest.items() if name != "pbkrtest"}
    assert any(
        "package is not there" in line
        for line in script.differences_from_r(entries, offered, without)
    )


def test_an_entry_must_say_something(script: Any, entries: Any) -> None:
    assert list(script.mistakes(entries)) == []
    blank = dataclasses.replace(entries[0], python="", note=" ")
    assert list(script.mistakes([blank, *entries[1:]])) == [
        f"{blank}: says neither what it is in Python nor why it is left out"
    ]
    twice = [entries[0], *entries]
    assert list(script.mistakes(twice)) == [f"{entries[0]}: stands twice"]
    assert "not in order" in list(script.mistakes(entries[::-1]))[-1]


def test_names_that_python_lacks_are_told_all_at_once(script: Any, entries: Any) -> None:
    first = dataclasses.replace(entries[0], python="fit.nothing; pb.lmer; pb.Nobody")
    second = dataclasses.replace(
        entries[1], python="fit.nothing; lmer; fit.fitted.name; pb; means.nothing"
    )
    told = list(script.missing_in_python([first, second]))
    assert [line.split(" (")[0] for line in told] == [
        f"Python has no {name}"
        for name in ("fit.fitted.name", "fit.nothing", "lmer", "means.nothing", "pb", "pb.Nobody")
    ]
    assert f"{first.name}, {second.name}" in told[1]
    good = dataclasses.replace(
        entries[0],
        python="pb.anova; fit.fitted; means.pairs; fit.fixed_effects; pb.BootstrapResult.confint",
    )
    assert list(script.missing_in_python([good])) == []


def test_the_page_is_what_the_file_gives(script: Any, entries: Any) -> None:
    written = (ROOT / "docs" / "r-functions.md").read_text(encoding="utf-8")
    assert written == script.page(entries)
    listed = written[written.index("## Functions of lme4") :].splitlines()
    rows = [line for line in listed if line.startswith("| ") and "| R |" not in line]
    assert len(rows) == len(entries)
    assert all(cell.strip() for line in rows for cell in line.split(" | ")[:3])
