"""What is installed, whether it works, and how to fix it."""

from __future__ import annotations

import locale
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from pymer_bridge.display.tables import Column, Table
from pymer_bridge.errors import REnvironmentError
from pymer_bridge.results.base import Result
from pymer_bridge.results.codec import register
from pymer_bridge.results.decode import record as decode
from pymer_bridge.session import installation
from pymer_bridge.session.r_session import session
from pymer_bridge.session.versions import OF_PYTHON, python_versions, state_here

PYTHON_PACKAGES = ("pymer-bridge", *OF_PYTHON, "matplotlib")
OPTIONAL_PACKAGES = ("performance", "effects", "broom.mixed")


@register
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Versions(Result):
    """Versions and settings that figures can depend on.

    Attributes
    ----------
    python
        Version of each Python package, None where it is not installed.
    r
        R's version, platform, libraries, locale and generator; empty where R does not start.
    packages
        Version of each R package, None where it is not installed.
    problems
        What is wrong, each with the command that fixes it.
    notes
        What is worth knowing, and not wrong.
    """

    python: dict[str, str | None]
    r: dict[str, str]
    packages: dict[str, str | None]
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    title: ClassVar[str] = "pymer_bridge and what it stands on"

    @property
    def ok(self) -> bool:
        """Whether everything that is needed is there and works."""
        return not self.problems

    def _rows(self) -> list[tuple[str, str, str]]:
        rows = [("Python", name, value or "not installed") for name, value in self.python.items()]
        rows += [("R", name, value) for name, value in self.r.items()]
        rows += [
            ("R package", name, value or "not installed") for name, value in self.packages.items()
        ]
        return rows

    def _table(self) -> Table:
        columns = (
            Column("part", "", "text"),
            Column("name", "", "text"),
            Column("version", "Found", "text"),
        )
        return Table(
            columns, tuple(self._rows()), title=self.title, notes=(*self.problems, *self.notes)
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a part."""
        return pd.DataFrame(self._rows(), columns=["part", "name", "version"])


def _r_packages() -> tuple[dict[str, str], dict[str, str | None]]:
    wanted = [*installation.MINIMUM_PACKAGES, *OPTIONAL_PACKAGES]
    record = session().call("describe_session", packages=wanted).value
    facts = {
        "R": decode.text(record, "r_version"),
        "platform": decode.text(record, "platform"),
        "home": decode.text(record, "r_home"),
        "libraries": ", ".join(record["library_paths"]),
        "BLAS": decode.text(record, "blas"),
        "LAPACK": decode.text(record, "lapack"),
        "collation": decode.text(record, "locale"),
        "random numbers": ", ".join(record["rng"]),
        "rpy2 reaches R by": session().rpy2_mode(),
    }
    return facts, dict(zip(wanted, record["versions"], strict=True))


def show_versions() -> Versions:
    """Find out what is installed, whether it works, and how to fix it.

    Returns
    -------
    Versions
        Printed, it is a table; ``.ok`` says whether all that is needed is there.

    Notes
    -----
    Starts R. R functions: ``extSoftVersion``, ``La_library``, ``RNGkind``.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> pb.show_versions().ok
    True
    """
    python = python_versions(*PYTHON_PACKAGES)
    try:
        facts, packages = _r_packages()
    except REnvironmentError as error:
        return Versions(python, {}, {}, (str(error),), ())
    problems = []
    for package in installation.MINIMUM_PACKAGES:
        try:
            session().require(package)
        except REnvironmentError as error:
            problems.append(str(error))
    notes = [] if problems else _notes_on_exactness()
    if locale.getlocale()[1] not in ("UTF-8", "utf-8", "utf8"):
        notes.append("The locale is not UTF-8: level order follows it, and R prints accents oddly.")
    return Versions(python, facts, packages, tuple(problems), tuple(notes))


def _notes_on_exactness() -> list[str]:
    state = state_here()
    if state is None:
        return []
    return [
        "This lme4 was built so that R processes fall into two states that differ in the last "
        f"bits (lme4 issue 745); this one is in state {state}. Compare processes in one state, "
        "or fix it with: Rscript -e 'install.packages(\"lme4\")' (builds it anew)."
    ]
