"""The file of a saved model: a zip of one JSON text and plain arrays; nothing in it is ever run.

``model.json`` says what there is, and each array is a member ``arrays/<name>.npy``, so that
``numpy.load()`` opens the file as well. A hash over all of it tells of damage and of edits; it is
no signature, and does not say who wrote the file.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import struct
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from pymer_bridge.data.frozen_arrays import DTYPES
from pymer_bridge.data.written_files import UNREADABLE, FileKind, whole
from pymer_bridge.errors import ModelFileError, OptionError

FORMAT: Final = "pymer_bridge model"
FILE: Final = FileKind("a saved model", 2, ModelFileError)

DOCUMENT: Final = "model.json"
LARGEST_DOCUMENT: Final = 2**28
LARGEST_FILE: Final = 2**32
"""Bytes of the JSON text, and of all members together once they are unpacked."""

MOST_MEMBERS: Final = 2**16

_NO_ARCHIVE: Final = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, RuntimeError)
"""What unpacking something that is no archive can raise."""

_FIRST_DAY: Final = (1980, 1, 1, 0, 0, 0)


def write(
    to: Path | io.BytesIO, document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> None:
    """Write the file, whole or not at all, or write it to memory.

    Raises
    ------
    OptionError
        It would be larger than what is read back.
    """
    members = {_member(name): _npy(values) for name, values in arrays.items()}
    headed = {"format": FORMAT, "version": FILE.version, **document}
    text = _text({**headed, "sha256": _digest(headed, members)}, indent=1)
    size = len(text) + sum(map(len, members.values()))
    if len(text) > LARGEST_DOCUMENT or size > LARGEST_FILE or len(members) >= MOST_MEMBERS:
        raise OptionError(
            f"the model is too large for such a file ({size / 2**30:.1f} GiB); save it with "
            "fit.save_rds()"
        )
    place: AbstractContextManager[Path | io.BytesIO] = (
        nullcontext(to) if isinstance(to, io.BytesIO) else whole(to)
    )
    with place as unfinished, zipfile.ZipFile(unfinished, "x") as archive:
        for name, content in ((DOCUMENT, text), *members.items()):
            # Always the same day, so that the same model gives the same bytes.
            entry = zipfile.ZipInfo(name, _FIRST_DAY)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)


def read(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read the file: what it says, and its arrays.

    Raises
    ------
    ModelFileError
        It is not such a file, or it is damaged, edited, too large, or of a newer version.
    OSError
        It is not there, or may not be read.
    """
    with FILE.open(path) as file:
        return read_from(file, path)


def read_from(file: IO[bytes], path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read an open file, or one in memory; its name is for errors.

    Raises
    ------
    ModelFileError
        As for :func:`read`.
    """
    try:
        document, members = _members(file, path)
        stated = document.pop("sha256", None)
        FILE.check_digest(path, stated, _digest(document, members))
        arrays = {name[7:-4]: _array(content) for name, content in members.items()}
    except (*UNREADABLE, *_NO_ARCHIVE) as error:  # an OSError: a place in the file that is none
        if isinstance(error, ModelFileError):
            raise
        FILE.refuse_unreadable(path, error)
    return document, arrays


def _members(file: IO[bytes], path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        names = [entry.filename for entry in entries]
        if DOCUMENT not in names:
            FILE.refuse(path, f"it is not a saved model: it has no {DOCUMENT}")
        if len(entries) > MOST_MEMBERS or len(set(names)) != len(names):
            FILE.refuse(path, "it has too many members, or two of one name")
        if sum(entry.file_size for entry in entries) > LARGEST_FILE:
            FILE.refuse(path, f"unpacked it would be larger than {LARGEST_FILE >> 30} GiB")
        first = archive.getinfo(DOCUMENT)
        if first.file_size > LARGEST_DOCUMENT:
            FILE.refuse(path, f"its {DOCUMENT} is larger than {LARGEST_DOCUMENT >> 20} MiB")
        document = _parse(_content(archive, first, path))
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            FILE.refuse(path, f"it is not a saved model: {DOCUMENT} does not say so")
        FILE.check_version(path, document.get("version"), document.get("pymer_bridge"))
        rest = [entry for entry in entries if entry.filename != DOCUMENT]
        return document, {entry.filename: _content(archive, entry, path) for entry in rest}


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> bytes:
    """Unpack one member, and never more of it than it says it holds."""
    with archive.open(entry) as member:
        content = member.read(entry.file_size)
        if len(content) != entry.file_size or member.read(1):
            FILE.refuse(path, f"its member {entry.filename!r} is not of the size that it states")
    return content


def _member(name: str) -> str:
    return f"arrays/{name}.npy"


def _npy(values: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(values), (1, 0), allow_pickle=False)
    return buffer.getvalue()


def _array(content: bytes) -> NDArray[Any]:
    """Read an array, whose header must state exactly what follows."""
    buffer = io.BytesIO(content)
    if np.lib.format.read_magic(buffer) != (1, 0):
        raise ValueError("an array of another version")
    shape, by_columns, dtype = np.lib.format.read_array_header_1_0(buffer)
    start = buffer.tell()
    if dtype.name not in DTYPES or not dtype.isnative or any(n < 0 for n in shape):
        raise ValueError(f"an array of {dtype}")
    if math.prod(shape) * dtype.itemsize != len(content) - start:
        raise ValueError("an array of another size than it states")
    if dtype.kind == "b" and max(content[start:], default=0) > 1:
        raise ValueError("truth values that are neither")
    values = np.frombuffer(content, dtype=dtype, offset=start)
    return values.reshape(shape, order="F" if by_columns else "C")


def _digest(document: Mapping[str, Any], members: Mapping[str, bytes]) -> str:
    total = hashlib.sha256(_text(document))
    for name in sorted(members):
        total.update(f"\n{name}\n{len(members[name])}\n".encode())
        total.update(members[name])
    return total.hexdigest()


def _text(document: Mapping[str, Any], indent: int | None = None) -> bytes:
    return json.dumps(document, indent=indent, allow_nan=False).encode("ascii")


def _parse(text: bytes) -> Any:
    def refuse_constant(name: str) -> NoReturn:
        raise ValueError(f"{name} is not a number of JSON")

    return json.loads(text.decode("ascii"), parse_constant=refuse_constant)
