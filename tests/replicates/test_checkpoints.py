"""Damaged, hostile and unusual checkpoints: each is one ``CheckpointError``, and harms nothing."""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pymer_bridge as pb
from pymer_bridge.replicates import checkpoint as module
from pymer_bridge.replicates.checkpoint import Checkpoint, Kept
from pymer_bridge.session.r_session import session

N_VALUES = 3
KEPT = Kept({"model": "abc", "n_sim": 12, "seed": None, "lme4": "1.1-31"}, 12, N_VALUES, True)
STATE = [10403, 624, *range(1, 625)]
UNCOVERED = range(96, 100)
"""Bytes in which SQLite notes its own version, after all else is written."""


def _record(n: int, start: float = 0.0) -> dict[str, Any]:
    return {
        "values": np.arange(n * N_VALUES, dtype=float) + start,
        "converged": np.ones(n, np.int32),
        "singular": np.zeros(n, np.int32),
        "warnings": [["a warning"]] * n,
        "messages": [[]] * n,
        "errors": [None, *["failed"] * (n - 1)],
    }


def _write(path: Path, state: list[int] = STATE, kept: Kept = KEPT) -> Path:
    with closing(Checkpoint(path, kept)) as made:
        assert made.begin(state)
        for first, last in ((0, 1), (1, 3), (3, 7)):
            made.add(first, last, _record(last - first, first))
    return path


def _seen(path: Path, kept: Kept = KEPT) -> Any:
    texts = ("warnings", "messages")
    with closing(Checkpoint(path, kept)) as found:
        return found.state, [
            (
                first,
                last,
                {name: np.asarray(record[name]).tolist() for name in record if name not in texts},
            )
            for first, last, record in found.chunks
        ]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _write(tmp_path_factory.mktemp("sound") / "c")


@pytest.fixture
def damaged(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "c"))


def _refused(path: Path, kept: Kept = KEPT) -> str:
    """Return what is said of a file; every other outcome fails."""
    with pytest.raises(pb.CheckpointError) as raised:
        Checkpoint(path, kept)
    said = str(raised.value)
    assert said.startswith(f"{path}: " if len(str(path)) <= 300 else str(path)[:300])
    assert said.count("\n") == 0
    assert any(word in said for word in ("give", "Give", "take", "delete", "make")), said
    return said


# -- damage ----------------------------------------------------------------------------------------


def _outcomes(
    data: bytes, positions: list[int], path: Path, kept: Kept, whole: Any
) -> Counter[str]:
    counts: Counter[str] = Counter()
    for bit in positions:
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        try:
            outcome = "same" if _seen(path, kept) == whole else "OTHER"
        except pb.CheckpointError:
            outcome = "refused"
        except Exception as error:
            outcome = f"RAW {error!r}"
        counts[outcome] += 1
    return counts


