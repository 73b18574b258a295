"""Figures of bootstraps: statistics, counts, p-values, and tests of likelihood ratios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.data.frozen_arrays import frozen_array
from pymer_bridge.display.tables import Column, Table
from pymer_bridge.results.base import COLUMNS, Part, Rows, above, fields_of
from pymer_bridge.results.codec import LATER
from pymer_bridge.results.intervals import Intervals
from pymer_bridge.spec import options

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, eq=False)
class BootstrapStatistic(Part):
    """One bootstrapped statistic.

    Attributes
    ----------
    name
        R's name: ".sig01", ".sigma", "(Intercept)".
    label
        The readable name: "sd_(Intercept)|school".
    effect, group, level, term
        What it belongs to, in broom.mixed's terms; None where one does not apply.
    estimate
        Its value for the fit itself.
    bias
        Mean of the replicates minus the estimate.
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


@dataclass(frozen=True, slots=True, eq=False)
class ReplicateStatus(Part):
    """How one replicate ended.

    Attributes
    ----------
    iteration
        Its number, from 1.
    converged, singular
        Did the optimizer end well, without complaints from R's checks? Is the fit on the boundary?
    warnings, messages
        R's warnings and messages.
    error
        Why it failed; None if it did not.
    """

    iteration: int
    converged: bool
    singular: bool
    warnings: tuple[str, ...]
    messages: tuple[str, ...]
    error: str | None


