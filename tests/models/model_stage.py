"""A scripted model on stage: the real client, the server, and what a test asks of them."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from fixwright.models.types import Delta, Done, Message, Request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fixwright.models.scripted import ScriptedServer
    from fixwright.models.types import Provider

Protocol: TypeAlias = Literal["anthropic", "openai", "responses"]
ASK = Request(("Be brief.",), (Message("user", "Why does it fail?"),))


@dataclass
class Stage:
    """A script being played."""

    provider: Provider
    server: ScriptedServer
    protocol: Protocol

    async def ask(self, request: Request = ASK) -> tuple[list[Delta], Done]:
        """The deltas and the end of a whole answer."""
        async with aclosing(self.provider.stream(request)) as stream:
            *deltas, done = [item async for item in stream]
        assert isinstance(done, Done)
        return [d for d in deltas if isinstance(d, Delta)], done


Play: TypeAlias = "Callable[..., Awaitable[Stage]]"
"""Starts a server that plays the given turns (dicts, as in a script), with a client for it."""
