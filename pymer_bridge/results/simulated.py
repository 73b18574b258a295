"""Residuals and responses among simulated ones: tests of them, and the curves that are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.display.tables import Cell, Column, Table
from pymer_bridge.results.base import OneRow, Part, Result, Rows, fields_of
from pymer_bridge.results.drawn import DrawnCheck
from pymer_bridge.results.matrix import AsArray

Floats = NDArray[np.float64]


class BandedCurve(NamedTuple):
    """A curve, and the band in which it lies where the model is true.

    Attributes
    ----------
    x, y, low, high
        Read-only arrays of one length.
    """

    x: Floats
    y: Floats
    low: Floats
    high: Floats


class ResidualView(NamedTuple):
    """Simulated residuals along a predictor, as a whole or within the levels of another.

    Attributes
    ----------
    x, by
        The predictor, and the other one; "" for none.
    values
        The predictor over the rows used: numbers, or numbers of levels from 1 on.
    levels
        Its levels, or None of numbers.
    parts
        What the curves are of, such as "sex = female" or "age > 50"; empty without another one.
    curves
        For each part a smooth line along numbers, or means at the levels.
    """

    x: str
    by: str
    values: Floats
    levels: tuple[str, ...] | None
    parts: tuple[str, ...]
    curves: tuple[BandedCurve, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ResidualCurves:
    """What diagnostic pictures show of simulated residuals.

    Of a true model they are uniform between 0 and 1, whatever its family.

    Attributes
    ----------
    residuals
        The share of draws below each response; at random among the draws that are equal to it.
    from_middle
        Twice their distance from a half.
    fitted
        Fitted values, with the random effects. All three over the rows used.
    quantiles
        The sorted residuals (up to 200 of them) against uniform quantiles.
    location, spread
        Smooth lines along the fitted values: of the residuals, and of their distances.
    views
        Residuals along predictors.
    n_views
        Among how many they were chosen, as those that stray farthest.
    conf_level
        How often the band holds all of these curves, from end to end, where the model is true.
    n_sim, seed
        How many responses each is compared with, and R's ``set.seed`` integer.
    warnings, messages
        R's warnings and messages.
    """

    residuals: Floats
    from_middle: Floats
    fitted: Floats
    quantiles: BandedCurve
    location: BandedCurve
    spread: BandedCurve
    views: tuple[ResidualView, ...]
    n_views: int
    conf_level: float
    n_sim: int
    seed: int | None
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ScaledResiduals(AsArray, Result):
    """Where each response stands among responses that the fitted model draws.

    Of a true model they are uniform between 0 and 1, whatever its family; 0 and 1 are responses
    beyond all that were drawn. numpy takes it as the array of its values.

    Attributes
    ----------
    values
        The residuals, on the index: read-only, NaN for dropped rows under ``na_action="exclude"``.
    index
        The labels of the rows, or of the groups.
    fitted
        The response that the model predicts, without random effects; of groups sums.
    observed
        The response: of a binomial model counts of successes; of groups sums.
    made_by
        "DHARMa" with its version, or "pymer_bridge", which computes the same where DHARMa is not
        installed.
    n_sim, seed
        How many responses each is compared with, and R's ``set.seed`` integer.
    refit
        Residuals among those of models that were fitted anew to what was drawn?
    use_u
        Drawn at the estimated random effects?
    group
        What the rows were added up by; "" for rows.
    warnings, messages
        R's warnings and messages.
    """

    values: Floats
    index: pd.Index
    fitted: Floats
    observed: Floats
    made_by: str
    n_sim: int
    seed: int | None
    refit: bool
    use_u: bool
    group: str = ""
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    title: ClassVar[str] = "Scaled residuals"

    def _how(self) -> tuple[str, ...]:
        drawn = "at the estimated random effects" if self.use_u else ""
        return (
            f"by group: {self.group}" if self.group else "",
            f"{self.n_sim} simulations {drawn}".rstrip(),
            "fitted anew" if self.refit else "",
            f"by {self.made_by}",
        )

    def __len__(self) -> int:
        """Return the number of residuals."""
        return len(self.values)

    def to_series(self) -> pd.Series[float]:
        """Return the residuals as a pandas Series on their index."""
        return pd.Series(np.array(self.values), index=self.index, name="residual")

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame on the index: residual, fitted, observed."""
        columns = {"residual": self.values, "fitted": self.fitted, "observed": self.observed}
        return pd.DataFrame({k: np.array(v) for k, v in columns.items()}, index=self.index)

    def _table(self) -> Table:
        names = ("residual", "fitted", "observed")
        heads = (Column("label", "", "text"), *(Column(n, n.capitalize()) for n in names))
        lists = (a.tolist() for a in (self.values, self.fitted, self.observed))
        cells: tuple[tuple[Cell, ...], ...] = tuple(
            (str(label), *figures) for label, *figures in zip(self.index, *lists, strict=True)
        )
        return Table(heads, cells, title=self._caption())


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ResidualTest(OneRow):
    """A test of scaled residuals; a figure that it does not have is None.

    Attributes
    ----------
    test
        "uniformity", "dispersion", "outliers" or "zero inflation".
    statistic
        Kolmogorov's D; observed over simulated variance, or zeros; the number of outliers.
    p_value
        Its p-value.
    estimate, conf_low, conf_high
        The share of outliers, and an interval: for the share by the binomial test, of what is
        expected by the bootstrap.
    alternative
        "two.sided", "greater" or "less".
    method
        The test, in R's words.
    made_by
        Who tested, see :class:`ScaledResiduals`.
    warnings, messages
        R's warnings and messages.
    """

    test: str
    statistic: float
    p_value: float
    estimate: float | None
    conf_low: float | None
    conf_high: float | None
    alternative: str
    method: str
    made_by: str
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    title: ClassVar[str] = "Test of scaled residuals"

    @property
    def _columns(self) -> tuple[Column, ...]:  # type: ignore[override]
        ends = (
            Column("estimate", "Share"),
            Column("conf_low", "Conf. low"),
            Column("conf_high", "Conf. high"),
        )
        return (
            Column("test", "Test", "text"),
            Column("statistic", "Statistic"),
            Column("p_value", "p", "p_value"),
            *(() if self.estimate is None else ends),
            Column("alternative", "Alternative", "text"),
        )

    def _how(self) -> tuple[str, ...]:
        return (f"by {self.made_by}",)

    def _notes(self) -> tuple[str, ...]:
        return (self.method, *self.messages)


