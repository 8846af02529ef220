"""One connection with a server of tools, from its start to its end."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections import deque
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, cast

from fixwright import __version__
from fixwright.agent.plugins.program import Program, program_streams
from fixwright.agent.policy.fence import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp import Client

NEEDS_EXTRA = "the package mcp is not installed. Install it with: pip install 'fixwright[mcp]'"

_LONGEST_END = 10.0
"""Seconds for a connection to end in order."""

log = logging.getLogger(__name__)


class ServerFailed(Exception):
    """A server can't be used; the text says why, in words that follow its name."""


@dataclass(frozen=True)
class Address:
    """A server that is reached by HTTP, and what each request to it carries."""

    url: str
    headers: Mapping[str, str]


Target: TypeAlias = Program | Address


@dataclass
class Connection:
    """Entered and left by one task of its own, as the SDK wants it; used from any."""

    target: Target
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None
    _ready: asyncio.Future[Client] | None = None

    @property
    def last_words(self) -> str:
        """What the server's program has said last, besides its messages."""
        said = self.target.said if isinstance(self.target, Program) else deque[str]()
        return " / ".join(said)

    async def open(self, seconds: float) -> Client:
        """Start or reach the server, and greet it.

        Raises:
            ServerFailed: that can't be done, or takes longer.
        """
        try:
            # The first import takes a second, in which nothing else would move.
            await asyncio.to_thread(importlib.import_module, "mcp")
        except ImportError as error:
            raise ServerFailed(NEEDS_EXTRA) from error
        ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._ready = ready
        self._task = asyncio.create_task(self._own(ready))
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(ready)
        except TimeoutError as error:
            await self.close()
            told = f"it did not greet within {seconds:g} seconds{self._besides()}"
            raise ServerFailed(told) from error
        except asyncio.CancelledError:
            await self.close()
            raise

    async def close(self) -> None:
        """End it; safe to call twice. When this returns no process is left."""
        self._stop.set()
        task = self._task
        if task is None:
            return
        if self._ready is not None and self._ready.done():
            await asyncio.wait([task], timeout=_LONGEST_END)
        task.cancel()
        await asyncio.wait([task])

    async def _own(self, ready: asyncio.Future[Client]) -> None:
        try:
            async with AsyncExitStack() as stack:
                client = await self._entered(stack)
                if not ready.done():
                    ready.set_result(client)
                await self._stop.wait()
        except asyncio.CancelledError:
            ready.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - the SDK's, the network's, or groups of both
            if ready.done():
                log.warning("The connection with a server of tools broke: %s", reason_of(error))
            else:
                failed = ServerFailed(f"{reason_of(error)}{self._besides()}")
                failed.__cause__ = error
                ready.set_exception(failed)

    async def _entered(self, stack: AsyncExitStack) -> Client:
        import httpx2
        from mcp import Client
        from mcp.client.streamable_http import streamable_http_client
        from mcp_types import Implementation

        if isinstance(self.target, Program):
            streams = program_streams(self.target)
        else:
            timeout = httpx2.Timeout(30, read=None)  # how long a call may take is ours to say
            http = httpx2.AsyncClient(headers=dict(self.target.headers), timeout=timeout)
            await stack.enter_async_context(http)
            streams = streamable_http_client(self.target.url, http_client=http)
        ourselves = Implementation(name="fixwright", version=__version__)
        return await stack.enter_async_context(Client(streams, client_info=ourselves))

    def _besides(self) -> str:
        return f". It said: {self.last_words}" if self.last_words else ""


def reason_of(error: BaseException) -> str:
    """What is the matter, of an error or the first of a group of them."""
    error = _first_of(error)
    if isinstance(error, FileNotFoundError):
        return f"there is no program {error.filename}"
    message = getattr(error, "message", None)  # of the SDK's errors; str() shows a tuple
    text = message if isinstance(message, str) and message else str(error)
    return one_line(text or type(error).__name__, 300)


def _first_of(error: BaseException) -> BaseException:
    if not isinstance(error, BaseExceptionGroup):
        return error
    group = cast("BaseExceptionGroup[BaseException]", error)
    return _first_of(group.exceptions[0])
