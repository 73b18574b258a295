"""Influence against plain R, in the same process and to the last bit."""

from __future__ import annotations

import json
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.live import assert_same_bits
from helpers.probing import plain_r
from pymer_bridge.errors import (
    BootstrapInterrupted,
    BootstrapWarning,
    CheckpointError,
    OptionError,
    PymerWarning,
    RWarning,
)
from pymer_bridge.replicates import parallel
from pymer_bridge.results.influence import Influence
from pymer_bridge.session.r_session import session

pytestmark = [pytest.mark.r, pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning")]

REFERENCE = REFERENCES / "influence.R"


@pytest.fixture(scope="module")
def plain() -> Any:
    """Return a function that calls plain R."""
    return plain_r(REFERENCE)


def _few() -> pd.DataFrame:
    data = pb.load_dataset("sleepstudy")
    kept = data[data["Subject"].isin(["308", "309", "310", "330"])].reset_index(drop=True)
    kept["Subject"] = kept["Subject"].cat.remove_unused_categories()
    return kept


def _gaps() -> pd.DataFrame:
    data = _few()
    data.loc[[2, 29], "Reaction"] = np.nan
    data.loc[6, "Days"] = np.nan
    data.index = pd.Index([f"row {i}" for i in range(1, len(data) + 1)])
    return data


@cache
def _fit(name: str) -> pb.LinearMixedModel:
    slopes = "Reaction ~ Days + (Days | Subject)"
    intercepts = "Reaction ~ Days + (1 | Subject)"
    weighted: dict[str, Any] = {"weights": "1 / (1 + Days)", "offset": "Days"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PymerWarning)
        match name:
            case "slopes":
                # A name that influence() uses itself.
                return pb.lmer(slopes, pb.load_dataset("sleepstudy"), data_name="data")
            case "slopes_ml":
                return pb.lmer(slopes, pb.load_dataset("sleepstudy"), reml=False)
            case "crossed":
                formula = "diameter ~ 1 + (1 | plate) + (1 | sample)"
                return pb.lmer(formula, pb.load_dataset("Penicillin"))
            case "nested":
                return pb.lmer("strength ~ 1 + (1 | batch / cask)", pb.load_dataset("Pastes"))
            case "singular":
                return pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff2"))
            case "weighted":
                return pb.lmer(intercepts, _few(), reml=False, **weighted)
            case "controlled":
                return pb.lmer(slopes, _few(), reml=False, control=pb.lmer_control("bobyqa"))
            case "excluded":
                weights = 1 / (1 + _gaps()["Days"].to_numpy())
                return pb.lmer(
                    intercepts, _gaps(), na_action="exclude", weights=weights, offset="Days"
                )
            case "chosen":
                return pb.lmer(intercepts, _few(), subset="Days > 1")
    raise KeyError(name)


def _same(ours: Any, theirs: Any, what: str) -> None:
    ours, theirs = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    assert ours.shape == theirs.shape, what
    assert np.array_equal(ours, theirs, equal_nan=True), (what, np.abs(ours - theirs).max())


MATRICES = ("fixed_effects", "variances", "dfbeta", "dfbetas", "dfbeta_variances")


def _assert_same(ours: Influence, theirs: dict[str, Any]) -> None:
    assert ours.fixed_effects.names == theirs["fixed_names"]
    assert ours.variances.names == theirs["variance_names"]
    _same(ours.observed_variances, theirs["observed_variances"], "observed")
    for name in MATRICES:
        found = getattr(ours, name).values.ravel(order="F")
        _same(found, theirs["fixed" if name == "fixed_effects" else name], name)
    _same(ours.cooks_distance, theirs["cooks_distance"], "cooks_distance")
    for name in ("mdffits", "cov_trace", "cov_ratio"):
        _same(ours.measured(name), theirs[name], name)
    cuts = [end for each in ours.cut_offs for end in (each.low, each.high) if end is not None]
    assert_same_bits(cuts, theirs["cut_offs"])
    _same([row.converged for row in ours.rows], theirs["converged"], "converged")
    _same([row.evaluations for row in ours.rows], theirs["evaluations"], "evaluations")
    assert all(row.error is None for row in ours.rows)


CASES = [
    ("slopes", "Subject", "Subject"), ("slopes_ml", "Subject", "Subject"),
    ("crossed", "plate", "plate"), ("crossed", "sample", "sample"), ("nested", "batch", "batch"),
    # In R the interaction has to be a column; here it is one.
    ("nested", "cask:batch", "sample"), ("singular", "Batch", "Batch"),
    ("weighted", "Subject", "Subject"), ("weighted", "Days", "Days"), ("weighted", None, None),
    ("controlled", "Subject", "Subject"), ("excluded", "Subject", "Subject"),
    ("excluded", "observation", None), ("chosen", "Subject", "Subject"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "by", "groups"), CASES)
def test_figures_are_those_of_rs_influence(
    plain: Any, name: str, by: str | None, groups: str | None
) -> None:
    ours = _fit(name).influence(by)
    theirs = plain("influence_of", name=name, groups=groups)
    _assert_same(ours, theirs)
    assert ours.by == (by or "observation")
    if groups is not None and by == groups:
        assert tuple(row.level for row in ours.rows) == theirs["levels"]
    if name == "excluded" and groups is None:
        assert [row.level for row in ours.rows] == list(_gaps().index)


def test_the_limit_of_evaluations_is_rs(plain: Any) -> None:
    ours = _fit("slopes").influence("Subject", max_evaluations=15)
    _assert_same(ours, plain("influence_of", name="slopes", groups="Subject", max_evaluations=15))


def test_generalized_models_are_refitted_alike(plain: Any) -> None:
    model = session().call("new_model", **plain("parts_of", name="binomial")).value
    plan = {"task": "influence", "by": "herd", "max_evaluations": 1000.0}
    described = session().call("describe_influence", model=model, by="herd").value
    n, p = len(described["levels"]), len(described["fixed_names"])
    q = len(described["variance_names"])
    task = session().call("prepare_task", models=[model], plan=plan).value
    n_values = p + q + p * p + 1
    draws = [np.array([i], dtype=np.int32) for i in range(1, n + 1)]
    record = session().call("run_replicates", task=task, draws=draws, n_values=n_values).value
    values = record["values"].reshape((n, n_values))
    theirs = plain("influence_of", name="binomial", groups="herd")
    _same(values[:, :p].ravel(order="F"), theirs["fixed"], "fixed")
    _same(values[:, p : p + q].ravel(order="F"), theirs["variances"], "variances")
    _same(values[:, p + q : -1].ravel(order="F"), theirs["covariances"], "covariances")
    _same(record["converged"], theirs["converged"], "converged")
    figures = (
        session()
        .call(
            "influence_figures",
            model=model,
            by="herd",
            levels=described["levels"],
            values=np.asfortranarray(values),
            converged=record["converged"] == 1,
        )
        .value
    )
    for name in ("mdffits", "cov_trace", "cov_ratio"):
        _same(figures[name], theirs[name], name)
    for name in ("cooks_distance", "dfbeta", "dfbetas", "dfbeta_variances"):
        _same(figures[name], theirs[name], name)


# -- how a run is done -------------------------------------------------------------------------


def test_workers_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = _fit("slopes").influence("Subject")
    monkeypatch.setattr(parallel, "START_SECONDS", 0.0)
    monkeypatch.setattr(parallel, "CHUNK_SECONDS", 0.02)
    shared = _fit("slopes").influence("Subject", n_jobs=3)
    for name in MATRICES:
        assert getattr(shared, name) == getattr(alone, name)
    assert shared.rows == alone.rows


def test_a_run_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    fit, file = _fit("slopes"), tmp_path / "influence"

    def stop(done: int, total: int) -> None:
        assert total == 18
        if done >= 3:
            raise KeyboardInterrupt

    with pytest.raises(BootstrapInterrupted) as raised:
        fit.influence("Subject", progress=stop, checkpoint=file)
    partial = raised.value.partial
    assert isinstance(partial, Influence)
    done = [row for row in partial.rows if row.error is None]
    assert 3 <= len(done) < 18
    seen: list[int] = []
    whole = fit.influence("Subject", checkpoint=file, progress=lambda n, _: seen.append(n))
    assert seen[0] > 3
    assert whole.rows == fit.influence("Subject").rows
    assert partial.rows[: len(done)] == whole.rows[: len(done)]
    with pytest.raises(CheckpointError):
        fit.influence("Days", checkpoint=file)


def test_a_refit_that_fails_is_told_and_the_others_stay() -> None:
    data = _few()
    # Without subject 330 there is no second kind, and no such effect.
    data["kind"] = np.where(data["Subject"] == "330", "b", "a")
    fit = pb.lmer("Reaction ~ Days + kind + (1 | Subject)", data)
    with pytest.warns(BootstrapWarning, match="1 of 4 refits failed"):
        found = fit.influence("Subject")
    assert found["330"].error is not None
    assert found["330"].cooks_distance is None
    assert found["308"].cooks_distance is not None
    assert np.isnan(found.dfbetas["330", "Days"])
    assert any("refits failed" in text for text in found.warnings)
    assert "failed" in str(found)
    assert "Not refitted: '330'" in str(found)
    assert (found["330"].mdffits, found["330"].cov_ratio) == (None, None)
    assert found.dropped()[-1].level == "330"
    assert found.plot("mdffits").get_title() == "1 refits failed: 330"


def test_a_subset_is_told_to_be_dropped() -> None:
    with pytest.warns(RWarning, match="own subset is not kept"):
        found = _fit("chosen").influence("Subject")
    assert any("own subset" in text for text in found.warnings)


def test_rows_without_a_group_stay_in_every_refit() -> None:
    data = _few()
    data["Subject"] = data["Subject"].astype(object)
    data.loc[0, "Subject"] = None
    fit = pb.lmer("Reaction ~ Days + (1 | Subject)", data)
    assert [row.level for row in fit.influence("Subject").rows] == ["308", "309", "310", "330"]


def test_what_was_dropped_is_ordered_by_influence() -> None:
    found = _fit("slopes").influence("Subject")
    cooks = found.cooks_distance.sort_values(ascending=False)
    assert [row.level for row in found.dropped()] == list(cooks.index)
    ratios = [row.cov_ratio for row in found.dropped("cov_ratio")]
    assert [max(ratio, 1 / ratio) for ratio in ratios] == sorted(
        (max(ratio, 1 / ratio) for ratio in ratios), reverse=True
    )
    cut = found.cut_off("cov_ratio")
    assert cut is not None
    ax = found.plot("cov_ratio")
    drawn = [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == "--"]
    assert sorted(drawn) == [cut.low, cut.high]
    assert ax.get_xlabel() == "COVRATIO"
    with pytest.raises(OptionError, match="measure='dffits'"):
        found.plot("dffits")


# -- the result --------------------------------------------------------------------------------


def test_it_comes_back_from_json_and_shows_itself() -> None:
    found = _fit("weighted").influence("Subject")
    back = Influence.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))
    assert back == found
    frame = back.to_frame()
    assert list(frame.columns) == [
        "level",
        "cooks_distance",
        "converged",
        "singular",
        "evaluations",
        "mdffits",
        "cov_trace",
        "cov_ratio",
        "(Intercept)",
        "Days",
        "sigma^2",
        "v[(Intercept)]",
        "dfbeta_(Intercept)",
        "dfbeta_Days",
        "dfbetas_(Intercept)",
        "dfbetas_Days",
    ]
    assert list(frame["cooks_distance"]) == list(found.cooks_distance)
    assert found["309"].cooks_distance == found.cooks_distance["309"]
    assert found.dfbeta["309", "Days"] == frame["dfbeta_Days"][1]
    assert str(found).startswith("Influence of each level of Subject, 40 observations\n")
    for text in (found._repr_html_(), found.to_markdown(), found.to_latex()):
        assert "309" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"by": "plot"}, "'observation', 'Subject', 'Reaction', 'Days'"),
        ({"by": ".case"}, "not in the model"),
        ({"max_evaluations": 0}, "at least 1"),
        ({"n_jobs": 0}, "n_jobs=0"),
    ],
)
def test_wrong_use_is_answered_plainly(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        _fit("weighted").influence(**arguments)


def test_what_influence_is_measured_from_is_the_fits(single_figures: dict[str, Any]) -> None:
    found = _fit("slopes").influence("Subject")
    assert_same_bits(
        [*found.observed_fixed_effects, *found.observed_variances], single_figures["influence"]
    )
    assert_same_bits([row.singular for row in found.rows], single_figures["influence singular"])


def test_a_model_without_fixed_effects_has_empty_tables(single_figures: dict[str, Any]) -> None:
    fit = pb.lmer("Reaction ~ 0 + (1 | Subject)", pb.load_dataset("sleepstudy"))
    found = fit.influence("Subject")
    assert [row.cooks_distance for row in found.rows] == [None] * 18
    assert found.dfbetas.values.shape == found.fixed_effects.values.shape == (18, 0)
    assert_same_bits(found.variances.values.ravel(order="F"), single_figures["influence of none"])
    for ddf in ("satterthwaite", "kenward-roger"):
        assert not fit.fixed_effects(ddf).rows
        assert not fit.anova(ddf=ddf).rows
        assert "Fixed effects:" not in fit.summary(ddf).text
    with pytest.raises(pb.RError, match="the model has no fixed effects"):
        fit.bootstrap("parametric", 2, 1, "fixed_effects")
