"""Random columns and frames of everything that pandas knows, and what R must then hold of them.

What is expected is said value by value, from the values that pandas gives one by one, and knows
nothing of how the package takes a column apart.
"""

from __future__ import annotations

import datetime as dt
import decimal
import math
import struct
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import strategies as st

N_ROWS: Final = 6

# -- texts and names -------------------------------------------------------------------------------

ODD_TEXTS: Final = [
    "", " ", "\t", "\n", "a\nb", "a\r\nb", "\0", "a\0b", "NA", "<NA>", "NaN", "TRUE", "F", "if",
    "`", "``", "a`b", '"', "'", "\\", "\\n", "\\u0041", "...", "..1", "..2", ".", "..", "_x", "2x",
    "é", "e\u0301", "\u202eabc", "שלום", "\u200b", "a\u200bb", "\ufeff", "\U0001f600", "\U00020000",
    "\U0010ffff", "\uffff", "\u0130", "\ud800", "\udfff", "%s", "%n", "{}", "x y", "x  y", "a-b",
    "a:b", "a|b", "~", "1", "function", "NULL", "Inf", "next", "(Intercept)", "x\u00a0y", "ﬁ",
    "system('x')", "data$x", "b[1]", "#", "a#b", ";", "\x7f", "\x85", "\u2028", "ß", "ẞ",
    "a" * 300,
]  # fmt: skip
ANY_TEXT: Final = st.one_of(
    st.sampled_from(ODD_TEXTS),
    st.text(max_size=6),
    st.text(st.characters(exclude_categories=()), max_size=4),  # surrogates, too
)
CLEAN_TEXT: Final = st.one_of(
    st.sampled_from(
        [t for t in ODD_TEXTS if "\0" not in t and not t.startswith(("\ud800", "\udfff"))]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6),
)
LABELS: Final = st.one_of(
    CLEAN_TEXT,
    CLEAN_TEXT,
    ANY_TEXT,
    st.integers(-3, 3),
    st.floats(),
    st.none(),
    st.booleans(),
    st.tuples(st.sampled_from("ab"), st.integers(0, 2)),
    st.dates(),
    st.just(pd.NA),
    st.just(pd.NaT),
)

# -- values ----------------------------------------------------------------------------------------

INTEGERS: Final = st.one_of(
    st.integers(-9, 9),
    st.integers(-(2**31) - 2, -(2**31) + 2),
    st.integers(2**31 - 2, 2**31 + 2),
    st.integers(2**53 - 2, 2**53 + 2),
    st.integers(-(2**53) - 2, -(2**53) + 2),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 62).map(lambda i: 2**i),
)
FLOATS: Final = st.one_of(
    st.floats(),
    st.sampled_from(
        [
            0.0,
            -0.0,
            5e-324,
            -5e-324,
            math.inf,
            -math.inf,
            math.nan,
            1e308,
            2.0**53 + 2,
            1e5,
            1e15,
            1e-5,
            0.1 + 0.2,
            -(2.0**31),
            2.2250738585072014e-308,
        ]
    ),
)
EARLIEST, LATEST = dt.datetime(1700, 1, 1), dt.datetime(2250, 1, 1)
MOMENTS: Final = st.datetimes(EARLIEST, LATEST)
FAR_MOMENTS: Final = st.datetimes()
LENGTHS: Final = st.timedeltas(dt.timedelta(days=-40000), dt.timedelta(days=40000))
ZONES: Final = ["UTC", "Europe/Zurich", "Australia/Lord_Howe", "America/New_York", "Etc/UTC"]
MISSING: Final = st.sampled_from([None, math.nan, pd.NA, pd.NaT])


def _rows(elements: Any, *, missing: Any = None) -> Any:
    each = elements if missing is None else st.one_of(elements, elements, missing)
    return st.lists(each, min_size=N_ROWS, max_size=N_ROWS)


def _of(elements: Any, dtype: Any, *, missing: Any = None) -> Any:
    return _rows(elements, missing=missing).map(lambda values: pd.Series(values, dtype=dtype))


def _within(bits: int, *, signed: bool = True) -> Any:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    near = st.sampled_from([low, low + 1, high, high - 1, 0, 1])
    return st.one_of(near, INTEGERS.filter(lambda i: low <= i <= high), st.integers(low, high))


