"""Statistics that are Python functions: R's figures, and what may go wrong."""

from __future__ import annotations

import functools
import pickle
import subprocess
import sys
import threading
import time
import types
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers.refusal import refused
from pymer_bridge.errors import PymerWarning
from pymer_bridge.replicates import functions, parallel
from pymer_bridge.replicates.identity import identity
from pymer_bridge.session.r_session import session

pytestmark = [pytest.mark.r, pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning")]

CASES = {"resample": {"Subject": True, ".obs": True}}


def _binary() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"g": np.repeat(list("abcdefghij"), 20), "x": rng.normal(size=200)})
    chance = 1 / (1 + np.exp(-data["x"] - np.repeat(rng.normal(size=10), 20)))
    levels = np.where(rng.random(200) < chance, "yes", "no")
    data["y"] = pd.Categorical(levels, categories=["no", "yes"])
    return data


def _holes() -> pd.DataFrame:
    data = pb.load_dataset("sleepstudy").rename(index="row{}".format)
    data.loc[["row3", "row50", "row51"], "Reaction"] = np.nan
    return data


@functools.cache
def _fit(name: str) -> Any:
    sleepstudy, cbpp = pb.load_dataset("sleepstudy"), pb.load_dataset("cbpp")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PymerWarning)
        match name:
            case "slopes" | "slopes_ml":
                formula = "Reaction ~ Days + (Days | Subject)"
                return pb.lmer(formula, sleepstudy, reml=name == "slopes")
            case "holes":
                return pb.lmer("Reaction ~ Days + (Days || Subject)", _holes(), na_action="exclude")
            case "weighted":
                ramp = np.linspace(1, 2, 180)
                formula = "Reaction ~ Days + (1 | Subject)"
                return pb.lmer(formula, sleepstudy, weights=ramp, offset=ramp)
            case "singular":
                return pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff2"))
            case "cbind":
                formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
                return pb.glmer(formula, cbpp, family="binomial")
            case "levels":
                return pb.glmer("y ~ x + (1 | g)", _binary(), family="binomial")
            case _:
                return pb.glmer("incidence ~ period + (1 | herd)", cbpp, family="poisson")


