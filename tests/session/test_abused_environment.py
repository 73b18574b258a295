"""Environments that would break R or Python: a fit gives plain R's figures, or the error a remedy.

Each case is a process of its own, from which several tests may read.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from io import StringIO
from pathlib import Path

import pytest

from helpers import ROOT, TESTS
from helpers.abuse import CATCH, abused, remedies
from pymer_bridge.session import installation

pytestmark = pytest.mark.r

ASK = (
    CATCH
    + """
from pymer_bridge.session.r_session import session
def ask():
    caught(lambda: print(int(session().call("sum", x=[1, 2]).value[0])))
"""
)


# -- what should make no difference ---------------------------------------------------------------

OPTIONS = """
options(OutDec = ",", contrasts = c("contr.sum", "contr.poly"), warn = 2, digits = 3,
        error = quote(q("no")), na.action = "na.fail", defaultPackages = NULL)
lmer <- function(...) stop("not this one")
"""


@dataclass(frozen=True)
class Surroundings:
    """What surrounds a process: several oddities at once, as each process takes seconds."""

    profile: str = ""
    """Of the user, of the site, and in the working directory."""
    user_profile: str = ""
    """The one that R_PROFILE_USER names."""
    renviron: str = ""
    packages: str | None = None
    """R_DEFAULT_PACKAGES, with libraries that are nowhere."""
    home: str | None = "the folder"
    path: str | None = os.environ["PATH"]
    """Without one R is found by R_HOME."""
    closed: str = ""
    """Streams."""
    stack: int | None = None
    """Kilobytes."""
    options: tuple[str, ...] = ("-W", "error")
    """Of Python."""
    variables: Mapping[str, str] = field(default_factory=dict)


SURROUNDINGS = {
    "a broken profile": Surroundings(
        profile="stop('broken')",
        packages="NULL",
        closed="0<&-",
        options=("-O",),
        variables={"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    ),
    "a profile that is no R": Surroundings(
        profile="this is (no R",
        packages="nosuchpackage",
        closed="1>&-",
        options=("-OO", "-B"),
        variables={"OPENBLAS_NUM_THREADS": "64", "OMP_NUM_THREADS": "64", "OMP_STACKSIZE": "16k"},
    ),
    "a profile that quits": Surroundings(
        profile="q('no')",
        packages="base",
        closed="2>&-",
        options=("-X", "dev", "-W", "error"),
        variables={"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "PYTHONHASHSEED": "0"},
    ),
    "a profile that sets options": Surroundings(
        profile=OPTIONS,
        stack=256,
        options=("-X", "faulthandler", "-W", "error"),
        variables={"PYTHONMALLOC": "debug", "MALLOC_PERTURB_": "85", "MALLOC_CHECK_": "3"},
    ),
    "a user's profile, and no stream": Surroundings(
        user_profile=OPTIONS, home="relative", closed="0<&- 1>&- 2>&-"
    ),
    "a broken Renviron, no home, no path": Surroundings(
        renviron="R_LIBS=/nowhere\nR_LIBS_USER=/nowhere\nthis is no variable\n",
        home=None,
        path=None,
        options=("-X", "utf8=0", "-W", "error"),
        variables={"R_MAX_VSIZE": "200Mb", "R_GC_MEM_GROW": "0", "R_ENABLE_JIT": "0"},
    ),
    "a home and a path to nowhere": Surroundings(
        home="/nonexistent",
        path="/nonexistent",
        options=("-b", "-W", "error", "-I"),
        variables={"LANGUAGE": "de:ja:tr", "TZ": "Nowhere/Nothing", "R_HISTFILE": "/proc/x"},
    ),
    "a home of the system, an empty path": Surroundings(
        home="/proc",
        path="",
        stack=1024,
        variables={
            "R_LIBS_SITE": "",
            "R_SESSION_TMPDIR": "/nonexistent",
            "R_ARCH": "",
            "LD_PRELOAD": "",
        },
    ),
}


@pytest.mark.parametrize("odd", SURROUNDINGS.values(), ids=SURROUNDINGS.keys())
def test_odd_surroundings(odd, tmp_path):
    # Newer libffi opens a file when it is loaded, before us: it takes the number that is free, and
    # what R starts finds it closed.
    said = re.compile(r"to stderr|(sh|cat): .*(I/O error|Bad file descriptor|not found)")
    variables = {**odd.variables, "R_DEFAULT_PACKAGES": odd.packages, "PATH": odd.path}
    variables["HOME"] = str(tmp_path) if odd.home == "the folder" else odd.home
    if odd.home != "the folder":
        variables["TMPDIR"] = "/nonexistent"
    if odd.path != os.environ["PATH"]:
        variables["R_HOME"] = installation.r_home()
    if odd.packages:
        variables |= {name: str(tmp_path / "nowhere") for name in ("R_LIBS", "R_LIBS_USER")}
    site = tmp_path / "site.R"
    if odd.profile:
        for file in (tmp_path / ".Rprofile", site):
            file.write_text(odd.profile)
        variables |= {"R_PROFILE": str(site), "R_PROFILE_USER": None}
    if odd.user_profile:
        site.write_text(odd.user_profile)
        variables["R_PROFILE_USER"] = str(site)
    if odd.renviron:
        (tmp_path / ".Renviron").write_text(odd.renviron)
    # -I reads no PYTHONPATH, and -O no assertions.
    abused(
        f"""
