"""OpenAI's Chat Completions, and every server that is compatible with them.

Ollama, vLLM, LM Studio, DeepSeek, OpenRouter and others speak this protocol, each with its own
quirks; events are therefore read as plain JSON. Importing this module imports the SDK: only
`fixwright.models.loading` does, in a thread.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import openai

from fixwright.models import errors
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
    from openai.types.chat import ChatCompletionFunctionToolParam, ChatCompletionMessageParam

    from fixwright.models.errors import Endpoint

_STOP_REASONS: dict[str, StopReason] = {
    "stop": "end_turn",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "length": "max_tokens",
    "content_filter": "refusal",
}

_THINKING_FIELDS = ("reasoning_content", "reasoning")
"""How DeepSeek and vLLM spell it; DeepSeek wants it back in a loop of tool calls."""


class OpenAIProvider:
    """One model of one endpoint that speaks Chat Completions."""

    def __init__(
        self,
        endpoint: Endpoint,
        api_key: str,
        *,
        max_tokens: int,
        tools_need_no_reasoning: bool = False,
        cache_marks: bool = False,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """Build the client; no request is made.

        Args:
            endpoint: where, and which model.
            api_key: never logged, never part of a message.
            max_tokens: the output limit of a request that sets none.
            tools_need_no_reasoning: the model rejects tools in this protocol unless its reasoning
                is turned off explicitly.
            cache_marks: the endpoint can be told where to end what its cache keeps.
            transport: replaces the network, for priming.
        """
        self._endpoint = endpoint
        self._secret = api_key
        self._max_tokens = max_tokens
        self._tools_need_no_reasoning = tools_need_no_reasoning
        self._cache_marks = cache_marks
        self._client = client_of(endpoint, api_key, transport)

    @property
    def key(self) -> str:
        """Names the protocol, endpoint and model: their native messages are of one kind."""
        return f"openai:{self._endpoint.url}:{self.model}"

    @property
    def model(self) -> str:
        """The model's name as the endpoint knows it."""
        return self._endpoint.model

    async def stream(self, request: Request) -> AsyncGenerator[Delta | Done, None]:
        """See `Provider.stream`."""
        answer = _Answer()
        limit = request.max_tokens or self._max_tokens
        # OpenAI's reasoning models take only the new name, other servers only the old one.
        own = self._endpoint.url == DEFAULT_URL
        silent = bool(request.tools) and self._tools_need_no_reasoning
        try:
            async with await self._client.chat.completions.create(
                model=self.model,
                messages=(),
                tools=_tools(request) if request.tools else openai.omit,
                max_completion_tokens=limit if own else openai.omit,
                max_tokens=openai.omit if own else limit,
                reasoning_effort="none" if silent else openai.omit,
                prompt_cache_key=cache_key(request) if own else openai.omit,
                prompt_cache_options={"mode": "explicit"} if self._cache_marks else openai.omit,
                stream=True,
                stream_options={"include_usage": True},
                # Not as an argument: the library would look through every message each time.
                extra_body={"messages": _messages(request, self.key, marked=self._cache_marks)},
            ) as events:
                async for event in events:
                    for delta in answer.take(event_object(event)):
                        yield delta
                response = events.response
        except (openai.APIError, *BROKEN_CONNECTION, *MALFORMED_EVENT) as error:
            raise translated(self._endpoint, self._secret, error) from error
        if not answer.stop:
            raise ended_early(self._endpoint, response, events=answer.events)
        if answer.stop == "error":  # how OpenRouter ends a stream whose upstream failed
            raise errors.refused(self._endpoint, None, (), "the upstream model failed", {})
        yield answer.done(self.key, response.headers.get("x-request-id"))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


@dataclass
class _PartialCall:
    id: str = ""
    name: str = ""
    raw: str = ""

    def whole(self) -> Call:
        return Call(self.id, self.name, self.raw, parse_arguments(self.raw))


