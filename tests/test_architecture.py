"""The code is as CONTRIBUTING.md says: its map, its laws and its measures; docstrings are whole.

Nothing here starts R, but for the tests of the R files, which are read by a plain Rscript.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import itertools
import re
import subprocess
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

MOST_LINES = 400
MOST_LINES_OF_A_BODY = 50
LONG_FILES = {
    "pymer_bridge/r_session.py": "the one thread that may touch R, its lock and its interrupts: "
    "apart they could not be read",
    "r_requirements.R": "has to run alone, before anything is installed",
}
"""Files over the limit, with the reason."""

LONG_BODIES = {
    "conditions.R:run_operation": "handlers that share a frame, by which tracebacks are cut",
    "r_requirements.R:supply": "one loop over sources of packages, told as it goes",
    "r_requirements.R:main": "what the script does, in order, with its exit statuses",
}
"""Functions over the limit, as file:name, with the reason."""

UPWARD = {
    ("results/base", "plots/__init__"): "result.plot() is a door to the pictures, opened when used"
}
"""What imports from above, with the reason."""

WRITES_R = {
    "rcomparisons": "a statistic that the user gave as R goes into the user's script",
    "rscript": "puts users' scripts together",
    "rdata": "writes the line of a user's script that reads the data back",
}
"""Modules that write R for users to keep; the session never runs it."""

SHOWN_R = {"bootstrap": "the message of an error shows what a statistic may look like"}
"""Modules in which R stands in a text that is shown, with what it is."""

NOT_OF_R = {
    "pymer_bridge.models.methods.reporting.Reporting.report",
    "pymer_bridge.models.lm.LinearModel.report",
    "pymer_bridge.replicates.replicates.BootstrapResult.p_values", "plots.bootstrap",
    "plots.coefficients",
    "plots.groups", "plots.profile_pairs", "plots.routes", "plots.zeta",
}  # fmt: skip
"""What draws or words figures that another method asked of R, and has no function there."""


@cache
def modules() -> dict[str, Path]:
    """Return the modules by their names in the map."""
    return {
        path.relative_to(PACKAGE).with_suffix("").as_posix(): path
        for path in sorted(PACKAGE.rglob("*.py"))
    }


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def rows_of_map(name: str) -> Iterator[list[str]]:
    """Return the cells of each row of a map in the page."""
    text = PAGE.read_text(encoding="utf-8")
    table = text.partition(f"<!-- {name} -->")[2].partition(f"<!-- end of {name} -->")[0]
    for line in table.strip().splitlines()[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def rooms(name: str) -> list[str]:
    return [room for row in rows_of_map(name) for room in re.findall(r"`([^`]+)`", row[1])]


# -- imports -------------------------------------------------------------------------------------


def is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def imported(tree: ast.AST) -> Iterator[str]:
    """Return the full names of what is imported when the code runs, inside functions too."""
    for node in ast.iter_child_nodes(tree):
        if is_for_types(node):
            yield from imported(ast.Module(node.orelse, []))  # type: ignore[attr-defined]
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the whole way"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func).endswith("import_module")
            and isinstance(node.args[0], ast.Constant)
        ):
            yield str(node.args[0].value)
        yield from imported(node)


def room_of(name: str) -> str | None:
    """Return the room that a full name leads to; None outside of the package."""
    if name.split(".", maxsplit=1)[0] != "pymer_bridge" or name == "pymer_bridge.__version__":
        return None
    parts = name.split(".")[1:]
    while parts:
        for room in ("/".join(parts), "/".join([*parts, "__init__"])):
            if room in modules():
                return room
        parts.pop()
    return "__init__"


@cache
def needs() -> dict[str, set[str]]:
    """Return the rooms that each room imports from."""
    found = {}
    for room, path in modules().items():
        others = {room_of(name) for name in imported(tree_of(path))}
        found[room] = {other for other in others if other not in (None, room)}
    return found  # type: ignore[return-value]


def test_the_map_and_the_tree_are_the_same() -> None:
    mapped = rooms("map")
    assert len(mapped) == len(set(mapped)), "a room stands in the map twice"
    assert not set(modules()) - set(mapped), "give these modules a place in CONTRIBUTING.md"
    assert not set(mapped) - set(modules()), "these rooms of the map are not there"
    assert all(all(row) for row in rows_of_map("map")), "say what each floor holds"


def test_the_map_of_r_and_the_files_are_the_same() -> None:
    mapped = rooms("map of R")
    folder = PACKAGE / "r"
    files = {p.relative_to(folder).with_suffix("").as_posix() for p in folder.rglob("*.R")}
    assert len(mapped) == len(set(mapped))
    assert set(mapped) == files
    assert set(r_session.R_FILES) == {name for name in files if "/" not in name}


def test_modules_import_from_below_only() -> None:
    place = {room: i for i, room in enumerate(rooms("map"))}
    upward = {
        (room, other)
        for room, others in needs().items()
        for other in others
        if place[other] >= place[room]
    }
    assert upward == set(UPWARD), "a module imports from above, or a listed one does not any more"


def test_the_package_itself_is_imported_by_what_stands_above_the_models() -> None:
    # Through it every name can be had: it must not become a way around the floors.
    order = rooms("map")
    below = [room for room in order[: order.index("__init__")] if "__init__" in needs()[room]]
    assert not below


def test_nothing_imports_in_a_circle() -> None:
    left = {room: others - {o for r, o in UPWARD if r == room} for room, others in needs().items()}
    while left:
        free = [room for room, others in left.items() if not others & left.keys()]
        assert free, f"a circle among {sorted(left)}"
        for room in free:
            del left[room]


def importers(package: str) -> set[str]:
    return {
        room
        for room, path in modules().items()
        if any(name.split(".")[0] == package for name in imported(tree_of(path)))
    }


def test_two_modules_know_rpy2() -> None:
    assert importers("rpy2") == {"rsession", "convert"}


def test_results_know_neither_r_nor_pictures() -> None:
    """Not even through what they import."""
    reached = {room for room in modules() if room.startswith("results/")}
    while further := {o for room in reached for o in needs()[room] if (room, o) not in UPWARD}:
        if further <= reached:
            break
        reached |= further
    assert not reached & {"rsession", "convert"}
    assert not reached & (importers("rpy2") | importers("matplotlib"))


def test_pictures_do_not_call_r() -> None:
    drawn = {room for room in modules() if room.startswith("plots/")}
    assert drawn >= importers("matplotlib")
    assert not [room for room in drawn if needs()[room] & {"rsession", "convert", "notices"}]


def test_what_is_above_is_found(tmp_path: Path) -> None:
    """The tests above see imports wherever they stand."""
    source = (
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from pymer_bridge import mixed\n"
        "else:\n    from pymer_bridge import papers\n"
        "def f():\n    import pymer_bridge.cli.commands\n"
        "    from pymer_bridge.results.fixed_effects import x\n"
        "class C:\n    def g(self): return lambda: import_module('pymer_bridge.plots')\n"
    )
    found = {room_of(name) for name in imported(ast.parse(source))}
    assert found == {None, "papers", "cli", "results/fit", "plots/__init__"}


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
    assert not [room for room in WRITES_R if "rsession" in needs()[room]]


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


def measured_files() -> list[Path]:
    return sorted([*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.R"), ROOT / "r_requirements.R"])


def test_no_file_is_too_long() -> None:
    long = {
        path.relative_to(ROOT).as_posix()
        for path in measured_files()
        if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES
    }
    assert long == set(LONG_FILES), "split it or give a reason; or a listed one is short again"


def length_of_body(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def long_bodies(tree: ast.Module) -> list[str]:
    return [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and length_of_body(node) > MOST_LINES_OF_A_BODY
    ]


def test_no_function_is_too_long() -> None:
    long = {
        f"{path.relative_to(ROOT).as_posix()}:{name}"
        for path in modules().values()
        for name in long_bodies(tree_of(path))
    }
    assert long == {name for name in LONG_BODIES if ".py:" in name}


def test_a_long_body_is_found() -> None:
    for n, found in ((50, []), (51, ["f"])):
        text = "def f(\n  a,\n):\n  '''One.\n\n  More.\n  '''\n" + "  a += 1\n" * n
        assert long_bodies(ast.parse(text)) == found


# -- R files -------------------------------------------------------------------------------------

MEASURE_R = """
for (file in commandArgs(TRUE)) {
  data <- getParseData(parse(file, keep.source = TRUE))
  found <- data[data$id %in% data$parent[data$token == "FUNCTION"], ]
  first <- readLines(file)[found$line1]
  named <- ifelse(grepl("<- function", first), sub("^ *([^ ]+) <- function.*", "\\\\1", first), "")
  cat(sprintf("%s\\t%s\\t%d\\n", file, named, found$line2 - found$line1 + 1L), sep = "")
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
    files = [p for p in measured_files() if p.suffix == ".R" and p not in pieces()]
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
    # A call that update() takes apart, whose names are of the data that it is evaluated in.
    assert unknown == [("influence_task", name) for name in ("data", ".groups", "del", "par")]


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
    called = {
        node.args[0].value
        for path in modules().values()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("call", "_ask")
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert len(called) > 80
    assert not twice, "one environment has all of R's files: a second definition hides the first"
    assert not {name for name in called if name in own} - marked
    # What is not ours is of base: operations see nothing that is attached.
    direct = {
        node.args[0].value
        for path in modules().values()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "session().call"
        and isinstance(node.args[0], ast.Constant)
    }
    assert direct - own == {".libPaths"}


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
