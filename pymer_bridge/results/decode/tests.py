"""R records of tests, intervals and marginal means to results; nothing is computed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.data.columns import NA_INTEGER
from pymer_bridge.data.frames import index_at
from pymer_bridge.data.frozen_arrays import frozen_array, plain_nan
from pymer_bridge.errors import OptionError
from pymer_bridge.results import (
    bootstrap,
    checks,
    criteria,
    icc_r2,
    imputed,
    influence,
    intervals,
    means,
    tests,
)
from pymer_bridge.results.base import METHODS, Part, fields_of
from pymer_bridge.results.decode.record import (
    RRecord,
    matrix,
    named_texts,
    number,
    number_or_none,
    numbers,
    text,
    texts,
)
from pymer_bridge.results.matrix import NamedMatrix


def _columns(record: RRecord, row: type[Part]) -> Any:
    """Go through the fields of rows; a column that R does not have is None throughout."""
    n = len(record["terms"])
    columns = (numbers(record, name, n) for name in fields_of(row)[1:])
    return zip(record["terms"], *columns, strict=True)


def f_tests(record: RRecord, ddf: str, hypotheses: tuple[str, ...] = ()) -> tests.FTests:
    """Read a table of F tests: of terms, or of hypotheses in words."""
    rows = tuple(tests.FTest(*row) for row in _columns(record, tests.FTest))
    heading = texts(record, "heading")
    return tests.FTests(rows, ddf, text(record, "text"), heading=heading, hypotheses=hypotheses)


def term_tests(record: RRecord) -> tests.TermTests:
    """Read an analysis of variance or deviance."""
    rows = tuple(tests.TermTest(*row) for row in _columns(record, tests.TermTest))
    return tests.TermTests(
        rows, text(record, "test"), text(record, "text"), heading=texts(record, "heading")
    )


def t_tests(
    record: RRecord, ddf: str, conf_level: float, hypotheses: tuple[str, ...] = ()
) -> tests.TTests:
    """Read a table of t tests of hypotheses in words."""
    rows = tuple(tests.TTest(*row) for row in _columns(record, tests.TTest))
    return tests.TTests(rows, ddf, conf_level, text(record, "text"), hypotheses=hypotheses)


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def ratio_tests(record: RRecord) -> tests.LikelihoodRatioTests:
    """Read a table of likelihood ratio tests."""
    rows = tuple(
        tests.LikelihoodRatioTest(term, _whole(n_parameters), *others)
        for term, n_parameters, *others in _columns(record, tests.LikelihoodRatioTest)
    )
    return tests.LikelihoodRatioTests(rows, text(record, "text"), heading=texts(record, "heading"))


def model_comparison(record: RRecord, method: str) -> tests.ModelComparison:
    """Read the answer of ``kr_modcomp()`` or ``sat_modcomp()``."""
    return tests.ModelComparison(
        method=method,
        statistic=number(record, "statistic"),
        df1=number(record, "df1"),
        df2=number(record, "df2"),
        f_scaling=number_or_none(record, "f_scaling"),
        p_value=number(record, "p_value"),
        unscaled_statistic=number_or_none(record, "unscaled_statistic"),
        unscaled_p_value=number_or_none(record, "unscaled_p_value"),
        text=text(record, "text"),
        heading=texts(record, "heading"),
    )


def backward_elimination(record: RRecord, ddf: str) -> tests.BackwardElimination:
    """Read the answer of ``backward_step()``."""
    random = tuple(
        tests.RandomStep(term, _whole(eliminated), int(n_parameters), *others)
        for term, eliminated, n_parameters, *others in _columns(record["random"], tests.RandomStep)
    )
    fixed = tuple(
        tests.FixedStep(term, _whole(eliminated), *others)
        for term, eliminated, *others in _columns(record["fixed"], tests.FixedStep)
    )
    return tests.BackwardElimination(
        random, fixed, text(record, "formula"), text(record, "text"), heading=(METHODS[ddf],)
    )


def confidence_intervals(record: RRecord, method: str, conf_level: float) -> intervals.Intervals:
    """Read the answer of ``confidence_intervals()``."""
    n = len(record["names"])
    rows = tuple(
        intervals.Interval(name, label, low, high)
        for name, label, low, high in zip(
            record["names"],
            record["labels"],
            numbers(record, "conf_low", n),
            numbers(record, "conf_high", n),
            strict=True,
        )
    )
    return intervals.Intervals(rows, method, conf_level)


def profile(record: RRecord) -> intervals.Profile:
    """Read the answer of ``profile_points()``."""
    names = texts(record, "parameters")
    return intervals.Profile(
        parameters=names,
        labels=texts(record, "labels"),
        profiled=texts(record, "profiled"),
        zeta=frozen_array(record["zeta"]),
        focal=frozen_array(record["focal"]),
        values=matrix(record["values"], len(record["zeta"]), len(names)),
    )


def _levels(record: RRecord, n: int) -> list[dict[str, str | float]]:
    """Read the levels of predictors, row by row."""
    names = texts(record, "key_names")
    keys = [list(values) for values in record["keys"] or ()]
    return [
        {
            name: value if isinstance(value, str) else float(value)
            for name, value in zip(names, (key[i] for key in keys), strict=True)
        }
        for i in range(n)
    ]


def _by_levels(record: RRecord, row: type[Part], figures: Iterable[str]) -> dict[str, Any]:
    n = len(record["estimate"])
    columns = [numbers(record, name, n) for name in figures]
    rows = zip(_levels(record, n), *columns, strict=True)
    return {
        "rows": tuple(row(*values) for values in rows),
        "by": texts(record, "key_names"),
        "what": text(record, "estimate_name"),
        "notes": texts(record, "notes"),
        "text": text(record, "text"),
    }


def marginal_parts(record: RRecord) -> dict[str, Any]:
    """Read a table of marginal means, slopes or contrasts, as the fields of the result."""
    return _by_levels(record, means.MarginalMean, means.MarginalTable.figures)


def means_axis(record: RRecord | None, what: str) -> str:
    """Return what an axis of marginal means is called; nothing of contrasts and slopes."""
    if record is None:
        return ""
    names = named_texts(record)
    if what == "emmean":
        return names["link"]
    # A response that the formula transforms is given back by emmeans without the transformation.
    return names["response"] if names["response"] != names["link"] else ""


def marginal_tests(record: RRecord, observations: int | None) -> means.MarginalTests:
    """Read tests of marginal means, slopes or contrasts."""
    parts = _by_levels(record, means.MarginalTest, means.MarginalTests.figures)
    return means.MarginalTests(**parts, observations=observations)


def joint_tests(record: RRecord, observations: int | None) -> means.JointTests:
    """Read joint tests of terms."""
    n = len(record["terms"])
    columns = [numbers(record, name, n) for name in means.JointTests.figures]
    rows = zip(record["terms"], _levels(record, n), *columns, strict=True)
    return means.JointTests(
        tuple(means.JointTest(*row) for row in rows),
        texts(record, "key_names"),
        texts(record, "notes"),
        text(record, "text"),
        observations=observations,
    )


def intraclass_correlation(record: RRecord) -> icc_r2.IntraclassCorrelation:
    """Read the answer of ``intraclass_correlation()``."""
    return icc_r2.IntraclassCorrelation(
        number_or_none(record, "adjusted"), number_or_none(record, "unadjusted")
    )


def r_squared(record: RRecord) -> icc_r2.RSquared:
    """Read the answer of ``r_squared()``."""
    return icc_r2.RSquared(
        number_or_none(record, "marginal"), number_or_none(record, "conditional")
    )


def variance_shares(record: RRecord) -> tuple[icc_r2.RSquared, icc_r2.IntraclassCorrelation]:
    """Read the answer of ``variance_shares()``."""
    return r_squared(record), intraclass_correlation(record)


def group_shares(record: RRecord, of: str) -> icc_r2.GroupShares:
    """Read shares of variance by group."""
    names = texts(record, "groups")
    rows = zip(names, numbers(record, "shares", len(names)), strict=True)
    return icc_r2.GroupShares(tuple(icc_r2.GroupShare(*row) for row in rows), of)


def linear_r_squared(record: RRecord) -> icc_r2.LinearRSquared:
    """Read the answer of ``linear_r_squared()``."""
    return icc_r2.LinearRSquared(number(record, "r_squared"), number(record, "adjusted"))


def influence_measures(record: RRecord, index: pd.Index) -> influence.InfluenceMeasures:
    """Read the answer of ``influence_measures()``."""
    labels = index_at(index, record["rows"])
    n, names = len(labels), texts(record, "terms")
    figures = [
        numbers(record, name, n) for name in ("dffits", "cov_ratio", "cooks_distance", "hat")
    ]
    found = record["influential"]
    rows = zip(map(str, labels), *figures, (bool(value == 1) for value in found), strict=True)
    dfbetas = matrix(record["dfbetas"], n, len(names))
    return influence.InfluenceMeasures(
        tuple(influence.InfluenceMeasure(*row) for row in rows),
        NamedMatrix(dfbetas, names, tuple(map(str, labels)), labels),
    )


def bootstrap_test(record: RRecord, **known: Any) -> bootstrap.BootstrapTest:
    """Read the answer of ``ratio_tests_of()``; ``known`` are the fields that Python has."""
    rows = tuple(
        bootstrap.BootstrapTestRow(*row) for row in _columns(record, bootstrap.BootstrapTestRow)
    )
    return bootstrap.BootstrapTest(
        rows=rows,
        lrt=number(record, "lrt"),
        p_value=number(record, "p_bootstrap"),
        n_usable=int(record["n_usable"][0]),
        heading=texts(record, "heading"),
        **known,
    )


def arrows(record: RRecord, estimates: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Read the ends of comparison arrows; NaN where there is none.

    Raises
    ------
    OptionError
        They start at other estimates than these.
    """
    if not np.array_equal(record["estimate"], estimates, equal_nan=True):
        raise OptionError(
            "comparisons=True: emmeans starts its arrows at other estimates than these, which are "
            "adjusted for bias, or transformed back in one of two steps"
        )
    return tuple(plain_nan(record[n]) for n in ("low", "high"))


