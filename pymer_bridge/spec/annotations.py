"""What annotations say of values: whether one is of a kind that they name, and the words for it."""

from __future__ import annotations

import builtins
import os
import re
import sys
import types
import typing
from collections import abc
from collections.abc import Callable, Collection, Mapping
from functools import cache
from math import isnan
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from pymer_bridge.errors import shown


class _ByName(type):
    """A class that is known by its name alone: of a floor above, or of a package not loaded."""

    def __instancecheck__(cls, value: object) -> bool:
        return any(base.__name__ == cls.__name__ for base in type(value).__mro__)

    def __getattr__(cls, name: str) -> _ByName:
        if name.startswith("_"):
            raise AttributeError(name)
        return _ByName(name, (), {})

    def __getitem__(cls, parts: object) -> _ByName:
        return cls  # what a Series holds is not looked at


class Names(dict[str, Any]):
    """The names in annotations that their module does not have while it runs."""

    def __init__(self, module: Mapping[str, Any]) -> None:
        super().__init__()
        self.module = module

    def __missing__(self, name: str) -> _ByName:
        # Not every class of pandas takes brackets while it runs.
        known = name != "pd" and (name in self.module or hasattr(builtins, name))
        if known or name.startswith("_"):
            raise KeyError(name)
        return _ByName(name, (), {})


def is_text(value: Any) -> bool:
    """Say whether something is a text that R can hold."""
    # R ends a text at a NUL, and knows no half of a pair of surrogates.
    return isinstance(value, str) and not re.search("[\0\ud800-\udfff]", value)


def _file(value: Any) -> bool:
    if not isinstance(value, str | os.PathLike):
        return False
    return b"\0" not in os.fsencode(value) and Path(value).name != ""


def _bool(value: Any) -> bool:
    return type(value).__name__ in ("bool", "bool_")  # numpy's too; the command line loads it late


def _number(value: Any) -> bool:
    if _bool(value) or not isinstance(value, Real):
        return False
    return not isnan(float(value))


def _whole(value: Any) -> bool:
    # R's integers have 32 bits.
    return isinstance(value, Integral) and not isinstance(value, bool) and abs(int(value)) < 2**31


class Kind(NamedTuple):
    """Values of one kind: how they are told from others, and the words for one and for many."""

    test: Callable[[Any], bool]
    one: str
    many: str


PLAIN: Final[Mapping[Any, Kind]] = {
    str: Kind(is_text, "a text", "texts"),
    float: Kind(_number, "a number", "numbers"),
    int: Kind(_whole, "a whole number", "whole numbers"),
    bool: Kind(_bool, "True or False", "bools"),
    type(None): Kind(lambda value: value is None, "None", "None"),
    Path: Kind(_file, "the name of a file", "names of files"),
    abc.Callable: Kind(callable, "a function", "functions"),
}


_CLASSES: Final[Mapping[str, str]] = {
    "ndarray": "an array",
    "LinearMixedModel": "a fitted model of lmer()",
    "GeneralizedLinearMixedModel": "a fitted model of glmer() or glmer_nb()",
    "MixedModel": "a fitted mixed model",
    "LinearModel": "a fitted model of lm() or glm()",
    "RobustEffects": "what its robust() gave",
    "ModelChecks": "what its check() gave",
    "SimulatedResiduals": "what its simulated_residuals() gave",
}
"""The words for classes."""

_OWN: Final = ("Control", "Family")
"""What functions check themselves: they know what else people write for it."""


def alternatives_of(hint: Any) -> tuple[Any, ...]:
    """Return the members of a union; of anything else itself, and of an alias what it stands for.

    numpy's NDArray is an alias with parameters from its version 2.5 on.
    """
    while hasattr(origin := typing.get_origin(hint) or hint, "__value__"):
        hint = origin.__value__
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return tuple(each for part in typing.get_args(hint) for each in alternatives_of(part))
    return (hint,)


@cache
def kinds_of(hint: Any) -> tuple[Kind, ...]:
    """Return the kinds of values that an annotation accepts; none where it accepts everything."""
    # Not imported here: the command line loads numpy late.
    numpy_typing = sys.modules.get("numpy.typing")
    if numpy_typing is not None and hint == numpy_typing.ArrayLike:
        return ()  # whatever numpy makes an array of
    hints = alternatives_of(hint)
    paths = [each for each in hints if each is Path or typing.get_origin(each) is os.PathLike]
    if paths:
        hints = (Path, *(each for each in hints if each is not str and each not in paths))
    found = [_kind(each) for each in hints]
    return () if None in found else tuple(kind for kind in found if kind is not None)


