"""Parts of a fit, its deviance function and its leverage against plain R, to the last bit."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import pymer_bridge as pb
from helpers.fits import FITS, fit_of, plain, same, wrapped
from pymer_bridge.errors import OptionError, RError, RWarning
from pymer_bridge.results.internals import (
    CholeskyFactor,
    Covariances,
    DeviancePoints,
    PrincipalComponents,
    SparseMatrix,
)
from pymer_bridge.results.matrix import NamedMatrix, NamedVector
from pymer_bridge.session.r_session import session

pytestmark = pytest.mark.r
__all__ = ["plain"]  # a fixture

COUNTS = ("counts", ("incidence", "size", "period", "herd"), 56)
NONLINEAR = ("nonlinear", ("circumference", "age", "Tree"), 35)


@pytest.fixture(
    scope="module",
    params=[
        "slopes",
        "uncorrelated",
        "crossed",
        "nested",
        "weighted",
        "factor",
        "singular",
        "missing_exclude",
    ],
)
def model(request: pytest.FixtureRequest) -> tuple[str, pb.LinearMixedModel]:
    return request.param, fit_of(request.param)


def parts() -> tuple[str, ...]:
    return tuple(session().call("part_names", model=None).value)


# -- parts ---------------------------------------------------------------------------------------


def flat(x: Any) -> tuple[list[float], list[str]]:
    """Any part as plain numbers and strings, one after the other, as ``flat()`` in R."""
    if x is None:
        return [], []
    if isinstance(x, str):
        return [], [x]
    if isinstance(x, pd.Categorical):
        return [float(code) + 1 for code in x.codes], list(x.categories)
    if isinstance(x, CholeskyFactor):
        lower = np.asarray(x).ravel(order="F")
        return [*lower.tolist(), *map(float, x.permutation)], []
    if isinstance(x, NamedVector):
        return [float(value) for value in x.values], list(x.names)
    if isinstance(x, NamedMatrix):
        return x.values.ravel(order="F").tolist(), []
    if isinstance(x, SparseMatrix):
        return x.to_numpy().ravel(order="F").tolist(), []
    if isinstance(x, np.ndarray):
        return [float(value) for value in x.ravel(order="F")], []
    if isinstance(x, bool | int | float):
        return [float(x)], []
    names: list[str] = []
    items: list[Any]
    if isinstance(x, Mapping):
        names, items = list(x), list(x.values())
    elif x and all(isinstance(pair, tuple) and len(pair) == 2 for pair in x):
        names, items = [name for name, _ in x], [item for _, item in x]
    else:
        items = list(x)
    found = [flat(item) for item in items]
    numbers = [number for each, _ in found for number in each]
    return numbers, names + [text for _, each in found for text in each]


def test_there_is_every_part_of_getme(plain: Any) -> None:
    assert parts() == plain("parts")
    assert {"X", "Z", "L", "theta", "lower", "devcomp", "mmList", "Ztlist"} <= set(parts())


def test_parts_are_getmes(model: Any, plain: Any) -> None:
    name, fit = model
    for part in parts():
        numbers, texts = flat(fit.get_me(part))
        theirs = plain("part_of", name=name, part=part)
        same(np.array(numbers), theirs["numbers"])
        assert tuple(texts) == theirs["texts"], part


def test_parts_of_a_generalized_model(plain: Any) -> None:
    fit = wrapped(plain, *COUNTS)
    for part in parts():
        numbers, texts = flat(fit.get_me(part))
        theirs = plain("part_of", name="counts", part=part)
        same(np.array(numbers), theirs["numbers"])
        assert tuple(texts) == theirs["texts"], part


def test_parts_of_a_nonlinear_model(plain: Any) -> None:
    fit = wrapped(plain, *NONLINEAR)
    refused = {"mmList", "p_i", "q_i", "m_i"}  # R stops there
    for part in parts():
        if part in refused:
            with pytest.raises(RError):
                fit.get_me(part)
        else:
            numbers, _ = flat(fit.get_me(part))
            same(np.array(numbers), plain("part_of", name="nonlinear", part=part)["numbers"])


def test_kinds_of_parts() -> None:
    fit = fit_of("slopes")
    z = fit.get_me("Z")
    assert isinstance(z, SparseMatrix)
    assert z.shape == z.to_numpy().shape == (180, 36)
    in_scipy = z.to_scipy()
    assert isinstance(in_scipy, sparse.csc_array)
    for array in (in_scipy.data, in_scipy.indices, in_scipy.indptr):
        assert not array.flags.writeable
    design = fit.get_me("X")
    assert design.names == ("(Intercept)", "Days")
    assert design.row_names[0] == "1"
    same(design, fit.model_matrix)
    fitted = np.asarray(design) @ fit.get_me("beta") + (z @ fit.get_me("b"))[:, 0]
    # Other sums than R's: alike to rounding.
    np.testing.assert_allclose(fitted, fit.get_me("mu"), rtol=1e-12)
    assert fit.get_me("theta")["Subject.Days"] == fit.convergence.theta[2]
    assert fit.get_me("is_REML") is True
    assert fit.get_me("REML") == 2
    assert fit.get_me("n") == 180
    assert fit.get_me("glmer.nb.theta") is None
    assert fit.get_me("flist")["Subject"].categories[0] == "308"
    assert fit.get_me("cnms") == {"Subject": ("(Intercept)", "Days")}
    assert fit.get_me("devcomp")["dims"]["n"] == 180
    assert np.isnan(fit.get_me("devcomp")["cmp"]["drsum"])
    assert fit.get_me("sigma") == fit.sigma
    with pytest.raises(ValueError, match="read-only"):
        fit.get_me("y")[0] = 1.0
    with pytest.raises(TypeError):
        fit.get_me("cnms")["Subject"] = ()
    # A name that stands twice is not lost.
    assert fit_of("uncorrelated").get_me("cnms") == (
        ("Subject", ("(Intercept)",)),
        ("Subject", ("Days",)),
    )
    # A vector of one element is still one.
    assert fit_of("singular").get_me("beta").shape == (1,)


@pytest.mark.parametrize("name", ["slopes", "unbalanced", "nested"])
def test_the_cholesky_factor(name: str) -> None:
    fit = fit_of(name)
    factor, a = fit.get_me("L"), fit.get_me("A").to_numpy()
    order = factor.permutation
    assert sorted(order.tolist()) == list(range(len(a)))
    whole = (a @ a.T + np.eye(len(a)))[np.ix_(order, order)]
    lower = np.asarray(factor)
    # What the factor is, multiplied out: alike to rounding.
    np.testing.assert_allclose(lower @ lower.T, whole, rtol=1e-10, atol=1e-10)
    assert CholeskyFactor.from_dict(json.loads(json.dumps(factor.to_dict()))) == factor
    assert len(factor.to_frame()) == len(factor.lower.values)


def test_parts_that_are_not_there() -> None:
    with pytest.raises(OptionError, match="deviance_function"):
        fit_of("slopes").get_me("devfun")
    with pytest.raises(OptionError, match="choose one of: X, Z, Zt"):
        fit_of("slopes").get_me("nonsense")
    with pytest.raises(OptionError, match="not accepted"):
        fit_of("slopes").get_me("thet")


WITHOUT_SCIPY = """
import sys
sys.modules["scipy"] = None
import numpy as np
import pymer_bridge as pb
fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
z = fit.get_me("Z")
assert type(z) is pb.results.internals.SparseMatrix, type(z)
assert np.asarray(z).shape == z.shape == (180, 36)
assert np.array_equal(np.asarray(z).T, np.asarray(fit.get_me("Zt")))
assert z.names[:2] == ("308", "308"), z.names
try:
    z.to_scipy()
