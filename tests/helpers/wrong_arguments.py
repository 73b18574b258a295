"""Wrong arguments for everything public: which call, which argument, which value, what came of it.

What there is to call is read from the package itself, so that something new is tried as well; all
that stands here is an argument that is right, where one is needed or where the default is slow.
"""

from __future__ import annotations

import datetime
import inspect
import re
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any, Final

import numpy as np
import pandas as pd

import pymer_bridge as pb
from helpers import ROOT
from pymer_bridge.errors import DataConversionError, PymerError, REnvironmentError
from pymer_bridge.results.base import Result, Rows

# -- wrong values ----------------------------------------------------------------------------------


class Hostile:
    """What answers no question that Python may ask of a value."""

    def _refuse(self, *_: Any) -> Any:
        raise RuntimeError("this value answers nothing")

    __repr__ = __str__ = __bool__ = __len__ = __iter__ = __hash__ = _refuse
    __eq__ = __lt__ = __float__ = __int__ = __index__ = __array__ = __fspath__ = _refuse
    __getitem__ = __call__ = __contains__ = __format__ = _refuse


def _endless() -> list[Any]:
    itself: list[Any] = []
    itself.append(itself)
    return itself


_ODD = pd.DataFrame({"nobody": [1.0, 2.0]}, index=["a", "b"])

VALUES: Final[Mapping[str, Callable[[], Any]]] = {
    "None": lambda: None,
    "True": lambda: True,
    "minus one": lambda: -1,
    "zero": lambda: 0,
    "half": lambda: 0.5,
    "10**400": lambda: 10**400,
    "-2**63": lambda: -(2**63),
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "1j": lambda: 1j,
    "Decimal": lambda: Decimal("NaN"),
    "numpy nan": lambda: np.float64("nan"),
    "empty text": lambda: "",
    "unknown text": lambda: "no such",
    "NUL": lambda: "a\0b",
    "surrogate": lambda: "\ud800",
    "lines": lambda: "a\nb; `c",
    "long text": lambda: "x" * 100_000,
    "bytes": lambda: b"Days",
    "empty list": list,
    "empty tuple": tuple,
    "empty mapping": dict,
    "empty set": set,
    "list of None": lambda: [None],
    "list of texts": lambda: ["no such", "recipeB"],
    "list of surrogates": lambda: ["\ud800"],
    "list of numbers": lambda: [1.0, -1.0],
    "nested list": lambda: [[1, -1]],
    "ragged list": lambda: [[1, 2], [3]],
    "endless list": _endless,
    "mapping of None": lambda: {"Days": None},
    "mapping of an unknown": lambda: {"no such": 1.0},
    "mapping of numbers": lambda: {1: 2},
    "nested mapping": lambda: {"Days": {"Days": {"Days": object()}}},
    "set": lambda: {"Days", 1},
    "range": lambda: range(3),
    "generator": lambda: (one for one in ("Days", None)),
    "object": object,
    "class": lambda: int,
    "lambda": lambda: lambda *_: None,
    "module": lambda: re,
    "ellipsis": lambda: ...,
    "pd.NA": lambda: pd.NA,
    "NaT": lambda: pd.NaT,
    "date": lambda: datetime.date(2024, 1, 1),
    "3-d array": lambda: np.zeros((2, 2, 2)),
    "0-d array": lambda: np.array("Days"),
    "array of objects": lambda: np.array([object(), None], dtype=object),
    "empty frame": pd.DataFrame,
    "frame of others": _ODD.copy,
    "series of others": _ODD["nobody"].copy,
    "path": lambda: Path("no") / "such" / "folder" / "x",
    "folder": Path,
    "hostile": Hostile,
}
"""Each made anew: a generator lives once, and what keeps a list must not share it."""


# -- what is called --------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Subject:
    """Something public that is called, with arguments that are right."""

    name: str
    call: Callable[..., Any]
    parameters: tuple[str, ...]
    right: Mapping[str, Any] = field(repr=False)

    def with_right(self) -> Any:
        """Call it with arguments that are right."""
        return self.with_value("*", self.right.get("*", ()))

    def with_value(self, parameter: str, value: Any) -> Any:
        """Call it with one argument in place of the right one."""
        given = {**self.right, parameter: value}
        positional = given.pop("*", ())
        return self.call(*positional, **given)


