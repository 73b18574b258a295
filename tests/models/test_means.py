"""Marginal means, contrasts and tests of them are emmeans' own, to the last bit and character.

Plain R is asked in an ``Rscript`` of its own; what it is asked is in ``reference/means.R``, under
the same names and in the same order.
"""

from __future__ import annotations

import json
import pickle
import warnings
from collections.abc import Callable
from functools import cached_property
from math import inf, log
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers.live import AnsweringScript, assert_same_bits, write_frame
from pymer_bridge.errors import PymerError, PymerWarning, RMessage
from pymer_bridge.results.means import JointTests
from pymer_bridge.session.r_session import session

pytestmark = [
    pytest.mark.r("lmerTest", "pbkrtest", "emmeans"),
    pytest.mark.filterwarnings("ignore::pymer_bridge.errors.PymerWarning"),
]

HERDS = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
COUNTS = "incidence ~ period + offset(log(size))"
CAKE = "(1 | recipe:replicate)"

# -- data ------------------------------------------------------------------------------------------


def _empty() -> pd.DataFrame:
    frame = pb.load_dataset("warpbreaks", "datasets")
    frame = frame[~((frame.wool == "A") & (frame.tension == "M"))].reset_index(drop=True)
    return frame.assign(loom=pd.Categorical([f"l{i % 5}" for i in range(len(frame))]))


def _nested() -> pd.DataFrame:
    """Doses that each belong to one drug."""
    drugs = np.repeat(["D1", "D2"], [9, 12])
    doses = [*np.repeat(["a", "b", "c"], 3), *np.repeat(["d", "e", "f", "g"], 3)]
    score = np.random.default_rng(11).normal(10, 2, 21)
    return pd.DataFrame(
        {"score": score, "drug": pd.Categorical(drugs), "dose": pd.Categorical(doses)}
    )


def _layout() -> pd.DataFrame:
    """An unbalanced layout of three factors, 200 rows in 20 groups."""
    rng, n = np.random.default_rng(20240607), 200
    factors = {
        name: pd.Categorical(rng.choice(levels, n, p=p))
        for name, levels, p in (
            ("a", ["a1", "a2"], [0.3, 0.7]),
            ("b", ["b1", "b2"], [0.4, 0.6]),
            ("c", ["c1", "c2", "c3"], [0.2, 0.3, 0.5]),
        )
    }
    g = rng.integers(0, 20, n)
    y = rng.normal(size=n) + rng.normal(0, 0.7, 20)[g] + 0.4 * (factors["a"] == "a2")
    return pd.DataFrame({"y": y, **factors, "g": pd.Categorical([f"g{i:02d}" for i in g])})


def _sleep() -> pd.DataFrame:
    frame = pb.load_dataset("sleepstudy")
    high = (frame.Reaction > 300).astype(int)
    return frame.assign(
        half=pd.Categorical(np.where(frame.Days > 4, "late", "early")),
        third=pd.Categorical(["abc"[int(day) % 3] for day in frame.Days]),
        high=high,
        word=pd.Categorical(np.where(high, "b", "a")),
    )


def _large() -> pd.DataFrame:
    """More rows than emmeans computes degrees of freedom for."""
    rng, n = np.random.default_rng(3), 3100
    site, arm = rng.integers(0, 12, n), rng.integers(0, 3, n)
    x = rng.normal(size=n)
    y = rng.normal(0, 0.5, 12)[site] + 0.1 * arm + 0.2 * x + rng.normal(size=n)
    names = {"arm": [f"t{i}" for i in arm], "site": [f"s{i:02d}" for i in site]}
    return pd.DataFrame({"y": y, "x": x, **{k: pd.Categorical(v) for k, v in names.items()}})


FRAMES = {"empty": _empty, "nested": _nested, "layout": _layout, "sleep": _sleep, "large": _large}


class Models:
    """The models, each fitted when it is first asked for."""

    def __getattr__(self, name: str) -> Any:
        made = FITS[name]()
        setattr(self, name, made)
        return made


def _cake(right: str, fit: Any = pb.lmer, **how: Any) -> Callable[[], Any]:
    return lambda: fit(f"angle ~ {right}", pb.load_dataset("cake"), **how)


def _of(fit: Any, formula: str, frame: str, **how: Any) -> Callable[[], Any]:
    return lambda: fit(formula, FRAMES[frame](), **how)


def _from(fit: Any, formula: str, name: str, package: str, **how: Any) -> Callable[[], Any]:
    return lambda: fit(formula, pb.load_dataset(name, package), **how)


