"""Numbers for names that are known: what has labels is read by them, the rest by position.

Names are terms, levels, parameters or rows. What has labels is a Series, a frame, a mapping, or a
result of this package; their labels are the names, in any order, or an error names both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.spec.names import find_name
from pymer_bridge.spec.options import ContrastName, array_of, one_of

_FEW: Final = 5
"""Labels of rows that an error names."""


def number_text(value: float) -> str:
    """Return a number as R names the level of a factor: 15 digits, in the shorter notation."""
    if np.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    mantissa, exponent = f"{value + 0.0:.14e}".split("e")  # a negative zero reads "0"
    digits = mantissa.rstrip("0").rstrip(".")
    scientific = f"{digits}e{int(exponent):+03d}"
    n_digits = len(digits.lstrip("-").replace(".", ""))
    fixed = f"{value + 0.0:.{max(0, n_digits - 1 - int(exponent))}f}"
    return fixed if len(fixed) <= len(scientific) else scientific


def level_text(level: Any) -> str | None:
    """Return a label as R names the level of a factor; None for what is no level."""
    if type(level) in (str, int):
        return str(level)
    if isinstance(level, bool | np.bool_):
        return "TRUE" if level else "FALSE"  # as R's factor() names the levels of a logical
    if isinstance(level, float | np.floating):
        return None if np.isnan(level) else number_text(float(level))
    if isinstance(level, str | int | np.integer | pd.Timestamp | pd.Interval):
        return str(level)
    return None


def key_of(label: Any) -> Any:
    """Return what labels and names are compared by; levels of several factors are a tuple."""
    if isinstance(label, tuple):
        return tuple(map(key_of, label))
    text = level_text(label)
    return label if text is None else text


def _meant(label: Any, names: Sequence[Any]) -> Any:
    """Return the key of the name that a label means, with or without backticks."""
    key = key_of(label)
    found = find_name(key, names) if isinstance(key, str) else None
    return key if found is None else found


def labelled(given: Any) -> pd.Series[Any] | pd.DataFrame | None:
    """Return what has labels as a Series or a frame; None for what has none."""
    if isinstance(given, pd.Series | pd.DataFrame):
        return given
    if isinstance(given, Mapping):
        keys = np.empty(len(given), dtype=object)
        keys[:] = list(given)  # a key may be a tuple
        return pd.Series(
            list(given.values()),
            index=pd.Index(keys, tupleize_cols=False, dtype=object),  # read as they are
            dtype=object,
        )
    if any(base.__name__ == "AsArray" for base in type(given).__mro__):
        made: Any = given.to_series() if hasattr(given, "to_series") else given.to_frame()
        return made  # type: ignore[no-any-return]
    return None


def _by_position(labels: pd.Index, names: Sequence[Any]) -> bool:
    """Say whether labels only count, and are not themselves the names."""
    if isinstance(labels, pd.MultiIndex) or labels.dtype.kind not in "iu":
        return False
    return labels.equals(pd.RangeIndex(len(labels))) and not set(map(str, labels)) <= set(names)


def aligned(
    given: Any,
    known: Sequence[Any],
    argument: str,
    what: str,
    *,
    axis: int = 0,
    rest: float | None = None,
) -> Any:
    """Put what has labels in the order of the names that are known.

    Parameters
    ----------
    given
        Numbers. Labels that only count from 0 are none, unless the names do so too.
    known
        The names.
    argument, what
        Which argument it is, and what the names are, for errors.
    axis
        Of a frame: 0 if its rows have the names, 1 if its columns have.
    rest
        The number for names that no label has; None where each must be there.

    Returns
    -------
    An array in the order of the names; what has no labels as it was given.

    Raises
    ------
    OptionError
        A label is not known or stands twice, or a name is missing.
    """
    table = labelled(given)
    if table is None:
        return given
    axis = min(axis, table.ndim - 1)
    labels, names = table.axes[axis], [key_of(name) for name in known]
    values = table.to_numpy()
    if _by_position(labels, names):
        return values
    keys = [_meant(label, names) for label in labels]
    places = {key: place for place, key in enumerate(keys)}
    if len(places) < len(labels):
        twice = labels[pd.Index(keys, tupleize_cols=False).duplicated()].tolist()
        raise OptionError(
            f"{argument} names {listed(twice[:1])} twice; {what} are: {listed(known)}"
        )
    there = set(names)
    unknown = [label for label, key in zip(labels, keys, strict=True) if key not in there]
    if unknown:
        raise OptionError(f"{argument} names {listed(unknown)}; {what} are: {listed(known)}")
    missing = [name for name, key in zip(known, names, strict=True) if key not in places]
    if missing and rest is None:
        raise OptionError(
            f"{argument} names {listed(labels)}, and not {listed(missing)}; {what} are: "
            f"{listed(known)}"
        )
    if missing:
        shape = [1 if i == axis else n for i, n in enumerate(values.shape)]
        values = np.concatenate([values, np.full(shape, rest)], axis)  # found at -1
    return np.take(values, [places.get(key, -1) for key in names], axis)


def on_rows(given: Any, index: pd.Index, argument: str, rows: str = "data") -> Any:
    """Put what has labels of rows in the order of an index.

    Parameters
    ----------
    given
        Values; a Series, a frame or a result has labels.
    index
        The index of the rows.
    argument, rows
        Which argument it is, and whose rows they are, for errors.

    Returns
    -------
    The values on the index; what has no labels as it was given.

    Raises
    ------
    OptionError
        The labels are not those of the rows, or cannot be told apart.
    """
    table = labelled(given)
    if table is None or table.index.equals(index):
        return given if table is None else table
    theirs = table.index
    try:
        places = theirs.get_indexer(index)
    except Exception:  # each index of pandas raises what it likes, of labels that stand twice too
        places = np.array([-1])
    if len(theirs) == len(index) and index.is_unique and (places >= 0).all():
        return table.iloc[places]
    alone = [
        f"{whose} alone has {listed(few)}"
        for whose, few in ((argument, _few(theirs, index)), (rows, _few(index, theirs)))
        if few
    ]
    raise OptionError(
        f"{argument} is on another index than {rows} "
        f"({', '.join(alone) or 'some label stands twice'}): align it, as with .loc[data.index], "
        "or give its values with .to_numpy()"
    )


def _few(labels: pd.Index, others: pd.Index) -> list[Any]:
    there = set(others)
    return [label for label in labels if label not in there][:_FEW]


def _are_bools(values: NDArray[Any]) -> bool:
    if values.dtype.kind == "O":
        return all(isinstance(value, bool | np.bool_) for value in values.flat)
    return values.dtype.kind == "b"


def row_vector(
    given: Any, index: pd.Index, argument: str, dtype: type[np.float64] | type[np.bool_]
) -> NDArray[Any]:
    """Check a vector with one value per row (weights, offset, subset).

    Raises
    ------
    OptionError
        It is not one-dimensional, of another length, not of numbers, or its labels are not those
        of the data.
    """
    given = on_rows(given, index, argument, "the data")
    if dtype is np.bool_:
        wanted = f"{argument} must be an expression of columns, or a bool for each row"
        # numpy would take most numbers and texts for True, and R takes numbers for positions.
        bools = array_of(given, wanted, None)
        if bools.ndim != 1 or not _are_bools(bools):
            raise OptionError(wanted)
    wanted = f"{argument} must be a column's name or one number for each row"
    result = array_of(given, wanted, dtype)
    if result.shape != (len(index),):
        raise OptionError(
            f"{argument} has shape {result.shape}, and the data has {len(index)} rows"
        )
    result.flags.writeable = False
    return result


def column_among(given: str, known: Sequence[str], argument: str) -> str:
    """Return the column that a mapping by columns names.

    Raises
    ------
    OptionError
        The data has no such column.
    """
    name = find_name(given, known)
    if name is None:
        raise OptionError(
            f"{argument} name {shown(given)}, and the data has no such column; it has: "
            f"{', '.join(map(repr, known))}"
        )
    return name


def check_contrasts(
    contrasts: Mapping[str, Any] | None, columns: Iterable[str]
) -> tuple[tuple[str, Any], ...]:
    """Check contrasts: names of R's contrast functions, or matrices (levels by contrasts).

    Raises
    ------
    OptionError
        A column that is not there, or contrasts that are neither.
    """
    known = list(columns)
    result: list[tuple[str, Any]] = []
    if not isinstance(contrasts, Mapping | None):
        raise OptionError('contrasts must be a mapping, such as {"group": "contr.sum"}')
    for asked, given in (contrasts or {}).items():
        name = column_among(asked, known, "contrasts")
        if isinstance(given, str):
            # Only these: R looks the name up and calls what it finds.
            result.append((name, one_of(given, ContrastName, f"contrasts[{name!r}]")))
        else:
            result.append((name, _contrast_matrix(name, given)))
    return tuple(result)


def _contrast_matrix(name: str, given: Any) -> dict[str, Any]:
    wanted = f"contrasts[{name!r}] must be a name or a matrix of levels by contrasts"
    values = array_of(given, wanted)
    if values.ndim != 2:
        raise OptionError(wanted)
    values.flags.writeable = False
    table = labelled(given)
    rows, columns = table.axes if isinstance(table, pd.DataFrame) else (None, None)
    return {
        "values": values,
        "n_rows": values.shape[0],
        "row_names": None if rows is None else list(rows),
        "column_names": None if columns is None else list(map(str, columns)),
    }


def with_labels(contrasts: tuple[tuple[str, Any], ...], columns: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the columns, among these, whose contrasts have labels of rows."""
    there = set(columns)
    return tuple(
        name
        for name, given in contrasts
        if name in there and not isinstance(given, str) and given["row_names"] is not None
    )


def on_levels(
    contrasts: tuple[tuple[str, Any], ...], levels: Mapping[str, Sequence[str]]
) -> tuple[tuple[str, Any], ...]:
    """Put the rows of contrasts in the order of the levels that R has.

    Parameters
    ----------
    contrasts
        What :func:`check_contrasts` gives.
    levels
        The levels of each column whose contrasts have labels.

    Raises
    ------
    OptionError
        The labels of rows are not the levels.
    """
    return tuple(
        (name, given if isinstance(given, str) else _on_levels(given, levels.get(name), name))
        for name, given in contrasts
    )


def _on_levels(given: Mapping[str, Any], levels: Sequence[str] | None, name: str) -> dict[str, Any]:
    if levels is None:  # without labels, or of a column that the model does not use
        return {**given, "row_names": None}
    labels = pd.Index(given["row_names"], tupleize_cols=False)
    table = pd.DataFrame(given["values"], index=labels)
    argument, what = f"contrasts[{name!r}]", f"the levels of {name!r}"
    counted = _by_position(labels, levels)
    values = np.array(aligned(table, levels, argument, what))
    values.flags.writeable = False
    return {**given, "values": values, "row_names": None if counted else list(levels)}
