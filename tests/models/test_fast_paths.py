"""Each fast path gives what R's ordinary way gives, to the last bit, and stays behind its fence."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers.models import CASES, Case
from helpers.probing import among_operations
from pymer_bridge.session.r_session import session
from pymer_bridge.session.versions import r_versions

pytestmark = pytest.mark.r("lmerTest")

MIXED = [case for case in CASES if case.fitter == "lmer"]


@cache
def both_ways() -> Callable[..., Any]:
    for package in ("lme4", "lmerTest"):
        session().require(package)
    return among_operations(Path(__file__).parent.parent / "helpers" / "fast_paths.R")


@contextmanager
def altered(name: str) -> Iterator[None]:
    """Let a function of a package have other code that does the same."""
    package, function = name.split("::")
    kept = both_ways()("alter", package=package, name=function)
    try:
        yield
    finally:
        both_ways()("put_back", altered=kept)


def assert_all_the_same(function: str, fit: pb.LinearMixedModel, *names: str) -> None:
    seen = both_ways()(function, model=fit._model)
    assert {name: bool(value) for name, value in zip(names, seen, strict=True)} == dict.fromkeys(
        names, True
    )


@pytest.mark.slow
@pytest.mark.parametrize("case", MIXED, ids=lambda case: case.name)
def test_a_fit_is_identical_to_lme4s(case: Case) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = case.fit()
    parts = ("taken", "slots", "predictor", "response", "factors", "said")
    assert_all_the_same("fit_both_ways", fit, *parts)


@pytest.mark.slow
@pytest.mark.parametrize("case", MIXED, ids=lambda case: case.name)
def test_satterthwaite_is_identical_to_what_lmertest_makes(case: Case) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = case.fit()
    parts = ("taken", "slots", "references", "said", "state", "table", "summary")
    assert_all_the_same("satterthwaite_both_ways", fit, *parts)


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.fitter in ("lmer", "glmer", "glmer_nb")],
    ids=lambda case: case.name,
)
def test_a_summary_is_identical_to_lme4s(case: Case) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = case.fit()
    parts = ("summary", "vcov", "said", "ends", "names", "labels")
    assert_all_the_same("summaries_both_ways", fit, *parts)


PROFILED = (
    "slopes slopes_ml crossed three_levels random_intercept weights_column offset_column singular "
    "missing_exclude rank_deficient not_converged control many_terms no_intercept transformed"
).split()
"""From lme4 2 on its own profile of a small model takes half a minute."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", [case for case in MIXED if case.name in PROFILED], ids=lambda case: case.name
)
def test_a_profile_is_identical_to_lme4s(case: Case) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = case.fit()
    assert_all_the_same("profile_both_ways", fit, "taken", "points", "said", "state")


def test_a_profile_copies_the_fit_where_a_deviance_is_no_number() -> None:
    fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    found = both_ways()("copies_of_a_profile", model=fit._model).astype(int).tolist()
    same, copies = found[:-1:2], found[1:-1:2]
    assert same == [1, 1, 1]
    # lme4 itself makes copies from version 2 on.
    copying = str(r_versions("lme4")["lme4"]).startswith("2.")
    assert (copies[0] == 1 < copies[1] < 8) if copying else (copies == [0, 0, 0])
    assert found[-1] == 1


@pytest.mark.parametrize("optimizer", ["Nelder_Mead", "nlminbwrap", "bobyqa", "nloptwrap"])
@pytest.mark.parametrize("name", ["Dyestuff", "sleepstudy", "few"])
def test_a_profile_at_the_boundary_is_identical_to_lme4s(name: str, optimizer: Any) -> None:
    """Small numbers lead some optimizers to a deviation of 0, where a deviance is no number."""
    rng = np.random.default_rng(5)
    few = pd.DataFrame({"g": np.repeat(list("abcdef"), 3), "x": np.tile([0.0, 1.0, 2.0], 6)})
    few["y"] = few["x"] * np.repeat(rng.normal(size=6), 3) + rng.normal(size=18) / 2
    formula, data = {
        "Dyestuff": ("I(Yield / 10000) ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff")),
        "sleepstudy": ("I(Reaction / 1000) ~ Days + (1 | Subject)", pb.load_dataset("sleepstudy")),
        "few": ("y ~ x + (x | g)", few),
    }[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = pb.lmer(formula, data, control=pb.lmer_control(optimizer), reml=False)
    assert_all_the_same("profile_both_ways", fit, "taken", "points", "said", "state")


@pytest.mark.slow
@pytest.mark.r("pbkrtest")
@pytest.mark.parametrize(
    "case", [case for case in MIXED if case.name != "large"], ids=lambda case: case.name
)
def test_the_adjusted_covariance_is_identical_to_pbkrtests(case: Case) -> None:
    session().require("pbkrtest")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = case.fit()
    assert_all_the_same("adjusted_both_ways", fit, "taken", "same", "products")


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    # lme4 takes minutes for the large one; those of many groups are below.
    [case for case in CASES if case.fitter in ("lmer", "glmer") and case.name != "large"],
    ids=lambda case: case.name,
)
def test_leverage_is_identical_to_what_lme4_makes(case: Case) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = case.fit()
    assert list(both_ways()("leverage_both_ways", model=fit._model)) == [True] * 4


