"""Threads, servers, notebooks, forks and signals: real processes, which fit as plain R afterwards.

Each program ends by fitting sleepstudy in the session that was abused, and prints the figures;
they are compared with those of an ``Rscript`` that knows nothing of this package, to the last bit.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import jupyter_client
import nbclient
import nbformat
import pytest
from tornado.websocket import websocket_connect

import pymer_bridge as pb
from helpers import ROOT, TESTS
from pymer_bridge.session import installation

pytestmark = [pytest.mark.r, pytest.mark.skipif(os.name == "nt", reason="POSIX signals and fork")]
SOAK = ROOT / "scripts" / "soak.py"
SECONDS = float(os.environ.get("PYMER_BRIDGE_ABUSE_SECONDS", "2"))
"""How long threads are at it; scripts/soak is at it for an hour."""
PATIENCE = 6.0
"""Seconds for what takes moments, on a machine that may be busy with other tests."""
WITHIN = 0.4
"""Seconds after which what is interrupted has long begun."""
READY = "ready"

PRELUDE = """
import json, os, signal, sys, threading, time, warnings
import pymer_bridge as pb
from pymer_bridge.session.r_session import session

CLASSIC = "Reaction ~ Days + (Days | Subject)"

def figures_of(fit):
    rows = fit.fixed_effects("none").rows
    return {
        "slopes:fixed": [row.estimate.hex() for row in rows],
        "slopes:errors": [row.std_error.hex() for row in rows],
        "slopes:sigma": [fit.sigma.hex()],
        "slopes:predict": [value.hex() for value in fit.predict().values.tolist()],
    }

def figures():
    return figures_of(pb.lmer(CLASSIC, pb.load_dataset("sleepstudy")))

def finish(**told):
    print(json.dumps({"figures": figures(), **told}), flush=True)
"""


@pytest.fixture(scope="module")
def plain() -> dict[str, list[str]]:
    """Return the figures of sleepstudy that plain R gives."""
    home = installation.r_home()
    assert home is not None
    answer = subprocess.run(
        [str(Path(home) / "bin" / "Rscript"), "--no-init-file", str(SOAK.with_suffix(".R")), "1"],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = (line.split() for line in answer.stdout.splitlines())
    found = {name: [float.fromhex(value).hex() for value in values] for name, *values in lines}
    return {name: values for name, values in found.items() if name.startswith("slopes:")}


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(TESTS)])}


STARTED: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def none_is_left() -> Iterator[None]:
    """End the programs of a test that failed before they had ended."""
    yield
    while STARTED:
        STARTED.pop().kill()


def _start(tmp_path: Path, code: str, prelude: str = PRELUDE) -> subprocess.Popen[str]:
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(prelude) + textwrap.dedent(code), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-W", "error", str(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=_environment(),
        cwd=tmp_path,
    )
    STARTED.append(process)
    return process


def _finished(
    process: subprocess.Popen[str], plain: dict[str, list[str]], patience: float = 120
) -> dict[str, Any]:
    """Wait until a program has ended well, with plain R's figures; return what it told."""
    try:
        out, err = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"it hangs: {process.communicate()}") from None
    assert (process.returncode, err) == (0, ""), err
    told: dict[str, Any] = json.loads(out.splitlines()[-1])
    assert told.pop("figures") == plain
    return told


