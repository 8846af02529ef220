"""One text as tree-sitter sees it: UTF-8 bytes, and the way back to positions in code points."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING

from fixwright.workspace.position import Position, Range
from fixwright.workspace.text import Text

if TYPE_CHECKING:
    import tree_sitter

    from fixwright.index.facts import Place
    from fixwright.index.languages import Language

# Parsing holds the interpreter lock, except while it asks for the next piece of the text. Pieces of
# this size keep the pauses of the event loop short and cost nothing measurable.
_PIECE = 64 << 10

# Small enough to see a deadline pass, large enough to cost nothing either.
_SMALL_PIECE = 8 << 10

# tree-sitter counts rows by "\n" alone and columns in bytes; lone surrogates come from bad input
# and must survive the round trip.
_ERRORS = "surrogatepass"


class Source:
    """A text with its UTF-8 form and the mapping between the two."""

    def __init__(self, text: Text | bytes) -> None:
        """A source of a text, or of its bytes in UTF-8 where nothing else needs the text.

        Raises:
            UnicodeDecodeError: the bytes are not UTF-8.
        """
        if isinstance(text, bytes):
            self.data = text
            if not text.isascii():
                text.decode("utf-8", _ERRORS)
        else:
            self.text = text
            self.data = text.value.encode("utf-8", _ERRORS)
        self._ascii = self.data.isascii()
        # Where a "\r" stands alone, the editor's lines are not tree-sitter's rows.
        self.same_rows = b"\r" not in self.data or (
            self.data.count(b"\r") == self.data.count(b"\r\n")
        )

    @cached_property
    def text(self) -> Text:
        """The text."""
        return Text(self.data.decode("utf-8", _ERRORS))

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

    def parse_within(self, language: Language, seconds: float) -> tree_sitter.Tree | None:
        """As `parse`; None where it takes longer, as far as the parser asks for more of the text.

        What hangs inside of one piece of the text is for the watcher of the process to end. A
        progress callback would see it, and costs an eighth of the parse.
        """
        data, end = self.data, time.monotonic() + seconds
        late = False

        def read(offset: int, _point: tree_sitter.Point) -> bytes:
            nonlocal late
            late = late or time.monotonic() > end
            return b"" if late else data[offset : offset + _SMALL_PIECE]

        tree = language.parser().parse(read)
        return None if late else tree

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

    def place(self, node: tree_sitter.Node) -> Place:
        """A node's range as four numbers."""
        if self.same_rows and self._ascii:
            (row, column), (end_row, end_column) = node.start_point, node.end_point
            return row, column, end_row, end_column
        start, end = self.start(node), self.end(node)
        return start.line, start.column, end.line, end.column

    def of(self, node: tree_sitter.Node) -> str:
        """A node's text."""
        return self.data[node.start_byte : node.end_byte].decode("utf-8", _ERRORS)

    @cached_property
    def _row_offsets(self) -> list[int]:
        offsets = [0]
        for row in self.text.value.split("\n"):
            offsets.append(offsets[-1] + len(row) + 1)
        return offsets
