"""Python values to R vectors and back: kinds, bits, names and what is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from pymer_bridge.errors import DataConversionError
from pymer_bridge.session.calls import Handle
from pymer_bridge.session.r_session import session

pytestmark = pytest.mark.r(alone=True)


def same(x: Any) -> Any:
    """Send a value to R and take it back."""
    return session().call("identity", x=x).value


def kind(x: Any) -> str:
    return str(session().call("typeof", x=x).value[0])


def deparsed(x: Any) -> str:
    """Return a value as R would write it."""
    return "".join(session().call("deparse", expr=x, **{"width.cutoff": 500}).value)


# -- to R ----------------------------------------------------------------------------------------


def test_none_is_null():
    assert kind(None) == "NULL"
    assert same(None) is None


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, "TRUE"),
        (False, "FALSE"),
        (3, "3L"),
        (-(2**31) + 1, "-2147483647L"),
        (2**31 - 1, "2147483647L"),
        # R's integers end here, and its least one is NA.
        (2**31, "2147483648"),
        (-(2**31), "-2147483648"),
        (2.5, "2.5"),
        ("é", '"é"'),
        (np.int64(7), "7L"),
        (np.int8(-7), "-7L"),
        (np.float32(0.5), "0.5"),
        (np.bool_(True), "TRUE"),
        (np.str_("a"), '"a"'),
        ([], "character(0)"),
        ((), "character(0)"),
        ([1, 2], "1:2"),
        ((5,), "5L"),
        ([1, 2.5], "c(1, 2.5)"),
        ([1.0, 2], "c(1, 2)"),
        ([2**31, 1], "c(2147483648, 1)"),
        ([True, False], "c(TRUE, FALSE)"),
        (["a", None], 'c("a", NA)'),
        ([None], "NA_character_"),
        ([True, 1], "list(TRUE, 1L)"),
        ([1.5, True], "list(1.5, TRUE)"),
        ([1, True], "list(1L, TRUE)"),
        ([1, "a"], 'list(1L, "a")'),
        ([1.5, None], "list(1.5, NULL)"),
        ([[1, 2], ["a"]], 'list(1:2, "a")'),
        ([np.int64(1), 2], "list(1L, 2L)"),
        (range(2, 4), "2:3"),
        ({}, "structure(list(), names = character(0))"),
        ({"a": 1, "b": None}, "list(a = 1L, b = NULL)"),
        ({"a": {"b": [True]}}, "list(a = list(b = TRUE))"),
    ],
)
def test_values_in_r(value, written):
    assert deparsed(value) == written


@pytest.mark.parametrize(
    ("dtype", "name"), [(np.float64, "double"), (np.int32, "integer"), (np.bool_, "logical")]
)
def test_arrays_in_r(dtype, name):
    values = np.array([1, 0, 1], dtype=dtype)
    assert kind(values) == name
    assert same(values).tolist() == [1, 0, 1]
    assert same(values[:0]).tolist() == []
    assert kind(values[:0]) == name
    assert same(values[::2]).tolist() == [1, 1]


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.bool_, ">f8"])
@pytest.mark.parametrize("n", [2**19 - 1, 2**19, 2**20 + 13, 2**22])  # 4 MB and more
def test_arrays_of_large_pages_cross_whole(dtype, n):
    bits = np.random.default_rng(n).integers(-(2**31) + 1, 2**31, n, dtype=np.int64)
    values = (bits % 2 == 0) if dtype == np.bool_ else bits.astype(dtype)
    for given in (values, values[::-1], values[1::2], np.asfortranarray(values[:6].reshape(2, 3))):
        assert np.array_equal(same(given), given.ravel(order="F"))


def test_a_system_without_large_pages_is_not_asked_for_them(monkeypatch):
    values = np.arange(2**20, dtype=np.float64)
    assert np.array_equal(same(values), values)
    monkeypatch.setattr("pymer_bridge.session.convert._advise", None)
    assert np.array_equal(same(values), values)


def test_an_array_of_dimensions_goes_by_columns():
    values = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert same(values).tolist() == [1, 4, 2, 5, 3, 6]
    assert same(np.asfortranarray(values)).tolist() == [1, 4, 2, 5, 3, 6]
    assert same(values.astype(np.int32)).tolist() == [1, 4, 2, 5, 3, 6]
    assert same(np.array(3.5)).tolist() == [3.5]


def test_an_array_may_state_its_byte_order():
    for dtype in ("<f8", "<i4", ">f8", ">i4"):
        values = np.frombuffer(np.array([1, 2], dtype=dtype).tobytes(), dtype=dtype)
        stated = np.dtype(dtype).newbyteorder(dtype[0])
        assert same(values.view(stated)).tolist() == [1, 2]
    # This one has its format spelled out, as arrays from another process have.
    record = np.zeros(2, dtype=np.dtype([("x", "<f8")], align=False))
    record["x"] = [1.5, 2.5]
    assert same(record["x"]).tolist() == [1.5, 2.5]


def test_every_bit_of_a_float_crosses():
    bits = [
        0x7FF00000000007A2, 0x7FF8000000000000, 0xFFF8000000000001, 0x7FF0000000000000,
        0xFFF0000000000000, 0x8000000000000000, 0x0000000000000001, 0x800FFFFFFFFFFFFF,
        0x7FEFFFFFFFFFFFFF, 0x4340000000000001,
    ]  # fmt: skip
    values = np.array(bits, dtype=np.uint64).view(np.float64)
    assert same(values).view(np.uint64).tolist() == bits
    assert session().call("is.na", x=values).value.tolist() == [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]


def test_what_goes_to_r_is_a_copy():
    values = np.arange(3.0)
    kept = session().call("list2env", x={"v": values}, envir=session().call("new.env").value).value
    values[0] = 99
    assert session().call("get", x="v", envir=kept).value.tolist() == [0, 1, 2]


def test_a_handle_is_its_object():
    environment = session().call("new.env").value
    assert type(environment) is Handle
    assert kind(environment) == "environment"
    assert kind([environment]) == "list"
    inside = session().call("identical", x={"e": environment}, y={"e": environment}).value
    assert inside.tolist() == [1]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (object(), "no R vector is made of object"),
        ({1, 2}, "no R vector is made of set"),
        (b"bytes", "no R vector is made of bytes"),
        (1j, "no R vector is made of complex"),
        (np.zeros(2, dtype=complex), "no R vector is made of an array of complex128"),
        (np.zeros(2, dtype=np.int64), "no R vector is made of an array of int64"),
        (np.zeros(2, dtype=np.float32), "no R vector is made of an array of float32"),
        (np.array(["a"]), "no R vector is made of an array of <U1"),
        ([1, b"x"], "no R vector is made of bytes"),
    ],
)
def test_what_no_r_vector_is_made_of(value, said):
    with pytest.raises(TypeError) as raised:
        same(value)
    assert str(raised.value) == said


class _Chars(Sequence[str]):
    """A sequence that is neither list nor tuple."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, i: Any) -> Any:
        return ("x", "y")[i]


