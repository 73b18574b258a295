"""Everything that the documentation shows is run, and the site that is built of it is whole.

In a block of Python a comment that is a number or a string, behind an expression, is what the
expression gives, to the digits written; a block of text that follows is what was printed. A block
that cannot be run says why, in the line above it: ``<!-- not run: REASON -->``.
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import html
import importlib
import importlib.util
import io
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
import tokenize
import tomllib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import matplotlib.pyplot as plt
import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from traitlets.config import Config

import pymer_bridge as pb
from helpers import ROOT
from helpers.pages import BLOCKS, PAGES, Block
from helpers.pictures import TOLERANCE
from pymer_bridge.cli import arguments
from pymer_bridge.plots.accessor import FitPlots

FEWER = 20
"""Bootstraps of the pages are run with so many replicates: what they show needs no more."""


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    """Close what an example drew: matplotlib warns of the twenty-first figure."""
    yield
    plt.close("all")


# -- blocks --------------------------------------------------------------------------------------


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
        # What files hold is read by the tests of what reads such files.
        known = ("python", "bash", "r", "toml", "json")
        assert block.language in known, f"{block.name}: {block.language!r}"
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


@pytest.mark.mpl_image_compare(
    baseline_dir="../docs",
    filename="first-picture.png",
    tolerance=TOLERANCE,
    style="default",
    backend="agg",
    savefig_kwargs={"dpi": 110, "metadata": {"Software": None}},
    deterministic=True,
)
def test_first_picture_is_what_the_readme_draws() -> Any:
    first = BLOCKS[ROOT / "README.md"][0]
    run_python(first.source, first.name, {})
    return plt.gcf()


def with_few_draws(source: str) -> str:
    """Return code of Python, or of R, that draws less."""
    return re.sub(r"\b(n_?sim ?= ?)(\d+)", lambda m: f"{m[1]}{min(int(m[2]), FEWER)}", source)


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
                source = with_few_draws(earlier.source)
                self.printed[earlier.line] = run_python(source, earlier.name, self.namespace)
        return self.printed[block.line]


@pytest.fixture(scope="module")
def runs() -> dict[Path, PageRun]:
    return {page: PageRun(page) for page in PAGES}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where pages write and read their files."""
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(autouse=True)
def _in_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


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
        arguments.parser().parse_args(rest)
    elif program.startswith("scripts/"):
        assert (ROOT / program).stat().st_mode & 0o111, f"{program} cannot be run"
        assert not rest
    elif program == "pip":
        assert rest[0] in ("install", "wheel")
        for flag, value in itertools.pairwise(rest):
            if flag == "-c":
                script = re.fullmatch(r"\$\((scripts/\S+)\)", value)
                assert (ROOT / (script[1] if script else value)).is_file()
    elif program in ("python", "python3") and rest[0] == "-c":
        ast.parse(rest[1])
    elif program == "Rscript":
        assert all((ROOT / script).is_file() for script in rest)
    elif program == "docker":
        assert (ROOT / "Dockerfile").is_file()
    elif program == ".":
        assert rest[0].endswith("/bin/activate")
    else:
        known = (["apt-get", "install"], ["apt-get", "update"], ["python3", "-m", "venv"])
        assert any(words[: len(each)] == each for each in known), f"what is {shlex.join(words)}?"


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
    script.write_text(with_few_draws("\n".join(b.source for b in earlier)), encoding="utf-8")
    done = subprocess.run(
        ["Rscript", "--vanilla", str(script)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_names_in_text_and_tables_are_there(page: Path) -> None:
    models = (pb.LinearMixedModel, pb.GeneralizedLinearMixedModel, pb.LinearModel)
    text = page.read_text(encoding="utf-8")
    for code in re.findall(r"`([^`\n]+)`", text):
        for owner, name in re.findall(r"\b(pb|fit)\.([A-Za-z_]\w*)", code):
            places = (pb,) if owner == "pb" else models
            assert any(hasattr(place, name) for place in places), f"{owner}.{name}"
        for name in re.findall(r"\bfit\.plot\.([A-Za-z_]\w*)", code):
            assert hasattr(FitPlots, name), f"fit.plot.{name}"
        for name in re.findall(r"\bpb\.plots\.([A-Za-z_]\w*)", code):
            assert name in pb.plots.__all__, f"pb.plots.{name}"


# -- docstrings ----------------------------------------------------------------------------------


SLOW = ("profile_pairs", "zeta_curves")


def examples() -> Iterator[Any]:
    """Find every docstring with an example; nothing is imported, so that nothing starts R."""
    for path in sorted((ROOT / "pymer_bridge").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        yield from _examples(ast.parse(path.read_text(encoding="utf-8")), module, "")


def _examples(node: Any, module: str, name: str) -> Iterator[Any]:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    if isinstance(node, documented) and ">>>" in (ast.get_docstring(node) or ""):
        slow = pytest.mark.slow if name in SLOW else ()
        yield pytest.param(module, name, id=f"{module}.{name}".rstrip("."), marks=slow)
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


# -- the site ------------------------------------------------------------------------------------


@dataclass
class Page(HTMLParser):
    """What a page of the site has and points to."""

    text: str

    def __post_init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attrs if value is not None}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and given.get("rel") != "canonical":
            self.loaded.append(given["href"])
        if tag in ("script", "img", "iframe") and "src" in given:
            self.loaded.append(given["src"])


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site by scripts/docs, with warnings as errors."""
    parts = ("material", "mkdocstrings")
    if missing := [part for part in parts if importlib.util.find_spec(part) is None]:
        # Where CI is set, a missing part is a mistake; scripts/test installs it.
        stop = pytest.fail if os.environ.get("CI") else pytest.skip
        stop(f"{', '.join(missing)}: to build the site, pip install '.[docs]'")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [ROOT / "scripts" / "docs", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "PYMER_BRIDGE_VENV": sys.prefix, "PYMER_BRIDGE_MOST_DRAWS": str(FEWER)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}


@pytest.mark.slow
@pytest.mark.r("lmerTest")
@pytest.mark.r("pbkrtest")
@pytest.mark.r("emmeans")
def test_no_link_of_the_site_is_broken(site: Path, pages: dict[Path, Page]) -> None:
    broken, checked = [], 0
    for path, page in pages.items():
        for link in page.links + page.loaded:
            address, _, fragment = unquote(link).partition("#")
            if re.match(r"\w+:", address):
                continue
            # The page for what is not found is shown at any depth: its links start at the root.
            start = site if address.startswith("/") else path.parent
            target = (start / address.lstrip("/")).resolve() if address else path
            target = target / "index.html" if target.is_dir() else target
            checked += 1
            known = pages.get(target)
            lost = fragment and known is not None and fragment not in known.anchors
            if not target.is_file() or lost:
                broken.append(f"{path.relative_to(site)}: {link}")
    assert not broken, "\n".join(broken)
    assert checked > 1000


@pytest.mark.slow
@pytest.mark.r("lmerTest")
@pytest.mark.r("pbkrtest")
@pytest.mark.r("emmeans")
def test_the_site_asks_nothing_of_other_servers(site: Path, pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        away = [link for link in page.loaded if re.match(r"(?:\w+:)?//", link)]
        assert not away, f"{path.relative_to(site)}: {away}"
    for path in site.rglob("*.css"):
        imported = re.findall(r"(?:@import|url\()\s*['\"]?(?:https?:)?//[^'\")]*", path.read_text())
        assert not imported, f"{path.relative_to(site)}: {imported}"


@pytest.mark.slow
@pytest.mark.r("lmerTest")
@pytest.mark.r("pbkrtest")
@pytest.mark.r("emmeans")
@pytest.mark.parametrize(
    "words",
    [
        "plot",
        "quickstart",
        "p-value",
        "odds ratio",
        "random slope",
        "post hoc",
        "R2",
        "overdispersion",
        "repeated measures",
        "missing",
        "bootstrap",
        "csv",
    ],
)
def test_search_finds(site: Path, words: str) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    texts = [f"{part['title']} {part['text']}".lower() for part in index["docs"]]
    assert any(all(word in text for word in words.lower().split()) for text in texts)


@pytest.mark.slow
@pytest.mark.r("lmerTest")
@pytest.mark.r("pbkrtest")
@pytest.mark.r("emmeans")
def test_every_public_name_is_in_the_reference(pages: dict[Path, Page]) -> None:
    anchors = set().union(*(page.anchors for page in pages.values()))
    public = {f"pymer_bridge.{name}" for name in pb.__all__} - {
        "pymer_bridge.__version__",
        "pymer_bridge.plots",
    }
    public |= {f"pymer_bridge.plots.{name}" for name in pb.plots.__all__}
    for path in (ROOT / "pymer_bridge" / "results").glob("*.py"):
        if path.stem not in ("__init__", "codec"):
            body = ast.parse(path.read_text(encoding="utf-8")).body
            named = (node.name for node in body if isinstance(node, ast.ClassDef))
            public |= {f"pymer_bridge.results.{path.stem}.{n}" for n in named if n[0] != "_"}
    for model in (pb.LinearMixedModel, pb.GeneralizedLinearMixedModel, pb.LinearModel):
        public |= {
            f"pymer_bridge.{model.__name__}.{name}"
            for name in dir(model)
            if name[0] != "_" and callable(getattr(model, name))
        }
    assert not public - anchors


@pytest.mark.slow
@pytest.mark.r("lmerTest")
@pytest.mark.r("pbkrtest")
@pytest.mark.r("emmeans")
def test_signatures_link_to_what_they_name(site: Path, pages: dict[Path, Page]) -> None:
    links = pages[site / "reference" / "fitting.html"].links
    options = "options.html#pymer_bridge.spec.options"
    assert {f"{options}.NaAction", "models.html#pymer_bridge.LinearMixedModel"} <= set(links)


# -- notebooks -----------------------------------------------------------------------------------


def test_the_gallery_shows_every_picture(site: Path) -> None:
    page = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    named = dict(re.findall(r"<!-- picture (\w+): (.*?) -->", page))
    assert set(named) == set(pb.plots.__all__) - {"style"}
    assert page.count("**Read it so:**") == len(named)
    built = (site / "gallery.html").read_text(encoding="utf-8")
    reference = (site / "reference" / "pictures.html").read_text(encoding="utf-8")
    for name, alt in named.items():
        assert f"gallery-{name}.svg" in built
        assert f"gallery-{name}.svg" in reference
        assert f"<title>{html.escape(alt, quote=False)}</title>" in (
            site / f"gallery-{name}.svg"
        ).read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.r("lmerTest")
@pytest.mark.r("pbkrtest")
@pytest.mark.r("emmeans")
def test_the_recap_runs_from_an_empty_kernel(site: Path) -> None:
    ours = nbformat.read(ROOT / "docs" / "recap.ipynb", as_version=4)
    ran = nbformat.read(site / "recap-run.ipynb", as_version=4)
    assert [cell.source for cell in ran.cells] == [cell.source for cell in ours.cells]
    code = [cell for cell in ran.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 8
    # What is stored has no outputs: they are made anew.
    assert not [cell for cell in ours.cells if cell.get("outputs") or cell.get("execution_count")]


@pytest.mark.slow
@pytest.mark.r
def test_a_notebook_shows_models_warnings_and_progress(tmp_path: Path) -> None:
    cells = [
        "import pymer_bridge as pb",
        "formula = 'reading_age ~ hrs_week + (hrs_week | school)'\n"
        "fit = pb.lmer(formula, pb.simulate_childread(1), reml=False)\nfit",
        "pb.lmer(formula, pb.simulate_childread(2))",
        "fit.bootstrap('parametric', n_sim=20, seed=1, progress=True)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    config = Config({"KernelManager": {"transport": "ipc", "ip": str(tmp_path / "kernel")}})
    places = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    client = NotebookClient(
        notebook, config=config, timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute(env=environment)
    _, fit, singular, bootstrap = notebook.cells
    (shown,) = fit.outputs
    assert shown.data["text/html"].count("<table") == 3
    assert shown.data["text/plain"].startswith("Linear mixed model fit by maximum likelihood\n")
    # The warning is raised where it happens, and stands on top of the model.
    assert "SingularFitWarning" in singular.outputs[0].text
    page = singular.outputs[-1].data["text/html"]
    assert page.index("The fit is singular") < page.index("<table")
    views = [
        output.data["application/vnd.jupyter.widget-view+json"]["model_id"]
        for output in bootstrap.outputs
        if "application/vnd.jupyter.widget-view+json" in output.get("data", {})
    ]
    assert len(views) == 1
    states = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    (bar,) = (s["state"] for s in states.values() if s["model_name"] == "FloatProgressModel")
    assert (bar["value"], bar["max"], bar["bar_style"]) == (20, 20, "success")
    for theme in ("light", "dark"):
        html, _ = HTMLExporter(theme=theme).from_notebook_node(notebook)
        assert html.count('class="pymer-bridge-model"') == 2
        assert "&lt;div class=&quot;pymer-bridge" not in html