CODED = {
    "recipe": np.array([[-0.5, -1 / 3], [0.5, -1 / 3], [0, 2 / 3]]),
    "temperature": "contr.sum",
}
CODES = {"a": "contr.sum", "b": "contr.helmert", "c": "contr.SAS"}
BINOMIAL: dict[str, Any] = {"family": "binomial"}
FITS: dict[str, Callable[[], Any]] = {
    "cake": _cake(f"recipe * temperature + {CAKE}"),
    "cake_line": _cake(f"recipe * temp + {CAKE}"),
    "cake_lm": _cake("recipe * temp", pb.lm),
    "cake_coded": _cake(f"recipe * temperature + {CAKE}", contrasts=CODED),
    "empty": _of(pb.lm, "breaks ~ wool * tension", "empty"),
    "empty_mixed": _of(pb.lmer, "breaks ~ wool * tension + (1 | loom)", "empty"),
    "nested": _of(pb.lm, "score ~ drug / dose", "nested"),
    "layout": _of(pb.lmer, "y ~ a * b * c + (1 | g)", "layout"),
    "layout_lm": _of(pb.lm, "y ~ a * b * c", "layout"),
    "layout_sum": _of(pb.lm, "y ~ a * b * c", "layout", contrasts=CODES),
    "herds": _from(pb.glmer, HERDS, "cbpp", "lme4", **BINOMIAL),
    "herds_probit": _from(pb.glmer, HERDS, "cbpp", "lme4", **BINOMIAL, link="probit"),
    "herds_glm": _from(pb.glm, HERDS.rpartition(" + ")[0], "cbpp", "lme4", **BINOMIAL),
    "counts": _from(pb.glmer, f"{COUNTS} + (1 | herd)", "cbpp", "lme4", family="poisson"),
    "counts_glm": _from(pb.glm, COUNTS, "cbpp", "lme4", family="poisson"),
    "logs": _of(pb.lmer, "log(Reaction) ~ half * Days + (1 | Subject)", "sleep"),
    "roots": _of(pb.lmer, "sqrt(Reaction) ~ half + (1 | Subject)", "sleep"),
    "factors": _of(pb.glmer, "factor(high) ~ half + (1 | Subject)", "sleep", **BINOMIAL),
    "equals": _of(
        pb.glmer, 'word == "b" ~ half + (1 | Subject)', "sleep", **BINOMIAL, link="cloglog"
    ),
    "ifelse": _of(pb.glm, "ifelse(high > 0, 1, 0) ~ third", "sleep", **BINOMIAL),
    "as_factor": _of(pb.glm, "as.factor(word) ~ third", "sleep", **BINOMIAL, link="probit"),
    "two": _of(pb.glm, "sqrt(Reaction) ~ half", "sleep", family="Gamma", link="log"),
    "large": _of(pb.lmer, "y ~ arm * x + (1 | site)", "large"),
    "ml": _cake(f"recipe + temperature + {CAKE}", reml=False),
    "pigs": _from(pb.lm, "log(conc) ~ source + factor(percent)", "pigs", "emmeans"),
    "fiber": _from(pb.lm, "strength ~ machine * diameter", "fiber", "emmeans"),
    "noise": _from(pb.lm, "noise ~ size * type * side", "auto.noise", "emmeans"),
    "warp": _from(pb.lm, "breaks ~ wool * tension", "warpbreaks", "datasets"),
    "warp_poisson": _from(
        pb.glm, "breaks ~ wool * tension", "warpbreaks", "datasets", family="poisson"
    ),
    "oranges": _from(pb.lm, "sales1 ~ price1 + price2 + day + store", "oranges", "emmeans"),
    "neuralgia": _from(pb.glm, "Pain ~ Treatment * Sex + Age", "neuralgia", "emmeans", **BINOMIAL),
    "oats": _from(pb.lmer, "yield ~ Variety + factor(nitro) + (1 | Block/Variety)", "Oats", "nlme"),
    "nutrition": _from(pb.lm, "gain ~ (age + group + race)^2", "nutrition", "emmeans"),
    "feedlot": _from(pb.lm, "swt ~ ewt + herd * diet", "feedlot", "emmeans"),
    "ubds": _from(pb.lm, "y ~ A + B + C", "ubds", "emmeans"),
    "sprays": _from(pb.glm, "count ~ spray", "InsectSprays", "datasets", family="poisson"),
    "cars": _from(pb.lm, "log(mpg) ~ factor(cyl) * disp + log(hp)", "mtcars", "datasets"),
}

