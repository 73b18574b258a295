"""What is drawn of a model: effects of predictors, pooling, and the door to the pictures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from pymer_bridge.data import frames
from pymer_bridge.data.new_data import ColumnKind, taken
from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.models.base import Fitted
from pymer_bridge.plots.accessor import LinearPlots
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.effects import EffectCurve, EffectPoint, EffectSmooth, PartialResidual
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import options
from pymer_bridge.spec.names import find_name


@dataclass(frozen=True, slots=True)
class _Predictors:
    """What effects can be asked for: levels by name (None of a number), columns of the design."""

    levels: Mapping[str, tuple[str, ...] | None]
    columns: tuple[str, ...]


class Pictures(Fitted):
    """Pictures of a model, and effects of predictors over their range."""

    __slots__ = ()

    @property
    def plot(self) -> LinearPlots:
        """Pictures of the model: ``fit.plot.coefficients()``, ``fit.plot.emmip("~ x")`` ..."""
        return LinearPlots(self)

    def _response_axis(self, scale: options.PredictionType = "response") -> str:
        """Return what an axis of the response is called: "P(incidence)", "log(TICKS)" ..."""
        return self._ask("response_axis", decode.named_texts)[scale]

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
            A predictor, several predictors for their joint effect, or an interaction such as
            "hrs_week:sex".
        at
            Values (of numbers) or levels (of factors) of the predictors in ``terms``; for other
            predictors, one value for a column of the design (R's ``given.values``).
        n_points
            The number of values of the first predictor, if it is numeric, evenly over its range; by
            default effects chooses: about five round ones, or 100 with partial residuals.
        conf_level
            The level of the intervals, which are pointwise.
        partial_residuals
            Also give partial residuals?

        Returns
        -------
        EffectCurve
            One row per combination of values, on the scales of the linear predictor and of the
            response. Numeric predictors after the first of ``terms`` are at their mean and one
            standard deviation to each side, over the rows used (at both of their values, if they
            have two), unless ``at`` has others. Predictors that are not in ``terms`` are held at
            their mean if they are numeric, and factors at the mean of their columns in the design:
            averaged over as often as each level is there.

        Raises
        ------
        OptionError
            A predictor or a value is not in the model, or an argument is not accepted.
        REnvironmentError
            R's package effects is not installed.
        RError
            effects cannot use this model, for example because its formula calls ``factor()``.

        Notes
        -----
        R functions: ``effects::Effect``, its ``as.data.frame``, and for the partial residuals
        what its ``plot`` draws [1]_ [2]_. The intervals of linear models use Student's t with
        observations minus coefficients as degrees of freedom, also for mixed models. The
        residuals of a mixed model come from R's ``glm`` of its fixed part, as in effects, and so
        contain the differences between groups.

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
        names = self._effect_terms(terms)
        values, levels, given = _split(at or {}, names, known, self._kinds)
        return self._ask_anew(
            "effect_curve",
            lambda record: _read_curve(record, names, conf_level, self._index),
            terms=names,
            at=values,
            levels=levels,
            given=given,
            n_points=None if n_points is None else options.whole(n_points, "n_points", 2),
            conf_level=options.check_level(conf_level),
            partial_residuals=options.flag(partial_residuals, "partial_residuals"),
        )

    def _predictor_levels(self) -> Mapping[str, tuple[str, ...] | None]:
        """Return the predictors, those with levels with these."""
        return self._ask("effect_predictors", _read_predictors).levels

    def _effect_terms(self, terms: str | Sequence[str]) -> tuple[str, ...]:
        """Return the names of the predictors whose effect is asked for."""
        return _names(terms, self._ask("effect_predictors", _read_predictors))


def _read_predictors(record: Mapping[str, Any]) -> _Predictors:
    names = decode.texts(record, "names")
    levels = [None if found is None else tuple(found) for found in record["levels"]]
    return _Predictors(dict(zip(names, levels, strict=True)), decode.texts(record, "columns"))


def _names(terms: str | Sequence[str], known: _Predictors) -> tuple[str, ...]:
    """Return the names of the chosen predictors."""
    given = (terms,) if isinstance(terms, str) else tuple(terms)
    names = [find_name(name, known.levels) for name in given]
    if isinstance(terms, str) and names[0] is None and (parts := _parts(terms, known.levels)):
        given, names = parts
    unknown = [name for name, found in zip(given, names, strict=True) if found is None]
    if unknown or not names:
        asked = (
            f"terms: no predictor {shown(unknown[0])}" if unknown else "terms names no predictor"
        )
        raise OptionError(f"{asked}; there are: {listed(known.levels)}")
    if len(set(names)) < len(names):
        raise OptionError("terms names a predictor twice")
    return tuple(map(str, names))


def _parts(terms: str, known: Iterable[str]) -> tuple[tuple[str, ...], list[str | None]]:
    """Take an interaction apart, where names may hold the signs between them, too."""
    pieces = re.split(r"\s*([:*])\s*", terms)
    given: list[str] = []
    names: list[str | None] = []
    start = 0
    while start < len(pieces):
        # The longest piece that is a name; else the shortest.
        ends = range(len(pieces), start, -2) if (len(pieces) - start) % 2 else range(0)
        end = next((e for e in ends if find_name("".join(pieces[start:e]), known)), start + 1)
        given.append("".join(pieces[start:end]))
        names.append(find_name(given[-1], known))
        start = end + 1
    return tuple(given), names


def _split(
    at: Mapping[str, Any],
    names: tuple[str, ...],
    known: _Predictors,
    kinds: Mapping[str, ColumnKind],
) -> tuple[dict[str, list[float]], dict[str, list[str]], dict[str, float]]:
    """Sort values into numbers, levels, and values of columns of the design."""
    values: dict[str, list[float]] = {}
    levels: dict[str, list[str]] = {}
    given: dict[str, float] = {}
    for asked_for, asked in at.items():
        name = find_name(asked_for, names) or find_name(asked_for, known.columns) or asked_for
        several = [asked] if isinstance(asked, str) or np.ndim(asked) == 0 else list(asked)
        if not several:
            raise OptionError(f"at has no value for {shown(name)}")
        if name not in names:
            if name not in known.columns:
                raise OptionError(
                    f"at={shown(name)} is neither in terms nor a column of the design; these are: "
                    f"{listed(known.columns)}"
                )
            if len(several) != 1:
                raise OptionError(
                    f"at[{shown(name)}]: {shown(name)} is not in terms, and takes one value"
                )
            given[name] = _number(several[0], name)
        elif (found := known.levels[name]) is None:
            values[name] = [
                _number(taken(kinds[name], value, f"at[{name!r}]"), name) for value in several
            ]
        else:
            factor = ColumnKind("factor", found)
            levels[name] = [taken(factor, value, f"at[{name!r}]") for value in several]
    return values, levels, given


def _number(value: Any, name: str) -> float:
    if (
        isinstance(value, bool | np.bool_)
        or not isinstance(value, Real)
        or not np.isfinite(float(value))
    ):
        raise OptionError(f"at[{shown(name)}] has {shown(value)}, and {shown(name)} takes numbers")
    return float(value)


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
        others=decode.texts(record, "others"),
        moderators=decode.texts(record, "moderators"),
        axis=decode.named_texts(record["axis"]),
        partial=_read_partial(partial, names, index) if partial else (),
        index=frames.index_at(index, partial["rows"]) if partial else None,
        smooth=_read_smooth(partial.get("smooth")),
    )


def _read_partial(
    record: Mapping[str, Any], names: tuple[str, ...], index: pd.Index
) -> tuple[PartialResidual, ...]:
    figures = (record[name] for name in ("residual", "estimate", "response_estimate"))
    labels = frames.index_at(index, record["rows"])
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