@dataclass
class _Answer:
    """What a stream has said so far."""

    text: str = ""
    stop: str = ""
    refused: bool = False
    thinking: dict[str, str] = field(default_factory=dict[str, str])
    calls: dict[int, _PartialCall] = field(default_factory=dict[int, _PartialCall])
    usage: Usage = field(default_factory=Usage)
    events: int = 0

    def take(self, chunk: dict[str, object]) -> Iterator[Delta]:
        self.events += 1
        if chunk.get("usage"):
            self.usage = _usage(as_object(chunk["usage"]))
        for choice in as_list(chunk.get("choices"))[:1]:
            self.stop = as_text(as_object(choice).get("finish_reason")) or self.stop
            yield from self._take_delta(as_object(as_object(choice).get("delta")))

    def _take_delta(self, delta: dict[str, object]) -> Iterator[Delta]:
        for name in _THINKING_FIELDS:
            if piece := as_text(delta.get(name)):
                self.thinking[name] = self.thinking.get(name, "") + piece
                yield Delta("thinking", piece)
                break  # a server that sends both spellings sends the same text twice
        if refusal := as_text(delta.get("refusal")):
            self.refused = True
            self.text += refusal
            yield Delta("text", refusal)
        if piece := as_text(delta.get("content")):
            self.text += piece
            yield Delta("text", piece)
        for position, call in enumerate(as_list(delta.get("tool_calls"))):
            yield self._take_call(position, as_object(call))

    def _take_call(self, position: int, piece: dict[str, object]) -> Delta:
        """A fragment of a call; some servers send arguments as an object."""
        index = self._index(position, piece)
        function = as_object(piece.get("function"))
        arguments = function.get("arguments")
        text = json.dumps(arguments) if isinstance(arguments, dict) else as_text(arguments)
        call = self.calls.setdefault(index, _PartialCall())
        call.id = call.id or as_text(piece.get("id"))
        call.name = call.name or as_text(function.get("name"))
        call.raw += text
        return Delta("call", text, index, call.name)

    def _index(self, position: int, piece: dict[str, object]) -> int:
        """Which call a fragment belongs to; some servers send no index, others always 0."""
        index = as_count(piece.get("index")) if "index" in piece else position
        identifier = as_text(piece.get("id"))
        known = self.calls.get(index)
        if known is None or not known.id or identifier in {"", known.id}:
            return index
        same = (i for i, call in self.calls.items() if call.id == identifier)
        return next(same, max(self.calls) + 1)

    def done(self, key: str, request_id: str | None) -> Done:
        for index, call in self.calls.items():
            call.id = call.id or f"call_{index}"
        calls = tuple(call.whole() for _, call in sorted(self.calls.items()))
        stop = _STOP_REASONS.get(self.stop, "unknown")
        if calls and stop == "end_turn":  # several servers say "stop" after a call, too
            stop = "tool_use"
        if self.refused:
            stop = "refusal"
        native = Native(key, _said(self.text, calls) | self.thinking)
        return Done(
            Message("assistant", self.text, calls, native=native), stop, self.usage, request_id
        )


def _usage(usage: dict[str, object]) -> Usage:
    prompt = as_object(usage.get("prompt_tokens_details"))
    completion = as_object(usage.get("completion_tokens_details"))
    read = as_count(prompt.get("cached_tokens"))
    written = as_count(prompt.get("cache_write_tokens"))
    return Usage(
        # `prompt_tokens` holds everything that was sent, from the cache or into it.
        input=max(0, as_count(usage.get("prompt_tokens")) - read - written),
        output=as_count(usage.get("completion_tokens")),
        cache_read=read,
        cache_write=written,
        reasoning=as_count(completion.get("reasoning_tokens")),
    )


def _messages(request: Request, key: str, *, marked: bool) -> list[ChatCompletionMessageParam]:
    wire: list[dict[str, object]] = []
    if request.system:
        wire.append({"role": "system", "content": _system(request, marked=marked)})
    marks = marked_messages(request) if marked else frozenset[int]()
    for n, message in enumerate(request.messages):
        wire.extend(_wire(message, key))
        if n in marks:
            wire[-1] |= {"content": [_text(as_text(wire[-1]["content"])) | MARK]}
    return cast("list[ChatCompletionMessageParam]", wire)


def _system(request: Request, *, marked: bool) -> object:
    """As one string, which every server takes, unless there are marks to be set."""
    marks = marked_parts(request) if marked else frozenset[int]()
    if not marks:
        return joined(request.system)
    return [_text(p) | MARK if n in marks else _text(p) for n, p in enumerate(request.system)]


def _text(text: str) -> dict[str, object]:
    return {"type": "text", "text": text}


def _wire(message: Message, key: str) -> list[dict[str, object]]:
    if message.role == "user":
        results: list[dict[str, object]] = [
            {"role": "tool", "tool_call_id": r.id, "content": r.text} for r in message.results
        ]
        if message.text:
            results.append({"role": "user", "content": message.text})
        return results
    if message.native is not None and message.native.key == key:
        return [as_object(message.native.content)]
    return [_said(message.text, message.calls)] if message.text or message.calls else []


def _said(text: str, calls: tuple[Call, ...]) -> dict[str, object]:
    """An assistant message in wire form; malformed arguments go back as none at all.

    Several servers parse the arguments of earlier turns and fail on what the model got wrong.
    """
    said: dict[str, object] = {"role": "assistant", "content": text or None}
    if calls:
        said["tool_calls"] = [
            {
                "id": c.id,
                "type": "function",
                "function": {"name": c.name, "arguments": json.dumps(c.arguments or {})},
            }
            for c in calls
        ]
    return said


def _tools(request: Request) -> list[ChatCompletionFunctionToolParam]:
    return [
        {
            "type": "function",
            "function": {
                "name": t.name,
                "description": t.description,
                "parameters": dict(t.schema),
            },
        }
        for t in request.tools
    ]


async def prime(endpoint: Endpoint, transport: httpx2.AsyncBaseTransport) -> None:
    """Run one canned stream: the SDK then builds its models here, not at the first request."""
    provider = OpenAIProvider(endpoint, "unused", max_tokens=1, transport=transport)
    await drain(provider.stream(Request((), (Message("user", "hello"),))))
    await provider.close()
