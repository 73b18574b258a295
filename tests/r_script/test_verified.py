"""What is asked of models stands in their scripts, and plain R gives the same figures."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import pytest

import pymer_bridge as pb
from helpers.models import CASES, data_set
from pymer_bridge.errors import PymerError

pytestmark = [
    pytest.mark.r("lmerTest"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning"),
]

SLOPES = "Reaction ~ Days + (Days | Subject)"
ENDS: Final = ("confidence", "prediction")
KNOWN = {case.name: case for case in CASES if case.name != "large"}


def tried(*asking: Callable[[], Any]) -> Iterator[Any]:
    """Give what R has for a model."""
    for ask in asking:
        try:
            yield ask()
        except PymerError:
            continue


def asked_of(fit: Any) -> list[Any]:
    """Ask a mixed model for its parts, and for figures of its observations."""
    return list(
        tried(
            lambda: fit.fitted,
            fit.residuals,
            lambda: fit.residuals("pearson", scaled=True),
            lambda: fit.residuals("working"),
            fit.hat_values,
            fit.rstudent,
            fit.cooks_distance,
            lambda: fit.vcov,
            lambda: fit.model_matrix,
            lambda: fit.group_coefficients,
            fit.re_pca,
            fit.vif,
            fit.icc,
            fit.r2,
        )
    )


def verified(what: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = pb.verify(what, runs=1)
    assert report.ok, str(report)
    return report


def of_cases(names: Any) -> list[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [KNOWN[name].fit() for name in names]


def predicted_of(fit: Any) -> list[Any]:
    """Ask a model for predictions, and for responses drawn from it."""
    if fit.spec.fitter == "nlmer":
        return []
    kept = [fit.predict(), fit.predict(type="response"), fit.simulate(2, 7)]
    mixed = isinstance(fit, pb.MixedModel)
    kept.append(fit.predict(re_form="population") if mixed else fit.predict(std_error=True))
    return kept


@pytest.mark.slow
def test_all_models_and_what_is_asked_of_them_are_those_of_one_script() -> None:
    fits = of_cases(KNOWN)
    kept = [each for fit in fits for each in asked_of(fit)]
    assert len(kept) > 700
    trial = data_set("trial")
    line = pb.lm("y ~ f * x", trial, contrasts={"f": "contr.sum"})
    counts = pb.glm("count ~ x", data_set("clinic"), family="poisson")
    each_alone = pb.lm_list("Reaction ~ Days | Subject", pb.load_dataset("sleepstudy"))
    kept += [each for fit in (*fits, line, counts) for each in predicted_of(fit)]
    kept += [line.predict(trial.head(4), interval=kind, conf_level=0.8) for kind in ENDS]
    kept += [line.fixed_effects(), counts.fixed_effects(), each_alone.coefficients()]
    kept += [
        fits[0].fixed_effects("normal", conf_level=0.8),
        fits[3].fixed_effects("kenward-roger"),
    ]
    report = verified([*fits, line, counts, each_alone])
    assert report.n_figures > 300_000
    of_shares = ("intraclass_correlation:", "r_squared:")
    left = [text for text in report.not_compared if not text.startswith(of_shares)]
    assert all("na.action = na.exclude" in text for text in left)


def test_influence_is_that_of_a_script() -> None:
    slopes, trial, trials, counts, missing, crossed, alone = of_cases(
        [
            *("slopes", "weights_column", "binomial", "poisson_offset", "missing_exclude"),
            *("crossed", "random_intercept"),
        ]
    )
    few = pb.lmer(SLOPES, pb.load_dataset("sleepstudy").head(40))
    kept = [
        slopes.influence("Subject"),
        few.influence(max_evaluations=50),
        trial.influence("g"),
        trials.influence("herd"),
        counts.influence("ward"),
        missing.influence("g"),
        slopes.anova(),  # attaches lmerTest
    ]
    report = verified(kept)
    assert report.not_compared == ()
    assert report.n_figures > 2500
    kept = [crossed.influence("plate"), alone.influence()]
    (left,) = verified([crossed, alone]).not_compared
    assert left.startswith("influence: Influence was asked for too; R's measures stop")


def test_models_without_random_effects_have_their_figures() -> None:
    trial, clinic = data_set("trial"), data_set("clinic")
    fits = [
        pb.lm("y ~ f * x", trial, contrasts={"f": "contr.sum"}),
        pb.lm("y ~ x", data_set("gaps"), na_action="exclude"),
        pb.lm("y ~ x + I(2 * x)", trial, weights="w"),
        pb.glm("count ~ x + f", clinic, family="poisson"),
        pb.glm("event ~ x", clinic, family="binomial"),
    ]
    kept: list[Any] = []
    for fit in fits:
        kept += tried(
            lambda fit=fit: fit.fitted,
            fit.residuals,
            lambda fit=fit: fit.residuals("working"),
            fit.hat_values,
            fit.rstudent,
            fit.rstandard,
            fit.cooks_distance,
            fit.influence_measures,
            lambda fit=fit: fit.vcov,
            lambda fit=fit: fit.model_matrix,
            fit.r2,
        )
    report = verified(fits)
    assert report.not_compared == ()
    assert report.n_figures > 5000


def test_models_side_by_side_and_pooled_are_those_of_a_script() -> None:
    data = pb.load_dataset("sleepstudy")
    large = pb.lmer(SLOPES, data, reml=False)
    small = pb.lmer("Reaction ~ Days + (1 | Subject)", data, reml=False)
    line = pb.lm("Reaction ~ Days", data)
    by_reml = [fit.update(reml=True) for fit in (large, small)]
    side = [
        pb.compare_models(large, small, line, names=["one of `them`", "small", "line"]),
        pb.compare_models(*by_reml),
    ]
    frames = [data.assign(Reaction=data.Reaction + np.eye(180)[3] * k) for k in (-20, 0, 30)]
    fits = [pb.lmer(SLOPES, frame) for frame in frames]
    lines = [pb.lm("Reaction ~ Days", frame) for frame in frames]
    pooled = list(
        tried(
            lambda: pb.pool(fits),
            lambda: pb.pool(fits, df_complete=np.inf, conf_level=0.8),
            lambda: pb.pool(lines),
        )
    )
    fits[0].anova()
    report = verified([*side, *pooled, fits[0]])
    assert report.not_compared == ()
    assert report.n_figures > 200


@pytest.mark.carried("car", "performance")
def test_shares_of_groups_and_inflation_of_terms_are_those_of_a_script() -> None:
    nested = pb.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", pb.load_dataset("cake"))
    line = pb.lmer("Reaction ~ Days + (1 | Subject)", pb.load_dataset("sleepstudy"))
    kept = [nested.vif(), line.icc(by_group=True), line.r2(by_group=True)]
    assert verified([nested, line]).not_compared == ()
    assert len(kept) == 3


@pytest.mark.carried("dfoptim", "optimx")
def test_fits_by_optimizers_are_those_of_a_script() -> None:
    for fit in of_cases(["slopes", "binomial"]):
        kept = fit.all_fit(["bobyqa", "Nelder_Mead", "nloptwrap.NLOPT_LN_BOBYQA"])
        assert verified(kept).not_compared == ()


def test_models_refitted_to_another_response_are_those_of_a_script() -> None:
    herds = pb.glmer(
        "cbind(ill, well) ~ period + (1 | herd)",
        pb.load_dataset("cbpp").assign(ill=lambda d: d.incidence, well=lambda d: d["size"] - d.ill),
        family="binomial",
    )
    slopes, weighted, gaps, counts = of_cases(
        ["slopes", "weights_vector", "missing_exclude", "poisson_offset"]
    )
    line = pb.lm("Reaction ~ Days", pb.load_dataset("sleepstudy"))
    fits = [herds, slopes, weighted, gaps, counts, line]
    refitted: list[Any] = []
    for fit in fits:
        drawn = fit.simulate(seed=1)
        response = drawn.values[:, 0]
        if drawn.failures is not None:
            response = np.column_stack([response, drawn.failures[:, 0]])
        refitted.append(fit.refit(response))
    refitted.append(refitted[1].refit_ml())
    kept = [each for fit in refitted for each in tried(fit.predict, fit.cooks_distance, fit.anova)]
    kept += [refitted[1].ranova(), refitted[3].drop1(), refitted[1].influence("Subject")]
    kept += [refitted[2].bootstrap(n_sim=3, seed=1), refitted[4].simulate(seed=3)]
    report = verified(refitted)
    assert report.not_compared == ()
    assert report.n_figures > 3000
    assert len(kept) > 20


def test_case_bootstraps_are_those_of_a_script() -> None:
    slopes, trial, crossed, counts, part = of_cases(
        ["slopes", "weights_vector", "crossed", "poisson_offset", "subset_expression"]
    )
    kept = [
        slopes.bootstrap("case", 3, 1, resample={"Subject": True}),
        slopes.bootstrap("case", 3, 2, resample={"Subject": True, ".obs": True}),
        slopes.bootstrap("case", 3, 3, "fixed_effects", resample={".obs": True}),
        trial.bootstrap("case", 3, 4, resample={"g": True, ".obs": False}, relabel=False),
        trial.bootstrap("case", 3, 4, resample={"g": False, ".obs": True}),
        crossed.bootstrap("case", 3, 5, resample={".obs": True}),
        counts.bootstrap("case", 3, 6, resample={"ward": True}),
        counts.bootstrap("case", 3, 6, "function(fit) c(s = sigma(fit))", resample={"ward": True}),
        slopes.anova(),
    ]
    report = verified(kept)
    assert report.not_compared == ()
    assert report.n_figures > 120
    left = [
        crossed.bootstrap("case", 2, 1, resample={"plate": True}),
        part.bootstrap("case", 2, 1, resample={"g": True}),
        counts.bootstrap("case", 2, resample={"ward": True}),
    ]
    said = verified([crossed, part, counts]).not_compared
    assert [text.rpartition("too. ")[2] for text in said] == [
        "Its groups are drawn within others, or share columns with them.",
        "It is of a subset, which update() would take again.",
        "It was drawn without a seed, and cannot be repeated exactly.",
    ], left


FRAME = pb.crossed_frame(subject=10, item=6, within={"cond": ["a", "b"]})


def design(**changed: Any) -> Any:
    return pb.design(
        "rt ~ cond + (cond | subject) + (1 | item)",
        FRAME,
        fixed={"(Intercept)": 600, "condb": 60},
        std_devs={"subject": {"(Intercept)": 80, "condb": 30}, "item": 25},
        correlations={"subject": 0.2},
        residual=120,
        **changed,
    )


def odds() -> Any:
    return pb.design(
        "~ cond + (1 | subject)",
        FRAME.rename(columns={"item": "the item"}),
        fixed={"(Intercept)": -0.5, "condb": 1},
        std_devs={"subject": 0.8},
        family="binomial",
    )


def test_responses_and_power_of_designs_are_those_of_a_script() -> None:
    times, answers = design(), odds()
    weights = {"b": {"(Intercept)": 1, "condb": 1}}
    kept = [
        times.simulate(3, 5),
        times.power("condb", n_sim=8, seed=1),
        times.power({**weights, "slopes": "~ cond + (1 | subject)"}, n_sim=4, seed=2),
        times.power({**weights, "condb": "condb"}, ddf="normal", n_sim=4, seed=2),
        times.power(ddf="lrt", n_sim=4, seed=3, formula="~ cond + (1 | subject)", alpha=0.5),
        times.power(ddf="anova", n_sim=4, seed=2, conf_level=0.8),
        answers.simulate(2, 3),
        answers.power(n_sim=3, seed=4),
        answers.power(ddf="lrt", n_sim=3, seed=4),
    ]
    report = verified(kept)
    assert report.not_compared == ()
    assert report.n_figures > 900


@pytest.mark.r("pbkrtest")
def test_power_by_kenward_and_roger_is_that_of_a_script() -> None:
    times = design()
    assert verified(times.power(ddf="kenward-roger", n_sim=2, seed=1)).n_figures > 20


def test_what_has_no_call_is_refused_by_its_reason(tmp_path: Any) -> None:
    times, coded = design(), design(contrasts={"cond": "contr.treatment"})
    drawn = times.power("condb", n_sim=2)
    with pytest.raises(pb.OptionError, match="were made in this process"):
        pb.verify(coded.power("condb", n_sim=2, seed=1))
    assert "drawn without a seed" in str(pb.verify(drawn, runs=1))
    curve = times.power_curve("subject", [8, 10], tests="condb", n_sim=2, seed=1)
    with pytest.raises(pb.OptionError, match="a PowerCurve has no call in scripts: runs of"):
        pb.verify(curve)
    text = pb.session_script(tmp_path / "a.R").read_text(encoding="utf-8")
    assert "A power analysis was made too; it was drawn without a seed." in text
    fit = pb.lmer(SLOPES, pb.load_dataset("sleepstudy"))
    shown = fit.tidy(), fit.fit_statistics
    (left,) = pb.verify(fit, runs=1).not_compared
    assert left.startswith("tidy_model: a frame of figures"), shown


@pytest.mark.carried("performance")
def test_checks_of_models_are_those_of_a_script() -> None:
    fits = of_cases(["slopes", "treatment", "crossed", "binomial", "poisson"])
    fits += [
        pb.lm("y ~ f * x", data_set("trial")),
        pb.glm("count ~ x + f", data_set("clinic"), family="poisson"),
    ]
    kept = [fit.check() for fit in fits] + [fits[0].check("normality", seed=3)]
    fits[0].anova()
    report = verified(fits)
    assert report.not_compared == ()
    assert len(kept[0].names) > 4


@pytest.mark.carried("clubSandwich", "sandwich")
def test_robust_tests_of_all_kinds_are_those_of_a_script() -> None:
    data = pb.load_dataset("sleepstudy").assign(half=lambda d: d.Subject.astype(str).str[:2])
    slopes = pb.lmer("Reaction ~ Days + half + (Days | Subject)", data)
    (gaps,) = of_cases(["missing_exclude"])
    line = pb.lm("Reaction ~ Days + Subject", data)
    missing = pb.lm("y ~ x + f + g", data_set("gaps"), na_action="exclude")
    counts = pb.glm("count ~ x + ward", data_set("clinic"), family="poisson")
    robust = [
        slopes.robust("half", kind="CR1"),
        gaps.robust(),
        line.robust(),
        line.robust(kind="HC1", test="normal", conf_level=0.8),
        line.robust("Subject", kind="CR1"),
        missing.robust(),
        missing.robust("g", kind="CR1"),
        counts.robust(),
    ]
    joint = [
        slopes.robust().wald_test(["Days", "half"], test="Naive-F"),
        gaps.robust().wald_test("f"),
        missing.robust("g", kind="CR1").wald_test("f", test="chi-sq"),
    ]
    report = verified([*robust, *joint])
    assert report.not_compared == ()
    assert report.n_figures > 250


@pytest.mark.carried("performance")
def test_intervals_of_shares_are_those_of_a_script() -> None:
    fits = of_cases(["slopes", "crossed", "missing_exclude", "binomial"])
    kept = [each(conf_level=0.8, n_sim=8, seed=3) for fit in fits for each in (fit.icc, fit.r2)]
    report = verified(kept)
    assert report.not_compared == ()
    assert report.n_figures >= 6 * len(kept)
