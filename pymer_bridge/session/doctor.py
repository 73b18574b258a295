"""What is installed, whether it works, and how to fix it."""

from __future__ import annotations

import locale

from pymer_bridge.errors import REnvironmentError
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.versions import Feature, Features, Versions
from pymer_bridge.session import installation
from pymer_bridge.session.asking import ask
from pymer_bridge.session.r_session import session
from pymer_bridge.session.versions import OF_PYTHON, python_versions, state_here
from pymer_bridge.spec.arguments import checked

PYTHON_PACKAGES = ("pymer-bridge", *OF_PYTHON, "matplotlib")


def _r_packages() -> tuple[dict[str, str], dict[str, str | None]]:
    wanted = [*installation.MINIMUM_PACKAGES, *installation.OPTIONAL_PACKAGES]
    record = ask("describe_session", packages=wanted)
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


@checked
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
    notes = [] if problems else [*_notes_on_exactness(), *_notes_on_speed()]
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


def _notes_on_speed() -> list[str]:
    record = ask("ordinary_ways")
    return [
        f"{reason} has other code than is known here, so R's ordinary way is taken for "
        f"{path}: it is slower, with the same figures."
        for path, reason in zip(record["paths"], record["reasons"], strict=True)
    ]


def features_here() -> Features:
    """Return what needs R packages that are optional, and whether it works here.

    Raises
    ------
    REnvironmentError
        There is no R that works.
    """
    found = _r_packages()[1]
    rows = [
        Feature(name, packages, use, tuple(each for each in packages if found[each] is None))
        for name, (packages, use) in installation.FEATURES.items()
    ]
    missing = ",".join(row.feature for row in rows if row.missing)
    remedy = installation.install_features_command(missing) if missing else ""
    return Features(tuple(rows), remedy)
