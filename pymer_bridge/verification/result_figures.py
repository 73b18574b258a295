"""The figures of tests, intervals, bootstraps and predictions, with keys as those of a fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.models.robust_effects import RobustEffects
from pymer_bridge.results import (
    all_fit,
    bootstrap,
    checks,
    criteria,
    fixed_effects,
    groups,
    icc_r2,
    imputed,
    influence,
    internals,
    intervals,
    lm_list,
    matrix,
    means,
    power,
    prediction,
    tests,
)
from pymer_bridge.results.base import fields_of
from pymer_bridge.results.figures import Figure
from pymer_bridge.verification.figures import TESTS, of_rows

_NAMES_OF_PARAMETERS: Final = ("fixed_effects", "parameters", "variance_components")


def _figure(family: str, quantity: str, value: Any, term: str = "", level: str = "") -> Figure:
    return Figure(family, "", level, term, quantity, value)


def _comparison(result: tests.ModelComparison) -> Iterator[Figure]:
    names = "statistic df1 df2 f_scaling p_value unscaled_statistic unscaled_p_value"
    for name in names.split():
        yield _figure("comparison", name, getattr(result, name))


def _elimination(result: tests.BackwardElimination) -> Iterator[Figure]:
    for family, rows in (("random_step", result.random), ("fixed_step", result.fixed)):
        for row in rows:
            yield from of_rows(family, [row], [name for name in row.__slots__ if name != "term"])


def _bootstrap(result: bootstrap.BootstrapResult) -> Iterator[Figure]:
    readable = result.statistic in _NAMES_OF_PARAMETERS
    names = [row.label if readable else row.name for row in result.rows]
    for row, name in zip(result.rows, names, strict=True):
        yield _figure("bootstrap", "estimate", row.estimate, name)
    for iteration, values in zip(result.iterations.tolist(), result.replicates, strict=True):
        for name, value in zip(names, values.tolist(), strict=True):
            yield _figure("replicate", "value", value, name, str(iteration))


def _bootstrap_test(result: bootstrap.BootstrapTest) -> Iterator[Figure]:
    yield from of_rows("bootstrap_test", result.rows, ("statistic", "df", "df2", "p_value"))
    for i, ratio in enumerate(result.likelihood_ratios.tolist()):
        yield _figure("likelihood_ratio", "value", ratio, level=str(i + 1))


def short_hexadecimal(value: float) -> str:
    """Write a number as C's ``%a`` does: without zeros at the end."""
    mantissa, power, exponent = float(value).hex().partition("p")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return mantissa + power + exponent


def _level_text(levels: Mapping[str, str | float]) -> str:
    return ";".join(
        f"{name}={value if isinstance(value, str) else short_hexadecimal(value)}"
        for name, value in levels.items()
    )


def _means(result: means.MarginalTable | means.MarginalTests) -> Iterator[Figure]:
    family = "mean" if isinstance(result, means.MarginalTable) else "mean_test"
    for row in result.rows:
        for quantity in result.figures:
            yield _figure(family, quantity, getattr(row, quantity), _level_text(row.levels))


def _joint_tests(result: means.JointTests) -> Iterator[Figure]:
    for row in result.rows:
        for quantity in result.figures:
            value = getattr(row, quantity)
            yield _figure("joint_test", quantity, value, row.term, _level_text(row.levels))


def _profile(result: intervals.Profile) -> Iterator[Figure]:
    counts: Counter[str] = Counter()
    points = zip(result.profiled, result.zeta.tolist(), result.focal.tolist(), strict=True)
    for name, zeta, focal in points:
        counts[name] += 1
        yield _figure("profile", "zeta", zeta, name, str(counts[name]))
        yield _figure("profile", "focal", focal, name, str(counts[name]))


def _predictions(result: prediction.Predictions) -> Iterator[Figure]:
    for name in ("values", "std_error", "conf_low", "conf_high"):
        quantity = "estimate" if name == "values" else name
        values = getattr(result, name)
        for i, value in enumerate(() if values is None else values.tolist()):
            yield _figure("prediction", quantity, value, level=str(i + 1))


