"""Intervals of the shares of variance: the bootstrap of ``fit.icc()`` and ``fit.r2()``."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from pymer_bridge.errors import OptionError
from pymer_bridge.models.base import Fitted
from pymer_bridge.r_script.journal import journal
from pymer_bridge.replicates import bootstrap as boot
from pymer_bridge.replicates import engine
from pymer_bridge.results import icc_r2
from pymer_bridge.results.bootstrap import BootstrapResult
from pymer_bridge.results.decode import record as decode
from pymer_bridge.session import asking
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import options

S = TypeVar("S", icc_r2.IntraclassCorrelation, icc_r2.RSquared)


def require_packages() -> None:
    """Load the packages of R that shares of variance need."""
    session().require("insight")
    for package in asking.ask("packages_of_shares"):
        session().require(package)


def with_intervals(
    model: Fitted, found: S, asked: tuple[float | None, int, int | None], how: engine.Running
) -> S:
    """Return shares with intervals, if a level is given."""
    conf_level, n_sim, seed = asked
    n, start = options.whole(n_sim, "n_sim", 1), options.random_seed(seed)
    level = None if conf_level is None else options.check_level(conf_level)
    names = tuple(column.name for column in found._columns)
    if level is None or any(getattr(found, name) is None for name in names):
        return found
    if model.spec.fitter == "nlmer":
        raise OptionError("conf_level: R has no bootstrap of nonlinear mixed models")
    request = boot.Request(
        kind="parametric",
        n_sim=n,
        seed=start,
        statistic="shares",
        plan={"statistic": "shares", "task": "responses", "check_convergence": False},
        options={"use_u": False},
        packages=("lme4", "insight"),
    )
    # Names in backticks confuse insight.
    readable = asking.ask("readable_copy", model=model._model)["model"]
    made: BootstrapResult = boot.run_bootstrap(readable, model.n_obs, request, how)
    columns = [made.names.index(name) for name in names]
    ends = asking.ask(
        "share_intervals",
        values=np.asfortranarray(made.replicates[:, columns]),
        n=len(names),
        conf_level=level,
    )
    lows, highs = (decode.numbers(ends, end, len(names)) for end in ("conf_low", "conf_high"))
    bootstrap = icc_r2.ShareBootstrap(
        tuple(icc_r2.ShareInterval(*pair) for pair in zip(lows, highs, strict=True)),
        level,
        n,
        decode.integer(ends, "n_without"),
        start,
    )
    whole = replace(
        found,
        bootstrap=bootstrap,
        warnings=(*found.warnings, *made.warnings),
        messages=(*found.messages, *made.messages),
    )
    given = {"conf_level": level, "n_sim": n, "seed": start}
    journal.note("share_bootstrap", {"model": model._model, "shares": found.title, **given}, whole)
    return whole


def check_alone(conf_level: float | None) -> None:
    """Refuse intervals of the shares of single groups, which R does not have."""
    if conf_level is not None:
        raise OptionError("by_group=True has no intervals: leave out conf_level")
