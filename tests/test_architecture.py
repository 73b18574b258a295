"""The code is as CONTRIBUTING.md says: its floors, its laws and its measures; docstrings are whole.

Nothing here starts R, but for the tests of the R files, which are read by a plain Rscript.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import io
import itertools
import os
import re
import shutil
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import pymer_bridge as pb
from pymer_bridge.session import r_session

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "pymer_bridge"
PAGE = ROOT / "CONTRIBUTING.md"

MOST_ENTRIES = 16
MOST_LINES = 250
MOST_LINES_OF_A_BODY = 50
LONG_FILES = {
    "pymer_bridge/r/script/figures.R": "runs alone in plain R, beside a user's script",
    "r_requirements.R": "runs alone, before anything is installed",
}
"""Files over the limit, with the reason."""

LONG_BODIES = {"r_requirements.R:supply": "one loop over sources of packages, told as it goes"}
"""Functions over the limit, as file:name, with the reason."""

DOORS = {
    ("__init__", "f'{__name__}.{name}'"): "finds the pictures when they are first used",
    ("__init__", "f'{__name__}.{_HOME_OF[name]}'"): "finds each public name when it is first used",
    ("results/base", "module"): "the one way up, for methods of results: see UPWARD",
    ("results/codec", "name"): "looks for a result's class among its neighbours",
}
"""What imports by a string, which import-linter cannot see: the module, what it loads, and why."""

UPWARD = {
    "pymer_bridge.plots": "result.plot() draws; the pictures are loaded when it is called",
    "pymer_bridge.replicates.intervals": "boot.confint() and boot.p_values() ask R",
}
"""What methods of results reach above them, with the reason."""

FLOORS = "each floor imports from those below it"
"""The name of import-linter's contract of the floors."""

MOST_SKIPS = 95
"""Tables that are laid out by hand, in the package, the tests, the benchmarks and the scripts."""

DIRECT = {
    ("session/asking", "operation"): "this is the one way",
    ("session/r_session", "ready_to_pin"): "the session makes itself ready; below asking",
    ("session/r_session", "load_lme4_library"): "the same",
    ("session/r_session", "require_package"): "the same: what R says while it loads is no result's",
    ("replicates/engine", "run_own_replicates"): "its record has what R said of each replicate",
    ("replicates/workers", "run_replicates"): "the same, in a worker",
    ("replicates/workers", "unpack_models"): "the main process has warned of these models",
    ("replicates/workers", "prepare_task"): "the main process has asked for the same, and warned",
}
"""Calls of R that do not go through ``asking.ask()``: the module, the function of R, and why."""

WRITES_R = {
    "r_script/calls": "a statistic that the user gave as R goes into the user's script",
    "r_script/writer": "puts users' scripts together",
    "r_script/data_files": "writes the line of a user's script that reads the data back",
}
"""Modules that write R for users to keep; the session never runs it."""

SHOWN_R = {"replicates/bootstrap": "the message of an error shows what a statistic may look like"}
"""Modules in which R stands in a text that is shown, with what it is."""

NOT_OF_R = {
    "pymer_bridge.models.base.Fitted.report",
    "pymer_bridge.results.bootstrap.BootstrapResult.p_values", "plots.bootstrap",
    "plots.coefficients",
    "plots.groups", "plots.intervals", "plots.predictions", "plots.profile_pairs", "plots.routes",
    "plots.style", "plots.zeta",
}  # fmt: skip
"""What draws or words figures that another method asked of R, and has no function there."""


