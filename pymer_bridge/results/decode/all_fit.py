"""What R's ``allFit()`` gives, to the results of ``all_fit()``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pymer_bridge.results.all_fit import Agreement, AllFit, OptimizerFit, ParameterAgreement
from pymer_bridge.results.decode import record as decode


def _named(record: Mapping[str, Any], name: str, n: int) -> list[dict[str, float]]:
    """Return the values of each fit by their names."""
    names = decode.texts(record[name], "names")
    values = record[name]["values"].reshape((n, len(names)))
    return [dict(zip(names, row.tolist(), strict=True)) for row in values]


def all_fit(record: Mapping[str, Any]) -> AllFit:
    """Read the answer of ``all_fit()``: figures come for the fits that ended without an error."""
    available = [bool(value) for value in record["available"]]
    ok = [bool(value) for value in record.get("ok", ())]
    made = _made(record, sum(ok))
    tried = iter(zip(ok, record.get("errors", ()), strict=True))
    rows = []
    for optimizer, package, there in zip(
        record["optimizer"], record["package"], available, strict=True
    ):
        good, error = next(tried) if there else (False, f"the R package '{package}' is not there")
        further = next(made) if good else {"error": error}
        rows.append(OptimizerFit(optimizer, package, there, good, **further))
    return AllFit(
        tuple(rows), _agreement(record.get("agreement")), "\n".join(record.get("text", ()))
    )


def _made(record: Mapping[str, Any], n: int) -> Any:
    """Go through the fits that were made: the further fields of each."""
    if n == 0:
        return iter(())
    parts = [_named(record, name, n) for name in ("fixed", "sdcor", "theta")]
    return (
        {
            "converged": bool(record["converged"][i]),
            "singular": bool(record["singular"][i]),
            "messages": tuple(record["messages"][i] or ()),
            "log_likelihood": float(record["log_likelihood"][i]),
            "evaluations": None
            if np.isnan(record["evaluations"][i])
            else int(record["evaluations"][i]),
            "seconds": float(record["seconds"][i]),
            "fixed_effects": parts[0][i],
            "sdcor": parts[1][i],
            "theta": parts[2][i],
        }
        for i in range(n)
    )


def _agreement(record: Mapping[str, Any] | None) -> Agreement:
    if record is None:
        return Agreement(())
    columns = (record[name] for name in ("kind", "names", "minimum", "maximum", "spread"))
    return Agreement(
        tuple(
            ParameterAgreement(kind, name, float(low), float(high), float(spread))
            for kind, name, low, high, spread in zip(*columns, strict=True)
        )
    )
