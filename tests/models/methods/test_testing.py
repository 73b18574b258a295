"""Each figure of each test, interval and marginal mean is plain R's, to the last bit.

Plain R is asked in an ``Rscript`` of its own (``live.py``). What it is asked is in
``reference/inference.R``, under the same names and in the same order.
"""

from __future__ import annotations

import dataclasses
import json
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.live import (
    Figure,
    Figures,
    SameProcess,
    SeparateProcess,
    assert_same,
    numbers,
    texts,
    write_frame,
)
from helpers.refusal import once
from pymer_bridge.errors import (
    DataConversionError,
    FormulaError,
    OptionError,
    REnvironmentError,
    RError,
    RMessage,
    RWarning,
    SingularFitWarning,
)
from pymer_bridge.models.marginal_means import MarginalMeans
from pymer_bridge.results import icc_r2, intervals, means, tests
from pymer_bridge.results.base import Result, Rows
from pymer_bridge.results.fixed_effects import FixedEffects
from pymer_bridge.results.summary import ModelSummary
from pymer_bridge.session.r_session import session

pytestmark = [
    pytest.mark.r("lmerTest", "pbkrtest", "emmeans"),
    pytest.mark.slow,
    # R's conditions are compared as data.
    pytest.mark.filterwarnings("ignore::pymer_bridge.errors.PymerWarning"),
]

REFIT_DEFECT = "fixed in lme4 1.1-33"
"""In our own warning of R's defect, which plain R does not give."""

# -- designs -------------------------------------------------------------------------------------


def threeway() -> pd.DataFrame:
    """Return an unbalanced three-way layout of 800 rows, 12 cells and 60 groups."""
    rng, n = np.random.default_rng(20240607), 800
    g = rng.integers(0, 60, n)
    a = rng.choice(["a1", "a2"], n, p=[0.3, 0.7])
    b = rng.choice(["b1", "b2"], n, p=[0.4, 0.6])
    c = rng.choice(["c1", "c2", "c3"], n, p=[0.2, 0.3, 0.5])
    y = rng.normal(size=n) + rng.normal(0.0, 0.7, 60)[g]
    y += 0.4 * (a == "a2") + 0.2 * ((b == "b2") & (c == "c3"))
    groups = pd.Categorical([f"g{i:02d}" for i in g])
    factors = {name: pd.Categorical(values) for name, values in (("a", a), ("b", b), ("c", c))}
    return pd.DataFrame({"y": y, **factors, "g": groups})


def flat() -> pd.DataFrame:
    """Return groups that are more alike than chance allows: their variance is estimated as 0."""
    x = np.random.default_rng(5).normal(size=48)
    y = np.tile(np.linspace(-2.0, 2.0, 6), 8) + 0.3 * x
    g = pd.Categorical(np.repeat([f"g{i}" for i in range(8)], 6))
    return pd.DataFrame({"y": y, "x": x, "g": g})


SIMULATED = {"threeway": threeway, "flat": flat}
PACKAGES = {
    "sleepstudy": "lme4", "cake": "lme4", "Penicillin": "lme4", "carrots": "lmerTest",
    "ham": "lmerTest", "TVbo": "lmerTest", "beets": "pbkrtest", "oats": "MASS",
}  # fmt: skip


def data_set(name: str) -> pd.DataFrame:
    """Return a data set that goes by its name in R's calls."""
    if name not in SIMULATED:
        return pb.load_dataset(name, PACKAGES[name])
    frame = SIMULATED[name]()
    frame.attrs["name"] = name
    return frame


@dataclass(frozen=True)
class Design:
    """A full model, one without a term, and one with nearly nothing."""

    data: str
    full: str
    reduced: str = ""
    smallest: str = ""
    dropped: str = ""
    reml: bool = True


DESIGNS = {
    "sleepstudy": Design(
        "sleepstudy",
        "Reaction ~ Days + (Days | Subject)",
        "Reaction ~ 1 + (Days | Subject)",
        "Reaction ~ 1 + (1 | Subject)",
        "Days",
    ),
    "cake": Design(
        "cake",
        "angle ~ recipe * temperature + (1 | recipe:replicate)",
        "angle ~ recipe + temperature + (1 | recipe:replicate)",
        "angle ~ 1 + (1 | recipe:replicate)",
        "recipe:temperature",
    ),
    "penicillin": Design(
        "Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", "diameter ~ 1 + (1 | sample)"
    ),
    "carrots": Design(
        "carrots",
        "Preference ~ sens2 * Homesize + (1 + sens2 | Consumer)",
        "Preference ~ sens2 + Homesize + (1 + sens2 | Consumer)",
        "Preference ~ 1 + (1 + sens2 | Consumer)",
        "sens2:Homesize",
    ),
    "ham": Design(
        "ham",
        "Informed.liking ~ Product * Information + Gender * Age + (1 | Consumer)"
        " + (1 | Product:Consumer)",
        "Informed.liking ~ Product + Information + Gender * Age + (1 | Consumer)"
        " + (1 | Product:Consumer)",
        "Informed.liking ~ 1 + (1 | Consumer) + (1 | Product:Consumer)",
        "Product:Information",
    ),
    "TVbo": Design(
        "TVbo",
        "Coloursaturation ~ TVset * Picture + (1 | Assessor) + (1 | Assessor:TVset)",
        "Coloursaturation ~ TVset + Picture + (1 | Assessor) + (1 | Assessor:TVset)",
        "Coloursaturation ~ 1 + (1 | Assessor) + (1 | Assessor:TVset)",
        "TVset:Picture",
    ),
    "beets": Design(
        "beets",
        "sugpct ~ block + sow + harvest + (1 | block:harvest)",
        "sugpct ~ block + harvest + (1 | block:harvest)",
        "sugpct ~ block + (1 | block:harvest)",
        "sow",
    ),
    "threeway": Design(
        "threeway",
        "y ~ a * b * c + (1 | g)",
        "y ~ a * b + a * c + b * c + (1 | g)",
        "y ~ a + (1 | g)",
        "a:b:c",
    ),
    "maximum_likelihood": Design(
        "sleepstudy",
        "Reaction ~ Days + (Days | Subject)",
        "Reaction ~ 1 + (Days | Subject)",
        "Reaction ~ 1 + (1 | Subject)",
        "Days",
        reml=False,
    ),
    "logarithm": Design("oats", "log(Y) ~ N + V + (1 | B)"),
    "singular": Design("flat", "y ~ x + (1 | g)", "y ~ 1 + (1 | g)"),
}


