"""Models side by side, as papers show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, cast, overload

from pymer_bridge.display import apa
from pymer_bridge.errors import OptionError, listed
from pymer_bridge.models import table_rows
from pymer_bridge.models.mixed import MixedModel
from pymer_bridge.models.robust_effects import RobustEffects
from pymer_bridge.models.table_rows import Model, Row
from pymer_bridge.results.fixed_effects import FixedEffect, FixedEffects, exponentials
from pymer_bridge.results.model_table import Format, ModelTable
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked
from pymer_bridge.spec.names import bare

Beneath = Literal["std_error", "interval", "p_value"]
Components = Literal["std_dev", "variance"]
STARS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))
DDF_WORDS: Mapping[str, str] = {
    "satterthwaite": "Satterthwaite's degrees of freedom",
    "kenward-roger": "Kenward and Roger's degrees of freedom",
    "normal": "the normal distribution",
    "residual": "residual degrees of freedom",
}

Shown = Model | RobustEffects


@overload
def model_table(
    *models: Shown,
    format: None = None,
    names: Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
    beneath: Beneath = "std_error",
    ddf: options.Ddf | None = None,
    conf_level: float = 0.95,
    stars: bool = False,
    components: Components = "std_dev",
    digits: int = 2,
    icc: bool = True,
    r2: bool = True,
    caption: str = "",
    exponentiate: bool = False,
) -> ModelTable: ...


@overload
def model_table(
    *models: Shown,
    format: Format,
    names: Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
    beneath: Beneath = "std_error",
    ddf: options.Ddf | None = None,
    conf_level: float = 0.95,
    stars: bool = False,
    components: Components = "std_dev",
    digits: int = 2,
    icc: bool = True,
    r2: bool = True,
    caption: str = "",
    exponentiate: bool = False,
) -> str: ...


@checked
def model_table(
    *models: Shown,
    format: Format | None = None,  # noqa: A002  # the word that is expected
    names: Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
    beneath: Beneath = "std_error",
    ddf: options.Ddf | None = None,
    conf_level: float = 0.95,
    stars: bool = False,
    components: Components = "std_dev",
    digits: int = 2,
    icc: bool = True,
    r2: bool = True,
    caption: str = "",
    exponentiate: bool = False,
) -> ModelTable | str:
    """Set models side by side, as papers show them.

    Parameters
    ----------
    *models
        Mixed models and linear models, or what their ``robust()`` gave.
    format
        "text", "html", "latex" (for the booktabs package) or "markdown"; None for an object
        that a notebook shows, and that has all formats.
    names
        One name per model; "(1)", "(2)" ... by default.
    labels
        Labels to show instead of terms and grouping factors.
    beneath
        What to show below each estimate: "std_error", "interval" or "p_value".
    ddf
        Degrees of freedom of mixed models. By default each model's own, or none if the table
        shows no intervals, p-values or stars.
    conf_level
        The level of the intervals.
    stars
        Mark p-values below .05, .01 and .001?
    components
        Random effects as "std_dev" or "variance".
    digits
        Decimals; estimates have more if their standard error needs them.
    icc, r2
        Show the intraclass correlation, and R squared (of mixed models marginal and conditional,
        of :func:`pymer_bridge.lm` its own)? Those of mixed models need R's insight, in newer
        versions with performance; a cell is empty where R has none, as for a singular fit.
    caption
        A line above the table.
    exponentiate
        Show exponentials of the fixed effects and of the ends of their intervals (odds ratios,
        where the link is the logit), and standard errors by the delta method?

    Returns
    -------
    str or ModelTable
        The table.

    Raises
    ------
    OptionError
        An argument is not accepted.

    Notes
    -----
    The figures are those of ``fixed_effects()``, ``variance_components``, ``r2()``, ``icc()``
    (adjusted) and ``fit_statistics``.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"))
    >>> pb.model_table(fit).to_frame().loc["(Intercept)", "(1)"]
    '1527.50'
    """
    beneath = options.one_of(beneath, Beneath, "beneath")
    components = options.one_of(components, Components, "components")
    shape = None if format is None else options.one_of(format, Format, "format")
    if ddf is not None:
        ddf = options.one_of(ddf, options.Ddf, "ddf")
    given = _check(models, names)
    fits = [cast("Model", m.model) if isinstance(m, RobustEffects) else m for m in models]
    tests = options.flag(stars, "stars") or beneath != "std_error"
    effects = [_effects_of(model, ddf, tests, conf_level) for model in models]
    if options.flag(exponentiate, "exponentiate"):
        effects = [exponentials(found) for found in effects]
    if tests and any(e.ddf == "none" for e in effects):
        raise OptionError("ddf='none' has no intervals, p-values or stars to show")
    if beneath == "interval" and any(e.ddf == "saddlepoint" for e in effects):
        raise OptionError("robust(test='saddlepoint') has no intervals to show")
    said = {bare(name): label for name, label in (labels or {}).items()}
    rows = [
        *_fixed_rows(effects, beneath, stars, options.whole(digits, "digits", 0)),
        *table_rows.random_rows(fits, components, digits),
    ]
    notes = _notes(effects, beneath, tests, stars)
    asked = {"icc": options.flag(icc, "icc"), "r2": options.flag(r2, "r2")}
    shares, problem = table_rows.share_rows(fits, {of for of in asked if asked[of]}, digits)
    rows += shares
    notes += problem
    rows += table_rows.size_rows(fits)
    notes += [
        f"{name}: {model.rows_used}."
        for name, model in zip(given, fits, strict=True)
        if model.rows_used.n_left_out
    ]
    notes += [
        f"{name}: standard errors {found.std_errors}."
        for name, found in zip(given, effects, strict=True)
        if found.std_errors
    ]
    rows += table_rows.statistic_rows(fits, digits)
    _check_labels(labels or {}, [label for label, _ in rows if label])
    table = ModelTable(
        names=given,
        labels=tuple(_relabel(label, said) for label, _ in rows),
        cells=tuple(tuple(cells) for _, cells in rows),
        notes=tuple(notes),
        caption=caption,
    )
    return table if shape is None else table.shown(shape)


def _check(models: Sequence[Shown], names: Sequence[str] | None) -> tuple[str, ...]:
    if not models:
        raise OptionError("model_table() takes one model or more")
    for model in models:
        if not isinstance(model, Shown):
            raise OptionError(f"model_table() takes fitted models, not {type(model).__name__}")
    if names is None:
        return tuple(f"({i})" for i in range(1, len(models) + 1))
    if len(names) != len(models):
        raise OptionError(f"names has {len(names)} names, and there are {len(models)} models")
    return tuple(map(str, names))


def _effects_of(
    model: Any, ddf: options.Ddf | None, tests: bool, conf_level: float
) -> FixedEffects:
    if isinstance(model, RobustEffects):
        return model
    chosen: dict[str, Any] = {}
    if isinstance(model, MixedModel) and model.spec.fitter == "lmer":
        wanted = ddf if ddf is not None else None if tests else "none"
        chosen = {} if wanted is None else {"ddf": wanted}
    found: FixedEffects = model.fixed_effects(conf_level=conf_level, **chosen)
    return found


def _check_labels(labels: Mapping[str, str], shown_as: Sequence[str]) -> None:
    """Refuse labels of what does not stand in the table."""
    known = {bare(label) for label in shown_as}
    for group, _, terms in (label.partition(": ") for label in shown_as):
        known |= {bare(group), *map(bare, terms.partition(" ")[2].split(", "))}
    unknown = [name for name in labels if bare(name) not in known]
    if unknown:
        raise OptionError(f"labels names {listed(unknown)}; the table has: {listed(shown_as)}")


def _relabel(label: str, said: Mapping[str, str]) -> str:
    if bare(label) in said:
        return said[bare(label)]
    parts = label.split(": ", 1)
    if len(parts) == 2:
        return f"{said.get(bare(parts[0]), parts[0])}: {_relabel_terms(parts[1], said)}"
    return label


def _relabel_terms(text: str, said: Mapping[str, str]) -> str:
    kind, _, terms = text.partition(" ")
    named = ", ".join(said.get(bare(term), term) for term in terms.split(", "))
    return f"{kind} {named}".strip()


def _fixed_rows(
    effects: Sequence[FixedEffects], beneath: str, stars: bool, digits: int
) -> list[Row]:
    rows: list[Row] = [("Fixed effects", [""] * len(effects))]
    for term in dict.fromkeys(row.term for found in effects for row in found):
        here = [next((row for row in found if row.term == term), None) for found in effects]
        decimals = apa.decimals_for((row.std_error for row in here if row is not None), digits)
        rows.append((term, [_estimate(row, decimals, stars) for row in here]))
        rows.append(("", [_beneath(row, beneath, decimals) for row in here]))
    return rows


def _estimate(row: FixedEffect | None, decimals: int, stars: bool) -> str:
    if row is None:
        return ""
    shown = apa.number(row.estimate, decimals)
    if stars and row.p_value is not None:
        shown += next((mark for below, mark in STARS if row.p_value < below), "")
    return shown


def _beneath(row: FixedEffect | None, beneath: str, decimals: int) -> str:
    if row is None:
        return ""
    if beneath == "std_error":
        return f"({apa.number(row.std_error, decimals)})"
    if beneath == "p_value":
        return f"({apa.p_value(row.p_value)})"
    return f"[{apa.number(row.conf_low, decimals)}, {apa.number(row.conf_high, decimals)}]"


def _notes(effects: Iterable[FixedEffects], beneath: str, tests: bool, stars: bool) -> list[str]:
    found = list(effects)
    levels = dict.fromkeys(f"{e.conf_level * 100:.6g}%" for e in found)
    notes = {
        "std_error": "Standard errors in parentheses.",
        "p_value": "p-values in parentheses.",
        "interval": f"{' and '.join(levels)} confidence intervals in brackets.",
    }
    said = [notes[beneath]]
    scales = dict.fromkeys(e._scale() for e in found if e.exponentiated)
    if scales:
        what = " or ".join(f"{scale}s" for scale in scales)
        said.insert(0, f"Fixed effects as {what}; standard errors by the delta method.")
    ways = [DDF_WORDS[way] for way in dict.fromkeys(e.ddf for e in found) if way in DDF_WORDS]
    if tests and ways:
        said.append(f"Tests and intervals with {', '.join(ways)}.")
    if stars:
        said.append("* p < .05, ** p < .01, *** p < .001.")
    return said
