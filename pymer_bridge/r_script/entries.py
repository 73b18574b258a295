"""Entries of the journal that scripts write, and why some cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pymer_bridge.data.columns import Part
from pymer_bridge.errors import ScriptError
from pymer_bridge.r_script import syntax
from pymer_bridge.r_script.journal import DoneEntry, FitEntry, journal
from pymer_bridge.r_script.operations import OPERATIONS
from pymer_bridge.r_script.syntax import Node
from pymer_bridge.r_script.unwritten import UNWRITTEN
from pymer_bridge.session.asking import ask
from pymer_bridge.session.calls import Handle


def parameters_node(facts: Mapping[str, Any]) -> Node:
    """Write the parameters of a design, as simulate() takes them."""
    sigma = facts["sigma"]
    return syntax.call(
        "list",
        beta=syntax.vector(facts["beta"].tolist(), list(facts["coefficients"])),
        theta=syntax.vector(facts["theta"].tolist()),
        sigma=None if sigma is None else syntax.number(float(sigma[0])),
    )


def asked_of(model: Handle) -> list[DoneEntry]:
    """Return what was asked of a model and has a place in scripts."""
    return [entry for entry in journal.of(model) if entry.operation in OPERATIONS]


def unwritten_of(model: Handle) -> list[DoneEntry]:
    """Return what was asked of a model and has no call in scripts."""
    return [entry for entry in journal.of(model) if entry.operation in UNWRITTEN]


def has_script(model: Handle) -> bool:
    """Return True for a model that a script can make.

    Raises
    ------
    ScriptError
        None can.
    """
    entry = journal.fit_of(model)
    if entry is None:
        raise ScriptError("no script can be written of this model: how it was fitted is not known")
    if why := obstacle(entry, model):
        raise ScriptError(
            f"this model was refitted to another response, and no script can make it: {why}; write "
            "the script of the model that was refitted, or fit this one again with update(data=), "
            "with the response as a column of the data"
        )
    return True


def obstacle(entry: FitEntry, model: Handle) -> str:
    """Say why no script can make a model; "" if one can."""
    return str(ask("refit_obstacle", model=model)[0]) if entry.origin == "refitted" else ""


def different(models: Iterable[Handle | None]) -> list[Handle]:
    """Return each model once, without those that no longer exist."""
    return list({id(model): model for model in models if model is not None}.values())


def entries_of(models: Sequence[Handle]) -> list[FitEntry]:
    """Return the entries of models that are held, so that none of them ends meanwhile."""
    held = {id(model): model for model in models}
    found = [(entry, held.get(id(entry.model()))) for entry in journal.fits]
    return [e for e, model in found if model is not None and not obstacle(e, model)]


def vector_part(values: np.ndarray[Any, Any]) -> Part:
    """Return a vector beside the data as a column."""
    if values.dtype == np.bool_:
        return {"kind": "logical", "values": values.astype(np.int32)}
    return {"kind": "numeric", "values": values}


def spelled(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Have R spell what a user gave as text, so that it can stand in a call."""
    found = dict(arguments)
    if isinstance(found.get("restricted"), str):
        found["restricted"] = ask("spelled", text=found["restricted"])[0]
    return found