@dataclass(frozen=True, slots=True, eq=False)
class BootstrapCounts(Part):
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
        Usable replicates to which this applies.
    """

    n_sim: int
    n_usable: int
    n_failed: int
    n_not_converged: int
    n_singular: int
    n_warnings: int
    n_messages: int


@dataclass(frozen=True, slots=True, eq=False)
class BootstrapPValue(Part):
    """The bootstrap p-value of one statistic.

    Attributes
    ----------
    name, label
        R's name of the statistic, and the readable one.
    estimate
        Its value for the fit itself.
    null
        The value under the hypothesis.
    p_value
        Two-sided.
    """

    name: str
    label: str
    estimate: float
    null: float
    p_value: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BootstrapPValues(Rows[BootstrapPValue]):
    """Bootstrap p-values: ``p_values["Days"].p_value``.

    Attributes
    ----------
    rows
        One :class:`BootstrapPValue` per statistic.
    """

    rows: tuple[BootstrapPValue, ...]

    title: ClassVar[str] = "Bootstrap p-values"
    key: ClassVar[tuple[str, ...]] = ("name",)
    shown: ClassVar[tuple[str, ...]] = ("name", "estimate", "null", "p_value")
    _own: ClassVar[tuple[Column, ...]] = (
        Column("null", "Null value"),
        Column("p_value", "p", "p_value"),
    )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BootstrapResult(Rows[BootstrapStatistic]):
    """Replicates of some statistics: ``boot["Days"].std_error``, ``boot.confint()["Days"]``.

    Made by ``fit.bootstrap()``.

    Attributes
    ----------
    rows
        One :class:`BootstrapStatistic` per statistic: estimate, bias, standard error.
    replicates
        Read-only array of replicates by statistics; NaN where a fit failed.
    iterations
        The number of each replicate, from 1; all of them, unless the run was interrupted.
    kind, statistic
        What was asked for.
    converged, singular
        For each replicate: did the optimizer end well? Is the fit on the boundary?
    replicate_warnings, replicate_messages, errors
        For each replicate R's warnings and messages, and why it failed (or None).
    seed, generator
        R's ``set.seed`` integer, and the kinds of R's generator.
    versions
        Of R and its packages.
    seconds
        Elapsed seconds.
    warnings, messages
        R's warnings and messages about the run as a whole.
    observations
        How many rows of the data the model uses; None in what was stored without it.
    """

    rows: tuple[BootstrapStatistic, ...]
    replicates: NDArray[np.float64]
    iterations: NDArray[np.int32]
    kind: str
    statistic: str
    converged: NDArray[np.bool_]
    singular: NDArray[np.bool_]
    replicate_warnings: tuple[tuple[str, ...], ...]
    replicate_messages: tuple[tuple[str, ...], ...]
    errors: tuple[str | None, ...]
    seed: int | None
    generator: tuple[str, ...]
    versions: dict[str, str | None]
    seconds: float
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    observations: int | None = field(default=None, metadata=LATER)

    key: ClassVar[tuple[str, ...]] = ("name",)
    alias: ClassVar[str | None] = "label"
    shown: ClassVar[tuple[str, ...]] = ("name", "estimate", "bias", "std_error")

    @property
    def names(self) -> tuple[str, ...]:
        """R's names of the statistics, in the order of the columns of ``replicates``."""
        return tuple(row.name for row in self.rows)

    @property
    def observed(self) -> NDArray[np.float64]:
        """The statistics of the fit itself."""
        return _array([row.estimate for row in self.rows])

    @property
    def std_errors(self) -> NDArray[np.float64]:
        """Standard deviations of the replicates, one per statistic."""
        return _array([row.std_error for row in self.rows])

    @property
    def bias(self) -> NDArray[np.float64]:
        """Means of the replicates less the statistics of the fit itself."""
        return _array([row.bias for row in self.rows])

    @property
    def status(self) -> tuple[ReplicateStatus, ...]:
        """What became of each replicate."""
        columns = zip(
            self.iterations.tolist(),
            self.converged.tolist(),
            self.singular.tolist(),
            self.replicate_warnings,
            self.replicate_messages,
            self.errors,
            strict=True,
        )
        return tuple(ReplicateStatus(*row) for row in columns)

    @property
    def counts(self) -> BootstrapCounts:
        """How many replicates ended in which way."""
        usable = np.array([error is None for error in self.errors], dtype=np.bool_)
        return BootstrapCounts(
            n_sim=len(usable),
            n_usable=int(usable.sum()),
            n_failed=int((~usable).sum()),
            n_not_converged=int((usable & ~self.converged).sum()),
            n_singular=int((usable & self.singular).sum()),
            n_warnings=sum(map(bool, self.replicate_warnings)),
            n_messages=sum(map(bool, self.replicate_messages)),
        )

    def confint(
        self,
        kind: options.BootInterval = "percentile",
        conf_level: float = 0.95,
        parameters: Sequence[str] | str | None = None,
        *,
        formulas: options.BootIntervalSource = "boot",
    ) -> Intervals:
        """Return bootstrap confidence intervals.

        Parameters
        ----------
        kind
            "percentile", "normal" (corrected for bias) or "basic".
        conf_level
            Their level.
        parameters
            Names of statistics, R's or readable; all of them by default.
        formulas
            "boot": as R's ``boot::boot.ci``, which interpolates on the normal scale;
            "lmeresampler": as that package, from R's ordinary quantiles.

        Returns
        -------
        Intervals
            One row per statistic.

        Raises
        ------
        OptionError
            An argument is not accepted.
        UnknownNameError
            There is no such statistic.

        Notes
        -----
        R functions: ``confint`` of a ``bootMer`` object, ``boot::boot.ci`` [1]_; or
        ``stats::quantile``.

        References
        ----------
        .. [1] Davison, A. C. and Hinkley, D. V. (1997). Bootstrap Methods and Their
           Application, chapter 5. Cambridge University Press.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"))
        >>> boot = fit.bootstrap("parametric", n_sim=50, seed=1)
        >>> boot.confint()["(Intercept)"].conf_low < 1527.5
        True
        """
        ask = above("pymer_bridge.replicates.intervals", "bootstrap_intervals")
        return ask(self, kind, conf_level, parameters, formulas)  # type: ignore[no-any-return]

    def p_values(
        self, null: float | Mapping[str, float] = 0.0, parameters: Sequence[str] | str | None = None
    ) -> BootstrapPValues:
        """Return two-sided bootstrap p-values.

        Parameters
        ----------
        null
            The value under the hypothesis, or one for each statistic by name (0 for others).
        parameters
            Names of statistics; by default the fixed effects where there are any, for a
            variance of zero is on the boundary and cannot be tested so, and else all.

        Returns
        -------
        BootstrapPValues
            One row per statistic.

        Raises
        ------
        UnknownNameError
            There is no such statistic.

        Notes
        -----
        The share of replicates, taken about the estimate, that lie as far from it as it lies
        from the null; both counts with one added for the data themselves [1]_, section 4.2.

        References
        ----------
        .. [1] Davison, A. C. and Hinkley, D. V. (1997). Bootstrap Methods and Their
           Application. Cambridge University Press.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (1 | Subject)", pb.load_dataset("sleepstudy"))
        >>> boot = fit.bootstrap("parametric", n_sim=49, seed=1, statistic="fixed_effects")
        >>> boot.p_values()["Days"].p_value
        0.02
        """
        ask = above("pymer_bridge.replicates.intervals", "bootstrap_p_values")
        return ask(self, null, parameters)  # type: ignore[no-any-return]

    def plot(
        self,
        parameters: Sequence[str] | str | None = None,
        *,
        kind: options.BootInterval = "percentile",
        conf_level: float = 0.95,
        bins: int | options.Bins = "auto",
        ax: Axes | Sequence[Axes] | None = None,
    ) -> Figure:
        """Draw the replicates with intervals; see :func:`pymer_bridge.plots.bootstrap`."""
        figure: Figure = above("pymer_bridge.plots", "bootstrap")(
            self, parameters, kind=kind, conf_level=conf_level, bins=bins, ax=ax
        )
        return figure

    def to_frame(self) -> pd.DataFrame:
        """Return one row per replicate and statistic: iteration, effect, group, term, value."""
        n, k = self.replicates.shape
        columns: dict[str, Any] = {"iteration": np.repeat(self.iterations, k)}
        for name in ("effect", "group", "level", "term"):
            values = [getattr(row, name) for row in self.rows]
            if name != "level" or any(value is not None for value in values):
                columns[name] = values * n
        columns["value"] = self.replicates.ravel()
        return pd.DataFrame(columns)

    def _table(self) -> Table:
        columns = (
            Column("label", "", "text"),
            COLUMNS["estimate"],
            Column("bias", "Bias", scale="estimate"),
            COLUMNS["std_error"],
        )
        counts = self.counts
        notes = [f"{counts.n_usable} of {counts.n_sim} replicates usable"]
        if self.seed is not None:
            notes.append(f"seed {self.seed}")
        if counts.n_singular:
            notes.append(f"{counts.n_singular} singular")
        if counts.n_not_converged:
            notes.append(f"{counts.n_not_converged} not converged")
        cells = self._cells(columns)
        return Table(columns, cells, title=self._caption(), notes=(", ".join(notes),))

    def _how(self) -> tuple[str, ...]:
        return (f"{self.kind.capitalize()} bootstrap",)


