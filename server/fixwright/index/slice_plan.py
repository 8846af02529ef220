"""What a language's analysis of a selection gives back to `slices`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    import tree_sitter


@dataclass(frozen=True)
class Plan:
    """Nodes to run: the chunks in order, then the selected ones, if any."""

    chunks: Sequence[tree_sitter.Node] = ()
    selected: Sequence[tree_sitter.Node] = ()
    missing: frozenset[str] = frozenset()


def overlapping(
    nodes: Sequence[tree_sitter.Node], first: int, last: int, leaving_out: Container[str]
) -> list[tree_sitter.Node]:
    """The nodes that share a byte with [first, last), in order."""
    return [
        node
        for node in nodes
        if node.start_byte < last and node.end_byte > first and node.type not in leaving_out
    ]
