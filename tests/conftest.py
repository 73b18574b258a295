"""Tests that need R say so with ``@pytest.mark.r``; where R is missing they are skipped.

What needs R with nothing but its own packages says ``r(alone=True)``: lme4 takes seconds to load.
Where the variable CI is set they fail instead: there, a missing R is a mistake.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import signal
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from helpers.live import AnsweringScript
from pymer_bridge.errors import REnvironmentError
from pymer_bridge.session.r_session import session

# The time that an example takes decides no test.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# A job that a shell runs in the background ignores Ctrl-C, and so would all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
# The many programs that tests start compile the package once, not each of them.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# With room for all that lme4 brings, an Rscript loads it in two thirds of the time.
os.environ.update(R_NSIZE="3000000", R_VSIZE="100M")


@cache
def why_no_r(package: str) -> str | None:
    """Return what is wrong with R or with a package of it, None where nothing is."""
    try:
        session().require(package)
    except REnvironmentError as error:
        return str(error)
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Stop a test marked ``r``, or ``r("lmerTest")``, where R or the package is missing."""
    markers = list(item.iter_markers("r"))
    if "single_figures" in getattr(item, "fixturenames", ()):
        markers.append(pytest.mark.r("pbkrtest").mark)
    for marker in item.iter_markers("carried"):
        for package in marker.args:
            if reason := why_no_r(package):
                pytest.skip(f"this R lacks {package}: {reason.splitlines()[0]}")
    for marker in markers:
        first = "base" if marker.kwargs.get("alone") else "lme4"
        for package in (first, *marker.args):
            if reason := why_no_r(package):
                if os.environ.get("CI"):
                    pytest.fail(f"CI is set, and R cannot be used: {reason}", pytrace=False)
                pytest.skip(f"R cannot be used: {reason}")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Compare pictures with the stored ones whenever pytest-mpl is there, not only by --mpl."""
    if getattr(config.option, "mpl", None) is False and not config.option.mpl_generate_path:
        config.option.mpl = True


def pytest_sessionstart() -> None:
    """Print the stack of the thread in which a process crashes, not those of all thirty."""
    if faulthandler.is_enabled():
        faulthandler.enable(os.dup(2), all_threads=False)


def pytest_collection_finish() -> None:
    """Let Python's collector pass over the tests themselves: they stay, and there are thousands."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all processes of a run of pytest-xdist share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def single_figures(shared_folder: Path) -> dict[str, Any]:
    """Return what plain R answers in ``reference/single_figures.R``, in a process of its own."""
    answers: dict[str, Any] = AnsweringScript("single_figures.R", shared_folder).read()
    return answers
