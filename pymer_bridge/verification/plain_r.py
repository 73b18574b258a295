"""Plain R in a process of its own: a snippet runs on given data, and its value comes back exactly.

The snippet sees nothing of this package, and R reads no profile (``Rscript --vanilla``).
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pandas as pd

from pymer_bridge.data import frames
from pymer_bridge.data.columns import unfit_for_r
from pymer_bridge.errors import OptionError, RError, SessionError
from pymer_bridge.session.doctor import has_two_states
from pymer_bridge.session.r_session import session
from pymer_bridge.verification.plain_run import plain_environment, rscript_program

TRIES: Final = 25
"""Where chance chooses between two states: all of these miss once in 30 million runs."""


def run_snippet(
    snippet: str, data: Mapping[str, Any] | None = None, *, timeout: float | None = None
) -> Any:
    """Run plain R on some data, and return the value of its last expression.

    Parameters
    ----------
    snippet
        R code. It is run as it is: give your own code only.
    data
        Frames by the names that R gets them under; a fitted model stands for its data.
    timeout
        Seconds after which R is stopped.

    Returns
    -------
    object
        A number, string or bool of a vector of length one; a list of a longer vector; a dict of
        what has names; a pandas frame of a data frame or matrix; of a fitted model a dict of its
        figures by key, see :mod:`pymer_bridge.verification.figures`. Doubles are R's to the last
        bit, and missing numbers are NaN, other missing values None.

    Raises
    ------
    RError
        R stopped, or took too long; the message is what R printed.
    OptionError, DataConversionError
        The data cannot be taken to R.
    REnvironmentError
        R cannot be used.
    SessionError
        No process of R was in the state of this one.

    Notes
    -----
    On installations where processes of R fall into two states that differ in the last bits (lme4
    issue 745), R is started until one is in the state of this process.
    """
    if not isinstance(snippet, str):
        raise OptionError(f"the snippet must be a string of R, not a {type(snippet).__name__}")
    with TemporaryDirectory(prefix="pymer_bridge-") as name:
        folder = Path(name)
        (folder / "snippet.R").write_text(snippet, encoding="utf-8")
        _write_data(folder, data or {})
        wanted = session().call("process_state").value[0] if has_two_states() else 0
        for _ in range(TRIES):
            _run(folder, timeout)
            if (folder / "state").read_text().strip() in ("0", str(int(wanted))):
                lines = (folder / "value").read_text(encoding="utf-8").split("\n")
                return _value(iter(lines))
    raise SessionError(f"none of {TRIES} processes of R was in the state of this process")


def _write_data(folder: Path, data: Mapping[str, Any]) -> None:
    names = []
    for number, (name, given) in enumerate(data.items(), start=1):
        if "\n" in name or not name or unfit_for_r(name):
            raise OptionError(f"{name!r} is no name for data in R")
        path = str(folder / f"{number}.rds")
        if hasattr(given, "_model"):
            session().call("write_model_data", model=given._model, path=path)
        else:
            frame = frames.collect(frames.as_pandas(given))
            session().call("write_frame", frame=frame.to_r(), path=path)
        names.append(f"{name}\n")
    (folder / "names").write_text("".join(names), encoding="utf-8")


def _run(folder: Path, timeout: float | None) -> None:
    script = Path(str(files("pymer_bridge"))) / "r" / "plain" / "snippet.R"
    command = [rscript_program(), "--vanilla", str(script), str(folder)]
    try:
        done = subprocess.run(
            command,
            env=plain_environment(),
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RError(f"plain R took more than {timeout} seconds") from error
    if done.returncode != 0:
        raise RError(f"plain R stopped: {done.stderr.strip()}")


# -- reading -------------------------------------------------------------------------------------


def _value(lines: Iterator[str]) -> Any:
    kind, first, second = next(lines).split()
    size = int(first)
    if kind == "null":
        return None
    if kind == "frame":
        columns = [_text(next(lines)) for _ in range(size)]
        rows = [_text(next(lines)) for _ in range(int(second))]
        return _frame(columns, rows, [_as_list(_value(lines)) for _ in range(size)])
    names = [_text(next(lines)) for _ in range(size)] if second == "1" else None
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


def _text(line: str) -> str:
    """Undo ``one_line()`` of snippet.R."""
    parts = line.split("\\\\")
    return "\\".join(part.replace("\\n", "\n").replace("\\r", "\r") for part in parts)


def _number(text: str) -> float:
    return float("nan") if text in ("NA", "NaN") else float.fromhex(text)


_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "double": _number,
    "integer": lambda text: None if text == "NA" else int(text),
    "logical": lambda text: None if text == "NA" else text == "TRUE",
    "character": lambda text: None if text == "N" else _text(text[1:]),
}
