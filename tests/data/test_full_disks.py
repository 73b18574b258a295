"""Every function that writes a file, on a disk that is full at any byte: whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import pymer_bridge as pb
from pymer_bridge.cli.commands import main
from pymer_bridge.data import written_files
from pymer_bridge.r_script.journal import journal

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.r

OLD = "what was there before\n"


@pytest.fixture(scope="module")
def fit() -> Any:
    return pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"))


WRITERS: dict[str, Callable[[Any, Path], object]] = {
    "save": lambda fit, path: fit.save(path),
    "save_rds": lambda fit, path: fit.save_rds(path),
    "record": pb.record,
    "record of several": lambda fit, path: pb.record({"a": fit, "b": fit}, path),
    "to_r_script": lambda fit, path: fit.to_r_script(path),
    "to_r_script, rds": lambda fit, path: fit.to_r_script(path, data="rds"),
    "to_r_script, no data": lambda fit, path: fit.to_r_script(path, data=None),
    "session_script": lambda fit, path: pb.session_script(path),
    "session_script, rds": lambda fit, path: pb.session_script(path, data="rds"),
    "fit --out": lambda fit, path: _command("fit", "--out", path),
    "record --out": lambda fit, path: _command("record", "--out", path),
    "script --out": lambda fit, path: _command("script", "--out", path),
}


def _command(name: str, *arguments: str | Path) -> None:
    formula = "Yield ~ 1 + (1 | Batch)"
    status = main([name, "lme4::Dyestuff", formula, *map(str, arguments)])
    if status:
        raise OSError("the command says so")


@contextmanager
def _room(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, as on a disk that is full then."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def _sizes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_nothing_behind(
    name: str,
    fit: Any,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = WRITERS[name]
    # A session of this model alone: other tests leave hundreds.
    mine = [entry for entry in journal.fits if entry.model() is fit._model]
    monkeypatch.setattr(journal, "fits", mine)
    monkeypatch.setattr(journal, "done", [])
    first = tmp_path / "first"
    first.mkdir()
    write(fit, first / "x.R")
    whole = _sizes(first)
    # R says nothing where only the end of a file is lost, and it fits into its buffer.
    largest = max(map(len, whole.values()))
    shorts = sorted(
        {*range(0, largest, max(1, largest // 5)), *(len(c) - 1 for c in whole.values())}
    )
    for size in (each for each in shorts if each < largest):
        for before in ({}, dict.fromkeys(whole, OLD.encode())):
            folder = tmp_path / f"{size} {len(before)}"
            folder.mkdir()
            for each, content in before.items():
                (folder / each).write_bytes(content)
            with _room(size), pytest.raises((OSError, pb.PymerError)) as raised:
                write(fit, folder / "x.R")
            assert ".part" not in str(raised.value)
            assert _sizes(folder) == before, (name, size)
    capfd.readouterr()


def test_the_error_names_the_file(fit: Any, tmp_path: Path) -> None:
    for name in ("save", "record", "to_r_script", "session_script", "to_r_script, rds"):
        path = tmp_path / f"{name}.R"
        with _room(10), pytest.raises(OSError, match="File too large") as raised:
            WRITERS[name](fit, path)
        assert raised.value.filename == str(path)


def test_an_earlier_file_keeps_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text(OLD)
    path.chmod(0o640)
    (tmp_path / "link").symlink_to("x")
    written_files.write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.skipif(os.name == "nt", reason="POSIX files")
def test_what_is_no_file_is_not_replaced(fit: Any, tmp_path: Path) -> None:
    """As root, /dev/null would become a file."""
    pipe, folder = tmp_path / "pipe", tmp_path / "folder"
    os.mkfifo(pipe)
    (folder / "within").mkdir(parents=True)
    (tmp_path / "full").symlink_to("/dev/full")
    for write in (fit.save, lambda path: pb.record(fit, path)):
        for place in (pipe, folder, tmp_path / "full"):
            with pytest.raises((OSError, pb.PymerError)):
                write(place)
    for place in (folder, tmp_path / "full"):
        with pytest.raises((OSError, pb.PymerError)):
            fit.to_r_script(place, data=None)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert stat.S_ISCHR((tmp_path / "full").stat().st_mode)
    assert [each.name for each in folder.iterdir()] == ["within"]
    assert len(list(tmp_path.iterdir())) == 3


def test_names_of_any_length_are_written(tmp_path: Path) -> None:
    for name in ("é" * 120, "日" * 85, "😀" * 60, "x" * 255):
        written_files.write_text(tmp_path / name, "x")
        assert (tmp_path / name).read_text() == "x"


def test_of_several_files_all_are_written_or_none(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()

    def write(second: Path) -> None:
        with written_files.all_whole([tmp_path / "x", second]) as unfinished:
            for each in unfinished:
                each.write_text("new")

    for second in (tmp_path / "folder", tmp_path / "no" / "x"):
        with pytest.raises(OSError, match=rf"{second.name}|no folder"):
            write(second)
        assert not (tmp_path / "x").exists()


def test_a_new_file_takes_no_earlier_ones_place(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for expected in ("first", "first"):
        try:
            with written_files.whole(path, new=True) as unfinished:
                unfinished.write_text(expected if not path.exists() else "second")
        except FileExistsError:
            assert expected == "first"
        assert path.read_text() == "first"
    assert [each.name for each in tmp_path.iterdir()] == ["x"]


def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    path = tmp_path / "x"
    with written_files.whole(path, new=True) as unfinished:
        unfinished.write_text("first")
    with pytest.raises(FileExistsError), written_files.whole(path, new=True) as unfinished:
        unfinished.write_text("second")
    assert path.read_text() == "first"
    assert [each.name for each in tmp_path.iterdir()] == ["x"]
