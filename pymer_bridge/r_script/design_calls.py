"""Responses of designs and their power, as the loops that an R user would write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pymer_bridge.r_script import syntax
from pymer_bridge.r_script.fits import Design, family_node
from pymer_bridge.r_script.statements import Asked, Written, drawn, first_values, without
from pymer_bridge.r_script.syntax import Node

_DDF: Final = {"kenward-roger": '"Kenward-Roger"'}
_OF_T: Final = '"Estimate", "Std. Error", "df", "t value", "Pr(>|t|)"'


def _drawn(design: Design, parameters: str, data: str, given: Mapping[str, Any]) -> Node:
    family = None if design.family is None else family_node(design.family)
    seed = given["seed"]
    return syntax.call(
        "simulate",
        design.right,
        nsim=syntax.number(given["n_sim"]),
        seed=None if seed is None else syntax.number(seed),
        newdata=data,
        newparams=parameters,
        family=family,
    )


def simulations(asked: Asked) -> Written:
    """Write simulate() of a design."""
    design = asked.design
    assert design is not None
    value = _drawn(design, asked.fit, design.data, asked.arguments)
    return first_values(drawn(asked, value, "simulations"))


def power(asked: Asked) -> Written:
    """Write a loop that draws responses, fits models to each, and counts what tests reject."""
    given, design = asked.arguments, asked.design
    assert design is not None
    if given["seed"] is None:
        return without("A power analysis was made too; it was drawn without a seed.")
    if given["n_failed"]:
        return without("A power analysis was made too; some of its fits failed.")
    tests, models = given["tests"], given["fitted"]
    smaller = {test["small"]: test["smaller"] for test in tests if test["kind"] == "comparison"}
    fits = [
        syntax.assign(f"fit_{i + 1}", _fit(asked, design, by_reml, smaller.get(i + 1)))
        for i, (by_reml, _) in enumerate(models)
    ]
    rows = [(test["name"], _test(test, given["ddf"], design)) for test in tests]
    truth = [(test["name"], _truth(test, asked.fit)) for test in tests]
    intervals = [i + 1 for i, t in enumerate(tests) if t["kind"] in ("coefficient", "contrast")]
    names = ", ".join(f"fit_{i + 1}" for i in range(len(models)))
    lines = syntax.fill(
        "power",
        VARIABLE=asked.variable,
        DATA=design.data,
        DRAWN=syntax.render(_drawn(design, asked.fit, "data", given), 2, 9),
        RESPONSE=syntax.element("data", design.response),
        FITS="\n    ".join(line.replace("\n", "\n    ") for line in fits),
        NAMES=names,
        TESTS=syntax.render(syntax.named("rbind", rows), 4, 10),
        TRUTH=syntax.render(syntax.named("c", truth), 2, 9),
        INTERVALS=syntax.render(syntax.vector(intervals)) if intervals else "NULL",
        ALPHA=syntax.number(given["alpha"]),
        LEVEL=syntax.number(given["conf_level"]),
    )
    return Written((*lines, f"print({asked.variable}$power)"), "power", asked.variable)


def _fit(asked: Asked, design: Design, by_reml: bool, drops: str | None) -> Node:
    """Write the fit to one response; ``drops`` is a term, or the formula of a smaller model."""
    formula: Node = asked.arguments["formula"]
    response = syntax.argument_symbol(design.response)
    if drops is not None and "~" in drops:
        formula = f"{response} ~ {drops.partition('~')[2].strip()}"
    elif drops is not None:
        formula = syntax.call("update", formula, f". ~ . - {drops}")
    linear = design.family is None
    tested = asked.arguments["ddf"] in ("satterthwaite", "kenward-roger", "anova")
    lmer = "lmer" if asked.lmertest and tested and by_reml else "lme4::lmer"
    family = None if design.family is None else family_node(design.family)
    reml = "FALSE" if linear and not by_reml else None
    fit = syntax.call(lmer if linear else "glmer", formula, "data", family=family, REML=reml)
    return syntax.call("quietly", fit)


def _test(test: Mapping[str, Any], ddf: str, design: Design) -> Node:
    """Write a test: estimate, standard error, degrees of freedom, statistic and p-value."""
    kind, method = test["kind"], _DDF.get(ddf)
    if kind == "comparison":
        pair = (f"fit_{test['large']}", f"fit_{test['small']}")
        return syntax.call("by_ratio", *pair, _name(test["of"]))
    if kind == "term":
        table = syntax.render(syntax.call("anova", "fit_1", ddf=method))
        return syntax.call("by_f", f"{table}[{syntax.string(test['term'])}, ]")
    if kind == "coefficient" and ddf == "normal":
        return syntax.call("by_z", "fit_1", _name(test["of"]))
    if kind == "coefficient":
        table = syntax.render(syntax.call("coef", syntax.call("summary", "fit_1", ddf=method)))
        return f"{table}[{syntax.string(test['of'])}, c({_OF_T})]"
    weights = syntax.vector(test["weights"])
    if ddf == "normal":
        return syntax.call("by_weights", "fit_1", weights)
    found = syntax.call("contest", "fit_1", weights, joint="FALSE", ddf=method)
    return f"unlist({syntax.render(found)}[c({_OF_T})])"


def _name(name: str | None) -> Node:
    return "NULL" if name is None else syntax.string(name)


def _truth(test: Mapping[str, Any], parameters: str) -> Node:
    """Write the true value of what is tested."""
    if test["kind"] == "contrast":
        pairs: Sequence[tuple[str, float]] = [
            (name, weight)
            for name, weight in zip(test["coefficients"], test["weights"], strict=True)
            if weight
        ]
        names = syntax.vector([name for name, _ in pairs])
        weights = syntax.vector([weight for _, weight in pairs])
        return f"sum({syntax.render(weights)} * {parameters}$beta[{syntax.render(names)}])"
    if test.get("of") is None:
        return "NA"
    return f"{parameters}$beta[{syntax.string(test['of'])}]"
