"""Why figures of other software differ from R's: R is asked what else it would give."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import pandas as pd

from pymer_bridge.data.exact import Value, same
from pymer_bridge.errors import PymerError, PymerWarning
from pymer_bridge.models.glmer import GeneralizedLinearMixedModel
from pymer_bridge.models.lmer import LinearMixedModel
from pymer_bridge.models.mixed import MixedModel
from pymer_bridge.r_script.journal import journal
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.figures import Figure, Figures
from pymer_bridge.results.variances import RESIDUAL
from pymer_bridge.verification.figures import TESTS, figures_of, of_rows

Values = Mapping[str, Value]
Alternative = tuple[str, Values]

OF_TESTS: Final = {
    "satterthwaite": "Satterthwaite's degrees of freedom",
    "kenward-roger": "Kenward-Roger's method",
    "normal": "normal tests: z for t",
}
ML: Final = "maximum likelihood (ML), not REML"
REML: Final = "REML, not ML"
RESIDUAL_DF: Final = "residual degrees of freedom: rows less coefficients"
GIVEN_DF: Final = "by the given degrees of freedom, which are not R's"
CONSTANTS: Final = "the likelihood without its constants"
NO_QUADRATURE: Final = "nAGQ = 0: coefficients by penalized least squares alone"
CONTRASTS: Final = ("contr.sum", "contr.helmert", "contr.poly")
COARSE: Final = 1e-3
FLAT: Final = 1e-4
"""In the criterion: a hundredth of what the parameters are uncertain by."""
SAME_OPTIMUM: Final = "the same optimum, found less exactly"
BETTER_OPTIMUM: Final = "the same optimum, found more exactly than by R"
MANY_ROWS: Final = 3000
"""Of crossed groups Kenward-Roger's method takes minutes and gigabytes beyond this."""
MANY_LEVELS: Final = 12
"""A factor with more is not tried with each of its levels as the reference."""
SWAPS: Final = {
    ("std_dev", "variance"): "the variance, not the standard deviation",
    ("variance", "std_dev"): "the standard deviation, not the variance",
    ("correlation", "covariance"): "the covariance, not the correlation",
    ("covariance", "correlation"): "the correlation, not the covariance",
    ("deviance", "log_likelihood"): "the log-likelihood, not the deviance",
    ("log_likelihood", "deviance"): "the deviance, not the log-likelihood",
    ("log_likelihood", "reml_criterion"): "the REML criterion, not the log-likelihood",
    ("deviance", "reml_criterion"): "the REML criterion, not the deviance",
    ("reml_criterion", "deviance"): "the deviance, not the REML criterion",
    ("reml_criterion", "log_likelihood"): "the log-likelihood, not the REML criterion",
    ("aic", "bic"): "the BIC, not the AIC",
    ("bic", "aic"): "the AIC, not the BIC",
    ("conf_low", "conf_high"): "the ends of the interval are exchanged",
    ("conf_high", "conf_low"): "the ends of the interval are exchanged",
}
"""What stands for what, by the quantity that is meant and the one that was given."""


def alternatives(
    fit: Any, figures: Figures, given: Values, say: Callable[[str], object]
) -> Iterator[Alternative]:
    """Give what R answers where it is asked otherwise, the nearest question first.

    Parameters
    ----------
    fit
        The model.
    figures
        Its figures.
    given
        The figures that were given.
    say
        Called with what cannot be asked.

    Yields
    ------
    tuple
        The cause in words, and the figures by their keys.
    """
    yield from _swapped(figures)
    if not isinstance(fit, MixedModel):
        return
    yield from _group_coefficients(fit)
    with _quietly():
        if isinstance(fit, LinearMixedModel):
            yield from _by_given_df(fit, figures, given)
        yield from _of_tests(fit, figures.ddf, "", say)
        yield CONSTANTS, _without_constants(fit)
        for part in ("weights", "offset"):
            left_out = f"without the {part}"
            if getattr(fit.spec, part) is None:
                continue
            if (changed := _refitted(fit, left_out, say, **{part: None})) is not None:
                yield left_out, figures_of(changed, figures.ddf).values
                yield from _of_tests(changed, figures.ddf, f"{left_out}, and ", say)
        if isinstance(fit, LinearMixedModel):
            other = ML if fit.reml else REML
            if (changed := _refitted(fit, other, say, reml=not fit.reml)) is not None:
                # Kenward-Roger's method is for REML.
                ddf = figures.ddf if figures.ddf != "kenward-roger" else "satterthwaite"
                yield other, figures_of(changed, ddf).values
                yield from _of_tests(changed, ddf, f"{other}, and ", say)
        elif isinstance(fit, GeneralizedLinearMixedModel) and fit.spec.n_agq != 0:
            changed = _refitted(fit, NO_QUADRATURE, say, n_agq=0)
            if changed is not None:
                yield NO_QUADRATURE, figures_of(changed, figures.ddf).values
                yield f"{NO_QUADRATURE}, and {CONSTANTS}", _without_constants(changed)
        yield from _other_coding(fit, figures, say)


