"""Whatever is given beside formulas, files too, runs nothing: each attempt would leave a trace.

``spec/test_formula_safety.py`` holds the attempts through formulas and names of columns.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import REFERENCES, hostile
from helpers.forgery import edited, forged
from helpers.pages import BLOCKS
from helpers.probing import plain_r
from pymer_bridge.cli.commands import main
from pymer_bridge.data import model_file
from pymer_bridge.errors import (
    FileError,
    FormulaError,
    FrozenError,
    PymerError,
    RError,
    RWarning,
    UnknownNameError,
)
from pymer_bridge.models.preparing import check_text
from pymer_bridge.session import installation
from pymer_bridge.session.r_session import session
from pymer_bridge.session.read_data import read_data

pytestmark = [pytest.mark.r, pytest.mark.filterwarnings("ignore::pymer_bridge.errors.PymerWarning")]

CALL = "c(file.create('PATH'), Sys.setenv(PYMER_CANARY = 'x'), assign('canary', 1, globalenv()))"
PAYLOADS = [
    "CALL", "system('touch PATH')", "shell('touch PATH')", "do.call('file.create', list('PATH'))",
    "get('file.create')('PATH')", "`file.create`('PATH')", "base::file.create('PATH')",
    "base:::file.create('PATH')", "'base'::'file.create'('PATH')", "baseenv()$file.create('PATH')",
    "asNamespace('base')@file.create('PATH')", "(\\(x) CALL)(1)", "\\(x) CALL", "function(x) CALL",
    "(function(x) CALL)(1)", "I(CALL)", "`levels<-`(recipe, CALL)", "body(log) <- quote(CALL)",
    "~ CALL",
    "y ~ CALL", ". ~ . + CALL", ". ~ . - CALL", "{CALL}", "recipe; CALL", "recipe\nCALL",
    "recipe # \nCALL",
    "recipe\r\nCALL", "recipe + CALL", "recipe | CALL", "(1 | CALL)", "\\u0073ystem('touch PATH')",
    "`\\u0073ystem`('touch PATH')", "'system'('touch PATH')", "\"\\u0073ystem\"('touch PATH')",
    "(system)('touch PATH')", "((\\(x) x)(system))('touch PATH')", "r\"(system)\"('touch PATH')",
    "'PATH' |> file.create()", "recipe %do% CALL", "with(recipe, CALL)", "local(CALL)",
    "Recall(CALL)",
    "match.fun('file.create')('PATH')", "Reduce(file.create, 'PATH')",
    "sapply('PATH', file.create)",
    "Map(file.create, 'PATH')", "poly(temp, degree = CALL)", "offset(CALL)",
    "eval(parse(text = \"CALL\"))",
    "evalq(CALL, globalenv())", "source('PATH')", "delayedAssign('x', CALL)",
    "structure(1, class = CALL)",
    "\u0455ystem('touch PATH')", "\uff53\uff59\uff53\uff54\uff45\uff4d('touch PATH')",
    "s\u200bystem('touch PATH')", "\ufeffCALL", "\u202eCALL",
    "x'); CALL; ('", 'x"); CALL; ("', "x`); CALL; (`", "x]; CALL; [", "x}\nCALL\n{",
    "x\\'); CALL #",
    'x\\"); CALL #', "'; CALL; '", "\n\nCALL\n\n", "#\nCALL", ".DATA.", ".LEVELS.); CALL; (",
    "%s%n%d",
    "$(touch PATH)", "`touch PATH`", "| touch PATH", "; touch PATH", "&& touch PATH", "-e CALL",
    "--args",
    "__import__('os').system('touch PATH')", "{0.__class__}", "os.system", "builtins.exec",
    "pickle.loads", "<script>CALL</script>", "<img src=x onerror=alert(1)>", "\\input{|touch PATH}",
    "\\write18{touch PATH}", "quit()", "q('no')", "stop('x')", "browser()", "file.create", "system",
    "eval",
    "../../PATH", "", " ", "\x00", "\ud800", "'", '"', "`", "\\",
]  # fmt: skip


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[Trap]:
    """Give what says whether something ran; R is sound afterwards."""
    trap = Trap(tmp_path / "canary")
    yield trap
    trap.look()
    assert session().call("nchar", x="sound").value.tolist() == [5]


def in_workspace(name: str) -> bool:
    """Say whether R's workspace has something of this name."""
    workspace = session().call("globalenv").value
    return bool(session().call("exists", x=name, envir=workspace, inherits=False).value[0])


