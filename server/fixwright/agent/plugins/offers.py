"""What a server of tools offers and answers, as the agent takes it: named, bounded, visible."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, cast

from fixwright.agent.policy.fence import visible
from fixwright.json_reading import as_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mcp_types import CallToolResult, ContentBlock

MOST_TOOLS = 100
"""Of one server."""
LONGEST_NAME = 64
"""Characters; what every provider takes."""
_LONGEST_DESCRIPTION = 2_000
_LONGEST_SCHEMA = 20_000
_DIGEST = 8
_NOT_AT_THE_ROOT = frozenset({"oneOf", "anyOf", "allOf"})
"""What providers refuse there. The server still checks the arguments by all of its schema."""


def names_of(server: str, tools: Sequence[str]) -> list[str]:
    """What a model calls a server's tools: different names for different tools."""
    plain = [f"mcp__{server}__{re.sub(r'[^A-Za-z0-9_-]', '_', tool)}" for tool in tools]
    return [
        name if len(name) <= LONGEST_NAME and plain.count(name) == 1 else _shortened(name, tool)
        for name, tool in zip(plain, tools, strict=True)
    ]


def _shortened(name: str, tool: str) -> str:
    digest = hashlib.sha256(tool.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    return f"{name[: LONGEST_NAME - _DIGEST - 1]}_{digest}"


def description_of(server: str, text: str | None) -> str:
    """What a model is told of a tool, by a stranger."""
    told = visible(text or "").strip()
    if len(told) > _LONGEST_DESCRIPTION:
        told = f"{told[:_LONGEST_DESCRIPTION]}…"
    return f"[from the MCP server {server}] {told}".rstrip()


def schema_of(schema: Mapping[str, object]) -> Mapping[str, object] | None:
    """The JSON Schema of a tool's arguments as a model can be given it; None where it can't."""
    if schema.get("type", "object") != "object":
        return None
    taken = {key: each for key, each in schema.items() if key not in _NOT_AT_THE_ROOT}
    taken = {**taken, "type": "object", "properties": as_object(taken.get("properties"))}
    try:
        size = len(json.dumps(taken, ensure_ascii=False))
    except (TypeError, ValueError, RecursionError):
        return None
    return as_object(_seen(taken)) if size <= _LONGEST_SCHEMA else None


def _seen(value: object) -> object:
    """The same with nothing in its texts for people that is not seen."""
    if isinstance(value, list):
        return [_seen(each) for each in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    told = cast("dict[str, object]", value)
    return {
        key: visible(each)
        if key in ("description", "title") and isinstance(each, str)
        else _seen(each)
        for key, each in told.items()
    }


def text_of(result: CallToolResult) -> str:
    """An answer as text; parts that are none are named."""
    parts = list(_texts(result.content))
    if not parts and result.structured_content is not None:
        parts.append(json.dumps(result.structured_content, ensure_ascii=False))
    return "\n".join(parts) or "(it answered nothing)"


def _texts(content: Iterable[ContentBlock]) -> Iterable[str]:
    for part in content:
        match part.type:
            case "text":
                yield part.text
            case "image" | "audio":
                yield f"[{part.type} {part.mime_type}, {len(part.data) * 3 // 4:,} bytes: left out]"
            case "resource_link":
                yield f"[resource {part.name}: {part.uri}]"
            case "resource":
                text = getattr(part.resource, "text", None)
                named = f"[resource {part.resource.uri}]"
                yield f"{named}\n{text}" if isinstance(text, str) else f"{named}: left out"
