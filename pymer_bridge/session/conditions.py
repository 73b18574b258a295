"""R's warnings and messages, raised as Python warnings of the right class."""

from __future__ import annotations

import dataclasses
import os
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeVar

from pymer_bridge import errors
from pymer_bridge.session.calls import Condition, Outcome

T = TypeVar("T")

_HERE: Final = os.path.join(Path(__file__).parent.parent, "")  # noqa: PTH118
"""The folder of this package, with a separator at its end: a neighbour may begin alike."""

_CLASSES: Final = (
    (re.compile(r"singular\)? fit|\(singular\)"), errors.SingularFitWarning),
    (re.compile(r"rank deficient"), errors.RankDeficientWarning),
    (
        re.compile(
            r"converge|unable to evaluate scaled gradient|nearly unidentifiable|[Hh]essian"
            r"|maximum number of function evaluations"
        ),
        errors.ConvergenceWarning,
    ),
)


def warning_class(condition: Condition, default: type[Warning]) -> type[Warning]:
    """Return the class of Python warning that fits what R said."""
    for pattern, category in _CLASSES:
        if pattern.search(condition.message):
            return category
    return default


def _users_level() -> int:
    """Return the stack level of the caller outside this package."""
    level, frame = 1, sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_HERE):
        level += 1
        following = frame.f_back
        if following is None:
            break
        frame = following
    return level


def python_warnings(outcome: Outcome) -> Iterator[Warning]:
    """Make one Python warning of each R warning and message, in R's order of each kind."""
    for condition in outcome.warnings:
        yield warning_class(condition, errors.RWarning)(condition.message)
    for condition in outcome.messages:
        yield warning_class(condition, errors.RMessage)(condition.message)


def with_conditions(result: T, outcome: Outcome) -> T:
    """Keep what R warned of and said on a result that has room for it."""
    if not dataclasses.is_dataclass(result) or isinstance(result, type):
        return result
    room = {field.name for field in dataclasses.fields(result)}
    if not {"warnings", "messages"} <= room or not (outcome.warnings or outcome.messages):
        return result
    said = {
        name: (*getattr(result, name), *(condition.message for condition in getattr(outcome, name)))
        for name in ("warnings", "messages")
    }
    return dataclasses.replace(result, **said)


def warn(warning: Warning) -> None:
    """Warn, at the user's own line, of something that R did not say."""
    warnings.warn(warning, stacklevel=_users_level())


def raise_warnings(outcome: Outcome) -> None:
    """Warn, at the user's own line, of everything that R warned of or said."""
    level = _users_level()
    for warning in python_warnings(outcome):
        warnings.warn(warning, stacklevel=level)