import os, sys, threading
sys.path[:0] = [{str(TESTS)!r}, {str(ROOT)!r}]
if {odd.stack is not None}:
    threading.stack_size(128 * 1024)
from pymer_bridge.session.r_session import session
session().call("sum", x=1)
session().call("writeLines", text="to the console")
session().call("system", command="echo to stdout; echo to stderr >&2; cat")
if threading.stack_size() != {0 if odd.stack is None else 128 * 1024}:
    raise SystemExit("the size of a thread's stack was changed")
# For programs that are started later it stands as it was.
if os.environ.get("R_DEFAULT_PACKAGES") != {odd.packages!r}:
    raise SystemExit("the packages of other programs were changed")
""",
        tmp_path,
        variables=variables,
        options=odd.options,
        redirect=odd.closed,
        shell=f"ulimit -s {odd.stack}" if odd.stack else "",
        said="" if "2>&-" in odd.closed else said,
    )


# -- folders ---------------------------------------------------------------------------------------


def test_a_hostile_working_directory(tmp_path):
    here = tmp_path / "zürich 日本 \U0001f600 'x' $HOME"
    here.mkdir()
    for name in (
        "lme4.R",
        "lme4.py",
        "pandas.py",
        "rpy2.py",
        "numpy.py",
        ".Rprofile",
        ".RData",
        ".Rhistory",
        "Rscript",
        "R",
        "env",
    ):
        (here / name).write_text("raise SystemExit('run from the working directory')")
        (here / name).chmod(0o755)
    abused("", tmp_path, cwd=here)
    abused("", tmp_path, cwd=here, variables={"LC_ALL": "C", "PATH": f":{os.environ['PATH']}"})


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps the working directory of a process")
def test_a_working_directory_that_is_gone(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    said = re.compile(r"sh: .*getcwd\(\) failed.*|shell-init: .*")  # R asks a shell for its system
    abused(f"import os; os.rmdir({str(gone)!r})", tmp_path, cwd=gone, said=said)


# -- packages of R ---------------------------------------------------------------------------------


def test_packages_that_are_old_or_broken(tmp_path):
    """One process meets them in turn, and works once the fake library is gone."""
    library = tmp_path / "library"
    library.mkdir()
    out = abused(
        CATCH
        + f"""
import shutil
from pathlib import Path
from pymer_bridge.session.r_session import session
library = Path({str(library)!r})
def fake(package, description, namespace=None):
    shutil.rmtree(library); (library / package / "Meta").mkdir(parents=True)
    (library / package / "DESCRIPTION").write_text(description)
    if namespace is not None:
        (library / package / "NAMESPACE").write_text(namespace)
    print("==", package, repr(description), flush=True)
    caught(lambda: session().require("lme4"))
