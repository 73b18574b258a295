"""Names beside points, as many as there is room for.

This module loads matplotlib: import it only to draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.text import Annotation, Text

_AWAY = 5.0  # points from the middle of a point to its name
_SIDES = (
    ("left", 1, "center", 0),
    ("right", -1, "center", 0),
    ("center", 0, "bottom", 1),
    ("center", 0, "top", -1),
)


class Name(Annotation):
    """A name beside a point; when it is drawn, it finds its side, or hides where there is none.

    ``before`` are the names that come first: later ones make way for them.
    """

    def __init__(self, text: str, point: Any, before: Sequence[Name], **style: Any) -> None:
        super().__init__(text, point, (0.0, 0.0), textcoords="offset points", **style)
        self.set_in_layout(False)
        self._before = list(before)

    def draw(self, renderer: Any) -> None:
        """Draw the name where it fits."""
        self.set_visible(True)  # so that the extents are known
        self.set_visible(self._fits(renderer))
        super().draw(renderer)

    def _fits(self, renderer: Any) -> bool:
        assert self.axes is not None
        room = self.axes.bbox.padded(2.0)
        taken = [one.place(renderer) for one in self._before if one.get_visible()]
        for across, right, up, above in _SIDES:
            self.set(ha=across, va=up, position=(_AWAY * right, _AWAY * above))
            place = self.place(renderer)
            inside = room.contains(*place.min) and room.contains(*place.max)
            if inside and not any(place.overlaps(other) for other in taken):
                return True
        return False

    def place(self, renderer: Any) -> Any:
        """Return where the name stands, in pixels."""
        self.update_positions(renderer)
        return Text.get_window_extent(self, renderer)


def write_names(ax: Axes, names: Sequence[str], points: Any, **style: Any) -> None:
    """Write names beside points, the first with priority."""
    made: list[Name] = []
    for text, point in zip(names, points, strict=True):
        one = Name(text, tuple(point), made, **style)
        ax.add_artist(one)
        made.append(one)
