"""Everything public, given what it does not take: an error that names the argument, or an answer.

What is tried is made of the signatures themselves, see ``helpers/wrong_arguments.py``. A part of
it, always the same, is in the suite; all of it is tried where the variable PYMER_BRIDGE_EXAMPLES is
set, and with PYMER_BRIDGE_COUNTS, a file, it says what became of how many. ``scripts/fuzz`` does
both.
"""

from __future__ import annotations

import inspect
import json
import os
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import wrong_arguments, wrong_words
from helpers.wrong_arguments import Case, things
from pymer_bridge.errors import FileError, FrozenError, PymerError, UnknownNameError
from pymer_bridge.results.base import Result
from pymer_bridge.spec import annotations, arguments

pytestmark = pytest.mark.r("lmerTest", "pbkrtest", "emmeans", "effects")

ALL = bool(int(os.environ.get("PYMER_BRIDGE_EXAMPLES", "0")))
ONE_IN = 3
"""Of so many cases the suite tries one."""

LIKELY = frozenset(
    "None,True,zero,half,minus one,inf,empty list,empty tuple,empty set,empty mapping".split(",")
)
"""Values that many functions take, and then work for: of these the suite tries fewer."""

SLOW = (
    "verify",
    "verify_record",
    "glmer_nb",
    "compare_inference",
    "influence",
    "profile",
    "all_fit",
)
"""What starts R again, or fits for seconds: none of these values is tried in the suite."""


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Work in a folder with the files that are read; what is accepted may write there."""
    path, before = tmp_path_factory.mktemp("wrong"), Path.cwd()
    wrong_arguments.prepare(path)
    wrong_words.write_damaged(path)
    os.chdir(path)
    yield path
    os.chdir(before)


def chosen(case: Case) -> bool:
    """Say whether the suite tries a case."""
    if ALL:
        return (case.parameter, case.label) != ("against_r", "True")
    name = case.subject.name.rpartition(".")[2]
    if name in SLOW and (case.label in LIKELY or name in SLOW[:3]):
        return False
    return case.number % (4 * ONE_IN if case.label in LIKELY else ONE_IN) == 0


def write_counts(counts: Counter[str]) -> None:
    """Add what became of the cases to the file of counts, where one is asked for."""
    if path := os.environ.get("PYMER_BRIDGE_COUNTS"):
        with Path(path).open("a") as file:
            file.write(json.dumps(dict(sorted(counts.items())), indent=1) + "\n")


def test_every_wrong_argument_is_named() -> None:
    counts: Counter[str] = Counter()
    wrong = []
    for case in filter(chosen, wrong_arguments.cases()):
        became, said = wrong_arguments.run(case)
        counts[f"arguments: {became}"] += 1
        if became not in ("accepted", "refused"):
            wrong.append(f"{became}: {case}: {said}")
    write_counts(counts)
    assert counts["arguments: refused"] > 6000
    assert not wrong, "\n".join(wrong)


def test_every_wrong_word_of_the_command_line_is_answered() -> None:
    counts: Counter[str] = Counter()
    wrong = []
    for i, (label, words) in enumerate(wrong_words.lines()):
        if ALL or i % 9 == 0:
            became, said = wrong_words.run(words)
            counts[f"command line: {became}"] += 1
            if became == "raw":
                wrong.append(f"{label}: {said}")
    write_counts(counts)
    assert not wrong, "\n".join(wrong)


# -- the gate --------------------------------------------------------------------------------------


def gated() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Give everything public that takes arguments, with its name."""
    for subject in wrong_arguments.subjects():
        if not subject.name.endswith("[...]"):
            yield subject.name, subject.call


def test_everything_public_is_behind_the_gate() -> None:
    assert not [
        name for name, call in gated() if not _is_gated(inspect.unwrap(call, stop=_is_gated))
    ]


def _is_gated(call: Callable[..., Any]) -> bool:
    return hasattr(call, arguments.MARK)


WITHOUT_A_CHECK = frozenset(
    "data new_data new_response weights offset subset fit what control family arguments options"
    " named timeout points parameters figures frame units".split()
)
"""Arguments of which the annotation says nothing, or which the function checks itself."""


