"""Power along the number of units or the size of an effect, and the number that is enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from pymer_bridge.data import crossed
from pymer_bridge.errors import OptionError, UnknownNameError, listed, shown
from pymer_bridge.models.powering import Powering
from pymer_bridge.replicates import engine
from pymer_bridge.replicates.power import Source, run_power
from pymer_bridge.replicates.power_tests import Asked
from pymer_bridge.results.power import PowerCurve, SampleSize
from pymer_bridge.session import deadlines
from pymer_bridge.spec import options
from pymer_bridge.spec.names import find_name

if TYPE_CHECKING:
    from pymer_bridge.results.design import DesignTerms


class Curves(Powering):
    """What a design does at several sizes."""

    __slots__ = ()

    if TYPE_CHECKING:
        terms: DesignTerms
        n_groups: Mapping[str, int]

    def _grown(self, along: str, n: int) -> Self:
        """Return the design with so many units."""
        raise NotImplementedError

    def _with_effect(self, name: str, value: float) -> Self:
        """Return the design with an effect of another size."""
        raise NotImplementedError

    @deadlines.timed
    @engine.stoppable
    def power_curve(
        self,
        along: str,
        values: Sequence[float],
        tests: str | Sequence[str] | Mapping[str, Any] | None = None,
        *,
        ddf: options.PowerDdf | None = None,
        alpha: float = 0.05,
        n_sim: int = 1000,
        seed: int | None = None,
        formula: str | None = None,
        conf_level: float = 0.95,
        n_jobs: int = 1,
        progress: engine.Progress = False,
        checkpoint: str | Path | None = None,
        timeout: float | None = None,
    ) -> PowerCurve:
        """Return the power along the number of units, or along the size of an effect.

        Parameters
        ----------
        along
            A grouping factor, or another column of units; or a coefficient.
        values
            How many units, or which sizes. More units than the frame has are copies of them, in
            turn; "s1.2" is the first copy of "s1".
        tests, ddf, alpha, n_sim, seed, formula, conf_level, n_jobs, progress, timeout
            As for :meth:`Design.power`.
        checkpoint
            A file for each value is made of this name: "run.ckpt" gives "run-12.ckpt".

        Returns
        -------
        PowerCurve
            The power at each value. Smaller designs are the first units of the largest one, and
            effects of another size are added to the same random numbers, so that differences
            between values are sharper than their intervals; only for effects of generalized models
            random numbers are not the same.

        Raises
        ------
        UnknownNameError
            ``along`` is neither.
        OptionError
            An argument is not accepted, or the design lacks parameters.
        BootstrapInterrupted, RTimeoutError
            As for :meth:`Design.power`; ``partial`` is that of the value at hand.

        Notes
        -----
        R functions: those of :meth:`Design.power`; smaller designs are subsets of the rows of one
        ``simulate``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> pilot = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> design = pilot.design(fixed={"Days": 4})
        >>> curve = design.power_curve("Subject", [9, 18], "Days", n_sim=20, seed=1)
        >>> curve[9]["Days"].power < curve[18]["Days"].power
        True
        """
        asked = self._asked(
            tests,
            ddf=ddf,
            alpha=alpha,
            n_sim=n_sim,
            seed=seed,
            formula=formula,
            conf_level=conf_level,
        )
        steps = _Steps(engine.Running(n_jobs, progress, checkpoint))
        name, of_units = self._axis(along)
        wanted = tuple(dict.fromkeys(_in_order(values, "values", whole=of_units)))
        if of_units:
            found = self._at_sizes(name, wanted, max(wanted), asked, steps)
        else:
            found = self._at_effects(name, wanted, asked, steps)
        return PowerCurve(name, wanted, tuple(found), of_units or self.family is None)

    @deadlines.timed
    @engine.stoppable
    def sample_size(
        self,
        along: str,
        test: str | Mapping[str, Any],
        *,
        target: float = 0.8,
        smallest: int | None = None,
        largest: int | None = None,
        ddf: options.PowerDdf | None = None,
        alpha: float = 0.05,
        n_sim: int = 1000,
        seed: int | None = None,
        formula: str | None = None,
        conf_level: float = 0.95,
        n_jobs: int = 1,
        progress: engine.Progress = False,
        timeout: float | None = None,
    ) -> SampleSize:
        """Return how many units are enough, found by bisection.

        Parameters
        ----------
        along
            A grouping factor, or another column of units.
        test
            The test, as one of those of :meth:`Design.power`; a mapping has one.
        target
            The power that is wanted.
        smallest, largest
            Between which numbers is looked; by default a quarter, and four times as many as the
            frame has.
        ddf, alpha, n_sim, seed, formula, conf_level, n_jobs, progress, timeout
            As for :meth:`Design.power`; the responses are drawn for the largest number.

        Returns
        -------
        SampleSize
            The smallest number tried with this power; and between which numbers it lies surely,
            by the intervals of the power at each number tried.

        Raises
        ------
        UnknownNameError
            The frame has no such units.
        OptionError
            An argument is not accepted, or the design lacks parameters.

        Notes
        -----
        R functions: those of :meth:`Design.power`.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> pilot = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> design = pilot.design(fixed={"Days": 4})
        >>> design.sample_size("Subject", "Days", n_sim=20, seed=1, largest=36).target
        0.8
        """
        asked = self._asked(
            test,
            ddf=ddf,
            alpha=alpha,
            n_sim=n_sim,
            seed=seed,
            formula=formula,
            conf_level=conf_level,
        )
        (name,) = asked.tests or ("",)
        target = options.check_level(target, "target")
        unit, of_units = self._axis(along)
        if not of_units:
            raise OptionError(f"along={shown(along)} is a coefficient: give a column of units")
        there = len(crossed.unit_column(self._table, unit).cat.categories)
        low = options.whole(max(2, there // 4) if smallest is None else smallest, "smallest", 2)
        high = options.whole(4 * there if largest is None else largest, "largest", 2)
        if low > high:
            raise OptionError(f"smallest={low} must not be above largest={high}")
        steps = _Steps(engine.Running(n_jobs, progress))
        tried: dict[float, Any] = {}
        sizes = self._sizes(unit, high, asked, steps)
        next(sizes)

        def is_enough(n: int) -> bool:
            if n not in tried:
                tried[n] = sizes.send(n)
            return bool(tried[n][name].power >= target)

        size = None
        if is_enough(high):
            size = high
            if is_enough(low):
                size = low
            while size - low > 1:
                middle = (low + size) // 2
                low, size = (low, middle) if is_enough(middle) else (middle, size)
        values = tuple(sorted(tried))
        below = [int(n) for n in values if tried[n][name].conf_high < target]
        above = [int(n) for n in values if tried[n][name].conf_low > target]
        return SampleSize(
            along=unit,
            test=name,
            target=target,
            size=size,
            surely_below=max(below, default=None),
            surely_enough=min(above, default=None),
            curve=PowerCurve(unit, values, tuple(tried[n] for n in values), common=True),
        )

    def _axis(self, along: str) -> tuple[str, bool]:
        """Return a column of units, or a coefficient, and whether it is units."""
        columns = [str(name) for name in self._table.columns]
        groups = [name for name in self.n_groups if name in columns]
        coefficients = [str(row.term) for row in self.terms if row.argument == "fixed"]
        for names, of_units in ((groups, True), (coefficients, False), (columns, True)):
            found = find_name(along, names)
            if found is not None:
                return found, of_units
        raise UnknownNameError(
            f"along={shown(along)} is neither among the units {listed(groups)}, nor among the "
            f"coefficients {listed(coefficients)}, nor a column"
        )

    def _at_sizes(
        self, along: str, values: Sequence[float], most: float, asked: Asked, steps: _Steps
    ) -> Iterator[Any]:
        sizes = self._sizes(along, int(most), asked, steps)
        next(sizes)
        return (sizes.send(int(n)) for n in values)

    def _sizes(self, along: str, most: int, asked: Asked, steps: _Steps) -> Any:
        """Return a generator that is sent numbers of units, and gives the power at each."""
        largest = self._grown(along, most)
        codes = crossed.unit_column(largest._table, along).cat.codes.to_numpy()
        source = largest._source()
        made: Any = None
        while True:
            n = yield made
            rows = np.flatnonzero(codes < n) + 1
            part = replace(source, rows=rows.astype(np.int32), n_obs=len(rows))
            made = steps.power(part, asked, n)

    def _at_effects(
        self, name: str, values: Sequence[float], asked: Asked, steps: _Steps
    ) -> Iterator[Any]:
        return (
            steps.power(self._with_effect(name, value)._source(), asked, value) for value in values
        )


class _Steps:
    """Runs that draw from one state of R's generator.

    Parameters
    ----------
    how
        How each is done.
    """

    def __init__(self, how: engine.Running) -> None:
        self._how = how
        self._state: list[int] | None = None

    def power(self, source: Source, asked: Asked, value: float) -> Any:
        """Return the power of one step."""
        how = self._how
        if how.checkpoint is not None:
            path = Path(how.checkpoint)
            how = replace(how, checkpoint=path.with_name(f"{path.stem}-{value:g}{path.suffix}"))
        source = replace(source, state=self._state)
        made, state, _ = run_power(source, asked, how)
        self._state = self._state or state
        return made


def _in_order(values: Any, argument: str, *, whole: bool) -> list[float]:
    """Check the values of a curve."""
    given = list(values) if isinstance(values, Sequence | range | np.ndarray) else []
    if not given or isinstance(values, str | bytes):
        raise OptionError(f"{argument}={shown(values)} must be a list of numbers")
    if whole:
        return [options.whole(value, argument, 2) for value in given]
    return [options.finite(value, argument) for value in given]
