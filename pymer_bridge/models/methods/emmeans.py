"""Estimated marginal means of a fitted model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pymer_bridge.data.new_data import values_at
from pymer_bridge.errors import FormulaError, OptionError, PymerWarning, RError, listed, shown
from pymer_bridge.models.base import Fitted
from pymer_bridge.models.marginal_means import MarginalMeans, marginal_means
from pymer_bridge.models.preparing import check_text
from pymer_bridge.results.decode import internals as decode_internals
from pymer_bridge.session import asking, conditions
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import options
from pymer_bridge.spec.names import find_name, is_syntactic

_LIMIT: Final = 3000
"""Observations above which emmeans computes no degrees of freedom unless it is told to."""


def _predictor(given: str, known: Sequence[str], argument: str, words: Sequence[str]) -> str:
    """Return the predictor that a name means, or emmeans' word of its own, such as "1"."""
    name = find_name(given, known)
    if name is None and given not in words:
        raise OptionError(f"{argument}: no predictor {shown(given)}; there are: {listed(known)}")
    return given if name is None else name


def _parsed(text: str, by: Sequence[str] | None) -> tuple[Any, Sequence[str] | None]:
    """Read a formula of means, as in "~ a | b"."""
    try:
        found = asking.ask("means_formula", text=text)
    except RError as error:
        raise FormulaError(f"specs={shown(text)} cannot be read: {error.message}") from None
    if found["left"]:
        raise OptionError(
            f"specs={shown(text)} has {found['left'][0]!r} before the ~: leave it out, and compare "
            'the means by .pairs() or .contrast("...")'
        )
    names = tuple(found["specs"] or ())
    inner = [name for name in (*(found["by"] or ()), *(by or ())) if name not in names]
    return names, tuple(dict.fromkeys(inner)) or None


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
        weights: options.MeansWeights | None = None,
        offset: float | None = None,
        bias_adjust: bool = False,
        sigma: float | None = None,
        conf_level: float = 0.95,
        adjust: options.Adjust | None = None,
        seed: int | None = 1,
    ) -> MarginalMeans:
        """Return estimated marginal means.

        Parameters
        ----------
        specs
            The predictors of the means: a name, several, or a formula such as "~ a | b" (the
            means of a within the levels of b); "1" for the overall mean.
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
            "link", or "response": transformed back if there is a link or the response was
            transformed. With both, "unlink" (or "mu") undoes the link alone.
        weights
            How the levels of the other predictors are averaged: "equal" (emmeans' default),
            "proportional" to their counts, "outer" (to the products of one-way counts), "cells"
            (by the counts of each cell) or "flat" (equally over the cells that have rows).
        offset
            A number that takes the place of the model's offset.
        bias_adjust
            Adjust values that are transformed back for the bias of a nonlinear transformation?
        sigma
            The standard deviation for it: by default the residual one. With random effects it
            should be that of all variance together.
        conf_level
            The level of the intervals.
        adjust
            How tests and intervals are adjusted for their number.
        seed
            For ``set.seed()`` in R where ``adjust="mvt"`` draws; None to draw on.

        Returns
        -------
        MarginalMeans
            One row per mean; ``.pairs()`` and ``.contrast()`` compare them, ``.test()``,
            ``.joint_tests()`` and ``.effect_sizes()`` go on from there.

        Raises
        ------
        OptionError
            An argument is not accepted.
        FormulaError
            ``specs`` is a formula that cannot be read.

        Warns
        -----
        PymerWarning
            Degrees of freedom are asked for of a model of more than 3,000 observations, which
            may take long.

        Notes
        -----
        R function: ``emmeans::emmeans`` and its ``summary(infer = TRUE)``. For a fit by maximum
        likelihood, Kenward and Roger's method uses a refit by REML. If ``ddf`` is left open,
        emmeans computes no degrees of freedom above 3,000 observations, and has normal tests. In
        both cases a message says so.

        Where the response is itself a call, such as ``factor(y)`` or ``y == "b"``, emmeans takes
        it for a transformation that it does not know: under ``type="response"`` estimates and
        intervals are those of R's ``summary(means)``, and tests, for which R stops there, are
        those on the scale of the link, by ``summary(means, type = "unlink")``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> [round(row.estimate, 1) for row in fit.emmeans("Days", at={"Days": [0, 9]}).rows]
        [251.4, 345.6]
        """
        scale: str = options.one_of(type, options.MeansType, "type")
        asked = {
            **self._asked(
                specs,
                by,
                at,
                ddf=ddf,
                weights=weights,
                conf_level=conf_level,
                adjust=adjust,
                seed=seed,
            ),
            "type": None if scale == "link" else scale,
            "offset": None if offset is None else options.finite(offset, "offset"),
            "bias_adjust": options.flag(bias_adjust, "bias_adjust"),
            "sigma": None if sigma is None else options.finite(sigma, "sigma", above=0.0),
        }
        return self._marginal("marginal_means", asked, ("1",), scale)

    def emtrends(
        self,
        specs: str | Sequence[str],
        var: str,
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        *,
        max_degree: int = 1,
        ddf: options.MeansDdf | None = None,
        weights: options.MeansWeights | None = None,
        conf_level: float = 0.95,
        adjust: options.Adjust | None = None,
        seed: int | None = 1,
    ) -> MarginalMeans:
        """Return estimated marginal slopes of one predictor.

        Parameters
        ----------
        specs
            The predictors whose levels have slopes of their own.
        var
            The predictor of the slope, or an expression of one, such as "log(temp)": the slope is
            then along its values.
        max_degree
            Above 1, up to 5, also the coefficients of higher powers, by "degree".
        by, at, ddf, weights, conf_level, adjust, seed
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
        degree = options.whole(max_degree, "max_degree", minimum=1)
        if degree > 5:
            raise OptionError(f"max_degree={degree} must be at most 5")
        asked = {
            **self._asked(
                specs,
                by,
                at,
                ddf=ddf,
                weights=weights,
                conf_level=conf_level,
                adjust=adjust,
                seed=seed,
            ),
            "trend_of": var,
            "max_degree": degree,
        }
        words = ("1", "degree") if degree > 1 else ("1",)
        return self._marginal("marginal_trends", asked, words, "link")

    def _asked(
        self,
        specs: str | Sequence[str],
        by: str | Sequence[str] | None,
        at: Mapping[str, Any] | None,
        **how: Any,
    ) -> dict[str, Any]:
        """Check what emmeans and emtrends share, and return it in the form that R takes."""
        accepted = self._means_ddf()
        method: str = accepted[0] if accepted else "none"
        limit = None
        if how["ddf"] is not None:
            method = options.one_of(how["ddf"], options.MeansDdf, "ddf")
            if method not in accepted:
                here = f"it is {accepted[0]!r}" if accepted else "R has its own"
                raise OptionError(f"ddf={shown(method)} is for linear mixed models; here {here}")
            limit = self.n_obs if self.n_obs > _LIMIT and method != "asymptotic" else None
        weights, adjust = how["weights"], how["adjust"]
        if weights is not None:
            weights = options.one_of(weights, options.MeansWeights, "weights")
        if adjust is not None:
            adjust = options.one_of(adjust, options.Adjust, "adjust")
        seed = options.random_seed(how["seed"])
        return {
            "specs": options.names_of(specs, "specs"),
            "by": None if by is None else options.names_of(by, "by"),
            "at": options.values_at(at),
            "ddf": method,
            "limit": limit,
            "weights": weights,
            "conf_level": options.check_level(how["conf_level"]),
            "adjust": adjust,
            "seed": seed if adjust == "mvt" else None,
        }

    def _known(self, arguments: Mapping[str, Any], words: Sequence[str]) -> dict[str, Any]:
        """Return the arguments with the predictors as R names them; others are refused."""
        known = self._ask("predictor_names", decode_internals.variables)["fixed"]
        result = dict(arguments)
        specs = result["specs"]
        if len(specs) == 1 and "~" in specs[0] and find_name(specs[0], known) is None:
            result["specs"], result["by"] = _parsed(specs[0], result["by"])
        inner = [word for word in words if word != "1"]
        for argument, own in (("specs", words), ("by", inner)):
            if result[argument]:
                result[argument] = tuple(
                    _predictor(n, known, argument, own) for n in result[argument]
                )
        result["at"] = {_predictor(n, known, "at", ()): v for n, v in arguments["at"].items()}
        if (var := arguments.get("trend_of")) is not None:
            if (name := find_name(var, known)) is not None:
                result["trend_of"] = name
            elif is_syntactic(var):
                raise OptionError(f"var: no predictor {shown(var)}; there are: {listed(known)}")
            else:  # emtrends takes the text for R code
                check_text(var, "var", known, self.spec.allow_functions)
        return result

    def _marginal(
        self, operation: str, asked: Mapping[str, Any], words: Sequence[str], scale: str
    ) -> MarginalMeans:
        arguments = self._known(asked, words)
        kinds = self._kinds
        arguments["at"] = values_at(arguments["at"], kinds)
        along = kinds.get(arguments.get("trend_of", ""))
        if along is not None and along.kind in ("factor", "logical"):
            raise OptionError(
                f"var={shown(arguments['trend_of'])} has levels, and slopes are along numbers: "
                "compare its means, by .emmeans()"
            )
        session().require("emmeans")
        self._require(arguments["ddf"])
        if arguments["limit"] is not None:
            conditions.warn(
                PymerWarning(
                    f"ddf={arguments['ddf']!r} of {self.n_obs:,} observations may take long, and "
                    f"much memory: emmeans leaves it out above {_LIMIT:,} unless it is asked for. "
                    "ddf='asymptotic' has normal tests at once"
                )
            )
        return self._ask_anew(
            operation,
            lambda record: marginal_means(record, arguments["conf_level"], scale),
            noted=True,
            **arguments,
        )
