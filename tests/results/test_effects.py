"""Effects of predictors against R's package effects, in the same process and to the last bit.

scripts/setup.sh installs effects where Debian has it. Where it is missing the tests hold the
error that says so: none is skipped.
"""

from __future__ import annotations

import json
import re
import warnings
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.live import ask_r
from helpers.probing import plain_r
from pymer_bridge.errors import OptionError, PymerWarning, REnvironmentError, RError
from pymer_bridge.results.effects import FIGURES, RESPONSES, EffectCurve
from pymer_bridge.session.r_session import session

pytestmark = [pytest.mark.r, pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning")]

REFERENCE = REFERENCES / "effects.R"


@pytest.fixture(scope="module")
def plain() -> Any:
    """Return a function that calls plain R."""
    return plain_r(REFERENCE)


@cache
def _is_there() -> bool:
    try:
        session().require("effects")
    except REnvironmentError:
        return False
    return True


@cache
def _fit(name: str) -> Any:
    sleep, cake = pb.load_dataset("sleepstudy"), pb.load_dataset("cake")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PymerWarning)
        match name:
            case "slope":
                return pb.lmer("Reaction ~ Days + (Days | Subject)", sleep)
            case "poly":
                return pb.lmer("Reaction ~ poly(Days, 2) + (Days | Subject)", sleep, reml=False)
            case "log":
                return pb.lmer("log(Reaction) ~ log(Days + 1) + (1 | Subject)", sleep)
            case "part":
                return pb.lmer(
                    "Reaction ~ Days + (1 | Subject)",
                    sleep,
                    subset=sleep["Days"] > 1,
                    weights="1 / (1 + Days)",
                    offset=2 * sleep["Days"],
                )
            case "cake":
                return pb.lmer("angle ~ recipe * temp + (1 | recipe:replicate)", cake)
            case "ordered":
                formula = "angle ~ recipe + temperature + (1 | recipe:replicate)"
                return pb.lmer(formula, cake, contrasts={"recipe": "contr.sum"})
            case "binomial":
                formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
                return pb.glmer(formula, pb.load_dataset("cbpp"), family="binomial")
            case "poisson":
                formula = "TICKS ~ YEAR + cHEIGHT + (1 | BROOD)"
                return pb.glmer(formula, pb.load_dataset("grouseticks"), family="poisson")
            case "splines":
                return pb.lmer("Reaction ~ ns(Days, 3) + (1 | Subject)", sleep)
            case "negative":
                return pb.glmer_nb("TICKS ~ YEAR + (1 | BROOD)", pb.load_dataset("grouseticks"))
            case "lm":
                return pb.lm("Reaction ~ poly(Days, 2) + Subject", sleep)
            case _:
                formula = "cbind(incidence, size - incidence) ~ period"
                return pb.glm(formula, pb.load_dataset("cbpp"), family="binomial")


BOTH = ["recipe", "temperature"]
TWO = ["recipe", "temp"]
ASKED: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "slope": ("slope", "Days", {}),
    "slope_points": ("slope", "Days", {"n_points": 37}),
    "slope_at": ("slope", "Days", {"at": {"Days": [1.5, 20]}}),
    "slope_level": ("slope", "Days", {"conf_level": 0.8}),
    "slope_partial": ("slope", "Days", {"partial_residuals": True}),
    "poly": ("poly", "Days", {}),
    "poly_partial": ("poly", "Days", {"n_points": 11, "partial_residuals": True}),
    "log": ("log", ["Days"], {}),
    "part": ("part", "Days", {"partial_residuals": True}),
    "factor": ("ordered", "recipe", {}),
    "ordered": ("ordered", "temperature", {"partial_residuals": True}),
    "factors": ("ordered", BOTH, {"partial_residuals": True}),
    "interaction": ("cake", TWO, {}),
    "interaction_term": ("cake", "recipe:temp", {}),
    "interaction_partial": ("cake", "temp*recipe", {"partial_residuals": True}),
    "moderated_partial": ("cake", TWO, {"partial_residuals": True}),
    "within": ("cake", "recipe", {}),
    "given": ("cake", "recipe", {"at": {"temp": 180}}),
    "binomial": ("binomial", "period", {}),
    "binomial_partial": ("binomial", "period", {"partial_residuals": True}),
    "poisson": ("poisson", "cHEIGHT", {"n_points": 20, "partial_residuals": True}),
    "poisson_two": ("poisson", ["cHEIGHT", "YEAR"], {}),
    "splines": ("splines", "Days", {"n_points": 20}),
    "negative": ("negative", "YEAR", {}),
    "lm": ("lm", "Days", {"partial_residuals": True}),
    "glm": ("glm", "period", {}),
}


