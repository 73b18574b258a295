"""Models side by side, by information criteria."""

from __future__ import annotations

from collections.abc import Sequence

from pymer_bridge.errors import OptionError
from pymer_bridge.models.lm import LinearModel
from pymer_bridge.models.mixed import MixedModel
from pymer_bridge.models.r_model import ask
from pymer_bridge.results.base import of_rows
from pymer_bridge.results.criteria import ComparedModels
from pymer_bridge.results.decode import tests as decode
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked


@checked
def compare_models(
    *models: MixedModel | LinearModel, names: Sequence[str] | None = None
) -> ComparedModels:
    """Set models side by side: criteria, their weights, shares of variance, how each fit ended.

    Parameters
    ----------
    *models
        Two or more models of one response and the same rows, nested or not.
    names
        Names for the rows; "model1", "model2" ... by default.

    Returns
    -------
    ComparedModels
        One row per model, in the order given.

    Raises
    ------
    OptionError
        Fewer than two models, or not one name per model.
    RError
        The criteria are not of the same likelihood: the models use other rows, another response,
        densities and probabilities, other numbers of quadrature points, or REML beside maximum
        likelihood; or they are fitted by REML and have other fixed effects. The message says what
        differs, between which of them, and what to do.

    Notes
    -----
    R functions: ``logLik``, ``AIC`` and ``BIC``; AICc and the weights [1]_ as
    ``performance::compare_performance`` has them, which takes models of other data, too, and
    with ``estimator = "ML"`` criteria that REML did not minimise. Where a response is a function
    of a column, such as ``log(y)``, the criteria are those of that response, as R has them.
    Marginal and conditional R squared and the intraclass correlation are those of ``fit.r2()`` and
    ``fit.icc()``, missing where R has not the packages for it.

    References
    ----------
    .. [1] Burnham, K. P. and Anderson, D. R. (2002). Model Selection and Multimodel Inference,
       2nd ed. Springer.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> sleepstudy = pb.load_dataset("sleepstudy")
    >>> slopes = pb.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, reml=False)
    >>> intercepts = pb.lmer("Reaction ~ Days + (1 | Subject)", sleepstudy, reml=False)
    >>> compared = pb.compare_models(slopes, intercepts, names=["slopes", "intercepts"])
    >>> round(compared["intercepts"].aic_difference, 2)
    38.14
    """
    if len(models) < 2:
        raise OptionError("compare_models() takes two or more fitted models")
    chosen = [f"model{i + 1}" for i in range(len(models))]
    if names is not None:
        chosen = list(options.names_of(names, "names"))
    if len(chosen) != len(models) or len(set(chosen)) != len(chosen):
        raise OptionError(f"names must be {len(models)} different names, one per model")
    return ask(
        "compare_criteria",
        lambda record: of_rows(decode.compared_models(record), models[0].n_obs),
        models=[model._model for model in models],
        names=tuple(chosen),
    )
