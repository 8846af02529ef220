"""Events of a run: as lines, as server-sent events, and over a WebSocket that talks back."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from signal import Signals
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Header, Query, WebSocket
from pydantic import BaseModel, ValidationError
from starlette.responses import Response, StreamingResponse
from starlette.websockets import WebSocketDisconnect

from .accounts import Account, Run
from .answers import EventAnswer, event_answer
from .guard import PROTOCOL
from .needed import TheAccount, TheBroker, TheRun, account_of, broker_of
from .problems import Problem
from .wire import Sent, Text, bytes_of

router = APIRouter(prefix="/v1/sandboxes/{sandbox}/runs/{run}", tags=["runs"])
sockets = APIRouter()
_QUIET_SECONDS = 15.0
"""After so long without an event something empty is sent, so that nobody gives up in between."""
_SSE = "text/event-stream"
_LINES = "application/x-ndjson"
Since = Annotated[int, Query(ge=0, le=1 << 31, description="The first event wanted, from 0.")]


class Order(Sent):
    """What a WebSocket's client may send."""

    op: Literal["stdin", "close_stdin", "signal", "cancel"]
    data: Text = ""
    encoding: Literal["utf-8", "base64"] = "utf-8"
    signal: str = "SIGINT"


class Refused(BaseModel):
    """What the client of a WebSocket is told of an order that can't be done."""

    problem: str
    field: str


async def _follow(run: Run, since: int) -> AsyncIterator[EventAnswer | None]:
    """Events from that number on until the end; None when it was quiet for long.

    Nothing is kept for the reader but its place: who reads slowly costs nothing.
    """
    recording = run.execution.recording
    position = since
    while True:
        changed = recording.changed
        while position < len(recording.events):
            yield event_answer(position, recording.events[position])
            position += 1
        if recording.result is not None:
            return
        try:
            async with asyncio.timeout(_QUIET_SECONDS):
                await changed.wait()
        except TimeoutError:
            yield None


def _json(event: EventAnswer) -> str:
    return event.model_dump_json(exclude_defaults=True)


async def _as_lines(events: AsyncIterator[EventAnswer | None]) -> AsyncIterator[str]:
    async for event in events:
        yield "\n" if event is None else f"{_json(event)}\n"


async def _as_sse(events: AsyncIterator[EventAnswer | None]) -> AsyncIterator[str]:
    async for event in events:
        if event is None:
            yield ":\n\n"
        else:
            yield f"id: {event.seq}\nevent: {event.kind}\ndata: {_json(event)}\n\n"


async def _counted(
    account: Account, gauge: TheBroker, texts: AsyncIterator[str]
) -> AsyncIterator[str]:
    with account.streaming():
        gauge.counts.streams.add(by=1)
        try:
            async for text in texts:
                yield text
        finally:
            gauge.counts.streams.add(by=-1)


@router.get(
    "/events",
    response_class=Response,
    responses={
        200: {
            "description": "One event a line, an empty line where it is quiet for long; or "
            "server-sent events where `Accept` asks for them. Ends with the run.",
            "content": {_LINES: {}, _SSE: {}},
        }
    },
)
async def stream_events(
    run: TheRun,
    account: TheAccount,
    broker: TheBroker,
    since: Since = 0,
    accept: Annotated[str, Header()] = _LINES,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Every event from `since` on (or behind `Last-Event-ID`) as it comes, until the end.

    The same address takes a WebSocket, which sends one event a message and takes orders:
    `{"op": "stdin", "data": "…"}`, `{"op": "close_stdin"}`, `{"op": "signal", "signal": "SIGINT"}`,
    `{"op": "cancel"}`. Its token comes as the header, or as the subprotocol
    `fixwright.token.TOKEN` beside `fixwright.v1`.
    """
    account.check_streams()
    if last_event_id is not None and last_event_id.isascii() and last_event_id.isdecimal():
        since = int(last_event_id[:10]) + 1
    events = _follow(run, since)
    if _SSE in accept:
        texts, kind = _as_sse(events), _SSE
    else:
        texts, kind = _as_lines(events), _LINES
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_counted(account, broker, texts), media_type=kind, headers=headers)


@sockets.websocket("/v1/sandboxes/{sandbox}/runs/{run}/events")
async def talk(websocket: WebSocket, sandbox: str, run: str) -> None:
    """A run over a WebSocket: its events out, orders in."""
    account, broker = account_of(websocket), broker_of(websocket)
    try:
        found = account.held(sandbox).run(run)
        since = _since(websocket.query_params.get("since", "0"))
        account.check_streams()
    except Problem as problem:
        await websocket.send_denial_response(problem.response)
        return
    offered = cast("list[str]", websocket.scope.get("subprotocols", []))
    await websocket.accept(PROTOCOL if PROTOCOL in offered else None)
    with account.streaming():
        broker.counts.streams.add(by=1)
        try:
            await _converse(websocket, found, account, since)
        finally:
            broker.counts.streams.add(by=-1)


async def _converse(websocket: WebSocket, run: Run, account: Account, since: int) -> None:
    """Until the run has ended and all is told, or the client goes."""
    telling = asyncio.create_task(_tell(websocket, run, since))
    hearing = asyncio.create_task(_hear(websocket, run, account))
    try:
        await asyncio.wait({telling, hearing}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (telling, hearing):
            task.cancel()
        ended = await asyncio.gather(telling, hearing, return_exceptions=True)
    for error in ended:
        # RuntimeError is what the framework says to a message after the connection's end.
        quiet = (asyncio.CancelledError, WebSocketDisconnect, RuntimeError)
        if isinstance(error, BaseException) and not isinstance(error, quiet):
            raise error


async def _tell(websocket: WebSocket, run: Run, since: int) -> None:
    async for event in _follow(run, since):
        if event is not None:  # that the client is there is asked by the protocol's own pings
            await websocket.send_text(_json(event))
    await websocket.close()


async def _hear(websocket: WebSocket, run: Run, account: Account) -> None:
    while True:
        text = await websocket.receive_text()
        try:
            order = Order.model_validate(json.loads(text))
            if order.op != "stdin":
                await account.pace()
            await _do(run, order)
        except (ValidationError, ValueError, RecursionError) as error:
            told = str(error) if not isinstance(error, ValidationError) else _first(error)
            await websocket.send_text(Refused(problem=told, field="op").model_dump_json())
        except Problem as problem:
            refused = Refused(problem=problem.detail, field=problem.errors[0].field)
            await websocket.send_text(refused.model_dump_json())


async def _do(run: Run, order: Order) -> None:
    execution = run.execution
    if order.op == "stdin":
        data = bytes_of(order.data, order.encoding, "data")
        with contextlib.suppress(BrokenPipeError):  # it has ended, which is told
            await execution.write(data)
    elif order.op == "close_stdin":
        execution.close_stdin()
    elif order.op == "signal":
        if order.signal not in Signals.__members__:
            detail = "There is no such signal; names are like SIGTERM."
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, "signal")
        execution.signal(order.signal)
    else:
        await execution.cancel()


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def _since(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):  # noqa: PLR2004  # 2^31
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "It has to be a number.", "query.since")
    return int(text)
