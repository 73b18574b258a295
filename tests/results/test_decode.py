"""R records to results, each field against the one it comes from.

The records are of the shape that :func:`pymer_bridge.session.convert.from_r` gives, written down
by hand and without R, so that every field can have a value of its own: a fit may well have two
alike. What real records hold is for the tests that fit.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pymer_bridge.results import (
    bootstrap,
    fit_statistics,
    fixed_effects,
    groups,
    icc_r2,
    internals,
    intervals,
    matrix,
    means,
    prediction,
    variances,
)
from pymer_bridge.results import tests as tested
from pymer_bridge.results.codec import encode
from pymer_bridge.results.decode import internals as decode_internals
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.decode import tests as decode_tests

NA = float(np.array([0x7FF00000000007A2], dtype=np.uint64).view(np.float64)[0])
"""R's missing float, with its own bits."""
NA_INT = -(2**31)
NUMPY_NAN = np.array([np.nan]).view(np.int64)[0]
INDEX = pd.Index(["r1", "r2", "r3", "r4"], name="row")
ROWS = np.array([1, 3, 4], dtype=np.int32)


def floats(*values: float) -> Any:
    return np.array(values, dtype=np.float64)


def ints(*values: int) -> Any:
    return np.array(values, dtype=np.int32)


def without(record: dict[str, Any], name: str, n: int = 1) -> dict[str, Any]:
    """Return the record with the last values of a field cut off."""
    return {**record, name: record[name][:-n]}


def assert_shapes_are_checked(read: Any, record: dict[str, Any], fields: str) -> None:
    """Assert that a column shorter than the others is an error, and not the end of the rows."""
    read(record)
    for name in fields.split():
        with pytest.raises(ValueError, match="zip"):
            read(without(record, name))


def frozen(values: Any) -> bool:
    """Say whether an array cannot be made writeable by anybody."""
    with pytest.raises(ValueError, match="WRITEABLE"):
        values.flags.writeable = True
    return True


# -- single fields -------------------------------------------------------------------------------


def test_single_fields():
    record = {
        "x": floats(1.5, 2.5), "n": ints(3, 4), "yes": ints(1, 0), "no": ints(0, 1),
        "unknown": ints(NA_INT), "two": ints(2), "said": ("a", "b"), "one": floats(7.0, 8.0),
    }  # fmt: skip
    assert decode.number(record, "x") == 1.5
    assert type(decode.number(record, "x")) is float
    assert decode.integer(record, "n") == 3
    assert type(decode.integer(record, "n")) is int
    assert decode.flag(record, "yes") is True
    assert decode.flag(record, "no") is False
    assert decode.flag(record, "unknown") is False
    assert decode.flag(record, "two") is False
    assert decode.text(record, "said") == "a"
    assert decode.texts(record, "said") == ("a", "b")
    assert decode.integer_or_none(record, "one") == 7
    assert type(decode.integer_or_none(record, "one")) is int


def test_a_number_or_none():
    record = {"null": None, "empty": floats(), "na": floats(NA, 1.0), "x": floats(2.5, NA)}
    assert decode.number_or_none(record, "null") is None
    assert decode.number_or_none(record, "absent") is None
    assert decode.number_or_none(record, "empty") is None
    assert decode.number_or_none(record, "na") is None
    assert decode.number_or_none(record, "x") == 2.5
    assert type(decode.number_or_none(record, "x")) is float
    assert decode.integer_or_none(record, "na") is None


def test_no_texts_are_an_empty_tuple():
    assert decode.texts({"said": None}, "said") == ()
    with pytest.raises(KeyError):
        decode.texts({}, "said")


def test_numbers_of_a_column():
    record = {"x": floats(1.0, NA, 3.0), "null": None}
    assert decode.numbers(record, "x", 3) == [1.0, None, 3.0]
    assert type(decode.numbers(record, "x", 3)[0]) is float
    assert decode.numbers(record, "null", 2) == [None, None]
    assert decode.numbers(record, "absent", 3) == [None, None, None]


def test_a_matrix_is_filled_by_columns_and_fixed():
    found = decode.matrix(floats(1, 2, 3, 4, 5, 6), 3, 2)
    assert found.tolist() == [[1, 4], [2, 5], [3, 6]]
    assert frozen(found)


