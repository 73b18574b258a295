"""Formulas are code: what tries to run something is refused, and what analysts write is not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import hostile
from helpers.probing import probe
from pymer_bridge.errors import DataConversionError, FormulaError, OptionError, PymerError, RError
from pymer_bridge.models.preparing import check_text
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import controls, formula_safety

pytestmark = pytest.mark.r

CLASSIC = "Reaction ~ Days + (Days | Subject)"


@cache
def dataset(name: str) -> pd.DataFrame:
    return pb.load_dataset(name, package="lme4")


@pytest.fixture
def marker(tmp_path: Path) -> Iterator[Path]:
    """Give a path that nothing may create; R is sound afterwards."""
    path = tmp_path / "marker"
    yield path
    assert not path.exists(), "R ran what a formula asked for"
    assert session().call("nchar", x="sound").value.tolist() == [5]


@pytest.fixture(scope="module", autouse=True)
def still_sound() -> Iterator[None]:
    before = repr(pb.lmer(CLASSIC, dataset("sleepstudy")).fit_statistics.to_dict())
    yield
    fit = pb.lmer(CLASSIC, dataset("sleepstudy"))
    assert fit.n_obs == 180
    assert repr(fit.fit_statistics.to_dict()) == before


# -- formulas that try -----------------------------------------------------------------------------

# MARK stands for R code that creates the marker, ARG for its argument, a string.
IN_A_FORMULA = [
    # plain calls, in each place where a formula has terms
    "Reaction ~ MARK + (1 | Subject)",
    "Reaction ~ Days + I(MARK) + (1 | Subject)",
    "Reaction ~ Days + (1 | MARK)",
    "Reaction ~ Days + (MARK | Subject)",
    "Reaction ~ Days + (MARK || Subject)",
    "Reaction ~ Days + (Days || MARK)",
    "Reaction ~ Days + (1 | Subject/MARK)",
    "MARK ~ Days + (1 | Subject)",
    "log(MARK) ~ Days + (1 | Subject)",
    "Reaction ~ offset(MARK) + Days + (1 | Subject)",
    "Reaction ~ . + MARK + (1 | Subject)",
    "Reaction ~ Days - MARK + (1 | Subject)",
    "Reaction ~ I(~ MARK) + (1 | Subject)",
    "Reaction ~ Days:MARK + (1 | Subject)",
    "Reaction ~ Days %in% MARK + (1 | Subject)",
    "Reaction ~ (Days + MARK)^2 + (1 | Subject)",
    # inside allowed functions
    "Reaction ~ poly(Days, degree = MARK) + (1 | Subject)",
    "Reaction ~ ns(Days, knots = MARK) + (1 | Subject)",
    "Reaction ~ scale(Days, center = MARK) + (1 | Subject)",
    "Reaction ~ cut(Days, breaks = MARK) + (1 | Subject)",
    "Reaction ~ factor(Days, labels = MARK) + (1 | Subject)",
    "Reaction ~ ifelse(Days > 1, MARK, 0) + (1 | Subject)",
    "Reaction ~ I({MARK}) + (1 | Subject)",
    "Reaction ~ I(`if`(TRUE, MARK)) + (1 | Subject)",
    "Reaction ~ I(if (TRUE) MARK) + (1 | Subject)",
    "Reaction ~ I(for (i in 1) MARK) + (1 | Subject)",
    "Reaction ~ I(while (TRUE) MARK) + (1 | Subject)",
    "Reaction ~ I(repeat MARK) + (1 | Subject)",
    "Reaction ~ rep(MARK, 180) + (1 | Subject)",
    # the name of the function in disguise
    "Reaction ~ base::file.create(ARG) + (1 | Subject)",
    "Reaction ~ base:::file.create(ARG) + (1 | Subject)",
    "Reaction ~ 'base'::'file.create'(ARG) + (1 | Subject)",
    "Reaction ~ `file.create`(ARG) + (1 | Subject)",
    "Reaction ~ `file\\x2ecreate`(ARG) + (1 | Subject)",
    "Reaction ~ `\\u0066ile.create`(ARG) + (1 | Subject)",
    "Reaction ~ 'file.create'(ARG) + (1 | Subject)",
    "Reaction ~ \"\\u0066ile.create\"(ARG) + (1 | Subject)",
    "Reaction ~ r\"(file.create)\"(ARG) + (1 | Subject)",
    "Reaction ~ (file.create)(ARG) + (1 | Subject)",
    "Reaction ~ (base::file.create)(ARG) + (1 | Subject)",
    "Reaction ~ `::`(base, file.create)(ARG) + (1 | Subject)",
    "Reaction ~ get('file.create')(ARG) + (1 | Subject)",
    "Reaction ~ match.fun('file.create')(ARG) + (1 | Subject)",
    "Reaction ~ baseenv()$file.create(ARG) + (1 | Subject)",
    "Reaction ~ baseenv()[['file.create']](ARG) + (1 | Subject)",
    "Reaction ~ asNamespace('base')@file.create(ARG) + (1 | Subject)",
    "Reaction ~ (\\(x) MARK)(1) + (1 | Subject)",
    "Reaction ~ (function(x) MARK)(1) + (1 | Subject)",
    "Reaction ~ (function(x = MARK) x)() + (1 | Subject)",
    "Reaction ~ function(x) MARK + (1 | Subject)",
    "Reaction ~ \\(Days) MARK",
    "Reaction ~ ARG |> file.create() + (1 | Subject)",
    "Reaction ~ I(ARG |> file.create()) + (1 | Subject)",
    "Reaction ~ I(Days %o% MARK) + (1 | Subject)",
    "Reaction ~ `%do%`(Days, MARK) + (1 | Subject)",
    # functions that call what they are given
    "Reaction ~ do.call('file.create', list(ARG)) + (1 | Subject)",
    "Reaction ~ do.call(file.create, list(ARG)) + (1 | Subject)",
    "Reaction ~ sapply(ARG, file.create) + (1 | Subject)",
    "Reaction ~ Reduce(file.create, ARG) + (1 | Subject)",
    "Reaction ~ outer(ARG, ARG, 'file.create') + (1 | Subject)",
    "Reaction ~ Map('file.create', ARG) + (1 | Subject)",
    "Reaction ~ tapply(ARG, 1, 'file.create') + (1 | Subject)",
    "Reaction ~ ave(Days, FUN = function(x) MARK) + (1 | Subject)",
    "Reaction ~ aggregate(Days, list(Days), 'file.create') + (1 | Subject)",
    "Reaction ~ Vectorize(file.create)(ARG) + (1 | Subject)",
    "Reaction ~ eval(quote(MARK)) + (1 | Subject)",
    "Reaction ~ eval(parse(text = 'MARK')) + (1 | Subject)",
    "Reaction ~ eval(str2lang('MARK')) + (1 | Subject)",
    "Reaction ~ evalq(MARK) + (1 | Subject)",
    "Reaction ~ with(Days, MARK) + (1 | Subject)",
    "Reaction ~ local(MARK) + (1 | Subject)",
    "Reaction ~ source(ARG) + (1 | Subject)",
    "Reaction ~ Recall(MARK) + (1 | Subject)",
    "Reaction ~ suppressWarnings(MARK) + (1 | Subject)",
    "Reaction ~ UseMethod('file.create', ARG) + (1 | Subject)",
    "Reaction ~ structure(Days, class = MARK) + (1 | Subject)",
    "Reaction ~ bquote(.(MARK)) + (1 | Subject)",
    "Reaction ~ C(Subject, quit) + (1 | Subject)",
    "Reaction ~ C(Subject, 'file.create') + (1 | Subject)",
    "Reaction ~ splines::interpSpline(MARK, 1) + (1 | Subject)",
    "Reaction ~ stats::optim(1, 'file.create') + (1 | Subject)",
    "Reaction ~ lme4::lmer(MARK) + (1 | Subject)",
    # assignment, replacement, environments
    "Reaction ~ I(x <- MARK) + (1 | Subject)",
    "Reaction ~ I(x <<- 1) + (1 | Subject)",
    "Reaction ~ I(1 -> log) + (1 | Subject)",
    "Reaction ~ I(`levels<-`(Subject, MARK)) + (1 | Subject)",
    "Reaction ~ I(body(log) <- quote(MARK)) + (1 | Subject)",
    "Reaction ~ assign('log', file.create) + (1 | Subject)",
    "Reaction ~ I(`attr<-`(Days, 'class', ARG)) + (1 | Subject)",
    "Reaction ~ delayedAssign('x', MARK) + (1 | Subject)",
    "Reaction ~ reg.finalizer(Subject, MARK) + (1 | Subject)",
    "Reaction ~ on.exit(MARK) + (1 | Subject)",
    "Reaction ~ I(Days[MARK]) + (1 | Subject)",
    "Reaction ~ I(Days$x) + (1 | Subject)",
    # leaving R, or the process
    "Reaction ~ quit() + (1 | Subject)",
    "Reaction ~ q('no') + (1 | Subject)",
    "Reaction ~ system('touch PATH') + (1 | Subject)",
    "Reaction ~ shell('touch PATH') + (1 | Subject)",
    "Reaction ~ pipe(ARG) + (1 | Subject)",
    "Reaction ~ .Call('x') + (1 | Subject)",
    "Reaction ~ .Internal(quit('no', 0, FALSE)) + (1 | Subject)",
    "Reaction ~ .Primitive('quit')() + (1 | Subject)",
    "Reaction ~ dyn.load(ARG) + (1 | Subject)",
    "Reaction ~ library(ARG) + (1 | Subject)",
    "Reaction ~ Sys.setenv(A = ARG) + (1 | Subject)",
    "Reaction ~ browser() + (1 | Subject)",
    "Reaction ~ ?file.create + (1 | Subject)",
    "Reaction ~ readline() + (1 | Subject)",
    # more than one expression
    "Reaction ~ Days + (1 | Subject); MARK",
    "MARK; Reaction ~ Days + (1 | Subject)",
    "Reaction ~ Days + (1 | Subject)\nMARK",
    "Reaction ~ Days + (1 | Subject)\r\nMARK",
    "Reaction ~ Days + # (1 | Subject)\nMARK",
    "Reaction ~ Days + (1 | Subject)}; {MARK",
    "Reaction ~ Days + (1 | Subject)) ; (MARK",
    "MARK",
    "{MARK; Reaction ~ Days + (1 | Subject)}",
    "(Reaction ~ Days + (1 | Subject))[MARK]",
    "~ MARK",
    "",
    " ",
    "# MARK",
    "Reaction ~ Days + (1 | Subject",
]  # fmt: skip


def armed(text: str, marker: Path) -> str:
    quoted = f"'{marker}'"
    code = f"file.create({quoted})"
    return text.replace("MARK", code).replace("ARG", quoted).replace("PATH", str(marker))


@pytest.mark.parametrize("attempt", IN_A_FORMULA)
def test_formula_that_runs_something_is_refused(attempt, marker):
    with pytest.raises(FormulaError):
        pb.lmer(armed(attempt, marker), dataset("sleepstudy"))


IN_AN_EXPRESSION = [
    "MARK", "Days * MARK", "I(MARK)", "Days > MARK", "(\\(x) MARK)(1)", "Days; MARK", "Days\nMARK",
    "get('file.create')(ARG)", "Days[MARK]", "if (TRUE) MARK", "base::file.create(ARG)", "~ MARK",
    "{MARK}", "do.call('file.create', list(ARG))", "ARG |> file.create()",
]  # fmt: skip


@pytest.mark.parametrize("argument", ["weights", "offset", "subset"])
@pytest.mark.parametrize("attempt", IN_AN_EXPRESSION)
def test_expression_that_runs_something_is_refused(argument, attempt, marker):
    with pytest.raises(FormulaError):
        pb.lmer(CLASSIC, dataset("sleepstudy"), **{argument: armed(attempt, marker)})


@pytest.mark.parametrize("argument", ["weights", "offset", "subset"])
def test_vectors_of_code_are_no_vectors(argument, marker):
    code = [armed("MARK", marker)] * 180
    for given in (code, np.array(code), np.array(code, dtype=object), [print] * 180):
        with pytest.raises(OptionError):
            pb.lmer(CLASSIC, dataset("sleepstudy"), **{argument: given})
    with pytest.raises(OptionError):
        pb.lmer(CLASSIC, dataset("sleepstudy"), **{argument: print})


def test_a_subset_of_positions_is_not_taken_for_bools():
    with pytest.raises(OptionError, match="bool"):
        pb.lmer(CLASSIC, dataset("sleepstudy"), subset=[1] * 180)


@pytest.mark.parametrize("name", ["quit", "system", "file.create", "baseenv", "x", "..1", "..."])
def test_functions_are_not_values(name):
    for formula in (
        f"Reaction ~ {name} + (1 | Subject)",
        f"Reaction ~ cut(Days, {name}) + (1 | Subject)",
    ):
        with pytest.raises(DataConversionError, match="no such column"):
            pb.lmer(formula, dataset("sleepstudy"))


@pytest.mark.parametrize(
    "options",
    [
        {"data_name": "x; MARK"},
        {"data_name": "MARK"},
        {"data_name": "`MARK`"},
        {"data_name": "x\n"},
        {"data_name": "if"},
        {"data_name": "TRUE"},
        {"data_name": " "},
        {"data_name": "base::quit"},
        {"data_name": "a b"},
        {"data_name": ".weights"},
        {"contrasts": {"Subject": "file.create"}},
        {"contrasts": {"Subject": "system"}},
        {"contrasts": {"Subject": "contr.sum(MARK)"}},
        {"contrasts": {"Subject": "MARK"}},
        {"contrasts": {"Subject": print}},
        {"contrasts": {"Subject": ["contr.sum"]}},
        {"contrasts": {"Subject": [["MARK"]]}},
        {"contrasts": "contr.sum"},
        {"contrasts": {"Subject": {"a": 1}}},
        {"contrasts": {"MARK": "contr.sum"}},
        {"na_action": "MARK"},
        {"na_action": "fail(MARK)"},
        {"na_action": "quit"},
        {"control": "MARK"},
        {"control": {"optimizer": "quit"}},
        {"control": print},
        {"allow_functions": "log"},
        {"allow_functions": "file.create"},
    ],
    ids=repr,
)
def test_option_that_runs_something_is_refused(options, marker):
    armed_options = {
        key: armed(value, marker) if isinstance(value, str) else value
        for key, value in options.items()
    }
    if isinstance(options.get("contrasts"), dict):
        armed_options["contrasts"] = {
            armed(k, marker): armed(v, marker) if isinstance(v, str) else v
            for k, v in options["contrasts"].items()
        }
    with pytest.raises(OptionError):
        pb.lmer("Reaction ~ Days + Subject + (1 | Subject)", dataset("sleepstudy"), **armed_options)


@pytest.mark.parametrize(
    ("optimizer", "arguments"),
    [
        ("system", {}),
        ("quit", {}),
        ("file.create", {}),
        ("MARK", {}),
        ("optim", {}),
        ("bobyqa", {"optCtrl": {"a": ["MARK"]}}),
        ("bobyqa", {"optCtrl": {"a": print}}),
        ("bobyqa", {"optCtrl": {"a": {"b": "MARK"}}}),
        ("bobyqa", {"nonsense": "MARK"}),
        ("bobyqa", {"mod_type": "MARK"}),
        ("bobyqa", {"check_conv_grad": {"action": "MARK"}}),
        ("bobyqa", {"check_conv_grad": {"action": "stop", "x": "MARK"}}),
        ("bobyqa", {"check_conv_grad": print}),
        ("bobyqa", {"check_rankX": ["MARK"]}),
    ],
)
def test_control_that_runs_something_is_refused(optimizer, arguments, marker):
    with pytest.raises(OptionError):
        pb.lmer_control(armed(optimizer, marker), **arguments)


def test_a_forged_control_object_is_refused(marker):
    with pytest.raises(OptionError):
        controls.Control("file.create", (("x", str(marker)),))


CHECKS = [name for name in controls.CONTROL_NAMES["lmerControl"] if name.startswith("check_")]


@pytest.mark.parametrize("word", ["quit", "file.create", "MARK", "system('touch PATH')"])
@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.filterwarnings("ignore::pymer_bridge.errors.PymerWarning")
def test_words_of_control_are_never_called(check, word, marker):
    control = pb.lmer_control(**{check: armed(word, marker)})
    try:
        fit = pb.lmer("Yield ~ 1 + (1 | Batch)", dataset("Dyestuff2"), control=control)
    except RError:
        return
    assert fit.n_obs == 30  # a check that this lme4 does not make


def test_optimizer_options_are_data(marker):
    code = armed("MARK", marker)
    for options in (
        {"algorithm": code},
        {code: 1},
        {"eval_f": code},
        {"print_level": 0, code: code},
    ):
        try:
            control = pb.lmer_control("nloptwrap", optCtrl=options)
            fit = pb.lmer(CLASSIC, dataset("sleepstudy"), control=control)
        except (RError, OptionError):
            continue
        assert fit.n_obs == 180


# -- allow_functions -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allowed", "formula"),
    [
        (("log",), "Reaction ~ MARK + (1 | Subject)"),
        (("file", "create"), "Reaction ~ MARK + (1 | Subject)"),
        (("file.create(",), "Reaction ~ MARK + (1 | Subject)"),
        (("::",), "Reaction ~ base::file.create(ARG) + (1 | Subject)"),
        (("::", "(", "base", "file.create"), "Reaction ~ (base::file.create)(ARG) + (1 | Subject)"),
        (("function",), "Reaction ~ (function() MARK)() + (1 | Subject)"),
        (("tanh", "get"), "Reaction ~ get('file.create')(ARG) + (1 | Subject)"),
        ((".*", "*", ".", ""), "Reaction ~ MARK + (1 | Subject)"),
    ],
)
def test_what_is_allowed_is_allowed_by_name_alone(allowed, formula, marker):
    with pytest.raises(FormulaError):
        pb.lmer(armed(formula, marker), dataset("sleepstudy"), allow_functions=allowed)


def test_the_user_may_allow_a_function():
    formula = "Reaction ~ zapsmall(Days) + (1 | Subject)"
    with pytest.raises(FormulaError, match=r"allow_functions=\('zapsmall',\)"):
        pb.lmer(formula, dataset("sleepstudy"))
    fit = pb.lmer(formula, dataset("sleepstudy"), allow_functions=("zapsmall",))
    plain = pb.lmer("Reaction ~ Days + (1 | Subject)", dataset("sleepstudy"))
    assert fit.sigma == plain.sigma


# -- names and values that are code ----------------------------------------------------------------

PLACES = {
    "response": ("y", "`E` ~ x + (1 | g)"),
    "lone response": ("y", "`E` ~ (1 | g)"),
    "predictor": ("x", "y ~ z + `E` + (1 | g)"),
    "lone predictor": ("x", "y ~ `E` + (1 | g)"),
    "interaction": ("x", "y ~ h * `E` + (1 | g)"),
    "group": ("g", "y ~ x + (1 | `E`)"),
    "lone group": ("g", "y ~ 1 + (1 | `E`)"),
    "nested": ("g", "y ~ x + (1 | `E`/h)"),
    "nesting": ("h", "y ~ x + (1 | g/`E`)"),
    "slope": ("x", "y ~ z + (`E` | g)"),
    "split slope": ("x", "y ~ z + (`E` || g)"),
    "split group": ("g", "y ~ z + (x || `E`)"),
    "split nested group": ("g", "y ~ z + (x || h:`E`)"),
    "offset": ("x", "y ~ z + offset(`E`) + (1 | g)"),
    "poly": ("x", "y ~ poly(`E`, 2) + (1 | g)"),
    "factor": ("h", "y ~ factor(`E`) + (1 | g)"),
    "dot": ("x", "y ~ . - g + (1 | g)"),
}
EVIL_NAMES = [
    "file.create('PATH')", "system('touch PATH')", "base::file.create('PATH')",
    "I(file.create('PATH'))", "{file.create('PATH')}",
    "(\\(x) file.create('PATH'))(1)", "nosuch(file.create('PATH'))", "f ~ file.create('PATH')",
    "'file.create'('PATH')", "x + file.create('PATH')", "quit()",
]  # fmt: skip


def small_frame(column: str, name: str) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    data = pd.DataFrame(
        {
            "y": rng.normal(size=60),
            "x": rng.normal(size=60),
            "z": rng.normal(size=60),
            "g": np.repeat(list("abcdef"), 10),
            "h": np.tile(list("klmno"), 12),
        }
    )
    return data.rename(columns={column: name})


SLOW = ("bootstrap", "profile")


def use_everything(fit: Any) -> None:
    """Ask a fit for all it has: R functions may read names as code long after the fit."""
    for name in dir(type(fit)):
        if name.startswith("_") or name in SLOW:
            continue
        try:
            answer = getattr(fit, name)
            if callable(answer):
                answer()
        except (PymerError, TypeError):
            continue  # what takes arguments, or what R cannot do with such a name


FORMULAS_OF_NAMES = [
    (pb.lmer, "y ~ z + {0} + (1 | g)"),
    (pb.lmer, "y ~ {0} * z + (z || g)"),
    (pb.lmer, "y ~ z + (1 + {0} || g)"),
    (pb.lmer, "log(y^2 + {0}) ~ z + (1 | g)"),
    (pb.lmer, "y ~ . - g + (1 | g)"),
    (pb.lm, "y ~ ."),
]


def frame_of_names(names: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """Return data with such columns, numbers and texts by turns, and the names as R quotes them."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"y": rng.normal(size=60), "z": rng.normal(size=60)})
    data["g"] = np.repeat(list("abcdef"), 10)
    for i, name in enumerate(names):
        data[name] = np.tile(list("klmno"), 12) if i % 2 else rng.normal(size=60)
    return data, ["`" + n.replace("\\", "\\\\").replace("`", "\\`") + "`" for n in names]


