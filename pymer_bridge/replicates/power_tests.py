"""The tests of a power analysis: as they are asked for, and as R takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.results.decode import record as decode_record
from pymer_bridge.results.fixed_effects import INTERCEPT
from pymer_bridge.spec.names import find_name


@dataclass(frozen=True, slots=True)
class Asked:
    """A power analysis, checked.

    Attributes
    ----------
    formula
        The text of the formula that is fitted, or None for the design's own.
    tests
        As the user gave them, by name.
    ddf, alpha, conf_level, n_sim, seed
        As for ``design.power()``.
    """

    formula: str | None
    tests: Mapping[str, Any] | None
    ddf: str
    alpha: float
    conf_level: float
    n_sim: int
    seed: int | None


def given_tests(tests: Any) -> dict[str, Any] | None:
    """Return tests by name.

    Raises
    ------
    OptionError
        They are neither names nor a mapping, or one stands twice.
    """
    if tests is None:
        return None
    if isinstance(tests, str):
        tests = [tests]
    found = dict(tests) if isinstance(tests, Mapping) else {test: test for test in tests}
    if not found or len(found) < len(tests):
        raise OptionError(f"tests={shown(tests)} must be one or more different tests")
    return found


def planned(asked: Asked, layout: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the tests as ``power_task()`` in R takes them.

    Raises
    ------
    OptionError
        A test names what is not there, or does not go with the method.
    """
    coefficients = decode_record.texts(layout, "coefficients")
    terms = decode_record.texts(layout, "terms")
    given = asked.tests
    if given is None:
        by_term = asked.ddf in ("lrt", "anova")
        names = terms if by_term else coefficients
        if asked.ddf == "lrt":
            names = decode_record.texts(layout, "droppable")
        given = {name: name for name in names if name != INTERCEPT}
        if not given:
            raise OptionError("the model has the intercept alone: tests=['(Intercept)']")
    return [_test(name, test, asked.ddf, layout) for name, test in given.items()]


def _test(name: str, test: Any, ddf: str, layout: Mapping[str, Any]) -> dict[str, Any]:
    coefficients = decode_record.texts(layout, "coefficients")
    terms = decode_record.texts(layout, "terms")
    if isinstance(test, Mapping):
        return _contrast(name, test, ddf, coefficients)
    if not isinstance(test, str):
        raise OptionError(
            f"tests[{name!r}]={shown(test)} must be the name of a coefficient or a term, "
            "weights of coefficients, or the formula of a smaller model"
        )
    if "~" in test:
        return {"name": name, "kind": "comparison", "smaller": test, "of": None}
    coefficient, term = find_name(test, coefficients), find_name(test, terms)
    if ddf in ("lrt", "anova"):
        return _of_term(name, test, ddf, layout)
    if coefficient is not None:
        return {"name": name, "kind": "coefficient", "of": coefficient}
    if term is None:
        raise OptionError(
            f"tests names {shown(test)}; the coefficients are: {listed(coefficients)}, and the "
            f"terms: {listed(terms)}"
        )
    if ddf == "normal":
        raise OptionError(
            f"the term {term!r} has several coefficients, and no normal test: name one of them, or "
            "take ddf='lrt'"
        )
    return {"name": name, "kind": "term", "term": term}


def _of_term(name: str, test: str, ddf: str, layout: Mapping[str, Any]) -> dict[str, Any]:
    """Return the test of a term, or of the term that is one coefficient."""
    coefficients = decode_record.texts(layout, "coefficients")
    terms = decode_record.texts(layout, "terms")
    term_of = [terms[int(i) - 1] if i else None for i in layout["assign"]]
    term, coefficient = find_name(test, terms), find_name(test, coefficients)
    if term is None and coefficient is not None:
        own = term_of[coefficients.index(coefficient)]
        term = own if term_of.count(own) == 1 else None
    if term is None:
        raise OptionError(f"tests names {shown(test)}; the terms are: {listed(terms)}")
    if ddf == "anova":
        return {"name": name, "kind": "term", "term": term}
    if term not in decode_record.texts(layout, "droppable"):
        raise OptionError(
            f"the term {term!r} is part of another one, and cannot be dropped alone: give the "
            "formula of the smaller model"
        )
    own_of = [c for c, of in zip(coefficients, term_of, strict=True) if of == term]
    single = own_of[0] if len(own_of) == 1 else None
    return {"name": name, "kind": "comparison", "smaller": term, "of": single}


def _contrast(
    name: str, weights: Mapping[str, Any], ddf: str, coefficients: Sequence[str]
) -> dict[str, Any]:
    if ddf == "lrt":
        raise OptionError(f"tests[{name!r}]: ddf='lrt' tests terms and formulas of smaller models")
    values = dict.fromkeys(coefficients, 0.0)
    for key, weight in weights.items():
        found = find_name(key, coefficients)
        if found is None or isinstance(weight, bool) or not isinstance(weight, int | float):
            raise OptionError(
                f"tests[{name!r}] takes numbers for these coefficients: {listed(coefficients)}"
            )
        values[found] = float(weight)
    if not any(values.values()):
        raise OptionError(f"tests[{name!r}] has no weight but 0")
    return {"name": name, "kind": "contrast", "weights": np.array(list(values.values()))}


def ways(tests: Sequence[Mapping[str, Any]], *, linear: bool) -> list[tuple[bool, str]]:
    """Return the models that are fitted: by REML or not, and what each drops."""
    smaller = [test["smaller"] for test in tests if test["kind"] == "comparison"]
    found = [(linear, "")] if len(smaller) < len(tests) else []
    if smaller:
        found += [(False, ""), *((False, drops) for drops in smaller)]
    return list(dict.fromkeys(found))


def numbered(
    tests: Sequence[Mapping[str, Any]], models: Sequence[tuple[bool, str]]
) -> list[dict[str, Any]]:
    """Return the tests with the numbers of their models, as ``tested()`` in R takes them."""
    found = []
    for test in tests:
        name = test.get("of") or test.get("term")
        part: dict[str, Any] = {"kind": test["kind"], "name": name}
        if "weights" in test:
            part["weights"] = test["weights"]
        if test["kind"] == "comparison":
            part |= {
                "large": models.index((False, "")) + 1,
                "small": models.index((False, test["smaller"])) + 1,
            }
        found.append(part)
    return found