SLOPES: Final = "Reaction ~ Days + (Days | Subject)"
HERDS: Final = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
TREES: Final = "circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree"
START: Final = {"Asym": 200.0, "xmid": 725.0, "scal": 350.0}
SLOW: Final = {"n_sim": 2, "runs": 1, "seed": 1, "max_evaluations": 50}
"""In place of defaults that take long."""


@cache
def things() -> dict[str, Any]:
    """Return models and results of every kind, by name."""
    sleepstudy, cake = pb.load_dataset("sleepstudy"), pb.load_dataset("cake")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lmer = pb.lmer(SLOPES, sleepstudy)
        null = pb.lmer("Reaction ~ 1 + (Days | Subject)", sleepstudy)
        factors = pb.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", cake)
        glmer = pb.glmer(HERDS, pb.load_dataset("cbpp"), family="binomial")
        nlmer = pb.nlmer(TREES, pb.load_dataset("Orange", "datasets"), start=START)
        lm = pb.lm("Reaction ~ Days", sleepstudy)
        glm = pb.glm("Reaction ~ Days", sleepstudy, family="Gamma")
        lm_list = pb.lm_list("Reaction ~ Days | Subject", sleepstudy)
        boot = lmer.bootstrap(n_sim=5, seed=1)
        design = lmer.design()
        power = design.power(n_sim=2, seed=1)
        models = {
            "lmer": lmer,
            "glmer": glmer,
            "nlmer": nlmer,
            "lm": lm,
            "glm": glm,
            "lm_list": lm_list,
        }
        parts = [
            getattr(model, name)
            for model in models.values()
            for name in dir(type(model))
            if isinstance(inspect.getattr_static(type(model), name), property)
        ]
        results = [
            *parts,
            boot,
            boot.confint(),
            boot.p_values(),
            design,
            design.terms,
            power,
            design.power_curve("Subject", [9], n_sim=2, seed=1),
            lmer.fixed_effects(),
            lmer.summary(),
            lmer.anova(),
            lmer.ranova(),
            lmer.step(),
            lmer.contest([[0, 1]], joint=False),
            lmer.confint("wald"),
            lmer.profile(),
            lm.predict(interval="confidence"),
            lm.anova(),
            lm.influence_measures(),
            lm.r2(),
            lmer.simulate(2, 1),
            lmer.effect("Days"),
            lmer.all_fit(["bobyqa"]),
            lmer.influence("Subject"),
            lmer.simulated_residuals(20),
            lmer.check_predictions(20),
            lmer.pooling(),
            factors.contrasts,
            factors.emmeans("recipe"),
            factors.emmeans("recipe").pairs(),
            factors.emmeans("recipe").test(),
            factors.emmeans("recipe").joint_tests(),
            factors.emmeans("recipe").effect_sizes(sigma=1.0, edf=10.0),
            glmer.drop1(),
            lm_list.coefficients(),
            pb.anova(null, lmer),
            pb.kr_modcomp(lmer, null),
            pb.pb_modcomp(lmer, null, 5, 1),
            pb.compare_inference(lmer, "Days", ["normal"]),
            pb.model_table(null, lmer),
            pb.compare_models(lmer, lmer),
            pb.fit_many("~ Days + (1 | Subject)", sleepstudy, ["Reaction"]),
            pb.figures_of(lmer),
            pb.compare_figures(lmer, {"n_obs": 180}),
            pb.show_versions(),
            pb.citation(),
        ]
    found: dict[str, Any] = {**models, "null": null, "factors": factors}
    for result in results:
        if isinstance(result, Result) or hasattr(type(result), "__dataclass_fields__"):
            found.setdefault(type(result).__name__, result)
    found["DevianceFunction"] = lmer.deviance_function()
    return found