@pytest.mark.parametrize("kind", hostile.NAMES)
def test_names_that_run_something_alone_or_together_are_refused(kind, marker):
    for text in hostile.NAMES[kind]:
        data, quoted = frame_of_names(hostile.names_of(text, marker))
        for fit, formula in FORMULAS_OF_NAMES:
            with pytest.raises(FormulaError, match="rename"):
                fit(formula.format(" + ".join(quoted)), data)
        with pytest.raises(FormulaError):
            pb.nlmer(
                f"y ~ SSlogis({', '.join(quoted[:1])}, A, x, s) ~ A | {quoted[-1]}",
                data,
                start={"A": 1, "x": 0, "s": 1},
            )


def test_there_are_many_names():
    assert sum(map(len, hostile.NAMES.values())) >= 65
    assert len(hostile.ONLY_TEXT) >= 28


@pytest.fixture
def in_workspace(marker):
    """Give R's workspace a function that leaves a trace."""
    probe("define_canary", path=str(marker))
    yield
    probe("forget_canary")


@pytest.mark.r("effects")
@pytest.mark.r("lmerTest")
@pytest.mark.filterwarnings("ignore::pymer_bridge.errors.PymerWarning")
@pytest.mark.parametrize("text", hostile.ONLY_TEXT, ids=ascii)
def test_a_name_stays_a_name_whatever_is_asked(text, marker, in_workspace):
    names = hostile.names_of(text, marker)
    data, quoted = frame_of_names(names)
    formula = f"y ~ {' + '.join(quoted)} + (1 | g)"
    if "canary" in text:  # R has the function, in its workspace
        with pytest.raises(FormulaError, match="reads as a call of 'canary_called'"):
            pb.lmer(formula, data)
        return
    fit = pb.lmer(formula, data)
    nonlinear = f"y ~ SSlogis({quoted[0]}, A, x, s) ~ A | g"
    questions = [
        lambda: fit.effect(names[0]),
        lambda: pb.lmer("y ~ . - g + (1 | g)", data).effect(names[-1]),
        lambda: pb.lm("y ~ .", data).effect(names[:2]),
        lambda: pb.nlmer(nonlinear, data, start={"A": 1, "x": 0, "s": 1}),
        lambda: fit.update(f". ~ . - {quoted[0]}"),
        fit.ranova,
        lambda: fit.emtrends(names[-1], names[0]),
        lambda: fit.emtrends(names[-1], quoted[0]),
        lambda: fit.drop1([quoted[0]]),
    ]
    if "(CHF)" in text:
        questions += [fit.step, fit.ranova, lambda: use_everything(fit)]
    for question in questions:
        try:
            question()
        except PymerError:
            continue
        finally:
            assert not marker.exists()


