"""A specification to a script of plain R: what was fitted and asked, as a statistician writes it.

Pure text: this module never touches the R session. What it needs to know of data and formulas is
in :class:`ScriptModel`, which :mod:`pymer_bridge.scripting` collects.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from pymer_bridge import fragments, rcalls, rdata, rtext
from pymer_bridge.controls import Control
from pymer_bridge.families import Family
from pymer_bridge.journal import Origin
from pymer_bridge.modelspec import ModelSpec, Start
from pymer_bridge.rtext import Node

DataFormat = Literal["csv", "rds"]

_NO_SCALE: Final = frozenset({"binomial", "poisson", "negative.binomial"})


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
        How it came to be.
    data
        The variable of its data.
    texts
        Formula, weights, offset and subset as R spells them; a vector's name where it is one.
    beside
        Vectors that must stand beside the data and not in it, for the formula has a dot.
    calls
        Functions that its texts call.
    """

    number: int
    variable: str
    spec: ModelSpec
    origin: Origin
    data: str
    texts: Mapping[str, str]
    beside: tuple[str, ...] = ()
    calls: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ScriptAct:
    """Something that was asked of models of a script.

    Attributes
    ----------
    number
        Its place in the order of the journal.
    operation, arguments
        As the journal has them.
    models
        The variables of the models.
    """

    number: int
    operation: str
    arguments: Mapping[str, Any]
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """What a script is written for.

    Attributes
    ----------
    title
        Its first line.
    files
        The file of each data frame, by variable; None where the reader has the data.
    format
        The format of the files.
    versions
        Of R and the packages of the session.
    contrasts, generator
        R's options of that name, and kinds of the generator.
    own_version
        Of this package.
    omitted
        How many models are not there any more.
    """

    title: str
    files: Mapping[str, str] | None
    format: DataFormat
    versions: Mapping[str, str]
    contrasts: tuple[str, str]
    generator: tuple[str, ...]
    own_version: str
    omitted: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """How one variable of a script is read as figures.

    Attributes
    ----------
    number
        Of the model, or of what was asked, in the journal.
    kind, variable, options
        As of :class:`pymer_bridge.rcalls.Written`.
    """

    number: int
    kind: str
    variable: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """A script, and how what it makes is read as figures."""

    text: str
    readings: tuple[Reading, ...]
    left_out: tuple[int, ...]
    """Numbers of what was asked for which the script has no call."""


def write_script(
    models: Sequence[ScriptModel], acts: Sequence[ScriptAct], data: Sequence[rdata.DataSet],
    setting: Setting,
) -> Script:  # fmt: skip
    """Write a script.

    Parameters
    ----------
    models
        The models, in the order in which they were fitted.
    acts
        What was asked of them.
    data
        Their data.
    setting
        What it is written for.
    """
    packages = _packages(models, acts)
    lmertest = "lmerTest" in packages
    lines = _opening(models, packages, setting)
    lines += _section("Data")
    for frame in data:
        lines += [*_reading(frame, setting), ""]
    for variable in _beside(models):
        name, source = variable
        lines += [rtext.assign(name, rtext.element(source, name)),
                  rtext.assign(rtext.element(source, name), "NULL"), ""]  # fmt: skip
    body, readings, left_out = _analysis(models, acts, lmertest, setting)
    lines += body
    text = re.sub("\n{3,}", "\n\n", "\n".join(lines)).rstrip("\n") + "\n"
    if not text.isascii():
        first, rest = text.split("\n\n", 1)
        text = "\n\n".join([first, "\n".join(fragments.fill("utf8")), rest])
    return Script(text, tuple(readings), tuple(left_out))


def _packages(models: Sequence[ScriptModel], acts: Sequence[ScriptAct]) -> list[str]:
    """List the packages that are attached, in the order of their need."""
    found = ["lme4"]
    fitters = {model.variable: model.spec.fitter for model in models}
    if any(
        rcalls.needs_lmertest(act.operation, act.arguments) and fitters[act.models[0]] == "lmer"
        for act in acts
    ):
        found.append("lmerTest")
    found += dict.fromkeys(
        rcalls.PACKAGES[act.operation] for act in acts if act.operation in rcalls.PACKAGES
    )
    if any(model.calls & {"ns", "bs"} for model in models):
        found.append("splines")
    return found


