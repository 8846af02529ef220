"""Running and fixing without an editor: the disk is the snapshot."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fixwright import config
from fixwright.fix.ladder import Ladder
from fixwright.fix.services import Services
from fixwright.index.definitions import WorkspaceDefinitions
from fixwright.runs.dependencies import Dependencies
from fixwright.runs.runner import Runner
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.snapshot import Folder, Snapshot

_MANIFESTS = ("pyproject.toml", "package.json", "go.mod", "Cargo.toml", "pom.xml")


@dataclass(frozen=True)
class Headless:
    """What a command works with.

    `unconfined` runs without any sandbox: only after a yes to exactly that. `problems` are
    sentences about the settings.
    """

    snapshot: Snapshot
    runner: Runner
    unconfined: Runner
    ladder: Ladder
    dependencies: Dependencies
    problems: tuple[str, ...]


@asynccontextmanager
async def headless(path: Path) -> AsyncGenerator[Headless, None]:
    """Everything for work on a file or folder; given back at the end."""
    root = root_of(path)
    folder = Folder.at(path_to_uri(root))
    assert folder is not None
    problems: list[str] = []
    found = config.configure(
        config.workspace_layer(root, problems),
        config.user_layer(problems),
        config.environment_layer(),
    )
    definitions = WorkspaceDefinitions()
    services = Services.of(found.settings, definitions)
    try:
        yield Headless(
            Snapshot().with_folders([folder]),
            services.runner,
            Runner(services.door.open_unconfined, services.runner.limits),
            services.ladder,
            services.dependencies,
            (*problems, *found.problems),
        )
    finally:
        await services.close()
        await definitions.close()


def root_of(path: Path) -> Path:
    """The work tree that a path lies in, else its folder."""
    start = path if path.is_dir() else path.parent
    for folder in (start, *start.parents):
        if (folder / ".git").exists() or any((folder / name).is_file() for name in _MANIFESTS):
            return folder
    return start
