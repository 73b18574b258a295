"""Files of ours that were changed by someone who gives them a right hash again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pymer_bridge.data import model_file, record_file


def edited(path: Path, target: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Write a record anew with something changed, and a hash that fits."""
    document = json.loads(path.read_text())
    change(document)
    del document["sha256"]
    target.write_text(json.dumps({**document, "sha256": record_file.digest(document)}))
    return target


def forged(stored: Path, path: Path, change: Any) -> Path:
    """Return the file with a change to it, and a hash that is right: a forger can compute it."""
    document, arrays = model_file.read(stored)
    copied = {name: values.copy() for name, values in arrays.items()}
    change(document, copied)
    model_file.write(path, document, copied)
    return path


def places(part: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the place of every part of a document, at any depth."""
    inner: Any = part.items() if isinstance(part, dict) else ()
    if isinstance(part, list):
        inner = enumerate(part)
    for name, each in inner:
        yield (*above, name)
        yield from places(each, (*above, name))
