"""Output kept within a bound: its head and its tail."""

from __future__ import annotations

from collections import deque

from .events import Captured


class Capture:
    """Collects one stream; memory stays within twice the bound however much comes."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._total = 0

    def add(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        self._total += len(data)
        room = self._bound - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if not data:
            return
        data = data[-self._bound :]
        self._tail.append(data)
        self._tail_size += len(data)
        while self._tail_size - len(self._tail[0]) >= self._bound:
            self._tail_size -= len(self._tail.popleft())

    def result(self) -> Captured:
        """What was kept."""
        tail = b"".join(self._tail)[-self._bound :] if self._tail else b""
        return Captured(head=bytes(self._head), tail=tail, total=self._total)
