"""Results as JSON: any index comes back the same, and every class in a process of its own."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pymer_bridge.data.exact import same
from pymer_bridge.data.indexes import pack_index, unpack_index
from pymer_bridge.errors import OptionError
from pymer_bridge.results import codec
from pymer_bridge.results.base import Result
from pymer_bridge.results.fixed_effects import FixedEffect, FixedEffects
from pymer_bridge.results.prediction import Predictions, Simulations

EARLIER = Path(__file__).parents[1] / "data" / "earlier" / "results.json"

WHOLE = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats()
TEXT = st.text(st.characters(codec="utf-8"), max_size=6)
ZONES = st.sampled_from([None, "UTC", "Europe/Zurich", dt.timezone(dt.timedelta(hours=5.5))])
UNITS = st.sampled_from(["s", "ms", "us", "ns"])
SCALARS = st.one_of(
    TEXT,
    WHOLE,
    st.booleans(),
    FLOATS,
    st.none(),
    st.dates(),
    st.just(pd.NA),
    st.just(pd.NaT),
    st.builds(np.int64, WHOLE),
    st.builds(np.float32, st.floats(width=32)),
    st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1)).map(pd.Timestamp),
    st.builds(pd.Timedelta, st.integers(-(10**9), 10**9), st.just("s")),
    st.sampled_from([pd.Period("2024-03", "M"), pd.Interval(0.5, 2, closed="both")]),
)
NAMES = st.one_of(st.none(), TEXT, st.integers(0, 9), st.tuples(TEXT, st.integers(0, 9)))


def lists(each: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(each, min_size=1, max_size=5)


def arrays(dtype: str, each: st.SearchStrategy[Any]) -> st.SearchStrategy[pd.Index]:
    return lists(each).map(lambda values: pd.Index(values, dtype=dtype))


def whole(bits: int, *, signed: bool = True) -> st.SearchStrategy[int]:
    return (
        st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        if signed
        else st.integers(0, 2**bits - 1)
    )


def or_missing(each: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(each, st.just(pd.NA))


@st.composite
def times(draw: st.DrawFn) -> pd.Index:
    ticks = np.array(draw(lists(st.integers(-(10**9), 10**9))), dtype=np.int64)
    if draw(st.booleans()):
        ticks[0] = np.iinfo(np.int64).min  # NaT
    unit = draw(UNITS)
    if draw(st.booleans()):
        return pd.TimedeltaIndex(ticks.view(f"timedelta64[{unit}]"))
    index = pd.DatetimeIndex(ticks.view(f"datetime64[{unit}]"))
    zone = draw(ZONES)
    return index if zone is None else index.tz_localize("UTC").tz_convert(zone)


@st.composite
def even_times(draw: st.DrawFn) -> pd.Index:
    freq, n = draw(st.sampled_from(["D", "2h", "ME", "QS-FEB", "W-WED", "B", "-1D"])), 4
    kind = draw(st.sampled_from(["dates", "zoned", "durations", "periods"]))
    if kind == "periods":
        freq = draw(st.sampled_from(["D", "M", "2h"]))
        return pd.period_range("2024-01-31", periods=n, freq=freq)
    if kind == "durations":
        return pd.timedelta_range("1h", periods=n, freq=draw(st.sampled_from(["D", "3min"])))
    zone = "Asia/Tokyo" if kind == "zoned" else None
    return pd.date_range("2024-01-31", periods=n, freq=freq, tz=zone)


@st.composite
def intervals(draw: st.DrawFn) -> pd.Index:
    ends = draw(
        st.sampled_from(
            [
                np.array([-0.0, 0.1 + 0.2, 1e300]),
                np.array([1, 2, 5]),
                pd.date_range("2024-01-01", periods=3, tz="UTC"),
                pd.timedelta_range("1h", periods=3),
            ]
        )
    )
    closed = draw(st.sampled_from(["left", "right", "both", "neither"]))
    index = pd.IntervalIndex.from_breaks(ends, closed=closed)
    return index.insert(1, np.nan) if draw(st.booleans()) else index


@st.composite
def categories(draw: st.DrawFn) -> pd.Index:
    days = list(pd.date_range("2024", periods=2))
    levels = draw(st.sampled_from([["b", "a", "ü"], [3, 1], [2.5, -0.0], days]))
    codes = draw(lists(st.integers(-1, len(levels) - 1)))
    made = pd.Categorical.from_codes(codes, categories=levels, ordered=draw(st.booleans()))
    return pd.CategoricalIndex(made)


FLAT = st.one_of(
    st.builds(pd.RangeIndex, st.integers(-5, 5), st.integers(-5, 5), st.sampled_from([1, 2, -3])),
    *(arrays(f"int{bits}", whole(bits)) for bits in (8, 16, 32, 64)),
    *(arrays(f"uint{bits}", whole(bits, signed=False)) for bits in (8, 16, 32, 64)),
    *(arrays(f"float{bits}", st.floats(width=bits)) for bits in (32, 64)),
    *(arrays(f"Int{bits}", or_missing(whole(bits))) for bits in (8, 64)),
    *(arrays(f"UInt{bits}", or_missing(whole(bits, signed=False))) for bits in (16, 32)),
    *(
        arrays(f"Float{bits}", or_missing(st.floats(width=bits, allow_nan=False)))
        for bits in (32, 64)
    ),
    arrays("bool", st.booleans()),
    arrays("boolean", or_missing(st.booleans())),
    arrays("string[python]", or_missing(TEXT)),
    arrays("string[pyarrow]", or_missing(TEXT)),
    arrays("str", st.one_of(TEXT, st.just(np.nan))),
    arrays("int64[pyarrow]", or_missing(WHOLE)),
    arrays("double[pyarrow]", or_missing(st.floats(allow_nan=False))),
    arrays("date32[day][pyarrow]", or_missing(st.dates())),
    arrays("timestamp[ns, tz=UTC][pyarrow]", st.just(pd.Timestamp("2024-05-01", tz="UTC"))),
    lists(or_missing(TEXT)).map(lambda v: pd.Index(v, dtype=pd.ArrowDtype(pa.string()))),
    lists(st.one_of(SCALARS, st.tuples(SCALARS, SCALARS))).map(
        lambda v: pd.Index(v, dtype=object, tupleize_cols=False)
    ),
    times(),
    even_times(),
    intervals(),
    categories(),
)


@st.composite
def indexes(draw: st.DrawFn) -> pd.Index:
    index = draw(FLAT)
    if draw(st.booleans()):
        n = max(len(index), 1)
        other = pd.Index(["x", None, "ü", "x", "", "y", "z"][:n])
        if len(index) == len(other):
            return pd.MultiIndex.from_arrays([index, other], names=draw(st.tuples(NAMES, NAMES)))
    return index.rename(draw(NAMES))


@given(indexes())
def test_any_index_comes_back(index: pd.Index) -> None:
    figures = np.arange(len(index), dtype=np.float64)
    results = (
        Predictions(figures, index, "link", None),
        Simulations(figures[:, np.newaxis], index, ("sim_1",), 1),
    )
    for result in results:
        text = json.dumps(result.to_dict(), allow_nan=False)
        again = type(result).from_dict(json.loads(text))
        assert again == result
        assert same(again.index, index)
        pd.testing.assert_index_equal(again.index, index, exact=True)
        assert getattr(again.index, "freq", None) == getattr(index, "freq", None)
    stored: dict[str, Any] = {}
    assert same(unpack_index(pack_index(index, stored), stored), index)


def test_a_frequency_without_a_text_is_left_out() -> None:
    holidays = pd.offsets.CustomBusinessDay(holidays=["2024-01-03"])
    index = pd.date_range("2024-01-01", periods=4, freq=holidays)
    again = codec.decode(codec.encode(index))
    assert again.freq is None
    assert list(again) == list(index)


@pytest.mark.parametrize(
    "index",
    [pd.Index([object()]), pd.Index([1j]), pd.Index([b"x"], dtype=object)],
    ids=["object", "complex", "bytes"],  # not str: an object's text has its address
)
def test_labels_without_a_plain_form_are_refused(index: pd.Index) -> None:
    with pytest.raises(OptionError, match=r"the index of the data cannot be stored.*reset_index"):
        Predictions(np.zeros(1), index, "link", None).to_dict()


@pytest.mark.parametrize(
    "change",
    [
        {"array": [1.5], "dtype": "int64"},
        {"array": [1], "dtype": "bool"},
        {"array": ["1"], "dtype": "float64"},
        {"array": [1.0], "dtype": ">f8"},
        {"array": [1.0], "dtype": "object"},
        {"array": [1.0], "shape": [2]},
        {"array": "0"},
    ],
    ids=str,
)
def test_an_array_that_is_none_is_refused(change: dict[str, Any]) -> None:
    whole = Predictions(np.zeros(1), pd.RangeIndex(1), "link", None).to_dict()
    with pytest.raises(ValueError, match=r"array|convert|reshape|stored|type"):
        Predictions.from_dict({**whole, "values": {**whole["values"], **change}})


IN_A_NEW_PROCESS = """
import json, os, sys
from pymer_bridge.results.base import Result
for line in sys.stdin:
    if os.fork() == 0:
        # Nothing is imported but the base.
        assert "pymer_bridge.results.fixed_effects" not in sys.modules
        stored = json.loads(line)
        try:
            found = type(Result.from_dict(stored)).__name__
        except ValueError as error:
            found = str(error)
        os.write(1, f"{stored['type']}\\t{found}\\n".encode())
        os._exit(0)
    os.wait()
