"""Comparisons and bootstraps that were asked for, as the calls that an R user would write."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pymer_bridge.r_script import syntax
from pymer_bridge.r_script.fragments import fill
from pymer_bridge.r_script.statements import Asked, Written, shown, unseeded, without
from pymer_bridge.r_script.syntax import Node


def _row(values: Iterable[float]) -> Node:
    return syntax.Call("c", tuple((None, syntax.number(value)) for value in values))


def _restriction(asked: Asked) -> tuple[list[str], Node]:
    """Write the smaller model, or the matrix, of a comparison."""
    if len(asked.models) > 1:
        return [], asked.models[1]
    given = asked.arguments["restriction"]
    if isinstance(given, str):
        small = f"{asked.variable}_smaller"
        return [syntax.assign(small, syntax.call("update", asked.fit, given))], small
    n_rows = int(given["n_rows"])
    weights = syntax.call("matrix", _row(given["values"]), nrow=syntax.number(n_rows), byrow="TRUE")
    name = f"{asked.variable}_restriction"
    return [syntax.assign(name, weights)], name


def comparison(asked: Asked) -> Written:
    """Write KRmodcomp() or SATmodcomp()."""
    function = {"kr_modcomp": "KRmodcomp", "sat_modcomp": "SATmodcomp"}[asked.operation]
    matrix = len(asked.models) == 1 and not isinstance(asked.arguments["restriction"], str)
    by_model = function == "SATmodcomp" and matrix and asked.pbkrtest >= (0, 5, 3)
    own: list[str] = []
    if by_model:
        asked, own = _with_plain_fits(asked)
    before, small = _restriction(asked)
    before = [*own, *before]
    if by_model:
        before.append("# From version 0.5.3 on, SATmodcomp() takes the model of a matrix.")
        small = syntax.call("restriction_matrix2model", asked.fit, small)
    value = syntax.call(function, asked.fit, small)
    return shown(asked, value, function, before=before)


def _with_plain_fits(asked: Asked) -> tuple[Asked, list[str]]:
    """Ask of lme4's own fits: where pbkrtest updates models, lmerTest cannot make its own."""
    if not asked.lmertest:
        return asked, []
    names = tuple(f"{model}_lme4" for model in asked.models)
    own = [
        syntax.assign(name, asked.plain_fits[model])
        for name, model in zip(names, asked.models, strict=True)
    ]
    return replace(asked, models=names), own


def bootstrap_test(asked: Asked) -> Written:
    """Write PBmodcomp(), or say why it would not be the same."""
    given = asked.arguments
    if given["start"] != "warm" or given["h"] is not None:
        how = f"start={given['start']!r}, h={given['h']!r}"
        return without(f"pb_modcomp({how}): pbkrtest exports no function that does so.")
    asked, own = _with_plain_fits(asked)
    before, small = _restriction(asked)
    before = [*own, *before]
    value = syntax.call("PBmodcomp", asked.fit, small, nsim=syntax.number(given["n_sim"]))
    if given["seed"] is None:
        return unseeded(shown(asked, value, before=before), asked)
    before.append(syntax.statement(syntax.call("set.seed", syntax.number(given["seed"]))))
    summarised = syntax.call("summary", asked.variable)
    written = shown(asked, value, "PBmodcomp", before=before)
    return Written(
        (*written.lines[:-1], f"print({syntax.statement(summarised)})"),
        written.kind,
        asked.variable,
    )


def bootstrap(asked: Asked) -> Written:
    """Write bootMer() with the function of the statistic, or say why there is none."""
    given = asked.arguments
    kind, statistic = given["kind"], given["statistic"]
    if kind not in ("parametric", "semiparametric"):
        return without(
            f"A {kind} bootstrap (n_sim={given['n_sim']}, seed={given['seed']}) was made too; "
            "lme4 has no function for it."
        )
    if given["at_new_data"]:
        return without("A bootstrap of predictions at new data was made too; it is not here.")
    spread = statistic in ("parameters", "variance_components")
    if spread and asked.scaled:
        return without(
            f'A bootstrap of {statistic!r} was made too; confint(method = "boot") of lme4 has '
            "them for this family in units that VarCorr() does not give."
        )
    function, before = _statistic(asked, statistic)
    semi = kind == "semiparametric"
    value = syntax.call(
        "bootMer",
        asked.fit,
        function,
        nsim=syntax.number(given["n_sim"]),
        seed=None if given["seed"] is None else syntax.number(given["seed"]),
        use_u="TRUE" if semi or given["use_u"] else None,
        type=syntax.string(kind) if semi else None,
    )
    if given["seed"] is None:
        return unseeded(shown(asked, value, before=before), asked)
    return shown(asked, value, "bootMer", before=before)


def _statistic(asked: Asked, statistic: str) -> tuple[str, list[str]]:
    if statistic == "fixed_effects":
        return "fixef", []
    name = f"{asked.variable}_statistic"
    if statistic in ("parameters", "variance_components"):
        fixed = "fixef(fit)" if statistic == "parameters" else "NULL"
        if asked.own_parameters:
            scale = "sigma(fit)" if asked.fitter == "lmer" else "NULL"
            return name, fill(
                "parameters_2", VARIABLE=name, FIXED=fixed, FIT=asked.fit, SCALE=scale
            )
        scale = ", s = sigma(fit)" if asked.fitter == "lmer" else ""
        return name, fill("parameters", VARIABLE=name, FIXED=fixed, SCALE=scale)
    if statistic == "random_effects":
        return name, fill("random_effects", VARIABLE=name)
    if statistic == "predictions":
        form = "NA" if asked.arguments["re_form"] == "population" else "NULL"
        return name, fill("predictions", VARIABLE=name, FORM=form)
    return name, [f"{name} <- {statistic.strip()}"]


def anova_models(asked: Asked) -> Written:
    """Write anova() of two models or more."""
    given = asked.arguments
    names = tuple(given["names"])
    own = names != tuple(f"model{i + 1}" for i in range(len(names)))
    value = syntax.Call(
        "anova",
        tuple((None, model) for model in asked.models)
        + (() if given["refit"] else (("refit", "FALSE"),))
        + ((("model.names", syntax.vector(names)),) if own else ()),
    )
    # Where R takes the names of the variables, rows are told apart by these.
    pairs = (
        ()
        if own
        else tuple(part for pair in zip(asked.models, names, strict=True) for part in pair)
    )
    return shown(asked, value, "ratio_tests", pairs)
