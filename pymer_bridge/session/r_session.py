"""The one R session of this process, and the one thread that may touch it.

R is not thread-safe. One dedicated thread starts it, makes every call, and creates and frees
every R object; the rest of the program holds :class:`Handle` tokens and numpy copies. Nothing
starts before the first call.
"""

from __future__ import annotations

import atexit
import os
import queue
import threading
import warnings
import weakref
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from pymer_bridge.errors import RError, SessionError
from pymer_bridge.session import conditions, deadlines, embedding, forks, installation, older_r
from pymer_bridge.session.calls import Condition, Handle, Job, Outcome, Start, Waiting
from pymer_bridge.session.interrupts import Interrupts
from pymer_bridge.session.library_address import signed_addresses

STACK_SIZE = 64 * 1024 * 1024
"""Bytes of stack for R: rpy2 turns R's own stack check off, so depth must fit."""

EXIT_PATIENCE = 5.0
"""Seconds that the exiting interpreter waits for R to leave what it is doing."""

R_FOLDER = Path(str(files("pymer_bridge"))) / "r"
R_FILES = tuple(sorted(path.stem for path in R_FOLDER.glob("*.R")))
"""The files of our operations; those in folders below are read when they are used."""

START_OPTIONS = tuple(
    "rpy2 --quiet --no-save --no-restore --no-site-file --no-init-file --min-nsize=3M".split()
)
"""No profile is read, so that nobody's options change a figure; Renviron is, for libraries.
With room for lme4 and lmerTest R need not collect garbage again and again while they load."""


def _situation() -> Any:
    try:
        from rpy2 import situation  # noqa: PLC0415
    except ImportError:
        return None  # what is wrong with this rpy2 is reported where R is loaded
    return situation


