"""What a user called, as plain values: nothing of it can change, and it keeps no model alive."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from pymer_bridge.data.frozen_arrays import Arrays
from pymer_bridge.data.given import NotPlainError, pack_given
from pymer_bridge.session.calls import Handle
from pymer_bridge.spec.arguments import within_another

RUNNING: Final = frozenset({"n_jobs", "progress", "checkpoint", "timeout"})
"""Arguments that say how something runs, which changes no figure."""


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A call of a public function or method.

    Attributes
    ----------
    name
        Of the function or method.
    of
        The model whose method it is; None for functions, and for methods of results.
    earlier
        The number in the journal of the result whose method it is.
    arguments, arrays
        What was given, without what says how it runs.
    models
        The models among the arguments, which stand there as ``{"model": place}``.
    seeded
        False if it takes a seed and had none.
    nested
        Was it called by another public function?
    obstacle
        Why it cannot be kept as plain values; "" if it can.
    """

    name: str
    of: weakref.ref[Handle] | None
    earlier: int | None
    arguments: Mapping[str, Any]
    arrays: Arrays = field(default_factory=dict)
    models: tuple[weakref.ref[Handle], ...] = ()
    seeded: bool = True
    nested: bool = False
    obstacle: str = ""


@cache
def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of a function."""
    return inspect.signature(function)


def call_of(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    earlier: int | None,
) -> Call:
    """Keep what was called.

    Parameters
    ----------
    function, args, kwargs
        The function, and what it was given.
    earlier
        The number of the result whose method it is.
    """
    bound = signature_of(function).bind(*args, **kwargs)
    given = {name: value for name, value in bound.arguments.items() if name not in RUNNING}
    of = _model_of(given.pop("self", None)) if earlier is None else None
    given.pop("self", None)
    bound.apply_defaults()
    seeded = bound.arguments.get("seed", 0) is not None
    models: list[weakref.ref[Handle]] = []

    def further(value: Any) -> Any:
        handle = _model_of(value)
        if handle is None:
            kind = "a function" if callable(value) else f"a {type(value).__name__}"
            raise NotPlainError(f"{kind}, and no plain data")
        models.append(weakref.ref(handle))
        return {"model": len(models) - 1}

    arrays: Arrays = {}
    try:
        arguments, obstacle = pack_given(given, arrays, further), ""
    except NotPlainError as error:
        arguments, obstacle = {}, str(error)
    return Call(
        function.__name__,
        None if of is None else weakref.ref(of),
        earlier,
        arguments,
        arrays,
        tuple(models),
        seeded,
        within_another(),
        obstacle,
    )


def _model_of(value: Any) -> Handle | None:
    handle = getattr(value, "_model", None)
    return handle if isinstance(handle, Handle) else None
