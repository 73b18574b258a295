"""What a fitted mixed model is made of, and what bears on it: parts, leverage, influence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.data.frames import index_at
from pymer_bridge.data.frozen_arrays import frozen_array, frozen_floats
from pymer_bridge.errors import BootstrapWarning, OptionError, shown
from pymer_bridge.models.base import MixedFit
from pymer_bridge.models.deviance_function import DevianceFunction
from pymer_bridge.models.methods.trust import Checking
from pymer_bridge.r_script.journal import journal
from pymer_bridge.replicates import engine
from pymer_bridge.replicates.collected import Collected
from pymer_bridge.results import internals
from pymer_bridge.results.decode import internals as decode_internals
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.influence import CutOff, Influence, InfluenceRow
from pymer_bridge.results.matrix import NamedMatrix, NamedVector
from pymer_bridge.results.simulated import ResidualCurves
from pymer_bridge.session import asking, conditions, deadlines
from pymer_bridge.session.calls import Handle
from pymer_bridge.spec import options
from pymer_bridge.spec.names import find_name

Floats = NDArray[np.float64]

ROWS: Final = "observation"
CASE: Final = ".case"
"""The name of the rows in R's influence()."""
_N_SIM = 250
"""How many responses a simulated residual is compared with, as DHARMa does."""


class CaseFigures(Checking):
    """Leverage and the like: a figure for each observation."""

    __slots__ = ()

    def _case_figure(self, kind: str, name: str) -> pd.Series[float]:
        return self._ask("case_figure", decode.over_rows, self._index, name, kind=kind).copy()

    def hat_values(self) -> pd.Series[float]:
        """Return the leverage of each observation: the diagonal of the hat matrix.

        Returns
        -------
        pandas.Series
            On the data's own index; NaN for dropped rows under ``na_action="exclude"``.

        Raises
        ------
        RError
            R has none for this model, such as a nonlinear one.

        Notes
        -----
        R function: ``stats::hatvalues``. For a generalized mixed model R warns that the hat
        matrix may not make sense. Of models without random effects R gives dropped rows a leverage
        of zero.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> round(float(fit.hat_values().iloc[0]), 4)
        0.2293
        """
        return self._case_figure("hatvalues", "hat")

    def rstudent(self) -> pd.Series[float]:
        """Return the studentized residuals.

        Returns
        -------
        pandas.Series
            On the data's own index; NaN for dropped rows under ``na_action="exclude"``.

        Raises
        ------
        RError
            R has none for this model, such as a nonlinear one.

        Notes
        -----
        R function: ``stats::rstudent``. Those of mixed models depend on the installed lme4: 2.0-1
        changed them. lme4 has no ``rstandard``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> len(fit.rstudent())
        180
        """
        return self._case_figure("rstudent", "rstudent")

    def cooks_distance(self) -> pd.Series[float]:
        """Return Cook's distance of each observation.

        Returns
        -------
        pandas.Series
            On the data's own index; NaN for dropped rows under ``na_action="exclude"``.

        Raises
        ------
        RError
            R has none for this model, such as a nonlinear one.

        Notes
        -----
        R function: ``stats::cooks.distance``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> fit.cooks_distance().idxmax()
        59
        """
        return self._case_figure("cooks.distance", "cooks_distance")

    def _leverage(self) -> tuple[pd.DataFrame, tuple[float, ...]]:
        """Return hat values and Cook's distances, and the cut-offs of both."""

        def read(record: decode.RRecord) -> tuple[pd.DataFrame, tuple[float, ...]]:
            names = {"hat": "hat", "cooks": "cooks_distance"}
            columns = [decode.over_rows(record[k], self._index, name) for k, name in names.items()]
            return pd.concat(columns, axis=1), tuple(record["cut_offs"].tolist())

        return self._ask("leverage_figures", read)

    def _residual_curves(
        self,
        seed: int | None = 1,
        conf_level: float = 0.99,
        along: Sequence[tuple[str, str]] | None = (),
    ) -> ResidualCurves:
        """Return what pictures of simulated residuals show, along which predictors (None: all)."""
        level, start = options.check_level(conf_level), options.random_seed(seed)
        x, by = (None, None) if along is None else (tuple(one[i] for one in along) for i in (0, 1))
        return self._ask(
            "residual_curves",
            decode_internals.residual_curves,
            *(level, _N_SIM, start),  # without a seed this model keeps its first draws
            n_sim=_N_SIM,
            n_draws=199 if self.n_obs <= 2000 else 99,  # data sets that the band is of
            seed=start,
            conf_level=level,
            x=x,
            by=by,
            n_single=4,
            n_pairs=2,
        )


