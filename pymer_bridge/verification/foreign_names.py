"""What the names of other software mean among those that R has in a model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from pymer_bridge.results.figures import Figures
from pymer_bridge.results.fixed_effects import INTERCEPT
from pymer_bridge.spec.names import find_name


class Names:
    """The names that R has in a model, and what another program's name means among them."""

    def __init__(self, figures: Figures) -> None:
        self.keys: frozenset[str] = frozenset(figures.values)
        of = _names_by_family(figures)
        self.terms: tuple[str, ...] = of("fixed_effect", "term")
        self.groups: tuple[str, ...] = of("random_effect", "group")
        self.effects: dict[str, tuple[str, ...]] = {
            group: of("random_effect", "term", group) for group in self.groups
        }
        self.thetas: tuple[str, ...] = of("theta", "term")

    def term(self, name: Any) -> str:
        """Return R's name of a coefficient; a translation if R has none that is meant."""
        return meant(name, self.terms)

    def group(self, name: Any) -> str:
        """Return R's name of a grouping factor."""
        return meant(name, self.groups)

    def effect(self, group: str, name: Any) -> str:
        """Return R's name of a random effect."""
        return meant(name, self.effects.get(group, ()))


def _names_by_family(figures: Figures) -> Callable[..., tuple[str, ...]]:
    def of(family: str, part: str, group: str | None = None) -> tuple[str, ...]:
        rows = (row for row in figures.rows if row.family == family)
        names = (getattr(row, part) for row in rows if group is None or row.group == group)
        return tuple(dict.fromkeys(names))

    return of


def meant(name: Any, known: Iterable[str]) -> str:
    """Return which of R's names is meant; where none is, the name as R would spell it."""
    names = tuple(known)
    text = str(name)
    spelled = _in_r(text)
    for candidate in (text, spelled):
        if (found := find_name(candidate, names)) is not None:
            return found
    # R orders the parts of an interaction by the formula, others by their own rules.
    by_parts = {tuple(sorted(known.split(":"))): known for known in names}
    return by_parts.get(tuple(sorted(spelled.split(":"))), spelled)


def _in_r(name: str) -> str:
    """Return a name of patsy, formulaic or MixedModels.jl as R spells it."""
    if name.casefold() in ("intercept", "const", "1"):
        return INTERCEPT
    parts = []
    joined = re.sub(r"(\w): (?=\S)", r"\1", name)  # MixedModels.jl: "recipe: B & temp"
    for part in re.split(r"\s*[:&]\s*", joined):
        bare = re.sub(r"^C\(([^(),]+).*?\)(?=\[|$)", r"\1", part.strip())
        level = re.fullmatch(r"(.+?)\[(?:T\.)?(.*)\]", bare)
        if level is not None:
            truth = {"True": "TRUE", "False": "FALSE"}
            bare = level[1] + truth.get(level[2], level[2])
        parts.append(bare)
    return ":".join(parts)