# -- what is asked ---------------------------------------------------------------------------------


def em(name: str, *arguments: Any, **how: Any) -> Callable[[Models], Any]:
    return lambda m: getattr(m, name).emmeans(*arguments, **how)


def tr(name: str, *arguments: Any, **how: Any) -> Callable[[Models], Any]:
    return lambda m: getattr(m, name).emtrends(*arguments, **how)


def then(
    made: Callable[[Models], Any], name: str, /, *arguments: Any, **how: Any
) -> Callable[[Models], Any]:
    return lambda m: getattr(made(m), name)(*arguments, **how)


def pairs(made: Callable[[Models], Any], **how: Any) -> Callable[[Models], Any]:
    return then(made, "pairs", **how)


def con(made: Callable[[Models], Any], *arguments: Any, **how: Any) -> Callable[[Models], Any]:
    return then(made, "contrast", *arguments, **how)


def joint(made: Callable[[Models], Any], **how: Any) -> Callable[[Models], Any]:
    return then(made, "joint_tests", **how)


def checked(made: Callable[[Models], Any], **how: Any) -> Callable[[Models], Any]:
    return then(made, "test", **how)


def sizes(made: Callable[[Models], Any], **how: Any) -> Callable[[Models], Any]:
    return then(made, "effect_sizes", **how)


