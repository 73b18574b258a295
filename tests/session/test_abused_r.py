"""R code that fails, floods, recurses, asks or quits: an error of ours, and R as good as before.

One process takes most of the faults in turn, and fits the classic model between them; it writes
down what came of each, and the tests read that.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from helpers import REFERENCES
from helpers.abuse import CATCH, abused

pytestmark = pytest.mark.r

RUN = f"""
from pymer_bridge.errors import PymerError
from pymer_bridge.session.r_session import session
here = session().call("environment", fun=None).value
session().call("sys.source", file={str(REFERENCES / "faults.R")!r}, envir=here)
run_code = session().call("get", x="run_code", envir=here).value
def run(code):
    return session().call("do.call", what=run_code, args={{"code": code}})
"""

# R code, and what the error that comes of it says; None where R goes on.
FAULTS: dict[str, tuple[str, str | None]] = {
    "no message": ("stop()", ""),
    "an empty message": ("stop('', call. = FALSE)", "(R gave no message)"),
    "no call": ("stop('plain', call. = FALSE)", "plain"),
    "a long message": ("stop(structure(class = c('error', 'condition'), "
                       "list(message = strrep('x', 1e7), call = NULL)))", "9900000 more"),
    "a message of two": ("stop(structure(class = c('my', 'error', 'condition'), "
                         "list(message = c('one', 'two'), call = NULL)))", "one\ntwo"),
    "a message of NULL": ("stop(structure(class = c('my', 'error', 'condition'), "
                          "list(message = NULL, call = NULL)))", ""),
    "a message that is a list": ("stop(structure(class = c('my', 'error', 'condition'), "
                                 "list(message = list(1, 'a', mean), call = NULL)))", ""),
    "a message that is NA": ("stop(structure(class = c('my', 'error', 'condition'), "
                             "list(message = NA_character_, call = NULL)))", ""),
    "a message that cannot be told": (
        "conditionMessage.mute <<- function(c) stop('mute'); "
        "stop(structure(class = c('mute', 'error', 'condition'), list()))", "mute"),
    "a call that is none": ("stop(structure(class = c('my', 'error', 'condition'), "
                            "list(message = 'odd call', call = 1:10)))", "odd call"),
    "bytes that are no letters": ("stop('\\xe9\\xff bytes')", "bytes"),
    "latin 1": ("x <- '\\xe9t\\xe9'; Encoding(x) <- 'latin1'; stop(x)", "été"),
    "raw bytes": ("x <- '\\xe9'; Encoding(x) <- 'bytes'; stop('raw ', x)", "raw"),
    "many letters": ("stop('日本 \U0001f600 é')", "日本 \U0001f600 é"),
    "a condition of a class of its own": (
        "stop(structure(class = c('mine', 'condition'), list(message = 'own', call = NULL)))",
        "own"),
    "a signal nobody takes": ("signalCondition(simpleCondition('x')); 1", None),
    "a warning": ("warning('\\xe9'); 1", None),
    "a warning as an error": ("options(warn = 2); warning('w'); 1", None),
    "a warning by C": ("as.integer('x'); 1", None),
    "an error by C": (".Call('nosuch')", "nosuch"),
    "an error of LAPACK": ("solve(matrix(0, 2, 2))", "singular"),
    "an error within a handler": (
        "withCallingHandlers(stop('a'), error = function(e) stop('within'))", "within"),
    "an error within a warning's handler": (
        "withCallingHandlers(warning('a'), warning = function(w) stop('within'))", "within"),
    "an error at the exit": ("f <- function() { on.exit(stop('at exit')); 1 }; f()", "at exit"),
    "an error in a finalizer": (
        "e <- new.env(); reg.finalizer(e, function(x) stop('final')); rm(e); gc(); 1", None),
    "an error caught": ("try(stop('tried')); 1", None),
    "an error in an active binding": (
        "makeActiveBinding('b', function() stop('bound'), environment()); b", "bound"),
    "an option for errors": ("options(error = quote(q('no'))); stop('e')", "e"),
    "an option that is kept": ("stopifnot(is.null(getOption('error')), getOption('warn') == 0)",
                               None),
    "a restart": ("invokeRestart('abort')", "restart 'abort'"),
    "a restart that is not there": ("invokeRestart('nosuch')", "nosuch"),
    "muffling nothing": ("invokeRestart('muffleWarning')", "muffleWarning"),
    "a break": ("break", "loop"),
    "a return": ("return(1)", None),
    "quit": ("quit()", "quit() is refused"),
    "q": ("q('no', 3, FALSE)", "quit() is refused"),
    "base::quit": ("base::quit(status = 1)", "quit() is refused"),
    "quit by name": ("do.call(get('q', baseenv()), list())", "quit() is refused"),
    "quit in a handler": ("tryCatch(stop('a'), error = function(e) q())", "quit() is refused"),
    "the end of the session": (".Last <<- function() stop('last'); 1", None),
    "browser": ("browser(); 1", None),
    "debug": ("f <- function() 1; debug(f); f()", None),
    "recover": ("options(error = recover); stop('no recovery')", "no recovery"),
    "readline": ("stopifnot(readline('? ') == '')", None),
    "menu": ("utils::menu(c('a', 'b'))", "non-interactively"),
    "readLines": ("readLines(stdin(), 1); scan(file = '', n = 1, quiet = TRUE); 1", None),
    "a yes or no": ("utils::askYesNo('well?'); 1", None),
    "choosing a file": ("file.choose()", "cancelled"),
    "showing a file": ("f <- tempfile(); writeLines('x', f); file.show(f); 1", None),
    "no memory": ("numeric(1e15)", "cannot allocate"),
    "no memory for a matrix": ("matrix(0, 1e6, 1e8)", ""),
    "no memory within R's limit": (
        "old <- mem.maxVSize(); on.exit(mem.maxVSize(old)); mem.maxVSize(300); numeric(1e8)",
        "memory"),
    "recursion": ("f <- function(n) f(n + 1); f(1)", "nested too deeply"),
    "recursion without a limit": (
        "options(expressions = 500000); f <- function(n) f(n + 1); f(1)", ""),
    "recursion by handlers": (
        "f <- function() tryCatch(f(), error = function(e) stop(e)); f()", ""),
    "recursion by methods in C": (
        "as.character.deep <<- function(x, ...) sprintf('%s', x); "
        "sprintf('%s', structure(1, class = 'deep'))", "stack"),
    "recursion by lapply": ("f <- function(x) lapply(x, f); f <- function(x) lapply(1, f); f(1)",
                            ""),
    "recursion by promises": ("f <- function(x = f()) x; f()", ""),
    "recursion by eval": ("x <- quote(eval(x)); eval(x)", ""),
    "recursion in a regular expression": (
        "grepl('^(a|b)*$', strrep('ab', 1e6), perl = TRUE); 1", None),
    "deep lists": ("x <- list(); for (i in 1:1e5) x <- list(x); serialize(x, NULL); 1", None),
    "deep code": ("parse(text = paste0(strrep('(', 1e5), strrep(')', 1e5)))", ""),
    "a flood by cat": ("for (i in 1:1000) cat(strrep('f', 1e5)); 1", None),
    "a flood by print": ("for (i in 1:400) print(strrep('日', 5000)); 1", None),
    "a flood of messages": ("for (i in 1:15000) message('flood ', i); 1", None),
    "a flood of warnings": ("for (i in 1:15000) warning('flood ', i); 1", None),
    "a flood in one message": ("for (i in 1:100) message(strrep('m', 1e6)); 1", None),
    "a flood on stderr": ("for (i in 1:100) cat(strrep('e', 1e6), file = stderr()); 1", None),
    "odd bytes printed": ("cat('\\xe9\\xff\\n'); cat(rawToChar(as.raw(c(0xe6, 0x97)))); 1", None),
    "output elsewhere": ("sink(tempfile()); cat('x'); sink(); 1", None),
    "another locale": ("Sys.setlocale('LC_COLLATE', 'C'); suppressWarnings("
                       "Sys.setlocale('LC_NUMERIC', 'de_DE.UTF-8')); 1", None),
    "other random numbers": ("RNGkind('Wichmann-Hill'); RNGkind('default'); 1", None),
    "another folder": ("old <- setwd(tempdir()); setwd(old); 1", None),
    "a name masked": ("for (name in c('c', 'T', 'lmer', 'mean', 'list')) "
                      "assign(name, stop, globalenv()); 1", None),
    "a package attached": ("library(splines); library(stats4); 1", None),
    "a package that is missing": ("library(nosuchpackage)", "nosuchpackage"),
    "a library that is missing": ("dyn.load('/nosuch.so')", "nosuch.so"),
    "a file that is missing": ("file('/nosuch/file', 'r')", "cannot open"),
    "time over": ("setTimeLimit(elapsed = 0.2, transient = TRUE); repeat 1", "time limit"),
    "a bad argument of C": (".Internal(nchar())", ""),
}  # fmt: skip

EVERY = 10
"""So many faults lie between two fits; there is one after the last, too."""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of each fault, in one process that took them all."""
    folder = tmp_path_factory.mktemp("faults")
    (folder / "faults.json").write_text(json.dumps(FAULTS))
    abused(
        RUN
        + f"""
import json, resource
from pathlib import Path
from helpers.sound import figures
first, answers = figures(), dict()
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
for i, (name, (code, _)) in enumerate(json.loads(Path("faults.json").read_text()).items()):
    before = peak()
    try:
        outcome = run(code)
    except PymerError as error:
        answer = dict(error=str(error), kind=type(error).__name__)
    else:
        answer = dict(error=None, output=outcome.output, said=len(outcome.messages),
                      warned=len(outcome.warnings),
                      last=[c.message[-60:] for c in (*outcome.messages, *outcome.warnings)][-1:],
                      text=sum(len(c.message) for c in (*outcome.messages, *outcome.warnings)))
    assert session().call("sum", x=[1, 2]).value[0] == 3
    answers[name] = answer | dict(peak=peak() - before)
    Path("answers.json").write_text(json.dumps(answers))
    assert i % {EVERY} or figures() == first, name
""",
        folder,
        cwd=folder,
    )
    found: dict[str, Any] = json.loads((folder / "answers.json").read_text())
    assert list(found) == list(FAULTS)
    return found


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_survived(name, answers):
    expected, answer = FAULTS[name][1], answers[name]
    if expected is None:
        assert answer["error"] is None
    else:
        assert answer["kind"] == "RError"
        assert expected in answer["error"]
        assert len(answer["error"]) < 150_000
        assert "rpy2" not in answer["error"]


