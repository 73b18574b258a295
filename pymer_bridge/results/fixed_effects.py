"""Results read from one fitted model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.display import notebook
from pymer_bridge.display.tables import Column, Table
from pymer_bridge.results.base import COLUMNS, Part, Result, Rows
from pymer_bridge.results.variances import VarianceComponents

Floats = NDArray[np.float64]

INTERCEPT: Final = "(Intercept)"
"""R's name of the intercept."""


@dataclass(frozen=True, slots=True, eq=False)
class FixedEffect(Part):
    """One fixed effect: estimate and test; a figure that the method does not give is None.

    Attributes
    ----------
    term
        The name of the coefficient, as R has it.
    estimate, std_error
        In units of the linear predictor for one unit of the term.
    df
        Degrees of freedom; None for normal tests.
    statistic, p_value
        Estimate over standard error, and the two-sided p-value.
    conf_low, conf_high
        The ends of the interval, in units of the estimate.
    """

    term: str
    estimate: float
    std_error: float
    df: float | None
    statistic: float
    p_value: float | None
    conf_low: float | None
    conf_high: float | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FixedEffects(Rows[FixedEffect]):
    """The fixed effects, one row per term: ``fixed_effects["Days"].p_value``.

    Attributes
    ----------
    rows
        One :class:`FixedEffect` per term, in R's order.
    ddf
        Which degrees of freedom: "satterthwaite", "normal" or "none".
    conf_level
        The level of the intervals.
    warnings, messages
        R's warnings and messages.
    """

    rows: tuple[FixedEffect, ...]
    ddf: str
    conf_level: float
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    title: ClassVar[str] = "Fixed effects:"
    shown: ClassVar[tuple[str, ...]] = (
        "term", "estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high",
    )  # fmt: skip

    def _label(self, name: str) -> Column:
        if self.ddf == "normal" and name in ("statistic", "p_value"):
            # R heads a normal test with z.
            return Column(
                name, {"statistic": "z value", "p_value": "Pr(>|z|)"}[name], COLUMNS[name].kind
            )
        return COLUMNS[name]


