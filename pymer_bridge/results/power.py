"""Power: how often tests reject, and what else their estimates are worth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.display.tables import Column, Table
from pymer_bridge.errors import OptionError
from pymer_bridge.results.base import Part, Result, Rows, above, fields_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LABELS: Final = (
    Column("test", "Test", "text"),
    Column("power", "Power", digits=3),
    Column("conf_low", "Conf. low", digits=3),
    Column("conf_high", "Conf. high", digits=3),
    Column("n_rejected", "Rejected", "integer"),
    Column("n_failed", "Failed", "integer"),
    Column("true_value", "True", scale="estimate"),
    Column("estimate", "Mean est.", scale="estimate"),
    Column("bias", "Bias", digits=2),
    Column("type_s", "Type S", digits=2),
    Column("type_m", "Type M", digits=3),
    Column("coverage", "Coverage", digits=3),
)


@dataclass(frozen=True, slots=True, eq=False)
class PoweredTest(Part):
    """The power of one test, with what its estimates are worth.

    Attributes
    ----------
    test
        Its name.
    kind
        "coefficient", "contrast", "term" or "comparison".
    power
        The share of all responses for which the test rejects; one whose fit failed is not rejected.
    conf_low, conf_high
        The Clopper-Pearson interval of the power.
    n_rejected
        For how many responses the test rejects.
    n_rejected_singular, n_rejected_not_converged
        How many of these fits are singular, or have not converged.
    n_failed
        How many fits or tests failed, and have no p-value.
    true_value
        The value from which was drawn; None where the test is not of one number.
    estimate
        The mean of the estimates.
    bias
        That mean less the true value.
    type_s
        The share of wrong signs among estimates whose test rejects.
    type_m
        By how much these estimates exaggerate: the mean of their sizes over the true one.
    coverage
        How often the interval of level 1 - alpha holds the true value.
    """

    test: str
    kind: str
    power: float
    conf_low: float
    conf_high: float
    n_rejected: int
    n_rejected_singular: int
    n_rejected_not_converged: int
    n_failed: int
    true_value: float | None
    estimate: float | None
    bias: float | None
    type_s: float | None
    type_m: float | None
    coverage: float | None


_SHOWN = tuple(
    name
    for name in fields_of(PoweredTest)
    if name not in ("kind", "n_rejected_singular", "n_rejected_not_converged")
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Power(Rows[PoweredTest]):
    """The power of tests, one row per test: ``power["Days"].power``.

    Attributes
    ----------
    rows
        One :class:`PoweredTest` per test.
    formula, n_obs
        The model that was fitted, and how many rows each response has.
    ddf
        How coefficients, contrasts and terms were tested.
    alpha, conf_level
        The level of the tests; that of the intervals of the power.
    n_sim, seed
        How many responses were drawn, and R's ``set.seed`` integer.
    n_failed, n_singular, n_not_converged
        How many fits stopped with an error, are singular, have not converged.
    p_values, estimates, std_errors, df, statistics
        Read-only arrays of responses by tests; NaN where a fit failed, or a test has none.
    singular, converged
        Of each response: is the fit on the boundary? Did the optimizer end well?
    errors
        Of each response the error that stopped its fit, or None.
    fit_warnings, fit_messages
        R's warnings and messages of each response.
    generator, versions, seconds
        R's kinds of generators, versions of R and its packages, elapsed seconds.
    warnings, messages
        R's warnings and messages of the design.
    """

    rows: tuple[PoweredTest, ...]
    formula: str
    n_obs: int
    ddf: str
    alpha: float
    conf_level: float
    n_sim: int
    seed: int | None
    n_failed: int
    n_singular: int
    n_not_converged: int
    p_values: NDArray[np.float64]
    estimates: NDArray[np.float64]
    std_errors: NDArray[np.float64]
    df: NDArray[np.float64]
    statistics: NDArray[np.float64]
    singular: NDArray[np.bool_]
    converged: NDArray[np.bool_]
    errors: tuple[str | None, ...]
    fit_warnings: tuple[tuple[str, ...], ...]
    fit_messages: tuple[tuple[str, ...], ...]
    generator: tuple[str, ...] = ()
    versions: dict[str, str | None] = field(default_factory=dict)
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    title: ClassVar[str] = "Power"
    key: ClassVar[tuple[str, ...]] = ("test",)
    shown: ClassVar[tuple[str, ...]] = fields_of(PoweredTest)
    _own: ClassVar[tuple[Column, ...]] = _LABELS

    def _columns(self) -> tuple[str, ...]:
        return tuple(
            name for name in _SHOWN if any(getattr(row, name) is not None for row in self.rows)
        )

    def _how(self) -> tuple[str, ...]:
        return (f"alpha = {self.alpha:g}", how_tested(self.ddf), f"{self.n_sim} responses")

    def _notes(self) -> tuple[str, ...]:
        counts = (
            f"Fits: {self.n_failed} failed (never counted as rejections), {self.n_singular} "
            f"singular, {self.n_not_converged} not converged"
        )
        unsound = [
            f"{row.test}: {row.n_rejected_singular} of {row.n_rejected} rejections are of singular "
            f"fits, {row.n_rejected_not_converged} of fits that have not converged"
            for row in self.rows
            if row.n_rejected_singular or row.n_rejected_not_converged
        ]
        interval = f"{self.conf_level * 100:.6g}% Clopper-Pearson intervals of the power"
        return (f"Model: {self.formula}, {self.n_obs} rows", interval, counts, *unsound)

    def plot(self, *, wanted: float | None = 0.8, ax: Axes | None = None) -> Axes:
        """Draw the power of each test with its interval.

        Parameters
        ----------
        wanted
            The power that is wanted, as a line; None for none.
        ax
            Axes to draw on.

        Returns
        -------
        matplotlib.axes.Axes
            A line for each test.
        """
        drawn: Axes = above("pymer_bridge.plots", "power")(self, wanted=wanted, ax=ax)
        return drawn


def how_tested(ddf: str) -> str:
    """Return a method of tests in words."""
    return {
        "satterthwaite": "Satterthwaite's method",
        "kenward-roger": "Kenward-Roger's method",
        "normal": "normal tests",
        "lrt": "likelihood ratio tests",
        "anova": "F tests of terms by Satterthwaite's method",
    }[ddf]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PowerCurve(Result):
    """Power along the number of units, or the size of an effect.

    Attributes
    ----------
    along
        The units, or the coefficient.
    values
        How many units, or which effects, in order.
    powers
        The :class:`Power` at each of them.
    common
        Were all from the same random numbers?
    warnings, messages
        R's warnings and messages.
    """

    along: str
    values: tuple[float, ...]
    powers: tuple[Power, ...]
    common: bool
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    title: ClassVar[str] = "Power"

    def __len__(self) -> int:
        """Return the number of values."""
        return len(self.values)

    def __getitem__(self, value: float) -> Power:
        """Return the power at a value.

        Raises
        ------
        OptionError
            It was not asked for.
        """
        if value not in self.values:
            known = ", ".join(f"{known:g}" for known in self.values)
            raise OptionError(f"no power at {self.along} = {value}; there is: {known}")
        return self.powers[self.values.index(value)]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per value and test: the value in ``along``'s name, then as of a Power."""
        frames = []
        for value, power in zip(self.values, self.powers, strict=True):
            frame = power.to_frame()
            frame.insert(0, "value", value)
            frame.insert(0, "along", self.along)
            frame["n_singular"], frame["n_not_converged"] = power.n_singular, power.n_not_converged
            frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    def _how(self) -> tuple[str, ...]:
        first = self.powers[0]
        return (f"along {self.along}", *first._how())

    def _table(self) -> Table:
        wanted = [
            c for c in _LABELS if c.name in ("test", "power", "conf_low", "conf_high", "n_failed")
        ]
        columns = (
            Column("value", self.along),
            *wanted,
            Column("n_singular", "Singular", "integer"),
        )
        cells: list[tuple[Any, ...]] = [
            (value, *(getattr(row, c.name) for c in wanted), power.n_singular)
            for value, power in zip(self.values, self.powers, strict=True)
            for row in power.rows
        ]
        drawn = "common random numbers" if self.common else "random numbers of their own"
        return Table(columns, tuple(cells), title=self._caption(), notes=(f"Values have {drawn}",))

    def plot(self, *, wanted: float | None = 0.8, ax: Axes | None = None) -> Axes:
        """Draw the power along the values, with bands of its intervals.

        Parameters
        ----------
        wanted
            The power that is wanted, as a line; None for none.
        ax
            Axes to draw on.

        Returns
        -------
        matplotlib.axes.Axes
            A line for each test.
        """
        drawn: Axes = above("pymer_bridge.plots", "power_curve")(self, wanted=wanted, ax=ax)
        return drawn


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SampleSize(Result):
    """The smallest number of units with the wanted power, and how sure that is.

    Attributes
    ----------
    along, test, target
        The units, the test, and the power that is wanted.
    size
        The smallest number tried with at least that power; None where none had it.
    surely_below, surely_enough
        The largest number tried whose interval of the power lies below the target, and the smallest
        whose interval lies above: the answer lies between them. None where there is none.
    curve
        The power at all numbers tried.
    warnings, messages
        R's warnings and messages.
    """

    along: str
    test: str
    target: float
    size: int | None
    surely_below: int | None
    surely_enough: int | None
    curve: PowerCurve
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    title: ClassVar[str] = "Sample size"

    def to_frame(self) -> pd.DataFrame:
        """Return a frame of one row: the target, the size, and between which numbers it lies."""
        names = ("along", "test", "target", "size", "surely_below", "surely_enough")
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    def _notes(self) -> tuple[str, ...]:
        if self.size is None:
            most = max(self.curve.values)
            return (f"No number up to {most:g} has this power",)
        low = (
            "fewer than all that were tried"
            if self.surely_below is None
            else f"{self.surely_below}"
        )
        high = (
            "more than all that were tried"
            if self.surely_enough is None
            else f"{self.surely_enough}"
        )
        level = f"{self.curve.powers[0].conf_level * 100:.6g}%"
        return (
            f"By {level} intervals of the power: surely too few at {low}, surely enough at {high}",
            *(row for row in self.curve._table().to_text().splitlines()[1:]),
        )

    def _table(self) -> Table:
        texts = Column("along", "Along", "text"), Column("test", "Test", "text")
        columns = *texts, Column("target", "Wanted"), Column("size", "Size", "integer")
        cells = ((self.along, self.test, self.target, self.size),)
        return Table(columns, cells, title=self._caption(), notes=self._notes())
