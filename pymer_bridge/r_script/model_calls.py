"""Predictions, simulations and robust tests of a model, as the calls that an R user would write."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pymer_bridge.r_script import data_files, syntax
from pymer_bridge.r_script.statements import Asked, Written, drawn, first_values, shown, without
from pymer_bridge.r_script.syntax import Node

NEW_ROWS: Final = 100
"""New data with more rows do not stand in a script."""

_CLUB_TESTS: Final = {
    "satterthwaite": "Satterthwaite",
    "saddlepoint": "saddlepoint",
    "naive-t": "naive-t",
    "naive-tp": "naive-tp",
    "normal": "z",
}


def _new_data(asked: Asked) -> tuple[str | None, list[str]]:
    """Return the variable of the new data, and the lines that make them."""
    given = asked.arguments.get("new_data")
    if given is None:
        return None, []
    name = f"{asked.variable}_data"
    return name, [syntax.assign(name, data_files.inline(given["names"], given["parts"]))]


def _left_out(asked: Asked, what: str) -> Written | None:
    """Say why predictions or simulations have no call; None where they have one."""
    given = asked.arguments
    data = given.get("new_data")
    if data is not None and data["n_rows"] > NEW_ROWS:
        return without(f"{what} at {data['n_rows']} new rows were asked for too.")
    if data is not None and not data_files.can_stand_inline(data["parts"]):
        return without(f"{what} at times or durations were asked for too.")
    if given.get("new_params") is not None or given.get("weights") is not None:
        return without(f"{what} with parameters or weights of their own were asked for too.")
    return None


def _form(asked: Asked) -> Node | None:
    form = asked.arguments.get("re_form")
    return "NA" if form == "population" else form


def predictions(asked: Asked) -> Written:
    """Write predict() of a mixed model."""
    given = asked.arguments
    if (left := _left_out(asked, "Predictions")) is not None:
        return left
    if given["std_error"] or given["interval"]:
        return without("Predictions with standard errors were asked for too; they are left out.")
    data, before = _new_data(asked)
    value = syntax.call(
        "predict",
        asked.fit,
        newdata=data,
        re_form=_form(asked),
        type=syntax.string("response") if given["type"] == "response" else None,
        random_only="TRUE" if given["random_only"] else None,
        allow_new_levels="TRUE" if given["allow_new_levels"] else None,
    )
    return first_values(shown(asked, value, "predictions", before=before))


def linear_predictions(asked: Asked) -> Written:
    """Write predict() of a model without random effects."""
    given = asked.arguments
    if (left := _left_out(asked, "Predictions")) is not None:
        return left
    interval = given["interval"]
    if interval != "none" and asked.fitter == "glm":
        return without("Intervals of predictions were asked for too; R's glm() has none.")
    data, before = _new_data(asked)
    value = syntax.call(
        "predict",
        asked.fit,
        newdata=data,
        se_fit="TRUE",
        interval=None if interval == "none" else syntax.string(interval),
        level=None if interval == "none" else syntax.number(given["conf_level"]),
        type=syntax.string("response") if given["type"] == "response" else None,
    )
    return first_values(shown(asked, value, "predictions", before=before))


def simulations(asked: Asked) -> Written:
    """Write simulate()."""
    given = asked.arguments
    if (left := _left_out(asked, "Simulations")) is not None:
        return left
    if asked.excluding and asked.fitter in ("glmer", "glm"):
        return without(
            "Simulations were asked for too; R's simulate() fails for generalized models with "
            "na.action = na.exclude, or lays their rows wrongly."
        )
    data, before = _new_data(asked)
    seed = given["seed"]
    value = syntax.call(
        "simulate",
        asked.fit,
        nsim=syntax.number(given["n_sim"]),
        seed=None if seed is None else syntax.number(seed),
        newdata=data,
        re_form=given.get("re_form"),
        use_u="TRUE" if given.get("use_u") else None,
        allow_new_levels="TRUE" if given.get("allow_new_levels") else None,
    )
    return first_values(drawn(asked, value, "simulations", before=before))


def _of_rows_used(asked: Asked) -> tuple[Asked, list[str]]:
    """Refit without the marks of rows left out: clubSandwich counts on residuals of rows used."""
    if not asked.excluding:
        return asked, []
    name = f"{asked.variable}_fit"
    refitted = syntax.call("update", asked.fit, na_action="na.omit")
    return replace(asked, models=(name,)), [syntax.assign(name, refitted)]


def _covariance(asked: Asked) -> tuple[str, list[str]]:
    """Write vcovCR(), and the clusters that are no grouping factor; return its variable."""
    given, cluster = asked.arguments, asked.arguments["cluster"]
    covariance, clusters, lines = f"{asked.variable}_vcov", None, []
    if cluster is not None and given["grouped"]:
        factors = syntax.render(syntax.call("getME", asked.fit, syntax.string("flist")))
        clusters = f"{factors}[[{syntax.string(cluster)}]]"
    elif cluster is not None:
        clusters = f"{asked.variable}_clusters"
        lines = syntax.fill(
            "clusters", VARIABLE=clusters, FIT=asked.fit, COLUMN=syntax.string(cluster)
        )
    kind = syntax.string(given["kind"])
    made = syntax.call("vcovCR", asked.fit, cluster=clusters, type=kind)
    return covariance, [*lines, syntax.assign(covariance, made)]


def robust(asked: Asked) -> Written:
    """Write coef_test() and conf_int() of clubSandwich, or vcovHC() of sandwich."""
    given, test = asked.arguments, asked.arguments["test"]
    if given["kind"].startswith("HC"):
        return _consistent(asked)
    asked, before = _of_rows_used(asked)
    covariance, made = _covariance(asked)
    shared = {"vcov": covariance, "test": syntax.string(_CLUB_TESTS[test])}
    tests = syntax.call("coef_test", asked.fit, **shared)
    ends = None
    if test != "saddlepoint":
        level = syntax.number(given["conf_level"])
        ends = syntax.call("conf_int", asked.fit, **shared, level=level)
    value = syntax.call("list", tests=tests, intervals=ends)
    return shown(asked, value, "robust", before=(*before, *made))


def _consistent(asked: Asked) -> Written:
    given = asked.arguments
    by_t = given["test"] == "residual"
    asked, before = _of_rows_used(asked)
    lines = syntax.fill(
        "consistent",
        VARIABLE=asked.variable,
        FIT=asked.fit,
        KIND=syntax.string(given["kind"]),
        LEVEL=syntax.number(given["conf_level"]),
        DF=f"df.residual({asked.fit})" if by_t else "Inf",
        QUANTILE="qt(c(tail, 1 - tail), df)" if by_t else "qnorm(c(tail, 1 - tail))",
        P_VALUE="2 * pt(-abs(statistic), df)" if by_t else "2 * pnorm(-abs(statistic))",
    )
    return Written((*before, *lines, f"print({asked.variable})"), "robust", asked.variable)


def robust_wald(asked: Asked) -> Written:
    """Write Wald_test() of clubSandwich."""
    given = asked.arguments
    asked, before = _of_rows_used(asked)
    covariance, made = _covariance(asked)
    positions = syntax.vector([int(each) for each in given["positions"]])
    value = syntax.call(
        "Wald_test",
        asked.fit,
        constraints=syntax.call("constrain_zero", positions),
        vcov=covariance,
        test=syntax.string(given["test"]),
    )
    options = (", ".join(given["names"]),)
    return shown(asked, value, "wald_test", options, (*before, *made))