@cache
def modules() -> dict[str, Path]:
    """Return the modules by their paths within the package, without the suffix."""
    return {
        path.relative_to(PACKAGE).with_suffix("").as_posix(): path
        for path in sorted(PACKAGE.rglob("*.py"))
    }


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def floors() -> list[str]:
    """Return the floors of import-linter's contract, top first, a string for those side by side."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    return layers


# -- the tree ------------------------------------------------------------------------------------


def test_the_top_of_the_package_is_short() -> None:
    """One screen shows the house: the floors, and what must lie beside them."""
    entries = {path.name for path in PACKAGE.iterdir()} - {"__pycache__"}
    assert len(entries) <= MOST_ENTRIES, sorted(entries)


def test_the_map_of_the_page_is_the_tree() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("<!-- map -->")[2].partition("<!-- end")[0]
    rows = [line.strip("|").split("|") for line in table.strip().splitlines()[2:]]
    mapped = [re.findall(r"`(\w+)(?:/|\.py)`", row[0]) for row in rows]
    there = [re.findall(r"\w+", floor) for floor in floors()]
    assert mapped == [*there, ["r"]]
    assert all(cell.strip() for row in rows for cell in row), "say what each floor holds"


FOLDERS = sorted(path.parent for path in PACKAGE.rglob("*/__init__.py"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_each_folder_says_what_lives_there(folder: Path) -> None:
    """What it holds, what it may import, and which file to copy for something new."""
    text = " ".join((ast.get_docstring(tree_of(folder / "__init__.py")) or "").split())
    what, _, rest = text.partition(" May import: ")
    may, _, new = rest.partition(" New here: ")
    assert [part[-1:] for part in (what, may, new)] == [".", ".", "."]
    models = [name for name in re.findall(r"`(\w+\.py)`", new) if (folder / name).exists()]
    assert models, "name a file to copy"
    if folder.parent == PACKAGE:
        place = next(i for i, floor in enumerate(floors()) if folder.name in floor.split(" | "))
        below = {name for floor in floors()[place + 1 :] for name in floor.split(" | ")}
        assert set(re.findall(r"`(\w+)`", may)) == below


def test_the_files_of_r_are_read_into_one_environment() -> None:
    assert set(r_session.R_FILES) == {path.stem for path in (PACKAGE / "r").glob("*.R")}


# -- imports -------------------------------------------------------------------------------------


def lint_imports(folder: Path) -> str:
    """Return what import-linter says of a package and a pyproject.toml in a folder."""
    program = Path(sys.executable).with_name("lint-imports")
    if not program.exists() and not os.environ.get("CI"):
        pytest.skip("import-linter is not installed")
    done = subprocess.run(
        [program, "--no-cache", "--no-logo"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what import-linter reads."""
    folder = tmp_path_factory.mktemp("copied")
    shutil.copytree(PACKAGE, folder / "pymer_bridge", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_imports_keep_the_contracts(copied: Path) -> None:
    assert re.search(r"Contracts: \d+ kept, 0 broken\.", lint_imports(copied))


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("session/datasets", "def f():\n    import pymer_bridge.models.lmer", FLOORS),
        ("plots/lines", "from pymer_bridge.replicates import engine", FLOORS),
        ("spec/options", "from pymer_bridge.display import tables", FLOORS),
        ("stray", "", FLOORS),
        ("models/base", "from pymer_bridge.models import lmer", "nothing imports in a circle"),
        ("session/datasets", "import rpy2.rinterface", "two modules import rpy2"),
        ("results/base", "def f():\n    import matplotlib", "only pictures import matplotlib"),
        ("data/columns", "from pymer_bridge import lmer", "only doors import the package itself"),
        (
            "plots/lines",
            "from pymer_bridge.session.r_session import session",
            "pictures call no session of R themselves",
        ),
    ],
)
def test_each_contract_is_broken_by_what_it_forbids(
    copied: Path, module: str, line: str, contract: str
) -> None:
    path = copied / "pymer_bridge" / f"{module}.py"
    before = path.read_text(encoding="utf-8") if path.exists() else None
    try:
        path.write_text(f"{before or ''}\n{line}\n", encoding="utf-8")
        assert re.search(rf"^{contract} BROKEN", lint_imports(copied), re.M)
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before, encoding="utf-8")


def imported(tree: ast.AST) -> set[str]:
    """Return the full names of what the code imports, wherever that stands."""
    nodes = list(ast.walk(tree))
    return {
        f"{node.module}.{alias.name}"
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    } | {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}


def calls_of(function: str) -> Iterator[tuple[str, str]]:
    """Return each module that calls a function, with the first argument, as it is written."""
    for name, path in modules().items():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == function:
                yield name, ast.unparse(node.args[0])


