"""Can the model be trusted? What R's packages say of it, and standard errors that ask for less."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, get_args

import pandas as pd

from pymer_bridge.data import frames
from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.models.base import Fitted
from pymer_bridge.models.robust_effects import RobustEffects
from pymer_bridge.models.scaled_residuals import Clusters, SimulatedResiduals
from pymer_bridge.r_script.journal import journal
from pymer_bridge.results.checks import Checks, InflationFactors
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.decode import simulated as decode_simulated
from pymer_bridge.results.decode import tests as decode_tests
from pymer_bridge.results.drawn import DrawnPage
from pymer_bridge.results.fixed_effects import FixedEffects, ScaledColumn, StandardizedEffects
from pymer_bridge.results.in_r import InR
from pymer_bridge.results.matrix import NamedMatrix
from pymer_bridge.results.simulated import PredictiveCheck
from pymer_bridge.session import asking
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import labels, options
from pymer_bridge.spec.names import find_name

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
RobustKind = Literal[
    "CR0", "CR1", "CR1p", "CR1S", "CR2", "CR3", "HC0", "HC1", "HC2", "HC3", "HC4", "HC4m", "HC5"
]
RobustTest = Literal["satterthwaite", "saddlepoint", "naive-t", "naive-tp", "residual", "normal"]


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


class Standardizing(Fitted):
    """Coefficients of standardized data."""

    __slots__ = ()

    def standardize(
        self,
        ddf: options.Ddf | None = None,
        conf_level: float = 0.95,
        *,
        two_sd: bool = False,
        response: bool = True,
    ) -> StandardizedEffects:
        """Return the fixed effects of the model refitted to standardized data.

        Numbers among the columns have their mean taken off, and are divided by their standard
        deviation, before any function in the formula; factors and groups stay as they are.

        Parameters
        ----------
        ddf
            Degrees of freedom, as for ``fixed_effects()``; None for its default.
        conf_level
            The level of the intervals.
        two_sd
            Divide predictors by two standard deviations, so that their coefficients go with those
            of two equal groups [1]_?
        response
            Standardize the response too, where it is a measured number?

        Returns
        -------
        StandardizedEffects
            One row per term, in standard deviations of the response, or in units of the linear
            predictor; ``scaled`` says of each column what was taken off and divided by.

        Raises
        ------
        OptionError
            An argument is not accepted.
        REnvironmentError
            R's package datawizard is not installed.
        RError
            There is nothing to standardize, or the model has a subset.

        Notes
        -----
        R function: ``datawizard::standardize`` of a model, which is the method "refit" of
        ``effectsize::standardize_parameters``.

        References
        ----------
        .. [1] Gelman, A. (2008). Scaling regression inputs by dividing by two standard deviations.
           Statistics in Medicine, 27, 2865-2873.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> round(fit.standardize()["Days"].estimate, 3)  # doctest: +SKIP
        0.535
        """
        level = options.check_level(conf_level)
        asked = {
            "two_sd": options.flag(two_sd, "two_sd"),
            "response": options.flag(response, "response"),
        }
        session().require("datawizard")
        said = asking.Said()
        record = asking.ask("standardized_model", said=said, model=self._model, **asked)
        # Its rows are those that the model uses.
        kept = frames.KeptFrame(self.columns, pd.RangeIndex(self.n_obs), record["model"])
        with journal.silent():
            found = self._of(record, self.spec, kept)._tested(ddf, level)
        columns = (record[name].tolist() for name in ("center", "scale"))
        scaled = zip(decode.texts(record, "columns"), *columns, strict=True)
        effects = StandardizedEffects(
            **{f.name: getattr(found, f.name) for f in fields(FixedEffects)},
            scaled=tuple(ScaledColumn(*each) for each in scaled),
        )
        return said.on(effects)


class Checking(Standardizing):
    """Checks of any model, mixed or not."""

    __slots__ = ()

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


class Robust(Checking):
    """Robust standard errors: for models with a normal response, and those of lm() and glm()."""

    __slots__ = ()

    def robust(
        self,
        cluster: Clusters | None = None,
        kind: RobustKind | None = None,
        *,
        test: RobustTest | None = None,
        conf_level: float = 0.95,
    ) -> RobustEffects:
        """Return the fixed effects with robust standard errors, tests and intervals.

        Parameters
        ----------
        cluster
            What rows depend within: a grouping factor of the model, a column that the model uses,
            or another column itself, such as ``data["school"]``, for the rows of the data. By
            default the outermost grouping factor; a model without random effects has none then.
        kind
            "CR0", "CR1", "CR1p", "CR1S", "CR2" or "CR3" with clusters ("CR2" by default), "HC0" to
            "HC5" without ("HC3" by default; for models without random effects).
        test
            With clusters "satterthwaite" (the default), "saddlepoint" (which has no interval),
            "naive-t" (one degree of freedom less than clusters), "naive-tp" (less by the
            number of coefficients) or "normal". Without them "residual" (t tests, the default of
            ``lm``) or "normal" (that of ``glm``).
        conf_level
            The level of the intervals.

        Returns
        -------
        RobustEffects
            One row per term, in units of the linear predictor, with the covariance matrix in
            ``vcov``; it has ``wald_test()`` and ``report()``.

        Raises
        ------
        OptionError
            An argument is not accepted, or does not go with the others.
        REnvironmentError
            R's package clubSandwich, or sandwich, is not installed.
        RError
            clubSandwich has none for this model: random effects are not nested in the clusters, or
            it has prior weights.

        Notes
        -----
        R functions: ``coef_test`` and ``conf_int`` of clubSandwich by its ``vcovCR`` [1]_; without
        clusters ``sandwich::vcovHC``, with the tests of ``lmtest::coeftest``.

        References
        ----------
        .. [1] Pustejovsky, J. E. and Tipton, E. (2018). Small-sample methods for cluster-robust
           variance estimation and hypothesis testing in fixed effects models. J. Bus. Econ. Stat.,
           36, 672-683.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> robust = fit.robust("Subject", kind="CR2")  # doctest: +SKIP
        >>> round(robust["Days"].std_error, 3)  # doctest: +SKIP
        1.546
        """
        of, clusters = (None, None) if cluster is None else self._clusters(cluster, "cluster")
        clustered = self.spec.fitter == "lmer" or clusters is not None
        chosen = "CR2" if clustered else "HC3"
        if kind is not None:
            chosen = options.one_of(kind, RobustKind, "kind")
        if chosen.startswith("CR") is not clustered:
            raise OptionError(
                f"kind={chosen!r} needs cluster=, the name of a column"
                if chosen.startswith("CR")
                else f"kind={chosen!r} has no clusters; with them choose CR0 to CR3"
            )
        tests: tuple[str, ...] = ("satterthwaite", "saddlepoint", "naive-t", "naive-tp", "normal")
        if not clustered:
            tests = ("normal",) if self.spec.fitter == "glm" else ("residual", "normal")
        ddf = tests[0] if test is None else options.one_of(test, RobustTest, "test")
        if ddf not in tests:
            raise OptionError(
                f"test={ddf!r} does not go with kind={chosen!r} of {self.spec.fitter}(); choose "
                f"one of: {listed(tests)}"
            )
        session().require("clubSandwich" if clustered else "sandwich")
        level = options.check_level(conf_level)

        def read(record: decode.RRecord) -> RobustEffects:
            effects = decode.fixed_effects(record, ddf, level)
            n = decode.integer_or_none(record, "n_clusters")
            counted = "" if n is None else f", {n} clusters{f' of {of}' if of else ''}"
            names = decode.texts(record, "covariance_names")
            covariance = decode.matrix(record["covariance"], len(names), len(names))
            return RobustEffects(
                **{f.name: getattr(effects, f.name) for f in fields(FixedEffects)}
                | {"std_errors": f"{chosen}{counted}"},
                model=self,
                kind=chosen,
                n_clusters=n,
                vcov=NamedMatrix(covariance, names, names),
                _cluster=clusters,
            )

        return self._ask_anew(
            "robust_effects",
            read,
            cluster=clusters,
            kind=chosen,
            test=ddf,
            conf_level=level,
            noted=clusters is None or isinstance(clusters, str),
        )
