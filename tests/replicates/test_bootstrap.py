"""Bootstraps against plain R, in the same process and to the last bit."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import warnings
from contextlib import closing
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from joblib.externals.loky import reusable_executor

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.live import assert_same_bits
from helpers.probing import plain_r, probe
from helpers.refusal import refused
from pymer_bridge.errors import FormulaError, OptionError, PymerWarning, UnknownNameError
from pymer_bridge.replicates import engine, parallel
from pymer_bridge.session.r_session import session

pytestmark = [pytest.mark.r, pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning")]

REFERENCE = REFERENCES / "bootstrap.R"
STATE = "function(fit) c(getME(fit, 'theta'), sigma(fit), fixef(fit))"


@pytest.fixture(scope="module")
def plain() -> Any:
    """Return a function that calls plain R."""
    session().require("pbkrtest")
    return plain_r(REFERENCE)


def _fit(name: str) -> pb.LinearMixedModel:
    sleepstudy = pb.load_dataset("sleepstudy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PymerWarning)
        if name in ("slopes", "slopes_ml"):
            return pb.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, reml=name == "slopes")
        if name == "crossed":
            formula = "diameter ~ 1 + (1 | plate) + (1 | sample)"
            return pb.lmer(formula, pb.load_dataset("Penicillin"))
        if name == "singular":
            return pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff2"))
        return pb.lmer(
            "Reaction ~ Days + (1 | Subject)",
            sleepstudy,
            weights="1 / (1 + Days)",
            offset="Days",
            reml=False,
            control=pb.lmer_control("bobyqa"),
        )


MODELS = ("slopes", "slopes_ml", "crossed", "singular", "weighted")


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest) -> tuple[str, pb.LinearMixedModel]:
    return request.param, _fit(request.param)


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers be started for little work, and get many chunks of it."""
    monkeypatch.setattr(parallel, "START_SECONDS", 0.0)
    monkeypatch.setattr(parallel, "CHUNK_SECONDS", 0.02)


def _same(ours: Any, theirs: Any) -> None:
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    assert np.array_equal(ours, theirs, equal_nan=True), np.abs(ours - theirs).max()


# -- replicates are R's --------------------------------------------------------------------------


@pytest.mark.parametrize("use_u", [False, True])
def test_parametric_replicates_are_bootmers(model: Any, plain: Any, use_u: bool) -> None:
    name, fit = model
    ours = fit.bootstrap("parametric", 12, 3, STATE, use_u=use_u)
    theirs = plain("replicates_of", name=name, n_sim=12, seed=3, use_u=use_u)
    _same(ours.replicates.ravel(), theirs)
    assert ours.counts.n_failed == 0


def test_parameters_without_a_fit_are_those_of_the_fit(model: Any, plain: Any) -> None:
    name, fit = model
    lean = fit.bootstrap("parametric", 12, 3, "fixed_effects").replicates
    theirs = plain("replicates_of", name=name, n_sim=12, seed=3).reshape(12, -1)
    _same(lean, theirs[:, -lean.shape[1] :])
    checked = fit.bootstrap("parametric", 12, 3, "parameters", check_convergence=True)
    both = fit.bootstrap("parametric", 12, 3, "parameters")
    _same(checked.replicates, both.replicates)
    sigma = both.names.index(".sigma")
    _same(both.replicates[:, sigma], theirs[:, -lean.shape[1] - 1])


def test_semiparametric_replicates_are_bootmers(model: Any, plain: Any) -> None:
    name, fit = model
    ours = fit.bootstrap("semiparametric", 8, 5, STATE)
    theirs = plain("replicates_of", name=name, n_sim=8, seed=5, type="semiparametric", use_u=True)
    _same(ours.replicates.ravel(), theirs)


@pytest.mark.parametrize("kind", ["percentile", "basic", "normal"])
@pytest.mark.parametrize("name", ["slopes", "crossed", "singular"])
def test_confint_is_rs(plain: Any, name: str, kind: str) -> None:
    ours = _fit(name).confint("boot", n_sim=40, seed=2, kind=kind)
    boot_type = {"percentile": "perc", "basic": "basic", "normal": "norm"}[kind]
    theirs = plain("intervals_of", name=name, n_sim=40, seed=2, type=boot_type)
    assert tuple(row.term for row in ours.rows) == theirs["names"]
    ends = [*(row.conf_low for row in ours.rows), *(row.conf_high for row in ours.rows)]
    _same(np.array(ends, dtype=float), theirs["values"])