class Made:
    """The models of a design, each fitted when it is first asked for."""

    def __init__(self, design: Design) -> None:
        self.design = design
        self._data = data_set(design.data)
        self._means: dict[tuple[str, str], MarginalMeans] = {}

    def _fit(self, formula: str) -> pb.LinearMixedModel:
        return pb.lmer(formula, self._data, reml=self.design.reml)

    @cached_property
    def full(self) -> pb.LinearMixedModel:
        return self._fit(self.design.full)

    @cached_property
    def reduced(self) -> pb.LinearMixedModel:
        return self._fit(self.design.reduced)

    @cached_property
    def smallest(self) -> pb.LinearMixedModel:
        return self._fit(self.design.smallest)

    @cached_property
    def terms(self) -> tuple[str, ...]:
        return tuple(row.term for row in self.full.fixed_effects("none"))

    def means(self, specs: str, kind: Any) -> MarginalMeans:
        """Return marginal means, computed once for all that is made of them."""
        key = specs, kind
        if key not in self._means:
            self._means[key] = self.full.emmeans(specs, type=kind)
        return self._means[key]

    @property
    def last(self) -> list[list[float]]:
        """Return the weights that pick the last fixed effect."""
        return [self._unit(len(self.terms) - 1)]

    @property
    def rest(self) -> dict[str, list[float]]:
        """Return the weights that pick each fixed effect but the first."""
        return {term: self._unit(i) for i, term in enumerate(self.terms) if i > 0}

    def _unit(self, i: int) -> list[float]:
        return [float(j == i) for j in range(len(self.terms))]

    @property
    def steps(self) -> list[float]:
        return [0.1 * i for i in range(1, len(self.terms))]


# -- what is asked -------------------------------------------------------------------------------

Question = Callable[[Made], Any]


def _fixed(ddf: Any) -> Question:
    return lambda m: tuple(m.full.fixed_effects(ddf, level) for level in (0.95, 0.8))


def _summary(ddf: Any) -> Question:
    return lambda m: m.full.summary(ddf)


def _anova(kind: Any, ddf: Any) -> Question:
    return lambda m: m.full.anova(kind, ddf)


def _contest(what: str, **options: Any) -> Question:
    return lambda m: m.full.contest(getattr(m, what), **options)


def _confint(method: Any, **options: Any) -> Question:
    return lambda m: m.full.confint(method, **options)


def _means(specs: Any, **options: Any) -> Question:
    return lambda m: m.full.emmeans(specs, **options)


def _contrast(
    specs: str, method: Any = "pairwise", adjust: Any = None, kind: Any = "link"
) -> Question:
    def ask(m: Made) -> means.MarginalTable:
        session().call("set.seed", seed=1)  # adjust="mvt" draws
        return m.means(specs, kind).contrast(method, adjust)

    return ask


KR: Any = "kenward-roger"
SATTERTHWAITE: Any = "satterthwaite"
SPELLED = {SATTERTHWAITE: "satterthwaite", KR: "kenward_roger"}

TESTS_OF_TERMS: dict[str, Question] = {
    "fixed_none": _fixed("none"),
    "fixed_normal": _fixed("normal"),
    "fixed_satterthwaite": _fixed(SATTERTHWAITE),
    "fixed_kenward_roger": _fixed(KR),
    "summary_none": _summary("none"),
    "summary_satterthwaite": _summary(SATTERTHWAITE),
    "summary_kenward_roger": _summary(KR),
    "anova_none": _anova("III", "none"),
    **{
        f"anova_{kind}_{SPELLED[ddf]}": _anova(kind, ddf)
        for ddf in (SATTERTHWAITE, KR)
        for kind in ("I", "II", "III")
    },
    "drop1_satterthwaite": lambda m: m.full.drop1(),
    "drop1_kenward_roger": lambda m: m.full.drop1(ddf=KR),
    "ranova": lambda m: m.full.ranova(),
    "ranova_whole": lambda m: m.full.ranova(reduce_terms=False),
    "step": lambda m: m.full.step(),
}
CONTRASTS: dict[str, Question] = {
    "contest_last": _contest("last"),
    "contest_last_rhs": _contest("last", rhs=2.5),
    "contest_last_kenward_roger": _contest("last", ddf=KR),
    "contest_joint": _contest("rest"),
    "contest_joint_rhs": lambda m: m.full.contest(m.rest, rhs=m.steps),
    "contest_joint_kenward_roger": _contest("rest", ddf=KR),
    "contest_joint_rhs_kenward_roger": lambda m: m.full.contest(m.rest, rhs=m.steps, ddf=KR),
    "contest_rows": _contest("rest", joint=False),
    "contest_rows_rhs": _contest("rest", rhs=0.5, joint=False, conf_level=0.9),
    "contest_rows_each_rhs": lambda m: m.full.contest(m.rest, rhs=m.steps, joint=False),
    "contest_rows_kenward_roger": _contest("rest", joint=False, ddf=KR),
}
WALD: dict[str, Question] = {
    "labels": lambda m: tuple(row.label for row in m.full.confint("wald")),
    "wald": _confint("wald"),
    "wald_some": lambda m: m.full.confint("wald", m.terms[-1], 0.8),
}
COMPARISONS: dict[str, Question] = {
    "anova_two": lambda m: pb.anova(m.full, m.reduced, names=("plain", "reduced")),
    "anova_three": lambda m: pb.anova(
        m.full, m.reduced, m.smallest, names=("full", "less", "least")
    ),
    "anova_as_fitted": lambda m: pb.anova(
        m.full, m.reduced, refit=False, names=("plain", "reduced")
    ),
    "kr_model": lambda m: pb.kr_modcomp(m.full, m.reduced),
    "kr_term": lambda m: pb.kr_modcomp(m.full, m.design.dropped),
    "kr_formula": lambda m: pb.kr_modcomp(m.full, f". ~ . - {m.design.dropped}"),
    "kr_matrix": lambda m: pb.kr_modcomp(m.full, list(m.rest.values())),
    "sat_model": lambda m: pb.sat_modcomp(m.full, m.reduced),
    "sat_term": lambda m: pb.sat_modcomp(m.full, m.design.dropped),
    "sat_formula": lambda m: pb.sat_modcomp(m.full, f". ~ . - {m.design.dropped}"),
    "sat_matrix": lambda m: pb.sat_modcomp(m.full, np.array(list(m.rest.values()))),
}
STEP: dict[str, Question] = {"step_kenward_roger": lambda m: m.full.step(KR)}
PROFILE_LAST: dict[str, Question] = {
    "profile_last": lambda m: m.full.confint(parameters=[m.terms[-1]])
}
ADJUST = (
    "tukey scheffe sidak dunnettx mvt bonferroni holm hochberg hommel BH BY fdr none".split()
)  # a table
FAMILIES = (
    "pairwise revpairwise tukey consec mean_chg poly eff del.eff dunnett trt.vs.ctrl trt.vs.ctrl1"
    " trt.vs.ctrlk identity".split()
)  # a table


