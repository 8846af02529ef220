"""The files that wait to be read, the most wanted first."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

OPEN, NEAR, REST = 0, 1, 2
"""Priorities: open in the editor, beside such a file, and the others, the last changed first.

What changed last is what git would call modified, and asking git itself would run the filters that
a repository names.
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Files that are read by one worker, one after the other."""

    priority: int
    paths: tuple[str, ...]


class Waiting:
    """A queue of paths; each is in it once."""

    def __init__(self, *, backwards: bool = False) -> None:
        """An empty queue.

        Args:
            backwards: the oldest of the rest first: for the second of two processes with the same
                work, so that they meet in the middle and each finds the other's half done.
        """
        self._sign = 1 if backwards else -1
        self._heap: list[tuple[int, int, str]] = []
        self._sizes: dict[str, tuple[int, int]] = {}
        self._open: frozenset[str] = frozenset()
        self._near: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self._sizes)

    def add(self, path: str, size: int, changed: int) -> None:
        """One more path; `size` in bytes, `changed` in nanoseconds."""
        self._sizes[path] = (size, changed)
        heapq.heappush(self._heap, self._entry(path, changed))

    def add_first(self, path: str) -> None:
        """One more path, of which somebody said that it changed."""
        self._sizes[path] = (0, 0)
        heapq.heappush(self._heap, (OPEN, 0, path))

    def _entry(self, path: str, changed: int) -> tuple[int, int, str]:
        if path in self._open:
            return OPEN, 0, path
        priority = NEAR if path.rpartition("/")[0] in self._near else REST
        return priority, self._sign * changed, path

    def remove(self, path: str) -> None:
        """It need not be read any more."""
        self._sizes.pop(path, None)

    def focus(self, paths: Iterable[str]) -> None:
        """These are open in the editor."""
        self._open = frozenset(paths)
        self._near = frozenset(path.rpartition("/")[0] for path in self._open)
        self._heap = [self._entry(path, changed) for path, (_, changed) in self._sizes.items()]
        heapq.heapify(self._heap)

    def take(self, size: int, busy: Iterable[str]) -> Batch | None:
        """The next files, of about `size` bytes together and one priority; none that is `busy`."""
        chosen: list[str] = []
        later: list[tuple[int, int, str]] = []
        total = 0
        first = REST
        while self._heap and total < size:
            entry = heapq.heappop(self._heap)
            priority, _, path = entry
            if path not in self._sizes:
                continue  # it was taken before, or removed
            if path in busy:
                later.append(entry)
                continue
            if chosen and priority != first:
                later.append(entry)
                break
            first = priority
            chosen.append(path)
            total += self._sizes.pop(path)[0]
        for entry in later:
            heapq.heappush(self._heap, entry)
        return Batch(first, tuple(chosen)) if chosen else None