def test_the_answer_does_not_turn_on_what_was_asked_before():
    """lme4's functions are among those that R finds, also before the first model is fitted."""
    first = probe("calls_before_any_model", names=["ranef (x"])
    assert first.value == {"names": ("ranef (x",), "calls": ("ranef",)}
    assert probe("calls_in_names", names=["ranef (x"]).value == first.value


@pytest.mark.filterwarnings("ignore::pymer_bridge.errors.PymerWarning")
def test_a_function_that_was_defined_since_is_found_in_a_name(marker):
    """The same formula was read before, when R had no such function."""
    data, quoted = frame_of_names(["canary_called (x)"])
    formula = f"y ~ {quoted[0]} + (1 | g)"
    pb.lmer(formula, data)
    probe("define_canary", path=str(marker))
    try:
        for text in (formula, "y ~ . - g + (1 | g)"):
            with pytest.raises(FormulaError, match="reads as a call of 'canary_called'"):
                pb.lmer(text, data)
    finally:
        probe("forget_canary")


NO_EXPRESSION = "x; file.create('PATH')"
"""R can never read this as an expression, so that it is a name like others."""
USED = ("lone predictor", "group", "dot")


@pytest.mark.filterwarnings("ignore::pymer_bridge.errors.PymerWarning")
@pytest.mark.parametrize(
    ("place", "name"),
    [*((place, NO_EXPRESSION) for place in PLACES), *(("dot", name) for name in EVIL_NAMES)],
)
def test_column_name_that_crosses_never_runs(place, name, marker):
    column, formula = PLACES[place]
    evil = armed(name, marker)
    try:
        fit = pb.lmer(formula.replace("E", evil), small_frame(column, evil))
    except (FormulaError, RError):
        return
    if place in USED and name in (NO_EXPRESSION, EVIL_NAMES[0]):
        use_everything(fit)


