"""The referee: figures of other software, the cause of each difference, and files of figures."""

from __future__ import annotations

import json
import math
import re
import shlex
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.formula.api as smf

import pymer_bridge as pb
from helpers import ROOT
from helpers.pages import read_blocks
from pymer_bridge.cli.commands import main
from pymer_bridge.data import figures_file
from pymer_bridge.errors import OptionError, SingularFitWarning
from pymer_bridge.results.base import Result
from pymer_bridge.verification import causes
from pymer_bridge.verification.plain_r import run_snippet

pytestmark = pytest.mark.r("lmerTest", "pbkrtest")

LINEAR = {
    "slopes": ("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
    "split plot": ("cake", "angle ~ recipe + temp + (1 | recipe:replicate)"),
    "crossed": ("Penicillin", "diameter ~ sample + (1 | plate)"),
    "uncorrelated": ("sleepstudy", "Reaction ~ Days + (Days || Subject)"),
    "no intercept": ("cake", "angle ~ 0 + recipe + (1 | replicate)"),
}
OTHERS = {
    "binomial": ("cbpp", "cbind(incidence, size - incidence) ~ period + (1 | herd)", "binomial"),
    "Poisson": ("grouseticks", "TICKS ~ YEAR + (1 | BROOD)", "poisson"),
}
ALL = [*LINEAR, *OTHERS]
UNCOMPARED = ("convergence/", "model////dropped_columns")


@pytest.fixture(scope="module")
def fits() -> dict[str, Any]:
    made = {
        name: pb.lmer(formula, pb.load_dataset(data)) for name, (data, formula) in LINEAR.items()
    }
    for name, (data, formula, family) in OTHERS.items():
        made[name] = pb.glmer(formula, pb.load_dataset(data), family=family)
    return made


def all_of(fit: Any, ddf: str | None = None) -> dict[str, Any]:
    values = pb.figures_of(fit, ddf).values
    return {key: value for key, value in values.items() if not key.startswith(UNCOMPARED)}


def only(report: Any, *wanted: str) -> None:
    """Check that every difference has one of these causes, and that there are some."""
    found = set(report.causes)
    assert found, report
    assert all(any(cause.startswith(each) for each in wanted) for cause in found), report


# -- verdicts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_figures_of_plain_r_in_another_process_are_equal(fits: dict[str, Any], name: str) -> None:
    fit = fits[name]
    if name in LINEAR:
        script = f"lmerTest::lmer({LINEAR[name][1]}, {LINEAR[name][0]})"
    else:
        data, formula, family = OTHERS[name]
        script = f"lme4::glmer({formula}, {data}, family = {family})"
    figures = run_snippet(script, {fit.spec.data_name: fit})
    given = {key: v for key, v in figures.items() if not key.startswith(UNCOMPARED)}
    report = pb.compare_figures(fit, given, tolerance=0)
    assert report.ok
    assert report.exit_status == 0
    assert len(report) > 10
    assert {row.verdict for row in report.rows} == {"equal"}, report
    assert report.line.endswith("are R's to the last bit")
    assert report.first == ""


def test_differences_digits_and_verdicts(fits: dict[str, Any]) -> None:
    days = fits["slopes"].fixed_effects()["Days"]
    given = {
        "estimate": days.estimate,
        "std_error": days.std_error * 1.001,
        "df": round(days.df),
        "p_value": np.float64(days.p_value),
        "statistic": None,
        "conf_low": float("nan"),
    }
    report = pb.compare_figures(
        fits["slopes"], {"Days": given, "n_obs": 180.0}, software="mine 1.0"
    )
    assert [row.verdict for row in report] == ["equal", "different", "within", "equal", "equal"]
    row = report["fixed_effect///Days/std_error"]
    assert row.given == days.std_error * 1.001
    assert row.r == days.std_error
    assert row.difference == row.given - row.r
    assert row.digits == pytest.approx(3.0)
    assert dict(report.counts) == {"equal": 3, "within": 1, "different": 1, "absent": 0}
    assert "5 figures of mine 1.0" in str(report)
    assert "Days/std_error" in report.first
    assert report.exit_status == 1
    wide = pb.compare_figures(fits["slopes"], {"Days": given}, {"fixed_effect/std_error": 0.01})
    assert wide["fixed_effect///Days/std_error"].verdict == "within"
    assert wide["fixed_effect///Days/df"].verdict == "different"
    frame = report.to_frame()
    assert list(frame.columns) == list(report.shown)
    assert len(frame) == len(report)
    assert Result.from_dict(json.loads(json.dumps(report.to_dict()))) == report
    assert "Digits" in report.to_html()
    assert "Digits" in report.to_markdown()


# -- causes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LINEAR)
def test_the_other_criterion(fits: dict[str, Any], name: str) -> None:
    fit = fits[name]
    other = fit.update(reml=False)
    only(pb.compare_figures(fit, all_of(other), 1e-9), causes.ML)
    only(pb.compare_figures(other, all_of(fit), 1e-9), causes.REML)
    only(pb.compare_figures(fit, other.fixed_effects("normal").to_frame(), 1e-9), causes.ML)


@pytest.mark.parametrize("ddf", ["normal", "kenward-roger"])
@pytest.mark.parametrize("name", LINEAR)
def test_other_degrees_of_freedom(fits: dict[str, Any], name: str, ddf: str) -> None:
    report = pb.compare_figures(fits[name], fits[name].fixed_effects(ddf), 1e-4)
    # In balanced designs the two methods agree.
    if report.ok:
        assert ddf == "kenward-roger"
    else:
        only(report, causes.OF_TESTS[ddf])
    back = pb.compare_figures(fits[name], fits[name].fixed_effects(), 1e-4, ddf="kenward-roger")
    assert back.ok or set(back.causes) == {causes.OF_TESTS["satterthwaite"]}


@pytest.fixture(scope="module")
def plain_by_residuals(fits: dict[str, Any]) -> dict[str, Any]:
    """Return tests by residual degrees of freedom of plain R, for each linear model."""
    script = """
      by_residuals <- function(fit) {
        table <- coef(summary(fit))
        df <- nobs(fit) - nrow(table)
        half <- qt(0.975, df) * table[, 2]
        list(terms = rownames(table), df = rep(df, nrow(table)), estimate = table[, 1],
          std_error = table[, 2], statistic = table[, 3], p_value = 2 * pt(-abs(table[, 3]), df),
          conf_low = table[, 1] - half, conf_high = table[, 1] + half)
      }
    """
    calls = (f"by_residuals(lme4::lmer({formula}, {data}))" for data, formula in LINEAR.values())
    # Of the models of one data set the first has all columns.
    data = {fits[name].spec.data_name: fits[name] for name in reversed(LINEAR)}
    plain = run_snippet(f"{script}\nlist({', '.join(calls)})", data)
    return dict(zip(LINEAR, plain, strict=True))


@pytest.mark.parametrize("name", LINEAR)
def test_residual_degrees_of_freedom(
    fits: dict[str, Any], plain_by_residuals: dict[str, Any], name: str
) -> None:
    fit = fits[name]
    rest = fit.n_obs - len(fit.fixed_effects().rows)
    given = {row.term: {"df": rest, "estimate": row.estimate} for row in fit.fixed_effects()}
    report = pb.compare_figures(fit, given)
    only(report, causes.RESIDUAL_DF)
    assert len(report._wrong()) == len(given)
    plain = plain_by_residuals[name]
    ours = fit._ask("tests_by_residuals", dict, conf_level=0.95)
    for column in ("df", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"):
        theirs = plain[column]
        values = list(theirs.values()) if isinstance(theirs, dict) else np.ravel(theirs).tolist()
        assert ours[column].tolist() == values, column


@pytest.mark.parametrize("name", ALL)
def test_one_quantity_for_another(fits: dict[str, Any], name: str) -> None:
    rows = fits[name].variance_components.rows
    swapped: dict[str, Any] = {}
    for row in rows:
        if row.term is None:
            swapped[row.group] = {"std_dev": row.variance, "variance": row.std_dev}
        else:
            swapped.setdefault(row.group, {})[row.term] = {"std_dev": row.variance}
    report = pb.compare_figures(fits[name], {"variance_components": swapped})
    only(report, *causes.SWAPS.values())
    statistics = fits[name].fit_statistics
    likelihood = {"log_likelihood": statistics.deviance, "aic": statistics.bic}
    report = pb.compare_figures(fits[name], {"fit_statistics": likelihood})
    if statistics.deviance is not None:
        only(report, *causes.SWAPS.values())
    effects = fits[name].group_coefficients.rows
    group = {
        row.group: {row.level: {row.term: {"estimate": row.estimate}}}
        for row in effects
        if row.term == "(Intercept)"
    }
    report = pb.compare_figures(fits[name], {"random_effects": group})
    if name != "no intercept":
        only(report, "the coefficient of the group")


@pytest.mark.parametrize("name", ["split plot", "crossed", "binomial", "Poisson"])
def test_other_contrasts_and_reference_levels(fits: dict[str, Any], name: str) -> None:
    fit = fits[name]
    (coding,) = fit.contrasts
    for contrasts in ("contr.sum", "contr.helmert"):
        other = fit.update(contrasts={coding.factor: contrasts})
        only(pb.compare_figures(fit, other.tidy(), 1e-4), f"contrasts by {contrasts}")
    for level in coding.levels[1:3]:
        columns = [other for other in coding.levels if other != level]
        indicators = pd.DataFrame(np.eye(len(coding.levels)), coding.levels, coding.levels)[columns]
        other = fit.update(contrasts={coding.factor: indicators})
        # As patsy spells them.
        given = {
            f"C({coding.factor})[T.{row.term.removeprefix(coding.factor)}]"
            if row.term.startswith(coding.factor)
            else row.term: {"estimate": row.estimate}
            for row in other.fixed_effects("none")
        }
        report = pb.compare_figures(fit, given, 1e-4)
        only(report, f"{level!r} is the reference level of {coding.factor}")


@pytest.mark.parametrize("name", ["slopes", "split plot", "uncorrelated"])
@pytest.mark.parametrize("factor", [0.8, 1.3])
def test_variances_that_are_no_optimum(fits: dict[str, Any], name: str, factor: float) -> None:
    fit = fits[name]
    given: dict[str, Any] = {}
    for row in fit.variance_components.rows:
        if row.term is None:
            given[row.group] = {"std_dev": row.std_dev}
        else:
            given.setdefault(row.group, {})[row.term] = {"variance": row.variance * factor}
    pairs: dict[str, Any] = {}
    for pair in fit.variance_components.correlations:
        wanted = {"correlation": pair.correlation}
        pairs.setdefault(pair.group, {}).setdefault(pair.term2, {})[pair.term1] = wanted
    report = pb.compare_figures(fit, {"variance_components": given, "correlations": pairs}, 1e-6)
    (cause,) = report.causes
    # Multiplying the variances of all effects multiplies theta.
    function = fit.deviance_function()
    theta = function.theta * np.sqrt(factor)
    higher = function(theta) - function(function.theta)
    assert cause == f"not R's optimum: the criterion there is higher by {higher:.3g}"


def test_a_likelihood_alone_tells_of_another_optimum(fits: dict[str, Any]) -> None:
    likelihood = fits["Poisson"].fit_statistics.log_likelihood
    # Half a unit is what nAGQ = 0 takes from it.
    for change, word in ((-1.5, "higher by 3"), (1.5, "lower than R's by 3")):
        given = {"fit_statistics": {"log_likelihood": likelihood + change}}
        (cause,) = pb.compare_figures(fits["Poisson"], given).causes
        assert cause.endswith(word), cause


@pytest.mark.parametrize("name", ["slopes", "split plot"])
def test_tests_that_go_with_degrees_of_freedom_that_are_not_rs(
    fits: dict[str, Any], name: str
) -> None:
    """As of a port that tests by 1,981 degrees of freedom."""
    fit = fits[name]
    script = """
      table <- coef(summary(lme4::lmer({formula}, {data})))
      half <- qt(0.975, 21) * table[, 2]
      list(p_value = 2 * pt(-abs(table[, 3]), 21), conf_low = table[, 1] - half)
    """
    data, formula = LINEAR[name]
    plain = run_snippet(script.format(formula=formula, data=data), {fit.spec.data_name: fit})
    given = {
        term: {"df": 21.0, "p_value": plain["p_value"][term], "conf_low": plain["conf_low"][term]}
        for term in plain["p_value"]
    }
    report = pb.compare_figures(fit, given, 1e-9)
    # A p-value near zero is within the tolerance.
    assert report.causes[""] == len(given)
    assert report.causes[causes.GIVEN_DF] >= len(given)
    assert len(report.causes) == 2


@pytest.mark.parametrize("name", OTHERS)
def test_no_quadrature_and_no_constants(fits: dict[str, Any], name: str) -> None:
    fit = fits[name]
    other = fit.update(n_agq=0)
    report = pb.compare_figures(fit, all_of(other), 1e-6)
    only(report, causes.NO_QUADRATURE, *causes.SWAPS.values())
    data, formula, family = OTHERS[name]
    script = f"""
      vapply(1:0, function(agq) {{
        fit <- lme4::glmer({formula}, {data}, family = {family}, nAGQ = agq)
        saturated <- lme4::getME(fit, "devcomp")$cmp
        -(saturated[["ldL2"]] + saturated[["ussq"]] + sum(residuals(fit, "deviance")^2)) / 2
      }}, 1)
    """
    values = run_snippet(script, {fit.spec.data_name: fit})
    wanted = (causes.CONSTANTS, f"{causes.NO_QUADRATURE}, and {causes.CONSTANTS}")
    for value, cause in zip(values, wanted, strict=True):
        report = pb.compare_figures(fit, {"fit_statistics": {"log_likelihood": value}})
        assert dict(report.causes) == {cause: 1}


@pytest.mark.parametrize("part", ["weights", "offset"])
def test_what_was_left_out(part: str) -> None:
    data = pb.load_dataset("sleepstudy")
    data["w"] = np.arange(len(data)) % 5 + 1.0
    model = ("Reaction ~ Days + (1 | Subject)", data)
    fit, other = pb.lmer(*model, **{part: data["w"]}), pb.lmer(*model)
    only(pb.compare_figures(fit, all_of(other), 1e-9), f"without the {part}")
    report = pb.compare_figures(fit, other.fixed_effects("normal"), 1e-9)
    both = f"without the {part}, and {causes.OF_TESTS['normal']}"
    assert set(report.causes) == {f"without the {part}", both}
    if part == "weights":
        likelihood = fit.fit_statistics.log_likelihood - np.log(data["w"]).sum() / 2
        given = {"fit_statistics": {"log_likelihood": likelihood}}
        only(pb.compare_figures(fit, given, 1e-9), causes.CONSTANTS)


@pytest.mark.parametrize("name", OTHERS)
def test_the_optimum_of_a_generalized_model_is_told_by_rs_criterion(
    fits: dict[str, Any], name: str
) -> None:
    fit = fits[name]
    (row,) = fit.variance_components.rows
    given = {
        "fixed_effects": {each.term: {"estimate": each.estimate} for each in fit.fixed_effects()},
        "variance_components": {row.group: {row.term: {"std_dev": row.std_dev * 1.2}}},
    }
    (cause,) = pb.compare_figures(fit, given, 1e-9).causes
    function = fit.deviance_function()
    there = [*(function.theta * 1.2), *function.beta]
    higher = function(there) - function([*function.theta, *function.beta])
    assert cause == f"not R's optimum: the criterion there is higher by {higher:.3g}"


def test_an_optimum_found_less_exactly_explains_no_other_figure(fits: dict[str, Any]) -> None:
    """The variances tell how far a figure may be off for that."""
    fit = fits["slopes"]
    rows = fit.variance_components.rows
    near: dict[str, Any] = {"Subject": {}}
    for row in rows:
        place = (
            near["Subject"].setdefault(row.term, {})
            if row.term
            else near.setdefault("Residual", {})
        )
        place["std_dev"] = row.std_dev * (1 + 1e-6)
    (pair,) = fit.variance_components.correlations
    days = fit.fixed_effects()["Days"]
    given = {
        "variance_components": near,
        "correlations": {"Subject": {"Days": {"(Intercept)": {"correlation": pair.correlation}}}},
        "fit_statistics": {"df_residual": 178},
        "Days": {"df": days.df * 1.002, "std_error": days.std_error * (1 + 1e-6)},
    }
    report = pb.compare_figures(fit, given, 1e-9)
    unexplained = {row.key for row in report if row.verdict == "different" and not row.cause}
    assert unexplained == {"fit_statistic////df_residual", "fixed_effect///Days/df"}
    assert causes.SAME_OPTIMUM in report.causes


@pytest.mark.parametrize("name", LINEAR)
def test_kenward_roger_is_asked_of_reml_alone(fits: dict[str, Any], name: str) -> None:
    """The search for a cause goes on to ML, which has no such tests."""
    given = {row.term: {"df": 1981.0} for row in fits[name].fixed_effects()}
    report = pb.compare_figures(fits[name], given, ddf="kenward-roger")
    assert dict(report.causes) == {"": len(given)}


def test_what_nothing_explains_is_said_to_be_so(fits: dict[str, Any]) -> None:
    report = pb.compare_figures(fits["slopes"], {"Days": {"df": 1981.0}, "Nights": {"df": 3.0}})
    assert dict(report.causes) == {"": 2}
    assert "the cause is not known" in str(report)
    assert [row.verdict for row in report] == ["different", "absent"]


def test_singular_fits_and_rows_left_out_are_compared_too() -> None:
    data = pb.load_dataset("sleepstudy")
    data.loc[::7, "Reaction"] = np.nan
    data["half"] = data["Subject"].astype(int) % 2
    with pytest.warns(SingularFitWarning):
        fit = pb.lmer("Reaction ~ Days + (Days | Subject) + (1 | half)", data)
    with pytest.warns(SingularFitWarning):
        other = fit.update(reml=False)
    assert pb.compare_figures(fit, all_of(fit), 0).ok
    only(pb.compare_figures(fit, all_of(other), 1e-9), causes.ML)


def test_linear_models_are_compared_as_well() -> None:
    fit = pb.lm("angle ~ recipe", pb.load_dataset("cake"))
    assert pb.compare_figures(fit, all_of(fit), 0).ok
    assert not pb.compare_figures(fit, {"recipeB": {"std_error": 3.0}}).ok


def test_nothing_is_left_in_scripts_and_nothing_is_warned_of(
    fits: dict[str, Any], tmp_path: Path
) -> None:
    before = pb.session_script(tmp_path / "before.R").read_text()
    pb.compare_figures(fits["split plot"], {"recipeB": {"df": 1.0, "estimate": 3.3}})
    assert pb.session_script(tmp_path / "before.R").read_text() == before


# -- names and forms -----------------------------------------------------------------------------


SPELLINGS = {
    "patsy": ("C(recipe)[T.B]", "C(recipe)[T.B]:temp"),
    "patsy with a reference": ("C(recipe, Treatment(reference='A'))[T.B]", "temp:recipe[T.B]"),
    "formulaic": ("recipe[T.B]", "recipe[T.B]:temp"),
    "MixedModels.jl": ("recipe: B", "recipe: B & temp"),
    "R": ("recipeB", "recipeB:temp"),
}


@pytest.mark.parametrize("how", ["I(Days**2)", "I(Days ** 2)", "I( Days ^ 2 )"])
def test_powers_are_understood(how: str) -> None:
    fit = pb.lmer("Reaction ~ Days + I(Days^2) + (1 | Subject)", pb.load_dataset("sleepstudy"))
    estimate = fit.fixed_effects("none")["I(Days^2)"].estimate
    assert pb.compare_figures(fit, {how: {"estimate": estimate}}, 0).counts["equal"] == 1


@pytest.mark.parametrize("mark", [":", "/", "_", " & "])
def test_levels_of_joined_groups_are_understood(fits: dict[str, Any], mark: str) -> None:
    rows = [row for row in fits["split plot"].random_effects.rows if row.level in ("A:1", "C:12")]
    levels = {
        row.level.replace(":", mark): {"(Intercept)": {"estimate": row.estimate}} for row in rows
    }
    given = {"random_effects": {"recipe:replicate": levels}}
    assert pb.compare_figures(fits["split plot"], given, 0).counts["equal"] == 2


@pytest.mark.parametrize("how", SPELLINGS)
def test_names_of_other_software(how: str) -> None:
    fit = pb.lmer("angle ~ recipe * temp + (1 | recipe:replicate)", pb.load_dataset("cake"))
    fixed = fit.fixed_effects("none")
    given = dict(zip(SPELLINGS[how], (fixed["recipeB"], fixed["recipeB:temp"]), strict=True))
    report = pb.compare_figures(
        fit, {name: {"estimate": row.estimate} for name, row in given.items()}
    )
    assert [row.key for row in report] == [f"fixed_effect///{n}/estimate" for n in SPELLINGS["R"]]
    assert report.ok


def test_variances_of_a_group_whose_terms_r_numbers(fits: dict[str, Any]) -> None:
    fit = fits["uncorrelated"]
    first, second, _ = fit.variance_components.rows
    assert (first.group, second.group) == ("Subject", "Subject.1")
    of_group = {"Intercept": {"std_dev": first.std_dev}, "Days": {"variance": second.variance}}
    numbered = {"Subject.1": {"Days": {"std_dev": second.std_dev}}}
    for given in ({"Subject": of_group}, numbered):
        report = pb.compare_figures(fit, {"variance_components": given}, 0)
        assert report.counts["equal"] == len(report)
    frame = pd.DataFrame(
        {
            "effect": "ran_pars",
            "group": "Subject",
            "term": ["sd__(Intercept)", "sd__Days"],
            "estimate": [first.std_dev, second.std_dev],
        }
    )
    assert pb.compare_figures(fit, frame, 0).counts["equal"] == 2


def test_every_form_is_the_same_figures(fits: dict[str, Any]) -> None:
    fit = fits["slopes"]
    fixed = {
        row.term: {name: getattr(row, name) for name in ("estimate", "std_error", "df", "p_value")}
        for row in fit.fixed_effects()
    }
    tidy = fit.tidy()
    forms = [
        fixed,
        {"fixed_effects": fixed},
        pb.figures_of(fit),
        dict(pb.figures_of(fit).values),
        tidy,
        tidy.rename(columns={"std_error": "std.error", "p_value": "p.value"}),
        pl.from_pandas(tidy),
        fit.tidy(effects=("ran_vals",)),
        fit.fixed_effects().to_frame(),
        {"theta": dict(zip(fit.convergence.theta_names, fit.convergence.theta, strict=True))},
        {"n_groups": {"Subject": 18}, "n_obs": 180, "reml": True, "sigma": fit.sigma},
    ]
    for form in forms:
        report = pb.compare_figures(fit, form, tolerance=0)
        assert report.ok, report
        assert len(report) >= 3


REFUSED: list[tuple[Any, str]] = [
    ({}, "has no figure"),
    ({"Days": {"stderr": 1.0}}, "known are"),
    ({"Days": {"estimate": [1, 2]}}, "must be one number"),
    ({"Days": 3.0}, "neither a coefficient"),
    ({"variance_components": {"Subject": 3.0}}, "must be a mapping by names"),
    ({"a/b/c/d/e": 1.0}, "neither a coefficient"),
    ({"Days": {"estimate": 1.0}, "fixed_effects": {"Days": {"estimate": 1.0}}}, "twice"),
    (pd.DataFrame({"name": ["Days"], "estimate": [1.0]}), "no column 'term'"),
    (pd.DataFrame({"effect": ["x"], "term": ["Days"]}), "has the effect 'x'"),
    (pd.DataFrame({"effect": ["ran_pars"], "group": ["Subject"], "term": ["Days"]}), "must begin"),
    ("figures.json", "figures"),
    (None, "figures"),
]


@pytest.mark.parametrize(("given", "message"), REFUSED)
def test_what_is_not_understood_is_refused(fits: dict[str, Any], given: Any, message: str) -> None:
    with pytest.raises(pb.PymerError, match=message):
        pb.compare_figures(fits["slopes"], given)


def test_a_coefficient_with_the_name_of_a_section(fits: dict[str, Any]) -> None:
    data = pb.load_dataset("sleepstudy").rename(columns={"Days": "theta"})
    fit = pb.lmer("Reaction ~ theta + (1 | Subject)", data)
    with pytest.raises(OptionError, match="a section and a coefficient"):
        pb.compare_figures(fit, {"theta": {"estimate": 1.0}})
    estimate = fit.fixed_effects("none")["theta"].estimate
    assert pb.compare_figures(fit, {"fixed_effects": {"theta": {"estimate": estimate}}}).ok


@pytest.mark.parametrize("reml", [True, False])
def test_statsmodels(fits: dict[str, Any], reml: bool) -> None:
    data = pb.load_dataset("sleepstudy")
    model = smf.mixedlm("Reaction ~ Days", data, groups="Subject", re_formula="~Days")
    result = model.fit(reml=reml)
    report = pb.compare_figures(fits["slopes"], result, software="statsmodels")
    keys = {row.key for row in report}
    assert {"variance_component/Subject//Days/variance", "fixed_effect///Days/std_error"} <= keys
    assert report.counts["absent"] == 0
    known = {causes.OF_TESTS["normal"], causes.SAME_OPTIMUM, causes.BETTER_OPTIMUM}
    if not reml:
        known = {causes.ML, f"{causes.ML}, and {causes.OF_TESTS['normal']}"}
    assert set(report.causes) <= known
    with pytest.raises(OptionError, match="MixedLM"):
        pb.compare_figures(fits["slopes"], smf.ols("Reaction ~ Days", data).fit())


STATSMODELS: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    # R's formula, the data, the groups of statsmodels, and what else it is told.
    "crossed": (
        "diameter ~ 1 + (1 | plate) + (1 | sample)",
        "Penicillin",
        "whole",
        {"re_formula": "0", "vc_formula": {"plate": "0 + C(plate)", "sample": "0 + C(sample)"}},
    ),
    "nested": (
        "strength ~ 1 + (1 | batch / cask)",
        "Pastes",
        "batch",
        {"re_formula": "1", "vc_formula": {"cask": "0 + C(cask)"}},
    ),
    "slopes without correlation": (
        "Reaction ~ Days + (Days || Subject)",
        "sleepstudy",
        "Subject",
        {"re_formula": "1", "vc_formula": {"Days": "0 + Days"}},
    ),
    "correlated slopes": (
        "Reaction ~ Days + (Days | Subject)",
        "sleepstudy",
        "Subject",
        {"re_formula": "~Days"},
    ),
    "an intercept": ("Reaction ~ Days + (1 | Subject)", "sleepstudy", "Subject", {}),
}


@pytest.mark.parametrize("name", STATSMODELS)
def test_variance_components_of_statsmodels(name: str) -> None:
    formula, data_set, groups, further = STATSMODELS[name]
    data = pb.load_dataset(data_set, package="lme4").assign(whole=1)
    fit = pb.lmer(formula, data)
    fixed = re.sub(r" \+ \(.*", "", formula)
    theirs = smf.mixedlm(fixed, data, groups=groups, **further).fit()
    report = pb.compare_figures(fit, theirs, tolerance=0.05)
    assert report.counts["absent"] == 0
    wanted = {key for key in pb.figures_of(fit).values if re.match("variance|random", key)}
    wanted = {key for key in wanted if key.endswith(("/variance", "/estimate"))}
    assert wanted <= {row.key for row in report}
    # Each stands in its own place: in another one, it would be another number.
    far = {row.key: (row.given, row.r) for row in report if row.key in wanted}
    assert [key for key, pair in far.items() if not math.isclose(*pair, rel_tol=0.02)] == []


# -- files and the command line ------------------------------------------------------------------


def _written(path: Path, **parts: Any) -> str:
    content = {"format": figures_file.FORMAT, "schema": 1, **parts}
    path.write_text(json.dumps(content))
    return str(path)


def test_the_command_line_and_its_exit_status(
    fits: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ["referee", "lme4::sleepstudy", LINEAR["slopes"][1]]
    estimate = fits["slopes"].fixed_effects("none")["Days"].estimate
    figures = {"Days": {"estimate": estimate}, "n_obs": 180, "reml": True}
    path = _written(tmp_path / "a.json", software="port 2.1", figures=figures)
    assert main([*model, path, "--tolerance", "0"]) == 0
    assert "3 figures of port 2.1: 3 are R's to the last bit" in capsys.readouterr().out
    figures["Days"] = {"df": 16.5}
    path = _written(tmp_path / "b.json", figures=figures)
    assert main([*model, path, "--json"]) == 1
    assert pb.compare_figures(fits["slopes"], figures) == Result.from_dict(
        json.loads(capsys.readouterr().out)
    )
    assert main([*model, str(tmp_path / "missing.json")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_the_page_shows_a_file_that_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = {block.language: block.source for block in read_blocks(ROOT / "docs" / "referee.md")}
    monkeypatch.chdir(tmp_path)
    Path("theirs.json").write_text(blocks["json"])
    program, *words = shlex.split(blocks["bash"])
    assert program == "pymer-bridge"
    assert main(words) == 1
    assert "3 figures of a port 0.3" in capsys.readouterr().out


def test_the_schema_says_what_is_read(fits: dict[str, Any]) -> None:
    schema = json.loads((files("pymer_bridge.data") / "figures.schema.json").read_text())
    checker = jsonschema.Draft202012Validator(schema)
    head = {"format": figures_file.FORMAT, "schema": 1}
    right = {
        "Days": {"df": 17.0, "p_value": None},
        "variance_components": {"Subject": {"Days": {"variance": 1.0}}, "Residual": {"std_dev": 1}},
        "theta": {"Subject.(Intercept)": 1.0},
        "fixed_effect///Days/estimate": 10.0,
    }
    checker.validate({**head, "figures": right})
    pb.compare_figures(fits["slopes"], right)
    for wrong in ({"Days": {"stderr": 1}}, {}, {"theta": [1.0]}, {"fit_statistics": {"REML": 1}}):
        assert not checker.is_valid({**head, "figures": wrong})
        with pytest.raises(OptionError):
            pb.compare_figures(fits["slopes"], wrong)


HOSTILE = {
    "no JSON": "{",
    "another format": '{"format": "pymer_bridge record", "schema": 1}',
    "a later layout": '{"format": "pymer_bridge figures", "schema": 2, "figures": {}}',
    "no figures": '{"format": "pymer_bridge figures", "schema": 1}',
    "figures are a list": '{"format": "pymer_bridge figures", "schema": 1, "figures": []}',
    "nested": '{"a": ' * 100_000,
    "a huge number": '{"format": "pymer_bridge figures", "schema": 1, "figures": {"sigma": 1e999}}',
    "NaN": '{"format": "pymer_bridge figures", "schema": 1, "figures": {"sigma": NaN}}',
    "a name twice": '{"format": "pymer_bridge figures", "schema": 1, "schema": 1, "figures": {}}',
    "no name": '{"format": "pymer_bridge figures", "schema": 1, "software": [], "figures": {}}',
}


@pytest.mark.parametrize("how", HOSTILE)
def test_a_hostile_file_is_one_clear_error(
    tmp_path: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "figures.json"
    path.write_text(HOSTILE[how])
    with pytest.raises(OptionError, match=r"figures\.json: "):
        figures_file.read(path)
    assert main(["referee", "lme4::sleepstudy", LINEAR["slopes"][1], str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "name",
    ["system('touch ran')", "`; system('touch ran')`", "__import__('os').system('touch ran')"],
)
def test_nothing_in_a_file_is_run(
    fits: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    figures = {
        name: {"estimate": 1.0},
        "random_effects": {name: {name: {name: {"estimate": 1.0}}}},
        "theta": {name: 1.0},
    }
    path = _written(tmp_path / "figures.json", software="\x1b[31m" + name, figures=figures)
    software, read = figures_file.read(Path(path))
    report = pb.compare_figures(fits["slopes"], read, software=software)
    assert report.counts["absent"] == 3
    assert not (tmp_path / "ran").exists()
    assert "\x1b" not in str(report)
