"""Plain R in processes of its own, and the figures that come back from it exactly.

R does not see this package there, and reads no profile (``Rscript --vanilla``). A snippet
gives the value of its last expression; a script of an analysis gives figures by their keys.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

import pandas as pd

from pymer_bridge.data import frames
from pymer_bridge.data.columns import unfit_for_r
from pymer_bridge.data.exact import Value
from pymer_bridge.errors import OptionError, RError, VerificationError, shown
from pymer_bridge.session import deadlines, installation
from pymer_bridge.session.asking import ask
from pymer_bridge.session.versions import state_here

TRIES: Final = 25
"""Runs if chance chooses between two states: all of them miss once in 30 million times."""
WRONG_STATE: Final = 3
"""The exit status of figures.R in a process of the other state."""
AT_ONCE: Final = 2

Key = tuple[str, ...]
"""Family, group, level, term, other term, quantity, and a number if several have that name."""

T = TypeVar("T")


# -- processes -----------------------------------------------------------------------------------


def plain_environment() -> dict[str, str]:
    """Return the variables under which plain R finds the packages of this session.

    ``--vanilla`` reads no Renviron; without these variables R might find other versions.
    """
    paths = ask(".libPaths")
    return {**os.environ, "R_LIBS": os.pathsep.join(paths)}


def rscript_program() -> str:
    """Return the path of Rscript."""
    home = installation.r_home()
    assert home is not None  # the session runs
    return str(Path(home) / "bin" / "Rscript")


@cache
def fixed_addresses() -> tuple[str, ...]:
    """Return the words before a command with which Linux loads its libraries where it always does.

    The state of R is then no chance, and mostly the one that this session was given.
    """
    program = shutil.which("setarch")
    if program is None:
        return ()
    allowed = subprocess.run([program, "-R", "true"], capture_output=True, check=False)
    return () if allowed.returncode else (program, "-R")


def _start(
    file: str, *arguments: str | Path, folder: Path, before: Sequence[str] = ()
) -> subprocess.Popen[str]:
    """Start an R file of this package in a process of its own, by a command after others."""
    script = str(files("pymer_bridge").joinpath("r", file))
    return subprocess.Popen(
        [*before, rscript_program(), "--vanilla", script, *arguments],
        cwd=folder,
        env=plain_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    )


def in_same_state(run: Callable[[Sequence[str]], T | None]) -> T:
    """Return the answer of a process in the state of this one.

    Parameters
    ----------
    run
        Runs one process, whose command stands behind the words given, and returns None if it was
        in the other state.

    Raises
    ------
    VerificationError
        None of many processes was in this state.
    """
    for before in (fixed_addresses(), *[()] * TRIES):
        if (found := run(before)) is not None:
            return found
    raise VerificationError(
        f"none of {TRIES} processes of plain R was in the state of this one, so that the last "
        "bits cannot be compared (lme4 issue 745)"
    )


# -- snippets ------------------------------------------------------------------------------------


def run_snippet(
    snippet: str, data: Mapping[str, Any] | None = None, *, timeout: float | None = None
) -> Any:
    """Run plain R on some data, and return the value of its last expression.

    Parameters
    ----------
    snippet
        R code. It is run unchecked: give only your own code.
    data
        Frames by their names in R; a fitted model stands for its data.
    timeout
        Seconds after which R is stopped.

    Returns
    -------
    object
        A number, string or bool for a vector of length one; a list for a longer vector; a dict for
        a vector or list with names; a pandas frame for a data frame or matrix; for a fitted model
        a dict of its figures by key, as in :func:`pymer_bridge.figures_of`. Doubles are R's to the
        last bit; missing numbers are NaN, other missing values None.

    Raises
    ------
    RError
        R stopped, or took too long; the message is what R printed.
    OptionError, DataConversionError
        The data cannot be sent to R.
    REnvironmentError
        R cannot be used.
    VerificationError
        No process of R was in the state of this one.

    Notes
    -----
    On installations where processes of R fall into two states that differ in the last bits (lme4
    issue 745), R is started until one is in the state of this process.
    """
    if not isinstance(snippet, str):
        raise OptionError(f"the snippet must be a string of R, not {shown(snippet)}")
    timeout = deadlines.check_timeout(timeout)
    with TemporaryDirectory(prefix="pymer_bridge-") as name:
        folder = Path(name)
        (folder / "snippet.R").write_text(snippet, encoding="utf-8")
        _write_data(folder, data or {})
        accepted = ("0", str(state_here() or 0))  # 0 where lme4 is not loaded

        def run(before: Sequence[str]) -> list[str] | None:
            _run(folder, timeout, before)
            if (folder / "state").read_text().strip() not in accepted:
                return None
            return (folder / "value").read_text(encoding="utf-8").split("\n")

        return _value(iter(in_same_state(run)))


def _write_data(folder: Path, data: Mapping[str, Any]) -> None:
    names = []
    for number, (name, given) in enumerate(data.items(), start=1):
        if "\n" in name or not name or unfit_for_r(name):
            raise OptionError(f"{shown(name)} is not a name for data in R")
        path = str(folder / f"{number}.rds")
        if hasattr(given, "_model"):
            ask("write_model_data", model=given._model, path=path)
        else:
            frame = frames.collect(frames.as_pandas(given))
            ask("write_frame", frame=frame.to_r(), path=path)
        names.append(f"{name}\n")
    (folder / "names").write_text("".join(names), encoding="utf-8")


def _run(folder: Path, timeout: float | None, before: Sequence[str]) -> None:
    with _start("plain/snippet.R", folder, folder=Path.cwd(), before=before) as process:
        try:
            _, said = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise RError(f"plain R took more than {timeout} seconds") from error
        finally:
            process.kill()  # does nothing if it has ended
    if process.returncode < 0:
        raise RError(f"plain R was ended by {signal.Signals(-process.returncode).name}")
    if process.returncode != 0:
        raise RError(f"plain R stopped: {said.strip()}")
    if not (folder / "value").exists():
        raise RError("plain R was ended by the snippet, before its value was known")


def _value(lines: Iterator[str]) -> Any:
    kind, first, second = next(lines).split()
    size = int(first)
    if kind == "null":
        return None
    if kind == "frame":
        columns = [one_line(next(lines)) for _ in range(size)]
        rows = [one_line(next(lines)) for _ in range(int(second))]
        return _frame(columns, rows, [_as_list(_value(lines)) for _ in range(size)])
    names = [one_line(next(lines)) for _ in range(size)] if second == "1" else None
    if kind == "list":
        values = [_value(lines) for _ in range(size)]
    else:
        values = [_READERS[kind](next(lines)) for _ in range(size)]
    if names is not None:
        return dict(zip(names, values, strict=True))
    return values[0] if size == 1 and kind != "list" else values


def _as_list(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else [value]


def _frame(columns: list[str], rows: list[str], values: list[list[Any]]) -> pd.DataFrame:
    automatic = rows == [str(number) for number in range(1, len(rows) + 1)]
    index = pd.RangeIndex(len(rows)) if automatic else pd.Index(rows)
    series = [pd.Series(column, index=index) for column in values]
    frame = pd.concat(series, axis=1) if series else pd.DataFrame(index=index)
    frame.columns = pd.Index(columns)
    return frame


def _number(text: str) -> float:
    return float("nan") if text in ("NA", "NaN") else float.fromhex(text)


_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "double": _number,
    "integer": lambda text: None if text == "NA" else int(text),
    "logical": lambda text: None if text == "NA" else text == "TRUE",
    "character": lambda text: None if text == "N" else one_line(text[1:]),
}


# -- scripts of analyses -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of one process.

    Attributes
    ----------
    state
        Which of two states it was in.
    figures
        By the number of the thing that they belong to, and by their keys.
    """

    state: int
    figures: dict[int, dict[Key, Value]]


