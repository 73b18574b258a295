"""Scripts of plain R: what was fitted and asked, as a statistician would write it.

Pure text: this module never touches the R session. What it needs to know of data and formulas is
in :class:`pymer_bridge.r_script.fits.ScriptModel`, which :mod:`pymer_bridge.r_script.analysis`
collects.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pymer_bridge.r_script import data_files, syntax
from pymer_bridge.r_script.fits import ScriptModel, fit_node, plain_fit_node
from pymer_bridge.r_script.operations import OPERATIONS, Operation
from pymer_bridge.r_script.statements import Asked, Written, without
from pymer_bridge.spec.model_spec import ModelSpec
from pymer_bridge.spec.options import DataFormat

_NO_SCALE: Final = frozenset({"binomial", "poisson", "negative.binomial"})


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
        How many models no longer exist.
    own_parameters
        Does this lme4 compute the parameters of intervals by a function of its own (from 2.0 on)?
    """

    title: str
    files: Mapping[str, str] | None
    format: DataFormat
    versions: Mapping[str, str]
    contrasts: tuple[str, str]
    generator: tuple[str, ...]
    own_version: str
    omitted: int = 0
    own_parameters: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """How one variable of a script is read as figures.

    Attributes
    ----------
    number
        Of the model, or of what was asked, in the journal.
    kind, variable, options
        As of :class:`pymer_bridge.r_script.statements.Written`.
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
    left_out: Mapping[int, str]
    """Why what was asked has no figures in the script, by its number."""


def write_script(
    models: Sequence[ScriptModel],
    acts: Sequence[ScriptAct],
    data: Sequence[data_files.DataSet],
    setting: Setting,
) -> Script:
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
    packages = _packages(models, acts, setting)
    lines = _opening(models, packages, setting)
    lines += _section("Data")
    for frame in data:
        lines += [*_reading(frame, setting), ""]
    for name, source in dict.fromkeys((name, m.data) for m in models for name in m.beside):
        column = syntax.element(source, name)
        lines += [syntax.assign(name, column), syntax.assign(column, "NULL"), ""]
    if any(model.refit is not None for model in models):
        lines += [*syntax.fill("refitted"), ""]
    body = _analysis(models, acts, "lmerTest" in packages, setting)
    lines += body.lines
    text = re.sub("\n{3,}", "\n\n", "\n".join(lines)).rstrip("\n") + "\n"
    if not text.isascii():
        first, rest = text.split("\n\n", 1)
        text = "\n\n".join([first, "\n".join(syntax.fill("utf8")), rest])
    return Script(text, tuple(body.readings), dict(body.left_out))


def _packages(
    models: Sequence[ScriptModel], acts: Sequence[ScriptAct], setting: Setting
) -> list[str]:
    """List the packages that are attached, in the order of their need."""
    found = ["lme4"]
    linear = {model.variable for model in models if model.spec.fitter == "lmer"}
    asked = [(OPERATIONS[act.operation], act) for act in acts]
    if any(each.needs_lmertest(act.arguments) and act.models[0] in linear for each, act in asked):
        found.append("lmerTest")
    needed = dict.fromkeys(name for each, _ in asked for name in each.packages)
    found += [name for name in needed if name in setting.versions]
    if any(model.calls & {"ns", "bs"} for model in models):
        found.append("splines")
    return found


def _needed(models: Sequence[ScriptModel], packages: Sequence[str], setting: Setting) -> list[str]:
    """List what versions are stated of: R, and packages that do not come with it."""
    needed = ["R", *(name for name in packages if name != "splines")]
    if any(m.spec.family is not None and m.spec.family.theta is not None for m in models):
        needed.append("MASS")
    return [name for name in needed if name in setting.versions]


def _opening(models: Sequence[ScriptModel], packages: Sequence[str], setting: Setting) -> list[str]:
    stated = _needed(models, packages, setting)
    versions = syntax.vector([setting.versions[name] for name in stated], stated)
    if setting.files is None:
        hint = "Have the data frames named below ready"
    else:
        listed = ", ".join(setting.files.values())
        hint = f"Run it in the folder that holds {listed}" if listed else "Run it anywhere"
    lines = syntax.fill(
        "opening",
        TITLE=syntax.comment(setting.title)[2:],
        VERSION=setting.own_version,
        HINT=syntax.comment(hint)[2:],
        MADE_WITH=syntax.render(versions, before=13),
    )
    lines += ["", *(f"library({name})" for name in packages), ""]
    if setting.omitted:
        lines += [
            syntax.comment(
                f"{setting.omitted} models are left out, which no longer exist in the program."
            ),
            "",
        ]
    names = ["unordered", "ordered"]
    options = syntax.call("options", contrasts=syntax.vector(setting.contrasts, names))
    kinds = syntax.call("RNGkind", *map(syntax.string, setting.generator))
    return [*lines, syntax.render(options), syntax.render(kinds)]


def _section(title: str) -> list[str]:
    line = syntax.comment(f"-- {title} ")
    return ["", line + "-" * max(3, syntax.WIDTH - len(line)), ""]


def _reading(frame: data_files.DataSet, setting: Setting) -> list[str]:
    if setting.files is None:
        columns = ", ".join(
            f"{name} ({part['kind']})" for name, part in zip(frame.names, frame.parts, strict=True)
        )
        return syntax.fill(
            "present",
            VARIABLE=frame.variable,
            ROWS=str(frame.n_rows),
            COLUMNS=syntax.comment(columns)[2:],
            NAMES=syntax.render(syntax.vector(frame.names)),
        )
    file = setting.files[frame.variable]
    if setting.format == "rds":
        value = syntax.call("readRDS", syntax.string(file))
        return [syntax.assign(frame.variable, value), *data_files.checking_order(frame)]
    return data_files.reading_csv(frame, file)


@dataclass(slots=True)
class _Body:
    """The part of a script that fits and asks, as it grows.

    Attributes
    ----------
    models
        By variable.
    lines, readings, left_out
        What is written so far.
    summaries
        The variables of summaries, by the text of their calls.
    variables
        The variables of what was asked, by number.
    counts
        How many results have a name of each stem.
    """

    models: Mapping[str, ScriptModel]
    lmertest: bool
    setting: Setting
    lines: list[str] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    left_out: dict[int, str] = field(default_factory=dict)
    summaries: dict[str, str] = field(default_factory=dict)
    variables: dict[int, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add_model(self, model: ScriptModel, summary: bool) -> None:
        """Fit a model, and print its summary if nothing else does."""
        if model.design is not None:
            made = syntax.assign(model.variable, model.design.parameters)
            self.lines += [*_section("Parameters of a design"), made, ""]
            return
        title = "Model" if len(self.models) == 1 else model.variable.replace("model", "Model ")
        fitted = fit_node(model, self.lmertest)
        self.lines += [*_section(title), syntax.assign(model.variable, fitted)]
        if summary:
            self.lines.append(f"print({_plain_summary(model, self.lmertest)})")
        self.lines.append("")
        self.readings.append(Reading(model.number, _model_kind(model.spec), model.variable, ()))

    def add_act(self, act: ScriptAct) -> None:
        """Ask what was asked."""
        operation = OPERATIONS[act.operation]
        count = self.counts.get(operation.stem, 0) + 1
        variable = operation.stem if count == 1 else f"{operation.stem}_{count}"
        written = self._written(operation, self._asked(act, variable))
        if _is_summary(act):
            # The same summary serves for its text and for its figures.
            value = "\n".join(written.lines).replace(variable, "")
            if value in self.summaries:
                written = replace(written, lines=(), variable=self.summaries[value])
            self.summaries.setdefault(value, variable)
        if written.variable:
            self.variables[act.number] = written.variable
        if written.lines:
            self.lines += [*written.lines, ""]
            self.counts[operation.stem] = count
        if written.kind:
            self.readings.append(
                Reading(act.number, written.kind, written.variable, written.options)
            )
        else:
            self.left_out[act.number] = written.why

    def _written(self, operation: Operation, asked: Asked) -> Written:
        absent = [name for name in operation.packages if name not in self.setting.versions]
        if absent:
            return without(f"R's package {absent[0]}, which repeats this, is not installed.")
        return operation.write(asked)

    def _asked(self, act: ScriptAct, variable: str) -> Asked:
        model = self.models[act.models[0]]
        return Asked(
            arguments=act.arguments,
            models=act.models,
            variable=variable,
            fitter=model.spec.fitter,
            lmertest=self.lmertest,
            earlier=self.variables,
            versions=self.setting.versions,
            scaled=_scaled(model.spec),
            own_parameters=self.setting.own_parameters,
            plain_fits={
                name: plain_fit_node(self.models[name])
                for name in act.models
                if self.models[name].spec.fitter == "lmer" and self.models[name].design is None
            },
            odd_names=model.odd_names,
            design=model.design,
            excluding=model.spec.na_action == "exclude",
        )


def _analysis(
    models: Sequence[ScriptModel], acts: Sequence[ScriptAct], lmertest: bool, setting: Setting
) -> _Body:
    """Write fits and what was asked of them, in order; a summary stands with its model."""
    summarised = {act.models[0] for act in acts if _is_summary(act)}
    body = _Body({model.variable: model for model in models}, lmertest, setting)
    steps: list[tuple[int, int, ScriptModel | ScriptAct]] = [
        (model.number, 0, model) for model in models
    ]
    for act in acts:
        place = body.models[act.models[0]].number if _is_summary(act) else act.number
        steps.append((place, act.number, act))
    for _, _, step in sorted(steps, key=lambda each: each[:2]):
        if isinstance(step, ScriptModel):
            body.add_model(step, step.variable not in summarised)
        else:
            body.add_act(step)
    return body


def _is_summary(act: ScriptAct) -> bool:
    return OPERATIONS[act.operation].stem == "model_summary"


def _plain_summary(model: ScriptModel, lmertest: bool) -> str:
    ddf = syntax.string("lme4") if lmertest and model.spec.fitter == "lmer" else None
    return syntax.render(syntax.call("summary", model.variable, ddf=ddf))


def _scaled(spec: ModelSpec) -> bool:
    return spec.fitter == "glmer" and spec.family is not None and spec.family.name not in _NO_SCALE


def _model_kind(spec: ModelSpec) -> str:
    return {"lm": "linear_model", "glm": "linear_model", "lmList": "separate_model"}.get(
        spec.fitter, "mixed_model"
    )
