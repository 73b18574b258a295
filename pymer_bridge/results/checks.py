"""What checks of a fitted model say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from pymer_bridge.display.tables import Column
from pymer_bridge.results.base import Part, Rows, fields_of


@dataclass(frozen=True, slots=True, eq=False)
class InflationFactor(Part):
    """How much a term's variance grows because other terms go along with it.

    Attributes
    ----------
    term
        The term of the fixed effects.
    factor
        The variance inflation factor; of a term with several coefficients the generalized one.
    df
        How many coefficients the term has.
    adjusted
        ``factor ** (1 / (2 * df))``, which can be compared between terms: by how much standard
        errors grow.
    """

    term: str
    factor: float
    df: float
    adjusted: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class InflationFactors(Rows[InflationFactor]):
    """Variance inflation factors, one row per term: ``fit.vif()["Days"].factor``.

    Attributes
    ----------
    rows
        One :class:`InflationFactor` per term, in R's order.
    warnings, messages
        R's warnings and messages.
    observations
        How many rows of the data the model uses.
    """

    rows: tuple[InflationFactor, ...]
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    observations: int | None = None

    title: ClassVar[str] = "Variance inflation factors"
    shown: ClassVar[tuple[str, ...]] = fields_of(InflationFactor)
    _own: ClassVar[tuple[Column, ...]] = (
        Column("factor", "GVIF"),
        Column("df", "Df"),
        Column("adjusted", "GVIF^(1/(2*Df))"),
    )

    def _notes(self) -> tuple[str, ...]:
        return self.messages


@dataclass(frozen=True, slots=True, eq=False)
class Check(Part):
    """What R says of one thing; a figure that the check does not have is None.

    Attributes
    ----------
    check
        The check, such as "overdispersion".
    what
        What was checked: a term, "Subject: Days" of the random effects, "residuals".
    statistic
        The variance inflation factor, the number of outliers, the dispersion ratio, the ratio of
        predicted to observed zeros, or the optimizer's gradient.
    df, p_value
        Its degrees of freedom, and the p-value.
    said
        The verdict, in R's words.
    """

    check: str
    what: str
    statistic: float | None
    df: float | None
    p_value: float | None
    said: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Checks(Rows[Check]):
    """What R's package performance says of a model: ``fit.check()["normality", "residuals"]``.

    Attributes
    ----------
    rows
        One :class:`Check` for each thing, by check and what was checked.
    left_out
        The checks that R does not have for this model, with what it said.
    warnings, messages
        R's warnings and messages.
    observations
        How many rows of the data the model uses.
    """

    rows: tuple[Check, ...]
    left_out: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    observations: int | None = None

    title: ClassVar[str] = "Checks by R's package performance"
    key: ClassVar[tuple[str, ...]] = ("check", "what")
    shown: ClassVar[tuple[str, ...]] = fields_of(Check)
    _own: ClassVar[tuple[Column, ...]] = (
        Column("check", "Check", "text"),
        Column("what", "Of", "text"),
        Column("statistic", "Statistic"),
        Column("df", "df"),
        Column("p_value", "p", "p_value"),
        Column("said", "R says", "text"),
    )

    def _notes(self) -> tuple[str, ...]:
        left = f"Not for this model, as R says: {', '.join(self.left_out)}"
        cases = "Cases are counted from 1, among the rows that the model uses"
        has_cases = any(row.check == "outliers" and row.statistic for row in self.rows)
        return (*((cases,) if has_cases else ()), *((left,) if self.left_out else ()))
