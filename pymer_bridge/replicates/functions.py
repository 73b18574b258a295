"""A statistic that is a Python function of the refitted model: R refits, Python measures."""

from __future__ import annotations

import hashlib
import numbers
import pickle
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.data.columns import unfit_for_r
from pymer_bridge.errors import OptionError, WorkerError, shown
from pymer_bridge.replicates.identity import name_of
from pymer_bridge.session import calls, conditions, deadlines
from pymer_bridge.session.asking import ask
from pymer_bridge.session.calls import Handle

SAID: Final = "statistic: "
"""How a warning of the function begins, among those of its replicate."""

ACCEPTED: Final = (
    "it must give a number, a mapping of names to numbers, or a flat list, array or Series of them"
)

NOT_FOR_USERS: Final = (
    DeprecationWarning,
    PendingDeprecationWarning,
    ImportWarning,
    ResourceWarning,
)
"""What Python itself does not show by default."""

Record = dict[str, Any]
Named = tuple[tuple[str, ...], NDArray[np.float64]]


class Replicates(Protocol):
    """What knows the models, on a floor above."""

    def made(self, record: Mapping[str, Any]) -> Any:
        """Return the model of what ``refit_replicate()`` in R gives."""

    def measured(self, function: Callable[[Any], Any], model: Any) -> Any:
        """Return what a function gives for a model."""


@dataclass(frozen=True, slots=True)
class PythonStatistic:
    """A function of a model, and what makes the models of replicates.

    Attributes
    ----------
    function
        The user's function.
    replicates
        Makes models of refits.
    names
        What its values are called, in their order; empty until it was tried.
    heard
        Its warnings for the fitted model itself.
    """

    function: Callable[[Any], Any]
    replicates: Replicates
    names: tuple[str, ...] = ()
    heard: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What a result calls it."""
        return f"Python function {name_of(self.function)}"

    def tried(self, model: Any) -> tuple[PythonStatistic, dict[str, Any]]:
        """Try it on the fitted model itself, and warn of what it warns of.

        Returns
        -------
        tuple
            The statistic with its names, and what ``describe_statistic()`` in R tells of others.

        Raises
        ------
        OptionError
            It fails, or gives something else than numbers.
        """
        with _hearing.of_this_thread() as caught, _own_generator():
            try:
                names, values = self._values(model)
            except OptionError as error:
                text = f"{error} (tried on the fitted model itself, before any draw)"
                raise OptionError(text) from error.__cause__
        for warning in caught.values():
            conditions.warn(warning)
        n = len(names)
        described = {
            "names": names,
            "labels": names,
            "effect": ("statistic",) * n,
            "group": (None,) * n,
            "term": names,
            "observed": values,
        }
        return replace(self, names=names, heard=tuple(caught)), described

    def run(self, task: Handle, draws: Sequence[Any], seeds: Sequence[int]) -> Record:
        """Compute replicates, as ``run_replicates()`` in R does for other statistics.

        Parameters
        ----------
        task
            From ``prepare_task()`` in R.
        draws, seeds
            The draws, and for each what seeds R's generator for the function.
        """
        with _own_generator():
            rows = list(self._rows(task, draws, seeds))
        record: Record = {
            name: [row[name] for row in rows] for name in ("warnings", "messages", "errors")
        }
        record["values"] = np.concatenate([row["values"] for row in rows])
        for name in ("converged", "singular"):
            record[name] = np.array([row[name] for row in rows], dtype=np.int32)
        return record

    def warned(self, replicates: Sequence[Sequence[str]]) -> str:
        """Say what the function warned of in replicates alone; nothing if there was nothing."""
        new = [
            [text for text in said if text.startswith(SAID) and text not in self.heard]
            for said in replicates
        ]
        count = sum(map(bool, new))
        last = next((texts[-1] for texts in reversed(new) if texts), "")
        said = last.removeprefix(SAID)
        return (
            last and f"statistic warned in {count} of {len(new)} replicates; the last said: {said}"
        )

    def _rows(self, task: Handle, draws: Sequence[Any], seeds: Sequence[int]) -> Iterator[Record]:
        keep = True  # the model of the last draw of another chunk may still be held
        for draw, seed in zip(draws, seeds, strict=True):
            made = ask("refit_replicate", task=task, draw=draw, seed=seed, keep=keep)
            yield self._row(made)
            model = made.get("model")
            held = (lambda: None) if model is None else weakref.ref(model)
            del made, model
            keep = held() is not None

    def _row(self, made: Record) -> Record:
        row = {
            "values": np.full(len(self.names), np.nan),
            "warnings": list(made["warnings"]),
            "messages": list(made["messages"]),
            "errors": made["error"][0],
            "converged": made["converged"][0],
            "singular": made["singular"][0],
        }
        if row["errors"] is None:
            with _hearing.of_this_thread() as caught:
                try:
                    row["values"] = self._in_order(*self._values(self.replicates.made(made)))
                except OptionError as error:
                    row |= {"errors": str(error), "converged": 0, "singular": 0}
            row["warnings"] += caught
        return row

    def _values(self, model: Any) -> Named:
        try:
            labels, values = _parts(self.replicates.measured(self.function, model))
        except Exception as error:
            deadlines.check()
            raise OptionError(f"statistic raised {_told(error)}") from error
        deadlines.check()  # the function may have caught what ended its call of R
        return _named(labels, values)

    def _in_order(self, names: tuple[str, ...], values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values in the order of the names."""
        if names == self.names:
            return values
        n = len(names)
        if n != len(self.names):
            unit = "value" if n == 1 else "values"
            raise OptionError(
                f"statistic gave {n} {unit}, but {len(self.names)} for the fitted model"
            )
        if set(names) != set(self.names):
            other = ", ".join(sorted(set(names) - set(self.names)))
            missing = ", ".join(sorted(set(self.names) - set(names)))
            raise OptionError(
                f"statistic gave other names than for the fitted model: {other}, but not {missing}"
            )
        return values[[names.index(name) for name in self.names]]


