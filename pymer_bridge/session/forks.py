"""Children of a fork: what they may not use, because only a thread of the parent could.

Of all threads the one that forks lives on in the child. What others were at stays as it was: R in
its thread, modules half imported, and their locks closed for ever.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Callable
from typing import Any, Final

from pymer_bridge.errors import SessionError

WANTED: Final = ("pymer_bridge", "numpy", "pandas", "rpy2")
"""Packages without which nothing here goes."""

_REMEDY: Final = "start workers with the 'spawn' method (joblib's default backend does)"

_pids: list[int] = []
"""The process in which R has begun, if it has."""

_half_imported: list[str] = []
"""What another thread was importing when this process was forked."""


def note(*, running: bool) -> None:
    """Note whether R runs in this process, or is about to."""
    _pids[:] = [os.getpid()] if running else []


def in_child(function: Callable[[], object]) -> None:
    """Have a function called in every child that is forked from here on."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=function)


def is_child() -> bool:
    """Say whether R runs in the parent of this forked process."""
    return bool(_pids) and _pids[0] != os.getpid()


def check_imports() -> None:
    """Raise where an import would wait for a thread that is not there.

    Raises
    ------
    SessionError
        Another thread was importing it when this process was forked.
    """
    if _half_imported:
        raise SessionError(
            f"this process was forked while another thread imported {_half_imported[0]}, which "
            f"cannot be used here; use pymer_bridge before the fork, or {_REMEDY}"
        )


def check() -> None:
    """Raise where R cannot be used because this is a forked child.

    Raises
    ------
    SessionError
        R, or an import, was begun in the parent.
    """
    check_imports()
    if is_child():
        raise SessionError(
            "R was started in the parent of this forked process and cannot be used here; " + _REMEDY
        )


def _look_around() -> None:
    """Find out, in a child, what other threads were importing."""
    bootstrap: Any = importlib._bootstrap  # there is no public way
    own = threading.get_ident()
    for name, reference in list(getattr(bootstrap, "_module_locks", {}).items()):
        lock = reference()
        owner = getattr(lock, "owner", None)
        if owner not in (None, own) and name.partition(".")[0] in WANTED:
            _half_imported.append(name)


in_child(_look_around)
