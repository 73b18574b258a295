"""Several routes to inference on one coefficient, side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

from pymer_bridge.errors import (
    BootstrapInterrupted,
    OptionError,
    PymerError,
    PymerWarning,
    RTimeoutError,
)
from pymer_bridge.models.comparisons import bootstrap_test
from pymer_bridge.models.lmer import LinearMixedModel
from pymer_bridge.replicates import engine
from pymer_bridge.results.base import row_of
from pymer_bridge.results.bootstrap import BootstrapResult
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.fixed_effects import FixedEffects
from pymer_bridge.results.routes import InferenceRoute, InferenceRoutes
from pymer_bridge.session import asking, deadlines
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked


@dataclass(frozen=True, slots=True)
class _Request:
    """The arguments that all routes share."""

    fit: LinearMixedModel
    term: str
    n_sim: int
    seed: int | None
    conf_level: float
    n_jobs: int


_FIGURES: Final = FixedEffects.shown[1:]
_Figures = dict[str, float | str | None]


@dataclass(frozen=True, slots=True)
class _Route:
    """The function of a route, and facts about it."""

    take: Callable[[_Request], _Figures]
    refitted: str
    reference: str
    advice: str


def _fixed_effects(ddf: options.Ddf) -> Callable[[_Request], _Figures]:
    def take(request: _Request) -> _Figures:
        row = request.fit.fixed_effects(ddf, request.conf_level)[request.term]
        return {name: getattr(row, name) for name in _FIGURES}

    return take


def _ratio(request: _Request) -> _Figures:
    session().require("pbkrtest")
    record = asking.ask("ratio_test_of", model=request.fit._model, term=request.term)
    return {name: decode.number(record, name) for name in ("statistic", "df", "p_value")}


def _bootstrap_ratio(request: _Request) -> _Figures:
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


def _of_bootstrap(request: _Request, replicates: BootstrapResult) -> _Figures:
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


def _parametric(request: _Request) -> _Figures:
    replicates = request.fit.bootstrap(
        "parametric", request.n_sim, request.seed, "fixed_effects", n_jobs=request.n_jobs
    )
    return _of_bootstrap(request, replicates)


def _case(request: _Request) -> _Figures:
    group = min(request.fit.n_groups, key=lambda name: request.fit.n_groups[name])
    replicates = request.fit.bootstrap(
        "case",
        request.n_sim,
        request.seed,
        "fixed_effects",
        resample={group: True, ".obs": True},
        n_jobs=request.n_jobs,
    )
    return _of_bootstrap(request, replicates)


ROUTES: Final[dict[str, _Route]] = {
    "normal": _Route(
        _fixed_effects("normal"),
        "nothing",
        "Bates et al. 2015",
        "trust it with many groups; with few it is too sure",
    ),
    "satterthwaite": _Route(
        _fixed_effects("satterthwaite"),
        "nothing",
        "Kuznetsova et al. 2017",
        "a good default for moderate numbers of groups",
    ),
    "kenward-roger": _Route(
        _fixed_effects("kenward-roger"),
        "nothing",
        "Kenward and Roger 1997",
        "the best with few groups, for REML fits; slow for large crossed data",
    ),
    "likelihood-ratio": _Route(
        _ratio,
        "both models, by ML",
        "Wilks 1938",
        "trust it with many groups; with few its p-values are too small",
    ),
    "bootstrap-likelihood-ratio": _Route(
        _bootstrap_ratio,
        "both models, n_sim times",
        "Halekoh and Højsgaard 2014",
        "needs no large-sample theory, but the model must be right",
    ),
    "parametric-bootstrap": _Route(
        _parametric,
        "the model, n_sim times",
        "Efron and Tibshirani 1993",
        "needs no large-sample theory, but the model must be right",
    ),
    "case-bootstrap": _Route(
        _case,
        "the model, n_sim times",
        "van der Leeden et al. 2008",
        "does not lean on the model, but needs many groups",
    ),
}


@checked
@deadlines.timed
def compare_inference(
    fit: LinearMixedModel,
    term: str,
    methods: options.Route | Sequence[options.Route] | None = None,
    *,
    n_sim: int = 1000,
    seed: int | None = None,
    conf_level: float = 0.95,
    n_jobs: int = 1,
    timeout: float | None = None,
) -> InferenceRoutes:
    """Take several routes to inference on one coefficient, and set them side by side.

    Parameters
    ----------
    fit
        A linear mixed model.
    term
        The name of a fixed effect.
    methods
        Which of "normal", "satterthwaite", "kenward-roger", "likelihood-ratio",
        "bootstrap-likelihood-ratio", "parametric-bootstrap" and "case-bootstrap"; all by default.
    n_sim
        The number of simulations of each bootstrap.
    seed
        R's ``set.seed`` integer, set for each bootstrap, so that each of them alone gives the
        same figures.
    conf_level
        The level of the intervals; those of the bootstraps are percentile intervals, from R's
        ordinary quantiles.
    n_jobs
        The number of processes for the bootstraps.
    timeout
        As for :func:`pymer_bridge.lmer`.

    Returns
    -------
    InferenceRoutes
        One row per method: estimate, standard error, df, statistic, p, interval, what was
        refitted, elapsed seconds, the reference, and when to trust it. A route that fails for
        this model keeps its row, with the reason in ``note``.

    Raises
    ------
    OptionError
        A method is not known, or another argument is not accepted.
    UnknownNameError
        The model has no such fixed effect.
    BootstrapInterrupted
        Ctrl-C; the routes that were taken are in its ``partial``.
    RTimeoutError
        It did not end within ``timeout``; the routes that were taken are in its ``partial``.

    Notes
    -----
    R functions: ``summary`` of lme4 and lmerTest, ``anova``, ``pbkrtest::PBmodcomp``,
    ``lme4::bootMer``, and ``update`` on resampled groups and rows. The case bootstrap draws the
    groups of the grouping factor with the fewest levels, then rows within each group.

    References
    ----------
    .. [1] van der Leeden, R., Meijer, E. and Busing, F. M. T. A. (2008). Resampling Multilevel
       Models. In Handbook of Multilevel Analysis, 401-433. Springer.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> routes = pb.compare_inference(fit, "Days", ["normal", "satterthwaite", "kenward-roger"])
    >>> [row.method for row in routes.rows]
    ['normal', 'satterthwaite', 'kenward-roger']
    """
    if not isinstance(fit, LinearMixedModel):
        raise OptionError(f"compare_inference() takes a fitted model, not {type(fit).__name__}")
    given = (methods,) if isinstance(methods, str) else methods
    known = get_args(options.Route)
    chosen = known if given is None else options.each_of(given, options.Route, "methods")
    request = _Request(
        fit,
        row_of(fit.fixed_effects("none"), term, "term").term,
        options.whole(n_sim, "n_sim", 1),
        options.random_seed(seed),
        options.check_level(conf_level),
        n_jobs,
    )
    rows: list[InferenceRoute] = []
    try:
        for method in chosen:
            rows.append(_take(ROUTES[method], method, request))
    except (KeyboardInterrupt, RTimeoutError, PymerWarning) as error:
        after = f"after {len(rows)} of {len(chosen)} methods"
        partial = _routes(request, rows) if rows else None
        if isinstance(error, KeyboardInterrupt):
            raise BootstrapInterrupted(f"interrupted {after}", partial) from error
        if isinstance(error, RTimeoutError):
            raise RTimeoutError(error.operation, error.seconds, after, partial) from error
        error.partial = partial  # a warning, where warnings are errors
        raise
    return _routes(request, rows)


def _routes(request: _Request, rows: Sequence[InferenceRoute]) -> InferenceRoutes:
    shared = request.term, request.conf_level, request.n_sim, request.seed
    return InferenceRoutes(tuple(rows), *shared)


def _take(route: _Route, method: str, request: _Request) -> InferenceRoute:
    figures: dict[str, Any] = dict.fromkeys(_FIGURES)
    start = time.perf_counter()
    try:
        figures |= route.take(request)
    except RTimeoutError:
        raise
    except PymerError as error:
        # A route that fails must not lose the others.
        figures["note"] = f"not taken: {error}"
    return InferenceRoute(
        method=method,
        **figures,
        refitted=route.refitted,
        seconds=time.perf_counter() - start,
        reference=route.reference,
        advice=route.advice,
    )