# -- threads ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_threads_fit_predict_and_drop(tmp_path: Path, plain: dict[str, list[str]]) -> None:
    """Eight at once: no wrong figure, and nothing is left in R of the models that were dropped."""
    process = _start(
        tmp_path,
        f"""
        import gc, random
        from concurrent.futures import ThreadPoolExecutor

        data = pb.load_dataset("sleepstudy")
        new = data.head(20)
        def slopes(): return pb.lmer(CLASSIC, data)
        def counts():
            formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
            return pb.glmer(formula, cbpp, family="binomial")
        def line(): return pb.lm("Reaction ~ Days", data)
        cbpp = pb.load_dataset("cbpp")
        kinds = [slopes, counts, line]
        def told(fit):
            effects = fit.fixed_effects("none") if fit.formula == CLASSIC else fit.fixed_effects()
            return repr(effects.to_dict())
        def predicted(fit):
            at = cbpp.head(20) if "herd" in fit.formula else new
            return fit.predict(at).values.tobytes()
        expected = [(told(kind()), predicted(kind())) for kind in kinds]

        def settled():
            for _ in range(3):
                gc.collect()
                used = session().call("gc").value
            return len(session()._objects), float(used.ravel()[:2].sum())

        objects, cells = settled()
        end = time.monotonic() + {SECONDS}
        done = {{"fits": 0, "predictions": 0, "drops": 0, "wrong": 0}}
        lock = threading.Lock()
        def count(what):
            with lock:
                done[what] += 1

        def work(seed):
            chance, kept, rounds = random.Random(seed), [], 0
            while time.monotonic() < end or rounds < 10:
                rounds += 1
                which = chance.randrange(3)
                if chance.random() < 0.5 or not kept:
                    fit = kinds[which]()
                    count("fits")
                    if told(fit) != expected[which][0]:
                        count("wrong")
                    kept.append((which, fit))
                which, fit = chance.choice(kept)
                count("predictions")
                if predicted(fit) != expected[which][1]:
                    count("wrong")
                if len(kept) > 3:
                    kept.pop(chance.randrange(len(kept)))
                    count("drops")
                del fit

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        left, more = settled()
        finish(done=done, objects=left - objects, cells=more / cells)
        """,
    )
    told = _finished(process, plain, SECONDS + 120)
    print(told)
    assert told["done"]["wrong"] == 0
    assert min(told["done"]["fits"], told["done"]["predictions"], told["done"]["drops"]) > 0
    assert told["objects"] == 0
    assert told["cells"] < 1.02  # of R's cells, what garbage collection leaves


def test_many_threads_are_all_told_that_r_does_not_start(tmp_path: Path) -> None:
    process = _start(
        tmp_path,
        """
        from concurrent.futures import ThreadPoolExecutor
        os.environ["R_HOME"] = os.getcwd()
        def ask(i):
            try:
                session().call("sum", x=1)
            except pb.REnvironmentError as error:
                return "no working R" in str(error)
        with ThreadPoolExecutor(8) as pool:
            print(list(pool.map(ask, range(24))) == [True] * 24)
        del os.environ["R_HOME"]
        print(int(session().call("sum", x=[1, 2]).value[0]))
        """,
    )
    out, err = process.communicate(timeout=60)
    assert (out.split(), err) == (["True", "3"], "")


def test_the_program_ends_while_threads_ask(tmp_path: Path) -> None:
    for i in range(3):
        process = _start(
            tmp_path,
            f"""
            session().call("sum", x=1)
            def ask():
                while True:
                    try:
                        session().call("sum", x=list(range(1000)))
                    except pb.SessionError:  # R has ended, and Python is about to
                        return
            for _ in range(3):
                threading.Thread(target=ask, daemon=True).start()
            time.sleep(0.2 + {i} / 7)
            """,
        )
        assert process.communicate(timeout=60) == ("", "")
        assert process.returncode == 0


