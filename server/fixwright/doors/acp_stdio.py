"""Serving one ACP client over standard input and output; needs the extra `acp`."""

from __future__ import annotations

import asyncio
import os
import sys

import acp

from fixwright.doors.acp_agent import FixwrightAgent

_LIMIT = 50 << 20
"""Bytes of one message."""


async def serve() -> None:
    """Serve until the client goes."""
    loop = asyncio.get_running_loop()
    wire = os.fdopen(os.dup(1), "wb", 0)
    os.dup2(2, 1)  # what is printed must not get into the stream of messages
    sys.stdout = sys.stderr
    reader = asyncio.StreamReader(_LIMIT)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), wire
    )
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    agent = FixwrightAgent()
    try:
        await acp.run_agent(agent, writer, reader)  # pyright: ignore[reportArgumentType] - it is duck-typed; what is missing answers "method not found"
    finally:
        await agent.close()
