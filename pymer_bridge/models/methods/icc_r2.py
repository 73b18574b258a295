"""Shares of the variance that a mixed model explains."""

from __future__ import annotations

from pymer_bridge.models.base import Fitted
from pymer_bridge.results import icc_r2 as results
from pymer_bridge.results.decode import tests as decode_tests
from pymer_bridge.session.r_session import session


class Shares(Fitted):
    """Shares of the variance of a mixed model."""

    __slots__ = ()

    def icc(self) -> results.IntraclassCorrelation:
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

    def r2(self) -> results.RSquared:
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
