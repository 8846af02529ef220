"""A document's tree and symbols, kept and brought up to date by each change.

After a change the tree is edited and re-parsed incrementally; symbols are read again only below
those top-level statements that the change reached. The others are kept, moved by whole lines where
the change added or removed some.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.index.source import Source
from fixwright.index.symbols import Symbol, first_of_each_name, symbols_of_node

if TYPE_CHECKING:
    import tree_sitter

    from fixwright.index.languages import Language
    from fixwright.workspace.text import Text

# The sizes of the pieces in which two texts are compared to find where they differ.
_STRIDE = 1 << 16

# A UTF-8 byte with these top bits continues a character.
_TOP_BITS, _CONTINUES = 0xC0, 0x80


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of bytes, and what it was before a change."""

    start: int
    old_end: int
    new_end: int


@dataclass(frozen=True, slots=True)
class _Segment:
    """A top-level statement: its bytes, its first line, and the symbols in it as of that line."""

    start: int
    end: int
    row: int
    symbols: tuple[Symbol, ...]

    def moved(self, shift: int, lines: int) -> _Segment:
        """The same statement, that many bytes and lines further down."""
        symbols = tuple(symbol.moved(lines) for symbol in self.symbols) if lines else self.symbols
        return _Segment(self.start + shift, self.end + shift, self.row + lines, symbols)


class Outline:
    """The tree and the symbols of one text. Not thread-safe: one thread owns it."""

    def __init__(self, text: Text, language: Language) -> None:
        self.language = language
        self._parser = language.parser()
        self.source = Source(text)
        self.tree = self.source.parse_with(self._parser)
        self._segments = self._read(0, len(self.source.data) + 1)
        self.symbols = self._joined()

    @property
    def text(self) -> Text:
        """The text that the tree and the symbols are of."""
        return self.source.text

    def update(self, text: Text) -> None:
        """Brings tree and symbols to another text, reusing what the two have in common."""
        if text is self.text:
            return
        source = Source(text)
        span = differing(self.source.data, source.data)
        if span is None:
            self.source = source
            return
        last_row, column = _point(self.source.data, span.old_end)
        self.tree.edit(
            span.start,
            span.old_end,
            span.new_end,
            _point(self.source.data, span.start),
            (last_row, column),
            _point(source.data, span.new_end),
        )
        old, before = self.tree, self.source
        self.source = source
        self.tree = source.parse_with(self._parser, old)
        simple = before.same_rows and source.same_rows and not self.tree.root_node.is_error
        if simple:
            changed = old.changed_ranges(self.tree)
            lines = text.line_count - before.text.line_count
            self._segments = self._changed_segments(span, changed, last_row, lines)
        else:
            # Nothing is sure about the parts of a tree that is one error, nor about rows that are
            # not lines.
            self._segments = self._read(0, len(source.data) + 1)
        self.symbols = self._joined()

    def _changed_segments(
        self, span: Span, changed: list[tree_sitter.Range], last_row: int, lines: int
    ) -> list[_Segment]:
        """The segments after a change: kept before and behind it, read again between.

        Args:
            span: what was replaced.
            changed: where the trees differ, in the new text.
            last_row: the row on which the replaced stretch ended; what stands behind it on that row
                has other columns now.
            lines: how many lines there are more than before.
        """
        shift = span.new_end - span.old_end
        first = min([span.start, *(part.start_byte for part in changed)])
        last = max([span.new_end, *(part.end_byte for part in changed)])
        segments = self._segments
        kept = bisect_left(segments, first, key=lambda segment: segment.end)
        behind = max(
            kept,
            bisect_right(segments, last - shift, key=lambda segment: segment.start),
            bisect_right(segments, last_row, key=lambda segment: segment.row),
        )
        low = segments[kept - 1].end if kept else 0
        high = (
            segments[behind].start + shift if behind < len(segments) else len(self.source.data) + 1
        )
        rest = segments[behind:]
        if shift or lines:
            rest = [segment.moved(shift, lines) for segment in rest]
        near = segments[kept - 1].start if kept else 0
        return segments[:kept] + self._read(low, high, near) + rest

    def _read(self, low: int, high: int, near: int = 0) -> list[_Segment]:
        """The segments that start in the bytes [low, high); at `near`, before `low`, is one too."""
        found: list[_Segment] = []
        cursor = self.tree.walk()
        # The cursor finds nothing at a byte that a hidden node holds, such as Bash's line ends.
        if not (
            (low and cursor.goto_first_child_for_byte(low) is not None)
            or (near and cursor.goto_first_child_for_byte(near) is not None)
            or cursor.goto_first_child()
        ):
            return found
        while True:
            node = cursor.node
            if node is None or node.start_byte >= high:
                return found
            if node.start_byte >= low:
                symbols = symbols_of_node(node, self.source, self.language)
                if symbols:
                    found.append(
                        _Segment(node.start_byte, node.end_byte, node.start_point[0], symbols)
                    )
            if not cursor.goto_next_sibling():
                return found

    def _joined(self) -> tuple[Symbol, ...]:
        return first_of_each_name(
            symbol for segment in self._segments for symbol in segment.symbols
        )


def differing(old: bytes, new: bytes) -> Span | None:
    """The smallest single stretch in which two texts differ, widened to whole characters.

    Returns:
        None where they are equal.
    """
    if old == new:
        return None
    shortest = min(len(old), len(new))
    start = _common(old, new, shortest)
    while start > 0 and start < shortest and old[start] & _TOP_BITS == _CONTINUES:
        start -= 1
    while start > 0 and start == shortest and _inside_character(old, new, start):
        start -= 1
    end = _common_end(old, new, shortest - start)
    while end > 0 and old[len(old) - end] & _TOP_BITS == _CONTINUES:
        end -= 1
    return Span(start, len(old) - end, len(new) - end)


def _inside_character(old: bytes, new: bytes, at: int) -> bool:
    longer = old if len(old) > len(new) else new
    return at < len(longer) and longer[at] & _TOP_BITS == _CONTINUES


def _common(old: bytes, new: bytes, limit: int) -> int:
    at = 0
    while at < limit and old[at : at + _STRIDE] == new[at : at + _STRIDE]:
        at += _STRIDE
    low, high = min(at, limit), min(at + _STRIDE, limit)
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _common_end(old: bytes, new: bytes, limit: int) -> int:
    a, b = len(old), len(new)
    at = 0
    while (
        at + _STRIDE <= limit and old[a - at - _STRIDE : a - at] == new[b - at - _STRIDE : b - at]
    ):
        at += _STRIDE
    low, high = at, min(at + _STRIDE, limit)
    while low < high:
        middle = (low + high + 1) // 2
        if old[a - middle : a - low] == new[b - middle : b - low]:
            low = middle
        else:
            high = middle - 1
    return low


def _point(data: bytes, at: int) -> tuple[int, int]:
    return data.count(b"\n", 0, at), at - (data.rfind(b"\n", 0, at) + 1)
