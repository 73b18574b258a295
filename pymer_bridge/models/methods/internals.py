"""What lies inside a fitted mixed model: methods of a model class, and its deviance function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pymer_bridge.errors import OptionError
from pymer_bridge.models.base import Fitted
from pymer_bridge.results import internals as results
from pymer_bridge.results.codec import frozen_array
from pymer_bridge.results.decode import internals as decode_internals
from pymer_bridge.results.decode import record as decode
from pymer_bridge.session import conditions
from pymer_bridge.session.calls import Handle
from pymer_bridge.session.r_session import session

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DevianceFunction:
    """The deviance (or the REML criterion) of a model as a function of its parameters.

    It works on copies: evaluating it never changes the fit. Made by
    :meth:`Internals.deviance_function`.

    Attributes
    ----------
    names
        The parameters' names: those of the random effects, then, for a generalized or
        nonlinear model that was not fitted with ``nAGQ=0``, the fixed effects.
    parameters
        Their values at the fit, read-only.
    lower, upper
        Their bounds.
    n_theta
        How many of them are those of the random effects.
    """

    names: tuple[str, ...]
    parameters: Floats
    lower: Floats
    upper: Floats
    n_theta: int
    _deviance: Handle

    @property
    def theta(self) -> Floats:
        """The parameters of the random effects at the fit."""
        return self.parameters[: self.n_theta]

    @property
    def beta(self) -> Floats:
        """The fixed effects at the fit; empty where they are no parameters."""
        return self.parameters[self.n_theta :]

    def __call__(self, parameters: ArrayLike) -> float:
        """Return the deviance at one point.

        Parameters
        ----------
        parameters
            One number a parameter.

        Raises
        ------
        OptionError
            There are more or fewer.
        """
        return float(self.at([parameters]).values[0])

    def at(self, points: Sequence[ArrayLike] | NDArray[Any]) -> results.DeviancePoints:
        """Return the deviance at many points, in one call of R.

        Parameters
        ----------
        points
            Array of points by parameters.

        Returns
        -------
        DeviancePoints
            numpy takes it as the array of the deviances.

        Raises
        ------
        OptionError
            It is no such array.
        """
        try:
            given = np.asarray(points, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise OptionError(f"the parameters must be numbers: {error}") from error
        if given.ndim != 2 or given.shape[1] != len(self.names):
            raise OptionError(
                f"the deviance takes {len(self.names)} parameters a point: {', '.join(self.names)}"
            )
        outcome = session().call(
            "deviance_at",
            deviance=self._deviance,
            points=np.ascontiguousarray(given).ravel(),
            n_points=len(given),
        )
        conditions.raise_warnings(outcome)
        return results.DeviancePoints(self.names, frozen_array(given), frozen_array(outcome.value))

    def __repr__(self) -> str:
        """Return what it is in one line."""
        return f"<deviance function of {', '.join(self.names)}>"


class Internals(Fitted):
    """Parts of a mixed model, its covariances, and its deviance function."""

    __slots__ = ()

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
            A number, a bool, or None where R has a missing one; a read-only numpy array; a
            ``NamedVector`` or ``NamedMatrix`` where R has names; a ``scipy.sparse.csc_array``
            of read-only arrays for a sparse matrix, or a ``SparseMatrix`` where scipy is not
            installed; a ``CholeskyFactor`` for "L"; a pandas Categorical for a factor; a tuple
            of strings. A list becomes a read-only mapping, a tuple where R has no names, and a
            tuple of pairs where a name stands twice, as for two terms of one grouping factor.

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
                f"name={name!r} is not accepted{hint}; choose one of: {', '.join(known)}"
            )
        outcome = session().call("model_part", model=self._model, name=name)
        conditions.raise_warnings(outcome)
        return decode_internals.part(outcome.value)

    def is_singular(self, tol: float = 1e-4) -> bool:
        """Say whether the fit is singular: a variance is zero, or a correlation is one.

        Parameters
        ----------
        tol
            How near to zero a diagonal element of theta must be.

        Returns
        -------
        bool
            True where one is nearer.

        Raises
        ------
        OptionError
            ``tol`` is no positive number.

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
            raise OptionError(f"tol={tol!r} must be a positive number")
        return self._ask("is_singular", lambda value: bool(value[0]), tol=float(tol))

    @property
    def covariances(self) -> results.Covariances:
        """Whole covariance and correlation matrices of the random effects, by group.

        ``covariances["Subject"]`` is the covariance matrix of one group, and
        ``covariances.correlation("Subject")`` its correlations (R: ``VarCorr``, the matrices and
        their attribute "correlation"). ``variance_components`` has the same figures term by
        term (R: ``as.data.frame(VarCorr(fit))``).
        """
        return self._ask("group_covariances", decode_internals.covariances)

    def re_pca(self) -> results.PrincipalComponents:
        """Return the principal components of the random effects, group by group.

        A component without variance tells that the random effects are more than the data bear.

        Returns
        -------
        PrincipalComponents
            One row a group and component: standard deviation (in units of the residual one)
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
        R function: ``lme4::getME(fit, "devfun")``. That one changes the fit itself when it is
        called; here it has a predictor and a response of its own.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> deviance = fit.deviance_function()
        >>> round(deviance(deviance.theta), 4)
        1743.6283
        """
        outcome = session().call("deviance_function", model=self._model)
        conditions.raise_warnings(outcome)
        record = outcome.value
        return DevianceFunction(
            names=decode.texts(record, "names"),
            parameters=frozen_array(record["values"]),
            lower=frozen_array(record["lower"]),
            upper=frozen_array(record["upper"]),
            n_theta=decode.integer(record, "n_theta"),
            _deviance=record["deviance"],
        )