def test_every_flipped_bit_is_noticed(sound: Path, tmp_path: Path) -> None:
    data, whole = sound.read_bytes(), _seen(sound)
    chance = random.Random(1)
    header = [bit for bit in range(8 * 100) if bit // 8 not in UNCOVERED]
    anywhere = chance.sample(range(8 * 100, 8 * len(data)), 900)
    counts = _outcomes(data, chance.sample(header, 200) + anywhere, tmp_path / "c", KEPT, whole)
    print(counts)
    assert counts == {"refused": 1100}
    uncovered = [8 * byte + bit for byte in UNCOVERED for bit in range(8)]
    assert set(_outcomes(data, uncovered, tmp_path / "c", KEPT, whole)) <= {"refused", "same"}


def test_every_byte_that_is_changed_lost_or_added_is_noticed(sound: Path, tmp_path: Path) -> None:
    data, path = sound.read_bytes(), tmp_path / "c"
    chance = random.Random(2)
    for _ in range(60):
        at = chance.randrange(100, len(data))
        several = bytearray(data)
        several[at : at + 8] = chance.randbytes(8)
        for changed in (several, data[:at], data[:at] + data[at + 1 :]):
            path.write_bytes(changed)
            _refused(path)


DAMAGE = [
    "UPDATE run SET state = '[1,2]'",
    "UPDATE run SET state = '[]'",
    "UPDATE run SET state = NULL",
    "UPDATE run SET state = 'x'",
    "UPDATE run SET state = x'80'",
    "UPDATE run SET state = 1",
    "UPDATE run SET state = replace(state, '17,', '18,')",
    "UPDATE run SET state = '{}'",
    "UPDATE run SET header = '{'",
    "UPDATE run SET header = '[]'",
    "UPDATE run SET header = 'null'",
    "UPDATE run SET header = NULL",
    "UPDATE run SET header = x'ff'",
    "UPDATE run SET header = 7",
    "UPDATE run SET header = '{}'",
    "UPDATE run SET header = replace(header, '2', '3')",
    "UPDATE run SET header = replace(header, '\"layout\": 2', '\"layout\": 1')",
    'UPDATE run SET header = replace(header, \'"layout": 2\', \'"layout": "2"\')',
    "UPDATE run SET digest = ''",
    "UPDATE run SET digest = NULL",
    "UPDATE run SET digest = x'00'",
    "UPDATE run SET digest = upper(digest)",
    "UPDATE run SET rowid = 2",
    "DELETE FROM run",
    "INSERT INTO run SELECT * FROM run",
    "INSERT INTO run VALUES (NULL, NULL, NULL)",
    "UPDATE chunks SET first = 1 WHERE first = 0",
    "UPDATE chunks SET last = 4 WHERE last = 3",
    "UPDATE chunks SET first = NULL",
    "UPDATE chunks SET first = -1",
    "UPDATE chunks SET last = 1e9",
    "UPDATE chunks SET first = 'x'",
    "UPDATE chunks SET first = 0.5",
    "UPDATE chunks SET last = 0",
    "UPDATE chunks SET record = x'00'",
    "UPDATE chunks SET record = NULL",
    "UPDATE chunks SET record = ''",
    "UPDATE chunks SET record = 'text'",
    "UPDATE chunks SET record = 1",
    "UPDATE chunks SET record = zeroblob(1000)",
    "UPDATE chunks SET record = (SELECT record FROM chunks ORDER BY rowid DESC LIMIT 1)",
    "UPDATE chunks SET rowid = 10 - rowid",
    "UPDATE chunks SET rowid = rowid + 5",
    "DELETE FROM chunks",
    "DELETE FROM chunks WHERE first = 0",
    "DELETE FROM chunks WHERE first = 3",
    "INSERT INTO chunks SELECT * FROM chunks",
    "INSERT INTO chunks VALUES (7, 8, x'00')",
    "DROP TABLE chunks",
    "DROP TABLE run",
    "ALTER TABLE run RENAME TO ran",
    "ALTER TABLE run DROP COLUMN digest",
    "ALTER TABLE run ADD COLUMN further TEXT",
    "ALTER TABLE chunks RENAME COLUMN first TO one",
    "CREATE TABLE further (x)",
    "CREATE INDEX further ON chunks (first)",
    "CREATE VIEW further AS SELECT * FROM run",
    "CREATE TRIGGER t AFTER INSERT ON chunks BEGIN DELETE FROM run; END",
    "PRAGMA user_version = 1",
    "PRAGMA application_id = 1",
]


@pytest.mark.parametrize("sql", DAMAGE)
def test_a_field_that_is_changed_is_noticed(sql: str, damaged: Path) -> None:
    with closing(sqlite3.connect(damaged)) as file, file:
        file.execute(sql)
    _refused(damaged)


# -- files of other kinds --------------------------------------------------------------------------


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)


def _other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("CREATE TABLE run (a, b, c)")


