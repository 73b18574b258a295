"""What every fitted mixed model gives, whatever its response."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Self

import pandas as pd

from pymer_bridge.data import frames
from pymer_bridge.display import notebook
from pymer_bridge.models.fitting import dropped_rows, shared_fields
from pymer_bridge.models.methods.diagnostics import Diagnostics
from pymer_bridge.models.methods.effects import PredictorEffects
from pymer_bridge.models.methods.export import Saving, Scripting
from pymer_bridge.models.methods.icc_r2 import Shares
from pymer_bridge.models.methods.influence import Influences
from pymer_bridge.models.methods.internals import Internals
from pymer_bridge.models.methods.optimizers import Optimizers
from pymer_bridge.models.methods.pictures import Pictures
from pymer_bridge.models.methods.prediction import Predicting
from pymer_bridge.models.methods.refitting import Updating
from pymer_bridge.models.methods.reporting import Reporting
from pymer_bridge.models.methods.tidying import Tidying
from pymer_bridge.results import fixed_effects as results
from pymer_bridge.results import groups
from pymer_bridge.results.base import Result
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.variances import VarianceComponents
from pymer_bridge.session.calls import Handle, Outcome
from pymer_bridge.spec.model_spec import ModelSpec


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MixedModel(
    Updating,
    Saving,
    Predicting,
    Internals,
    Diagnostics,
    Shares,
    Tidying,
    Optimizers,
    Influences,
    Pictures,
    Reporting,
    PredictorEffects,
    Scripting,
):
    """A fitted mixed model; the figures stay in R until they are asked for, and are then kept.

    Attributes
    ----------
    formula
        The formula, in R's spelling.
    n_obs
        The number of observations used.
    n_groups
        The number of levels of each grouping factor.
    sigma
        The residual standard deviation.
    reml
        Fitted by restricted maximum likelihood?
    singular
        Is the fit singular?
    dropped_columns
        Columns of the design that R dropped because they depend on others.
    dropped_rows
        Labels, in the data's index, of the rows that ``na_action`` dropped.
    warnings, messages
        What R warned of and said during the fit.
    spec
        What was asked for.
    columns
        The columns of the data that went to R.
    """

    formula: str
    n_obs: int
    n_groups: Mapping[str, int]
    sigma: float
    reml: bool
    singular: bool
    dropped_columns: tuple[str, ...]
    dropped_rows: tuple[Any, ...]
    warnings: tuple[str, ...]
    messages: tuple[str, ...]
    spec: ModelSpec
    columns: tuple[str, ...]
    _model: Handle
    _index: pd.Index
    _kept: dict[Any, Any] = field(default_factory=dict)

    @classmethod
    def _of(
        cls, outcome: Outcome, asked: ModelSpec, frame: frames.AnyFrame, **further: Any
    ) -> Self:
        """Make the model that ``fit_model()`` in R has fitted."""
        facts = outcome.value["facts"]
        counts = map(int, facts["group_counts"])
        return cls(
            n_groups=MappingProxyType(dict(zip(facts["group_names"], counts, strict=True))),
            sigma=decode.number(facts, "sigma"),
            reml=decode.flag(facts, "reml"),
            singular=decode.flag(facts, "singular"),
            dropped_columns=decode.texts(facts, "dropped_columns"),
            dropped_rows=dropped_rows(facts, frame),
            **shared_fields(outcome, asked, frame),
            **further,
        )

    @property
    def variance_components(self) -> VarianceComponents:
        """Variances, standard deviations and correlations (R: ``VarCorr``)."""
        return self._ask("variance_components", decode.variance_components)

    @property
    def random_effects(self) -> groups.RandomEffects:
        """Conditional modes with standard deviations (R: ``ranef(condVar=TRUE)``)."""
        return self._ask("random_effects", decode.random_effects)

    @property
    def group_coefficients(self) -> groups.GroupCoefficients:
        """Fixed plus random effects for each group (R: ``coef``)."""
        return self._ask("group_coefficients", decode.group_coefficients)

    @property
    def convergence(self) -> results.Convergence:
        """How the optimizer ended, and what was said of it."""
        found = self._ask("convergence", decode.convergence)
        # What the fit itself said is told once, in R's order.
        return replace(
            found,
            messages=tuple(dict.fromkeys((*found.messages, *self.messages))),
            warnings=tuple(dict.fromkeys((*found.warnings, *self.warnings))),
        )

    @property
    def scaled_residual_quantiles(self) -> tuple[float, ...]:
        """Minimum, quartiles and maximum of the scaled residuals, as R's summary prints them."""
        return self._ask("scaled_residual_quantiles", lambda values: tuple(values.tolist()))

    def _estimates(self) -> results.FixedEffects:
        """Return the fixed effects as R's own summary shows them."""
        raise NotImplementedError

    def _terms(self) -> tuple[str, ...]:
        return tuple(row.term for row in self._estimates().rows)

    def _parts(self) -> tuple[Result, ...]:
        return (self.variance_components, self._estimates(), self.fit_statistics)

    def _kind(self) -> str:
        """Return what kind of model it is, and how it was fitted."""
        raise NotImplementedError

    @property
    def heading(self) -> str:
        """What was fitted, and to what: three lines of text."""
        groups = ", ".join(f"{name} {count}" for name, count in self.n_groups.items())
        return (
            f"{self._kind()}\nFormula: {self.formula}\nObservations: {self.n_obs}, groups: {groups}"
        )

    def __str__(self) -> str:
        """Return the model in a few short tables."""
        return "\n\n".join([self.heading, *map(str, self._parts())])

    def __repr__(self) -> str:
        """Return the model in one line."""
        return f"<{type(self).__name__} {self.formula!r}, {self.n_obs} observations>"

    def _alerts(self) -> tuple[str, ...]:
        """Return what is wrong with the fit: in plain words first, then in R's."""
        found = self.convergence
        said = (*found.messages, *found.warnings)
        plain = []
        if self.singular:
            plain.append(
                "The fit is singular: a variance is estimated as zero, or a correlation as one."
            )
        if not found.converged:
            plain.append("The fit did not converge: its figures are not to be trusted.")
        return (*plain, *(f"R: {text}" for text in said))

    def _repr_html_(self) -> str:
        tables = [self.variance_components._table(), self._estimates()._table()]
        tables.append(self.fit_statistics._one_row())
        return notebook.block(self.heading, self._alerts(), tables)
