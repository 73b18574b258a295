"""The table of operations has all that models note for scripts, and nothing else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pymer_bridge
from pymer_bridge.r_script.operations import OPERATIONS
from pymer_bridge.session.installation import MINIMUM_PACKAGES, OPTIONAL_PACKAGES

MODELS = Path(pymer_bridge.__file__).parent / "models"

UNWRITTEN = frozenset(
    # Parts of a summary.
    "fit_statistics fixed_covariance variance_components random_effects group_coefficients"
    " convergence scaled_residual_quantiles"
    # Neither a test, nor an interval, nor a bootstrap.
    " model_matrix model_frame_parts fitted_values model_residuals case_figure part_names n_used"
    " rows_used"
    " is_singular group_covariances random_components all_fit unpooled_lines effect_predictors"
    " predictor_names linear_predictors intraclass_correlation r_squared inflation_factors"
    " check_model pool_models compare_criteria variance_shares"
    " icc_by_group r2_by_group"
    " tidy_model glance_model augment_model"
    # What a user may name.
    " parameter_names column_kinds"
    " tidy_linear glance_linear augment_linear coefficient_names linear_r_squared"
    " influence_measures factor_codings comparison_arrows response_axis residual_curves"
    " leverage_figures"
    # Which test is the usual one.
    " estimates_dispersion".split()
)
"""What is asked of a model and kept, and has no call in a script."""


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
    assert set(noted()) - set(OPERATIONS) == UNWRITTEN
    assert not UNWRITTEN & set(OPERATIONS)


def test_all_of_the_table_is_asked_for() -> None:
    assert not set(OPERATIONS) - set(texts())


def test_each_operation_has_a_name_for_its_result_and_a_known_package() -> None:
    for name, operation in OPERATIONS.items():
        assert callable(operation.write), name
        assert operation.stem.isidentifier(), name
        assert operation.package in (None, *MINIMUM_PACKAGES, *OPTIONAL_PACKAGES), name


def test_lmertest_is_needed_where_only_it_has_the_tests() -> None:
    assert {name for name, each in OPERATIONS.items() if each.lmertest} == {
        *("fixed_effects", "summary_text", "anova_one", "drop_one", "ranova", "backward_step"),
        "contest",
    }
    for ddf, needed in (("satterthwaite", True), ("kenward-roger", True), ("none", False)):
        assert OPERATIONS["drop_one"].needs_lmertest({"ddf": ddf}) is needed
        assert not OPERATIONS["drop_one_by_ratio"].needs_lmertest({"ddf": ddf})
    assert OPERATIONS["ranova"].needs_lmertest({"reduce_terms": True})