def _of_layout(number: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        _write(path)
        with closing(sqlite3.connect(path)) as file, file:
            file.execute(f"ALTER TABLE run ADD COLUMN of_layout_{number} TEXT")

    return make


FILES: dict[str, Callable[[Path], object]] = {
    "a folder": lambda path: path.mkdir(),
    "a full folder": lambda path: (path / "c").mkdir(parents=True),
    "empty": lambda path: path.touch(),
    "text": lambda path: path.write_text("some text, as long as a page of a database " * 99),
    "one byte": lambda path: path.write_bytes(b"\0"),
    "zeros": lambda path: path.write_bytes(bytes(8192)),
    "noise": lambda path: path.write_bytes(random.Random(1).randbytes(8192)),
    "a name only": lambda path: path.write_bytes(b"SQLite format 3\0"),
    "a name and noise": lambda path: path.write_bytes(
        b"SQLite format 3\0" + bytes(range(256)) * 32
    ),
    "an array": lambda path: path.write_bytes(np.arange(99).tobytes()),
    "JSON": lambda path: path.write_text("{}"),
    "an archive": lambda path: (
        shutil.make_archive(str(path), "zip", path.parent, ".")
        and path.with_name("c.zip").rename(path)
    ),
    "a program": lambda path: shutil.copy(sys.executable, path),
    "a folder for a file": lambda path: path.symlink_to(path.parent),
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to nowhere": lambda path: path.symlink_to("no/such/folder/c"),
    "a FIFO": os.mkfifo,
    "a socket": _socket,
    "a terminal": lambda path: path.symlink_to("/dev/tty"),
    "nothing": lambda path: path.symlink_to("/dev/null"),
    "no end of zeros": lambda path: path.symlink_to("/dev/zero"),
    "a full disk": lambda path: path.symlink_to("/dev/full"),
    "another database": _other_database,
    "an empty database": lambda path: sqlite3.connect(path).execute("VACUUM").connection.close(),
    "a later layout": _of_layout(9),
    "a journal without a file": lambda path: path.with_name("c-journal").write_bytes(b"x" * 600),
}


@pytest.mark.skipif(os.name == "nt", reason="POSIX files")
@pytest.mark.parametrize("kind", FILES)
def test_what_is_no_checkpoint_is_refused(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "c"
    FILES[kind](path)
    print(_refused(path))


def test_a_place_where_no_file_can_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in ("no/c", "no/such/folder/c", "file/c", "x" * 300, "x" * 250, "y" * 300 + "/c"):
        _refused(tmp_path / place)
    for given in ("", "\0", "c\0", 5, None, b"c", [], {}, object()):
        with pytest.raises(pb.OptionError, match="cannot be the name of a file"):
            Checkpoint(given, KEPT)  # type: ignore[arg-type]


def test_a_name_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of these is a command to SQLite, or lost on the way."""
    monkeypatch.chdir(tmp_path)
    names = [
        ":memory:",
        "file:x?mode=memory",
        "a?mode=ro",
        "a%20b",
        "a#b",
        "é 日",
        "~",
        "-",
        "x" * 240,
    ]
    for name in [*names, os.fsdecode(b"not utf-8 \xff")]:
        _write(Path(name))
        assert len(_seen(Path(name))[1]) == 3
        assert Path(name).is_file()
    assert len(list(tmp_path.iterdir())) == len(names) + 1


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("file")
    _write(tmp_path / "link")
    assert (tmp_path / "file").is_file()
    assert (tmp_path / "link").is_symlink()
    assert _seen(tmp_path / "link") == _seen(tmp_path / "file")


# -- hostile: with digests that are right ----------------------------------------------------------


def _forge(path: Path, change: Callable[[sqlite3.Connection], object]) -> None:
    """Change a file, and write the digests anew as if nothing had been."""
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        change(file)
        run = file.execute("SELECT rowid, header, state FROM run").fetchone()
        found = module._digest("", *run)
        for row in file.execute("SELECT rowid, first, last, record FROM chunks ORDER BY rowid"):
            found = module._digest(found, *row)
        file.execute("UPDATE run SET digest = ?", (found,))
        for name in module.SEAL:
            file.execute(f"PRAGMA {name} = 0")


SIZES = {0: 4, 1: 3, 2: 3, 3: 626, 4: 102, 6: 102, 7: 7}
STATES: list[Any] = [
    [1, 2],
    [],
    [10403],
    [10403, 624],
    STATE[:-1],
    [*STATE, 1],
    [10403, 624, *[0] * 624],
    [10403, 0, *range(1, 625)],
    [10403, 625, *range(1, 625)],
    [10403, -1, *range(1, 625)],
    [10402, *STATE[1:]],
    [10405, *STATE[1:]],
    [10408, *STATE[1:]],
    [10303, *STATE[1:]],
    [10603, *STATE[1:]],
    [20403, *STATE[1:]],
    [-10403, *STATE[1:]],
    [403000, *STATE[1:]],
    [2**31, *STATE[1:]],
    [*STATE[:-1], 2**31],
    [*STATE[:-1], -(2**31) - 1],
    [*STATE[:-1], 1.5],
    [*STATE[:-1], None],
    [*STATE[:-1], "1"],
    [*STATE[:-1], True],
    [*STATE[:-1], [1]],
    [STATE],
    {"0": 10403},
    "10403",
    10403,
    None,
    True,
    [None],
    [10407, *[0] * 6],
    [10401, 0, 0],
]


@pytest.mark.parametrize("state", STATES, ids=lambda state: json.dumps(state)[:30])
@pytest.mark.parametrize("layout", [1, 2])
def test_what_is_no_state_of_a_generator_is_refused(state: Any, layout: int, damaged: Path) -> None:
    def change(file: sqlite3.Connection) -> None:
        file.execute("UPDATE run SET state = ?", (json.dumps(state),))

    _forge(damaged, change)
    if layout == 1:
        _as_before(damaged)
    assert "no state of R's generator" in _refused(damaged)


def test_states_of_every_kind_of_generator_are_accepted(tmp_path: Path) -> None:
    for kind, size in SIZES.items():
        state = [10400 + kind, *range(1, size)]
        assert _seen(_write(tmp_path / str(kind), state))[0] == state


def _changed(**parts: Any) -> Callable[[], dict[str, Any]]:
    return lambda: {**_record(2), **parts}


RECORDS: dict[str, Callable[[], dict[str, Any]]] = {
    "no values": lambda: {k: v for k, v in _record(2).items() if k != "values"},
    "no errors": lambda: {k: v for k, v in _record(2).items() if k != "errors"},
    "a further part": _changed(further=1),
    "too few values": _changed(values=np.zeros(5)),
    "too many values": _changed(values=np.zeros(7)),
    "values of one number": _changed(values=np.float64(1)),
    "integers": _changed(values=np.zeros(6, int)),
    "texts": _changed(values=np.array(["x"] * 6)),
    "complex": _changed(values=np.zeros(6, complex)),
    "single precision": _changed(values=np.zeros(6, np.float32)),
    "values in JSON": _changed(values=[0.0] * 6),
    "fewer flags": _changed(converged=np.ones(1, np.int32)),
    "flags of numbers": _changed(singular=np.ones(2)),
    "flags in JSON": _changed(converged=[1, 1]),
    "a square of flags": _changed(converged=np.ones((2, 1), np.int32)),
    "fewer warnings": _changed(warnings=[[]]),
    "warnings of one text": _changed(warnings=["a", "b"]),
    "warnings of numbers": _changed(warnings=[[1], [2]]),
    "warnings in a mapping": _changed(warnings={"a": [], "b": []}),
    "no list of messages": _changed(messages=None),
    "errors of numbers": _changed(errors=[1, 2]),
    "more errors": _changed(errors=[None] * 3),
}


@pytest.mark.parametrize("kind", RECORDS)
@pytest.mark.parametrize("layout", [1, 2])
def test_records_of_another_make_are_refused(kind: str, layout: int, damaged: Path) -> None:
    def change(file: sqlite3.Connection) -> None:
        stored = module.encode(RECORDS[kind]())
        file.execute("UPDATE chunks SET record = ? WHERE first = 1", (stored,))

    _forge(damaged, change)
    if layout == 1:
        _as_before(damaged)
    _refused(damaged)


@pytest.mark.parametrize("sql", [sql for sql in DAMAGE if "header" in sql or "chunks SET" in sql])
def test_damage_under_a_right_digest_is_refused_or_harmless(sql: str, damaged: Path) -> None:
    whole = _seen(damaged)
    try:
        _forge(damaged, lambda file: file.execute(sql))
    except TypeError:
        return  # there is nothing to make a digest of
    try:
        seen = _seen(damaged)
    except pb.CheckpointError:
        return
    assert seen[0] == whole[0]
    assert (
        sql.endswith(("rowid = 10 - rowid", "rowid = rowid + 5"))
        or "first = 1" in sql
        or ("last = 4" in sql)
    ), seen


def test_what_would_run_or_unpack_without_end_is_refused(damaged: Path) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("values.npy", bytes(2**24))
    giant = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        giant, {"shape": (2**60,), "fortran_order": False, "descr": "<f8"}
    )
    large = io.BytesIO()
    with zipfile.ZipFile(large, "w") as archive:
        archive.writestr("values.npy", giant.getvalue())
    objects = io.BytesIO()
    np.savez(objects, values=np.array([print], dtype=object), json=np.array("{}"))
    deep = io.BytesIO()
    np.savez(deep, json=np.array("[" * 100_000))
    for content in (bomb, large, objects, deep, io.BytesIO(pickle.dumps(_record(1)))):
        stored = content.getvalue()

        def change(file: sqlite3.Connection, stored: bytes = stored) -> None:
            file.execute("UPDATE chunks SET record = ?", (stored,))

        _forge(damaged, change)
        _refused(damaged)


# -- as written before there were digests ----------------------------------------------------------


def _as_before(path: Path) -> Path:
    """Give a checkpoint the first layout."""
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        header, state = file.execute("SELECT header, state FROM run").fetchone()
        file.execute("DROP TABLE run")
        chunks = file.execute("SELECT first, last, record FROM chunks ORDER BY rowid").fetchall()
        file.execute("DROP TABLE chunks")
        for sql in module.TABLES[1]:
            file.execute(sql)
        file.execute(
            "INSERT INTO run VALUES (?, ?)", (header.replace('"layout": 2', '"layout": 1'), state)
        )
        file.executemany("INSERT INTO chunks VALUES (?, ?, ?)", chunks)
        for name in module.SEAL:
            file.execute(f"PRAGMA {name} = 0")
    return path


def test_the_first_layout_is_read_and_goes_on(damaged: Path) -> None:
    whole = _seen(damaged)
    _as_before(damaged)
    assert _seen(damaged) == whole
    with closing(Checkpoint(damaged, KEPT)) as found:
        assert found.begin(STATE)
        found.add(7, 8, _record(1))
    assert _seen(damaged)[1][:-1] == whole[1]
    assert _seen(damaged)[1][-1][:2] == (7, 8)


# -- with R ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fit() -> Any:
    data = pb.load_dataset("sleepstudy").head(60)
    return pb.lmer("Reaction ~ Days + (1 | Subject)", data, reml=False)


def _many(fit: Any, path: Path) -> Any:
    data = pb.load_dataset("sleepstudy").head(60)
    names = [f"y{i}" for i in range(4)]
    data = data.assign(**{name: data["Reaction"] * (i + 1) for i, name in enumerate(names)})
    return pb.fit_many("~ Days + (1 | Subject)", data, names, checkpoint=path)


RUNS: dict[str, Callable[[Any, Path], Any]] = {
    "bootstrap": lambda fit, path: fit.bootstrap("parametric", 4, checkpoint=path),
    "cases": lambda fit, path: fit.bootstrap(
        "case", 4, resample={"Subject": True}, checkpoint=path
    ),
    "influence": lambda fit, path: fit.influence("Subject", checkpoint=path),
    "fit_many": _many,
    "pb_modcomp": lambda fit, path: pb.pb_modcomp(fit, "Days", n_sim=4, checkpoint=path),
}
WHOLE: dict[str, Callable[[Any], Any]] = {
    "bootstrap": lambda made: made.replicates.tolist(),
    "cases": lambda made: made.replicates.tolist(),
    "influence": lambda made: [row.cooks_distance for row in made.rows],
    "fit_many": lambda made: made.values.tolist(),
    "pb_modcomp": lambda made: made.likelihood_ratios.tolist(),
}
POISON = [
    "UPDATE run SET state = '[1,2]'",
    "UPDATE run SET state = '[10403, 1]'",
    "UPDATE run SET state = '{\"a\": 1}'",
    "UPDATE run SET header = '[]'",
    "UPDATE run SET state = '[5, 5]'",
    "UPDATE chunks SET record = x'00'",
    "DELETE FROM run",
    "UPDATE run SET state = '[]' WHERE state <> '[]'",
    "UPDATE chunks SET last = last + 1",
]


def _seeded(fit: Any) -> None:
    fit.bootstrap("parametric", 1, seed=3)


def _next_draws(fit: Any) -> list[list[float]]:
    """Return what is drawn next without a seed."""
    found: list[list[float]] = fit.bootstrap("parametric", 2).replicates.tolist()
    return found


@pytest.mark.parametrize(
    ("name", "forged"),
    [*((name, False) for name in RUNS), ("bootstrap", True), ("influence", True)],
)
@pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning")
@pytest.mark.r("pbkrtest")
def test_a_damaged_checkpoint_harms_nothing(
    name: str, forged: bool, fit: Any, tmp_path: Path
) -> None:
    """It is refused, and R's generator and later runs are as they were."""
    _seeded(fit)
    expected = _next_draws(fit)
    first = RUNS[name](fit, tmp_path / "sound")
    again = RUNS[name](fit, tmp_path / "sound")
    assert WHOLE[name](first) == WHOLE[name](again)
    refused = 0
    for number, sql in enumerate(POISON):
        path = Path(shutil.copy(tmp_path / "sound", tmp_path / str(number)))
        if "WHERE state" in sql and name in ("influence", "fit_many"):
            continue  # where nothing is drawn, an empty state is right
        if not forged:
            with closing(sqlite3.connect(path)) as file, file:
                file.execute(sql)
        elif sql == "DELETE FROM run":
            continue  # there is nothing to make a digest of
        else:
            _forge(path, lambda file, sql=sql: file.execute(sql))  # type: ignore[misc]
        _seeded(fit)
        with pytest.raises(pb.CheckpointError) as raised:
            RUNS[name](fit, path)
        assert raised.value.partial is None
        refused += 1
        assert _next_draws(fit) == expected
    assert refused >= 7


@pytest.mark.r
def test_an_operation_that_fails_leaves_the_generator_as_it_was(fit: Any) -> None:
    _seeded(fit)
    expected = _next_draws(fit)
    failing: list[Callable[[], object]] = [
        lambda: fit.bootstrap("parametric", 2, 9, "function(fit) no_such_thing"),
        lambda: fit.bootstrap("parametric", 2, 9, "function(fit) fixef(fit)[0]", n_jobs=0),
        lambda: fit.bootstrap("wild", 2, 9, hccme="hc9"),
        lambda: fit.bootstrap("parametric", 2, 9, timeout=1e-9),
        lambda: fit.simulate(2, seed=9, new_data={"Days": ["x"], "Subject": ["308"]}),
        lambda: fit.simulate(2, seed=-(10**99)),
        lambda: pb.pb_modcomp(fit, "no_such_term", n_sim=2, seed=9),
        lambda: session().call("set.seed", seed="x"),
        lambda: session().call(
            "make_draws", model=fit._model, kind="none", n_sim=1, seed=9, state=None, options={}
        ),
        lambda: session().call(
            "make_draws",
            model=fit._model,
            kind="wild",
            n_sim=1,
            seed=9,
            state=None,
            options={"hccme": "hc2", "aux_dist": ["a", "b"]},
        ),
    ]
    for fail in failing:
        _seeded(fit)
        with pytest.raises((pb.PymerError, TypeError)):
            fail()
        assert _next_draws(fit) == expected
    estimate = fit.fixed_effects("none")["Days"].estimate
    code = f"function(fit) if (fixef(fit)[2] == {estimate!r}) 1 else stop('another fit')"
    _seeded(fit)
    with pytest.raises(pb.RError, match="every replicate failed"):
        fit.bootstrap("parametric", 2, 9, code, allow_functions=("stop",))
    assert _next_draws(fit) == expected


# -- kills -----------------------------------------------------------------------------------------

ENDLESS = """
import sys
import test_checkpoints as tests
kept = tests.Kept(tests.KEPT.header, 10**6, tests.N_VALUES, True)
with tests.closing(tests.Checkpoint(sys.argv[1], kept)) as found:
    found.begin(tests.STATE)
    at = max((last for _, last, _ in found.chunks), default=0)
    print(at, flush=True)
    while True:
        found.add(at, at + 2, tests._record(2, at))
        at += 2
        print(at, flush=True)
"""


@pytest.mark.slow
def test_a_kill_at_any_moment_loses_nothing_that_was_finished(tmp_path: Path) -> None:
    chance, last = random.Random(1), 0
    here = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    for _ in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", ENDLESS, str(tmp_path / "c")],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": here},
        )
        assert process.stdout is not None
        assert int(process.stdout.readline()) >= last
        time.sleep(chance.uniform(0, 0.2))
        process.kill()
        told = process.communicate()[0].split()
        last = int(told[-1]) if told else last
    assert last > 0


