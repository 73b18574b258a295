"""Results read from one fitted model."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import DTypeLike, NDArray

from pymer_bridge import display
from pymer_bridge.results.base import COLUMNS, Result, Rows
from pymer_bridge.results.codec import register
from pymer_bridge.tables import Cell, Column, Table

Floats = NDArray[np.float64]


@register
@dataclass(frozen=True, slots=True)
class FixedEffect:
    """One fixed effect: estimate and test; None where the method gives no such figure."""

    term: str
    estimate: float
    std_error: float
    df: float | None
    statistic: float
    p_value: float | None
    conf_low: float | None
    conf_high: float | None


@register
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FixedEffects(Rows[FixedEffect]):
    """The fixed effects, one row a term: ``fixed_effects["Days"].p_value``.

    Attributes
    ----------
    rows
        One :class:`FixedEffect` a term, in R's order.
    ddf
        Which degrees of freedom: "satterthwaite", "normal" or "none".
    conf_level
        The level of the intervals.
    warnings, messages
        What R warned of and said on the way.
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
            return Column(name, {"statistic": "z value", "p_value": "Pr(>|z|)"}[name],
                          COLUMNS[name].kind)  # fmt: skip
        return COLUMNS[name]


@register
@dataclass(frozen=True, slots=True)
class VarianceComponent:
    """One variance: of a random term in a group, or of the residuals (term None)."""

    group: str
    term: str | None
    variance: float
    std_dev: float


@register
@dataclass(frozen=True, slots=True)
class RandomCorrelation:
    """The correlation of two random terms of one group."""

    group: str
    term1: str
    term2: str
    covariance: float
    correlation: float


@register
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class VarianceComponents(Rows[VarianceComponent]):
    """Variances and correlations: ``variance_components["Subject", "Days"].std_dev``.

    Attributes
    ----------
    rows
        One :class:`VarianceComponent` a random term, and one for the residuals.
    correlations
        One :class:`RandomCorrelation` a pair of terms.
    """

    rows: tuple[VarianceComponent, ...]
    correlations: tuple[RandomCorrelation, ...]

    title: ClassVar[str] = "Random effects:"
    key: ClassVar[tuple[str, ...]] = ("group", "term")
    shown: ClassVar[tuple[str, ...]] = ("group", "term", "variance", "std_dev")

    def __getitem__(self, key: str | tuple[str, ...]) -> VarianceComponent:
        """Return the row of a group and a term; the group alone will do where it has one term.

        Raises
        ------
        KeyError
            There is no such row, or the group has several terms.
        """
        if isinstance(key, str):
            of_group = [row for row in self.rows if row.group == key]
            if len(of_group) == 1:
                return of_group[0]
        return super(VarianceComponents, self).__getitem__(key)

    def correlation(self, group: str, term1: str, term2: str) -> float:
        """Return the correlation of two random terms of a group, in either order.

        Parameters
        ----------
        group
            The grouping factor, as R names it.
        term1, term2
            The two terms.

        Returns
        -------
        float
            Between -1 and 1.

        Raises
        ------
        KeyError
            The model has no such correlation.
        """
        for row in self.correlations:
            if row.group == group and {row.term1, row.term2} == {term1, term2}:
                return row.correlation
        have = ", ".join(repr((row.group, row.term1, row.term2)) for row in self.correlations)
        raise KeyError(f"no correlation {(group, term1, term2)!r}; there are: {have or 'none'}")

    def _table(self) -> Table:
        """Lay out as R does: correlations to the right, against the terms above."""
        blocks: dict[str, list[str]] = {}
        found = {(c.group, c.term1, c.term2): c.correlation for c in self.correlations}
        found |= {(c.group, c.term2, c.term1): c.correlation for c in self.correlations}
        width = 0
        body: list[tuple[list[Cell], list[float]]] = []
        for row in self.rows:
            above = blocks.setdefault(row.group, [])
            against = [found.get((row.group, row.term or "", other)) for other in above]
            shown = [c for c in against if c is not None]
            width = max(width, len(shown))
            body.append(
                ([row.group if not above else "", row.term, row.variance, row.std_dev], shown)
            )
            above.append(row.term or "")
        columns = (
            Column("group", "Groups", "text"), Column("term", "Name", "text"),
            COLUMNS["variance"], COLUMNS["std_dev"],
            *(Column(f"correlation{i}", "Corr" if i == 0 else "", "text") for i in range(width)),
        )  # fmt: skip
        cells = tuple(
            (
                *start,
                *("NaN" if isnan(c) else f"{c:.2f}" for c in shown),
                *(None,) * (width - len(shown)),
            )
            for start, shown in body
        )
        return Table(columns, cells, title=self.title)

    def to_frame(self) -> pd.DataFrame:
        """Return variances and correlations in one frame: figures that do not apply are NaN.

        Returns
        -------
        pandas.DataFrame
            Columns group, term, term2, variance, std_dev, covariance, correlation: the first
            two figures of one term, the last two of two terms.
        """
        rows: list[tuple[Any, ...]] = [
            (r.group, r.term, None, r.variance, r.std_dev, None, None) for r in self.rows
        ]
        rows += [
            (c.group, c.term1, c.term2, None, None, c.covariance, c.correlation)
            for c in self.correlations
        ]
        figures = ["variance", "std_dev", "covariance", "correlation"]
        frame = pd.DataFrame(rows, columns=["group", "term", "term2", *figures])
        return frame.astype(dict.fromkeys(figures, np.float64))


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
        """Return a frame of one row, one column a figure."""
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