R = {"type": "response"}
KR, SATT = "kenward-roger", "satterthwaite"
CASES: dict[str, Callable[[Models], Any]] = {
    "means": em("cake", "recipe"),
    "formula": em("cake", "~ recipe | temperature"),
    "formula_two": em("layout", "~ a * b | c"),
    "overall": em("cake", "~ 1"),
    "satterthwaite": em("cake", "recipe", ddf=SATT),
    "asymptotic": em("cake", "recipe", ddf="asymptotic"),
    "likelihood": em("ml", "recipe"),
    "level": em("cake", "recipe", conf_level=0.9),
    "adjusted": em("cake", "recipe", adjust="bonferroni"),
    "ordered": con(em("cake", "temperature"), "poly"),
    "coded": em("cake_coded", "recipe", "temperature"),
    "coded_pairs": pairs(em("cake_coded", "recipe")),
    "weights_equal": em("layout", "a", weights="equal"),
    "weights_proportional": em("layout", "a", weights="proportional"),
    "weights_outer": em("layout", "a", weights="outer"),
    "weights_cells": em("layout", "a", weights="cells"),
    "weights_flat": em("layout", "a", weights="flat"),
    "weights_lm": em("layout_lm", "~ b | c", weights="proportional"),
    "weights_sum": em("layout_sum", "~ b | c", weights="cells"),
    "empty": em("empty", "~ wool | tension"),
    "empty_pairs": pairs(em("empty", "~ wool | tension")),
    "empty_mixed": em("empty_mixed", "~ tension | wool"),
    "empty_flat": em("empty", "wool", weights="flat"),
    "empty_joint": joint(em("empty", ["wool", "tension"])),
    "nested": em("nested", "dose"),
    "nested_drug": em("nested", "drug"),
    "nested_pairs": pairs(em("nested", "dose")),
    "nested_joint": joint(em("nested", "~ drug * dose")),
    "threeway_joint": joint(em("layout", "~ a * b * c")),
    "threeway_joint_by": joint(em("layout", "~ a * b * c"), by="c"),
    "threeway_joint_lm": joint(em("layout_lm", "~ a * b * c"), by=["a", "c"]),
    "interaction": con(em("layout", "~ a * b * c"), interaction="pairwise"),
    "interaction_each": con(em("layout", "~ b * c"), interaction=["pairwise", "consec"]),
    "interaction_named": con(em("layout", "~ b * c"), interaction={"c": "poly", "b": "eff"}),
    "interaction_by": con(em("layout", "~ a * b | c"), "pairwise", "holm", interaction=True),
    "simple": con(em("layout", "~ a * c"), "pairwise", simple="c"),
    "simple_each": lambda m: m.layout.emmeans("~ a * c").contrast("pairwise", simple="each")[0],
    "simple_each_2": lambda m: m.layout.emmeans("~ a * c").contrast("pairwise", simple="each")[1],
    "simple_two": con(em("layout", "~ a * b * c"), "eff", simple=["a", "b"]),
    "by_other": con(em("layout", "~ a * c"), "trt.vs.ctrl", by="a", ref="c2"),
    "by_none": con(em("layout", "~ a | b"), "pairwise", by=()),
    "ref_two": con(em("cake", "recipe"), "trt.vs.ctrl", ref=["B", "C"], reverse=True),
    "ref_tuple": con(em("layout", "~ a * b"), "dunnett", ref=("a1", "b2")),
    "ctrlk": con(em("cake", "recipe"), "trt.vs.ctrlk"),
    "reverse": pairs(em("cake", "recipe"), reverse=True),
    "eff": con(em("cake", "recipe")),
    "del_eff": con(em("cake", "recipe"), "del.eff"),
    "identity": con(em("cake", "recipe"), "identity"),
    "tukey_reverse": con(em("cake", "recipe"), "tukey", reverse=True),
    "scheffe": pairs(em("cake", "recipe", adjust="none"), adjust="scheffe"),
    "weights_by_name": con(em("cake", "recipe"), {"A - rest": {"A": 1, "C": -0.5, "B": -0.5}}),
    "weights_within": con(
        em("layout", "~ c | a"), {"one": {"c1": 1, "c3": -1}, "two": {"c3": -1, "c2": 1}}, "sidak"
    ),
    "of_contrasts": con(pairs(em("layout", "~ c | a")), "pairwise", by="contrast"),
    "of_contrasts_all": pairs(pairs(em("layout", "~ c | a")), by=()),
    "consec": con(em("cake", "temperature"), "consec"),
    "mean_chg": con(em("cake", "temperature"), "mean_chg", seed=7),
    "mvt": pairs(em("cake", "temperature"), adjust="mvt"),
    "mvt_by": con(em("layout", "~ c | a"), "consec", reverse=True, seed=3),
    "mvt_means": em("layout", "c", adjust="mvt", seed=5),
    "mvt_test": checked(con(em("layout", "~ c | a"), "consec"), side="<", seed=2),
    "test_one_sided": checked(em("cake", "recipe"), null=32, side=">"),
    "test_left": checked(pairs(em("cake", "recipe")), side="left", adjust="holm"),
    "test_noninferior": checked(pairs(em("cake", "recipe")), side="noninferiority", delta=2),
    "test_equivalence": checked(pairs(em("cake", "recipe")), delta=3, adjust="none"),
    "test_nonsuperior": checked(em("herds", "period"), null=-1, side="nonsuperiority", delta=0.5),
    "test_response": checked(em("herds", "period", **R), null=-1),
    "sizes": sizes(em("cake", "recipe"), sigma=5, edf=42),
    "sizes_by": sizes(
        em("layout", "~ c | a", conf_level=0.8), sigma=1.2, edf=inf, method="trt.vs.ctrl"
    ),
    "sizes_identity": sizes(pairs(em("cake", "recipe")), sigma=5, edf=42, method="identity"),
    "sizes_log": sizes(em("logs", "half"), sigma=0.2, edf=30),
    "herds": em("herds", "period", **R),
    "herds_pairs": pairs(em("herds", "period", **R)),
    "herds_eff": con(em("herds", "period", **R), "eff"),
    "herds_probit": pairs(em("herds_probit", "period", **R)),
    "herds_bias": em("herds", "period", **R, bias_adjust=True, sigma=0.64),
    "herds_glm": em("herds_glm", "period", **R),
    "herds_unlink": em("herds", "period", type="unlink"),
    "counts": em("counts", "period", **R),
    "counts_offset": em("counts", "period", **R, offset=log(10)),
    "counts_no_offset": em("counts", "period", offset=0),
    "counts_pairs": pairs(em("counts", "period", **R), adjust="BH"),
    "counts_glm": em("counts_glm", "period", **R, offset=2),
    "logs": em("logs", "half", **R),
    "logs_bias": em("logs", "half", **R, bias_adjust=True, sigma=0.17),
    "logs_bias_default": em("logs", "half", **R, bias_adjust=True),
    "logs_link": em("logs", "half"),
    "logs_pairs": pairs(em("logs", "half", **R)),
    "logs_at": em("logs", "~ half | Days", at={"Days": [0, 9]}, **R),
    "roots": em("roots", "half", **R),
    "roots_bias": em("roots", "half", **R, bias_adjust=True, sigma=2),
    "roots_pairs": pairs(em("roots", "half", **R)),
    "factors": em("factors", "half", **R),
    "factors_link": em("factors", "half"),
    "factors_pairs": pairs(em("factors", "half", **R)),
    "factors_test": checked(em("factors", "half", **R)),
    "equals": em("equals", "half", **R),
    "ifelse": em("ifelse", "third", **R),
    "ifelse_pairs": pairs(em("ifelse", "third", **R)),
    "as_factor": em("as_factor", "third", **R),
    "two": em("two", "half", **R),
    "two_mu": em("two", "half", type="mu"),
    "large": em("large", "arm"),
    "large_satterthwaite": em("large", "arm", ddf=SATT),
    "large_kenward": pairs(em("large", "arm", ddf=KR)),
    "large_trends": tr("large", "arm", "x", ddf=SATT),
    "trends": tr("cake_line", "recipe", "temp"),
    "trends_pairs": pairs(tr("cake_line", "recipe", "temp")),
    "trends_log": tr("cake_line", "recipe", "log(temp)", at={"temp": 200}),
    "trends_square": tr("cake_lm", "~ recipe", "I(temp^2)"),
    "trends_degree": tr("cake_lm", "recipe", "temp", max_degree=2),
    "trends_degree_within": tr("cake_lm", "~ degree | recipe", "temp", max_degree=3),
    "trends_logs": tr("logs", "half", "sqrt(Days + 1)"),
    "pigs": em("pigs", "percent"),
    "pigs_response": em("pigs", "percent", **R),
    "pigs_bias": em("pigs", "source", **R, bias_adjust=True),
    "pigs_pairs": pairs(em("pigs", "source", **R)),
    "pigs_consec": con(em("pigs", "percent"), "consec"),
    "pigs_null": checked(em("pigs", "source", **R), null=log(35), delta=log(1.25), side=">"),
    "pigs_weights": em("pigs", "source", weights="cells"),
    "pigs_sizes": lambda m: m.pigs.emmeans("source").effect_sizes(sigma=m.pigs.sigma, edf=23),
    "fiber": em("fiber", "~ machine | diameter"),
    "fiber_trends": tr("fiber", "machine", "diameter"),
    "fiber_trend_pairs": pairs(tr("fiber", "machine", "diameter")),
    "noise_pairs": pairs(em("noise", "~ size | type")),
    "noise_interaction": con(
        em("noise", "~ size * type * side"), interaction=["poly", "consec", "consec"]
    ),
    "noise_joint": joint(em("noise", "~ size * type * side"), by="side"),
    "warp": con(em("warp", "~ tension | wool"), "poly"),
    "warp_interaction": con(
        em("warp", "~ wool * tension"), interaction={"wool": "pairwise", "tension": "trt.vs.ctrl"}
    ),
    "warp_poisson": pairs(em("warp_poisson", "~ wool | tension", **R), reverse=True),
    "oranges": em("oranges", "day"),
    "oranges_at": em("oranges", "day", by="price2", at={"price1": 50, "price2": [40, 60]}),
    "oranges_trend": tr("oranges", "~ 1", "price1"),
    "neuralgia": em("neuralgia", "~ Treatment | Sex", **R),
    "neuralgia_pairs": pairs(em("neuralgia", "~ Treatment | Sex", **R), reverse=True),
    "oats": con(em("oats", "nitro"), "poly"),
    "oats_pairs": pairs(em("oats", "Variety", ddf=SATT)),
    "nutrition": em("nutrition", "~ group * race | age"),
    "nutrition_joint": joint(em("nutrition", "~ age * group * race"), by="age"),
    "feedlot": em("feedlot", "diet"),
    "feedlot_cells": em("feedlot", "diet", weights="proportional"),
    "feedlot_pairs": pairs(em("feedlot", "~ diet | herd")),
    "ubds": em("ubds", "A", weights="outer"),
    "ubds_joint": joint(em("ubds", "~ A * B * C")),
    "sprays": con(em("sprays", "spray", **R), "trt.vs.ctrl", ref="C"),
    "cars": em("cars", "cyl", by="disp", at={"disp": [150, 300]}, **R),
    "cars_trends": tr("cars", "cyl", "disp"),
}
FIGURES = "estimate std_error df conf_low conf_high statistic p_value df1 df2".split()


