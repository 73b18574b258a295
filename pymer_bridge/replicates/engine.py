"""Many fits of one design: draws are made in one process, then refitted by one or more."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from pymer_bridge.errors import BootstrapInterrupted, OptionError, PymerError, RError, is_of_user
from pymer_bridge.replicates import functions, parallel, workers
from pymer_bridge.replicates.checkpoint import Checkpoint, Kept
from pymer_bridge.replicates.collected import Collected, said_by
from pymer_bridge.session import conditions, deadlines
from pymer_bridge.session.asking import ask
from pymer_bridge.session.calls import Handle
from pymer_bridge.session.r_session import session
from pymer_bridge.session.versions import OF_REPLICATES, r_versions

ATTEMPTS: Final = 5
"""So often is what was finished read, where Ctrl-C comes again and again."""

MEMORY_LIMIT: Final = 4 * 2**30
"""Bytes that the draws of one run may take; if they would take more, they are made in blocks."""

BLOCKS: Final = 16
"""So many blocks of draws take as much as the limit; R has several copies of one at a time."""

Progress = bool | Callable[[int, int], None]
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Running:
    """How a run is done, which does not change its result.

    Attributes
    ----------
    n_jobs
        How many processes work.
    progress
        Show a bar, or call this with the numbers done and in all.
    checkpoint
        A file that keeps the finished replicates.
    """

    n_jobs: int = 1
    progress: Progress = False
    checkpoint: str | Path | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """What is to be done.

    Attributes
    ----------
    models
        The models, as the task takes them.
    plan
        What ``prepare_task()`` in R takes.
    n
        How many replicates.
    n_values
        How many values each has.
    draw
        Makes the draws from a state of the generator (None: from the seed), and returns what
        ``make_draws()`` in R gives.
    item_bytes
        How much memory a draw takes.
    header
        What the run is, for a checkpoint.
    seeded
        Does ``draw`` draw random numbers?
    in_blocks
        Can ``draw`` make them in blocks, see :func:`at_once`?
    packages
        R packages that a worker needs.
    function
        A statistic in Python, which the plan then calls "python".
    block, enough
        After each ``block`` replicates ``enough`` is asked, with all values so far, whether the
        run may end.
    """

    models: Sequence[Handle]
    plan: Mapping[str, Any]
    n: int
    n_values: int
    draw: Callable[[list[int] | None], Mapping[str, Any]]
    item_bytes: int
    header: Mapping[str, Any] = field(default_factory=dict)
    seeded: bool = True
    in_blocks: bool = False
    packages: tuple[str, ...] = ("lme4",)
    function: functions.PythonStatistic | None = None
    block: int | None = None
    enough: Callable[[NDArray[np.float64]], bool] = lambda values: False


def at_once(n: int, item_bytes: int) -> int | None:
    """Return how many draws are made at a time, None where all fit into memory."""
    if n * item_bytes <= MEMORY_LIMIT:
        return None
    return max(1, MEMORY_LIMIT // BLOCKS // item_bytes)


def fingerprint(models: Sequence[Handle]) -> str:
    """Return a digest of models: of their data, formula and estimates."""
    found = ask("model_bytes", models=list(models))
    return hashlib.sha256(found.tobytes()).hexdigest()


def digest(value: Any) -> str:
    """Return a digest of a plan or of options."""

    def plain(part: Any) -> Any:
        if isinstance(part, np.ndarray):
            return [str(part.dtype), hashlib.sha256(part.tobytes()).hexdigest()]
        if isinstance(part, Mapping):
            return dict(part)
        return list(part)

    text = json.dumps(value, sort_keys=True, default=plain)
    return hashlib.sha256(text.encode()).hexdigest()


def perform(
    run: Run,
    how: Running,
    read: Callable[[Collected], T],
    read_partial: Callable[[Collected], Any] | None = None,
) -> T:
    """Do a run, and read what it gave.

    Parameters
    ----------
    run, how
        What is to be done, and how.
    read
        Makes the result of what was collected.
    read_partial
        Makes the result of what was finished when the run ended early (None: ``read``). It is the
        ``partial`` of the exception then, whatever ended the run; None where nothing was finished.

    Raises
    ------
    BootstrapInterrupted
        The user interrupted.
    RTimeoutError
        The deadline has passed.
    OptionError
        The draws would not fit into memory, or an extra is not installed.
    CheckpointError
        The checkpoint is of another run, is damaged, or cannot be written to.
    WorkerError
        A worker cannot give the same figures, workers are killed again and again, or the machine
        failed otherwise.
    """
    needed = run.n * run.item_bytes
    if needed > MEMORY_LIMIT and not run.in_blocks:
        raise OptionError(
            f"the draws of {run.n} replicates would take {needed / 2**30:.1f} GiB, and the limit "
            f"is {MEMORY_LIMIT / 2**30:.0f} GiB: make them in several runs with other seeds"
        )
    going = _Going(run, how, Collected.of(run.n, run.n_values), _Progress(how.progress, run.n))
    try:
        with ExitStack() as stack:
            going.work(stack)
        with deadlines.lifted():  # the replicates are complete
            return read(going.collected)
    except BaseException as error:
        ended = going.ended_by(error, read_partial or read)
        if ended is error:
            raise
        raise ended from error


def stoppable(function: Callable[P, T]) -> Callable[P, T]:
    """Have Ctrl-C give one exception, also before a function's first fit and after its last."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except BootstrapInterrupted:
            raise
        except KeyboardInterrupt as error:
            raise BootstrapInterrupted("interrupted while no fit was made") from error

    return call


