"""Methods of models without random effects: tests, intervals, bootstraps, influence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, Self, overload

import pandas as pd

from pymer_bridge.data import frames
from pymer_bridge.data.new_data import collect_new
from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.models.base import Fitted
from pymer_bridge.models.hypotheses import Contrasts, hypotheses, labels_of, said
from pymer_bridge.models.methods import intervals as of_intervals
from pymer_bridge.models.methods.diagnostics import Diagnostics
from pymer_bridge.models.r_model import ask
from pymer_bridge.replicates import bootstrap as boot
from pymer_bridge.replicates import engine
from pymer_bridge.results import icc_r2, influence, intervals, tests
from pymer_bridge.results.base import of_rows
from pymer_bridge.results.bootstrap import BootstrapResult
from pymer_bridge.results.decode import tests as decode_tests
from pymer_bridge.session import deadlines
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import options

_OF_ALL: Final = ("parametric", "case")
"""Kinds of bootstraps that need no residuals."""
_MIXED_ONLY: Final = ("variance_components", "random_effects")
"""Statistics that models without random effects do not have."""


def compare(
    models: Sequence[Fitted], names: Sequence[str] | None, test: options.AnovaTest | None
) -> tests.TermTests:
    """Compare nested models without random effects, as :func:`pymer_bridge.anova` does.

    Parameters
    ----------
    models
        Linear models, or generalized ones of one family.
    names
        Names for the rows; None for R's.
    test
        The test; None for the usual one of the models.

    Raises
    ------
    OptionError
        There is no such test of these models.
    """
    made = [model for model in models if isinstance(model, LinearTesting)]
    chosen = made[0]._test(test, without="wald", where="nested models")
    return ask(
        "compare_linear",
        lambda record: of_rows(decode_tests.term_tests(record), min(m.n_obs for m in models)),
        models=[model._model for model in models],
        names=None if names is None else tuple(names),
        test=chosen,
    )


def by_car(
    model: Fitted,
    type: options.AnovaType,  # noqa: A002  # R's word
    test: options.AnovaTest,
) -> tests.TermTests:
    """Ask car for tests of type II or III.

    Parameters
    ----------
    model
        The model.
    type
        "II" or "III".
    test
        "F", "likelihood-ratio" or "wald"; a linear model has F tests, and a mixed one Wald tests.

    Raises
    ------
    REnvironmentError
        R's package car is not installed.
    """
    session().require("car")
    return model._ask("anova_by_car", decode_tests.term_tests, type=type, test=test)


class LinearTesting(Fitted):
    """Tests of a linear or generalized linear model."""

    __slots__ = ()

    def anova(
        self,
        type: options.AnovaType = "I",  # noqa: A002  # R's word
        *,
        test: options.AnovaTest | None = None,
    ) -> tests.TermTests:
        """Return the analysis of variance, or of deviance for a generalized model.

        Parameters
        ----------
        type
            "I" (each term after those before it), "II" (after those that do not contain it) or
            "III" (after all others).
        test
            For a generalized model "likelihood-ratio", "F", "rao" (score tests, for type I only)
            or "wald" (for types II and III only). By default "likelihood-ratio" where the family
            fixes the dispersion, as binomial and poisson do, and "F" for all others.

        Returns
        -------
        TermTests
            One row per term, then one for the residuals where R has one. The row "NULL" of an
            analysis of deviance is the model without terms.

        Raises
        ------
        OptionError
            An argument is not accepted, or there is no such test of this type.
        REnvironmentError
            Types II and III need R's package car [1]_.
        RError
            R has no such table: for type III a coefficient cannot be estimated, for example.

        Warns
        -----
        RWarning
            Type III, and a factor of an interaction is coded by its reference level: the tests of
            the other terms are those at that level. Or F tests where the dispersion is fixed.

        Notes
        -----
        R functions: ``stats::anova`` for type I, ``car::Anova`` for types II and III.

        References
        ----------
        .. [1] Fox, J. and Weisberg, S. (2019). An R Companion to Applied Regression, 3rd ed.
           Sage.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lm("Reaction ~ Days + Subject", pb.load_dataset("sleepstudy"))
        >>> table = fit.anova()
        >>> round(table["Days"].statistic, 2), table["Days"].df2
        (169.4, 161.0)
        """
        if isinstance(type, Fitted):
            raise OptionError("fit.anova() is of one model; pb.anova(fit, other) compares models")
        kind = options.one_of(type, options.AnovaType, "type")
        chosen = self._test(test, without="wald" if kind == "I" else "rao", where=f"type={kind!r}")
        if kind == "I":
            return self._ask("anova_terms", decode_tests.term_tests, test=chosen)
        return by_car(self, kind, chosen)

    def drop1(
        self, scope: Sequence[str] | str | None = None, *, test: options.AnovaTest | None = None
    ) -> tests.TermTests:
        """Test each term that can be dropped from the model.

        Parameters
        ----------
        scope
            Names of terms; all that can be dropped by default.
        test
            For a generalized model "likelihood-ratio", "F" or "rao"; by default as for
            :meth:`anova`.

        Returns
        -------
        TermTests
            One row for the model as it is ("<none>"), then one per term.

        Raises
        ------
        OptionError
            An argument is not accepted.
        RError
            A term of ``scope`` cannot be dropped.

        Notes
        -----
        R function: ``stats::drop1``, with F tests of a linear model.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lm("Reaction ~ Days + Subject", pb.load_dataset("sleepstudy"))
        >>> [row.term for row in fit.drop1()]
        ['<none>', 'Days', 'Subject']
        """
        chosen = self._test(test, without="wald", where="drop1()")
        terms = None if scope is None else labels_of(self, scope, "scope")
        return self._ask("drop_terms", decode_tests.term_tests, scope=terms, test=chosen)

    def _test(
        self, test: options.AnovaTest | None, *, without: str, where: str
    ) -> options.AnovaTest:
        """Return the test that is asked for, if the model has it there, or the usual one."""
        if test is None:
            return "F" if self._estimates_dispersion() else "likelihood-ratio"
        chosen: options.AnovaTest = options.one_of(test, options.AnovaTest, "test")
        if self.spec.fitter == "lm" and chosen != "F":
            raise OptionError(f"test={shown(test)} is for generalized models; lm has F tests")
        if chosen == without:
            raise OptionError(f"test={shown(test)} does not go with {where}")
        return chosen

    @overload
    def contest(
        self,
        contrasts: Contrasts,
        rhs: float | Sequence[float] | Mapping[str, float] = 0.0,
        *,
        joint: Literal[True] = True,
        conf_level: float = 0.95,
    ) -> tests.TermTests: ...

    @overload
    def contest(
        self,
        contrasts: Contrasts,
        rhs: float | Sequence[float] | Mapping[str, float] = 0.0,
        *,
        joint: Literal[False],
        conf_level: float = 0.95,
    ) -> tests.TTests: ...

    @overload
    def contest(
        self,
        contrasts: Contrasts,
        rhs: float | Sequence[float] | Mapping[str, float] = 0.0,
        *,
        joint: bool,
        conf_level: float = 0.95,
    ) -> tests.TermTests | tests.TTests: ...

    def contest(
        self,
        contrasts: Contrasts,
        rhs: float | Sequence[float] | Mapping[str, float] = 0.0,
        *,
        joint: bool = True,
        conf_level: float = 0.95,
    ) -> tests.TermTests | tests.TTests:
        """Test a linear hypothesis on the coefficients: contrasts times coefficients equal ``rhs``.

        Parameters
        ----------
        contrasts
            Rows of weights. A mapping names them; each row is a mapping or a Series of terms to
            weights (others 0), or one weight per coefficient that is estimated. A frame has a
            column for each such term, and its index names the rows. One row may stand alone.
        rhs
            The values under the hypothesis: one for all rows, or one per row, also by its name.
        joint
            One test of all rows together (True), or one test per row.
        conf_level
            The level of the intervals of single rows.

        Returns
        -------
        TermTests or TTests
            Joint: the restricted model in row "1", and in row "2" the test, by F, or by Wald's
            chi square where the family fixes the dispersion. Else one row per contrast: t tests,
            or z tests where the family fixes the dispersion.

        Raises
        ------
        OptionError
            A term is not in the model, or sizes do not match.
        REnvironmentError
            A joint test needs R's package car; ``joint=False`` does not.
        RError
            The rows depend on each other.

        Notes
        -----
        R function: ``car::linearHypothesis``; of single rows ``coef``, ``vcov`` and ``pt``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lm("Reaction ~ Days", pb.load_dataset("sleepstudy"))
        >>> table = fit.contest({"a week": {"Days": 7}}, rhs=70, joint=False)
        >>> round(table["a week"].estimate, 2), round(table["a week"].p_value, 3)
        (73.27, 0.706)
        """
        level = options.check_level(conf_level)
        asked = hypotheses(self, contrasts, rhs)
        together = options.flag(joint, "joint")
        if together:
            session().require("car")
        by_t = self._estimates_dispersion()
        if together:
            test = "F" if by_t else "wald"
            return self._ask("joint_hypothesis", decode_tests.term_tests, **asked, test=test)
        method = "residual" if by_t else "normal"
        given = {**asked, "by_t": by_t, "conf_level": level}
        tested = said(asked, self._terms())
        read = decode_tests.t_tests
        return self._ask("single_hypotheses", read, method, level, tested, **given)

    def _estimates_dispersion(self) -> bool:
        return self._ask("estimates_dispersion", lambda value: bool(value[0]))


class LinearIntervals(Fitted):
    """Intervals and bootstraps of a linear or generalized linear model."""

    __slots__ = ()

    @deadlines.timed
    def confint(
        self,
        method: options.IntervalMethod | None = None,
        parameters: Sequence[str] | str | None = None,
        conf_level: float = 0.95,
        *,
        n_sim: int = 500,
        seed: int | None = None,
        kind: options.BootInterval = "percentile",
        n_jobs: int = 1,
        progress: engine.Progress = False,
        timeout: float | None = None,
    ) -> intervals.Intervals:
        """Return confidence intervals of the coefficients.

        Parameters
        ----------
        method
            "wald": for a linear model the exact intervals, by Student's t; for a generalized one
            normal intervals. "profile": by the profile likelihood, of generalized models only.
            "boot": parametric bootstrap. By default as R's ``confint``: "wald" for linear models,
            "profile" for generalized ones.
        parameters
            Names of coefficients (for "boot" of a linear model also ".sigma"); all by default.
        conf_level
            Their level.
        n_sim, seed, kind, n_jobs, progress
            For "boot": the number of simulations, R's ``set.seed`` integer, "percentile",
            "basic" or "normal", and processes and progress as for :meth:`bootstrap`, which also
            gives the replicates.
        timeout
            As for :func:`pymer_bridge.lmer`.

        Returns
        -------
        Intervals
            One row per coefficient; the ends are None for one that cannot be estimated.

        Raises
        ------
        OptionError
            An argument is not accepted, or there is no such coefficient.
        RError
            R cannot profile the model.
        RTimeoutError
            It did not end within ``timeout``; R is ready for the next call.

        Notes
        -----
        R functions: ``confint``; ``confint.default`` for normal intervals of a generalized model.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lm("Reaction ~ Days", pb.load_dataset("sleepstudy"))
        >>> round(fit.confint()["Days"].conf_low, 3)
        8.024
        """
        linear = self.spec.fitter == "lm"
        usual = "wald" if linear else "profile"
        method = options.one_of(method or usual, options.IntervalMethod, "method")
        if linear and method == "profile":
            raise OptionError('method="profile" is for generalized models; lm has exact intervals')
        kind = options.one_of(kind, options.BootInterval, "kind")
        level = options.check_level(conf_level)
        own = (".sigma",) if linear and method == "boot" else ()
        shared: dict[str, Any] = {
            "parameters": self._chosen_of(parameters, own),
            "conf_level": level,
        }
        if method == "boot":
            return self._bootstrap_intervals(
                n_sim=n_sim, seed=seed, kind=kind, **shared, n_jobs=n_jobs, progress=progress
            )
        return self._ask(
            "linear_confidence",
            decode_tests.confidence_intervals,
            method,
            level,
            method=method,
            **shared,
        )

    def _chosen_of(
        self, parameters: Sequence[str] | str | None, own: Sequence[str]
    ) -> tuple[str, ...] | None:
        """Return R's names of coefficients, or of our own parameters."""
        if parameters is None:
            return None
        known = (*own, *self._ask("coefficient_names", tuple))
        return of_intervals.parameters_among(options.names_of(parameters, "parameters"), known)

    def _bootstrap_intervals(
        self, *, parameters: Sequence[str] | None = None, **how: Any
    ) -> intervals.Intervals:
        def made(**given: Any) -> BootstrapResult:
            return self.bootstrap("parametric", **given)

        return of_intervals.intervals_of_replicates(self, made, parameters, **how)

    @deadlines.timed
    @engine.stoppable
    def bootstrap(
        self,
        kind: options.BootstrapKind = "parametric",
        n_sim: int = 1000,
        seed: int | None = None,
        statistic: options.NamedStatistic
        | str
        | Callable[[Self], options.StatisticValues] = "parameters",
        *,
        hccme: options.Hccme = "hc2",
        aux_dist: options.AuxiliaryDistribution = "mammen",
        new_data: Any = None,
        allow_functions: tuple[str, ...] = (),
        n_jobs: int = 1,
        progress: engine.Progress = False,
        checkpoint: str | Path | None = None,
        timeout: float | None = None,
    ) -> BootstrapResult:
        """Refit the model to simulated or resampled data, many times.

        All draws are made first, in this process and in R's order, so that the replicates are
        the same whatever the number of workers.

        Parameters
        ----------
        kind
            "parametric": responses simulated from the model.
            "case": rows drawn with replacement.
            "residual": fitted values plus residuals, centred, rescaled to the estimated standard
            deviation, and drawn with replacement (linear models only).
            "semiparametric": fitted values plus residuals as they are, drawn with replacement
            (linear models only).
            "wild": residuals, enlarged according to their leverage, times one random weight per
            row (linear models only).
        n_sim
            The number of replicates.
        seed
            R's ``set.seed`` integer; None continues from the state of R's generator.
        statistic
            "parameters" (of a linear model ".sigma", the residual standard deviation, and the
            coefficients; of a generalized one the coefficients), "fixed_effects" (the
            coefficients), "predictions" (of the linear predictor); the text of an R function of
            the fit; or a Python function of the refitted model, as for
            :meth:`LinearMixedModel.bootstrap`.
        hccme, aux_dist
            For "wild": how leverage enters ("hc2", "hc3"), and the distribution of the weights
            ("mammen", "rademacher").
        new_data
            For "predictions": where (None: at the data).
        allow_functions
            Further functions that the text of a statistic may call.
        n_jobs, progress, checkpoint
            As for :meth:`LinearMixedModel.bootstrap`.
        timeout
            As for :func:`pymer_bridge.lmer`.

        Returns
        -------
        BootstrapResult
            Replicates, estimates, biases, standard errors, and how each replicate ended;
            "singular" are those with fewer coefficients than the model.

        Raises
        ------
        OptionError
            An argument is not accepted, or a statistic in Python fails for this model itself.
        FormulaError
            The statistic cannot be parsed, or calls a function that is not allowed.
        RError
            R cannot make the draws (quasi families have no distribution to draw from), or every
            replicate failed.
        CheckpointError
            The file is of another fit, seed or version.
        WorkerError
            A worker cannot give the same figures as this process.
        BootstrapInterrupted
            Ctrl-C; what was finished is in its ``partial``.
        RTimeoutError
            It did not end within ``timeout``; what was finished is in its ``partial``.

        Warns
        -----
        BootstrapWarning
            Some replicates failed, or a statistic in Python warned.

        Notes
        -----
        R functions: ``simulate``, ``sample``, and ``update`` with the response or the rows that
        were drawn; as such they are in a loop of plain R after ``set.seed(seed)``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lm("Reaction ~ Days", pb.load_dataset("sleepstudy"))
        >>> boot = fit.bootstrap("case", n_sim=20, seed=1)
        >>> boot.names
        ('.sigma', '(Intercept)', 'Days')
        """
        kind = options.one_of(kind, options.BootstrapKind, "kind")
        if self.spec.fitter != "lm" and kind not in _OF_ALL:
            raise OptionError(
                f"kind={shown(kind)} is for linear models; glm takes {listed(_OF_ALL)}"
            )
        if isinstance(statistic, str) and statistic in _MIXED_ONLY:
            raise OptionError(f"statistic={shown(statistic)} goes with mixed models")
        predicted: dict[str, Any] = {"new_data": None}
        if new_data is not None:
            needed = self._ask("linear_predictors", tuple)
            frame = collect_new(frames.as_pandas(new_data, "new_data"), needed, self._kinds)
            predicted["new_data"] = frame.to_r()
        plan = boot.checked_statistic(statistic, predicted, allow_functions)
        extra: dict[str, Any] = {}
        if kind == "wild":
            extra = {
                "hccme": options.one_of(hccme, options.Hccme, "hccme"),
                "aux_dist": options.one_of(aux_dist, options.AuxiliaryDistribution, "aux_dist"),
            }
        plan |= {"task": "cases" if kind == "case" else "responses"}
        asked = of_intervals.Asked(kind, n_sim, seed, statistic, plan, extra)
        how = engine.Running(n_jobs, progress, checkpoint)
        noted = {"use_u": False, "re_form": None, "at_new_data": new_data is not None}
        return of_intervals.run(self, asked, how, noted)