class Trap:
    """Traces that an attempt would leave: a file, a variable of the process, one of R."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tried = 0

    def arm(self, payload: str) -> str:
        """Return an attempt that would leave them."""
        return payload.replace("CALL", CALL).replace("PATH", str(self.path))

    def look(self) -> None:
        """Assert that there is none."""
        assert not self.path.exists(), "a file was made"
        assert "PYMER_CANARY" not in os.environ
        assert session().call("Sys.getenv", x="PYMER_CANARY").value == ("",)
        assert not in_workspace("canary")

    def spring(
        self, attempt: Callable[[str], Any], payloads: list[str] | None = None, ours: Any = ()
    ) -> int:
        """Make each attempt: it runs nothing, and ends in an answer or in one of our errors."""
        refused = 0
        for payload in payloads or PAYLOADS:
            self.tried += 1
            try:
                attempt(self.arm(payload))
            except (PymerError, OSError, *ours):
                refused += 1
            except BaseException as error:
                raise AssertionError(f"{payload!r} ends in {error!r}") from error
            self.look()
        return refused


@cache
def dataset(name: str) -> pd.DataFrame:
    return pb.load_dataset(name, package="lme4")


@cache
def cake() -> Any:
    return pb.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", dataset("cake"))


@cache
def without_recipe() -> Any:
    return pb.lmer("angle ~ temp + (1 | recipe:replicate)", dataset("cake"))


def test_the_trap_works(trap):
    """What would run leaves each trace."""
    text = trap.arm("CALL")
    session().call("eval", expr=session().call("str2lang", s=text).value)
    with pytest.raises(AssertionError):
        trap.look()
    assert session().call("Sys.getenv", x="PYMER_CANARY").value == ("x",)
    assert in_workspace("canary")
    trap.path.unlink()
    session().call("Sys.unsetenv", x="PYMER_CANARY")
    session().call("rm", list="canary", envir=session().call("globalenv").value)


# -- arguments -------------------------------------------------------------------------------------

SLEEP = "Reaction ~ Days + (1 | Subject)"


def lmer(**options: Any) -> Any:
    return pb.lmer(options.pop("formula", SLEEP), dataset("sleepstudy"), **options)


def glmer(**options: Any) -> Any:
    given = {"family": "binomial", **options}
    return pb.glmer("incidence / size ~ period + (1 | herd)", dataset("cbpp"), **given)


OF_A_FIT = {
    "weights": lambda text: lmer(weights=text),
    "offset": lambda text: lmer(offset=text),
    "subset": lambda text: lmer(subset=text),
    "na_action": lambda text: lmer(na_action=text),
    "data_name": lambda text: lmer(data_name=text),
    "reml": lambda text: lmer(reml=text),
    "start": lambda text: lmer(start=[text]),
    "contrasts of a name": lambda text: lmer(contrasts={text: "contr.sum"}),
    "contrasts by name": lambda text: lmer(contrasts={"Subject": text}),
    "contrasts, dimnames": lambda text: lmer(
        formula="Reaction ~ f + (1 | Subject)",
        contrasts={"f": pd.DataFrame([[1.0], [-1.0]], columns=[text])},
    ),
    "control": lambda text: lmer(control=text),
    "optimizer": lambda text: lmer(control=pb.lmer_control(text)),
    "optimizers of glmer": lambda text: glmer(control=pb.glmer_control(["bobyqa", text])),
    "option of an optimizer": lambda text: lmer(control=pb.lmer_control(optCtrl={text: 1})),
    "value of an option": lambda text: lmer(control=pb.lmer_control(optCtrl={"algorithm": text})),
    "a check": lambda text: lmer(control=pb.lmer_control(check_conv_grad=text)),
    "family": lambda text: glmer(family=text),
    "link": lambda text: glmer(link=text),
    "theta": pb.negative_binomial,
    "link of the negative binomial": lambda text: pb.negative_binomial(1.0, text),
    "n_agq": lambda text: glmer(n_agq=text),
    "start of nlmer": lambda text: pb.nlmer(
        "circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree",
        pb.load_dataset("Orange", "datasets"), start={"Asym": 200, text: 725, "scal": 350},
    ),
    "formula of lm": lambda text: pb.lm(text, dataset("sleepstudy")),
    "term of lm": lambda text: pb.lm(f"Reaction ~ Days + {text}", dataset("sleepstudy")),
    "formula of lm_list": lambda text: pb.lm_list(f"Reaction ~ Days | {text}",
    dataset("sleepstudy")),
    "formula of nlmer": lambda text: pb.nlmer(
        f"Reaction ~ {text} ~ a | Subject", dataset("sleepstudy"), start={"a": 1.0}
    ),
    "fit_many": lambda text: pb.fit_many(SLEEP, dataset("sleepstudy"), ["Reaction", text]),
    "formula of fit_many": lambda text: pb.fit_many(text, dataset("sleepstudy"), ["Reaction"]),
    "data set": pb.load_dataset,
    "package": lambda text: pb.load_dataset("sleepstudy", text),
    "file of data": read_data,
    "seed": pb.simulate_childread,
    "data": lambda text: pb.lmer(SLEEP, text),
    "update": lambda text: cake().update(text),
    "update of weights": lambda text: cake().update(weights=text),
    "update of anything": lambda text: cake().update(**{text: text}),
    "refit": lambda text: cake().refit([text] * 270),
    "drop1": lambda text: cake().drop1(scope=(text,)),
    "anova, type": lambda text: cake().anova(type=text),
    "anova, names": lambda text: pb.anova(cake(), without_recipe(), names=[text, text]),
    "ddf": lambda text: cake().fixed_effects(text),
    "summary": lambda text: cake().summary(text),
    "confint": lambda text: cake().confint("wald", parameters=text),
    "confint, method": lambda text: cake().confint(text),
    "profile": lambda text: cake().profile(text),
    "contest": lambda text: cake().contest({text: 1.0}),
    "contest, weights": lambda text: cake().contest({"temp": text}),
    "contest, rhs": lambda text: cake().contest({"temp": 1.0}, rhs=text),
    "step, keep": lambda text: cake().step(keep=(text,)),
    "emmeans": lambda text: cake().emmeans(text),
    "emmeans, by": lambda text: cake().emmeans("recipe", by=text),
    "emmeans, at": lambda text: cake().emmeans("recipe", at={"temp": [text]}),
    "emmeans, at a name": lambda text: cake().emmeans("recipe", at={text: [1.0]}),
    "emmeans, adjust": lambda text: cake().emmeans("recipe", adjust=text),
    "emtrends": lambda text: cake().emtrends("recipe", text),
    "contrast": lambda text: cake().emmeans("recipe").contrast(text),
    "effect": lambda text: cake().effect(text),
    "effect, at": lambda text: cake().effect("temp", at={"recipe": text}),
    "report": lambda text: cake().report(text),
    "tidy": lambda text: cake().tidy(text),
    "residuals": lambda text: cake().residuals(text),
    "get_me": lambda text: cake().get_me(text),
    "influence": lambda text: cake().influence(text),
    "pooling": lambda text: cake().pooling(group=text, predictor=text),
    "predict, re_form": lambda text: cake().predict(re_form=text),
    "predict, type": lambda text: cake().predict(type=text),
    "predict, level": lambda text: cake().predict(dataset("cake").head(2).assign(recipe=text)),
    "predict, number": lambda text: cake().predict(dataset("cake").head(2).assign(temp=text)),
    "predict, name": lambda text: cake().predict(dataset("cake").head(2).assign(**{text: 1.0})),
    "simulate, re_form": lambda text: cake().simulate(1, re_form=text),
    "bootstrap, kind": lambda text: cake().bootstrap(text, n_sim=1, seed=1),
    "bootstrap, statistic": lambda text: cake().bootstrap(n_sim=1, seed=1, statistic=text),
    "bootstrap, function": lambda text: cake().bootstrap(
        n_sim=1, seed=1, statistic=f"function(fit) c(fixef(fit), {text})"
    ),
    "bootstrap, default": lambda text: cake().bootstrap(
        n_sim=1, seed=1, statistic=f"function(fit, x = {text}) fixef(fit)"
    ),
    "bootstrap, resample": lambda text: cake().bootstrap(
        "case", n_sim=1, seed=1, resample={text: True}
    ),
    "kr_modcomp": lambda text: pb.kr_modcomp(cake(), text),
    "sat_modcomp": lambda text: pb.sat_modcomp(cake(), text),
    "pb_modcomp": lambda text: pb.pb_modcomp(cake(), text, n_sim=1, seed=1),
    "compare_inference": lambda text: pb.compare_inference(cake(), text, methods="normal"),
    "routes": lambda text: pb.compare_inference(cake(), "temp", methods=text),
    "all_fit": lambda text: cake().all_fit(text),
    "model_table, names": lambda text: pb.model_table(cake(), names=[text]),
    "model_table, labels": lambda text: pb.model_table(cake(), labels={"temp": text, text: text}),
    "model_table, format": lambda text: pb.model_table(cake(), format=text),
    "checkpoint": lambda text: cake().bootstrap(n_sim=1, seed=1, checkpoint=_within(text)),
    "save": lambda text: pb.load(cake().save(_within(text))),
    "save_rds": lambda text: cake().save_rds(_within(text)),
    "script": lambda text: cake().to_r_script(_within(text), data="rds"),
    "record": lambda text: pb.record(cake(), _within(text), source=text),
    "load": pb.load,
    "load_rds": lambda text: pb.load_rds(text, trust=True),
    "verify_record": pb.verify_record,
    "tolerance": lambda text: pb.verify_record(_record(), tolerance={text: 1.0}),
    "allow_functions": lambda text: lmer(allow_functions=(text,)),
    "allow_functions, one": lambda text: lmer(allow_functions=text),
    "row vector": lambda text: lmer(weights=[text] * 180),
}  # fmt: skip
SLOW = {name for name in OF_A_FIT if name.startswith(("emm", "contrast", "step", "bootstrap"))} | {
    "profile",
    "save",
    "script",
    "save_rds",
    "update of anything",
    "checkpoint",
    "refit",
    "record",
    "option of an optimizer",
    "confint",
    "drop1",
    "value of an option",
    "a check",
    "allow_functions",
    "tolerance",
    "predict, name",
    "effect",
}
"""Of these, which fit, write or wait for R each time, every ninth payload is tried."""
OF_PANDAS = {"predict, level", "predict, number", "predict, name", "contrasts, dimnames"}
"""In these pandas itself refuses a text that is not Unicode."""
LOOKED_UP = {"report", "compare_inference"}
"""Where a term is not there these raise Python's KeyError, as their documentation says."""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _within(text: str) -> Path:
    """Return a file of this name in the folder of the test."""
    return Path.cwd() / (text.replace("/", "_").encode("utf-8", "replace").decode()[:80] or "empty")