def fixed(model: Any) -> dict[str, float]:
    return {row.term: row.estimate for row in model.fixed_effects("none").rows}


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers be started for little work, and get many chunks of it."""
    monkeypatch.setattr(parallel, "START_SECONDS", 0.0)
    monkeypatch.setattr(parallel, "CHUNK_SECONDS", 0.02)


def _same(ours: Any, theirs: Any) -> None:
    assert np.array_equal(np.asarray(ours), np.asarray(theirs), equal_nan=True)


# -- the same figures ----------------------------------------------------------------------------


KINDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("parametric", {}),
    ("parametric", {"use_u": True}),
    ("semiparametric", {}),
    ("residual", {}),
    ("wild", {}),
    ("case", CASES),
)


@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [
        (name, *each)
        for name in ("slopes", "slopes_ml", "holes", "weighted", "singular")
        for each in KINDS
        # R's own simulate(use.u = TRUE) fails where rows were dropped.
        if name != "holes" or not each[1].get("use_u")
    ],
)
def test_a_function_gives_what_the_statistic_of_that_name_gives(
    name: str, kind: Any, options: dict[str, Any]
) -> None:
    fit = _fit(name)
    if kind == "case" and name == "singular":
        options = {"resample": {"Batch": True}}
    named = fit.bootstrap(kind, 5, 3, "fixed_effects", **options)
    ours = fit.bootstrap(kind, 5, 3, fixed, **options)
    assert ours.names == named.names
    _same(ours.observed, named.observed)
    _same(ours.replicates, named.replicates)
    for part in ("converged", "singular"):
        _same(getattr(ours, part), getattr(named, part))
    for part in ("replicate_warnings", "replicate_messages", "errors", "generator", "versions"):
        assert getattr(ours, part) == getattr(named, part)
    assert ours.confint().to_frame().equals(named.confint().to_frame())


@pytest.mark.parametrize("name", ["cbind", "levels", "counts"])
def test_a_function_of_a_generalized_model_gives_the_same(name: str) -> None:
    fit = _fit(name)
    group = next(iter(fit.n_groups))
    for kind, options in (("parametric", {}), ("case", {"resample": {group: True}})):
        named = fit.bootstrap(kind, 4, 3, "fixed_effects", **options)
        _same(fit.bootstrap(kind, 4, 3, fixed, **options).replicates, named.replicates)


@pytest.mark.parametrize("name", ["slopes", "holes", "cbind", "levels"])
def test_variances_modes_and_predictions_are_those_of_rs_text(name: str) -> None:
    fit = _fit(name)
    text = "function(fit) as.data.frame(VarCorr(fit))$sdcor"
    theirs = fit.bootstrap("parametric", 4, 3, text)

    def deviations(model: Any) -> list[float]:
        return [row.std_dev for row in model.variance_components.rows]

    ours = fit.bootstrap("parametric", 4, 3, deviations).replicates
    for found, expected in zip(ours, theirs.replicates, strict=True):
        assert set(found) <= set(expected)  # which has correlations too
    theirs = fit.bootstrap("parametric", 4, 3, "random_effects")
    ours = fit.bootstrap(
        "parametric", 4, 3, lambda model: [row.estimate for row in model.random_effects.rows]
    )
    _same(sorted(ours.replicates[2]), sorted(theirs.replicates[2]))
    for chosen in (None, "population"):
        theirs = fit.bootstrap("parametric", 4, 3, "predictions", re_form=chosen)
        ours = fit.bootstrap(
            "parametric", 4, 3, lambda model, form=chosen: model.predict(re_form=form)
        )
        _same(ours.replicates, theirs.replicates)


def test_the_model_is_a_whole_model_with_the_response_of_its_replicate() -> None:
    fit = _fit("holes")
    seen: list[Any] = []

    def look(model: Any) -> dict[str, float]:
        assert type(model) is type(fit)
        assert model.spec.formula == fit.spec.formula
        assert model.dropped_rows == fit.dropped_rows
        assert list(model.fitted.index) == list(fit.fitted.index)
        again = model.update()  # of its own data
        return {
            "sigma": model.sigma,
            "df": model.fixed_effects()["Days"].df,
            "first": model.fitted.iloc[0],
            "residual": model.residuals().iloc[-1],
            "again": again.sigma,
            "tidy": model.tidy()["estimate"].sum(),
            "text": float(len(str(model.summary())) > 100),
            "response": model.augment()["Reaction"].iloc[0],
        }

    boot = fit.bootstrap("parametric", 3, 1, look)
    assert boot.counts.n_usable == 3
    assert not seen
    assert len(set(boot.replicates[:, boot.names.index("response")])) == 3
    np.testing.assert_allclose(
        boot.replicates[:, boot.names.index("again")],
        boot.replicates[:, boot.names.index("sigma")],
        rtol=1e-3,  # from another start of the optimizer
    )


def test_the_models_of_cases_have_the_rows_that_were_drawn() -> None:
    fit = _fit("weighted")

    def look(model: Any) -> dict[str, float]:
        assert len(model.fitted) == model.n_obs == len(model.spec.weights)
        assert set(model.fitted.index) <= set(fit.fitted.index)
        return {"sigma": model.sigma, "again": model.update().sigma, "n": model.n_groups["Subject"]}

    boot = fit.bootstrap("case", 3, 1, look, **CASES)
    np.testing.assert_allclose(*boot.replicates[:, :2].T, rtol=1e-3)  # from another start
    assert (boot.replicates[:, 2] == 18).all()


def test_a_response_that_is_no_column_is_no_hindrance() -> None:
    data = pb.load_dataset("sleepstudy")
    fit = pb.lmer("log(Reaction) ~ Days + (1 | Subject)", data, reml=False)
    for model in (fit, fit.refit(fit.simulate(seed=1).values[:, 0])):
        named = model.bootstrap("parametric", 2, 1, "fixed_effects")
        _same(model.bootstrap("parametric", 2, 1, fixed).replicates, named.replicates)
    with pytest.raises(
        pb.RError, match="statistic raised RError: the model was refitted to a resp"
    ):
        fit.bootstrap("parametric", 2, 1, lambda model: model.fixed_effects()["Days"].df)


def test_a_factor_stays_the_response_of_a_refit() -> None:
    fit = _fit("levels")
    again = fit.refit(np.tile([0, 1], 100))
    assert again.update().n_obs == 200


def test_models_that_are_kept_stay_what_they_were() -> None:
    fit = _fit("slopes_ml")

    def figures(model: Any) -> list[float]:
        modes = [row.estimate for row in model.random_effects.rows]
        return [*modes, model.fixed_effects()["Days"].std_error, *model.fitted]

    kept: list[Any] = []
    fit.bootstrap("parametric", 6, 1, lambda model: kept.append(model) or model.sigma)
    expected = fit.bootstrap("parametric", 6, 1, figures).replicates
    _same([figures(model) for model in kept[1:]], expected)
    with pytest.raises(pb.ScriptError, match="how it was fitted is not known"):
        kept[1].to_r_script("replicate.R")


def test_models_that_are_not_kept_are_freed() -> None:
    fit = _fit("slopes_ml")

    def live() -> int:
        session().call("new_generator", seed=1)  # what was let go of is freed before
        return len(session()._objects)

    before = live()
    counts: list[int] = []

    def counting(model: Any) -> float:
        counts.append(len(session()._objects))
        if len(counts) % 5 == 0:
            raise ValueError("what failed is freed too")
        return float(model.predict().values[0])

    fit.bootstrap("parametric", 60, 1, counting)
    assert live() == before
    assert max(counts) - min(counts) <= 6


@pytest.mark.parametrize(
    ("given", "names", "values"),
    [
        (2, ("statistic",), [2.0]),
        (True, ("statistic",), [1.0]),
        (np.float32(1.5), ("statistic",), [1.5]),
        (np.array(3), ("statistic",), [3.0]),
        ([3], ("statistic",), [3.0]),
        ((1, np.int8(2)), ("statistic1", "statistic2"), [1.0, 2.0]),
        (np.array([1, 2]), ("statistic1", "statistic2"), [1.0, 2.0]),
        (pd.array([1, 2]), ("statistic1", "statistic2"), [1.0, 2.0]),
        (pd.Series([1, 2], ["b", "a"]), ("b", "a"), [1.0, 2.0]),
        (pd.Series([1.0, 2.0]), ("0", "1"), [1.0, 2.0]),
        ({"b": 1, "a": float("nan")}, ("b", "a"), [1.0, float("nan")]),
        ({"größe": np.bool_(False)}, ("größe",), [0.0]),
    ],
)
def test_what_a_function_may_give(given: Any, names: Any, values: Any) -> None:
    boot = _fit("slopes_ml").bootstrap("parametric", 1, 1, lambda model: given)
    assert boot.names == names
    _same(boot.observed, values)
    _same(boot.replicates[0], values)
    assert boot.statistic.startswith("Python function test_what_a_function_may_give")
    assert [row.effect for row in boot.rows] == ["statistic"] * len(names)


def test_a_result_of_a_function_reads_back() -> None:
    boot = _fit("slopes_ml").bootstrap("parametric", 3, 1, fixed)
    assert boot.statistic == "Python function fixed"
    assert pickle.loads(pickle.dumps(boot)) == boot
    assert pb.BootstrapResult.from_dict(boot.to_dict()) == boot
    assert boot.p_values().rows


def test_a_script_says_that_it_cannot_call_python(tmp_path: Path) -> None:
    fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"))
    fit.bootstrap("parametric", 2, 1, fixed)
    fit.to_r_script(tmp_path / "script.R")
    written = (tmp_path / "script.R").read_text()
    assert "# A bootstrap of a Python function fixed was made too; R cannot call it." in written
    assert "bootMer" not in written


def test_what_a_function_asks_is_not_noted_for_scripts(tmp_path: Path) -> None:
    fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"), reml=False)
    fit.bootstrap("parametric", 2, 1, lambda model: model.confint("wald").rows[-1].conf_low)
    fit.to_r_script(tmp_path / "script.R")
    assert "confint" not in (tmp_path / "script.R").read_text()


# -- random numbers ------------------------------------------------------------------------------


def drawing(model: Any) -> float:
    return float(model.simulate(seed=None).values[0, 0])


def test_draws_of_a_function_disturb_no_others() -> None:
    fit = _fit("singular")
    fit.bootstrap("parametric", 3, 1, "fixed_effects")
    expected = fit.simulate().values
    ours = fit.bootstrap("parametric", 3, 1, drawing).replicates
    _same(fit.simulate().values, expected)
    assert len(set(ours.ravel())) == 3
    _same(fit.bootstrap("parametric", 3, 1, drawing).replicates, ours)
    assert not set(ours.ravel()) & set(
        fit.bootstrap("parametric", 3, 2, drawing).replicates.ravel()
    )
    # Nor where it fails for the model itself.
    fit.bootstrap("parametric", 3, 1, "fixed_effects")
    refused(fit.bootstrap, n_sim=3, seed=None, statistic=lambda model: [drawing(model), "x"])
    _same(fit.simulate().values, expected)


def test_a_bootstrap_within_a_bootstrap() -> None:
    def spread(model: Any) -> Any:
        return model.bootstrap(
            "parametric", 3, statistic=lambda one: one.sigma, n_jobs=2
        ).std_errors

    fit = _fit("singular")
    boot = fit.bootstrap("parametric", 4, 1, spread)
    assert len(set(boot.replicates.ravel())) == 4
    _same(fit.bootstrap("parametric", 4, 1, spread).replicates, boot.replicates)


def test_a_function_may_bootstrap_in_a_thread_of_its_own() -> None:
    fit = _fit("singular")
    found: list[float] = []

    def within(model: Any) -> float:
        warnings.warn("its own", stacklevel=1)
        boot = model.bootstrap("parametric", 2, 1, lambda one: one.sigma)
        found.append(boot.observed[0])
        return found[-1]

    def threaded(model: Any) -> float:
        thread = threading.Thread(target=within, args=(model,))
        thread.start()
        thread.join()
        return found[-1]

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        boot = fit.bootstrap("parametric", 3, 1, threaded)
        assert warnings.filters[0][0] == "always"
    _same(boot.replicates[:, 0], found[1:])
    # What another thread warns of is shown as ever.
    assert [str(each.message) for each in caught].count("its own") == 4


def test_r_answers_other_threads_meanwhile() -> None:
    fit = _fit("slopes_ml")

    def elsewhere(model: Any) -> float:
        found: list[float] = []
        thread = threading.Thread(target=lambda: found.append(model.predict().values[0]))
        thread.start()
        thread.join()
        return found[0]

    boot = fit.bootstrap("parametric", 3, 1, elsewhere)
    _same(boot.replicates[:, 0], fit.bootstrap("parametric", 3, 1, "predictions").replicates[:, 0])


# -- workers and checkpoints ---------------------------------------------------------------------


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [("slopes_ml", "parametric", {}), ("weighted", "case", CASES), ("cbind", "parametric", {})],
)
def test_workers_change_nothing_of_a_function(name: str, kind: Any, options: Any) -> None:
    fit, half = _fit(name), 0.5

    def mixed(model: Any) -> dict[str, float]:
        if model.fixed_effects("none").rows[0].estimate > fixed_at:
            raise ValueError("large")
        if model.is_singular():
            warnings.warn("singular", stacklevel=1)
        return {**model.fixed_effects("none").to_frame()["estimate"].to_dict(), "r": drawn(model)}

    def drawn(model: Any) -> float:
        return half * float(model.simulate(seed=None).values[0, 0])

    fixed_at = fit.fixed_effects("none").rows[0].estimate + 1e-9
    alone = fit.bootstrap(kind, 16, 1, mixed, **options)
    shared = fit.bootstrap(kind, 16, 1, mixed, n_jobs=2, **options)
    _same(alone.replicates, shared.replicates)
    assert 0 < alone.counts.n_failed < 16
    for part in ("errors", "replicate_warnings", "replicate_messages"):
        assert getattr(alone, part) == getattr(shared, part)


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
@pytest.mark.filterwarnings("ignore")
def test_a_dask_cluster_changes_nothing_of_a_function() -> None:
    distributed = pytest.importorskip("distributed")
    joblib = pytest.importorskip("joblib")
    fit = _fit("slopes_ml")

    def share(model: Any) -> list[float]:
        warnings.warn("from two threads at once", stacklevel=1)
        return [model.sigma, float(model.simulate(seed=None).values[0, 0])]

    alone = fit.bootstrap("parametric", 40, 1, share)
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        shared = fit.bootstrap("parametric", 40, 1, share)
        # A model goes there as well: through the scheduler, or to the workers alone.
        client = cluster.get_client()
        for sent in (fit, client.scatter(fit)):
            assert client.submit(lambda model: model.vcov, sent, pure=False).result() == fit.vcov
    _same(shared.replicates, alone.replicates)
    assert shared.replicate_warnings == alone.replicate_warnings


def test_threads_of_one_worker_take_turns() -> None:
    """A replicate's model is changed into the next one's: of the same thread, and no other's."""
    joblib = pytest.importorskip("joblib")
    fit = _fit("slopes_ml")

    def slow(model: Any) -> list[float]:
        before = model.sigma
        time.sleep(0.005)
        return [before, model.predict().values[0], float(model.simulate(seed=None).values[0, 0])]

    alone = fit.bootstrap("parametric", 60, 1, slow)
    with joblib.parallel_config(backend="threading", n_jobs=3):
        shared = fit.bootstrap("parametric", 60, 1, slow, n_jobs=3)
    _same(shared.replicates, alone.replicates)


