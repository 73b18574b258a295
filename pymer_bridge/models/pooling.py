"""Lines of groups under complete, no and partial pooling: those of ``fit.pooling()``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pymer_bridge.data.columns import holds_numbers
from pymer_bridge.data.frozen_arrays import frozen_array, frozen_floats
from pymer_bridge.errors import OptionError, shown
from pymer_bridge.models.mixed_fit import MixedFit
from pymer_bridge.results.fixed_effects import INTERCEPT
from pymer_bridge.results.pooling import PoolingLines
from pymer_bridge.spec.names import find_name


def pooling_lines(model: MixedFit, group: str | None, predictor: str | None) -> PoolingLines:
    """Return the groups' lines under complete, no and partial pooling."""
    if model.spec.fitter != "lmer":
        raise OptionError("pooling() compares with straight lines: it takes a model of lmer()")
    chosen = _a_group(model, group)
    numeric = _a_predictor(model, predictor)
    estimates = {row.term: row.estimate for row in model._estimates().rows}
    slope = find_name(numeric, estimates)
    if slope is None or set(estimates) != {INTERCEPT, slope}:
        raise OptionError(
            f"the fixed effects are {', '.join(estimates)}: each group has a line only "
            f"if they are {INTERCEPT} and one numeric predictor"
        )
    table = model.group_coefficients.group(chosen)
    partial = np.column_stack(
        [table.estimate[:, table.terms.index(term)] for term in (INTERCEPT, slope)]
    )

    def read(record: Mapping[str, Any]) -> PoolingLines:
        if tuple(record["levels"]) != table.levels:  # R leaves out a level without rows
            raise OptionError(
                f"{shown(chosen)} has levels without rows: remove them before the fit, "
                f"as with data[{shown(chosen)}].cat.remove_unused_categories()"
            )
        alone = record["alone"].reshape((-1, 2), order="F")
        return PoolingLines(
            group=chosen,
            predictor=numeric,
            response=str(model.model_frame.columns[0]),
            levels=table.levels,
            complete=(float(record["complete"][0]), float(record["complete"][1])),
            none=frozen_floats(alone),
            partial=frozen_array(partial),
            population=(estimates[INTERCEPT], estimates[slope]),
        )

    return model._ask("unpooled_lines", read, group=chosen, predictor=numeric)


def _a_group(model: MixedFit, group: str | None) -> str:
    names = tuple(model.n_groups)
    found = names[0] if group is None else find_name(group, names)
    if found is None:
        raise OptionError(f"no grouping factor {shown(group)}; there are: {', '.join(names)}")
    return found


def _a_predictor(model: MixedFit, predictor: str | None) -> str:
    frame = model.model_frame
    terms = [row.term for row in model._estimates().rows]
    numeric = [
        name
        for name in map(str, frame.columns[1:])
        if find_name(name, terms) is not None and holds_numbers(frame[name])
    ]
    if predictor is None and len(numeric) == 1:
        return numeric[0]
    found = None if predictor is None else find_name(predictor, numeric)
    if found is None:
        asked = "say which predictor" if predictor is None else f"no predictor {shown(predictor)}"
        raise OptionError(f"{asked}; numeric ones are: {', '.join(numeric) or 'none'}")
    return found
