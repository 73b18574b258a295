"""A figure of several panels, which a notebook shows once.

This module loads matplotlib: import it only to draw.
"""

from __future__ import annotations

import io
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure


class Panels(Figure):
    """A figure that is returned, and may so be shown by a notebook twice; it sees to that.

    pyplot shows an open figure at the end of a cell. A cell whose last line returns the figure
    would show it once more.
    """

    def _ipython_display_(self) -> None:
        from IPython.display import Image, display  # noqa: PLC0415  # only a notebook calls this

        number: Any = getattr(self, "number", None)
        if "inline" in plt.get_backend() and number in plt.get_fignums():
            return
        image = io.BytesIO()
        self.savefig(image, format="png", bbox_inches="tight")
        display(Image(image.getvalue()))
