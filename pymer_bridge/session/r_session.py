"""The one R session of this process, and the one thread that may touch it.

R is not thread-safe. One dedicated thread starts it, makes every call, and creates and frees
every R object; the rest of the program holds :class:`Handle` tokens and numpy copies. Nothing
starts before the first call.
"""

from __future__ import annotations

import atexit
import logging
import os
import queue
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from pymer_bridge.errors import REnvironmentError, RError, SessionError
from pymer_bridge.session import deadlines, embedding, installation, library_address
from pymer_bridge.session.calls import Condition, Handle, Job, Outcome, Start

STACK_SIZE = 64 * 1024 * 1024
"""Bytes of stack for R: rpy2 turns R's own stack check off, so depth must fit."""

EXIT_PATIENCE = 5.0
"""Seconds that the exiting interpreter waits for R to leave what it is doing."""

INTERRUPT_PATIENCE = 5.0
"""Seconds that a call whose time is over waits for R to leave what it is doing."""

INTERRUPT_AGAIN = 2.0
"""Seconds after which R is interrupted again: what it runs may have taken the first one."""

R_FILES = (
    "conditions", "session", "frames", "formula", "fit", "extract", "kenward_roger", "tests",
    "intervals", "means", "linear", "refit", "update", "draws", "cases", "statistics",
    "replicates", "ratio", "many", "separate", "predict", "diagnostics", "internals", "tidy",
    "all_fit", "influence", "saving", "pictures", "profile_pictures", "effects", "record",
    "script", "childread", "citation",
)  # fmt: skip
START_OPTIONS = (
    "rpy2", "--quiet", "--no-save", "--no-restore", "--no-site-file", "--no-init-file",
    "--min-nsize=3M",
)  # fmt: skip
"""No profile is read, so that nobody's options change a figure; Renviron is, for libraries.
With room for lme4 and lmerTest R need not collect garbage again and again while they load."""


def _situation() -> Any:
    try:
        from rpy2 import situation  # noqa: PLC0415
    except ImportError:
        return None  # what is wrong with this rpy2 is said where R is loaded
    return situation