fake("lme4", "Package: lme4\\nVersion: 1.1-20\\n")
fake("lme4", "Package: lme4\\nVersion: 99.0\\n")
fake("lme4", "Package: lme4\\nVersion: 99.0\\n", "export(lmer)")
fake("Matrix", "Package: Matrix\\nVersion: 1.0-1\\n")
fake("nloptr", "Package: nloptr\\nVersion: 99.0\\n")
fake("lme4", "Package: lme4\\nVersion: new\\n")
fake("lme4", "")
fake("lme4", "\\0\\xff nonsense")
shutil.rmtree(library); library.mkdir()
""",
        tmp_path,
        variables={"R_LIBS": str(library)},
    )
    parts = out.split("== ")[1:]
    assert len(parts) == 8
    for part in parts[:5]:
        assert "REnvironmentError the R package 'lme4'" in part
        assert str(library) in part
        assert len(remedies(part)) == 1
        assert remedies(part)[0].startswith("Rscript ")
    assert "of version 1.1-20, and at least" in parts[0]
    assert all("cannot be loaded" in part for part in parts[1:5])
    assert "Matrix" in parts[3]
    assert "nloptr" in parts[4]
    # What R passes over as no package at all may stand before the good one.
    for part in parts[5:]:
        assert "no error" in part or ("tells no version" in part and len(remedies(part)) == 1)


# -- locales ---------------------------------------------------------------------------------------

LOCALES = {"de_DE.UTF-8": ("de_DE", "UTF-8"), "ja_JP.EUC-JP": ("ja_JP", "EUC-JP"),
           "ja_JP.UTF-8": ("ja_JP", "UTF-8"), "tr_TR.UTF-8": ("tr_TR", "UTF-8"),
           "de_DE.ISO-8859-1": ("de_DE", "ISO-8859-1")}  # fmt: skip


@cache
def locale_folder(root: Path) -> Path | None:
    """Make the locales there, or tell that this system lacks what they are made of."""
    if shutil.which("localedef") is None or not Path("/usr/share/i18n/locales/ja_JP").exists():
        return None
    folder = root / "locales"
    folder.mkdir()
    for name, (language, letters) in LOCALES.items():
        made = subprocess.run(
            ["localedef", "-i", language, "-f", letters, folder / name],
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert (folder / name / "LC_CTYPE").exists(), made.stderr
    return folder


@pytest.mark.parametrize("name", ["C", "POSIX", *LOCALES])
def test_other_locales(name, tmp_path, tmp_path_factory):
    variables = {"LC_ALL": name, "LANGUAGE": None}
    if name in LOCALES:
        folder = locale_folder(tmp_path_factory.getbasetemp())
        if folder is None:
            reason = "there is no localedef, or no package 'locales' with what it reads"
            if os.environ.get("CI"):
                pytest.fail(f"CI is set, and {reason}", pytrace=False)
            pytest.skip(reason)
        variables["LOCPATH"] = str(folder)
    out = abused(
        """
import locale, sys
import numpy as np, pandas as pd
print(locale.setlocale(locale.LC_ALL, ""))
import pymer_bridge as pb
from helpers.sound import figures
print(pb.load_dataset("sleepstudy")["Reaction"].iloc[0])
rng = np.random.default_rng(1)
places = np.repeat(["Zürich", "İstanbul", "\\u0131l\\u0131ca", "日本", "Ärzte", "I", "i"], 10)
data = pd.DataFrame({"größe": rng.normal(size=70) + np.repeat(np.arange(7), 10),
                     "İ": rng.normal(size=70), "場所": places, "T": rng.normal(size=70)})
fit = pb.lmer("größe ~ I(İ * 0.5) + I(T / 1.25) + (1 | 場所)", data)
assert set(fit.group_coefficients.to_frame()["level"]) == set(places)
assert fit.fixed_effects("none").to_frame()["term"].tolist() == [
    "(Intercept)", "I(İ * 0.5)", "I(T/1.25)"], fit
plain = data.rename(columns={"größe": "y", "İ": "x", "場所": "g", "T": "t"})
plain["x"] *= 0.5
plain["t"] /= 1.25
same = pb.lmer("y ~ x + t + (1 | g)", plain)
assert same.sigma == fit.sigma
assert "25.59" in str(pb.lmer("Reaction ~ Days + (Days | Subject)",
                              pb.load_dataset("sleepstudy")).summary("none"))
