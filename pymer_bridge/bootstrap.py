"""Bootstraps of a fitted model: replicates, and what is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge import engine, frames, notices, safety
from pymer_bridge import spec as options
from pymer_bridge.errors import (
    BootstrapInterrupted,
    BootstrapWarning,
    FormulaError,
    OptionError,
    RError,
)
from pymer_bridge.results.base import Rows
from pymer_bridge.results.bootstrap import (
    BootstrapCounts,
    BootstrapPValue,
    BootstrapPValues,
    BootstrapStatistic,
    ReplicateStatus,
)
from pymer_bridge.results.codec import frozen_array, register
from pymer_bridge.results.intervals import Interval, Intervals
from pymer_bridge.rsession import Handle, session
from pymer_bridge.tables import Column, Table

BOOT_TYPES: Final = {"percentile": "perc", "basic": "basic", "normal": "norm"}
"""The kinds of intervals, and R's names for them."""

ROWS: Final = ".obs"
"""What the rows of the data are called among the levels of a case bootstrap."""


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
    shown: ClassVar[tuple[str, ...]] = ("name", "estimate", "bias", "std_error")

    def __getitem__(self, key: str | tuple[str, ...]) -> BootstrapStatistic:
        """Return the row of a statistic, by R's name or the readable one.

        Raises
        ------
        KeyError
            There is no such statistic.
        """
        for row in self.rows:
            if key in (row.name, row.label):
                return row
        return super(BootstrapResult, self).__getitem__(key)

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
            self.iterations.tolist(), self.converged.tolist(), self.singular.tolist(),
            self.replicate_warnings, self.replicate_messages, self.errors, strict=True,
        )  # fmt: skip
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
            "replicate_intervals", **self._columns_of(chosen), kind=BOOT_TYPES[kind],
            conf_level=level, as_in=formulas,
        )  # fmt: skip
        notices.raise_warnings(found)
        ends = zip(found.value["conf_low"].tolist(), found.value["conf_high"].tolist(), strict=True)
        rows = tuple(
            Interval(self.rows[i].name, self.rows[i].label, *(_or_none(end) for end in pair))
            for i, pair in zip(chosen, ends, strict=True)
        )
        return Intervals(rows, "boot", level, self.warnings, self.messages)

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
            Column("label", "", "text"), Column("estimate", "Estimate"), Column("bias", "Bias"),
            Column("std_error", "Std. Error"),
        )  # fmt: skip
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


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


# -- making one ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """What a bootstrap is asked for, checked."""

    kind: options.BootstrapKind
    n_sim: int
    seed: int | None
    statistic: str
    plan: Mapping[str, Any]
    options: Mapping[str, Any]


def checked_statistic(
    statistic: str, new_data: Any, re_form: str | None, columns: Sequence[str],
    allowed: Sequence[str],
) -> dict[str, Any]:  # fmt: skip
    """Check a statistic, and return what ``statistic_of()`` in R takes.

    Raises
    ------
    OptionError
        It is not known, or has arguments that go with another one.
    FormulaError
        It is the text of a function that calls what it may not.
    """
    known = get_args(options.NamedStatistic)
    if statistic != "predictions" and (new_data is not None or re_form is not None):
        raise OptionError("new_data and re_form go with statistic='predictions'")
    if statistic == "predictions":
        if re_form is not None:
            options.one_of(re_form, options.ReForm, "re_form")
        plan: dict[str, Any] = {"statistic": statistic, "re_form": re_form, "new_data": None}
        if new_data is not None:
            table = frames.as_pandas(new_data)
            wanted = [name for name in frames.column_names(table) if name in columns]
            plan["new_data"] = frames.collect(table, set(wanted)).to_r()
        return plan
    if statistic in known:
        return {"statistic": statistic}
    if not isinstance(statistic, str) or not statistic.lstrip().startswith("function"):
        listed = ", ".join(map(repr, known))
        raise OptionError(
            f"statistic={statistic!r} is not accepted; choose one of: {listed}, or give the text "
            "of an R function of the fit, such as 'function(fit) sigma(fit)'"
        )
    try:
        described = session().call("describe_function", text=statistic).value
    except RError as error:
        raise FormulaError(f"R cannot read the statistic {statistic!r}: {error.message}") from error
    safety.check_function(statistic, described, allowed, "statistic")
    return {"statistic": "code", "code": statistic}


