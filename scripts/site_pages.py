"""What mkdocs does besides: run the notebooks and the gallery, and show what they give.

A cell that fails stops the build. The notebook as it was run lies beside its page. Pictures of the
gallery are drawn by the page's own code, and stand beside their functions in the reference too.
"""

from __future__ import annotations

import base64
import html
import io
import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args, get_origin

import matplotlib.pyplot as plt
import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from nbclient import NotebookClient
from traitlets.config import Config

from pymer_bridge.spec import options

LIMIT = 600  # seconds for one cell
MOST_DRAWS = int(os.environ.get("PYMER_BRIDGE_MOST_DRAWS", "1000000"))  # fewer in the tests
WARNED = re.compile(r"^/\S+\.py:\d+: (\w+: [^\n]*)\n(?:  [^\n]*\n)?", re.M)
CODE = re.compile(r"`[^`]+`")
GALLERY = "gallery.md"
OPTIONS = "reference/options.md"
DRAWN = re.compile(
    r"```python\n(?P<code>.*?)```|<!-- picture (?P<name>\w+): (?P<alt>.*?) -->", re.S
)
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def run(path: Path) -> Any:
    """Return a notebook, run from an empty kernel."""
    notebook = nbformat.read(path, as_version=4)
    sources = [cell.source for cell in notebook.cells]
    for cell in notebook.cells:
        cell.source = re.sub(
            r"\bn_sim=(\d+)", lambda n: f"n_sim={min(int(n[1]), MOST_DRAWS)}", cell.source
        )
    # A kernel on this machine needs no port of the network; what it writes is not kept.
    with TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        config = Config({"KernelManager": {"transport": "ipc", "ip": f"{folder}/kernel"}})
        client = NotebookClient(notebook, timeout=LIMIT, resources=resources, config=config)
        client.execute()
    for cell, source in zip(notebook.cells, sources, strict=True):
        cell.source = source
    return notebook


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Put the page, the pictures and the run notebook in the place of each notebook."""
    for file in [file for file in files if file.src_uri.endswith(".ipynb")]:
        notebook = run(Path(file.abs_src_path or ""))
        files.remove(file)
        stem = file.src_uri.removesuffix(".ipynb")
        pages = Pages(Path(stem).name)
        text = pages.text(notebook)
        files.append(File.generated(config, f"{stem}.md", content=text))
        run_whole = nbformat.writes(notebook)
        files.append(File.generated(config, f"{stem}-run.ipynb", content=run_whole))
        for name, picture in pages.pictures.items():
            place = str(Path(stem).with_name(name))
            files.append(File.generated(config, place, content=picture))
    changes = Path(config.config_file_path).with_name("CHANGELOG.md").read_text(encoding="utf-8")
    files.append(File.generated(config, "changelog.md", content=changes))
    files.append(File.generated(config, OPTIONS, content=page_of_options()))
    page = files.get_file_from_path(GALLERY)
    assert page is not None
    for name, picture in drawn(page.content_string).items():
        files.append(File.generated(config, f"gallery-{name}.svg", content=picture))
    return files


def page_of_options() -> str:
    """Return the page to which signatures link: the values of each option that has a list."""
    lists = {n: get_args(o) for n, o in vars(options).items() if get_origin(o) is Literal}
    parts = [
        f"## {name} {{ #{options.__name__}.{name} }}\n\n"
        + ", ".join(f'`"{value}"`' if value else "`None`" for value in values)
        for name, values in sorted(lists.items())
    ]
    start = "# Options\n\nWhat the types of arguments stand for that signatures name: one of these."
    return "\n\n".join([start, *parts]) + "\n"


def drawn(text: str) -> dict[str, bytes]:
    """Run the code of a page, and return the pictures that it names, as SVG with their words."""
    plt.switch_backend("agg")
    namespace: dict[str, Any] = {}
    pictures = {}
    for found in DRAWN.finditer(text):
        if found["code"]:
            plt.close("all")
            code = re.sub(
                r"\bn_sim=(\d+)", lambda n: f"n_sim={min(int(n[1]), MOST_DRAWS)}", found["code"]
            )
            exec(compile(code, GALLERY, "exec"), namespace)
            continue
        file = io.BytesIO()
        words = {"Title": found["alt"], "Date": None}
        with plt.rc_context({"svg.hashsalt": found["name"]}):
            plt.gcf().savefig(file, format="svg", metadata=words)
        pictures[found["name"]] = file.getvalue()
    plt.close("all")
    return pictures


def on_page_markdown(markdown: str, page: Page, files: Files, **_: Any) -> str:
    """Put the gallery's pictures in their places, and bars into tables."""
    gallery = files.get_file_from_path(GALLERY)
    assert gallery is not None
    words = {m["name"]: m["alt"] for m in DRAWN.finditer(gallery.content_string) if m["name"]}
    if page.file.src_uri == GALLERY:
        markdown = DRAWN.sub(
            lambda m: m[0] if m["code"] else f"![{m['alt']}](gallery-{m['name']}.svg)", markdown
        )
    elif page.file.src_uri == "reference/pictures.md":
        for name, alt in words.items():
            small = f'[![{alt}](../gallery-{name}.svg){{ width="240" }}](../gallery.md)'
            directive = f"::: pymer_bridge.plots.{name}\n"
            markdown = markdown.replace(directive, f"{small}\n\n{directive}")
    return _bars(markdown)


def on_page_content(html: str, page: Page, config: MkDocsConfig, **_: Any) -> str:
    """Let signatures link to the options."""
    if page.file.src_uri == OPTIONS:
        for option in page.toc.items[0].children:
            config.plugins["autorefs"].register_anchor(page, option.id)
    return html


def _bars(markdown: str) -> str:
    r"""Show `a | b` in tables, where GitHub needs `a \| b` and Python's Markdown does not."""
    lines = (
        CODE.sub(lambda code: code[0].replace(r"\|", "|"), line) if line.startswith("|") else line
        for line in markdown.split("\n")
    )
    return "\n".join(lines)


class Pages:
    """Markdown of one notebook, and the pictures that it shows."""

    def __init__(self, stem: str) -> None:
        self.stem = stem
        self.pictures: dict[str, bytes] = {}

    def text(self, notebook: Any) -> str:
        parts = []
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                parts.append(cell.source)
            elif cell.cell_type == "code":
                parts.append(f"```python\n{cell.source}\n```")
                parts += [self._output(output) for output in cell.outputs]
        return "\n\n".join(parts) + "\n"

    def _output(self, output: Any) -> str:
        if output.output_type == "stream":
            if output.name == "stderr":
                return self._said(output.text)
            return self._preformatted(output.text)
        data = output.data
        if "image/png" in data:
            name = f"{self.stem}-{len(self.pictures) + 1}.png"
            self.pictures[name] = base64.b64decode(data["image/png"])
            return self._block(f'<img src="{name}" alt="Figure {len(self.pictures)}">')
        if "text/html" in data:
            return self._block(data["text/html"])
        return self._preformatted(data["text/plain"])

    def _said(self, text: str) -> str:
        """Show warnings without the place in the kernel's own files, which tells nothing."""
        shown = html.escape(WARNED.sub(r"\1\n", ANSI.sub("", text)).strip("\n"))
        return self._block(f'<div class="notebook-said">{shown}</div>')

    def _preformatted(self, text: str) -> str:
        shown = html.escape(ANSI.sub("", text).rstrip("\n"))
        return self._block(f"<pre><code>{shown}</code></pre>")

    def _block(self, inner: str) -> str:
        return f'<div class="notebook-output">\n{inner.strip()}\n</div>'
