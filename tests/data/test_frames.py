"""Columns to R and back: the dtype table row by row, and any frame at all."""

from __future__ import annotations

import datetime as dt
import decimal
import re
import sys
import zoneinfo
from typing import Any

import hypothesis.extra.numpy as npst
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import pymer_bridge as pb
from helpers.columns import COLUMNS, TEXTS
from helpers.probing import arrived, probe
from pymer_bridge.data import frames
from pymer_bridge.data.columns import NA_REAL, column_to_part
from pymer_bridge.data.frames import as_pandas, collect, frame_from_r
from pymer_bridge.errors import DataConversionError
from pymer_bridge.session.r_session import session

r = pytest.mark.r

FEW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
NA_BITS = "7ff00000000007a2"


def returned(data: pd.DataFrame) -> pd.DataFrame:
    """Send a frame to R and take it back."""
    frame = frame_from_r(session().call("echo_frame", frame=collect(data).to_r()).value)
    frame.index = data.index
    return frame


def column(values: Any, **kwargs: Any) -> pd.DataFrame:
    return pd.DataFrame({"x": pd.Series(values, **kwargs)})


def bits(values: Any) -> np.ndarray:
    return np.where(np.isnan(values), np.nan, values).view(np.uint64)


# -- the table, row by row -----------------------------------------------------------------------

FLOATS = [
    0.0,
    -0.0,
    1.5,
    -np.inf,
    np.inf,
    np.nan,
    5e-324,
    -5e-324,
    2.2e-308,
    1.7976931348623157e308,
]
DTYPES = [
    # dtype in pandas, values, class in R, type in R
    ("float64", FLOATS, "numeric", "double"),
    ("float32", [0.0, -0.0, 0.1, np.inf, np.nan, 1e-45], "numeric", "double"),
    ("float16", [0.0, -0.0, 0.1, np.inf, np.nan, 6e-8], "numeric", "double"),
    ("Float64", [0.0, -0.0, 1.5, np.inf, None], "numeric", "double"),
    ("Float32", [0.25, None], "numeric", "double"),
    ("int8", [-128, 127], "integer", "integer"),
    ("int16", [-32768, 32767], "integer", "integer"),
    ("int32", [-(2**31) + 1, 2**31 - 1], "integer", "integer"),
    ("int64", [-(2**31) + 1, 0, 2**31 - 1], "integer", "integer"),
    ("uint8", [0, 255], "integer", "integer"),
    ("uint16", [0, 65535], "integer", "integer"),
    ("uint32", [0, 2**31 - 1], "integer", "integer"),
    ("uint64", [0, 2**31 - 1], "integer", "integer"),
    ("Int8", [-128, None, 127], "integer", "integer"),
    ("Int16", [-128, None, 127], "integer", "integer"),
    ("Int32", [-5, None, 2**31 - 1], "integer", "integer"),
    ("Int64", [-5, None, 2**31 - 1], "integer", "integer"),
    ("UInt8", [0, None, 255], "integer", "integer"),
    ("UInt64", [0, None, 7], "integer", "integer"),
    ("int32", [-(2**31), 5], "numeric", "double"),  # R's missing integer is no integer
    ("uint32", [0, 2**32 - 1], "numeric", "double"),
    ("int64", [-(2**53), -(2**31), 2**31, 2**53], "numeric", "double"),
    ("int64", [-(2**63), 2**62, 3 * 2**60, 2**53 + 2], "numeric", "double"),
    ("uint64", [0, 2**63, 2**64 - 2**11], "numeric", "double"),
    ("Int64", [-(2**53), None, 2**53], "numeric", "double"),
    ("UInt64", [None, 2**63], "numeric", "double"),
    ("bool", [True, False], "logical", "logical"),
    ("boolean", [True, False], "logical", "logical"),
    ("boolean", [True, None, False], "logical", "logical"),
    ("string", ["b", None, "", "a", "NA", "ü", "\U0001f600"], "character", "character"),
    ("str", ["b", None, "", "a", "NA", "ü", "\U0001f600"], "character", "character"),
    ("object", ["b", None, "", "a", "NA", "ü", "\U0001f600"], "character", "character"),
]


