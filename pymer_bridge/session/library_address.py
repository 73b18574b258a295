"""One state for every process, on installations where it would be one of two at random.

lme4 before 1.1-35 was built with headers of CHOLMOD older than those of Matrix 1.5, so that half
of a pointer into lme4's library is read as the number of fill-reducing orderings to try (lme4
issue 745): its sign decides, and with it the address at which the system happens to load the
library. Figures of models with several random-effect terms differ in their last bits between the
two states.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SIGN: Final = 1 << 31
"""The bit of an address that decides; where it is set, the process is in state 2."""

ROOM: Final = 64 * 2**20
"""Bytes of a gap with room for the library and what is loaded with it."""

STEP: Final = 128 * 2**10
"""Bytes that are less than the library takes."""

_NO_RESERVE: Final = 0x4000


@contextmanager
def signed_addresses() -> Iterator[None]:
    """Have a library that is loaded in the body of a ``with`` placed where :data:`SIGN` is set.

    Linux puts a new mapping into the highest gap that is large enough. All gaps above one where
    the bit is set are filled with mappings that take no memory, and are freed at the end.
    Elsewhere nothing is done.
    """
    if not sys.platform.startswith("linux") or ctypes.sizeof(ctypes.c_void_p) != 8:
        yield
        return
    library = ctypes.CDLL(None)
    library.mmap.restype = ctypes.c_void_p
    library.mmap.argtypes = (
        ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long,
    )  # fmt: skip
    library.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
    filled: list[tuple[int, int]] = []
    try:
        _fill(library, filled)
        yield
    finally:
        for address, size in filled:
            library.munmap(address, size)


def _fill(library: ctypes.CDLL, filled: list[tuple[int, int]]) -> None:
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NO_RESERVE

    def take(size: int) -> int:
        address = int(library.mmap(None, size, 0, flags, -1, 0) or -1)
        return -1 if address == 2**64 - 1 else address

    while True:
        gap = take(ROOM)
        if gap == -1 or len(filled) > 2**32 // ROOM:
            return
        if gap & SIGN and (gap + ROOM - 1) & SIGN:
            library.munmap(gap, ROOM)
            break
        filled.append((gap, ROOM))
    while (address := take(STEP)) != -1:
        if gap <= address < gap + ROOM or len(filled) > 2**32 // STEP:
            library.munmap(address, STEP)
            return
        filled.append((address, STEP))
