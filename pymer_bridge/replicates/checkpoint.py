"""Finished replicates in a file that survives whatever happens to the program.

The file is an SQLite database: each chunk is one transaction, so that a kill at any moment leaves
a file that holds all chunks that were finished before.
"""

from __future__ import annotations

import io
import json
import sqlite3
import zipfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import numpy as np

from pymer_bridge.data.files import UNREADABLE, FileKind
from pymer_bridge.errors import CheckpointError

FILE: Final = FileKind("a checkpoint", 1, CheckpointError)

Record = dict[str, Any]


def _encode(record: Record) -> bytes:
    arrays = {name: value for name, value in record.items() if isinstance(value, np.ndarray)}
    texts = {name: value for name, value in record.items() if name not in arrays}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, json=np.array(json.dumps(texts)), **arrays)
    return buffer.getvalue()


def _decode(stored: bytes) -> Record:
    with np.load(io.BytesIO(stored), allow_pickle=False) as arrays:
        record: Record = {name: arrays[name] for name in arrays.files if name != "json"}
        record |= json.loads(str(arrays["json"]))
    return record


class Checkpoint:
    """Finished chunks of one run.

    Parameters
    ----------
    path
        The file; made where it is not there.
    header
        What defines the run; a file with another one is refused.

    Raises
    ------
    CheckpointError
        The file belongs to another run, or is not a checkpoint.
    """

    def __init__(self, path: str | Path, header: Mapping[str, Any]) -> None:
        self.path = Path(path)
        wanted = json.dumps({"layout": FILE.version, **header}, sort_keys=True)
        self._file = sqlite3.connect(self.path, check_same_thread=False)
        try:
            with self._file:
                self._file.execute("CREATE TABLE IF NOT EXISTS run (header TEXT, state TEXT)")
                self._file.execute(
                    "CREATE TABLE IF NOT EXISTS chunks (first INTEGER, last INTEGER, record BLOB)"
                )
            row = self._file.execute("SELECT header, state FROM run").fetchone()
            stored, state = (None, None) if row is None else map(json.loads, row)
        except (*UNREADABLE, sqlite3.Error) as error:
            self.close()
            FILE.refuse_unreadable(self.path, error)
        self._fresh = row is None
        self._header = wanted
        self.state: list[int] | None = state
        if stored is not None:
            self._refuse_other(stored, json.loads(wanted))

    def _refuse_other(self, stored: dict[str, Any], wanted: dict[str, Any]) -> None:
        other = [name for name in wanted if stored.get(name) != wanted[name]]
        if other:
            self.close()
            shown = ", ".join(
                f"{name}"
                if name == "model"
                else f"{name} ({stored.get(name)} there, {wanted[name]} here)"
                for name in other
            )
            FILE.refuse(
                self.path,
                f"it is a checkpoint of another run; it differs in: {shown}. Give another file, or "
                "delete this one",
            )

    def begin(self, state: list[int]) -> None:
        """Write down what the run is, and the state of the generator from which it draws."""
        if self._fresh:
            with self._file:
                self._file.execute(
                    "INSERT INTO run VALUES (?, ?)", (self._header, json.dumps(state))
                )
            self.state, self._fresh = state, False

    def chunks(self) -> list[tuple[int, int, Record]]:
        """Return the chunks that are finished."""
        try:
            with closing(self._file.execute("SELECT first, last, record FROM chunks")) as rows:
                return [(first, last, _decode(record)) for first, last, record in rows]
        except (*UNREADABLE, sqlite3.Error, zipfile.BadZipFile, EOFError) as error:
            FILE.refuse_unreadable(self.path, error)

    def add(self, first: int, last: int, record: Record) -> None:
        """Write a finished chunk."""
        with self._file:
            self._file.execute(
                "INSERT INTO chunks VALUES (?, ?, ?)", (first, last, _encode(record))
            )

    def close(self) -> None:
        """Close the file."""
        self._file.close()
