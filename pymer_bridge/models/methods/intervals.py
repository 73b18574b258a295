"""Intervals, profiles and bootstraps of one fitted model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import pandas as pd

from pymer_bridge.data import frames
from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.models.base import Fitted
from pymer_bridge.models.methods.prediction import Prediction
from pymer_bridge.models.mixed_fit import MixedFit
from pymer_bridge.r_script.journal import journal
from pymer_bridge.replicates import bootstrap as boot
from pymer_bridge.replicates import engine
from pymer_bridge.replicates.functions import PythonStatistic
from pymer_bridge.results import intervals
from pymer_bridge.results.bootstrap import BootstrapResult
from pymer_bridge.results.decode import tests as decode_tests
from pymer_bridge.session import asking, deadlines
from pymer_bridge.spec import options
from pymer_bridge.spec.model_spec import ModelSpec
from pymer_bridge.spec.names import find_name

ROW_VECTORS: Final = ("weights", "offset", "subset")
"""What a specification may have for each row of the data."""


class Intervals(Prediction, MixedFit):
    """Intervals, profiles and bootstraps of a mixed model."""

    __slots__ = ()

    @deadlines.timed
    def confint(
        self,
        method: options.IntervalMethod = "profile",
        parameters: Sequence[str] | str | None = None,
        conf_level: float = 0.95,
        *,
        n_sim: int = 500,
        seed: int | None = None,
        kind: options.BootInterval = "percentile",
        n_jobs: int = 1,
        progress: engine.Progress = False,
        timeout: float | None = None,
    ) -> intervals.Intervals:
        """Return confidence intervals of the parameters.

        Parameters
        ----------
        method
            "profile" (likelihood profile), "wald" (normal, fixed effects only) or "boot"
            (parametric bootstrap).
        parameters
            Names of parameters, R's (".sig01", ".sigma") or readable
            ("sd_(Intercept)|Subject"); "beta_" for all fixed effects, "theta_" for all
            variance parameters; all of them by default.
        conf_level
            Their level.
        n_sim, seed, kind, n_jobs, progress
            For "boot": the number of simulations, R's ``set.seed`` integer, "percentile",
            "basic" or "normal", and processes and progress as for :meth:`bootstrap`, which also
            gives the replicates.
        timeout
            As for :func:`pymer_bridge.lmer`.

        Returns
        -------
        Intervals
            One row per parameter; the ends are None if the method gives none.

        Raises
        ------
        OptionError
            An argument is not accepted.
        RError
            A parameter does not exist, or R cannot profile the model.
        RTimeoutError
            It did not end within ``timeout``; R is ready for the next call.

        Notes
        -----
        R function: ``confint`` of lme4 [1]_. With only some parameters, only these are profiled.

        References
        ----------
        .. [1] Bates, D., Maechler, M., Bolker, B. and Walker, S. (2015). Fitting Linear
           Mixed-Effects Models Using lme4. Journal of Statistical Software, 67(1), section 5.1.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> round(fit.confint(method="wald")["Days"].conf_low, 3)
        7.438
        """
        method = options.one_of(method, options.IntervalMethod, "method")
        kind = options.one_of(kind, options.BootInterval, "kind")
        level = options.check_level(conf_level)
        shared: dict[str, Any] = {"parameters": self._chosen(parameters), "conf_level": level}
        if method == "boot":
            return self._bootstrap_intervals(
                n_sim=n_sim, seed=seed, kind=kind, **shared, n_jobs=n_jobs, progress=progress
            )
        return self._ask(
            "confidence_intervals",
            decode_tests.confidence_intervals,
            method,
            level,
            method=method,
            **shared,
        )

    @deadlines.timed
    def profile(
        self, parameters: Sequence[str] | str | None = None, *, timeout: float | None = None
    ) -> intervals.Profile:
        """Return the likelihood profile.

        Parameters
        ----------
        parameters
            As for :meth:`confint`; all of them by default.
        timeout
            As for :func:`pymer_bridge.lmer`.

        Returns
        -------
        Profile
            Every point of every profile.

        Raises
        ------
        RError
            R cannot profile the model.
        RTimeoutError
            It did not end within ``timeout``; R is ready for the next call.

        Notes
        -----
        R function: ``profile`` of lme4. Profile intervals then need no further time.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"))
        >>> fit.profile("beta_").parameters
        ('.sig01', '.sigma', '(Intercept)')
        """
        chosen = self._chosen(parameters)
        return self._ask("profile_points", decode_tests.profile, parameters=chosen)

    def _chosen(self, parameters: Sequence[str] | str | None) -> tuple[str, ...] | None:
        """Return R's names of the parameters that are given by name or by label."""
        if parameters is None:
            return None
        given = options.names_of(parameters, "parameters")
        if given in (("beta_",), ("theta_",)):
            return given
        known: dict[str, Any] = self._ask("parameter_names", dict)
        return parameters_among(given, known["names"], known["labels"])

    def _bootstrap_intervals(
        self, *, parameters: Sequence[str] | None = None, **how: Any
    ) -> intervals.Intervals:
        def made(**given: Any) -> BootstrapResult:
            # With R's checks of each replicate, whose messages R summarises.
            return self.bootstrap(
                "parametric", statistic="parameters", check_convergence=True, **given
            )

        return intervals_of_replicates(self, made, parameters, **how)

    @deadlines.timed
    @engine.stoppable
    def bootstrap(
        self,
        kind: options.BootstrapKind = "parametric",
        n_sim: int = 1000,
        seed: int | None = None,
        statistic: options.NamedStatistic
        | str
        | Callable[[Self], options.StatisticValues] = "parameters",
        *,
        resample: Mapping[str, bool] | None = None,
        use_u: bool | None = None,
        relabel: bool = True,
        hccme: options.Hccme = "hc2",
        aux_dist: options.AuxiliaryDistribution = "mammen",
        new_data: Any = None,
        re_form: str | None = None,
        allow_new_levels: bool = False,
        check_convergence: bool = False,
        allow_functions: tuple[str, ...] = (),
        n_jobs: int = 1,
        progress: engine.Progress = False,
        checkpoint: str | Path | None = None,
        timeout: float | None = None,
    ) -> BootstrapResult:
        """Refit the model to simulated or resampled data, many times.

        All draws are made first, in this process and in R's order, so that the replicates are
        the same whatever the number of workers.

        Parameters
        ----------
        kind
            "parametric": responses simulated from the model (R's ``bootMer``).
            "semiparametric": fitted values plus resampled residuals (also ``bootMer``).
            "case": groups or rows drawn with replacement, as ``resample`` says [3]_.
            "residual": random effects and residuals, centred and rescaled to the estimated
            variances, and drawn with replacement [1]_.
            "wild": residuals, enlarged according to their leverage, times one random
            weight per group [2]_; for one grouping factor or nested ones.
        n_sim
            The number of replicates.
        seed
            R's ``set.seed`` integer; None continues from the state of R's generator.
        statistic
            "parameters" (standard deviations, correlations and fixed effects, as in R's
            intervals), "fixed_effects", "variance_components", "random_effects",
            "predictions"; the text of an R function of the fit; or a Python function of the
            refitted model, which is a model like this one, that returns a number, a mapping of
            names to numbers, or a flat list, array or Series of numbers. It runs as it is, and is
            slower than R's text: see the notes.
        resample
            For "case": which levels are drawn with replacement, by grouping factor, and ".obs"
            for rows within the units of the narrowest of them: ``{"school": True, ".obs":
            False}``. A level that is nested in another one listed is drawn within it.
        use_u
            For "parametric": keep the estimated random effects? "semiparametric" always does.
        relabel
            For "case": a group that is drawn twice counts as two. With False its copies are one
            group, as in lmeresampler.
        hccme, aux_dist
            For "wild": how leverage enters ("hc2", "hc3"), and the distribution of the weights
            ("mammen", "rademacher").
        new_data, re_form, allow_new_levels
            For "predictions": where (None: at the data), with which random effects (None: all;
            "population": none; or a formula of some), and whether levels that the data do not
            have get random effects of zero; as for :meth:`predict`.
        check_convergence
            Also compute R's derivatives and checks for each replicate. They change no estimate
            and add half to the time; without them ``converged`` is the optimizer's verdict.
        allow_functions
            Further functions that the text of a statistic may call.
        n_jobs
            The number of processes, including this one; -1 for all cores. Under
            ``joblib.parallel_config(backend="dask")`` a Dask cluster does the work.
        progress
            True to show a bar, or a function to call with the numbers of fits done and of all fits.
        checkpoint
            A file that keeps finished work: the same call continues from there.
        timeout
            As for :func:`pymer_bridge.lmer`.

        Returns
        -------
        BootstrapResult
            Replicates, estimates, biases, standard errors, and how each replicate ended.

        Raises
        ------
        OptionError
            An argument is not accepted, an extra is not installed, or a statistic in Python
            fails for this model itself.
        FormulaError
            The statistic cannot be parsed, or calls a function that is not allowed.
        RError
            R cannot make the draws, or every replicate failed.
        CheckpointError
            The file is of another fit, seed or version.
        WorkerError
            A worker cannot give the same figures as this process.
        BootstrapInterrupted
            Ctrl-C; what was finished is in its ``partial``.
        RTimeoutError
            It did not end within ``timeout``; what was finished is in its ``partial``.

        Warns
        -----
        BootstrapWarning
            Some replicates failed, or a statistic in Python warned.

        Notes
        -----
        R functions: ``lme4::bootMer`` with ``refit``; ``lmer`` on the resampled data for "case".
        lme4 before 1.1-33 optimises a wrong criterion in refits of REML fits; a warning says so.

        A Python function is tried on this model first. A replicate for which it raises, or gives
        other names, has failed: NaN, with the error's text in ``errors``. What it draws by R,
        as ``simulate()`` does without a seed, is repeatable, and touches no other draws. With
        ``n_jobs`` it is sent to the workers by cloudpickle. A checkpoint is of one function: of
        its code, defaults, and the values and functions of its module that it refers to.

        References
        ----------
        .. [1] Carpenter, J. R., Goldstein, H. and Rasbash, J. (2003). A novel bootstrap
           procedure for assessing the relationship between class size and achievement. Applied
           Statistics, 52(4), 431-443.
        .. [2] Modugno, L. and Giannerini, S. (2015). The wild bootstrap for multilevel models.
           Communications in Statistics - Theory and Methods, 44(22), 4812-4825.
        .. [3] van der Leeden, R., Meijer, E. and Busing, F. M. T. A. (2008). Resampling
           Multilevel Models. In Handbook of Multilevel Analysis, 401-433. Springer.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"), reml=False)
        >>> boot = fit.bootstrap("parametric", n_sim=20, seed=1)
        >>> boot.names
        ('.sig01', '.sigma', '(Intercept)')
        >>> boot.replicates.shape
        (20, 3)

        A share of the variance, in Python:

        >>> def share(model):
        ...     batch, residual = (row.variance for row in model.variance_components.rows)
        ...     return {"share": batch / (batch + residual)}
        >>> fit.bootstrap("parametric", n_sim=20, seed=1, statistic=share).names
        ('share',)
        """
        kind = options.one_of(kind, options.BootstrapKind, "kind")
        hccme = options.one_of(hccme, options.Hccme, "hccme")
        aux_dist = options.one_of(aux_dist, options.AuxiliaryDistribution, "aux_dist")
        predicted = self._predicted(new_data, re_form, allow_new_levels)
        plan = boot.checked_statistic(statistic, predicted, allow_functions)
        use_u = None if use_u is None else options.flag(use_u, "use_u")
        _check_together(kind, resample, use_u)
        extra: dict[str, Any] = {"use_u": bool(use_u)}
        plan |= {
            "task": "responses",
            "check_convergence": options.flag(check_convergence, "check_convergence"),
        }
        if kind == "case":
            extra = _resampled(resample, statistic, tuple(self.n_groups))
            plan |= {
                "task": "cases",
                "levels": extra["levels"],
                "relabel": options.flag(relabel, "relabel"),
            }
        elif kind == "wild":
            extra = {"hccme": hccme, "aux_dist": aux_dist}
        request = Asked(kind, n_sim, seed, statistic, plan, extra)
        noted = {"use_u": bool(use_u), "re_form": re_form, "at_new_data": new_data is not None}
        if kind == "case":
            groups = tuple(self.n_groups)
            alone = len(groups) == 1 and groups[0] in self.columns
            kept = {"relabel": relabel, "alone": alone, "subset": self.spec.subset is not None}
            noted |= {**extra, **kept}
        return run(self, request, engine.Running(n_jobs, progress, checkpoint), noted)


