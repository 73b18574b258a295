"""Scaled residuals that can be tested, grouped and drawn: their simulations stay in R."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.decode import simulated as decode_simulated
from pymer_bridge.results.drawn import DrawnPanels
from pymer_bridge.results.in_r import InR
from pymer_bridge.results.simulated import (
    QuantileTests,
    ResidualPanels,
    ResidualTest,
    ScaledResiduals,
)
from pymer_bridge.session import asking
from pymer_bridge.session.calls import Handle
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import options
from pymer_bridge.spec.names import find_name

Clusters = str | pd.Series | Sequence[Any] | NDArray[Any]
Alternative = Literal["two.sided", "greater", "less"]
OutlierTest = Literal["default", "bootstrap", "binomial"]
Margin = Literal["both", "upper", "lower"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SimulatedResiduals(InR, DrawnPanels, ScaledResiduals):
    """Scaled residuals that can be tested, grouped and drawn; made by ``simulated_residuals()``.

    Stored by :meth:`to_dict`, it reads back as plain :class:`ScaledResiduals`, without the
    simulations, which stay in R.
    """

    _model: Any = None
    _simulated: Handle | None = None
    _stored: ClassVar[Any] = ScaledResiduals

    def _test(self, test: str, alternative: str, **further: Any) -> ResidualTest:
        chosen = options.one_of(alternative, Alternative, "alternative")
        unused: dict[str, Any] = {"type": "default", "margin": "both", "n_boot": 100, "seed": None}
        found: ResidualTest = asking.ask(
            "test_of_residuals",
            lambda record: decode_simulated.residual_test(record, test, chosen, self.made_by),
            simulated=self._simulated,
            test=test,
            alternative=chosen,
            **unused | further,
        )
        return found

    def test_uniformity(self, alternative: Alternative = "two.sided") -> ResidualTest:
        """Test that the residuals are uniform, as those of a true model are.

        Parameters
        ----------
        alternative
            "two.sided", "greater" or "less".

        Returns
        -------
        ResidualTest
            Kolmogorov and Smirnov's test.

        Raises
        ------
        OptionError
            ``alternative`` is not accepted.

        Notes
        -----
        R functions: ``DHARMa::testUniformity``, which is ``stats::ks.test``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> fit.simulated_residuals().test_uniformity().p_value > 0.05
        True
        """
        return self._test("uniformity", alternative)

    def test_dispersion(self, alternative: Alternative = "two.sided") -> ResidualTest:
        """Test that the response varies about fitted values as much as simulated ones do.

        Parameters
        ----------
        alternative
            "greater" for overdispersion, "less" for underdispersion, "two.sided" for both.

        Returns
        -------
        ResidualTest
            The ratio of the observed to the simulated variance; with ``refit`` of the sums of
            squared Pearson residuals.

        Raises
        ------
        OptionError
            ``alternative`` is not accepted.

        Notes
        -----
        R function: ``DHARMa::testDispersion``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> cbpp = pb.load_dataset("cbpp")
        >>> fit = pb.glm("incidence ~ period", cbpp, family="poisson")
        >>> fit.simulated_residuals().test_dispersion("greater").p_value
        0.0
        """
        return self._test("dispersion", alternative)

    def test_outliers(
        self,
        alternative: Alternative = "two.sided",
        *,
        margin: Margin = "both",
        type: OutlierTest = "default",  # noqa: A002  # R's word
        n_boot: int = 100,
        seed: int | None = 123,
    ) -> ResidualTest:
        """Test how many responses lie beyond all that were simulated.

        Parameters
        ----------
        alternative
            "greater" for too many, "less" for too few, "two.sided" for both.
        margin
            Count those above ("upper"), below ("lower") or "both"?
        type
            "binomial", "bootstrap", or "default": the bootstrap for up to 500 whole numbers.
        n_boot
            How many bootstrap draws.
        seed
            Of the bootstrap: R's ``set.seed`` integer; None draws on.

        Returns
        -------
        ResidualTest
            The number of outliers, and their share.

        Raises
        ------
        OptionError
            An argument is not accepted.

        Notes
        -----
        R function: ``DHARMa::testOutliers``, after ``set.seed(seed)``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> fit.simulated_residuals().test_outliers().statistic
        0.0
        """
        return self._test(
            "outliers",
            alternative,
            type=options.one_of(type, OutlierTest, "type"),
            margin=options.one_of(margin, Margin, "margin"),
            n_boot=options.whole(n_boot, "n_boot", 2),
            seed=options.random_seed(seed),
        )

    def test_zero_inflation(self, alternative: Alternative = "two.sided") -> ResidualTest:
        """Test that the response has as many zeros as simulated ones.

        Parameters
        ----------
        alternative
            "greater" for too many, "less" for too few, "two.sided" for both.

        Returns
        -------
        ResidualTest
            The ratio of the observed to the expected number of zeros.

        Raises
        ------
        OptionError
            ``alternative`` is not accepted.

        Notes
        -----
        R function: ``DHARMa::testZeroInflation``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.glm("incidence ~ period", pb.load_dataset("cbpp"), family="poisson")
        >>> round(fit.simulated_residuals().test_zero_inflation().statistic, 1)
        1.3
        """
        return self._test("zero_inflation", alternative)

    def test_quantiles(
        self,
        along: str | None = None,
        *,
        quantiles: Sequence[float] = (0.25, 0.5, 0.75),
        seed: int | None = 123,
    ) -> QuantileTests:
        """Test that quantiles of the residuals stay where they should be, along what predicts them.

        Parameters
        ----------
        along
            A predictor; None for the fitted values.
        quantiles
            Which.
        seed
            R's ``set.seed`` integer, for qgam; None draws on.

        Returns
        -------
        QuantileTests
            A p-value for each quantile, and one for all together.

        Raises
        ------
        OptionError
            There is no such predictor, or an argument is not accepted.
        REnvironmentError
            R's package DHARMa is not installed: the regressions are those of qgam.

        Notes
        -----
        R function: ``DHARMa::testQuantiles``, after ``set.seed(seed)``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> fit.simulated_residuals().test_quantiles("Days")[0.5]  # doctest: +SKIP
        QuantileTest(quantile=0.5, p_value=0.86)
        """
        chosen = self._predictor(along)
        values = np.asarray(options.array_of(quantiles, "quantiles must be numbers", np.float64))
        if values.ndim != 1 or not values.size or not ((values > 0) & (values < 1)).all():
            raise OptionError(f"quantiles={shown(quantiles)} must be numbers between 0 and 1")
        start = options.random_seed(seed)
        session().require("DHARMa")
        found: QuantileTests = self._model._ask_anew(
            "quantile_tests",
            lambda record: decode_simulated.quantile_tests(record, values.tolist(), chosen or ""),
            simulated=self._simulated,
            along=chosen,
            quantiles=values,
            seed=start,
        )
        return found

    def by_group(self, group: Clusters, *, seed: int | None = 123) -> SimulatedResiduals:
        """Return the residuals of groups: of the sums of their rows among sums of simulated ones.

        Parameters
        ----------
        group
            A grouping factor of the model, a column that it uses, or another column itself, such as
            ``data["school"]``, for the rows of the data.
        seed
            R's ``set.seed`` integer, for sums that are equal; None draws on.

        Returns
        -------
        SimulatedResiduals
            One residual for each group, with the same tests and pictures.

        Raises
        ------
        OptionError
            There is no such column, or the residuals are those of groups already.

        Notes
        -----
        R function: ``DHARMa::recalculateResiduals(group = )``. Its test of outliers by the binomial
        distribution counts rows, not groups.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> len(fit.simulated_residuals().by_group("Subject"))
        18
        """
        if self.group:
            raise OptionError(f"these are residuals of groups already: {self.group}")
        name, chosen = self._model._clusters(group, "group")
        start = options.random_seed(seed)

        def read(record: decode.RRecord) -> SimulatedResiduals:
            levels = pd.Index(decode.texts(record, "levels"), name=name or None)
            known = {f.name: getattr(self, f.name) for f in fields(self)}
            parts = decode_simulated.scaled(record) | {
                "index": levels,
                "group": name or "group",
                "seed": start,
                "_simulated": record["simulated"],
            }
            return SimulatedResiduals(**known | parts)

        found: SimulatedResiduals = self._model._ask_anew(
            "grouped_residuals", read, simulated=self._simulated, group=chosen, seed=start
        )
        return found

    def _panels(self, along: str | None, seed: int | None) -> ResidualPanels:
        """Return what the two panels show."""
        found: ResidualPanels = self._model._ask_anew(
            "residual_panels",
            decode_simulated.residual_panels,
            simulated=self._simulated,
            along=self._predictor(along),
            seed=options.random_seed(seed),
        )
        return found

    def _predictor(self, name: str | None) -> str | None:
        if name is None:
            return None
        if self.group:
            raise OptionError("residuals of groups are along fitted values: leave along= out")
        known = self._model._predictor_levels()
        found = find_name(name, known)
        if found is None:
            raise OptionError(f"along={shown(name)} is no predictor; there are: {listed(known)}")
        return str(found)
