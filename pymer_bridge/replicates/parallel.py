"""An ordered range of work, done in chunks: here, on joblib's workers, or on a cluster.

Nothing here knows what the work is. Results are the same whatever the number of workers and the
size of chunks, because each item is numbered, and what it needs comes with its number.
"""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import closing, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import islice
from typing import Any, Final

from pymer_bridge.errors import OptionError, WorkerError, shown
from pymer_bridge.session import calls, deadlines

CHUNK_SECONDS: Final = 0.5
"""How long a chunk should take: a worker that is lost loses no more than this."""

SMALLEST_PART: Final = 16
"""Into how many parts a chunk may be divided at the end, where workers wait for the last ones."""

START_SECONDS: Final = 2.5
"""What starting a worker with its own R costs: for less work than that none is started."""

SENT_BYTES: Final = 10_000_000
"""How large an argument may be that is sent with each chunk."""

LIVES: Final = 3
"""How often in a row workers may be killed before a chunk is finished."""

IDLE_SECONDS: Final = 10
"""After how long without work a worker ends."""

Here = Callable[[int, int], Any]
Call = tuple[Callable[..., Any], tuple[Any, ...]]
There = Callable[[int, int], Call]
Collect = Callable[[int, int, Any], None]


def gaps(total: int, done: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the parts of ``range(total)`` that are not done, as half-open intervals."""
    missing, at = [], 0
    for first, last in sorted(done):
        if first > at:
            missing.append((at, first))
        at = max(at, last)
    if at < total:
        missing.append((at, total))
    return missing


@dataclass(slots=True)
class Tasks:
    """What is left to do, given out in order, to any thread."""

    _left: list[tuple[int, int]]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    size: int = 1
    pace: float = 0.0
    takers: int = 1
    stopped: bool = False

    def take(self, size: int | None = None) -> tuple[int, int] | None:
        """Return the next chunk, or None where nothing is left."""
        with self._lock:
            if self.stopped or not self._left:
                return None
            first, last = self._left[0]
            # Towards the end chunks get smaller, so that all are done at the same time, but not
            # so small that sending them takes as long as the work.
            share = max(-(-self.count // (2 * self.takers)), self.size // SMALLEST_PART)
            end = min(last, first + max(1, min(size or self.size, share)))
            self._left[:1] = [(end, last)] if end < last else []
            return first, end

    def give_back(self, chunks: Iterable[tuple[int, int]]) -> None:
        """Take back chunks that were given out and not done."""
        with self._lock:
            self._left = sorted([*self._left, *chunks])

    @property
    def count(self) -> int:
        """How many items are left to be given out."""
        return sum(last - first for first, last in self._left)


@dataclass(frozen=True, slots=True)
class Crew:
    """Who does the work: this process alone, or joblib's workers as well.

    Attributes
    ----------
    n_jobs
        How many processes work, this one among them.
    cluster
        Is a backend of joblib other than its own chosen by the user?
    """

    n_jobs: int
    cluster: bool

    @property
    def several(self) -> bool:
        """Whether there are other processes."""
        return self.n_jobs > 1 or self.cluster


def crew_of(n_jobs: object) -> Crew:
    """Find out who works, from the argument and from joblib's configuration.

    Raises
    ------
    OptionError
        ``n_jobs`` is not a number of processes, or joblib is needed and not installed.
    """
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, int) or n_jobs == 0:
        raise OptionError(
            f"n_jobs={shown(n_jobs)} must be a number of processes, or -1 for all cores"
        )
    if calls.own_generator() is not None:
        return Crew(1, False)  # within a statistic, whose run has the other processes
    if find_spec("joblib") is None:
        if n_jobs != 1:
            raise OptionError(
                f"n_jobs={n_jobs} needs joblib: pip install 'pymer-bridge[parallel]', "
                "or leave n_jobs=1"
            )
        return Crew(1, False)
    import joblib  # noqa: PLC0415  # an extra
    from joblib.parallel import get_active_backend  # noqa: PLC0415

    backend, _ = get_active_backend()
    cluster = type(backend).__name__ not in ("LokyBackend", "SequentialBackend")
    if cluster:
        # All of it, unless a number of processes is asked for.
        return Crew(joblib.effective_n_jobs(-1 if n_jobs == 1 else n_jobs), True)
    return Crew(joblib.effective_n_jobs(n_jobs), False)


def run(
    total: int,
    here: Here,
    there: There,
    collect: Collect,
    *,
    crew: Crew,
    done: Iterable[tuple[int, int]] = (),
    interrupt: Callable[[threading.Thread], None],
) -> None:
    """Do all items, and collect what comes of them.

    Parameters
    ----------
    total
        The number of items.
    here
        Does the items from a first to before a last one, in this process.
    there
        Gives the function and its arguments by which a worker does the same.
    collect
        Takes the result of a chunk; called from one thread at a time.
    crew
        Who works.
    done
        Intervals that need not be done.
    interrupt
        Stops what ``here`` is doing in a thread.

    Raises
    ------
    RTimeoutError
        This thread's deadline has passed; on a cluster that is seen when a chunk is done.
    WorkerError
        Workers are killed again and again.
    """
    tasks = Tasks(gaps(total, done))
    here = _timed(here, tasks)
    # On a cluster the workers wait meanwhile.
    pace = _warm_up(tasks, here, collect, CHUNK_SECONDS / (16 if crew.cluster else 4))
    alone = crew.n_jobs == 1 and not crew.cluster
    if alone or (not crew.cluster and tasks.count * pace < START_SECONDS * (not _pool_is_up())):
        for first, last in iter(tasks.take, None):
            collect(first, last, here(first, last))
        return
    _Shared(tasks, here, there, collect, crew, interrupt).run()


def _timed(here: Here, tasks: Tasks) -> Here:
    """Choose the size of chunks by the time that they take here: R gets faster as it goes."""

    def timed(first: int, last: int) -> Any:
        start = time.perf_counter()
        result = here(first, last)
        tasks.pace = (time.perf_counter() - start) / (last - first)
        tasks.size = max(1, int(CHUNK_SECONDS / max(tasks.pace, 1e-6)))
        return result

    return timed


def _warm_up(tasks: Tasks, here: Here, collect: Collect, enough: float) -> float:
    """Do the first items here, in chunks that double, and return the seconds an item takes.

    The last of these chunks is the first that takes enough seconds.
    """
    size = 1
    while (chunk := tasks.take(size)) is not None:
        collect(*chunk, here(*chunk))
        if tasks.pace * size > enough:
            break
        size *= 2
    return tasks.pace


def joblib_workers(n: int) -> Any:
    """Return joblib's own workers, started where they are not there yet."""
    from joblib.executor import get_memmapping_executor  # noqa: PLC0415  # an extra

    with warnings.catch_warnings():
        # The last run may have left its last chunk to workers, and done it here itself.
        warnings.filterwarnings("ignore", "Trying to resize", UserWarning)
        # Not loky's own function: joblib.Parallel of the user fails on the workers that that makes.
        return get_memmapping_executor(n, timeout=IDLE_SECONDS, max_nbytes=None)


def _pool_is_up() -> bool:
    """Say whether joblib's workers are there already, so that they cost nothing to start."""
    from joblib.externals.loky import reusable_executor  # noqa: PLC0415

    pool = reusable_executor._executor
    return pool is not None and not pool._flags.shutdown and bool(pool._processes)


@dataclass(slots=True)
class _Shared:
    """Work that this process shares with joblib's workers."""

    _tasks: Tasks
    _here: Here
    _there: There
    _collect: Collect
    _crew: Crew
    _interrupt: Callable[[threading.Thread], None]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _error: BaseException | None = None
    _issued: list[tuple[int, int]] = field(default_factory=list)
    _here_is_done: bool = False

    def run(self) -> None:
        # A cluster does all of it; joblib's own workers are one fewer than the cores.
        helper = None
        tasks = self._tasks
        tasks.takers = max(2, self._crew.n_jobs)
        if not self._crew.cluster:
            helper = threading.Thread(target=self._work_here, daemon=True)
            helper.start()
        try:
            self._work_there()
            while helper is not None and helper.is_alive():
                helper.join(0.05)
                deadlines.check()
        except BaseException:
            tasks.stopped = True
            while helper is not None and helper.is_alive():
                self._interrupt(helper)
                helper.join(0.05)
            raise
        if self._error is not None:
            raise self._error

    def _work_here(self) -> None:
        try:
            while (chunk := self._next_here()) is not None:
                self._finish(*chunk, self._here(*chunk))
        except BaseException as error:
            self._error = error
            self._tasks.stopped = True
        finally:
            self._here_is_done = True

    def _issue(self) -> tuple[int, int] | None:
        """Return the next chunk that nobody has begun."""
        with self._lock:
            chunk = self._tasks.take()
            if chunk is not None:
                self._issued.append(chunk)
            return chunk

    def _next_here(self) -> tuple[int, int] | None:
        """Return the next chunk for this process, None when all are done.

        At the end that is what a worker has begun: it may still be starting its R.
        """
        chunk = self._issue()
        with self._lock:
            if chunk is None and self._issued and not self._tasks.stopped:
                return self._issued[-1]
        return chunk

    def _finish(self, first: int, last: int, result: Any) -> None:
        """Collect a chunk that was given out, unless somebody else was faster."""
        with self._lock:
            if (first, last) in self._issued:
                self._issued.remove((first, last))
                self._collect(first, last, result)

    def _work_there(self) -> None:
        from joblib.externals.loky.process_executor import BrokenProcessPool, ShutdownExecutorError  # noqa: PLC0415  # an extra

        results = self._cluster_results if self._crew.cluster else self._pool_results
        lives = LIVES
        while True:
            try:
                with closing(results()) as found:
                    for first, last, result in found:
                        lives = LIVES
                        self._finish(first, last, result)
                return
            except (BrokenProcessPool, ShutdownExecutorError) as error:
                # One that another run of this process ended was not killed.
                lives -= isinstance(error, BrokenProcessPool)
                if lives == 0:
                    raise WorkerError(
                        f"workers were killed {LIVES} times in a row; the machine may be out of "
                        "memory: use fewer of them (n_jobs)"
                    ) from error
                with self._lock:
                    self._tasks.give_back(self._issued)
                    self._issued.clear()

    def _calls(self) -> Iterator[Call]:
        for first, last in iter(self._issue, None):
            function, arguments = self._there(first, last)
            yield _numbered, (first, last, function, *map(_wrapped, arguments))

    def _pool_results(self) -> Generator[tuple[int, int, Any], None, None]:
        """Use joblib's own workers, one fewer than processes are wanted: this is one of them."""
        n_workers = self._crew.n_jobs - 1
        pool = joblib_workers(n_workers)
        calls = self._calls()
        waiting: set[Future[Any]] = set()
        depth = 1  # until the first result: a worker may have to start
        try:
            while not self._here_is_done:
                for function, arguments in islice(calls, depth * n_workers - len(waiting)):
                    waiting.add(pool.submit(function, *arguments))
                deadlines.check()
                if not waiting:
                    time.sleep(0.02)
                    continue
                finished, waiting = wait(waiting, timeout=0.02, return_when=FIRST_COMPLETED)
                for future in finished:
                    # From now on one that is worked at and one that waits, for each worker.
                    depth = 2
                    yield future.result()
        except BrokenExecutor:
            raise  # the pool is replaced when it is next asked for
        except BaseException:
            pool.shutdown(wait=False, kill_workers=True)
            raise

    def _cluster_results(self) -> Generator[tuple[int, int, Any], None, None]:
        """Use the backend that the user has chosen by ``joblib.parallel_config``."""
        from joblib import Parallel, delayed  # noqa: PLC0415  # an extra

        parallel = Parallel(n_jobs=self._crew.n_jobs, return_as="generator_unordered", batch_size=1)
        results = parallel(delayed(function)(*arguments) for function, arguments in self._calls())
        try:
            for result in results:
                yield result
                deadlines.check()
        finally:
            # joblib warns that tasks were done for nothing: here because the run was ended. Filters
            # are those of all threads, and another one may put its own back.
            with warnings.catch_warnings(), suppress(UserWarning):
                warnings.simplefilter("ignore")
                results.close()


def _wrapped(argument: Any) -> Any:
    """Let an argument travel with its chunk.

    On Dask joblib puts a bare array on one worker, which then is given all chunks that need it.
    Only for large ones it is worth that, and then others take work from that worker.
    """
    return argument if getattr(argument, "nbytes", 0) > SENT_BYTES else (argument,)


def _numbered(first: int, last: int, function: Callable[..., Any], *wrapped: Any) -> Any:
    return first, last, function(*(a[0] if isinstance(a, tuple) else a for a in wrapped))