# -- what a fit gives ----------------------------------------------------------------------------

FIXED = {
    "terms": ("(Intercept)", "Days"), "estimate": floats(1, 2), "std_error": floats(3, 4),
    "statistic": floats(5, 6), "df": floats(7, NA), "p_value": floats(9, 10),
    "conf_low": floats(11, 12), "conf_high": floats(13, 14), "reference": ("cond = a",),
}  # fmt: skip


def test_fixed_effects():
    assert decode.fixed_effects(FIXED, "satterthwaite", 0.9) == fixed_effects.FixedEffects(
        (
            fixed_effects.FixedEffect("(Intercept)", 1.0, 3.0, 7.0, 5.0, 9.0, 11.0, 13.0),
            fixed_effects.FixedEffect("Days", 2.0, 4.0, None, 6.0, 10.0, 12.0, 14.0),
        ),
        "satterthwaite",
        0.9,
        reference=("cond = a",),
    )


def test_fixed_effects_without_tests():
    bare = {**FIXED, "df": None, "p_value": None, "conf_low": None, "conf_high": None}
    rows = decode.fixed_effects(bare, "none", 0.95).rows
    assert rows[1] == fixed_effects.FixedEffect("Days", 2.0, 4.0, None, 6.0, None, None, None)


def test_columns_of_fixed_effects_have_one_length():
    fields = "estimate std_error statistic df p_value conf_low conf_high"
    assert_shapes_are_checked(lambda r: decode.fixed_effects(r, "none", 0.95), FIXED, fields)


def test_linear_effects_say_where_their_degrees_of_freedom_are_from():
    record = {**FIXED, "interval_method": ("profile",)}
    plain = decode.linear_effects(record, 0.8)
    assert plain.interval_method == "profile"
    assert (plain.ddf, plain.conf_level, plain.rows[0].df) == ("residual", 0.8, 7.0)
    assert plain.rows == decode.fixed_effects(FIXED, "residual", 0.8).rows
    assert decode.linear_effects({**record, "df": None}, 0.8).ddf == "normal"


VARIANCES = {
    "group": ("Subject", "Residual"), "term": ("Days", None), "variance": floats(1, 2),
    "std_dev": floats(3, 4), "pair_group": ("S", "I"), "pair_term1": ("a", "b"),
    "pair_term2": ("c", "d"), "covariance": floats(5, 6), "correlation": floats(7, 8),
    "groups": ("Subject", "Subject.1"), "factors": ("Subject", "Subject"),
}  # fmt: skip


def test_variance_components():
    assert decode.variance_components(VARIANCES) == variances.VarianceComponents(
        (
            variances.VarianceComponent("Subject", "Days", 1.0, 3.0),
            variances.VarianceComponent("Residual", None, 2.0, 4.0),
        ),
        (
            variances.RandomCorrelation("S", "a", "c", 5.0, 7.0),
            variances.RandomCorrelation("I", "b", "d", 6.0, 8.0),
        ),
        (("Subject.1", "Subject"),),
    )
    assert_shapes_are_checked(decode.variance_components, VARIANCES, " ".join(VARIANCES))


GROUP = {
    "group": ("Subject",), "levels": ("308", "309", "310"), "terms": ("(Intercept)", "Days"),
    "estimate": floats(1, 2, 3, 4, 5, 6), "std_error": floats(7, 8, 9, 10, 11, 12),
    # terms by terms by levels, as R keeps it
    "covariance": floats(11, 12, 21, 22, 31, 32, 41, 42, 51, 52, 61, 62),
}  # fmt: skip


def test_random_effects_by_level_and_term():
    found = decode.random_effects({"Subject": GROUP, "other": {**GROUP, "group": ("Item",)}})
    assert type(found) is groups.RandomEffects
    assert [table.group for table in found.groups] == ["Subject", "Item"]
    table = found.groups[0]
    assert (table.levels, table.terms) == (("308", "309", "310"), ("(Intercept)", "Days"))
    assert table.estimate.tolist() == [[1, 4], [2, 5], [3, 6]]
    assert table.std_error is not None
    assert table.std_error.tolist() == [[7, 10], [8, 11], [9, 12]]
    assert table.covariance is not None
    assert table.covariance.tolist() == [
        [[11, 21], [12, 22]],
        [[31, 41], [32, 42]],
        [[51, 61], [52, 62]],
    ]
    assert all(map(frozen, (table.estimate, table.std_error, table.covariance)))
    assert table.covariance.flags.c_contiguous


