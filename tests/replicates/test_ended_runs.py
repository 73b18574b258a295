"""Whatever ends a run of many fits: what was finished is in ``partial``, and in the checkpoint."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import joblib
import numpy as np
import pytest
from joblib.externals.loky import reusable_executor

import pymer_bridge as pb
from pymer_bridge.models import inference_routes
from pymer_bridge.replicates import checkpoint, engine, parallel, workers

pytestmark = [
    pytest.mark.r("pbkrtest"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning"),
]
Row = list[float]


# -- the runs --------------------------------------------------------------------------------------


@dataclass
class Long:
    """A run of many fits: how it is called, and which figures it or its part has, by number."""

    call: Callable[..., Any]
    n: int
    rows: Callable[[Any], dict[int, Any]]
    whole: dict[int, Any] = field(default_factory=dict)

    def expected(self) -> dict[int, Any]:
        if not self.whole:
            self.whole = self.rows(self.call())
            assert len(self.whole) == self.n
        return self.whole


def _days(model: Any) -> float:
    estimate: float = model.fixed_effects("none")["Days"].estimate
    return estimate


def _replicates(found: Any) -> dict[int, Row]:
    return dict(zip(found.iterations.tolist(), found.replicates.tolist(), strict=True))


def _ratios(found: Any) -> dict[int, float]:
    values = found if isinstance(found, np.ndarray) else found.likelihood_ratios
    return dict(enumerate(values.tolist()))


def _left_out(found: Any) -> dict[int, Row]:
    values = found.fixed_effects.values.tolist()
    return {i: values[i] for i, row in enumerate(found.rows) if row.error is None}


def _responses(found: Any) -> dict[int, Row]:
    return {
        int(name[1:]): row for name, row in zip(found.responses, found.values.tolist(), strict=True)
    }


@pytest.fixture(scope="module")
def longs() -> dict[str, Long]:
    data = pb.load_dataset("sleepstudy").head(100)
    fit = pb.lmer("Reaction ~ Days + (1 | Subject)", data, reml=False)
    names = [f"y{i}" for i in range(12)]
    wide = data.assign(**{name: data["Reaction"] * (i + 1) for i, name in enumerate(names)})
    groups = {"Subject": True}
    calls: dict[str, tuple[Callable[..., Any], Callable[[Any], dict[int, Any]]]] = {
        "bootstrap": (partial(fit.bootstrap, "parametric", 12, 1), _replicates),
        "cases": (partial(fit.bootstrap, "case", 12, 1, resample=groups), _replicates),
        "a statistic in Python": (partial(fit.bootstrap, "residual", 12, 1, _days), _replicates),
        "pb_modcomp": (partial(pb.pb_modcomp, fit, "Days", 12, 1), _ratios),
        "influence": (partial(fit.influence, "Subject"), _left_out),
        "fit_many": (partial(pb.fit_many, "~ Days + (1 | Subject)", wide, names), _responses),
    }
    return {
        name: Long(call, 10 if name == "influence" else 12, rows)
        for name, (call, rows) in calls.items()
    }


NAMES = ("bootstrap", "cases", "a statistic in Python", "pb_modcomp", "influence", "fit_many")
AT = 3
"""Finished fits at which a run is ended: chunks have 1, 2, 4 ... of them."""


def _check_partial(long: Long, error: BaseException, least: int = AT) -> int:
    """Compare what an exception keeps with the whole run, and return how much it is."""
    kept = long.rows(error.partial)  # type: ignore[attr-defined]
    assert len(kept) >= least
    whole = long.expected()
    assert all(whole[number] == row for number, row in kept.items())
    return len(kept)


def _check_checkpoint(long: Long, path: Path, kept: int) -> None:
    """Go on from a checkpoint: it has what was kept, and the run ends as if never stopped."""
    told: list[int] = []
    found = long.rows(long.call(checkpoint=path, progress=lambda done, total: told.append(done)))
    assert found == long.expected()
    assert not told or told[0] > kept
    assert [each.name for each in path.parent.iterdir() if "journal" in each.name] == []


def _progress(end: Callable[[], object]) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        if done >= AT:
            end()

    return progress


# -- the user's own function -----------------------------------------------------------------------


class Slotted(Exception):
    __slots__ = ()


class Frozen(Exception):
    def __setattr__(self, name: str, value: object) -> None:
        if name == "partial":
            raise AttributeError("nothing can be set")
        super().__setattr__(name, value)


class Silent(Exception):
    def __str__(self) -> str:
        raise RuntimeError("it cannot be shown")


RAISED: list[BaseException] = [
    ValueError("mine"),
    RuntimeError("stopped"),
    StopIteration(),
    KeyError(1),
    StopAsyncIteration(),
    GeneratorExit(),
    AssertionError(),
    OSError(28, "No space left on device"),
    MemoryError(),
    RecursionError(),
    UserWarning("a warning"),
    SystemExit(3),
    Slotted("mine"),
    Frozen("mine"),
    Silent("mine"),
    asyncio.CancelledError(),
    BaseException("rare"),
    EOFError(),
    BrokenPipeError(32, "Broken pipe"),
    ExceptionGroup("two", [ValueError(1), KeyError(2)]),
    UnicodeEncodeError("ascii", "é", 0, 1, "ordinal"),
    pb.PymerError("ours"),
    pb.RError("R's"),
    pb.OptionError("ours"),
    pb.SingularFitWarning("ours"),
    sqlite3.OperationalError("locked"),
    pb.CheckpointError("ours"),
    ConnectionResetError(),
    NotImplementedError(),
    ImportError("x"),
]


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_what_a_progress_function_raises_arrives_with_what_was_finished(
    error: BaseException, longs: dict[str, Long], tmp_path: Path
) -> None:
    """As itself, so that an ``except`` of the user's own class still works."""

    def end() -> None:
        raise error

    long, path = longs["bootstrap"], tmp_path / "c"
    with pytest.raises(type(error)) as raised:
        long.call(checkpoint=path, progress=_progress(end))
    assert raised.value is error
    kept = AT if isinstance(error, Frozen) else _check_partial(long, error)
    if isinstance(error, ValueError | SystemExit | Frozen):
        _check_checkpoint(long, path, kept)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("backend", [None, "threading"])
