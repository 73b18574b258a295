"""Tests that need R say so with ``@pytest.mark.r``; where R is missing they are skipped.

What needs R with nothing but its own packages says ``r(alone=True)``: lme4 takes seconds to load.
Where the variable CI is set they fail instead: there, a missing R is a mistake.
"""

from __future__ import annotations

import os
import signal
from functools import cache

import pytest

from pymer_bridge.errors import REnvironmentError
from pymer_bridge.session.r_session import session

# A job that a shell runs in the background ignores Ctrl-C, and so would all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


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
    for marker in item.iter_markers("r"):
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
