"""One page of pictures for what R's package performance says of a model."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pymer_bridge.errors import OptionError, listed
from pymer_bridge.plots import canvas, curves, inks
from pymer_bridge.plots.diagnostics import MOST_ROWS, panels_of_residuals, simulated_curves
from pymer_bridge.plots.leverage import cooks_distance, scaled_residuals
from pymer_bridge.plots.random import draw_quantiles
from pymer_bridge.plots.residual_views import SIMULATED
from pymer_bridge.plots.simulated import predictive_check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pymer_bridge.models.methods.diagnostics import ModelChecks

_IN_ORDER: Final = "Residuals in the order of rows"
_OF_RESIDUALS: Final = {
    "heteroscedasticity": "Spread and fitted values",
    "overdispersion": "Spread and fitted values",
    "normality": "Normality",
    "autocorrelation": _IN_ORDER,
}
"""Checks that a panel of residuals shows, by its title there."""


def draw_checks(
    result: ModelChecks, *, seed: int | None = 1, ax: Sequence[Axes] | None = None
) -> Figure:
    """Draw a panel for each check that has a picture; see ``ModelChecks.plot()``."""
    panels, rest = _panels(result, seed)
    if not panels:
        raise OptionError(f"none of these checks has a picture: {listed(result.names)}")
    axes = canvas.new_panels(ax, len(panels), (4.6, 3.9), 2)
    for panel, (title, (draw, said)) in zip(axes, panels.items(), strict=True):
        draw(ax=panel)
        own = panel.get_legend()
        if own is not None:
            own.remove()  # one is enough
        canvas.dress(panel, title="\n".join((title, *dict.fromkeys(said))))
    if ax is None:
        canvas.legend_of_panels(axes)
    text = f"Without a picture: {'; '.join(rest)}" if rest else ""
    notes = [note for note in result._notes() if note.startswith("Cases")]
    canvas.caption(axes, ". ".join(filter(None, (text, *notes))), own=ax is None)
    return canvas.figure_of(axes)


Panel = tuple[Callable[..., object], list[str]]


def _panels(result: ModelChecks, seed: int | None) -> tuple[dict[str, Panel], list[str]]:
    """Return what is drawn under each title with what R says, and what has no picture."""
    fit = result._model
    panels: dict[str, Panel] = {}
    rest: list[str] = []
    known: dict[str, Callable[..., object]] = {}
    if any(row.check in _OF_RESIDUALS for row in result):
        found = simulated_curves(fit, seed, predictors=False)
        known = panels_of_residuals(fit, found)
        known[_IN_ORDER] = partial(_in_order, fit, found)
    for row in result:
        said = _short(row.said)
        title, draw = _picture(result, row, known, seed)
        if draw is None:
            rest.append(f"{row.check} ({said})")
        elif title in panels:
            panels[title][1].append(said)
        else:
            panels[title] = (draw, [said])
    return panels, rest


def _picture(
    result: ModelChecks, row: Any, known: dict[str, Callable[..., object]], seed: int | None
) -> tuple[str, Callable[..., object] | None]:
    """Return the title and the picture of a check; None where there is no picture."""
    fit = result._model
    title = _OF_RESIDUALS.get(row.check)
    if title is not None:
        return title, known.get(title)
    if row.check == "random_normality":
        return row.what, partial(_modes, fit, row.what)
    if row.check == "outliers" and fit.spec.fitter in ("lmer", "lm", "glm"):
        return "Cook's distance", partial(cooks_distance, fit)
    if row.check == "collinearity":
        return "Collinearity", partial(_inflation, result)
    if row.check == "zeroinflation":
        return "Zeros", partial(predictive_check, fit.check_predictions(seed=seed))
    return "", None


def _short(said: str) -> str:
    """Return R's verdict without how it came about."""
    return said.partition(" - Based")[0]


def _inflation(result: ModelChecks, ax: Axes) -> None:
    rows = [row for row in result if row.check == "collinearity"]
    factors = np.array([row.statistic for row in rows], dtype=np.float64)
    places = np.arange(len(rows))
    own = inks.on(ax)
    canvas.zero_line(ax, vertical=True, at=1.0)
    ax.plot(factors, places, "o", color=own.blue, markersize=6)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    canvas.label_levels(ax, [row.what for row in rows], "Term")
    canvas.dress(ax, "Variance inflation factor")


def _modes(fit: Any, what: str, ax: Axes) -> None:
    group, _, term = what.partition(": ")
    table = fit.random_effects.group(group)
    draw_quantiles(ax, table.estimate[:, table.terms.index(term)], 0.99)
    canvas.dress(ax, "Normal quantile", "Conditional mode")


def _in_order(fit: Any, found: Any, ax: Axes) -> None:
    """Draw residuals in the order of the rows, with a smooth."""
    simulated = found is not None
    if simulated:
        name, values = SIMULATED, found.residuals
    else:
        series, name = scaled_residuals(fit)
        values = series.dropna().to_numpy()
    places = np.arange(1, len(values) + 1)
    canvas.zero_line(ax, at=0.5 if simulated else 0.0)
    canvas.cloud(ax, places, values)
    if len(values) <= MOST_ROWS:
        smooth = curves.lowess(places, values, robust=not simulated)
        ax.plot(*smooth, color=inks.on(ax).vermilion, linewidth=1.8, label="Smooth")
    canvas.dress(ax, "Row", name)