class _Fields(Mapping[str, int]):
    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Any:
        return iter(["k"])

    def __getitem__(self, key: str) -> int:
        return 5


def test_sequences_and_mappings_of_any_class():
    assert deparsed(_Chars()) == 'c("x", "y")'
    assert deparsed(_Fields()) == "list(k = 5L)"


# -- strings -------------------------------------------------------------------------------------

TEXTS = ["", "a", "é", "日本", "\U0001f600", "a\nb", "NA", "\\", "\x7f", "\ufeff", "\U0010ffff"]


def test_strings_of_every_plane_cross():
    assert same(TEXTS) == tuple(TEXTS)
    assert same([None, "NA", None]) == (None, "NA", None)
    assert session().call("is.na", x=[None, "NA"]).value.tolist() == [1, 0]
    assert session().call("Encoding", x=["é", "a"]).value == ("UTF-8", "unknown")
    assert session().call("nchar", x=TEXTS, type="chars").value.tolist() == list(map(len, TEXTS))


def test_a_string_with_a_nul_is_refused():
    with pytest.raises(DataConversionError) as raised:
        same("a\0b" + "x" * 60)
    shown = repr("a\0b" + "x" * 37)
    assert str(raised.value) == f"R cannot hold a string with an embedded NUL: {shown}"


def test_a_lone_surrogate_is_refused():
    with pytest.raises(DataConversionError) as raised:
        same(["fine", "a\ud800" + "x" * 60])
    shown = repr("a\ud800" + "x" * 38)
    assert str(raised.value) == f"R cannot hold a string that is not valid Unicode: {shown}"
    assert isinstance(raised.value.__cause__, UnicodeEncodeError)


def among_many(*texts: Any) -> list[Any]:
    """So many strings that they cross as one text, with some in their middle."""
    return [*(f"s{i}" for i in range(40)), *texts, *(f"t{i}" for i in range(40))]


@pytest.mark.parametrize(
    "values", [among_many(), among_many(*TEXTS), among_many("é"), [""] * 80, TEXTS * 8]
)
def test_many_strings_cross_as_few_do(values):
    assert same(values) == tuple(values)
    assert session().call("nchar", x=values, type="chars").value.tolist() == list(map(len, values))
    marks = tuple("unknown" if text.isascii() else "UTF-8" for text in values)
    assert session().call("Encoding", x=values).value == marks
    assert session().call("identical", x=values, y=values).value.tolist() == [1]


def test_missing_strings_among_many():
    values = among_many(None, "NA", None, "é")
    assert same(values) == tuple(values)
    missing = session().call("is.na", x=values).value
    assert np.flatnonzero(missing).tolist() == [40, 42]
    assert same([None] * 80) == (None,) * 80


def test_many_strings_of_another_encoding_come_as_text():
    values = among_many("é", "plain", "ü")
    latin = session().call("iconv", x=values, **{"from": "UTF-8", "to": "latin1"})
    assert latin.value == tuple(values)


