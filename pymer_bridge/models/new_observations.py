"""Intervals for new observations of a mixed model, by a bootstrap or by simulation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.data.frames import Frame
from pymer_bridge.data.frozen_arrays import frozen_floats
from pymer_bridge.errors import OptionError
from pymer_bridge.models.base import Fitted
from pymer_bridge.replicates import engine
from pymer_bridge.replicates.collected import Collected
from pymer_bridge.results.decode import internals as decode
from pymer_bridge.results.prediction import Predictions
from pymer_bridge.session import asking
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import labels, options


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for, checked.

    Attributes
    ----------
    method
        "boot" or "simulation".
    re_form
        None for known groups, "population" for new ones.
    n_sim, seed, conf_level
        As given.
    use_u
        Does the bootstrap keep the random effects?
    weights
        Prior weights, over the rows; None for those of the data, or ones at new data.
    """

    method: options.PredictionMethod
    re_form: str | None
    n_sim: int
    seed: int | None
    conf_level: float
    use_u: bool
    weights: NDArray[np.float64] | None

    def uncertainty(self, *, linear: bool) -> tuple[str, ...]:
        """Return which uncertainties are in the intervals.

        Parameters
        ----------
        linear
            Is it a linear mixed model?
        """
        new = self.re_form == "population"
        if self.method == "simulation":
            groups = () if new else ("random effects",)
            return ("fixed effects", *groups, *(("residual",) if linear else ()))
        groups = ("random effects of new groups",) if new else ("random effects",)
        return ("fixed effects", "variance parameters", *groups, "residual")


def checked(
    model: Fitted,
    re_form: str | None,
    scale: str,
    given: Mapping[str, Any],
    rows: pd.Index,
    *,
    wanted: bool,
) -> Asked | None:
    """Check what is asked for; it is None where no such intervals are wanted.

    Parameters
    ----------
    model
        The model.
    re_form, scale
        As for ``predict()``.
    given
        The other arguments.
    rows
        The rows that are predicted.
    wanted
        Are intervals for new observations asked for?

    Raises
    ------
    OptionError
        An argument is not accepted, or does not go with the others.
    """
    if not wanted:
        if extra := [name for name in ("use_u", "weights") if given[name] is not None]:
            raise OptionError(f"{', '.join(extra)} goes with interval='prediction'")
        return None
    if model.spec.fitter == "nlmer":
        raise OptionError("interval='prediction': R has no bootstrap of nonlinear mixed models")
    refused = ("std_error", "allow_new_levels")
    if wrong := [name for name in refused if given[name]]:
        raise OptionError(
            f"interval='prediction' goes without {', '.join(wrong)}; the effects of new groups are "
            "drawn where re_form='population'"
        )
    if re_form not in (None, "population"):
        raise OptionError(
            "interval='prediction' takes re_form=None, for groups of the data, or 'population', "
            "for new groups, whose effects are drawn"
        )
    if scale == "link" and model.spec.fitter != "lmer":
        raise OptionError(
            "interval='prediction' is for new observations: give type='response', their scale"
        )
    method = options.one_of(given["method"], options.PredictionMethod, "method")
    use_u, weights = given["use_u"], given["weights"]
    if method == "simulation" and (use_u is not None or weights is not None):
        raise OptionError("use_u and weights go with method='boot'")
    return Asked(
        method,
        re_form,
        options.whole(given["n_sim"], "n_sim", 2),
        options.random_seed(given["seed"]),
        given["conf_level"],
        re_form is None if use_u is None else options.flag(use_u, "use_u"),
        None if weights is None else labels.row_vector(weights, rows, "weights", np.float64),
    )


def predicted(
    model: Fitted, point: Predictions, frame: Frame | None, asked: Asked, how: engine.Running
) -> Predictions:
    """Return predictions with intervals for new observations.

    Parameters
    ----------
    model
        The model.
    point
        The predictions without intervals.
    frame
        The new data; None for the data themselves.
    asked
        What is asked for.
    how
        Where a bootstrap runs.
    """
    made: dict[str, Any] = {
        "conf_level": asked.conf_level,
        "interval": "prediction",
        "method": asked.method,
        "uncertainty": asked.uncertainty(linear=model.spec.fitter == "lmer"),
        "n_sim": asked.n_sim,
        "seed": asked.seed,
    }
    new_data = None if frame is None else frame.to_r()
    if asked.method == "simulation":
        session().require("merTools")
        rows = model._index if frame is None else frame.index
        found = model._ask_anew(
            "predict_by_simulation",
            lambda record: decode.predictions(
                record, rows, point.scale, asked.re_form, asked.conf_level
            ),
            new_data=new_data,
            population=asked.re_form == "population",
            n_sim=asked.n_sim,
            seed=asked.seed,
            conf_level=asked.conf_level,
        )
        return replace(found, **made)
    low, high, said = _ends(model, new_data, asked, how)
    return replace(said.on(point), conf_low=low, conf_high=high, **made)


def _ends(
    model: Fitted, new_data: Any, asked: Asked, how: engine.Running
) -> tuple[NDArray[np.float64], NDArray[np.float64], asking.Said]:
    """Return the ends of the intervals by a bootstrap, and what R said."""
    said = asking.Said()
    plan = {
        "task": "responses",
        "statistic": "observations",
        "new_data": new_data,
        "re_form": asked.re_form,
        "check_convergence": False,
    }
    handle = model._model
    observed = asking.ask("describe_statistic", said=said, model=handle, plan=plan)["observed"]
    drawn: dict[str, Any] = {}

    def draw(state: list[int] | None) -> Any:
        drawn["last"] = asking.ask(
            "make_draws",
            said=said,
            model=handle,
            kind="parametric",
            n_sim=asked.n_sim,
            seed=asked.seed,
            state=state,
            options={"use_u": asked.use_u},
            at_once=engine.at_once(asked.n_sim, 8 * model.n_obs),
        )
        return drawn["last"]

    def read(collected: Collected) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        ends = asking.ask(
            "new_observation_ends",
            said=said,
            model=handle,
            values=np.asfortranarray(collected.values),
            observed=observed,
            draws=drawn["last"]["draws"],
            plan=plan,
            weights=asked.weights,
            conf_level=asked.conf_level,
        )
        return frozen_floats(ends["conf_low"]), frozen_floats(ends["conf_high"])

    run = _run(model, plan, asked, len(observed), draw)
    low, high = engine.perform(run, how, read, lambda collected: collected.values)
    return low, high, said


def _run(
    model: Fitted,
    plan: Mapping[str, Any],
    asked: Asked,
    n_values: int,
    draw: Callable[[list[int] | None], Any],
) -> engine.Run:
    """Return the run of the bootstrap."""
    return engine.Run(
        models=[model._model],
        plan=plan,
        n=asked.n_sim,
        n_values=n_values,
        draw=draw,
        item_bytes=8 * model.n_obs,
        in_blocks=True,
        header={
            "kind": "new observations",
            "seed": asked.seed,
            "use_u": asked.use_u,
            "statistic": engine.digest(plan),
        },
    )
