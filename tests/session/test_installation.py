"""What is said where R, a package or rpy2 is missing, too old or broken: one remedy each."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from helpers.scripted import load_script
from pymer_bridge.errors import REnvironmentError
from pymer_bridge.session import installation
from pymer_bridge.session.doctor import features_here
from pymer_bridge.session.r_session import session

r = pytest.mark.r

ASK = """
    from pymer_bridge.errors import REnvironmentError
    from pymer_bridge.session.r_session import session
    try:
        session().call("sum", x=1)
    except REnvironmentError as error:
        print(error)
    else:
        print("R works")
"""


def run(code: str, **environment_: str | None) -> str:
    """Run code in a fresh Python, with variables set, or taken away (None)."""
    variables = {**os.environ, **environment_}
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={name: value for name, value in variables.items() if value is not None},
    )
    assert (process.returncode, process.stderr) == (0, ""), process.stderr
    return process.stdout


def fake_r(folder: Path, version: str) -> Path:
    """Make an R home whose R only tells its version."""
    program = folder / "bin" / "R"
    program.parent.mkdir(parents=True)
    program.write_text(
        f'#!/bin/sh\n[ "$1" = RHOME ] && echo {folder} && exit\n'
        f'echo "R version {version} (2020-02-29) -- \\"Fake\\""\n'
    )
    program.chmod(0o755)
    return folder


def remedy(said: str) -> str:
    """Give the command in an error's text, which has one alone."""
    found = re.findall(r"^Fix it with: (.+)$", said, flags=re.MULTILINE)
    assert len(found) == 1, said
    return str(found[0])


# -- R itself --------------------------------------------------------------------------------------


def test_r_that_is_missing(tmp_path):
    said = run(ASK, PATH=str(tmp_path), R_HOME=None)
    assert "R was not found" in said
    assert "PATH" in said
    assert "R_HOME" in said
    assert remedy(said)


def test_r_that_is_missing_is_no_error_of_importing(tmp_path):
    code = "import pymer_bridge as pb; pb.lmer, pb.show_versions; print(pb.__version__)"
    assert run(code, PATH=str(tmp_path), R_HOME=None)


def test_a_wrong_r_home(tmp_path):
    said = run(ASK, R_HOME=str(tmp_path / "nowhere"))
    assert str(tmp_path / "nowhere") in said
    assert "R_HOME" in remedy(said)


def test_an_r_that_is_too_old(tmp_path):
    home = fake_r(tmp_path / "old", "3.6.3")
    for variables in ({"R_HOME": str(home)}, {"R_HOME": None, "PATH": f"{home}/bin:/usr/bin:/bin"}):
        said = run(ASK, **variables)
        assert "3.6.3" in said
        assert installation.MINIMUM_R in said
        assert str(home) in said
        assert remedy(said)


@r
def test_what_was_missing_may_be_mended_in_the_same_process(tmp_path):
    out = run(f"""
        import os
        from pymer_bridge.errors import REnvironmentError
        from pymer_bridge.session.r_session import session
        right = os.environ.pop("R_HOME", None)
        os.environ["R_HOME"] = {str(tmp_path)!r}
        for _ in range(2):
            try:
                session().call("sum", x=1)
            except REnvironmentError as error:
                print("no R")
        del os.environ["R_HOME"]
        if right: os.environ["R_HOME"] = right
        print(int(session().call("sum", x=[1, 2]).value[0]))
    """)
    assert out == "no R\nno R\n3\n"


@r
def test_the_versions_that_are_found():
    home = installation.r_home()
    assert home is not None
    version = installation.r_version(home)
    told = session().call("describe_session", packages=["lme4"]).value
    assert version == tuple(map(int, told["r_version"][0].split(".")))
    assert Path(told["r_home"][0]).resolve() == Path(home).resolve()


def test_versions_of_what_is_no_r(tmp_path):
    assert installation.r_version(str(tmp_path)) is None
    assert installation.r_version(str(fake_r(tmp_path / "odd", "4.3.0"))) == (4, 3, 0)
    program = tmp_path / "bin" / "R"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o755)
    assert installation.r_version(str(tmp_path)) is None


def test_the_install_command_fits_the_platform(monkeypatch):
    for tool, start in (("apt-get", "sudo apt-get"), ("brew", "brew"), ("conda", "conda")):
        monkeypatch.setattr(installation.shutil, "which", lambda name, tool=tool: name == tool)
        assert installation.install_r_command().startswith(start)
    monkeypatch.setattr(installation.shutil, "which", lambda name: None)
    assert "cloud.r-project.org" in installation.install_r_command()


# -- packages of R ---------------------------------------------------------------------------------


@r
def test_a_missing_package_is_named():
    with pytest.raises(REnvironmentError) as caught:
        session().require("notapackage")
    said = str(caught.value)
    assert "'notapackage' is not installed" in said
    assert session().call(".libPaths").value[0] in said
    assert remedy(said).endswith("--require=notapackage")
    assert installation.requirements_script().is_file()