def _effect(name: str) -> EffectCurve | None:
    """Return an effect; where R has no effects assert that this is said, and return None."""
    model, terms, how = ASKED[name]
    if _is_there():
        return _fit(model).effect(terms, **how)  # type: ignore[no-any-return]
    with pytest.raises(REnvironmentError, match=r"'effects' .*is not installed"):
        _fit(model).effect(terms, **how)
    return None


def test_every_effect_of_the_reference_is_compared(plain: Any) -> None:
    assert set(plain("names", x=plain("get", x="effects_asked"))) == set(ASKED)


@pytest.mark.parametrize("name", ASKED)
def test_effects_are_those_of_effects(plain: Any, name: str) -> None:
    if (curve := _effect(name)) is None:
        return
    theirs = plain("effect_of", name=name)
    assert curve.terms == theirs["terms"]
    frame = curve.to_frame()
    for term, values in zip(curve.terms, theirs["values"], strict=True):
        assert list(frame[term]) == list(values)
    for names, scale in ((FIGURES, "link"), (RESPONSES, "response")):
        for column, values in zip(names, theirs[scale], strict=True):
            assert np.array_equal(frame[column], values), column
    residuals = theirs["residuals"]
    assert [row.residual for row in curve.partial] == list(() if residuals is None else residuals)
    along_a_number = len(curve.terms) == 1 and curve.is_numeric(curve.terms[0])
    assert (curve.smooth is not None) == (bool(curve.partial) and along_a_number)
    assert EffectCurve.from_dict(json.loads(json.dumps(curve.to_dict()))) == curve


@pytest.mark.parametrize(
    "name", [name for name, asked in ASKED.items() if "partial_residuals" in asked[2]]
)
def test_partial_residuals_are_those_that_effects_draws(plain: Any, name: str) -> None:
    if (curve := _effect(name)) is None:
        return
    drawn = plain("drawn_partial", name=name)
    frame = curve.partial_frame()
    # Where there are two predictors there is a panel for each level of one factor.
    panels = {
        "factors": "temperature",
        "interaction_partial": "recipe",
        "moderated_partial": "temp",
    }.get(name)
    if panels is not None:
        frame = frame.sort_values(panels, kind="stable")
    for term in filter(
        curve.is_numeric, curve.terms[:1]
    ):  # factors are drawn at random places beside their level
        assert list(frame[term]) == list(drawn["x"])
    assert list(frame["estimate"]) == list(drawn["y"])


def test_the_smooth_is_on_the_scale_of_the_linear_predictor() -> None:
    if (curve := _effect("poisson")) is None:
        return
    frame, smooth = curve.partial_frame(), curve.smooth
    assert smooth is not None
    theirs = ask_r("lowess", x=frame["cHEIGHT"].to_numpy(), y=frame["estimate"].to_numpy())
    assert np.array_equal(smooth.x, theirs["x"])
    assert np.array_equal(smooth.estimate, theirs["y"])
    inverse = session().call("exp", x=np.array(smooth.estimate)).value
    assert np.array_equal(smooth.response_estimate, np.maximum(inverse, np.finfo(float).eps))
    expected = session().call("exp", x=frame["estimate"].to_numpy()).value
    assert np.array_equal(frame["response_estimate"], np.maximum(expected, np.finfo(float).eps))


