"""Files of data are read as R reads them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers.probing import probe
from pymer_bridge.data.frames import collect

WORDS = (
    "None",
    "null",
    "NULL",
    "n/a",
    "N/A",
    "nan",
    "NaN",
    "#N/A",
    "<NA>",
    "-nan",
    "#NA",
    "1.#IND",
)
"""What pandas takes for missing, and R does not."""

NUMBERS = (
    "1|+1|-1| 1|1 |\t1|1.|.5|-.5|00|007|-0|1e5|1E5|1e+5|1e-5|0x1A|0X1A|-0x1a|0x1p3|0x1.8p1"
    "|Inf|-Inf|inf|INF|iNf|Infinity|INFINITY|1e400|1e-400|2147483647|2147483648|-21474836"
    "47|-2147483648|0.1|1.7976931348623157e308|4503599627370497.5"
).split("|")
TEXTS = (
    "True|False|true|false|t|f| TRUE|T |yes|1d5|1L|1,5|1_000|.|-|+|--1|+ 1|1 2|1e1.5|1e 5"
    '|NA | NA|na|Na|5%|2024-01-02|12:30|0x|é|größe|a b|say "so"|x;y|\u0661|\xa01'
).split("|") + list(WORDS)
LOGICALS = ["T", "F", "TRUE", "FALSE"]


def _field(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set('",\t\n') else text


def _columns() -> dict[str, list[str]]:
    """Return columns of three rows: alone, beside missing values, and mixed with others."""
    columns = {}
    for text in (*NUMBERS, *TEXTS, *LOGICALS, " ", ""):
        for other in ("", "NA", text, "2", "2.5", "T", "b", " "):
            columns[f"{len(columns)}"] = [text, other, text]
    for one, other in itertools.product(LOGICALS, repeat=2):
        columns[f"{len(columns)}"] = [one, other, "NA"]
    return columns


@pytest.mark.r
@pytest.mark.parametrize(("ending", "sep"), [("csv", ","), ("tsv", "\t")])
@pytest.mark.parametrize("quoted", [False, True])
def test_columns_are_those_of_read_csv(tmp_path: Path, ending: str, sep: str, quoted: bool) -> None:
    columns = _columns()
    rows = [list(columns), *zip(*columns.values(), strict=True)]
    as_field = (lambda text: f'"{text.replace(chr(34), chr(34) * 2)}"') if quoted else _field
    lines = [sep.join(map(as_field, row)) for row in rows]
    path = tmp_path / f"x.{ending}"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    frame = pb.read_data(path)
    assert list(frame.columns) == list(columns)
    assert len(frame) == 3
    unlike = probe(
        "unlike_read_csv", path=str(path), sep=sep, frame=collect(frame, set(columns)).to_r()
    ).value
    wrong = {(*columns[name],): said for name, said in zip(columns, unlike, strict=True) if said}
    # R tells its NaN, beside numbers, from NA; pandas has one of them.
    assert not {key: said for key, said in wrong.items() if key[0].strip("-").lower() != "nan"}


@pytest.mark.parametrize("ending", ["csv", "tsv", "xlsx", "parquet", "feather"])
def test_words_are_levels_and_only_na_and_empty_are_missing(tmp_path: Path, ending: str) -> None:
    pytest.importorskip({"xlsx": "openpyxl"}.get(ending, "pyarrow"))
    # "#N/A" becomes an error of Excel, which is missing.
    words = tuple(word for word in WORDS if ending != "xlsx" or word != "#N/A")
    groups: list[Any] = [*words, "NA", "", None]
    n = len(groups)
    counts = pd.array([*range(n - 1), None], dtype="Int64")
    frame = pd.DataFrame({"g": groups, "n": counts, "x": np.arange(n) / 8})
    path = tmp_path / f"x.{ending}"
    texts: dict[str, Any] = {"index": False, "na_rep": ""}
    {
        "csv": lambda: frame.to_csv(path, **texts),
        "tsv": lambda: frame.to_csv(path, sep="\t", **texts),
        "xlsx": lambda: frame.to_excel(path, **texts),
        "parquet": lambda: frame.to_parquet(path),
        "feather": lambda: frame.to_feather(path),
    }[ending]()
    read = pb.read_data(path)
    own = ending in ("parquet", "feather")
    assert read["g"].isna().tolist() == [False] * len(words) + [not own, not own, True]
    assert tuple(read["g"][: len(words)]) == words
    assert read["x"].tolist() == frame["x"].tolist()
    assert str(read["n"].dtype) == "Int64"
    assert read["n"].isna().sum() == 1
    assert read.attrs["name"] == "x"
    if not own:
        none = pb.read_data(path, na_strings=["None"])
        assert none["g"].isna().tolist() == [True, *[False] * (n - 1)]
        assert pb.read_data(path, na_strings=()).isna().sum().sum() == 0


def test_cells_of_excel_keep_their_types(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    frame = pd.DataFrame(
        {
            "text": ["007", "1e5", "T"],
            "flag": [True, None, False],
            "flags": [True, False, True],
            "whole": [1, 2, 3],
            "real": [1.5, 2.0, None],
            "when": pd.to_datetime(["2024-01-01", None, "2024-01-03"]),
            "nothing": [None] * 3,
            "mixed": [1, "a", None],
        }
    )
    path = tmp_path / "x.xlsx"
    frame.to_excel(path, index=False)
    read = pb.read_data(path)
    kinds = {name: str(dtype) for name, dtype in read.dtypes.items()}
    assert kinds.pop("when").startswith("datetime64")
    assert kinds.pop("text") in ("str", "object")
    assert kinds == {
        "flag": "boolean",
        "flags": "bool",
        "whole": "int64",
        "real": "float64",
        "nothing": "float64",
        "mixed": "object",
    }
    assert read["text"].tolist() == ["007", "1e5", "T"]


@pytest.mark.parametrize(
    ("text", "values", "index"),
    [
        ("a,b,c\n1,2\n3,4,5\n", [[1, 2, None], [3, 4, 5]], [0, 1]),
        ("a,b\nr1,1,2\nr2,3,NA\n", [[1, 2], [3, None]], ["r1", "r2"]),
        ("a,a\n1,2\n", [[1, 2]], [0]),
        ("a,b\n", [], []),
        ("\ufeffa\n1\n", [[1]], [0]),
        ('a\n"x\ny"\n\n"z"\n', [["x\ny"], ["z"]], [0, 1]),
    ],
)
def test_shapes_of_files(tmp_path: Path, text: str, values: Any, index: Any) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8")
    read = pb.read_data(path)
    found = [[None if pd.isna(cell) else cell for cell in row] for row in read.to_numpy().tolist()]
    assert found == values
    assert read.index.tolist() == index
    assert not any("\ufeff" in name for name in read.columns)


def test_integers_that_no_float_holds_are_not_rounded(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id\n1234567890123456789\n1234567890123456788\n")
    assert pb.read_data(path)["id"].nunique() == 2


@pytest.mark.parametrize(
    ("name", "content", "kind", "said"),
    [
        ("x.csv", "a,b\n1,2,3\n4,5,6,7\n", OSError, "cannot be read"),
        ("x.csv", "", OSError, "cannot be read"),
        ("x.csv", b"a\n\xff\xfe\n", OSError, "cannot be read"),
        ("x.txt", "a\n1\n", pb.OptionError, "ending that is not known; known: .csv, .tsv"),
        ("none.csv", None, FileNotFoundError, "there is no file"),
    ],
)
def test_files_that_cannot_be_read(
    tmp_path: Path, name: str, content: Any, kind: type[Exception], said: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(pb.PymerError, match=said) as caught:
        pb.read_data(path)
    assert isinstance(caught.value, kind)


@pytest.mark.r
def test_data_sets_of_packages_are_read() -> None:
    assert len(pb.read_data("lme4::sleepstudy")) == 180
