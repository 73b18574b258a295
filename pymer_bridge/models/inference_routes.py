"""Several routes to inference on one coefficient, side by side."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from pymer_bridge.errors import BootstrapInterrupted, PymerError, PymerWarning, RTimeoutError
from pymer_bridge.models.comparisons import Testable
from pymer_bridge.models.lm import LinearModel
from pymer_bridge.models.mixed import MixedModel
from pymer_bridge.models.routes import FIGURES, ROUTES, Request, Route, usual_routes
from pymer_bridge.results.base import row_of
from pymer_bridge.results.routes import InferenceRoute, InferenceRoutes
from pymer_bridge.session import deadlines
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked


@checked
@deadlines.timed
def compare_inference(
    fit: Testable,
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
        A model of :func:`lmer`, :func:`glmer`, :func:`glmer_nb`, :func:`lm` or :func:`glm`.
    term
        The name of a fixed effect.
    methods
        Which of "normal", "satterthwaite", "kenward-roger", "profile", "likelihood-ratio",
        "bootstrap-likelihood-ratio", "parametric-bootstrap" and "case-bootstrap", and without
        random effects "t" and "F". All of them by default, but for a linear mixed model without
        "profile".
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
        refitted, elapsed seconds, the reference, and when to trust it. A route that fails, or that
        R does not have for this kind of model, keeps its row, with the reason in ``note``.

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
    R functions: ``summary`` of lme4 and lmerTest, ``confint``, ``anova``, ``pbkrtest::PBmodcomp``,
    ``lme4::bootMer``, and ``update`` on resampled groups and rows. The case bootstrap draws the
    groups of the grouping factor with the fewest levels, then rows within each group; without
    random effects it draws rows.

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
    >>> ticks = pb.glm("TICKS ~ YEAR", pb.load_dataset("grouseticks"), family="poisson")
    >>> row = pb.compare_inference(ticks, "YEAR96", ["t"]).rows[0]
    >>> row.note
    "not taken: the family fixes the dispersion, so that R tests by z: take 'normal'"
    """
    given = (methods,) if isinstance(methods, str) else methods
    chosen = (
        usual_routes(fit) if given is None else options.each_of(given, options.Route, "methods")
    )
    effects = fit.fixed_effects("none") if isinstance(fit, MixedModel) else fit._estimates()
    request = Request(
        fit,
        row_of(effects, term, "term").term,
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


def _routes(request: Request, rows: Sequence[InferenceRoute]) -> InferenceRoutes:
    shared = request.term, request.conf_level, request.n_sim, request.seed
    return InferenceRoutes(tuple(rows), *shared, request.fit.n_obs)


def _take(route: Route, method: str, request: Request) -> InferenceRoute:
    figures: dict[str, Any] = dict.fromkeys(FIGURES)
    start, seconds = time.perf_counter(), None
    try:
        figures |= route.take(request)
        seconds = time.perf_counter() - start
    except RTimeoutError:
        raise
    except PymerError as error:
        # A route that fails must not lose the others.
        figures["note"] = f"not taken: {error}"
    return InferenceRoute(
        method=method,
        **figures,
        refitted=route.refitted,
        seconds=seconds,
        reference=route.reference,
        advice=(isinstance(request.fit, LinearModel) and route.alone) or route.advice,
    )
