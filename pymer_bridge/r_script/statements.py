"""Something that was asked of models, and the lines of R that ask for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pymer_bridge.r_script import syntax
from pymer_bridge.r_script.fits import Design
from pymer_bridge.r_script.syntax import Node

_DDF: Final = {
    "satterthwaite": "Satterthwaite",
    "kenward-roger": "Kenward-Roger",
    "none": "lme4",
    "normal": "lme4",
}


@dataclass(frozen=True, slots=True)
class Written:
    """The lines of R that ask for something.

    Attributes
    ----------
    lines
        The lines of R.
    kind
        How figures are read from the value of ``variable``; "" if none are.
    variable
        The variable that holds the result.
    options
        What else is needed to read them.
    why
        Why no figures are read.
    """

    lines: tuple[str, ...]
    kind: str = ""
    variable: str = ""
    options: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that was asked, with the names that the script uses.

    Attributes
    ----------
    arguments
        As the journal has them.
    models
        The variables of the models it concerns.
    variable
        The variable that gets its result.
    fitter
        The function that fitted the first model.
    lmertest
        Whether the script loads lmerTest.
    earlier
        The variables of earlier results, by their number in the journal.
    versions
        Of the packages of this session that are installed.
    scaled
        Does the (generalized) model estimate a scale?
    own_parameters
        Does this lme4 compute the parameters of intervals by a function of its own (from 2.0 on)?
    plain_fits
        By variable of a model of ``lmer``: the call that fits it by lme4, even where lmerTest is
        attached.
    odd_names
        Has a predictor or a group of the first model a name that R must quote?
    design
        What it is, if it is a design.
    excluding
        Was it fitted with ``na.action = na.exclude``?
    """

    arguments: Mapping[str, Any]
    models: tuple[str, ...]
    variable: str
    fitter: str
    lmertest: bool
    earlier: Mapping[int, str]
    versions: Mapping[str, str]
    scaled: bool = False
    own_parameters: bool = False
    plain_fits: Mapping[str, Node] = field(default_factory=dict)
    odd_names: bool = False
    excluding: bool = False
    design: Design | None = None

    @property
    def fit(self) -> str:
        """The variable of the first model."""
        return self.models[0]

    @property
    def pbkrtest(self) -> tuple[int, ...]:
        """The version of pbkrtest in this session."""
        return self.version("pbkrtest")

    def version(self, package: str) -> tuple[int, ...]:
        """Return the version of a package in this session; 0 where it is not installed."""
        return tuple(map(int, self.versions.get(package, "0").replace("-", ".").split(".")))

    def ddf(self) -> Node | None:
        """Return the argument ddf as lmerTest's methods take it; None if it is not needed."""
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
    """Return the lines for a random result; without a seed its figures cannot be compared."""
    if asked.arguments["seed"] is not None:
        return shown(asked, value, kind, before=before)
    note = syntax.comment(f"{UNSEEDED}:")
    return replace(shown(asked, value, before=(note, *before)), why=f"{UNSEEDED}.")


UNSEEDED: Final = "It was drawn without a seed, and cannot be repeated exactly"


def first_values(written: Written) -> Written:
    """Print the first values only."""
    lines = [
        f"print(head({written.variable}))" if line == f"print({written.variable})" else line
        for line in written.lines
    ]
    return replace(written, lines=tuple(lines))


def with_plain_fits(asked: Asked) -> tuple[Asked, list[str]]:
    """Compare fits of lme4 itself: those of lmerTest cannot be updated within pbkrtest."""
    if not asked.lmertest:
        return asked, []
    given = asked.plain_fits
    names = {model: f"{model}_lme4" for model in asked.models if model in given}
    own = [syntax.assign(name, given[model]) for model, name in names.items()]
    return replace(asked, models=tuple(names.get(model, model) for model in asked.models)), own


OTHER_ROWS: Final = (
    "Models were compared too, one of them to the rows of another; R's anova() needs them fitted "
    "to the same data."
)
"""Why a comparison by anova() is left out."""


def without(text: str) -> Written:
    """Return only a comment, which says why there is no call."""
    return Written((syntax.comment(text),), why=text)
