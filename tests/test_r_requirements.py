"""r_requirements.R, run by a real R on small generated packages and repositories."""

import functools
import http.server
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpers import ROOT

pytestmark = pytest.mark.r

SCRIPT = ROOT / "r_requirements.R"
OLD = "2024-01-02"
NEW = "2024-02-01"

# Nothing answers there, so what goes through it fails at once instead of leaving the machine.
NO_WAY_OUT = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Package:
    """A source package of R code only, so that no compiler is needed."""

    name: str
    version: str
    fields: str = ""
    code: str = "answer <- function() 42"

    def write(self, contrib: Path) -> None:
        files = {
            "DESCRIPTION": (
                f"Package: {self.name}\nVersion: {self.version}\nTitle: T\nDescription: D.\n"
                f"License: GPL-2\nAuthor: A\nMaintainer: A <a@example.org>\nByteCompile: no\n"
                f"{self.fields}"
            ),
            "NAMESPACE": "export(answer)\n",
            f"R/{self.name}.R": f"{self.code}\n",
        }
        contrib.mkdir(parents=True, exist_ok=True)
        with tarfile.open(contrib / f"{self.name}_{self.version}.tar.gz", "w:gz") as archive:
            for path, text in files.items():
                data = text.encode()
                member = tarfile.TarInfo(f"{self.name}/{path}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))


ALPHA_OLD = Package("alpha", "1.0-2")
ALPHA_NEW = Package("alpha", "1.0-10", "Depends: R (>= 3.5)\n")
GAMMA_OLD = Package("gamma", "1.0")
BUILT = Package("built", "1.0")
# R CMD INSTALL loads what it installed, and so refuses a package that never loads; this one
# lets that pass.
FICKLE = Package(
    "fickle",
    "1.0",
    code="answer <- 42\n.onLoad <- function(...) "
    'if (!nzchar(Sys.getenv("R_PACKAGE_NAME"))) stop("the engine is out")',
)
DEADLY = Package(
    "deadly",
    "1.0",
    code="answer <- 42\n.onLoad <- function(...) "
    'if (!nzchar(Sys.getenv("R_PACKAGE_NAME"))) quit(status = 3)',
)
# Loads, and cannot fit anything.
HOLLOW = Package("lme4", "1.0")
NEVER = Package("never", "1.0", code='answer <- 42\n.onLoad <- function(...) stop("no, never")')
# Installed once, for the tests to begin with.
SHELF = [ALPHA_OLD, ALPHA_NEW, GAMMA_OLD, BUILT, DEADLY, HOLLOW]
REPOSITORY = {
    OLD: [ALPHA_OLD],
    NEW: [
        ALPHA_NEW,
        Package("beta", "0.3", "Imports: gamma (>= 1.1)\n", "answer <- function() gamma::answer()"),
        Package("gamma", "1.1"),
        FICKLE,
        NEVER,
        Package("ahead", "2.0", "Depends: R (>= 99.1)\n"),
    ],
}


def rscript() -> str:
    found = shutil.which("Rscript")
    assert found, "Rscript is not on the PATH"
    return found


def r() -> str:
    return str(Path(rscript()).with_name("R"))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two snapshots of a repository, in cran/<date>; one package of the later one is a binary."""
    root = tmp_path_factory.mktemp("repository")
    for date, packages in REPOSITORY.items():
        for package in packages:
            package.write(root / "cran" / date / "src" / "contrib")
    for version in {package.version for package in SHELF}:
        shelf = root / "shelf" / version
        shelf.mkdir(parents=True)
        packages = [package for package in SHELF if package.version == version]
        for package in packages:
            package.write(root / "source")
        sources = [root / "source" / f"{p.name}_{p.version}.tar.gz" for p in packages]
        subprocess.run(
            [r(), "CMD", "INSTALL", "--build", "--no-test-load", f"--library={shelf}", *sources],
            check=True,
            cwd=root,
            capture_output=True,
        )
    # As repositories of Linux binaries do it: built packages where the sources would be.
    (binary,) = root.glob("built_1.0_*.tar.gz")
    shutil.copy(binary, root / "cran" / NEW / "src" / "contrib" / "built_1.0.tar.gz")
    expression = (
        'for (contrib in Sys.glob("cran/*/src/contrib"))'
        ' tools::write_PACKAGES(contrib, type = "source")'
    )
    subprocess.run(
        [rscript(), "--vanilla", "-e", expression], check=True, cwd=root, capture_output=True
    )
    return root / "cran"


@dataclass
class Run:
    status: int
    out: str
    err: str

    def row(self, package: str) -> list[str]:
        """Give the package's row of the table: wanted, found, status, library."""
        line = re.search(rf"^{package}  .*$", self.out, re.MULTILINE)
        assert line, f"no row for {package} in:\n{self.out}\n{self.err}"
        return re.split(r" {2,}", line[0])[1:]

    def problem(self, package: str) -> str:
        """Give what stderr has on a package: the problem and its remedy."""
        found = re.search(
            rf"^r_requirements: ({package}: .*\n  remedy: .*)$", self.err, re.MULTILINE
        )
        assert found, f"no problem of {package} in:\n{self.err}"
        return found[1]


class Machine:
    """An R with libraries of its own: `first` (in R_LIBS) and `user` (not there yet)."""

    def __init__(self, root: Path, repository: Path) -> None:
        self.root = root
        self.repository = repository
        self.first = root / "first"
        self.user = root / "home" / "R" / "library"
        for directory in (self.first, root / "home", root / "site"):
            directory.mkdir()
        self.profile = root / "profile.R"
        self.profile.write_text("")
        self.prefix: list[str] = []
        # Nothing of this machine's or this user's R set-up may matter.
        unwanted = re.compile(r"^(R_|PYMER_BRIDGE_R_|.*_proxy$)", re.IGNORECASE)
        self.env = {k: v for k, v in os.environ.items() if not unwanted.match(k)}
        self.env |= {
            "HOME": str(root / "home"),
            "LC_ALL": "C",
            "R_LIBS": str(self.first),
            "R_LIBS_USER": str(self.user),
            "R_LIBS_SITE": str(root / "site"),
            # Saves a third of the time an installation takes.
            "R_INSTALL_STAGED": "false",
            # The site's file too: Debian's puts a library of the machine before R_LIBS_SITE.
            "R_ENVIRON": str(root / "none"),
            "R_ENVIRON_USER": str(root / "none"),
            "R_PROFILE": str(root / "none"),
            "R_PROFILE_USER": str(self.profile),
            "http_proxy": NO_WAY_OUT,
            "https_proxy": NO_WAY_OUT,
            "no_proxy": "127.0.0.1",
        }

    def libraries(self) -> list[str]:
        """Give the libraries R has here, without its own (where the script never installs)."""
        done = subprocess.run(
            [rscript(), "-e", "writeLines(setdiff(.libPaths(), .Library))"],
            env=self.env,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.splitlines()

    def url(self, date: str = NEW) -> str:
        return (self.repository / date).as_uri()

    def run(self, *options: str) -> Run:
        done = subprocess.run(
            [*self.prefix, rscript(), str(SCRIPT), *options],
            check=False,
            env=self.env,
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return Run(done.returncode, done.stdout, done.stderr)

    def require(self, wanted: str, *options: str, date: str = NEW) -> Run:
        return self.run(f"--require={wanted}", f"--repos={self.url(date)}", *options)

    def put(self, package: Package) -> None:
        """Have a package in the first library without the script."""
        shelf = self.repository.parent / "shelf" / package.version / package.name
        shutil.copytree(shelf, self.first / package.name)

    def version(self, package: str, library: Path | None = None) -> str | None:
        description = (library or self.first) / package / "DESCRIPTION"
        if not description.exists():
            return None
        found = re.search(r"^Version: (.*)$", description.read_text(), re.MULTILINE)
        assert found
        return found[1]

    def files(self) -> dict[Path, int]:
        """Everything there is, and when it was last changed."""
        return {path: path.stat().st_mtime_ns for path in self.root.rglob("*")}

    def write_protect(self, *directories: Path) -> None:
        """Take away the permission to write, from root as well."""
        for directory in directories:
            directory.chmod(0o555)
        if os.access(directories[0], os.W_OK):
            # Without its capabilities root is bound by permissions like any other user.
            self.prefix = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
            refused = subprocess.run(
                [*self.prefix, "mkdir", str(directories[0] / "trial")],
                check=False,
                capture_output=True,
            )
            assert refused.returncode, "root keeps writing, without its capabilities"


@pytest.fixture(scope="module")
def isolated(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> None:
    """Make sure, before anything is installed, that it cannot go to a library of this machine."""
    machine = Machine(tmp_path_factory.mktemp("isolated").resolve(), repository)
    expected = [str(machine.first), str(machine.root / "site")]
    assert machine.libraries() == expected, "R has more libraries than the tests gave it"


@pytest.fixture
def machine(tmp_path: Path, repository: Path, isolated: None) -> Iterator[Machine]:
    machine = Machine(tmp_path.resolve(), repository)
    yield machine
    for directory in (machine.first, machine.root / "home", machine.root / "site"):
        directory.chmod(0o755)


@dataclass
class Server:
    port: int
    requests: list[tuple[str, str]]

    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]


@pytest.fixture
def server(repository: Path) -> Iterator[Server]:
    """The repository over HTTP, and what it was asked for, by which agent."""
    requests: list[tuple[str, str]] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            requests.append((self.path, self.headers.get("User-Agent", "")))
            super().do_GET()

    handler = functools.partial(Handler, directory=str(repository.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield Server(httpd.server_address[1], requests)
        httpd.shutdown()
        thread.join()


def codename() -> str | None:
    """Give what the script should call this Linux, where that is one with a code name."""
    if sys.platform != "linux":
        return None
    release = platform.freedesktop_os_release()
    return release.get("UBUNTU_CODENAME") or release.get("VERSION_CODENAME")


def test_the_requirements_hold_here() -> None:
    done = subprocess.run(
        [rscript(), str(SCRIPT), "--check"],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    run = Run(done.returncode, done.stdout, done.stderr)
    assert run.status == 0, run.err
    for package in ("R", "Matrix", "lme4", "lmerTest", "pbkrtest", "emmeans"):
        assert run.row(package)[2] == "ok"


def test_missing_is_installed_with_what_it_needs_and_a_second_run_changes_nothing(
    machine: Machine,
) -> None:
    run = machine.require("beta>=0.2-9")
    assert run.status == 0, run.err
    assert run.row("beta") == [">= 0.2-9", "0.3", "installed", str(machine.first)]
    assert machine.version("gamma") == "1.1"
    assert not machine.user.exists()

    before = machine.files()
    again = machine.require("beta>=0.2-9")
    assert again.status == 0, again.err
    assert again.row("beta")[2] == "ok"
    assert again.err == ""
    assert machine.files() == before


def test_too_old_is_upgraded_and_the_rest_left_alone(machine: Machine) -> None:
    machine.put(ALPHA_OLD)
    # Older than the repository's, and yet enough.
    machine.put(GAMMA_OLD)
    gamma = (machine.first / "gamma" / "DESCRIPTION").stat().st_mtime_ns
    run = machine.require("alpha>=1.0-10,gamma>=1.0")
    assert run.status == 0, run.err
    assert run.row("alpha") == [">= 1.0-10", "1.0-10", "upgraded from 1.0-2", str(machine.first)]
    assert run.row("gamma")[1:3] == ["1.0", "ok"]
    assert (machine.first / "gamma" / "DESCRIPTION").stat().st_mtime_ns == gamma


def test_nothing_lacking_asks_no_repository(machine: Machine, server: Server) -> None:
    machine.put(ALPHA_NEW)
    before = machine.files()
    for url in ("http://127.0.0.1:9/gone", f"http://127.0.0.1:{server.port}/cran/{NEW}"):
        run = machine.run("--require=alpha>=1.0-3", f"--repos={url}")
        assert run.status == 0, run.err
        assert run.row("alpha")[2] == "ok"
    assert server.requests == []
    assert machine.files() == before


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/gone", "file:///there/is/nothing/here"])
def test_unreachable_repository(machine: Machine, url: str) -> None:
    before = machine.files()
    run = machine.run("--require=alpha", f"--repos={url}")
    assert run.status == 1
    assert f"the repository cannot be read: {url}" in run.problem("alpha")
    assert "--repos=URL" in run.problem("alpha")
    assert run.row("alpha")[1:3] == ["-", "missing"]
    assert machine.files() == before


def test_what_the_repository_cannot_give(machine: Machine) -> None:
    machine.put(ALPHA_OLD)
    run = machine.require("alpha>=2.0,nowhere,ahead,built")
    assert run.status == 1
    assert "offers 1.0-10, wanted is 2.0 or later" in run.problem("alpha")
    # This R meets what that one needs of it, so that is not the reason.
    assert "there needs R" not in run.problem("alpha")
    assert "does not offer it" in run.problem("nowhere")
    assert "2.0 there needs R (>= 99.1)" in run.problem("ahead")
    assert "--snapshot=" in run.problem("ahead")
    # The newer one would not have been enough either, so the old one stays.
    assert run.row("alpha")[1:3] == ["1.0-2", "too old"]
    assert machine.version("alpha") == "1.0-2"
    assert run.row("built")[2] == "installed"


def test_packages_that_do_not_load(machine: Machine) -> None:
    run = machine.require("never,fickle")
    assert run.status == 1
    assert "the installation failed" in run.problem("never")
    assert run.row("never")[2] == "missing"
    assert "does not load" in run.problem("fickle")
    assert "the engine is out" in run.problem("fickle")
    assert f'remove.packages("fickle", lib = "{machine.first}")' in run.problem("fickle")
    assert run.row("fickle")[1:3] == ["1.0", "does not load"]


def test_packages_that_did_not_load_before(machine: Machine) -> None:
    """They are told, the others are not, and nothing is installed for them."""
    for package in (DEADLY, HOLLOW, ALPHA_NEW):
        machine.put(package)
    run = machine.run("--require=deadly,lme4>=1.0,alpha", "--repos=http://127.0.0.1:9/gone")
    assert run.status == 1
    # The ones after it are not to blame for that.
    assert "R ended over it" in run.problem("deadly")
    assert run.row("deadly")[2] == "does not load"
    assert "loads but does not work" in run.problem("lme4")
    assert run.row("alpha")[2] == "ok"
    assert "alpha" not in run.err


def test_user_library_is_made_where_the_first_is_write_protected(machine: Machine) -> None:
    machine.write_protect(machine.first)
    run = machine.require("built")
    assert run.status == 0, run.err
    assert run.row("built")[2:] == ["installed", str(machine.user)]
    assert machine.version("built", machine.user) == "1.0"
    assert list(machine.first.iterdir()) == []
    again = machine.run("--require=built", "--repos=http://127.0.0.1:9/gone")
    assert again.status == 0, again.err
    assert again.row("built")[2:] == ["ok", str(machine.user)]


def test_old_one_in_a_write_protected_library_hides_the_new_one(machine: Machine) -> None:
    machine.put(ALPHA_OLD)
    machine.write_protect(machine.first)
    run = machine.require("alpha>=1.0-10")
    assert run.status == 1
    assert f"1.0-2 in {machine.first} hides the newer one" in run.problem("alpha")
    assert "R_LIBS" in run.problem("alpha")


def test_nothing_can_be_written(machine: Machine) -> None:
    machine.write_protect(machine.first, machine.root / "home", machine.root / "site")
    run = machine.require("alpha")
    assert run.status == 1
    assert "no library can be written to" in run.problem("alpha")
    assert str(machine.first) in run.problem("alpha")
    assert "set R_LIBS_USER" in run.problem("alpha")
    assert run.row("alpha")[2] == "missing"


def test_snapshot_of_a_file_repository(machine: Machine) -> None:
    base = f"{machine.repository.as_uri()}/{{date}}"
    run = machine.run("--require=alpha", f"--repos={base}", f"--snapshot={OLD}")
    assert run.status == 0, run.err
    assert run.row("alpha")[1:3] == ["1.0-2", "installed"]

    # By the environment, and with another date in the address.
    machine.env["PYMER_BRIDGE_R_REPOS"] = machine.url(OLD)
    machine.env["PYMER_BRIDGE_R_SNAPSHOT"] = NEW
    run = machine.run("--require=alpha>=9")
    assert run.status == 1
    assert f"{machine.url(NEW)} offers 1.0-10" in run.problem("alpha")


def test_snapshot_of_the_configured_repository(machine: Machine) -> None:
    machine.profile.write_text(f'options(repos = c(CRAN = "{machine.url(NEW)}"))\n')
    run = machine.run("--require=alpha", f"--snapshot={OLD}")
    assert run.status == 0, run.err
    assert run.row("alpha")[1:3] == ["1.0-2", "installed"]


def test_binaries_over_http(machine: Machine, server: Server, repository: Path) -> None:
    """The Linux form of the address, the plain one where that fails, the agent, a binary."""
    base = f"http://127.0.0.1:{server.port}/cran/__linux__/{{codename}}/{{date}}"
    run = machine.run("--require=built", f"--repos={base}", f"--snapshot={NEW}")
    assert run.status == 0, run.err
    assert run.row("built")[2] == "installed"
    assert "installing *binary* package" in run.out + run.err
    assert f"/cran/{NEW}/src/contrib/built_1.0.tar.gz" in server.paths()
    agents = {agent for _, agent in server.requests}
    assert len(agents) == 1
    assert re.fullmatch(r"R/[\d.]+ R \([\d.]+ \S+ \S+ \S+\)", agents.pop())
    if codename():
        linux = f"/cran/__linux__/{codename()}/{NEW}/src/contrib/PACKAGES.gz"
        assert linux in server.paths()


@pytest.mark.parametrize(
    ("configured", "options", "forms"),
    [
        ("@CRAN@", [], ["https://cloud.r-project.org"]),
        ("@CRAN@", [f"--snapshot={OLD}"], [f"https://packagemanager.posit.co/cran/#{OLD}"]),
        ("https://p3m.dev/cran/latest", [], ["https://p3m.dev/cran/#latest"]),
        ("https://cran.example.org", [], ["https://cran.example.org"]),
    ],
)
def test_addresses(machine: Machine, configured: str, options: list[str], forms: list[str]) -> None:
    """What is asked by default; # is where the Linux form of an address has its name."""
    machine.profile.write_text(f'options(repos = c(CRAN = "{configured}"))\n')
    run = machine.run("--require=alpha", *options)
    assert run.status == 1
    name = codename()
    expected = [form.replace("#", "") for form in forms]
    if name:
        linux = [form.replace("#", f"__linux__/{name}/") for form in forms if "#" in form]
        expected = linux + expected
    told = run.problem("alpha").splitlines()[0]
    assert re.findall(r"https://[^ ]+(?= \()", told) == expected


def test_check_installs_nothing(machine: Machine, server: Server) -> None:
    machine.put(ALPHA_OLD)
    before = machine.files()
    url = f"http://127.0.0.1:{server.port}/cran/{NEW}"
    run = machine.run("--check", "--require=alpha>=1.0-10,gamma,R>=4.2", f"--repos={url}")
    assert run.status == 1
    assert run.problem("alpha").startswith("alpha: too old")
    assert run.problem("gamma").startswith("gamma: missing")
    assert "without --check" in run.problem("gamma")
    assert run.row("R")[2] == "ok"
    assert server.requests == []
    assert machine.files() == before


def test_r_too_old_installs_nothing(machine: Machine) -> None:
    run = machine.require("alpha,R>=99.1")
    assert run.status == 1
    assert "wanted is 99.1 or later" in run.problem("R")
    assert run.row("R")[2] == "too old"
    assert machine.version("alpha") is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--chek"], "unknown option: '--chek'"),
        (["--check=yes"], "unknown option: '--check=yes'"),
        (["lme4"], "unknown option: 'lme4'"),
        (["--repos"], "--repos needs a value"),
        (["--repos=cran.example.org"], "not the address of a repository"),
        (["--snapshot=2024-02-30"], "not a date"),
        (["--snapshot=yesterday"], "not a date"),
        (["--snapshot=2024-01-02", "--repos=https://cran.example.org"], "needs a repository with"),
        (["--require=alpha>2"], "not a list"),
        (["--require=alpha,alpha"], "named twice"),
        (["--for=robust,nothing"], "no feature 'nothing'; there are: effects"),
        (["--for"], "--for needs a value"),
    ],
)
def test_wrong_options(machine: Machine, options: list[str], message: str) -> None:
    run = machine.run(*options)
    assert run.status == 2
    assert run.err.startswith("r_requirements: ")
    assert message in run.err
    assert "Usage: Rscript r_requirements.R" in run.err
    assert run.out == ""


def test_features_bring_their_packages(machine: Machine) -> None:
    some = machine.run("--check", "--for", "robust,shares", "--require=R>=4.2")
    assert [some.row(package)[0] for package in ("clubSandwich", "sandwich", "insight")] == [
        "any"
    ] * 3
    every = machine.run("--check", "--all", "--require=R>=4.2")
    assert every.row("merTools")[0] == "any"


def test_help(machine: Machine) -> None:
    run = machine.run("--help")
    assert run.status == 0
    assert run.err == ""
    for word in ("--check", "--repos=", "--snapshot=", "--require=", "R_LIBS_USER", ">= 1.1-31"):
        assert word in run.out
