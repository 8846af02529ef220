"""The names in a Rust `use` declaration: `a::{b as c, d::*, self}`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PART = re.compile(r"::|[{},*]|(?:r#)?\w+")


def expand(text: str) -> Iterator[tuple[str, str, str]]:
    """Each imported name as (path without it, name, alias); "*" for all of a module."""
    parts = _PART.findall(re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL))
    prefixes: list[list[str]] = [[]]
    path: list[str] = []
    alias = ""
    for index, part in enumerate([*parts, ","]):
        if part == "{":
            prefixes.append([*prefixes[-1], *path])
            path = []
        elif part in {",", "}"}:
            if path:
                yield _name([*prefixes[-1], *path], alias)
            path, alias = [], ""
            if part == "}" and len(prefixes) > 1:
                prefixes.pop()
        elif index and parts[index - 1] == "as":
            alias = part
        elif part not in {"::", "as"}:
            path = [*path, part]


def _name(path: list[str], alias: str) -> tuple[str, str, str]:
    if path[-1] == "self" and len(path) > 1:
        path = path[:-1]
    return "::".join(path[:-1]), path[-1], alias