APART, LINKED = True, False
DESIGNS = {
    "lmer(y ~ x + (1 | g))": APART,
    "lmer(y ~ x + (1 | g), weights = w)": APART,
    "lmer(y ~ x + (x | g))": APART,
    "lmer(y ~ x + (x || g))": APART,
    "lmer(y ~ x + (1 | b / g))": APART,
    "lmer(y ~ x + (x | b) + (x + w | g), control = lmerControl(calc.derivs = FALSE))": APART,
    "lmer(gap ~ x + (1 | g), na.action = na.exclude)": APART,
    "glmer(o ~ x + (1 | g), family = binomial, nAGQ = 0)": APART,
    "lmer(y ~ x + (1 | g) + (1 | item))": LINKED,
    "lmer(y ~ x + (x | g) + (1 | item))": LINKED,
    "lmer(w ~ 1 + (1 | g))": APART,
}


@pytest.mark.parametrize("extra", [0, 1, 63])
@pytest.mark.parametrize("design", DESIGNS)
def test_leverage_of_many_groups_is_identical(design: str, extra: int) -> None:
    model = both_ways()("many_groups", design=design, n_groups=60, size=18, extra=extra)
    assert list(both_ways()("leverage_both_ways", model=model)) == [True] * 4
    assert bool(both_ways()("solves_together", model=model)[0]) is DESIGNS[design]


@pytest.mark.slow
def test_leverage_of_ten_thousand_rows_is_identical() -> None:
    design = "lmer(y ~ x + (1 | g) + (1 | item))"
    model = both_ways()("many_groups", design=design, n_groups=600, size=17, extra=5)
    assert list(both_ways()("leverage_both_ways", model=model)) == [True] * 4


@pytest.mark.parametrize("design", [design for design in DESIGNS if "(1 | g)" in design])
def test_predictions_at_new_data_are_identical(design: str) -> None:
    model = both_ways()("many_groups", design=design, n_groups=30, size=10, extra=3)
    assert list(both_ways()("predicts_both_ways", model=model)) == [True] * 5


@pytest.mark.parametrize("design", ["lmer(y ~ x * item + (1 | g))", "lmer(y ~ item + (item | g))"])
def test_predictions_at_other_levels_are_identical(design: str) -> None:
    model = both_ways()("many_groups", design=design, n_groups=30, size=20, extra=3)
    assert list(both_ways()("predicts_levels_both_ways", model=model)) == [True] * 16


@pytest.mark.parametrize("design", [design for design in DESIGNS if "(1 | g)" in design])
def test_simulations_are_identical(design: str) -> None:
    model = both_ways()("many_groups", design=design, n_groups=30, size=10, extra=3)
    assert list(both_ways()("simulates_both_ways", model=model)) == [True] * 8


@pytest.mark.parametrize("design", [design for design in DESIGNS if design[0] == "l"])
def test_deviances_are_identical_and_leave_the_fit_alone(design: str) -> None:
    model = both_ways()("many_groups", design=design, n_groups=40, size=6, extra=3)
    assert list(both_ways()("deviance_both_ways", model=model)) == [True] * 4


@pytest.mark.slow
@pytest.mark.parametrize("case", MIXED, ids=lambda case: case.name)
def test_deviances_of_all_models_are_identical(case: Case) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = case.fit()
    assert list(both_ways()("deviance_both_ways", model=fit._model)) == [True] * 4


@pytest.mark.parametrize("n_groups", [60, 90])
@pytest.mark.parametrize("design", DESIGNS)
def test_conditional_variances_are_identical(design: str, n_groups: int) -> None:
    model = both_ways()("many_groups", design=design, n_groups=n_groups, size=5, extra=7)
    taken, same = both_ways()("modes_both_ways", model=model)
    alone = design.count("|") == 1 and "(x" not in design and "/" not in design
    assert (bool(taken), bool(same)) == (alone and n_groups > 64, True)


def test_other_code_of_ranef_leads_to_rs_ordinary_way() -> None:
    model = both_ways()("many_groups", design="lmer(y ~ x + (1 | g))", n_groups=90, size=5, extra=0)
    with altered("lme4::ranef.merMod"):
        assert [bool(value) for value in both_ways()("modes_both_ways", model=model)] == [
            False,
            True,
        ]
        assert "ranef.merMod() of lme4 " in " ".join(pb.show_versions().notes)


def test_other_code_of_leverage_leads_to_rs_ordinary_way() -> None:
    formula = "Reaction ~ Days + (Days | Subject)"
    fast = pb.lmer(formula, pb.load_dataset("sleepstudy"))
    with altered("lme4::cooks.distance.merMod"):
        fit = pb.lmer(formula, pb.load_dataset("sleepstudy"))
        assert not both_ways()("fast_leverage_taken", model=fit._model)[0]
        for figure in ("hat_values", "cooks_distance", "rstudent", "augment"):
            assert getattr(fit, figure)().equals(getattr(fast, figure)())
        assert "cooks.distance.merMod() of lme4 " in " ".join(pb.show_versions().notes)


