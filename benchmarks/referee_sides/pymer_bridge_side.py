"""pymer_bridge itself, through the same files."""

from side import Model, run

import pymer_bridge as pb

LEFT_OUT = ("convergence/", "model////dropped_columns", "model////size")


def fit(model: Model):
    further = {
        name: model.frame[column]
        for name, column in (("weights", model.weights), ("offset", model.offset))
        if column is not None
    }
    if model.family is None:
        return pb.lmer(model.formula, model.frame, reml=model.reml, **further)
    return pb.glmer(model.formula, model.frame, family=model.family, **further)


def figures(result, model: Model, ddf=None):
    values = pb.figures_of(result, ddf).values
    return {key: value for key, value in values.items() if not key.startswith(LEFT_OUT)}


def kenward_roger(result, model: Model):
    values = figures(result, model, "kenward-roger")
    return {key: value for key, value in values.items() if key.startswith("fixed_effect/")}


if __name__ == "__main__":
    run("pymer_bridge", fit, figures, kenward_roger)
