"""Asking a fitted model again what a record says was asked, by the public functions alone.

A record is a text of others. It may ask only what is a checked function whose result is of a class
that has figures. It gives no argument that is a file, and none that says how something runs.
"""

from __future__ import annotations

import inspect
import typing
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any, Final

from pymer_bridge.errors import FormulaError, shown
from pymer_bridge.models import comparisons, criteria, imputations
from pymer_bridge.r_script.given import RUNNING, signature_of
from pymer_bridge.spec.annotations import PLAIN, alternatives_of, kinds_of
from pymer_bridge.spec.arguments import MARK, annotations_of
from pymer_bridge.verification.result_figures import is_read

PLACES: Final = (comparisons, criteria, imputations)
"""Where the functions of several models are."""
FITTING: Final = frozenset({"fit_imputed"})
"""Those among them that fit models, which a record does by specifications alone."""
MOST_DRAWN: Final = 1_000_000
"""The most replicates that a record may ask for."""


def gives_figures(function: Any) -> bool:
    """Say whether something is a public function whose result has figures."""
    if not isinstance(function, FunctionType) or not hasattr(function, MARK):
        return False
    return all(map(_is_read, alternatives_of(annotations_of(function).get("return"))))


def _is_read(hint: Any) -> bool:
    origin = typing.get_origin(hint) or hint
    # Of several results in a tuple each was asked for by itself.
    return _is_read(typing.get_args(hint)[0]) if origin is tuple else is_read(origin)


@cache
def takes(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of the arguments that a record may give to a function."""
    hints = annotations_of(function)
    return tuple(
        name
        for name, each in signature_of(function).parameters.items()
        if name not in RUNNING | {"self"}
        and each.kind is not each.VAR_KEYWORD
        and PLAIN[Path] not in kinds_of(hints.get(name, Any))
    )


def function_of(of: Any, name: str) -> Callable[..., Any]:
    """Return the public function, or the method or property of an object, of a name.

    Parameters
    ----------
    of
        A model or a result; None for functions of several models.
    name
        The name.

    Raises
    ------
    ValueError
        There is none that a record may ask.
    """
    places = PLACES if of is None else (type(of),)
    found: Any = next((getattr(place, name) for place in places if hasattr(place, name)), None)
    if isinstance(found, property):
        found = found.fget
    if name.startswith("_") or name in FITTING or not gives_figures(found):
        where = "" if of is None else f" of a {type(of).__name__}"
        raise ValueError(f"{shown(name)} is nothing{where} that a record can ask")
    function: Callable[..., Any] = found
    return function


def too_many(given: Mapping[str, Any]) -> str:
    """Say that more replicates are asked for than a record may; "" if not."""
    n_sim = given.get("n_sim")
    wanted = isinstance(n_sim, int | float) and n_sim > MOST_DRAWN
    return f"n_sim={shown(n_sim)} is more than {MOST_DRAWN:,}" if wanted else ""


def ask_again(of: Any, name: str, given: Mapping[str, Any], allowed: tuple[str, ...]) -> Any:
    """Ask a model or a result, or compare models.

    Parameters
    ----------
    of, name
        As for :func:`function_of`.
    given
        The arguments.
    allowed
        The functions that the user allows in formulas and statistics.

    Raises
    ------
    ValueError, TypeError ...
        A record may not ask this, or not so.
    PymerError
        As for the function.
    """
    function = function_of(of, name)
    if unknown := [each for each in given if each not in takes(function)]:
        raise ValueError(f"{name} takes no {shown(unknown[0])} from a record")
    wanted = given.get("allow_functions") or ()
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    if lacking := [each for each in names if each not in allowed]:
        raise FormulaError(
            f"{name} was allowed to call further functions: {', '.join(map(repr, lacking))[:200]}. "
            "If you trust the file, allow them again: allow_functions="
        )
    if said := too_many(given):
        raise ValueError(said)
    receiver = {} if of is None else {"self": of}
    arguments: OrderedDict[str, Any] = OrderedDict({**receiver, **given})
    bound = inspect.BoundArguments(signature_of(function), arguments)
    # Arguments in the order of the function, not of the file.
    bound = signature_of(function).bind(*bound.args, **bound.kwargs)
    return function(*bound.args, **bound.kwargs)