@pytest.fixture(scope="module")
def threads_told(
    tmp_path_factory: pytest.TempPathFactory, plain: dict[str, list[str]]
) -> dict[str, Any]:
    """Return what one program tells of Ctrl-C beside threads, of a queue, and of asyncio."""
    process = _start(
        tmp_path_factory.mktemp("threads"),
        """
        told = {}

        import itertools, random
        session().call("sum", x=1)
        chance, asked, wrong, ending = random.Random(1), [0] * 4, [], threading.Event()
        def ask(i):
            while not ending.is_set():
                asked[i] += 1
                if session().call("sum", x=[1, i]).value[0] != 1 + i:
                    wrong.append(i)
        threads = [threading.Thread(target=ask, args=(i,)) for i in range(4)]
        [thread.start() for thread in threads]
        caught = 0
        for _ in range(400):
            timer = threading.Timer(chance.uniform(0, 0.005), os.kill, (os.getpid(), signal.SIGINT))
            try:
                timer.start()
                while True:
                    session().call("sum", x=[1, 2])
            except KeyboardInterrupt:
                caught += 1
        ending.set()
        [thread.join() for thread in threads]
        told["interrupts"] = dict(caught=caught, wrong=wrong, asked=min(asked), figures=figures())

        from helpers.probing import probe
        from pymer_bridge.session import deadlines
        probe("same", x=1)
        ended = []
        def spin():
            try:
                with deadlines.within("spin", 3.0):
                    probe("spin")
            except pb.RTimeoutError as error:
                ended.append(error.operation)
        other = threading.Thread(target=spin)
        other.start()
        time.sleep(0.2)
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        began = time.monotonic()
        try:
            session().call("sum", x=1)
        except KeyboardInterrupt:
            taken = time.monotonic() - began
        went_on = not ended
        other.join()
        told["queue"] = dict(taken=taken, went_on=went_on, ended=ended, figures=figures())

        import asyncio

        async def ticks(lags):
            while True:
                began = time.monotonic()
                await asyncio.sleep(0.01)
                lags.append(time.monotonic() - began)

        async def main():
            expected, lags = figures(), []
            ticking = asyncio.create_task(ticks(lags))
            found = await asyncio.gather(*(asyncio.to_thread(figures) for _ in range(30)))
            data = pb.load_dataset("sleepstudy")
            stopped = await asyncio.gather(
                *(asyncio.to_thread(pb.lmer, CLASSIC, data, timeout=1e-4) for _ in range(10)),
                return_exceptions=True,
            )
            tasks = [asyncio.create_task(asyncio.to_thread(figures)) for _ in range(10)]
            await asyncio.sleep(0.02)
            for task in tasks:
                task.cancel()
            cancelled = await asyncio.gather(*tasks, return_exceptions=True)
            ticking.cancel()
            return {
                "right": sum(each == expected for each in found),
                "stopped": sum(isinstance(each, pb.RTimeoutError) for each in stopped),
                "cancelled": sum(isinstance(each, asyncio.CancelledError) for each in cancelled),
                "ticks": len(lags),
            }
        told["asyncio"] = dict(asyncio.run(main()), figures=figures())

        finish(told=told)
        """,
    )
    told: dict[str, Any] = _finished(process, plain)["told"]
    return told


def test_interrupts_at_any_moment_leave_the_r_thread_alive(
    threads_told: dict[str, Any], plain: dict[str, list[str]]
) -> None:
    """Ctrl-C may strike within the waiting itself, while other threads wait as well."""
    told = threads_told["interrupts"]
    assert told["figures"] == plain
    assert told["caught"] == 400
    assert told["wrong"] == []
    assert told["asked"] > 10


def test_ctrl_c_while_waiting_for_a_turn_leaves_the_queue(
    threads_told: dict[str, Any], plain: dict[str, list[str]]
) -> None:
    told = threads_told["queue"]
    assert told["figures"] == plain
    assert told["taken"] < 2.5
    assert told["went_on"]
    assert told["ended"] == ["spin"]


def test_asyncio(threads_told: dict[str, Any], plain: dict[str, list[str]]) -> None:
    """Fits in threads of asyncio: the loop goes on, and a cancelled task harms nothing."""
    told = threads_told["asyncio"]
    assert told["figures"] == plain
    assert (told["right"], told["stopped"], told["cancelled"]) == (30, 10, 10)
    assert told["ticks"] > 20


# -- servers ---------------------------------------------------------------------------------------

APP = """
import asyncio
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

app = FastAPI()
data = pb.load_dataset("sleepstudy")

class Wanted(BaseModel):
    formula: str
    timeout: float | None = None

def answer(wanted):
    try:
        fit = pb.lmer(wanted.formula, data, timeout=wanted.timeout)
    except pb.RTimeoutError as error:
        raise HTTPException(504, str(error)) from error
    except (pb.FormulaError, pb.DataConversionError) as error:
        raise HTTPException(422, str(error)) from error
    return figures_of(fit)

@app.post("/fit")
def fit(wanted: Wanted):
    return answer(wanted)

@app.post("/fit-async")
async def fit_async(wanted: Wanted):
    return await asyncio.to_thread(answer, wanted)

@app.get("/alive")
async def alive():
    return {"alive": True}
"""


def _free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port: int = chosen.getsockname()[1]
        return port


