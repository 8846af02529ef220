"""How OpenAI's Chat Completions say things."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from fixwright.models.scripted.replies import Reply, compact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fixwright.models.scripted.script import ScriptedUsage, Stop

_FINISH_REASONS: dict[Stop, str] = {
    "end_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "refusal": "content_filter",
}

_ERROR_TYPES = {
    401: "invalid_api_key",
    413: "request_too_large",
    429: "rate_limit_exceeded",
}

_CREATED = 1_700_000_000
"""Unix time; fixed, so that the same script gives the same bytes."""


class OpenAIWire:
    """Chat Completions; thinking goes as `reasoning_content`, as compatible servers send it."""

    def events(self, reply: Reply) -> list[bytes]:
        """The streamed answer, one item an event."""
        return [*(_event(chunk) for chunk in _stream(reply)), b"data: [DONE]\n\n"]

    def whole(self, reply: Reply) -> Mapping[str, object]:
        """The answer at once."""
        turn = reply.turn
        message: dict[str, object] = {
            "role": "assistant",
            "content": turn.text or None,
            "refusal": None,
        }
        if turn.thinking:
            message["reasoning_content"] = turn.thinking
        if turn.tools:
            message["tool_calls"] = [
                _call(reply, n) | {"function": {"name": call.name, "arguments": call.arguments}}
                for n, call in enumerate(turn.tools)
            ]
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": _FINISH_REASONS[turn.reason],
        }
        head = _head(reply, "chat.completion")
        return head | {"choices": [choice], "usage": _usage(turn.usage)}

    def error(self, status: int, kind: str | None, message: str) -> Mapping[str, object]:
        """The body of an error."""
        default = (
            "server_error"
            if status >= HTTPStatus.INTERNAL_SERVER_ERROR
            else "invalid_request_error"
        )
        kind = kind or _ERROR_TYPES.get(status, default)
        return {"error": {"message": message, "type": kind, "param": None, "code": kind}}

    def error_event(self, kind: str | None, message: str) -> bytes:
        """An error inside a stream."""
        return _event(self.error(503, kind or "overloaded_error", message))

    def garbage_event(self) -> bytes:
        """An event that is not JSON."""
        return b'data: {"id":"chatcmpl\n\n'

    def request_id(self, number: int) -> tuple[str, str]:
        """The header that names the request."""
        return "x-request-id", f"req_{number:08}"


def _stream(reply: Reply) -> Iterator[dict[str, object]]:
    turn = reply.turn
    yield _chunk(reply, {"role": "assistant", "content": "", "refusal": None})
    for piece in turn.pieces(turn.thinking):
        yield _chunk(reply, {"reasoning_content": piece})
    for piece in turn.pieces(turn.text):
        yield _chunk(reply, {"content": piece})
    for index, call in enumerate(turn.tools):
        opening = _call(reply, index) | {"function": {"name": call.name, "arguments": ""}}
        yield _chunk(reply, {"tool_calls": [{"index": index} | opening]})
        for piece in turn.pieces(call.arguments):
            part = {"index": index, "function": {"arguments": piece}}
            yield _chunk(reply, {"tool_calls": [part]})
    yield _chunk(reply, {}, finish=_FINISH_REASONS[turn.reason])
    if reply.with_usage:
        head = _head(reply, "chat.completion.chunk")
        yield head | {"choices": [], "usage": _usage(turn.usage)}


def _head(reply: Reply, kind: str) -> dict[str, object]:
    return {
        "id": f"chatcmpl-{reply.number:08}",
        "object": kind,
        "created": _CREATED,
        "model": reply.model,
    }


def _chunk(reply: Reply, delta: dict[str, object], finish: str | None = None) -> dict[str, object]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _head(reply, "chat.completion.chunk") | {"choices": [choice]}


def _call(reply: Reply, index: int) -> dict[str, object]:
    return {"id": f"call_{reply.number:04}_{index:02}", "type": "function"}


def _usage(usage: ScriptedUsage) -> dict[str, object]:
    prompt = usage.input + usage.cache_read + usage.cache_write
    return {
        "prompt_tokens": prompt,
        "completion_tokens": usage.output,
        "total_tokens": prompt + usage.output,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


def _event(body: Mapping[str, object]) -> bytes:
    return b"data: " + compact(body) + b"\n\n"


def models(model: str) -> Mapping[str, object]:
    """The list of models."""
    entry = {"id": model, "object": "model", "created": _CREATED, "owned_by": "fixwright"}
    return {"object": "list", "data": [entry]}