def test_every_run_keeps_what_was_finished(
    name: str, backend: str | None, longs: dict[str, Long], tmp_path: Path
) -> None:
    long = longs[name]
    for number, error in enumerate((ValueError("mine"), KeyboardInterrupt(), SystemExit(1))):

        def end(error: BaseException = error) -> None:
            raise error

        path = tmp_path / str(number)
        caught = pb.BootstrapInterrupted if number == 1 else type(error)
        config = joblib.parallel_config(backend=backend) if backend else warnings.catch_warnings()
        with config, pytest.raises(caught) as raised:
            long.call(checkpoint=path, progress=_progress(end))
        kept = _check_partial(long, raised.value)
        if number == 1:
            assert f"after {kept} of {long.n} replicates; they are in {path}" in str(raised.value)
            assert raised.value.__cause__ is error
        if number == 0:
            _check_checkpoint(long, path, kept)


@pytest.mark.parametrize(
    "wrong", [lambda: None, lambda done: None, lambda a, b, c: None, print(end="") or int]
)  # type: ignore[func-returns-value]
def test_a_progress_function_of_another_signature(wrong: Any, longs: dict[str, Long]) -> None:
    with pytest.raises(TypeError) as raised:
        longs["bootstrap"].call(progress=wrong)
    _check_partial(longs["bootstrap"], raised.value, 1)


def test_a_closed_standard_error_ends_no_run(
    longs: dict[str, Long], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(os.devnull, "w") as closed:  # noqa: PTH123
        pass
    monkeypatch.setattr(sys, "stderr", closed)
    assert longs["bootstrap"].rows(longs["bootstrap"].call(progress=True))


# -- the checkpoint --------------------------------------------------------------------------------


@contextmanager
def _full_disk(path: Path, room: int) -> Iterator[Callable[[], None]]:
    """Give what fills the disk: no file of this process grows beyond that then."""
    resource = pytest.importorskip("resource")
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + room, hard))

    try:
        yield fill
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def _error_of(call: Callable[[], object]) -> pb.CheckpointError | None:
    try:
        call()
    except pb.CheckpointError as error:
        return error
    return None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("room", [0, 700, 4096])
