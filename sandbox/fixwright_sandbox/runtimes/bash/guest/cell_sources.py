"""The files of a session's cells as they are now, and as they were when they were executed."""

from __future__ import annotations

from fixwright_sandbox.guest.moved import shift_of
from fixwright_sandbox.guest.sources import Sources

from .kept import Executed, executed


class CellSources(Sources):
    """Knows the cells of a session by what the shell calls them. Reads files."""

    def __init__(self, root: str, scratch: str) -> None:
        super().__init__(root)
        self._cells = executed(scratch)

    @property
    def current(self) -> str:
        """The name of the cell that was executed last."""
        return self._cells[0].name if self._cells else "<cell>"

    def path(self, filename: str) -> str:
        """As for any file; a cell's begins with `./`."""
        return super().path(filename.removeprefix("./"))

    def lines(self, filename: str) -> list[str]:
        """As for any file; a cell that stands in none has its own."""
        name = filename.removeprefix("./")
        if not name.startswith("<"):
            return super().lines(name)
        found = [each.lines for each in self._cells if each.name == name]
        return found[0] if found else []

    def moved(self, path: str, line: int) -> tuple[str, int]:
        """Look a line of a cell up in the text as it is now."""
        cell = next((each for each in self._cells if _has(each, path, line)), None)
        now = self.lines(path)
        if cell is None or not now or path.startswith("<"):
            return path, 0
        first = next(number for number, text in enumerate(cell.lines) if text.strip())
        body = cell.lines[first:]
        while len(body) > 1 and not body[-1].strip():
            body.pop()
        shift = shift_of(body, first, now)
        return (f"<{path} as it was>", 0) if shift is None else (path, shift)


def _has(cell: Executed, path: str, line: int) -> bool:
    return cell.name == path and 0 <= line < len(cell.lines) and bool(cell.lines[line].strip())
