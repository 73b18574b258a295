"""Write every kind of file and of JSON by the package that is installed: ``python write.py``.

The files beside this program were written so, once, by an earlier state of the package, and the
tests read them. They are not written again: a new state is added beside them.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import pymer_bridge as pb
from pymer_bridge.session.r_session import session
from pymer_bridge.verification.figures import figures_of

HERE = Path(__file__).parent
SLOPES = "Reaction ~ Days + (Days | Subject)"
BINOMIAL = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
REPLICATES = {"kind": "parametric", "n_sim": 60, "seed": 7}


def sleep(n_subjects: int = 6) -> pd.DataFrame:
    """Return the first subjects of sleepstudy, their levels as texts."""
    data = pb.load_dataset("sleepstudy").iloc[: 10 * n_subjects].reset_index(drop=True)
    return data.assign(Subject=data["Subject"].astype(str))


def frames() -> dict[str, pd.DataFrame]:
    """Return the data of each model, every one on an index of another kind."""
    n = len(sleep())
    counts = pb.load_dataset("cbpp")
    several = [np.repeat(list("abcdef"), 10), list(range(10)) * 6]
    return {
        "slopes": sleep(),
        "glmer": counts.set_axis([f"h{i}" for i in range(len(counts))]),
        "lm": sleep().set_axis(pd.date_range("2024-03-01", periods=n, freq="D", name="day")),
        "refitted": sleep().set_axis(pd.MultiIndex.from_arrays(several, names=["who", "day"])),
        "intervals": sleep().set_axis(
            pd.IntervalIndex.from_breaks(np.arange(n + 1) / 4, closed="left")
        ),
    }


def models() -> dict[str, Any]:
    """Return models of several kinds."""
    of = frames()
    slopes = pb.lmer(SLOPES, of["slopes"])
    return {
        "slopes": slopes,
        "glmer": pb.glmer(BINOMIAL, of["glmer"], family="binomial"),
        "lm": pb.lm("Reaction ~ Days", of["lm"]),
        "refitted": pb.lmer(SLOPES, of["refitted"]).refit(np.round(np.asarray(slopes.fitted), 2)),
        "intervals": pb.lmer("Reaction ~ Days + (1 | Subject)", of["intervals"]),
    }


def results(fits: dict[str, Any], folder: Path) -> Iterator[Any]:
    """Yield a result of every class."""
    fit, lm = fits["slopes"], fits["lm"]
    ml, null = fit.update(reml=False), fit.update("~ . - Days", reml=False)
    small = pb.lmer("Reaction ~ Days + (1 | Subject)", sleep(3))
    yield from (fit.fixed_effects(), fit.variance_components, fit.random_effects)
    yield from (fit.group_coefficients, fit.fit_statistics, fit.convergence, fit.summary())
    yield from (fit.anova(), fit.contest({"week": {"Days": 7}}, joint=False), fit.drop1())
    yield from (fit.step(), fit.confint("wald"), pb.anova(ml, null))
    yield pb.kr_modcomp(fit, fit.update("~ . - Days"))
    yield from (small.profile(), fit.emmeans("Days"), fit.icc(), fit.r2())
    yield small.effect("Days", n_points=4, partial_residuals=True)
    yield from (fit.pooling(), small.influence("Subject"), small.all_fit(), small.all_fit().timing)
    yield from (fit.covariances, fit.re_pca(), small.get_me("L"), fit.get_me("theta"), fit.vcov)
    yield small.deviance_function().at([[0.5], [1.0]])
    boot = small.bootstrap("parametric", n_sim=12, seed=1)
    yield from (boot, boot.p_values(), pb.pb_modcomp(ml, null, n_sim=6, seed=1))
    yield pb.fit_many("~ Days + (1 | Subject)", sleep(3), ["Reaction"])
    yield pb.compare_inference(small, "Days", methods=["satterthwaite", "kenward-roger"])
    yield pb.lm_list("Reaction ~ Days | Subject", sleep(3)).coefficients()
    yield from (pb.model_table(small, fit), pb.citation(), pb.show_versions(), figures_of(small))
    path = pb.record(small, folder / "passing.json")
    yield from (pb.verify(lm), pb.verify_record(path, small.update(reml=False)))
    for each in fits.values():
        yield each.predict()
    yield from (small.simulate(2, seed=1), lm.predict(interval="confidence"))


def unfinished(fit: Any, path: Path) -> None:
    """Stop a bootstrap when some replicates are in its checkpoint."""

    def stop(done: int, total: int) -> None:
        if done >= total // 3:
            raise KeyboardInterrupt

    try:
        fit.bootstrap(**REPLICATES, checkpoint=path, progress=stop)
    except pb.BootstrapInterrupted:
        return
    raise RuntimeError("the bootstrap came to its end")


def main() -> None:
    """Write all of it beside this program."""
    warnings.simplefilter("ignore")
    fits = models()
    # Of a model that was refitted there is no record.
    pb.record({name: fits[name] for name in fits if name != "refitted"}, HERE / "models.pbr.json")
    for name, fit in fits.items():
        fit.save(HERE / f"{name}.pbr.zip")
    unfinished(fits["slopes"], HERE / "bootstrap.checkpoint")
    found = [{"json": each.to_dict(), "text": str(each)} for each in results(fits, HERE)]
    lines = ",\n".join(json.dumps(each, allow_nan=False) for each in found)
    (HERE / "results.json").write_text(f"[\n{lines}\n]\n")
    (HERE / "passing.json").unlink()
    replicates = fits["slopes"].bootstrap(**REPLICATES).replicates.tolist()
    # Some builds of lme4 are in one of two states, process by process, and differ in last digits.
    state = int(session().call("process_state").value[0])
    (HERE / "bootstrap.json").write_text(json.dumps({"state": state, "replicates": replicates}))


if __name__ == "__main__":
    main()