def _only(questions: dict[str, Question], *names: str) -> dict[str, Question]:
    return {name: questions[name] for name in names}


def _without(questions: dict[str, Question], pattern: str) -> dict[str, Question]:
    return {name: ask for name, ask in questions.items() if not re.search(pattern, name)}


FEW_CONTRASTS = _without(CONTRASTS, "(last|joint_rhs|rows)_kenward")
FEW_COMPARISONS = _without(COMPARISONS, "(kr|sat)_formula|sat_matrix")

QUESTIONS: dict[str, dict[str, Question]] = {
    "sleepstudy": TESTS_OF_TERMS | CONTRASTS | WALD | COMPARISONS | {
        "anova_linear": lambda m: pb.anova(
            m.full, pb.lm("Reaction ~ Days", data_set("sleepstudy")), names=("mixed", "linear")
        ),
        "profile_correlation": lambda m: m.full.confint(
            parameters=m.full.confint("wald")[".sig02"].label
        ),
        "profile_fixed": _confint("profile", parameters="beta_"),
        "boot": _confint("boot", n_sim=20, seed=11),
        "boot_some": _confint(
            "boot", parameters=["sigma", "Days"], n_sim=12, seed=5, conf_level=0.8, kind="basic"
        ),
        "emmeans_at": _means("Days", at={"Days": [0, 4.5, 9]}),
        "emmeans_mean": _means("Days"),
        "emmeans_satterthwaite": _means("Days", at={"Days": 9}, ddf=SATTERTHWAITE),
        "emmeans_asymptotic": _means("Days", at={"Days": 9}, ddf="asymptotic"),
    },
    "cake": TESTS_OF_TERMS | FEW_CONTRASTS | WALD | FEW_COMPARISONS | PROFILE_LAST | {
        "step_fixed_only": lambda m: m.full.step(reduce_random=False, alpha_fixed=0.5),
        "step_keep": lambda m: m.full.step(keep=["recipe:temperature"]),
        "drop1_scope": lambda m: m.full.drop1(["recipe:temperature"]),
        "emmeans": _means("recipe"),
        "emmeans_satterthwaite": _means("recipe", ddf=SATTERTHWAITE),
        "emmeans_asymptotic": _means("recipe", ddf="asymptotic"),
        "emmeans_by": _means("recipe", by="temperature", conf_level=0.8),
        "emmeans_two": _means(["recipe", "temperature"], at={"recipe": ["A", "C"]}),
        "emmeans_holm": _means("recipe", adjust="holm"),
        "pairs": lambda m: m.means("recipe", "link").pairs(),
        "pairs_by": lambda m: m.full.emmeans("recipe", by=["temperature"]).pairs(),
        **{
            f"adjust_{adjust}": _contrast(
                "recipe" if adjust == "mvt" else "temperature", adjust=adjust
            )
            for adjust in ADJUST
        },
        **{f"family_{method}": _contrast("temperature", method) for method in FAMILIES},
        "weights": _contrast("recipe", {"A or not": [1, -0.5, -0.5], "B - C": [0, 1, -1]}),
    },
    "penicillin": TESTS_OF_TERMS | WALD | _only(COMPARISONS, "anova_two", "anova_as_fitted") | {
        "contest_last": _contest("last"),
        "profile_all": _confint("profile"),
        "profile_points": lambda m: m.full.profile(),
        "profile_variances": _confint("profile", parameters="theta_", conf_level=0.9),
        "profile_readable": lambda m: m.full.confint(
            parameters=[m.full.confint("wald")[".sig02"].label, "(Intercept)"]
        ),
        "boot": _confint("boot", n_sim=10, seed=3, kind="normal"),
    },
    "carrots": TESTS_OF_TERMS | FEW_CONTRASTS | WALD | FEW_COMPARISONS | {
        "emtrends": lambda m: m.full.emtrends("Homesize", "sens2"),
        "emtrends_satterthwaite": lambda m: m.full.emtrends("Homesize", "sens2", ddf=SATTERTHWAITE),
        "emtrends_pairs": lambda m: m.full.emtrends("Homesize", "sens2").contrast("pairwise"),
        "emmeans_at_by": _means("Homesize", by="sens2", at={"sens2": [-2, 0.1]}),
    },
    "ham": TESTS_OF_TERMS | FEW_CONTRASTS | WALD | FEW_COMPARISONS | STEP | PROFILE_LAST | {
        "emmeans_by": _means("Product", by="Information"),
        "pairs_by": lambda m: m.full.emmeans("Product", by="Information").pairs("holm"),
        "emmeans_covariate": _means(["Gender", "Age"], at={"Age": [20, 60]}),
    },
    "TVbo": TESTS_OF_TERMS | FEW_CONTRASTS | WALD | FEW_COMPARISONS | STEP | PROFILE_LAST,
    "beets": TESTS_OF_TERMS | CONTRASTS | WALD | COMPARISONS | STEP | {
        "profile_fixed": _confint("profile", parameters="beta_"),
        "emmeans_two": _means(["sow", "harvest"]),
        "pairs": lambda m: m.full.emmeans("sow").pairs("tukey"),
    },
    "threeway": TESTS_OF_TERMS | FEW_CONTRASTS | WALD | FEW_COMPARISONS | {
        "emmeans": _means("c", by=["a", "b"], ddf=SATTERTHWAITE),
    },
    "maximum_likelihood": _without(TESTS_OF_TERMS, "kenward") | _without(CONTRASTS, "kenward")
    | WALD | _only(
        COMPARISONS, "anova_two", "anova_three", "anova_as_fitted", "kr_model", "sat_model"
    ) | {
        "boot": _confint("boot", n_sim=20, seed=11),
        "emmeans_satterthwaite": _means("Days", at={"Days": 9}, ddf=SATTERTHWAITE),
    },
    "logarithm": {
        "emmeans_link": _means("V"),
        "emmeans_response": _means("V", type="response"),
        "pairs_response": _contrast("V", kind="response"),
        "contrast_response": _contrast("V", "trt.vs.ctrl", "none", kind="response"),
    },
    "singular": TESTS_OF_TERMS | CONTRASTS | WALD
    | _only(COMPARISONS, "anova_two", "kr_model", "sat_model", "kr_matrix", "sat_matrix"),
}  # fmt: skip

