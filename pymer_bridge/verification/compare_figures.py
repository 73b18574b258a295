"""The referee: figures of other software, held to what R gives for the same model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from pymer_bridge.data.exact import Value, same
from pymer_bridge.results.figure_comparison import (
    ABSENT,
    DIFFERENT,
    EQUAL,
    WITHIN,
    ComparedFigure,
    FigureComparison,
)
from pymer_bridge.results.figures import Figures
from pymer_bridge.spec.arguments import checked
from pymer_bridge.verification import causes, tolerances
from pymer_bridge.verification.drift import name_of, std_error_of
from pymer_bridge.verification.figures import figures_of
from pymer_bridge.verification.given_figures import read_given

SIGMA: Final = "model////sigma"
EXPLAINED: Final = 3.0
"""So many digits of a figure must be those of another answer of R, to be explained by it."""
LARGE: Final = 5.0
"""And of a likelihood, which is a large number."""
CHANCE: Final = 0.25
"""Such a part of the figures that another answer moves must be explained by it."""
CLOSER: Final = 1.0
"""And so many more than of the answer that it is compared with."""
FURTHER: Final = 30.0
"""So many times further than the variances may a figure be that a less exact optimum explains."""


@checked
def compare_figures(
    fit: Any,
    figures: Any,
    tolerance: float | Mapping[str, float] | None = None,
    *,
    ddf: str | None = None,
    software: str = "",
) -> FigureComparison:
    """Hold the figures of another program to what R gives for the same model.

    Parameters
    ----------
    fit
        The model, fitted here.
    figures
        What the other program gives: a mapping by names, such as
        ``{"Days": {"estimate": 10.47, "df": 17.0}}``, with ``n_obs``, ``sigma``, ``reml`` and the
        sections ``fixed_effects``, ``variance_components``, ``correlations``, ``random_effects``,
        ``fit_statistics``, ``n_groups`` and ``theta`` besides; or keys of
        :func:`pymer_bridge.figures_of`; or a table as ``fit.tidy()`` gives it; or a result of
        statsmodels' ``MixedLM`` or a model of pymer4. Missing figures are passed over.
    tolerance
        The largest distance that passes, one for all figures or by "family/quantity" as
        ``{"fixed_effect/estimate": 1e-4}``, in the figure's own unit: standard errors of an
        estimate, else relative. By default what lies between R's own versions; 0 for the same bits.
    ddf
        How R tests the fixed effects; by default as in the model's ``fixed_effects()``.
    software
        Whose figures these are, for the report.

    Returns
    -------
    FigureComparison
        For each figure the given one, R's, their difference, the digits that agree, the verdict,
        and the cause where R gives the figure if it is asked for something else: other degrees of
        freedom, ML for REML, normal tests, other contrasts or another reference level, a variance
        for a standard deviation, another optimum.

    Raises
    ------
    OptionError
        It is not a fitted model, or a part of ``figures`` is not understood.
    REnvironmentError, RError
        As for the model's ``fixed_effects()``.

    Notes
    -----
    R functions: those of the model's figures; where some differ, also ``update``, lmerTest's and
    pbkrtest's tests, and ``getME(fit, "devfun")``. The names of patsy and formulaic, as
    ``x[T.b]``, are read as R's.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> cake = pb.load_dataset("cake", package="lme4")
    >>> fit = pb.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", cake)
    >>> other = {"recipeB": {"estimate": -1.4778, "df": 266.0}}
    >>> report = pb.compare_figures(fit, other, tolerance=1e-4)
    >>> report.ok, report["fixed_effect///recipeB/df"].cause
    (False, 'residual degrees of freedom: rows less coefficients')
    """
    limits = tolerances.check_tolerance(tolerance)
    mine = figures_of(fit, ddf)
    given = read_given(figures, mine)
    if tolerance is None:
        limits = dict(tolerances.limits_for(fit.spec, same_stack=False))
    rows = {key: _compared(key, value, mine, limits) for key, value in given.items()}
    wrong = [key for key, row in rows.items() if row.verdict in (ABSENT, DIFFERENT)]
    notes: list[str] = []
    if wrong:
        rows |= _explained(fit, mine, given, {key: rows[key] for key in wrong}, notes)
        rest = [key for key in wrong if not rows[key].cause and _moves(rows[key])]
        criteria = sum(row.cause.startswith((causes.ML, causes.REML)) for row in rows.values())
        if len(rest) > criteria and (cause := causes.of_optimum(fit, mine, given)):
            near = cause in (causes.SAME_OPTIMUM, causes.BETTER_OPTIMUM)
            moved = _moved_by(rows, mine) if near else rest
            rows |= {key: _because(rows[key], cause) for key in rest if key in moved}
    return FigureComparison(tuple(rows.values()), software, mine.ddf, tuple(dict.fromkeys(notes)))


def _compared(
    key: str, given: Value, figures: Figures, limits: Mapping[str, float]
) -> ComparedFigure:
    values = figures.values
    mine = values.get(key)
    theirs = _of_the_type(given, mine)
    if mine is None:
        return ComparedFigure(key, given, None, None, None, None, ABSENT)
    if same(theirs, mine):
        return ComparedFigure(key, given, mine, 0.0, 0.0, math.inf, EQUAL)
    if isinstance(theirs, bool | str) or isinstance(mine, bool | str):
        return ComparedFigure(key, given, mine, None, None, None, DIFFERENT)
    far = _distance(key, theirs, values)
    verdict = WITHIN if far <= limits.get(name_of(key), 0.0) else DIFFERENT
    relative = _relative(theirs, mine)
    digits = _digits(relative)
    return ComparedFigure(key, given, mine, float(theirs - mine), relative, digits, verdict)


def _distance(key: str, given: float, values: Mapping[str, Any]) -> float:
    sigma = values.get(SIGMA)
    return tolerances.distance(
        name_of(key),
        values[key],
        given,
        std_error_of(key, values),
        sigma if isinstance(sigma, float) else None,
    )


def _of_the_type(given: Value, mine: Value) -> Any:
    """Return a number of another program as R has it: many programs count in floats."""
    if isinstance(given, bool) or isinstance(mine, bool):
        return given
    if isinstance(given, int) and isinstance(mine, float):
        return float(given)
    if isinstance(given, float) and isinstance(mine, int) and given.is_integer():
        return int(given)
    return given


def _relative(given: float, mine: float) -> float | None:
    if given == mine:
        return 0.0
    if not (math.isfinite(given) and math.isfinite(mine)) or mine == 0:
        return None
    return abs(given - mine) / abs(mine)


def _digits(relative: float | None) -> float | None:
    if relative is None:
        return None
    return math.inf if relative == 0 else max(0.0, -math.log10(relative))


def _explained(
    fit: Any,
    figures: Figures,
    given: Mapping[str, Value],
    wrong: Mapping[str, ComparedFigure],
    notes: list[str],
) -> dict[str, ComparedFigure]:
    """Return the figures that another answer of R has, with what R was asked.

    What explains most is taken first: another answer may agree with a few figures by chance.
    """
    found: dict[str, set[str]] = {}
    for cause, values in causes.alternatives(fit, figures, given, notes.append):
        keys = {key for key, row in wrong.items() if _explains(values.get(key), row)}
        found[cause] = keys if len(keys) >= _by_chance(values, figures, wrong) else set()
        if len(found[cause]) == len(wrong):
            break
    rows = {}
    left = set(wrong)
    while most := max(found.values(), key=lambda keys: len(keys & left), default=set()) & left:
        chosen = next(cause for cause, keys in found.items() if keys & left == most)
        for key in most:
            # The first part of a cause alone, where that is enough.
            enough = (c for c, keys in found.items() if key in keys and chosen.startswith(c))
            rows[key] = _because(wrong[key], next(enough))
        left -= most
    return rows


def _by_chance(
    values: Mapping[str, Value], figures: Figures, wrong: Mapping[str, ComparedFigure]
) -> float:
    """Return how many figures an answer must explain, of those that it would move.

    Of many figures that are off for another reason, some are nearer to any other answer.
    """
    return CHANCE * sum(
        not same(values.get(k), figures.values.get(k)) for k in wrong if k in values
    )


def _explains(value: Value, row: ComparedFigure) -> bool:
    given = _of_the_type(row.given, value)
    if value is None or isinstance(given, bool | str) or isinstance(value, bool | str):
        return value is not None and same(given, value)
    if given == value:
        return True
    digits = _digits(_relative(given, value))
    least = LARGE if row.key.startswith("fit_statistic/") else EXPLAINED
    return digits is not None and digits >= max(least, (row.digits or 0.0) + CLOSER)


def _because(row: ComparedFigure, cause: str) -> ComparedFigure:
    return ComparedFigure(
        row.key, row.given, row.r, row.difference, row.relative, row.digits, row.verdict, cause
    )


def _moves(row: ComparedFigure) -> bool:
    """Say whether a figure of R moves with the variances: a count does not."""
    counted = row.key.startswith(("model/", "fit_statistic////df")) and row.key != SIGMA
    return row.verdict == DIFFERENT and not counted


def _moved_by(rows: Mapping[str, ComparedFigure], figures: Figures) -> set[str]:
    """Return the figures that are not much further from R's than the variances are."""
    compared = {key: row for key, row in rows.items() if row.difference is not None}
    far = {key: _distance(key, row.given, figures.values) for key, row in compared.items()}  # type: ignore[arg-type]  # a number
    variances = [far[key] for key in far if key.startswith(("variance_component/", "correlation/"))]
    limit = FURTHER * (max(variances) if variances else causes.FLAT**0.5)
    return {key for key in far if far[key] <= limit}
