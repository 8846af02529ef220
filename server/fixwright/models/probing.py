"""Ask a server how much it holds: Ollama, llama.cpp, LM Studio, vLLM and the like, OpenRouter.

Importing this imports an HTTP client; `context` does, in a thread, when there is a server to ask.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx2

from fixwright.models.connection import open_client
from fixwright.models.context import Context
from fixwright.models.json_reading import as_count, as_list, as_object, as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fixwright.models.errors import Endpoint

LOADING_SECONDS = 600.0
"""How long Ollama may take to load a model from a slow disk."""

_ASKING = httpx2.Timeout(5, connect=2)

_NAMES = ("max_model_len", "context_length", "context_window", "max_context_length")
"""How a list of models calls it: vLLM and SGLang, OpenRouter and Together, Groq, Mistral."""


class Probe:
    """Asks one server about one model.

    Attributes:
        settled: whether asking again would bring nothing new. Not so for a server that was not
            there, nor for Ollama, which loads and unloads as others ask.
    """

    def __init__(self, endpoint: Endpoint, api_key: str) -> None:
        """Build the client, which reads certificates; no request is made."""
        self._endpoint = endpoint
        self._client = open_client(endpoint.url, {"authorization": f"Bearer {api_key}"})
        self._answered = False
        self.settled = False

    async def ask(self) -> Context | None:
        """What it says, if it is a kind of server that says."""
        base = self._endpoint.url
        root = base.removesuffix("/v1")
        self._answered = self.settled = False
        listed = f"{base}/models" if root != base else f"{base}/v1/models"
        running, props, studio, models = await asyncio.gather(
            self._get(f"{root}/api/ps"),
            self._get(f"{root}/props"),
            self._get(f"{root}/api/v0/models"),
            self._get(listed),
        )
        if "models" in running:
            return await self._ollama(root, running)
        self.settled = self._answered
        if size := as_count(as_object(props.get("default_generation_settings")).get("n_ctx")):
            return Context(size, "server", "llama.cpp")
        if size := self._of_model(studio, ("loaded_context_length",)):
            return Context(size, "server", "lmstudio", cuts=True)
        if size := self._of_model(models, _NAMES):
            return Context(size, "server")
        return None

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def _ollama(self, root: str, running: Mapping[str, object]) -> Context | None:
        """What is loaded. If nothing is, load it as the question would: that decides the size."""
        size = self._loaded(running)
        if not size:
            await self._load(root)
            size = self._loaded(await self._get(f"{root}/api/ps"))
        return Context(size, "server", "ollama", cuts=True) if size else None

    def _loaded(self, running: Mapping[str, object]) -> int:
        name = self._endpoint.model
        wanted = {name, name if ":" in name else f"{name}:latest"}
        for entry in map(as_object, as_list(running.get("models"))):
            if {as_text(entry.get("name")), as_text(entry.get("model"))} & wanted:
                return as_count(entry.get("context_length"))
        return 0

    def _of_model(self, listed: Mapping[str, object], names: tuple[str, ...]) -> int:
        for entry in map(as_object, as_list(listed.get("data"))):
            if entry.get("id") == self._endpoint.model:
                return next((n for name in names if (n := as_count(entry.get(name)))), 0)
        return 0

    async def _get(self, url: str) -> dict[str, object]:
        """The JSON object there; an empty one if there is none."""
        try:
            response = await self._client.get(url, timeout=_ASKING)
            self._answered = True
            return as_object(response.json()) if response.is_success else {}
        except (httpx2.HTTPError, ValueError, OSError):
            return {}

    async def _load(self, root: str) -> None:
        try:
            await self._client.post(
                f"{root}/api/generate",
                json={"model": self._endpoint.model},
                timeout=httpx2.Timeout(LOADING_SECONDS, connect=2),
            )
        except (httpx2.HTTPError, OSError):
            return  # the question itself will say what is wrong
