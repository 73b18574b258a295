"""Why a fit failed: the culprit in the data, looked for after R has stopped, and never before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

import numpy as np
import pandas as pd

from pymer_bridge.data.frames import AnyFrame, Frame
from pymer_bridge.data.new_data import ColumnKind
from pymer_bridge.errors import RError, listed
from pymer_bridge.session import asking, deadlines
from pymer_bridge.spec.model_spec import ModelSpec

MOST_SAID: Final = 3
"""Culprits that an error names."""

MOST_ROWS: Final = 5
"""Rows of one culprit that it names."""

_SAID: Final = {
    "infinite": "{what} is infinite in {rows}{there}: replace such values, or leave the rows out",
    "one_level": "{what} has only the level {detail!r} in the {n} rows that are used: {leave}",
    "text": "{what} is not numeric (R: {detail}): {number}",
    "text_in": "{what} in {detail!r} is text or a factor, not a number: convert it with "
    "pd.to_numeric(), or write factor() for it",
    "missing": "{what} has missing values, in {rows}: na_action='omit' leaves such rows out",
    "missing_in": "{what} has missing values in {rows}, which {detail!r} cannot have: drop them "
    "before, as with data.dropna()",
    "negative": "{what} is negative in {rows}: weights are at least 0",
    "all_zero": "{what} is 0 in each of the {n} rows that are used: give some row a weight",
    "outside": "{what} must be {detail}, and is not in {rows}",
    "condition": "{what} is read as one term: write each condition within I(), as in I(x == 1)",
    "no_condition": "{what} must be a condition, such as 'x > 0'",
    "no_subset": "No row is left: subset= holds for none",
    "all_missing": "{what} is missing in each row, so that none is left",
    "no_overlap": "No row is left: each of {n} lacks some value ({detail})",
}
_ROLES: Final = {"predictor": "", "group": "The grouping factor ", "data": ""}
_LEAVE: Final = {
    "predictor": "leave it out, or look at subset= and at missing values",
    "group": "without a second level there is no variance to estimate",
}
_NUMBERS: Final = {
    ("response", False): "convert it, as with pd.to_numeric(); pb.glmer() takes one of two levels "
    "with family='binomial'",
    ("response", True): "it may be 0 and 1, or a Categorical of two levels",
}
_UNSTABLE: Final = "Downdated VtV is not positive|PIRLS (?:loop|step-halving)|pwrssUpdate did not"
_NONLINEAR: Final = (
    "nlmer() takes three parts, as in 'y ~ SSlogis(x, Asym, xmid, scal) ~ Asym | group'"
)
_ODD_GROUP: Final = (
    "From version 2 of lme4, lmList() reads a group's name as code: rename the group to one word "
    "of letters, digits and _"
)


def rows_text(index: pd.Index, positions: Any, n: int) -> str:
    """Name rows by their labels: the first ones, and how many more there are.

    Parameters
    ----------
    index
        The index of the data.
    positions
        Positions in it, of the first ones.
    n
        How many rows there are.
    """
    labels = ", ".join(repr(label) for label in index[list(positions)].tolist())
    more = n - len(positions)
    return f"row{'s' if n > 1 else ''} {labels}{f' and {more} more' if more else ''}"


def _sentence(found: Mapping[str, Any], index: pd.Index, binomial: bool) -> str:
    kind, role, what, detail = (str(found[name][0]) for name in ("kind", "role", "what", "detail"))
    rows = found["rows"]
    n = int(found["n_rows"][0])
    if role in ("weights", "offset", "subset"):
        name = f"{role}=" if what == role else f"{role}={what!r}"
    else:
        name = f"{_ROLES.get(role, 'The response ')}{what!r}"
    return _SAID[kind].format(
        what=name,
        rows=rows_text(index, [] if rows is None else rows - 1, n),
        n=n,
        detail=detail,
        there=f", where {detail}" if detail else "",
        leave=_LEAVE.get(role, ""),
        number=_NUMBERS.get((role, binomial), "give numbers"),
    )


def _found(operation: str, **arguments: Any) -> Sequence[Mapping[str, Any]]:
    """Ask R for findings; there are none where it fails again."""
    try:
        with deadlines.lifted():
            return tuple(asking.ask(operation, **arguments) or ())
    except RError:
        return ()


def _sentences(error: RError, spec: ModelSpec, frame: AnyFrame) -> list[str]:
    if "No random effects terms" in error.message:
        return []
    said = [_NONLINEAR] if spec.fitter == "nlmer" and spec.formula.count("~") < 2 else []
    found = _found("diagnose_fit", spec=spec.to_r(), frame=frame.to_r())
    binomial = spec.family is not None and "binomial" in spec.family.name
    said += [_sentence(each, frame.index, binomial) for each in found]
    if not said and spec.fitter == "lmList" and "str2lang" in error.call:
        said = [_ODD_GROUP]
    if not said and re.search(_UNSTABLE, error.message):
        said = [
            "Predictors may be on very different scales: write scale(x), or try another control="
        ]
    return list(dict.fromkeys(said))


@contextmanager
def _explained(by: Callable[[RError], Sequence[str]]) -> Iterator[None]:
    """Put what is known of the cause below R's own message of an error."""
    try:
        yield
    except RError as error:
        error.remedies = (*error.remedies, *by(error)[:MOST_SAID])
        raise