@r
@pytest.mark.parametrize(
    ("dtype", "values", "r_class", "r_type"),
    DTYPES,
    ids=[f"{d[0]}-{d[2]}-{i}" for i, d in enumerate(DTYPES)],
)
def test_dtype_arrives_and_returns(dtype, values, r_class, r_type):
    data = column(values, dtype=dtype)
    there = arrived(data)["x"]
    assert there["class"] == (r_class,)
    assert there["type"] == (r_type,)
    missing = data["x"].isna().to_numpy()
    assert (there["is_na"] == missing).all()
    assert not there["is_nan"].any()  # NaN crosses as NA
    back = returned(data)["x"]
    assert (back.isna().to_numpy() == missing).all()
    pd.testing.assert_series_equal(back.astype(dtype)[~missing], data["x"][~missing])
    if dtype != "object":  # where None and nan are both at home
        pd.testing.assert_series_equal(back.astype(dtype), data["x"])
    if r_type == "double":
        as_floats = data["x"].to_numpy(np.float64, na_value=np.nan)
        assert (bits(back.to_numpy()) == bits(as_floats)).all()
        sent = [
            NA_BITS if m else f"{b:016x}" for m, b in zip(missing, bits(as_floats), strict=True)
        ]
        assert there["bits"] == tuple(sent)


@r
def test_each_nan_arrives_as_na():
    patterns = [0x7FF8000000000000, 0xFFF8000000000000, 0x7FF8000000000001, 0x7FF00000000007A2]
    there = arrived(column(np.array(patterns, dtype=np.uint64).view(np.float64)))["x"]
    assert there["bits"] == (NA_BITS,) * 4
    nullable = pd.arrays.FloatingArray(np.array([np.nan, 1.0, 2.0]), np.array([False, True, False]))
    there = arrived(column(nullable))["x"]
    assert there["bits"] == (NA_BITS, NA_BITS, f"{np.float64(2).view(np.uint64):016x}")
    assert np.float64(NA_REAL).view(np.uint64) == int(NA_BITS, 16)


@r
def test_the_users_own_data_are_never_written_to():
    values = np.array([1.0, np.nan, 3.0])
    before = values.view(np.uint64).copy()
    data = pd.DataFrame({"x": values, "i": pd.array([1, None, 3], dtype="Int64")}, copy=False)
    kept = data.copy(deep=True)
    returned(data)
    assert (values.view(np.uint64) == before).all()
    pd.testing.assert_frame_equal(data, kept)
    assert not np.shares_memory(collect(data).parts[0]["values"], values)


@r
@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize(
    ("categories", "levels"),
    [
        (["z", "a", "unused", "m"], ("z", "a", "unused", "m")),
        ([30, 4, -1, 100000], ("30", "4", "-1", "100000")),
        ([True, False], ("TRUE", "FALSE")),
        ([0.5, 0.1, -2.0, 1e-7], ("0.5", "0.1", "-2", "1e-07")),
        (["", "NA", "ß", "\U00010348"], ("", "NA", "ß", "\U00010348")),
        ([pd.Timestamp("2020-01-02")], ("2020-01-02 00:00:00",)),
        (pd.interval_range(0, 2), ("(0, 1]", "(1, 2]")),
    ],
)
def test_categorical_arrives_as_factor(categories, levels, ordered):
    codes = np.array([1, 0, -1, 1]) % (len(categories) + 1)
    codes = np.where(codes >= len(categories), -1, codes)
    data = column(pd.Categorical.from_codes(codes, categories=categories, ordered=ordered))
    there = arrived(data)["x"]
    assert there["class"] == (("ordered", "factor") if ordered else ("factor",))
    assert there["type"] == ("integer",)
    assert there["levels"] == levels  # order kept, unused levels too
    assert (there["is_na"] == (codes < 0)).all()
    back = returned(data)["x"]
    assert back.cat.categories.tolist() == list(levels)
    assert back.cat.ordered is ordered
    assert back.cat.codes.tolist() == codes.tolist()


@r
def test_categorical_that_is_all_missing():
    back = returned(column(pd.Categorical([None, None], categories=[])))["x"]
    assert back.isna().all()
    assert len(back.cat.categories) == 0


@r
def test_string_levels_stand_in_rs_own_order():
    words = ["b", "B", "a", "A", "Z", "é", "e", "_x", "10", "9", " ", "ß", "z", "-1", ""]
    there = arrived(column(words))["x"]
    assert there["class"] == ("character",)
    own = session().call("sort", x=sorted(words)).value
    assert there["factor_levels"] == own
    assert set(own) == set(words)


