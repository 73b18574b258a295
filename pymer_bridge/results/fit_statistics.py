"""Figures of a whole fit: what measures it, and how the optimizer ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.display.tables import Column, Table
from pymer_bridge.results.base import Result

Floats = NDArray[np.float64]


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
        return Table(columns, tuple(body), title=self._caption())

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

    title: ClassVar[str] = "Fit statistics"
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
        return Table(tuple(columns), (tuple(given),), title=self._caption())


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

    title: ClassVar[str] = "Convergence"
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
