"""Abuse the package for an hour, and count what it survives.

    scripts/soak [--minutes 60] [--seed 1] [--log soak.log]

Three processes work at the same time, each with an R of its own. One fits, predicts and drops
models in several threads, among R errors, timeouts, Ctrl-C and forks. One makes bootstraps whose
workers are killed, and that are stopped and resumed; of each checkpoint a copy with one flipped bit
must be refused. One takes random frames to R and back. Every figure
is compared with that of plain R (``scripts/soak.R``), to the last bit, and every frame with
itself. Each minute prints the counts so far, and the memory of each process.

The status is not 0 where a process crashed or hung, a figure was wrong, a finished replicate was
lost, or R objects were left behind.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

N_SIM = 300
"""Replicates of each bootstrap."""

SILENT, STUCK = 60.0, 240.0
"""Seconds after which a process that says nothing, or a thread that ends nothing, hangs."""

FAILURES = ("crashes", "hangs", "wrong figures", "results lost", "objects left")
SURVIVED = (
    "interrupts", "timeouts", "R errors", "refused", "forks", "workers killed", "runs ended",
    "runs resumed", "files refused",
)  # fmt: skip
MODELS = {
    "slopes": ("lmer", "Reaction ~ Days + (Days | Subject)", "sleepstudy", {}),
    "intercepts": ("lmer", "Reaction ~ Days + (1 | Subject)", "sleepstudy", {"reml": False}),
    "batches": ("lmer", "Yield ~ 1 + (1 | Batch)", "Dyestuff", {}),
    "herds": (
        "glmer",
        "cbind(incidence, size - incidence) ~ period + (1 | herd)",
        "cbpp",
        {"family": "binomial"},
    ),
}
Figures = dict[str, list[float]]


# -- what each process does ------------------------------------------------------------------------


class Work:
    """One process's work: its counts, its clock, and what is common to all of them."""

    def __init__(self, reference: Figures, seconds: float, seed: int) -> None:
        import numpy as np

        import pymer_bridge as pb

        self.np, self.pb = np, pb
        self.reference = {name: np.array(values) for name, values in reference.items()}
        self.seed = seed
        self.counts: Counter[str] = Counter()
        self.lock = threading.Lock()
        self.began: dict[str, float] = {}
        self.data = {d: pb.load_dataset(d) for d in {m[2] for m in MODELS.values()}}
        for name in MODELS:
            self.check(name, self.fit(name))
        self.end = time.monotonic() + seconds  # a slow start is no part of it
        self.parent = os.getppid()

    def count(self, what: str, n: int = 1) -> None:
        with self.lock:
            self.counts[what] += n

    def fail(self, what: str, said: str) -> None:
        self.count(what)
        print(f"{what.upper()}: {said}", file=sys.stderr, flush=True)

    def going(self, name: str) -> bool:
        """Say that a thread is about to begin something, and whether it may."""
        self.began[name] = time.monotonic()
        # Nobody counts what an orphan does.
        if time.monotonic() < self.end and os.getppid() == self.parent:
            return True
        del self.began[name]
        return False

    def report(self) -> None:
        """Print what was counted since, and how long the slowest thread has been at it."""
        with self.lock:
            counts, self.counts = dict(self.counts), Counter()
        slowest = max((time.monotonic() - at for at in list(self.began.values())), default=0.0)
        print(json.dumps({"counts": counts, "slowest": slowest}), flush=True)

    def fit(self, name: str, **further: Any) -> Any:
        fitter, formula, data, arguments = MODELS[name]
        return getattr(self.pb, fitter)(formula, self.data[data], **arguments, **further)

    def check(self, name: str, fit: Any) -> None:
        """Compare a model's figures with plain R's, bit by bit."""
        rows = fit.fixed_effects("none" if name != "herds" else "normal").rows
        found = {
            "fixed": [row.estimate for row in rows],
            "errors": [row.std_error for row in rows],
            "sigma": [fit.sigma],
        }
        for what, values in found.items():
            if values != self.reference[f"{name}:{what}"].tolist():
                self.fail("wrong figures", f"{name} {what}: {values}")
        self.count("fits")

    def check_predictions(self, name: str, fit: Any) -> None:
        values = fit.predict().values
        if values.tolist() != self.reference[f"{name}:predict"].tolist():
            self.fail("wrong figures", f"{name} predictions: {values}")
        self.count("predictions")

    def interrupted(self, after: float, do: Callable[[], None]) -> None:
        """Send this process a Ctrl-C while something is done; its exception ends here."""
        timer = threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT))
        try:
            timer.start()
            with failing(self):
                do()
            timer.join()
            time.sleep(0.05)  # the handler runs here at the latest
        except KeyboardInterrupt:
            self.count("interrupts")

    def error(self, chance: random.Random) -> None:
        """Do something that must be refused, or that R must stop at."""
        pb, data = self.pb, self.data["sleepstudy"]
        wrong: list[tuple[Callable[[], Any], type[Exception], str]] = [
            (lambda: pb.lmer("Reaction ~ Days + (1 | row)", data.assign(row=range(180))),
             pb.RError, "R errors"),
            (lambda: pb.glmer("Reaction ~ Days + (1 | Subject)", data, family="binomial"),
             pb.RError, "R errors"),
            (lambda: self.fit("slopes").predict({"Days": [1], "Subject": ["nobody"]}),
             pb.RError, "R errors"),
            (lambda: pb.lmer("Reaction ~ system('date') + (1 | Subject)", data),
             pb.FormulaError, "refused"),
            (lambda: pb.lmer("Reaction ~ hours + (1 | Subject)", data),
             pb.DataConversionError, "refused"),
            (lambda: pb.lmer("Reaction ~ Days + (1 | Subject", data), pb.FormulaError, "refused"),
            (lambda: pb.lmer("Reaction ~ Days + (1 | Subject)", data.head(0)),
             pb.DataConversionError, "refused"),
        ]  # fmt: skip
        call, expected, kind = chance.choice(wrong)
        try:
            call()
        except expected:
            self.count(kind)
        else:
            self.fail("wrong figures", f"no {expected.__name__} where one was due")

    def fork(self) -> None:
        """Fork while other threads work: the child must be told that it cannot use R."""
        child = os.fork()
        if child == 0:
            signal.alarm(int(SILENT / 2))
            try:
                self.fit("batches")
            except self.pb.SessionError:
                os._exit(7)
            finally:
                os._exit(1)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status == 7:
            self.count("forks")
        else:
            self.fail(
                "hangs" if status == -signal.SIGALRM else "crashes", f"a child ended: {status}"
            )


