"""HTML for a notebook: warnings, headings, and tables beside each other.

Styled inline, with translucent colours, so that it can be read on light and dark pages.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

from pymer_bridge.display.tables import Table, tame

_ALERT_STYLE = (
    "border-left: 0.25em solid rgba(217, 119, 6, 0.9); background: rgba(217, 119, 6, 0.14); "
    "padding: 0.3em 0.7em; margin: 0.3em 0; white-space: pre-wrap"
)
_BLOCK_STYLE = (
    "border-left: 0.15em solid rgba(127, 127, 127, 0.45); padding-left: 0.8em; margin: 0.4em 0"
)
_PARTS_STYLE = (
    "display: flex; flex-wrap: wrap; gap: 0.4em 2em; align-items: flex-start; margin-top: 0.5em"
)


def alerts(texts: Sequence[str]) -> str:
    r"""Return warnings as HTML, each of them once.

    Parameters
    ----------
    texts
        The warnings, as plain text.

    Returns
    -------
    str
        One ``<div>`` per warning; "" where there is none.

    Examples
    --------
    >>> alerts(["boundary (singular) fit"])[-30:]
    'boundary (singular) fit</div>\n'
    """
    shown = (_lines(text) for text in dict.fromkeys(texts))
    return "".join(
        f'<div class="pymer-bridge-warning" role="note" style="{_ALERT_STYLE}">'
        f'<strong role="img" aria-label="Warning">&#9888;</strong> {text}</div>\n'
        for text in shown
    )


def printed(text: str) -> str:
    """Return what R prints, line by line, as a part of a page.

    Parameters
    ----------
    text
        Plain text.

    Returns
    -------
    str
        An open ``<details>``, which the reader can close.

    Examples
    --------
    >>> printed("a < b").splitlines()[1]
    '<pre style="overflow-x: auto; margin: 0.3em 0">a &lt; b</pre>'
    """
    return (
        '<details open="open"><summary>As R prints it</summary>\n'
        f'<pre style="overflow-x: auto; margin: 0.3em 0">{_lines(text)}</pre>\n</details>'
    )


def block(heading: str, warnings: Sequence[str], tables: Sequence[Table], below: str = "") -> str:
    """Return a model as one block of HTML: what is wrong with it, what it is, its figures.

    Parameters
    ----------
    heading
        Lines of plain text; the first says what it is.
    warnings
        What a reader must know before the figures.
    tables
        The figures; they stand beside each other where there is room.
    below
        HTML that stands below the figures.

    Returns
    -------
    str
        One ``<div>``.

    Examples
    --------
    >>> block("A model", [], []).splitlines()[1]
    '<div><strong>A model</strong></div>'
    """
    first, *rest = heading.splitlines()
    lines = [
        f'<div class="pymer-bridge-model" style="{_BLOCK_STYLE}">',
        f"{alerts(warnings)}<div><strong>{_lines(first)}</strong></div>",
        *(f"<div>{_lines(line)}</div>" for line in rest),
        f'<div style="{_PARTS_STYLE}">',
        *(table.to_html() for table in tables),
        "</div>",
        *filter(None, [below]),
        "</div>",
    ]
    return "\n".join(lines)


def plain(text: str) -> str:
    """Return a line of plain text as HTML.

    Parameters
    ----------
    text
        Any text.

    Examples
    --------
    >>> plain("a < b")
    'a &lt; b'
    """
    return html.escape(tame(text))


def _lines(text: str) -> str:
    return "\n".join(map(plain, text.split("\n")))