def test_what_the_optimizer_warns_of_names_lme4s_own_call() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = pb.lmer(
            "Reaction ~ Days + (Days | Subject)",
            pb.load_dataset("sleepstudy"),
            control=pb.lmer_control(optCtrl={"maxeval": 5}),
        )
    assert len(fit.warnings) > 1
    parts = ("taken", "slots", "predictor", "response", "factors", "said")
    assert_all_the_same("fit_both_ways", fit, *parts)


def test_a_model_without_fixed_effects_has_rs_own_empty_table() -> None:
    fit = pb.lmer("Reaction ~ 0 + (1 | Subject)", pb.load_dataset("sleepstudy"))
    seen = both_ways()("satterthwaite_both_ways", model=fit._model)
    assert list(seen) == [True] * 7
    assert len(fit.fixed_effects()) == 0


PARTS_OF_SATTERTHWAITE = ("lmerTest::devfun_vp", "lmerTest::as_lmerModLT", "lme4::mkdevfun")


@pytest.mark.parametrize(
    "name",
    [
        "lmerTest::devfun_vp",
        "lmerTest::as_lmerModLT",
        "lme4::mkdevfun",
        "lmerTest::qform",
        "lme4::summary.merMod",
        "lme4::vcov.merMod",
        "lme4::confint.merMod",
        "reformulas::mkBlist",
        "lme4::lmer",
        "lme4::lFormula",
        "pbkrtest::vcovAdj_internal",
    ],
)
def test_other_code_in_a_package_leads_to_rs_ordinary_way(name: str) -> None:
    data = pb.load_dataset("sleepstudy")
    formula = "Reaction ~ Days + (Days | Subject)"
    fast = pb.lmer(formula, data)
    if name == "reformulas::mkBlist":  # of lme4 itself in older versions
        name = f"{both_ways()('home_of_designs')[0]}::mkBlist"
    assert len(fast.fixed_effects()) == 2
    fast.summary()
    tested = fast.fixed_effects("kenward-roger")
    intervals = fast.confint("wald")
    with altered(name):
        fit = pb.lmer(formula, data)
        taken = both_ways()("fast_lmertest_taken", model=fit._model)[0]
        assert bool(taken) is (name not in PARTS_OF_SATTERTHWAITE)
        assert fit.fixed_effects() == fast.fixed_effects()
        assert str(fit.summary()) == str(fast.summary())
        assert fit.fixed_effects("kenward-roger") == tested
        assert fit.confint("wald") == intervals
        notes = " ".join(pb.show_versions().notes)
    package, function = name.split("::")
    assert f"{function}() of {package} " in notes
    assert "other code" not in " ".join(pb.show_versions().notes)


@pytest.mark.parametrize("name", ["lme4::devfun2", "lme4::profile.merMod"])
def test_other_code_of_profiles_leads_to_rs_ordinary_way(name: str) -> None:
    def fit() -> pb.LinearMixedModel:
        return pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"), reml=False)

    fast = fit().profile()
    with altered(name):
        other = fit()
        assert not both_ways()("fast_profile_taken", model=other._model)[0]
        assert other.profile() == fast
        notes = " ".join(pb.show_versions().notes)
    assert f"{name.partition('::')[2]}() of lme4 " in notes


def test_functions_that_find_others_keep_their_compiled_code() -> None:
    pb.lmer("Reaction ~ Days + (1 | Subject)", pb.load_dataset("sleepstudy"))
    assert both_ways()("finds_others").tolist() == [True] * 12
    assert both_ways()("fast_functions_compiled").tolist() == [True] * 2


FIRST_FITS = """
import pymer_bridge as pb
from helpers.probing import among_operations
from pathlib import Path

data = pb.load_dataset("sleepstudy")
for _ in range(3):
    fit = pb.lmer("Reaction ~ Days + (Days | Subject)", data)
    fit.fixed_effects()
    str(fit.summary())
home = among_operations(Path(%r))
print(*home("compiled_here"), sep="|")
fit.bootstrap("parametric", 99, 1)
print(*home("compiled_here"), sep="|")
fit.bootstrap("parametric", 200, 1)
print(*home("compiled_here"), sep="|")
"""


def test_r_compiles_our_code_only_for_long_runs() -> None:
    """R compiles a function at its second call, which would make the second fit a slow one."""
    helpers = Path(__file__).parent.parent / "helpers"
    run = subprocess.run(
        [sys.executable, "-c", FIRST_FITS % str(helpers / "fast_paths.R")],
        capture_output=True,
        text=True,
        check=True,
        cwd=helpers.parent,
    )
    fits, few, many = (set(line.split("|")) for line in run.stdout.splitlines())
    # What surrounds an operation is called before the compiler is sent away.
    around = {"run_operation", "perform_operation", "take_generator", "own_generator"}
    assert fits <= around
    assert few <= around
    assert "with_status" in many - few


def test_an_operation_leaves_rs_compiler_as_it_was() -> None:
    for user in (0, 2, 3):
        levels = both_ways()("levels_of_compiler", user=user).tolist()
        assert levels == [0, user, user, user, user]