def test_what_imports_by_a_string_is_listed() -> None:
    assert set(calls_of("import_module")) == set(DOORS)
    assert {ast.literal_eval(target) for _, target in calls_of("above")} == set(UPWARD)
    calls = (node for path in modules().values() for node in ast.walk(tree_of(path)))
    led = {
        ast.unparse(node.args[0])
        for node in calls
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "above"
    }
    assert led == {"'pymer_bridge.plots'", "'pymer_bridge.replicates.intervals'"}
    others = re.compile(r"\b(?:__import__|runpy|pkgutil|exec_module)\b")
    assert not [name for name, path in modules().items() if others.search(path.read_text())]


def test_below_the_doors_the_package_is_imported_for_its_version_alone() -> None:
    """Through it every name can be had: it must not become a way around the floors."""
    taken = {
        name: {full for full in imported(tree_of(path)) if re.match(r"pymer_bridge(\.\w+)?$", full)}
        for name, path in modules().items()
        if not name.startswith("cli/")
    }
    beside = {f"pymer_bridge.{path.stem}" for path in PACKAGE.iterdir()} | {
        "pymer_bridge.__version__"
    }
    assert not [name for name, full in taken.items() if full - beside]


# -- models --------------------------------------------------------------------------------------


MODELS = [
    pb.LinearMixedModel,
    pb.GeneralizedLinearMixedModel,
    pb.NonlinearMixedModel,
    pb.LinearModel,
    pb.GeneralizedLinearModel,
    pb.LinearModelList,
]


def ordered_by_chance(cls: type) -> Iterator[str]:
    """Return what two ancestors define of which neither is the other's: bases' order would decide.

    A hook is declared in the base, and overridden in one line of descent only.
    """
    for name in {name for each in cls.__mro__ for name in vars(each)}:
        if name.startswith("__") and name not in ("__str__", "__repr__", "__getattr__"):
            continue
        homes = [each for each in cls.__mro__ if name in vars(each)]
        for one, other in itertools.pairwise(homes):
            if not issubclass(one, other):
                yield f"{name}: {one.__name__}, {other.__name__}"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_no_method_is_found_by_the_order_of_ancestors(model: type) -> None:
    assert not list(ordered_by_chance(model))


def test_an_order_by_chance_is_found() -> None:
    class Base:
        def hook(self) -> int:
            return 0

    class One(Base):
        def hook(self) -> int:
            return 1

    class Other(Base):
        def hook(self) -> int:
            return 2

    class Both(One, Other):
        pass

    assert list(ordered_by_chance(Both)) == ["hook: One, Other"]
    assert not list(ordered_by_chance(One))


def test_models_are_easy_to_read() -> None:
    """At most eight families of methods, few ancestors, and no method that asks for its class."""
    folder = PACKAGE / "models"
    families = {path.stem for path in (folder / "methods").glob("[a-z]*.py")}
    # In linear.py are those of models without random effects.
    assert len(families - {"linear"}) <= 8
    assert all(len(model.__mro__[1:-1]) <= 16 for model in MODELS)
    assert not [p.name for p in folder.rglob("*.py") if "isinstance(self" in p.read_text("utf-8")]


# -- R in Python ---------------------------------------------------------------------------------

