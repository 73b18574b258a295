"""``timeout=``: a fit that takes too long is stopped, says so, and leaves everything as it was."""

from __future__ import annotations

import gc
import inspect
import math
import pickle
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers.probing import probe
from pymer_bridge.session import deadlines
from pymer_bridge.session.interrupts import PATIENCE
from pymer_bridge.session.r_session import session

pytestmark = pytest.mark.r
CLASSIC = "Reaction ~ Days + (Days | Subject)"
CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
BIG = "y ~ service * dept + (1 | s) + (1 | d) + (1 | dept:service)"
SOON = 1e-6
"""No fit is so fast."""


@pytest.fixture(scope="module")
def sleepstudy() -> pd.DataFrame:
    return pb.load_dataset("sleepstudy")


@pytest.fixture(scope="module")
def fit(sleepstudy: pd.DataFrame) -> Any:
    return pb.lmer(CLASSIC, sleepstudy)


def _figures(model: Any) -> str:
    return repr((model.fixed_effects("none").to_dict(), model.variance_components.to_dict()))


@pytest.fixture(autouse=True)
def _the_session_still_fits(fit: Any, sleepstudy: pd.DataFrame) -> Any:
    """After each test a new fit has the figures of the one before, to the last bit."""
    before = _figures(fit)
    yield
    assert deadlines.current() is None
    assert _figures(pb.lmer(CLASSIC, sleepstudy)) == before


# -- every function that fits ----------------------------------------------------------------------

FITS: dict[str, Callable[..., Any]] = {
    "lmer": lambda **k: pb.lmer(CLASSIC, pb.load_dataset("sleepstudy"), **k),
    "glmer": lambda **k: pb.glmer(CBPP, pb.load_dataset("cbpp"), family="binomial", **k),
    "glmer_nb": lambda **k: pb.glmer_nb(
        "TICKS ~ YEAR + (1 | BROOD)", pb.load_dataset("grouseticks"), **k
    ),
    "nlmer": lambda **k: pb.nlmer(
        "circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree",
        pb.load_dataset("Orange", package="datasets"),
        start={"Asym": 200, "xmid": 725, "scal": 350}, **k,
    ),
    "lm": lambda **k: pb.lm("Reaction ~ Days", pb.load_dataset("sleepstudy"), **k),
    "glm": lambda **k: pb.glm(
        "TICKS ~ YEAR", pb.load_dataset("grouseticks"), family="poisson", **k
    ),
    "lm_list": lambda **k: pb.lm_list(
        "Reaction ~ Days | Subject", pb.load_dataset("sleepstudy"), **k
    ),
    "fit_many": lambda **k: pb.fit_many(
        "~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"), ["Reaction"], **k
    ),
}  # fmt: skip