@r
def test_a_package_that_is_too_old_is_named(monkeypatch):
    monkeypatch.setitem(installation.MINIMUM_PACKAGES, "lme4", "99.1-2")
    monkeypatch.setattr(session(), "_loaded", set())
    with pytest.raises(REnvironmentError) as caught:
        session().require("lme4")
    said = str(caught.value)
    installed = session().call("describe_session", packages=["lme4"]).value["versions"][0]
    assert f"'lme4' is of version {installed}" in said
    assert "at least 99.1-2" in said
    assert remedy(said) == f'Rscript "{installation.requirements_script()}"'


@r
def test_a_package_that_does_not_load_is_named(tmp_path):
    broken = tmp_path / "brokenpackage"
    broken.mkdir()
    (broken / "DESCRIPTION").write_text("Package: brokenpackage\nVersion: 1.0\n")
    out = run(
        """
        from pymer_bridge.errors import REnvironmentError
        from pymer_bridge.session.r_session import session
        try:
            session().require("brokenpackage")
        except REnvironmentError as error:
            print(error)
        """,
        R_LIBS=str(tmp_path),
    )
    assert "'brokenpackage' cannot be loaded" in out
    assert str(tmp_path) in out
    assert remedy(out)


@r
def test_a_package_is_loaded_once(monkeypatch):
    session().require("lme4")
    monkeypatch.setattr(session(), "call", lambda *args, **kwargs: pytest.fail("asked again"))
    session().require("lme4")


def test_the_two_tables_of_versions_agree():
    script = installation.requirements_script().read_text(encoding="utf-8")
    table = re.search(r"^requirements <- c\(\n(.*?)^\)", script, flags=re.MULTILINE | re.DOTALL)
    assert table is not None
    stated = dict(re.findall(r'(\w+)\s*=\s*"([^"]+)"', table[1]))
    assert stated.pop("R") == installation.MINIMUM_R
    assert stated == installation.MINIMUM_PACKAGES


def test_the_two_lists_of_features_agree() -> None:
    script = installation.requirements_script().read_text(encoding="utf-8")
    found = re.search(r"^features <- list\(\n(.*?)^\)", script, flags=re.MULTILINE | re.DOTALL)
    assert found is not None
    stated = {
        name: tuple(re.findall(r'"([^"]+)"', packages))
        for name, packages in re.findall(r"^  (\w+) = (.*?)(?:,?\n)", found[1], flags=re.MULTILINE)
    }
    assert stated == {name: of for name, (of, _) in installation.FEATURES.items()}


def test_the_page_has_the_table_of_features() -> None:
    script = load_script("list-features")
    page = script.PAGE.read_text(encoding="utf-8")
    assert page == script.written(page)
    assert "| `checks` | `fit.check()` | `r-cran-performance` | yes | no | yes |" in page


@r
def test_what_is_missing_is_said_with_the_command(monkeypatch) -> None:
    monkeypatch.setitem(installation.FEATURES, "nothing", (("no.such.package",), "`fit.none()`"))
    monkeypatch.setattr(
        installation, "OPTIONAL_PACKAGES", (*installation.OPTIONAL_PACKAGES, "no.such.package")
    )
    found = features_here()
    assert found["nothing"].missing == ("no.such.package",)
    assert "without no.such.package" in str(found)
    assert re.search(r'r_requirements\.R" --for=.*nothing$', found.remedy)
    assert type(found).from_dict(found.to_dict()) == found


# -- rpy2 ------------------------------------------------------------------------------------------

BROKEN = {
    "of another R": "raise ImportError('undefined symbol: R_new')",
    "without libR": "raise OSError('libR.so: cannot open shared object file')",
    "without R": "raise ValueError('openrlib.R_HOME cannot be None.')",
    "not compiled, of another R": "import _cffi_backend as cffi\n"
    "raise cffi.FFI.error('symbol R_new not found')",
}


@r
@pytest.mark.parametrize("kind", list(BROKEN))
def test_a_broken_rpy2(kind, tmp_path):
    package = tmp_path / "rpy2" / "rinterface_lib"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "openrlib.py").write_text(BROKEN[kind])
    paths = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    said = run(ASK, PYTHONPATH=paths)
    assert BROKEN[kind].split("'")[1] in said
    assert (installation.r_home() or "") in said
    assert remedy(said) == installation.install_rinterface_command()
    assert remedy(said).startswith(f'"{Path(sys.executable)}" -m pip install ')


@r
def test_an_rpy2_that_is_missing(tmp_path):
    (tmp_path / "rpy2.py").write_text("raise ModuleNotFoundError(\"No module named 'rpy2'\")")
    said = run(ASK, PYTHONPATH=str(tmp_path))
    assert "No module named 'rpy2'" in said
    assert "rpy2" in remedy(said)


# -- the command line says it in one line ----------------------------------------------------------


@pytest.mark.parametrize("command", [["fit", "lme4::sleepstudy", "Reaction ~ 1"], ["demo"]])
def test_the_command_line_shows_no_traceback(command, tmp_path):
    variables = {k: v for k, v in os.environ.items() if k != "R_HOME"} | {"PATH": str(tmp_path)}
    process = subprocess.run(
        [sys.executable, "-m", "pymer_bridge", *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=variables,
    )
    assert process.returncode == 1
    assert process.stdout == ""
    assert process.stderr.startswith("pymer-bridge: R was not found")
    assert "Traceback" not in process.stderr
