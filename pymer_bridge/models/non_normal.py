"""What generalized and nonlinear mixed models share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, overload

from pymer_bridge.models.hypotheses import labels_of
from pymer_bridge.models.mixed import MixedModel
from pymer_bridge.results import tests
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.decode import tests as decode_tests
from pymer_bridge.results.fixed_effects import FixedEffects
from pymer_bridge.results.summary import ModelSummary
from pymer_bridge.spec import options


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
