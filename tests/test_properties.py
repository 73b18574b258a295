"""Random frames, names and formulas: R's own answer, or an error of ours that says why not.

A short run is part of the suite. A long one is asked for by the number of examples of each
property in the variable PYMER_BRIDGE_EXAMPLES; with PYMER_BRIDGE_COUNTS, a file, it says what
became of how many. ``scripts/fuzz`` does both in a process of its own.
"""

from __future__ import annotations

import atexit
import faulthandler
import json
import math
import os
import random
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

import pymer_bridge as pb
from helpers import REFERENCES, fuzz_formulas, fuzz_frames
from helpers.fuzz_formulas import Text, quoted
from helpers.fuzz_frames import CLEAN_TEXT, COLUMNS, ODD_TEXTS, expected
from helpers.live import write_frame
from helpers.probing import probe
from pymer_bridge.data.columns import column_to_part
from pymer_bridge.data.frames import collect
from pymer_bridge.errors import DataConversionError, FormulaError, PymerError, RError
from pymer_bridge.session.r_session import session

pytestmark = pytest.mark.r

LONG = int(os.environ.get("PYMER_BRIDGE_EXAMPLES", "0"))
LONGEST = 120
"""Seconds of one example, after which the process ends and says where it was."""
COUNTS: Counter[str] = Counter()
LAST = os.environ.get("PYMER_BRIDGE_LAST")
"""A file for the last input, and one beside it for where a process that hung was."""
STACK = Path(f"{LAST}.stack").open("w") if LAST else sys.__stderr__  # noqa: SIM115  # to the end
if LAST:
    atexit.register(STACK.close)


def examples(short: int, long: float = 1.0) -> Any:
    """Say how many examples: always the same few, or many new ones.

    Parameters
    ----------
    short
        How many in the suite.
    long
        How many for each that the variable asks for.
    """
    return settings(
        max_examples=max(int(LONG * long), 1) if LONG else short,
        derandomize=not LONG,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


@pytest.fixture(scope="module", autouse=True)
def counted() -> Iterator[None]:
    """Write down what became of the inputs, where that is asked for; R is sound afterwards."""
    sleepstudy = pb.load_dataset("sleepstudy")
    before = repr(pb.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy).fit_statistics)
    COUNTS.clear()
    yield
    again = pb.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    assert repr(again.fit_statistics) == before
    if path := os.environ.get("PYMER_BRIDGE_COUNTS"):
        Path(path).write_text(json.dumps(dict(sorted(COUNTS.items())), indent=1) + "\n")


@pytest.fixture(autouse=True)
def no_hang() -> Iterator[None]:
    """End the process where one example takes too long, and say where."""
    yield
    faulthandler.cancel_dump_traceback_later()


def watch(what: str, *given_: Any) -> None:
    """Begin an example; where the process may die of it, leave behind what it was."""
    if LAST:
        Path(LAST).write_text(f"{what}\n{given_!a}\n")
    COUNTS[f"{what}: inputs"] += 1
    faulthandler.dump_traceback_later(LONGEST, exit=True, file=STACK)


def count(what: str, became: str) -> None:
    """Count what became of an example."""
    COUNTS[f"{what}: {became}"] += 1


# -- columns and frames ----------------------------------------------------------------------------


def in_r(names: Any, parts: Any, n_rows: int) -> Any:
    """Return what R holds of some parts."""
    frame = {"names": tuple(names), "n_rows": n_rows, "parts": tuple(parts)}
    return probe("exact_frame", frame=frame).value


def assert_held(record: Any, column: pd.Series) -> None:
    """Assert that R's column is the one given: kind, every value and every level."""
    wanted = expected(column)
    assert bool(record["na_bits"][0]), "a missing number is not R's NA"
    if wanted is None:
        # The values are no R column by themselves: only such with nothing in them may cross.
        assert column.isna().all(), f"a column that R cannot hold was taken: {list(column)!r}"
        assert set(record["values"]) == {None}
        return
    kind, values, levels = wanted
    if isinstance(column.dtype, pd.ArrowDtype) and record["kind"][0] == "factor":
        texts = [
            None if code is None else record["levels"][int(code) - 1] for code in record["values"]
        ]
        assert texts == values  # Arrow's dictionaries become factors
        return
    assert record["kind"][0] == kind
    assert list(record["values"]) == values
    if levels is not None:
        held = list(record["levels"] or ())
        assert len(held) == len(levels)
        for level, text, given_level in zip(held, levels, column.cat.categories, strict=True):
            if text is not None:
                assert level == text
            elif math.isfinite(given_level):
                assert float(level) == pytest.approx(given_level, rel=1e-14, abs=0)
            else:
                assert level == ("Inf" if given_level > 0 else "-Inf")