def explaining(spec: ModelSpec, frame: AnyFrame) -> AbstractContextManager[None]:
    """Have an error of R, raised within a ``with``, name what in the data is the culprit.

    Parameters
    ----------
    spec, frame
        What is fitted, to which data.

    Raises
    ------
    RError
        R stopped: its own message, and below it what is known of the cause.
    """
    return _explained(lambda error: _sentences(error, spec, frame))


def explaining_new_data(
    kinds: Callable[[], Mapping[str, ColumnKind]], frame: Frame | None
) -> AbstractContextManager[None]:
    """Have an error of R, raised within a ``with``, name columns whose levels the model has not.

    Parameters
    ----------
    kinds, frame
        Gives the columns of the model, and the new data; None for its own.

    Raises
    ------
    RError
        R stopped: its own message, and below it what is known of the cause.
    """

    def sentences(error: RError) -> list[str]:
        if frame is None:
            return []
        known, columns = kinds(), zip(frame.names, frame.parts, strict=True)
        return [said for name, part in columns if (said := _of_levels(name, part, known[name]))]

    return _explained(sentences)


def _of_levels(name: str, part: Mapping[str, Any], own: ColumnKind) -> str:
    if own.kind != "factor" or "levels" not in part:
        return ""
    used = set(part["values"].tolist())
    known = set(own.levels)
    new = [level for i, level in enumerate(part["levels"], 1) if i in used and level not in known]
    if not new:
        return ""
    return f"new_data[{name!r}] has levels that the model has not: {listed(new)}"


def explaining_responses(
    responses: Iterable[tuple[Any, pd.Series[Any]]],
) -> AbstractContextManager[None]:
    """Have an error of R, raised within a ``with``, name what is wrong with new responses.

    Parameters
    ----------
    responses
        Their names and columns; looked at only where R has stopped.

    Raises
    ------
    RError
        R stopped: its own message, and below it what is known of the cause.
    """

    def sentences(error: RError) -> list[str]:
        named = ((f"The response {name!r}", column) for name, column in responses)
        found = (_of_response(name, column, labels=not error.call) for name, column in named)
        return list(filter(None, found))

    return _explained(sentences)


def _of_response(name: str, column: pd.Series[Any], *, labels: bool) -> str:
    if not pd.api.types.is_numeric_dtype(column.dtype):
        # An error without a call is ours, and says what is wrong with labels.
        return "" if labels else f"{name} is not numeric, but of dtype {column.dtype}"
    values = column.to_numpy(np.float64, na_value=np.nan)
    if np.isnan(values).all():
        return f"{name} is missing in each row"
    where = np.flatnonzero(np.isinf(values))
    if not where.size:
        return ""
    rows = rows_text(column.index, where[:MOST_ROWS], len(where))
    return f"{name} is infinite in {rows}: replace such values, or leave the rows out"