def test_random_effects_and_predictions_are_bootmers(plain: Any) -> None:
    fit = _fit("slopes_ml")
    ours = fit.bootstrap("parametric", 5, 1, "random_effects")
    _same(ours.replicates.ravel(), plain("random_replicates_of", name="slopes_ml", n_sim=5, seed=1))
    assert ours.rows[0].group == "Subject"
    assert ours.rows[0].level == "308"
    new = pd.DataFrame({"Days": [0.0, 4.5, 12.0]})
    predicted = fit.bootstrap("parametric", 5, 1, "predictions", new_data=new, re_form="population")
    theirs = plain(
        "predicted_replicates_of",
        name="slopes_ml",
        n_sim=5,
        seed=1,
        new_data={"Days": new["Days"].to_numpy()},
    )
    _same(predicted.replicates.ravel(), theirs)


# -- our own resampling --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "resample"),
    [
        ("slopes", {"Subject": True}),
        ("slopes_ml", {"Subject": True, ".obs": True}),
        ("weighted", {"Subject": False, ".obs": True}),
        ("crossed", {"plate": True, "sample": True}),
        ("crossed", {"plate": True, ".obs": False}),
    ],
)
@pytest.mark.parametrize("relabel", [True, False])
def test_case_replicates_are_lmers(
    plain: Any, name: str, resample: dict[str, bool], relabel: bool
) -> None:
    fit = _fit(name)
    ours = fit.bootstrap("case", 4, 7, STATE, resample=resample, relabel=relabel)
    levels = tuple(level for level in resample if level != ".obs")
    flags = (*(resample[level] for level in levels), resample.get(".obs", False))
    draws = (
        session()
        .call(
            "make_draws",
            model=fit._model,
            kind="case",
            n_sim=4,
            seed=7,
            state=None,
            options={"levels": levels, "resampled": flags},
        )
        .value["draws"]
    )
    for number in range(1, 5):
        holder = probe(
            "case_holder",
            model=fit._model,
            draws=draws,
            number=number,
            levels=levels,
            relabel=relabel,
        ).value
        theirs = plain("refit_to_data", name=name, holder=holder)
        _same(ours.replicates[number - 1], theirs)
    # Without a fit built around them, and with R's checks.
    for checks in (False, True):
        lean = fit.bootstrap(
            "case",
            4,
            7,
            "fixed_effects",
            resample=resample,
            relabel=relabel,
            check_convergence=checks,
        ).replicates
        _same(lean, ours.replicates[:, -lean.shape[1] :])


def _draws(fit: pb.LinearMixedModel, kind: str, n: int, **options: Any) -> list[Any]:
    made = (
        session()
        .call(
            "make_draws", model=fit._model, kind=kind, n_sim=n, seed=11, state=None, options=options
        )
        .value
    )
    return list(session().call("take_draws", draws=made["draws"], first=1, last=n).value)


def test_groups_drawn_twice_stay_apart() -> None:
    fit = _fit("slopes")
    for draw in _draws(fit, "case", 5, levels=["Subject"], resampled=[True, True]):
        subject = pb.load_dataset("sleepstudy")["Subject"].to_numpy()[draw["rows"] - 1]
        copy = draw["copies"]["Subject"]
        assert len(draw["rows"]) == 180
        assert len(set(copy)) == 18
        assert len(set(subject)) < 18
        # Each copy is rows of one subject.
        assert pd.Series(subject).groupby(copy).nunique().max() == 1


def test_three_levels_are_drawn_within_each_other() -> None:
    rng = np.random.default_rng(1)
    n = 160
    data = pd.DataFrame(
        {
            "a": np.repeat(np.arange(4), 40),
            "b": np.repeat(np.arange(16), 10),
            "c": np.repeat(np.arange(80), 2),
        }
    ).astype(str)
    data["x"] = rng.normal(size=n)
    data["y"] = rng.normal(size=n) + rng.normal(size=80)[data["c"].astype(int)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PymerWarning)
        fit = pb.lmer("y ~ x + (1 | a) + (1 | b) + (1 | c)", data)
    drawn = _draws(fit, "case", 3, levels=["a", "b", "c"], resampled=[True, True, True, False])
    for draw in drawn:
        copies = {name: pd.Series(copy) for name, copy in draw["copies"].items()}
        for inner, outer in (("c", "b"), ("b", "a")):
            assert copies[outer].groupby(copies[inner]).nunique().max() == 1
        for name in "abc":
            original = data[name].to_numpy()[draw["rows"] - 1]
            assert pd.Series(original).groupby(copies[name]).nunique().max() == 1
    boot = fit.bootstrap("case", 3, 11, "fixed_effects", resample={"a": True})
    assert boot.counts.n_usable == 3