def test_each_annotation_is_understood() -> None:
    """An annotation that cannot be evaluated would let everything through."""
    unknown = set()
    for name, call in gated():
        gate = arguments._gate(getattr(call, "__func__", call))
        for parameter in inspect.signature(call).parameters:
            if parameter not in gate.hints and parameter not in WITHOUT_A_CHECK:
                unknown.add((name, parameter))
    assert not unknown


def test_signatures_are_what_editors_show() -> None:
    assert list(inspect.signature(pb.lmer).parameters)[:3] == ["formula", "data", "reml"]
    assert str(inspect.signature(pb.LinearMixedModel.report).parameters["ddf"].annotation) == (
        "options.Ddf | None"
    )
    assert pb.LinearMixedModel.report.__doc__.startswith("Return one coefficient")  # type: ignore[union-attr]


def test_the_gate_costs_less_than_it_takes_to_notice() -> None:
    """A check takes microseconds; the smallest fit of R's takes ten thousand of them."""
    fit = things()["lmer"]
    fit.fixed_effects("none")
    start = time.process_time()
    for _ in range(1000):
        fit.fixed_effects("none", conf_level=0.95)
    assert time.process_time() - start < 0.2


@pytest.mark.parametrize(
    ("value", "hint", "said"),
    [
        (None, float, "x=None must be a number"),
        (10**400, float, "must lie within R's integers, below 2**31"),
        ("a\0", str, r"x='a\x00' must be a text without NUL, and of whole characters"),
        ("a", bool, "x='a' must be True or False"),
        (["a", 1], list, "x=['a', 1] must be a list of texts"),
    ],
)
def test_words_of_errors(value: Any, hint: Any, said: str) -> None:
    wanted = Sequence[str] | None if hint is list else hint
    assert annotations.why_not("x", value, wanted).endswith(said)


# -- what was asked for by name --------------------------------------------------------------------


def test_a_mapping_of_scalars_is_one_row() -> None:
    fit, lm = things()["lmer"], things()["lm"]
    row = {"Days": 3.0, "Subject": "308"}
    for given in (row, {key: [value] for key, value in row.items()}, pd.Series(row).to_dict()):
        assert (
            fit.predict(given).values.tolist() == fit.predict(pd.DataFrame([row])).values.tolist()
        )
    assert lm.predict({"Days": 3}).values.shape == (1,)
    with pytest.raises(pb.DataConversionError, match="new_data has no column 'Subject'"):
        fit.predict({"Days": 3.0})


def test_files_are_named_and_are_pythons_own_errors(folder: Path) -> None:
    fit = things()["lmer"]
    for save in (fit.save, fit.save_rds, fit.to_r_script, lambda path: pb.record(fit, path)):
        with pytest.raises(FileNotFoundError) as raised:
            save("no/such/x.pbm")
        assert isinstance(raised.value, PymerError)
        assert str(raised.value) == (
            f"path='no/such/x.pbm': there is no folder: {str(folder.resolve() / 'no' / 'such')!r}"
        )
    with pytest.raises(FileError, match="path='nothing': No such file"):
        pb.load("nothing")
    with pytest.raises(PymerError, match=r"path='\.' must be the name of a file"):
        pb.verify_record(".")


def test_what_never_changes_says_so() -> None:
    for thing in (things()["lmer"], things()["FixedEffects"], pb.lmer_control()):
        with pytest.raises(FrozenError, match="'foo' cannot be set or removed: a "):
            thing.foo = 1
        with pytest.raises(AttributeError, match="cannot be set or removed"):
            del thing.rows


def test_unknown_names_are_both_kinds_of_errors() -> None:
    for kind, error in ((KeyError, "no row 'Dayz'"), (pb.OptionError, "there are: '.Intercept.'")):
        with pytest.raises(kind, match=error) as raised:
            things()["FixedEffects"]["Dayz"]
        assert isinstance(raised.value, UnknownNameError)


def test_a_result_is_read_from_what_it_is() -> None:
    with pytest.raises(pb.OptionError, match="mapping is of a NamedMatrix, not a FixedEffects"):
        type(things()["FixedEffects"]).from_dict(things()["NamedMatrix"].to_dict())
    assert Result.from_dict(things()["NamedMatrix"].to_dict()) == things()["NamedMatrix"]