@pytest.mark.parametrize("name", EVIL_NAMES)
@pytest.mark.parametrize("place", [p for p in PLACES if p != "dot"])
def test_column_name_that_is_code_is_refused(place, name, marker):
    column, formula = PLACES[place]
    evil = armed(name, marker)
    with pytest.raises(FormulaError, match="rename"):
        pb.lmer(formula.replace("E", evil.replace("\\", "\\\\")), small_frame(column, evil))


ODD_NAMES = [
    "income (CHF)", "time (s)", "a-b", "a b", "class", "é", "if", "data$x", "b[1]", "100%", "NA",
    "a/b", "TRUE", "2nd", "_x", "a:b", "log(x)", "length (mm)", "x'", "ratio a:b (%)", "\U0001f600",
]  # fmt: skip
ODD_PLACES = [
    *((place, name) for place in ("predictor", "group") for name in ODD_NAMES),
    *((place, name) for place in PLACES for name in ("time (s)", "a-b")),
]


@pytest.mark.filterwarnings("ignore::pymer_bridge.errors.PymerWarning")
@pytest.mark.parametrize(
    ("place", "name"), [odd for odd in ODD_PLACES if odd[0] not in ("split group", "dot")]
)
def test_odd_column_names_are_fine(place, name):
    column, formula = PLACES[place]
    plain = pb.lmer(formula.replace("`E`", column), small_frame(column, column))
    fit = pb.lmer(formula.replace("E", name), small_frame(column, name))
    assert fit.sigma == plain.sigma


