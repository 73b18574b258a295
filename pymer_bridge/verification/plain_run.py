"""Running R files under a plain ``Rscript --vanilla``, and reading the figures that they wrote."""

from __future__ import annotations

import math
import os
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pymer_bridge.errors import VerificationError
from pymer_bridge.results.exact import Value
from pymer_bridge.session import installation
from pymer_bridge.session.r_session import session

WRONG_STATE: Final = 3
"""The exit status of figures.R in a process of the other state."""
AT_ONCE: Final = 2

Key = tuple[str, ...]
"""Family, group, level, term, other term, quantity, and which of several of that name."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one process gave.

    Attributes
    ----------
    state
        Which of two states it was in.
    figures
        By the number of what they are figures of, and by their keys.
    output
        What it printed.
    """

    state: int
    figures: dict[int, dict[Key, Value]]
    output: str


def plain_environment() -> dict[str, str]:
    """Return the variables under which plain R finds the packages of this session.

    ``--vanilla`` reads no Renviron: without this R might find other versions.
    """
    paths = session().call(".libPaths").value
    return {**os.environ, "R_LIBS": os.pathsep.join(paths)}


def rscript_program() -> str:
    """Return where Rscript is."""
    home = installation.r_home()
    assert home is not None  # the session runs
    return str(Path(home) / "bin" / "Rscript")


def run_often(
    files: Sequence[Path], folder: Path, runs: int, wanted_state: int | None = None
) -> list[Answer]:
    """Run a file in several fresh processes.

    Parameters
    ----------
    files
        figures.R, the script, and the table of what is read.
    folder
        Where the script's data are, and where answers go.
    runs
        How many processes.
    wanted_state
        Processes of the other state end at once, and give no answer.

    Raises
    ------
    VerificationError
        R stopped.
    """
    variables = plain_environment()
    program = rscript_program()
    started: list[subprocess.Popen[str]] = []

    def run(number: int) -> Answer | None:
        answer = folder / f"figures-{wanted_state or 0}-{number}.txt"
        command = [program, "--vanilla", *map(str, files), str(answer)]
        if wanted_state is not None:
            command.append(str(wanted_state))
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        started.append(process)
        output, said = process.communicate()
        if wanted_state is not None and process.returncode == WRONG_STATE:
            return None
        if process.returncode != 0:
            raise VerificationError(
                f"plain R ended with status {process.returncode} and said:\n{_ending(said)}"
            )
        state, figures = read_answer(answer.read_text(encoding="utf-8"))
        return Answer(state, figures, output)

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
    """Return what R said last: its error, where there is one, else the last lines."""
    lines = said.strip().splitlines()
    errors = [i for i, line in enumerate(lines) if line.startswith("Error")]
    return "\n".join(lines[errors[-1] :][:n] if errors else lines[-n:])


def read_answer(text: str) -> tuple[int, dict[int, dict[Key, Value]]]:
    """Read what figures.R wrote: the state, and figures by number and key."""
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
    return int(first.split("\t")[1]), figures


def put(figures: dict[Key, Value], key: Key, value: Value) -> None:
    """Put a figure under its key; the second of one name under that and 2, and so on."""
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
    """Undo ``exact()`` of figures.R."""
    pieces = text.split("\\\\")
    for escape, letter in (("\\n", "\n"), ("\\r", "\r"), ("\\t", "\t")):
        pieces = [piece.replace(escape, letter) for piece in pieces]
    return "\\".join(pieces)