@pytest.mark.parametrize("name", ["slopes", "weighted"])
def test_residual_draws_are_those_of_the_paper(plain: Any, name: str) -> None:
    ours = np.array(_draws(_fit(name), "residual", 4))
    theirs = plain("residual_replicates_of", name=name, n_sim=4, seed=11)
    # The same sums in another order: products of matrices there, of vectors here.
    np.testing.assert_allclose(ours, theirs.reshape(4, -1, order="F"), rtol=1e-10)


@pytest.mark.parametrize("hccme", ["hc2", "hc3"])
@pytest.mark.parametrize("aux_dist", ["mammen", "rademacher"])
@pytest.mark.parametrize("name", ["slopes", "weighted"])
def test_wild_draws_are_those_of_the_paper(
    plain: Any, name: str, hccme: str, aux_dist: str
) -> None:
    ours = np.array(_draws(_fit(name), "wild", 4, hccme=hccme, aux_dist=aux_dist))
    theirs = plain(
        "wild_replicates_of", name=name, n_sim=4, seed=11, hccme=hccme, aux_dist=aux_dist
    )
    # Leverages by QR here, by the inverse there.
    np.testing.assert_allclose(ours, theirs.reshape(4, -1, order="F"), rtol=1e-10)


def test_the_wild_bootstrap_refuses_crossed_factors() -> None:
    with pytest.raises(pb.RError, match=r"plate crosses sample|sample crosses plate"):
        _fit("crossed").bootstrap("wild", 2, 1)


# -- tests by likelihood ratios ------------------------------------------------------------------


def test_pb_modcomp_is_pbkrtests(plain: Any) -> None:
    test = pb.pb_modcomp(_fit("slopes"), "Days", n_sim=25, seed=4)
    theirs = plain("slopes_ratio_test", n_sim=25, seed=4)
    _same(test.likelihood_ratios, theirs["ratios"])
    assert tuple(row.term for row in test.rows) == theirs["terms"]
    _same([row.statistic for row in test.rows], theirs["statistic"])
    ours = [np.nan if row.p_value is None else row.p_value for row in test.rows]
    _same(ours, theirs["p_value"])
    assert test.n_usable == int((test.likelihood_ratios > 0).sum())


@pytest.mark.slow
def test_pb_modcomp_stops_early_as_pbkrtest_does(plain: Any) -> None:
    data = pb.load_dataset("Dyestuff2")
    data["x"] = np.tile([0.0, 1.0], 15)
    fit = pb.lmer("Yield ~ x + (1 | Batch)", data, reml=False)
    test = pb.pb_modcomp(fit, "x", n_sim=600, seed=4, h=5)
    _same(test.likelihood_ratios, plain("sequential_ratio_test", n_sim=600, seed=4, h=5)["ratios"])
    assert test.stopped_early
    assert len(test.likelihood_ratios) == 200
    assert test.n_sim == 600


def test_several_starts_escape_a_trap() -> None:
    fit = _fit("slopes")
    found = {
        start: pb.pb_modcomp(fit, "Days", n_sim=12, seed=4, start=start).likelihood_ratios
        for start in ("warm", "cold", "multiple")
    }
    # Where nothing was trapped all agree, up to where an optimizer stops.
    np.testing.assert_allclose(np.median(found["cold"]), np.median(found["multiple"]), atol=0.1)
    assert found["multiple"].min() > -1e-3