@cache
def _record_text() -> str:
    path = pb.record(cake(), Path.cwd() / "kept.pbr.json", source="lme4::cake")
    return path.read_text()


def _record() -> Path:
    path = Path.cwd() / "kept.pbr.json"
    path.write_text(_record_text())
    return path


@pytest.mark.r("lmerTest")
@pytest.mark.r("pbkrtest")
@pytest.mark.r("emmeans")
@pytest.mark.r("effects")
@pytest.mark.parametrize("name", list(OF_A_FIT))
def test_no_argument_runs_anything(name, trap):
    payloads = PAYLOADS[::9] if name in SLOW else PAYLOADS[::2]
    if name in OF_PANDAS:
        payloads = [payload for payload in payloads if payload != "\ud800"]
    trap.spring(OF_A_FIT[name], payloads, (KeyError,) if name in LOOKED_UP else ())
    assert trap.tried >= 10


# -- data: names, levels, labels -------------------------------------------------------------------


def crossing(trap: Trap) -> list[str]:
    """Return the payloads that R can hold, armed."""
    texts = dict.fromkeys(trap.arm(payload) for payload in PAYLOADS)
    return [
        t for t in texts if t and "\0" not in t and not any(0xD800 <= ord(c) < 0xE000 for c in t)
    ]


