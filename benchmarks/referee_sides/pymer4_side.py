"""pymer4: lme4 by R, on polars."""

import polars as pl
from pymer4.models import glmer, lmer
from side import Model, effects, run

COLUMNS = {
    "estimate": "estimate",
    "std_error": "std_error",
    "df": "df",
    "t_stat": "statistic",
    "z_stat": "statistic",
    "p_value": "p_value",
    "conf_low": "conf_low",
    "conf_high": "conf_high",
}


def asked(model: Model):
    """Return the model, not fitted yet."""
    columns = {}
    for name in model.frame.columns:
        values = model.frame[name].astype(object)
        columns[name] = [None if value != value else value for value in values]
    formula = model.formula
    if model.offset:
        left, right = formula.split("~")
        formula = f"{left}~ offset({model.offset}) +{right}"
    weights = {} if model.weights is None else {"weights": model.weights}
    if model.family is None:
        made = lmer(formula, pl.DataFrame(columns), **weights)
    else:
        made = glmer(formula, pl.DataFrame(columns), family=model.family, **weights)
    groups = {part for group in model.groups for part in group.split(":")}
    if fixed := {name: levels for name, levels in model.factors.items() if name not in groups}:
        made.set_factors(fixed)
    return made


def fit(model: Model, **how):
    made = asked(model)
    if model.family is None and not model.reml:
        how["REML"] = False
    made.fit(**how)
    return made


def _fixed(result):
    table = result.result_fit
    known = {COLUMNS[name]: table[name] for name in table.columns if name in COLUMNS}
    return effects(table["term"], **known)


def figures(result, model: Model):
    known = result.result_fit_stats.to_dicts()[0]
    names = {"AIC": "aic", "BIC": "bic", "logLik": "log_likelihood", "REMLcrit": "reml_criterion"}
    statistics = {ours: known[theirs] for theirs, ours in names.items() if theirs in known}
    found = {"n_obs": known["nobs"], "fixed_effects": _fixed(result), "fit_statistics": statistics}
    components, correlations = {}, {}
    for row in result.ranef_var.to_dicts():
        kind, _, term = row["term"].partition("__")
        group = row["group"]
        if group == "Residual":
            components[group] = {"std_dev": row["estimate"]}
        elif kind == "sd":
            components.setdefault(group, {})[term] = {"std_dev": row["estimate"]}
        else:
            one, other = term.split(".", 1)
            pairs = correlations.setdefault(group, {}).setdefault(other, {})
            pairs[one] = {"correlation": row["estimate"]}
    tables = result.ranef
    if not isinstance(tables, dict):
        tables = {model.groups[0]: tables}
    levels = {}
    for group, table in tables.items():
        of_group = levels.setdefault(group, {})
        for row in table.to_dicts():
            values = of_group.setdefault(str(row.pop("level")), {})
            values |= {term: {"estimate": value} for term, value in row.items()}
    found |= {"variance_components": components, "correlations": correlations}
    found["random_effects"] = levels
    return found


def kenward_roger(result, model: Model):
    return {"fixed_effects": _fixed(fit(model, conf_method="kenward"))}


if __name__ == "__main__":
    run("pymer4", fit, figures, kenward_roger)
