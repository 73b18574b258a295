"""A real LaTeX, where there is one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not on PATH")


def compile_latex(body: str, folder: Path) -> None:
    """Compile what may stand in a document with booktabs; an error of LaTeX is raised."""
    source = folder / "tables.tex"
    source.write_text(
        "\\documentclass{article}\\usepackage{booktabs}\n"
        f"\\begin{{document}}\n{body}\n\\end{{document}}\n",
        encoding="utf-8",
    )
    subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", source.name],
        cwd=folder,
        check=True,
        capture_output=True,
    )
