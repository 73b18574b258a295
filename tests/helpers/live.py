"""Plain R's answers, from inside this process and from a process of its own.

The R side is in ``reference/``: plain R that knows nothing of this package. Its data come from
R packages, or from files of raw memory that are written here without the package's help, and
its answers come back keyed, and compared to the last bit.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from helpers import REFERENCES
from pymer_bridge.session import installation
from pymer_bridge.session.calls import Handle
from pymer_bridge.session.r_session import session
from pymer_bridge.verification.plain_r import TRIES, fixed_addresses

WRONG_STATE = 3
"""The exit status of run.R in a process of the other state."""
SHOWN = 5


@dataclass(frozen=True)
class Figure:
    """Values, each with a key that tells what it belongs to."""

    keys: tuple[str, ...]
    values: NDArray[np.float64] | tuple[str, ...]


Figures = dict[str, Figure]


def numbers(values: Any, keys: Any = None) -> Figure:
    """Make a figure of numbers; None is a missing one, and keys by default count from 1."""
    as_floats = np.array([np.nan if v is None else float(v) for v in values], dtype=np.float64)
    return Figure(_keys(keys, len(as_floats)), as_floats)


def texts(values: Any, keys: Any = None) -> Figure:
    """Make a figure of strings."""
    return Figure(_keys(keys, len(values)), tuple(values))


def _keys(keys: Any, n: int) -> tuple[str, ...]:
    given = range(1, n + 1) if keys is None else keys
    return tuple("\t".join(map(str, k)) if isinstance(k, tuple) else str(k) for k in given)


# -- comparing -----------------------------------------------------------------------------------


def differences(ours: Figure, theirs: Figure) -> list[str]:
    """Describe where two figures differ: in kind, in keys and their order, or in any bit.

    The sign of a zero counts. Missing values are alike, however they came to be missing.
    """
    if ours.keys != theirs.keys:
        pairs = zip_longest(ours.keys, theirs.keys)
        return [f"key {i}: {a!r}, R has {b!r}" for i, (a, b) in enumerate(pairs) if a != b]
    if len(set(ours.keys)) != len(ours.keys):
        return ["a key stands twice, so that nothing is known of its values"]
    if isinstance(ours.values, tuple) or isinstance(theirs.values, tuple):
        if type(ours.values) is not type(theirs.values):
            return ["numbers against strings"]
        rows = zip(ours.keys, ours.values, theirs.values, strict=True)
        return [f"{key}: {a!r}, R has {b!r}" for key, a, b in rows if a != b]
    unequal = np.flatnonzero(_bits(ours.values) != _bits(theirs.values))
    return [
        f"{ours.keys[i]}: {ours.values[i]!r} ({ours.values[i].hex()}), "
        f"R has {theirs.values[i]!r} ({theirs.values[i].hex()})"
        for i in unequal
    ]


def _bits(values: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.where(np.isnan(values), np.nan, values).view(np.int64)


def assert_same(ours: Figures, theirs: Figures) -> None:
    """Assert that two sets of figures have the same names, keys and bits."""
    assert list(ours) == list(theirs)
    found: list[str] = []
    for name, figure in ours.items():
        unequal = differences(figure, theirs[name])
        if unequal:
            shown = [f"  {line}" for line in unequal[:SHOWN]]
            found += [f"{name}: {len(unequal)} of {len(figure.keys)} differ", *shown]
    assert not found, "\n".join(["figures are not R's:", *found])


def assert_same_bits(ours: Any, theirs: Any) -> None:
    """Assert that two vectors of numbers are the same to the last bit; missing ones are alike."""
    bits = [
        ["NA" if v is None or np.isnan(v) else float(v).hex() for v in values]
        for values in (ours, theirs)
    ]
    assert bits[0] == bits[1]


# -- asking R ------------------------------------------------------------------------------------


def ask_r(function: str, **arguments: Any) -> Any:
    """Call a function that an R user finds, in this process; our own operations see base only."""
    workspace = session().call("globalenv").value
    return session().call("do.call", what=function, args=arguments, envir=workspace).value


# -- data for R ----------------------------------------------------------------------------------


def _memory(column: pd.Series[Any]) -> tuple[str, NDArray[Any], list[str] | None]:
    """Return a column's kind, its values as R holds them, and its levels."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        kind = "ordered" if column.cat.ordered else "factor"
        return kind, _r_codes(column.cat.codes.to_numpy()), list(column.cat.categories)
    if column.dtype.kind == "f":
        return "double", column.to_numpy(), None
    if column.dtype.kind == "b":
        return "logical", column.to_numpy().astype(np.int32), None
    if column.dtype.kind == "i":
        return "integer", column.to_numpy().astype(np.int32), None
    codes, levels = pd.factorize(column)
    return "text", _r_codes(codes), list(levels)


def _r_codes(codes: NDArray[Any]) -> NDArray[np.int32]:
    return np.where(codes < 0, -(2**31), codes.astype(np.int64) + 1).astype(np.int32)


def write_frame(frame: pd.DataFrame, folder: Path) -> None:
    """Write a data frame as raw memory, for ``read_frame()`` in reference/data.R."""
    folder.mkdir()
    kinds = []
    for number, name in enumerate(frame.columns, start=1):
        kind, values, levels = _memory(frame[name])
        kinds.append(kind)
        (folder / f"{number}.bin").write_bytes(values.tobytes())
        if levels is not None:
            _write_lines(folder / f"{number}.levels", levels)
    _write_lines(folder / "names", list(frame.columns))
    _write_lines(folder / "kinds", kinds)


