"""The recap notebook, line by line, against plain R.

Each line of the notebook that shows something is run here, and every number that it shows is held
to ``reference/recap.R``, in which the same is asked of R by hand: what a result holds to the last
bit, what is printed to the digits printed. Pictures are held elsewhere (``plots/test_panels.py``).
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import ROOT
from helpers.live import AnsweringScript
from pymer_bridge.models.base import Fitted
from pymer_bridge.results.base import Result

pytestmark = [pytest.mark.r("lmerTest", "pbkrtest", "emmeans"), pytest.mark.slow]

FEWER = "40"
"""Bootstraps take so many draws here, ours and R's: each figure comes the same way from more."""
NOTEBOOK = ROOT / "docs" / "recap.ipynb"
MINUS = "\N{MINUS SIGN}"
NUMBER = re.compile(r"(?<![\w.])-?(?:\d*\.)?\d+(?:e[-+]\d+)?(?![\w%]|\.\d)")
TEXTS_ONLY = re.compile(r"report|model_table|summary")
"""What gives text, whose numbers are rounded."""


@dataclass(frozen=True)
class Shown:
    """What a cell of the notebook gives, and what of it is to be read."""

    value: Any
    text: str


@pytest.fixture(scope="module")
def cells(asked: AnsweringScript) -> dict[str, Shown]:
    """Run the notebook, and return what its cells show, by their last lines."""
    found: dict[str, Shown] = {}
    names: dict[str, Any] = {}
    with warnings.catch_warnings(), mpl.rc_context({"backend": "agg"}):
        warnings.simplefilter("ignore", pb.PymerWarning)
        for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
            if cell.cell_type == "code":
                shown = _run(re.sub(r"n_sim=\d+", f"n_sim={FEWER}", cell.source), names)
                if shown is not None:
                    found[cell.source.splitlines()[-1]] = shown
                plt.close("all")
    return found


def _run(source: str, names: dict[str, Any]) -> Shown | None:
    """Run a cell as a notebook does: what its last line gives is shown."""
    *body, last = ast.parse(source).body
    printed = StringIO()
    with redirect_stdout(printed):
        exec(compile(ast.Module(body, []), "cell", "exec"), names)
        if not isinstance(last, ast.Expr):
            exec(compile(ast.Module([last], []), "cell", "exec"), names)
            return None
        value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    return Shown(value, printed.getvalue() if value is None else str(value))


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> AnsweringScript:
    """Let plain R work beside the notebook."""
    return AnsweringScript("recap.R", tmp_path_factory.mktemp("recap"), FEWER)


@pytest.fixture(scope="module")
def plain(asked: AnsweringScript, cells: dict[str, Shown]) -> dict[str, dict[str, Any]]:
    """Return plain R's answers, once the notebook has run."""
    assert cells
    answers: dict[str, dict[str, Any]] = asked.read()
    return answers


def _bits(values: Any) -> list[str]:
    """Return numbers as text that tells every bit; missing ones are alike."""
    return ["NA" if value is None or np.isnan(value) else float(value).hex() for value in values]


def _rows(result: Any) -> dict[str, list[Any]]:
    """Return the columns of a result that hold numbers, but for the time it took."""
    frame = result if isinstance(result, pd.DataFrame) else result.to_frame()
    numbers = frame.drop(columns=["seconds", "ddf"], errors="ignore").select_dtypes("number")
    return {name: list(column) for name, column in numbers.items() if column.notna().any()}


def _statistics(fit: Any) -> list[float | None]:
    found = fit.fit_statistics
    names = (
        "reml_criterion",
        "log_likelihood",
        "deviance",
        "aic",
        "bic",
        "df",
        "df_residual",
        "n_obs",
    )
    return [value for name in names if (value := getattr(found, name)) is not None]


def _linear(fit: pb.LinearModel) -> dict[str, Any]:
    return {**_rows(fit.fixed_effects()), "statistics": _statistics(fit)}


def _mixed(fit: pb.LinearMixedModel) -> dict[str, Any]:
    effects, components = fit.fixed_effects("none"), fit.variance_components
    return {
        "variance": [row.variance for row in components],
        "std_dev": [row.std_dev for row in components],
        "correlation": [pair.correlation for pair in components.correlations],
        **{
            name: [getattr(row, name) for row in effects]
            for name in ("estimate", "std_error", "statistic")
        },
        "statistics": _statistics(fit),
        "groups": list(fit.n_groups.values()),
    }


def _comparison(test: Any) -> dict[str, Any]:
    names = ("statistic", "df1", "df2", "f_scaling", "p_value")
    return {"values": [getattr(test, name) for name in names]}


def _replicates(test: Any) -> dict[str, Any]:
    return {**_rows(test), "replicates": [test.n_usable, test.n_sim]}


def figures_of(value: Any) -> dict[str, Any]:
    """Return every number that a value holds, by column."""
    match value:
        case pb.LinearModel():
            return _linear(value)
        case pb.LinearMixedModel():
            return _mixed(value)
        case pd.Series():
            return {"estimate": list(value)}
        case tuple():
            return {"values": list(value)}
        case float():
            return {"values": [value]}
    kinds = {"ModelComparison": _comparison, "BootstrapTest": _replicates}
    return kinds.get(type(value).__name__, _rows)(value)


