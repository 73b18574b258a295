"""Which R is used, which versions are supported, and which command fixes what is missing.

No R is started here; the texts are shared by the session's errors and by the doctor.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Final

from pymer_bridge.errors import REnvironmentError

MINIMUM_R: Final = "4.2.0"
MINIMUM_PACKAGES: Final = {
    "lme4": "1.1-31",
    "lmerTest": "3.1-3",
    "pbkrtest": "0.5.2",
    "emmeans": "1.8.4",
    "Matrix": "1.5-3",
}
"""The oldest supported versions; ``r_requirements.R`` states the same table."""

FEATURES: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "effects": (("effects",), "`fit.effect()` and its pictures"),
    "terms": (("car",), "tests of types II and III beside `lmer`, `fit.vif()`"),
    "shares": (("insight", "performance"), "`fit.icc()`, `fit.r2()`, reports and tables of them"),
    "checks": (("performance",), "`fit.check()`"),
    "residuals": (("DHARMa",), "`test_quantiles()` of simulated residuals; the rest goes without"),
    "robust": (("clubSandwich", "sandwich"), "`fit.robust()`"),
    "standardize": (("datawizard",), "`fit.standardize()`"),
    "pool": (("mice", "broom.mixed", "mitml"), "`pb.pool()`, `pb.fit_imputed()`"),
    "simulation": (("merTools",), '`fit.predict(interval="prediction", method="simulation")`'),
}
"""What needs further R packages: which, and what it is; ``r_requirements.R`` has the same list."""

OPTIONAL_PACKAGES: Final = tuple(
    dict.fromkeys(package for packages, _ in FEATURES.values() for package in packages)
)

RINTERFACE: Final = "3.6.7"
"""The newest version of rpy2's part that embeds R with which this package is tested."""

DDF_PACKAGES: Final[dict[str, tuple[str, ...]]] = {
    "satterthwaite": ("lmerTest",),
    "kenward-roger": ("lmerTest", "pbkrtest"),
}
"""R packages besides lme4 that a method of degrees of freedom needs."""


def unfit(problem: str, command: str) -> REnvironmentError:
    """Return the error for something that is missing or broken, with the command that fixes it."""
    return REnvironmentError(f"{problem}\nFix it with: {command}")


def r_home() -> str | None:
    """Return R's home directory, from ``R_HOME`` or else from the ``R`` on the path.

    Returns
    -------
    str or None
        The directory, or None where no R is found. A wrong ``R_HOME`` is returned as it is.
    """
    named = os.environ.get("R_HOME")
    if named:
        return named
    program = shutil.which("R")
    if program is None:
        return None
    try:
        return _told(program, "RHOME").strip() or None
    except OSError as error:
        problem = f"the R on the PATH does not run: {program}: {error.strerror}"
        raise unfit(problem, install_r_command()) from error


def _told(program: str | Path, option: str) -> str:
    """Return what a program of R says, without starting R."""
    try:
        return subprocess.run(
            [program, option], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        ).stdout
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            problem = f"R cannot be asked where it is: {error.strerror}"
            raise unfit(problem, "ulimit -n 1024") from error
        raise


def r_version(home: str) -> tuple[int, ...] | None:
    """Return the version of the R at ``home``, without starting it."""
    program = Path(home) / "bin" / ("R.exe" if os.name == "nt" else "R")
    try:
        said = _told(program, "--version")
    except OSError:
        return None
    # Warnings about the environment may stand before it.
    words = next((w for w in map(str.split, said.splitlines()) if w[:2] == ["R", "version"]), [])
    if len(words) < 3:
        return None
    return tuple(int(part) for part in words[2].split("."))


def usable_home() -> str:
    """Return the home of an R that is new enough.

    Raises
    ------
    REnvironmentError
        There is none; the message names what was looked for, where, and the remedy.
    """
    home = r_home()
    if home is None:
        problem = "R was not found: there is no R on the PATH and R_HOME is not set"
        raise unfit(problem, install_r_command())
    version = r_version(home)
    if version is None:
        problem = f"no working R was found at {home} (from R_HOME or the R on the PATH)"
        raise unfit(problem, "unset R_HOME, or set it to what the command 'R RHOME' prints")
    if version < tuple(map(int, MINIMUM_R.split("."))):
        found = ".".join(map(str, version))
        problem = f"the R at {home} is of version {found}, and at least {MINIMUM_R} is needed"
        raise unfit(problem, install_r_command())
    return home


def unusable_rpy2(error: BaseException, home: str) -> REnvironmentError:
    """Return the error for an rpy2 that does not go with the R at ``home``."""
    version = r_version(home)
    shown = "unknown version" if version is None else ".".join(map(str, version))
    problem = f"R ({shown}) was found at {home}, but rpy2 cannot use it: {error}"
    asked = os.environ.get("RPY2_CFFI_MODE", "")
    if asked.upper() in ("", "ANY"):
        return unfit(problem, install_rinterface_command())
    return unfit(f"{problem} (RPY2_CFFI_MODE is {asked})", "unset RPY2_CFFI_MODE")


def newer_lme4(message: str) -> REnvironmentError:
    """Return the error for something that, as R's message says, needs a newer lme4."""
    version = re.search(r"need lme4 (\S+)", message)
    assert version is not None
    return unfit(message, install_package_command("lme4", version[1]))


def no_room(error: RuntimeError, stack: int) -> REnvironmentError:
    """Return the error for a system that refuses the thread for R its stack of so many bytes."""
    return unfit(
        f"the thread for R needs {stack // 2**20} MB of address space for its stack, and the "
        f"system refuses it: {error}",
        "ulimit -v unlimited (and see how many threads there may be: ulimit -u)",
    )


def requirements_script() -> Path:
    """Return where ``r_requirements.R`` lies, in a wheel or in a source tree."""
    packaged = Path(str(files("pymer_bridge"))) / "r_requirements.R"
    return packaged if packaged.exists() else packaged.parent.parent / "r_requirements.R"


def install_r_command() -> str:
    """Return the one command that installs R, as far as this platform tells."""
    packages = [name.lower() for name in MINIMUM_PACKAGES if name != "Matrix"]  # R's own
    if shutil.which("apt-get"):
        listed = " ".join(f"r-cran-{name}" for name in packages)
        return f"sudo apt-get install --no-install-recommends r-base-core {listed}"
    if shutil.which("brew"):
        return "brew install r"
    if shutil.which("conda"):
        listed = " ".join(f"r-{name}" for name in packages)
        return f"conda install -c conda-forge r-base {listed}"
    return "(install R from the page of your system at cloud.r-project.org)"


def install_package_command(package: str, version: str | None = None) -> str:
    """Return the one command that installs an R package, or updates it to a version."""
    if version is not None:
        return f'Rscript "{requirements_script()}" --require="{package}>={version}"'
    if package in MINIMUM_PACKAGES:
        return f'Rscript "{requirements_script()}"'
    return f'Rscript "{requirements_script()}" --require={package}'


def install_features_command(features: str) -> str:
    """Return the one command that installs the R packages of features, joined by commas."""
    return f'Rscript "{requirements_script()}" --for={features}'


def install_rinterface_command() -> str:
    """Return the pip command for the part of rpy2 that every supported R goes with."""
    # The pip of this very Python: in a venv that is not activated, plain pip is another's.
    python = Path(sys.executable or "python3")
    return (
        f'"{python}" -m pip install --force-reinstall --no-deps --no-cache-dir '
        f'"rpy2-rinterface=={RINTERFACE}"'
    )
