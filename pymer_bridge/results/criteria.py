"""Models side by side, by criteria that weigh fit against the number of parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pymer_bridge.display.tables import Column
from pymer_bridge.results.base import Part, Rows, fields_of


@dataclass(frozen=True, slots=True, eq=False)
class ModelCriteria(Part):
    """One model among others; a figure that it does not have is None.

    Attributes
    ----------
    name
        What the model is called.
    n_parameters
        How many parameters its likelihood has.
    log_likelihood
        The log-likelihood, restricted if the models are fitted by REML.
    aic, aicc, bic
        Akaike's criterion, the same corrected for small samples, and Schwarz's.
    aic_difference, aicc_difference, bic_difference
        The differences to the lowest one.
    aic_weight, aicc_weight, bic_weight
        The relative likelihoods of the models by each criterion; they sum to one.
    r2_marginal, r2_conditional, icc
        Nakagawa's shares of variance and the adjusted intraclass correlation of a mixed model. Of a
        singular one there is the first alone, which leaves out the random effects.
    r2, r2_adjusted
        Those of a model of :func:`pymer_bridge.lm`.
    rmse
        The root of the mean of squared residuals, in units of the response.
    sigma
        The residual standard deviation, or the root of a generalized model's dispersion.
    singular
        Is a mixed model on the boundary?
    converged
        Did the fit end well?
    """

    name: str
    n_parameters: int
    log_likelihood: float
    aic: float
    aicc: float
    bic: float
    aic_difference: float
    aicc_difference: float
    bic_difference: float
    aic_weight: float
    aicc_weight: float
    bic_weight: float
    r2_marginal: float | None
    r2_conditional: float | None
    r2: float | None
    r2_adjusted: float | None
    icc: float | None
    rmse: float
    sigma: float
    singular: bool | None
    converged: bool


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ComparedModels(Rows[ModelCriteria]):
    """Models side by side: ``compared["large"].aic_difference``.

    Attributes
    ----------
    rows
        One :class:`ModelCriteria` per model, in the order given.
    reml
        Are the criteria those of the restricted likelihood?
    warnings, messages
        R's warnings and messages.
    observations
        How many rows of the data every model uses.
    """

    rows: tuple[ModelCriteria, ...]
    reml: bool
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    observations: int | None = None

    title: ClassVar[str] = "Models side by side"
    key: ClassVar[tuple[str, ...]] = ("name",)
    shown: ClassVar[tuple[str, ...]] = fields_of(ModelCriteria)
    _own: ClassVar[tuple[Column, ...]] = (
        Column("name", "Model", "text"),
        Column("aicc", "AICc", digits=5, scale="likelihood"),
        *(Column(f"{n.lower()}_difference", f"Δ {n}") for n in ("AIC", "AICc", "BIC")),
        *(Column(f"{n.lower()}_weight", f"{n} weight") for n in ("AIC", "AICc", "BIC")),
        Column("r2_marginal", "R² marginal"),
        Column("r2_conditional", "R² conditional"),
        Column("r2", "R²"),
        Column("r2_adjusted", "R² adjusted"),
        Column("icc", "ICC"),
        Column("rmse", "RMSE"),
        Column("sigma", "Sigma"),
        Column("singular", "Singular"),
        Column("converged", "Converged"),
    )

    def _how(self) -> tuple[str, ...]:
        return ("restricted maximum likelihood" if self.reml else "maximum likelihood",)

    def _columns(self) -> tuple[str, ...]:
        """Leave differences and weights by the other two criteria to ``to_frame()``."""
        left = {f"{of}_{what}" for of in ("aicc", "bic") for what in ("difference", "weight")}
        return tuple(name for name in super(ComparedModels, self)._columns() if name not in left)
