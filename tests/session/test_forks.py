"""Children that are forked at any moment: an answer or a ``SessionError``, and no child hangs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from helpers import ROOT, TESTS

pytestmark = [pytest.mark.r, pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")]

PRELUDE = """
import collections, json, os, signal, sys, threading, time, warnings
warnings.simplefilter("ignore")  # of fork beside threads, and of R
import pymer_bridge as pb

CLASSIC = "Reaction ~ Days + (1 | Subject)"
SECONDS = 30

def child(do):
    # Fork, do something in the child, and return how that ended; a child that hangs is killed.
    pid = os.fork()
    if pid:
        return pid
    code = 9
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(SECONDS)
        do()
        code = 0
    except pb.SessionError as error:
        code = 7 if "fork" in str(error) else 8
    except BaseException as error:
        print(type(error).__name__, error, file=sys.stderr)
    finally:
        os._exit(code)

def ends(pids):
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]

def fit():
    return pb.lmer(CLASSIC, pb.load_dataset("sleepstudy"))
"""


def _told(code: str, tmp_path: Path) -> Any:
    program = tmp_path / "program.py"
    program.write_text(PRELUDE + textwrap.dedent(code), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(program)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(TESTS)])},
        cwd=tmp_path,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_forks_while_another_thread_imports_and_starts_r(tmp_path: Path) -> None:
    """From the first import to the first fit, every tenth of a second."""
    told = _told(
        """
        thread = threading.Thread(target=fit)
        wants = [
            fit, lambda: pb.lmer, lambda: pb.show_versions(), lambda: pb.load_dataset("cbpp"),
            lambda: pb.lm("Reaction ~ Days", {"Reaction": [1.0, 2, 4], "Days": [1, 2, 3]}),
            lambda: pb.citation(),
        ]
        pids = []
        thread.start()
        while thread.is_alive():
            pids.append(child(wants[len(pids) % len(wants)]))
            time.sleep(0.1)
        thread.join()
        found = collections.Counter(ends(pids))
        print(json.dumps({"found": found, "after": fit().n_obs}))
        """,
        tmp_path,
    )
    print(told)
    # pb.lmer alone needs no R, once it is imported.
    assert set(told["found"]) <= {"7", "0"}
    assert told["found"]["7"] >= 5
    assert told["after"] == 180


SLOW = {
    "pymer_bridge.models": False,
    "pymer_bridge.models.lmer": True,
    "numpy": False,
    "pandas": True,
    "rpy2.rinterface": False,
    "pymer_bridge.session.r_session": True,
    "pymer_bridge.session.convert": False,
    "pymer_bridge.session.datasets": True,
}
"""Modules that a program takes its time to find (True), or to execute."""


@pytest.fixture(scope="module")
def within_imports(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return how children ended, by the module in whose import they were forked, and a fit."""
    return _told(
        f"""
        import importlib.abc, importlib.machinery, queue

        met, first = queue.SimpleQueue(), os.getpid()

        class Slow(importlib.abc.MetaPathFinder):
            def __init__(self, name, finding):
                self.name, self.finding, self.is_met = name, finding, False
            def find_spec(self, name, path=None, target=None):
                if name != self.name or self.is_met or os.getpid() != first:
                    return None
                self.is_met = True
                if self.finding:
                    met.put(name)
                    time.sleep(1.5)
                    return None
                spec = importlib.machinery.PathFinder.find_spec(name, path)
                real = spec.loader.exec_module
                def slowly(module):
                    met.put(name)
                    time.sleep(1.5)
                    real(module)
                spec.loader.exec_module = slowly
                return spec

        slow = {SLOW!r}
        sys.meta_path[:0] = [Slow(*each) for each in slow.items()]
        thread = threading.Thread(target=fit)
        thread.start()
        wants = (fit, lambda: pb.show_versions(), lambda: pb.load_dataset("cbpp"))
        found = {{}}
        for _ in slow:
            name = met.get(timeout=60)
            time.sleep(0.2)
            found[name] = ends([child(want) for want in wants])
        thread.join()
        print(json.dumps([found, fit().n_obs]))
        """,
        tmp_path_factory.mktemp("imports"),
    )


@pytest.mark.parametrize("name", SLOW)
@pytest.mark.slow
def test_forks_within_the_import_of(name: str, within_imports: Any) -> None:
    found, after = within_imports
    assert [*found[name], after] == [7, 7, 7, 180]


