"""Fits of one model by each optimizer: those of ``fit.all_fit()``."""

from __future__ import annotations

from collections.abc import Sequence

from pymer_bridge.errors import OptionError
from pymer_bridge.models.mixed_fit import MixedFit
from pymer_bridge.replicates.optimizers import fit_by_each
from pymer_bridge.replicates.parallel import crew_of
from pymer_bridge.results.all_fit import AllFit
from pymer_bridge.results.decode import all_fit as decode
from pymer_bridge.spec import options


def all_fits(
    model: MixedFit, optimizers: Sequence[str] | str | None, max_evaluations: int, n_jobs: int
) -> AllFit:
    """Fit a model by each optimizer that lme4 knows, or by those chosen.

    Raises
    ------
    OptionError
        An optimizer is not known or named twice, or a number is not accepted.
    """
    chosen = (optimizers,) if isinstance(optimizers, str) else optimizers
    if chosen is not None:
        chosen = options.each_of(chosen, options.AllFitOptimizer, "optimizers")
        if not chosen or len(set(chosen)) != len(chosen):
            raise OptionError("optimizers must be one or more different names")
    limit = options.whole(max_evaluations, "max_evaluations", 1)
    arguments = {"optimizers": chosen, "max_evaluations": float(limit)}
    crew = crew_of(n_jobs)
    if crew.several and ("all_fit", *arguments.items()) not in model._kept:
        # What workers fit is kept in R, where the question below finds it.
        fit_by_each(model._model, chosen, float(limit), crew)
    return model._ask("all_fit", decode.all_fit, **arguments)