def hostile_frame(trap: Trap) -> pd.DataFrame:
    """Return data whose levels are all attempts, in a category and in strings."""
    rng = np.random.default_rng(3)
    levels = crossing(trap)
    n = 4 * len(levels)
    g = np.tile(levels, 4)
    effect = dict(zip(levels, rng.normal(size=len(levels)), strict=True))
    frame = pd.DataFrame(
        {
            "y": [effect[level] for level in g] + rng.normal(size=n),
            "x": rng.normal(size=n),
            "g": g,
            "f": pd.Categorical(np.repeat(levels[:4], len(levels)), categories=levels[:4]),
        }
    )
    frame.index = pd.Index(np.tile(levels, 4))
    frame.attrs["name"] = trap.arm("x); CALL; (x")
    return frame


def names_that_cross(trap: Trap) -> list[str]:
    """Return the payloads that pass as names of columns of a fitted formula."""
    found = []
    for name in crossing(trap):
        quoted = name.replace("\\", "\\\\").replace("`", "\\`")
        data = pd.DataFrame({"y": [1.0, 2.0, 4.0], name: [1.0, 2.0, 2.5]})
        try:
            pb.lm(f"y ~ `{quoted}`", data)
        except PymerError:
            continue
        finally:
            trap.look()
        found.append(name)
    return found


def hostile_models(trap: Trap, most: int = 3) -> Iterator[Any]:
    """Yield models whose levels, and names of columns, are attempts, and what is asked of them."""
    frame = hostile_frame(trap)
    fit = pb.lmer("y ~ x + f + (1 | g)", frame)
    yield fit
    yield from asked_of(fit, "f")
    rng = np.random.default_rng(4)
    names = names_that_cross(trap)
    assert len(names) >= 10
    for i in range(0, len(names) - 1, 4):
        chosen = names[i : i + 2]
        data = pd.DataFrame(
            {
                "y": rng.normal(size=60),
                chosen[0]: rng.normal(size=60),
                chosen[-1] if len(chosen) > 1 else "g": np.tile(crossing(trap)[:6], 10),
            }
        )
        quoted = ["`" + n.replace("\\", "\\\\").replace("`", "\\`") + "`" for n in data.columns[1:]]
        try:
            fit = pb.lmer(f"y ~ {quoted[0]} + (1 | {quoted[1]})", data)
        except PymerError:
            continue
        yield fit
        if most > 0:
            yield from asked_of(fit, data.columns[1])
        most -= 1


def asked_of(fit: Any, predictor: str) -> Iterator[Any]:
    """Ask a model for everything that is shown."""
    questions: list[Callable[[], Any]] = [
        fit.summary, fit.fixed_effects, lambda: fit.variance_components, lambda: fit.random_effects,
        lambda: fit.group_coefficients, lambda: fit.convergence, lambda: fit.fit_statistics,
        fit.anova,
        fit.ranova, fit.drop1, lambda: fit.confint("wald"), lambda: fit.emmeans(predictor),
        lambda: fit.emmeans(predictor).contrast("pairwise"), lambda: fit.effect(predictor),
        lambda: fit.covariances,
        lambda: fit.contest(np.eye(len(fit.fixed_effects("none").rows))[:1].tolist()),
        lambda: fit.bootstrap(n_sim=2, seed=1), lambda: pb.model_table(fit), fit.tidy, fit.augment,
        lambda: fit.simulate(1, seed=1), lambda: fit.update(". ~ ."), fit.step, fit.re_pca,
            fit.pooling,
        lambda: fit.report(fit.fixed_effects("none").rows[-1].term), fit.icc, lambda: fit.vcov,
    ]  # fmt: skip
    for question in questions:
        try:
            yield question()
        except PymerError:
            continue