# -- what is answered ----------------------------------------------------------------------------


def _columns(rows: Sequence[Any], keys: Any, names: Sequence[str]) -> Figures:
    """Return the columns that hold anything, in the order of their names."""
    keys = ["\t".join(key) if isinstance(key, tuple) else key for key in keys]
    held = {name: [getattr(row, name) for row in rows] for name in sorted(names)}
    some = {name: v for name, v in held.items() if any(value is not None for value in v)}
    return {"terms": texts(keys), **{name: numbers(v, keys) for name, v in some.items()}}


def _table(rows: Sequence[Any], kind: type[Any], keys: Any = None) -> Figures:
    names = [f.name for f in dataclasses.fields(kind) if f.name not in ("term", "label", "levels")]
    return _columns(rows, [row.term for row in rows] if keys is None else keys, names)


def _text(result: Any) -> Figures:
    assert str(result) == result.text
    return {"text": texts(result.text.split("\n"))}


def _levels(row: means.MarginalMean) -> tuple[str, ...]:
    return tuple(v if isinstance(v, str) else f"{v:.15g}" for v in row.levels.values())


def _means_figures(table: means.MarginalTable) -> Figures:
    return {
        **_table(table.rows, means.MarginalMean, [_levels(row) for row in table]),
        "by": texts(table.by),
        "what": texts([table.what]),
        "notes": texts(table.notes),
        **_text(table),
    }


def _fixed_figures(wide: FixedEffects, narrow: FixedEffects) -> Figures:
    keys = [row.term for row in wide]
    names = (
        "estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high",
    )  # fmt: skip
    figures = {name: numbers([getattr(row, name) for row in wide], keys) for name in names}
    figures["conf_low_80"] = numbers([row.conf_low for row in narrow], keys)
    figures["conf_high_80"] = numbers([row.conf_high for row in narrow], keys)
    return figures


def _step_figures(result: tests.BackwardElimination) -> Figures:
    random, fixed = _table(result.random, tests.RandomStep), _table(result.fixed, tests.FixedStep)
    return {
        **{f"random_{name}": figure for name, figure in random.items()},
        **{f"fixed_{name}": figure for name, figure in fixed.items()},
        "formula": texts([result.formula]),
        **_text(result),
    }


def _comparison_figures(result: tests.ModelComparison) -> Figures:
    names = [name for name in result.names if name != "method"]
    held = {name: getattr(result, name) for name in names if getattr(result, name) is not None}
    return {"values": numbers(held.values(), held), **_text(result)}


def _profile_figures(result: intervals.Profile) -> Figures:
    return {
        "profiled": texts(result.profiled),
        "zeta": numbers(result.zeta),
        "focal": numbers(result.focal),
        "parameters": texts(result.parameters),
        "values": numbers(result.values.ravel(order="F")),
    }


def as_figures(result: Any) -> Figures:
    """Return the figures of a result under the names that the reference gives them."""
    match result:
        case (FixedEffects() as wide, FixedEffects() as narrow):
            return _fixed_figures(wide, narrow)
        case tuple():
            return {"labels": texts(result)}
        case means.MarginalTable():
            return _means_figures(result)
        case tests.BackwardElimination():
            return _step_figures(result)
        case tests.ModelComparison():
            return _comparison_figures(result)
        case intervals.Profile():
            return _profile_figures(result)
        case intervals.Intervals():
            return _table(result.rows, intervals.Interval)
        case ModelSummary():
            return _text(result)
        case tests.FTests():
            return _table(result.rows, tests.FTest) | _text(result)
        case tests.TTests():
            return _table(result.rows, tests.TTest) | _text(result)
        case tests.LikelihoodRatioTests():
            return _table(result.rows, tests.LikelihoodRatioTest) | _text(result)
    raise AssertionError(f"no figures are known of a {type(result).__name__}")


@dataclass
class Answer:
    """What we answered: the result, its figures, and what was warned of on the way."""

    result: Any
    figures: Figures
    warned: list[Warning]


def comparable(said: Sequence[str], *, every: bool = False) -> Figure:
    """Return what was said, without what plain R and we say for good reason each alone.

    What is raised comes once; a result keeps it as often as R said it (``every``).

    R announces the profile that confint() is about to compute; we are asked to compute it. It
    names the variable that its user printed. And of its defect in refit(), and that pbkrtest refits
    by REML, it says nothing.
    """
    alone = ("Computing profile confidence", "Kenward and Roger's method refits", REFIT_DEFECT)
    told = [text for text in said if not any(each in text for each in alone)]
    told = told if every else once(told)
    return texts([re.sub(r"(print|vcov)\((\w+\(\w+\)|\w+)", r"\1(x", text) for text in told])