@register
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FitStatistics(_Facts):
    """What measures the fit.

    Attributes
    ----------
    reml_criterion
        The REML criterion at convergence; None for a fit by maximum likelihood.
    log_likelihood
        The (restricted) log-likelihood.
    deviance
        R's ``deviance(fit, REML = FALSE)``: -2 times the log-likelihood that is not restricted,
        at the estimates; of a generalized model the sum of squared deviance residuals, given the
        random effects.
    aic, bic
        Of the (restricted) log-likelihood.
    df
        The number of parameters.
    df_residual
        Observations less parameters.
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
            for value in facts.values() if value is not None
        )  # fmt: skip
        return Table(tuple(columns), (tuple(given),), title=self.title)


@register
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Convergence(_Facts):
    """How the optimizer ended.

    Attributes
    ----------
    converged
        The optimizer's code is 0 and lme4's checks, but for singularity, found nothing.
    singular
        Some variance is zero, or some correlation is one (``lme4::isSingular``).
    code
        The optimizer's return code; 0 is success. None where it gave none.
    messages
        What lme4's convergence checks found, and every other message of the fit.
    warnings
        What the optimizer warned of, and every other warning of the fit.
    optimizer, optimizer_message
        Its name (None where nothing was optimised), and its last word.
    evaluations
        How often the deviance function was evaluated; None where the optimizer does not count.
    theta
        The relative covariance parameters at the optimum.
    gradient
        The gradient there; empty where derivatives were not computed.
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
        """Return nothing: the table itself tells of warnings."""
        return ()


@register
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NamedMatrix(Result):
    """A matrix whose columns, and perhaps rows, have names; numpy takes it as it is.

    Attributes
    ----------
    values
        Read-only array.
    names
        The columns' names.
    row_names
        The rows' names; None where rows are those of the data.
    """

    values: Floats
    names: tuple[str, ...]
    row_names: tuple[str, ...] | None = None

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Give numpy the values."""
        if copy is False:
            return self.values if dtype is None else self.values.astype(dtype, copy=False)
        return np.array(self.values, dtype=dtype)

    def __getitem__(self, key: tuple[str, str]) -> float:
        """Return one value by the names of its row and column.

        Raises
        ------
        KeyError
            There is no such row or column.
        """
        if self.row_names is None or key[0] not in self.row_names or key[1] not in self.names:
            raise KeyError(f"no entry {key!r}; columns are: {', '.join(map(repr, self.names))}")
        return float(self.values[self.row_names.index(key[0]), self.names.index(key[1])])

    def to_frame(self) -> pd.DataFrame:
        """Return the matrix as a pandas frame."""
        index = None if self.row_names is None else list(self.row_names)
        return pd.DataFrame(np.array(self.values), index=index, columns=list(self.names))

    def _table(self) -> Table:
        rows = self.row_names or tuple(map(str, range(1, len(self.values) + 1)))
        columns = (Column("name", "", "text"), *(Column(n, n) for n in self.names))
        cells: tuple[tuple[Cell, ...], ...] = tuple(
            (name, *values) for name, values in zip(rows, self.values.tolist(), strict=True)
        )
        return Table(columns, cells)


@register
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ModelSummary(Result):
    """R's summary: ``str()`` is R's printed text, to the character.

    Attributes
    ----------
    text
        What R prints.
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
        return display.block(heading, self.fixed_effects._alerts(), tables)

    def to_markdown(self) -> str:
        """Return the tables in Markdown."""
        return "\n\n".join(part.to_markdown() for part in self._parts())

    def to_latex(self) -> str:
        """Return the tables in LaTeX."""
        return "\n\n".join(part.to_latex() for part in self._parts())
