"""A container's streams, over a connection of their own to the engine, whatever its kind."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from pathlib import Path

from .base import BackendError, EngineGoneError
from .endpoint import Endpoint, unreachable

_SECONDS = 30.0
_MOST_HEADER = 1 << 16
_STREAM = 1 << 20
_SWITCHED = (101, 200)
"""What engines answer; older ones do not say that the protocol changes."""
_WANTED = "stream=1&stdin=1&stdout=1&stderr=1"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def attach(endpoint: Endpoint, version: str, container: str) -> Streams:
    """Attach to a container; what it says comes after what is read here of the answer.

    Raises `BackendError`.
    """
    try:
        async with asyncio.timeout(_SECONDS):
            streams = await _connect(endpoint)
            try:
                await _upgrade(streams, f"/v{version}/containers/{container}/attach?{_WANTED}")
            except BaseException:
                streams[1].transport.abort()
                raise
    except TimeoutError as error:
        message = "The engine does not attach to the container in time."
        raise EngineGoneError(message) from error
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        cause = error if isinstance(error, OSError) else OSError(str(error))
        raise unreachable(endpoint.url, cause) from error
    return streams


async def close(streams: Streams) -> None:
    """Close a connection; one that is broken is closed too."""
    streams[1].close()
    # An engine that goes at once leaves TLS without its good-bye.
    with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
        await asyncio.wait_for(streams[1].wait_closed(), _SECONDS)


async def _connect(endpoint: Endpoint) -> Streams:
    address = await asyncio.to_thread(endpoint.address)
    if isinstance(address, Path):
        return await asyncio.open_unix_connection(address, limit=_STREAM)
    host, port, context = address
    return await asyncio.open_connection(host, port, ssl=context, limit=_STREAM)


async def _upgrade(streams: Streams, path: str) -> None:
    reader, writer = streams
    request = f"POST {path} HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
    writer.write(f"{request}Content-Length: 0\r\n\r\n".encode("ascii"))
    await writer.drain()
    header = await reader.readuntil(b"\r\n\r\n")
    status = header.split(b" ", 2)[1]
    if status.isdigit() and int(status) in _SWITCHED:
        return
    said = (await reader.read(_MOST_HEADER)).decode("utf-8", "replace").strip()
    message = f"The engine does not attach to the container ({status.decode()}): {said[:300]}"
    raise BackendError(message)
