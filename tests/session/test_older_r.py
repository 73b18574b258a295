"""Functions that rpy2 asks for and an older R lacks: what is made for it means what R's own does.

Each rpy2 that ``pyproject.toml`` allows is tried with the R at hand; the matrix has the Rs.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import pymer_bridge as pb
from helpers import ROOT
from helpers.sound import CLASSIC
from pymer_bridge.session import installation, older_r

pytestmark = pytest.mark.r

VERSIONS = ("3.6.5", "3.6.6", "3.6.7")
"""Of rpy2-rinterface, from the oldest that is allowed to the newest that is known."""

WITHOUT_US = """
    import json, logging, os, platform, sys
    logging.getLogger("rpy2").setLevel("CRITICAL")
    try:
        import rpy2.rinterface
        alone = True
    except Exception:
        alone = False
    from rpy2.rinterface_lib import openrlib
    from pymer_bridge.session import older_r
    rpy2_s = openrlib.rlib
    supplied = older_r.supply(openrlib)
    assert older_r.supply(openrlib) == ()  # once is enough
    if not supplied:
        assert openrlib.rlib is rpy2_s
"""


def run(code: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **variables},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def version_of_r() -> tuple[int, ...]:
    version = installation.r_version(installation.r_home() or "")
    assert version is not None
    return version


@pytest.fixture(scope="module")
def uncompiled(tmp_path_factory):
    """Give a folder with the uncompiled part of an rpy2 of this version."""
    made = {}

    def of(version: str) -> Path:
        if version not in made:
            made[version] = tmp_path_factory.mktemp("rpy2") / version
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
            subprocess.run(
                [*pip, "--target", made[version], f"rpy2-rinterface=={version}"],
                check=True,
                timeout=300,
                env={**os.environ, "RPY2_CFFI_MODE": "ABI"},
            )
        return made[version]

    return of


def test_the_versions_are_those_that_are_allowed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (wanted,) = (text for text in project["dependencies"] if "rinterface" in text)
    assert wanted == f"rpy2-rinterface>={VERSIONS[0]},<3.7"
    assert VERSIONS[-1] == installation.RINTERFACE


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_an_rpy2_that_is_allowed_fits(version, uncompiled):
    said = run(
        f"""
        import pymer_bridge as pb
        from pymer_bridge.session.r_session import session
        from importlib.metadata import version
        assert version("rpy2-rinterface") == {version!r}
        fit = pb.lmer({CLASSIC!r}, pb.load_dataset("sleepstudy"))
        print(session().rpy2_mode(), float(fit.fixed_effects()["Days"].p_value).hex())
        """,
        PYTHONPATH=os.pathsep.join([str(uncompiled(version)), str(ROOT)]),
        RPY2_CFFI_MODE="ABI",
    )
    here = pb.lmer(CLASSIC, pb.load_dataset("sleepstudy")).fixed_effects()["Days"].p_value
    mode, p_value = said.rsplit(maxsplit=1)
    assert float.fromhex(p_value) == here
    helped = version != "3.6.5" and version_of_r() < (4, 5)
    assert mode == ("ABI, with functions of R 4.5 made for an older R" if helped else "ABI")


def test_only_what_is_lacking_is_supplied():
    """Also after rpy2 alone has failed to load, as another program's attempt would."""
    said = run(
        WITHOUT_US
        + """
    import rpy2.rinterface as ri
    from importlib.metadata import version
    print(json.dumps([alone, supplied, version("rpy2-rinterface")]))
    """
    )
    alone, supplied, version = json.loads(said)
    lacking = older_r.ADDED_LATER if version != "3.6.5" and version_of_r() < (4, 5) else ()
    if version_of_r() >= (4, 4, 1):
        lacking = tuple(name for name in lacking if name != "Rf_allocLang")
    assert tuple(supplied) == lacking
    assert alone == (not lacking)


# What is made is tried with every R; with one that has functions of its own, against those.
MADE = (
    WITHOUT_US
    + """
    import ctypes
    import rpy2.rinterface as ri
    from rpy2.rinterface_lib.embedded import RRuntimeError
    ri.initr()
    rlib, ffi = openrlib.rlib, openrlib.ffi
    from rpy2.rinterface_lib import _rinterface_capi as capi, memorymanagement
    path = openrlib.rpy2.situation.get_rlib_path(openrlib.R_HOME, platform.system())
    made = older_r._made_of_older(rlib, ffi, ctypes.CDLL(path), openrlib.__package__)
    own = {name: getattr(rpy2_s, name) for name in made if not supplied}
    base, r = ri.baseenv, lambda text: ri.evalr(text)

    def stops(call):
        try:
            call()
        except RRuntimeError as error:
            return str(error)
        raise AssertionError("no error")

    def symbol(name):
        return rlib.Rf_install(name.encode())

    def value(name, frame, inherits=0):
        found = made["R_getVar"](symbol(name), frame.__sexp__._cdata, inherits)
        if own and name != "active":  # which gives another 7 each time
            assert own["R_getVar"](symbol(name), frame.__sexp__._cdata, inherits) == found
        with memorymanagement.rmemory() as memory:
            return ri.conversion._cdata_to_rinterface(memory.protect(found))
"""
)