@contextmanager
def _served(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    (tmp_path / "served.py").write_text(textwrap.dedent(PRELUDE) + APP, encoding="utf-8")
    port = _free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "served:app", "--port", str(port)],
        cwd=tmp_path,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                httpx.get(f"{address}/alive")
                break
            except httpx.TransportError:
                assert process.poll() is None, process.communicate()
                time.sleep(0.1)
        yield address, process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_a_server_answers_many_at_once(tmp_path: Path, plain: dict[str, list[str]]) -> None:
    classic = "Reaction ~ Days + (Days | Subject)"
    wanted: list[tuple[str, dict[str, Any], int]] = [
        *[("/fit", {"formula": classic}, 200)] * 12,
        *[("/fit-async", {"formula": classic}, 200)] * 12,
        *[("/fit", {"formula": classic, "timeout": 1e-4}, 504)] * 6,
        *[("/fit", {"formula": "Reaction ~ hours + (1 | Subject)"}, 422)] * 4,
        *[("/fit-async", {"formula": "Reaction ~ system('id') + (1 | Subject)"}, 422)] * 4,
    ]

    async def ask(address: str) -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=12)
        async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as client:
            order = sorted(range(len(wanted)), key=lambda i: i * 7919 % 101)
            answers = await asyncio.gather(
                *(client.post(wanted[i][0], json=wanted[i][1]) for i in order),
                *(client.get("/alive") for _ in range(10)),
            )
            assert all(answer.json() == {"alive": True} for answer in answers[len(order) :])
            return [answer for _, answer in sorted(zip(order, answers, strict=False))]

    with _served(tmp_path) as (address, process):
        for (_, _, status), answer in zip(wanted, asyncio.run(ask(address)), strict=True):
            assert answer.status_code == status, answer.text
            if status == 200:
                assert answer.json() == plain
        again = httpx.post(f"{address}/fit", json={"formula": classic}, timeout=60)
        assert again.json() == plain
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=PATIENCE)


def test_a_streamlit_app_for_several_people(tmp_path: Path, plain: dict[str, list[str]]) -> None:
    """Each session of an app runs its script in a thread of its own, anew at each click."""
    (tmp_path / "app.py").write_text(
        textwrap.dedent(PRELUDE)
        + textwrap.dedent("""
        import pickle
        import streamlit as st
        days = st.slider("Days", 0, 9, 9)
        fit = pb.lmer(CLASSIC, pb.load_dataset("sleepstudy"))
        st.code(json.dumps(figures_of(fit)))
        st.dataframe(fit.fixed_effects("none").to_frame())
        st.html(fit)
        tables = (
            fit.fixed_effects("none"), fit.variance_components, fit.random_effects, fit.vcov,
            fit.fit_statistics, fit.convergence, fit.predict(), fit.group_coefficients,
        )
        for table in tables:
            st.dataframe(table)
            st.html(table)

        @st.cache_data
        def kept():
            return pb.lmer(CLASSIC, pb.load_dataset("sleepstudy"))

        @st.cache_data(hash_funcs={pb.LinearMixedModel: pickle.dumps})
        def figures_kept(model):
            return figures_of(model)

        assert figures_kept(kept()) == figures_kept(fit) == figures_of(fit)
        st.metric("at", fit.predict({"Days": [days]}, re_form="population").values[0].hex())
        """),
        encoding="utf-8",
    )
    with _streamlit(tmp_path) as port:
        people = asyncio.run(_all_at_once([_visit(port, (n, 9 - n)) for n in range(3)]))
    right = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    for number, pages in enumerate(people):
        for days, page in zip((number, 9 - number), pages, strict=True):
            kinds = [element.WhichOneof("type") for element in page]
            assert "exception" not in kinds, page
            tables = kinds.count("dataframe") + kinds.count("arrow_data_frame")  # before 1.67
            assert (kinds.count("html"), tables) == (9, 9), kinds
            by_kind = dict(zip(kinds, page, strict=True))
            assert json.loads(by_kind["code"].code.code_text) == plain
            at = right.predict({"Days": [days]}, re_form="population").values[0].hex()
            assert by_kind["metric"].metric.body == at
            assert all("<table" in each.html.body for each in page if each.HasField("html"))


