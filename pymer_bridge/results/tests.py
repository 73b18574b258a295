"""Results of tests: F tests, t tests, likelihood ratios, comparisons and eliminations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from pymer_bridge.display.tables import Column, Table
from pymer_bridge.results.base import Part, Result, Rows


class _Printed:
    """Shared by results for which R has a printed layout of its own."""

    __slots__ = ()

    text: str

    def __str__(self) -> str:
        """Return what R prints."""
        return self.text


@dataclass(frozen=True, slots=True, eq=False)
class FTest(Part):
    """One F test; None where R gives no such figure.

    Attributes
    ----------
    term
        What is tested.
    sum_sq, mean_sq
        Sum of squares, and that divided by ``df1``.
    df1, df2
        Degrees of freedom of numerator and denominator.
    statistic, p_value
        F, and the probability of a larger one.
    """

    term: str
    sum_sq: float | None
    mean_sq: float | None
    df1: float | None
    df2: float | None
    statistic: float | None
    p_value: float | None


_F_COLUMNS: dict[str, Column] = {
    "statistic": Column("statistic", "F value"),
    "p_value": Column("p_value", "Pr(>F)", "p_value"),
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FTests(_Printed, Rows[FTest]):
    """F tests, one row a term: ``fit.anova()["Days"].p_value``.

    Attributes
    ----------
    rows
        One :class:`FTest` a term, in R's order.
    ddf
        Which degrees of freedom: "satterthwaite", "kenward-roger" or "none".
    text
        What R prints.
    warnings, messages
        What R warned of and said on the way.
    """

    rows: tuple[FTest, ...]
    ddf: str
    text: str
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    shown: ClassVar[tuple[str, ...]] = (
        "term", "sum_sq", "mean_sq", "df1", "df2", "statistic", "p_value",
    )  # fmt: skip

    def _label(self, name: str) -> Column:
        return _F_COLUMNS.get(name) or super(FTests, self)._label(name)


@dataclass(frozen=True, slots=True, eq=False)
class TTest(Part):
    """One t test of a linear hypothesis, with its interval.

    Attributes
    ----------
    term
        The name of the hypothesis.
    estimate, std_error
        Of the sum of weighted coefficients, in their units.
    df, statistic, p_value
        Degrees of freedom, t, and the two-sided p-value.
    conf_low, conf_high
        The ends of the interval.
    """

    term: str
    estimate: float
    std_error: float
    df: float
    statistic: float
    p_value: float
    conf_low: float
    conf_high: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TTests(_Printed, Rows[TTest]):
    """t tests of linear hypotheses, one row a contrast.

    Attributes
    ----------
    rows
        One :class:`TTest` a contrast, in the order given.
    ddf
        Which degrees of freedom: "satterthwaite" or "kenward-roger".
    conf_level
        The level of the intervals.
    text
        What R prints.
    warnings, messages
        What R warned of and said on the way.
    """

    rows: tuple[TTest, ...]
    ddf: str
    conf_level: float
    text: str
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    shown: ClassVar[tuple[str, ...]] = (
        "term", "estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class LikelihoodRatioTest(Part):
    """One row of a table of likelihood ratio tests; the first has nothing to be tested against.

    Attributes
    ----------
    term
        The model, or what was taken out of it.
    n_parameters
        How many parameters the model has.
    aic, bic, log_likelihood, deviance
        Of the model; the deviance is -2 times the log-likelihood.
    chi_square, df, p_value
        The likelihood ratio, its degrees of freedom, and the probability of a larger one.
    """

    term: str
    n_parameters: int | None
    aic: float
    bic: float | None
    log_likelihood: float | None
    deviance: float | None
    chi_square: float | None
    df: float | None
    p_value: float | None


_RATIO_COLUMNS: dict[str, Column] = {
    "p_value": Column("p_value", "Pr(>Chisq)", "p_value"),
    "df": Column("df", "Df"),
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LikelihoodRatioTests(_Printed, Rows[LikelihoodRatioTest]):
    """Likelihood ratio tests, one row a model or a deletion.

    Attributes
    ----------
    rows
        One :class:`LikelihoodRatioTest` a model or deletion, in R's order.
    text
        What R prints.
    warnings, messages
        What R warned of and said on the way, such as that it refitted by maximum likelihood.
    """

    rows: tuple[LikelihoodRatioTest, ...]
    text: str
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    shown: ClassVar[tuple[str, ...]] = (
        "term", "n_parameters", "aic", "bic", "log_likelihood", "deviance", "chi_square", "df",
        "p_value",
    )  # fmt: skip

    def _label(self, name: str) -> Column:
        return _RATIO_COLUMNS.get(name) or super(LikelihoodRatioTests, self)._label(name)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ModelComparison(_Printed, Result):
    """An F test of a restriction of the fixed effects.

    Attributes
    ----------
    method
        "Kenward-Roger" or "Satterthwaite".
    statistic
        The F statistic, scaled for Kenward and Roger's method.
    df1, df2
        Degrees of freedom of numerator and denominator.
    f_scaling
        What the statistic was multiplied by; None for Satterthwaite's method.
    p_value
        Of the statistic.
    unscaled_statistic, unscaled_p_value
        Before the scaling; None for Satterthwaite's method.
    text
        What R prints.
    warnings, messages
        What R warned of and said on the way.
    """

    method: str
    statistic: float
    df1: float
    df2: float
    f_scaling: float | None
    p_value: float
    unscaled_statistic: float | None
    unscaled_p_value: float | None
    text: str
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    names: ClassVar[tuple[str, ...]] = (
        "method", "statistic", "df1", "df2", "f_scaling", "p_value", "unscaled_statistic",
        "unscaled_p_value",
    )  # fmt: skip

    def to_frame(self) -> pd.DataFrame:
        """Return a frame of one row."""
        frame = pd.DataFrame([{name: getattr(self, name) for name in self.names}])
        # What does not apply is missing, and of numbers where others have numbers.
        return frame.assign(**{name: pd.to_numeric(frame[name]) for name in self.names[1:]})

    def _table(self) -> Table:
        columns = (
            Column("method", "Method", "text"), Column("statistic", "F value"),
            Column("df1", "NumDF"), Column("df2", "DenDF"), Column("f_scaling", "F scaling"),
            Column("p_value", "Pr(>F)", "p_value"),
        )  # fmt: skip
        return Table(columns, (tuple(getattr(self, column.name) for column in columns),))


@dataclass(frozen=True, slots=True, eq=False)
class RandomStep(Part):
    """One step in the elimination of random effects; ``eliminated`` is 0 where it was kept.

    Attributes
    ----------
    term
        The random effect.
    eliminated
        At which step it went.
    n_parameters, log_likelihood, aic
        Of the model without it.
    chi_square, df, p_value
        Of the test of the two models.
    """

    term: str
    eliminated: int | None
    n_parameters: int
    log_likelihood: float
    aic: float
    chi_square: float | None
    df: float | None
    p_value: float | None


@dataclass(frozen=True, slots=True, eq=False)
class FixedStep(Part):
    """One step in the elimination of fixed effects; ``eliminated`` is 0 where it was kept.

    Attributes
    ----------
    term
        The fixed effect.
    eliminated
        At which step it went.
    sum_sq, mean_sq, df1, df2, statistic, p_value
        Of its F test, as of :class:`FTest`.
    """

    term: str
    eliminated: int | None
    sum_sq: float | None
    mean_sq: float | None
    df1: float | None
    df2: float | None
    statistic: float | None
    p_value: float | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BackwardElimination(_Printed, Result):
    """What backward elimination did, step by step.

    Attributes
    ----------
    random
        Steps over random-effect terms.
    fixed
        Steps over fixed effects.
    formula
        The formula that is left.
    text
        What R prints.
    warnings, messages
        What R warned of and said on the way.
    """

    random: tuple[RandomStep, ...]
    fixed: tuple[FixedStep, ...]
    formula: str
    text: str
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return all steps in one frame; ``effect`` tells random from fixed."""
        rows: list[dict[str, Any]] = []
        for effect, steps in (("random", self.random), ("fixed", self.fixed)):
            for step in steps:
                rows.append({"effect": effect} | {n: getattr(step, n) for n in step.__slots__})
        return pd.DataFrame(rows)

    def _table(self) -> Table:
        columns = (
            Column("effect", "Effect", "text"),
            Column("term", "Term", "text"),
            Column("eliminated", "Eliminated", "integer"),
            Column("p_value", "p", "p_value"),
        )
        rows = tuple(
            (effect, step.term, step.eliminated, step.p_value)
            for effect, steps in (("random", self.random), ("fixed", self.fixed))
            for step in steps
        )
        return Table(columns, rows, notes=(f"Model found: {self.formula}",))