def _arguments() -> dict[str, dict[str, Any]]:
    """Return right arguments: of all (""), and of single functions and methods."""
    known = things()
    sleepstudy = pb.load_dataset("sleepstudy")
    lmer, null, boot = known["lmer"], known["null"], known["BootstrapResult"]
    of_fit = {
        "lmer": {"formula": SLOPES, "data": sleepstudy},
        "glmer": {"formula": HERDS, "data": pb.load_dataset("cbpp"), "family": "binomial"},
        "glmer_nb": {
            "formula": "TICKS ~ 1 + (1 | BROOD)",
            "data": pb.load_dataset("grouseticks").head(60),
        },
        "nlmer": {"formula": TREES, "data": pb.load_dataset("Orange", "datasets"), "start": START},
        "lm": {"formula": "Reaction ~ Days", "data": sleepstudy},
        "glm": {"formula": "Reaction ~ Days", "data": sleepstudy, "family": "Gamma"},
        "lm_list": {"formula": "Reaction ~ Days | Subject", "data": sleepstudy},
        "fit_many": {
            "formula": "~ Days + (1 | Subject)",
            "data": sleepstudy,
            "responses": ["Reaction"],
        },
    }
    return {
        "": SLOW,
        **of_fit,
        "design": {"formula": SLOPES, "frame": sleepstudy, **known["Design"].terms.given()},
        "crossed_frame": {"subject": 4},
        ".power_curve": {"along": "Subject", "values": [9]},
        ".sample_size": {"along": "Subject", "test": "Days", "largest": 9, "smallest": 8},
        "plots.power": {"result": known["Power"]},
        "plots.power_curve": {"result": known["PowerCurve"]},
        "anova": {"*": (null, lmer)},
        "pool": {"fits": [known["lm"], known["lm"]]},
        "fit_imputed": {
            "formula": "Reaction ~ Days",
            "frames": [sleepstudy, sleepstudy],
            "fitter": pb.lm,
        },
        "model_table": {"*": (null, lmer)},
        "compare_models": {"*": (lmer, lmer)},
        "compare_inference": {"fit": lmer, "term": "Days", "methods": ["normal"]},
        "kr_modcomp": {"full": lmer, "restricted": null},
        "sat_modcomp": {"full": lmer, "restricted": null},
        "pb_modcomp": {"full": lmer, "restricted": null},
        "pb_modcomp of glm": {"full": known["glm"], "restricted": "Days"},
        "compare_inference of glm": {"fit": known["glm"], "term": "Days", "methods": ["t"]},
        "figures_of": {"fit": lmer},
        "compare_figures": {"fit": lmer, "figures": {"n_obs": 180}},
        "record": {"fit": lmer, "path": "x.pbr.json"},
        "verify_record": {"path": "right.pbr.json"},
        "verify": {"what": lmer},
        "load": {"path": "right.pbm"},
        "load_rds": {"path": "right.rds", "trust": True},
        "load_dataset": {"name": "sleepstudy"},
        "negative_binomial": {"theta": 1.0},
        "session_script": {"path": "x.R"},
        # Methods.
        ".bootstrap": {"kind": "parametric"},
        ".confint": {"method": "wald"},
        ".contest": {"contrasts": [[0, 1]]},
        ".effect": {"terms": "Days"},
        "glmer.effect": {"terms": "period"},
        ".emmeans": {"specs": "Days"},
        "glmer.emmeans": {"specs": "period"},
        ".emtrends": {"specs": "1", "var": "Days"},
        ".effect_sizes": {"sigma": 1.0, "edf": 10.0},
        "glmer.emtrends": {"specs": "1", "var": "period"},
        ".get_me": {"name": "theta"},
        ".influence": {"by": "Subject"},
        "glmer.influence": {"by": "herd"},
        "nlmer.influence": {"by": "Tree"},
        ".refit": {"new_response": sleepstudy["Reaction"]},
        "glmer.refit": {"new_response": known["glmer"].model_frame.iloc[:, :1].to_numpy()[:, 0]},
        ".report": {"term": "Days"},
        "glmer.report": {"term": "period2"},
        "nlmer.report": {"term": "Asym"},
        ".save": {"path": "x.pbm"},
        ".save_rds": {"path": "x.rds"},
        ".to_r_script": {"path": "x.R"},
        ".all_fit": {"optimizers": ["bobyqa"]},
        "factors.emmeans": {"specs": "recipe"},
        "factors.emtrends": {"specs": "recipe", "var": "temp"},
        "factors.contest": {"contrasts": [[0, 1, 0, 0]]},
        # Pictures.
        **{
            f"plots.{name}": {"fit": lmer}
            for name in pb.plots.__all__
            if "fit" in inspect.signature(getattr(pb.plots, name)).parameters
        },
        "plots.all_fit": {"result": known["AllFit"]},
        "plots.bootstrap": {"result": boot, "parameters": ["Days"]},
        "plots.coefficients": {"models": lmer},
        "plots.effect": {"fit": lmer, "terms": "Days"},
        "plots.effect_curve": {"curve": known["EffectCurve"]},
        "plots.emmip": {"fit": lmer, "formula": "~ Days"},
        "plots.residuals_predictor": {"fit": lmer, "term": "Days"},
        ".residuals_predictor": {"term": "Days"},
        "plots.means": {"result": known["MarginalMeans"]},
        "FitPlots.emmip": {"formula": "~ Days"},
        ".emmip": {"formula": "~ recipe"},
        "plots.simulated_residuals": {"result": known["SimulatedResiduals"]},
        "plots.predictive_check": {"result": known["PredictiveCheck"]},
        ".by_group": {"group": "Subject"},
        "plots.anova": {"result": known["FTests"]},
        "plots.intervals": {"result": known["Intervals"]},
        "plots.predictions": {"result": known["Predictions"]},
        "plots.influence": {"result": known["Influence"]},
        "plots.routes": {"result": known["InferenceRoutes"]},
        "plots.zeta": {"profile": known["Profile"]},
        "plots.profile_pairs": {"profile": known["Profile"]},
        # Results.
        ".at": {"points": [known["DevianceFunction"].parameters]},
        ".is_numeric": {"term": "Days"},
        ".group": {"name": "Subject"},
        "VarianceComponents.correlation": {
            "group": "Subject",
            "term1": "(Intercept)",
            "term2": "Days",
        },
        "Covariances.correlation": {"group": "Subject"},
        ".rotation": {"group": "Subject"},
        ".shown": {"form": "markdown"},
        ".from_dict": {"mapping": known["FixedEffects"].to_dict()},
        "BootstrapResult.confint": {"parameters": ["Days"]},
        ".p_values": {"parameters": ["Days"]},
        "BootstrapResult.plot": {"parameters": ["Days"]},
    }


