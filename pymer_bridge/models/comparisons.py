"""Tests between fitted models: likelihood ratios, and F tests of a restriction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pymer_bridge.data.frozen_arrays import frozen_array
from pymer_bridge.errors import BootstrapWarning, OptionError, shown
from pymer_bridge.models.base import Fitted
from pymer_bridge.models.glmer import GeneralizedLinearMixedModel
from pymer_bridge.models.hypotheses import labels_of
from pymer_bridge.models.lm import LinearModel
from pymer_bridge.models.lmer import LinearMixedModel
from pymer_bridge.models.methods.linear import compare
from pymer_bridge.models.mixed import MixedModel
from pymer_bridge.models.preparing import check_text
from pymer_bridge.models.r_model import ask
from pymer_bridge.r_script.journal import journal
from pymer_bridge.replicates import engine
from pymer_bridge.replicates.collected import Collected
from pymer_bridge.results import tests
from pymer_bridge.results.base import of_rows
from pymer_bridge.results.bootstrap import BootstrapTest
from pymer_bridge.results.decode import tests as decode_tests
from pymer_bridge.session import asking, conditions, deadlines
from pymer_bridge.session.calls import Handle
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import labels, options
from pymer_bridge.spec.arguments import checked
from pymer_bridge.spec.names import find_name

Hypothesis = str | NDArray[np.float64] | Sequence[Sequence[float]] | pd.DataFrame
Restriction = LinearMixedModel | Hypothesis
Testable = LinearMixedModel | GeneralizedLinearMixedModel | LinearModel
"""What ``pbkrtest::PBmodcomp`` takes."""


@overload
def anova(
    first: LinearModel,
    /,
    *others: LinearModel,
    refit: bool = True,
    names: Sequence[str] | None = None,
    test: options.AnovaTest | None = None,
) -> tests.TermTests: ...


@overload
def anova(
    first: MixedModel,
    /,
    *others: MixedModel | LinearModel,
    refit: bool = True,
    names: Sequence[str] | None = None,
    test: options.AnovaTest | None = None,
) -> tests.LikelihoodRatioTests: ...


@overload
def anova(
    *models: MixedModel | LinearModel,
    refit: bool = True,
    names: Sequence[str] | None = None,
    test: options.AnovaTest | None = None,
) -> tests.LikelihoodRatioTests | tests.TermTests: ...


@checked
def anova(
    *models: MixedModel | LinearModel,
    refit: bool = True,
    names: Sequence[str] | None = None,
    test: options.AnovaTest | None = None,
) -> tests.LikelihoodRatioTests | tests.TermTests:
    """Compare two or more nested models: by likelihood ratio tests, or F tests of linear models.

    Parameters
    ----------
    *models
        Models of the same data; models without random effects (:func:`pymer_bridge.lm`,
        :func:`pymer_bridge.glm`) may be among them, or be all of them.
    refit
        Refit models by maximum likelihood if they were fitted by REML, as R does. R's message
        about it is raised as a warning and kept on the result.
    names
        Names for the rows; "model1", "model2" ... by default.
    test
        Of generalized models without random effects: "likelihood-ratio", "F" or "rao" (score
        test); by default likelihood ratios where the family fixes the dispersion, else F.

    Returns
    -------
    LikelihoodRatioTests or TermTests
        One row per model, fewest parameters first. Models that all are without random effects
        give TermTests, in the order given: each model is tested against the one before it.

    Raises
    ------
    OptionError
        Fewer than two models, or not one name per model.
    RError
        The models were fitted to different data, or use different rows; the message has their
        numbers.

    Notes
    -----
    R function: ``anova`` of lme4, or of ``lm`` and ``glm``. R compares the data by name; here the
    responses are compared. R would compare generalized models of different families, too; here
    that is an error.

    Where rows lack a value of a term, a model without that term uses more rows, and R refuses the
    comparison. Models that you fitted yourself are refused here too, as which rows are meant is
    yours to say: fit each to ``data.dropna(subset=[...])``. But ``fit.update(". ~ . - z")`` asks
    for the same model without a term: a model that ``update`` made of the other one's data, with
    the same subset and fewer parameters, is fitted again to the rows of the other one for the
    comparison, as if both had been fitted to the complete cases. A message says so.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> sleepstudy = pb.load_dataset("sleepstudy")
    >>> large = pb.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, reml=False)
    >>> small = pb.lmer("Reaction ~ 1 + (Days | Subject)", sleepstudy, reml=False)
    >>> round(pb.anova(small, large).rows[1].chi_square, 3)
    23.537
    """
    if len(models) < 2:
        raise OptionError("anova() compares two or more models; for one model use model.anova()")
    for model in models:
        if not isinstance(model, MixedModel | LinearModel):
            raise OptionError(f"anova() takes fitted models, not {type(model).__name__}")
    chosen = [f"model{i + 1}" for i in range(len(models))] if names is None else list(names)
    if len(chosen) != len(models) or len(set(chosen)) != len(chosen):
        raise OptionError(f"names must be {len(models)} different names, one per model")
    if not any(isinstance(model, MixedModel) for model in models):
        return compare(models, None if names is None else chosen, test)
    if test is not None:
        raise OptionError(f"test={shown(test)} is for models without random effects")
    # Where models use other numbers of rows, R has fitted them all to the fewest.
    n_obs = min(model.n_obs for model in models)
    return ask(
        "anova_models",
        lambda record: of_rows(decode_tests.ratio_tests(record), n_obs),
        models=[model._model for model in models],
        names=tuple(chosen),
        refit=options.flag(refit, "refit"),
    )


def _restriction(full: Testable, restricted: Testable | Hypothesis) -> Any:
    """Check a restriction, and return it in the form that the R side takes."""
    if isinstance(restricted, Fitted):
        if type(restricted) is not type(full):
            raise OptionError(
                f"the two models are of different kinds: the larger one is a {type(full).__name__},"
                f" the smaller one a {type(restricted).__name__}"
            )
        return restricted._model
    if isinstance(restricted, str):
        return _formula_change(full, restricted)
    terms = full._terms()
    rows = labels.aligned(restricted, terms, "restricted", "the fixed effects", axis=1, rest=0.0)
    values = np.atleast_2d(options.array_of(rows, "restricted must be a matrix of numbers"))
    if values.ndim != 2 or values.shape[1] != len(terms) or not len(values):
        raise OptionError(
            f"restricted, a restriction matrix, must have rows of {len(terms)} columns, one per "
            f"effect ({', '.join(terms)}), not the shape {values.shape}"
        )
    return {"values": np.ascontiguousarray(values).ravel(), "n_rows": values.shape[0]}


def _formula_change(full: Testable, given: str) -> str:
    """Check a formula change, or make one from the name of a term."""
    if "~" not in given or find_name(given, full._ask("term_labels", tuple)) is not None:
        given = f". ~ . - {labels_of(full, given, 'restricted')[0]}"
    check_text(given, "formula", full.columns, full.spec.allow_functions)
    return given


@checked
def kr_modcomp(full: LinearMixedModel, restricted: Restriction) -> tests.ModelComparison:
    """Test a restriction of the fixed effects by Kenward and Roger's F test.

    Parameters
    ----------
    full
        The larger model.
    restricted
        The smaller model; or a change of formula (``". ~ . - Days"``), the name of the term to
        drop, or a restriction matrix with one column per fixed effect. A model that is made here,
        or by ``full.update()``, is fitted to the rows of the larger one, and a message says so
        where it would use more.

    Returns
    -------
    ModelComparison
        The scaled test and the unscaled one.

    Raises
    ------
    OptionError
        The restriction cannot be read.
    RError
        The models are not nested, have the same fixed effects, or use different rows.

    Notes
    -----
    R function: ``pbkrtest::KRmodcomp`` [1]_. A fit by maximum likelihood is refitted by REML, as
    pbkrtest does.

    References
    ----------
    .. [1] Halekoh, U. and Højsgaard, S. (2014). A Kenward-Roger Approximation and Parametric
       Bootstrap Methods for Tests in Linear Mixed Models - The R Package pbkrtest. Journal of
       Statistical Software, 59(9).

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> round(pb.kr_modcomp(fit, "Days").statistic, 2)
    45.85
    """
    return _compare("kr_modcomp", "Kenward-Roger", full, restricted)


@checked
def sat_modcomp(full: LinearMixedModel, restricted: Restriction) -> tests.ModelComparison:
    """Test a restriction of the fixed effects by Satterthwaite's F test.

    Parameters
    ----------
    full
        The larger model.
    restricted
        As for :func:`kr_modcomp`.

    Returns
    -------
    ModelComparison
        The test; there is no scaling.

    Raises
    ------
    OptionError
        The restriction cannot be read.
    RError
        The models are not nested, have the same fixed effects, or use different rows.

    Notes
    -----
    R function: ``pbkrtest::SATmodcomp``.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> round(pb.sat_modcomp(fit, "Days").df2, 1)
    17.0
    """
    return _compare("sat_modcomp", "Satterthwaite", full, restricted)


@checked
@deadlines.timed
@engine.stoppable
def pb_modcomp(
    full: Testable,
    restricted: Testable | Hypothesis,
    n_sim: int = 1000,
    seed: int | None = None,
    *,
    start: options.RatioStart = "warm",
    h: int | None = None,
    n_jobs: int = 1,
    progress: engine.Progress = False,
    checkpoint: str | Path | None = None,
    timeout: float | None = None,
) -> BootstrapTest:
    """Test a restriction by a parametric bootstrap of the likelihood ratio.

    Parameters
    ----------
    full
        The larger model, of :func:`lmer`, :func:`glmer`, :func:`glmer_nb`, :func:`lm` or
        :func:`glm`.
    restricted
        As for :func:`kr_modcomp`; a model is of the same kind as the larger one.
    n_sim
        The number of responses to simulate from the smaller model.
    seed
        R's ``set.seed`` integer; None continues from the state of R's generator.
    start
        Where the refits start. "warm": as in pbkrtest, at the estimates (from pbkrtest 0.5.5 on a
        linear mixed model where ``lmer`` starts); "cold": where R's function of the model starts;
        "multiple": at the estimates, where that starts, and (mixed models) at a tenth of that; the
        best is taken.
    h
        Stop, after each 200 replicates, once this many likelihood ratios are larger than that of
        the data, as ``pbkrtest::seqPBmodcomp`` does; ``n_sim`` is then a multiple of 200.
    n_jobs, progress, checkpoint
        As for :meth:`LinearMixedModel.bootstrap`.
    timeout
        As for :func:`pymer_bridge.lmer`.

    Returns
    -------
    BootstrapTest
        The bootstrap's own p-value, and those by chi square, Gamma, Bartlett and F.

    Raises
    ------
    OptionError
        An argument is not accepted.
    RError
        The models are not nested, have the same fixed effects, or use different rows.
    BootstrapInterrupted
        Ctrl-C; ``partial`` is the array of the finished likelihood ratios.
    RTimeoutError
        It did not end within ``timeout``; what was finished is in its ``partial``.

    Warns
    -----
    BootstrapWarning
        More than 5 in 100 likelihood ratios are not positive: refits were trapped, and the
        tests, which use only the positive ones, cannot be trusted.

    Notes
    -----
    R function: ``pbkrtest::PBmodcomp`` [1]_. Generalized mixed models are refitted by
    ``lme4::refit``, as PBmodcomp does until pbkrtest 0.5.4; from 0.5.5 on it stops for them, as it
    hands ``glmer`` an argument of ``lmer``. A negative binomial keeps its size in the refits, and a
    smaller model that is made here takes that of the larger one: give a model of :func:`glmer_nb`
    to have its own.

    References
    ----------
    .. [1] Halekoh, U. and Højsgaard, S. (2014). A Kenward-Roger Approximation and Parametric
       Bootstrap Methods for Tests in Linear Mixed Models - The R Package pbkrtest. Journal of
       Statistical Software, 59(9).

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (1 | Subject)", pb.load_dataset("sleepstudy"))
    >>> test = pb.pb_modcomp(fit, "Days", n_sim=20, seed=1)
    >>> [row.term for row in test.rows][:2]
    ['LRT', 'PBtest']
    >>> cbpp = pb.load_dataset("cbpp")
    >>> formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    >>> fit = pb.glmer(formula, cbpp, family="binomial")
    >>> round(pb.pb_modcomp(fit, "period", n_sim=5, seed=1).lrt, 1)
    25.6
    """
    given = _restriction(full, restricted)
    result = bootstrap_test(
        full, given, n_sim, seed, start=start, h=h, how=engine.Running(n_jobs, progress, checkpoint)
    )
    asked = {"n_sim": n_sim, "seed": result.seed, "start": start, "h": h}
    asked["rows_left_out"] = full.n_obs < len(full._index)
    journal.note("pb_modcomp", {"model": full._model, "restricted": given, **asked}, result)
    return result


BLOCK: Final = 200
"""The number of replicates that pbkrtest's sequential rule makes at a time."""


