"""Read JSON that somebody else wrote: every accessor says what it gives when the shape is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Mapping


def as_object(value: object) -> dict[str, object]:
    """The value if it is a JSON object, else an empty one."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    """The value if it is a JSON array, else an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []


def as_text(value: object) -> str:
    """The value if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def as_count(value: object) -> int:
    """The value if it is a whole number of at least zero, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def parse_arguments(raw: str) -> Mapping[str, object] | None:
    """The arguments of a tool call, or None when `raw` is not one whole JSON object.

    Strict on purpose: the SDKs' own helpers complete JSON that was cut by the output limit, which
    would hand a shortened edit to a tool. No text at all means a call without arguments.
    """
    if not raw.strip():
        return {}
    try:
        value: object = json.loads(raw)
    except ValueError:
        return None
    return cast("dict[str, object]", value) if isinstance(value, dict) else None
