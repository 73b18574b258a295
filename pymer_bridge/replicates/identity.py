"""Which function of the user's it is: what a checkpoint knows of a statistic in Python."""

from __future__ import annotations

import functools
import hashlib
import pickle
from collections.abc import Callable
from types import CodeType, FunctionType, ModuleType
from typing import Any

from pymer_bridge.errors import OptionError


def name_of(function: Any) -> str:
    """Return the name of a function, or of what is called like one."""
    while isinstance(function, functools.partial):
        function = function.func
    return str(getattr(function, "__qualname__", type(function).__qualname__))


def identity(function: Callable[[Any], Any]) -> str:
    """Return the name of a function and a digest of its code and of what it refers to.

    Functions and classes of its own module are looked into, values are taken as they are. What is
    of other modules counts by its name, a model by what is stored of it, and what cannot be pickled
    by its class.

    Raises
    ------
    OptionError
        It refers to something that cannot be told apart.
    """
    of = function.func if isinstance(function, functools.partial) else function
    marks = _Marks(getattr(of, "__module__", ""))
    try:
        marks.dump(function)
    except Exception as error:
        raise OptionError(
            f"statistic refers to something that a checkpoint cannot identify ({error}): leave out "
            "checkpoint, or have the function refer to plain values only"
        ) from error
    return f"{name_of(function)} {marks.digest.hexdigest()}"


class _Digest:
    """A file that keeps a digest of what is written."""

    def __init__(self) -> None:
        self._sum = hashlib.sha256()
        self.write = self._sum.update
        self.hexdigest = self._sum.hexdigest


class _Marks(pickle.Pickler):
    """Writes what tells one function from another, whatever process and file they are in."""

    def __init__(self, module: str) -> None:
        self.digest = _Digest()
        super().__init__(self.digest, protocol=5)
        self.fast = True  # equal strings are the same, be they one object or two
        self._module = module
        self._met: set[Any] = set()

    def reducer_override(self, value: Any) -> Any:
        """Reduce code to what it does, and names to text."""
        if isinstance(value, CodeType):
            return list, (_parts_of_code(value),)
        if isinstance(value, type | FunctionType | ModuleType):
            if value in (list, str):
                return NotImplemented
            return list, (self._named(value),)
        try:
            value.__reduce_ex__(5)
        except Exception:
            return str, (name_of(type(value)),)
        return NotImplemented

    def _named(self, value: Any) -> list[Any]:
        named = [getattr(value, "__module__", ""), getattr(value, "__qualname__", value.__name__)]
        if named[0] != self._module or value in self._met:
            return named
        self._met.add(value)
        if isinstance(value, type):
            return named + [each for each in vars(value).values() if isinstance(each, FunctionType)]
        closure = [cell.cell_contents for cell in value.__closure__ or ()]
        return [
            *named,
            value.__code__,
            value.__defaults__,
            value.__kwdefaults__,
            closure,
            _used(value),
        ]


def _parts_of_code(code: CodeType) -> list[Any]:
    # Sets of strings have another order in each process.
    constants = [
        sorted(map(repr, each)) if isinstance(each, frozenset) else each for each in code.co_consts
    ]
    return [code.co_code, code.co_names, code.co_varnames, constants]


def _used(function: FunctionType) -> dict[str, Any]:
    """Return the globals that a function names, or a function within it."""
    codes = [function.__code__]
    for code in codes:
        codes += [each for each in code.co_consts if isinstance(each, CodeType)]
    names = dict.fromkeys(name for code in codes for name in code.co_names)
    return {name: function.__globals__[name] for name in names if name in function.__globals__}
