"""Scripts of plain R: their texts are read as they are meant, and their figures are ours."""

from __future__ import annotations

import gc
import math
import os
import subprocess
import warnings
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pymer_bridge as pb
from helpers.models import data_set
from helpers.probing import probe
from pymer_bridge.data.frames import collect
from pymer_bridge.errors import OptionError, ScriptError
from pymer_bridge.r_script import data_files, syntax
from pymer_bridge.r_script.journal import Journal, journal
from pymer_bridge.session.calls import Handle
from pymer_bridge.session.r_session import session
from pymer_bridge.verification.plain_r import plain_environment, rscript_program

pytestmark = pytest.mark.r

FEW = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SLOPES = "Reaction ~ Days + (Days | Subject)"


def sleepstudy() -> pd.DataFrame:
    return pb.load_dataset("sleepstudy")


def lme4_summary(fit: Any) -> str:
    """Return R's summary, whatever R says of its names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return str(fit.summary(ddf="none"))


def run(script: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script under plain R, in its folder."""
    return subprocess.run(
        [rscript_program(), "--vanilla", script.name],
        cwd=script.parent,
        text=True,
        env={**plain_environment(), **variables},
        capture_output=True,
        check=False,
        encoding="utf-8",
    )


# -- texts ---------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
AWKWARD = [
    '"', "\\", "\\n", "`", "'", "\n", "\r\n", "\t", '");system("x")#', "${x}", "%d", "é", "日本",
    "\u202e", "\ufeff", "\U0001f600", "\x01", "\x7f", "NA", "", " ", "a b", "if", "TRUE", "...",
    "..1", ".2a", "_a", "\\u0041", "\uffff", "#", ";", "\u2028",
]  # fmt: skip


def values(texts: list[str]) -> tuple[Any, ...]:
    found: tuple[Any, ...] = probe("values_of", texts=texts).value
    return found


@FEW
@given(st.lists(TEXTS, min_size=1, max_size=20))
def test_r_reads_strings_back(texts: list[str]) -> None:
    texts = texts + AWKWARD
    assert [value[0] for value in values([syntax.string(text) for text in texts])] == texts


@FEW
@given(st.lists(TEXTS.filter(bool), min_size=1, max_size=10, unique=True))
def test_r_reads_names_back(texts: list[str]) -> None:
    names = list(dict.fromkeys([*texts, *filter(None, AWKWARD)]))
    vector = syntax.render(syntax.vector([1.0] * len(names), names))
    assert values([f"names({vector})"])[0] == tuple(names)
    made = f"local({{x <- list(); {syntax.element('x', names[0])} <- 1; names(x)}})"
    assert values([made])[0] == (names[0],)


@FEW
@given(st.lists(TEXTS, min_size=1, max_size=20))
def test_nothing_gets_out_of_a_comment(texts: list[str]) -> None:
    comments = [syntax.comment(text) for text in texts + AWKWARD]
    assert set(probe("n_expressions", texts=comments).value) == {0}


HARD = [
    0.1, 1 / 3, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1e22, 1e23, 123456.789,
    9007199254740993.0, 0.30000000000000004, 1e-7, -0.0, 0.0, 4.35, 1e15, 1e16, 2.675, 8.5e-5,
]  # fmt: skip


def bits(numbers: Any) -> list[int]:
    return np.array(numbers, dtype=np.float64).view(np.int64).tolist()  # type: ignore[no-any-return]


@FEW
@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=60))
def test_r_reads_numbers_back_to_the_last_bit(numbers: list[float]) -> None:
    numbers = numbers + HARD
    assert bits([value[0] for value in values(list(map(syntax.number, numbers)))]) == bits(numbers)


@FEW
@given(st.lists(st.tuples(st.integers(-(10**9), 10**9), st.integers(-12, 6)), max_size=60))
def test_decimals_are_read_back_to_the_last_bit(parts: list[tuple[int, int]]) -> None:
    numbers = [float(f"{digits}e{power}") for digits, power in parts]
    texts = list(map(syntax.number, numbers))
    assert bits([value[0] for value in values([*texts, "0"])][:-1]) == bits(numbers)