def _simulations(result: prediction.Simulations) -> Iterator[Figure]:
    for quantity, table in (("value", result.values), ("failures", result.failures)):
        for name, column in zip(result.names, () if table is None else table.T, strict=False):
            for i, value in enumerate(column.tolist()):
                yield _figure("simulation", quantity, value, name, str(i + 1))


def _robust(result: fixed_effects.FixedEffects[Any]) -> Iterator[Figure]:
    tested = [name for name in TESTS if name != "df" or result.ddf != "normal"]
    yield from of_rows("robust_effect", result.rows, tested)


def _over_rows(result: pd.Series[float]) -> Iterator[Figure]:
    for i, value in enumerate(result.tolist()):
        yield _figure("observation", str(result.name), value, level=str(i + 1))


def _by_place(
    family: str, quantity: str, values: NDArray[Any], names: Sequence[str] | None = None
) -> Iterator[Figure]:
    for i, row in enumerate(values.tolist()):
        for j, value in enumerate(row):
            term = str(j + 1) if names is None else names[j]
            yield _figure(family, quantity, value, term, str(i + 1))


def _matrix(result: matrix.NamedMatrix) -> Iterator[Figure]:
    yield from _by_place("matrix", "value", result.values, result.names)


def _measures(result: influence.InfluenceMeasures) -> Iterator[Figure]:
    for i, row in enumerate(result.rows):
        for name in ("dffits", "cov_ratio", "cooks_distance", "hat", "influential"):
            yield _figure("influence_measure", name, getattr(row, name), level=str(i + 1))
    yield from _by_place("influence_measure", "dfbetas", result.dfbetas.values)


def _influence(result: influence.Influence) -> Iterator[Figure]:
    names = "cooks_distance mdffits cov_trace cov_ratio evaluations converged"
    for i, row in enumerate(result.rows):
        for name in names.split():
            yield _figure("influence", name, getattr(row, name), level=str(i + 1))
    tables = "fixed_effects variances dfbeta dfbetas dfbeta_variances"
    for name in tables.split():
        table = getattr(result, name)
        yield from _by_place("influence", name, table.values, table.names)


def _components(result: internals.PrincipalComponents) -> Iterator[Figure]:
    for row in result.rows:
        for name in ("std_dev", "proportion", "cumulative"):
            yield Figure("component", row.group, str(row.component), "", name, getattr(row, name))
    for rotation in result.rotations:
        for figure in _by_place("rotation", "value", rotation.matrix.values):
            yield replace(figure, group=rotation.group)


def _shares(result: Any) -> Iterator[Figure]:
    for name in ("adjusted", "unadjusted", "marginal", "conditional", "r_squared"):
        for part in (name, f"{name}_conf_low", f"{name}_conf_high"):
            if hasattr(result, part):
                yield _figure("share", part, getattr(result, part))


def _group_shares(result: icc_r2.GroupShares) -> Iterator[Figure]:
    for row in result.rows:
        yield Figure("share", row.group, "", "", "share", row.share)


def _checks(result: checks.Checks) -> Iterator[Figure]:
    for row in result.rows:
        for name in ("statistic", "df", "p_value"):
            yield Figure("check", row.check, "", row.what, name, getattr(row, name))


def _all_fit(result: all_fit.AllFit) -> Iterator[Figure]:
    for row in result.rows:
        for name in ("log_likelihood", "evaluations", "singular"):
            yield _figure("optimizer", name, getattr(row, name), level=row.optimizer)
        for name in ("fixed_effects", "sdcor", "theta"):
            for i, value in enumerate((getattr(row, name) or {}).values()):
                yield _figure("optimizer", name, value, str(i + 1), row.optimizer)


_CRITERIA: Final = (
    *("n_parameters", "log_likelihood", "aic", "aicc", "bic", "aic_difference", "aicc_difference"),
    *("bic_difference", "aic_weight", "aicc_weight", "bic_weight", "rmse"),
)


def _criteria(result: criteria.ComparedModels) -> Iterator[Figure]:
    for row in result.rows:
        for name in _CRITERIA:
            yield _figure("criterion", name, getattr(row, name), row.name)


