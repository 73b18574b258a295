"""R inside a Python process: its surroundings at the start, and what it shares with others.

rpy2's modules are passed in; nothing here imports them. Other code of the process may use R
through rpy2 too, before or after this package, on other threads, with its own settings: each
operation holds rpy2's lock, measures the stack from the thread that it runs on, and keeps what R
prints for itself.
"""

from __future__ import annotations

import codecs
import ctypes
import logging
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from pymer_bridge.session.installation import unfit

SCRIPTED: Final = ("R_SHARE_DIR", "R_INCLUDE_DIR", "R_DOC_DIR", "R_ARCH")
"""What the script that starts R sets, and an R within a process looks for."""

HELD_BACK: Final = ("R_DEFAULT_PACKAGES", "R_SCRIPT_DEFAULT_PACKAGES")
"""What would leave R without the packages that lme4 counts on."""

STANDARD_PLACES: Final = "/usr/bin:/bin"
"""Where the tools are that R's start script calls, whatever PATH says."""

MOST_OUTPUT: Final = 2**20
"""Characters that are kept of what R prints in one operation."""

STACK_SHARE: Final = 0.9
"""Of the thread's stack; R itself goes a twentieth beyond it to say that it is full."""

ENCODING: Final = "pymer_bridge_console"

_GLOBAL_LOCALE: Final = ctypes.c_void_p(-1)
_NUMERIC_MASK: Final = 1 << 1


# -- before R starts -------------------------------------------------------------------------------