R_SOURCE = re.compile(
    r"\b(?:library|require|suppressPackageStartupMessages|requireNamespace)\((?!\))"
    r"|\b(?:lme4|lmerTest|pbkrtest|stats|base|methods|utils|emmeans|Matrix):{2,3}\w+\("
    r"|\bfunction\([^)]*\)\s*[\w{(]"
    r"|[\w)\]]\s+<<?-\s+[\w(\"]"
)


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Return the string constants that are no docstrings, parts of f-strings too."""
    documented = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            # As it reads with a name in each gap.
            parts = (
                str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values
            )
            yield node.lineno, "".join(parts)
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documented
        ):
            yield node.lineno, node.value


def r_in(tree: ast.Module) -> list[str]:
    return [f"line {line}: {text!r}" for line, text in texts(tree) if R_SOURCE.search(text)]


def test_no_r_source_stands_in_python() -> None:
    found = {room: r_in(tree_of(path)) for room, path in modules().items()}
    unlisted = {
        room: lines
        for room, lines in found.items()
        if lines and room not in {**WRITES_R, **SHOWN_R}
    }
    assert not unlisted
    assert all(found[room] for room in {**WRITES_R, **SHOWN_R}), "a listed module is clean now"
    # What is written for users never reaches the session.
    taken = {full for name in WRITES_R for full in imported(tree_of(modules()[name]))}
    assert not [full for full in taken if "r_session" in full]


def test_r_source_is_recognised() -> None:
    lines = (
        "library(lme4)", "lme4::lmer(y ~ x)", "function(x) x + 1", "fit <- lmer(y ~ x)",
        "total <<- 1", "lme4:::checkConv(1)",
    )  # fmt: skip
    for line in lines:
        assert r_in(ast.parse(f"x = {line!r}")), line
        assert not r_in(ast.parse(f'"""{line}"""'))
    assert r_in(ast.parse("x = f'{name} <- {value}'"))
    for line in ("lme4 1.1-33", "a function (R's) of the fit", "x < -1", "lme4::sleepstudy"):
        assert not r_in(ast.parse(f"x = {line!r}")), line


# -- measures ------------------------------------------------------------------------------------

NO_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENDMARKER,
}  # fmt: skip


def lines_of_code(source: str, tree: ast.Module) -> set[int]:
    """Return the lines of a Python file that are neither blank, nor comments, nor docstrings."""
    found = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE:
            found |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found -= set(range(node.lineno, (node.end_lineno or 0) + 1))
    return found


def lines_of_r(source: str) -> int:
    """Count the lines of an R file that are neither blank nor comments."""
    return sum(bool(re.match(r"\s*[^\s#]", line)) for line in source.splitlines())


def long_bodies(source: str) -> list[str]:
    """Name the functions whose body, without docstring and comments, is over the limit."""
    tree = ast.parse(source)
    code = lines_of_code(source, tree)
    return [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and len(code & set(range(node.body[0].lineno, (node.end_lineno or 0) + 1)))
        > MOST_LINES_OF_A_BODY
    ]


def length(path: Path) -> int:
    source = path.read_text(encoding="utf-8")
    return lines_of_r(source) if path.suffix == ".R" else len(lines_of_code(source, tree_of(path)))


def test_no_file_is_too_long() -> None:
    files = [*modules().values(), *PACKAGE.rglob("*.R"), ROOT / "r_requirements.R"]
    count = {path.relative_to(ROOT).as_posix(): length(path) for path in files}
    long = {name: n for name, n in count.items() if n > MOST_LINES}
    assert long.keys() == LONG_FILES.keys(), long


def test_no_function_is_too_long() -> None:
    long = {
        f"{path.relative_to(ROOT).as_posix()}:{name}"
        for path in modules().values()
        for name in long_bodies(path.read_text(encoding="utf-8"))
    }
    assert long == {name for name in LONG_BODIES if ".py:" in name}


def test_a_long_body_is_found() -> None:
    for n, found in ((50, []), (51, ["f"])):
        text = "def f(\n  a,\n):\n  '''One.\n\n  More.\n  '''\n"
        text += "  a += 1  # one\n\n  # two\n" * n
        assert long_bodies(text) == found


def skips_of_layout(source: str) -> Iterator[tuple[int, bool]]:
    """Return the lines that tell the formatter to keep off, and whether each ends a table of data.

    A table is a list, a tuple, a set or a dict, written out, that gets a name.
    """
    statements = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt)]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and re.search(r"\bfmt: *(?:skip|off)\b", token.string):
            line = token.start[0]
            ended = [node for node in statements if node.end_lineno == line]
            node = min(ended, key=lambda node: line - node.lineno, default=None)
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            yield line, isinstance(value, ast.List | ast.Tuple | ast.Set | ast.Dict)


def test_only_tables_of_data_are_laid_out_by_hand() -> None:
    skips = {
        f"{path.relative_to(ROOT).as_posix()}:{line}": is_table
        for path in ROOT.glob("*/**/*.py")
        if path.parts[len(ROOT.parts)] in ("pymer_bridge", "tests", "benchmarks", "scripts")
        and "site-packages" not in path.parts  # of environments that benchmarks have made
        for line, is_table in skips_of_layout(path.read_text(encoding="utf-8"))
    }
    assert not [place for place, is_table in skips.items() if not is_table]
    assert len(skips) <= MOST_SKIPS, "let the formatter lay it out"


def test_a_layout_by_hand_is_found() -> None:
    source = "x = [\n  1\n]  # fmt: skip\ny = f(\n  1\n)  # fmt: skip\n# fmt: off\nz = 1\n"
    assert list(skips_of_layout(source)) == [(3, True), (6, False), (7, False)]


# -- R files -------------------------------------------------------------------------------------

MEASURE_R = """
for (file in commandArgs(TRUE)) {
  data <- getParseData(parse(file, keep.source = TRUE))
  found <- data[data$id %in% data$parent[data$token == "FUNCTION"], ]
  first <- readLines(file)[found$line1]
  named <- ifelse(grepl("<- function", first), sub("^ *([^ ]+) <- function.*", "\\\\1", first), "")
  written <- data[data$terminal & data$token != "COMMENT", ]
  code <- unique(unlist(Map(seq.int, written$line1, written$line2)))
  lines <- mapply(function(from, to) sum(code >= from & code <= to), found$line1, found$line2)
  cat(sprintf("%s\\t%s\\t%d\\n", file, named, lines), sep = "")
}
"""


def rscript(folder: Path, source: str, *arguments: str) -> str:
    """Run source in a plain Rscript that attaches nothing but base."""
    script = folder / "script.R"
    script.write_text(source, encoding="utf-8")
    done = subprocess.run(
        ["Rscript", "--vanilla", "--default-packages=utils,stats,methods", str(script), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def pieces() -> list[Path]:
    """Return the pieces of users' scripts: they have gaps, and are R when these are filled."""
    return [path for path in (PACKAGE / "r" / "script").iterdir() if path.name != "figures.R"]