except pb.OptionError:
    print("as it should be")
"""


def test_without_scipy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_SCIPY], capture_output=True, text=True, check=False
    )
    assert done.stdout == "as it should be\n", done.stderr


def test_sparse_matrices_and_vectors_as_results() -> None:
    ours = SparseMatrix(
        np.array([2, 0], dtype=np.int32),
        np.array([0, 2], dtype=np.int32),
        np.array([1.5, 0.0]),
        (3, 4),
    )
    dense = np.zeros((3, 4))
    dense[2, 0] = 1.5
    same(ours, dense)
    assert ours.to_scipy().nnz == 2  # a zero that is stored stays
    same(ours.to_scipy().toarray(), dense)
    same((ours.to_scipy() @ ours.to_scipy().T).toarray(), dense @ dense.T)
    assert SparseMatrix.from_dict(json.loads(json.dumps(ours.to_dict()))).row_names is None
    assert list(ours.to_frame()["value"]) == [1.5, 0.0]
    assert "3 x 4" in str(ours)
    with pytest.raises(ValueError, match="copying only"):
        np.asarray(ours, copy=False)
    assert np.asarray(ours, dtype=np.float32).dtype == np.float32
    vector = fit_of("slopes").get_me("theta")
    assert NamedVector.from_dict(json.loads(json.dumps(vector.to_dict()))) == vector
    assert vector.to_series()["Subject.Days"] == vector["Subject.Days"]
    assert list(vector.to_frame()["name"]) == list(vector.names)
    assert len(vector) == 3
    assert "Subject.Days" in str(vector)
    with pytest.raises(KeyError, match="no element 'Days'"):
        vector["Days"]


# -- covariances and components ------------------------------------------------------------------


def test_covariances_are_varcorrs(model: Any, plain: Any) -> None:
    name, fit = model
    ours, theirs = fit.covariances, plain("covariances_of", name=name)
    assert tuple(ours) == theirs["groups"]
    matrices = [ours[group].values.ravel(order="F") for group in ours]
    same(np.concatenate(matrices), theirs["values"])
    matrices = [ours.correlation(group).values.ravel(order="F") for group in ours]
    same(np.concatenate(matrices), theirs["correlations"])
    for row in fit.variance_components.rows:
        if row.term is not None:
            assert ours[row.group][row.term, row.term] == row.variance
    assert Covariances.from_dict(json.loads(json.dumps(ours.to_dict()))) == ours
    assert len(ours.to_frame()) == len(theirs["values"])
    with pytest.raises(KeyError, match="no group 'school'"):
        ours["school"]


def test_components_are_repcas(model: Any, plain: Any) -> None:
    name, fit = model
    ours, theirs = fit.re_pca(), plain("components_of", name=name)
    assert tuple(dict.fromkeys(row.group for row in ours)) == theirs["groups"]
    same([row.std_dev for row in ours], theirs["values"])
    shares = []
    for group in theirs["groups"]:
        rows = [row for row in ours if row.group == group]
        shares += [row.proportion for row in rows] + [row.cumulative for row in rows]
    same(shares, theirs["importance"])
    rotations = [ours.rotation(group).values.ravel(order="F") for group in theirs["groups"]]
    same(np.concatenate(rotations), theirs["rotations"])
    assert PrincipalComponents.from_dict(json.loads(json.dumps(ours.to_dict()))) == ours
    assert str(ours)
    with pytest.raises(KeyError, match="no group"):
        ours.rotation("school")


def test_a_component_by_its_key() -> None:
    ours = fit_of("slopes").re_pca()
    assert ours["Subject", 1].cumulative == ours["Subject", 1].proportion
    assert ours.rotation("Subject").row_names == ("(Intercept)", "Days")
    assert list(ours.to_frame().columns) == [
        "group",
        "component",
        "std_dev",
        "proportion",
        "cumulative",
    ]


def test_singular_by_a_tolerance() -> None:
    assert fit_of("singular").is_singular() is True
    assert fit_of("singular").convergence.singular
    fit = fit_of("slopes")
    assert fit.is_singular() is False
    assert fit.is_singular(tol=0.5) is True
    for tol in (0, -1.0, True, "small", float("nan")):
        with pytest.raises(OptionError, match="tol"):
            fit.is_singular(tol=tol)  # type: ignore[arg-type]


# -- the deviance function -----------------------------------------------------------------------


def everything(fit: Any) -> str:
    """Every figure of a fit, read from R anew, to the last bit; a NaN as text is itself."""
    fit._kept.clear()
    figures: list[Any] = [flat(fit.get_me(part)) for part in parts()]
    figures += [fit.predict().to_dict(), fit.fit_statistics.to_dict(), fit.vcov.to_dict()]
    figures += [fit.fitted.tolist(), fit.residuals().tolist(), fit.convergence.to_dict()]
    figures += [fit.random_effects.to_dict(), fit.variance_components.to_dict()]
    return repr(figures)


def test_the_deviance_is_devfuns_and_leaves_the_fit_alone(model: Any, plain: Any) -> None:
    name, fit = model
    before = everything(fit)
    deviance = fit.deviance_function()
    theta = np.array(deviance.theta)
    elsewhere = theta * 0.5 + 0.1
    for point in (elsewhere, theta, elsewhere):
        assert deviance(point) == plain("deviance_of", name=name, theta=point)[0]
    assert everything(fit) == before
    assert deviance.n_theta == len(theta) == len(deviance.names)
    assert len(deviance.beta) == 0
    same(theta, fit.get_me("theta"))
    same(deviance.lower, fit.get_me("lower"))
    assert np.isinf(deviance.upper).all()
    assert deviance.names == fit.get_me("theta").names


def test_the_deviance_of_a_generalized_model(plain: Any) -> None:
    fit = wrapped(plain, *COUNTS)
    before = _generalized(fit)
    deviance = fit.deviance_function()
    assert len(deviance.names) == 5
    point = np.array(deviance.parameters) * 1.1
    theirs = plain("deviance_of_new_fit", name="counts", parameters=point)[0]
    assert deviance(point) == theirs
    deviance(deviance.parameters)
    assert deviance(point) == theirs  # whatever was asked before
    # The optimizer came as near as its tolerance.
    at_fit = deviance(deviance.parameters)
    assert at_fit == pytest.approx(-2 * fit.fit_statistics.log_likelihood, rel=1e-7)
    assert _generalized(fit) == before
    same(deviance.beta, fit.get_me("beta"))
    assert deviance.lower.tolist() == [0, *[-np.inf] * 4]
    quick = wrapped(plain, "quick", *COUNTS[1:]).deviance_function()
    assert quick.names == ("herd.(Intercept)",)
    assert quick([0.7]) == plain("deviance_of_new_fit", name="quick", parameters=0.7)[0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0, 1e300])
@pytest.mark.parametrize("generalized", [False, True])
def test_a_point_without_a_deviance_touches_no_other(bad: float, generalized: bool) -> None:
    if generalized:
        formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
        fit: Any = pb.glmer(formula, pb.load_dataset("cbpp"), family="binomial")
    else:
        fit = pb.lmer("Reaction ~ Days + (1 | Subject)", pb.load_dataset("sleepstudy"))
    deviance = fit.deviance_function()
    points = np.array([deviance.parameters] * 3) * [[1], [1.1], [0.9]]
    alone = deviance.at(points)
    points[1, 0] = bad
    with contextlib.suppress(pb.RError):
        mixed = deviance.at(points)
        same(mixed.values[[0, 2]], alone.values[[0, 2]])
    points[1, 0] = deviance.parameters[0] * 1.1
    assert deviance.at(points) == alone


def _generalized(fit: Any) -> str:
    return repr([flat(fit.get_me(part)) for part in parts()] + [fit.predict().to_dict()])


def test_the_deviance_of_a_nonlinear_model(plain: Any) -> None:
    fit = wrapped(plain, *NONLINEAR)
    before = [flat(fit.get_me(part)) for part in ("theta", "u", "mu", "L", "Lambdat", "beta")]
    deviance = fit.deviance_function()
    assert deviance.names[1:] == ("Asym", "xmid", "scal")
    at_fit = deviance(deviance.parameters)
    # The optimizer came as near as its tolerance.
    assert at_fit == pytest.approx(-2 * fit.fit_statistics.log_likelihood, rel=1e-6)
    assert deviance(np.array(deviance.parameters) * 1.02) > at_fit
    after = [flat(fit.get_me(part)) for part in ("theta", "u", "mu", "L", "Lambdat", "beta")]
    assert after == before


def test_many_points() -> None:
    deviance = fit_of("slopes").deviance_function()
    points = np.array([deviance.theta, deviance.theta * 1.1, deviance.theta * 0.9])
    ours = deviance.at(points)
    same(ours, [deviance(point) for point in points])
    assert ours.values.argmin() == 0
    assert list(ours.to_frame().columns) == [*deviance.names, "deviance"]
    assert DeviancePoints.from_dict(json.loads(json.dumps(ours.to_dict()))) == ours
    assert "Subject.Days" in repr(deviance)
    assert str(ours)
    for wrong in ([[1.0]], [1.0, 2.0, 3.0], [["a", "b", "c"]]):
        with pytest.raises(OptionError, match="parameters"):
            deviance.at(wrong)
    with pytest.raises(OptionError, match="each of the points has 3 parameters"):
        deviance([1.0, 2.0])


# -- leverage ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["hat_values", "rstudent", "cooks_distance"])
@pytest.mark.parametrize("name", list(FITS))
def test_figures_of_observations(plain: Any, name: str, kind: str) -> None:
    fit = fit_of(name)
    ours = getattr(fit, kind)()
    theirs = plain("case_figures_of", name=name, kind=kind)
    same(ours, theirs["values"])
    assert list(ours.index) == [int(row) - 1 for row in theirs["names"]]
    if name == "missing_exclude":
        assert ours.index[ours.isna()].tolist() == [2, 6, 49]
    ours.iloc[0] = 99.0
    assert getattr(fit, kind)().iloc[0] != 99.0


def test_figures_of_observations_of_other_models(plain: Any) -> None:
    fit = wrapped(plain, *COUNTS)
    with pytest.warns(RWarning, match="may not make sense"):
        ours = fit.hat_values()
    same(ours, plain("case_figures_of", name="counts", kind="hat_values")["values"])
    with pytest.raises(RError):
        wrapped(plain, *NONLINEAR).hat_values()