@pytest.mark.parametrize("values", [["a", "é"], among_many("é")])
def test_strings_that_r_takes_for_bytes_do_not_end_the_process(values):
    marked = session().call("Encoding<-", x=values, value="bytes")
    assert marked.value == tuple(values)
    assert same([None, "a"]) == (None, "a")


@pytest.mark.parametrize("n", [1, 80])
def test_bytes_that_are_no_text_are_shown_as_numbers(n):
    text = f"rep(`Encoding<-`(rawToChar(as.raw(c(97, 233))), 'bytes'), {n})"
    parsed = session().call("parse", text=text).value
    assert session().call("eval", expr=parsed).value == ("a\\xe9",) * n


@pytest.mark.parametrize("place", [0, 33, 65])
def test_a_string_with_a_nul_is_named_among_many(place):
    values = [f"s{i}" for i in range(66)]
    values[place] = "a\0b" + "x" * 60
    with pytest.raises(DataConversionError) as raised:
        same(values)
    shown = repr("a\0b" + "x" * 37)
    assert str(raised.value) == f"R cannot hold a string with an embedded NUL: {shown}"


@pytest.mark.parametrize("place", [0, 1, 33, 65])
@pytest.mark.parametrize("text", ["\ud800", "ab\udfff" + "x" * 60, "é\ud800XX\ud801"])
def test_a_lone_surrogate_is_named_among_many(place, text):
    values = ["", *(f"sXX{i}" for i in range(65))]
    values[place] = text
    with pytest.raises(DataConversionError) as raised:
        same(values)
    said = f"R cannot hold a string that is not valid Unicode: {text[:40]!r}"
    assert str(raised.value) == said


def test_names_are_strings_too():
    assert same({"é": 1, 3: 2, None: 4}).keys() == {"é", "3", "None"}
    with pytest.raises(DataConversionError):
        same({"a\0": 1})


# -- from R --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "dtype"), [("numeric", np.float64), ("integer", np.int32), ("logical", np.int32)]
)
def test_vectors_from_r(mode, dtype):
    empty = session().call("vector", mode=mode, length=0).value
    assert (empty.dtype, empty.shape) == (dtype, (0,))
    found = session().call("vector", mode=mode, length=2).value
    assert (found.dtype, found.tolist()) == (dtype, [0, 0])
    assert found.flags.writeable


def test_missing_values_from_r():
    # R's missing logical comes as its missing integer, its missing string as None.
    assert session().call("as.logical", x="none").value.tolist() == [-(2**31)]
    assert session().call("as.character", x=np.array([np.nan])).value == ("NaN",)
    assert same([None, "a"]) == (None, "a")


def test_a_matrix_from_r_is_flat_by_columns():
    found = session().call("matrix", data=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], nrow=2).value
    assert found.shape == (6,)
    assert found.tolist() == [1, 2, 3, 4, 5, 6]
    whole = session().call("array", data=np.arange(8, dtype=np.int32), dim=[2, 2, 2]).value
    assert whole.tolist() == list(range(8))


def test_what_comes_from_r_is_a_copy():
    held = session().call("list2env", x={"v": [1.0, 2.0]}, envir=session().call("new.env").value)
    first = session().call("get", x="v", envir=held.value).value
    first[0] = 99
    assert session().call("get", x="v", envir=held.value).value.tolist() == [1, 2]


def test_lists_from_r():
    assert same([1, "a"])[1] == ("a",)
    assert type(same([1, "a"])) is tuple
    found = same({"a": None, "b": [1, "x"], "c": {}})
    assert type(found) is dict
    assert list(found) == ["a", "b", "c"]
    assert found["a"] is None
    assert found["b"][1] == ("x",)
    assert found["c"] == {}
    assert session().call("list").value == ()


def test_what_is_no_vector_from_r_is_a_handle():
    for name in ("sum", "lapply", "globalenv"):
        assert type(session().call("get", x=name).value) is Handle
    symbol = session().call("as.name", x="a").value
    found = session().call("list", symbol=symbol, e=session().call("new.env").value).value
    assert [type(item) for item in found.values()] == [Handle, Handle]
    assert kind(found["symbol"]) == "symbol"
    assert kind(found["e"]) == "environment"


def test_names_that_are_kept_for_the_next_call_stay_as_they_are():
    text = "function(x) { names(x)[1L] <- 'z'; names(x) }"
    renamed = session().call("eval", expr=session().call("str2expression", text=text).value).value
    for _ in range(2):
        given = {"first": 1, "second": 2}
        assert session().call("do.call", what=renamed, args={"x": given}).value == ("z", "second")
        assert list(same(given)) == ["first", "second"]


def test_nothing_is_freed_while_it_crosses():
    many = [None if i % 7 == 0 else f"é{i}" for i in range(15)]
    given = {
        "real": [1.5, 2.5],
        "none": None,
        "text": ["x", None],
        "deep": {"many": many, "l": [1, "a"]},
    }
    expected = repr(same(given))
    session().call("gctorture", on=True)  # R collects garbage whenever it takes memory
    try:
        found = repr(same(given))
    finally:
        session().call("gctorture", on=False)
    assert found == expected
    assert str(many[1]) in found
