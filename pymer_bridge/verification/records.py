"""Records of models: specification, fingerprint of the data, every figure; and their checks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from os import PathLike
from pathlib import Path
from typing import Any, Final

import numpy as np

from pymer_bridge.data import packing, record_file
from pymer_bridge.data.frozen_arrays import inline
from pymer_bridge.data.written_files import UNREADABLE, path_of
from pymer_bridge.errors import (
    DataConversionError,
    FormulaError,
    OptionError,
    PymerWarning,
    RError,
    shown,
)
from pymer_bridge.models import (  # the functions that fit enter themselves
    glmer,  # noqa: F401
    lm_list,  # noqa: F401
    lmer,  # noqa: F401
    nlmer,  # noqa: F401
    stored,
)
from pymer_bridge.results.drift import DataChange, DriftReport, FigureChange, SettingChange
from pymer_bridge.session import conditions
from pymer_bridge.session.asking import ask
from pymer_bridge.session.read_data import DATA_SET, read_data
from pymer_bridge.session.versions import stack_here
from pymer_bridge.spec.annotations import is_text
from pymer_bridge.spec.arguments import checked
from pymer_bridge.spec.formula_safety import allowed_functions
from pymer_bridge.verification import drift, record_parts, record_results, tolerances
from pymer_bridge.verification.against_r import verify
from pymer_bridge.verification.data_fingerprint import data_changes, data_print
from pymer_bridge.verification.figures import figures_of
from pymer_bridge.verification.record_parts import RecordedModel
from pymer_bridge.verification.record_results import RecordedResult, results_of

# -- making --------------------------------------------------------------------------------------


@checked
def record(
    fit: Any,
    path: str | PathLike[str],
    *,
    source: str | Mapping[str, str] | None = None,
    ddf: str | None = None,
    results: bool = True,
) -> Path:
    """Write a record of fitted models and what was asked of them, so that it can be checked later.

    Parameters
    ----------
    fit
        A fitted model of any kind; several by name: ``{"null": fit0, "slopes": fit1}``.
    path
        The file, such as ``"results.pbr.json"``; an existing file is replaced as a whole
        or not at all.
    source
        Where the data were read from, so that :func:`verify_record` finds them: a data set of an
        R package ("lme4::sleepstudy"), or a file, by its path from the folder of the record.
        For several models one source for all, or one for each by the model's name.
    ddf
        The degrees of freedom of the tests of fixed effects; by default as in the model's
        ``fixed_effects()``.
    results
        Also record the tests, intervals, bootstraps, predictions and the like that were asked of
        these models and that the program still has: what ``fit.to_r_script()`` writes.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    OptionError
        It is not a fitted model, or its own call would not fit it again.
    REnvironmentError, RError
        As for the model's ``fixed_effects()``.
    OSError
        The file cannot be written.

    Warns
    -----
    PymerWarning
        Some results are not in the record; it names each, and says why.

    Notes
    -----
    A record is plain JSON (``pymer_bridge/data/record.schema.json`` is its schema). It holds the
    specification, hashes of the data as R saw them (not the data), every figure at full precision,
    and the versions of R, its packages and libraries, and of this package. Of each result it holds
    the arguments and the figures; of replicates, simulations and vectors of more than 1,000 figures
    their number, a hash of their bits, and mean, standard deviation and range.

    Examples
    --------
    >>> import tempfile
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pb.record(fit, f"{folder}/results.pbr.json", source="lme4::sleepstudy")
    ...     report = pb.verify_record(path)
    >>> report.ok
    True
    """
    models = _by_name(fit)
    if isinstance(source, Mapping) and (unknown := sorted(set(source) - set(models))):
        raise OptionError(f"source names {unknown[0]!r}, but no model has this name")
    sources = source if isinstance(source, Mapping) else dict.fromkeys(models, source)
    recorded = [_recorded(name, model, ddf, sources.get(name)) for name, model in models.items()]
    asked = models if results else {}
    taken, left_out = results_of(asked, [model.figures for model in recorded])
    content = {
        "stack": stack_here(),
        "models": list(map(record_parts.pack_model, recorded)),
        "results": list(map(record_results.pack_result, taken)),
    }
    target = path_of(path)
    record_file.write(target, content)
    if left_out:
        conditions.warn(
            PymerWarning(
                f"{target} does not hold: {'; '.join(left_out)} (results=False: no results at all)"
            )
        )
    return target


def _by_name(fit: Any) -> dict[str, Any]:
    if not isinstance(fit, Mapping):
        return {"model": fit}
    if not fit:
        raise OptionError("fit: there is no model to record")
    return {str(name): model for name, model in fit.items()}


def _recorded(name: str, fit: Any, ddf: str | None, source: str | None) -> RecordedModel:
    figures = figures_of(fit, ddf)
    facts = _facts(fit)
    return RecordedModel(
        name=name,
        spec=fit.spec,
        ddf=figures.ddf if figures.ddf != "residual" else None,
        call=facts["call"][0],
        contrasts=_contrasts(facts),
        data=data_print(facts),
        source=source,
        figures=dict(figures.values),
    )


def _facts(fit: Any) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = ask("recorded_model", model=fit._model)
    except RError as error:
        raise OptionError(f"the model cannot be recorded: {error.message}") from error
    return found


def _contrasts(answer: Mapping[str, Any]) -> dict[str, str]:
    # An empty list of R has no names.
    return {name: text[0] for name, text in dict(answer["contrasts"] or {}).items()}


# -- checking ------------------------------------------------------------------------------------


@checked
def verify_record(
    path: str | PathLike[str],
    fit: Any = None,
    *,
    data: Any = None,
    against_r: bool = False,
    tolerance: float | Mapping[str, float] | None = None,
    allow_functions: Sequence[str] = (),
) -> DriftReport:
    """Fit the models of a record again, and say what drifted.

    Parameters
    ----------
    path
        A file that :func:`record` wrote.
    fit
        A fitted model, or several by name, to compare with the record; by default the models are
        fitted as the record says.
    data
        A frame for all models, or frames by the names of the models. By default they are read
        from the source in the record: a data set of an installed R package, or a file in the
        record's own folder or below.
    against_r
        Also compare with plain R in a process of its own, see :func:`pymer_bridge.verify`.
    tolerance
        The largest distance that passes, each figure in its own unit: one for all figures, or by
        "family/quantity", such as ``{"fixed_effect/estimate": 1e-4}`` (of a standard error). By
        default 0 if R, its packages and libraries, the platform and the state of the process are
        those of the record; otherwise the known differences between versions of lme4.
    allow_functions
        The functions that were allowed when the models were fitted, if any: a file cannot allow
        functions itself.

    Returns
    -------
    DriftReport
        ``.ok`` is False if something drifted; the printed report says what, next to the versions
        that changed.

    Raises
    ------
    RecordError
        The file is not a record, is damaged, was changed, is too large, or is of a newer version;
        or its models cannot be fitted as it says.
    FormulaError
        A formula in it calls a function that is not allowed.
    DataConversionError, OptionError
        The data cannot be found or have a column missing, or an argument is not accepted.
    RError, REnvironmentError
        R stopped, or cannot be used.
    ScriptError, VerificationError
        Plain R cannot be asked.
    OSError
        The file is not there, or may not be read.

    Notes
    -----
    Nothing in a record is ever run. Its contents pass the same checks as a user's own arguments.
    Results are asked for again as well, bootstraps with all of their replicates.

    Examples
    --------
    >>> import tempfile
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pb.record(fit, f"{folder}/results.pbr.json")
    ...     report = pb.verify_record(path, fit)
    >>> report.figures
    ()
    """
    file = path_of(path)
    stack, models, results = read_record(file)
    of_results = {drift.name_of(key) for each in results for key in each.figures or ()}
    given = tolerances.check_tolerance(tolerance, of_results)
    functions = allowed_functions(allow_functions)
    fits = _fits(file, models, fit, data, functions)
    here = stack_here()
    same_stack = drift.is_same_stack(stack, here)
    changes: list[FigureChange] = []
    found_data: list[DataChange] = []
    found_settings: list[SettingChange] = []
    limits_of: dict[str, Mapping[str, float]] = {}
    for model in models:
        now = _recorded(model.name, fits[model.name], model.ddf, model.source)
        limits = dict(tolerances.limits_for(model.spec, of_results, same_stack=same_stack)) | given
        limits_of[model.name] = limits
        changes += drift.figure_changes(
            model.name, model.figures, now.figures, limits, same_stack=same_stack
        )
        found_data += data_changes(model.name, model.data, now.data)
        found_settings += drift.setting_changes(model.name, _settings(model), _settings(now))
    again = _asked_again(file, results, fits, functions)
    for result, answer in zip(results, again, strict=True):
        changes += record_results.changes_of(
            result, answer, results, limits_of, same_stack=same_stack
        )
    return DriftReport(
        record=str(path),
        figures=tuple(changes),
        data=tuple(found_data),
        settings=tuple(found_settings),
        versions=drift.version_changes(stack, here),
        n_figures=sum(len(model.figures) for model in models)
        + sum(len(result.figures or ()) for result in results),
        same_stack=same_stack,
        notes=drift.known_breaks(stack, here),
        against_r=_against_r(fits) if against_r else None,
    )


def _asked_again(
    file: Path, results: Sequence[RecordedResult], fits: Mapping[str, Any], allowed: tuple[str, ...]
) -> list[Any]:
    """Ask for each recorded result in its turn; all are kept, as later ones can be of them."""
    again: list[Any] = []
    for result in results:
        try:
            again.append(record_results.asked_again(result, fits, again, allowed))
        except FormulaError as error:
            raise FormulaError(f"{file}: {result.shown}: {error}") from None
        except (OptionError, DataConversionError, *UNREADABLE) as error:
            said = f"its result {shown(result.shown)} cannot be asked for: {str(error)[:300]}"
            record_file.FILE.refuse(file, said, error)
    return again


def read_record(
    path: Path,
) -> tuple[dict[str, str | None], tuple[RecordedModel, ...], tuple[RecordedResult, ...]]:
    """Read a record, and check every part of it.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    tuple
        The stack on which it was made, the models, and the results.

    Raises
    ------
    RecordError
        The file is not a record, is damaged, was changed, is too large, or is of a newer version.
    OSError
        It is not there, or may not be read.
    """
    document = record_file.read(path)
    try:
        stored = [] if document["schema"] == 1 else document.pop("results")
        if set(document) != {"format", "schema", "stack", "models"}:
            raise ValueError("parts missing or unknown")
        models = record_parts.unpack_models(document["models"])
        results = record_results.unpack_results(stored, [model.name for model in models])
        return record_parts.unpack_stack(document["stack"]), models, results
    except UNREADABLE as error:
        record_file.FILE.refuse_unreadable(path, error)


def _fits(
    file: Path, models: Sequence[RecordedModel], fit: Any, data: Any, allowed: tuple[str, ...]
) -> dict[str, Any]:
    names = [model.name for model in models]
    if fit is None:
        return {model.name: _fit_again(file, model, data, allowed) for model in models}
    if data is not None:
        raise OptionError("give the fitted models or data to fit them to, and not both")
    fits = fit if isinstance(fit, Mapping) else dict.fromkeys(names[:1], fit)
    if sorted(fits) != sorted(names):
        raise OptionError(
            f"fit: the record is of {', '.join(map(repr, names))}, and the models given are: "
            f"{', '.join(map(repr, fits))}"
        )
    return dict(fits)


def _fit_again(file: Path, model: RecordedModel, data: Any, allowed: tuple[str, ...]) -> Any:
    stored.require_allowed(file, model.spec, allowed)
    table = _data_of(file, model, data)
    try:
        return stored.fit_again(model.spec, table)
    except (FormulaError, DataConversionError, RError):
        raise
    except (OptionError, *UNREADABLE) as error:
        record_file.FILE.refuse(file, f"what it asks for cannot be: {str(error)[:300]}", error)


def _data_of(file: Path, model: RecordedModel, data: Any) -> Any:
    if data is not None:
        by_name = isinstance(data, Mapping) and model.name in data
        return data[model.name] if by_name else data
    source = model.source
    if source is None:
        raise OptionError(
            f"{file}: it does not say where the data are; give them (data=, or --data FILE)"
        )
    if DATA_SET.fullmatch(source):
        return read_data(source)
    if not is_text(source):
        record_file.FILE.refuse(file, f"its data are in {shown(source)}, which is no file")
    place, folder = Path(source), file.parent.resolve()
    # A file from others must not choose what is read here.
    inside = (folder / place).resolve()
    if place.is_absolute() or not inside.is_relative_to(folder):
        raise OptionError(
            f"{file}: its data are in {shown(source)}, which is not in its own folder; if you want "
            "them read, give them yourself (data=, or --data FILE)"
        )
    return read_data(str(folder / place))


def _settings(model: RecordedModel) -> dict[str, str]:
    """Return the specification, part by part, as text."""
    spec = model.spec
    found = {f.name: _as_text(getattr(spec, f.name)) for f in fields(spec) if f.name in _COMPARED}
    if spec.control is not None:
        found |= {f"control, {name}": _as_text(value) for name, value in spec.control.arguments}
    found |= {f"contrasts of {name!r}": text for name, text in model.contrasts.items()}
    return found


_COMPARED: Final = "fitter formula na_action reml weights offset subset start family n_agq".split()


def _as_text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, np.ndarray):
        bits = record_file.digest(inline(value))
        return f"{len(value)} values of hash {bits[:12]}"
    if isinstance(value, str):
        return re.sub(r"\s+", " ", value)
    packed = packing.pack(value, {})
    return str(packed["fields"] if isinstance(packed, dict) and "fields" in packed else packed)


def _against_r(fits: Mapping[str, Any]) -> str:
    """Compare with plain R, and return the differences."""
    reports = {name: verify(fit, runs=1) for name, fit in fits.items()}
    return "; ".join(f"{name}: {report.line}" for name, report in reports.items() if not report.ok)