class _Facts(Result):
    """Shared by results that are one set of named figures."""

    __slots__ = ()

    names: ClassVar[tuple[tuple[str, str], ...]] = ()

    def _table(self) -> Table:
        columns = (Column("name", "", "text"), Column("value", "Value", "text"))
        body = []
        for name, label in self.names:
            value = getattr(self, name)
            if value is not None:
                body.append((label, _shown(value)))
        return Table(columns, tuple(body), title=self.title)

    def to_frame(self) -> pd.DataFrame:
        """Return a frame of one row, one column per figure."""
        return pd.DataFrame([{name: getattr(self, name) for name, _ in self.names}])


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.7g}"
    if isinstance(value, tuple):
        return "; ".join(map(str, value)) if value else "none"
    if isinstance(value, np.ndarray):
        return " ".join(f"{item:.3g}" for item in value)
    return str(value)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FitStatistics(_Facts):
    """Fit statistics: likelihood, deviance, information criteria, degrees of freedom.

    Attributes
    ----------
    reml_criterion
        The REML criterion at convergence; None for a fit by maximum likelihood.
    log_likelihood
        The (restricted) log-likelihood.
    deviance
        R's ``deviance(fit, REML = FALSE)``: -2 times the unrestricted log-likelihood at the
        estimates; for a generalized model the sum of squared deviance residuals, given the random
        effects.
    aic, bic
        Of the (restricted) log-likelihood.
    df
        The number of parameters.
    df_residual
        Observations minus parameters.
    n_obs
        The number of observations.
    """

    reml_criterion: float | None
    log_likelihood: float
    deviance: float
    aic: float
    bic: float
    df: int
    df_residual: int
    n_obs: int

    title: ClassVar[str] = "Fit statistics:"
    names: ClassVar[tuple[tuple[str, str], ...]] = (
        ("reml_criterion", "REML criterion"),
        ("log_likelihood", "Log-likelihood"),
        ("deviance", "Deviance"),
        ("aic", "AIC"),
        ("bic", "BIC"),
        ("df", "Parameters"),
        ("df_residual", "Residual df"),
        ("n_obs", "Observations"),
    )

    def _one_row(self) -> Table:
        """Lay the figures side by side, for a page whose heading has the number of observations."""
        facts = {name: getattr(self, name) for name, _ in self.names if name != "n_obs"}
        columns = (Column(name, label) for name, label in self.names if facts.get(name) is not None)
        # One decimal, as in R's summary.
        given = (
            f"{value:.1f}" if isinstance(value, float) else value
            for value in facts.values()
            if value is not None
        )
        return Table(tuple(columns), (tuple(given),), title=self.title)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Convergence(_Facts):
    """How the optimizer ended.

    Attributes
    ----------
    converged
        The optimizer's code is 0, and lme4's checks found nothing but singularity.
    singular
        Some variance is zero, or some correlation is one (``lme4::isSingular``).
    code
        The optimizer's return code; 0 is success. None if it gave none.
    messages
        What lme4's convergence checks found, and every other message of the fit.
    warnings
        Warnings of the optimizer, and every other warning of the fit.
    optimizer, optimizer_message
        Its name (None if nothing was optimised), and its last message.
    evaluations
        How often the deviance function was evaluated; None if the optimizer does not count.
    theta
        The relative covariance parameters at the optimum.
    theta_names
        R's names for them.
    gradient
        The gradient there; empty if derivatives were not computed.
    """

    converged: bool
    singular: bool
    code: int | None
    messages: tuple[str, ...]
    warnings: tuple[str, ...]
    optimizer: str | None
    optimizer_message: str
    evaluations: int | None
    theta: Floats
    theta_names: tuple[str, ...]
    gradient: Floats

    title: ClassVar[str] = "Convergence:"
    names: ClassVar[tuple[tuple[str, str], ...]] = (
        ("converged", "Converged"),
        ("singular", "Singular"),
        ("code", "Optimizer's code"),
        ("messages", "Messages"),
        ("warnings", "Warnings"),
        ("optimizer", "Optimizer"),
        ("optimizer_message", "Optimizer's message"),
        ("evaluations", "Evaluations"),
        ("theta", "theta"),
        ("gradient", "Gradient"),
    )

    def _alerts(self) -> tuple[str, ...]:
        """Return nothing: the table itself shows the warnings."""
        return ()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ModelSummary(Result):
    """R's summary: ``str()`` is R's printed text, to the character.

    Attributes
    ----------
    text
        The text that R prints.
    fixed_effects, variance_components, fit_statistics
        The figures in it, typed and at full precision.
    """

    text: str
    fixed_effects: FixedEffects
    variance_components: VarianceComponents
    fit_statistics: FitStatistics

    def __str__(self) -> str:
        """Return R's printed summary."""
        return self.text

    def _parts(self) -> tuple[Result, ...]:
        return (self.variance_components, self.fixed_effects, self.fit_statistics)

    def to_frame(self) -> pd.DataFrame:
        """Return the fixed effects as a pandas frame."""
        return self.fixed_effects.to_frame()

    def _repr_html_(self) -> str:
        tables = [self.variance_components._table(), self.fixed_effects._table()]
        tables.append(self.fit_statistics._one_row())
        heading = f"Summary\nObservations: {self.fit_statistics.n_obs}"
        return notebook.block(heading, self.fixed_effects._alerts(), tables)

    def to_markdown(self) -> str:
        """Return the tables in Markdown."""
        return "\n\n".join(part.to_markdown() for part in self._parts())

    def to_latex(self) -> str:
        """Return the tables in LaTeX."""
        return "\n\n".join(part.to_latex() for part in self._parts())