@pytest.mark.parametrize("number", [0.1, -0.25, 249.56, 1e-5, 123456.789, 3.7, 1e6, 0.0005])
def test_short_decimals_stay_decimals(number: float) -> None:
    assert "0x" not in syntax.number(number)


def test_calls_are_laid_out_to_be_read() -> None:
    short = syntax.call("lmer", "y ~ x", data="d", REML="FALSE")
    assert syntax.assign("fit", short) == "fit <- lmer(y ~ x, data = d, REML = FALSE)"
    levels = syntax.vector([f"level {i}" for i in range(30)])
    lines = syntax.assign("d$f", syntax.call("factor", "d$f", levels=levels)).split("\n")
    assert lines[:3] == ["d$f <- factor(", "  d$f,", "  levels = c("]
    assert max(map(len, lines)) <= syntax.WIDTH
    assert syntax.render(syntax.vector(range(1, 501))) == "1:500"
    matrix = values([syntax.render(syntax.matrix([[1, 2], [3, 4.5]], ["a", "b"], ["c", 'd"']))])[0]
    assert matrix.tolist() == [1, 3, 2, 4.5]


# -- data ----------------------------------------------------------------------------------------

MOMENTS = st.datetimes(pd.Timestamp("1950-01-01"), pd.Timestamp("2100-01-01"))


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Return a frame with a column of every kind, missing values among them."""
    n = draw(st.integers(1, 12))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(st.none() | values, min_size=n, max_size=n))

    levels = draw(st.lists(TEXTS, min_size=1, max_size=5, unique=True))
    name = draw(TEXTS.filter(lambda text: text.strip() != ""))
    return pd.DataFrame(
        {
            f"{name} of {i}": values
            for i, values in enumerate(
                [
                    pd.Series(column(st.floats(allow_nan=False)), dtype="float64"),
                    pd.Series(
                        column(st.decimals(-1000, 1000, places=3).map(float)), dtype="float64"
                    ),
                    pd.Series(column(st.integers(-(2**31) + 1, 2**31 - 1)), dtype="Int64"),
                    pd.Series(column(st.booleans()), dtype="boolean"),
                    pd.Series(
                        column(TEXTS | st.sampled_from(["NA", "<NA>", " NA", "1"])), dtype=object
                    ),
                    pd.Series(pd.Categorical(column(st.sampled_from(levels)), levels)),
                    pd.Series(pd.Categorical(column(st.sampled_from(levels)), levels, True)),
                    pd.Series(pd.to_datetime(column(MOMENTS)))
                    .dt.tz_localize("UTC")
                    .dt.tz_convert(draw(st.sampled_from(["Europe/Zurich", "UTC"]))),
                    pd.Series(pd.to_datetime(column(MOMENTS))),
                    pd.Series(
                        pd.to_timedelta(
                            column(
                                st.timedeltas(
                                    max_value=pd.Timedelta("9D"), min_value=pd.Timedelta("-9D")
                                )
                            )
                        )
                    ),
                ]
            )
        }
    )


def same_in_r(frame: pd.DataFrame, path: Path) -> bool:
    """Say whether R reads just this frame from the file that is written of it."""
    collected = collect(frame)
    data = data_files.DataSet("d", collected.names, collected.parts, {})
    path.write_text(data_files.csv_text(data), encoding="utf-8", newline="\n")
    code = "\n".join(data_files.reading_csv(data, str(path)))
    answer = probe("reads_same", code=code, variable="d", frame=collected.to_r()).value
    return bool(answer[0] == 1)


@FEW
@given(frame=frames())
def test_data_are_read_back_to_the_last_bit(frame: pd.DataFrame, tmp_path: Path) -> None:
    assert same_in_r(frame, tmp_path / "data.csv")


@pytest.mark.parametrize("name", ["trial", "gaps", "pupils", "odd", "clinic", "sleepstudy", "cake"])
def test_data_of_models_are_read_back_to_the_last_bit(name: str, tmp_path: Path) -> None:
    assert same_in_r(data_set(name), tmp_path / "data.csv")


def test_measured_numbers_stay_readable(tmp_path: Path) -> None:
    fit = pb.lmer(SLOPES, sleepstudy())
    fit.to_r_script(tmp_path / "a.R")
    lines = (tmp_path / "a-sleepstudy.csv").read_text().splitlines()
    assert lines[:2] == ['"Reaction","Days","Subject"', '249.56,0,"308"']


# -- scripts -------------------------------------------------------------------------------------


def test_a_script_reads_as_a_statistician_would_write_it(tmp_path: Path) -> None:
    fit = pb.lmer(SLOPES, sleepstudy())
    fit.summary()
    fit.anova(type="II", ddf="kenward-roger")
    fit.confint(method="wald", conf_level=0.9)
    text = fit.to_r_script(tmp_path / "analysis.R").read_text()
    body = text[text.index("# -- Model") :].splitlines()[2:]
    assert body == [
        "fit <- lmer(Reaction ~ Days + (Days | Subject), data = sleepstudy)",
        "",
        "model_summary <- summary(fit)",
        "print(model_summary)",
        "",
        'tests <- anova(fit, type = "II", ddf = "Kenward-Roger")',
        "print(tests)",
        "",
        'intervals <- confint(fit, method = "Wald", level = 0.9)',
        "print(intervals)",
    ]
    head = text[: text.index("# -- Data")]
    assert "library(lme4)\nlibrary(lmerTest)\n" in head
    assert 'options(contrasts = c(unordered = "contr.treatment", ordered = "contr.poly"))' in head


@pytest.mark.parametrize("data", ["csv", "rds"])
def test_a_script_prints_the_same_summary(data: Any, tmp_path: Path) -> None:
    fit = pb.lmer("`my answer` ~ class * `größe` + (1 | `if`)", data_set("odd"), data_name="odd")
    script = fit.to_r_script(tmp_path / "analysis.R", data=data)
    done = run(script)
    assert done.returncode == 0, done.stderr
    assert lme4_summary(fit) in done.stdout


def test_a_script_runs_in_the_c_locale(tmp_path: Path) -> None:
    trial = data_set("trial")
    fit = pb.lmer("y ~ treated + site + (1 | g)", trial, data_name="trial")
    script = fit.to_r_script(tmp_path / "analysis.R")
    done = run(script, LC_ALL="C")
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines() if "site" in line}
    ours = lme4_summary(fit)
    theirs = {
        line.split()[0]: line.split()[1] for line in ours.splitlines() if line.startswith("site")
    }
    assert set(theirs) <= set(rows)
    assert {name: rows[name] for name in theirs} == theirs


def test_a_script_without_data_says_what_it_needs(tmp_path: Path) -> None:
    fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"))
    script = fit.to_r_script(tmp_path / "analysis.R", data=None)
    assert list(tmp_path.iterdir()) == [script]
    assert "# Batch (factor), Yield (numeric)" in script.read_text()
    done = run(script)  # lme4 carries these data
    assert done.returncode == 0, done.stderr
    assert lme4_summary(fit) in done.stdout


def test_a_script_says_which_package_is_missing(tmp_path: Path) -> None:
    fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"))
    script = fit.to_r_script(tmp_path / "analysis.R")
    text = script.read_text().replace('lme4 = "', 'lme4 = "0.1", notThere = "')
    script.write_text(text)
    done = run(script)
    assert done.returncode != 0
    assert 'needs the package notThere: install.packages("notThere")' in done.stderr
    assert "Made with lme4 0.1; this is lme4 " in done.stderr


def test_comments_of_a_user_do_not_reach_the_script(tmp_path: Path) -> None:
    formula = "Reaction ~ Days + # a comment\n (1 | Subject) # the end"
    weights = "1 / (1 + Days) # weights"
    fit = pb.lmer(formula, sleepstudy(), reml=False, weights=weights)
    fit.bootstrap(n_sim=2, seed=1, statistic="function(fit) sigma(fit) # why")
    script = fit.to_r_script(tmp_path / "analysis.R")
    assert "# a comment" not in script.read_text().partition("# -- Model")[2]
    done = run(script)
    assert done.returncode == 0, done.stderr


def test_numbers_in_formulas_keep_their_bits(tmp_path: Path) -> None:
    fit = pb.lmer("I(Reaction * 0.12345678901234567) ~ Days + (1 | Subject)", sleepstudy())
    line = fit.to_r_script(tmp_path / "analysis.R").read_text().partition("fit <- ")[2]
    assert float.fromhex(line.partition("* ")[2].partition(")")[0]) == 0.12345678901234567


HOSTILE = ['it\'s "x"', "back\\slash", "new\nline", "tick`ed", "ünï %d ${x}", ".DATA."]


def test_no_name_or_level_gets_out_of_its_quotes(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    data = pd.DataFrame({name: rng.normal(size=60) for name in ["y", *HOSTILE]})
    groups = ['a"b', "c\\d", "e\nf", "g`h", "ü", "NA"]
    data['"); stop("#'] = pd.Categorical(np.repeat(groups, 10))
    quoted = ["`" + n.replace("\\", "\\\\").replace("`", "\\`") + "`" for n in data.columns[1:]]
    fit = pb.lmer(
        f"y ~ {' + '.join(quoted[:-1])} + (1 | {quoted[-1]})",
        data,
        control=pb.lmer_control(check_conv_singular="ignore"),
        allow_functions=("stop",),  # R's own functions may take such a name for code
    )
    assert fit.n_groups['"); stop("#'] == 6
    assert pb.verify(fit, runs=1).ok
    assert HOSTILE[-1] in fit.to_r_script(tmp_path / "a.R").read_text()


def test_vectors_beside_the_data_become_columns(tmp_path: Path) -> None:
    small = data_set("small")
    weights = np.linspace(0.5, 1.5, len(small))
    by_name = pb.lmer("score ~ age + (1 | district)", small, weights=weights)
    text = by_name.to_r_script(tmp_path / "a.R").read_text()
    assert "weights = .weights" in text
    assert (tmp_path / "a-data.csv").read_text().splitlines()[0].endswith('".weights"')
    dotted = pb.lmer("score ~ . - district + (1 | district)", small, weights=weights)
    text = dotted.to_r_script(tmp_path / "b.R").read_text()
    assert ".weights <- data$.weights\ndata$.weights <- NULL" in text
    assert pb.verify([by_name, dotted], runs=1).ok


def test_what_r_has_no_function_for_is_said(tmp_path: Path) -> None:
    fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit.bootstrap("wild", n_sim=3, seed=1)
        fit.bootstrap("parametric", n_sim=3)
    text = fit.to_r_script(tmp_path / "a.R").read_text()
    assert "A wild bootstrap (n_sim=3, seed=1) was made too; lme4 has no function for it." in text
    assert "drawn without a seed" in text


def test_some_refitted_models_have_no_script(tmp_path: Path) -> None:
    fit = pb.lmer(SLOPES, sleepstudy(), reml=False)
    part = fit.update(subset="Days > 1")
    logs = fit.update("log(Reaction) ~ .")
    answer = pb.glmer("answer ~ x + (1 | ward)", data_set("clinic"), family="binomial")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        again = fit.refit(fit.simulate(seed=1).values[:, 0])
        for refitted, why in (
            (again.refit(fit.simulate(seed=2).values[:, 0]), "several times"),
            (part.refit(part.simulate(seed=1).values[:, 0]), "of a subset"),
            (logs.refit(logs.simulate(seed=1).values[:, 0]), "its response is no column"),
            (answer.refit(answer.simulate(seed=1).values[:, 0]), "its response has levels"),
        ):
            with pytest.raises(ScriptError, match=why):
                refitted.to_r_script(tmp_path / "a.R")
    with pytest.raises(OptionError, match="choose one of: 'csv', 'rds'"):
        fit.to_r_script(tmp_path / "a.R", data="xlsx")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_models_refitted_by_likelihood_are_scripted(tmp_path: Path) -> None:
    fit = pb.lmer(SLOPES, sleepstudy()).refit_ml()
    text = fit.to_r_script(tmp_path / "a.R").read_text()
    assert "fit <- refitML(lmer(Reaction ~ Days + (Days | Subject), data = sleepstudy))" in text
    fit.fixed_effects()
    assert pb.verify(fit, runs=1).ok


def test_a_session_is_scripted_in_order(tmp_path: Path) -> None:
    gc.collect()
    journal.tidy()
    before = len(journal.fits)
    data = sleepstudy()
    large = pb.lmer(SLOPES, data, reml=False)
    small = pb.lmer("Reaction ~ 1 + (Days | Subject)", data, reml=False)
    plain = pb.lm("Reaction ~ Days", data)
    pb.anova(small, large, names=("without", "with"))
    large.confint(method="wald")
    pb.anova(plain, large)
    text = pb.session_script(tmp_path / "session.R").read_text()
    fits = [f"model{before + i + 1} <- " for i in range(3)]
    large_name, small_name, plain_name = (f.removesuffix(" <- ") for f in fits)
    wanted = [
        *fits,
        f'anova({small_name}, {large_name}, model.names = c("without", "with"))',
        f'confint({large_name}, method = "Wald")',
        f"anova({plain_name}, {large_name})",
    ]
    places = [text.index(each) for each in wanted]
    assert places == sorted(places)
    assert large.n_obs == small.n_obs == plain.n_obs


def test_a_model_that_ends_while_its_session_is_scripted_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = pb.lmer(SLOPES, sleepstudy())
    data = pb.load_dataset("Dyestuff").rename(columns={"Yield": "of_the_ended"})
    box: list[Any] = [pb.lmer("of_the_ended ~ 1 + (1 | Batch)", data)]
    box.append(box)  # only the collector of garbage can end it
    tidy = Journal.tidy

    def then_collect(self: Journal) -> None:
        tidy(self)
        gc.collect()

    gc.disable()
    try:
        del box
        monkeypatch.setattr(Journal, "tidy", then_collect)
        text = pb.session_script(tmp_path / "session.R").read_text()
    finally:
        gc.enable()
    assert kept.formula in text
    assert "of_the_ended" not in text


def test_the_journal_keeps_nothing_alive() -> None:
    fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"))
    boot = fit.bootstrap(n_sim=2, seed=1)
    gone = [weakref.ref(fit._model), weakref.ref(boot)]
    entry = journal.with_result(boot)
    assert entry is not None
    assert journal.fit_of(fit._model) is not None
    del boot
    gc.collect()
    assert gone[1]() is None
    assert entry.outcome() is None
    forgotten = journal.n_forgotten
    del fit
    gc.collect()
    assert gone[0]() is None
    journal.tidy()
    assert journal.n_forgotten > forgotten
    assert entry not in journal.done


def test_the_journal_stays_small() -> None:
    own = Journal()
    spec = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff")).spec
    for i in range(1000):
        own.note_fit(Handle(-i), spec)
    assert len(own.fits) <= 128


# -- figures -------------------------------------------------------------------------------------


@pytest.mark.r("lmerTest")
@pytest.mark.carried("clubSandwich")
def test_robust_tests_are_those_of_a_script() -> None:
    data = sleepstudy()
    fit = pb.lmer(SLOPES, data)
    cake = pb.lmer("angle ~ recipe * temp + (1 | recipe:replicate)", pb.load_dataset("cake"))
    kept = [
        fit.robust(),
        fit.robust("Subject", kind="CR1S", test="naive-t", conf_level=0.9),
        fit.robust(test="normal"),
        cake.robust(kind="CR0", test="saddlepoint"),
        cake.robust("recipe:replicate", kind="CR3"),
    ]
    report = pb.verify([fit, cake, *kept], runs=1)
    assert report.ok, str(report)
    assert report.not_compared == ()


@pytest.mark.r("lmerTest")
def test_new_data_stand_in_the_script() -> None:
    data = pb.load_dataset("cake")
    fit = pb.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", data)
    new = pd.DataFrame(
        {"recipe": ["A", "C"], "temp": [180.5, 1 / 3], "replicate": pd.Categorical(["2", "1"])}
    )
    kept = [
        fit.predict(new),
        fit.predict(new, random_only=True),
        fit.predict(new.assign(replicate="99"), allow_new_levels=True),
        fit.predict(new, re_form="~ (1 | recipe:replicate)"),
        fit.simulate(2, 5, new),
        fit.simulate(2, 5, use_u=True),
    ]
    report = pb.verify([fit, *kept], runs=1)
    assert report.ok, str(report)
    assert report.not_compared == ()
    unwritten = [
        fit.predict(new, interval="confidence", re_form="population"),
        fit.predict(
            new_params={"beta": fit.fixed_effects("none").to_frame()["estimate"].to_list()}
        ),
    ]
    left = pb.verify([fit, *unwritten], runs=1).not_compared
    assert [text.partition(" were asked")[0] for text in left] == [
        "predict_model: Predictions with standard errors",
        "predict_model: Predictions with parameters or weights of their own",
    ]
    before = len(journal.done)
    fit.predict(pd.concat([new] * 60))  # too many for a script
    assert len(journal.done) == before


@pytest.mark.slow
@pytest.mark.r("lmerTest", "pbkrtest", "emmeans")
def test_figures_of_tests_intervals_and_bootstraps_are_those_of_a_script() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept = _everything()
    report = pb.verify(kept, runs=1)
    assert report.ok, str(report)
    assert report.not_compared == ()
    assert math.isfinite(report.n_figures)
    assert report.n_figures > 500


def _everything() -> list[Any]:
    """Return models with each test, interval and bootstrap that R has a function for."""
    data = sleepstudy()
    fit = pb.lmer(SLOPES, data)
    small = pb.lmer("Reaction ~ Days + (1 | Subject)", data)
    cake = pb.lmer("angle ~ recipe * temp + (1 | recipe:replicate)", pb.load_dataset("cake"))
    cbpp = pb.glmer(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)",
        pb.load_dataset("cbpp"),
        family="binomial",
    )
    means = cake.emmeans("recipe", by="temp", at={"temp": [185, 215]})
    return [
        fit,
        small,
        cake,
        cbpp,
        cake.anova("I"),
        cake.anova("II"),
        cake.anova(),
        cake.anova("II", "kenward-roger"),
        cake.anova(ddf="none"),
        cake.drop1(),
        fit.drop1(["Days"], "kenward-roger"),
        fit.ranova(),
        fit.ranova(reduce_terms=False),
        cake.step(reduce_random=False),
        fit.contest(
            {"a week": {"Days": 7}, 'the "start"': {"(Intercept)": 1}},
            rhs=[0, 250],
            joint=False,
            conf_level=0.8,
        ),
        fit.contest([[1, 0], [0, 1]], ddf="kenward-roger"),
        fit.confint("wald"),
        fit.confint("profile"),
        fit.confint("profile", "beta_", 0.5),
        fit.confint("boot", n_sim=6, seed=3, kind="basic"),
        small.profile(),
        fit.bootstrap("parametric", 5, 1),
        fit.bootstrap("parametric", 5, 2, use_u=True),
        fit.bootstrap("semiparametric", 5, 1, "fixed_effects"),
        fit.bootstrap("parametric", 3, 1, "random_effects"),
        fit.bootstrap("parametric", 3, 1, "variance_components"),
        fit.bootstrap("parametric", 3, 1, "predictions", re_form="population"),
        fit.bootstrap("parametric", 3, 1, "function(fit) c(s = sigma(fit))"),
        cbpp.bootstrap("parametric", 3, 1),
        cbpp.drop1(),
        cbpp.anova(),
        cbpp.confint("wald"),
        pb.anova(small, fit),
        pb.anova(small, fit, refit=False, names=("one", "two")),
        pb.kr_modcomp(fit, "Days"),
        pb.kr_modcomp(fit, [[0, 1]]),
        pb.sat_modcomp(fit, "Days"),
        pb.sat_modcomp(fit, [[0, 1]]),
        pb.pb_modcomp(small, "Days", 8, 4),
        means,
        means.pairs("holm"),
        means.contrast({"first": [1, -0.5, -0.5]}),
        cake.emtrends("recipe", "temp", ddf="satterthwaite"),
        cbpp.emmeans("period", type="response"),
    ]


def test_unknown_environment_is_not_needed(tmp_path: Path) -> None:
    """The script finds its data by the folder alone, wherever it lies."""
    fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"))
    folder = tmp_path / "with spaces é"
    folder.mkdir()
    done = run(fit.to_r_script(folder / "my analysis.R"))
    assert done.returncode == 0, done.stderr
    assert os.path.exists(folder / "my analysis-Dyestuff.csv")  # noqa: PTH110


def test_numbers_and_names_as_r_text():
    assert [syntax.atom(value) for value in (None, True, False, np.int8(3), 2.5, "a")] == [
        "NULL",
        "TRUE",
        "FALSE",
        "3",
        "2.5",
        '"a"',
    ]
    assert syntax.number(math.nan) == "NA_real_"
    assert (syntax.number(math.inf), syntax.number(-math.inf)) == ("Inf", "-Inf")
    with pytest.raises(TypeError, match="no R text is made of a bytes"):
        syntax.atom(b"a")


@pytest.mark.r(alone=True)
@pytest.mark.parametrize(
    "value",
    [0.1, 1 / 3, 1e22, 1.1e22, 123456789012345678.0, 5e-324, 1.7976931348623157e308, -2.5e-10],
)
def test_r_reads_numbers_to_the_last_bit(value):
    parsed = session().call("str2lang", s=syntax.number(value)).value
    read = session().call("eval", expr=parsed).value if type(parsed) is not np.ndarray else parsed
    assert float(read[0]).hex() == value.hex()


def test_columns_that_differ_in_any_way():
    one = {"kind": ("number",), "values": np.array([1.0, 2.0])}
    factor = {"kind": ("factor",), "values": np.array([1, 2]), "levels": ("a", "b")}
    assert data_files.same_part(one, dict(one))
    assert data_files.same_part(factor, {**factor, "levels": ["a", "b"]})
    assert not data_files.same_part(one, factor)
    assert not data_files.same_part(one, {**one, "kind": ("integer",)})
    assert not data_files.same_part(one, {**one, "values": np.array([1.0])})
    assert not data_files.same_part(one, {**one, "values": np.array([1.0, 3.0])})
    assert not data_files.same_part(factor, {**factor, "levels": ("a", "c")})


@pytest.mark.r("pbkrtest")
def test_what_a_script_writes_otherwise_and_leaves_out(tmp_path):
    data = sleepstudy()
    large = pb.lmer(SLOPES, data, reml=False)
    small = pb.lmer("Reaction ~ 1 + (Days | Subject)", data, reml=False)
    large.contest([[1, 0], [0, 1]], joint=False, rhs=[250, 10])
    large.bootstrap("wild", n_sim=2, seed=1)
    large.bootstrap(n_sim=2, seed=1, statistic="predictions", new_data=data.head(3))
    large.bootstrap(n_sim=2, statistic="fixed_effects")
    pb.pb_modcomp(large, small, n_sim=2, seed=1, start="cold")
    written = large.to_r_script(tmp_path / "a.R").read_text(encoding="utf-8")
    assert "rbind(" in written
    assert "rhs = 250" in written
    assert "rhs = 10" in written
    assert "lme4 has no function for it." in written
    assert "A bootstrap of predictions at new data was made too; it is left out." in written
    assert "pbkrtest exports no function that does so." in written
    assert "bootMer(" in written
    assert "seed" in written
