"""References are R's own, and what this package says of itself agrees everywhere."""

from __future__ import annotations

import re
import subprocess

import pytest

import pymer_bridge as pb
from helpers import ROOT
from pymer_bridge.session import citation

PACKAGES = ("base", "lme4", "lmerTest", "pbkrtest")
PLAIN = """
for (package in commandArgs(TRUE)) {
  entry <- citation(package)
  cat(format(entry, style = "text"), "\\f", toBibtex(entry), "\\f", sep = "\\n")
}
"""


@pytest.fixture(scope="module")
def references():
    return pb.citation()


@pytest.mark.r
def test_references_are_those_of_plain_r(references, tmp_path):
    script = tmp_path / "plain.R"
    script.write_text(PLAIN)
    said = subprocess.run(
        ["Rscript", "--vanilla", script, *PACKAGES], capture_output=True, text=True, check=True
    ).stdout
    plain = [part.strip("\n") for part in said.split("\f")]
    assert [row.package for row in references.rows] == ["pymer_bridge", *PACKAGES]
    for row, text, bibtex in zip(references.rows[1:], plain[::2], plain[1::2], strict=False):
        assert row.text == text
        assert row.bibtex.startswith(f"@{bibtex[1:].split('{')[0]}{{{row.package},\n")
        assert row.bibtex.replace(f"{{{row.package},", "{,", 1) == bibtex


@pytest.mark.r
def test_references_can_be_kept(references):
    assert pb.__version__ in references.rows[0].text
    assert references["lme4"] is references.rows[2]
    assert [row.package for row in references] == ["pymer_bridge", *PACKAGES]
    assert references.rows[0].text.startswith(f"{citation.AUTHOR} ({citation.YEAR}).")
    assert type(references).from_dict(references.to_dict()) == references
    assert list(references.to_frame()["package"]) == ["pymer_bridge", *PACKAGES]
    assert re.findall(r"^@\w+\{(\S+),$", references.to_bibtex(), re.M) == [
        "pymer_bridge",
        *PACKAGES,
    ]
    assert "Bates" in str(references)
    assert "Bates" in references.to_markdown()


@pytest.mark.r
def test_what_cannot_be_cited():
    with pytest.raises(
        pb.REnvironmentError, match=r"'nosuch' is not installed(.|\n)*--require=nosuch"
    ):
        pb.citation(["lme4", "nosuch"])
    for wrong in ("lme4", [1]):
        with pytest.raises(
            pb.OptionError, match=r"names of R packages|packages=.* must be a list of texts"
        ):
            pb.citation(wrong)


def test_the_citation_file_says_the_same():
    path = ROOT / "CITATION.cff"
    said = dict(re.findall(r"^([a-z-]+): (.+)$", path.read_text(encoding="utf-8"), re.M))
    assert said["version"] == pb.__version__
    assert said["date-released"][:4] == citation.YEAR
    assert said["title"] == f'"{citation.TITLE}"'
    assert f"- name: {citation.AUTHOR}\n" in path.read_text(encoding="utf-8")
