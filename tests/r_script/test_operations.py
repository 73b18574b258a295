"""The table of operations has all that models note for scripts, and nothing else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pymer_bridge
from pymer_bridge.r_script.operations import OPERATIONS, UNWRITTEN
from pymer_bridge.session.installation import MINIMUM_PACKAGES, OPTIONAL_PACKAGES

MODELS = Path(pymer_bridge.__file__).parent / "models"


def noted() -> Iterator[str]:
    """Give the names of operations that the models' code asks for and notes."""
    for path in MODELS.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        asking = {"self._ask", "journal.note"}
        if "from pymer_bridge.session.asking import ask" not in text:
            asking.add("ask")  # that of models/base.py, which notes
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
        "contest",
    }
    for ddf, needed in (("satterthwaite", True), ("kenward-roger", True), ("none", False)):
        assert OPERATIONS["drop_one"].needs_lmertest({"ddf": ddf}) is needed
        assert not OPERATIONS["drop_one_by_ratio"].needs_lmertest({"ddf": ddf})
    assert OPERATIONS["ranova"].needs_lmertest({"reduce_terms": True})
