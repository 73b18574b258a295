"""The deviance of a fitted model as a function of its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from pymer_bridge.data.frozen_arrays import frozen_array
from pymer_bridge.errors import OptionError
from pymer_bridge.results import internals
from pymer_bridge.session import asking
from pymer_bridge.session.calls import Handle
from pymer_bridge.spec import labels, options
from pymer_bridge.spec.arguments import Public

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DevianceFunction(Public):
    """The deviance (or the REML criterion) of a model as a function of its parameters.

    It works on copies: evaluating it never changes the fit. Made by
    :meth:`MixedModel.deviance_function`.

    Attributes
    ----------
    names
        The parameters' names: those of the random effects, then, for a generalized or
        nonlinear model that was not fitted with ``nAGQ=0``, the fixed effects.
    parameters
        Their values at the fit, read-only.
    lower, upper
        Their bounds.
    n_theta
        How many of them belong to the random effects.
    """

    names: tuple[str, ...]
    parameters: Floats
    lower: Floats
    upper: Floats
    n_theta: int
    _deviance: Handle

    @property
    def theta(self) -> Floats:
        """The parameters of the random effects at the fit."""
        return self.parameters[: self.n_theta]

    @property
    def beta(self) -> Floats:
        """The fixed effects at the fit; empty if they are not parameters."""
        return self.parameters[self.n_theta :]

    def __call__(self, parameters: ArrayLike) -> float:
        """Return the deviance at one point.

        Parameters
        ----------
        parameters
            One number per parameter.

        Raises
        ------
        OptionError
            There are more or fewer.
        """
        return float(self.at([parameters]).values[0])

    def at(
        self, points: Sequence[ArrayLike] | NDArray[Any] | pd.DataFrame
    ) -> internals.DeviancePoints:
        """Return the deviance at many points, in one call of R.

        Parameters
        ----------
        points
            Array of points by parameters.

        Returns
        -------
        DeviancePoints
            numpy takes it as the array of the deviances.

        Raises
        ------
        OptionError
            It is not such an array.
        """
        several = points if isinstance(points, np.ndarray | pd.DataFrame) else list(points)
        if isinstance(several, list):
            several = [self._in_order(point) for point in several]
        given = options.array_of(
            self._in_order(several), "points of the parameters must be numbers"
        )
        if given.ndim != 2 or given.shape[1] != len(self.names):
            raise OptionError(
                f"each of the points has {len(self.names)} parameters: {', '.join(self.names)}"
            )
        values = asking.ask(
            "deviance_at",
            frozen_array,
            deviance=self._deviance,
            points=np.ascontiguousarray(given).ravel(),
            n_points=len(given),
        )
        return internals.DeviancePoints(self.names, frozen_array(given), values)

    def _in_order(self, given: Any) -> Any:
        return labels.aligned(given, self.names, "points", "the parameters", axis=1)

    def __repr__(self) -> str:
        """Return what it is in one line."""
        return f"<deviance function of {', '.join(self.names)}>"
