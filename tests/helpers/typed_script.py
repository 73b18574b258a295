"""A user's script that reads every kind of result, with the type that an editor must see of each.

The tests hold it under pyright in strict mode, and run it.
"""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

import pymer_bridge as pb
from pymer_bridge.models.deviance_function import DevianceFunction
from pymer_bridge.models.marginal_means import MarginalMeans
from pymer_bridge.models.methods.diagnostics import ModelChecks
from pymer_bridge.models.robust_effects import RobustEffects
from pymer_bridge.models.scaled_residuals import SimulatedResiduals
from pymer_bridge.results import (
    all_fit,
    bootstrap,
    checks,
    contrasts,
    criteria,
    design,
    effects,
    fit_statistics,
    fixed_effects,
    groups,
    icc_r2,
    imputed,
    influence,
    internals,
    intervals,
    lm_list,
    many_fits,
    matrix,
    means,
    model_table,
    pooling,
    power,
    prediction,
    routes,
    simulated,
    tests,
    variances,
)


def read_a_model(fit: pb.LinearMixedModel) -> None:
    effect = fit.fixed_effects()["Days"]
    assert_type(effect, fixed_effects.FixedEffect[float])
    assert_type(round(effect.p_value, 3), float)
    assert_type(fit.fixed_effects("none")["Days"].p_value, float | None)
    assert_type(effect.estimate, float)
    for row in fit.fixed_effects():
        assert_type(row, fixed_effects.FixedEffect[float])
    assert_type(fit.variance_components["Subject", "Days"], variances.VarianceComponent)
    assert_type(fit.random_effects["Subject", "308", "Days"], groups.RandomEffect)
    for mode in fit.random_effects:
        assert_type(mode, groups.RandomEffect)
    assert_type(fit.group_coefficients["Subject", "308", "Days"], groups.GroupCoefficient)
    assert_type(fit.covariances["Subject"], matrix.NamedMatrix)
    assert_type(fit.vcov["Days", "Days"], float)
    assert_type(fit.convergence, fit_statistics.Convergence)
    assert_type(fit.is_singular(), bool)
    assert_type(fit.icc(), icc_r2.IntraclassCorrelation)
    assert_type(fit.r2(), icc_r2.RSquared)
    assert_type(fit.r2(conf_level=0.9, n_sim=5, seed=1).marginal_conf_low, float | None)
    assert_type(fit.icc(by_group=True)["Subject"], icc_r2.GroupShare)
    assert_type(fit.standardize(two_sd=True), fixed_effects.StandardizedEffects)
    assert_type(fit.check("normality"), ModelChecks)
    assert_type(fit.check("normality")["normality", "residuals"], checks.Check)
    residuals = fit.simulated_residuals(50, refit=False)
    assert_type(residuals, SimulatedResiduals)
    assert_type(residuals.by_group("Subject").test_uniformity(), simulated.ResidualTest)
    assert_type(fit.check_predictions().rows[0], simulated.PredictiveRow)
    assert_type(fit.robust("Subject", kind="CR2", test="naive-t"), RobustEffects)
    assert_type(fit.robust().wald_test("Days", "HTZ"), tests.FTests)
    assert_type(pb.pool([fit, fit])["Days"], imputed.PooledEffect)
    assert_type(pb.compare_models(fit, fit)["model1"], criteria.ModelCriteria)
    study = fit.design(fixed={"Days": 4})
    assert_type(study, pb.Design)
    assert_type(study.terms["fixed", "Days"], design.DesignTerm)
    assert_type(study.power("Days", n_sim=2)["Days"], power.PoweredTest)
    assert_type(study.power("Days", n_sim=2).plot(), Axes)
    assert_type(study.power_curve("Subject", [9], "Days", n_sim=2)[9], power.Power)
    assert_type(study.sample_size("Subject", "Days", n_sim=2, largest=8).size, int | None)
    assert_type(pb.crossed_frame(subject=4, item=3), pd.DataFrame)
    assert_type(fit.re_pca()["Subject", 1], internals.PrincipalComponent)
    assert_type(fit.tidy(), pd.DataFrame)
    assert_type(fit.augment(), pd.DataFrame)
    assert_type(fit.glance(), pd.DataFrame)


def read_its_tests(fit: pb.LinearMixedModel) -> None:
    assert_type(fit.anova()["Days"], tests.FTest)
    assert_type(fit.ranova(), tests.LikelihoodRatioTests)
    assert_type(fit.contest({"a week": {"Days": 7.0}}), tests.FTests)
    assert_type(fit.contest({"a week": {"Days": 7.0}}, joint=False), tests.TTests)
    assert_type(fit.confint()["Days"], intervals.Interval)
    assert_type(fit.step(), tests.BackwardElimination)
    smaller = fit.update(". ~ . - Days")
    assert_type(smaller, pb.LinearMixedModel)
    assert_type(pb.anova(smaller, fit), tests.LikelihoodRatioTests)
    assert_type(pb.kr_modcomp(fit, "Days"), tests.ModelComparison)
    assert_type(pb.pb_modcomp(fit, "Days", 5, 1), bootstrap.BootstrapTest)
    assert_type(pb.compare_inference(fit, "Days", n_sim=5, seed=1), routes.InferenceRoutes)


