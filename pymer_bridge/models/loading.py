"""Models read back from files: fitted again from what is stored, or taken from R's own file."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Final

from pymer_bridge.data import frames, model_file, packing
from pymer_bridge.data.arrays import Arrays, from_inline
from pymer_bridge.data.files import UNREADABLE, path_of
from pymer_bridge.data.indexes import unpack_index
from pymer_bridge.errors import (
    DataConversionError,
    DriftWarning,
    FormulaError,
    ModelFileError,
    OptionError,
    RError,
)
from pymer_bridge.models.base import Fitted
from pymer_bridge.models.glmer import GeneralizedLinearMixedModel
from pymer_bridge.models.lm import GeneralizedLinearModel, LinearModel
from pymer_bridge.models.lmer import LinearMixedModel
from pymer_bridge.models.methods.refitting import arguments_of
from pymer_bridge.models.nlmer import NonlinearMixedModel
from pymer_bridge.models.preparing import FITTERS
from pymer_bridge.results.decode import record as decode
from pymer_bridge.session import asking, conditions, deadlines
from pymer_bridge.session.r_session import session
from pymer_bridge.session.versions import versions_here
from pymer_bridge.spec import controls
from pymer_bridge.spec.arguments import checked
from pymer_bridge.spec.controls import Control
from pymer_bridge.spec.families import Family
from pymer_bridge.spec.formula_safety import allowed_functions
from pymer_bridge.spec.model_spec import ARGUMENTS, ModelSpec

R_CLASSES: Final[Mapping[str, tuple[str, type[Fitted]]]] = {
    "lm": ("lm", LinearModel),
    "glm": ("glm", GeneralizedLinearModel),
    "lmerMod": ("lmer", LinearMixedModel),
    "glmerMod": ("glmer", GeneralizedLinearMixedModel),
    "nlmerMod": ("nlmer", NonlinearMixedModel),
}
"""R's classes that :func:`load_rds` takes: the R function that fits them, and the class here."""

Figures = Mapping[tuple[str, str], float]


@checked
@deadlines.timed
def load(
    path: str | PathLike[str], allow_functions: Sequence[str] = (), *, timeout: float | None = None
) -> Any:
    """Fit a model again that ``fit.save()`` stored, and compare its figures with the stored ones.

    Parameters
    ----------
    path
        The file.
    allow_functions
        The functions that were allowed when the model was fitted, if any: a file cannot allow
        functions itself.
    timeout
        As for :func:`pymer_bridge.lmer`.

    Returns
    -------
    LinearMixedModel, LinearModel ...
        The model, of its original class.

    Raises
    ------
    ModelFileError
        The file is not a saved model, is damaged, was changed, is too large, or is of a newer
        version.
    FormulaError
        The formula, or another text in the file, calls a function that is not allowed; the
        message names it.
    RError
        R stopped.
    RTimeoutError
        It did not end within ``timeout``; R is ready for the next call.
    OSError
        The file is not there, or may not be read.

    Warns
    -----
    DriftWarning
        A figure is not the stored one to the last bit. ``differences`` of the warning has the
        figures, and ``versions`` the versions that changed.

    Notes
    -----
    Nothing in the file is ever run. Its contents pass the same checks as a user's own arguments.

    Examples
    --------
    >>> import tempfile
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = pb.load(fit.save(f"{folder}/fit.pbr.zip"))
    >>> again.fixed_effects() == fit.fixed_effects()
    True
    """
    source = path_of(path)
    allowed = allowed_functions(allow_functions)
    document, arrays = model_file.read(source)
    try:
        spec = packing.unpack_spec(document["spec"], arrays)
        if not isinstance(spec, ModelSpec):
            raise ValueError("it holds no specification of a model")
        frame = _frame(document["columns"], document["index"], arrays)
        figures = packing.unpack_figures(document["figures"])
        versions = _versions(document["versions"])
        refits = document.get("refits")  # files of the first version have none
        refitted = document["refitted"] is True and refits is None
        require_allowed(source, spec, allowed)
        fit = _refitted(spec, frame, refits or (), arrays)
    except (FormulaError, ModelFileError):
        raise
    except (DataConversionError, OptionError, *UNREADABLE) as error:
        model_file.FILE.refuse(source, f"what it asks for cannot be: {error}", error)
    found = asking.ask("saved_figures", model=fit._model)
    now = packing.unpack_figures(packing.pack_figures(found))
    _warn_of_drift(source, figures, now, versions, refitted=refitted)
    return fit


def require_allowed(source: Path, spec: ModelSpec, allowed: tuple[str, ...]) -> None:
    """Refuse functions that a file needs and that the user has not allowed.

    Raises
    ------
    FormulaError
        The user does not allow one of them.
    """
    lacking = [name for name in spec.allow_functions if name not in allowed]
    if lacking:
        raise FormulaError(
            f"{source}: the model was fitted with further functions allowed, which its formula may "
            f"call: {', '.join(map(repr, lacking))}. If you trust the file, allow them again: "
            f"allow_functions={spec.allow_functions!r}"
        )


