"""New data as the columns of a fitted model are: what is plainly meant is taken, the rest refused.

A level is known by its text, and a number stands for the level that reads as it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd

from pymer_bridge.data.columns import column_to_part, from_arrow
from pymer_bridge.data.frames import Frame, collect, column_names
from pymer_bridge.errors import DataConversionError, OptionError, listed, shown
from pymer_bridge.spec import formula_hints
from pymer_bridge.spec.labels import level_text

T = TypeVar("T")

_NUMBER: Final = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_TRUTH: Final = {"true": True, "false": False}
_WANTED: Final = {
    "numeric": "numbers",
    "integer": "numbers",
    "logical": "True and False",
    "datetime": "times: convert it, as with pd.to_datetime()",
    "duration": "durations: convert it, as with pd.to_timedelta()",
}
"""What a column of each kind holds."""
_STORED: Final = {"numeric": ("float64",), "integer": ("int64", "int32", "int16", "int8")}
"""Columns of numbers that cross as they are."""


def _number_in(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _truth_in(text: str) -> bool | None:
    return _TRUTH.get(text.lower())


@dataclass(frozen=True)
class ColumnKind:
    """What a column was when the model was fitted.

    Attributes
    ----------
    kind
        "numeric", "integer", "logical", "factor" (text too), "datetime" or "duration".
    levels
        The levels of a factor, by R's names.
    """

    kind: str
    levels: tuple[str, ...] = ()

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.levels)

    @cached_property
    def _by_number(self) -> Mapping[float, list[str]]:
        return self._that_read(_number_in)

    @cached_property
    def _by_truth(self) -> Mapping[bool, list[str]]:
        return self._that_read(_truth_in)

    def _that_read(self, read: Callable[[str], T | None]) -> dict[T, list[str]]:
        """Return the levels that read as something, by what they read as."""
        found: dict[T, list[str]] = {}
        for level in self.levels:
            if (value := read(level)) is not None:
                found.setdefault(value, []).append(level)
        return found

    def number(self, value: Any, what: str) -> float:
        """Take a value for a number: a bool or a text that is one, too.

        Raises
        ------
        DataConversionError
            It is none.
        """
        number = _number_in(value) if isinstance(value, str) else None
        if isinstance(value, Real | np.bool_):
            number = float(value)
        if number is None:
            raise self._wrong(value, what)
        return number

    def truth(self, value: Any, what: str) -> bool:
        """Take a value for a bool: 1, 0 and the words too.

        Raises
        ------
        DataConversionError
            It is none.
        """
        truth = _truth_in(value.strip()) if isinstance(value, str) else None
        if isinstance(value, Real | np.bool_) and value in (0, 1):
            truth = bool(value)
        if truth is None:
            raise self._wrong(value, what)
        return truth

    def level(self, value: Any, what: str) -> str:
        """Take a value for a level; a new one is given as R would name it.

        Raises
        ------
        DataConversionError
            It can be no level, or it may be several.
        """
        text = level_text(value)
        if text is None:
            raise DataConversionError(
                f"{what} holds {shown(value)}, and the model has the levels "
                f"{listed(self.levels)} there"
            )
        if text in self._known:
            return text
        number = isinstance(value, Real | np.bool_)
        same: list[str] = []
        if isinstance(value, str):
            if (truth := _truth_in(text)) is not None:
                same = self._by_truth.get(truth, [])
            elif (reads := _number_in(text)) is not None and reads in self._by_number:
                raise DataConversionError(
                    f"{what} has the text {text!r}, and the model has the level "
                    f"{self._by_number[reads][0]!r}: pandas makes whole numbers floats where one "
                    "is missing; give them as Int64, or as the text that was fitted"
                )
        elif number:
            same = self._by_truth.get(bool(value), []) if value in (0, 1) else []
            same = same or self._by_number.get(float(value), [])
        if len(same) > 1:
            raise DataConversionError(
                f"{what} has {shown(value)}, which may be each of the levels {listed(same)}: give "
                "the text"
            )
        whole = number and text not in ("TRUE", "FALSE") and float(value).is_integer()
        return same[0] if same else str(int(value)) if whole else text

    def of_level(self, value: Any, what: str) -> str:
        """Take a value for a level that the model has.

        Raises
        ------
        DataConversionError
            It is none of them.
        """
        level = self.level(value, what)
        if level not in self._known:
            raise DataConversionError(
                f"{what} has no level {shown(level)}; there are: {listed(self.levels)}"
            )
        return level

    def _wrong(self, value: Any, what: str) -> DataConversionError:
        return DataConversionError(
            f"{what} holds {shown(value)}; the model has {_WANTED[self.kind]} there"
        )

    def column(self, given: pd.Series[Any], what: str) -> pd.Series[Any]:
        """Take a column of new data as the fit had it.

        Parameters
        ----------
        given
            The column, of any dtype.
        what
            What it is, for errors.

        Raises
        ------
        DataConversionError
            A value cannot be meant.
        """
        if self.kind in _STORED:
            stored = str(given.dtype) in _STORED[self.kind]
            return given if stored else self._stored(self._numbers(given, what))
        kind = _kind_of(given)
        times = self.kind in ("datetime", "duration")
        if kind == "other" or (kind == self.kind != "factor") or (kind == "empty" and times):
            return given
        if times:
            raise self._wrong(next(iter(given.dropna()), None), what)
        codes, values = _values_of(given, kind)
        made = _each(self.truth if self.kind == "logical" else self.level, codes, values, what)
        if kind in ("text", "factor") and all(map(lambda a, b: a in (None, b), made, values)):
            return given
        if self.kind == "factor":
            return pd.Series(_levels_of(codes, made), index=given.index)
        table = np.array([*made, None], dtype=object)
        return pd.Series(table[codes], index=given.index, dtype="boolean")

    def _numbers(self, given: pd.Series[Any], what: str) -> pd.Series[Any]:
        if _kind_of(given) in ("numeric", "other"):
            return given
        codes, values = _values_of(given, "")
        table = np.array([*_each(self.number, codes, values, what), np.nan], dtype=np.float64)
        return pd.Series(table[codes], index=given.index)

    def _stored(self, given: pd.Series[Any]) -> pd.Series[Any]:
        """Store numbers as the fit did: factor() names 100000 "1e+05" where it is a float."""
        if _kind_of(given) != "numeric":
            return given  # a column that R cannot take, which is refused by its dtype
        plain: Any = pd.to_numeric(given) if given.dtype == object else given
        numbers = plain.to_numpy(dtype=np.float64, na_value=np.nan)
        whole = np.isnan(numbers) | ((np.trunc(numbers) == numbers) & (np.abs(numbers) < 2**31))
        if self.kind == "numeric":
            return pd.Series(numbers, index=given.index) if whole.all() else given
        return pd.Series(numbers, index=given.index).astype("Int64") if whole.all() else given


def _each(
    take: Callable[[Any, str], Any], codes: Any, values: Sequence[Any], what: str
) -> list[Any]:
    """Take the values that some row has."""
    used = np.zeros(len(values) + 1, dtype=np.bool_)
    used[codes] = True  # -1, of rows without a value, is the last
    return [
        take(value, what) if there else None
        for value, there in zip(values, used[:-1].tolist(), strict=True)
    ]


def _kind_of(column: pd.Series[Any]) -> str:
    """Return of which kind a column is; "mixed" where each value must be looked at."""
    dtype: Any = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return "factor" if pd.api.types.infer_dtype(dtype.categories) == "string" else "mixed"
    if isinstance(dtype, pd.DatetimeTZDtype) or dtype.kind in "Mm":
        return "duration" if dtype.kind == "m" else "datetime"
    if dtype.kind in "iufb":
        return "logical" if dtype.kind == "b" else "numeric"
    found = pd.api.types.infer_dtype(column, skipna=True)
    if found == "string":
        return "text"
    kinds = {
        "empty": "empty",
        "boolean": "logical",
        "floating": "numeric",
        "integer": "numeric",
        "datetime": "datetime",
        "datetime64": "datetime",
        "date": "datetime",
        "timedelta": "duration",
        "timedelta64": "duration",
    }
    return kinds.get(found, "mixed" if found.startswith("mixed") else "other")


def _levels_of(codes: Any, texts: Sequence[str | None]) -> pd.Categorical:
    """Return one text per row, as levels: texts by codes would take as long as there are rows."""
    places = {text: i for i, text in enumerate(dict.fromkeys(t for t in texts if t is not None))}
    lookup = np.array([*(-1 if text is None else places[text] for text in texts), -1])
    return pd.Categorical.from_codes(lookup[codes], pd.Index(list(places), dtype=object))


def _values_of(column: pd.Series[Any], kind: str) -> tuple[Any, list[Any]]:
    """Return values, and which of them each row has; -1 where it has none."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy(), column.cat.categories.tolist()
    if column.dtype == np.dtype(object) and kind != "text":
        there = column.notna().to_numpy()
        return np.where(there, np.cumsum(there) - 1, -1), column[there].tolist()
    codes, values = pd.factorize(column)
    return codes, values.tolist()


