"""The same model fitted to many responses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.display.tables import Column, Table
from pymer_bridge.results.base import Result, how_it_ended


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ManyFits(Result):
    """The same model fitted to many responses.

    Attributes
    ----------
    responses
        Their names, one per row of ``values``.
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
        For each response R's warnings and messages, and the error that stopped its fit (or None).
    reml
        Fitted by restricted maximum likelihood?
    versions, seconds
        Versions of R and its packages; elapsed seconds.
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
        """Return one row per response and parameter: estimate, standard error and t value."""
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
        ended = {"singular": bool(self.singular[i]), "converged": bool(self.converged[i])}
        return how_it_ended(failed=self.errors[i] is not None, **ended)
