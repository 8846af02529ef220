"""The settings of the models: which one answers, which ones step in, what their tokens cost."""

from __future__ import annotations

import json
from typing import Annotated, Literal, cast

from pydantic import BeforeValidator, Field

from fixwright.agent_config import Section, Words

LEAST_CONTEXT = 2_048
"""Tokens; a model that holds less can't be asked anything useful."""


def _json_of(value: object) -> object:
    """Accept JSON as the environment holds it."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _fallback_of(value: object) -> object:
    """Accept `anthropic/claude-haiku-5-5,openai/gpt-6-luna`, besides tables and JSON."""
    value = _json_of(value)
    if isinstance(value, str):
        value = [word for word in value.split(",") if word.strip()]
    if not isinstance(value, list | tuple):
        return value
    return [_named(each) for each in cast("list[object]", value)]


def _named(value: object) -> object:
    if not isinstance(value, str):
        return value
    provider, slash, name = value.strip().partition("/")
    return {"provider": provider, "name": name} if slash else {"provider": provider}


class PriceConfig(Section):
    """US dollars per million tokens; what is read from a cache costs as much as other input."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cache_read: float | None = Field(default=None, ge=0)
    cache_write: float | None = Field(default=None, ge=0)


class FallbackConfig(Section):
    """A model to go on with when the one before has failed for good."""

    provider: Literal["anthropic", "openai", "scripted"]
    name: str | None = None
    base_url: str | None = None
    protocol: Literal["auto", "responses", "chat"] = "auto"
    max_tokens: int | None = Field(default=None, gt=0)
    context_tokens: int | None = Field(default=None, ge=LEAST_CONTEXT)
    api_key_command: Words = ()
    script: str | None = None


class ModelConfig(Section):
    """Which model answers. `provider` None: the first whose key is in the environment."""

    provider: Literal["anthropic", "openai", "scripted", "none"] | None = None
    name: str | None = None
    base_url: str | None = None
    protocol: Literal["auto", "responses", "chat"] = "auto"
    """How OpenAI's provider speaks: by itself Responses with OpenAI, else Chat Completions."""
    max_tokens: int = Field(default=8192, gt=0)
    context_tokens: int | None = Field(default=None, ge=LEAST_CONTEXT)
    """What the model holds, question and answer together; None asks the server."""
    budget_usd: float = Field(default=1.0, ge=0)
    small: str | None = None
    """The model for titles and summaries."""
    fallback: Annotated[tuple[FallbackConfig, ...], BeforeValidator(_fallback_of)] = ()
    prices: Annotated[dict[str, PriceConfig], BeforeValidator(_json_of)] = Field(
        default_factory=dict[str, PriceConfig]
    )
    """By the model's name, over the ones that Fixwright knows."""
    api_key_command: Words = ()
    script: str | None = None
