"""The checks of options and vectors alone: what is taken, as what, and how the rest is refused.

No R here, so that each check can be tried with everything that Python may bring.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import pytest

from pymer_bridge.errors import OptionError, shown
from pymer_bridge.spec import labels, options
from pymer_bridge.spec.meanings import meant

ROWS = pd.Index(["a", "b", "c"])
MATRIX = 'contrasts must be a mapping, such as {"group": "contr.sum"}'
LOGISTIC = "start={'Asym': 200, 'xmid': 725, 'scal': 350}"


def refused(check: Callable[[], Any]) -> str:
    with pytest.raises(OptionError) as raised:
        check()
    return str(raised.value)


# -- one of, flags, whole numbers, seeds ---------------------------------------------------------


def test_one_of_takes_the_members_and_lists_them():
    for member in ("sdcor", "vcov"):
        assert options.one_of(member, options.RandomScale, "scales") == member
    said = refused(lambda: options.one_of("sd", options.RandomScale, "scales"))
    assert said == "scales='sd' is not accepted; choose one of: 'sdcor', 'vcov'"
    assert "reml=1 is not accepted" in refused(
        lambda: options.one_of(1, options.RandomScale, "reml")
    )


LITERALS = {
    name: value
    for name, value in vars(options).items()
    if getattr(value, "__origin__", None) is Literal
}

MEANT = {
    "Ddf": {
        "satterthwaite": "Satterthwaite SATTERTHWAITE satt Sat",
        "kenward-roger": "Kenward-Roger KR kr Kenward_Roger KenwardRoger kenward.roger",
        "normal": "z Normal asymptotic",
        "none": "None lme4",
    },
    "MeansDdf": {"asymptotic": "z normal asymp", "kenward-roger": "KR", "satterthwaite": "Satt"},
    "TestDdf": {"kenward-roger": "KR Kenward-Roger", "satterthwaite": "Satterthwaite"},
    "AnovaType": {"I": "1 i", "II": "2 ii", "III": "3 iii"},
    "NaAction": {"omit": "na.omit", "exclude": "na.exclude na_exclude", "fail": "na.fail"},
    "IntervalMethod": {"wald": "Wald", "boot": "bootstrap Boot", "profile": "Profile"},
    "BootInterval": {"percentile": "perc", "normal": "norm", "basic": "Basic"},
    "Optimizer": {"Nelder_Mead": "Nelder-Mead NelderMead neldermead", "bobyqa": "BOBYQA"},
    "Route": {"likelihood-ratio": "likelihood_ratio", "kenward-roger": "KR"},
    "ResidualKind": {"pearson": "Pearson"},
    "Adjust": {"BH": "bh", "tukey": "Tukey"},
}
WRONG = ("t", "4", "IV", "", " ", "kenward", "ken", "roger", "-", "0", "p", "wald.test", "sattz")


@pytest.mark.parametrize("name", LITERALS)
def test_a_value_is_known_by_rs_name_too(name):
    accepted = LITERALS[name]
    members = get_args(accepted)
    for member, others in MEANT.get(name, {}).items():
        for other in others.split():
            assert options.one_of(other, accepted, "x") == member, other
    for member in members:
        assert options.one_of(np.str_(member), accepted, "x") is member
        assert options.one_of(member.upper(), accepted, "x") == member
    wrong = [None, True, False, 1.0, 3.0, b"III", [], {}, ["III"], np.zeros(3), 10**40, object()]
    for value in (*wrong, *(text for text in WRONG if text not in members)):
        assert meant(value, accepted) is None, value
        assert f"x={value!r} is not accepted" in refused(
            lambda value=value: options.one_of(value, accepted, "x")
        )


def test_a_whole_number_is_a_type_of_anova():
    assert [options.one_of(n, options.AnovaType, "type") for n in (1, 2, 3)] == ["I", "II", "III"]


def test_what_is_meant_is_used():
    """A check whose answer is thrown away would let "KR" through to R."""
    unused = [
        f"{path.name}:{node.lineno}"
        for path in Path(options.__file__).parents[1].rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and ast.unparse(node.value.func).endswith(("one_of", "each_of"))
    ]
    assert not unused


@pytest.mark.parametrize("value", [True, False, np.True_, np.False_])
def test_a_flag_is_a_plain_bool(value):
    assert options.flag(value, "reml") is bool(value)


@pytest.mark.parametrize("value", ["FALSE", "ML", 1, 0, None, 1.0])
def test_what_only_looks_like_a_flag_is_refused(value):
    assert refused(lambda: options.flag(value, "reml")) == f"reml={value!r} must be True or False"


@pytest.mark.parametrize("value", [0, 5, -3, np.int64(7), np.int8(-2)])
def test_a_whole_number_is_a_plain_int(value):
    taken = options.whole(value, "n_sim")
    assert type(taken) is int
    assert taken == value


@pytest.mark.parametrize("value", [True, 1.0, "1", None, np.float64(2), np.True_])
def test_what_is_no_whole_number_is_refused(value):
    assert (
        refused(lambda: options.whole(value, "n_sim")) == f"n_sim={value!r} must be a whole number"
    )


def test_a_whole_number_has_a_minimum():
    assert options.whole(2, "n_jobs", 2) == 2
    assert options.whole(0, "n_jobs", minimum=0) == 0
    assert refused(lambda: options.whole(1, "n_jobs", 2)) == "n_jobs=1 must be at least 2"
    assert refused(lambda: options.whole(-1, "n_jobs", 0)) == "n_jobs=-1 must be at least 0"


@pytest.mark.parametrize("seed", [None, 0, 2**31 - 1, -(2**31) + 1, np.int32(4)])
def test_a_seed_is_one_of_rs_integers(seed):
    taken = options.random_seed(seed)
    assert taken == seed
    assert type(taken) in (int, type(None))


@pytest.mark.parametrize("seed", [2**31, -(2**31), 10**20])
def test_a_seed_beyond_rs_integers_is_refused(seed):
    said = refused(lambda: options.random_seed(seed))
    assert said == f"seed={seed!r} must lie within R's integers, below 2**31"


@pytest.mark.parametrize("seed", [1.5, "1", True])
def test_a_seed_that_is_no_whole_number_is_refused(seed):
    assert refused(lambda: options.random_seed(seed)) == f"seed={seed!r} must be a whole number"


# -- numbers and starting values -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (None, None),
        ([], ()),
        ([1, 2.5], (1.0, 2.5)),
        (np.array([3], dtype=np.int8), (3.0,)),
        (pd.Series([0.1]), (0.1,)),
        ([True], (1.0,)),
    ],
)
def test_numbers_are_a_tuple_of_floats(given, taken):
    found = options.numbers(given, "start")
    assert found == taken
    assert found is None or all(type(value) is float for value in found)


@pytest.mark.parametrize("given", [1, 2.5, np.float32(0.5)])
def test_one_number_is_a_sequence_of_one(given):
    assert options.numbers(given, "start") == (float(given),)


@pytest.mark.parametrize("given", [[[1.0, 2.0]], ["x"], "x", {"a": 1}, object, 1j])
def test_what_is_no_sequence_of_numbers_is_refused(given):
    said = refused(lambda: options.numbers(given, "start"))
    assert said == f"start={given!r} must be a number, or a sequence of numbers"


def test_numbers_with_labels_are_refused_where_r_goes_by_position():
    said = refused(lambda: options.numbers(pd.Series([1.0], index=["a"]), "start"))
    assert said == "start has labels, and these numbers go by R's order: give .to_numpy()"


PARTS = ("theta", "fixef")


def test_starting_values_of_a_generalized_model():
    assert options.start_of_parts(None, PARTS) is None
    assert options.start_of_parts([1, 2], PARTS) == (1.0, 2.0)
    assert options.start_of_parts(3, PARTS) == (3.0,)
    assert options.start_of_parts({"theta": [1], "fixef": [0, 2]}, PARTS) == (
        ("theta", (1.0,)),
        ("fixef", (0.0, 2.0)),
    )
    assert options.start_of_parts({"fixef": None}, PARTS) == (("fixef", None),)
    said = refused(lambda: options.start_of_parts({"theta": ["x"]}, PARTS))
    assert said == "start['theta']=['x'] must be a number, or a sequence of numbers"


@pytest.mark.parametrize("given", [{}, {"beta": [1]}, {"theta": [1], "par": [1]}])
def test_starting_values_of_other_parts_are_refused(given):
    said = refused(lambda: options.start_of_parts(given, PARTS))
    assert said == f"start={shown(given)}: as a mapping it takes R's 'theta' and 'fixef'"


def test_starting_values_of_a_nonlinear_model():
    given = {"Asym": 200, "xmid": [725.5], "scal": np.float32(350)}
    assert options.start_of_parameters(given) == (
        ("Asym", (200.0,)),
        ("xmid", (725.5,)),
        ("scal", (350.0,)),
    )


@pytest.mark.parametrize("given", [None, {}, [200], "Asym"])
def test_starting_values_of_a_nonlinear_model_are_a_mapping(given):
    said = refused(lambda: options.start_of_parameters(given))
    assert said == f"start must give a number for each nonlinear parameter: {LOGISTIC}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a", [1, 2]),
        ("a", []),
        ("a b", 1),
        (3, 1),
        ("a", "x"),
        ("a", ["x"]),
        ("a", None),
        ("a", float("nan")),
        ("a", float("inf")),
        ("a", object),
        ("a", [[1], [2]]),
    ],
)
def test_each_nonlinear_parameter_starts_at_one_number(name, value):
    said = refused(lambda: options.start_of_parameters({"first": 1, name: value}))
    assert said == f"start[{name!r}]={value!r} must be one number: {LOGISTIC}"


# -- levels and names ----------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.95, 0.001, 0.999, np.float64(0.5)])
def test_a_confidence_level_is_a_plain_float(level):
    taken = options.check_level(level)
    assert type(taken) is float
    assert taken == level


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 95, float("nan")])
def test_a_confidence_level_lies_between_0_and_1(level):
    said = refused(lambda: options.check_level(level))
    assert said == f"conf_level={level!r} must lie between 0 and 1, as in 0.95"


@pytest.mark.parametrize("name", ["data", "d", "A.b_9", "Z", "a0", "If", "nan", "FUNCTION", "x.."])
def test_a_plain_name_for_the_data_is_taken(name):
    assert options.check_data_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "1a",
        "_a",
        ".a",
        "a b",
        "a-b",
        "a(",
        "é",
        "aé",
        "a\n",
        "`a`",
        "if",
        "else",
        "repeat",
        "while",
        "function",
        "for",
        "next",
        "break",
        "in",
        "TRUE",
        "FALSE",
        "NULL",
        "Inf",
        "NaN",
        "NA",
    ],
)
def test_a_name_that_r_would_not_take_plainly_is_refused(name):
    said = refused(lambda: options.check_data_name(name))
    assert said == (
        f"data_name={name!r} must be a plain R name: letters, digits, dots and underscores"
    )


# -- one value a row -----------------------------------------------------------------------------


def test_a_vector_over_rows_is_a_copy_that_cannot_be_changed():
    given = np.array([1.0, 2.0, 3.0])
    taken = labels.row_vector(given, ROWS, "weights", np.float64)
    given[0] = 99
    assert taken.tolist() == [1.0, 2.0, 3.0]
    assert taken.dtype == np.float64
    assert not taken.flags.writeable


@pytest.mark.parametrize("given", [[1, 2, 3], (1, 2, 3), pd.Series([1, 2, 3], index=ROWS)])
def test_a_vector_over_rows_may_be_of_any_kind(given):
    taken = labels.row_vector(given, ROWS, "offset", np.float64)
    assert taken.dtype == np.float64
    assert taken.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    "given",
    [
        [True, False, True],
        np.array([True, False, True]),
        np.array([True, np.False_, True], dtype=object),
        pd.Series([True, False, True], index=ROWS, dtype="boolean"),
    ],
)
def test_a_subset_is_of_bools(given):
    taken = labels.row_vector(given, ROWS, "subset", np.bool_)
    assert taken.dtype == np.bool_
    assert taken.tolist() == [True, False, True]
    assert not taken.flags.writeable


@pytest.mark.parametrize(
    "given", [[1, 0, 1], ["a", "", "b"], np.array([True, 1, None], dtype=object), [0.0, 1.0, 1.0]]
)
def test_a_subset_of_anything_else_is_refused(given):
    said = refused(lambda: labels.row_vector(given, ROWS, "subset", np.bool_))
    assert said == "subset must be an expression of columns, or a bool for each row"


def test_a_series_of_other_rows_is_refused():
    other = pd.Series([1.0, 2.0, 3.0], index=[1, 2, 3])
    said = refused(lambda: labels.row_vector(other, ROWS, "weights", np.float64))
    assert said == (
        "weights is on another index than the data (weights alone has 1, 2, 3, the data alone has "
        f"{', '.join(map(repr, ROWS))}): align it, as with "
        ".loc[data.index], or give its values with .to_numpy()"
    )


@pytest.mark.parametrize(
    ("given", "shape"), [([1.0], (1,)), ([[1.0, 2.0, 3.0]], (1, 3)), (1.0, ())]
)
def test_a_vector_of_another_shape_is_refused(given, shape):
    said = refused(lambda: labels.row_vector(given, ROWS, "weights", np.float64))
    assert said == f"weights has shape {shape}, and the data has 3 rows"


def test_a_vector_of_no_numbers_is_refused():
    said = refused(lambda: labels.row_vector(["x", "y", "z"], ROWS, "weights", np.float64))
    assert said == (
        "weights must be a column's name or one number for each row: "
        "could not convert string to float: 'x'"
    )
    assert "one number for each row" in refused(
        lambda: labels.row_vector([None, object(), 1], ROWS, "weights", np.float64)
    )


# -- contrasts -----------------------------------------------------------------------------------


def test_contrasts_by_name_and_by_matrix():
    given = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
    table = pd.DataFrame([[1], [-1]], index=["lo", 2], columns=["d"])
    taken = labels.check_contrasts(
        {"g": "contr.sum", "h": given, "t": table}, iter(["t", "h", "g", "y"])
    )
    assert [name for name, _ in taken] == ["g", "h", "t"]
    assert taken[0][1] == "contr.sum"
    values = taken[1][1].pop("values")
    assert values.dtype == np.float64
    assert not values.flags.writeable
    given[0, 0] = 9
    assert values.tolist() == [[1, 0], [0, 1], [-1, -1]]
    assert taken[1][1] == {"n_rows": 3, "row_names": None, "column_names": None}
    assert taken[2][1].pop("values").tolist() == [[1], [-1]]
    assert taken[2][1] == {"n_rows": 2, "row_names": ["lo", 2], "column_names": ["d"]}


@pytest.mark.parametrize("nothing", [None, {}])
def test_no_contrasts(nothing):
    assert labels.check_contrasts(nothing, ["g"]) == ()


def test_contrasts_that_are_no_mapping_are_refused():
    assert refused(lambda: labels.check_contrasts("contr.sum", ["g"])) == MATRIX
    assert refused(lambda: labels.check_contrasts([("g", "contr.sum")], ["g"])) == MATRIX


def test_contrasts_of_no_column_are_refused():
    said = refused(lambda: labels.check_contrasts({"h": "contr.sum"}, ["g"]))
    assert said == "contrasts name 'h', and the data has no such column; it has: 'g'"


def test_only_rs_own_contrast_functions_are_called():
    said = refused(lambda: labels.check_contrasts({"g": "system"}, ["g"]))
    assert said.startswith("contrasts['g']='system' is not accepted; choose one of: 'contr.tre")


def test_contrasts_that_are_no_matrix_are_refused():
    wanted = "contrasts['g'] must be a name or a matrix of levels by contrasts"
    assert refused(lambda: labels.check_contrasts({"g": [1, 2]}, ["g"])) == wanted
    assert refused(lambda: labels.check_contrasts({"g": [["x"]]}, ["g"])) == (
        f"{wanted}: could not convert string to float: 'x'"
    )
    said = refused(lambda: labels.check_contrasts({"g": [[object()]]}, ["g"]))
    assert said.startswith(f"{wanted}: ")


# -- predictors ----------------------------------------------------------------------------------


def test_one_name_or_several():
    assert options.names_of("Days", "of") == ("Days",)
    assert options.names_of(["a", "b"], "of") == ("a", "b")


@pytest.mark.parametrize("given", [[], (), ["a", 1], [None]])
def test_names_that_are_none_are_refused(given):
    said = refused(lambda: options.names_of(given, "of"))
    assert said == f"of={given!r} must be a name or several names"


def test_values_at_which_means_are_wanted():
    assert options.values_at(None) == {}
    taken = options.values_at(
        {"Days": 5, "g": ["a", "b"], "x": np.array([1.5, 2]), 3: (True,), "n": np.int64(2)}
    )
    assert taken == {"Days": [5], "g": ["a", "b"], "x": [1.5, 2.0], "3": [True], "n": [2]}
    assert [type(value) for values in taken.values() for value in values] == [
        int,
        str,
        str,
        float,
        float,
        bool,
        int,
    ]


def test_numpy_scalars_at_which_means_are_wanted_become_plain():
    taken = options.values_at({"x": [np.float32(0.5), np.int8(3)]})
    assert [type(value) for value in taken["x"]] == [float, int]


@pytest.mark.parametrize("given", [[], None, [None], [1, object], [b"x"], 1j])
def test_values_that_are_neither_numbers_nor_levels_are_refused(given):
    said = refused(lambda: options.values_at({"x": given}))
    assert said == f"at['x'] must be numbers or levels, not {given!r}"
