"""Power: every figure is that of a loop in plain R, whatever the number of workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.designs import crossed, made
from helpers.live import assert_same_bits
from helpers.probing import plain_r
from pymer_bridge.data.crossed import resized
from pymer_bridge.errors import (
    BootstrapInterrupted,
    BootstrapWarning,
    CheckpointError,
    FormulaError,
    OptionError,
    UnknownNameError,
)
from pymer_bridge.replicates import parallel
from pymer_bridge.results.power import Power, PowerCurve, SampleSize
from pymer_bridge.session.r_session import session

pytestmark = [
    pytest.mark.r("pbkrtest"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning"),
]
N, SEED = 12, 5
ARRAYS = ("p_values", "estimates", "std_errors", "df", "statistics")


@pytest.fixture(scope="module")
def plain() -> Any:
    return plain_r(REFERENCES / "power.R")


def assert_same_loop(found: Power, theirs: Any, test: int = 0) -> None:
    """Compare the arrays of one test with the rows of a loop, and how each fit ended."""
    columns = np.asarray(theirs).reshape((7, -1))
    for name, values in zip(ARRAYS, columns, strict=False):
        assert_same_bits(getattr(found, name)[:, test], values)
    assert found.singular.tolist() == (columns[5] == 1).tolist()
    assert found.converged.tolist() == (columns[6] == 1).tolist()


# -- tests -----------------------------------------------------------------------------------------

DDF = {"satterthwaite": "Satterthwaite", "kenward-roger": "Kenward-Roger"}


@pytest.mark.parametrize("ddf", DDF)
@pytest.mark.parametrize(
    ("name", "term"), [("slopes", "condb"), ("groups", "cond1:group1"), ("apart", "time")]
)
def test_t_tests_are_those_of_a_loop(plain: Any, name: str, term: str, ddf: Any) -> None:
    found = made(name).power(term, ddf=ddf, n_sim=N, seed=SEED)
    assert_same_loop(found, plain("by_t", name=name, n=N, seed=SEED, term=term, ddf=DDF[ddf]))


@pytest.mark.parametrize(
    ("name", "term"), [("slopes", "condb"), ("odds", "condb"), ("counts", "time")]
)
def test_normal_tests_are_those_of_a_loop(plain: Any, name: str, term: str) -> None:
    found = made(name).power(term, ddf="normal", n_sim=N, seed=SEED)
    assert_same_loop(found, plain("by_z", name=name, n=N, seed=SEED, term=term))


@pytest.mark.parametrize(
    ("name", "term", "smaller", "coefficient"),
    [
        ("slopes", "cond", "y ~ 1 + (cond | subject) + (1 | item)", "condb"),
        (
            "slopes",
            "~ cond + (1 | subject) + (1 | item)",
            "y ~ cond + (1 | subject) + (1 | item)",
            None,
        ),
        ("groups", "cond:group", "y ~ cond + group + (1 | subject)", "cond1:group1"),
        ("odds", "cond", "y ~ 1 + (1 | subject)", "condb"),
    ],
)
def test_likelihood_ratio_tests_are_those_of_a_loop(
    plain: Any, name: str, term: str, smaller: str, coefficient: str | None
) -> None:
    found = made(name).power(term, ddf="lrt", n_sim=N, seed=SEED)
    asked = {"smaller": session_formula(smaller), "term": coefficient}
    assert_same_loop(found, plain("by_ratio", name=name, n=N, seed=SEED, **asked))


def session_formula(text: str) -> Any:
    """Return a formula as R has it."""
    return session().call("str2lang", s=text).value


@pytest.mark.parametrize("ddf", ["satterthwaite", "kenward-roger", "anova"])
def test_tests_of_terms_are_those_of_a_loop(plain: Any, ddf: Any) -> None:
    term = "cond:group"
    found = made("groups").power(term, ddf=ddf, n_sim=N, seed=SEED)
    name = DDF.get(ddf, "Satterthwaite")
    assert_same_loop(found, plain("by_term", name="groups", n=N, seed=SEED, term=term, ddf=name))


@pytest.mark.parametrize("ddf", ["satterthwaite", "kenward-roger", "normal"])
def test_contrasts_are_those_of_a_loop(plain: Any, ddf: Any) -> None:
    weights = {"(Intercept)": 1.0, "condb": 0.5}
    found = made("slopes").power({"middle": weights}, ddf=ddf, n_sim=N, seed=SEED)
    asked = {"name": "slopes", "n": N, "seed": SEED, "weights": np.array([1.0, 0.5])}
    if ddf == "normal":
        assert_same_loop(found, plain("by_contrast_z", **asked))
    else:
        assert_same_loop(found, plain("by_contrast", ddf=DDF[ddf], **asked))
    assert found["middle"].true_value == 630
    assert found["middle"].kind == "contrast"


def test_several_tests_in_one_run_are_those_alone() -> None:
    design = made("slopes")
    tests = {
        "b": "condb",
        "mean": {"(Intercept)": 1, "condb": 0.5},
        "whole": "cond",
        "null": "~ 1 + (cond | subject) + (1 | item)",
    }
    found = design.power(tests, n_sim=N, seed=SEED)
    assert [row.test for row in found] == list(tests)
    assert [row.kind for row in found] == ["coefficient", "contrast", "term", "comparison"]
    for i, (name, test) in enumerate(tests.items()):
        alone = design.power({name: test}, n_sim=N, seed=SEED)
        assert_same_bits(found.p_values[:, i], alone.p_values[:, 0])


@pytest.mark.parametrize("ddf", ["satterthwaite", "lrt"])
def test_workers_and_checkpoints_change_nothing(
    ddf: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "START_SECONDS", 0.0)
    monkeypatch.setattr(parallel, "CHUNK_SECONDS", 0.02)
    design = made("slopes")
    alone = design.power(ddf=ddf, n_sim=40, seed=3)
    path = tmp_path / "run.ckpt"
    counts: list[int] = []
    shared = design.power(
        ddf=ddf, n_sim=40, seed=3, n_jobs=2, checkpoint=path, progress=lambda n, _: counts.append(n)
    )
    again = design.power(ddf=ddf, n_sim=40, seed=3, checkpoint=path)
    for other in (shared, again):
        assert other.rows == alone.rows
        assert_same_bits(other.p_values.ravel(), alone.p_values.ravel())
        assert other.singular.tolist() == alone.singular.tolist()
    assert counts[-1] == 40
    with pytest.raises(CheckpointError):
        design.power(ddf=ddf, n_sim=40, seed=4, checkpoint=path)


def test_an_interrupted_run_gives_what_was_finished() -> None:
    def stop(done: int, _: int) -> None:
        if done >= 3:
            raise KeyboardInterrupt

    design = made("apart")
    with pytest.raises(BootstrapInterrupted) as raised:
        design.power(n_sim=200, seed=1, progress=stop)
    partial = raised.value.partial
    assert 3 <= partial.n_sim < 200
    whole = design.power(n_sim=200, seed=1)
    n = partial.n_sim
    assert_same_bits(partial.p_values.ravel(), whole.p_values[:n].ravel())


# -- figures ---------------------------------------------------------------------------------------


def test_figures_are_those_of_r(plain: Any) -> None:
    found = made("apart").power("time", n_sim=60, seed=2, alpha=0.1, conf_level=0.9)
    row = found["time"]
    given = {"p": found.p_values[:, 0], "estimate": found.estimates[:, 0], "truth": 0.3}
    theirs = plain("figures", alpha=0.1, conf_level=0.9, **given)
    for name, value in theirs.items():
        assert_same_bits([getattr(row, name)], value)
    arrays = {
        "estimate": found.estimates[:, 0],
        "error": found.std_errors[:, 0],
        "df": found.df[:, 0],
    }
    assert_same_bits([row.coverage], plain("coverage", truth=0.3, alpha=0.1, **arrays))
    assert row.n_rejected == int((found.p_values < 0.1).sum())
    rejected = found.p_values[:, 0] < 0.1
    assert row.n_rejected_singular == int((rejected & found.singular).sum())
    assert found.n_singular == int(found.singular.sum())


def test_the_level_of_a_true_null_has_no_type_s() -> None:
    design = pb.design(
        "~ time + (1 | subject)",
        pb.crossed_frame(subject=10, within={"time": [0.0, 1.0]}),
        fixed={"(Intercept)": 0, "time": 0},
        std_devs={"subject": 1},
        residual=1,
    )
    row = design.power(n_sim=40, seed=1)["time"]
    assert row.true_value == 0
    assert row.type_s is None
    assert row.type_m is None
    assert row.coverage == 1 - row.power


def test_failed_fits_are_counted_and_never_rejections() -> None:
    with pytest.warns(BootstrapWarning, match=r"\d+ of 20 fits failed, and count as not rejected"):
        found = failing(20)
    assert found.n_failed > 0
    row = found.rows[0]
    assert row.n_failed == found.n_failed
    assert np.isnan(found.p_values[:, 0]).sum() == found.n_failed
    assert row.power == row.n_rejected / 20
    assert row.n_rejected <= 20 - found.n_failed
    assert sum(error is not None for error in found.errors) == found.n_failed
    assert f"{found.n_failed} failed (never counted as rejections)" in str(found)


def failing(n_sim: int) -> Power:
    """Draw counts that are sometimes all zero, which glmer() refuses."""
    design = pb.design(
        "~ 1 + (1 | subject)",
        pb.crossed_frame(subject=3, within={"time": [0.0, 1.0]}),
        fixed={"(Intercept)": -1.5},
        std_devs={"subject": 0.1},
        family="poisson",
    )
    return design.power(["(Intercept)"], n_sim=n_sim, seed=1)


def test_another_model_is_fitted(plain: Any) -> None:
    design = made("slopes")
    found = design.power("condb", formula="anything ~ cond + (1 | subject)", n_sim=N, seed=SEED)
    drawn = design.simulate(N, seed=SEED)
    for i in range(3):
        fit = pb.lmer("rt ~ cond + (1 | subject)", crossed().assign(rt=drawn.values[:, i]))
        assert fit.fixed_effects()["condb"].p_value == found.p_values[i, 0]
    assert found.formula == "rt ~ cond + (1 | subject)"
    assert found["condb"].true_value == 60
    misnamed = design.power("itemitem2", formula="~ item + (1 | subject)", n_sim=3, seed=1)
    assert misnamed["itemitem2"].true_value is None


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("slopes", {"tests": "conda"}, "tests names 'conda'; the coefficients are: .*'condb'"),
        ("slopes", {"tests": []}, "must be one or more different tests"),
        ("slopes", {"tests": ["condb", "condb"]}, "different tests"),
        ("slopes", {"tests": {"a": {"condx": 1}}}, "takes numbers for these coefficients"),
        ("slopes", {"tests": {"a": {"condb": 0}}}, "has no weight but 0"),
        ("slopes", {"tests": {"a": 3}}, "must be the name of a coefficient or a term, weights"),
        ("slopes", {"tests": {"a": {"condb": 1}}, "ddf": "lrt"}, "ddf='lrt' tests terms"),
        ("slopes", {"tests": "cond", "ddf": "normal"}, "no normal test"),
        ("groups", {"tests": "cond", "ddf": "lrt"}, "is part of another one"),
        ("groups", {"tests": "(Intercept)", "ddf": "anova"}, "the terms are: 'cond', 'group'"),
        ("odds", {"ddf": "satterthwaite"}, "is for linear models; choose 'normal' or 'lrt'"),
        ("slopes", {"alpha": 1.5}, "alpha"),
        ("slopes", {"n_sim": 0}, "n_sim"),
        ("slopes", {"ddf": "wald"}, "ddf"),
    ],
)
def test_what_cannot_be_asked(name: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        made(name).power(**{"n_sim": 2, "seed": 1, **given})


def test_formulas_of_tests_are_checked() -> None:
    design = made("slopes")
    with pytest.raises(FormulaError, match="system"):
        design.power({"a": "~ system('x') + (1 | subject)"}, n_sim=2)
    with pytest.raises(FormulaError, match="must be a formula"):
        design.power(formula="cond", n_sim=2)
    with pytest.raises(pb.RError, match="not smaller than the model that is fitted"):
        design.power({"a": "~ cond * group + (cond | subject) + (1 | item)"}, n_sim=2)


# -- curves ----------------------------------------------------------------------------------------


def test_smaller_designs_are_the_first_units_of_the_largest(plain: Any) -> None:
    curve = made("slopes").power_curve("subject", [4, 6, 8], "condb", n_sim=N, seed=SEED)
    assert curve.common
    for n in (4, 6, 8):
        rows = np.flatnonzero(crossed()["subject"].cat.codes < n) + 1
        asked = {"rows": rows.astype(np.int32), "ddf": "Satterthwaite", "term": "condb"}
        assert_same_loop(curve[n], plain("by_t", name="slopes", n=N, seed=SEED, **asked))
        assert curve[n].n_obs == 12 * n


def test_more_units_are_copies(plain: Any) -> None:
    curve = made("slopes").power_curve("subject", [16], "condb", n_sim=5, seed=SEED)
    frame = resized(crossed(), "subject", 16)
    given = made("slopes").terms.given()
    larger = pb.design("rt ~ cond + (cond | subject) + (1 | item)", frame, **given)
    alone = larger.power("condb", n_sim=5, seed=SEED)
    assert_same_bits(curve[16].p_values.ravel(), alone.p_values.ravel())


def test_effects_of_several_sizes_share_their_noise() -> None:
    design = made("apart")
    curve = design.power_curve("time", [0.1, 0.5], n_sim=8, seed=1)
    for value in (0.1, 0.5):
        alone = pb.design(
            design.formula,
            design._table,
            **{**design.terms.given(), "fixed": {"(Intercept)": 0, "time": value}},
        ).power(n_sim=8, seed=1)
        assert_same_bits(curve[value].p_values.ravel(), alone.p_values.ravel())
        assert curve[value]["time"].true_value == value
    difference = curve[0.5].estimates - curve[0.1].estimates
    np.testing.assert_allclose(difference, 0.4, atol=0.05)  # nothing but the effect differs


def test_without_a_seed_the_values_still_share_their_draws() -> None:
    curve = made("apart").power_curve("subject", [12, 12, 6], n_sim=5)
    assert curve.values == (12, 6)
    other = made("apart").power_curve("subject", [6, 12], n_sim=5, seed=1)
    assert other[12].p_values.tolist() == made("apart").power(n_sim=5, seed=1).p_values.tolist()


def test_the_size_that_is_enough_is_found_between_others() -> None:
    found = made("apart").sample_size("subject", "time", largest=60, n_sim=30, seed=1)
    assert found.size is not None
    assert found.curve[found.size]["time"].power >= 0.8
    below = [n for n in found.curve.values if n < found.size]
    assert all(found.curve[n]["time"].power < 0.8 for n in below)
    assert found.surely_below is None or found.surely_below < found.size
    assert found.surely_enough is None or found.surely_enough >= found.size
    assert found.size - 1 in found.curve.values or found.size == min(found.curve.values)
    none = made("apart").sample_size("subject", "time", largest=4, smallest=3, n_sim=10, seed=1)
    assert none.size is None
    assert "No number up to 4 has this power" in str(none)
    for result in (found, found.curve, found.curve.powers[0]):
        assert type(result).from_dict(result.to_dict()) == result
    assert isinstance(found, SampleSize)
    assert isinstance(found.curve, PowerCurve)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"along": "nosuch"}, UnknownNameError, "neither among the units 'subject', 'item'"),
        ({"values": []}, OptionError, "values"),
        ({"values": [1]}, OptionError, "values"),
        ({"values": [12.5]}, OptionError, "values"),
        ({"values": "12"}, OptionError, "values"),
    ],
)
def test_curves_that_cannot_be(given: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        made("slopes").power_curve(**{"along": "subject", "values": [4], "n_sim": 2, **given})


def test_sizes_are_of_units() -> None:
    with pytest.raises(OptionError, match="is a coefficient: give a column of units"):
        made("slopes").sample_size("condb", "condb", n_sim=2)
    with pytest.raises(OptionError, match="smallest=9 must not be above largest=8"):
        made("slopes").sample_size("subject", "condb", smallest=9, largest=8, n_sim=2)


def test_tables_say_what_they_are() -> None:
    found = made("slopes").power(n_sim=10, seed=1)
    assert list(found.to_frame().columns)[:4] == ["test", "kind", "power", "conf_low"]
    text = str(found)
    assert "alpha = 0.05, Satterthwaite's method, 10 responses" in text
    assert "Clopper-Pearson" in text
    with pytest.raises(ValueError, match=r"read-only|writeable"):
        found.p_values[0, 0] = 1.0
    curve = made("slopes").power_curve("subject", [4, 8], n_sim=5, seed=1)
    assert curve.to_frame()["value"].tolist() == [4, 8]
    with pytest.raises(OptionError, match="no power at subject = 5; there is: 4, 8"):
        curve[5]


# -- published figures -----------------------------------------------------------------------------


def sites(years: int) -> pb.Design:
    """Return the study of Green and MacLeod (2016), Methods in Ecology and Evolution 7, 493-498."""
    return pb.design(
        "z ~ x + (1 | g)",
        pb.crossed_frame(g=3, within={"x": range(1, years + 1)}),
        fixed={"(Intercept)": 1.54079, "x": -0.05},
        std_devs={"g": 0.2889},
        family="poisson",
    )


def students(n: int) -> pb.Design:
    """Return the study of section 5.1 of UVA StatLab's Power and Sample Size in R."""
    return pb.design(
        "bmi ~ year + (1 | student)",
        pb.crossed_frame(student=n, within={"year": range(1, 5)}),
        fixed={"(Intercept)": 20, "year": 0.25},
        std_devs={"student": 3},
        residual=1,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("design", "size", "alpha", "low", "high"),
    [
        (sites, 10, 0.05, 0.3048, 0.3642),
        (sites, 20, 0.05, 0.9402, 0.9670),
        (students, 15, 0.01, 0.2756, 0.4724),
        (students, 30, 0.01, 0.5379, 0.7336),
    ],
)
def test_published_figures_are_met(
    design: Any, size: int, alpha: float, low: float, high: float
) -> None:
    """Our power lies within their interval, which is as published."""
    study = design(size)
    found = study.power(study.terms.rows[1].term, alpha=alpha, n_sim=400, seed=1).rows[0]
    assert low <= found.power <= high
