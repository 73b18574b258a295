"""Competitors in environments of their own, made once and kept beside this file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
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
        [
            "pymer4",
            "pandas",
            "polars",
            "pyarrow",
            "joblib",
            "scikit-learn",
            "great-tables",
            "formulae",
        ],
        "from pymer4.models import lmer",
    ),
}
"""Of the benchmarks of speed."""

REFEREED = {
    "mixedlm": (["mixedlm", "pandas"], "import mixedlm"),
    "interlace-lme": (["interlace-lme", "pandas"], "import interlace"),
    "lme-python": (["lme-python", "pandas"], "import lme_python"),
    "mixedlm-rs": (["mixedlm-rs", "pandas"], "import mixedlm_rs"),
    "bossanova": (["bossanova", "pandas"], "import bossanova"),
    "statsmodels": (["statsmodels", "pandas"], "import statsmodels.formula.api"),
    "pymer4": COMPETITORS["pymer4"],
}
"""Of the referee."""

WITH_R = ("pandas2ri", "pymer4")


class NotInstalledError(Exception):
    """A competitor cannot be had here; the message says why."""


def rpy2_alone() -> list[str]:
    """Return what pip installs for an rpy2 that goes with this R by itself."""
    from pymer_bridge.session.installation import r_home, r_version  # noqa: PLC0415

    version = r_version(r_home() or "") or (4, 6)
    return ["rpy2<3.6.7", "rpy2-rinterface==3.6.5"] if version < (4, 5) else ["rpy2"]


def _run(words: list[str], env: Mapping[str, str] | None = None) -> None:
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=PATIENCE, check=False, env=env
        )
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


def python_of(name: str, env: Mapping[str, str] | None = None) -> str:
    """Return the Python of a competitor's environment, which is made where it is missing.

    Raises
    ------
    NotInstalledError
        It cannot be installed, or does not work (with the variables of ``env``).
    """
    packages, trial = (COMPETITORS | REFEREED)[name]
    home = FOLDER / name
    python = str(home / "bin" / "python")
    # Another list of packages makes another environment.
    made, wanted = home / "made", " ".join(packages)
    if not made.exists() or made.read_text(encoding="utf-8") != wanted:
        _run([sys.executable, "-m", "venv", "--clear", str(home)])
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        rpy2 = rpy2_alone() if name in WITH_R else []
        if rpy2:  # Not from pip's cache: a wheel there may be of another R.
            _run([*pip, "--no-cache-dir", *rpy2])
        _run([*pip, *rpy2, *packages])
        made.write_text(wanted, encoding="utf-8")
    _run([python, "-c", trial], env)
    return python


def with_stand_in(package: str) -> dict[str, str]:
    """Return variables under which R finds an empty package where it lacks this one.

    For packages that are asked for at the start, and give none of the figures that are compared.
    """
    library, source = FOLDER / "r-library", FOLDER / package
    env = dict(os.environ)
    there = subprocess.run(
        ["Rscript", "-e", f'quit(status = !nzchar(system.file(package = "{package}")))'],
        check=False,
        capture_output=True,
    )
    if there.returncode == 0:
        return env
    source.mkdir(parents=True, exist_ok=True)
    library.mkdir(exist_ok=True)
    about = {
        "Package": package,
        "Version": "0.0.0",
        "Title": "Stand-In",
        "License": "none",
        "Description": f"Stands where {package} is not installed.",
        "Author": "none",
        "Maintainer": "none <none@example.org>",
    }
    text = "".join(f"{name}: {value}\n" for name, value in about.items())
    (source / "DESCRIPTION").write_text(text, encoding="utf-8")
    (source / "NAMESPACE").write_text("", encoding="utf-8")
    _run(["R", "CMD", "INSTALL", "--no-docs", "-l", str(library), str(source)])
    paths = [str(library), *filter(None, [env.get("R_LIBS")])]
    return env | {"R_LIBS": os.pathsep.join(paths)}


def install() -> Iterator[tuple[str, str | None, str]]:
    """Go through the competitors: name, Python (None where it is skipped), and why."""
    for name in COMPETITORS:
        try:
            yield name, python_of(name), ""
        except NotInstalledError as error:
            yield name, None, str(error)
