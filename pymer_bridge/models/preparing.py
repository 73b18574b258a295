"""Fitting a model of any kind: the arguments are checked, sent to R and fitted there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar, cast

import numpy as np
import pandas as pd

from pymer_bridge.data import frames
from pymer_bridge.errors import FormulaError, OptionError, RError, listed
from pymer_bridge.models.coding import coded
from pymer_bridge.models.diagnosing import explaining
from pymer_bridge.models.r_model import RModel
from pymer_bridge.r_script.journal import Origin, journal
from pymer_bridge.results.decode import record as decode
from pymer_bridge.session import asking
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import formula_hints, formula_safety, labels, options
from pymer_bridge.spec.annotations import is_text
from pymer_bridge.spec.arguments import checked
from pymer_bridge.spec.model_spec import ModelSpec
from pymer_bridge.spec.names import quoted

F = TypeVar("F", bound=Callable[..., Any])
M = TypeVar("M", bound=RModel)

EXPRESSIONS: Final = ("weights", "offset", "subset", "var")
"""Texts that are no formulas."""

_NONE_CALLED: Final[Mapping[str, Any]] = {"names": (), "calls": ()}

FITTERS: Final[dict[str, Callable[..., Any]]] = {}
"""The functions that fit, by the name of R's own: each enters itself when its file is imported."""


def fits(r_function: str) -> Callable[[F], F]:
    """Enter a function among those that fit models, under the name of R's own."""

    def enter(function: F) -> F:
        made: Any = checked(function)
        FITTERS[r_function] = made
        return cast("F", made)

    return enter


def _needed_columns(
    formula: str,
    others: Mapping[str, Any],
    names: Sequence[str],
    allowed: Sequence[str],
    index: pd.Index,
) -> set[str]:
    """Ask R which columns the formula and the other texts name, and check what they call."""
    needed: set[str] = set()
    texts = {"formula": formula, **{k: v for k, v in others.items() if isinstance(v, str)}}
    for what, given in texts.items():
        needed.update(check_text(given, what, names, allowed, index.names))
    return needed


@lru_cache(maxsize=256)
def _described(text: str) -> Mapping[str, Any]:
    """Ask R what a text calls and names; of the same text it is asked once, errors always."""
    described: Mapping[str, Any] = asking.ask("describe_expression", text=text)
    return described


def check_text(
    given: str,
    what: str,
    names: Sequence[str],
    allowed: Sequence[str],
    index: Sequence[object] = (),
) -> tuple[str, ...]:
    """Have R read a formula or another expression, and name the columns that it needs.

    Parameters
    ----------
    given
        The text.
    what
        What it is ("formula", "weights" ...), for errors.
    names, index
        The columns of the data, and the names of the levels of its index.
    allowed
        The functions that the user allows.

    Raises
    ------
    FormulaError
        It cannot be parsed, is not a formula where one is needed, or calls a function that is not
        allowed.
    DataConversionError
        It names a column that does not exist.
    """
    if not isinstance(given, str):
        raise FormulaError(f"the {what} must be a string, not {type(given).__name__}")
    if not is_text(given):
        raise FormulaError(f"the {what} must be a text without NUL, and of whole characters")
    try:
        described = _described(given)
    except RError as error:
        shown = formula_safety.shortened(given)
        problem = error.message if given.strip() else "it is empty"
        hint = formula_hints.on_its_line(formula_hints.unreadable(given, names, problem))
        raise FormulaError(f"R cannot read the {what} {shown!r}: {problem}{hint}") from None
    if what == "formula" and not decode.flag(described, "has_response"):
        shown = formula_safety.shortened(given)
        raise FormulaError(
            f"{shown!r} is not a formula with a response, as in 'y ~ x + (1 | group)'"
        )
    if what not in EXPRESSIONS and not decode.flag(described, "is_formula"):
        shown = formula_safety.shortened(given)
        raise FormulaError(f"the {what} {shown!r} is not a formula, as in '. ~ . - x'")
    used = described["variables"] or ()
    if what == "formula" and "." in used:  # it stands for all the others
        used = names
    # Not kept with the text: a function of this name may be defined at any time.
    unusual = [name for name in used if not re.fullmatch(r"[\w.]+", name)]
    called = asking.ask("calls_in_names", names=unusual) if unusual else _NONE_CALLED
    described = {**described, "in_names": called}
    return formula_safety.check_expression(given, described, names, allowed, what, index=index)


def _in_order(start: Any, names: Sequence[str]) -> Any:
    """Put parameters in the order of the formula: nlmer() takes gradients by position."""
    if not names:
        return start  # R's own error says what the formula lacks
    unknown = [name for name, _ in start if name not in names]
    if unknown:
        raise OptionError(f"start names {listed(unknown)}; the formula has: {listed(names)}")
    return tuple(sorted(start, key=lambda part: list(names).index(part[0])))


def _check_bars(fitter: str, formula: str) -> None:
    """Refuse random effects where there are none: to R's lm() a bar is a logical "or"."""
    mixed = {"lm": "lmer", "glm": "glmer"}.get(fitter)
    bars = _described(formula)["bars"] if mixed else None
    if bars:
        raise FormulaError(
            f"{fitter}() has no random effects, and the formula has ({bars[0]}): pb.{mixed}() fits "
            "them; a logical 'or' is written within I()"
        )


