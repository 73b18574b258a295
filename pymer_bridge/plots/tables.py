"""Pictures of intervals, of tests as effect sizes, and of predictions along a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from pymer_bridge.data import frames
from pymer_bridge.display import apa
from pymer_bridge.errors import OptionError, listed, shown
from pymer_bridge.plots import canvas, inks, ticks
from pymer_bridge.results.fixed_effects import INTERCEPT
from pymer_bridge.results.intervals import Interval, Intervals
from pymer_bridge.results.prediction import Predictions
from pymer_bridge.results.tests import FTests, TermTests
from pymer_bridge.session.asking import ask
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked
from pymer_bridge.spec.names import Labels, find_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS: Final = ("Correlations", "Standard deviations", "Fixed effects")
"""Parameters on one scale, by what they are called: see :func:`_kind`."""


@checked
def intervals(
    result: Intervals,
    *,
    terms: Sequence[str] | None = None,
    intercept: bool = False,
    labels: Mapping[str, str] | None = None,
    ax: Axes | Sequence[Axes] | None = None,
) -> Figure:
    """Draw confidence intervals, with a panel for each kind of parameter.

    Parameters
    ----------
    result
        Made by ``fit.confint()`` or ``boot.confint()``.
    terms
        Which parameters, by either of their names; all by default.
    intercept
        Show that of the intercept as well? It is seldom on the scale of the others.
    labels
        Labels to show instead of the readable names.
    ax
        Axes to draw on, one per panel.

    Returns
    -------
    matplotlib.figure.Figure
        The figure: correlations, standard deviations and fixed effects apart, from end to end.
        Parameters without an interval are left out.

    Raises
    ------
    OptionError
        An argument is not accepted, or there is no interval to draw.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> figure = fit.confint("wald").plot()
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['Days']
    """
    rows = [row for row in result.rows if None not in (row.conf_low, row.conf_high)]
    if terms is not None:
        by_label = {row.label: row.term for row in rows}
        known = [*(row.term for row in rows), *by_label]
        wanted = [by_label.get(n, n) for n in canvas.known_names(terms, known, "interval")]
        rows = [next(row for row in rows if row.term == name) for name in wanted]
    elif not options.flag(intercept, "intercept"):
        rows = [row for row in rows if row.term != INTERCEPT] or rows
    if not rows:
        none = "there is no interval to draw" if terms is None else "terms names no interval"
        raise OptionError(none)
    said = Labels(labels, [name for row in rows for name in (row.label, row.term)])
    parts = [(kind, [row for row in rows if _kind(row) == kind]) for kind in KINDS]
    parts = [(kind, mine) for kind, mine in parts if mine]
    most = max(len(mine) for _, mine in parts)
    size = (6.4, min(1.3 + 0.36 * most, 24.0))
    axes = canvas.new_panels(ax, len(parts), size, 1)
    for panel, (kind, mine) in zip(axes, parts, strict=True):
        ends = np.array([(row.conf_low, row.conf_high) for row in mine], dtype=np.float64)
        own, places = inks.on(panel), np.arange(len(mine))
        panel.hlines(places, ends[:, 0], ends[:, 1], color=own.blue, linewidth=1.8)
        for side in (0, 1):
            panel.plot(ends[:, side], places, "|", color=own.blue, markersize=8)
        panel.set_ylim(len(mine) - 0.5, -0.5)
        names = [said(row.term if said(row.term) != row.term else row.label) for row in mine]
        ticks.name_rows(panel, names)
        if kind != "Standard deviations":
            canvas.zero_line(panel, vertical=True)
        canvas.dress(panel, title=kind if len(parts) > 1 else None)
    canvas.dress(axes[-1], result._caption().partition(", ")[0])
    return canvas.figure_of(axes)


def _kind(row: Interval) -> str:
    if row.label.startswith("cor_"):
        return KINDS[0]
    return KINDS[1] if row.term.startswith(".") or row.label.startswith("sd_") else KINDS[2]


@checked
def anova(
    result: FTests | TermTests,
    *,
    show: options.TestFigure | None = None,
    conf_level: float = 0.95,
    labels: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw what each term explains: partial eta squared of F tests, with its interval.

    Parameters
    ----------
    result
        Made by ``fit.anova()`` or ``fit.drop1()``.
    show
        "partial-eta-squared", or "statistic" for F or chi-squared itself; by default the first
        where the tests are F tests with denominators, and otherwise the second.
    conf_level
        The level of the intervals of partial eta squared, which have two sides.
    labels
        Labels to show instead of terms.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        A line per term in the order of the table, with the p-values at the right. Rows without a
        test, such as that of residuals, are left out.

    Raises
    ------
    OptionError
        An argument is not accepted, or the tests have no partial eta squared.

    Notes
    -----
    Partial eta squared is ``F df1 / (F df1 + df2)``, an approximation in mixed models, and the ends
    of its interval are found by the noncentral F distribution [1]_. R functions: ``pf`` and
    ``uniroot``.

    References
    ----------
    .. [1] Steiger, J. H. (2004). Beyond the F test: effect size confidence intervals and tests of
       close fit in the analysis of variance and contrast analysis. Psychological Methods, 9(2),
       164-182.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", pb.load_dataset("cake"))
    >>> [label.get_text() for label in fit.anova().plot().get_yticklabels()]
    ['recipe', 'temp']
    """
    given: Any = result.rows
    rows = [row for row in given if row.statistic is not None]
    if not rows:
        raise OptionError("there is no test to draw")
    sized = getattr(result, "test", "F") == "F" and all(row.df2 is not None for row in rows)
    chosen = ("partial-eta-squared" if sized else "statistic") if show is None else show
    chosen = options.one_of(chosen, options.TestFigure, "show")
    if chosen == "partial-eta-squared" and not sized:
        raise OptionError(
            f"show={shown(chosen)} needs F tests with denominators, which these are not; "
            "choose show='statistic'"
        )
    said = Labels(labels, [row.term for row in rows])
    ax = canvas.new_axes(ax, (6.4, min(1.4 + 0.36 * len(rows), 24.0)))
    own, places = inks.on(ax), np.arange(len(rows))
    canvas.zero_line(ax, vertical=True)
    caption = f"p-values: {result._how()[-1]}"
    if chosen == "statistic":
        estimate = np.array([row.statistic for row in rows], dtype=np.float64)
        ax.hlines(places, 0.0, estimate, color=own.blue, linewidth=1.8)
        ax.set_xlim(left=0.0)
        what = result._label("statistic").label
    else:
        columns = ("statistic", "df1", "df2")
        numbers = {n: np.array([getattr(row, n) for row in rows], dtype=float) for n in columns}
        level = options.check_level(conf_level)
        found: Any = ask("partial_eta_squared", conf_level=level, said=None, **numbers)
        estimate = found["estimate"]
        ax.hlines(places, found["conf_low"], found["conf_high"], color=own.blue, linewidth=1.8)
        most = np.nanmax([estimate, found["conf_high"]], initial=0.05)
        ax.set_xlim(0.0, min(1.0, 1.08 * float(most)))
        what = "Partial eta squared"
        caption = f"{level * 100:.6g}% confidence intervals (noncentral F); {caption}"
    ax.plot(estimate, places, "o", color=own.blue, markersize=6, clip_on=False)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ticks.name_rows(ax, [said(row.term) for row in rows])
    at: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "annotation_clip": False}
    for place, row in zip(places, rows, strict=True):
        said_p = "" if row.p_value is None else apa.p_value(row.p_value)
        ax.annotate(said_p, (1.02, place), va="center", fontsize="small", **at)
    canvas.dress(ax, what)
    canvas.caption([ax], caption, own=False)
    return ax


