"""Results of tests: F tests, t tests, likelihood ratios, comparisons and eliminations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import pandas as pd

from pymer_bridge.display.tables import Column, Table
from pymer_bridge.results.base import (
    METHODS,
    OneRow,
    Part,
    Result,
    Rows,
    fields_of,
    intervals_said,
    z_label,
)
from pymer_bridge.results.codec import LATER
from pymer_bridge.results.drawn import DrawnTests

_LABELS: Final = ("Data:", "Subset:", "Model:", "Models:")
"""How lines begin in R's headings that say nothing of the test itself."""


class _Printed:
    """Shared by results for which R has a printed layout of its own."""

    __slots__ = ()

    text: str
    messages: tuple[str, ...]

    def __str__(self) -> str:
        """Return the text that R prints."""
        return self.text

    def _headed(self) -> tuple[str, tuple[str, ...]]:
        """Return what R's heading says of the test, and the formulas."""
        heading: tuple[str, ...] = getattr(self, "heading", ())
        lines = [line for line in heading if not line.startswith(_LABELS)]
        said = lines.pop(0).rstrip(":") if lines and "~" not in lines[0] else ""
        return said, tuple(lines)

    def _notes(self) -> tuple[str, ...]:
        """Return the formulas or hypotheses, and what R said."""
        return (*self._headed()[1], *getattr(self, "hypotheses", ()), *self.messages)


@dataclass(frozen=True, slots=True, eq=False)
class FTest(Part):
    """One F test; a figure that R does not give is None.

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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FTests(_Printed, DrawnTests, Rows[FTest]):
    """F tests, one row per term: ``fit.anova()["Days"].p_value``.

    Attributes
    ----------
    rows
        One :class:`FTest` per term, in R's order.
    ddf
        Which degrees of freedom: "satterthwaite", "kenward-roger" or "none".
    text
        The text that R prints.
    warnings, messages
        R's warnings and messages.
    heading
        What R prints above the table: the method, the formulas.
    observations
        How many rows of the data the model uses; None in what was stored without it.
    hypotheses
        What was tested, such as "a week: 7 Days = 0"; none of the terms of an analysis of variance.
    """

    rows: tuple[FTest, ...]
    ddf: str
    text: str
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    heading: tuple[str, ...] = field(default=(), metadata=LATER)
    observations: int | None = field(default=None, metadata=LATER)
    hypotheses: tuple[str, ...] = field(default=(), metadata=LATER)

    shown: ClassVar[tuple[str, ...]] = fields_of(FTest)
    _own: ClassVar[tuple[Column, ...]] = (
        Column("statistic", "F value"),
        Column("p_value", "Pr(>F)", "p_value"),
    )

    def _how(self) -> tuple[str, ...]:
        said = self._headed()[0]
        unnamed = "sequential, without p-values" if self.ddf == "none" else self.ddf
        method = METHODS.get(self.ddf, unnamed)
        return (said or "F tests",) if method in said else (said or "F tests", method)


@dataclass(frozen=True, slots=True, eq=False)
class TermTest(Part):
    """One row of an analysis of variance or deviance; a figure that R does not give is None.

    Attributes
    ----------
    term
        The term, the model, or "Residuals" and the like.
    df1, df2
        Degrees of freedom: of the term, and of the denominator of F.
    sum_sq, mean_sq
        Sum of squares, and that divided by ``df1``.
    deviance
        The change in deviance that the term makes.
    df_residual, residual_deviance
        What is left: of the model with this term and those before it, or (in ``drop1``) of the
        model without the term; for a linear model the residual sum of squares.
    aic
        Of the model without the term.
    statistic, p_value
        The statistic, and the probability of a larger one. A sequential table of likelihood
        ratios has no statistic: it is the change in deviance over the dispersion.
    """

    term: str
    df1: float | None
    df2: float | None
    sum_sq: float | None
    mean_sq: float | None
    deviance: float | None
    df_residual: float | None
    residual_deviance: float | None
    aic: float | None
    statistic: float | None
    p_value: float | None


_STATISTICS: Final = {
    "F": ("F value", "F tests"),
    "likelihood-ratio": ("LR Chisq", "likelihood ratio tests"),
    "wald": ("Chisq", "Wald tests"),
    "rao": ("Rao", "score tests"),
}
"""How the statistic of each test is headed, and what the tests are called in a caption."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TermTests(_Printed, DrawnTests, Rows[TermTest]):
    """An analysis of variance or deviance, one row per term: ``fit.anova("II")["Days"].p_value``.

    Attributes
    ----------
    rows
        One :class:`TermTest` per term or model, in R's order, with rows of what is left.
    test
        "F", "likelihood-ratio", "wald" or "rao".
    text
        The text that R prints.
    warnings, messages
        R's warnings and messages.
    heading
        What R prints above the table: the method, the response, the formulas.
    observations
        How many rows of the data the model uses.
    """

    rows: tuple[TermTest, ...]
    test: str
    text: str
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    heading: tuple[str, ...] = ()
    observations: int | None = None

    shown: ClassVar[tuple[str, ...]] = fields_of(TermTest)
    _own: ClassVar[tuple[Column, ...]] = (
        Column("df1", "Df"),
        Column("deviance", "Deviance"),
        Column("df_residual", "Resid. Df"),
        Column("residual_deviance", "Resid. Dev"),
    )

    def _how(self) -> tuple[str, ...]:
        return (self._headed()[0] or "Tests of terms", _STATISTICS[self.test][1])

    def _label(self, name: str) -> Column:
        if name == "statistic":
            return Column(name, _STATISTICS[self.test][0])
        if name == "p_value":
            return Column(name, f"Pr(>{'F' if self.test == 'F' else 'Chisq'})", "p_value")
        return super(TermTests, self)._label(name)


