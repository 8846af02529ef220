"""What a file's comments and docstrings say of its definitions."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fixwright.index.queries import matches

if TYPE_CHECKING:
    from collections.abc import Sequence

    import tree_sitter

    from fixwright.index.languages import Language
    from fixwright.index.source import Source
    from fixwright.index.walk import Found

# Characters; what is longer is no help at a cursor.
_LONGEST = 20_000


def docs_of(
    root: tree_sitter.Node, found: Sequence[Found], source: Source, language: Language
) -> list[str]:
    """The doc of each definition, in the same order; "" where there is none.

    A docstring is one that the query file captures as `@doc`; a doc comment is whatever comment
    ends on the row above the definition, with nothing but `@between` (attributes) between.
    """
    inside: dict[int, str] = {}
    comments = _Comments(source, re.compile(language.doc_markers, re.MULTILINE))
    for captures in matches(language, "docstrings", root):
        if "doc" in captures:
            text = "".join(source.of(node) for node in captures["doc"])
            inside[captures["documented"][0].start_byte] = inspect.cleandoc(text)[:_LONGEST]
        for node in captures.get("comment", ()):
            comments.add(node)
        for node in captures.get("between", ()):
            comments.between[_last_row(node)] = node.start_point[0]
    docs: list[str] = []
    outer: list[tuple[int, int]] = []
    for each in found:
        start, row = each.outer.start_byte, each.outer.start_point[0]
        while outer and outer[-1][0] <= start:
            outer.pop()
        # What begins on its container's row has that row's comment above it, but not for its own.
        is_first = not outer or outer[-1][1] != row
        docs.append(inside.get(each.node.start_byte) or (comments.above(row) if is_first else ""))
        outer.append((each.outer.end_byte, row))
    return docs


@dataclass
class _Comments:
    """The comments that have rows of their own, by their last row: the first row, and the text."""

    source: Source
    markers: re.Pattern[str]
    by_row: dict[int, tuple[int, str]] = field(default_factory=dict[int, tuple[int, str]])
    between: dict[int, int] = field(default_factory=dict[int, int])

    def add(self, node: tree_sitter.Node) -> None:
        start = node.start_byte
        data = self.source.data
        if not data[data.rfind(b"\n", 0, start) + 1 : start].strip():
            self.by_row[_last_row(node)] = (node.start_point[0], self.source.of(node))

    def above(self, row: int) -> str:
        parts: list[str] = []
        size = 0
        row -= 1
        while size < _LONGEST:
            if row in self.by_row:
                first, text = self.by_row[row]
                parts.append(text)
                size += len(text)
                row = first - 1
            elif row in self.between:
                row = self.between[row] - 1
            else:
                break
        parts.reverse()
        return self._clean("\n".join(part.rstrip("\n") for part in parts))

    def _clean(self, text: str) -> str:
        lines = [self.markers.sub("", line.strip()) for line in text.splitlines()]
        lines = [self.markers.sub("", line.rstrip()) for line in lines]
        return inspect.cleandoc("\n".join(lines))[:_LONGEST].strip()


def _last_row(node: tree_sitter.Node) -> int:
    row, column = node.end_point
    return row - 1 if column == 0 and row > node.start_point[0] else row