def test_trapped_refits_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    real = engine.perform

    def shifted(run: Any, how: Any, read: Any, read_partial: Any) -> Any:
        def read_shifted(collected: Any) -> Any:
            collected.values[:3, 0] = -1.0
            return read(collected)

        return real(run, how, read_shifted, read_partial)

    monkeypatch.setattr(engine, "perform", shifted)
    with pytest.warns(pb.BootstrapWarning, match="start='cold'"):
        test = pb.pb_modcomp(_fit("slopes"), "Days", n_sim=20, seed=4)
    assert test.n_not_positive >= 3


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("kind", ["parametric", "case", "wild"])
def test_a_replicate_that_fails_touches_no_other(kind: Any) -> None:
    fit = _fit("slopes_ml")
    how: dict[str, Any] = {"n_sim": 24, "seed": 5}
    how |= {"resample": {"Subject": True}} if kind == "case" else {}
    whole = fit.bootstrap(kind, statistic="function(f) c(fixef(f), sigma(f))", **how)
    some = "function(f) if (fixef(f)[[1L]] > 256) stop('no') else c(fixef(f), sigma(f))"
    failing = whole.replicates[:, 0] > 256
    assert 0 < failing.sum() < 24
    for n_jobs in (1, 2):
        found = fit.bootstrap(kind, statistic=some, n_jobs=n_jobs, allow_functions=("stop",), **how)
        assert np.isnan(found.replicates[failing]).all()
        _same(found.replicates[~failing], whole.replicates[~failing])
        assert found.counts.n_failed == failing.sum()

    def of_python(model: Any) -> list[float]:
        if model.fixed_effects("none")["(Intercept)"].estimate > 256:
            raise ValueError("no")
        return [*(row.estimate for row in model.fixed_effects("none")), model.sigma]

    if kind == "parametric":
        found = fit.bootstrap(kind, statistic=of_python, **how)
        _same(found.replicates[~failing], whole.replicates[~failing])


# -- many responses ------------------------------------------------------------------------------


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("design", ["~ Days + (Days | Subject)", "~ Days + (1 | Subject)"])
def test_fit_many_is_lmer(plain: Any, design: str, reml: bool) -> None:
    data = pb.load_dataset("sleepstudy")
    rng = np.random.default_rng(3)
    names = [f"y{i}" for i in range(6)]
    for name in names:
        data[name] = data["Reaction"] + rng.normal(0, 40, 180)
    data.loc[[4, 77], "y3"] = np.nan
    fits = pb.fit_many(design, data, names, reml=reml)
    theirs = plain(
        "many_fits",
        responses=data[names].to_numpy().ravel(order="F"),
        n_rows=180,
        formula=f"y {design}",
        reml=reml,
    )
    theirs = theirs.reshape(6, 7)
    fixed = [i for i, effect in enumerate(fits.effects) if effect == "fixed"]
    _same(fits.values[:, fixed], theirs[:, :2])
    _same(fits.std_errors, theirs[:, 2:4])
    _same(fits.values[:, fits.names.index(".sigma")], theirs[:, 4])
    _same(fits.criterion, theirs[:, 5])
    _same(fits.log_likelihood, theirs[:, 6])
    frame = fits.to_frame()
    assert len(frame) == 6 * len(fits.names)
    assert pb.fit_many(design, data, names[:2]).responses == ("y0", "y1")


# -- workers -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("name", ["slopes_ml", "crossed", "singular"])
def test_workers_change_nothing(name: str) -> None:
    fit = _fit(name)
    alone = fit.bootstrap("parametric", 60, 1)
    shared = fit.bootstrap("parametric", 60, 1, n_jobs=2)
    _same(alone.replicates, shared.replicates)
    assert alone.replicate_messages == shared.replicate_messages


@pytest.mark.usefixtures("eager")
def test_workers_change_nothing_of_cases_ratios_and_responses() -> None:
    fit = _fit("slopes_ml")
    for n_jobs in (1, 2):
        cases = fit.bootstrap("case", 20, 1, resample={"Subject": True}, n_jobs=n_jobs).replicates
        ratios = pb.pb_modcomp(fit, "Days", n_sim=20, seed=1, n_jobs=n_jobs).likelihood_ratios
        if n_jobs == 1:
            expected = (cases, ratios)
    _same(cases, expected[0])
    _same(ratios, expected[1])


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
@pytest.mark.filterwarnings("ignore")
def test_a_dask_cluster_changes_nothing() -> None:
    distributed = pytest.importorskip("distributed")
    joblib = pytest.importorskip("joblib")
    fit = _fit("crossed")
    alone = fit.bootstrap("parametric", 40, 1).replicates
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        _same(fit.bootstrap("parametric", 40, 1).replicates, alone)


