"""From a tree to what it wants installed. Pure but for reading the files that it is given."""

from __future__ import annotations

from collections.abc import Callable

from . import go, java, node, python, rust
from .model import Files, Wanted

_READERS: dict[str, Callable[[Files], Wanted]] = {
    "python": python.wanted,
    "node": node.wanted,
    "go": go.wanted,
    "rust": rust.wanted,
    "java": java.wanted,
}


def wanted(runtime: str, files: Files) -> Wanted:
    """What the tree asks for in a runtime; nothing for one that knows no packages."""
    reader = _READERS.get(runtime)
    return reader(files) if reader is not None else Wanted(runtime)
