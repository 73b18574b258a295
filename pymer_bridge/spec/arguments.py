"""The gate of what is public: arguments are what the signature says, or an error names them.

A function marked :func:`checked`, and every public method of a class that is :class:`Public`, has
its arguments held against its annotations before it runs. What no annotation says, such as that a
level lies between 0 and 1, the function checks itself.
"""

from __future__ import annotations

import inspect
import os
import threading
import types
from collections.abc import Callable, Iterator, Mapping
from functools import cache, wraps
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple, NoReturn, ParamSpec, TypeVar

from pymer_bridge.errors import (
    DataConversionError,
    FileError,
    FormulaError,
    FrozenError,
    MissingFileError,
    OptionError,
    PymerError,
    RError,
    UnknownNameError,
    is_of_user,
    shown,
)
from pymer_bridge.spec.annotations import PLAIN, Kind, Names, fits_one, kinds_of, why_not
from pymer_bridge.spec.meanings import refusal

P = ParamSpec("P")
T = TypeVar("T")


MARK: Final = "_arguments_are_checked"

LISTENERS: Final[
    list[Callable[[Callable[..., Any], tuple[Any, ...], Mapping[str, Any], Any], None]]
] = []
"""Called after each checked function: with it, its arguments, and its result."""


class _Own(threading.local):
    depth: int = 0


_own: Final = _Own()


def within_another() -> bool:
    """Say whether this thread is in a call of a checked function."""
    return _own.depth > 0


class _Gate(NamedTuple):
    """What a function takes.

    Attributes
    ----------
    places
        The arguments that may be given by position.
    star
        The name of ``*args``, if there are any.
    keywords
        All that may be given by name; None where that is anything.
    hints
        Of those that do not take everything the annotation, and the kinds that it accepts.
    """

    places: tuple[str, ...]
    star: str | None
    keywords: Mapping[str, None] | None
    hints: Mapping[str, tuple[Any, tuple[Kind, ...]]]


@cache
def annotations_of(function: Callable[..., Any]) -> Mapping[str, Any]:
    """Return what the annotations of a function say; that of its result is "return"."""
    plain = inspect.unwrap(function)
    names = Names(plain.__globals__)
    # typing.get_type_hints() copies the names from Python 3.14 on, and then misses some.
    return {
        name: eval(text, plain.__globals__, names)  # a text of our own
        for name, text in plain.__annotations__.items()
    }


@cache
def _gate(function: Callable[..., Any]) -> _Gate:
    plain = inspect.unwrap(function)
    hints = {name: hint for name, hint in annotations_of(function).items() if name != "return"}
    parameters = inspect.signature(plain).parameters.values()
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    options_ = [p.name for p in parameters if p.kind is p.VAR_KEYWORD]
    return _Gate(
        places=tuple(p.name for p in parameters if p.kind in places),
        star=next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None),
        keywords=None if options_ else {p.name: None for p in parameters if p.name != "self"},
        # A timeout is checked where the clock starts.
        hints={
            name: (hint, kinds)
            for name, hint in hints.items()
            if name not in (*options_, "timeout") and (kinds := kinds_of(hint))
        },
    )


