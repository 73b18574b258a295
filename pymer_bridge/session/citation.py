"""How to cite this package, R, and the R packages that make the figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pymer_bridge import __version__
from pymer_bridge.errors import OptionError
from pymer_bridge.results.citations import Citation, Citations
from pymer_bridge.results.decode import record as decode
from pymer_bridge.session import installation
from pymer_bridge.session.asking import ask
from pymer_bridge.spec.arguments import checked

TITLE: Final = "pymer_bridge: R's lme4, lmerTest and pbkrtest from Python"
AUTHOR: Final = "The pymer_bridge developers"
YEAR: Final = "2026"
"""``CITATION.cff`` states the same."""


@checked
def citation(packages: Sequence[str] = ("lme4", "lmerTest", "pbkrtest")) -> Citations:
    """Return how to cite this package, R, and the R packages that make the figures.

    Parameters
    ----------
    packages
        R packages to cite; name those whose figures you report, such as
        ``("lme4", "emmeans")``.

    Returns
    -------
    Citations
        Printed, it is R's text; ``.to_bibtex()`` gives entries for a ``.bib`` file.

    Raises
    ------
    OptionError
        ``packages`` is not a list of names.
    REnvironmentError
        A package is not installed.

    Notes
    -----
    R functions: ``utils::citation``, ``utils::toBibtex``.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> [row.package for row in pb.citation(["lme4"]).rows]
    ['pymer_bridge', 'base', 'lme4']
    """
    if isinstance(packages, str) or not all(isinstance(name, str) for name in packages):
        raise OptionError(f"packages={packages!r} must be the names of R packages, in a list")
    note = f"Python package version {__version__}"
    own = {"title": TITLE, "author": AUTHOR, "year": YEAR, "version": __version__, "note": note}
    record = ask("cite_packages", own=own, packages=["base", *packages])
    if missing := decode.texts(record, "missing"):
        problem = f"the R package '{missing[0]}' is not installed, so R cannot say how to cite it"
        raise installation.unfit(problem, installation.install_package_command(missing[0]))
    columns = [decode.texts(record, name) for name in ("package", "version", "text", "bibtex")]
    return Citations(tuple(Citation(*row) for row in zip(*columns, strict=True)))