@dataclass(frozen=True, slots=True, eq=False)
class QuantileTest(Part):
    """A test that a quantile of scaled residuals is where it should be.

    Attributes
    ----------
    quantile
        Which.
    p_value
        Its p-value; None where the regression failed.
    """

    quantile: float
    p_value: float | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class QuantileTests(Rows[QuantileTest]):
    """Tests of quantiles of scaled residuals along fitted values, or a predictor.

    Attributes
    ----------
    rows
        One :class:`QuantileTest` for each quantile: ``tests[0.5].p_value``.
    p_value
        That of all together, adjusted for their number; None where one failed.
    along
        The predictor; "" for the fitted values.
    warnings, messages
        R's warnings and messages.
    """

    rows: tuple[QuantileTest, ...]
    p_value: float | None
    along: str
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    title: ClassVar[str] = "Quantiles of scaled residuals"
    key: ClassVar[tuple[str, ...]] = ("quantile",)
    shown: ClassVar[tuple[str, ...]] = fields_of(QuantileTest)
    _own: ClassVar[tuple[Column, ...]] = (
        Column("quantile", "Quantile"),
        Column("p_value", "p", "p_value"),
    )

    def _how(self) -> tuple[str, ...]:
        return (f"along {self.along or 'fitted values'}",)

    def _notes(self) -> tuple[str, ...]:
        together = "failed" if self.p_value is None else f"p = {self.p_value:.4g}"
        return (f"All together: {together}", *self.messages)


class ResidualLine(NamedTuple):
    """A line along which a quantile of scaled residuals runs, or their smooth.

    Attributes
    ----------
    x, y
        Read-only arrays of one length.
    low, high
        The quantile less and plus its standard error; None of a smooth.
    quantile
        Which quantile; None of a smooth.
    significant
        Does it differ from where it should be, as DHARMa says?
    """

    x: Floats
    y: Floats
    low: Floats | None
    high: Floats | None
    quantile: float | None
    significant: bool


class ResidualPanels(NamedTuple):
    """What the two panels of scaled residuals show.

    Attributes
    ----------
    quantiles, expected
        The sorted residuals, and uniform quantiles.
    p_values, said
        Of the tests of uniformity, outliers and dispersion, with DHARMa's words.
    residuals, x
        The residuals, and ranks of what they are along, or numbers of levels from 1 on.
    levels
        The levels, or None.
    lines
        Lines along it.
    found
        What DHARMa says of them.
    """

    quantiles: Floats
    expected: Floats
    p_values: tuple[float, ...]
    said: tuple[str, ...]
    residuals: Floats
    x: Floats
    levels: tuple[str, ...] | None
    lines: tuple[ResidualLine, ...]
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PredictiveRow(Part):
    """A place of the distribution of the response.

    Attributes
    ----------
    value
        A number, or the name of a level; "60 or more" where there are many numbers.
    observed
        The density of the observed response there, or how many rows have the value.
    conf_low, conf_high
        Between which it lies in most simulations.
    """

    value: float | str
    observed: float
    conf_low: float
    conf_high: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PredictiveCheck(DrawnCheck, Rows[PredictiveRow]):
    """The distribution of the response, observed and simulated.

    Attributes
    ----------
    kind
        "density" of a continuous response, "counts" of whole numbers, "levels" of zeros and ones
        or two levels.
    rows
        One :class:`PredictiveRow` for each place.
    simulated
        Read-only array of places by simulations: their densities, or numbers of rows.
    response
        What the response is called.
    conf_level
        In which share of simulations each place lies within its limits.
    n_sim, seed, use_u
        How many were simulated, R's ``set.seed`` integer, and whether at the estimated random
        effects.
    warnings, messages
        R's warnings and messages.
    observations
        How many rows of the data the model uses.
    """

    kind: str
    rows: tuple[PredictiveRow, ...]
    simulated: Floats
    response: str
    conf_level: float
    n_sim: int
    seed: int | None
    use_u: bool
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    observations: int | None = None

    title: ClassVar[str] = "Observed and simulated response"
    key: ClassVar[tuple[str, ...]] = ("value",)
    shown: ClassVar[tuple[str, ...]] = fields_of(PredictiveRow)
    _own: ClassVar[tuple[Column, ...]] = (Column("value", "Value"), Column("observed", "Observed"))

    def _how(self) -> tuple[str, ...]:
        drawn = " at the estimated random effects" if self.use_u else ""
        limits = f"limits of {self.conf_level * 100:.6g}% of them"
        return (self.kind, f"{self.n_sim} simulations{drawn}", limits)
