"""What is compared among marginal means: families of contrasts and weights, checked for R."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.results.means import MarginalTable
from pymer_bridge.spec import labels, options
from pymer_bridge.spec.names import find_name
from pymer_bridge.spec.options import ContrastFamily, one_of

ContrastWeights = Mapping[str, Sequence[float] | Mapping[Any, float]]
Level = bool | str | float
Levels = Level | Sequence[Level | Sequence[Level]]
Interaction = bool | ContrastFamily | Sequence[ContrastFamily] | Mapping[str, ContrastFamily]

_DRAWN: Final = ("consec", "mean_chg")
"""Families that emmeans adjusts by "mvt", which draws."""
_WITH_REF: Final = ("dunnett", "trt.vs.ctrl", "trt.vs.ctrl1", "trt.vs.ctrlk")
_REVERSED: Final = {"pairwise": "revpairwise", "revpairwise": "pairwise"}
_WITH_REVERSE: Final = (*_REVERSED, *_WITH_REF, "tukey", *_DRAWN)


def draws(adjust: str | None, method: Any, interaction: Any) -> bool:
    """Say whether tests and intervals of contrasts are drawn, by adjustment or by default."""
    by_default = isinstance(method, str) and method in _DRAWN and interaction is None
    return adjust == "mvt" or (adjust is None and by_default)


def names_among(given: str | Sequence[str], known: Sequence[str], argument: str) -> tuple[str, ...]:
    """Return the columns that an argument names.

    Raises
    ------
    OptionError
        One is not known, or all are named, which leaves nothing to compare.
    """
    meant = [(name, find_name(name, known)) for name in options.names_of(given, argument)]
    for name, found in meant:
        if found is None:
            raise OptionError(f"{argument}={shown(name)}: these means are of {listed(known)}")
    found_all = tuple(str(found) for _, found in meant)
    if argument == "by" and set(found_all) == set(known):
        raise OptionError(f"by names all of {listed(known)}, and leaves nothing to compare")
    return found_all


@dataclass(frozen=True, slots=True)
class Compared:
    """Rows that are compared, within the levels of other predictors.

    Attributes
    ----------
    table
        The rows.
    within
        The predictors within whose levels they are compared.
    """

    table: MarginalTable
    within: tuple[str, ...]

    @classmethod
    def of(
        cls,
        table: MarginalTable,
        kept: tuple[str, ...],
        by: str | Sequence[str] | None,
        simple: str | Sequence[str] | None,
    ) -> Compared:
        """Read ``by`` and ``simple``; ``kept`` are the predictors where neither is given.

        Raises
        ------
        OptionError
            One is not accepted, or both are given.
        """
        if by is not None and simple is not None:
            raise OptionError("simple= and by= exclude each other: simple sets by")
        if simple is not None:
            apart = names_among(simple, table.by, "simple")
            return cls(table, tuple(name for name in table.by if name not in apart))
        if by is None:
            return cls(table, kept)
        empty = not isinstance(by, str) and not tuple(by)
        return cls(table, () if empty else names_among(by, table.by, "by"))

    @property
    def predictors(self) -> tuple[str, ...]:
        """The predictors whose levels are compared."""
        return tuple(name for name in self.table.by if name not in self.within)

    def levels(self, names: Sequence[str]) -> list[Any]:
        """Return the levels of predictors in the first group: tuples if of several, each once."""
        first = [self.table.rows[0].levels[name] for name in self.within]
        mine = dict.fromkeys(
            tuple(row.levels[name] for name in names)
            for row in self.table.rows
            if [row.levels[name] for name in self.within] == first
        )
        return [row[0] if len(names) == 1 else row for row in mine]

    def method(self, given: Any, interaction: Any, ref: Any, reverse: bool) -> dict[str, Any]:
        """Check what is to be contrasted, and return it as R takes it.

        Raises
        ------
        OptionError
            An argument is not accepted, or does not go with a family.
        """
        families = self._interaction(interaction)
        asked: dict[str, Any] = {"interaction": families, "ref": None, "reverse": None}
        backwards = options.flag(reverse, "reverse")
        if isinstance(given, Mapping):
            if families is not None or ref is not None or backwards:
                raise OptionError(
                    "interaction=, ref= and reverse= go with families of contrasts, such as "
                    "'pairwise', and method gives weights"
                )
            return {**asked, "method": self.weights(given)}
        family = one_of(given, ContrastFamily, "method")
        if families is True:
            asked["interaction"] = families = [family] * len(self.predictors)
        used = [family]
        if families is not None:
            used = list(families.values() if isinstance(families, dict) else families)
        if ref is not None:
            _takes(used, _WITH_REF, "ref")
            asked["ref"] = self._places(ref, each=families is not None)
        if backwards:
            _takes(used, _WITH_REVERSE, "reverse")
            if families is None and family in _REVERSED:
                return {**asked, "method": _REVERSED[family]}
            if any(one in _REVERSED for one in used):
                raise OptionError("reverse= of an interaction: name the family 'revpairwise'")
            asked["reverse"] = True
        return {**asked, "method": family}

    def _interaction(self, given: Any) -> Any:
        """Return the families of an interaction, True for that of the method, None for none."""
        names = self.predictors
        if isinstance(given, bool):
            return True if given else None
        if isinstance(given, Mapping):
            found = names_among(tuple(given), self.table.by, "interaction")
            if set(found) != set(names):
                raise OptionError(f"interaction must name each of {listed(names)}")
            chosen = [one_of(each, ContrastFamily, "interaction") for each in given.values()]
            return dict(zip(found, chosen, strict=True))
        families = list(options.each_of(given, ContrastFamily, "interaction"))
        if len(families) not in (1, len(names)):
            raise OptionError(
                f"interaction has {len(families)} families, and there are {len(names)} predictors: "
                f"{listed(names)}"
            )
        return families * (len(names) if len(families) == 1 else 1)

    def weights(self, given: Mapping[str, Any]) -> dict[str, list[float]]:
        """Return, for each contrast, one weight for each row that is compared.

        Raises
        ------
        OptionError
            There is no contrast, or its weights do not fit.
        """
        if not given:
            raise OptionError("method must name at least one contrast")
        return {str(name): self._weights(name, each) for name, each in given.items()}

    def _weights(self, name: str, given: Any) -> list[float]:
        names = self.predictors
        table = labels.labelled(given)
        if isinstance(table, pd.Series) and set(table.index.names) == set(names):
            order: Any = list(names)
            given = table.reorder_levels(order) if len(names) > 1 else table
        rows = self.levels(names)
        what = f"method[{shown(name)}]"
        put = labels.aligned(given, rows, what, "the rows", rest=0.0)
        weights = options.array_of(put, f"{what} must be one number for each row")
        if weights.shape != (len(rows),):
            raise OptionError(f"{what} has {len(weights)} weights, and there are {len(rows)} rows")
        return [float(weight) for weight in weights]

    def _places(self, ref: Any, *, each: bool) -> list[int]:
        """Return the places, counted from 1, of the levels that are the control."""
        groups = [(name,) for name in self.predictors] if each else [self.predictors]
        found = [_places_in(ref, self.levels(group)) for group in groups]
        if any(places != found[0] for places in found):
            raise OptionError(
                f"ref={shown(ref)}: with interaction= it must stand at the same place among the "
                "levels of each predictor"
            )
        return found[0]


def _takes(families: Sequence[str], accepted: Sequence[str], argument: str) -> None:
    """Refuse an argument that a family would ignore."""
    for family in families:
        if family not in accepted:
            raise OptionError(
                f"{argument}= does not go with {family!r}; it goes with: {listed(accepted)}"
            )


def _places_in(ref: Any, levels: Sequence[Any]) -> list[int]:
    """Return the places, counted from 1, of levels among others."""
    keys = [labels.key_of(level) for level in levels]
    alone = isinstance(ref, str | int | float) or labels.key_of(ref) in keys
    wanted = [labels.key_of(level) for level in ([ref] if alone else list(ref))]
    if not wanted or not set(wanted) <= set(keys):
        raise OptionError(f"ref={shown(ref)} is no level; there are: {listed(levels)}")
    return [keys.index(level) + 1 for level in wanted]
