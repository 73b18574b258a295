"""Predictions of one fitted linear model: a method of a model class."""

from __future__ import annotations

from typing import Any

from pymer_bridge.data import frames
from pymer_bridge.errors import OptionError
from pymer_bridge.models.base import Fitted
from pymer_bridge.results.decode import internals as decode_internals
from pymer_bridge.results.prediction import Predictions
from pymer_bridge.session import conditions
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import options
from pymer_bridge.spec.model_spec import ModelSpec


class LinearPredicting(Fitted):
    """Predictions of a linear or generalized linear model."""

    __slots__ = ()

    columns: tuple[str, ...]
    spec: ModelSpec

    def predict(
        self,
        new_data: Any = None,
        type: options.PredictionType = "link",  # noqa: A002  # R's word
        *,
        std_error: bool = False,
        interval: options.LinearInterval | None = None,
        conf_level: float = 0.95,
    ) -> Predictions:
        """Predict the mean response, at new data or at the data themselves.

        Parameters
        ----------
        new_data
            A frame, or a mapping of columns, with the predictors; None for the data themselves.
        type
            "link" or "response", which are the same for a linear model.
        std_error
            Give standard errors too, on the same scale.
        interval
            "confidence" for the mean; "prediction" for a new observation (linear models only).
            Of a generalized linear model they are Wald intervals, symmetric on the link scale.
        conf_level
            The level of the intervals.

        Returns
        -------
        Predictions
            One row a row of the new data, on its index, or of the data, on theirs.

        Raises
        ------
        DataConversionError
            ``new_data`` lacks a column, or one cannot be taken to R.
        OptionError
            An argument is not accepted.
        RError
            R stopped, for example at a new level.

        Notes
        -----
        R function: ``predict`` of an ``lm`` or a ``glm``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lm("Reaction ~ Days", pb.load_dataset("sleepstudy"))
        >>> fit.predict({"Days": [0, 9]}).values.round(1).tolist()
        [251.4, 345.6]
        """
        options.one_of(type, options.PredictionType, "type")
        if interval is not None:
            options.one_of(interval, options.LinearInterval, "interval")
        if interval == "prediction" and self.spec.fitter == "glm":
            raise OptionError("interval='prediction' is for linear models")
        level = options.check_level(conf_level)
        frame = None
        if new_data is not None:
            needed = self._ask("linear_predictors", tuple)
            frame = frames.collect_new(frames.as_pandas(new_data), needed, self.columns)
        outcome = session().call(
            "predict_linear",
            model=self._model,
            type=type,
            interval=interval or "none",
            new_data=None if frame is None else frame.to_r(),
            conf_level=level,
        )
        conditions.raise_warnings(outcome)
        record = dict(outcome.value)
        if not options.flag(std_error, "std_error"):
            del record["std_error"]
        found = decode_internals.predictions(
            record,
            self._index if frame is None else frame.index,
            type,
            None,
            level if interval else None,
        )
        return conditions.with_conditions(found, outcome)
