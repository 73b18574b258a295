"""Models without random effects: where a course on mixed models starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import pandas as pd

from pymer_bridge.data import frames
from pymer_bridge.display import notebook
from pymer_bridge.models.fitting import dropped_rows, fit_model, shared_fields
from pymer_bridge.models.methods.effects import PredictorEffects
from pymer_bridge.models.methods.export import Saving, Scripting
from pymer_bridge.models.methods.linear_prediction import LinearPredicting
from pymer_bridge.models.methods.refitting import Updating
from pymer_bridge.models.methods.reporting import sentence
from pymer_bridge.results import fixed_effects as results
from pymer_bridge.results.decode import record as decode
from pymer_bridge.session import deadlines
from pymer_bridge.session.calls import Handle, Outcome
from pymer_bridge.spec import options
from pymer_bridge.spec.families import Family, FamilyName, LinkName, family_of
from pymer_bridge.spec.model_spec import ModelSpec


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LinearModel(Updating, Saving, LinearPredicting, PredictorEffects, Scripting):
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

    formula: str
    n_obs: int
    sigma: float
    dropped_rows: tuple[Any, ...]
    warnings: tuple[str, ...]
    messages: tuple[str, ...]
    spec: ModelSpec
    columns: tuple[str, ...]
    _model: Handle
    _index: pd.Index
    _kept: dict[Any, Any] = field(default_factory=dict)

    @classmethod
    def _of(
        cls, outcome: Outcome, asked: ModelSpec, frame: frames.AnyFrame, **further: Any
    ) -> Self:
        facts = outcome.value["facts"]
        return cls(
            sigma=decode.number(facts, "sigma"),
            dropped_rows=dropped_rows(facts, frame),
            **shared_fields(outcome, asked, frame),
            **further,
        )

    def _fit_again(self, formula: str, data: Any, arguments: Mapping[str, Any]) -> LinearModel:
        return lm(formula, data, **arguments)

    def fixed_effects(self, conf_level: float = 0.95) -> results.FixedEffects:
        """Return the coefficients with their tests and intervals.

        Parameters
        ----------
        conf_level
            The level of the intervals.

        Returns
        -------
        FixedEffects
            One row a term, on the scale of the linear predictor; a coefficient that cannot be
            estimated has no row, as in R's summary.

        Raises
        ------
        OptionError
            ``conf_level`` is not accepted.

        Notes
        -----
        R functions: ``coef(summary(fit))`` and ``confint``. Of a generalized linear model the
        intervals are by the profile likelihood, and tests are normal where the family fixes the
        dispersion.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lm("Reaction ~ Days", pb.load_dataset("sleepstudy"))
        >>> fit.fixed_effects()["Days"].df
        178.0
        """
        level = options.check_level(conf_level)
        return self._ask("linear_effects", decode.linear_effects, level, conf_level=level)

    def report(self, term: str, *, interval: bool = False, conf_level: float = 0.95) -> str:
        """Return one coefficient in a line, as papers write it.

        Parameters
        ----------
        term
            The name of a coefficient.
        interval
            Say the confidence interval as well?
        conf_level
            Its level.

        Returns
        -------
        str
            As that of :meth:`pymer_bridge.LinearMixedModel.report`.

        Raises
        ------
        KeyError
            The model has no such coefficient.
        OptionError
            An argument is not accepted.

        Notes
        -----
        The figures are those of :meth:`fixed_effects`.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> pb.lm("Reaction ~ Days", pb.load_dataset("sleepstudy")).report("Days")
        'b = 10.47, SE = 1.24, t(178) = 8.45, p < .001'
        """
        effects = self.fixed_effects(conf_level)
        return sentence(effects, term, interval=options.flag(interval, "interval"))

    def summary(self) -> str:
        """Return R's printed summary.

        Returns
        -------
        str
            What R prints.

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

    def _kind(self) -> str:
        return "Linear model"

    @property
    def heading(self) -> str:
        """What was fitted, and to what: three lines of text."""
        return f"{self._kind()}\nFormula: {self.formula}\nObservations: {self.n_obs}"

    def __str__(self) -> str:
        """Return the model in two short tables."""
        return f"{self.heading}\n\n{self.fixed_effects()}\n\n{self.fit_statistics}"

    def __repr__(self) -> str:
        """Return the model in one line."""
        return f"<{type(self).__name__} {self.formula!r}, {self.n_obs} observations>"

    def _repr_html_(self) -> str:
        tables = [self.fixed_effects()._table(), self.fit_statistics._one_row()]
        said = [f"R: {text}" for text in (*self.messages, *self.warnings)]
        return notebook.block(self.heading, said, tables)


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

    @classmethod
    def _of(
        cls, outcome: Outcome, asked: ModelSpec, frame: frames.AnyFrame, **further: Any
    ) -> Self:
        facts = outcome.value["facts"]
        return super(GeneralizedLinearModel, cls)._of(
            outcome,
            asked,
            frame,
            family=decode.text(facts, "family"),
            link=decode.text(facts, "link"),
            **further,
        )

    def _fit_again(
        self, formula: str, data: Any, arguments: Mapping[str, Any]
    ) -> GeneralizedLinearModel:
        return glm(formula, data, **arguments)

    def _kind(self) -> str:
        return f"Generalized linear model\nFamily: {self.family} ({self.link})"


@deadlines.timed
def lm(
    formula: str,
    data: Any,
    *,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    contrasts: Mapping[str, Any] | None = None,
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
    data, weights, offset, subset, contrasts, na_action, data_name, allow_functions
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
        na_action=na_action,
        data_name=data_name,
        allow_functions=allow_functions,
    )


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
    weights, offset, subset, contrasts, na_action, data_name, allow_functions
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
        na_action=na_action,
        data_name=data_name,
        allow_functions=allow_functions,
    )