_COUNTED: Final = (
    *("power", "conf_low", "conf_high", "n_rejected", "n_rejected_singular"),
    *("n_rejected_not_converged", "true_value", "estimate", "bias", "type_s", "type_m", "coverage"),
)


def _power(result: power.Power) -> Iterator[Figure]:
    for row in result.rows:
        for name in _COUNTED:
            yield _figure("power", name, getattr(row, name), row.test)
    names = [row.test for row in result.rows]
    for name in ("estimates", "std_errors", "df", "statistics", "p_values"):
        yield from _by_place("power_replicate", name, getattr(result, name), names)
    for name in ("singular", "converged"):
        for i, value in enumerate(getattr(result, name).tolist()):
            yield _figure("power_replicate", name, value, level=str(i + 1))


def _pooled(result: imputed.PooledEffects) -> Iterator[Figure]:
    names = [name for name in fields_of(imputed.PooledEffect) if name != "term"]
    yield from of_rows("pooled_effect", result.rows, names)
    for row in result.parameters:
        yield _figure("pooled_parameter", "estimate", row.estimate, row.label)


_ENDS: Final = ("conf_low", "conf_high")
_ROWS: Final[Mapping[type[Any], tuple[str, Sequence[str]]]] = {
    fixed_effects.FixedEffects: ("fixed_effect", TESTS),
    lm_list.SeparateEffects: ("separate_effect", _ENDS),
    tests.FTests: ("f_test", tests.FTests.shown[1:]),
    # The table of R does not have the degrees of freedom of the denominator.
    tests.TermTests: ("term_test", [name for name in tests.TermTests.shown[1:] if name != "df2"]),
    tests.TTests: ("t_test", TESTS),
    groups.GroupCoefficients: ("group_coefficient", ("estimate",)),
    checks.InflationFactors: ("inflation_factor", ("factor", "df", "adjusted")),
    tests.LikelihoodRatioTests: ("ratio_test", tests.LikelihoodRatioTests.shown[1:]),
    intervals.Intervals: ("interval", _ENDS),
}
"""Results that are rows, each of one term: the family of their figures, and which these are."""
_READERS: Final[Mapping[type[Any], Callable[[Any], Iterator[Figure]]]] = {
    tests.ModelComparison: _comparison,
    tests.BackwardElimination: _elimination,
    intervals.Profile: _profile,
    prediction.Predictions: _predictions,
    prediction.Simulations: _simulations,
    RobustEffects: _robust,
    means.MarginalTable: _means,
    means.MarginalTests: _means,
    means.JointTests: _joint_tests,
    bootstrap.BootstrapResult: _bootstrap,
    bootstrap.BootstrapTest: _bootstrap_test,
    pd.Series: _over_rows,
    matrix.NamedMatrix: _matrix,
    influence.InfluenceMeasures: _measures,
    influence.Influence: _influence,
    internals.PrincipalComponents: _components,
    icc_r2.IntraclassCorrelation: _shares,
    icc_r2.RSquared: _shares,
    icc_r2.LinearRSquared: _shares,
    icc_r2.GroupShares: _group_shares,
    all_fit.AllFit: _all_fit,
    checks.Checks: _checks,
    criteria.ComparedModels: _criteria,
    imputed.PooledEffects: _pooled,
    power.Power: _power,
}


def figures_of_result(result: Any) -> tuple[Figure, ...]:
    """Return every figure of a result; none for kinds of results that are not compared."""
    return tuple(each_figure(result))


def each_figure(result: Any) -> Iterator[Figure]:
    """Give every figure of a result, one after the other: there can be millions."""
    read = next((read for kind, read in _READERS.items() if isinstance(result, kind)), None)
    if read is not None:
        return read(result)
    for kind, (family, quantities) in _ROWS.items():
        if isinstance(result, kind):
            return of_rows(family, result.rows, quantities)
    return iter(())


def is_read(kind: Any) -> bool:
    """Say whether results of a class have figures here."""
    known = (*_READERS, *_ROWS)
    # Classes of pandas are known by their names alone where annotations are read.
    return isinstance(kind, type) and any(
        issubclass(kind, each) or (each is pd.Series and kind.__name__ == "Series")
        for each in known
    )
