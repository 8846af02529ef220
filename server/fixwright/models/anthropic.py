"""The Anthropic Messages API through its SDK's raw event stream.

Importing this module imports the SDK (seconds): only `fixwright.models.loading` does, in a thread.
The SDK's own retries and its accumulating stream helper are not used: the first sleeps as long as
a server says, the second completes tool arguments that were cut short.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import anthropic

from fixwright.models import errors
from fixwright.models.connection import (
    BROKEN_CONNECTION,
    MALFORMED_EVENT,
    broken,
    drain,
    ended_early,
    event_object,
    open_client,
)
from fixwright.models.json_reading import (
    as_count,
    as_list,
    as_object,
    as_text,
    parse_arguments,
)
from fixwright.models.marks import marked_messages, marked_parts
from fixwright.models.types import (
    Call,
    Delta,
    Done,
    Message,
    ModelError,
    Native,
    Request,
    StopReason,
    Usage,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import httpx2
    from anthropic.types import MessageParam, TextBlockParam, ThinkingConfigParam, ToolParam

    from fixwright.models.errors import Endpoint

DEFAULT_URL = "https://api.anthropic.com"

_STOP_REASONS: dict[str, StopReason] = {
    "end_turn": "end_turn",
    "stop_sequence": "end_turn",
    "tool_use": "tool_use",
    "max_tokens": "max_tokens",
    "model_context_window_exceeded": "context_window",
    "refusal": "refusal",
    "pause_turn": "pause",
}

_MARK: dict[str, object] = {"cache_control": {"type": "ephemeral"}}
"""Keep everything up to here for five minutes; a request may have four of them."""


class AnthropicProvider:
    """One model of one endpoint that speaks the Messages API."""

    def __init__(
        self,
        endpoint: Endpoint,
        api_key: str,
        *,
        max_tokens: int,
        show_thinking: bool = False,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """Build the client; no request is made.

        Args:
            endpoint: where, and which model.
            api_key: never logged, never part of a message.
            max_tokens: the output limit of a request that sets none.
            show_thinking: ask for summaries of the model's adaptive thinking, which newer models
                think anyway but do not show; older models reject the parameter.
            transport: replaces the network, for priming.
        """
        headers = {"authorization": f"Bearer {api_key}"}
        if endpoint.url != DEFAULT_URL:
            headers["x-api-key"] = api_key  # the only one that older gateways read
        self._endpoint = endpoint
        self._secret = api_key
        self._max_tokens = max_tokens
        self._thinking: ThinkingConfigParam | anthropic.Omit = (
            {"type": "adaptive", "display": "summarized"} if show_thinking else anthropic.omit
        )
        self._client = anthropic.AsyncAnthropic(
            api_key=api_key,
            base_url=endpoint.url,
            max_retries=0,
            open_telemetry=False,
            http_client=open_client(endpoint.url, headers, transport),
        )

    @property
    def key(self) -> str:
        """Thinking blocks are signed for one model: a native message goes back to that one only."""
        return f"anthropic:{self._endpoint.url}:{self.model}"

    @property
    def model(self) -> str:
        """The model's name as the endpoint knows it."""
        return self._endpoint.model

    async def stream(self, request: Request) -> AsyncGenerator[Delta | Done, None]:
        """See `Provider.stream`."""
        answer = _Answer()
        try:
            async with await self._client.messages.create(
                model=self.model,
                max_tokens=request.max_tokens or self._max_tokens,
                system=_system(request) or anthropic.omit,
                messages=_messages(request, self.key),
                tools=_tools(request) if request.tools else anthropic.omit,
                thinking=self._thinking,
                stream=True,
            ) as events:
                async for event in events:
                    delta = answer.take(event_object(event))
                    if delta is not None:
                        yield delta
                response = events.response
        except (anthropic.APIError, *BROKEN_CONNECTION, *MALFORMED_EVENT) as error:
            raise self._translated(error) from error
        if not answer.finished:
            raise ended_early(self._endpoint, response, events=answer.events)
        yield answer.done(self.key, response.headers.get("request-id"))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _translated(self, error: Exception) -> ModelError:
        match error:
            case anthropic.APITimeoutError():
                return errors.timed_out(self._endpoint)
            case anthropic.APIConnectionError():
                return errors.unreachable(self._endpoint, error)
            case anthropic.APIStatusError():
                detail = errors.hidden(self._secret, error.api_message or error.message)
                return errors.refused(
                    self._endpoint,
                    error.status_code,
                    (error.error_code, error.type),
                    detail,
                    error.response.headers,
                )
            case anthropic.APIError():
                return errors.refused(
                    self._endpoint, None, (), errors.hidden(self._secret, error.message), {}
                )
            case _:
                return broken(self._endpoint, error)


