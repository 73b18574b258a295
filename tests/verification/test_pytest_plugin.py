"""The plugin of pytest: run as a user's tests run, in a folder of their own."""

from __future__ import annotations

import tomllib
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers import ROOT
from pymer_bridge.errors import OptionError, RError
from pymer_bridge.verification.figures import figures_of
from pymer_bridge.verification.plain_r import run_snippet

pytest_plugins = ("pytester",)
pytestmark = pytest.mark.r("lmerTest")

PLUGIN = ("-p", "pymer_bridge.verification.pytest_plugin", "-p", "no:cacheprovider")
"""Where the package is installed pytest finds the plugin; here it is named."""


@pytest.fixture(autouse=True)
def one_plugin(monkeypatch: pytest.MonkeyPatch, pytester: pytest.Pytester) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeini("[pytest]")  # settings in a folder above are not meant


def test_pytest_finds_the_plugin_of_the_package() -> None:
    project = ROOT / "pyproject.toml"
    points = tomllib.loads(project.read_text())["project"]["entry-points"]
    assert points["pytest11"] == {"pymer_bridge": "pymer_bridge.verification.pytest_plugin"}


def test_the_plugin_starts_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing():
            assert not {"pandas", "rpy2", "pymer_bridge.session.r_session"} & set(sys.modules)
        """
    )
    pytester.runpytest_subprocess(*PLUGIN).assert_outcomes(passed=1)


def test_its_option_and_fixtures_are_described(pytester: pytest.Pytester) -> None:
    pytester.runpytest_inprocess(*PLUGIN, "--help").stdout.fnmatch_lines(["*--pbr-update*"])
    shown = pytester.runpytest_inprocess(*PLUGIN, "--fixtures").stdout
    shown.fnmatch_lines(["r_reference*", "assert_matches_r*", "assert_matches_record*"])


# -- plain R -------------------------------------------------------------------------------------


def test_values_come_back_to_the_last_bit() -> None:
    rng = np.random.default_rng(8)
    values = rng.normal(size=200) * 10.0 ** rng.integers(-300, 300, 200)
    back = run_snippet("d$x", {"d": pd.DataFrame({"x": values})})
    assert back == values.tolist()
    found = run_snippet("c(0.1 + 0.2, -0, 5e-324, Inf, -Inf, NA, NaN)")
    assert found[:5] == [0.1 + 0.2, 0.0, 5e-324, np.inf, -np.inf]
    assert np.signbit(found[1])
    assert np.isnan(found[5:]).all()


def test_every_kind_of_value_comes_back() -> None:
    data = pd.DataFrame({"f": pd.Categorical(["u", None, "w"]), "t": ["ä\n\\n", "", None]})
    found = run_snippet(
        """
        list(
          one = 1L, flag = NA, text = "a\\nb\\\\", none = NULL, f = d$f, t = d$t,
          named = c(a = 1, b = 2), list(1, "x"), m = matrix(c(1, 2, 3, 4), 2), d = d,
          empty = numeric(0), table = table(c("x", "y", "x"))
        )
        """,
        {"d": data},
    )
    assert found.pop("m").to_numpy().tolist() == [[1.0, 3.0], [2.0, 4.0]]
    assert list(found.pop("d").columns) == ["f", "t"]
    assert found == {
        "one": 1,
        "flag": None,
        "text": "a\nb\\",
        "none": None,
        "f": ["u", None, "w"],
        "t": ["ä\n\\n", "", None],
        "named": {"a": 1.0, "b": 2.0},
        "": [1.0, "x"],
        "empty": [],
        "table": {"x": 2, "y": 1},
    }


def test_data_arrive_as_they_are() -> None:
    data = pd.DataFrame(
        {
            "größe": [1.5, np.nan],
            "n": [1, 2],
            "on": [True, False],
            "f": pd.Categorical(["b", "a"], categories=["b", "a"], ordered=True),
            "at": pd.to_datetime(["2020-01-01", "2021-06-01"]),
        }
    )
    told = run_snippet(
        "list(class = sapply(d, function(x) class(x)[1]), levels = levels(d$f), na = d[['größe']])",
        {"d": data},
    )
    assert told["class"] == {
        "größe": "numeric",
        "n": "integer",
        "on": "logical",
        "f": "ordered",
        "at": "POSIXct",
    }
    assert told["levels"] == ["b", "a"]
    assert np.isnan(told["na"][1])


def test_r_sees_nothing_of_the_package() -> None:
    assert run_snippet('c(exists("fit_model"), exists("folder_of_nothing"))') == [False, False]
    assert run_snippet("ls()", {"d": pd.DataFrame({"x": [1]})}) == "d"


@pytest.mark.parametrize(
    ("snippet", "said"),
    [
        ("stop('no way')", "no way"),
        ("1 +", "unexpected end of input"),
        ("quote(x)", "of class name"),
        ("library(nopackage)", "nopackage"),
    ],
)
def test_what_r_stops_at_is_told(snippet: str, said: str) -> None:
    with pytest.raises(RError, match=said):
        run_snippet(snippet)


def test_what_cannot_be_run() -> None:
    with pytest.raises(RError, match=r"more than 0\.5 seconds"):
        run_snippet("Sys.sleep(60)", timeout=0.5)
    with pytest.raises(OptionError, match="positive number of seconds"):
        run_snippet("1", timeout="1 s")  # type: ignore[arg-type]
    with pytest.raises(RError, match="ended by the snippet"):
        run_snippet("quit(status = 0)")
    with pytest.raises(RError, match="ended by SIGKILL"):
        run_snippet("tools::pskill(Sys.getpid(), 9)")
    with pytest.raises(OptionError, match="a string of R"):
        run_snippet(3)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="is not a name for data"):
        run_snippet("1", {"a\nb": pd.DataFrame({"x": [1]})})


MODELS: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "slopes": ("lmer", "Reaction ~ Days + (Days | Subject)", {}, "sleepstudy"),
    "crossed": ("lmer", "diameter ~ 1 + (1 | plate) + (1 | sample)", {}, "Penicillin"),
    "nested": ("lmer", "strength ~ 1 + (1 | batch / cask)", {"reml": False}, "Pastes"),
    "poisson": ("glmer", "TICKS ~ YEAR + (1 | BROOD)", {"family": "poisson"}, "grouseticks"),
    "linear": ("lm", "Reaction ~ Days", {}, "sleepstudy"),
    "count": ("glm", "TICKS ~ YEAR", {"family": "poisson"}, "grouseticks"),
}


@pytest.fixture(scope="module")
def both() -> dict[str, tuple[Any, Any]]:
    """Return our fit of each model, and what one plain R says of it."""
    fits, calls = {}, []
    extra = {"family": ", family = poisson", "reml": ", REML = FALSE"}
    for name, (fitter, formula, arguments, data) in MODELS.items():
        fits[name] = getattr(pb, fitter)(formula, pb.load_dataset(data), **arguments)
        further = "".join(extra[key] for key in arguments)
        calls.append(f"{name} = {fitter}({formula}, d_{name}{further})")
    frames = {f"d_{name}": fit for name, fit in fits.items()}
    answers = run_snippet(f"library(lme4); list({', '.join(calls)})", frames)
    return {name: (fit, answers[name]) for name, fit in fits.items()}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_plain_r_has_our_figures(name: str, both: dict[str, tuple[Any, Any]]) -> None:
    """Every figure that plain R's accessors give is ours, to the last bit."""
    fit, theirs = both[name]
    ours = figures_of(fit).values
    assert len(theirs) > 10
    assert {key: ours[key] for key in theirs} == theirs