@contextmanager
def _own_generator() -> Iterator[None]:
    """Let a function draw by R from a generator of its own, so that it disturbs nobody's draws."""
    with calls.drawing_from(ask("new_generator", seed=0)):
        yield


class _Hearing:
    """Hears what functions warn of, each in its own thread.

    Python's filters of warnings, and what shows them, are those of all threads: they are changed
    while any function is heard, and what other threads warn of is shown as before.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heard: dict[int, list[dict[str, Warning]]] = {}
        self._before = warnings.catch_warnings()
        self._show: Callable[..., None] = warnings.showwarning

    @contextmanager
    def of_this_thread(self) -> Iterator[dict[str, Warning]]:
        """Give what is warned of: its text, as a replicate keeps it, and the warning."""
        found: dict[str, Warning] = {}
        own = threading.get_ident()
        with self._lock:
            if not self._heard:
                self._begin()
            self._heard.setdefault(own, []).append(found)
        try:
            yield found
        finally:
            with self._lock:
                self._heard[own].pop()
                if not self._heard[own]:
                    del self._heard[own]
                if not self._heard:
                    self._before.__exit__(None, None, None)

    def _begin(self) -> None:
        self._before = warnings.catch_warnings()
        self._before.__enter__()
        self._show = warnings.showwarning
        warnings.showwarning = self._hear
        warnings.simplefilter("always")
        for category in NOT_FOR_USERS:
            warnings.simplefilter("ignore", category)

    def _hear(self, message: Warning | str, *where: Any, **further: Any) -> None:
        heard = self._heard.get(threading.get_ident())
        if heard and isinstance(message, Warning):
            heard[-1].setdefault(f"{SAID}{_told(message)}", message)
        else:
            self._show(message, *where, **further)


_hearing: Final = _Hearing()


def _told(error: BaseException) -> str:
    """Return the class and the text of an exception, whatever its own methods do."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__


def _parts(found: Any) -> tuple[list[Any] | None, list[Any]]:
    """Take apart what a function gave: labels, where it has any, and values."""
    if isinstance(found, pd.Series):
        return list(found.index), list(found)
    if isinstance(found, Mapping):
        return list(found), list(found.values())
    if hasattr(found, "__array__") and (array := np.asarray(found)).ndim < 2:
        return None, list(array.ravel())
    return None, list(found) if isinstance(found, list | tuple) else [found]


def _named(labels: list[Any] | None, values: list[Any]) -> Named:
    """Check names and values."""
    if not values:
        raise OptionError(f"statistic gave no values: {ACCEPTED}")
    n = len(values)
    if labels is None:
        # As describe_statistic() in R names them.
        labels = ["statistic"] if n == 1 else [f"statistic{i}" for i in range(1, n + 1)]
    for label in labels:
        if not isinstance(label, str | numbers.Integral) or unfit_for_r(str(label)):
            raise OptionError(f"statistic gave the name {shown(label)}: names must be strings")
    names = tuple(map(str, labels))
    if len(set(names)) != n:
        raise OptionError("statistic gave a name twice: each value needs its own")
    return names, np.array(list(map(_number, names, values)))


def _number(name: str, value: Any) -> float:
    kind = f"an object of class {type(value).__name__}"
    if isinstance(value, numbers.Real | np.bool_) and not isinstance(value, np.timedelta64):
        try:
            return float(value)
        except OverflowError:
            kind = "a number that is too large"
    elif value is None:
        kind = "None"
    elif isinstance(value, np.ndarray | pd.DataFrame):
        kind += f" of shape {value.shape}"
    where = "" if name == "statistic" else f" for {name!r}"
    raise OptionError(f"statistic gave {kind}{where}: {ACCEPTED}")


def seeds_of(state: Sequence[int], first: int, last: int) -> list[int]:
    """Return what seeds R's generator for the function in each replicate.

    It follows from the state before the draws and from the number of the replicate, so that a
    function that draws gives the same in any process.
    """
    start = hashlib.sha256(np.array(state, dtype=np.int32).tobytes())
    found = []
    for number in range(first, last):
        digest = start.copy()
        digest.update(number.to_bytes(8, "little"))
        found.append(int.from_bytes(digest.digest()[:4], "little") >> 1)
    return found


# -- to other processes ----------------------------------------------------------------------------


def packed(statistic: PythonStatistic) -> bytes:
    """Return a statistic as bytes for other processes.

    Raises
    ------
    OptionError
        It refers to something that cannot leave this process.
    """
    # An extra; it has cloudpickle within it, or beside it.
    from joblib.externals.loky.backend.reduction import dumps  # noqa: PLC0415

    try:
        return bytes(dumps(statistic))
    except Exception as error:
        raise OptionError(
            f"statistic cannot be sent to other processes ({_told(error)}): use n_jobs=1, or give "
            "a function that refers to plain values and models only, not to open files"
        ) from error


def unpacked(given: bytes | str) -> PythonStatistic:
    """Return the statistic of bytes, or of the file that has them.

    Raises
    ------
    WorkerError
        What it refers to is not here.
    """
    content = Path(given).read_bytes() if isinstance(given, str) else given
    try:
        statistic: PythonStatistic = pickle.loads(content)
    except Exception as error:
        raise WorkerError(
            f"statistic cannot be read in a worker ({_told(error)}): install the module that it is "
            "from there, or define it in the program itself"
        ) from error
    return statistic