@pytest.mark.usefixtures("eager")
def test_workers_and_a_checkpoint_change_nothing_of_many_fits(tmp_path: Path) -> None:
    data = pb.load_dataset("sleepstudy")
    rng = np.random.default_rng(3)
    names = [f"y{i}" for i in range(30)]
    noise = pd.DataFrame(rng.normal(0, 40, (180, 30)), columns=names)
    data = pd.concat([data, noise.add(data["Reaction"], axis=0)], axis=1)
    design = "~ Days + (Days | Subject)"
    alone = pb.fit_many(design, data, names)
    done: list[int] = []
    for n_jobs in (2, 1):
        shared = pb.fit_many(
            design,
            data,
            names,
            n_jobs=n_jobs,
            checkpoint=tmp_path / "c",
            progress=lambda n, total: done.append(n),
        )
        _same(shared.values, alone.values)
        _same(shared.std_errors, alone.std_errors)
    assert done[-1] == 30  # the second had nothing left to do
    assert done.count(30) == 1


@pytest.mark.usefixtures("eager")
def test_a_package_missing_on_a_worker_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = _fit("slopes_ml")

    def stop_workers() -> None:
        pool = reusable_executor.get_reusable_executor(max_workers=1)
        pool.shutdown(wait=True, kill_workers=True)

    stop_workers()
    # Workers that start from here on look for packages that are not R's own in an empty folder.
    monkeypatch.setenv("R_LIBS_SITE", str(tmp_path))
    with pytest.raises(pb.REnvironmentError, match="'lme4' is not installed"):
        fit.bootstrap("parametric", 5000, 1, n_jobs=2)
    stop_workers()
    assert fit.bootstrap("parametric", 2, 1).counts.n_usable == 2


@pytest.mark.usefixtures("eager")
def test_the_users_own_joblib_goes_on_before_and_after() -> None:
    fit = _fit("slopes_ml")
    alone = fit.bootstrap("parametric", 60, 1).replicates
    for _ in range(2):
        assert joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(i) for i in (-1, 2)) == [1, 2]
        _same(fit.bootstrap("parametric", 60, 1, n_jobs=2).replicates, alone)
    assert joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(i) for i in (-1, 2)) == [1, 2]


def test_progress_shows_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    _fit("slopes_ml").bootstrap("parametric", 12, 1, progress=True)
    assert "12/12" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_a_killed_worker_is_replaced() -> None:
    fit = _fit("slopes_ml")
    alone = fit.bootstrap("parametric", 300, 1).replicates
    killed = []

    def kill_once(done: int, total: int) -> None:
        pool = reusable_executor._executor
        if not killed and done > 30 and pool is not None and pool._processes:
            killed.append(next(iter(pool._processes)))
            os.kill(killed[0], signal.SIGKILL)

    shared = fit.bootstrap("parametric", 300, 1, n_jobs=2, progress=kill_once)
    assert killed
    _same(shared.replicates, alone)


# -- survival ------------------------------------------------------------------------------------

PROGRAM = """
import sys, warnings
warnings.simplefilter("ignore")
import pymer_bridge as pb

if __name__ == "__main__":
    fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"), reml=False)
    def say(done, total):
        print(done, flush=True)
    try:
        fit.bootstrap("parametric", int(sys.argv[2]), 1, progress=say, checkpoint=sys.argv[1])
    except pb.BootstrapInterrupted as interrupted:
        partial = interrupted.partial
        print("kept", len(partial.iterations), partial.replicates.shape, flush=True)
        print("again", fit.fixed_effects("none")["Days"].estimate, flush=True)
"""


