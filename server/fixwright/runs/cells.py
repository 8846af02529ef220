"""Cells: the parts of a file between lines that say `# %%`, or `// %%`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fixwright.workspace.position import Position, Range
from fixwright.workspace.text import Text
from fixwright_sandbox.runtimes import runtime_for

_HASH, _SLASHES = re.compile(r"#\s*%%"), re.compile(r"//\s*%%")
_MARKERS = {"python": _HASH, "bash": _HASH, "node": _SLASHES}
"""What begins the line that begins a cell, by runtime."""


@dataclass(frozen=True)
class Cell:
    """A cell, its marker's line included.

    Attributes:
        first: its first line, zero-based.
        last: its last.
    """

    first: int
    last: int

    def range(self, text: Text) -> Range:
        """Where it stands."""
        return Range(Position(self.first, 0), Position(self.last, len(text.line(self.last))))


def cells_in(text: Text, language: str) -> tuple[Cell, ...]:
    """The cells of a file; what stands before the first marker is one, too.

    A file without a marker, or of a language of which no interpreter can be kept, has none.
    """
    runtime = runtime_for(language)
    marker = _MARKERS.get(runtime.name) if runtime is not None and runtime.sessions else None
    if marker is None or "%%" not in text.value:
        return ()
    lines = text.line_count
    starts = [line for line in range(lines) if marker.match(text.line(line))]
    if not starts:
        return ()
    head = "".join(text.line(line) for line in range(starts[0]))
    starts = ([0] if head.strip() else []) + starts
    ends = [start - 1 for start in starts[1:]] + [lines - 1]
    return tuple(Cell(start, end) for start, end in zip(starts, ends, strict=True))


def touched(cells: tuple[Cell, ...], place: Range) -> tuple[Cell, ...]:
    """The cells that a range touches."""
    return tuple(
        cell for cell in cells if cell.first <= place.end.line and cell.last >= place.start.line
    )
