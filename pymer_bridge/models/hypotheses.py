"""Linear hypotheses on the fixed effects: as they are asked, as R takes them, and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.models.base import Fitted
from pymer_bridge.spec import labels, options
from pymer_bridge.spec.names import find_name

Weights = Mapping[str, float] | Sequence[float]
Contrasts = (
    Mapping[str, Weights | float]
    | Sequence[Weights]
    | Sequence[float]
    | NDArray[Any]
    | pd.DataFrame
)


def term_weights(terms: Sequence[str], weights: Weights, what: str) -> list[float]:
    """Put the weights of one contrast in the order of the fixed effects.

    Raises
    ------
    OptionError
        A term that is not in the model, or not one weight per term.
    """
    weights = labels.aligned(weights, terms, what, "the fixed effects", rest=0.0)
    given = options.array_of(weights, f"{what} must be one number for each term")
    if given.shape != (len(terms),):
        sizes = " by ".join(map(str, given.shape)) or "no"
        raise OptionError(f"{what} has {sizes} weights, but the model has {len(terms)} terms")
    return [float(weight) for weight in given]


def labels_of(model: Fitted, given: str | Sequence[str], argument: str) -> tuple[str, ...]:
    """Return R's labels of the terms that an argument names.

    Raises
    ------
    OptionError
        One is not a term of the model.
    """
    known = model._ask("term_labels", tuple)
    meant = [(name, find_name(name, known)) for name in options.names_of(given, argument)]
    for name, label in meant:
        if label is None:
            raise OptionError(
                f"{argument}={shown(name)} is not a term of the model; its terms are: "
                f"{', '.join(map(repr, known)) or 'none'}"
            )
    return tuple(str(label) for _, label in meant)


def _named_rows(contrasts: Any, terms: Sequence[str]) -> tuple[list[str], list[Any]]:
    """Return a name and weights for each row of the contrasts.

    Raises
    ------
    OptionError
        There are none, or a mapping names terms instead of rows.
    """
    table = labels.labelled(contrasts)
    rows: list[Any]
    if isinstance(table, pd.DataFrame):
        rows = [row for _, row in table.iterrows()]
        counted = table.index.equals(pd.RangeIndex(len(table)))
        names = [str(i + 1) if counted else str(label) for i, label in enumerate(table.index)]
        if set(names) <= set(terms) and not set(map(str, table.columns)) <= set(terms):
            raise OptionError("contrasts has terms as its rows: give .T, with a row a contrast")
    elif isinstance(contrasts, Mapping):
        names, rows = list(map(str, contrasts)), list(contrasts.values())
        if any(isinstance(row, int | float | str) for row in rows):
            raise OptionError('contrasts as a mapping name each row, as in {"a week": {"Days": 7}}')
    elif table is not None:
        names, rows = ["1"], [contrasts]
    else:
        given = list(np.atleast_1d(contrasts) if isinstance(contrasts, np.ndarray) else contrasts)
        alone = bool(given) and all(isinstance(item, int | float | np.number) for item in given)
        rows = [given] if alone else given
        names = [str(i + 1) for i in range(len(rows))]
    if len(set(names)) < len(names):
        raise OptionError(f"contrasts name a row twice: {listed(names)}")
    if not rows:
        raise OptionError("contrasts must have at least one row")
    return names, rows


def hypotheses(
    model: Fitted, contrasts: Contrasts, rhs: float | Sequence[float] | Mapping[str, float]
) -> dict[str, Any]:
    """Return linear hypotheses on the fixed effects, as R takes them.

    Parameters
    ----------
    model
        The model.
    contrasts, rhs
        As for :meth:`Testing.contest`.

    Raises
    ------
    OptionError
        A term is not in the model, or sizes do not match.
    """
    terms = model._terms()
    names, rows = _named_rows(contrasts, terms)
    weights = [
        weight
        for name, row in zip(names, rows, strict=True)
        for weight in term_weights(terms, row, f"contrast {name!r}")
    ]
    rhs = labels.aligned(rhs, names, "rhs", "the contrasts")
    values = [float(rhs)] * len(rows) if isinstance(rhs, int | float) else list(map(float, rhs))
    if len(values) != len(rows):
        raise OptionError(f"rhs has {len(values)} values, and there are {len(rows)} contrasts")
    return {"contrasts": tuple(weights), "names": tuple(names), "rhs": tuple(values)}


def said(asked: Mapping[str, Any], terms: Sequence[str]) -> tuple[str, ...]:
    """Return hypotheses in words: "a week: 7 Days = 0"."""
    weights = np.reshape(asked["contrasts"], (-1, len(terms)))
    lines = []
    for name, row, value in zip(asked["names"], weights, asked["rhs"], strict=True):
        parts = [
            f"{'-' if weight < 0 else '+'} {'' if abs(weight) == 1 else f'{abs(weight):g} '}{term}"
            for weight, term in zip(row, terms, strict=True)
            if weight
        ]
        sum_ = " ".join(parts or ["0"]).removeprefix("+ ")
        sum_ = f"-{sum_[2:]}" if sum_.startswith("- ") else sum_
        lines.append(f"{name}: {sum_} = {value:g}")
    return tuple(lines)