def with_comparable(theirs: Figures, ours: Figures) -> Figures:
    """Return R's figures with what it said as it is compared, wherever our side has it."""
    found = dict(theirs)
    for name in theirs:
        if name.endswith(("warnings", "messages")):
            found[name] = comparable(theirs[name].values)
            if (kept := f"{name} kept") in ours:
                found[kept] = comparable(theirs[name].values, every=True)
    return {name: found[name] for name in ours}


def asked(question: Question, made: Made) -> Answer:
    """Ask, keeping R's warnings and messages as figures like any other."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = question(made)
    said = [each.message for each in caught]
    assert all(isinstance(each, RWarning | RMessage) for each in said), said
    figures = as_figures(result)
    for name, kind in (("warnings", RWarning), ("messages", RMessage)):
        figures[name] = comparable([str(each) for each in said if isinstance(each, kind)])
        if hasattr(result, name):
            figures[f"{name} kept"] = comparable(getattr(result, name), every=True)
    return Answer(result, figures, [each for each in said if isinstance(each, Warning)])


# -- both sides ----------------------------------------------------------------------------------


class PlainR(SameProcess):
    """Plain R in this process."""

    def __init__(self, data: Path) -> None:
        super().__init__()
        path = str(REFERENCES / "inference.R")
        session().call("sys.source", file=path, envir=self._environment)
        self._workspace = self._call("open_inference_workspace", folder=str(data))

    @property
    def workspace(self) -> Any:
        """Return plain R's workspace, to be given to a function of its."""
        return self._workspace

    def ask(self, function: str, **arguments: Any) -> Any:
        return self._call(function, **arguments)


class PlainRscript(SeparateProcess):
    """Plain R in a process of its own, whose answers come as R's own files."""

    script = "inference.R"

    def figures(self, model: str) -> Figures:
        self.attempts()
        if model not in self._kept:
            path = str(self._answers / model)
            self._kept[model] = _figures(session().call("readRDS", file=path).value)
        return self._kept[model]


def _figures(answer: dict[str, Any]) -> Figures:
    found: Figures = {}
    for name, record in answer.items():
        values = record["values"]
        found[name] = Figure(record["keys"], values if isinstance(values, tuple) else values.copy())
    return found


@dataclass
class Live:
    """Our models and answers, and both of plain R's."""

    same_process: PlainR
    separate_process: PlainRscript
    made: dict[str, Made] = field(default_factory=dict)
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)

    def models(self, design: str) -> Made:
        if design not in self.made:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made = Made(DESIGNS[design])
                _ = made.full, made.design.reduced and made.reduced
                _ = made.design.smallest and made.smallest
                # lmerTest's version of the fit is made with it there, and here when asked for.
                made.full.fixed_effects()
            self.made[design] = made
        return self.made[design]

    def answer(self, design: str, question: str) -> Answer:
        key = design, question
        if key not in self.answers:
            self.answers[key] = asked(QUESTIONS[design][question], self.models(design))
        return self.answers[key]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    data, answers = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("answers")
    for name, simulate in SIMULATED.items():
        write_frame(simulate(), data / name)
    same = PlainR(data)
    separate = PlainRscript(data, answers, same.state())
    yield Live(same, separate)
    separate.close()


def _comparisons() -> Iterator[Any]:
    for design, questions in QUESTIONS.items():
        for question in questions:
            yield pytest.param(design, question, id=f"{design}-{question}")


def of_question(figures: Figures, question: str) -> Figures:
    """Return the figures of one question, without its name."""
    start = f"{question}."
    return {
        name.removeprefix(start): figure
        for name, figure in figures.items()
        if name.startswith(start) and (name.removeprefix(start).count(".") == 0)
    }


# -- every figure --------------------------------------------------------------------------------


def test_plain_r_knows_nothing_of_our_r_files(live: Live) -> None:
    assert not any(map(live.same_process.sees, ("with_ddf", "kenward_roger_fit", "anova_one")))


@pytest.mark.parametrize("design", DESIGNS)
def test_r_and_python_ask_the_same(design: str, live: Live) -> None:
    plain = live.separate_process.figures(design)
    seen = dict.fromkeys(name.rpartition(".")[0] for name in plain)
    assert list(seen) == list(QUESTIONS[design])


OF_MEANS = ("pairs", "adjust_tukey")
"""Made of means that are asked for before, which keep what R said of them."""


@pytest.mark.parametrize(("design", "question"), list(_comparisons()))
def test_figures_are_those_of_plain_r(design: str, question: str, live: Live) -> None:
    ours = live.answer(design, question).figures
    theirs = of_question(live.separate_process.figures(design), question)
    assert {"warnings", "messages"} < set(theirs) <= set(ours)
    if question in OF_MEANS:
        ours = {name: figure for name, figure in ours.items() if not name.endswith(" kept")}
    assert_same(ours, with_comparable(theirs, ours))


def test_designs_are_what_they_stand_for(live: Live) -> None:
    layout = threeway()
    cells = layout.groupby(["a", "b", "c"], observed=True).size()
    assert len(layout) == 800
    assert len(cells) == 12
    assert cells.nunique() > 6
    assert len(live.models("threeway").terms) == 12
    assert live.models("singular").full.is_singular()
    steps = live.answer("ham", "step").result
    assert [row.eliminated for row in steps.fixed].count(0) == 2
    assert len(steps.fixed) > 4


# -- Kenward and Roger's method, computed once ---------------------------------------------------


@contextmanager
def replaced(live: Live, function: str) -> Iterator[Any]:
    """Put another function in the place of one of pbkrtest's, and give what it counts."""
    change = live.same_process.ask(function)
    try:
        yield change
    finally:
        live.same_process.ask("put_back", change=change)