@examples(300, 3)
@given(COLUMNS)
def test_a_column_is_rs_or_refused(column):
    watch("columns", list(column), column.dtype)
    try:
        part = column_to_part(column, "my column")
    except DataConversionError as refused:
        said = str(refused)
        part = None
    if part is None:
        assert "my column" in said
        wanted = expected(column)
        if wanted is not None and wanted[2] is None and wanted[0] != "time":
            # What R can hold is refused only where pandas has no dtype for it.
            assert column.dtype == object or isinstance(column.dtype, pd.SparseDtype)
        count("columns", "refused")
        return
    assert_held(in_r(("x",), (part,), len(column))["columns"][0], column)
    count("columns", "as in R")


def why_no_frame(data: pd.DataFrame) -> str | None:
    """Say what stands against the names of a frame, None where nothing does."""
    names = [str(label) for label in data.columns]
    if len(set(names)) < len(names):
        return "twice"
    if any("\0" in name for name in names):
        return "NUL"
    if any(0xD800 <= ord(letter) < 0xE000 for name in names for letter in name):
        return "Unicode"
    return None


@examples(200, 1)
@given(fuzz_frames.frames())
def test_a_frame_is_rs_or_refused(data):
    watch("frames", data.to_dict("list") if data.columns.is_unique else data.columns)
    against = why_no_frame(data)
    try:
        frame = collect(data)
    except DataConversionError as refused:
        frame, said = None, str(refused)
    if frame is None:
        if against is None:
            assert any(repr(str(label)) in said for label in data.columns)
            assert any(
                expected(data.iloc[:, i]) is None or data.iloc[:, i].dtype == object
                for i in range(data.shape[1])
            )
        count("frames", "refused")
        return
    assert against is None
    there = in_r(frame.names, frame.parts, len(frame.index))
    assert list(there["names"]) == [str(label) for label in data.columns]
    assert there["n_rows"].tolist() == [len(data)]
    for i, record in enumerate(there["columns"]):
        assert_held(record, data.iloc[:, i])
    count("frames", "as in R")


@examples(3, 0.01)
@given(st.integers(0, 2**32), st.sampled_from(["text", "category", "ordered"]))
def test_many_levels_keep_their_places(seed, kind):
    watch("many levels")
    n = 100_000
    chosen = random.Random(seed)
    levels = [f"{chosen.choice([*ODD_TEXTS[:2], 'é', 'a', '_'])}{i}" for i in range(n)]
    chosen.shuffle(levels)
    rows = [chosen.randrange(n) for _ in range(50)]
    if kind == "text":
        column = pd.Series(levels, dtype=object)
    else:
        column = pd.Series(pd.Categorical(levels, categories=levels, ordered=kind == "ordered"))
    part = column_to_part(column, "x")
    record = in_r(("x",), (part,), n)["columns"][0]
    if kind == "text":
        assert [record["values"][row] for row in rows] == [levels[row] for row in rows]
    else:
        assert list(record["levels"]) == levels
        assert [record["values"][row] for row in rows] == [str(row + 1) for row in rows]
    count("many levels", "as in R")


def test_levels_of_numbers_are_named_as_r_names_them():
    """R writes up to 15 digits; before 4.3 the last of 15 is not always the nearest."""
    rng = random.Random(1)
    numbers = [round(rng.uniform(-1000, 1000), rng.randint(0, 9)) for _ in range(2000)]
    numbers += [rng.randint(-999, 999) * 10.0 ** rng.randint(-12, 14) for _ in range(2000)]
    numbers += [
        0.0,
        -0.0,
        1e5,
        1e15,
        1e-5,
        1e-4,
        123456.7,
        0.1 + 0.2,
        5e-324,
        1e308,
        math.inf,
        -math.inf,
    ]
    rs = probe("number_levels", values=np.array(numbers)).value
    ours = [
        column_to_part(pd.Series(pd.Categorical([number])), "x")["levels"][0] for number in numbers
    ]
    assert ours == list(rs)


