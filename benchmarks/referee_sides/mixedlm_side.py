"""mixedlm: lme4's functions, formulas and tables."""

import mixedlm as mlm
from side import Model, of_tidy, run

FAMILIES = {"binomial": mlm.families.Binomial, "poisson": mlm.families.Poisson}


def fit(model: Model):
    further = {"weights": model.column(model.weights), "offset": model.column(model.offset)}
    if model.family is None:
        return mlm.lmer(model.python(model.formula), model.frame, REML=model.reml, **further)
    formula = model.python(model.formula)
    if model.trials:
        left = f"{model.response} / {model.trials}"
        formula = f"{left} ~ {formula.partition('~')[2].strip()}"
    return mlm.glmer(formula, model.frame, family=FAMILIES[model.family](), **further)


def _named(name: str, model: Model) -> str:
    """Return R's name of a coefficient: here the columns of a factor are numbered."""
    return ":".join(_of_factor(part, model) for part in name.split(":"))


def _of_factor(part: str, model: Model) -> str:
    factor, _, which = part.rpartition(".")
    levels = model.factors.get(factor, [])
    if which in levels and model.fixed.startswith("0"):
        return f"{factor}{which}"
    return f"{factor}{levels[int(which)]}" if levels and which.isdigit() else part


def _renamed(found, model: Model):
    """Return figures with the names of R."""
    if isinstance(found, dict):
        return {_named(str(key), model): _renamed(inner, model) for key, inner in found.items()}
    return found


def figures(result, model: Model, ddf: str = "Satterthwaite"):
    further = {"ddf_method": ddf} if model.family is None else {}
    parts = ["fixed", "ran_pars", "ran_vals"]
    found = of_tidy(result.tidy(effects=parts, conf_int=True, **further).to_dict("records"))
    found = {part: _renamed(inner, model) for part, inner in found.items()}
    found["n_obs"] = result.nobs()
    found["n_groups"] = dict(result.ngrps())
    known = {"aic": result.AIC(), "bic": result.BIC(), "df_residual": result.df_residual()}
    likelihood = result.logLik()
    known["log_likelihood"] = getattr(likelihood, "value", likelihood)
    if model.family is None:
        found |= {"sigma": result.sigma, "reml": result.isREML()}
        if model.reml:
            known["reml_criterion"] = result.REMLcrit()
    found["fit_statistics"] = known
    return found


def kenward_roger(result, model: Model):
    return {"fixed_effects": figures(result, model, "Kenward-Roger")["fixed_effects"]}


run("mixedlm", fit, figures, kenward_roger)