def inflation_factors(record: RRecord) -> checks.InflationFactors:
    """Read the answer of ``inflation_factors()``."""
    columns = (record[name].tolist() for name in ("factor", "df", "adjusted"))
    rows = zip(texts(record, "terms"), *columns, strict=True)
    return checks.InflationFactors(tuple(checks.InflationFactor(*row) for row in rows))


def model_checks(record: RRecord) -> checks.Checks:
    """Read the answer of ``check_model()``."""
    n = len(texts(record, "check"))
    figures = (numbers(record, name, n) for name in ("statistic", "df", "p_value"))
    rows = zip(
        texts(record, "check"), texts(record, "what"), *figures, texts(record, "said"), strict=True
    )
    reasons = zip(texts(record, "left_out"), texts(record, "reasons"), strict=True)
    return checks.Checks(tuple(checks.Check(*row) for row in rows), dict(reasons))


def pooled_effects(record: RRecord, n: int, conf_level: float) -> imputed.PooledEffects:
    """Read the answer of ``pool_models()``."""
    columns = (record[name].tolist() for name in fields_of(imputed.PooledEffect)[1:])
    rows = zip(texts(record, "terms"), *columns, strict=True)
    means = zip(texts(record, "parameters"), record["values"].tolist(), strict=True)
    return imputed.PooledEffects(
        tuple(imputed.PooledEffect(*row) for row in rows),
        tuple(imputed.PooledParameter(*row) for row in means),
        n_imputations=n,
        df_complete=number(record, "df_complete"),
        conf_level=conf_level,
    )


def compared_models(record: RRecord) -> criteria.ComparedModels:
    """Read the answer of ``compare_criteria()``."""
    logical = ("singular", "converged")
    names = [name for name in fields_of(criteria.ModelCriteria)[1:] if name not in logical]
    n = len(record["terms"])
    ended = ([None if v == NA_INTEGER else bool(v) for v in record[name]] for name in logical)
    rows = zip(record["terms"], *(numbers(record, name, n) for name in names), *ended, strict=True)
    return criteria.ComparedModels(
        tuple(criteria.ModelCriteria(name, int(k), *others) for name, k, *others in rows),
        bool(record["reml"][0] == 1),
    )