@st.composite
def categoricals(draw: Any) -> pd.Series:
    """Draw categoricals of any categories, some of them unused."""
    levels = draw(
        st.one_of(
            st.lists(CLEAN_TEXT, max_size=6, unique=True),
            st.lists(ANY_TEXT, max_size=6, unique=True),
            st.lists(st.integers(-(10**12), 10**12), max_size=6, unique=True),
            st.lists(st.floats(allow_nan=False), max_size=6, unique=True),
            st.lists(
                st.sampled_from([1e5, 1e15, 0.1, 0.1 + 0.2, 123456.7, 1e-4, 1e-5, 1e22]),
                max_size=4,
                unique=True,
            ),
            st.just([True, False]),
            st.just([False]),
            st.lists(MOMENTS, max_size=3, unique=True),
            st.lists(st.dates(), max_size=3, unique=True),
            st.lists(LENGTHS, max_size=3, unique=True),
            st.just(list(pd.interval_range(0, 3))),
            st.just(list(pd.period_range("2020", periods=2))),
            st.just([1, "1"]),
            st.just([1, "a", 2.5]),
            st.just([(1, 2)]),
            st.just([1j]),
            st.just([b"a"]),
        )
    )
    codes = draw(st.lists(st.integers(-1, len(levels) - 1), min_size=N_ROWS, max_size=N_ROWS))
    ordered = draw(st.booleans())
    if len(levels) and isinstance(levels[0], tuple):
        levels = pd.Index([None, *levels], dtype=object, tupleize_cols=False)[1:]
    made = pd.Categorical.from_codes(
        codes, categories=pd.Index(levels, tupleize_cols=False), ordered=ordered
    )
    return pd.Series(made)


@st.composite
def zoned(draw: Any) -> pd.Series:
    """Draw moments with a time zone."""
    naive = draw(_of(MOMENTS, draw(st.sampled_from(["datetime64[us]", "datetime64[ns]"]))))
    zone = draw(st.one_of(st.sampled_from(ZONES), st.just(dt.timezone(dt.timedelta(hours=5)))))
    return naive.dt.tz_localize("UTC").dt.tz_convert(zone)


@st.composite
def sparse(draw: Any) -> pd.Series:
    """Draw sparse columns."""
    if draw(st.booleans()):
        return draw(_of(FLOATS, pd.SparseDtype("float64")))
    return draw(_of(st.integers(0, 3), pd.SparseDtype("int64", 0)))


def _arrow(elements: Any, kind: Any) -> Any:
    return _of(elements, pd.ArrowDtype(kind), missing=st.none())


OBJECTS: Final = st.one_of(
    INTEGERS,
    FLOATS,
    CLEAN_TEXT,
    ANY_TEXT,
    st.booleans(),
    FAR_MOMENTS,
    st.dates(),
    LENGTHS,
    st.datetimes(timezones=st.sampled_from([ZoneInfo(zone) for zone in ZONES])),
    st.integers(-(10**30), 10**30),
    st.binary(max_size=2),
    st.decimals(allow_nan=False),
    st.complex_numbers(),
    st.just(np.float16(1.5)),
    st.just(np.int8(3)),
    st.just(np.bool_(True)),
    st.just(np.str_("x")),
    st.just(np.datetime64("2020-01-01")),
    st.just([1]),
    st.just({}),
    st.times(),
    st.just(len),
    st.timedeltas(),
    st.just(np.longdouble(1)),
)


@st.composite
def objects(draw: Any) -> pd.Series:
    """Draw columns of dtype object: of one kind, with every missing value, or of a mixture."""
    one_kind = [
        INTEGERS, FLOATS, CLEAN_TEXT, ANY_TEXT, st.booleans(), FAR_MOMENTS, MOMENTS, st.dates(),
        LENGTHS, st.timedeltas(), st.integers(-(10**30), 10**30), st.decimals(allow_nan=False),
        st.datetimes(timezones=st.sampled_from([ZoneInfo(zone) for zone in ZONES])),
        st.datetimes(timezones=st.just(ZoneInfo("Europe/Zurich"))),
        st.just(np.float16(1.5)), st.just(np.datetime64("2020-01-01")), st.none(),
    ]  # fmt: skip
    kind = draw(st.sampled_from([*one_kind, OBJECTS]))
    values = draw(
        _rows(kind, missing=draw(st.sampled_from([None, MISSING, st.none(), st.just(pd.NA)])))
    )
    return pd.Series([*values], dtype=object)


