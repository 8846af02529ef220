"""Places in a text: zero-based lines and columns, columns counted in Unicode code points."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Position:
    r"""A place between two code points of a text.

    Attributes:
        line: Zero-based, over lines split as LSP splits them (``\r\n``, ``\n``, ``\r``).
        column: Zero-based, in code points from the line's start.
    """

    line: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class Range:
    """A half-open stretch of a text: ``start`` belongs to it, ``end`` does not."""

    start: Position
    end: Position

    @classmethod
    def at(cls, line: int, column: int) -> Range:
        """The empty range at one place."""
        here = Position(line, column)
        return cls(here, here)

    @classmethod
    def of(cls, line: int, column: int, end_line: int, end_column: int) -> Range:
        """A range from four numbers, as reports and grammars give them."""
        return cls(Position(line, column), Position(end_line, end_column))

    @property
    def is_empty(self) -> bool:
        """Whether nothing lies inside."""
        return self.start == self.end

    def contains(self, position: Position) -> bool:
        """Whether the code point at `position` lies inside; an empty range contains its place."""
        return self.start <= position < self.end or position == self.start

    def encloses(self, other: Range) -> bool:
        """Whether all of `other` lies inside."""
        return self.start <= other.start and other.end <= self.end

    def touches(self, other: Range) -> bool:
        """Whether the two share a code point or meet at a border (a cursor at a word's end)."""
        return self.start <= other.end and other.start <= self.end
