"""R records of residuals and responses among simulated ones to results; computes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pymer_bridge.data.frozen_arrays import frozen_array, frozen_floats
from pymer_bridge.results import simulated
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.decode.record import RRecord


def scaled(record: RRecord) -> dict[str, Any]:
    """Read the arrays of ``scaled_residuals()``, or of ``grouped_residuals()``."""
    names = {"values": "residuals", "fitted": "fitted", "observed": "observed"}
    return {name: frozen_floats(record[part]) for name, part in names.items()}


def residual_test(
    record: RRecord, test: str, alternative: str, made_by: str
) -> simulated.ResidualTest:
    """Read the answer of ``test_of_residuals()``."""
    return simulated.ResidualTest(
        test.replace("_", " "),
        decode.number(record, "statistic"),
        decode.number(record, "p_value"),
        estimate=decode.number_or_none(record, "estimate"),
        conf_low=decode.number_or_none(record, "conf_low"),
        conf_high=decode.number_or_none(record, "conf_high"),
        alternative=alternative,
        method=decode.text(record, "method"),
        made_by=made_by,
    )


def quantile_tests(
    record: RRecord, quantiles: Sequence[float], along: str
) -> simulated.QuantileTests:
    """Read the answer of ``quantile_tests()``."""
    p_values = decode.numbers(record, "p_values", len(quantiles))
    rows = map(simulated.QuantileTest, quantiles, p_values)
    return simulated.QuantileTests(tuple(rows), decode.number_or_none(record, "p_value"), along)


def residual_panels(record: RRecord) -> simulated.ResidualPanels:
    """Read the answer of ``residual_panels()``."""

    def line(found: RRecord) -> simulated.ResidualLine:
        bands = "low" in found
        return simulated.ResidualLine(
            x=frozen_array(found["x"]),
            y=frozen_array(found["y"]),
            low=frozen_array(found["low"]) if bands else None,
            high=frozen_array(found["high"]) if bands else None,
            quantile=decode.number(found, "quantile") if bands else None,
            significant=bands and decode.flag(found, "significant"),
        )

    return simulated.ResidualPanels(
        quantiles=frozen_array(record["quantiles"]),
        expected=frozen_array(record["expected"]),
        p_values=tuple(record["p_values"].tolist()),
        said=decode.texts(record, "said"),
        residuals=frozen_array(record["residuals"]),
        x=frozen_array(record["x"]),
        levels=None if record.get("levels") is None else decode.texts(record, "levels"),
        lines=tuple(map(line, record["lines"])),
        found=decode.texts(record, "found"),
    )


def predictive_check(
    record: RRecord, conf_level: float, asked: Mapping[str, Any]
) -> simulated.PredictiveCheck:
    """Read the answer of ``predictive_check()``; ``asked`` are the fields that Python has."""
    names = record.get("levels")
    values = record["places"].tolist() if names is None else [*decode.texts(record, "levels")]
    if record.get("open") is not None and decode.flag(record, "open"):
        values[-1] = f"{values[-1]:g} or more"
    columns = (record[name].tolist() for name in ("observed", "low", "high"))
    rows = tuple(map(simulated.PredictiveRow, values, *columns))
    return simulated.PredictiveCheck(
        kind=decode.text(record, "kind"),
        rows=rows,
        simulated=decode.matrix(frozen_array(record["simulated"]), len(rows), asked["n_sim"]),
        response=decode.text(record, "response"),
        conf_level=conf_level,
        **asked,
    )
