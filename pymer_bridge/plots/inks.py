"""Colours that can be seen on the axes they are for, whatever style or background these have.

``on(ax).blue`` is blue where that contrasts with the axes' background, and otherwise blue moved
towards black or white until it does. Everything drawn takes its colours from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

# Okabe and Ito's palette, which colour-blind people can tell apart; yellow is too light for lines.
_PALETTE: Final = {
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "ink": "#000000",
}
MANY: Final = len(_PALETTE)
"""So many colours can be told apart, the last of which is ink."""

# Ratios of luminance, as WCAG 2 has them: a line or a point needs 3, small text 4.5 or better 7.
_MARK, _TEXT, _FILL, _ONE_OF_MANY = 3.0, 7.0, 1.305, 1.35
_SEEN_ALONE = 0.6  # marks of less alpha are many, and make their colour together


@dataclass(frozen=True, slots=True)
class Inks:
    """The colours for one background, as strings.

    Attributes
    ----------
    paper
        The background itself, for edges and hollow points.
    page
        What lies around the axes.
    alpha
        How much of the colours will be seen: they contrast after it where marks stand alone.
    """

    paper: str
    page: str
    alpha: float = 1.0

    @property
    def ink(self) -> str:
        """Black or white, what contrasts more."""
        paper = _rgb(self.paper)
        return max("#000000", "#ffffff", key=lambda one: contrast(_rgb(one), paper))

    @property
    def grey(self) -> str:
        """For text and lines of less weight."""
        return self._mixed(self.paper, _TEXT)

    @property
    def faint(self) -> str:
        """For lines of reference."""
        return self._mixed(self.paper, _MARK)

    @property
    def blue(self) -> str:
        """Of what is drawn in one colour."""
        return self.tone(_PALETTE["blue"])

    @property
    def vermilion(self) -> str:
        """Of what stands out from blue."""
        return self.tone(_PALETTE["vermilion"])

    @property
    def sky(self) -> str:
        """Of what lies behind blue."""
        return self.tone(_PALETTE["sky"])

    def nth(self, i: int) -> str:
        """Return the ``i``-th colour; after ``MANY`` they start again."""
        name = list(_PALETTE)[i % MANY]
        return self.ink if name == "ink" else self.tone(_PALETTE[name])

    def tone(self, colour: str) -> str:
        """Return a colour, moved towards ink as far as it must be to be seen."""
        return self._mixed(colour, _MARK)

    def wash(self, colour: str) -> dict[str, Any]:
        """Return how an area is filled so that it is seen, and what lies in it too."""
        paper, full = _rgb(self.paper), _rgb(colour)
        alphas = np.linspace(0.2, 1.0, 81)
        seen = (a for a in alphas if contrast(paper + a * (full - paper), paper) >= _FILL)
        return {"color": colour, "alpha": float(next(seen, 1.0)), "linewidth": 0}

    @cache  # noqa: B019  # few colours on few papers
    def _mixed(self, colour: str, least: float) -> str:
        paper, full, ink = _rgb(self.paper), _rgb(colour), _rgb(self.ink)
        after = least if self.alpha >= _SEEN_ALONE else _ONE_OF_MANY
        for share in np.linspace(0.0, 1.0, 101):
            mixed = np.round(255.0 * (full + share * (ink - full))) / 255.0
            drawn = paper + self.alpha * (mixed - paper)
            if contrast(mixed, paper) >= least and contrast(drawn, paper) >= after:
                break
        return _hex(mixed)


def on(ax: Axes, alpha: float = 1.0) -> Inks:
    """Return the colours for axes, drawn with ``alpha``."""
    from matplotlib import rcParams  # noqa: PLC0415  # only who draws loads it

    # A transparent figure lies on what the style's text can be read on.
    dark_text = contrast(_rgb(rcParams["text.color"]), np.ones(3)) >= _TEXT
    page = np.ones(3) if dark_text else np.zeros(3)
    figure: Any = ax.figure
    page = _over(page, figure.figure.get_facecolor(), figure.get_facecolor())
    return Inks(_hex(_over(page, ax.get_facecolor())), _hex(page), alpha)


def _over(paper: NDArray[np.float64], *layers: Any) -> NDArray[np.float64]:
    from matplotlib.colors import to_rgba  # noqa: PLC0415  # only who draws loads it

    for layer in layers:
        *colour, cover = to_rgba(layer)
        paper = paper + cover * (np.array(colour) - paper)
    return paper


def _hex(colour: NDArray[np.float64]) -> str:
    from matplotlib.colors import to_hex  # noqa: PLC0415  # only who draws loads it

    red, green, blue = colour.tolist()
    return to_hex((red, green, blue))


def contrast(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the ratio of two colours' luminances, from 1 to 21, as WCAG 2 defines it."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(rgb: NDArray[np.float64]) -> float:
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ np.array([0.2126, 0.7152, 0.0722]))


def _rgb(colour: Any) -> NDArray[np.float64]:
    from matplotlib.colors import to_rgb  # noqa: PLC0415  # only who draws loads it

    return np.array(to_rgb(colour))
