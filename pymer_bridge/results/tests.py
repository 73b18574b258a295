"""Results of tests: F tests, t tests, likelihood ratios, comparisons and eliminations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from pymer_bridge.results.base import Result, Rows
from pymer_bridge.results.codec import register
from pymer_bridge.tables import Column, Table


class _Printed:
    """Shared by results for which R has a printed layout of its own."""

    __slots__ = ()

    text: str

    def __str__(self) -> str:
        """Return what R prints."""
        return self.text


@register
@dataclass(frozen=True, slots=True)
class FTest:
    """One F test; None where R gives no such figure."""

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


@register
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


@register
@dataclass(frozen=True, slots=True)
class TTest:
    """One t test of a linear hypothesis, with its interval."""

    term: str
    estimate: float
    std_error: float
    df: float
    statistic: float
    p_value: float
    conf_low: float
    conf_high: float


@register
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


@register
@dataclass(frozen=True, slots=True)
class LikelihoodRatioTest:
    """One row of a table of likelihood ratio tests; the first has nothing to be tested against."""

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


@register
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


@register
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


@register
@dataclass(frozen=True, slots=True)
class RandomStep:
    """One step in the elimination of random effects; ``eliminated`` is 0 where it was kept."""

    term: str
    eliminated: int | None
    n_parameters: int
    log_likelihood: float
    aic: float
    chi_square: float | None
    df: float | None
    p_value: float | None


@register
@dataclass(frozen=True, slots=True)
class FixedStep:
    """One step in the elimination of fixed effects; ``eliminated`` is 0 where it was kept."""

    term: str
    eliminated: int | None
    sum_sq: float | None
    mean_sq: float | None
    df1: float | None
    df2: float | None
    statistic: float | None
    p_value: float | None


@register
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
            Column("effect", "Effect", "text"), Column("term", "Term", "text"),
            Column("eliminated", "Eliminated", "integer"),
            Column("p_value", "p", "p_value"),
        )  # fmt: skip
        rows = tuple(
            (effect, step.term, step.eliminated, step.p_value)
            for effect, steps in (("random", self.random), ("fixed", self.fixed))
            for step in steps
        )
        return Table(columns, rows, notes=(f"Model found: {self.formula}",))


@register
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class IntraclassCorrelation(Result):
    """Intraclass correlation: the share of variance that lies between groups.

    Attributes
    ----------
    adjusted
        Of the variance that the fixed effects leave; None for a singular fit.
    unadjusted
        Of all variance, that of the fixed effects included; None for a singular fit.
    warnings, messages
        What R warned of and said on the way.
    """

    adjusted: float | None
    unadjusted: float | None
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return a frame of one row."""
        return pd.DataFrame([{"adjusted": self.adjusted, "unadjusted": self.unadjusted}])

    def _table(self) -> Table:
        columns = (Column("adjusted", "Adjusted"), Column("unadjusted", "Unadjusted"))
        rows = ((self.adjusted, self.unadjusted),)
        return Table(columns, rows, title="Intraclass correlation:")


@register
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RSquared(Result):
    """Nakagawa's coefficients of determination.

    Attributes
    ----------
    marginal
        The share of variance that the fixed effects explain.
    conditional
        The share that fixed and random effects explain together; None for a singular fit.
    warnings, messages
        What R warned of and said on the way.
    """

    marginal: float | None
    conditional: float | None
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return a frame of one row."""
        return pd.DataFrame([{"marginal": self.marginal, "conditional": self.conditional}])

    def _table(self) -> Table:
        columns = (Column("marginal", "Marginal"), Column("conditional", "Conditional"))
        return Table(columns, ((self.marginal, self.conditional),), title="R squared:")