def _named(
    gate: _Gate, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    """Give each argument with its name, where the gate has something to say of it."""
    for name, value in (*zip(gate.places, args, strict=False), *kwargs.items()):
        if name in gate.hints:
            yield name, value
    if gate.star is not None and gate.star in gate.hints:
        for value in args[len(gate.places) :]:
            yield gate.star, value


def _error(function: str, argument: str) -> type[PymerError]:
    if argument == "formula":
        return FormulaError
    return UnknownNameError if function == "__getitem__" else OptionError


def _check(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    __tracebackhide__ = True
    gate = _gate(function)
    if gate.keywords is not None and not kwargs.keys() <= gate.keywords.keys():
        unknown = min(kwargs.keys() - gate.keywords.keys())
        raise TypeError(refusal(function.__name__, unknown, gate.keywords))
    for name, value in _named(gate, args, kwargs):
        hint, kinds = gate.hints[name]
        if not fits_one(value, kinds):
            raise _error(function.__name__, name)(why_not(name, value, hint))


def _of_file(
    error: OSError, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> FileError:
    """Make the error for a file, which names the argument and says what the system says."""
    gate = _gate(function)
    files = [
        f"{name}={shown(os.fspath(value))}"
        for name, value in _named(gate, args, kwargs)
        if value is not None and PLAIN[Path] in gate.hints[name][1]
    ]
    said = str(error.strerror or error)
    if error.filename is not None and not any(shown(error.filename) in file for file in files):
        said = f"{said}: {shown(error.filename)}"
    kind = MissingFileError if isinstance(error, FileNotFoundError) else FileError
    made = kind(f"{', '.join(files)}: {said}" if files else said)
    made.errno, made.strerror, made.filename = error.errno, error.strerror, error.filename
    return made


def _without_rooms(error: PymerError) -> PymerError:
    """Take from an error the lines and the causes that lie in our rooms; its message says all.

    Where code of the user's own is among them, such as a statistic in Python, it stays as it is.
    """
    errors: list[BaseException] = [error]
    for each in errors:
        if is_of_user(each):
            return error
        errors += [e for e in (each.__cause__, each.__context__) if e and e not in errors]
    error.__cause__, error.__suppress_context__ = None, True
    return error.with_traceback(None)


def _reported(function: Callable[..., T], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> T:
    """Call a function, and report the call."""
    __tracebackhide__ = True
    _own.depth += 1
    try:
        result = function(*args, **kwargs)
    finally:
        _own.depth -= 1
    for listen in LISTENERS:
        listen(function, args, kwargs, result)
    return result


def reported(function: Callable[[Any], T]) -> Callable[[Any], T]:
    """Report each reading of a property."""

    @wraps(function)
    def get(of: Any) -> T:
        __tracebackhide__ = True
        return _reported(function, (of,), {})

    setattr(get, MARK, True)
    return get


def checked(function: Callable[P, T]) -> Callable[P, T]:
    """Hold the arguments of a function against its signature and annotations before it runs.

    The traceback of an error about the user's arguments, or of R's, shows where the user called,
    and none of the rooms behind.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        __tracebackhide__ = True  # to IPython and pytest: the user's own line is above
        try:
            _check(function, args, kwargs)
            return _reported(function, args, kwargs)
        except (OptionError, FormulaError, DataConversionError, RError) as error:
            raise _without_rooms(error)  # noqa: B904  # it is the same error
        except OSError as error:
            # What a user's own function raises in a run arrives as it is, with what was finished.
            if isinstance(error, PymerError) or hasattr(error, "partial"):
                raise
            raise _of_file(error, function, args, kwargs) from None

    setattr(call, MARK, True)
    return call


class Public:
    """A class whose public methods are :func:`checked`, and whose objects cannot be changed.

    With ``reports=True``, readings of its properties, and of its subclasses', are reported too.
    """

    __slots__ = ()
    _reports: ClassVar[bool] = False

    def __init_subclass__(cls, *, reports: bool = False, **options: Any) -> None:
        super().__init_subclass__(**options)
        if reports:
            cls._reports = True
        for name, found in list(vars(cls).items()):
            of_class = isinstance(found, classmethod)
            method = found.__func__ if of_class else found
            open_ = name[0] != "_" or name in ("__getitem__", "__call__")
            if open_ and isinstance(method, types.FunctionType) and not hasattr(method, MARK):
                gated = checked(method)
                setattr(cls, name, classmethod(gated) if of_class else gated)
            asked = cls._reports and open_ and isinstance(found, property)
            if asked and found.fget is not None and not hasattr(found.fget, MARK):
                setattr(cls, name, property(reported(found.fget), doc=found.__doc__))
        # Those that a frozen dataclass with slots brings fail for a name that is no field.
        for name in ("__setattr__", "__delattr__"):
            if name in vars(cls):
                setattr(cls, name, _frozen)


def _frozen(self: object, name: str, value: object = None) -> NoReturn:
    __tracebackhide__ = True
    raise FrozenError(f"{name!r} cannot be set or removed: a {type(self).__name__} never changes")
