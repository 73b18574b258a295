"""What threads that call R exchange with the one that may touch it."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

from pymer_bridge.errors import SessionError
from pymer_bridge.session import deadlines

STARTING_STEP = 0.005
"""Seconds after which a thread looks again whether R has started."""


HAND_OVER = 0.0002
"""Seconds after which Python's lock changes hands while somebody waits for R."""


class Handle:
    """A token for an R object that stays on the R thread.

    When Python lets go of the token, the R object is freed there.
    """

    __slots__ = ("__weakref__", "key")

    def __init__(self, key: int) -> None:
        self.key: int = key

    def __copy__(self) -> Handle:
        """Return the token itself: there is one R object."""
        return self

    def __deepcopy__(self, memo: object) -> Handle:
        """Return the token itself: there is one R object."""
        return self

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: in another process the key would name another object."""
        raise SessionError(
            "this lives in the R of its own process and cannot be pickled; pickle the model, or a "
            "result, and make it again from that"
        )


@dataclass(frozen=True, slots=True)
class Condition:
    """A warning or a message that R raised during an operation."""

    message: str
    classes: tuple[str, ...]
    call: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one operation gave: its value, and every condition that R signalled."""

    value: Any
    warnings: tuple[Condition, ...] = ()
    messages: tuple[Condition, ...] = ()
    output: str = ""


@dataclass(eq=False, slots=True)
class Start:
    """One try to start R, for which several threads may wait."""

    ended: bool = False
    error: BaseException | None = None

    def wait(self) -> None:
        """Wait until R has started, or could not, or this thread's deadline has passed."""
        while not self.ended:
            deadlines.check()
            time.sleep(STARTING_STEP)


class _Own(threading.local):
    generator: Handle | None = None


_own = _Own()


@contextmanager
def drawing_from(generator: Handle) -> Iterator[None]:
    """Let what this thread asks of R meanwhile draw from a generator of its own."""
    before, _own.generator = _own.generator, generator
    try:
        yield
    finally:
        _own.generator = before


def own_generator() -> Handle | None:
    """Return the generator of this thread, None where it draws from that of all threads."""
    return _own.generator


@dataclass(eq=False, slots=True)
class Job:
    """One operation that a thread asked for, and what came of it."""

    operation: str
    arguments: dict[str, Any]
    outcome: Outcome | None = None
    error: BaseException | None = None
    cancelled: bool = False
    generator: Handle | None = field(default_factory=own_generator)
    # No threading.Event: where Ctrl-C strikes within its wait(), its lock may be left to the wrong
    # thread, and set() then fails in R's. This one is made in C, and cannot be left half done.
    _signal: queue.SimpleQueue[None] = field(default_factory=queue.SimpleQueue)

    def done(self) -> None:
        """Wake the thread that waits."""
        self._signal.put(None)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the job is done, and say whether it is."""
        try:
            self._signal.get(timeout=seconds)
        except queue.Empty:
            return False
        return True


class Waiting:
    """The calls that threads wait for, and quicker changes of Python's lock until the last is done.

    A call takes the lock again some five times: as it reaches R's thread, when R is done, and as
    its caller goes on. Each time another thread that computes keeps it for the whole of
    ``sys.getswitchinterval()``, 5 ms, together longer than a small fit takes.
    """

    def __init__(self) -> None:
        self._jobs: dict[int, Job] = {}
        # No lock and no count: wherever Ctrl-C strikes, the next call that ends puts it right.
        self._before = self._ours = 0.0

    def begin(self, job: Job) -> None:
        """Note what this thread waits for, and shorten the interval, unless it is short."""
        self._jobs[threading.get_ident()] = job
        now = sys.getswitchinterval()
        if now > HAND_OVER:
            self._before = now
            sys.setswitchinterval(HAND_OVER)
            self._ours = sys.getswitchinterval()

    def end(self) -> None:
        """Forget what this thread waits for; give the interval back when nobody waits any more."""
        self._jobs.pop(threading.get_ident(), None)
        if not self._jobs:
            self.restore()

    def of(self, thread: threading.Thread) -> Job | None:
        """Return what a thread waits for."""
        return self._jobs.get(thread.ident or 0)

    def restore(self) -> None:
        """Give the program its own interval back, unless it has set another meanwhile."""
        before, self._before = self._before, 0.0
        if before and sys.getswitchinterval() == self._ours:
            sys.setswitchinterval(before)