@dataclass(frozen=True, slots=True, eq=False)
class TTest(Part):
    """One t test of a linear hypothesis, with its interval.

    Attributes
    ----------
    term
        The name of the hypothesis.
    estimate, std_error
        The weighted sum of coefficients, in their units.
    df, statistic, p_value
        Degrees of freedom (infinite for normal tests), t, and the two-sided p-value.
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
    """t tests of linear hypotheses, one row per contrast.

    Attributes
    ----------
    rows
        One :class:`TTest` per contrast, in the order given.
    ddf
        Which degrees of freedom: "satterthwaite", "kenward-roger", or of models without random
        effects "residual" or "normal".
    conf_level
        The level of the intervals.
    text
        The text that R prints.
    warnings, messages
        R's warnings and messages.
    observations
        How many rows of the data the model uses; None in what was stored without it.
    hypotheses
        What was tested, such as "a week: 7 Days = 0".
    """

    rows: tuple[TTest, ...]
    ddf: str
    conf_level: float
    text: str
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    observations: int | None = field(default=None, metadata=LATER)
    hypotheses: tuple[str, ...] = field(default=(), metadata=LATER)

    shown: ClassVar[tuple[str, ...]] = fields_of(TTest)

    def _how(self) -> tuple[str, ...]:
        title = f"{'z' if self.ddf == 'normal' else 't'} tests of linear hypotheses"
        method = () if self.ddf == "normal" else (METHODS[self.ddf],)
        return (title, *method, intervals_said(self.conf_level, "wald"))

    def _label(self, name: str) -> Column:
        return z_label(name) if self.ddf == "normal" else super(TTests, self)._label(name)


@dataclass(frozen=True, slots=True, eq=False)
class LikelihoodRatioTest(Part):
    """One row of a table of likelihood ratio tests; the first row has no test.

    Attributes
    ----------
    term
        The model, or the term that was dropped.
    n_parameters
        The number of parameters of the model, or of the term that was dropped.
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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LikelihoodRatioTests(_Printed, Rows[LikelihoodRatioTest]):
    """Likelihood ratio tests, one row per model or deletion.

    Attributes
    ----------
    rows
        One :class:`LikelihoodRatioTest` per model or deletion, in R's order.
    text
        The text that R prints.
    warnings, messages
        R's warnings and messages, such as that it refitted by maximum likelihood.
    heading
        What R prints above the table: the method, the formulas.
    observations
        How many rows of the data the model uses; None in what was stored without it.
    """

    rows: tuple[LikelihoodRatioTest, ...]
    text: str
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    heading: tuple[str, ...] = field(default=(), metadata=LATER)
    observations: int | None = field(default=None, metadata=LATER)

    title: ClassVar[str] = "Likelihood ratio tests"
    shown: ClassVar[tuple[str, ...]] = fields_of(LikelihoodRatioTest)
    _own: ClassVar[tuple[Column, ...]] = (
        Column("p_value", "Pr(>Chisq)", "p_value"),
        Column("df", "Df"),
    )

    def _how(self) -> tuple[str, ...]:
        said = self._headed()[0]
        return (said[:1].lower() + said[1:] if said[1:2].islower() else said,)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ModelComparison(_Printed, OneRow):
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
        The factor that scales the statistic; None for Satterthwaite's method.
    p_value
        Of the statistic.
    unscaled_statistic, unscaled_p_value
        Before the scaling; None for Satterthwaite's method.
    text
        The text that R prints.
    warnings, messages
        R's warnings and messages.
    heading
        What R prints above the table: the method, the formulas.
    observations
        How many rows of the data the model uses; None in what was stored without it.
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
    heading: tuple[str, ...] = field(default=(), metadata=LATER)
    observations: int | None = field(default=None, metadata=LATER)

    title: ClassVar[str] = "F test of a restriction"
    _columns: ClassVar[tuple[Column, ...]] = (
        Column("method", "Method", "text"),
        Column("statistic", "F value"),
        Column("df1", "NumDF"),
        Column("df2", "DenDF"),
        Column("f_scaling", "F scaling"),
        Column("p_value", "Pr(>F)", "p_value"),
    )
    names: ClassVar[tuple[str, ...]] = (
        "method", "statistic", "df1", "df2", "f_scaling", "p_value", "unscaled_statistic",
        "unscaled_p_value",
    )  # fmt: skip

    def _how(self) -> tuple[str, ...]:
        return (f"{self.method}'s method",)

    def _notes(self) -> tuple[str, ...]:
        return (*self.heading, *self.messages)

    def to_frame(self) -> pd.DataFrame:
        """Return a frame of one row."""
        frame = pd.DataFrame([{name: getattr(self, name) for name in self.names}])
        # Columns that do not apply are missing, but have the same dtypes.
        return frame.assign(**{name: pd.to_numeric(frame[name]) for name in self.names[1:]})