def kinds_from_r(record: Mapping[str, Any]) -> dict[str, ColumnKind]:
    """Read the answer of ``column_kinds()``."""
    return {
        name: ColumnKind(kind, tuple(levels or ()))
        for name, kind, levels in zip(
            record["names"], record["kinds"], record["levels"], strict=True
        )
    }


def collect_new(
    table: pd.DataFrame,
    needed: Iterable[str],
    kinds: Mapping[str, ColumnKind],
    also: Iterable[str] | None = None,
) -> Frame:
    """Take columns of new data that a model knows, as it knows them; none may be missing.

    Parameters
    ----------
    table
        A pandas frame.
    needed
        Names that predictions need; those that the model does not know are not columns.
    kinds
        The columns of the model's own data.
    also
        Further columns that are taken if they are there and can be; None for all.

    Raises
    ------
    DataConversionError
        A column is missing, of another kind than in the fit, or cannot be taken to R.
    """
    names = column_names(table, "new_data")
    wanted = [name for name in dict.fromkeys(needed) if name in kinds]
    missing = [name for name in wanted if name not in names]
    if missing:
        raise DataConversionError(
            f"new_data has no column {', '.join(map(repr, missing))}, which the predictions "
            f"need; it has: {', '.join(map(repr, names))}"
            + formula_hints.on_its_line(_renamed(missing, names, table.index.names))
        )
    collect(table, (), "new_data")  # for its checks of the whole
    mine: dict[str, Any] = {}
    taken = kinds.keys() if also is None else kinds.keys() & {*wanted, *also}
    for i, name in enumerate(names):
        if name not in taken:
            continue
        try:
            given = from_arrow(table.iloc[:, i], name)
            mine[name] = column_to_part(kinds[name].column(given, f"new_data[{name!r}]"), name)
        except DataConversionError:
            if name in wanted:
                raise
    return Frame(tuple(mine), tuple(mine.values()), table.index)