FURTHER: Final = {
    "lmer_control": ("calc_derivs", "check_conv_singular", "check_conv_grad", "boundary_tol"),
    "glmer_control": ("tolPwrss", "check_conv_grad"),
    "nlmer_control": ("tolPwrss",),
    "update": tuple("reml weights subset contrasts hypotheses control na_action start".split()),
}
"""Arguments that a signature does not name: what ``**options`` takes."""
LEFT_OUT: Final = {
    ("n_jobs", "minus one"): "it is right, and starts as many processes as there are cores",
    ("progress", "class"): "it is called, and raises what is no error of ours",
    ("progress", "hostile"): "the same",
    ("fitter", "class"): "the same",
    ("fitter", "hostile"): "the same",
    ("restricted", "nested list"): "it is right, and PBmodcomp() of pbkrtest 0.5.2 fails with it",
}
"""What is not tried, and why."""


def _subject(name: str, call: Callable[..., Any], right: Mapping[str, Any]) -> Subject:
    short = name.rpartition(".")[2]
    of_this = right.get(name, right.get(f".{short}", {}))
    parameters = inspect.signature(call).parameters
    given = {k: v for k, v in right[""].items() if k in parameters} | dict(of_this)
    named = [
        key
        for key, parameter in parameters.items()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    further = FURTHER.get(name, FURTHER.get(short, ()))
    stars = [f"*{key}" for key, p in parameters.items() if p.kind is p.VAR_POSITIONAL]
    return Subject(name, call, (*named, *stars, *further), given)


def _methods(thing: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Give the public methods of an object that take arguments, and how it is looked up in."""
    for name in dir(type(thing)):
        if name.startswith("_"):
            continue
        found = inspect.getattr_static(type(thing), name)
        if isinstance(found, FunctionType | classmethod):
            method = getattr(thing, name)
            if isinstance(method, MethodType) and inspect.signature(method).parameters:
                yield name, method
    if isinstance(thing, Rows):
        yield "getitem", lambda key: thing[key]


@cache
def subjects() -> tuple[Subject, ...]:
    """Return everything public that takes arguments."""
    right = _arguments()
    known = things()
    found = [
        _subject(name, getattr(pb, name), right)
        for name in pb.__all__
        if isinstance(getattr(pb, name), FunctionType)
    ]
    found += [_subject(name, getattr(pb, name.split()[0]), right) for name in right if " " in name]
    found += [
        _subject(f"plots.{name}", getattr(pb.plots, name), right) for name in pb.plots.__all__
    ]
    for kind, thing in known.items():
        for name, method in _methods(thing):
            if name == "getitem":
                found.append(Subject(f"{kind}[...]", method, ("key",), {}))
            elif kind not in ("null", "factors") or f"{kind}.{name}" in right:
                found.append(_subject(f"{kind}.{name}", method, right))
    by_name = {one.name: one for one in found}
    return tuple(by_name.values())


# -- what came of it -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One wrong argument."""

    subject: Subject
    parameter: str
    label: str

    def __str__(self) -> str:
        return f"{self.subject.name}({self.parameter}={self.label})"

    @property
    def number(self) -> int:
        """A number by which cases are drawn, the same in every run."""
        return zlib.crc32(str(self).encode())


def cases() -> Iterator[Case]:
    """Give every wrong argument of everything public."""
    for subject in subjects():
        for parameter in subject.parameters:
            for label in VALUES:
                if (parameter, label) not in LEFT_OUT:
                    yield Case(subject, parameter, label)


FILES: Final = ("path", "checkpoint")
"""Arguments that are named by the file."""

LONGEST: Final = 1500
"""Characters of a message: what is longer is no message."""


def _names(said: str, parameter: str, value: Any) -> bool:
    """Say whether a message names the argument: by its name, or by the file that it is."""
    if parameter == "key" or re.search(rf"\b{parameter.lstrip('*').removesuffix('s')}", said):
        return True  # one thing of several is named by what it is one of: a model of models
    return parameter in FILES and isinstance(value, str | Path) and str(value)[:40] in said


@cache
def _is_refused(subject: Subject) -> bool:
    """Say whether a model has nothing of this kind, whatever the arguments."""
    try:
        subject.with_right()
    except PymerError:
        return True
    return False


def run(case: Case) -> tuple[str, str]:
    """Return what became of one case, as a word, and what was said.

    "accepted", "refused" (a PymerError that names the argument), or a fault: "raw" (another
    exception), "unnamed" (it does not name the argument) or "long".
    """
    value = VALUES[case.label]()
    name = case.parameter
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if name.startswith("*"):
                name, value = "*", (value,)
            case.subject.with_value(name, value)
    except PymerError as error:
        said = str(error)
        if len(said) > LONGEST:
            return "long", f"{type(error).__name__}: {said[:200]}"
        named = _names(said, case.parameter, value) or isinstance(error, REnvironmentError)
        named = named or (isinstance(error, DataConversionError) and "column" in said)
        return "refused" if named or _is_refused(case.subject) else "unnamed", said
    except Exception as error:  # that is what is looked for
        with suppress(Exception):
            return "raw", f"{type(error).__name__}: {str(error)[:200]}"
        return "raw", type(error).__name__
    finally:
        if "matplotlib.pyplot" in __import__("sys").modules:
            import matplotlib.pyplot as plt  # noqa: PLC0415

            plt.close("all")
    return "accepted", ""


def prepare(folder: Path) -> None:
    """Write the files that cases read."""
    lmer = things()["lmer"]
    lmer.save(folder / "right.pbm")
    lmer.save_rds(folder / "right.rds")
    pb.record(lmer, folder / "right.pbr.json", source="lme4::sleepstudy", results=False)
    assert folder != ROOT