def _loaded(fit: Any, **given: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        return pb.load(fit.save(f"{folder}/fit.pbr.zip"), **given)


METHODS: dict[str, Callable[..., Any]] = {
    "update": lambda fit, **k: fit.update(reml=False, **k),
    "refit": lambda fit, **k: fit.refit(fit.fitted.to_numpy() + 1, **k),
    "refit_ml": lambda fit, **k: fit.refit_ml(**k),
    "all_fit": lambda fit, **k: fit.all_fit(**k),
    "confint": lambda fit, **k: fit.confint(**k),
    "profile": lambda fit, **k: fit.profile(**k),
    "bootstrap": lambda fit, **k: fit.bootstrap("parametric", 50, 1, **k),
    "influence": lambda fit, **k: fit.influence("Subject", **k),
    "pb_modcomp": lambda fit, **k: pb.pb_modcomp(fit, "Days", n_sim=50, seed=1, **k),
    "compare_inference": lambda fit, **k: pb.compare_inference(fit, "Days", n_sim=50, **k),
    "verify": pb.verify,
    "load": _loaded,
}


@pytest.mark.parametrize("name", FITS)
def test_every_function_that_fits_has_a_timeout(name: str) -> None:
    with pytest.raises(
        pb.RTimeoutError, match=rf"^{name}\(\) did not end .*1e-06 seconds"
    ) as raised:
        FITS[name](timeout=SOON)
    assert (raised.value.operation, raised.value.seconds) == (name, SOON)
    assert isinstance(raised.value, TimeoutError)
    assert isinstance(raised.value, pb.PymerError)


@pytest.mark.parametrize("name", METHODS)
def test_every_long_operation_has_a_timeout(name: str, fit: Any) -> None:
    with pytest.raises(pb.RTimeoutError, match=rf"^{name}\(\) did not end") as raised:
        METHODS[name](fit, timeout=SOON)
    assert raised.value.partial is None


QUICK = sorted({*FITS, "refit", "refit_ml", "update"} - {"glmer_nb"})


@pytest.mark.filterwarnings("ignore::pymer_bridge.ConvergenceWarning")  # nlmer's, of Orange
@pytest.mark.parametrize("name", QUICK)
def test_a_timeout_that_suffices_changes_nothing(name: str, fit: Any) -> None:
    base = fit if name == "refit_ml" else fit.update(reml=False)
    make = FITS[name] if name in FITS else lambda **k: METHODS[name](base, **k)
    with_it, without = make(timeout=600), make()
    if name == "fit_many":
        assert with_it.values.tobytes() == without.values.tobytes()
        return
    assert str(with_it) == str(without)
    if hasattr(with_it, "spec"):
        told = [
            {field: repr(getattr(made.spec, field)) for field in made.spec.__dataclass_fields__}
            for made in (with_it, without)
        ]
        assert told[0] == told[1]


def test_a_timeout_is_no_part_of_the_model(sleepstudy: pd.DataFrame, tmp_path: Path) -> None:
    made = [pb.lmer(CLASSIC, sleepstudy, **given) for given in ({}, {"timeout": 77.25})]
    made += [made[0].update(reml=False), made[0].update(reml=False, timeout=77.25)]
    written = []
    for number, model in enumerate(made):
        folder = tmp_path / str(number)
        folder.mkdir()
        model.to_r_script(folder / "fit.R")
        model.save(folder / "fit.pb")
        pb.record(model, path=folder / "record.json")
        for path in folder.iterdir():
            content = path.read_bytes()
            assert b"timeout" not in content
            assert b"77.25" not in content
        written.append((folder / "fit.R").read_text())
        assert "timeout" not in model.summary().text
        assert pb.load(folder / "fit.pb").sigma == model.sigma
    assert written[0] == written[1]
    assert written[2] == written[3]


def test_every_documented_timeout_is_there() -> None:
    holders = (pb.LinearMixedModel, pb)
    names = (*FITS, *METHODS)
    functions = [next(getattr(h, n) for h in holders if hasattr(h, n)) for n in names]
    for function in functions:
        parameter = inspect.signature(function).parameters["timeout"]
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert parameter.default is None
        assert "timeout\n" in inspect.getdoc(function)  # type: ignore[operator]
        assert "RTimeoutError" in inspect.getdoc(function)  # type: ignore[operator]


# -- what is accepted ------------------------------------------------------------------------------

WRONG = (0, -1, True, False, math.nan, math.inf, -math.inf, "5", [5], 1j, np.float64("nan"))


@pytest.mark.parametrize("timeout", WRONG, ids=repr)
def test_a_timeout_is_a_positive_number_of_seconds(timeout: Any, fit: Any) -> None:
    for call in (FITS["lmer"], fit.update, fit.confint):
        with pytest.raises(pb.OptionError, match=r"timeout=.* positive number of seconds"):
            call(timeout=timeout)


@pytest.mark.parametrize("timeout", [600, 600.0, np.float32(600), np.int64(600), 1e300])
def test_numbers_of_every_kind_are_accepted(timeout: Any, sleepstudy: pd.DataFrame) -> None:
    assert pb.lm("Reaction ~ Days", sleepstudy, timeout=timeout).n_obs == 180


# -- how it comes about ----------------------------------------------------------------------------


def _seconds(call: Callable[[], Any]) -> tuple[float, pb.RTimeoutError]:
    began = time.monotonic()
    with pytest.raises(pb.RTimeoutError) as raised:
        call()
    return time.monotonic() - began, raised.value


def _spin(timeout: float, operation: str = "spin") -> None:
    with deadlines.within(operation, timeout):
        probe("spin")


def test_r_is_stopped_at_once() -> None:
    probe("same", x=1)
    for timeout in (0.05, 0.3, 1.0):
        taken, error = _seconds(lambda: _spin(timeout))  # noqa: B023  # called here
        assert timeout <= taken < timeout + 1.5
        assert error.detail == ""
        assert session().call("sum", x=[1, 2]).value[0] == 3


@pytest.mark.slow
def test_a_long_fit_is_stopped() -> None:
    inst_eval = pb.load_dataset("InstEval")
    taken, _ = _seconds(lambda: pb.lmer(BIG, inst_eval, timeout=1.0))
    assert 1.0 <= taken < 1.0 + PATIENCE


def test_short_timeouts_by_the_dozen(fit: Any, sleepstudy: pd.DataFrame) -> None:
    before, ended = _figures(fit), 0
    for i in range(60):
        try:
            made = pb.lmer(CLASSIC, sleepstudy, timeout=0.002 * (i + 1))
        except pb.RTimeoutError:
            continue
        ended += 1
        assert _figures(made) == before
    assert _figures(pb.lmer(CLASSIC, sleepstudy, timeout=600)) == before


def test_waiting_for_another_threads_call_counts(sleepstudy: pd.DataFrame) -> None:
    """What waits for its turn leaves the queue at its timeout, and the running call goes on."""
    probe("same", x=1)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(_seconds, lambda: _spin(3.0, "the other"))
        time.sleep(0.3)
        taken, error = _seconds(lambda: pb.lm("Reaction ~ Days", sleepstudy, timeout=0.5))
        assert 0.5 <= taken < 1.5
        assert error.operation == "lm"
        assert "busy with another thread's call" in str(error)
        assert not running.done()
        other, error = running.result()
    assert 3.0 <= other < 4.5
    assert error.operation == "the other"


def test_a_timeout_belongs_to_its_thread(sleepstudy: pd.DataFrame) -> None:
    def fit_often(timeout: float | None) -> int:
        stopped = 0
        for _ in range(10):
            try:
                pb.lmer(CLASSIC, sleepstudy, timeout=timeout)
            except pb.RTimeoutError:
                stopped += 1
        return stopped

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(fit_often, [SOON, None, SOON, None])) == [10, 0, 10, 0]


