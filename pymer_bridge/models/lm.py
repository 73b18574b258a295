"""Models without random effects: linear and generalized linear models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymer_bridge.display import apa
from pymer_bridge.errors import OptionError, shown
from pymer_bridge.models.methods.emmeans import Emmeans
from pymer_bridge.models.methods.export import LinearTidying
from pymer_bridge.models.methods.linear import LinearDiagnostics, LinearIntervals, LinearTesting
from pymer_bridge.models.methods.pictures import Pictures
from pymer_bridge.models.methods.prediction import LinearPrediction
from pymer_bridge.models.methods.refitting import Refitting
from pymer_bridge.models.methods.testing import Robust
from pymer_bridge.models.preparing import fit_model, fits
from pymer_bridge.results.base import Result
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.fixed_effects import FixedEffects
from pymer_bridge.session import deadlines
from pymer_bridge.spec import options
from pymer_bridge.spec.families import Family, FamilyName, LinkName, family_of
from pymer_bridge.spec.names import Labels


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class LinearModel(
    Refitting,
    LinearPrediction,
    LinearTesting,
    Robust,
    LinearIntervals,
    LinearDiagnostics,
    Emmeans,
    Pictures,
    LinearTidying,
):
    """A linear model fitted by R's ``lm``; made by :func:`lm`.

    Attributes
    ----------
    formula
        The formula, in R's spelling.
    n_obs
        The number of observations used.
    sigma
        The residual standard deviation.
    dropped_rows
        Labels, in the data's index, of the rows that ``na_action`` dropped.
    warnings, messages
        What R warned of and said during the fit.
    spec
        What was asked for.
    columns
        The columns of the data that went to R.
    """

    def fixed_effects(self, conf_level: float = 0.95) -> FixedEffects[float]:
        """Return the coefficients with their tests and intervals.

        Parameters
        ----------
        conf_level
            The level of the intervals.

        Returns
        -------
        FixedEffects
            One row per term, on the scale of the linear predictor; a coefficient that cannot be
            estimated has no row, as in R's summary.

        Raises
        ------
        OptionError
            ``conf_level`` is not accepted.

        Notes
        -----
        R functions: ``coef(summary(fit))`` and ``confint``. For a generalized linear model
        the intervals come from the profile likelihood, and tests are normal if the family fixes
        the dispersion.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lm("Reaction ~ Days", pb.load_dataset("sleepstudy"))
        >>> fit.fixed_effects()["Days"].df
        178.0
        """
        level = options.check_level(conf_level)
        return self._ask("linear_effects", decode.linear_effects, level, conf_level=level)

    def _tested(self, ddf: str | None, conf_level: float) -> FixedEffects:
        if ddf is not None:
            raise OptionError(
                f"ddf={shown(ddf)} goes with mixed models; this one has R's own tests"
            )
        return self.fixed_effects(conf_level)

    def _estimates(self) -> FixedEffects:
        return self.fixed_effects()

    def _means_ddf(self) -> tuple[options.MeansDdf, ...]:
        return ()

    def summary(self) -> str:
        """Return R's printed summary.

        Returns
        -------
        str
            The text that R prints.

        Notes
        -----
        R function: ``summary`` of an ``lm``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lm("Reaction ~ Days", pb.load_dataset("sleepstudy"))
        >>> "Multiple R-squared" in fit.summary()
        True
        """
        return self._ask("linear_summary_text", "\n".join)

    def _random_said(self, labels: Labels) -> tuple[str, ...]:
        found = self.r2()
        return (f"R² = {apa.share(found.r_squared)}, adjusted R² = {apa.share(found.adjusted)}",)

    def _kind(self) -> str:
        return "Linear model"

    def _parts(self) -> tuple[Result, ...]:
        return (self._shown_effects(), self.fit_statistics)


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class GeneralizedLinearModel(LinearModel):
    """A generalized linear model fitted by R's ``glm``; made by :func:`glm`.

    Its attributes are those of :class:`LinearModel`, and these.

    Attributes
    ----------
    family
        The family, as R names it.
    link
        The link.
    """

    family: str
    link: str

    def _random_said(self, labels: Labels) -> tuple[str, ...]:
        return ()

    def _kind(self) -> str:
        return f"Generalized linear model\nFamily: {self.family} ({self.link})"


@fits("lm")
@deadlines.timed
def lm(
    formula: str,
    data: Any,
    *,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    contrasts: Mapping[str, Any] | None = None,
    hypotheses: Mapping[str, Any] | None = None,
    na_action: options.NaAction = "omit",
    data_name: str | None = None,
    allow_functions: Sequence[str] = (),
    timeout: float | None = None,
) -> LinearModel:
    """Fit a linear model with R's ``lm``: complete pooling, or none with a factor for the groups.

    Parameters
    ----------
    formula
        R's formula, such as ``"Reaction ~ Days"``.
    data, weights, offset, subset, contrasts, hypotheses, na_action, data_name, allow_functions
        As for :func:`pymer_bridge.lmer`.
    timeout
        As for :func:`pymer_bridge.lmer`.

    Returns
    -------
    LinearModel
        The fitted model, which :func:`pymer_bridge.anova` compares with mixed ones.

    Raises
    ------
    FormulaError, DataConversionError, OptionError, RError
        As for :func:`pymer_bridge.lmer`.
    RTimeoutError
        It did not end within ``timeout``; R is ready for the next call.

    Notes
    -----
    R function: ``stats::lm``.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lm("Reaction ~ Days", pb.load_dataset("sleepstudy"))
    >>> round(fit.sigma, 2)
    47.71
    """
    return fit_model(
        LinearModel,
        "lm",
        formula,
        data,
        weights=weights,
        offset=offset,
        subset=subset,
        contrasts=contrasts,
        hypotheses=hypotheses,
        na_action=na_action,
        data_name=data_name,
        allow_functions=allow_functions,
    )


@fits("glm")
@deadlines.timed
def glm(
    formula: str,
    data: Any,
    *,
    family: FamilyName | Family,
    link: LinkName | None = None,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    contrasts: Mapping[str, Any] | None = None,
    hypotheses: Mapping[str, Any] | None = None,
    na_action: options.NaAction = "omit",
    data_name: str | None = None,
    allow_functions: Sequence[str] = (),
    timeout: float | None = None,
) -> GeneralizedLinearModel:
    """Fit a generalized linear model with R's ``glm``: no grouping, or a factor for the groups.

    Parameters
    ----------
    formula
        R's formula, such as ``"TICKS ~ YEAR + HEIGHT"``.
    data
        As for :func:`pymer_bridge.lmer`.
    family, link
        As for :func:`pymer_bridge.glmer`, and "quasi", "quasibinomial", "quasipoisson".
    weights, offset, subset, contrasts, hypotheses, na_action, data_name, allow_functions
        As for :func:`pymer_bridge.lmer`.
    timeout
        As for :func:`pymer_bridge.lmer`.

    Returns
    -------
    GeneralizedLinearModel
        The fitted model, which :func:`pymer_bridge.anova` compares with mixed ones.

    Raises
    ------
    FormulaError, DataConversionError, OptionError, RError
        As for :func:`pymer_bridge.lmer`.
    RTimeoutError
        It did not end within ``timeout``; R is ready for the next call.

    Notes
    -----
    R function: ``stats::glm``.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.glm("TICKS ~ YEAR", pb.load_dataset("grouseticks"), family="poisson")
    >>> fit.fixed_effects()["YEAR96"].p_value < 0.001
    True
    """
    return fit_model(
        GeneralizedLinearModel,
        "glm",
        formula,
        data,
        family=family_of(family, link, mixed=False),
        weights=weights,
        offset=offset,
        subset=subset,
        contrasts=contrasts,
        hypotheses=hypotheses,
        na_action=na_action,
        data_name=data_name,
        allow_functions=allow_functions,
    )