def _array(values: Sequence[float | None]) -> NDArray[np.float64]:
    filled = [np.nan if value is None else value for value in values]
    array: NDArray[np.float64] = frozen_array(np.array(filled, dtype=np.float64))
    return array


@dataclass(frozen=True, slots=True, eq=False)
class BootstrapTestRow(Part):
    """One way to a p-value from the likelihood ratios of replicates.

    Attributes
    ----------
    term
        "LRT" (chi square), "PBtest" (share of the replicates), "Gamma", "Bartlett" or "F".
    statistic, df, df2, p_value
        The test; a figure that it does not have is None.
    """

    term: str
    statistic: float
    df: float | None
    df2: float | None
    p_value: float | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BootstrapTest(Rows[BootstrapTestRow]):
    """A parametric bootstrap test of two nested models: ``test["Bartlett"].p_value``.

    Attributes
    ----------
    rows
        One row per way to a p-value.
    lrt, p_value
        The likelihood ratio of the data, and the bootstrap's own p-value (row "PBtest").
    n_sim, n_usable, n_not_positive, n_failed
        The number of replicates made; of positive likelihood ratios, which alone the tests use; of
        ratios that are not positive; and of fits that stopped with an error.
    stopped_early
        Did the sequential rule end the run before ``n_sim``?
    start
        How the refits started: "warm", "cold" or "multiple".
    likelihood_ratios
        The likelihood ratios of the replicates, NaN for one that failed.
    seed, generator, versions, seconds
        What is needed to repeat the run; elapsed seconds.
    warnings, messages
        Warnings and messages.
    heading
        The formulas of the larger and the smaller model.
    observations
        How many rows of the data the models use; None in what was stored without it.
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
    heading: tuple[str, ...] = field(default=(), metadata=LATER)
    observations: int | None = field(default=None, metadata=LATER)

    title: ClassVar[str] = "Parametric bootstrap of the likelihood ratio"
    shown: ClassVar[tuple[str, ...]] = fields_of(BootstrapTestRow)

    def _table(self) -> Table:
        columns = (
            Column("term", "", "text"), Column("statistic", "stat"), Column("df", "df"),
            Column("df2", "ddf"), Column("p_value", "p.value", "p_value"),
        )  # fmt: skip
        note = f"{self.n_usable} of {len(self.likelihood_ratios)} replicates usable"
        if self.n_failed:
            note += f", {self.n_failed} failed"
        return Table(
            columns, self._cells(columns), title=self._caption(), notes=(*self.heading, note)
        )