def _needed(models: Sequence[ScriptModel], packages: Sequence[str], setting: Setting) -> list[str]:
    """List what versions are stated of: R, and packages that do not come with it."""
    needed = ["R", *(name for name in packages if name != "splines")]
    if any(m.spec.family is not None and m.spec.family.theta is not None for m in models):
        needed.append("MASS")
    return [name for name in needed if name in setting.versions]


def _opening(
    models: Sequence[ScriptModel], packages: Sequence[str], setting: Setting
) -> list[str]:
    stated = _needed(models, packages, setting)
    versions = rtext.vector([setting.versions[name] for name in stated], stated)
    if setting.files is None:
        hint = "Have the data frames named below ready"
    else:
        listed = ", ".join(setting.files.values())
        hint = f"Run it in the folder that holds {listed}" if listed else "Run it anywhere"
    lines = fragments.fill(
        "opening", TITLE=rtext.comment(setting.title)[2:], VERSION=setting.own_version,
        HINT=rtext.comment(hint)[2:], MADE_WITH=rtext.render(versions, before=13),
    )  # fmt: skip
    lines += ["", *(f"library({name})" for name in packages), ""]
    if setting.omitted:
        lines += [
            rtext.comment(
                f"{setting.omitted} models that the program had let go of before this was written "
                "are not here."
            ),
            "",
        ]
    names = ["unordered", "ordered"]
    options = rtext.call("options", contrasts=rtext.vector(setting.contrasts, names))
    kinds = rtext.call("RNGkind", *map(rtext.string, setting.generator))
    return [*lines, rtext.statement(options), rtext.statement(kinds)]


def _section(title: str) -> list[str]:
    line = rtext.comment(f"-- {title} ")
    return ["", line + "-" * max(3, rtext.WIDTH - len(line)), ""]


def _reading(frame: rdata.DataSet, setting: Setting) -> list[str]:
    if setting.files is None:
        columns = ", ".join(
            f"{name} ({part['kind']})" for name, part in zip(frame.names, frame.parts, strict=True)
        )
        return fragments.fill(
            "present", VARIABLE=frame.variable, ROWS=str(frame.n_rows),
            COLUMNS=rtext.comment(columns)[2:], NAMES=rtext.render(rtext.vector(frame.names)),
        )  # fmt: skip
    file = setting.files[frame.variable]
    if setting.format == "rds":
        value = rtext.call("readRDS", rtext.string(file))
        return [rtext.assign(frame.variable, value), *rdata.checking_order(frame)]
    return rdata.reading_csv(frame, file)


def _beside(models: Sequence[ScriptModel]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((name, model.data) for model in models for name in model.beside))


def _analysis(
    models: Sequence[ScriptModel], acts: Sequence[ScriptAct], lmertest: bool, setting: Setting
) -> tuple[list[str], list[Reading], list[int]]:
    """Write fits and what was asked of them, in order."""
    lines: list[str] = []
    readings: list[Reading] = []
    left_out: list[int] = []
    fitters = {model.variable: model for model in models}
    summarised = {act.models[0] for act in acts if _is_summary(act)}
    made: dict[str, str] = {}
    grids: dict[int, str] = {}
    counts: dict[str, int] = {}
    pbkrtest = tuple(
        int(part) for part in setting.versions.get("pbkrtest", "0").replace("-", ".").split(".")
    )
    numbers = {model.variable: model.number for model in models}

    def place(step: ScriptModel | ScriptAct) -> tuple[int, int]:
        # A summary stands with its model.
        summary = isinstance(step, ScriptAct) and _is_summary(step)
        return (numbers[step.models[0]] if summary else step.number, step.number)  # type: ignore[union-attr]

    for step in sorted((*models, *acts), key=place):
        if isinstance(step, ScriptModel):
            title = "Model" if len(models) == 1 else step.variable.replace("model", "Model ")
            lines += [*_section(title), rtext.assign(step.variable, fit_node(step, lmertest))]
            if step.variable not in summarised:
                lines.append(f"print({_plain_summary(step, lmertest)})")
            lines.append("")
            readings.append(Reading(step.number, _model_kind(step.spec), step.variable, ()))
            continue
        stem = rcalls.STEMS[step.operation]
        counts[stem] = counts.get(stem, 0) + 1
        model = fitters[step.models[0]]
        variable = stem if counts[stem] == 1 else f"{stem}_{counts[stem]}"
        written = rcalls.WRITERS[step.operation](
            rcalls.Asked(
                step.operation, step.arguments, step.models, variable, model.spec.fitter,
                lmertest, grids, pbkrtest, _scaled(model.spec),
            )
        )  # fmt: skip
        if _is_summary(step):
            # The same summary serves for its text and for its figures.
            value = "\n".join(written.lines).replace(variable, "")
            if value in made:
                counts[stem] -= 1
                written = replace(written, lines=(), variable=made[value])
            made.setdefault(value, variable)
        if step.operation in ("marginal_means", "marginal_trends", "contrast_means"):
            grids[step.number] = variable
        lines += [*written.lines, ""] if written.lines else []
        if written.kind:
            readings.append(
                Reading(step.number, written.kind, written.variable, written.options)
            )
        else:
            left_out.append(step.number)
    return lines, readings, left_out