assert not any(name.startswith(("rpy2", "matplotlib")) for name in sys.modules)
"""


def test_every_class_is_read_in_a_new_process() -> None:
    every = {name for name, cls in codec.classes().items() if issubclass(cls, Result)}
    assert len(every) > 40
    stored = {each["json"]["type"]: each["json"] for each in json.loads(EARLIER.read_text())}
    newer = {name: {"schema": 2, "type": name} for name in every - stored.keys()}
    done = subprocess.run(
        [sys.executable, "-c", IN_A_NEW_PROCESS],
        input="".join(f"{json.dumps(each)}\n" for each in (stored | newer).values()),
        check=True,
        capture_output=True,
        text=True,
    )
    found = dict(line.split("\t") for line in done.stdout.splitlines())
    assert found.keys() == every
    for name, text in found.items():
        assert text.startswith(f"a {name} is not whole" if name in newer else name)


@pytest.mark.parametrize("stored", json.loads(EARLIER.read_text()), ids=lambda s: s["json"]["type"])
def test_polars_and_pyarrow_take_every_result(stored: dict[str, Any]) -> None:
    kept = {name: value for name, value in stored["json"].items() if name != "schema"}
    whole = {"schema": stored["json"]["schema"], **kept}
    if "[0.0, 0.25)" in str(kept.get("index")):  # the code that wrote it could not read it either
        with pytest.raises(OptionError, match="is not an interval"):
            Result.from_dict(whole)
        return
    result = Result.from_dict(whole)
    frame = result.to_frame()
    arrow, polars = pa.table(result), pl.DataFrame(result)
    first = len(polars.columns) - len(frame.columns)  # the index
    assert polars.columns[first:] == arrow.column_names[first:] == list(map(str, frame.columns))
    assert len(polars) == len(arrow) == len(frame)
    for i, name in enumerate(frame.columns):
        column = frame.iloc[:, i]
        if column.dtype == np.float64:
            there = polars.to_series(first + i).cast(float).to_list()
            assert same([np.nan if v is None else v for v in there], column.tolist()), name


WRONG = {
    "rows": ["text", None, 5, [5], {"type": "FixedEffects"}],
    "term": [5, None, ["x"], {"type": "FixedEffect"}],
    "estimate": ["text", None, True, [1.0], 10**400],
    "conf_level": ["0.95", [], {}],
    "warnings": ["text", [5], 5],
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, wrong in WRONG.items() for v in wrong])
def test_a_field_of_another_type_is_refused(name: str, value: Any) -> None:
    row = FixedEffect("x", 1.0, 0.5, None, 2.0, None, 0.1, 1.9)
    whole = json.loads(json.dumps(FixedEffects((row,), "normal", 0.95).to_dict()))
    assert FixedEffects.from_dict(whole).rows == (row,)
    (whole["rows"][0] if name in whole["rows"][0] else whole)[name] = value
    with pytest.raises(ValueError, match=r"cannot be|nothing|not a result|is not whole"):
        FixedEffects.from_dict(whole)