def test_group_coefficients_have_estimates_alone():
    bare = {name: GROUP[name] for name in ("group", "levels", "terms", "estimate")}
    found = decode.group_coefficients({"Subject": bare})
    assert type(found) is groups.GroupCoefficients
    assert found.groups[0].estimate.tolist() == [[1, 4], [2, 5], [3, 6]]
    assert found.groups[0].std_error is None
    assert found.groups[0].covariance is None


def test_fit_statistics():
    record = {
        "reml_criterion": floats(1), "log_likelihood": floats(2), "deviance": floats(3),
        "aic": floats(4), "bic": floats(5), "df": ints(6), "df_residual": ints(7),
        "n_obs": ints(8),
    }  # fmt: skip
    found = decode.fit_statistics(record)
    assert found == fit_statistics.FitStatistics(1.0, 2.0, 3.0, 4.0, 5.0, 6, 7, 8)
    assert [type(getattr(found, name)) for name in ("df", "df_residual", "n_obs")] == [int] * 3
    assert decode.fit_statistics({**record, "reml_criterion": None}).reml_criterion is None


def test_convergence():
    record = {
        "converged": ints(1), "singular": ints(0), "code": ints(4), "messages": ("m",),
        "warnings": ("w1", "w2"), "optimizer": ("bobyqa",), "optimizer_message": ("done",),
        "evaluations": ints(9), "theta": floats(1, 2), "theta_names": ("a", "b"),
        "gradient": floats(3, 4),
    }  # fmt: skip
    found = decode.convergence(record)
    assert found == fit_statistics.Convergence(
        converged=True,
        singular=False,
        code=4,
        messages=("m",),
        warnings=("w1", "w2"),
        optimizer="bobyqa",
        optimizer_message="done",
        evaluations=9,
        theta=floats(1, 2),
        theta_names=("a", "b"),
        gradient=floats(3, 4),
    )
    assert frozen(found.theta)
    assert frozen(found.gradient)
    other = {
        **record,
        "converged": ints(0),
        "singular": ints(1),
        "code": floats(NA),
        "evaluations": None,
        "optimizer": (None,),
        "messages": None,
    }
    found = decode.convergence(other)
    assert (found.converged, found.singular, found.code) == (False, True, None)
    assert (found.evaluations, found.optimizer, found.messages) == (None, None, ())


def test_a_covariance_matrix():
    record = {"names": ("a", "b"), "values": floats(1, 2, 3, 4)}
    names = ("a", "b")
    assert decode.covariance_matrix(record) == matrix.NamedMatrix(
        np.array([[1.0, 3.0], [2.0, 4.0]]), names, names
    )


