"""Data from where a user says they are: a file, or a data set of an R package."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymer_bridge.errors import OptionError, shown

if TYPE_CHECKING:
    import pandas as pd

DATA_SET = re.compile(r"([A-Za-z][A-Za-z0-9.]*)::([A-Za-z][A-Za-z0-9._]*)")
"""``package::name``."""


def read_data(source: str) -> pd.DataFrame:
    """Read a CSV, Parquet or Excel file, or a data set of an R package (``lme4::sleepstudy``).

    Parameters
    ----------
    source
        A path, or ``package::name``.

    Raises
    ------
    OptionError
        There is no such file, or no reader for it.
    """
    named = DATA_SET.fullmatch(source)
    if named is not None:
        from pymer_bridge.session.datasets import load_dataset  # noqa: PLC0415  # starts R

        return load_dataset(named[2], package=named[1])
    import pandas as pd  # noqa: PLC0415  # --help must not wait for it

    path = Path(source)
    there = False
    with suppress(OSError):  # such as that of a name that is too long
        there = path.is_file()
    if not there:
        raise OptionError(f"there is no file {shown(source)}")
    # Before pandas 3.1 the default parser of floats could miss the last bit.
    version = tuple(map(int, pd.__version__.split(".")[:2]))
    exact: dict[str, Any] = {} if version >= (3, 1) else {"float_precision": "round_trip"}
    readers: dict[str, tuple[Callable[..., Any], str]] = {
        ".csv": (partial(pd.read_csv, **exact), ""),
        ".parquet": (pd.read_parquet, "parquet"),
        ".xlsx": (pd.read_excel, "excel"),
        ".xls": (pd.read_excel, "excel"),
    }
    if path.suffix.lower() not in readers:
        listed = ", ".join(readers)
        raise OptionError(f"{shown(source)} has an ending that is not known; known are: {listed}")
    reader, extra = readers[path.suffix.lower()]
    try:
        frame: pd.DataFrame = reader(path)
    except ImportError as error:
        raise OptionError(
            f"reading {path.suffix} needs one more package ({error}): "
            f"pip install 'pymer-bridge[{extra}]'"
        ) from error
    except Exception as error:  # the readers raise whatever a damaged or hostile file leads to
        said = str(error)[:200] or type(error).__name__
        raise OptionError(f"{source!r} cannot be read: {said}") from error
    frame.attrs["name"] = re.sub(r"[^A-Za-z0-9._]", "_", path.stem).lstrip("0123456789._") or "data"
    return frame
