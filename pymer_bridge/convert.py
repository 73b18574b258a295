"""Python values to R vectors and back, always by copying memory.

With :mod:`pymer_bridge.rsession` the only importer of rpy2, and used on the R thread alone.
It knows vectors and lists, and nothing of what they mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import rpy2.rinterface as ri
from numpy.typing import NDArray
from rpy2.rinterface_lib import conversion, openrlib

from pymer_bridge.errors import DataConversionError

NA_INTEGER = -(2**31)
"""R's missing integer and missing logical."""

Resolve = Callable[[Any], ri.Sexp | None]
Keep = Callable[[ri.Sexp], Any]


def _charsxp(text: str | None) -> Any:
    if text is not None and "\0" in text:
        raise DataConversionError(f"R cannot hold a string with an embedded NUL: {text[:40]!r}")
    # Always marked as UTF-8: under LC_ALL=C rpy2 would mark it as native and lose accents.
    return conversion._str_to_charsxp(text, "utf-8", openrlib.rlib.CE_UTF8)


def strings_to_r(values: Sequence[str | None]) -> ri.StrSexpVector:
    """Copy strings into an R character vector; None becomes NA."""
    try:
        return ri.StrSexpVector.from_iterable(values, cast_value=_charsxp)
    except UnicodeEncodeError as error:
        raise DataConversionError(
            f"R cannot hold a string that is not valid Unicode: {error.object[:40]!r}"
        ) from error


def array_to_r(values: NDArray[Any]) -> ri.Sexp:
    """Copy a numeric array (in Fortran order where it has dimensions) into an R vector."""
    flat = np.ascontiguousarray(values.ravel(order="F"))
    if len(flat.data.format) > 1:
        # Arrays from another process may state their byte order, which rpy2 does not read.
        flat = flat.astype(flat.dtype.type, copy=True)
    if flat.dtype == np.bool_:
        return ri.BoolSexpVector.from_memoryview(flat.astype(np.int32).data)
    if flat.dtype == np.int32:
        return ri.IntSexpVector.from_memoryview(flat.data)
    if flat.dtype == np.float64:
        return ri.FloatSexpVector.from_memoryview(flat.data)
    raise TypeError(f"no R vector is made of an array of {flat.dtype}")


def _sequence_to_r(values: Sequence[Any], resolve: Resolve) -> ri.Sexp:
    if all(isinstance(value, str) or value is None for value in values):
        return strings_to_r(values)
    if all(isinstance(value, bool) for value in values):
        return array_to_r(np.array(values, dtype=np.bool_))
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values) and all(
        abs(value) < -NA_INTEGER for value in values
    ):
        return array_to_r(np.array(values, dtype=np.int32))
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return array_to_r(np.array(values, dtype=np.float64))
    return ri.ListSexpVector([to_r(value, resolve) for value in values])


def to_r(value: Any, resolve: Resolve) -> ri.Sexp:
    """Copy a Python value to R.

    Parameters
    ----------
    value
        None, a scalar, a string, a numpy array (float64, int32, bool), a sequence of one kind
        of scalar, a sequence of anything (a list), a mapping (a named list) or an object that
        ``resolve`` knows.
    resolve
        Gives the R object behind a handle, None for anything else.
    """
    known = resolve(value)
    if known is not None:
        return known
    if value is None:
        return ri.NULL
    if isinstance(value, np.ndarray):
        return array_to_r(value)
    if isinstance(value, Mapping):
        result = ri.ListSexpVector([to_r(item, resolve) for item in value.values()])
        result.names = strings_to_r([str(key) for key in value])
        return result
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str | bool | int | float):
        return _sequence_to_r([value], resolve)
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return _sequence_to_r(value, resolve)
    raise TypeError(f"no R vector is made of {type(value).__name__}")


def _strings_from_r(value: ri.StrSexpVector) -> tuple[str | None, ...]:
    return tuple(None if text is ri.NA_Character else text for text in value)


def _list_from_r(value: ri.ListSexpVector, keep: Keep) -> dict[str, Any] | tuple[Any, ...]:
    items = [from_r(value[i], keep) for i in range(len(value))]
    names = value.names
    if isinstance(names, ri.StrSexpVector):
        return dict(zip(_strings_from_r(names), items, strict=True))  # type: ignore[arg-type]
    return tuple(items)


def from_r(value: ri.Sexp, keep: Keep) -> Any:
    """Copy an R value to Python.

    Parameters
    ----------
    value
        Any R object.
    keep
        Takes what is not a vector (a function, an environment, an S4 object) and gives a
        handle for it.

    Returns
    -------
    object
        None, a float64 or int32 array (logicals too: 0, 1 and the missing integer), a tuple
        of strings, a dict for a named list, a tuple for another, or a handle.
    """
    if isinstance(value, type(ri.NULL)):
        return None
    if isinstance(value, ri.FloatSexpVector | ri.IntSexpVector | ri.BoolSexpVector):
        dtype = np.float64 if isinstance(value, ri.FloatSexpVector) else np.int32
        if len(value) == 0:
            return np.empty(0, dtype)
        # A view into R's memory dangles once R frees it: copy, always.
        return np.array(value.memoryview(), dtype=dtype, copy=True).ravel(order="F")
    if isinstance(value, ri.StrSexpVector):
        return _strings_from_r(value)
    if isinstance(value, ri.ListSexpVector):
        return _list_from_r(value, keep)
    return keep(value)
