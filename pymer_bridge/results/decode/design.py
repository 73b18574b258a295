"""R's answers about designs and their power."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import Any

from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.design import DesignTerm, DesignTerms
from pymer_bridge.results.power import PoweredTest

COUNTS = ("n_rejected", "n_rejected_singular", "n_rejected_not_converged", "n_failed")
FIGURES = ("true_value", "estimate", "bias", "type_s", "type_m", "coverage")


def design_terms(record: decode.RRecord, values: Sequence[float | None]) -> DesignTerms:
    """Read the answer of ``read_design()``, with the values in its order.

    Parameters
    ----------
    record
        The answer.
    values
        Of the coefficients, the standard deviations, the correlations and the residual.
    """
    keys: list[tuple[str, str | None, str | None, str | None]] = [
        ("fixed", None, name, None) for name in decode.texts(record, "coefficients")
    ]
    singles = zip(decode.texts(record, "groups"), decode.texts(record, "terms"), strict=True)
    keys += [("std_devs", group, term, None) for group, term in singles]
    pairs = zip(
        *(decode.texts(record, name) for name in ("pair_groups", "pair_first", "pair_second")),
        strict=True,
    )
    keys += [("correlations", group, one, two) for group, one, two in pairs]
    if decode.flag(record, "scaled"):
        keys.append(("residual", None, None, None))
    return DesignTerms(
        tuple(DesignTerm(*key, value) for key, value in zip(keys, values, strict=True))
    )


def tests_of(
    record: decode.RRecord, names: Sequence[str], kinds: Sequence[str]
) -> tuple[PoweredTest, ...]:
    """Read the answer of ``power_figures()``."""
    rows = []
    for i, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        figures: dict[str, Any] = {part: float(values[i]) for part, values in record.items()}
        figures |= {part: int(figures[part]) for part in COUNTS}
        figures |= {part: None for part in FIGURES if isnan(figures[part])}
        rows.append(PoweredTest(test=name, kind=kind, **figures))
    return tuple(rows)
