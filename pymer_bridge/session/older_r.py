"""Functions that rpy2 asks of R's library and an R before 4.5 does not have yet.

rpy2-rinterface 3.6.7 is written for R 4.5 and later, and its compiled part does not load with an
older R. Its uncompiled part looks every function up by name; here those few are made of what the
older R has, with the same meaning. Nothing changes where R's library has them all.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Callable
from typing import Any, Final

ADDED_LATER: Final = ("R_getVar", "R_ParentEnv", "R_ClosureEnv", "Rf_allocLang")
"""The functions: R has the last from 4.4.1, and the others from 4.5.0."""

Supplied = dict[str, Callable[..., Any]]


class Library:
    """R's library as rpy2 sees it, with the functions that it lacks.

    Parameters
    ----------
    library
        The library, as cffi opened it.
    ffi
        The cffi that opened it.
    supplied
        The functions, by name.
    """

    def __init__(self, library: Any, ffi: Any, supplied: Supplied) -> None:
        vars(self).update(supplied, _library=library, _ffi=ffi, _variables=set())

    def __getattr__(self, name: str) -> Any:
        """Look up a variable of R's each time, and anything else once."""
        value = getattr(self._library, name)
        if name not in self._variables:
            if self._is_variable(name, value):
                self._variables.add(name)
            else:
                vars(self)[name] = value
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a variable of R's."""
        setattr(self._library, name, value)

    def _is_variable(self, name: str, value: Any) -> bool:
        try:
            place = self._ffi.addressof(self._library, name)
        except AttributeError:
            return False  # a constant lies nowhere
        return bool(place != value)  # a function is where it points


def supply(openrlib: Any) -> tuple[str, ...]:
    """Give rpy2 the functions that it asks for and R's library lacks.

    Parameters
    ----------
    openrlib
        The module ``rpy2.rinterface_lib.openrlib``; what uses those functions is not imported yet.

    Returns
    -------
    tuple of str
        The names of the functions; none where R has them all, or rpy2 does not ask for them.
    """
    library, ffi = openrlib.rlib, openrlib.ffi

    def is_lacking(name: str) -> bool:
        try:
            getattr(library, name)
        except ffi.error:
            return True
        except AttributeError:
            pass  # this rpy2 does not know it
        return False

    lacking = tuple(filter(is_lacking, ADDED_LATER))
    if lacking:
        where = openrlib.rpy2.situation.get_rlib_path(openrlib.R_HOME, platform.system())
        made = _made_of_older(library, ffi, ctypes.CDLL(where), openrlib.__package__)
        openrlib.rlib = Library(library, ffi, {name: made[name] for name in lacking})
        _forget_failed_imports(openrlib.__package__)
    return lacking


def mode(openrlib: Any) -> str:
    """Return how rpy2 reaches R, and whether it got functions here."""
    made = isinstance(openrlib.rlib, Library)
    how = str(openrlib.cffi_mode.value)
    return f"{how}, with functions of R 4.5 made for an older R" if made else how


def _forget_failed_imports(package: str) -> None:
    """Have rpy2 imported anew where other code has tried before.

    What an import that failed leaves behind holds on to modules that are not there any more.
    """
    if f"{package}._rinterface_capi" in sys.modules:
        return
    kept = (package, f"{package}.openrlib", f"{package}.ffi_proxy")
    for name in list(sys.modules):
        if name.startswith(("rpy2.rinterface", "rpy2.robjects")) and name not in kept:
            del sys.modules[name]
            parent, _, child = name.rpartition(".")
            if parent in sys.modules:
                vars(sys.modules[parent]).pop(child, None)


def _made_of_older(library: Any, ffi: Any, symbols: ctypes.CDLL, package: str) -> Supplied:
    def stop(message: str) -> Exception:
        error: Exception = sys.modules[f"{package}.embedded"].RRuntimeError(message)
        return error

    def function_of_one(name: str) -> Any:
        # rpy2 does not declare it, so that its own cffi does not find it.
        address = ctypes.cast(getattr(symbols, name), ctypes.c_void_p).value
        return ffi.cast("SEXP (*)(SEXP)", address)

    parent, environment = function_of_one("ENCLOS"), function_of_one("CLOENV")

    def get_var(symbol: Any, frame: Any, inherits: int) -> Any:
        # A symbol that is evaluated is looked up, and a promise forced. Where that stops, R's own
        # R_getVar() would jump out of Python to where R has nothing to return to.
        failed = ffi.new("int *", 1)
        value = None
        if inherits or library.R_existsVarInFrame(frame, symbol):
            value = library.R_tryEval(symbol, frame, failed)
        if failed[0]:
            name = ffi.string(library.R_CHAR(library.PRINTNAME(symbol))).decode(errors="replace")
            raise stop(f"R has no value for '{name}'")
        return value

    def closure_env(function: Any) -> Any:
        if function.sxpinfo.type != library.CLOSXP:
            raise stop("only a closure has an environment")
        return environment(function)

    def alloc_lang(length: int) -> Any:
        return library.Rf_allocVector(library.LANGSXP, length)

    return dict(zip(ADDED_LATER, (get_var, parent, closure_env, alloc_lang), strict=True))