@contextmanager
def _streamlit(folder: Path) -> Iterator[int]:
    """Serve the app of a folder as streamlit does; give the port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    told = folder / "told.txt"
    with told.open("w", encoding="utf-8") as out:
        options = ["--server.headless=true", "--browser.gatherUsageStats=false"]
        where = [f"--server.port={port}", "--server.address=127.0.0.1"]
        command = [sys.executable, "-m", "streamlit", "run", "app.py", *options, *where]
        outputs: dict[str, Any] = {"stdout": out, "stderr": subprocess.STDOUT}
        server = subprocess.Popen(command, cwd=folder, env=_environment(), text=True, **outputs)
    STARTED.append(server)
    try:
        _until_healthy(f"http://127.0.0.1:{port}/_stcore/health", server, told)
        yield port
    except BaseException as error:
        error.add_note(told.read_text(encoding="utf-8"))
        raise
    finally:
        server.terminate()
        server.wait(timeout=30)


def _until_healthy(address: str, server: subprocess.Popen[str], told: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and server.poll() is None:
        with suppress(httpx.TransportError):
            if httpx.get(address).status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"the server does not start: {told.read_text(encoding='utf-8')}")


async def _all_at_once(visits: list[Any]) -> list[Any]:
    return list(await asyncio.gather(*visits))


async def _visit(port: int, days: tuple[int, int]) -> list[list[Any]]:
    """Open the app as a browser does, move its slider, and return the elements of each page."""
    address = f"ws://127.0.0.1:{port}/_stcore/stream"
    browser = await websocket_connect(address, subprotocols=["streamlit"])
    browser.write_message(_rerun(), binary=True)
    page = await _page(browser)
    slider = next(each.slider for each in page if each.WhichOneof("type") == "slider")
    pages = []
    for day in days:
        browser.write_message(_rerun(slider.id, day), binary=True)
        pages.append(await _page(browser))
    browser.close()
    while await asyncio.wait_for(browser.read_message(), 30) is not None:
        pass  # the socket is open until the server has answered
    return pages


def _message(name: str) -> Any:
    """Return streamlit's class of a message."""
    return getattr(import_module(f"streamlit.proto.{name}_pb2"), name)


def _rerun(slider: str = "", day: int = 0) -> bytes:
    message = _message("BackMsg")()
    message.rerun_script.query_string = ""
    if slider:
        state = message.rerun_script.widget_states.widgets.add(id=slider)
        state.double_array_value.data.append(day)
    return bytes(message.SerializeToString())


async def _page(browser: Any) -> list[Any]:
    """Return what a run of the script shows, element by element."""
    elements = []
    while True:
        received = await asyncio.wait_for(browser.read_message(), 120)
        message = _message("ForwardMsg").FromString(received)
        kind = message.WhichOneof("type")
        if kind == "delta" and message.delta.HasField("new_element"):
            elements.append(message.delta.new_element)
        if kind == "script_finished":
            return elements


# -- notebooks -------------------------------------------------------------------------------------


def _run_cell(
    client: Any, code: str, interrupt: Callable[[], None] | None = None, within: float = WITHIN
) -> Any:
    """Run a cell, interrupting it once it has said that it is ready; return reply and output."""
    asked = client.execute(code)
    printed = ""
    while True:
        try:
            message = client.get_iopub_msg(timeout=60)
        except queue.Empty:
            raise AssertionError(f"the kernel hangs: {printed}") from None
        if message["parent_header"].get("msg_id") != asked:
            continue
        content = message["content"]
        if message["msg_type"] == "stream":
            printed += content["text"]
            if READY in content["text"] and interrupt is not None:
                time.sleep(within)
                interrupt()
        if message["msg_type"] == "status" and content["execution_state"] == "idle":
            break
    while True:
        reply = client.get_shell_msg(timeout=60)
        if reply["parent_header"].get("msg_id") == asked:
            return reply["content"], printed


LONG = {
    "lmer": """
        inst_eval = pb.load_dataset("InstEval")
        print("ready", flush=True)
        while True:
            pb.lmer("y ~ service * dept + (1 | s) + (1 | d) + (1 | dept:service)", inst_eval)
        """,
    "bootstrap": """
        fit = pb.lmer(CLASSIC, pb.load_dataset("sleepstudy"), reml=False)
        print("ready", flush=True)
        fit.bootstrap("parametric", 100_000, 1, n_jobs=1)
        """,
    "profile": """
        cake = pb.load_dataset("cake")
        fit = pb.lmer("angle ~ recipe * temperature + (1 | recipe:replicate)", cake)
        print("ready", flush=True)
        while True:
            fit.update().profile()
        """,
    "crossing": """
        global record
        if "record" not in globals():
            import pandas as pd
            from pymer_bridge.data.frames import collect
            record = collect(pd.DataFrame({"x": [f"level {i}" for i in range(1_000_000)]})).to_r()
            session().call("sum", x=1)
        print("ready", flush=True)
        while True:
            session().call("echo_frame", frame=record)
        """,
}


