"""What is said where something is refused."""

from __future__ import annotations

from typing import Any

import pytest

from pymer_bridge.errors import OptionError


def refused(ask: Any, *given: Any, **named: Any) -> str:
    """Return the message of the ``OptionError`` that a call must raise."""
    with pytest.raises(OptionError) as raised:
        ask(*given, **named)
    return str(raised.value)