# -- one short error -------------------------------------------------------------------------------


def _mistakes() -> dict[str, Callable[[], Any]]:
    fit, sleepstudy = things()["lmer"], pb.load_dataset("sleepstudy")
    return {
        "a column": lambda: pb.lmer("Reaction ~ Dayz + (1 | Subject)", sleepstudy),
        "a bracket": lambda: pb.lmer("Reaction ~ Days + (1 | Subject", sleepstudy),
        "no bars": lambda: pb.lmer("Reaction ~ Days", sleepstudy),
        "a function": lambda: pb.lmer("Reaction ~ np.log(Days) + (1 | Subject)", sleepstudy),
        "infinite": lambda: pb.lmer("Reaction ~ log(Days) + (1 | Subject)", sleepstudy),
        "weights": lambda: pb.lmer("Reaction ~ Days + (1 | Subject)", sleepstudy, weights=[1]),
        "an option": lambda: fit.fixed_effects("kenward"),
        "a term": lambda: fit.report("Dayz"),
        "a row": lambda: fit.fixed_effects()["Dayz"],
        "a level": lambda: fit.predict({"Days": 1.0, "Subject": "x"}),
        "a predictor": lambda: fit.emmeans("Dayz"),
        "a response": lambda: fit.refit("Reaction"),
        "a hypothesis": lambda: fit.contest("Days = 0"),
        "a folder": lambda: fit.save("no/such/folder/x.pbm"),
        "a file": lambda: pb.load("nothing.pbm"),
        "a formula to update": lambda: fit.update(". ~ . + Dayz"),
        "data to update": lambda: fit.update(". ~ . - Days", data={"Reaction": [1.0]}),
        "a family": lambda: pb.glmer(wrong_arguments.HERDS, sleepstudy, family="normal"),
        "a data set": lambda: pb.load_dataset("nosuch"),
        "a statistic": lambda: fit.bootstrap(n_sim=2, statistic="nope"),
        "a column of text": lambda: pb.lmer(
            "Reaction ~ Days + (1 | Subject)", sleepstudy.assign(Reaction="a")
        ),
    }


def test_everyday_mistakes_are_one_short_error() -> None:
    """The user's own line, the gate, and the error: no chain, and nothing of our rooms."""
    for name, mistake in _mistakes().items():
        with pytest.raises(PymerError) as raised:
            mistake()
        told = traceback.format_exception(raised.value)
        lines = "".join(told)
        assert lines.count("Traceback (most recent call last)") == 1, name
        assert lines.count('  File "') <= 3, name
        assert not getattr(raised.value, "__notes__", ()), name


def test_lines_of_the_users_own_stay_in_the_traceback() -> None:
    def statistic(model: Any) -> float:
        return float(model.fixed_effects("nope")["Days"].estimate)

    with pytest.raises(PymerError) as raised:
        things()["lmer"].bootstrap(n_sim=2, seed=1, statistic=statistic)
    assert "in statistic" in "".join(traceback.format_exception(raised.value))


def test_of_one_thing_r_warns_once(recwarn: pytest.WarningsRecorder) -> None:
    """Several optimizers that say the same, and a message that another one holds."""
    dyestuff = pb.load_dataset("Dyestuff2")
    fit = pb.lmer("Yield ~ 1 + (1 | Batch)", dyestuff)
    fits = fit.all_fit(["bobyqa", "Nelder_Mead"])
    fit.summary(), fit.fixed_effects(), str(fit)
    assert len(recwarn) == 2  # one of the fit, one of both optimizers
    recwarn.clear()
    few = pb.lmer_control(optimizer="Nelder_Mead", optCtrl={"maxfun": 5})
    other = pb.lmer(wrong_arguments.SLOPES, pb.load_dataset("sleepstudy"), control=few)
    texts = [str(warning.message) for warning in recwarn]
    assert not [one for one in texts for two in texts if one is not two and one in two]
    assert len(other.warnings) > len(texts)  # all of them are on the model
    assert len(fits.rows) == 2
