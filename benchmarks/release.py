"""What a release of lme4 changes: every recorded model, fitted by the lme4 that is here.

    python -m benchmarks.release                 # beside the stored records; nothing is stored
    python -m benchmarks.release --store         # and keeps the record made here
    python -m benchmarks.release --page FILE     # and writes what is shown as a page

`scripts/test-matrix --release` does all of this after its tests, in clean Debians.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

from benchmarks.drift import Cell, Changed, compare, distance, label, largest, line, record, summary
from benchmarks.shared import PROJECT
from pymer_bridge.results.drift import FigureChange
from pymer_bridge.session.versions import stack_here
from pymer_bridge.spec.model_spec import ModelSpec
from pymer_bridge.verification import drift, tolerances

RECORDED = PROJECT / "benchmarks" / "recorded"

# -- lme4's news ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class NewsItem:
    """An item of lme4's NEWS."""

    version: str
    text: str

    @property
    def quoted(self) -> str:
        """Version and text, on one line."""
        return f"{self.version}: {self.text}"


def order(version: str | None) -> tuple[int, ...]:
    """Return what versions of R packages are sorted by."""
    return tuple(int(part) for part in re.split(r"[.-]", str(version)))


def news_between(older: str | None, newer: str | None) -> list[NewsItem]:
    """Return the items of the installed lme4's NEWS after one version, up to another."""
    command = ["Rscript", str(PROJECT / "benchmarks" / "news.R")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    items = [item.split("\t") for item in printed.splitlines()]
    return [
        NewsItem(version, text)
        for version, category, text in items
        if order(older) < order(version) <= order(newer) and category != "NEW FEATURES"
    ]


OTHER = (
    r"structured covariance|\bar1\b|\bcs\b|refit|profil|bootMer|bootstrap|simulat|predict|lmList"
    r"|allFit|user-specified|debugging|rlang|vignette|plot|convergence check|summary output"
)
"""What no figure of a recorded model depends on."""


def _is_negative_binomial(spec: ModelSpec) -> bool:
    return spec.fitter == "glmer.nb" or "negative" in str(spec.family).lower()


def _has_dispersion(spec: ModelSpec) -> bool:
    family = str(spec.family).lower()
    return any(name in family for name in ("gamma", "inverse", "gaussian"))


Subject = tuple[str, Callable[[ModelSpec], bool]]
SUBJECTS: tuple[tuple[Subject, ...], ...] = (
    (
        (r"\blmer\b|\[g\]lmer|\bLMMs?\b", lambda spec: spec.fitter == "lmer"),
        (r"\bglmer\b|GLMM|glmer\.nb", lambda spec: spec.fitter in ("glmer", "glmer.nb")),
        (r"\bnlmer\b|\bNLMMs?\b", lambda spec: spec.fitter == "nlmer"),
        (r"na\.exclude|incomplete cases", lambda spec: spec.na_action != "omit"),
    ),
    (
        (r"glmer\.nb|negative binomial", _is_negative_binomial),
        (r"Gamma|dispersion|scale parameter", _has_dispersion),
    ),
    ((r"Laplace|quadrature", lambda spec: spec.fitter != "lmer" and spec.n_agq != 0),),
    ((r"nAGQ ?> ?1", lambda spec: (spec.n_agq or 1) > 1),),
    ((OTHER, lambda spec: False),),
)
"""What an item of the news may be about, and which models that concerns; kinds of subjects."""

QUANTITIES = {
    "estimate": r"estimate|fixed effect|coefficient|conditional modes",
    "std_error": r"standard error|covariance matri",
    "conf_low": r"standard error",
    "conf_high": r"standard error",
    "variance": r"variance",
    "sigma": r"sigma",
    "deviance": r"deviance|likelihood",
    "log_likelihood": r"likelihood|logLik",
    "df_residual": r"degrees of freedom|npar",
}
"""The words for a quantity in the news."""


def concerns(item: NewsItem, model: Changed) -> bool:
    """Say whether an item speaks of such a model: of each kind of subject that it has."""
    of_kinds = ([fits for text, fits in kind if re.search(text, item.text)] for kind in SUBJECTS)
    asked = [kind for kind in of_kinds if kind]
    return bool(asked) and all(any(fits(model.then.spec) for fits in kind) for kind in asked)


def explaining(model: Changed, news: list[NewsItem]) -> list[NewsItem]:
    """Return the items that speak of such a model, and of a figure of it that drifted."""
    quantities = {change.key.rpartition("/")[2] for change in model.drifted}
    words = "|".join(QUANTITIES[name] for name in sorted(quantities & set(QUANTITIES)))
    return [
        item for item in news if concerns(item, model) and words and re.search(words, item.text)
    ]


# -- the page ------------------------------------------------------------------------------------


def _kinds(cell: Cell) -> Iterator[str]:
    """Count by kind of figure what changed, and by how much."""
    kinds: dict[str, list[FigureChange]] = defaultdict(list)
    for model in cell.models.values():
        for change in model.figures:
            kinds[drift.name_of(change.key)].append(change)
    yield line("kind of figure|models|other bits|drifted|unit|median|largest".split("|"))
    yield "|---" * 7 + "|"
    for name, changes in sorted(kinds.items()):
        far = [d for d in map(distance, changes) if d is not None]
        models = len({change.model for change in changes})
        drifted = sum(change.status == "drifted" for change in changes)
        amount = [f"{median(far):.1e}", largest(far)] if far else ["", ""]
        unit = tolerances.SCALES.get(name, "") if far else ""
        yield line([f"`{name}`", models, len(changes), drifted, unit, *amount])


def _models(cell: Cell, news: list[NewsItem]) -> Iterator[str]:
    """List the models that drifted, with the items of the news that may explain them."""
    numbered: dict[NewsItem, int] = {}
    yield line("model|fitted by|drifted|the furthest|then|now|news".split("|"))
    yield "|---" * 7 + "|"
    for name, model in cell.models.items():
        if model.drifted:
            worst = max(model.drifted, key=lambda change: distance(change) or 0.0)
            items = explaining(model, news)
            notes = ", ".join(str(numbered.setdefault(item, len(numbered) + 1)) for item in items)
            count = f"{len(model.drifted)} of {len(model.then.figures)}"
            values = [_shown(worst.recorded), _shown(worst.found)]
            spec = model.then.spec
            yield line([name, f"`{spec.fitter}`", count, f"`{worst.key}`", *values, notes])
    if numbered:
        yield "\nlme4's news of such models and figures:\n"
        yield from (f"{number}. {_plain(item.quoted)}" for item, number in numbered.items())


def _plain(text: str) -> str:
    """Return text that Markdown shows as it stands."""
    return re.sub(r"([*_<>\[\]`])", r"\\\1", text)


def _shown(value: object) -> str:
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def section(cell: Cell) -> Iterator[str]:
    """Say what changed from one stack to another."""
    yield f"## From {label(cell.recorded)} to {label(cell.verified)}\n"
    yield f"{summary(cell)}.\n"
    if cell.missing:
        yield f"Not fitted here: {', '.join(cell.missing)}.\n"
    if any(model.figures for model in cell.models.values()):
        yield from _kinds(cell)
    if any(model.drifted for model in cell.models.values()):
        yield "\nThese models drifted:\n"
        yield from _models(cell, news_between(cell.recorded["lme4"], cell.verified["lme4"]))


HEAD = """# What releases of lme4 changed

The figures of the models that are recorded in `benchmarks/recorded`, from each release to the
next. `scripts/test-matrix --release` makes this page and the records. "Other bits" counts figures
that are not the same to the last bit, and "drifted" those of them that are further apart than the
limits of [Differences between versions](drift.md), which also explains the units.

The items of lme4's NEWS were found by their words: they speak of such models and of such figures.
"""


def page(cells: Iterable[Cell]) -> str:
    """Return the page."""
    parts = [HEAD, *("\n".join(section(cell)) + "\n" for cell in cells)]
    return "\n".join(parts)


def stored() -> list[Path]:
    """Return the stored records of the lme4 here and of earlier ones, the earliest first."""
    here = order(stack_here()["lme4"])
    return sorted((p for p in RECORDED.glob("lme4-*") if _release(p) <= here), key=_release)


def is_latest() -> bool:
    """Say whether no stored record is of a later lme4 than the one here."""
    return len(stored()) == len(list(RECORDED.glob("lme4-*")))


def _release(path: Path) -> tuple[int, ...]:
    return order(path.name[5:].split(".pbr")[0])


def main(arguments: list[str] | None = None) -> None:
    """Do what the command line says."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("release", description=__doc__, formatter_class=raw)
    parser.add_argument("--store", action="store_true", help="keep the record made here")
    parser.add_argument("--page", type=Path, help="a file, such as docs/lme4-releases.md")
    parser.add_argument("--only", nargs="+", default=(), metavar="MODEL")
    given = parser.parse_args(arguments)
    name = f"lme4-{stack_here()['lme4']}.pbr.json"
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder) / name
        record(here, *given.only)
        before = [path for path in stored() if path.name != name]
        text = page([compare(*pair) for pair in pairwise((*before, here))][::-1])
        last = RECORDED / name
        again = compare(last, here) if last.exists() else None
        if given.store:
            shutil.copy(here, last)
    print(text)
    # A page by an older release would lack what later ones changed.
    if given.page and is_latest():
        given.page.write_text(text, encoding="utf-8")
    if again:
        print(f"The stored record of {label(again.recorded)}, again: {summary(again)}.")
        if not all(model.ok for model in again.models.values()):
            sys.exit("it is not as it was")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
