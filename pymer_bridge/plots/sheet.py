"""One style sheet for print: a journal's widths, small type, and text that stays text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, Final

from pymer_bridge.errors import OptionError
from pymer_bridge.spec import options
from pymer_bridge.spec.arguments import checked

WIDTHS: Final = {"single": 84 / 25.4, "double": 174 / 25.4}
"""Inches: 84 and 174 mm, which fit the columns of most journals."""
_LEAST: Final = 0.62  # of a picture's height, when it is made narrower
_width: ContextVar[float | None] = ContextVar("width", default=None)


@checked
def style(
    width: options.Column | float = "single", *, font_size: float = 8.0
) -> AbstractContextManager[None]:
    """Draw and save pictures as journals take them, in a ``with`` block.

    Pictures drawn inside are as wide as a column, with panels beside each other as far as there is
    room. Saved inside as SVG or PDF, they are vectors whose text is text. Colours stay those of
    matplotlib's style: combine it with any other.

    Parameters
    ----------
    width
        "single" is a column of 84 mm, "double" a page of 174 mm, which fit most journals; or a
        number of inches.
    font_size
        Of labels and titles, in points; ticks and legends are smaller.

    Returns
    -------
    contextlib.AbstractContextManager
        What ``with`` takes. After the block everything is as it was.

    Raises
    ------
    OptionError
        A width or size of zero or less, or one that is no number.

    Notes
    -----
    matplotlib: ``svg.fonttype`` is "none" and ``pdf.fonttype`` 42, so that journals can search and
    edit the text; the typeface is ``font.family``. Clouds of more than 5,000 points are pixels of
    300 dpi inside the vectors.

    Examples
    --------
    >>> import pymer_bridge as pb
    >>> fit = pb.lmer("Reaction ~ Days + (Days | Subject)", pb.load_dataset("sleepstudy"))
    >>> with pb.plots.style("single"):
    ...     ax = fit.plot.lines()
    >>> round(ax.figure.get_figwidth() * 25.4)
    84
    """
    if isinstance(width, str):
        inches = WIDTHS[options.one_of(width, options.Column, "width")]
    else:
        inches = _size(width, "width")
    return _applied(inches, _size(font_size, "font_size"))


def _size(value: float, name: str) -> float:
    if not 0.0 < value < 100.0:
        raise OptionError(f"{name} must be a number between 0 and 100, not {value:g}")
    return float(value)


@contextmanager
def _applied(inches: float, size: float) -> Iterator[None]:
    import matplotlib as mpl  # noqa: PLC0415  # only who draws loads it

    settings: Any = {
        "font.size": size,
        **dict.fromkeys(("axes.titlesize", "axes.labelsize", "legend.title_fontsize"), "medium"),
        **dict.fromkeys(("xtick.labelsize", "ytick.labelsize", "legend.fontsize"), "small"),
        "axes.linewidth": 0.6,
        "lines.markersize": 0.5 * size,
        **dict.fromkeys(("xtick.major.width", "ytick.major.width"), 0.6),
        "legend.handlelength": 1.4,
        "figure.figsize": (inches, inches / 1.4),
        "figure.dpi": 150,
        "savefig.dpi": 300,
        "svg.fonttype": "none",
        "pdf.fonttype": 42,
        "ps.fonttype": 42,
    }
    before = _width.set(inches)
    try:
        with mpl.rc_context(settings):
            yield
    finally:
        _width.reset(before)


def size_of(width: float, height: float) -> tuple[float, float]:
    """Return the size of a figure that would be so large by itself."""
    fixed = _width.get()
    if fixed is None:
        return round(width, 2), round(height, 2)
    return fixed, round(height * min(max(fixed / width, _LEAST), 1.0), 2)


def fitting(n: int, width: float) -> int:
    """Return how many of ``n`` panels of some width fit beside each other, a little narrower."""
    fixed = _width.get()
    return n if fixed is None else max(1, min(n, int(fixed / (0.45 * width))))