NAIVE = [
    "1970-01-01", "1969-12-31 23:59:59.999999", "1835-01-01 00:00:00.000001",
    "2105-12-31 23:59:59.999999", "2038-01-19 03:14:08.123457", "2024-02-29 12:00:00.5",
]  # fmt: skip


@r
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Zurich", "America/St_Johns"])
def test_datetime_is_exact_to_the_microsecond(unit, zone):
    moments = pd.Series(pd.to_datetime([*NAIVE, None], format="ISO8601")).dt.as_unit(unit)
    if zone is not None:
        moments = moments.dt.tz_localize("UTC").dt.tz_convert(zone)
    data = pd.DataFrame({"x": moments})
    there = arrived(data)["x"]
    assert there["class"] == ("POSIXct", "POSIXt")
    assert there["zone"] == ({None: "UTC", "UTC": "Etc/UTC"}.get(zone, zone),)
    assert there["is_na"].tolist() == [0] * len(NAIVE) + [1]
    back = returned(data)["x"]
    pd.testing.assert_series_equal(back, moments.dt.as_unit("us"), check_names=False)
    assert back.dtype == moments.dt.as_unit("us").dtype


@r
def test_r_shows_the_same_clock():
    clock = pd.Series(pd.to_datetime(["2024-07-01 12:34:56", "1969-07-20 20:17:40"]))
    shown = ("2024-07-01 12:34:56.000000", "1969-07-20 20:17:40.000000")
    sent = collect(pd.DataFrame({"x": clock})).to_r()
    assert probe("formatted_times", frame=sent).value == shown
    aware = clock.dt.tz_localize("Asia/Tokyo")
    sent = collect(pd.DataFrame({"x": aware})).to_r()
    assert probe("formatted_times", frame=sent).value == shown
    assert probe("formatted_times", frame=sent, zone="UTC").value[0].startswith("2024-07-01 03:34")


