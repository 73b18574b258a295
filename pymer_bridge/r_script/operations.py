"""What scripts can ask of a model, by the names of the operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pymer_bridge.r_script import calls, linear_calls, mean_calls, model_calls
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
    package
        The R package that has the function, unless it is lme4 or lmerTest.
    lmertest
        Whether its tests by degrees of freedom need lmerTest.
    """

    write: Callable[[Asked], Written]
    stem: str
    package: str | None = None
    lmertest: bool = False

    def needs_lmertest(self, arguments: Mapping[str, Any]) -> bool:
        """Say whether a linear mixed model needs lmerTest for it, with these arguments."""
        ddf = arguments.get("ddf", "satterthwaite")
        return self.lmertest and ddf in ("satterthwaite", "kenward-roger")


def _by_plain_names(write: Callable[[Asked], Written]) -> Callable[[Asked], Written]:
    """Leave a call out where lmerTest, which reads names as code, would meet one that needs quotes.

    In this session the columns have other names meanwhile.
    """

    def written(asked: Asked) -> Written:
        if asked.odd_names:
            return without(
                f"{write.__name__}() was asked for too; lmerTest's fails for columns whose names R "
                "must quote."
            )
        return write(asked)

    return written


_emmeans = partial(Operation, package="emmeans")
_lmertest = partial(Operation, lmertest=True)
_pbkrtest = partial(Operation, package="pbkrtest")

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
    "anova_by_car": Operation(linear_calls.anova_by_car, "tests", package="car"),
    "drop_terms": Operation(linear_calls.drop, "tests"),
    "joint_hypothesis": Operation(linear_calls.joint, "hypothesis_test", package="car"),
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
    "robust_effects": Operation(model_calls.robust, "robust_tests", package="clubSandwich"),
    "marginal_means": _emmeans(mean_calls.means, "means"),
    "marginal_trends": _emmeans(partial(mean_calls.means, function="emtrends"), "slopes"),
    "contrast_means": _emmeans(mean_calls.contrasts, "differences"),
    "test_means": _emmeans(mean_calls.tests, "tests_of_means"),
    "joint_tests_of": _emmeans(mean_calls.joint_tests, "joint_tests_of_means"),
    "effect_sizes_of": _emmeans(mean_calls.effect_sizes, "effect_sizes"),
}
"""All that is written of a model besides its fit."""
