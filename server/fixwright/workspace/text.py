"""Immutable text that knows its lines, and the conversion to and from an editor's column units."""

from __future__ import annotations

import re
from enum import StrEnum

from fixwright.workspace.lines import LineIndex
from fixwright.workspace.position import Position, Range

_SURROGATE_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
# Upper bytes of UTF-16 units, and bytes inside a UTF-8 sequence.
_HIGH_SURROGATE = range(0xD8, 0xDC)
_LOW_SURROGATE = range(0xDC, 0xE0)
_CONTINUATION = range(0x80, 0xC0)


class Encoding(StrEnum):
    """The unit in which an editor counts columns."""

    UTF8 = "utf-8"
    UTF16 = "utf-16"
    UTF32 = "utf-32"


class Text:
    """A text and its line index.

    Two texts are the same only if they are one object: identity is the test for staleness. Compare
    ``value`` to compare contents.

    A surrogate pair in `value` is joined to the character that it stands for, so that lengths in
    UTF-16 units are always what an editor counts. Lone surrogates stay.
    """

    __slots__ = ("_index", "_newline", "value")

    value: str

    def __init__(self, value: str = "", index: LineIndex | None = None) -> None:
        """A text of `value`.

        Args:
            value: The characters.
            index: Its lines if they are known; `value` then has no surrogate pair to join.
        """
        self.value = value if index else join_surrogates(value)
        self._index = index or LineIndex.of(self.value)
        self._newline: str | None = None

    def __repr__(self) -> str:
        return f"<Text of {len(self.value)} characters, {self.line_count} lines>"

    def __len__(self) -> int:
        return len(self.value)

    @property
    def line_count(self) -> int:
        """One more than there are line endings; an empty text has one line."""
        return self._index.count

    @property
    def newline(self) -> str:
        r"""The most frequent line ending; ``\n`` when there is none."""
        if self._newline is None:
            pairs = self.value.count("\r\n")
            feeds = self.value.count("\n") - pairs
            returns = self.value.count("\r") - pairs
            best = max(pairs, feeds, returns)
            self._newline = "\n" if feeds == best else "\r\n" if pairs == best else "\r"
        return self._newline

    @property
    def has_newline(self) -> bool:
        """Whether there is any line ending."""
        return self._index.count > 1

    @property
    def end(self) -> Position:
        """The place behind the last code point."""
        return self.position(len(self.value))

    def line(self, n: int) -> str:
        """Line `n` without its ending.

        Raises:
            IndexError: There is no such line.
        """
        if not 0 <= n < self._index.count:
            raise IndexError(f"line {n} of a text of {self._index.count} lines")
        return self.value[self._index.start(n) : self._line_end(n)]

    def offset(self, p: Position) -> int:
        """The offset of `p` in code points; out of range clamps to the line's or the text's end."""
        if p.line < 0:
            return 0
        if p.line >= self._index.count:
            return len(self.value)
        return min(self._index.start(p.line) + max(p.column, 0), self._line_end(p.line))

    def position(self, offset: int) -> Position:
        r"""The place of `offset`; one inside a ``\r\n`` is the end of its line."""
        offset = min(max(offset, 0), len(self.value))
        line = self._index.line_at(offset)
        return Position(line, min(offset, self._line_end(line)) - self._index.start(line))

    def slice(self, r: Range) -> str:
        """The text inside `r`."""
        return self.value[self.offset(r.start) : self.offset(r.end)]

    def range(self, start: int, end: int) -> Range:
        """The range between two offsets."""
        return Range(self.position(start), self.position(end))

    def splice(self, start: int, end: int, insert: str) -> Text:
        """The text with ``[start, end)`` replaced; only the touched lines are indexed again."""
        value = self.value
        if not value.isascii() or not insert.isascii():
            if start > 0 and "\ud800" <= value[start - 1] <= "\udbff":
                start -= 1
                insert = value[start] + insert
            if end < len(value) and "\udc00" <= value[end] <= "\udfff":
                insert += value[end]
                end += 1
            insert = join_surrogates(insert)
        after = "".join((value[:start], insert, value[end:]))
        return Text(after, self._index.spliced(after, start, end, len(insert)))

    def from_client(self, line: int, character: int, encoding: Encoding) -> Position:
        """An editor's place as ours.

        A column behind the line's end is the line's end, a line behind the last one the text's end,
        and a column inside a character is that character's start.
        """
        if line < 0:
            return Position(0, 0)
        if line >= self._index.count:
            return self.end
        content = self.line(line)
        if character <= 0:
            return Position(line, 0)
        if encoding is Encoding.UTF32 or content.isascii():
            return Position(line, min(character, len(content)))
        if encoding is Encoding.UTF16:
            return Position(line, _column_of_utf16(content, character))
        return Position(line, _column_of_utf8(content, character))

    def to_client(self, p: Position, encoding: Encoding) -> tuple[int, int]:
        """Our place as an editor's line and character; out of range clamps as `offset` does."""
        p = self.position(self.offset(p))
        start = self._index.start(p.line)
        return p.line, width(self.value[start : start + p.column], encoding)

    def line_starts(self) -> list[int]:
        """The offset at which each line begins."""
        return self._index.starts()

    def _line_end(self, n: int) -> int:
        """The offset behind the last code point of line `n`, before its ending."""
        if n + 1 >= self._index.count:
            return len(self.value)
        end = self._index.start(n + 1) - 1
        if self.value[end] == "\n" and end > self._index.start(n) and self.value[end - 1] == "\r":
            end -= 1
        return end


def width(text: str, encoding: Encoding) -> int:
    """How many units of `encoding` the text takes."""
    if encoding is Encoding.UTF32 or text.isascii():
        return len(text)
    if encoding is Encoding.UTF16:
        return len(text.encode("utf-16-le", "surrogatepass")) // 2
    return len(text.encode("utf-8", "surrogatepass"))


def join_surrogates(text: str) -> str:
    """Join each surrogate pair to its character; JSON can carry the two halves in two messages."""
    if text.isascii() or not _SURROGATE_PAIR.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _column_of_utf16(line: str, units: int) -> int:
    data = line.encode("utf-16-le", "surrogatepass")
    if 2 * units >= len(data):
        return len(line)
    if data[2 * units + 1] in _LOW_SURROGATE and data[2 * units - 1] in _HIGH_SURROGATE:
        units -= 1
    return len(data[: 2 * units].decode("utf-16-le", "surrogatepass"))


def _column_of_utf8(line: str, units: int) -> int:
    data = line.encode("utf-8", "surrogatepass")
    if units >= len(data):
        return len(line)
    while data[units] in _CONTINUATION:
        units -= 1
    return len(data[:units].decode("utf-8", "surrogatepass"))