@pytest.mark.filterwarnings("ignore::pymer_bridge.errors.PymerWarning")
def test_group_that_lme4_would_misread_is_refused():
    frame = small_frame("g", "a-b").assign(a=1.0, b=2.0)
    for group in ("`a-b`", "`a b`"):
        with pytest.raises(FormulaError, match=r"\|\|"):
            pb.lmer(
                f"y ~ x + (x || {group})",
                frame.rename(columns={"a b": "a b"}).assign(**{"a b": "q"}),
            )
    split = pb.lmer("y ~ x + (1 | `a-b`) + (0 + x | `a-b`)", frame)
    assert split.n_groups == {"a-b": 6}


@pytest.mark.filterwarnings("ignore::pymer_bridge.errors.PymerWarning")
@pytest.mark.parametrize("as_category", [False, True])
def test_levels_and_strings_are_data(as_category, marker):
    code = armed("MARK", marker)
    levels = [code, "quit()", "`x`", "'", '"', "\\", "a)b", "b; quit()", "~ x", "%s", "\n"]
    data = small_frame("q", "q").assign(f=np.tile(levels[:6], 10), g=np.resize(levels, 60))
    if as_category:
        data = data.astype({"f": "category", "g": "category"})
    fit = pb.lmer("y ~ x + f + (1 | g)", data)
    assert fit.n_groups["g"] == len(levels)
    assert f"f{code}" in fit.fixed_effects("none").to_frame()["term"].tolist() or code == levels[0]
    use_everything(fit)


