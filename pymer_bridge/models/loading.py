"""Models read back from files: fitted again from what is stored, or taken from R's own file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Final

from pymer_bridge.data import frames, model_file, packing
from pymer_bridge.data.frozen_arrays import from_inline
from pymer_bridge.data.indexes import unpack_index
from pymer_bridge.data.written_files import UNREADABLE, path_of
from pymer_bridge.errors import OptionError, RError
from pymer_bridge.models import stored
from pymer_bridge.models.base import Fitted
from pymer_bridge.models.glmer import GeneralizedLinearMixedModel
from pymer_bridge.models.lm import GeneralizedLinearModel, LinearModel
from pymer_bridge.models.lm_list import LinearModelList
from pymer_bridge.models.lmer import LinearMixedModel
from pymer_bridge.models.mixed import MixedModel
from pymer_bridge.models.nlmer import NonlinearMixedModel
from pymer_bridge.results.decode import record as decode
from pymer_bridge.session import asking, conditions, deadlines
from pymer_bridge.session.r_session import session
from pymer_bridge.spec.arguments import checked
from pymer_bridge.spec.families import Family
from pymer_bridge.spec.formula_safety import allowed_functions
from pymer_bridge.spec.model_spec import ModelSpec

R_CLASSES: Final[Mapping[str, tuple[str, type[Fitted]]]] = {
    "lm": ("lm", LinearModel),
    "glm": ("glm", GeneralizedLinearModel),
    "lmerMod": ("lmer", LinearMixedModel),
    "glmerMod": ("glmer", GeneralizedLinearMixedModel),
    "nlmerMod": ("nlmer", NonlinearMixedModel),
}
"""R's classes that :func:`load_rds` takes: the R function that fits them, and the class here."""

Loaded = MixedModel | LinearModel | LinearModelList
"""What a file may hold."""


@checked
@deadlines.timed
def load(
    path: str | PathLike[str], allow_functions: Sequence[str] = (), *, timeout: float | None = None
) -> Loaded:
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
    fit: Loaded
    fit, drift = stored.made_again(source, *model_file.read(source), allowed)
    if drift is not None:
        conditions.warn(drift)
    return fit


# -- R's own file --------------------------------------------------------------------------------


@checked
def load_rds(path: str | PathLike[str], trust: bool = False) -> Loaded:
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
        made: Loaded = asking.ask(
            "read_rds",
            lambda record: _model_of(source, record),
            path=str(source.resolve()),
            kinds=list(R_CLASSES),
        )
        return made
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
