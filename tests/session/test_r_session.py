"""The one R thread: lazy, alone, interruptible, silent, and gone when Python goes."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import pymer_bridge as pb
from helpers import TESTS
from helpers.probing import probe
from pymer_bridge.errors import RError, SessionError, SingularFitWarning
from pymer_bridge.session.calls import HAND_OVER, Handle
from pymer_bridge.session.r_session import RSession, session

r = pytest.mark.r
CLASSIC = "Reaction ~ Days + (Days | Subject)"
FIT = f"""
import pymer_bridge as pb
fit = pb.lmer({CLASSIC!r}, pb.load_dataset("sleepstudy"))
assert fit.n_obs == 180 and round(fit.sigma, 3) == 25.592, fit.sigma
"""
posix = pytest.mark.skipif(os.name == "nt", reason="POSIX signals and fork")


def python(code: str, **environment: str) -> subprocess.Popen[str]:
    """Start a fresh Python with warnings as errors."""
    path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", **environment},
    )


def run(code: str, **environment: str) -> str:
    """Run code in a fresh Python, which has to end well and without a word on stderr."""
    process = python(code, **environment)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, ""), err
    return out


# -- importing -------------------------------------------------------------------------------------


def test_importing_loads_nothing_heavy():
    out = run("""
        import sys, threading
        import pymer_bridge, pymer_bridge.errors, pymer_bridge.session.installation
        import pymer_bridge.cli.commands, pymer_bridge.session.r_session
        heavy = {"rpy2", "numpy", "pandas", "matplotlib", "scipy", "cffi", "pyarrow"}
        print(sorted(heavy & set(sys.modules)), threading.active_count())
    """)
    assert out == "[] 1\n"


def test_importing_the_models_starts_no_r():
    out = run("""
        import sys, threading
        import pymer_bridge as pb
        pb.lmer, pb.load_dataset, pb.lmer_control, pb.show_versions
        print("rpy2" in sys.modules, threading.active_count())
    """)
    assert out == "False 1\n"


# -- one thread ------------------------------------------------------------------------------------


@r
def test_every_call_runs_on_the_one_thread(monkeypatch):
    seen = set()
    performed = RSession._perform

    def watched(self, operation, arguments, generator):
        seen.add(threading.current_thread().name)
        return performed(self, operation, arguments, generator)

    monkeypatch.setattr(RSession, "_perform", watched)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: session().call("sum", x=i), range(20)))
    session().call("sum", x=1)
    assert seen == {"pymer_bridge-R"}


@r
@posix
def test_r_does_not_ask_for_pythons_lock_while_it_evaluates(monkeypatch):
    """rpy2 answers R's every question for events in Python; it waits for threads that compute."""
    session().start()  # loads libR
    from rpy2.rinterface_lib import callbacks, openrlib  # noqa: PLC0415

    with openrlib.rlock:  # no operation runs
        theirs = openrlib.rlib.ptr_R_ProcessEvents
    asked = []
    monkeypatch.setattr(callbacks, "processevents", lambda: asked.append(threading.get_ident()))
    session().call("Sys.sleep", time=0.3)
    pb.lmer(CLASSIC, pb.load_dataset("sleepstudy"))
    assert not asked
    assert theirs != openrlib.ffi.NULL
    with openrlib.rlock:
        assert openrlib.rlib.ptr_R_ProcessEvents == theirs  # for others who use this R


@r
def test_r_objects_are_freed_on_the_one_thread():
    session().start()
    capi = import_module("rpy2.rinterface_lib._rinterface_capi")
    gc.collect()  # what tracebacks of other tests hold is freed on any thread, in R's turn
    freed_on = set()
    released = capi._release

    def watched(*arguments):
        freed_on.add(threading.current_thread().name)
        return released(*arguments)

    capi._release = watched
    try:
        kept = [session().call("new.env").value for _ in range(20)]
        assert all(isinstance(handle, Handle) for handle in kept)
        del kept
        gc.collect()
        session().call("sum", x=1)
    finally:
        capi._release = released
    assert freed_on == {"pymer_bridge-R"}