def test_what_cannot_leave_the_process_is_refused_before_any_draw() -> None:
    fit, drawn, here = _fit("slopes_ml"), [], _fit("slopes_ml").deviance_function()

    def captured(model: Any) -> float:
        drawn.append(1)
        return model.sigma / here(model.get_me("theta"))

    said = refused(fit.bootstrap, n_sim=4, seed=1, statistic=captured, n_jobs=2)
    assert said.startswith("statistic cannot be sent to other processes (SessionError: this lives")
    assert "use n_jobs=1" in said
    assert len(drawn) == 1
    assert fit.bootstrap("parametric", 4, 1, captured).counts.n_usable == 4


@pytest.mark.usefixtures("eager")
def test_a_model_that_a_function_refers_to_goes_to_workers_with_it() -> None:
    fit = _fit("slopes_ml")

    def captured(model: Any) -> float:
        return model.sigma / fit.sigma

    there = fit.bootstrap("parametric", 4, 1, captured, n_jobs=2)
    _same(there.replicates, fit.bootstrap("parametric", 4, 1, captured).replicates)


@pytest.mark.usefixtures("eager")
def test_a_function_of_a_module_that_a_worker_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("not_on_workers")
    exec("def sigma(model):\n    return model.sigma\n", module.__dict__)
    monkeypatch.setitem(sys.modules, "not_on_workers", module)
    fit = _fit("slopes_ml")
    with pytest.raises(pb.WorkerError, match=r"statistic cannot be read in a worker .*not_on_work"):
        fit.bootstrap("parametric", 400, 1, module.sigma, n_jobs=2)
    assert fit.bootstrap("parametric", 4, 1, module.sigma).counts.n_usable == 4


