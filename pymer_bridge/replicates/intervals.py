"""What R makes of the replicates of a bootstrap: intervals and p-values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pymer_bridge.results.base import row_of
from pymer_bridge.results.bootstrap import BootstrapPValue, BootstrapPValues, BootstrapResult
from pymer_bridge.results.decode.record import numbers
from pymer_bridge.results.intervals import Interval, Intervals
from pymer_bridge.session.asking import ask
from pymer_bridge.spec import options


def bootstrap_intervals(
    boot: BootstrapResult,
    kind: options.BootInterval,
    conf_level: float,
    parameters: Sequence[str] | str | None,
    formulas: options.BootIntervalSource,
) -> Intervals:
    """Return confidence intervals; see :meth:`BootstrapResult.confint`."""
    kind = options.one_of(kind, options.BootInterval, "kind")
    formulas = options.one_of(formulas, options.BootIntervalSource, "formulas")
    level = options.check_level(conf_level)
    chosen = _chosen(boot, parameters)

    def read(ends: Mapping[str, Any]) -> Intervals:
        columns = (numbers(ends, name, len(chosen)) for name in ("conf_low", "conf_high"))
        rows = tuple(
            Interval(boot.rows[i].name, boot.rows[i].label, low, high)
            for i, low, high in zip(chosen, *columns, strict=True)
        )
        return Intervals(rows, "boot", level, boot.warnings, boot.messages, kind=kind)

    return ask(
        "replicate_intervals",
        read,
        values=np.asfortranarray(boot.replicates[:, chosen]),
        observed=boot.observed[chosen],
        kind=options.BOOT_TYPES[kind],
        conf_level=level,
        as_in=formulas,
    )


def bootstrap_p_values(
    boot: BootstrapResult, null: float | Mapping[str, float], parameters: Sequence[str] | str | None
) -> BootstrapPValues:
    """Return two-sided p-values; see :meth:`BootstrapResult.p_values`."""
    fixed = [row.name for row in boot.rows if row.effect == "fixed"]
    chosen = _chosen(boot, parameters if parameters is not None else (fixed or None))
    rows = [boot.rows[i] for i in chosen]
    if isinstance(null, Mapping):
        by_name = {row_of(boot, name, "null").name: value for name, value in null.items()}
    else:
        by_name = {row.name: null for row in rows}
    nulls = np.array([float(by_name.get(row.name, 0.0)) for row in rows])

    def read(found: Any) -> BootstrapPValues:
        values = zip(rows, nulls.tolist(), found.tolist(), strict=True)
        return BootstrapPValues(
            tuple(BootstrapPValue(row.name, row.label, row.estimate, *p) for row, *p in values)
        )

    return ask(
        "replicate_p_values",
        read,
        values=np.asfortranarray(boot.replicates[:, chosen]),
        observed=boot.observed[chosen],
        null=nulls,
    )


def _chosen(boot: BootstrapResult, parameters: Sequence[str] | str | None) -> list[int]:
    if parameters is None:
        return list(range(len(boot.rows)))
    wanted = options.names_of(parameters, "parameters")
    # R's names of all fixed effects and of all others, alone as in confint().
    if wanted in (("beta_",), ("theta_",)):
        effect = {"beta_": "fixed", "theta_": "ran_pars"}[wanted[0]]
        return [i for i, row in enumerate(boot.rows) if row.effect == effect]
    return [boot.rows.index(row_of(boot, name, "parameters")) for name in wanted]
