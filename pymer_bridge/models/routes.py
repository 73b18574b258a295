"""The routes to inference on one coefficient, one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, get_args

from pymer_bridge.errors import OptionError
from pymer_bridge.models.comparisons import Testable, bootstrap_test
from pymer_bridge.models.glmer import GeneralizedLinearMixedModel
from pymer_bridge.models.lm import LinearModel
from pymer_bridge.models.lmer import LinearMixedModel
from pymer_bridge.replicates import engine
from pymer_bridge.results.bootstrap import BootstrapResult
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.fixed_effects import FixedEffects
from pymer_bridge.session import asking
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import options


@dataclass(frozen=True, slots=True)
class Request:
    """The arguments that all routes share."""

    fit: Testable
    term: str
    n_sim: int
    seed: int | None
    conf_level: float
    n_jobs: int


FIGURES: Final = FixedEffects.shown[1:]
_Figures = dict[str, float | str | None]


@dataclass(frozen=True, slots=True)
class Route:
    """The function of a route, and facts about it; ``alone``: advice without random effects."""

    take: Callable[[Request], _Figures]
    refitted: str
    reference: str
    advice: str
    alone: str = ""


def _wald(request: Request, by: str) -> _Figures:
    record = asking.ask(
        "wald_of", model=request.fit._model, term=request.term, conf_level=request.conf_level, by=by
    )
    return {name: decode.number_or_none(record, name) for name in FIGURES}


def _t(request: Request) -> _Figures:
    if isinstance(request.fit, LinearModel):
        return _wald(request, "t")
    raise OptionError(
        "the degrees of freedom of a mixed model are approximate: take 'satterthwaite' or "
        "'kenward-roger' for a linear one"
    )


def _normal(request: Request) -> _Figures:
    if isinstance(request.fit, LinearModel):
        return _wald(request, "normal")
    return _of_effects(request.fit.fixed_effects("normal", request.conf_level), request)


def _fixed_effects(ddf: options.TestDdf) -> Callable[[Request], _Figures]:
    def take(request: Request) -> _Figures:
        if isinstance(request.fit, LinearMixedModel):
            return _of_effects(request.fit.fixed_effects(ddf, request.conf_level), request)
        if isinstance(request.fit, GeneralizedLinearMixedModel):
            raise OptionError("R has no degrees of freedom for generalized mixed models")
        raise OptionError("without random effects the degrees of freedom are exact: take 't'")

    return take


def _of_effects(effects: FixedEffects, request: Request) -> _Figures:
    row = effects[request.term]
    return {name: getattr(row, name) for name in FIGURES}


def _profile(request: Request) -> _Figures:
    ends = request.fit.confint("profile", request.term, request.conf_level)[request.term]
    estimate = request.fit._estimates()[request.term].estimate
    return {"estimate": estimate, "conf_low": ends.conf_low, "conf_high": ends.conf_high}


def _ratio(request: Request) -> _Figures:
    if isinstance(request.fit, LinearMixedModel):
        session().require("pbkrtest")
    return _tested("ratio_test_of", request)


def _f(request: Request) -> _Figures:
    if not isinstance(request.fit, LinearModel):
        raise OptionError(
            "the F test of one coefficient is the square of its t test: take 'satterthwaite' or "
            "'kenward-roger' for a linear mixed model"
        )
    return _tested("f_test_of", request)


def _tested(operation: str, request: Request) -> _Figures:
    record = asking.ask(operation, model=request.fit._model, term=request.term)
    return {name: decode.number(record, name) for name in ("statistic", "df", "p_value")}


def _bootstrap_ratio(request: Request) -> _Figures:
    test = bootstrap_test(
        request.fit,
        {"coefficient": request.term},
        request.n_sim,
        request.seed,
        how=engine.Running(request.n_jobs),
    )
    return {
        "statistic": test.lrt,
        "p_value": test.p_value,
        "note": f"{test.n_usable} of {request.n_sim} replicates usable",
    }


def _of_bootstrap(request: Request, replicates: BootstrapResult) -> _Figures:
    row = replicates[request.term]
    ends = replicates.confint("percentile", request.conf_level, row.name, formulas="lmeresampler")
    interval = ends[request.term]
    return {
        "estimate": row.estimate,
        "std_error": row.std_error,
        "conf_low": interval.conf_low,
        "conf_high": interval.conf_high,
        "note": f"{replicates.counts.n_usable} of {request.n_sim} replicates usable",
    }


def _parametric(request: Request) -> _Figures:
    replicates = request.fit.bootstrap(
        "parametric", request.n_sim, request.seed, "fixed_effects", n_jobs=request.n_jobs
    )
    return _of_bootstrap(request, replicates)


def _case(request: Request) -> _Figures:
    fit, how = request.fit, (request.n_sim, request.seed, "fixed_effects")
    if isinstance(fit, LinearModel):
        return _of_bootstrap(request, fit.bootstrap("case", *how, n_jobs=request.n_jobs))
    group = min(fit.n_groups, key=fit.n_groups.__getitem__)
    resampled = {group: True, ".obs": True}
    replicates = fit.bootstrap("case", *how, resample=resampled, n_jobs=request.n_jobs)
    return _of_bootstrap(request, replicates)


ROUTES: Final[dict[str, Route]] = {
    "t": Route(
        _t,
        "nothing",
        "Student 1908",
        "exact for a linear model that is right; for a generalized one trust it with many "
        "observations",
    ),
    "normal": Route(
        _normal,
        "nothing",
        "Bates et al. 2015",
        "trust it with many groups; with few it is too sure",
        "trust it with many observations, and where no estimate is extreme",
    ),
    "satterthwaite": Route(
        _fixed_effects("satterthwaite"),
        "nothing",
        "Kuznetsova et al. 2017",
        "a good default for moderate numbers of groups",
    ),
    "kenward-roger": Route(
        _fixed_effects("kenward-roger"),
        "nothing",
        "Kenward and Roger 1997",
        "the best with few groups, for REML fits; slow for large crossed data",
    ),
    "profile": Route(
        _profile,
        "the model, along the coefficient",
        "Venzon and Moolgavkar 1988",
        "trust it with many groups; it need not be symmetric",
        "trust it with many observations; it need not be symmetric",
    ),
    "F": Route(_f, "the smaller model", "Fisher 1925", "the square of t, with its p-value"),
    "likelihood-ratio": Route(
        _ratio,
        "both models, by ML",
        "Wilks 1938",
        "trust it with many groups; with few its p-values are too small",
        "trust it with many observations; with few its p-values are too small",
    ),
    "bootstrap-likelihood-ratio": Route(
        _bootstrap_ratio,
        "both models, n_sim times",
        "Halekoh and Højsgaard 2014",
        "needs no large-sample theory, but the model must be right",
    ),
    "parametric-bootstrap": Route(
        _parametric,
        "the model, n_sim times",
        "Efron and Tibshirani 1993",
        "needs no large-sample theory, but the model must be right",
    ),
    "case-bootstrap": Route(
        _case,
        "the model, n_sim times",
        "van der Leeden et al. 2008",
        "does not lean on the model, but needs many groups",
        "does not lean on the model, but needs many observations",
    ),
}

WITHOUT_RANDOM: Final = ("t", "F")
"""Routes that no mixed model has."""


def usual_routes(fit: Testable) -> tuple[str, ...]:
    """Return the routes that are taken where none is named."""
    left_out: tuple[str, ...] = () if isinstance(fit, LinearModel) else WITHOUT_RANDOM
    if isinstance(fit, LinearMixedModel):
        left_out += ("profile",)
    return tuple(name for name in get_args(options.Route) if name not in left_out)
