"""From settings to a model that is ready to be asked."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import urlsplit

from fixwright.models.catalogue import known_model, load_catalogue
from fixwright.models.context import ContextFinder
from fixwright.models.credentials import ApiKey, find_key
from fixwright.models.errors import Endpoint
from fixwright.models.gauge import TokenGauge
from fixwright.models.loading import load_anthropic, load_openai, load_responses, load_scripted
from fixwright.models.model import Model
from fixwright.models.prices import Price
from fixwright.models.types import ModelError, Provider

if TYPE_CHECKING:
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
class _Vendor:
    name: str
    url: str
    model: str
    variable: str


_VENDORS = {
    "anthropic": _Vendor("Anthropic", ANTHROPIC_URL, ANTHROPIC_MODEL, ANTHROPIC_VARIABLE),
    "openai": _Vendor("OpenAI", OPENAI_URL, OPENAI_MODEL, OPENAI_VARIABLE),
}


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
        context_tokens: what the model holds; None asks the server or the catalogue.
        small: the model for titles and summaries; None for the vendor's cheap one, or, with a
            `base_url`, the same.
        prices: over the catalogue's, by the model's name.
        fallback: whom to ask when this model fails for good, in order.
        api_key_command: prints the key; only ever from the user's own settings.
        script: what the scripted provider says.
    """

    provider: ProviderName | None = None
    name: str | None = None
    base_url: str | None = None
    protocol: OpenAIProtocol = "auto"
    max_tokens: int = 16_384
    context_tokens: int | None = None
    small: str | None = None
    prices: Mapping[str, Price] = field(default_factory=dict[str, Price])
    fallback: tuple[ModelSettings, ...] = ()
    api_key_command: tuple[str, ...] = ()
    script: Path | None = None


async def open_model(
    settings: ModelSettings, environ: Mapping[str, str] = os.environ
) -> Model | None:
    """The model that the settings ask for, or None when there is to be none.

    No request is made. The first of a provider's models loads its SDK, which takes seconds, in a
    thread; the loop goes on meanwhile. Close the model when done.

    Raises:
        ModelError: of kind `settings` or `auth`, when what is asked for cannot be had.
    """
    chosen = settings.provider or _chosen_by_key(settings, environ)
    if chosen == "none":
        return None
    await asyncio.to_thread(load_catalogue)
    if chosen == "scripted":
        provider = await _open_scripted(settings)
        endpoint, key = Endpoint("the script", "", provider.model, "the script"), ""
    else:
        endpoint, key = await _endpoint(settings, _VENDORS[chosen], environ)
        provider = await _OPENERS[chosen](settings, endpoint, key)
    return _model(settings, provider, endpoint, key)


def small_settings(
    settings: ModelSettings, environ: Mapping[str, str] = os.environ
) -> ModelSettings:
    """The settings of the model for titles and summaries; the same ones if it is the same model.

    A vendor's cheap model is known, a server of one's own may have but one.

    Raises:
        ModelError: as `open_model` does.
    """
    chosen = settings.provider or _chosen_by_key(settings, environ)
    if chosen in ("none", "scripted"):
        return settings
    usual = load_catalogue().small.get(chosen) if settings.base_url is None else None
    name = settings.small or usual
    if name in (None, settings.name):
        return settings
    stated = settings.context_tokens if settings.base_url is not None else None
    return replace(settings, provider=chosen, name=name, small=None, context_tokens=stated)


def _model(settings: ModelSettings, provider: Provider, endpoint: Endpoint, key: str) -> Model:
    known = known_model(endpoint.model)
    price = settings.prices.get(endpoint.model) or (known.price if known is not None else None)
    return Model(
        provider,
        max_tokens=settings.max_tokens,
        context=ContextFinder(
            endpoint,
            key,
            stated=settings.context_tokens,
            known=known.context if known is not None else None,
            ask=settings.base_url is not None,
        ),
        price=price,
        gauge=TokenGauge({provider.key: known.density if known is not None else 1.0}),
    )


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


async def _open_anthropic(settings: ModelSettings, endpoint: Endpoint, key: str) -> Provider:
    known = known_model(endpoint.model)
    provider = await load_anthropic()
    return await asyncio.to_thread(  # building a client reads certificates
        provider,
        endpoint,
        key,
        max_tokens=settings.max_tokens,
        show_thinking=known is not None and known.show_thinking,
    )


async def _open_openai(settings: ModelSettings, endpoint: Endpoint, key: str) -> Provider:
    own = settings.base_url is None
    known = known_model(endpoint.model)
    marks = own and known is not None and known.cache_marks
    if settings.protocol == "responses" or (settings.protocol == "auto" and own):
        responses = await load_responses()
        return await asyncio.to_thread(
            responses, endpoint, key, max_tokens=settings.max_tokens, cache_marks=marks
        )
    provider = await load_openai()
    return await asyncio.to_thread(  # building a client reads certificates
        provider,
        endpoint,
        key,
        max_tokens=settings.max_tokens,
        tools_need_no_reasoning=known is not None and known.tools_need_no_reasoning,
        cache_marks=marks,
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


async def _endpoint(
    settings: ModelSettings, vendor: _Vendor, environ: Mapping[str, str]
) -> tuple[Endpoint, str]:
    """Where the model is, and the key for it; a server such as Ollama may well want none."""
    key = await find_key(vendor.variable, settings.api_key_command, environ)
    if settings.base_url is not None:
        key = key or ApiKey("none", f"{vendor.variable} (not set)")
        return _own_endpoint(settings, settings.base_url, key), key.secret
    if key is None:
        raise ModelError(
            "auth",
            f"There is no key for {vendor.name}: {vendor.variable} is not set. Set it in the "
            "environment that the editor starts from, or set model.apiKeyCommand in your user "
            "settings.",
        )
    return Endpoint(vendor.name, vendor.url, settings.name or vendor.model, key.source), key.secret


def _own_endpoint(settings: ModelSettings, url: str, key: ApiKey) -> Endpoint:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise ModelError(
            "settings",
            f"model.baseUrl is '{url}', which is not the URL of a server. "
            "It has to look like http://localhost:11434/v1 and carry no password.",
        )
    if settings.name is None:
        raise ModelError(
            "settings",
            f"model.baseUrl is set, but not which model to ask {parts.netloc} for. Set model.name.",
        )
    name = f"the model server at {parts.netloc}"
    return Endpoint(name, url.rstrip("/"), settings.name, key.source)
