"""What is stored of a model, in a file or a pickle, and the model that is made of it again."""

from __future__ import annotations

import dataclasses
import io
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from pymer_bridge import __version__
from pymer_bridge.data import frames, model_file, packing
from pymer_bridge.data.frozen_arrays import Arrays
from pymer_bridge.data.indexes import pack_index, unpack_index
from pymer_bridge.data.written_files import UNREADABLE
from pymer_bridge.errors import (
    DataConversionError,
    DriftWarning,
    FormulaError,
    ModelFileError,
    OptionError,
    RError,
)
from pymer_bridge.models.preparing import FITTERS, arguments_of
from pymer_bridge.models.r_model import RModel
from pymer_bridge.session import asking, conditions
from pymer_bridge.session.versions import versions_here
from pymer_bridge.spec import controls
from pymer_bridge.spec.controls import Control
from pymer_bridge.spec.formula_safety import allowed_functions
from pymer_bridge.spec.model_spec import ARGUMENTS, ModelSpec

MOST_KEPT: Final = 4
"""Models that a process keeps of those which came to it by pickle: the next pickle of one is it."""

Figures = Mapping[tuple[str, str], float]


# -- stored --------------------------------------------------------------------------------------


def document_of(model: RModel) -> tuple[dict[str, Any], Arrays]:
    """Return what is stored of a model: a document for JSON, and the arrays that it names.

    Raises
    ------
    OptionError
        The index of the data cannot be stored, or the model came from a file that R wrote.
    """
    try:
        found = asking.ask("saved_model", model=model._model)
    except RError as error:
        raise OptionError(f"the model cannot be stored: {error.message}") from error
    arrays: Arrays = {}
    frame = found["frame"]
    document = {
        "pymer_bridge": __version__,
        "versions": versions_here(),
        "spec": packing.pack(model.spec, arrays),
        "columns": {
            "names": list(frame["names"]),
            "n_rows": int(frame["n_rows"][0]),
            "parts": [packing.pack_part(part, arrays) for part in frame["parts"]],
        },
        "index": pack_index(model._index, arrays),
        "refitted": bool(found["refitted"][0]),
        "refits": _packed_refits(found["refits"], arrays),
        "figures": packing.pack_figures(found["figures"]),
    }
    return document, arrays


def _packed_refits(steps: Any, arrays: Arrays) -> list[Any] | None:
    """Turn the steps of a refit into JSON and arrays; None for what cannot be done again so."""
    if steps is None:
        return None
    return [
        {"values": packing.put(step["values"], arrays), "columns": int(step["columns"][0])}
        if isinstance(step, Mapping)
        else "likelihood"
        for step in steps
    ]


def pickled(model: RModel) -> tuple[Any, tuple[Any, ...]]:
    """Return what ``__reduce__`` of a model returns: a function, and what is stored of the model.

    Raises
    ------
    OptionError
        The model cannot be made again elsewhere.
    """
    document, arrays = document_of(model)
    if document["refitted"] and document["refits"] is None:
        raise OptionError(
            "the model cannot be pickled: after so many refits in a row it is not known where the "
            "last one started; fit.save_rds() stores the fit itself"
        )
    content = io.BytesIO()
    model_file.write(content, document, arrays)
    said = (*model.warnings, *model.messages)
    return unpickled, (type(model), content.getvalue(), model.spec.allow_functions, said)


# -- made again ----------------------------------------------------------------------------------


@lru_cache(MOST_KEPT)
def unpickled(
    cls: type[RModel], content: bytes, allow_functions: tuple[str, ...], said: tuple[str, ...]
) -> Any:
    """Make a model again of what :func:`pickled` gave.

    R's warnings were reported where the model was fitted; here only if anything differs.

    Parameters
    ----------
    cls
        Its class, whose module has the function that fits.
    content
        The bytes of a saved model.
    allow_functions
        The functions that it was allowed to call. A pickle can run code in any case.
    said
        The warnings and messages of the fit.

    Raises
    ------
    ModelFileError
        The content is damaged, or of a newer version.
    REnvironmentError, RError
        R is missing here, or stopped.
    """
    source = Path(f"a pickled {cls.__name__}")
    document, arrays = model_file.read_from(io.BytesIO(content), source)
    with conditions.held() as warned:
        fit, drift = made_again(source, document, arrays, allowed_functions(allow_functions))
    if drift is not None or said != (*fit.warnings, *fit.messages):
        for warning in warned:
            conditions.warn(warning)
    if drift is not None:
        conditions.warn(drift)
    return fit


def made_again(
    source: Path, document: Mapping[str, Any], arrays: Arrays, allowed: tuple[str, ...]
) -> tuple[Any, DriftWarning | None]:
    """Fit a model again by what is stored of it, and compare the figures.

    Parameters
    ----------
    source
        Where it was stored, for errors.
    document, arrays
        As :func:`document_of` gave them, or a forger.
    allowed
        The functions that the user allows.

    Returns
    -------
    tuple
        The model, and what has drifted.

    Raises
    ------
    ModelFileError, FormulaError, RError
        As for :func:`pymer_bridge.load`.
    """
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
    return fit, _drift(source, figures, now, versions, refitted=refitted)


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


def _drift(
    source: Path,
    stored: Figures,
    now: Figures,
    versions: Mapping[str, str | None],
    *,
    refitted: bool,
) -> DriftWarning | None:
    """Return what differs from the stored figures, if anything does."""
    keys = list(dict.fromkeys((*stored, *now)))
    differing = [key for key in keys if not _same(stored.get(key), now.get(key))]
    if not differing:
        return None
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
    return DriftWarning(said, differences, changed)


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