def test_a_design_matrix_is_labelled_by_the_users_rows():
    record = {"names": ("a", "b"), "rows": ROWS, "values": floats(1, 2, 3, 4, 5, 6)}
    expected = matrix.NamedMatrix(
        np.array([[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]),
        ("a", "b"),
        ("r1", "r3", "r4"),
        INDEX[[0, 2, 3]],
    )
    assert decode.design_matrix(record, INDEX) == expected
    numbered = decode.design_matrix(record, pd.RangeIndex(10, 14))
    assert numbered.row_names == ("10", "12", "13")
    assert numbered.to_frame().index.tolist() == [10, 12, 13]
    assert numbered[12, "b"] == numbered["12", "b"] == 5.0


def test_a_vector_over_rows_is_on_the_users_index():
    record = {"values": floats(1.5, NA, 2.5), "rows": ROWS}
    found = decode.over_rows(record, INDEX, "fitted")
    expected = pd.Series([1.5, np.nan, 2.5], index=INDEX[[0, 2, 3]], name="fitted")
    pd.testing.assert_series_equal(found, expected)
    assert found.to_numpy().view(np.int64)[1] == NUMPY_NAN  # R's own bits print alike


# -- predictions and simulations -----------------------------------------------------------------


AXIS = {"response": ("P(y)",), "link": ("logit(P(y))",)}


def test_predictions():
    record = {
        "estimate": floats(1, NA, 3), "rows": ROWS, "std_error": floats(4, 5, 6),
        "conf_low": floats(7, 8, 9), "conf_high": floats(10, 11, 12), "axis": AXIS,
    }  # fmt: skip
    found = decode_internals.predictions(record, INDEX, "response", "population", 0.9)
    assert found == prediction.Predictions(
        floats(1, np.nan, 3),
        INDEX[[0, 2, 3]],
        "response",
        "population",
        floats(4, 5, 6),
        floats(7, 8, 9),
        floats(10, 11, 12),
        0.9,
        axis="P(y)",
    )
    assert found.values.view(np.int64)[1] == NUMPY_NAN
    assert frozen(found.values)
    assert found.std_error is not None
    assert frozen(found.std_error)
    bare = {"estimate": floats(1, 2, 3), "rows": ROWS, "std_error": None, "axis": AXIS}
    found = decode_internals.predictions(bare, INDEX, "link", None, None)
    link = prediction.Predictions(
        floats(1, 2, 3), INDEX[[0, 2, 3]], "link", None, axis="logit(P(y))"
    )
    assert found == link


SIMULATED = {
    "names": ("sim_1", "sim_2"), "rows": ROWS, "values": floats(1, NA, 3, 4, 5, 6),
    "failures": None, "levels": None,
}  # fmt: skip


def test_simulations():
    found = decode_internals.simulations(SIMULATED, INDEX, 5)
    values = np.array([[1, 4], [np.nan, 5], [3, 6]], dtype=np.float64)
    names = ("sim_1", "sim_2")
    assert found == prediction.Simulations(values, INDEX[[0, 2, 3]], names, 5)
    assert np.array(found.values)[1, 0].view(np.int64) == NUMPY_NAN
    assert frozen(found.values)


def test_simulations_of_two_columns_and_of_a_factor():
    both = {**SIMULATED, "failures": floats(6, 5, 4, 3, 2, NA), "levels": ("no", "yes")}
    found = decode_internals.simulations(both, INDEX, None)
    assert found.failures is not None
    assert np.array_equal(found.failures, np.array([[6, 3], [5, 2], [4, np.nan]]), equal_nan=True)
    assert found.failures[2, 1].view(np.int64) == NUMPY_NAN
    assert (found.levels, found.seed) == (("no", "yes"), None)


# -- parts of a fit ------------------------------------------------------------------------------


def part(kind: str, **fields: Any) -> Any:
    return decode_internals.part({"kind": (kind,), **fields})


def test_a_part_that_r_has_not():
    assert part("none") is None


def test_texts_as_a_part():
    assert part("texts", values=("a", None, "b")) == ("a", None, "b")
    assert type(part("texts", values=("a",))) is tuple


@pytest.mark.parametrize("ordered", [True, False])
def test_a_factor_as_a_part(ordered):
    found = part(
        "factor", values=ints(2, NA_INT, 1, 0), levels=("lo", "hi"), ordered=ints(int(ordered))
    )
    assert list(found) == ["hi", np.nan, "lo", np.nan]
    assert list(found.codes) == [1, -1, 0, -1]
    assert list(found.categories) == ["lo", "hi"]
    assert found.categories.dtype == object
    assert found.ordered is ordered


def vector(kind: str, values: Any, scalar: int = 0, names: Any = None) -> Any:
    return part(kind, values=values, scalar=ints(scalar), names=names)


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("numbers", floats(2.5), 2.5),
        ("numbers", floats(NA), None),
        ("numbers", floats(np.inf), np.inf),
        ("integers", ints(3), 3),
        ("integers", ints(NA_INT), None),
        ("logicals", ints(1), True),
        ("logicals", ints(0), False),
        ("logicals", ints(NA_INT), None),
    ],
)
def test_a_single_value_is_plain(kind, values, expected):
    found = vector(kind, values, scalar=1)
    assert found == expected
    assert type(found) is type(expected)


