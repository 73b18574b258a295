"""The file of a record: one JSON text, in which nothing is ever run.

``record.schema.json`` beside this module is its JSON Schema. A hash of the content tells of damage
and of edits; it is not a signature, and does not say who wrote the file.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from pymer_bridge.data.written_files import FileKind, whole
from pymer_bridge.errors import RecordError

FORMAT: Final = "pymer_bridge record"
FILE: Final = FileKind("a record", 2, RecordError)

LARGEST_FILE: Final = 2**28
"""Bytes."""

LARGEST_INTEGER: Final = 2**63
MOST_DIGITS: Final = 400
"""Of a number as it is written: more than any float has."""

Document = dict[str, Any]


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write a record, whole or not at all.

    Parameters
    ----------
    path
        The file; what was there is replaced.
    content
        ``stack``, ``models`` and ``results``.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    headed = {"format": FORMAT, "schema": FILE.version, **content}
    text = json.dumps({**headed, "sha256": digest(headed)}, indent=1, allow_nan=False) + "\n"
    with whole(path) as unfinished, unfinished.open("x", encoding="ascii") as file:
        file.write(text)


def read(path: Path) -> Document:
    """Read a record: whole, unchanged, of a version that is known, and JSON of the strict kind.

    What its parts are is not looked at.

    Raises
    ------
    RecordError
        It is not such a file.
    OSError
        It is not there, or may not be read.
    """
    document = read_json(path, FILE)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        FILE.refuse(path, "it is not a record of models")
    FILE.check_version(path, document.get("schema"))
    FILE.check_digest(path, document.pop("sha256", None), digest(document))
    return document


def read_json(path: Path, kind: FileKind) -> Any:
    """Read a file of JSON of the strict kind: no name twice, and no number that a float has not.

    Raises
    ------
    PymerError
        It is not such a file; the class is the kind's own.
    OSError
        It is not there, or may not be read.
    """
    with kind.open(path) as file:
        text = file.read(LARGEST_FILE + 1)
    if len(text) > LARGEST_FILE:
        kind.refuse(path, f"it is larger than {LARGEST_FILE} bytes")
    try:
        return _parse(text)
    except RecursionError as error:
        kind.refuse_unreadable(path, error, "it is nested too deep")
    except ValueError as error:
        kind.refuse_unreadable(path, error)


def digest(content: Mapping[str, Any]) -> str:
    """Return the hash of a record without its ``sha256``; layout and order do not count."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _parse(text: bytes) -> Any:
    return json.loads(
        text.decode("utf-8"),
        parse_constant=_refuse_constant,
        parse_float=_float,
        parse_int=_integer,
        object_pairs_hook=_object,
    )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


def _float(text: str) -> float:
    number = float(text) if len(text) <= MOST_DIGITS else math.inf
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:40]} is too large")
    return number


def _integer(text: str) -> int:
    number = int(text) if len(text) <= 20 else LARGEST_INTEGER
    if abs(number) >= LARGEST_INTEGER:
        raise ValueError(f"the number {text[:40]} is too large")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{double[:40]!r} stands twice")
    return found
