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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn

from pymer_bridge import environment, pinning
from pymer_bridge.errors import REnvironmentError, RError, SessionError

STACK_SIZE = 64 * 1024 * 1024
"""Bytes of stack for R: rpy2 turns R's own stack check off, so depth must fit."""

EXIT_PATIENCE = 5.0
"""Seconds that the exiting interpreter waits for R to leave what it is doing."""

R_FILES = (
    "conditions", "session", "frames", "formula", "fit", "extract", "kenward_roger", "tests",
    "intervals", "means", "linear", "refit", "update", "draws", "cases", "replicates", "ratio",
    "many", "separate", "predict", "diagnostics", "internals", "tidy", "all_fit", "influence",
    "saving", "pictures", "profile_pictures", "effects", "record", "script", "childread",
)  # fmt: skip
START_OPTIONS = (
    "rpy2", "--quiet", "--no-save", "--no-restore", "--no-site-file", "--no-init-file",
    "--min-nsize=3M",
)  # fmt: skip
"""No profile is read, so that nobody's options change a figure; Renviron is, for libraries.
With room for lme4 and lmerTest R need not collect garbage again and again while they load."""


class Handle:
    """A token for an R object that stays on the R thread.

    When Python lets go of the token, the R object is freed there.
    """

    __slots__ = ("__weakref__", "key")

    def __init__(self, key: int) -> None:
        self.key = key

    def __copy__(self) -> Handle:
        """Return the token itself: there is one R object."""
        return self

    def __deepcopy__(self, memo: object) -> Handle:
        """Return the token itself: there is one R object."""
        return self

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: in another process the key would name another object."""
        raise SessionError(
            "a fitted model lives in the R of its own process and cannot be pickled; fit it again "
            "where it is needed, or send its results by to_dict()"
        )


@dataclass(frozen=True, slots=True)
class Condition:
    """A warning or a message that R raised during an operation."""

    message: str
    classes: tuple[str, ...]
    call: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one operation gave: its value, and every condition it met."""

    value: Any
    warnings: tuple[Condition, ...] = ()
    messages: tuple[Condition, ...] = ()
    output: str = ""


@dataclass(eq=False, slots=True)
class _Job:
    operation: str
    arguments: dict[str, Any]
    done: threading.Event = field(default_factory=threading.Event)
    outcome: Outcome | None = None
    error: BaseException | None = None
    cancelled: bool = False


def _start_error(error: BaseException, home: str) -> REnvironmentError:
    version = environment.r_version(home)
    shown = "unknown version" if version is None else ".".join(map(str, version))
    return REnvironmentError(
        f"R ({shown}) was found at {home}, but rpy2 cannot use it: {error}\n"
        f"Mend it with: {environment.install_rinterface_command(version)}"
    )


@contextmanager
def _bare_rscript() -> Iterator[None]:
    """Let an Rscript load no packages: rpy2 starts one to ask for a variable, and waits for it."""
    before = os.environ.get("R_DEFAULT_PACKAGES")
    os.environ["R_DEFAULT_PACKAGES"] = "NULL"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("R_DEFAULT_PACKAGES", None)
        else:
            os.environ["R_DEFAULT_PACKAGES"] = before


