"""What scripts can ask of a model, by the names of the operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pymer_bridge.r_script import (
    calls,
    design_calls,
    linear_calls,
    mean_calls,
    model_calls,
    part_calls,
)
from pymer_bridge.r_script.comparison_calls import bootstrap_test, comparison
from pymer_bridge.r_script.statements import Asked, Written, without


@dataclass(frozen=True, slots=True)
class Operation:
    """How a script asks for something.

    Attributes
    ----------
    asked
        How it is asked for in Python.
    write
        Writes the call.
    stem
        What the result is called.
    packages
        The R packages that have the functions, besides lme4 and lmerTest.
    lmertest
        Whether its tests by degrees of freedom need lmerTest.
    unless
        Where there is no call, or none whose figures can be compared.
    """

    asked: str
    write: Callable[[Asked], Written]
    stem: str
    packages: tuple[str, ...] = ()
    lmertest: bool = False
    unless: tuple[str, ...] = ()

    def needs_lmertest(self, arguments: Mapping[str, Any]) -> bool:
        """Say whether a linear mixed model needs lmerTest for it, with these arguments."""
        ddf = arguments.get("ddf", "satterthwaite")
        return self.lmertest and ddf in ("satterthwaite", "kenward-roger", "anova")


def _by_plain_names(
    write: Callable[[Asked], Written], of: str = "lmerTest's", what: str = ""
) -> Callable[[Asked], Written]:
    """Leave a call out where R, which reads names as code, would meet one that needs quotes.

    In this session the columns have other names meanwhile.
    """
    name = what or f"{getattr(write, '__name__', '')}()"

    def written(asked: Asked) -> Written:
        if asked.odd_names:
            return without(
                f"{name} was asked for too; {of} fails for columns whose names R must quote."
            )
        return write(asked)

    return written


_emmeans = partial(Operation, packages=("emmeans",))
_lmertest = partial(Operation, lmertest=True)
_pbkrtest = partial(Operation, packages=("pbkrtest",))


_EXCLUDED: Final = ('`glmer` and `glm` with `na_action="exclude"`',)
_CODED: Final = ("designs with `contrasts`",)
_ODD: Final = ("names of columns that R must quote",)
_OTHER: Final = ("one model is fitted to the rows of another",)
_GONE: Final = ("means that no longer exist",)
_SEED: Final = ("drawn without a seed",)
_ROWS: Final = ("more than 100 new rows", "new times or durations")


def _shares(asked: str, function: str, *further: tuple[str, str]) -> Operation:
    write = part_calls.plain(function, "shares", *further)
    plain = _by_plain_names(write, "performance", f"{function}()")
    return Operation(asked, plain, "shares", packages=("performance",), unless=_ODD)


OPERATIONS: Final[Mapping[str, Operation]] = {
    "fixed_effects": _lmertest("fit.fixed_effects()", calls.summary, "model_summary"),
    "summary_text": _lmertest("fit.summary()", calls.summary, "model_summary"),
    "linear_summary_text": Operation("fit.summary()", calls.summary, "model_summary"),
    "anova_one": _lmertest("fit.anova()", calls.anova, "tests"),
    "drop_one": _lmertest("fit.drop1()", calls.drop, "tests"),
    "drop_one_by_ratio": Operation("fit.drop1()", partial(calls.drop, by_ratio=True), "tests"),
    "ranova": _lmertest("fit.ranova()", _by_plain_names(calls.ranova), "random_tests", unless=_ODD),
    "backward_step": _lmertest("fit.step()", _by_plain_names(calls.step), "steps", unless=_ODD),
    "contest": _lmertest("fit.contest()", calls.contest, "hypothesis_test"),
    "confidence_intervals": Operation(
        'fit.confint("wald"), fit.confint("profile")', calls.intervals, "intervals"
    ),
    "bootstrap_intervals": Operation(
        'fit.confint("boot")',
        linear_calls.unless_linear(calls.bootstrap_intervals),
        "intervals",
        unless=(*_SEED, "of `lm` and `glm`"),
    ),
    "profile_points": Operation("fit.profile()", calls.profile, "profiled"),
    "linear_effects": Operation("fit.fixed_effects()", calls.linear_intervals, "intervals"),
    "anova_terms": Operation("fit.anova()", linear_calls.anova, "tests"),
    "anova_by_car": Operation("fit.anova()", linear_calls.anova_by_car, "tests", packages=("car",)),
    "drop_terms": Operation("fit.drop1()", linear_calls.drop, "tests"),
    "joint_hypothesis": Operation(
        "fit.contest()", linear_calls.joint, "hypothesis_test", packages=("car",)
    ),
    "single_hypotheses": Operation("fit.contest()", linear_calls.single, "hypothesis_test"),
    "linear_confidence": Operation("fit.confint()", linear_calls.intervals, "intervals"),
    "compare_linear": Operation("pb.anova()", linear_calls.compare, "comparison", unless=_OTHER),
    "separate_effects": Operation("fits.coefficients()", calls.linear_intervals, "intervals"),
    "anova_models": Operation("pb.anova()", calls.anova_models, "comparison", unless=_OTHER),
    "kr_modcomp": _pbkrtest(
        "pb.kr_modcomp()", partial(comparison, function="KRmodcomp"), "comparison"
    ),
    "sat_modcomp": _pbkrtest(
        "pb.sat_modcomp()", partial(comparison, function="SATmodcomp"), "comparison"
    ),
    "pb_modcomp": _pbkrtest(
        "pb.pb_modcomp()",
        bootstrap_test,
        "bootstrap_test",
        unless=(
            *_SEED,
            "`start` or `h` that pbkrtest has not",
            "rows with missing values",
            "a matrix, or `glmer`, in some versions of pbkrtest",
        ),
    ),
    "bootstrap": Operation(
        "fit.bootstrap()",
        linear_calls.unless_linear(calls.bootstrap, linear_calls.bootstrap),
        "bootstrap",
        unless=(
            *_SEED,
            "the kinds residual and wild, for which lme4 has no function",
            "the kind case, of several levels or a subset",
            "statistics in Python",
            "predictions at new data, or with some of the random effects",
            "parameters of families with a scale",
        ),
    ),
    "predict_model": Operation(
        "fit.predict()",
        model_calls.predictions,
        "predictions",
        unless=("standard errors and intervals", "parameters of their own", *_ROWS),
    ),
    "predict_linear": Operation(
        "fit.predict()",
        model_calls.linear_predictions,
        "predictions",
        unless=("intervals of `glm`", *_ROWS),
    ),
    "simulate_model": Operation(
        "fit.simulate()",
        model_calls.simulations,
        "simulations",
        unless=(*_SEED, "parameters or weights of their own", *_EXCLUDED, *_ROWS),
    ),
    "simulate_linear": Operation(
        "fit.simulate()",
        model_calls.simulations,
        "simulations",
        unless=(*_SEED, "weights of their own", *_EXCLUDED, *_ROWS),
    ),
    "robust_effects": Operation(
        "fit.robust()",
        model_calls.robust,
        "robust_tests",
        packages=("clubSandwich",),
        unless=("clusters that are not in the model",),
    ),
    "robust_wald": Operation(
        "robust.wald_test()",
        model_calls.robust_wald,
        "wald_test",
        packages=("clubSandwich",),
        unless=("clusters that are not in the model",),
    ),
    "simulate_design": Operation(
        "design.simulate()", design_calls.simulations, "simulations", unless=(*_SEED, *_CODED)
    ),
    "power": _lmertest(
        "design.power()", design_calls.power, "power", unless=(*_SEED, *_CODED, "some fits failed")
    ),
    "fitted_values": Operation("fit.fitted", part_calls.fitted, "fitted_values"),
    "model_residuals": Operation("fit.residuals()", part_calls.residuals, "residual_values"),
    "case_figure": Operation(
        "fit.hat_values(), fit.rstudent(), fit.rstandard(), fit.cooks_distance()",
        part_calls.case_figure,
        "case_figures",
    ),
    "influence_measures": Operation(
        "fit.influence_measures()", part_calls.influence_measures, "influence_measures"
    ),
    "influence": Operation(
        "fit.influence()",
        part_calls.influence,
        "left_out",
        unless=(
            "fewer than two fixed effects",
            "groups that are no column, or missing in some rows",
        ),
    ),
    "fixed_covariance": Operation("fit.vcov", part_calls.plain("vcov", "matrix"), "covariance"),
    "model_matrix": Operation(
        "fit.model_matrix", part_calls.plain("model.matrix", "matrix", long=True), "design"
    ),
    "group_coefficients": Operation(
        "fit.group_coefficients",
        part_calls.plain("coef", "group_coefficients"),
        "coefficients_by_group",
    ),
    "random_components": Operation(
        "fit.re_pca()", part_calls.plain("rePCA", "components"), "components"
    ),
    "inflation_factors": Operation(
        "fit.vif()", part_calls.plain("vif", "factors"), "inflation_factors", packages=("car",)
    ),
    "check_model": Operation(
        "fit.check()",
        _by_plain_names(part_calls.checks, "performance", "check()"),
        "checks",
        packages=("performance",),
        unless=_SEED + _ODD,
    ),
    "intraclass_correlation": _shares("fit.icc()", "icc"),
    "share_bootstrap": Operation(
        "fit.icc(), fit.r2()",
        _by_plain_names(part_calls.share_bootstrap, "performance", "A bootstrap of shares"),
        "shares",
        packages=("performance",),
        unless=_SEED + _ODD,
    ),
    "icc_by_group": _shares("fit.icc()", "icc", ("by_group", "TRUE")),
    "r_squared": _shares("fit.r2()", "r2_nakagawa"),
    "r2_by_group": _shares("fit.r2()", "r2_nakagawa", ("by_group", "TRUE")),
    "linear_r_squared": Operation("fit.r2()", part_calls.linear_r_squared, "shares"),
    "all_fit": Operation(
        "fit.all_fit()",
        part_calls.all_fit,
        "fits_by_optimizer",
        unless=("lme4 before 1.1-33 without dfoptim and optimx",),
    ),
    "compare_criteria": Operation("pb.compare_models()", part_calls.criteria, "criteria"),
    "pool_models": Operation(
        "pb.pool()", part_calls.pooled, "pooled", packages=("mice", "broom.mixed", "mitml")
    ),
    "marginal_means": _emmeans("fit.emmeans()", mean_calls.means, "means", unless=_SEED),
    "marginal_trends": _emmeans(
        "fit.emtrends()", partial(mean_calls.means, function="emtrends"), "slopes"
    ),
    "contrast_means": _emmeans(
        "means.pairs(), means.contrast()", mean_calls.contrasts, "differences", unless=_GONE + _SEED
    ),
    "test_means": _emmeans(
        "means.test()", mean_calls.tests, "tests_of_means", unless=_GONE + _SEED
    ),
    "joint_tests_of": _emmeans(
        "means.joint_tests()", mean_calls.joint_tests, "joint_tests_of_means", unless=_GONE
    ),
    "effect_sizes_of": _emmeans(
        "means.effect_sizes()", mean_calls.effect_sizes, "effect_sizes", unless=_GONE
    ),
}
"""All that is written of a model besides its fit."""
