"""Models in files: stored, fitted again, compared; and files that are damaged or hostile."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import pickle
import struct
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import pymer_bridge as pb
from helpers import REFERENCES, ROOT
from helpers.columns import COLUMNS, TEXTS
from helpers.forgery import forged
from helpers.probing import plain_r
from pymer_bridge.data import model_file, packing
from pymer_bridge.data.exact import same
from pymer_bridge.data.frames import collect
from pymer_bridge.data.frozen_arrays import Arrays, from_inline
from pymer_bridge.data.indexes import pack_index, unpack_index
from pymer_bridge.data.packing import pack_part, unpack_part
from pymer_bridge.models.mixed import MixedModel
from pymer_bridge.session.r_session import session

r = pytest.mark.r
FEW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
REFERENCE = REFERENCES / "saving.R"
SLEEP = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def plain() -> Any:
    """Return a function that calls plain R."""
    session().require("lme4")
    return plain_r(REFERENCE)


def sleepstudy() -> pd.DataFrame:
    data = pb.load_dataset("sleepstudy")
    data["week day"] = np.where(data["Days"] % 7 > 4, "end", "work")
    data.loc[7, "Reaction"] = np.nan
    data["when"] = pd.date_range(
        "2020-03-01 00:30", periods=len(data), freq="h", tz="Europe/Zurich"
    )
    data["many"] = pd.array([None if i == 11 else i % 5 for i in range(len(data))], dtype="Int64")
    data["flag"] = pd.array([i % 3 == 0 for i in range(len(data))], dtype="boolean")
    return data


WEIGHTS = np.linspace(0.5, 2.0, 180)
SUM_TO_ZERO = pd.DataFrame([[1.0], [-1.0]], index=["end", "work"], columns=["apart"])
MODELS: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "slopes": (pb.lmer, SLEEP, {}),
    "likelihood": (pb.lmer, SLEEP, {"reml": False, "start": [1.0, 0.1, 0.5]}),
    "split": (pb.lmer, "Reaction ~ Days + (Days || Subject)", {"data_name": "nights"}),
    "texts": (
        pb.lmer, SLEEP,
        {"weights": "1 / (1 + Days)", "offset": "Days", "subset": "Days > 1 & flag"},
    ),
    "vectors": (
        pb.lmer, SLEEP,
        {"weights": WEIGHTS, "offset": WEIGHTS[::-1], "subset": WEIGHTS > 0.7},
    ),
    "contrasts": (
        pb.lmer, "Reaction ~ `week day` * flag + (1 | Subject)",
        {"contrasts": {"week day": "contr.sum"}},
    ),
    "matrix": (
        pb.lmer, "Reaction ~ `week day` + (1 | Subject)",
        {"contrasts": {"week day": SUM_TO_ZERO}},
    ),
    "bare matrix": (
        pb.lmer, "Reaction ~ `week day` + (1 | Subject)",
        {"contrasts": {"week day": [[1.0], [-1.0]]}},
    ),
    "control": (
        pb.lmer, SLEEP,
        {"control": pb.lmer_control(
            "bobyqa", optCtrl={"maxfun": 20000, "rhobeg": 0.2}, calc_derivs=False,
            check_conv_grad={"action": "ignore", "tol": 0.1})},
    ),
    "exclude": (
        pb.lmer, "Reaction ~ many + scale(as.numeric(when)) + (1 | Subject)",
        {"na_action": "exclude"},
    ),
    "allowed": (
        pb.lmer, "Reaction ~ nchar(`week day`) + (1 | Subject)", {"allow_functions": ("nchar",)},
    ),
    "binomial": (
        pb.glmer, "cbind(incidence, size - incidence) ~ period + (1 | herd)",
        {"family": "binomial", "link": "probit", "n_agq": 3, "start": {"theta": [0.5]}},
    ),
    "counts": (
        pb.glmer, "TICKS ~ cHEIGHT + (1 | BROOD)",
        {"family": pb.negative_binomial(1.5),
         "control": pb.glmer_control(("bobyqa", "Nelder_Mead"), tolPwrss=1e-8)},
    ),
    "negative binomial": (pb.glmer_nb, "TICKS ~ cHEIGHT + (1 | BROOD)", {}),
    "nonlinear": (
        pb.nlmer, "circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree",
        {"start": {"Asym": 200, "xmid": 725, "scal": 350}},
    ),
    "generalized linear": (
        pb.glm, "TICKS ~ cHEIGHT", {"family": "poisson", "offset": "INDEX / 99"},
    ),
    "all columns": (pb.lm, "Reaction ~ .", {}),
    "linear": (pb.lm, "log(Reaction) ~ poly(Days, 2) + `week day`", {"weights": "1 + Days"}),
}  # fmt: skip


def ticks() -> pd.DataFrame:
    data = pb.load_dataset("grouseticks")
    data["cHEIGHT"] = (data["HEIGHT"] - 450) / 50
    data["INDEX"] = data["INDEX"].astype("int32")
    return data


DATA: dict[str, Any] = {
    "binomial": lambda: pb.load_dataset("cbpp"),
    "counts": ticks,
    "negative binomial": ticks,
    "generalized linear": ticks,
    "nonlinear": lambda: pb.load_dataset("Orange", package="datasets"),
}


def fitted(name: str) -> Any:
    fit, formula, options = MODELS[name]
    return fit(formula, DATA.get(name, sleepstudy)(), **options)


def figures(fit: Any) -> list[Any]:
    shown = [fit.fit_statistics, fit.vcov, str(fit.summary()), fit.formula, fit.fixed_effects()]
    if not isinstance(fit, pb.NonlinearMixedModel):
        shown.append(fit.model_matrix)
    if isinstance(fit, MixedModel):
        shown += [fit.variance_components, fit.random_effects, fit.convergence, dict(fit.n_groups)]
    return [*shown, fit.n_obs, fit.dropped_rows, fit.warnings, fit.messages, fit.columns]


def parts_in_r(fit: Any) -> Any:
    return session().call("saved_model", model=fit._model).value["frame"]


def assert_same_data(one: Any, other: Any) -> None:
    here, there = parts_in_r(one), parts_in_r(other)
    assert here["names"] == there["names"]
    for part, again in zip(here["parts"], there["parts"], strict=True):
        assert part.keys() == again.keys()
        for key in part:
            values, found = np.asarray(part[key]), np.asarray(again[key])
            assert values.tobytes() == found.tobytes()
            assert values.dtype == found.dtype


# -- there and back ------------------------------------------------------------------------------


HESSIAN = pytest.mark.filterwarnings(  # R's, of the nonlinear model's standard errors
    "ignore:variance-covariance matrix:pymer_bridge.ConvergenceWarning"
)


@r
@HESSIAN
@pytest.mark.r("lmerTest")
@pytest.mark.parametrize("name", list(MODELS))
def test_a_model_comes_back_the_same(name: str, tmp_path: Path) -> None:
    fit = fitted(name)
    path = fit.save(tmp_path / "fit.pbr.zip")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing drifted
        again = pb.load(path, allow_functions=fit.spec.allow_functions)
    assert type(again) is type(fit)
    assert figures(again) == figures(fit)
    pd.testing.assert_series_equal(again.residuals(), fit.residuals(), check_exact=True)
    assert_same_data(fit, again)
    for field in (
        "fitter",
        "formula",
        "data_name",
        "na_action",
        "reml",
        "weights",
        "offset",
        "subset",
        "control",
        "start",
        "family",
        "n_agq",
        "allow_functions",
    ):
        assert same(getattr(again.spec, field), getattr(fit.spec, field)), field
    # The same model is the same file, and a loaded one can be saved again.
    assert again.save(tmp_path / "again.pbr.zip").read_bytes() == path.read_bytes()


@r
@pytest.mark.parametrize("name", ["slopes", "matrix"])
def test_another_process_gives_the_same(name: str, tmp_path: Path) -> None:
    fit = fitted(name)
    path = fit.save(tmp_path / "fit.pbr.zip")
    code = (
        "import sys, json, pymer_bridge as pb; fit = pb.load(sys.argv[1]); "
        "print(json.dumps(fit.random_effects.to_dict()))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(Path(pb.__file__).parent.parent)},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == fit.random_effects.to_dict()


@r
def test_only_the_columns_that_were_used_are_stored(tmp_path: Path) -> None:
    path = fitted("slopes").save(tmp_path / "fit.pbr.zip")
    document, _ = model_file.read(path)
    assert document["columns"]["names"] == ["Reaction", "Days", "Subject"]


@r
def test_numpy_opens_the_file_as_well(tmp_path: Path) -> None:
    fit = fitted("slopes")
    path = fit.save(tmp_path / "fit.pbr.zip")
    document, _ = model_file.read(path)
    place = document["columns"]["parts"][1]["values"]["array"]
    with np.load(path, allow_pickle=False) as arrays:
        assert (arrays[f"arrays/{place}"] == pb.load_dataset("sleepstudy")["Days"]).all()


@r
@FEW
@given(st.lists(st.tuples(TEXTS, COLUMNS), min_size=1, max_size=6, unique_by=lambda pair: pair[0]))
def test_any_columns_come_back_to_the_bit(tmp_path: Path, columns: Any) -> None:
    data = pd.DataFrame({name or "x": column for name, column in columns})
    found = session().call("echo_frame", frame=collect(data).to_r()).value
    arrays: Arrays = {}
    packed = [pack_part(part, arrays) for part in found["parts"]]
    path = tmp_path / "any.zip"
    model_file.write(path, {"parts": packed}, arrays)
    document, stored = model_file.read(path)
    parts = [unpack_part(part, stored, len(data)) for part in document["parts"]]
    frame = {"names": found["names"], "n_rows": len(data), "parts": parts}
    again = session().call("echo_frame", frame=frame).value
    assert again["names"] == found["names"]
    for part, other in zip(found["parts"], again["parts"], strict=True):
        assert part.keys() == other.keys()
        for key in part:
            assert np.asarray(part[key]).tobytes() == np.asarray(other[key]).tobytes()


# -- indexes -------------------------------------------------------------------------------------

INDEXES: dict[str, pd.Index] = {
    "range": pd.RangeIndex(5, 35, 10, name="row"),
    "integers": pd.Index([3, 1, 3], dtype="int32"),
    "unsigned": pd.Index([3, 1, 2**64 - 1], dtype="uint64", name=("a", 1)),
    "floats": pd.Index([0.1, np.nan, -np.inf]),
    "bools": pd.Index([True, False, True]),
    "masked": pd.Index([1, None, 3], dtype="Int64"),
    "masked floats": pd.Index([1.5, None, 3], dtype="Float32"),
    "masked bools": pd.Index([True, None, False], dtype="boolean"),
    "texts": pd.Index(["a", "ü", "\U0001f600"], name="label"),
    "texts with a gap": pd.Index(["a", None, "b"], dtype="str"),
    "nullable texts": pd.Index(["a", None, "b"], dtype="string[python]"),
    "objects": pd.Index(["a", 1, None, 2.5, True, np.nan, pd.NA, pd.NaT], dtype=object),
    "dates": pd.Index([dt.date(2020, 2, 29), dt.date(1, 1, 1)], dtype=object),
    "tuples": pd.Index([("a", 1), ("b", 2)], tupleize_cols=False),
    "times": pd.date_range("2020-01-01", periods=4, freq="MS", name="month"),
    "gaps": pd.DatetimeIndex(["2020-01-01 00:00:00.123456789", None]),
    "zone": pd.date_range("2020-03-28 22:00", periods=5, freq="h", tz="Europe/Zurich"),
    "offset": pd.DatetimeIndex(["2020-01-01", "2020-01-02"]).tz_localize(
        dt.timezone(dt.timedelta(hours=5, minutes=30))
    ),
    "utc": pd.date_range("2020-01-01", periods=3, tz="UTC"),
    "seconds": pd.DatetimeIndex(np.array([0, 10**12], dtype="datetime64[s]")),
    "durations": pd.timedelta_range("1h", periods=3, freq="90min"),
    "periods": pd.period_range("2020-01", periods=3, freq="M", name="month"),
    "intervals": pd.interval_range(0, 4, name="band", closed="left"),
    "categories": pd.CategoricalIndex(["b", "a", None], categories=["b", "c", "a"], ordered=True),
    "several": pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["letter", None]),
    "several with gaps": pd.MultiIndex.from_tuples(
        [("a", pd.Timestamp("2020-01-01", tz="UTC")), (None, pd.NaT)]
    ),
}


def index_there_and_back(index: pd.Index, path: Path) -> pd.Index:
    arrays: Arrays = {}
    model_file.write(path, {"index": pack_index(index, arrays)}, arrays)
    document, stored = model_file.read(path)
    return unpack_index(document["index"], stored)


@pytest.mark.parametrize("name", list(INDEXES))
def test_an_index_comes_back(name: str, tmp_path: Path) -> None:
    index = INDEXES[name]
    back = index_there_and_back(index, tmp_path / "index.zip")
    assert type(back) is type(index)
    pd.testing.assert_index_equal(back, index, exact=True)
    assert list(back.names) == list(index.names)
    assert getattr(back, "freq", None) == getattr(index, "freq", None)
    if name == "objects":
        assert list(map(type, back)) == list(map(type, index))


LABELS = st.one_of(TEXTS, st.integers(), st.booleans(), st.floats(), st.none(), st.dates())


@FEW
@given(st.lists(LABELS, min_size=1, max_size=8))
@example([float("nan"), None, True, 1, 1.0])
def test_any_labels_come_back(tmp_path: Path, labels: list[Any]) -> None:
    index = pd.Index(labels, dtype=object)
    back = index_there_and_back(index, tmp_path / "index.zip")
    assert list(map(type, back)) == list(map(type, index))
    assert all(
        one == other or (one != one and other != other)
        for one, other in zip(back, index, strict=True)
    )


@r
def test_an_index_that_has_no_plain_form_is_refused(tmp_path: Path) -> None:
    data = pb.load_dataset("sleepstudy")
    data.index = pd.Index([object() for _ in range(len(data))])
    fit = pb.lmer(SLEEP, data)
    with pytest.raises(pb.OptionError, match=r"index of the data.*object.*reset_index"):
        fit.save(tmp_path / "fit.pbr.zip")
    assert list(tmp_path.iterdir()) == []


# -- whole or not at all -------------------------------------------------------------------------


@r
def test_a_failed_save_leaves_what_was_there(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "fit.pbr.zip"
    fit = fitted("slopes")
    fit.save(path)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        fit.save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@r
def test_saving_into_no_folder_is_pythons_error(tmp_path: Path) -> None:
    fit = fitted("slopes")
    for save in (fit.save, fit.save_rds):
        with pytest.raises(FileNotFoundError):
            save(tmp_path / "nowhere" / "fit")
    with pytest.raises(FileNotFoundError):
        pb.load(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError):
        pb.load_rds(tmp_path / "nothing", trust=True)


@r
def test_a_model_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(model_file, "LARGEST_FILE", 1000)
    with pytest.raises(pb.OptionError, match="too large"):
        fitted("slopes").save(tmp_path / "fit.pbr.zip")
    assert list(tmp_path.iterdir()) == []


# -- damaged, foreign and hostile files ----------------------------------------------------------


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file that is as it should be."""
    path: Path = fitted("slopes").save(tmp_path_factory.mktemp("stored") / "fit.pbr.zip")
    return path


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_members(path: Path, content: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, each in content.items():
            archive.writestr(name, each)
    return path


@r
def test_every_truncation_is_told(stored: Path, tmp_path: Path) -> None:
    whole = stored.read_bytes()
    path = tmp_path / "cut"
    for n in range(0, len(whole), 7):
        path.write_bytes(whole[:n])
        with pytest.raises(pb.ModelFileError, match="cut"):
            pb.load(path)


@r
@FEW
@given(st.data())
def test_a_changed_byte_is_told_or_changes_nothing(
    stored: Path, tmp_path: Path, data: st.DataObject
) -> None:
    whole = bytearray(stored.read_bytes())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "changed"
    path.write_bytes(whole)
    try:
        document, arrays = model_file.read(path)
    except pb.ModelFileError:
        return
    # Bytes of the zip that say nothing of the content, such as the time of a member.
    right, right_arrays = model_file.read(stored)
    assert document == right
    assert all(same(arrays[name], right_arrays[name]) for name in {*arrays, *right_arrays})


@r
@FEW
@given(st.binary(max_size=300))
@example(b"PK\x05\x06" + bytes(18))
def test_foreign_bytes_are_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "foreign"
    path.write_bytes(content)
    with pytest.raises(pb.ModelFileError):
        pb.load(path)


@r
def test_an_edit_is_told(stored: Path, tmp_path: Path) -> None:
    content = members(stored)
    text = content["model.json"].decode()
    assert '"reml": true' in text
    content["model.json"] = text.replace('"reml": true', '"reml": false').encode()
    path = write_members(tmp_path / "edited", content)
    with pytest.raises(pb.ModelFileError, match="changed, or is damaged"):
        pb.load(path)
    content = members(stored)
    del content["arrays/2.npy"]
    with pytest.raises(pb.ModelFileError, match="changed, or is damaged"):
        pb.load(write_members(tmp_path / "less", content))


def _npy(header: str, body: bytes = b"") -> bytes:
    filled = header.encode() + b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(filled)) + filled + body


