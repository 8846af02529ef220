"""What the settings decide: the sandbox, the runner, the ladder, and the model behind it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fixwright.config import ModelConfig, Settings
from fixwright.fix.indexed import WorkspaceDefinitions
from fixwright.fix.ladder import Ladder
from fixwright.fix.model import ModelRung
from fixwright.models.factory import (
    ANTHROPIC_VARIABLE,
    OPENAI_VARIABLE,
    ModelSettings,
    open_provider,
)
from fixwright.models.types import ModelError, Provider
from fixwright.runs.dependencies import Dependencies
from fixwright.runs.door import Door, limits_of
from fixwright.runs.runner import Runner
from fixwright.runs.sessions import Sessions


class ModelCell:
    """The model's provider, opened when it is first asked."""

    def __init__(self, settings: ModelSettings) -> None:
        self.settings = settings
        self._provider: Provider | None = None

    async def open(self) -> Provider:
        """Open it once.

        Raises:
            ModelError: it can't be used as it is set up.
        """
        if self._provider is None:
            self._provider = await open_provider(self.settings)
        if self._provider is None:
            raise ModelError("settings", "No model is set up. Set model.provider and its key.")
        return self._provider

    async def close(self) -> None:
        """Close its connections."""
        provider, self._provider = self._provider, None
        if provider is not None:
            await provider.close()


@dataclass
class Services:
    """What depends on the settings, and is replaced when they change."""

    settings: Settings
    door: Door
    runner: Runner
    sessions: Sessions
    ladder: Ladder
    model: ModelCell
    dependencies: Dependencies

    @classmethod
    def of(cls, settings: Settings, definitions: WorkspaceDefinitions) -> Services:
        """Set everything up; nothing is opened yet."""
        door = Door(settings.sandbox)
        dependencies = Dependencies(door.open, settings.sandbox.dependencies)
        runner = Runner(door.open, limits_of(settings.sandbox), dependencies.layer)
        model = ModelCell(model_settings(settings.model))
        rung = None
        if settings.fix.attempts and has_model(model.settings):
            budget = settings.model.budget_usd
            rung = ModelRung(runner, model.open, settings.fix.attempts, budget)
        sessions = Sessions(door.open, runner.limits, dependencies.layer)
        ladder = Ladder(runner, definitions.of, rung)
        return cls(settings, door, runner, sessions, ladder, model, dependencies)

    async def close(self) -> None:
        """Give back sandboxes and connections."""
        await asyncio.gather(self.door.close(), self.model.close())


def model_settings(config: ModelConfig) -> ModelSettings:
    """The section `model` of the settings, as the models' room takes it."""
    return ModelSettings(
        provider=config.provider,
        name=config.name,
        base_url=config.base_url,
        protocol=config.protocol,
        max_tokens=config.max_tokens,
        api_key_command=config.api_key_command,
        script=Path(config.script).expanduser() if config.script else None,
    )


def has_model(settings: ModelSettings, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a model can be asked: one is named, or a key for one is there."""
    if settings.provider is not None:
        return settings.provider != "none"
    return any(environ.get(name) for name in (ANTHROPIC_VARIABLE, OPENAI_VARIABLE))