def _started(tmp_path: Path, n_sim: int) -> subprocess.Popen[str]:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    process = subprocess.Popen(
        [sys.executable, str(program), str(tmp_path / "checkpoint"), str(n_sim)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) > 20:
            break
    return process


@pytest.mark.slow
def test_a_killed_program_goes_on_to_the_same_result(tmp_path: Path) -> None:
    process = _started(tmp_path, 500)
    process.kill()
    process.communicate()
    fit = _fit("slopes_ml")
    with pytest.raises(pb.CheckpointError, match="seed"):
        fit.bootstrap("parametric", 500, 2, checkpoint=tmp_path / "checkpoint")
    with pytest.raises(pb.CheckpointError, match="model"):
        _fit("slopes").bootstrap("parametric", 500, 1, checkpoint=tmp_path / "checkpoint")
    done: list[int] = []
    resumed = fit.bootstrap(
        "parametric",
        500,
        1,
        checkpoint=tmp_path / "checkpoint",
        progress=lambda n, total: done.append(n),
    )
    assert done[0] > 20
    _same(resumed.replicates, fit.bootstrap("parametric", 500, 1).replicates)


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_finished(tmp_path: Path) -> None:
    process = _started(tmp_path, 3000)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert time.monotonic() - start < 5  # one second, on a machine that has nothing else to do
    lines = output.splitlines()
    kept = next(line for line in lines if line.startswith("kept"))
    assert int(kept.split()[1]) > 20
    assert lines[-1].startswith("again 10.467")


def test_a_checkpoint_without_a_seed_goes_on_from_its_own_draws(tmp_path: Path) -> None:
    fit = _fit("slopes_ml")
    first = fit.bootstrap("parametric", 6, checkpoint=tmp_path / "c")
    again = fit.bootstrap("parametric", 6, checkpoint=tmp_path / "c")
    _same(first.replicates, again.replicates)


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("not a database at all, but some text of a few hundred bytes " * 9)
    with pytest.raises(pb.CheckpointError, match="cannot be read as a checkpoint"):
        _fit("singular").bootstrap("parametric", 2, 1, checkpoint=path)


@pytest.mark.parametrize(
    "damage",
    ["UPDATE chunks SET record = x'00'", "UPDATE run SET header = '{'", "DROP TABLE chunks"],
)
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "c"
    _fit("slopes_ml").bootstrap("parametric", 2, 1, checkpoint=path)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(damage)
        if damage.startswith("DROP"):
            file.execute("CREATE TABLE chunks (first INTEGER)")
    with pytest.raises(pb.CheckpointError, match=r"c: it cannot be read as a checkpoint \("):
        _fit("slopes_ml").bootstrap("parametric", 2, 1, checkpoint=path)


def test_a_replicate_that_fails_is_counted() -> None:
    fit = _fit("slopes_ml")
    code = "function(fit) if (fixef(fit)[2] > 10) stop('too large') else fixef(fit)"
    with pytest.raises(pb.RError, match="too large"):
        fit.bootstrap("parametric", 4, 1, code, allow_functions=("stop",))
    code = "function(fit) if (fixef(fit)[2] > 11) stop('too large') else fixef(fit)"
    with pytest.warns(pb.BootstrapWarning, match="too large"):
        boot = fit.bootstrap("parametric", 30, 1, code, allow_functions=("stop",))
    counts = boot.counts
    assert 0 < counts.n_failed < 30
    assert counts.n_usable == 30 - counts.n_failed
    assert np.isnan(boot.replicates).any(axis=1).sum() == counts.n_failed
    assert boot.confint()["Days"].conf_high is not None


# -- what is made of replicates ------------------------------------------------------------------


def test_a_result_reads_back_and_goes_on() -> None:
    boot = _fit("slopes_ml").bootstrap("parametric", 30, 1)
    again = pb.BootstrapResult.from_dict(json.loads(json.dumps(boot.to_dict())))
    assert again == boot
    assert again.confint("basic", 0.9) == boot.confint("basic", 0.9)
    assert not boot.replicates.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        boot.replicates[0, 0] = 1.0
    frame = boot.to_frame()
    assert list(frame.columns) == ["iteration", "effect", "group", "term", "value"]
    assert len(frame) == 30 * 6
    assert len(boot.status) == 30
    assert boot.versions["lme4"]
    assert "Parametric bootstrap" in str(boot)


def test_figures_of_replicates() -> None:
    boot = _fit("slopes_ml").bootstrap("parametric", 40, 1)
    values = boot.replicates
    np.testing.assert_allclose(boot.std_errors, values.std(axis=0, ddof=1))
    np.testing.assert_allclose(boot.bias, values.mean(axis=0) - boot.observed, atol=1e-12)
    plain = boot.confint("percentile", 0.9, "Days", formulas="lmeresampler")["Days"]
    at = boot.names.index("Days")
    np.testing.assert_allclose(
        [plain.conf_low, plain.conf_high], np.quantile(values[:, at], [0.05, 0.95])
    )
    extreme = np.abs(values[:, at] - boot.observed[at]) >= abs(boot.observed[at] - 8.0)
    assert boot.p_values(null=8.0, parameters="Days")["Days"].p_value == (1 + extreme.sum()) / 41


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "jackknife"}, "kind='jackknife'"),
        ({"kind": "case"}, "resample={'Subject': True}"),
        ({"kind": "case", "resample": {"School": True}}, "'School'"),
        ({"kind": "case", "resample": {"Subject": False}}, "draws nothing"),
        ({"resample": {"Subject": True}}, "kind='case'"),
        ({"statistic": "median"}, "statistic='median'"),
        ({"statistic": "function(fit) system('ls')"}, "'system'"),
        ({"statistic": "function(fit) getME(fit, 'devfun')(1)"}, "getME"),
        ({"n_jobs": 0}, "n_jobs=0"),
        ({"n_sim": 0}, "n_sim=0"),
        ({"kind": "semiparametric", "use_u": False}, "semiparametric"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises((pb.OptionError, pb.FormulaError), match=message.replace("(", r"\(")):
        _fit("slopes_ml").bootstrap(**{"n_sim": 2, "seed": 1, **arguments})


def test_draws_that_are_not_random_are_refused_where_they_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "MEMORY_LIMIT", 1000)
    with pytest.raises(pb.OptionError, match="GiB"):
        pb.fit_many("~ Days + (1 | Subject)", pb.load_dataset("sleepstudy"), ["Reaction"])


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("parametric", {}),
        ("parametric", {"use_u": True}),
        ("semiparametric", {}),
        ("residual", {}),
        ("wild", {}),
        ("case", {"resample": {"Subject": True}}),
    ],
)
@pytest.mark.usefixtures("eager")
def test_draws_in_blocks_are_those_of_all_at_once(
    monkeypatch: pytest.MonkeyPatch, kind: Any, arguments: dict[str, Any]
) -> None:
    fit = _fit("slopes_ml")
    run = dict(kind=kind, n_sim=11, statistic="fixed_effects", **arguments)
    whole = fit.bootstrap(seed=4, **run)
    after = fit.bootstrap(**run)
    item = 180 * (4 if kind == "case" else 8)
    monkeypatch.setattr(engine, "BLOCKS", 2)
    for size in (3, 1):
        monkeypatch.setattr(engine, "MEMORY_LIMIT", 2 * size * item)
        assert engine.at_once(11, item) == size
        parts = fit.bootstrap(seed=4, **run)
        _same(parts.replicates, whole.replicates)
        # The generator goes on from the same place.
        _same(fit.bootstrap(**run).replicates, after.replicates)


