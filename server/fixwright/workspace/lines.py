r"""Where the lines of a text begin.

Lines end as LSP says: at ``\r\n``, ``\n`` or ``\r`` and nothing else (`str.splitlines` also
splits at form feeds, U+2028 and others, which would shift every position after one).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate, pairwise

END_OF_LINE = re.compile(r"\r\n|\n|\r")


def split_lines(text: str) -> list[str]:
    """The lines of `text` with their endings; the last one has none and is left out when empty."""
    bounds = [0, *line_ends(text), len(text)]
    return [text[start:end] for start, end in pairwise(bounds) if start < end]


def line_ends(text: str) -> list[int]:
    """The offset after each line ending of `text`, ascending."""
    if text.count("\r") == text.count("\r\n"):
        # No lone \r: every line ends at a \n, and splitting there is several times faster.
        pieces = text.split("\n")
        pieces.pop()
        return list(accumulate(len(piece) + 1 for piece in pieces))
    return [match.end() for match in END_OF_LINE.finditer(text)]


class LineIndex:
    """The offset at which each line begins; immutable.

    The offsets from `_pivot` on are stored without a common shift `_delta`, so that an edit moves
    all the lines below it by one addition. A following edit nearby re-writes only the lines between
    the two.
    """

    __slots__ = ("_delta", "_pivot", "_starts")

    def __init__(self, starts: list[int], pivot: int = 0, delta: int = 0) -> None:
        self._starts = starts
        self._pivot = pivot
        self._delta = delta

    @classmethod
    def of(cls, text: str) -> LineIndex:
        """Index a whole text."""
        return cls([0, *line_ends(text)])

    @property
    def count(self) -> int:
        """How many lines there are: one more than there are line endings."""
        return len(self._starts)

    def start(self, line: int) -> int:
        """The offset of the first code point of `line`, which must exist."""
        return self._starts[line] + (self._delta if line >= self._pivot else 0)

    def line_at(self, offset: int) -> int:
        """The line that holds `offset`."""
        if self._pivot < len(self._starts) and offset >= self.start(self._pivot):
            return bisect_right(self._starts, offset - self._delta, lo=self._pivot) - 1
        return bisect_right(self._starts, offset, hi=self._pivot) - 1

    def starts(self) -> list[int]:
        """All offsets, as a fresh list."""
        tail = self._starts[self._pivot :]
        return self._starts[: self._pivot] + [start + self._delta for start in tail]

    def spliced(self, text: str, start: int, end: int, inserted: int) -> LineIndex:
        """The index of `text`, which came from this one's by replacing ``[start, end)``.

        Args:
            text: The text after the change.
            start: Where the replaced stretch began, an offset of the text before.
            end: Where it ended, an offset of the text before.
            inserted: How many code points stand in its place now.
        """
        shift = inserted - (end - start)
        # One line above, because a \r that ends it may now meet a \n. Nothing below can change: the
        # line after `end` begins behind an ending that is still whole.
        first = max(self.line_at(start) - 1, 0)
        below = self.line_at(end) + 1
        begin = self.start(first)
        stop = self.start(below) + shift if below < self.count else len(text)
        touched = [begin + offset for offset in line_ends(text[begin:stop])]
        if below < self.count and touched and touched[-1] == stop:
            touched.pop()  # it is the line `below`, which the tail holds
        head = self._starts[: first + 1]
        tail = self._starts[below:]
        if self._pivot <= first:
            head[self._pivot :] = [offset + self._delta for offset in head[self._pivot :]]
        elif self._pivot > below:
            moved = self._pivot - below
            tail[:moved] = [offset - self._delta for offset in tail[:moved]]
        pivot = len(head) + len(touched)
        return LineIndex(head + touched + tail, pivot, self._delta + shift)