@pytest.mark.r
def test_r_files_are_r_and_their_functions_short(tmp_path: Path) -> None:
    files = [*PACKAGE.rglob("*.R"), ROOT / "r_requirements.R"]
    files = [path for path in files if path not in pieces()]
    for i, piece in enumerate(pieces()):
        text = piece.read_text(encoding="utf-8")
        filled = tmp_path / f"{i}-{piece.name}"
        filled.write_text(re.sub(r"\.[A-Z]+\.", "x", text.replace(".SCALE.", "")))
        files.append(filled)
    printed = rscript(tmp_path, MEASURE_R, *map(str, files))
    functions = [line.split("\t") for line in printed.splitlines()]
    assert len(functions) > 300
    long = {
        f"{Path(file).name}:{name}" for file, name, n in functions if int(n) > MOST_LINES_OF_A_BODY
    }
    assert long == {name for name in LONG_BODIES if ".R:" in name}


READ_R = """
options(useFancyQuotes = FALSE)
home <- new.env(parent = baseenv())
for (file in commandArgs(TRUE)) sys.source(file, home)
stopifnot(length(ls(home)) > 200L)
# Every name that a function uses is defined there or in base: who attaches what cannot matter.
unknown <- character()
note <- function(text) unknown <<- c(unknown, text)
for (name in ls(home)) {
  if (is.function(home[[name]])) {
    used <- codetools::findGlobals(home[[name]], merge = FALSE)
    known <- c(vapply(used$functions, exists, NA, envir = home, mode = "function"),
      vapply(used$variables, exists, NA, envir = home))
    if (all(known)) next # checkUsage() says which of the others matter, and takes much longer
    suppressWarnings(codetools::checkUsage(home[[name]], name, report = note,
      suppressLocalUnused = TRUE, suppressParamUnused = TRUE))
  }
}
cat(grep("no visible (global function|binding)", unknown, value = TRUE), sep = "")
"""


@pytest.mark.r
def test_the_r_side_is_read_by_plain_r_and_knows_every_function_it_calls(tmp_path: Path) -> None:
    files = [str(PACKAGE / "r" / f"{name}.R") for name in r_session.R_FILES]
    unknown = re.findall(r"(\w+): no visible .*'(\S+)'", rscript(tmp_path, READ_R, *files))
    assert unknown == []


