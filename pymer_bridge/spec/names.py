"""What a name given by the user refers to: one rule, wherever a name is taken.

A column, a term or a group may be given as R writes it or without R's backticks. No name is
ever run: it is compared with the names that there are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from pymer_bridge.errors import OptionError, listed

K = TypeVar("K")
V = TypeVar("V")

RESERVED: Final = frozenset(
    "if else repeat while function for next break in TRUE FALSE NULL Inf NaN NA NA_integer_"
    " NA_real_ NA_character_ NA_complex_ ...".split()
)
"""Words of R's own that no name may be without backticks."""

_SYNTACTIC: Final = re.compile(r"(?:[^\W\d_]|\.(?![0-9]))[\w.]*")
_TICKED: Final = re.compile(r"`((?:[^`\\]|\\.)*)`", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:u\{?([0-9a-f]{1,4})\}?|U\{?([0-9a-f]{1,8})\}?|(.))", re.DOTALL)
_CONTROLS: Final = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def is_syntactic(name: str) -> bool:
    """Say whether R takes a name without backticks."""
    return bool(_SYNTACTIC.fullmatch(name)) and name not in RESERVED


def quoted(name: str) -> str:
    """Return a column's name as R code needs it: in backticks, unless it is a plain one."""
    if is_syntactic(name):
        return name
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def free_name(name: str, taken: Collection[str]) -> str:
    """Return a name of our own that none of the given ones is."""
    while name in taken:
        name += "_"
    return name


def bare(text: str) -> str:
    """Return a name, or a term of several, without the backticks around its parts."""
    return _TICKED.sub(lambda found: _ESCAPE.sub(_unescaped, found[1]), text)


def parts_of(group: str, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of which a grouping factor such as "a:b" is made, as lme4 names it."""
    if group in columns:
        return (group,)
    pieces = re.findall(r"(?:`(?:[^`\\]|\\.)*`|[^:`])+", group)
    return tuple(map(bare, pieces))


class Labels:
    """What a reader sees instead of names; names may be given with or without backticks.

    Parameters
    ----------
    labels
        The label of each name.
    known
        The names that there are.

    Raises
    ------
    OptionError
        ``labels`` names something else.
    """

    def __init__(self, labels: Mapping[str, str] | None, known: Iterable[str]) -> None:
        names = list(dict.fromkeys(known))
        there = set(map(bare, names))
        unknown = [name for name in labels or {} if bare(name) not in there]
        if unknown:
            raise OptionError(f"labels names {listed(unknown)}; there are: {listed(names)}")
        self._labels = {bare(name): label for name, label in (labels or {}).items()}

    def __call__(self, name: str) -> str:
        """Return the label of a name; the name itself where it has none."""
        return self._labels.get(bare(name), name)


class Named(dict[str, V]):
    """A mapping whose names may be looked up with or without R's backticks."""

    def __missing__(self, name: str) -> V:
        """Return what the name means, where it does not stand there as it is."""
        found = find_name(name, self)
        if found is None:
            raise KeyError(name)
        return self[found]


def _unescaped(found: re.Match[str]) -> str:
    short, long, other = found.groups()
    digits = short or long
    return chr(int(digits, 16)) if digits else _CONTROLS.get(other, other)


def _compared(key: Any) -> Any:
    if isinstance(key, tuple):
        return tuple(map(_compared, key))
    return bare(key) if isinstance(key, str) else key


def find_name(given: object, known: Iterable[K]) -> K | None:
    """Return which of the known names, or tuples of names, is meant.

    A name that is there as it was given is that one; else it is the only one that reads the same
    without backticks.

    Parameters
    ----------
    given
        What the user gave, with or without backticks.
    known
        The names that there are.

    Returns
    -------
    str or tuple or None
        One of ``known``; None where there is none, or more than one.
    """
    names = tuple(known)
    for name in names:
        if type(name) is type(given) and name == given:
            return name
    # As it is first: a name may have a backtick of its own.
    for wanted in (given, _compared(given)):
        meant = list(dict.fromkeys(name for name in names if _compared(name) == wanted))
        if meant:
            return meant[0] if len(meant) == 1 else None
    return None
