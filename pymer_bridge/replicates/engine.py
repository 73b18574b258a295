"""Many fits of one design: draws are made once, and refitted by whoever is there to do it."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pymer_bridge.errors import BootstrapInterrupted, OptionError, RError, RTimeoutError
from pymer_bridge.replicates import parallel, workers
from pymer_bridge.replicates.checkpoint import Checkpoint
from pymer_bridge.session import deadlines
from pymer_bridge.session.calls import Handle
from pymer_bridge.session.r_session import session
from pymer_bridge.session.versions import OF_REPLICATES, r_versions, state_here

MEMORY_LIMIT: Final = 4 * 2**30
"""Bytes that the draws of one run may take; all of them are made before the first refit."""

Progress = bool | Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Running:
    """How a run is done, which changes nothing of what comes out.

    Attributes
    ----------
    n_jobs
        How many processes work.
    progress
        Show a bar, or call this with the numbers done and in all.
    checkpoint
        A file that keeps what is finished.
    """

    n_jobs: int = 1
    progress: Progress = False
    checkpoint: str | Path | None = None


@dataclass(slots=True)
class Collected:
    """What became of each replicate."""

    values: NDArray[np.float64]
    iterations: NDArray[np.int32]
    converged: NDArray[np.bool_]
    singular: NDArray[np.bool_]
    done: NDArray[np.bool_]
    warnings: list[tuple[str, ...]]
    messages: list[tuple[str, ...]]
    errors: list[str | None]
    state: list[int] = field(default_factory=list)
    generator: tuple[str, ...] = ()
    versions: Mapping[str, str | None] = field(default_factory=dict)
    seconds: float = 0.0

    @classmethod
    def of(cls, n: int, n_values: int) -> Collected:
        """Make room for ``n`` replicates."""
        return cls(
            values=np.full((n, n_values), np.nan),
            iterations=np.arange(1, n + 1, dtype=np.int32),
            converged=np.zeros(n, np.bool_),
            singular=np.zeros(n, np.bool_),
            done=np.zeros(n, np.bool_),
            warnings=[()] * n,
            messages=[()] * n,
            errors=[None] * n,
        )

    def put(self, first: int, last: int, record: Mapping[str, Any]) -> None:
        """Put a finished chunk in its place."""
        n = last - first
        values = np.asarray(record["values"]).reshape((n, self.values.shape[1]))
        # R's missing value is a NaN of its own bits; here one is like another.
        self.values[first:last] = np.where(np.isnan(values), np.nan, values)
        self.converged[first:last] = np.asarray(record["converged"]) == 1
        self.singular[first:last] = np.asarray(record["singular"]) == 1
        self.done[first:last] = True
        self.warnings[first:last] = [tuple(said) for said in record["warnings"]]
        self.messages[first:last] = [tuple(said) for said in record["messages"]]
        self.errors[first:last] = list(record["errors"])

    def only(self, keep: NDArray[np.bool_]) -> Collected:
        """Return some of the replicates."""
        at = np.flatnonzero(keep)
        return Collected(
            values=self.values[at],
            iterations=self.iterations[at],
            converged=self.converged[at],
            singular=self.singular[at],
            done=self.done[at],
            warnings=[self.warnings[i] for i in at],
            messages=[self.messages[i] for i in at],
            errors=[self.errors[i] for i in at],
            state=self.state,
            generator=self.generator,
            versions=self.versions,
            seconds=self.seconds,
        )


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
    packages
        R packages that a worker needs.
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
    packages: tuple[str, ...] = ("lme4",)
    block: int | None = None
    enough: Callable[[NDArray[np.float64]], bool] = lambda values: False


def fingerprint(models: Sequence[Handle]) -> str:
    """Return what tells models apart: a digest of their data, formula and estimates."""
    found = session().call("model_bytes", models=list(models)).value
    return hashlib.sha256(found.tobytes()).hexdigest()


def digest(value: Any) -> str:
    """Return what tells two plans or options apart."""

    def plain(part: Any) -> Any:
        if isinstance(part, np.ndarray):
            return [str(part.dtype), hashlib.sha256(part.tobytes()).hexdigest()]
        if isinstance(part, Mapping):
            return dict(part)
        return list(part)

    text = json.dumps(value, sort_keys=True, default=plain)
    return hashlib.sha256(text.encode()).hexdigest()


def perform(run: Run, how: Running) -> Collected:
    """Do a run.

    Raises
    ------
    BootstrapInterrupted
        The user interrupted; ``partial`` is a :class:`Collected` of what was finished.
    RTimeoutError
        The deadline has passed; ``partial`` is likewise.
    OptionError
        The draws would not fit into memory, or an extra is not installed.
    CheckpointError
        The checkpoint is of another run.
    WorkerError
        A worker cannot give the same figures, or workers are killed again and again.
    """
    _check_memory(run)
    crew = parallel.crew_of(how.n_jobs)
    show = _progress(how.progress, run.n)
    start = time.perf_counter()
    versions = r_versions(*OF_REPLICATES)
    checkpoint = None
    if how.checkpoint is not None:
        header = {"model": fingerprint(run.models), "n_sim": run.n, **run.header, **versions}
        checkpoint = Checkpoint(how.checkpoint, header)
    try:
        return _perform(
            run, crew=crew, show=show, checkpoint=checkpoint, versions=versions, start=start
        )
    finally:
        show(None)
        if checkpoint is not None:
            checkpoint.close()


@contextmanager
def keeping(read: Callable[[Collected], Any]) -> Iterator[None]:
    """Give what a stopped run had finished as a result, in ``partial`` of the exception.

    Parameters
    ----------
    read
        Makes the result of what was collected.
    """
    try:
        yield
    except (BootstrapInterrupted, RTimeoutError) as stopped:
        if isinstance(stopped.partial, Collected):
            with deadlines.lifted():
                stopped.partial = read(stopped.partial)
        raise


def _perform(
    run: Run,
    *,
    crew: parallel.Crew,
    show: Callable[[int | None], None],
    checkpoint: Checkpoint | None,
    versions: Mapping[str, str | None],
    start: float,
) -> Collected:
    drawn = run.draw(None if checkpoint is None else checkpoint.state)
    collected = _begun(run, drawn, checkpoint, versions)
    task: Handle = session().call("prepare_task", models=list(run.models), plan=run.plan).value

    def here(first: int, last: int) -> Any:
        record = session().call(
            "run_own_replicates",
            task=task,
            draws=drawn["draws"],
            first=first + 1,
            last=last,
            n_values=run.n_values,
        )
        return record.value

    def collect(first: int, last: int, record: Any) -> None:
        if checkpoint is not None:
            checkpoint.add(first, last, record)
        collected.put(first, last, record)
        show(int(collected.done.sum()))

    done = [(int(i), int(i) + 1) for i in np.flatnonzero(collected.done)]
    with tempfile.TemporaryDirectory(prefix="pymer_bridge-") as folder:
        there = _elsewhere(run, drawn["draws"], crew, versions, folder)
        try:
            for end in range(run.block or run.n, run.n + 1, run.block or run.n):
                parallel.run(
                    end, here, there, collect, crew=crew, done=done, interrupt=session().interrupt
                )
                done.append((0, end))
                if run.block and run.enough(collected.values[:end]):
                    collected = collected.only(np.arange(run.n) < end)
                    break
        except (KeyboardInterrupt, RTimeoutError) as error:
            n = int(collected.done.sum())
            collected.seconds = time.perf_counter() - start
            kept = "" if checkpoint is None else f"; they are in {checkpoint.path}"
            after = f"after {n} of {run.n} replicates{kept}"
            partial = collected.only(collected.done) if n else None
            if isinstance(error, RTimeoutError):
                raise RTimeoutError(error.operation, error.seconds, after, partial) from error
            raise BootstrapInterrupted(f"interrupted {after}", partial) from error
    collected.seconds = time.perf_counter() - start
    if run.n and all(error is not None for error in collected.errors):
        raise RError(f"every replicate failed; the last said: {collected.errors[-1]}")
    return collected


def _begun(
    run: Run,
    drawn: Mapping[str, Any],
    checkpoint: Checkpoint | None,
    versions: Mapping[str, str | None],
) -> Collected:
    """Make room for the replicates, and put those of the checkpoint in their places."""
    collected = Collected.of(run.n, run.n_values)
    collected.state = [int(part) for part in drawn["state"]]
    collected.generator = tuple(drawn["generator"])
    collected.versions = versions
    if checkpoint is not None:
        checkpoint.begin(collected.state)
        for first, last, record in checkpoint.chunks():
            collected.put(first, last, record)
    return collected


def _elsewhere(
    run: Run, draws: Handle, crew: parallel.Crew, versions: Mapping[str, str | None], folder: str
) -> Callable[[int, int], parallel.Call]:
    """Return what makes the calls that other processes run, each with its draws."""
    several = crew.n_jobs > 1 or crew.cluster
    job = workers.Job(
        uuid.uuid4().hex,
        run.plan,
        run.packages,
        versions,
        state_here() if several else None,
        run.n_values,
        os.getpid(),
    )
    packed: Any = None

    def there(first: int, last: int) -> parallel.Call:
        # The models are packed when the first chunk leaves: a run in this process needs none.
        nonlocal packed
        if packed is None:
            packed = session().call("pack_models", models=list(run.models)).value
            if not crew.cluster:
                packed = workers.store(packed, folder)
        taken = session().call("take_draws", draws=draws, first=first + 1, last=last)
        return workers.run_chunk, (job, packed, taken.value)

    return there


def _check_memory(run: Run) -> None:
    needed = run.n * run.item_bytes
    if needed > MEMORY_LIMIT:
        raise OptionError(
            f"the draws of {run.n} replicates would take {needed / 2**30:.1f} GiB, and the limit "
            f"is {MEMORY_LIMIT / 2**30:.0f} GiB: make them in several runs with other seeds"
        )


def _progress(progress: Progress, total: int) -> Callable[[int | None], None]:
    """Return what is called with the number done, and with None at the end."""
    if not progress:
        return lambda done: None
    if callable(progress):
        return lambda done: None if done is None else progress(done, total)
    try:
        from tqdm.auto import tqdm  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise OptionError(
            "progress=True needs tqdm: pip install 'pymer-bridge[parallel]', or give a function "
            "of the numbers done and in all"
        ) from error
    bar = tqdm(total=total, unit="fit")

    def show(done: int | None) -> None:
        if done is None:
            bar.close()
        else:
            bar.update(done - bar.n)

    return show
