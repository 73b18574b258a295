"""The influence of rows and groups on the estimates: a method of a model class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.errors import BootstrapWarning, OptionError
from pymer_bridge.models.base import Fitted
from pymer_bridge.replicates import engine
from pymer_bridge.results.codec import frozen_array
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.influence import Influence, InfluenceRow
from pymer_bridge.results.matrix import NamedMatrix
from pymer_bridge.session import conditions, deadlines
from pymer_bridge.session.calls import Handle
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import options

ROWS: Final = "observation"
CASE: Final = ".case"
"""What R's influence() calls the rows."""


class Influences(Fitted):
    """The influence of rows and groups on a mixed model."""

    __slots__ = ()

    n_groups: Mapping[str, int]
    columns: tuple[str, ...]

    @deadlines.timed
    def influence(
        self,
        by: str | None = None,
        *,
        max_evaluations: int = 1000,
        n_jobs: int = 1,
        progress: engine.Progress = False,
        checkpoint: str | Path | None = None,
        timeout: float | None = None,
    ) -> Influence:
        """Refit the model without each row, or without each level of a group.

        Parameters
        ----------
        by
            "observation" (the default: rows one by one), a grouping factor of the model such as
            "Subject" or "cask:batch", or another column that the model uses.
        max_evaluations
            The limit of function evaluations of each refit (R: ``maxfun``); the optimizer of
            linear models does not heed it, in R as here.
        n_jobs, progress, checkpoint
            As for :meth:`bootstrap`: results are the same whatever they are.
        timeout
            As for :func:`pymer_bridge.lmer`.

        Returns
        -------
        Influence
            One row a refit, with Cook's distance; the estimates without each level;
            ``dfbeta`` and ``dfbetas``. Variances are in squared units of the response.

        Raises
        ------
        OptionError
            ``by`` is neither, the limit is not a positive whole number, or an extra is not
            installed.
        CheckpointError
            The file is of another fit or version.
        BootstrapInterrupted
            Ctrl-C; what was finished is in its ``partial``, the rest is missing there.
        RError
            Every refit failed.
        RTimeoutError
            It did not end within ``timeout``; what was finished is in its ``partial``.

        Warns
        -----
        BootstrapWarning
            Some refits failed: their figures are missing. R's own function would stop.
        RWarning
            The model has a ``subset``, which R's function drops: refits are to all other rows.

        Notes
        -----
        R functions: ``influence`` of a fit by lme4, and ``cooks.distance``, ``dfbeta`` and
        ``dfbetas`` of it [1]_. As there, refits start from the estimates and use the default
        optimizer, whatever the fit itself used. Rows whose group is missing are left out of no
        refit. With one fixed effect R's dfbetas stops; here it is the change over its standard
        error all the same. R has no figures of nonlinear mixed models.

        References
        ----------
        .. [1] Fox, J. (2020). Regression Diagnostics: An Introduction, 2nd ed. Sage.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"))
        >>> influence = fit.influence("Batch")
        >>> len(influence.cooks_distance)
        6
        """
        asked = self._left_out(by)
        limit = options.whole(max_evaluations, "max_evaluations", 1)
        outcome = session().call("describe_influence", model=self._model, by=asked)
        conditions.raise_warnings(outcome)
        described = outcome.value
        labels = _labels(described, asked, self._index)
        p, q = len(described["fixed_names"]), len(described["variance_names"])

        def draw(state: list[int] | None) -> Any:
            units = list(range(1, len(labels) + 1))
            return session().call("kept_draws", all=units).value

        run = engine.Run(
            models=[self._model],
            plan={"task": "influence", "by": asked, "max_evaluations": float(limit)},
            n=len(labels),
            n_values=p + q + p * p + 1,
            draw=draw,
            item_bytes=4,
            header={"kind": "influence", "by": asked, "max_evaluations": limit},
        )

        def result(collected: engine.Collected) -> Influence:
            return _result(self._model, asked, described, labels, collected)

        with engine.keeping(result):
            collected = engine.perform(run, engine.Running(n_jobs, progress, checkpoint))
        with deadlines.lifted():  # it is all there
            made = result(collected)
        return conditions.with_conditions(_told(made), outcome)

    def _left_out(self, by: str | None) -> str:
        """Return what R calls that which is left out."""
        if by is None or by == ROWS:
            return CASE
        known = [*self.n_groups, *(name for name in self.columns if name not in self.n_groups)]
        if by not in known:
            listed = ", ".join(map(repr, (ROWS, *known)))
            raise OptionError(f"by={by!r} is not in the model; choose one of: {listed}")
        return by