class StopError(Exception):
    """What a function that shows the progress raises."""


def models(work: Work) -> None:
    """Fit, predict and drop in threads; the main one is interrupted all the time."""
    from pymer_bridge.session.r_session import session

    def settled() -> int:
        for _ in range(2):
            gc.collect()
            session().call("gc")
        return len(session()._objects)

    before = settled()

    def one(chance: random.Random, kept: list[tuple[str, Any]]) -> None:
        name = chance.choice(list(MODELS))
        dice = chance.random()
        if dice < 0.4:
            fit = work.fit(name)
            work.check(name, fit)
            kept.append((name, fit))
            if len(kept) > 8:
                kept.pop(chance.randrange(len(kept)))
        elif dice < 0.6 and kept:
            work.check_predictions(*chance.choice(kept))
        elif dice < 0.8:
            try:
                work.check(name, work.fit(name, timeout=10 ** chance.uniform(-4, -0.5)))
            except work.pb.RTimeoutError:
                work.count("timeouts")
        elif dice < 0.9:
            kept.clear()
        elif dice < 0.92 and hasattr(os, "fork"):
            work.fork()
        else:
            work.error(chance)

    def thread(number: int) -> None:
        chance = random.Random(work.seed * 1000 + number)
        kept: list[tuple[str, Any]] = []
        while work.going(f"thread {number}"):
            one(chance, kept)

    with failing(work):
        threads = [threading.Thread(target=guarded, args=(work, thread, i)) for i in range(4)]
        for each in threads:
            each.start()
        chance = random.Random(work.seed)
        kept: list[tuple[str, Any]] = []
        while work.going("main"):
            work.interrupted(chance.uniform(0, 0.3), lambda: one(chance, kept))
        for each in threads:
            each.join()
        kept.clear()
        work.check("slopes", work.fit("slopes"))
        after = settled()
        if after != before:
            work.fail("objects left", f"{before} R objects at first, {after} at the end")