def test_the_adjusted_covariance_is_computed_once(live: Live) -> None:
    made = Made(DESIGNS["cake"])
    with replaced(live, "count_adjusted_covariances") as change:
        made.full.fixed_effects(KR)
        made.full.fixed_effects(KR, 0.8)
        made.full.summary(KR)
        for kind in ("I", "II", "III"):
            made.full.anova(kind, KR)
        made.full.drop1(ddf=KR)
        made.full.contest(made.rest, ddf=KR)
        made.full.contest(made.rest, joint=False, ddf=KR)
        assert live.same_process.ask("counted", change=change)[0] == 1
        # The counter counts: lmerTest computes it again for each coefficient.
        live.same_process.ask("plain_kenward_roger", workspace=live.same_process.workspace)
        assert live.same_process.ask("counted", change=change)[0] == 1 + len(made.terms)


@pytest.mark.parametrize("broken", ["break_adjusted_covariance", "break_adjustment"])
def test_where_the_method_fails_figures_are_satterthwaites(broken: str, live: Live) -> None:
    """As lmerTest gives them, with its warning for each coefficient and term."""
    made = Made(DESIGNS["cake"])
    with replaced(live, broken):
        theirs = _figures(
            live.same_process.ask("broken_kenward_roger", workspace=live.same_process.workspace)
        )
        questions = {
            name: (TESTS_OF_TERMS | CONTRASTS)[name]
            for name in (
                "fixed_kenward_roger",
                "anova_III_kenward_roger",
                "contest_last_kenward_roger",
            )
        }
        ours = {
            f"{name}.{key}": figure
            for name, ask in questions.items()
            for key, figure in asked(ask, made).figures.items()
        }
    assert set(theirs) <= set(ours)
    assert_same(ours, with_comparable(theirs, ours))
    assert (
        "Unable to compute Kenward-Roger t-test" in ours["fixed_kenward_roger.warnings"].values[0]
    )
    satterthwaite = made.full.fixed_effects()
    assert ours["fixed_kenward_roger.df"].values.tolist() == [row.df for row in satterthwaite]


# -- comparisons ---------------------------------------------------------------------------------


def test_refitting_is_said_as_data_and_as_a_warning(live: Live) -> None:
    answer = live.answer("sleepstudy", "anova_two")
    assert answer.result.messages == ("refitting model(s) with ML (instead of REML)",)
    assert [type(each) for each in answer.warned] == [RMessage]
    as_fitted = live.answer("sleepstudy", "anova_as_fitted")
    assert as_fitted.result.messages == ()
    assert live.answer("maximum_likelihood", "anova_two").result.messages == ()


def test_models_go_by_their_numbers_of_parameters(live: Live) -> None:
    made = live.models("sleepstudy")
    one = pb.anova(made.full, made.smallest, made.reduced)
    assert [row.term for row in one] == ["model2", "model3", "model1"]
    assert [row.n_parameters for row in one] == [3, 5, 6]
    other = pb.anova(made.smallest, made.reduced, made.full)
    assert [row.chi_square for row in one] == [row.chi_square for row in other]


@pytest.mark.parametrize("refit", [True, False])
def test_other_data_are_refused(refit: bool, live: Live) -> None:
    made = live.models("sleepstudy")
    sleepstudy = data_set("sleepstudy")
    formula = "Reaction ~ 1 + (Days | Subject)"
    fewer = pb.lmer(formula, sleepstudy.iloc[:-10])
    with pytest.raises(RError, match="same size of dataset"):
        pb.anova(made.full, fewer, refit=refit)
    other = sleepstudy.assign(Reaction=sleepstudy["Reaction"][::-1].to_numpy())
    other.attrs["name"] = "sleepstudy"
    with pytest.raises(RError, match="same data: model 2 has other responses"):
        pb.anova(made.full, pb.lmer(formula, other), refit=refit)
    assert still_usable(made)


# -- names and intervals -------------------------------------------------------------------------


def test_intervals_go_by_either_name(live: Live) -> None:
    rows = live.answer("sleepstudy", "wald").result
    labels = live.answer("sleepstudy", "labels").result
    assert [row.label for row in rows] == list(labels)
    assert rows[".sig01"] is rows[rows.rows[0].label]
    assert "(Intercept)|Subject" in rows[".sig01"].label
    with pytest.raises(KeyError, match="no row"):
        rows["nothing"]


def test_ends_that_wald_does_not_give_are_none(live: Live) -> None:
    wald = live.answer("sleepstudy", "wald").result
    assert wald[".sigma"].conf_low is None
    assert wald["Days"].conf_low is not None
    assert wald.to_frame()["conf_low"].isna().sum() == 4


def test_intervals_of_a_kept_profile_are_those_of_confint(live: Live) -> None:
    made = live.models("penicillin")
    profile = live.answer("penicillin", "profile_points").result
    assert profile.parameters == (".sig01", ".sig02", ".sigma", "(Intercept)")
    assert len(profile.labels) == 4
    assert profile.values.shape == (len(profile.zeta), 4)
    assert set(profile.profiled) == set(profile.parameters)
    assert not profile.values.flags.writeable
    assert (
        made.full.confint()["(Intercept)"]
        == live.answer("penicillin", "profile_all").result["(Intercept)"]
    )


def lme4_is_older_than(*version: int) -> bool:
    text = session().call("package_version_text", package="lme4").value[0]
    return tuple(map(int, re.split(r"[.-]", text))) < version


@pytest.mark.parametrize(
    ("design", "question", "expected"),
    [
        ("sleepstudy", "boot", True),
        ("maximum_likelihood", "boot", False),
        ("penicillin", "boot", False),  # one fixed effect
    ],
)
def test_the_defect_of_refit_is_warned_of(
    design: str, question: str, expected: bool, live: Live
) -> None:
    warned = [each for each in live.answer(design, question).warned if REFIT_DEFECT in str(each)]
    assert bool(warned) == (expected and lme4_is_older_than(1, 1, 33))
    assert all(isinstance(each, RWarning) for each in warned)