@r
def test_zones_of_other_kinds_keep_their_moments():
    moment = dt.datetime(2024, 7, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    data = column(pd.to_datetime([moment, moment]))
    assert (returned(data)["x"] == data["x"]).all()
    for zone in (dt.UTC, zoneinfo.ZoneInfo("Europe/Zurich"), zoneinfo.ZoneInfo("Etc/UTC")):
        data = column(pd.to_datetime(["2024-07-01"]).tz_localize(zone))
        assert (returned(data)["x"] == data["x"]).all()


@r
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timedelta(unit):
    lengths = pd.to_timedelta([0, 1, -1, 86_399_999_999, -(10**14), None], unit="us").as_unit(unit)
    data = column(lengths)
    there = arrived(data)["x"]
    assert there["class"] == ("difftime",)
    assert there["units"] == ("secs",)
    back = returned(data)["x"]
    pd.testing.assert_series_equal(back, data["x"].dt.as_unit("us"))


@r
def test_objects_of_one_kind_are_taken_as_that_kind():
    kinds = {
        "bools": ([True, None, False], "logical"),
        "ints": ([1, None, -(2**31) + 1], "integer"),
        "big": ([2**40, None, -(2**40)], "numeric"),
        "bigger": ([2**63, 2**10, None], "numeric"),
        "floats": ([1.5, None, -0.0], "numeric"),
        "times": ([dt.datetime(2020, 1, 1), None, dt.datetime(2020, 1, 2)], "POSIXct"),
        "dates": ([dt.date(2020, 1, 1), None, dt.date(2020, 1, 2)], "POSIXct"),
        "lengths": ([dt.timedelta(1), None, dt.timedelta(2)], "difftime"),
        "texts": (["a", np.nan, pd.NA], "character"),
        "nothing": ([None, None, None], "character"),
    }
    data = pd.DataFrame({name: pd.Series(v, dtype=object) for name, (v, _) in kinds.items()})
    there = arrived(data)
    assert {name: told["class"][0] for name, told in there.items()} == {
        name: r_class for name, (_, r_class) in kinds.items()
    }
    for name, (values, _) in kinds.items():
        assert there[name]["is_na"].tolist() == [int(pd.isna(v)) for v in values]
    assert there["floats"]["bits"][2] == "8000000000000000"


# -- frames of others ----------------------------------------------------------------------------


def arrow_table() -> pa.Table:
    return pa.table(
        {
            "i": pa.array([1, None, 3], pa.int64()),
            "big": pa.array([2**53 - 1, None, 2**40 + 1], pa.int64()),
            "f": pa.array([1.0, None, -0.0]),
            "b": pa.array([True, None, False]),
            "s": pa.array(["ü", None, ""]),
            "c": pa.array(["z", "a", None]).dictionary_encode(),
            "t": pa.array(
                [dt.datetime(2020, 1, 1), None, dt.datetime(2021, 1, 1)], pa.timestamp("ms")
            ),
            "z": pa.array([0, None, 1], pa.timestamp("us", tz="Europe/Zurich")),
            "d": pa.array([dt.date(2020, 1, 1), None, dt.date(2021, 1, 1)]),
            "l": pa.array([1, None, 2], pa.duration("s")),
        }
    )


CLASSES = {
    "i": "integer", "big": "numeric", "f": "numeric", "b": "logical", "s": "character",
    "c": "factor", "t": "POSIXct", "z": "POSIXct", "d": "POSIXct", "l": "difftime",
}  # fmt: skip


@r
@pytest.mark.parametrize("library", ["pyarrow", "pandas", "polars"])
def test_arrow_and_polars_frames_arrive_with_their_own_types(library):
    data: Any = arrow_table()
    if library == "pandas":
        data = data.to_pandas(types_mapper=pd.ArrowDtype)
    elif library == "polars":
        data = pl.from_arrow(data)
    there = arrived(as_pandas(data))
    assert {name: told["class"][0] for name, told in there.items()} == CLASSES | (
        {"c": "character"} if library == "polars" else {}
    )
    assert all(told["is_na"].sum() == 1 for told in there.values())
    if library != "polars":  # there it is text, in whatever order it appears
        assert there["c"]["levels"] == ("z", "a")
    assert there["z"]["zone"] == ("Europe/Zurich",)
    assert there["f"]["bits"] == ("3ff0000000000000", NA_BITS, "8000000000000000")
    back = returned(as_pandas(data))
    assert back["big"].tolist()[::2] == [2**53 - 1, 2**40 + 1]
    assert back["t"].tolist()[::2] == [pd.Timestamp("2020-01-01"), pd.Timestamp("2021-01-01")]
    assert back["d"].tolist()[::2] == [pd.Timestamp("2020-01-01"), pd.Timestamp("2021-01-01")]
    assert back["l"].tolist()[::2] == [pd.Timedelta(1, "s"), pd.Timedelta(2, "s")]
    assert back["s"].tolist()[::2] == ["ü", ""]


@r
@pytest.mark.parametrize("arrow", [False, True])
def test_polars_enums_are_factors_and_its_categoricals_text(arrow):
    values = ["b", "a", None, "b"]
    kinds = {"e": pl.Enum(["c", "b", "a"]), "c": pl.Categorical, "t": pl.String}
    frame: Any = pl.DataFrame({name: pl.Series(values, dtype=kind) for name, kind in kinds.items()})
    there = arrived(as_pandas(frame.to_arrow() if arrow else frame))
    assert there["e"]["class"] == ("factor",)
    assert there["e"]["levels"] == ("c", "b", "a")
    assert there["c"]["class"] == there["t"]["class"] == ("character",)
    back = returned(as_pandas(frame))
    assert back["e"].tolist()[:2] == ["b", "a"]
    assert back["c"].tolist()[:2] == back["t"].tolist()[:2] == ["b", "a"]


@r
def test_only_the_columns_of_polars_that_are_needed_are_converted():
    wide = pl.Series("huge", [1, 2, 2**100], dtype=pl.Int128)
    frame = pl.DataFrame({"x": [1, 2, 3], "few": wide.clip(0, 5), "huge": wide})
    frame = frame.with_columns(pl.Series("o", [object()] * 3, dtype=pl.Object), l=pl.lit([1]))
    opened = frames.opened(frame)
    assert opened is frame
    assert collect(opened, {"x"}).names == ("x",)
    assert collect(opened, {"few"}).parts[0]["values"].tolist() == [1, 2, 5]
    assert len(collect(opened, set()).index) == 3
    for name in ("huge", "o", "l"):
        with pytest.raises(DataConversionError, match=f"column '{name}'"):
            collect(opened, {name})


def test_a_mapping_of_columns_is_a_frame():
    assert collect(as_pandas({"x": [1, 2], "y": ["a", "b"]})).names == ("x", "y")


# -- names and structure -------------------------------------------------------------------------


@r
def test_names_of_every_kind_cross():
    names = [
        "a b",
        "class",
        "a-b",
        "é",
        "NA",
        "if",
        "`",
        '"',
        "\\",
        "\n",
        "\U0001f600",
        "",
        0,
        -1.5,
    ]
    names += [("a", 1), None, "x" * 5000]
    data = pd.DataFrame(
        [[float(i) for i in range(len(names))]], columns=pd.Index(names, dtype=object)
    )
    back = returned(data)
    assert back.columns.tolist() == [str(name) for name in names]
    assert back.iloc[0].tolist() == list(range(len(names)))


@r
def test_only_what_is_needed_is_collected():
    data = pd.DataFrame({"bad": [1j, 2j], "y": [1.0, 2.0], 3: [1, 2], "x": ["a", "b"]})
    frame = collect(data, ["x", "3"])
    assert frame.names == ("3", "x")  # in the data's order
    assert len(frame.parts) == 2


def test_parts_hold_few_plain_arrays():
    n = 10_000
    data = pd.DataFrame(
        {
            "f": np.arange(n) / 7,
            "i": pd.array([None, *range(n - 1)], dtype="Int64"),
            "s": [f"level {i % 10}" for i in range(n)],
            "c": pd.Categorical(["a", "b"] * (n // 2)),
            "t": pd.date_range("2020", periods=n, freq="min"),
        }
    )
    dtypes = {"f": "float64", "i": "int32", "s": "int32", "c": "int32", "t": "float64"}
    frame = collect(data)
    for name, part in zip(frame.names, frame.parts, strict=True):
        assert part["values"].dtype == dtypes[name]
        assert part["values"].flags.c_contiguous
        assert part["values"].size == n
        assert len(part.get("levels", ())) <= 10
    assert frame.to_r()["n_rows"] == n


# -- what cannot cross ---------------------------------------------------------------------------

REFUSED = {
    "mixed": (pd.Series([1, "a"], dtype=object), "str"),
    "mixed strings": (pd.Series(["a", b"b"], dtype=object), "bytes"),
    "bool and int": (pd.Series([True, 2], dtype=object), "bool"),
    "lists": (pd.Series([[1], [2]]), "list"),
    "tuples": (pd.Series([(1, 2), (3, 4)]), "tuple"),
    "dicts": (pd.Series([{}, {}]), "dict"),
    "decimal": (pd.Series([decimal.Decimal(1)]), "Decimal"),
    "functions": (pd.Series([len, print]), "builtin"),
    "complex": (pd.Series([1j]), "complex"),
    "object complex": (pd.Series([1j], dtype=object), "complex"),
    "float128": (pd.Series(np.array([1], dtype=np.longdouble)), "64 bits"),
    "interval": (pd.Series(pd.interval_range(0, 2)), "interval"),
    "period": (pd.Series(pd.period_range("2020", periods=2, freq="M")), "period"),
    "2**53+1": (pd.Series([2**53 + 1, 0]), str(2**53 + 1)),
    "-2**53-1": (pd.Series([-(2**53) - 1, 0]), str(-(2**53) - 1)),
    "2**63-1": (pd.Series([2**63 - 1]), "53 bits"),
    "2**64-1": (pd.Series([2**64 - 1], dtype="uint64"), "53 bits"),
    "nullable": (pd.Series([2**53 + 1, None], dtype="Int64"), "53 bits"),
    "object int": (pd.Series([2**53 + 1, None], dtype=object), "53 bits"),
    "huge int": (pd.Series([2**80 + 1, None], dtype=object), "int"),
    "NUL": (pd.Series(["a\0b"]), "NUL"),
    "NUL level": (pd.Series(pd.Categorical(["a\0b"])), "NUL"),
    "surrogate": (pd.Series(["\ud800"], dtype=object), "Unicode"),
    "same text": (pd.Series(pd.Categorical([1, "1"])), "same"),
    "level": (pd.Series(pd.Categorical([(1, 2)])), "tuple"),
    "arrow list": (pd.Series([[1]], dtype=pd.ArrowDtype(pa.list_(pa.int64()))), ""),
    "arrow decimal": (pd.Series([decimal.Decimal(1)], dtype=pd.ArrowDtype(pa.decimal128(9))), ""),
    "arrow binary": (pd.Series([b"a"], dtype=pd.ArrowDtype(pa.binary())), ""),
    "arrow struct": (pd.Series([{"a": 1}], dtype=pd.ArrowDtype(pa.struct({"a": pa.int64()}))), ""),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_refused_column_is_named(case):
    values, clue = REFUSED[case]
    name = "my column é"
    with pytest.raises(DataConversionError) as caught:
        collect(pd.DataFrame({"fine": [1.0] * len(values), name: values}))
    assert repr(name) in str(caught.value)
    assert clue in str(caught.value)


@pytest.mark.parametrize(
    ("columns", "clue"),
    [
        (["a", "b", "a"], "'a'"),
        ([1, "1", "b"], "'1'"),
        (["a\0", "b", "c"], "NUL"),
        (["\udc80", "b", "c"], "Unicode"),
    ],
)
def test_refused_names(columns, clue):
    with pytest.raises(DataConversionError, match=clue):
        collect(pd.DataFrame(np.zeros((2, 3)), columns=pd.Index(columns, dtype=object)))


@pytest.mark.parametrize(
    "empty", [pd.DataFrame(), pd.DataFrame({"x": []}), pd.DataFrame(index=[1, 2])]
)
def test_an_empty_frame_is_refused(empty):
    with pytest.raises(DataConversionError, match=r"no (rows|columns)"):
        collect(empty)


@pytest.mark.parametrize("thing", [None, 5, "data.csv", [1, 2], np.zeros((2, 2)), pd.Series([1])])
def test_what_is_no_frame_is_refused(thing):
    with pytest.raises(DataConversionError, match="frame"):
        as_pandas(thing)


def test_a_time_from_r_that_pandas_cannot_hold_is_refused():
    part = {"kind": ("datetime",), "values": np.array([np.inf]), "timezone": ("UTC",)}
    record = {"names": ("x",), "n_rows": [1], "parts": (part,), "row_names": None}
    with pytest.raises(DataConversionError, match="years"):
        frame_from_r(record)


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(3, 9, 2, name="row"),
        pd.Index(["a", "b", "c"], name="row"),
        pd.date_range("2024-01-01", periods=3, name="row"),
        pd.MultiIndex.from_product([["a"], [1, 2, 3]], names=["x", "y"]),
    ],
)
def test_rows_of_r_are_labels_of_the_index(index):
    rows = np.array([1, 2, 3], dtype=np.int32)
    whole = frames.index_at(index, rows)
    assert whole is not index
    assert whole.identical(index[[0, 1, 2]])
    assert type(whole) is type(index)
    assert getattr(whole, "freq", None) is None
    whole.names = [f"{name}_" for name in index.names]
    assert list(index.names) == [name.removesuffix("_") for name in whole.names]
    for some in ([], [2], [1, 3], [3, 2, 1], [1, 1, 1], [1, 2, 3, 3]):
        found = frames.index_at(index, np.array(some, dtype=np.int32))
        assert found.equals(index[[row - 1 for row in some]])


# -- any frame at all ----------------------------------------------------------------------------


def assert_identical(back: pd.Series, sent: pd.Series) -> None:
    """Assert that a column came back as it went, but for dtypes that R does not have."""
    assert (back.isna().to_numpy() == sent.isna().to_numpy()).all()
    if isinstance(sent.dtype, pd.CategoricalDtype):
        as_text = {True: "TRUE", False: "FALSE"}
        texts = [
            as_text.get(c, str(c)) if isinstance(c, bool) else str(c) for c in sent.cat.categories
        ]
        assert back.cat.categories.tolist() == texts
        assert back.cat.codes.tolist() == sent.cat.codes.tolist()
        assert back.cat.ordered == sent.cat.ordered
        return
    if sent.dtype.kind == "f":
        ours, theirs = (s.to_numpy(np.float64, na_value=np.nan) for s in (back, sent))
        assert (bits(ours) == bits(theirs)).all()  # the sign of a zero, too
        return
    if sent.dtype.kind in "Mm":
        sent = sent.dt.as_unit("us")
        assert back.dtype == sent.dtype
    values = [(b, s) for b, s in zip(back, sent, strict=True) if not pd.isna(s)]
    assert all(b == s for b, s in values), values
    if sent.dtype != object:  # where None and nan are both at home
        pd.testing.assert_series_equal(back.astype(sent.dtype), sent, check_names=False)


@r
@FEW
@given(st.lists(st.tuples(TEXTS, COLUMNS), min_size=1, max_size=6, unique_by=lambda pair: pair[0]))
@example([("x", pd.Series([0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, -5e-324]))])
@example([("x", pd.Series([2**53, -(2**53), 2**31, -(2**31), 2**31 - 1, 0, -1]))])
@example([("x", pd.Series(["", "NA", "\U0010ffff", "\uffff", "e\u0301", "é", None], dtype=object))])
def test_any_frame_comes_back_identical(columns):
    data = pd.DataFrame(dict(columns))
    back = returned(data)
    assert back.columns.tolist() == data.columns.tolist()
    assert len(back) == len(data)
    for name, sent in columns:
        assert_identical(back[name], sent)


@r
@FEW
@given(npst.arrays(np.float64, st.integers(1, 50), elements=st.floats(allow_subnormal=True)))
def test_any_floats_keep_every_bit(values):
    sent = bits(values)
    there = arrived(column(values))["x"]
    assert there["bits"] == tuple(
        NA_BITS if np.isnan(v) else f"{b:016x}" for v, b in zip(values, sent, strict=True)
    )
    assert (bits(returned(column(values))["x"].to_numpy()) == sent).all()


@FEW
@given(st.lists(st.integers(-(2**63), 2**64 - 1), min_size=1, max_size=5))
def test_integers_are_exact_or_refused(values):
    if min(values) < 0 and max(values) >= 2**63:
        values = [v for v in values if v >= 0]
    dtype = "int64" if max(values) < 2**63 else "uint64"
    exact = all(int(float(v)) == v for v in values)
    if not exact:
        with pytest.raises(DataConversionError, match="53 bits"):
            column_to_part(pd.Series(values, dtype=dtype), "x")
        return
    sent = column_to_part(pd.Series(values, dtype=dtype), "x")["values"]
    assert [int(v) for v in sent] == values


@FEW
@given(st.integers(0, 63), st.integers(0, 2**53 - 1), st.booleans())
def test_the_53_bits_may_stand_anywhere(shift, odd, negative):
    value = (-odd if negative else odd) << shift
    if not -(2**63) <= value < 2**64:
        return
    dtype = "int64" if value < 2**63 else "uint64"
    sent = column_to_part(pd.Series([value], dtype=dtype), "x")["values"]
    assert int(sent[0]) == value


# -- values on their own -------------------------------------------------------------------------

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**31) + 1, 2**31 - 1),
    st.floats(allow_nan=False),
    TEXTS,
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4),
        st.dictionaries(TEXTS, inner, min_size=1, max_size=4),
    ),
    max_leaves=12,
)