def test_a_notebook_kernel_is_interrupted_and_goes_on(
    tmp_path: Path, plain: dict[str, list[str]]
) -> None:
    manager, client = jupyter_client.manager.start_new_kernel(cwd=str(tmp_path), env=_environment())
    try:
        reply, _ = _run_cell(client, PRELUDE)
        assert reply["status"] == "ok", reply
        for name in ("lmer", "profile"):
            interrupted: list[float] = []

            def interrupt(times: list[float] = interrupted) -> None:
                times.append(time.monotonic())
                manager.interrupt_kernel()

            reply, _ = _run_cell(client, textwrap.dedent(LONG[name]), interrupt)
            assert time.monotonic() - interrupted[0] < PATIENCE
            assert (reply["status"], reply["ename"]) == ("error", "KeyboardInterrupt")
            reply, printed = _run_cell(client, "finish()")
            assert json.loads(printed) == {"figures": plain}
        code = textwrap.dedent(LONG["bootstrap"]).replace("n_jobs=1", "progress=True")
        # Only one that has begun says that it is a bootstrap.
        reply, _ = _run_cell(client, code, manager.interrupt_kernel, within=1.0)
        assert (reply["status"], reply["ename"]) == ("error", "BootstrapInterrupted")
        shown = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(reply["traceback"]))
        assert "progress=True)" in shown
        assert "pymer_bridge/" not in shown
        reply, printed = _run_cell(
            client,
            textwrap.dedent("""
            import asyncio
            found = await asyncio.gather(*(asyncio.to_thread(figures) for _ in range(6)))
            try:
                pb.lmer(CLASSIC, pb.load_dataset("sleepstudy"), timeout=1e-6)
            except pb.RTimeoutError as error:
                print(json.dumps([error.operation, all(each == found[0] for each in found)]))
            """),
        )
        assert json.loads(printed) == ["lmer", True]
        reply, printed = _run_cell(client, "finish()")
        assert json.loads(printed) == {"figures": plain}
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=False)
        manager.cleanup_resources()


MISTAKES = (
    'pb.lmer("Reaction ~ Dayz + (1 | Subject)", pb.load_dataset("sleepstudy"))',
    'pb.lmer("Reaction ~ Days + (1 | Subject", pb.load_dataset("sleepstudy"))',
    'pb.lmer("Reaction ~ system(1) + (1 | Subject)", pb.load_dataset("sleepstudy"))',
    'pb.lmer(CLASSIC, pb.load_dataset("sleepstudy").astype({"Reaction": str}))',
    'fit.fixed_effects(ddf="kenward")',
    'fit.fixed_effects("none")["Dayz"]',
    'fit.emmeans("Dayz")',
    'fit.predict(pb.load_dataset("sleepstudy")[["Subject"]])',
    'pb.load("nowhere.zip")',
    "fit.update(data=7)",
    "fit.n_obs = 3",
)


def test_a_notebook_of_several_cells(tmp_path: Path, plain: dict[str, list[str]]) -> None:
    cells = [
        PRELUDE,
        'fit = pb.lmer(CLASSIC, pb.load_dataset("sleepstudy"))\nfit',
        'pb.lmer("Reaction ~ hours + (1 | Subject)", pb.load_dataset("sleepstudy"))',
        "%time fit.confint(method='wald')",
        "del fit\nimport gc; gc.collect();",
        "finish()",
        'fit = pb.lmer(CLASSIC, pb.load_dataset("sleepstudy"))\n[fit]',
        *MISTAKES,
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(
        notebook, timeout=120, allow_errors=True, resources={"metadata": {"path": str(tmp_path)}}
    ).execute(env=_environment())
    outputs = [cell["outputs"] for cell in notebook.cells]
    assert "text/html" in outputs[1][0]["data"]
    assert outputs[2][-1]["ename"] == "DataConversionError"
    assert outputs[1][0]["data"]["text/plain"].startswith("Linear mixed model fit by REML\nFormula")
    assert json.loads(outputs[5][0]["text"]) == {"figures": plain}
    assert outputs[6][0]["data"]["text/plain"].startswith("[<LinearMixedModel 'Reaction")
    for cell, (shown,) in zip(MISTAKES, outputs[7:], strict=True):
        lines = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(shown["traceback"])).splitlines()
        assert len(lines) <= 5 + len(shown["evalue"].splitlines()), (cell, lines)
        assert f"----> 1 {cell}" in lines
        assert not [line for line in lines if "pymer_bridge/" in line], lines
        assert "\n".join(lines).endswith(f"{shown['ename']}: {shown['evalue']}"), lines


