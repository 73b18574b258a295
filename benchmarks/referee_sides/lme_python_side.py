"""lme-python: lme4's formulas, on polars."""

import lme_python as lme
import polars as pl
from side import Model, effects, run


def _polars(model: Model):
    columns = {}
    for name in model.frame.columns:
        values = model.frame[name]
        columns[name] = [None if value != value else value for value in values.astype(object)]
    return pl.DataFrame(columns)


def fit(model: Model):
    data, formula = _polars(model), model.formula
    if model.offset:
        left, right = formula.split("~")
        formula = f"{left}~ offset({model.offset}) +{right}"
    weights = None if model.weights is None else data[model.weights].to_list()
    fixed = {
        name: lme.FactorSpec(model.factors[name]) for name in model.factors if name in model.fixed
    }
    if model.family is None and weights is None:
        result = lme.lmer(formula, data, reml=model.reml, factors=fixed or None)
    elif model.family is None:
        result = lme.lmer_weighted(formula, data, reml=model.reml, weights=weights)
    elif model.trials:
        # Proportions, weighted by the trials.
        data = data.with_columns((pl.col(model.response) / pl.col(model.trials)).alias("share"))
        formula = f"share ~{formula.partition('~')[2]}"
        weights = data[model.trials].cast(pl.Float64).to_list()
        result = lme.glmer_weighted(formula, data, model.family, weights=weights)
    else:
        result = lme.glmer(formula, data, model.family)
    return result, data


def _fixed(result, level: float = 0.95, **tests):
    intervals = result.confint(level)
    columns = {"estimate": result.coefficients, "std_error": result.beta_se, **tests}
    columns |= {"statistic": result.beta_t, "conf_low": intervals.lower}
    return effects(result.fixed_names, **columns, conf_high=intervals.upper)


def figures(answer, model: Model):
    result, data = answer
    tests = {}
    if model.family is None:
        result.with_satterthwaite(data)
        tests["df"] = result.satterthwaite_dfs
        tests["p_value"] = result.satterthwaite_p_values
    found = {"n_obs": result.num_obs, "fixed_effects": _fixed(result, **tests)}
    components, correlations, levels = {}, {}, {}
    for group, one, other, variance, second in result.var_corr:
        if group == "Residual":
            if model.family is None:
                components[group] = {"variance": variance}
        elif one == other:
            components.setdefault(group, {})[one] = {"variance": variance}
        else:
            pair = correlations.setdefault(group, {}).setdefault(one, {})
            pair[other] = {"correlation": second}
    for group, level, term, value in result.ranef:
        levels.setdefault(group, {}).setdefault(level, {})[term] = {"estimate": value}
    found |= {"variance_components": components, "random_effects": levels}
    if not model.uncorrelated:
        found["correlations"] = correlations
    names = ("log_likelihood", "aic", "bic", *(("reml_criterion",) if model.family is None else ()))
    found["fit_statistics"] = {name: getattr(result, name) for name in names}
    return found


def kenward_roger(answer, model: Model):
    result, data = answer
    result.with_kenward_roger(data)
    tests = {"df": result.kenward_roger_dfs, "p_value": result.kenward_roger_p_values}
    fixed = effects(result.fixed_names, estimate=result.coefficients, **tests)
    return {"fixed_effects": fixed}


run("lme-python", fit, figures, kenward_roger)
