"""Report the exceptions that asyncio only logs: those of tasks and callbacks nobody awaits."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_MODULE = "asyncio.base_events"

Found = Callable[[BaseException, str], None]


def watch(found: Found) -> None:
    """Call `found` with each such exception and the name of its task.

    asyncio is slow to import, and most programs do without: it is changed when it is imported.
    """
    module = sys.modules.get(_MODULE)
    if module is not None:
        _watch_module(module, found)
    else:
        sys.meta_path.insert(0, _Finder(found))


def _watch_module(module: ModuleType, found: Found) -> None:
    original = module.BaseEventLoop.default_exception_handler

    def default_exception_handler(self: Any, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException):
            task = context.get("task") or context.get("future")
            get_name = getattr(task, "get_name", None)
            found(error, str(get_name()) if callable(get_name) else "asyncio")
        original(self, context)

    module.BaseEventLoop.default_exception_handler = default_exception_handler


class _Finder(MetaPathFinder):
    """Finds one module as ever, to be there when it has been loaded."""

    def __init__(self, found: Found) -> None:
        self._found = found

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to load asyncio's module, and nothing of any other."""
        if fullname != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Watched(spec.loader, self._found)
        return spec


class _Watched(Loader):
    """Loads a module with its own loader, then watches it."""

    def __init__(self, loader: Any, found: Found) -> None:
        self._loader = loader
        self._found = found

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Create the module as its own loader does."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Execute the module, with its own loader back in its place."""
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        _watch_module(module, self._found)
