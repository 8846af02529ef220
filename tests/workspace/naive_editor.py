"""An editor as plain as can be: a list of code units. It shares no code with what it checks."""

from __future__ import annotations

from fixwright.workspace.changes import ContentChange
from fixwright.workspace.text import Encoding

Place = tuple[int, int]


class NaiveEditor:
    """Holds a text in the units of one encoding and finds its lines by looking at each unit."""

    def __init__(self, text: str, encoding: Encoding) -> None:
        self.encoding = encoding
        self.units = self._encode(text)

    @property
    def text(self) -> str:
        if self.encoding is Encoding.UTF8:
            return bytes(self.units).decode("utf-8", "surrogatepass")
        if self.encoding is Encoding.UTF16:
            data = b"".join(unit.to_bytes(2, "big") for unit in self.units)
            return data.decode("utf-16-be", "surrogatepass")
        return "".join(map(chr, self.units))

    def lines(self) -> list[tuple[int, int]]:
        """Where each line begins, and where it ends before its line ending."""
        found = list[tuple[int, int]]()
        start = at = 0
        while at < len(self.units):
            size = 1
            if self.units[at : at + 2] == [13, 10]:
                size = 2
            if self.units[at] in {10, 13}:
                found.append((start, at))
                start = at + size
            at += size
        found.append((start, len(self.units)))
        return found

    def place(self, index: int) -> Place:
        """Line and character of the last place at or before `index` where a cursor can be."""
        while self._inside_character(index):
            index -= 1
        for number, (start, end) in reversed(list(enumerate(self.lines()))):
            if start <= index:
                return number, min(index, end) - start
        raise AssertionError(index)

    def index(self, place: Place) -> int:
        """Where a place is; one behind a line's end is the end of that line."""
        line, character = place
        lines = self.lines()
        if line >= len(lines):
            return len(self.units)
        start, end = lines[line]
        return min(start + character, end)

    def change(self, first: int, last: int, insert: str) -> ContentChange:
        """Replace between two cursors, and say so as an editor would."""
        start, end = self.place(min(first, last)), self.place(max(first, last))
        self.replace(start, end, insert)
        return ContentChange(start, end, insert)

    def replace(self, start: Place, end: Place, insert: str) -> None:
        self.units[self.index(start) : self.index(end)] = self._encode(insert)

    def replace_all(self, edits: list[tuple[Place, Place, str]]) -> None:
        """Several edits at once: each one's places are those of the text before all of them."""
        for start, end, insert in sorted(edits, reverse=True):
            self.replace(start, end, insert)

    def _inside_character(self, index: int) -> bool:
        if not 0 < index < len(self.units):
            return False
        before, unit = self.units[index - 1], self.units[index]
        if self.encoding is Encoding.UTF8:
            return 0x80 <= unit <= 0xBF
        if self.encoding is Encoding.UTF16:
            return 0xD800 <= before <= 0xDBFF and 0xDC00 <= unit <= 0xDFFF
        return False

    def _encode(self, text: str) -> list[int]:
        if self.encoding is Encoding.UTF8:
            return list(text.encode("utf-8", "surrogatepass"))
        if self.encoding is Encoding.UTF16:
            data = text.encode("utf-16-be", "surrogatepass")
            return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]
        return list(map(ord, text))
