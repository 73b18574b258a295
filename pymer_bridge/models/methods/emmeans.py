"""Estimated marginal means of a fitted model, which can be contrasted further."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import pandas as pd

from pymer_bridge.data.new_data import values_at
from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.models.base import Fitted, ask
from pymer_bridge.models.preparing import check_text
from pymer_bridge.results.decode import internals as decode_internals
from pymer_bridge.results.decode import tests as decode_tests
from pymer_bridge.results.means import MarginalTable
from pymer_bridge.session.calls import Handle
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import labels, options
from pymer_bridge.spec.names import find_name, is_syntactic
from pymer_bridge.spec.options import Adjust, ContrastFamily, one_of


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class MarginalMeans(MarginalTable):
    """Marginal means, slopes or contrasts, with :meth:`pairs` and :meth:`contrast`.

    Made by ``fit.emmeans()`` and ``fit.emtrends()``. Stored by :meth:`to_dict`, it reads back
    as a plain :class:`MarginalTable`, which has no object in R.
    """

    conf_level: float
    type: str
    _n_by: int
    _grid: Handle

    def _plain(self) -> MarginalTable:
        return MarginalTable(**{f.name: getattr(self, f.name) for f in fields(MarginalTable)})

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe mapping that ``MarginalTable.from_dict`` reads back."""
        return self._plain().to_dict()

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> MarginalTable:  # type: ignore[override]
        """Read back what :meth:`to_dict` gave, as a plain table: it has no R behind it."""
        return MarginalTable.from_dict(mapping)

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        """Pickle as a plain table: in another process there is no R object behind it."""
        return MarginalTable, tuple(getattr(self, f.name) for f in fields(MarginalTable))

    def __eq__(self, other: object) -> bool:
        """Compare the tables, to the last bit."""
        theirs = other._plain() if isinstance(other, MarginalMeans) else other
        return self._plain() == theirs

    __hash__: ClassVar[None]  # type: ignore[assignment]
    __hash__ = None

    def contrast(
        self,
        method: ContrastFamily | Mapping[str, Sequence[float] | Mapping[Any, float]] = "eff",
        adjust: Adjust | None = None,
    ) -> MarginalMeans:
        """Return contrasts of the rows.

        Parameters
        ----------
        method
            A family of contrasts by emmeans' name ("pairwise", "trt.vs.ctrl", "poly" ...), or
            weights by name, one weight per row (within each level of ``by``). A Series or a
            mapping has the levels of the rows for labels (several as a tuple); others weigh 0.
        adjust
            How tests and intervals are adjusted for their number: "tukey", "holm", "none" ...;
            emmeans' own choice by default.

        Returns
        -------
        MarginalMeans
            One row per contrast.

        Raises
        ------
        OptionError
            An argument is not accepted.

        Notes
        -----
        R function: ``emmeans::contrast``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> cake = pb.load_dataset("cake")
        >>> fit = pb.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", cake)
        >>> len(fit.emmeans("recipe").contrast("trt.vs.ctrl").rows)
        2
        """
        weights: Any
        if not isinstance(method, Mapping):
            weights = one_of(method, ContrastFamily, "method")
        else:
            weights = {str(name): self._weights(name, given) for name, given in method.items()}
            if not weights:
                raise OptionError("method must name at least one contrast")
        if adjust is not None:
            adjust = one_of(adjust, Adjust, "adjust")
        return ask(
            "contrast_means",
            lambda record: replace(
                marginal_means(record, self.conf_level, self.type), observations=self.observations
            ),
            grid=self._grid,
            method=weights,
            adjust=adjust,
            conf_level=self.conf_level,
            type=self.type,
        )

    def _weights(self, name: str, given: Any) -> list[float]:
        """Return one weight for each row within a level of ``by``."""
        within = len(self.by) - self._n_by
        first = list(self.rows[0].levels.values())[within:]
        levels = [list(row.levels.values()) for row in self.rows]
        mine = [tuple(row[:within]) for row in levels if row[within:] == first]
        table = labels.labelled(given)
        if isinstance(table, pd.Series) and set(table.index.names) == set(self.by[:within]):
            order: Any = list(self.by[:within])
            given = table.reorder_levels(order) if within > 1 else table
        rows = [row[0] if within == 1 else row for row in mine]
        what = f"method[{shown(name)}]"
        put = labels.aligned(given, rows, what, "the rows", rest=0.0)
        weights = options.array_of(put, f"{what} must be one number for each row")
        if weights.shape != (len(rows),):
            raise OptionError(f"{what} has {len(weights)} weights, and there are {len(rows)} rows")
        return [float(weight) for weight in weights]

    def pairs(self, adjust: Adjust = "tukey") -> MarginalMeans:
        """Return all pairwise differences.

        Parameters
        ----------
        adjust
            How tests and intervals are adjusted for their number.

        Returns
        -------
        MarginalMeans
            One row per pair.

        Raises
        ------
        OptionError
            ``adjust`` is not accepted.

        Notes
        -----
        R function: ``emmeans::contrast(method = "pairwise")``, which ``pairs`` calls.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> cake = pb.load_dataset("cake")
        >>> fit = pb.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", cake)
        >>> len(fit.emmeans("recipe").pairs(adjust="holm").rows)
        3
        """
        return self.contrast("pairwise", adjust)


