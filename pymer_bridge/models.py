"""Fitting, and the classes of fitted models; they ask R and pass on what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from pymer_bridge import decode, frames, notices
from pymer_bridge import spec as options
from pymer_bridge.errors import FormulaError, OptionError, RError
from pymer_bridge.inference import Inference
from pymer_bridge.results import fit as results
from pymer_bridge.results.base import Result
from pymer_bridge.rsession import Condition, Handle, Outcome, session
from pymer_bridge.tables import Table

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LinearMixedModel(Inference):
    """A linear mixed model fitted by R's ``lme4::lmer``; made by :func:`lmer`.

    The figures stay in R until they are asked for, and are then kept.

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
    singular
        Is the fit singular?
    dropped_columns
        Columns of the design that R dropped because they depend on others.
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
    n_groups: Mapping[str, int]
    sigma: float
    reml: bool
    singular: bool
    dropped_columns: tuple[str, ...]
    dropped_rows: tuple[Any, ...]
    warnings: tuple[str, ...]
    messages: tuple[str, ...]
    spec: options.ModelSpec
    columns: tuple[str, ...]
    _model: Handle
    _index: pd.Index
    _kept: dict[Any, Any] = field(default_factory=dict)

    def _ask(self, operation: str, read: Callable[..., T], *extra: Any, **arguments: Any) -> T:
        """Ask R once, read the answer, and keep it."""
        key = (operation, *arguments.items())
        if key not in self._kept:
            outcome = session().call(operation, model=self._model, **arguments)
            notices.raise_warnings(outcome)
            self._kept[key] = read(outcome.value, *extra)
        kept: T = self._kept[key]
        return kept

    def fixed_effects(
        self, ddf: options.Ddf = "satterthwaite", conf_level: float = 0.95
    ) -> results.FixedEffects:
        """Return the fixed effects with their tests and Wald intervals.

        Parameters
        ----------
        ddf
            "satterthwaite" (t tests with Satterthwaite's degrees of freedom, from lmerTest),
            "kenward-roger" (t tests with Kenward and Roger's degrees of freedom and standard
            errors, from lmerTest and pbkrtest), "normal" (z tests) or "none" (no test, as
            lme4 gives).
        conf_level
            The level of the intervals.

        Returns
        -------
        FixedEffects
            One row a term, in units of the response.

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
        options.one_of(ddf, options.Ddf, "ddf")
        level = options.check_level(conf_level)
        self._require(ddf)
        return self._ask(
            "fixed_effects", decode.fixed_effects, ddf, level, ddf=ddf, conf_level=level
        )

    @property
    def variance_components(self) -> results.VarianceComponents:
        """Variances, standard deviations and correlations (R: ``VarCorr``)."""
        return self._ask("variance_components", decode.variance_components)

    @property
    def random_effects(self) -> results.RandomEffects:
        """Conditional modes with standard deviations (R: ``ranef(condVar=TRUE)``)."""
        return self._ask("random_effects", decode.random_effects)

    @property
    def group_coefficients(self) -> results.GroupCoefficients:
        """Fixed plus random effects for each group (R: ``coef``)."""
        return self._ask("group_coefficients", decode.group_coefficients)

    @property
    def fit_statistics(self) -> results.FitStatistics:
        """Criterion, log-likelihood, deviance, AIC and BIC."""
        return self._ask("fit_statistics", decode.fit_statistics)

    @property
    def convergence(self) -> results.Convergence:
        """How the optimizer ended, and what was said of it."""
        return self._ask("convergence", decode.convergence)

    @property
    def vcov(self) -> results.NamedMatrix:
        """Covariance matrix of the fixed effects (R: ``vcov``)."""
        return self._ask("fixed_covariance", decode.covariance_matrix)

    @property
    def model_matrix(self) -> results.NamedMatrix:
        """Design matrix of the fixed effects, rows by columns (R: ``getME(fit, "X")``)."""
        return self._ask("model_matrix", decode.design_matrix)

    @property
    def scaled_residual_quantiles(self) -> tuple[float, ...]:
        """Minimum, quartiles and maximum of the scaled residuals, as R's summary prints them."""
        return self._ask("scaled_residual_quantiles", lambda values: tuple(values.tolist()))

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
            "model_residuals", decode.over_rows, self._index, "residual", kind=kind,
            scaled=bool(scaled),
        ).copy()  # fmt: skip

    def summary(self, ddf: options.SummaryDdf = "satterthwaite") -> results.ModelSummary:
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
        options.one_of(ddf, options.SummaryDdf, "ddf")
        self._require(ddf)
        return results.ModelSummary(
            self._ask("summary_text", "\n".join, ddf=ddf),
            self.fixed_effects(ddf),
            self.variance_components,
            self.fit_statistics,
        )

    def _terms(self) -> tuple[str, ...]:
        return tuple(row.term for row in self.fixed_effects("none").rows)

    def _parts(self) -> tuple[Result, ...]:
        return (self.variance_components, self.fixed_effects("none"), self.fit_statistics)

    def _heading(self) -> str:
        by = "REML" if self.reml else "maximum likelihood"
        groups = ", ".join(f"{name} {count}" for name, count in self.n_groups.items())
        return (
            f"Linear mixed model fit by {by}\nFormula: {self.formula}\n"
            f"Observations: {self.n_obs}, groups: {groups}"
        )

    def __str__(self) -> str:
        """Return the model in a few short tables."""
        return "\n\n".join([self._heading(), *map(str, self._parts())])

    def __repr__(self) -> str:
        """Return the model in one line."""
        return f"<LinearMixedModel {self.formula!r}, {self.n_obs} observations>"

    def _repr_html_(self) -> str:
        heading = Table((), (), notes=tuple(self._heading().splitlines())).to_html()
        return "\n".join([heading, *(part._repr_html_() for part in self._parts())])


