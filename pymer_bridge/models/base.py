"""The base of all fitted models, mixed or not, and how a model asks R."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeVar

import pandas as pd

from pymer_bridge.data import frames, new_data
from pymer_bridge.data.new_data import ColumnKind
from pymer_bridge.display import notebook
from pymer_bridge.errors import OptionError
from pymer_bridge.r_script.journal import journal
from pymer_bridge.results import groups
from pymer_bridge.results.base import Result, of_rows
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.fit_statistics import Convergence, FitStatistics
from pymer_bridge.results.fixed_effects import FixedEffects, exponentials, listed_effects, sentence
from pymer_bridge.results.intervals import Intervals
from pymer_bridge.results.matrix import NamedMatrix
from pymer_bridge.results.rows_used import RowsUsed
from pymer_bridge.results.variances import VarianceComponents
from pymer_bridge.session import asking, installation
from pymer_bridge.session.calls import Handle
from pymer_bridge.session.r_session import session
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import Public
from pymer_bridge.spec.model_spec import ModelSpec
from pymer_bridge.spec.names import Labels

T = TypeVar("T")


def ask(operation: str, read: Callable[..., T], /, *, noted: bool = True, **arguments: Any) -> T:
    """Ask R about models, raise its warnings, and note the call for scripts.

    Parameters
    ----------
    operation, read, **arguments
        As for :func:`pymer_bridge.session.asking.ask`; models go by their handles.
    noted
        False for calls that no script writes and that have large arguments, such as new data.
    """

    def note(result: T) -> None:
        if noted:
            journal.note(operation, arguments, result)

    return asking.ask(operation, read, then=note, **arguments)


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class RModel(Public, tells=True):
    """A fit that lives in R: its figures are asked for once, and then kept.

    Attributes
    ----------
    formula
        The formula, in R's spelling.
    n_obs
        The number of observations used.
    warnings, messages
        R's warnings and messages during the fit.
    spec
        The specification: what was asked for.
    columns
        The columns of the data that went to R.
    """

    formula: str
    n_obs: int
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    spec: ModelSpec
    columns: tuple[str, ...]
    _model: Handle
    _index: pd.Index
    _kept: dict[Any, Any] = field(default_factory=dict)

    @classmethod
    def _of(
        cls, record: Mapping[str, Any], asked: ModelSpec, frame: frames.AnyFrame, **further: Any
    ) -> Self:
        """Make the model that R has fitted."""
        facts = record["facts"]
        own = {f.name for f in dataclasses.fields(cls)} - further.keys()
        read = {name: reader(facts, name) for name, reader in decode.FACTS.items() if name in own}
        return cls(
            spec=asked,
            columns=frame.names,
            _model=record["model"],
            _index=frame.index,
            **read,
            **further,
        )

    def __copy__(self) -> Self:
        """Return the model itself: it cannot change."""
        return self

    def __deepcopy__(self, memo: object) -> Self:
        """Return the model itself: it cannot change."""
        return self

    def _ask(self, operation: str, read: Callable[..., T], *extra: Any, **arguments: Any) -> T:
        """Ask R once, read the answer, keep it, and note it for scripts."""
        key = (operation, *arguments.items())
        if key not in self._kept:

            def keep(result: T) -> None:
                self._kept[key] = result

            asking.ask(
                operation,
                lambda value: self._counted(read(value, *extra)),
                then=keep,
                model=self._model,
                **arguments,
            )
        kept: T = self._kept[key]
        noted = ("noted", *key)
        # Nothing is noted while the journal is silent: the user may ask for this result later.
        if noted not in self._kept:
            self._kept[noted] = journal.note(operation, {"model": self._model, **arguments}, kept)
        return kept

    def _counted(self, result: T) -> T:
        """Return a result that says how many rows the model uses, and its link."""
        return of_rows(result, self.n_obs, getattr(self, "link", None))

    def _ask_anew(
        self, operation: str, read: Callable[..., T], /, *, noted: bool = False, **arguments: Any
    ) -> T:
        """Ask R, and do not keep the answer: it can be large, or is never asked for again."""
        return ask(
            operation,
            lambda value: self._counted(read(value)),
            noted=noted,
            model=self._model,
            **arguments,
        )

    @property
    def _kinds(self) -> dict[str, ColumnKind]:
        """The columns of the data, as they were fitted."""
        return self._ask("column_kinds", new_data.kinds_from_r)

    def _require(self, ddf: str) -> None:
        """Load the R packages that a method of degrees of freedom needs."""
        for package in installation.DDF_PACKAGES.get(ddf, ()):
            session().require(package)

    # Overridden by each kind of model.

    def _kind(self) -> str:
        """Return the kind of model, and how it was fitted."""
        raise NotImplementedError

    def _groups(self) -> str:
        """Return the groups in a few words; nothing if there are none."""
        return ""

    def _parts(self) -> tuple[Result, ...]:
        """Return the results that show the model."""
        raise NotImplementedError

    def _alerts(self) -> tuple[str, ...]:
        """Return the notices that stand above the figures."""
        return tuple(f"R: {text}" for text in (*self.messages, *self.warnings))

    @property
    def rows_used(self) -> RowsUsed:
        """How many rows of the data the fit uses, and why it leaves out the others."""
        n_rows = len(self._index)
        if self.n_obs == n_rows:
            return RowsUsed(n_rows, n_rows)
        return self._ask("rows_used", decode.rows_used)

    @property
    def heading(self) -> str:
        """The kind of model, its formula and its data, and which rows are left out, as text."""
        groups = f", groups: {self._groups()}" if self._groups() else ""
        lines = [self._kind(), f"Formula: {self.formula}", f"Observations: {self.n_obs}{groups}"]
        if self.rows_used.n_left_out:
            lines.append(str(self.rows_used))
        return "\n".join(lines)

    def __str__(self) -> str:
        """Return the model in a few short tables."""
        return "\n\n".join([self.heading, *(part._within().to_text() for part in self._parts())])

    def __repr__(self) -> str:
        """Return the model in one line."""
        n_rows = len(self._index)
        used = f"{self.n_obs} of {n_rows} rows" if self.n_obs < n_rows else f"{n_rows} observations"
        return f"<{type(self).__name__} {self.formula!r}, {used}>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Show the tables in IPython; within a list, a mapping or the like one line."""
        printer.text(repr(self) if cycle or len(printer.stack) > 1 else str(self))

    def _repr_html_(self) -> str:
        tables = [
            part._one_row() if isinstance(part, FitStatistics) else part._within()
            for part in self._parts()
        ]
        return notebook.block(self.heading, self._alerts(), tables)


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Fitted(RModel):
    """A fitted model.

    Attributes
    ----------
    sigma
        The residual standard deviation.
    dropped_rows
        Labels, in the data's index, of the rows that ``na_action`` dropped.
    """

    sigma: float
    dropped_rows: tuple[Any, ...]

    @classmethod
    def _of(
        cls, record: Mapping[str, Any], asked: ModelSpec, frame: frames.AnyFrame, **further: Any
    ) -> Self:
        dropped = record["facts"]["dropped_rows"]
        rows = () if dropped is None else tuple(frame.index[dropped - 1])
        return super(Fitted, cls)._of(record, asked, frame, dropped_rows=rows, **further)

    # What differs between kinds of models: each is overridden in the class of that kind, or in the
    # family of methods that has it.

    def fixed_effects(self, *arguments: Any, **named: Any) -> FixedEffects:
        """Return the fixed effects."""
        raise NotImplementedError

    def _tested(self, ddf: str | None, conf_level: float) -> FixedEffects:
        """Return the fixed effects with tests; by the method that is usual where ddf is None."""
        raise NotImplementedError

    def _estimates(self) -> FixedEffects:
        """Return the fixed effects as R's own summary shows them."""
        raise NotImplementedError

    def _means_ddf(self) -> tuple[options.MeansDdf, ...]:
        """Return the degrees of freedom that marginal means can have, emmeans' default first.

        There are none where emmeans takes R's own.
        """
        return ("asymptotic",)

    def _bootstrap_intervals(
        self, *, parameters: Sequence[str] | None = None, **how: Any
    ) -> Intervals:
        """Return bootstrap intervals of all parameters."""
        raise OptionError('conf_method="boot" is not available for this kind of model')

    def _shown_effects(self) -> FixedEffects:
        """Return the fixed effects that show the model: tests where they cost nothing."""
        return self._estimates()

    def _terms(self) -> tuple[str, ...]:
        """Return the names of the fixed effects."""
        return tuple(row.term for row in self._estimates().rows)

    @property
    def fit_statistics(self) -> FitStatistics:
        """Criterion, log-likelihood, deviance, AIC and BIC."""
        return self._ask("fit_statistics", decode.fit_statistics)

    @property
    def vcov(self) -> NamedMatrix:
        """Covariance matrix of the fixed effects (R: ``vcov``)."""
        return self._ask("fixed_covariance", decode.covariance_matrix)

    @property
    def model_matrix(self) -> NamedMatrix:
        """Design matrix of the fixed effects, rows by columns (R: ``getME(fit, "X")``)."""
        return self._ask("model_matrix", decode.design_matrix, self._index)

    @property
    def fitted(self) -> pd.Series[float]:
        """Fitted values on the data's own index (R: ``fitted``)."""
        return self._ask("fitted_values", decode.over_rows, self._index, "fitted").copy()

    def residuals(
        self, kind: options.ResidualKind | None = None, *, scaled: bool = False
    ) -> pd.Series[float]:
        """Return the residuals on the data's own index.

        Parameters
        ----------
        kind
            "response", "pearson", "deviance" or "working"; by default, as in R, "deviance" for a
            generalized model and "response" for the others.
        scaled
            Divide by the residual standard deviation.

        Returns
        -------
        pandas.Series
            One value per observation; NaN for dropped rows under ``na_action="exclude"``.

        Raises
        ------
        OptionError
            ``kind`` is not accepted.

        Notes
        -----
        R function: ``residuals(fit, type=, scaled=)``.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> len(fit.residuals())
        180
        """
        if kind is not None:
            kind = options.one_of(kind, options.ResidualKind, "kind")
        return self._ask(
            "model_residuals",
            decode.over_rows,
            self._index,
            "residual",
            kind=kind,
            scaled=options.flag(scaled, "scaled"),
        ).copy()

    def report(
        self,
        term: str | None = None,
        ddf: options.Ddf | None = None,
        *,
        interval: bool = False,
        conf_level: float = 0.95,
        exponentiate: bool = False,
        labels: Mapping[str, str] | None = None,
        effects: FixedEffects | None = None,
    ) -> str:
        """Return one coefficient in a line, or the whole model in a paragraph, for a paper.

        Parameters
        ----------
        term
            A fixed effect; None for all of them, with the random part and effect sizes (marginal
            and conditional R squared, and the intraclass correlation; of a linear model R squared).
        ddf
            Degrees of freedom, as for ``fixed_effects()``; None for its default.
        interval
            Add the confidence interval? A paragraph always has it.
        conf_level
            Its level.
        exponentiate
            Give exponentials of the estimate and of the ends of its interval (odds ratios, where
            the link is the logit), and the standard error by the delta method?
        labels
            Labels of terms and grouping factors in the paragraph; a line begins with its label.
        effects
            The fixed effects to report, such as ``fit.robust()``; the model's own by default.

        Returns
        -------
        str
            Estimate, standard error, test and p-value, rounded by APA's rules: two decimals, or
            as many as show the standard error to two digits; p-values with three, from .001 to
            .999; no leading zero if a figure cannot exceed 1.

        Raises
        ------
        UnknownNameError
            The model has no such term.
        OptionError
            An argument is not accepted.

        Notes
        -----
        The figures are those of ``fixed_effects()``. A test without degrees of freedom
        (``ddf="none"``) has no p-value.

        Examples
        --------
        >>> import pymer_bridge as pb
        >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
        >>> fit.report("Days")
        'b = 10.47, SE = 1.55, t(17.00) = 6.77, p < .001'
        """
        effects = effects or self._tested(ddf, options.check_level(conf_level))
        effects = exponentials(effects) if options.flag(exponentiate, "exponentiate") else effects
        said = Labels(labels, [*(row.term for row in effects), *self._random_names()])
        if term is not None:
            line = sentence(effects, term, interval=options.flag(interval, "interval"))
            return f"{said(term)}: {line}" if said(term) != term else line
        heading = ", ".join(self._kind().splitlines())
        groups = f", groups: {self._groups()}" if self._groups() else ""
        used = f"{self.n_obs} of {len(self._index)} rows{groups}"
        parts = [f"{heading}: {self.formula} ({used})", listed_effects(effects, said)]
        return ". ".join([*parts, *self._random_said(said)]) + "."

    def _random_names(self) -> tuple[str, ...]:
        """Return the names that the random part of a report has."""
        return ()

    def _random_said(self, labels: Labels) -> tuple[str, ...]:
        """Return what a report says of the random part, and of effect sizes."""
        return ()


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class MixedFit(Fitted):
    """A fitted model with random effects.

    Attributes
    ----------
    n_groups
        The number of levels of each grouping factor.
    reml
        Fitted by restricted maximum likelihood?
    dropped_columns
        Columns of the design that R dropped because they depend on others.
    """

    n_groups: Mapping[str, int]
    reml: bool
    dropped_columns: tuple[str, ...]

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
    def convergence(self) -> Convergence:
        """How the optimizer ended, and the convergence warnings and messages."""
        found = self._ask("convergence", decode.convergence)
        # The messages of the fit itself come once, in R's order.
        return replace(
            found,
            messages=tuple(dict.fromkeys((*found.messages, *self.messages))),
            warnings=tuple(dict.fromkeys((*found.warnings, *self.warnings))),
        )

    @property
    def scaled_residual_quantiles(self) -> tuple[float, ...]:
        """Minimum, quartiles and maximum of the scaled residuals, as R's summary prints them."""
        return self._ask("scaled_residual_quantiles", lambda values: tuple(values.tolist()))

    def _groups(self) -> str:
        return ", ".join(f"{name} {count}" for name, count in self.n_groups.items())

    def _parts(self) -> tuple[Result, ...]:
        return (self.variance_components, self._shown_effects(), self.fit_statistics)

    def _alerts(self) -> tuple[str, ...]:
        """Return the problems of the fit: first in plain words, then in R's."""
        found = self.convergence
        plain = []
        if found.singular:
            plain.append(
                "The fit is singular: a variance is estimated as zero, or a correlation as one."
            )
        if not found.converged:
            plain.append("The fit did not converge: its figures are not to be trusted.")
        return (*plain, *(f"R: {text}" for text in (*found.messages, *found.warnings)))
