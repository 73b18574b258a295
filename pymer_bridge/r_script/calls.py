"""What was asked of models, as the calls that an R user would write.

Pure text. What R has no function for becomes a comment that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pymer_bridge.r_script import syntax
from pymer_bridge.r_script.comparisons import anova_models, bootstrap, bootstrap_test, comparison
from pymer_bridge.r_script.statements import Asked, Written, shown, unseeded, without
from pymer_bridge.r_script.syntax import Node

_BOOT_TYPES: Final = {"percentile": "perc", "basic": "basic", "normal": "norm"}
LMERTEST: Final = frozenset("anova_one drop_one ranova backward_step contest".split())
"""Operations for which lmerTest is needed, unless they are asked for without its tests."""


def needs_lmertest(operation: str, arguments: Mapping[str, Any]) -> bool:
    """Say whether something can be asked of lmerTest only."""
    tested = arguments.get("ddf") in ("satterthwaite", "kenward-roger")
    if operation in ("fixed_effects", "summary_text"):
        return tested
    return operation in LMERTEST and (operation == "ranova" or tested)


def _level(arguments: Mapping[str, Any]) -> Node | None:
    level = arguments.get("conf_level", 0.95)
    return None if level == 0.95 else syntax.number(level)


def _strings(given: Sequence[str] | str | None) -> Node | None:
    if given is None:
        return None
    return syntax.vector((given,) if isinstance(given, str) else given)


def _summary(asked: Asked) -> Written:
    options = (
        asked.arguments.get("ddf", "none"),
        float(asked.arguments.get("conf_level", 0.95)).hex(),
    )
    return shown(asked, syntax.call("summary", asked.fit, ddf=asked.ddf()), "summary", options)


def _anova(asked: Asked) -> Written:
    kind = asked.arguments["type"]
    tested = asked.arguments["ddf"] != "none"
    value = syntax.call(
        "anova", asked.fit, type=syntax.string(kind) if tested else None, ddf=asked.ddf()
    )
    return shown(asked, value, "f_tests")


def _drop(asked: Asked) -> Written:
    by_ratio = asked.operation == "drop_one_by_ratio"
    value = syntax.call(
        "drop1",
        asked.fit,
        scope=_strings(asked.arguments["scope"]),
        ddf=asked.ddf(),
        test=syntax.string("Chisq") if by_ratio else None,
    )
    return shown(asked, value, "drop_by_ratio" if by_ratio else "f_tests")


def _ranova(asked: Asked) -> Written:
    reduce_terms = None if asked.arguments["reduce_terms"] else "FALSE"
    return shown(asked, syntax.call("ranova", asked.fit, reduce_terms=reduce_terms), "ratio_tests")


def _step(asked: Asked) -> Written:
    given = asked.arguments
    value = syntax.call(
        "step",
        asked.fit,
        ddf=asked.ddf(),
        alpha_random=None if given["alpha_random"] == 0.1 else syntax.number(given["alpha_random"]),
        alpha_fixed=None if given["alpha_fixed"] == 0.05 else syntax.number(given["alpha_fixed"]),
        reduce_random=None if given["reduce_random"] else "FALSE",
        reduce_fixed=None if given["reduce_fixed"] else "FALSE",
        keep=_strings(given["keep"]) if given["keep"] else None,
    )
    return shown(asked, value, "step")


def _contest(asked: Asked) -> Written:
    given = asked.arguments
    names = given["names"]
    width = len(given["contrasts"]) // len(names)
    rows = [given["contrasts"][i * width : (i + 1) * width] for i in range(len(names))]
    weights = syntax.Call(
        "rbind",
        tuple(
            (
                syntax.argument_name(name),
                syntax.Call("c", tuple((None, syntax.number(w)) for w in row)),
            )
            for name, row in zip(names, rows, strict=True)
        ),
    )
    hypotheses = f"{asked.variable}_weights"
    shared: dict[str, Node | None] = {"joint": None if given["joint"] else "FALSE"}
    shared["ddf"] = asked.ddf()
    if not given["joint"]:
        shared |= {"confint": "TRUE", "level": _level(given)}

    def tested(which: str, rhs: Sequence[float]) -> Node:
        values = syntax.vector(rhs) if any(rhs) else None
        return syntax.call("contest", asked.fit, which, rhs=values, **shared)

    right = list(given["rhs"])
    if given["joint"]:
        value = tested(hypotheses, right)
    elif len(set(right)) == 1:
        value = tested(hypotheses, right[:1])
    else:
        # One by one: contest() takes one value for all.
        rows_of = [f"{hypotheses}[{i + 1}, ]" for i in range(len(right))]
        value = syntax.call(
            "rbind", *(tested(row, [r]) for row, r in zip(rows_of, right, strict=True))
        )
    note = syntax.comment("Rows of weights, in the order of the fixed effects.")
    before = (note, syntax.assign(hypotheses, weights))
    kind, options = ("f_tests", ()) if given["joint"] else ("t_tests", tuple(names))
    return shown(asked, value, kind, options, before)


def _intervals(asked: Asked) -> Written:
    given = asked.arguments
    boot = asked.operation == "bootstrap_intervals"
    method = "boot" if boot else {"wald": "Wald"}.get(given["method"], given["method"])
    value = syntax.call(
        "confint",
        asked.fit,
        parm=_strings(given["parameters"]),
        method=syntax.string(method),
        level=_level(given),
        nsim=syntax.number(given["n_sim"]) if boot else None,
        seed=syntax.number(given["seed"]) if boot and given["seed"] is not None else None,
        boot_type=syntax.string(_BOOT_TYPES[given["kind"]]) if boot else None,
        quiet=None if method == "Wald" else "TRUE",
    )
    if boot and given["seed"] is None:
        return unseeded(shown(asked, value), asked)
    return shown(asked, value, "intervals")


def _profile(asked: Asked) -> Written:
    value = syntax.call("profile", asked.fit, which=_strings(asked.arguments["parameters"]))
    return shown(asked, value, "profile")


def _linear_intervals(asked: Asked) -> Written:
    level = asked.arguments["conf_level"]
    value = syntax.call("confint", asked.fit, level=_level(asked.arguments))
    return shown(asked, value, "linear", (asked.fit, float(level).hex()))


def _grid_value(asked: Asked, grid: Node) -> Written:
    given = asked.arguments
    name = f"{asked.variable}_grid"
    value = syntax.call(
        "summary",
        name,
        infer="TRUE",
        level=_level(given),
        adjust=None if given["adjust"] is None else syntax.string(given["adjust"]),
        type=None if given["type"] == "link" else syntax.string(given["type"]),
    )
    return shown(asked, value, "means", before=(syntax.assign(name, grid),))


def _means(asked: Asked) -> Written:
    given = asked.arguments
    at = {name: syntax.vector(values) for name, values in given["at"].items()}
    trends = asked.operation == "marginal_trends"
    grid = syntax.call(
        "emtrends" if trends else "emmeans",
        asked.fit,
        _strings(given["specs"]) or "NULL",
        by=_strings(given["by"]),
        var=syntax.string(given["trend_of"]) if trends else None,
        at=syntax.listed(at) if at else None,
        lmer_df=syntax.string(given["ddf"]) if asked.fitter == "lmer" else None,
    )
    return _grid_value(asked, grid)


def _contrasts(asked: Asked) -> Written:
    given = asked.arguments
    earlier = asked.grids.get(given["of"])
    if earlier is None:
        return without("Contrasts of marginal means were made that are not here any more.")
    method = given["method"]
    chosen = (
        syntax.string(method)
        if isinstance(method, str)
        else syntax.listed({name: syntax.vector(weights) for name, weights in method.items()})
    )
    return _grid_value(asked, syntax.call("contrast", f"{earlier}_grid", method=chosen))


WRITERS: Final[Mapping[str, Callable[[Asked], Written]]] = {
    "fixed_effects": _summary, "summary_text": _summary, "linear_summary_text": _summary,
    "anova_one": _anova, "drop_one": _drop, "drop_one_by_ratio": _drop, "ranova": _ranova,
    "backward_step": _step, "contest": _contest, "confidence_intervals": _intervals,
    "bootstrap_intervals": _intervals, "profile_points": _profile,
    "linear_effects": _linear_intervals, "separate_effects": _linear_intervals,
    "kr_modcomp": comparison, "sat_modcomp": comparison, "pb_modcomp": bootstrap_test,
    "bootstrap": bootstrap, "anova_models": anova_models, "marginal_means": _means,
    "marginal_trends": _means, "contrast_means": _contrasts,
}  # fmt: skip
"""By operation; what is not here is part of the summary, or no test, interval or bootstrap."""

STEMS: Final[Mapping[str, str]] = {
    "fixed_effects": "model_summary", "summary_text": "model_summary",
    "linear_summary_text": "model_summary", "anova_one": "tests", "drop_one": "tests",
    "drop_one_by_ratio": "tests", "ranova": "random_tests", "backward_step": "steps",
    "contest": "hypothesis_test", "confidence_intervals": "intervals",
    "bootstrap_intervals": "intervals", "profile_points": "profiled",
    "linear_effects": "intervals", "separate_effects": "intervals", "kr_modcomp": "comparison",
    "sat_modcomp": "comparison", "pb_modcomp": "bootstrap_test", "bootstrap": "bootstrap",
    "anova_models": "comparison", "marginal_means": "means", "marginal_trends": "slopes",
    "contrast_means": "differences",
}  # fmt: skip
"""What results are called in a script."""

PACKAGES: Final[Mapping[str, str]] = {
    "kr_modcomp": "pbkrtest", "sat_modcomp": "pbkrtest", "pb_modcomp": "pbkrtest",
    "marginal_means": "emmeans", "marginal_trends": "emmeans", "contrast_means": "emmeans",
}  # fmt: skip
"""Packages that operations need besides."""
