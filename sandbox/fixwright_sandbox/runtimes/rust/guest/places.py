"""Turn the points that Rust's messages give into exact ranges of the tree's files."""

from __future__ import annotations

import os
import re
from typing import Any

from fixwright_sandbox.guest.sources import Sources

from .scan import Source

_OPERATORS = {
    "add": frozenset({"+", "+="}),
    "subtract": frozenset({"-", "-="}),
    "multiply": frozenset({"*", "*="}),
    "divide": frozenset({"/", "/="}),
    "remainder": frozenset({"%", "%="}),
    "shift left": frozenset({"<<", "<<="}),
    "shift right": frozenset({">>", ">>="}),
}
_OVERFLOW = re.compile(
    r"^attempt to (?P<what>add|subtract|multiply|divide|shift left|shift right)\b"
)
_REMAINDER = re.compile(r"^attempt to calculate the remainder")
_INDEXED = re.compile(
    r"^(index out of bounds|range (start|end) index|slice index|byte index|.*index)"
)


class Places:
    """The files of one run, named by the compiler relative to the folder that it ran in.

    Args:
        root: the tree.
        base: the folder that relative names are relative to.

    Attributes:
        sources: the tree's files.
        base: that folder.
    """

    def __init__(self, root: str, base: str | None = None) -> None:
        self.sources = Sources(root)
        self.base = os.path.realpath(base or root)
        self._scanned: dict[str, Source] = {}

    def path(self, name: str) -> str:
        """Return the path that reports give a file."""
        return self.sources.path(os.path.join(self.base, name))

    def inside(self, name: str) -> bool:
        """Tell whether a file is the tree's."""
        path = os.path.join(self.base, name)
        return self.sources.inside(path) and os.path.isfile(self.sources.absolute(path))

    def source(self, name: str) -> Source:
        """Return the file's tokens; those of an empty file where it can't be read."""
        path = self.path(name)
        if path not in self._scanned:
            self._scanned[path] = Source("\n".join(self.sources.lines(path)))
        return self._scanned[path]

    def add(self, path: str, text: str) -> None:
        """Take this text for a file of the tree."""
        self._scanned[path] = Source(text)

    def point(self, name: str, line: int, column: int, callee: str | None = None) -> dict[str, Any]:
        """Return the place of the call or expression that begins at a point."""
        source = self.source(name)
        index = source.at(source.offset(line, column))
        if source.is_punct(index - 1, "."):
            return self._span(name, source, index, source.method_end(index), (line, column))
        if source.is_punct(index, "["):
            start = source.place(source.tokens[source.operand_start(index)].start)
            return self._span(name, source, index, source.group_end(index), start)
        return self._span(name, source, index, source.operand_end(index, callee), (line, column))

    def panic(self, name: str, line: int, column: int, message: str) -> dict[str, Any]:
        """Return the place of the expression that panicked at a point."""
        source = self.source(name)
        index = source.at(source.offset(line, column))
        if source.is_punct(index - 1, "."):
            return self._span(name, source, index, source.method_end(index), (line, column))
        if source.is_punct(index, "["):
            # An `Index` of the library's is told at its bracket.
            start = source.place(source.tokens[source.operand_start(index)].start)
            return self._span(name, source, index, source.group_end(index), start)
        operators = _operators(message)
        end = source.binary_end(index, operators) if operators else None
        if end is None:
            end = source.operand_end(index)
            if _INDEXED.match(message):
                end = _last_index(source, index, end)
        return self._span(name, source, index, end, (line, column))

    def _span(
        self, name: str, source: Source, index: int, end: int, point: tuple[int, int]
    ) -> dict[str, Any]:
        line, column = point
        stop = (line, column + 1)
        if index < end <= len(source.tokens):
            stop = source.place(source.tokens[end - 1].end)
        return {
            "path": self.path(name),
            "line": line,
            "column": column,
            "endLine": stop[0],
            "endColumn": stop[1],
        }


def _operators(message: str) -> frozenset[str]:
    if _REMAINDER.match(message):
        return _OPERATORS["remainder"]
    match = _OVERFLOW.match(message)
    return _OPERATORS[match["what"]] if match else frozenset()


def _last_index(source: Source, index: int, end: int) -> int:
    for number in range(end - 1, index, -1):
        if source.is_punct(number, "]"):
            return number + 1
    return end
