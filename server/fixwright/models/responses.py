"""OpenAI's Responses API, stateless: nothing is stored there, reasoning goes back encrypted.

Events are read as plain JSON, as in `openai`. Importing this module imports the SDK: only
`fixwright.models.loading` does, in a thread.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import openai

from fixwright.models.connection import (
    BROKEN_CONNECTION,
    MALFORMED_EVENT,
    drain,
    ended_early,
    event_object,
)
from fixwright.models.json_reading import (
    as_count,
    as_list,
    as_object,
    as_text,
    parse_arguments,
)
from fixwright.models.marks import joined, marked_messages, marked_parts
from fixwright.models.openai_sdk import (
    DEFAULT_URL,
    MARK,
    cache_key,
    client_of,
    refused_with,
    translated,
)
from fixwright.models.types import (
    Call,
    Delta,
    Done,
    Message,
    Native,
    Request,
    StopReason,
    Usage,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    import httpx2
    from openai.types.responses import FunctionToolParam, ResponseInputParam

    from fixwright.models.errors import Endpoint

_INCOMPLETE: dict[str, StopReason] = {
    "max_output_tokens": "max_tokens",
    "content_filter": "refusal",
    "context_window": "context_window",
}
_ENDS = ("response.completed", "response.incomplete")
_TEXT = ("response.output_text.delta", "response.refusal.delta")
_THINKING = ("response.reasoning_summary_text.delta", "response.reasoning_text.delta")


class ResponsesProvider:
    """One model of one endpoint that speaks the Responses API."""

    def __init__(
        self,
        endpoint: Endpoint,
        api_key: str,
        *,
        max_tokens: int,
        cache_marks: bool = False,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """Build the client; no request is made.

        Args:
            endpoint: where, and which model.
            api_key: never logged, never part of a message.
            max_tokens: the output limit of a request that sets none.
            cache_marks: the endpoint can be told where to end what its cache keeps.
            transport: replaces the network, for priming.
        """
        self._endpoint = endpoint
        self._secret = api_key
        self._max_tokens = max_tokens
        self._cache_marks = cache_marks
        self._client = client_of(endpoint, api_key, transport)

    @property
    def key(self) -> str:
        """Names the protocol, endpoint and model: their native messages are of one kind."""
        return f"responses:{self._endpoint.url}:{self.model}"

    @property
    def model(self) -> str:
        """The model's name as the endpoint knows it."""
        return self._endpoint.model

    async def stream(self, request: Request) -> AsyncGenerator[Delta | Done, None]:
        """See `Provider.stream`."""
        answer = _Answer()
        marked = self._cache_marks
        own = self._endpoint.url == DEFAULT_URL
        try:
            async with await self._client.responses.create(
                model=self.model,
                # Instructions can't be marked, so with marks the system is a part of the input.
                instructions=openai.omit if marked else joined(request.system) or openai.omit,
                input=[],
                tools=_tools(request) if request.tools else openai.omit,
                max_output_tokens=request.max_tokens or self._max_tokens,
                reasoning={"summary": "auto"},
                include=["reasoning.encrypted_content"],
                prompt_cache_key=cache_key(request) if own else openai.omit,
                prompt_cache_options={"mode": "explicit"} if marked else openai.omit,
                store=False,
                stream=True,
                # Not as an argument: the library would look through every message each time.
                extra_body={"input": _input(request, self.key, marked=marked)},
            ) as events:
                async for event in events:
                    for delta in answer.take(event_object(event)):
                        yield delta
                response = events.response
        except (openai.APIError, *BROKEN_CONNECTION, *MALFORMED_EVENT) as error:
            raise translated(self._endpoint, self._secret, error) from error
        if answer.failure is not None:
            raise refused_with(self._endpoint, self._secret, answer.failure)
        if answer.end is None:
            raise ended_early(self._endpoint, response, events=answer.events)
        yield answer.done(self.key, response.headers.get("x-request-id"))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


