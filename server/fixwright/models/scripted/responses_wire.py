"""How OpenAI's Responses API says things."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from fixwright.models.scripted.openai_wire import OpenAIWire
from fixwright.models.scripted.replies import Reply, compact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fixwright.models.scripted.script import ScriptedUsage

_CREATED = 1_700_000_000
"""Unix time; fixed, so that the same script gives the same bytes."""

_INCOMPLETE = {"max_tokens": "max_output_tokens", "refusal": "content_filter"}

Event = tuple[str, "dict[str, object]"]


class ResponsesWire:
    """The Responses API; thinking goes as a summary, with content that only the server reads."""

    def events(self, reply: Reply) -> list[bytes]:
        """The streamed answer, one item an event."""
        return [
            _event(kind, {"type": kind, "sequence_number": number, **body})
            for number, (kind, body) in enumerate(_stream(reply))
        ]

    def whole(self, reply: Reply) -> Mapping[str, object]:
        """The answer at once."""
        return _response(reply, list(_items(reply)))

    def error(self, status: int, kind: str | None, message: str) -> Mapping[str, object]:
        """The body of an error."""
        return OpenAIWire().error(status, kind, message)

    def error_event(self, kind: str | None, message: str) -> bytes:
        """An error inside a stream."""
        code = kind or "overloaded_error"
        body = {"type": "error", "code": code, "message": message, "param": None}
        return _event("error", {**body, "sequence_number": 0})

    def garbage_event(self) -> bytes:
        """An event that is not JSON."""
        return b'event: response.output_text.delta\ndata: {"type":"resp\n\n'

    def request_id(self, number: int) -> tuple[str, str]:
        """The header that names the request."""
        return "x-request-id", f"req_{number:08}"


def _stream(reply: Reply) -> Iterator[Event]:
    yield "response.created", {"response": _response(reply, [], status="in_progress")}
    yield "response.in_progress", {"response": _response(reply, [], status="in_progress")}
    items = list(_items(reply))
    for index, item in enumerate(items):
        opening = {**item, "status": "in_progress"}
        opening |= {name: [] for name in ("content", "summary") if name in item}
        opening |= {"arguments": ""} if "arguments" in item else {}
        yield "response.output_item.added", {"output_index": index, "item": opening}
        yield from _parts(reply, index, item)
        yield "response.output_item.done", {"output_index": index, "item": item}
    whole = _response(reply, items)
    yield f"response.{whole['status']}", {"response": whole}


def _parts(reply: Reply, index: int, item: dict[str, object]) -> Iterator[Event]:
    turn = reply.turn
    at: dict[str, object] = {"output_index": index, "item_id": item["id"]}
    if item["type"] == "reasoning":
        at["summary_index"] = 0
        for piece in turn.pieces(turn.thinking):
            yield "response.reasoning_summary_text.delta", {**at, "delta": piece}
        yield "response.reasoning_summary_text.done", {**at, "text": turn.thinking}
    elif item["type"] == "message":
        at["content_index"] = 0
        yield "response.content_part.added", {**at, "part": _part("")}
        for piece in turn.pieces(turn.text):
            yield "response.output_text.delta", {**at, "delta": piece, "logprobs": []}
        yield "response.output_text.done", {**at, "text": turn.text, "logprobs": []}
        yield "response.content_part.done", {**at, "part": _part(turn.text)}
    else:
        arguments = str(item["arguments"])
        for piece in turn.pieces(arguments):
            yield "response.function_call_arguments.delta", {**at, "delta": piece}
        yield "response.function_call_arguments.done", {**at, "arguments": arguments}


def _items(reply: Reply) -> Iterator[dict[str, object]]:
    turn, numbers = reply.turn, itertools.count()
    cut = "incomplete" if turn.reason == "max_tokens" else "completed"
    if turn.thinking:
        yield {
            "id": f"rs_{reply.number:04}_{next(numbers):02}",
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": turn.thinking}],
            "encrypted_content": f"sealed:{turn.thinking}",
        }
    if turn.text:
        yield {
            "id": f"msg_{reply.number:04}_{next(numbers):02}",
            "type": "message",
            "role": "assistant",
            "status": cut,
            "content": [_part(turn.text)],
        }
    for n, call in enumerate(turn.tools):
        yield {
            "id": f"fc_{reply.number:04}_{next(numbers):02}",
            "type": "function_call",
            "call_id": f"call_{reply.number:04}_{n:02}",
            "name": call.name,
            "arguments": call.arguments,
            "status": cut,
        }


def _part(text: str) -> dict[str, object]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _response(
    reply: Reply, items: list[dict[str, object]], status: str | None = None
) -> dict[str, object]:
    reason = _INCOMPLETE.get(reply.turn.reason)
    status = status or ("incomplete" if reason else "completed")
    ended = status != "in_progress"
    return {
        "id": f"resp_{reply.number:08}",
        "object": "response",
        "created_at": _CREATED,
        "status": status,
        "model": reply.model,
        "output": items,
        "error": None,
        "incomplete_details": {"reason": reason} if reason and ended else None,
        "instructions": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": _usage(reply.turn.usage) if ended else None,
    }


def _usage(usage: ScriptedUsage) -> dict[str, object]:
    sent = usage.input + usage.cache_read + usage.cache_write
    return {
        "input_tokens": sent,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write,
        },
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": sent + usage.output,
    }


def _event(kind: str, body: Mapping[str, object]) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + compact(body) + b"\n\n"