def test_values_and_levels_are_chosen_among_the_rows() -> None:
    if (whole := _effect("factors")) is None:
        return
    some = _fit("ordered").effect(
        BOTH, at={"recipe": ["C", "A"], "temperature": 185}, partial_residuals=True
    )
    assert some.rows == (whole["A", "185"], whole["C", "185"])
    assert some.partial == tuple(
        row
        for row in whole.partial
        if row.values["recipe"] in "AC" and row.values["temperature"] == "185"
    )
    days = _effect("slope")
    assert days is not None
    assert _fit("slope").effect("Days", at={"Days": 4}).rows == (days[4.0],)


def test_partial_residuals_are_on_the_index_of_the_data() -> None:
    data = pb.load_dataset("sleepstudy")
    data.loc[[2, 49], "Reaction"] = np.nan
    data["late"] = data["Days"] > 4
    data.index = pd.Index([f"row {i}" for i in range(1, len(data) + 1)])
    for na_action in ("omit", "exclude"):
        fit = pb.lmer("Reaction ~ Days + late + (1 | Subject)", data, na_action=na_action)
        if not _is_there():
            continue
        curve = fit.effect("Days", partial_residuals=True)
        used = data.dropna()
        assert [row.label for row in curve.partial] == list(used.index)
        assert [row.values["Days"] for row in curve.partial] == list(used["Days"])
        late = fit.effect("late", at={"late": True})
        assert [row.values for row in late.rows] == [{"late": "TRUE"}]