def _frame(columns: Any, index: Any, arrays: Arrays) -> frames.Frame:
    names, n_rows = packing.check_texts(columns["names"]), columns["n_rows"]
    if len(set(names)) != len(names) or not isinstance(n_rows, int) or n_rows < 1:
        raise ValueError("its columns are not a data frame")
    records = columns["parts"]
    if not isinstance(records, list) or len(records) != len(names):
        raise ValueError("it does not have one column per name")
    parts = tuple(packing.unpack_part(record, arrays, n_rows) for record in records)
    labels = unpack_index(index, arrays)
    if len(labels) != n_rows:
        raise ValueError(f"its index has {len(labels)} labels for {n_rows} rows")
    return frames.Frame(tuple(names), parts, labels)


def _versions(stored: Any) -> dict[str, str | None]:
    if not all(isinstance(text, str | None) for text in stored.values()):
        raise ValueError("its versions are not texts")
    return dict(stored)


def fit_again(spec: ModelSpec, data: Any) -> Any:
    """Call the public function, so that everything passes the checks of a user's call.

    Parameters
    ----------
    spec
        From a file.
    data
        Columns ready for R, or data as a user gives them.

    Raises
    ------
    ValueError
        No fitted model has such a specification.
    FormulaError, DataConversionError, OptionError, RError, REnvironmentError
        As for the public function.
    """
    if spec.fitter not in ARGUMENTS:
        raise ValueError(f"this version has no function {spec.fitter!r} that fits models")
    taken = ("fitter", "formula", *spec.argument_names)
    for field in dataclasses.fields(spec):
        value = getattr(spec, field.name)
        if field.name not in taken and value is not field.default:
            raise ValueError(f"a model of {spec.fitter} has no {field.name}")
    given = {name: arguments_of(spec)[name] for name in spec.argument_names}
    if spec.control is not None:
        given["control"] = _control(spec.control)
    return FITTERS[spec.fitter](
        spec.formula, data, **{key: value for key, value in given.items() if value is not None}
    )


def _refitted(spec: ModelSpec, frame: frames.Frame, steps: Sequence[Any], arrays: Arrays) -> Any:
    """Fit a model, and refit it by the same steps: each starts at the estimates of the last."""
    by_likelihood = "likelihood" in steps
    fit = fit_again(dataclasses.replace(spec, reml=True) if by_likelihood else spec, frame)
    for step in steps:
        if step == "likelihood":
            fit = fit.refit_ml()
        else:
            values = packing.get(step["values"], arrays, "float64")
            fit = fit.refit(values.reshape((-1, step["columns"]), order="F"))
    return fit


def _control(stored: Control) -> Control:
    """Make the control object by the public function, which checks its arguments."""
    make = getattr(controls, stored.constructor.replace("Control", "_control"))
    given: dict[str, Any] = {}
    for name, value in stored.arguments:
        pairs = isinstance(value, tuple) and all(isinstance(item, tuple) for item in value)
        given[name.replace(".", "_")] = dict(value) if pairs else value
    if "optimizer" in given and given["optimizer"] is None:
        given["optimizer"] = "none"
    made: Control = make(**given)
    if packing.pack(made, {}) != packing.pack(stored, {}):
        raise ValueError("it has a control object that cannot be made")
    return made


# -- drift ---------------------------------------------------------------------------------------


def _warn_of_drift(
    source: Path,
    stored: Figures,
    now: Figures,
    versions: Mapping[str, str | None],
    *,
    refitted: bool,
) -> None:
    keys = list(dict.fromkeys((*stored, *now)))
    differing = [key for key in keys if not _same(stored.get(key), now.get(key))]
    if not differing:
        return
    here = versions_here()
    changed = {
        name: (versions.get(name), here.get(name))
        for name in dict.fromkeys((*versions, *here))
        if versions.get(name) != here.get(name)
    }
    found = "; ".join(
        _describe(figure, [key for key in differing if key[0] == figure], stored, now)
        for figure in dict.fromkeys(figure for figure, _ in differing)
    )
    since = ", ".join(
        f"{name} ({then} then, {today} now)" for name, (then, today) in changed.items()
    )
    found += f". Changed since: {since or 'no version; the machine may be another'}"
    if refitted:
        found += ". It was made by refit() or refit_ml(), which start elsewhere than a new fit"
    differences = [
        {"figure": key[0], "label": key[1], "stored": stored.get(key), "refitted": now.get(key)}
        for key in differing
    ]
    said = f"{source}: fitted again, the model gives other figures than were stored: {found}"
    conditions.warn(DriftWarning(said, differences, changed))


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return False
    return one == other or (math.isnan(one) and math.isnan(other))