def read_its_predictions(fit: pb.LinearMixedModel) -> None:
    assert_type(fit.predict()[0], prediction.Prediction)
    simulated: pd.Series[Any] = fit.simulate(1, 1)["sim_1"]
    assert_type(simulated.name, Hashable | None)
    assert_type(fit.emmeans("Days"), MarginalMeans)
    assert_type(fit.emmeans("Days").rows[0], means.MarginalMean)
    assert_type(fit.effect("Days"), effects.EffectCurve)
    assert_type(fit.pooling(), pooling.PoolingLines)


def read_its_replicates(fit: pb.LinearMixedModel) -> None:
    replicates = fit.bootstrap("parametric", 5, 1)
    assert_type(replicates, bootstrap.BootstrapResult)
    assert_type(replicates.rows[0], bootstrap.BootstrapStatistic)
    assert_type(fit.influence("Subject"), influence.Influence)
    assert_type(fit.all_fit(["bobyqa"])["bobyqa"], all_fit.OptimizerFit)


def read_its_parts(fit: pb.LinearMixedModel) -> None:
    assert_type(fit.get_me("Z"), internals.SparseMatrix)
    assert_type(fit.get_me("Z").to_numpy(), NDArray[np.float64])
    assert_type(fit.get_me("X"), matrix.NamedMatrix)
    assert_type(fit.get_me("theta")["Subject.(Intercept)"], float)
    assert_type(fit.get_me("beta"), NDArray[np.float64])
    assert_type(fit.get_me("n"), int)
    assert_type(fit.get_me("is_REML"), bool)
    assert_type(fit.get_me("sigma"), float)
    assert_type(fit.get_me("L"), internals.CholeskyFactor)
    assert_type(fit.get_me("flist")["Subject"], pd.Categorical)
    assert_type(fit.model_matrix, matrix.NamedMatrix)
    assert_type(fit.contrasts, contrasts.Contrasts)
    assert_type(fit.deviance_function(), DevianceFunction)


def read_pictures(fit: pb.LinearMixedModel) -> None:
    assert_type(fit.plot.lines(), Axes)
    assert_type(fit.plot.diagnostics(), Figure)
    assert_type(fit.effect("Days").plot(scale="response"), Axes)
    assert_type(fit.influence("Subject").plot(n_labels=2), Axes)
    assert_type(fit.emmeans("Days").plot(comparisons=True), Figure)
    assert_type(fit.plot.emmip("~ Days", at={"Days": [1, 2]}), Figure)
    assert_type(fit.profile(["Days"]).plot(absolute=True), Figure)


def read_tables(fit: pb.LinearMixedModel, file: Path) -> None:
    assert_type(pb.model_table(fit), model_table.ModelTable)
    assert_type(pb.model_table(fit, format="html"), str)
    assert_type(fit.report("Days"), str)
    loaded = pb.load(fit.save(file))
    assert isinstance(loaded, pb.LinearMixedModel)
    assert_type(loaded, pb.LinearMixedModel)


def read_other_models(data: pd.DataFrame) -> None:
    line = pb.lm("Reaction ~ Days", data)
    assert_type(line, pb.LinearModel)
    assert_type(line.fixed_effects()["Days"], fixed_effects.FixedEffect[float])
    assert_type(line.anova()["Days"], tests.TermTest)
    assert_type(line.drop1(), tests.TermTests)
    assert_type(line.contest({"a week": {"Days": 7.0}}), tests.TermTests)
    assert_type(line.contest({"a week": {"Days": 7.0}}, joint=False), tests.TTests)
    assert_type(pb.anova(line.update(". ~ 1"), line), tests.TermTests)
    assert_type(line.confint()["Days"], intervals.Interval)
    assert_type(line.bootstrap("case", 5, 1), bootstrap.BootstrapResult)
    assert_type(line.influence_measures().rows[0], influence.InfluenceMeasure)
    assert_type(line.r2(), icc_r2.LinearRSquared)
    each = pb.lm_list("Reaction ~ Days | Subject", data)
    assert_type(each.coefficients()["308", "Days"], lm_list.SeparateEffect)
    many = pb.fit_many("~ Days + (1 | Subject)", data, ["Reaction"])
    assert_type(many["Reaction"], many_fits.ResponseFit)
    counts = pb.glmer(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)",
        pb.load_dataset("cbpp"),
        family="binomial",
    )
    assert_type(counts, pb.GeneralizedLinearMixedModel)
    assert_type(counts.fixed_effects()["period2"], fixed_effects.FixedEffect[float])
    assert_type(counts.anova(), tests.FTests)
    assert_type(counts.anova("II"), tests.TermTests)
    assert_type(pb.pb_modcomp(counts, "period", 2, 1), bootstrap.BootstrapTest)
    assert_type(pb.compare_inference(counts, "period2", "normal"), routes.InferenceRoutes)


def main(folder: Path) -> None:
    data = pb.load_dataset("sleepstudy")
    assert_type(data, pd.DataFrame)
    fit = pb.lmer("Reaction ~ Days + (Days | Subject)", data)
    assert_type(fit, pb.LinearMixedModel)
    read_a_model(fit)
    read_its_tests(fit)
    read_its_predictions(fit)
    read_its_replicates(fit)
    read_its_parts(fit)
    read_pictures(fit)
    read_tables(fit, folder / "fit.pbm")
    read_other_models(data)
