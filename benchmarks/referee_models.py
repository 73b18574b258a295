"""The models of the referee: data sets of R packages, and data simulated with a fixed seed.

Each becomes a CSV file of the data and a JSON file of the model, which any program can read. A
model is there in lme4's formula and in its parts, for programs that take the parts.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Asked:
    """One model.

    Attributes
    ----------
    name, what
        Its name, and what is particular.
    data
        A data set as "package::name", or a function that makes it.
    response, fixed
        The two sides of the formula of the fixed effects.
    random
        Effects and grouping factor of each random term.
    uncorrelated
        The effects of a term have no correlations: ``||``.
    family, trials
        "binomial" or "poisson"; the column of the numbers of trials.
    weights, offset
        Columns.
    reml
        Of linear models.
    factors
        Columns that are factors; their levels are found in the data.
    """

    name: str
    what: str
    data: str | Callable[[], pd.DataFrame]
    response: str
    fixed: str
    random: tuple[tuple[str, str], ...]
    factors: tuple[str, ...]
    uncorrelated: bool = False
    family: str | None = None
    trials: str | None = None
    weights: str | None = None
    offset: str | None = None
    reml: bool = True

    @property
    def formula(self) -> str:
        """The formula of lme4."""
        left = self.response
        if self.trials:
            left = f"cbind({self.response}, {self.trials} - {self.response})"
        bar = "||" if self.uncorrelated else "|"
        terms = [f"({effects} {bar} {group})" for effects, group in self.random]
        return f"{left} ~ {' + '.join([self.fixed, *terms])}"

    def frame(self) -> pd.DataFrame:
        """Return the data."""
        if callable(self.data):
            return self.data()
        import pymer_bridge as pb  # noqa: PLC0415

        package, _, name = self.data.partition("::")
        return pb.load_dataset(name, package=package)

    def write(self, folder: Path) -> None:
        """Write NAME.csv and NAME.json."""
        frame = self.frame()
        levels = {}
        for name in self.factors:
            column = frame[name].astype("category")
            levels[name] = [str(level) for level in column.cat.categories]
            frame[name] = column.astype(str)
        frame.to_csv(folder / f"{self.name}.csv", index=False)
        model = asdict(self) | {"data": f"{self.name}.csv", "formula": self.formula}
        text = json.dumps(model | {"factors": levels}, indent=1)
        (folder / f"{self.name}.json").write_text(text, encoding="utf-8")


# -- data ----------------------------------------------------------------------------------------


def _groups(seed: int, sizes: Any) -> tuple[np.random.Generator, np.ndarray]:
    return np.random.default_rng(seed), np.repeat(np.arange(len(sizes)), sizes)


def _named(letter: str, group: np.ndarray) -> list[str]:
    return [f"{letter}{number:03d}" for number in group]


def missing() -> pd.DataFrame:
    import pymer_bridge as pb  # noqa: PLC0415

    frame = pb.load_dataset("sleepstudy")
    frame.loc[::7, "Reaction"] = np.nan
    frame.loc[3::11, "Days"] = np.nan
    return frame


def unbalanced() -> pd.DataFrame:
    draw, group = _groups(11, [1, 2, 3, 3, 4, 5, 6, 8, 9, 12, 15, 15, 20, 26, 40])
    x = draw.normal(size=len(group))
    slopes = draw.normal(0, 0.7, 15)[group]
    y = 3 + (1.5 + slopes) * x + draw.normal(0, 1.2, 15)[group] + draw.normal(0, 1, len(group))
    return pd.DataFrame({"y": y, "x": x, "group": _named("g", group)})


def weighted() -> pd.DataFrame:
    draw, group = _groups(12, [8] * 20)
    x, size = draw.uniform(0, 10, len(group)), draw.integers(1, 9, len(group)).astype(float)
    noise = draw.normal(0, 2, len(group)) / np.sqrt(size)
    y = 10 + 0.4 * x + draw.normal(0, 1, 20)[group] + noise
    return pd.DataFrame({"y": y, "x": x, "size": size, "group": _named("g", group)})


def shifted() -> pd.DataFrame:
    draw, group = _groups(13, [6] * 25)
    x, known = draw.normal(size=len(group)), draw.normal(5, 3, len(group))
    y = known + 2 - 0.8 * x + draw.normal(0, 1, 25)[group] + draw.normal(0, 1.5, len(group))
    return pd.DataFrame({"y": y, "x": x, "known": known, "group": _named("g", group)})


def crossed() -> pd.DataFrame:
    draw = np.random.default_rng(14)
    subject, item = np.repeat(np.arange(40), 24), np.tile(np.arange(24), 40)
    kept = draw.uniform(size=960) < 0.85
    condition = np.where((subject + item) % 2, "b", "a")
    time = 500 + 30 * (condition == "b") + draw.normal(0, 40, 40)[subject]
    time += draw.normal(0, 15, 40)[subject] * (condition == "b") + draw.normal(0, 25, 24)[item]
    time += draw.normal(0, 60, 960)
    columns = {"time": time, "condition": condition, "subject": _named("s", subject)}
    return pd.DataFrame({**columns, "item": _named("i", item)})[kept].reset_index(drop=True)


def answers() -> pd.DataFrame:
    draw, group = _groups(15, [20] * 30)
    x = draw.normal(size=len(group))
    odds = np.exp(-0.3 + 0.9 * x + draw.normal(0, 0.8, 30)[group])
    y = draw.binomial(1, odds / (1 + odds))
    return pd.DataFrame({"y": y, "x": x, "group": _named("g", group)})


def counts() -> pd.DataFrame:
    draw = np.random.default_rng(16)
    site, year = np.repeat(np.arange(30), 8), np.tile(np.arange(8), 30)
    x, log_area = draw.normal(size=240), np.log(draw.uniform(1, 9, 240))
    rate = np.exp(0.2 + 0.5 * x + log_area + draw.normal(0, 0.5, 30)[site])
    y = draw.poisson(rate * np.exp(draw.normal(0, 0.3, 8)[year]))
    columns = {"y": y, "x": x, "log_area": log_area}
    return pd.DataFrame({**columns, "site": _named("s", site), "year": _named("y", year)})


# -- models --------------------------------------------------------------------------------------

SLEEP = ("lme4::sleepstudy", "Reaction")
BY_SUBJECT = (("1", "Subject"),)
SLOPES = (("Days", "Subject"),)
CAKE = ("lme4::cake", "angle")
MODELS = (
    Asked("slopes", "random slopes", *SLEEP, "Days", SLOPES, ("Subject",)),
    Asked("intercepts", "random intercepts", *SLEEP, "Days", BY_SUBJECT, ("Subject",)),
    Asked("ml", "maximum likelihood", *SLEEP, "Days", SLOPES, ("Subject",), reml=False),
    Asked(
        "uncorrelated",
        "slopes without correlation",
        *SLEEP,
        "Days",
        SLOPES,
        ("Subject",),
        uncorrelated=True,
    ),
    Asked("square", "a polynomial", *SLEEP, "Days + I(Days^2)", BY_SUBJECT, ("Subject",)),
    Asked("orthogonal", "an orthogonal polynomial", *SLEEP, "poly(Days, 2)", SLOPES, ("Subject",)),
    Asked("missing", "rows with missing values", missing, "Reaction", "Days", SLOPES, ("Subject",)),
    Asked(
        "split-plot",
        "an interaction of factors as group",
        *CAKE,
        "recipe + temp",
        (("1", "recipe:replicate"),),
        ("recipe", "replicate"),
    ),
    Asked(
        "interaction",
        "an interaction",
        *CAKE,
        "recipe * temp",
        (("1", "replicate"),),
        ("recipe", "replicate"),
    ),
    Asked(
        "no-intercept",
        "no intercept",
        *CAKE,
        "0 + recipe",
        (("1", "replicate"),),
        ("recipe", "replicate"),
    ),
    Asked("mean", "a mean alone", "lme4::Dyestuff", "Yield", "1", (("1", "Batch"),), ("Batch",)),
    Asked(
        "zero", "a variance of zero", "lme4::Dyestuff2", "Yield", "1", (("1", "Batch"),), ("Batch",)
    ),
    Asked(
        "penicillin",
        "crossed groups",
        "lme4::Penicillin",
        "diameter",
        "1",
        (("1", "plate"), ("1", "sample")),
        ("plate", "sample"),
    ),
    Asked(
        "pastes",
        "nested groups",
        "lme4::Pastes",
        "strength",
        "1",
        (("1", "batch"), ("1", "batch:cask")),
        ("batch", "cask"),
    ),
    Asked(
        "machines",
        "a factor as random effect",
        "nlme::Machines",
        "score",
        "Machine",
        (("Machine", "Worker"),),
        ("Machine", "Worker"),
    ),
    Asked(
        "growth",
        "an interaction and slopes",
        "nlme::Orthodont",
        "distance",
        "age * Sex",
        (("age", "Subject"),),
        ("Sex", "Subject"),
    ),
    Asked(
        "stools",
        "a factor of four levels",
        "nlme::ergoStool",
        "effort",
        "Type",
        BY_SUBJECT,
        ("Type", "Subject"),
    ),
    Asked(
        "unbalanced", "groups of 1 to 40 rows", unbalanced, "y", "x", (("x", "group"),), ("group",)
    ),
    Asked("weights", "weights", weighted, "y", "x", (("1", "group"),), ("group",), weights="size"),
    Asked("offset", "an offset", shifted, "y", "x", (("1", "group"),), ("group",), offset="known"),
    Asked(
        "experiment",
        "crossed, with slopes, unbalanced",
        crossed,
        "time",
        "condition",
        (("condition", "subject"), ("1", "item")),
        ("condition", "subject", "item"),
    ),
    Asked(
        "cbpp",
        "binomial, of trials",
        "lme4::cbpp",
        "incidence",
        "period",
        (("1", "herd"),),
        ("period", "herd"),
        family="binomial",
        trials="size",
    ),
    Asked(
        "answers",
        "binomial, of yes and no",
        answers,
        "y",
        "x",
        (("1", "group"),),
        ("group",),
        family="binomial",
    ),
    Asked(
        "ticks",
        "Poisson",
        "lme4::grouseticks",
        "TICKS",
        "YEAR + cHEIGHT",
        (("1", "BROOD"),),
        ("YEAR", "BROOD"),
        family="poisson",
    ),
    Asked(
        "counts",
        "Poisson, crossed, with an offset",
        counts,
        "y",
        "x",
        (("1", "site"), ("1", "year")),
        ("site", "year"),
        family="poisson",
        offset="log_area",
    ),
)
"""Linear models, then others."""
