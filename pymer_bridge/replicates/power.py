"""Power: the run that tests each response that a design draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from pymer_bridge.data.frozen_arrays import frozen_array
from pymer_bridge.errors import BootstrapWarning
from pymer_bridge.replicates import engine
from pymer_bridge.replicates.collected import Collected
from pymer_bridge.replicates.power_tests import Asked, numbered, planned, ways
from pymer_bridge.results.decode import design as decode
from pymer_bridge.results.decode import record as decode_record
from pymer_bridge.results.power import Power
from pymer_bridge.session import asking, conditions, installation
from pymer_bridge.session.calls import Handle
from pymer_bridge.session.r_session import session

FIGURES = 5
"""What a test has of each response: estimate, standard error, df, statistic, p-value."""


@dataclass(frozen=True, slots=True)
class Source:
    """What draws.

    Attributes
    ----------
    design
        The design in R, with its parameters.
    spec
        What ``model_call()`` in R takes.
    shown
        The formula of the design.
    n_obs
        How many rows a response has.
    rows
        The numbers, from 1, of the rows of the design that are kept, or None for all.
    state
        A state of R's generator from which is drawn, in place of the seed.
    """

    design: Handle
    spec: Mapping[str, Any]
    shown: str
    n_obs: int
    rows: Any = None
    state: list[int] | None = None


class Ran(NamedTuple):
    """A power analysis that ran.

    Attributes
    ----------
    power
        Its result.
    state
        That of R's generator before the draws.
    of_script
        The models that were fitted and the tests, as scripts take them.
    """

    power: Power
    state: list[int]
    of_script: Mapping[str, Any]


def run_power(source: Source, asked: Asked, how: engine.Running) -> Ran:
    """Draw, fit and test.

    Raises
    ------
    BootstrapInterrupted, RTimeoutError
        The user interrupted, or the deadline has passed; ``partial`` is the power of what was
        finished, or None.
    """
    said = asking.Said()
    method = "satterthwaite" if asked.ddf == "anova" else asked.ddf
    packages = ("lme4", *installation.DDF_PACKAGES.get(method, ()))
    for package in packages:
        session().require(package)
    layout = asking.ask("power_layout", said=said, design=source.design, formula=asked.formula)
    tests = planned(asked, layout)
    models = ways(tests, linear=source.spec["fitter"] == "lmer")
    made = asking.ask(
        "power_models",
        said=said,
        design=source.design,
        formula=asked.formula,
        reml=[reml for reml, _ in models],
        smaller=[smaller for _, smaller in models],
        spec=source.spec,
        rows=source.rows,
        tests=tests,
    )
    plan = {
        "task": "power",
        "ddf": method,
        "sizes": made["sizes"],
        "tests": numbered(tests, models),
    }
    run = engine.Run(
        models=list(made["models"]),
        plan=plan,
        n=asked.n_sim,
        n_values=FIGURES * len(tests),
        draw=_drawing(source, asked, said),
        item_bytes=8 * source.n_obs,
        header={"kind": "power", "seed": asked.seed, "of": engine.digest(plan)},
        packages=packages,
    )
    states: list[int] = []

    def result(collected: Collected) -> Power:
        states[:] = collected.state
        return said.on(_power(collected, source, asked, tests, made))

    drawn = _warned(engine.perform(run, how, result))
    pairs = zip(tests, plan["tests"], strict=True)
    of_script = [{**test, **number, **_names(test, layout)} for test, number in pairs]
    return Ran(drawn, states, {"fitted": models, "tests": of_script})


def _names(test: Mapping[str, Any], layout: Mapping[str, Any]) -> dict[str, Any]:
    """Return the names that scripts need of a test."""
    weights = {"weights": test["weights"].tolist()} if "weights" in test else {}
    coefficients = decode_record.texts(layout, "coefficients")
    return {"name": test["name"], "coefficients": coefficients, **weights}


def _drawing(
    source: Source, asked: Asked, said: asking.Said
) -> Callable[[list[int] | None], Mapping[str, Any]]:
    """Return the function that draws responses."""

    def draw(state: list[int] | None) -> Any:
        return asking.ask(
            "make_design_draws",
            said=said,
            design=source.design,
            n_sim=asked.n_sim,
            seed=asked.seed,
            state=source.state if state is None else state,
            rows=source.rows,
        )

    return draw


def _power(
    collected: Collected,
    source: Source,
    asked: Asked,
    tests: list[dict[str, Any]],
    made: Mapping[str, Any],
) -> Power:
    """Return the result of what was collected."""
    n, kinds = len(collected.errors), [test["kind"] for test in tests]
    rows = asking.ask(
        "power_figures",
        lambda record: decode.tests_of(record, [test["name"] for test in tests], kinds),
        values=collected.values.ravel(),
        n_tests=len(tests),
        truth=made["truth"],
        has_interval=[kind in ("coefficient", "contrast") for kind in kinds],
        alpha=asked.alpha,
        conf_level=asked.conf_level,
        singular=collected.singular,
        converged=collected.converged,
    )
    failed = np.array([error is not None for error in collected.errors])
    parts = collected.values.reshape(n, len(tests), FIGURES)
    names = ("estimates", "std_errors", "df", "statistics", "p_values")
    arrays = {name: frozen_array(parts[:, :, i]) for i, name in enumerate(names)}
    return Power(
        rows=rows,
        formula=decode_record.text(made, "formula"),
        n_obs=source.n_obs,
        ddf=asked.ddf,
        alpha=asked.alpha,
        conf_level=asked.conf_level,
        n_sim=n,
        seed=asked.seed,
        n_failed=int(failed.sum()),
        n_singular=int((collected.singular & ~failed).sum()),
        n_not_converged=int((~collected.converged & ~failed).sum()),
        singular=frozen_array(collected.singular),
        converged=frozen_array(collected.converged),
        errors=tuple(collected.errors),
        fit_warnings=tuple(collected.warnings),
        fit_messages=tuple(collected.messages),
        generator=collected.generator,
        versions=dict(collected.versions),
        seconds=collected.seconds,
        **arrays,
    )


def _warned(made: Power) -> Power:
    if made.n_failed:
        last = next(error for error in reversed(made.errors) if error is not None)
        text = (
            f"{made.n_failed} of {made.n_sim} fits failed, and count as not rejected; the last "
            f"said: {last}"
        )
        made = replace(made, warnings=(*made.warnings, text))
        conditions.warn(BootstrapWarning(text), made)
    return made
