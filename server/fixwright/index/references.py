"""Where a file uses which names, read by the `references` section of its language's query file."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from fixwright.index.facts import Reference
from fixwright.index.queries import captures

if TYPE_CHECKING:
    from collections.abc import Sequence

    import tree_sitter

    from fixwright.index.languages import Language
    from fixwright.index.source import Source
    from fixwright.index.walk import Found

ROLES = ("skip", "import", "call", "write", "type", "read")
"""The captures of the section; where several fit a name, the first of these counts."""


def references_of(
    root: tree_sitter.Node,
    found: Sequence[Found],
    source: Source,
    language: Language,
    only: str | None = None,
) -> tuple[Reference, ...]:
    """The references in a tree, in order; the names of the definitions themselves are none.

    Args:
        root: of the tree.
        found: the tree's definitions.
        source: its text.
        language: its language.
        only: the one name that is asked for; None for all.
    """
    by_role = captures(language, "references", root)
    taken = {each.name_node.start_byte for each in found}
    keywords = language.lexer.keywords if language.lexer is not None else frozenset[str]()
    places: list[tuple[int, tree_sitter.Node, str]] = []
    for role in ROLES:
        for node in by_role.get(role, ()):
            start = node.start_byte
            if start not in taken:
                taken.add(start)
                if role != "skip":
                    places.append((start, node, role))
    places.sort(key=lambda place: place[0])
    enclosing = Enclosing(found)
    references: list[Reference] = []
    for start, node, role in places:
        name = source.of(node)
        if name not in keywords and (only is None or name == only):
            references.append(Reference(name, source.place(node), enclosing.at(start), role))
    return tuple(references)


class Enclosing:
    """The innermost definition around a byte; the definitions are nested and sorted by start."""

    def __init__(self, found: Sequence[Found]) -> None:
        order = sorted(
            range(len(found)), key=lambda i: (found[i].outer.start_byte, -found[i].outer.end_byte)
        )
        # At each border the innermost definition changes: its byte, and the definition from there.
        self._borders: list[int] = []
        self._inner: list[int | None] = []
        open_: list[int] = []

        def close(before: int) -> None:
            while open_ and found[open_[-1]].outer.end_byte <= before:
                end = found[open_.pop()].outer.end_byte
                self._note(end, open_[-1] if open_ else None)

        for index in order:
            start = found[index].outer.start_byte
            close(start)
            open_.append(index)
            self._note(start, index)
        close(1 << 62)

    def _note(self, border: int, inner: int | None) -> None:
        self._borders.append(border)
        self._inner.append(inner)

    def at(self, byte: int) -> int | None:
        """The index of the innermost definition that holds a byte; None where none does."""
        index = bisect_right(self._borders, byte) - 1
        return self._inner[index] if index >= 0 else None
