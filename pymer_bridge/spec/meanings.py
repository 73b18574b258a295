"""What R and other packages call values and arguments, and what is meant here."""

from __future__ import annotations

import re
from typing import Any, Final, get_args

_SYNONYMS: Final = (
    "i 1, ii 2, iii 3, satterthwaite satt sat, kenwardroger kr, none lme4, omit naomit,"
    " normal norm z asymptotic asymp, exclude naexclude, fail nafail, pass napass,"
    " boot bootstrap, percentile perc"
)
_SAME: Final = {name: names.split()[0] for names in _SYNONYMS.split(",") for name in names.split()}
"""What R and others call a value, folded, by one of the names that it has here."""


def folded(text: str) -> str:
    """Return a name without case and punctuation, as people remember it."""
    return re.sub(r"[\W_]", "", text).lower()


def meant(value: object, accepted: Any) -> Any:
    """Return the member of a Literal type that is meant: "KR" is "kenward-roger", and 3 is "III".

    None where there is no such member, or several.
    """
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    members = get_args(accepted)
    if value in members:
        return members[members.index(value)]
    asked = folded(str(value))
    for same in (str, lambda name: _SAME.get(name, name)):
        found = [member for member in members if same(folded(member)) == same(asked)]
        if len(found) == 1:
            return found[0]
    return None