COLUMNS: Final = st.one_of(
    _of(st.floats(width=16), "float16"),
    _of(st.floats(width=32), "float32"),
    _of(FLOATS, "float64"),
    _of(FLOATS, np.longdouble),
    *(_of(_within(bits), f"int{bits}") for bits in (8, 16, 32, 64)),
    *(_of(_within(bits, signed=False), f"uint{bits}") for bits in (8, 16, 32)),
    _of(st.integers(0, 2**64 - 1), "uint64"),
    *(_of(_within(bits), f"Int{bits}", missing=st.none()) for bits in (8, 16, 32, 64)),
    *(_of(_within(bits, signed=False), f"UInt{bits}", missing=st.none()) for bits in (8, 16, 32)),
    _of(FLOATS, "Float64", missing=st.none()),
    _of(st.floats(width=32), "Float32", missing=st.none()),
    _of(st.booleans(), "bool"),
    _of(st.booleans(), "boolean", missing=st.none()),
    _of(ANY_TEXT, object, missing=st.none()),
    _of(CLEAN_TEXT, "str", missing=st.none()),
    _of(CLEAN_TEXT, pd.StringDtype("python"), missing=st.none()),
    _of(CLEAN_TEXT, pd.StringDtype("pyarrow"), missing=st.none()),
    categoricals(),
    categoricals(),
    objects(),
    objects(),
    sparse(),
    zoned(),
    *(_of(MOMENTS, f"datetime64[{unit}]", missing=st.none()) for unit in ("s", "ms", "us", "ns")),
    *(_of(LENGTHS, f"timedelta64[{unit}]", missing=st.none()) for unit in ("s", "ms", "us", "ns")),
    _of(FAR_MOMENTS, "datetime64[us]"),
    _of(st.complex_numbers(), "complex128"),
    st.just(pd.Series(pd.period_range("2020", periods=N_ROWS, freq="M"))),
    st.just(pd.Series(pd.interval_range(0, N_ROWS))),
    _arrow(FLOATS, pa.float64()),
    _arrow(st.floats(width=32), pa.float32()),
    _arrow(_within(64), pa.int64()),
    _arrow(st.booleans(), pa.bool_()),
    _arrow(CLEAN_TEXT, pa.string()),
    _arrow(CLEAN_TEXT, pa.large_string()),
    _arrow(CLEAN_TEXT, pa.dictionary(pa.int32(), pa.string())),
    _arrow(FAR_MOMENTS, pa.timestamp("us")),
    _arrow(MOMENTS, pa.timestamp("us", "Europe/Zurich")),
    _arrow(st.dates(), pa.date32()),
    _arrow(LENGTHS, pa.duration("us")),
    _arrow(st.binary(), pa.binary()),
    _arrow(st.times(), pa.time64("us")),
    _arrow(st.just(decimal.Decimal(1)), pa.decimal128(5)),
    st.just(pd.Series([None] * N_ROWS, dtype=pd.ArrowDtype(pa.null()))),
)

INDEXES: Final = st.sampled_from(
    [
        pd.RangeIndex(N_ROWS),
        pd.RangeIndex(5, 5 - N_ROWS, -1),
        pd.Index(list("aabbcc")),
        pd.Index([None, *"abcde"]),
        pd.date_range("2020", periods=N_ROWS, tz="Europe/Zurich"),
        pd.MultiIndex.from_product([["a", "b"], [1, 2, 3]]),
        pd.Index([math.nan, 1, 2, 3, 4, 5.5]),
        pd.CategoricalIndex(list("aabbcc")),
        pd.interval_range(0, N_ROWS),
        pd.period_range("2020", periods=N_ROWS, freq="D"),
        pd.Index(["x\0", "\ud800", "", "`", "\n", "é"], dtype=object),
        pd.Index([(), (1,), "a", 1, None, 2.5], dtype=object, tupleize_cols=False),
    ]
)


@st.composite
def frames(draw: Any) -> pd.DataFrame:
    """Draw frames with any columns, names (also doubled, or none) and index."""
    n_columns = draw(st.integers(1, 4))
    columns = [draw(COLUMNS).reset_index(drop=True) for _ in range(n_columns)]
    frame = pd.concat(columns, axis=1)
    kind = draw(st.sampled_from(["names", "names", "names", "labels", "levels"]))
    if kind == "levels":
        tuples = [(draw(CLEAN_TEXT), i) for i in range(n_columns)]
        frame.columns = pd.MultiIndex.from_tuples(tuples)
    else:
        labels = [draw(CLEAN_TEXT if kind == "names" else LABELS) for _ in range(n_columns)]
        frame.columns = pd.Index(labels, dtype=object, tupleize_cols=False)
    frame.index = draw(INDEXES)
    return frame