class Live:
    """Our models, and plain R's answers."""

    def __init__(self, folder: Path) -> None:
        data = folder / "means-data"
        if not data.exists():
            data.mkdir()
            for name, make in FRAMES.items():
                write_frame(make(), data / name)
        self._script = AnsweringScript("means.R", folder, str(data))
        self.models = Models()

    @cached_property
    def answers(self) -> dict[str, Any]:
        found: dict[str, Any] = self._script.read()
        return found


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Live:
    return Live(tmp_path_factory.mktemp("means"))


def _key(value: Any) -> Any:
    return value if isinstance(value, str) else float(value)


def test_r_and_python_ask_the_same(live: Live) -> None:
    assert list(live.answers) == list(CASES)


@pytest.mark.parametrize("case", CASES)
def test_figures_and_tables_are_emmeans(case: str, live: Live) -> None:
    theirs = live.answers[case]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = CASES[case](live.models)
    joint = isinstance(ours, JointTests)
    names = (*(("model term",) if joint else ()), *ours.by)
    assert names == tuple(theirs["names"] or ())
    first = [
        (row.term, *row.levels.values()) if joint else tuple(row.levels.values()) for row in ours
    ]
    assert first == list(zip(*([_key(v) for v in key] for key in theirs["keys"]), strict=True))
    assert joint or ours.what == theirs["what"][0]
    for name in FIGURES:
        if theirs[name] is not None:
            assert_same_bits([getattr(row, name) for row in ours], theirs[name])
    assert str(ours) == theirs["text"][0]
    assert ours.observations is not None


