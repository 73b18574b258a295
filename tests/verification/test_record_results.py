"""Records of results: what was asked is asked again, what drifted is told by its name."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pymer_bridge as pb
from helpers.forgery import edited, places
from pymer_bridge.cli.commands import main
from pymer_bridge.data.given import MOST_VALUES, NotPlainError, pack_given
from pymer_bridge.errors import FormulaError, OptionError, PymerWarning, RecordError
from pymer_bridge.session.asking import ask
from pymer_bridge.verification import asking_again, drift, record_results, tolerances
from pymer_bridge.verification.asking_again import gives_figures, takes
from pymer_bridge.verification.records import read_record
from pymer_bridge.verification.result_figures import figures_of_result
from pymer_bridge.verification.stored_figures import _Vector, stored_figures

pytestmark = [
    pytest.mark.r("lmerTest", "pbkrtest", "emmeans"),
    pytest.mark.filterwarnings("ignore:refit.. of lme4 1.1.31 optimises a wrong REML criterion"),
    pytest.mark.filterwarnings("ignore:extreme order statistics"),
    pytest.mark.filterwarnings("ignore:refitting model"),
    pytest.mark.filterwarnings("ignore:Kenward and Roger's method refits"),
    pytest.mark.filterwarnings("ignore:variance-covariance matrix computed:UserWarning"),
    pytest.mark.filterwarnings("ignore:boundary .singular. fit"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.errors.SingularFitWarning"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.errors.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.errors.BootstrapWarning"),
]

SLOPES = "Reaction ~ Days + (Days | Subject)"
GROWTH = "circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree"


# -- every kind of result, of every kind of model ------------------------------------------------


def of_linear(fit: Any, term: str, at: dict[str, list[float]]) -> Iterator[Any]:
    yield from (fit.anova("II"), fit.anova(), fit.drop1([term]), fit.ranova(), fit.step())
    yield fit.contest({"a": {term: 2.5}, "b": {"(Intercept)": 1}}, rhs={"b": 3.0, "a": 0.0})
    yield fit.contest(pd.DataFrame({term: [1.0, 7.0]}, index=["x", "y"]), joint=False)
    yield fit.contest(np.eye(2), joint=False, conf_level=0.9)
    yield from (fit.confint("wald"), fit.confint("boot", n_sim=6, seed=3))
    yield fit.profile("beta_")
    for kind in ("parametric", "semiparametric", "residual", "wild"):
        yield fit.bootstrap(kind, n_sim=4, seed=11)
    yield fit.bootstrap("case", n_sim=3, seed=2, resample={"Subject": True, ".obs": False})
    yield fit.bootstrap("parametric", n_sim=3, seed=1, statistic="function(fit) fixef(fit)")
    yield fit.bootstrap(n_sim=3, seed=1, statistic="predictions", new_data=at, re_form="population")
    yield from (fit.predict(), fit.predict(pd.DataFrame(at), re_form="population"))
    yield fit.predict(at, re_form="population", std_error=True, interval="confidence")
    yield fit.simulate(2, seed=5)
    yield fit.fixed_effects("none", conf_level=0.9)
    means = fit.emmeans("1")
    yield from (means, means.test(null=200.0))
    yield fit.emmeans(term, at=at).contrast("pairwise", adjust="mvt", seed=4)
    yield fit.emmeans(term, at=at).contrast({"c": [-1, *[0] * (len(at[term]) - 2), 1]})
    yield fit.emtrends("1", term)
    yield pb.pb_modcomp(fit, term, n_sim=4, seed=2)
    yield from (fit.fitted, fit.residuals("pearson"), fit.vcov, fit.model_matrix, fit.hat_values())
    yield from (fit.influence("Subject"), fit.group_coefficients, fit.re_pca())
    yield fit.all_fit(["bobyqa", "Nelder_Mead"])
    yield from (pb.kr_modcomp(fit, f". ~ . - {term}"), pb.sat_modcomp(fit, [[0.0, 1.0]]))


def of_generalized(fit: Any, factor: str, n_levels: int) -> Iterator[Any]:
    yield from (fit.anova(), fit.drop1(), fit.confint("wald"), fit.fixed_effects(conf_level=0.8))
    yield fit.simulate(2, seed=5)
    yield from (fit.predict(), fit.predict(type="response"))
    means = fit.emmeans(factor, type="response")
    yield from (means, means.pairs(), means.joint_tests(), means.pairs(simple=factor))
    yield means.effect_sizes(sigma=1.5, edf=float("inf"))
    yield fit.bootstrap(n_sim=3, seed=8)
    yield pb.pb_modcomp(fit, factor, n_sim=2, seed=2)


def of_nonlinear(fit: Any) -> Iterator[Any]:
    yield from (fit.predict(), fit.fixed_effects(conf_level=0.9))


def of_lm(fit: Any) -> Iterator[Any]:
    yield from (fit.anova(), fit.drop1(), fit.confint(), fit.fixed_effects(conf_level=0.9))
    yield fit.contest({"a": {"Days": 2}}, joint=False)
    yield fit.predict({"Days": [0, 9]}, interval="prediction", std_error=True)
    yield from (fit.simulate(2, seed=3), fit.emmeans("1"), fit.bootstrap("residual", 4, 2))
    yield from (fit.fitted, fit.residuals(), fit.rstandard(), fit.influence_measures(), fit.vcov)


def every_kind() -> Iterator[tuple[str, Any, Callable[[Any], Iterator[Any]]]]:
    sleepstudy, ticks = pb.load_dataset("sleepstudy"), pb.load_dataset("grouseticks")
    cbpp, orange = pb.load_dataset("cbpp"), pb.load_dataset("Orange", package="datasets")
    at = {"Days": [0.0, 4.5, 9.0]}

    def linear(fit: Any) -> Iterator[Any]:
        return of_linear(fit, "Days", at)

    yield "linear", pb.lmer(SLOPES, sleepstudy), linear
    missing = sleepstudy.copy()
    missing.loc[[3, 50], "Reaction"] = np.nan
    weights = np.linspace(1, 2, len(missing))
    weighted = pb.lmer("Reaction ~ Days + (1 | Subject)", missing, weights=weights)
    yield "weighted", weighted, lambda fit: (each for each in [fit.anova(), fit.predict()])
    flat = sleepstudy.assign(Reaction=np.random.default_rng(1).normal(size=180))
    singular = pb.lmer("Reaction ~ Days + (1 | Subject)", flat)
    yield "singular", singular, lambda fit: (e for e in [fit.anova(), fit.simulate(1, seed=1)])
    binomial = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    generalized = pb.glmer(binomial, cbpp, family="binomial")
    yield "binomial", generalized, lambda fit: of_generalized(fit, "period", 4)
    poisson = pb.glmer("TICKS ~ YEAR + (1 | BROOD)", ticks, family="poisson")
    yield "poisson", poisson, lambda fit: of_generalized(fit, "YEAR", 3)
    negative = pb.glmer_nb("TICKS ~ YEAR + (1 | BROOD)", ticks)
    few = lambda fit: iter([fit.confint("wald"), fit.simulate(2, seed=1), fit.emmeans("YEAR")])  # noqa: E731
    yield "negative binomial", negative, few
    start = {"Asym": 200, "xmid": 725, "scal": 350}
    yield "nonlinear", pb.nlmer(GROWTH, orange, start=start), of_nonlinear
    yield "lm", pb.lm("Reaction ~ Days", sleepstudy), of_lm
    yield (
        "glm",
        pb.glm("TICKS ~ YEAR", ticks, family="poisson"),
        lambda fit: iter([fit.anova(), fit.predict(), fit.emmeans("YEAR").pairs()]),
    )
    separate = pb.lm_list("Reaction ~ Days | Subject", sleepstudy)
    yield "lm_list", separate, lambda fit: iter([fit.coefficients(conf_level=0.9)])


DATA = {
    "linear": "sleepstudy",
    "binomial": "cbpp",
    "poisson": "grouseticks",
    "lm": "sleepstudy",
    "negative binomial": "grouseticks",
    "glm": "grouseticks",
    "lm_list": "sleepstudy",
}


def results_in(path: Path) -> list[dict[str, Any]]:
    return list(json.loads(path.read_text())["results"])


def checked_schema(path: Path) -> None:
    schema = json.loads((files("pymer_bridge.data") / "record.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(path.read_text()), schema)


# lme4 2 says it of the smaller model that pbkrtest makes of a matrix.
@pytest.mark.filterwarnings("ignore:Some predictor variables are on very different scales")
@pytest.mark.slow
def test_results_of_every_kind_are_recorded_and_asked_again(tmp_path: Path) -> None:
    for name, fit, ask_all in every_kind():
        kept = list(ask_all(fit))
        path = pb.record(fit, tmp_path / f"{name}.pbr.json")
        stored = [each for each in results_in(path) if each["figures"] is not None]
        wanted = [stored_figures(each) for each in kept]
        found = [read["figures"] for read in stored]
        for each, result in zip(wanted, kept, strict=True):
            assert each, (name, result)
        keys = [sorted(each) for each in found]
        missing = [each for each in wanted if sorted(each) not in keys]
        own = read_record(path)[1][0].figures
        assert all(set(each) <= set(own) for each in missing), (name, missing)
        checked_schema(path)
        report = pb.verify_record(path, fit)
        assert report.ok, (name, str(report))
        assert report.figures == (), name
        if name in DATA:
            source = pb.load_dataset(DATA[name])
            anew = pb.verify_record(path, data=source)
            assert (anew.figures, anew.ok) == ((), True), (name, str(anew))


# -- a record to work with -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def sleepstudy() -> pd.DataFrame:
    return pb.load_dataset("sleepstudy")


@pytest.fixture(scope="module")
def made(sleepstudy: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    full = pb.lmer(SLOPES, sleepstudy, reml=False)
    small = full.update(". ~ . - Days")
    kept = [
        full.contest({"a week": {"Days": 7}}, joint=False),
        full.simulate(2, seed=7),
        full.emmeans("Days", at={"Days": [0, 9]}).pairs(),
        pb.anova(small, full),
        pb.pb_modcomp(full, small, n_sim=4, seed=1),
        full.bootstrap("parametric", n_sim=5, seed=3, statistic="function(fit) fixef(fit)"),
        full.predict(pd.DataFrame({"Days": [1.5]}), re_form="population"),
        full.contest(np.array([[0.0, 1.0]])),
    ]
    folder = tmp_path_factory.mktemp("results")
    fits = {"full": full, "small": small}
    path = pb.record(fits, folder / "results.pbr.json", source="lme4::sleepstudy")
    assert len(kept) == 8
    return path


NAMES = "contest simulate emmeans pairs anova pb_modcomp bootstrap predict contest".split()


def test_what_a_record_holds_of_results(made: Path) -> None:
    checked_schema(made)
    stored = results_in(made)
    assert [each["name"] for each in stored] == NAMES
    assert [each["model"] for each in stored[:4]] == ["full", "full", "full", None]
    assert stored[3]["of"] == 2
    assert stored[2]["figures"] is None  # nobody has the means any more
    assert stored[4]["arguments"] == {"models": {"tuple": [{"model": "small"}, {"model": "full"}]}}
    figures = stored[1]["figures"]
    assert figures["simulation////value_n"] == 360
    of_each = [f"sim_{i}/value_{name}" for i in (1, 2) for name in ("mean", "sd", "min", "max")]
    named = {f"simulation///{name}" for name in of_each}
    assert set(figures) == named | {"simulation////value_n", "simulation////value_sha256"}
    boot = stored[6]["figures"]
    assert boot["replicate////value_n"] == 10
    assert "bootstrap////estimate" not in boot
    assert not [key for each in stored if each["figures"] for key in each["figures"] if "#" in key]


class Unwilling:
    """What raises whatever it likes, once it is asked for its columns."""

    @property
    def columns(self) -> Any:
        raise NotImplementedError("no columns")

    def __len__(self) -> int:
        return 1


DAYS = {
    "half": np.array([0, 9], dtype=np.float16),
    "extension": pd.array([0, 9], dtype="Int8"),
    "categories": pd.Categorical([0, 9]),
    "objects": np.array([0, 9], dtype=object),
    "sparse": pd.arrays.SparseArray([0.0, 9.0]),
    "complex frame": pd.DataFrame({"Days": [0, 9], "other": [1j, 2j]}),
    "frames within": pd.DataFrame({"Days": [0, 9], "other": [pd.DataFrame(), Unwilling()]}),
}


@pytest.mark.parametrize("kind", DAYS)
def test_what_cannot_be_kept_stops_no_call(kind: str, tmp_path: Path) -> None:
    fit = pb.lmer(SLOPES, pb.load_dataset("sleepstudy"))
    days = DAYS[kind]
    new = days if isinstance(days, pd.DataFrame) else pd.DataFrame({"Days": days})
    try:
        found = fit.predict(new, "population")
    except pb.PymerError:
        return  # it is refused, as it always was
    plain = fit.predict({"Days": [0, 9]}, "population")
    assert found.values.tolist() == plain.values.tolist()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pb.PymerWarning)
        assert len(results_in(pb.record(fit, tmp_path / "x.json"))) <= 2


def test_packing_refuses_whatever_raises() -> None:
    with pytest.raises(NotPlainError, match="data is of a kind without such a form"):
        pack_given({"data": Unwilling()}, {}, lambda value: value)


def test_the_same_results_are_recorded_as_the_same_bytes(tmp_path: Path) -> None:
    fit = pb.lmer(SLOPES, pb.load_dataset("sleepstudy"))
    kept = [fit.anova(), fit.simulate(1, seed=1)]
    one, other = (pb.record(fit, tmp_path / f"{i}.json") for i in range(2))
    assert one.read_bytes() == other.read_bytes()
    assert len(results_in(one)) == len(kept)
    without = pb.record(fit, tmp_path / "without.json", results=False)
    assert results_in(without) == []


def test_it_is_verified_in_a_process_of_its_own(made: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pymer_bridge", "verify", str(made)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "to the last bit" in done.stdout


def test_plain_r_gives_the_results_too(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(made), "--against-r"]) == 0
    assert "Plain R: the same figures, to the last bit" in capsys.readouterr().out


def test_a_record_of_the_oldest_release_passes_on_every_release() -> None:
    """To the last bit where it was made (``recorded/write.py``), elsewhere within the limits."""
    path = Path(__file__).parent / "recorded" / "results.pbr.json"
    checked_schema(path)
    report = pb.verify_record(path)
    if report.same_stack:
        assert report.figures == ()
    worst = {drift.name_of(row.key): (row.distance, row.key, row.result) for row in report.drifted}
    assert report.ok, worst


# -- drift ---------------------------------------------------------------------------------------


def figure(place: int, key: str, change: Callable[[Any], Any]) -> Callable[[Any], None]:
    def edit(document: dict[str, Any]) -> None:
        figures = document["results"][place]["figures"]
        figures[key] = change(figures[key])

    return edit


PLANTED = [
    (0, "/estimate", "contest(contrasts={'a week': {'Days': 7}}, joint=False)"),
    (3, "/p_value", "emmeans(specs='Days', at={'Days': [0, 9]}).pairs()"),
    (4, "/chi_square", "anova(models=(small, full))"),
    (5, "/value_max", "pb_modcomp(full=full, restricted=small, n_sim=4, seed=1)"),
    (7, "/estimate", "predict(new_data=<data>, re_form='population')"),
]


@pytest.mark.parametrize(("place", "quantity", "title"), PLANTED)
def test_what_drifted_is_told_by_the_name_of_its_result(
    made: Path, tmp_path: Path, place: int, quantity: str, title: str
) -> None:
    figures = results_in(made)[place]["figures"]
    key = [each for each in figures if each.endswith(quantity) and figures[each] is not None][-1]
    path = edited(made, tmp_path / "r.json", figure(place, key, lambda value: value + 0.25))
    report = pb.verify_record(path)
    (change,) = report.drifted
    model = "small" if title.startswith("anova") else "full"
    assert (change.model, change.key, change.result) == (model, key, title)
    assert not report.ok
    assert f"Model {model!r}, {title}: figures that drifted: 1" in str(report)
    assert list(report.to_frame()["result"]) == [title]
    assert report.from_dict(report.to_dict()).figures[0].result == title


def test_another_seed_is_drift(made: Path, tmp_path: Path) -> None:
    def another(document: dict[str, Any]) -> None:
        document["results"][1]["arguments"]["seed"] = 8

    report = pb.verify_record(edited(made, tmp_path / "r.json", another))
    assert {row.result for row in report.drifted} == {"simulate(n_sim=2, seed=8)"}
    assert "simulation////value_sha256" in {row.key for row in report.drifted}


def test_elsewhere_a_hash_may_differ_and_what_it_is_of_is_compared(
    made: Path, tmp_path: Path
) -> None:
    def elsewhere(document: dict[str, Any]) -> None:
        document["stack"]["lme4"] = "1.1-30"
        figures = document["results"][1]["figures"]
        figures["simulation////value_sha256"] = "0" * 64
        figures["simulation///sim_1/value_mean"] *= 1 + 1e-9

    report = pb.verify_record(edited(made, tmp_path / "r.json", elsewhere))
    assert report.ok
    status = {row.key: row.status for row in report.figures}
    assert status == {
        "simulation////value_sha256": "reported",
        "simulation///sim_1/value_mean": "within",
    }

    def far(document: dict[str, Any]) -> None:
        elsewhere(document)
        document["results"][1]["figures"]["simulation///sim_1/value_mean"] *= 1.01

    assert not pb.verify_record(edited(made, tmp_path / "r.json", far)).ok
    assert pb.verify_record(tmp_path / "r.json", tolerance={"simulation/value_mean": 0.1}).ok
    with pytest.raises(OptionError, match="tolerance has no figure 'replicate/value'"):
        pb.verify_record(tmp_path / "r.json", tolerance={"replicate/value": 0.1})


def test_what_r_refuses_now_is_drift_of_that_result(made: Path, tmp_path: Path) -> None:
    def refused(document: dict[str, Any]) -> None:
        document["results"][4]["arguments"]["models"] = [{"model": "full"}, {"model": "full"}]
        document["results"][0]["arguments"]["ddf"] = "kenward-roger"  # of a fit by likelihood

    report = pb.verify_record(edited(made, tmp_path / "r.json", refused))
    errors = [row for row in report.drifted if row.key == "error"]
    assert [row.recorded for row in errors] == [None] * len(errors)
    assert not report.ok


def test_figures_of_results_have_a_unit_and_those_of_models_their_own() -> None:
    assert (
        tolerances.of_figure("fixed_effect/estimate") == tolerances.FIGURES["fixed_effect/estimate"]
    )
    assert tolerances.of_figure("model/n_obs") == (tolerances.SAME, None, None)
    assert tolerances.of_figure("mean/p_value")[0] == tolerances.MIXED
    assert tolerances.of_figure("mean/df")[0] == tolerances.RELATIVE
    assert tolerances.of_figure("replicate/value_sd") == tolerances.OF_RESULTS[""]
    for _, linear, other in tolerances.OF_RESULTS.values():
        assert 0 < linear <= other <= 1e-4


def hash_of(values: list[Any]) -> str:
    vector = _Vector()
    for value in values:
        vector.add("", value)
    return str(vector.hash.hexdigest())


def test_hashes_are_of_bits() -> None:
    assert hash_of([0.0]) != hash_of([-0.0])
    assert hash_of([1.0, 2.0]) != hash_of([2.0, 1.0])
    assert hash_of([None, np.nan]) == hash_of([float("nan"), None])
    assert hash_of(["a", "b"]) != hash_of(["ab"])
    assert hash_of([1]) == hash_of([1.0])


def test_what_vectors_are_like_is_rs() -> None:
    values = np.array([3.0, 1.5, np.nan, 2.25, np.nan])
    found = ask("vector_summaries", values=values, sizes=np.array([4, 1], dtype=np.int32))
    assert found["mean"][0] == float(np.mean([3.0, 1.5, 2.25]))
    assert (found["min"][0], found["max"][0]) == (1.5, 3.0)
    assert all(np.isnan(found[name][1]) for name in ("mean", "sd", "min", "max"))


def test_long_vectors_are_hashed_and_no_figure_is_lost_of_short_ones(
    sleepstudy: pd.DataFrame,
) -> None:
    fit = pb.lmer(SLOPES, sleepstudy)
    short = fit.predict()
    assert len(stored_figures(short)) == len(figures_of_result(short)) == 180
    long = fit.predict(pd.concat([sleepstudy] * 6, ignore_index=True))
    figures = stored_figures(long)
    assert figures["prediction////estimate_n"] == 1080
    assert len(figures) == 6
    many = fit.simulate(101, seed=1)
    figures = stored_figures(many)
    assert len(figures) == 6
    assert figures["simulation////value_max"] == many.values.max()


# -- what is left out ----------------------------------------------------------------------------


def test_what_cannot_be_recorded_is_left_out_and_named(
    sleepstudy: pd.DataFrame, tmp_path: Path
) -> None:
    fit = pb.lmer(SLOPES, sleepstudy, reml=False)
    other = fit.update(". ~ . - Days")
    kept = [
        fit.simulate(2),
        fit.bootstrap("parametric", n_sim=2, seed=1, statistic=lambda model: model.sigma),
        pb.anova(fit, other),
        fit.anova(),
    ]
    fit.predict()
    path = tmp_path / "r.json"
    with pytest.warns(PymerWarning, match="does not hold") as caught:
        pb.record(fit, path)
    (said,) = (str(each.message) for each in caught)
    assert f"simulate(): {record_results.NO_SEED}" in said
    assert f"bootstrap(): {record_results.NOT_PLAIN}: statistic is a function" in said
    assert f"anova(): {record_results.OTHER_MODEL}" in said
    assert f"predict(): {record_results.NO_LONGER}" in said
    assert [each["name"] for each in results_in(path)] == ["anova"]
    assert len(kept) == 4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pb.record(fit, path, results=False)
    with pytest.raises(OptionError, match="results"):
        pb.record(fit, path, results="no")  # type: ignore[arg-type]


def test_large_arguments_are_refused_by_name(sleepstudy: pd.DataFrame, tmp_path: Path) -> None:
    fit = pb.lmer("Reaction ~ Days + (1 | Subject)", sleepstudy)
    rows = pd.DataFrame({"Days": np.zeros(MOST_VALUES // 2 + 1), "x": 0.0})
    kept = fit.bootstrap(
        n_sim=2, seed=1, statistic="predictions", new_data=rows, re_form="population"
    )
    with pytest.warns(PymerWarning, match=f"new_data is more than {MOST_VALUES:,} values"):
        pb.record(fit, tmp_path / "r.json")
    assert len(kept.replicates) == 2


def test_more_replicates_than_a_record_may_ask_for_are_left_out(
    sleepstudy: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking_again, "MOST_DRAWN", 3)
    fit = pb.lmer("Reaction ~ Days + (1 | Subject)", sleepstudy)
    kept = [fit.simulate(4, seed=1), fit.simulate(3, seed=1)]
    with pytest.warns(PymerWarning, match="n_sim=4 is more than 3"):
        path = pb.record(fit, tmp_path / "r.json")
    assert len(results_in(path)) == len(kept) - 1


def test_arguments_cannot_change_after_the_call(sleepstudy: pd.DataFrame, tmp_path: Path) -> None:
    fit = pb.lmer(SLOPES, sleepstudy)
    weights, rows = np.array([[0.0, 7.0]]), pd.DataFrame({"Days": [1.0]})
    kept = [fit.contest(weights), fit.predict(rows, re_form="population")]
    weights[:] = 99
    rows["Days"] = 99
    path = pb.record(fit, tmp_path / "r.json")
    assert len(kept) == 2
    assert pb.verify_record(path, data=sleepstudy).ok


def test_a_record_keeps_nothing_alive(sleepstudy: pd.DataFrame) -> None:
    import gc  # noqa: PLC0415
    import weakref  # noqa: PLC0415

    fit = pb.lmer("Reaction ~ Days + (1 | Subject)", sleepstudy)
    other = fit.update(". ~ . - Days")
    kept = pb.pb_modcomp(fit, other, n_sim=2, seed=1)
    gone = [weakref.ref(fit._model), weakref.ref(other._model)]
    del fit, other
    gc.collect()
    assert [ref() for ref in gone] == [None, None]
    assert kept.rows


@pytest.mark.parametrize("reason", record_results.WHY_NOT)
def test_the_page_lists_why_results_are_left_out(reason: str) -> None:
    page = Path(__file__).parents[2] / "docs" / "ci.md"
    assert f"| {reason} |" in page.read_text()


# -- what a file may ask -------------------------------------------------------------------------

OF_ALL = (
    "check cooks_distance fitted hat_values model_matrix residuals rstudent vcov vif standardize"
)
OF_MIXED = f"{OF_ALL} all_fit group_coefficients icc influence r2 re_pca anova drop1 fixed_effects"
OF_TWO = "bootstrap confint emmeans emtrends predict profile simulate"
ASKABLE = {
    "LinearMixedModel": f"{OF_MIXED} {OF_TWO} contest ranova robust step",
    "GeneralizedLinearMixedModel": f"{OF_MIXED} {OF_TWO}",
    "NonlinearMixedModel": f"{OF_MIXED} predict simulate",
    "LinearModel": f"{OF_ALL} anova bootstrap confint contest drop1 emmeans emtrends fixed_effects"
    " influence_measures predict r2 robust rstandard simulate",
    "LinearModelList": "coefficients",
    "MarginalMeans": "contrast effect_sizes joint_tests pairs test",
}


@pytest.mark.parametrize("name", ASKABLE)
def test_what_a_file_may_ask_is_this_and_no_more(name: str) -> None:
    home = {"MarginalMeans": "pymer_bridge.models.marginal_means"}.get(name, "pymer_bridge")
    cls = getattr(__import__(home, fromlist=[name]), name)
    open_ = {}
    for each in dir(cls):
        found = getattr(cls, each)
        function = found.fget if isinstance(found, property) else found
        if each[0] != "_" and gives_figures(function):
            open_[each] = function
    assert set(open_) == set(ASKABLE[name].split())
    never = {"n_jobs", "progress", "checkpoint", "timeout", "path", "self"}
    for function in open_.values():
        assert not set(takes(function)) & never


@pytest.mark.carried("clubSandwich")
def test_what_is_asked_of_a_result_is_asked_of_it_again(
    sleepstudy: pd.DataFrame, tmp_path: Path
) -> None:
    fit = pb.lmer("Reaction ~ Days + (1 | Subject)", sleepstudy)
    robust = fit.robust("Subject")
    kept = [robust.wald_test(), fit.robust("Subject", kind="CR1")]
    path = pb.record(fit, tmp_path / "r.json")
    stored = results_in(path)
    assert [each["name"] for each in stored] == ["robust", "wald_test", "robust"]
    assert stored[1]["of"] == 0
    assert len(kept) == 2
    report = pb.verify_record(path, data=sleepstudy)
    assert (report.ok, report.figures) == (True, ())


def test_functions_that_a_file_may_ask() -> None:
    parts = [each for place in asking_again.PLACES for each in vars(place).items()]
    found = {name for name, each in parts if name[0] != "_" and gives_figures(each)}
    assert found - asking_again.FITTING == {
        *("anova", "kr_modcomp", "sat_modcomp", "pb_modcomp", "compare_models", "pool")
    }
    assert found > asking_again.FITTING
    with pytest.raises(ValueError, match="nothing that a record can ask"):
        asking_again.function_of(None, "fit_imputed")


def put(*place: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        part: Any = document
        for name in place[:-1]:
            part = part[name]
        part[place[-1]] = value

    return change


DEEP: Any = [1]
for _ in range(30):
    DEEP = [DEEP]

HOSTILE = {
    "results of no kind": put("results", value={"a": 1}),
    "a result of no kind": put("results", 0, value=3),
    "a part too many": put("results", 0, "code", value="system('id')"),
    "an unknown method": put("results", 0, "name", value="explode"),
    "a method that writes": put("results", 0, "name", value="save"),
    "a method of Python": put("results", 0, "name", value="__reduce__"),
    "a private method": put("results", 0, "name", value="_ask"),
    "a property": put("results", 0, "name", value="sigma"),
    "a name that is no name": put("results", 0, "name", value="a.b()"),
    "a name of no kind": put("results", 0, "name", value=["contest"]),
    "a function that is none": put("results", 4, "name", value="ask"),
    "a class for a function": put("results", 4, "name", value="Path"),
    "a model that is not there": put("results", 0, "model", value="other"),
    "a model of no kind": put("results", 0, "model", value=1),
    "a result of itself": put("results", 3, "of", value=3),
    "a result of a later one": put("results", 3, "of", value=5),
    "a result of a negative one": put("results", 3, "of", value=-1),
    "a result of True": put("results", 3, "of", value=True),
    "a result of another kind": put("results", 3, "of", value=0),
    "of a model and a result": put("results", 3, "model", value="full"),
    "arguments of no kind": put("results", 0, "arguments", value=[1]),
    "an argument that is no name": put("results", 0, "arguments", "a b", value=1),
    "an unknown argument": put("results", 0, "arguments", "shell", value="id"),
    "self": put("results", 0, "arguments", "self", value={"model": "small"}),
    "a file": put("results", 6, "arguments", "checkpoint", value="/tmp/hacked"),
    "processes": put("results", 6, "arguments", "n_jobs", value=64),
    "an argument that is missing": put("results", 0, "arguments", value={}),
    "a list for a text": put("results", 0, "arguments", "ddf", value=["satterthwaite"]),
    "NaN for a level": put("results", 0, "arguments", "conf_level", value={"float": "nan"}),
    "infinity for a level": put("results", 0, "arguments", "conf_level", value={"float": "inf"}),
    "a huge number of draws": put("results", 1, "arguments", "n_sim", value=10**9),
    "a number of draws as a text": put("results", 1, "arguments", "n_sim", value="9"),
    "no draws": put("results", 1, "arguments", "n_sim", value=-1),
    "a seed that is none": put("results", 1, "arguments", "seed", value=1.5),
    "nested too deep": put("results", 0, "arguments", "contrasts", value=DEEP),
    "too many values": put("results", 0, "arguments", "contrasts", value=[0] * (MOST_VALUES + 1)),
    "an endless index": put(
        "results", 7, "arguments", "new_data",
        value={"frame": [], "index": {"kind": "range", "range": [0, 10**12, 1], "names": [None]}},
    ),
    "a frame of no kind": put("results", 7, "arguments", "new_data", value={"frame": 1}),
    "a series of no kind": put("results", 7, "arguments", "new_data", value={"series": [1, 2]}),
    "a mapping of lists": put("results", 7, "arguments", "new_data", value={"mapping": [[[1], 2]]}),
    "a mapping with a name twice": put(
        "results", 7, "arguments", "new_data", value={"mapping": [["Days", 1], ["Days", 2]]}
    ),
    "an object": put("results", 7, "arguments", "new_data", value={"type": "Path", "fields": {}}),
    "a model that is no data": put("results", 7, "arguments", "new_data", value={"model": "full"}),
    "an array that is not there": put("results", 8, "arguments", "contrasts", value={"array": "9"}),
    "an array of objects": put(
        "results", 8, "arrays", value={"0": {"dtype": "object", "shape": [1], "base64": "AAAA"}}
    ),
    "a text with a NUL": put("results", 0, "arguments", "ddf", value="a\0b"),
    "half a character": put("results", 0, "arguments", "ddf", value="\ud800"),
    "figures of no kind": put("results", 0, "figures", value=[1]),
    "a figure of no kind": put("results", 0, "figures", "t_test///x/estimate", value=[1]),
    "a figure with no key": put("results", 0, "figures", "estimate", value=1.0),
    "a predictor that is none": put("results", 2, "arguments", "specs", value="system('id')"),
    "a term that is none": put("results", 5, "arguments", "restricted", value="nothing"),
}  # fmt: skip


@pytest.mark.parametrize("how", HOSTILE)
def test_a_hostile_result_is_one_clear_error(made: Path, tmp_path: Path, how: str) -> None:
    """Also where the hash of the file is right."""
    path = edited(made, tmp_path / "hostile.pbr.json", HOSTILE[how])
    with pytest.raises((RecordError, FormulaError)) as caught:
        pb.verify_record(path)
    assert str(caught.value).startswith(str(path))
    assert len(str(caught.value)) < 800 + len(str(path))


CODE = "system('touch hacked')"


@pytest.mark.parametrize(
    ("place", "argument", "text"),
    [
        (6, "statistic", f"function(fit) {{ {CODE}; 1 }}"),
        (6, "statistic", CODE),
        (6, "statistic", "system"),
        (5, "restricted", f". ~ . - {CODE}"),
        (5, "restricted", f"~ I({CODE})"),
        (7, "re_form", f"~ ({CODE} | Subject)"),
        (2, "specs", f"~ I({CODE})"),
        (2, "specs", CODE),
    ],
)
def test_nothing_in_a_result_is_run(
    made: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: int,
    argument: str,
    text: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    path = edited(
        made,
        tmp_path / "hostile.pbr.json",
        put("results", place, "arguments", argument, value=text),
    )
    with pytest.raises((FormulaError, RecordError)):
        pb.verify_record(path)
    assert not (tmp_path / "hacked").exists()


def test_functions_of_a_statistic_are_allowed_by_the_user_alone(
    sleepstudy: pd.DataFrame, tmp_path: Path
) -> None:
    fit = pb.lmer("Reaction ~ Days + (1 | Subject)", sleepstudy, reml=False)
    kept = fit.bootstrap(
        n_sim=2,
        seed=1,
        statistic="function(fit) zapsmall(fixef(fit))",
        allow_functions=("zapsmall",),
    )
    path = pb.record(fit, tmp_path / "r.json")
    assert len(kept.replicates) == 2
    with pytest.raises(FormulaError, match="'zapsmall'"):
        pb.verify_record(path, data=sleepstudy)
    assert pb.verify_record(path, data=sleepstudy, allow_functions=["zapsmall"]).ok

    def all_allowed(document: dict[str, Any]) -> None:
        document["results"][0]["arguments"]["allow_functions"] = ["system", "zapsmall"]

    hostile = edited(path, tmp_path / "hostile.json", all_allowed)
    with pytest.raises(FormulaError, match="'system'"):
        pb.verify_record(hostile, data=sleepstudy, allow_functions=["zapsmall"])


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=9), inner, max_size=3)
        | st.sampled_from(
            ["model", "mapping", "frame", "series", "array", "float", "index"]
        ).flatmap(lambda name: inner.map(lambda value: {name: value}))
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_edit_of_results_is_read_or_one_clear_error(
    made: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    found = [
        place
        for place in places(json.loads(made.read_text()))
        if place[0] == "results" and ("figures" not in place or "p_value" in str(place[-1]))
    ]
    place, value = data.draw(st.sampled_from(found)), data.draw(JSON)
    path = tmp_path_factory.getbasetemp() / "edited.pbr.json"
    with suppress(RecordError):
        read_record(edited(made, path, put(*place, value=value)))


@pytest.fixture(scope="module")
def small_fits(sleepstudy: pd.DataFrame) -> dict[str, Any]:
    full = pb.lmer(SLOPES, sleepstudy, reml=False)
    return {"full": full, "small": full.update(". ~ . - Days")}


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_argument_is_taken_or_one_clear_error(
    made: Path,
    small_fits: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
) -> None:
    number = data.draw(st.sampled_from([0, 1, 2, 4, 7, 8]))
    name = data.draw(st.sampled_from([*list(results_in(made)[number]["arguments"]), "conf_level"]))
    edit = put("results", number, "arguments", name, value=data.draw(JSON))
    path = tmp_path_factory.getbasetemp() / "argument.pbr.json"
    with suppress(RecordError, FormulaError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pb.verify_record(edited(made, path, edit), small_fits)


# -- earlier records -----------------------------------------------------------------------------


def test_records_of_the_first_layout_are_read(made: Path, tmp_path: Path) -> None:
    def first(document: dict[str, Any]) -> None:
        document["schema"] = 1
        del document["results"]

    path = edited(made, tmp_path / "first.json", first)
    assert read_record(path)[2] == ()
    assert pb.verify_record(path).ok

    def mixed(document: dict[str, Any]) -> None:
        document["schema"] = 1

    with pytest.raises(RecordError, match="parts missing or unknown"):
        pb.verify_record(edited(made, tmp_path / "mixed.json", mixed))

    def lacking(document: dict[str, Any]) -> None:
        del document["results"]

    with pytest.raises(RecordError, match="cannot be read"):
        pb.verify_record(edited(made, tmp_path / "lacking.json", lacking))


def test_texts_of_results_cannot_steer_a_terminal(made: Path, tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        document["results"][0]["arguments"]["contrasts"] = {
            "mapping": [["\x1b[2J", {"mapping": [["Days", 7]]}]]
        }

    report = pb.verify_record(edited(made, tmp_path / "r.json", change))
    assert "\x1b" not in str(report)
