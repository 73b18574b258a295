"""Any data frame to checked columns ready for R, and back.

pandas, polars and pyarrow frames are taken. Columns cross as parts, see
:mod:`pymer_bridge.data.columns`; the R side (``r/frames.R``) puts them together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

import numpy as np
import pandas as pd

from pymer_bridge.data.columns import Part, column_to_part, unfit_for_r
from pymer_bridge.data.columns_from_r import column_from_part
from pymer_bridge.errors import DataConversionError, OptionError, shown
from pymer_bridge.spec import labels


@dataclass(frozen=True, slots=True)
class Frame:
    """Columns ready for R, and the index that results come back on."""

    names: tuple[str, ...]
    parts: tuple[Part, ...]
    index: pd.Index

    def to_r(self) -> dict[str, Any]:
        """Return the nested mapping that ``frame_from_parts()`` in R takes."""
        return {"names": self.names, "n_rows": len(self.index), "parts": self.parts}


@dataclass(frozen=True, slots=True)
class KeptFrame:
    """The data of a fitted model, which are in R already.

    Attributes
    ----------
    names, index
        As of a :class:`Frame`.
    model
        The model, as R knows it.
    """

    names: tuple[str, ...]
    index: pd.Index
    model: Any

    def to_r(self) -> Any:
        """Return what ``fit_model()`` in R takes for the data."""
        return self.model


AnyFrame = Frame | KeptFrame

_TO_FRAMES: Final = (
    "toPandas collect compute to_table to_dataframe to_pandas_df to_pandas df as_data_frame"
    " to_frame"
).split()
"""Methods that make a frame of what is none: of Spark, polars, Dask, Arrow, xarray, DuckDB ..."""


def as_pandas(data: Any, argument: str = "data") -> pd.DataFrame:
    """Turn a pandas, polars or pyarrow frame, or a mapping, into a pandas frame.

    Parameters
    ----------
    data
        A frame, or a mapping of names to columns, or to the values of one row.
    argument
        Which argument it is, for errors.

    Raises
    ------
    DataConversionError
        It is none of these.
    """
    if isinstance(data, pd.DataFrame):
        return data
    module = type(data).__module__.partition(".")[0]
    try:
        # As Arrow columns: numpy's would turn integers with missing values into floats.
        if module == "polars" and hasattr(data, "to_pandas") and hasattr(data, "columns"):
            return pd.DataFrame(data.to_pandas(use_pyarrow_extension_array=True))
        if module == "pyarrow" and hasattr(data, "to_pandas") and hasattr(data, "columns"):
            return pd.DataFrame(data.to_pandas(types_mapper=pd.ArrowDtype))
    except ImportError as error:
        raise DataConversionError(
            f"a {module} frame needs pyarrow to become columns: pip install 'pymer-bridge[polars]'"
        ) from error
    if isinstance(data, Mapping):
        try:
            one_row = all(map(pd.api.types.is_scalar, data.values()))
            return pd.DataFrame([data] if one_row and data else _on_one_index(data, argument))
        except DataConversionError:
            raise
        except Exception as error:  # whatever the values of a mapping raise
            raise DataConversionError(
                f"{argument} as a mapping must give each column a list of values, as many as the "
                f"others, or one value: {str(error)[:200]}"
            ) from None
    raise DataConversionError(
        f"{argument} must be a pandas, polars or pyarrow frame, not {type(data).__name__}"
        f"{_remedy(data)}"
    )


def _on_one_index(data: Mapping[Any, Any], argument: str) -> dict[Any, Any]:
    """Put the columns that have labels on the index of the first; pandas would take all rows."""
    made = {k: pd.Series(v) if isinstance(v, Mapping) else v for k, v in data.items()}
    first = next((k for k, v in made.items() if isinstance(v, pd.Series)), None)
    try:
        return {
            name: labels.on_rows(
                column,
                made[first].index,
                f"{argument}[{shown(name)}]",
                f"{argument}[{shown(first)}]",
            )
            if isinstance(column, pd.Series)
            else column
            for name, column in made.items()
        }
    except OptionError as error:
        raise DataConversionError(str(error)) from None


def _remedy(data: object) -> str:
    """Say how the data become a frame; nothing where that is not known."""
    if isinstance(data, str) and "~" in data:
        return ": the formula comes first, then the data"
    if isinstance(data, str | PurePath):
        return ": read the file first, as with pd.read_csv()"
    if isinstance(data, list | tuple | np.ndarray):
        return ": give pd.DataFrame(data, columns=[...])"
    if isinstance(data, type):
        return ": it is the class itself"
    method = next((name for name in _TO_FRAMES if hasattr(type(data), name)), "")
    return f": give data.{method}()" if method else ""


def column_names(data: pd.DataFrame, what: str = "the data frame") -> list[str]:
    """Return the column labels as R will see them; ``what`` it is, an error says.

    Raises
    ------
    DataConversionError
        The frame has no columns, two of the same name, or a name that R cannot hold.
    """
    names = [str(label) for label in data.columns]
    if not names:
        raise DataConversionError(
            f"{what} has no columns: give one with a column for each name of the formula"
        )
    seen: set[str] = set()
    for name in names:
        if problem := unfit_for_r(name):
            raise DataConversionError(f"the name of column {name!r} {problem}; rename it")
        if name in seen:
            raise DataConversionError(f"column {name!r} stands twice in {what}; rename one of them")
        seen.add(name)
    return names


def collect(
    data: pd.DataFrame, needed: Iterable[str] | None = None, what: str = "the data frame"
) -> Frame:
    """Take the columns that are needed, in the data's own order.

    Parameters
    ----------
    data
        A pandas frame.
    needed
        Names of columns; None for all of them.
    what
        What the frame is, for errors.

    Raises
    ------
    DataConversionError
        The frame is empty, a name is missing or doubled, or a column cannot be taken to R.
    """
    names = column_names(data, what)
    if len(data) == 0:
        raise DataConversionError(
            f"{what} has no rows: look at the filter or the join that made it"
        )
    wanted = set(names) if needed is None else set(needed)
    chosen = [(i, name) for i, name in enumerate(names) if name in wanted]
    parts = tuple(column_to_part(data.iloc[:, i], name) for i, name in chosen)
    return Frame(tuple(name for _, name in chosen), parts, data.index)


def index_from_r(record: Mapping[str, Any]) -> pd.Index:
    """Return R's row names as an index, a count of rows where R has none of its own.

    Parameters
    ----------
    record
        With ``row_names`` (None, texts or whole numbers) and ``n_rows``.
    """
    names = record["row_names"]
    if names is None:
        return pd.RangeIndex(int(record["n_rows"][0]))
    index: pd.Index = pd.Index(names.tolist() if isinstance(names, np.ndarray) else list(names))
    return index


def frame_from_r(record: Mapping[str, Any]) -> pd.DataFrame:
    """Put together a data frame that came from R as parts.

    Parameters
    ----------
    record
        What ``frame_to_parts()`` in R gives.

    Returns
    -------
    pandas.DataFrame
        With R's row names as the index where R had any.
    """
    index = index_from_r(record)
    columns = {i: column_from_part(part, index) for i, part in enumerate(record["parts"])}
    # Each column was copied from R for this frame alone.
    frame = pd.DataFrame(columns, index=index, copy=False)
    frame.columns = pd.Index(list(record["names"]))
    return frame
