"""What a worker process does: it gets the models once, and computes replicates of them."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pymer_bridge.errors import WorkerError
from pymer_bridge.replicates import functions, parallel
from pymer_bridge.session.asking import ask
from pymer_bridge.session.calls import Handle
from pymer_bridge.session.r_session import session
from pymer_bridge.session.versions import OF_REPLICATES, r_versions, state_here

Record = dict[str, Any]

PARENT_STEP: Final = 0.5
"""Seconds after which a worker looks again whether its main process is still there."""

_ready: dict[str, tuple[Handle, functions.PythonStatistic | None]] = {}
"""The task that this process has made ready, by the key of the run, and its statistic in Python."""

_turn = threading.Lock()
"""Held for a chunk: a worker of Dask may have several threads, but a task has one model."""

_watched: list[str] = []
"""The key of the run with whose main process this one ends."""


@dataclass(frozen=True, slots=True)
class Job:
    """What every chunk of one run has in common.

    Attributes
    ----------
    key
        Identifies the run.
    plan
        What ``prepare_task()`` in R takes.
    packages
        R packages that the task needs.
    versions
        Versions of R and its packages in the process that made the draws: others can give
        other bits.
    state
        Which of two states that process is in, on installations that have two; see
        :mod:`pymer_bridge.session.library_address`.
    n_values
        How many values each replicate has.
    main
        The number of the process that made the draws.
    function
        A statistic in Python as bytes, or the file that has them.
    """

    key: str
    plan: Mapping[str, Any]
    packages: tuple[str, ...]
    versions: Mapping[str, str | None]
    state: int | None
    n_values: int
    main: int
    function: bytes | str | None = None


def _make_ready(
    job: Job, packed: NDArray[np.int32] | str
) -> tuple[Handle, functions.PythonStatistic | None]:
    for package in job.packages:
        session().require(package)
    here = r_versions(*OF_REPLICATES)
    other = [name for name, version in job.versions.items() if here[name] != version]
    if other:
        raise WorkerError(
            "a worker has other versions than the process that made the draws, and its figures "
            "could differ: "
            + ", ".join(f"{name} {here[name]} for {job.versions[name]}" for name in other)
        )
    if job.state is not None and state_here() != job.state:
        raise WorkerError(
            "a worker's R is in another state than that of the main process, and its figures "
            "could differ in the last digits (lme4 issue 745); update lme4 and Matrix, or use "
            "n_jobs=1"
        )
    bytes_ = np.fromfile(packed, dtype=np.int32) if isinstance(packed, str) else packed
    models = session().call("unpack_models", packed=np.asarray(bytes_)).value
    task: Handle = session().call("prepare_task", models=list(models), plan=job.plan).value
    return task, None if job.function is None else functions.unpacked(job.function)


def run_chunk(
    job: Job, packed: NDArray[np.int32] | str, draws: Any, seeds: Sequence[int]
) -> Record:
    """Compute the replicates of some draws.

    Parameters
    ----------
    job
        What all chunks have in common.
    packed
        The models, from ``pack_models()`` in R, or the file that holds them.
    draws, seeds
        The draws, and for each what seeds R's generator for a statistic in Python.

    Raises
    ------
    WorkerError
        This process cannot give the same figures as the main one.
    REnvironmentError
        R or a package is missing here.
    """
    with _turn:
        task, function = _ready_for(job, packed)
        if function is not None:
            return function.run(task, draws, seeds)
        record: Record = (
            session().call("run_replicates", task=task, draws=draws, n_values=job.n_values).value
        )
    return record


def fit_chunk(
    job: Job, packed: NDArray[np.int32] | str, optimizers: Sequence[str], max_evaluations: float
) -> NDArray[np.int32]:
    """Fit a model by some optimizers, and return the fits as bytes; see :func:`run_chunk`."""
    with _turn:
        task, _ = _ready_for(job, packed)
    return fits_of(task, optimizers, max_evaluations)


def fits_of(task: Handle, optimizers: Sequence[str], max_evaluations: float) -> NDArray[np.int32]:
    """Return fits by some optimizers as bytes, in this process."""
    return ask(
        "pack_fits",
        np.asarray,
        task=task,
        optimizers=list(optimizers),
        max_evaluations=max_evaluations,
    )


def _ready_for(
    job: Job, packed: NDArray[np.int32] | str
) -> tuple[Handle, functions.PythonStatistic | None]:
    ready = _ready.get(job.key)
    if ready is None and type(multiprocessing.current_process()).__module__.startswith("joblib"):
        # Ctrl-C in a terminal reaches all its processes; the main one ends this one.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _watched[:] = [job.key]
        threading.Thread(target=_end_with, args=(job, packed), daemon=True).start()
    if ready is None:
        ready = _make_ready(job, packed)
        _ready.clear()
        _ready[job.key] = ready
    return ready


def _end_with(job: Job, packed: NDArray[np.int32] | str) -> None:
    """End this process with its main one, which may be killed, and take its folder away then.

    Left alone, a worker would wait for work, with all that its R holds, for minutes.
    """
    while os.getppid() == job.main:
        time.sleep(PARENT_STEP)
        if _watched != [job.key]:
            return  # another run has begun, and is watched by another thread
    if isinstance(packed, str):
        shutil.rmtree(Path(packed).parent, ignore_errors=True)
    session().end()
    os._exit(1)


def sender(
    models: Sequence[Handle],
    plan: Mapping[str, Any],
    crew: parallel.Crew,
    stack: ExitStack,
    *,
    versions: Mapping[str, str | None],
    packages: tuple[str, ...] = ("lme4",),
    n_values: int = 0,
    function: bytes | None = None,
) -> Callable[[], tuple[Job, Any]]:
    """Return a function that gives what each call of a worker begins with: the job, the models.

    The models are packed when the first chunk leaves: a run in this process needs none.
    """
    job = Job(
        uuid.uuid4().hex,
        plan,
        packages,
        versions,
        state_here() if crew.several else None,
        n_values,
        os.getpid(),
        function,
    )
    packed: Any = None

    def sent() -> tuple[Job, Any]:
        nonlocal packed, job
        if packed is None:
            packed = ask("pack_models", models=list(models))
            if not crew.cluster:
                folder = tempfile.TemporaryDirectory(prefix="pymer_bridge-")
                place = Path(stack.enter_context(folder))
                packed = store(packed.data, place / "models")
                if function is not None:
                    job = replace(job, function=store(function, place / "function"))
        return job, packed

    return sent


def store(packed: bytes | memoryview, path: Path) -> str:
    """Write what is packed to a file that the workers of this machine read once.

    Raises
    ------
    WorkerError
        It cannot be written.
    """
    try:
        path.write_bytes(packed)
    except OSError as error:
        raise WorkerError(
            f"the models cannot be written for the workers ({error.strerror}: {path}); make room "
            "there, set TMPDIR to another folder, or use n_jobs=1"
        ) from error
    return str(path)
