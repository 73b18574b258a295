"""Each figure of each accessor of a fitted mixed model is plain R's, to the last bit.

Plain R is asked in an ``Rscript`` of its own (``live.py``). The calls that it fits are
in ``reference/models.R``, under the same names and in the same order.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pymer_bridge as pb
from helpers.live import (
    Figures,
    SameProcess,
    SeparateProcess,
    assert_same,
    numbers,
    texts,
    write_frame,
)
from helpers.models import CASES, FAILURES, SIMULATED, Case, data_set
from helpers.refusal import once
from pymer_bridge.errors import RError

pytestmark = [pytest.mark.r("lmerTest"), pytest.mark.slow]


def _position(labels: Any, made: Made) -> list[int]:
    """Return the rows, counted from 1, that labels of the data's index stand for."""
    return [int(i) + 1 for i in data_set(made.case.data).index.get_indexer(pd.Index(labels))]


def _fixed_effects(fit: pb.LinearMixedModel, ddf: Any) -> Figures:
    at_95, at_80 = fit.fixed_effects(ddf=ddf), fit.fixed_effects(ddf=ddf, conf_level=0.8)
    terms = [row.term for row in at_95]
    names = ("estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high")
    figures = {name: numbers([getattr(row, name) for row in at_95], terms) for name in names}
    for name in ("conf_low", "conf_high"):
        figures[f"{name}_80"] = numbers([getattr(row, name) for row in at_80], terms)
    return figures


def _variance_components(fit: pb.LinearMixedModel) -> Figures:
    components = fit.variance_components
    singles = [(row.group, row.term or "") for row in components]
    pairs = [(pair.group, pair.term1, pair.term2) for pair in components.correlations]
    return {
        "variance": numbers([row.variance for row in components], singles),
        "std_dev": numbers([row.std_dev for row in components], singles),
        "covariance": numbers([pair.covariance for pair in components.correlations], pairs),
        "correlation": numbers([pair.correlation for pair in components.correlations], pairs),
    }


def _random_effects(fit: pb.LinearMixedModel) -> Figures:
    tables = fit.random_effects.groups
    singles = [(t.group, level, term) for t in tables for term in t.terms for level in t.levels]
    pairs = [
        (t.group, level, one, two)
        for t in tables
        for two in t.terms
        for one in t.terms
        for level in t.levels
    ]
    return {
        "estimate": numbers(_flat(t.estimate for t in tables), singles),
        "std_error": numbers(_flat(t.std_error for t in tables), singles),
        "covariance": numbers(_flat(t.covariance for t in tables), pairs),
    }


def _flat(arrays: Iterator[Any]) -> Any:
    """Return arrays end to end, each with its first axis changing fastest."""
    return np.concatenate([np.ravel(array, order="F") for array in arrays])


def _group_coefficients(fit: pb.LinearMixedModel) -> Figures:
    tables = fit.group_coefficients.groups
    keys = [(t.group, level, term) for t in tables for term in t.terms for level in t.levels]
    return {"estimate": numbers(_flat(t.estimate for t in tables), keys)}


def _over_rows(made: Made) -> Figures:
    fit = made.fit
    kinds = ("response", "pearson", "deviance", "working")
    columns = {"fitted": fit.fitted}
    columns |= {kind: fit.residuals(kind) for kind in kinds}
    columns |= {f"{kind}_scaled": fit.residuals(kind, scaled=True) for kind in kinds}
    return {
        name: numbers(column.to_numpy(), _position(column.index, made))
        for name, column in columns.items()
    }


def _fit_statistics(fit: pb.LinearMixedModel) -> Figures:
    names = (
        "reml_criterion", "log_likelihood", "deviance", "aic", "bic", "df", "df_residual", "n_obs",
    )  # fmt: skip
    return {"values": numbers([getattr(fit.fit_statistics, name) for name in names], names)}


def _matrices(fit: pb.LinearMixedModel) -> Figures:
    vcov, design = fit.vcov, fit.model_matrix
    assert vcov.row_names is not None
    entries = [(row, column) for column in vcov.names for row in vcov.row_names]
    cells = [(row + 1, column) for column in design.names for row in range(len(design.values))]
    shares = ("0%", "25%", "50%", "75%", "100%")
    return {
        "vcov": numbers(vcov.values.ravel(order="F"), entries),
        "model_matrix": numbers(design.values.ravel(order="F"), cells),
        "scaled_residual_quantiles": numbers(fit.scaled_residual_quantiles, shares),
    }


def _convergence(fit: pb.LinearMixedModel) -> Figures:
    facts = fit.convergence
    names = ("converged", "singular", "code", "evaluations")
    texts_of = ("optimizer", "optimizer_message")
    return {
        "values": numbers([getattr(facts, name) for name in names], names),
        "theta": numbers(facts.theta, facts.theta_names),
        "gradient": numbers(facts.gradient),
        "messages": texts(facts.messages),
        "warnings": texts(facts.warnings),
        "optimizer": texts([getattr(facts, name) for name in texts_of], texts_of),
    }


def _facts(made: Made) -> Figures:
    fit = made.fit
    names = ("n_obs", "sigma", "reml")
    return {
        "values": numbers([getattr(fit, name) for name in names], names),
        "n_groups": numbers(fit.n_groups.values(), fit.n_groups.keys()),
        "formula": texts([fit.formula]),
        "dropped_rows": numbers(_position(fit.dropped_rows, made) if fit.dropped_rows else ()),
        "dropped_columns": texts(fit.dropped_columns),
    }


def _conditions(fit: pb.LinearMixedModel) -> Figures:
    return {"warnings": texts(fit.warnings), "messages": texts(fit.messages)}


