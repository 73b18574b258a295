"""The lower rows of a table of models: random effects, sizes, fit statistics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pymer_bridge.display import apa
from pymer_bridge.errors import REnvironmentError
from pymer_bridge.models.lm import LinearModel
from pymer_bridge.models.mixed import MixedModel

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
            parts = [row for row in every if row.group != "Residual"]
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
    rows = [row for row in model.variance_components if row.group == "Residual"]
    return float(getattr(rows[0], components)) if rows else None


def icc_row(models: Sequence[Model], digits: int) -> tuple[list[Row], list[str]]:
    """Return the intraclass correlations, or the note that says why there are none."""
    cells: list[str] = []
    for model in models:
        ask: Callable[[], Any] | None = getattr(model, "icc", None)
        if ask is None:
            cells.append("")
            continue
        try:
            value = ask().adjusted
        except REnvironmentError:
            return [], ["ICC left out: R's package performance is not installed."]
        cells.append("" if value is None else apa.share(value, digits))
    return ([("ICC (adjusted)", cells)] if any(cells) else []), []


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