def test_vectors_as_a_part():
    found = vector("numbers", floats(1, NA))
    assert np.array_equal(found, [1, np.nan], equal_nan=True)
    assert found.view(np.int64)[1] == NUMPY_NAN
    assert frozen(found)
    found = vector("integers", ints(1, 2))
    assert (found.dtype, found.tolist()) == (np.int32, [1, 2])
    found = vector("integers", ints(1, NA_INT))
    assert np.array_equal(found, [1, np.nan], equal_nan=True)
    found = vector("logicals", ints(1, 0))
    assert (found.dtype, found.tolist()) == (np.bool_, [True, False])
    found = vector("logicals", ints(NA_INT, 1))
    assert np.array_equal(found, [np.nan, 1], equal_nan=True)
    assert vector("numbers", floats()).shape == (0,)


def test_a_named_vector_as_a_part():
    found = vector("integers", ints(1, 2), names=("a", "b"))
    assert found == matrix.NamedVector(ints(1, 2), ("a", "b"))
    assert frozen(found.values)


def number(value: float) -> dict[str, Any]:
    return {"kind": ("numbers",), "values": floats(value), "scalar": ints(1), "names": None}


def test_lists_as_a_part():
    items = (number(1), number(2))
    assert part("list", items=items, names=None) == (1.0, 2.0)
    named = part("list", items=items, names=("a", "b"))
    assert type(named) is MappingProxyType
    assert named == {"a": 1.0, "b": 2.0}
    # Two of one name cannot be told apart by it.
    assert part("list", items=items, names=("a", "a")) == (("a", 1.0), ("a", 2.0))
    for names in (("a",), ("a", "b", "c"), ("a", "a", "a")):
        with pytest.raises(ValueError, match="zip"):
            part("list", items=items, names=names)


def test_a_dense_matrix_as_a_part():
    given = {"values": floats(1, 2, 3, 4, 5, 6), "shape": ints(3, 2)}
    plain = part("dense", **given, names=None)
    assert plain.tolist() == [[1, 4], [2, 5], [3, 6]]
    assert frozen(plain)
    rows, columns = ("x", "y", "z"), ("a", "b")
    named = part("dense", **given, names=columns, row_names=rows)
    assert named == matrix.NamedMatrix(plain, columns, rows)
    assert part("dense", **given, names=columns).row_names is None


SPARSE = {
    # column 1 has rows 1 and 3, column 2 none, column 3 row 2
    "shape": ints(3, 3), "starts": ints(0, 2, 2, 3), "rows": ints(0, 2, 1),
    "values": floats(1, 2, 3), "row_names": ("x", "y", "z"), "names": ("a", "b", "c"),
}  # fmt: skip
DENSE = [[1, 0, 0], [0, 0, 3], [2, 0, 0]]


def test_a_sparse_matrix_as_a_part() -> None:
    ours = part("sparse", **SPARSE)
    assert ours.to_numpy().tolist() == ours.to_scipy().toarray().tolist() == DENSE
    assert ours == internals.SparseMatrix(
        ints(0, 2, 1), ints(0, 0, 2), floats(1, 2, 3), (3, 3), ("x", "y", "z"), ("a", "b", "c")
    )
    assert ours.column.dtype == np.int32
    assert type(ours.shape[0]) is int
    assert all(map(frozen, (ours.row, ours.column, ours.values)))
    bare = part("sparse", **{**SPARSE, "names": None, "row_names": None})
    assert (bare.names, bare.row_names) == (None, None)


def test_a_cholesky_factor_as_a_part():
    factor = {"factor": SPARSE, "permutation": ints(2, 0, 1)}
    found = part("cholesky", **factor)
    assert type(found) is internals.CholeskyFactor
    assert found.lower.to_numpy().tolist() == DENSE
    assert found.permutation.tolist() == [2, 0, 1]
    assert frozen(found.permutation)
    wide = {**SPARSE, "shape": ints(4, 3)}
    kept = part("cholesky", factor=wide, permutation=ints())
    assert kept.permutation.tolist() == [0, 1, 2, 3]
    assert kept.permutation.dtype == np.int32
    one = part("cholesky", factor=SPARSE, permutation=ints(0))
    assert one.permutation.tolist() == [0]