class Malice:
    """What runs when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("malice",)


def _document(content: dict[str, bytes], **changes: Any) -> dict[str, bytes]:
    document = {**json.loads(content["model.json"]), **changes}
    return {**content, "model.json": json.dumps(document).encode()}


def _with_npy(content: dict[str, bytes], npy: bytes) -> dict[str, bytes]:
    """Put in an array of any bytes, with the right hash."""
    arrays = {name: each for name, each in content.items() if name != "model.json"}
    arrays["arrays/0.npy"] = npy
    document = json.loads(content["model.json"])
    del document["sha256"]
    document["sha256"] = model_file._digest(document, arrays)
    return {"model.json": json.dumps(document).encode(), **arrays}


MALICE = pickle.dumps([Malice()])
HOSTILE_ZIPS: dict[str, tuple[Any, str]] = {
    "newer": (lambda c: _document(c, version=3, pymer_bridge="9.9"), "version 3.*9.9.*newer"),
    "no version": (lambda c: _document(c, version="1"), "version"),
    "version below": (lambda c: _document(c, version=0), "version"),
    "of another kind": (lambda c: _document(c, format="something"), "not a saved model"),
    "no document": (lambda c: {"other.txt": b"x"}, "not a saved model"),
    "no JSON": (lambda c: {**c, "model.json": b"{"}, "cannot be read"),
    "a list": (lambda c: {**c, "model.json": b"[]"}, "not a saved model"),
    "deep": (lambda c: {**c, "model.json": b"[" * 10**6}, "cannot be read"),
    "no number": (lambda c: {**c, "model.json": b'{"format": NaN}'}, "cannot be read"),
    "a number without end": (
        lambda c: {**c, "model.json": b'{"version": ' + b"9" * 10**5 + b"}"}, "cannot be read",
    ),
    "other letters": (lambda c: {**c, "model.json": "{\"a\": \"ü\"}".encode()}, "cannot be read"),
    "another member": (lambda c: {**c, "extra": b"x"}, "changed, or is damaged"),
    "pickle": (lambda c: _with_npy(c, MALICE), "cannot be read"),
    "objects": (
        lambda c: _with_npy(
            c, _npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", MALICE)
        ),
        "cannot be read",
    ),
    "a larger array": (
        lambda c: _with_npy(
            c, _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (10**12,)}")
        ),
        "cannot be read",
    ),
    "a huge array": (
        lambda c: _with_npy(
            c, _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}")
        ),
        "another size",
    ),
    "a call in a header": (
        lambda c: _with_npy(c, _npy("__import__('os').mkdir('malice')")), "cannot be read",
    ),
    "a negative length": (
        lambda c: _with_npy(c, _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -1)}",
                                    bytes(8))),
        "cannot be read",
    ),
    "records": (
        lambda c: _with_npy(
            c, _npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}", bytes(8))
        ),
        "cannot be read",
    ),
    "bytes the other way": (
        lambda c: _with_npy(
            c, _npy("{'descr': '>f8', 'fortran_order': False, 'shape': (1,)}", bytes(8))
        ),
        "cannot be read",
    ),
    "neither true nor false": (
        lambda c: _with_npy(
            c, _npy("{'descr': '|b1', 'fortran_order': False, 'shape': (1,)}", b"\x07")
        ),
        "cannot be read",
    ),
}  # fmt: skip


@r
@pytest.mark.parametrize("case", list(HOSTILE_ZIPS))
def test_a_hostile_zip_is_refused(
    case: str, stored: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    change, clue = HOSTILE_ZIPS[case]
    path = write_members(tmp_path / "hostile", change(members(stored)))
    with pytest.raises(pb.ModelFileError, match=clue):
        pb.load(path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_member_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.json", b"{}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            archive.writestr("model.json", b"{}")
    with pytest.raises(pb.ModelFileError, match="two of one name"):
        pb.load(path)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "bomb"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.json", b"{}")
        archive.writestr("arrays/0.npy", bytes(2**24))
    assert path.stat().st_size < 2**16
    monkeypatch.setattr(model_file, "LARGEST_FILE", 2**20)
    with pytest.raises(pb.ModelFileError, match="larger"):
        pb.load(path)
    large = write_members(tmp_path / "text", {"model.json": b" " * (2**20)})
    monkeypatch.setattr(model_file, "LARGEST_DOCUMENT", 2**16)
    monkeypatch.setattr(model_file, "LARGEST_FILE", 2**24)
    with pytest.raises(pb.ModelFileError, match=r"model\.json is larger"):
        pb.load(large)


def test_a_bomb_that_states_a_small_size_is_not_unpacked(tmp_path: Path) -> None:
    path = write_members(tmp_path / "bomb", {"model.json": b" " * 0xABCDEF})
    content = bytearray(path.read_bytes())
    true_size = struct.pack("<I", 0xABCDEF)
    assert content.count(true_size) == 2  # of the member and of the table
    path.write_bytes(content.replace(true_size, struct.pack("<I", 100)))
    with pytest.raises(pb.ModelFileError, match=r"cannot be read|size"):
        pb.load(path)


def test_a_locked_member_is_refused(tmp_path: Path) -> None:
    path = write_members(tmp_path / "locked", {"model.json": b"{}"})
    content = bytearray(path.read_bytes())
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(magic) + at] |= 1
    path.write_bytes(content)
    with pytest.raises(pb.ModelFileError, match="cannot be read"):
        pb.load(path)


# -- forged: with the right hash -----------------------------------------------------------------

TEXTS_THAT_CALL = {
    "formula": 'Reaction ~ I(system("touch malice")) + (1 | Subject)',
    "weights": 'system("touch malice")',
    "offset": 'I(get("system")("touch malice"))',
    "subset": 'file.create("malice")',
}


@r
@pytest.mark.parametrize("field", list(TEXTS_THAT_CALL))
def test_a_text_that_calls_what_it_may_not_is_refused(
    field: str, stored: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)

    def change(document: Any, arrays: Any) -> None:
        document["spec"]["fields"][field] = TEXTS_THAT_CALL[field]

    path = forged(stored, tmp_path / "forged", change)
    with pytest.raises(pb.FormulaError, match=r"system|file\.create|get"):
        pb.load(path)

    def allowed(document: Any, arrays: Any) -> None:
        change(document, arrays)
        document["spec"]["fields"]["allow_functions"] = ["system", "file.create", "get"]

    path = forged(stored, tmp_path / "forged", allowed)
    with pytest.raises(pb.FormulaError, match=r"'system', 'file\.create', 'get'.*trust"):
        pb.load(path)
    assert list(tmp_path.iterdir()) == [path]


@r
def test_functions_must_be_allowed_again(tmp_path: Path) -> None:
    path = fitted("allowed").save(tmp_path / "fit.pbr.zip")
    with pytest.raises(pb.FormulaError, match=r"'nchar'.*allow_functions=\('nchar',\)"):
        pb.load(path)
    with pytest.raises(pb.OptionError, match="list of texts"):
        pb.load(path, allow_functions="nchar")
    assert pb.load(path, allow_functions=["nchar", "more"]).spec.allow_functions == ("nchar",)


def _field(**changes: Any) -> Any:
    return lambda document, arrays: document["spec"]["fields"].update(changes)


def _part(number: int, **changes: Any) -> Any:
    return lambda document, arrays: document["columns"]["parts"][number].update(changes)


def _set(*path: Any, to: Any) -> Any:
    def change(document: Any, arrays: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = to

    return change


def _array(number: int, values: Any) -> Any:
    def change(document: Any, arrays: Any) -> None:
        arrays[document["columns"]["parts"][number]["values"]["array"]] = np.array(values)

    return change


def _control(constructor: str = "lmerControl", **arguments: Any) -> Any:
    pairs = [[name.replace("_", "."), value] for name, value in arguments.items()]
    fields = {"constructor": constructor, "arguments": pairs}
    return _field(control={"type": "Control", "fields": fields})


def _forge_family(name: str, **fields: Any) -> Any:
    return _field(
        fitter="glmer",
        reml=None,
        formula="Days ~ 1 + (1 | Subject)",
        family={"type": "Family", "fields": {"name": name, **fields}},
    )


FORGED: dict[str, Any] = {
    "a function that fits nothing": _field(fitter="system"),
    "a name of this package that fits nothing": _field(fitter="load_rds"),
    "no fitter": lambda document, arrays: document["spec"]["fields"].pop("fitter"),
    "a formula that is none": _field(formula=["a"]),
    "a name that is code": _field(data_name='system("touch malice")'),
    "no action": _field(na_action="system"),
    "a field that is not known": _field(wish="x"),
    "a number for a flag": _field(reml=1),
    "a text for a flag": _field(reml="FALSE"),
    "starts that are none": _field(start=["a"]),
    "weights that are no vector": _field(weights=[1, 2]),
    "weights of another length": _field(weights={"array": "1"}, subset={"array": "0"}),
    "contrasts by a function": _field(contrasts=[["Subject", "system"]]),
    "contrasts that are none": _field(contrasts=[["Subject", {"mapping": {"values": 1}}]]),
    "contrasts that are no pairs": _field(contrasts=["Subject"]),
    "a constructor": _control("system", optimizer="bobyqa"),
    "a constructor of another kind": _control("nlmerControl", optimizer="bobyqa"),
    "an optimizer": _control(optimizer="system"),
    "an argument of control": _control(optimizer="bobyqa", further="x"),
    "options that are none": _control(optimizer="bobyqa", optCtrl=[["a", ["b", "c"]]]),
    "a family that is none": _forge_family("system"),
    "a link that is none": _forge_family("binomial", link="system"),
    "a size that is none": _forge_family("negative.binomial", theta="system"),
    "a family of another function": _field(
        family={"type": "Family", "fields": {"name": "poisson"}}
    ),
    "points of another function": _field(n_agq=3),
    "a type that is none": _set("spec", to={"type": "Popen", "fields": {"args": "touch malice"}}),
    "another type": _set("spec", to={"type": "Control", "fields": {
        "constructor": "lmerControl", "arguments": []}}),
    "no type": _set("spec", to=None),
    "an array that is not there": _part(0, values={"array": "77"}),
    "no array": _part(0, values=[1.0]),
    "a kind that is none": _part(0, kind="closure"),
    "a kind of another type": _part(0, kind="factor", levels=["a"], ordered=False),
    "more than a column": _part(0, extra=1),
    "a column too short": _array(0, [1.0, 2.0]),
    "a column of two dimensions": _array(0, np.ones((180, 1))),
    "a column of integers": _array(0, np.arange(180)),
    "codes beyond": _array(2, np.arange(180, dtype=np.int32)),
    "codes below": _array(2, np.full(180, -5, dtype=np.int32)),
    "levels of one name": _part(2, levels=["a"] * 18),
    "levels that are none": _part(2, levels=[None] * 18),
    "levels that R cannot hold": _part(2, levels=["a\0b", *map(str, range(17))]),
    "order that is none": _part(2, ordered="yes"),
    "a zone that is a path": lambda document, arrays: document["columns"]["parts"].__setitem__(
        0, {"kind": "datetime", "values": {"array": "0"}, "timezone": "../../../etc/passwd"}),
    "no names": _set("columns", "names", to=None),
    "names twice": _set("columns", "names", to=["Days", "Days", "Subject"]),
    "too few names": _set("columns", "names", to=["Reaction", "Days"]),
    "another name": _set("columns", "names", to=["Reaction", "Days", "Object"]),
    "no rows": _set("columns", "n_rows", to=0),
    "rows that are none": _set("columns", "n_rows", to="180"),
    "an index too short": _set("index", "range", to=[0, 3, 1]),
    "an index that is none": _set("index", "kind", to="object"),
    "an index of nothing": _set("index", to=None),
    "an index of another dtype": _set("index", to={
        "kind": "labels", "labels": ["a"] * 180, "dtype": "datetime64[ns]", "names": [None]}),
    "an index in no zone": _set("index", to={
        "kind": "datetime", "unit": "us", "ticks": {"array": "0"}, "zone": "../zone",
        "freq": None, "names": [None]}),
    "figures that are none": _set("figures", to="sigma"),
    "figures of texts": _set("figures", 0, "values", to=["a", "b"]),
    "figures without labels": _set("figures", 0, "labels", to=["a"]),
    "versions that are none": _set("versions", to={"R": 4}),
}  # fmt: skip


@r
@pytest.mark.parametrize("case", list(FORGED))
def test_a_forged_file_is_refused(
    case: str, stored: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    path = forged(stored, tmp_path / "forged", FORGED[case])
    with pytest.raises((pb.ModelFileError, pb.FormulaError)) as caught:
        pb.load(path)
    if isinstance(caught.value, pb.ModelFileError):
        assert str(path) in str(caught.value)
    assert list(tmp_path.iterdir()) == [path]


def test_no_value_is_taken_for_another_kind() -> None:
    values: list[tuple[Any, Any]] = [(True, bool), (1, int), (1.5, float), ("a", str)]
    for value, hint in values:
        for _, other in values:
            wanted = other is hint or (hint is int and other is float)
            assert packing.conforms(value, other) == wanted
    with pytest.raises(ValueError, match="cannot be stored"):
        packing.pack(object(), {})


# -- drift ---------------------------------------------------------------------------------------


@r
def test_drift_is_told_with_what_changed(stored: Path, tmp_path: Path) -> None:
    def change(document: Any, arrays: Any) -> None:
        document["versions"]["lme4"] = "1.1-27"
        for each in document["figures"]:
            if each["figure"] in ("sigma", "theta"):
                each["values"][-1] = float(np.nextafter(each["values"][-1], np.inf))

    path = forged(stored, tmp_path / "drifted", change)
    here = session().call("describe_session", packages=["lme4"]).value["versions"][0]
    with pytest.warns(pb.DriftWarning) as caught:
        fit = pb.load(path)
    (warning,) = caught
    told = warning.message
    assert isinstance(told, pb.DriftWarning)
    assert warning.filename == __file__
    assert told.versions == {"lme4": ("1.1-27", here)}
    assert f"lme4 (1.1-27 then, {here} now)" in str(told)
    assert [(d["figure"], d["label"]) for d in told.differences] == [
        ("sigma", ""),
        ("theta", "Subject.Days"),
    ]
    assert told.differences[0]["refitted"] == fit.sigma
    assert told.differences[0]["stored"] == np.nextafter(fit.sigma, np.inf)
    assert repr(fit.sigma) in str(told)


@r
def test_a_figure_on_one_side_only_is_drift(stored: Path, tmp_path: Path) -> None:
    def change(document: Any, arrays: Any) -> None:
        document["figures"][0]["labels"][1] = "Nights"

    path = forged(stored, tmp_path / "drifted", change)
    with pytest.warns(
        pb.DriftWarning, match=r"one side only: 'Nights', 'Days'.*no version"
    ) as told:
        pb.load(path)
    assert {d["label"]: d["refitted"] for d in told[0].message.differences}["Nights"] is None


@r
def test_other_versions_alone_are_no_drift(stored: Path, tmp_path: Path) -> None:
    path = forged(stored, tmp_path / "older", _set("versions", "R", to="4.0.0"))
    assert pb.load(path).n_obs == 179


@r
@pytest.mark.filterwarnings("ignore:refit:pymer_bridge.RWarning")  # of lme4 before 1.1-33
@pytest.mark.filterwarnings("ignore::pymer_bridge.SingularFitWarning")  # of what is drawn
@pytest.mark.filterwarnings("ignore::pymer_bridge.ConvergenceWarning")
def test_a_refit_is_read_back_by_the_same_steps(tmp_path: Path) -> None:
    data = sleepstudy()
    linear = pb.lmer("Reaction ~ Days + (Days | Subject)", data)
    logarithm = pb.lmer("log(Reaction) ~ Days + (1 | Subject)", data)
    cbpp = pb.load_dataset("cbpp")
    herds = pb.glmer(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, family="binomial"
    )
    drawn = herds.simulate(1, seed=3)
    assert drawn.failures is not None
    cbpp["some"] = pd.Categorical(np.where(cbpp["incidence"] > 0, "some", "none"))
    some = pb.glmer("some ~ period + (1 | herd)", cbpp, family="binomial")

    def draws(fit: Any, seed: int) -> Any:
        return fit.simulate(1, seed=seed).values[:, 0]

    once = linear.refit(draws(linear, 2))
    models = {
        "once": once,
        "twice": once.refit(draws(once, 4)),
        "by likelihood": linear.refit_ml(),
        "by likelihood at last": once.refit_ml(),
        "by likelihood at first": linear.refit_ml().refit(draws(linear, 5)),
        "two columns": herds.refit(np.column_stack([drawn.values[:, 0], drawn.failures[:, 0]])),
        "levels": some.refit(draws(some, 2)),
        "an expression": logarithm.refit(draws(logarithm, 2)),
    }
    for name, model in models.items():
        path = model.save(tmp_path / "fit.pbr.zip")
        with warnings.catch_warnings():
            warnings.simplefilter("error", pb.DriftWarning)
            again = pb.load(path)
            further = pb.load(again.save(path))
        for one in (again, further):
            assert one.vcov == model.vcov, name
            assert one.fixed_effects("none") == model.fixed_effects("none"), name
            assert one.convergence == model.convergence, name
            assert (one.spec.reml, one.n_obs) == (model.spec.reml, model.n_obs), name
    path = once.save(tmp_path / "forged.pbr.zip")
    for to in ("likelihood?", {"columns": 1}, {"values": {"array": "no"}, "columns": 1}, 7):
        with pytest.raises(pb.ModelFileError):
            pb.load(forged(path, tmp_path / "other", _set("refits", 0, to=to)))


@r
@pytest.mark.filterwarnings("ignore:refit:pymer_bridge.RWarning")  # of lme4 before 1.1-33
def test_a_refit_of_many_steps_says_so(tmp_path: Path) -> None:
    fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"))
    other = fit
    for step in range(21):
        other = other.refit(fit.simulate(seed=step).values[:, 0])
    path = other.save(tmp_path / "fit.pbr.zip")
    with pytest.warns(pb.DriftWarning, match="sigma.*made by refit"):
        again = pb.load(forged(path, path, _set("figures", 2, "values", to=[1.0])))
    assert_same_data(other, again)


@r
def test_missing_figures_are_the_same_where_both_are_missing(tmp_path: Path) -> None:
    data = sleepstudy()
    data["twice"] = data["Days"] * 2
    fit = pb.lm("Reaction ~ Days + twice", data)  # R gives NA for what depends on another
    assert pb.load(fit.save(tmp_path / "fit.pbr.zip")).sigma == fit.sigma


# -- R's own file --------------------------------------------------------------------------------


@r
@HESSIAN
@pytest.mark.r("lmerTest")
@pytest.mark.filterwarnings("ignore:refit:pymer_bridge.RWarning")  # of lme4 before 1.1-33
@pytest.mark.parametrize(
    "name",
    [
        "slopes",
        "split",
        "vectors",
        "exclude",
        "linear",
        "binomial",
        "negative binomial",
        "nonlinear",
        "generalized linear",
    ],
)
def test_an_rds_comes_back_the_same(name: str, tmp_path: Path) -> None:
    fit = fitted(name)
    path = fit.save_rds(tmp_path / "fit.rds")
    assert list(tmp_path.iterdir()) == [path]
    again = pb.load_rds(path, trust=True)
    assert type(again) is type(fit)
    assert figures(again)[:-1] == figures(fit)[:-1]
    assert again.columns == fit.columns
    pd.testing.assert_series_equal(again.residuals(), fit.residuals(), check_exact=True)
    assert_same_data(fit, again)
    if isinstance(fit, pb.LinearMixedModel):
        boot = fit.bootstrap("parametric", n_sim=3, seed=1).replicates
        assert (again.bootstrap("parametric", n_sim=3, seed=1).replicates == boot).all()
        assert again.drop1() == fit.drop1()
    other = again.save(tmp_path / "again.pbr.zip").read_bytes()
    assert other == fit.save(tmp_path / "fit.pbr.zip").read_bytes()


@r
def test_saving_an_rds_leaves_the_model_as_it_was(tmp_path: Path) -> None:
    fit = fitted("slopes")
    path = fit.save_rds(tmp_path / "fit.rds")
    assert path.stat().st_size < 500_000  # without all of lme4's functions
    assert fit.drop1()["Days"].df1 == 1.0
    names = session().call("saved_model", model=fit._model).value["frame"]["names"]
    assert names == ("Reaction", "Days", "Subject")


@r
@pytest.mark.parametrize("name", ["slopes", "texts", "linear"])
def test_r_reads_our_rds_as_its_own(name: str, tmp_path: Path, plain: Any) -> None:
    fit = fitted(name)
    path = str(fit.save_rds(tmp_path / "fit.rds"))
    there = plain("figures_in", path=path)
    fixed = fit.fixed_effects() if name == "linear" else fit.fixed_effects("none")
    assert there["fixed"].tolist() == [row.estimate for row in fixed.rows]
    assert there["sigma"][0] == fit.sigma
    assert there["log_likelihood"][0] == fit.fit_statistics.log_likelihood
    assert (there["residuals"] == fit.residuals().to_numpy()).all()
    assert (there["covariance"] == fit.vcov.values.ravel(order="F")).all()
    if name != "linear":  # R's update() of an lm looks for the data where it is called
        assert plain("updated_in", path=path, formula=". ~ .")[0] == fit.sigma


@r
@pytest.mark.parametrize("linear", [True, False], ids=["lm", "lmer"])
@pytest.mark.parametrize("name", ["data", "none"])
def test_what_an_r_user_saved_can_be_read(
    name: str, linear: bool, tmp_path: Path, plain: Any
) -> None:
    path = tmp_path / "fit.rds"
    plain("write_fit", name=name, linear=linear, path=str(path))
    there = plain("figures_in", path=str(path))
    fit = pb.load_rds(path, trust=True)
    assert isinstance(fit, pb.LinearModel if linear else pb.LinearMixedModel)
    fixed = fit.fixed_effects() if linear else fit.fixed_effects("none")
    assert there["fixed"].tolist() == [row.estimate for row in fixed.rows]
    assert there["sigma"][0] == fit.sigma
    assert there["log_likelihood"][0] == fit.fit_statistics.log_likelihood
    assert (there["covariance"] == fit.vcov.values.ravel(order="F")).all()
    residuals = fit.residuals()
    assert list(residuals.index) == list(there["rows"])
    assert np.array_equal(residuals.to_numpy(), there["residuals"], equal_nan=True)
    assert fit.dropped_rows == (("Datsun 710",) if name == "data" else ())
    assert fit.formula == (
        "mpg ~ " + ("wt" if name == "data" else "log(wt)") + ("" if linear else " + (1 | cyl)")
    )
    with pytest.raises(pb.OptionError, match="save_rds"):
        fit.save(tmp_path / "fit.pbr.zip")
    again = pb.load_rds(fit.save_rds(tmp_path / "again.rds"), trust=True)
    assert again.sigma == fit.sigma
    pd.testing.assert_series_equal(again.residuals(), residuals, check_exact=True)


@r
@pytest.mark.r("lmerTest")
def test_the_data_that_an_rds_carries_are_used(tmp_path: Path, plain: Any) -> None:
    path = tmp_path / "fit.rds"
    plain("write_fit", name="data", linear=False, path=str(path))
    fit = pb.load_rds(path, trust=True)
    cars = pb.load_dataset("mtcars", package="datasets")
    cars.loc["Datsun 710", "mpg"] = np.nan
    own = pb.lmer("mpg ~ wt + (1 | cyl)", cars, na_action="exclude")
    assert fit.drop1() == own.drop1()
    assert fit.fixed_effects() == own.fixed_effects()


@r
@HESSIAN
@pytest.mark.parametrize(
    ("name", "linear", "cls", "family"),
    [
        ("glm", True, pb.GeneralizedLinearModel, "binomial"),
        ("glmer", False, pb.GeneralizedLinearMixedModel, "poisson"),
        ("nb", False, pb.GeneralizedLinearMixedModel, "negative.binomial"),
        ("nlmer", False, pb.NonlinearMixedModel, None),
    ],
)
def test_other_models_of_an_r_user_can_be_read(
    name: str, linear: bool, cls: Any, family: str | None, tmp_path: Path, plain: Any
) -> None:
    path = tmp_path / "fit.rds"
    plain("write_fit", name=name, linear=linear, path=str(path))
    there = plain("figures_in", path=str(path))
    fit = pb.load_rds(path, trust=True)
    assert isinstance(fit, cls)
    assert (fit.spec.family and fit.spec.family.name) == family
    assert there["fixed"].tolist() == [row.estimate for row in fit.fixed_effects().rows]
    assert there["log_likelihood"][0] == fit.fit_statistics.log_likelihood
    assert (there["covariance"] == fit.vcov.values.ravel(order="F")).all()
    residuals = fit.residuals("deviance" if name != "nlmer" else "response")
    assert (residuals.to_numpy() == there["residuals"]).all()


@r
@pytest.mark.r("lmerTest")
def test_a_fit_of_lmertest_is_one_of_lme4(tmp_path: Path, plain: Any) -> None:
    path = tmp_path / "fit.rds"
    plain("write_fit", name="lmertest", linear=False, path=str(path))
    fit = pb.load_rds(path, trust=True)
    own = pb.lmer(SLEEP, pb.load_dataset("sleepstudy"))
    assert fit.fixed_effects() == own.fixed_effects()
    assert fit.random_effects == own.random_effects


@r
def test_an_rds_needs_trust(tmp_path: Path) -> None:
    path = fitted("slopes").save_rds(tmp_path / "fit.rds")
    for trust in (False, 1, "yes"):
        with pytest.raises(pb.OptionError, match=r"any code.*trust=True|must be True or False"):
            pb.load_rds(path, trust=trust)  # type: ignore[arg-type]


@r
@pytest.mark.parametrize(("name", "shown"), [("many", "mlm/lm"), ("text", "character")])
def test_another_object_in_an_rds_is_told(
    name: str, shown: str, tmp_path: Path, plain: Any
) -> None:
    path = tmp_path / "other.rds"
    plain("write_fit", name=name, linear=True, path=str(path))
    with pytest.raises(pb.ModelFileError, match=f"class {shown}"):
        pb.load_rds(path, trust=True)


@r
def test_what_is_no_rds_is_told(stored: Path, tmp_path: Path) -> None:
    whole = fitted("slopes").save_rds(tmp_path / "fit.rds").read_bytes()
    for content in (b"", b"text", whole[:1000], stored.read_bytes()):
        path = tmp_path / "other"
        path.write_bytes(content)
        with pytest.raises(pb.ModelFileError, match="R cannot read"):
            pb.load_rds(path, trust=True)


def test_arrays_in_an_rds_are_plain() -> None:

    with pytest.raises(ValueError, match="object"):
        from_inline({"dtype": "object", "shape": [1], "base64": ""})


def test_a_file_of_ours_is_a_zip_of_json_and_npy(tmp_path: Path) -> None:
    path = tmp_path / "fit.zip"
    model_file.write(path, {"note": "x"}, {"0": np.arange(3.0)})
    found = members(path)
    assert list(found) == ["model.json", "arrays/0.npy"]
    assert np.load(io.BytesIO(found["arrays/0.npy"]), allow_pickle=False).tolist() == [0, 1, 2]