@dataclass(frozen=True, slots=True)
class Asked:
    """A bootstrap as it was asked for; see :meth:`Intervals.bootstrap`.

    Attributes
    ----------
    kind, n_sim, seed, statistic
        As given.
    plan, options
        As ``prepare_task()`` and ``make_draws()`` in R take them.
    """

    kind: options.BootstrapKind
    n_sim: int
    seed: int | None
    statistic: Any
    plan: Mapping[str, Any]
    options: Mapping[str, Any]


def run(
    model: Fitted, asked: Asked, how: engine.Running, noted: Mapping[str, Any]
) -> BootstrapResult:
    """Run a bootstrap of a model, and note it for scripts.

    Parameters
    ----------
    model
        The model.
    asked
        What is asked for.
    how
        Where it runs.
    noted
        What else scripts must know.
    """
    function = None
    if callable(asked.statistic):
        of_refits = _Replicates(type(model), model.spec, model.columns, model._index)
        function = PythonStatistic(asked.statistic, of_refits)
    request = boot.Request(
        kind=asked.kind,
        n_sim=options.whole(asked.n_sim, "n_sim", 1),
        seed=options.random_seed(asked.seed),
        statistic=str(asked.statistic) if function is None else function.title,
        plan=asked.plan,
        options=asked.options,
        function=function,
        fit=model,
    )
    result = boot.run_bootstrap(model._model, model.n_obs, request, how)
    done = {
        "model": model._model,
        "kind": asked.kind,
        "n_sim": request.n_sim,
        "seed": request.seed,
        "statistic": request.statistic,
        "in_python": function is not None,
        "n_failed": result.counts.n_failed,
        **noted,
    }
    journal.note("bootstrap", done, result)
    return result


