"""The base of all fitted mixed models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pymer_bridge.display import apa
from pymer_bridge.errors import REnvironmentError, RError
from pymer_bridge.models.all_fit import all_fits
from pymer_bridge.models.design import Design
from pymer_bridge.models.influence import influence_of
from pymer_bridge.models.methods.diagnostics import Diagnostics
from pymer_bridge.models.methods.export import Tidying
from pymer_bridge.models.methods.pictures import Pictures
from pymer_bridge.models.methods.prediction import Prediction
from pymer_bridge.models.methods.refitting import Refitting
from pymer_bridge.models.mixed_fit import MixedFit
from pymer_bridge.models.pilot import design_of
from pymer_bridge.models.pooling import pooling_lines
from pymer_bridge.plots.accessor import FitPlots
from pymer_bridge.replicates import engine
from pymer_bridge.results.all_fit import AllFit
from pymer_bridge.results.influence import Influence
from pymer_bridge.results.pooling import PoolingLines
from pymer_bridge.results.variances import random_part
from pymer_bridge.session import deadlines
from pymer_bridge.spec import options
from pymer_bridge.spec.design_values import Given
from pymer_bridge.spec.names import Labels


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class MixedModel(Refitting, Prediction, Diagnostics, Pictures, Tidying, MixedFit):
    """A fitted mixed model; its figures stay in R until they are asked for, and are then kept.

    Attributes
    ----------
    formula
        The formula, in R's spelling.
    n_obs
        The number of observations used.
    n_groups
        The number of levels of each grouping factor.
    sigma
        The residual standard deviation.
    reml
        Fitted by restricted maximum likelihood?
    dropped_columns
        Columns of the design that R dropped because they depend on others.
    dropped_rows
        Labels, in the data's index, of the rows that ``na_action`` dropped.
    warnings, messages
        R's warnings and messages during the fit.
    spec
        The specification: what was asked for.
    columns
        The columns of the data that went to R.
    """

    @property
    def plot(self) -> FitPlots:
        """Pictures of the model: ``fit.plot.lines()``, ``fit.plot.diagnostics()`` ..."""
        return FitPlots(self)

    def pooling(self, group: str | None = None, predictor: str | None = None) -> PoolingLines:
        """Return the groups' lines under complete, no and partial pooling.

        Parameters
        ----------
        group
            A grouping factor; R's first by default.
        predictor
            A numeric predictor; the only one by default.

        Returns
        -------
        PoolingLines
            Intercepts in units of the response; slopes in those units per unit of the predictor.

        Raises
        ------
        OptionError
            The model has no such group or predictor, has other predictors too, so that its
            groups have no line in this one, or is not on the scale of the response.

        Notes
        -----
        R functions: ``stats::lm`` of all data and of each group's, and ``coef`` of the mixed
        model. The weights and the offset of the model are used.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> round(fit.pooling().complete[1], 3)
        10.467
        """
        return pooling_lines(self, group, predictor)

    @deadlines.timed
    @engine.stoppable
    def influence(
        self,
        by: str | None = None,
        *,
        max_evaluations: int = 1000,
        n_jobs: int = 1,
        progress: engine.Progress = False,
        checkpoint: str | Path | None = None,
        timeout: float | None = None,
    ) -> Influence:
        """Refit the model without each row, or without each level of a group.

        Parameters
        ----------
        by
            "observation" (the default: rows one by one), a grouping factor of the model such as
            "Subject" or "cask:batch", or another column that the model uses.
        max_evaluations
            The limit of function evaluations of each refit (R: ``maxfun``); the optimizer of
            linear models ignores it, as in R.
        n_jobs, progress, checkpoint
            As for :meth:`bootstrap`; they do not change results.
        timeout
            As for :func:`pymer_bridge.lmer`.

        Returns
        -------
        Influence
            One row per refit, with Cook's distance, ``mdffits``, ``cov_trace`` and ``cov_ratio``;
            the estimates without each level; ``dfbeta`` and ``dfbetas``; ``dropped()`` orders by
            influence. Variances are in squared units of the response.

        Raises
        ------
        OptionError
            ``by`` is not accepted, the limit is not a positive whole number, or an extra is not
            installed.
        CheckpointError
            The file is of another fit or version.
        BootstrapInterrupted
            Ctrl-C; what was finished is in its ``partial``, where the rest is missing.
        RError
            Every refit failed.
        RTimeoutError
            It did not end within ``timeout``; what was finished is in its ``partial``.

        Warns
        -----
        BootstrapWarning
            Some refits failed, and their figures are missing. R's own function would stop.
        RWarning
            The model has a ``subset``, which R's function ignores: it refits to all other rows.

        Notes
        -----
        R functions: ``influence`` of a fit by lme4, and ``cooks.distance``, ``dfbeta`` and
        ``dfbetas`` of it [1]_; the three measures by the covariance matrix are those of Loy and
        Hofmann [2]_, of the refits. As in R, refits start from the estimates and use the default
        optimizer, whatever the fit itself used. Rows whose group is missing stay in every
        refit. With one fixed effect R's dfbetas stops; here it is the change divided by its
        standard error. R has no such figures for nonlinear mixed models.

        References
        ----------
        .. [1] Fox, J. (2020). Regression Diagnostics: An Introduction, 2nd ed. Sage.
        .. [2] Loy, A. and Hofmann, H. (2014). HLMdiag: A Suite of Diagnostics for Hierarchical
           Linear Models in R. Journal of Statistical Software, 56(5).

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"))
        >>> influence = fit.influence("Batch")
        >>> len(influence.cooks_distance)
        6
        """
        return influence_of(self, by, max_evaluations, engine.Running(n_jobs, progress, checkpoint))

    @deadlines.timed
    def all_fit(
        self,
        optimizers: Sequence[options.AllFitOptimizer] | options.AllFitOptimizer | None = None,
        *,
        max_evaluations: int = 100_000,
        n_jobs: int = 1,
        timeout: float | None = None,
    ) -> AllFit:
        """Fit the model again by each optimizer that lme4 knows.

        If all of them reach the same estimates, a warning that one did not converge is probably
        a false alarm.

        Parameters
        ----------
        optimizers
            Which ones, by R's names, such as "bobyqa" or "nloptwrap.NLOPT_LN_BOBYQA"; all of
            them by default.
        max_evaluations
            The limit of function evaluations (R: ``maxfun``).
        n_jobs
            How many processes fit: -1 for as many as there are cores. The estimates are the same
            for any number; only ``timing`` is not. More than one needs joblib.
        timeout
            As for :func:`pymer_bridge.lmer`.

        Returns
        -------
        AllFit
            One row per optimizer, in R's order: how it ended, log-likelihood, fixed
            effects, standard deviations and correlations, theta. Optimizers whose package
            (optimx, dfoptim) is not installed have a row that says so.
            ``agreement`` has the range of each figure over the optimizers, ``timing`` the time
            of each.

        Raises
        ------
        OptionError
            An optimizer is not known, the limit is not a positive whole number, or ``n_jobs`` is
            not accepted.
        RTimeoutError
            It did not end within ``timeout``; R is ready for the next call.
        WorkerError
            A worker cannot give the same figures, or workers are killed again and again.

        Notes
        -----
        R functions: ``lme4::allFit`` and its ``summary``. From lme4 1.1-38 on the fits start
        from the estimates, before that from where ``lmer`` starts. The summary of older
        versions puts wrong names on standard deviations and correlations; here the names are
        right. allFit of lme4 before 1.1-33 stops if both optional packages are missing; here
        it does not.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"))
        >>> fits = fit.all_fit(["bobyqa", "Nelder_Mead"])
        >>> fits["bobyqa"].converged
        True
        >>> fits.agreement["log_likelihood", "log_likelihood"].spread < 1e-6
        True
        """
        return all_fits(self, optimizers, max_evaluations, n_jobs)

    def design(
        self,
        fixed: Mapping[str, float] | None = None,
        *,
        std_devs: Mapping[str, Any] | None = None,
        correlations: Mapping[str, Any] | None = None,
        residual: float | None = None,
        frame: Any = None,
    ) -> Design:
        """Take this model for a pilot: describe data to come with its parameters.

        Parameters
        ----------
        fixed, std_devs, correlations, residual
            Parameters in place of the estimates, as for :func:`pymer_bridge.design`; what is not
            named stays as it was estimated. An effect that a small study has found is likely too
            large: give the smallest one that matters.
        frame
            The rows that will be observed; those of this model by default.

        Returns
        -------
        Design
            For ``simulate``, ``power``, ``power_curve`` and ``sample_size``.

        Raises
        ------
        OptionError
            A parameter is unknown, or the model has weights, an offset as an argument, or a
            response that is no column of its own.
        DataConversionError
            ``frame`` lacks a column, or has one that cannot be sent to R.

        Notes
        -----
        R functions: ``fixef``, ``VarCorr`` and ``sigma``, and ``Sv_to_Cv`` of lme4. Correlations
        of a term whose standard deviation is 0 are taken as 0.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> pilot = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> design = pilot.design(fixed={"Days": 4})
        >>> design.terms["fixed", "Days"].value, round(design.terms["residual"].value, 1)
        (4.0, 25.6)
        """
        return design_of(self, Given(fixed, std_devs, correlations, residual), frame)

    def _new_parameters(self, given: options.Parameters | None) -> dict[str, Any] | None:
        names = ("fixed", "std_devs", "correlations", "residual")
        if isinstance(given, Mapping) and given and not set(given) - set(names):
            of_design: Any = given
            given = cast("options.Parameters", self.design(**of_design).new_params)
        return options.check_parameters(given)

    def _random_names(self) -> tuple[str, ...]:
        rows = self.variance_components.rows
        return (*(row.group for row in rows), *(row.term for row in rows if row.term is not None))

    def _random_said(self, labels: Labels) -> tuple[str, ...]:
        return (random_part(self.variance_components, labels), *self._effect_sizes())

    def _effect_sizes(self) -> tuple[str, ...]:
        """Return R squared and the intraclass correlation, where R can give them."""
        try:
            found = self.r2(), self.icc()
        except (REnvironmentError, RError) as error:
            return (f"Effect sizes left out: {str(error).splitlines()[0].rstrip('.')}",)
        shares, between = found
        named = {
            "marginal R² =": shares.marginal,
            "conditional R² =": shares.conditional,
            "adjusted ICC =": between.adjusted,
        }
        said = [f"{name} {apa.share(value)}" for name, value in named.items() if value is not None]
        return (f"Effect sizes: {', '.join(said) or 'none, as the fit is singular'}",)
