"""Methods of models without random effects: tests."""

from __future__ import annotations

from collections.abc import Sequence

from pymer_bridge.errors import OptionError, shown
from pymer_bridge.models.base import Fitted
from pymer_bridge.models.methods.testing import labels_of
from pymer_bridge.results import tests
from pymer_bridge.results.decode import tests as decode_tests
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import options


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
            estimated = self._ask("estimates_dispersion", lambda value: bool(value[0]))
            return "F" if estimated else "likelihood-ratio"
        chosen: options.AnovaTest = options.one_of(test, options.AnovaTest, "test")
        if self.spec.fitter == "lm" and chosen != "F":
            raise OptionError(f"test={shown(test)} is for generalized models; lm has F tests")
        if chosen == without:
            raise OptionError(f"test={shown(test)} does not go with {where}")
        return chosen