class Diagnostics(CaseFigures, MixedFit):
    """The parts of a mixed model, shares of variance, leverage, influence."""

    __slots__ = ()

    @overload
    def get_me(self, name: internals.SparseName) -> internals.SparseMatrix: ...

    @overload
    def get_me(self, name: Literal["X", "RX", "RZX"]) -> NamedMatrix: ...

    @overload
    def get_me(self, name: internals.VectorName) -> NamedVector: ...

    @overload
    def get_me(self, name: internals.ArrayName) -> NDArray[np.float64]: ...

    @overload
    def get_me(self, name: Literal["Gp", "Lind"]) -> NDArray[np.int32]: ...

    @overload
    def get_me(self, name: internals.CountName) -> int: ...

    @overload
    def get_me(self, name: Literal["is_REML"]) -> bool: ...

    @overload
    def get_me(self, name: Literal["sigma"]) -> float: ...

    @overload
    def get_me(self, name: Literal["L"]) -> internals.CholeskyFactor: ...

    @overload
    def get_me(self, name: Literal["glmer.nb.theta"]) -> float | None: ...

    @overload
    def get_me(self, name: Literal["Ztlist"]) -> Mapping[str, internals.SparseMatrix]: ...

    @overload
    def get_me(self, name: Literal["mmList"]) -> Mapping[str, NamedMatrix]: ...

    @overload
    def get_me(self, name: Literal["flist"]) -> Mapping[str, pd.Categorical]: ...

    @overload
    def get_me(self, name: Literal["devcomp"]) -> Mapping[str, NamedVector]: ...

    @overload
    def get_me(self, name: str) -> Any: ...

    def get_me(self, name: str) -> Any:
        """Return a part of the fit by lme4's own name.

        Parameters
        ----------
        name
            "X", "Z", "Zt", "Ztlist", "mmList", "y", "mu", "u", "b", "Gp", "Tp", "L", "Lambda",
            "Lambdat", "Lind", "Tlist", "A", "RX", "RZX", "sigma", "flist", "fixef", "beta",
            "theta", "ST", "REML", "is_REML", "n_rtrms", "n_rfacs", "N", "n", "p", "q", "p_i",
            "l_i", "q_i", "k", "m_i", "m", "cnms", "devcomp", "offset", "lower" or
            "glmer.nb.theta"; from lme4 2.0 on "par", "npar" and "devarg" too.

        Returns
        -------
        object
            A number, a bool, or None for R's missing values; a read-only numpy array; a
            ``NamedVector`` or ``NamedMatrix`` where R has names; a ``SparseMatrix``, which
            ``to_scipy()`` and ``to_numpy()`` convert; a ``CholeskyFactor`` for "L"; a pandas
            Categorical for a factor; a tuple of strings. A list becomes a read-only mapping, a
            tuple if R has no names, and a tuple of pairs if a name comes twice, as for two terms
            of one grouping factor. Editors know the type of each name.

        Raises
        ------
        OptionError
            This lme4 has no such part.
        RError
            R cannot give it for this model.

        Notes
        -----
        R function: ``lme4::getME``. Its "devfun", which changes the fit when it is called, is
        :meth:`deviance_function`.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> fit.get_me("q"), fit.get_me("Z").shape
        (36, (180, 36))
        """
        known = self._ask("part_names", tuple)
        if name not in known:
            hint = "; see deviance_function()" if name == "devfun" else ""
            raise OptionError(
                f"name={shown(name)} is not accepted{hint}; choose one of: {', '.join(known)}"
            )
        found = self._ask_anew("model_part", decode_internals.part, name=name)
        return decode_internals.on_rows(found, self._index) if name in ("X", "mmList") else found

    def is_singular(self, tol: float = 1e-4) -> bool:
        """Say whether the fit is singular: a variance is zero, or a correlation is one.

        Parameters
        ----------
        tol
            How near to zero a diagonal element of theta must be.

        Returns
        -------
        bool
            True if one is nearer.

        Raises
        ------
        OptionError
            ``tol`` is not a positive number.

        Notes
        -----
        R function: ``lme4::isSingular``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> fit.is_singular()
        False
        """
        if isinstance(tol, bool) or not isinstance(tol, int | float) or not tol > 0:
            raise OptionError(f"tol={shown(tol)} must be a positive number")
        return self._ask("is_singular", lambda value: bool(value[0]), tol=float(tol))

    @property
    def covariances(self) -> internals.Covariances:
        """Whole covariance and correlation matrices of the random effects, by group.

        ``covariances["Subject"]`` is the covariance matrix of one group, and
        ``covariances.correlation("Subject")`` its correlations (R: ``VarCorr``, the matrices and
        their attribute "correlation"). ``variance_components`` has the same figures term by
        term (R: ``as.data.frame(VarCorr(fit))``).
        """
        return self._ask("group_covariances", decode_internals.covariances)

    def re_pca(self) -> internals.PrincipalComponents:
        """Return the principal components of the random effects, group by group.

        A component without variance means that the data do not support so many random effects.

        Returns
        -------
        PrincipalComponents
            One row per group and component: standard deviation (in units of the residual one)
            and shares of variance; and the rotations.

        Notes
        -----
        R functions: ``lme4::rePCA`` [1]_ and its ``summary``, which rounds the shares to five
        decimals.

        References
        ----------
        .. [1] Bates, D., Kliegl, R., Vasishth, S. and Baayen, H. (2015). Parsimonious Mixed
           Models. arXiv:1506.04967.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> fit.re_pca()["Subject", 1].proportion
        0.94605
        """
        return self._ask("random_components", decode_internals.principal_components)

    def deviance_function(self) -> DevianceFunction:
        """Return the deviance as a function of the parameters, on a copy of the fit.

        Returns
        -------
        DevianceFunction
            Called with the parameters of the random effects (and, for a generalized or
            nonlinear model, the fixed effects), it gives the deviance, or the REML criterion
            of a fit by REML.

        Notes
        -----
        R function: ``lme4::getME(fit, "devfun")``. R's function changes the fit when it is
        called; this one has a predictor and a response of its own.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> deviance = fit.deviance_function()
        >>> round(deviance(deviance.theta), 4)
        1743.6283
        """
        return self._ask_anew(
            "deviance_function",
            lambda record: DevianceFunction(
                names=decode.texts(record, "names"),
                parameters=frozen_array(record["values"]),
                lower=frozen_array(record["lower"]),
                upper=frozen_array(record["upper"]),
                n_theta=decode.integer(record, "n_theta"),
                _deviance=record["deviance"],
            ),
        )

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
        asked = self._left_out(by)
        limit = options.whole(max_evaluations, "max_evaluations", 1)
        said = asking.Said()
        described = asking.ask("describe_influence", said=said, model=self._model, by=asked)
        rows = index_at(self._index, described["rows"]) if asked == CASE else None
        levels = tuple(map(str, rows)) if rows is not None else decode.texts(described, "levels")
        p, q = (len(decode.texts(described, name)) for name in ("fixed_names", "variance_names"))

        def draw(state: list[int] | None) -> Any:
            return asking.ask("kept_draws", all=list(range(1, len(levels) + 1)))

        run = engine.Run(
            models=[self._model],
            plan={"task": "influence", "by": asked, "max_evaluations": float(limit)},
            n=len(levels),
            n_values=p + q + p * p + 1,
            draw=draw,
            item_bytes=4,
            header={"kind": "influence", "by": asked, "max_evaluations": limit},
            seeded=False,
        )

        def result(collected: Collected) -> Influence:
            made = _result(self._model, asked, described, (levels, rows), collected)
            return self._counted(made)

        made = engine.perform(run, engine.Running(n_jobs, progress, checkpoint), result)
        finished = _warned(said.on(made))
        facts = {name: decode.flag(described, name) for name in ("is_column", "missing")}
        given = {"model": self._model, "by": asked, "max_evaluations": limit, "n_fixed": p}
        journal.note("influence", {**given, **facts}, finished)
        return finished

    def _left_out(self, by: str | None) -> str:
        """Return R's name for what is left out."""
        if by is None or (by == ROWS and by not in (*self.n_groups, *self.columns)):
            return CASE
        known = [*self.n_groups, *(name for name in self.columns if name not in self.n_groups)]
        found = find_name(by, known)
        if found is None:
            listed = ", ".join(map(repr, (ROWS, *known)))
            raise OptionError(f"by={shown(by)} is not in the model; choose one of: {listed}")
        return found