def _sigma_by(power: int, *, by: Any = None) -> Any:
    def powered(model: Any) -> float:
        return model.sigma**power

    return powered


def test_a_checkpoint_is_of_one_function(tmp_path: Path) -> None:
    fit, path = _fit("slopes_ml"), tmp_path / "c"
    fit.bootstrap("parametric", 3, 1, _sigma_by(2), checkpoint=path)
    fit.bootstrap("parametric", 3, 1, _sigma_by(2), checkpoint=path)
    for other in (_sigma_by(3), lambda model: model.sigma, "fixed_effects"):
        with pytest.raises(pb.CheckpointError, match="differs in: statistic"):
            fit.bootstrap("parametric", 3, 1, other, checkpoint=path)
    with pytest.raises(pb.CheckpointError, match=r"statistic \(.*powered [0-9a-f]+\.\.\. there"):
        fit.bootstrap("parametric", 3, 1, _sigma_by(3), checkpoint=path)


def test_a_checkpoint_is_complete_after_a_resume(tmp_path: Path) -> None:
    fit, path = _fit("slopes_ml"), tmp_path / "c"
    seen: list[int] = []

    def stop(done: int, total: int) -> None:
        if done > 5:
            raise KeyboardInterrupt

    with pytest.raises(pb.BootstrapInterrupted) as stopped:
        fit.bootstrap("parametric", 12, 1, _sigma_by(2), checkpoint=path, progress=stop)
    partial = stopped.value.partial
    boot = fit.bootstrap(
        "parametric", 12, 1, _sigma_by(2), checkpoint=path, progress=lambda n, _: seen.append(n)
    )
    whole = fit.bootstrap("parametric", 12, 1, _sigma_by(2))
    _same(boot.replicates, whole.replicates)
    _same(partial.replicates, whole.replicates[: len(partial.replicates)])
    assert seen[0] > len(partial.replicates) > 5


