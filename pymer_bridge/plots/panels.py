"""Figures that say in words what they show; those of several panels a notebook shows once.

This module loads matplotlib: import it only to draw.
"""

from __future__ import annotations

import io
from os import PathLike
from pathlib import Path
from typing import Any, Final

import matplotlib.pyplot as plt
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.figure import Figure

_NAMES: Final = {
    "png": ("Title", "Description"), "svg": ("Title", "Description"), "pdf": ("Title", "Subject"),
}  # fmt: skip


class Picture(Figure):
    """A figure whose files say in words what they show, for those who cannot see them."""

    def savefig(self, fname: Any, **how: Any) -> None:
        """Save the figure; PNG, SVG and PDF get the words, unless they have their own."""
        suffix = Path(fname).suffix[1:] if isinstance(fname, str | PathLike) else ""
        kind = how.get("format") or suffix or plt.rcParams["savefig.format"]
        names = _NAMES.get(str(kind).lower(), ())
        if names:
            how["metadata"] = dict.fromkeys(names, self.words()) | (how.get("metadata") or {})
        super().savefig(fname, **how)

    def words(self) -> str:
        """Say what is drawn: axes, and numbers of points and lines."""
        return " ".join(_words_of(ax) for ax in self.axes)


def _words_of(ax: Any) -> str:
    lines: list[Any] = [line for line in ax.lines if line.get_linestyle() != "None"]
    marked: list[Any] = [line for line in ax.lines if line.get_linestyle() == "None"]
    clouds: list[Any] = [one for one in ax.collections if isinstance(one, PathCollection)]
    bands = [one for one in ax.collections if isinstance(one, PolyCollection)]
    bars = [one for one in ax.collections if isinstance(one, LineCollection)]
    counts = {
        "points": sum(len(one.get_offsets()) for one in clouds)
        + sum(len(one.get_xdata()) for one in marked),
        "lines": len(lines),
        "bands": len(bands),
        "bars": sum(len(one.get_segments()) for one in bars) + len(ax.patches),
    }
    drawn = ", ".join(f"{n} {what if n > 1 else what[:-1]}" for what, n in counts.items() if n)
    title = f"{ax.get_title()}: " if ax.get_title() else ""
    axes = " against ".join(filter(None, (ax.get_ylabel(), ax.get_xlabel())))
    labels = ax.get_legend_handles_labels()[1]
    key = f" ({'; '.join(dict.fromkeys(labels))})" if 0 < len(labels) <= 12 else ""
    return " ".join(f"{title}{axes}: {drawn}{key}.".split())


class Panels(Picture):
    """A figure that is returned, and that a notebook would therefore show twice; it sees to that.

    pyplot's inline backend shows the open figures at the end of a cell. A cell whose last line
    returns the figure would show it once more: once it is shown here, pyplot lets go of it.
    """

    def _ipython_display_(self) -> None:
        from IPython.display import Image, display  # noqa: PLC0415  # only a notebook calls this

        inline = "inline" in plt.get_backend()
        number: Any = getattr(self, "number", None)
        if not inline and number in plt.get_fignums():
            return  # a window, or a widget, shows it already
        image = io.BytesIO()
        self.savefig(image, format="png", bbox_inches="tight")
        display(Image(image.getvalue(), alt=self.words()))
        if inline:
            plt.close(self)
