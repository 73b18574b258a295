"""Which levels pictures show, in which order, and what they are called."""

from __future__ import annotations

from typing import Any

import pytest

import pymer_bridge as pb
from helpers.refusal import refused
from pymer_bridge.plots.levels import chosen_levels, labels_of, natural_order

ORDERS = [
    ("1 10 12 2", "1 2 10 12"),
    ("s1 s10 s2", "s1 s2 s10"),
    ("A:1 A:10 A:2 B:1", "A:1 A:2 A:10 B:1"),
    ("a1b10 a1b9 a1c", "a1b9 a1b10 a1c"),
    ("-1 -2 0.5 10", "-2 -1 0.5 10"),
    ("x 10 9", "x 10 9"),  # not sorted as text: somebody's own order
    ("high low", "high low"),
    ("low middle high", "low middle high"),
    ("a B c", "a B c"),
    ("A b a", "A b a"),
    ("2020-1 2020-10 2020-2", "2020-1 2020-2 2020-10"),
    ("", ""),
]


@pytest.mark.parametrize(("given", "wanted"), ORDERS)
def test_levels_are_in_the_order_in_which_people_count(given: str, wanted: str) -> None:
    levels = given.split()
    assert [levels[i] for i in natural_order(levels)] == wanted.split()


def test_labels_are_given_by_level() -> None:
    assert labels_of(["1", "2", "3"], None) == ["1", "2", "3"]
    assert labels_of(["1", "2", "3"], {2: "two", "3": "three"}) == ["1", "two", "three"]
    assert refused(labels_of, ["a", "b"], {"c": "x"}) == (
        "labels has no level 'c'; there are: 'a', 'b'"
    )
    assert refused(labels_of, ["a", "b"], {"a": 1}) == "labels are text, not 1"


@pytest.mark.r
def test_levels_are_ordered_by_a_term_and_spread_over_that_order() -> None:
    fit: Any = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    table = fit.random_effects.group("Subject")
    by = sorted(range(18), key=lambda i: table.estimate[i, 1])
    assert chosen_levels(fit, "Subject", table.levels, order="Days") == by
    few = chosen_levels(fit, "Subject", table.levels, order="Days", max_groups=3)
    assert [few[0], few[-1]] == [by[0], by[-1]]
    assert len(few) == 3
    assert chosen_levels(fit, "Subject", table.levels) == list(range(18))
    assert "no term 'x' in 'Subject', for order=" in refused(
        chosen_levels, fit, "Subject", table.levels, order="x"
    )
    assert "max_groups" in refused(chosen_levels, fit, "Subject", table.levels, max_groups=0)
