"""Each row of the tables of docs/frames.md is what happens."""

from __future__ import annotations

import re
import shlex
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import pymer_bridge as pb
from helpers import ROOT
from helpers.probing import probe
from pymer_bridge.data.columns import from_arrow
from pymer_bridge.data.frames import collect, opened
from pymer_bridge.data.new_data import ColumnKind

pytestmark = pytest.mark.r("lmerTest", "pbkrtest", "emmeans")

PAGE = (ROOT / "docs" / "frames.md").read_text()


def tables() -> dict[str, list[dict[str, str]]]:
    """Return the rows of each table, under the title of its section."""
    found: dict[str, list[dict[str, str]]] = {}
    for section in PAGE.split("\n## ")[1:]:
        title, *lines = section.splitlines()
        heads, _, *rows = (
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in lines
            if line.startswith("|")
        )
        found[title] = [dict(zip(heads, row, strict=True)) for row in rows]
    return found


TABLES = tables()


def code(cell: str) -> list[str]:
    return [
        each.strip("` ") if "``" not in each else each[2:-2]
        for each in re.findall(r"``.+?``|`[^`]+`", cell)
    ]


def refused(ask: Callable[[], Any]) -> bool:
    with pytest.raises(pb.PymerError):
        ask()
    return True


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    found: dict[str, Any] = {"refused": refused}
    block = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    exec(block[1], found)
    return found


def test_the_page_has_its_tables() -> None:
    assert list(TABLES) == ["Columns", "Rows, levels and terms", "Names", "New data"]
    assert all(len(rows) > 4 for rows in TABLES.values())


@pytest.mark.parametrize("row", TABLES["Columns"], ids=lambda row: row["column"])
def test_columns(row: dict[str, str]) -> None:
    (source,) = code(row["for example"])
    given = eval(source, {"pd": pd, "np": np, "pl": pl, "pa": pa})
    made = {"pl": pl.DataFrame, "pa": pa.table}.get(source[:2], pd.DataFrame)
    frame = opened(made({"x": given}))
    if row["class in R"] == "refused":
        with pytest.raises(pb.DataConversionError, match="'x'"):
            collect(frame)
        return
    told = probe("words_of_column", frame=collect(frame).to_r()).value
    assert " ".join(told["class"]) == row["class in R"]
    assert list(told["values"]) == shlex.split(row["values"])
    if row["levels"]:
        assert list(told["levels"]) == shlex.split(row["levels"])


@pytest.mark.parametrize(
    "row",
    [row for title in ("Rows, levels and terms", "Names") for row in TABLES[title]],
    ids=lambda row: row["for example"][:60],
)
def test_labels_and_names(row: dict[str, str], names: dict[str, Any]) -> None:
    (source,) = code(row["for example"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pb.PymerWarning)
        assert eval(source, names) is True


KINDS = {
    "numbers": ColumnKind("numeric"),
    "bools": ColumnKind("logical"),
    "texts, or a Categorical of them": ColumnKind("factor", ("a", "b")),
    "a Categorical of whole numbers": ColumnKind("factor", ("2", "10")),
    "a Categorical of bools": ColumnKind("factor", ("FALSE", "TRUE")),
    "times": ColumnKind("datetime"),
}


@pytest.mark.parametrize("row", TABLES["New data"], ids=lambda row: row["the column was"])
def test_new_data(row: dict[str, str]) -> None:
    kind = KINDS[row["the column was"]]
    for source in code(row["taken as well"]):
        column = kind.column(from_arrow(pd.Series(eval(source)), "x"), "x")
        if kind.kind == "factor":
            assert set(column) <= set(kind.levels)
    for source in code(row["refused"]):
        with pytest.raises(pb.DataConversionError, match="x "):
            kind.column(pd.Series(eval(source)), "x")