def _vector_or_text(
    given: Any, index: pd.Index, names: Sequence[str], argument: str, dtype: Any = np.float64
) -> Any:
    if isinstance(given, str):
        return quoted(given) if given in names else given
    return None if given is None else labels.row_vector(given, index, argument, dtype)


def _name_of(table: Any) -> str:
    """Return the name that load_dataset() or the user gave the frame, if R can use it."""
    try:
        return options.check_data_name(str(getattr(table, "attrs", {}).get("name", "data")))
    except OptionError:
        return "data"


def prepare(
    fitter: str,
    formula: str,
    data: Any,
    *,
    weights: Any,
    offset: Any,
    subset: Any,
    contrasts: Mapping[str, Any] | None,
    na_action: options.NaAction,
    data_name: str | None,
    allow_functions: Sequence[str],
    hypotheses: Mapping[str, Any] | None = None,
    parameters: Sequence[str] = (),
    **others: Any,
) -> tuple[ModelSpec, frames.AnyFrame]:
    """Check the specification of a model, and collect the columns that it needs.

    Parameters
    ----------
    fitter
        The R function that will fit.
    formula, data, weights, offset, subset, contrasts, na_action, data_name, allow_functions
        As for :func:`pymer_bridge.lmer`; the data may also be those that a model keeps in R,
        or columns that are ready.
    hypotheses
        As for :func:`pymer_bridge.lmer`.
    parameters
        Names in the formula that are not columns: parameters of a nonlinear model.
    **others
        Further fields of the specification, checked already.

    Raises
    ------
    FormulaError, DataConversionError, OptionError
        Something is not accepted; the message names it.
    """
    na_action = options.one_of(na_action, options.NaAction, "na_action")
    ready = isinstance(data, frames.KeptFrame | frames.Frame)
    table = data if ready else frames.opened(data)
    names = list(data.names) if ready else frames.column_names(table)
    index = data.index if ready else frames.index_of(table)
    extras = {
        "weights": _vector_or_text(weights, index, names, "weights"),
        "offset": _vector_or_text(offset, index, names, "offset"),
        "subset": _vector_or_text(subset, index, names, "subset", np.bool_),
    }
    if clash := sorted(set(parameters) & set(names)):
        raise OptionError(
            f"start names {', '.join(map(repr, clash))}, and the data has such a column; give the "
            "parameter another name"
        )
    needed = _needed_columns(formula, extras, [*names, *parameters], allow_functions, index)
    if fitter == "nlmer":
        formula_safety.check_unquoted(needed)
        used = [name for name in _described(formula)["variables"] if name not in names]
        others["start"] = _in_order(others["start"], used)
    needed -= set(parameters)
    _check_bars(fitter, formula)
    # Ready columns are only the needed ones, but contrasts may name others.
    known = [*names, *(contrasts or ())] if ready else names
    asked = ModelSpec(
        fitter=fitter,
        formula=formula,
        data_name=options.check_data_name(data_name) if data_name else _name_of(table),
        na_action=na_action,
        contrasts=labels.check_contrasts(contrasts, known),
        allow_functions=tuple(allow_functions),
        **extras,
        **others,
    )
    frame = data if ready else frames.collect(table, needed)
    return coded(asked, hypotheses, frame, list(frame.names) if ready else names), frame


def fit_model(cls: type[M], fitter: str, formula: str, data: Any, **asked: Any) -> M:
    """Fit a model, and raise R's warnings and messages.

    Parameters
    ----------
    cls
        The class of the model.
    fitter
        The R function that fits.
    formula, data
        As for :func:`pymer_bridge.lmer`, or the data that a fitted model holds in R.
    **asked
        As for :func:`prepare`.

    Raises
    ------
    FormulaError, DataConversionError, OptionError, RError, REnvironmentError
        As for :func:`pymer_bridge.lmer`.
    """
    session().require("lme4")
    spec, frame = prepare(fitter, formula, data, **asked)
    with explaining(spec, frame):
        return make_model(
            "fit_model",
            lambda record: cls._of(record, spec, frame),
            "fitted",
            spec=spec.to_r(),
            frame=frame.to_r(),
        )


def make_model(operation: str, read: Callable[[Any], M], origin: Origin, /, **arguments: Any) -> M:
    """Have R make a model, and note it for scripts.

    Parameters
    ----------
    operation, **arguments
        The function of R, and its arguments.
    read
        Makes the model from R's answer.
    origin
        How the model came about.
    """
    return asking.ask(
        operation,
        read,
        then=lambda model: journal.note_fit(model._model, model.spec, origin),
        **arguments,
    )


def arguments_of(spec: ModelSpec) -> dict[str, Any]:
    """Return the arguments that a model was fitted with, as its function takes them."""
    found = {name: getattr(spec, name) for name in spec.argument_names}
    if spec.fitter != "nlmer" and "contrasts" in found:
        found["hypotheses"] = None  # they are contrasts by now
    found["contrasts"] = {name: _as_given(contrast) for name, contrast in spec.contrasts}
    if (
        isinstance(found.get("start"), tuple)
        and found["start"]
        and isinstance(found["start"][0], tuple)
    ):
        found["start"] = dict(found["start"])
        if spec.nonlinear:
            found["start"] = {name: value for name, (value,) in found["start"].items()}
    return found


def _as_given(contrast: Any) -> Any:
    if isinstance(contrast, str):
        return contrast
    if contrast["column_names"] is None:
        return contrast["values"]
    return pd.DataFrame(
        contrast["values"], index=contrast["row_names"], columns=contrast["column_names"]
    )