LOOKED_UP = """
    frame = r("outer <- new.env(); inner <- new.env(parent = outer); inner")
    r('assign("x", 1, outer); assign("y", 2, inner); forced <- 0')
    assert value("y", frame)[0] == 2 and value("x", frame, 1)[0] == 1
    assert "'x'" in stops(lambda: made["R_getVar"](symbol("x"), frame.__sexp__._cdata, 0))
    assert "'none'" in stops(lambda: made["R_getVar"](symbol("none"), frame.__sexp__._cdata, 1))
    r('delayedAssign("later", {forced <<- forced + 1; y + 40}, inner, inner)')
    assert [value("later", frame)[0] for _ in range(3)] == [42, 42, 42]
    assert r("forced")[0] == 1
    r('delayedAssign("bad", stop("not now"), assign.env = inner)')
    for inherits in (0, 1):
        assert "'bad'" in stops(
            lambda: made["R_getVar"](symbol("bad"), frame.__sexp__._cdata, inherits))
    r('makeActiveBinding("active", function() 7, inner); assign("nothing", quote(expr = ), inner)')
    assert value("active", frame)[0] == 7
    assert "'nothing'" in stops(
        lambda: made["R_getVar"](symbol("nothing"), frame.__sexp__._cdata, 0))
    assert value("sum", base).rid == value("sum", ri.globalenv, 1).rid == base["sum"].rid
    assert r("1 + 1")[0] == 2  # R goes on
"""

PARENTS = """
    def same(name, thing, wanted):
        given = thing.__sexp__._cdata
        assert made[name](given) == wanted.__sexp__._cdata
        if own:
            assert own[name](given) == wanted.__sexp__._cdata

    for frame in (r("inner <- new.env()"), ri.globalenv, base, r('asNamespace("stats")')):
        same("R_ParentEnv", frame, base["parent.env"](frame))
    for function in (r("function(x) x"), r("stats::lm"), r("local(function() 1)")):
        same("R_ClosureEnv", function, base["environment"](function))
    assert "only a closure" in stops(lambda: made["R_ClosureEnv"](base["sum"].__sexp__._cdata))
"""

CALLS = """
    assert made["Rf_allocLang"](0) == rlib.R_NilValue
    for n in (1, 2, 7):
        with memorymanagement.rmemory() as memory:
            for allocate in filter(None, (made["Rf_allocLang"], own.get("Rf_allocLang"))):
                call = memory.protect(allocate(n))
                assert capi._TYPEOF(call) == rlib.LANGSXP and rlib.Rf_length(call) == n
                while call != rlib.R_NilValue:
                    assert rlib.CAR(call) == rlib.R_NilValue and rlib.TAG(call) == rlib.R_NilValue
                    call = rlib.CDR(call)
    # Garbage is collected at every turn.
    base["gctorture"](True)
    for _ in range(5):
        made_list = base["list"](ri.FloatSexpVector([1.5]), b=ri.StrSexpVector(["two"]))
        assert made_list[0][0] == 1.5 and made_list[1][0] == "two"
    base["gctorture"](False)
"""

VARIABLES = """
    assert rlib.CE_UTF8 == 1 and rlib.R_NilValue == rpy2_s.R_NilValue
    rlib.R_interrupts_pending = 0
    for value in (7, 9):  # a variable is read anew each time, whoever set it
        rpy2_s.R_CStackLimit, before = value * 10**9, rpy2_s.R_CStackLimit
        assert rlib.R_CStackLimit == value * 10**9
        rlib.R_CStackLimit = before
        assert rpy2_s.R_CStackLimit == before
    rlib.ptr_R_ProcessEvents, before = ffi.NULL, rlib.ptr_R_ProcessEvents
    assert rpy2_s.ptr_R_ProcessEvents == ffi.NULL and before != ffi.NULL
    rlib.ptr_R_ProcessEvents = before
    assert rlib.ptr_R_ProcessEvents == before
    assert rlib.Rf_eval == rpy2_s.Rf_eval
    try:
        rlib.nowhere
    except AttributeError:
        pass
    else:
        raise AssertionError
"""


def test_what_is_made_means_what_r_has():
    if version_of_r() >= (4, 6) or metadata.version("rpy2-rinterface") == "3.6.5":
        pytest.skip("nothing is made: this R hides older functions, or this rpy2 asks for no other")
    assert run(MADE + LOOKED_UP + PARENTS + CALLS + VARIABLES + "    print('done')\n") == "done\n"


def test_an_asked_for_mode_that_cannot_be_had(monkeypatch):
    monkeypatch.setenv("RPY2_CFFI_MODE", "API")
    said = str(installation.unusable_rpy2(ImportError("undefined symbol"), "/nowhere"))
    assert said.endswith("(RPY2_CFFI_MODE is API)\nFix it with: unset RPY2_CFFI_MODE")
    for mode in ("", "any"):
        monkeypatch.setenv("RPY2_CFFI_MODE", mode)
        said = str(installation.unusable_rpy2(ImportError("undefined symbol"), "/nowhere"))
        assert re.search(rf'Fix it with: .* "rpy2-rinterface=={installation.RINTERFACE}"$', said)
