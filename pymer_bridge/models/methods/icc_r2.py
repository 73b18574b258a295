"""Shares of the variance that groups, or a mixed model, explain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeVar, overload

import numpy as np

from pymer_bridge.errors import OptionError
from pymer_bridge.models.base import MixedFit
from pymer_bridge.r_script.journal import journal
from pymer_bridge.replicates import bootstrap as boot
from pymer_bridge.replicates import engine
from pymer_bridge.results import icc_r2
from pymer_bridge.results.bootstrap import BootstrapResult
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.decode import tests as decode_tests
from pymer_bridge.session import asking, deadlines
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import options

S = TypeVar("S", icc_r2.IntraclassCorrelation, icc_r2.RSquared)


def _require_packages() -> None:
    session().require("insight")
    for package in asking.ask("packages_of_shares"):
        session().require(package)


class Shares(MixedFit):
    """Intraclass correlations and coefficients of determination."""

    __slots__ = ()

    @overload
    def icc(
        self,
        *,
        by_group: Literal[False] = False,
        conf_level: float | None = None,
        n_sim: int = 500,
        seed: int | None = None,
        n_jobs: int = 1,
        progress: engine.Progress = False,
        checkpoint: str | Path | None = None,
        timeout: float | None = None,
    ) -> icc_r2.IntraclassCorrelation: ...
    @overload
    def icc(self, *, by_group: Literal[True]) -> icc_r2.GroupShares: ...
    @deadlines.timed
    @engine.stoppable
    def icc(
        self,
        *,
        by_group: bool = False,
        conf_level: float | None = None,
        n_sim: int = 500,
        seed: int | None = None,
        n_jobs: int = 1,
        progress: engine.Progress = False,
        checkpoint: str | Path | None = None,
        timeout: float | None = None,
    ) -> icc_r2.IntraclassCorrelation | icc_r2.GroupShares:
        """Return the intraclass correlation, adjusted and unadjusted.

        Parameters
        ----------
        by_group
            Give the adjusted one of each grouping factor instead, without intervals?
        conf_level
            The level of intervals by a parametric bootstrap; None for no intervals. A singular fit
            has none.
        n_sim, seed
            For intervals: the number of refits, and R's ``set.seed`` integer.
        n_jobs, progress, checkpoint
            As for :meth:`LinearMixedModel.bootstrap`.
        timeout
            As for :func:`pymer_bridge.lmer`.

        Returns
        -------
        IntraclassCorrelation or GroupShares
            Shares of variance, between 0 and 1.

        Raises
        ------
        OptionError
            An argument is not accepted, or does not go with the others.
        REnvironmentError
            R's package insight, or performance beside newer ones of it, is not installed.
        BootstrapInterrupted
            Ctrl-C.
        RTimeoutError
            It did not end within ``timeout``.

        Notes
        -----
        R function: ``performance::icc`` [1]_, from its variances, ``insight::get_variance``.
        Intervals are those of its ``ci``, ``iterations`` and ``set.seed``, by ``lme4::bootMer``:
        quantiles of refits that have the share; singular ones have none.

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
        _require_packages()
        if options.flag(by_group, "by_group"):
            _check_alone(conf_level)
            of = "Intraclass correlation by group"
            return self._ask("icc_by_group", decode_tests.group_shares, of)
        found = self._ask("intraclass_correlation", decode_tests.intraclass_correlation)
        asked = (conf_level, n_sim, seed)
        return self._with_intervals(found, asked, engine.Running(n_jobs, progress, checkpoint))

    @overload
    def r2(
        self,
        *,
        by_group: Literal[False] = False,
        conf_level: float | None = None,
        n_sim: int = 500,
        seed: int | None = None,
        n_jobs: int = 1,
        progress: engine.Progress = False,
        checkpoint: str | Path | None = None,
        timeout: float | None = None,
    ) -> icc_r2.RSquared: ...
    @overload
    def r2(self, *, by_group: Literal[True]) -> icc_r2.GroupShares: ...
    @deadlines.timed
    @engine.stoppable
    def r2(
        self,
        *,
        by_group: bool = False,
        conf_level: float | None = None,
        n_sim: int = 500,
        seed: int | None = None,
        n_jobs: int = 1,
        progress: engine.Progress = False,
        checkpoint: str | Path | None = None,
        timeout: float | None = None,
    ) -> icc_r2.RSquared | icc_r2.GroupShares:
        """Return Nakagawa's coefficients of determination, marginal and conditional.

        Parameters
        ----------
        by_group
            Give instead, for the rows ("Level 1") and each grouping factor, the share of their
            variance in the model without predictors that the predictors explain?
        conf_level, n_sim, seed, n_jobs, progress, checkpoint, timeout
            As for :meth:`icc`.

        Returns
        -------
        RSquared or GroupShares
            Shares of variance, between 0 and 1; by group, the predictors can make one negative.

        Raises
        ------
        OptionError, REnvironmentError, BootstrapInterrupted, RTimeoutError
            As of :meth:`icc`.

        Notes
        -----
        R function: ``performance::r2_nakagawa`` [1]_, from its variances,
        ``insight::get_variance``; intervals as for :meth:`icc`.

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
        _require_packages()
        if options.flag(by_group, "by_group"):
            _check_alone(conf_level)
            return self._ask("r2_by_group", decode_tests.group_shares, "R squared by group")
        found = self._ask("r_squared", decode_tests.r_squared)
        asked = (conf_level, n_sim, seed)
        return self._with_intervals(found, asked, engine.Running(n_jobs, progress, checkpoint))

    def _shares(self) -> tuple[icc_r2.RSquared, icc_r2.IntraclassCorrelation]:
        """Return both; R does not warn here where there are none."""
        _require_packages()
        return self._ask("variance_shares", decode_tests.variance_shares)

    def _with_intervals(
        self, found: S, asked: tuple[float | None, int, int | None], how: engine.Running
    ) -> S:
        """Return shares with intervals, if a level is given."""
        conf_level, n_sim, seed = asked
        n, start = options.whole(n_sim, "n_sim", 1), options.random_seed(seed)
        level = None if conf_level is None else options.check_level(conf_level)
        names = tuple(column.name for column in found._columns)
        if level is None or any(getattr(found, name) is None for name in names):
            return found
        if self.spec.fitter == "nlmer":
            raise OptionError("conf_level: R has no bootstrap of nonlinear mixed models")
        request = boot.Request(
            kind="parametric",
            n_sim=n,
            seed=start,
            statistic="shares",
            plan={"statistic": "shares", "task": "responses", "check_convergence": False},
            options={"use_u": False},
            packages=("lme4", "insight"),
        )
        # Names in backticks confuse insight.
        readable = asking.ask("readable_copy", model=self._model)["model"]
        made: BootstrapResult = boot.run_bootstrap(readable, self.n_obs, request, how)
        columns = [made.names.index(name) for name in names]
        ends = asking.ask(
            "share_intervals",
            values=np.asfortranarray(made.replicates[:, columns]),
            n=len(names),
            conf_level=level,
        )
        lows, highs = (decode.numbers(ends, end, len(names)) for end in ("conf_low", "conf_high"))
        bootstrap = icc_r2.ShareBootstrap(
            tuple(icc_r2.ShareInterval(*pair) for pair in zip(lows, highs, strict=True)),
            level,
            n,
            decode.integer(ends, "n_without"),
            start,
        )
        whole = replace(
            found,
            bootstrap=bootstrap,
            warnings=(*found.warnings, *made.warnings),
            messages=(*found.messages, *made.messages),
        )
        given = {"conf_level": level, "n_sim": n, "seed": start}
        journal.note(
            "share_bootstrap", {"model": self._model, "shares": found.title, **given}, whole
        )
        return whole


def _check_alone(conf_level: float | None) -> None:
    if conf_level is not None:
        raise OptionError("by_group=True has no intervals: leave out conf_level")
