"""A fitted model as the pilot of a further study."""

from __future__ import annotations

from math import isnan
from typing import Any

from pymer_bridge.data import frames
from pymer_bridge.errors import OptionError
from pymer_bridge.models.design import Design, made_design
from pymer_bridge.models.mixed_fit import MixedFit
from pymer_bridge.models.preparing import arguments_of
from pymer_bridge.spec.design_values import Given


def design_of(model: MixedFit, given: Given, frame: Any) -> Design:
    """Return the design of data to come, with a model's parameters where others are not given."""
    spec = model.spec
    if spec.fitter not in ("lmer", "glmer"):
        raise OptionError(f"a design is of a model of lmer() or glmer(), not of {spec.fitter}()")
    for name in ("weights", "offset"):
        if getattr(spec, name) is not None:
            raise OptionError(f"the model has {name}=, which a design does not know")
    table = model._ask_anew("used_data", frames.frame_from_r) if frame is None else frame
    own = arguments_of(spec)
    return made_design(
        spec.formula,
        table,
        given,
        _parameters(model),
        family=spec.family,
        contrasts=own["contrasts"] or None,
        data_name=spec.data_name,
        allow_functions=spec.allow_functions,
    )


def _parameters(model: MixedFit) -> dict[Any, float]:
    """Return the estimates as a design takes them."""
    found: dict[Any, float] = {("fixed", row.term): row.estimate for row in model._estimates()}
    components = model.variance_components
    for row in components.rows:
        of_group = ("std_devs", row.group, row.term)
        found["residual" if row.term is None else of_group] = row.std_dev
    for pair in components.correlations:
        pair_of = ("correlations", pair.group, (pair.term1, pair.term2))
        found[pair_of] = 0.0 if isnan(pair.correlation) else pair.correlation
    return found