class RSession:
    """The R session; use :func:`session` to get the one of this process."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Job | int | Callable[[], None] | None] = queue.SimpleQueue()
        self._objects: dict[int, Any] = {}
        self._next_key = 0
        self._output = embedding.Console()
        # A signal's handler runs in a thread that may hold it, and may call R itself.
        self._lock = threading.RLock()
        self._current: Job | None = None
        self._evaluating = False
        self._waiting: dict[int, Job] = {}
        self._begun = Start()
        self._thread: threading.Thread | None = None
        self._pid = 0
        self._closing = False
        self._loaded: set[str] = set()
        self._interface: Any = None
        self._turn: Any = None
        self._own_r = False

    # -- called from any thread ------------------------------------------------------------

    def call(self, operation: str, /, **arguments: Any) -> Outcome:
        """Run one operation of the R files and return its outcome.

        Parameters
        ----------
        operation
            The name of an R function.
        **arguments
            Its arguments, by R's names; see :func:`pymer_bridge.session.convert.to_r`.

        Raises
        ------
        RError
            R stopped with an error.
        KeyboardInterrupt
            The user interrupted; R is ready for the next call.
        RTimeoutError
            The deadline of this thread has passed; R is ready for the next call.
        REnvironmentError
            R could not be started.
        SessionError
            This is a forked child, or the R thread itself.
        """
        self.start()
        deadlines.check()
        job = Job(operation, arguments)
        own = threading.get_ident()
        try:
            self._waiting[own] = job
            self._jobs.put(job)
            in_time = job.wait(deadlines.remaining())
        except BaseException:
            self._take_back(job)  # R answers within milliseconds; a second Ctrl-C leaves at once
            raise
        finally:
            self._waiting.pop(own, None)
        if not in_time:
            self._give_up(job)
        if job.error is not None:
            raise job.error
        assert job.outcome is not None
        return job.outcome

    def require(self, package: str) -> None:
        """Load an R package once, or say what is wrong with it.

        Raises
        ------
        REnvironmentError
            The package is missing, too old or broken; the message names the remedy.
        """
        if package in self._loaded:
            return
        minimum = installation.MINIMUM_PACKAGES.get(package, "0.0")
        if package == "lme4" and self.call("ready_to_pin", minimum=minimum).value[0]:
            with library_address.signed_addresses():
                self.call("load_lme4_library")
        answer = self.call("require_package", package=package, minimum=minimum).value
        if problem := answer["problem"][0]:
            looked = ", ".join(answer["library_paths"])
            raise REnvironmentError(
                f"the R package '{package}' {problem} (looked in: {looked})\n"
                f"Fix it with: {installation.install_package_command(package)}"
            )
        self._loaded.add(package)

    def rpy2_mode(self) -> str:
        """Return how rpy2 reaches R, ``"API"`` (compiled) or ``"ABI"``; figures are the same."""
        self.start()
        return str(self._interface.openrlib.cffi_mode.value)

    def interrupt(self, thread: threading.Thread) -> None:
        """Interrupt what a thread waits for; it gets a KeyboardInterrupt, and no other does."""
        job = self._waiting.get(thread.ident or 0)
        if job is None:
            return
        with self._lock:
            job.cancelled = True
            if self._current is job:
                self._interrupt_r()
            elif job.outcome is None and job.error is None:
                job.error = KeyboardInterrupt()
                job.done()

    def start(self) -> None:
        """Start R where it has not; whatever asks for something does that by itself.

        Raises
        ------
        REnvironmentError, SessionError
            As for :meth:`call`.
        """
        if self._thread is not None and os.getpid() != self._pid:
            raise SessionError(
                "R was started in the parent of this forked process and cannot be used here; "
                "start workers with the 'spawn' method (joblib's default backend does)"
            )
        if threading.current_thread() is self._thread:
            raise SessionError("the R thread cannot wait for itself")
        if self._closing:
            raise SessionError("Python is exiting, and R has ended")
        if embedding.inside_a_call_by_rpy2():
            raise SessionError(
                "this thread is within a call of R by rpy2 (or holds its lock), which R would "
                "have to finish first; call pymer_bridge before or after it"
            )
        with self._lock:
            if self._thread is None:
                self._pid = os.getpid()
                self._begun = Start()
                self._thread = threading.Thread(
                    target=self._run, args=(self._begun,), name="pymer_bridge-R", daemon=True
                )
                before = threading.stack_size(STACK_SIZE)
                try:
                    self._thread.start()
                except RuntimeError as refused:
                    self._thread = None
                    raise installation.no_room(refused, STACK_SIZE) from refused
                finally:
                    threading.stack_size(before)
                atexit.register(self.end)
            begun = self._begun
        begun.wait()
        if begun.error is not None:
            # A later call tries again: the user may have installed what was missing.
            with self._lock:
                if self._begun is begun:
                    self._thread = None
            raise begun.error

    def _take_back(self, job: Job, patience: float | None = None) -> bool:
        """Cancel a job, and say whether R has nothing to do with it any more.

        One that waits for its turn leaves the queue at once, and whatever R is doing for another
        thread goes on.
        """
        end = None if patience is None else time.monotonic() + patience
        while True:
            with self._lock:
                job.cancelled = True
                if self._current is not job:
                    return True
                self._interrupt_r()
            left = INTERRUPT_AGAIN if end is None else end - time.monotonic()
            if left <= 0:
                return False
            if job.wait(min(left, INTERRUPT_AGAIN)):
                return True

    def _give_up(self, job: Job) -> None:
        """Take a job back whose time is over, unless R has just finished it."""
        deadline = deadlines.current()
        assert deadline is not None
        begun = self._current is job
        ended = self._take_back(job, INTERRUPT_PATIENCE)
        if job.outcome is not None:
            return
        if job.error is not None and not isinstance(job.error, KeyboardInterrupt):
            return
        if not ended:
            raise deadline.passed("R has not answered yet, and the next call waits for it")
        raise deadline.passed("" if begun else "R was busy with another thread's call")

    def _interrupt_r(self) -> None:
        """Interrupt what R evaluates; called with the lock.

        Elsewhere, such as while values cross, R has no place to jump to, and would end the
        process; there the R thread itself looks whether it may go on.
        """
        if self._evaluating:
            self._set_pending(1)

    def _set_pending(self, value: int) -> None:
        library = self._interface.openrlib.rlib
        if os.name == "nt":
            library.UserBreak = value
        else:
            library.R_interrupts_pending = value

    def end(self) -> None:
        """End R, as at the exit of Python: nothing can be asked of it any more."""
        thread = self._thread
        if thread is None or os.getpid() != self._pid:
            return
        with self._lock:
            self._closing = True
            self._interrupt_r()
        self._jobs.put(None)
        thread.join(timeout=EXIT_PATIENCE)

    # -- on the R thread -------------------------------------------------------------------

    def _run(self, begun: Start) -> None:
        try:
            self._start()
        except BaseException as error:
            begun.error = error
            return
        finally:
            begun.ended = True
        while True:
            item = self._jobs.get()
            with self._turn:
                if item is None:
                    self._objects.clear()
                    if self._own_r:
                        embedding.ease_the_end()
                        self._operations["end_session"]()
                        self._interface.embedded.endr(0)
                    return
                if isinstance(item, int):
                    self._objects.pop(item, None)
                elif callable(item):
                    item()
                elif not self._closing:
                    self._work(item)
                del item  # else the last job's frame would be kept alive until the next comes

    def _start(self) -> None:
        home = installation.usable_home()
        os.environ["R_HOME"] = home
        embedding.hold_standard_streams()
        embedding.check_temporary_folder()
        searched = os.environ.get("LD_LIBRARY_PATH")
        # rpy2 would tell the console which of its two modes it tries; the doctor names the mode.
        level = logging.getLogger("rpy2").level
        logging.getLogger("rpy2").setLevel(logging.CRITICAL)
        try:
            with embedding.front_end(home, _situation()):
                # This loads libR: only when R is wanted.
                import rpy2.rinterface as ri  # noqa: PLC0415
                from rpy2.rinterface_lib import callbacks, embedded  # noqa: PLC0415

                from pymer_bridge.session import convert  # noqa: PLC0415

                if not embedded.isinitialized():
                    self._start_own_r(ri)
        except MemoryError:
            raise
        except Exception as error:  # also cffi's own class, where a symbol of R's is lacking
            raise installation.unusable_rpy2(error, home) from error
        finally:
            logging.getLogger("rpy2").setLevel(level)
            # rpy2 adds R's folders for programs that are started from here, such as workers; there
            # another libpython may lie, which these would then load.
            if searched is None:
                os.environ.pop("LD_LIBRARY_PATH", None)
            else:
                os.environ["LD_LIBRARY_PATH"] = searched
        embedding.listen(callbacks, self._output)
        embedding.release_in_turn(ri._rinterface, ri.openrlib.rlock, self._jobs.put)
        self._interface, self._convert, self._ri = ri, convert, ri
        self._turn = embedding.Turn(ri.openrlib)
        with self._turn:
            self._source_files()
        embedding.keep_decimal_points()

    def _start_own_r(self, ri: Any) -> None:
        """Start R, unless somebody else's rpy2 has: then that one is used, as it is."""
        with warnings.catch_warnings(), embedding.without_second_r(ri):
            # rpy2 warns that R takes SIGINT over; it has just told R not to.
            warnings.filterwarnings("ignore", module="rpy2")
            ri.embedded.set_initoptions(START_OPTIONS)
            ri.initr(interactive=False)
        atexit.unregister(ri.endr)  # it would end R from a thread that is not its own
        self._own_r = True

    def _source_files(self) -> None:
        ri = self._ri
        folder = Path(str(files("pymer_bridge"))) / "r"
        base = ri.baseenv
        # Nothing of our R is looked up where the user's attached packages are.
        self._operations = base["new.env"](parent=base)
        for name in R_FILES:
            path = ri.StrSexpVector([str(folder / f"{name}.R")])
            base["sys.source"](path, envir=self._operations)
        self._operations["use_utf8"]()
        self._operations["refuse_quit"]()
        self._run_operation = self._operations["run_operation"]

    def _resolve(self, value: Any) -> Any:
        return self._objects[value.key] if isinstance(value, Handle) else None

    def _keep(self, value: Any) -> Handle:
        self._next_key += 1
        handle = Handle(self._next_key)
        self._objects[handle.key] = value
        # SimpleQueue.put may be called from a finalizer in any thread, at any moment.
        weakref.finalize(handle, self._jobs.put, handle.key).atexit = False
        return handle

    def _work(self, job: Job) -> None:
        with self._lock:
            if job.cancelled:
                job.done()
                return
            self._current = job
        try:
            job.outcome = self._perform(job.operation, job.arguments)
        except BaseException as error:
            job.error = error
        finally:
            with self._lock:
                self._current = None
            job.arguments = {}
            # At exit only daemon threads can be waiting, and they must not wake any more.
            if not self._closing:
                job.done()

    def _leave_if_taken_back(self) -> None:
        if self._closing or (self._current is not None and self._current.cancelled):
            raise KeyboardInterrupt

    @contextmanager
    def _evaluation(self) -> Iterator[None]:
        """Let R be interrupted meanwhile, and leave no interrupt behind."""
        with self._lock:
            self._leave_if_taken_back()
            self._evaluating = True
        try:
            yield
        except self._interface.embedded.RRuntimeError:
            self._leave_if_taken_back()  # interrupted before the operation could say so
            raise
        finally:
            with self._lock:
                self._evaluating = False
                self._set_pending(0)

    def _perform(self, operation: str, arguments: dict[str, Any]) -> Outcome:
        self._output.clear()
        name = self._convert.names_to_r((operation,))
        crossed = self._convert.to_r(arguments, self._resolve)
        with self._evaluation():
            answer = self._run_operation(name, crossed, self._operations)
        record = self._convert.from_r(answer, self._keep)
        if record["interrupted"][0]:
            raise KeyboardInterrupt
        if record["error"] is not None:
            # An interrupt that meets no handler leaves by R's restart 'abort', as an error.
            self._leave_if_taken_back()
            error = record["error"]
            if "needs_newer_lme4" in error["classes"]:
                raise installation.newer_lme4(error["message"][0])
            raise RError(
                error["message"][0], error["call"][0], error["traceback"], error["classes"]
            )
        return Outcome(
            record["value"],
            _conditions(record["warnings"]),
            _conditions(record["messages"]),
            self._output.text(),
        )


def _conditions(found: tuple[dict[str, Any], ...]) -> tuple[Condition, ...]:
    return tuple(Condition(each["message"][0], each["classes"], each["call"][0]) for each in found)


_session = RSession()


def session() -> RSession:
    """Return the R session of this process; it starts at its first call."""
    return _session
