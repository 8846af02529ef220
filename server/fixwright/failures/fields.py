"""Read reports that cannot be trusted: the code that ran may have written them itself.

Every function takes what it can use, within bounds, and nothing else; none of them raises.
"""

from __future__ import annotations

import math
import posixpath
from collections.abc import Mapping, Sequence
from typing import cast

from fixwright.workspace.position import Position, Range

LONGEST_TEXT = 20_000
_LONGEST_PATH = 4_096
_LARGEST_NUMBER = 100_000_000
_MOST_ITEMS = 1_000
_DEEPEST = 5


def text(value: object, longest: int = LONGEST_TEXT) -> str:
    """Return a string that can be encoded, cut at a length; `""` for anything else."""
    if not isinstance(value, str):
        return ""
    return value[:longest].encode("utf-8", "replace").decode("utf-8")


def text_or_none(value: object, longest: int = LONGEST_TEXT) -> str | None:
    """Return `text(value)`, None where there is none."""
    return text(value, longest) or None


def texts(value: object, most: int) -> tuple[str, ...]:
    """Return the strings of a list."""
    return tuple(text(item) for item in items(value, most) if isinstance(item, str))


def items(value: object, most: int = _MOST_ITEMS) -> Sequence[object]:
    """Return a list's items, up to a number; none for anything else."""
    return cast("list[object]", value)[:most] if isinstance(value, list) else ()


def mapping(value: object) -> Mapping[str, object] | None:
    """Return an object of JSON; None for anything else."""
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else None


def number(value: object) -> int | None:
    """Return a line, a column or a status; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= _LARGEST_NUMBER else None


def path(value: object) -> str | None:
    """Return a file's path, relative paths normalised; None for one that leaves the tree."""
    if not isinstance(value, str) or not value or len(value) > _LONGEST_PATH or "\0" in value:
        return None
    found = text(value)
    if found.startswith(("/", "<")):
        return found
    normal = posixpath.normpath(found)
    return None if normal == "." or normal.split("/", 1)[0] == ".." else normal


def span(value: Mapping[str, object]) -> Range | None:
    """Return the range of a frame or a place; empty at the line's start where columns miss."""
    line = number(value.get("line"))
    if line is None:
        return None
    column, end_column = number(value.get("column")), number(value.get("endColumn"))
    end_line = number(value.get("endLine"))
    if column is None:
        return Range.at(line, 0)
    start = Position(line, column)
    if end_column is None:
        return Range(start, start)
    end = Position(line if end_line is None else end_line, end_column)
    return Range(start, max(start, end))


def json_value(value: object, depth: int = _DEEPEST) -> object:
    """Return a copy of a JSON value within bounds; None for what is no JSON."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value if math.isfinite(value) and abs(value) <= _LARGEST_NUMBER else None
    if depth and isinstance(value, Mapping):
        pairs = list(cast("Mapping[object, object]", value).items())[:_MOST_ITEMS]
        return {text(key): json_value(item, depth - 1) for key, item in pairs}
    if depth and isinstance(value, list):
        return [json_value(item, depth - 1) for item in items(cast("object", value))]
    return None