@r
def test_threads_get_the_results_of_one_thread():
    sleepstudy = pb.load_dataset("sleepstudy")
    formulas = [CLASSIC, "Reaction ~ Days + (1 | Subject)", "Reaction ~ 1 + (1 | Subject)"]

    def fit(formula):
        model = pb.lmer(formula, sleepstudy)
        return repr(model.fixed_effects("none").to_dict()), repr(model.fit_statistics.to_dict())

    alone = [fit(formula) for formula in formulas]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(fit, formulas * 8))
    assert together == alone * 8


@r
def test_threads_that_come_and_go_while_r_starts():
    out = run("""
        import threading
        from pymer_bridge.session.r_session import session
        answers = []
        def ask(): answers.append(session().call("sum", x=[1, 2]).value[0])
        threads = [threading.Thread(target=ask) for _ in range(8)]
        [thread.start() for thread in threads]; [thread.join() for thread in threads]
        print(answers == [3] * 8, sum(t.name == "pymer_bridge-R" for t in threading.enumerate()))
    """)
    assert out == "True 1\n"


def test_the_r_thread_does_not_wait_for_itself(monkeypatch):
    own = RSession()
    monkeypatch.setattr(own, "_thread", threading.current_thread())
    with pytest.raises(SessionError, match="itself"):
        own.call("sum", x=1)


# -- handles ---------------------------------------------------------------------------------------


def held() -> int:
    session().call("gc")  # after it the R thread has let go of the job before, and of its error
    gc.collect()
    session().call("gc")  # what was let go is freed before the next call
    return len(session()._objects)


@r
def test_handles_free_their_r_object():
    probe("same", x=1)
    before = held()
    kept = [probe("watched").value for _ in range(5)]
    assert held() == before + 5
    freed = probe("count_freed").value[0]
    del kept[1:]
    assert held() == before + 1
    assert probe("count_freed").value[0] == freed + 4
    del kept
    held()
    assert probe("count_freed").value[0] == freed + 5


@r
def test_models_free_their_r_object():
    before = held()
    model = pb.lmer(CLASSIC, pb.load_dataset("sleepstudy"))
    assert held() > before
    del model
    assert held() == before


@r
def test_a_failed_call_keeps_nothing():
    kept = session().call("new.env").value
    before = held()
    with pytest.raises(RError):
        probe("fail", x=kept)
    assert held() == before


@r
def test_handles_dropped_in_many_threads():
    before = held()

    def make_and_drop(_):
        for _ in range(20):
            session().call("new.env")
        gc.collect(1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make_and_drop, range(16)))
    assert held() == before


# -- errors ----------------------------------------------------------------------------------------


@r
def test_an_error_has_message_call_and_traceback():
    with pytest.raises(RError) as caught:
        probe("outer_fail")
    error = caught.value
    assert error.message == "it failed: deep"
    assert error.call == 'fail("deep")'
    assert 'fail("deep")' in error.traceback
    assert not any("run_operation" in line for line in error.traceback)
    assert "simpleError" in error.condition_class
    assert str(error) == 'R stopped in fail("deep"): it failed: deep'
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is RError
    assert vars(again) == vars(error)


@r
def test_an_unknown_operation_is_an_r_error():
    with pytest.raises(RError, match="no_such_function"):
        session().call("no_such_function", x=1)


@r
def test_what_no_r_vector_is_made_of():
    for thing in (object(), {1, 2}, np.zeros(2, dtype=complex), b"bytes", np.array(["a"])):
        with pytest.raises(TypeError):
            probe("same", x=thing)


@r
def test_infinite_recursion_is_an_r_error():
    for _ in range(2):
        with pytest.raises(RError, match=r"nested too deeply|stack"):
            probe("recurse", n=1)
        assert session().call("sum", x=[1, 2]).value[0] == 3
    assert pb.lmer(CLASSIC, pb.load_dataset("sleepstudy")).n_obs == 180


