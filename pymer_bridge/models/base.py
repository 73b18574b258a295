"""The base of all fitted models, mixed or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import pandas as pd

from pymer_bridge.data import frames
from pymer_bridge.errors import OptionError
from pymer_bridge.models.r_model import RModel
from pymer_bridge.results.contrasts import Contrasts
from pymer_bridge.results.decode import internals
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.fit_statistics import FitStatistics
from pymer_bridge.results.fixed_effects import FixedEffects, exponentials, listed_effects, sentence
from pymer_bridge.results.intervals import Intervals
from pymer_bridge.results.matrix import NamedMatrix
from pymer_bridge.spec import options
from pymer_bridge.spec.model_spec import ModelSpec
from pymer_bridge.spec.names import Labels


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Fitted(RModel):
    """A fitted model.

    Attributes
    ----------
    sigma
        The residual standard deviation.
    dropped_rows
        Labels, in the data's index, of the rows that ``na_action`` dropped.
    """

    sigma: float
    dropped_rows: tuple[Any, ...]

    @classmethod
    def _of(
        cls, record: Mapping[str, Any], asked: ModelSpec, frame: frames.AnyFrame, **further: Any
    ) -> Self:
        dropped = record["facts"]["dropped_rows"]
        rows = () if dropped is None else tuple(frame.index[dropped - 1])
        return super(Fitted, cls)._of(record, asked, frame, dropped_rows=rows, **further)

    # What differs between kinds of models: each is overridden in the class of that kind, or in the
    # family of methods that has it.

    def fixed_effects(self, *arguments: Any, **named: Any) -> FixedEffects:
        """Return the fixed effects."""
        raise NotImplementedError

    def _tested(self, ddf: str | None, conf_level: float) -> FixedEffects:
        """Return the fixed effects with tests; by the method that is usual where ddf is None."""
        raise NotImplementedError

    def _estimates(self) -> FixedEffects:
        """Return the fixed effects as R's own summary shows them."""
        raise NotImplementedError

    def _means_ddf(self) -> tuple[options.MeansDdf, ...]:
        """Return the degrees of freedom that marginal means can have, emmeans' default first.

        There are none where emmeans takes R's own.
        """
        return ("asymptotic",)

    def _bootstrap_intervals(
        self, *, parameters: Sequence[str] | None = None, **how: Any
    ) -> Intervals:
        """Return bootstrap intervals of all parameters."""
        raise OptionError('conf_method="boot" is not available for this kind of model')

    def _shown_effects(self) -> FixedEffects:
        """Return the fixed effects that show the model: tests where they cost nothing."""
        return self._estimates()

    def _terms(self) -> tuple[str, ...]:
        """Return the names of the fixed effects."""
        return tuple(row.term for row in self._estimates().rows)

    @property
    def fit_statistics(self) -> FitStatistics:
        """Criterion, log-likelihood, deviance, AIC and BIC."""
        return self._ask("fit_statistics", decode.fit_statistics)

    @property
    def vcov(self) -> NamedMatrix:
        """Covariance matrix of the fixed effects (R: ``vcov``)."""
        return self._ask("fixed_covariance", decode.covariance_matrix)

    @property
    def contrasts(self) -> Contrasts:
        """How each factor of the fixed effects is coded: levels by columns (R: ``contrasts``)."""
        return self._ask("factor_codings", internals.contrasts)

    @property
    def model_matrix(self) -> NamedMatrix:
        """Design matrix of the fixed effects, rows by columns (R: ``getME(fit, "X")``)."""
        return self._ask("model_matrix", decode.design_matrix, self._index)

    @property
    def fitted(self) -> pd.Series[float]:
        """Fitted values on the data's own index (R: ``fitted``)."""
        return self._ask("fitted_values", decode.over_rows, self._index, "fitted").copy()

    def residuals(
        self, kind: options.ResidualKind | None = None, *, scaled: bool = False
    ) -> pd.Series[float]:
        """Return the residuals on the data's own index.

        Parameters
        ----------
        kind
            "response", "pearson", "deviance" or "working"; by default, as in R, "deviance" for a
            generalized model and "response" for the others.
        scaled
            Divide by the residual standard deviation.

        Returns
        -------
        pandas.Series
            One value per observation; NaN for dropped rows under ``na_action="exclude"``.

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
        if kind is not None:
            kind = options.one_of(kind, options.ResidualKind, "kind")
        return self._ask(
            "model_residuals",
            decode.over_rows,
            self._index,
            "residual",
            kind=kind,
            scaled=options.flag(scaled, "scaled"),
        ).copy()

    def report(
        self,
        term: str | None = None,
        ddf: options.Ddf | None = None,
        *,
        interval: bool = False,
        conf_level: float = 0.95,
        exponentiate: bool = False,
        labels: Mapping[str, str] | None = None,
        effects: FixedEffects | None = None,
    ) -> str:
        """Return one coefficient in a line, or the whole model in a paragraph, for a paper.

        Parameters
        ----------
        term
            A fixed effect; None for all of them, with the random part and effect sizes (marginal
            and conditional R squared, and the intraclass correlation; of a linear model R squared).
        ddf
            Degrees of freedom, as for ``fixed_effects()``; None for its default.
        interval
            Add the confidence interval? A paragraph always has it.
        conf_level
            Its level.
        exponentiate
            Give exponentials of the estimate and of the ends of its interval (odds ratios, where
            the link is the logit), and the standard error by the delta method?
        labels
            Labels of terms and grouping factors in the paragraph; a line begins with its label.
        effects
            The fixed effects to report, such as ``fit.robust()``; the model's own by default.

        Returns
        -------
        str
            Estimate, standard error, test and p-value, rounded by APA's rules: two decimals, or
            as many as show the standard error to two digits; p-values with three, from .001 to
            .999; no leading zero if a figure cannot exceed 1.

        Raises
        ------
        UnknownNameError
            The model has no such term.
        OptionError
            An argument is not accepted.

        Notes
        -----
        The figures are those of ``fixed_effects()``. A test without degrees of freedom
        (``ddf="none"``) has no p-value.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> fit.report("Days")
        'b = 10.47, SE = 1.55, t(17.00) = 6.77, p < .001'
        """
        effects = effects or self._tested(ddf, options.check_level(conf_level))
        effects = exponentials(effects) if options.flag(exponentiate, "exponentiate") else effects
        said = Labels(labels, [*(row.term for row in effects), *self._random_names()])
        if term is not None:
            line = sentence(effects, term, interval=options.flag(interval, "interval"))
            return f"{said(term)}: {line}" if said(term) != term else line
        heading = ", ".join(self._kind().splitlines())
        groups = f", groups: {self._groups()}" if self._groups() else ""
        used = f"{self.n_obs} of {len(self._index)} rows{groups}"
        parts = [f"{heading}: {self.formula} ({used})", listed_effects(effects, said)]
        return ". ".join([*parts, *self._random_said(said)]) + "."

    def _random_names(self) -> tuple[str, ...]:
        """Return the names that the random part of a report has."""
        return ()

    def _random_said(self, labels: Labels) -> tuple[str, ...]:
        """Return what a report says of the random part, and of effect sizes."""
        return ()
