"""In an editable install: `openai_contract_kit.fake_server.x` is the module `fake_server.x` of the checkout.

It is the very same module object, so a class imported by either name is one class.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType
from typing import Any

PREFIX = "openai_contract_kit."
PACKAGES = ("fake_server", "contract_tests")


class _Alias(InspectLoader):
    """Loads one module under its installed name."""

    def __init__(self, spec: ModuleSpec) -> None:
        self._spec = spec

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return importlib.import_module(self._spec.name)

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # the import system has just set the alias's

    def get_code(self, fullname: str) -> CodeType | None:
        """What `python -m` runs."""
        loader: Any = self._spec.loader
        code: CodeType | None = loader.get_code(self._spec.name)
        return code

    def get_source(self, fullname: str) -> str | None:
        loader: Any = self._spec.loader
        source: str | None = loader.get_source(self._spec.name)
        return source


class _Finder(MetaPathFinder):
    """Finds the modules of the checkout under their installed names."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        name = fullname.removeprefix(PREFIX)
        if name == fullname or name.partition(".")[0] not in PACKAGES:
            return None
        spec = importlib.util.find_spec(name)
        if spec is None:
            return None
        alias = ModuleSpec(fullname, _Alias(spec), origin=spec.origin)
        alias.submodule_search_locations = spec.submodule_search_locations
        alias.has_location = spec.has_location
        return alias


def serve() -> None:
    """Let the import system ask the finder, before all others: the path has nothing to offer here."""
    sys.meta_path.insert(0, _Finder())