def _kind(hint: Any) -> Kind | None:
    origin = typing.get_origin(hint) or hint
    if origin in PLAIN:
        return PLAIN[origin]
    if origin in _MADE:
        return _MADE[origin](hint)
    if hint in (Any, object) or not isinstance(origin, type) or origin.__name__ in _OWN:
        return None
    article = "an" if origin.__name__[0] in "AEIO" else "a"
    one = _CLASSES.get(origin.__name__, f"{article} {origin.__name__}")
    return Kind(lambda value: isinstance(value, origin), one, "others")


def _literal(hint: Any) -> Kind:
    # Which member is meant, and what to write instead, the function says itself; of a model too.
    taken = (str, int, _ByName("RModel", (), {}))
    listed = ", ".join(map(repr, typing.get_args(hint)))
    return Kind(lambda value: isinstance(value, taken), f"one of {listed}", f"any of {listed}")


def _several(hint: Any) -> Kind:
    kinds = kinds_of(typing.get_args(hint)[0])

    def test(values: Any) -> bool:
        if isinstance(values, str | bytes | Mapping) or not isinstance(values, Collection):
            return False
        if hasattr(values, "ravel") and str(getattr(values, "dtype", "")) == "object":
            values = values.ravel()  # a grid of Axes
        # The items of a frame are its labels.
        return not hasattr(values, "columns") and all(fits_one(value, kinds) for value in values)

    many = " or ".join(dict.fromkeys(kind.many for kind in kinds)) or "values"
    return Kind(test, f"a list of {many}", f"lists of {many}")


def _tuple(hint: Any) -> Kind:
    several = _several(hint)
    return several._replace(test=lambda value: isinstance(value, tuple) and several.test(value))


def _mapping(hint: Any) -> Kind:
    keys, kinds = map(kinds_of, typing.get_args(hint))

    def test(given: Any) -> bool:
        if not isinstance(given, Mapping):
            return False
        return all(fits_one(key, keys) and fits_one(value, kinds) for key, value in given.items())

    many = " or ".join(dict.fromkeys(kind.many for kind in kinds)) or "values"
    return Kind(test, f"a mapping of names to {many}", "mappings")


_MADE: Final[Mapping[Any, Callable[[Any], Kind]]] = {
    Literal: _literal,
    abc.Sequence: _several,
    tuple: _tuple,
    abc.Mapping: _mapping,
    dict: _mapping,
}


def fits_one(value: Any, kinds: tuple[Kind, ...]) -> bool:
    """Say whether a value is of one of these kinds; of no kinds everything is."""
    for kind in kinds:
        try:
            if kind.test(value):
                return True
        except Exception:  # a value that cannot even be asked is none
            continue
    return not kinds


def _first_wrong(value: object, kinds: tuple[Kind, ...]) -> object:
    """Return what is wrong in a list; of what is no list, itself."""
    if isinstance(value, list | tuple):
        return next((each for each in value if not fits_one(each, kinds)), value)
    return value


def _members(hint: Any) -> tuple[Any, ...]:
    """Return what is to be chosen from: members of a Literal, alone or in a list."""
    if typing.get_origin(hint) is abc.Sequence:
        hint = typing.get_args(hint)[0]
    return typing.get_args(hint) if typing.get_origin(hint) is Literal else ()


def why_not(name: str, value: object, hint: Any) -> str:
    """Say which argument it is, what it is, and what is accepted."""
    kinds, alternatives = kinds_of(hint), alternatives_of(hint)
    tests = {kind.test for kind in kinds}
    members = dict.fromkeys(each for one in alternatives for each in _members(one))
    if members:
        if any(typing.get_origin(one) is abc.Sequence for one in alternatives):
            value = _first_wrong(value, kinds_of(Literal[tuple(members)]))
        known = type(None), *(one for one in alternatives if _members(one))
        others = [kinds_of(one)[0].one for one in alternatives if one not in known]
        listed = ", ".join([*map(repr, members), *others])
        return f"{name}={shown(value)} is not accepted; choose one of: {listed}"
    if isinstance(value, Integral) and not isinstance(value, bool) and tests & {_whole, _number}:
        return f"{name}={shown(value)} must lie within R's integers, below 2**31"
    if isinstance(value, str) and is_text in tests:
        return f"{name}={shown(value)} must be a text without NUL, and of whole characters"
    # None is what stands there without the argument.
    *first, last = dict.fromkeys(kind.one for kind in kinds if kind is not PLAIN[type(None)])
    accepted = f"{', '.join(first)} or {last}" if first else last
    return f"{name}={shown(value)} must be {accepted}"
