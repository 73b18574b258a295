"""One design fitted to many responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.data import frames
from pymer_bridge.data.columns import column_to_part
from pymer_bridge.data.frozen_arrays import frozen_array
from pymer_bridge.errors import DataConversionError, FormulaError, OptionError, listed, shown
from pymer_bridge.models.diagnosing import explaining, explaining_responses
from pymer_bridge.models.preparing import prepare
from pymer_bridge.replicates import engine
from pymer_bridge.replicates.collected import Collected
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.many_fits import ManyFits
from pymer_bridge.session import asking, deadlines, installation
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import formula_hints, options
from pymer_bridge.spec.arguments import checked
from pymer_bridge.spec.controls import Control, check_control
from pymer_bridge.spec.names import find_name, free_name

RESPONSE = ".response"
"""The name of the response in R."""


@checked
@deadlines.timed
@engine.stoppable
def fit_many(
    formula: str,
    data: Any,
    responses: Sequence[str] | str,
    *,
    reml: bool = True,
    weights: Any = None,
    offset: Any = None,
    contrasts: Mapping[str, Any] | None = None,
    hypotheses: Mapping[str, Any] | None = None,
    control: Control | None = None,
    ddf: options.Ddf = "none",
    check_convergence: bool = False,
    allow_functions: Sequence[str] = (),
    n_jobs: int = 1,
    progress: engine.Progress = False,
    checkpoint: str | Path | None = None,
    timeout: float | None = None,
) -> ManyFits:
    """Fit one model to many responses, reading the design once.

    Parameters
    ----------
    formula
        The right side of lme4's formula: ``"~ Days + (Days | Subject)"``.
    data
        A frame with the columns of the design and the responses.
    responses
        The names of the response columns.
    reml, weights, offset, contrasts, hypotheses, control, allow_functions
        As for :func:`pymer_bridge.lmer`.
    ddf
        Test the fixed effects of each response, as ``fixed_effects(ddf=)`` of its model does. For
        "satterthwaite" and "kenward-roger" ``lmer`` itself fits each response, which takes longer.
    check_convergence
        Also compute R's derivatives and convergence checks, which change no estimate.
    n_jobs, progress, checkpoint
        As for :meth:`LinearMixedModel.bootstrap`.
    timeout
        As for :func:`pymer_bridge.lmer`.

    Returns
    -------
    ManyFits
        The parameters of each response, equal to ``lmer``'s to the last bit, and how each fit
        ended: ``fits["y"]["Days"].p_value``. A response that cannot be fitted, such as one of text
        or with an infinity, has its ``error``, and the others are as they are without it.

    Raises
    ------
    FormulaError
        The formula has a left side, or cannot be parsed.
    DataConversionError
        The data lack a response, or no response is numeric.
    BootstrapInterrupted
        Ctrl-C; what was finished is in its ``partial``.
    RTimeoutError
        It did not end within ``timeout``; what was finished is in its ``partial``.

    Notes
    -----
    R functions: ``lFormula`` once, then the further steps of ``lmer`` for each response. A response
    with missing values uses other rows, and goes through ``lmer`` itself.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> data = pb.load_dataset("sleepstudy")
    >>> data["half"] = data["Reaction"] / 2
    >>> pb.fit_many("~ Days + (1 | Subject)", data, ["Reaction", "half"]).values.shape
    (2, 4)
    """
    if not formula.lstrip().startswith("~"):
        raise FormulaError(
            f"formula={shown(formula)} must be the right side alone, as in '~ x + (1 | group)'"
        )
    table = frames.as_pandas(data)
    names = _names_of(responses, table)
    values, refused = _numbers_of(table, names)
    ddf = options.one_of(ddf, options.Ddf, "ddf")
    packages = _required(ddf)
    design, response = _design_of(table, names)
    asked, frame = prepare(
        "lmer",
        f"{response} {formula}",
        design,
        weights=weights,
        offset=offset,
        subset=None,
        contrasts=contrasts,
        hypotheses=hypotheses,
        na_action="omit",
        data_name=None,
        allow_functions=allow_functions,
        reml=options.flag(reml, "reml"),
        control=check_control(control, "lmerControl"),
        start=None,
    )
    with explaining(asked, frame):
        template = asking.ask("fit_template", spec=asked.to_r(), frame=frame.to_r())

    def draw(state: list[int] | None) -> Any:
        return asking.ask("kept_draws", all=list(values.T))

    run = engine.Run(
        models=[template["model"]],
        plan={
            "task": "many",
            "ddf": ddf,
            "check_convergence": options.flag(check_convergence, "check_convergence"),
        },
        n=len(names),
        n_values=decode.integer(template, "n_values"),
        draw=draw,
        item_bytes=8 * len(table),
        header={"kind": "many", "responses": engine.digest(values), "of": [ddf, *names]},
        seeded=False,
        packages=packages,
    )

    def result(collected: Collected) -> ManyFits:
        return _many_fits(collected, names, template, refused, ddf=ddf, reml=bool(asked.reml))

    with explaining_responses((name, table[name]) for name in names):
        return engine.perform(run, engine.Running(n_jobs, progress, checkpoint), result)


def _names_of(responses: Sequence[str] | str, table: pd.DataFrame) -> tuple[str, ...]:
    given = (responses,) if isinstance(responses, str) else tuple(responses)
    known = dict.fromkeys(table.columns)  # not looked through for each of thousands
    return tuple(name if name in known else find_name(name, known) or name for name in given)


def _required(ddf: options.Ddf) -> tuple[str, ...]:
    """Load the packages that the figures need, and return their names."""
    packages = ("lme4", *installation.DDF_PACKAGES.get(ddf, ()))
    for package in packages:
        session().require(package)
    return packages


def _design_of(table: pd.DataFrame, names: Sequence[str]) -> tuple[pd.DataFrame, str]:
    """Return the data with one response in place of all, and its name."""
    design = table.drop(columns=list(names))
    response = free_name(RESPONSE, design.columns)  # it must not hide a predictor
    return design.assign(**{response: _any_response(len(table))}), response


def _numbers_of(
    table: pd.DataFrame, names: Sequence[str]
) -> tuple[NDArray[np.float64], dict[str, str]]:
    """Return the responses, rows by responses, and why some of them, all missing, are refused."""
    if not names or len(set(names)) != len(names):
        raise OptionError("responses must be one or more different names of columns")
    frames.column_names(table)
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise DataConversionError(
            f"responses: the data has no column {listed(missing)}; it has: "
            f"{', '.join(map(repr, table.columns))}"
            + formula_hints.on_its_line(
                formula_hints.missing_columns(missing, list(map(str, table.columns)))
            )
        )
    values = np.full((len(table), len(names)), np.nan, order="F")
    refused: dict[str, str] = {}
    for i, name in enumerate(names):
        try:
            kind = column_to_part(table[name], name)["kind"]
        except DataConversionError as error:
            refused[name] = str(error)
            continue
        if kind in ("numeric", "integer", "logical"):
            values[:, i] = table[name].to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            refused[name] = (
                f"the response {shown(name)} must be numeric, and is of dtype {table[name].dtype}"
            )
    if len(refused) == len(names):
        raise DataConversionError("\n".join(refused.values()))
    return values, refused


def _any_response(n_rows: int) -> NDArray[np.float64]:
    """Return an arbitrary response to read the design with, which no model fits exactly."""
    response: NDArray[np.float64] = np.sin(np.arange(1.0, n_rows + 1.0) ** 2)
    return response


def _many_fits(
    collected: Collected,
    names: Sequence[str],
    template: Any,
    refused: Mapping[str, str],
    **asked: Any,
) -> ManyFits:
    keys = template["names"]
    k = len(keys["names"])
    responses = tuple(names[i - 1] for i in collected.iterations)
    errors = zip(responses, collected.errors, strict=True)
    tests = np.split(collected.values[:, k:-2], 4, axis=1)
    std_errors, statistics, df, p_values = map(frozen_array, tests)
    return ManyFits(
        responses=responses,
        names=tuple(keys["names"]),
        effects=tuple(keys["effect"]),
        groups=tuple(keys["group"]),
        terms=tuple(keys["term"]),
        values=frozen_array(collected.values[:, :k]),
        std_errors=std_errors,
        criterion=frozen_array(collected.values[:, -2]),
        log_likelihood=frozen_array(collected.values[:, -1]),
        converged=frozen_array(collected.converged),
        singular=frozen_array(collected.singular),
        warnings=tuple(collected.warnings),
        messages=tuple(collected.messages),
        errors=tuple(refused.get(name, error) for name, error in errors),
        versions=dict(collected.versions),
        seconds=collected.seconds,
        statistics=statistics,
        df=df,
        p_values=p_values,
        **asked,
    )