# -- several processes -----------------------------------------------------------------------------

RACE = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import pymer_bridge as pb
fit = pb.lmer("Reaction ~ Days + (1 | Subject)", pb.load_dataset("sleepstudy").head(60), reml=False)
fit.bootstrap("parametric", 1, seed=int(sys.argv[1]))  # each process is at another place
print("ready", flush=True)
for line in sys.stdin:
    at, path = json.loads(line)
    time.sleep(max(0.0, at - time.time()))
    try:
        made = fit.bootstrap("parametric", 3, checkpoint=path)
        print(json.dumps(made.replicates.tolist()), flush=True)
    except pb.CheckpointError as error:
        print(json.dumps(str(error)), flush=True)
"""


@pytest.fixture
def racers() -> Iterator[list[subprocess.Popen[str]]]:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(seed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in (1, 2)
    ]
    for each in started:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    yield started
    for each in started:
        each.kill()
        each.communicate()


@pytest.mark.slow
@pytest.mark.r
def test_of_several_processes_one_makes_the_run(
    racers: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    """On a new file without a seed: all have the figures of one of them, or are refused."""
    refused = 0
    for number in range(16):
        path = tmp_path / str(number)
        at = time.time() + 0.05
        for each in racers:
            assert each.stdin is not None
            each.stdin.write(json.dumps([at, str(path)]) + "\n")
            each.stdin.flush()
        told = [json.loads(each.stdout.readline()) for each in racers if each.stdout is not None]
        found = [each for each in told if isinstance(each, list)]
        refused += len(told) - len(found)
        assert found
        assert all(each == found[0] for each in found), told
        with closing(sqlite3.connect(path)) as file:
            assert file.execute("SELECT count(*) FROM run").fetchone() == (1,)
    print(f"refused: {refused} of 32")
    assert [each.name for each in tmp_path.iterdir() if "part" in each.name] == []
