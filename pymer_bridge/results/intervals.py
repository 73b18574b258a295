"""Confidence intervals and profiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.display.tables import Column, Table
from pymer_bridge.results.base import Part, Result, Rows, above, fields_of, intervals_said
from pymer_bridge.results.codec import LATER
from pymer_bridge.results.drawn import DrawnIntervals

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEVELS: Final = (0.5, 0.8, 0.9, 0.95, 0.99)
"""Levels whose intervals and regions a picture of a profile shows, as in lme4."""


@dataclass(frozen=True, slots=True, eq=False)
class Interval(Part):
    """One confidence interval; its ends are None if the method gives none.

    Attributes
    ----------
    term
        R's name of the parameter: ".sig01", ".sigma", "(Intercept)".
    label
        The readable name: "sd_(Intercept)|school", "sigma", "(Intercept)".
    conf_low, conf_high
        The ends.
    """

    term: str
    label: str
    conf_low: float | None
    conf_high: float | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Intervals(DrawnIntervals, Rows[Interval]):
    """Confidence intervals, looked up by either name of a parameter.

    Attributes
    ----------
    rows
        One :class:`Interval` per parameter, in R's order.
    method
        "wald", "profile" or "boot".
    conf_level
        Their level.
    warnings, messages
        R's warnings and messages.
    kind
        Of bootstrap intervals: "percentile", "normal" or "basic"; "" for others.
    observations
        How many rows of the data the model uses; None in what was stored without it.
    """

    rows: tuple[Interval, ...]
    method: str
    conf_level: float
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    kind: str = field(default="", metadata=LATER)
    observations: int | None = field(default=None, metadata=LATER)

    alias: ClassVar[str | None] = "label"
    shown: ClassVar[tuple[str, ...]] = fields_of(Interval)

    def _how(self) -> tuple[str, ...]:
        said = intervals_said(self.conf_level, self.method, self.kind)
        return (said.replace(" ", " confidence ", 1),)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Profile(Result):
    """A likelihood profile, from which zeta plots and plots of pairs are drawn.

    Attributes
    ----------
    parameters
        R's names of all parameters, in the order of the columns of ``values``.
    labels
        Their readable names.
    profiled
        For each point, the parameter that was held fixed.
    zeta
        For each point, the signed square root of the change in deviance.
    focal
        For each point, the value at which the parameter was held fixed.
    values
        Array of points by parameters: the values of all parameters.
    warnings, messages
        R's warnings and messages.
    """

    parameters: tuple[str, ...]
    labels: tuple[str, ...]
    profiled: tuple[str, ...]
    zeta: NDArray[np.float64]
    focal: NDArray[np.float64]
    values: NDArray[np.float64]
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    def plot(
        self,
        *,
        conf_levels: Sequence[float] = LEVELS,
        absolute: bool = False,
        ax: Axes | Sequence[Axes] | None = None,
    ) -> Figure:
        """Draw zeta of each parameter; see :func:`pymer_bridge.plots.zeta`."""
        figure: Figure = above("pymer_bridge.plots", "zeta")(
            self, conf_levels=conf_levels, absolute=absolute, ax=ax
        )
        return figure

    def plot_pairs(
        self, *, conf_levels: Sequence[float] = LEVELS, ax: Sequence[Axes] | None = None
    ) -> Figure:
        """Draw parameters by pairs; see :func:`pymer_bridge.plots.profile_pairs`."""
        figure: Figure = above("pymer_bridge.plots", "profile_pairs")(
            self, conf_levels=conf_levels, ax=ax
        )
        return figure

    def to_frame(self) -> pd.DataFrame:
        """Return one row per point: profiled, focal, zeta, and every parameter's value."""
        frame = pd.DataFrame(
            {"profiled": list(self.profiled), "focal": self.focal, "zeta": self.zeta}
        )
        values = pd.DataFrame(np.array(self.values), columns=list(self.parameters))
        return pd.concat([frame, values], axis=1)

    def _table(self) -> Table:
        columns = (
            Column("profiled", "Profiled", "text"),
            Column("focal", "Value"),
            Column("zeta", "zeta"),
        )
        rows = tuple(
            (name, float(value), float(zeta))
            for name, value, zeta in zip(self.profiled, self.focal, self.zeta, strict=True)
        )
        return Table(columns, rows, title="Profile")
