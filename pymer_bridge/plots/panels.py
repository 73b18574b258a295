"""A figure of several panels, which a notebook shows once.

This module loads matplotlib: import it only to draw.
"""

from __future__ import annotations

import io
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure


class Panels(Figure):
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
        display(Image(image.getvalue()))
        if inline:
            plt.close(self)
