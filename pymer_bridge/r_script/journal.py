"""What was fitted and asked for in this session, in order: enough to write it again as R.

The journal keeps nothing alive. It refers weakly to models and results, and forgets a model, and
what was asked of it, once the program has let go of it.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import pandas as pd

from pymer_bridge.r_script.given import Call, call_of
from pymer_bridge.session import forks
from pymer_bridge.session.calls import Handle
from pymer_bridge.spec.arguments import LISTENERS, within_another
from pymer_bridge.spec.model_spec import ModelSpec

Origin = Literal["fitted", "refitted", "refitted by likelihood", "designed"]
TO_ROWS: Final = "; alone it would use "
"""What R says where it fits a model to the rows of another one (``r/rows.R``)."""


@dataclass(frozen=True, slots=True, eq=False)
class FitEntry:
    """A model that was fitted."""

    number: int
    model: weakref.ref[Handle]
    spec: ModelSpec
    origin: Origin


@dataclass(frozen=True, slots=True, eq=False)
class DoneEntry:
    """Something that was asked of one model, or of several.

    Attributes
    ----------
    number
        Its place in the order of all entries.
    operation
        What was asked.
    models
        The models it concerns.
    arguments
        What else was given: plain values.
    result
        What came of it, if the program still has it.
    made
        The handle of what the result keeps in R, if it does.
    """

    number: int
    operation: str
    models: tuple[weakref.ref[Handle], ...]
    arguments: Mapping[str, Any]
    result: weakref.ref[Any] | None = None
    made: weakref.ref[Handle] | None = None

    @property
    def alive(self) -> bool:
        """Whether every model it concerns is still there."""
        return all(model() is not None for model in self.models)

    def outcome(self) -> Any:
        """Return the result, or None where the program has let go of it."""
        return None if self.result is None else self.result()


@dataclass(slots=True)
class Journal:
    """The entries of this process."""

    fits: list[FitEntry] = field(default_factory=list)
    done: list[DoneEntry] = field(default_factory=list)
    n_forgotten: int = 0
    _calls: dict[int, Call] = field(default_factory=dict)
    _unclaimed: dict[int, DoneEntry] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _lock: Any = field(default_factory=threading.Lock)
    _next_tidying: int = 64
    _silence: Any = field(default_factory=threading.local)

    def let_go(self) -> None:
        """Let go, in a forked child, of what another thread held."""
        self._lock = threading.Lock()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Note nothing of what this thread does meanwhile: it is a step of something larger."""
        before = getattr(self._silence, "on", False)
        self._silence.on = True
        try:
            yield
        finally:
            self._silence.on = before

    def note_fit(self, model: Handle, spec: ModelSpec, origin: Origin = "fitted") -> None:
        """Note that a model was fitted."""
        if getattr(self._silence, "on", False):
            return
        with self._lock:
            self.fits.append(FitEntry(next(self._numbers), weakref.ref(model), spec, origin))
            self._tidy_at_times()

    def note_design(self, design: Handle, spec: ModelSpec) -> None:
        """Note a design, of which something was asked, once."""
        if self.fit_of(design) is None:
            self.note_fit(design, spec, "designed")

    def note(self, operation: str, arguments: Mapping[str, Any], result: Any = None) -> bool:
        """Note that something was asked for; say whether it was noted.

        Parameters
        ----------
        operation
            What was asked.
        arguments
            What R was given: models by their handles, what an earlier result keeps in R by its
            handle, and plain values.
        result
            What came of it.
        """
        if getattr(self._silence, "on", False):
            return False
        handles = [h for value in arguments.values() for h in _handles_in(value)]
        plain = {
            name: None if isinstance(value, Handle) else value
            for name, value in arguments.items()
            if name not in ("model", "models", "grid", "design")
        }
        if any(TO_ROWS in text for text in getattr(result, "messages", ())):
            plain["to_rows"] = True
        plain |= getattr(result, "_facts", {})
        earlier = self._that_made(arguments.get("grid"))
        if earlier is not None:
            handles = [model for model in (ref() for ref in earlier.models) if model is not None]
            plain["of"] = earlier.number
        made = getattr(result, "_grid", None)
        try:
            kept = None if result is None else weakref.ref(result)
        except TypeError:
            kept = None  # a string or a tuple cannot be referred to weakly
        with self._lock:
            entry = DoneEntry(
                next(self._numbers),
                operation,
                tuple(map(weakref.ref, handles)),
                plain,
                kept,
                None if made is None else weakref.ref(made),
            )
            self.done.append(entry)
            if kept is not None:
                self._unclaimed[id(result)] = entry
            self._tidy_at_times()
        return True

    def claim(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        result: Any,
    ) -> None:
        """Keep what was called, if the result of the call is one that was noted.

        Of calls within each other that return the same result, the outermost one stands.
        """
        if isinstance(result, tuple):  # each of its results was asked for by itself
            for each in result:
                entry = self._claimed_by(each)
                if entry is not None and (inner := self._calls.get(entry.number)) is not None:
                    self._keep(entry, replace(inner, nested=within_another()))
            return
        entry = self._claimed_by(result, getattr(args[0], "_model", None) if args else None)
        if entry is None:
            return
        earlier = self._that_made(getattr(args[0], "_grid", None)) if args else None
        if earlier is None and args and getattr(args[0], "_model", None) is None:
            earlier = self.with_result(args[0])
        number = None if earlier is None else earlier.number
        self._keep(entry, call_of(function, args, kwargs, number))

    def _claimed_by(self, result: Any, model: Any = None) -> DoneEntry | None:
        entry = self._unclaimed.get(id(result))
        if entry is not None and entry.outcome() is result:
            return entry
        if not isinstance(result, pd.Series) or model is None:
            return None
        # Of a series that a model keeps, a copy is given.
        for each in list(self._unclaimed.values()):
            if any(of() is model for of in each.models) and _is_copy(result, each.outcome()):
                return each
        return None

    def _keep(self, entry: DoneEntry, call: Call) -> None:
        with self._lock:
            self._calls[entry.number] = call
            if not call.nested:
                self._unclaimed.pop(id(entry.outcome()), None)

    def call_of(self, entry: DoneEntry) -> Call | None:
        """Return what was called for an entry; None if no public function gave its result."""
        return self._calls.get(entry.number)

    def numbered(self, number: int) -> DoneEntry | None:
        """Return the entry of this number, if its models are still there."""
        return next((entry for entry in self.done if entry.number == number), None)

    def _that_made(self, grid: Handle | None) -> DoneEntry | None:
        """Return the entry whose result keeps this in R."""
        if grid is None:
            return None
        for entry in reversed(self.done):
            if entry.made is not None and entry.made() is grid:
                return entry
        return None

    def tidy(self) -> None:
        """Forget models that the program has let go of, and what was asked of them."""
        with self._lock:
            self._tidy()

    def _tidy(self) -> None:
        fits = [entry for entry in self.fits if entry.model() is not None]
        gone = [entry for entry in self.fits if entry.model() is None]
        self.n_forgotten += sum(entry.origin != "designed" for entry in gone)
        self.fits = fits
        self.done = [entry for entry in self.done if entry.alive]
        numbers = {entry.number for entry in self.done}
        self._calls = {n: call for n, call in self._calls.items() if n in numbers}
        self._unclaimed = {
            key: entry
            for key, entry in self._unclaimed.items()
            if entry.number in numbers and entry.outcome() is not None
        }
        self._next_tidying = 2 * (len(self.fits) + len(self.done)) + 64

    def _tidy_at_times(self) -> None:
        if len(self.fits) + len(self.done) >= self._next_tidying:
            self._tidy()

    def fit_of(self, model: Handle) -> FitEntry | None:
        """Return the entry of a model."""
        return next((entry for entry in self.fits if entry.model() is model), None)

    def of(self, model: Handle) -> list[DoneEntry]:
        """Return what was asked of a model, in order, each thing once."""
        self.tidy()
        return unique([entry for entry in self.done if any(m() is model for m in entry.models)])

    def with_result(self, result: Any) -> DoneEntry | None:
        """Return the entry with this result."""
        return next((entry for entry in self.done if entry.outcome() is result), None)


def _is_copy(one: pd.Series[Any], other: Any) -> bool:
    return isinstance(other, pd.Series) and one.name == other.name and one.equals(other)


def _handles_in(value: Any) -> list[Handle]:
    several = value if isinstance(value, list | tuple) else (value,)
    return [one for one in several if isinstance(one, Handle)]


def unique(entries: Sequence[DoneEntry]) -> list[DoneEntry]:
    """Keep one entry of what was asked several times with the same arguments: the latest result."""
    found: dict[Any, DoneEntry] = {}
    for entry in entries:
        key = (entry.operation, tuple(map(id, (m() for m in entry.models))), repr(entry.arguments))
        before = found.get(key)
        if before is None or before.outcome() is None:
            found[key] = entry
    return sorted(found.values(), key=lambda entry: entry.number)


journal: Final = Journal()
"""The journal of this process."""
forks.in_child(journal.let_go)
LISTENERS.append(journal.claim)