def test_a_seed_gives_the_same_bootstrap_again() -> None:
    one, other = (Made(DESIGNS["maximum_likelihood"]).full for _ in range(2))
    assert one.confint("boot", n_sim=5, seed=7) == other.confint("boot", n_sim=5, seed=7)
    assert one.confint("boot", n_sim=5, seed=7) != other.confint("boot", n_sim=5, seed=8)


# -- wrong use -----------------------------------------------------------------------------------


def still_usable(made: Made) -> bool:
    """Tell whether the session and the models answer as before."""
    again = Made(made.design).full.fixed_effects("none")
    return again == made.full.fixed_effects("none") and made.full.anova() is not None


ML = "maximum_likelihood"
WRONG: dict[str, tuple[str, Question, type[Exception], str]] = {
    "KR on ML": (ML, _fixed(KR), RError, "only available for REML"),
    "KR summary on ML": (ML, _summary(KR), RError, "only available for REML"),
    "KR anova on ML": (ML, _anova("III", KR), RError, "only available for REML"),
    "KR drop1 on ML": (ML, lambda m: m.full.drop1(ddf=KR), RError, "only available for REML"),
    "KR contest on ML": (ML, _contest("last", ddf=KR), RError, "only available for REML"),
    "KR step on ML": (ML, lambda m: m.full.step(KR), RError, "only available for REML"),
    "not nested": (
        "cake",
        lambda m: pb.kr_modcomp(
            pb.lmer("angle ~ recipe + (1 | replicate)", data_set("cake")),
            pb.lmer("angle ~ temp + (1 | replicate)", data_set("cake")),
        ),
        RError, "not nested",
    ),
    "same fixed effects": (
        "sleepstudy", lambda m: pb.kr_modcomp(m.reduced, m.smallest), RError, "not nested",
    ),
    "same fixed effects, Satterthwaite": (
        "sleepstudy", lambda m: pb.sat_modcomp(m.reduced, m.smallest), RError, "not nested",
    ),
    "unknown restriction": (
        "sleepstudy",
        lambda m: pb.kr_modcomp(m.full, "Weeks"),
        OptionError, "its terms are: 'Days'",
    ),
    "restriction by an unknown column": (
        "sleepstudy",
        lambda m: pb.kr_modcomp(m.full, ". ~ . - Weeks"),
        DataConversionError, "Weeks",
    ),
    "unreadable restriction": (
        "sleepstudy", lambda m: pb.kr_modcomp(m.full, ". ~ . - ("), FormulaError, "cannot read",
    ),
    "restriction that calls": (
        "sleepstudy",
        lambda m: pb.kr_modcomp(m.full, ". ~ . - system('true')"),
        FormulaError, "system",
    ),
    "matrix of other width": (
        "sleepstudy", lambda m: pb.kr_modcomp(m.full, [[0, 1, 0]]), OptionError, "2 columns",
    ),
    "no model": (
        "sleepstudy", lambda m: pb.kr_modcomp("Days", m.full), OptionError, "fitted model",  # type: ignore[arg-type]
    ),
    "unknown term": ("sleepstudy", lambda m: m.full.contest({"x": {"Weeks": 1}}), OptionError,
                     "'Weeks'; the fixed effects are: '\\(Intercept\\)', 'Days'"),
    "too few weights": ("sleepstudy", lambda m: m.full.contest([[1.0]]), OptionError, "2 terms"),
    "no contrast": ("sleepstudy", lambda m: m.full.contest({}), OptionError, "at least one"),
    "too many values": (
        "sleepstudy", lambda m: m.full.contest([[0, 1]], rhs=[1, 2]), OptionError, "rhs has 2",
    ),
    "unknown scope": (
        "sleepstudy", lambda m: m.full.drop1(["Weeks"]),
        OptionError, "scope='Weeks' is not a term .*'Days'",
    ),
    "one model": ("sleepstudy", lambda m: pb.anova(m.full), OptionError, "two or more"),
    "no fits": (
        "sleepstudy", lambda m: pb.anova(m.full, "y ~ x"), OptionError, "a fitted mixed model",  # type: ignore[arg-type]
    ),
    "too few names": (
        "sleepstudy",
        lambda m: pb.anova(m.full, m.reduced, names=["a"]),
        OptionError, "2 different",
    ),
    "unknown parameter": (
        "sleepstudy", lambda m: m.full.confint(parameters="Weeks"),
        OptionError, "'Weeks'; there are: ",
    ),
    "level": ("sleepstudy", _confint("wald", conf_level=95), OptionError, "between 0 and 1"),
    "method": ("sleepstudy", _confint("bca"), OptionError, "'wald', 'profile', 'boot'"),
    "type": ("sleepstudy", _anova("IV", SATTERTHWAITE), OptionError, "'I', 'II', 'III'"),
    "ddf": ("sleepstudy", _fixed("kenward"), OptionError, "'kenward-roger'"),
    "unknown predictor": (
        "sleepstudy", _means("Weeks"), OptionError, "no predictor 'Weeks'; there are: 'Days'",
    ),
    "no predictor": ("sleepstudy", _means([]), OptionError, "several names"),
    "trend of code": (
        "carrots",
        lambda m: m.full.emtrends("Homesize", "system('true')"),
        FormulaError, "calls 'system'",
    ),
    "family": ("cake", _contrast("recipe", "every"), OptionError, "'pairwise'"),
    "adjustment": ("cake", _contrast("recipe", "pairwise", "lots"), OptionError, "'tukey'"),
    "no weights": ("cake", _contrast("recipe", {}), OptionError, "at least one"),
    "weights of other length": (
        "cake", _contrast("recipe", {"a": [1, -1]}), OptionError, "2 weights",
    ),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_use_is_answered_plainly(wrong: str, live: Live) -> None:
    design, ask, error, message = WRONG[wrong]
    made = live.models(design)
    with pytest.raises(error, match=message):
        ask(made)
    assert still_usable(live.models("sleepstudy"))


def test_a_singular_fit_is_warned_of_and_answers() -> None:
    made = Made(DESIGNS["singular"])
    with pytest.warns(SingularFitWarning):
        _ = made.full
    assert made.full.is_singular()
    assert made.full.fixed_effects()["x"].df is not None


def test_performance_is_asked_or_asked_for() -> None:
    fit = Made(DESIGNS["sleepstudy"]).full
    try:
        session().require("performance")
    except REnvironmentError:
        for ask in (fit.icc, fit.r2):
            with pytest.raises(REnvironmentError, match=r"Fix it with: .*--require=performance"):
                ask()
        assert fit.anova()["Days"].p_value is not None
    else:
        assert 0.0 < fit.icc().unadjusted < fit.icc().adjusted < 1.0
        assert 0.0 < fit.r2().marginal < fit.r2().conditional < 1.0


# -- results -------------------------------------------------------------------------------------

STORED = [
    ("sleepstudy", "anova_III_satterthwaite"), ("cake", "anova_none"),
    ("penicillin", "drop1_satterthwaite"), ("sleepstudy", "contest_rows"),
    ("sleepstudy", "anova_two"), ("ham", "ranova"), ("ham", "step"), ("beets", "step"),
    ("sleepstudy", "kr_model"), ("sleepstudy", "sat_model"), ("sleepstudy", "wald"),
    ("penicillin", "profile_points"), ("sleepstudy", "emmeans_asymptotic"),
    ("carrots", "emmeans_at_by"), ("cake", "pairs_by"), ("cake", "summary_kenward_roger"),
]  # fmt: skip


@pytest.mark.parametrize(("design", "question"), STORED)
def test_results_come_back_from_json(design: str, question: str, live: Live) -> None:
    result = live.answer(design, question).result
    kind = means.MarginalTable if isinstance(result, means.MarginalTable) else type(result)
    back = kind.from_dict(json.loads(json.dumps(result.to_dict(), allow_nan=False)))
    assert type(back) is kind
    assert result == back
    assert str(back) == str(result)
    assert_same(as_figures(back), as_figures(result))


@pytest.mark.parametrize(
    "result", [icc_r2.IntraclassCorrelation(0.7, 0.5), icc_r2.RSquared(0.1 + 0.2, float("nan"))]
)
def test_shares_come_back_from_json(result: Result) -> None:
    back = type(result).from_dict(json.loads(json.dumps(result.to_dict(), allow_nan=False)))
    assert back == result
    assert (result.to_frame().dtypes == "float64").all()


T_COLUMNS = "term estimate std_error df statistic p_value conf_low conf_high"
FRAMES = {
    ("sleepstudy", "anova_III_satterthwaite"): (
        "term sum_sq mean_sq df1 df2 statistic p_value", 1,
    ),
    ("cake", "anova_none"): ("term sum_sq mean_sq df1 df2 statistic p_value", 3),
    ("penicillin", "anova_none"): ("term sum_sq mean_sq df1 df2 statistic p_value", 0),
    ("sleepstudy", "contest_rows"): (T_COLUMNS, 1),
    ("sleepstudy", "anova_three"): (
        "term n_parameters aic bic log_likelihood deviance chi_square df p_value", 3,
    ),
    ("sleepstudy", "ranova"): (
        "term n_parameters aic bic log_likelihood deviance chi_square df p_value", 2,
    ),
    ("sleepstudy", "kr_model"): (
        "method statistic df1 df2 f_scaling p_value unscaled_statistic unscaled_p_value", 1,
    ),
    ("sleepstudy", "sat_model"): (
        "method statistic df1 df2 f_scaling p_value unscaled_statistic unscaled_p_value", 1,
    ),
    ("sleepstudy", "wald"): ("term label conf_low conf_high", 6),
    ("ham", "step"): (
        "effect term eliminated n_parameters log_likelihood aic chi_square df p_value"
        " sum_sq mean_sq df1 df2 statistic",
        9,
    ),
    ("carrots", "emmeans_at_by"): ("Homesize sens2 " + T_COLUMNS.removeprefix("term "), 4),
    ("cake", "pairs_by"): ("contrast temperature " + T_COLUMNS.removeprefix("term "), 18),
}  # fmt: skip
TEXT = {"term", "label", "method", "effect", "contrast", "Homesize", "temperature"}


@pytest.mark.parametrize(("design", "question"), FRAMES)
def test_frames_have_their_columns_and_types(design: str, question: str, live: Live) -> None:
    columns, n_rows = FRAMES[design, question]
    frame = live.answer(design, question).result.to_frame()
    assert list(frame.columns) == columns.split()
    assert len(frame) == n_rows
    for name in frame.columns:
        if name in TEXT:
            assert all(isinstance(value, str) for value in frame[name])
        else:
            assert frame[name].dtype.kind in "fi", (name, frame[name].dtype)


def test_the_frame_of_a_profile(live: Live) -> None:
    profile = live.answer("penicillin", "profile_points").result
    frame = profile.to_frame()
    assert list(frame.columns) == ["profiled", "focal", "zeta", *profile.parameters]
    held = frame[frame["profiled"] == ".sigma"]
    assert (held[".sigma"] == held["focal"]).all()
    assert len(frame) == len(profile.zeta)


def test_rows_are_looked_up_by_what_they_are_for(live: Live) -> None:
    table = live.answer("carrots", "emmeans_at_by").result
    assert table["1", -2.0].levels == {"Homesize": "1", "sens2": -2.0}
    with pytest.raises(KeyError, match="there are"):
        table["1", 7.0]
    assert live.answer("cake", "anova_none").result["recipe"].df1 == 2
    pairs = live.answer("ham", "pairs_by").result
    assert pairs["Product1 - Product2", "1"].df is not None
    assert isinstance(pairs, Rows)
    assert len(pairs) == 12


@pytest.mark.parametrize("design", ["sleepstudy", "cake", "ham"])
def test_every_result_shows_itself(design: str, live: Live) -> None:
    for question in QUESTIONS[design]:
        result = live.answer(design, question).result
        if isinstance(result, Result):
            assert str(result) == repr(result)
            for shown in (result._repr_html_(), result.to_markdown(), result.to_latex()):
                assert len(shown) > 20