def _write_lines(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


# -- the same process ----------------------------------------------------------------------------


class SameProcess:
    """Plain R in the session of this process, in an environment of its own."""

    def __init__(self) -> None:
        # Below the search path, not below our operations: it must not find them.
        search_path = session().call("globalenv").value
        self._environment: Handle = session().call("new.env", parent=search_path).value
        for name in ("data", "models", "figures"):
            path = str(REFERENCES / f"{name}.R")
            session().call("sys.source", file=path, envir=self._environment)

    def _call(self, function: str, **arguments: Any) -> Any:
        return (
            session().call("do.call", what=function, args=arguments, envir=self._environment).value
        )

    def sees(self, name: str) -> bool:
        """Tell whether plain R finds something of this name."""
        return bool(session().call("exists", x=name, envir=self._environment).value[0])

    def names(self, name: str) -> tuple[str, ...]:
        """Return the names of the models, or of the failures, in R's file."""
        models = session().call("get", x=name, envir=self._environment).value
        return tuple(models)

    def state(self) -> int:
        """Return which of two states this process is in; see reference/figures.R."""
        return int(self._call("process_state")[0])


# -- a process of its own ------------------------------------------------------------------------


def rscript(script: str, *words: str) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Give commands, each with its environment, of which one runs in the state of this process."""
    home = installation.r_home()
    assert home is not None
    command = [str(Path(home) / "bin" / "Rscript"), "--vanilla", str(REFERENCES / script), *words]
    # --vanilla reads no Renviron: without this it might find other versions.
    paths = os.pathsep.join(session().call(".libPaths").value)
    environment = {**os.environ, "R_LIBS": paths}
    yield [*fixed_addresses(), *command], environment
    for _ in range(TRIES):
        yield command, environment


class AnsweringScript:
    """A script of reference/ that stores its answers with ``saveRDS()``, in an ``Rscript``.

    It is called with the path of the answers, the state of this process and any words more, and
    ends with status 3 where it is in the other state. It runs beside the tests; the first reading
    waits. Processes of tests that share the folder share the answers.
    """

    def __init__(self, script: str, folder: Path, *words: str) -> None:
        state = str(session().call("process_state").value[0])
        self._answers = folder / f"{script}-{state}.rds"
        self._commands = rscript(script, str(self._answers), state, *words)
        self._pool = ThreadPoolExecutor(1)
        self._done = self._pool.submit(self._run)

    def _run(self) -> None:
        with self._answers.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self._answers.exists():
                return
            for command, environment in self._commands:
                done = subprocess.run(
                    command, env=environment, capture_output=True, text=True, check=False
                )
                if done.returncode == 0:
                    return
                assert done.returncode == WRONG_STATE, done.stderr
            raise AssertionError(f"none of {TRIES} Rscript processes was in the state of this one")

    def read(self) -> Any:
        """Return the answers, as R lists and vectors arrive here."""
        self._done.result()
        self._pool.shutdown()
        return session().call("readRDS", file=str(self._answers)).value


class SeparateProcess:
    """Plain R in an ``Rscript --vanilla``, which answers for all models at once.

    It runs beside the tests; the first question waits for its end.
    """

    script = "run.R"

    def __init__(self, data: Path, answers: Path, state: int) -> None:
        self._answers = answers
        self._commands = rscript(self.script, str(data), str(answers), str(state))
        self._process: subprocess.Popen[str] | None = None
        self._closed = False
        self._pool = ThreadPoolExecutor(1)
        self._done: Future[int] = self._pool.submit(self._run)
        self._kept: dict[str, Figures] = {}

    def _run(self) -> int:
        """Start R until it is in the wanted state, and return how often it was started."""
        for attempt, (command, environment) in enumerate(self._commands, 1):
            self._process = subprocess.Popen(
                command,
                env=environment,
                text=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            if self._closed:
                self._process.kill()
            _, said = self._process.communicate()
            status = self._process.returncode
            if status == 0:
                return attempt
            if status != WRONG_STATE or self._closed:
                raise AssertionError(f"Rscript ended with status {status}:\n{said}")
        raise AssertionError(
            f"none of {TRIES} Rscript processes was in the state of this process, "
            "so that bits cannot be compared (DESIGN.md, 'R and itself')"
        )

    def attempts(self) -> int:
        """Return how many processes were started until one was in the wanted state."""
        return self._done.result()

    def figures(self, model: str) -> Figures:
        """Return all figures of a model."""
        self.attempts()
        if model not in self._kept:
            text = (self._answers / model).read_text(encoding="utf-8")
            self._kept[model] = _read_figures(text)
        return self._kept[model]

    def close(self) -> None:
        """End the process where it still runs."""
        self._closed = True
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
        self._pool.shutdown()


def _read_figures(text: str) -> Figures:
    """Read what run.R wrote: exact text, by Python alone."""
    figures: Figures = {}
    lines = iter(text.split("\n")[:-1])
    for header in lines:
        name, kind, n = header.split("\t")
        pairs = [next(lines).split("\t", 1) for _ in range(int(n))]
        keys = tuple(key for _, key in pairs)
        if kind == "number":
            figures[name] = Figure(keys, np.array([_number(v) for v, _ in pairs], dtype=float))
        else:
            figures[name] = Figure(keys, tuple(_one_line(v) for v, _ in pairs))
    return figures


def _number(text: str) -> float:
    return float("nan") if text in ("NA", "NaN") else float.fromhex(text)


def _one_line(text: str) -> str:
    """Undo ``exact()`` of run.R."""
    return "\\".join(part.replace("\\n", "\n") for part in text.split("\\\\"))
