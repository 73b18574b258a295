"""What scripts can ask of a model, by the names of the operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pymer_bridge.r_script import calls, linear_calls, mean_calls, model_calls, part_calls
from pymer_bridge.r_script.comparison_calls import bootstrap_test, comparison
from pymer_bridge.r_script.statements import Asked, Written, without


@dataclass(frozen=True, slots=True)
class Operation:
    """How a script asks for something.

    Attributes
    ----------
    write
        Writes the call.
    stem
        What the result is called.
    packages
        The R packages that have the functions, besides lme4 and lmerTest.
    lmertest
        Whether its tests by degrees of freedom need lmerTest.
    """

    write: Callable[[Asked], Written]
    stem: str
    packages: tuple[str, ...] = ()
    lmertest: bool = False

    def needs_lmertest(self, arguments: Mapping[str, Any]) -> bool:
        """Say whether a linear mixed model needs lmerTest for it, with these arguments."""
        ddf = arguments.get("ddf", "satterthwaite")
        return self.lmertest and ddf in ("satterthwaite", "kenward-roger")


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


def _shares(function: str, *further: tuple[str, str]) -> Operation:
    write = part_calls.plain(function, "shares", *further)
    plain = _by_plain_names(write, "performance", f"{function}()")
    return Operation(plain, "shares", packages=("performance",))


OPERATIONS: Final[Mapping[str, Operation]] = {
    "fixed_effects": _lmertest(calls.summary, "model_summary"),
    "summary_text": _lmertest(calls.summary, "model_summary"),
    "linear_summary_text": Operation(calls.summary, "model_summary"),
    "anova_one": _lmertest(calls.anova, "tests"),
    "drop_one": _lmertest(calls.drop, "tests"),
    "drop_one_by_ratio": Operation(partial(calls.drop, by_ratio=True), "tests"),
    "ranova": _lmertest(_by_plain_names(calls.ranova), "random_tests"),
    "backward_step": _lmertest(_by_plain_names(calls.step), "steps"),
    "contest": _lmertest(calls.contest, "hypothesis_test"),
    "confidence_intervals": Operation(calls.intervals, "intervals"),
    "bootstrap_intervals": Operation(
        linear_calls.unless_linear(calls.bootstrap_intervals), "intervals"
    ),
    "profile_points": Operation(calls.profile, "profiled"),
    "linear_effects": Operation(calls.linear_intervals, "intervals"),
    "anova_terms": Operation(linear_calls.anova, "tests"),
    "anova_by_car": Operation(linear_calls.anova_by_car, "tests", packages=("car",)),
    "drop_terms": Operation(linear_calls.drop, "tests"),
    "joint_hypothesis": Operation(linear_calls.joint, "hypothesis_test", packages=("car",)),
    "single_hypotheses": Operation(linear_calls.single, "hypothesis_test"),
    "linear_confidence": Operation(linear_calls.intervals, "intervals"),
    "compare_linear": Operation(linear_calls.compare, "comparison"),
    "separate_effects": Operation(calls.linear_intervals, "intervals"),
    "anova_models": Operation(calls.anova_models, "comparison"),
    "kr_modcomp": _pbkrtest(partial(comparison, function="KRmodcomp"), "comparison"),
    "sat_modcomp": _pbkrtest(partial(comparison, function="SATmodcomp"), "comparison"),
    "pb_modcomp": _pbkrtest(bootstrap_test, "bootstrap_test"),
    "bootstrap": Operation(
        linear_calls.unless_linear(calls.bootstrap, linear_calls.bootstrap), "bootstrap"
    ),
    "predict_model": Operation(model_calls.predictions, "predictions"),
    "predict_linear": Operation(model_calls.linear_predictions, "predictions"),
    "simulate_model": Operation(model_calls.simulations, "simulations"),
    "simulate_linear": Operation(model_calls.simulations, "simulations"),
    "robust_effects": Operation(model_calls.robust, "robust_tests", packages=("clubSandwich",)),
    "fitted_values": Operation(part_calls.fitted, "fitted_values"),
    "model_residuals": Operation(part_calls.residuals, "residual_values"),
    "case_figure": Operation(part_calls.case_figure, "case_figures"),
    "influence_measures": Operation(part_calls.influence_measures, "influence_measures"),
    "influence": Operation(part_calls.influence, "left_out"),
    "fixed_covariance": Operation(part_calls.plain("vcov", "matrix"), "covariance"),
    "model_matrix": Operation(part_calls.plain("model.matrix", "matrix", long=True), "design"),
    "group_coefficients": Operation(
        part_calls.plain("coef", "group_coefficients"), "coefficients_by_group"
    ),
    "random_components": Operation(part_calls.plain("rePCA", "components"), "components"),
    "inflation_factors": Operation(
        part_calls.plain("vif", "factors"), "inflation_factors", packages=("car",)
    ),
    "intraclass_correlation": _shares("icc"),
    "icc_by_group": _shares("icc", ("by_group", "TRUE")),
    "r_squared": _shares("r2_nakagawa"),
    "r2_by_group": _shares("r2_nakagawa", ("by_group", "TRUE")),
    "linear_r_squared": Operation(part_calls.linear_r_squared, "shares"),
    "all_fit": Operation(part_calls.all_fit, "fits_by_optimizer"),
    "compare_criteria": Operation(part_calls.criteria, "criteria"),
    "pool_models": Operation(
        part_calls.pooled, "pooled", packages=("mice", "broom.mixed", "mitml")
    ),
    "marginal_means": _emmeans(mean_calls.means, "means"),
    "marginal_trends": _emmeans(partial(mean_calls.means, function="emtrends"), "slopes"),
    "contrast_means": _emmeans(mean_calls.contrasts, "differences"),
    "test_means": _emmeans(mean_calls.tests, "tests_of_means"),
    "joint_tests_of": _emmeans(mean_calls.joint_tests, "joint_tests_of_means"),
    "effect_sizes_of": _emmeans(mean_calls.effect_sizes, "effect_sizes"),
}
"""All that is written of a model besides its fit."""

OF_THE_FIT: Final = "a figure of the fit itself, and compared with those of the fit"
NAMES: Final = "names, sizes or settings, and no figures"
_PRINTED: Final = "R prints it within summary() of the fit, and keeps no figures of it"
_PICTURE: Final = "figures that only a picture needs, some of them simulated for it"
_FRAME: Final = "a frame of figures that have calls of their own; compare those"

UNWRITTEN: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("fit_statistics", "variance_components", "random_effects", "convergence"), OF_THE_FIT
    ),
    **dict.fromkeys(("is_singular", "group_covariances", "variance_shares"), OF_THE_FIT),
    **dict.fromkeys(
        (
            *("part_names", "n_used", "rows_used", "parameter_names", "column_kinds"),
            *("coefficient_names", "predictor_names", "linear_predictors", "effect_predictors"),
            *("factor_codings", "response_axis", "estimates_dispersion"),
        ),
        NAMES,
    ),
    "model_frame_parts": "the data of the fit, which stand in the script's own file",
    "scaled_residual_quantiles": _PRINTED,
    **dict.fromkeys(
        ("tidy_model", "glance_model", "augment_model", "tidy_linear", "glance_linear"), _FRAME
    ),
    "augment_linear": _FRAME,
    **dict.fromkeys(
        ("leverage_figures", "residual_curves", "comparison_arrows", "unpooled_lines"), _PICTURE
    ),
    "check_model": "texts that R's package performance prints, with the figures in them",
}
"""Why what is asked of a model and kept has no call in a script, by the operation."""
