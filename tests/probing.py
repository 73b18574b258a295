"""Call R functions of ``probe.R``, which say what arrived in R."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from pymer_bridge.frames import collect
from pymer_bridge.jobs import Handle, Outcome
from pymer_bridge.rsession import session


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