def hold_standard_streams() -> None:
    """Open the null device in place of a closed stdin, stdout or stderr.

    Else the next file that is opened takes that number, and what R prints is written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is this one: those below are open.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def check_temporary_folder() -> None:
    """Check that R will find a folder for its temporary files; without one it ends Python.

    Raises
    ------
    REnvironmentError
        There is none, or it cannot be written to.
    """
    if os.name == "nt":
        return
    named = [os.environ.get(name) for name in ("TMPDIR", "TMP", "TEMP")]
    usable = [each for each in named if each and Path(each).is_dir() and os.access(each, os.W_OK)]
    folder = usable[0] if usable else "/tmp"
    command = 'mkdir -p "$HOME/tmp" && export TMPDIR="$HOME/tmp"'
    if any(letter.isspace() for letter in folder):
        problem = "R cannot use a folder for temporary files with a space in its name"
        raise unfit(f"{problem}: {folder!r} (from TMPDIR, TMP or TEMP)", command)
    try:
        # Unbuffered, as a buffer that cannot be written is tried again when the file is closed.
        with tempfile.NamedTemporaryFile(dir=folder, buffering=0) as file:
            file.write(b"x")
    except OSError as error:
        problem = f"R needs a folder for temporary files, and {folder} cannot be written to"
        looked = "(looked at TMPDIR, TMP, TEMP and /tmp)"
        raise unfit(f"{problem}: {error.strerror} {looked}", command) from error


def _with_standard_places() -> str:
    return os.pathsep.join(filter(None, [os.environ.get("PATH"), STANDARD_PLACES]))


def front_end_variables(home: str) -> dict[str, str]:
    """Return the variables that R's start script sets, without starting R.

    Parameters
    ----------
    home
        R's home directory.

    Returns
    -------
    dict
        Empty where the script cannot be asked.
    """
    # A profile cannot break this, nor a working directory that is gone: R itself does not run.
    program = Path(home).resolve() / "bin" / "R"
    try:
        answer = subprocess.run(
            [program, "CMD", "env", "-0"],
            capture_output=True,
            check=False,
            cwd="/",
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PATH": _with_standard_places()},
        )
    except OSError:
        return {}
    pairs = (os.fsdecode(part).partition("=") for part in answer.stdout.split(b"\0"))
    return {name: value for name, _, value in pairs if name}


@contextmanager
def unlogged() -> Iterator[None]:
    """Keep rpy2 from logging which of its two modes it tries; the doctor names the mode."""
    logger = logging.getLogger("rpy2")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def same_library_path() -> Iterator[None]:
    """Take back the folders of R that rpy2 adds to ``LD_LIBRARY_PATH``.

    Programs that are started from here, such as workers, would load another libpython from there.
    """
    before = os.environ.get("LD_LIBRARY_PATH")
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("LD_LIBRARY_PATH", None)
        else:
            os.environ["LD_LIBRARY_PATH"] = before


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def front_end(home: str, situation: Any) -> Iterator[None]:
    """Give R what its start script would, and hold back what would start it otherwise.

    rpy2 starts R twice to find that out. Those R would read the profiles of the user, of the
    site and of the working directory, and print whatever is wrong with them.

    Parameters
    ----------
    home
        R's home directory.
    situation
        The module ``rpy2.situation``, or None where it is missing.
    """
    if os.name == "nt" or situation is None:
        yield
        return
    found = front_end_variables(home)
    os.environ.update({name: found[name] for name in SCRIPTED if name in found})
    held = {name: os.environ.pop(name) for name in HELD_BACK if name in os.environ}
    path = found.get("LD_LIBRARY_PATH", "")
    try:
        with _replaced(situation, "r_ld_library_path_from_subprocess", lambda home: path):
            yield
    finally:
        os.environ.update(held)


@contextmanager
def without_second_r(rinterface: Any) -> Iterator[None]:
    """Keep rpy2 from starting another R only to read its environment: :func:`front_end` did."""
    if os.name == "nt" or not hasattr(rinterface, "_getrenvvars"):
        yield
        return
    with _replaced(rinterface, "_getrenvvars", lambda *arguments, **named: ()):
        yield


# -- once R has started, on its thread -------------------------------------------------------------


def keep_decimal_points() -> None:
    """Give this thread decimal points, whatever locale the program chooses or has chosen.

    R writes numbers by C's functions into code that it reads again; where the program has called
    ``locale.setlocale(LC_ALL, "de_DE")``, they would have commas. The rest of the program keeps
    its locale. Elsewhere than on Linux nothing is done.
    """
    if not sys.platform.startswith("linux"):
        return
    library = ctypes.CDLL(None)
    for name in ("duplocale", "newlocale", "uselocale"):
        getattr(library, name).restype = ctypes.c_void_p
    own = library.duplocale(_GLOBAL_LOCALE)
    own = library.newlocale(_NUMERIC_MASK, b"C", ctypes.c_void_p(own))
    if own:
        library.uselocale(ctypes.c_void_p(own))


def stack_of_this_thread() -> tuple[int, int] | None:
    """Return the address at which this thread's stack starts and its size in bytes.

    None where it is not known: on other systems than Linux.
    """
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    library.pthread_self.restype = ctypes.c_void_p
    attributes = ctypes.create_string_buffer(256)  # a pthread_attr_t takes 56
    own = ctypes.c_void_p(library.pthread_self())
    if library.pthread_getattr_np(own, attributes) != 0:
        return None
    lowest, size = ctypes.c_void_p(), ctypes.c_size_t()
    failed = library.pthread_attr_getstack(attributes, ctypes.byref(lowest), ctypes.byref(size))
    library.pthread_attr_destroy(attributes)
    return None if failed else ((lowest.value or 0) + size.value, size.value)


class Turn:
    """R, for as long as one operation takes: nobody else calls it, and its depth is watched.

    Other code of this process may call R by rpy2 from its own threads, on stacks of its own and
    with an R that thinks somebody answers its questions.

    Parameters
    ----------
    openrlib
        The module ``rpy2.rinterface_lib.openrlib``.
    """

    def __init__(self, openrlib: Any) -> None:
        self._lock = openrlib.rlock
        self._library = openrlib.rlib
        self._nothing = openrlib.ffi.NULL
        stack = stack_of_this_thread()
        self._stack = stack and (stack[0], int(stack[1] * STACK_SHARE))
        self._theirs: dict[str, Any] = {}

    def __enter__(self) -> None:
        """Wait until nobody else uses R, and set what belongs to this thread."""
        self._lock.acquire()
        ours: dict[str, Any] = {"R_Interactive": 0}
        if self._stack:
            ours["R_CStackStart"], ours["R_CStackLimit"] = self._stack
        if os.name != "nt":
            # R calls this thousands of times a second, and rpy2 does nothing there; but it takes
            # Python's lock for it, for which R waits 5 ms each time that another thread computes.
            ours["ptr_R_ProcessEvents"] = self._nothing
        self._theirs = {name: getattr(self._library, name) for name in ours}
        for name, value in ours.items():
            setattr(self._library, name, value)

    def __exit__(self, *unused: object) -> None:
        """Leave everything as it was."""
        for name, value in self._theirs.items():
            setattr(self._library, name, value)
        self._lock.release()


def inside_a_call_by_rpy2() -> bool:
    """Say whether this thread holds rpy2's lock: the R thread would wait for it for ever."""
    openrlib = sys.modules.get("rpy2.rinterface_lib.openrlib")
    lock = getattr(openrlib, "rlock", None)
    return lock is not None and lock._is_owned()


