"""The base of all fitted mixed models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

from pymer_bridge.display import apa
from pymer_bridge.errors import REnvironmentError, RError
from pymer_bridge.models.coding import Coded
from pymer_bridge.models.methods.diagnostics import Diagnostics
from pymer_bridge.models.methods.export import Tidying
from pymer_bridge.models.methods.icc_r2 import Shares
from pymer_bridge.models.methods.pictures import Pictures
from pymer_bridge.models.methods.refitting import MixedRefitting
from pymer_bridge.models.methods.testing import labels_of
from pymer_bridge.models.pilot import Designing
from pymer_bridge.results import tests
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.decode import tests as decode_tests
from pymer_bridge.results.fixed_effects import FixedEffects
from pymer_bridge.results.summary import ModelSummary
from pymer_bridge.results.variances import random_part
from pymer_bridge.spec import options
from pymer_bridge.spec.names import Labels


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class MixedModel(MixedRefitting, Coded, Designing, Shares, Diagnostics, Pictures, Tidying):
    """A fitted mixed model; its figures stay in R until they are asked for, and are then kept.

    Attributes
    ----------
    formula
        The formula, in R's spelling.
    n_obs
        The number of observations used.
    n_groups
        The number of levels of each grouping factor.
    sigma
        The residual standard deviation.
    reml
        Fitted by restricted maximum likelihood?
    dropped_columns
        Columns of the design that R dropped because they depend on others.
    dropped_rows
        Labels, in the data's index, of the rows that ``na_action`` dropped.
    warnings, messages
        R's warnings and messages during the fit.
    spec
        The specification: what was asked for.
    columns
        The columns of the data that went to R.
    """

    def _random_names(self) -> tuple[str, ...]:
        rows = self.variance_components.rows
        return (*(row.group for row in rows), *(row.term for row in rows if row.term is not None))

    def _random_said(self, labels: Labels) -> tuple[str, ...]:
        return (random_part(self.variance_components, labels), *self._effect_sizes())

    def _effect_sizes(self) -> tuple[str, ...]:
        """Return R squared and the intraclass correlation, where R can give them."""
        try:
            found = self.r2(), self.icc()
        except (REnvironmentError, RError) as error:
            return (f"Effect sizes left out: {str(error).splitlines()[0].rstrip('.')}",)
        shares, between = found
        named = {
            "marginal R² =": shares.marginal,
            "conditional R² =": shares.conditional,
            "adjusted ICC =": between.adjusted,
        }
        said = [f"{name} {apa.share(value)}" for name, value in named.items() if value is not None]
        return (f"Effect sizes: {', '.join(said) or 'none, as the fit is singular'}",)


class NonNormal(MixedModel):
    """What generalized and nonlinear mixed models share."""

    __slots__ = ()

    @overload
    def fixed_effects(
        self, ddf: Literal["normal"] = "normal", conf_level: float = 0.95
    ) -> FixedEffects[float]: ...
    @overload
    def fixed_effects(self, ddf: options.NormalDdf, conf_level: float = 0.95) -> FixedEffects: ...
    def fixed_effects(
        self, ddf: options.NormalDdf = "normal", conf_level: float = 0.95
    ) -> FixedEffects:
        """Return the fixed effects with normal tests and Wald intervals.

        Parameters
        ----------
        ddf
            "normal" (tests and intervals by the normal distribution) or "none" (no test).
        conf_level
            The level of the intervals.

        Returns
        -------
        FixedEffects
            One row per term, on the scale of the linear predictor (of the parameters, for a
            nonlinear model).

        Raises
        ------
        OptionError
            An argument is not accepted.

        Notes
        -----
        R function: ``coef(summary(fit))`` of lme4. There are no degrees of freedom.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
        >>> fit = pb.glmer(formula, pb.load_dataset("cbpp"), family="binomial")
        >>> fit.fixed_effects()["period2"].p_value < 0.01
        True
        """
        ddf = options.one_of(ddf, options.NormalDdf, "ddf")
        level = options.check_level(conf_level)
        return self._ask(
            "fixed_effects", decode.fixed_effects, ddf, level, ddf=ddf, conf_level=level
        )

    def _tested(self, ddf: str | None, conf_level: float) -> FixedEffects:
        chosen: Any = "normal" if ddf is None else ddf
        return self.fixed_effects(chosen, conf_level)

    def _estimates(self) -> FixedEffects:
        return self.fixed_effects("normal")

    def summary(self) -> ModelSummary:
        """Return R's summary; ``str()`` of it is R's printed text, to the character.

        Returns
        -------
        ModelSummary
            The text, and the figures in it at full precision.

        Notes
        -----
        R function: ``summary`` of lme4.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
        >>> fit = pb.glmer(formula, pb.load_dataset("cbpp"), family="binomial")
        >>> "Family: binomial" in str(fit.summary())
        True
        """
        return ModelSummary(
            self._ask("summary_text", "\n".join, ddf="none"),
            self.fixed_effects("normal"),
            self.variance_components,
            self.fit_statistics,
            self.rows_used,
        )

    def anova(self) -> tests.FTests:
        """Return lme4's sequential table of F values, which has no p-values.

        Returns
        -------
        FTests
            One row per term.

        Notes
        -----
        R function: ``anova`` of lme4. For tests see :meth:`drop1` and
        :func:`pymer_bridge.anova`.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
        >>> fit = pb.glmer(formula, pb.load_dataset("cbpp"), family="binomial")
        >>> fit.anova()["period"].df1
        3.0
        """
        return self._ask("anova_one", decode_tests.f_tests, "none", type="I", ddf="none")

    def drop1(self, scope: Sequence[str] | str | None = None) -> tests.LikelihoodRatioTests:
        """Test each term that can be dropped by a likelihood ratio.

        Parameters
        ----------
        scope
            Names of terms; by default all that can be dropped.

        Returns
        -------
        LikelihoodRatioTests
            One row for the model as it is ("<none>"), then one per term.

        Raises
        ------
        RError
            A name is not a term of the model.

        Notes
        -----
        R function: ``drop1(fit, test = "Chisq")`` of lme4.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
        >>> fit = pb.glmer(formula, pb.load_dataset("cbpp"), family="binomial")
        >>> fit.drop1()["period"].p_value < 0.001
        True
        """
        chosen: Any = None if scope is None else labels_of(self, scope, "scope")
        return self._ask("drop_one_by_ratio", decode_tests.ratio_tests, scope=chosen)