def test_what_python_calls_is_an_operation() -> None:
    """Python calls what is marked, and what R itself has."""
    marked: set[str] = set()
    own: set[str] = set()
    twice: set[str] = set()
    for name in r_session.R_FILES:
        text = (PACKAGE / "r" / f"{name}.R").read_text(encoding="utf-8")
        blocks = re.findall(r"((?:^#'.*\n)*)^([\w.]+) <- function\(", text, re.M)
        names = [function for _, function in blocks]
        twice |= {function for function in names if function in own or names.count(function) > 1}
        own |= set(names)
        marked |= {function for comment, function in blocks if "Operation:" in comment}
    called = {name for _, name in asked_of_r()}
    assert len(called) > 90
    assert not twice, "one environment has all of R's files: a second definition hides the first"
    assert not {name for name in called if name in own} - marked
    # What is not ours is of base: operations see nothing that is attached.
    assert called - own == {".libPaths"}


def asked_of_r(direct: bool = False) -> Iterator[tuple[str, str]]:
    """Return each function of R that Python calls, with the module; direct: by the session itself.

    Text of scripts comes from ``syntax.call()``, and asks nothing.
    """
    for module, path in modules().items():
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            function, first = ast.unparse(node.func), node.args[0]
            by_session = function.endswith(".call") and function != "syntax.call"
            asked = function in ("ask", "asking.ask", "self._ask")
            if by_session or (asked and not direct):
                named = isinstance(first, ast.Constant)
                if named or direct:
                    yield module, str(first.value) if named else ast.unparse(first)


def test_what_is_called_besides_the_one_way_to_ask_is_listed() -> None:
    """Elsewhere nothing that R warns of can be left out: see ``session/asking.py``."""
    found = list(asked_of_r(direct=True))
    assert sorted(found) == sorted(DIRECT)


# -- docstrings ----------------------------------------------------------------------------------


def sections(text: str | None) -> dict[str, list[str]]:
    """Return the sections of a numpydoc docstring, the text before them under ""."""
    lines = inspect.cleandoc(text or "").split("\n")
    found: dict[str, list[str]] = {"": []}
    heading = ""
    for line, following in itertools.zip_longest(lines, lines[1:], fillvalue=""):
        if re.fullmatch(r"-{3,}", following) and len(following) == len(line):
            heading = line
            found[heading] = []
        elif not re.fullmatch(r"-{3,}", line):
            found[heading].append(line)
    return found


def names_in(section: list[str]) -> list[str]:
    heads = [line for line in section if line and not line.startswith(" ")]
    return [name.strip() for head in heads for name in head.partition(":")[0].split(",")]


def parameters_of(function: Callable[..., Any]) -> list[str]:
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    return [
        stars.get(parameter.kind, "") + name
        for name, parameter in inspect.signature(function).parameters.items()
        if name not in ("self", "cls")
    ]


def lacks(function: Callable[..., Any], *, whole: bool, of_r: bool = True) -> Iterator[str]:
    """Say what a docstring lacks; whole, where it is for what asks R or draws."""
    text = function.__doc__
    found = sections(text)
    if re.search(r"; see :func:`", found[""][0]):
        return  # it hands on to what is documented there
    if not found[""][0].rstrip().endswith((".", ":")) or (found[""][1:] and found[""][1]):
        yield "a summary of one line, which ends with a full stop"
    given, told = parameters_of(function), names_in(found.get("Parameters", []))
    if sorted(given) != sorted(told):
        yield f"Parameters: {sorted(set(given) ^ set(told))}"
    returned = inspect.signature(function).return_annotation
    nothing = (None, "None", "NoReturn", inspect.Signature.empty)
    said = not whole and re.match(r"(?:Return|Tell|Say)\b", found[""][0])
    if returned not in nothing and not said and not found.keys() & {"Returns", "Yields"}:
        yield "Returns"
    source = inspect.getsource(function)
    if "Raises" not in found and re.search(r"\braise (?!Not)|options\.|check_\w+\(", source):
        yield "Raises"
    if whole and ">>>" not in "".join(found.get("Examples", [])):
        yield "Examples"
    if whole and of_r and not re.search(r"\bR\b", text or ""):
        yield "the function of R"


