"""The versions on which figures depend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymer_bridge._version import __version__
from pymer_bridge.session.r_session import session


def r_versions(*packages: str) -> dict[str, str | None]:
    """Return the versions of R and of packages; None for one that is not installed."""
    return _named(session().call("describe_session", packages=packages).value)


def versions_here() -> dict[str, str | None]:
    """Return all that the figures of a fit can depend on: the platform and its libraries, too."""
    found = session().call("describe_session", packages=("lme4", "Matrix")).value
    machine = {name: found[name][0] for name in ("platform", "blas", "lapack")}
    return {"pymer_bridge": __version__, **_named(found), **machine}


def _named(found: Mapping[str, Any]) -> dict[str, str | None]:
    versions = dict(zip(found["packages"], found["versions"], strict=True))
    return {"R": found["r_version"][0], **versions}