# -- other processes -------------------------------------------------------------------------------

FORKED = """
    import multiprocessing
    warnings.filterwarnings("ignore", message=".*fork", category=DeprecationWarning)

    def child(answers):
        try:
            answers.put(figures())
        except pb.SessionError as error:
            answers.put("refused" if "forked" in str(error) else str(error))

    def forked():
        context = multiprocessing.get_context("fork")
        answers = context.SimpleQueue()
        process = context.Process(target=child, args=(answers,))
        process.start()
        answer = answers.get()
        process.join(20)
        return answer, process.exitcode
"""


@pytest.fixture(scope="module")
def forks_told(
    tmp_path_factory: pytest.TempPathFactory, plain: dict[str, list[str]]
) -> dict[str, Any]:
    """Return what one program tells that forks before R starts, while it is idle, and busy."""
    process = _start(
        tmp_path_factory.mktemp("forks"),
        FORKED
        + """
    answer, code = forked()
    before = {"same": answer == figures(), "code": code}
    kept = pb.lmer(CLASSIC, pb.load_dataset("sleepstudy"))
    answers = [forked() for _ in range(3)]
    going = threading.Event()
    def fit_on():
        while not going.is_set():
            figures()
    busy = threading.Thread(target=fit_on)
    busy.start()
    answers += [forked() for _ in range(5)]
    going.set()
    busy.join()
    codes = []
    for end in ("raise SystemExit(4)", "del kept; raise SystemExit(5)"):
        pid = os.fork()
        if pid == 0:
            exec(end)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    finish(before=before, answers=answers, codes=codes)
    """,
    )
    return _finished(process, plain)


def test_a_fork_after_the_start_is_refused(forks_told: dict[str, Any]) -> None:
    """While R is idle, and while it fits; a child may end as programs do, or go on without R."""
    assert forks_told["answers"] == [["refused", 0]] * 8
    assert forks_told["codes"] == [4, 5]


def test_a_fork_before_the_start_has_its_own_r(forks_told: dict[str, Any]) -> None:
    assert forks_told["before"] == {"same": True, "code": 0}


def test_spawned_processes_and_loky_have_their_own_r(
    tmp_path: Path, plain: dict[str, list[str]]
) -> None:
    process = _start(
        tmp_path,
        """
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor
        from joblib.externals.loky import ProcessPoolExecutor as Loky

        def ask(i):
            return figures()

        if __name__ == "__main__":
            before, found, carried = figures(), [], []
            fit = pb.lmer(CLASSIC, pb.load_dataset("sleepstudy"))
            spawn = multiprocessing.get_context("spawn")
            for pool in (ProcessPoolExecutor(1, mp_context=spawn), Loky(1)):
                with pool:
                    found += list(pool.map(ask, range(2)))
                    carried += list(pool.map(figures_of, [fit, fit]))
            right = [sum(each == before for each in some) for some in (found, carried)]
            finish(right=right)
        """,
    )
    assert _finished(process, plain) == {"right": [4, 4]}


# -- signals ---------------------------------------------------------------------------------------


def _until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.strip() == READY, process.communicate()
    time.sleep(WITHIN)


SIGNALS = """
class Stop(Exception):
    pass

def stop(number, frame):
    raise Stop

def work():
{work}

handler = signal.signal(signal.SIGTERM, stop)
for _ in range(2):
    try:
        work()
    except (KeyboardInterrupt, Stop) as stopped:
        print(type(stopped).__name__, flush=True)
print(json.dumps(figures()), flush=True)
signal.signal(signal.SIGTERM, handler)
work()
"""


