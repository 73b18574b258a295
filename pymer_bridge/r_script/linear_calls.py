"""What was asked of models without random effects, as the calls that an R user would write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pymer_bridge.r_script import syntax
from pymer_bridge.r_script.statements import OTHER_ROWS, Asked, Written, shown, without
from pymer_bridge.r_script.syntax import Node

_STATS: Final[Mapping[str, str]] = {"F": "F", "likelihood-ratio": "LRT", "rao": "Rao"}
_CAR: Final[Mapping[str, str]] = {"F": "F", "likelihood-ratio": "LR", "wald": "Wald"}
"""Names of the tests in R: of anova() and drop1(), and of car's Anova()."""


def _test(asked: Asked, names: Mapping[str, str]) -> Node | None:
    """Write the test that was made; only generalized models have several."""
    return syntax.string(names[asked.arguments["test"]]) if asked.fitter == "glm" else None


def anova(asked: Asked) -> Written:
    """Write anova()."""
    return shown(asked, syntax.call("anova", asked.fit, test=_test(asked, _STATS)), "term_tests")


def anova_by_car(asked: Asked) -> Written:
    """Write Anova() of car."""
    kind = syntax.string(asked.arguments["type"])
    value = syntax.call("Anova", asked.fit, type=kind, test_statistic=_test(asked, _CAR))
    return shown(asked, value, "term_tests")


def drop(asked: Asked) -> Written:
    """Write drop1()."""
    scope, test = asked.arguments["scope"], syntax.string(_STATS[asked.arguments["test"]])
    terms = None if scope is None else syntax.vector(scope)
    return shown(asked, syntax.call("drop1", asked.fit, scope=terms, test=test), "drop_terms")


def compare(asked: Asked) -> Written:
    """Write anova() of models without random effects."""
    given = asked.arguments
    if given.get("to_rows"):
        return without(OTHER_ROWS)
    names = given["names"] or [f"model{i + 1}" for i in range(len(asked.models))]
    value = syntax.call("anova", *asked.models, test=syntax.string(_STATS[given["test"]]))
    return shown(asked, value, "term_tests", names)


def intervals(asked: Asked) -> Written:
    """Write confint() of the coefficients."""
    given = asked.arguments
    normal = asked.fitter == "glm" and given["method"] == "wald"
    chosen, level = given["parameters"], given["conf_level"]
    value = syntax.call(
        "confint.default" if normal else "confint",
        asked.fit,
        parm=None if chosen is None else syntax.vector(chosen),
        level=None if level == 0.95 else syntax.number(level),
    )
    # Of one coefficient confint() gives a vector.
    return shown(asked, value, "linear_intervals", chosen or (f"coef:{asked.fit}",))


def _hypotheses(asked: Asked) -> tuple[str, list[str]]:
    """Write the weights of hypotheses, and name them."""
    given, weights = asked.arguments, f"{asked.variable}_weights"
    names, width = given["names"], len(given["contrasts"]) // len(given["names"])
    numbers = [syntax.number(value) for value in given["contrasts"]]
    rows = [syntax.call("c", *numbers[i * width : (i + 1) * width]) for i in range(len(names))]
    return weights, [
        syntax.comment("Rows of weights, in the order of the coefficients that are estimated."),
        syntax.assign(weights, syntax.named("rbind", zip(names, rows, strict=True))),
    ]


def joint(asked: Asked) -> Written:
    """Write linearHypothesis() of car."""
    weights, before = _hypotheses(asked)
    value = syntax.call(
        "linearHypothesis",
        asked.fit,
        weights,
        rhs=syntax.vector(asked.arguments["rhs"]),
        test=syntax.string("F" if asked.arguments["test"] == "F" else "Chisq"),
        singular_ok="TRUE",
    )
    return shown(asked, value, "term_tests", before=before)


def single(asked: Asked) -> Written:
    """Write tests of hypotheses one by one, for which R has no function."""
    given = asked.arguments
    weights, before = _hypotheses(asked)
    lines = syntax.fill(
        "hypotheses",
        VARIABLE=asked.variable,
        FIT=asked.fit,
        WEIGHTS=weights,
        RHS=syntax.render(syntax.vector(given["rhs"])),
        LEVEL=syntax.number(given["conf_level"]),
        DF=f"df.residual({asked.fit})" if given["by_t"] else "Inf",
    )
    lines = [*before, *lines, f"print({asked.variable})"]
    return Written(tuple(lines), "t_tests", asked.variable, tuple(given["names"]))


_KINDS: Final[Mapping[str, str]] = {"parametric": "linear_parametric", "case": "linear_cases"}
"""Bootstraps that are a few lines of R, and their files."""


def bootstrap(asked: Asked) -> Written:
    """Write a loop of simulate() or sample(), and update(), or say that there is none."""
    given = asked.arguments
    kind, statistic = given["kind"], given["statistic"]
    if (
        kind not in _KINDS
        or statistic not in ("parameters", "fixed_effects")
        or given["seed"] is None
    ):
        return without(
            f"A {kind} bootstrap (n_sim={given['n_sim']}, seed={given['seed']}) was made too; R "
            "has no function of its own for it."
        )
    sigma = asked.fitter == "lm" and statistic == "parameters"
    lines = syntax.fill(
        _KINDS[kind],
        VARIABLE=asked.variable,
        FIT=asked.fit,
        STATISTIC="c(sigma = sigma(fit), na.omit(coef(fit)))" if sigma else "na.omit(coef(fit))",
        SEED=syntax.number(given["seed"]),
        N=syntax.number(given["n_sim"]),
    )
    return Written((*lines, f"print({asked.variable}$t0)"), "bootMer", asked.variable)


def unless_linear(
    write: Callable[[Asked], Written], linear: Callable[[Asked], Written] | None = None
) -> Callable[[Asked], Written]:
    """Write otherwise, or leave out, what was asked of a model without random effects."""

    def written(asked: Asked) -> Written:
        if asked.fitter not in ("lm", "glm"):
            return write(asked)
        if linear is not None:
            return linear(asked)
        return without(
            "Intervals by a bootstrap were asked for too; R's confint() has none for models "
            "without random effects."
        )

    return written
