"""Intervals, profiles and marginal means of one fitted model: methods of a model class."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pymer_bridge.errors import OptionError
from pymer_bridge.models.methods import emmeans as marginal
from pymer_bridge.models.methods.bootstrap import Resampling
from pymer_bridge.r_script.journal import journal
from pymer_bridge.replicates import engine
from pymer_bridge.results import intervals
from pymer_bridge.results.decode import tests as decode_tests
from pymer_bridge.session import conditions, deadlines
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import options


@dataclass(frozen=True, slots=True)
class _Means:
    """What emmeans and emtrends are asked alike."""

    specs: str | Sequence[str]
    by: str | Sequence[str] | None
    at: Mapping[str, Any] | None
    ddf: options.MeansDdf | None
    conf_level: float
    adjust: options.Adjust | None
    type: options.MeansType = "link"

    def to_r(self, accepted: Sequence[options.MeansDdf]) -> dict[str, Any]:
        """Check everything, and return it as the R side takes it."""
        ddf = accepted[0] if self.ddf is None else self.ddf
        if ddf not in accepted:
            options.one_of(ddf, options.MeansDdf, "ddf")
            raise OptionError(f"ddf={ddf!r} is for linear mixed models; here it is {accepted[0]!r}")
        if self.adjust is not None:
            options.one_of(self.adjust, options.Adjust, "adjust")
        return {
            "specs": options.names_of(self.specs, "specs"),
            "by": None if self.by is None else options.names_of(self.by, "by"),
            "at": options.values_at(self.at),
            "ddf": ddf,
            "conf_level": options.check_level(self.conf_level),
            "adjust": self.adjust,
        }


class Estimation(Resampling):
    """Intervals, profiles and marginal means of a mixed model."""

    __slots__ = ()

    @property
    def _means_ddf(self) -> Sequence[options.MeansDdf]:
        """Which degrees of freedom marginal means can have, emmeans' own choice first."""
        return get_args(options.MeansDdf)

    @deadlines.timed
    def confint(
        self,
        method: options.IntervalMethod = "profile",
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
        n_sim, seed, kind, n_jobs, progress
            For "boot": the number of simulations, R's ``set.seed`` integer, "percentile",
            "basic" or "normal", and how it is done, as for :meth:`bootstrap`, which gives the
            replicates too.
        timeout
            As for :func:`pymer_bridge.lmer`.

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
        RTimeoutError
            It did not end within ``timeout``; R is ready for the next call.

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
            "parameters": None if chosen is None else tuple(chosen),
            "conf_level": level,
        }
        if method == "boot":
            # With R's checks of each replicate: R tells what they say.
            with journal.silent():
                replicates = self.bootstrap(
                    "parametric",
                    n_sim,
                    seed,
                    "parameters",
                    check_convergence=True,
                    n_jobs=n_jobs,
                    progress=progress,
                )
            said = session().call(
                "say_of_replicates",
                messages=[text for texts in replicates.replicate_messages for text in texts],
                warnings=[text for texts in replicates.replicate_warnings for text in texts],
                errors=[error for error in replicates.errors if error is not None],
            )
            conditions.raise_warnings(said)
            found = conditions.with_conditions(replicates.confint(kind, level, chosen), said)
            asked = {"n_sim": n_sim, "seed": seed, "kind": kind, **shared}
            journal.note("bootstrap_intervals", (self._model,), asked, found)
            return found
        return self._ask(
            "confidence_intervals",
            decode_tests.confidence_intervals,
            method,
            level,
            method=method,
            **shared,
        )

    @deadlines.timed
    def profile(
        self, parameters: Sequence[str] | str | None = None, *, timeout: float | None = None
    ) -> intervals.Profile:
        """Return the likelihood profile.

        Parameters
        ----------
        parameters
            As for :meth:`confint`; all of them by default.
        timeout
            As for :func:`pymer_bridge.lmer`.

        Returns
        -------
        Profile
            Every point of every profile.

        Raises
        ------
        RError
            R cannot profile the model.
        RTimeoutError
            It did not end within ``timeout``; R is ready for the next call.

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
        ddf: options.MeansDdf | None = None,
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
            "kenward-roger" (emmeans' default for linear mixed models), "satterthwaite" or
            "asymptotic" (normal; the only one for other models).
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
        R function: ``emmeans::emmeans`` and its ``summary``. Of a fit by maximum likelihood,
        Kenward and Roger's method uses a refit by REML, and says so. Over emmeans' limit of 3,000
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
        ddf: options.MeansDdf | None = None,
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
        arguments = means.to_r(self._means_ddf)
        session().require("emmeans")
        self._require(arguments["ddf"])
        outcome = session().call(operation, model=self._model, **arguments, **extra)
        conditions.raise_warnings(outcome)
        found = marginal.marginal_means(outcome, arguments["conf_level"], means.type)
        asked = {**arguments, "type": means.type, **extra}
        journal.note(operation, (self._model,), asked, found, outcome.value["grid"])
        return found
