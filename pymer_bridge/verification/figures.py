"""The figures of a fitted model, read from it: see :mod:`pymer_bridge.results.figures`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from pymer_bridge.data.exact import Value
from pymer_bridge.errors import OptionError
from pymer_bridge.models.lm import LinearModel
from pymer_bridge.models.lm_list import LinearModelList
from pymer_bridge.models.mixed import MixedModel
from pymer_bridge.models.non_normal import NonNormal
from pymer_bridge.results.figures import Figure, Figures
from pymer_bridge.results.fixed_effects import FixedEffects
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked

TESTS: Final = FixedEffects.shown[1:]
"""The figures of a test of one term."""
STATISTICS: Final = tuple("reml_criterion log_likelihood deviance aic bic df df_residual".split())


@checked
def figures_of(fit: Any, ddf: str | None = None) -> Figures:
    """Return every figure that R gives of a fitted model, under a key of its own.

    Parameters
    ----------
    fit
        A fitted model of any kind.
    ddf
        How fixed effects are tested; by default as in the model's ``fixed_effects()``.

    Returns
    -------
    Figures
        What the model is (observations, groups, residual standard deviation), its fixed effects
        with their tests, variances, correlations, conditional modes, statistics of the fit,
        theta, and how the optimizer ended; of separate fits their coefficients.

    Raises
    ------
    OptionError
        It is not a fitted model, or ``ddf`` is not accepted.
    REnvironmentError, RError
        As for the model's ``fixed_effects()``.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> pb.figures_of(fit).values["fixed_effect///Days/df"] == fit.fixed_effects()["Days"].df
    True
    """
    if isinstance(fit, MixedModel):
        default = "normal" if isinstance(fit, NonNormal) else "satterthwaite"
        chosen = default if ddf is None else options.one_of(ddf, options.Ddf, "ddf")
        rows = _of_mixed(fit, chosen)
    elif isinstance(fit, LinearModel | LinearModelList):
        if ddf is not None:
            raise OptionError(f"a {type(fit).__name__} has tests of one kind, and takes no ddf")
        chosen = "residual"
        rows = _of_linear(fit) if isinstance(fit, LinearModel) else _of_separate(fit)
    else:
        raise OptionError(f"figures are of a fitted model, not of a {type(fit).__name__}")
    return Figures(tuple(numbered(rows)), chosen)


def numbered(rows: Iterator[Figure]) -> Iterator[Figure]:
    """Give a number to each further figure of the same name."""
    seen: Counter[str] = Counter()
    for row in rows:
        seen[row.key] += 1
        yield row if seen[row.key] == 1 else replace(row, number=seen[row.key])


def _facts(family: str, facts: Mapping[str, Value]) -> Iterator[Figure]:
    for name, value in facts.items():
        yield Figure(family, "", "", "", name, value)


def _family(fit: Any) -> dict[str, Value]:
    """Return the family of a generalized model, with its size as an exact number."""
    found = {name: getattr(fit, name) for name in ("family", "link", "size") if hasattr(fit, name)}
    if found.get("family", "").startswith("Negative Binomial("):
        found["family"] = "Negative Binomial"
    return found


def of_rows(family: str, rows: Iterable[Any], quantities: Sequence[str]) -> Iterator[Figure]:
    """Give each quantity of each row; group, level and term are fields of the row."""
    for row in rows:
        group, level = (getattr(row, part, "") for part in ("group", "level"))
        for quantity in quantities:
            yield Figure(family, group, level, row.term or "", quantity, getattr(row, quantity))


def _statistics(fit: Any) -> Iterator[Figure]:
    found = fit.fit_statistics
    yield from _facts("fit_statistic", {name: getattr(found, name) for name in STATISTICS})


def _of_mixed(fit: MixedModel, ddf: str) -> Iterator[Figure]:
    facts = {"n_obs": fit.n_obs, "sigma": fit.sigma, "reml": fit.reml, **_family(fit)}
    yield from _facts("model", {**facts, "dropped_columns": "\n".join(fit.dropped_columns)})
    for group, count in fit.n_groups.items():
        yield Figure("model", group, "", "", "n_levels", count)
    yield from of_rows("fixed_effect", fit.fixed_effects(ddf).rows, TESTS)
    found = fit.variance_components
    yield from of_rows("variance_component", found.rows, ("variance", "std_dev"))
    for pair in found.correlations:
        for name in ("covariance", "correlation"):
            value = getattr(pair, name)
            yield Figure("correlation", pair.group, "", pair.term1, name, value, pair.term2)
    yield from of_rows("random_effect", fit.random_effects.rows, ("estimate", "std_error"))
    yield from _statistics(fit)
    yield from _convergence(fit)


def _convergence(fit: MixedModel) -> Iterator[Figure]:
    found = fit.convergence
    for name, value in zip(found.theta_names, found.theta.tolist(), strict=True):
        yield Figure("theta", "", "", name, "estimate", value)
    yield from _facts(
        "convergence",
        {
            "converged": found.converged,
            "singular": found.singular,
            "code": found.code,
            "optimizer": found.optimizer,
            "evaluations": found.evaluations,
            "messages": "\n".join(found.messages),
            "warnings": "\n".join(found.warnings),
        },
    )


def _of_linear(fit: LinearModel) -> Iterator[Figure]:
    yield from _facts("model", {"n_obs": fit.n_obs, "sigma": fit.sigma, **_family(fit)})
    yield from of_rows("fixed_effect", fit.fixed_effects().rows, TESTS)
    yield from _statistics(fit)


def _of_separate(fit: LinearModelList) -> Iterator[Figure]:
    failed = "\n".join(fit.failed)
    yield from _facts("model", {"n_obs": fit.n_obs, "sigma": fit.sigma, "failed": failed})
    yield Figure("model", fit.group, "", "", "n_levels", len(fit.levels))
    quantities = [name for name in TESTS if name != "df"]
    for figure in of_rows("separate_effect", fit.coefficients().rows, quantities):
        yield replace(figure, group=fit.group)