# -- what is asked is done -------------------------------------------------------------------------


def test_degrees_of_freedom_that_are_asked_for_are_computed(live: Live) -> None:
    large = live.models.large
    with pytest.warns(PymerWarning, match="3,100 observations may take long") as told:
        asked = large.emmeans("arm", ddf="satterthwaite")
    assert all(row.df is not None and row.df < 3100 for row in asked)
    assert not any("disabled" in str(each.message) for each in told)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", RMessage)
        large.emmeans("arm", ddf="asymptotic")
    with pytest.warns(RMessage, match="exceeds 3000"):
        left_open = large.emmeans("arm")
    assert {row.df for row in left_open} == {inf}
    said = "\n".join(left_open.messages)
    assert 'give ddf="kenward-roger"' in said
    assert 'give ddf="satterthwaite"' in said
    assert "limit =" not in said
    # A warning that is an error comes before anything is computed.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PymerWarning, match="may take long"):
            large.emmeans("arm", ddf="kenward-roger")


def test_what_r_says_stays_on_the_result(live: Live) -> None:
    said = live.models.ml.emmeans("recipe").messages
    assert said == ("Kenward and Roger's method refits the model by REML",)
    assert "misleading" in live.models.layout.emmeans("a").messages[0]


@pytest.mark.parametrize("ddf", ["satterthwaite", "kenward-roger"])
def test_lmertests_fit_is_made_once(ddf: Any, live: Live) -> None:
    # The means of lme4's own fit, for which emmeans has it made for each of them, are the same.
    ours = live.models.cake.emmeans("recipe", "temperature", ddf=ddf)
    plain = session().call("eval", expr=_parsed(_BY_LME4.replace("DDF", ddf))).value
    assert_same_bits([row.df for row in ours], plain)


_BY_LME4 = (
    "suppressMessages(summary(emmeans::emmeans(lme4::lmer(angle ~ recipe * temperature + "
    '(1 | recipe:replicate), lme4::cake), ~ recipe | temperature, lmer.df = "DDF"))$df)'
)


def _parsed(text: str) -> Any:
    return session().call("str2expression", text=text).value


# -- repeatable ------------------------------------------------------------------------------------


FOUR: Final = {"temperature": ["175", "185", "195", "205"]}


def test_what_is_drawn_is_repeated(live: Live) -> None:
    means = live.models.cake.emmeans("temperature", at=FOUR)
    assert means.contrast("consec") == means.contrast("consec", seed=1)
    assert means.contrast("consec") != means.contrast("consec", seed=2)
    assert means.contrast("consec", seed=None) != means.contrast("consec", seed=None)
    assert means.pairs("mvt").test() == means.pairs("mvt").test(seed=1)
    assert means.pairs("mvt").test() != means.pairs("mvt").test(seed=2)


def test_a_seed_leaves_the_generator_alone(live: Live) -> None:
    means = live.models.cake.emmeans("temperature", at=FOUR)
    drawn = []
    for between in (lambda: None, lambda: means.contrast("consec"), lambda: means.pairs("mvt")):
        session().call("set.seed", seed=4)
        between()
        drawn.append(float(session().call("sample.int", n=2**30, size=1).value[0]))
    assert len(set(drawn)) == 1