def test_a_timeout_keeps_what_was_finished() -> None:
    fit = _fit("slopes_ml")

    calls: list[int] = []

    def slow(model: Any) -> float:
        calls.append(1)
        try:
            time.sleep(0.3 * (len(calls) > 7))
            return model.predict().values[0]
        except pb.PymerError:
            return 0.0  # swallows the timeout

    with pytest.raises(pb.RTimeoutError) as stopped:
        fit.bootstrap("parametric", 100, 1, slow, timeout=3)
    partial = stopped.value.partial
    assert len(partial.replicates) > 3
    assert (partial.replicates != 0).all()

    def hasty(model: Any) -> float:
        model.update(timeout=1e-9)
        return 0.0

    # A time of its own that has passed is a failure of the function.
    assert "statistic raised RTimeoutError" in refused(fit.bootstrap, n_sim=2, statistic=hasty)


# -- what goes wrong -----------------------------------------------------------------------------


class _Odd(dict):
    def values(self) -> Any:
        raise RuntimeError("odd")


class _Unprintable(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


def _raising(error: BaseException) -> Any:
    def raises(model: Any) -> float:
        raise error

    return raises


WRONG: list[Any] = [
    "x",
    b"x",
    None,
    1j,
    [[1, 2]],
    [],
    {},
    (),
    np.ones((2, 2)),
    np.ones((1, 1)),
    [1, "a"],
    {1, 2},
    {"a": None},
    {"a": [1]},
    {"a": {"b": 1}},
    {1.5: 1},
    {None: 1},
    {"a\0": 1},
    {("a", "b"): 1},
    {"\ud800": 1},
    {"1": 1, 1: 2},
    pd.Series([1, 2], ["a", "a"]),
    pd.DataFrame({"a": [1]}),
    [pd.NA],
    pd.Series([pd.Timedelta(1)]),
    pd.Timestamp(0),
    np.datetime64("2020"),
    np.timedelta64(3, "D"),
    10**400,
    np.array([1, None]),
    np.array(["1"]),
    np.array([1j]),
    pd.Series(["1"]),
    iter([1]),
    object(),
    _Odd(a=1),
    pd.Series([1, None], dtype="Int64"),
    range(3).__iter__,
    lambda: 1,
]


@pytest.mark.parametrize("given", WRONG, ids=lambda given: type(given).__name__)
def test_what_is_no_statistic_is_named_before_any_draw(given: Any) -> None:
    calls = []
    said = refused(
        _fit("slopes_ml").bootstrap, n_sim=2, statistic=lambda model: calls.append(1) or given
    )
    assert said.startswith(("statistic gave ", "statistic raised "))
    assert said.endswith(" (tried on the fitted model itself, before any draw)")
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda: 1, "statistic raised TypeError: "),
        (float, "statistic raised TypeError: float() argument must be"),
        (lambda model: 1 / 0, "statistic raised ZeroDivisionError: division by zero"),
        (lambda model: model.nothing, "statistic raised AttributeError: 'LinearMixedModel' object"),
        (lambda model: model.fixed_effects(), "statistic gave an object of class FixedEffects: it"),
        (lambda model: model.vcov, "statistic gave an object of class NamedMatrix"),
        (_raising(_Unprintable()), "statistic raised _Unprintable"),
        (_raising(pb.PymerError("ours")), "statistic raised PymerError: ours"),
        (_raising(UserWarning("hm")), "statistic raised UserWarning: hm"),
        (_raising(StopIteration()), "statistic raised StopIteration"),
        (_raising(RecursionError("deep")), "statistic raised RecursionError: deep"),
        (_raising(MemoryError()), "statistic raised MemoryError"),
    ],
)
def test_a_function_that_fails_is_named_before_any_draw(function: Any, said: str) -> None:
    assert refused(_fit("slopes_ml").bootstrap, n_sim=2, statistic=function).startswith(said)


