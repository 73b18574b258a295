"""What was asked of models without random effects, as the calls that an R user would write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pymer_bridge.r_script import syntax
from pymer_bridge.r_script.statements import Asked, Written, shown
from pymer_bridge.r_script.syntax import Node

_STATS: Final[Mapping[str, str]] = {"F": "F", "likelihood-ratio": "LRT", "rao": "Rao"}
_CAR: Final[Mapping[str, str]] = {"F": "F", "likelihood-ratio": "LR", "wald": "Wald"}
"""Names of the tests in R: of anova() and drop1(), and of car's Anova()."""


def _test(asked: Asked, names: Mapping[str, str]) -> Node | None:
    """Write the test that was made; only generalized models have several."""
    return syntax.string(names[asked.arguments["test"]]) if asked.fitter == "glm" else None


def anova(asked: Asked) -> Written:
    """Write anova()."""
    return shown(asked, syntax.call("anova", asked.fit, test=_test(asked, _STATS)), "term_tests")


def anova_by_car(asked: Asked) -> Written:
    """Write Anova() of car."""
    kind = syntax.string(asked.arguments["type"])
    value = syntax.call("Anova", asked.fit, type=kind, test_statistic=_test(asked, _CAR))
    return shown(asked, value, "term_tests")


def drop(asked: Asked) -> Written:
    """Write drop1()."""
    scope, test = asked.arguments["scope"], syntax.string(_STATS[asked.arguments["test"]])
    terms = None if scope is None else syntax.vector(scope)
    return shown(asked, syntax.call("drop1", asked.fit, scope=terms, test=test), "drop_terms")