@dataclass
class _Answer:
    """What a stream has said so far.

    Attributes:
        items: output items that are whole, by their place in the output.
        names: the tools of calls that are being written.
        end: the response as the last event told it.
        failure: the error that the server put in place of an end.
    """

    items: dict[int, dict[str, object]] = field(default_factory=dict[int, "dict[str, object]"])
    names: dict[int, str] = field(default_factory=dict[int, str])
    end: dict[str, object] | None = None
    failure: dict[str, object] | None = None
    events: int = 0

    def take(self, event: dict[str, object]) -> Iterator[Delta]:
        self.events += 1
        kind, index = as_text(event.get("type")), as_count(event.get("output_index"))
        delta = as_text(event.get("delta"))
        if kind in _TEXT and delta:
            yield Delta("text", delta)
        elif kind in _THINKING and delta:
            yield Delta("thinking", delta)
        elif kind == "response.function_call_arguments.delta":
            yield Delta("call", delta, self._place(index), self.names.get(index, ""))
        elif kind == "response.output_item.added":
            item = as_object(event.get("item"))
            if item.get("type") == "function_call":
                self.names[index] = as_text(item.get("name"))
                yield Delta("call", "", self._place(index), self.names[index])
        elif kind == "response.output_item.done":
            self.items[index] = as_object(event.get("item"))
        elif kind in _ENDS:
            self.end = as_object(event.get("response"))
        elif kind == "response.failed":
            self.failure = as_object(as_object(event.get("response")).get("error"))
        elif kind == "error":
            self.failure = as_object(event.get("error")) or event

    def _place(self, index: int) -> int:
        """Which call of the message stands at this place of the output, from zero."""
        return sum(other < index for other in self.names)

    def done(self, key: str, request_id: str | None) -> Done:
        end = self.end or {}
        items = [item for _, item in sorted(self.items.items())]
        parts = [
            as_object(part)
            for item in items
            if item.get("type") == "message"
            for part in as_list(item.get("content"))
        ]
        said = (as_text(part.get("text")) or as_text(part.get("refusal")) for part in parts)
        calls = tuple(_call(item) for item in items if item.get("type") == "function_call")
        stop: StopReason = "tool_use" if calls else "end_turn"
        if any(part.get("type") == "refusal" for part in parts):
            stop = "refusal"
        if end.get("status") == "incomplete":
            reason = as_text(as_object(end.get("incomplete_details")).get("reason"))
            stop = _INCOMPLETE.get(reason, "unknown")
        message = Message("assistant", "".join(said), calls, native=Native(key, items))
        return Done(message, stop, _usage(as_object(end.get("usage"))), request_id)


def _call(item: dict[str, object]) -> Call:
    raw = as_text(item.get("arguments"))
    return Call(as_text(item.get("call_id")), as_text(item.get("name")), raw, parse_arguments(raw))


def _usage(usage: dict[str, object]) -> Usage:
    sent = as_object(usage.get("input_tokens_details"))
    read, written = as_count(sent.get("cached_tokens")), as_count(sent.get("cache_write_tokens"))
    return Usage(
        # `input_tokens` holds everything that was sent, from the cache or into it.
        input=max(0, as_count(usage.get("input_tokens")) - read - written),
        output=as_count(usage.get("output_tokens")),
        cache_read=read,
        cache_write=written,
        reasoning=as_count(as_object(usage.get("output_tokens_details")).get("reasoning_tokens")),
    )


def _input(request: Request, key: str, *, marked: bool) -> ResponseInputParam:
    wire: list[dict[str, object]] = []
    if marked and request.system:
        marks = marked_parts(request)
        parts = [_text(p) | MARK if n in marks else _text(p) for n, p in enumerate(request.system)]
        wire.append({"role": "system", "content": parts})
    marks = marked_messages(request) if marked else frozenset[int]()
    for n, message in enumerate(request.messages):
        wire.extend(_items(message, key))
        if n in marks:
            field = "output" if "output" in wire[-1] else "content"
            wire[-1] |= {field: [_text(as_text(wire[-1][field])) | MARK]}
    return cast("ResponseInputParam", wire)


def _text(text: str) -> dict[str, object]:
    return {"type": "input_text", "text": text}


def _items(message: Message, key: str) -> Iterator[dict[str, object]]:
    if message.role == "assistant" and message.native is not None and message.native.key == key:
        yield from (_replayed(as_object(item)) for item in as_list(message.native.content))
        return
    for result in message.results:
        yield {"type": "function_call_output", "call_id": result.id, "output": result.text}
    if message.text:
        yield {"role": message.role, "content": message.text}
    for call in message.calls:
        arguments = json.dumps(call.arguments or {})
        named = {"call_id": call.id, "name": call.name, "arguments": arguments}
        yield {"type": "function_call", **named}


def _replayed(item: dict[str, object]) -> dict[str, object]:
    """An item of the output as input: nothing is stored, so its id and status mean nothing there.

    Arguments that are no JSON object go back as none at all: the server parses them.
    """
    kept = {name: value for name, value in item.items() if name not in ("id", "status")}
    if kept.get("type") == "function_call" and parse_arguments(as_text(kept["arguments"])) is None:
        kept["arguments"] = "{}"
    return kept


def _tools(request: Request) -> list[FunctionToolParam]:
    return [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": dict(tool.schema),
            "strict": False,  # strict mode takes only a part of JSON Schema
        }
        for tool in request.tools
    ]


async def prime(endpoint: Endpoint, transport: httpx2.AsyncBaseTransport) -> None:
    """Run one canned stream: the SDK then builds its models here, not at the first request."""
    provider = ResponsesProvider(endpoint, "unused", max_tokens=1, transport=transport)
    await drain(provider.stream(Request((), (Message("user", "hello"),))))
    await provider.close()