def _ratio_run(
    models: list[Handle],
    n: int,
    seed: int | None,
    start: options.RatioStart,
    *,
    h: int | None,
    n_obs: int,
) -> engine.Run:
    """Return the run that draws from the smaller model, and refits both."""
    observed = asking.ask("observed_ratio", lambda value: float(value[0]), models=models)
    block = None if h is None else BLOCK

    def draw(state: list[int] | None) -> Any:
        return asking.ask(
            "make_ratio_draws",
            model=models[1],
            n_sim=n,
            seed=seed,
            state=state,
            block=block,
            at_once=engine.at_once(n, 8 * n_obs),
        )

    return engine.Run(
        models=models,
        plan={"task": "ratios", "start": start},
        n=n,
        n_values=3,
        draw=draw,
        item_bytes=8 * n_obs,
        in_blocks=block is None,
        header={"kind": "ratios", "seed": seed, "start": start, "h": h},
        packages=("lme4", "pbkrtest"),
        block=block,
        enough=lambda found: h is not None and int((found[:, 0] > observed).sum()) >= h,
    )


def bootstrap_test(
    full: Testable,
    restricted: Any,
    n_sim: int,
    seed: int | None,
    *,
    start: options.RatioStart = "warm",
    h: int | None = None,
    how: engine.Running,
) -> BootstrapTest:
    """Do what :func:`pb_modcomp` does, given a restriction in the form that the R side takes."""
    start = options.one_of(start, options.RatioStart, "start")
    n = options.whole(n_sim, "n_sim", 1)
    checked_seed = options.random_seed(seed)
    if h is not None and (options.whole(h, "h", 1) and n % BLOCK):
        raise OptionError(f"n_sim={n} must be a multiple of {BLOCK} if h is given")
    session().require("pbkrtest")
    said = asking.Said()
    found = asking.ask("ratio_models", said=said, model=full._model, restricted=restricted)
    run = _ratio_run(
        [found["large"], found["small"]], n, checked_seed, start, h=h, n_obs=full.n_obs
    )

    def read(collected: Collected) -> BootstrapTest:
        ratios = collected.values[:, 0]
        usable = ratios[~np.isnan(ratios)]

        def test(record: Mapping[str, Any]) -> BootstrapTest:
            return decode_tests.bootstrap_test(
                record,
                n_sim=n,
                n_not_positive=_not_positive(usable),
                n_failed=len(ratios) - len(usable),
                stopped_early=len(ratios) < n,
                start=start,
                likelihood_ratios=frozen_array(ratios),
                seed=checked_seed,
                generator=collected.generator,
                versions=dict(collected.versions),
                seconds=collected.seconds,
                warnings=_warned_of_trapped(usable),
                observations=full.n_obs,
            )

        made = asking.ask(
            "ratio_tests_of",
            test,
            said=said,
            model=full._model,
            restricted=found["given"],
            ratios=usable,
        )
        return said.on(made)

    return engine.perform(run, how, read, lambda made: frozen_array(made.values[:, 0]))


def _not_positive(ratios: NDArray[np.float64]) -> int:
    return int((ratios <= 0).sum())


def _warned_of_trapped(usable: NDArray[np.float64]) -> tuple[str, ...]:
    """Warn if more refits were trapped than chance explains, and return the warning's text."""
    n_not_positive = _not_positive(usable)
    if n_not_positive <= 0.05 * len(usable):
        return ()
    said = (
        f"{n_not_positive} of {len(usable)} likelihood ratios are not positive: refits were "
        "trapped on the boundary, and the tests use only the others; use start='cold' "
        "or start='multiple'"
    )
    conditions.warn(BootstrapWarning(said))
    return (said,)


def _compare(
    operation: str, method: str, full: LinearMixedModel, restricted: Restriction
) -> tests.ModelComparison:
    given = _restriction(full, restricted)
    session().require("pbkrtest")
    return ask(
        operation,
        lambda record: of_rows(decode_tests.model_comparison(record, method), full.n_obs),
        model=full._model,
        restricted=given,
    )
