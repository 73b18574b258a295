"""Something asked of models, what the script calls its parts, and the lines of R it becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pymer_bridge.r_script import syntax
from pymer_bridge.r_script.syntax import Node

_DDF: Final = {
    "satterthwaite": "Satterthwaite",
    "kenward-roger": "Kenward-Roger",
    "none": "lme4",
    "normal": "lme4",
}


@dataclass(frozen=True, slots=True)
class Written:
    """What was asked, as R.

    Attributes
    ----------
    lines
        The lines of R.
    kind
        How the value of ``variable`` is read as figures; "" where it is not.
    variable
        The variable that holds the result.
    options
        What reading it needs to know besides.
    """

    lines: tuple[str, ...]
    kind: str = ""
    variable: str = ""
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that was asked, with what the script calls its parts.

    Attributes
    ----------
    arguments
        As the journal has them.
    models
        The variables of the models it concerns.
    variable
        The variable that its result shall have.
    fitter
        The function that fitted the first model.
    lmertest
        Whether the script loads lmerTest.
    earlier
        The variables of earlier results, by their number in the journal.
    pbkrtest
        Its version in this session.
    scaled
        Does the (generalized) model estimate a scale?
    own_parameters
        Does this lme4 compute the parameters of intervals by a function of its own (from 2.0 on)?
    plain_fits
        By variable of a model: the call that fits it by lme4, whatever else is attached.
    """

    arguments: Mapping[str, Any]
    models: tuple[str, ...]
    variable: str
    fitter: str
    lmertest: bool
    earlier: Mapping[int, str]
    pbkrtest: tuple[int, ...]
    scaled: bool = False
    own_parameters: bool = False
    plain_fits: Mapping[str, Node] = field(default_factory=dict)

    @property
    def fit(self) -> str:
        """The variable of the first model."""
        return self.models[0]

    def ddf(self) -> Node | None:
        """Return the argument ddf as lmerTest's methods take it; None where there is none."""
        name = self.arguments.get("ddf", "none")
        if self.fitter != "lmer" or not self.lmertest or name == "satterthwaite":
            return None
        return syntax.string(_DDF[name])


def shown(
    asked: Asked,
    value: Node,
    kind: str = "",
    options: Sequence[str] = (),
    before: Sequence[str] = (),
) -> Written:
    """Return the lines that keep a value under its name, and print it."""
    lines = (*before, syntax.assign(asked.variable, value), f"print({asked.variable})")
    return Written(lines, kind, asked.variable, tuple(options))


def drawn(asked: Asked, value: Node, kind: str, before: Sequence[str] = ()) -> Written:
    """Return the lines of what R draws: without a seed it is no figure that R gives again."""
    if asked.arguments["seed"] is not None:
        return shown(asked, value, kind, before=before)
    note = syntax.comment("It was drawn without a seed, and cannot be drawn so again:")
    return shown(asked, value, before=(note, *before))


def without(text: str) -> Written:
    """Return a comment alone, which says what R has no call for."""
    return Written((syntax.comment(text),))
