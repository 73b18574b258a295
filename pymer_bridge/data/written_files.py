"""Files that this package writes: their names, how one is written whole, and why one is refused."""

from __future__ import annotations

import errno
import gzip
import os
import shutil
import stat
import uuid
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, NoReturn

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


NO_FILE: Final = "it is a folder, a pipe or a device, and no file"


def _at_once(name: str, flags: int) -> int:
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


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
        The file. A device or a pipe is written to as it is.
    new
        Must it be new? Of several processes that make it at once, one succeeds.

    Raises
    ------
    FileExistsError
        It is not new.
    OSError
        It cannot be written; the error names it, and what was there before is there still.
    """
    with all_whole([path], new=new) as (unfinished,):
        yield unfinished


@contextmanager
def all_whole(paths: Sequence[Path], *, new: bool = False) -> Iterator[list[Path]]:
    """Do the same for several files: all of them take their places at the end, or none."""
    places = [Path(os.path.realpath(path)) for path in paths]
    unfinished = [
        place.with_name(f".{place.name[:40]}.{uuid.uuid4().hex}.part")
        if place.is_file() or not place.exists()
        else place
        for place in places
    ]
    moves = [(one, place) for one, place in zip(unfinished, places, strict=True) if one != place]
    try:
        for place in places:
            _check_place(place)
        yield unfinished
        for one, place in moves:
            with one.open("rb+") as file:
                os.fsync(file.fileno())  # a full disk may be found out as late as here
            if place.exists():
                shutil.copymode(place, one)
        for one, place in moves:
            _place_new(one, place) if new else one.replace(place)
    except OSError as error:
        names = [*map(str, unfinished)]
        if error.errno is None or (error.filename and str(error.filename) not in names):
            raise
        path = paths[names.index(str(error.filename)) if error.filename else 0]
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        for one, _ in moves:
            one.unlink(missing_ok=True)


def _check_place(place: Path) -> None:
    """Raise the OSError that writing to a file would, without writing to it."""
    if not place.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no folder", str(place.parent))
    if place.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(place))
    if place.exists() and not os.access(place, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(place))


def write_text(path: Path, text: str) -> None:
    """Write a text, whole or not at all.

    Raises
    ------
    OSError
        It cannot be written.
    """
    with whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8", newline="\n")


def check_gzip(path: Path) -> None:
    """Check that a file which R has written is whole: R does not always say when a disk is full.

    Raises
    ------
    OSError
        It is not.
    """
    try:
        with gzip.open(path) as file:
            while file.read(2**20):
                pass
    except (OSError, EOFError, zlib.error) as error:
        said = "it could not be written whole; the disk may be full"
        raise OSError(errno.EIO, said, str(path)) from error


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

    def open(self, path: Path) -> IO[bytes]:
        """Open a file to read, without waiting for what is none: a pipe, a device, a folder.

        Raises
        ------
        PymerError
            It is not a regular file.
        OSError
            It is not there, or may not be read.
        """
        try:
            file = open(path, "rb", opener=_at_once)  # noqa: SIM115  # Path has no opener
        except OSError as error:
            if path.exists() and not path.is_file():
                self.refuse(path, NO_FILE, error)
            raise
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            self.refuse(path, NO_FILE)
        return file

    def refuse(self, path: Path, why: str, cause: BaseException | None = None) -> NoReturn:
        """Raise the error."""
        named = str(path) if len(str(path)) <= 300 else f"{str(path)[:300]}..."
        raise self.error(f"{named}: {why}") from cause

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