@dataclass(slots=True)
class _Going:
    """A run that is going on."""

    run: Run
    how: Running
    collected: Collected
    progress: _Progress
    checkpoint: Checkpoint | None = None
    draws: Handle | None = None
    start: float = field(default_factory=time.perf_counter)

    def work(self, stack: ExitStack) -> None:
        """Do what is not done yet."""
        run = self.run
        crew = parallel.crew_of(self.how.n_jobs)
        self.collected.versions = r_versions(*OF_REPLICATES)
        stack.enter_context(self.progress)
        sent = functions.packed(run.function) if crew.several and run.function else None
        self._open_checkpoint(stack)
        self._draw()
        task = ask("prepare_task", models=list(run.models), plan=run.plan)
        own = {"task": task, "draws": self.draws, "n_values": run.n_values}

        def here(first: int, last: int) -> Any:
            if run.function is not None:
                return run.function.run(task, *self._taken(first, last))
            return session().call("run_own_replicates", first=first + 1, last=last, **own).value

        there = self._elsewhere(crew, stack, sent)
        collected = self.collected
        done = [(int(i), int(i) + 1) for i in np.flatnonzero(collected.done)]
        interrupt = session().interrupt
        for end in range(run.block or run.n, run.n + 1, run.block or run.n):
            parallel.run(end, here, there, self._collect, crew=crew, done=done, interrupt=interrupt)
            done.append((0, end))
            if run.block and run.enough(collected.values[:end]):
                self.collected = collected.only(np.arange(run.n) < end)
                break
        self.collected.seconds = time.perf_counter() - self.start
        if run.n and all(error is not None for error in self.collected.errors):
            last = str(self.collected.errors[-1])
            raise RError(
                f"every replicate failed; the last said: {last}", remedies=conditions.remedies(last)
            )

    def _collect(self, first: int, last: int, record: Any) -> None:
        self.collected.put(first, last, record)
        if self.checkpoint is not None:
            self.checkpoint.add(first, last, record)
        self.progress.tell(int(self.collected.done.sum()))

    def _open_checkpoint(self, stack: ExitStack) -> None:
        run, path = self.run, self.how.checkpoint
        if path is None:
            return
        versions = self.collected.versions
        header = {"model": fingerprint(run.models), "n_sim": run.n, **run.header, **versions}
        kept = Kept(header, run.n, run.n_values, run.seeded)
        self.checkpoint = stack.enter_context(closing(Checkpoint(path, kept)))

    def _draw(self) -> None:
        """Draw, and put what the checkpoint has in its place."""
        checkpoint = self.checkpoint
        state = None if checkpoint is None else checkpoint.state
        drawn = self._drawn(state)
        if checkpoint is None:
            return
        if not checkpoint.begin(drawn):
            # Another process has begun this run in the meantime, from another state.
            checkpoint.begin(self._drawn(checkpoint.state))
        for first, last, record in checkpoint.chunks:
            self.collected.put(first, last, record)
        checkpoint.chunks.clear()

    def _drawn(self, state: list[int] | None) -> list[int]:
        """Draw from a state, and return the one from which it was."""
        self._undo_draws()
        drawn = self.run.draw(state)
        self.draws = drawn["draws"]
        self.collected.state = [int(part) for part in drawn["state"]]
        self.collected.generator = tuple(drawn["generator"])
        return self.collected.state

    def _undo_draws(self) -> None:
        if self.draws is not None and self.run.seeded:
            ask("undo_draws", draws=self.draws)

    def _taken(self, first: int, last: int) -> tuple[Any, list[int]]:
        """Return some of the draws, and what seeds R for a statistic in Python of each."""
        taken = ask("take_draws", draws=self.draws, first=first + 1, last=last)
        return taken, functions.seeds_of(self.collected.state, first, last)

    def _elsewhere(
        self, crew: parallel.Crew, stack: ExitStack, function: bytes | None
    ) -> Callable[[int, int], parallel.Call]:
        """Return the function that makes the calls for other processes, each with its draws."""
        run = self.run
        sent = workers.sender(
            run.models,
            run.plan,
            crew,
            stack,
            versions=self.collected.versions,
            packages=run.packages,
            n_values=run.n_values,
            function=function,
        )
        return lambda first, last: (workers.run_chunk, (*sent(), *self._taken(first, last)))

    def ended_by(self, error: BaseException, read: Callable[[Collected], Any]) -> BaseException:
        """Return the exception that says how far a run came, with what was finished."""
        n = int(self.collected.done.sum())
        partial: Any = None
        if n:
            partial = self.collected.only(self.collected.done)
            partial.seconds = time.perf_counter() - self.start
        if partial is None or None not in partial.errors:
            with deadlines.lifted(), suppress(PymerError):
                self._undo_draws()
        # Nothing that goes wrong here may hide what went wrong before, nor lose what there is;
        # an impatient Ctrl-C comes more than once.
        for _ in range(ATTEMPTS if n else 0):
            with deadlines.lifted(), suppress(BaseException):
                partial = read(partial)
                break
        kept = "" if self.checkpoint is None or not n else f"; they are in {self.checkpoint.path}"
        after = f"after {n} of {self.run.n} replicates{kept}"
        theirs = error is self.progress.raised or is_of_user(error)
        ended = said_by(error, after if n else "", after, theirs=theirs)
        with suppress(AttributeError, TypeError):  # a user's own class may have no room
            ended.partial = partial  # type: ignore[attr-defined]
        return ended


class _Progress:
    """What shows how far a run came.

    Attributes
    ----------
    raised
        The exception of the user's own function.
    """

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._total = total
        self._bar: Any = None
        self.raised: BaseException | None = None

    def __enter__(self) -> None:
        if not self._progress or callable(self._progress):
            return
        try:
            from tqdm.auto import tqdm  # noqa: PLC0415  # an extra
        except ImportError as error:
            raise OptionError(
                "progress=True needs tqdm: pip install 'pymer-bridge[parallel]', or give a "
                "function of the numbers done and in all"
            ) from error
        with suppress(Exception):  # stderr may be closed: no bar is a reason to end a run
            self._bar = tqdm(total=self._total, unit="fit")

    def __exit__(self, *unused: object) -> None:
        if self._bar is not None:
            with suppress(Exception):
                self._bar.close()

    def tell(self, done: int) -> None:
        """Show the number of finished replicates."""
        if self._bar is not None:
            with suppress(Exception):
                self._bar.update(done - self._bar.n)
        elif callable(self._progress):
            try:
                self._progress(done, self._total)
            except BaseException as error:
                self.raised = error
                raise
