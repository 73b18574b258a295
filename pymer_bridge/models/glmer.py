"""Generalized linear mixed models: counts, proportions and other responses that are not normal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

from pymer_bridge.errors import OptionError
from pymer_bridge.models.methods.emmeans import Emmeans
from pymer_bridge.models.methods.intervals import Intervals
from pymer_bridge.models.methods.linear import by_car
from pymer_bridge.models.non_normal import NonNormal
from pymer_bridge.models.preparing import fit_model, fits
from pymer_bridge.results import tests
from pymer_bridge.session import deadlines
from pymer_bridge.spec import options
from pymer_bridge.spec.controls import Control, check_control
from pymer_bridge.spec.families import Family, FamilyName, LinkName, family_of


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class GeneralizedLinearMixedModel(NonNormal, Intervals, Emmeans):
    """A generalized linear mixed model; made by :func:`glmer` and :func:`glmer_nb`.

    Its attributes are those of :class:`pymer_bridge.MixedModel`, and these.

    Attributes
    ----------
    family
        The family, as R names it.
    link
        The link.
    size
        The size parameter (theta) of a negative binomial; None for other families.
    """

    family: str
    link: str
    size: float | None

    @overload
    def anova(self, type: Literal["I"] = "I") -> tests.FTests: ...

    @overload
    def anova(self, type: Literal["II", "III"]) -> tests.TermTests: ...

    @overload
    def anova(self, type: options.AnovaType) -> tests.FTests | tests.TermTests: ...

    def anova(
        self,
        type: options.AnovaType = "I",  # noqa: A002  # R's word
    ) -> tests.FTests | tests.TermTests:
        """Return lme4's sequential table of F values, or Wald tests of each term.

        Parameters
        ----------
        type
            "I" for lme4's table (each term after those before it), which has no p-values; "II"
            (after those that do not contain it) or "III" (after all others) for Wald's chi-square
            tests.

        Returns
        -------
        FTests or TermTests
            One row per term; of type III also one for the intercept.

        Raises
        ------
        OptionError
            ``type`` is not accepted.
        REnvironmentError
            Types II and III need R's package car [1]_.

        Warns
        -----
        RWarning
            Type III, and a factor of an interaction is coded by its reference level: the tests of
            the other terms are those at that level.

        Notes
        -----
        R functions: ``anova`` of lme4 for type I, ``car::Anova`` for types II and III. For
        likelihood ratio tests see :meth:`drop1` and :func:`pymer_bridge.anova`, for a bootstrap
        of them :func:`pymer_bridge.pb_modcomp`.

        References
        ----------
        .. [1] Fox, J. and Weisberg, S. (2019). An R Companion to Applied Regression, 3rd ed.
           Sage.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
        >>> fit = pb.glmer(formula, pb.load_dataset("cbpp"), family="binomial")
        >>> fit.anova()["period"].df1
        3.0
        """
        if isinstance(type, NonNormal):
            raise OptionError("fit.anova() is of one model; pb.anova(fit, other) compares models")
        kind = options.one_of(type, options.AnovaType, "type")
        if kind == "I":
            return super(GeneralizedLinearMixedModel, self).anova()
        return by_car(self, kind, "wald")

    def _kind(self) -> str:
        n_agq = 1 if self.spec.n_agq is None else self.spec.n_agq
        by = "Laplace approximation" if n_agq == 1 else f"{n_agq} quadrature points"
        if n_agq == 0:
            by = "penalized iteration alone"
        return (
            f"Generalized linear mixed model fit by maximum likelihood ({by})\n"
            f"Family: {self.family} ({self.link})"
        )


@fits("glmer")
@deadlines.timed
def glmer(
    formula: str,
    data: Any,
    *,
    family: FamilyName | Family,
    link: LinkName | None = None,
    n_agq: int | None = None,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    contrasts: Mapping[str, Any] | None = None,
    hypotheses: Mapping[str, Any] | None = None,
    control: Control | None = None,
    na_action: options.NaAction = "omit",
    start: options.StartingValues | None = None,
    data_name: str | None = None,
    allow_functions: Sequence[str] = (),
    timeout: float | None = None,
) -> GeneralizedLinearMixedModel:
    """Fit a generalized linear mixed model with R's lme4.

    Parameters
    ----------
    formula
        lme4's formula. A binomial response is a column of 0 and 1, bools or a factor, two
        columns ``cbind(successes, failures)``, or a proportion with the numbers of trials as
        ``weights``.
    data
        As for :func:`pymer_bridge.lmer`.
    family
        "binomial", "poisson", "Gamma", "inverse.gaussian", "gaussian" with a link other than
        the identity, or :func:`pymer_bridge.negative_binomial`.
    link
        One of R's links; None for R's default of the family.
    n_agq
        The number of points of the adaptive Gauss-Hermite quadrature: 1 (R's default) is the
        Laplace approximation, more than 1 requires a single random effect, 0 is faster and less
        exact.
    weights, offset, subset, contrasts, hypotheses, na_action, data_name, allow_functions
        As for :func:`pymer_bridge.lmer`.
    control
        Made by :func:`glmer_control`.
    start
        Starting values of theta, or ``{"theta": ..., "fixef": ...}``.
    timeout
        As for :func:`pymer_bridge.lmer`.

    Returns
    -------
    GeneralizedLinearMixedModel
        The fitted model. R's warnings and messages are on it, and raised as warnings.

    Raises
    ------
    FormulaError, DataConversionError, OptionError, RError, REnvironmentError
        As for :func:`pymer_bridge.lmer`.
    RTimeoutError
        It did not end within ``timeout``; R is ready for the next call.

    Notes
    -----
    R function: ``lme4::glmer`` [1]_.

    References
    ----------
    .. [1] Bates, D., Maechler, M., Bolker, B. and Walker, S. (2015). Fitting Linear
       Mixed-Effects Models Using lme4. Journal of Statistical Software, 67(1).

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> cbpp = pb.load_dataset("cbpp")
    >>> formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    >>> fit = pb.glmer(formula, cbpp, family="binomial")
    >>> round(fit.fixed_effects()["period2"].estimate, 2)
    -0.99
    """
    return fit_model(
        GeneralizedLinearMixedModel,
        "glmer",
        formula,
        data,
        family=family_of(family, link, mixed=True),
        n_agq=None if n_agq is None else options.whole(n_agq, "n_agq", 0),
        weights=weights,
        offset=offset,
        subset=subset,
        contrasts=contrasts,
        hypotheses=hypotheses,
        control=check_control(control, "glmerControl"),
        na_action=na_action,
        start=options.start_of_parts(start, ("theta", "fixef")),
        data_name=data_name,
        allow_functions=allow_functions,
    )


@fits("glmer.nb")
@deadlines.timed
def glmer_nb(
    formula: str,
    data: Any,
    *,
    n_agq: int | None = None,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    contrasts: Mapping[str, Any] | None = None,
    hypotheses: Mapping[str, Any] | None = None,
    control: Control | None = None,
    na_action: options.NaAction = "omit",
    start: options.StartingValues | None = None,
    data_name: str | None = None,
    allow_functions: Sequence[str] = (),
    timeout: float | None = None,
) -> GeneralizedLinearMixedModel:
    """Fit a negative binomial mixed model, and estimate its size parameter.

    Parameters
    ----------
    formula
        lme4's formula; the response is a count.
    data, n_agq, weights, offset, subset, contrasts, hypotheses, control, na_action, start
        As for :func:`glmer`.
    data_name, allow_functions
        As for :func:`glmer`.
    timeout
        As for :func:`pymer_bridge.lmer`.

    Returns
    -------
    GeneralizedLinearMixedModel
        The fitted model; ``size`` is the estimated size parameter.

    Raises
    ------
    FormulaError, DataConversionError, OptionError, RError, REnvironmentError
        As for :func:`pymer_bridge.lmer`.
    RTimeoutError
        It did not end within ``timeout``; R is ready for the next call.

    Notes
    -----
    R function: ``lme4::glmer.nb``, which fits a Poisson model first, then searches for the size.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> ticks = pb.load_dataset("grouseticks")
    >>> fit = pb.glmer_nb("TICKS ~ YEAR + (1 | BROOD)", ticks)
    >>> round(fit.size, 2)
    3.3
    """
    return fit_model(
        GeneralizedLinearMixedModel,
        "glmer.nb",
        formula,
        data,
        n_agq=None if n_agq is None else options.whole(n_agq, "n_agq", 0),
        weights=weights,
        offset=offset,
        subset=subset,
        contrasts=contrasts,
        hypotheses=hypotheses,
        control=check_control(control, "glmerControl"),
        na_action=na_action,
        start=options.start_of_parts(start, ("theta", "fixef")),
        data_name=data_name,
        allow_functions=allow_functions,
    )