def _needed_columns(
    formula: str, others: Mapping[str, Any], names: Sequence[str], allowed: Sequence[str]
) -> set[str]:
    """Ask R which columns the formula and the other texts name, and check what they call."""
    needed: set[str] = set()
    texts = {"formula": formula, **{k: v for k, v in others.items() if isinstance(v, str)}}
    for what, given in texts.items():
        needed.update(check_text(given, what, names, allowed))
    return needed


def check_text(
    given: str, what: str, names: Sequence[str], allowed: Sequence[str]
) -> tuple[str, ...]:
    """Have R read a formula or another expression, and name the columns that it needs.

    Raises
    ------
    FormulaError
        It cannot be read, is no formula where one is wanted, or calls what it may not.
    DataConversionError
        It names a column that is not there.
    """
    if not isinstance(given, str):
        raise FormulaError(f"the {what} must be a string, not {type(given).__name__}")
    try:
        described = session().call("describe_expression", text=given).value
    except RError as error:
        raise FormulaError(f"R cannot read the {what} {given!r}: {error.message}") from error
    if what == "formula" and not decode.flag(described, "has_response"):
        raise FormulaError(
            f"{given!r} is not a formula with a response, as in 'y ~ x + (1 | group)'"
        )
    return options.check_expression(given, described, names, allowed, what)


def _vector_or_text(given: Any, n_rows: int, argument: str, dtype: Any = np.float64) -> Any:
    if given is None or isinstance(given, str):
        return given
    return options.row_vector(given, n_rows, argument, dtype)


