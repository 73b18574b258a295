"""What mkdocstrings' reader of docstrings has to be told: Sphinx's roles, and what users call."""

from __future__ import annotations

import re
from typing import Any

import griffe

import pymer_bridge

ROLE = re.compile(r":(class|func|meth|mod|attr|data):`~?([^`]+)`")
PUBLIC = frozenset(pymer_bridge.__all__)


def _plain(match: re.Match[str]) -> str:
    """Write a role as code, and as a link where the reference has what it names."""
    kind, target = match.groups()
    name = target.removeprefix("pymer_bridge.")
    if kind in ("class", "func") and name in PUBLIC:
        call = "()" if kind == "func" else ""
        return f"[`{name}{call}`][pymer_bridge.{name}]"
    return f"`{name.rpartition('.')[2] if kind == 'class' else name}`"


class Roles(griffe.Extension):
    """Turn roles into Markdown; hide how models are made, which only R's answer can do."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = ROLE.sub(_plain, obj.docstring.value)

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        for module in pkg.modules.values():
            self._hide(module)

    def _hide(self, holder: griffe.Module | griffe.Class) -> None:
        for child in (*holder.modules.values(), *holder.classes.values()):
            if not child.is_alias:
                self._hide(child)
        made = holder.members.get("__init__")
        if isinstance(made, griffe.Function) and any(
            parameter.name.startswith("_") for parameter in made.parameters
        ):
            del holder.members["__init__"]
