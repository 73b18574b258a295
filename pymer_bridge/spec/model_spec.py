"""Everything that defines a model, except its data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pymer_bridge.spec.arguments import Public
from pymer_bridge.spec.controls import Control
from pymer_bridge.spec.families import Family
from pymer_bridge.spec.options import NaAction

Numbers = tuple[float, ...]
Start = Numbers | tuple[tuple[str, Numbers], ...]
"""Starting values: numbers, or named ones (of parts of the model, or of nonlinear parameters)."""


_EVERY: Final = (
    "weights", "offset", "subset", "contrasts", "na_action", "data_name", "allow_functions",
)  # fmt: skip
ARGUMENTS: Final[dict[str, tuple[str, ...]]] = {
    "lm": _EVERY,
    "glm": ("family", *_EVERY),
    "lmer": ("reml", "control", "start", *_EVERY),
    "glmer": ("family", "n_agq", "control", "start", *_EVERY),
    "glmer.nb": ("n_agq", "control", "start", *_EVERY),
    "nlmer": ("n_agq", "control", "start", *_EVERY),
    "lmList": ("family", *(name for name in _EVERY if name != "contrasts")),
}
"""The arguments of each of R's functions that fit."""


@dataclass(frozen=True, slots=True, eq=False)
class ModelSpec(Public):
    """Everything that defines a model, except its data."""

    fitter: str
    formula: str
    data_name: str
    na_action: NaAction
    reml: bool | None = None
    weights: str | NDArray[np.float64] | None = None
    offset: str | NDArray[np.float64] | None = None
    subset: str | NDArray[np.bool_] | None = None
    contrasts: tuple[tuple[str, Any], ...] = ()
    control: Control | None = None
    start: Start | None = None
    family: Family | None = None
    n_agq: int | None = None
    allow_functions: tuple[str, ...] = ()

    @property
    def nonlinear(self) -> tuple[str, ...]:
        """The names of nonlinear parameters, which stand in the formula and are not columns."""
        if self.fitter != "nlmer":
            return ()
        return tuple(part[0] for part in self.start or () if isinstance(part, tuple))

    @property
    def argument_names(self) -> tuple[str, ...]:
        """The arguments of the function that fits, besides formula and data."""
        return ARGUMENTS[self.fitter]

    def to_r(self) -> dict[str, Any]:
        """Return the nested mapping that ``fit_model()`` in R takes."""
        plain = ("fitter", "formula", "data_name", "reml", "weights", "offset", "subset", "n_agq")
        return {
            **{name: getattr(self, name) for name in plain},
            "na_action": f"na.{self.na_action}",
            "contrasts": dict(self.contrasts),
            "control": None if self.control is None else self.control.to_r(),
            "start": None if self.start is None else _start_to_r(self.start),
            "family": None if self.family is None else self.family.to_r(),
        }


def _start_to_r(start: Start) -> Any:
    if any(isinstance(value, tuple) for value in start):
        return {part[0]: np.array(part[1]) for part in start if isinstance(part, tuple)}
    return np.array(start)