# -- fixtures ------------------------------------------------------------------------------------

HEAD = """
import pymer_bridge as pb
import pytest

FORMULA = "Reaction ~ Days + (Days | Subject)"

@pytest.fixture(scope="module")
def fit():
    return pb.lmer(FORMULA, pb.load_dataset("sleepstudy"))
"""


def test_r_reference_and_assert_matches_r(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        HEAD
        + '''
def test_reference(r_reference, fit):
    found = r_reference("""
      fit <- lme4::lmer(Reaction ~ Days + (Days | Subject), d)
      list(aic = AIC(fit), fixed = lme4::fixef(fit))
    """, d=pb.load_dataset("sleepstudy"))
    assert found["aic"] == fit.fit_statistics.aic
    assert found["fixed"]["Days"] == fit.fixed_effects()["Days"].estimate

def test_model(assert_matches_r, fit):
    assert_matches_r(fit, "library(lmerTest); lmer(Reaction ~ Days + (Days | Subject), sleepstudy)")

def test_figures(assert_matches_r, fit):
    assert_matches_r(fit, """
      fit <- lme4::lmer(Reaction ~ Days + (Days | Subject), sleepstudy)
      c("fixed_effect///Days/estimate" = lme4::fixef(fit)[["Days"]],
        "model////n_obs" = nobs(fit), "model////sigma" = sigma(fit))
    """)

def test_alone(assert_matches_r, fit):
    assert_matches_r(fit)

def test_of_other_software(assert_matches_r, fit):
    assert_matches_r(fit, {"Days": {"estimate": 10.46729}, "n_obs": 180}, tolerance=1e-5)
    assert_matches_r(fit, fit.tidy())

def test_of_wrong_software(assert_matches_r, fit):
    ml = fit.update(reml=False)
    assert_matches_r(fit, {"Days": {"std_error": ml.fixed_effects()["Days"].std_error}})

def test_script_with_a_tolerance(assert_matches_r, fit):
    assert_matches_r(fit, "1", tolerance=1)

def test_figures_with_data(assert_matches_r, fit):
    assert_matches_r(fit, {"n_obs": 180}, d=fit)

def test_other_model(assert_matches_r, fit):
    assert_matches_r(fit, "lme4::lmer(Reaction ~ Days + (1 | Subject), sleepstudy)")

def test_no_such_figure(assert_matches_r, fit):
    assert_matches_r(fit, 'c("fixed_effect///Hours/estimate" = 1, "model////sigma" = 2)')

def test_no_figures(assert_matches_r, fit):
    assert_matches_r(fit, "1:3")

def test_other_data(assert_matches_r, fit):
    assert_matches_r(fit, "1", sleepstudy=pb.load_dataset("cake"))

def test_no_path(assert_matches_record, fit):
    for path in (None, 3, "a\\0b"):
        with pytest.raises(pb.OptionError, match="is not the path of a record"):
            assert_matches_record(fit, path)
'''
    )
    result = pytester.runpytest_inprocess(*PLUGIN)
    result.assert_outcomes(passed=6, failed=7)
    result.stdout.fnmatch_lines(
        [
            "*Days/std_error is 1.50*, R gives 1.54*: maximum likelihood (ML), not REML*",
            "*takes no tolerance*",
            "*d: data are for a script of R*",
            "*figures are not plain R's:*",
            "*fixed_effect///(Intercept)/std_error: *, R has * ulps apart)*",
            "*2 of 2 figures are not plain R's:*",
            "*fixed_effect///Hours/estimate: the model has no such figure*",
            "*must end with a fitted model, or with named figures*",
            "*sleepstudy is the name of the model's own data*",
        ]
    )


