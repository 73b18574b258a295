"""What mkdocstrings has to be told of docstrings: roles and citations, and what users call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import griffe

import pymer_bridge

ROLE = re.compile(r":(class|func|meth|mod|attr|data):`~?([^`]+)`")
CITED = re.compile(r"\[(\d+)\]_")
REFERENCE = re.compile(r"^( *)\.\. \[(\d+)\] ", re.M)
WORD = re.compile(r"\w+")
PUBLIC = frozenset(pymer_bridge.__all__)


def _plain(match: re.Match[str]) -> str:
    """Write a role as code, and as a link where the reference has what it names."""
    kind, target = match.groups()
    name = target.removeprefix("pymer_bridge.")
    if kind in ("class", "func") and name in PUBLIC:
        call = "()" if kind == "func" else ""
        return f"[`{name}{call}`][pymer_bridge.{name}]"
    return f"`{name.rpartition('.')[2] if kind == 'class' else name}`"


def _is_private(base: Any) -> bool:
    return str(base).rpartition(".")[2].startswith("_")


def _modules(module: griffe.Module) -> Iterator[griffe.Module]:
    """Give a module, and all within it."""
    yield module
    for each in module.modules.values():
        if not each.is_alias:
            yield from _modules(each)


class Roles(griffe.Extension):
    """Turn roles and citations into Markdown; show what users see, not how it is made."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring is not None:
            text = ROLE.sub(_plain, obj.docstring.value)
            text = CITED.sub(r"\\[\1\\]", text)
            obj.docstring.value = REFERENCE.sub(r"\n\1\\[\2\\] ", text)

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        for module in pkg.modules.values():
            self._hide(module)
        self._prefer_functions(pkg["plots"])
        self._know_results(pkg)

    def _prefer_functions(self, plots: griffe.Module) -> None:
        """Have ``plots.lines`` be the picture, where there is a file of this name too."""
        both = [name for name in pymer_bridge.plots.__all__ if name in plots.modules]
        found = {name: plots[self._place(plots, name)] for name in both}
        for name, picture in found.items():
            plots.members[name] = griffe.Alias(name, picture, parent=plots)

    @staticmethod
    def _place(plots: griffe.Module, name: str) -> str:
        """Return where a picture is written, below the package of pictures."""
        return plots.imports[name].removeprefix(f"{plots.path}.")

    def _know_results(self, pkg: griffe.Module) -> None:
        """Let docstrings of every module name a result by its name alone, and link to it."""
        rooms = pkg["results"].modules.values()
        classes = [each for room in rooms for each in room.classes.values()]
        results = {each.name: each for each in classes if each.is_public and not each.is_alias}
        for module in _modules(pkg):
            named = set(WORD.findall(module.source))
            for name in named.intersection(results).difference(module.members):
                module.members[name] = griffe.Alias(name, results[name], parent=module)

    def _hide(self, holder: griffe.Module | griffe.Class) -> None:
        for child in (*holder.modules.values(), *holder.classes.values()):
            if not child.is_alias:
                self._hide(child)
        if isinstance(holder, griffe.Class):
            holder.bases = [each for each in holder.bases if not _is_private(each)]
        made = holder.members.get("__init__")
        if isinstance(made, griffe.Function) and any(
            parameter.name.startswith("_") for parameter in made.parameters
        ):
            del holder.members["__init__"]
