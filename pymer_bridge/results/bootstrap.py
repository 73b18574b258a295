"""Figures of bootstraps: one row a statistic, counts, p-values, and tests of likelihood ratios."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.display.tables import Column, Table
from pymer_bridge.results.base import Result, Rows
from pymer_bridge.results.codec import register


@register
@dataclass(frozen=True, slots=True)
class BootstrapStatistic:
    """One bootstrapped statistic.

    Attributes
    ----------
    name
        R's name: ".sig01", ".sigma", "(Intercept)".
    label
        The readable name: "sd_(Intercept)|school".
    effect, group, level, term
        What it belongs to, as broom.mixed says it; None where one does not apply.
    estimate
        Its value for the fit itself.
    bias
        Mean of the replicates less the estimate.
    std_error
        Standard deviation of the replicates.
    """

    name: str
    label: str
    effect: str
    group: str | None
    level: str | None
    term: str
    estimate: float
    bias: float | None
    std_error: float | None


@register
@dataclass(frozen=True, slots=True)
class ReplicateStatus:
    """What became of one replicate.

    Attributes
    ----------
    iteration
        Its number, from 1.
    converged, singular
        Did the optimizer end well (and R's checks find nothing)? Is it on the boundary?
    warnings, messages
        What R warned of and said.
    error
        Why it failed, None where it did not.
    """

    iteration: int
    converged: bool
    singular: bool
    warnings: tuple[str, ...]
    messages: tuple[str, ...]
    error: str | None


@register
@dataclass(frozen=True, slots=True)
class BootstrapCounts:
    """How many replicates ended in which way.

    Attributes
    ----------
    n_sim
        All of them.
    n_usable
        Those that gave figures.
    n_failed
        Those whose fit stopped with an error.
    n_not_converged, n_singular, n_warnings, n_messages
        Usable ones of which this is to be said.
    """

    n_sim: int
    n_usable: int
    n_failed: int
    n_not_converged: int
    n_singular: int
    n_warnings: int
    n_messages: int


@register
@dataclass(frozen=True, slots=True)
class BootstrapPValue:
    """The bootstrap p-value of one statistic.

    Attributes
    ----------
    name, label
        R's name of the statistic, and the readable one.
    estimate
        Its value for the fit itself.
    null
        The value that the hypothesis gives it.
    p_value
        Two-sided.
    """

    name: str
    label: str
    estimate: float
    null: float
    p_value: float


@register
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BootstrapPValues(Rows[BootstrapPValue]):
    """Bootstrap p-values: ``p_values["Days"].p_value``.

    Attributes
    ----------
    rows
        One :class:`BootstrapPValue` a statistic.
    """

    rows: tuple[BootstrapPValue, ...]

    title: ClassVar[str] = "Bootstrap p-values:"
    key: ClassVar[tuple[str, ...]] = ("name",)
    shown: ClassVar[tuple[str, ...]] = ("name", "estimate", "null", "p_value")

    def _label(self, name: str) -> Column:
        if name == "null":
            return Column("null", "Null value")
        if name == "p_value":
            return Column("p_value", "p", "p_value")
        return super(BootstrapPValues, self)._label(name)


@register
@dataclass(frozen=True, slots=True)
class BootstrapTestRow:
    """One way to a p-value from the likelihood ratios of replicates.

    Attributes
    ----------
    term
        "LRT" (chi square), "PBtest" (share of the replicates), "Gamma", "Bartlett" or "F".
    statistic, df, df2, p_value
        The test; None where it has no such figure.
    """

    term: str
    statistic: float
    df: float | None
    df2: float | None
    p_value: float | None


@register
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BootstrapTest(Rows[BootstrapTestRow]):
    """A parametric bootstrap test of two nested models: ``test["Bartlett"].p_value``.

    Attributes
    ----------
    rows
        One row a way to a p-value.
    lrt, p_value
        The likelihood ratio of the data, and the bootstrap's own p-value (row "PBtest").
    n_sim, n_usable, n_not_positive, n_failed
        How many replicates were asked for and made; how many likelihood ratios are positive, on
        which alone the tests rest; how many are not; and how many fits stopped with an error.
    stopped_early
        Did the sequential rule end the run before ``n_sim``?
    start
        How the refits started: "warm", "cold" or "multiple".
    likelihood_ratios
        Those of the replicates, NaN where one failed.
    seed, generator, versions, seconds
        How to get the same again, and how long it took.
    warnings, messages
        What was warned of and said.
    """

    rows: tuple[BootstrapTestRow, ...]
    lrt: float
    p_value: float
    n_sim: int
    n_usable: int
    n_not_positive: int
    n_failed: int
    stopped_early: bool
    start: str
    likelihood_ratios: NDArray[np.float64]
    seed: int | None
    generator: tuple[str, ...]
    versions: dict[str, str | None]
    seconds: float
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    shown: ClassVar[tuple[str, ...]] = ("term", "statistic", "df", "df2", "p_value")

    def _table(self) -> Table:
        columns = (
            Column("term", "", "text"), Column("statistic", "stat"), Column("df", "df"),
            Column("df2", "ddf"), Column("p_value", "p.value", "p_value"),
        )  # fmt: skip
        cells = tuple(tuple(getattr(row, c.name) for c in columns) for row in self.rows)
        note = f"{self.n_usable} of {len(self.likelihood_ratios)} replicates usable"
        if self.n_failed:
            note += f", {self.n_failed} failed"
        return Table(columns, cells, title="Bootstrap test:", notes=(note,))


@register
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ManyFits(Result):
    """The same model fitted to many responses.

    Attributes
    ----------
    responses
        Their names, one a row of ``values``.
    names, effects, groups, terms
        R's name of each parameter, and what it belongs to.
    values
        Array of responses by parameters: standard deviations, correlations, fixed effects.
    std_errors
        Array of responses by fixed effects, in their order.
    criterion
        REML criterion or deviance of each response.
    log_likelihood
        Log-likelihood of each response.
    converged, singular
        For each response: did the optimizer end well? Is the fit on the boundary?
    warnings, messages, errors
        For each response what R warned of and said, and why its fit stopped (None).
    reml
        Fitted by restricted maximum likelihood?
    versions, seconds
        Of R and its packages; and how long it took.
    """

    responses: tuple[str, ...]
    names: tuple[str, ...]
    effects: tuple[str, ...]
    groups: tuple[str | None, ...]
    terms: tuple[str, ...]
    values: NDArray[np.float64]
    std_errors: NDArray[np.float64]
    criterion: NDArray[np.float64]
    log_likelihood: NDArray[np.float64]
    converged: NDArray[np.bool_]
    singular: NDArray[np.bool_]
    warnings: tuple[tuple[str, ...], ...]
    messages: tuple[tuple[str, ...], ...]
    errors: tuple[str | None, ...]
    reml: bool
    versions: dict[str, str | None]
    seconds: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row a response and parameter: estimate, standard error and t value."""
        n, k = self.values.shape
        fixed = np.array([effect == "fixed" for effect in self.effects])
        errors = np.full((n, k), np.nan)
        errors[:, fixed] = self.std_errors
        frame = pd.DataFrame(
            {
                "response": np.repeat(np.array(self.responses, dtype=object), k),
                "effect": list(self.effects) * n,
                "group": list(self.groups) * n,
                "term": list(self.terms) * n,
                "estimate": self.values.ravel(),
                "std_error": errors.ravel(),
            }
        )
        frame["converged"] = np.repeat(self.converged, k)
        frame["singular"] = np.repeat(self.singular, k)
        return frame

    def __len__(self) -> int:
        """Return the number of responses."""
        return len(self.responses)

    def _table(self) -> Table:
        columns = (
            Column("response", "Response", "text"),
            *(Column(name, name) for name in self.names),
            Column("note", "", "text"),
        )
        cells = tuple(
            (response, *(None if np.isnan(v) else float(v) for v in row), self._note(i))
            for i, (response, row) in enumerate(zip(self.responses, self.values, strict=True))
        )
        return Table(columns, cells, title="Fits:")

    def _note(self, i: int) -> str:
        if self.errors[i] is not None:
            return "failed"
        return "singular" if self.singular[i] else ("" if self.converged[i] else "not converged")