COMPONENTS = {
    "group": ("Subject",), "terms": ("(Intercept)", "Days", "x"), "std_dev": floats(3, 1),
    "proportion": floats(0.9, 0.1), "cumulative": floats(0.9, 1),
    "rotation": floats(1, 2, 3, 4, 5, 6),
}  # fmt: skip


def test_principal_components():
    item = {**COMPONENTS, "group": ("Item",), "proportion": floats(NA, NA), "cumulative": None}
    found = decode_internals.principal_components((COMPONENTS, item))
    assert found.rows == (
        internals.PrincipalComponent("Subject", 1, 3.0, 0.9, 0.9),
        internals.PrincipalComponent("Subject", 2, 1.0, 0.1, 1.0),
        internals.PrincipalComponent("Item", 1, 3.0, None, None),
        internals.PrincipalComponent("Item", 2, 1.0, None, None),
    )
    assert type(found.rows[0].std_dev) is float
    assert [rotation.group for rotation in found.rotations] == ["Subject", "Item"]
    assert found.rotations[0].matrix == matrix.NamedMatrix(
        np.array([[1.0, 4], [2, 5], [3, 6]]), ("PC1", "PC2"), ("(Intercept)", "Days", "x")
    )


def test_columns_of_principal_components_have_one_length():
    for name in ("proportion", "cumulative"):
        with pytest.raises(ValueError, match="zip"):
            decode_internals.principal_components((without(COMPONENTS, name),))


def test_covariances():
    record = {
        "group": ("Subject",),
        "terms": ("a", "b"),
        "covariance": floats(1, 2, 3, 4),
        "correlation": floats(5, 6, 7, 8),
    }
    (found,) = decode_internals.covariances((record,)).groups
    names = ("a", "b")
    assert found.group == "Subject"
    assert found.covariance == matrix.NamedMatrix(np.array([[1.0, 3], [2, 4]]), names, names)
    assert found.correlation == matrix.NamedMatrix(np.array([[5.0, 7], [6, 8]]), names, names)


def test_variables():
    read = ("Days", "Subject")
    record = {"fixed": ("Days",), "random": None, "slopes": ("Days",), "read": read, "other": read}
    wanted = {"fixed": ("Days",), "random": (), "slopes": ("Days",), "read": read}
    assert decode_internals.variables(record) == wanted


# -- tests, intervals and means ------------------------------------------------------------------

F_TABLE = {
    "terms": ("A", "B"), "sum_sq": floats(1, 2), "mean_sq": floats(3, 4), "df1": floats(5, 6),
    "df2": floats(7, NA), "statistic": floats(9, 10), "p_value": floats(11, 12), "text": ("F",),
    "heading": ("Type III",),
}  # fmt: skip
T_TABLE = {
    "terms": ("A", "B"), "estimate": floats(1, 2), "std_error": floats(3, 4), "df": floats(5, 6),
    "statistic": floats(7, 8), "p_value": floats(9, 10), "conf_low": floats(11, 12),
    "conf_high": floats(13, 14), "text": ("T",),
}  # fmt: skip


def test_f_tests():
    assert decode_tests.f_tests(F_TABLE, "kenward-roger") == tested.FTests(
        (
            tested.FTest("A", 1.0, 3.0, 5.0, 7.0, 9.0, 11.0),
            tested.FTest("B", 2.0, 4.0, 6.0, None, 10.0, 12.0),  # type: ignore[arg-type]
        ),
        "kenward-roger",
        "F",
        heading=("Type III",),
    )
    fields = "terms sum_sq mean_sq df1 df2 statistic p_value"
    assert_shapes_are_checked(lambda r: decode_tests.f_tests(r, "none"), F_TABLE, fields)
    bare = decode_tests.f_tests({**F_TABLE, "sum_sq": None}, "none")
    assert [(row.term, row.sum_sq) for row in bare.rows] == [("A", None), ("B", None)]


