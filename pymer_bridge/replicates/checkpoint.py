"""Finished replicates in a file that survives whatever happens to the program.

The file is an SQLite database: each chunk is one transaction, so that a kill at any moment leaves
a file that holds all chunks that were finished before. A digest covers what the run is, the state
of its generator, and every chunk in order; another one covers every byte of the file, also those
that SQLite does not use: a file that was changed or damaged is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pymer_bridge.data.written_files import FileKind, path_of, whole
from pymer_bridge.errors import CheckpointError
from pymer_bridge.replicates.chunks import Chunk, Record, check, decode, encode

FILE: Final = FileKind("a checkpoint", 2, CheckpointError)
CHANGED: Final = "its content is not what was written: it was changed, or is damaged"
REMEDY: Final = "; give another file, or delete this one and start again"

CHUNKS: Final = "CREATE TABLE chunks (first INTEGER, last INTEGER, record BLOB)"
TABLES: Final = {
    1: ("CREATE TABLE run (header TEXT, state TEXT)", CHUNKS),
    2: ("CREATE TABLE run (header TEXT, state TEXT, digest TEXT)", CHUNKS),
}
"""What is in the file, by the version of its layout; the first one has no digest."""

SEAL: Final = ("user_version", "application_id")
"""Free numbers in the header of the database: the seal of the file."""

UNSEALED: Final = (slice(24, 28), slice(60, 64), slice(68, 72), slice(92, 100))
"""What the seal does not cover: itself, and what SQLite writes after it, counters and a version."""

LARGEST_SEALED: Final = 2**24
"""Bytes of a larger file are not read again for each chunk; its content has a digest still."""

PATIENCE: Final = 5.0
"""Seconds for which a file is waited for that another process has locked."""

STATE_SIZES: Final = {0: 4, 1: 3, 2: 3, 3: 626, 4: 102, 6: 102, 7: 7}
"""Integers in ``.Random.seed``, by the kind of R's generator (``?RNGkind``; 5 is a user's own)."""

NORMAL_KINDS: Final = (0, 1, 2, 4, 5)
"""How R makes normal numbers; 3 is a user's own function."""


def _digest(before: str, *parts: object) -> str:
    """Return the digest of what is added to what has another one."""
    total = hashlib.sha256(before.encode())
    for part in parts:
        content = part if isinstance(part, bytes) else str(part).encode()
        total.update(f"\n{len(content)}\n".encode() + content)
    return total.hexdigest()