def run_often(
    given: Sequence[Path],
    folder: Path,
    runs: int,
    wanted_state: int | None = None,
    before: Sequence[str] = (),
) -> list[Answer]:
    """Run a script of an analysis in several fresh processes, and read its figures.

    Parameters
    ----------
    given
        The script, and the table of what is read.
    folder
        The folder of the script's data, and of the answers.
    runs
        The number of processes.
    wanted_state
        Processes in the other state end at once, without an answer.
    before
        The words before each command.

    Raises
    ------
    VerificationError
        R stopped.
    RTimeoutError
        The deadline has passed.
    """
    started: list[subprocess.Popen[str]] = []
    deadline = deadlines.current()  # of this thread, and not of those that wait
    wanted = () if wanted_state is None else (str(wanted_state),)

    def run(number: int) -> Answer | None:
        answer = folder / f"figures-{wanted_state or 0}-{number}.txt"
        words = (*given, answer, *wanted)
        with _start("script/figures.R", *words, folder=folder, before=before) as process:
            started.append(process)
            left = None if deadline is None else max(deadline.at - time.monotonic(), 0.0)
            try:
                _, said = process.communicate(timeout=left)
            except subprocess.TimeoutExpired:
                process.kill()
                assert deadline is not None
                raise deadline.passed("plain R was ended") from None
        if wanted_state is not None and process.returncode == WRONG_STATE:
            return None
        if process.returncode != 0:
            raise VerificationError(
                f"plain R ended with status {process.returncode} and said:\n{_ending(said)}"
            )
        return read_answer(answer.read_text(encoding="utf-8"))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            found = list(pool.map(run, range(runs)))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in started:
                process.kill()
            raise
    return [answer for answer in found if answer is not None]


def _ending(said: str, n: int = 12) -> str:
    """Return R's error message, or its last lines if there is none."""
    lines = said.strip().splitlines()
    errors = [i for i, line in enumerate(lines) if line.startswith("Error")]
    return "\n".join(lines[errors[-1] :][:n] if errors else lines[-n:])


def read_answer(text: str) -> Answer:
    """Read the file that figures.R wrote: the state, and figures by number and key."""
    first, *lines = text.split("\n")[:-1]
    figures: dict[int, dict[Key, Value]] = {}
    for line in lines:
        number, *parts, value = line.split("\t")
        family, group, level, term, term2, quantity = map(one_line, parts)
        put(
            figures.setdefault(int(number), {}),
            (family, group, level, term, term2, quantity),
            value_of(value),
        )
    return Answer(int(first.split("\t")[1]), figures)


def put(figures: dict[Key, Value], key: Key, value: Value) -> None:
    """Put a figure under its key; the second of the same name gets the number 2, and so on."""
    n = 1
    while (*key, str(n)) in figures:
        n += 1
    figures[(*key, str(n))] = value


def value_of(text: str) -> Value:
    """Read a value: a number in hexadecimal digits, a string after ``s:``, or a missing one."""
    if text.startswith("s:"):
        return one_line(text[2:])
    if text in ("NA", "NaN"):
        return None
    if text in ("Inf", "-Inf"):
        return math.inf if text == "Inf" else -math.inf
    return float.fromhex(text)


def one_line(text: str) -> str:
    """Undo ``exact()`` of figures.R, and ``one_line()`` of snippet.R, which leaves tabs alone."""
    pieces = text.split("\\\\")
    for escape, letter in (("\\n", "\n"), ("\\r", "\r"), ("\\t", "\t")):
        pieces = [piece.replace(escape, letter) for piece in pieces]
    return "\\".join(pieces)
