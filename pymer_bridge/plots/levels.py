"""Which levels of a grouping factor a picture shows, in which order, and what they are called."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from pymer_bridge.data.new_data import ColumnKind, taken
from pymer_bridge.errors import OptionError, shown
from pymer_bridge.plots import canvas, inks
from pymer_bridge.spec import options

_SIDES: Final = (
    ((5, 3), "left"), ((-5, 3), "right"), ((5, -9), "left"), ((-5, -9), "right"),
)  # fmt: skip


def natural_order(levels: Sequence[str]) -> list[int]:
    """Return the positions of levels as people count: 1, 2, 10, 12.

    Levels in an order of their own, such as that of a categorical, keep it.

    Examples
    --------
    >>> natural_order(["p1", "p10", "p2"]), natural_order(["low", "high"])
    ([0, 2, 1], [0, 1])
    """
    places = list(range(len(levels)))
    if list(levels) not in (sorted(levels), sorted(levels, key=str.casefold)):
        return places
    numbers = [value for level in levels if (value := _number(level)) is not None]
    if len(numbers) == len(levels):
        return sorted(places, key=numbers.__getitem__)
    return sorted(places, key=lambda i: _pieces(levels[i]))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _pieces(text: str) -> list[tuple[str, int, str]]:
    """Return the text before each whole number, and the number; numbers come before letters."""
    found = re.findall(r"(\D*)(\d*)", text)
    return [(before.casefold(), int(digits or -1), before) for before, digits in found]


def chosen_levels(
    fit: Any,
    group: str,
    levels: Sequence[str],
    *,
    order: str | None = None,
    max_groups: int | None = None,
) -> list[int]:
    """Return the positions of the levels that are shown, in the order in which they are.

    Parameters
    ----------
    fit
        A mixed model.
    group, levels
        A grouping factor, and its levels.
    order
        The term by whose conditional modes the levels are ordered; None for their natural order.
    max_groups
        How many are shown at most, evenly from that order; None for all.

    Raises
    ------
    OptionError
        There is no such term, or ``max_groups`` is not accepted.
    """
    places = natural_order(levels)
    if order is not None:
        terms, modes = fit._ask_anew("group_modes", _read_modes, group=group)
        inside = f" in {shown(group)}, for order="
        term = canvas.known_names([order], terms, "term", inside)[0]
        places = sorted(places, key=modes[terms.index(term)].__getitem__)
    if max_groups is None:
        return places
    most = options.whole(max_groups, "max_groups", 1)
    return [places[i] for i in canvas.spread(len(places), most)]


def _read_modes(record: Mapping[str, Any]) -> tuple[list[str], list[list[float]]]:
    terms = list(record["terms"])
    return terms, record["modes"].reshape((len(terms), -1)).tolist()


def labels_of(levels: Sequence[str], labels: Mapping[Any, str] | None) -> list[str]:
    """Return what the levels are called: what a mapping calls them, or else themselves.

    Parameters
    ----------
    levels
        The levels.
    labels
        Labels by level, of some or all of them.

    Raises
    ------
    OptionError
        It names another level, or a label is not text.

    Examples
    --------
    >>> labels_of(["1", "2"], {1: "north"})
    ['north', '2']
    """
    factor = ColumnKind("factor", tuple(levels))
    wanted = {taken(factor, level, "labels"): label for level, label in (labels or {}).items()}
    wrong = [label for label in wanted.values() if not isinstance(label, str)]
    if wrong:
        raise OptionError(f"labels are text, not {shown(wrong[0])}")
    return [wanted.get(level, level) for level in levels]


def label_apart(ax: Any, names: Sequence[str], points: Any, others: Any) -> None:
    """Write small names beside points, where nothing is; those without such a place are left out.

    It comes last, for what else is drawn moves the axes.

    Parameters
    ----------
    ax
        The axes.
    names, points
        The names, and the points that have them.
    others
        Further points.
    """
    figure = canvas.figure_of([ax])
    figure.draw_without_rendering()
    obstacles = ax.transData.transform(np.concatenate([points, others]))
    grey = inks.on(ax).grey
    written: list[Any] = []
    for name, point in zip(names, points, strict=True):
        short = canvas.plain(canvas.shorten(name, 12))
        small = {"fontsize": "x-small", "color": grey}
        text = ax.annotate(short, point, (5, 3), textcoords="offset points", **small)
        for shift, side in _SIDES:
            text.set_position(shift)
            text.set_ha(side)
            place = text.get_window_extent()
            inside = ax.bbox.contains(*place.min) and ax.bbox.contains(*place.max)
            covers = place.padded(2.0).count_contains(obstacles) or place.count_overlaps(written)
            if inside and not covers:
                written.append(place)
                break
        else:
            text.remove()