@dataclass
class _Answer:
    """What a stream has said so far: content blocks in wire form, and the raw text of arguments."""

    blocks: dict[int, dict[str, object]] = field(default_factory=dict[int, dict[str, object]])
    raw: dict[int, str] = field(default_factory=dict[int, str])
    usage: dict[str, object] = field(default_factory=dict[str, object])
    stop: str = ""
    events: int = 0
    finished: bool = False

    def take(self, event: dict[str, object]) -> Delta | None:
        self.events += 1
        match event.get("type"):
            case "message_start":
                self._add_usage(as_object(event.get("message")).get("usage"))
            case "content_block_start":
                block = dict(as_object(event.get("content_block")))
                self.blocks[as_count(event.get("index"))] = block
            case "content_block_delta":
                return self._take_delta(as_count(event.get("index")), as_object(event.get("delta")))
            case "message_delta":
                self.stop = as_text(as_object(event.get("delta")).get("stop_reason")) or self.stop
                self._add_usage(event.get("usage"))
            case "message_stop":
                self.finished = True
            case _:
                pass
        return None

    def _take_delta(self, index: int, delta: dict[str, object]) -> Delta | None:
        block = self.blocks.setdefault(index, {})
        match delta.get("type"):
            case "text_delta":
                return Delta("text", _append(block, "text", delta.get("text")), index)
            case "thinking_delta":
                return Delta("thinking", _append(block, "thinking", delta.get("thinking")), index)
            case "signature_delta":
                block["signature"] = as_text(delta.get("signature"))
            case "input_json_delta":
                piece = as_text(delta.get("partial_json"))
                self.raw[index] = self.raw.get(index, "") + piece
                return Delta("call", piece, index, as_text(block.get("name")))
            case _:
                pass
        return None

    def _add_usage(self, usage: object) -> None:
        """Values are cumulative; a later event leaves out, or sends as null, what it repeats."""
        self.usage |= {name: n for name, n in as_object(usage).items() if n is not None}

    def done(self, key: str, request_id: str | None) -> Done:
        content: list[dict[str, object]] = []
        calls: list[Call] = []
        for index, block in sorted(self.blocks.items()):
            if block.get("type") == "tool_use":
                call = self._call(index, block)
                calls.append(call)
                content.append(block | {"input": call.arguments or {}})
            elif block.get("type") != "text" or block.get("text"):  # empty text can't be sent back
                content.append(block)
        text = "".join(as_text(b.get("text")) for b in content if b.get("type") == "text")
        return Done(
            Message("assistant", text, tuple(calls), native=Native(key, content)),
            _STOP_REASONS.get(self.stop, "unknown"),
            self._total_usage(),
            request_id,
        )

    def _call(self, index: int, block: dict[str, object]) -> Call:
        # Some compatible servers send the whole input with the block's start and no deltas.
        raw = self.raw.get(index) or json.dumps(block.get("input") or {})
        return Call(as_text(block.get("id")), as_text(block.get("name")), raw, parse_arguments(raw))

    def _total_usage(self) -> Usage:
        details = as_object(self.usage.get("output_tokens_details"))
        return Usage(
            input=as_count(self.usage.get("input_tokens")),
            output=as_count(self.usage.get("output_tokens")),
            cache_read=as_count(self.usage.get("cache_read_input_tokens")),
            cache_write=as_count(self.usage.get("cache_creation_input_tokens")),
            reasoning=as_count(details.get("thinking_tokens")),
        )


def _append(block: dict[str, object], name: str, piece: object) -> str:
    text = as_text(piece)
    block[name] = as_text(block.get(name)) + text
    return text


def _system(request: Request) -> list[TextBlockParam]:
    marks = marked_parts(request)
    last = len(request.system) - 1
    # Blocks follow each other without a gap.
    texts = (part if n == last else f"{part}\n\n" for n, part in enumerate(request.system))
    blocks = [{"type": "text", "text": text} for text in texts]
    return cast(
        "list[TextBlockParam]",
        [block | _MARK if n in marks else block for n, block in enumerate(blocks)],
    )


def _messages(request: Request, key: str) -> list[MessageParam]:
    wire = [(message.role, _content(message, key)) for message in request.messages]
    for n in marked_messages(request):
        role, content = wire[n]
        if content:
            wire[n] = role, [*content[:-1], as_object(content[-1]) | _MARK]
    # An answer without content (a refusal) has nothing to replay, and an empty one is rejected.
    return cast(
        "list[MessageParam]",
        [{"role": role, "content": content} for role, content in wire if content],
    )


def _content(message: Message, key: str) -> list[object]:
    if message.native is not None and message.native.key == key:
        return as_list(message.native.content)
    results = [
        {"type": "tool_result", "tool_use_id": r.id, "content": r.text, "is_error": r.error}
        for r in message.results
    ]
    text = [{"type": "text", "text": message.text}] if message.text.strip() else []
    calls = [
        {"type": "tool_use", "id": c.id, "name": c.name, "input": c.arguments or {}}
        for c in message.calls
    ]
    return [*results, *text, *calls]


def _tools(request: Request) -> list[ToolParam]:
    return [
        {"name": t.name, "description": t.description, "input_schema": dict(t.schema)}
        for t in request.tools
    ]


async def prime(endpoint: Endpoint, transport: httpx2.AsyncBaseTransport) -> None:
    """Run one canned stream: the SDK then builds its models here, not at the first request."""
    provider = AnthropicProvider(endpoint, "unused", max_tokens=1, transport=transport)
    await drain(provider.stream(Request((), (Message("user", "hello"),))))
    await provider.close()