OTHERS: dict[str, tuple[str, Any, dict[str, Any], tuple[str, ...]]] = {
    "nothing": ("slope", "Days", {}, ()),
    "a number": ("cake", "recipe", {}, ("temp at its mean",)),
    "a given number": ("cake", "recipe", {"at": {"temp": 180}}, ("temp at 180",)),
    "factors": ("ordered", "recipe", {}, ("averaged over temperature",)),
    "both": ("poisson", "cHEIGHT", {}, ("averaged over YEAR",)),
    "a term": ("poly", "Days", {}, ()),
    "all": ("cake", TWO, {}, ()),
    "lm": ("lm", "Subject", {}, ("poly(Days, 2) at its mean",)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_done_with_other_predictors_is_said(name: str) -> None:
    model, terms, how, others = OTHERS[name]
    if not _is_there():
        return
    curve = _fit(model).effect(terms, **how)
    assert curve.others == others
    assert (f"Other predictors: {', '.join(others)}." in str(curve)) == bool(others)


def test_numeric_moderators_are_at_mean_and_standard_deviations() -> None:
    if not _is_there():
        return
    data = pb.load_dataset("sleepstudy")
    data = data.assign(age=np.resize([20.5, 33.25, 41.0, 58.7, 26.1], 180), late=data["Days"] % 2)
    fit = pb.lmer("Reaction ~ Days * age * late + (1 | Subject)", data)
    curve = fit.effect(["Days", "age", "late"])
    assert curve.moderators == ("age",)
    mean, deviation = (ask_r(name, x=data["age"].to_numpy()) for name in ("mean", "sd"))
    ages = list(dict.fromkeys(row.values["age"] for row in curve.rows))
    # effects itself writes its values as text of 15 digits, and reads that.
    assert [f"{age:.14g}" for age in ages] == [
        f"{value:.14g}" for value in (mean[0] - deviation[0], mean[0], mean[0] + deviation[0])
    ]
    assert {row.values["late"] for row in curve.rows} == {0.0, 1.0}
    said = [curve._level_said("age", age) for age in ages]
    assert [text.split(" ", 1)[1] for text in said] == ["(mean - 1 SD)", "(mean)", "(mean + 1 SD)"]
    chosen = fit.effect(["Days", "age"], at={"age": [20, 50]})
    assert chosen.moderators == ()
    assert chosen._level_said("age", 20.0) == "20"
    turned = fit.effect(["age", "Days"], n_points=4)
    assert turned.moderators == ("Days",)
    assert len(turned.rows) == 12
    assert EffectCurve.from_dict(json.loads(json.dumps(curve.to_dict()))) == curve


def test_what_is_printed_names_both_scales() -> None:
    if (curve := _effect("binomial")) is None:
        return
    text = str(curve)
    assert text.startswith(
        "Effect of period on cbind(incidence, size - incidence), 56 observations\n"
    )
    assert "Response: Estimate" in text
    assert "Intervals: 95%, point by point." in text
    assert "Response: Estimate" not in str(_effect("slope"))
    assert "<table" in curve._repr_html_()


def test_what_is_not_in_the_model_is_named() -> None:
    if not _is_there():
        return
    slope, cake = _fit("slope"), _fit("cake")
    for terms, how, words in (
        ("Subject", {}, "no predictor 'Subject'; there are: 'Days'"),
        ("Days:x", {}, "no predictor 'x'; there are: 'Days'"),
        ([], {}, "terms names no predictor"),
        (["Days", "Days"], {}, "a predictor twice"),
        ("Days", {"at": {"Days": "a"}}, r"at\['Days'\] holds 'a'; the model has numbers there"),
        ("Days", {"at": {"Days": np.nan}}, "'Days' takes numbers"),
        ("Days", {"at": {"Days": []}}, "no value for 'Days'"),
        ("Days", {"at": {"x": 1}}, r"neither in terms nor a column of the design"),
        ("Days", {"n_points": 1}, "n_points"),
        ("Days", {"conf_level": 1.5}, "conf_level"),
        ("Days", {"partial_residuals": 1}, "partial_residuals"),
    ):
        with pytest.raises(OptionError, match=words):
            slope.effect(terms, **how)
    with pytest.raises(OptionError, match=r"recipe'\] has no level 'Z'; there are: 'A', 'B', 'C'"):
        cake.effect("recipe", at={"recipe": ["A", "Z"]})
    data = pb.load_dataset("sleepstudy").assign(hours=2.0)
    model = pb.lmer("Reaction ~ Days + offset(hours) + (1 | Subject)", data)
    with pytest.raises(OptionError, match="no predictor 'hours'; there are: 'Days'"):
        model.effect("hours")
    with pytest.raises(OptionError, match="takes one value"):
        cake.effect("recipe", at={"temp": [175, 180]})


def test_code_in_a_term_is_no_predictor() -> None:
    if not _is_there():
        return
    for code in ("system('touch x')", "Days; stop()", "I(Days)"):
        with pytest.raises(OptionError, match="no predictor"):
            _fit("slope").effect(code)


def test_what_effects_cannot_do_is_said() -> None:
    data = pb.load_dataset("sleepstudy")
    fit = pb.lmer("Reaction ~ factor(Days) + (1 | Subject)", data)
    if _is_there():
        with pytest.raises(RError, match="should not contain calls to"):
            fit.effect("Days")
    orange = pb.nlmer(
        "circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree",
        pb.load_dataset("Orange", "datasets"),
        start={"Asym": 200, "xmid": 725, "scal": 350},
    )
    with pytest.raises(OptionError, match="a linear predictor"):
        orange.effect("age")


def test_the_workspace_and_the_search_path_are_left_as_they_were(plain: Any) -> None:
    del plain  # it attaches splines; without it the effect below does
    attached = "package:splines"
    session().call("detach", name=attached, **{"character.only": True})
    before = session().call("search").value
    workspace = session().call("ls", envir=session().call("globalenv").value).value
    _effect("interaction_partial")
    _effect("splines")
    assert session().call("search").value == before
    assert session().call("ls", envir=session().call("globalenv").value).value == workspace
    session().call("attachNamespace", ns="splines")


RENAMED = {
    "Days": "days (d)",
    "z": "a-b `c`",
    "f": "my f",
    "Reaction": "time (ms)",
    "Subject": "sub ject",
}
ODD: list[tuple[str, list[str], dict[str, Any], dict[str, Any]]] = [
    ("Reaction ~ Days + (1 | Subject)", ["Days"], {}, {}),
    ("Reaction ~ Days * f + z + (1 | Subject)", ["Days", "f"], {}, {}),
    ("Reaction ~ Days * f + z + (1 | Subject)", ["f"], {"partial_residuals": True}, {}),
    ("Reaction ~ Days + f + (1 | Subject)", ["Days", "f"], {"at": {"f": ["a", "c"]}}, {}),
    ("Reaction ~ Days + f + (1 | Subject)", ["f"], {"at": {"Days": 2.0}}, {}),
    ("log(Reaction) ~ poly(Days, 2) + f + (Days | Subject)", ["Days"], {"n_points": 5}, {}),
    ("Reaction ~ ns(Days, 3) + f + (1 | Subject)", ["Days"], {"n_points": 5}, {}),
    ("Reaction ~ . - Subject + (1 | Subject)", ["Days"], {"partial_residuals": True}, {}),
    (
        "Reaction ~ Days + f + (1 | Subject)",
        ["f"],
        {},
        {
            "contrasts": {"f": "contr.sum"},
            "weights": "1 / (1 + Days)",
            "subset": "Days > 1",
            "offset": "2 * Days",
        },
    ),
    ("slow ~ Days + f + (1 | Subject)", ["Days"], {}, {"family": "binomial"}),
    ("Reaction ~ Days * f + z", ["f", "Days"], {"partial_residuals": True}, {}),
    ("Reaction ~ .", ["z"], {}, {}),
    (
        "Reaction ~ Days + f",
        ["f"],
        {},
        {"contrasts": {"f": "contr.sum"}, "weights": "1 / (1 + Days)", "subset": "Days > 1"},
    ),
]


def _quoted(text: str) -> str:
    def quote(match: re.Match[str]) -> str:
        name = RENAMED.get(match[0])
        return match[0] if name is None else "`" + name.replace("`", "\\`") + "`"

    return re.sub(r"[A-Za-z]+", quote, text)


@pytest.mark.parametrize("case", ODD, ids=lambda case: f"{case[0]}: {case[1]}")
def test_columns_of_any_name_have_the_same_effects(case: Any) -> None:
    """The curves under ordinary names are those of plain R, above; the figures are the same."""
    if not _is_there():
        return
    formula, terms, how, options = case
    data = pb.load_dataset("sleepstudy")
    data = data.assign(z=np.sin(np.arange(180)), f=np.tile(list("abc"), 60))
    data["slow"] = (data["Reaction"] > 300).astype(float)
    if "slow" not in formula:
        del data["slow"]
    fitter: Any = pb.lm if "|" not in formula else pb.glmer if "family" in options else pb.lmer
    odd = {k: _quoted(v) if isinstance(v, str) else v for k, v in options.items()}
    if "contrasts" in options:
        odd["contrasts"] = {RENAMED[name]: value for name, value in options["contrasts"].items()}
    plain = fitter(formula, data, **options).effect(terms, **how)
    asked = {**how}
    if "at" in how:
        asked["at"] = {
            RENAMED[k] if k in terms else _quoted(k): value for k, value in how["at"].items()
        }
    renamed = fitter(_quoted(formula), data.rename(columns=RENAMED), **odd)
    curve = renamed.effect([RENAMED[term] for term in terms], **asked)
    assert curve.terms == tuple(RENAMED[term] for term in terms)
    assert np.array_equal(curve.to_frame().to_numpy(), plain.to_frame().to_numpy())
    assert curve.response == {"log(Reaction)": "log(`time (ms)`)"}.get(
        plain.response, RENAMED.get(plain.response, plain.response)
    )
    if "partial_residuals" in how:
        assert np.array_equal(curve.partial_frame().to_numpy(), plain.partial_frame().to_numpy())


@pytest.mark.parametrize(
    ("right", "said"),
    [
        ("recipe + temp:recipe", "recipe in interactions at its first level"),
        ("temp + recipe", "averaged over recipe"),
    ],
)
def test_a_factor_without_margins_is_said_to_stand_at_its_first_level(
    right: str, said: str
) -> None:
    data = pb.load_dataset("cake").assign(temp=lambda cake: cake["temp"].astype(float))
    fit = pb.lmer(f"angle ~ {right} + (1 | replicate)", data)
    assert fit.effect("temp").others == (said,)
