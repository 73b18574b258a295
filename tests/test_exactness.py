"""Each figure of each accessor of a fitted mixed model is plain R's, to the last bit.

Plain R is asked twice: inside this process, and in an ``Rscript`` of its own (``live.py``). The
calls that it fits are in ``reference/models.R``, under the same names and in the same order.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest
from live import Figures, SameProcess, SeparateProcess, assert_same, numbers, texts, write_frame

import pymer_bridge as pb
from pymer_bridge.errors import (
    ConvergenceWarning,
    RankDeficientWarning,
    RError,
    RMessage,
    RWarning,
    SingularFitWarning,
)

pytestmark = [pytest.mark.r("lmerTest"), pytest.mark.slow]

# -- data ----------------------------------------------------------------------------------------


def _trial(rng: np.random.Generator) -> pd.DataFrame:
    """Return a trial with a predictor of every kind, on an index that says nothing of order."""
    n = 240
    g = np.repeat([f"g{i:02d}" for i in range(20)], 12)
    data = pd.DataFrame(
        {
            "y": rng.normal(10.0, 1.0, n) + np.repeat(rng.normal(0.0, 1.5, 20), 12),
            "x": rng.normal(size=n),
            "f": pd.Categorical(
                rng.choice(["low", "mid", "top"], n), categories=["mid", "top", "low"]
            ),
            "dose": pd.Categorical(
                rng.choice(["none", "half", "full"], n),
                categories=["none", "half", "full"],
                ordered=True,
            ),
            "treated": rng.random(n) < 0.4,
            # R orders the levels by the locale's rules: capitals and accents are the test.
            "site": rng.choice(["berg", "Aue", "ähre", "Élan", "zoo"], n),
            "w": rng.uniform(0.5, 3.0, n),
            "z": rng.normal(0.0, 0.5, n),
            "g": g,
        },
        index=rng.permutation([f"row {i}" for i in range(n)]),
    )
    data["y"] += data["x"] * np.repeat(rng.normal(0.8, 0.6, 20), 12)
    data["y"] += data["treated"] * np.repeat(rng.normal(1.0, 2.0, 20), 12)
    data["z"] += np.repeat(rng.normal(size=20), 12)
    data["twice"] = 2.0 * data["x"]
    data["id"] = [f"row {i}" for i in range(n)]
    return data


def _gaps(trial: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return the trial with values missing in every kind of column."""
    data = trial[["y", "x", "f", "w", "z", "g"]].copy()
    data["h"] = data["g"].astype(object)
    for name, share in (("y", 0.08), ("x", 0.05), ("f", 0.04), ("w", 0.06), ("h", 0.03)):
        data.loc[rng.random(len(data)) < share, name] = None
    return data


def _pupils(rng: np.random.Generator) -> pd.DataFrame:
    """Return pupils in classes in schools in districts; names repeat between districts."""
    places = [(d, s, c) for d in range(12) for s in range(4) for c in range(2)]
    rows = [place for place in places for _ in range(6)]
    effects = {key: rng.normal() for place in places for key in (place, place[:2], place[:1])}
    slopes = rng.normal(2.0, 1.0, 12)
    age = rng.integers(6, 16, len(rows))
    score = [
        50.0
        + slopes[r[0]] * (a - 10)
        + 4.0 * effects[r]
        + 3.0 * effects[r[:2]]
        + 4.0 * effects[r[:1]]
        for r, a in zip(rows, age, strict=True)
    ]
    return pd.DataFrame(
        {
            "score": np.array(score) + rng.normal(0.0, 5.0, len(rows)),
            "age": age,
            "district": pd.Categorical([f"district {d}" for d, _, _ in rows]),
            "school": pd.Categorical([f"school {s}" for _, s, _ in rows]),
            "class": pd.Categorical(["ab"[c] for _, _, c in rows]),
        }
    )


