"""The call of R that fits a model, written from its specification.

Pure text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pymer_bridge.r_script import syntax
from pymer_bridge.r_script.journal import Origin
from pymer_bridge.r_script.syntax import Node
from pymer_bridge.spec.controls import Control
from pymer_bridge.spec.families import Family
from pymer_bridge.spec.model_spec import ModelSpec, Start


@dataclass(frozen=True, slots=True)
class Refit:
    """How a model was refitted to another response.

    Attributes
    ----------
    data
        The variable of the data of the fit that was refitted.
    response
        The response, as R spells it.
    likelihood
        Was it then refitted by maximum likelihood?
    """

    data: str
    response: str
    likelihood: bool


@dataclass(frozen=True, slots=True)
class Design:
    """A model of data that are not there yet.

    Attributes
    ----------
    right
        The formula without a response, as R spells it.
    response
        The name of the response.
    data
        The variable of the frame.
    family
        Of a generalized model.
    parameters
        beta, theta and sigma.
    """

    right: str
    response: str
    data: str
    family: Family | None
    parameters: Node


@dataclass(frozen=True, slots=True)
class ScriptModel:
    """A model of a script.

    Attributes
    ----------
    number
        Its place in the order of the journal.
    variable
        What it is called in R.
    spec
        What was asked for.
    origin
        Whether it was fitted or refitted.
    data
        The variable of its data.
    texts
        Formula, weights, offset and subset as R spells them; a vector's name where it is one.
    beside
        Vectors that must not be columns of the data, as the formula has a dot (``y ~ .``).
    calls
        Functions that its texts call.
    odd_names
        Has a predictor or a group a name that R must quote?
    refit
        How it was refitted to another response.
    design
        What it is, if it is a design.
    """

    number: int
    variable: str
    spec: ModelSpec
    origin: Origin
    data: str
    texts: Mapping[str, str]
    beside: tuple[str, ...] = ()
    calls: frozenset[str] = frozenset()
    odd_names: bool = False
    refit: Refit | None = None
    design: Design | None = None


def fit_node(model: ScriptModel, lmertest: bool) -> Node:
    """Write the call that fits a model, with only what differs from R's defaults."""
    spec = model.spec
    if model.refit is not None:
        fitted = _refitted(model, model.refit)
        return syntax.call("as_lmerModLmerTest", fitted) if _known(model, lmertest) else fitted
    if model.origin == "refitted by likelihood":
        fitted = syntax.call("refitML", _fit_call(replace(model, spec=replace(spec, reml=True))))
        # refitML() gives a fit that lmerTest does not know.
        return syntax.call("as_lmerModLmerTest", fitted) if lmertest else fitted
    return _fit_call(model)


def _known(model: ScriptModel, lmertest: bool) -> bool:
    return lmertest and model.spec.fitter == "lmer"


def _refitted(model: ScriptModel, refit: Refit) -> Node:
    spec = replace(model.spec, reml=True) if refit.likelihood else model.spec
    first = _fit_call(replace(model, spec=spec, data=refit.data))
    response = syntax.call("with", model.data, refit.response)
    fitted = syntax.call("refitted", first, response, model.data)
    return syntax.call("refitML", fitted) if refit.likelihood else fitted


def plain_fit_node(model: ScriptModel) -> Node:
    """Write the call that fits a model by lme4, even where lmerTest is attached."""
    spec = replace(model.spec, fitter=f"lme4::{model.spec.fitter}")
    return fit_node(replace(model, spec=spec), lmertest=False)


def _fit_call(model: ScriptModel) -> Node:
    spec = model.spec
    named: dict[str, Node | None] = {
        "family": None if spec.family is None else family_node(spec.family),
        "REML": "FALSE" if spec.reml is False else None,
        "nAGQ": None if spec.n_agq is None else syntax.number(spec.n_agq),
        "weights": model.texts.get("weights"),
        "offset": model.texts.get("offset"),
        "subset": model.texts.get("subset"),
        "na.action": None if spec.na_action == "omit" else f"na.{spec.na_action}",
        "contrasts": _contrasts(spec.contrasts) if spec.contrasts else None,
        "control": None if spec.control is None else _control(spec.control),
        "start": None if spec.start is None else _start(spec.start),
    }
    given = tuple((name, value) for name, value in named.items() if value is not None)
    return syntax.Call(spec.fitter, ((None, model.texts["formula"]), ("data", model.data), *given))


def family_node(family: Family) -> Node:
    """Write a family."""
    link = None if family.link is None else syntax.string(family.link)
    if family.theta is not None:
        theta = syntax.number(family.theta)
        return syntax.call("MASS::negative.binomial", theta=theta, link=link)
    return family.name if link is None else syntax.call(family.name, link=link)


def _contrasts(contrasts: Sequence[tuple[str, Any]]) -> Node:
    def written(given: Any) -> Node:
        if isinstance(given, str):
            return syntax.string(given)
        return syntax.matrix(given["values"], given["row_names"], given["column_names"])

    return syntax.named("list", ((name, written(given)) for name, given in contrasts))


def _control(control: Control) -> Node:
    arguments: list[tuple[str | None, Node]] = []
    for name, value in control.arguments:
        if isinstance(value, tuple):
            parts = dict(value)
            head = ".makeCC" if parts.get("action") is not None else "list"
            pairs = ((key, syntax.atom(v)) for key, v in parts.items())
            arguments.append((name, syntax.named(head, pairs)))
        elif isinstance(value, list):
            arguments.append((name, syntax.vector(value)))
        else:
            arguments.append((name, syntax.atom(value)))
    return syntax.Call(control.constructor, tuple(arguments))


def _start(start: Start) -> Node:
    parts = [part for part in start if isinstance(part, tuple)]
    if not parts:
        return syntax.vector(start)
    names = [name for name, _ in parts]
    if not {"theta", "fixef"} & set(names):
        return syntax.vector([values[0] for _, values in parts], names)
    return syntax.named("list", ((name, syntax.vector(values)) for name, values in parts))