def public() -> Iterator[tuple[str, Any, bool]]:
    """Return every public function and class, and whether it is a result."""
    for name in pb.__all__:
        if name not in ("__version__", "plots"):
            yield name, getattr(pb, name), False
    for name in pb.plots.__all__:
        yield f"plots.{name}", getattr(pb.plots, name), False
    for path in sorted((PACKAGE / "results").glob("*.py")):
        if path.stem not in ("__init__", "codec"):
            home = importlib.import_module(f"pymer_bridge.results.{path.stem}")
            for name, thing in vars(home).items():
                if inspect.isclass(thing) and thing.__module__ == home.__name__ and name[0] != "_":
                    yield f"results.{path.stem}.{name}", thing, True


def members(cls: type) -> Iterator[tuple[type, str, Any]]:
    """Return the public methods and properties of a class that this package wrote, with the home.

    What overrides a method that says all is documented there.
    """
    for name in dir(cls):
        homes = [c for c in cls.__mro__ if name in c.__dict__]
        ours = [c for c in homes if c.__module__.startswith("pymer_bridge")]
        if name[0] != "_" and ours:
            yield ours[0], name, ours[0].__dict__[name]


PUBLIC = {name: (thing, is_result) for name, thing, is_result in public()}


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_docstrings_of_public_names_are_whole(name: str) -> None:
    thing, is_result = PUBLIC[name]
    assert thing.__doc__
    assert inspect.cleandoc(thing.__doc__).split("\n")[0].rstrip().endswith((".", ":"))
    if not inspect.isclass(thing):
        assert not list(lacks(thing, whole=True, of_r=name not in NOT_OF_R))
        return
    if dataclasses.is_dataclass(thing):
        told = names_in(sections(thing.__doc__).get("Attributes", []))
        own = inspect.get_annotations(thing)
        fields = [f.name for f in dataclasses.fields(thing) if f.name[0] != "_"]
        assert not [f for f in fields if f in own and f not in told], "fields without a word"
        assert all(hasattr(thing, each) or each in fields for each in told), "fields not there"
    for home, member, value in members(thing):
        full = f"{home.__module__}.{home.__qualname__}.{member}"
        result = is_result or home.__module__.startswith("pymer_bridge.results")
        if isinstance(value, property):
            assert value.__doc__, f"{full} has no docstring"
        elif callable(function := getattr(value, "__func__", value)) and inspect.isfunction(
            function
        ):
            if "raise NotImplementedError" in inspect.getsource(function):
                continue  # a hook: the models that fill it in say all
            further = [c for c in home.__mro__[1:] if member in c.__dict__]
            if further and parameters_of(function) == parameters_of(getattr(further[0], member)):
                assert function.__doc__, f"{full} has no docstring"
                continue
            wanting = list(lacks(function, whole=not result, of_r=full not in NOT_OF_R))
            assert not wanting, f"{full} lacks {wanting}"


def test_a_docstring_that_lacks_something_is_found() -> None:
    def bare(x: int, y: int) -> int:
        """Return a sum."""
        if x < 0:
            raise ValueError("negative")
        return x + y

    assert list(lacks(bare, whole=True)) == [
        "Parameters: ['x', 'y']",
        "Returns",
        "Raises",
        "Examples",
        "the function of R",
    ]


# -- the page ------------------------------------------------------------------------------------


def test_files_that_the_page_names_are_there() -> None:
    text = re.sub(r"<!-- map.*?<!-- end[^>]*-->", "", PAGE.read_text(encoding="utf-8"), flags=re.S)
    named = set(
        re.findall(r"`([\w./-]+\.(?:py|R|md|csv|toml|cff|json)|(?:scripts|\.ci)/\S+?)`", text)
    )
    assert len(named) > 20
    places = (ROOT, PACKAGE)
    missing = {name for name in named if not any((place / name).exists() for place in places)}
    assert not missing


def test_the_example_of_the_page_is_in_the_history() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone, but an archive")
    (subject,) = re.findall(r'--grep="([^"]+)"', PAGE.read_text(encoding="utf-8"))
    command = ["git", "log", "--format=%s", "--fixed-strings", f"--grep={subject}"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if "safe.directory" in found.stderr or is_shallow():
        pytest.skip("the history is not to be had here")
    assert subject in found.stdout.splitlines()


def is_shallow() -> bool:
    command = ["git", "rev-parse", "--is-shallow-repository"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() != "false"