def bootstraps(work: Work) -> None:
    """Make bootstraps; kill their workers, stop them, and resume them."""
    from joblib.externals.loky import reusable_executor

    pb = work.pb
    whole = work.reference["bootstrap"].reshape((N_SIM, 2))

    def same(values: Any, at: Any) -> None:
        if not (values == whole[at]).all():
            work.fail("wrong figures", f"replicates {at} differ from bootMer's")
        work.count("replicates", len(values))

    def kill_one(chance: random.Random) -> None:
        pool = reusable_executor._executor
        workers = [] if pool is None else list(pool._processes or ())
        if workers:
            os.kill(chance.choice(workers), signal.SIGKILL)
            work.count("workers killed")

    def one(chance: random.Random, folder: str) -> None:
        fit = work.fit("slopes")
        path = Path(folder) / f"{chance.random()}"
        resumed, killing, kept = False, chance.random() < 0.5, 0
        stopping = chance.random() < 0.3
        first: list[int] = []

        def progress(done: int, total: int) -> None:
            nonlocal killing
            work.began["main"] = time.monotonic()
            first.append(done)
            if killing and chance.random() < 0.2:
                killing = False
                kill_one(chance)
            if stopping and chance.random() < 0.1:
                raise StopError

        for patience in (chance.uniform(0.2, 4), None):
            first.clear()
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    made = fit.bootstrap(
                        "parametric",
                        N_SIM,
                        1,
                        "fixed_effects",
                        n_jobs=chance.choice((1, 2)),
                        checkpoint=path,
                        progress=progress,
                        timeout=patience,
                    )
                same(made.replicates, slice(None))
                work.count("bootstraps")
                if kept and first and first[0] < kept:
                    work.fail("results lost", f"{kept} kept, and resumed at {first[0]}")
                work.count("runs resumed", int(resumed))
                break
            except (pb.RTimeoutError, pb.BootstrapInterrupted, StopError) as stopped:
                work.count("runs ended" if isinstance(stopped, StopError) else "timeouts")
                resumed, stopping = True, False
                if stopped.partial is not None:
                    kept = len(stopped.partial.iterations)
                    same(stopped.partial.replicates, stopped.partial.iterations - 1)
                elif first:
                    work.fail("results lost", f"{first[-1]} replicates were done, and none kept")
        if path.exists():
            refused(chance, fit, path)
        path.unlink(missing_ok=True)

    def refused(chance: random.Random, fit: Any, path: Path) -> None:
        content = bytearray(path.read_bytes())
        bit = chance.randrange(8 * len(content))
        if bit // 8 in range(96, 100):
            return  # the version of SQLite, which nothing covers
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        try:
            fit.bootstrap("parametric", N_SIM, 1, "fixed_effects", checkpoint=path)
        except pb.CheckpointError:
            work.count("files refused")
        else:
            work.fail("wrong figures", f"bit {bit} of a checkpoint was flipped, and it was read")

    with failing(work), tempfile.TemporaryDirectory() as folder:
        chance = random.Random(work.seed)
        while work.going("main"):
            if chance.random() < 0.3:
                work.interrupted(chance.uniform(0, 4), lambda: one(chance, folder))
            else:
                one(chance, folder)
            work.check("slopes", work.fit("slopes"))
    executor = reusable_executor._executor
    if executor is not None:
        executor.shutdown(kill_workers=True)


