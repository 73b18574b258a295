"""Robust standard errors and tests are clubSandwich's and sandwich's, to the last bit."""

from __future__ import annotations

import pickle
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.live import assert_same_bits
from helpers.probing import plain_r
from helpers.refusal import refused
from helpers.trusted import cakes, fitted, gaps
from pymer_bridge.errors import OptionError, RError
from pymer_bridge.results.fixed_effects import FixedEffects
from pymer_bridge.session.r_session import session

pytestmark = [
    pytest.mark.r("lmerTest"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning"),
]
needs_clubs = pytest.mark.carried("clubSandwich")
COLUMNS = ("estimate", "std_error", "statistic", "p_value", "df", "conf_low", "conf_high")
TESTS = {
    "satterthwaite": "Satterthwaite",
    "naive-t": "naive-t",
    "naive-tp": "naive-tp",
    "normal": "z",
    "saddlepoint": "saddlepoint",
}
MIXED = ["slopes", "nested", "terms", "gaps", "excluded", "singular"]
PLAIN = ["line", "line_excluded", "weighted", "aliased", "odds"]


@pytest.fixture(scope="module")
def plain() -> Any:
    session().require("lme4")
    return plain_r(REFERENCES / "trust.R")


def clusters(name: str) -> Any:
    if "line" in name:
        return gaps()["Subject"]
    return cakes()["replicate"]


@cache
def robust(name: str) -> Any:
    """Return a model's fixed effects with standard errors of the default kind."""
    return fitted(name).robust(None if name in MIXED else clusters(name))


def assert_same(found: Any, theirs: Any) -> None:
    assert [row.term for row in found] == list(theirs["terms"])
    for column in COLUMNS:
        values = [getattr(row, column) for row in found]
        if theirs[column] is None:
            assert values == [None] * len(values), column
        else:
            assert_same_bits(values, theirs[column])
    assert_same_bits(found.vcov.values.ravel(order="F"), theirs["covariance"])


@needs_clubs
@pytest.mark.parametrize("kind", ["CR0", "CR1", "CR1p", "CR1S", "CR2", "CR3"])
@pytest.mark.parametrize("name", [*MIXED, *PLAIN])
def test_each_kind_is_clubsandwichs(name: str, kind: Any, plain: Any) -> None:
    given = None if name in MIXED else clusters(name)
    found = fitted(name).robust(given, kind, conf_level=0.9)
    theirs = plain("clustered", name=name, kind=kind, test="Satterthwaite", conf_level=0.9)
    assert_same(found, theirs)
    assert found.kind == kind
    assert found.std_errors is not None
    assert found.std_errors.startswith(f"{kind}, {found.n_clusters} clusters")


@needs_clubs
@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("name", ["slopes", "terms", "gaps", "line", "odds"])
def test_each_test_is_clubsandwichs(name: str, test: Any, plain: Any) -> None:
    given = None if name in MIXED else clusters(name)
    found = fitted(name).robust(given, test=test)
    theirs = plain("clustered", name=name, kind="CR2", test=TESTS[test], conf_level=0.95)
    assert_same(found, theirs)


@pytest.mark.carried("sandwich")
@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3", "HC4", "HC4m", "HC5"])
@pytest.mark.parametrize("name", PLAIN)
def test_without_clusters_they_are_sandwichs(name: str, kind: Any, plain: Any) -> None:
    found = fitted(name).robust(kind=kind)
    assert_same(found, plain("consistent", name=name, kind=kind, conf_level=0.95))
    assert (found.n_clusters, found.kind) == (None, kind)


@needs_clubs
def test_clusters_are_a_name_or_a_column_by_its_labels(plain: Any) -> None:
    fit, data = fitted("gaps"), gaps()
    usual = fit.robust()
    mixed = data["Subject"].sample(frac=1, random_state=1)
    for given in ("Subject", "`Subject`", data["Subject"], mixed, data["Subject"].to_numpy()):
        assert_same_bits(fit.robust(given).vcov.values.ravel(), usual.vcov.values.ravel())
    line = fitted("line").robust(mixed)
    theirs = plain("clustered", name="line", kind="CR2", test="Satterthwaite", conf_level=0.95)
    assert_same(line, theirs)


@needs_clubs
@pytest.mark.parametrize("test", ["chi-sq", "HTZ", "HTA", "HTB", "EDF", "EDT", "Naive-F"])
def test_joint_tests_are_clubsandwichs(test: Any, plain: Any) -> None:
    for name, asked, positions in (
        ("terms", "recipe", [2, 3]),
        ("terms", None, [2, 3, 4, 5, 6]),
        ("terms", ["recipeB", "temp"], [2, 4]),
        ("terms", "recipe:temp", [5, 6]),
        ("weighted", ["temp", "recipe"], [2, 3, 4]),
        ("gaps", "Days", [2]),
    ):
        row = robust(name).wald_test(asked, test).rows[0]
        theirs = plain(
            "joint", name=name, kind="CR2", positions=np.array(positions, np.int32), test=test
        )
        assert_same_bits(
            [row.statistic, row.df1, row.df2, row.p_value],
            [theirs[n][0] for n in ("statistic", "df1", "df2", "p_value")],
        )


@needs_clubs
def test_it_goes_where_fixed_effects_go() -> None:
    fit = fitted("slopes")
    robust = fit.robust()
    table = pb.model_table(fit, robust, beneath="interval", icc=False)
    low = robust["Days"].conf_low
    assert f"[{low:.2f}," in str(table)
    assert "(2): standard errors CR2, 18 clusters." in str(table)
    line = robust.report("Days", interval=True)
    assert line == ("b = 10.47, SE = 1.55, 95% CI [7.21, 13.73], t(17.00) = 6.77, p < .001")
    assert "Fixed effects (CR2, 18 clusters; Satterthwaite's method)" in robust.report()
    ax = pb.plots.coefficients({"model": fit, "robust": robust})
    assert ax.get_legend() is not None
    again = pickle.loads(pickle.dumps(robust))
    assert again == robust
    assert robust == FixedEffects.from_dict(robust.to_dict())
    assert "robust standard errors (CR2, 18 clusters)" in str(robust)


@needs_clubs
def test_what_cannot_be_is_said() -> None:
    fit, line = fitted("slopes"), fitted("line")
    assert "give the column itself, as of data[...]" in refused(line.robust, "Subject")
    assert refused(line.robust, kind="CR2") == "kind='CR2' needs cluster=, the name of a column"
    assert "with them choose CR0 to CR3" in refused(fit.robust, kind="HC3")
    assert "choose one of" in refused(fit.robust, test="residual")
    assert "neither a coefficient nor a term" in refused(fit.robust().wald_test, "Day")
    assert "needs clusters" in refused(line.robust().wald_test)
    assert "another index" in refused(line.robust, gaps()["Subject"].iloc[:5])
    assert "178 values" in refused(line.robust, gaps()["Subject"].to_numpy()[:178])
    saddle = fit.robust(test="saddlepoint")
    assert "no intervals" in refused(pb.model_table, saddle, beneath="interval")
    with pytest.raises(RError, match="Non-nested"):
        fitted("crossed").robust()
    missing = gaps()["Subject"].astype(object)
    missing.iloc[7] = None
    with pytest.raises(RError, match="lacks values in rows"):
        line.robust(missing)
    missing = pd.Series(missing, dtype=object)
    missing.iloc[[2, 7]] = [None, "308"]  # a row that the model does not use may lack one
    assert line.robust(missing).n_clusters == 18
    with pytest.raises(OptionError, match="kind="):
        fit.robust(kind="CR9")
