"""How a turn becomes the bytes of an HTTP answer, its faults included."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fixwright.models.scripted import http
from fixwright.models.scripted.replies import Reply, Wire, compact

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from fixwright.models.scripted.script import Fault


async def play(
    reply: Reply, wire: Wire, writer: asyncio.StreamWriter, *, stream: bool
) -> AsyncIterator[bytes]:
    """The bytes of an answer, at the turn's pace, with the turn's fault.

    Args:
        reply: the turn, and which request it answers.
        wire: the protocol.
        writer: the connection; only faults touch it, the caller sends the bytes.
        stream: whether the client wants events.
    """
    turn, fault = reply.turn, reply.turn.fault
    await asyncio.sleep(turn.delay)
    headers = dict([wire.request_id(reply.number)])
    if fault is not None:
        headers |= fault.headers
        if fault.hang_before:
            await _forever()
        if fault.status is not None or fault.body is not None:
            yield _failure(fault, wire, headers)
            return
    if not stream:
        async for piece in _whole(reply, wire, writer, headers):
            yield piece
        return
    headers |= {"content-type": "text/event-stream; charset=utf-8", "transfer-encoding": "chunked"}
    yield http.head(200, headers)
    events = wire.events(reply)
    stop = fault.break_after if fault is not None else None
    for position, event in enumerate(events[:stop]):
        await asyncio.sleep(turn.pace if position else 0)
        last = position + 1 == len(events) and stop is None
        yield http.chunk(event) + (http.LAST_CHUNK if last else b"")
    if fault is not None and stop is not None:
        async for piece in _broken_end(fault, wire, writer):
            yield piece


async def _broken_end(
    fault: Fault, wire: Wire, writer: asyncio.StreamWriter
) -> AsyncIterator[bytes]:
    if fault.cut_after is not None:
        yield http.LAST_CHUNK
    elif fault.error_after is not None:
        yield http.chunk(wire.error_event(fault.error, fault.message)) + http.LAST_CHUNK
    elif fault.garbage_after is not None:
        yield http.chunk(wire.garbage_event()) + http.LAST_CHUNK
    elif fault.reset_after is not None:
        http.reset(writer)
    elif fault.hang_after is not None:
        await _forever()
    # drop_after: the connection is closed without the last chunk


async def _whole(
    reply: Reply, wire: Wire, writer: asyncio.StreamWriter, headers: Mapping[str, str]
) -> AsyncIterator[bytes]:
    """An answer that is not streamed; a fault strikes half-way through its body."""
    body = compact(wire.whole(reply))
    head = http.head(
        200, {**headers, "content-type": "application/json", "content-length": str(len(body))}
    )
    fault = reply.turn.fault
    if fault is None or fault.break_after is None:
        yield head + body
        return
    yield head + body[: len(body) // 2]
    if fault.reset_after is not None:
        http.reset(writer)
    elif fault.hang_after is not None:
        await _forever()


def _failure(fault: Fault, wire: Wire, headers: Mapping[str, str]) -> bytes:
    status = fault.status or 200
    if fault.body is not None:
        kind, body = fault.content_type, fault.body.encode()
    else:
        kind = "application/json"
        body = compact(wire.error(status, fault.error, fault.message))
    return (
        http.head(status, {**headers, "content-type": kind, "content-length": str(len(body))})
        + body
    )


async def _forever() -> None:
    """Until the client leaves or the server closes, which cancels this."""
    await asyncio.Event().wait()