def marginal_means(record: Mapping[str, Any], conf_level: float, kind: str) -> MarginalMeans:
    """Read what the R side of emmeans gave."""
    parts = decode_tests.marginal_parts(record["table"])
    n_by = int(record["table"]["n_by"][0])
    return MarginalMeans(
        **parts, conf_level=conf_level, type=kind, _n_by=n_by, _grid=record["grid"]
    )


@dataclass(frozen=True, slots=True)
class _Means:
    """The arguments that emmeans and emtrends share."""

    specs: str | Sequence[str]
    by: str | Sequence[str] | None
    at: Mapping[str, Any] | None
    ddf: options.MeansDdf | None
    conf_level: float
    adjust: options.Adjust | None
    type: options.MeansType = "link"

    def to_r(self, accepted: Sequence[options.MeansDdf]) -> dict[str, Any]:
        """Check everything, and return it in the form that the R side takes."""
        ddf = accepted[0]
        if self.ddf is not None:
            ddf = options.one_of(self.ddf, options.MeansDdf, "ddf")
        if ddf not in accepted:
            raise OptionError(
                f"ddf={shown(ddf)} is for linear mixed models; here it is {accepted[0]!r}"
            )
        adjust = self.adjust
        if adjust is not None:
            adjust = options.one_of(adjust, options.Adjust, "adjust")
        return {
            "specs": options.names_of(self.specs, "specs"),
            "by": None if self.by is None else options.names_of(self.by, "by"),
            "at": options.values_at(self.at),
            "ddf": ddf,
            "conf_level": options.check_level(self.conf_level),
            "adjust": adjust,
        }


def _predictor(given: str, known: Sequence[str], argument: str) -> str:
    """Return the predictor that a name means; "1" in specs is emmeans' word for the mean."""
    name = find_name(given, known)
    if name is None and not (given == "1" and argument == "specs"):
        raise OptionError(f"{argument}: no predictor {shown(given)}; there are: {listed(known)}")
    return given if name is None else name


