"""Can the model be trusted? Figures of each observation, and what R's packages say of the model."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import pandas as pd

from pymer_bridge.data import frames
from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.models.base import Fitted
from pymer_bridge.models.scaled_residuals import Clusters, SimulatedResiduals
from pymer_bridge.results.checks import Checks, InflationFactors
from pymer_bridge.results.decode import internals as decode_internals
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.decode import simulated as decode_simulated
from pymer_bridge.results.decode import tests as decode_tests
from pymer_bridge.results.drawn import DrawnPage
from pymer_bridge.results.in_r import InR
from pymer_bridge.results.simulated import PredictiveCheck, ResidualCurves
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import labels, options
from pymer_bridge.spec.names import find_name

_N_SIM = 250
"""How many responses a simulated residual is compared with, as DHARMa does."""

CheckName = Literal[
    "collinearity",
    "heteroscedasticity",
    "normality",
    "random_normality",
    "outliers",
    "overdispersion",
    "zeroinflation",
    "autocorrelation",
    "singularity",
    "convergence",
]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ModelChecks(InR, DrawnPage, Checks):
    """What R says of a model, which can be drawn on one page; made by ``fit.check()``.

    Stored by :meth:`to_dict`, it reads back as plain :class:`Checks`.
    """

    _model: Any = None
    _stored: ClassVar[Any] = Checks

    @property
    def names(self) -> tuple[str, ...]:
        """The checks that R has for the model."""
        return tuple(dict.fromkeys(row.check for row in self.rows))

    @property
    def _facts(self) -> dict[str, Any]:
        """What scripts must know."""
        return {"found": self.names}


class Diagnostics(Fitted):
    """Figures of each observation, and checks of any model, mixed or not."""

    __slots__ = ()

    def hat_values(self) -> pd.Series[float]:
        """Return the leverage of each observation: the diagonal of the hat matrix.

        Returns
        -------
        pandas.Series
            On the data's own index; NaN for dropped rows under ``na_action="exclude"``.

        Raises
        ------
        RError
            R has none for this model, such as a nonlinear one.

        Notes
        -----
        R function: ``stats::hatvalues``. For a generalized mixed model R warns that the hat
        matrix may not make sense. Of models without random effects R gives dropped rows a leverage
        of zero.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> round(float(fit.hat_values().iloc[0]), 4)
        0.2293
        """
        return self._case_figure("hatvalues", "hat")

    def rstudent(self) -> pd.Series[float]:
        """Return the studentized residuals.

        Returns
        -------
        pandas.Series
            On the data's own index; NaN for dropped rows under ``na_action="exclude"``.

        Raises
        ------
        RError
            R has none for this model, such as a nonlinear one.

        Notes
        -----
        R function: ``stats::rstudent``. Those of mixed models depend on the installed lme4: 2.0-1
        changed them. lme4 has no ``rstandard``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> len(fit.rstudent())
        180
        """
        return self._case_figure("rstudent", "rstudent")

    def cooks_distance(self) -> pd.Series[float]:
        """Return Cook's distance of each observation.

        Returns
        -------
        pandas.Series
            On the data's own index; NaN for dropped rows under ``na_action="exclude"``.

        Raises
        ------
        RError
            R has none for this model, such as a nonlinear one.

        Notes
        -----
        R function: ``stats::cooks.distance``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> fit.cooks_distance().idxmax()
        59
        """
        return self._case_figure("cooks.distance", "cooks_distance")

    def vif(self) -> InflationFactors:
        """Return variance inflation factors: how far terms of the fixed effects go together.

        Returns
        -------
        InflationFactors
            One row per term; of a term with several coefficients the generalized factor.

        Raises
        ------
        REnvironmentError
            R's package car is not installed.
        RError
            R has none: the model has fewer than two terms besides the intercept.

        Notes
        -----
        R function: ``car::vif`` [1]_. Without an intercept R warns that they may not be sensible.

        References
        ----------
        .. [1] Fox, J. and Monette, G. (1992). Generalized collinearity diagnostics. J. Am. Stat.
           Assoc., 87, 178-183.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> cake = pb.load_dataset("cake", package="lme4")
        >>> fit = pb.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", cake)
        >>> fit.vif()["recipe"].df  # doctest: +SKIP
        2.0
        """
        session().require("car")
        return self._ask("inflation_factors", decode_tests.inflation_factors)

    def check(
        self, checks: CheckName | Sequence[CheckName] | None = None, *, seed: int | None = 1
    ) -> ModelChecks:
        """Return what R's package performance says of the model, in its own words.

        Parameters
        ----------
        checks
            Which: "collinearity", "heteroscedasticity", "normality" (of residuals),
            "random_normality" (of random effects), "outliers" (by Cook's distance),
            "overdispersion", "zeroinflation", "autocorrelation", "singularity", "convergence"; by
            default all that R has for the model.
        seed
            For the checks that draw numbers; None draws on.

        Returns
        -------
        ModelChecks
            One row for each thing that was checked, with R's verdict; ``left_out`` has the checks
            that R does not have for this model, and why. ``plot()`` draws them on one page.

        Raises
        ------
        OptionError
            A name is not a check.
        REnvironmentError
            R's package performance is not installed.

        Notes
        -----
        R functions: ``performance::check_collinearity`` and the others of these names [1]_;
        "normality" and "random_normality" are ``check_normality`` with ``effects = "fixed"`` and
        "random". Tests of large data find what is too small to matter: look at
        ``fit.plot.diagnostics()`` as well.

        References
        ----------
        .. [1] Luedecke, D. et al. (2021). performance: An R package for assessment, comparison and
           testing of statistical models. J. Open Source Softw., 6(60), 3139.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> fit.check("singularity").rows[0].said  # doctest: +SKIP
        'singular: FALSE'
        """
        names = get_args(CheckName)
        if checks is not None:
            names = options.each_of(options.names_of(checks, "checks"), CheckName, "checks")
        start = options.random_seed(seed)
        session().require("performance")

        def read(record: decode.RRecord) -> ModelChecks:
            found = decode_tests.model_checks(record)
            return ModelChecks(found.rows, found.left_out, _model=self)

        return self._ask("check_model", read, checks=names, seed=start)

    def simulated_residuals(
        self, n_sim: int = 250, seed: int | None = 123, *, refit: bool = False, use_u: bool = False
    ) -> SimulatedResiduals:
        """Return scaled residuals: where each response stands among those that the model draws.

        Of a true model they are uniform between 0 and 1, whatever its family.

        Parameters
        ----------
        n_sim
            How many responses each is compared with.
        seed
            R's ``set.seed`` integer; DHARMa's by default. None draws on.
        refit
            Fit the model anew to each, and set residuals among residuals? It takes as long as so
            many fits.
        use_u
            Draw at the estimated random effects, rather than drawing these too?

        Returns
        -------
        SimulatedResiduals
            On the data's own index, with its tests; ``made_by`` says whether DHARMa made them, or
            the same definition here, where DHARMa is not installed.

        Raises
        ------
        OptionError
            An argument is not accepted.
        RError
            The model has no distribution to draw from, such as that of a quasi family.

        Notes
        -----
        R function: ``DHARMa::simulateResiduals`` [1]_. A linear mixed model with prior weights is
        drawn from without them, as R's ``simulate`` does.

        References
        ----------
        .. [1] Hartig, F. (2016). DHARMa: residual diagnostics for hierarchical regression models.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> fit.simulated_residuals().to_series().head(2).tolist()
        [0.472, 0.456]
        """
        return self._scaled_residuals(n_sim, seed, refit=refit, use_u=use_u, ours=False)

    def check_predictions(
        self,
        n_sim: int = 50,
        seed: int | None = 1,
        *,
        use_u: bool = False,
        conf_level: float = 0.95,
    ) -> PredictiveCheck:
        """Return the distribution of the response beside those that the model simulates.

        Parameters
        ----------
        n_sim
            How many responses are simulated.
        seed
            R's ``set.seed`` integer; None draws on.
        use_u
            Simulate at the estimated random effects, rather than drawing these too? performance
            does.
        conf_level
            In which share of simulations each place lies within its limits.

        Returns
        -------
        PredictiveCheck
            Densities of a continuous response, numbers of rows with each value of another; of a
            binomial response in two columns, or shares, counts of successes.

        Raises
        ------
        OptionError
            An argument is not accepted.
        RError
            R does not simulate from the model.

        Notes
        -----
        R functions: ``simulate``, ``density`` at 256 places with the bandwidth of the observed
        response, ``quantile`` over the simulations; as ``performance::check_predictions``, which
        leaves the densities to its picture.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.glm("incidence ~ period", pb.load_dataset("cbpp"), family="poisson")
        >>> fit.check_predictions()[0.0].observed
        22.0
        """
        level = options.check_level(conf_level)
        asked: dict[str, Any] = {
            "n_sim": options.whole(n_sim, "n_sim", 2),
            "seed": options.random_seed(seed),
            "use_u": self._at_effects(use_u),
        }
        return self._ask_anew(
            "predictive_check",
            lambda record: decode_simulated.predictive_check(record, level, asked),
            **asked,
            conf_level=level,
        )

    def _case_figure(self, kind: str, name: str) -> pd.Series[float]:
        return self._ask("case_figure", decode.over_rows, self._index, name, kind=kind).copy()

    def _leverage(self) -> tuple[pd.DataFrame, tuple[float, ...]]:
        """Return hat values and Cook's distances, and the cut-offs of both."""

        def read(record: decode.RRecord) -> tuple[pd.DataFrame, tuple[float, ...]]:
            names = {"hat": "hat", "cooks": "cooks_distance"}
            columns = [decode.over_rows(record[k], self._index, name) for k, name in names.items()]
            return pd.concat(columns, axis=1), tuple(record["cut_offs"].tolist())

        return self._ask("leverage_figures", read)

    def _residual_curves(
        self,
        seed: int | None = 1,
        conf_level: float = 0.99,
        along: Sequence[tuple[str, str]] | None = (),
    ) -> ResidualCurves:
        """Return what pictures of simulated residuals show, along which predictors (None: all)."""
        level, start = options.check_level(conf_level), options.random_seed(seed)
        x, by = (None, None) if along is None else (tuple(one[i] for one in along) for i in (0, 1))
        return self._ask(
            "residual_curves",
            decode_internals.residual_curves,
            *(level, _N_SIM, start),  # without a seed this model keeps its first draws
            n_sim=_N_SIM,
            n_draws=199 if self.n_obs <= 2000 else 99,  # data sets that the band is of
            seed=start,
            conf_level=level,
            x=x,
            by=by,
            n_single=4,
            n_pairs=2,
        )

    def _scaled_residuals(
        self, n_sim: int, seed: int | None, *, refit: bool, use_u: bool, ours: bool
    ) -> SimulatedResiduals:
        """Return scaled residuals; ``ours`` even where DHARMa is installed."""
        asked: dict[str, Any] = {
            "n_sim": options.whole(n_sim, "n_sim", 2),
            "seed": options.random_seed(seed),
            "refit": options.flag(refit, "refit"),
            "use_u": self._at_effects(use_u),
        }
        if asked["refit"] and asked["use_u"]:
            raise OptionError("give only one of refit=True and use_u=True: R refits to all draws")

        def read(record: decode.RRecord) -> SimulatedResiduals:
            return SimulatedResiduals(
                **decode_simulated.scaled(record),
                **asked,
                index=frames.index_at(self._index, record["rows"]),
                made_by=decode.text(record, "made_by"),
                _model=self,
                _simulated=record["simulated"],
            )

        return self._ask_anew("scaled_residuals", read, **asked, ours=ours)

    def _at_effects(self, use_u: bool) -> bool:
        chosen = options.flag(use_u, "use_u")
        if chosen and not hasattr(self, "n_groups"):
            raise OptionError("use_u=True: a model without random effects has none to draw at")
        return chosen

    def _clusters(self, given: Clusters, argument: str) -> tuple[str, Any]:
        """Return what clusters of rows are called, and their name, or their values, for R."""
        if isinstance(given, str):
            known = dict.fromkeys([*getattr(self, "n_groups", ()), *self.columns])
            found = find_name(given, known)
            if found is None:
                raise OptionError(
                    f"{argument}={shown(given)} is not in the model, which has: {listed(known)}; "
                    "give the column itself, as of data[...]"
                )
            return found, found
        name = getattr(given, "name", None)
        # A categorical keeps the order of its levels, in which clubSandwich adds up.
        rows = labels.on_rows(given, self._index, argument)
        wanted = f"{argument} must be one value for each row of the data"
        if isinstance(rows, Set) or options.array_of(rows, wanted, object).ndim != 1:
            raise OptionError(wanted)
        try:
            values = pd.Series(rows, name=name)
        except UnicodeEncodeError:
            raise OptionError(f"{argument} has a text with half a character") from None
        if len(values) != len(self._index):
            raise OptionError(
                f"{argument} has {len(values)} values, and the data {len(self._index)} rows"
            )
        frame = values.to_frame(argument).reset_index(drop=True)
        return str(name or ""), frames.collect(frame).to_r()
