"""Python values to R vectors and back, always by copying memory.

With :mod:`pymer_bridge.session.r_session` the only importer of rpy2, and used on the R thread
alone. It knows vectors and lists, and nothing of their meaning.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any, Final

import numpy as np
import rpy2.rinterface as ri
from numpy.typing import NDArray
from rpy2.rinterface_lib import _rinterface_capi, conversion, memorymanagement, openrlib
from rpy2.rinterface_lib.embedded import RRuntimeError

from pymer_bridge.data.columns import NA_INTEGER, Logicals
from pymer_bridge.errors import DataConversionError

MANY = 64
"""So many strings cross as one text; fewer cross one by one."""

LARGE: Final = 2**22
"""Bytes of a vector from which the system is asked for large pages, as numpy asks for its own."""
_LARGE_PAGES: Final[int] = getattr(mmap, "MADV_HUGEPAGE", 0)  # Linux knows them
_advise: Final = ctypes.CDLL(None).madvise if _LARGE_PAGES else None

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
        if len(values) >= MANY and type(None) not in set(map(type, values)):
            return _many_strings_to_r(values)  # type: ignore[arg-type]
        return ri.StrSexpVector.from_iterable(values, cast_value=_charsxp)
    except UnicodeEncodeError as error:
        raise DataConversionError(
            f"R cannot hold a string that is not valid Unicode: {_around(error)!r}"
        ) from error


@lru_cache(maxsize=512)
def names_to_r(names: tuple[str, ...]) -> ri.StrSexpVector:
    """Copy names into a character vector, which is kept: the same names come again and again."""
    return strings_to_r(names)


def _around(error: UnicodeEncodeError) -> str:
    """Return the beginning of the string among many that cannot be encoded."""
    first = error.object.rfind("\0", 0, error.start) + 1
    return error.object[first:].partition("\0")[0][:40]


def _many_strings_to_r(values: Sequence[str]) -> ri.StrSexpVector:
    """Hand strings over as one text, which R's readBin() takes apart at its NULs."""
    text = "\0".join(values).encode("utf-8") + b"\0"
    if text.count(b"\0") != len(values):
        for value in values:
            _charsxp(value)  # says which one it is
    strings = ri.baseenv["readBin"](
        ri.ByteSexpVector.from_memoryview(memoryview(text)),
        ri.StrSexpVector(["character"]),
        n=ri.FloatSexpVector([float(len(values))]),
    )
    if not text.isascii():
        strings = ri.baseenv["Encoding<-"](strings, value=ri.StrSexpVector(["UTF-8"]))
    return strings


def _ask_for_large_pages(memory: NDArray[Any]) -> None:
    """Let the first touch of memory take it in few large pieces: that costs more than a copy."""
    if memory.nbytes >= LARGE and _advise is not None:
        first = -(-memory.ctypes.data // mmap.PAGESIZE) * mmap.PAGESIZE
        length = memory.ctypes.data + memory.nbytes - first
        # Advice: where the system does not take it, nothing is lost.
        _advise(ctypes.c_void_p(first), ctypes.c_size_t(length), ctypes.c_int(_LARGE_PAGES))


def array_to_r(values: NDArray[Any]) -> ri.Sexp:
    """Copy a numeric array, column by column where it has dimensions, into an R vector."""
    rlib, given = openrlib.rlib, values.dtype.newbyteorder("=")
    dtype: np.dtype[Any] = np.dtype(np.int32)
    if given == np.bool_ or isinstance(values, Logicals):
        kind, pointer = rlib.LGLSXP, openrlib.LOGICAL
    elif given == np.int32:
        kind, pointer = rlib.INTSXP, openrlib.INTEGER
    elif given == np.float64:
        kind, pointer, dtype = rlib.REALSXP, openrlib.REAL, given
    else:
        raise TypeError(f"no R vector is made of an array of {values.dtype}")
    with memorymanagement.rmemory() as memory:
        made = memory.protect(rlib.Rf_allocVector(kind, values.size))
        if values.size:
            place = openrlib.ffi.buffer(pointer(made), values.size * dtype.itemsize)
            there = np.frombuffer(place, dtype)
            _ask_for_large_pages(there)
            there.reshape(values.shape, order="F")[...] = values
        return conversion._cdata_to_rinterface(made)


def _sequence_to_r(values: Sequence[Any], resolve: Resolve) -> ri.Sexp:
    if set(map(type, values)) <= {str, type(None)}:
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
        result.names = names_to_r(tuple(map(str, value)))
        return result
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str | bool | int | float):
        return _sequence_to_r([value], resolve)
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return _sequence_to_r(value, resolve)
    raise TypeError(f"no R vector is made of {type(value).__name__}")


def _string_from_r(charsxp: Any) -> str | None:
    rlib = openrlib.rlib
    if rlib.Rf_getCharCE(charsxp) == rlib.CE_BYTES:
        # R would stop with an error, which has no place to go here and ends the process.
        text: bytes = openrlib.ffi.string(rlib.R_CHAR(charsxp))
        return text.decode("utf-8", "backslashreplace")
    return None if charsxp == rlib.R_NaString else conversion._rchar_to_str(charsxp, "utf-8")


