"""Models in pickles: what is stored of them goes to other processes, and is fitted again there."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import REFERENCES, ROOT
from helpers.forgery import forged
from helpers.probing import plain_r
from pymer_bridge.models import stored
from pymer_bridge.results.means import MarginalTable
from pymer_bridge.session.r_session import session

pytestmark = [
    pytest.mark.r,
    pytest.mark.filterwarnings("ignore:refit:pymer_bridge.RWarning"),  # of lme4 before 1.1-33
    pytest.mark.filterwarnings("ignore:variance-covariance:pymer_bridge.ConvergenceWarning"),
]
SLEEP = "Reaction ~ Days + (Days | Subject)"
TRIES = 12
"""Processes that are started until one is in the state of this one; each second one is."""

CHILD = """
import pickle, sys, warnings
import pymer_bridge as pb
from pymer_bridge.results.means import MarginalTable
from pymer_bridge.session.r_session import session

PROPERTIES = ("fit_statistics", "vcov", "model_matrix", "variance_components", "random_effects",
    "convergence", "n_groups", "dropped_rows", "failed", "levels", "sigma", "n_obs", "formula",
    "warnings", "messages", "columns", "rows_used")

def figures(fit):
    nonlinear = isinstance(fit, pb.NonlinearMixedModel)
    named = [n for n in PROPERTIES if hasattr(fit, n) and not (nonlinear and n == "model_matrix")]
    found = {name: getattr(fit, name) for name in named}
    found = {name: dict(value) if name == "n_groups" else value for name, value in found.items()}
    for name in ("fixed_effects", "coefficients"):
        if hasattr(fit, name):
            found[name] = getattr(fit, name)()
    if hasattr(fit, "residuals"):
        rows = fit.residuals()
        found["residuals"] = rows.to_numpy().tobytes(), list(rows.index)
    return type(fit).__name__, found

def answer(pickles, state):
    if str(session().call("process_state").value[0]) != state:
        return 3
    with open(pickles, "rb") as file:
        models = pickle.load(file)
    # Warnings are errors: nothing has drifted, and nothing is said twice.
    fits = {name: [pickle.loads(text) for text in texts] for name, texts in models.items()}
    warnings.simplefilter("ignore")
    asked = {name: [figures(fit) for fit in each] for name, each in fits.items()}
    with open(pickles, "wb") as file:
        pickle.dump(asked, file)
    return 0

if __name__ == "__main__":
    session().require("lme4")
    raise SystemExit(answer(*sys.argv[1:]))
