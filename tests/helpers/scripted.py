"""Scripts of the project as modules, to be asked in the tests."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from typing import Any

from helpers import ROOT

SCRIPTS = ROOT / "scripts"


def load_script(name: str) -> Any:
    """Return a script of ``scripts`` as a module."""
    module_name = name.replace("-", "_")
    loader = SourceFileLoader(module_name, str(SCRIPTS / name))
    spec = importlib.util.spec_from_loader(module_name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses look for it
    loader.exec_module(module)
    return module
