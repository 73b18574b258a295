"""Exceptions and warnings, in one tree.

Everything this package raises on purpose derives from :class:`PymerError`, and everything it
warns of from :class:`PymerWarning`::

    Exception
    └── PymerError
        ├── REnvironmentError      R, or an R package, is missing, too old or broken
        ├── DataConversionError    a data frame or column cannot be sent to R
        ├── FormulaError           a formula cannot be parsed, or calls a function not allowed
        ├── OptionError            an argument has a value that is not accepted
        │   └── UnknownNameError       a result has no row or part of this name
        ├── FileError              a file cannot be read or written
        │   └── MissingFileError       there is no such file or folder
        ├── FrozenError            a model or a result cannot be changed
        ├── RError                 R stopped with an error
        ├── RTimeoutError          a call did not end within its timeout
        ├── SessionError           the R session cannot be used from here
        ├── WorkerError            a worker failed, or keeps being killed
        ├── CheckpointError        a checkpoint is of another run, or cannot be read
        ├── ModelFileError         a file is not a saved model, or is damaged, changed or too new
        ├── RecordError            a file is not a record, or is damaged, changed or too new
        ├── ScriptError            a model cannot be written as a script of plain R
        └── VerificationError      plain R gives other figures, or cannot be asked

    Warning
    └── UserWarning
        └── PymerWarning
            ├── RWarning               a warning raised by R
            │   └── ConvergenceWarning     the optimizer may not have found the optimum
            ├── RMessage               a message emitted by R
            │   ├── SingularFitWarning     the fit is singular (on the boundary)
            │   └── RankDeficientWarning   R dropped columns of the fixed-effect design
            ├── BootstrapWarning       replicates failed, or cannot be trusted
            └── DriftWarning           a saved model, fitted again, gives other figures

    BaseException
    └── KeyboardInterrupt
        └── BootstrapInterrupted   Ctrl-C; what was finished is kept in it
"""

from __future__ import annotations

import reprlib
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import FrozenInstanceError
from types import FrameType, TracebackType
from typing import Any, Final

MOST_SHOWN: Final = 80
"""Characters of a value in a message."""

MOST_OF_R: Final = 600
"""Characters of the beginning, and of the end, of a message of R's."""

MOST_LISTED: Final = 30
"""Names in a message."""

_OTHERS: Final = frozenset(
    (
        *("pymer_bridge", "rpy2", "numpy", "pandas", "polars", "pyarrow"),
        *("joblib", "dask", "distributed", "tornado", "cloudpickle", "tqdm"),
        *sys.stdlib_module_names,
    )
)
"""Packages whose lines are not the user's own."""

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _short.maxlong = MOST_SHOWN
_short.maxlist = _short.maxtuple = _short.maxset = _short.maxdict = 20


def shown(value: object) -> str:
    """Return a value as a message shows it: in one short line, whatever it is."""
    try:
        text = " ".join(_short.repr(value).split())
    except Exception:  # it does not even let itself be shown
        text = f"a {type(value).__name__}"
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


def listed(names: Iterable[object]) -> str:
    """Return names as a message lists them: the first ones, and how many more there are."""
    known = list(names)
    more = len(known) - MOST_LISTED
    first = ", ".join(map(shown, known[:MOST_LISTED])) or "none"
    return f"{first} and {more} more" if more > 0 else first


def printable(text: str) -> str:
    """Return a text as a terminal may show it: what would steer it is escaped, as repr() does.

    Names and formulas may come from others, with escapes of terminals, or marks that turn the
    direction of what follows.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


def is_of_user(error: BaseException) -> bool:
    """Return whether code of the user's own raised it, or what that called."""
    return not all(_is_of_others(frame) for frame, _ in traceback.walk_tb(error.__traceback__))


def _is_of_others(frame: FrameType) -> bool:
    return frame.f_globals.get("__name__", "").partition(".")[0] in _OTHERS


