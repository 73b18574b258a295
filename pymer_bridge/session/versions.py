"""What figures depend on: versions of R, packages and libraries, and the state of the process."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any, Final

from pymer_bridge import __version__
from pymer_bridge.session.asking import ask
from pymer_bridge.session.installation import MINIMUM_PACKAGES
from pymer_bridge.session.r_session import session

OF_FITS: Final = ("lme4", "Matrix")
"""R packages whose versions decide the bits of a fit."""
OF_REPLICATES: Final = (*OF_FITS, "pbkrtest")
"""Those of a replicate."""
OF_RECORDS: Final = tuple(name for name in MINIMUM_PACKAGES if name != "emmeans")
"""Those of all figures in a record, which holds no marginal means."""

OF_PYTHON: Final = ("rpy2", "rpy2-rinterface", "pandas", "numpy")


def r_versions(*packages: str) -> dict[str, str | None]:
    """Return the versions of R and of packages; None for one that is not installed."""
    return _named(ask("describe_session", packages=packages))


def _named(found: Mapping[str, Any]) -> dict[str, str | None]:
    versions = dict(zip(found["packages"], found["versions"], strict=True))
    return {"R": found["r_version"][0], **versions}


def python_versions(*packages: str) -> dict[str, str | None]:
    """Return the versions of Python and of its packages; None for one that is not installed."""
    found: dict[str, str | None] = {"Python": platform.python_version()}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def versions_here() -> dict[str, str | None]:
    """Return all that the figures of a fit can depend on: the platform and its libraries, too."""
    found = ask("describe_session", packages=OF_FITS)
    machine = {name: found[name][0] for name in ("platform", "blas", "lapack")}
    return {"pymer_bridge": __version__, **_named(found), **machine}


def stack_here() -> dict[str, str | None]:
    """Return all that figures can depend on, by name: versions, libraries, settings of R."""
    session().require("lme4")
    found = ask("describe_stack", packages=OF_RECORDS)
    return {
        **{name: value[0] for name, value in found.items()},
        **python_versions(*OF_PYTHON),
        "pymer_bridge": __version__,
    }


def state_here() -> int | None:
    """Return which of two states this process is in; None where R has one state only.

    lme4 that was built with old headers of CHOLMOD reads its memory's addresses (lme4 issue 745):
    each process is in one of two states for its whole life, and only processes in the same state
    agree to the last bit.
    """
    session().require("lme4")
    if not ask("built_with_defect")[0]:
        return None
    return int(ask("process_state")[0])
