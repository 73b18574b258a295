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
        self.levels: dict[str, tuple[str, ...]] = {
            group: of("random_effect", "level", group) for group in self.groups
        }
        self.thetas: tuple[str, ...] = of("theta", "term")
        rows = (row for row in figures.rows if row.family == "variance_component")
        self.components: tuple[tuple[str, str], ...] = tuple(
            dict.fromkeys((row.group, row.term) for row in rows)
        )

    def term(self, name: Any) -> str:
        """Return R's name of a coefficient; a translation if R has none that is meant."""
        return meant(name, self.terms)

    def group(self, name: Any) -> str:
        """Return R's name of a grouping factor."""
        return meant(name, self.groups)

    def effect(self, group: str, name: Any) -> str:
        """Return R's name of a random effect."""
        return meant(name, self.effects.get(group, ()))

    def level(self, group: str, name: Any) -> str:
        """Return R's name of a level; those of ``a:b`` are joined by a colon."""
        known, text = self.levels.get(group, ()), str(name)
        if text in known or ":" not in group:
            return text
        joined = [level for level in known if _plain_level(level) == _plain_level(text)]
        return joined[0] if len(joined) == 1 else text

    def component(self, group: Any, name: Any) -> tuple[str, str]:
        """Return R's names of the grouping factor and the effect of a variance.

        R numbers the terms of one grouping factor, as those of ``(x || g)``: ``g`` and ``g.1``.
        """
        known = self.group(group)
        effects = tuple(term for place, term in self.components if place == known)
        effect = meant(name, effects or self.effects.get(known, ()))
        if effect in effects:
            return known, effect
        numbered = re.compile(rf"{re.escape(known)}\.\d+")
        for place, term in self.components:
            if numbered.fullmatch(place) and term == meant(name, (term,)):
                return place, term
        return known, effect


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
    # R writes no spaces around a power.
    squeezed = {_squeezed(known): known for known in names}
    if (found := squeezed.get(_squeezed(spelled))) is not None:
        return found
    # R orders the parts of an interaction by the formula, others by their own rules.
    by_parts = {tuple(sorted(known.split(":"))): known for known in names}
    return by_parts.get(tuple(sorted(spelled.split(":"))), spelled)


def _plain_level(level: str) -> str:
    return re.sub(r"[:/_|&.\s]+", ":", level)


def _squeezed(name: str) -> str:
    return re.sub(r"\s+", "", name).replace("**", "^")


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