class _Shown(BaseException):
    """An error that IPython shows by the user's own lines, without ours at the end."""

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows, in its own style; the message says the rest."""
        steps, step = [], self.__traceback__
        while step is not None:
            steps.append(step)
            step = step.tb_next
        while len(steps) > 1 and _is_of_others(steps[-1].tb_frame):
            steps.pop()
        for each in reversed(steps):
            step = TracebackType(step, each.tb_frame, each.tb_lasti, each.tb_lineno)
        shell = sys.modules["IPython"].get_ipython()
        cause, context, suppressed = self.__cause__, self.__context__, self.__suppress_context__
        inner = [each for each in (cause, context) if each is not None]
        if not any(map(is_of_user, inner)):
            self.__cause__ = self.__context__ = None
        try:
            lines: list[str] = shell.InteractiveTB.structured_traceback(type(self), self, step)
        finally:
            self.__cause__, self.__context__ = cause, context
            self.__suppress_context__ = suppressed
        return lines


class PymerError(_Shown, Exception):
    """Base of every error that this package raises on purpose.

    Attributes
    ----------
    partial
        The result of what was finished, where a run of many fits ended early; else None.
    """

    partial: Any = None

    def __str__(self) -> str:
        """Return the message; what would steer a terminal is escaped."""
        return printable(Exception.__str__(self))


class REnvironmentError(PymerError):
    """R, or an R package, is missing, too old or broken; the message names the remedy."""


class DataConversionError(PymerError, ValueError):
    """A data frame or a column cannot be sent to R; the message names the column."""


class FormulaError(PymerError, ValueError):
    """A formula cannot be parsed, or calls a function that is not allowed."""


class OptionError(PymerError, ValueError):
    """An argument has a value that is not accepted; the message lists the accepted ones."""


class UnknownNameError(OptionError, KeyError):
    """A result has no row or part of this name; the message lists those that there are."""


class FrozenError(PymerError, FrozenInstanceError):
    """A model or a result cannot be changed."""


class FileError(PymerError, OSError):
    """A file cannot be read or written; the message says which one, and what the system says."""


class MissingFileError(FileError, FileNotFoundError):
    """There is no such file or folder."""


class SessionError(PymerError, RuntimeError):
    """The R session cannot be used from here (for example in a forked child)."""


class WorkerError(PymerError, RuntimeError):
    """A worker failed, or workers keep being killed."""


class CheckpointError(PymerError, ValueError):
    """A checkpoint belongs to another run, or cannot be read; the message says which."""


class ModelFileError(PymerError, ValueError):
    """A file is not a saved model, or it is damaged, changed, too large or of a newer version."""


class RecordError(PymerError, ValueError):
    """A file is not a record, or it is damaged, changed, too large or of a newer version."""


class ScriptError(PymerError, ValueError):
    """A model cannot be written as a script of plain R; the message says why."""


class VerificationError(PymerError, AssertionError):
    """Plain R gives other figures than ours, or could not be asked for them."""


class RError(PymerError, RuntimeError):
    """R stopped with an error.

    Parameters
    ----------
    message
        R's own message.
    call
        The R call that failed, as text ("" when R gave none).
    traceback
        The R calls that led there, outermost first.
    condition_class
        R's class vector of the condition.
    remedies
        What is known of the cause, and what helps; below R's message where the error is shown.
    """

    def __init__(
        self,
        message: str,
        call: str = "",
        traceback: Sequence[str] = (),
        condition_class: Sequence[str] = (),
        remedies: Sequence[str] = (),
    ) -> None:
        self.message = message
        self.call = call
        self.traceback: tuple[str, ...] = tuple(traceback)
        self.condition_class: tuple[str, ...] = tuple(condition_class)
        self.remedies: tuple[str, ...] = tuple(remedies)
        super().__init__(message)

    def __str__(self) -> str:
        """Return R's message, with the failing call where R names one, and what helps."""
        message = self.message or "(R gave no message)"
        if len(message) > 2 * MOST_OF_R:
            left_out = len(message) - 2 * MOST_OF_R
            message = (
                f"{message[:MOST_OF_R]} [... {left_out} characters ...] {message[-MOST_OF_R:]}"
            )
        said = f"R stopped in {self.call}: {message}" if self.call else message
        return printable("\n".join((said, *self.remedies)))

    def __reduce__(self) -> tuple[type[RError], tuple[Any, ...]]:
        """Pickle with every part, so that an error from a worker arrives whole."""
        parts = (self.message, self.call, self.traceback, self.condition_class, self.remedies)
        return type(self), parts


class RTimeoutError(PymerError, TimeoutError):
    """A call did not end within its ``timeout=``, and was stopped; R is ready for the next one.

    Parameters
    ----------
    operation
        What was called, such as "lmer".
    seconds
        The timeout.
    detail
        What is to be said besides: how much of it was finished, or what it waited for.
    partial
        The result of what was finished in time, where the call makes many fits; else None.
    """

    def __init__(
        self, operation: str, seconds: float, detail: str = "", partial: Any = None
    ) -> None:
        self.operation = operation
        self.seconds = seconds
        self.detail = detail
        self.partial = partial
        said = f" ({detail})" if detail else ""
        super().__init__(
            f"{operation}() did not end within timeout={seconds:g} seconds, and was "
            f"stopped{said}; give it more time (timeout=), or ask for less"
        )

    def __reduce__(self) -> tuple[type[RTimeoutError], tuple[str, float, str, Any]]:
        """Pickle with every part, so that an error from a worker arrives whole."""
        return type(self), (self.operation, self.seconds, self.detail, self.partial)


class PymerWarning(UserWarning):
    """Base of every warning that this package raises on purpose.

    Attributes
    ----------
    partial
        The result, where a run of many fits warns of it and warnings are errors; else None.
    """

    partial: Any = None

    def __str__(self) -> str:
        """Return the message; what would steer a terminal is escaped."""
        return printable(UserWarning.__str__(self))


class RWarning(PymerWarning):
    """A warning raised by R."""


class ConvergenceWarning(RWarning):
    """The optimizer may not have found the optimum."""


class RMessage(PymerWarning):
    """A message emitted by R."""


class SingularFitWarning(RMessage):
    """The fit is singular: some variance is zero or some correlation is one."""


class RankDeficientWarning(RMessage):
    """The fixed-effect design is rank deficient; R dropped some of its columns."""


class BootstrapWarning(PymerWarning):
    """Replicates of a bootstrap failed, or are not to be trusted."""


class DriftWarning(PymerWarning):
    """A saved model, fitted again, gives other figures than were stored.

    Parameters
    ----------
    message
        What differs, by how much, and which versions changed.
    differences
        One mapping a figure: ``figure``, ``label``, ``stored`` and ``refitted``.
    versions
        Of each part whose version is another: the one that stored, and the one here.
    """

    def __init__(
        self,
        message: str,
        differences: Sequence[Mapping[str, Any]] = (),
        versions: Mapping[str, tuple[str | None, str | None]] | None = None,
    ) -> None:
        self.differences: tuple[Mapping[str, Any], ...] = tuple(differences)
        self.versions: dict[str, tuple[str | None, str | None]] = dict(versions or {})
        super().__init__(message)


class BootstrapInterrupted(_Shown, KeyboardInterrupt):
    """The user interrupted a run of many fits; what was finished is kept.

    Parameters
    ----------
    message
        How much was finished, and where it is.
    partial
        The result of what was finished, or None where nothing was.
    """

    def __init__(self, message: str, partial: Any = None) -> None:
        self.partial = partial
        super().__init__(message)
