"""The pages of the documentation, and the blocks of code in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from helpers import ROOT

ELSEWHERE = {"ci.md": "tests/test_ci_docs.py runs its blocks, among the files that they name"}
PAGES = sorted(
    page
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    if page.name not in ELSEWHERE
)
FENCE = re.compile(r"^(?P<indent> *)(?P<marks>```+)(?P<language>\w*)[^\n]*$")
NOT_RUN = re.compile(r"<!-- not run: (?P<reason>.*) -->")


@dataclass(frozen=True)
class Block:
    """A block of code of a page."""

    page: Path
    line: int
    language: str
    source: str
    not_run: str | None
    printed: str | None = None
    """What a block of text that follows says is printed."""

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def read_blocks(page: Path) -> list[Block]:
    """Return the blocks of a page, in order."""
    lines = page.read_text(encoding="utf-8").split("\n")
    found: list[Block] = []
    number = 0
    while number < len(lines):
        opening = FENCE.match(lines[number])
        if opening is None:
            number += 1
            continue
        end = number + 1
        while lines[end].strip() != opening["marks"]:
            end += 1
        body = [line.removeprefix(opening["indent"]) for line in lines[number + 1 : end]]
        before = next((line for line in reversed(lines[:number]) if line.strip()), "")
        skipped = NOT_RUN.fullmatch(before.strip())
        block = Block(
            page,
            number + 1,
            opening["language"],
            "\n".join(body) + "\n",
            skipped["reason"] if skipped else None,
        )
        last = found[-1] if found else None
        if block.language == "text" and last is not None and before.strip() == "```":
            found[-1] = Block(
                last.page, last.line, last.language, last.source, last.not_run, block.source
            )
        else:
            found.append(block)
        number = end + 1
    return found


BLOCKS = {page: read_blocks(page) for page in PAGES}
