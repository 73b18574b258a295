"""Shares of the variance that groups, or a model, explain."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from pymer_bridge.display.tables import Column
from pymer_bridge.results.base import OneRow, Part, Rows, fields_of, intervals_said
from pymer_bridge.results.codec import LATER


@dataclass(frozen=True, slots=True, eq=False)
class ShareInterval(Part):
    """The ends of a bootstrap interval of a share of variance.

    Attributes
    ----------
    conf_low, conf_high
        The ends; None where fewer than two refits have the share.
    """

    conf_low: float | None
    conf_high: float | None


@dataclass(frozen=True, slots=True, eq=False)
class ShareBootstrap(Part):
    """The parametric bootstrap behind intervals of shares of variance.

    Attributes
    ----------
    intervals
        One :class:`ShareInterval` for each share, in their order.
    conf_level
        The level of the intervals.
    n_sim
        How many refits.
    n_without
        How many of them have no shares, as they are singular or failed; they are left out.
    seed
        What seeded R's generator.
    """

    intervals: tuple[ShareInterval, ...]
    conf_level: float
    n_sim: int
    n_without: int
    seed: int | None


class _Shares(OneRow):
    """Base of two shares of variance, with intervals or without."""

    __slots__ = ()

    bootstrap: ShareBootstrap | None

    def _how(self) -> tuple[str, ...]:
        made = self.bootstrap
        return () if made is None else (intervals_said(made.conf_level, "boot", "percentile"),)

    def _given(self) -> tuple[Column, ...]:
        if self.bootstrap is None:
            return self._columns
        return tuple(
            column
            for share in self._columns
            for column in (
                share,
                Column(f"{share.name}_conf_low", "Conf. low"),
                Column(f"{share.name}_conf_high", "Conf. high"),
            )
        )

    def _end(self, share: int, end: str) -> float | None:
        return None if self.bootstrap is None else getattr(self.bootstrap.intervals[share], end)

    def _notes(self) -> tuple[str, ...]:
        made = self.bootstrap
        if made is None or not made.n_without:
            return ()
        return (f"{made.n_without} of {made.n_sim} refits are singular or failed, and left out",)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class IntraclassCorrelation(_Shares):
    """Intraclass correlation: the share of variance that lies between groups.

    Attributes
    ----------
    adjusted
        The share of the variance that the fixed effects do not explain; None for a singular fit.
    unadjusted
        The share of all variance, including that of the fixed effects; None for a singular fit.
    warnings, messages
        R's warnings and messages.
    observations
        How many rows of the data the model uses; None in what was stored without it.
    bootstrap
        How the intervals were made; None without intervals.
    """

    adjusted: float | None
    unadjusted: float | None
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    observations: int | None = field(default=None, metadata=LATER)
    bootstrap: ShareBootstrap | None = field(default=None, metadata=LATER)

    title: ClassVar[str] = "Intraclass correlation"
    _columns: ClassVar[tuple[Column, ...]] = (
        Column("adjusted", "Adjusted"),
        Column("unadjusted", "Unadjusted"),
    )

    @property
    def adjusted_conf_low(self) -> float | None:
        """The lower end of the interval of the adjusted one."""
        return self._end(0, "conf_low")

    @property
    def adjusted_conf_high(self) -> float | None:
        """Its upper end."""
        return self._end(0, "conf_high")

    @property
    def unadjusted_conf_low(self) -> float | None:
        """The lower end of the interval of the unadjusted one."""
        return self._end(1, "conf_low")

    @property
    def unadjusted_conf_high(self) -> float | None:
        """Its upper end."""
        return self._end(1, "conf_high")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RSquared(_Shares):
    """Nakagawa's coefficients of determination.

    Attributes
    ----------
    marginal
        The share of variance that the fixed effects explain.
    conditional
        The share that fixed and random effects explain together; None for a singular fit.
    warnings, messages
        R's warnings and messages.
    observations
        How many rows of the data the model uses; None in what was stored without it.
    bootstrap
        How the intervals were made; None without intervals.
    """

    marginal: float | None
    conditional: float | None
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    observations: int | None = field(default=None, metadata=LATER)
    bootstrap: ShareBootstrap | None = field(default=None, metadata=LATER)

    title: ClassVar[str] = "R squared"
    _columns: ClassVar[tuple[Column, ...]] = (
        Column("marginal", "Marginal"),
        Column("conditional", "Conditional"),
    )

    @property
    def marginal_conf_low(self) -> float | None:
        """The lower end of the interval of the marginal one."""
        return self._end(0, "conf_low")

    @property
    def marginal_conf_high(self) -> float | None:
        """Its upper end."""
        return self._end(0, "conf_high")

    @property
    def conditional_conf_low(self) -> float | None:
        """The lower end of the interval of the conditional one."""
        return self._end(1, "conf_low")

    @property
    def conditional_conf_high(self) -> float | None:
        """Its upper end."""
        return self._end(1, "conf_high")


@dataclass(frozen=True, slots=True, eq=False)
class GroupShare(Part):
    """A share of variance of one group.

    Attributes
    ----------
    group
        The grouping factor; "Level 1" for the rows.
    share
        The share.
    """

    group: str
    share: float | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GroupShares(Rows[GroupShare]):
    """Shares of variance, group by group: ``fit.icc(by_group=True)["Subject"].share``.

    Attributes
    ----------
    rows
        One :class:`GroupShare` per grouping factor.
    of
        What they are.
    warnings, messages
        R's warnings and messages.
    observations
        How many rows of the data the model uses.
    """

    rows: tuple[GroupShare, ...]
    of: str
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    observations: int | None = None

    key: ClassVar[tuple[str, ...]] = ("group",)
    shown: ClassVar[tuple[str, ...]] = fields_of(GroupShare)
    _own: ClassVar[tuple[Column, ...]] = (Column("share", "Share"),)

    def _how(self) -> tuple[str, ...]:
        return (self.of,)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LinearRSquared(OneRow):
    """The coefficient of determination of a linear model.

    Attributes
    ----------
    r_squared
        The share of variance that the model explains.
    adjusted
        The same, adjusted for the number of coefficients.
    warnings, messages
        R's warnings and messages.
    observations
        How many rows of the data the model uses.
    """

    r_squared: float
    adjusted: float
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    observations: int | None = None

    title: ClassVar[str] = "R squared"
    _columns: ClassVar[tuple[Column, ...]] = (
        Column("r_squared", "R squared"),
        Column("adjusted", "Adjusted"),
    )