def plain(value: Any) -> Any:
    """Write a value as it comes back: every scalar as a vector of one."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        if all(isinstance(v, str) or v is None for v in value):
            return tuple(value)
        kinds = {type(v) for v in value}
        if kinds <= {int, float} or kinds == {bool}:
            return list(map(float, value))
        return tuple(plain(item) for item in value)
    if value is None:
        return None
    return (value,) if isinstance(value, str) else [float(value)]


def simple(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [float(v) for v in value]
    if isinstance(value, dict):
        return {key: simple(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(map(simple, value))
    return value


@r
@FEW
@given(VALUES)
@example([None])
@example({"a": {"b": [None, "x"], "c": None}, "": [1, "x", [2.5]]})
def test_any_value_comes_back(value):
    assert simple(probe("same", x=value).value) == plain(value)


@r
def test_r_values_come_back():
    got = probe("give_nested").value
    assert got["none"] is None
    assert np.array_equal(got["numbers"], [1.5, np.nan, np.inf], equal_nan=True)
    assert got["strings"] == ("é", None, "NA")
    assert got["flags"].tolist() == [1, -(2**31), 0]
    assert got["unnamed"][1] == ("b",)
    assert got["deep"][0]["x"]["y"].tolist() == [2]
    assert got["empty"] == ()
    assert got["none_of"] == ()


@r
def test_what_came_from_r_is_a_copy():
    kept = session().call("c", x=1.0, y=2.0).value
    session().call("gc")
    kept[0] = 7.0
    assert session().call("c", x=1.0, y=2.0).value.tolist() == [1.0, 2.0]
    assert not isinstance(kept.base, memoryview)


MANY_TEXTS = [
    "",
    "NA",
    " ",
    "a\nb",
    "é",
    "e\u0301",
    "\U0010ffff",
    *(f"level {i}" for i in range(200)),
]


@r
@pytest.mark.parametrize("texts", [MANY_TEXTS, [*MANY_TEXTS, None], [None] * 100, [""] * 100])
def test_many_strings_cross_as_each_alone_does(texts):
    assert probe("same", x=texts).value == tuple(texts)
    alone = [[text] for text in texts]
    assert probe("same_strings", many=texts, alone=alone).value[0] == 1


@r
def test_many_strings_of_another_encoding_come_as_unicode():
    assert probe("in_latin1", n=100).value == ("é", None) * 100


@r
@pytest.mark.parametrize("text", ["a\0b", "x\ud800"])
def test_among_many_strings_the_one_that_r_cannot_hold_is_named(text):
    with pytest.raises(DataConversionError, match=re.escape(f"{text!r}")):
        probe("same", x=[*MANY_TEXTS, text, "after"])


@r
def test_what_comes_from_r_takes_no_reference_from_none():
    # rpy2's memoryview() does, and Python ends with a fatal error where it has no more.
    before = sys.getrefcount(None)
    for _ in range(1000):
        probe("give_nested")
    assert sys.getrefcount(None) > before - 500


@r
@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_a_string_that_r_cannot_hold_is_refused(text):
    for value in (text, {"x": [text]}, {text: 1}, [1, text]):
        with pytest.raises(DataConversionError, match="R cannot hold"):
            probe("same", x=value)


@pytest.mark.r
@pytest.mark.parametrize(
    ("column", "said"),
    [
        (["a", 3], "column 'g' is of dtype object and holds int, str"),
        ([{"a": 1}, {"b": 2}], "column 'g' is of dtype object and holds dict"),
        (["a", "b\0c"], "has an embedded NUL, which R cannot hold"),
        (["a", "\ud800"], "is not valid Unicode"),
    ],
)
def test_objects_that_are_no_column(column, said):
    data = pd.DataFrame({"y": [1.0, 2.0], "g": pd.Series(column, dtype=object)})
    with pytest.raises(DataConversionError, match=said):
        pb.lmer("y ~ 1 + (1 | g)", data)


def test_arrow_columns_keep_their_order_on_any_index() -> None:
    """What has labels is taken by position here, whatever whole numbers the index has."""
    texts = ["b", "a", None, "c"]
    dictionary = pa.array(texts).dictionary_encode()
    for index in ([3, 2, 1, 0], [7, 0, 9, 1], list("wxyz")):
        for kind, values in (
            (pd.ArrowDtype(pa.string()), texts),
            (pd.ArrowDtype(dictionary.type), dictionary.to_pylist()),
        ):
            given = pd.DataFrame({"x": pd.array(values, dtype=kind)}, index=index)
            (part,) = collect(given).parts
            names = [None if code < 0 else part["levels"][code - 1] for code in part["values"]]
            assert names == texts, (index, kind)


@pytest.mark.parametrize("value", [0, 1, 2**31, 2**62, -(2**63)])
def test_what_stands_below_a_missing_value_does_not_matter(value: int) -> None:
    missing = np.array([True, False, False])
    clean = column_to_part(pd.Series([None, 5, 7], dtype="Int64"), "x")
    kept = pd.arrays.IntegerArray(np.array([value, 5, 7]), missing)
    found = column_to_part(pd.Series(kept), "x")
    assert found["kind"] == clean["kind"] == "integer"
    assert (found["values"] == clean["values"]).all()
    assert kept._data[0] == value  # nobody else's memory is written into
    clean = column_to_part(pd.Series([None, True, False], dtype="boolean"), "x")
    kept = pd.arrays.BooleanArray(np.array([bool(value), True, False]), missing)
    assert (column_to_part(pd.Series(kept), "x")["values"] == clean["values"]).all()
    clean = column_to_part(pd.Series([None, 0.5, -0.0], dtype="Float64"), "x")
    for odd in (float(value), np.inf, np.nan):
        kept = pd.arrays.FloatingArray(np.array([odd, 0.5, -0.0]), missing)
        found = column_to_part(pd.Series(kept), "x")
        assert found["values"].tobytes() == clean["values"].tobytes()
