"""Figures of matplotlib: shown when the program says `show`, or when its cell has ended."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import util
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from .rich import Data, figure_data

_PYPLOT = "matplotlib.pyplot"
_MOST = 20
"""Figures that are shown at once; more are closed unseen, and that is told."""


class Figures:
    """Sees to it that matplotlib draws into files, and takes what it drew.

    Nothing is imported here: `pyplot` is prepared when the program imports it.
    """

    def __init__(self, show: Callable[[Data], None]) -> None:
        self._show = show
        self._importing = False
        os.environ.setdefault("MPLBACKEND", "Agg")
        sys.meta_path.insert(0, self)  # pyright: ignore[reportArgumentType]  # all that is asked of a finder is there

    def find_spec(
        self,
        name: str,
        path: Any,  # noqa: ARG002 (the interface's)
        target: ModuleType | None = None,  # noqa: ARG002 (the interface's)
    ) -> Any:
        """Where pyplot is; afterwards its `show` is ours."""
        if name != _PYPLOT or self._importing:
            return None
        self._importing = True
        try:
            spec = util.find_spec(name)
        finally:
            self._importing = False
        if spec is not None and spec.loader is not None:
            spec.loader = _Prepared(spec.loader, self)  # pyright: ignore[reportAttributeAccessIssue]  # likewise a loader
        return spec

    def show_all(self) -> None:
        """Show every open figure, and close it."""
        pyplot: Any = sys.modules.get(_PYPLOT)
        if pyplot is None or not hasattr(pyplot, "get_fignums"):
            return
        numbers = list(pyplot.get_fignums())
        for number in numbers[:_MOST]:
            self._show(figure_data(pyplot.figure(number)))
        if len(numbers) > _MOST:
            sys.stderr.write(f"{len(numbers) - _MOST} more figures were closed unseen.\n")
        pyplot.close("all")


class _Prepared:
    """A loader that prepares what it has loaded."""

    def __init__(self, loader: Any, figures: Figures) -> None:
        self._loader = loader
        self._figures = figures

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        self._loader.exec_module(module)

        def show(*_arguments: object, **_options: object) -> None:
            self._figures.show_all()

        module.show = show

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)