def _summary(fit: Any, ddf: Any) -> Figures:
    summary = fit.summary(ddf=ddf) if isinstance(fit, pb.LinearMixedModel) else fit.summary()
    assert str(summary) == summary.text
    return {"lines": texts(summary.text.split("\n"))}


FAMILIES: Mapping[str, Callable[[Made], Figures]] = {
    "fixed_none": lambda made: _fixed_effects(made.fit, "none"),
    "fixed_normal": lambda made: _fixed_effects(made.fit, "normal"),
    "variance_components": lambda made: _variance_components(made.fit),
    "random_effects": lambda made: _random_effects(made.fit),
    "group_coefficients": lambda made: _group_coefficients(made.fit),
    "over_rows": _over_rows,
    "fit_statistics": lambda made: _fit_statistics(made.fit),
    "matrices": lambda made: _matrices(made.fit),
    "convergence": lambda made: _convergence(made.fit),
    "facts": _facts,
    "conditions": lambda made: _conditions(made.fit),
    "summary_none": lambda made: _summary(made.fit, "none"),
    "fixed_satterthwaite": lambda made: _fixed_effects(made.fit, "satterthwaite"),
    "summary_satterthwaite": lambda made: _summary(made.fit, "satterthwaite"),
}
LMERTEST = ("fixed_satterthwaite", "summary_satterthwaite")
SPEAKING = ("summary_none", *LMERTEST)
"""Families for which R may warn or say more than it did at the fit."""

# -- what is kept between tests ------------------------------------------------------------------


class Made:
    """A fit of ours, its figures once they are asked for, and the warnings on the way."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.warned: dict[str, list[warnings.WarningMessage]] = {}
        self.fit = self._noting("fit", case.fit)
        self._figures: dict[str, Figures] = {}

    def _noting(self, step: str, make: Callable[[], Any]) -> Any:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = make()
        self.warned[step] = caught
        return result

    def figures(self, family: str) -> Figures:
        """Return the figures of a family, with what was said while they were made."""
        if family == "summary_satterthwaite":
            self.figures("fixed_satterthwaite")  # lmerTest speaks once, at the first of the two
        if family not in self._figures:
            made = self._noting(family, lambda: FAMILIES[family](self))
            if family in SPEAKING:
                made["conditions"] = texts([str(each.message) for each in self.warned[family]])
            self._figures[family] = made
        return self._figures[family]

    def warning_classes(self) -> dict[str, set[type[Warning]]]:
        """Return the classes of the warnings, by family, where there were any."""
        return {
            step: {each.category for each in caught}
            for step, caught in self.warned.items()
            if caught
        }


@dataclass
class Live:
    """Plain R, and our fits."""

    same_process: SameProcess
    separate_process: SeparateProcess
    made: dict[str, Made] = field(default_factory=dict)

    def ours(self, case: Case) -> Made:
        if case.name not in self.made:
            self.made[case.name] = Made(case)
        return self.made[case.name]

    def theirs(self, model: str) -> Figures:
        return self.separate_process.figures(model)


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    data = tmp_path_factory.mktemp("data")
    for name, frame in SIMULATED.items():
        write_frame(frame, data / name)
    same = SameProcess()
    separate = SeparateProcess(data, tmp_path_factory.mktemp("answers"), same.state())
    yield Live(same, separate)
    separate.close()


def _comparisons() -> Iterator[Any]:
    """Give every model and family."""
    for each in CASES:
        for family in FAMILIES:
            if each.lmertest or family not in LMERTEST:
                yield pytest.param(each, family, id=f"{each.name}-{family}")


# -- tests ---------------------------------------------------------------------------------------


def test_plain_r_knows_nothing_of_our_r_files(live: Live) -> None:
    assert live.same_process.sees("models")
    for name in ("run_operation", "frame_from_parts", "model_environment", "toolbox"):
        assert not live.same_process.sees(name)


def test_r_and_python_define_the_same_models(live: Live) -> None:
    assert live.same_process.names("models") == tuple(each.name for each in CASES)
    assert live.same_process.names("failures") == tuple(each.name for each in FAILURES)


@pytest.mark.parametrize(("model", "family"), list(_comparisons()))
def test_figures_are_those_of_plain_r(model: Case, family: str, live: Live) -> None:
    made = live.ours(model)
    prefix = f"{family}."
    theirs = {
        name.removeprefix(prefix): figure
        for name, figure in live.theirs(model.name).items()
        if name.startswith(prefix)
    }
    assert theirs
    if family in SPEAKING:
        theirs["conditions"] = texts(once(theirs["conditions"].values))
    assert_same(made.figures(family), theirs)


@pytest.mark.parametrize("model", CASES, ids=lambda model: model.name)
def test_every_figure_of_plain_r_is_compared(model: Case, live: Live) -> None:
    families = [f for f in FAMILIES if model.lmertest or f not in LMERTEST]
    names = live.theirs(model.name)
    assert {name.partition(".")[0] for name in names} == set(families)


@pytest.mark.parametrize("model", CASES, ids=lambda model: model.name)
def test_warnings_are_of_the_expected_classes(model: Case, live: Live) -> None:
    made = live.ours(model)
    for family in FAMILIES:
        if model.lmertest or family not in LMERTEST:
            made.figures(family)
    found = made.warning_classes()
    assert found.pop("fit", set()) == model.warns
    assert found == dict(model.later)


@pytest.mark.parametrize("model", FAILURES, ids=lambda model: model.name)
def test_errors_are_those_of_plain_r(model: Case, live: Live) -> None:
    with pytest.raises(RError) as caught:
        model.fit()
    ours = {"error": texts((caught.value.message, *caught.value.condition_class))}
    assert_same(ours, live.theirs(model.name))