class Emmeans(Fitted):
    """Estimated marginal means of a mixed model."""

    __slots__ = ()

    def emmeans(
        self,
        specs: str | Sequence[str],
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        *,
        ddf: options.MeansDdf | None = None,
        type: options.MeansType = "link",  # noqa: A002  # R's word
        conf_level: float = 0.95,
        adjust: options.Adjust | None = None,
    ) -> MarginalMeans:
        """Return estimated marginal means.

        Parameters
        ----------
        specs
            The predictors of the means.
        by
            Predictors: contrasts are made within each of their levels.
        at
            Values of predictors, taken as they were fitted; factors at their levels and numbers
            at their mean by default.
        ddf
            "kenward-roger" (emmeans' default for linear mixed models), "satterthwaite" or
            "asymptotic" (normal; the only one for other models).
        type
            "link" or "response": transformed back if the response was transformed.
        conf_level
            The level of the intervals.
        adjust
            How tests and intervals are adjusted for their number.

        Returns
        -------
        MarginalMeans
            One row per mean; ``.pairs()`` and ``.contrast()`` compare them.

        Raises
        ------
        OptionError
            An argument is not accepted.
        RError
            A predictor is not in the model.

        Notes
        -----
        R function: ``emmeans::emmeans`` and its ``summary``. For a fit by maximum likelihood,
        Kenward and Roger's method uses a refit by REML; above emmeans' limit of 3,000 observations
        R falls back to normal tests. In both cases a message says so.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> [round(row.estimate, 1) for row in fit.emmeans("Days", at={"Days": [0, 9]}).rows]
        [251.4, 345.6]
        """
        scale = options.one_of(type, options.MeansType, "type")
        means = _Means(specs, by, at, ddf, conf_level, adjust, scale)
        return self._marginal("marginal_means", means, type=scale)

    def emtrends(
        self,
        specs: str | Sequence[str],
        var: str,
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        *,
        ddf: options.MeansDdf | None = None,
        conf_level: float = 0.95,
        adjust: options.Adjust | None = None,
    ) -> MarginalMeans:
        """Return estimated marginal slopes of one predictor.

        Parameters
        ----------
        specs
            The predictors whose levels have slopes of their own.
        var
            The predictor of the slope, or an expression of one, such as "log(temp)": the slope is
            then along its values.
        by, at, ddf, conf_level, adjust
            As for :meth:`emmeans`.

        Returns
        -------
        MarginalMeans
            One row per slope.

        Raises
        ------
        OptionError
            An argument is not accepted, or a predictor is not in the model.
        FormulaError
            ``var`` is an expression that cannot be read, or calls what it may not.

        Notes
        -----
        R function: ``emmeans::emtrends`` and its ``summary``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> cake = pb.load_dataset("cake")
        >>> fit = pb.lmer("angle ~ recipe * temp + (1 | recipe:replicate)", cake)
        >>> len(fit.emtrends("recipe", "temp").rows)
        3
        """
        means = _Means(specs, by, at, ddf, conf_level, adjust)
        return self._marginal("marginal_trends", means, trend_of=var)

    def _known(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments with the predictors as R names them; others are refused."""
        known = self._ask("predictor_names", decode_internals.variables)["fixed"]
        result = dict(arguments)
        for argument in ("specs", "by"):
            if result[argument]:
                result[argument] = tuple(_predictor(n, known, argument) for n in result[argument])
        result["at"] = {_predictor(n, known, "at"): v for n, v in arguments["at"].items()}
        if (var := arguments.get("trend_of")) is not None:
            if (name := find_name(var, known)) is not None:
                result["trend_of"] = name
            elif is_syntactic(var):
                raise OptionError(f"var: no predictor {shown(var)}; there are: {listed(known)}")
            else:  # emtrends takes the text for R code
                check_text(var, "var", known, self.spec.allow_functions)
        return result

    def _marginal(self, operation: str, means: _Means, **extra: Any) -> MarginalMeans:
        arguments = self._known({**means.to_r(self._means_ddf()), **extra})
        arguments["at"] = values_at(arguments["at"], self._kinds)
        session().require("emmeans")
        self._require(arguments["ddf"])
        return self._ask_anew(
            operation,
            lambda record: marginal_means(record, arguments["conf_level"], means.type),
            noted=True,
            **arguments,
        )
