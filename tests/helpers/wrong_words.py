"""Wrong words for every command and option of the command line, and damaged files for it."""

from __future__ import annotations

import argparse
import contextlib
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pandas as pd

from pymer_bridge.cli.arguments import parser
from pymer_bridge.cli.commands import main

WORDS: Final[Mapping[str, str]] = {
    "empty": "",
    "blank": " ",
    "NUL": "a\0b",
    "byte": "\udcff",
    "lines": "a\nb; `c",
    "long": "x" * 5000,
    "unknown": "no such",
    "minus": "-1",
    "nan": "nan",
    "pair": "a=b=c",
    "half a pair": "=",
    "data set": "lme4::nosuch",
    "package": "no.such::data",
    "folder": ".",
    "no folder": "no/such/folder/x",
    "damaged sheet": "damaged.xlsx",
    "cut sheet": "cut.xlsx",
    "old sheet": "damaged.xls",
    "damaged parquet": "damaged.parquet",
    "empty table": "empty.csv",
    "binary table": "binary.csv",
    "other ending": "data.docx",
    "record": "damaged.pbr.json",
}

RIGHT: Final = {"data": "lme4::sleepstudy", "formula": "Reaction ~ Days + (Days | Subject)"}
"""Words that are right where one is needed."""


def write_damaged(folder: Path) -> None:
    """Write the files that the words name."""
    sheet = folder / "cut.xlsx"
    with contextlib.suppress(ImportError):
        pd.DataFrame({"y": range(50)}).to_excel(sheet)
        sheet.write_bytes(sheet.read_bytes()[:-400])
    for name in ("damaged.xlsx", "damaged.xls", "damaged.parquet"):
        (folder / name).write_bytes(b"PK\x03\x04 damaged" * 20)
    (folder / "empty.csv").write_bytes(b"")
    (folder / "binary.csv").write_bytes(bytes(range(256)) * 20)
    (folder / "data.docx").write_bytes(b"text")
    (folder / "damaged.pbr.json").write_text('{"format": "pymer_bridge record"', encoding="ascii")


def _commands() -> Mapping[str, argparse.ArgumentParser]:
    (subparsers,) = (
        action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    return subparsers.choices


def lines() -> Iterator[tuple[str, list[str]]]:
    """Give a name and the words of each line."""
    for command, made in _commands().items():
        takes = [action for action in made._actions if action.dest != "help"]
        places = [action for action in takes if not action.option_strings]
        right = [RIGHT.get(action.dest, "right.pbr.json") for action in places]
        for action in takes:
            if action.nargs == 0:
                continue
            for label, word in WORDS.items():
                if action.dest == "out" and "." in word:
                    continue  # it would be written over
                words = list(right)
                if action in places:
                    words[places.index(action)] = word
                else:
                    words.append(f"{action.option_strings[0]}={word}")
                yield f"{command} {action.dest}={label}", [command, *words]


def run(words: list[str]) -> tuple[str, str]:
    """Return what became of a line ("accepted", "refused" or "raw"), and what was said."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(words)
    except SystemExit as left:  # argparse's own errors
        status = int(left.code or 0)
    except Exception as error:
        return "raw", f"{type(error).__name__}: {str(error)[:200]}"
    said = err.getvalue()
    if status == 0:
        return "accepted", said
    said += out.getvalue() if status and not said else ""
    told = re.search(r"^pymer-bridge[\w -]*: \S", said, re.MULTILINE) or status == 1
    return ("refused", said) if told and len(said) < 6000 else ("raw", said[:300])