class Page(HTMLParser):
    """What a page would do: its tags, and attributes that run or fetch something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.bad: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.bad += [
            f"{tag} {name}"
            for name, _ in attrs
            if name.startswith("on") or name in ("src", "href", "srcdoc", "action")
        ]


TAGS = {"div", "table", "thead", "tbody", "tr", "th", "td", "caption", "strong", "em", "sub", "sup",
    "span",
        "p", "br", "pre", "code", "h4", "details", "summary", "small", "tfoot", "figure",
        "figcaption"}  # fmt: skip
LATEX = re.compile(
    r"\\(?:input|write|include|openout|immediate|csname|catcode|def|usepackage)(?![a-z])"
)


@pytest.mark.r("lmerTest")
@pytest.mark.r("pbkrtest")
@pytest.mark.r("emmeans")
@pytest.mark.r("effects")
def test_names_and_levels_run_nothing_wherever_they_are_shown(trap):
    shown = 0
    for answer in hostile_models(trap, 1):
        trap.look()
        if isinstance(answer, str | pd.DataFrame):
            continue
        str(answer)
        if hasattr(answer, "_repr_html_"):
            page = Page(answer._repr_html_())
            assert page.tags <= TAGS, page.tags - TAGS
            assert not page.bad
            shown += 1
        if hasattr(answer, "to_latex"):
            unescaped = answer.to_latex().replace("\\textbackslash", "")
            assert not LATEX.search(unescaped), LATEX.search(unescaped)
        if hasattr(answer, "to_markdown"):
            # What Markdown would take for HTML is escaped, too.
            assert not re.search(r"(?<!\\)<(script|img)", answer.to_markdown())
    assert shown > 30


def run_r(script: Path) -> subprocess.CompletedProcess[str]:
    rscript = Path(str(installation.r_home())) / "bin" / "Rscript"
    libraries = os.pathsep.join(session().call(".libPaths").value)
    return subprocess.run(
        [rscript, "--vanilla", script.name],
        cwd=script.parent,
        capture_output=True,
        text=True,
        env={**os.environ, "R_LIBS": libraries},
        check=False,
        timeout=300,
    )


@pytest.mark.r("lmerTest")
@pytest.mark.r("emmeans")
def test_scripts_run_nothing_but_the_analysis(trap):
    """Names, levels and texts of questions stay in their quotes when R runs the script."""
    fits = []
    for answer in hostile_models(trap, 1):
        if isinstance(answer, pb.LinearMixedModel):
            fits.append(answer)
    scripts = [
        fit.to_r_script(Path.cwd() / f"{i}.R", data=("csv", "rds")[i % 2])
        for i, fit in enumerate(fits[:1] + fits[2::5])
    ]
    probe = Path.cwd() / "all.R"
    lines = []
    for script in scripts:
        lines.append(f"source('{script.name}', encoding = 'UTF-8')")
        lines.append("stopifnot(!exists('canary'), Sys.getenv('PYMER_CANARY') == '')")
        lines.append("rm(list = ls())")
    lines += ["stopifnot(!exists('canary'), Sys.getenv('PYMER_CANARY') == '')", "cat('all ran\\n')"]
    probe.write_text("\n".join(lines) + "\n")
    done = run_r(probe)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "all ran" in done.stdout
    trap.look()
    assert len(scripts) >= 3


# -- files -----------------------------------------------------------------------------------------


def texts_in(document: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the places of all texts of a document, and of its keys."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield from texts_in(value, (*place, key))
    elif isinstance(document, list):
        for i, value in enumerate(document[:3]):
            yield from texts_in(value, (*place, i))
    elif isinstance(document, str):
        yield place


def put(document: Any, place: tuple[Any, ...], value: Any) -> None:
    for step in place[:-1]:
        document = document[step]
    document[place[-1]] = value


IN_A_FILE = ["CALL", "system('touch PATH')", "x'); CALL; ('",
    "__import__('os').system('touch PATH')",
             "os.system", "../../PATH", "~ CALL"]  # fmt: skip


@pytest.mark.r("lmerTest")
def test_no_text_of_a_record_runs_anything(trap):
    path = _record()
    document = json.loads(path.read_text())
    del document["sha256"]
    places = [place for place in texts_in(document) if "figures" not in place][:30]
    places += [place for place in texts_in(document) if "figures" in place][:6]
    assert len(places) > 25
    for i, place in enumerate(places):
        for payload in (IN_A_FILE[0], IN_A_FILE[1 + i % (len(IN_A_FILE) - 1)]):
            hostile = edited(
                path,
                Path.cwd() / "hostile.json",
                lambda d, p=place, t=payload: put(d, p, trap.arm(t)),
            )
            trap.spring(lambda _, file=hostile: pb.verify_record(file), ["CALL"])
    assert trap.tried > 50


def test_no_text_of_a_saved_model_runs_anything(trap):
    path = cake().save(Path.cwd() / "fit.pbr.zip")
    document, _ = model_file.read(path)
    places = [place for place in texts_in(document) if "figures" not in place]
    assert len(places) > 15
    for i, place in enumerate(places):
        for payload in (IN_A_FILE[0], IN_A_FILE[1 + i % (len(IN_A_FILE) - 1)]):
            hostile = forged(
                path,
                Path.cwd() / "hostile.zip",
                lambda d, a, p=place, t=payload: put(d, p, trap.arm(t)),
            )
            trap.spring(lambda _, file=hostile: pb.load(file), ["CALL"])
    assert trap.tried > 30


OF_A_RESULT = [
    *("CALL", "os.system", "builtins.exec", 5, None, [], {}, [["CALL"]], 10**400, True, b"CALL"),
    *({"type": name} for name in ("Path", "FixedEffects", "Popen", ["CALL"], None)),
    {"__reduce__": ["os.system", ["touch PATH"]]},
    {"py/object": "os.system"},
    {"pandas_index": None},
    {"pandas_index": {"range": [0, 10**18, 1], "names": ["CALL"]}},
    {"pandas_index": {"names": ["a"], "labels": ["a"], "dtype": "os.system"}},
    {"pandas_index": {"kind": "datetime", "unit": "s", "ticks": [1], "zone": "/etc/passwd"}},
]


@pytest.mark.parametrize("value", OF_A_RESULT, ids=lambda value: f"{value!s:.40}")
def test_no_part_of_a_result_runs_anything(trap, value):
    for result in (cake().fixed_effects("none"), cake().random_effects, cake().convergence):
        whole = result.to_dict()
        places = [*texts_in(whole), *((key,) for key in whole)]
        for place in places[:60]:
            changed = copy.deepcopy(whole)
            put(changed, place, trap.arm(value) if isinstance(value, str) else value)
            trap.tried += 1
            with contextlib.suppress(ValueError):
                type(result).from_dict(changed)
            trap.look()
    with pytest.raises(ValueError, match=r"schema|result|mapping="):
        type(result).from_dict(value)


def test_reading_an_rds_wants_trust_and_says_what_it_may_do(trap):
    """An .rds is R's own format, in which anything can hide; a user must say that they trust it."""
    path = cake().save_rds(Path.cwd() / "fit.rds")
    for trust in (False, 1, "True", None):
        with pytest.raises(pb.OptionError, match=r"run any code|must be True or False"):
            pb.load_rds(path, trust=trust)