def test_t_tests():
    assert decode_tests.t_tests(T_TABLE, "satterthwaite", 0.9) == tested.TTests(
        (
            tested.TTest("A", 1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 13.0),
            tested.TTest("B", 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0),
        ),
        "satterthwaite",
        0.9,
        "T",
    )


def test_ratio_tests():
    record = {
        "terms": ("none", "A"), "n_parameters": floats(3, NA), "aic": floats(1, 2),
        "bic": floats(3, 4), "log_likelihood": floats(5, 6), "deviance": floats(7, 8),
        "chi_square": floats(NA, 10), "df": floats(NA, 1), "p_value": floats(NA, 0.5),
        "text": ("LRT",), "heading": ("Models:", "none: y ~ 1"),
    }  # fmt: skip
    found = decode_tests.ratio_tests(record)
    assert found == tested.LikelihoodRatioTests(
        (
            tested.LikelihoodRatioTest("none", 3, 1.0, 3.0, 5.0, 7.0, None, None, None),
            tested.LikelihoodRatioTest("A", None, 2.0, 4.0, 6.0, 8.0, 10.0, 1.0, 0.5),
        ),
        "LRT",
        heading=("Models:", "none: y ~ 1"),
    )
    assert type(found.rows[0].n_parameters) is int


def test_a_model_comparison():
    record = {
        "statistic": floats(1), "df1": floats(2), "df2": floats(3), "f_scaling": floats(4),
        "p_value": floats(5), "unscaled_statistic": floats(6), "unscaled_p_value": floats(7),
        "text": ("KR",), "heading": ("large : y ~ A",),
    }  # fmt: skip
    assert decode_tests.model_comparison(record, "kenward-roger") == tested.ModelComparison(
        method="kenward-roger",
        statistic=1.0,
        df1=2.0,
        df2=3.0,
        f_scaling=4.0,
        p_value=5.0,
        unscaled_statistic=6.0,
        unscaled_p_value=7.0,
        text="KR",
        heading=("large : y ~ A",),
    )
    bare = {**record, "f_scaling": None, "unscaled_statistic": None, "unscaled_p_value": None}
    found = decode_tests.model_comparison(bare, "satterthwaite")
    assert (found.f_scaling, found.unscaled_statistic, found.unscaled_p_value) == (None,) * 3


def test_backward_elimination():
    random = {
        "terms": ("(1 | S)", "(1 | I)"), "eliminated": floats(1, NA), "n_parameters": floats(4, 3),
        "log_likelihood": floats(5, 6), "aic": floats(7, 8), "chi_square": floats(9, NA),
        "df": floats(11, 12), "p_value": floats(13, 14),
    }  # fmt: skip
    fixed = {**F_TABLE, "eliminated": floats(NA, 2)}
    record = {"random": random, "fixed": fixed, "formula": ("y ~ A",), "text": ("step",)}
    found = decode_tests.backward_elimination(record, "satterthwaite")
    assert found == tested.BackwardElimination(
        (
            tested.RandomStep("(1 | S)", 1, 4, 5.0, 7.0, 9.0, 11.0, 13.0),
            tested.RandomStep("(1 | I)", None, 3, 6.0, 8.0, None, 12.0, 14.0),
        ),
        (
            tested.FixedStep("A", None, 1.0, 3.0, 5.0, 7.0, 9.0, 11.0),  # type: ignore[call-arg]
            tested.FixedStep("B", 2, 2.0, 4.0, 6.0, None, 10.0, 12.0),  # type: ignore[call-arg]
        ),
        "y ~ A",
        "step",
        heading=("Satterthwaite's method",),
    )
    wholes = (found.random[0].eliminated, found.random[0].n_parameters, found.fixed[1].eliminated)
    assert [type(value) for value in wholes] == [int] * 3


INTERVALS = {
    "names": (".sig01", "Days"),
    "labels": ("sd_(Intercept)|S", "Days"),
    "conf_low": floats(1, NA),
    "conf_high": floats(3, 4),
}


