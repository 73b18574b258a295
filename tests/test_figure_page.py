"""The page of figures: held to the results, to the tests that it names, and to the installed R."""

from __future__ import annotations

import dataclasses
import importlib.util
from typing import Any

import pytest

from helpers import ROOT
from helpers.scripted import load_script
from pymer_bridge.results import codec
from pymer_bridge.session.r_session import session

SCRIPT = ROOT / "scripts" / "list-figures"
OPTIONAL = ("performance", "insight", "datawizard", "effects", "car", "merTools", "DHARMa")
"""Packages that an R need not have; what is said of them is checked where they are."""


@pytest.fixture(scope="module")
def script() -> Any:
    """Return the script as a module."""
    return load_script("list-figures")


@pytest.fixture(scope="module")
def entries(script: Any) -> Any:
    return script.read_entries()


def test_every_figure_has_its_row_and_every_row_its_test(script: Any, capsys: Any) -> None:
    status = script.main(["--check"])
    assert capsys.readouterr().err == ""
    assert status == 0


def test_what_has_no_row_is_told(script: Any, entries: Any) -> None:
    assert list(script.mistakes(entries)) == []
    fewer = [entry for entry in entries if entry.owner != "RSquared"]
    assert list(script.missing(fewer)) == [
        "RSquared.conditional has no row",
        "RSquared.marginal has no row",
    ]
    fewer = [entry for entry in entries if entry.figures != "model_frame"]
    assert list(script.missing(fewer)) == ["model: model_frame has no row"]
    fewer = [entry for entry in entries if "residual_quantiles" not in entry.names]
    assert "plots: random_quantiles has no row" in list(script.missing(fewer))


def test_every_result_is_looked_at(script: Any) -> None:
    assert len(script.results()) > 70
    importlib.import_module("pymer_bridge.verification.against_r")
    known = {name for name, kind in codec.classes().items() if "pymer_bridge" in kind.__module__}
    assert {name for name in known if name[0] != "_"} <= set(script.results())


def test_what_is_not_there_is_told(script: Any, entries: Any) -> None:
    (row,) = (entry for entry in entries if entry.owner == "RSquared")
    changed = dataclasses.replace
    for other, expected in (
        (changed(row, owner="Squares"), "there is no result Squares"),
        (changed(row, figures="marginal partial"), "there is no partial"),
        (
            changed(row, proof="models/test_model_table.py::test_nothing"),
            "there is no test models/test_model_table",
        ),
        (changed(row, proof="nothing/test_nothing.py::test_p_values"), "there is no test nothing"),
        (changed(row, proof=""), "names no test"),
        (changed(row, r="computed by hand"), "says neither by which R function"),
        (changed(row, r="not R: but performance::r2"), "says neither by which R function"),
        (changed(row, models=""), "says not of which models"),
    ):
        assert any(expected in line for line in script.mistakes([*entries, other])), expected


def test_the_page_is_what_the_file_gives(script: Any, entries: Any) -> None:
    written = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    assert written == script.page(entries)
    rows = [line for line in written.splitlines() if line.startswith("| `")]
    assert len(rows) == len(entries)


@pytest.mark.r("lmerTest", "pbkrtest", "emmeans")
def test_the_r_functions_are_there(entries: Any) -> None:
    named = {each for entry in entries for each in entry.r_functions}
    assert len(named) > 60
    for package, name in sorted(named):
        there = bool(session().call("requireNamespace", package=package, quietly=True).value[0])
        assert there or package in OPTIONAL, f"{package} is not there"
        if there:
            home = session().call("asNamespace", ns=package).value
            own = session().call("exists", x=name, envir=home, inherits=False).value[0]
            exported = session().call("getNamespaceExports", ns=package).value
            assert own or name in exported, f"{package} has no {name}"