def lines() -> Iterator[str]:
    """Give the last line of each cell that shows something."""
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        if cell.cell_type == "code" and isinstance(ast.parse(cell.source).body[-1], ast.Expr):
            yield cell.source.splitlines()[-1]


LINES = list(lines())


def test_every_line_that_shows_something_is_asked_of_r(
    cells: dict[str, Shown], plain: dict[str, dict[str, Any]]
) -> None:
    assert list(cells) == LINES
    assert list(plain) == LINES
    assert len(LINES) == 24


@pytest.mark.parametrize("line", [each for each in LINES if not TEXTS_ONLY.search(each)])
def test_what_a_line_gives_is_rs_to_the_last_bit(
    line: str, cells: dict[str, Shown], plain: dict[str, dict[str, Any]]
) -> None:
    theirs = {name: values for name, values in plain[line].items() if not isinstance(values, tuple)}
    ours = figures_of(cells[line].value)
    assert set(ours) == set(theirs)
    for name, values in ours.items():
        assert _bits(values) == _bits(theirs[name]), name
    for name, texts in plain[line].items():
        if isinstance(texts, tuple) and name != "text":
            assert tuple(cells[line].value[name]) == texts


@pytest.mark.parametrize("line", LINES)
def test_what_r_prints_is_printed(
    line: str, cells: dict[str, Shown], plain: dict[str, dict[str, Any]]
) -> None:
    if "text" in plain[line]:
        assert cells[line].text.rstrip("\n").split("\n") == list(plain[line]["text"])
    else:
        assert isinstance(
            cells[line].value, Fitted | Result | pd.DataFrame | pd.Series | tuple | float | str
        )


# -- rounded numbers -----------------------------------------------------------------------------


def is_shown_as(value: float, token: str) -> bool:
    """Say whether a number, rounded as a text has it, is that text."""
    plain = re.sub(r"^(-?)\.", r"\g<1>0.", token.replace(MINUS, "-"))
    digits, _, power = plain.partition("e")
    decimals = len(digits.partition(".")[2])
    rounded = f"{value:.{decimals}{'e' if power else 'f'}}"
    return rounded == plain or float(rounded) == float(plain) == 0.0


def read_numbers(line: str, text: str) -> list[str]:
    """Return the numbers of a printed text that R is to have given."""
    if line == "routes":  # the last column is the time it took, and words follow the table
        rows = [row.rpartition(" ")[0] for row in text.split("\n")[2:9]]
        text = "\n".join(row.rpartition("  ")[0] for row in rows)
    text = text.replace("95% CI", "").replace(MINUS, "-")
    text = re.sub(r"95% intervals|\b\d+ observations", "", text)  # captions
    text = re.sub(r"\(1 [|+]| [01] [+]|p < \.001", " ", text)  # formulas, and what is smallest
    return NUMBER.findall(text)


@pytest.mark.parametrize("line", LINES)
def test_no_number_is_shown_that_r_does_not_give(
    line: str, cells: dict[str, Shown], plain: dict[str, dict[str, Any]]
) -> None:
    if "text" in plain[line]:
        return  # the whole text is R's
    given = [
        float(value)
        for values in plain[line].values()
        if not isinstance(values, tuple)
        for value in values
        if not np.isnan(value)
    ]
    read = read_numbers(line, cells[line].text)
    assert read
    value = cells[line].value
    labels = set()
    if isinstance(value, pd.DataFrame):
        texts = value.select_dtypes(exclude="number")
        labels = {str(label) for label in (*value.index, *texts.to_numpy().ravel())}
    for token in read:
        assert token in labels or any(is_shown_as(each, token) for each in given), token


@pytest.mark.parametrize("line", [each for each in LINES if "report" in each])
def test_sentences_for_papers_are_rs_figures_in_their_order(
    line: str, cells: dict[str, Shown], plain: dict[str, dict[str, Any]]
) -> None:
    *figures, p = plain[line]["sentence"]
    read = read_numbers(line, cells[line].text)
    if "p < .001" in cells[line].text:
        assert p < 0.001
    else:
        assert is_shown_as(p, read.pop())
    assert len(read) == len(figures)
    for token, value in zip(read, figures, strict=True):
        assert is_shown_as(value, token)


def test_the_table_of_models_is_rs_figures_in_their_places(
    cells: dict[str, Shown], plain: dict[str, dict[str, Any]]
) -> None:
    (line,) = (each for each in LINES if "model_table" in each)
    frame = cells[line].value.to_frame()
    for name, n in (("lm", 2), ("null", 1), ("full", 2)):
        values = [float(value) for value in plain[line][name] if not np.isnan(value)]
        # In the table each standard error stands below its estimate.
        effects = [
            each for pair in zip(values[:n], values[n : 2 * n], strict=True) for each in pair
        ]
        tokens = [token for text in frame[name] for token in read_numbers(line, text)]
        for token, value in zip(tokens, [*effects, *values[2 * n :]], strict=True):
            assert is_shown_as(value, token), (name, token, value)


def test_numbers_are_told_apart() -> None:
    assert read_numbers("x", f"b = {MINUS}1.26, t(16.09) = .5, x_3, 1e-05, 25%, p = .02.") == [
        "-1.26",
        "16.09",
        ".5",
        "1e-05",
        ".02",
    ]
    assert is_shown_as(-0.3163, f"{MINUS}.32")
    assert is_shown_as(8.02e-5, "8.02e-05")
    assert not is_shown_as(0.324, ".33")
