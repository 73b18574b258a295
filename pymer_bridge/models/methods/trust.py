"""Can the model be trusted? What R's packages say of it, and standard errors that ask for less."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal, get_args

import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.data import frames
from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.models.base import Fitted
from pymer_bridge.r_script.journal import journal
from pymer_bridge.results.checks import Checks, InflationFactors
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.decode import tests as decode_tests
from pymer_bridge.results.fixed_effects import (
    INTERCEPT,
    FixedEffects,
    ScaledColumn,
    StandardizedEffects,
)
from pymer_bridge.results.matrix import NamedMatrix
from pymer_bridge.results.tests import FTests
from pymer_bridge.session import asking
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import labels, options
from pymer_bridge.spec.names import find_name

Clusters = str | pd.Series | Sequence[Any] | NDArray[Any]

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
RobustWald = Literal["chi-sq", "Naive-F", "Naive-Fp", "HTA", "HTB", "HTZ", "EDF", "EDT"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RobustEffects(FixedEffects[Any]):
    """The fixed effects of a model with robust standard errors; made by ``fit.robust()``.

    It goes where fixed effects go, such as :func:`pymer_bridge.plots.coefficients`, and into
    :func:`pymer_bridge.model_table`. Stored by :meth:`to_dict`, it reads back as plain
    :class:`FixedEffects`, which have no model behind them.

    Attributes
    ----------
    model
        The fitted model.
    kind
        "CR0" to "CR3", or "HC0" to "HC5".
    n_clusters
        How many clusters there are; None without.
    vcov
        The covariance matrix of the fixed effects.
    """

    model: Fitted = field(kw_only=True)
    kind: str = field(kw_only=True)
    n_clusters: int | None = field(kw_only=True)
    vcov: NamedMatrix = field(kw_only=True)
    _cluster: Any = field(kw_only=True)

    @property
    def _facts(self) -> dict[str, Any]:
        """What a script must know besides the arguments."""
        return {"grouped": self._cluster in getattr(self.model, "n_groups", ())}

    def _plain(self) -> FixedEffects[Any]:
        return FixedEffects(**{f.name: getattr(self, f.name) for f in fields(FixedEffects)})

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe mapping that ``FixedEffects.from_dict`` reads back."""
        return self._plain().to_dict()

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> FixedEffects[Any]:  # type: ignore[override]
        """Read back what :meth:`to_dict` gave, as plain fixed effects: no model is behind them."""
        return FixedEffects.from_dict(mapping)

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        """Pickle as plain fixed effects: in another process there is no model behind them."""
        return FixedEffects, tuple(getattr(self, f.name) for f in fields(FixedEffects))

    def __eq__(self, other: object) -> bool:
        """Compare the tables, to the last bit."""
        return self._plain() == (other._plain() if isinstance(other, RobustEffects) else other)

    __hash__: ClassVar[None]  # type: ignore[assignment]
    __hash__ = None

    def wald_test(
        self, names: Sequence[str] | str | None = None, test: RobustWald = "HTZ"
    ) -> FTests:
        """Test that several coefficients are zero together, by the robust covariance.

        Parameters
        ----------
        names
            Coefficients, or terms for all of theirs; by default all but the intercept.
        test
            clubSandwich's name of the test; "HTZ" is what it advises for few clusters.

        Returns
        -------
        FTests
            One row, looked up by the names joined with ", ".

        Raises
        ------
        OptionError
            A name is neither a coefficient nor a term, or the covariance has no clusters.

        Notes
        -----
        R function: ``clubSandwich::Wald_test``, with a constraint for each coefficient [1]_.

        References
        ----------
        .. [1] Pustejovsky, J. E. and Tipton, E. (2018). Small-sample methods for cluster-robust
           variance estimation and hypothesis testing in fixed effects models. J. Bus. Econ. Stat.,
           36, 672-683.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> cake = pb.load_dataset("cake", package="lme4")
        >>> fit = pb.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", cake)
        >>> robust = fit.robust()  # doctest: +SKIP
        >>> round(robust.wald_test("recipe")["recipe"].statistic, 2)  # doctest: +SKIP
        0.66
        """
        if self.n_clusters is None:
            raise OptionError(
                f"wald_test() needs clusters; kind={self.kind!r} has none: give robust(cluster=)"
            )
        known = self.model._ask("testable_names", tuple)
        if names is None:
            chosen = [row.term for row in self.rows if row.term != INTERCEPT]
        else:
            meant = [(name, find_name(name, known)) for name in options.names_of(names, "names")]
            unknown = [name for name, found in meant if found is None]
            if unknown:
                raise OptionError(
                    f"names has {listed(unknown)}, neither a coefficient nor a term; there are: "
                    f"{listed(known)}"
                )
            chosen = [found for _, found in meant if found is not None]
        if not chosen:
            raise OptionError("the model has no coefficient but the intercept; give names=")
        chosen_test = options.one_of(test, RobustWald, "test")
        return self.model._ask_anew(
            "robust_wald",
            lambda record: decode_tests.f_tests(record, chosen_test),
            cluster=self._cluster,
            kind=self.kind,
            names=tuple(chosen),
            test=chosen_test,
        )

    def report(
        self,
        term: str | None = None,
        *,
        interval: bool = False,
        exponentiate: bool = False,
        labels: Mapping[str, str] | None = None,
    ) -> str:
        """Return one coefficient in a line, or the whole model in a paragraph, for a paper.

        Parameters
        ----------
        term, interval, exponentiate, labels
            As for ``fit.report()``.

        Returns
        -------
        str
            As ``fit.report()`` gives it, with these standard errors and tests.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> fit.robust("Subject").report("Days")  # doctest: +SKIP
        'b = 10.47, SE = 1.55, t(17.00) = 6.77, p < .001'
        """
        return self.model.report(
            term, interval=interval, exponentiate=exponentiate, labels=labels, effects=self
        )


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
    ) -> Checks:
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
        Checks
            One row for each thing that was checked, with R's verdict; ``left_out`` has the checks
            that R does not have for this model, and why.

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
        return self._ask("check_model", decode_tests.model_checks, checks=names, seed=start)


class Robust(Fitted):
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
        of, clusters = self._clusters(cluster)
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
            noted=clustered and (clusters is None or isinstance(clusters, str)),
        )

    def _clusters(self, given: Clusters | None) -> tuple[str, Any]:
        """Return what the clusters are called, and their name, or their values, for R."""
        if given is None:
            return "", None
        if isinstance(given, str):
            known = dict.fromkeys([*getattr(self, "n_groups", ()), *self.columns])
            found = find_name(given, known)
            if found is None:
                raise OptionError(
                    f"cluster={shown(given)} is not in the model, which has: {listed(known)}; give "
                    "the column itself, as of data[...]"
                )
            return found, found
        name = getattr(given, "name", None)
        # A categorical keeps the order of its levels, in which clubSandwich adds up.
        rows = labels.on_rows(given, self._index, "cluster")
        wanted = "cluster must be one value for each row of the data"
        if isinstance(rows, Set) or options.array_of(rows, wanted, object).ndim != 1:
            raise OptionError(wanted)
        values = pd.Series(rows, name=name)
        if len(values) != len(self._index):
            raise OptionError(
                f"cluster has {len(values)} values, and the data {len(self._index)} rows"
            )
        return str(name or ""), frames.collect(
            values.to_frame("cluster").reset_index(drop=True)
        ).to_r()