@pytest.mark.parametrize("name", LONG)
def test_signals_within(name: str, tmp_path: Path, plain: dict[str, list[str]]) -> None:
    """Ctrl-C and a handler that raises stop the work alone; SIGTERM ends the program at once."""
    work = textwrap.indent(textwrap.dedent(LONG[name]), "    ")
    process = _start(tmp_path, SIGNALS.format(work=work))
    assert process.stdout is not None
    stops = ("KeyboardInterrupt", "BootstrapInterrupted")
    for number, expected in ((signal.SIGINT, stops), (signal.SIGTERM, ("Stop",))):
        _until_ready(process)
        sent = time.monotonic()
        process.send_signal(number)
        assert process.stdout.readline().strip() in expected, process.communicate()
        # What crosses is not cut in two: a million strings are stopped when they are through.
        assert time.monotonic() - sent < (3 * PATIENCE if name == "crossing" else PATIENCE)
    assert json.loads(process.stdout.readline()) == plain
    _until_ready(process)
    sent = time.monotonic()
    process.terminate()
    assert process.communicate(timeout=PATIENCE) == ("", "")
    assert process.returncode == -signal.SIGTERM
    assert time.monotonic() - sent < 2.0


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return not Path("/proc").exists()


def _holds_r(pid: int) -> bool:
    if _is_gone(pid):
        return False
    try:
        return "libR.so" in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")
    except OSError:
        return Path("/proc").exists() and not _is_gone(pid)


@pytest.mark.slow
def test_sigterm_within_a_shared_bootstrap_keeps_what_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkpoint has it, the workers end too, and the same call goes on to the same result."""
    checkpoint, scratch = tmp_path / "checkpoint", tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    process = _start(
        tmp_path,
        f"""
        from joblib.externals.loky import reusable_executor
        from pymer_bridge.replicates import parallel
        parallel.START_SECONDS = 0.0  # share even this little work
        parallel.CHUNK_SECONDS = 0.1
        def say(done, total):
            time.sleep(0.3)  # there is work left when the worker has started
            pool = reusable_executor._executor
            print(done, *(() if pool is None else pool._processes or ()), flush=True)
        if __name__ == "__main__":
            fit = pb.lmer(CLASSIC, pb.load_dataset("sleepstudy"), reml=False)
            fit.bootstrap("parametric", 2000, 1, "fixed_effects", n_jobs=2, progress=say,
                          checkpoint={str(checkpoint)!r})
        """,
    )
    assert process.stdout is not None
    done, workers = 0, []
    for line in process.stdout:
        done, *workers = (int(word) for word in line.split())
        if done > 150 and any(map(_holds_r, workers)):  # one has begun
            break
    process.terminate()
    assert process.wait(timeout=PATIENCE) == -signal.SIGTERM
    began = time.monotonic()
    while any(map(_holds_r, workers)) and time.monotonic() < began + 20:
        time.sleep(0.1)
    assert workers
    # One that had not begun any work is ended by joblib, after some minutes.
    assert not any(map(_holds_r, workers))
    process.communicate(timeout=PATIENCE)
    assert not list(scratch.glob("pymer_bridge-*"))  # the models for the workers
    fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"), reml=False)
    said: list[int] = []
    again = fit.bootstrap(
        "parametric",
        2000,
        1,
        "fixed_effects",
        checkpoint=checkpoint,
        progress=lambda n, of: said.append(n),
    )
    assert said[0] > done >= 150
    whole = fit.bootstrap("parametric", 2000, 1, "fixed_effects")
    assert (again.replicates == whole.replicates).all()


# -- all of it -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_soak_run(tmp_path: Path) -> None:
    """Three seconds of scripts/soak, which is made to go on for an hour."""
    log = tmp_path / "log"
    # Of this seed each thread's first step, which a busy machine takes too, gives what is counted.
    command = [sys.executable, str(SOAK), "--minutes", "0.05", "--seed", "5", "--log", str(log)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=200, env=_environment(), check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{log.read_text()}"
    rows = {
        cells[1].strip(): int(cells[-2])
        for cells in (line.split("|") for line in done.stdout.splitlines())
        if len(cells) == 7 and cells[-2].strip().isdigit()
    }
    for what in ("fits", "replicates", "frames", "interrupts", "timeouts"):
        assert rows[what] > 0, done.stdout
    for what in ("crashes", "hangs", "wrong figures", "results lost", "objects left"):
        assert rows[what] == 0, done.stdout
