"""mixedlm-rs: the interface of statsmodels, with formulas of patsy."""

import mixedlm_rs
import numpy as np
from side import Model, NotOffered, by_level, covariances, effects, joined, run


def fit(model: Model):
    if model.family is not None:
        raise NotOffered("generalized models")
    if model.weights:
        raise NotOffered("weights")
    if len(model.random) > 1:
        raise NotOffered("more than one grouping factor")
    if model.uncorrelated:
        raise NotOffered("slopes without correlation")
    frame = model.with_joined_groups().dropna().reset_index(drop=True)
    response = model.response
    if model.offset:  # known: of a linear model it is taken from the response
        frame["net"] = frame[response] - frame[model.offset]
        response = "net"
    (terms, group) = model.random[0]
    further = {} if terms == "1" else {"re_formula": f"~{terms}"}
    formula = model.python(f"{response} ~ {model.fixed}")
    asked = mixedlm_rs.mixedlm(formula, frame, groups=joined(group), **further)
    return asked.fit(reml=model.reml)


def figures(result, model: Model):
    fixed = result.fe_params_labelled
    count = len(fixed)
    intervals = np.asarray(result.conf_int())[:count]
    tests = {"statistic": np.asarray(result.tvalues)[:count]}
    tests |= {"p_value": np.asarray(result.pvalues)[:count]}
    tests |= {"conf_low": intervals[:, 0], "conf_high": intervals[:, 1]}
    columns = {"estimate": np.asarray(fixed), "std_error": np.asarray(result.bse_fe), **tests}
    found = {"n_obs": int(result.nobs), "fixed_effects": effects(fixed.index, **columns)}
    found["reml"] = result.reml
    found["fit_statistics"] = {"log_likelihood": result.llf, "aic": result.aic, "bic": result.bic}
    group = model.random[0][1]
    names = ["(Intercept)", *model.random[0][0].split(" + ")][: result.k_re]
    if model.random[0][0] == "1":
        names = ["(Intercept)"]
    elif (factor := model.random[0][0]) in model.factors:
        names = ["(Intercept)", *(f"{factor}[T.{level}]" for level in model.factors[factor][1:])]
    variances, pairs = covariances(names, np.asarray(result.cov_re))
    found["variance_components"] = {group: variances, "Residual": {"variance": result.scale}}
    found["correlations"] = {group: pairs}
    values = result.random_effects
    rows = [np.asarray(each) for each in values.values()]
    found["random_effects"] = {group: by_level(values, names, rows)}
    return found


run("mixedlm-rs", fit, figures)