def _is_state(state: Any) -> bool:
    """Say whether R takes this as the state of its generator, as it is."""
    if not isinstance(state, list) or len(state) < 2:
        return False
    if not all(type(part) is int and -(2**31) <= part < 2**31 for part in state):
        return False
    kinds, seed = state[0], state[1:]
    rounding, normal, kind = kinds // 10_000, kinds // 100 % 100, kinds % 100
    # R would replace a seed of zeros by one of its own, from the clock.
    return (
        rounding in (0, 1)
        and normal in NORMAL_KINDS
        and STATE_SIZES.get(kind) == len(state)
        and any(seed[1:] if kind == 3 else seed)
        and (kind != 3 or 0 < seed[0] <= 624)
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """What a run may find in its checkpoint.

    Attributes
    ----------
    header
        What defines the run; a file with another one is refused.
    n, n_values
        How many replicates there are, and how many values each has.
    seeded
        Is anything drawn, so that there is a state of the generator?
    """

    header: Mapping[str, Any]
    n: int
    n_values: int
    seeded: bool


class Checkpoint:
    """Finished chunks of one run.

    Parameters
    ----------
    path
        The file; made by :meth:`begin` where it is not there.
    kept
        What it may hold.

    Raises
    ------
    CheckpointError
        The file belongs to another run, is damaged, or is not a checkpoint.
    OptionError
        No file can have such a name.
    """

    def __init__(self, path: str | Path, kept: Kept) -> None:
        self.path: Path = path_of(path)
        self.chunks: list[Chunk] = []
        self.state: list[int] | None = None
        self._kept = kept
        self._place = Path(os.path.realpath(self.path))
        self._file: sqlite3.Connection | None = None
        self._layout = FILE.version
        with self._readable():
            if self._is_there():
                self._open()

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.close()
            if isinstance(error, CheckpointError):
                raise
            cause = str(error)[:200] or type(error).__name__
            if isinstance(error, sqlite3.OperationalError) and "locked" in cause:
                said = f"another program uses it ({cause}); wait for its end, or give another file"
                FILE.refuse(self.path, said, error)
            FILE.refuse(self.path, f"it cannot be read as {FILE.name} ({cause}){REMEDY}", error)
        except BaseException:
            self.close()
            raise

    def _is_there(self) -> bool:
        """Say whether there is such a file; refuse what can be none."""
        if not self._place.parent.is_dir():
            FILE.refuse(self.path, "there is no such folder; make it first, or give another file")
        if not self._place.exists():
            if self._place.is_symlink():
                raise ValueError("it is a link to itself")
            journal = Path(f"{self._place}-journal")
            if _is_found(journal) and not self._place.exists():
                FILE.refuse(self.path, f"{journal} belongs to a file that is gone; delete it too")
            return False
        if not self._place.is_file():
            what = "a folder" if self._place.is_dir() else "not a regular file"
            FILE.refuse(self.path, f"it is {what}; give the name of a file")
        if self._place.stat().st_size == 0:
            raise ValueError("it is empty")
        return True

    def _open(self) -> None:
        """Open the file, and read and check all of it."""
        self._file = sqlite3.connect(
            f"{self._place.as_uri()}?mode=rw",
            timeout=PATIENCE,
            uri=True,
            check_same_thread=False,
            isolation_level=None,
        )
        with self._transaction("DEFERRED") as file:  # another process may be writing
            self._layout = _layout_of(file)
            stated = [*file.execute("SELECT rowid, * FROM run")]
            rows = [*file.execute("SELECT rowid, first, last, record FROM chunks ORDER BY rowid")]
        if len(stated) != 1:
            raise ValueError(f"it tells of {len(stated)} runs")
        _, header, state, *digest = stated[0]
        stored = json.loads(header)
        if stored.pop("layout", None) != self._layout:
            raise ValueError("it is of two layouts")
        self._check_digest(stated[0], rows, digest)
        self._refuse_other(stored)
        self.state = json.loads(state)
        if not (_is_state(self.state) if self._kept.seeded else self.state == []):
            raise ValueError("it holds no state of R's generator")
        self.chunks = [(first, last, decode(record)) for _, first, last, record in rows]
        for chunk in self.chunks:
            check(*chunk, n=self._kept.n, n_values=self._kept.n_values)

    def _check_digest(self, run: Sequence[Any], rows: list[Any], stated: list[Any]) -> None:
        if self._layout == 1:
            return  # as it was written before there were digests
        found = _digest("", *run[:3])
        for row in rows:
            found = _digest(found, *row)
        if stated != [found]:
            raise ValueError(CHANGED)

    def _refuse_other(self, stored: dict[str, Any]) -> None:
        wanted = json.loads(json.dumps(dict(self._kept.header)))
        other = [name for name in wanted if stored.get(name) != wanted[name]]
        if other:
            shown = ", ".join(
                name
                if name == "model"
                else f"{name} ({_shown(stored.get(name))} there, {_shown(wanted[name])} here)"
                for name in other
            )
            FILE.refuse(
                self.path,
                f"it is a checkpoint of another run; it differs in: {shown}. Give another file, or "
                "delete this one",
            )

    @contextmanager
    def _transaction(self, kind: str = "IMMEDIATE") -> Iterator[sqlite3.Connection]:
        """Give the file; all that is done with it is written at the end, or nothing."""
        assert self._file is not None
        self._file.execute(f"BEGIN {kind}")
        try:
            yield self._file
            self._file.execute("COMMIT")
        except BaseException:
            # After a full disk SQLite may have done so itself.
            if self._file.in_transaction:
                self._file.execute("ROLLBACK")
            raise

    def begin(self, state: list[int]) -> bool:
        """Write down what the run is, and the state of the generator from which it draws.

        Returns
        -------
        bool
            False where another process was faster, and it is the run of ``self.state`` then.
        """
        if self._file is not None:
            if state != self.state:
                self.close()
                FILE.refuse(self.path, "its draws cannot be made again from its state" + REMEDY)
            return True
        header = json.dumps({"layout": FILE.version, **self._kept.header}, sort_keys=True)
        run = (1, header, json.dumps(state))
        made = True
        with self._readable():
            try:
                with whole(self._place, new=True) as unfinished:
                    _create(unfinished, run)
            except FileExistsError:
                made = False
            except (OSError, sqlite3.Error) as error:
                self._refuse_unwritable(error)
            self._open()
        return made or state == self.state

    def add(self, first: int, last: int, record: Record) -> None:
        """Write a finished chunk.

        Raises
        ------
        CheckpointError
            It cannot be written; what was there before is there still.
        """
        stored = encode(record)
        try:
            with self._transaction() as file:
                new = file.execute("INSERT INTO chunks VALUES (?, ?, ?)", (first, last, stored))
                if self._layout > 1:
                    (before,) = file.execute("SELECT digest FROM run").fetchone()
                    digest = _digest(before, new.lastrowid, first, last, stored)
                    file.execute("UPDATE run SET digest = ?", (digest,))
                    _put_seal(file)
        except Exception as error:
            self._refuse_unwritable(error)

    def _refuse_unwritable(self, error: Exception) -> None:
        said = getattr(error, "strerror", None) or error
        FILE.refuse(
            self.path,
            f"it cannot be written to ({said}); look at the disk and at who uses the file",
            error,
        )

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def _layout_of(file: sqlite3.Connection) -> int:
    """Return the version of the layout; raise a ValueError if this is no checkpoint."""
    found = tuple(sql for (sql,) in file.execute("SELECT sql FROM sqlite_master ORDER BY rowid"))
    layout = next((number for number, tables in TABLES.items() if tables == found), None)
    if layout is None:
        raise ValueError("its tables are not those of a checkpoint")
    if [*file.execute("PRAGMA integrity_check")] != [("ok",)]:
        raise ValueError("the database is damaged")
    stated = tuple(file.execute(f"PRAGMA {name}").fetchone()[0] for name in SEAL)
    if any(stated) and (layout == 1 or stated != _seal_of(file)):
        raise ValueError(CHANGED)
    return layout


def _create(path: Path, run: tuple[int, str, str]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("PRAGMA journal_mode = OFF")  # what is not whole is not kept
        file.execute("BEGIN")
        for sql in TABLES[FILE.version]:
            file.execute(sql)
        file.execute("INSERT INTO run VALUES (?, ?, ?)", (*run[1:], _digest("", *run)))
        _put_seal(file)
        file.execute("COMMIT")


def _seal_of(file: sqlite3.Connection) -> tuple[int, ...]:
    """Return a digest of the bytes of a file as they are within a transaction; zeros for none."""
    ((size,),) = file.execute(
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    )
    if size > LARGEST_SEALED or not hasattr(file, "serialize"):
        return (0, 0)
    content = bytearray(file.serialize())
    if content[24:28] != content[92:96]:
        return (0, 1)
    for part in UNSEALED:
        content[part] = bytes(part.stop - part.start)
    return struct.unpack(">ii", hashlib.sha256(content).digest()[:8])


def _put_seal(file: sqlite3.Connection) -> None:
    for name, value in zip(SEAL, _seal_of(file), strict=True):
        file.execute(f"PRAGMA {name} = {value}")


def _is_found(path: Path) -> bool:
    """Say whether there is something of this name; raise an OSError where it is too long for one.

    ``Path.exists()`` does so up to Python 3.13.
    """
    try:
        path.stat()
    except FileNotFoundError:
        return False
    return True


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
