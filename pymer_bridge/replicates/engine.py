"""Many fits of one design: all draws are made first, then refitted by one or more processes."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pymer_bridge.errors import BootstrapInterrupted, OptionError, RError, RTimeoutError
from pymer_bridge.replicates import parallel, workers
from pymer_bridge.replicates.checkpoint import Checkpoint
from pymer_bridge.session import deadlines
from pymer_bridge.session.asking import ask
from pymer_bridge.session.calls import Handle
from pymer_bridge.session.r_session import session
from pymer_bridge.session.versions import OF_REPLICATES, r_versions, state_here

MEMORY_LIMIT: Final = 4 * 2**30
"""Bytes that the draws of one run may take; all of them are made before the first refit."""

Progress = bool | Callable[[int, int], None]


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
        # R's missing value is a NaN with bits of its own; here all NaN are alike.
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
        arrays = ("values", "iterations", "converged", "singular", "done")
        chosen: dict[str, Any] = {name: getattr(self, name)[at] for name in arrays}
        for name in ("warnings", "messages", "errors"):
            chosen[name] = [getattr(self, name)[i] for i in at]
        return replace(self, **chosen)


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
    needed = run.n * run.item_bytes
    if needed > MEMORY_LIMIT:
        raise OptionError(
            f"the draws of {run.n} replicates would take {needed / 2**30:.1f} GiB, and the limit "
            f"is {MEMORY_LIMIT / 2**30:.0f} GiB: make them in several runs with other seeds"
        )
    crew = parallel.crew_of(how.n_jobs)
    start = time.perf_counter()
    versions = r_versions(*OF_REPLICATES)
    with (
        _progress(how.progress, run.n) as show,
        _checkpoint(run, how.checkpoint, versions) as checkpoint,
        tempfile.TemporaryDirectory(prefix="pymer_bridge-") as folder,
    ):
        drawn = run.draw(None if checkpoint is None else checkpoint.state)
        collected = _begun(run, drawn, checkpoint, versions)
        task = ask("prepare_task", models=list(run.models), plan=run.plan)
        own = {"task": task, "draws": drawn["draws"], "n_values": run.n_values}

        def here(first: int, last: int) -> Any:
            return session().call("run_own_replicates", first=first + 1, last=last, **own).value

        def collect(first: int, last: int, record: Any) -> None:
            if checkpoint is not None:
                checkpoint.add(first, last, record)
            collected.put(first, last, record)
            show(int(collected.done.sum()))

        there = _elsewhere(run, drawn["draws"], crew, versions, folder)
        interrupt = session().interrupt
        done = [(int(i), int(i) + 1) for i in np.flatnonzero(collected.done)]
        try:
            for end in range(run.block or run.n, run.n + 1, run.block or run.n):
                parallel.run(end, here, there, collect, crew=crew, done=done, interrupt=interrupt)
                done.append((0, end))
                if run.block and run.enough(collected.values[:end]):
                    collected = collected.only(np.arange(run.n) < end)
                    break
        except (KeyboardInterrupt, RTimeoutError) as error:
            collected.seconds = time.perf_counter() - start
            raise _stopped(run, collected, checkpoint, error) from error
    collected.seconds = time.perf_counter() - start
    if run.n and all(error is not None for error in collected.errors):
        raise RError(f"every replicate failed; the last said: {collected.errors[-1]}")
    return collected


def _stopped(
    run: Run, collected: Collected, checkpoint: Checkpoint | None, error: BaseException
) -> BaseException:
    """Return the error that says how far a run came, with what was finished."""
    n = int(collected.done.sum())
    kept = "" if checkpoint is None else f"; they are in {checkpoint.path}"
    after = f"after {n} of {run.n} replicates{kept}"
    partial = collected.only(collected.done) if n else None
    if isinstance(error, RTimeoutError):
        return RTimeoutError(error.operation, error.seconds, after, partial)
    return BootstrapInterrupted(f"interrupted {after}", partial)


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
    """Return the function that makes the calls for other processes, each with its draws."""
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
            packed = ask("pack_models", models=list(run.models))
            if not crew.cluster:
                packed = workers.store(packed, folder)
        taken = ask("take_draws", draws=draws, first=first + 1, last=last)
        return workers.run_chunk, (job, packed, taken)

    return there


@contextmanager
def _checkpoint(
    run: Run, path: str | Path | None, versions: Mapping[str, str | None]
) -> Iterator[Checkpoint | None]:
    if path is None:
        yield None
        return
    header = {"model": fingerprint(run.models), "n_sim": run.n, **run.header, **versions}
    with closing(Checkpoint(path, header)) as checkpoint:
        yield checkpoint


@contextmanager
def _progress(progress: Progress, total: int) -> Iterator[Callable[[int], object]]:
    """Give a function that takes the number of finished replicates."""
    if not progress:
        yield lambda done: None
        return
    if callable(progress):
        yield lambda done: progress(done, total)
        return
    try:
        from tqdm.auto import tqdm  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise OptionError(
            "progress=True needs tqdm: pip install 'pymer-bridge[parallel]', or give a function "
            "of the numbers done and in all"
        ) from error
    with tqdm(total=total, unit="fit") as bar:
        yield lambda done: bar.update(done - bar.n)