def test_a_full_disk(name: str, room: int, longs: dict[str, Long], tmp_path: Path) -> None:
    long, path = longs[name], tmp_path / "c"
    long.expected()
    with _full_disk(path, room) as fill:
        error = _error_of(lambda: long.call(checkpoint=path, progress=_progress(fill)))
    if error is None:
        assert room > 0  # it was enough
    else:
        kept = _check_partial(long, error, AT + 1)
        assert "cannot be written to" in str(error)
        assert f"after {kept} of {long.n} replicates" in str(error)
        assert isinstance(error.__cause__, sqlite3.Error)
    _check_checkpoint(long, path, AT)


def test_a_disk_that_is_full_from_the_start(longs: dict[str, Long], tmp_path: Path) -> None:
    for size in (0, 100, 4096, 9000):
        with _full_disk(tmp_path, size - tmp_path.stat().st_size) as fill:
            fill()
            with pytest.raises(pb.CheckpointError, match="cannot be written to") as raised:
                longs["bootstrap"].call(checkpoint=tmp_path / "c")
        assert raised.value.partial is None
        assert list(tmp_path.iterdir()) == []


def _other(path: Path, sql: str) -> Callable[[], None]:
    def do() -> None:
        with closing(sqlite3.connect(path)) as file, file:
            file.execute(sql)

    return do


def _replaced(path: Path) -> None:
    path.unlink()
    path.write_text("something else")


