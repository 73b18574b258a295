"""interlace-lme: fixed effects by formulaic, random terms in lme4's notation."""

import interlace
from side import Model, by_level, covariances, effects, joined, run


def fit(model: Model, **how):
    frame = model.with_joined_groups()
    bar = "||" if model.uncorrelated else "|"
    # Their documents write the intercept of slopes.
    random = [
        f"({terms if terms == '1' else f'1 + {terms}'} {bar} {joined(group)})"
        for terms, group in model.random
    ]
    offset = None if model.offset is None else frame[model.offset].to_numpy()
    formula = model.python(f"{model.response} ~ {model.fixed}")
    if model.family is None:
        weights = None if model.weights is None else frame[model.weights].to_numpy()
        how |= {"method": "REML" if model.reml else "ML", "weights": weights, "offset": offset}
        return interlace.fit(formula, frame, random=random, **how)
    weights = None
    if model.trials:
        frame["share"] = frame[model.response] / frame[model.trials]
        formula = f"share ~ {model.fixed}"
        weights = frame[model.trials].to_numpy()
    return interlace.glmer(
        formula, frame, family=model.family, random=random, weights=weights, offset=offset
    )


def _fixed(result):
    rows = result.fe_params.index
    columns = {"estimate": result.fe_params, "std_error": result.fe_bse}
    names = {"df": "fe_df", "statistic": "fe_tvalues", "p_value": "fe_pvalues"}
    for ours, theirs in names.items():
        if (values := getattr(result, theirs, None)) is not None:
            columns[ours] = values
    if (intervals := getattr(result, "fe_conf_int", None)) is not None:
        columns |= {"conf_low": intervals.iloc[:, 0], "conf_high": intervals.iloc[:, 1]}
    return effects(rows, **columns)


def figures(result, model: Model):
    found = {"n_obs": result.nobs, "fixed_effects": _fixed(result)}
    known = {"log_likelihood": "llf", "aic": "aic", "bic": "bic"}
    found["fit_statistics"] = {ours: getattr(result, name) for ours, name in known.items()}
    components, correlations, effects_of_groups = {}, {}, {}
    if model.family is None:
        components["Residual"] = {"variance": result.scale}
    for _, group in model.random:
        column = joined(group)
        variances = result.variance_components[column]
        values = result.random_effects[column]
        if hasattr(variances, "columns"):
            names = list(variances.columns)
            components[group], correlations[group] = covariances(names, variances.to_numpy())
        else:
            components[group] = {"(Intercept)": {"variance": variances}}
        if hasattr(values, "columns"):
            effects_of_groups[group] = by_level(values.index, values.columns, values.to_numpy())
        else:
            rows = [[value] for value in values.to_numpy()]
            effects_of_groups[group] = by_level(values.index, ["(Intercept)"], rows)
    if model.uncorrelated:
        correlations = {}
    found |= {"variance_components": components, "correlations": correlations}
    found["random_effects"] = effects_of_groups
    return found


def kenward_roger(result, model: Model):
    return {"fixed_effects": _fixed(fit(model, df_method="kenward-roger"))}


run("interlace-lme", fit, figures, kenward_roger)
