"""An MCP server over standard input and output; needs the extra `mcp`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import mcp_types as wire
from mcp.server import Server
from mcp.server.stdio import stdio_server

from fixwright import __version__
from fixwright.doors.lender import Lender
from fixwright.headless import headless

if TYPE_CHECKING:
    from pathlib import Path

    from mcp.server.context import ServerRequestContext

    from fixwright.agent.tools.registry import Tool

_INSTRUCTIONS = """\
Fixwright runs code in a sandbox, finds what fails, and finds edits that it has run before it names
them. All tools work on a copy of the folder as it is on disk; none of them writes to it."""


async def serve(folder: Path, *, ask_model: bool) -> None:
    """Lend the tools over a folder until the client goes."""
    async with headless(folder, watch=True) as workspace:
        lender = await Lender.of(workspace, ask_model=ask_model)

        async def list_tools(
            _context: ServerRequestContext[Any], _params: wire.PaginatedRequestParams | None
        ) -> wire.ListToolsResult:
            return wire.ListToolsResult(tools=[_offered(each) for each in lender.tools.values()])

        async def call_tool(
            _context: ServerRequestContext[Any], params: wire.CallToolRequestParams
        ) -> wire.CallToolResult:
            outcome = await lender.call(params.name, params.arguments or {})
            content: list[wire.ContentBlock] = [wire.TextContent(text=outcome.text)]
            return wire.CallToolResult(content=content, is_error=outcome.error)

        server = Server(
            "fixwright",
            version=__version__,
            instructions=_INSTRUCTIONS,
            on_list_tools=list_tools,
            on_call_tool=call_tool,
        )
        async with stdio_server() as (reader, writer):
            sys.stdout = sys.stderr  # else what is printed reaches the client at the end
            await server.run(reader, writer, server.create_initialization_options())


def _offered(tool: Tool) -> wire.Tool:
    hints = wire.ToolAnnotations(
        read_only_hint=True, destructive_hint=False, open_world_hint=False
    )  # runs write in the sandbox alone, and what they write is thrown away
    return wire.Tool(
        name=tool.name,
        description=tool.description,
        input_schema=dict(tool.schema),
        annotations=hints,
    )
