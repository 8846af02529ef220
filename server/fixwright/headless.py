"""Work without an editor: the disk is the snapshot."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fixwright import config
from fixwright.fix.indexed import WorkspaceDefinitions
from fixwright.fix.ladder import Ladder
from fixwright.fix.services import Services
from fixwright.index.workspace_index import WorkspaceIndex
from fixwright.runs.dependencies import Dependencies
from fixwright.runs.runner import Runner
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.snapshot import Folder, Snapshot

log = logging.getLogger(__name__)

_PATIENCE = 10.0
"""Seconds that a fix waits for the index; nobody types meanwhile."""

_MANIFESTS = ("pyproject.toml", "package.json", "go.mod", "Cargo.toml", "pom.xml")


@dataclass(frozen=True)
class Headless:
    """What a command works with.

    Attributes:
        unconfined: runs without any sandbox: only after a yes to exactly that.
        services: what the settings decide; the runner and the ladder are its own.
        index: the work tree's, started when it is first asked for; None where it can't be.
        problems: sentences about the settings.
    """

    snapshot: Snapshot
    runner: Runner
    unconfined: Runner
    ladder: Ladder
    dependencies: Dependencies
    services: Services
    index: Callable[[], Awaitable[WorkspaceIndex | None]]
    problems: tuple[str, ...]


@asynccontextmanager
async def headless(path: Path, *, watch: bool = False) -> AsyncGenerator[Headless, None]:
    """Everything for work on a file or folder; given back at the end.

    Args:
        path: the file or folder; the work tree around it is the workspace.
        watch: whether the index follows the disk, for what lasts longer than one command.
    """
    root = root_of(path)
    folder = Folder.at(path_to_uri(root))
    assert folder is not None
    problems: list[str] = []
    found = config.configure(
        config.workspace_layer(root, problems),
        config.user_layer(problems),
        config.environment_layer(),
    )
    index = _Index(root, found.settings.index.cache, watch=watch)
    definitions = WorkspaceDefinitions(index.started, patience=_PATIENCE)
    services = Services.of(found.settings, definitions)
    try:
        yield Headless(
            Snapshot().with_folders([folder]),
            services.runner,
            Runner(services.door.open_unconfined, services.runner.limits),
            services.ladder,
            services.dependencies,
            services,
            index.started,
            (*problems, *found.problems),
        )
    finally:
        await services.close()
        await index.close()


class _Index:
    """The index of a work tree, started when a rule first asks for it."""

    def __init__(self, root: Path, cache: str | None, *, watch: bool) -> None:
        self._root = root
        self._watch = watch
        self._cache = None if cache is None else Path(cache)
        self._starting: asyncio.Task[WorkspaceIndex] | None = None

    async def started(self) -> WorkspaceIndex | None:
        """The index; None where it can't be started."""
        if self._starting is None:
            start = WorkspaceIndex.start([self._root], cache=self._cache, watch=self._watch)
            self._starting = asyncio.create_task(start)
        try:
            return await asyncio.shield(self._starting)
        except OSError as error:
            log.error("the index of the workspace can't be started: %s", error)
            return None

    async def close(self) -> None:
        """End it, if it was started."""
        if self._starting is not None:
            index = await self.started()
            if index is not None:
                await index.close()


def root_of(path: Path) -> Path:
    """The work tree that a path lies in, else its folder."""
    start = path if path.is_dir() else path.parent
    for folder in (start, *start.parents):
        if (folder / ".git").exists() or any((folder / name).is_file() for name in _MANIFESTS):
            return folder
    return start
