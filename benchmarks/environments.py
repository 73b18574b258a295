"""Competitors in environments of their own, made once and kept beside this file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.shared import HERE

FOLDER = HERE / ".environments"
PATIENCE = 600
"""Seconds that an installation may take."""

COMPETITORS = {
    # What is installed, and what shows that it works.
    "pandas2ri": (["pandas", "pyarrow"], "from rpy2.robjects import pandas2ri"),
    # pymer4 states none of what it imports.
    "pymer4": (
        ["pymer4", "pandas", "polars", "joblib", "scikit-learn", "great-tables"],
        "from pymer4.models import lmer",
    ),
}


class NotInstalledError(Exception):
    """A competitor cannot be had here; the message says why."""


def rpy2_alone() -> list[str]:
    """Return what pip installs for an rpy2 that goes with this R by itself."""
    from pymer_bridge.session.installation import r_home, r_version  # noqa: PLC0415

    version = r_version(r_home() or "") or (4, 6)
    return ["rpy2<3.6.7", "rpy2-rinterface==3.6.5"] if version < (4, 5) else ["rpy2"]


def _run(words: list[str]) -> None:
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        raise NotInstalledError(f"not there after {PATIENCE} s") from None
    if done.returncode:
        lines = done.stderr.splitlines()
        # R's console may speak after Python's error.
        said = [line for line in lines if "Error" in line] or [line for line in lines if line]
        raise NotInstalledError(_shortest(said[-1] if said else f"status {done.returncode}"))


def _shortest(reason: str) -> str:
    """Return a reason without the class of Python's error and folders of this machine."""
    words = [Path(word).name if word.startswith("/") else word for word in reason.split()]
    return " ".join(words[1:] if words[0].endswith("Error:") else words).rstrip(".")


def python_of(name: str) -> str:
    """Return the Python of a competitor's environment, which is made where it is missing.

    Raises
    ------
    NotInstalledError
        It cannot be installed, or does not work.
    """
    packages, trial = COMPETITORS[name]
    home = FOLDER / name
    python = str(home / "bin" / "python")
    if not (home / "made").exists():
        _run([sys.executable, "-m", "venv", "--clear", str(home)])
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # Not from pip's cache: a wheel there may be of another R.
        rpy2 = rpy2_alone()
        _run([*pip, "--no-cache-dir", *rpy2])
        _run([*pip, *rpy2, *packages])
        (home / "made").touch()
    _run([python, "-c", trial])
    return python


def install() -> Iterator[tuple[str, str | None, str]]:
    """Go through the competitors: name, Python (None where it is skipped), and why."""
    for name in COMPETITORS:
        try:
            yield name, python_of(name), ""
        except NotInstalledError as error:
            yield name, None, str(error)
