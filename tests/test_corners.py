"""Corners that no other test turns: wrong use, and answers that R seldom gives."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import pymer_bridge as pb
from pymer_bridge import indexes
from pymer_bridge.errors import OptionError

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
        ({"statistic": "parameters", "re_form": "population"},
         "new_data and re_form go with statistic='predictions'"),
        ({"kind": "parametric", "resample": (True, False)}, "resample goes with kind='case'"),
        ({"kind": "case", "use_u": True}, "use_u goes with kind='parametric'"),
        ({"kind": "wild", "use_u": False}, "use_u goes with kind='parametric'"),
        ({"kind": "semiparametric", "use_u": False},
         "R has no semiparametric bootstrap with use_u=False"),
        ({"use_u": "FALSE"}, "use_u='FALSE' must be True or False"),
        ({"use_u": 0}, "use_u=0 must be True or False"),
    ],
)  # fmt: skip
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