def test_records_are_compared_and_rewritten(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        HEAD
        + """
def test_record(assert_matches_record, fit):
    assert_matches_record(fit, "slopes.pbr.json")
"""
    )
    record = pytester.path / "slopes.pbr.json"
    missing = pytester.runpytest_inprocess(*PLUGIN)
    missing.assert_outcomes(failed=1)
    missing.stdout.fnmatch_lines(["*there is no record*pytest --pbr-update*"])
    assert not record.exists()
    pytester.runpytest_inprocess(*PLUGIN, "--pbr-update").assert_outcomes(passed=1)
    written = record.read_bytes()
    pytester.runpytest_inprocess(*PLUGIN).assert_outcomes(passed=1)
    assert record.read_bytes() == written
    test = next(pytester.path.glob("test_*.py"))
    test.write_text(test.read_text().replace('sleepstudy")', 'sleepstudy"), reml=False'))
    drifted = pytester.runpytest_inprocess(*PLUGIN)
    drifted.assert_outcomes(failed=1)
    drifted.stdout.fnmatch_lines(["*DRIFTED:*", "*reml: True then, False now*"])
    assert record.read_bytes() == written
    pytester.runpytest_inprocess(*PLUGIN, "--pbr-update").assert_outcomes(passed=1)
    assert record.read_bytes() != written
    pytester.runpytest_inprocess(*PLUGIN).assert_outcomes(passed=1)