MOST = 2**20 + 100


@pytest.mark.parametrize("name", [name for name in FAULTS if "flood" in name])
def test_floods_are_kept_within_bounds(name, answers):
    answer = answers[name]
    assert answer["peak"] < 150  # megabytes
    assert len(answer["output"]) <= MOST
    assert answer["text"] <= 2**22 + 200_000
    if name in ("a flood of messages", "a flood of warnings"):
        assert answer["said"] + answer["warned"] == 10_001
        assert answer["last"] == ["... and 5000 more"]
    elif "message" not in name:
        assert answer["output"].endswith("more characters]\n")


def test_odd_bytes_are_no_error(answers):
    assert answers["odd bytes printed"]["output"] == "\ufffd\ufffd\n\ufffd"


# -- what users can reach --------------------------------------------------------------------------


NEXT = "=" * 60
ATTEMPTS = [
    ("lmer", "Reaction ~ q() + (1 | Subject)", ()),
    ("lmer", "Reaction ~ I(quit('no')) + (1 | Subject)", ()),
    ("lmer", "Reaction ~ base::q() + (1 | Subject)", ()),
    ("lmer", "Reaction ~ Days + (1 | Subject)", ("q",)),
    ("lmer", "Reaction ~ q() + (1 | Subject)", ("quit", "q", "base::quit")),
    ("lmer", "Reaction ~ get('q')() + (1 | Subject)", ("get", "<get(\"q\")>")),
    ("lmer", "Reaction ~ do.call('q', c()) + (1 | Subject)", ("do.call",)),
    ("lmer", "Reaction ~ eval(str2lang('quit()')) + (1 | Subject)", ("eval", "str2lang")),
    ("lmer", "Reaction ~ base::do.call(base::get('q'), c()) + (1 | Subject)",
     ("base::do.call", "base::get")),
    ("bootstrap", "function(fit) q()", ()),
    ("bootstrap", "function(fit) sigma(fit)", ("quit",)),
    ("bootstrap", "function(fit) do.call('q', list())", ("do.call",)),
    ("bootstrap", "function(fit) { eval(str2lang('quit()')); sigma(fit) }",
     ("eval", "str2lang")),
    ("bootstrap", "function(fit = q()) sigma(fit)", ()),
]  # fmt: skip

