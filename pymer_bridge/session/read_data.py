"""Data from where a user says they are: a file, or a data set of an R package."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from os import PathLike, fspath
from os.path import lexists
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pymer_bridge.errors import FileError, MissingFileError, OptionError, shown
from pymer_bridge.spec.arguments import checked

if TYPE_CHECKING:
    import pandas as pd

DATA_SET = re.compile(r"([A-Za-z][A-Za-z0-9.]*)::([A-Za-z][A-Za-z0-9._]*)")
"""``package::name``."""

_SPACE: Final = " \t\n\r\f\v"
_LOGICAL: Final = {"T": True, "TRUE": True, "F": False, "FALSE": False}
_WHOLE: Final = re.compile(rf"[{_SPACE}]*[+-]?[0-9]+")
_HEXADECIMAL: Final = r"0[xX][0-9a-fA-F]+(?:\.[0-9a-fA-F]*)?(?:[pP][+-]?[0-9]+)?"
_NUMBER: Final = re.compile(
    rf"[{_SPACE}]*[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|{_HEXADECIMAL}"
    rf"|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|NaN|nan)[{_SPACE}]*"
)
"""What R's ``type.convert`` takes for numbers."""


@checked
def read_data(path: str | PathLike[str], *, na_strings: Sequence[str] = ("NA", "")) -> pd.DataFrame:
    r"""Read a file as R would: text is text, and only "NA" and what is empty are missing.

    ``pandas.read_csv`` also takes "None", "null", "n/a", "nan" and others for missing, and models
    then leave such rows out.

    Parameters
    ----------
    path
        A file, by its ending: .csv, .tsv, .xlsx, .xls, .parquet or .feather; or a data set of an R
        package, as in "lme4::sleepstudy".
    na_strings
        Texts of .csv, .tsv, .xlsx and .xls that stand for a missing value (R: ``na.strings``),
        also where they are quoted. Parquet and Feather have missing values of their own.

    Returns
    -------
    pandas.DataFrame
        Columns of text as text, without the blanks of numbers trimmed; numbers to the last bit;
        whole numbers as integers, also beside missing values; T, TRUE, F and FALSE as booleans.
        As in R, "True" is text, dates are text (not in Excel, Parquet and Feather, which have
        dates), and 007 is 7.

    Raises
    ------
    OptionError
        There is no reader for files of this ending.
    PymerError
        There is no such file (also a ``FileNotFoundError``), or it cannot be read (``OSError``).

    Notes
    -----
    R function: ``read.csv``, where an empty text is "" and not missing unless ``na.strings`` has
    it, and names are changed unless ``check.names = FALSE``.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import pymer_bridge as pb
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "small.csv")
    ...     _ = path.write_text("treatment,y\nNone,1.5\nNA,2\n")
    ...     pb.read_data(path)["treatment"].isna().tolist()
    [False, True]
    """
    source = fspath(path)
    missing = frozenset((na_strings,) if isinstance(na_strings, str) else na_strings)
    named = DATA_SET.fullmatch(source)
    if named is not None:
        from pymer_bridge.session.datasets import load_dataset  # noqa: PLC0415  # starts R

        return load_dataset(named[2], package=named[1])
    file = Path(source)
    there = False
    with suppress(OSError, ValueError):  # such as that of a name that is too long
        there = file.is_file()
    if not there:
        kind = FileError if lexists(file) else MissingFileError  # a folder, a pipe
        raise kind(f"there is no file {shown(source)}")
    frame = _read(file, missing)
    frame.attrs["name"] = re.sub(r"[^A-Za-z0-9._]", "_", file.stem).lstrip("0123456789._") or "data"
    return frame


def _read(file: Path, missing: Collection[str]) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415  # --help must not wait for it

    texts = {"dtype": str, "na_filter": False}
    cells = partial(pd.read_excel, dtype=object, na_filter=False)
    readers: dict[str, tuple[Callable[..., Any], Callable[..., Any] | None, str]] = {
        ".csv": (partial(pd.read_csv, **texts), _of_texts, ""),
        ".tsv": (partial(pd.read_csv, sep="\t", **texts), _of_texts, ""),
        ".parquet": (pd.read_parquet, None, "parquet"),
        ".feather": (pd.read_feather, None, "parquet"),
        ".xlsx": (cells, _of_cells, "excel"),
        ".xls": (cells, _of_cells, "excel"),
    }
    if file.suffix.lower() not in readers:
        listed = ", ".join(readers)
        raise OptionError(f"{shown(str(file))} has an ending that is not known; known: {listed}")
    reader, column_of, extra = readers[file.suffix.lower()]
    try:
        frame: pd.DataFrame = reader(file)
        if column_of is None:
            return frame
        plain = frame.reset_index(drop=True)
        columns = [column_of(plain.iloc[:, i], missing) for i in range(plain.shape[1])]
        made = pd.DataFrame(dict(enumerate(columns)), index=plain.index)
        return made.set_axis(frame.index).set_axis(frame.columns, axis=1)
    except ImportError as error:
        raise OptionError(
            f"reading {file.suffix} needs one more package ({error}): "
            f"pip install 'pymer-bridge[{extra}]'"
        ) from error
    except Exception as error:  # the readers raise whatever a damaged or hostile file leads to
        said = str(error)[:200] or type(error).__name__
        raise FileError(f"{str(file)!r} cannot be read: {said}") from error


def _of_texts(texts: Any, missing: Collection[str]) -> Any:
    """Return a column of what R's ``type.convert`` makes of texts."""
    import pandas as pd  # noqa: PLC0415

    codes, found = pd.factorize(texts)
    kept = [None if text in missing else text for text in found.tolist()]
    # Numbers and logicals may be blank.
    filled = [text for text in kept if text is not None and not text.isspace()]
    if all(map(_LOGICAL.__contains__, filled)):
        values: Any = map(_LOGICAL.get, filled)
    elif all(map(_NUMBER.fullmatch, filled)):
        values = _numbers(filled)
    else:
        filled, values = [text for text in kept if text is not None], ()
    if values:
        read = dict(zip(filled, values, strict=True))
        kept = [read.get(text) for text in kept]
    return _of_cells(pd.Series(kept, dtype=object), ()).take(codes).reset_index(drop=True)


def _numbers(texts: Sequence[str]) -> list[Any]:
    """Return the numbers that texts are: whole ones if all are, and fit into 64 bits."""
    if all(map(_WHOLE.fullmatch, texts)):
        numbers = list(map(int, texts))
        if max(map(abs, numbers)) < 2**63:
            return numbers
    return [float.fromhex(text) if "x" in text or "X" in text else float(text) for text in texts]


def _of_cells(cells: Any, missing: Collection[str]) -> Any:
    """Return a column of values that have types already."""
    import pandas as pd  # noqa: PLC0415

    lacks = cells.isna() | cells.isin(missing)
    values = [None if lacking else cell for cell, lacking in zip(cells, lacks, strict=True)]
    kinds = {type(value) for value in values if value is not None}
    gaps = None in values
    if not kinds:
        dtype: Any = "float64"
    elif kinds == {bool}:
        dtype = "boolean" if gaps else "bool"
    elif kinds == {int}:
        dtype = "Int64" if gaps else "int64"
    elif kinds <= {int, float}:
        dtype = "float64"
    else:
        dtype = None
    return pd.Series(values, dtype=dtype)