def test_a_function_that_fails_later_is_counted() -> None:
    fit, calls = _fit("slopes_ml"), []
    later = [
        {"b": 2, "a": 1},
        {"a": 1, "c": 3},
        [1.0],
        None,
        {"a": 5, "b": 6, "c": 7},
        {"b": 4, "a": 3},
    ]

    def changing(model: Any) -> Any:
        calls.append(1)
        return {"a": 1, "b": 2} if len(calls) == 1 else later[len(calls) - 2]

    with pytest.warns(pb.BootstrapWarning, match="4 of 6 replicates failed; the last said: stat"):
        boot = fit.bootstrap("parametric", 6, 1, changing)
    nan = float("nan")
    _same(boot.replicates, [[1, 2], [nan, nan], [nan, nan], [nan, nan], [nan, nan], [3, 4]])
    assert boot.errors[1] == "statistic gave other names than for the fitted model: c, but not b"
    assert boot.errors[2] == "statistic gave 1 value, but 2 for the fitted model"
    assert boot.errors[3].startswith("statistic gave None: it must give a number")
    assert boot.errors[4] == "statistic gave 3 values, but 2 for the fitted model"
    assert list(boot.converged) == [True, False, False, False, False, True]
    calls.clear()
    later[:] = [None] * 3
    with pytest.raises(pb.RError, match="every replicate failed; the last said: statistic gave N"):
        fit.bootstrap("parametric", 3, 1, changing)


