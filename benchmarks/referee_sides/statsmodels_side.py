"""statsmodels: MixedLM, with formulas of patsy or formulaic."""

import numpy as np
import statsmodels.formula.api as smf
from side import Model, NotOffered, by_level, covariances, effects, joined, run

WHOLE = "(all)"


def fit(model: Model):
    if model.family is not None:
        raise NotOffered("generalized models by maximum likelihood; there are Bayesian ones")
    if model.weights:
        raise NotOffered("weights")
    frame = model.with_joined_groups().dropna().reset_index(drop=True)
    response = model.response
    if model.offset:  # known: of a linear model it is taken from the response
        frame["net"] = frame[response] - frame[model.offset]
        response = "net"
    formula = model.python(f"{response} ~ {model.fixed}")
    further = {}
    if len(model.random) == 1:
        terms, groups = model.random[0][0], joined(model.random[0][1])
        if model.uncorrelated:
            further = {"re_formula": "1", "vc_formula": {terms: f"0 + {terms}"}}
        elif terms != "1":
            further = {"re_formula": f"~{terms}"}
    else:
        if any(terms != "1" for terms, _ in model.random):
            raise NotOffered("correlated slopes beside crossed groups")
        # Crossed effects are variance components of one group of all rows.
        frame["whole"], groups = 1, "whole"
        further["vc_formula"] = {g: f"0 + C({joined(g)})" for _, g in model.random}
        further["re_formula"] = "0"
    return smf.mixedlm(formula, frame, groups=groups, **further).fit(reml=model.reml)


def figures(result, model: Model):
    count = result.k_fe
    intervals = np.asarray(result.conf_int())[:count]
    tests = {"statistic": result.tvalues[:count], "p_value": result.pvalues[:count]}
    tests |= {"conf_low": intervals[:, 0], "conf_high": intervals[:, 1]}
    columns = {"estimate": result.fe_params, "std_error": result.bse_fe, **tests}
    found = {"n_obs": int(result.nobs), "fixed_effects": effects(result.fe_params.index, **columns)}
    found["reml"] = result.method == "REML"
    found["fit_statistics"] = {"log_likelihood": result.llf, "aic": result.aic, "bic": result.bic}
    components = {"Residual": {"variance": result.scale}}
    of_vc = dict(zip(result.model.exog_vc.names, np.asarray(result.vcomp), strict=True))
    if len(model.random) > 1:
        components |= {g: {"(Intercept)": {"variance": of_vc[g]}} for _, g in model.random}
    else:
        (terms, group) = model.random[0]
        matrix = np.asarray(result.cov_re)
        names = _effects(result, model)
        components[group], pairs = covariances(names, matrix)
        if model.uncorrelated:
            components[group][terms] = {"variance": of_vc[terms]}
        else:
            found["correlations"] = {group: pairs}
            values = result.random_effects
            rows = [np.asarray(each) for each in values.values()]
            found["random_effects"] = {group: by_level(values, names, rows)}
    found["variance_components"] = components
    return found


def _effects(result, model: Model):
    names = [str(name) for name in result.cov_re.index]
    group = joined(model.random[0][1])
    return ["(Intercept)" if name in (group, "Group", "Intercept") else name for name in names]


run("statsmodels", fit, figures)