def parameters_among(
    given: Sequence[str], names: Sequence[str], labels: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return R's names of the parameters that are given by name or by label."""
    meant = []
    for name in given:
        found = find_name(name, names)
        if found is None and (label := find_name(name, labels)) is not None:
            found = names[labels.index(label)]
        if found is None:
            raise OptionError(f"parameters: no parameter {shown(name)}; there are: {listed(names)}")
        meant.append(found)
    return tuple(meant)


def intervals_of_replicates(
    model: Fitted,
    bootstrap: Callable[..., BootstrapResult],
    parameters: Sequence[str] | None,
    **how: Any,
) -> intervals.Intervals:
    """Return bootstrap intervals of parameters, with what R says of the replicates.

    Parameters
    ----------
    model
        The model.
    bootstrap
        Makes the replicates.
    parameters
        R's names; None for all.
    **how
        ``kind`` and ``conf_level`` of the intervals, and what ``bootstrap`` takes.
    """
    kind, level = how.pop("kind"), how.pop("conf_level")
    with journal.silent():
        made = bootstrap(**how)
    said = asking.Said()
    asking.ask(
        "say_of_replicates",
        bool,
        said=said,
        messages=[text for texts in made.replicate_messages for text in texts],
        warnings=[text for texts in made.replicate_warnings for text in texts],
        errors=[error for error in made.errors if error is not None],
    )
    # The result that is noted must be the one that is returned.
    found = model._counted(said.on(made.confint(kind, level, parameters)))
    drawn = {"n_sim": how["n_sim"], "seed": how["seed"], "kind": kind}
    asked = {"model": model._model, "parameters": parameters, "conf_level": level, **drawn}
    journal.note("bootstrap_intervals", asked, found)
    return found


def _check_together(
    kind: options.BootstrapKind, resample: Mapping[str, bool] | None, use_u: bool | None
) -> None:
    """Raise if an argument belongs to another kind of bootstrap."""
    if kind != "case" and resample is not None:
        raise OptionError("resample goes with kind='case'")
    if use_u is not None and kind not in ("parametric", "semiparametric"):
        raise OptionError("use_u goes with kind='parametric'")
    if kind == "semiparametric" and use_u is False:
        raise OptionError("R has no semiparametric bootstrap with use_u=False")


def _resampled(
    resample: Mapping[str, bool] | None, statistic: object, groups: tuple[str, ...]
) -> dict[str, Any]:
    """Return the levels of a case bootstrap, and which of them are resampled."""
    if isinstance(statistic, str) and statistic == "random_effects":
        raise OptionError(
            "a case bootstrap has other groups in each replicate, so that there are no "
            "random effects to compare"
        )
    levels, resampled = boot.checked_resample(resample, groups)
    return {"levels": levels, "resampled": resampled}


@dataclass(frozen=True, slots=True)
class _Replicates:
    """Makes the models of replicates, like the one that was fitted, in whatever process.

    Attributes
    ----------
    like, spec, columns, index
        Its class, specification, columns and the index of its data.
    """

    like: type[Fitted]
    spec: ModelSpec
    columns: tuple[str, ...]
    index: pd.Index

    def made(self, record: Mapping[str, Any]) -> Fitted:
        """Return the model of what ``refit_replicate()`` in R gives."""
        spec, index = self.spec, self.index
        if (rows := record.get("rows")) is not None:
            # A case bootstrap: these rows of the data, numbered from 1.
            given = {name: getattr(spec, name) for name in ROW_VECTORS}
            arrays = {name: of for name, of in given.items() if isinstance(of, np.ndarray)}
            drawn = {name: of[rows - 1] for name, of in arrays.items()}
            spec, index = replace(spec, **{**drawn, "subset": None}), index[rows - 1]
        return self.like._of(record, spec, frames.KeptFrame(self.columns, index, record["model"]))

    def measured(self, function: Callable[[Any], Any], model: Fitted) -> Any:
        """Return what a function gives for a model; what it asks is not noted for scripts."""
        with journal.silent():
            return function(model)
