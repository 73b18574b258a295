"""What the sides of the referee share: the model that is asked for, and the file that is written.

    python SIDE.py FOLDER OUT MODEL ...

A side reads FOLDER/MODEL.json and FOLDER/MODEL.csv, fits by its package, and writes the figures as
OUT/MODEL.json, in the layout of pymer_bridge/data/figures.schema.json. It runs in an environment of
its own, so that this file needs pandas alone.
"""

from __future__ import annotations

import faulthandler
import json
import math
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd

PATIENCE = 150
"""Seconds that one model may take."""


class NotOffered(Exception):  # noqa: N818  # nothing is wrong
    """The documents of the package say that it does not fit such models."""


class Model(SimpleNamespace):
    """What is asked for: see Asked in benchmarks/referee_models.py."""

    name: str
    formula: str
    response: str
    fixed: str
    random: list[list[str]]
    factors: dict[str, list[str]]
    uncorrelated: bool
    family: str | None
    trials: str | None
    weights: str | None
    offset: str | None
    reml: bool

    @property
    def groups(self) -> list[str]:
        return [group for _, group in self.random]

    def python(self, text: str) -> str:
        """Return a part of the formula as patsy and formulaic spell it: powers are ``**``."""
        return text.replace("^", "**")

    def column(self, name: str | None) -> Any:
        return None if name is None else self.frame[name].to_numpy()

    def complete(self) -> pd.DataFrame:
        """Return the rows without missing values, which lme4 uses."""
        return self.frame.dropna().reset_index(drop=True)

    def with_joined_groups(self) -> pd.DataFrame:
        """Return the data with a column for each interaction of grouping factors."""
        frame = self.frame.copy()
        for group in self.groups:
            if ":" in group:
                one, other = group.split(":")
                frame[joined(group)] = frame[one].astype(str) + ":" + frame[other].astype(str)
        return frame


def joined(group: str) -> str:
    """Return a name of a column for an interaction."""
    return group.replace(":", "_x_")


def read(folder: Path, name: str) -> Model:
    given = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    texts = dict.fromkeys(given["factors"], str)
    with warnings.catch_warnings():  # newer versions of pandas need no float_precision, and say so
        warnings.simplefilter("ignore")
        frame = pd.read_csv(folder / given["data"], dtype=texts, float_precision="round_trip")
    for column, levels in given["factors"].items():
        frame[column] = pd.Categorical(frame[column], levels)
    return Model(**given, frame=frame)


# -- figures -------------------------------------------------------------------------------------


def effects(terms: Iterable[str], **columns: Iterable[Any]) -> dict[str, dict[str, Any]]:
    """Return fixed effects by term, from columns."""
    rows = zip(terms, *columns.values(), strict=True)
    return {str(term): dict(zip(columns, values, strict=True)) for term, *values in rows}


def covariances(terms: Iterable[str], matrix: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return variances by term, and covariances by pair, of one covariance matrix."""
    names = list(terms)
    variances = {one: {"variance": matrix[i][i]} for i, one in enumerate(names)}
    pairs = {
        names[j]: {names[i]: {"covariance": matrix[i][j]} for i in range(j)}
        for j in range(1, len(names))
    }
    return variances, pairs


def by_level(levels: Iterable[Any], terms: Iterable[str], values: Any) -> dict[str, Any]:
    """Return the random effects of one grouping factor, from rows of levels."""
    names = list(terms)
    return {
        str(level): {term: {"estimate": value} for term, value in zip(names, row, strict=True)}
        for level, row in zip(levels, values, strict=True)
    }


def of_tidy(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return figures from a table of broom.mixed's layout."""
    found: dict[str, Any] = {"fixed_effects": {}, "variance_components": {}, "random_effects": {}}
    quantities = ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high")
    for given in rows:
        row = {str(name).replace(".", "_"): value for name, value in given.items()}
        term, group = row["term"], row.get("group")
        if row["effect"] == "fixed":
            found["fixed_effects"][term] = {name: row.get(name) for name in quantities}
        elif row["effect"] == "ran_vals":
            values = {"estimate": row["estimate"], "std_error": row.get("std_error")}
            levels = found["random_effects"].setdefault(group, {})
            levels.setdefault(str(row["level"]), {})[term] = values
        elif term.startswith("sd__"):
            component = {"std_dev": row["estimate"]}
            of_group = found["variance_components"].setdefault(group, {})
            of_group |= component if group == "Residual" else {term[4:]: component}
        elif term.startswith("cor__"):
            one, other = term[5:].split(".", 1)
            pairs = found.setdefault("correlations", {}).setdefault(group, {})
            pairs.setdefault(other, {})[one] = {"correlation": row["estimate"]}
    return found


def _plain(value: Any) -> Any:
    """Return plain numbers, and nothing for what is no finite number."""
    if isinstance(value, Mapping):
        kept = {str(name): _plain(inner) for name, inner in value.items()}
        return {name: inner for name, inner in kept.items() if inner is not None and inner != {}}
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


# -- the program ---------------------------------------------------------------------------------


def run(
    package: str,
    fit: Callable[[Model], Any],
    figures: Callable[[Any, Model], Mapping[str, Any]],
    kenward_roger: Callable[[Any, Model], Mapping[str, Any]] | None = None,
) -> None:
    """Answer the command line.

    Parameters
    ----------
    package
        Its name on PyPI.
    fit
        Fits a model.
    figures
        Returns its figures, with the tests that the package gives by default.
    kenward_roger
        Returns fixed effects tested by this method, if the package has it.
    """
    started = time.process_time()
    folder, out, *names = (sys.argv[1], sys.argv[2], *sys.argv[3:])
    for name in names:
        faulthandler.dump_traceback_later(PATIENCE, exit=True)
        answer: dict[str, Any] = {
            "format": "pymer_bridge figures",
            "schema": 1,
            "software": f"{package} {version(package)}",
            "start": started,
        }
        model, begin = read(Path(folder), name), time.process_time()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                fitted = fit(model)
                answer["figures"] = _plain(figures(fitted, model))
                answer["seconds"] = time.process_time() - begin
                if kenward_roger is not None and model.family is None and model.reml:
                    begin = time.process_time()
                    answer["kenward_roger"] = _plain(kenward_roger(fitted, model))
                    answer["kenward_roger_seconds"] = time.process_time() - begin
        except NotOffered as reason:
            answer["not_offered"] = str(reason)
        except BaseException as error:  # panics of Rust are BaseExceptions
            part = "kenward_roger_failed" if "figures" in answer else "failed"
            answer[part] = f"{type(error).__name__}: {_short(str(error))}"
        faulthandler.cancel_dump_traceback_later()
        path = Path(out) / f"{name}.json"
        path.with_suffix(".part").write_text(json.dumps(answer, indent=1), encoding="utf-8")
        path.with_suffix(".part").rename(path)


def _short(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()[:200]
