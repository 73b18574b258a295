"""Effects of predictors over their range, and partial residuals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import floor, log10
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from pymer_bridge.display.tables import Cell, Column, Table
from pymer_bridge.errors import UnknownNameError, listed, shown
from pymer_bridge.results.base import COLUMNS, Part, Rows, above, predictor_columns
from pymer_bridge.results.codec import LATER
from pymer_bridge.spec import options
from pymer_bridge.spec.names import find_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIGURES = ("estimate", "std_error", "conf_low", "conf_high")
RESPONSES = tuple(f"response_{name}" for name in FIGURES)


@dataclass(frozen=True, slots=True, eq=False)
class EffectPoint(Part):
    """The effect at one combination of values; figures that cannot be estimated are None.

    Attributes
    ----------
    values
        The value, or the level, of each predictor.
    estimate, std_error, conf_low, conf_high
        On the scale of the linear predictor.
    response_estimate, response_std_error, response_conf_low, response_conf_high
        On the scale of the response, by the inverse link (the standard error by the delta
        method); the same where the link is the identity.
    """

    values: Mapping[str, str | float]
    estimate: float | None
    std_error: float | None
    conf_low: float | None
    conf_high: float | None
    response_estimate: float | None
    response_std_error: float | None
    response_conf_low: float | None
    response_conf_high: float | None


@dataclass(frozen=True, slots=True, eq=False)
class PartialResidual(Part):
    """The partial residual of one row of the data.

    Attributes
    ----------
    label
        The label of the row in the data.
    values
        Its values of the predictors; of a second numeric one the nearest value in the effect.
    residual
        The working residual.
    estimate
        The residual plus the effect, on the scale of the linear predictor.
    response_estimate
        The same by the inverse link.
    """

    label: str
    values: Mapping[str, str | float]
    residual: float
    estimate: float
    response_estimate: float


@dataclass(frozen=True, slots=True, eq=False)
class EffectSmooth(Part):
    """The line that smooths partial residuals (R: ``lowess``), one number per observation.

    Attributes
    ----------
    x
        Values of the predictor, in order.
    estimate, response_estimate
        The line, found on the scale of the linear predictor; and the same by the inverse link.
    """

    x: tuple[float, ...]
    estimate: tuple[float, ...]
    response_estimate: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EffectCurve(Rows[EffectPoint]):
    """The effect of one predictor, or of several together: ``curve[4.0].estimate``.

    Attributes
    ----------
    rows
        One :class:`EffectPoint` each, in R's order: the first predictor changes fastest.
    terms
        The predictors.
    response
        The response, as the formula writes it.
    family, link
        Of the model; "gaussian" and "identity" for a linear one.
    conf_level
        The level of the intervals, which are pointwise.
    partial
        Partial residuals, where they were asked for.
    smooth
        The line that smooths them, if the effect is of one numeric predictor.
    warnings, messages
        R's warnings and messages.
    index
        The labels of the rows of the partial residuals in the data.
    observations
        How many rows of the data the model uses; None in what was stored without it.
    others
        What is done with the other predictors: "averaged over sex", "age at its mean" ...
    moderators
        The numeric predictors that are at their mean and one standard deviation to each side.
    axis
        What the response is called on each scale: "response", such as "P(incidence)", and "link".
    """

    rows: tuple[EffectPoint, ...]
    terms: tuple[str, ...]
    response: str
    family: str
    link: str
    conf_level: float
    partial: tuple[PartialResidual, ...] = ()
    smooth: EffectSmooth | None = None
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    index: pd.Index | None = field(default=None, metadata=LATER)
    observations: int | None = field(default=None, metadata=LATER)
    others: tuple[str, ...] = field(default=(), metadata=LATER)
    moderators: tuple[str, ...] = field(default=(), metadata=LATER)
    axis: Mapping[str, str] | None = field(default=None, metadata=LATER)

    shown: ClassVar[tuple[str, ...]] = (*FIGURES, *RESPONSES)

    def _key_of(self, row: EffectPoint) -> tuple[Any, ...]:
        return tuple(row.values.values())

    def is_numeric(self, term: str) -> bool:
        """Say whether a predictor is numeric rather than a factor.

        Parameters
        ----------
        term
            One of ``terms``.

        Returns
        -------
        bool
            True if it is numeric.

        Raises
        ------
        UnknownNameError
            It is none of them.
        """
        found = find_name(term, self.terms)
        if found is None:
            raise UnknownNameError(f"term={shown(term)} is none of: {listed(self.terms)}")
        return not any(isinstance(row.values[found], str) for row in self.rows)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per point: the predictors, then the figures on both scales."""
        keys = predictor_columns([row.values for row in self.rows], self.terms, self.shown)
        figures = {
            name: pd.to_numeric(pd.Series([getattr(row, name) for row in self.rows], dtype=float))
            for name in self.shown
        }
        return pd.DataFrame({**keys, **figures})

    def partial_frame(self) -> pd.DataFrame:
        """Return the partial residuals, one row per row of the data.

        Returns
        -------
        pandas.DataFrame
            On the index of the data. Columns label (as text), the predictors, residual, estimate
            and response_estimate.
        """
        shown = ("residual", "estimate", "response_estimate")
        values = [row.values for row in self.partial]
        keys = predictor_columns(values, self.terms, ("label", *shown))
        figures = {
            name: pd.Series([getattr(row, name) for row in self.partial], dtype=float)
            for name in shown
        }
        frame = pd.DataFrame({"label": [row.label for row in self.partial], **keys, **figures})
        return frame if self.index is None else frame.set_axis(self.index)

    def plot(
        self,
        *,
        x: str | None = None,
        scale: options.PredictionType = "response",
        ax: Axes | Sequence[Axes] | None = None,
    ) -> Axes:
        """Draw the effect; see :func:`pymer_bridge.plots.effect_curve`.

        Parameters
        ----------
        x
            The predictor along the x axis; the first of ``terms`` by default.
        scale
            "response", or "link" for the scale of the linear predictor.
        ax
            Axes to draw on, one per panel.
        """
        draw = above("pymer_bridge.plots", "effect_curve")
        axes: Axes = draw(self, x=x, scale=scale, ax=ax)
        return axes

    def _table(self) -> Table:
        figures = FIGURES if self.link == "identity" else self.shown
        keys = tuple(
            Column(name, name, "number" if self.is_numeric(name) else "text") for name in self.terms
        )
        heads = tuple(
            COLUMNS[name]
            if name in FIGURES
            else Column(
                name, f"Response: {COLUMNS[name.removeprefix('response_')].label}", scale="response"
            )
            for name in figures
        )
        cells: tuple[tuple[Cell, ...], ...] = tuple(
            (*row.values.values(), *(getattr(row, name) for name in figures)) for row in self.rows
        )
        notes = (f"Intervals: {self.conf_level * 100:g}%, point by point.", *self._others_said())
        return Table((*keys, *heads), cells, title=self._caption(), notes=notes, max_rows=40)

    def _others_said(self) -> tuple[str, ...]:
        """Return what is done with the other predictors, as a line if there are any."""
        return (f"Other predictors: {', '.join(self.others)}.",) if self.others else ()

    def _level_said(self, term: str, value: str | float) -> str:
        """Return a value of a predictor in words: "37.2 (mean)", "44 (mean + 1 SD)", "F"."""
        if isinstance(value, str):
            return value
        if term not in self.moderators:
            return f"{value:.4g}"
        places = sorted(float(row.values[term]) for row in self.rows)
        named = dict(
            zip(dict.fromkeys(places), ("mean - 1 SD", "mean", "mean + 1 SD"), strict=True)
        )
        decimals = max(0, 1 - floor(log10((places[-1] - places[0]) / 2)))  # two digits of the SD
        return f"{value:.{decimals}f} ({named[value]})"

    def _axis(self, scale: options.PredictionType) -> str:
        """Return what the response is called on a scale."""
        if self.axis is not None:
            return self.axis[scale]
        linear = scale == "link" and self.link != "identity"
        return f"{self.link}({self.response})" if linear else self.response

    def _how(self) -> tuple[str, ...]:
        return (f"Effect of {' and '.join(self.terms)} on {self.response}",)
