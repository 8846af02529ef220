"""The provider `scripted`: a real SDK client that talks to a server in this very process."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fixwright.models.errors import Endpoint
from fixwright.models.loading import load_anthropic, load_openai, load_responses
from fixwright.models.scripted.script import Script, ScriptError, load_script
from fixwright.models.scripted.server import ScriptedServer
from fixwright.models.types import ModelError, Provider

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from fixwright.models.types import Delta, Done, Request


class ScriptedProvider:
    """A provider together with the server that it talks to."""

    def __init__(self, inner: Provider, server: ScriptedServer) -> None:
        self._inner = inner
        self.server = server

    @property
    def key(self) -> str:
        """See `Provider.key`."""
        return self._inner.key

    @property
    def model(self) -> str:
        """See `Provider.model`."""
        return self._inner.model

    def stream(self, request: Request) -> AsyncGenerator[Delta | Done, None]:
        """See `Provider.stream`."""
        return self._inner.stream(request)

    async def close(self) -> None:
        """Close the connections and stop the server."""
        await self._inner.close()
        await self.server.close()


async def open_scripted(path: Path, *, max_tokens: int) -> ScriptedProvider:
    """Start a server for the script and a client for the server.

    Raises:
        ModelError: of kind `settings`, when the script is not valid.
    """
    try:
        script = await asyncio.to_thread(load_script, path)
    except ScriptError as error:
        raise ModelError(
            "settings", f"{error}\nCorrect it, or choose another model.script."
        ) from error
    server = ScriptedServer(script)
    await server.start()
    try:
        return ScriptedProvider(await connect(script, server, max_tokens=max_tokens), server)
    except BaseException:
        await server.close()
        raise


async def connect(script: Script, server: ScriptedServer, *, max_tokens: int) -> Provider:
    """A client for a server that is already running, in the script's protocol."""
    name = f"the scripted model ({script.name})"
    if script.protocol == "anthropic":
        endpoint = Endpoint(name, server.url, script.model, "the script")
        return (await load_anthropic())(endpoint, "scripted", max_tokens=max_tokens)
    endpoint = Endpoint(name, f"{server.url}/v1", script.model, "the script")
    load = load_openai if script.protocol == "openai" else load_responses
    return (await load())(endpoint, "scripted", max_tokens=max_tokens)