def test_the_earlier_of_two_deadlines_holds() -> None:
    for outer, inner, name in ((0.2, 60.0, "outer"), (60.0, 0.2, "inner")):
        began = time.monotonic()
        with (
            pytest.raises(pb.RTimeoutError) as raised,
            deadlines.within("outer", outer),
            deadlines.within("inner", inner),
        ):
            probe("spin")
        assert raised.value.operation == name
        assert time.monotonic() - began < 30.0


def test_an_error_of_r_stays_an_error_of_r(sleepstudy: pd.DataFrame) -> None:
    with pytest.raises(pb.RError, match="number of levels"):
        pb.lmer("Reaction ~ Days + (1 | row)", sleepstudy.assign(row=range(180)), timeout=60)


def test_an_update_names_itself_and_not_what_it_calls(fit: Any) -> None:
    with pytest.raises(pb.RTimeoutError, match=r"^update\(\)"):
        fit.update(". ~ . - Days", timeout=SOON)


def test_the_error_arrives_whole_from_another_process() -> None:
    error = pb.RTimeoutError("lmer", 2.5, "after 3 of 9 replicates", [1, 2])
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is pb.RTimeoutError
    assert vars(again) == vars(error)
    assert str(again) == str(error)
    assert str(error) == (
        "lmer() did not end within timeout=2.5 seconds, and was stopped (after 3 of 9 "
        "replicates); give it more time (timeout=), or ask for less"
    )


# -- runs of many fits -----------------------------------------------------------------------------


def _stopped_midway(call: Callable[[float], Any]) -> pb.RTimeoutError:
    """Stop a run as soon as it has finished something, however fast the machine is."""
    seconds = 0.1
    while True:
        try:
            call(seconds)
        except pb.RTimeoutError as error:
            if error.partial is not None:
                return error
            seconds *= 2
        else:
            seconds /= 3