def checked_resample(
    resample: Mapping[str, bool] | None, groups: Sequence[str]
) -> tuple[tuple[str, ...], tuple[bool, ...]]:
    """Check which levels are resampled, and return them with the rows last.

    Raises
    ------
    OptionError
        Nothing is resampled, or a level is not there.
    """
    listed = ", ".join(map(repr, (*groups, ROWS)))
    example = ", ".join(f"{name!r}: True" for name in groups[-1:])
    if not isinstance(resample, Mapping) or not resample:
        raise OptionError(
            f"a case bootstrap needs the levels to resample: resample={{{example}}}; the levels "
            f"of this model are: {listed}"
        )
    for name, value in resample.items():
        if name not in (*groups, ROWS):
            raise OptionError(f"resample names {name!r}; the levels of this model are: {listed}")
        options.flag(value, f"resample[{name!r}]")
    if not any(resample.values()):
        raise OptionError("resample draws nothing: at least one level must be True")
    levels = tuple(name for name in resample if name != ROWS)
    return levels, (*(bool(resample[name]) for name in levels), bool(resample.get(ROWS, False)))


def run_bootstrap(
    model: Handle, n_obs: int, request: Request, how: engine.Running
) -> BootstrapResult:
    """Draw, refit and collect.

    Raises
    ------
    BootstrapInterrupted
        The user interrupted; ``partial`` is a result of what was finished, or None.
    """
    described = session().call("describe_statistic", model=model, plan=request.plan)
    observed = described.value["observed"]

    def draw(state: list[int] | None) -> Mapping[str, Any]:
        outcome = session().call(
            "make_draws", model=model, kind=request.kind, n_sim=request.n_sim, seed=request.seed,
            state=None if state is None else tuple(state), options=request.options,
        )  # fmt: skip
        notices.raise_warnings(outcome)
        said.extend(condition.message for condition in outcome.warnings)
        value: Mapping[str, Any] = outcome.value
        return value

    said: list[str] = []
    packages = ("lme4",)
    run = engine.Run(
        models=[model], plan=request.plan, n=request.n_sim, n_values=len(observed), draw=draw,
        item_bytes=n_obs * (4 if request.kind == "case" else 8),
        header={
            "kind": request.kind, "seed": request.seed, "statistic": engine.digest(request.plan),
            "options": engine.digest(request.options),
        },
        packages=packages,
    )  # fmt: skip

    def result(collected: engine.Collected) -> BootstrapResult:
        return _result(described.value, collected, request, tuple(said))

    try:
        collected = engine.perform(run, how)
    except BootstrapInterrupted as interrupted:
        if interrupted.partial is not None:
            interrupted.partial = result(interrupted.partial)
        raise
    made = result(collected)
    counts = made.counts
    if counts.n_failed:
        last = next(error for error in reversed(made.errors) if error is not None)
        text = f"{counts.n_failed} of {counts.n_sim} replicates failed; the last said: {last}"
        notices.warn(BootstrapWarning(text))
        made = replace(made, warnings=(*made.warnings, text))
    return made


def _result(
    described: Mapping[str, Any], collected: engine.Collected, request: Request,
    said: tuple[str, ...],
) -> BootstrapResult:  # fmt: skip
    summary = session().call(
        "summarise_replicates", values=np.asfortranarray(collected.values),
        observed=described["observed"],
    ).value  # fmt: skip
    n = len(described["names"])
    levels = described.get("level") or (None,) * n
    rows = tuple(
        BootstrapStatistic(name, label, effect, group, level, term, estimate,
                           _or_none(bias), _or_none(error))
        for name, label, effect, group, level, term, estimate, bias, error in zip(
            described["names"], described["labels"], described["effect"], described["group"],
            levels, described["term"], described["observed"].tolist(), summary["bias"].tolist(),
            summary["std_error"].tolist(), strict=True,
        )
    )  # fmt: skip
    return BootstrapResult(
        rows=rows,
        replicates=frozen_array(collected.values),
        iterations=frozen_array(collected.iterations),
        kind=request.kind,
        statistic=request.statistic,
        converged=frozen_array(collected.converged),
        singular=frozen_array(collected.singular),
        replicate_warnings=tuple(collected.warnings),
        replicate_messages=tuple(collected.messages),
        errors=tuple(collected.errors),
        seed=request.seed,
        generator=collected.generator,
        versions=dict(collected.versions),
        seconds=collected.seconds,
        warnings=said,
    )