def test_scripts_give_the_same_figures() -> None:
    sleep = _sleep()
    logs = pb.lmer("log(Reaction) ~ half * third + (1 | Subject)", sleep)
    means = logs.emmeans("~ third | half", **R, bias_adjust=True, sigma=0.3, adjust="mvt")
    kept = [
        means,
        means.pairs("mvt"),
        means.pairs().test(),
        means.contrast("consec", seed=9),
        means.contrast("pairwise", interaction=True, by=()),
        means.contrast({"x": {"a": 1, "c": -1}}),
        means.contrast("trt.vs.ctrl", ref="b", reverse=True, simple="third"),
        means.test(5, ">"),
        means.joint_tests("half"),
        means.effect_sizes(sigma=0.3, edf=17),
        logs.emmeans("half", weights="cells", ddf="satterthwaite"),
    ]
    factors = pb.glmer("factor(high) ~ third + (1 | Subject)", sleep, family="binomial")
    ours = factors.emmeans("third", **R)
    both = factors.emmeans("third", **R, bias_adjust=True, sigma=0.5)
    kept += [both, both.pairs(), both.pairs().test(), ours.pairs().contrast("eff")]
    kept += [ours, ours.pairs(), ours.test(), ours.contrast("mean_chg"), ours.joint_tests()]
    slopes = pb.lmer("Reaction ~ Days * third + (1 | Subject)", sleep)
    trends = slopes.emtrends("~ degree | third", "Days", max_degree=2, ddf="satterthwaite")
    kept += [trends, slopes.emtrends("third", "Days").pairs().test(delta=2, side="equivalence")]
    large = pb.lmer("y ~ arm + (1 | site)", _large())
    kept.append(large.emmeans("arm", ddf="satterthwaite"))
    report = pb.verify([logs, factors, slopes, large], runs=1)
    assert report.ok, str(report)
    assert "DIFFERENT" not in str(report)


# -- results ---------------------------------------------------------------------------------------


def test_results_are_stored_and_shown(live: Live) -> None:
    means = live.models.layout.emmeans("~ c | a")
    results = [means.test(side=">"), means.joint_tests(by="a"), means.effect_sizes(sigma=1, edf=9)]
    for result in results:
        again = type(result).from_dict(json.loads(json.dumps(result.to_dict())))
        assert again == result
        assert pickle.loads(pickle.dumps(result)) == result
        assert len(result.to_frame()) == len(result.rows)
        assert "200 observations" in result.to_markdown()
        assert "<table" in result.to_html()
        assert "tabular" in result.to_latex()
    tests, joint_tests, effect_sizes = results
    assert tests["c1", "a1"].null == 0.0
    assert joint_tests["c", "a2"].df1 == 2.0
    assert "Tests of estimated marginal means" in tests.to_markdown()
    assert "Joint tests" in joint_tests.to_markdown()
    assert "Effect sizes" in effect_sizes.to_markdown()
    assert list(joint_tests.to_frame().columns) == [
        "a",
        "term",
        "df1",
        "df2",
        "statistic",
        "p_value",
    ]
    assert "Contrasts" in means.contrast(interaction="pairwise", by=()).to_markdown()


# -- wrong arguments -------------------------------------------------------------------------------

