"""Linear models without random effects: where a course on mixed models starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from pymer_bridge import decode, notices
from pymer_bridge import spec as options
from pymer_bridge.fitted import Fitted
from pymer_bridge.preparing import prepare, texts_of
from pymer_bridge.reporting import sentence
from pymer_bridge.results import fit as results
from pymer_bridge.rsession import Handle, session


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LinearModel(Fitted):
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
    spec: options.ModelSpec
    columns: tuple[str, ...]
    _model: Handle
    _index: pd.Index
    _kept: dict[Any, Any] = field(default_factory=dict)

    def fixed_effects(self, conf_level: float = 0.95) -> results.FixedEffects:
        """Return the coefficients with their t tests and intervals.

        Parameters
        ----------
        conf_level
            The level of the intervals.

        Returns
        -------
        FixedEffects
            One row a term, in units of the response; a coefficient that cannot be estimated has
            no row, as in R's summary.

        Raises
        ------
        OptionError
            ``conf_level`` is not accepted.

        Notes
        -----
        R functions: ``coef(summary(fit))`` and ``confint``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lm("Reaction ~ Days", pb.load_dataset("sleepstudy"))
        >>> fit.fixed_effects()["Days"].df
        178.0
        """
        level = options.check_level(conf_level)
        return self._ask(
            "linear_effects", decode.fixed_effects, "residual", level, conf_level=level
        )

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

    def __str__(self) -> str:
        """Return the model in two short tables."""
        heading = f"Linear model\nFormula: {self.formula}\nObservations: {self.n_obs}"
        return f"{heading}\n\n{self.fixed_effects()}\n\n{self.fit_statistics}"

    def __repr__(self) -> str:
        """Return the model in one line."""
        return f"<LinearModel {self.formula!r}, {self.n_obs} observations>"

    def _repr_html_(self) -> str:
        return f"{self.fixed_effects()._repr_html_()}\n{self.fit_statistics._repr_html_()}"


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
) -> LinearModel:
    """Fit a linear model with R's ``lm``: complete pooling, or none with a factor for the groups.

    Parameters
    ----------
    formula
        R's formula, such as ``"Reaction ~ Days"``.
    data, weights, offset, subset, contrasts, na_action, data_name, allow_functions
        As for :func:`pymer_bridge.lmer`.

    Returns
    -------
    LinearModel
        The fitted model, which :func:`pymer_bridge.anova` compares with mixed ones.

    Raises
    ------
    FormulaError, DataConversionError, OptionError, RError
        As for :func:`pymer_bridge.lmer`.

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
    session().require("lme4")
    asked, frame = prepare(
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
    outcome = session().call("fit_model", spec=asked.to_r(), frame=frame.to_r())
    notices.raise_warnings(outcome)
    facts = outcome.value["facts"]
    return LinearModel(
        formula=decode.text(facts, "formula"),
        n_obs=decode.integer(facts, "n_obs"),
        sigma=decode.number(facts, "sigma"),
        dropped_rows=tuple(frame.index[facts["dropped_rows"] - 1]),
        warnings=texts_of(outcome.warnings),
        messages=texts_of(outcome.messages),
        spec=asked,
        columns=frame.names,
        _model=outcome.value["model"],
        _index=frame.index,
    )