NO_FILES = ["pipe.csv", "folder.csv", "socket.csv", "/dev/zero", "/dev/full", "link to zero.csv"]
READERS: dict[str, tuple[type[Exception], Callable[[str], Any]]] = {
    "load": (pb.ModelFileError, pb.load),
    "load_rds": (pb.ModelFileError, lambda path: pb.load_rds(path, trust=True)),
    "verify_record": (pb.RecordError, pb.verify_record),
    "read_data": (OSError, read_data),
    "checkpoint": (
        pb.CheckpointError,
        lambda path: cake().bootstrap(n_sim=1, seed=1, checkpoint=path),
    ),
}


@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_file_is_refused_and_not_waited_for(reader, short_folder):
    error, read = READERS[reader]
    os.mkfifo("pipe.csv")
    Path("folder.csv").mkdir()
    Path("link to zero.csv").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.csv")
        for name in NO_FILES:
            began = time.monotonic()
            with pytest.raises(error):
                read(name)
            assert time.monotonic() - began < 20


@pytest.fixture
def short_folder(tmp_path_factory, monkeypatch):
    """Go to a folder with a short name, as those of sockets are."""
    monkeypatch.chdir(tmp_path_factory.mktemp("f"))


ZONES = (
    "/etc/passwd|../../etc/passwd|:/etc/passwd|posixrules|Mars/Phobos|UTC; CALL|Europe/Zurich\n|"
    "\x1b[31m|europe/../Europe/Zurich| |Etc"
).split("|")


def test_time_zones_of_files_are_those_that_are_known(trap):
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"y": rng.normal(size=20), "t": pd.date_range("2020", periods=20)})
    data["t"] = data["t"].dt.tz_localize("Europe/Zurich")
    data.index = pd.DatetimeIndex(data["t"], name="when")
    path = pb.lm("y ~ t", data).save(Path.cwd() / "times.pbm")
    assert pb.load(path).columns == ("y", "t")
    document, _ = model_file.read(path)
    (place,) = [place for place in texts_in(document["columns"]) if place[-1] == "timezone"]
    for zone in (*ZONES, 5, None, [], ["UTC"]):
        armed = trap.arm(zone) if isinstance(zone, str) else zone
        changed = forged(
            path, Path("hostile.pbm"), lambda d, _, z=armed: put(d["columns"], place, z)
        )
        with pytest.raises(pb.ModelFileError):
            pb.load(changed)
        if zone not in (None, 5):  # an index may have none, or an offset in seconds
            forged(path, changed, lambda d, _, z=armed: d["index"].update(zone=z))
            with pytest.raises(pb.ModelFileError):
                pb.load(changed)
        trap.look()


@pytest.mark.parametrize("kind", hostile.NAMES)
def test_names_of_columns_in_saved_models_run_nothing(trap, kind):
    rng = np.random.default_rng(1)
    data = pd.DataFrame(rng.normal(size=(20, 4)), columns=["y", "a", "b", "c"])
    path = pb.lm("y ~ .", data).save(Path.cwd() / "whole.pbm")

    def rename(document: Any, names: list[str], formula: str) -> None:
        document["columns"]["names"][1 : len(names) + 1] = names
        document["spec"]["fields"]["formula"] = formula

    for text in hostile.NAMES[kind]:
        names = hostile.names_of(text, trap.path)
        quoted = ["`" + n.replace("\\", "\\\\").replace("`", "\\`") + "`" for n in names]
        for formula in ("y ~ .", "y ~ " + " + ".join(quoted)):
            changed = forged(
                path, Path("hostile.pbm"), lambda d, _, n=names, f=formula: rename(d, n, f)
            )
            with pytest.raises(FormulaError, match="rename"):
                pb.load(changed)
            trap.look()


