"""A fit that lives in R, and how it asks R."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import pandas as pd

from pymer_bridge.data import frames, new_data
from pymer_bridge.data.new_data import ColumnKind
from pymer_bridge.display import notebook
from pymer_bridge.r_script.journal import journal
from pymer_bridge.results.base import Result, of_rows
from pymer_bridge.results.decode import record as decode
from pymer_bridge.results.fit_statistics import FitStatistics
from pymer_bridge.results.rows_used import RowsUsed
from pymer_bridge.session import asking, installation
from pymer_bridge.session.calls import Handle
from pymer_bridge.session.r_session import session
from pymer_bridge.spec.arguments import Public
from pymer_bridge.spec.model_spec import ModelSpec

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
class RModel(Public, reports=True):
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
