"""Call R functions of the tests: of ``probe.R``, which say what arrived, and of references."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from pymer_bridge.data.frames import collect
from pymer_bridge.session.calls import Handle, Outcome
from pymer_bridge.session.r_session import session


@cache
def _probes() -> Handle:
    # The frame of a call: from there the operations of the R files can be seen.
    home: Handle = session().call("environment", fun=None).value
    session().call("sys.source", file=str(Path(__file__).parent / "probe.R"), envir=home)
    return home


def probe(name: str, **arguments: Any) -> Outcome:
    """Call a function of ``probe.R``."""
    function = session().call("get", x=name, envir=_probes()).value
    return session().call("do.call", what=function, args=arguments)


def arrived(data: pd.DataFrame) -> dict[str, Any]:
    """Tell class, type, levels ... of each column in R."""
    told: dict[str, Any] = probe("describe_frame", frame=collect(data).to_r()).value
    return told


def among_operations(file: Path) -> Callable[..., Any]:
    """Return a function that calls those of an R file, which sees all of our R code."""
    home: Handle = session().call("new.env", parent=_probes()).value
    session().call("sys.source", file=str(file), envir=home)

    def call(function: str, **arguments: Any) -> Any:
        return session().call("do.call", what=function, args=arguments, envir=home).value

    return call


def plain_r(reference: Path) -> Callable[..., Any]:
    """Return a function that calls those of a file of plain R, which sees none of our R code.

    The file may attach lme4 but not lmerTest, whose ``lmer`` other files would find, too.
    """
    home: Handle = session().call("new.env", parent=session().call("globalenv").value).value
    before = session().call("search").value
    session().call("sys.source", file=str(reference), envir=home)
    attached = set(session().call("search").value) - set(before)
    assert "package:lmerTest" not in attached, reference

    def call(function: str, **arguments: Any) -> Any:
        return session().call("do.call", what=function, args=arguments, envir=home).value

    return call
