"""Messages and what belongs to them as JSON, exactly: what is read is equal to what was written."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from fixwright.agent.sessions.records import plain
from fixwright.models.json_reading import as_count, as_list, as_object, as_text
from fixwright.models.types import Call, Done, Message, Native, Result, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fixwright.models.types import StopReason


def message_to_json(message: Message) -> dict[str, object]:
    """A message; what it does not have is left out."""
    data: dict[str, object] = {"role": message.role, "text": message.text}
    if message.calls:
        data["calls"] = [
            {
                "id": call.id, "name": call.name, "raw": call.raw,
                "arguments": plain(call.arguments),
            }
            for call in message.calls
        ]  # fmt: skip
    if message.results:
        data["results"] = [
            {"id": result.id, "text": result.text, "error": result.error}
            for result in message.results
        ]
    if message.native is not None:
        data["native"] = {
            "key": message.native.key, "content": plain(message.native.content),
        }  # fmt: skip
    return data


def message_from_json(data: Mapping[str, object]) -> Message:
    """The inverse of `message_to_json`."""
    native = as_object(data.get("native"))
    return Message(
        role="assistant" if data.get("role") == "assistant" else "user",
        text=as_text(data.get("text")),
        calls=tuple(_call(as_object(call)) for call in as_list(data.get("calls"))),
        results=tuple(_result(as_object(result)) for result in as_list(data.get("results"))),
        native=Native(as_text(native.get("key")), native.get("content")) if native else None,
    )


def _call(data: Mapping[str, object]) -> Call:
    arguments = data.get("arguments")
    known = cast("dict[str, object]", arguments) if isinstance(arguments, dict) else None
    return Call(as_text(data.get("id")), as_text(data.get("name")), as_text(data.get("raw")), known)


def _result(data: Mapping[str, object]) -> Result:
    return Result(as_text(data.get("id")), as_text(data.get("text")), data.get("error") is True)


def usage_to_json(usage: Usage) -> dict[str, int]:
    """Tokens, named as in reports."""
    return {
        "inputTokens": usage.input, "outputTokens": usage.output,
        "cacheReadTokens": usage.cache_read, "cacheWriteTokens": usage.cache_write,
        "reasoningTokens": usage.reasoning,
    }  # fmt: skip


def usage_from_json(data: Mapping[str, object]) -> Usage:
    """The inverse of `usage_to_json`; what is missing is 0."""
    return Usage(
        as_count(data.get("inputTokens")),
        as_count(data.get("outputTokens")),
        as_count(data.get("cacheReadTokens")),
        as_count(data.get("cacheWriteTokens")),
        as_count(data.get("reasoningTokens")),
    )


def done_from_json(data: Mapping[str, object]) -> Done:
    """The end of a model's stream, as an event `answer` has it."""
    request = data.get("requestId")
    return Done(
        message_from_json(as_object(data.get("message"))),
        cast("StopReason", as_text(data.get("stop")) or "unknown"),
        usage_from_json(as_object(data.get("usage"))),
        request if isinstance(request, str) else None,
    )
