"""Write the record of results beside this program: ``python write.py``, on Debian 12.

The tests verify it on every release: what was asked of linear models gives the same figures there,
to within the limits.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import pymer_bridge as pb

HERE = Path(__file__).parent
AT = {"Days": [0.0, 4.5, 9.0]}


def asked(by_reml: Any, fit: Any, small: Any, line: Any) -> list[Any]:
    """Return results of every kind that all supported releases have."""
    means = fit.emmeans("Days", at=AT)
    return [
        *(by_reml.anova(ddf="kenward-roger"), by_reml.drop1(), by_reml.ranova(), by_reml.step()),
        by_reml.contest({"week": {"Days": 7}, "start": {"(Intercept)": 1}}, joint=False),
        *(by_reml.fixed_effects("kenward-roger"), by_reml.confint("wald"), by_reml.vcov),
        *(fit.confint(), fit.profile("beta_"), fit.confint("boot", n_sim=20, seed=3)),
        *(fit.bootstrap(kind, n_sim=10, seed=5) for kind in ("parametric", "residual", "wild")),
        fit.bootstrap("case", n_sim=5, seed=5, resample={"Subject": True, ".obs": False}),
        fit.bootstrap("semiparametric", n_sim=10, seed=5, statistic="function(fit) fixef(fit)"),
        *(fit.predict(AT, re_form="population"), fit.simulate(4, seed=9), fit.fitted),
        *(fit.residuals("pearson", scaled=True), fit.hat_values(), fit.cooks_distance()),
        *(fit.influence("Subject"), fit.group_coefficients, fit.re_pca(), fit.model_matrix),
        *(means, means.pairs(), means.contrast("consec", adjust="mvt", seed=2)),
        *(means.test(null=250.0), fit.emtrends("1", "Days"), pb.anova(small, fit)),
        pb.kr_modcomp(by_reml, np.array([[0.0, 1.0]])),
        *(line.anova(), line.confint(), line.predict(AT, interval="prediction"), line.rstudent()),
        *(line.drop1(), line.influence_measures(), line.simulate(3, seed=4)),
    ]


def fits() -> dict[str, Any]:
    """Return the models."""
    data: pd.DataFrame = pb.load_dataset("sleepstudy")
    fit = pb.lmer("Reaction ~ Days + (Days | Subject)", data, reml=False)
    return {
        "reml": pb.lmer("Reaction ~ Days + (Days | Subject)", data),
        "fit": fit,
        "small": fit.update(". ~ . - Days"),
        "line": pb.lm("Reaction ~ Days", data),
    }


def main() -> None:
    """Write the record."""
    warnings.simplefilter("ignore")
    models = fits()
    kept = asked(*models.values())
    path = pb.record(models, HERE / "results.pbr.json", source="lme4::sleepstudy")
    print(f"{path}: {len(kept)} results")


if __name__ == "__main__":
    main()
