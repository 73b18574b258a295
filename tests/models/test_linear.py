"""What models without random effects can do, against R in a process of its own."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers.live import AnsweringScript, assert_same_bits, write_frame
from pymer_bridge.errors import OptionError, REnvironmentError, RError, RWarning
from pymer_bridge.results.tests import TermTests
from pymer_bridge.session.r_session import session

pytestmark = pytest.mark.r


def frames() -> dict[str, pd.DataFrame]:
    """Return the data: unbalanced, with gaps, and with names that R must quote."""
    draw = np.random.default_rng(20)
    n = 90
    a = pd.Categorical.from_codes(draw.choice(3, n, p=[0.5, 0.3, 0.2]), ["low", "mid", "top"])
    b = pd.Categorical.from_codes(draw.integers(0, 2, n), ["no", "yes"])
    x = np.round(draw.gamma(3.0, 1.0, n), 3)
    mean = 2.0 + 0.7 * a.codes + 0.3 * x + 0.8 * b.codes * (a.codes == 2)
    trials = draw.integers(4, 12, n)
    hits = draw.binomial(trials, 1 / (1 + np.exp(1.0 - 0.3 * mean)))
    table = pd.DataFrame(
        {
            "y": np.round(mean + draw.normal(0, 1, n), 4),
            "a": a,
            "b": b,
            "x": x,
            "twice": 2 * x,
            "w": np.round(draw.uniform(0.5, 3.0, n), 3),
            "hits": hits,
            "misses": trials - hits,
            "n": trials,
            "share": hits / trials,
            "count": draw.poisson(np.exp(0.4 * mean)),
            "size": np.round(draw.gamma(2.0, np.exp(0.2 * mean)), 4) + 0.01,
            "hit": pd.Categorical.from_codes((hits > 4).astype(int), ["no", "yes"]),
        }
    )
    gaps = table.copy()
    gaps.loc[[3, 17, 40], "x"] = np.nan
    gaps.loc[[8, 40], "size"] = np.nan
    odd = table.rename(columns={"a": "a b", "x": "x/y"})[["y", "a b", "x/y"]]
    return {"unbalanced": table, "gaps": gaps, "odd": odd}


DATA = frames()


def fitted() -> dict[str, Any]:
    """Return the models of ``reference/linear.R``."""
    table, gaps = DATA["unbalanced"], DATA["gaps"]
    sums: Any = {"a": "contr.sum", "b": "contr.sum"}
    return {
        "crossed": pb.lm("y ~ a * b + x", table),
        "sums": pb.lm("y ~ a * b", table, contrasts=sums),
        "weighted": pb.lm("y ~ a + x", gaps, weights="w", subset="x > 1", na_action="exclude"),
        "shifted": pb.lm("y ~ a * x", table, offset="log(w)"),
        "aliased": pb.lm("y ~ a + x + twice", table),
        "odd": pb.lm("y ~ `a b` * `x/y`", DATA["odd"]),
        "curved": pb.lm("y ~ poly(x, 2) + a", table),
        "through": pb.lm("y ~ 0 + a + x", table),
        "trials": pb.glm("cbind(hits, misses) ~ a * b", table, family="binomial"),
        "shares": pb.glm("share ~ a + x", table, family="binomial", weights="n"),
        "counts": pb.glm("count ~ a * b + x", table, family="poisson", offset="log(w)"),
        "overdispersed": pb.glm("count ~ a * b", table, family="quasipoisson"),
        "shared": pb.glm("cbind(hits, misses) ~ a + x", table, family="quasibinomial"),
        "gamma": pb.glm("size ~ a * b", gaps, family="Gamma", link="log", na_action="exclude"),
        "normal": pb.glm("y ~ a + b", table, family="gaussian"),
        "aliased_counts": pb.glm("count ~ a + x + twice", table, family="poisson"),
        "negative": pb.glm("count ~ a * b", table, family=pb.negative_binomial(2)),
        "levels": pb.glm("hit ~ a + x", table, family="binomial"),
    }


LINEAR = "crossed sums weighted shifted aliased odd curved through".split()
NAMES = [*LINEAR, *"trials shares counts overdispersed shared gamma normal".split()]
NAMES += "aliased_counts negative levels".split()


@pytest.fixture(scope="module")
def fits() -> dict[str, Any]:
    return fitted()


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("linear")
    (data := Path(folder / "data")).mkdir()
    for name, frame in DATA.items():
        write_frame(frame, data / name)
    answers: dict[str, Any] = AnsweringScript("linear.R", folder, str(data)).read()
    return answers


COLUMNS = {
    "df1": ["Df"],
    "sum_sq": ["Sum Sq", "Sum of Sq"],
    "mean_sq": ["Mean Sq"],
    "deviance": ["Deviance"],
    "df_residual": ["Resid. Df", "Res.Df"],
    "residual_deviance": ["Resid. Dev", "RSS"],
    "aic": ["AIC"],
    "statistic": ["F value", "F values", "F", "LR Chisq", "Chisq", "LRT", "scaled dev.", "Rao"],
    "p_value": ["Pr(>F)", "Pr(>Chi)", "Pr(>Chisq)"],
}
OURS = {theirs: ours for ours, names in COLUMNS.items() for theirs in names}
OURS |= {"Rao score": "statistic", "scaled Rao sc.": "statistic"}
TESTS = {"LRT": "likelihood-ratio", "LR": "likelihood-ratio", "Rao": "rao", "Wald": "wald"}


def asked(fit: Any, what: str) -> Any:
    """Ask for a table, such as "II LR", and give it or that R stopped."""
    kind, test = what.split(" ")
    chosen = TESTS.get(test, test)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return fit.drop1(test=chosen) if kind == "drop1" else fit.anova(kind, test=chosen)
        except RError:
            return None


@pytest.mark.parametrize("name", NAMES)
def test_tables_of_terms_are_rs(fits: Any, theirs: Any, name: str) -> None:
    for what, table in theirs[name]["tables"].items():
        ours = asked(fits[name], what)
        if "stopped" in table:
            assert ours is None, what
            continue
        assert [row.term for row in ours] == list(table["rows"]), what
        assert_same_table(ours, table, dropped=what.startswith("drop1"))


def assert_same_table(ours: Any, table: Any, *, dropped: bool = False) -> None:
    """Assert that a table has R's figures, no others, and R's text."""
    assert str(ours) == table["text"][0]
    columns = [OURS[column] for column in table["columns"]]
    if dropped:
        columns = ["residual_deviance" if c == "deviance" else c for c in columns]
    values = np.reshape(table["values"], (len(columns), -1))
    for column, figures in zip(columns, values, strict=True):
        assert_same_bits([getattr(row, column) for row in ours], figures)
    rest = {*ours.shown} - {"term", "df2", *columns}
    assert ours.to_frame()[list(rest)].isna().all(axis=None)


def test_the_usual_test_goes_by_the_dispersion(fits: Any) -> None:
    usual = {name: fits[name].anova().test for name in NAMES}
    ratio = {"trials", "shares", "counts", "aliased_counts", "levels"}
    assert {name for name, test in usual.items() if test == "likelihood-ratio"} - {
        "negative"  # its dispersion is fixed from MASS 7.3-60 on
    } == ratio
    assert fits["crossed"].anova()["a"].df2 == fits["crossed"].fit_statistics.df_residual
    assert fits["crossed"].anova()["Residuals"].df2 is None
    by_f = asked(fits["trials"], "I F")
    assert by_f["a"].df2 == np.inf
    assert "inappropriate" in by_f.warnings[0]
    assert fits["trials"].drop1(["a:b"])["a:b"].p_value == fits["trials"].anova()["a:b"].p_value


def test_tables_of_terms_say_what_they_are(fits: Any) -> None:
    table = fits["trials"].anova()
    said = "Analysis of Deviance Table, likelihood ratio tests, 90 observations"
    assert table.to_markdown().splitlines()[0] == f"**{said}**"
    assert "Response: cbind(hits, misses)" in table.heading
    assert isinstance(TermTests.from_dict(table.to_dict()), TermTests)
    assert TermTests.from_dict(table.to_dict()) == table


@pytest.mark.r("car")
def test_type_three_says_which_coding_it_depends_on(fits: Any) -> None:
    (said,) = asked(fits["crossed"], "III F").warnings
    assert "at the reference level of 'a', 'b'; " in said
    assert 'contrasts={"a": "contr.sum", "b": "contr.sum"}' in said
    assert "at the reference level of 'a b'; " in asked(fits["odd"], "III F").warnings[0]
    assert fits["sums"].anova("III").warnings == fits["normal"].anova("III").warnings == ()
    with pytest.warns(RWarning, match="type III tests depend on how factors are coded"):
        pb.glm("count ~ a * b", DATA["unbalanced"], family="poisson").anova("III")
    with pytest.raises(RError, match="aliased coefficients"):
        fits["aliased"].anova("III")


def test_wrong_tests_of_terms_are_told(fits: Any) -> None:
    line, trials = fits["crossed"], fits["trials"]
    for fit, arguments, said in (
        (line, {"type": "IV"}, "type='IV' is not accepted; choose one of: 'I', 'II', 'III'"),
        (line, {"test": "wald"}, "test='wald' is for generalized models; lm has F tests"),
        (line, {"type": trials}, "pb.anova(fit, other) compares models"),
        (trials, {"test": "t"}, "test='t' is not accepted; choose one of: 'F', "),
        (trials, {"test": "wald"}, "test='wald' does not go with type='I'"),
        (trials, {"type": "II", "test": "rao"}, "test='rao' does not go with type='II'"),
    ):
        with pytest.raises(OptionError) as error:
            fit.anova(**arguments)
        assert said in str(error.value)
    with pytest.raises(OptionError, match=r"test='wald' does not go with drop1\(\)"):
        trials.drop1(test="wald")
    with pytest.raises(
        OptionError, match="scope='z' is not a term of the model; its terms are: 'a'"
    ):
        trials.drop1("z")


def test_without_car_the_error_names_the_remedy(fits: Any, monkeypatch: Any) -> None:
    there = session().require

    def require(package: str) -> None:
        there("nosuchpackage" if package == "car" else package)

    monkeypatch.setattr(type(session()), "require", lambda _, package: require(package))
    with pytest.raises(REnvironmentError, match="Fix it with: "):
        fits["gamma"].anova("II", test="F")
    fits["gamma"].anova("I")


# -- hypotheses, intervals and influence -----------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_hypotheses_are_rs(fits: Any, theirs: Any, name: str) -> None:
    fit, answer = fits[name], theirs[name]["hypotheses"]
    terms = fit._terms()
    rows = {"first": {terms[1]: 2}, "second": {terms[-1]: -1}}
    single = fit.contest(rows, 0.5, joint=False, conf_level=0.9)
    columns = ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high")
    assert_same_bits([getattr(row, each) for each in columns for row in single], answer["single"])
    assert single.ddf == ("normal" if single["first"].df == np.inf else "residual")
    if answer["joint"] is not None:
        assert_same_table(fit.contest(rows, 0.5), answer["joint"])


@pytest.mark.parametrize("name", NAMES)
def test_intervals_are_rs(fits: Any, theirs: Any, name: str) -> None:
    fit, answer = fits[name], theirs[name]
    linear = name in LINEAR

    def ends(found: Any) -> list[Any]:
        return [getattr(row, end) for end in ("conf_low", "conf_high") for row in found]

    found = fit.confint(conf_level=0.9)
    assert found.method == ("wald" if linear else "profile")
    assert_same_bits(ends(found), answer["confint"])
    second = found.rows[1].term
    assert [row.term for row in fit.confint(parameters=second)] == [second]
    assert_same_bits(ends(fit.confint(parameters=second)), answer["one"])
    if not linear:
        assert_same_bits(ends(fit.confint("wald")), answer["wald"])
    assert_same_bits(fit.vcov.values.ravel(), answer["vcov"])
    if linear:
        assert_same_bits([fit.r2().r_squared, fit.r2().adjusted], answer["r2"])


@pytest.mark.parametrize("name", NAMES)
def test_influence_is_rs(fits: Any, theirs: Any, name: str) -> None:
    fit, answer = fits[name], theirs[name]["cases"]
    figures = [fit.hat_values(), fit.rstudent(), fit.rstandard(), fit.cooks_distance()]
    assert_same_bits(np.concatenate(figures), answer["rows"])
    found = fit.influence_measures()
    n = len(found)
    columns = ("dffits", "cov_ratio", "cooks_distance", "hat")
    measures = [found.dfbetas.values.ravel(order="F")]
    measures += [[getattr(row, each) for row in found] for each in columns]
    assert_same_bits(np.concatenate([np.array(m, float) for m in measures]), answer["measures"])
    influential = [row.influential for row in found]
    assert influential == [value == 1 for value in answer["influential"]]
    assert found.dfbetas.values.shape == (n, len(fit._terms()))
    assert found[str(fit.fitted.dropna().index[0])].hat == figures[0].iloc[0]


# -- simulations and bootstraps --------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_simulations_and_bootstraps_are_rs(fits: Any, theirs: Any, name: str) -> None:
    fit, answer = fits[name], theirs[name]["bootstraps"]
    if not answer:
        with pytest.raises(RError, match=r"no distribution to draw from: .* bootstrap\('case'\)"):
            fit.simulate(1, 1)
        fit.bootstrap("case", 2, 1)
        return
    drawn = fit.simulate(3, 4)
    used = ~np.isnan(drawn.values[:, 0])
    values = [drawn.values[used], *([] if drawn.failures is None else [drawn.failures[used]])]
    each = [part[:, i] for i in range(3) for part in values]
    assert_same_bits(np.concatenate(each), answer.pop("simulated"))
    for kind, replicates in answer.items():
        how: Any = {"hccme": "hc3", "aux_dist": "rademacher"} if kind == "wild" else {}
        found = fit.bootstrap(kind, 3, 5, **how)
        assert_same_bits(found.replicates.ravel(order="F"), replicates)
        linear = name in LINEAR
        assert found.names == ((".sigma",) if linear else ()) + fit._terms()


# -- comparisons -----------------------------------------------------------------------------------


def test_comparisons_of_models_are_rs(theirs: Any) -> None:
    gaps, table = DATA["gaps"], DATA["unbalanced"]
    complete = gaps.dropna(subset=["x"])
    small = pb.lm("y ~ a", complete)
    middle = pb.lm("y ~ a + x", complete)
    large = pb.lm("y ~ a + x + b + a:b", complete)
    counted = pb.glm("count ~ a", table, family="poisson")
    more = counted.update(". ~ . + b", table)
    over = counted.update(family="quasipoisson")
    answers = theirs["comparisons"]
    assert_same_table(pb.anova(small, large), answers["two"])
    assert_same_table(pb.anova(small, middle, large), answers["three"])
    assert_same_table(pb.anova(large, small), answers["turned"])
    assert_same_table(pb.anova(counted, more), answers["counts"])
    assert_same_table(pb.anova(counted, more, test="rao"), answers["score"])
    found = pb.anova(over, more.update(family="quasipoisson"))
    assert_same_table(found, answers["over"])
    assert (found.test, found["model2"].df2) == ("F", found["model2"].df_residual)
    named = pb.anova(small, large, names=["small", "large"])
    assert named["large"].p_value == pb.anova(small, large)["model2"].p_value
    assert "large" in str(named)


def test_wrong_comparisons_are_told(fits: Any) -> None:
    def said(*models: Any, **how: Any) -> str:
        with pytest.raises((OptionError, RError)) as error:
            pb.anova(*models, **how)
        return str(error.value)

    line, counts, over = fits["crossed"], fits["counts"], fits["overdispersed"]
    assert "models of one family are nested: model1 is linear" in said(line, counts)
    assert "model1 is poisson (log), and b is quasi" in said(counts, over, names=["model1", "b"])
    assert "test='wald' does not go with nested models" in said(counts, counts, test="wald")
    assert "test='rao' is for generalized models; lm" in said(line, line, test="rao")
    assert "names must be 2 different names" in said(line, line, names=["a", "a"])
    assert "model2 uses" in said(line, fits["weighted"]) or "rows" in said(line, fits["weighted"])
    mixed = pb.lmer("y ~ x + (1 | a)", DATA["unbalanced"], reml=False)
    assert said(mixed, line, test="F") == "test='F' is for models without random effects"
    assert pb.anova(mixed, line).rows[0].n_parameters is not None


def test_wrong_arguments_of_linear_methods_are_told(fits: Any) -> None:
    line, counts = fits["crossed"], fits["counts"]
    for call, said in (
        (lambda: line.confint("profile"), 'method="profile" is for generalized models'),
        (lambda: line.confint("exact"), "method='exact' is not accepted"),
        (lambda: line.confint(parameters="z"), "parameters: no parameter 'z'; there are: "),
        (lambda: line.confint(parameters=".sigma"), "parameters: no parameter '.sigma'"),
        (lambda: line.confint(conf_level=95), "conf_level"),
        (lambda: line.contest({"one": {"z": 1}}), "contrast 'one' names 'z'"),
        (lambda: line.contest([[1, 2]]), "has 2 weights, but the model has 7 terms"),
        (lambda: line.contest({"x": {"x": 1}}, rhs=[1, 2]), "rhs has 2 values"),
        (lambda: line.bootstrap("cases"), "kind='cases' is not accepted"),
        (lambda: counts.bootstrap("residual"), "kind='residual' is for linear models; glm takes"),
        (lambda: line.bootstrap(statistic="random_effects"), "goes with mixed models"),
        (lambda: line.bootstrap(n_sim=0), "n_sim=0 must be at least 1"),
        (lambda: line.bootstrap(new_data=DATA["gaps"]), "new_data goes with statistic="),
        (lambda: line.bootstrap("wild", 2, hccme="hc4"), "hccme='hc4' is not accepted"),
        (lambda: line.simulate(0), "n_sim=0 must be at least 1"),
        (lambda: line.simulate(seed=0.5), "seed=0.5"),
        (counts.r2, "R gives R squared of linear models"),
    ):
        with pytest.raises(OptionError) as error:
            call()
        assert said in str(error.value)


def test_a_bootstrap_gives_intervals_predictions_and_figures_of_functions(fits: Any) -> None:
    line = fits["crossed"]
    with pytest.warns(pb.RWarning, match="extreme order statistics"):
        found = line.confint("boot", n_sim=20, seed=2, parameters=["x", ".sigma"])
    assert [row.term for row in found] == ["x", ".sigma"]
    replicates = line.bootstrap(n_sim=20, seed=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert replicates.confint()["x"].conf_low == found["x"].conf_low
    assert replicates["sigma"].group == "Residual"
    at = DATA["unbalanced"].iloc[:2]
    where = line.bootstrap("case", 3, 2, "predictions", new_data=at)
    assert where.observed.tolist() == line.predict(at).values.tolist()
    for statistic in ("function(fit) deviance(fit)", lambda model: float(model.residuals().sum())):
        made = line.bootstrap("case", 3, 2, statistic)
        assert made.counts.n_usable == 3
    two = line.bootstrap("residual", 6, 2, n_jobs=2)
    assert two.replicates.tolist() == line.bootstrap("residual", 6, 2).replicates.tolist()


def test_a_bootstrap_goes_on_from_its_checkpoint(fits: Any, tmp_path: Path) -> None:
    path = tmp_path / "run"
    first = fits["trials"].bootstrap("case", 4, 3, checkpoint=path)
    again = fits["trials"].bootstrap("case", 4, 3, checkpoint=path)
    assert first.replicates.tolist() == again.replicates.tolist()


def test_a_model_is_refitted_to_another_response(fits: Any) -> None:
    for name in ("crossed", "weighted", "trials", "levels", "gamma"):
        fit = fits[name]
        drawn = fit.simulate(1, 3)
        values = drawn.values[:, 0]
        if drawn.failures is not None:
            values = np.column_stack([values, drawn.failures[:, 0]])
        keep = ~np.isnan(drawn.values[:, 0])
        again = fit.refit(values[keep])
        replicate = fit.bootstrap("parametric", 1, 3, "fixed_effects").replicates[0]
        estimates = [row.estimate for row in again.fixed_effects()]
        assert estimates == replicate.tolist()
        assert again.anova().rows


def test_a_report_has_r_squared(fits: Any) -> None:
    share = fits["normal"]
    assert "R²" not in share.report()
    assert fits["crossed"].report().endswith("R² = .49, adjusted R² = .46.")


# -- carried elsewhere -----------------------------------------------------------------------------


@pytest.mark.r("car")
def test_a_script_repeats_what_was_asked(tmp_path: Path) -> None:
    table, gaps = DATA["unbalanced"], DATA["gaps"]
    small = pb.lm("y ~ a", gaps, weights="w", subset="x > 1")
    line = pb.lm("y ~ a + x", gaps, weights="w", subset="x > 1")
    odd = pb.lm("y ~ `a b` * `x/y`", DATA["odd"])
    trials = pb.glm("cbind(hits, misses) ~ a + x", table, family="binomial")
    shared = trials.update(family="quasibinomial")
    kept: list[Any] = [pb.anova(small, line), pb.anova(trials, trials.update(". ~ a"), test="rao")]
    for fit in (line, odd, trials, shared):
        term = fit._terms()[1]
        kept += [fit.anova(), fit.drop1(), fit.fixed_effects(), fit.confint()]
        kept += [fit.confint("wald", term, 0.8), fit.bootstrap("case", 2, 1)]
        kept += [] if fit is shared else [fit.bootstrap("parametric", 2, 1, "fixed_effects")]
        kept += [fit.contest({"one": {term: 2}, "a b": [0.5] * len(fit._terms())}, joint=False)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pb.PymerWarning)
            kept += [fit.anova("II"), fit.anova("III"), fit.contest({"one": {term: 2}}, 1)]
    kept += [line.bootstrap("residual", 2, 1), line.bootstrap("parametric", 2, 1)]
    report = pb.verify([small, line, odd, trials, shared], runs=1)
    assert report.ok, str(report)
    assert str(report).count("Not compared") == 1
    script = line.to_r_script(tmp_path / "line.R").read_text()
    assert 'Anova(model2, type = "II")' in script
    assert "A residual bootstrap (n_sim=2, seed=1) was made too; R has" in script


def test_what_was_stored_and_pickled_gives_the_same(fits: Any, tmp_path: Path) -> None:
    fit = fits["weighted"]
    for again in (pickle.loads(pickle.dumps(fit)), pb.load(fit.save(tmp_path / "fit.pbr.zip"))):
        assert again.anova() == fit.anova()
        assert again.confint() == fit.confint()
        drawn = [each.bootstrap("residual", 2, 1).replicates.tolist() for each in (again, fit)]
        assert drawn[0] == drawn[1]


# -- odd models ------------------------------------------------------------------------------------


def test_models_without_terms_answer_what_there_is(fits: Any) -> None:
    table = DATA["unbalanced"]
    none = pb.lm("y ~ 0", table)
    assert len(none.confint()) == 0
    assert [row.term for row in none.anova()] == ["Residuals"]
    with pytest.raises(OptionError, match="no parameter 'x'; there are: none"):
        none.confint(parameters="x")
    one = pb.lm("y ~ 1", table)
    assert [row.term for row in one.confint()] == ["(Intercept)"]
    assert one.bootstrap("case", 2, 1).names == (".sigma", "(Intercept)")


@pytest.mark.r("car")
def test_types_of_models_without_terms(fits: Any) -> None:
    table = DATA["unbalanced"]
    assert [row.term for row in pb.lm("y ~ 1", table).anova("III")] == ["(Intercept)", "Residuals"]
    for fit in (pb.lm("y ~ 0", table), pb.glm("count ~ 1", table, family="poisson")):
        with pytest.raises(RError, match="the model has no terms to test"):
            fit.anova("II")


def test_several_responses_are_refused() -> None:
    with pytest.raises(RError, match=r"lm\(\) fits one response here"):
        pb.lm("cbind(y, x) ~ a", DATA["unbalanced"])


def test_an_offset_row_by_row_is_left_out_at_new_data() -> None:
    table = DATA["unbalanced"]
    given = pb.lm("y ~ a + x", table, offset=np.log(table["w"]))
    column = pb.lm("y ~ a + x", table, offset="log(w)")
    with pytest.warns(RWarning, match="leave out the offset that was given as an argument"):
        left = given.predict(table.head(3)).values
    shifts = np.log(table["w"].to_numpy()[:3])
    assert np.allclose(left + shifts, column.predict(table.head(3)).values)
    rows = [fit.bootstrap("case", 2, 1, "predictions").replicates for fit in (given, column)]
    assert np.allclose(*rows)
    with pytest.raises(pb.DataConversionError, match="'w'"):
        column.predict(table[["a", "x"]])


def test_a_model_keeps_the_name_of_its_response() -> None:
    fit = pb.lm("log(size) ~ a + x", DATA["unbalanced"])
    again = fit.refit(np.log(DATA["unbalanced"]["size"]) + 1)
    assert again.formula == fit.formula
    assert again.anova().heading[-1] == "Response: log(size)"
    with pytest.raises(RError, match="not a column of its data"):
        again.update(". ~ a")


def test_a_statistic_that_never_varies_has_no_interval() -> None:
    exact = pb.lm("twice ~ x", DATA["unbalanced"])
    replicates = exact.bootstrap("case", 5, 1, "function(fit) c(n = nobs(fit))")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert replicates.confint()["n"].conf_low is None


@pytest.mark.parametrize("name", NAMES)
def test_tidy_tables_are_brooms(fits: Any, theirs: Any, name: str) -> None:
    fit, answer = fits[name], theirs[name]["broom"]
    tidy = fit.tidy(conf_int=True, conf_level=0.9).drop(columns="term")
    tables = {"tidy": tidy, "glance": fit.glance(), "augment": fit.augment()}
    exponentials = fit.tidy(exponentiate=True)["estimate"]
    assert_same_bits(exponentials, theirs[name]["exponentials"])
    frame = tables["augment"]
    tables["augment"] = frame[[column for column in frame if column.startswith(".")]]
    for what, table in (answer or {}).items():
        ours = tables[what]
        names = [str(n) if n[0] == "." else str(n).replace(".", "_") for n in table["names"]]
        # Versions of broom have the columns of rows in other orders.
        assert set(ours) == set(names) if what == "augment" else list(ours) == names
        values = np.reshape(table["values"], (len(names), -1))
        for column, figures in zip(names, values, strict=True):
            assert_same_bits(ours[column], figures)
