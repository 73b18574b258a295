"""Fitted models, and what was asked of them, collected and written as scripts of plain R."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from pymer_bridge import __version__
from pymer_bridge.data.columns import Part
from pymer_bridge.data.written_files import all_whole, check_gzip, path_of
from pymer_bridge.errors import OptionError, ScriptError
from pymer_bridge.r_script import data_files
from pymer_bridge.r_script.entries import (
    asked_of,
    different,
    entries_of,
    has_script,
    parameters_node,
    spelled,
    vector_part,
)
from pymer_bridge.r_script.fits import Design, Refit, ScriptModel
from pymer_bridge.r_script.journal import DoneEntry, FitEntry, journal, unique
from pymer_bridge.r_script.operations import OPERATIONS
from pymer_bridge.r_script.unwritten import UNWRITTEN
from pymer_bridge.r_script.writer import Script, ScriptAct, Setting, write_script
from pymer_bridge.session.asking import ask
from pymer_bridge.session.calls import Handle
from pymer_bridge.session.versions import r_versions
from pymer_bridge.spec.arguments import checked
from pymer_bridge.spec.names import free_name
from pymer_bridge.spec.options import DataFormat, one_of

BESIDE = ("dfoptim", "optimx")
"""Packages that calls of others need."""
ROW_VECTORS = ("weights", "offset", "subset")


@checked
def session_script(path: str | Path, data: DataFormat | None = "csv") -> Path:
    """Write all models of this session, and what was asked of them, as one script of plain R.

    Parameters
    ----------
    path
        Where the script goes.
    data
        As for ``fit.to_r_script()``.

    Returns
    -------
    pathlib.Path
        The script: models that the program still has, in the order in which they were fitted,
        and tests, intervals, bootstraps, predictions and simulations, in the order in which they
        were made.

    Raises
    ------
    OptionError
        ``data`` is not accepted, or there is no model.

    Notes
    -----
    A model that was refitted to another response, and that R cannot make, is left out, and so is
    what was asked of it; a comment says how many there were.

    Examples
    --------
    >>> import tempfile
    >>> import pymer_bridge as pb
    >>> sleepstudy = pb.load_dataset("sleepstudy")
    >>> large = pb.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, reml=False)
    >>> small = pb.lmer("Reaction ~ Days + (1 | Subject)", sleepstudy, reml=False)
    >>> test = pb.anova(small, large)
    >>> "anova(" in pb.session_script(f"{tempfile.mkdtemp()}/analysis.R").read_text()
    True
    """
    return Analysis.of_session().write(path_of(path), data)


@dataclass(slots=True)
class Analysis:
    """Models, what was asked of them, and their data, ready to be written.

    Attributes
    ----------
    fits, done
        Entries of the journal.
    title
        The first line of the script.
    omitted
        How many models the script leaves out.
    handles
        The models themselves, which are kept alive while this is.
    models, acts, data
        What is written of them.
    dotted
        Names of data that a formula with a dot (``y ~ .``) uses: no column may be added to them.
    """

    fits: list[FitEntry]
    done: list[DoneEntry]
    title: str
    omitted: int = 0
    handles: list[Handle] = field(default_factory=list)
    models: list[ScriptModel] = field(default_factory=list)
    acts: list[ScriptAct] = field(default_factory=list)
    data: list[data_files.DataSet] = field(default_factory=list)
    dotted: set[str] = field(default_factory=set)

    @classmethod
    def of_model(cls, model: Handle) -> Analysis:
        """Take one model, what was asked of it, and the models that it was compared with.

        Raises
        ------
        ScriptError
            The model has no call of its own, or was not fitted in this process.
        """
        return cls.of_entries([model], asked_of(model))

    @classmethod
    def of_entries(cls, models: Sequence[Handle], done: Sequence[DoneEntry]) -> Analysis:
        """Take models, and things that were asked of them or of others.

        Raises
        ------
        ScriptError
            A model no longer exists, has no call of its own, or was fitted in another process.
        """
        entries = list(unique(done))
        held = [ref() for entry in entries for ref in entry.models]
        for entry in entries:
            if not entry.alive:
                raise ScriptError("the model of this result no longer exists")
            if entry.operation not in OPERATIONS:
                raise ScriptError(f"{entry.operation}: {UNWRITTEN[entry.operation].why}")
        for entry in entries:  # an entry can build on an earlier one, and so on
            earlier = entry.arguments.get("of")
            entries += [each for each in journal.done if each.number == earlier]
        alive = [model for model in models if has_script(model)]
        wanted = different([*alive, *held])  # of an earlier entry, the models are these
        fits = entries_of(wanted)
        titles = list(dict.fromkeys(entry.spec.formula for entry in fits))
        title = titles[0] if len(titles) == 1 else f"{len(fits)} models"
        return cls(fits, unique(entries), title, handles=wanted)._collected()

    @classmethod
    def of_session(cls) -> Analysis:
        """Take everything in the journal."""
        journal.tidy()
        wanted = different(entry.model() for entry in journal.fits)
        fits = entries_of(wanted)
        if not fits:
            raise OptionError("there is no model: fit one, and keep it in a variable")
        omitted = journal.n_forgotten + len(journal.fits) - len(fits)
        done = [entry for entry in unique(journal.done) if entry.operation in OPERATIONS]
        title = f"{len(fits)} models" if len(fits) > 1 else fits[0].spec.formula
        return cls(fits, done, title, omitted, handles=wanted)._collected()

    def _collected(self) -> Analysis:
        """Ask R about the models, and give names to them and to their data."""
        for i, entry in enumerate(self.fits):
            model = entry.model()
            assert model is not None
            designed = entry.origin == "designed"
            alone, several = ("design", "design") if designed else ("fit", "model")
            name = alone if len(self.fits) == 1 else f"{several}{i + 1}"
            add = self._add_design if designed else self._add
            add(entry, model, name)
        variables = {
            id(entry.model()): m.variable for entry, m in zip(self.fits, self.models, strict=True)
        }
        for done in self.done:
            models = [id(ref()) for ref in done.models]
            if variables.keys() >= set(models):
                names = tuple(variables[model] for model in models)
                arguments = spelled(done.arguments)
                self.acts.append(ScriptAct(done.number, done.operation, arguments, names))
        return self

    def _add(self, entry: FitEntry, model: Handle, variable: str) -> None:
        spec = entry.spec
        facts = ask("script_facts", model=model, data_name=spec.data_name)
        given = {name: getattr(spec, name) for name in ROW_VECTORS}
        arrays = {name: value for name, value in given.items() if isinstance(value, np.ndarray)}
        dot = "." in (facts["variables"] or ())
        parts = map(data_files.part_from_r, facts["frame"]["parts"])
        columns = dict(zip(facts["frame"]["names"], parts, strict=True))
        own = {name: free_name(f".{name}", columns) for name in arrays}
        texts = {name: facts[name][0] for name in ("formula", *ROW_VECTORS) if facts.get(name)}
        texts |= own
        vectors = {own[name]: vector_part(values) for name, values in arrays.items()}
        orders = dict(facts["orders"] or {})
        refit = None
        if facts["refit"] is not None and spec.fitter not in ("lm", "glm"):
            refit = self._refit(facts["refit"], spec.data_name, vectors, orders, dot)
        place = self._place(spec.data_name, {**columns, **vectors}, orders, dot)
        self.models.append(
            ScriptModel(
                entry.number,
                variable,
                spec,
                entry.origin,
                place,
                texts,
                tuple(vectors) if dot else (),
                frozenset(facts["calls"] or ()),
                bool(facts["odd_names"][0]),
                refit,
            )
        )

    def _add_design(self, entry: FitEntry, design: Handle, variable: str) -> None:
        spec = entry.spec
        facts = ask("design_facts", design=design)
        parts = map(data_files.part_from_r, facts["frame"]["parts"])
        columns = dict(zip(facts["frame"]["names"], parts, strict=True))
        place = self._place(spec.data_name, columns, dict(facts["orders"] or {}), dot=False)
        self.models.append(
            ScriptModel(
                entry.number,
                variable,
                spec,
                entry.origin,
                place,
                {},
                calls=frozenset(facts["calls"] or ()),
                design=Design(
                    facts["right"][0],
                    facts["response"][0],
                    place,
                    spec.family,
                    parameters_node(facts),
                ),
            )
        )

    def _refit(
        self,
        facts: Mapping[str, Any],
        name: str,
        vectors: Mapping[str, Part],
        orders: Mapping[str, Sequence[str]],
        dot: bool,
    ) -> Refit:
        """Place the data of the fit that was refitted to another response."""
        frame = facts["frame"]
        parts = map(data_files.part_from_r, frame["parts"])
        columns = dict(zip(frame["names"], parts, strict=True))
        place = self._place(name, {**columns, **vectors}, orders, dot)
        return Refit(place, facts["response"][0], bool(facts["likelihood"][0]))

    def _place(
        self, name: str, columns: Mapping[str, Part], orders: Mapping[str, Sequence[str]], dot: bool
    ) -> str:
        """Find or make the data frame that has these columns, and return its variable."""
        n_rows = len(next(iter(columns.values()))["values"])
        same_name = 0
        for i, known in enumerate(self.data):
            if known.variable.partition("_version")[0] != name:
                continue
            same_name += 1
            have = dict(zip(known.names, known.parts, strict=True))
            fits_in = known.n_rows == n_rows and all(
                data_files.same_part(part, have[column])
                for column, part in columns.items()
                if column in have
            )
            dotted = dot or known.variable in self.dotted
            if not fits_in or (dotted and set(have) != set(columns)):
                continue
            if dot:
                self.dotted.add(known.variable)
            merged = {**have, **columns}
            self.data[i] = replace(
                known,
                names=tuple(merged),
                parts=tuple(merged.values()),
                orders={**known.orders, **orders},
            )
            return known.variable
        variable = name if same_name == 0 else f"{name}_version{same_name + 1}"
        if dot:
            self.dotted.add(variable)
        self.data.append(
            data_files.DataSet(variable, tuple(columns), tuple(columns.values()), dict(orders))
        )
        return variable

    def versions(self) -> dict[str, str]:
        """Return the versions of R and of packages that scripts state."""
        others = dict.fromkeys(name for each in OPERATIONS.values() for name in each.packages)
        found = r_versions("lme4", "lmerTest", *others, "MASS", *BESIDE)
        return {name: version for name, version in found.items() if version is not None}

    def script(self, files: Mapping[str, str] | None, data: DataFormat) -> Script:
        """Return the script; no file is written."""
        settings = ask("script_settings")
        return write_script(
            self.models,
            self.acts,
            self.data,
            Setting(
                title=self.title,
                files=files,
                format=data,
                versions=self.versions(),
                contrasts=tuple(settings["contrasts"]),
                generator=tuple(settings["generator"]),
                own_version=__version__,
                omitted=self.omitted,
                own_parameters=bool(settings["own_parameters"][0] == 1),
            ),
        )

    def write(self, path: Path, data: DataFormat | None) -> Path:
        """Write script and data."""
        self.write_all(path, data)
        return path

    def write_all(self, path: Path, data: DataFormat | None) -> Script:
        """Write script and data, and return what was written."""
        if data is not None:
            data = one_of(data, DataFormat, "data")
        form = data or "csv"
        frames = [] if data is None else self.data
        files = {frame.variable: f"{path.stem}-{frame.variable}.{form}" for frame in frames}
        script = self.script(None if data is None else files, form)
        with all_whole([path, *(path.parent / name for name in files.values())]) as (own, *others):
            own.write_text(script.text, encoding="utf-8", newline="\n")
            for frame, other in zip(frames, others, strict=True):
                _write_data(frame, other, form)
        return script


def _write_data(frame: data_files.DataSet, path: Path, data: DataFormat) -> None:
    if data == "rds":
        ask("write_rds", frame=frame.to_r(), path=str(path.resolve()))
        check_gzip(path)
    else:
        path.write_text(data_files.csv_text(frame), encoding="utf-8", newline="\n")
