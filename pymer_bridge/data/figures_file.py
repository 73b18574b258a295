"""The file in which other software gives its figures: JSON, in which nothing is ever run.

``figures.schema.json`` beside this module is its JSON Schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pymer_bridge.data import record_file
from pymer_bridge.data.written_files import FileKind
from pymer_bridge.errors import OptionError

FORMAT: Final = "pymer_bridge figures"
FILE: Final = FileKind("a file of figures", 1, OptionError)


def read(path: Path) -> tuple[str, Mapping[str, Any]]:
    """Return whose figures a file has, and the figures as nested mappings.

    Raises
    ------
    OptionError
        It is not such a file.
    OSError
        It is not there, or may not be read.
    """
    document = record_file.read_json(path, FILE)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        FILE.refuse(path, f'it does not begin with "format": "{FORMAT}"')
    FILE.check_version(path, document.get("schema"))
    software, figures = document.get("software", ""), document.get("figures")
    if not isinstance(software, str) or not isinstance(figures, dict):
        FILE.refuse(path, '"software" must be a text, and "figures" an object')
    return software[:100], figures