TERMS = 10_000
FORMULAS = {
    "one column": ("+ ".join(["Days"] * TERMS), "FormulaError"),
    "one sum": ("I(" + "+".join(["Days"] * TERMS) + ")", "FormulaError"),
    "numbers": ("Days +" + "+".join(["0"] * TERMS), "FormulaError"),
    "interactions": (":".join(["Days"] * TERMS), "FormulaError"),
    "nested": ("(" * TERMS + "Days" + ")" * TERMS, "FormulaError"),
    "random terms": ("Days + " + "+".join(["(1|x)"] * TERMS), "FormulaError"),
    "columns": ("+".join(f"x{i}" for i in range(TERMS)), "FormulaError"),
    "arguments": ("pmin(" + ",".join(["Days"] * TERMS) + ")", "RError"),  # a name too long for R
}


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what one program prints that tries all of it."""
    given = [f"Reaction ~ {right} + (1 | Subject)" for right, _ in FORMULAS.values()]
    out = abused(
        CATCH
        + f"""
import time, warnings
import pymer_bridge as pb
data = pb.load_dataset("sleepstudy")
fit = pb.lmer("Reaction ~ Days + (1 | Subject)", data)
for kind, text, allowed in {ATTEMPTS!r}:
    if kind == "lmer":
        caught(lambda: pb.lmer(text, data, allow_functions=allowed))
    else:
        caught(lambda: fit.bootstrap(n_sim=3, seed=1, statistic=text, allow_functions=allowed))
