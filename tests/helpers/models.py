"""Data and models of all kinds, as ``reference/models.R`` fits them under the same names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

import pymer_bridge as pb
from pymer_bridge.errors import (
    ConvergenceWarning,
    RankDeficientWarning,
    RMessage,
    RWarning,
    SingularFitWarning,
)

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
        control=pb.lmer_control("nloptwrap", optCtrl={"maxeval": 20}),
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
        # Large enough for a Cholesky factor of dense blocks.
        subset="as.integer(s) <= 700",
        # Near the optimum, and without derivatives: a third of the time.
        start=(0.4254, 0.2888),
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
