"""What was asked of models, as the calls that an R user would write.

Pure text. What R has no function for becomes a comment that says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pymer_bridge.r_script import syntax
from pymer_bridge.r_script.statements import (
    OTHER_ROWS,
    UNSEEDED,
    Asked,
    Written,
    drawn,
    shown,
    with_plain_fits,
    without,
)
from pymer_bridge.r_script.syntax import Node
from pymer_bridge.spec.options import BOOT_TYPES


def _number(value: float | None, default: float | None = None) -> Node | None:
    """Write a number; None for R's default, which is left out."""
    return None if value is None or value == default else syntax.number(value)


def _level(arguments: Mapping[str, Any]) -> Node | None:
    return _number(arguments.get("conf_level"), 0.95)


def _unless(given: bool) -> Node | None:
    """Write FALSE; None for TRUE, which is R's default."""
    return None if given else "FALSE"


def _strings(given: Sequence[str] | str | None) -> Node | None:
    if given is None:
        return None
    return syntax.vector((given,) if isinstance(given, str) else given)


# -- one model -----------------------------------------------------------------------------------


def summary(asked: Asked) -> Written:
    """Write summary()."""
    ddf, level = asked.arguments.get("ddf", "none"), asked.arguments.get("conf_level", 0.95)
    value = syntax.call("summary", asked.fit, ddf=asked.ddf())
    return shown(asked, value, "summary", (ddf, float(level).hex()))


def anova(asked: Asked) -> Written:
    """Write anova() of one model."""
    tested = asked.arguments["ddf"] != "none"
    kind = syntax.string(asked.arguments["type"]) if tested else None
    return shown(asked, syntax.call("anova", asked.fit, type=kind, ddf=asked.ddf()), "f_tests")


def drop(asked: Asked, *, by_ratio: bool = False) -> Written:
    """Write drop1()."""
    scope, test = _strings(asked.arguments["scope"]), syntax.string("Chisq") if by_ratio else None
    value = syntax.call("drop1", asked.fit, scope=scope, ddf=asked.ddf(), test=test)
    return shown(asked, value, "drop_by_ratio" if by_ratio else "f_tests")


def ranova(asked: Asked) -> Written:
    """Write ranova()."""
    reduced = _unless(asked.arguments["reduce_terms"])
    return shown(asked, syntax.call("ranova", asked.fit, reduce_terms=reduced), "ratio_tests")


def step(asked: Asked) -> Written:
    """Write step()."""
    given = asked.arguments
    value = syntax.call(
        "step",
        asked.fit,
        ddf=asked.ddf(),
        alpha_random=_number(given["alpha_random"], 0.1),
        alpha_fixed=_number(given["alpha_fixed"], 0.05),
        reduce_random=_unless(given["reduce_random"]),
        reduce_fixed=_unless(given["reduce_fixed"]),
        keep=_strings(given["keep"]) if given["keep"] else None,
    )
    return shown(asked, value, "step")


def contest(asked: Asked) -> Written:
    """Write contest(), and the weights that it tests."""
    given = asked.arguments
    names, joint, right = given["names"], given["joint"], list(given["rhs"])
    width = len(given["contrasts"]) // len(names)
    rows = [row(given["contrasts"][i * width : (i + 1) * width]) for i in range(len(names))]
    hypotheses = f"{asked.variable}_weights"
    shared: dict[str, Node | None] = {"joint": _unless(joint), "ddf": asked.ddf()}
    if not joint:
        shared |= {"confint": "TRUE", "level": _level(given)}

    def tested(which: str, rhs: Sequence[float]) -> Node:
        values = syntax.vector(rhs) if any(rhs) else None
        return syntax.call("contest", asked.fit, which, rhs=values, **shared)

    if joint:
        value = tested(hypotheses, right)
    elif len(set(right)) == 1:
        value = tested(hypotheses, right[:1])
    else:
        # Row by row: contest() takes one value of rhs for all rows.
        each = (tested(f"{hypotheses}[{i + 1}, ]", [one]) for i, one in enumerate(right))
        value = syntax.call("rbind", *each)
    before = (
        syntax.comment("Rows of weights, in the order of the fixed effects."),
        syntax.assign(hypotheses, syntax.named("rbind", zip(names, rows, strict=True))),
    )
    kind, options = ("f_tests", ()) if joint else ("t_tests", tuple(names))
    return shown(asked, value, kind, options, before)