class RSession:
    """The R session; use :func:`session` to get the one of this process."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[_Job | int | None] = queue.SimpleQueue()
        self._objects: dict[int, Any] = {}
        self._next_key = 0
        self._output: list[str] = []
        self._lock = threading.Lock()
        self._current: _Job | None = None
        self._started = threading.Event()
        self._start_error: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._pid = 0
        self._closing = False
        self._loaded: set[str] = set()
        self._interface: Any = None

    # -- called from any thread ------------------------------------------------------------

    def call(self, operation: str, /, **arguments: Any) -> Outcome:
        """Run one operation of the R files and return its outcome.

        Parameters
        ----------
        operation
            The name of an R function.
        **arguments
            Its arguments, by R's names; see :func:`pymer_bridge.convert.to_r`.

        Raises
        ------
        RError
            R stopped with an error.
        KeyboardInterrupt
            The user interrupted; R is ready for the next call.
        REnvironmentError
            R could not be started.
        SessionError
            This is a forked child, or the R thread itself.
        """
        self._ensure_started()
        job = _Job(operation, arguments)
        self._jobs.put(job)
        try:
            job.done.wait()
        except BaseException:
            self._interrupt(job)
            job.done.wait()  # R answers within milliseconds; a second Ctrl-C leaves at once
            raise
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
        minimum = environment.MINIMUM_PACKAGES.get(package, "0.0")
        if package == "lme4" and self.call("ready_to_pin").value[0]:
            with pinning.signed_addresses():
                self.call("load_lme4_library")
        answer = self.call("require_package", package=package, minimum=minimum).value
        if problem := answer["problem"][0]:
            looked = ", ".join(answer["library_paths"])
            raise REnvironmentError(
                f"the R package '{package}' {problem} (looked in: {looked})\n"
                f"Mend it with: {environment.install_package_command(package)}"
            )
        self._loaded.add(package)

    def interrupt(self) -> None:
        """Interrupt what R is doing now; who asked for it gets a KeyboardInterrupt."""
        with self._lock:
            if self._current is not None and self._interface is not None:
                self._set_pending(1)

    def _ensure_started(self) -> None:
        if self._thread is not None and os.getpid() != self._pid:
            raise SessionError(
                "R was started in the parent of this forked process and cannot be used here; "
                "start workers with the 'spawn' method (joblib's default backend does)"
            )
        if threading.current_thread() is self._thread:
            raise SessionError("the R thread cannot wait for itself")
        if self._closing:
            raise SessionError("Python is exiting, and R has ended")
        with self._lock:
            if self._thread is None:
                self._pid = os.getpid()
                self._thread = threading.Thread(
                    target=self._run, name="pymer_bridge-R", daemon=True
                )
                before = threading.stack_size(STACK_SIZE)
                try:
                    self._thread.start()
                finally:
                    threading.stack_size(before)
                atexit.register(self._stop)
        self._started.wait()
        if self._start_error is not None:
            # A later call tries again: the user may have mended what was missing.
            error, self._start_error = self._start_error, None
            with self._lock:
                self._thread = None
                self._started.clear()
            raise error

    def _interrupt(self, job: _Job) -> None:
        with self._lock:
            job.cancelled = True
            if self._current is job and self._interface is not None:
                self._set_pending(1)

    def _set_pending(self, value: int) -> None:
        library = self._interface.openrlib.rlib
        if os.name == "nt":
            library.UserBreak = value
        else:
            library.R_interrupts_pending = value

    def _stop(self) -> None:
        thread = self._thread
        if thread is None or os.getpid() != self._pid:
            return
        with self._lock:
            self._closing = True
            if self._current is not None:
                self._set_pending(1)
        self._jobs.put(None)
        thread.join(timeout=EXIT_PATIENCE)

    # -- on the R thread -------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._start()
        except BaseException as error:
            self._start_error = error
            self._started.set()
            return
        self._started.set()
        while True:
            item = self._jobs.get()
            if item is None:
                self._objects.clear()
                self._interface.embedded.endr(0)
                return
            if isinstance(item, int):
                self._objects.pop(item, None)
            elif not self._closing:
                self._work(item)
            del item  # else the last job's frame would be kept alive until the next comes

    def _start(self) -> None:
        home = environment.r_home()
        if home is None:
            raise REnvironmentError(
                "R was not found: there is no R on the PATH and R_HOME is not set\n"
                f"Mend it with: {environment.install_r_command()}"
            )
        version = environment.r_version(home)
        if version is None:
            raise REnvironmentError(
                f"no working R was found at {home} (from R_HOME or the R on the PATH)\n"
                "Mend it with: unset R_HOME, or set it to what the command 'R RHOME' prints"
            )
        if version < tuple(int(part) for part in environment.MINIMUM_R.split(".")):
            raise REnvironmentError(
                f"the R at {home} is of version {'.'.join(map(str, version))}, and at least "
                f"{environment.MINIMUM_R} is needed\n"
                f"Mend it with: {environment.install_r_command()}"
            )
        os.environ["R_HOME"] = home
        searched = os.environ.get("LD_LIBRARY_PATH")
        try:
            with _bare_rscript():
                import rpy2.rinterface as ri  # noqa: PLC0415  # loads libR: only when R is wanted
            from rpy2.rinterface_lib import callbacks, embedded  # noqa: PLC0415

            from pymer_bridge import convert  # noqa: PLC0415

            with warnings.catch_warnings():
                # rpy2 warns that R takes SIGINT over; it has just told R not to.
                warnings.filterwarnings("ignore", module="rpy2")
                embedded.set_initoptions(START_OPTIONS)
                ri.initr(interactive=False)
        except (ImportError, OSError, ValueError, AttributeError) as error:
            raise _start_error(error, home) from error
        finally:
            # rpy2 adds R's folders for programs that are started from here, such as workers; there
            # another libpython may lie, which these would then load.
            if searched is None:
                os.environ.pop("LD_LIBRARY_PATH", None)
            else:
                os.environ["LD_LIBRARY_PATH"] = searched
        atexit.unregister(ri.endr)  # it would end R from a thread that is not its own
        callbacks.consolewrite_print = self._output.append
        callbacks.consolewrite_warnerror = self._output.append
        callbacks.showmessage = self._output.append
        callbacks.consoleread = lambda prompt: ""
        self._interface, self._convert, self._ri = ri, convert, ri
        self._source_files()

    def _source_files(self) -> None:
        ri = self._ri
        folder = Path(str(files("pymer_bridge"))) / "r"
        base = ri.baseenv
        self._operations = base["new.env"](parent=base["parent.env"](ri.globalenv))
        for name in R_FILES:
            path = ri.StrSexpVector([str(folder / f"{name}.R")])
            base["sys.source"](path, envir=self._operations)
        self._operations["use_utf8"]()
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

    def _work(self, job: _Job) -> None:
        with self._lock:
            if job.cancelled:
                job.done.set()
                return
            self._current = job
            self._set_pending(0)
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
                job.done.set()

    def _perform(self, operation: str, arguments: dict[str, Any]) -> Outcome:
        self._output.clear()
        record = self._convert.from_r(
            self._run_operation(
                self._convert.strings_to_r([operation]),
                self._convert.to_r(arguments, self._resolve),
                self._operations,
            ),
            self._keep,
        )
        if record["interrupted"][0]:
            raise KeyboardInterrupt
        if record["error"] is not None:
            error = record["error"]
            if "needs_newer_lme4" in error["classes"]:
                raise REnvironmentError(error["message"][0])
            raise RError(
                error["message"][0], error["call"][0], error["traceback"], error["classes"]
            )
        return Outcome(
            record["value"],
            _conditions(record["warnings"]),
            _conditions(record["messages"]),
            "".join(self._output),
        )


def _conditions(found: tuple[dict[str, Any], ...]) -> tuple[Condition, ...]:
    return tuple(Condition(each["message"][0], each["classes"], each["call"][0]) for each in found)


_session = RSession()


def session() -> RSession:
    """Return the R session of this process; it starts at its first call."""
    return _session
