"""Fragments of R that lie in files, filled in with text."""

from __future__ import annotations

import re
from importlib.resources import files


def fill(name: str, **tokens: str) -> list[str]:
    """Fill a fragment in, and return its lines.

    Parameters
    ----------
    name
        The file in ``r/script``.
    **tokens
        By what each ``.TOKEN.`` is replaced; what is put in is not looked at again.
    """
    path = files("pymer_bridge").joinpath("r", "script", f"{name}.R")
    known = "|".join(map(re.escape, tokens)) or "(?!)"
    text = re.sub(
        rf"\.({known})\.", lambda match: tokens[match[1]], path.read_text(encoding="utf-8")
    )
    return text.rstrip("\n").split("\n")
