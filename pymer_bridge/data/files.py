"""Files that this package writes: their names, how one is written whole, and why one is refused."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from pymer_bridge.errors import OptionError, PymerError

UNREADABLE: Final = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    RecursionError,
    ImportError,
)
"""The exceptions that reading an unexpected content can raise."""


def path_of(given: str | os.PathLike[str]) -> Path:
    """Check what a user gives for a file.

    Raises
    ------
    OptionError
        No file can have such a name.
    """
    try:
        path = Path(given)
        fits = b"\0" not in os.fsencode(path) and path.name != ""
    except (TypeError, UnicodeEncodeError):
        fits = False
    if not fits:
        raise OptionError(f"{given!a} cannot be the name of a file")
    return path


@contextmanager
def whole(path: Path, *, new: bool = False) -> Iterator[Path]:
    """Give another name beside ``path``, which takes its place at the end, or never was.

    Parameters
    ----------
    path
        The file.
    new
        Must it be new? Of several processes that make it at once, one succeeds.

    Raises
    ------
    FileExistsError
        It is not new.
    """
    unfinished = path.with_name(f".{path.name[:40]}.{uuid.uuid4().hex}.part")
    try:
        yield unfinished
        if new:
            _place_new(unfinished, path)
        else:
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _place_new(unfinished: Path, path: Path) -> None:
    try:
        path.hardlink_to(unfinished)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        path.open("xb").close()
        unfinished.replace(path)


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file, and the error that says why a file is not of it.

    Attributes
    ----------
    name
        What it is, such as "a record".
    version
        Version of the layout; a later one is refused.
    error
        The class of the error.
    """

    name: str
    version: int
    error: type[PymerError]

    def refuse(self, path: Path, why: str, cause: BaseException | None = None) -> NoReturn:
        """Raise the error."""
        raise self.error(f"{path}: {why}") from cause

    def refuse_unreadable(self, path: Path, cause: BaseException, why: str = "") -> NoReturn:
        """Raise the error for what reading the file raised."""
        said = why or str(cause)[:200]
        self.refuse(path, f"it cannot be read as {self.name} ({said})", cause)

    def check_version(self, path: Path, stated: Any, by: Any = None) -> None:
        """Refuse a version that is not known."""
        if type(stated) is not int:
            self.refuse(path, "it has no version of its layout")
        if stated > self.version:
            writer = f", written by pymer_bridge {by[:20]}" if isinstance(by, str) else ""
            self.refuse(
                path,
                f"its layout is of version {stated}{writer}, and this package reads "
                f"{self.version}; take a newer one: pip install --upgrade pymer-bridge",
            )
        if stated < 1:
            self.refuse(path, f"there is no version {stated} of its layout")

    def check_digest(self, path: Path, stated: Any, found: str) -> None:
        """Refuse a content whose hash is not the one that the file states."""
        if found != stated:
            self.refuse(path, "its content is not what was written: it was changed, or is damaged")