def release_in_turn(capi: Any, lock: Any, later: Callable[[Callable[[], None]], None]) -> None:
    """Let R objects of other threads be freed when no operation runs, or else afterwards.

    Parameters
    ----------
    capi
        The module ``rpy2.rinterface_lib._rinterface_capi``.
    lock
        rpy2's lock.
    later
        Takes what the R thread has to call after what it is doing.
    """
    released = capi._release

    def release(cdata: Any) -> None:
        # Never waiting: this may run in any thread at any moment, also while it holds other locks.
        if lock.acquire(blocking=False):
            try:
                released(cdata)
            finally:
                lock.release()
        else:
            later(partial(released, cdata))

    capi._release = release


def ease_the_end() -> None:
    """Let R find ``rm``, with which it removes its temporary folder, and a folder to run it in."""
    os.environ["PATH"] = _with_standard_places()
    try:
        Path.cwd()
    except OSError:
        os.chdir("/")


def end_r(ri: Any) -> None:
    """End R as it ends itself; rpy2 would first have it collect all its garbage, a fifth second."""
    rlib, embedded = ri.openrlib.rlib, ri.embedded
    if embedded.rpy2_embeddedR_isinitialized & embedded.RPY_R_Status.ENDED.value:
        return
    rlib.R_dot_Last()
    rlib.R_RunExitFinalizers()
    rlib.Rf_KillAllDevices()
    rlib.R_CleanTempDir()
    rlib.Rf_endEmbeddedR(0)
    embedded.rpy2_embeddedR_isinitialized ^= embedded.RPY_R_Status.ENDED.value


# -- what R says -----------------------------------------------------------------------------------


class Console:
    """What R prints in one operation: its first :data:`MOST_OUTPUT` characters."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._room = MOST_OUTPUT
        self._lost = 0

    def write(self, text: str) -> None:
        """Take some text."""
        kept = text[: self._room]
        self._room -= len(kept)
        self._lost += len(text) - len(kept)
        if kept:
            self._kept.append(kept)

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._room, self._lost = MOST_OUTPUT, 0

    def text(self) -> str:
        """Return what was printed, and how much more there was."""
        # R hands over pieces of bytes that may end within a letter.
        whole = "".join(self._kept).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        return whole + (f"\n[... {self._lost} more characters]\n" if self._lost else "")


def _find_encoding(name: str) -> codecs.CodecInfo | None:
    if name != ENCODING:
        return None
    utf8 = codecs.lookup("utf-8")

    def decode(data: Any, errors: str = "strict") -> tuple[str, int]:
        return utf8.decode(data, "surrogateescape")

    return codecs.CodecInfo(utf8.encode, decode, name=ENCODING)


def listen(callbacks: Any, console: Console) -> None:
    """Keep what R prints and answer what it asks on this thread; on others nothing changes.

    Parameters
    ----------
    callbacks
        The module ``rpy2.rinterface_lib.callbacks``.
    console
        Where the text goes.
    """
    own = threading.get_ident()

    def here(name: str, ours: Callable[..., Any]) -> None:
        theirs = getattr(callbacks, name)

        def choose(*arguments: Any) -> Any:
            return (ours if threading.get_ident() == own else theirs)(*arguments)

        setattr(callbacks, name, choose)

    for name in ("consolewrite_print", "consolewrite_warnerror", "showmessage"):
        here(name, console.write)
    here("consoleread", lambda prompt: "")  # the end of the input
    here("choosefile", lambda new: None)
    here("showfiles", lambda files, *unused: console.write("\n".join(files)))
    # rpy2 would log text that is not UTF-8, or is cut within a letter, as an error, and lose it.
    codecs.register(_find_encoding)
    callbacks._CCHAR_ENCODING = ENCODING