def _is_summary(act: ScriptAct) -> bool:
    return rcalls.STEMS[act.operation] == "summary"


def _plain_summary(model: ScriptModel, lmertest: bool) -> str:
    ddf = rtext.string("lme4") if lmertest and model.spec.fitter == "lmer" else None
    return rtext.statement(rtext.call("summary", model.variable, ddf=ddf))


def _scaled(spec: ModelSpec) -> bool:
    return spec.fitter == "glmer" and spec.family is not None and spec.family.name not in _NO_SCALE


def _model_kind(spec: ModelSpec) -> str:
    return {"lm": "linear_model", "glm": "linear_model", "lmList": "separate_model"}.get(
        spec.fitter, "mixed_model"
    )


# -- the call that fits --------------------------------------------------------------------------


def fit_node(model: ScriptModel, lmertest: bool) -> Node:
    """Write the call that fits a model, with only what differs from R's defaults."""
    spec = model.spec
    if model.origin == "refitted by likelihood":
        fitted = rtext.call("refitML", _fit_call(replace(model, spec=replace(spec, reml=True))))
        # refitML() gives a fit that lmerTest does not know.
        return rtext.call("as_lmerModLmerTest", fitted) if lmertest else fitted
    return _fit_call(model)


def _fit_call(model: ScriptModel) -> Node:
    spec = model.spec
    named: dict[str, Node | None] = {
        "family": None if spec.family is None else _family(spec.family),
        "REML": "FALSE" if spec.reml is False else None,
        "nAGQ": None if spec.n_agq is None else rtext.number(spec.n_agq),
        "weights": model.texts.get("weights"),
        "offset": model.texts.get("offset"),
        "subset": model.texts.get("subset"),
        "na.action": None if spec.na_action == "omit" else f"na.{spec.na_action}",
        "contrasts": _contrasts(spec.contrasts) if spec.contrasts else None,
        "control": None if spec.control is None else _control(spec.control),
        "start": None if spec.start is None else _start(spec.start),
    }
    given = tuple((name, value) for name, value in named.items() if value is not None)
    return rtext.Call(
        spec.fitter, ((None, model.texts["formula"]), ("data", model.data), *given)
    )  # fmt: skip


def _family(family: Family) -> Node:
    link = None if family.link is None else rtext.string(family.link)
    if family.theta is not None:
        theta = rtext.number(family.theta)
        return rtext.call("MASS::negative.binomial", theta=theta, link=link)
    return family.name if link is None else rtext.call(family.name, link=link)


def _contrasts(contrasts: Sequence[tuple[str, Any]]) -> Node:
    return rtext.listed(
        {
            name: rtext.string(given)
            if isinstance(given, str)
            else rtext.matrix(given["values"], given["row_names"], given["column_names"])
            for name, given in contrasts
        }
    )


def _control(control: Control) -> Node:
    arguments: list[tuple[str | None, Node]] = []
    for name, value in control.arguments:
        if isinstance(value, tuple):
            parts = dict(value)
            head = ".makeCC" if parts.get("action") is not None else "list"
            pairs = tuple((rtext.argument_name(key), rtext.atom(v)) for key, v in parts.items())
            arguments.append((name, rtext.Call(head, pairs)))
        elif isinstance(value, list):
            arguments.append((name, rtext.vector(value)))
        else:
            arguments.append((name, rtext.atom(value)))
    return rtext.Call(control.constructor, tuple(arguments))


def _start(start: Start) -> Node:
    parts = [part for part in start if isinstance(part, tuple)]
    if not parts:
        return rtext.vector(start)
    names = [name for name, _ in parts]
    if not {"theta", "fixef"} & set(names):
        return rtext.vector([values[0] for _, values in parts], names)
    return rtext.listed({name: rtext.vector(values) for name, values in parts})