@dataclass(frozen=True, slots=True, eq=False)
class RandomStep(Part):
    """One step in the elimination of random effects; ``eliminated`` is 0 if it was kept.

    Attributes
    ----------
    term
        The random effect.
    eliminated
        The step at which it was eliminated.
    n_parameters, log_likelihood, aic
        Of the model without it.
    chi_square, df, p_value
        Of the likelihood ratio test of the two models.
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
    """One step in the elimination of fixed effects; ``eliminated`` is 0 if it was kept.

    Attributes
    ----------
    term
        The fixed effect.
    eliminated
        The step at which it was eliminated.
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
    """Backward elimination, step by step.

    Attributes
    ----------
    random
        Steps over random-effect terms.
    fixed
        Steps over fixed effects.
    formula
        The formula of the final model.
    text
        The text that R prints.
    warnings, messages
        R's warnings and messages.
    heading
        What R prints above the table: the method, the formulas.
    observations
        How many rows of the data the model uses; None in what was stored without it.
    """

    random: tuple[RandomStep, ...]
    fixed: tuple[FixedStep, ...]
    formula: str
    text: str
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    heading: tuple[str, ...] = field(default=(), metadata=LATER)
    observations: int | None = field(default=None, metadata=LATER)

    title: ClassVar[str] = "Backward elimination"

    def _how(self) -> tuple[str, ...]:
        return (*self.heading, "random effects by likelihood ratios")

    def to_frame(self) -> pd.DataFrame:
        """Return all steps in one frame; ``effect`` is "random" or "fixed"."""
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
        notes = (f"Model found: {self.formula}", *self.messages)
        return Table(columns, rows, title=self._caption(), notes=notes)