def frames(work: Work) -> None:
    """Take random frames to R and back, in threads, with Ctrl-C and timeouts on the way."""
    import pandas as pd

    from pymer_bridge.data.frames import collect, frame_from_r
    from pymer_bridge.session import deadlines
    from pymer_bridge.session.r_session import session

    np = work.np
    letters = [*"abcXYZ09 ._`'\"\\\n\t~$", "é", "ß", "日", "😀", "e\u0301", "\u200b", "NA", "TRUE"]

    def column(chance: random.Random, numbers: Any, n: int) -> Any:
        kind = chance.choice(("float", "int", "bool", "text", "factor", "distinct"))
        if kind == "float":
            values = numbers.normal(size=n) * 10.0 ** numbers.integers(-320, 300, n)
            special = [np.nan, np.inf, -np.inf, 5e-324, -0.0, 2.0**53 + 2]
            at = numbers.random(n) < 0.1
            values[at] = numbers.choice(special, int(at.sum()))
            return pd.Series(values)
        if kind == "int":
            return pd.Series(numbers.integers(-(2**31) + 1, 2**31, n).astype(np.int32))
        if kind == "bool":
            return pd.Series(numbers.random(n) < 0.5)
        if kind == "distinct":
            return pd.Series([f"level {i} é" for i in numbers.permutation(n)], dtype=object)
        words = list({"".join(chance.choices(letters, k=chance.randrange(9))) for _ in range(20)})
        if kind == "text":
            return pd.Series([chance.choice(words) for _ in range(n)], dtype=object)
        codes = numbers.integers(-1, len(words), n)
        return pd.Series(pd.Categorical.from_codes(codes, words, ordered=chance.random() < 0.5))

    def differs(ours: Any, back: Any) -> bool:
        if isinstance(ours.dtype, pd.CategoricalDtype):
            return not (
                list(ours.cat.categories) == list(back.cat.categories)
                and (ours.cat.codes.to_numpy() == back.cat.codes.to_numpy()).all()
            )
        if ours.dtype == object:
            return list(ours) != list(back.astype(object))
        if ours.dtype.kind == "f":
            a, b = (
                np.where(np.isnan(s), np.nan, s.to_numpy(float)).view(np.int64)
                for s in (ours, back)
            )
            return not (a == b).all()
        return not (ours.to_numpy() == back.to_numpy().astype(ours.dtype)).all()

    def cross(chance: random.Random) -> None:
        numbers = np.random.default_rng(chance.randrange(2**32))
        n = int(10 ** chance.uniform(0, 5 if chance.random() < 0.1 else 3.5))
        frame = pd.DataFrame({f"c{i}": column(chance, numbers, n) for i in range(4)})
        record = collect(frame).to_r()
        back = frame_from_r(session().call("echo_frame", frame=record).value)
        for name in frame:
            if differs(frame[name], back[name]):
                self_said = f"{frame[name].dtype} column of {n} rows, seed {work.seed}"
                work.fail("wrong figures", self_said)
        work.count("frames")

    def one(chance: random.Random) -> None:
        dice = chance.random()
        if dice < 0.7:
            cross(chance)
        elif dice < 0.8:
            try:
                with deadlines.within("crossing", 10 ** chance.uniform(-4, -1)):
                    cross(chance)
            except work.pb.RTimeoutError:
                work.count("timeouts")
        elif dice < 0.9:
            bad = chance.choice([["a\0b"], ["\ud800"], [1j], [object()], [b"raw"]])
            odd = pd.DataFrame({"x": pd.Series(bad, dtype=object)})
            try:
                session().call("echo_frame", frame=collect(odd).to_r())
            except work.pb.DataConversionError:
                work.count("refused")
            else:
                work.fail("wrong figures", f"{bad!r} went to R")
        else:
            name = chance.choice(list(MODELS))
            work.check(name, work.fit(name))

    def thread(number: int) -> None:
        chance = random.Random(work.seed * 1000 + number)
        while work.going(f"thread {number}"):
            one(chance)

    with failing(work):
        other = threading.Thread(target=guarded, args=(work, thread, 1))
        other.start()
        chance = random.Random(work.seed)
        while work.going("main"):
            work.interrupted(chance.uniform(0, 0.5), lambda: one(chance))
        other.join()
        work.check("slopes", work.fit("slopes"))


