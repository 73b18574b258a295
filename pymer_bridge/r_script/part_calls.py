"""Parts of a model, figures of its observations, and what bears on it, as an R user would ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pymer_bridge.r_script import syntax
from pymer_bridge.r_script.statements import (
    UNSEEDED,
    Asked,
    Written,
    drawn,
    first_values,
    shown,
    with_plain_fits,
    without,
)
from pymer_bridge.r_script.syntax import Node

_ALL_FIT_WITHOUT: Final = (1, 1, 33)
"""The first lme4 whose allFit() does without dfoptim and optimx."""


def plain(
    function: str, kind: str, *further: tuple[str, Node], long: bool = False
) -> Callable[[Asked], Written]:
    """Write a call of the fit alone.

    Parameters
    ----------
    function
        Its name.
    kind
        How figures are read from its value.
    *further
        What else it is given, with the names of R.
    long
        Print the first values only?
    """

    def write(asked: Asked) -> Written:
        written = shown(asked, syntax.Call(function, ((None, asked.fit), *further)), kind)
        return first_values(written) if long else written

    return write


def residuals(asked: Asked) -> Written:
    """Write residuals()."""
    given = asked.arguments
    kind, scaled = given["kind"], "TRUE" if given["scaled"] else None
    value = syntax.call(
        "residuals", asked.fit, type=None if kind is None else syntax.string(kind), scaled=scaled
    )
    return first_values(shown(asked, value, "observations", ("residual",)))


def fitted(asked: Asked) -> Written:
    """Write fitted()."""
    return first_values(shown(asked, syntax.call("fitted", asked.fit), "observations", ("fitted",)))


_NAMES: Final = {"hatvalues": "hat", "cooks.distance": "cooks_distance"}


def case_figure(asked: Asked) -> Written:
    """Write hatvalues(), rstudent(), rstandard() or cooks.distance()."""
    kind = asked.arguments["kind"]
    value = syntax.call(kind, asked.fit)
    return first_values(shown(asked, value, "observations", (_NAMES.get(kind, kind),)))


def influence_measures(asked: Asked) -> Written:
    """Write influence.measures()."""
    return shown(asked, syntax.call("influence.measures", asked.fit), "measures", (asked.fit,))


def linear_r_squared(asked: Asked) -> Written:
    """Write the shares of variance of summary()."""
    names = syntax.vector(("r.squared", "adj.r.squared"))
    value = f"{syntax.render(syntax.call('summary', asked.fit))}[{syntax.render(names)}]"
    return shown(asked, value, "shares")


def influence(asked: Asked) -> Written:
    """Write influence(), and measures by the covariances of its refits."""
    given, by = asked.arguments, asked.arguments["by"]
    if not given["is_column"]:
        return without(
            f"The influence of {by} was asked for too; R's influence() takes columns of the data."
        )
    if given["missing"]:
        return without(f"The influence of {by} was asked for too; R's stops where one is missing.")
    if given["n_fixed"] < 2:
        return without(
            "Influence was asked for too; R's measures stop for models with one fixed effect, or "
            "none."
        )
    asked, before = with_plain_fits(asked)
    limit = given["max_evaluations"]
    value = syntax.call(
        "influence",
        asked.fit,
        *(() if by == ".case" else (syntax.string(by),)),
        maxfun=None if limit == 1000 else syntax.number(limit),
    )
    lines = (
        *before,
        syntax.assign(asked.variable, value),
        *syntax.fill("influence", VARIABLE=asked.variable),
        f"print(head({asked.variable}_measures))",
    )
    return Written(lines, "influence", asked.variable, (f"{asked.variable}_measures",))


_SHARES: Final = {"R squared": "r2_nakagawa", "Intraclass correlation": "icc"}


def share_bootstrap(asked: Asked) -> Written:
    """Write icc() or r2_nakagawa() with intervals by a bootstrap."""
    given = asked.arguments
    value = syntax.call(
        _SHARES[given["shares"]],
        asked.fit,
        ci=syntax.number(given["conf_level"]),
        iterations=syntax.number(given["n_sim"]),
    )
    if given["seed"] is None:
        return drawn(asked, value, "shares")
    seed = syntax.render(syntax.call("set.seed", syntax.number(given["seed"])))
    return shown(asked, value, "shares", before=(seed,))


_CHECKS: Final = {
    "normality": ("check_normality", ()),
    "random_normality": ("check_normality", (("effects", '"random"'),)),
}
"""Checks whose functions have another name than theirs."""


def checks(asked: Asked) -> Written:
    """Write the checks of performance that there are for the model."""
    found, seed = asked.arguments["found"], asked.arguments["seed"]
    if seed is None or not found:
        why = f"{UNSEEDED}." if found else "R has none of them for it."
        return without(f"The model was checked too. {why}")
    asked, lines = with_plain_fits(asked)
    lines.append(syntax.assign(asked.variable, "list()"))
    for name in found:
        function, further = _CHECKS.get(name, (f"check_{name}", ()))
        value = syntax.Call(function, ((None, asked.fit), *further))
        place = f"{asked.variable}${name}"
        lines += [
            syntax.render(syntax.call("set.seed", syntax.number(seed))),
            syntax.assign(place, value),
            f"print({place})",
        ]
    return Written(tuple(lines), "checks", asked.variable)


def all_fit(asked: Asked) -> Written:
    """Write allFit()."""
    given = asked.arguments
    needed = {"dfoptim", "optimx"}
    if asked.version("lme4") < _ALL_FIT_WITHOUT and not needed <= asked.versions.keys():
        return without(
            "allFit() was asked for too; that of lme4 before 1.1-33 stops where R's packages "
            "dfoptim and optimx are missing."
        )
    asked, before = with_plain_fits(asked)
    table = None
    if given["optimizers"] is not None:
        table = f"{asked.variable}_optimizers"
        names = syntax.vector(given["optimizers"])
        before += syntax.fill("optimizers", VARIABLE=table, NAMES=syntax.render(names))
    limit = given["max_evaluations"]
    value = syntax.call(
        "allFit",
        asked.fit,
        meth_tab=table,
        verbose="FALSE",
        maxfun=None if limit == 1e5 else syntax.number(limit),
    )
    return shown(asked, value, "all_fit", before=before)


def criteria(asked: Asked) -> Written:
    """Write criteria and weights of several models."""
    names = asked.arguments["names"]
    models = [syntax.argument_name(name) for name in names]
    pairs = zip(models, asked.models, strict=True)
    fits = syntax.Call("list", tuple(pairs))
    name = f"{asked.variable}_models"
    lines = (
        syntax.assign(name, fits),
        *syntax.fill("criteria", VARIABLE=asked.variable, MODELS=name),
        f"print({asked.variable})",
    )
    return Written(lines, "criteria", asked.variable)


def pooled(asked: Asked) -> Written:
    """Write pool() of mice, its summary, and testEstimates() of mitml."""
    given = asked.arguments
    asked, before = with_plain_fits(asked)
    fits, level, name = f"{asked.variable}_fits", given["conf_level"], asked.variable
    complete = given["df_complete"]
    pool = syntax.call("pool", fits, dfcom=None if complete is None else syntax.number(complete))
    table = syntax.call("summary", name, conf_int="TRUE", conf_level=syntax.number(level))
    lines = [
        *before,
        syntax.assign(fits, syntax.call("list", *asked.models)),
        syntax.assign(name, pool),
        syntax.assign(f"{name}_table", table),
        f"print({name}_table)",
    ]
    options: tuple[str, ...] = (f"{name}_table",)
    if given["components"]:
        estimates = syntax.call("mitml::testEstimates", fits, extra_pars="TRUE")
        lines += [syntax.assign(f"{name}_spread", estimates), f"print({name}_spread)"]
        options += (f"{name}_spread",)
    return Written(tuple(lines), "pooled", name, options)
