"""From settings to a provider that is ready to stream."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import urlsplit

from fixwright.models.catalogue import known_model, load_catalogue
from fixwright.models.credentials import ApiKey, find_key
from fixwright.models.errors import Endpoint
from fixwright.models.loading import load_anthropic, load_openai, load_responses, load_scripted
from fixwright.models.types import ModelError, Provider

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ProviderName: TypeAlias = Literal["anthropic", "openai", "scripted", "none"]

OpenAIProtocol: TypeAlias = Literal["auto", "responses", "chat"]

ANTHROPIC_VARIABLE = "ANTHROPIC_API_KEY"
OPENAI_VARIABLE = "OPENAI_API_KEY"
ANTHROPIC_URL = "https://api.anthropic.com"
OPENAI_URL = "https://api.openai.com/v1"
ANTHROPIC_MODEL = "claude-sonnet-5-5"
OPENAI_MODEL = "gpt-6.1-sol"


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The `model` section of the settings.

    Attributes:
        provider: None chooses by the keys in the environment, Anthropic's before OpenAI's.
        name: the model; None for the provider's default.
        base_url: another server that speaks the provider's protocol (OpenAI's ends in `/v1`).
        protocol: how OpenAI's provider speaks. `auto` is the Responses API with OpenAI itself and
            Chat Completions, which every compatible server knows, with a `base_url`.
        max_tokens: the output limit of an answer, thinking included.
        api_key_command: prints the key; only ever from the user's own settings.
        script: what the scripted provider says.
    """

    provider: ProviderName | None = None
    name: str | None = None
    base_url: str | None = None
    protocol: OpenAIProtocol = "auto"
    max_tokens: int = 16_384
    api_key_command: tuple[str, ...] = ()
    script: Path | None = None


async def open_provider(
    settings: ModelSettings, environ: Mapping[str, str] = os.environ
) -> Provider | None:
    """The provider that the settings ask for, or None when there is to be no model.

    No request is made. The first provider of a kind loads its SDK, which takes seconds, in a
    thread; the loop goes on meanwhile. Close the provider when done.

    Raises:
        ModelError: of kind `settings` or `auth`, when what is asked for cannot be had.
    """
    chosen = settings.provider or _chosen_by_key(settings, environ)
    if chosen == "none":
        return None
    await asyncio.to_thread(load_catalogue)
    if chosen == "scripted":
        return await _open_scripted(settings)
    return await _OPENERS[chosen](settings, environ)


def _chosen_by_key(settings: ModelSettings, environ: Mapping[str, str]) -> ProviderName:
    if settings.api_key_command or settings.base_url:
        # Guessing could hand one vendor's key to another.
        raise ModelError(
            "settings",
            "model.apiKeyCommand or model.baseUrl is set, but not whose model it is for. "
            'Set model.provider to "anthropic" or "openai".',
        )
    if environ.get(ANTHROPIC_VARIABLE, "").strip():
        return "anthropic"
    if environ.get(OPENAI_VARIABLE, "").strip():
        return "openai"
    return "none"


async def _open_anthropic(settings: ModelSettings, environ: Mapping[str, str]) -> Provider:
    key = await find_key(ANTHROPIC_VARIABLE, settings.api_key_command, environ)
    key = _required(key, settings, "Anthropic", ANTHROPIC_VARIABLE)
    endpoint = _endpoint(settings, "Anthropic", ANTHROPIC_URL, ANTHROPIC_MODEL, key)
    known = known_model(endpoint.model)
    provider = await load_anthropic()
    return await asyncio.to_thread(  # building a client reads certificates
        provider,
        endpoint,
        key.secret,
        max_tokens=settings.max_tokens,
        show_thinking=known is not None and known.show_thinking,
    )


async def _open_openai(settings: ModelSettings, environ: Mapping[str, str]) -> Provider:
    key = await find_key(OPENAI_VARIABLE, settings.api_key_command, environ)
    key = _required(key, settings, "OpenAI", OPENAI_VARIABLE)
    endpoint = _endpoint(settings, "OpenAI", OPENAI_URL, OPENAI_MODEL, key)
    own = settings.base_url is None
    if settings.protocol == "responses" or (settings.protocol == "auto" and own):
        responses = await load_responses()
        return await asyncio.to_thread(
            responses, endpoint, key.secret, max_tokens=settings.max_tokens
        )
    known = known_model(endpoint.model)
    provider = await load_openai()
    return await asyncio.to_thread(  # building a client reads certificates
        provider,
        endpoint,
        key.secret,
        max_tokens=settings.max_tokens,
        tools_need_no_reasoning=known is not None and known.tools_need_no_reasoning,
    )


_OPENERS = {"anthropic": _open_anthropic, "openai": _open_openai}


async def _open_scripted(settings: ModelSettings) -> Provider:
    if settings.script is None:
        raise ModelError(
            "settings",
            'model.provider is "scripted", but model.script names no file. '
            "Set it to a TOML or JSON script, or choose another provider.",
        )
    open_scripted = await load_scripted()
    return await open_scripted(settings.script, max_tokens=settings.max_tokens)


def _required(key: ApiKey | None, settings: ModelSettings, vendor: str, variable: str) -> ApiKey:
    """The key; a server of one's own, such as Ollama, may well want none."""
    if key is not None:
        return key
    if settings.base_url is not None:
        return ApiKey("none", f"{variable} (not set)")
    raise ModelError(
        "auth",
        f"There is no key for {vendor}: {variable} is not set. Set it in the environment that the "
        "editor starts from, or set model.apiKeyCommand in your user settings.",
    )


def _endpoint(settings: ModelSettings, vendor: str, url: str, model: str, key: ApiKey) -> Endpoint:
    if settings.base_url is None:
        return Endpoint(vendor, url, settings.name or model, key.source)
    parts = urlsplit(settings.base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise ModelError(
            "settings",
            f"model.baseUrl is '{settings.base_url}', which is not the URL of a server. "
            "It has to look like http://localhost:11434/v1 and carry no password.",
        )
    if settings.name is None:
        raise ModelError(
            "settings",
            f"model.baseUrl is set, but not which model to ask {parts.netloc} for. Set model.name.",
        )
    name = f"the model server at {parts.netloc}"
    return Endpoint(name, settings.base_url.rstrip("/"), settings.name, key.source)
