"""Predictions and simulations of one fitted model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pymer_bridge.data import frames
from pymer_bridge.data.new_data import collect_new
from pymer_bridge.errors import DataConversionError, FormulaError, OptionError, shown
from pymer_bridge.models import diagnosing, new_observations
from pymer_bridge.models.base import Fitted
from pymer_bridge.models.preparing import check_text
from pymer_bridge.r_script.model_calls import NEW_ROWS
from pymer_bridge.replicates import engine
from pymer_bridge.results import prediction as results
from pymer_bridge.results.decode import internals as decode_internals
from pymer_bridge.session import deadlines
from pymer_bridge.spec import labels, options


def _fits_into_script(frame: frames.Frame | None) -> bool:
    return frame is None or len(frame.index) <= NEW_ROWS


class Prediction(Fitted):
    """Predictions and simulations of a mixed model."""

    __slots__ = ()

    @deadlines.timed
    @engine.stoppable
    def predict(
        self,
        new_data: Any = None,
        re_form: str | None = None,
        type: options.PredictionType = "link",  # noqa: A002  # R's word
        *,
        allow_new_levels: bool = False,
        std_error: bool = False,
        interval: options.PredictionInterval | None = None,
        conf_level: float = 0.95,
        random_only: bool = False,
        new_params: options.Parameters | None = None,
        method: options.PredictionMethod = "boot",
        n_sim: int = 1000,
        seed: int | None = None,
        use_u: bool | None = None,
        weights: Any = None,
        n_jobs: int = 1,
        progress: engine.Progress = False,
        checkpoint: str | Path | None = None,
        timeout: float | None = None,
    ) -> results.Predictions:
        """Predict the mean response, at new data or at the data themselves.

        Parameters
        ----------
        new_data
            A pandas, polars or pyarrow frame, or a mapping of columns, with the predictors and
            grouping factors that are counted. They are taken as they were fitted: strings, and
            numbers that read as them, stand for levels, 1 and 0 for bools. None for the data
            themselves.
        re_form
            Which random effects are counted: None for all, "population" for none (R's NA), or
            a one-sided formula of some, such as ``"~ (1 | school)"``.
        type
            "link" (the scale of the linear predictor) or "response". For a linear model they
            are the same, and so they are, in R, for a nonlinear one.
        allow_new_levels
            Give levels of grouping factors that the data do not have effects of zero (True), or
            let R stop at them.
        std_error
            Give standard errors too, on the same scale.
        interval
            "confidence" for Wald intervals of the mean; they are symmetric on the link scale,
            normal, and for ``type="response"`` taken to that scale by the inverse link.
            "prediction" for intervals of a new observation, by ``method``: of a group of the data
            (``re_form=None``), or of a new one (``re_form="population"``).
        conf_level
            The level of the intervals.
        random_only
            Give the random effects' part alone (R: ``random.only``), without standard errors.
        new_params
            Parameters in place of the estimates, without standard errors: some of R's "beta",
            "theta" and "sigma", as in ``{"beta": [250, 10]}`` or ``{"beta": {"(Intercept)":
            250, "Days": 10}}``. Random effects are theta times lme4's spherical modes, which
            stay as they are.
        method
            Of prediction intervals: "boot" refits the model to simulated responses, and draws a new
            observation for each refit; "simulation" is merTools' ``predictInterval``, which draws
            fixed effects and conditional modes from their normal approximations, and takes the
            variances of random effects as known.
        n_sim, seed
            Of prediction intervals: how many refits or draws, and R's ``set.seed`` integer.
        use_u
            For "boot": keep the estimated random effects in the simulated responses? By default
            yes for groups of the data, and no for new ones.
        weights
            For "boot": prior weights of the new observations, over the rows; for a binomial model
            the numbers of trials. By default those of the data, or ones at new data.
        n_jobs, progress, checkpoint
            For "boot": as for :meth:`LinearMixedModel.bootstrap`.
        timeout
            As for :func:`pymer_bridge.lmer`.

        Returns
        -------
        Predictions
            One prediction per row of the new data, or of the data, on its index, with what is in
            prediction intervals in ``uncertainty``. NaN for rows that lack a value (where new
            levels are allowed, a missing group is one), and for dropped rows under
            ``na_action="exclude"``. In units of the response, or of the linear predictor.

        Raises
        ------
        DataConversionError
            A column of ``new_data`` is missing, of another kind than in the fit, or cannot be
            sent to R.
        FormulaError
            ``re_form`` cannot be parsed, or calls a function that is not allowed.
        OptionError
            An argument is not accepted.
        REnvironmentError
            lme4 before 1.1-35 has no standard errors but those of population predictions; or
            merTools is not installed.
        RError
            R stopped, for example at a new level.
        BootstrapInterrupted, RTimeoutError
            A bootstrap was stopped; its ``partial`` has the finished refits.

        Notes
        -----
        R function: ``predict`` of lme4. An offset that was an argument of the fit is left out at
        new data, with a warning; an offset in the formula is included.

        Prediction intervals are quantiles of one new observation for each refit of
        ``lme4::bootMer``, drawn by ``rnorm``, ``rbinom``, ``rpois`` or ``rnbinom`` with the
        generator's next numbers. Each row of a new group gets effects of its own, drawn with the
        refit's covariances. "simulation" is ``merTools::predictInterval``, with its median as the
        estimate; of binomial models it is for the probability, and has no residual in it.

        Standard errors are R's own (``se.fit``, from lme4 1.1-35 on). They hold the variability
        of the fixed effects' estimates and, where random effects are counted, that of the
        conditional modes and their covariance with them; not that of the variance parameters,
        which are taken as known, nor of residuals: an interval is one for a mean, not for a
        new observation. Where lme4 has none, those of population predictions are the square
        roots of the diagonal of ``X V X'`` with the design ``X`` and ``vcov`` ``V``. lme4's
        with random effects are wrong where it reorders these, as for crossed or nested
        factors (up to 2.1-0); R's figures are given, with a warning.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> fit.predict({"Days": [0, 9]}, re_form="population").values.round(1).tolist()
        [251.4, 345.6]
        """
        scale = options.one_of(type, options.PredictionType, "type")
        if interval is not None:
            interval = options.one_of(interval, options.PredictionInterval, "interval")
        level = options.check_level(conf_level)
        self._check_re_form(re_form)
        new = interval == "prediction"
        # merTools asks for the groups of new data in any case.
        counted = None if new and method == "simulation" else re_form
        frame = self._new_frame(new_data, counted, random=counted != "population", slopes=new)
        alone = options.flag(random_only, "random_only")
        new_levels = options.flag(allow_new_levels, "allow_new_levels")
        params = self._new_parameters(new_params)
        if (alone or params) and (std_error or interval):
            raise OptionError(
                "random_only and new_params go without std_error and interval: R's standard errors "
                "are those of whole predictions from the estimates"
            )
        if alone and re_form == "population":
            raise OptionError(
                "random_only=True leaves nothing without random effects: give another re_form"
            )
        given = {
            **{"std_error": std_error, "allow_new_levels": new_levels, "conf_level": level},
            **{"method": method, "n_sim": n_sim, "seed": seed, "use_u": use_u, "weights": weights},
        }
        asked = new_observations.checked(
            self, re_form, scale, given, self._rows_of(frame), wanted=new
        )
        ends = level if interval == "confidence" else None
        with diagnosing.explaining_new_data(lambda: self._kinds, frame):
            point = self._ask_anew(
                "predict_model",
                lambda record: decode_internals.predictions(
                    record, self._rows_of(frame), scale, re_form, ends
                ),
                new_data=None if frame is None else frame.to_r(),
                re_form=re_form,
                type=scale,
                allow_new_levels=new_levels,
                std_error=options.flag(std_error, "std_error"),
                interval=ends is not None,
                conf_level=level,
                random_only=alone,
                new_params=params,
                noted=asked is None and _fits_into_script(frame),
            )
            if asked is None:
                return point
            how = engine.Running(n_jobs, progress, checkpoint)
            return new_observations.predicted(self, point, frame, asked, how)

    def simulate(
        self,
        n_sim: int = 1,
        seed: int | None = None,
        new_data: Any = None,
        re_form: str | None = None,
        *,
        use_u: bool = False,
        allow_new_levels: bool = False,
        weights: Any = None,
        new_params: options.Parameters | None = None,
    ) -> results.Simulations:
        """Simulate responses from the model.

        Parameters
        ----------
        n_sim
            The number of responses.
        seed
            R's ``set.seed`` integer; None continues from the state of R's generator.
        new_data
            New data as for :meth:`predict`; None for the data themselves.
        re_form
            Which estimated random effects are kept: None (or "population", R's default NA) for
            none, so that all are drawn, or a formula of some, such as ``"~ (1 | school)"``.
        use_u
            Keep all estimated random effects.
        allow_new_levels
            Let ``new_data`` have levels that the data do not have.
        weights
            One number for each row, in place of the fit's prior weights: for a binomial model the
            numbers of trials. R takes none for a linear model.
        new_params
            Parameters in place of the estimates, as for :meth:`predict`; of a mixed model also
            those of :meth:`design`: ``{"fixed": {"Days": 4}, "residual": 20}``.

        Returns
        -------
        Simulations
            Rows by simulations, on the index of the new data or of the data. For a response of
            successes and failures, both.

        Raises
        ------
        DataConversionError
            A column or a value of ``new_data`` is missing, or a column cannot be sent to R.
        FormulaError
            ``re_form`` cannot be parsed, or calls a function that is not allowed.
        OptionError
            An argument is not accepted, or ``re_form`` and ``use_u`` are both given.
        RError
            R stopped: lme4 does not simulate from nonlinear models.

        Notes
        -----
        R function: ``simulate`` of lme4. lme4 gives the residuals of a linear
        model the same variance in all rows, whatever the prior weights.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> fit.simulate(n_sim=5, seed=1).values.shape
        (180, 5)
        """
        self._check_re_form(re_form)
        keep_all = options.flag(use_u, "use_u")
        if keep_all and re_form is not None:
            raise OptionError("give only one of use_u=True and re_form: R takes one of them")
        frame = self._new_frame(new_data, None, random=True, complete=True)
        checked_seed = options.random_seed(seed)
        rows = self._rows_of(frame)
        with diagnosing.explaining_new_data(lambda: self._kinds, frame):
            return self._ask_anew(
                "simulate_model",
                lambda record: decode_internals.simulations(record, rows, checked_seed),
                n_sim=options.whole(n_sim, "n_sim", 1),
                seed=checked_seed,
                new_data=None if frame is None else frame.to_r(),
                re_form=None if re_form == "population" else re_form,
                use_u=keep_all,
                allow_new_levels=options.flag(allow_new_levels, "allow_new_levels"),
                weights=None
                if weights is None
                else labels.row_vector(weights, rows, "weights", np.float64),
                new_params=self._new_parameters(new_params),
                noted=weights is None and _fits_into_script(frame),
            )

    def _predicted(
        self, new_data: Any, re_form: str | None, allow_new_levels: bool
    ) -> dict[str, Any]:
        """Return what a bootstrap of predictions needs to know."""
        self._check_re_form(re_form)
        frame = self._new_frame(new_data, re_form, random=re_form != "population")
        found = {"re_form": re_form, "new_data": None if frame is None else frame.to_r()}
        # Not named where it is False: checkpoints of before have no such part.
        new_levels = options.flag(allow_new_levels, "allow_new_levels")
        return found | ({"allow_new_levels": True} if new_levels else {})

    def _rows_of(self, frame: frames.Frame | None) -> pd.Index:
        return self._index if frame is None else frame.index

    def _new_parameters(self, given: options.Parameters | None) -> dict[str, Any] | None:
        return options.check_parameters(given)

    def _check_re_form(self, re_form: str | None) -> None:
        """Check the text of a formula of random effects before R reads it."""
        if re_form is None or re_form == "population":
            return
        if not isinstance(re_form, str) or not re_form.lstrip().startswith("~"):
            raise FormulaError(
                f"re_form={shown(re_form)} must be None, 'population' or a one-sided formula, as "
                "in '~ (1 | school)'"
            )
        check_text(re_form, "re_form", self.columns, self.spec.allow_functions)

    def _new_frame(
        self,
        new_data: Any,
        re_form: str | None,
        *,
        random: bool,
        complete: bool = False,
        slopes: bool = False,
    ) -> frames.Frame | None:
        """Take the columns of new data that the model uses, and check that none is missing.

        If they must be complete, also check that no value is missing. New groups need the columns
        of random slopes.
        """
        if new_data is None:
            return None
        table = frames.as_pandas(new_data, "new_data")
        variables = self._ask("predictor_names", decode_internals.variables)
        needed = [*variables["fixed"], *(variables["slopes"] if slopes else ())]
        if random and re_form is None:
            needed += variables["random"]
        elif random and re_form is not None:
            needed += check_text(re_form, "re_form", self.columns, self.spec.allow_functions)
        known = self._kinds
        # What else R reads. It takes long to make levels of groups that no prediction needs.
        also = {*variables["read"], *(variables["random"] if random or slopes else ())}
        frame = collect_new(table, needed, known, also)
        if complete:
            table = table.set_axis(frames.column_names(table), axis=1)
            lacking = [n for n in dict.fromkeys(needed) if n in known and table[n].isna().any()]
            if lacking:
                raise DataConversionError(
                    f"new_data has missing values in column {', '.join(map(repr, lacking))}; R "
                    "simulates only if all predictors and grouping factors are known"
                )
        return frame


class LinearPrediction(Fitted):
    """Predictions of a linear or generalized linear model."""

    __slots__ = ()

    def predict(
        self,
        new_data: Any = None,
        type: options.PredictionType = "link",  # noqa: A002  # R's word
        *,
        std_error: bool = False,
        interval: options.LinearInterval | None = None,
        conf_level: float = 0.95,
    ) -> results.Predictions:
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
            For a generalized linear model they are Wald intervals, symmetric on the link scale.
        conf_level
            The level of the intervals.

        Returns
        -------
        Predictions
            One prediction per row of the new data, or of the data, on its index.

        Raises
        ------
        DataConversionError
            A column of ``new_data`` is missing, or cannot be sent to R.
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
        scale = options.one_of(type, options.PredictionType, "type")
        if interval is not None:
            interval = options.one_of(interval, options.LinearInterval, "interval")
        if interval == "prediction" and self.spec.fitter == "glm":
            raise OptionError("interval='prediction' is for linear models")
        level = options.check_level(conf_level)
        frame = None
        if new_data is not None:
            needed = self._ask("linear_predictors", tuple)
            frame = collect_new(frames.as_pandas(new_data, "new_data"), needed, self._kinds)
        with_errors = options.flag(std_error, "std_error")

        def read(record: Mapping[str, Any]) -> results.Predictions:
            wanted = {k: v for k, v in record.items() if with_errors or k != "std_error"}
            rows = self._index if frame is None else frame.index
            found = decode_internals.predictions(
                wanted, rows, scale, None, level if interval else None
            )
            if interval != "prediction":
                return found
            return replace(found, interval=interval, uncertainty=("fixed effects", "residual"))

        with diagnosing.explaining_new_data(lambda: self._kinds, frame):
            return self._ask_anew(
                "predict_linear",
                read,
                type=scale,
                interval=interval or "none",
                new_data=None if frame is None else frame.to_r(),
                conf_level=level,
                noted=_fits_into_script(frame),
            )

    def simulate(self, n_sim: int = 1, seed: int | None = None) -> results.Simulations:
        """Simulate responses from the model, at the data.

        Parameters
        ----------
        n_sim
            The number of responses.
        seed
            R's ``set.seed`` integer; None continues from the state of R's generator.

        Returns
        -------
        Simulations
            Rows by simulations, on the index of the data. For a response of successes and
            failures, both.

        Raises
        ------
        OptionError
            An argument is not accepted.
        RError
            R stopped: quasi families have no distribution to draw from.

        Notes
        -----
        R function: ``simulate`` of an ``lm`` or a ``glm``, which takes no new data.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lm("Reaction ~ Days", pb.load_dataset("sleepstudy"))
        >>> fit.simulate(n_sim=5, seed=1).values.shape
        (180, 5)
        """
        checked_seed = options.random_seed(seed)
        return self._ask_anew(
            "simulate_linear",
            lambda record: decode_internals.simulations(record, self._index, checked_seed),
            n_sim=options.whole(n_sim, "n_sim", 1),
            seed=checked_seed,
            noted=True,
        )
