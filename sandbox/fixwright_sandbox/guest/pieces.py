"""One text out of pieces of a file, for compilers that can't be told a line's number.

Each piece stands at its own line and column where there is room for that: the gap before it is
filled with empty lines. Where there is none, a line moves down, and the map says from where.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple


class Piece(NamedTuple):
    """Text and the zero-based place where it begins in its file; line None for text of ours."""

    text: str
    line: int | None = None
    column: int = 0


class Assembled(NamedTuple):
    """The text, and for each of its lines the file's; None for a line that is not the file's."""

    text: str
    lines: tuple[int | None, ...]

    def origin(self, line: int) -> int | None:
        """Return the file's line of a line of the text, or of the nearest one above it."""
        for number in range(min(line, len(self.lines) - 1), -1, -1):
            if self.lines[number] is not None:
                return self.lines[number]
        return None

    def is_ours(self, line: int) -> bool:
        """Tell whether a line of the text is none of the file's."""
        return 0 <= line < len(self.lines) and self.lines[line] is None

    def move_back(self, place: dict[str, Any]) -> None:
        """Change a place in the text (`line`, `endLine`) to the one in the file."""
        for key in ("line", "endLine"):
            if isinstance(place.get(key), int):
                found = self.origin(place[key])
                place[key] = place[key] if found is None else found


def assemble(pieces: Iterable[Piece]) -> Assembled:
    """Put pieces below each other, in the order given."""
    lines: list[str] = []
    origins: list[int | None] = []
    for piece in pieces:
        text = piece.text.replace("\r\n", "\n").replace("\r", "\n")
        own = (" " * piece.column + text).split("\n")
        if piece.line is not None:
            gap = piece.line - len(lines)
            lines += [""] * gap
            origins += [None] * gap
        lines += own
        for number in range(len(own)):
            origins.append(None if piece.line is None else piece.line + number)
    return Assembled("\n".join(lines) + "\n", tuple(origins))