def _strings_from_r(cdata: Any) -> tuple[str | None, ...]:
    n = openrlib.rlib.Rf_xlength(cdata)
    if n >= MANY:
        try:
            return _many_strings_from_r(conversion._cdata_to_rinterface(cdata))
        except (RRuntimeError, UnicodeDecodeError):
            pass  # what R translates string by string, bytes that are no text, or more than 2 GB
    return tuple(_string_from_r(openrlib.rlib.STRING_ELT(cdata, i)) for i in range(n))


def _many_strings_from_r(value: ri.StrSexpVector) -> tuple[str | None, ...]:
    """Take strings over as one text, in which R's writeBin() ends each by a NUL."""
    raw = ri.baseenv["writeBin"](
        ri.baseenv["enc2utf8"](value), ri.ByteSexpVector([]), useBytes=ri.BoolSexpVector([True])
    )
    whole = _array_from_r(raw.__sexp__._cdata, openrlib.RAW, np.uint8)
    texts: list[str | None] = list(whole.tobytes().decode("utf-8").split("\0"))
    texts.pop()
    if ri.baseenv["anyNA"](value)[0]:
        missing = ri.baseenv["is.na"](value)  # held, so that R does not free it
        there = _array_from_r(missing.__sexp__._cdata, openrlib.LOGICAL, np.int32)
        for i in np.flatnonzero(there):
            texts[i] = None
    return tuple(texts)


def _array_from_r(cdata: Any, pointer: Callable[[Any], Any], dtype: Any) -> Any:
    n = openrlib.rlib.Rf_xlength(cdata)
    if n == 0:
        return np.empty(0, dtype)
    seen = openrlib.ffi.buffer(pointer(cdata), n * np.dtype(dtype).itemsize)
    # A view into R's memory dangles once R frees it: copy, always.
    return np.frombuffer(seen, dtype).copy()


def _list_from_r(cdata: Any, keep: Keep) -> dict[str, Any] | tuple[Any, ...]:
    rlib = openrlib.rlib
    items = [_from_r(rlib.VECTOR_ELT(cdata, i), keep) for i in range(rlib.Rf_xlength(cdata))]
    names = rlib.Rf_getAttrib(cdata, rlib.Rf_install(b"names"))
    if names == rlib.R_NilValue:
        return tuple(items)
    return dict(zip(_strings_from_r(names), items, strict=True))  # type: ignore[arg-type]


def _from_r(cdata: Any, keep: Keep) -> Any:
    """Copy what R's pointer points at.

    An object of rpy2 for each vector would take five times as long. Nothing here lets R free
    what is read: the whole of it is protected.
    """
    rlib = openrlib.rlib
    kind = _rinterface_capi._TYPEOF(cdata)
    if kind == rlib.REALSXP:
        return _array_from_r(cdata, openrlib.REAL, np.float64)
    if kind == rlib.INTSXP:
        return _array_from_r(cdata, openrlib.INTEGER, np.int32)
    if kind == rlib.LGLSXP:
        return _array_from_r(cdata, openrlib.LOGICAL, np.int32)
    if kind == rlib.STRSXP:
        return _strings_from_r(cdata)
    if kind == rlib.VECSXP:
        return _list_from_r(cdata, keep)
    return None if kind == rlib.NILSXP else keep(conversion._cdata_to_rinterface(cdata))


def evaluate(
    function: ri.Sexp,
    arguments: Sequence[ri.Sexp],
    interruptible: AbstractContextManager[None],
    keep: Keep,
) -> Any:
    """Call a function of R, and copy what it returns to Python.

    Parameters
    ----------
    function
        The function.
    arguments
        Its arguments, by position.
    interruptible
        Entered for R's evaluation alone. Before and after it R collects garbage too, at which it
        looks for an interrupt; but only its evaluation has a place to jump to.
    keep
        Takes what is not a vector (a function, an environment, an S4 object) and gives a
        handle for it.

    Returns
    -------
    object
        None, a float64 or int32 array (logicals too: 0, 1 and the missing integer), a tuple
        of strings, a dict for a named list, a tuple for another, or a handle.

    Raises
    ------
    rpy2.rinterface_lib.embedded.RRuntimeError
        R left the function, by an error or by an interrupt.
    """
    rlib = openrlib.rlib
    failed = openrlib.ffi.new("int *", 0)
    with memorymanagement.rmemory() as memory:
        call = memory.protect(_rinterface_capi.build_rcall(function.__sexp__._cdata, arguments, ()))
        with interruptible:
            answer = rlib.R_tryEval(call, rlib.R_GlobalEnv, failed)
        if failed[0]:
            raise RRuntimeError(_rinterface_capi._geterrmessage())
        return _from_r(memory.protect(answer), keep)
