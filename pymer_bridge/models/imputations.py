"""Models of several imputations of missing values: fitted, and put together by Rubin's rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pandas as pd

from pymer_bridge.errors import OptionError, shown
from pymer_bridge.models.base import Fitted
from pymer_bridge.models.lm import LinearModel
from pymer_bridge.models.lmer import lmer
from pymer_bridge.models.mixed import MixedModel
from pymer_bridge.models.r_model import ask
from pymer_bridge.results.base import of_rows
from pymer_bridge.results.decode import tests as decode
from pymer_bridge.results.imputed import PooledEffects
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked


@checked
def pool(
    fits: Iterable[MixedModel | LinearModel],
    *,
    df_complete: float | None = None,
    conf_level: float = 0.95,
) -> PooledEffects:
    """Put models of several imputations together, by Rubin's rules.

    Parameters
    ----------
    fits
        The same model, fitted to each of the imputed data sets.
    df_complete
        The degrees of freedom that complete data would have; by default R's residual degrees of
        freedom of the first model. Infinite gives Rubin's own of 1987.
    conf_level
        The level of the intervals.

    Returns
    -------
    PooledEffects
        One row per fixed effect, with the fraction of missing information; the means of variances
        and correlations in ``parameters``.

    Raises
    ------
    OptionError
        Fewer than two models, or models that are not the same.
    REnvironmentError
        R's package mice, broom.mixed or mitml is not installed.

    Notes
    -----
    R functions: ``mice::pool`` and ``summary`` of it, with Barnard and Rubin's degrees of freedom
    [1]_, and ``mitml::testEstimates(extra.pars = TRUE)`` for the variances of random effects.

    References
    ----------
    .. [1] Barnard, J. and Rubin, D. B. (1999). Small-sample degrees of freedom with multiple
       imputation. Biometrika, 86, 948-955.

    Examples
    --------
    >>> import numpy as np, pymer_bridge as pb
    >>> data = pb.load_dataset("sleepstudy")
    >>> frames = [data.assign(Reaction=data.Reaction + np.eye(180)[3] * k) for k in (-20, 0, 30)]
    >>> fits = [pb.lmer("Reaction ~ Days + (1 | Subject)", frame) for frame in frames]
    >>> round(pb.pool(fits)["Days"].missing_information, 3)  # doctest: +SKIP
    0.02
    """
    models = _each(fits, "fits")
    for model in models:
        if not isinstance(model, MixedModel | LinearModel):
            raise OptionError(f"fits has a {type(model).__name__}; pool() takes fitted models")
    _check_same(models)
    mixed = isinstance(models[0], MixedModel)
    for package in ("mice", "broom.mixed", *(("mitml",) if mixed else ())):
        session().require(package)
    level = options.check_level(conf_level)
    if df_complete is not None and not df_complete > 0:
        raise OptionError(f"df_complete={shown(df_complete)} must be above 0; infinite is allowed")
    return ask(
        "pool_models",
        lambda record: of_rows(decode.pooled_effects(record, len(models), level), models[0].n_obs),
        models=[model._model for model in models],
        df_complete=df_complete,
        conf_level=level,
        components=mixed,
    )


@checked
def fit_imputed(
    formula: str,
    frames: Iterable[Any],
    *,
    fitter: Callable[..., Any] | None = None,
    df_complete: float | None = None,
    conf_level: float = 0.95,
    **arguments: Any,
) -> PooledEffects:
    """Fit a model to each of several imputed data sets, and put them together.

    Parameters
    ----------
    formula
        As for the fitter.
    frames
        The imputed data sets, of any program that imputes.
    fitter
        :func:`pymer_bridge.lmer` (the default), ``glmer``, ``lm`` or another.
    df_complete, conf_level
        As for :func:`pool`.
    **arguments
        Go to the fitter, such as ``family="binomial"``.

    Returns
    -------
    PooledEffects
        As of :func:`pool`.

    Raises
    ------
    OptionError
        As of :func:`pool`.

    Notes
    -----
    R functions: that of the fitter for each data set, then as of :func:`pool`.

    Examples
    --------
    >>> import numpy as np, pymer_bridge as pb
    >>> data = pb.load_dataset("sleepstudy")
    >>> frames = [data.assign(Reaction=data.Reaction + np.eye(180)[3] * k) for k in (-20, 0, 30)]
    >>> pooled = pb.fit_imputed("Reaction ~ Days + (1 | Subject)", frames)  # doctest: +SKIP
    >>> pooled.n_imputations  # doctest: +SKIP
    3
    """
    fit = lmer if fitter is None else fitter
    fits = [fit(formula, frame, **arguments) for frame in _each(frames, "frames")]
    if not all(isinstance(model, MixedModel | LinearModel) for model in fits):
        raise OptionError("fitter must return fitted models, as pb.lmer, pb.glmer, pb.lm do")
    return pool(fits, df_complete=df_complete, conf_level=conf_level)


def _each(given: Any, argument: str) -> list[Any]:
    """Return the members of what should have several."""
    try:
        members = [] if isinstance(given, str | bytes | pd.DataFrame) else list(given)
    except Exception:  # whatever an object raises that is gone through
        members = []
    if len(members) < 2:
        raise OptionError(f"{argument}={shown(given)} must be two or more, one for each imputation")
    return members


def _check_same(models: Sequence[Fitted]) -> None:
    """Refuse models that differ in more than their data."""
    first = models[0]
    for i, model in enumerate(models[1:], 2):
        for what, ours, theirs in (
            ("is a", type(model).__name__, type(first).__name__),
            ("has the formula", model.formula, first.formula),
            ("has the coefficients", model._terms(), first._terms()),
            ("uses this number of rows:", model.n_obs, first.n_obs),
        ):
            if ours != theirs:
                raise OptionError(
                    f"model {i} of fits {what} {shown(ours)}, and model 1 {shown(theirs)}; pool() "
                    "takes one model of several imputations"
                )
