"""Estimated marginal means of a fitted model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymer_bridge.data.new_data import values_at
from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.models.base import Fitted
from pymer_bridge.models.marginal_means import MarginalMeans, marginal_means
from pymer_bridge.models.preparing import check_text
from pymer_bridge.results.decode import internals as decode_internals
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import options
from pymer_bridge.spec.names import find_name, is_syntactic


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
        ddf = accepted[0] if accepted else "none"
        if self.ddf is not None:
            ddf = options.one_of(self.ddf, options.MeansDdf, "ddf")
            if ddf not in accepted:
                here = f"it is {accepted[0]!r}" if accepted else "R has its own"
                raise OptionError(f"ddf={shown(ddf)} is for linear mixed models; here {here}")
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
    """Estimated marginal means."""

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
            "asymptotic" (normal; the only one for other mixed models). Models without random
            effects have R's own: the residual degrees of freedom, or none.
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
