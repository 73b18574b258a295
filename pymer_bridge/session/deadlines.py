"""How long a call may take: one deadline, which every wait of the calling thread honours.

A function that takes ``timeout=`` does its work :func:`within` it. Whoever waits on the way, for
R's thread or for workers, asks :func:`remaining` how long it may, or calls :func:`check` now and
then. Deadlines belong to a thread, so that calls of other threads know nothing of them.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from pymer_bridge.errors import OptionError, RTimeoutError, shown
from pymer_bridge.session import forks
from pymer_bridge.spec.annotations import fits_one, kinds_of

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Deadline:
    """When something must be done.

    Attributes
    ----------
    operation
        What was called, by its name in Python.
    seconds
        How long it may take.
    at
        Until when, by ``time.monotonic()``.
    """

    operation: str
    seconds: float
    at: float

    def passed(self, detail: str = "") -> RTimeoutError:
        """Make the error that says so."""
        return RTimeoutError(self.operation, self.seconds, detail)


class _Own(threading.local):
    deadline: Deadline | None = None


_own = _Own()


def check_timeout(timeout: object) -> float | None:
    """Return a number of seconds, or None for no limit.

    Raises
    ------
    OptionError
        It is neither.
    """
    if timeout is None:
        return None
    number = fits_one(timeout, kinds_of(float))
    seconds = float(timeout) if number else math.nan  # type: ignore[arg-type]
    if not 0 < seconds < math.inf:
        raise OptionError(
            f"timeout={shown(timeout)} must be a positive number of seconds, or None for no limit"
        )
    return seconds


@contextmanager
def within(operation: str, timeout: float | None) -> Iterator[None]:
    """Set a deadline for the body of a ``with``; of two deadlines, the earlier one holds.

    Parameters
    ----------
    operation
        What is called, by its name in Python.
    timeout
        Seconds from now, or None for no deadline of its own.

    Raises
    ------
    OptionError
        ``timeout`` is not a positive number.
    SessionError
        This is a forked child that cannot use R.
    """
    seconds = check_timeout(timeout)
    forks.check()  # before anything is waited for
    before = _own.deadline
    if seconds is not None:
        own = Deadline(operation, seconds, time.monotonic() + seconds)
        _own.deadline = own if before is None or own.at < before.at else before
    try:
        yield
    finally:
        _own.deadline = before


@contextmanager
def lifted() -> Iterator[None]:
    """Lift the deadline for the body of a ``with``, such as reading the results that are there."""
    before, _own.deadline = _own.deadline, None
    try:
        yield
    finally:
        _own.deadline = before


def current() -> Deadline | None:
    """Return this thread's deadline, None where it has none."""
    return _own.deadline


def remaining() -> float | None:
    """Return the seconds that are left, at least 0, or None without a deadline."""
    if _own.deadline is None:
        return None
    left = _own.deadline.at - time.monotonic()
    return min(max(left, 0.0), threading.TIMEOUT_MAX)


def check() -> None:
    """Raise the error of a deadline that has passed.

    Raises
    ------
    RTimeoutError
        It has.
    """
    if _own.deadline is not None and remaining() == 0.0:
        raise _own.deadline.passed()


def timed(function: Callable[P, T]) -> Callable[P, T]:
    """Give a function that takes ``timeout=`` the deadline that it says.

    The function itself does nothing with the argument: the clock starts when it is called.

    Parameters
    ----------
    function
        A function or method with a keyword argument ``timeout``.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        with within(function.__name__, cast("float | None", kwargs.get("timeout"))):
            return function(*args, **kwargs)

    return call
