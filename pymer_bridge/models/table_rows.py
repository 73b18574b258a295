"""The lower rows of a table of models: random effects, sizes, fit statistics."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any, Final

from pymer_bridge.display import apa
from pymer_bridge.errors import REnvironmentError
from pymer_bridge.models.lm import GeneralizedLinearModel, LinearModel
from pymer_bridge.models.mixed import MixedModel
from pymer_bridge.results.icc_r2 import IntraclassCorrelation, LinearRSquared, RSquared
from pymer_bridge.results.variances import RESIDUAL

Model = MixedModel | LinearModel
Row = tuple[str, list[str]]
"""A label, and a cell for each model."""


def random_rows(models: Sequence[Model], components: str, digits: int) -> list[Row]:
    """Return variances or standard deviations, correlations, and the residual one."""
    word = "SD" if components == "std_dev" else "Variance"
    found: list[dict[str, str]] = []
    for model in models:
        cells: dict[str, str] = {}
        if isinstance(model, MixedModel):
            every = model.variance_components
            parts = [row for row in every if row.group != RESIDUAL]
            decimals = apa.decimals_for((getattr(row, components) for row in parts), digits)
            for row in parts:
                label = f"{row.group}: {word} {row.term}"
                cells[label] = apa.number(getattr(row, components), decimals)
            for pair in every.correlations:
                label = f"{pair.group}: r {pair.term1}, {pair.term2}"
                cells[label] = apa.share(pair.correlation)
        residual = _residual(model, components)
        if residual is not None:
            cells[f"Residual: {word}"] = apa.number(residual, digits)
        found.append(cells)
    order = list(dict.fromkeys(label for cells in found for label in cells))
    order.sort(key=lambda label: label.startswith("Residual: "))  # the residuals come last
    if not order:
        return []
    head: Row = ("Random effects", [""] * len(models))
    return [head, *((label, [cells.get(label, "") for cells in found]) for label in order)]


def _residual(model: Model, components: str) -> float | None:
    """Return the residual standard deviation or variance, if R gives it."""
    if isinstance(model, LinearModel):
        return model.sigma if components == "std_dev" else None
    rows = [row for row in model.variance_components if row.group == RESIDUAL]
    return float(getattr(rows[0], components)) if rows else None


SHARES: Final = (
    ("r2", LinearRSquared, "r_squared", "R²"),
    ("r2", RSquared, "marginal", "R² (marginal)"),
    ("r2", RSquared, "conditional", "R² (conditional)"),
    ("icc", IntraclassCorrelation, "adjusted", "ICC (adjusted)"),
)
"""What a row of shares belongs to, the result and its field, and the label."""


def share_rows(
    models: Sequence[Model], wanted: Set[str], digits: int
) -> tuple[list[Row], list[str]]:
    """Return R squared and intraclass correlations, and the note that says why there are none.

    Parameters
    ----------
    models
        The models.
    wanted
        Which: "r2", "icc".
    digits
        Decimals.
    """
    notes: list[str] = []
    found: list[tuple[Any, ...]] = []
    for model in models:
        try:
            found.append(_shares(model) if wanted else ())
        except REnvironmentError:
            found.append(())
            notes = ["R² and ICC of mixed models left out: R lacks insight or performance."]
    rows: list[Row] = []
    for of, kind, name, label in SHARES:
        shares = [
            next((getattr(part, name) for part in parts if isinstance(part, kind)), None)
            for parts in found
        ]
        cells = ["" if share is None else apa.share(share, digits) for share in shares]
        if of in wanted and any(cells):
            rows.append((label, cells))
    return rows, notes


def _shares(model: Model) -> tuple[Any, ...]:
    """Return what a model has of R squared and intraclass correlations, without warnings."""
    if isinstance(model, MixedModel):
        r2, icc = model._shares()
        # Without variances of the random effects the marginal share is of other variances.
        return () if r2.conditional is None else (r2, icc)
    return () if isinstance(model, GeneralizedLinearModel) else (model.r2(),)


def size_rows(models: Sequence[Model]) -> list[Row]:
    """Return the numbers of observations and of groups."""
    rows: list[Row] = [("Observations", [str(model.n_obs) for model in models])]
    counts = [dict(getattr(model, "n_groups", {})) for model in models]
    for group in dict.fromkeys(name for count in counts for name in count):
        cells = [str(count[group]) if group in count else "" for count in counts]
        rows.append((f"{group}: groups", cells))
    return rows


def statistic_rows(models: Sequence[Model], digits: int) -> list[Row]:
    """Return how the models were estimated, and their log-likelihoods and criteria."""
    facts = [model.fit_statistics for model in models]
    rows: list[Row] = [("Estimation", [_estimation(model) for model in models])]
    for name, label in (("log_likelihood", "Log-likelihood"), ("aic", "AIC"), ("bic", "BIC")):
        rows.append((label, [apa.number(getattr(fact, name), digits) for fact in facts]))
    return rows


def _estimation(model: Model) -> str:
    if isinstance(model, LinearModel):
        return "OLS"
    return "REML" if model.reml else "ML"