def test_the_name_that_data_bring_along_does_not_run(marker):
    data = dataset("sleepstudy").copy()
    data.attrs["name"] = armed("x); MARK; (x", marker)
    try:
        fit = pb.lmer(CLASSIC, data)
    except OptionError:
        return
    assert "file.create" not in str(fit.summary("none"))  # a plain name took its place


@pytest.mark.parametrize("given", ["MARK", "x; quit()", "../x", "a b", "", "x\n", 'x"'])
def test_names_of_data_sets_are_plain(given, marker):
    for options in ({"name": armed(given, marker)}, {"name": "x", "package": armed(given, marker)}):
        with pytest.raises(OptionError):
            pb.load_dataset(**options)


@pytest.mark.filterwarnings("ignore::pymer_bridge.errors.PymerWarning")
def test_texts_asked_of_a_fit_do_not_run(marker):
    cake = dataset("cake")
    fit = pb.lmer("angle ~ recipe * temp + (1 | recipe:replicate)", cake)
    code = armed("MARK", marker)
    attempts = [
        lambda: fit.drop1(scope=(code,)), lambda: fit.drop1(scope=(f"recipe + {code}",)),
        lambda: fit.emmeans(code), lambda: fit.emmeans("recipe", by=code),
        lambda: fit.emmeans(f"~ {code}"),
        lambda: fit.emtrends("recipe", code), lambda: fit.emtrends("recipe", f"log(temp, {code})"),
        lambda: fit.emmeans("recipe").contrast(code), lambda: pb.kr_modcomp(fit, code),
        lambda: pb.kr_modcomp(fit, f". ~ . - {code}"), lambda: pb.sat_modcomp(fit, f"~ {code}"),
        lambda: fit.anova(type=code), lambda: fit.confint(parameters=code),
        lambda: fit.contest({code: 1.0}), lambda: fit.fixed_effects(code),
        lambda: fit.summary(code), lambda: fit.residuals(code),
    ]  # fmt: skip
    refused = 0
    for attempt in attempts:
        try:
            attempt()
        except (PymerError, TypeError):
            refused += 1
        assert not marker.exists()
    assert refused == len(attempts)


# -- size and depth --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rest",
    [
        "(" * 5000 + "Days" + ")" * 5000,
        "I(" * 2000 + "Days" + ")" * 2000,
        "-" * 40000 + "Days",
        "+".join(["Days"] * 100_000),
        "Days^" * 40000 + "Days",
        "~" * 40000 + "Days",
        "x" * 200_000,
        "`" + "a" * 20_000 + "`",
    ],
    ids=lambda rest: f"{rest[:6]} of {len(rest)}",
)
def test_a_monstrous_formula_is_refused_and_kills_nothing(rest):
    with pytest.raises((FormulaError, DataConversionError)):
        pb.lmer(f"Reaction ~ {rest} + (1 | Subject)", dataset("sleepstudy"))


@pytest.mark.parametrize("text", ["y ~ x\0; quit()", "y ~ \ud800"])
def test_text_that_r_cannot_hold_is_refused(text):
    with pytest.raises((FormulaError, DataConversionError)):
        pb.lmer(text, dataset("sleepstudy"))


@pytest.mark.parametrize("text", [None, 5, b"y ~ x", ["y ~ x"], lambda: 1])
def test_a_formula_is_a_string(text):
    with pytest.raises(FormulaError):
        pb.lmer(text, dataset("sleepstudy"))


def test_the_message_shows_the_place():
    with pytest.raises(FormulaError) as caught:
        pb.lmer("Reaction ~ system('ls') + (1 | Subject)", dataset("sleepstudy"))
    lines = str(caught.value).splitlines()
    assert "'system'" in lines[0]
    assert lines[1].index("system") == lines[2].index("^")


# -- what analysts write ---------------------------------------------------------------------------

