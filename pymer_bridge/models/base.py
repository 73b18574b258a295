"""What every fitted model gives, mixed or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, Self, TypeVar

import pandas as pd

from pymer_bridge.r_script.journal import journal
from pymer_bridge.results import fixed_effects as results
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.matrix import NamedMatrix
from pymer_bridge.session import conditions, installation
from pymer_bridge.session.calls import Handle
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import options

T = TypeVar("T")


class Asking:
    """Something fitted that stays in R: asks for figures once, and keeps them."""

    __slots__ = ()

    _model: Handle
    _index: pd.Index
    _kept: dict[Any, Any]

    def __copy__(self) -> Self:
        """Return the model itself: it cannot change."""
        return self

    def __deepcopy__(self, memo: object) -> Self:
        """Return the model itself: it cannot change."""
        return self

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: the model lives in the R of this process."""
        self._model.__reduce__()

    def _ask(self, operation: str, read: Callable[..., T], *extra: Any, **arguments: Any) -> T:
        """Ask R once, read the answer, and keep it."""
        key = (operation, *arguments.items())
        if key not in self._kept:
            outcome = session().call(operation, model=self._model, **arguments)
            self._kept[key] = conditions.with_conditions(read(outcome.value, *extra), outcome)
            conditions.raise_warnings(outcome)
        noted = ("noted", *key)
        # Not where it is a part of something larger: then it may still be asked for itself.
        if noted not in self._kept and journal.note(
            operation, (self._model,), arguments, self._kept[key]
        ):
            self._kept[noted] = True
        kept: T = self._kept[key]
        return kept


class Fitted(Asking):
    """A fitted model."""

    __slots__ = ()

    def _require(self, ddf: str) -> None:
        """Load the R packages that a method of degrees of freedom needs."""
        for package in installation.DDF_PACKAGES.get(ddf, ()):
            session().require(package)

    @property
    def fit_statistics(self) -> results.FitStatistics:
        """Criterion, log-likelihood, deviance, AIC and BIC."""
        return self._ask("fit_statistics", decode.fit_statistics)

    @property
    def vcov(self) -> NamedMatrix:
        """Covariance matrix of the fixed effects (R: ``vcov``)."""
        return self._ask("fixed_covariance", decode.covariance_matrix)

    @property
    def model_matrix(self) -> NamedMatrix:
        """Design matrix of the fixed effects, rows by columns (R: ``getME(fit, "X")``)."""
        return self._ask("model_matrix", decode.design_matrix, self._index)

    @property
    def fitted(self) -> pd.Series[float]:
        """Fitted values on the data's own index (R: ``fitted``)."""
        return self._ask("fitted_values", decode.over_rows, self._index, "fitted").copy()

    def residuals(
        self, kind: options.ResidualKind = "response", *, scaled: bool = False
    ) -> pd.Series[float]:
        """Return the residuals on the data's own index.

        Parameters
        ----------
        kind
            "response", "pearson", "deviance" or "working".
        scaled
            Divide by the residual standard deviation.

        Returns
        -------
        pandas.Series
            One value an observation; NaN for dropped rows under ``na_action="exclude"``.

        Raises
        ------
        OptionError
            ``kind`` is not accepted.

        Notes
        -----
        R function: ``residuals(fit, type=, scaled=)``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> len(fit.residuals())
        180
        """
        options.one_of(kind, options.ResidualKind, "kind")
        return self._ask(
            "model_residuals",
            decode.over_rows,
            self._index,
            "residual",
            kind=kind,
            scaled=options.flag(scaled, "scaled"),
        ).copy()