# -- formulas --------------------------------------------------------------------------------------


class PlainR:
    """Plain R in the same process, in an environment of its own."""

    def __init__(self, folder: Path) -> None:
        session().require("lme4")
        self.home = session().call("new.env", parent=session().call("globalenv").value).value
        for name in ("data", "random"):
            session().call("sys.source", file=str(REFERENCES / f"{name}.R"), envir=self.home)
        self.workspace = self.call("open_random", folder=str(folder))

    def call(self, function: str, **arguments: Any) -> Any:
        """Call a function of the reference."""
        return session().call("do.call", what=function, args=arguments, envir=self.home).value

    def fit(self, text: str, renamed: dict[str, str] | None = None) -> Any:
        """Return R's own answer."""
        return self.call("random_fit", workspace=self.workspace, text=text, renamed=renamed)


DATA = fuzz_formulas.data()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> PlainR:
    folder = tmp_path_factory.mktemp("random") / "data"
    write_frame(DATA, folder)
    return PlainR(folder)


def assert_rs_fit(fit: Any, answer: Any) -> None:
    """Assert that a fit is plain R's: each figure to the last bit, and all that R said."""
    assert answer["error"] is None, f"plain R stops: {answer['error']}"
    theirs = answer["figures"]
    said = sorted([*fit.warnings, *fit.messages])
    assert said == sorted(answer["said"] or ())
    errors = answer["std_errors"]
    if isinstance(errors, tuple):  # R has none, and says why
        with pytest.raises(RError) as caught:
            fit.fixed_effects("none")
        # R's dispatch may put before it which function's argument it was evaluating.
        assert errors[0].endswith(caught.value.message)
        return
    effects = fit.fixed_effects("none")
    assert [effect.term for effect in effects] == list(answer["names"] or ())
    ours = [
        fit.n_obs,
        *(effect.estimate for effect in effects),
        *fit.get_me("theta").values,
        fit.sigma,
        fit.fit_statistics.log_likelihood,
    ]
    assert np.array_equal(np.array(ours, dtype=float), theirs, equal_nan=True)
    ours = np.array([effect.std_error for effect in effects], dtype=float)
    assert np.array_equal(ours, np.array([] if errors is None else errors), equal_nan=True)
    assert str(fit.summary("none"))
    assert "<script" not in fit._repr_html_()