# -- Ctrl-C ----------------------------------------------------------------------------------------

READY = "ready"
PATIENCE = {"Python": 3.0, "an R loop": 3.0, "a long fit": 5.0}
"""Within so many seconds each stops."""


@pytest.fixture(scope="module")
def stopped() -> dict[str, float]:
    """Send SIGINT to one program at each kind of work; give the seconds until it was caught."""
    process = python(
        """
        from helpers.probing import probe
        from pymer_bridge.session.r_session import session
        import pymer_bridge as pb
        probe("same", x=1)

        def compute():
            while True:
                sum(range(1000))

        def stop(work):
            try:
                print("ready", flush=True)
                work()
            except KeyboardInterrupt:
                print("interrupted", flush=True)
            assert session().call("sum", x=[1, 2]).value[0] == 3

        stop(compute)
        stop(lambda: probe("spin"))
        data = pb.load_dataset("InstEval")
        session().require("lme4")

        def fit():
            while True:
                pb.lmer("y ~ service * dept + (1 | s) + (1 | d) + (1 | dept:service)", data)

        stop(fit)
        """
        + textwrap.indent(FIT, "        ")
    )
    assert process.stdout is not None
    taken = {}
    for work in PATIENCE:
        assert process.stdout.readline().strip() == READY
        time.sleep(0.4)
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        line = process.stdout.readline().strip()
        taken[work] = time.monotonic() - sent
        assert line == "interrupted"
    assert process.communicate(timeout=120) == ("", "")
    assert process.returncode == 0
    return taken


@r
@posix
@pytest.mark.parametrize("work", PATIENCE)
def test_ctrl_c_stops(work, stopped):
    assert stopped[work] < PATIENCE[work]


@pytest.fixture(scope="module")
def caught() -> list[str]:
    """Return what a program prints that is interrupted again and again, then beside threads."""
    out = run("""
        import os, signal, threading, time
        from helpers.probing import probe
        from pymer_bridge.session.r_session import session
        probe("same", x=1)
        caught = 0
        for i in range(20):
            timer = threading.Timer(0.02 + i / 500, os.kill, (os.getpid(), signal.SIGINT))
            timer.start()
            try:
                probe("spin")
            except KeyboardInterrupt:
                caught += 1
            timer.join()
            assert session().call("sum", x=[1, i]).value[0] == 1 + i
        print(caught)
        answers = []
        def ask():
            answers.append(int(session().call("sum", x=[1, 2]).value[0]))
        others = [threading.Thread(target=ask) for _ in range(3)]
        def later():
            time.sleep(0.3)
            [thread.start() for thread in others]
            time.sleep(0.3)
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=later).start()
        try:
            probe("spin")
        except KeyboardInterrupt:
            print("interrupted")
        [thread.join() for thread in others]
        print(answers)
    """)
    return out.splitlines()


@r
@posix
def test_ctrl_c_again_and_again(caught):
    assert caught[0] == "20"


@r
@posix
def test_ctrl_c_for_one_thread_leaves_the_others_alone(caught):
    assert caught[1:] == ["interrupted", "[3, 3, 3]"]


MOMENTS = {
    "convert.to_r": "interrupted",
    "_rinterface_capi.build_rcall": "interrupted",
    "_rinterface_capi._TYPEOF": "[3]",
}
"""Where an interrupt strikes, and what comes of it."""


