"""Models other than linear mixed ones, and models made from fitted ones, against plain R.

What each fit gives is held to R in test_exactness.py.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.live import assert_same_bits
from helpers.probing import plain_r
from pymer_bridge.errors import PymerWarning
from pymer_bridge.session.r_session import session

pytestmark = [pytest.mark.r, pytest.mark.filterwarnings("ignore::pymer_bridge.PymerWarning")]

REFERENCE = REFERENCES / "generalized.R"
STATE = "function(fit) c(getME(fit, 'theta'), fixef(fit))"
CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
SLOPES = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def plain() -> Any:
    """Return a function that calls plain R."""
    for package in ("lmerTest", "emmeans"):
        session().require(package)
    return plain_r(REFERENCE)


@cache
def _fit(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PymerWarning)
        if name == "binomial":
            return pb.glmer(CBPP, pb.load_dataset("cbpp"), family="binomial")
        if name == "first":
            formula = CBPP.replace("period", "I(period == '1')")
            return pb.glmer(formula, pb.load_dataset("cbpp"), family="binomial")
        if name == "ticks":
            ticks = pb.load_dataset("grouseticks")
            return pb.glmer("TICKS ~ YEAR + (1 | BROOD)", ticks, family="poisson")
        return pb.lmer(SLOPES, pb.load_dataset("sleepstudy"), reml=name == "slopes")


def _state(fit: Any) -> list[float]:
    linear = isinstance(fit, pb.LinearMixedModel)
    fixed = [row.estimate for row in fit.fixed_effects("none")]
    return [*fit.convergence.theta, *([fit.sigma] if linear else []), *fixed]


def _same(ours: Any, theirs: Any) -> None:
    ours, theirs = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    assert ours.shape == theirs.shape
    assert np.array_equal(ours, theirs, equal_nan=True), np.abs(ours - theirs).max()


# -- inference -----------------------------------------------------------------------------------


@pytest.mark.parametrize("use_u", [False, True])
@pytest.mark.parametrize("name", ["binomial", "ticks"])
def test_replicates_are_bootmers(plain: Any, name: str, use_u: bool) -> None:
    ours = _fit(name).bootstrap("parametric", 4, 3, STATE, use_u=use_u).replicates
    _same(ours.ravel(), plain("replicates_of", name=name, n_sim=4, seed=3, use_u=use_u))


def test_workers_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pymer_bridge.replicates.parallel.START_SECONDS", 0.0)
    fit = _fit("binomial")
    alone = fit.bootstrap("parametric", 5, 3)
    _same(fit.bootstrap("parametric", 5, 3, n_jobs=2).replicates, alone.replicates)
    assert alone.names == (".sig01", "(Intercept)", "period2", "period3", "period4")


def test_a_case_bootstrap_draws_herds() -> None:
    boot = _fit("binomial").bootstrap("case", 6, 1, "fixed_effects", resample={"herd": True})
    assert boot.counts.n_usable == 6
    assert np.isfinite(boot.replicates).all()


@pytest.mark.parametrize("kind", ["residual", "wild"])
def test_bootstraps_of_residuals_are_for_linear_models(kind: Any) -> None:
    with pytest.raises(pb.RError, match="is for linear mixed models"):
        _fit("binomial").bootstrap(kind, 2, 1)


@pytest.mark.parametrize(
    ("name", "method"), [("binomial", "wald"), ("binomial", "boot"), ("first", "profile")]
)
def test_intervals_are_rs(plain: Any, name: str, method: Any) -> None:
    ours = _fit(name).confint(method, n_sim=5, seed=1)
    theirs = plain("intervals_of", name=name, method=method)
    assert tuple(row.term for row in ours.rows) == theirs["names"]
    ends = [*(row.conf_low for row in ours.rows), *(row.conf_high for row in ours.rows)]
    _same(ends, theirs["values"])


@pytest.mark.parametrize("level", [0.5, 0.68, 0.8, 0.9, 0.95, 0.99, 0.999, 1 / 3])
@pytest.mark.parametrize("name", ["slopes", "binomial"])
def test_wald_intervals_are_those_of_confint(plain: Any, name: str, level: float) -> None:
    theirs = plain("wald_at", name=name, level=level)
    table = _fit(name).fixed_effects("normal", conf_level=level)
    whole = _fit(name).confint("wald", conf_level=level)
    for rows in (table, [row for row in whole if row.conf_low is not None]):
        ends = [*(row.conf_low for row in rows), *(row.conf_high for row in rows)]
        _same(ends, theirs)


def test_likelihood_ratios_are_rs(plain: Any) -> None:
    fit = _fit("binomial")
    table = pb.anova(fit, fit.update(". ~ . - period")).rows
    names = ("n_parameters", "aic", "bic", "log_likelihood")
    ours = [getattr(row, name) for name in names for row in table]
    ours += [table[1].chi_square, table[1].p_value]
    _same(ours, plain("ratio_tests", name="binomial", change=". ~ . - period"))
    dropped = fit.drop1()
    ours = [getattr(row, name) for name in ("n_parameters", "aic") for row in dropped]
    ours += [dropped["period"].chi_square, dropped["period"].p_value]
    _same(ours, plain("dropped", name="binomial"))
    assert fit.drop1("period").rows == dropped.rows


def test_residuals_are_of_the_kind_that_r_gives_by_default(plain: Any) -> None:
    fit = _fit("binomial")
    _same(fit.residuals(), plain("default_residuals", name="binomial"))
    assert not fit.residuals().equals(fit.residuals("response"))


def test_a_generalized_model_without_groups_can_be_compared() -> None:
    ticks = pb.load_dataset("grouseticks")
    small = pb.glm("TICKS ~ YEAR", ticks, family="poisson")
    table = pb.anova(small, _fit("ticks"), names=["pooled", "broods"])
    assert [row.term for row in table] == ["pooled", "broods"]
    assert table["broods"].chi_square > 1000


def test_marginal_means_are_emmeans(plain: Any) -> None:
    means = _fit("binomial").emmeans("period").rows
    names = ("estimate", "std_error", "conf_low", "conf_high", "statistic", "p_value")
    ours = [getattr(row, name) for name in names for row in means]
    _same(ours, plain("means", name="binomial", specs="period"))
    with pytest.raises(pb.OptionError, match="is for linear mixed models"):
        _fit("binomial").emmeans("period", ddf="satterthwaite")


def test_tests_by_degrees_of_freedom_are_for_linear_models() -> None:
    with pytest.raises(pb.OptionError, match=r"fitted model of lmer\(\)"):
        pb.kr_modcomp(_fit("binomial"), "period")
    with pytest.raises(pb.OptionError, match="'satterthwaite' is not accepted"):
        _fit("binomial").fixed_effects("satterthwaite")


# -- models made from fitted ones ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("slopes", ". ~ . - Days"),
        ("slopes", "log(.) ~ ."),
        ("slopes", "~ . + I(Days^2) - (Days | Subject) + (1 | Subject)"),
        ("slopes_ml", ". ~ 1 + (1 | Subject)"),
        ("binomial", ". ~ . - period"),
    ],
)
def test_an_updated_model_is_rs(plain: Any, name: str, change: str) -> None:
    _same(_state(_fit(name).update(change)), plain("updated", name=name, change=change))


@pytest.mark.parametrize("link", ["probit", "cauchit", "cloglog"])
def test_update_of_the_link_keeps_the_family(plain: Any, link: Any) -> None:
    fit = _fit("binomial").update(link=link)
    assert (fit.family, fit.link) == ("binomial", link)
    _same(_state(fit), plain("relinked", link=link))
    # R's default, as update() of R with another family has it.
    assert fit.update(family="binomial").link == "logit"
    assert fit.update(family="poisson", formula="incidence ~ .").link == "log"
    assert fit.update(". ~ . - period").link == link
    assert fit.update(link=None).link == "logit"
    assert fit.update(family="binomial", link="PROBIT").link == "probit"


@pytest.mark.parametrize(
    ("given", "said"),
    [({"link": "probit2"}, "link='probit2'.*'logit'"), ({"links": "log"}, "takes no 'links'")],
)
def test_update_refuses_other_links(given: dict[str, Any], said: str) -> None:
    with pytest.raises((pb.OptionError, TypeError), match=said):
        _fit("binomial").update(**given)
    with pytest.raises((pb.OptionError, TypeError), match="takes no 'link'"):
        _fit("slopes").update(link="log")


def test_links_are_as_wide_as_rs(plain: Any) -> None:
    found = plain("every_link")
    data = pd.DataFrame({"y": found["y"]})
    fitted = 0
    for link, family, estimate in zip(
        found["link"], found["family"], found["estimate"], strict=True
    ):
        try:
            fit = pb.glm("y ~ 1", data, family=family, link=link)
        except pb.RError:
            assert np.isnan(estimate), (family, link)
        else:
            _same([row.estimate for row in fit.fixed_effects()], [estimate])
            assert fit.link == link
            fitted += 1
    assert fitted >= 60
    sleepstudy = pb.load_dataset("sleepstudy")
    data = sleepstudy.assign(share=sleepstudy["Reaction"] / 600)
    fit = pb.glmer("share ~ Days + (1 | Subject)", data, family="gaussian", link="probit")
    _same(_state(fit), plain("probit_of_a_share"))
    assert pb.negative_binomial(2.0, "inverse").link == "inverse"


@pytest.mark.parametrize("start", [0.5, [0.5], {"theta": 0.5}, {"theta": [0.5]}])
def test_starting_values_are_one_number_too(plain: Any, start: Any) -> None:
    formula, data = "Reaction ~ Days + (1 | Subject)", pb.load_dataset("sleepstudy")
    fit = pb.lmer(formula, data, start=start)
    _same(_state(fit), plain("started", theta=0.5))
    assert _state(fit.update()) == _state(fit)
    counts = pb.glmer(CBPP, pb.load_dataset("cbpp"), family="binomial", start=start)
    assert counts.n_obs == 56
    with pytest.raises(pb.OptionError, match="'theta'"):
        pb.lmer(formula, data, start={"fixef": 1})


def test_update_carries_every_argument() -> None:
    data = pb.load_dataset("sleepstudy")
    weights = np.linspace(1.0, 2.0, 180)
    days = pd.DataFrame(np.eye(10)[:, 1:], index=[f"{i}.0" for i in range(10)])
    fit = pb.lmer(
        "Reaction ~ factor(Days) + (1 | Subject)",
        data,
        reml=False,
        weights=weights,
        offset="Days",
        subset="Days < 8",
        control=pb.lmer_control("bobyqa"),
        start=[0.5],
        na_action="exclude",
        data_name="sleep",
    )
    again = fit.update()
    assert _state(again) == _state(fit)
    assert str(again.summary("none")) == str(fit.summary("none"))
    assert again.update(weights=None).spec.weights is None
    assert fit.update(reml=True).reml
    data["day"] = data["Days"].astype(str)
    coded = pb.lmer("Reaction ~ day + (1 | Subject)", data, contrasts={"day": days})
    assert _state(coded.update()) == _state(coded)


def test_update_takes_other_data() -> None:
    fit = _fit("slopes")
    data = pb.load_dataset("sleepstudy")
    data["extra"] = np.arange(180.0)
    with pytest.raises(pb.DataConversionError, match="give data= as well"):
        fit.update(". ~ . + extra")
    wider = fit.update(". ~ . + extra", data)
    assert wider.fixed_effects("none")["extra"].estimate != 0
    fewer = fit.update(data=data[data["Days"] < 5])
    assert fewer.n_obs == 90
    assert fewer.formula == fit.formula


@pytest.mark.parametrize("change", [". ~ . + system('ls')", ". ~ . + Day", "~", 3])
def test_update_checks_the_formula(change: Any) -> None:
    with pytest.raises((pb.FormulaError, pb.DataConversionError)):
        _fit("slopes").update(change)


def test_update_refuses_what_the_function_does_not_take() -> None:
    with pytest.raises(pb.OptionError, match="'family'"):
        _fit("slopes").update(family="binomial")
    with pytest.raises(pb.OptionError, match="'reml'"):
        _fit("binomial").update(reml=False)


@pytest.mark.parametrize("name", ["slopes", "slopes_ml", "binomial", "ticks"])
def test_a_refitted_model_is_rs(plain: Any, name: str) -> None:
    fit = _fit(name)
    drawn = fit.simulate(seed=5)
    response: Any = drawn.values[:, 0]
    if drawn.failures is not None:
        response = np.column_stack([response, drawn.failures[:, 0]])
    again = fit.refit(response)
    _same(_state(again), plain("refitted", name=name, seed=5))
    assert type(again) is type(fit)
    if fit.spec.fitter == "lmer":
        series = pd.Series(response, index=pb.load_dataset("sleepstudy").index)
        assert _state(fit.refit(series)) == _state(again)


def test_inference_on_a_refit_is_on_the_new_response(plain: Any) -> None:
    fit = _fit("slopes_ml")
    again = fit.refit(fit.simulate(seed=5).values[:, 0])
    theirs = plain("refit_inference", seed=5)
    _same(_state(again), theirs[:6])
    found = [row.df for row in again.fixed_effects("satterthwaite")]
    # R optimises from another start: the same to what an optimizer resolves.
    np.testing.assert_allclose(found, theirs[6:], rtol=1e-3)
    assert again.update().fixed_effects("none") != fit.fixed_effects("none")
    boot = again.bootstrap("case", 2, 1, "fixed_effects", resample={"Subject": True})
    assert boot.counts.n_usable == 2


def test_a_refit_of_an_expression_says_what_it_cannot_do() -> None:
    again = _fit("slopes").update("log(.) ~ .").refit(np.linspace(5.0, 6.0, 180))
    assert again.n_obs == 180
    with pytest.raises(pb.RError, match="not a column of its data"):
        again.fixed_effects("satterthwaite")
    with pytest.raises(pb.RError, match="not a column of its data"):
        again.update()


@pytest.mark.parametrize(
    "response", [np.ones(3), np.ones((180, 3)), pd.Series(np.ones(180), index=range(1, 181))]
)
def test_refit_refuses_what_does_not_fit(response: Any) -> None:
    with pytest.raises(pb.OptionError, match="new_response"):
        _fit("slopes").refit(response)


@pytest.mark.parametrize(
    "response",
    [
        np.ones((180, 2)),
        np.ones((180, 3)),
        np.ones((90, 2)),
        np.ones((180, 0)),
        np.ones((2, 90, 1)),
        pd.DataFrame(np.ones((180, 2)), columns=["a", "b"]),
    ],
)
def test_refit_takes_one_response(response: Any) -> None:
    fit = pb.lmer("Reaction ~ Days + (1 | Subject)", pb.load_dataset("sleepstudy").reset_index())
    if isinstance(response, pd.DataFrame):
        response.index = fit.fitted.index
    with pytest.raises(pb.OptionError, match=r"refit\(\) takes one response, of one column"):
        fit.refit(response)
    with pytest.raises(pb.OptionError, match="of one or two columns"):
        _fit("binomial").refit(np.ones((56, 3)))


def test_refit_by_likelihood_is_rs(plain: Any) -> None:
    again = _fit("slopes").refit_ml()
    _same(_state(again), plain("refitted_ml", name="slopes"))
    assert not again.reml
    assert again.refit_ml() is again
    assert again.spec.reml is False


def test_a_negative_binomial_is_updated_with_its_search() -> None:
    ticks = pb.load_dataset("grouseticks").iloc[:200]
    fit = pb.glmer_nb("TICKS ~ YEAR + (1 | BROOD)", ticks)
    smaller = fit.update(". ~ . - YEAR")
    assert smaller.size is not None
    assert smaller.size != fit.size
    assert smaller.family.startswith("Negative Binomial")


def test_a_nonlinear_model_is_updated_and_refuses_dots() -> None:
    orange = pb.load_dataset("Orange", "datasets")
    formula = "circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree"
    start = {"Asym": 200, "xmid": 725, "scal": 350}
    fit = pb.nlmer(formula, orange, start=start)
    assert fit.update(start={"Asym": 190, "xmid": 730, "scal": 340}).n_obs == 35
    with pytest.raises(pb.RError, match="cannot be changed by dots"):
        fit.update(". ~ . ~ xmid | Tree")
    with pytest.raises(pb.RError):  # lme4 refits no nonlinear model
        fit.refit(orange["circumference"])
    with pytest.raises(pb.OptionError, match="names to numbers"):
        pb.nlmer(formula, orange, start={"Asym": [1, 2]})  # type: ignore[dict-item]
    with pytest.raises(pb.OptionError, match="another name"):
        pb.nlmer(formula, orange.assign(Asym=1.0), start=start)


# -- without random effects ----------------------------------------------------------------------


@pytest.mark.parametrize("family", ["poisson", "quasipoisson"])
def test_a_generalized_linear_model_is_rs(plain: Any, family: Any) -> None:
    fit = pb.glm("TICKS ~ YEAR + HEIGHT", pb.load_dataset("grouseticks"), family=family)
    rows = fit.fixed_effects().rows
    names = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
    ours = [getattr(row, name) for name in names for row in rows]
    ours += [fit.fit_statistics.deviance, fit.sigma]
    _same(ours, plain("glm_figures", family=family))
    assert (rows[0].df is None) == (family == "poisson")
    assert fit.update(". ~ . - HEIGHT").formula == "TICKS ~ YEAR"
    assert "Family: " + family in str(fit)


@pytest.mark.parametrize("interval", ["confidence", "prediction"])
def test_predictions_without_groups_are_rs(plain: Any, interval: Any) -> None:
    fit = pb.lm("Reaction ~ poly(Days, 2)", pb.load_dataset("sleepstudy"))
    found = fit.predict({"Days": [0, 4.5, 9]}, std_error=True, interval=interval, conf_level=0.9)
    here = fit.predict().values
    ours = [*found.values, *found.conf_low, *found.conf_high, *found.std_error, *here[:3]]
    _same(ours, plain("linear_predictions", interval=interval, level=0.9))
    with pytest.raises(pb.DataConversionError, match="'Days'"):
        fit.predict({"Day": [0]})


@pytest.mark.parametrize("scale", ["link", "response"])
def test_predictions_of_a_generalized_linear_model_are_rs(plain: Any, scale: Any) -> None:
    fit = pb.glm("TICKS ~ YEAR + HEIGHT", pb.load_dataset("grouseticks"), family="poisson")
    at = {"YEAR": ["95", "97"], "HEIGHT": [400, 500]}
    found = fit.predict(at, scale, std_error=True, interval="confidence", conf_level=0.9)
    ours = [*found.values, *found.std_error, *found.conf_low, *found.conf_high]
    _same(ours, plain("glm_predictions", type=scale))
    with pytest.raises(pb.OptionError, match="linear models"):
        fit.predict(interval="prediction")


@pytest.mark.parametrize("family", [None, "poisson"])
def test_separate_fits_are_rs(plain: Any, family: Any) -> None:
    if family is None:
        fits = pb.lm_list("Reaction ~ Days | Subject", pb.load_dataset("sleepstudy"))
    else:
        ticks = pb.load_dataset("grouseticks")
        fits = pb.lm_list("TICKS ~ HEIGHT | YEAR", ticks, family=family)
    names = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
    found = fits.coefficients()
    ours = [getattr(row, name) for name in names for row in found.rows]
    arguments = {} if family is None else {"family": family}
    _same(ours, plain("separate_figures", **arguments))
    assert found[fits.levels[0], "(Intercept)"] == found.rows[0]
    assert (fits.sigma is None) == (family is not None)


def test_a_group_that_cannot_be_fitted_is_named() -> None:
    data = pb.load_dataset("sleepstudy")
    data.loc[data["Subject"] == "309", "Days"] = np.nan
    with pytest.warns(PymerWarning):
        fits = pb.lm_list("Reaction ~ Days | Subject", data)
    assert fits.failed == ("309",)
    assert fits.coefficients()["309", "Days"].estimate is None
    assert fits.n_obs == 170


# -- structured covariances ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "term",
    [
        "us(Days | Subject)",
        "diag(Days | Subject)",
        "diag(Days | Subject, hom = TRUE)",
        "cs(Days | Subject)",
        "cs(Days | Subject, hom = TRUE)",
        "ar1(0 + factor(Days) | Subject)",
    ],
)
def test_structured_covariances(plain: Any, term: str) -> None:
    data = pb.load_dataset("sleepstudy")
    session().require("lme4")
    if not session().call("getNamespaceExports", ns="lme4").value.count("getReCovs"):
        said = r"structured covariances need lme4 2.0-1(.|\n)*--require=.lme4>=2.0-1"
        with pytest.raises(pb.REnvironmentError, match=said):
            pb.lmer(f"Reaction ~ Days + {term}", data)
        return
    fit = pb.lmer(f"Reaction ~ Days + {term}", data)
    components = fit.variance_components
    table = components.to_frame()
    rank = {(row.group, row.term): i for i, row in enumerate(components.rows)}
    ours = [
        value
        for _, value in sorted(
            [((rank[row.group, row.term], -1), row.std_dev) for row in components.rows]
            + [
                ((rank[c.group, c.term1], rank[c.group, c.term2]), c.correlation)
                for c in components.correlations
            ],
            key=lambda pair: pair[0],
        )
    ]
    theirs = plain("structured", term=term)
    assert len(table) == len(ours)
    _same(theirs[:2], [row.estimate for row in fit.fixed_effects("none")])
    _same(sorted(ours), sorted(theirs[2:-1]))
    _same([fit.fit_statistics.log_likelihood], theirs[-1:])
    boot = fit.bootstrap("parametric", 3, 1, "fixed_effects")
    _same(boot.replicates.ravel(), plain("structured_replicates", term=term, n_sim=3, seed=1))


def test_a_function_of_that_name_is_no_structure() -> None:
    fit = pb.lmer("Reaction ~ cs + (1 | Subject)", pb.load_dataset("sleepstudy").assign(cs=1.0))
    assert fit.n_obs == 180


# -- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"family": "normal"}, "family='normal'"),
        ({"family": "quasibinomial"}, "no likelihood"),
        ({"family": "gaussian"}, r"lmer\(\)"),
        ({"family": "negative.binomial"}, "negative_binomial"),
        ({"family": "binomial", "link": "log2"}, "link='log2'"),
        ({"family": pb.negative_binomial(2.0), "link": "log"}, "not both"),
        ({"family": "binomial", "n_agq": -1}, "n_agq=-1"),
        ({"family": "binomial", "n_agq": 1.5}, "n_agq=1.5"),
        ({"family": "binomial", "control": pb.lmer_control()}, "glmer_control"),
        ({"family": "binomial", "start": {"beta": [1.0]}}, "'theta' and 'fixef'"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(pb.OptionError, match=message):
        pb.glmer(CBPP, pb.load_dataset("cbpp"), **arguments)


@pytest.mark.parametrize("theta", [0, -1.0, "2", True])
def test_a_size_must_be_positive(theta: Any) -> None:
    with pytest.raises(pb.OptionError, match="theta="):
        pb.negative_binomial(theta)


def test_quadrature_of_several_effects_is_rs_error() -> None:
    with pytest.raises(pb.RError, match="nAGQ > 1"):
        pb.glmer(
            "TICKS ~ 1 + (1 | BROOD) + (1 | INDEX)",
            pb.load_dataset("grouseticks"),
            family="poisson",
            n_agq=5,
        )


@pytest.mark.r
def test_generalized_models_are_updated_and_say_how_they_were_fitted():
    data = pb.load_dataset("cbpp")
    data["sick"] = data["incidence"] / data["size"]
    how = {"family": "binomial", "weights": "size"}
    laplace = pb.glmer("sick ~ period + (1 | herd)", data, **how)
    assert "(Laplace approximation)" in laplace.heading
    simple = laplace.update("~ . - period")
    assert [row.term for row in simple.fixed_effects()] == ["(Intercept)"]
    penalized = pb.glmer("sick ~ period + (1 | herd)", data, n_agq=0, **how)
    assert "(penalized iteration alone)" in penalized.heading


def test_families_links_and_sizes_are_rs(single_figures: dict[str, Any]) -> None:
    ticks = pb.load_dataset("grouseticks")
    models = {
        "ticks": pb.glmer_nb("TICKS ~ 1 + (1 | BROOD)", ticks),
        "herds": _fit("binomial"),
        "counts": pb.glm("TICKS ~ YEAR + HEIGHT", ticks, family="poisson"),
    }
    assert_same_bits([models["ticks"].size], single_figures["size"])
    assert models["herds"].size is None
    for name in ("ticks", "herds", "counts"):
        assert (models[name].family, models[name].link) == single_figures[f"family {name}"]