FAULTS: dict[str, tuple[Callable[[Path], object], bool]] = {
    "deleted": (lambda path: path.unlink(), False),
    "moved away": (lambda path: path.rename(path.with_name("d")), False),
    "replaced": (_replaced, False),
    "folder deleted": (lambda path: (path.unlink(), path.parent.rmdir()), False),
    "emptied": (lambda path: os.truncate(path, 0), False),
    "cut": (lambda path: os.truncate(path, 4096), False),
    "overwritten": (lambda path: path.write_bytes(os.urandom(path.stat().st_size)), False),
    "no run": (lambda path: _other(path, "DELETE FROM run")(), False),
    "no table": (lambda path: _other(path, "DROP TABLE chunks")(), False),
    "another table": (lambda path: _other(path, "ALTER TABLE run RENAME TO ran")(), False),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_checkpoint_that_goes_wrong_on_the_way(
    fault: str, longs: dict[str, Long], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "PATIENCE", 0.2)
    long, path = longs["bootstrap"], tmp_path / "folder" / "c"
    path.parent.mkdir()
    long.expected()
    done: list[int] = []

    def end() -> None:
        if not done:
            done.append(1)
            FAULTS[fault][0](path)

    error = _error_of(lambda: long.call(checkpoint=path, progress=_progress(end)))
    if error is not None:
        _check_partial(long, error, AT + 1)
        assert error.__cause__ is not None
    # What is there now is refused, or right.
    if path.parent.exists():
        with suppress(pb.CheckpointError):
            assert long.rows(long.call(checkpoint=path)) == long.expected()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_locked_checkpoint(
    name: str, kind: str, longs: dict[str, Long], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "PATIENCE", 0.2)
    long, path = longs[name], tmp_path / "c"
    long.expected()
    holder: list[sqlite3.Connection] = []

    def lock() -> None:
        if not holder:
            holder.append(sqlite3.connect(path, isolation_level=None))
            holder[0].execute(f"BEGIN {kind}")

    with pytest.raises(pb.CheckpointError, match="locked") as raised:
        long.call(checkpoint=path, progress=_progress(lock))
    _check_partial(long, raised.value, AT + 1)
    if kind == "EXCLUSIVE":
        with pytest.raises(pb.CheckpointError, match="locked"):
            long.call(checkpoint=path)
    holder[0].close()
    _check_checkpoint(long, path, AT)


def test_a_lock_that_is_let_go_in_time_is_waited_for(
    longs: dict[str, Long], tmp_path: Path
) -> None:
    long, path = longs["bootstrap"], tmp_path / "c"
    program = f"""
import sqlite3, time
file = sqlite3.connect({str(path)!r}, isolation_level=None)
file.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(1)
file.execute("ROLLBACK")
"""
    started: list[subprocess.Popen[str]] = []

    def lock() -> None:
        if not started:
            started.append(
                subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
            )
            assert started[0].stdout is not None
            started[0].stdout.readline()

    found = long.call(checkpoint=path, progress=_progress(lock))
    started[0].communicate()
    assert long.rows(found) == long.expected()
    _check_checkpoint(long, path, long.n - 1)


# -- deadlines and Ctrl-C --------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_timeout_and_ctrl_c(name: str, longs: dict[str, Long], tmp_path: Path) -> None:
    long = longs[name]
    long.expected()
    path = tmp_path / "c"

    def wait() -> None:
        time.sleep(1.6)

    with pytest.raises(pb.RTimeoutError) as late:
        long.call(checkpoint=path, progress=_progress(wait), timeout=1.5)
    kept = _check_partial(long, late.value, 1)
    assert f"after {kept} of {long.n} replicates; they are in {path}" in str(late.value)
    _check_checkpoint(long, path, kept)

    other = tmp_path / "d"
    interrupt = _progress(lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(pb.BootstrapInterrupted) as raised:
        long.call(checkpoint=other, progress=interrupt)
    _check_checkpoint(long, other, _check_partial(long, raised.value))


@pytest.mark.parametrize("name", NAMES)
def test_further_ctrl_cs_while_what_was_finished_is_read(
    name: str, longs: dict[str, Long], monkeypatch: pytest.MonkeyPatch
) -> None:
    long, real, struck = longs[name], engine.perform, []
    long.expected()

    def perform(run: Any, how: Any, read: Any, read_partial: Any = None) -> Any:
        def interrupted(collected: Any) -> Any:
            if len(struck) < 3:
                struck.append(len(struck))
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(1)
            return (read_partial or read)(collected)

        return real(run, how, read, interrupted)

    monkeypatch.setattr(engine, "perform", perform)
    interrupt = _progress(lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(pb.BootstrapInterrupted) as raised:
        long.call(progress=interrupt)
    _check_partial(long, raised.value)
    assert struck == [0, 1, 2]


# Python itself ignores a Ctrl-C that comes while it frees an object; the run then goes on.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.slow
def test_ctrl_c_at_any_moment(longs: dict[str, Long], tmp_path: Path) -> None:
    """Also while the file is made, written, read, or the result is made."""
    long, chance = longs["bootstrap"], random.Random(1)
    long.expected()
    began = time.perf_counter()
    long.call(checkpoint=tmp_path / "whole")
    usual = time.perf_counter() - began
    met: dict[str, int] = {}
    for number in range(30):
        path = tmp_path / str(number)
        met_here = "ended"
        timer = _Interrupter(chance.uniform(0, 1.2 * usual))
        try:
            with timer:  # around the call alone: elsewhere a Ctrl-C would be the test's own
                result = long.call(checkpoint=path)
            assert long.rows(result) == long.expected()
        except pb.BootstrapInterrupted as stopped:
            met_here = "in the run"
            if stopped.partial is not None:
                met_here = "with a part"
                _check_partial(long, stopped, 1)
        except KeyboardInterrupt:  # Python's own, before the run has begun or after its end
            met_here = "around the run"
            if path.exists():
                _check_checkpoint(long, path, long.n)
        met[met_here] = met.get(met_here, 0) + 1
        if path.exists():
            _check_checkpoint(long, path, 0)
    print(met)


class _Interrupter:
    """Sends this process a Ctrl-C after some seconds, within a ``with``."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __enter__(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, self.seconds)

    def __exit__(self, *unused: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)


@pytest.fixture(autouse=True)
def alarm() -> Iterator[None]:
    """Let an alarm be a Ctrl-C: it comes from the system, not from another thread of Python."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


# -- warnings that are errors ----------------------------------------------------------------------


def test_warnings_that_are_errors_lose_no_result(longs: dict[str, Long]) -> None:
    data = pb.load_dataset("sleepstudy").head(100)
    fit = pb.lmer("Reaction ~ Days + (1 | Subject)", data, reml=False)
    code = f"function(fit) if (fixef(fit)[2] > {_days(fit)!r}) stop('too large') else fixef(fit)"
    with warnings.catch_warnings():
        warnings.simplefilter("error", pb.BootstrapWarning)
        with pytest.raises(pb.BootstrapWarning, match="too large") as raised:
            fit.bootstrap("parametric", 12, 1, code, allow_functions=("stop",))
    assert raised.value.partial.counts.n_sim == 12
    assert 0 < raised.value.partial.counts.n_failed < 12


def test_routes_that_were_taken_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = pb.lmer("Reaction ~ Days + (1 | Subject)", pb.load_dataset("sleepstudy"))
    methods = ["normal", "satterthwaite", "parametric-bootstrap"]
    real = engine.perform

    def interrupted(run: Any, how: Any, *read: Any) -> Any:
        def stop(done: int, total: int) -> None:
            raise KeyboardInterrupt

        return real(run, engine.Running(progress=stop), *read)

    monkeypatch.setattr(engine, "perform", interrupted)
    assert methods[-1] in inference_routes.ROUTES
    with pytest.raises(pb.BootstrapInterrupted, match="after 2 of 3 methods") as raised:
        pb.compare_inference(fit, "Days", methods, n_sim=9, seed=1)
    assert [row.method for row in raised.value.partial.rows] == methods[:2]


# -- workers ---------------------------------------------------------------------------------------


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Share even little work, in small pieces."""
    monkeypatch.setattr(parallel, "START_SECONDS", 0.0)
    monkeypatch.setattr(parallel, "CHUNK_SECONDS", 0.02)


@pytest.fixture(scope="module")
def larger(longs: dict[str, Long]) -> Long:
    fit = pb.lmer("Reaction ~ Days + (1 | Subject)", pb.load_dataset("sleepstudy"), reml=False)
    return Long(lambda **how: fit.bootstrap("parametric", 400, 1, **how), 400, _replicates)


def _workers() -> list[int]:
    pool = reusable_executor._executor
    return [] if pool is None else list(pool._processes or ())


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_workers_that_are_killed_again_and_again(larger: Long, tmp_path: Path) -> None:
    path, killed = tmp_path / "c", []

    def kill(done: int, total: int) -> None:
        for pid in _workers():
            killed.append(pid)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    try:
        found = larger.call(n_jobs=2, checkpoint=path, progress=kill)
    except pb.WorkerError as error:
        kept = _check_partial(larger, error, 1)
        assert f"after {kept} of 400 replicates; they are in {path}" in str(error)  # noqa: PT017
    else:
        kept = len(larger.rows(found)) - 1
    assert killed
    _check_checkpoint(larger, path, kept)


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
# joblib's own thread may find that its work was taken from it.
@pytest.mark.filterwarnings("ignore:Exception in thread ExecutorManagerThread")
def test_a_run_goes_on_where_another_one_ends_the_workers(larger: Long) -> None:
    """Joblib's workers are the same for all threads; one that is stopped ends them."""
    larger.expected()
    with ThreadPoolExecutor(2) as threads:
        whole = threads.submit(lambda: larger.rows(larger.call(n_jobs=2)))
        for seconds in (0.2, 0.4, 0.8):
            with suppress(pb.RTimeoutError):
                larger.call(n_jobs=2, timeout=seconds)
        assert whole.result() == larger.expected()


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("n_jobs", [2, 3])
def test_every_end_of_a_shared_run(n_jobs: int, larger: Long, tmp_path: Path) -> None:
    for number, error in enumerate((ValueError("mine"), KeyboardInterrupt(), SystemExit(1))):

        def end(done: int, total: int, error: BaseException = error) -> None:
            if done > 60:
                raise error

        path = tmp_path / str(number)
        with pytest.raises((type(error), pb.BootstrapInterrupted)) as raised:
            larger.call(n_jobs=n_jobs, checkpoint=path, progress=end)
        kept = _check_partial(larger, raised.value, 60)
        if number == 0:
            _check_checkpoint(larger, path, kept)


@pytest.mark.usefixtures("eager")
def test_a_full_disk_where_workers_read(larger: Long, tmp_path: Path) -> None:
    with _full_disk(tmp_path, 400 - tmp_path.stat().st_size) as fill:  # joblib has room for its own
        fill()
        with pytest.raises(pb.WorkerError, match="cannot be written for the workers") as raised:
            larger.call(n_jobs=2, progress=lambda done, total: time.sleep(0.3))
    _check_partial(larger, raised.value, 1)


@pytest.mark.usefixtures("eager")
def test_a_worker_that_fails(larger: Long, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a cluster raises, of whatever class, is one error, with what was finished here."""
    for error in (RuntimeError("the scheduler is gone"), OSError(111, "refused"), MemoryError()):
        # Its own lines are of the standard library, as a cluster's are not the user's.
        monkeypatch.setattr(workers, "run_chunk", Mock(side_effect=error))
        with (
            joblib.parallel_config(backend="threading"),
            pytest.raises(pb.WorkerError, match=type(error).__name__) as raised,
        ):
            larger.call()
        assert raised.value.__cause__ is error
        _check_partial(larger, raised.value, 1)
