"""A picture of how far optimizers agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pymer_bridge.errors import OptionError, listed
from pymer_bridge.plots import canvas, inks, ticks
from pymer_bridge.results.all_fit import AllFit
from pymer_bridge.spec.arguments import checked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEAST: Final = 0.01
"""The least width of an axis, as a share of the figure: what is less does not matter."""
LIKELIHOOD: Final = "log_likelihood"


@checked
def all_fit(
    result: AllFit,
    parameters: str | Sequence[str] | None = None,
    *,
    ax: Axes | Sequence[Axes] | None = None,
) -> Figure:
    """Draw what each optimizer found, one panel per parameter.

    Parameters
    ----------
    result
        What ``fit.all_fit()`` gave.
    parameters
        Names of fixed effects, of standard deviations and correlations, or "log_likelihood";
        all by default.
    ax
        Axes to draw on, one per panel.

    Returns
    -------
    matplotlib.figure.Figure
        The figure. A line marks the fit of the highest log-likelihood; optimizers that did not
        end well are hollow, and those without a fit have no point. No axis is narrower than 1 of
        log-likelihood or a hundredth of the figure, so that optimizers that agree look so.

    Raises
    ------
    OptionError
        There is no such parameter, or no optimizer has a fit.

    Notes
    -----
    R function: ``lme4::allFit``.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Yield ~ 1 + (1 | Batch)", pb.load_dataset("Dyestuff"))
    >>> pb.plots.all_fit(fit.all_fit(), "log_likelihood").axes[0].get_xlabel()
    'Log-likelihood'
    """
    rows = [row for row in result.rows if row.log_likelihood is not None]
    if not rows:
        raise OptionError("no optimizer has a fit to draw")
    figures = _figures(rows)
    chosen = figures if parameters is None else parameters
    wanted = [chosen] if isinstance(chosen, str) else list(chosen)
    wanted = canvas.known_names(wanted, list(figures), "parameter")
    if not wanted:
        raise OptionError(f"no parameter none; there are: {listed(figures)}")
    best = int(np.argmax(np.array([row.log_likelihood for row in rows], dtype=float)))
    names = [row.optimizer for row in result.rows]
    columns = min(3, canvas.across(len(wanted)))
    axes = canvas.new_panels(ax, len(wanted), (3.2, 1.1 + 0.22 * len(names)), columns)
    places = np.array([names.index(row.optimizer) for row in rows])
    well = np.array([bool(row.converged) for row in rows])
    for i, (panel, name) in enumerate(zip(axes, wanted, strict=True)):
        values = np.array(figures[name])
        _draw_agreement(panel, values, places, well, values[best])
        _widen(panel, values, 1.0 if name == LIKELIHOOD else LEAST * max(abs(values[best]), LEAST))
        panel.set_ylim(len(names) - 0.4, -0.6)
        labels = [_label(row) for row in result.rows] if canvas.leads_row(panel, i) else []
        panel.set_yticks(range(len(names)), labels or [""] * len(names), fontsize="small")
        # Numbers of many digits need the room of several.
        ticks.few_numbers(panel, "x", 4 if max(abs(values)) < 100 else 2, letters=8)
        panel.tick_params(axis="x", labelsize="small")
        canvas.dress(panel, "Log-likelihood" if name == LIKELIHOOD else name)
    return canvas.figure_of(axes)


def _figures(rows: Sequence[Any]) -> dict[str, list[float]]:
    """Return the values of each figure, one an optimizer."""
    found = {LIKELIHOOD: [row.log_likelihood for row in rows]}
    for kind in ("fixed_effects", "sdcor"):
        for name in getattr(rows[0], kind) or {}:
            found[name] = [(getattr(row, kind) or {}).get(name, np.nan) for row in rows]
    return found


def _label(row: Any) -> str:
    """Name an optimizer, and say why it has no fit."""
    if not row.available:
        return canvas.plain(f"{row.optimizer} (no {row.package})")
    return canvas.plain(row.optimizer if row.ok else f"{row.optimizer} (failed)")


def _draw_agreement(ax: Axes, values: Any, places: Any, well: Any, best: float) -> None:
    own = inks.on(ax)
    ax.axvline(best, color=own.faint, linewidth=1.0, zorder=0)
    for ended, fill in ((well, own.blue), (~well, own.paper)):
        if ended.any():
            x, y = values[ended], places[ended]
            ax.plot(x, y, "o", markersize=5.5, markeredgecolor=own.blue, markerfacecolor=fill)


def _widen(ax: Axes, values: Any, least: float) -> None:
    """Give the x axis its limits: those of the values, and no narrower than ``least``."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    half = max((high - low) * 0.6, least / 2)
    ax.set_xlim((low + high) / 2 - half, (low + high) / 2 + half)
    ax.ticklabel_format(axis="x", useOffset=False)