@contextmanager
def _quietly() -> Iterator[None]:
    """Note nothing for scripts, and warn of nothing: these are not models of the user."""
    with journal.silent(), warnings.catch_warnings():
        warnings.simplefilter("ignore", PymerWarning)
        yield


def _refitted(fit: Any, what: str, say: Callable[[str], object], **changed: Any) -> Any:
    try:
        return fit.update(**changed)
    except PymerError as error:
        say(f"{what} could not be tried: {error}")
        return None


def _swapped(figures: Figures) -> Iterator[Alternative]:
    values = figures.values
    found: dict[str, dict[str, Value]] = {}
    for key in values:
        place, _, quantity = key.rpartition("/")
        for (meant, given), cause in SWAPS.items():
            if quantity == meant and (value := values.get(f"{place}/{given}")) is not None:
                found.setdefault(cause, {})[key] = value
    yield from found.items()


def _group_coefficients(fit: MixedModel) -> Iterator[Alternative]:
    rows = list(of_rows("random_effect", fit.group_coefficients.rows, ("estimate",)))
    yield "the coefficient of the group, not its deviation", {row.key: row.value for row in rows}


def _of_tests(
    fit: MixedModel, ddf: str, before: str, say: Callable[[str], object]
) -> Iterator[Alternative]:
    """Give the tests of the fixed effects by other methods."""
    linear = isinstance(fit, LinearMixedModel)
    for method, cause in OF_TESTS.items():
        of_reml = method == "kenward-roger"
        if method == ddf or not (linear or method == "normal") or (of_reml and not fit.reml):
            continue
        if of_reml and len(fit.n_groups) > 1 and fit.n_obs > MANY_ROWS:
            say(f"Kenward-Roger's method was not tried: too slow for {fit.n_obs} rows")
            continue
        try:
            rows = fit.fixed_effects(method).rows
        except PymerError as error:
            say(f"{cause}: could not be tried: {error}")
            continue
        found = {row.key: row.value for row in of_rows("fixed_effect", rows, TESTS)}
        if method == "normal":  # R shows none, others show infinity
            found |= {key: np.inf for key in found if key.endswith("/df")}
        yield before + cause, found
    if linear:
        yield before + RESIDUAL_DF, _by_df(fit, {})


def _by_df(fit: MixedModel, given: Mapping[str, float]) -> dict[str, Value]:
    """Return the tests by these degrees of freedom; where none are given, by the residuals'."""
    level = 0.95
    asked = {"terms": tuple(given), "df": tuple(given.values())} if given else {}
    found: dict[str, Any] = fit._ask("tests_by_residuals", dict, conf_level=level, **asked)
    rows = decode.fixed_effects(found, "residual", level).rows
    return {row.key: row.value for row in of_rows("fixed_effect", rows, TESTS)}


def _by_given_df(fit: MixedModel, figures: Figures, given: Values) -> Iterator[Alternative]:
    """Give the p-values and intervals that go with degrees of freedom that are not R's."""
    dfs = {
        row.term: (row.key, value)
        for row in figures.rows
        if row.family == "fixed_effect"
        and row.quantity == "df"
        and isinstance(value := given.get(row.key), float | int)
        and value > 0
        and not same(value, row.value)
    }
    if dfs:
        found = _by_df(fit, {term: float(value) for term, (_, value) in dfs.items()})
        places = {key.rpartition("/")[0] for key, _ in dfs.values()}
        kept = ("p_value", "conf_low", "conf_high")
        parts = {key: key.rpartition("/") for key in found}
        yield (
            GIVEN_DF,
            {k: v for k, v in found.items() if parts[k][0] in places and parts[k][2] in kept},
        )


def _without_constants(fit: MixedModel) -> dict[str, Value]:
    found: dict[str, Any] = fit._ask("likelihood_without_constants", dict)
    return {f"fit_statistic////{name}": decode.number(found, name) for name in found}


