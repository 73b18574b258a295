"""One model by every optimizer of lme4: a method of a model class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pymer_bridge.errors import OptionError
from pymer_bridge.models.base import Fitted
from pymer_bridge.results.all_fit import Agreement, AllFit, OptimizerFit, ParameterAgreement
from pymer_bridge.results.decode import record as decode
from pymer_bridge.session import deadlines
from pymer_bridge.spec import options


class Optimizers(Fitted):
    """A mixed model fitted again by other optimizers."""

    __slots__ = ()

    @deadlines.timed
    def all_fit(
        self,
        optimizers: Sequence[options.AllFitOptimizer] | options.AllFitOptimizer | None = None,
        *,
        max_evaluations: int = 100_000,
        timeout: float | None = None,
    ) -> AllFit:
        """Fit the model again by each optimizer that lme4 knows.

        Where all of them come to the same estimates, a warning that one did not converge is
        likely to be a false alarm.

        Parameters
        ----------
        optimizers
            Which ones, by R's names, such as "bobyqa" or "nloptwrap.NLOPT_LN_BOBYQA"; all of
            them by default.
        max_evaluations
            The limit of function evaluations (R: ``maxfun``).
        timeout
            As for :func:`pymer_bridge.lmer`.

        Returns
        -------
        AllFit
            One row an optimizer, in R's order: what became of it, log-likelihood, fixed
            effects, standard deviations and correlations, theta. Optimizers whose package
            (optimx, dfoptim) is not installed are there, and said to be not available.
            ``agreement`` has the range of each figure over the optimizers, ``timing`` what each
            took.

        Raises
        ------
        OptionError
            An optimizer is not known, or the limit is not a positive whole number.
        RTimeoutError
            It did not end within ``timeout``; R is ready for the next call.

        Notes
        -----
        R functions: ``lme4::allFit`` and its ``summary``. From lme4 1.1-38 on the fits start
        from the estimates, before that from where ``lmer`` starts. The summary of older
        versions puts wrong names over standard deviations and correlations; here each figure
        has its own. allFit of lme4 before 1.1-33 stops where both optional packages are
        missing; here it does not.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"))
        >>> fits = fit.all_fit(["bobyqa", "Nelder_Mead"])
        >>> fits["bobyqa"].converged
        True
        >>> fits.agreement["log_likelihood", "log_likelihood"].spread < 1e-6
        True
        """
        chosen = (optimizers,) if isinstance(optimizers, str) else optimizers
        if chosen is not None:
            chosen = tuple(chosen)
            for optimizer in chosen:
                options.one_of(optimizer, options.AllFitOptimizer, "optimizers")
            if not chosen or len(set(chosen)) != len(chosen):
                raise OptionError("optimizers must be one or more different names")
        limit = options.whole(max_evaluations, "max_evaluations", 1)
        return self._ask("all_fit", _all_fit, optimizers=chosen, max_evaluations=float(limit))


def _named(record: Mapping[str, Any], name: str, n: int) -> list[dict[str, float]]:
    """Return the values of each fit by their names."""
    names = decode.texts(record[name], "names")
    values = record[name]["values"].reshape((n, len(names)))
    return [dict(zip(names, row.tolist(), strict=True)) for row in values]


def _all_fit(record: Mapping[str, Any]) -> AllFit:
    """Read the answer of ``all_fit()``: figures come for the fits that ended without an error."""
    available = [bool(value) for value in record["available"]]
    ok = [bool(value) for value in record.get("ok", ())]
    made = _made(record, sum(ok))
    tried = iter(zip(ok, record.get("errors", ()), strict=True))
    rows = []
    for optimizer, package, there in zip(
        record["optimizer"], record["package"], available, strict=True
    ):
        good, error = next(tried) if there else (False, f"the R package '{package}' is not there")
        further = next(made) if good else {"error": error}
        rows.append(OptimizerFit(optimizer, package, there, good, **further))
    return AllFit(
        tuple(rows), _agreement(record.get("agreement")), "\n".join(record.get("text", ()))
    )


def _made(record: Mapping[str, Any], n: int) -> Any:
    """Go through the fits that were made: the further fields of each."""
    if n == 0:
        return iter(())
    parts = [_named(record, name, n) for name in ("fixed", "sdcor", "theta")]
    return (
        {
            "converged": bool(record["converged"][i]),
            "singular": bool(record["singular"][i]),
            "messages": tuple(record["messages"][i] or ()),
            "log_likelihood": float(record["log_likelihood"][i]),
            "evaluations": None
            if np.isnan(record["evaluations"][i])
            else int(record["evaluations"][i]),
            "seconds": float(record["seconds"][i]),
            "fixed_effects": parts[0][i],
            "sdcor": parts[1][i],
            "theta": parts[2][i],
        }
        for i in range(n)
    )


def _agreement(record: Mapping[str, Any] | None) -> Agreement:
    if record is None:
        return Agreement(())
    columns = (record[name] for name in ("kind", "names", "minimum", "maximum", "spread"))
    return Agreement(
        tuple(
            ParameterAgreement(kind, name, float(low), float(high), float(spread))
            for kind, name, low, high, spread in zip(*columns, strict=True)
        )
    )
