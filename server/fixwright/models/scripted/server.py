"""A model server on the loopback that answers from a script."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from fixwright.models.json_reading import as_list, as_object, as_text
from fixwright.models.scripted import anthropic_wire, http, openai_wire, playing, responses_wire
from fixwright.models.scripted.replies import Reply, Wire, compact

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from types import TracebackType

    from fixwright.models.scripted.script import Script

_WIRES: dict[str, Wire] = {
    "/v1/messages": anthropic_wire.AnthropicWire(),
    "/v1/chat/completions": openai_wire.OpenAIWire(),
    "/v1/responses": responses_wire.ResponsesWire(),
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request as it came, and the turn (from zero) that answered it, if one did."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, object]
    turn: int | None


class ScriptedServer:
    """Serves a script until closed; an async context manager.

    Attributes:
        requests: every question so far.
        visits: every other request: lists of models, and what is not there.
        disconnects: how many clients closed before their answer was complete.
    """

    def __init__(self, script: Script) -> None:
        self._script = script
        self._unused = list(range(len(script.turns)))
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Condition()
        self.requests: list[Recorded] = []
        self.visits: list[Recorded] = []
        self.disconnects = 0

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; port 0 lets the system choose one.

        Raises:
            OSError: the port is taken.
        """
        # A plain callback: on Python 3.11 a coroutine's cancellation would be logged as an error.
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)

    @property
    def port(self) -> int:
        """The port it listens on."""
        assert self._server is not None, "start() comes first"
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        """The base URL for an Anthropic client; an OpenAI client's ends in `/v1`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def unused(self) -> tuple[int, ...]:
        """The turns, counted from zero, that no request has asked for yet."""
        return tuple(self._unused)

    async def wait_until(self, holds: Callable[[ScriptedServer], bool]) -> None:
        """Wait until `holds`, which is asked after every request and every disconnect."""
        async with self._changed:
            await self._changed.wait_for(lambda: holds(self))

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is None:
            return
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # Errors of a connection are the client's doing: it left, or the script reset it.
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._exchange(reader, writer)
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await http.read_request(reader)
        except http.BadRequestError as error:
            body = compact({"error": {"type": "invalid_request_error", "message": str(error)}})
            await _send(writer, _plain(400, {}, body))
            return
        if request is None:
            return
        answer = asyncio.ensure_future(_send(writer, self._answer(request, writer)))
        gone = asyncio.ensure_future(reader.read(1))
        await self._notify()
        try:
            await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
            left = not answer.done() or isinstance(answer.exception(), ConnectionError)
            self.disconnects += left
            if not left:
                answer.result()
        finally:
            answer.cancel()
            gone.cancel()
            await asyncio.gather(answer, gone, return_exceptions=True)
            await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _answer(
        self, request: http.HttpRequest, writer: asyncio.StreamWriter
    ) -> AsyncIterator[bytes]:
        """Record the request, choose its turn and say it."""
        wire = _WIRES.get(request.path)
        body = _json_object(request.body)
        asked = wire is not None and request.method == "POST"
        chosen = self._choose(body) if asked else None
        recorded = Recorded(request.method, request.path, request.headers, body, chosen)
        if wire is None or not asked:
            self.visits.append(recorded)
            return self._elsewhere(request)
        self.requests.append(recorded)
        number = len(self.requests)
        if chosen is None:
            return _plain(*self._exhausted(wire, number))
        reply = Reply(
            self._script.turns[chosen],
            as_text(body.get("model")) or self._script.model,
            number,
            with_usage=as_object(body.get("stream_options")).get("include_usage") is True,
        )
        return playing.play(reply, wire, writer, stream=body.get("stream") is True)

    def _choose(self, body: Mapping[str, object]) -> int | None:
        """Take the first unused turn that is for this request."""
        said = "\n".join(_strings(body))
        for index in self._unused:
            when = self._script.turns[index].when
            if when is None or when in said:
                self._unused.remove(index)
                return index
        return None

    def _exhausted(self, wire: Wire, number: int) -> tuple[int, Mapping[str, str], bytes]:
        left = [f"{n + 1} (when = {self._script.turns[n].when!r})" for n in self._unused]
        why = f"no unused turn matches; unused: {', '.join(left)}" if left else "all are used"
        message = (
            f"The script {self._script.name} has no turn for request {number}: "
            f"of its {len(self._script.turns)} turns {why}."
        )
        body = compact(wire.error(500, "script_exhausted", message))
        return 500, {"x-should-retry": "false", "content-type": "application/json"}, body

    def _elsewhere(self, request: http.HttpRequest) -> AsyncIterator[bytes]:
        json_type = {"content-type": "application/json"}
        if request.path == "/v1/models" and request.method == "GET":
            anthropic = "anthropic-version" in request.headers
            models = anthropic_wire.models if anthropic else openai_wire.models
            return _plain(200, json_type, compact(models(self._script.model)))
        message = f"The scripted model has nothing at {request.method} {request.path}."
        body = {"type": "error", "error": {"type": "not_found_error", "message": message}}
        return _plain(404, json_type, compact(body))


async def _send(writer: asyncio.StreamWriter, pieces: AsyncIterator[bytes]) -> None:
    async for piece in pieces:
        writer.write(piece)
        await writer.drain()


async def _plain(status: int, headers: Mapping[str, str], body: bytes) -> AsyncIterator[bytes]:
    yield http.head(status, {**headers, "content-length": str(len(body))}) + body


def _json_object(body: bytes) -> Mapping[str, object]:
    try:
        value: object = json.loads(body or b"{}")
    except ValueError:
        return {}
    return as_object(value)


def _strings(value: object) -> list[str]:
    """Every string inside a JSON value, in order."""
    if isinstance(value, str):
        return [value]
    inside = [*as_object(value).values(), *as_list(value)]
    return [text for item in inside for text in _strings(item)]
