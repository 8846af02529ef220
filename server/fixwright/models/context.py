"""How much a model holds: what the settings say, what its server says, what the catalogue says.

A server of one's own often holds far less than the model could, and some drop what is too much
without a word: Ollama's compatible endpoints take no context size with a request and cut the oldest
messages, LM Studio cuts as it is set up to. So the server is asked what it really has loaded.
"""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from fixwright.models.errors import Endpoint
    from fixwright.models.probing import Probe

Server = Literal["ollama", "llama.cpp", "lmstudio", "other"]


@dataclass(frozen=True, slots=True)
class Context:
    """The tokens that a model holds, question and answer together.

    Attributes:
        tokens: how many.
        source: who says so.
        server: the kind of server, if it was asked.
        cuts: whether more than that is dropped silently, rather than refused.
    """

    tokens: int
    source: Literal["settings", "server", "catalogue"]
    server: Server = "other"
    cuts: bool = False

    @property
    def remedy(self) -> str:
        """What makes it larger, as a sentence for the user."""
        if self.source == "settings":
            return "Raise model.contextTokens if the server holds more."
        match self.server:
            case "ollama":
                return (
                    "Start Ollama with a larger OLLAMA_CONTEXT_LENGTH (agents want 65536), or set "
                    "PARAMETER num_ctx in the model's Modelfile."
                )
            case "lmstudio":
                return "Load the model with a larger context length in LM Studio."
            case "llama.cpp":
                return "Start llama-server with a larger --ctx-size."
            case "other":
                if self.source == "catalogue":
                    return "Choose a model that holds more in model.name."
                return "Start the server with a larger context, if the model has one."


class ContextFinder:
    """Finds out how much the model at an endpoint holds."""

    def __init__(
        self,
        endpoint: Endpoint,
        api_key: str,
        *,
        stated: int | None = None,
        known: int | None = None,
        ask: bool = False,
    ) -> None:
        """Ask nobody yet.

        Args:
            endpoint: where, and which model.
            api_key: some servers want it for their list of models.
            stated: what the settings say; a server that has less is believed.
            known: what the catalogue says.
            ask: whether to ask the server; a vendor's own needs no asking.
        """
        self._endpoint = endpoint
        self._key = api_key
        self._stated = stated
        self._known = known
        self._ask = ask
        self._probe: Probe | None = None
        self._told: Context | None = None

    async def find(self) -> Context | None:
        """What it holds; None when nobody knows."""
        told = await self._asked() if self._ask else None
        if self._stated is not None and (told is None or told.tokens > self._stated):
            stated = Context(self._stated, "settings")
            return stated if told is None else replace(stated, server=told.server, cuts=told.cuts)
        if told is not None:
            return told
        return Context(self._known, "catalogue") if self._known else None

    async def close(self) -> None:
        """Close the connection."""
        if self._probe is not None:
            await self._probe.close()

    async def _asked(self) -> Context | None:
        if self._probe is None:
            self._probe = await asyncio.to_thread(_probe, self._endpoint, self._key)
        if not self._probe.settled:
            self._told = await self._probe.ask()
        return self._told


def _probe(endpoint: Endpoint, api_key: str) -> Probe:
    """Blocks: imports an HTTP client and reads certificates."""
    probing = importlib.import_module("fixwright.models.probing")
    return probing.Probe(endpoint, api_key)
