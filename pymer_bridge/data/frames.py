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
from numpy.typing import NDArray

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


def opened(data: Any, argument: str = "data") -> Any:
    """Return a polars frame as it is, of which only some columns may be needed; others as pandas'.

    Parameters
    ----------
    data, argument
        As for :func:`as_pandas`.

    Raises
    ------
    DataConversionError
        It is no frame.
    """
    return data if _is_polars(data) else as_pandas(data, argument)


def index_of(data: Any) -> pd.Index:
    """Return the index of what :func:`opened` gave; polars has none but the numbers of rows."""
    return data.index if isinstance(data, pd.DataFrame) else pd.RangeIndex(len(data))


def _is_polars(data: Any) -> bool:
    module = type(data).__module__.partition(".")[0]
    return module == "polars" and hasattr(data, "get_columns") and hasattr(data, "select")


def _of_polars(series: Any) -> Any:
    """Return a polars column as one of pandas', kinds of factors by what polars means by them."""
    kind = type(series.dtype).__name__
    if kind == "Categorical":  # text that is stored by codes, in order of appearance
        series = series.cast(str)
    if kind == "Enum":  # its Arrow type claims that the levels are ordered
        codes = series.to_physical().cast(int).fill_null(-1).to_numpy()
        return pd.Categorical.from_codes(codes, series.dtype.categories.to_list())
    try:
        # As an Arrow column: numpy's would turn integers with missing values into floats.
        return series.to_pandas(use_pyarrow_extension_array=True)
    except ImportError:
        raise
    except Exception:  # a type that Arrow does not have, such as Int128
        return pd.Series(series.to_list(), dtype=object)


def _of_arrow(table: Any) -> pd.DataFrame:
    """Return an Arrow table as pandas' frame; what came from polars means what it meant there."""
    frame = pd.DataFrame(table.to_pandas(types_mapper=pd.ArrowDtype))
    for field in table.schema:
        marks = b" ".join(field.metadata or ())
        if b"_PL_CATEGORICAL" in marks:
            text = table[field.name].cast("string")
            frame[field.name] = text.to_pandas(types_mapper=pd.ArrowDtype).array
        elif b"_PL_ENUM" in marks:
            frame[field.name] = table[field.name].to_pandas().array.as_unordered()
    return frame


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
        if _is_polars(data):
            columns = {series.name: _of_polars(series) for series in data.get_columns()}
            return pd.DataFrame(columns, index=pd.RangeIndex(len(data)))
        if module == "pyarrow" and hasattr(data, "to_pandas") and hasattr(data, "columns"):
            return _of_arrow(data)
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


def column_names(data: Any, what: str = "the data frame") -> list[str]:
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


def collect(data: Any, needed: Iterable[str] | None = None, what: str = "the data frame") -> Frame:
    """Take the columns that are needed, in the data's own order.

    Parameters
    ----------
    data
        What :func:`opened` gave.
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
    index = index_of(data)
    if _is_polars(data):
        names = [name for name in names if name in wanted]
        data = as_pandas(data.select(names))
    chosen = [(i, name) for i, name in enumerate(names) if name in wanted]
    parts = tuple(column_to_part(data.iloc[:, i], name) for i, name in chosen)
    return Frame(tuple(name for _, name in chosen), parts, index)


def index_at(index: pd.Index, rows: NDArray[np.int32]) -> pd.Index:
    """Return the labels of rows, which R counts from 1."""
    # Labels of some rows have no frequency, and so those of all have none.
    timed = isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex)
    all_of_them = len(rows) == len(index) and np.array_equal(rows, np.arange(1, len(index) + 1))
    # The index of the data itself is not handed out.
    return index[:] if all_of_them and not timed else index[rows - 1]


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


def arrow_stream(frame: pd.DataFrame, schema: object) -> object:
    """Return a frame by Arrow's protocol for polars, pyarrow and others.

    They have no index: one that is more than the numbers of rows becomes the first columns. Nor
    have they columns of several kinds, which become text.

    Parameters
    ----------
    frame
        The frame.
    schema
        What the asker wants, if it is possible.
    """
    if not frame.index.equals(pd.RangeIndex(len(frame))):
        names = ["index" if name is None else str(name) for name in frame.index.names]
        while set(names) & set(frame.columns):
            names = [f"{name}_" for name in names]
        frame = frame.reset_index(names=names)
    for name, kind in frame.dtypes.items():
        several = kind.kind == "O" and pd.api.types.infer_dtype(frame[name], skipna=True)
        if several in ("mixed", "mixed-integer"):
            texts: Any = [v if v is None or isinstance(v, str) else repr(v) for v in frame[name]]
            frame = frame.assign(**{str(name): texts})
    return frame.__arrow_c_stream__(schema)


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