def test_a_refit_that_fails_is_as_for_other_statistics() -> None:
    fit = _fit("slopes_ml")
    tight = fit.update(control=pb.lmer_control(check_nobs_vs_nlev="stop"))
    ours = tight.bootstrap("case", 20, 1, fixed, resample={"Subject": True}, relabel=False)
    named = tight.bootstrap(
        "case", 20, 1, "fixed_effects", resample={"Subject": True}, relabel=False
    )
    assert ours.errors == named.errors
    _same(ours.replicates, named.replicates)


def test_what_a_function_warns_of_is_shown_once_and_kept() -> None:
    fit, calls = _fit("slopes_ml"), []

    def warning(model: Any) -> float:
        calls.append(1)
        warnings.warn("each time", stacklevel=1)
        warnings.warn("not for users", DeprecationWarning, stacklevel=1)
        if len(calls) > 3:
            warnings.warn(f"later {len(calls)}", RuntimeWarning, stacklevel=1)
        return model.sigma

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        boot = fit.bootstrap("parametric", 5, 1, warning)
    shown = [(each.category, str(each.message)) for each in caught]
    summary = "statistic warned in 3 of 5 replicates; the last said: RuntimeWarning: later 6"
    assert shown == [(UserWarning, "each time"), (pb.BootstrapWarning, summary)]
    assert boot.warnings == (summary,)
    assert boot.replicate_warnings[0] == ("statistic: UserWarning: each time",)
    assert boot.replicate_warnings[4][1] == "statistic: RuntimeWarning: later 6"
    assert caught[0].filename == __file__