@pytest.fixture(scope="module")
def struck() -> list[str]:
    """Return what a program prints that is struck at each moment, and asks R once more."""
    out = run(f"""
        from pymer_bridge.session.r_session import session
        r = session()
        r.call("sum", x=1)
        from rpy2.rinterface_lib import _rinterface_capi, openrlib
        from pymer_bridge.session import convert

        def meet(owner, name):
            theirs = getattr(owner, name)
            struck = []
            def strike(*arguments):
                answer = theirs(*arguments)
                if not struck and r._interrupts.current is not None:
                    struck.append(name)
                    r._interrupts.cancel(r._interrupts.current)
                    for _ in range(200):
                        openrlib.rlib.Rf_allocVector(openrlib.rlib.REALSXP, 10**6)
                return answer
            setattr(owner, name, strike)
            try:
                print(r.call("sum", x=[1, 2]).value.tolist(), end=" ")
            except KeyboardInterrupt:
                print("interrupted", end=" ")
            assert struck
            print(r.call("sum", x=[1, 5]).value.tolist())
            setattr(owner, name, theirs)

        for moment in {list(MOMENTS)!r}:
            owner, name = moment.split(".")
            meet(globals()[owner], name)
    """)
    return out.splitlines()


@r
@pytest.mark.parametrize("moment", MOMENTS)
def test_an_interrupt_meets_r_only_where_it_can_jump(moment, struck):
    """R looks for an interrupt whenever it has collected garbage, and jumps, if to nowhere."""
    told = dict(zip(MOMENTS, struck, strict=True))
    assert told[moment] == f"{MOMENTS[moment]} [6]"


# -- fork ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def forked() -> list[str]:
    """Return how children ended that were forked before R started and afterwards, and a sum."""
    out = run("""
        import os, warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # of fork beside threads
        import pymer_bridge as pb
        from pymer_bridge.errors import SessionError
        from pymer_bridge.session.r_session import session
        for _ in range(2):
            child = os.fork()
            if child == 0:
                code = 3
                try:
                    code = int(session().call("sum", x=[1, 2]).value[0]) + 40
                except SessionError as error:
                    code = 7 if "fork" in str(error) else 8
                finally:
                    os._exit(code)
            _, status = os.waitpid(child, 0)
            sum_here = int(session().call("sum", x=[1, 2]).value[0])
            print(os.waitstatus_to_exitcode(status), sum_here)
    """)
    return out.splitlines()


@r
@posix
def test_a_forked_child_is_told_that_r_is_its_parents(forked):
    assert forked[1] == "7 3"


@r
@posix
def test_a_child_forked_before_the_start_has_an_r_of_its_own(forked):
    assert forked[0] == "43 3"


# -- what R says -----------------------------------------------------------------------------------


@r
def test_nothing_is_printed_behind_the_users_back(capfd):
    outcome = probe("speak")
    assert capfd.readouterr() == ("", "")
    assert outcome.value.tolist() == [5]
    assert [w.message for w in outcome.warnings] == ["said by warning"]
    assert [m.message for m in outcome.messages] == ["said by message"]
    for said in ("said by cat", "said by print", "said to stderr", "int [1:3] 1 2 3"):
        assert said in outcome.output
    assert probe("same", x=1).output == ""
    with pytest.raises(RError):
        probe("outer_fail")
    assert capfd.readouterr() == ("", "")


@r
def test_a_singular_fit_warns_at_the_users_line():
    dyestuff2 = pb.load_dataset("Dyestuff2")
    with pytest.warns(SingularFitWarning, match="singular") as caught:
        fit = pb.lmer("Yield ~ 1 + (1 | Batch)", dyestuff2)
    assert [Path(warning.filename) for warning in caught] == [Path(__file__)]
    assert len(caught) == len(fit.messages) == 1
    assert fit.is_singular()
    assert fit.convergence.singular
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(SingularFitWarning):
            pb.lmer("Yield ~ 1 + (1 | Batch)", dyestuff2)


@r
def test_conditions_of_one_call_stay_with_it():
    with pytest.warns(SingularFitWarning):
        pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff2"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = pb.lmer(CLASSIC, pb.load_dataset("sleepstudy"))
    assert fit.messages == fit.warnings == ()


# -- values under a plain locale -------------------------------------------------------------------