def values_at(
    at: Mapping[str, Sequence[Any]], kinds: Mapping[str, ColumnKind]
) -> dict[str, list[Any]]:
    """Take values of predictors as the fit had them; a level must be one of the model's.

    Raises
    ------
    OptionError
        A value cannot be meant.
    """
    return {name: [taken(kinds[name], v, f"at[{name!r}]") for v in at[name]] for name in at}


def taken(kind: ColumnKind, value: Any, what: str) -> Any:
    """Take one value of a predictor, as :func:`values_at`; times are taken as they are.

    Raises
    ------
    OptionError
        It cannot be meant.
    """
    takes = {"logical": kind.truth, "factor": kind.of_level}
    try:
        if kind.kind in ("numeric", "integer"):
            number = kind.number(value, what)
            return int(number) if kind.kind == "integer" and number % 1 == 0 else number
        return takes[kind.kind](value, what) if kind.kind in takes else value
    except DataConversionError as error:
        raise OptionError(str(error)) from None


def _renamed(missing: Sequence[str], names: Sequence[str], index: Iterable[object]) -> str:
    """Say which columns may be the missing ones: here it is the data that must change."""
    hint = formula_hints.missing_columns(missing, names, index)
    near = re.findall(r"did you mean ('.*?')\?", hint)
    if len(near) != len(missing):
        return hint
    return "rename " + ", ".join(
        f"{there} to {name!r}" for there, name in zip(near, missing, strict=True)
    )