@pytest.mark.parametrize("name", ["binomial", "counts", "lm", "glm"])
def test_draws_of_other_models_in_blocks_are_those_of_all_at_once(name: str) -> None:
    if name == "binomial":
        formula = "incidence / size ~ period + (1 | herd)"
        fit: Any = pb.glmer(formula, pb.load_dataset("cbpp"), family="binomial", weights="size")
    elif name == "counts":
        data = pb.load_dataset("grouseticks")
        fit = pb.glmer("TICKS ~ YEAR + (1 | BROOD)", data, family="poisson")
    elif name == "lm":
        fit = pb.lm("Reaction ~ Days", pb.load_dataset("sleepstudy"))
    else:
        fit = pb.glm("TICKS ~ YEAR", pb.load_dataset("grouseticks"), family="poisson")
    found = []
    for at_once in (None, 3, 2):
        options = {"use_u": False}
        asked = {"model": fit._model, "kind": "parametric", "n_sim": 8, "seed": 5, "state": None}
        draws = session().call("make_draws", **asked, options=options, at_once=at_once).value
        parts = [(1, 8), (2, 3), (7, 8), (1, 1)]
        taken = [
            session().call("take_draws", draws=draws["draws"], first=first, last=last).value
            for first, last in parts
        ]
        found.append(np.concatenate([np.asarray(draw) for part in taken for draw in part]))
    _same(found[1], found[0])
    _same(found[2], found[0])


def test_likelihood_ratios_of_draws_in_blocks_are_those_of_all_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fit = _fit("slopes_ml")
    whole = pb.pb_modcomp(fit, "Days", 9, 4)
    monkeypatch.setattr(engine, "BLOCKS", 2)
    monkeypatch.setattr(engine, "MEMORY_LIMIT", 2 * 2 * 8 * 180)
    assert pb.pb_modcomp(fit, "Days", 9, 4).rows == whole.rows


# -- options that do not go together -------------------------------------------------------------