@checked
def predictions(
    result: Predictions,
    data: Any = None,
    x: str | None = None,
    *,
    by: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw predictions, with their intervals if they have some, along a column.

    Parameters
    ----------
    result
        Made by ``fit.predict()``.
    data
        The data that were predicted, with the same index; columns are looked up here.
    x
        The column along the x axis; the rows' labels by default.
    by
        A column with a colour for each of its values.
    ax
        Axes to draw on.

    Returns
    -------
    matplotlib.axes.Axes
        Along numbers lines and bands; along a factor, or the rows' labels, points and bars. Rows
        without a prediction leave a gap.

    Raises
    ------
    OptionError
        A column is not in the data, or the data have another index than the predictions.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> import pandas as pd
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> new = pd.DataFrame({"Days": [0, 3, 6, 9]})
    >>> found = fit.predict(new, "population", interval="confidence")
    >>> found.plot(new, "Days").lines[0].get_xdata().tolist()
    [0.0, 3.0, 6.0, 9.0]
    """
    along, colour = _columns(result, data, x, by)
    levels = _levels(along)
    numeric = x is not None and pd.api.types.is_numeric_dtype(along)
    groups = [""] if colour is None else _levels(colour)
    if len(groups) > canvas.MOST_SERIES:
        raise OptionError(
            f"by={shown(by)} has {len(groups)} values, and {canvas.MOST_SERIES} can be told apart"
        )
    mine = [
        np.arange(len(along)) if colour is None else np.flatnonzero((colour == group).to_numpy())
        for group in groups
    ]
    connected = numeric and all(along.iloc[rows].is_unique for rows in mine)
    ax = canvas.new_axes(ax, (6.4 if by is not None else 5.6, 4.2))
    handles = []
    for i, rows in enumerate(mine):
        if numeric:
            places = along.iloc[rows].to_numpy(dtype=np.float64)
        else:
            beside = (i - (len(groups) - 1) / 2) * min(0.15, 0.7 / len(groups))
            places = np.array([levels.index(level) for level in along.iloc[rows]]) + beside
        handles.append(_draw_predictions(ax, result, places, rows, i, connected=connected))
    if not numeric:
        ticks.name_levels(ax, list(map(str, levels)))
    canvas.dress(ax, x or str(result.index.name or "Row"), result.axis or None)
    if by is not None:
        canvas.legend_outside([ax], handles, list(map(str, groups)), by, own=False)
    canvas.caption([ax], _predictions_said(result, connected=connected), own=False)
    return ax


def _columns(
    result: Predictions, data: Any, x: str | None, by: str | None
) -> tuple[pd.Series[Any], pd.Series[Any] | None]:
    """Return the values along the x axis, and those that have colours, row by row."""
    if data is None:
        for argument, name in (("x", x), ("by", by)):
            if name is not None:
                raise OptionError(
                    f"{argument}={shown(name)} needs the data that were predicted, as in "
                    "plot(new_data, 'Days')"
                )
        return pd.Series(list(map(str, result.index)), dtype=object), None
    frame = frames.as_pandas(data, "data")
    if not frame.index.equals(result.index):
        if not frame.index.is_unique or not result.index.isin(frame.index).all():
            raise OptionError(
                f"data has {len(frame)} rows with another index than the {len(result)} "
                "predictions; give the data that were predicted"
            )
        frame = frame.loc[result.index]
    columns: list[Any] = []
    for argument, name in (("x", x), ("by", by)):
        found = None if name is None else find_name(name, [str(n) for n in frame.columns])
        if name is not None and found is None:
            raise OptionError(
                f"{argument}={shown(name)} is no column of data; there are: {listed(frame.columns)}"
            )
        columns.append(None if found is None else frame[found])
    if columns[0] is None:
        columns[0] = pd.Series(list(map(str, result.index)), dtype=object)
    return columns[0], columns[1]


def _levels(values: pd.Series[Any]) -> list[Any]:
    """Return the values that there are: in the order of a Categorical, else as they come."""
    there = list(dict.fromkeys(values))
    if isinstance(values.dtype, pd.CategoricalDtype):
        return [level for level in values.cat.categories if level in there]
    return there


def _draw_predictions(
    ax: Axes, result: Predictions, places: Any, rows: Any, i: int, *, connected: bool
) -> Any:
    """Draw one line with its band, or one row of points with bars."""
    own = inks.on(ax)
    colour = own.nth(i)
    order = rows[np.argsort(places, kind="stable")] if connected else rows
    x = np.sort(places, kind="stable") if connected else places
    if result.conf_low is not None and result.conf_high is not None:
        ends = result.conf_low[order], result.conf_high[order]
        if connected:
            ax.fill_between(x, *ends, **own.wash(colour))
        else:
            ax.vlines(x, *ends, color=colour, linewidth=1.4)
    marker = "" if connected and len(x) > 1 else canvas.MARKERS[i % len(canvas.MARKERS)]
    line = canvas.LINES[i // inks.MANY] if connected else ""
    style: dict[str, Any] = {"color": colour, "markersize": 5.0, "linewidth": 2.0}
    return ax.plot(x, result.values[order], linestyle=line, marker=marker, **style)[0]


def _predictions_said(result: Predictions, *, connected: bool) -> str:
    """Say which random effects are counted, and what bands or bars are."""
    effects = "without random effects" if result.re_form == "population" else ""
    if result.re_form not in (None, "population"):
        effects = f"with random effects {result.re_form}"
    bars = ""
    if result.conf_level is not None and result.conf_low is not None:
        what = "Band" if connected else "Bars"
        bars = f"{what}: {result.conf_level * 100:.6g}% {result.interval} interval"
    return "; ".join(filter(None, (bars, effects)))