def test_confidence_intervals():
    found = decode_tests.confidence_intervals(INTERVALS, "profile", 0.9)
    assert found == intervals.Intervals(
        (
            intervals.Interval(".sig01", "sd_(Intercept)|S", 1.0, 3.0),
            intervals.Interval("Days", "Days", None, 4.0),
        ),
        "profile",
        0.9,
    )
    assert_shapes_are_checked(
        lambda r: decode_tests.confidence_intervals(r, "wald", 0.95), INTERVALS, " ".join(INTERVALS)
    )
    none = decode_tests.confidence_intervals(
        {**INTERVALS, "conf_low": None, "conf_high": None}, "wald", 0.95
    )
    assert [(row.conf_low, row.conf_high) for row in none.rows] == [(None, None)] * 2


def test_a_profile():
    record = {
        "parameters": ("a", "b"), "labels": ("A", "B"), "profiled": ("b",),
        "zeta": floats(1, 2, 3), "focal": floats(4, 5, 6), "values": floats(1, 2, 3, 4, 5, 6),
    }  # fmt: skip
    found = decode_tests.profile(record)
    values = np.array([[1.0, 4], [2, 5], [3, 6]])
    assert found == intervals.Profile(
        ("a", "b"), ("A", "B"), ("b",), floats(1, 2, 3), floats(4, 5, 6), values
    )
    assert all(map(frozen, (found.zeta, found.focal, found.values)))


def test_marginal_means():
    record = {
        "key_names": ("g", "x"), "keys": (("lo", "hi"), floats(0.5, 1.5)), "notes": ("n1", "n2"),
        "estimate_name": ("emmean",), **{k: v for k, v in T_TABLE.items() if k != "terms"},
    }  # fmt: skip
    found = decode_tests.marginal_parts(record)
    rows = found.pop("rows")
    assert rows == (
        means.MarginalMean({"g": "lo", "x": 0.5}, 1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 13.0),
        means.MarginalMean({"g": "hi", "x": 1.5}, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0),
    )
    assert type(rows[0].levels["x"]) is float
    assert found == {"by": ("g", "x"), "what": "emmean", "notes": ("n1", "n2"), "text": "T"}
    # Keys and their names are as many.
    with pytest.raises(ValueError, match="zip"):
        decode_tests.marginal_parts({**record, "key_names": ("g",)})
    # What emmeans cannot estimate has no value, nor have figures that were not asked for.
    partly = {**record, "estimate": floats(NA, 2), "df": None}
    rows = decode_tests.marginal_parts(partly)["rows"]
    assert (rows[0].estimate, rows[0].df, rows[1].df) == (None, None, None)


def test_shares_of_variance():
    assert decode_tests.intraclass_correlation(
        {"adjusted": floats(0.1), "unadjusted": floats(0.2)}
    ) == icc_r2.IntraclassCorrelation(0.1, 0.2)
    assert decode_tests.r_squared(
        {"marginal": floats(0.3), "conditional": floats(0.4)}
    ) == icc_r2.RSquared(0.3, 0.4)
    assert decode_tests.r_squared({"marginal": floats(NA), "conditional": None}) == (
        icc_r2.RSquared(None, None)
    )


def test_a_bootstrap_test():
    record = {
        "terms": ("PBtest", "LRT"), "statistic": floats(1, 2), "df": floats(NA, 3),
        "df2": floats(4, NA), "p_value": floats(5, 6), "lrt": floats(7), "p_bootstrap": floats(8),
        "n_usable": ints(9), "heading": ("large: y ~ A",),
    }  # fmt: skip
    known: dict[str, Any] = {
        "n_sim": 10, "n_not_positive": 1, "n_failed": 0, "stopped_early": False, "start": "warm",
        "likelihood_ratios": floats(1, 2), "seed": 3, "generator": ("a",), "versions": {},
        "seconds": 0.5,
    }  # fmt: skip
    found = decode_tests.bootstrap_test(record, **known)
    assert found.rows == (
        bootstrap.BootstrapTestRow("PBtest", 1.0, None, 4.0, 5.0),
        bootstrap.BootstrapTestRow("LRT", 2.0, 3.0, None, 6.0),
    )
    assert (found.lrt, found.p_value, found.n_usable) == (7.0, 8.0, 9)
    assert type(found.n_usable) is int
    assert found.heading == ("large: y ~ A",)
    assert {name: encode(getattr(found, name)) for name in known} == {
        name: encode(value) for name, value in known.items()
    }
