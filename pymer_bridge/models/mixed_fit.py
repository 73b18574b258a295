"""The parts of a fitted mixed model: variances, groups, shares of variance, lme4's own parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.data import frames
from pymer_bridge.data.frozen_arrays import frozen_array
from pymer_bridge.errors import OptionError, shown
from pymer_bridge.models.base import Fitted
from pymer_bridge.models.deviance_function import DevianceFunction
from pymer_bridge.models.icc_r2 import check_alone, require_packages, with_intervals
from pymer_bridge.replicates import engine
from pymer_bridge.results import groups, icc_r2, internals
from pymer_bridge.results.base import Result
from pymer_bridge.results.decode import internals as decode_internals
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.decode import tests as decode_tests
from pymer_bridge.results.fit_statistics import Convergence
from pymer_bridge.results.matrix import NamedMatrix, NamedVector
from pymer_bridge.results.variances import VarianceComponents
from pymer_bridge.session import deadlines
from pymer_bridge.spec import options


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class MixedFit(Fitted):
    """A fitted model with random effects.

    Attributes
    ----------
    n_groups
        The number of levels of each grouping factor.
    reml
        Fitted by restricted maximum likelihood?
    dropped_columns
        Columns of the design that R dropped because they depend on others.
    """

    n_groups: Mapping[str, int]
    reml: bool
    dropped_columns: tuple[str, ...]

    @property
    def variance_components(self) -> VarianceComponents:
        """Variances, standard deviations and correlations (R: ``VarCorr``)."""
        return self._ask("variance_components", decode.variance_components)

    @property
    def random_effects(self) -> groups.RandomEffects:
        """Conditional modes with standard deviations (R: ``ranef(condVar=TRUE)``)."""
        return self._ask("random_effects", decode.random_effects)

    @property
    def group_coefficients(self) -> groups.GroupCoefficients:
        """Fixed plus random effects for each group (R: ``coef``)."""
        return self._ask("group_coefficients", decode.group_coefficients)

    @property
    def convergence(self) -> Convergence:
        """How the optimizer ended, and the convergence warnings and messages."""
        found = self._ask("convergence", decode.convergence)
        # The messages of the fit itself come once, in R's order.
        return replace(
            found,
            messages=tuple(dict.fromkeys((*found.messages, *self.messages))),
            warnings=tuple(dict.fromkeys((*found.warnings, *self.warnings))),
        )

    @property
    def model_frame(self) -> pd.DataFrame:
        """The rows used, on the data's own index: response, predictors, grouping factors.

        R: ``model.frame`` and ``getME(fit, "flist")``. A term that is a matrix, such as that of a
        polynomial, is left out.
        """
        return self._ask("model_frame_parts", self._read_frame).copy()

    @property
    def scaled_residual_quantiles(self) -> tuple[float, ...]:
        """Minimum, quartiles and maximum of the scaled residuals, as R's summary prints them."""
        return self._ask("scaled_residual_quantiles", lambda values: tuple(values.tolist()))

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
        require_packages()
        if options.flag(by_group, "by_group"):
            check_alone(conf_level)
            of = "Intraclass correlation by group"
            return self._ask("icc_by_group", decode_tests.group_shares, of)
        found = self._ask("intraclass_correlation", decode_tests.intraclass_correlation)
        asked = (conf_level, n_sim, seed)
        return with_intervals(self, found, asked, engine.Running(n_jobs, progress, checkpoint))

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
        require_packages()
        if options.flag(by_group, "by_group"):
            check_alone(conf_level)
            return self._ask("r2_by_group", decode_tests.group_shares, "R squared by group")
        found = self._ask("r_squared", decode_tests.r_squared)
        asked = (conf_level, n_sim, seed)
        return with_intervals(self, found, asked, engine.Running(n_jobs, progress, checkpoint))

    def is_singular(self, tol: float = 1e-4) -> bool:
        """Say whether the fit is singular: a variance is zero, or a correlation is one.

        Parameters
        ----------
        tol
            How near to zero a diagonal element of theta must be.

        Returns
        -------
        bool
            True if one is nearer.

        Raises
        ------
        OptionError
            ``tol`` is not a positive number.

        Notes
        -----
        R function: ``lme4::isSingular``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> fit.is_singular()
        False
        """
        if isinstance(tol, bool) or not isinstance(tol, int | float) or not tol > 0:
            raise OptionError(f"tol={shown(tol)} must be a positive number")
        return self._ask("is_singular", lambda value: bool(value[0]), tol=float(tol))

    @property
    def covariances(self) -> internals.Covariances:
        """Whole covariance and correlation matrices of the random effects, by group.

        ``covariances["Subject"]`` is the covariance matrix of one group, and
        ``covariances.correlation("Subject")`` its correlations (R: ``VarCorr``, the matrices and
        their attribute "correlation"). ``variance_components`` has the same figures term by
        term (R: ``as.data.frame(VarCorr(fit))``).
        """
        return self._ask("group_covariances", decode_internals.covariances)

    def re_pca(self) -> internals.PrincipalComponents:
        """Return the principal components of the random effects, group by group.

        A component without variance means that the data do not support so many random effects.

        Returns
        -------
        PrincipalComponents
            One row per group and component: standard deviation (in units of the residual one)
            and shares of variance; and the rotations.

        Notes
        -----
        R functions: ``lme4::rePCA`` [1]_ and its ``summary``, which rounds the shares to five
        decimals.

        References
        ----------
        .. [1] Bates, D., Kliegl, R., Vasishth, S. and Baayen, H. (2015). Parsimonious Mixed
           Models. arXiv:1506.04967.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> fit.re_pca()["Subject", 1].proportion
        0.94605
        """
        return self._ask("random_components", decode_internals.principal_components)

    @overload
    def get_me(self, name: internals.SparseName) -> internals.SparseMatrix: ...
    @overload
    def get_me(self, name: Literal["X", "RX", "RZX"]) -> NamedMatrix: ...
    @overload
    def get_me(self, name: internals.VectorName) -> NamedVector: ...
    @overload
    def get_me(self, name: internals.ArrayName) -> NDArray[np.float64]: ...
    @overload
    def get_me(self, name: Literal["Gp", "Lind"]) -> NDArray[np.int32]: ...
    @overload
    def get_me(self, name: internals.CountName) -> int: ...
    @overload
    def get_me(self, name: Literal["is_REML"]) -> bool: ...
    @overload
    def get_me(self, name: Literal["sigma"]) -> float: ...
    @overload
    def get_me(self, name: Literal["L"]) -> internals.CholeskyFactor: ...
    @overload
    def get_me(self, name: Literal["glmer.nb.theta"]) -> float | None: ...
    @overload
    def get_me(self, name: Literal["Ztlist"]) -> Mapping[str, internals.SparseMatrix]: ...
    @overload
    def get_me(self, name: Literal["mmList"]) -> Mapping[str, NamedMatrix]: ...
    @overload
    def get_me(self, name: Literal["flist"]) -> Mapping[str, pd.Categorical]: ...
    @overload
    def get_me(self, name: Literal["devcomp"]) -> Mapping[str, NamedVector]: ...
    @overload
    def get_me(self, name: str) -> Any: ...
    def get_me(self, name: str) -> Any:
        """Return a part of the fit by lme4's own name.

        Parameters
        ----------
        name
            "X", "Z", "Zt", "Ztlist", "mmList", "y", "mu", "u", "b", "Gp", "Tp", "L", "Lambda",
            "Lambdat", "Lind", "Tlist", "A", "RX", "RZX", "sigma", "flist", "fixef", "beta",
            "theta", "ST", "REML", "is_REML", "n_rtrms", "n_rfacs", "N", "n", "p", "q", "p_i",
            "l_i", "q_i", "k", "m_i", "m", "cnms", "devcomp", "offset", "lower" or
            "glmer.nb.theta"; from lme4 2.0 on "par", "npar" and "devarg" too.

        Returns
        -------
        object
            A number, a bool, or None for R's missing values; a read-only numpy array; a
            ``NamedVector`` or ``NamedMatrix`` where R has names; a ``SparseMatrix``, which
            ``to_scipy()`` and ``to_numpy()`` convert; a ``CholeskyFactor`` for "L"; a pandas
            Categorical for a factor; a tuple of strings. A list becomes a read-only mapping, a
            tuple if R has no names, and a tuple of pairs if a name comes twice, as for two terms
            of one grouping factor. Editors know the type of each name.

        Raises
        ------
        OptionError
            This lme4 has no such part.
        RError
            R cannot give it for this model.

        Notes
        -----
        R function: ``lme4::getME``. Its "devfun", which changes the fit when it is called, is
        :meth:`deviance_function`.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> fit.get_me("q"), fit.get_me("Z").shape
        (36, (180, 36))
        """
        known = self._ask("part_names", tuple)
        if name not in known:
            hint = "; see deviance_function()" if name == "devfun" else ""
            raise OptionError(
                f"name={shown(name)} is not accepted{hint}; choose one of: {', '.join(known)}"
            )
        found = self._ask_anew("model_part", decode_internals.part, name=name)
        return decode_internals.on_rows(found, self._index) if name in ("X", "mmList") else found

    def deviance_function(self) -> DevianceFunction:
        """Return the deviance as a function of the parameters, on a copy of the fit.

        Returns
        -------
        DevianceFunction
            Called with the parameters of the random effects (and, for a generalized or
            nonlinear model, the fixed effects), it gives the deviance, or the REML criterion
            of a fit by REML.

        Notes
        -----
        R function: ``lme4::getME(fit, "devfun")``. R's function changes the fit when it is
        called; this one has a predictor and a response of its own.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> deviance = fit.deviance_function()
        >>> round(deviance(deviance.theta), 4)
        1743.6283
        """
        return self._ask_anew(
            "deviance_function",
            lambda record: DevianceFunction(
                names=decode.texts(record, "names"),
                parameters=frozen_array(record["values"]),
                lower=frozen_array(record["lower"]),
                upper=frozen_array(record["upper"]),
                n_theta=decode.integer(record, "n_theta"),
                _deviance=record["deviance"],
            ),
        )

    def _groups(self) -> str:
        return ", ".join(f"{name} {count}" for name, count in self.n_groups.items())

    def _parts(self) -> tuple[Result, ...]:
        return (self.variance_components, self._shown_effects(), self.fit_statistics)

    def _alerts(self) -> tuple[str, ...]:
        """Return the problems of the fit: first in plain words, then in R's."""
        found = self.convergence
        plain = []
        if found.singular:
            plain.append(
                "The fit is singular: a variance is estimated as zero, or a correlation as one."
            )
        if not found.converged:
            plain.append("The fit did not converge: its figures are not to be trusted.")
        return (*plain, *(f"R: {text}" for text in (*found.messages, *found.warnings)))

    def _read_frame(self, record: Mapping[str, Any]) -> pd.DataFrame:
        frame = frames.frame_from_r(record)
        return frame.set_axis(frames.index_at(self._index, record["rows"]), axis=0)

    def _shares(self) -> tuple[icc_r2.RSquared, icc_r2.IntraclassCorrelation]:
        """Return both; R does not warn here where there are none."""
        require_packages()
        return self._ask("variance_shares", decode_tests.variance_shares)