def test_forks_while_locks_are_held(tmp_path: Path) -> None:
    """Each of our locks in another thread's hands, and R at work, for every kind of call."""
    told = _told(
        """
        from pymer_bridge.r_script.journal import journal
        from pymer_bridge.replicates import functions
        from pymer_bridge.session.r_session import session

        def held(lock):
            taken, enough = threading.Event(), threading.Event()
            def hold():
                with lock:
                    taken.set()
                    enough.wait()
            thread = threading.Thread(target=hold)
            thread.start()
            taken.wait()
            return lambda: (enough.set(), thread.join())

        def nothing():
            return lambda: None

        def busy(do):
            enough = threading.Event()
            def work():
                while not enough.is_set():
                    do()
            thread = threading.Thread(target=work)
            thread.start()
            time.sleep(0.2)
            return lambda: (enough.set(), thread.join())

        def slope(model):
            time.sleep(0.01)
            return model.fixed_effects("none")["Days"].estimate

        # Before R starts, in a child: it starts an R of its own.
        enough = held(session()._interrupts.lock)
        early = [child(fit)]
        time.sleep(0.5)
        enough()
        early += [child(lambda: session().call("sum", x=1))]
        early = ends(early)

        model = fit()
        situations = {
            "nothing": nothing,
            "the lock of interrupts": lambda: held(session()._interrupts.lock),
            "the lock of the journal": lambda: held(journal._lock),
            "the lock of warnings": lambda: held(functions._hearing._lock),
            "fits": lambda: busy(fit),
            "a bootstrap": lambda: busy(lambda: model.bootstrap("parametric", 50, 1)),
            "a statistic": lambda: busy(lambda: model.bootstrap("parametric", 5, 1, slope)),
            "scripts": lambda: busy(lambda: model.to_r_script("script.R")),
            "data": lambda: busy(lambda: pb.load_dataset("cbpp")),
        }
        calls = {
            "lmer": fit,
            "bootstrap": lambda: model.bootstrap("parametric", 2, 1),
            "statistic": lambda: model.bootstrap("parametric", 2, 1, slope),
            "influence": lambda: model.influence("Subject"),
            "confint": lambda: model.confint("wald"),
            "predict": lambda: model.predict({"Days": [1], "Subject": ["308"]}),
            "simulate": lambda: model.simulate(2, seed=1),
            "update": lambda: model.update(reml=False),
            "to_r_script": lambda: model.to_r_script("child.R"),
            "session_script": lambda: pb.session_script("child.R"),
            "save": lambda: model.save("child.pbr.zip"),
            "verify": lambda: pb.verify(model),
            "load_dataset": lambda: pb.load_dataset("cbpp"),
            "show_versions": lambda: pb.show_versions(),
        }
        found = {}
        for situation, begin in situations.items():
            end = begin()
            pids = [child(call) for call in calls.values()]
            found[situation] = dict(zip(calls, ends(pids), strict=True))
            end()
        print(json.dumps({"early": early, "found": found, "after": fit().n_obs}))
        """,
        tmp_path,
    )
    assert told["early"] == [0, 0]
    assert told["after"] == 180
    others = {
        (situation, call): code
        for situation, codes in told["found"].items()
        for call, code in codes.items()
        if code != 7
    }
    # What asks R for nothing is answered.
    assert set(others.values()) <= {0}, others
    print(f"{sum(map(len, told['found'].values()))} children, answered: {sorted(others)}")


def test_a_child_ends_and_lets_go_as_programs_do(tmp_path: Path) -> None:
    """Its models are dropped, its threads end, and a child of its own is told the same."""
    told = _told(
        """
        import concurrent.futures, multiprocessing
        model = fit()
        def ask(i):
            try:
                return fit().n_obs
            except pb.SessionError:
                return -1
        context = multiprocessing.get_context("fork")
        with context.Pool(2) as pool:
            answers = pool.map(ask, range(4))
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
            answers += list(pool.map(ask, range(4)))
        pid = os.fork()
        if pid == 0:
            signal.alarm(SECONDS)
            inner = ends([child(fit) for _ in range(3)])
            del model
            thread = threading.Thread(target=ask, args=(1,))
            thread.start()
            thread.join()
            sys.exit(10 + sum(code == 7 for code in inner))  # with all that runs at the end
        print(json.dumps({"answers": answers, "ended": ends([pid]), "after": fit().n_obs}))
        """,
        tmp_path,
    )
    assert told == {"answers": [-1] * 8, "ended": [13], "after": 180}