def _warned(made: Influence) -> Influence:
    """Warn of refits that failed."""
    errors = [row.error for row in made.rows if row.error is not None]
    if not errors:
        return made
    text = f"{len(errors)} of {len(made.rows)} refits failed; the last said: {errors[-1]}"
    made = replace(made, warnings=(*made.warnings, text))
    conditions.warn(BootstrapWarning(text), made)
    return made


def _whole_run(collected: Collected, n: int) -> Collected:
    """Put the finished refits of an interrupted run in their places among all."""
    whole = Collected.of(n, collected.values.shape[1])
    whole.errors = ["not done: the run was interrupted"] * n
    for at, i in enumerate(collected.iterations - 1):
        whole.values[i] = collected.values[at]
        whole.converged[i], whole.singular[i] = collected.converged[at], collected.singular[at]
        whole.messages[i], whole.errors[i] = collected.messages[at], collected.errors[at]
    whole.versions, whole.seconds = collected.versions, collected.seconds
    return whole


def _result(
    model: Handle,
    by: str,
    described: Mapping[str, Any],
    left_out: tuple[Sequence[str], pd.Index | None],
    collected: Collected,
) -> Influence:
    levels, index = left_out
    n = len(levels)
    if len(collected.values) < n:
        collected = _whole_run(collected, n)
    values = collected.values
    figures = asking.ask(
        "influence_figures",
        model=model,
        by=by,
        levels=tuple(described["levels"]),
        values=np.asfortranarray(values),
        converged=collected.converged,
    )
    fixed, variances = (decode.texts(described, f"{what}_names") for what in ("fixed", "variance"))
    p, q = len(fixed), len(variances)

    def named(found: NDArray[np.float64], names: tuple[str, ...]) -> NamedMatrix:
        whole = found.reshape((n, len(names)), order="F")
        return NamedMatrix(frozen_floats(whole), names, tuple(levels), index)

    return Influence(
        rows=_rows(levels, collected, figures),
        by=ROWS if by == CASE else by,
        fixed_effects=named(values[:, :p], fixed),
        variances=named(values[:, p : p + q], variances),
        dfbeta=named(figures["dfbeta"], fixed),
        dfbetas=named(figures["dfbetas"], fixed),
        dfbeta_variances=named(figures["dfbeta_variances"], variances),
        observed_fixed_effects=frozen_array(described["fixed"]),
        observed_variances=frozen_array(described["variances"]),
        versions=dict(collected.versions),
        seconds=collected.seconds,
        cut_offs=_cut_offs(figures),
    )


def _rows(
    levels: Sequence[str], collected: Collected, figures: Mapping[str, Any]
) -> tuple[InfluenceRow, ...]:
    """Return one row per refit."""
    n = len(levels)
    names = ("cooks_distance", "mdffits", "cov_trace", "cov_ratio")
    measures = {name: decode.numbers(figures, name, n) for name in names}
    evaluations = collected.values[:, -1]
    return tuple(
        InfluenceRow(
            level=label,
            converged=bool(collected.converged[i]),
            singular=bool(collected.singular[i]),
            evaluations=None if np.isnan(evaluations[i]) else int(evaluations[i]),
            messages=collected.messages[i],
            error=collected.errors[i],
            **{name: values[i] for name, values in measures.items()},
        )
        for i, label in enumerate(levels)
    )


def _cut_offs(figures: Mapping[str, Any]) -> tuple[CutOff, ...]:
    """Return the cut-offs of the measures."""
    names = decode.texts(figures, "cut_measures")
    ends = (decode.numbers(figures, end, len(names)) for end in ("cut_low", "cut_high"))
    return tuple(CutOff(*each) for each in zip(names, *ends, strict=True))
