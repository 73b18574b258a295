"""What every result can do: be shown, compared, turned into a frame, stored and read back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Protocol, Self, TypeVar

import pandas as pd

from pymer_bridge.data import frames
from pymer_bridge.data.exact import same
from pymer_bridge.data.written_files import UNREADABLE
from pymer_bridge.display import notebook
from pymer_bridge.display.tables import Cell, Column, Table
from pymer_bridge.errors import OptionError, UnknownNameError, listed, shown
from pymer_bridge.results import codec
from pymer_bridge.spec.arguments import Public
from pymer_bridge.spec.names import find_name

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

COLUMNS: dict[str, Column] = {
    column.name: column
    for column in (
        Column("effect", "Effect", "text"),
        Column("group", "Group", "text"),
        Column("level", "Level", "text"),
        Column("term", "Term", "text"),
        Column("term1", "Term 1", "text"),
        Column("term2", "Term 2", "text"),
        Column("label", "Parameter", "text"),
        Column("name", "", "text"),
        Column("value", "Value"),
        Column("estimate", "Estimate", scale="estimate"),
        Column("std_error", "Std. Error", scale="estimate"),
        Column("df", "df"),
        Column("statistic", "t value"),
        Column("p_value", "Pr(>|t|)", "p_value"),
        Column("conf_low", "Conf. low", scale="estimate"),
        Column("conf_high", "Conf. high", scale="estimate"),
        Column("sum_sq", "Sum Sq"),
        Column("mean_sq", "Mean Sq"),
        Column("df1", "NumDF"),
        Column("df2", "DenDF"),
        Column("n_parameters", "npar", "integer"),
        Column("aic", "AIC", digits=5, scale="likelihood"),
        Column("bic", "BIC", digits=5, scale="likelihood"),
        Column("log_likelihood", "logLik", digits=5, scale="likelihood"),
        Column("deviance", "deviance", digits=5, scale="likelihood"),
        Column("chi_square", "Chisq"),
        Column("variance", "Variance"),
        Column("std_dev", "Std.Dev."),
        Column("covariance", "Cov."),
        Column("correlation", "Corr"),
    )
}
"""The heading of each column for a reader."""


def z_label(name: str) -> Column:
    """Return the heading of a column, where R heads a normal test with z."""
    headings = {"statistic": "z value", "p_value": "Pr(>|z|)"}
    return Column(name, headings[name], COLUMNS[name].kind) if name in headings else COLUMNS[name]


METHODS: Final[Mapping[str, str]] = {
    "satterthwaite": "Satterthwaite's method",
    "kenward-roger": "Kenward-Roger's method",
    "normal": "z tests",
    "residual": "residual degrees of freedom",
    "saddlepoint": "saddlepoint approximation",
    "naive-t": "clusters less one degrees of freedom",
    "naive-tp": "clusters less coefficients degrees of freedom",
}
"""How each method of degrees of freedom is called in a caption."""


def intervals_said(conf_level: float, method: str, kind: str = "") -> str:
    """Say what intervals are, such as "95% intervals (profile)".

    Parameters
    ----------
    conf_level
        Their level.
    method
        "wald", "profile", "boot" or another.
    kind
        Of bootstrap intervals.
    """
    how = {"wald": "Wald", "boot": "bootstrap"}.get(method, method)
    return f"{conf_level * 100:.6g}% intervals ({how}{', ' if kind else ''}{kind})"


def above(module: str, name: str) -> Any:
    """Return a function of a floor above: the one way up, for a method that the user calls.

    Parameters
    ----------
    module
        The full name of its module, such as "pymer_bridge.plots".
    name
        Its name.
    """
    return getattr(import_module(module), name)


Row_co = TypeVar("Row_co", covariant=True)


class _OfGroup(Protocol):
    """A part of a result that belongs to one grouping factor."""

    @property
    def group(self) -> str:
        """The name of the grouping factor."""


P = TypeVar("P", bound=_OfGroup)
V = TypeVar("V")


class Part(Public):
    """Base of all that results are made of: compared to the last bit."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        """Compare field by field, to the last bit: zeros of two signs differ, and 1 is not 1.0."""
        return same(self, other) if type(self) is type(other) else NotImplemented

    def __hash__(self) -> int:
        """Return a hash that is the same for equal values, NaN included."""
        values = (getattr(self, f.name) for f in dataclasses.fields(self))  # type: ignore[arg-type]
        return hash(tuple(repr(v) if isinstance(v, float) else v for v in values))


def fields_of(cls: type[Part]) -> tuple[str, ...]:
    """Return the names of the fields of a row, in their order."""
    return tuple(f.name for f in dataclasses.fields(cls))  # type: ignore[arg-type]


def of_group(parts: Iterable[P], name: object, what: str = "group") -> P:
    """Return the part that has this group.

    Raises
    ------
    UnknownNameError
        There is none; the message lists the existing ones.
    """
    groups = {part.group: part for part in parts}
    found = find_name(name, groups)
    if found is None:
        raise UnknownNameError(f"no {what} {shown(name)}; there are: {listed(groups)}")
    return groups[found]


def predictor_columns(
    rows: Sequence[Mapping[str, V]], names: Iterable[str], figures: Sequence[str]
) -> dict[str, list[V]]:
    """Return the values of predictors, row by row; one that has the name of a figure gets another.

    Parameters
    ----------
    rows
        For each row the values of predictors.
    names
        The predictors.
    figures
        The columns that stand beside them.
    """
    return {f"{n}_" if n in figures else n: [row[n] for row in rows] for n in names}


T = TypeVar("T")


def of_rows(result: T, n: int, link: str | None = None) -> T:
    """Return a result that says how many rows the model uses, if it has room for it.

    Parameters
    ----------
    result
        A result, or anything else.
    n
        The number of rows.
    link
        The link of the model.
    """
    if isinstance(result, Result) and getattr(result, "observations", n) is None:
        known = {"observations": n} | ({"link": link} if link and hasattr(result, "link") else {})
        return dataclasses.replace(result, **known)  # type: ignore[type-var]
    return result


def how_it_ended(*, failed: bool, singular: bool | None, converged: bool | None) -> str:
    """Return the note on a fit; it is empty if all is well."""
    if failed:
        return "failed"
    return "singular" if singular else "" if converged else "not converged"


class Result(Part):
    """Base of every result: a frozen dataclass that knows how to show itself."""

    __slots__ = ("__weakref__",)

    title: ClassVar[str] = ""

    def _how(self) -> tuple[str, ...]:
        """Return what a caption says after the title: the method, the level of intervals."""
        return ()

    def _notes(self) -> tuple[str, ...]:
        """Return the lines below the table."""
        return ()

    def _caption(self) -> str:
        """Return what the table is, by which method, and of how many rows of the data."""
        n = getattr(self, "observations", None)
        rows = () if n is None else (f"{n} observation{'' if n == 1 else 's'}",)
        return ", ".join(filter(None, (self.title, *self._how(), *rows)))

    def _within(self) -> Table:
        """Return the table for a page whose heading has the number of rows."""
        counted = getattr(self, "observations", None) is not None
        part = dataclasses.replace(self, observations=None) if counted else self  # type: ignore[type-var]
        return part._table()

    def _table(self) -> Table:
        raise NotImplementedError

    def to_frame(self) -> pd.DataFrame:
        """Return the result as a pandas frame, with every column at full precision."""
        raise NotImplementedError

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Give :meth:`to_frame` to polars and pyarrow: ``pl.DataFrame(result)``."""
        return frames.arrow_stream(self.to_frame(), requested_schema)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe mapping that :meth:`from_dict` reads back to the last bit."""
        return {"schema": codec.SCHEMA, **codec.encode(self)}

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> Self:
        """Read back what :meth:`to_dict` gave.

        Parameters
        ----------
        mapping
            What :meth:`to_dict` gave, or JSON made of it.

        Returns
        -------
        Result
            Of this class, and equal to the one that was stored.

        Raises
        ------
        OptionError
            The mapping is of another type, of a newer layout, or incomplete.
        """
        schema = mapping.get("schema")
        if not isinstance(schema, int) or schema not in range(1, codec.SCHEMA + 1):
            raise OptionError(
                f"mapping has schema {shown(schema)}, which cannot be read; this version reads 1 "
                f"to {codec.SCHEMA}"
            )
        try:
            result = codec.decode(dict(mapping))
        except UNREADABLE as error:
            raise OptionError(f"{error}; mapping must be what to_dict() gave") from None
        if not isinstance(result, cls):
            raise OptionError(f"mapping is of a {type(result).__name__}, not a {cls.__name__}")
        return result

    __hash__: ClassVar[None]  # type: ignore[assignment]  # arrays inside
    __hash__ = None

    def __str__(self) -> str:
        """Return the result as text."""
        return self._table().to_text()

    def __repr__(self) -> str:
        """Return the result as text, for the prompt."""
        return str(self)

    def _alerts(self) -> tuple[str, ...]:
        """Return the notices that stand above the figures in a notebook."""
        return tuple(text for text in getattr(self, "warnings", ()) if isinstance(text, str))

    def _keys(self) -> Iterable[tuple[Any, ...]]:
        """Return what parts of the result are looked up by."""
        return ()

    def _ipython_key_completions_(self) -> list[Any]:
        """Return what IPython offers for ``result["<Tab>``."""
        keys = (tuple(part for part in key if part is not None) for key in self._keys())
        return [key[0] if len(key) == 1 else key for key in keys]

    def _repr_html_(self) -> str:
        return notebook.alerts(self._alerts()) + self._table().to_html()

    def to_html(self) -> str:
        """Return the result as HTML, with its warnings above."""
        return self._repr_html_()

    def to_styler(self) -> Styler:
        """Return :meth:`to_frame` as a pandas Styler, captioned and rounded as the table.

        Returns
        -------
        pandas.io.formats.style.Styler
            The figures are at full precision; names are escaped for HTML.

        Raises
        ------
        OptionError
            Jinja2, which pandas needs for it, is not installed.
        """
        frame = self.to_frame()
        try:
            styler = frame.style
        except (ImportError, AttributeError) as error:
            raise OptionError("to_styler() needs one more package: pip install jinja2") from error
        table = self._table()
        # pandas escapes text, but not what a formatter gives, such as "< 2e-16".
        formats: dict[Any, Any] = {
            name: lambda value, write=write: notebook.plain(write(value))
            for name, write in table.formatters().items()
            if name in frame.columns
        }
        styler = styler.format(formats, precision=table.digits, na_rep="", escape="html")
        for axis in (0, 1):
            styler = styler.format_index(axis=axis, escape="html")
        if isinstance(frame.index, pd.RangeIndex):
            styler = styler.hide(axis="index")
        return styler.set_caption(notebook.plain(table.title))

    def to_markdown(self) -> str:
        """Return the result as a Markdown table."""
        return self._table().to_markdown()

    def to_latex(self) -> str:
        """Return the result as a LaTeX table (with booktabs)."""
        return self._table().to_latex()


class OneRow(Result):
    """Base of results that are one row of figures."""

    __slots__ = ()

    _columns: ClassVar[tuple[Column, ...]] = ()

    def _given(self) -> tuple[Column, ...]:
        """Return the columns that this result has."""
        return self._columns

    def _table(self) -> Table:
        columns = self._given()
        cells = tuple(getattr(self, column.name) for column in columns)
        return Table(columns, (cells,), title=self._caption(), notes=self._notes())

    def to_frame(self) -> pd.DataFrame:
        """Return a frame of one row."""
        return pd.DataFrame([{column.name: getattr(self, column.name) for column in self._given()}])


Key = str | float | None
"""What names a row, or is a part of its name."""


class Rows(Result, Generic[Row_co]):
    """Base of results that are a tuple of typed rows, looked up by key."""

    __slots__ = ()

    rows: tuple[Row_co, ...]
    key: ClassVar[tuple[str, ...]] = ("term",)
    alias: ClassVar[str | None] = None
    shown: ClassVar[tuple[str, ...]] = ()
    _own: ClassVar[tuple[Column, ...]] = ()
    """Columns that have another heading here than elsewhere."""

    def _key_of(self, row: Any) -> tuple[Any, ...]:
        return tuple(getattr(row, name) for name in self.key)

    def _keys(self) -> Iterable[tuple[Any, ...]]:
        return map(self._key_of, self.rows)

    def __getitem__(self, key: Key | tuple[Key, ...]) -> Row_co:
        """Return the row of this key, or of its other name if rows have two.

        Names may be given with or without R's backticks.

        Raises
        ------
        UnknownNameError
            There is no such row; the message lists the existing ones.
        """
        wanted = key if isinstance(key, tuple) else (key,)
        for row in self.rows:
            if self._key_of(row) == wanted:
                return row
            if self.alias is not None and getattr(row, self.alias) == key:
                return row
        keys = list(self._keys())
        others = [(getattr(row, self.alias),) for row in self.rows] if self.alias else []
        for known in (keys, others):
            if (meant := find_name(wanted, known)) is not None:
                return self.rows[known.index(meant)]
        have = listed(k[0] if len(k) == 1 else k for k in keys)
        raise UnknownNameError(f"no row {shown(key)}; there are: {have}")

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def __iter__(self) -> Iterator[Row_co]:
        """Go through the rows in R's order."""
        return iter(self.rows)

    def _columns(self) -> tuple[str, ...]:
        """Return the columns that have a value in any row."""
        return tuple(
            name
            for name in self.shown
            if not self.rows or any(getattr(row, name) is not None for row in self.rows)
        )

    def _label(self, name: str) -> Column:
        return next((column for column in self._own if column.name == name), None) or COLUMNS[name]

    def _cells(self, columns: Iterable[Column]) -> tuple[tuple[Cell, ...], ...]:
        names = [column.name for column in columns]
        return tuple(tuple(getattr(row, name) for name in names) for row in self.rows)

    def _table(self) -> Table:
        columns = tuple(map(self._label, self._columns()))
        return Table(columns, self._cells(columns), title=self._caption(), notes=self._notes())

    def to_frame(self) -> pd.DataFrame:
        """Return the rows as a pandas frame, every column at full precision."""
        columns = {name: [getattr(row, name) for row in self.rows] for name in self.shown}
        frame = pd.DataFrame(columns, columns=list(self.shown))
        for name in self.shown:
            # A column without values is all missing, with the numeric dtype if it is for numbers.
            text = name in COLUMNS and COLUMNS[name].kind == "text"
            if not text and not any(isinstance(value, str) for value in columns[name]):
                frame[name] = pd.to_numeric(frame[name])
        return frame


def row_of(rows: Rows[Row_co], key: str, argument: str) -> Row_co:
    """Return the row that an argument names.

    Raises
    ------
    UnknownNameError
        There is none; the message names the argument, and lists the rows.
    """
    try:
        return rows[key]
    except UnknownNameError as error:
        raise UnknownNameError(f"{argument}={shown(key)}: {error}") from None
