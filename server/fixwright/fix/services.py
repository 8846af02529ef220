"""What the settings decide: the sandbox, the runner, the ladder, and the model behind it."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fixwright.config import Settings
from fixwright.fix.indexed import WorkspaceDefinitions
from fixwright.fix.ladder import Ladder
from fixwright.fix.model import ModelRung
from fixwright.model_config import FallbackConfig, ModelConfig, PriceConfig
from fixwright.models.factory import (
    ANTHROPIC_VARIABLE,
    OPENAI_VARIABLE,
    ModelSettings,
    open_model,
    small_settings,
)
from fixwright.models.fallback import Consent, Fallback
from fixwright.models.model import Model
from fixwright.models.prices import Price
from fixwright.models.types import ModelError
from fixwright.runs.dependencies import Dependencies
from fixwright.runs.door import Door, limits_of
from fixwright.runs.runner import Runner
from fixwright.runs.sessions import Sessions


class ModelCell:
    """The models that the settings name, each opened when it is first asked, and once."""

    def __init__(self, settings: ModelSettings) -> None:
        self.settings = settings
        self._opened: list[tuple[ModelSettings, Model]] = []
        self._opening = asyncio.Lock()

    async def open(self) -> Model:
        """The model that answers.

        Raises:
            ModelError: it can't be used as it is set up.
        """
        return await self._open(self.settings)

    async def small(self) -> Model:
        """The model for titles and summaries, which may be the same one.

        Raises:
            ModelError: it can't be used as it is set up.
        """
        return await self._open(await asyncio.to_thread(small_settings, self.settings))

    def fallback(self, consent: Consent) -> Fallback:
        """The models of a new session: the one that answers, and those to fall back to."""
        every = (self.settings, *self.settings.fallback)
        return Fallback([functools.partial(self._open, each) for each in every], consent)

    async def close(self) -> None:
        """Close all connections."""
        opened, self._opened = self._opened, []
        await asyncio.gather(*(model.close() for _, model in opened))

    async def _open(self, settings: ModelSettings) -> Model:
        async with self._opening:
            for known, model in self._opened:
                if known == settings:
                    return model
            model = await open_model(settings)
            if model is None:
                raise ModelError("settings", "No model is set up. Set model.provider and its key.")
            self._opened.append((settings, model))
            return model


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
    prices = {name: _price(each) for name, each in config.prices.items()}
    return ModelSettings(
        provider=config.provider,
        name=config.name,
        base_url=config.base_url,
        protocol=config.protocol,
        max_tokens=config.max_tokens,
        context_tokens=config.context_tokens,
        small=config.small,
        prices=prices,
        fallback=tuple(_fallback_settings(each, config, prices) for each in config.fallback),
        api_key_command=config.api_key_command,
        script=Path(config.script).expanduser() if config.script else None,
    )


def _fallback_settings(
    other: FallbackConfig, config: ModelConfig, prices: Mapping[str, Price]
) -> ModelSettings:
    return ModelSettings(
        provider=other.provider,
        name=other.name,
        base_url=other.base_url,
        protocol=other.protocol,
        max_tokens=other.max_tokens or config.max_tokens,
        context_tokens=other.context_tokens,
        prices=prices,
        api_key_command=other.api_key_command,
        script=Path(other.script).expanduser() if other.script else None,
    )


def _price(config: PriceConfig) -> Price:
    """What the settings leave out costs what other input does."""
    read, write = config.cache_read, config.cache_write
    return Price(
        input=config.input,
        output=config.output,
        cache_read=config.input if read is None else read,
        cache_write=config.input if write is None else write,
    )


def has_model(settings: ModelSettings, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a model can be asked: one is named, or a key for one is there."""
    if settings.provider is not None:
        return settings.provider != "none"
    return any(environ.get(name) for name in (ANTHROPIC_VARIABLE, OPENAI_VARIABLE))