def _labels(described: Mapping[str, Any], by: str, index: pd.Index) -> tuple[str, ...]:
    """Return the levels, or the labels of the rows in the data."""
    if by == CASE:
        return tuple(map(str, index[described["rows"] - 1]))
    return decode.texts(described, "levels")


def _told(made: Influence) -> Influence:
    """Warn of refits that failed."""
    errors = [row.error for row in made.rows if row.error is not None]
    if not errors:
        return made
    text = f"{len(errors)} of {len(made.rows)} refits failed; the last said: {errors[-1]}"
    conditions.warn(BootstrapWarning(text))
    return replace(made, warnings=(*made.warnings, text))


def _whole_run(collected: engine.Collected, n: int) -> engine.Collected:
    """Give the replicates that an interrupted run has their places among all of them."""
    whole = engine.Collected.of(n, collected.values.shape[1])
    whole.errors = ["not done: the run was interrupted"] * n
    for at, i in enumerate(collected.iterations - 1):
        whole.values[i] = collected.values[at]
        whole.converged[i], whole.singular[i] = collected.converged[at], collected.singular[at]
        whole.messages[i], whole.errors[i] = collected.messages[at], collected.errors[at]
    whole.versions, whole.seconds = collected.versions, collected.seconds
    return whole


def _result(
    model: Handle,
    by: str,
    described: Mapping[str, Any],
    labels: Sequence[str],
    collected: engine.Collected,
) -> Influence:
    n = len(labels)
    if len(collected.values) < n:
        collected = _whole_run(collected, n)
    values = collected.values
    figures = (
        session()
        .call(
            "influence_figures",
            model=model,
            by=by,
            levels=tuple(described["levels"]),
            values=np.asfortranarray(values),
            converged=collected.converged,
        )
        .value
    )
    fixed, variances = tuple(described["fixed_names"]), tuple(described["variance_names"])
    p, q = len(fixed), len(variances)

    def named(found: NDArray[np.float64], names: tuple[str, ...]) -> NamedMatrix:
        whole = found.reshape((n, len(names)), order="F")
        whole = np.where(np.isnan(whole), np.nan, whole)
        return NamedMatrix(frozen_array(whole), names, tuple(labels))

    cooks = figures["cooks_distance"]
    rows = tuple(
        InfluenceRow(
            level=label,
            cooks_distance=None if np.isnan(cooks[i]) else float(cooks[i]),
            converged=bool(collected.converged[i]),
            singular=bool(collected.singular[i]),
            evaluations=None if np.isnan(values[i, -1]) else int(values[i, -1]),
            messages=collected.messages[i],
            error=collected.errors[i],
        )
        for i, label in enumerate(labels)
    )
    return Influence(
        rows=rows,
        by=ROWS if by == CASE else by,
        fixed_effects=named(values[:, :p], fixed),
        variances=named(values[:, p : p + q], variances),
        dfbeta=named(figures["dfbeta"], fixed),
        dfbetas=named(figures["dfbetas"], fixed),
        dfbeta_variances=named(figures["dfbeta_variances"], variances),
        observed_fixed_effects=frozen_array(described["fixed"]),
        observed_variances=frozen_array(described["variances"]),
        versions=dict(collected.versions),
        seconds=collected.seconds,
    )
