"""Fitting any model: what is asked for is checked, taken to R and fitted there."""

from __future__ import annotations

from typing import Any, Protocol, Self, TypeVar

from pymer_bridge import frames, notices
from pymer_bridge.journal import journal
from pymer_bridge.modelspec import ModelSpec
from pymer_bridge.preparing import prepare
from pymer_bridge.rsession import Outcome, session


class Model(Protocol):
    """A class of fitted models, which is made of what ``fit_model()`` in R gives."""

    @classmethod
    def _of(cls, outcome: Outcome, asked: ModelSpec, frame: frames.AnyFrame) -> Self: ...


M = TypeVar("M", bound=Model)


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
        As for :func:`pymer_bridge.preparing.prepare`.

    Raises
    ------
    FormulaError, DataConversionError, OptionError, RError, REnvironmentError
        As for :func:`pymer_bridge.lmer`.
    """
    session().require("lme4")
    spec, frame = prepare(fitter, formula, data, **asked)
    outcome = session().call("fit_model", spec=spec.to_r(), frame=frame.to_r())
    notices.raise_warnings(outcome)
    journal.note_fit(outcome.value["model"], spec)
    return cls._of(outcome, spec, frame)