caught(lambda: pb.lmer("Reaction ~ Days + (1 | Subject)", data, weights="q()"))
caught(lambda: pb.lmer("Reaction ~ Days + (1 | Subject)", data, subset="quit()"))
caught(lambda: pb.lmer("Reaction ~ Days + (1 | Subject)", data, offset="q()"))
caught(lambda: fit.update(". ~ . + q()"))
print({NEXT!r})
text = '''function(fit) {{ for (i in 1:50) cat(strrep("x", 1e5)); print(fit)
                          message("said"); browser(); readline(); sigma(fit) }}'''
allowed = ("cat", "strrep", "print", "message", "browser", "readline", ":")
with warnings.catch_warnings():
    warnings.simplefilter("ignore", pb.PymerWarning)
    result = fit.bootstrap(n_sim=10, seed=1, statistic=text, allow_functions=allowed)
    plain = fit.bootstrap(n_sim=10, seed=1, statistic="function(fit) sigma(fit)")
    failing = fit.bootstrap(n_sim=10, seed=1, statistic=
        "function(fit) if (sigma(fit) > 31) stop('too large') else sigma(fit)",
        allow_functions=("stop",))
assert (result.replicates == plain.replicates).all()
print(failing.counts)
print({NEXT!r})
data = data.assign(x="a")
for text in {given!r}:
    began = time.process_time()
    caught(lambda: pb.lmer(text, data))
    assert time.process_time() - began < 20, text[:60]
""",
        tmp_path_factory.mktemp("reached"),
    )
    return dict(zip(("attempts", "statistic", "formulas"), out.split(f"{NEXT}\n"), strict=True))


def test_nothing_that_a_user_gives_quits(reached: dict[str, str]) -> None:
    out = reached["attempts"]
    answers = [line for line in out.splitlines() if line.split()[0].endswith("Error")]
    assert len(answers) == len(ATTEMPTS) + 4, out
    assert "no error" not in out
    assert out.count("end the Python process") >= 6


def test_a_statistic_that_floods_and_fails(reached: dict[str, str]) -> None:
    assert len(reached["statistic"]) < 1000


def test_formulas_of_ten_thousand_terms(reached: dict[str, str]) -> None:
    """Each has a clear outcome within seconds, and the error's text is short."""
    out = reached["formulas"]
    kinds = [
        word
        for line in out.splitlines()
        if (word := line.split(" ")[0]).endswith("Error") or line == "no error"
    ]
    wanted = [kind if kind != "no error" else "no" for _, kind in FORMULAS.values()]
    assert kinds == wanted, out
    assert len(out) < 12_000
    assert "deep" in out


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ten_thousand_columns_can_be_interrupted(tmp_path):
    out = abused(
        """
import os, signal, threading, time
import numpy as np, pandas as pd
import pymer_bridge as pb
rng = np.random.default_rng(1)
wide = pd.DataFrame(rng.normal(size=(200, 10_000)), columns=[f"x{i}" for i in range(10_000)])
wide = wide.assign(g=np.resize(list("abcdefgh"), 200))
signal.signal(signal.SIGINT, signal.default_int_handler)
pb.load_dataset("sleepstudy")
threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT)).start()
began = time.monotonic()
try:
    while True:
        try:
            pb.lmer("x0 ~ . - g + (1 | g)", wide)
        except pb.PymerError as error:
            pass
except KeyboardInterrupt:
    print(time.monotonic() - began)
""",
        tmp_path,
    )
    assert float(out) < 20