print(float(fit.sigma).hex())
print(f"{1.5:n}")
""",
        tmp_path,
        variables=variables,
    )
    _, first, _, shown = out.splitlines()
    assert first == "249.56"
    assert shown == ("1,5" if name.startswith(("de", "tr")) else "1.5")  # Python keeps its locale


# -- somebody else's rpy2 --------------------------------------------------------------------------

# By itself the newest rpy2 does not load beside an R before 4.5, so that it gets what is lacking.
THEIRS = """
import logging, warnings
warnings.simplefilter("ignore")  # of rpy2
logging.getLogger("rpy2").setLevel("ERROR")  # it warns that its compiled part does not load
from rpy2.rinterface_lib import openrlib
from pymer_bridge.session import older_r
older_r.supply(openrlib)
import rpy2.robjects as ro
from rpy2.robjects import pandas2ri
logging.getLogger("rpy2").setLevel("NOTSET")
warnings.simplefilter("error")
"""
SETTINGS = '''
ro.r("""options(contrasts = c("contr.sum", "contr.poly"), OutDec = ",", digits = 3, warn = 2,
                scipen = 99, na.action = "na.fail", error = quote(cat("theirs")))
        RNGkind("Wichmann-Hill"); set.seed(1)
        lmer <- function(...) stop("not this one"); c <- function(...) 42; T <- FALSE
        sleepstudy <- 1; .Last <- function() cat("")
     """)
'''
STILL_THEIRS = """
assert ro.r("getOption('digits')")[0] == 3 and ro.r("getOption('warn')")[0] == 2
assert ro.r("c(1)")[0] == 42 and ro.r("RNGkind()")[0] == "Wichmann-Hill"
with (ro.default_converter + pandas2ri.converter).context():
    assert ro.r("data.frame(x = 1:3)")["x"].tolist() == [1, 2, 3]
    ro.globalenv["frame"] = pb.load_dataset("sleepstudy")
    assert ro.r("ncol(frame)")[0] == 3
logging.getLogger("rpy2").setLevel("CRITICAL")  # it shows errors of R by logging
try:
    ro.r("stop('their error')")
except Exception as error:
    assert "their error" in str(error)
else:
    raise AssertionError
ro.r("print('their print')")
"""


ACTIVATE = """
warnings.simplefilter("ignore")
try:
    pandas2ri.activate()
except DeprecationWarning:
    pass
warnings.simplefilter("error")
"""
DRAWS = """
import pymer_bridge as pb
fit = pb.lmer("Reaction ~ Days + (1 | Subject)", pb.load_dataset("sleepstudy"))
import numpy as np
drawn = np.asarray(fit.simulate(3, seed=7))
print([float(x).hex() for x in drawn.ravel()[:6]])
print(float(pb.simulate_childread(seed=2).iloc[:, -1].sum()).hex())
"""


@pytest.fixture(scope="module")
def beside_rpy2(tmp_path_factory):
    """Return what programs print in which rpy2 was first, and is activated or not."""
    return {
        activated: abused(
            THEIRS
            + SETTINGS
            + ACTIVATE * activated
            + DRAWS
            + """
from helpers.sound import figures
first = figures()
"""
            + STILL_THEIRS
            + "assert figures() == first\n",
            tmp_path_factory.mktemp("rpy2"),
        )
        for activated in (False, True)
    }


@pytest.mark.parametrize("activated", [False, True])
def test_rpy2_before(activated, beside_rpy2):
    assert "their print" in beside_rpy2[activated]


def test_rpy2_before_and_its_random_numbers(beside_rpy2):
    """Draws from a seed are R's own, whatever generator somebody else has chosen."""
    with redirect_stdout(StringIO()) as alone:
        exec(DRAWS, {})
    assert set(beside_rpy2.values()) == {alone.getvalue() + 'theirs[1] "their print"\n'}


def test_rpy2_afterwards(tmp_path):
    out = abused(
        "import pymer_bridge as pb\nfrom helpers.sound import figures\nfirst = figures()\n"
        + THEIRS
        + SETTINGS
        + "assert figures() == first\n"
        + STILL_THEIRS,
        tmp_path,
    )
    assert "their print" in out


def test_rpy2_at_the_same_time(tmp_path):
    """Another thread uses R, holding rpy2's lock as rpy2 asks of programs with threads."""
    abused(
        THEIRS
        + """
import gc, threading
from rpy2.rinterface_lib.openrlib import rlock
import pymer_bridge as pb
from helpers.sound import figures
first, done, counted = figures(), threading.Event(), []
def work():
    with ro.default_converter.context():
        while not done.is_set():
            with rlock:
                values = ro.FloatVector(range(1000))
                counted.append(ro.r["mean"](values)[0])
            del values  # freed without the lock
            gc.collect()
thread = threading.Thread(target=work); thread.start()
rounds = 0
while rounds < 5 or len(counted) < 16:
    assert figures() == first
    rounds += 1
done.set(); thread.join()
assert len(counted) > 15 and set(counted) == {499.5}
""",
        tmp_path,
    )