@pytest.fixture(scope="module")
def fit() -> Any:
    return _fit("slopes")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"statistic": "parameters", "re_form": "population"},
            "re_form goes with statistic='predictions'",
        ),
        ({"kind": "parametric", "resample": {"row": True}}, "resample goes with kind='case'"),
        ({"kind": "case", "use_u": True}, "use_u goes with kind='parametric'"),
        ({"kind": "wild", "use_u": False}, "use_u goes with kind='parametric'"),
        (
            {"kind": "semiparametric", "use_u": False},
            "R has no semiparametric bootstrap with use_u=False",
        ),
        ({"use_u": "FALSE"}, "use_u='FALSE' must be True or False"),
        ({"use_u": 0}, "use_u=0 must be True or False"),
    ],
)
def test_bootstrap_options_that_do_not_go_together(fit, options, said):
    given = {"kind": "parametric", "n_sim": 2, "seed": 1, **options}
    assert refused(fit.bootstrap, **given) == said


def test_a_statistic_that_r_cannot_read(fit):
    with pytest.raises(FormulaError, match=r"R cannot read the statistic 'function\(' *"):
        fit.bootstrap(n_sim=2, seed=1, statistic="function(")
    with pytest.raises(FormulaError, match="is not the text of an R function of the fit"):
        fit.bootstrap(n_sim=2, seed=1, statistic="functional")
    with pytest.raises(OptionError, match="allow_functions='sigma' must be a list of texts"):
        fit.bootstrap(n_sim=2, statistic="function(f) sigma(f)", allow_functions="sigma")


def test_a_bootstrap_of_predictions_of_the_population():
    by_ml = _fit("slopes_ml")
    boot = by_ml.bootstrap(n_sim=2, seed=1, statistic="predictions", re_form="population")
    assert boot.replicates.shape == (2, 180)
    # Ten days, eighteen subjects: the population has ten values, whoever it is.
    assert len(np.unique(boot.replicates[0].round(6))) == 10


# -- single figures, with an R of its own --------------------------------------------------------

KINDS: tuple[Any, ...] = ("percentile", "basic", "normal")
R_KINDS = {"percentile": "perc", "basic": "basic", "normal": "norm"}


@pytest.fixture(scope="module")
def boot() -> pb.BootstrapResult:
    return _fit("slopes_ml").bootstrap("parametric", 40, 1, "fixed_effects")


def test_bias_and_standard_errors_of_replicates_are_boots(
    boot: pb.BootstrapResult, single_figures: dict[str, Any]
) -> None:
    names = ("estimate", "bias", "std_error")
    assert_same_bits(
        [getattr(row, name) for name in names for row in boot.rows], single_figures["bootstrap"]
    )
    assert_same_bits([*boot.observed, *boot.bias, *boot.std_errors], single_figures["bootstrap"])


@pytest.mark.parametrize("kind", KINDS)
def test_intervals_of_replicates_are_by_rs_quantiles_or_boots(
    boot: pb.BootstrapResult, single_figures: dict[str, Any], kind: Any
) -> None:
    for formulas, name in (("lmeresampler", kind), ("boot", R_KINDS[kind])):
        row = boot.confint(kind, 0.9, "Days", formulas=formulas)["Days"]  # type: ignore[arg-type]
        assert_same_bits([row.conf_low, row.conf_high], single_figures[f"{formulas} {name}"])


def test_p_values_of_replicates_are_those_of_the_book(
    boot: pb.BootstrapResult, single_figures: dict[str, Any]
) -> None:
    row = boot.p_values(8.0, "Days")["Days"]
    assert_same_bits([row.p_value], single_figures["p-value"])
    assert (row.estimate, row.null) == (boot["Days"].estimate, 8.0)
    both = boot.p_values({"Days": 8.0, "(Intercept)": 250.0})
    assert [both["Days"].p_value, both["(Intercept)"].p_value] == [
        row.p_value,
        boot.p_values(250.0, "(Intercept)").rows[0].p_value,
    ]


def test_rs_names_of_several_parameters_stand_alone(boot: pb.BootstrapResult) -> None:
    assert [row.name for row in boot.rows if row.effect == "fixed"] == [
        row.term for row in boot.confint(parameters="beta_")
    ]
    for mixed in (["Days", "beta_"], ["beta_", "Days"], ["theta_", "beta_"]):
        with pytest.raises(UnknownNameError, match=r"parameters='(beta|theta)_'"):
            boot.confint(parameters=mixed)
