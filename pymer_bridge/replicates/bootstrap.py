"""A bootstrap: its request is checked, its responses are drawn, refitted and collected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, get_args

import numpy as np

from pymer_bridge.data.frozen_arrays import frozen_array
from pymer_bridge.errors import BootstrapWarning, FormulaError, OptionError, RError, shown
from pymer_bridge.replicates import engine, functions
from pymer_bridge.replicates.collected import Collected
from pymer_bridge.replicates.identity import identity
from pymer_bridge.results.base import of_rows
from pymer_bridge.results.bootstrap import BootstrapResult, BootstrapStatistic
from pymer_bridge.results.decode.record import numbers
from pymer_bridge.session import asking, conditions
from pymer_bridge.session.calls import Handle
from pymer_bridge.spec import formula_safety, options
from pymer_bridge.spec.names import find_name

ROWS: Final = ".obs"
"""What the rows of the data are called among the levels of a case bootstrap."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a bootstrap is asked for, checked.

    Attributes
    ----------
    kind, n_sim, seed, options
        As ``make_draws()`` in R takes them.
    statistic
        What the result calls it.
    plan
        As ``prepare_task()`` in R takes it.
    function, fit
        A statistic in Python, and the model that it is tried on.
    packages
        R packages that a worker needs.
    """

    kind: options.BootstrapKind
    n_sim: int
    seed: int | None
    statistic: str
    plan: Mapping[str, Any]
    options: Mapping[str, Any]
    function: functions.PythonStatistic | None = None
    fit: Any = None
    packages: tuple[str, ...] = ("lme4",)


def checked_statistic(
    statistic: str | Callable[[Any], Any], predicted: Mapping[str, Any], allowed: Sequence[str]
) -> dict[str, Any]:
    """Check a statistic, and return what ``statistic_of()`` in R takes.

    Parameters
    ----------
    statistic
        As the user gave it.
    predicted
        What goes with predictions alone: ``new_data``, ``re_form`` and ``allow_new_levels``.
    allowed
        The functions that the user allows.

    Raises
    ------
    OptionError
        It is not known, or has arguments that go with another one.
    FormulaError
        It is the text of a function that calls what it may not.
    """
    known = get_args(options.NamedStatistic)
    named = isinstance(statistic, str) and statistic
    if named == "predictions":
        return {"statistic": statistic, **predicted}
    if given := [name for name, value in predicted.items() if value is not None]:
        raise OptionError(f"{', '.join(given)} goes with statistic='predictions'")
    if callable(statistic):
        return {"statistic": "python"}
    if named in known:
        return {"statistic": statistic}
    if not isinstance(statistic, str) or not statistic.lstrip().startswith("function"):
        listed = ", ".join(map(repr, known))
        raise OptionError(
            f"statistic={shown(statistic)} is not accepted; choose one of: {listed}, or give the "
            "text of an R function of the fit, such as 'function(fit) sigma(fit)', or a Python "
            "function of the model, such as lambda model: model.sigma"
        )
    try:
        described = asking.ask("describe_function", text=statistic)
    except RError as error:
        short = formula_safety.shortened(statistic)
        raise FormulaError(f"R cannot read the statistic {short!r}: {error.message}") from error
    formula_safety.check_function(statistic, described, allowed, "statistic")
    return {"statistic": "code", "code": statistic}


def checked_resample(
    resample: Mapping[str, bool] | None, groups: Sequence[str]
) -> tuple[tuple[str, ...], tuple[bool, ...]]:
    """Check which levels are resampled, and return them with the rows last.

    Raises
    ------
    OptionError
        Nothing is resampled, or a level is not there.
    """
    listed = ", ".join(map(repr, (*groups, ROWS)))
    example = ", ".join(f"{name!r}: True" for name in groups[-1:])
    if not isinstance(resample, Mapping) or not resample:
        raise OptionError(
            f"a case bootstrap needs the levels to resample: resample={{{example}}}; the levels "
            f"of this model are: {listed}"
        )
    chosen: dict[str, bool] = {}
    rows_too = () if ROWS in groups else (ROWS,)  # a group may be called so
    for given, value in resample.items():
        name = find_name(given, (*groups, *rows_too))
        if name is None:
            raise OptionError(
                f"resample names {shown(given)}; the levels of this model are: {listed}"
            )
        if name in chosen:
            raise OptionError(f"resample names {name!r} twice, with and without backticks")
        chosen[name] = options.flag(value, f"resample[{given!r}]")
    if not any(chosen.values()):
        raise OptionError("resample draws nothing: at least one level must be True")
    rows = chosen.pop(ROWS, False) if rows_too else False
    return tuple(chosen), (*chosen.values(), rows)


def run_bootstrap(
    model: Handle, n_obs: int, request: Request, how: engine.Running
) -> BootstrapResult:
    """Draw, refit and collect.

    Raises
    ------
    BootstrapInterrupted, RTimeoutError
        The user interrupted, or the deadline has passed; ``partial`` is a result of what was
        finished, or None.
    """
    said = asking.Said()
    function = request.function
    if function is None:
        described = asking.ask("describe_statistic", said=said, model=model, plan=request.plan)
    else:
        function, described = function.tried(request.fit)
    observed = described["observed"]
    item_bytes = n_obs * (4 if request.kind == "case" else 8)

    def draw(state: list[int] | None) -> Any:
        return asking.ask(
            "make_draws",
            said=said,
            model=model,
            kind=request.kind,
            n_sim=request.n_sim,
            seed=request.seed,
            state=state,
            options=request.options,
            at_once=engine.at_once(request.n_sim, item_bytes),
        )

    run = engine.Run(
        models=[model],
        plan=request.plan,
        n=request.n_sim,
        n_values=len(observed),
        draw=draw,
        item_bytes=item_bytes,
        in_blocks=True,
        header={
            "kind": request.kind,
            "seed": request.seed,
            "statistic": _identity(request, how),
            "options": engine.digest(request.options),
        },
        function=function,
        packages=request.packages,
    )

    def result(collected: Collected) -> BootstrapResult:
        return said.on(of_rows(_result(described, collected, request), n_obs))

    made = engine.perform(run, how, result)
    counts = made.counts
    if counts.n_failed:
        last = next(error for error in reversed(made.errors) if error is not None)
        text = f"{counts.n_failed} of {counts.n_sim} replicates failed; the last said: {last}"
        made = replace(made, warnings=(*made.warnings, text))
        conditions.warn(BootstrapWarning(text), made)
    if function is not None and (text := function.warned(made.replicate_warnings)):
        made = replace(made, warnings=(*made.warnings, text))
        conditions.warn(BootstrapWarning(text), made)
    return made


def _identity(request: Request, how: engine.Running) -> str:
    """Return what a checkpoint knows of the statistic."""
    plan = engine.digest(request.plan)
    if request.function is None or how.checkpoint is None:
        return plan
    return f"{identity(request.function.function)} {plan}"


def _result(
    described: Mapping[str, Any], collected: Collected, request: Request
) -> BootstrapResult:
    summary = asking.ask(
        "summarise_replicates",
        values=np.asfortranarray(collected.values),
        observed=described["observed"],
    )
    n = len(described["names"])
    levels = described.get("level") or (None,) * n
    columns = zip(
        *(described[name] for name in ("names", "labels", "effect", "group")),
        levels,
        described["term"],
        described["observed"].tolist(),
        *(numbers(summary, name, n) for name in ("bias", "std_error")),
        strict=True,
    )
    return BootstrapResult(
        rows=tuple(BootstrapStatistic(*row) for row in columns),
        replicates=frozen_array(collected.values),
        iterations=frozen_array(collected.iterations),
        kind=request.kind,
        statistic=request.statistic,
        converged=frozen_array(collected.converged),
        singular=frozen_array(collected.singular),
        replicate_warnings=tuple(collected.warnings),
        replicate_messages=tuple(collected.messages),
        errors=tuple(collected.errors),
        seed=request.seed,
        generator=collected.generator,
        versions=dict(collected.versions),
        seconds=collected.seconds,
    )
