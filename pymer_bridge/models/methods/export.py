"""Files of a fitted model, and broom.mixed's data frames."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pymer_bridge.data import frames, model_file, packing
from pymer_bridge.data.frozen_arrays import Arrays, inline, plain_nan
from pymer_bridge.data.indexes import pack_index
from pymer_bridge.data.new_data import collect_new
from pymer_bridge.data.written_files import check_gzip, path_of, whole
from pymer_bridge.errors import OptionError, shown
from pymer_bridge.models import stored
from pymer_bridge.models.base import Fitted
from pymer_bridge.models.r_model import RModel
from pymer_bridge.r_script.analysis import Analysis
from pymer_bridge.replicates import engine
from pymer_bridge.results.decode import internals as decode_internals
from pymer_bridge.session.asking import ask
from pymer_bridge.spec import options

TEXT = ("effect", "group", "level", "term")
WHOLE = ("nobs", "df_residual")


class Scripting(RModel):
    """Carries a model elsewhere: to another process, and as a script of plain R."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        """Pickle what :meth:`Export.save` stores; where it is loaded the model is fitted again.

        Raises
        ------
        OptionError
            The model cannot be made again elsewhere; the message says why.
        """
        if "pickled" not in self._kept:
            self._kept["pickled"] = stored.pickled(self)
        made: tuple[Any, tuple[Any, ...]] = self._kept["pickled"]
        return made

    def to_r_script(self, path: str | Path, data: options.DataFormat | None = "csv") -> Path:
        """Write a script of plain R that fits this model and repeats what was asked of it.

        The script checks versions, reads the data to the last bit, sets levels and contrasts,
        fits the model, prints its summary, and repeats each test, interval, bootstrap, prediction
        and simulation of this model, with the models that it was compared with.

        Parameters
        ----------
        path
            The file of the script.
        data
            The format of the data, which are written beside it: "csv", or "rds" (R's own format).
            None writes no data: the script then needs a data frame of that name.

        Returns
        -------
        pathlib.Path
            The script.

        Raises
        ------
        OptionError
            ``data`` is not accepted.
        ScriptError
            No call of R makes this model from data: it was refitted to another response.

        Notes
        -----
        The script has no predictions and simulations, and nothing for which R has no function, such
        as a wild bootstrap; a comment says so. :func:`pymer_bridge.verify` runs the script.

        Examples
        --------
        >>> import tempfile
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> script = fit.to_r_script(f"{tempfile.mkdtemp()}/analysis.R")
        >>> "fit <- lmer(Reaction ~ Days + (Days | Subject), data = sleepstudy)" in (
        ...     script.read_text()
        ... )
        True
        """
        return Analysis.of_model(self._model).write(path_of(path), data)


class Export(Scripting, Fitted):
    """Files of a fitted model."""

    __slots__ = ()

    def save(self, path: str | PathLike[str]) -> Path:
        """Store the data, the specification and the main figures in an open file.

        Parameters
        ----------
        path
            The file, such as ``"fit.pbr.zip"``; an existing file is replaced as a whole
            or not at all.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        OptionError
            The index of the data cannot be stored, the model is too large, or it came from a
            file that R wrote.
        OSError
            The file cannot be written.

        Notes
        -----
        The file is a zip of one JSON text and plain numpy arrays, and nothing in it is ever run.
        It holds the columns that the model used, as they went to R, but not the fit:
        :func:`pymer_bridge.load` fits the model again, and compares the figures. A hash
        reveals damage and edits, but not who wrote the file.

        Examples
        --------
        >>> import tempfile
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     again = pb.load(fit.save(f"{folder}/fit.pbr.zip"))
        >>> again.sigma == fit.sigma
        True
        """
        target = path_of(path)
        model_file.write(target, *stored.document_of(self))
        return target

    def save_rds(self, path: str | PathLike[str]) -> Path:
        """Store the fit as R's own file, which ``readRDS()`` reads in any R with lme4.

        Parameters
        ----------
        path
            The file, such as ``"fit.rds"``; an existing file is replaced as a whole or not at all.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        OptionError
            The index of the data cannot be stored.
        OSError
            The file cannot be written.

        Notes
        -----
        R function: ``saveRDS``. In R the file is lme4's own fit, with its data. Send
        :meth:`save`'s file to others: reading an ``.rds`` can run code, see
        :func:`pymer_bridge.load_rds`.

        Examples
        --------
        >>> import tempfile
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     again = pb.load_rds(fit.save_rds(f"{folder}/fit.rds"), trust=True)
        >>> again.sigma == fit.sigma
        True
        """
        target = path_of(path)
        arrays: Arrays = {}
        record = {
            "version": model_file.FILE.version,
            "spec": packing.pack(self.spec, arrays),
            "index": pack_index(self._index, arrays),
        }
        record["arrays"] = {name: inline(values) for name, values in arrays.items()}
        with whole(target) as unfinished:
            unfinished.open("xb").close()  # so that Python says what is wrong with the folder
            ask(
                "save_rds",
                model=self._model,
                path=str(unfinished.resolve()),
                record=json.dumps(record),
            )
            check_gzip(unfinished)
        return target


class Tidying(Export):
    """A mixed model as data frames."""

    __slots__ = ()

    def tidy(
        self,
        effects: Sequence[options.TidyEffect] | options.TidyEffect = ("fixed", "ran_pars"),
        *,
        conf_int: bool = False,
        conf_level: float = 0.95,
        conf_method: options.IntervalMethod = "wald",
        ddf: options.Ddf | None = None,
        exponentiate: bool = False,
        exponentiate_ran_coefs: bool = False,
        scale: options.RandomScale = "sdcor",
        n_sim: int = 500,
        seed: int | None = None,
        kind: options.BootInterval = "percentile",
        n_jobs: int = 1,
        progress: engine.Progress = False,
    ) -> pd.DataFrame:
        """Return the estimates in one table, one per row, as R's ``broom.mixed::tidy`` does.

        Parameters
        ----------
        effects
            Any of "fixed" (fixed effects), "ran_pars" (standard deviations and correlations),
            "ran_vals" (conditional modes) and "ran_coefs" (fixed plus random effects of each
            group). Rows come in this order.
        conf_int
            Give intervals too?
        conf_level
            Their level.
        conf_method
            "wald" (none for "ran_pars"), "profile" or "boot" (neither for "ran_vals").
        ddf
            The tests of the fixed effects: "satterthwaite" or "kenward-roger" (columns df
            and p_value, and Wald intervals by Student's t), "normal" (p_value), or "none" (the
            columns that lme4's own summary has). By default "satterthwaite" for linear mixed
            models, as for :meth:`fixed_effects`, and "none" for others.
        exponentiate
            Give exponentials of the fixed effects and of the ends of their intervals, and
            standard errors by the delta method?
        exponentiate_ran_coefs
            Give exponentials of "ran_coefs"?
        scale
            "ran_pars" as "sdcor" (standard deviations and correlations) or "vcov" (variances
            and covariances).
        n_sim, seed, kind, n_jobs, progress
            For "boot", as for :meth:`confint`.

        Returns
        -------
        pandas.DataFrame
            The columns that apply, in this order: effect, group, level, term,
            estimate, std_error, statistic, df, p_value, conf_low, conf_high. Values that do
            not apply to a row are None or NaN.

        Raises
        ------
        OptionError
            An argument is not accepted, or there are no such intervals.
        REnvironmentError
            lmerTest or pbkrtest is needed and not installed.
        RError
            R cannot give these degrees of freedom, or cannot profile the model.

        Warns
        -----
        RWarning
            R has no intervals of "ran_coefs".

        Notes
        -----
        R function: ``broom.mixed::tidy.merMod`` [1]_, which need not be installed: lme4 and
        lmerTest compute the same figures. The columns are broom.mixed's, with an
        underscore for the dot between words: std.error is std_error, conf.low is conf_low.
        ``ddf="none"`` gives broom.mixed's table of an lme4 fit, the other two its table of an
        lmerTest fit.

        It differs where broom.mixed is inconsistent: profile and bootstrap intervals of
        fixed effects are such for any ``ddf`` (broom.mixed gives Wald intervals for lmerTest's
        fits), ``scale="vcov"`` has intervals on its own scale (from 0.2.9.7 on there, too), and
        there are bootstrap intervals of "ran_pars" (0.2.9.7 stops). With lme4 2.0 and later the
        correlations of a group come after its standard deviations, as in 0.2.9.7.

        References
        ----------
        .. [1] Bolker, B. and Robinson, D. (2022). broom.mixed: Tidying Methods for Mixed
           Models. R package.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> table = fit.tidy(ddf="none")
        >>> list(table.columns)
        ['effect', 'group', 'term', 'estimate', 'std_error', 'statistic']
        >>> list(fit.tidy("ran_vals").columns)
        ['effect', 'group', 'level', 'term', 'estimate', 'std_error']
        """
        wanted = self._effects(effects)
        conf_method = options.one_of(conf_method, options.IntervalMethod, "conf_method")
        scale = options.one_of(scale, options.RandomScale, "scale")
        kind = options.one_of(kind, options.BootInterval, "kind")
        chosen = self._tests(ddf)
        level = options.check_level(conf_level)
        arguments: dict[str, Any] = {
            "effects": wanted, "conf_int": options.flag(conf_int, "conf_int"),
            "conf_level": level, "conf_method": conf_method, "ddf": chosen, "scale": scale,
            "exponentiate": options.flag(exponentiate, "exponentiate"),
            "exponentiate_ran_coefs": options.flag(
                exponentiate_ran_coefs, "exponentiate_ran_coefs"
            ),
        }  # fmt: skip
        ends = None
        if conf_int and conf_method != "wald" and "ran_vals" in wanted:
            raise OptionError('"ran_vals" have Wald intervals only: ask for them separately')
        if conf_int and conf_method == "boot" and {"fixed", "ran_pars"} & set(wanted):
            if scale == "vcov":
                raise OptionError('conf_method="boot" goes with scale="sdcor"')
            ends = self._bootstrapped(
                conf_level=level,
                n_sim=n_sim,
                seed=seed,
                kind=kind,
                n_jobs=n_jobs,
                progress=progress,
            )
        if "fixed" in wanted:
            self._require(chosen)
        return self._ask("tidy_model", _tidy_frame, ends=ends, **arguments).copy()

    def _effects(self, effects: Any) -> tuple[str, ...]:
        given = (effects,) if isinstance(effects, str) else effects
        wanted = options.each_of(given, options.TidyEffect, "effects")
        if not wanted:
            raise OptionError("effects must name at least one kind of effect")
        return wanted

    def _tests(self, ddf: options.Ddf | None) -> str:
        """Return the method of the tests of the fixed effects."""
        linear = self.spec.fitter == "lmer"
        if ddf is None:
            return "satterthwaite" if linear else "none"
        ddf = options.one_of(ddf, options.Ddf, "ddf")
        if not linear and ddf in ("satterthwaite", "kenward-roger"):
            raise OptionError(
                f"ddf={shown(ddf)} goes with linear mixed models only; here it is 'none'"
            )
        return ddf

    def _bootstrapped(self, **how: Any) -> _Ends:
        """Return the bootstrap intervals of all parameters, under R's names."""
        found = self._bootstrap_intervals(**how)
        missing = float("nan")
        lows, highs = (
            tuple(missing if end is None else end for end in ends)
            for ends in zip(*((row.conf_low, row.conf_high) for row in found.rows), strict=True)
        )
        return _Ends(
            {"names": tuple(row.term for row in found.rows), "conf_low": lows, "conf_high": highs}
        )

    def glance(self) -> pd.DataFrame:
        """Return one row about the whole fit, as R's ``broom.mixed::glance`` does.

        Returns
        -------
        pandas.DataFrame
            One row: nobs, sigma, logLik, AIC, BIC, REMLcrit (of a fit by REML) or deviance,
            and df_residual.

        Notes
        -----
        R function: ``broom.mixed::glance.merMod``, which need not be installed. The columns are
        broom.mixed's; df.residual is df_residual here.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> list(fit.glance().columns)
        ['nobs', 'sigma', 'logLik', 'AIC', 'BIC', 'REMLcrit', 'df_residual']
        """
        return self._ask("glance_model", _glance_frame).copy()

    def augment(self, new_data: Any = None) -> pd.DataFrame:
        """Return the model frame with the fit's figures for each row, as R's ``augment`` does.

        Parameters
        ----------
        new_data
            A frame to predict for, with the predictors and groups of the model; the model
            frame itself by default.

        Returns
        -------
        pandas.DataFrame
            On the index of the data. The columns of the model frame (a matrix such as
            ``poly(x, 2)`` as "poly(x, 2).1", "poly(x, 2).2"), then .fitted, .resid, .hat,
            .cooksd (for generalized models where R has it .std.resid too), .fixed (fitted by the
            fixed effects alone), and the response module's own .mu, .offset, .sqrtXwt,
            .sqrtrwt, .weights, .wtres (and .eta where there is a link). For new data its own
            columns, and .fitted.

        Raises
        ------
        DataConversionError
            ``new_data`` is not a frame, or a column cannot be sent to R.
        RError
            R cannot predict: a column or a level of a group is not known to the model.

        Notes
        -----
        R function: ``broom.mixed::augment.merMod``, which need not be installed. Names are kept
        with their leading dots. What R puts into a column .rownames is the frame's index here.
        Rows that ``na_action`` dropped are not there, be it "omit" or "exclude"; broom.mixed
        has no .fixed in the latter case. Of a generalized model with lme4 2.0 and later its
        columns from .mu on stand at wrong rows where .std.resid is NaN; not here. For new
        data broom.mixed adds columns from .mu on, which are those of the first rows of the old
        data, and are left out here.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (1 | Subject)", pb.load_dataset("sleepstudy"))
        >>> list(fit.augment().columns)[:7]
        ['Reaction', 'Days', 'Subject', '.fitted', '.resid', '.hat', '.cooksd']
        """
        if new_data is None:
            return self._ask("augment_model", _augmented_frame, self._index).copy()
        table = frames.as_pandas(new_data, "new_data")
        needed = self._ask("predictor_names", decode_internals.variables)
        frame = collect_new(table, [*needed["fixed"], *needed["random"]], self._kinds)
        fitted = self._ask_anew("augment_new_data", np.asarray, new_data=frame.to_r())
        return table.assign(**{".fitted": plain_nan(fitted)})


class LinearTidying(Export):
    """A model without random effects as data frames."""

    __slots__ = ()

    def tidy(
        self, *, conf_int: bool = False, conf_level: float = 0.95, exponentiate: bool = False
    ) -> pd.DataFrame:
        """Return the coefficients in one table, one per row, as R's ``broom::tidy`` does.

        Parameters
        ----------
        conf_int
            Give intervals too, as :meth:`confint` does?
        conf_level
            Their level.
        exponentiate
            Give exponentials of the estimates and of the ends of their intervals? As in broom,
            the standard errors stay those of the coefficients.

        Returns
        -------
        pandas.DataFrame
            The columns term, estimate, std_error, statistic, p_value, and conf_low, conf_high. A
            coefficient that cannot be estimated has a row of NaN.

        Raises
        ------
        OptionError
            An argument is not accepted.

        Notes
        -----
        R function: ``broom::tidy``, which need not be installed.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lm("Reaction ~ Days", pb.load_dataset("sleepstudy"))
        >>> list(fit.tidy().columns)
        ['term', 'estimate', 'std_error', 'statistic', 'p_value']
        """
        return self._ask(
            "tidy_linear",
            _tidy_frame,
            conf_int=options.flag(conf_int, "conf_int"),
            conf_level=options.check_level(conf_level),
            exponentiate=options.flag(exponentiate, "exponentiate"),
        ).copy()

    def glance(self) -> pd.DataFrame:
        """Return one row about the whole fit, as R's ``broom::glance`` does.

        Returns
        -------
        pandas.DataFrame
            One row: of a linear model r_squared, adj_r_squared, sigma, statistic, p_value and df
            (the F test of the model), of a generalized one null_deviance and df_null; then
            logLik, AIC, BIC, deviance, df_residual and nobs.

        Notes
        -----
        R function: ``broom::glance``, which need not be installed.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lm("Reaction ~ Days", pb.load_dataset("sleepstudy"))
        >>> round(float(fit.glance()["statistic"][0]), 2)
        71.46
        """
        return self._ask("glance_linear", _glance_frame).copy()

    def augment(self) -> pd.DataFrame:
        """Return the model frame with the fit's figures for each row, as R's ``augment`` does.

        Returns
        -------
        pandas.DataFrame
            On the index of the data: the columns of the model frame, then .fitted (the linear
            predictor), .resid, .hat, .sigma, .cooksd and .std.resid. Rows that ``na_action``
            dropped are not there.

        Notes
        -----
        R function: ``broom::augment``, which need not be installed. For new data see
        :meth:`predict`.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lm("Reaction ~ Days", pb.load_dataset("sleepstudy"))
        >>> list(fit.augment().columns)[:4]
        ['Reaction', 'Days', '.fitted', '.resid']
        """
        return self._ask("augment_linear", _augmented_frame, self._index).copy()


class _Ends(Mapping[str, Any]):
    """Bootstrap intervals as an argument of R; like other arguments they can be compared."""

    def __init__(self, columns: dict[str, tuple[Any, ...]]) -> None:
        self._columns = columns

    def __getitem__(self, name: str) -> Any:
        return self._columns[name]

    def __iter__(self) -> Any:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __hash__(self) -> int:
        return hash(tuple(self._columns.items()))


def _tidy_frame(record: Mapping[str, Any]) -> pd.DataFrame:
    columns = {
        name: pd.Series(list(values), dtype=object) if name in TEXT else _floats(values)
        for name, values in record.items()
    }
    return pd.DataFrame(columns)


def _floats(values: Any) -> Any:
    """Return numbers with one kind of missing value: an all-missing column comes as logicals."""
    if values.dtype.kind == "i":
        return np.full(len(values), np.nan)
    return plain_nan(values)


def _glance_frame(record: Mapping[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            name: [int(values[0]) if name in WHOLE else float(values[0])]
            for name, values in record.items()
        }
    )


def _augmented_frame(record: Mapping[str, Any], index: pd.Index) -> pd.DataFrame:
    frame = frames.frame_from_r(record)
    frame.index = frames.index_at(index, record["rows"])
    return frame