LEGITIMATE = {
    "sleepstudy": [
        CLASSIC,
        "Reaction ~ Days + (1 | Subject)",
        "Reaction ~ Days + (Days || Subject)",
        "Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)",
        "Reaction ~ 1 + (1 | Subject)",
        "Reaction ~ 0 + Days + (1 | Subject)",
        "Reaction ~ Days - 1 + (1 | Subject)",
        "log(Reaction) ~ poly(Days, 2) + (1 | Subject)",
        "Reaction ~ I(Days^2) + (Days | Subject)",
        "Reaction ~ poly(Days, degree = 3, raw = TRUE) + (1 | Subject)",
        "Reaction ~ ns(Days, df = 3) + (1 | Subject)",
        "Reaction ~ splines::ns(Days, 3) + (1 | Subject)",
        "Reaction ~ bs(Days, knots = c(3, 6)) + (1 | Subject)",
        "Reaction ~ factor(Days) + (1 | Subject)",
        "scale(Reaction) ~ scale(Days) + (1 | Subject)",
        "Reaction ~ cut(Days, c(-1, 3, 6, 9), labels = NULL) + (1 | Subject)",
        "Reaction ~ Days + offset(2 * Days) + (1 | Subject)",
        "Reaction ~ I(Days > 4) + (1 | Subject)",
        "Reaction ~ ifelse(Days < 2, 0, Days - 2) + (1 | Subject)",
        "Reaction ~ pmax(0, Days - 5) + Days + (1 | Subject)",
        "Reaction ~ relevel(Subject, ref = '309') + (1 | Days)",
        "1000 / Reaction ~ Days + (Days | Subject)",
        "Reaction ~ sin(2 * pi * Days / 7) + cos(2 * pi * Days / 7) + (1 | Subject)",
        "Reaction ~ Days + # a comment\n (Days | Subject)",
        "Reaction~Days+(1|Subject)",
        "Reaction ~ `Days` + (1 | `Subject`)",
        "sqrt(Reaction) ~ log1p(Days) + (1 | Subject)",
        "Reaction ~ scale(Days, center = TRUE, scale = FALSE) + (1 | Subject)",
        "Reaction ~ . + (1 | Subject) - Subject",
        "Reaction ~ Days + (1 + I(Days - 5) | Subject)",
        "Reaction ~ interaction(Days, Subject) + (1 | Subject)",
        "base::log(Reaction) ~ Days + (1 | Subject)",
        "Reaction ~ (Days %% 2 == 0) + (1 | Subject)",
        "Reaction ~ 1 + (1 | factor(Days))",
    ],
    "cake": [
        "angle ~ recipe * temperature + (1 | recipe:replicate)",
        "angle ~ recipe + temperature + (1 | recipe:replicate)",
        "angle ~ recipe + temp + (1 | recipe:replicate)",
        "angle ~ temp + (1 | replicate/recipe)",
        "angle ~ (recipe + temp)^2 - recipe:temp + (1 | replicate) + (1 | recipe:replicate)",
        "angle ~ ordered(temp) + recipe + (1 | replicate)",
        "angle ~ recipe %in% temperature + (1 | replicate)",
        "angle ~ recipe / temp + (1 | replicate)",
        "angle ~ as.numeric(temperature) + (1 | recipe:replicate)",
    ],
    "Penicillin": [
        "diameter ~ 1 + (1 | plate) + (1 | sample)",
        "diameter ~ (1 | plate) + (1 | sample)",
    ],
    "Pastes": [
        "strength ~ 1 + (1 | batch/cask)",
        "strength ~ 1 + (1 | sample) + (1 | batch)",
        "strength ~ (1 | batch) + (1 | batch:cask)",
        "strength ~ 1 + (1 | batch / cask)",
    ],
    "Dyestuff": ["Yield ~ 1 + (1 | Batch)", "Yield ~ 1 | Batch", "log(Yield) ~ (1 | Batch)"],
    "InstEval": [
        "y ~ service * dept + (1 | s) + (1 | d)",
        "y ~ 1 + (1 | s) + (1 | d) + (1 | dept:service)",
        "y ~ service + lectage + studage + (1 | d) + (1 | s)",
        "as.numeric(y) ~ service + (service | dept)",
        "y ~ 1 + (1 | s) + (0 + dummy(service, '1') | d)",
    ],
    "Arabidopsis": [
        "log(total.fruits + 1) ~ nutrient * amd + rack + status + (amd * nutrient | popu) + "
        "(amd * nutrient | gen)",
        "log1p(total.fruits) ~ nutrient * amd + (1 | popu / gen)",
        "sqrt(total.fruits) ~ factor(nutrient) + rack + (1 | popu) + (1 | gen)",
        "total.fruits ~ as.factor(rack):amd + (1 | reg/popu/gen)",
    ],
    "grouseticks": [
        "log(TICKS + 1) ~ YEAR + scale(HEIGHT) + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION)",
        "log1p(TICKS) ~ YEAR + cHEIGHT + (1 | LOCATION/BROOD)",
        "log(TICKS + 1) ~ YEAR * poly(cHEIGHT, 2) + (1 | BROOD)",
    ],
}
CASES = [(name, formula) for name, formulas in LEGITIMATE.items() for formula in formulas]


@pytest.mark.parametrize(("name", "formula"), CASES)
def test_what_analysts_write_passes(name, formula):
    columns = list(dataset(name).columns)
    needed = check_text(formula, "formula", columns, ())
    assert needed
    assert set(needed) <= set(columns)


@pytest.mark.parametrize(
    "text",
    [
        "Days > 1",
        "Days",
        "1 / (1 + Days)",
        "log(Reaction)",
        "Days %in% c(1, 2)",
        "!is.na(Reaction) & Days != 3",
        "ifelse(Days > 2, 2, 1)",
    ],
)
def test_expressions_that_analysts_write_pass(text):
    assert check_text(text, "weights", list(dataset("sleepstudy").columns), ())


FITTED = [("sleepstudy", i) for i in (0, 7, 8, 10, 11, 12, 16, 22, 25)]
FITTED += [("cake", 0), ("Pastes", 0), ("Dyestuff", 1), ("grouseticks", 1), ("Penicillin", 1)]


@pytest.mark.filterwarnings("ignore::pymer_bridge.errors.PymerWarning")
@pytest.mark.parametrize(("name", "i"), FITTED)
def test_some_of_them_fit(name, i):
    fit = pb.lmer(LEGITIMATE[name][i], dataset(name))
    assert fit.n_obs == len(dataset(name))


# -- what may be called ----------------------------------------------------------------------------

LISTS = {
    name: value
    for name, value in vars(formula_safety).items()
    if isinstance(value, frozenset) and name.endswith(("CALLS", "_IN_NAMES", "REPLACED"))
}
"""Every list of functions that something given may call."""

OF_VALUES = "makes a data frame of values, or binds rows and columns; none of them can be code"
OF_THE_FIT = "of the frame that the fit holds, whose formula was checked"
NO_FUNCTION = (
    "one of its arguments has the name of a function that it calls, and R takes a function"
)
REVIEWED = {
    **dict.fromkeys(
        "as.data.frame.list as.data.frame.ranef.mer as.data.frame.table ranef.merMod coef.merMod"
        " as.data.frame.VarCorr.merMod is.na.data.frame VarCorr.merMod rePCA.merMod".split(),
        OF_VALUES,
    ),
    **dict.fromkeys(("poly", "order"), "calls itself, of several columns"),
    "diff.POSIXt": "reads the units that difftime() has (R 4.6)",
    **dict.fromkeys(
        "fitted.merMod residuals.merMod vcov.merMod sigma.merMod nobs.merMod logLik.merMod".split(),
        OF_THE_FIT,
    ),
}
"""Functions that evaluate or call something, and are permitted: by their own name, and why."""


