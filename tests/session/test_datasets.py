"""Data to learn with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pymer_bridge as pb
from helpers import REFERENCES
from helpers.live import ask_r
from helpers.refusal import refused
from pymer_bridge.session.r_session import session

pytestmark = pytest.mark.r


@pytest.fixture(scope="module")
def plain() -> Any:
    """Return plain R's own drawing, as lists of columns."""
    search_path = session().call("globalenv").value
    environment = session().call("new.env", parent=search_path).value
    path = str(REFERENCES / "childread.R")
    session().call("sys.source", file=path, envir=environment)

    def draw(seed: int) -> Any:
        arguments = {"seed": seed}
        return session().call("do.call", what="childread", args=arguments, envir=environment).value

    return draw


@pytest.mark.parametrize("seed", [1, 2, 20261124])
def test_children_are_those_that_plain_r_draws(plain: Any, seed: int) -> None:
    ours, theirs = pb.simulate_childread(seed), plain(seed)
    assert list(ours.columns) == ["child", "school", "hrs_week", "reading_age"]
    assert ours["child"].tolist() == [f"child_{i}" for i in range(1, 133)]
    assert ours["school"].tolist() == [f"school_{i}" for i in theirs["school"]]
    assert ours["hrs_week"].to_numpy().tobytes() == np.asarray(theirs["hours"]).tobytes()
    assert ours["reading_age"].to_numpy().tobytes() == np.asarray(theirs["age"]).tobytes()
    assert ours["school"].value_counts().min() >= 5
    assert ours["school"].nunique() == 20


def test_a_seed_draws_the_same_again_and_another_seed_others() -> None:
    assert pb.simulate_childread().equals(pb.simulate_childread(1))
    assert not pb.simulate_childread(1).equals(pb.simulate_childread(2))


def test_drawing_leaves_the_generator_as_it_was() -> None:
    session().call("set.seed", seed=9)
    expected = ask_r("runif", n=3)
    session().call("set.seed", seed=9)
    pb.simulate_childread(1)
    assert list(ask_r("runif", n=3)) == list(expected)


@pytest.mark.parametrize("seed", [None, 1.5, "1", 2**40])
def test_a_seed_must_be_an_integer(seed: Any) -> None:
    with pytest.raises(pb.OptionError, match="seed"):
        pb.simulate_childread(seed)


@pytest.mark.parametrize(
    ("name", "package"), [("a/b", "lme4"), ("sleepstudy", "lme4::x"), (3, "lme4"), ("x", "")]
)
def test_names_of_data_sets_are_plain(name, package):
    said = refused(pb.load_dataset, name, package=package)
    assert said.endswith(("cannot be the name of a data set or package", "name=3 must be a text"))