class LinearDiagnostics(Diagnostics):
    """Leverage, influence and the share of variance of a linear or generalized linear model."""

    __slots__ = ()

    def rstandard(self) -> pd.Series[float]:
        """Return the standardized residuals.

        Returns
        -------
        pandas.Series
            On the data's own index; NaN for dropped rows under ``na_action="exclude"``.

        Notes
        -----
        R function: ``stats::rstandard``. Of a generalized model R standardizes deviance residuals,
        but Pearson residuals in newer versions (as of 4.6).

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lm("Reaction ~ Days", pb.load_dataset("sleepstudy"))
        >>> round(float(fit.rstandard().iloc[0]), 3)
        -0.039
        """
        return self._case_figure("rstandard", "rstandard")

    def influence_measures(self) -> influence.InfluenceMeasures:
        """Return R's measures of the influence of each observation.

        Returns
        -------
        InfluenceMeasures
            One row per observation that the model uses: dffits, covariance ratio, Cook's
            distance, leverage, and whether R marks it as influential; and ``dfbetas``.

        Notes
        -----
        R function: ``stats::influence.measures``. They are computed from the fit itself; a
        mixed model is refitted instead, see :meth:`LinearMixedModel.influence`.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lm("Reaction ~ Days", pb.load_dataset("sleepstudy"))
        >>> measures = fit.influence_measures()
        >>> max(measures, key=lambda row: row.cooks_distance).level
        '9'
        """
        return self._ask("influence_measures", decode_tests.influence_measures, self._index)

    def r2(self) -> icc_r2.LinearRSquared:
        """Return the share of variance that the model explains.

        Returns
        -------
        LinearRSquared
            R squared, and the one adjusted for the number of coefficients.

        Raises
        ------
        OptionError
            The model is a generalized one, of which R gives none.

        Notes
        -----
        R function: ``summary`` of an ``lm``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lm("Reaction ~ Days", pb.load_dataset("sleepstudy"))
        >>> round(fit.r2().r_squared, 3)
        0.286
        """
        if self.spec.fitter != "lm":
            raise OptionError("R gives R squared of linear models; glm has deviances: fit.anova()")
        return self._ask("linear_r_squared", decode_tests.linear_r_squared)
