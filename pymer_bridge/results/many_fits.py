"""The same model fitted to many responses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.display.tables import Column, Table
from pymer_bridge.errors import UnknownNameError, listed
from pymer_bridge.errors import shown as quoted
from pymer_bridge.results.base import Part, Result, Rows, fields_of, how_it_ended
from pymer_bridge.results.codec import LATER


@dataclass(frozen=True, slots=True, eq=False)
class ResponseParameter(Part):
    """One parameter of the fit to one response; a figure that does not exist is None.

    Attributes
    ----------
    name
        R's name of it.
    effect, group, term
        What it belongs to.
    estimate, std_error
        In units of the response, for one unit of the term.
    df, statistic, p_value
        The test of a fixed effect, by the method that was asked for.
    """

    name: str
    effect: str
    group: str | None
    term: str
    estimate: float | None
    std_error: float | None = None
    df: float | None = None
    statistic: float | None = None
    p_value: float | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ResponseFit(Rows[ResponseParameter]):
    """The fit to one response: ``fits["y"]["Days"].estimate``.

    Attributes
    ----------
    response
        Its name.
    rows
        One :class:`ResponseParameter` per parameter: standard deviations, correlations, fixed
        effects.
    ddf
        The method of degrees of freedom.
    criterion, log_likelihood
        REML criterion or deviance, and log-likelihood; None where the fit failed.
    converged, singular
        Did the optimizer end well? Is the fit on the boundary?
    error
        The error that stopped the fit.
    warnings, messages
        R's warnings and messages.
    """

    response: str
    rows: tuple[ResponseParameter, ...]
    ddf: str
    criterion: float | None
    log_likelihood: float | None
    converged: bool
    singular: bool
    error: str | None = None
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    key: ClassVar[tuple[str, ...]] = ("name",)
    shown: ClassVar[tuple[str, ...]] = fields_of(ResponseParameter)

    def _table(self) -> Table:
        return replace(super(ResponseFit, self)._table(), title=f"Fit to {self.response}")

    def _alerts(self) -> tuple[str, ...]:
        return (*(() if self.error is None else (self.error,)), *self.warnings)


def _figure(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ManyFits(Result):
    """The same model fitted to many responses: ``fits["y"]["Days"].estimate``.

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
    ddf
        The method of degrees of freedom of the tests.
    statistics, df, p_values
        Arrays of responses by fixed effects: the tests. NaN where the method has none; None in
        results that were stored before there were tests.
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
    ddf: str = field(default="none", metadata=LATER)
    statistics: NDArray[np.float64] | None = field(default=None, metadata=LATER)
    df: NDArray[np.float64] | None = field(default=None, metadata=LATER)
    p_values: NDArray[np.float64] | None = field(default=None, metadata=LATER)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per response and parameter: estimate, standard error and test."""
        n, k = self.values.shape
        frame = pd.DataFrame(
            {
                "response": np.repeat(np.array(self.responses, dtype=object), k),
                "effect": list(self.effects) * n,
                "group": list(self.groups) * n,
                "term": list(self.terms) * n,
                "estimate": self.values.ravel(),
                **{name: values.ravel() for name, values in self._of_fixed().items()},
            }
        )
        frame["converged"] = np.repeat(self.converged, k)
        frame["singular"] = np.repeat(self.singular, k)
        return frame

    def _of_fixed(self) -> dict[str, NDArray[np.float64]]:
        """Return what only fixed effects have, as arrays of responses by parameters."""
        fixed = np.array([effect == "fixed" for effect in self.effects])
        given = {
            "std_error": self.std_errors,
            "df": self.df,
            "statistic": self.statistics,
            "p_value": self.p_values,
        }
        found = {name: np.full(self.values.shape, np.nan) for name in given}
        for name, values in given.items():
            if values is not None:
                found[name][:, fixed] = values
        return found

    def _keys(self) -> Iterator[tuple[str]]:
        return ((response,) for response in self.responses)

    def __getitem__(self, response: str) -> ResponseFit:
        """Return the fit to one response.

        Raises
        ------
        UnknownNameError
            There is no such response; the message lists the existing ones.
        """
        if response not in self.responses:
            raise UnknownNameError(
                f"no response {quoted(response)}; there are: {listed(self.responses)}"
            )
        return self._fit(self.responses.index(response))

    def __iter__(self) -> Iterator[ResponseFit]:
        """Go through the fits in the order of the responses."""
        return map(self._fit, range(len(self)))

    def _fit(self, i: int) -> ResponseFit:
        of_fixed = self._of_fixed()
        rows = tuple(
            ResponseParameter(
                name,
                self.effects[j],
                self.groups[j],
                self.terms[j],
                _figure(self.values[i, j]),
                **{figure: _figure(values[i, j]) for figure, values in of_fixed.items()},
            )
            for j, name in enumerate(self.names)
        )
        return ResponseFit(
            self.responses[i],
            rows,
            self.ddf,
            _figure(self.criterion[i]),
            _figure(self.log_likelihood[i]),
            bool(self.converged[i]),
            bool(self.singular[i]),
            self.errors[i],
            self.warnings[i],
            self.messages[i],
        )

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
        return Table(columns, cells, title="Fits")

    def _note(self, i: int) -> str:
        ended = {"singular": bool(self.singular[i]), "converged": bool(self.converged[i])}
        return how_it_ended(failed=self.errors[i] is not None, **ended)