@r
def test_accents_survive_the_c_locale():
    out = run(
        """
        import numpy as np, pandas as pd, warnings
        import pymer_bridge as pb
        from pymer_bridge.data.frames import collect, frame_from_r
        from pymer_bridge.session.r_session import session
        words = ["Zürich", "ß", "\\U0001f600", "日本", None, "e\\u0301"]
        data = pd.DataFrame({"é": words, "名": pd.Categorical(words[::-1])})
        back = frame_from_r(session().call("echo_frame", frame=collect(data).to_r()).value)
        print(back.columns.tolist() == ["é", "名"],
              back["é"].dropna().tolist() == [w for w in words if w],
              list(back["名"].cat.categories) == list(data["名"].cat.categories))
        rng = np.random.default_rng(1)
        groups = np.repeat(["Zürich", "Genève", "Bern", "Neuchâtel", "Köniz", "Biel"], 10)
        data = pd.DataFrame({"é": rng.normal(size=60) + np.repeat(np.arange(6), 10), "ort": groups})
        fit = pb.lmer("é ~ 1 + (1 | ort)", data)
        print(set(fit.group_coefficients.to_frame()["level"]) == set(groups))
        print(session().call("Sys.getlocale", category="LC_COLLATE").value)
        """,
        LC_ALL="C",
    )
    assert out.splitlines() == ["True True True", "True", "('C',)"]


# -- the end ---------------------------------------------------------------------------------------


@r
def test_python_ends_cleanly():
    out = run(
        FIT + "import tempfile; from pymer_bridge.session.r_session import session\n"
        "print(session().call('tempdir').value[0])"
    )
    assert not Path(out.strip()).exists()  # R took its folder away


@r
def test_python_ends_cleanly_after_an_error():
    process = python(FIT + "raise SystemExit(3)")
    assert process.communicate(timeout=120) == ("", "")
    assert process.returncode == 3


@r
def test_python_ends_cleanly_while_r_is_busy():
    began = time.monotonic()
    out = run("""
        import threading, time
        from helpers.probing import probe
        from pymer_bridge.session.r_session import session
        probe("same", x=1)
        threading.Thread(target=probe, args=("spin",), daemon=True).start()
        threading.Thread(target=probe, args=("spin",), daemon=True).start()
        time.sleep(0.5)
        print(session()._interrupts.current is not None)
    """)
    assert out == "True\n"
    assert time.monotonic() - began < 30


@r
def test_a_call_after_the_end_is_refused():
    out = run("""
        import atexit
        from pymer_bridge.errors import SessionError
        def late():
            try:
                session().call("sum", x=1)
            except SessionError as error:
                print(error)
        atexit.register(late)  # runs after what is registered later: R's end
        from pymer_bridge.session.r_session import session
        session().call("sum", x=1)
    """)
    assert "exiting" in out


@r
def test_big_vectors_cross():
    values = np.random.default_rng(1).normal(size=300_000)
    assert (probe("same", x=values).value == values).all()


@r
def test_the_lock_of_python_changes_hands_quickly_while_r_works() -> None:
    """And not for longer: the interval is the program's, also where it changes it meanwhile."""
    pb.load_dataset("sleepstudy")
    before = sys.getswitchinterval()
    assert before > HAND_OVER

    def asleep() -> threading.Thread:
        started = threading.Thread(target=lambda: session().call("Sys.sleep", time=0.2))
        started.start()
        time.sleep(0.05)
        return started

    try:
        threads = [asleep(), asleep()]  # the second waits for its turn
        assert sys.getswitchinterval() == pytest.approx(HAND_OVER)
        threads[0].join()
        assert sys.getswitchinterval() == pytest.approx(HAND_OVER)
        threads[1].join()
        assert sys.getswitchinterval() == before
        thread = asleep()
        sys.setswitchinterval(0.01)
        thread.join()
        assert sys.getswitchinterval() == pytest.approx(0.01)
        sys.setswitchinterval(0.0001)
        session().call("Sys.sleep", time=0.0)
        assert sys.getswitchinterval() == pytest.approx(0.0001)
    finally:
        sys.setswitchinterval(before)
