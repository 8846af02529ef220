"""What an environment keeps between runs. Only environments that have a cache import this."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from typing import Any

from .guard import Guard
from .stage import Stage
from .tree_copy import empty_folder

_DATA = ".data"
_NEARLY_FULL = 4
"""The cache is emptied when less than this part of it is free: the next build needs room."""


class Cache:
    """What an environment keeps between runs: a folder for each runtime, and their data.

    Args:
        config: what the host said of the place.
        data: the runtimes' files that are no modules, in base64, by `runtime/name`.
    """

    def __init__(self, config: dict[str, Any], data: dict[str, str]) -> None:
        self._root: str = config["cache"]
        self._own_file_system: bool = config["contained"]
        self._runtimes: list[str] = config["runtimes"]
        self._data = data
        self.guard = Guard(self._root)
        empty_folder(self._root)
        self._lay_out()

    def folder(self, runtime: str) -> str:
        """The cache of one runtime."""
        return os.path.join(self._root, runtime)

    def data(self, runtime: str) -> str:
        """The folder with a runtime's data."""
        return os.path.join(self._root, _DATA, runtime)

    def settle(self, *, watched: bool) -> bool:
        """After a run: throw away what it may have changed; true where that was so.

        Call when its processes are gone. Raises OSError where something can't be removed.
        """
        touched = watched and self.guard.touched()
        if touched or self._nearly_full():
            self.guard.discard()
            self._lay_out()
        return touched

    def _nearly_full(self) -> bool:
        if not self._own_file_system:
            return False
        info = os.statvfs(self._root)
        return (
            info.f_bavail * _NEARLY_FULL < info.f_blocks
            or info.f_favail * _NEARLY_FULL < info.f_files
        )

    def _lay_out(self) -> None:
        for runtime in self._runtimes:
            os.makedirs(self.folder(runtime), exist_ok=True)
            os.makedirs(self.data(runtime), exist_ok=True)
        for name, text in self._data.items():
            path = os.path.join(self._root, _DATA, name)
            with open(path, "wb") as file:
                file.write(base64.b64decode(text))
            os.chmod(path, 0o444)

    def stage(
        self,
        runtime: str,
        *,
        root: str,
        scratch: str,
        environment: dict[str, str],
        limits: dict[str, Any],
        report: Callable[[dict[str, Any]], None],
        guard: Callable[[], None],
    ) -> Stage:
        """What a driver of this runtime works with."""
        return Stage(
            root=root,
            scratch=scratch,
            cache=self.folder(runtime),
            data=self.data(runtime),
            environment=environment,
            limits=limits,
            report=report,
            guard=guard,
        )
