"""A server of tools that speaks MCP, as a plugin.

What a server says of itself and what it answers are a stranger's words: its names and schemas are
bounded, its answers and its errors reach the model as a tool's output, in a fence.
"""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from fixwright.agent.plugins.connection import Connection, ServerFailed, Target, reason_of
from fixwright.agent.plugins.offers import (
    MOST_TOOLS,
    description_of,
    names_of,
    schema_of,
    text_of,
)
from fixwright.agent.policy.fence import one_line
from fixwright.agent.tools.spec import Action, Outcome, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp import Client
    from mcp_types import Tool as Offered

    from fixwright.agent.desk import Desk
    from fixwright.agent.tools.registry import Tool
    from fixwright.agent.tools.spec import Effect

_MOST_PAGES = 20
_SECONDS_TO_OPEN = 60.0
_CLOSED = -32000
"""The SDK's error where the connection is gone; all that was asked by it gets no answer."""
_SESSION_GONE = "Session terminated"
"""Its message where a server that is reached by HTTP was started anew."""
_RESTARTS = 1

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Offer:
    """What of a server's tools is taken.

    Attributes:
        globs: of its own names of them.
        read_only: believe it where it says that a tool only looks.
        timeout: of a call, in seconds.
    """

    globs: tuple[str, ...] = ("*",)
    read_only: bool = False
    timeout: float = 60.0


class McpServer:
    """A server of tools: a `registry.Plugin`. Its tools stay those that it had at its start."""

    def __init__(self, name: str, target: Callable[[], Target], offer: Offer) -> None:
        """`target` says how it is started or reached; is asked at each start.

        It raises `ServerFailed` where that can't be said.
        """
        self.name = name
        self.remarks: list[str] = []
        self._target = target
        self._offer = offer
        self._connection: Connection | None = None
        self._client: Client | None = None
        self._restarts = _RESTARTS
        self._opening = asyncio.Lock()

    @property
    def may_look(self) -> bool:
        """Whether a tool of it can count as one that only looks."""
        return self._offer.read_only

    async def enable(self) -> tuple[Tool, ...]:
        """Start it; its tools.

        Raises:
            ServerFailed: it can't be started, or does not say which tools it has.
        """
        self.remarks, self._restarts = [], _RESTARTS
        client = await self._opened()
        try:
            async with asyncio.timeout(self._offer.timeout):
                offered = await _offered(client)
        except asyncio.CancelledError:
            await self.disable()
            raise
        except Exception as error:
            await self.disable()
            raise ServerFailed(f"it does not say which tools it has: {reason_of(error)}") from error
        return self._taken(offered)

    async def disable(self) -> None:
        """Stop it; safe to call twice."""
        connection, self._connection, self._client = self._connection, None, None
        if connection is not None:
            await connection.close()

    async def call(self, tool: str, arguments: Mapping[str, object]) -> Outcome:
        """Have a tool of it work. Cancelling this cancels it there.

        Raises:
            Refused: the server is gone, and is not started again.
        """
        client = await self._again()
        try:
            async with asyncio.timeout(self._offer.timeout):
                result = await client.call_tool(tool, dict(arguments))
        except TimeoutError:
            seconds = f"{self._offer.timeout:g} seconds"
            told = f"{tool} gave no answer within {seconds} and was cancelled. Ask for less."
            return Outcome(told, error=True)
        except Exception as error:  # noqa: BLE001 - of the SDK, about what a stranger has sent
            return await self._failed(tool, client, error)
        return Outcome(text_of(result), error=bool(result.is_error))

    async def _again(self) -> Client:
        """The connection; a new one where it was lost, once."""
        async with self._opening:
            if self._client is not None:
                return self._client
            if not self._restarts:
                raise Refused(
                    f"The MCP server {self.name} has ended again, and is not started any more in"
                    " this session. Do without it."
                )
            self._restarts -= 1
            try:
                return await self._opened()
            except ServerFailed as error:
                log.warning("The MCP server %s can't be started again: %s.", self.name, error)
                raise Refused(
                    f"The MCP server {self.name} can't be started again. Do without it."
                ) from error

    async def _opened(self) -> Client:
        connection = Connection(await asyncio.to_thread(self._target))
        self._connection = connection
        self._client = await connection.open(_SECONDS_TO_OPEN)
        return self._client

    async def _failed(self, tool: str, client: Client, error: Exception) -> Outcome:
        """What came of a call without an answer: in a fence, for its words are the server's."""
        reason = reason_of(error)
        if getattr(error, "code", None) != _CLOSED and reason != _SESSION_GONE:
            return Outcome(f"{tool} failed: {reason}", error=True)
        words = self._connection.last_words if self._connection is not None else ""
        if self._client is client:  # another call may have seen it first, and have it back
            await self.disable()
        said = f" It said: {words}." if words else ""
        then = "Call again to start it once more." if self._restarts else "It is not started again."
        log.warning("The MCP server %s has ended during %s.%s", self.name, tool, said)
        told = (
            f"The MCP server {self.name} ended while {tool} was working; whether it did its work"
            f" is not known.{said} {then}"
        )
        return Outcome(told, error=True)

    def _taken(self, offered: list[Offered]) -> tuple[Tool, ...]:
        """The tools that the settings want, as the registry has them."""
        wanted = [
            each
            for each in offered
            if any(fnmatchcase(each.name, glob) for glob in self._offer.globs)
        ]
        if len(wanted) > MOST_TOOLS:
            told = f"The MCP server {self.name} has {len(wanted)} tools: the first {MOST_TOOLS} are"
            self.remarks.append(f"{told} taken. Choose by agent.mcp.{self.name}.tools.")
        tools: list[Tool] = []
        wanted = wanted[:MOST_TOOLS]
        names = names_of(self.name, [each.name for each in wanted])
        for name, each in zip(names, wanted, strict=True):
            schema = schema_of(each.input_schema)
            if schema is None:
                what = f"{one_line(each.name, 100)} of the MCP server {self.name}"
                self.remarks.append(f"The tool {what} has a schema that no model can be given.")
                continue
            hint = each.annotations is not None and each.annotations.read_only_hint is True
            effect: Effect = "read" if hint and self._offer.read_only else "outside"
            told = description_of(self.name, each.description or each.title)
            tools.append(McpTool(name, told, schema, effect, self, each.name))
        return tuple(tools)


async def _offered(client: Client) -> list[Offered]:
    """All tools, page by page; each name once."""
    found: dict[str, Offered] = {}
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        for each in page.tools:
            found.setdefault(each.name, each)
        cursor = page.next_cursor
        if not cursor:
            break
    return list(found.values())


@dataclass(frozen=True)
class McpTool:
    """One tool of a server: a `registry.Tool`."""

    name: str
    description: str
    schema: Mapping[str, object]
    effect: Effect
    server: McpServer = field(repr=False)
    there: str
    """What the server calls it."""

    def action(self, arguments: Mapping[str, object] | None, desk: Desk) -> Action:
        """What a call would do, as far as it can be known: nothing but its name and arguments."""
        del desk
        given = one_line(json.dumps(arguments or {}, ensure_ascii=False, sort_keys=True), 500)
        what = f"use {one_line(self.there, 100)} of the MCP server {self.server.name} with {given}"
        return Action(self.name, self.effect, sentence=what)

    async def call(self, arguments: Mapping[str, object] | None, desk: Desk) -> Outcome:
        """Do it; see `registry.Tool`."""
        del desk
        return await self.server.call(self.there, arguments or {})