def lmer(
    formula: str,
    data: Any,
    *,
    reml: bool = True,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    contrasts: Mapping[str, Any] | None = None,
    control: options.Control | None = None,
    na_action: options.NaAction = "omit",
    start: Sequence[float] | None = None,
    data_name: str | None = None,
    allow_functions: Sequence[str] = (),
) -> LinearMixedModel:
    """Fit a linear mixed model with R's lme4.

    Parameters
    ----------
    formula
        lme4's formula, such as ``"Reaction ~ Days + (Days | Subject)"``.
    data
        A pandas, polars or pyarrow frame. Only the columns that are named cross into R.
    reml
        Restricted maximum likelihood (True) or maximum likelihood (False).
    weights
        Prior weights: a column's name, an expression of columns, or one number a row.
    offset
        A known part of the linear predictor, given likewise.
    subset
        Which rows to use: an expression of columns, such as ``"Days > 1"``, or one bool a row.
    contrasts
        For each factor, the name of one of R's contrast functions ("contr.sum" ...) or a
        matrix of levels by contrasts.
    control
        Made by :func:`lmer_control`.
    na_action
        What happens to rows with missing values: "omit", "exclude" (residuals and fitted
        values then have NaN there), "fail" or "pass".
    start
        Starting values of theta.
    data_name
        The name of the data in R's call and summary; by default the name that
        :func:`load_dataset` gave it, or "data".
    allow_functions
        Further functions that the formula may call.

    Returns
    -------
    LinearMixedModel
        The fitted model. R's warnings and messages are on it, and raised as warnings.

    Raises
    ------
    FormulaError
        The formula cannot be read, or calls a function that it may not.
    DataConversionError
        A column is missing, or cannot be taken to R.
    OptionError
        An argument has a value that is not accepted.
    RError
        R stopped.
    REnvironmentError
        R or lme4 is missing.

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
    options.one_of(na_action, options.NaAction, "na_action")
    if control is not None and not isinstance(control, options.Control):
        raise OptionError("control must be made by lmer_control()")
    table = frames.as_pandas(data)
    names = frames.column_names(table)
    chosen_name = data_name or str(table.attrs.get("name", "data"))
    n_rows = len(table)
    extras = {
        "weights": _vector_or_text(weights, n_rows, "weights"),
        "offset": _vector_or_text(offset, n_rows, "offset"),
        "subset": _vector_or_text(subset, n_rows, "subset", np.bool_),
    }
    session().require("lme4")
    needed = _needed_columns(formula, extras, names, allow_functions)
    asked = options.ModelSpec(
        formula=formula,
        data_name=options.check_data_name(chosen_name),
        reml=bool(reml),
        na_action=na_action,
        contrasts=options.check_contrasts(contrasts, names),
        control=control,
        start=None if start is None else tuple(map(float, start)),
        allow_functions=tuple(allow_functions),
        **extras,
    )
    frame = frames.collect(table, needed)
    outcome = session().call("fit_lmer", spec=asked.to_r(), frame=frame.to_r())
    notices.raise_warnings(outcome)
    return _linear_mixed_model(outcome, asked, frame)


def _texts(conditions: Sequence[Condition]) -> tuple[str, ...]:
    return tuple(condition.message for condition in conditions)


def _linear_mixed_model(
    outcome: Outcome, asked: options.ModelSpec, frame: frames.Frame
) -> LinearMixedModel:
    facts, index = outcome.value["facts"], frame.index
    counts = map(int, facts["group_counts"])
    dropped = facts["dropped_rows"]
    return LinearMixedModel(
        formula=decode.text(facts, "formula"),
        n_obs=decode.integer(facts, "n_obs"),
        n_groups=dict(zip(facts["group_names"], counts, strict=True)),
        sigma=decode.number(facts, "sigma"),
        reml=decode.flag(facts, "reml"),
        singular=decode.flag(facts, "singular"),
        dropped_columns=decode.texts(facts, "dropped_columns"),
        dropped_rows=() if dropped is None else tuple(index[dropped - 1]),
        warnings=_texts(outcome.warnings),
        messages=_texts(outcome.messages),
        spec=asked,
        columns=frame.names,
        _model=outcome.value["model"],
        _index=index,
    )