# -- what R must hold ------------------------------------------------------------------------------

NA_BITS: Final = "7ff00000000007a2"
NAIVE: Final = "UTC"
Expected = tuple[str, list[str | None], list[str | None] | None]


def _bits(value: float) -> str:
    return NA_BITS if math.isnan(value) else struct.pack(">d", value).hex()


def _missing(value: Any) -> bool:
    return (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, float | np.floating) and math.isnan(value))
        or (isinstance(value, np.datetime64 | np.timedelta64) and bool(np.isnat(value)))
    )


def _exact(whole: int) -> bool:
    return int(float(whole)) == whole


def expected(column: pd.Series) -> Expected | None:
    """Return the kind, values and levels that R must have; None where no R column is exact."""
    values = list(column.array)
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _expected_factor(column)
    present = [value for value in values if not _missing(value)]
    if not present:
        return None  # of no kind: only that it is missing is looked at
    kinds = {_kind(value) for value in present}
    if len(kinds) != 1:
        return None
    return _expected_of(kinds.pop(), values, present)


def _kind(value: Any) -> str:  # a table
    if isinstance(value, bool | np.bool_):
        return "logical"
    if isinstance(value, int | np.integer):
        return "integer"
    if isinstance(value, np.longdouble) and np.longdouble is not np.float64:
        return "none"
    if isinstance(value, float | np.floating):
        return "double"
    if isinstance(value, str):
        return "character"
    if isinstance(value, pd.Timestamp | dt.datetime | np.datetime64):
        return "moment"
    if isinstance(value, dt.date):
        return "date"
    if isinstance(value, pd.Timedelta | dt.timedelta | np.timedelta64):
        return "length"
    return "none"


EPOCH: Final = dt.datetime(1970, 1, 1)


def _expected_of(kind: str, values: list[Any], present: list[Any]) -> Expected | None:
    def each(change: Any) -> list[str | None]:
        return [None if _missing(value) else change(value) for value in values]

    if kind == "logical":
        return "logical", each(lambda value: "TRUE" if value else "FALSE"), None
    if kind == "integer":
        if all(abs(int(value)) < 2**31 for value in present):
            return "integer", each(lambda value: str(int(value))), None
        if all(_exact(int(value)) for value in present):
            return "double", each(lambda value: _bits(float(int(value)))), None
        return None
    if kind == "double":
        return "double", each(lambda value: _bits(float(value))), None
    if kind == "character":
        if any("\0" in text or not _utf8(text) for text in present):
            return None
        return "character", each(str), None
    if kind in ("moment", "date", "length"):
        return "time", each(lambda value: _bits(seconds(value))), None
    return None


def _utf8(text: str) -> bool:
    return not any(0xD800 <= ord(letter) < 0xE000 for letter in text)


def seconds(value: Any) -> float:
    """Return the seconds of a moment (from 1970, UTC) or a length, rounded once."""
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    if isinstance(value, np.timedelta64):
        value = pd.Timedelta(value)
    if isinstance(value, pd.Timestamp):
        nanoseconds = value.nanosecond
        value = value.to_pydatetime(warn=False)
    elif isinstance(value, pd.Timedelta):
        nanoseconds = value.nanoseconds
        value = value.to_pytimedelta()
    else:
        nanoseconds = 0
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(dt.UTC).replace(tzinfo=None)
        value = value - EPOCH
    elif isinstance(value, dt.date):
        value = dt.datetime(value.year, value.month, value.day) - EPOCH
    assert isinstance(value, dt.timedelta)
    whole = value.days * 86400 + value.seconds
    return float(whole) + (value.microseconds * 1000 + nanoseconds) / 1e9


def _expected_factor(column: pd.Series) -> Expected | None:
    levels = list(column.cat.categories)
    if not all(
        isinstance(level, str | bool | int | float | np.generic | pd.Timestamp | pd.Interval)
        for level in levels
    ):
        return None
    texts: list[str | None] = []
    for level in levels:
        if isinstance(level, bool | np.bool_):
            texts.append("TRUE" if level else "FALSE")
        elif isinstance(level, float | np.floating):
            texts.append(None)  # R says
        else:
            texts.append(str(level))
    known = [text for text in texts if text is not None]
    if any("\0" in text or not _utf8(text) for text in known) or len(set(known)) != len(known):
        return None
    codes = [None if code < 0 else str(code + 1) for code in column.cat.codes]
    return ("ordered" if column.cat.ordered else "factor"), codes, texts
