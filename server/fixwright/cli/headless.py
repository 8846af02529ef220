"""Running and fixing without an editor: the disk is the snapshot."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fixwright import config
from fixwright.fix.ladder import Ladder
from fixwright.fix.model import ModelRung
from fixwright.index.definitions import WorkspaceDefinitions
from fixwright.models.factory import ModelSettings, open_provider
from fixwright.models.types import ModelError, Provider
from fixwright.runs.door import Door, limits_of
from fixwright.runs.runner import Runner
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.snapshot import Folder, Snapshot


@dataclass(frozen=True)
class Headless:
    """What a command works with."""

    snapshot: Snapshot
    door: Door
    runner: Runner
    ladder: Ladder
    problems: tuple[str, ...]


@asynccontextmanager
async def headless(path: Path) -> AsyncGenerator[Headless, None]:
    """Everything for work on a file or folder; given back at the end."""
    root = root_of(path)
    folder = Folder.at(path_to_uri(root))
    assert folder is not None
    snapshot = Snapshot().with_folders([folder])
    found = config.configure(
        config.workspace_layer(root, problems := []),
        config.user_layer(problems),
        config.environment_layer(),
    )
    settings = found.settings
    door = Door(settings.sandbox)
    runner = Runner(door.open, limits_of(settings.sandbox))
    definitions = WorkspaceDefinitions()
    opened: list[Provider] = []
    model = settings.model
    asked = ModelSettings(
        provider=model.provider,
        name=model.name,
        base_url=model.base_url,
        max_tokens=model.max_tokens,
        api_key_command=model.api_key_command,
        script=_path(model.script),
    )
    provider = await open_provider(asked) if settings.fix.attempts else None
    if provider is not None:
        opened.append(provider)

    async def provide() -> Provider:
        if provider is None:
            raise ModelError("settings", "No model is set up. Set model.provider and its key.")
        return provider

    rung = None
    if provider is not None:
        rung = ModelRung(runner, provide, settings.fix.attempts, model.budget_usd)
    ladder = Ladder(runner, definitions.of, rung)
    try:
        yield Headless(snapshot, door, runner, ladder, (*problems, *found.problems))
    finally:
        await door.close()
        await definitions.close()
        for each in opened:
            await each.close()


def _path(name: str | None) -> Path | None:
    return Path(name).expanduser() if name else None


def root_of(path: Path) -> Path:
    """The work tree that a path lies in, else its folder."""
    start = path if path.is_dir() else path.parent
    for folder in (start, *start.parents):
        if (folder / ".git").exists() or (folder / "pyproject.toml").is_file():
            return folder
    return start
