"""Corners that no other test turns: wrong use, and answers that R seldom gives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from pymer_bridge.cli import commands
from pymer_bridge.data import indexes, packing
from pymer_bridge.display import r_numbers
from pymer_bridge.display.tables import Column, Table
from pymer_bridge.errors import DataConversionError, FormulaError, OptionError, VerificationError
from pymer_bridge.r_script import data_files, syntax
from pymer_bridge.replicates import parallel
from pymer_bridge.results import codec
from pymer_bridge.results.icc_r2 import IntraclassCorrelation, RSquared
from pymer_bridge.results.matrix import NamedMatrix
from pymer_bridge.results.verification import VerificationReport, VerifiedFigure
from pymer_bridge.session.r_session import session
from pymer_bridge.verification.against_r import ulps

CLASSIC = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def sleepstudy() -> pd.DataFrame:
    return pb.load_dataset("sleepstudy")


@pytest.fixture(scope="module")
def fit(sleepstudy: pd.DataFrame) -> Any:
    return pb.lmer(CLASSIC, sleepstudy)


def refused(ask: Any, *given: Any, **named: Any) -> str:
    with pytest.raises(OptionError) as raised:
        ask(*given, **named)
    return str(raised.value)


# -- the package -----------------------------------------------------------------------------------


def test_the_package_has_the_names_it_lists_and_no_other():
    assert dir(pb) == sorted(pb.__all__)
    assert pb.plots.__name__ == "pymer_bridge.plots"
    with pytest.raises(AttributeError, match="module 'pymer_bridge' has no attribute 'lmerr'"):
        _ = pb.lmerr


# -- options that do not go together ---------------------------------------------------------------


@pytest.mark.r
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"statistic": "parameters", "re_form": "population"},
            "new_data and re_form go with statistic='predictions'",
        ),
        ({"kind": "parametric", "resample": (True, False)}, "resample goes with kind='case'"),
        ({"kind": "case", "use_u": True}, "use_u goes with kind='parametric'"),
        ({"kind": "wild", "use_u": False}, "use_u goes with kind='parametric'"),
        (
            {"kind": "semiparametric", "use_u": False},
            "R has no semiparametric bootstrap with use_u=False",
        ),
        ({"use_u": "FALSE"}, "use_u='FALSE' must be True or False"),
        ({"use_u": 0}, "use_u=0 must be True or False"),
    ],
)
def test_bootstrap_options_that_do_not_go_together(fit, options, said):
    given = {"kind": "parametric", "n_sim": 2, "seed": 1, **options}
    assert refused(fit.bootstrap, **given) == said


@pytest.mark.r
def test_what_is_no_model_is_refused(fit):
    assert refused(pb.anova, fit, "fit") == "anova() takes fitted models, not str"
    assert "model_table() takes fitted models, not str" in refused(pb.model_table, fit, "fit")


@pytest.mark.r
def test_bootstrap_intervals_of_a_tidy_frame_are_of_standard_deviations(fit):
    said = refused(fit.tidy, conf_int=True, conf_method="boot", scale="vcov")
    assert said == 'conf_method="boot" goes with scale="sdcor"'


def test_a_control_is_made_by_its_functions():
    with pytest.raises(OptionError, match="'system' makes no control object"):
        pb.controls.Control("system", ())


@pytest.mark.parametrize(
    ("name", "package"), [("a/b", "lme4"), ("sleepstudy", "lme4::x"), (3, "lme4"), ("x", "")]
)
def test_names_of_data_sets_are_plain(name, package):
    said = refused(pb.load_dataset, name, package=package)
    assert said.endswith("cannot be the name of a data set or package")


@pytest.mark.r
def test_a_statistic_that_r_cannot_read(fit):
    with pytest.raises(FormulaError, match=r"R cannot read the statistic 'function\(' *"):
        fit.bootstrap(n_sim=2, seed=1, statistic="function(")
    with pytest.raises(FormulaError, match="is not the text of an R function of the fit"):
        fit.bootstrap(n_sim=2, seed=1, statistic="functional")
    with pytest.raises(OptionError, match="allow_functions takes names in a tuple"):
        fit.bootstrap(n_sim=2, statistic="function(f) sigma(f)", allow_functions="sigma")


@pytest.mark.r
def test_a_bootstrap_of_predictions_of_the_population(sleepstudy):
    by_ml = pb.lmer(CLASSIC, sleepstudy, reml=False)
    boot = by_ml.bootstrap(n_sim=2, seed=1, statistic="predictions", re_form="population")
    assert boot.replicates.shape == (2, 180)
    # Ten days, eighteen subjects: the population has ten values, whoever it is.
    assert len(np.unique(boot.replicates[0].round(6))) == 10


@pytest.mark.r("pbkrtest")
def test_a_sequential_test_goes_in_whole_blocks(sleepstudy):
    large = pb.lmer(CLASSIC, sleepstudy, reml=False)
    small = pb.lmer("Reaction ~ 1 + (Days | Subject)", sleepstudy, reml=False)
    said = refused(pb.pb_modcomp, large, small, n_sim=7, h=3)
    assert said.startswith("n_sim=7 must be a multiple of ")


def test_controls_take_plain_numbers_and_two_stages():
    with pytest.raises(OptionError, match="must be one optimizer, or one of each stage"):
        pb.glmer_control(optimizer=("bobyqa", "bobyqa", "bobyqa"))
    with pytest.raises(OptionError, match="must be one optimizer, or one of each stage"):
        pb.glmer_control(optimizer=("bobyqa", "none"))
    ours = pb.lmer_control(optCtrl={"maxfun": np.int64(10)})
    assert ours == pb.lmer_control(optCtrl={"maxfun": 10})
    with pytest.raises(OptionError, match="must be a number, a string or a bool"):
        pb.lmer_control(optCtrl={"maxfun": [10]})


# -- many responses --------------------------------------------------------------------------------


@pytest.mark.r
@pytest.mark.parametrize(
    ("formula", "responses", "error", "said"),
    [
        ("y ~ x + (1 | g)", ["y"], FormulaError, "must be the right side alone"),
        ("~ x + (1 | g)", [], OptionError, "one or more different names of columns"),
        ("~ x + (1 | g)", ["y", "y"], OptionError, "one or more different names of columns"),
        ("~ x + (1 | g)", ["y", "z"], DataConversionError, "the data has no column 'z'"),
        ("~ x + (1 | g)", "g", DataConversionError, "a response is not of numbers"),
    ],
)
def test_responses_that_cannot_be_fitted(formula, responses, error, said):
    data = pd.DataFrame({"y": [1.0, 2.0], "x": [0.0, 1.0], "g": ["a", "b"]})
    with pytest.raises(error, match=said):
        pb.fit_many(formula, data, responses)


# -- columns ---------------------------------------------------------------------------------------


@pytest.mark.r
@pytest.mark.parametrize(
    ("column", "said"),
    [
        (["a", 3], "column 'g' is of dtype object and holds int, str"),
        ([{"a": 1}, {"b": 2}], "column 'g' is of dtype object and holds dict"),
        (["a", "b\0c"], "has an embedded NUL, which R cannot hold"),
        (["a", "\ud800"], "is not valid Unicode"),
    ],
)
def test_objects_that_are_no_column(column, said):
    data = pd.DataFrame({"y": [1.0, 2.0], "g": pd.Series(column, dtype=object)})
    with pytest.raises(DataConversionError, match=said):
        pb.lmer("y ~ 1 + (1 | g)", data)


# -- numbers as R prints them ----------------------------------------------------------------------


@pytest.mark.r(alone=True)
@pytest.mark.parametrize("digits", [1, 7, 15, 16, 20])
@pytest.mark.parametrize(
    "value",
    [
        0.0,
        -0.0,
        1.0,
        123456.789,
        1e22,
        1e23,
        3e25,
        1e-5,
        2.5,
        0.1,
        9.9999999999,
        1e5,
        99999.5,
        math.inf,
        -math.inf,
        math.nan,
    ],
)
def test_numbers_are_printed_as_r_prints_them(value, digits):
    theirs = session().call("format", x=np.array([value]), digits=digits).value
    assert tuple(r_numbers.format_numbers([value], digits)) == theirs


def test_digits_that_r_does_not_take():
    for digits in (0, 23):
        with pytest.raises(ValueError, match=f"digits must be from 1 to 22, not {digits}"):
            r_numbers.format_numbers([1.0], digits)


# -- how results and models show themselves --------------------------------------------------------


@pytest.mark.r
def test_models_in_one_line_and_in_two_tables(sleepstudy):
    plain = pb.lm("Reaction ~ Days", sleepstudy)
    assert repr(plain) == "<LinearModel 'Reaction ~ Days', 180 observations>"
    again = plain.update("~ . + I(Days^2)")
    assert [row.term for row in again.fixed_effects()] == ["(Intercept)", "Days", "I(Days^2)"]
    each = pb.lm_list("Reaction ~ Days | Subject", sleepstudy)
    assert repr(each) == "<LinearModelList 'Reaction ~ Days | Subject', 18 groups>"
    assert str(each) == f"{each.heading}\n\n{each.coefficients()}"
    assert each.heading.splitlines()[0] == "Linear models, one a level of Subject"


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


@pytest.mark.r
def test_many_fits_say_what_is_singular(sleepstudy):
    rng = np.random.default_rng(1)
    sleepstudy = sleepstudy.assign(noise=rng.normal(size=180), Half=sleepstudy["Reaction"] / 2)
    found = pb.fit_many("~ Days + (Days | Subject)", sleepstudy, ["Half", "noise"])
    assert len(found) == 2
    half, noise = str(found).splitlines()[-2:]
    assert half.split()[0] == "Half"
    assert "singular" not in half
    assert noise.split()[0] == "noise"
    assert noise.split()[-1] == "singular"


def test_the_versions_are_a_frame():
    versions = pb.show_versions()
    frame = versions.to_frame()
    assert list(frame.columns) == ["part", "name", "version"]
    assert "pandas" in set(frame["name"])


# -- what came of a verification -------------------------------------------------------------------

VERSIONS = {"R": "4.2.2", "lme4": "1.1-31"}


def figure(ours: Any, theirs: Any, verdict: str) -> VerifiedFigure:
    there = ulps(ours, theirs)
    relative = None if there is None else abs(ours - theirs) / abs(ours)
    return VerifiedFigure("fit", "sigma", ours, theirs, there, relative, verdict)


def test_a_report_of_no_figures():
    report = VerificationReport((), 0, 1, None, (), VERSIONS, ("a picture",))
    assert not report.ok
    assert report.line == "No figure could be compared with plain R."
    assert str(report) == f"{report.line}\nNot compared: a picture"
    with pytest.raises(VerificationError, match="No figure could be compared"):
        report.raise_if_different()


def test_a_report_of_other_figures():
    rows = (
        figure(1.5, 1.5000000000000002, "different"),
        figure("bobyqa", None, "different"),
        figure(2, 3.0, "different"),
    )
    report = VerificationReport(rows, 9, 2, None, (), VERSIONS, ())
    assert not report.ok
    assert report.line == (
        "DIFFERENT: 3 of 9 figures are not those of plain R in 2 fresh processes "
        "(R 4.2.2, lme4 1.1-31)."
    )
    lines = str(report).splitlines()
    assert lines[0] == report.line
    first, second, third = (line.split() for line in lines[-3:])
    assert first == ["fit", "sigma", "1.5", "1.5000000000000002", "1", "1.5e-16"]
    assert second == ["fit", "sigma", "bobyqa", "none"]
    assert third[:4] == ["fit", "sigma", "2", "3.0"]
    with pytest.raises(VerificationError, match="DIFFERENT: 3 of 9"):
        report.raise_if_different()


def test_a_report_of_rs_other_state():
    rows = tuple(figure(1.5, 1.5000000000000002, "other state") for _ in range(30))
    report = VerificationReport(rows, 40, 3, 2, (2, 6, 6), VERSIONS, ())
    assert report.ok
    report.raise_if_different()
    assert report.line.endswith(
        "1 in the state of this one, and 2 in the other, in which R itself gives 30 figures "
        "otherwise."
    )
    shown = str(report)
    assert "This lme4 was built so that each process is in one of two states" in shown
    assert " more differ; .to_frame() has all." in shown
    assert "R's other state" in shown
    assert len(report.to_frame()) == 30


def test_units_in_the_last_place():
    assert ulps(1.0, math.nextafter(1.0, 2)) == 1
    assert ulps(-0.0, 0.0) == 1
    assert ulps(-5e-324, 5e-324) == 3
    assert ulps(1.0, "a") is None
    assert ulps(None, 1.0) is None


# -- the command line ------------------------------------------------------------------------------


@pytest.mark.r
def test_normal_tests_on_the_command_line(capsys):
    assert commands.main(["fit", "lme4::sleepstudy", CLASSIC, "--ddf", "normal"]) == 0
    shown = capsys.readouterr().out
    assert "Fixed effects:" in shown
    assert "Random effects:" in shown
    assert "Fit statistics:" in shown
    assert "Pr(>|z|)" in shown or "Pr(>|t|)" in shown


@pytest.mark.r
def test_a_link_of_the_negative_binomial_on_the_command_line(capsys):
    words = ["fit", "lme4::grouseticks", "TICKS ~ YEAR + (1 | BROOD)"]
    assert commands.main([*words, "--family", "negative-binomial", "--link", "log"]) == 1
    said = capsys.readouterr().err
    assert said == ("pymer-bridge: --link cannot be chosen with --family negative-binomial\n")


# -- an index that a file can or cannot hold -------------------------------------------------------


def test_an_index_of_what_cannot_be_kept_is_refused():
    for labels, said in (
        (pd.Index([1j, 2j]), "its dtype is complex128"),
        (pd.Index([{1}, {2}], dtype=object), "it holds a set, {1}"),
    ):
        with pytest.raises(ValueError, match=said):
            indexes.pack_index(labels, {})


def test_a_kept_index_of_unknown_kind_is_refused():
    arrays: dict[str, Any] = {}
    kept = indexes.pack_index(pd.date_range("2024-01-01", periods=2), arrays)
    assert indexes.unpack_index(kept, arrays).equals(pd.date_range("2024-01-01", periods=2))
    with pytest.raises(ValueError, match="'fortnight' is no unit of time"):
        indexes.unpack_index({**kept, "unit": "fortnight"}, arrays)
    with pytest.raises(ValueError, match="no index is of kind 'tree'"):
        indexes.unpack_index({**kept, "kind": "tree"}, arrays)


# -- parts of results ------------------------------------------------------------------------------


def test_what_a_result_cannot_hold():
    with pytest.raises(TypeError, match="a result cannot hold a complex"):
        codec.encode(1j)
    with pytest.raises(TypeError, match="a result cannot hold a type"):
        codec.encode(NamedMatrix)


def test_an_array_is_not_the_same_as_something_else():
    assert not codec.same(np.array([1.0]), (1.0,))
    assert not codec.same(1.0, np.array([1.0]))
    assert not codec.same(np.array([1.0]), np.array([1]))
    assert not codec.same(pd.Index([1]), (1,))
    assert codec.same(np.array([np.nan]), np.array([np.nan]))


def test_an_index_of_numpy_scalars_is_kept():
    index = pd.Index(np.array([np.int64(1), "a", (np.float64(2.5), "b")], dtype=object))
    again = codec.decode(codec.encode(index))
    assert list(again) == [1, "a", (2.5, "b")]


def test_a_named_matrix_for_numpy_and_by_names():
    matrix = NamedMatrix(np.array([[1.0, 2.0]]), ("a", "b"), ("r",))
    assert np.asarray(matrix, copy=False) is matrix.values
    assert np.array(matrix, dtype=np.int64).tolist() == [[1, 2]]
    assert matrix["r", "b"] == 2.0
    for key in (("x", "a"), ("r", "x")):
        with pytest.raises(KeyError, match="columns are: 'a', 'b'"):
            _ = matrix[key]
    with pytest.raises(KeyError):
        _ = NamedMatrix(np.array([[1.0]]), ("a",))["r", "a"]


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


def test_what_a_stated_type_takes():
    assert packing.pack(np.float64(2.5), {}) == 2.5
    assert packing.conforms(object(), Any)
    assert packing.conforms((1, "a"), tuple[int, str])
    assert not packing.conforms((1,), tuple[int, str])
    assert not packing.conforms([1, "a"], tuple[int, str])
    assert packing.conforms((1, 2), tuple[int, ...])


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


def test_what_is_missing_of_a_range():
    assert parallel.gaps(5, []) == [(0, 5)]
    assert parallel.gaps(5, [(3, 5), (0, 1)]) == [(1, 3)]
    assert parallel.gaps(5, [(0, 5)]) == []


def test_shares_of_variance_show_themselves():
    shares = IntraclassCorrelation(0.25, None)
    assert str(shares).splitlines()[0] == "Intraclass correlation:"
    assert str(shares).splitlines()[-1].split() == ["0.25"]
    shares = RSquared(0.25, 0.5)
    assert str(shares).splitlines()[0] == "R squared:"
    assert str(shares).splitlines()[-1].split() == ["0.25", "0.5"]


def test_a_table_is_whole():
    columns = (Column("a", "A"), Column("b", "B"))
    with pytest.raises(ValueError, match="row 1 has 1 cells for 2 columns"):
        Table(columns, ((1, 2), (3,)))
    with pytest.raises(ValueError, match="max_rows must be at least 1 or None, not 0"):
        Table(columns, ((1, 2),), max_rows=0)
    with pytest.raises(ValueError, match="digits must be from 1 to 22, not 0"):
        Table(columns, ((1, 2),), digits=0)


# -- wrong use of pictures and frames --------------------------------------------------------------


@pytest.mark.r
def test_effects_of_a_tidy_frame_are_named(fit):
    assert refused(fit.tidy, effects=()) == "effects must name at least one kind of effect"


@pytest.mark.r
def test_normal_tests_go_with_every_kind_of_model():
    data = pb.load_dataset("cbpp")
    data["sick"] = data["incidence"] / data["size"]
    model = pb.glmer("sick ~ period + (1 | herd)", data, family="binomial", weights="size")
    said = refused(model.tidy, ddf="satterthwaite")
    assert said == "ddf='satterthwaite' goes with linear mixed models only; here it is 'none'"
    assert model.tidy(effects="fixed", ddf="none")["term"].tolist()[0] == "(Intercept)"
    assert "takes a model of lmer()" in refused(model.pooling)


@pytest.mark.r
def test_lines_that_cannot_be_drawn(sleepstudy):
    rng = np.random.default_rng(2)
    data = sleepstudy.assign(
        age=rng.normal(size=180),
        kind=pd.Categorical(np.resize(["a", "b", "c"], 180)),
        word=np.resize(["p", "q"], 180),
        off=0.5,
    )
    model = pb.lmer("Reaction ~ Days + age + kind + word + (1 | Subject)", data)
    lines = pb.plots.lines
    assert "no lines along 'kind' by 'Subject'; numeric predictors are: Days, age" in refused(
        lines, model, predictor="kind"
    )
    assert refused(lines, model, predictor="Days", at={"Days": 1}) == (
        "at holds 'Days', which is no other predictor of the model"
    )
    assert refused(lines, model, predictor="Days", at={"kind": "z"}) == (
        "at holds 'kind' at 'z', which is none of its levels"
    )
    lines(model, predictor="Days", at={"kind": "b"})
    shifted = pb.lmer("Reaction ~ Days + (1 | Subject)", data, offset="off")
    assert refused(lines, shifted) == "a model with an offset has no lines through its data"
    logged = pb.lmer("Reaction ~ log(Days + 1) + age + (1 | Subject)", data)
    assert "need predictions from plain columns" in refused(lines, logged, predictor="age")


@pytest.mark.r
def test_a_predictor_of_pooling_is_said(sleepstudy):
    rng = np.random.default_rng(3)
    data = sleepstudy.assign(age=rng.normal(size=180))
    model = pb.lmer("Reaction ~ Days + age + (1 | Subject)", data)
    assert refused(model.pooling) == "say which predictor; numeric ones are: Days, age"
    assert refused(model.pooling, predictor="x") == "no predictor 'x'; numeric ones are: Days, age"
    assert refused(model.pooling, predictor="Days").startswith("the fixed effects are ")
    assert refused(model.pooling, "Item") == "no grouping factor 'Item'; there are: Subject"


# -- scripts ---------------------------------------------------------------------------------------


@pytest.mark.r("pbkrtest")
def test_what_a_script_writes_otherwise_and_leaves_out(sleepstudy, tmp_path):
    large = pb.lmer(CLASSIC, sleepstudy, reml=False)
    small = pb.lmer("Reaction ~ 1 + (Days | Subject)", sleepstudy, reml=False)
    large.contest([[1, 0], [0, 1]], joint=False, rhs=[250, 10])
    large.bootstrap("wild", n_sim=2, seed=1)
    large.bootstrap(n_sim=2, seed=1, statistic="predictions", new_data=sleepstudy.head(3))
    large.bootstrap(n_sim=2, statistic="fixed_effects")
    pb.pb_modcomp(large, small, n_sim=2, seed=1, start="cold")
    written = large.to_r_script(tmp_path / "a.R").read_text(encoding="utf-8")
    assert "rbind(" in written
    assert "rhs = 250" in written
    assert "rhs = 10" in written
    assert "lme4 has no function for it." in written
    assert "A bootstrap of predictions at new data was made too; it is not here." in written
    assert "pbkrtest exports no function that does so." in written
    assert "bootMer(" in written
    assert "seed" in written
