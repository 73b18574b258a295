"""Models without random effects, and separate fits of groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers.live import assert_same_bits

pytestmark = pytest.mark.r("pbkrtest")

TESTS = ("statistic", "p_value", "conf_low", "conf_high")


@pytest.fixture(scope="module")
def sleepstudy() -> pd.DataFrame:
    return pb.load_dataset("sleepstudy")


def test_models_in_one_line_and_in_two_tables(sleepstudy):
    plain = pb.lm("Reaction ~ Days", sleepstudy)
    assert repr(plain) == "<LinearModel 'Reaction ~ Days', 180 observations>"
    again = plain.update("~ . + I(Days^2)")
    assert [row.term for row in again.fixed_effects()] == ["(Intercept)", "Days", "I(Days^2)"]
    each = pb.lm_list("Reaction ~ Days | Subject", sleepstudy)
    assert repr(each) == "<LinearModelList 'Reaction ~ Days | Subject', 18 groups>"
    assert str(each) == f"{each.heading}\n\n{each.coefficients()}"
    assert each.heading.splitlines()[0] == "Linear models, one a level of Subject"


@pytest.mark.parametrize("name", ["line", "counts"])
def test_models_without_groups_are_lms_and_glms(
    single_figures: dict[str, Any], sleepstudy: pd.DataFrame, name: str
) -> None:
    fit: Any
    if name == "line":
        fit = pb.lm("Reaction ~ poly(Days, 2)", sleepstudy, weights="1 / (1 + Days)")
    else:
        fit = pb.glm("TICKS ~ YEAR + HEIGHT", pb.load_dataset("grouseticks"), family="poisson")
    rows = fit.fixed_effects(conf_level=0.9).rows
    assert (rows[0].df is None) == (name == "counts")
    names = ("estimate", "std_error", *(("df",) if name == "line" else ()), *TESTS)
    assert_same_bits(
        [getattr(row, each) for each in names for row in rows], single_figures[f"{name} effects"]
    )
    found = fit.fit_statistics
    statistics = ("log_likelihood", "deviance", "aic", "bic", "df", "df_residual", "n_obs")
    assert_same_bits(
        [*(getattr(found, each) for each in statistics), fit.sigma],
        single_figures[f"{name} statistics"],
    )
    assert found.reml_criterion is None
    kinds = ("response", "pearson", "deviance", "working")
    columns = [fit.fitted, *(fit.residuals(kind) for kind in kinds)]
    assert_same_bits(np.concatenate(columns), single_figures[f"{name} rows"])
    matrices = [fit.vcov.values, fit.model_matrix.values]
    assert_same_bits(
        np.concatenate([m.ravel(order="F") for m in matrices]), single_figures[f"{name} matrices"]
    )
    # The call shows the names that the data and the weights have here.
    ours, theirs = str(fit.summary()).split("\n"), single_figures[f"{name} summary"]
    start = theirs.index("Coefficients:")
    assert ours[-len(theirs[start:]) :] == list(theirs[start:])


def test_separate_fits_have_rs_pooled_deviation(
    single_figures: dict[str, Any], sleepstudy: pd.DataFrame
) -> None:
    fits = pb.lm_list("Reaction ~ Days | Subject", sleepstudy)
    assert_same_bits([fits.sigma, fits.n_obs], single_figures["apart"])