def _odd(trial: pd.DataFrame) -> pd.DataFrame:
    """Return columns whose names R wants in backticks."""
    names = {"y": "my answer", "x": "größe", "f": "class", "z": "a-b", "g": "if"}
    return trial[list(names)].rename(columns=names)


def _vectors(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return vectors that stand beside the data."""
    return pd.DataFrame(
        {
            "weights": rng.uniform(0.2, 5.0, n),
            "offset": rng.normal(size=n),
            "subset": rng.random(n) < 0.8,
        }
    )


def _clinic(rng: np.random.Generator) -> pd.DataFrame:
    """Return patients in wards, with a response for each family."""
    n = 200
    ward = np.repeat([f"w{i:02d}" for i in range(20)], 10)
    shift = np.repeat(rng.normal(0.0, 0.7, 20), 10)
    x = rng.normal(size=n)
    eta = 0.3 + 0.5 * x + shift
    trials = rng.integers(3, 12, n)
    chance = 1.0 / (1.0 + np.exp(-eta))
    successes = rng.binomial(trials, chance)
    data = pd.DataFrame(
        {
            "x": x,
            "twice": 2.0 * x,
            "f": pd.Categorical(rng.choice(["a", "b", "c"], n)),
            "ward": ward,
            "event": rng.random(n) < chance,
            "answer": pd.Categorical(np.where(rng.random(n) < chance, "yes", "no")),
            "successes": successes,
            "failures": trials - successes,
            "trials": trials,
            "share": successes / trials,
            "count": rng.poisson(np.exp(eta)),
            "spread": rng.negative_binomial(1.5, 1.5 / (1.5 + np.exp(eta + 1.0))),
            "amount": rng.gamma(4.0, np.exp(eta) / 4.0),
            "time": rng.wald(np.exp(0.2 * eta), 8.0),
            "days": rng.uniform(1.0, 9.0, n),
            "never": np.zeros(n),
        },
        index=rng.permutation(np.arange(1000, 1000 + n)),
    )
    data["gap"] = data["count"].astype(float).where(rng.random(n) > 0.07)
    data["apart"] = data["f"] == "b"
    return data


def _simulated() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(20)
    trial = _trial(rng)
    pupils = _pupils(rng)
    return {
        "trial": trial,
        "gaps": _gaps(trial, rng),
        "pupils": pupils,
        "small": pupils.loc[pupils["school"] == "school 0", ["score", "age", "district", "class"]],
        "odd": _odd(trial),
        "vectors": _vectors(len(trial), rng),
        "clinic": _clinic(rng),
    }


SIMULATED = _simulated()
VECTORS = SIMULATED["vectors"]
PACKAGES = {"oats": "MASS", "Orthodont": "nlme", "Orange": "datasets"}
"""Where data sets are that lme4 does not carry."""


def data_set(name: str) -> pd.DataFrame:
    """Return a data set by the name that R's call shows."""
    if name in SIMULATED:
        return SIMULATED[name]
    return pb.load_dataset(name, package=PACKAGES.get(name, "lme4"))


# -- models --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A call of ``lmer``, and the classes of the warnings that it and its accessors raise."""

    name: str
    formula: str
    data: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    warns: frozenset[type[Warning]] = frozenset()
    later: Mapping[str, set[type[Warning]]] = field(default_factory=dict)
    """By family of figures."""
    fitter: str = "lmer"
    lmertest: bool = True

    def fit(self) -> Any:
        fit = getattr(pb, self.fitter)
        return fit(self.formula, data_set(self.data), data_name=self.data, **self.arguments)


def case(
    name: str,
    formula: str,
    data: str,
    *,
    warns: Iterable[type[Warning]] = (),
    later: Mapping[str, set[type[Warning]]] | None = None,
    lmertest: bool = True,
    **arguments: Any,
) -> Case:
    """Make a case, with the arguments of ``lmer`` as they are."""
    return Case(name, formula, data, arguments, frozenset(warns), later or {}, lmertest=lmertest)


def other(
    fitter: str,
    name: str,
    formula: str,
    data: str,
    *,
    warns: Iterable[type[Warning]] = (),
    later: Mapping[str, set[type[Warning]]] | None = None,
    **arguments: Any,
) -> Case:
    """Make a case of another function than ``lmer``, for whose fits lmerTest has nothing."""
    return Case(name, formula, data, arguments, frozenset(warns), later or {}, fitter, False)


SLOPES = "Reaction ~ Days + (Days | Subject)"
MATRIX = np.array([[-0.5, 0.0], [0.25, -0.5], [0.25, 0.5]])

MANY_TERMS = {"summary_none": {RMessage}, "summary_satterthwaite": {RMessage}}
"""R says that it prints no correlation matrix of more than 12 terms."""
ACCENTS = {"summary_none": {RWarning}, "summary_satterthwaite": {RWarning}}
"""R warns that it abbreviates a name with accents."""

CASES = (
    case("random_intercept", "Yield ~ 1 + (1 | Batch)", "Dyestuff"),
    case("maximum_likelihood", "Yield ~ 1 + (1 | Batch)", "Dyestuff", reml=False),
    case("singular", "Yield ~ 1 + (1 | Batch)", "Dyestuff2", warns={SingularFitWarning}),
    case("slopes", SLOPES, "sleepstudy"),
    case("slopes_ml", SLOPES, "sleepstudy", reml=False),
    case("uncorrelated_slopes", "Reaction ~ Days + (Days || Subject)", "sleepstudy"),
    case("crossed", "diameter ~ 1 + (1 | plate) + (1 | sample)", "Penicillin"),
    case("nested", "strength ~ 1 + (1 | batch / cask)", "Pastes"),
    case(
        "three_levels",
        "score ~ I(age - 10) + (I(age - 10) | district) + (1 | district:school)",
        "pupils",
    ),
    case("three_levels_slash", "score ~ age + (1 | district / school / class)", "pupils"),
    case(
        "split_plot",
        "angle ~ recipe * temperature + (1 | recipe:replicate)",
        "cake",
        later=MANY_TERMS,
    ),
    case("factorial", "Y ~ N * V + (1 | B / V)", "oats"),
    case("grouped_data", "distance ~ age * Sex + (age | Subject)", "Orthodont"),
    case(
        "transformed",
        "log1p(total.fruits) ~ factor(nutrient) * amd + status + (1 | popu) + (amd | gen)",
        "Arabidopsis",
        warns={SingularFitWarning},
    ),
    case("treatment", "y ~ f * x + (1 | g)", "trial", contrasts={"f": "contr.treatment"}),
    case("sum", "y ~ f * x + (1 | g)", "trial", contrasts={"f": "contr.sum"}),
    case("helmert", "y ~ f * x + (1 | g)", "trial", contrasts={"f": "contr.helmert"}),
    case("polynomial_contrasts", "y ~ f * x + (1 | g)", "trial", contrasts={"f": "contr.poly"}),
    case(
        "sas",
        "y ~ f * dose + (1 | g)",
        "trial",
        contrasts={"f": "contr.SAS", "dose": "contr.treatment"},
    ),
    case(
        "contrast_matrix",
        "y ~ f + (1 | g)",
        "trial",
        contrasts={"f": pd.DataFrame(MATRIX, columns=["first", "rest"])},
    ),
    case("ordered_factor", "y ~ dose + I(x^2) + (1 | g)", "trial"),
    case("poly", "Reaction ~ poly(Days, 2) + (1 | Subject)", "sleepstudy"),
    case("spline", "Reaction ~ ns(Days, df = 3) + (Days | Subject)", "sleepstudy"),
    case("logical_and_character", "y ~ treated * site + (1 + treated | g)", "trial", later=ACCENTS),
    case("no_intercept", "y ~ 0 + f + x:f + (0 + x | g)", "trial"),
    case("weights_column", "y ~ x + (1 | g)", "trial", weights="w"),
    case("weights_vector", "y ~ x + (1 | g)", "trial", weights=VECTORS["weights"].to_numpy()),
    case("weights_expression", "y ~ x + (1 | g)", "trial", weights="1 / w^2"),
    case("offset_column", "y ~ x + (1 | g)", "trial", offset="z"),
    case(
        "offset_vector",
        "y ~ x + offset(2 * z) + (1 | g)",
        "trial",
        offset=VECTORS["offset"].to_numpy(),
    ),
    case("subset_expression", "y ~ x + f + (1 | g)", "trial", subset='x > -0.5 & f != "low"'),
    case("subset_vector", "y ~ x + f + (1 | g)", "trial", subset=VECTORS["subset"].to_numpy()),
    case("missing_omit", "y ~ x + f + (x | g)", "gaps"),
    case("missing_group", "y ~ x + (1 | h)", "gaps"),
    case("missing_exclude", "y ~ x + f + (x | g)", "gaps", na_action="exclude"),
    case(
        "missing_weights", "y ~ x + (1 | g)", "gaps", weights="w", offset="z", na_action="exclude"
    ),
    case("missing_subset", "y ~ x + (1 | g)", "gaps", subset="z > -1"),
    case("missing_in_subset", "y ~ x + (1 | g)", "gaps", subset='f != "low"', na_action="exclude"),
    case(
        "missing_subset_exclude",
        "y ~ x + (1 | g)",
        "gaps",
        subset=VECTORS["subset"].to_numpy(),
        na_action="exclude",
    ),
    case("missing_pass", "z ~ 1 + (1 | g)", "gaps", na_action="pass"),
    case(
        "not_converged",
        SLOPES,
        "sleepstudy",
        control=pb.lmer_control("bobyqa", optCtrl={"maxfun": 5}),
        warns={RWarning, ConvergenceWarning},
        later={"fixed_satterthwaite": {ConvergenceWarning}},
    ),
    case(
        "stopped_early",
        SLOPES,
        "sleepstudy",
        control=pb.lmer_control(optCtrl={"maxeval": 20}),
        warns={ConvergenceWarning},
    ),
    case("rank_deficient", "y ~ x + twice + f + (1 | g)", "trial", warns={RankDeficientWarning}),
    case("odd_names", "`my answer` ~ `größe` * class + `a-b` + (1 | `if`)", "odd", later=ACCENTS),
    case("dot", "score ~ . - district + (1 | district)", "small"),
    case("start", SLOPES, "sleepstudy", start=(1.0, 0.125, 0.25)),
    case(
        "control",
        SLOPES,
        "sleepstudy",
        reml=False,
        control=pb.lmer_control(
            "Nelder_Mead",
            check_conv_singular={"action": "ignore", "tol": 1e-4},
            check_conv_grad={"action": "warning", "tol": 0.01, "relTol": None},
            optCtrl={"maxfun": 20000},
        ),
    ),
    case("many_terms", "y ~ f * dose * treated + site + (1 | g)", "trial", later=MANY_TERMS),
    case(
        "large",
        "y ~ service + (1 | s) + (1 | d)",
        "InstEval",
        # Near the optimum, and without derivatives: a third of the time.
        start=(0.276, 0.4425),
        control=pb.lmer_control(calc_derivs=False),
        lmertest=False,
    ),
)

TRIALS = "cbind(successes, failures) ~ x + f + (1 | ward)"
GROWTH = "circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree"
SHOWING_ERRORS = ("fixed_none", "fixed_normal", "matrices", "summary_none")
HESSIAN = {family: {ConvergenceWarning} for family in SHOWING_ERRORS}
"""R warns at each reading that the covariance is not from the Hessian."""

QUIET = pb.glmer_control(check_conv_grad="ignore")
"""For models with which the check is content in one version of lme4 and not in another."""

CASES += (
    other(
        "glmer",
        "binomial",
        "cbind(incidence, size - incidence) ~ period + (1 | herd)",
        "cbpp",
        family="binomial",
    ),
    other("glmer", "binomial_trials", TRIALS, "clinic", family="binomial"),
    other("glmer", "binomial_logical", "event ~ x + (1 | ward)", "clinic", family="binomial"),
    other("glmer", "binomial_factor", "answer ~ x + (1 | ward)", "clinic", family="binomial"),
    other(
        "glmer",
        "binomial_share",
        "share ~ x + (x | ward)",
        "clinic",
        family="binomial",
        weights="trials",
    ),
    other("glmer", "probit", TRIALS, "clinic", family="binomial", link="probit"),
    other("glmer", "cloglog", TRIALS, "clinic", family="binomial", link="cloglog", control=QUIET),
    other("glmer", "quadrature", TRIALS, "clinic", family="binomial", n_agq=9),
    other(
        "glmer",
        "crossed_binomial",
        "r2 ~ btype + situ + (1 | id) + (1 | item)",
        "VerbAgg",
        family="binomial",
        n_agq=0,
    ),
    other(
        "glmer",
        "poisson",
        "TICKS ~ YEAR + (1 | BROOD) + (1 | LOCATION)",
        "grouseticks",
        family="poisson",
    ),
    other(
        "glmer",
        "poisson_offset",
        "count ~ x + offset(log(days)) + (1 | ward)",
        "clinic",
        family="poisson",
        contrasts=None,
    ),
    other(
        "glmer",
        "poisson_missing",
        "gap ~ x * f + (1 | ward)",
        "clinic",
        family="poisson",
        contrasts={"f": "contr.sum"},
        na_action="exclude",
        control=pb.glmer_control(("bobyqa", "Nelder_Mead"), tolPwrss=1e-8),
    ),
    other(
        "glmer",
        "poisson_start",
        "count ~ x + (1 | ward)",
        "clinic",
        family="poisson",
        start={"theta": [0.5], "fixef": [0.1, 0.2]},
    ),
    other(
        "glmer", "poisson_sqrt", "count ~ f + (1 | ward)", "clinic", family="poisson", link="sqrt"
    ),
    other("glmer", "gamma", "amount ~ x + (1 | ward)", "clinic", family="Gamma", link="log"),
    other(
        "glmer",
        "inverse_gaussian",
        "time ~ x + (1 | ward)",
        "clinic",
        family="inverse.gaussian",
        link="log",
        control=QUIET,
    ),
    other(
        "glmer", "gaussian_log", "amount ~ x + (1 | ward)", "clinic", family="gaussian", link="log"
    ),
    other(
        "glmer",
        "negative_binomial",
        "spread ~ x + (1 | ward)",
        "clinic",
        family=pb.negative_binomial(1.5),
    ),
    other(
        "glmer_nb",
        "negative_binomial_size",
        "spread ~ x + (1 | ward)",
        "clinic",
        warns={ConvergenceWarning},
    ),
    other(
        "glmer",
        "binomial_rank_deficient",
        "event ~ x + twice + (1 | ward)",
        "clinic",
        family="binomial",
        warns={RankDeficientWarning},
    ),
    other(
        "glmer",
        "separated",
        "apart ~ f + (1 | ward)",
        "clinic",
        family="binomial",
        warns={ConvergenceWarning},
        later=HESSIAN,
    ),
    other(
        "nlmer",
        "nonlinear",
        GROWTH,
        "Orange",
        start={"Asym": 200, "xmid": 725, "scal": 350},
        later=HESSIAN,
    ),
)

FAILURES = (
    case("missing_fail", "y ~ x + f + (x | g)", "gaps", na_action="fail"),
    case("missing_pass_response", "y ~ f + (1 | g)", "gaps", na_action="pass"),
    case("missing_pass_predictor", "z ~ x + (1 | g)", "gaps", na_action="pass"),
    case("no_grouping", "y ~ x", "trial"),
    case("a_level_a_row", "y ~ x + (1 | id)", "trial"),
    case("not_identifiable", "y ~ x + (f * dose * treated | g)", "trial"),
    other("glmer", "constant_response", "never ~ x + (1 | ward)", "clinic", family="poisson"),
    other("glmer", "negative_counts", "x ~ f + (1 | ward)", "clinic", family="poisson"),
)

# -- figures -------------------------------------------------------------------------------------
# What an accessor gives, under the names and keys of reference/figures.R.


def _position(labels: Any, made: Made) -> list[int]:
    """Return the rows, counted from 1, that labels of the data's index stand for."""
    return [int(i) + 1 for i in data_set(made.case.data).index.get_indexer(pd.Index(labels))]


def _fixed_effects(fit: pb.LinearMixedModel, ddf: Any) -> Figures:
    at_95, at_80 = fit.fixed_effects(ddf=ddf), fit.fixed_effects(ddf=ddf, conf_level=0.8)
    terms = [row.term for row in at_95]
    names = ("estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high")
    figures = {name: numbers([getattr(row, name) for row in at_95], terms) for name in names}
    for name in ("conf_low", "conf_high"):
        figures[f"{name}_80"] = numbers([getattr(row, name) for row in at_80], terms)
    return figures


def _variance_components(fit: pb.LinearMixedModel) -> Figures:
    components = fit.variance_components
    singles = [(row.group, row.term or "") for row in components]
    pairs = [(pair.group, pair.term1, pair.term2) for pair in components.correlations]
    return {
        "variance": numbers([row.variance for row in components], singles),
        "std_dev": numbers([row.std_dev for row in components], singles),
        "covariance": numbers([pair.covariance for pair in components.correlations], pairs),
        "correlation": numbers([pair.correlation for pair in components.correlations], pairs),
    }


def _random_effects(fit: pb.LinearMixedModel) -> Figures:
    tables = fit.random_effects.groups
    singles = [(t.group, level, term) for t in tables for term in t.terms for level in t.levels]
    pairs = [
        (t.group, level, one, two)
        for t in tables
        for two in t.terms
        for one in t.terms
        for level in t.levels
    ]
    return {
        "estimate": numbers(_flat(t.estimate for t in tables), singles),
        "std_error": numbers(_flat(t.std_error for t in tables), singles),
        "covariance": numbers(_flat(t.covariance for t in tables), pairs),
    }


def _flat(arrays: Iterator[Any]) -> Any:
    """Return arrays end to end, each with its first axis changing fastest."""
    return np.concatenate([np.ravel(array, order="F") for array in arrays])


def _group_coefficients(fit: pb.LinearMixedModel) -> Figures:
    tables = fit.group_coefficients.groups
    keys = [(t.group, level, term) for t in tables for term in t.terms for level in t.levels]
    return {"estimate": numbers(_flat(t.estimate for t in tables), keys)}


def _over_rows(made: Made) -> Figures:
    fit = made.fit
    kinds = ("response", "pearson", "deviance", "working")
    columns = {"fitted": fit.fitted}
    columns |= {kind: fit.residuals(kind) for kind in kinds}
    columns |= {f"{kind}_scaled": fit.residuals(kind, scaled=True) for kind in kinds}
    return {
        name: numbers(column.to_numpy(), _position(column.index, made))
        for name, column in columns.items()
    }


def _fit_statistics(fit: pb.LinearMixedModel) -> Figures:
    names = (
        "reml_criterion", "log_likelihood", "deviance", "aic", "bic", "df", "df_residual", "n_obs",
    )  # fmt: skip
    return {"values": numbers([getattr(fit.fit_statistics, name) for name in names], names)}


def _matrices(fit: pb.LinearMixedModel) -> Figures:
    vcov, design = fit.vcov, fit.model_matrix
    assert vcov.row_names is not None
    entries = [(row, column) for column in vcov.names for row in vcov.row_names]
    cells = [(row + 1, column) for column in design.names for row in range(len(design.values))]
    shares = ("0%", "25%", "50%", "75%", "100%")
    return {
        "vcov": numbers(vcov.values.ravel(order="F"), entries),
        "model_matrix": numbers(design.values.ravel(order="F"), cells),
        "scaled_residual_quantiles": numbers(fit.scaled_residual_quantiles, shares),
    }


def _convergence(fit: pb.LinearMixedModel) -> Figures:
    facts = fit.convergence
    names = ("converged", "singular", "code", "evaluations")
    texts_of = ("optimizer", "optimizer_message")
    return {
        "values": numbers([getattr(facts, name) for name in names], names),
        "theta": numbers(facts.theta, facts.theta_names),
        "gradient": numbers(facts.gradient),
        "messages": texts(facts.messages),
        "warnings": texts(facts.warnings),
        "optimizer": texts([getattr(facts, name) for name in texts_of], texts_of),
    }


def _facts(made: Made) -> Figures:
    fit = made.fit
    names = ("n_obs", "sigma", "reml", "singular")
    return {
        "values": numbers([getattr(fit, name) for name in names], names),
        "n_groups": numbers(fit.n_groups.values(), fit.n_groups.keys()),
        "formula": texts([fit.formula]),
        "dropped_rows": numbers(_position(fit.dropped_rows, made) if fit.dropped_rows else ()),
        "dropped_columns": texts(fit.dropped_columns),
    }


def _conditions(fit: pb.LinearMixedModel) -> Figures:
    return {"warnings": texts(fit.warnings), "messages": texts(fit.messages)}


def _summary(fit: Any, ddf: Any) -> Figures:
    summary = fit.summary(ddf=ddf) if isinstance(fit, pb.LinearMixedModel) else fit.summary()
    assert str(summary) == summary.text
    return {"lines": texts(summary.text.split("\n"))}


FAMILIES: Mapping[str, Callable[[Made], Figures]] = {
    "fixed_none": lambda made: _fixed_effects(made.fit, "none"),
    "fixed_normal": lambda made: _fixed_effects(made.fit, "normal"),
    "variance_components": lambda made: _variance_components(made.fit),
    "random_effects": lambda made: _random_effects(made.fit),
    "group_coefficients": lambda made: _group_coefficients(made.fit),
    "over_rows": _over_rows,
    "fit_statistics": lambda made: _fit_statistics(made.fit),
    "matrices": lambda made: _matrices(made.fit),
    "convergence": lambda made: _convergence(made.fit),
    "facts": _facts,
    "conditions": lambda made: _conditions(made.fit),
    "summary_none": lambda made: _summary(made.fit, "none"),
    "fixed_satterthwaite": lambda made: _fixed_effects(made.fit, "satterthwaite"),
    "summary_satterthwaite": lambda made: _summary(made.fit, "satterthwaite"),
}
LMERTEST = ("fixed_satterthwaite", "summary_satterthwaite")
SPEAKING = ("summary_none", *LMERTEST)
"""Families for which R may warn or say more than it did at the fit."""

# -- what is kept between tests ------------------------------------------------------------------


class Made:
    """A fit of ours, its figures once they are asked for, and the warnings on the way."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.warned: dict[str, list[warnings.WarningMessage]] = {}
        self.fit = self._noting("fit", case.fit)
        self._figures: dict[str, Figures] = {}

    def _noting(self, step: str, make: Callable[[], Any]) -> Any:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = make()
        self.warned[step] = caught
        return result

    def figures(self, family: str) -> Figures:
        """Return the figures of a family, with what was said while they were made."""
        if family == "summary_satterthwaite":
            self.figures("fixed_satterthwaite")  # lmerTest speaks once, at the first of the two
        if family not in self._figures:
            made = self._noting(family, lambda: FAMILIES[family](self))
            if family in SPEAKING:
                made["conditions"] = texts([str(each.message) for each in self.warned[family]])
            self._figures[family] = made
        return self._figures[family]

    def warning_classes(self) -> dict[str, set[type[Warning]]]:
        """Return the classes of the warnings, by family, where there were any."""
        return {
            step: {each.category for each in caught}
            for step, caught in self.warned.items()
            if caught
        }


@dataclass
class Live:
    """Plain R, twice, and our fits."""

    same_process: SameProcess
    separate_process: SeparateProcess
    made: dict[str, Made] = field(default_factory=dict)

    def ours(self, case: Case) -> Made:
        if case.name not in self.made:
            self.made[case.name] = Made(case)
        return self.made[case.name]

    def theirs(self, where: str, model: str, *, fails: bool = False) -> Figures:
        if where == "same_process":
            return self.same_process.figures(model, fails=fails)
        return self.separate_process.figures(model)


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    data = tmp_path_factory.mktemp("data")
    for name, frame in SIMULATED.items():
        write_frame(frame, data / name)
    same = SameProcess(data)
    separate = SeparateProcess(data, tmp_path_factory.mktemp("answers"), same.state())
    yield Live(same, separate)
    separate.close()


def _comparisons() -> Iterator[Any]:
    """Give every place, model and family; the separate process last, for it needs its time."""
    for where in ("same_process", "separate_process"):
        for each in CASES:
            for family in FAMILIES:
                if each.lmertest or family not in LMERTEST:
                    name = f"{where}-{each.name}-{family}"
                    yield pytest.param(where, each, family, id=name)


# -- tests ---------------------------------------------------------------------------------------


def test_plain_r_knows_nothing_of_our_r_files(live: Live) -> None:
    assert live.same_process.sees("models")
    for name in ("run_operation", "frame_from_parts", "model_environment", "toolbox"):
        assert not live.same_process.sees(name)


def test_r_and_python_define_the_same_models(live: Live) -> None:
    assert live.same_process.names("models") == tuple(each.name for each in CASES)
    assert live.same_process.names("failures") == tuple(each.name for each in FAILURES)


@pytest.mark.parametrize(("where", "model", "family"), list(_comparisons()))
def test_figures_are_those_of_plain_r(where: str, model: Case, family: str, live: Live) -> None:
    made = live.ours(model)
    prefix = f"{family}."
    theirs = {
        name.removeprefix(prefix): figure
        for name, figure in live.theirs(where, model.name).items()
        if name.startswith(prefix)
    }
    assert theirs
    assert_same(made.figures(family), theirs)


@pytest.mark.parametrize("model", CASES, ids=lambda model: model.name)
def test_every_figure_of_plain_r_is_compared(model: Case, live: Live) -> None:
    families = [f for f in FAMILIES if model.lmertest or f not in LMERTEST]
    for where in ("same_process", "separate_process"):
        names = live.theirs(where, model.name)
        assert {name.partition(".")[0] for name in names} == set(families)


@pytest.mark.parametrize("model", CASES, ids=lambda model: model.name)
def test_warnings_are_of_the_expected_classes(model: Case, live: Live) -> None:
    made = live.ours(model)
    for family in FAMILIES:
        if model.lmertest or family not in LMERTEST:
            made.figures(family)
    found = made.warning_classes()
    assert found.pop("fit", set()) == model.warns
    assert found == dict(model.later)


@pytest.mark.parametrize("where", ["same_process", "separate_process"])
@pytest.mark.parametrize("model", FAILURES, ids=lambda model: model.name)
def test_errors_are_those_of_plain_r(where: str, model: Case, live: Live) -> None:
    with pytest.raises(RError) as caught:
        model.fit()
    ours = {"error": texts((caught.value.message, *caught.value.condition_class))}
    assert_same(ours, live.theirs(where, model.name, fails=True))
