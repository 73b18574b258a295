"""R's warnings and messages, raised as Python warnings of the right class."""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final

from pymer_bridge import errors
from pymer_bridge.session.calls import Outcome

_HERE: Final = os.path.join(Path(__file__).parent.parent, "")  # noqa: PTH118
"""The folder of this package, with a separator at its end: a neighbour may begin alike."""

_CLASSES: Final = {
    r"singular\)? fit|\(singular\)": errors.SingularFitWarning,
    r"rank deficient": errors.RankDeficientWarning,
    r"converge|unable to evaluate scaled gradient|nearly unidentifiable|[Hh]essian"
    r"|maximum number of function evaluations": errors.ConvergenceWarning,
}
"""The class of warning, by what R's message has in it; the first one counts."""


_REMEDIES: Final = {
    "No random effects terms": "pb.lm() and pb.glm() fit models without random effects; one is "
    "written (1 | group)",
    r"must be < number of observations \(problems: (.+)\)": "Each row has its own level of {0}: "
    "take a coarser grouping factor",
    r"number of random effects \(=\d+\) for term \(.+ \|+ (.+?)\)": "Take fewer slopes, as in "
    "(1 | {0}), or data with more rows for each level of {0}",
    "rhs of formula must be a conditioning": "lm_list() takes a formula as in 'y ~ x | group'",
    "number of rows in use has changed": "Drop rows with missing values before the fit: "
    "data.dropna(subset=list(fit.columns))",
    "not all fitted to the same size|rows of matrices must match|Size mismatch": "The models use "
    "different rows: fit each to data.dropna(subset=[...]), with the columns of all",
    "new levels detected": "allow_new_levels=True predicts for new levels with effects of zero",
    "operations are possible only for numeric": "Conditions are written within I(), as in I(x > 0)",
    "invalid model formula in ExtractVars|invalid term in model formula": "Columns are named "
    "without quotes, or in backticks",
    r"family '(quasi\w*)' not implemented": "{0} has no distribution to draw from: resample "
    "rows by bootstrap('case')",
    r"Contrast function '(.+)\.emmc' not found": "Your version of emmeans has no contrasts {0!r}: "
    "newer ones have",
    "Response is constant": "The response has one value only in the rows that are used",
}
"""What helps, by what R's message of an error has in it."""


def remedies(message: str) -> tuple[str, ...]:
    """Return what helps where R's message of an error is known."""
    for pattern, remedy in _REMEDIES.items():
        if found := re.search(pattern, message):
            return (remedy.format(*found.groups()),)
    return ()


def _users_level() -> int:
    """Return the stack level of the caller outside this package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_code.co_filename.startswith(_HERE) and frame.f_back is not None:
        level, frame = level + 1, frame.f_back
    return level


def warn(warning: Warning, result: object = None) -> None:
    """Warn, at the user's own line, of something that R did not say.

    Parameters
    ----------
    warning
        What is said.
    result
        What it is said of: a warning of this package has it as ``partial``, for where it is an
        error.
    """
    if isinstance(warning, errors.PymerWarning):
        warning.partial = result
    _raise(warning, _users_level())


_held: ContextVar[list[Warning] | None] = ContextVar("held", default=None)


@contextmanager
def held() -> Iterator[list[Warning]]:
    """Hold back what this thread is to be warned of meanwhile, and collect it."""
    found: list[Warning] = []
    before = _held.set(found)
    try:
        yield found
    finally:
        _held.reset(before)


def _raise(warning: Warning, level: int) -> None:
    found = _held.get()
    if found is None:
        warnings.warn(warning, stacklevel=level + 1)
    else:
        found.append(warning)


def raise_warnings(outcome: Outcome) -> None:
    """Warn, at the user's own line, of everything that R warned of or said: of each thing once."""
    level = _users_level()
    kinds = (outcome.warnings, errors.RWarning), (outcome.messages, errors.RMessage)
    for conditions, default in kinds:
        texts = dict.fromkeys(condition.message for condition in conditions)
        for text in texts:
            if any(text in other and text != other for other in texts):
                continue  # another one says this, and more
            fitting = (kind for pattern, kind in _CLASSES.items() if re.search(pattern, text))
            _raise(next(fitting, default)(text), level)
