"""A server of tools as a program: messages on its standard streams, and nothing of it left behind.

The SDK's own transport stops a server politely, and no longer looks after what that has started.
This one bounds a message, keeps the server's last words for the sentence that tells why it ended,
gives it no environment but the one that was meant for it, and ends its whole group of processes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from fixwright.agent.policy.fence import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from mcp.shared.message import SessionMessage

    Received: TypeAlias = SessionMessage | Exception
    Streams: TypeAlias = tuple[
        MemoryObjectReceiveStream[Received], MemoryObjectSendStream[SessionMessage]
    ]

LONGEST_MESSAGE = 16 << 20
"""Bytes of one message of a server's."""
_LAST_WORDS = 5
"""Lines that are remembered of what it says besides."""
_SECONDS_TO_END = 2.0
"""For a server to end by itself once its input is closed."""
_SECONDS_BETWEEN_LOOKS = 0.1


@dataclass(frozen=True)
class Program:
    """A program to start.

    Attributes:
        command: it and its arguments; no shell is involved.
        environment: all of it.
        folder: where it is started.
        said: its last words, on standard error or where messages belong.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    said: deque[str] = field(default_factory=lambda: deque[str](maxlen=_LAST_WORDS))


@asynccontextmanager
async def program_streams(program: Program) -> AsyncGenerator[Streams]:
    """Start it; what it sends, and what it shall be sent. Its processes end with the block.

    Raises:
        OSError: it can't be started.
        ValueError: so with a NUL in its command or environment.
    """
    import anyio
    from mcp.shared.message import SessionMessage

    process = await asyncio.create_subprocess_exec(
        *program.command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=program.folder,
        env=dict(program.environment),
        start_new_session=True,
        limit=LONGEST_MESSAGE,
    )
    found, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write, waiting = anyio.create_memory_object_stream[SessionMessage](0)
    reading = [
        asyncio.create_task(_receive(process, found, program.said)),
        asyncio.create_task(_listen(process, program.said)),
    ]
    others = [
        asyncio.create_task(_send(process, waiting, found)),
        asyncio.create_task(_watch(process)),
    ]
    try:
        with found, read, write, waiting:
            yield read, write
            await _ended(process)
    finally:
        _kill(process)  # also where the wait for its end was cut short
        await asyncio.wait(reading, timeout=_SECONDS_TO_END)
        for task in (*reading, *others):
            task.cancel()
        await asyncio.wait([*reading, *others])


async def _receive(
    process: asyncio.subprocess.Process,
    found: MemoryObjectSendStream[Received],
    said: deque[str],
) -> None:
    """Its messages; when they end, so does the connection. What comes after that is thrown away."""
    import anyio
    from mcp.shared.message import SessionMessage
    from mcp_types import jsonrpc_message_adapter

    assert process.stdout is not None
    with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        async with found:
            while line := await _line(process.stdout, said):
                try:
                    message = jsonrpc_message_adapter.validate_json(line, by_name=False)
                except ValueError:  # a greeting, or something that was printed by mistake
                    _remember(line, said)
                    continue
                await found.send(SessionMessage(message))
    while await process.stdout.read(1 << 16):
        pass


async def _line(stream: asyncio.StreamReader, said: deque[str]) -> bytes:
    """The next line; nothing at the end, or when it is too long."""
    try:
        return await stream.readline()
    except ValueError:
        said.append(f"[a message of more than {LONGEST_MESSAGE >> 20} MB]")
        return b""


async def _send(
    process: asyncio.subprocess.Process,
    waiting: MemoryObjectReceiveStream[SessionMessage],
    found: MemoryObjectSendStream[Received],
) -> None:
    assert process.stdin is not None
    try:
        async for each in waiting:
            text = each.message.model_dump_json(by_alias=True, exclude_unset=True)
            process.stdin.write(text.encode("utf-8", "replace") + b"\n")
            await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        found.close()  # else an answer would be waited for that never comes


async def _listen(process: asyncio.subprocess.Process, said: deque[str]) -> None:
    """Read what it says to people, so that it can't block on it."""
    assert process.stderr is not None
    while line := await _line(process.stderr, said):
        _remember(line, said)


def _remember(line: bytes, said: deque[str]) -> None:
    if text := one_line(line.decode("utf-8", "replace"), 200):
        said.append(text)


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Let it end by itself, as the protocol has it: its input is closed."""
    assert process.stdin is not None
    process.stdin.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_SECONDS_TO_END):
            await _watch(process)
    _kill(process)


async def _watch(process: asyncio.subprocess.Process) -> None:
    """When it ends, end what it has started: that may hold its streams.

    `process.wait()` would wait for all that hold them.
    """
    while process.returncode is None:  # noqa: ASYNC110 - asyncio has no event for it
        await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
    _kill(process)


def _kill(process: asyncio.subprocess.Process) -> None:
    """End it and all that it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
