"""The effect of a predictor, as R's package effects gives it: a method of a model class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pymer_bridge.errors import OptionError
from pymer_bridge.models.base import Fitted
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.effects import EffectCurve, EffectPoint, EffectSmooth, PartialResidual
from pymer_bridge.session import conditions
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import options
from pymer_bridge.spec.model_spec import ModelSpec


@dataclass(frozen=True, slots=True)
class _Predictors:
    """What effects can be asked for: levels by name (None of a number), columns of the design."""

    levels: Mapping[str, tuple[str, ...] | None]
    columns: tuple[str, ...]


class PredictorEffects(Fitted):
    """Effects of predictors over their range."""

    __slots__ = ()

    spec: ModelSpec

    def effect(
        self,
        terms: str | Sequence[str],
        *,
        at: Mapping[str, Any] | None = None,
        n_points: int | None = None,
        conf_level: float = 0.95,
        partial_residuals: bool = False,
    ) -> EffectCurve:
        """Return the effect of a predictor over its range, others held at typical values.

        Parameters
        ----------
        terms
            A predictor, several whose effect together is wanted, or an interaction such as
            "hrs_week:sex".
        at
            Values (of numbers) or levels (of factors) of the predictors in ``terms``; and, for
            other predictors, one value each of columns of the design (R's ``given.values``).
        n_points
            How many values of the first numeric predictor, evenly over its range; by default
            what effects chooses: some five round ones, or 100 with partial residuals.
        conf_level
            The level of the intervals, point by point.
        partial_residuals
            Give partial residuals as well?

        Returns
        -------
        EffectCurve
            One row a combination of values, on the scales of the linear predictor and of the
            response. Other numeric predictors stand at their mean, and factors at the mean of
            their columns in the design.

        Raises
        ------
        OptionError
            A predictor or a value is not in the model, or an argument is not accepted.
        REnvironmentError
            R's package effects is not installed.
        RError
            effects cannot take this model, as where its formula calls ``factor()``, or where a
            column has a name that R would have to quote.

        Notes
        -----
        R functions: ``effects::Effect``, its ``as.data.frame``, and for the partial residuals
        what its ``plot`` draws [1]_ [2]_. The intervals of linear models are by Student's t with
        the observations less the coefficients as degrees of freedom, in mixed models too. The
        residuals of a mixed model are from R's ``glm`` of its fixed part, as effects takes them:
        the differences between groups are among them.

        References
        ----------
        .. [1] Fox, J. (2003). Effect displays in R for generalised linear models. Journal of
           Statistical Software, 8(15).
        .. [2] Fox, J. and Weisberg, S. (2018). Visualizing fit and lack of fit in complex
           regression models with predictor effect plots and partial residuals. Journal of
           Statistical Software, 87(9).

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> round(fit.effect("Days")[4.0].estimate, 1)  # doctest: +SKIP
        293.3
        """
        if self.spec.fitter == "nlmer":
            raise OptionError("effect() takes models with a linear predictor, not those of nlmer()")
        session().require("effects")
        known = self._ask("effect_predictors", _read_predictors)
        names = _names(terms, known)
        values, levels, given = _split(at or {}, names, known)
        outcome = session().call(
            "effect_curve",
            model=self._model,
            terms=names,
            at=values,
            levels=levels,
            given=given,
            n_points=None if n_points is None else options.whole(n_points, "n_points", 2),
            conf_level=options.check_level(conf_level),
            partial_residuals=options.flag(partial_residuals, "partial_residuals"),
        )
        conditions.raise_warnings(outcome)
        curve = _read_curve(outcome.value, names, conf_level, self._index)
        return conditions.with_conditions(curve, outcome)


def _read_predictors(record: Mapping[str, Any]) -> _Predictors:
    names = decode.texts(record, "names")
    levels = [None if found is None else tuple(found) for found in record["levels"]]
    return _Predictors(dict(zip(names, levels, strict=True)), decode.texts(record, "columns"))


def _names(terms: str | Sequence[str], known: _Predictors) -> tuple[str, ...]:
    """Return the names of the predictors that are meant."""
    if isinstance(terms, str):
        whole = terms in known.levels
        names = (
            (terms,)
            if whole
            else tuple(part.strip() for part in terms.replace("*", ":").split(":"))
        )
    else:
        names = tuple(terms)
    unknown = [name for name in names if name not in known.levels]
    if unknown or not names:
        asked = f"no predictor {unknown[0]!r}" if unknown else "terms names no predictor"
        raise OptionError(f"{asked}; there are: {', '.join(known.levels) or 'none'}")
    if len(set(names)) < len(names):
        raise OptionError("terms names a predictor twice")
    return names


def _split(
    at: Mapping[str, Any], names: tuple[str, ...], known: _Predictors
) -> tuple[dict[str, list[float]], dict[str, list[str]], dict[str, float]]:
    """Sort values into numbers, levels, and values of columns of the design."""
    values: dict[str, list[float]] = {}
    levels: dict[str, list[str]] = {}
    given: dict[str, float] = {}
    for name, asked in at.items():
        several = [asked] if isinstance(asked, str) or np.ndim(asked) == 0 else list(asked)
        if not several:
            raise OptionError(f"at has no value for {name!r}")
        if name not in names:
            if name not in known.columns:
                raise OptionError(
                    f"at={name!r} is neither in terms nor a column of the design; these are: "
                    f"{', '.join(known.columns)}"
                )
            if len(several) != 1:
                raise OptionError(f"at[{name!r}]: {name!r} is not in terms, and takes one value")
            given[name] = _number(several[0], name)
        elif (found := known.levels[name]) is None:
            values[name] = [_number(value, name) for value in several]
        else:
            levels[name] = [_level(value, name, found) for value in several]
    return values, levels, given


def _number(value: Any, name: str) -> float:
    if isinstance(value, str | bool | np.bool_) or not np.isfinite(value):
        raise OptionError(f"at[{name!r}] has {value!r}, and {name!r} takes numbers")
    return float(value)


def _level(value: Any, name: str, levels: tuple[str, ...]) -> str:
    text = str(value).upper() if isinstance(value, bool | np.bool_) else str(value)
    if text not in levels:
        raise OptionError(f"{name!r} has no level {text!r}; there are: {', '.join(levels)}")
    return text


def _rows_of(columns: Sequence[Any], names: tuple[str, ...]) -> list[dict[str, str | float]]:
    """Return the values of each row, by the names of the predictors."""
    plain = [
        [value if isinstance(value, str) else float(value) for value in column]
        for column in columns
    ]
    return [dict(zip(names, row, strict=True)) for row in zip(*plain, strict=True)]


def _read_curve(
    record: Mapping[str, Any], names: tuple[str, ...], conf_level: float, index: pd.Index
) -> EffectCurve:
    figures = [
        [None if np.isnan(value) else float(value) for value in column]
        for column in (*record["link"], *record["response"])
    ]
    values = _rows_of(record["values"], names)
    partial = record["partial"] or {}
    return EffectCurve(
        rows=tuple(
            EffectPoint(point, *row)
            for point, row in zip(values, zip(*figures, strict=True), strict=True)
        ),
        terms=names,
        response=decode.text(record, "response_name"),
        family=decode.text(record, "family"),
        link=decode.text(record, "link_name"),
        conf_level=float(conf_level),
        partial=_read_partial(partial, names, index) if partial else (),
        smooth=_read_smooth(partial.get("smooth")),
    )


def _read_partial(
    record: Mapping[str, Any], names: tuple[str, ...], index: pd.Index
) -> tuple[PartialResidual, ...]:
    figures = (record[name] for name in ("residual", "estimate", "response_estimate"))
    labels = index[record["rows"] - 1]
    return tuple(
        PartialResidual(str(label), values, *map(float, row))
        for label, values, *row in zip(
            labels, _rows_of(record["values"], names), *figures, strict=True
        )
    )


def _read_smooth(record: Mapping[str, Any] | None) -> EffectSmooth | None:
    if record is None:
        return None
    return EffectSmooth(*(tuple(map(float, record[name])) for name in ("x", "link", "response")))