def test_no_permitted_function_takes_a_function_or_text_that_becomes_code():
    """Of every list: R is asked what each function, and each method of its, calls.

    What a function of :data:`formula_safety.TAKEN` evaluates is an argument that it may not be
    given; the corpus of statistics tries them.
    """
    assert set(LISTS) == {"ALLOWED_CALLS", "STATISTIC_CALLS", "HARMLESS_IN_NAMES", "REPLACED"}
    names = sorted(set().union(*LISTS.values()))
    assert len(names) > 200
    plain = [name.rpartition("::")[2] for name in names]
    told = probe("evaluating", of=plain).value
    found = dict(zip(told["method"], zip(told["of"], told["calls"], strict=True), strict=True))
    unknown = {
        method: calls
        for method, (of, calls) in found.items()
        if of not in formula_safety.TAKEN and method not in REVIEWED
    }
    assert not unknown
    # Where it is not left to the arguments, none that evaluates is among those of a formula.
    taken = formula_safety.TAKEN.keys() - {"as.vector", "@"}
    assert taken <= {of for of, _ in found.values()}
    for name in ("ALLOWED_CALLS", "HARMLESS_IN_NAMES", "REPLACED"):
        assert not {call.rpartition("::")[2] for call in LISTS[name]} & set(
            formula_safety.TAKEN
        ) - {"@"}


def test_no_permitted_name_makes_names_or_code():
    """What would make symbols, calls, functions or environments is on no list."""
    makers = set(
        "quote bquote substitute expression as.name as.symbol as.call call as.formula formula terms"
        " parse str2lang str2expression function \\ eval evalq environment as.environment globalenv"
        " baseenv parent.frame sys.function match.call new.env get get0 mget assign <<- attr"
        " attributes structure class oldClass unclass inherits attr<- class<- body formals do.call"
        " match.fun Reduce Map Filter lapply sapply vapply mapply apply tapply outer<- Recall"
        " UseMethod NextMethod delayedAssign on.exit simulate refit update with within subset"
        " library require loadNamespace system system2 file url pipe source :: ::: repeat".split()
    )
    for name, permitted in LISTS.items():
        assert not permitted & makers, name
    assert "~" not in LISTS["STATISTIC_CALLS"]


# -- statistics ------------------------------------------------------------------------------------


@cache
def sleep_fit() -> Any:
    return pb.lmer("Reaction ~ Days + (1 | Subject)", dataset("sleepstudy"), reml=False)


@pytest.mark.parametrize("kind", hostile.STATISTICS)
def test_statistic_that_runs_something_is_refused(kind, marker):
    for attempt in hostile.STATISTICS[kind]:
        with pytest.raises(FormulaError):
            sleep_fit().bootstrap(n_sim=1, seed=1, statistic=hostile.armed(attempt, marker))
        assert not marker.exists(), attempt
    assert "PYMER_CANARY" not in os.environ


def test_there_are_many_attempts_at_statistics():
    assert sum(map(len, hostile.STATISTICS.values())) >= 190
    assert all(len(attempts) >= 7 for attempts in hostile.STATISTICS.values())


STATISTICS = {
    "function(fit) { b <- fixef(fit); b[[2]] / b[[1]] }": lambda b: b[1] / b[0],
    "function(fit) { beta <- fixef(fit); names(beta)[1] <- 'a'; beta[1] }": lambda b: b[0],
    "function(m, k = 2) { x <- 0; for (i in 1:k) x[i] <- fixef(m)[[i]]; x[2] }": lambda b: b[1],
    "function(f) getME(f, 'beta')[2]": lambda b: b[1],
    "function(f) f@beta[1]": lambda b: b[0],
    "function(f) outer(fixef(f), 1)[1, ]": lambda b: b[0],
    "function(m) predict(m, newdata = as.data.frame(list(Days = 0)), re.form = ~0)": lambda b: b[0],
    "function(m) predict(m, re.form = NA)[1]": lambda b: b[0],
    "function(m) stats::predict(m, re.form = NULL, type = 'response')[1]": None,
    "function(m) { stopifnot(nobs(m) > 1); sum(diag(crossprod(model.matrix(m)))) }": None,
    "function(m) { v <- as.data.frame(VarCorr(m)); v$sdcor[1]^2 / sum(v$sdcor^2) }": None,
    "function(m) ranef(m)$Subject[1, ]": None,
    "function(m) mean(residuals(m)^2)": None,
    "function(m) { s = sigma(m); if (s > 0) s else NA }": None,
    "function(m) model.frame(m)$Days[2]": None,
}


@pytest.mark.parametrize("text", STATISTICS)
def test_statistics_that_analysts_write_pass(text):
    result = sleep_fit().bootstrap(n_sim=1, seed=1, statistic=text)
    value = STATISTICS[text]
    if value is not None:
        fixed = [row.estimate for row in sleep_fit().fixed_effects("none").rows]
        assert result.observed[0] == value(fixed)


def test_a_variable_without_a_value_is_no_function():
    text = "function(fit) { x <- beta; beta <- 1; x }"
    with pytest.raises(RError, match="object 'beta' not found"):
        sleep_fit().bootstrap(n_sim=1, seed=1, statistic=text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("function(fit) { log <- 1; fixef(fit) }", r"'log' to a value.*'log_1'"),
        ("function(fit) { x <- fixef; 1 }", r"takes 'fixef' for a value"),
        ("function(fit) outer(1, 2, '+')", r"outer\(x, y\)"),
        ("function(fit) { class(fit) <- 'x'; 1 }", r"replaces a part of a variable by 'class'"),
        ("function(fit) { fit[1] <- 2; 1 }", r"changes 'fit', the fit"),
        ("function(fit) cat(1)", r"allow_functions=\('cat',\)"),
    ],
)
def test_what_a_statistic_may_not_do_is_said(text, said):
    with pytest.raises(FormulaError, match=said):
        sleep_fit().bootstrap(n_sim=1, seed=1, statistic=text)