def row(values: Iterable[float]) -> Node:
    """Write a vector of numbers."""
    return syntax.call("c", *map(syntax.number, values))


def intervals(asked: Asked) -> Written:
    """Write confint() by Wald's method or by profiles."""
    method = asked.arguments["method"]
    if method == "wald":
        return shown(asked, _confint(asked, "Wald"), "intervals")
    return shown(asked, _confint(asked, method, quiet="TRUE"), "intervals")


def bootstrap_intervals(asked: Asked) -> Written:
    """Write confint() by a bootstrap."""
    given = asked.arguments
    value = _confint(
        asked,
        "boot",
        nsim=syntax.number(given["n_sim"]),
        seed=_number(given["seed"]),
        boot_type=syntax.string(BOOT_TYPES[given["kind"]]),
        quiet="TRUE",
    )
    return drawn(asked, value, "intervals")


def _confint(asked: Asked, method: str, **further: Node | None) -> Node:
    which, level = _strings(asked.arguments["parameters"]), _level(asked.arguments)
    return syntax.call(
        "confint", asked.fit, parm=which, method=syntax.string(method), level=level, **further
    )


def profile(asked: Asked) -> Written:
    """Write profile()."""
    which = _strings(asked.arguments["parameters"])
    return shown(asked, syntax.call("profile", asked.fit, which=which), "profile")


def linear_intervals(asked: Asked) -> Written:
    """Write confint() of a model without random effects."""
    level = asked.arguments["conf_level"]
    value = syntax.call("confint", asked.fit, level=_level(asked.arguments))
    return shown(asked, value, "linear", (asked.fit, float(level).hex()))


# -- comparisons ---------------------------------------------------------------------------------


def anova_models(asked: Asked) -> Written:
    """Write anova() of two models or more."""
    given = asked.arguments
    if given.get("to_rows"):
        return without(OTHER_ROWS)
    names = tuple(given["names"])
    own = names != tuple(f"model{i + 1}" for i in range(len(names)))
    shown_names = syntax.vector(names) if own else None
    value = syntax.call(
        "anova", *asked.models, refit=_unless(given["refit"]), model_names=shown_names
    )
    # Else R names the rows by the variables; the figures have to find them.
    pairs = [part for pair in zip(asked.models, names, strict=True) for part in pair]
    return shown(asked, value, "ratio_tests", [] if own else pairs)


# -- bootstraps ----------------------------------------------------------------------------------


def _no_bootstrap(asked: Asked) -> str | None:
    """Say why R has no call that repeats a bootstrap, or none."""
    given = asked.arguments
    kind, statistic = given["kind"], given["statistic"]
    if kind not in ("parametric", "semiparametric", "case"):
        return (
            f"A {kind} bootstrap (n_sim={given['n_sim']}, seed={given['seed']}) was made too; "
            "lme4 has no function for it."
        )
    if given["in_python"]:
        return f"A bootstrap of a {statistic} was made too; R cannot call it."
    if given["at_new_data"]:
        return "A bootstrap of predictions at new data was made too; it is left out."
    if given["re_form"] not in (None, "population"):
        return "A bootstrap of predictions with some random effects is left out."
    if statistic in ("parameters", "variance_components") and asked.scaled:
        return (
            f'A bootstrap of {statistic!r} was made too; confint(method = "boot") of lme4 has '
            "them for this family in units that VarCorr() does not give."
        )
    why = _no_cases(given) if kind == "case" else None
    return None if why is None else f"A case bootstrap was made too. {why}"


