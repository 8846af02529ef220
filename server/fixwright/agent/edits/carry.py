"""From the text that a model has read to the text as it is now."""

from __future__ import annotations

from functools import cached_property

from fixwright.agent.edits.model import LineHunk, Located
from fixwright.agent.edits.page import Page
from fixwright.workspace.linediff import matching_blocks

_FURTHEST = 60
"""Lines around a place that are compared to tell it from another that looks alike."""

_UNMISTAKABLE = 4
"""Lines with words, from which on a passage that stands once is known wherever it stands."""


class Passage:
    """Which lines of one text are still there in another.

    A difference of two texts is a guess where lines repeat. So a line counts as the same only where
    the lines around it, as many as it takes to be unlike any other place of either text, are the
    same too.
    """

    def __init__(self, before: Page, after: Page) -> None:
        self.before = before
        self.after = after

    @property
    def is_needed(self) -> bool:
        """Whether the texts differ at all."""
        return self.before.lines != self.after.lines

    @cached_property
    def _now(self) -> dict[int, int]:
        """Line after by line before; the place behind the last line is a line too."""
        now = {
            at + n: at_after + n
            for at, at_after, size in matching_blocks(self.before.lines, self.after.lines)
            for n in range(size)
        }
        now[-1] = -1
        now[len(self.before.lines)] = len(self.after.lines)
        return now

    def is_whole(self, first: int, last: int) -> bool:
        """Whether all lines of ``[first, last)`` are there, in a row."""
        return self._run(first, last) is not None

    def hunk(self, hunk: LineHunk, within: Located) -> LineHunk | None:
        """A hunk of the text before, over the text after; None where it is not the same place.

        Its own lines must be there, in a row. Of the lines above and below, those that the edit
        shows must be there as well, and of any others at least one: what was typed right beside is
        kept, but a place that has changed on both sides is another place.

        Or all that the edit shows was moved as it was, and the hunk lies within.
        """
        return self._in_place(hunk, within) or self._moved(hunk, within)

    def _moved(self, hunk: LineHunk, within: Located) -> LineHunk | None:
        lines = self.before.lines[within.first : within.last]
        inside = within.first < hunk.first and hunk.last < within.last
        if not inside or sum(any(map(str.isalnum, line)) for line in lines) < _UNMISTAKABLE:
            return None
        if self.before.only_place(lines) is None:
            return None
        there = self.after.only_place(lines)
        if there is None:
            return None
        shift = there - within.first
        return LineHunk(hunk.first + shift, hunk.last + shift, hunk.new)

    def _in_place(self, hunk: LineHunk, within: Located) -> LineHunk | None:
        start = self._run(hunk.first, hunk.last)
        if start is None:
            return None
        is_insertion = hunk.first == hunk.last
        above = self._run(hunk.first - 1, hunk.last) is not None
        below = self._run(hunk.first, hunk.last + 1) is not None
        if is_insertion:
            above = below = self._run(hunk.first - 1, hunk.last + 1) is not None
        if (not above and within.first < hunk.first) or (not below and hunk.last < within.last):
            return None
        if above and below:
            certain = self._is_certain(hunk.first, hunk.last)
        else:
            lines = self.before.lines[hunk.first : hunk.last]
            certain = (above or below) and self._is_once(lines)
        size = hunk.last - hunk.first
        return LineHunk(start, start + size, hunk.new) if certain else None

    def _run(self, first: int, last: int) -> int | None:
        """Where the lines begin now, if they are all there and in a row."""
        if first == last:
            if self._run(first - 1, first + 1) is None:
                return None
            return self._now[first]
        start = self._now.get(first)
        if start is None or any(
            self._now.get(line) != start + line - first for line in range(first, last)
        ):
            return None
        return start

    def _is_certain(self, first: int, last: int) -> bool:
        """Whether enough around the place is the same to tell it from every other."""
        end = len(self.before.lines)
        for distance in range(1, _FURTHEST + 1):
            low, high = max(first - distance, -1), min(last + distance, end + 1)
            if self._run(low, high) is None:
                return False
            if low == -1 and high == end + 1:
                return True
            if self._is_once(self.before.lines[max(low, 0) : min(high, end)]):
                return True
        return False

    def _is_once(self, lines: tuple[str, ...]) -> bool:
        here, there = self.before.only_place(lines), self.after.only_place(lines)
        return here is not None and there is not None