def test_a_call_from_within_a_call_by_rpy2(tmp_path):
    out = abused(
        THEIRS
        + CATCH
        + """
import rpy2.rinterface as ri
import pymer_bridge as pb
def ask():
    caught(lambda: pb.load_dataset("sleepstudy"))
    return ri.IntSexpVector([1])
asking = ri.rternalize(ask)
ro.globalenv["ask"] = asking
ro.r("ask()")
pb.load_dataset("sleepstudy")
ro.r("ask()")
""",
        tmp_path,
    )
    assert out.count("SessionError this thread is within a call of R by rpy2") == 2


# -- limits --------------------------------------------------------------------------------------


def test_what_keeps_r_from_starting(tmp_path):
    """One process meets it all in turn, and works once each is fixed."""
    programs, spaced = tmp_path / "bin", tmp_path / "a b"
    for folder in (programs, spaced):
        folder.mkdir()
    (programs / "R").write_text("not a program")
    (programs / "R").chmod(0o755)
    out = abused(
        ASK
        + f"""
import os, resource
import pymer_bridge as pb, pandas
pandas.DataFrame({{"x": [1.0]}}).describe()

def limited(what, number, call):
    hard = resource.getrlimit(what)[1]
    resource.setrlimit(what, (number if hard < 0 else min(number, hard), hard))
    call()
    resource.setrlimit(what, (hard, hard))

print("== no R", flush=True)
path = os.environ["PATH"]
os.environ.pop("R_HOME", None)
os.environ["PATH"] = {str(programs)!r}
ask()
os.environ["PATH"] = path

print("== no room for temporary files", flush=True)
for name in ("TMP", "TEMP"):
    os.environ.pop(name, None)
os.environ["TMPDIR"] = {str(spaced)!r}
ask()
os.environ["TMPDIR"] = {str(tmp_path)!r}
limited(resource.RLIMIT_FSIZE, 0, ask)  # as on a full disk
os.environ["TMPDIR"] = "/proc/self"
if os.access("/proc/self", os.W_OK):
    ask()
os.environ["TMPDIR"] = {str(tmp_path)!r}

print("== few open files", flush=True)
limited(resource.RLIMIT_NOFILE, 4, ask)
limited(resource.RLIMIT_NOFILE, 8, ask)
limited(resource.RLIMIT_NOFILE, 64, ask)
limited(resource.RLIMIT_NOFILE, 64, lambda: pb.load_dataset("sleepstudy"))
limited(resource.RLIMIT_NOFILE, 4, lambda: caught(lambda: pb.load_dataset("sleepstudy")))
""",
        tmp_path,
    )
    _, no_r, no_room, few = out.split("== ")
    assert str(programs / "R") in no_r
    assert len(remedies(no_r)) == 1
    assert str(spaced) in no_room
    assert f"{tmp_path} cannot be written to" in no_room
    assert len(remedies(no_room)) == no_room.count("REnvironmentError") >= 2
    assert all("export TMPDIR" in remedy for remedy in remedies(no_room))
    assert "REnvironmentError" in few
    assert "ulimit -n" in remedies(few)[0]
    assert "3\nno error" in few  # fixed, in the same process
    assert not list(tmp_path.glob("Rtmp*"))


def test_little_address_space(tmp_path):
    out = abused(
        ASK
        + """
import resource
from pathlib import Path
import numpy as np, pandas as pd
import pymer_bridge as pb
from helpers.sound import CLASSIC
hard = resource.getrlimit(resource.RLIMIT_AS)[1]
def room(megabytes):
    if megabytes is None:
        return resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
room(16)
ask()
room(None)
ask()
fit = pb.lmer(CLASSIC, pb.load_dataset("sleepstudy"))
room(60)
n = 2_000_000
def large():
    try:
        data = pd.DataFrame({"y": np.arange(n) % 7.0, "x": np.arange(n) % 11.0,
                             "g": np.arange(n) % 1000})
        pb.lmer("y ~ x + (1 | g)", data)
    except MemoryError as error:
        print("MemoryError", error)
        raise pb.PymerError from error
caught(large)
caught(lambda: session().call("numeric", length=1e9))
caught(lambda: session().call("numeric", length=1e15))
room(None)
""",
        tmp_path,
    )
    lines = out.splitlines()
    assert "64 MB of address space" in lines[0]
    assert "ulimit -v" in remedies(out)[0]
    assert lines[2:4] == ["3", "no error"]
    assert "cannot allocate" in lines[-1]
    assert "cannot allocate" in lines[-2]
    assert sum("Error" in line for line in lines) >= 4