def bootstrap(asked: Asked) -> Written:
    """Write bootMer() with the function of the statistic, or say why there is none."""
    given = asked.arguments
    if why := _no_bootstrap(asked):
        return without(why)
    function, before = _statistic(asked, given["statistic"])
    if given["kind"] == "case":
        return _cases(asked, function, before)
    semi = given["kind"] == "semiparametric"
    value = syntax.call(
        "bootMer",
        asked.fit,
        function,
        nsim=syntax.number(given["n_sim"]),
        seed=_number(given["seed"]),
        use_u="TRUE" if semi or given["use_u"] else None,
        type=syntax.string("semiparametric") if semi else None,
    )
    return drawn(asked, value, "bootMer", before)


def _no_cases(given: Mapping[str, Any]) -> str | None:
    """Say why no few lines of R repeat a case bootstrap, or none."""
    if given["seed"] is None:
        return f"{UNSEEDED}."
    if len(given["levels"]) > 1 or (given["levels"] and not given["alone"]):
        return "Its groups are drawn within others, or share columns with them."
    if given["subset"]:
        return "It is of a subset, which update() would take again."
    return "Some of its fits failed." if given["n_failed"] else None


def _cases(asked: Asked, function: str, before: list[str]) -> Written:
    """Write a loop of sample.int() and update()."""
    given = asked.arguments
    asked, own = with_plain_fits(asked)
    units, labels, what, drawn_units = "list(rows)", "", "rows", "units"
    if given["levels"]:
        (group,) = given["levels"]
        name = syntax.string(group)
        units = f'split(rows, getME({asked.fit}, "flist")[[{name}]])'
        if given["resampled"][0]:
            drawn_units, what = "units[sample.int(length(units), replace = TRUE)]", "groups"
        if given["relabel"]:
            column = syntax.element("again", group)
            labels = f"{column} <- factor(rep(seq_along(units), lengths(units)))"
    if given["resampled"][-1]:
        draw = "function(unit) unit[sample.int(length(unit), replace = TRUE)]"
        drawn_units = f"lapply({drawn_units}, {draw})"
        what = "groups, and rows within them," if what == "groups" else "rows"
    lines = syntax.fill(
        "cases",
        WHAT=what,
        VARIABLE=asked.variable,
        FIT=asked.fit,
        STATISTIC=function,
        UNITS=units,
        DRAWN=drawn_units,
        LABELS=labels,
        SEED=syntax.number(given["seed"]),
        N=syntax.number(given["n_sim"]),
    )
    kept = [line for line in lines if line.strip()]
    return Written((*before, *own, *kept, f"print({asked.variable}$t0)"), "bootMer", asked.variable)


def _statistic(asked: Asked, statistic: str) -> tuple[str, list[str]]:
    """Name the function of a statistic, and write it where R has none."""
    name, linear = f"{asked.variable}_statistic", asked.fitter == "lmer"
    if statistic == "fixed_effects":
        return "fixef", []
    if statistic in ("parameters", "variance_components"):
        fixed = "fixef(fit)" if statistic == "parameters" else "NULL"
        tokens = {"VARIABLE": name, "FIXED": fixed}
        if asked.own_parameters:
            scale = "sigma(fit)" if linear else "NULL"
            return name, syntax.fill("parameters_2", FIT=asked.fit, SCALE=scale, **tokens)
        return name, syntax.fill("parameters", SCALE=", s = sigma(fit)" * linear, **tokens)
    if statistic == "random_effects":
        return name, syntax.fill("random_effects", VARIABLE=name)
    if statistic == "predictions":
        form = "NA" if asked.arguments["re_form"] == "population" else "NULL"
        return name, syntax.fill("predictions", VARIABLE=name, FORM=form)
    return name, [f"{name} <- {statistic.strip()}"]