WRONG: dict[str, tuple[Callable[[Models], Any], str]] = {
    "pairwise in specs": (em("cake", "pairwise ~ recipe"), r"'pairwise' before the ~.*\.pairs\(\)"),
    "no formula": (em("cake", "~ recipe +"), "specs='~ recipe \\+' cannot be read"),
    "code in specs": (em("cake", "~ system('true')"), "names are joined"),
    "unknown in a formula": (em("cake", "~ recipes"), "no predictor 'recipes'; there are"),
    "unknown by": (em("cake", "recipe", by="temp"), "by: no predictor 'temp'"),
    "unknown at": (em("cake", "recipe", at={"temp": 3}), "at: no predictor 'temp'"),
    "type": (em("cake", "recipe", type="odds"), "type='odds' is not accepted"),
    "weights": (em("cake", "recipe", weights="many"), "weights='many' is not accepted"),
    "offset": (em("cake", "recipe", offset="log(x)"), "offset='log\\(x\\)' must be a number"),
    "bias": (em("cake", "recipe", bias_adjust="yes"), "bias_adjust='yes' must be True or False"),
    "sigma": (em("cake", "recipe", sigma=-1), "sigma=-1 must be above 0"),
    "level": (em("cake", "recipe", conf_level=95), "conf_level=95"),
    "adjust": (em("cake", "recipe", adjust="best"), "adjust='best' is not accepted"),
    "seed": (em("cake", "recipe", seed=1.5), "seed=1.5 must be a whole number"),
    "ddf": (em("herds", "period", ddf="satterthwaite"), "here it is 'asymptotic'"),
    "ddf of lm": (em("cake_lm", "recipe", ddf="satterthwaite"), "here R has its own"),
    "degree": (tr("cake_lm", "recipe", "temp", max_degree=9), "max_degree=9 must be at most 5"),
    "no degree": (tr("cake_lm", "recipe", "temp", max_degree=0), "max_degree=0 must be at least 1"),
    "degree of one": (tr("cake_lm", "degree", "temp"), "no predictor 'degree'"),
    "var": (tr("cake_lm", "recipe", "tempo"), "var: no predictor 'tempo'"),
    "var of levels": (tr("cake_lm", "temp", "recipe"), "var='recipe' has levels, and slopes are"),
    "code in var": (tr("cake_lm", "recipe", "system('true')"), "system"),
    "method": (con(em("cake", "recipe"), "each"), "method='each' is not accepted"),
    "no contrast": (con(em("cake", "recipe"), {}), "at least one contrast"),
    "weights of rows": (con(em("cake", "recipe"), {"x": [1, -1]}), "has 2 weights"),
    "weights by name": (con(em("cake", "recipe"), {"x": {"D": 1}}), "names 'D'; the rows are"),
    "by of contrasts": (con(em("cake", "recipe"), by="temp"), "by='temp': these means are of"),
    "all by": (con(em("cake", "recipe"), by="recipe"), "leaves nothing to compare"),
    "by and simple": (con(em("layout", "~ a * b"), by="a", simple="b"), "exclude each other"),
    "by and each": (con(em("layout", "~ a * b"), by="a", simple="each"), "exclude each other"),
    "simple": (con(em("layout", "~ a * b"), simple="d"), "simple='d'"),
    "each of pairs": (
        pairs(em("layout", "~ a * b"), simple="each"),
        'write .contrast\\("pairwise"',
    ),
    "families": (con(em("layout", "~ a * b"), interaction=["eff"] * 3), "3 families"),
    "family": (
        con(em("layout", "~ a * b"), interaction="all"),
        "interaction='all' is not accepted",
    ),
    "family of": (con(em("layout", "~ a * b"), interaction={"a": "eff"}), "must name each of"),
    "weights and interaction": (
        con(em("layout", "~ a * b"), {"x": [1, -1, 0, 0]}, interaction=True),
        "go with families",
    ),
    "ref": (con(em("cake", "recipe"), "trt.vs.ctrl", ref="D"), "ref='D' is no level; there are"),
    "ref by place": (con(em("cake", "recipe"), "trt.vs.ctrl", ref=1), "ref=1 is no level"),
    "no ref": (con(em("cake", "recipe"), "pairwise", ref="A"), "ref= does not go with 'pairwise'"),
    "ref of each": (
        con(em("layout", "~ a * b"), "dunnett", interaction=True, ref="a1"),
        "ref='a1' is no level",
    ),
    "reverse": (con(em("cake", "recipe"), "eff", reverse=True), "reverse= does not go with 'eff'"),
    "reverse of both": (
        con(em("layout", "~ a * b"), "pairwise", interaction=True, reverse=True),
        "name the family 'revpairwise'",
    ),
    "null": (checked(em("cake", "recipe"), null="0"), "null='0' must be a number"),
    "side": (checked(em("cake", "recipe"), side="up"), "side='up' is not accepted"),
    "delta": (checked(em("cake", "recipe"), delta=-1), "delta=-1 must be at least 0"),
    "no delta": (checked(em("cake", "recipe"), side="equivalence"), "needs a threshold: delta="),
    "joint by": (joint(em("cake", "recipe"), by="temp"), "by='temp'"),
    "no sigma": (sizes(em("cake", "recipe"), edf=3), "needs sigma=, .* and edf=.*as in R"),
    "no edf": (sizes(em("cake", "recipe"), sigma=3), "needs sigma=, .* and edf="),
    "zero sigma": (sizes(em("cake", "recipe"), sigma=0, edf=1), "sigma=0 must be above 0"),
    "zero edf": (sizes(em("cake", "recipe"), sigma=1, edf=0), "edf=0 must be above 0"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_argument_is_named(case: str, live: Live) -> None:
    ask, said = WRONG[case]
    with pytest.raises(PymerError, match=said):
        ask(live.models)