def _describe(figure: str, keys: list[tuple[str, str]], stored: Figures, now: Figures) -> str:
    both = [key for key in keys if key in stored and key in now]
    if len(both) < len(keys):
        alone = ", ".join(repr(key[1]) for key in keys if key not in both)
        return f"{figure} (on one side only: {alone})"
    apart = {key: abs(stored[key] - now[key]) for key in both}
    worst = max(both, key=lambda key: apart[key])
    where = f" of {worst[1]!r}" if worst[1] else ""
    return f"{figure}{where}: {stored[worst]!r} then, {now[worst]!r} now, {apart[worst]:.2g} apart"


# -- R's own file --------------------------------------------------------------------------------


@checked
def load_rds(path: str | PathLike[str], trust: bool = False) -> Any:
    """Read a fitted model from R's own file, by ``fit.save_rds()`` or R's ``saveRDS()``.

    Parameters
    ----------
    path
        The file.
    trust
        Must be True: reading an ``.rds`` can run any code that its writer has put there.

    Returns
    -------
    LinearMixedModel, LinearModel ...
        The fit itself, not fitted again. For a file that another program wrote, the data are those
        that the fit carries; without any, the data are its model frame, and R stops where
        something needs more.

    Raises
    ------
    OptionError
        ``trust`` is not True.
    ModelFileError
        It is not an ``.rds``, or holds something other than a supported model.
    OSError
        The file is not there, or may not be read.

    Notes
    -----
    R function: ``readRDS``. A file of :meth:`save` is safe to take from others, and this is not.

    Examples
    --------
    >>> import tempfile
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = pb.load_rds(fit.save_rds(f"{folder}/fit.rds"), trust=True)
    >>> again.random_effects == fit.random_effects
    True
    """
    source = path_of(path)
    if trust is not True:
        raise OptionError(
            "reading an .rds file can run any code that its writer has put there; if you wrote it "
            f"or trust who did: load_rds({str(path)!r}, trust=True). Files of fit.save() are safe "
            "to take from others"
        )
    model_file.FILE.open(source).close()
    session().require("lme4")
    try:
        return asking.ask(
            "read_rds",
            lambda record: _model_of(source, record),
            path=str(source.resolve()),
            kinds=list(R_CLASSES),
        )
    except RError as error:
        model_file.FILE.refuse(source, f"R cannot read a model from it ({error.message})", error)


def _model_of(source: Path, record: Mapping[str, Any]) -> Any:
    """Make the model that R has read."""
    kind = record["kind"][0]
    if kind not in R_CLASSES:
        model_file.FILE.refuse(
            source, f"it holds an object of class {kind}, and not one of {', '.join(R_CLASSES)}"
        )
    fitter, cls = R_CLASSES[kind]
    spec, frame = _known(source, record) or _guessed(fitter, record)
    return cls._of(record, spec, frame)


def _known(source: Path, found: Mapping[str, Any]) -> tuple[ModelSpec, frames.Frame] | None:
    """Return the record in a file of this package; None for another file."""
    if found["record"] is None:
        return None
    try:
        record = json.loads(found["record"][0])
        if record["version"] > model_file.FILE.version:
            raise ValueError(f"version {record['version']} is newer than {model_file.FILE.version}")
        arrays = {name: from_inline(each) for name, each in record["arrays"].items()}
        spec = packing.unpack_spec(record["spec"], arrays)
        index = unpack_index(record["index"], arrays)
    except UNREADABLE as error:
        model_file.FILE.refuse_unreadable(source, error)
    return spec, frames.Frame(found["columns"], (), index)


def _family(facts: Mapping[str, Any]) -> Family | None:
    """Return the family of a fit; None if this package does not have that family."""
    name, size = decode.text(facts, "family"), decode.number_or_none(facts, "size")
    try:
        return Family("negative.binomial" if size else name, decode.text(facts, "link"), size)
    except OptionError:
        return None


def _guessed(fitter: str, answer: Mapping[str, Any]) -> tuple[ModelSpec, frames.Frame]:
    """Return the specification, as far as a fit of another program shows it."""
    facts = answer["facts"]
    action: Any = decode.text(answer, "na_action")
    weights, offset, subset = (
        None if answer[name] is None else decode.text(answer, name)
        for name in ("weights", "offset", "subset")
    )
    spec = ModelSpec(
        fitter=fitter,
        formula=decode.text(facts, "formula"),
        data_name=decode.text(answer, "data_name"),
        na_action=action,
        reml=decode.flag(facts, "reml") if fitter == "lmer" else None,
        n_agq=decode.integer_or_none(answer, "n_agq") if fitter in ("glmer", "nlmer") else None,
        family=_family(facts) if fitter in ("glm", "glmer") else None,
        weights=weights,
        offset=offset,
        subset=subset,
    )
    return spec, frames.Frame(tuple(answer["columns"]), (), frames.index_from_r(answer))
