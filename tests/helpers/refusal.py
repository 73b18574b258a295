"""What is said: where something is refused, and where R warns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pymer_bridge.errors import OptionError


def refused(ask: Any, *given: Any, **named: Any) -> str:
    """Return the message of the ``OptionError`` that a call must raise."""
    with pytest.raises(OptionError) as raised:
        ask(*given, **named)
    return str(raised.value)


def once(said: Sequence[str]) -> list[str]:
    """Return texts as they are raised: each once, and not what is a part of another one."""
    return [
        text
        for text in dict.fromkeys(said)
        if not any(text in other and text != other for other in said)
    ]
