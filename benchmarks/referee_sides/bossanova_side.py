"""bossanova: one class for all models, on polars."""

import polars as pl
from bossanova import model as bossanova_model
from side import Model, effects, joined, run


def fit(model: Model):
    columns = {}
    frame = model.with_joined_groups()
    for name in frame.columns:
        values = [None if value != value else value for value in frame[name].astype(object)]
        kind = pl.Enum(model.factors[name]) if name in model.factors else None
        columns[name] = pl.Series(name, values, dtype=kind)
    data = pl.DataFrame(columns)
    formula = model.formula
    for group in model.groups:
        formula = formula.replace(f"| {group})", f"| {joined(group)})")
    further = {"weights": model.weights, "offset": model.offset}
    if model.trials:
        data = data.with_columns((pl.col(model.response) / pl.col(model.trials)).alias("share"))
        formula = f"share ~{formula.partition('~')[2]}"
        further["weights"] = model.trials
    how = {"family": model.family} if model.family else {"method": "reml" if model.reml else "ml"}
    asked = bossanova_model(formula, data, **how)
    asked.fit(**{name: value for name, value in further.items() if value is not None})
    asked.infer()
    return asked


def figures(result, model: Model):
    table = result.params
    names = {
        "estimate": "estimate",
        "se": "std_error",
        "df": "df",
        "statistic": "statistic",
        "p_value": "p_value",
        "ci_lower": "conf_low",
        "ci_upper": "conf_high",
    }
    columns = {ours: table[theirs] for theirs, ours in names.items() if theirs in table.columns}
    found = {"fixed_effects": effects(table["term"], **columns)}
    known = result.diagnostics.to_dicts()[0]
    found["fit_statistics"] = {"aic": known.get("aic"), "bic": known.get("bic")}
    found["fit_statistics"]["log_likelihood"] = known.get("loglik")
    found["n_obs"] = result.metadata["nobs"][0]
    groups = {joined(group): group for group in model.groups}
    components = {}
    for row in result.varying_spread.to_dicts():
        place, _, term = row["term"].partition(" | ")
        if row["metric"] == "variance" and place == "Residual":
            if model.family is None:
                components[place] = {"variance": row["estimate"]}
        elif row["metric"] == "variance":
            of_group = components.setdefault(groups[place], {})
            of_group[term] = {"variance": row["estimate"]}
    found["variance_components"] = components
    pairs = {}
    for row in result.varying_corr.to_dicts():
        of_group = pairs.setdefault(groups[row["group"]], {}).setdefault(row["effect2"], {})
        of_group[row["effect1"]] = {"correlation": row["corr"]}
    if not model.uncorrelated:
        found["correlations"] = pairs
    levels = {}
    for row in result.varying_offsets.to_dicts():
        group = groups[row.pop("group")]
        of_level = levels.setdefault(group, {}).setdefault(row.pop("level"), {})
        # The table has columns for the effects of all groups.
        of_level |= {term: {"estimate": row[term]} for term in components[group]}
    found["random_effects"] = levels
    return found


run("bossanova", fit, figures)
