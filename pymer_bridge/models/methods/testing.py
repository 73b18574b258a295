"""Tests of one fitted model, and robust standard errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Literal, overload

from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.models.base import Fitted
from pymer_bridge.models.hypotheses import Contrasts, hypotheses, labels_of, said
from pymer_bridge.models.methods.diagnostics import Diagnostics
from pymer_bridge.models.robust_effects import RobustEffects
from pymer_bridge.models.scaled_residuals import Clusters
from pymer_bridge.results import tests
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.decode import tests as decode_tests
from pymer_bridge.results.fixed_effects import FixedEffects
from pymer_bridge.results.matrix import NamedMatrix
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import options

RobustKind = Literal[
    "CR0", "CR1", "CR1p", "CR1S", "CR2", "CR3", "HC0", "HC1", "HC2", "HC3", "HC4", "HC4m", "HC5"
]
RobustTest = Literal["satterthwaite", "saddlepoint", "naive-t", "naive-tp", "residual", "normal"]


def _alpha(given: float, argument: str) -> float:
    if not 0.0 <= given <= 1.0:
        raise OptionError(f"{argument}={shown(given)} must lie between 0 and 1, as in 0.05")
    return float(given)


class Testing(Fitted):
    """Tests of a linear mixed model."""

    __slots__ = ()

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
            One row per term.

        Raises
        ------
        OptionError
            An argument is not accepted.
        RError
            Kenward and Roger's method is not available for a fit by maximum likelihood.

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
        if isinstance(type, Fitted):
            raise OptionError("fit.anova() is of one model; pb.anova(fit, other) compares models")
        kind = options.one_of(type, options.AnovaType, "type")
        ddf = options.one_of(ddf, options.SummaryDdf, "ddf")
        self._require(ddf)
        return self._ask("anova_one", decode_tests.f_tests, ddf, type=kind, ddf=ddf)

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
            One row per term.

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
        ddf = options.one_of(ddf, options.TestDdf, "ddf")
        self._require(ddf)
        chosen = None if scope is None else labels_of(self, scope, "scope")
        return self._ask("drop_one", decode_tests.f_tests, ddf, scope=chosen, ddf=ddf)

    def ranova(self, *, reduce_terms: bool = True) -> tests.LikelihoodRatioTests:
        """Return likelihood ratio tests of the random-effect terms.

        Parameters
        ----------
        reduce_terms
            Test a term such as ``(x | g)`` against ``(1 | g)`` (True), or drop it whole (False).

        Returns
        -------
        LikelihoodRatioTests
            The model itself in the first row, then one row per deletion.

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
        return self._ask(
            "ranova",
            decode_tests.ratio_tests,
            reduce_terms=options.flag(reduce_terms, "reduce_terms"),
        )

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
            The p-values above which an effect is eliminated.
        reduce_random, reduce_fixed
            Whether effects of that kind may be eliminated.
        keep
            Names of fixed effects to keep.

        Returns
        -------
        BackwardElimination
            Every step, and the formula of the final model.

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
        ddf = options.one_of(ddf, options.TestDdf, "ddf")
        self._require(ddf)
        return self._ask(
            "backward_step",
            decode_tests.backward_elimination,
            ddf,
            ddf=ddf,
            alpha_random=_alpha(alpha_random, "alpha_random"),
            alpha_fixed=_alpha(alpha_fixed, "alpha_fixed"),
            reduce_random=options.flag(reduce_random, "reduce_random"),
            reduce_fixed=options.flag(reduce_fixed, "reduce_fixed"),
            keep=labels_of(self, keep, "keep") if keep else (),
        )

    @overload
    def contest(
        self,
        contrasts: Contrasts,
        rhs: float | Sequence[float] | Mapping[str, float] = 0.0,
        *,
        joint: Literal[True] = True,
        ddf: options.TestDdf = "satterthwaite",
        conf_level: float = 0.95,
    ) -> tests.FTests: ...

    @overload
    def contest(
        self,
        contrasts: Contrasts,
        rhs: float | Sequence[float] | Mapping[str, float] = 0.0,
        *,
        joint: Literal[False],
        ddf: options.TestDdf = "satterthwaite",
        conf_level: float = 0.95,
    ) -> tests.TTests: ...

    @overload
    def contest(
        self,
        contrasts: Contrasts,
        rhs: float | Sequence[float] | Mapping[str, float] = 0.0,
        *,
        joint: bool,
        ddf: options.TestDdf = "satterthwaite",
        conf_level: float = 0.95,
    ) -> tests.FTests | tests.TTests: ...

    def contest(
        self,
        contrasts: Contrasts,
        rhs: float | Sequence[float] | Mapping[str, float] = 0.0,
        *,
        joint: bool = True,
        ddf: options.TestDdf = "satterthwaite",
        conf_level: float = 0.95,
    ) -> tests.FTests | tests.TTests:
        """Test a linear hypothesis on the fixed effects: contrasts times effects equal ``rhs``.

        Parameters
        ----------
        contrasts
            Rows of weights. A mapping names them; each row is a mapping or a Series of terms to
            weights (others 0), or one weight per term. A frame has a column for each such term,
            and its index names the rows. One row of weights may stand alone.
        rhs
            The values under the hypothesis: one for all rows, or one per row, also by its name.
        joint
            One F test of all rows together (True), or one t test per row.
        ddf
            "satterthwaite" or "kenward-roger".
        conf_level
            The level of the intervals of the t tests.

        Returns
        -------
        FTests or TTests
            One row (joint), or one row per contrast.

        Raises
        ------
        OptionError
            A term is not in the model, or sizes do not match.

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
        ddf = options.one_of(ddf, options.TestDdf, "ddf")
        level = options.check_level(conf_level)
        self._require(ddf)
        together = options.flag(joint, "joint")
        arguments = hypotheses(self, contrasts, rhs)
        arguments |= {"joint": together, "ddf": ddf, "conf_level": level}
        tested = said(arguments, self._terms())
        if joint:
            return self._ask("contest", decode_tests.f_tests, ddf, tested, **arguments)
        return self._ask("contest", decode_tests.t_tests, ddf, level, tested, **arguments)


class Robust(Diagnostics):
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