ACTORS = {"models": models, "bootstraps": bootstraps, "frames": frames}


@contextmanager
def failing(work: Work) -> Iterator[None]:
    """Count what nobody expected."""
    try:
        yield
    except Exception:
        work.fail("crashes", traceback.format_exc())


def guarded(work: Work, thread: Callable[[int], None], number: int) -> None:
    """Run a thread that begins again after an exception that nobody expected."""
    while time.monotonic() < work.end:
        with failing(work):
            thread(number)


def act(name: str, reference: str, seconds: float, seed: int) -> None:
    """Be one of the processes."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    warnings.simplefilter("ignore")
    work = Work(json.loads(Path(reference).read_text()), seconds, seed)
    ended = threading.Event()

    def report() -> None:
        while not ended.wait(1.0):
            work.report()

    reporter = threading.Thread(target=report, daemon=True)
    reporter.start()
    ACTORS[name](work)
    ended.set()
    reporter.join()
    work.report()


# -- who watches them ------------------------------------------------------------------------------


class Actor:
    """One process, its counts and its health."""

    def __init__(self, name: str, reference: Path, log: Any) -> None:
        self.name, self.reference, self.log = name, reference, log
        self.counts: Counter[str] = Counter()
        self.process: subprocess.Popen[str] | None = None
        self.memory: list[int] = []

    def start(self, seconds: float, seed: int) -> None:
        command = [
            sys.executable, __file__, "--act", self.name, "--reference", str(self.reference),
            "--minutes", str(seconds / 60), "--seed", str(seed),
        ]  # fmt: skip
        self.heard, self.slowest = time.monotonic(), 0.0
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True
        )
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            said = json.loads(line)
            self.heard, self.slowest = time.monotonic(), said["slowest"]
            self.counts.update(said["counts"])

    def is_done(self) -> bool:
        """Say whether the process has ended well; count a crash or a hang, and end it."""
        assert self.process is not None
        status = self.process.poll()
        if status is None:
            silent = time.monotonic() - self.heard
            if silent < SILENT and self.slowest < STUCK:
                return False
            self.counts["hangs"] += 1
            self.log.write(f"{self.name} hangs: silent {silent:.0f} s, at it {self.slowest:.0f} s")
            self.log.flush()
            self.process.send_signal(signal.SIGUSR1)
            time.sleep(2)
            self.process.kill()
            self.process.wait()
        elif status != 0:
            self.counts["crashes"] += 1
            self.log.write(f"{self.name} ended with status {status}\n")
            self.log.flush()
        return True

    def resident(self) -> int:
        """Return the megabytes of the process that are in memory, 0 where that is not known."""
        try:
            text = Path(f"/proc/{self.process and self.process.pid}/statm").read_text()
        except OSError:
            return 0
        return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20


def plain_r() -> Figures:
    """Ask plain R for its figures."""
    from pymer_bridge.session import installation

    home = installation.r_home()
    if home is None:
        raise SystemExit("R was not found")
    # Its Renviron is read, as by the package, for libraries; no profile is.
    command = [
        str(Path(home) / "bin" / "Rscript"), "--no-init-file", "--no-site-file",
        str(Path(__file__).with_suffix(".R")), str(N_SIM),
    ]  # fmt: skip
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    figures = {}
    for line in answer.stdout.splitlines():
        name, *values = line.split()
        figures[name] = [float.fromhex(value) for value in values]
    return figures


def show(counts: Counter[str], minute: float, actors: list[Actor]) -> None:
    worked = [f"{counts[w]} {w}" for w in ("fits", "predictions", "replicates", "frames")]
    survived = sum(counts[what] for what in SURVIVED)
    failed = [f"{counts[what]} {what}" for what in FAILURES]
    memory = ", ".join(f"{actor.name} {actor.resident()} MB" for actor in actors)
    print(
        f"{minute:5.1f} min  {', '.join(worked)}; faults survived: {survived}; "
        f"{', '.join(failed)}; {memory}",
        flush=True,
    )


def summary(actors: list[Actor]) -> Counter[str]:
    """Print a table, and return the sums."""
    total: Counter[str] = Counter()
    for actor in actors:
        total.update(actor.counts)
    rows = [
        "fits", "predictions", "bootstraps", "replicates", "frames", *SURVIVED, *FAILURES,
    ]  # fmt: skip
    names = [actor.name for actor in actors]
    print(f"\n| {'what':<16} | " + " | ".join(f"{name:>10}" for name in (*names, "all")) + " |")
    print(f"|{'-' * 18}|" + "-----------:|" * (len(names) + 1))
    for row in rows:
        cells = [actor.counts[row] for actor in actors] + [total[row]]
        print(f"| {row:<16} | " + " | ".join(f"{cell:>10}" for cell in cells) + " |")
    for what, pick in (("memory, first MB", 0), ("memory, last MB", -1)):
        cells = [actor.memory[pick] if actor.memory else 0 for actor in actors]
        print(
            f"| {what:<16} | " + " | ".join(f"{cell:>10}" for cell in [*cells, sum(cells)]) + " |"
        )
    return total


def watch(minutes: float, seed: int, log_path: Path) -> int:
    """Start the processes, watch them, and return the status."""
    with tempfile.TemporaryDirectory() as folder, log_path.open("w") as log:
        reference = Path(folder) / "reference.json"
        reference.write_text(json.dumps(plain_r()))
        actors = [Actor(name, reference, log) for name in ACTORS]
        end = time.monotonic() + 60 * minutes
        began = tick = time.monotonic()
        for actor in actors:
            actor.start(end - time.monotonic(), seed)
        left = list(actors)
        while left:
            time.sleep(0.5)
            for actor in list(left):
                if not actor.is_done():
                    continue
                seed += 1
                if end - time.monotonic() > 5:
                    actor.start(end - time.monotonic(), seed)
                else:
                    left.remove(actor)
            if time.monotonic() - tick >= 60 and left:
                tick = time.monotonic()
                counts: Counter[str] = Counter()
                for actor in actors:
                    counts.update(actor.counts)
                    if memory := actor.resident():
                        actor.memory.append(memory)
                show(counts, (tick - began) / 60, actors)
        time.sleep(0.5)  # for what is still being listened to
        total = summary(actors)
    failed = [what for what in FAILURES if total[what]]
    print(f"failed: {', '.join(failed)} (see {log_path})" if failed else "all of it survived")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0, help="how long (60)")
    parser.add_argument("--seed", type=int, default=1, help="of what is done when (1)")
    parser.add_argument("--log", type=Path, help="what processes say on stderr goes here")
    parser.add_argument("--act", choices=tuple(ACTORS), help=argparse.SUPPRESS)
    parser.add_argument("--reference", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.act:
        act(given.act, given.reference, 60 * given.minutes, given.seed)
        return 0
    log = given.log or Path(tempfile.mkstemp(prefix="pymer_bridge-soak-", suffix=".log")[1])
    return watch(given.minutes, given.seed, log)


if __name__ == "__main__":
    raise SystemExit(main())
