"""The figures of tests, intervals, bootstraps and predictions, with keys as those of a fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from pymer_bridge.models.robust_effects import RobustEffects
from pymer_bridge.results import (
    bootstrap,
    fixed_effects,
    intervals,
    means,
    prediction,
    separate,
    tests,
)
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


_ENDS: Final = ("conf_low", "conf_high")
_ROWS: Final[Mapping[type[Any], tuple[str, Sequence[str]]]] = {
    fixed_effects.FixedEffects: ("fixed_effect", TESTS),
    separate.SeparateEffects: ("separate_effect", _ENDS),
    tests.FTests: ("f_test", tests.FTests.shown[1:]),
    # The table of R does not have the degrees of freedom of the denominator.
    tests.TermTests: ("term_test", [name for name in tests.TermTests.shown[1:] if name != "df2"]),
    tests.TTests: ("t_test", TESTS),
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
}


def figures_of_result(result: Any) -> tuple[Figure, ...]:
    """Return every figure of a result; none for kinds of results that are not compared."""
    read = next((read for kind, read in _READERS.items() if isinstance(result, kind)), None)
    if read is not None:
        return tuple(read(result))
    for kind, (family, quantities) in _ROWS.items():
        if isinstance(result, kind):
            return tuple(of_rows(family, result.rows, quantities))
    return ()