# -- which function it is ------------------------------------------------------------------------

BASE = """
import math
LIMIT = 3
class Helper:
    def times(self, x): return 2 * x
def helper(x): return x + LIMIT
def make(power, *, names=("a", "b")):
    def statistic(model, scale=1.5):
        if "b" in {"a", "b", "c", "d"}:
            return helper(math.sqrt(model)) ** power + Helper().times(scale)
        return [value for value in names]
    return statistic
function = make(2)
"""

CHANGED = {
    "a constant": ("2 * x", "4 * x"),
    "an operator": ("x + LIMIT", "x - LIMIT"),
    "a default": ("scale=1.5", "scale=1.25"),
    "what is enclosed": ("make(2)", "make(3)"),
    "a default that is enclosed": ('names=("a", "b")', 'names=("a", "c")'),
    "a value of the module": ("LIMIT = 3", "LIMIT = 4"),
    "a method": ("def times(self, x): return 2", "def times(self, x): return 3"),
    "a name that is called": ("math.sqrt", "math.exp"),
    "a member of a set": ('"c", "d"}', '"c", "e"}'),
    "a name": ("statistic", "other"),
}


def _made(source: str, name: str = "program") -> Any:
    space: dict[str, Any] = {"__name__": name}
    exec(compile(source, f"{len(source)}.py", "exec"), space)
    return space["function"]


@pytest.mark.parametrize("changed", CHANGED)
def test_another_function_is_told_apart(changed: str) -> None:
    assert BASE.count(CHANGED[changed][0])
    assert identity(_made(BASE)) != identity(_made(BASE.replace(*CHANGED[changed])))


def test_the_same_function_is_known_in_another_process_and_place() -> None:
    own = identity(_made(BASE))
    assert own == identity(_made(f"# moved\n\n\n{BASE}"))
    program = (
        "from pymer_bridge.replicates.identity import identity\n"
        "space = {'__name__': 'program'}\n"
        f"exec({BASE!r}, space)\nprint(identity(space['function']))"
    )
    for seed in ("1", "2"):
        answer = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(pb.__file__).parents[1])},
        )
        assert answer.stdout.strip() == own


def test_what_is_called_like_a_function_is_known_too() -> None:
    class Power:
        def __init__(self, power: int) -> None:
            self.power = power

        def __call__(self, model: Any) -> float:
            return model.sigma**self.power

        def again(self, model: Any) -> float:
            return self(model)

    made = [
        identity(each)
        for power in (2, 3)
        for each in (
            Power(power),
            Power(power).again,
            functools.partial(_sigma_by, power),
            functools.partial(_sigma_by, by=np.arange(power)),
            functools.partial(_sigma_by, by=pd.DataFrame({"a": [power]})),
        )
    ]
    assert len(set(made)) == len(made)
    assert identity(Power(2)) == made[0]
    # A model counts by what is stored of it, and what cannot leave the process by its class.
    fits = _fit("slopes"), _fit("slopes_ml")
    assert len({identity(functools.partial(_sigma_by, by=fit)) for fit in fits}) == 2
    assert len({identity(functools.partial(_sigma_by, by=fit._model)) for fit in fits}) == 1
    assert identity(np.mean) != identity(np.median)
    endless: list[Any] = []
    endless.append(endless)
    said = refused(identity, function=functools.partial(_sigma_by, by=endless))
    assert said.startswith("statistic refers to something that a checkpoint cannot identify")


def test_seeds_follow_from_the_state_and_the_number() -> None:
    whole = functions.seeds_of([1, 2, 3], 0, 50)
    assert whole == [*functions.seeds_of([1, 2, 3], 0, 7), *functions.seeds_of([1, 2, 3], 7, 50)]
    assert len(set(whole)) == 50
    assert all(0 <= seed < 2**31 for seed in whole)
    assert functions.seeds_of([1, 2, 4], 0, 50) != whole
