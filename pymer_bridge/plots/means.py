"""Pictures of marginal means: intervals with comparison arrows, and interactions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.plots import canvas, inks
from pymer_bridge.results.means import MarginalMean, MarginalTable
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked
from pymer_bridge.spec.names import bare, find_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pymer_bridge.models.lm import LinearModel
    from pymer_bridge.models.mixed import MixedModel

Levels = Mapping[str, str | float]
_TOKEN: Final = re.compile(r"(`(?:[^`\\]|\\.)+`|[\w.]+)|([~|+*:()])|\s+|(.)")
_WANTED: Final = 'formula must be such as "trace ~ x" or "trace ~ x | by", with names of predictors'


@checked
def means(
    result: MarginalTable,
    *,
    comparisons: bool = False,
    alpha: float = 0.05,
    adjust: options.Adjust = "tukey",
    by: str | Sequence[str] | None = None,
    ax: Axes | Sequence[Axes] | None = None,
) -> Figure:
    """Draw marginal means, slopes or contrasts with their intervals.

    Parameters
    ----------
    result
        Made by ``fit.emmeans()``, ``fit.emtrends()``, or ``.pairs()`` and the like of them.
    comparisons
        Add emmeans' arrows? Where those of two means overlap, their difference is not significant.
    alpha, adjust
        The level of the comparisons that the arrows stand for, and its adjustment for their number;
        "mvt" draws with seed 1.
    by
        The predictors with a panel for each of their levels; by default those that the means are
        within. An empty sequence puts all into one panel.
    ax
        Axes to draw on, one per panel.

    Returns
    -------
    matplotlib.figure.Figure
        The figure; contrasts and slopes have a line at 0, and ratios one at 1.

    Raises
    ------
    OptionError
        An argument is not accepted, or arrows are asked for of a table that was read back: they
        need R's own object.
    RError
        emmeans cannot find lengths for the arrows.

    Notes
    -----
    R function: ``plot`` of emmeans, of which the ends of the arrows are; see Lenth's vignette
    "Comparisons and contrasts in emmeans".

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> cake = pb.load_dataset("cake")
    >>> fit = pb.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", cake)
    >>> figure = fit.emmeans("recipe").plot(comparisons=True)
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['A', 'B', 'C']
    """
    _check_rows(result)
    how = options.check_level(alpha, "alpha"), options.one_of(adjust, options.Adjust, "adjust")
    arrows = result._arrows(*how) if options.flag(comparisons, "comparisons") else None
    within = result._panels()
    if by is not None:
        within = tuple(_named(options.names_of(by, "by"), result, "by")) if len(by) else ()
    parts = _parted(result, within)
    most = max(len(places) for places in parts.values())
    size = (6.4, min(1.3 + 0.36 * most, 24.0))
    axes = canvas.new_panels(ax, len(parts), size, 1, sharex=True)
    names = [name for name in result.by if name not in within]
    for panel, (title, places) in zip(axes, parts.items(), strict=True):
        rows = [result.rows[place] for place in places]
        _draw_null(panel, result)
        _draw_rows(panel, rows, None if arrows is None else [end[places] for end in arrows])
        labels = [", ".join(_written(row.levels, names)) or "all" for row in rows]
        panel.set_ylim(len(rows) - 0.5, -0.5)
        canvas.label_levels(panel, labels, ", ".join(names))
        if not canvas.crowded(panel, len(rows)):  # names of contrasts are long
            panel.set_yticklabels([canvas.plain(canvas.shorten(label, 48)) for label in labels])
        canvas.dress(panel, title=title)
    level = f"; arrows compare at {alpha:g} ({adjust})" if arrows is not None else ""
    below = "\n".join([*_axis(result), _estimates(result) + level, *_how(result)])
    if ax is None:
        canvas.dress_figure(canvas.figure_of(axes), below)
    else:
        canvas.dress(axes[-1], below)
    return canvas.figure_of(axes)


@checked
def emmip(
    fit: MixedModel | LinearModel | MarginalTable,
    formula: str,
    *,
    at: Mapping[str, Any] | None = None,
    ddf: options.MeansDdf | None = None,
    type: options.MeansType = "link",  # noqa: A002  # R's word
    conf_level: float = 0.95,
    intervals: bool = True,
    ax: Axes | Sequence[Axes] | None = None,
) -> Figure:
    """Draw an interaction: marginal means along one predictor, a trace for each level of another.

    Parameters
    ----------
    fit
        A fitted model, or marginal means of the predictors in the formula.
    formula
        ``"trace ~ x"``, or ``"trace ~ x | by"`` with a panel for each level of ``by``; ``"~ x"``
        has a single trace. Each may be several predictors, as in ``"a * b ~ x"``. A numeric ``x``
        with several values, as by ``at=``, is drawn to scale.
    at, ddf, type, conf_level
        As for ``fit.emmeans()``, where a model is given.
    intervals
        Draw the intervals of the means?
    ax
        Axes to draw on, one per panel.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, with one panel per level of ``by``.

    Raises
    ------
    OptionError
        The formula cannot be read, or does not have the predictors of the means.

    Notes
    -----
    R function: ``emmeans::emmip``.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> cake = pb.load_dataset("cake")
    >>> fit = pb.lmer("angle ~ recipe * temperature + (1 | recipe:replicate)", cake)
    >>> figure = fit.plot.emmip("recipe ~ temperature")
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['A', 'B', 'C']
    """
    sides = _sides(formula)
    given: dict[str, Any] = {"at": at, "ddf": ddf, "type": type, "conf_level": conf_level}
    if isinstance(fit, MarginalTable):
        table = fit
    else:
        asked: Any = fit  # the type of each model that has marginal means
        if not hasattr(asked, "emmeans"):
            raise OptionError("models of nlmer() have no marginal means to draw")
        table = asked.emmeans([name for side in sides for name in side], **given)
    _check_rows(table)
    trace, x, by = (_named(side, table, "formula") for side in sides)
    if left := [name for name in table.by if name not in (*trace, *x, *by)]:
        raise OptionError(
            f"formula={shown(formula)} leaves out {listed(left)}, by which these means are too"
        )
    parts = _parted(table, by)
    n = len(parts)
    axes = canvas.new_panels(
        ax, n, (6.0, 4.2) if n == 1 else (3.8, 3.4), min(canvas.across(n), 3), sharey=True
    )
    lines = _Traces(table, trace, x, options.flag(intervals, "intervals"))
    for panel, (title, places) in zip(axes, parts.items(), strict=True):
        lines.draw(panel, [table.rows[place] for place in places])
        canvas.dress(panel, title=title)
    what = "\n".join([*_axis(table), _estimates(table, intervals=intervals)])
    below = "\n".join([", ".join(x), *_how(table)])
    if ax is None and n > 1:
        canvas.dress_figure(canvas.figure_of(axes), below, what)
    else:
        canvas.dress(axes[-1], below)
        canvas.dress(axes[0], y=what)
    lines.tell_apart(axes, own=ax is None)
    return canvas.figure_of(axes)


class _Traces:
    """The traces of an interaction: where they stand, and how each is drawn."""

    def __init__(
        self, table: MarginalTable, trace: Sequence[str], x: Sequence[str], intervals: bool
    ) -> None:
        self.trace, self.x, self.intervals = list(trace), list(x), intervals
        self.labels = list(dict.fromkeys(self._label(row) for row in table.rows))
        values = list(dict.fromkeys(self._at(row) for row in table.rows))
        self.numeric = len(x) == 1 and len(values) > 1 and isinstance(values[0][0], float)
        self.values = values
        self.shift = min(0.08, 0.5 / max(len(self.labels), 1))
        self.drawn: dict[str, Any] = {}

    def _label(self, row: MarginalMean) -> str:
        return ", ".join(_written(row.levels, self.trace))

    def _at(self, row: MarginalMean) -> tuple[str | float, ...]:
        return tuple(row.levels[name] for name in self.x)

    def draw(self, ax: Axes, rows: Sequence[MarginalMean]) -> None:
        """Draw the traces of one panel."""
        for i, label in enumerate(self.labels):
            mine = [row for row in rows if self._label(row) == label]
            if not mine:
                continue
            own = inks.on(ax)
            colour = own.nth(i)
            marker = canvas.MARKERS[(i + i // inks.MANY) % len(canvas.MARKERS)]
            x, figures = self._places(mine, i), _figures(mine)
            (self.drawn[label],) = ax.plot(
                x, figures[:, 0], f"{marker}-", label=label, color=colour
            )
            if self.intervals and self.numeric:
                ax.fill_between(x, figures[:, 1], figures[:, 2], **own.wash(colour))
            elif self.intervals:
                ax.vlines(x, figures[:, 1], figures[:, 2], linewidth=1.8, color=colour)
        if not self.numeric:
            texts = [", ".join(_text(value) for value in at) for at in self.values]
            names = [canvas.plain(canvas.shorten(text, 16)) for text in texts]
            ax.set_xticks(range(len(names)), names)
            if sum(map(len, names)) > 36:
                ax.tick_params(axis="x", labelrotation=45)
            ax.set_xlim(-0.5, len(names) - 0.5)

    def _places(self, rows: Sequence[MarginalMean], i: int) -> NDArray[np.float64]:
        """Return where the means of a trace stand; beside each other, so that none is hidden."""
        if self.numeric:
            return np.array([self._at(row)[0] for row in rows], dtype=np.float64)
        beside = (i - (len(self.labels) - 1) / 2) * self.shift
        return np.array([self.values.index(self._at(row)) for row in rows]) + beside

    def tell_apart(self, axes: Sequence[Axes], *, own: bool) -> None:
        """Say which trace is which, where there are several."""
        if self.trace:
            how = {"title": canvas.plain(", ".join(self.trace))}
            if own:
                how["loc"] = "outside right upper"
            on: Any = canvas.figure_of(axes) if own else axes[0]
            # By hand: matplotlib leaves out labels that begin with an underscore.
            shown = list(self.drawn.values()), list(map(canvas.plain, self.drawn))
            canvas.legend(on, axes[0], *shown, **how)


def _sides(formula: str) -> tuple[list[str], list[str], list[str]]:
    """Return the names of the trace, of x and of by."""
    parts: list[list[str]] = [[]]
    signs: list[str] = []
    for name, sign, other in _TOKEN.findall(formula):
        if other or (sign == "|" and signs != ["~"]) or (sign == "~" and signs):
            raise OptionError(f"{_WANTED}, not {shown(formula)}")
        if sign in ("~", "|"):
            signs.append(sign)
            parts.append([])
        elif name:
            parts[-1].append(name)
    if not signs or not all(parts[1:]):
        raise OptionError(f"{_WANTED}, not {shown(formula)}")
    trace, x, by = (*parts, [])[:3]
    names = list(map(bare, (*trace, *x, *by)))
    if len(set(names)) < len(names):
        raise OptionError(f"formula={shown(formula)} names a predictor twice")
    return trace, x, by


def _named(names: Iterable[str], table: MarginalTable, argument: str) -> list[str]:
    """Return names as the table has them."""
    found = [(name, find_name(name, table.by)) for name in names]
    for name, known in found:
        if known is None:
            raise OptionError(
                f"{argument}: the means are not by {shown(name)}; they are by: {listed(table.by)}"
            )
    return [str(known) for _, known in found]


def _check_rows(table: MarginalTable) -> None:
    if not table.rows:
        raise OptionError("there is no row to draw")


def _parted(table: MarginalTable, by: Sequence[str]) -> dict[str, list[int]]:
    """Return the rows of each panel, by its title."""
    parts: dict[str, list[int]] = {}
    for place, row in enumerate(table.rows):
        texts = zip(by, _written(row.levels, by), strict=True)
        parts.setdefault(", ".join(f"{name} = {text}" for name, text in texts), []).append(place)
    return parts


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"


def _written(levels: Levels, names: Iterable[str]) -> list[str]:
    return [_text(levels[name]) for name in names]


def _figures(rows: Sequence[MarginalMean]) -> NDArray[np.float64]:
    """Return estimates and ends of intervals; NaN for what has none."""
    return np.array([(r.estimate, r.conf_low, r.conf_high) for r in rows], dtype=np.float64)


def _draw_rows(ax: Axes, rows: Sequence[MarginalMean], arrows: Any) -> None:
    """Draw intervals as bars, and arrows and estimates over them."""
    figures, places, own = _figures(rows), np.arange(len(rows)), inks.on(ax)
    ax.hlines(places, figures[:, 1], figures[:, 2], color=own.sky, linewidth=5.0)
    # The tips of these markers are where an arrow ends.
    for end, tip in zip(arrows or (), ("4", "5"), strict=bool(arrows)):
        ax.hlines(places, figures[:, 0], end, color=own.vermilion, linewidth=1.5)
        ax.plot(end, places, linestyle="", marker=int(tip), color=own.vermilion, markersize=7)
    ax.plot(figures[:, 0], places, "o", color=own.blue, markersize=7, markeredgecolor=own.paper)


def _draw_null(ax: Axes, table: MarginalTable) -> None:
    if table.what.endswith("ratio"):
        canvas.one_line(ax)
    elif not _of_means(table):
        canvas.zero_line(ax, vertical=True)


def _of_means(table: MarginalTable) -> bool:
    return table._how()[0] == "Estimated marginal means"


def _estimates(table: MarginalTable, *, intervals: bool = True) -> str:
    """Say what is drawn, and the level of its intervals."""
    text = f"{table._how()[0]} ({table.what})"
    if not intervals or not np.isfinite(_figures(table.rows)[:, 1:]).any():
        return text
    level = getattr(table, "conf_level", None)
    noted = [re.match(r"Confidence level used: ([\d.]+)", note.strip()) for note in table.notes]
    for found in filter(None, noted):
        level = float(found[1])
    return f"{text}, with {'' if level is None else f'{level * 100:.6g}% '}intervals"


def _axis(table: MarginalTable) -> list[str]:
    """Return what the response is called, where these are its means."""
    return [table.axis] if table.axis else []


def _how(table: MarginalTable) -> list[str]:
    """Return emmeans' notes on estimates and intervals, of which the axes say the level."""
    skipped = ("Confidence level", "P value adjustment", "Tests are")
    return [note for line in table.notes if not (note := line.strip()).startswith(skipped)]