def _other_coding(
    fit: Any, figures: Figures, say: Callable[[str], object]
) -> Iterator[Alternative]:
    ddf, own = figures.ddf, figures.values
    codings = tuple(fit.contrasts)
    chosen: dict[str, dict[str, Any]] = {
        f"contrasts by {name}": {each.factor: name for each in codings} for name in CONTRASTS
    }
    for each in codings:
        if len(codings) > 1:
            chosen |= {f"contrasts of {each.factor} by {n}": {each.factor: n} for n in CONTRASTS}
        levels = each.levels if len(each.levels) <= MANY_LEVELS else ()
        for level in levels:
            columns = [other for other in levels if other != level]
            indicators = pd.DataFrame(np.eye(len(levels)), levels, levels)[columns]
            chosen[f"{level!r} is the reference level of {each.factor}"] = {each.factor: indicators}
    for cause, contrasts in chosen.items():
        kept = {**dict(fit.spec.contrasts), **contrasts}
        if contrasts and (changed := _refitted(fit, cause, say, contrasts=kept)) is not None:
            # What hardly moves is the same, but for another optimum.
            values = figures_of(changed, ddf).values
            yield cause, {k: v for k, v in values.items() if _is_other(v, own.get(k))}


def _is_other(value: Value, mine: Value) -> bool:
    if not isinstance(value, float | int) or not isinstance(mine, float | int):
        return True
    return abs(value - mine) > COARSE * abs(mine)


# -- another optimum -----------------------------------------------------------------------------


def of_optimum(fit: Any, figures: Figures, given: Values) -> str:
    """Say how far the given variances are from R's optimum, by R's criterion; "" if unknown.

    Parameters
    ----------
    fit, figures
        The model, and its figures.
    given
        The figures that were given.
    """
    linear = isinstance(fit, LinearMixedModel)
    if not linear and (not isinstance(fit, GeneralizedLinearMixedModel) or fit.spec.n_agq == 0):
        return _of_likelihood(figures, given)
    found = fit.variance_components
    names = [(row.group, row.term or "") for row in found.rows]
    std_devs = [_std_dev(given, group, term) for group, term in names]
    correlations = [_correlation(given, figures, pair) for pair in found.correlations]
    terms = [row.key for row in figures.rows if row.family == "fixed_effect"]
    fixed = [given.get(key) for key in terms if key.endswith("/estimate")]
    if None in std_devs or None in correlations or (None in fixed and not linear):
        return _of_likelihood(figures, given)
    has_residual = names[-1] == (RESIDUAL, "")
    criterion = fit._ask(
        "criterion_there",
        lambda answer: answer,
        std_devs=tuple(std_devs[:-1] if has_residual else std_devs),
        correlations=tuple(correlations),
        sigma=std_devs[-1] if has_residual else 1.0,
        fixed=None if linear else tuple(fixed),
    )
    if criterion is None:
        return ""
    return _optimum(decode.number(criterion, "there") - decode.number(criterion, "optimum"))


def _std_dev(given: Values, group: str, term: str) -> float | None:
    found = {
        name: given.get(Figure("variance_component", group, "", term, name, None).key)
        for name in ("std_dev", "variance")
    }
    if isinstance(value := found["std_dev"], float | int):
        return float(value)
    value = found["variance"]
    return math.sqrt(value) if isinstance(value, float | int) and value >= 0 else None


def _correlation(given: Values, figures: Figures, pair: Any) -> float | None:
    def key(name: str) -> str:
        return Figure("correlation", pair.group, "", pair.term1, name, None, pair.term2).key

    if isinstance(value := given.get(key("correlation")), float | int):
        return float(value)
    value = given.get(key("covariance"))
    sizes = [_std_dev(given, pair.group, term) for term in (pair.term1, pair.term2)]
    if not isinstance(value, float | int) or not all(sizes):
        return None
    return float(value) / (sizes[0] * sizes[1])  # type: ignore[operator]  # both are there


def _of_likelihood(figures: Figures, given: Values) -> str:
    key = "fit_statistic////log_likelihood"
    theirs, mine = given.get(key), figures.values[key]
    if not isinstance(theirs, float | int) or not isinstance(mine, float):
        return ""
    return _optimum(2 * (mine - theirs))


def _optimum(excess: float) -> str:
    if abs(excess) < FLAT:
        return SAME_OPTIMUM if excess >= 0 else BETTER_OPTIMUM
    if not math.isfinite(excess):
        return ""
    if excess < 0:
        return f"another optimum, with a criterion lower than R's by {-excess:.3g}"
    return f"not R's optimum: the criterion there is higher by {excess:.3g}"
