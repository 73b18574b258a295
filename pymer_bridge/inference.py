"""Tests and intervals of one fitted model: the methods that a model class takes in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from pymer_bridge import decode_tests, marginal, notices
from pymer_bridge import spec as options
from pymer_bridge.errors import OptionError
from pymer_bridge.results import intervals, tests
from pymer_bridge.rsession import Handle, session

T = TypeVar("T")

Weights = Mapping[str, float] | Sequence[float]


def term_weights(terms: Sequence[str], weights: Weights, what: str) -> list[float]:
    """Put the weights of one contrast in the order of the fixed effects.

    Raises
    ------
    OptionError
        A term that is not in the model, or not one weight a term.
    """
    if isinstance(weights, Mapping):
        unknown = [name for name in weights if name not in terms]
        if unknown:
            raise OptionError(
                f"{what} names {', '.join(map(repr, unknown))}; the fixed effects are: "
                f"{', '.join(map(repr, terms))}"
            )
        return [float(weights.get(name, 0.0)) for name in terms]
    given = [float(weight) for weight in weights]
    if len(given) != len(terms):
        raise OptionError(f"{what} has {len(given)} weights, and the model {len(terms)} terms")
    return given


@dataclass(frozen=True, slots=True)
class _Means:
    """What emmeans and emtrends are asked alike."""

    specs: str | Sequence[str]
    by: str | Sequence[str] | None
    at: Mapping[str, Any] | None
    ddf: options.MeansDdf
    conf_level: float
    adjust: options.Adjust | None
    type: options.MeansType = "link"

    def to_r(self) -> dict[str, Any]:
        """Check everything, and return it as the R side takes it."""
        options.one_of(self.ddf, options.MeansDdf, "ddf")
        if self.adjust is not None:
            options.one_of(self.adjust, options.Adjust, "adjust")
        return {
            "specs": options.names_of(self.specs, "specs"),
            "by": None if self.by is None else options.names_of(self.by, "by"),
            "at": options.values_at(self.at),
            "ddf": self.ddf,
            "conf_level": options.check_level(self.conf_level),
            "adjust": self.adjust,
        }


class Inference:
    """Tests and intervals of a linear mixed model."""

    __slots__ = ()

    _model: Handle

    def _ask(self, operation: str, read: Callable[..., T], *extra: Any, **arguments: Any) -> T:
        raise NotImplementedError

    def _terms(self) -> tuple[str, ...]:
        raise NotImplementedError

    def _require(self, ddf: str) -> None:
        """Load the R packages that a method of degrees of freedom needs."""
        if ddf in ("satterthwaite", "kenward-roger"):
            session().require("lmerTest")
        if ddf == "kenward-roger":
            session().require("pbkrtest")

    def anova(
        self,
        type: options.AnovaType = "III",  # noqa: A002  # R's word
        ddf: options.SummaryDdf = "satterthwaite",
    ) -> tests.FTests:
        """Return the analysis of variance of the fixed effects.

        Parameters
        ----------
        type
            "I" (each term after those before it), "II" (after those that do not contain it) or
            "III" (after all others).
        ddf
            "satterthwaite", "kenward-roger", or "none" for lme4's own sequential table, which
            has no tests.

        Returns
        -------
        FTests
            One row a term.

        Raises
        ------
        OptionError
            An argument is not accepted.
        RError
            Kenward and Roger's method asked of a fit by maximum likelihood.

        Notes
        -----
        R function: ``lmerTest:::anova.lmerModLmerTest``, with the adjusted covariance of
        Kenward and Roger [1]_ computed once for all terms.

        References
        ----------
        .. [1] Kenward, M. G. and Roger, J. H. (1997). Small Sample Inference for Fixed Effects
           from Restricted Maximum Likelihood. Biometrics, 53(3), 983-997.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> round(fit.anova()["Days"].statistic, 2)
        45.85
        """
        options.one_of(type, options.AnovaType, "type")
        options.one_of(ddf, options.SummaryDdf, "ddf")
        self._require(ddf)
        return self._ask("anova_one", decode_tests.f_tests, ddf, type=type, ddf=ddf)

    def drop1(
        self, scope: Sequence[str] | None = None, ddf: options.TestDdf = "satterthwaite"
    ) -> tests.FTests:
        """Return F tests of each term that can be dropped from the model.

        Parameters
        ----------
        scope
            Names of terms; all that can be dropped by default.
        ddf
            "satterthwaite" or "kenward-roger".

        Returns
        -------
        FTests
            One row a term.

        Raises
        ------
        OptionError
            ``ddf`` is not accepted.
        RError
            A term of ``scope`` cannot be dropped.

        Notes
        -----
        R function: ``lmerTest:::drop1.lmerModLmerTest``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> [row.term for row in fit.drop1().rows]
        ['Days']
        """
        options.one_of(ddf, options.TestDdf, "ddf")
        self._require(ddf)
        chosen = None if scope is None else tuple(scope)
        return self._ask("drop_one", decode_tests.f_tests, ddf, scope=chosen, ddf=ddf)

    def ranova(self, *, reduce_terms: bool = True) -> tests.LikelihoodRatioTests:
        """Return likelihood ratio tests of the random-effect terms.

        Parameters
        ----------
        reduce_terms
            Test a term such as ``(x | g)`` against ``(1 | g)`` (True), or drop it whole.

        Returns
        -------
        LikelihoodRatioTests
            The model itself in the first row, then one row a deletion.

        Raises
        ------
        RError
            R cannot refit a reduced model.

        Notes
        -----
        R function: ``lmerTest::ranova``. REML fits are compared by their REML criteria.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> round(fit.ranova().rows[1].chi_square, 2)
        42.84
        """
        session().require("lmerTest")
        return self._ask("ranova", decode_tests.ratio_tests, reduce_terms=bool(reduce_terms))

    def step(
        self,
        ddf: options.TestDdf = "satterthwaite",
        *,
        alpha_random: float = 0.1,
        alpha_fixed: float = 0.05,
        reduce_random: bool = True,
        reduce_fixed: bool = True,
        keep: Sequence[str] = (),
    ) -> tests.BackwardElimination:
        """Eliminate random effects, then fixed effects, one by one.

        Parameters
        ----------
        ddf
            "satterthwaite" or "kenward-roger".
        alpha_random, alpha_fixed
            The levels above which an effect goes.
        reduce_random, reduce_fixed
            Whether either kind may be eliminated at all.
        keep
            Names of fixed effects that stay.

        Returns
        -------
        BackwardElimination
            Every step, and the formula that is left.

        Raises
        ------
        OptionError
            ``ddf`` is not accepted.

        Notes
        -----
        R function: ``lmerTest::step``. Tests after a selection do not have their nominal level.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> fit.step().formula
        'Reaction ~ Days + (Days | Subject)'
        """
        options.one_of(ddf, options.TestDdf, "ddf")
        self._require(ddf)
        return self._ask(
            "backward_step",
            decode_tests.backward_elimination,
            ddf=ddf,
            alpha_random=float(alpha_random),
            alpha_fixed=float(alpha_fixed),
            reduce_random=bool(reduce_random),
            reduce_fixed=bool(reduce_fixed),
            keep=tuple(keep),
        )

    def contest(
        self,
        contrasts: Mapping[str, Weights] | Sequence[Weights] | np.ndarray[Any, Any],
        rhs: float | Sequence[float] = 0.0,
        *,
        joint: bool = True,
        ddf: options.TestDdf = "satterthwaite",
        conf_level: float = 0.95,
    ) -> tests.FTests | tests.TTests:
        """Test a linear hypothesis on the fixed effects: contrasts times effects equal ``rhs``.

        Parameters
        ----------
        contrasts
            Rows of weights. A mapping names them; each row is a mapping of terms to weights
            (others 0), or one weight a term.
        rhs
            The values under the hypothesis: one for all rows, or one a row.
        joint
            One F test of all rows together (True), or one t test a row.
        ddf
            "satterthwaite" or "kenward-roger".
        conf_level
            The level of the intervals of the t tests.

        Returns
        -------
        FTests or TTests
            One row (joint), or one row a contrast.

        Raises
        ------
        OptionError
            A term is not in the model, or sizes do not fit.

        Notes
        -----
        R function: ``lmerTest::contest``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> table = fit.contest({"a week": {"Days": 7}}, joint=False)
        >>> round(table["a week"].estimate, 2)
        73.27
        """
        options.one_of(ddf, options.TestDdf, "ddf")
        level = options.check_level(conf_level)
        self._require(ddf)
        terms = self._terms()
        if isinstance(contrasts, Mapping):
            names, rows = list(map(str, contrasts)), list(contrasts.values())
        else:
            rows = list(contrasts)
            names = [str(i + 1) for i in range(len(rows))]
        if not rows:
            raise OptionError("contrasts must have at least one row")
        weights = [
            weight
            for name, row in zip(names, rows, strict=True)
            for weight in term_weights(terms, row, f"contrast {name!r}")
        ]
        values = [float(rhs)] * len(rows) if isinstance(rhs, int | float) else list(map(float, rhs))
        if len(values) != len(rows):
            raise OptionError(f"rhs has {len(values)} values, and there are {len(rows)} contrasts")
        arguments = {
            "contrasts": tuple(weights), "names": tuple(names), "rhs": tuple(values),
            "joint": bool(joint), "ddf": ddf, "conf_level": level,
        }  # fmt: skip
        if joint:
            return self._ask("contest", decode_tests.f_tests, ddf, **arguments)
        return self._ask("contest", decode_tests.t_tests, ddf, level, **arguments)

    def confint(
        self,
        method: options.IntervalMethod = "profile",
        parameters: Sequence[str] | str | None = None,
        conf_level: float = 0.95,
        *,
        n_sim: int = 500,
        seed: int | None = None,
        kind: options.BootInterval = "percentile",
    ) -> intervals.Intervals:
        """Return confidence intervals of the parameters.

        Parameters
        ----------
        method
            "profile" (likelihood profile), "wald" (normal, fixed effects only) or "boot"
            (parametric bootstrap).
        parameters
            Names of parameters, R's (".sig01", ".sigma") or readable
            ("sd_(Intercept)|Subject"); "beta_" for all fixed effects, "theta_" for all
            variance parameters; all of them by default.
        conf_level
            Their level.
        n_sim, seed, kind
            For "boot": the number of simulations, R's ``set.seed`` integer, and "percentile",
            "basic" or "normal".

        Returns
        -------
        Intervals
            One row a parameter; the ends are None where the method gives none.

        Raises
        ------
        OptionError
            An argument is not accepted.
        RError
            A parameter is not there, or R cannot profile the model.

        Notes
        -----
        R function: ``confint`` of lme4 [1]_. With only some parameters, only these are profiled.

        References
        ----------
        .. [1] Bates, D., Maechler, M., Bolker, B. and Walker, S. (2015). Fitting Linear
           Mixed-Effects Models Using lme4. Journal of Statistical Software, 67(1), section 5.1.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> round(fit.confint(method="wald")["Days"].conf_low, 3)
        7.438
        """
        options.one_of(method, options.IntervalMethod, "method")
        options.one_of(kind, options.BootInterval, "kind")
        level = options.check_level(conf_level)
        chosen = (parameters,) if isinstance(parameters, str) else parameters
        shared: dict[str, Any] = {
            "parameters": None if chosen is None else tuple(chosen), "conf_level": level,
        }  # fmt: skip
        if method == "boot":
            boot_type = {"percentile": "perc", "basic": "basic", "normal": "norm"}[kind]
            return self._ask(
                "bootstrap_intervals", decode_tests.confidence_intervals, method, level,
                n_sim=int(n_sim), seed=seed, boot_type=boot_type, **shared,
            )  # fmt: skip
        return self._ask(
            "confidence_intervals", decode_tests.confidence_intervals, method, level,
            method=method, **shared,
        )  # fmt: skip

    def profile(self, parameters: Sequence[str] | str | None = None) -> intervals.Profile:
        """Return the likelihood profile.

        Parameters
        ----------
        parameters
            As for :meth:`confint`; all of them by default.

        Returns
        -------
        Profile
            Every point of every profile.

        Raises
        ------
        RError
            R cannot profile the model.

        Notes
        -----
        R function: ``profile`` of lme4. Profile intervals then cost nothing more.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"))
        >>> fit.profile("beta_").parameters
        ('.sig01', '.sigma', '(Intercept)')
        """
        chosen = (parameters,) if isinstance(parameters, str) else parameters
        return self._ask(
            "profile_points",
            decode_tests.profile,
            parameters=None if chosen is None else tuple(chosen),
        )

    def emmeans(
        self,
        specs: str | Sequence[str],
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        *,
        ddf: options.MeansDdf = "kenward-roger",
        type: options.MeansType = "link",  # noqa: A002  # R's word
        conf_level: float = 0.95,
        adjust: options.Adjust | None = None,
    ) -> marginal.MarginalMeans:
        """Return estimated marginal means.

        Parameters
        ----------
        specs
            Predictors whose levels the means are for.
        by
            Predictors within whose levels contrasts are made.
        at
            Values of predictors; factors at their levels and numbers at their mean by default.
        ddf
            "kenward-roger" (emmeans' default), "satterthwaite" or "asymptotic" (normal).
        type
            "link" or "response": transformed back where the response was transformed.
        conf_level
            The level of the intervals.
        adjust
            How tests and intervals are adjusted for their number.

        Returns
        -------
        MarginalMeans
            One row a mean; ``.pairs()`` and ``.contrast()`` go on from there.

        Raises
        ------
        OptionError
            An argument is not accepted.
        RError
            A predictor is not in the model.

        Notes
        -----
        R function: ``emmeans::emmeans`` and its ``summary``. Over emmeans' limit of 3,000
        observations R falls back to normal tests, and says so.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> [round(row.estimate, 1) for row in fit.emmeans("Days", at={"Days": [0, 9]}).rows]
        [251.4, 345.6]
        """
        options.one_of(type, options.MeansType, "type")
        means = _Means(specs, by, at, ddf, conf_level, adjust, type)
        return self._marginal("marginal_means", means, type=type)

    def emtrends(
        self,
        specs: str | Sequence[str],
        var: str,
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        *,
        ddf: options.MeansDdf = "kenward-roger",
        conf_level: float = 0.95,
        adjust: options.Adjust | None = None,
    ) -> marginal.MarginalMeans:
        """Return estimated marginal slopes of one predictor.

        Parameters
        ----------
        specs
            Predictors whose levels the slopes are for.
        var
            The predictor whose slope is wanted.
        by, at, ddf, conf_level, adjust
            As for :meth:`emmeans`.

        Returns
        -------
        MarginalMeans
            One row a slope.

        Raises
        ------
        OptionError
            An argument is not accepted.
        RError
            A predictor is not in the model.

        Notes
        -----
        R function: ``emmeans::emtrends`` and its ``summary``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> cake = pb.load_dataset("cake")
        >>> fit = pb.lmer("angle ~ recipe * temp + (1 | recipe:replicate)", cake)
        >>> len(fit.emtrends("recipe", "temp").rows)
        3
        """
        if not re.fullmatch(r"[A-Za-z.][A-Za-z0-9._]*", var):
            # emtrends reads this text as an R expression.
            raise OptionError(f"var={var!r} must be the plain name of one predictor")
        means = _Means(specs, by, at, ddf, conf_level, adjust)
        return self._marginal("marginal_trends", means, trend_of=var)

    def _marginal(self, operation: str, means: _Means, **extra: Any) -> marginal.MarginalMeans:
        arguments = means.to_r()
        session().require("emmeans")
        self._require(means.ddf)
        outcome = session().call(operation, model=self._model, **arguments, **extra)
        notices.raise_warnings(outcome)
        return marginal.marginal_means(outcome.value, arguments["conf_level"], means.type)

    def icc(self) -> tests.IntraclassCorrelation:
        """Return the intraclass correlation, adjusted and unadjusted.

        Returns
        -------
        IntraclassCorrelation
            Shares of variance, between 0 and 1.

        Raises
        ------
        REnvironmentError
            R's package performance is not installed.

        Notes
        -----
        R function: ``performance::icc`` [1]_.

        References
        ----------
        .. [1] Nakagawa, S., Johnson, P. C. D. and Schielzeth, H. (2017). The coefficient of
           determination R2 and intra-class correlation coefficient from generalized linear
           mixed-effects models revisited and expanded. J. R. Soc. Interface, 14.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> round(fit.icc().adjusted, 3)  # doctest: +SKIP
        0.722
        """
        session().require("performance")
        return self._ask("intraclass_correlation", decode_tests.intraclass_correlation)

    def r2(self) -> tests.RSquared:
        """Return Nakagawa's coefficients of determination, marginal and conditional.

        Returns
        -------
        RSquared
            Shares of variance, between 0 and 1.

        Raises
        ------
        REnvironmentError
            R's package performance is not installed.

        Notes
        -----
        R function: ``performance::r2_nakagawa`` [1]_.

        References
        ----------
        .. [1] Nakagawa, S. and Schielzeth, H. (2013). A general and simple method for obtaining
           R2 from generalized linear mixed-effects models. Methods Ecol. Evol., 4, 133-142.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> round(fit.r2().marginal, 3)  # doctest: +SKIP
        0.279
        """
        session().require("performance")
        return self._ask("r_squared", decode_tests.r_squared)