@pytest.fixture(scope="module")
def replicates(fit: Any) -> bytes:
    """Return those of a bootstrap that nothing stopped."""
    made = fit.update(reml=False).bootstrap("parametric", 300, 1, "fixed_effects")
    return bytes(made.replicates.tobytes())


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_bootstrap_keeps_what_was_finished_in_time(
    n_jobs: int, fit: Any, replicates: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pymer_bridge.replicates import parallel  # noqa: PLC0415

    monkeypatch.setattr(parallel, "START_SECONDS", 0.0)  # share even this little work
    by_likelihood = fit.update(reml=False)
    said: list[int] = []

    def linger(done: int, total: int) -> None:
        said.append(done)
        time.sleep(1.1)  # the time ends here, however fast the machine is

    def bootstrap(**given: Any) -> Any:
        return by_likelihood.bootstrap(
            "parametric", 300, 1, "fixed_effects", n_jobs=n_jobs, **given
        )

    path = tmp_path / "checkpoint"
    taken, error = _seconds(lambda: bootstrap(checkpoint=path, timeout=1.0, progress=linger))
    assert 1.0 <= taken < 1.0 + PATIENCE
    assert f"after {said[-1]} of 300 replicates; they are in {path}" in str(error)
    kept = error.partial
    assert 0 < len(kept.iterations) == said[-1] < 300
    said.clear()
    whole = bootstrap(checkpoint=path, progress=lambda n, of: said.append(n))
    assert said[0] > len(kept.iterations)
    assert (whole.replicates[kept.iterations - 1] == kept.replicates).all()
    assert whole.replicates.tobytes() == replicates


@pytest.mark.slow
def test_other_runs_keep_what_was_finished_in_time(fit: Any, sleepstudy: pd.DataFrame) -> None:
    error = _stopped_midway(lambda seconds: fit.influence(timeout=seconds))
    rows = error.partial.rows
    assert len(rows) == 180
    assert 0 < sum(row.error is None for row in rows) < 180
    error = _stopped_midway(
        lambda seconds: pb.pb_modcomp(fit, "Days", n_sim=2000, seed=1, timeout=seconds)
    )
    assert 0 < error.partial.size < 2000
    columns = pd.DataFrame({f"y{i}": sleepstudy["Reaction"] + i for i in range(300)})
    many = pd.concat([sleepstudy, columns], axis=1)
    design = "~ Days + (Days | Subject)"
    error = _stopped_midway(
        lambda seconds: pb.fit_many(design, many, list(columns), timeout=seconds)
    )
    assert 0 < len(error.partial.responses) < 300


def test_routes_that_were_taken_in_time_are_kept(fit: Any) -> None:
    routes = ["normal", "satterthwaite", "parametric-bootstrap"]
    pb.compare_inference(fit, "Days", routes[:2])  # loads what they need
    with pytest.raises(pb.RTimeoutError, match="after 2 of 3 methods") as raised:
        pb.compare_inference(fit, "Days", routes, n_sim=100_000, timeout=2)
    assert [row.method for row in raised.value.partial.rows] == routes[:2]
    assert [row.note for row in raised.value.partial.rows] == ["", ""]


def test_plain_r_is_ended_with_its_deadline(fit: Any) -> None:
    start = time.monotonic()
    with pytest.raises(pb.RTimeoutError, match=r"^verify\(\) did not end .*plain R was ended"):
        pb.verify(fit, runs=50, timeout=1.5)
    assert time.monotonic() - start < 60
    assert pb.verify(fit, runs=1, timeout=600).ok


# -- what a stopped fit leaves ---------------------------------------------------------------------


def test_stopped_fits_leave_nothing_in_r(sleepstudy: pd.DataFrame) -> None:
    def kept() -> int:
        gc.collect()  # models of earlier tests too
        for _ in range(2):
            session().call("gc")
        return len(session()._objects)

    before = kept()
    tries = stopped = 0
    while stopped < 30:  # at different moments, however fast the machine is
        tries += 1
        try:
            pb.lmer(CLASSIC, sleepstudy, timeout=0.0005 + 0.0002 * (tries % 20))
        except pb.RTimeoutError:
            stopped += 1
    assert kept() == before
    assert not session()._waiting._jobs


def test_stopped_fits_are_in_no_record(sleepstudy: pd.DataFrame, tmp_path: Path) -> None:
    named = sleepstudy.rename(columns={"Days": "nights"})
    with pytest.raises(pb.RTimeoutError):
        pb.lmer("Reaction ~ nights + (1 | Subject)", named, timeout=SOON)
    model = pb.lmer(CLASSIC, sleepstudy)
    text = pb.session_script(tmp_path / "session.R").read_text()
    assert "nights" not in text
    assert model.n_obs == 180
