"""Fitting any model: what is asked for is checked, taken to R and fitted there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self, TypeVar

from pymer_bridge.data import frames
from pymer_bridge.models.preparing import prepare, texts_of
from pymer_bridge.r_script.journal import journal
from pymer_bridge.results.decode import record as decode
from pymer_bridge.session import conditions
from pymer_bridge.session.calls import Outcome
from pymer_bridge.session.r_session import session
from pymer_bridge.spec.model_spec import ModelSpec


class Model(Protocol):
    """A class of fitted models, which is made of what ``fit_model()`` in R gives."""

    @classmethod
    def _of(cls, outcome: Outcome, asked: ModelSpec, frame: frames.AnyFrame) -> Self: ...


M = TypeVar("M", bound=Model)


def shared_fields(outcome: Outcome, asked: ModelSpec, frame: frames.AnyFrame) -> dict[str, Any]:
    """Return the fields that models of every class have, from what R has fitted."""
    facts = outcome.value["facts"]
    return {
        "formula": decode.text(facts, "formula"),
        "n_obs": decode.integer(facts, "n_obs"),
        "warnings": texts_of(outcome.warnings),
        "messages": texts_of(outcome.messages),
        "spec": asked,
        "columns": frame.names,
        "_model": outcome.value["model"],
        "_index": frame.index,
    }


def dropped_rows(facts: Mapping[str, Any], frame: frames.AnyFrame) -> tuple[Any, ...]:
    """Return the labels of the rows that R left out for missing values."""
    dropped = facts["dropped_rows"]
    return () if dropped is None else tuple(frame.index[dropped - 1])


def fit_model(cls: type[M], fitter: str, formula: str, data: Any, **asked: Any) -> M:
    """Fit a model, and raise what R warned of and said.

    Parameters
    ----------
    cls
        The class of the model.
    fitter
        The R function that fits.
    formula, data
        As for :func:`pymer_bridge.lmer`; or the data that a fitted model keeps in R.
    **asked
        As for :func:`pymer_bridge.models.preparing.prepare`.

    Raises
    ------
    FormulaError, DataConversionError, OptionError, RError, REnvironmentError
        As for :func:`pymer_bridge.lmer`.
    """
    session().require("lme4")
    spec, frame = prepare(fitter, formula, data, **asked)
    outcome = session().call("fit_model", spec=spec.to_r(), frame=frame.to_r())
    conditions.raise_warnings(outcome)
    journal.note_fit(outcome.value["model"], spec)
    return cls._of(outcome, spec, frame)
