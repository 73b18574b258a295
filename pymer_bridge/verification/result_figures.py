"""Figures of tests, intervals and bootstraps, each under a key, as those of a fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from pymer_bridge.data.exact import Value
from pymer_bridge.results import bootstrap, fixed_effects, intervals, means, separate, tests
from pymer_bridge.results.bootstrap import BootstrapResult
from pymer_bridge.results.figures import Figure

_NAMES_OF_PARAMETERS: Final = ("fixed_effects", "parameters", "variance_components")


def _plain(value: Any) -> Value:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    plain: Value = value.item() if isinstance(value, np.generic) else value
    return plain


def _figure(family: str, quantity: str, value: Any, term: str = "", level: str = "") -> Figure:
    return Figure(family, "", level, term, quantity, _plain(value))


def _rows(family: str, quantities: tuple[str, ...]) -> Callable[[Any], Iterator[Figure]]:
    def read(result: Any) -> Iterator[Figure]:
        for row in result.rows:
            for quantity in quantities:
                yield _figure(
                    family, quantity, getattr(row, quantity), row.term, getattr(row, "level", "")
                )

    return read


def _comparison(result: tests.ModelComparison) -> Iterator[Figure]:
    for quantity in (
        "statistic",
        "df1",
        "df2",
        "f_scaling",
        "p_value",
        "unscaled_statistic",
        "unscaled_p_value",
    ):
        yield _figure("comparison", quantity, getattr(result, quantity))


def _elimination(result: tests.BackwardElimination) -> Iterator[Figure]:
    for family, rows in (("random_step", result.random), ("fixed_step", result.fixed)):
        for row in rows:
            for quantity in row.__slots__:
                if quantity != "term":
                    yield _figure(family, quantity, getattr(row, quantity), row.term)


def _bootstrap(result: BootstrapResult) -> Iterator[Figure]:
    readable = result.statistic in _NAMES_OF_PARAMETERS
    names = [row.label if readable else row.name for row in result.rows]
    for row, name in zip(result.rows, names, strict=True):
        yield _figure("bootstrap", "estimate", row.estimate, name)
    for iteration, values in zip(result.iterations.tolist(), result.replicates, strict=True):
        for name, value in zip(names, values.tolist(), strict=True):
            yield _figure("replicate", "value", value, name, str(iteration))


def _bootstrap_test(result: bootstrap.BootstrapTest) -> Iterator[Figure]:
    yield from _rows("bootstrap_test", ("statistic", "df", "df2", "p_value"))(result)
    for i, ratio in enumerate(result.likelihood_ratios.tolist()):
        yield _figure("likelihood_ratio", "value", ratio, level=str(i + 1))


def short_hexadecimal(value: float) -> str:
    """Write a number as C's ``%a`` does: without zeros at the end."""
    mantissa, power, exponent = float(value).hex().partition("p")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return mantissa + power + exponent


def _means(result: means.MarginalTable) -> Iterator[Figure]:
    for row in result.rows:
        term = ";".join(
            f"{name}={value if isinstance(value, str) else short_hexadecimal(value)}"
            for name, value in row.levels.items()
        )
        for quantity in _TESTS:
            yield _figure("mean", quantity, getattr(row, quantity), term)


def _profile(result: intervals.Profile) -> Iterator[Figure]:
    counts: dict[str, int] = {}
    points = zip(result.profiled, result.zeta.tolist(), result.focal.tolist(), strict=True)
    for name, zeta, focal in points:
        counts[name] = counts.get(name, 0) + 1
        yield _figure("profile", "zeta", zeta, name, str(counts[name]))
        yield _figure("profile", "focal", focal, name, str(counts[name]))


_TESTS: Final = (
    "estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high",
)  # fmt: skip
_READERS: Final[tuple[tuple[type[Any], Callable[[Any], Iterator[Figure]]], ...]] = (
    (fixed_effects.FixedEffects, _rows("fixed_effect", _TESTS)),
    (separate.SeparateEffects,
     _rows("separate_effect", ("conf_low", "conf_high"))),
    (tests.FTests,
     _rows("f_test", ("sum_sq", "mean_sq", "df1", "df2", "statistic", "p_value"))),
    (tests.TTests, _rows("t_test", _TESTS)),
    (tests.LikelihoodRatioTests,
     _rows("ratio_test", ("n_parameters", "aic", "bic", "log_likelihood", "deviance",
                          "chi_square", "df", "p_value"))),
    (tests.ModelComparison, _comparison),
    (tests.BackwardElimination, _elimination),
    (intervals.Intervals, _rows("interval", ("conf_low", "conf_high"))),
    (intervals.Profile, _profile),
    (means.MarginalTable, _means),
    (BootstrapResult, _bootstrap),
    (bootstrap.BootstrapTest, _bootstrap_test),
)  # fmt: skip


def figures_of_result(result: Any) -> tuple[Figure, ...]:
    """Return every figure of a result; none where it is of a kind that is not compared."""
    for kind, read in _READERS:
        if isinstance(result, kind):
            return tuple(read(result))
    return ()
