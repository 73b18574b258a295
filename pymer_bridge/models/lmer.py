"""Linear mixed models: `lmer()` and its class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, overload

from pymer_bridge.models.methods.emmeans import Emmeans
from pymer_bridge.models.methods.intervals import Intervals
from pymer_bridge.models.methods.testing import Robust, Testing
from pymer_bridge.models.mixed import MixedModel
from pymer_bridge.models.preparing import fit_model, fits
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.fixed_effects import FixedEffects
from pymer_bridge.results.summary import ModelSummary
from pymer_bridge.session import deadlines
from pymer_bridge.spec import options
from pymer_bridge.spec.controls import Control, check_control


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class LinearMixedModel(MixedModel, Testing, Robust, Intervals, Emmeans):
    """A linear mixed model fitted by R's ``lme4::lmer``; made by :func:`lmer`.

    Its attributes are those of :class:`pymer_bridge.MixedModel`.
    """

    @overload
    def fixed_effects(
        self, ddf: options.TestDdf | Literal["normal"] = "satterthwaite", conf_level: float = 0.95
    ) -> FixedEffects[float]: ...
    @overload
    def fixed_effects(self, ddf: options.Ddf, conf_level: float = 0.95) -> FixedEffects: ...
    def fixed_effects(
        self, ddf: options.Ddf = "satterthwaite", conf_level: float = 0.95
    ) -> FixedEffects:
        """Return the fixed effects with their tests and Wald intervals.

        Parameters
        ----------
        ddf
            "satterthwaite" (t tests with Satterthwaite's degrees of freedom, from lmerTest),
            "kenward-roger" (t tests with Kenward and Roger's degrees of freedom and standard
            errors, from lmerTest and pbkrtest), "normal" (z tests) or "none" (no test, as
            in lme4).
        conf_level
            The level of the intervals.

        Returns
        -------
        FixedEffects
            One row per term, in units of the response.

        Raises
        ------
        OptionError
            An argument is not accepted.
        REnvironmentError
            lmerTest or pbkrtest is needed and not installed.
        RError
            R cannot give these degrees of freedom, for example Kenward and Roger's for a fit
            by maximum likelihood.

        Notes
        -----
        R functions: ``coef(summary(fit))`` of lme4, and of lmerTest [1]_.

        References
        ----------
        .. [1] Kuznetsova, A., Brockhoff, P. B. and Christensen, R. H. B. (2017). lmerTest
           Package: Tests in Linear Mixed Effects Models. Journal of Statistical Software, 82(13).

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> round(fit.fixed_effects()["Days"].df, 3)
        17.0
        """
        ddf = options.one_of(ddf, options.Ddf, "ddf")
        level = options.check_level(conf_level)
        self._require(ddf)
        return self._ask(
            "fixed_effects", decode.fixed_effects, ddf, level, ddf=ddf, conf_level=level
        )

    def summary(self, ddf: options.SummaryDdf = "satterthwaite") -> ModelSummary:
        """Return R's summary; ``str()`` of it is R's printed text, to the character.

        Parameters
        ----------
        ddf
            "satterthwaite" or "kenward-roger" for lmerTest's summary, "none" for lme4's.

        Returns
        -------
        ModelSummary
            The text, and the figures in it at full precision.

        Raises
        ------
        OptionError
            ``ddf`` is not accepted: R prints no summary with normal tests.
        REnvironmentError
            lmerTest or pbkrtest is needed and not installed.
        RError
            R cannot give these degrees of freedom, for example Kenward and Roger's for a fit
            by maximum likelihood.

        Notes
        -----
        R function: ``summary`` of lmerTest or lme4.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> print(fit.summary(ddf="none").text.splitlines()[0])
        Linear mixed model fit by REML ['lmerMod']
        """
        ddf = options.one_of(ddf, options.SummaryDdf, "ddf")
        self._require(ddf)
        return ModelSummary(
            self._ask("summary_text", "\n".join, ddf=ddf),
            self.fixed_effects(ddf),
            self.variance_components,
            self.fit_statistics,
            self.rows_used,
        )

    def _estimates(self) -> FixedEffects:
        return self.fixed_effects("none")

    def _shown_effects(self) -> FixedEffects:
        # Satterthwaite's method takes up to twice as long as the fit: only what is there already.
        for key in reversed(list(self._kept)):
            if key[0] == "fixed_effects" and ("ddf", "none") not in key:
                kept: FixedEffects = self._kept[key]
                return kept
        return self._estimates()

    def _tested(self, ddf: str | None, conf_level: float) -> FixedEffects:
        chosen: Any = "satterthwaite" if ddf is None else ddf
        return self.fixed_effects(chosen, conf_level)

    def _means_ddf(self) -> tuple[options.MeansDdf, ...]:
        return get_args(options.MeansDdf)

    def _kind(self) -> str:
        by = "REML" if self.reml else "maximum likelihood"
        return f"Linear mixed model fit by {by}"


@fits("lmer")
@deadlines.timed
def lmer(
    formula: str,
    data: Any,
    *,
    reml: bool = True,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    contrasts: Mapping[str, Any] | None = None,
    hypotheses: Mapping[str, Any] | None = None,
    control: Control | None = None,
    na_action: options.NaAction = "omit",
    start: options.StartingValues | None = None,
    data_name: str | None = None,
    allow_functions: Sequence[str] = (),
    timeout: float | None = None,
) -> LinearMixedModel:
    """Fit a linear mixed model with R's lme4.

    Parameters
    ----------
    formula
        lme4's formula, such as ``"Reaction ~ Days + (Days | Subject)"``.
    data
        A pandas, polars or pyarrow frame. Only the columns that the formula names go to R.
    reml
        Restricted maximum likelihood (True) or maximum likelihood (False).
    weights
        Prior weights: a column's name, an expression of columns, or one number for each row; a
        Series goes to the rows of its labels.
    offset
        A known part of the linear predictor, in the same forms as ``weights``.
    subset
        Which rows to use: an expression of columns, such as ``"Days > 1"``, or a bool for each row.
    contrasts
        For each factor, the name of one of R's contrast functions ("contr.sum" ...) or a
        matrix of levels by contrasts; the rows of a frame go to the levels of their labels.
    hypotheses
        For each factor named comparisons, which its coefficients then are:
        ``{"group": {"a - b": {"a": 1, "b": -1}}}``, weights by level, of which others weigh 0. R's
        ``MASS::ginv`` makes the contrasts of them; where there are fewer than the levels less one,
        columns orthogonal to them follow ("rest1" ...), so that the means stay free.
    control
        Made by :func:`lmer_control`.
    na_action
        What happens to rows with missing values: "omit", "exclude" (residuals and fitted
        values then have NaN there), "fail" or "pass".
    start
        Starting values of theta: a number, several, or a mapping with R's "theta".
    data_name
        The name of the data in R's call and summary; by default the name that
        :func:`load_dataset` gave it, or "data".
    allow_functions
        Further functions that the formula may call.
    timeout
        The seconds that the call may take, including the wait for its turn in R; None for no
        limit. See "When things go wrong" in the documentation.

    Returns
    -------
    LinearMixedModel
        The fitted model. R's warnings and messages are on it, and raised as warnings.

    Raises
    ------
    FormulaError
        The formula cannot be parsed, or calls a function that is not allowed.
    DataConversionError
        A column is missing, or cannot be sent to R.
    OptionError
        An argument has a value that is not accepted.
    RError
        R stopped.
    REnvironmentError
        R or lme4 is missing.
    RTimeoutError
        It did not end within ``timeout``; R is ready for the next call.

    Notes
    -----
    R function: ``lme4::lmer`` [1]_.

    References
    ----------
    .. [1] Bates, D., Maechler, M., Bolker, B. and Walker, S. (2015). Fitting Linear
       Mixed-Effects Models Using lme4. Journal of Statistical Software, 67(1).

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> round(fit.fixed_effects(ddf="none")["Days"].estimate, 3)
    10.467
    """
    return fit_model(
        LinearMixedModel,
        "lmer",
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
        reml=options.flag(reml, "reml"),
        control=check_control(control, "lmerControl"),
        start=options.start_of_parts(start, ("theta",)),
    )
