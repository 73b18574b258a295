"""Results of fitting one model by several optimizers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import pandas as pd

from pymer_bridge.display.tables import Cell, Column, Table
from pymer_bridge.results.base import COLUMNS, Part, Rows, above, fields_of, how_it_ended
from pymer_bridge.results.codec import LATER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, eq=False)
class OptimizerFit(Part):
    """The fit by one optimizer; a figure that does not exist is None.

    Attributes
    ----------
    optimizer
        Its name, as R's ``allFit`` writes it.
    package
        The R package that it needs in addition to lme4.
    available
        Is that package installed? If not, there is no fit.
    ok
        Did the fit end without an error?
    converged
        Did the optimizer end well, and R's checks find nothing but a singular fit?
    singular
        Is the fit on the boundary?
    messages
        What R's convergence checks say.
    error
        Why there is no fit.
    log_likelihood
        The log-likelihood; for a fit by REML the restricted one.
    evaluations
        How often the criterion was computed; None if the optimizer does not say.
    seconds
        Elapsed seconds.
    fixed_effects, sdcor, theta
        The estimates by name: fixed effects, standard deviations and correlations, and the
        parameters that are optimized.
    """

    optimizer: str
    package: str | None
    available: bool
    ok: bool
    converged: bool | None = None
    singular: bool | None = None
    messages: tuple[str, ...] = ()
    error: str | None = None
    log_likelihood: float | None = None
    evaluations: int | None = None
    seconds: float | None = None
    fixed_effects: dict[str, float] | None = None
    sdcor: dict[str, float] | None = None
    theta: dict[str, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ParameterAgreement(Part):
    """How well the optimizers agree on one parameter.

    Attributes
    ----------
    kind
        "log_likelihood", "fixed", "sdcor" or "theta".
    name
        The parameter.
    minimum, maximum, spread
        Over all fits that ended without an error; ``spread`` is their difference.
    """

    kind: str
    name: str
    minimum: float
    maximum: float
    spread: float


_OWN: dict[str, Column] = {
    column.name: column
    for column in (
        Column("optimizer", "Optimizer", "text"),
        Column("kind", "", "text"),
        Column("name", "Parameter", "text"),
        Column("minimum", "Minimum"),
        Column("maximum", "Maximum"),
        Column("spread", "Spread"),
        Column("seconds", "Seconds"),
        Column("evaluations", "Evaluations", "integer"),
        Column("note", "", "text"),
    )
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Agreement(Rows[ParameterAgreement]):
    """How well the optimizers agree: ``agreement["fixed", "Days"].spread``.

    Attributes
    ----------
    rows
        One :class:`ParameterAgreement` per figure.
    """

    rows: tuple[ParameterAgreement, ...]

    title: ClassVar[str] = "Agreement of the optimizers"
    key: ClassVar[tuple[str, ...]] = ("kind", "name")
    shown: ClassVar[tuple[str, ...]] = fields_of(ParameterAgreement)
    _own: ClassVar[tuple[Column, ...]] = tuple(_OWN.values())


@dataclass(frozen=True, slots=True, eq=False)
class OptimizerTiming(Part):
    """What one optimizer took: seconds, and evaluations of the criterion.

    Attributes
    ----------
    optimizer
        Its name.
    seconds
        Elapsed seconds.
    evaluations
        How often the criterion was evaluated; None if it was not counted.
    """

    optimizer: str
    seconds: float
    evaluations: int | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OptimizerTimings(Rows[OptimizerTiming]):
    """What each optimizer took: ``timing["bobyqa"].seconds``.

    Attributes
    ----------
    rows
        One :class:`OptimizerTiming` per optimizer.
    """

    rows: tuple[OptimizerTiming, ...]

    title: ClassVar[str] = "Time taken"
    key: ClassVar[tuple[str, ...]] = ("optimizer",)
    shown: ClassVar[tuple[str, ...]] = fields_of(OptimizerTiming)
    _own: ClassVar[tuple[Column, ...]] = tuple(_OWN.values())


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AllFit(Rows[OptimizerFit]):
    """One model by several optimizers: ``all_fit["bobyqa"].log_likelihood``.

    Attributes
    ----------
    rows
        One :class:`OptimizerFit` per optimizer, also for those that are not installed.
    agreement
        The range of each figure over the optimizers.
    text
        The text that R prints.
    warnings, messages
        R's warnings and messages.
    observations
        How many rows of the data the model uses; None in what was stored without it.
    """

    rows: tuple[OptimizerFit, ...]
    agreement: Agreement
    text: str
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    observations: int | None = field(default=None, metadata=LATER)

    title: ClassVar[str] = "Fits"
    key: ClassVar[tuple[str, ...]] = ("optimizer",)
    shown: ClassVar[tuple[str, ...]] = (
        "optimizer", "available", "ok", "converged", "singular", "log_likelihood", "evaluations",
        "seconds",
    )  # fmt: skip

    @property
    def timing(self) -> OptimizerTimings:
        """What each optimizer took."""
        return OptimizerTimings(
            tuple(
                OptimizerTiming(row.optimizer, row.seconds, row.evaluations)
                for row in self.rows
                if row.seconds is not None
            )
        )

    def _names(self, kind: str) -> tuple[str, ...]:
        return tuple(row.name for row in self.agreement.rows if row.kind == kind)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per optimizer: how it ended, and all estimates.

        Returns
        -------
        pandas.DataFrame
            Columns optimizer, available, ok, converged, singular, log_likelihood, evaluations,
            seconds; then fixed effects, standard deviations and correlations by their names,
            and each theta with "theta_" before its name.
        """
        columns = {name: [getattr(row, name) for row in self.rows] for name in self.shown}
        frame = pd.DataFrame(columns)
        for name in ("log_likelihood", "evaluations", "seconds"):
            frame[name] = pd.to_numeric(frame[name])
        for kind, part, prefix in (
            ("fixed", "fixed_effects", ""),
            ("sdcor", "sdcor", ""),
            ("theta", "theta", "theta_"),
        ):
            for name in self._names(kind):
                found = [(getattr(row, part) or {}).get(name) for row in self.rows]
                frame[prefix + name] = pd.to_numeric(pd.Series(found, dtype="float64"))
        return frame

    def plot(self, *parameters: str, ax: Axes | Sequence[Axes] | None = None) -> Figure:
        """Draw how well the optimizers agree; see :func:`pymer_bridge.plots.all_fit`.

        Parameters
        ----------
        *parameters
            Which figures; all by default.
        ax
            Axes to draw on, one per parameter.
        """
        figure: Figure = above("pymer_bridge.plots", "all_fit")(
            self, list(parameters) or None, ax=ax
        )
        return figure

    def _note(self, row: OptimizerFit) -> str:
        if not row.available:
            return f"needs {row.package}"
        return how_it_ended(failed=not row.ok, singular=row.singular, converged=row.converged)

    def _table(self) -> Table:
        fixed, sdcor = self._names("fixed"), self._names("sdcor")
        columns = (
            _OWN["optimizer"], COLUMNS["log_likelihood"],
            *(Column(name, name) for name in (*fixed, *sdcor)), _OWN["seconds"], _OWN["note"],
        )  # fmt: skip
        body: list[tuple[Cell, ...]] = [
            (
                row.optimizer,
                row.log_likelihood,
                *((row.fixed_effects or {}).get(name) for name in fixed),
                *((row.sdcor or {}).get(name) for name in sdcor),
                row.seconds,
                self._note(row),
            )
            for row in self.rows
        ]
        return Table(columns, tuple(body), title=self._caption())

    def __str__(self) -> str:
        """Return R's text, then the figures of its summary, then how well they agree."""
        return "\n\n".join([self.text, self._table().to_text(), str(self.agreement)])
