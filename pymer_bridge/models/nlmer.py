"""Nonlinear mixed models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymer_bridge.models.non_normal import NonNormal
from pymer_bridge.models.preparing import fit_model, fits
from pymer_bridge.session import deadlines
from pymer_bridge.spec import options
from pymer_bridge.spec.controls import Control, check_control


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class NonlinearMixedModel(NonNormal):
    """A nonlinear mixed model; made by :func:`nlmer`.

    Its attributes are those of :class:`pymer_bridge.MixedModel`.
    """

    def _kind(self) -> str:
        return "Nonlinear mixed model fit by maximum likelihood"


@fits("nlmer")
@deadlines.timed
def nlmer(
    formula: str,
    data: Any,
    *,
    start: Mapping[str, float],
    n_agq: int | None = None,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    contrasts: Mapping[str, Any] | None = None,
    control: Control | None = None,
    na_action: options.NaAction = "omit",
    data_name: str | None = None,
    allow_functions: Sequence[str] = (),
    timeout: float | None = None,
) -> NonlinearMixedModel:
    """Fit a nonlinear mixed model with R's lme4.

    Parameters
    ----------
    formula
        Three parts: response, nonlinear model, and fixed and random effects of its parameters:
        ``"circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree"``. The model may be one
        of R's self-starting models (SSasymp, SSasympOff, SSasympOrig, SSbiexp, SSfol, SSfpl,
        SSgompertz, SSlogis, SSmicmen, SSweibull) or a function that returns a gradient, of an R
        package, allowed by name.
    data
        As for :func:`pymer_bridge.lmer`.
    start
        A starting value for each nonlinear parameter, by name.
    n_agq
        As for :func:`pymer_bridge.glmer`.
    weights, offset, subset, contrasts, na_action, data_name, allow_functions
        As for :func:`pymer_bridge.lmer`.
    control
        Made by :func:`nlmer_control`.
    timeout
        As for :func:`pymer_bridge.lmer`.

    Returns
    -------
    NonlinearMixedModel
        The fitted model. R's warnings and messages are on it, and raised as warnings.

    Raises
    ------
    FormulaError, DataConversionError, OptionError, RError, REnvironmentError
        As for :func:`pymer_bridge.lmer`.
    RTimeoutError
        It did not end within ``timeout``; R is ready for the next call.

    Notes
    -----
    R function: ``lme4::nlmer`` [1]_. lme4 neither refits, simulates nor profiles these models.

    References
    ----------
    .. [1] Bates, D., Maechler, M., Bolker, B. and Walker, S. (2015). Fitting Linear
       Mixed-Effects Models Using lme4. Journal of Statistical Software, 67(1).

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> orange = pb.load_dataset("Orange", package="datasets")
    >>> formula = "circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree"
    >>> fit = pb.nlmer(formula, orange, start={"Asym": 200, "xmid": 725, "scal": 350})
    >>> round(fit.sigma, 2)
    7.84
    """
    checked = options.start_of_parameters(start)
    return fit_model(
        NonlinearMixedModel,
        "nlmer",
        formula,
        data,
        n_agq=None if n_agq is None else options.whole(n_agq, "n_agq", 0),
        weights=weights,
        offset=offset,
        subset=subset,
        contrasts=contrasts,
        control=check_control(control, "nlmerControl"),
        na_action=na_action,
        start=checked,
        parameters=tuple(name for name, _ in checked),
        data_name=data_name,
        allow_functions=allow_functions,
    )
