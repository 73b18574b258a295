"""Which job R works on, and how a thread takes its own back without disturbing another's."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from pymer_bridge.session import deadlines
from pymer_bridge.session.calls import Job

PATIENCE: Final = 5.0
"""Seconds that a call whose time is over waits for R to leave what it is doing."""

AGAIN: Final = 2.0
"""Seconds after which R is interrupted again: what it runs may have taken the first one."""


class Interrupts:
    """The job that R works on, and the one way to interrupt it.

    Attributes
    ----------
    lock
        Held while any of this is read or changed.
    current
        The job that R works on.
    closing
        Is R about to end?
    """

    def __init__(self) -> None:
        # A signal's handler runs in a thread that may hold it, and may call R itself.
        self.lock: threading.RLock = threading.RLock()
        self.current: Job | None = None
        self.closing: bool = False
        self._evaluating = False
        self._library: Any = None

    def let_go(self) -> None:
        """Let go, in a forked child, of what another thread held."""
        self.lock = threading.RLock()

    # -- called from any thread ------------------------------------------------------------

    def cancel(self, job: Job) -> None:
        """Cancel another thread's job; that thread gets a KeyboardInterrupt."""
        with self.lock:
            job.cancelled = True
            if self.current is job:
                self._interrupt_r()
            elif job.outcome is None and job.error is None:
                job.error = KeyboardInterrupt()
                job.done()

    def take_back(self, job: Job, patience: float | None = None) -> bool:
        """Cancel a job of this thread, and say whether R is done with it.

        One that waits for its turn leaves the queue at once, and whatever R is doing for another
        thread goes on.
        """
        end = None if patience is None else time.monotonic() + patience
        while True:
            with self.lock:
                job.cancelled = True
                if self.current is not job:
                    return True
                self._interrupt_r()
            left = AGAIN if end is None else end - time.monotonic()
            if left <= 0:
                return False
            if job.wait(min(left, AGAIN)):
                return True

    def give_up(self, job: Job) -> None:
        """Take a job back whose time is over, unless R has just finished it."""
        deadline = deadlines.current()
        assert deadline is not None
        begun = self.current is job
        ended = self.take_back(job, PATIENCE)
        if job.outcome is not None:
            return
        if job.error is not None and not isinstance(job.error, KeyboardInterrupt):
            return
        if not ended:
            raise deadline.passed("R has not answered yet, and the next call waits for it")
        raise deadline.passed("" if begun else "R was busy with another thread's call")

    def close(self) -> None:
        """Interrupt what R evaluates, and let nothing begin any more."""
        with self.lock:
            self.closing = True
            self._interrupt_r()

    def _interrupt_r(self) -> None:
        """Interrupt what R evaluates; called with the lock.

        Elsewhere, such as while values cross, R has no place to jump to, and would end the
        process; there the R thread itself looks whether it may go on.
        """
        if self._evaluating:
            self._set_pending(1)

    def _set_pending(self, value: int) -> None:
        if os.name == "nt":
            self._library.UserBreak = value
        else:
            self._library.R_interrupts_pending = value

    # -- on the R thread -------------------------------------------------------------------

    def reach(self, library: Any) -> None:
        """Learn where R's flag of a pending interrupt is: in ``openrlib.rlib`` of rpy2."""
        self._library = library

    def begin(self, job: Job) -> bool:
        """Begin a job, and say so; one that was taken back is done."""
        with self.lock:
            if job.cancelled:
                job.done()
                return False
            self.current = job
            return True

    def finish(self, job: Job) -> None:
        """Let the thread that waits for a job go on."""
        with self.lock:
            self.current = None
        job.arguments = {}
        # At exit only daemon threads can be waiting, and they must not wake any more.
        if not self.closing:
            job.done()

    def leave_if_taken_back(self) -> None:
        """Raise a KeyboardInterrupt where nobody waits for the job any more."""
        if self.closing or (self.current is not None and self.current.cancelled):
            raise KeyboardInterrupt

    @contextmanager
    def evaluation(self) -> Iterator[None]:
        """Let R be interrupted meanwhile, and leave no interrupt behind."""
        with self.lock:
            self.leave_if_taken_back()
            self._evaluating = True
        try:
            yield
        finally:
            with self.lock:
                self._evaluating = False
                self._set_pending(0)
