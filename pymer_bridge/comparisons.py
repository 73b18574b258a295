"""Tests between fitted models: likelihood ratios, and F tests of a restriction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pymer_bridge import decode_tests, notices
from pymer_bridge import spec as options
from pymer_bridge.errors import OptionError
from pymer_bridge.linear import LinearModel
from pymer_bridge.models import LinearMixedModel
from pymer_bridge.preparing import check_text
from pymer_bridge.results import tests
from pymer_bridge.rsession import session

Restriction = LinearMixedModel | str | NDArray[np.float64] | Sequence[Sequence[float]]


def anova(
    *models: LinearMixedModel | LinearModel, refit: bool = True, names: Sequence[str] | None = None
) -> tests.LikelihoodRatioTests:
    """Compare two or more nested models by likelihood ratio tests.

    Parameters
    ----------
    *models
        Models of the same data; ordinary linear models (:func:`pymer_bridge.lm`) may be among
        them.
    refit
        Refit by maximum likelihood what was fitted by REML, as R does; R says so in a message,
        which is raised as a warning and kept on the result.
    names
        Names for the rows; "model1", "model2" ... by default.

    Returns
    -------
    LikelihoodRatioTests
        One row a model, fewest parameters first.

    Raises
    ------
    OptionError
        Fewer than two models, or not one name a model.
    RError
        The models are of different data.

    Notes
    -----
    R function: ``anova`` of lme4. R tells data apart by name; here the responses are compared.

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
        if not isinstance(model, LinearMixedModel | LinearModel):
            raise OptionError(f"anova() takes fitted models, not {type(model).__name__}")
    chosen = [f"model{i + 1}" for i in range(len(models))] if names is None else list(names)
    if len(chosen) != len(models) or len(set(chosen)) != len(chosen):
        raise OptionError(f"names must be {len(models)} different names, one a model")
    outcome = session().call(
        "anova_models",
        models=[model._model for model in models],
        names=tuple(chosen),
        refit=options.flag(refit, "refit"),
    )
    notices.raise_warnings(outcome)
    return notices.with_conditions(decode_tests.ratio_tests(outcome.value), outcome)


def _restriction(full: LinearMixedModel, restricted: Restriction) -> Any:
    """Take a restriction as the R side takes it."""
    if isinstance(restricted, LinearMixedModel):
        return restricted._model
    if isinstance(restricted, str):
        return _formula_change(full, restricted)
    values = np.atleast_2d(np.asarray(restricted, dtype=np.float64))
    terms = full._terms()
    if values.ndim != 2 or values.shape[1] != len(terms):
        raise OptionError(
            f"a restriction matrix must have {len(terms)} columns, one a fixed effect "
            f"({', '.join(terms)}), not the shape {values.shape}"
        )
    return {"values": np.ascontiguousarray(values).ravel(), "n_rows": values.shape[0]}


def _formula_change(full: LinearMixedModel, given: str) -> str:
    """Check a formula change, or make one from the name of a term."""
    if "~" not in given:
        labels = session().call("term_labels", model=full._model).value
        label = next((known for known in labels if known in (given, f"`{given}`")), None)
        if label is None:
            raise OptionError(
                f"{given!r} is no term of the model; its terms are: "
                f"{', '.join(map(repr, labels)) or 'none'}"
            )
        given = f". ~ . - {label}"
    check_text(given, "formula", full.columns, full.spec.allow_functions)
    return given


def kr_modcomp(full: LinearMixedModel, restricted: Restriction) -> tests.ModelComparison:
    """Test a restriction of the fixed effects by Kenward and Roger's F test.

    Parameters
    ----------
    full
        The larger model.
    restricted
        The smaller model; or a change of formula (``". ~ . - Days"``), the name of the term that
        goes, or a restriction matrix with one column a fixed effect.

    Returns
    -------
    ModelComparison
        The scaled test, and the unscaled one.

    Raises
    ------
    OptionError
        The restriction cannot be read.
    RError
        The models are not nested, or have the same fixed effects.

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
    session().require("pbkrtest")
    return _compare("kr_modcomp", "Kenward-Roger", full, restricted)


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
        The models are not nested, or have the same fixed effects.

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
    session().require("pbkrtest")
    return _compare("sat_modcomp", "Satterthwaite", full, restricted)


def _compare(
    operation: str, method: str, full: LinearMixedModel, restricted: Restriction
) -> tests.ModelComparison:
    if not isinstance(full, LinearMixedModel):
        raise OptionError(f"the full model must be a fitted model, not {type(full).__name__}")
    outcome = session().call(
        operation, model=full._model, restricted=_restriction(full, restricted)
    )
    notices.raise_warnings(outcome)
    return notices.with_conditions(decode_tests.model_comparison(outcome.value, method), outcome)
