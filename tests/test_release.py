"""What is released is whole: distributions, versions, licences, the workflow of CI."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import pymer_bridge as pb
from helpers import ROOT
from pymer_bridge.session import installation

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def run(*words: str | Path, **options):
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT)
    return folder


@pytest.mark.slow
def test_distributions_are_whole_and_well_described(distributions):
    run(sys.executable, "-m", "twine", "check", "--strict", *distributions.iterdir())
    (wheel,) = distributions.glob("*.whl")
    (sdist,) = distributions.glob("*.tar.gz")
    assert f"-{pb.__version__}-" in wheel.name
    package = ROOT / "pymer_bridge"
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    inside = set(zipfile.ZipFile(wheel).namelist())
    assert wanted <= inside
    assert "pymer_bridge/r_requirements.R" in inside
    with tarfile.open(sdist) as archive:
        stored = {name.partition("/")[2] for name in archive.getnames()}
    files = {"CITATION.cff", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "tests/test_release.py"}
    # What the tests read.
    files |= {"conda/meta.yaml", "benchmarks/baseline.json", ".github/workflows/ci.yml", ".ci/run"}
    assert wanted | files <= stored


@pytest.mark.r
@pytest.mark.slow
def test_an_installed_wheel_fits_a_model(distributions, tmp_path):
    (wheel,) = distributions.glob("*.whl")
    place = tmp_path / "site"
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", place, wheel)
    code = (
        "import pymer_bridge as pb\n"
        "from pymer_bridge.session import installation\n"
        "print(pb.__file__)\n"
        "print(installation.requirements_script().is_file())\n"
        "fit = pb.lmer('Reaction ~ Days + (Days | Subject)', pb.load_dataset('sleepstudy'))\n"
        "print(fit.fixed_effects()['Days'].estimate)"
    )
    said = run(
        sys.executable, "-c", code, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(place)}
    )
    file, found, estimate = said.split()
    assert Path(file).is_relative_to(place)
    assert found == "True"
    fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    assert float(estimate) == fit.fixed_effects()["Days"].estimate


def test_the_version_stands_once():
    assert PROJECT["dynamic"] == ["version"]
    source = (ROOT / "pymer_bridge" / "__init__.py").read_text(encoding="utf-8")
    assert re.findall(r'^__version__ = "(.+)"$', source, re.M) == [pb.__version__]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## (Unreleased|\d+\.\d+\.\d+ )", changes, re.M)


def test_every_dependency_has_its_licence_on_the_page():
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    licences = dict(re.findall(r"^\| (\S+) \| (.+) \|$", page, re.M))
    wanted = list(PROJECT["dependencies"])
    for extra, named in PROJECT["optional-dependencies"].items():
        if extra not in ("mutation", "bench"):
            wanted += named
    names = {re.match(r"[\w.-]+", text)[0].lower() for text in wanted}
    assert names | set(installation.MINIMUM_PACKAGES) <= set(licences)
    assert not [name for name, text in licences.items() if "UNKNOWN" in text or not text.strip()]


def test_the_workflow_runs_what_there_is():
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    for script in re.findall(r"(?:scripts|benchmarks)/[\w.-]+|\.ci/run", text):
        assert (ROOT / script).exists(), script
    for suite in ("bookworm", "trixie", "forky", "macos-latest", "windows-latest"):
        assert suite in text


def test_the_recipe_for_conda_asks_for_what_the_package_asks():
    recipe = (ROOT / "conda" / "meta.yaml").read_text(encoding="utf-8")
    assert f'version = "{pb.__version__.removesuffix(".dev0")}"' in recipe
    elsewhere = {"matplotlib": "matplotlib-base", "rpy2-rinterface": "rpy2"}  # one package there
    for text in PROJECT["dependencies"]:
        name = re.match(r"[\w-]+", text)[0]
        assert f"- {elsewhere.get(name, name)} >=" in recipe, text
    for package in set(installation.MINIMUM_PACKAGES) - {"Matrix"}:  # R's own
        assert f"- r-{package.lower()}\n" in recipe, package
    assert f"- python {PROJECT['requires-python']}" in recipe


def test_badges_say_what_the_project_says():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    badges = re.findall(r"!\[(.+)\]\(https://img\.shields\.io/badge/.+\)", readme)
    assert f"Python {PROJECT['requires-python'].removeprefix('>=')} or newer" in badges
    assert f"Licence {PROJECT['license']}" in badges
    assert f"R {installation.MINIMUM_R.removesuffix('.0')} to 4.6" in badges
    assert len(readme.split()) <= 700, "the README is one that is read"
