"""Refits without each row, or each level of a group: the run of ``fit.influence()``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.data.frames import index_at
from pymer_bridge.data.frozen_arrays import frozen_array, frozen_floats
from pymer_bridge.errors import BootstrapWarning, OptionError, shown
from pymer_bridge.models.mixed_fit import MixedFit
from pymer_bridge.r_script.journal import journal
from pymer_bridge.replicates import engine
from pymer_bridge.replicates.collected import Collected
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.influence import CutOff, Influence, InfluenceRow
from pymer_bridge.results.matrix import NamedMatrix
from pymer_bridge.session import asking, conditions
from pymer_bridge.session.calls import Handle
from pymer_bridge.spec import options
from pymer_bridge.spec.names import find_name

ROWS: Final = "observation"
CASE: Final = ".case"
"""The name of the rows in R's influence()."""


def influence_of(
    model: MixedFit, by: str | None, max_evaluations: int, running: engine.Running
) -> Influence:
    """Refit a model without each row, or without each level of a group."""
    asked = _left_out(model, by)
    limit = options.whole(max_evaluations, "max_evaluations", 1)
    said = asking.Said()
    described = asking.ask("describe_influence", said=said, model=model._model, by=asked)
    rows = index_at(model._index, described["rows"]) if asked == CASE else None
    levels = tuple(map(str, rows)) if rows is not None else decode.texts(described, "levels")
    p, q = (len(decode.texts(described, name)) for name in ("fixed_names", "variance_names"))

    def draw(state: list[int] | None) -> Any:
        return asking.ask("kept_draws", all=list(range(1, len(levels) + 1)))

    run = engine.Run(
        models=[model._model],
        plan={"task": "influence", "by": asked, "max_evaluations": float(limit)},
        n=len(levels),
        n_values=p + q + p * p + 1,
        draw=draw,
        item_bytes=4,
        header={"kind": "influence", "by": asked, "max_evaluations": limit},
        seeded=False,
    )

    def result(collected: Collected) -> Influence:
        made = _result(model._model, asked, described, (levels, rows), collected)
        return model._counted(made)

    made = engine.perform(run, running, result)
    finished = _warned(said.on(made))
    facts = {name: decode.flag(described, name) for name in ("is_column", "missing")}
    given = {"model": model._model, "by": asked, "max_evaluations": limit, "n_fixed": p}
    journal.note("influence", {**given, **facts}, finished)
    return finished


def _left_out(model: MixedFit, by: str | None) -> str:
    """Return R's name for what is left out."""
    if by is None or (by == ROWS and by not in (*model.n_groups, *model.columns)):
        return CASE
    known = [*model.n_groups, *(name for name in model.columns if name not in model.n_groups)]
    found = find_name(by, known)
    if found is None:
        listed = ", ".join(map(repr, (ROWS, *known)))
        raise OptionError(f"by={shown(by)} is not in the model; choose one of: {listed}")
    return found


def _warned(made: Influence) -> Influence:
    """Warn of refits that failed."""
    errors = [row.error for row in made.rows if row.error is not None]
    if not errors:
        return made
    text = f"{len(errors)} of {len(made.rows)} refits failed; the last said: {errors[-1]}"
    made = replace(made, warnings=(*made.warnings, text))
    conditions.warn(BootstrapWarning(text), made)
    return made


def _whole_run(collected: Collected, n: int) -> Collected:
    """Put the finished refits of an interrupted run in their places among all."""
    whole = Collected.of(n, collected.values.shape[1])
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
    left_out: tuple[Sequence[str], pd.Index | None],
    collected: Collected,
) -> Influence:
    levels, index = left_out
    n = len(levels)
    if len(collected.values) < n:
        collected = _whole_run(collected, n)
    values = collected.values
    figures = asking.ask(
        "influence_figures",
        model=model,
        by=by,
        levels=tuple(described["levels"]),
        values=np.asfortranarray(values),
        converged=collected.converged,
    )
    fixed, variances = (decode.texts(described, f"{what}_names") for what in ("fixed", "variance"))
    p, q = len(fixed), len(variances)

    def named(found: NDArray[np.float64], names: tuple[str, ...]) -> NamedMatrix:
        whole = found.reshape((n, len(names)), order="F")
        return NamedMatrix(frozen_floats(whole), names, tuple(levels), index)

    return Influence(
        rows=_rows(levels, collected, figures),
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
        cut_offs=_cut_offs(figures),
    )


def _rows(
    levels: Sequence[str], collected: Collected, figures: Mapping[str, Any]
) -> tuple[InfluenceRow, ...]:
    """Return one row per refit."""
    n = len(levels)
    names = ("cooks_distance", "mdffits", "cov_trace", "cov_ratio")
    measures = {name: decode.numbers(figures, name, n) for name in names}
    evaluations = collected.values[:, -1]
    return tuple(
        InfluenceRow(
            level=label,
            converged=bool(collected.converged[i]),
            singular=bool(collected.singular[i]),
            evaluations=None if np.isnan(evaluations[i]) else int(evaluations[i]),
            messages=collected.messages[i],
            error=collected.errors[i],
            **{name: values[i] for name, values in measures.items()},
        )
        for i, label in enumerate(levels)
    )


def _cut_offs(figures: Mapping[str, Any]) -> tuple[CutOff, ...]:
    """Return the cut-offs of the measures."""
    names = decode.texts(figures, "cut_measures")
    ends = (decode.numbers(figures, end, len(names)) for end in ("cut_low", "cut_high"))
    return tuple(CutOff(*each) for each in zip(names, *ends, strict=True))