@pytest.mark.parametrize("ending", ["parquet", "xlsx", "csv"])
def test_names_in_files_of_data_run_nothing(trap, ending):
    pytest.importorskip({"parquet": "pyarrow", "xlsx": "openpyxl"}.get(ending, "csv"))
    refused = 0
    texts = [*hostile.NAMES["several expressions"], *hostile.NAMES["code only together"]]
    path = Path.cwd() / f"data.{ending}"
    for text in texts[:: 1 if ending == "parquet" else 4]:
        names = hostile.names_of(text, trap.path)
        frame = pd.DataFrame({"y": [1.0, 2.0, 4.0], **{name: [1.0, 2.0, 2.5] for name in names}})
        frame.attrs["name"] = trap.arm("x); CALL; (x")
        if ending == "parquet":
            frame.to_parquet(path)
        elif ending == "xlsx":
            frame.to_excel(path, index=False)
        else:
            frame.to_csv(path, index=False)
        read = pd.read_parquet if ending == "parquet" else read_data  # with attrs from the file
        given = read(str(path))
        refused += trap.spring(lambda _, given=given: pb.lm("y ~ .", given), ["CALL"])
    assert refused >= len(texts) // 5


DAMAGE = 40


@pytest.mark.parametrize("ending", ["parquet", "xlsx"])
def test_a_damaged_or_hostile_file_of_data_is_an_error_of_a_file(trap, ending):
    """Whatever the readers raise: of an archive, of XML, of metadata, of time zones."""
    pytest.importorskip({"parquet": "pyarrow", "xlsx": "openpyxl"}[ending])
    path = Path.cwd() / f"data.{ending}"
    frame = pd.DataFrame({"y": [1.0, 2.0], "t": pd.to_datetime(["2020-01-01", "2020-01-02"])})
    write = frame.to_parquet if ending == "parquet" else frame.to_excel
    write(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(5)
    refused = 0
    for place in rng.integers(len(whole), size=DAMAGE):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            read_data(str(path))
        except FileError:
            refused += 1
        trap.look()
    assert refused > 0


@pytest.mark.parametrize("zone", ZONES)
def test_a_time_zone_in_parquet_is_known_or_refused(trap, zone):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    times = arrow.array(np.arange(4) * 10**9, type=arrow.timestamp("ns", trap.arm(zone)))
    parquet.write_table(arrow.table({"y": [1.0, 2.0, 4.0, 4.5], "t": times}), "zone.parquet")
    trap.spring(lambda _: pb.lm("y ~ t", read_data("zone.parquet")), ["CALL"])


# -- what is shown ---------------------------------------------------------------------------------

STEERING = (
    "\x1b[31m|\x1b]0;title\x07|\x9b2J|\x08\x08|\r|\x07|\u202e|\u2066|\u200b|\ufeff|\x7f|\x00|\x0b|\u2028"
).split("|")
SHOWN_IN = {
    "a formula": lambda text: lmer(formula=f"Reaction ~ {text}Days + (1 | Subject)"),
    "a name": lambda text: lmer(formula=f"Reaction ~ `{text}` + (1 | Subject)"),
    "a call": lambda text: lmer(formula=f"Reaction ~ f('{text}') + (1 | Subject)"),
    "weights": lambda text: lmer(weights=f"`{text}`"),
    "the columns": lambda text: pb.lmer(
        "Reaction ~ Day + (1 | Subject)", dataset("sleepstudy").rename(columns={"Days": text})
    ),
    "a column": lambda text: pb.lmer(
        "Reaction ~ .", dataset("sleepstudy").assign(**{text: [[]] * 180})
    ),
    "a level": lambda text: cake().effect("recipe", at={"recipe": text}),
    "a term": lambda text: cake().effect(text),
    "a restriction": lambda text: cake().contest({text: 1.0}),
    "a mean": lambda text: cake().emmeans(text),
    "a change": lambda text: cake().update(f". ~ . - `{text}` - nothing"),
    "a statistic": lambda text: cake().bootstrap(
        n_sim=1, seed=1, statistic=f"function(fit) `{text}`"
    ),
    "an option": lambda text: lmer(na_action=text),
    "a file": lambda text: read_data(f"{text}.csv"),
    "a data set": pb.load_dataset,
}


@pytest.mark.r("emmeans")
@pytest.mark.r("effects")
@pytest.mark.parametrize("where", SHOWN_IN)
def test_no_error_steers_a_terminal(where):
    for text in STEERING:
        with pytest.raises(PymerError) as caught:
            SHOWN_IN[where](text)
        assert str(caught.value).replace("\n", "").replace("\t", "").isprintable()
    for kind in (PymerError, RError, RWarning, UnknownNameError, FrozenError):
        error = kind("\x1b[31mred\n")
        assert str(error) == "\\x1b[31mred\n"
        assert error.args[0] == "\x1b[31mred\n"  # as it was


ENCODINGS = [
    "utf-16",
    "utf-16-le",
    "utf-8-sig",
    "latin-1",
    "cp1252",
    "utf-7",
    "utf-32",
    "shift_jis",
    "cp037",
]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_files_of_other_encodings_run_nothing(trap, encoding):
    rows = "\n".join(f"{i % 7 + i / 9},{trap.arm(PAYLOADS[i % 9])!r},{i % 5}" for i in range(40))
    text = f"y,{trap.arm('system(quote(CALL))')!r},g\n{rows}\n"
    path = Path.cwd() / "data.csv"
    path.write_bytes(text.encode(encoding, "replace"))
    trap.spring(
        lambda formula: pb.lmer(formula, read_data("data.csv")),
        ["y ~ 1 + (1 | g)", "y ~ . + (1 | g)", "\ufeffy ~ 1 + (1 | g)", "CALL"],
    )
    for name in ("record.json", "fit.zip"):
        Path(name).write_bytes(text.encode(encoding, "replace"))
    trap.spring(lambda _: pb.verify_record("record.json"), ["CALL"])
    trap.spring(lambda _: pb.load("fit.zip"), ["CALL"])


# -- the command line ------------------------------------------------------------------------------

WORDS = {
    "formula": ["fit", "lme4::sleepstudy", "TEXT"], "data": ["fit", "TEXT", SLEEP],
    "data set": ["fit", "lme4::TEXT", SLEEP], "package": ["fit", "TEXT::sleepstudy", SLEEP],
    "weights": ["fit", "lme4::sleepstudy", SLEEP, "--weights", "TEXT"],
    "subset": ["fit", "lme4::sleepstudy", SLEEP, "--subset=TEXT"],
    "offset": ["fit", "lme4::sleepstudy", SLEEP, "--offset=TEXT"],
    "contrasts": ["fit", "lme4::sleepstudy", SLEEP, "--contrasts=Subject=TEXT"],
    "factor": ["fit", "lme4::sleepstudy", SLEEP, "--contrasts=TEXT=contr.sum"],
    "optimizer": ["fit", "lme4::sleepstudy", SLEEP, "--optimizer=TEXT"],
    "family": ["fit", "lme4::sleepstudy", SLEEP, "--family=TEXT"],
    "link": ["fit", "lme4::sleepstudy", SLEEP, "--family=poisson", "--link=TEXT"],
    "ddf": ["fit", "lme4::sleepstudy", SLEEP, "--ddf=TEXT"],
    "format": ["fit", "lme4::sleepstudy", SLEEP, "--format=TEXT"],
    "allowed": ["fit", "lme4::sleepstudy", SLEEP, "--allow-function=TEXT", "--ddf=none"],
    "record": ["verify", "TEXT"], "tolerance": ["verify", "kept.pbr.json", "--tolerance=TEXT"],
    "data of a record": ["verify", "kept.pbr.json", "--data=TEXT"],
    "scripted": ["script", "lme4::sleepstudy", "TEXT"], "recorded": ["record", "lme4::sleepstudy",
    "TEXT"],
    "command": ["TEXT"],
}  # fmt: skip


@pytest.mark.r("lmerTest")
@pytest.mark.parametrize("name", list(WORDS))
def test_no_word_of_the_command_line_runs_anything(name, trap, capsys):
    _record()

    def call(text: str) -> None:
        try:
            status = main([word.replace("TEXT", text) for word in WORDS[name]])
        except SystemExit as ending:
            status = int(ending.code or 0)
        assert status in (0, 1, 2)

    trap.spring(call, PAYLOADS[::3] if name in ("allowed",) else PAYLOADS[::2])
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err


# -- what is meant well ----------------------------------------------------------------------------


def formulas_of_the_docs() -> list[str]:
    """Return every text with a tilde in the Python of README and docs, and in docstrings."""
    sources = [
        block.source for blocks in BLOCKS.values() for block in blocks if block.language == "python"
    ]
    package = Path(pb.__file__).parent
    for path in package.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                shown = ast.get_docstring(node) or ""
                sources += [
                    "\n".join(
                        line[4:] for line in shown.splitlines() if line[:4] in (">>> ", "... ")
                    )
                ]
    found: dict[str, None] = {}
    for source in sources:
        try:
            tree = ast.parse(source)
        except SyntaxError:
            continue  # of a notebook: lines with ! or %
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "~" in node.value:
                found[node.value] = None
    return [
        text
        for text in found
        if re.match(r"^[^~\n<]{1,60}~", text) and "/" not in text.partition("~")[0]
    ]


def reads(text: str, allowed: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Check a formula as a model of data with all of its columns does."""
    described = session().call("describe_expression", text=text).value
    return check_text(text, "formula", [*(described["variables"] or ()), "one"], allowed)


def test_every_formula_of_the_docs_passes():
    formulas = formulas_of_the_docs()
    assert len(formulas) > 15
    for text in formulas:
        if "system(" in text:  # shown as what is refused
            with pytest.raises(FormulaError):
                reads(text)
        else:
            reads(text)


BEYOND = {"reorder", "resid", "fitted", "Error", "nfun", "nfun2"}
"""What formulas of these pages call that must be allowed: three are of pictures (and reorder()
calls a function that it is given), one is of aov(), two are functions of the example's own."""


def test_every_formula_of_lme4s_examples_passes():
    """Help pages of lme4, lmerTest and pbkrtest, as they are installed."""
    plain = plain_r(REFERENCES / "examples.R")
    refused = {}
    found = 0
    for package in ("lme4", "lmerTest", "pbkrtest"):
        for text in plain("example_formulas", package=package) or ():
            found += 1
            try:
                reads(text)
            except FormulaError as error:
                refused[text] = re.search(r"calls '([^']*)'", str(error))[1]
    assert found > 80
    assert set(refused.values()) <= BEYOND, refused
