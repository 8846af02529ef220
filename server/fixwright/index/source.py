"""One text as tree-sitter sees it: UTF-8 bytes, and the way back to positions in code points."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from fixwright.workspace.position import Position, Range

if TYPE_CHECKING:
    import tree_sitter

    from fixwright.index.languages import Language
    from fixwright.workspace.text import Text

# Parsing holds the interpreter lock, except while it asks for the next piece of the text. Pieces of
# this size keep the pauses of the event loop short and cost nothing measurable.
_PIECE = 64 << 10

# tree-sitter counts rows by "\n" alone and columns in bytes; lone surrogates come from bad input
# and must survive the round trip.
_ERRORS = "surrogatepass"


class Source:
    """A text with its UTF-8 form and the mapping between the two."""

    def __init__(self, text: Text) -> None:
        self.text = text
        value = text.value
        self.data = value.encode("utf-8", _ERRORS)
        self._ascii = len(self.data) == len(value)
        # Where a "\r" stands alone, the editor's lines are not tree-sitter's rows.
        self.same_rows = value.count("\r") == value.count("\r\n")

    def parse(self, language: Language, old: tree_sitter.Tree | None = None) -> tree_sitter.Tree:
        """The tree of this text; `old` is an edited tree of an earlier text to reuse parts of."""
        return self.parse_with(language.parser(), old)

    def parse_with(
        self, parser: tree_sitter.Parser, old: tree_sitter.Tree | None = None
    ) -> tree_sitter.Tree:
        """As `parse`, with a parser that the caller keeps for its own thread."""
        data = self.data

        def read(offset: int, _point: tree_sitter.Point) -> bytes:
            return data[offset : offset + _PIECE]

        return parser.parse(read) if old is None else parser.parse(read, old)

    def position(self, byte: int, row: int, column: int) -> Position:
        """The position of tree-sitter's (byte, row, column in bytes)."""
        if self.same_rows:
            if self._ascii:
                return Position(row, column)
            prefix = self.data[byte - column : byte].decode("utf-8", _ERRORS)
            return Position(row, len(prefix))
        return self.text.position(self.offset(byte, row, column))

    def offset(self, byte: int, row: int, column: int) -> int:
        """The offset in code points of tree-sitter's (byte, row, column in bytes)."""
        if self._ascii:
            return byte
        prefix = self.data[byte - column : byte].decode("utf-8", _ERRORS)
        return self._row_offsets[row] + len(prefix)

    def start(self, node: tree_sitter.Node) -> Position:
        """Where a node starts."""
        row, column = node.start_point
        return self.position(node.start_byte, row, column)

    def end(self, node: tree_sitter.Node) -> Position:
        """Where a node ends."""
        row, column = node.end_point
        return self.position(node.end_byte, row, column)

    def range(self, node: tree_sitter.Node) -> Range:
        """A node's range."""
        return Range(self.start(node), self.end(node))

    def byte(self, position: Position) -> int:
        """The byte at which a position is."""
        offset = self.text.offset(position)
        if self._ascii:
            return offset
        return len(self.text.value[:offset].encode("utf-8", _ERRORS))

    def of(self, node: tree_sitter.Node) -> str:
        """A node's text."""
        return self.data[node.start_byte : node.end_byte].decode("utf-8", _ERRORS)

    @cached_property
    def _row_offsets(self) -> list[int]:
        offsets = [0]
        for row in self.text.value.split("\n"):
            offsets.append(offsets[-1] + len(row) + 1)
        return offsets
