"""Everything that the documentation shows is run, and the site that is built of it is whole.

In a block of Python a comment that is a number or a string, behind an expression, is what the
expression gives, to the digits written; a block of text that follows is what was printed. A block
that cannot be run says why, in the line above it: ``<!-- not run: REASON -->``.
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import importlib
import io
import itertools
import re
import shlex
import subprocess
import tokenize
import tomllib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import pymer_bridge as pb
from pymer_bridge import cli

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
FEWER = 20
"""Bootstraps of the pages are run with so many replicates: what they show needs no more."""
FENCE = re.compile(r"^(?P<indent> *)(?P<marks>```+)(?P<language>\w*)[^\n]*$")
NOT_RUN = re.compile(r"<!-- not run: (?P<reason>.*) -->")


# -- blocks --------------------------------------------------------------------------------------


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
            page, number + 1, opening["language"], "\n".join(body) + "\n",
            skipped["reason"] if skipped else None,
        )  # fmt: skip
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


def of_language(*languages: str) -> list[Any]:
    return [
        pytest.param(block, id=block.name)
        for blocks in BLOCKS.values()
        for block in blocks
        if block.language in languages and block.not_run is None
    ]


def test_pages_have_blocks_of_known_languages_and_reasons_where_they_are_not_run() -> None:
    blocks = [block for page in BLOCKS.values() for block in page]
    assert len(blocks) > 25
    for block in blocks:
        assert block.language in ("python", "bash", "r"), f"{block.name}: {block.language!r}"
        assert block.not_run is None or len(block.not_run) > 20, f"{block.name}: give a reason"


# -- Python --------------------------------------------------------------------------------------


def expected_values(source: str) -> dict[int, str]:
    """Return the comments that are literals, by the line on which they stand."""
    found = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            text = token.string.removeprefix("#").strip()
            with contextlib.suppress(ValueError, SyntaxError):
                ast.literal_eval(text)
                found[token.start[0]] = text
    return found


def as_written(value: Any, text: str) -> str:
    """Return a value with as many digits as a text has."""
    number = re.fullmatch(r"-?\d+(?:\.(\d+))?(e[-+]\d+)?", text)
    if number is None or isinstance(value, bool | str):
        return repr(value)
    digits = len(number[1] or "")
    return f"{value:.{digits}{'e' if number[2] else 'f'}}"


def run_python(source: str, name: str, namespace: dict[str, Any]) -> str:
    """Run a block, hold its values to the comments, and return what it printed."""
    expected = expected_values(source)
    printed = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(printed):
        # What R says depends on its version; everything else that warns is a mistake.
        warnings.simplefilter("default", pb.PymerWarning)
        for statement in ast.parse(source).body:
            if isinstance(statement, ast.Expr):
                code = compile(ast.Expression(statement.value), name, "eval")
                value = eval(code, namespace)
                text = expected.get(statement.end_lineno or 0)
                if text is not None:
                    wanted = text if re.match(r"[-\d]", text) else repr(ast.literal_eval(text))
                    assert as_written(value, text) == wanted, f"{name}, line {statement.lineno}"
            else:
                exec(compile(ast.Module([statement], []), name, "exec"), namespace)
    return printed.getvalue()


class PageRun:
    """The blocks of a page in one namespace, each run once, after those before it."""

    def __init__(self, page: Path) -> None:
        self.blocks = [b for b in BLOCKS[page] if b.language == "python" and b.not_run is None]
        self.namespace: dict[str, Any] = {"__name__": "__docs__"}
        self.printed: dict[int, str] = {}

    def run(self, block: Block) -> str:
        for earlier in self.blocks:
            if earlier.line > block.line:
                break
            if earlier.line not in self.printed:
                source = re.sub(
                    r"\bn_sim=(\d+)", lambda m: f"n_sim={min(int(m[1]), FEWER)}", earlier.source
                )
                self.printed[earlier.line] = run_python(source, earlier.name, self.namespace)
        return self.printed[block.line]


@pytest.fixture(scope="module")
def runs() -> dict[Path, PageRun]:
    return {page: PageRun(page) for page in PAGES}


@pytest.mark.r("lmerTest")
@pytest.mark.r("pbkrtest")
@pytest.mark.r("emmeans")
@pytest.mark.parametrize("block", of_language("python"))
def test_python_runs(runs: dict[Path, PageRun], block: Block) -> None:
    printed = runs[block.page].run(block)
    if block.printed is not None:
        assert _trimmed(printed) == _trimmed(block.printed)


def _trimmed(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip("\n").split("\n")]


def test_values_in_comments_are_held_to_the_digits_written() -> None:
    good = (
        "x = 2.0\nx  # 2.0\nx / 3  # 0.667\nx / 3e6  # 6.67e-07\n'a'  # 'a'\nx  # twice as much\n"
    )
    assert run_python(good, "page", {}) == ""
    for bad in ("2 / 3  # 0.666\n", "2 / 3e6  # 6.66e-07\n", "'a'  # 'b'\n", "3  # 4\n"):
        with pytest.raises(AssertionError):
            run_python(bad, "page", {})


# -- the shell and R -----------------------------------------------------------------------------


def commands(source: str) -> Iterator[list[str]]:
    """Return the commands of a block for the shell, each as its words."""
    for line in source.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words:
            end = words.index("&&") if "&&" in words else len(words)
            yield words[:end]
            words = words[end + 1 :]


def check_command(words: list[str]) -> None:
    """Raise where a command, a flag or a file is not what there is."""
    if words[0] == "sudo":
        words = words[1:]
    program, *rest = words
    if program == "pymer-bridge":
        cli._parser().parse_args(rest)
    elif program.startswith("scripts/"):
        assert (ROOT / program).stat().st_mode & 0o111, f"{program} cannot be run"
        assert not rest
    elif program == "pip":
        assert rest[0] == "install"
        for flag, value in itertools.pairwise(rest):
            assert flag != "-c" or (ROOT / value).is_file()
    elif program == "Rscript":
        assert all((ROOT / script).is_file() for script in rest)
    elif program == "docker":
        assert (ROOT / "Dockerfile").is_file()
    else:
        assert words[:2] == ["apt-get", "install"], f"what is {shlex.join(words)}?"


@pytest.mark.parametrize("block", of_language("bash"))
def test_commands_are_there(block: Block) -> None:
    for words in commands(block.source):
        check_command(words)


def test_a_command_that_is_not_there_is_found() -> None:
    for line in ("pymer-bridge fit --no-such-flag", "scripts/nothing", "frobnicate"):
        with pytest.raises((AssertionError, OSError, SystemExit)):
            check_command(line.split())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_extras_that_a_page_names_are_there(page: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = re.findall(r"(?:'\.|pymer-bridge)\[([\w,]+)\]", page.read_text(encoding="utf-8"))
    for extra in ",".join(named).split(",") if named else ():
        assert extra in project["optional-dependencies"]


@pytest.mark.r("lmerTest")
@pytest.mark.parametrize("block", of_language("r"))
def test_r_runs(block: Block, tmp_path: Path) -> None:
    script = tmp_path / "block.R"
    earlier = [b for b in BLOCKS[block.page] if b.language == "r" and b.line <= block.line]
    script.write_text("\n".join(b.source for b in earlier), encoding="utf-8")
    done = subprocess.run(
        ["Rscript", "--vanilla", str(script)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


# -- docstrings ----------------------------------------------------------------------------------


def examples() -> Iterator[Any]:
    """Find every docstring with an example; nothing is imported, so that nothing starts R."""
    for path in sorted((ROOT / "pymer_bridge").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        yield from _examples(ast.parse(path.read_text(encoding="utf-8")), module, "")


def _examples(node: Any, module: str, name: str) -> Iterator[Any]:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    if isinstance(node, documented) and ">>>" in (ast.get_docstring(node) or ""):
        yield pytest.param(module, name, id=f"{module}.{name}".rstrip("."))
    for child in getattr(node, "body", ()):
        if isinstance(child, ast.ClassDef | ast.FunctionDef):
            yield from _examples(child, module, f"{name}.{child.name}".lstrip("."))


@pytest.mark.r("lmerTest")
@pytest.mark.r("pbkrtest")
@pytest.mark.r("emmeans")
@pytest.mark.parametrize(("module", "name"), list(examples()))
def test_examples_of_docstrings_run(module: str, name: str) -> None:
    home = importlib.import_module(module)
    thing: Any = home
    for part in name.split(".") if name else ():
        thing = thing.__dict__[part] if isinstance(thing, type) else getattr(thing, part)
    text = thing.fget.__doc__ if isinstance(thing, property) else thing.__doc__
    test = doctest.DocTestParser().get_doctest(text, dict(vars(home)), name, home.__file__, None)
    assert test.examples
    said = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("default", pb.PymerWarning)
        result = doctest.DocTestRunner().run(test, out=said.write)
    assert result.failed == 0, said.getvalue()
