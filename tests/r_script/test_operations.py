"""The table of operations has all that models note for scripts, and nothing else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import pymer_bridge as pb
from helpers.scripted import load_script
from pymer_bridge.r_script.operations import OPERATIONS
from pymer_bridge.r_script.unwritten import NAMES, OF_THE_FIT, RESULTS, UNWRITTEN
from pymer_bridge.session.installation import MINIMUM_PACKAGES, OPTIONAL_PACKAGES

MODELS = Path(pb.__file__).parent / "models"
RESULT_FILES = MODELS.parent / "results"


def noted() -> Iterator[str]:
    """Give the names of operations that the models' code asks for and notes."""
    for path in MODELS.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        asking = {"self._ask", "model._ask", "journal.note"}
        if "from pymer_bridge.session.asking import ask" not in text:
            asking.add("ask")  # that of models/r_model.py, which notes
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Call) or ast.unparse(node.func) not in asking:
                continue
            if node.args and isinstance(name := node.args[0], ast.Constant):
                yield name.value


def texts() -> Iterator[str]:
    for path in MODELS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_all_that_is_noted_is_in_the_table_or_has_no_call() -> None:
    assert set(noted()) - set(OPERATIONS) == set(UNWRITTEN)
    assert not set(UNWRITTEN) & set(OPERATIONS)


def test_what_has_no_call_has_a_reason() -> None:
    for name, each in UNWRITTEN.items():
        assert each.why, name
        assert (
            each.why in (NAMES, OF_THE_FIT) or each.asked or name.endswith(("_linear", "_shares"))
        )
    for name, each in RESULTS.items():
        assert each.asked, name
        assert each.why, name
        assert name in results(), name


def results() -> set[str]:
    """Give the names of all classes of results."""
    files = [*RESULT_FILES.rglob("*.py"), *MODELS.rglob("*.py")]
    return {
        node.name
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    }


def test_what_is_asked_for_is_there() -> None:
    made = {"fit": pb.LinearMixedModel, "pb": pb}
    for each in [*OPERATIONS.values(), *UNWRITTEN.values()]:
        for call in filter(None, each.asked.split(", ")):
            owner, _, name = call.partition("(")[0].partition(".")
            if owner in made and "." not in name:
                there = (made[owner], pb.LinearModel) if owner == "fit" else (pb,)
                assert any(hasattr(one, name) for one in there), call


def test_the_page_of_scripts_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert load_script("list-scripted").main(["--check"]) == 0, capsys.readouterr().err


def test_all_of_the_table_is_asked_for() -> None:
    assert not set(OPERATIONS) - set(texts())


def test_each_operation_has_a_name_for_its_result_and_a_known_package() -> None:
    for name, operation in OPERATIONS.items():
        assert callable(operation.write), name
        assert operation.stem.isidentifier(), name
        assert set(operation.packages) <= {*MINIMUM_PACKAGES, *OPTIONAL_PACKAGES}, name


def test_lmertest_is_needed_where_only_it_has_the_tests() -> None:
    assert {name for name, each in OPERATIONS.items() if each.lmertest} == {
        *("fixed_effects", "summary_text", "anova_one", "drop_one", "ranova", "backward_step"),
        *("contest", "power"),
    }
    for ddf, needed in (("satterthwaite", True), ("kenward-roger", True), ("none", False)):
        assert OPERATIONS["drop_one"].needs_lmertest({"ddf": ddf}) is needed
        assert not OPERATIONS["drop_one_by_ratio"].needs_lmertest({"ddf": ddf})
    assert OPERATIONS["power"].needs_lmertest({"ddf": "anova"})
    assert not OPERATIONS["power"].needs_lmertest({"ddf": "lrt"})
    assert OPERATIONS["ranova"].needs_lmertest({"reduce_terms": True})