def ask(formula: str, data: Any) -> tuple[Any, PymerError | None]:
    """Fit, or return our error; any other exception is a fault."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pb.PymerWarning)
        try:
            return pb.lmer(formula, data), None
        except PymerError as error:
            return None, error


LME4_MISREADS = "lme4 reads the group"


@examples(150, 1)
@given(fuzz_formulas.formulas())
@example(Text("y ~ 0 + (1 | g)", sound=True))
@example(Text("y ~ x - 1 - x + (0 + x | g)", sound=True))
def test_a_formula_is_rs_or_refused(plain, formula):
    watch("formulas", formula)
    fit, error = ask(formula.text, DATA)
    if isinstance(error, FormulaError | DataConversionError):
        # What is sound passes our checks; what we say R cannot read, R cannot read.
        assert not formula.sound or LME4_MISREADS in str(error)
        if "R cannot read" in str(error):
            assert not plain.call("is_readable", text=formula.text)[0]
        count("formulas", "refused")
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pb.PymerWarning)
        answer = plain.fit(formula.text)
        if error is not None:
            assert isinstance(error, RError)
            assert answer["error"] == (error.message,)
            count("formulas", "R's error")
            return
        assert_rs_fit(fit, answer)
    count("formulas", "R's figures")


PLACES = {
    "x": "y ~ E + (1 | g)", "f": "y ~ x * E + (1 | g)", "g": "y ~ x + (1 | E)",
    "h": "y ~ x + (1 | g/E)", "z": "y ~ (E | g)", "y": "E ~ x + (1 | g)",
    "n": "y ~ log(E) + (1 | g)",
}  # fmt: skip


@examples(80, 0.4)
@given(st.sampled_from(sorted(PLACES)), CLEAN_TEXT)
@example("f", ".")
@example("n", "u\U000fc4e0\x11\x0fF\U000ccdc4")
def test_a_column_of_any_name_is_found(plain, column, name):
    watch("names", column, name)
    assume(name not in DATA.columns)
    formula = PLACES[column].replace("E", quoted(name))
    fit, error = ask(formula, DATA.rename(columns={column: name}))
    if isinstance(error, FormulaError | DataConversionError):
        # Names that are code, and one that cannot be written.
        assert not name or "rename" in str(error) or not plain.call("is_readable", text=formula)[0]
        count("names", "refused")
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pb.PymerWarning)
        answer = plain.fit(formula, {column: name})
        if error is not None:
            assert isinstance(error, RError)
            assert answer["error"] == (error.message,)
            count("names", "R's error")
            return
        assert_rs_fit(fit, answer)
    count("names", "R's figures")


ASKED = [
    lambda fit: fit.fixed_effects(), lambda fit: fit.fixed_effects("kenward-roger"),
    lambda fit: fit.variance_components, lambda fit: fit.random_effects, lambda fit: fit.anova(),
    lambda fit: fit.group_coefficients, lambda fit: fit.ranova(), lambda fit: fit.drop1(),
    lambda fit: fit.tidy(), lambda fit: fit.glance(), lambda fit: fit.augment(),
    lambda fit: fit.predict(), lambda fit: fit.confint(), lambda fit: fit.simulate(1, seed=1),
    lambda fit: fit.residuals(), lambda fit: fit.vcov, lambda fit: fit.convergence,
    lambda fit: fit.icc(),
    lambda fit: fit.update(reml=False), lambda fit: fit.refit_ml(), lambda fit: fit.hat_values(),
    lambda fit: fit.model_frame, lambda fit: fit.model_matrix, lambda fit: fit.covariances,
    lambda fit: fit.re_pca(), lambda fit: fit.emmeans("f"), lambda fit: fit.effect("x"),
    lambda fit: fit.contest([1.0] * len(fit.fixed_effects("none").rows)), lambda fit: fit.r2(),
    lambda fit: fit.predict(DATA.head(3)), lambda fit: fit.bootstrap(n_sim=2, seed=1,
    progress=False),
]  # fmt: skip
SHOWN = ("to_frame", "to_dict", "_repr_html_", "to_markdown", "to_latex", "__str__")


@examples(60, 0.2)
@given(fuzz_formulas.formulas().filter(lambda formula: formula.sound), st.sampled_from(ASKED))
@example(Text("y ~ 0 + (x | g)", sound=True), ASKED[0])
@example(Text("y ~ 0 + (x | g)", sound=True), ASKED[10])
def test_what_is_asked_of_a_fit_is_answered_or_refused(formula, asked):
    watch("asked", formula)
    fit, error = ask(formula.text, DATA)
    if error is not None:
        count("asked", "no fit")
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pb.PymerWarning)
        try:
            answer = asked(fit)
        except PymerError:
            count("asked", "refused")
            return
        for name in () if isinstance(answer, pd.DataFrame | pd.Series) else SHOWN:
            if hasattr(answer, name):
                getattr(answer, name)()
    count("asked", "answered")


@examples(100, 0.5)
@given(st.data())
def test_new_data_of_any_kind_are_predicted_or_refused(fitted, data):
    watch("new data")
    frame = DATA.head(fuzz_frames.N_ROWS).reset_index(drop=True).copy()
    for name in data.draw(st.lists(st.sampled_from(["x", "f", "g"]), unique=True, min_size=1)):
        frame[name] = data.draw(COLUMNS).reset_index(drop=True)
    if data.draw(st.integers(0, 9)) == 0:
        frame = frame.drop(columns=data.draw(st.sampled_from(["x", "f", "g"])))
    options = data.draw(
        st.sampled_from([{}, {"allow_new_levels": True}, {"re_form": "population"}])
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pb.PymerWarning)
            predicted = fitted.predict(frame, **options)
    except PymerError:
        count("new data", "refused")
        return
    assert len(predicted) == len(frame)
    assert (predicted.index == frame.index).all()
    count("new data", "predicted")


@pytest.fixture(scope="module")
def fitted() -> Any:
    return pb.lmer("y ~ x + f + (1 | g)", DATA)
