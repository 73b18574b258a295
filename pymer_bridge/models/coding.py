"""How factors are coded: as was asked by contrasts or hypotheses, and as a model has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.data import frames
from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.results.decode import record as decode
from pymer_bridge.session import asking
from pymer_bridge.spec import labels, options
from pymer_bridge.spec.model_spec import ModelSpec

_WANTED = 'such as {"group": {"a - b": {"a": 1, "b": -1}}}'


def coded(
    asked: ModelSpec,
    hypotheses: Mapping[str, Any] | None,
    frame: frames.AnyFrame,
    known: Sequence[str],
) -> ModelSpec:
    """Put the contrasts of a model on the levels that R has in the rows used.

    Parameters
    ----------
    asked
        The model, with what :func:`pymer_bridge.spec.labels.check_contrasts` gives.
    hypotheses
        For each factor named comparisons of its levels, which become its contrasts.
    frame
        The data.
    known
        The names of the columns that hypotheses may name.

    Raises
    ------
    OptionError
        A level is not there, or hypotheses cannot be the coefficients of a factor.
    """
    wanted = _by_factor(hypotheses, known, [name for name, _ in asked.contrasts])
    named = (*labels.with_labels(asked.contrasts, frame.names), *wanted)
    if not named:
        return replace(asked, contrasts=labels.on_levels(asked.contrasts, {}))
    plain = replace(asked, contrasts=()).to_r()
    found = asking.ask("contrast_levels", spec=plain, frame=frame.to_r(), columns=named)
    levels = {name: decode.texts(found["levels"], name) for name in named}
    contrasts = labels.on_levels(asked.contrasts, levels)
    for name, given in wanted.items():
        if name not in decode.texts(found, "factors"):
            raise OptionError(
                f"hypotheses name {shown(name)}, which is no factor of the fixed effects; these "
                f"are: {listed(decode.texts(found, 'factors'))} (make a column of numbers a "
                "Categorical)"
            )
        if name not in decode.texts(found, "coded"):
            raise OptionError(
                f"hypotheses[{name!r}]: each level of {shown(name)} has a coefficient of its own, "
                f"and none is a comparison: the formula needs an intercept, and {shown(name)} as a "
                "term of its own"
            )
        contrasts = (*contrasts, (name, _coding(name, given, levels[name])))
    return replace(asked, contrasts=contrasts)


def _by_factor(
    hypotheses: Any, known: Sequence[str], taken: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return the hypotheses of each factor by their names, the weights as they were given."""
    if not isinstance(hypotheses, Mapping | None):
        raise OptionError(f"hypotheses must be a mapping, {_WANTED}")
    result: dict[str, dict[str, Any]] = {}
    for asked, given in (hypotheses or {}).items():
        name = labels.column_among(asked, known, "hypotheses")
        if name in taken or name in result:
            raise OptionError(
                f"{shown(name)} has both contrasts= and hypotheses=: its coding can be one of them"
                if name in taken
                else f"hypotheses name {shown(name)} twice"
            )
        rows = dict(given.iterrows()) if isinstance(given, pd.DataFrame) else given
        if not isinstance(rows, Mapping) or not rows:
            raise OptionError(f"hypotheses[{name!r}] must name comparisons, {_WANTED}")
        texts = [labels.level_text(each) for each in rows]
        if not all(texts):
            raise OptionError(f"hypotheses[{name!r}] must name each comparison by a text")
        result[name] = dict(zip(map(str, texts), rows.values(), strict=True))
        if len(result[name]) < len(rows):
            raise OptionError(f"hypotheses[{name!r}] name a comparison twice: {listed(rows)}")
    return result


def _weights(given: Any, levels: Sequence[str], what: str) -> NDArray[np.float64]:
    """Return the weights of one comparison, a level each."""
    put = labels.aligned(given, levels, what, "the levels", rest=0.0)
    weights = options.array_of(put, f"{what} must be a number for each level, as in {{'a': 1}}")
    if weights.shape != (len(levels),):
        raise OptionError(
            f"{what} has shape {weights.shape}, and there are {len(levels)} levels: "
            f"{listed(levels)}"
        )
    if not np.isfinite(weights).all() or not weights.any():
        raise OptionError(f"{what} must be finite numbers, some of them other than 0")
    # As many digits as survive where thirds and the like are added.
    if abs(weights.sum()) > 1e-8 * np.max(np.abs(weights)):
        raise OptionError(
            f"{what} has weights whose sum is {weights.sum():g}: a comparison has the sum 0, and "
            "with another the intercept and the other coefficients would not be what they say"
        )
    return weights


def _coding(name: str, given: Mapping[str, Any], levels: tuple[str, ...]) -> dict[str, Any]:
    """Have R make the coding of a factor under which its coefficients are these comparisons."""
    argument = f"hypotheses[{name!r}]"
    rows = [_weights(each, levels, f"{argument}[{said!r}]") for said, each in given.items()]
    most = len(levels) - 1
    if len(rows) > most:
        raise OptionError(
            f"{argument} are {len(rows)} comparisons, and {len(levels)} levels have {most} that do "
            "not follow from each other; emmeans() and contest() test any number"
        )
    found = asking.ask(
        "coding_of_hypotheses", weights=np.concatenate(rows), names=list(given), levels=list(levels)
    )
    if decode.integer(found, "rank") < len(rows):
        raise OptionError(
            f"{argument}: {listed(given)} depend on each other, so that they cannot all be "
            "coefficients: leave out what follows from the others"
        )
    columns = decode.texts(found, "columns")
    values = decode.matrix(found["values"], len(levels), len(columns))
    return {
        "values": values,
        "n_rows": len(levels),
        "row_names": list(levels),
        "column_names": list(columns),
    }