"""

helper: dict[str, Any] = {"__name__": "helper"}
exec(CHILD, helper)


def sleepstudy() -> pd.DataFrame:
    data = pb.load_dataset("sleepstudy")
    data.index = pd.Index([f"row {i}" for i in range(len(data))])
    data.iloc[7, 0] = np.nan
    data["week day"] = np.where(data["Days"] % 7 > 4, "end", "work")
    return data


def models() -> dict[str, Any]:
    """Return a model of each kind, and of each way to come by one."""
    data, ticks = sleepstudy(), pb.load_dataset("grouseticks")
    classic = pb.load_dataset("sleepstudy")
    weights = np.linspace(0.5, 2.0, 180)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pb.SingularFitWarning)
        singular = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff2"))
    slopes = pb.lmer(SLEEP, classic)
    herds = pb.glmer(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)",
        pb.load_dataset("cbpp"),
        family="binomial",
    )
    drawn = slopes.simulate(1, seed=2).values[:, 0]
    return {
        "lmer": slopes,
        "vectors": pb.lmer(
            SLEEP, data, weights=weights, offset=weights[::-1], subset=weights > 0.7
        ),
        "options": pb.lmer(
            "log(Reaction) ~ `week day` * Days + (1 | Subject)",
            data,
            reml=False,
            na_action="exclude",
            contrasts={"week day": "contr.sum"},
            control=pb.lmer_control("bobyqa", calc_derivs=False),
            data_name="nights",
        ),
        "allowed": pb.lmer(
            "Reaction ~ nchar(`week day`) + (1 | Subject)", data, allow_functions=("nchar",)
        ),
        "singular": singular,
        "glmer": herds,
        "glmer_nb": pb.glmer_nb("TICKS ~ 1 + (1 | BROOD)", ticks),
        "nlmer": pb.nlmer(
            "circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree",
            pb.load_dataset("Orange", package="datasets"),
            start={"Asym": 200, "xmid": 725, "scal": 350},
        ),
        "lm": pb.lm("log(Reaction) ~ poly(Days, 2) + `week day`", data, weights="1 + Days"),
        "glm": pb.glm("TICKS ~ HEIGHT", ticks, family="poisson"),
        "lm_list": pb.lm_list("Reaction ~ Days | Subject", classic),
        "updated": slopes.update(". ~ . - Days"),
        "refitted": slopes.refit(drawn),
        "refitted twice": slopes.refit(drawn).refit_ml(),
        "by likelihood": slopes.refit_ml(),
    }


@pytest.fixture(scope="module")
def slopes() -> Any:
    return pb.lmer(SLEEP, pb.load_dataset("sleepstudy"))


def test_every_kind_comes_back_the_same_in_another_process(tmp_path: Path) -> None:
    fits = models()
    program, pickles = tmp_path / "child.py", tmp_path / "models.pickle"
    program.write_text(CHILD, encoding="utf-8")
    texts = {
        name: [pickle.dumps(fit, protocol) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)]
        for name, fit in fits.items()
    }
    pickles.write_bytes(pickle.dumps(texts))
    state = str(session().call("process_state").value[0])
    for _ in range(TRIES):
        done = subprocess.run(
            [sys.executable, "-W", "error", str(program), str(pickles), state],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        if done.returncode != 3:
            break
    assert done.returncode == 0, done.stderr
    answers = pickle.loads(pickles.read_bytes())
    for name, fit in fits.items():
        wanted = helper["figures"](fit)
        assert len(wanted[1]) > 8, name
        assert answers[name] == [wanted] * len(texts[name]), name


def test_one_process_fits_a_pickle_once(slopes: Any) -> None:
    text = pickle.dumps(slopes)
    again = pickle.loads(text)
    assert again.fixed_effects() == slopes.fixed_effects()
    assert pickle.loads(text) is again  # a model cannot change
    assert pickle.loads(pickle.dumps([again, slopes])) == [again, again]
    assert pickle.dumps(again) == text
    assert joblib.hash(again) == joblib.hash(slopes) != joblib.hash(slopes.refit_ml())
    assert copy.copy(slopes) is slopes
    assert copy.deepcopy([slopes])[0] is slopes
    assert stored.unpickled.cache_info().maxsize == stored.MOST_KEPT


def test_joblib_keeps_what_is_computed_of_a_model(slopes: Any, tmp_path: Path) -> None:
    asked = []

    def intercept(fit: Any) -> float:
        asked.append(fit)
        return float(fit.fixed_effects()["(Intercept)"].estimate)

    kept = joblib.Memory(tmp_path, verbose=0).cache(intercept)
    assert kept(slopes) == kept(pickle.loads(pickle.dumps(slopes))) == intercept(slopes)
    assert len(asked) == 2
    joblib.dump(slopes, tmp_path / "fit.joblib")
    assert joblib.load(tmp_path / "fit.joblib").vcov == slopes.vcov


def changed(fit: Any, tmp_path: Path, change: Any) -> bytes:
    """Return a pickle whose content a forger has changed."""
    function, (cls, content, *rest) = fit.__reduce__()
    path = tmp_path / "content"
    path.write_bytes(content)
    content = forged(path, path, change).read_bytes()

    class Forged:
        def __reduce__(self) -> Any:
            return function, (cls, content, *rest)

    return pickle.dumps(Forged())


def _other_sigma(document: Any, arrays: Any) -> None:
    document["figures"][2]["values"] = [1.0]


def test_what_differs_is_told_with_what_r_said(tmp_path: Path) -> None:
    with pytest.warns(pb.SingularFitWarning):
        fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff2"))
    text = changed(fit, tmp_path, _other_sigma)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        pickle.loads(text)
    assert [each.category for each in said] == [pb.SingularFitWarning, pb.DriftWarning]
    assert {each.filename for each in said} == {__file__}
    assert "a pickled LinearMixedModel: fitted again, the model gives" in str(said[1].message)


def _calls(document: Any, arrays: Any) -> None:
    document["spec"]["fields"]["weights"] = "system('true')"


def _calls_and_allows(document: Any, arrays: Any) -> None:
    _calls(document, arrays)
    document["spec"]["fields"]["allow_functions"] = ["system"]


def test_a_content_that_was_changed_runs_nothing(slopes: Any, tmp_path: Path) -> None:
    for change in (_calls, _calls_and_allows):
        with pytest.raises(pb.FormulaError, match="system"):
            pickle.loads(changed(slopes, tmp_path, change))
    function, (cls, content, *rest) = slopes.__reduce__()
    for damaged in (content[:-40], content.replace(b"arrays/", b"errays/"), b""):
        with pytest.raises(pb.ModelFileError, match=r"^a pickled LinearMixedModel: "):
            function(cls, damaged, *rest)


def test_what_cannot_be_made_again_is_refused_with_what_helps(slopes: Any, tmp_path: Path) -> None:
    data = pb.load_dataset("Dyestuff")
    small = other = pb.lmer("Yield ~ 1 + (1 | Batch)", data)
    for step in range(21):
        other = other.refit(small.simulate(seed=step).values[:, 0])
    with pytest.raises(pb.OptionError, match=r"cannot be pickled: after so many.*save_rds"):
        pickle.dumps(other)
    data.index = pd.Index([object() for _ in range(len(data))])
    with pytest.raises(pb.OptionError, match=r"index of the data.*reset_index"):
        pickle.dumps(pb.lmer("Yield ~ 1 + (1 | Batch)", data))
    rds = tmp_path / "by_r.rds"
    plain_r(REFERENCES / "saving.R")("write_fit", name="data", linear=False, path=str(rds))
    with pytest.raises(pb.OptionError, match=r"an \.rds file that R wrote.*with load_rds"):
        pickle.dumps(pb.load_rds(rds, trust=True))
    with pytest.raises(pb.SessionError, match=r"cannot be pickled; pickle the model"):
        pickle.dumps(slopes.deviance_function())


@pytest.mark.r("emmeans")
def test_tables_with_r_behind_them_become_plain_tables(slopes: Any) -> None:
    means = slopes.emmeans("Days", ddf="asymptotic")
    again = pickle.loads(pickle.dumps(means))
    assert again == means
    assert type(again) is MarginalTable
