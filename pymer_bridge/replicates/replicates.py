"""Replicates of a bootstrap, and what R makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.display.tables import Column, Table
from pymer_bridge.results.base import Rows, draw
from pymer_bridge.results.bootstrap import (
    BootstrapCounts,
    BootstrapPValue,
    BootstrapPValues,
    BootstrapStatistic,
    ReplicateStatus,
)
from pymer_bridge.results.codec import frozen_array, register
from pymer_bridge.results.intervals import Interval, Intervals
from pymer_bridge.session import conditions
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import options

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BOOT_TYPES: Final = {"percentile": "perc", "basic": "basic", "normal": "norm"}
"""The kinds of intervals, and R's names for them."""


@register
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BootstrapResult(Rows[BootstrapStatistic]):
    """Replicates of some statistics: ``boot["Days"].std_error``, ``boot.confint()["Days"]``.

    Made by ``fit.bootstrap()``.

    Attributes
    ----------
    rows
        One :class:`BootstrapStatistic` a statistic: estimate, bias, standard error.
    replicates
        Read-only array of replicates by statistics; NaN where a fit failed.
    iterations
        The number of each replicate, from 1; all of them, unless the run was interrupted.
    kind, statistic
        What was asked for.
    converged, singular
        For each replicate: did the optimizer end well? Is the fit on the boundary?
    replicate_warnings, replicate_messages, errors
        For each replicate what R warned of and said, and why it failed (None).
    seed, generator
        R's ``set.seed`` integer, and the kinds of R's generator.
    versions
        Of R and its packages.
    seconds
        How long it took, on the clock.
    warnings, messages
        What R warned of and said of the whole.
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
        """Standard deviations of the replicates, one a statistic."""
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
            One row a statistic.

        Raises
        ------
        OptionError
            An argument is not accepted.
        KeyError
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
        options.one_of(kind, options.BootInterval, "kind")
        options.one_of(formulas, options.BootIntervalSource, "formulas")
        level = options.check_level(conf_level)
        chosen = self._chosen(parameters)
        found = session().call(
            "replicate_intervals",
            **self._columns_of(chosen),
            kind=BOOT_TYPES[kind],
            conf_level=level,
            as_in=formulas,
        )
        conditions.raise_warnings(found)
        ends = zip(found.value["conf_low"].tolist(), found.value["conf_high"].tolist(), strict=True)
        rows = tuple(
            Interval(self.rows[i].name, self.rows[i].label, *(number_or_none(end) for end in pair))
            for i, pair in zip(chosen, ends, strict=True)
        )
        intervals = Intervals(rows, "boot", level, self.warnings, self.messages)
        return conditions.with_conditions(intervals, found)

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
            One row a statistic.

        Raises
        ------
        KeyError
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
        fixed = [row.name for row in self.rows if row.effect == "fixed"]
        chosen = self._chosen(parameters if parameters is not None else (fixed or None))
        names = [self.rows[i].name for i in chosen]
        by_name = null if isinstance(null, Mapping) else dict.fromkeys(names, null)
        for name in by_name:
            self[name]
        nulls = np.array([float(by_name.get(name, 0.0)) for name in names])
        found = session().call("replicate_p_values", **self._columns_of(chosen), null=nulls).value
        return BootstrapPValues(
            tuple(
                BootstrapPValue(row.name, row.label, row.estimate, value, p)
                for row, value, p in zip(
                    (self.rows[i] for i in chosen), nulls.tolist(), found.tolist(), strict=True
                )
            )
        )

    def plot(
        self,
        parameters: Sequence[str] | str | None = None,
        *,
        ax: Axes | Sequence[Axes] | None = None,
        **options: Any,
    ) -> Figure:
        """Draw the replicates with intervals; see :func:`pymer_bridge.plots.bootstrap`."""
        return draw("bootstrap", self, parameters, ax=ax, **options)  # type: ignore[no-any-return]

    def _chosen(self, parameters: Sequence[str] | str | None) -> list[int]:
        if parameters is None:
            return list(range(len(self.rows)))
        wanted = (parameters,) if isinstance(parameters, str) else parameters
        if "beta_" in wanted or "theta_" in wanted:
            effect = {"beta_": "fixed", "theta_": "ran_pars"}[wanted[0]]
            return [i for i, row in enumerate(self.rows) if row.effect == effect]
        return [self.rows.index(self[name]) for name in wanted]

    def _columns_of(self, chosen: Sequence[int]) -> dict[str, Any]:
        return {
            "values": np.asfortranarray(self.replicates[:, list(chosen)]),
            "observed": self.observed[list(chosen)],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row a replicate and statistic: iteration, effect, group, term, value."""
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
            Column("estimate", "Estimate"),
            Column("bias", "Bias"),
            Column("std_error", "Std. Error"),
        )
        cells = tuple(tuple(getattr(row, c.name) for c in columns) for row in self.rows)
        counts = self.counts
        notes = [f"{counts.n_usable} of {counts.n_sim} replicates usable"]
        if counts.n_singular:
            notes.append(f"{counts.n_singular} singular")
        if counts.n_not_converged:
            notes.append(f"{counts.n_not_converged} not converged")
        title = f"{self.kind.capitalize()} bootstrap:"
        return Table(columns, cells, title=title, notes=(", ".join(notes),))


def _array(values: Sequence[float | None]) -> NDArray[np.float64]:
    filled = [np.nan if value is None else value for value in values]
    array: NDArray[np.float64] = frozen_array(np.array(filled, dtype=np.float64))
    return array


def number_or_none(value: float) -> float | None:
    """Return a number, None where R gave a missing one."""
    return None if np.isnan(value) else float(value)