class RSession:
    """The R session; use :func:`session` to get the one of this process."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Job | int | Callable[[], None] | None] = queue.SimpleQueue()
        self._objects: dict[int, Any] = {}
        self._next_key = 0
        self._output = embedding.Console()
        self._interrupts = Interrupts()
        self._waiting = Waiting()
        forks.in_child(self._interrupts.let_go)
        forks.in_child(self._waiting.restore)
        self._begun = Start()
        self._thread: threading.Thread | None = None
        self._loaded: set[str] = set()
        self._ri: Any = None
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
        try:
            self._waiting.begin(job)
            self._jobs.put(job)
            in_time = job.wait(deadlines.remaining())
        except BaseException:
            # R answers within milliseconds; a second Ctrl-C leaves at once.
            self._interrupts.take_back(job)
            raise
        finally:
            self._waiting.end()
        if not in_time:
            self._interrupts.give_up(job)
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
            with signed_addresses():
                self.call("load_lme4_library")
        answer = self.call("require_package", package=package, minimum=minimum).value
        if problem := answer["problem"][0]:
            looked = ", ".join(answer["library_paths"])
            raise installation.unfit(
                f"the R package '{package}' {problem} (looked in: {looked})",
                installation.install_package_command(package),
            )
        self._loaded.add(package)

    def rpy2_mode(self) -> str:
        """Return how rpy2 reaches R, by ``API`` (compiled) or ``ABI``; figures are the same."""
        self.start()
        return older_r.mode(self._ri.openrlib)

    def interrupt(self, thread: threading.Thread) -> None:
        """Interrupt what a thread waits for; it gets a KeyboardInterrupt, and no other does."""
        job = self._waiting.of(thread)
        if job is not None:
            self._interrupts.cancel(job)

    def start(self) -> None:
        """Start R unless it runs already; every call does so by itself.

        Raises
        ------
        REnvironmentError, SessionError
            As for :meth:`call`.
        """
        forks.check()
        if threading.current_thread() is self._thread:
            raise SessionError("the R thread cannot wait for itself")
        if self._interrupts.closing:
            raise SessionError("Python is exiting, and R has ended")
        if embedding.inside_a_call_by_rpy2():
            raise SessionError(
                "this thread is within a call of R by rpy2 (or holds its lock), which R would "
                "have to finish first; call pymer_bridge before or after it"
            )
        with self._interrupts.lock:
            if self._thread is None:
                forks.note(running=True)
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
            with self._interrupts.lock:
                if self._begun is begun:
                    self._thread = None
                    forks.note(running=False)
            raise begun.error

    def end(self) -> None:
        """End R, as at the exit of Python: nothing can be asked of it any more."""
        thread = self._thread
        if thread is None or forks.is_child():
            return
        self._interrupts.close()
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
                        embedding.end_r(self._ri)
                    return
                if isinstance(item, int):
                    self._objects.pop(item, None)
                elif callable(item):
                    item()
                elif not self._interrupts.closing:
                    self._work(item)
                del item  # else the last job's frame would be kept alive until the next comes

    def _start(self) -> None:
        home = os.environ["R_HOME"] = installation.usable_home()
        embedding.hold_standard_streams()
        embedding.check_temporary_folder()
        try:
            with (
                embedding.unlogged(),
                embedding.same_library_path(),
                embedding.front_end(home, _situation()),
            ):
                # This loads libR: only when R is wanted.
                from rpy2.rinterface_lib import openrlib  # noqa: PLC0415

                older_r.supply(openrlib)

                import rpy2.rinterface as ri  # noqa: PLC0415

                from pymer_bridge.session import convert  # noqa: PLC0415

                if not ri.embedded.isinitialized():
                    self._start_own_r(ri)
        except MemoryError:
            raise
        except Exception as error:  # also cffi's own class, where a symbol of R's is lacking
            raise installation.unusable_rpy2(error, home) from error
        embedding.listen(ri.embedded.callbacks, self._output)
        embedding.release_in_turn(ri._rinterface, ri.openrlib.rlock, self._jobs.put)
        self._ri, self._convert = ri, convert
        self._interrupts.reach(ri.openrlib.rlib)
        self._turn = embedding.Turn(ri.openrlib)
        with self._turn:
            self._source_files()
        embedding.keep_decimal_points()

    def _start_own_r(self, ri: Any) -> None:
        """Start R; where other code has started it by rpy2, that R is used as it is."""
        with warnings.catch_warnings(), embedding.without_second_r(ri):
            # rpy2 warns that R takes SIGINT over; it has just kept R from doing so.
            warnings.filterwarnings("ignore", module="rpy2")
            ri.embedded.set_initoptions(START_OPTIONS)
            ri.initr(interactive=False)
        atexit.unregister(ri.endr)  # it would end R from a thread that is not its own
        self._own_r = True

    def _source_files(self) -> None:
        ri = self._ri
        base = ri.baseenv
        # Nothing of our R is looked up where the user's attached packages are.
        self._operations = base["new.env"](parent=base)
        for name in R_FILES:
            path = ri.StrSexpVector([str(R_FOLDER / f"{name}.R")])
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
        if not self._interrupts.begin(job):
            return
        try:
            job.outcome = self._perform(job.operation, job.arguments, job.generator)
        except BaseException as error:
            job.error = error
        finally:
            self._interrupts.finish(job)

    def _perform(
        self, operation: str, arguments: dict[str, Any], generator: Handle | None
    ) -> Outcome:
        self._output.clear()
        name = self._convert.names_to_r((operation,))
        crossed = self._convert.to_r(arguments, self._resolve)
        own = () if generator is None else (self._resolve(generator),)
        given = (name, crossed, self._operations, *own)
        try:
            evaluation = self._interrupts.evaluation()
            record = self._convert.evaluate(self._run_operation, given, evaluation, self._keep)
        except self._ri.embedded.RRuntimeError:
            # R was interrupted before the operation could say so.
            self._interrupts.leave_if_taken_back()
            raise
        if "interrupted" in record:
            raise KeyboardInterrupt
        if "error" in record:
            # An interrupt that meets no handler leaves by R's restart 'abort', as an error.
            self._interrupts.leave_if_taken_back()
            error = record["error"]
            if "needs_newer_lme4" in error["classes"]:
                raise installation.newer_lme4(error["message"][0])
            message, call = error["message"][0], error["call"][0]
            helps = conditions.remedies(message)
            raise RError(message, call, error["traceback"], error["classes"], helps)
        return Outcome(
            record["value"],
            _conditions(record.get("warnings", ())),
            _conditions(record.get("messages", ())),
            self._output.text(),
        )


def _conditions(found: tuple[dict[str, Any], ...]) -> tuple[Condition, ...]:
    return tuple(Condition(each["message"][0], each["classes"], each["call"][0]) for each in found)


_session = RSession()


def session() -> RSession:
    """Return the R session of this process; it starts at its first call."""
    return _session
