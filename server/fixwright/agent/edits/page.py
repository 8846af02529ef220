"""A text as edits see it: lines without their endings."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from fixwright.workspace.lines import END_OF_LINE
from fixwright.workspace.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Page:
    """The lines of a text, and where they stand; immutable.

    What follows the last line ending is a line only if it holds anything, so an empty text has
    none.
    """

    def __init__(self, text: Text) -> None:
        self.text = text
        lines = unified(text.value).split("\n")
        self.closed = not lines[-1]  # ends with a line ending, or is empty
        if self.closed:
            lines.pop()
        self.lines: tuple[str, ...] = tuple(lines)
        self._keyed: dict[Callable[[str], str], list[str]] = {}

    @cached_property
    def flat(self) -> str:
        r"""All lines, each ended by ``\n``."""
        return "".join(f"{line}\n" for line in self.lines)

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *accumulate(len(line) + 1 for line in self.lines)]

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        places = defaultdict[str, list[int]](list)
        for number, line in enumerate(self.lines):
            places[line].append(number)
        return places

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset of `flat`."""
        line = bisect_right(self._starts, offset) - 1
        return line, offset - self._starts[line]

    def keyed(self, key: Callable[[str], str]) -> list[str]:
        """`key` of every line; remembered."""
        if key not in self._keyed:
            self._keyed[key] = [key(line) for line in self.lines]
        return self._keyed[key]

    def only_place(self, lines: Sequence[str]) -> int | None:
        """Where a run of lines stands, if it does exactly once."""
        if not lines:
            return None
        rarest = min(range(len(lines)), key=lambda n: len(self._places.get(lines[n], ())))
        wanted = tuple(lines)
        found = [
            number - rarest
            for number in self._places.get(lines[rarest], ())
            if number >= rarest
            and self.lines[number - rarest : number - rarest + len(wanted)] == wanted
        ]
        return found[0] if len(found) == 1 else None


def unified(text: str) -> str:
    r"""With ``\n`` for every line ending."""
    return END_OF_LINE.sub("\n", text) if "\r" in text else text


def runs(lines: Sequence[str], wanted: Sequence[str], limit: int) -> list[int]:
    """Where a run of lines stands, overlapping ones too; at most `limit` places."""
    places = list[int]()
    at = -1
    last = len(lines) - len(wanted)
    while len(places) < limit:
        try:
            at = lines.index(wanted[0], at + 1, last + 1) if last >= 0 else last
        except ValueError:
            break
        if at < 0:
            break
        if list(lines[at : at + len(wanted)]) == list(wanted):
            places.append(at)
    return places
