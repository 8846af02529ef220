"""How the Anthropic Messages API says things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.models.json_reading import parse_arguments
from fixwright.models.scripted.replies import Reply, compact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fixwright.models.scripted.script import ScriptedCall, ScriptedUsage, Turn

_SIGNATURE = "c2NyaXB0ZWQ="

_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class AnthropicWire:
    """The Messages API; see https://platform.claude.com/docs/en/build-with-claude/streaming."""

    def events(self, reply: Reply) -> list[bytes]:
        """The streamed answer, one item an event."""
        return [_event(kind, body) for kind, body in _stream(reply)]

    def whole(self, reply: Reply) -> Mapping[str, object]:
        """The answer at once; malformed tool input can only be said in a stream."""
        turn = reply.turn
        return _message(reply) | {
            "content": [block.whole for block in _blocks(reply)],
            "stop_reason": turn.reason,
            "usage": _usage(turn.usage),
        }

    def error(self, status: int, kind: str | None, message: str) -> Mapping[str, object]:
        """The body of an error."""
        kind = kind or _ERROR_TYPES.get(status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}}

    def error_event(self, kind: str | None, message: str) -> bytes:
        """An error inside a stream."""
        return _event("error", dict(self.error(529, kind, message)))

    def garbage_event(self) -> bytes:
        """An event that is not JSON."""
        return b'event: content_block_delta\ndata: {"type": "content_bl\n\n'

    def request_id(self, number: int) -> tuple[str, str]:
        """The header that names the request."""
        return "request-id", f"req_{number:08}"


def _stream(reply: Reply) -> Iterator[tuple[str, dict[str, object]]]:
    turn = reply.turn
    start = _usage(turn.usage) | {"output_tokens": 1}
    yield "message_start", {"message": _message(reply) | {"usage": start}}
    yield "ping", {}
    for index, block in enumerate(_blocks(reply)):
        yield "content_block_start", {"index": index, "content_block": block.opening}
        for delta in block.deltas:
            yield "content_block_delta", {"index": index, "delta": delta}
        yield "content_block_stop", {"index": index}
    yield (
        "message_delta",
        {
            "delta": {"stop_reason": turn.reason, "stop_sequence": None},
            "usage": _usage(turn.usage),
        },
    )
    yield "message_stop", {}


@dataclass(frozen=True, slots=True)
class _Block:
    """A content block: as a stream opens it, what fills it, and as it is at the end."""

    opening: dict[str, object]
    deltas: list[dict[str, object]]
    whole: dict[str, object]


def _blocks(reply: Reply) -> Iterator[_Block]:
    turn = reply.turn
    if turn.thinking:
        yield _thinking_block(turn)
    if turn.text:
        yield _Block(
            {"type": "text", "text": ""},
            [{"type": "text_delta", "text": piece} for piece in turn.pieces(turn.text)],
            {"type": "text", "text": turn.text},
        )
    for position, call in enumerate(turn.tools):
        yield _tool_block(turn, call, f"toolu_{reply.number:04}_{position:02}")


def _thinking_block(turn: Turn) -> _Block:
    deltas: list[dict[str, object]] = [
        {"type": "thinking_delta", "thinking": piece} for piece in turn.pieces(turn.thinking)
    ]
    return _Block(
        {"type": "thinking", "thinking": "", "signature": ""},
        [*deltas, {"type": "signature_delta", "signature": _SIGNATURE}],
        {"type": "thinking", "thinking": turn.thinking, "signature": _SIGNATURE},
    )


def _tool_block(turn: Turn, call: ScriptedCall, identifier: str) -> _Block:
    opening: dict[str, object] = {
        "type": "tool_use",
        "id": identifier,
        "name": call.name,
        "input": {},
    }
    pieces = ["", *turn.pieces(call.arguments)]  # the real server opens with an empty one
    return _Block(
        opening,
        [{"type": "input_json_delta", "partial_json": piece} for piece in pieces],
        opening | {"input": parse_arguments(call.arguments) or {}},
    )


def _message(reply: Reply) -> dict[str, object]:
    return {
        "id": f"msg_{reply.number:08}",
        "type": "message",
        "role": "assistant",
        "model": reply.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _usage(usage: ScriptedUsage) -> dict[str, object]:
    return {
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.output,
        "output_tokens_details": {"thinking_tokens": usage.reasoning},
    }


def _event(kind: str, body: dict[str, object]) -> bytes:
    return f"event: {kind}\ndata: ".encode() + compact({"type": kind} | body) + b"\n\n"


def models(model: str) -> Mapping[str, object]:
    """The list of models."""
    entry = {
        "type": "model",
        "id": model,
        "display_name": model,
        "created_at": "1970-01-01T00:00:00Z",
    }
    return {"data": [entry], "has_more": False, "first_id": model, "last_id": model}
